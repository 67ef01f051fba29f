//! Opening, listing, keeping alive and ending sessions.

use std::collections::BTreeMap;
use std::time::Duration;

use pome_wire::control::{
    Abandon, Abandoned, CreateSession, CreatedSession, Evaluator, Heartbeat, ProviderCredential, Secret, SeedApplied,
    SessionRow, UNGRADED_SESSION, Ungraded,
};
use serde_json::{Value, json};
use url::Url;

use crate::client::{Bearer, Client, PATIENCE, Request, SHORT, id};
use crate::error::{Cause, Error};

/// A session with an address for each of its twins, whatever the server left out.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenSession {
    /// `ses_...`
    pub id: String,
    /// When it ends by itself.
    pub expires_at: String,
    /// What the twins are called with.
    pub agent_token: Secret,
    /// Tokens in the form of a vendor.
    pub provider_credentials: BTreeMap<String, ProviderCredential>,
    /// Address of the primary twin.
    pub twin_url: String,
    /// The primary one first.
    pub twins: Vec<OpenTwin>,
    /// Who judges.
    pub evaluation: Evaluator,
    /// What the twins started from, when the server says so.
    pub seed_applied: Option<SeedApplied>,
}

/// Where one twin of a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTwin {
    /// Name of the twin.
    pub name: String,
    /// Everything behind it is the vendor's own path. No trailing slash.
    pub api_url: String,
    /// The MCP door.
    pub mcp_url: String,
    /// Description of its routes.
    pub openapi_url: Option<String>,
}

impl OpenSession {
    /// Reads what a server answered. `asked` are the twins of the request; empty when the session was there already.
    fn of(created: CreatedSession, asked: &[String]) -> Result<Self, String> {
        let twin_url = address(&created.twin_url)?;
        let mut known = BTreeMap::new();
        let mut order = Vec::new();
        match &created.per_twin {
            Some(per_twin) => {
                for (name, urls) in per_twin {
                    let api_url = address(&urls.api_url)?;
                    let mcp_url = match urls.mcp_url.trim_end_matches('/') {
                        "" => format!("{api_url}/mcp"),
                        url if url.ends_with("/mcp") => address(url)?,
                        url => format!("{}/mcp", address(url)?),
                    };
                    let openapi_url = Some(urls.openapi_url.clone()).filter(|url| !url.is_empty());
                    order.push(name.clone());
                    known.insert(name.clone(), OpenTwin { name: name.clone(), api_url, mcp_url, openapi_url });
                }
                // The primary one is where the session's own address points.
                order.sort_by_key(|name| known.get(name).is_none_or(|twin| twin.api_url != twin_url));
            }
            None => {
                let name = first_segment(&twin_url).unwrap_or_else(|| "github".to_owned());
                order.push(name.clone());
                known.insert(name.clone(), primary(name, &twin_url, created.openapi_url.clone()));
            }
        }
        let names = if asked.is_empty() { &order } else { asked };
        let twins = names
            .iter()
            .map(|name| known.remove(name).unwrap_or_else(|| primary(name.clone(), &twin_url, None)))
            .collect();
        Ok(Self {
            id: created.session_id,
            expires_at: created.expires_at,
            agent_token: created.agent_token,
            provider_credentials: created.provider_credentials,
            twin_url,
            twins,
            evaluation: created.evaluation.unwrap_or(Evaluator::Client),
            seed_applied: created.seed_applied,
        })
    }
}

fn primary(name: String, twin_url: &str, openapi_url: Option<String>) -> OpenTwin {
    OpenTwin { name, api_url: twin_url.to_owned(), mcp_url: format!("{twin_url}/mcp"), openapi_url }
}

/// The address, when it is one, without a trailing slash.
fn address(text: &str) -> Result<String, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err(format!("`{}` is not an address of a twin", crate::error::strip(text))),
    }
}

fn first_segment(url: &str) -> Option<String> {
    Url::parse(url).ok()?.path_segments()?.next().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// How an attempt to end a session went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It was open and is closed.
    Closed,
    /// It was closed before.
    AlreadyClosed,
    /// It is open still: nothing was graded, and the loss was not confirmed.
    Ungraded(Box<Ungraded>),
}

/// A key that makes asking twice the same as asking once.
pub fn idempotency_key() -> String {
    uuid::Uuid::new_v4().to_string()
}

