//! Events: one for every change, with the object as it was then, sent to the endpoints that listen.

use hmac::{Hmac, KeyInit, Mac};
use pome_twin_kit::Cx;
use pome_twin_kit::envelope::Delivery;
use pome_twin_kit::ids::hex;
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::desk::{Desk, request_id};
use crate::doc::Doc;
use crate::kind::Kind;
use crate::{API_VERSION, Stripe};

/// When an endpoint that did not take an event is tried again, in milliseconds after the first time.
/// In test mode the vendor tries three times over a few hours.
const RETRIES: [u64; 3] = [30 * 60_000, 90 * 60_000, 240 * 60_000];

/// Records an event and sends it out.
pub(crate) fn emit(cx: &mut Cx<'_, Stripe>, name: &str, object: &Doc, previous: Option<Map<String, Value>>) {
    let listening = listening(cx, name);
    let mut data = json!({ "object": object.json() });
    if let Some(previous) = previous {
        data["previous_attributes"] = Value::Object(previous);
    }
    let request = Some(request_id(cx)).filter(|id| !id.is_empty());
    let event = Doc::new(json!({
        "id": cx.fresh(Kind::Event.facts().prefix),
        "object": "event",
        "api_version": API_VERSION,
        // Also of what a test clock brings about: that is when it happened.
        "created": cx.now().seconds(),
        "data": data,
        "livemode": false,
        "pending_webhooks": listening.len(),
        "request": { "id": request, "idempotency_key": cx.header("idempotency-key") },
        "type": name,
    }));
    let body = event.json().to_string();
    for (endpoint, url, secret) in listening {
        let signature = signature(&secret, i64::try_from(cx.now().seconds()).unwrap_or(i64::MAX), &body);
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        cx.deliver(Delivery {
            id: format!("{}/{endpoint}", event.id()),
            method: "POST".to_owned(),
            url,
            headers: vec![
                header("content-type", "application/json; charset=utf-8"),
                header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
                header("stripe-signature", &signature),
            ],
            body: body.clone().into_bytes(),
            due: cx.now().0,
            retries: RETRIES.to_vec(),
        });
    }
    cx.add(Kind::Event, event, Map::new());
}

/// Endpoints that want an event: id, address, secret.
fn listening(cx: &Cx<'_, Stripe>, name: &str) -> Vec<(String, String, String)> {
    let wants = |object: &Doc| {
        let wanted = object.get("enabled_events").as_array();
        object.text("status") == "enabled"
            && wanted.is_some_and(|all| all.iter().any(|one| one == "*" || one.as_str() == Some(name)))
    };
    let mut rows = cx.each(Kind::WebhookEndpoint);
    rows.reverse();
    rows.into_iter()
        .filter(|row| wants(&row.object))
        .map(|row| {
            let secret = row.hidden.get("secret").and_then(Value::as_str).unwrap_or_default();
            (row.object.id().to_owned(), row.object.text("url").to_owned(), secret.to_owned())
        })
        .collect()
}

/// `t=1767225600,v1=<hex>`: the vendor's first scheme, over time and body.
pub(crate) fn signature(secret: &str, time: i64, body: &str) -> String {
    // An HMAC takes keys of every length.
    let digest = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map(|mut mac| {
            mac.update(format!("{time}.{body}").as_bytes());
            hex(&mac.finalize().into_bytes())
        })
        .unwrap_or_default();
    format!("t={time},v1={digest}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_signature_is_the_one_that_the_sdks_compute() {
        // Written by `stripe.webhooks.generateTestHeaderString({payload, secret, timestamp})` of the Node SDK.
        assert_eq!(
            super::signature("whsec_test", 1_767_225_600, "{\"id\":\"evt_1\"}"),
            "t=1767225600,v1=45b40331de0325606dc5400202ade162460fbe48daf9401adfdcd0d7b4f35470"
        );
    }
}
