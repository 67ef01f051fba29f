//! Criteria that need a model, and the fix prompt: asked with the user's own key, from this process, never through the agent's proxy.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pome_wire::env;
use pome_wire::redact::Redactor;
use pome_wire::score::{JUDGE_NOT_CONFIGURED, JudgeNote, Outcome};
use serde::Deserialize;
use serde_json::{Value, json};

mod answer;
mod prompt;
#[cfg(test)]
mod scripted;

pub(crate) use prompt::{Case, summary_of};

/// One answer may take this long.
const LIMIT: Duration = Duration::from_secs(30);
/// Larger answers are not read.
const LARGEST_ANSWER: u64 = 4 << 20;

/// Which model judges, as the environment says.
#[derive(Debug, Clone)]
pub enum Judge {
    /// An endpoint with a key.
    Configured(Arc<Endpoint>),
    /// An address without a key or a model; the text says what is missing.
    Misconfigured(String),
    /// Nothing.
    Absent,
}

/// Where a model answers.
pub struct Endpoint {
    base: String,
    key: String,
    model: String,
    dialect: Dialect,
    agent: ureq::Agent,
    redactor: Redactor,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("base", &self.base).field("model", &self.model).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// Bearer token.
    OpenAi,
    /// Its own header for the key and one for the version.
    Anthropic,
}

impl Judge {
    /// Reads an environment. `hint` is the model that the scenario suggests; a model that is set explicitly wins, and a hint for
    /// another vendor's model is not followed.
    pub fn from_environment(environment: &BTreeMap<String, String>, hint: Option<&str>) -> Self {
        let set = |name: &str| environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        if let Some(base) = set(env::LLM_BASE_URL) {
            return match (set(env::LLM_API_KEY), set(env::LLM_MODEL)) {
                (Some(key), Some(model)) => Self::at(base, key, model, Dialect::OpenAi),
                (key, model) => {
                    let missing: Vec<&str> = [(key, env::LLM_API_KEY), (model, env::LLM_MODEL)]
                        .into_iter()
                        .filter_map(|(value, name)| value.is_none().then_some(name))
                        .collect();
                    Self::Misconfigured(format!("{} is set without {}", env::LLM_BASE_URL, missing.join(" and ")))
                }
            };
        }
        if let Some(key) = set(env::OPENAI_API_KEY) {
            let model = hint.filter(|model| !model.starts_with("claude")).unwrap_or("gpt-4o-mini");
            return Self::at("https://api.openai.com/v1", key, model, Dialect::OpenAi);
        }
        if let Some(key) = set(env::ANTHROPIC_API_KEY) {
            let model = hint.filter(|model| model.starts_with("claude")).unwrap_or("claude-haiku-4-5");
            return Self::at("https://api.anthropic.com/v1", key, model, Dialect::Anthropic);
        }
        Self::Absent
    }

    fn at(base: &str, key: &str, model: &str, dialect: Dialect) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(LIMIT))
            .http_status_as_error(false)
            // A redirect would carry the key to another place.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .build();
        Self::Configured(Arc::new(Endpoint {
            base: base.trim_end_matches('/').to_owned(),
            key: key.to_owned(),
            model: model.to_owned(),
            dialect,
            agent: config.into(),
            redactor: Redactor::new([key.to_owned()]),
        }))
    }

    /// The endpoint when there is one.
    pub(crate) fn endpoint(&self) -> Option<&Arc<Endpoint>> {
        match self {
            Self::Configured(endpoint) => Some(endpoint),
            Self::Misconfigured(_) | Self::Absent => None,
        }
    }
}

/// What came of one criterion.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judgement {
    pub(crate) outcome: Outcome,
    pub(crate) reason: String,
    pub(crate) note: Option<JudgeNote>,
}

impl Judgement {
    fn without_answer(outcome: Outcome, reason: String) -> Self {
        Self { outcome, reason, note: None }
    }

