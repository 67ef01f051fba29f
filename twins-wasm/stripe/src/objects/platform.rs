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

/// The account itself: one that can be paid and pays out.
pub(crate) fn account(id: &str) -> Value {
    let nothing_due = json!({
        "alternatives": [], "current_deadline": null, "currently_due": [], "disabled_reason": null, "errors": [],
        "eventually_due": [], "past_due": [], "pending_verification": [],
    });
    json!({
        "id": id,
        "object": "account",
        "business_profile": {
            "annual_revenue": null, "estimated_worker_count": null, "mcc": "5734", "minority_owned_business_designation": null,
            "name": "Pome", "product_description": null, "specified_commercial_transactions_act_url": null, "support_address": null, "support_email": null,
            "support_phone": null, "support_url": null, "url": null,
        },
        "business_type": "company",
        "capabilities": { "card_payments": "active", "transfers": "active" },
        "charges_enabled": true,
        "controller": { "type": "account" },
        "country": "US",
        "created": 1_700_000_000,
        "default_currency": "usd",
        "details_submitted": true,
        "email": "owner@example.com",
        "external_accounts": {
            "object": "list", "data": [], "has_more": false, "url": format!("/v1/accounts/{id}/external_accounts"),
        },
        "future_requirements": nothing_due,
        "metadata": {},
        "payouts_enabled": true,
        "requirements": nothing_due,
        "settings": {
            "bacs_debit_payments": { "display_name": null, "service_user_number": null },
            "branding": { "icon": null, "logo": null, "primary_color": null, "secondary_color": null },
            "card_issuing": { "tos_acceptance": { "date": null, "ip": null } },
            "card_payments": {
                "decline_on": { "avs_failure": false, "cvc_failure": false }, "statement_descriptor_prefix": "POME",
                "statement_descriptor_prefix_kana": null, "statement_descriptor_prefix_kanji": null,
            },
            "dashboard": { "display_name": "Pome", "timezone": "Etc/UTC" },
            "invoices": { "default_account_tax_ids": null, "hosted_payment_method_save": "offer" },
            "payments": {
                "statement_descriptor": "POME", "statement_descriptor_kana": null, "statement_descriptor_kanji": null,
                "statement_descriptor_prefix_kana": null, "statement_descriptor_prefix_kanji": null,
            },
            "payouts": {
                "debit_negative_balances": true, "schedule": { "delay_days": 2, "interval": "daily" },
                "statement_descriptor": null,
            },
            "sepa_debit_payments": {},
        },
        "tos_acceptance": { "date": 1_700_000_000, "ip": null, "user_agent": null },
        "type": "standard",
    })
}