impl Client {
    /// Opens a session.
    pub fn create_session(&self, document: &CreateSession) -> Result<OpenSession, Error> {
        let request = self.with_body("open a session", &["sessions"], document)?;
        self.opened(&request, &document.twins)
    }

    /// A fresh token for a session that is open, with everything that opening it said.
    pub fn attach(&self, session: &str) -> Result<OpenSession, Error> {
        const ACTION: &str = "attach to the session";
        let request = self.with_body(ACTION, &["sessions", id(ACTION, session)?, "token"], &json!({}))?;
        self.opened(&request, &[]).map_err(|error| {
            if error.is_missing_route() {
                return request.fails(Cause::Unsupported("this server cannot re-attach"));
            }
            error
        })
    }

    fn opened(&self, request: &Request<'_>, asked: &[String]) -> Result<OpenSession, Error> {
        let created: CreatedSession = self.json(request)?;
        OpenSession::of(created, asked).map_err(|problem| request.fails(Cause::NotUnderstood(problem)))
    }

    /// Sessions of the team, newest first; `limit` is 1 to 200.
    pub fn sessions(&self, limit: u32) -> Result<Vec<SessionRow>, Error> {
        let mut request = self.request("list sessions", "GET", &["sessions"]);
        request.url.query_pairs_mut().append_pair("limit", &limit.clamp(1, 200).to_string());
        let mut rows: Vec<SessionRow> = self.json(&request)?;
        rows.iter_mut().for_each(complete);
        Ok(rows)
    }

    /// One session.
    pub fn session(&self, session: &str) -> Result<SessionRow, Error> {
        const ACTION: &str = "look up the session";
        let mut row = self.json(&self.request(ACTION, "GET", &["sessions", id(ACTION, session)?]))?;
        complete(&mut row);
        Ok(row)
    }

