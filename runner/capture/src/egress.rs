//! Which hosts a tunnel may go to: deny by default.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use pome_wire::env;
use pome_wire::host::{is_this_machine, normal};

use crate::hosts::Hosts;

/// Model providers that every agent may reach.
const BASE: [&str; 6] = [
    "*.anthropic.com",
    "anthropic.com",
    "api.openai.com",
    "generativelanguage.googleapis.com",
    "openrouter.ai",
    "ai-gateway.vercel.sh",
];

/// Variables that hold the address of a model provider.
const PROVIDER_ADDRESSES: [&str; 4] =
    [env::ANTHROPIC_BASE_URL, env::OPENAI_BASE_URL, env::OPENAI_API_BASE, env::LLM_BASE_URL];

/// Where a tunnel is to go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// Lower case, without brackets and without a trailing dot.
    pub host: String,
    /// 1..=65535.
    pub port: u16,
}

impl Target {
    /// Reads `host:port` or `[ipv6]:port`.
    pub fn parse(authority: &str) -> Option<Self> {
        let (host, port) = authority.rsplit_once(':')?;
        let port = port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse::<u16>().ok()).flatten()?;
        let host = match host.strip_prefix('[') {
            Some(rest) => {
                let address = rest.strip_suffix(']')?;
                address.parse::<Ipv6Addr>().ok()?;
                address
            }
            None if host.contains([':', ']', '@', '/']) => return None,
            None => host,
        };
        let host = normal(host);
        (port != 0 && !host.is_empty()).then_some(Self { host, port })
    }

    /// `host:port` with brackets around an IPv6 address.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// The hosts of model providers: what the proxy may look into when it is asked to.
pub fn model_hosts(environment: &BTreeMap<String, String>) -> Hosts {
    let mut hosts = Hosts::default();
    hosts.add_all(BASE);
    for name in PROVIDER_ADDRESSES {
        if let Some(host) = environment.get(name).and_then(|url| host_of(url)) {
            hosts.add(&host);
        }
    }
    hosts
}

/// The allow list. Ports never matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressPolicy {
    hosts: Hosts,
    /// What of this machine may be reached; absent: all of it.
    here: Option<Hosts>,
}

impl EgressPolicy {
    /// The base list alone.
    pub fn base() -> Self {
        let mut policy = Self::default();
        policy.allow_all(BASE);
        policy
    }

    /// Only what a list such as `POME_EGRESS_ALLOW` names, separated by commas.
    pub fn named(list: Option<&str>) -> Self {
        let mut policy = Self::default();
        policy.allow_all(list.unwrap_or_default().split(','));
        policy
    }

    /// The base list, the provider addresses and `POME_EGRESS_ALLOW` of an environment.
    pub fn from_environment(environment: &BTreeMap<String, String>) -> Self {
        let mut policy = Self { hosts: model_hosts(environment), here: None };
        if let Some(list) = environment.get(env::EGRESS_ALLOW) {
            policy.allow_all(list.split(','));
        }
        policy
    }

    /// The same hosts, but of this machine only what a list such as `POME_EGRESS_ALLOW` names; `*` does not mean it.
    #[must_use]
    pub fn without_this_machine_but(self, list: Option<&str>) -> Self {
        let mut here = Hosts::default();
        here.add_all(list.unwrap_or_default().split(',').filter(|pattern| pattern.trim() != "*"));
        Self { here: Some(here), ..self }
    }

    /// Adds a pattern: a host, `*.suffix` (any depth, not the apex) or `*`.
    pub fn allow(&mut self, pattern: &str) {
        self.hosts.add(pattern);
    }

    /// Adds several patterns.
    pub fn allow_all<'a>(&mut self, patterns: impl IntoIterator<Item = &'a str>) {
        self.hosts.add_all(patterns);
    }

    /// Whether a tunnel may go there.
    pub fn allows(&self, target: &Target) -> bool {
        self.allows_host(&target.host)
    }

    /// Whether something may go to a host: lower case, without brackets and without a trailing dot.
    pub fn allows_host(&self, host: &str) -> bool {
        match &self.here {
            _ if !is_this_machine(host) => self.hosts.contains(host),
            Some(here) => here.contains(host),
            None => true,
        }
    }

    /// Whether a name that is allowed may lead to an address. Who owns a name can make it lead to this machine.
    pub(crate) fn allows_address(&self, host: &str, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let is_here = address.is_loopback() || address.is_unspecified();
        !is_here || self.here.as_ref().is_none_or(|here| here.contains(host))
    }
}

