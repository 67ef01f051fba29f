//! Subscriptions and invoices that a session starts with.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail where an answer has another shape")]

mod support;

use serde_json::json;
use support::{error, ok, seeded, text};

#[test]
fn a_seeded_subscription_renews_and_a_seeded_invoice_is_paid() {
    let mut twin = seeded(Some(&json!({
        "customers": [{ "id": "cus_1", "name": "Ada", "invoice_settings": { "default_payment_method": "pm_1" } }],
        "payment_methods": [{ "id": "pm_1", "customer": "cus_1", "card": { "number": "4242424242424242" } }],
        "products": [{ "id": "prod_1", "name": "Basic" }],
        "prices": [{ "id": "price_1", "product": "prod_1", "unit_amount": 900, "recurring": { "interval": "day", "interval_count": 1 } }],
        "subscriptions": [{ "id": "sub_1", "customer": "cus_1", "items": [{ "price": "price_1", "quantity": 2 }] }],
        "invoices": [{ "id": "in_1", "customer": "cus_1", "status": "open", "amount_due": 500, "total": 500, "number": "A-1" }],
        "coupons": [{ "id": "HALF", "percent_off": 50 }],
    })));
    let seeded = twin.json("/v1/subscriptions/sub_1");
    assert_eq!((text(&seeded, "status"), &seeded["items"]["data"][0]["quantity"]), ("active", &json!(2)));
    let end = seeded["items"]["data"][0]["current_period_end"].as_i64().unwrap();
    assert_eq!(seeded["items"]["data"][0]["current_period_start"], end - 86_400);
    let paid = ok(&mut twin, "POST", "/v1/invoices/in_1/pay", "");
    assert_eq!((text(&paid, "status"), &paid["amount_paid"]), ("paid", &json!(500)));
    ok(&mut twin, "POST", "/v1/subscriptions/sub_1", "discounts[0][coupon]=HALF");
    twin.host.set(u64::try_from((end + 3600) * 1000).unwrap());
    twin.session.advance(&twin.host);
    let list = twin.json("/v1/invoices?subscription=sub_1");
    assert_eq!((text(&list["data"][0], "status"), &list["data"][0]["total"]), ("paid", &json!(900)));
    assert_eq!(error(&mut twin, "GET", "/v1/subscriptions/sub_2", "", 404)["code"], "resource_missing");
}