    /// Keeps a session alive; nothing when the server has no such thing, and then there is no point in asking again.
    pub fn heartbeat(&self, session: &str) -> Result<Option<Heartbeat>, Error> {
        const ACTION: &str = "keep the session alive";
        let request = self.with_body(ACTION, &["sessions", id(ACTION, session)?, "heartbeat"], &json!({}))?;
        match self.json(&request) {
            Ok(heartbeat) => Ok(Some(heartbeat)),
            Err(error) if error.is_missing_route() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives a session up, with a word that says why.
    pub fn abandon(&self, session: &str, error_code: &str) -> Result<Abandoned, Error> {
        const ACTION: &str = "abandon the session";
        let document = Abandon { error_code: Some(error_code.to_owned()) };
        let mut request = self.with_body(ACTION, &["sessions", id(ACTION, session)?, "abandon"], &document)?;
        request.patience = SHORT;
        self.json(&request)
    }

    /// Ends a session that was graded. With `discard`, also one that was not: its refusal is confirmed once.
    pub fn end_session(&self, session: &str, discard: bool) -> Result<Ended, Error> {
        self.end(session, discard, PATIENCE)
    }

    /// [`Self::end_session`] on the way out: ungraded or not, and quickly.
    pub fn end_session_quickly(&self, session: &str) -> Result<Ended, Error> {
        self.end(session, true, SHORT)
    }

    fn end(&self, session: &str, discard: bool, patience: Duration) -> Result<Ended, Error> {
        let refusal = match self.delete(session, None, patience)? {
            Ended::Ungraded(refusal) => refusal,
            ended => return Ok(ended),
        };
        let token = refusal.discard_token.as_ref().filter(|token| !token.expose().is_empty());
        match token {
            Some(token) if discard => self.delete(session, Some(token), patience),
            _ => Ok(Ended::Ungraded(refusal)),
        }
    }

    fn delete(&self, session: &str, confirm: Option<&Secret>, patience: Duration) -> Result<Ended, Error> {
        const ACTION: &str = "end the session";
        let mut request = self.request(ACTION, "DELETE", &["sessions", id(ACTION, session)?]);
        request.patience = patience;
        if let Some(token) = confirm {
            request.url.query_pairs_mut().append_pair("confirm_discard", token.expose());
        }
        match self.success(&request) {
            Ok(_) => Ok(Ended::Closed),
            Err(Error { cause: Cause::Refused { status: 409, details, .. }, .. }) => {
                let details: Ungraded =
                    serde_json::from_value(details.map_or_else(|| json!({}), Value::Object)).unwrap_or_default();
                Ok(match details.reason.as_deref() {
                    Some(UNGRADED_SESSION) => Ended::Ungraded(Box::new(details)),
                    _ => Ended::AlreadyClosed,
                })
            }
            Err(error) => Err(error),
        }
    }

    /// The redacted state of a hosted twin.
    pub fn twin_state(&self, api_url: &str, token: &Secret) -> Result<Value, Error> {
        self.twin("read the state of the twin", api_url, "state", token)
    }

    /// The recorded calls of a hosted twin.
    pub fn twin_events(&self, api_url: &str, token: &Secret) -> Result<Vec<Value>, Error> {
        self.twin("read the calls of the twin", api_url, "events", token)
    }

    fn twin<T: serde::de::DeserializeOwned>(
        &self,
        action: &'static str,
        api_url: &str,
        what: &str,
        token: &Secret,
    ) -> Result<T, Error> {
        let url = Url::parse(&format!("{}/_pome/{what}", api_url.trim_end_matches('/')))
            .map_err(|error| Error { action, cause: Cause::NotUnderstood(format!("`{api_url}`: {error}")) })?;
        let bearer = Bearer::Token(token);
        self.json(&Request { action, method: "GET", url, headers: Vec::new(), body: None, bearer, patience: PATIENCE })
    }
}

/// Older servers name the primary twin only.
fn complete(row: &mut SessionRow) {
    if row.twins.is_empty() {
        row.twins.push(row.twin_type.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(document: Value, asked: &[&str]) -> OpenSession {
        let asked: Vec<String> = asked.iter().map(|name| (*name).to_owned()).collect();
        OpenSession::of(serde_json::from_value(document).unwrap(), &asked).unwrap()
    }

    fn urls(session: &OpenSession) -> Vec<(&str, &str, &str)> {
        session.twins.iter().map(|twin| (&*twin.name, &*twin.api_url, &*twin.mcp_url)).collect()
    }

    #[test]
    fn a_full_answer_gives_every_twin_its_own_address() {
        let session = open(
            json!({
                "session_id": "ses_1", "session_token": "ses_1", "twin_url": "https://x.example/slack/ses_1",
                "expires_at": "t", "agent_token": "jwt", "evaluation": "server", "seed_applied": "request",
                "per_twin": {
                    "github": {"api_url": "https://x.example/github/ses_1/", "mcp_url": "https://x.example/github/ses_1",
                               "openapi_url": "https://x.example/github/ses_1/openapi.json"},
                    "slack": {"api_url": "https://x.example/slack/ses_1", "mcp_url": "https://x.example/slack/ses_1/mcp"},
                },
            }),
            &["slack", "github"],
        );
        assert_eq!(
            urls(&session),
            [
                ("slack", "https://x.example/slack/ses_1", "https://x.example/slack/ses_1/mcp"),
                ("github", "https://x.example/github/ses_1", "https://x.example/github/ses_1/mcp"),
            ]
        );
        assert_eq!((session.evaluation, session.seed_applied), (Evaluator::Server, Some(SeedApplied::Request)));
    }

    #[test]
    fn an_old_answer_is_one_twin_named_by_its_address() {
        for per_twin in [json!({}), json!({"per_twin": null})] {
            let mut old = json!({"session_id": "ses_1", "twin_url": "https://x.example/stripe/ses_1",
                                 "expires_at": "t", "agent_token": "edt_abc"});
            old.as_object_mut().unwrap().extend(per_twin.as_object().unwrap().clone());
            let session = open(old, &[]);
            let expected = ("stripe", "https://x.example/stripe/ses_1", "https://x.example/stripe/ses_1/mcp");
            assert_eq!(urls(&session), [expected]);
            assert_eq!((session.agent_token.expose(), session.evaluation), ("edt_abc", Evaluator::Client));
        }
    }

    #[test]
    fn a_twin_that_the_answer_forgets_is_at_the_sessions_address() {
        let document = json!({"session_id": "s", "twin_url": "https://x.example/", "expires_at": "t", "agent_token": "a",
                              "per_twin": {}});
        assert_eq!(urls(&open(document, &["github"])), [("github", "https://x.example", "https://x.example/mcp")]);
    }

    #[test]
    fn what_is_no_address_is_not_handed_to_an_agent() {
        let document =
            json!({"session_id": "s", "twin_url": "javascript:alert(1)", "expires_at": "t", "agent_token": "a"});
        assert!(OpenSession::of(serde_json::from_value(document).unwrap(), &[]).is_err());
    }
}