    /// The asking thread ended without an answer.
    pub(crate) fn lost() -> Self {
        Self::without_answer(Outcome::Errored, "judge_unavailable: asking ended without an answer".to_owned())
    }

    /// A criterion that could not be judged before anybody was asked.
    pub(crate) fn unasked(judge: &Judge) -> Option<Self> {
        match judge {
            Judge::Configured(_) => None,
            Judge::Misconfigured(what) => {
                Some(Self::without_answer(Outcome::Skipped, format!("judge_misconfigured: {what}")))
            }
            Judge::Absent => Some(Self::without_answer(Outcome::Skipped, JUDGE_NOT_CONFIGURED.to_owned())),
        }
    }
}

/// Asks about one criterion. Blocks until there is an answer; call it on a blocking thread.
pub(crate) fn judge(endpoint: &Endpoint, case: &Case<'_>) -> Judgement {
    let reply = match endpoint.ask(prompt::RULES, &case.render(), 1024) {
        Ok(reply) => reply,
        Err(failure) => return failure.judgement(),
    };
    let opinion = answer::read(&reply.text);
    let explanation = endpoint.redactor.text(&opinion.explanation).into_owned();
    let (outcome, reason) = match opinion.status {
        answer::Status::Pass => (Outcome::Passed, explanation),
        answer::Status::Fail => (Outcome::Failed, explanation),
        answer::Status::Partial => (Outcome::Failed, format!("PARTIAL: {explanation}")),
    };
    let note = JudgeNote {
        confidence: Some(opinion.confidence),
        model: Some(endpoint.model.clone()),
        tokens_in: reply.tokens.map(|(read, _)| read),
        tokens_out: reply.tokens.map(|(_, written)| written),
        has_usage: reply.tokens.is_some(),
    };
    Judgement { outcome, reason, note: Some(note) }
}

/// Asks for a fix prompt. Blocks; call it on a blocking thread. The text is redacted.
pub(crate) fn fix_prompt(endpoint: &Endpoint, question: &str) -> Result<String, String> {
    let reply = endpoint.ask(prompt::FIX_RULES, question, 2000).map_err(|failure| failure.to_string())?;
    let text = endpoint.redactor.text(reply.text.trim()).into_owned();
    if text.is_empty() { Err("the model gave an empty answer".to_owned()) } else { Ok(text) }
}

struct Reply {
    text: String,
    /// Read and written.
    tokens: Option<(u64, u64)>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Failure {
    #[error("judge_rejected: {0}")]
    Rejected(String),
    #[error("judge_rate_limited: {0}")]
    RateLimited(String),
    #[error("judge_unavailable: {0}")]
    Unavailable(String),
}

impl Failure {
    fn judgement(&self) -> Judgement {
        let outcome = match self {
            Self::Rejected(_) => Outcome::Skipped,
            Self::RateLimited(_) | Self::Unavailable(_) => Outcome::Errored,
        };
        Judgement::without_answer(outcome, self.to_string())
    }
}

impl Endpoint {
    fn ask(&self, system: &str, user: &str, max_tokens: u32) -> Result<Reply, Failure> {
        let question = json!({
            "model": self.model,
            "temperature": 0,
            "max_tokens": max_tokens,
            "messages": [{ "role": "system", "content": system }, { "role": "user", "content": user }],
        });
        let request = self
            .agent
            .post(format!("{}/chat/completions", self.base))
            .header("content-type", "application/json")
            .header("accept", "application/json");
        let request = match self.dialect {
            Dialect::OpenAi => request.header("authorization", format!("Bearer {}", self.key)),
            Dialect::Anthropic => request.header("x-api-key", &self.key).header("anthropic-version", "2023-06-01"),
        };
        let unavailable = |error: ureq::Error| Failure::Unavailable(self.clean(&format!("{}: {error}", self.base)));
        let mut response = request.send(question.to_string()).map_err(unavailable)?;
        let body = response.body_mut().with_config().limit(LARGEST_ANSWER).read_to_vec().map_err(unavailable)?;
        match response.status().as_u16() {
            200..=299 => read_reply(&body).ok_or_else(|| {
                Failure::Unavailable(self.clean(&format!("{} gave no chat completion: {}", self.base, excerpt(&body))))
            }),
            status => Err(self.refusal(status, &body)),
        }
    }

