//! Idempotency keys: the first answer to a key is given again.

use pome_twin_kit::ids::hex;
use pome_twin_kit::input::Input;
use pome_twin_kit::{Cx, Recall, Reply};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Stripe;
use crate::desk::{Desk, request_id};
use crate::error::Error;
use crate::state::Stored;

const LONGEST: usize = 255;
const HEADER: &str = "idempotency-key";

/// Looks for the answer to an earlier call with the same key.
pub(crate) fn recall(cx: &Cx<'_, Stripe>, input: &Input) -> Result<Recall, Error> {
    let Some(key) = cx.header(HEADER).filter(|_| !cx.reads && cx.tool.is_none()) else { return Ok(Recall::Nothing) };
    if key.chars().count() > LONGEST {
        let message = format!("Idempotency keys may be at most {LONGEST} characters long.");
        return Err(Error::invalid(message).of_type("idempotency_error").code("idempotency_key_too_long"));
    }
    let place = (cx.account(), cx.path.to_owned(), key.to_owned());
    let fingerprint = hex(&Sha256::digest(input.canonical().as_bytes()));
    let Some(known) = cx.state.answers.get(&place) else {
        return Ok(Recall::Keep(Value::from(vec![place.0, place.1, place.2, fingerprint]).to_string()));
    };
    if known.fingerprint != fingerprint {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other \
             than '{key}'."
        );
        return Err(Error::invalid(message).of_type("idempotency_error").code("idempotency_key_in_use"));
    }
    let mut reply = Reply { body: known.body.clone(), ..Reply::new(known.status) };
    reply.header("content-type", "application/json; charset=utf-8");
    reply.header("idempotent-replayed", "true");
    reply.header("original-request", known.request.clone());
    Ok(Recall::Known(reply))
}

/// Keeps an answer, unless the request was refused before it was begun.
pub(crate) fn remember(cx: &mut Cx<'_, Stripe>, place: &str, reply: &Reply, request: &str) {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let code = body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default();
    if code.starts_with("parameter_") || matches!(reply.status, 401 | 403 | 501) {
        return;
    }
    let Ok(parts) = serde_json::from_str::<[String; 4]>(place) else { return };
    let [account, path, key, fingerprint] = parts;
    let stored = Stored { fingerprint, status: reply.status, body: reply.body.clone(), request: request.to_owned() };
    cx.state.answers.insert((account, path, key), stored);
}

/// The id that the answered request had.
pub(crate) fn answered(cx: &Cx<'_, Stripe>, reply: &Reply) -> String {
    let header = reply.headers.iter().find(|(name, _)| name == "request-id").map(|(_, value)| value.clone());
    header.unwrap_or_else(|| request_id(cx).to_owned())
}
