//! Where requests to a host go instead of there.

use std::fmt;
use std::net::SocketAddr;

use pome_wire::host::{is_this_machine, normal};

use crate::egress::{EgressPolicy, Target};

/// One host and where its requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Lower case, without brackets and without a trailing dot.
    pub host: String,
    /// Where to.
    pub to: Destination,
}

/// Where a request is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// To the session of a twin.
    Twin(TwinSession),
    /// To a server that the user names.
    Url(Url),
}

/// The session of a twin that stands in for a host.
#[derive(Clone, PartialEq, Eq)]
pub struct TwinSession {
    /// Where the twin listens.
    pub address: SocketAddr,
    /// Path of the session: `/s/<session>`.
    pub session: String,
    /// What the paths of the host are found under from there: empty, or `/mcp` for a host that serves MCP at its root.
    pub root: String,
    /// Token of the session, which stands in for whatever credential the agent has for the vendor.
    pub token: String,
    /// Addresses in answers start with this host; absent: with the one that was asked.
    pub shown_host: Option<String>,
}

/// `http://127.0.0.1:9000/base`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Whether TLS goes on behind the proxy.
    pub https: bool,
    /// Host and port.
    pub target: Target,
    /// As written, for the `Host` header.
    pub authority: String,
    /// What goes in front of the path, without a slash at its end.
    pub base: String,
}

impl Route {
    /// Reads `HOST=URL`. The message says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (host, url) =
            text.split_once('=').ok_or("expected HOST=URL, as in api.openai.com=http://127.0.0.1:9000")?;
        let host = normal(host.trim());
        if host.is_empty() || host.contains(['/', '*', '@', ' ']) {
            return Err(format!("`{host}` is not a host"));
        }
        Ok(Self { host, to: Destination::Url(Url::parse(url.trim())?) })
    }

    /// Whether the egress rules let requests go there. This machine is always allowed.
    pub fn is_allowed_by(&self, policy: &EgressPolicy) -> bool {
        match &self.to {
            Destination::Twin(_) => true,
            Destination::Url(url) => is_this_machine(&url.target.host) || policy.allows(&url.target),
        }
    }
}

impl Url {
    fn parse(text: &str) -> Result<Self, String> {
        let uri: hyper::Uri = text.parse().map_err(|_| format!("`{text}` is not a URL"))?;
        let https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(format!("`{text}` has to begin with http:// or https://")),
        };
        let authority = uri.authority().ok_or_else(|| format!("`{text}` names no host"))?;
        if authority.as_str().contains('@') {
            return Err(format!("`{text}` must not hold a password"));
        }
        if uri.query().is_some() {
            return Err(format!("`{text}` must not have a query"));
        }
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let target = Target { host: normal(authority.host()), port };
        let base = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { https, target, authority: authority.as_str().to_owned(), base })
    }
}

// The token is not shown.
impl fmt::Debug for TwinSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, session, root, token: _, shown_host } = self;
        write!(f, "TwinSession({address}{session}{root}, {shown_host:?})")
    }
}

/// The address that was given for it.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twin(twin) => write!(f, "http://{}{}{}", twin.address, twin.session, twin.root),
            Self::Url(Url { https, authority, base, .. }) => {
                write!(f, "{}://{authority}{base}", if *https { "https" } else { "http" })
            }
        }
    }
}

impl Destination {
    /// The host that has to be dialled.
    pub fn host(&self) -> String {
        self.target().host
    }

    /// What has to be dialled.
    pub(crate) fn target(&self) -> Target {
        match self {
            Self::Twin(twin) => Target { host: twin.address.ip().to_string(), port: twin.address.port() },
            Self::Url(url) => url.target.clone(),
        }
    }

    /// The path and query to ask for there.
    pub(crate) fn path(&self, asked: &http::Uri) -> String {
        let path = asked.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        match self {
            // A host that serves MCP at its root is asked for `/`; the door has no slash at its end.
            Self::Twin(TwinSession { session, root, .. }) => match path.strip_prefix('/') {
                Some(rest) if !root.is_empty() && (rest.is_empty() || rest.starts_with('?')) => {
                    format!("{session}{root}{rest}")
                }
                _ => format!("{session}{root}{path}"),
            },
            Self::Url(url) => format!("{}{path}", url.base),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_a_host_and_an_address() {
        let route = Route::parse("API.OpenAI.com=http://127.0.0.1:9000/base/").expect("a route");
        let to = Destination::Url(Url {
            https: false,
            target: Target { host: "127.0.0.1".to_owned(), port: 9000 },
            authority: "127.0.0.1:9000".to_owned(),
            base: "/base".to_owned(),
        });
        assert_eq!(route, Route { host: "api.openai.com".to_owned(), to });
        assert_eq!(route.to.to_string(), "http://127.0.0.1:9000/base");
        for wrong in
            ["api.openai.com", "=http://x", "*.x=http://y", "a=ftp://b", "a=b", "a=http://u:p@b", "a=http://b?c"]
        {
            assert!(Route::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_this_machine_and_allowed_hosts_can_be_routed_to() {
        let policy = EgressPolicy::base();
        let allowed = |text: &str| Route::parse(text).expect("a route").is_allowed_by(&policy);
        assert!(allowed("a.example=http://localhost:1") && allowed("a.example=https://api.openai.com"));
        assert!(!allowed("api.openai.com=https://b.example"));
    }

    #[test]
    fn paths_are_found_below_the_session() {
        let twin = |root: &str| {
            let address = SocketAddr::from(([127, 0, 0, 1], 1));
            let (session, root) = ("/s/run".to_owned(), root.to_owned());
            Destination::Twin(TwinSession { address, session, root, token: String::new(), shown_host: None })
        };
        let path = |to: &Destination, uri: &str| to.path(&uri.parse().expect("a URI"));
        assert_eq!(path(&twin(""), "/user?a=1"), "/s/run/user?a=1");
        assert_eq!(path(&twin(""), "http://api.github.com"), "/s/run/");
        assert_eq!(path(&twin("/mcp"), "/"), "/s/run/mcp");
        assert_eq!(path(&twin("/mcp"), "/?a"), "/s/run/mcp?a");
        assert_eq!(path(&twin("/mcp"), "/call"), "/s/run/mcp/call");
    }
}