    fn refusal(&self, status: u16, body: &[u8]) -> Failure {
        let message = self.clean(&format!("{} answered {status}: {}", self.base, excerpt(body)));
        let said = String::from_utf8_lossy(body).to_lowercase();
        let too_large =
            ["context length", "context_length", "context window", "too long", "too many tokens", "maximum context"];
        match status {
            401 | 403 => Failure::Rejected(message),
            400 if too_large.iter().any(|words| said.contains(words)) => Failure::Rejected(message),
            429 => Failure::RateLimited(message),
            _ => Failure::Unavailable(message),
        }
    }

    /// One line without secrets.
    fn clean(&self, text: &str) -> String {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.redactor.text(&line).into_owned()
    }
}

fn read_reply(body: &[u8]) -> Option<Reply> {
    #[derive(Deserialize)]
    struct Usage {
        prompt_tokens: u64,
        completion_tokens: u64,
    }
    let value: Value = serde_json::from_slice(body).ok()?;
    let text = match value.pointer("/choices/0/message/content")? {
        Value::String(text) => text.clone(),
        // Some compatible servers answer in parts.
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => return None,
    };
    let usage = value.get("usage").and_then(|usage| Usage::deserialize(usage).ok());
    Some(Reply { text, tokens: usage.map(|usage| (usage.prompt_tokens, usage.completion_tokens)) })
}

fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().filter(|character| !character.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)], hint: Option<&str>) -> Judge {
        let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Judge::from_environment(&environment, hint)
    }

    fn shown(judge: &Judge) -> (String, String) {
        let endpoint = judge.endpoint().expect("configured");
        (endpoint.base.clone(), endpoint.model.clone())
    }

    #[test]
    fn an_explicit_address_wins_over_the_providers() {
        let all = [
            ("POME_LLM_BASE_URL", "http://127.0.0.1:1/v1/"),
            ("POME_LLM_API_KEY", "k"),
            ("POME_LLM_MODEL", "m"),
            ("OPENAI_API_KEY", "o"),
            ("ANTHROPIC_API_KEY", "a"),
        ];
        assert_eq!(shown(&from(&all, Some("hint"))), ("http://127.0.0.1:1/v1".into(), "m".into()));
        let openai = all.get(3..).expect("two");
        assert_eq!(shown(&from(openai, None)), ("https://api.openai.com/v1".into(), "gpt-4o-mini".into()));
        assert_eq!(shown(&from(openai, Some("gpt-9"))).1, "gpt-9");
        assert_eq!(shown(&from(openai, Some("claude-9"))).1, "gpt-4o-mini");
        let anthropic = all.get(4..).expect("one");
        assert_eq!(shown(&from(anthropic, None)), ("https://api.anthropic.com/v1".into(), "claude-haiku-4-5".into()));
    }

    #[test]
    fn half_a_configuration_says_what_is_missing() {
        let judge = from(&[("POME_LLM_BASE_URL", "http://x"), ("OPENAI_API_KEY", "o")], None);
        let judgement = Judgement::unasked(&judge).expect("not configured");
        assert_eq!(judgement.outcome, Outcome::Skipped);
        assert_eq!(
            judgement.reason,
            "judge_misconfigured: POME_LLM_BASE_URL is set without POME_LLM_API_KEY and POME_LLM_MODEL"
        );
    }

    #[test]
    fn nothing_configured_is_a_clean_skip() {
        let judgement = Judgement::unasked(&from(&[("OPENAI_API_KEY", "  ")], None)).expect("not configured");
        assert_eq!((judgement.outcome, judgement.reason.as_str()), (Outcome::Skipped, "judge_not_configured"));
    }
}
