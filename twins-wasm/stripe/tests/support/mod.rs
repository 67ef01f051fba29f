//! Calls as the vendor's SDKs make them.
#![allow(dead_code, unreachable_pub, clippy::indexing_slicing, reason = "each test file uses its part")]

use pome_twin_kit::envelope::Answer;
use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_stripe::Stripe;

/// A twin with the default seed and a caller of its account.
pub fn twin() -> Native<Stripe> {
    seeded(None)
}

pub fn seeded(document: Option<&Value>) -> Native<Stripe> {
    let mut twin = Native::seeded(document);
    twin.caller.claims = json!({ "account_id": "acct_default" }).to_string().into_bytes();
    twin
}

/// A call with a form; of a GET the form is the query.
pub fn form(twin: &mut Native<Stripe>, method: &str, path: &str, form: &str) -> Answer {
    keyed(twin, method, path, form, &[])
}

pub fn keyed(twin: &mut Native<Stripe>, method: &str, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
    all.extend_from_slice(headers);
    twin.request_with(method, path, &all, form.as_bytes())
}

/// The object that a call answers; it must succeed.
pub fn ok(twin: &mut Native<Stripe>, method: &str, path: &str, text: &str) -> Value {
    let answer = form(twin, method, path, text);
    assert_eq!(answer.status, 200, "{method} {path} {text}: {}", String::from_utf8_lossy(&answer.body));
    body(&answer)
}

/// The error that a call answers; it must have this status.
pub fn error(twin: &mut Native<Stripe>, method: &str, path: &str, text: &str, status: u16) -> Value {
    let answer = form(twin, method, path, text);
    assert_eq!(answer.status, status, "{method} {path} {text}: {}", String::from_utf8_lossy(&answer.body));
    body(&answer)["error"].clone()
}

/// The types of the events, oldest first.
pub fn events(twin: &Native<Stripe>) -> Vec<String> {
    let state = twin.state();
    let all = state["events"].as_array().cloned().unwrap_or_default();
    all.iter().rev().map(|event| event["type"].as_str().unwrap_or_default().to_owned()).collect()
}

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
