//! A running control plane: what is opened in which order, and how it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pome_gateway::Front;
use tokio::net::TcpListener;

use crate::api;
use crate::blobs::{Blobs, BlobsError};
use crate::config::Config;
use crate::hosting::{Hosting, HostingError};
use crate::keys::{self, KeyError};
use crate::pages;
use crate::server;
use crate::state::Control;
use crate::store::{Store, StoreError};

/// Name of the embedded database in the data directory.
pub(crate) const DATABASE: &str = "pome.db";

/// Descriptors that a server with many connections needs.
const DESCRIPTORS: u64 = 65_536;

/// The control plane cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data directory cannot be made.
    #[error("cannot make the data directory `{path}`")]
    Folder {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A server that keeps its database in the data directory is alone in it, and there is one already.
    #[error("another server uses the data directory `{path}`")]
    Taken {
        /// The directory.
        path: PathBuf,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Other hosts cannot be told where this one is.
    #[error("other servers of this database cannot reach this one at `{0}`, which is every address of its machine")]
    Unreachable(SocketAddr),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The object store cannot be used.
    #[error(transparent)]
    Blobs(#[from] BlobsError),
    /// The first key cannot be made.
    #[error("cannot make the first key")]
    Key(#[from] KeyError),
    /// Sessions cannot be hosted.
    #[error(transparent)]
    Hosting(#[from] HostingError),
}

/// A running control plane. Dropping it closes everything at once; [`Server::stop`] lets answers leave first.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    public_url: String,
    first_key: Option<String>,
    front: Front,
    hosting: Hosting,
    /// Held as long as the server runs.
    _alone: Option<File>,
}

/// Makes the data directory, for its owner only.
pub fn data_dir(path: &Path) -> Result<(), ServeError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| ServeError::Folder { path: path.to_owned(), source })
}

/// Makes sure that no other server has its database in the directory. A server that is killed lets go of it.
fn alone(data_dir: &Path) -> Result<File, ServeError> {
    self::data_dir(data_dir)?;
    let failed = |source| ServeError::Folder { path: data_dir.to_owned(), source };
    let lock = data_dir.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServeError::Taken { path: data_dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Opens the database of a server, which is made if need be.
pub(crate) async fn store(data_dir: &Path, database_url: Option<&str>) -> Result<Store, ServeError> {
    self::data_dir(data_dir)?;
    Ok(match database_url {
        Some(url) => Store::url(url).await?,
        None => Store::file(&data_dir.join(DATABASE)).await?,
    })
}

impl Server {
    /// Opens the database, makes this process known to others, and listens.
    pub async fn start(config: Config) -> Result<Self, ServeError> {
        if config.database_url.is_some() && config.host_url.is_none() && config.listen.ip().is_unspecified() {
            return Err(ServeError::Unreachable(config.listen));
        }
        raise_descriptors();
        // Whoever embeds a server may have chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let alone = match &config.database_url {
            Some(_) => None,
            None => Some(alone(&config.data_dir)?),
        };
        let store = store(&config.data_dir, config.database_url.as_deref()).await?;
        let listen = |source| ServeError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let public_url = match &config.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", reachable(address)),
        };
        let host_url = config.host_url.clone().unwrap_or_else(|| format!("http://{address}"));
        let hosting = Hosting::start(&config, &store, &public_url, host_url.trim_end_matches('/')).await?;
        let blobs = Blobs::open(&config)?;
        let first_key = keys::first_start(&store).await?;
        let control = Control::new(config, &public_url, store, blobs, hosting.clone());
        crate::sweeper::start(&control);
        let router = api::router(Arc::clone(&control), pages::router(Arc::clone(&control)));
        let front = server::start(listener, hosting.clone(), control.metrics.clone(), router);
        Ok(Self { address, public_url, first_key, front, hosting, _alone: alone })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What addresses that it hands out start with.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The first key, when this start made it. To be shown once and kept nowhere.
    pub fn first_key(&self) -> Option<&str> {
        self.first_key.as_deref()
    }

    /// Accepts nothing more, lets answers under way leave, and gives its sessions up, so that others, or the next start, take them.
    pub async fn stop(self) {
        self.front.stop().await;
        if let Err(error) = self.hosting.leave().await {
            tracing::warn!(error = %error, "the sessions of this host could not be given up; others wait until its time is over");
        }
    }
}

/// Where a listener is reached from its own machine: nobody can be at an address that stands for all of them.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The usual soft limit is meant for programs that use `select`.
fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(DESCRIPTORS, |maximum| maximum.min(DESCRIPTORS));
    if limit.current.is_some_and(|current| current < wanted) {
        // With fewer, connections wait; that is no reason not to start.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_shares_its_database_says_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = crate::tests::config(folder.path());
        config.listen = ([0, 0, 0, 0], 0).into();
        config.database_url = Some("postgres://nobody@127.0.0.1:1/nothing".to_owned());
        let refused = Server::start(config.clone()).await.unwrap_err();
        assert!(matches!(refused, ServeError::Unreachable(address) if address == config.listen), "{refused:?}");
        config.host_url = Some("http://127.0.0.1:8787".to_owned());
        assert!(
            matches!(Server::start(config).await.unwrap_err(), ServeError::Store(_)),
            "the next thing is the database"
        );
    }

    #[test]
    fn an_address_that_is_handed_out_is_one_that_can_be_reached() {
        for (listens, reached) in [
            ("0.0.0.0:8787", "127.0.0.1:8787"),
            ("[::]:8787", "[::1]:8787"),
            ("10.0.0.7:80", "10.0.0.7:80"),
            ("127.0.0.1:80", "127.0.0.1:80"),
        ] {
            assert_eq!(reachable(listens.parse().unwrap()).to_string(), reached);
        }
    }
}
