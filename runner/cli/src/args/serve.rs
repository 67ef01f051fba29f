//! `pome serve` and what an operator does beside it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// The server, or what is done to its accounts.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Serve {
    #[command(subcommand)]
    pub(crate) command: Option<ServeCommand>,
    #[command(flatten)]
    pub(crate) server: ServeFlags,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServeCommand {
    /// API keys, with or without a running server
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Teams, with or without a running server
    #[command(subcommand)]
    Teams(TeamsCommand),
    /// Agents of teams, with or without a running server
    #[command(subcommand)]
    Agents(AgentsCommand),
}

/// Where a server keeps its things.
#[derive(Debug, Args)]
pub(crate) struct ServeWhere {
    /// Folder of the embedded database, of blobs and of the secret
    #[arg(long, value_name = "DIR", default_value = ".pome-server")]
    pub(crate) data_dir: PathBuf,
    /// `PostgreSQL` that several servers share [default: `POME_DATABASE_URL`, else `SQLite` in the data directory]
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeFlags {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787", value_parser = listen)]
    pub(crate) listen: SocketAddr,
    /// What addresses that are handed out start with [default: the address that it listens on]
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    #[command(flatten)]
    pub(crate) place: ServeWhere,
    /// Object store, `s3://bucket/prefix` with the usual `AWS_*` variables [default: a folder in the data directory]
    #[arg(long, value_name = "URL")]
    pub(crate) blobs_url: Option<String>,
    /// File of the secret that servers share [default: `POME_SERVER_SECRET`, else a file in the data directory]
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Where other servers reach this one [default: the address that it listens on]
    #[arg(long, value_name = "URL")]
    pub(crate) host_url: Option<String>,
    /// Most active sessions of a team without a limit of its own
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_sessions: u32,
    /// Life of a session in seconds unless it asks for another
    #[arg(long, value_name = "SECONDS", default_value_t = 1800, value_parser = clap::value_parser!(u64).range(60..=86_400))]
    pub(crate) session_ttl: u64,
    /// Who judges hosted runs
    #[arg(long, value_enum, default_value_t = EvaluationName::Client)]
    pub(crate) evaluation: EvaluationName,
    /// Let `/cli-auth` sign in without asking; only on a loopback address
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Folder of further twin components (`*.wasm`)
    #[arg(long, value_name = "DIR")]
    pub(crate) components: Option<PathBuf>,
    /// Form of the log on standard error
    #[arg(long, value_enum, default_value_t = LogName::Text)]
    pub(crate) log_format: LogName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EvaluationName {
    Client,
    Server,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogName {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key and print it, once
    Add {
        /// Its label
        #[arg(default_value = "key")]
        name: String,
        /// Id or slug of its team [default: the first team]
        #[arg(long)]
        team: Option<String>,
        #[command(flatten)]
        place: ServeWhere,
    },
    /// List keys, without what is secret of them
    List {
        /// Id or slug of a team [default: all]
        #[arg(long)]
        team: Option<String>,
        #[command(flatten)]
        place: ServeWhere,
    },
    /// Revoke a key
    Revoke {
        /// Its id, the first twelve characters
        id: String,
        #[command(flatten)]
        place: ServeWhere,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentsCommand {
    /// List agents
    List {
        /// Id or slug of a team [default: all]
        #[arg(long)]
        team: Option<String>,
        #[command(flatten)]
        place: ServeWhere,
    },
    /// Give an agent another short name; the old one goes on leading to it
    Rename {
        /// The short name that it has
        slug: String,
        /// The one that it gets
        to: String,
        /// Id or slug of its team [default: the first team]
        #[arg(long)]
        team: Option<String>,
        #[command(flatten)]
        place: ServeWhere,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TeamsCommand {
    /// Make a team
    Add {
        /// Its short name
        slug: String,
        /// Its plan
        #[arg(long, default_value = "team")]
        plan: String,
        /// Its own limit of active sessions
        #[arg(long, value_name = "N")]
        max_sessions: Option<u32>,
        #[command(flatten)]
        place: ServeWhere,
    },
    /// List teams
    List {
        #[command(flatten)]
        place: ServeWhere,
    },
}

fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "expected an address with a port, such as `127.0.0.1:8787`, or `0.0.0.0:8787` for all that this machine has"
            .to_owned()
    })
}
