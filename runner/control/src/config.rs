//! What a server is started with. Nothing is read from the environment after this.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pome_sandbox::Component;

use crate::secrets::Secrets;

/// Who judges hosted runs unless the client asks for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evaluation {
    /// The client, which sends its result.
    Client,
    /// This server, at `/finalize`.
    Server,
}

impl Evaluation {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// Everything a server needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What addresses that are handed out start with, without a slash at the end. Absent: `http://<listen>`, or
    /// loopback when that is every address of the machine.
    pub public_url: Option<String>,
    /// The folder of the embedded database and of blobs.
    pub data_dir: PathBuf,
    /// Address of a `PostgreSQL` database that several hosts may share. Absent: `SQLite` in `data_dir`.
    pub database_url: Option<String>,
    /// Address of an object store (`s3://bucket/prefix`). Absent: a folder in `data_dir`.
    pub blobs_url: Option<String>,
    /// Options of the object store by their names, as from the environment (`aws_endpoint`, `aws_access_key_id`, ...).
    pub blob_options: Vec<(String, String)>,
    /// What everything is signed with; the same for all hosts that share a database.
    pub secrets: Secrets,
    /// Most active sessions of a team without a limit of its own.
    pub max_sessions: u32,
    /// Life of a session that asks for none.
    pub session_ttl: Duration,
    /// Who judges.
    pub evaluation: Evaluation,
    /// Whether `/cli-auth` signs in without asking; only for loopback.
    pub auto_approve: bool,
    /// The twins, by their ids.
    pub components: Vec<Component>,
    /// Where other hosts reach this one (`http://address:port`). Absent: the address it listens on, which must then be
    /// one when the database is shared.
    pub host_url: Option<String>,
    /// Version of the program.
    pub version: String,
    /// Endpoint of a model for criteria that need one, as for `pome run`: variables by name.
    pub judge: Vec<(String, String)>,
}

/// A [`Config`] that everybody holds.
pub(crate) type Shared = Arc<Config>;
