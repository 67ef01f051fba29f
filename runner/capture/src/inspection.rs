//! Which connections end in the proxy, and what they end with.

use std::fmt;
use std::sync::Arc;

use rustls::{ClientConfig, ServerConfig};

use crate::authority::{Authority, AuthorityError, Roots};
use crate::hosts::Hosts;
use crate::route::{Destination, Route};

/// The connections that end in the proxy: those to models that are to be read, and those that go elsewhere. All others stay blind
/// tunnels.
pub struct Inspection {
    authority: Authority,
    roots: Roots,
    /// Empty unless model calls are read.
    models: Hosts,
    reads: bool,
    routes: Vec<Route>,
}

/// Whether and how one connection ends in the proxy. The default is a blind tunnel.
#[derive(Debug, Clone, Default)]
pub(crate) struct End {
    /// Whether the proxy ends TLS.
    pub(crate) opens: bool,
    /// Where its requests go instead of the host that was asked for.
    pub(crate) to: Option<Destination>,
    /// Whether each request becomes a row of its own.
    pub(crate) reads: bool,
    /// Whether it is a model's host, whose paths hold no secrets.
    pub(crate) is_model: bool,
}

impl End {
    /// Calls of a twin are recorded by the twin.
    pub(crate) fn is_twin(&self) -> bool {
        matches!(self.to, Some(Destination::Twin(_)))
    }
}

impl Inspection {
    /// `models`: the hosts whose calls are read, if any are. The first route of a host counts.
    pub fn new(models: Option<Hosts>, routes: Vec<Route>, roots: Roots) -> Result<Self, AuthorityError> {
        let reads = models.is_some();
        let models = models.unwrap_or_default();
        let authority = Authority::new(models.names().chain(routes.iter().map(|route| route.host.as_str())))?;
        Ok(Self { authority, roots, models, reads, routes })
    }

    /// The certificate that the agent has to trust, as PEM.
    pub fn certificate(&self) -> String {
        self.authority.pem()
    }

    /// The roots of the system, as PEM: for programs that replace their list instead of adding to it.
    pub fn system_roots(&self) -> String {
        self.roots.pem()
    }

    /// Whether the system has no roots at all: then no TLS connection to a real host can be verified.
    pub fn is_rootless(&self) -> bool {
        self.roots.is_empty()
    }

    /// Absent: the connection stays a blind tunnel.
    pub(crate) fn end(&self, host: &str) -> Option<End> {
        let is_model = self.models.contains(host);
        match self.routes.iter().find(|route| route.host == host) {
            Some(route) => {
                let reads = self.reads && !matches!(route.to, Destination::Twin(_));
                Some(End { opens: true, to: Some(route.to.clone()), reads, is_model })
            }
            None => (self.reads && is_model).then_some(End { opens: true, to: None, reads: true, is_model }),
        }
    }

    pub(crate) fn server(&self, host: &str) -> Result<Arc<ServerConfig>, AuthorityError> {
        self.authority.server(host)
    }

    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.roots.client)
    }
}

impl fmt::Debug for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspection").field("models", &self.models).field("routes", &self.routes).finish_non_exhaustive()
    }
}
