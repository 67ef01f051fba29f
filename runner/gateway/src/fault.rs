//! Faults that a seed asks for: answers replaced on the n-th matching call.

use std::collections::HashMap;
use std::time::Duration;

use pome_sandbox::{Description, FaultShape, Header};
use serde_json::Value;

/// What a seed asks for. Counting is apart, in [`Faults`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    injections: Vec<Injection>,
    named: Vec<Named>,
}

/// A line of `failure_injection`: the answer is written out.
#[derive(Debug, Clone)]
struct Injection {
    method: String,
    path: String,
    attempt: u64,
    before: bool,
    status: u16,
    body: Vec<u8>,
}

/// A line of `faults`: the answer is the twin's, by name.
#[derive(Debug, Clone)]
struct Named {
    shape: FaultShape,
    target: Target,
    succeed_first: u64,
    /// Absent: for good.
    throttle_for: Option<u64>,
}

#[derive(Debug, Clone)]
enum Target {
    Everything,
    /// `METHOD /pattern` with `:param` segments and `*` for the rest.
    Route {
        method: String,
        pattern: String,
    },
    /// A tool, or an action whichever door it is called through.
    Name(String),
}

/// The rules of one world and how often each was met.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Rules,
    attempts: HashMap<(String, String, String), u64>,
    calls: Vec<u64>,
}

/// The answer that takes the place of the twin's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) status: u16,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Vec<u8>,
    /// The call is carried out before its answer is replaced.
    pub(crate) after: bool,
    pub(crate) delay: Duration,
    /// No answer at all: the connection is closed.
    pub(crate) close: bool,
}

impl Rules {
    pub(crate) fn parse(
        injections: Option<Value>,
        faults: Option<Value>,
        description: &Description,
    ) -> Result<Self, String> {
        Ok(Self {
            injections: list("failure_injection", injections, injection)?,
            named: list("faults", faults, |line| named(line, description))?,
        })
    }
}

impl Faults {
    pub(crate) fn new(rules: Rules) -> Self {
        let calls = vec![0; rules.named.len()];
        Self { rules, attempts: HashMap::new(), calls }
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.injections.is_empty() && self.rules.named.is_empty()
    }

    /// Counts a request and says what happens to it.
    pub(crate) fn request(&mut self, sid: &str, method: &str, path: &str, description: &Description) -> Option<Hit> {
        let path = description.below_mounts(path);
        let matches = |rule: &&Injection| rule.method == method && description.below_mounts(&rule.path) == path;
        let mut hit = None;
        if self.rules.injections.iter().any(|rule| matches(&rule)) {
            let key = (sid.to_owned(), method.to_owned(), path.to_owned());
            let attempt = self.attempts.entry(key).or_default();
            *attempt += 1;
            let now = *attempt;
            hit = self.rules.injections.iter().filter(matches).find(|rule| rule.attempt == now).map(Injection::hit);
        }
        let action = description
            .routes
            .iter()
            .find(|route| route.method == method && covers(&route.path, path))
            .map(|route| route.action.as_str());
        let named = self.count(|target| match target {
            Target::Everything => true,
            Target::Route { method: wanted, pattern } => {
                wanted == method && covers(description.below_mounts(pattern), path)
            }
            Target::Name(name) => action == Some(name.as_str()),
        });
        hit.or(named)
    }

    /// Counts a tool call and says what happens to it.
    pub(crate) fn tool(&mut self, name: &str, description: &Description) -> Option<Hit> {
        let action = description.tools.iter().find(|tool| tool.name == name).map(|tool| tool.action.as_str());
        self.count(|target| match target {
            Target::Everything => true,
            Target::Route { .. } => false,
            Target::Name(wanted) => wanted == name || action == Some(wanted.as_str()),
        })
    }

    fn count(&mut self, matches: impl Fn(&Target) -> bool) -> Option<Hit> {
        let mut hit = None;
        for (rule, calls) in self.rules.named.iter().zip(&mut self.calls).filter(|(rule, _)| matches(&rule.target)) {
            *calls += 1;
            let over = calls.checked_sub(rule.succeed_first + 1);
            let fires = over.is_some_and(|over| rule.throttle_for.is_none_or(|most| over < most));
            if fires && hit.is_none() {
                hit = Some(rule.hit());
            }
        }
        hit
    }
}

impl Injection {
    fn hit(&self) -> Hit {
        Hit {
            status: self.status,
            headers: vec![Header::new("content-type", "application/json; charset=utf-8")],
            body: self.body.clone(),
            after: !self.before,
            delay: Duration::ZERO,
            close: false,
        }
    }
}

impl Named {
    fn hit(&self) -> Hit {
        Hit {
            status: self.shape.status,
            headers: self.shape.headers.clone(),
            body: self.shape.body.clone(),
            after: self.shape.after_handler,
            delay: Duration::from_millis(self.shape.delay_ms.into()),
            close: self.shape.name == "timeout",
        }
    }
}

/// The text of an error body, as event rows show it.
pub(crate) fn error_text(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let found = body.get("message").or_else(|| body.pointer("/error/message")).and_then(Value::as_str);
    found.unwrap_or("request failed").to_owned()
}

