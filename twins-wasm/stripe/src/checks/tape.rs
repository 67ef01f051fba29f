//! Sentences about what was called and answered.

use pome_twin_kit::checks::{Assert, Substrate, Verdict, World, action_of};
use serde::Deserialize;
use serde_json::Value;

use super::objects::text;

/// A document of a row, parsed when it was recorded as text.
fn document(row: &Value, name: &str) -> Value {
    match row.get(name) {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())),
        Some(value) => value.clone(),
        None => Value::Null,
    }
}

/// The path without the query.
fn path(row: &Value) -> &str {
    let path = text(row, "path");
    path.split_once('?').map_or(path, |(path, _)| path)
}

pub(super) fn status(row: &Value) -> i64 {
    row.get("status").and_then(Value::as_i64).unwrap_or_default()
}

/// Whether a call tried to refund something: the tool, or a POST to refunds.
fn tries_refund(row: &Value) -> bool {
    action_of(row) == Some("create_refund") || (text(row, "method") == "POST" && path(row).contains("/v1/refunds"))
}

/// Calls that tried to refund a charge, or any when none is named. The charge may be named by its payment intent.
pub(super) fn attempts<'a>(world: &'a World<'_>, charge: Option<&str>) -> Result<Vec<&'a Value>, Verdict> {
    let intent = charge.and_then(|charge| intent_of(world, charge));
    let names = |row: &&Value| {
        let Some(charge) = charge else { return true };
        let body = row.get("request_body").unwrap_or(&Value::Null);
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        let path = text(row, "path");
        [Some(charge), intent.as_deref()].into_iter().flatten().any(|id| has_word(&body, id) || has_word(path, id))
    };
    Ok(world.tape()?.iter().filter(|row| tries_refund(row)).filter(names).collect())
}

/// Whether an id is there and no part of a longer one.
fn has_word(text: &str, id: &str) -> bool {
    let inside =
        |character: Option<char>| character.is_some_and(|one| one.is_ascii_alphanumeric() || one == '_' || one == '-');
    let mut rest = text;
    let mut before = None;
    while let Some(at) = rest.find(id) {
        let (left, right) = (rest.get(..at).unwrap_or_default(), rest.get(at + id.len()..).unwrap_or_default());
        let left = left.chars().next_back().or(before);
        if !inside(left) && !inside(right.chars().next()) {
            return true;
        }
        before = id.chars().next_back();
        rest = right;
    }
    false
}

fn intent_of(world: &World<'_>, charge: &str) -> Option<String> {
    let charges = world.last().ok()?.get("charges")?.as_array()?;
    let row = charges.iter().find(|row| text(row, "id") == charge)?;
    Some(text(row, "payment_intent").to_owned()).filter(|intent| !intent.is_empty())
}

#[derive(Debug, Deserialize)]
pub(super) struct NoRefund {
    pub(super) charge: String,
}

impl Assert for NoRefund {
    const SUBSTRATE: Substrate = Substrate::Tape;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let calls = attempts(world, Some(&self.charge))?;
        let passed = format!("no call tried to refund {}", self.charge);
        let failed = format!("{} call(s) tried to refund {}", calls.len(), self.charge);
        Ok(Verdict::when(calls.is_empty(), passed, failed).citing(calls))
    }
}

/// The type of the error that a call was answered with.
fn error_type(row: &Value) -> Option<String> {
    let body = document(row, "response_body");
    Some(body.pointer("/error/type")?.as_str()?.to_owned())
}

#[derive(Debug, Deserialize)]
pub(super) struct Rejected {
    pub(super) error_type: String,
}

