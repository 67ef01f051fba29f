//! What can go wrong and how Stripe says it.

use pome_twin_kit::envelope::Fidelity;
use pome_twin_kit::input::{InputError, Problem};
use pome_twin_kit::{Cx, Reply, ToolReply, VendorError};
use serde_json::{Map, Value};

use crate::Stripe;
use crate::desk;
use crate::kind::Kind;

/// A refusal in the vendor's envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    status: u16,
    kind: &'static str,
    code: Option<&'static str>,
    message: String,
    param: Option<String>,
    /// Members after the others: `decline_code`, `payment_intent`.
    more: Map<String, Value>,
}

const INVALID: &str = "invalid_request_error";

impl Error {
    /// 400 without a code.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self { status: 400, kind: INVALID, code: None, message: message.into(), param: None, more: Map::new() }
    }

    /// 402.
    pub(crate) fn card(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 402, kind: "card_error", code: Some(code), ..Self::invalid(message) }
    }

    pub(crate) fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn of_type(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    pub(crate) fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    pub(crate) fn param(self, param: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..self }
    }

    /// Another member of the envelope.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// 404: the object in the path.
    pub(crate) fn missing(kind: Kind, id: &str) -> Self {
        let facts = kind.facts();
        Self::dangling(kind, id, facts.param).status(404)
    }

    /// 400: an object that an input refers to.
    pub(crate) fn dangling(kind: Kind, id: &str, param: &str) -> Self {
        let noun = kind.facts().noun;
        Self::invalid(format!("No such {noun}: '{id}'")).code("resource_missing").param(param)
    }

    pub(crate) fn required(param: &str) -> Self {
        Self::invalid(format!("Missing required param: {param}.")).code("parameter_missing").param(param)
    }

    /// A required text that is there and empty.
    pub(crate) fn empty(param: &str) -> Self {
        let message = format!(
            "You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; however '{param}' \
             cannot be unset. You should remove '{param}' from your request or supply a non-empty value."
        );
        Self::invalid(message).code("parameter_invalid_empty").param(param)
    }

    pub(crate) fn integer(found: &str, param: &str) -> Self {
        Self::invalid(format!("Invalid integer: {found}")).code("parameter_invalid_integer").param(param)
    }

    /// A number below what is allowed.
    pub(crate) fn at_least(least: i64, param: &str) -> Self {
        let message = format!("This value must be greater than or equal to {least}.");
        Self::invalid(message).code("parameter_invalid_integer").param(param)
    }

    /// One of a fixed set.
    pub(crate) fn choice(param: &str, choices: &[&str]) -> Self {
        let list = match choices {
            [] => String::new(),
            [one] => (*one).to_owned(),
            [one, other] => format!("{one} or {other}"),
            [first @ .., last] => format!("{}, or {last}", first.join(", ")),
        };
        Self::invalid(format!("Invalid {param}: must be one of {list}")).code("parameter_invalid").param(param)
    }

    /// The object is in no state for what was asked.
    pub(crate) fn state(message: impl Into<String>) -> Self {
        Self::invalid(message).code("payment_intent_unexpected_state")
    }

    /// What the vendor does and this twin does not.
    pub(crate) fn unmodelled(what: &str) -> Self {
        Self::invalid(format!("This Stripe twin does not model {what}."))
            .status(501)
            .code("endpoint_not_supported")
            .with("fidelity", "unsupported")
    }

    /// What is not modelled lowers the tier of the call.
    fn fidelity(&self) -> Option<Fidelity> {
        (self.status == 501).then_some(Fidelity::Unsupported)
    }

    pub(crate) fn body(&self, request_log: Option<&str>) -> Value {
        let mut error = Map::new();
        error.insert("type".to_owned(), self.kind.into());
        if let Some(code) = self.code {
            error.insert("code".to_owned(), code.into());
        }
        error.insert("message".to_owned(), self.message.clone().into());
        if let Some(param) = &self.param {
            error.insert("param".to_owned(), param.clone().into());
        }
        let documented = self.code.filter(|_| !matches!(self.status, 401 | 403 | 501));
        if let Some(code) = documented {
            let page = format!("https://docs.stripe.com/error-codes/{}", code.replace('_', "-"));
            error.insert("doc_url".to_owned(), page.into());
        }
        error.extend(self.more.clone());
        if let Some(request_log) = request_log {
            error.insert("request_log_url".to_owned(), request_log.into());
        }
        Value::Object(Map::from_iter([("error".to_owned(), Value::Object(error))]))
    }
}

impl VendorError<Stripe> for Error {
    fn malformed_body() -> Self {
        Self::invalid("Could not parse request body as JSON.").code("invalid_json")
    }

    fn input(error: InputError) -> Self {
        let param = bracketed(&error.path);
        let found = error.found.as_deref().unwrap_or_default();
        match &error.problem {
            Problem::Missing => Self::required(&param),
            Problem::Undeclared => {
                Self::invalid(format!("Received unknown parameter: {param}")).code("parameter_unknown").param(param)
            }
            Problem::Type(expected) if expected.contains("integer") => Self::integer(found, &param),
            Problem::Type(expected) if expected.contains("boolean") => {
                Self::invalid(format!("Invalid boolean: {found}")).code("parameter_invalid").param(param)
            }
            Problem::Type(expected) if expected.contains("sequence") => {
                Self::invalid("Invalid array").code("parameter_invalid").param(param)
            }
            Problem::Type(expected) if expected.contains("string") => {
                Self::invalid(format!("Invalid string: {found}")).code("parameter_invalid_string").param(param)
            }
            Problem::Type(expected) if expected.contains("number") => {
                Self::invalid(format!("Invalid decimal: {found}")).code("parameter_invalid").param(param)
            }
            Problem::Type(_) => Self::invalid("Invalid object").code("parameter_invalid").param(param),
            Problem::Value(reason) => {
                let message = match reason.split_once(" is not one of ") {
                    Some((_, choices)) => {
                        let choices: Vec<&str> = choices.split(", ").collect();
                        return Self::choice(&param, &choices);
                    }
                    None => format!("Invalid {param}: {reason}"),
                };
                Self::invalid(message).code("parameter_invalid").param(param)
            }
        }
    }

    fn rest(&self, cx: &Cx<'_, Stripe>) -> Reply {
        let log = desk::request_log(cx);
        Reply { fidelity: self.fidelity(), ..Reply::json(self.status, &self.body(Some(&log))) }
    }

    fn tool(&self, cx: &Cx<'_, Stripe>) -> ToolReply {
        let log = desk::request_log(cx);
        let Reply { body, .. } = Reply::json(self.status, &self.body(Some(&log)));
        ToolReply {
            status: self.status,
            value: body,
            is_error: true,
            fidelity: self.fidelity(),
            ..ToolReply::default()
        }
    }

    fn message(&self) -> String {
        self.message.clone()
    }
}

/// `card[exp_month]`
pub(crate) fn bracketed(path: &[String]) -> String {
    let mut names = path.iter();
    let mut out = names.next().cloned().unwrap_or_default();
    for name in names {
        out.push('[');
        out.push_str(name);
        out.push(']');
    }
    out
}