fn host_of(url: &str) -> Option<String> {
    let uri: hyper::Uri = url.trim().parse().ok()?;
    uri.host().map(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(host: &str) -> Target {
        Target::parse(&format!("{host}:443")).expect("a target")
    }

    #[test]
    fn a_target_is_a_host_and_a_port() {
        assert_eq!(Target::parse("API.OpenAI.com.:443"), Some(Target { host: "api.openai.com".into(), port: 443 }));
        assert_eq!(Target::parse("[::1]:8080"), Some(Target { host: "::1".into(), port: 8080 }));
        for malformed in [
            "example.com",
            "example.com:",
            "example.com:0",
            "example.com:65536",
            "example.com:+1",
            ":443",
            "::1:443",
            "[::1:443",
            "[nonsense]:1",
            "a@b:1",
            "",
        ] {
            assert_eq!(Target::parse(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn nothing_but_providers_and_loopback_is_allowed_by_default() {
        let policy = EgressPolicy::base();
        for host in [
            "api.anthropic.com",
            "a.b.anthropic.com",
            "anthropic.com",
            "api.openai.com",
            "localhost",
            "x.localhost",
            "127.9.9.9",
            "[::1]",
        ] {
            assert!(policy.allows(&to(host)), "{host}");
        }
        for host in [
            "openai.com",
            "evilanthropic.com",
            "api.openai.com.evil.example",
            "128.0.0.1",
            "localhost.example",
            "example.com",
        ] {
            assert!(!policy.allows(&to(host)), "{host}");
        }
    }

    #[test]
    fn a_suffix_pattern_does_not_include_its_apex() {
        let mut policy = EgressPolicy::default();
        policy.allow("*.Example.com.");
        assert!(policy.allows(&to("deep.down.example.com")));
        assert!(!policy.allows(&to("example.com")));
        assert!(!policy.allows(&to("badexample.com")));
    }

    #[test]
    fn this_machine_can_be_left_out_unless_it_is_named() {
        let environment = BTreeMap::from([
            ("OPENAI_BASE_URL".to_owned(), "http://localhost:11434".to_owned()),
            ("POME_EGRESS_ALLOW".to_owned(), "*".to_owned()),
        ]);
        let open = EgressPolicy::from_environment(&environment);
        let closed = open.clone().without_this_machine_but(Some("*"));
        for host in ["localhost", "127.0.0.1", "[::1]", "x.localhost"] {
            assert!(open.allows(&to(host)) && !closed.allows(&to(host)), "{host}");
        }
        assert!(closed.allows(&to("anything.example")));
        let here = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::"];
        for address in here.map(|address| address.parse().expect("an address")) {
            assert!(open.allows_address("anything.example", address), "{address}");
            assert!(!closed.allows_address("anything.example", address), "{address}");
        }
        assert!(closed.allows_address("anything.example", "192.0.2.1".parse().expect("an address")));
        let named = open.without_this_machine_but(Some("localhost, *"));
        assert!(named.allows(&to("localhost")) && !named.allows(&to("127.0.0.1")));
        assert!(named.allows_address("localhost", "127.0.0.1".parse().expect("an address")));
    }

    #[test]
    fn the_environment_adds_hosts() {
        let environment = BTreeMap::from([
            ("OPENAI_BASE_URL".to_owned(), "https://llm.corp.example:8443/v1".to_owned()),
            ("POME_EGRESS_ALLOW".to_owned(), "one.example, *.two.example,".to_owned()),
        ]);
        let policy = EgressPolicy::from_environment(&environment);
        for host in ["llm.corp.example", "one.example", "a.two.example", "api.openai.com"] {
            assert!(policy.allows(&to(host)), "{host}");
        }
        assert!(!policy.allows(&to("two.example")));
        let open = BTreeMap::from([("POME_EGRESS_ALLOW".to_owned(), "*".to_owned())]);
        assert!(EgressPolicy::from_environment(&open).allows(&to("anything.example")));
    }
}