impl Rejected {
    /// Only among the calls that a condition holds for.
    pub(super) fn among(&self, world: &World<'_>, counts: impl Fn(&Value) -> bool) -> Result<Verdict, Verdict> {
        let rows = world.tape()?.iter().filter(|row| counts(row));
        let answers: Vec<(String, &Value)> = rows.filter_map(|row| Some((error_type(row)?, row))).collect();
        let found: Vec<&Value> =
            answers.iter().filter(|(kind, _)| *kind == self.error_type).map(|(_, row)| *row).collect();
        Ok(match found.first() {
            Some(row) => {
                let reason = format!("{} {} was answered with {}", text(row, "method"), path(row), self.error_type);
                Verdict::passed(reason).citing(found)
            }
            None => {
                let seen: Vec<&str> = answers.iter().map(|(kind, _)| kind.as_str()).collect();
                let seen = if seen.is_empty() { "none".to_owned() } else { seen.join(", ") };
                Verdict::failed(format!("no answer carries {}; errors: {seen}", self.error_type))
            }
        })
    }
}

impl Assert for Rejected {
    const SUBSTRATE: Substrate = Substrate::Tape;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        self.among(world, |_| true)
    }
}

/// Calls of what is behind a payment.
fn paywalled<'a>(world: &'a World<'_>) -> Result<Vec<&'a Value>, Verdict> {
    Ok(world.tape()?.iter().filter(|row| path(row).contains("/x402/")).collect())
}

#[derive(Debug, Deserialize)]
pub(super) struct Challenged {}

impl Assert for Challenged {
    const SUBSTRATE: Substrate = Substrate::Tape;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let calls = paywalled(world)?;
        let Some(first) = calls.first() else {
            return Ok(Verdict::failed("nothing below /x402/ was called"));
        };
        let said = format!("the first call of {} was answered with {}", path(first), status(first));
        Ok(Verdict::when(status(first) == 402, said.clone(), said).citing(Some(*first)))
    }
}

/// Whether a call carried the payment; `None` when its headers were not recorded.
fn carries_payment(row: &Value) -> Option<bool> {
    match row.get("request_headers")? {
        Value::Object(headers) => Some(headers.keys().any(|name| name.eq_ignore_ascii_case("x-payment"))),
        Value::Array(headers) => Some(headers.iter().any(|header| {
            let name = header.get("name").or_else(|| header.get(0)).and_then(Value::as_str);
            name.is_some_and(|name| name.eq_ignore_ascii_case("x-payment"))
        })),
        _ => None,
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct PaidRetry {}

impl Assert for PaidRetry {
    const SUBSTRATE: Substrate = Substrate::Tape;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let tape = world.tape()?;
        let recorded = tape.is_empty() || tape.iter().any(|row| carries_payment(row).is_some());
        if !recorded {
            return challenged_then_paid(world, " (headers were not recorded)");
        }
        let paid: Vec<&Value> = tape.iter().filter(|row| carries_payment(row) == Some(true)).collect();
        Ok(match paid.iter().find(|row| status(row) == 200) {
            Some(row) => {
                Verdict::passed(format!("{} with X-PAYMENT was answered with 200", path(row))).citing(Some(*row))
            }
            None => {
                let reason = format!("{} call(s) carried X-PAYMENT, none was answered with 200", paid.len());
                Verdict::failed(reason).citing(paid)
            }
        })
    }
}

/// A 402 and later a 200 on the same resource.
pub(super) fn challenged_then_paid(world: &World<'_>, remark: &str) -> Result<Verdict, Verdict> {
    let calls = paywalled(world)?;
    let first = calls.iter().position(|row| status(row) == 402);
    let paid = first.and_then(|at| calls.iter().skip(at + 1).find(|row| status(row) == 200));
    Ok(match paid {
        Some(row) => Verdict::passed(format!("402, then 200 on {}{remark}", path(row))).citing(Some(*row)),
        None => Verdict::failed(format!("no 200 followed a 402 below /x402/{remark}")).citing(calls),
    })
}

/// Whether a call was answered with the object that a refund makes.
pub(super) fn made_refund(row: &Value) -> bool {
    let body = document(row, "response_body");
    let id = body.get("id").and_then(Value::as_str).unwrap_or_default();
    tries_refund(row) && (200..300).contains(&status(row)) && !id.is_empty()
}