/// Whether a pattern with `:name`, `{name}`, `{name...}` or `*` segments covers a path.
fn covers(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.trim_start_matches('/').split('/'), path.trim_start_matches('/').split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) | (Some("*"), _) => return true,
            (Some(tail), Some(_)) if tail.starts_with('{') && tail.ends_with("...}") => return true,
            (Some(wanted), Some(part)) => {
                let any = wanted.starts_with(':') || (wanted.starts_with('{') && wanted.ends_with('}'));
                if (!any || part.is_empty()) && crate::uri::decode(part) != wanted {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

fn list<T>(key: &str, value: Option<Value>, parse: impl Fn(&Value) -> Result<T, String>) -> Result<Vec<T>, String> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(lines)) => lines
            .iter()
            .enumerate()
            .map(|(index, line)| parse(line).map_err(|reason| format!("{key}[{index}].{reason}")))
            .collect(),
        Some(_) => Err(format!("{key}: expected an array")),
    }
}

fn text<'a>(line: &'a Value, key: &str) -> Result<&'a str, String> {
    let found = line.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    found.ok_or_else(|| format!("{key}: expected a text that is not empty"))
}

fn number(line: &Value, key: &str) -> Result<Option<u64>, String> {
    match line.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            value.as_u64().map(Some).ok_or_else(|| format!("{key}: expected a whole number, found `{value}`"))
        }
    }
}

fn injection(line: &Value) -> Result<Injection, String> {
    let attempt = number(line, "attempt")?.filter(|attempt| *attempt >= 1);
    let status = number(line, "status")?.and_then(|status| u16::try_from(status).ok());
    let before = match line.get("mode").and_then(Value::as_str) {
        None | Some("after_handler") => false,
        Some("before_handler") => true,
        Some(other) => return Err(format!("mode: expected `before_handler` or `after_handler`, found `{other}`")),
    };
    Ok(Injection {
        method: text(line, "method")?.to_uppercase(),
        path: text(line, "path")?.to_owned(),
        attempt: attempt.ok_or("attempt: expected a whole number from 1 on")?,
        before,
        status: status
            .filter(|status| (200..=599).contains(status))
            .ok_or("status: expected an HTTP status from 200 to 599")?,
        body: line.get("body").map_or_else(|| b"null".to_vec(), |body| body.to_string().into_bytes()),
    })
}

fn named(line: &Value, description: &Description) -> Result<Named, String> {
    let name = text(line, "name")?;
    let mut shape = description.faults.iter().find(|fault| fault.name == name).cloned().ok_or_else(|| {
        let known: Vec<&str> = description.faults.iter().map(|fault| fault.name.as_str()).collect();
        format!("name: twin `{}` has no fault `{name}`; it has: {}", description.id, known.join(", "))
    })?;
    if let Some(seconds) = number(line, "retryAfterSeconds")? {
        shape.headers.retain(|header| header.name != "retry-after");
        shape.headers.push(Header::new("retry-after", seconds.to_string()));
    }
    let target = match text(line, "target")? {
        "*" => Target::Everything,
        target => match target.split_once(' ') {
            Some((method, pattern)) => {
                Target::Route { method: method.to_uppercase(), pattern: pattern.trim().to_owned() }
            }
            None => Target::Name(target.to_owned()),
        },
    };
    Ok(Named {
        shape,
        target,
        succeed_first: number(line, "succeedFirst")?.unwrap_or(0),
        throttle_for: number(line, "throttleFor")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_the_paths_they_describe() {
        let cases = [
            ("/repos/:owner/:repo/issues", "/repos/acme/api/issues", true),
            ("/repos/:owner/:repo/issues", "/repos/acme/api/issues/1", false),
            ("/repos/:owner/:repo/issues", "/repos//api/issues", false),
            ("/repos/*", "/repos/acme/api/issues/1", true),
            ("/repos/{owner}/{repo}/contents/{path...}", "/repos/a/b/contents/src/x", true),
            ("/user", "/user", true),
            ("/user", "/users", false),
            ("*", "/anything/at/all", true),
            ("/a b", "/a%20b", true),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(covers(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_rule_that_is_not_understood_names_its_place() {
        let parse =
            |text: &str| list("failure_injection", Some(serde_json::from_str(text).unwrap()), injection).unwrap_err();
        assert_eq!(parse("{}"), "failure_injection: expected an array");
        assert_eq!(
            parse("[{}]"),
            "failure_injection[0].attempt: expected a whole number from 1 on"
                .replace("attempt: expected a whole number from 1 on", "method: expected a text that is not empty")
        );
        assert!(parse(r#"[{"method":"GET","path":"/","attempt":0,"status":500}]"#).contains("[0].attempt"));
        assert!(parse(r#"[{"method":"GET","path":"/","attempt":1,"status":99}]"#).contains("[0].status"));
        assert!(parse(r#"[{"method":"GET","path":"/","attempt":1,"status":500,"mode":"x"}]"#).contains("[0].mode"));
    }
}
