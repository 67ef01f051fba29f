//! Agents, checks, seeds, and sessions for evaluation only.

use pome_wire::control::{
    Agent, CompileSeed, CompiledSeed, EvalSession, EvalSessionRequest, RegisterAgent, WireChecks,
};
use serde_json::{Map, Value};

use crate::client::{Client, LONG};
use crate::error::{Cause, Error};

/// What came of registering an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    /// It is registered.
    Registered(Box<Agent>),
    /// Another agent is called almost the same; this is its slug, when the server says it.
    NearMiss(Option<String>),
}

impl Client {
    /// Registers an agent, or finds it.
    pub fn register_agent(&self, document: &RegisterAgent) -> Result<Registration, Error> {
        let request = self.with_body("register the agent", &["agents"], document)?;
        match self.json(&request) {
            Ok(agent) => Ok(Registration::Registered(Box::new(agent))),
            Err(Error { cause: Cause::Refused { status: 409, details, .. }, .. }) if !document.confirm => {
                Ok(Registration::NearMiss(details.as_ref().and_then(suggestion)))
            }
            Err(error) if error.status() == Some(404) => {
                Err(request.fails(Cause::Unsupported("this server does not support agents")))
            }
            Err(error) => Err(error),
        }
    }

    /// The checks of a twin as the server has them.
    pub fn checks(&self, twin: &str) -> Result<WireChecks, Error> {
        let mut request = self.request("compare the checks with the server's", "GET", &["checks"]);
        request.url.query_pairs_mut().append_pair("twin", twin);
        self.json(&request)
    }

    /// Has a seed written by a model of the server.
    pub fn compile_seed(&self, document: &CompileSeed) -> Result<CompiledSeed, Error> {
        let mut request = self.with_body("compile the seed", &["scenarios", "compile-seed"], document)?;
        request.patience = LONG;
        self.json(&request)
    }

    /// Opens a session without twins, for uploads and evaluation.
    pub fn eval_session(&self, agent: &str, task_name: &str) -> Result<EvalSession, Error> {
        let document = EvalSessionRequest { agent: agent.to_owned(), task_name: task_name.to_owned() };
        let request = self.with_body("open a session for evaluation", &["eval-sessions"], &document)?;
        self.json(&request).map_err(|error| {
            if error.is_missing_route() {
                return request.fails(Cause::Unsupported("this server is too old to judge finished runs"));
            }
            error
        })
    }
}

fn suggestion(details: &Map<String, Value>) -> Option<String> {
    let listed = details.get("suggestions").and_then(|list| list.get(0));
    [details.get("suggestion"), details.get("slug"), listed]
        .into_iter()
        .flatten()
        .find_map(Value::as_str)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_suggestion_is_read_wherever_it_stands() {
        for details in [json!({"suggestion": "a"}), json!({"slug": "a"}), json!({"suggestions": ["a", "b"]})] {
            assert_eq!(suggestion(details.as_object().unwrap()).as_deref(), Some("a"));
        }
        assert_eq!(suggestion(json!({"suggestions": []}).as_object().unwrap()), None);
    }
}
