//! Events, files, endpoints and tokens.

use serde_json::{Value, json};

use crate::API_VERSION;

pub(super) fn event() -> Value {
    json!({
        "id": null,
        "object": "event",
        "api_version": API_VERSION,
        "created": 0,
        "data": { "object": {} },
        "livemode": false,
        "pending_webhooks": 0,
        "request": { "id": null, "idempotency_key": null },
        "type": "",
    })
}

pub(super) fn file() -> Value {
    json!({
        "id": null,
        "object": "file",
        "created": 0,
        "expires_at": null,
        "filename": null,
        "links": null,
        "purpose": "",
        "size": 0,
        "title": null,
        "type": null,
        "url": null,
    })
}

pub(super) fn webhook_endpoint() -> Value {
    json!({
        "id": null,
        "object": "webhook_endpoint",
        "api_version": null,
        "application": null,
        "created": 0,
        "description": null,
        "enabled_events": [],
        "livemode": false,
        "metadata": {},
        "status": "enabled",
        "url": "",
    })
}

pub(super) fn token() -> Value {
    json!({
        "id": null,
        "object": "token",
        "card": null,
        "client_ip": null,
        "created": 0,
        "livemode": false,
        "type": "card",
        "used": false,
    })
}
