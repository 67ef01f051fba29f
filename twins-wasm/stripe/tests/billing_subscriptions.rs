//! Subscriptions and test clocks: what is billed when, and what becomes of payments that do not succeed.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail where an answer has another shape")]

mod support;

use pome_twin_kit::testing::Native;
use serde_json::{Value, json};
use support::{error, events, ok, text, twin};
use twin_stripe::Stripe;

const DAY: i64 = 86_400;
/// 2026-01-01T00:00:00Z
const START: i64 = 1_767_225_600;

fn price(twin: &mut Native<Stripe>, name: &str, amount: i64, interval: &str) -> String {
    let product = ok(twin, "POST", "/v1/products", &format!("name={name}"));
    let form =
        format!("product={}&currency=usd&unit_amount={amount}&recurring[interval]={interval}", text(&product, "id"));
    text(&ok(twin, "POST", "/v1/prices", &form), "id").to_owned()
}

fn clock(twin: &mut Native<Stripe>) -> String {
    let clock = ok(twin, "POST", "/v1/test_helpers/test_clocks", &format!("frozen_time={START}&name=year"));
    text(&clock, "id").to_owned()
}

fn customer(twin: &mut Native<Stripe>, clock: &str, card: &str) -> String {
    let form = format!("name=Ada&email=ada@example.com&test_clock={clock}&payment_method=pm_card_{card}");
    let id = text(&ok(twin, "POST", "/v1/customers", &form), "id").to_owned();
    let methods = twin.json(&format!("/v1/customers/{id}/payment_methods"));
    let form = format!("invoice_settings[default_payment_method]={}", text(&methods["data"][0], "id"));
    ok(twin, "POST", &format!("/v1/customers/{id}"), &form);
    id
}

fn advance(twin: &mut Native<Stripe>, clock: &str, to: i64) -> Value {
    ok(twin, "POST", &format!("/v1/test_helpers/test_clocks/{clock}/advance"), &format!("frozen_time={to}"))
}

fn period(subscription: &Value) -> (i64, i64) {
    let item = &subscription["items"]["data"][0];
    (item["current_period_start"].as_i64().unwrap(), item["current_period_end"].as_i64().unwrap())
}

fn kinds(list: &Value) -> Vec<(String, String, i64)> {
    let of = |one: &Value| {
        (text(one, "billing_reason").to_owned(), text(one, "status").to_owned(), one["total"].as_i64().unwrap())
    };
    list["data"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn a_subscription_is_billed_at_once_and_every_month() {
    let mut twin = twin();
    let price = price(&mut twin, "Basic", 1000, "month");
    let clock = clock(&mut twin);
    let customer = customer(&mut twin, &clock, "visa");
    let form =
        format!("customer={customer}&items[0][price]={price}&items[0][quantity]=2&expand[]=latest_invoice.payments");
    let subscription = ok(&mut twin, "POST", "/v1/subscriptions", &form);
    assert_eq!((text(&subscription, "status"), subscription["created"].as_i64()), ("active", Some(START)));
    assert_eq!(period(&subscription), (START, START + 31 * DAY));
    let invoice = &subscription["latest_invoice"];
    assert_eq!(
        (text(invoice, "status"), text(invoice, "billing_reason"), invoice["amount_paid"].as_i64()),
        ("paid", "subscription_create", Some(2000))
    );
    assert_eq!(invoice["lines"]["data"][0]["description"], "2 × Basic (at $10.00 / month)");
    assert_eq!(invoice["lines"]["data"][0]["pricing"]["price_details"]["price"], price.as_str());
    assert!(text(invoice, "number").ends_with("-0001"), "{}", invoice["number"]);
    assert_eq!(invoice["payments"]["data"][0]["status"], "paid");
    let id = text(&subscription, "id").to_owned();
    let answer = advance(&mut twin, &clock, START + 31 * DAY);
    assert_eq!(answer["status"], "advancing");
    assert_eq!(twin.json(&format!("/v1/test_helpers/test_clocks/{clock}"))["status"], "ready");
    let list = twin.json(&format!("/v1/invoices?subscription={id}"));
    assert_eq!(kinds(&list)[0], ("subscription_cycle".to_owned(), "draft".to_owned(), 2000));
    advance(&mut twin, &clock, START + 31 * DAY + 3600);
    let list = twin.json(&format!("/v1/invoices?subscription={id}"));
    assert_eq!(kinds(&list)[0], ("subscription_cycle".to_owned(), "paid".to_owned(), 2000));
    assert_eq!(list["data"][0]["status_transitions"]["paid_at"], START + 31 * DAY + 3600);
    let renewed = twin.json(&format!("/v1/subscriptions/{id}"));
    assert_eq!(period(&renewed), (START + 31 * DAY, START + 59 * DAY));
    let balance = twin.json("/v1/balance");
    assert_eq!(balance["available"][0]["amount"], 4000);
    let names = events(&twin);
    let tail: Vec<&str> = names.iter().rev().take(7).map(String::as_str).collect();
    assert_eq!(
        tail,
        [
            "test_helpers.test_clock.ready",
            "invoice.payment_succeeded",
            "invoice.paid",
            "invoice.updated",
            "invoice_payment.paid",
            "charge.succeeded",
            "payment_intent.succeeded",
        ]
    );
}

#[test]
fn what_is_not_paid_at_first_waits_and_is_given_up_after_a_day() {
    let mut twin = twin();
    let price = price(&mut twin, "Basic", 1000, "month");
    let clock = clock(&mut twin);
    let customer = customer(&mut twin, &clock, "visa");
    let form = format!(
        "customer={customer}&items[0][price]={price}&payment_behavior=default_incomplete&expand[]=latest_invoice.confirmation_secret&expand[]=latest_invoice.payment_intent"
    );
    let first = ok(&mut twin, "POST", "/v1/subscriptions", &form);
    assert_eq!((text(&first, "status"), text(&first["latest_invoice"], "status")), ("incomplete", "open"));
    let intent = &first["latest_invoice"]["payment_intent"];
    assert_eq!(first["latest_invoice"]["confirmation_secret"]["client_secret"], intent["client_secret"]);
    let confirm = format!("/v1/payment_intents/{}/confirm", text(intent, "id"));
    let declined = error(&mut twin, "POST", &confirm, "payment_method=pm_card_chargeDeclined", 402);
    assert_eq!(declined["code"], "card_declined");
    let invoice = twin.json(&format!("/v1/invoices/{}", text(&first["latest_invoice"], "id")));
    assert_eq!((text(&invoice, "status"), invoice["attempt_count"].as_i64()), ("open", Some(1)));
    ok(&mut twin, "POST", &confirm, "payment_method=pm_card_visa");
    let paid = twin.json(&format!("/v1/subscriptions/{}", text(&first, "id")));
    assert_eq!(text(&paid, "status"), "active");
    let second = ok(&mut twin, "POST", "/v1/subscriptions", &form);
    advance(&mut twin, &clock, START + 23 * 3600);
    let given_up = twin.json(&format!("/v1/subscriptions/{}?expand[]=latest_invoice", text(&second, "id")));
    assert_eq!(
        (text(&given_up, "status"), text(&given_up["latest_invoice"], "status")),
        ("incomplete_expired", "void")
    );
}

#[test]
fn a_first_payment_that_is_declined_leaves_it_incomplete_or_nothing() {
    let mut twin = twin();
    let price = price(&mut twin, "Basic", 1000, "month");
    let clock = clock(&mut twin);
    let customer = customer(&mut twin, &clock, "chargeCustomerFail");
    let form = format!("customer={customer}&items[0][price]={price}");
    let incomplete = ok(&mut twin, "POST", "/v1/subscriptions", &form);
    assert_eq!(text(&incomplete, "status"), "incomplete");
    let before = twin.state();
    let refused =
        error(&mut twin, "POST", "/v1/subscriptions", &format!("{form}&payment_behavior=error_if_incomplete"), 402);
    assert_eq!(refused["code"], "card_declined");
    assert_eq!(twin.state(), before, "nothing is left of it");
    let bare = ok(&mut twin, "POST", "/v1/customers", "name=Bob");
    let refused = error(
        &mut twin,
        "POST",
        "/v1/subscriptions",
        &format!("customer={}&items[0][price]={price}", text(&bare, "id")),
        400,
    );
    assert_eq!(refused["code"], "resource_missing");
    assert!(refused["message"].as_str().unwrap().starts_with("This customer has no attached payment source"));
}

#[test]
fn a_renewal_that_fails_is_tried_again_and_then_ends_the_subscription() {
    let mut twin = twin();
    let price = price(&mut twin, "Basic", 1000, "month");
    let clock = clock(&mut twin);
    let customer = customer(&mut twin, &clock, "visa");
    let form = format!("customer={customer}&items[0][price]={price}");
    let id = text(&ok(&mut twin, "POST", "/v1/subscriptions", &form), "id").to_owned();
    let bad =
        ok(&mut twin, "POST", "/v1/payment_methods/pm_card_chargeCustomerFail/attach", &format!("customer={customer}"));
    let usual = format!("invoice_settings[default_payment_method]={}", text(&bad, "id"));
    ok(&mut twin, "POST", &format!("/v1/customers/{customer}"), &usual);
    let due = START + 31 * DAY + 3600;
    advance(&mut twin, &clock, due);
    let late = twin.json(&format!("/v1/subscriptions/{id}?expand[]=latest_invoice"));
    assert_eq!(text(&late, "status"), "past_due");
    assert_eq!(late["latest_invoice"]["next_payment_attempt"], due + 3 * DAY);
    advance(&mut twin, &clock, due + 20 * DAY);
    let ended = twin.json(&format!("/v1/subscriptions/{id}?expand[]=latest_invoice"));
    assert_eq!(
        (text(&ended, "status"), &ended["cancellation_details"]["reason"]),
        ("canceled", &json!("payment_failed"))
    );
    assert_eq!(ended["ended_at"], due + 15 * DAY);
    assert_eq!(
        (text(&ended["latest_invoice"], "status"), ended["latest_invoice"]["attempt_count"].as_i64()),
        ("open", Some(4))
    );
    assert!(events(&twin).contains(&"customer.subscription.deleted".to_owned()));
}

#[test]
fn a_late_invoice_that_is_paid_puts_the_subscription_right() {
    let mut twin = twin();
    let price = price(&mut twin, "Basic", 1000, "month");
    let clock = clock(&mut twin);
    let customer = customer(&mut twin, &clock, "visa");
    let form = format!("customer={customer}&items[0][price]={price}");
    let id = text(&ok(&mut twin, "POST", "/v1/subscriptions", &form), "id").to_owned();
    let bad =
        ok(&mut twin, "POST", "/v1/payment_methods/pm_card_chargeCustomerFail/attach", &format!("customer={customer}"));
    ok(&mut twin, "POST", &format!("/v1/subscriptions/{id}"), &format!("default_payment_method={}", text(&bad, "id")));
    advance(&mut twin, &clock, START + 31 * DAY + 3600);
    let late = twin.json(&format!("/v1/subscriptions/{id}"));
    let pay = format!("/v1/invoices/{}/pay", text(&late, "latest_invoice"));
    let declined = error(&mut twin, "POST", &pay, "", 402);
    assert_eq!(declined["code"], "card_declined");
    let paid = ok(&mut twin, "POST", &pay, "payment_method=pm_card_visa");
    assert_eq!((text(&paid, "status"), paid["attempt_count"].as_i64()), ("paid", Some(3)));
    assert_eq!(text(&twin.json(&format!("/v1/subscriptions/{id}")), "status"), "active");
}

#[test]
fn a_trial_costs_nothing_and_then_is_billed() {
    let mut twin = twin();
    let price = price(&mut twin, "Basic", 1000, "month");
    let clock = clock(&mut twin);
    let customer = customer(&mut twin, &clock, "visa");
    let form = format!("customer={customer}&items[0][price]={price}&trial_period_days=7&expand[]=latest_invoice");
    let trial = ok(&mut twin, "POST", "/v1/subscriptions", &form);
    assert_eq!((text(&trial, "status"), trial["trial_end"].as_i64()), ("trialing", Some(START + 7 * DAY)));
    assert_eq!(
        (text(&trial["latest_invoice"], "status"), trial["latest_invoice"]["total"].as_i64()),
        ("paid", Some(0))
    );
    advance(&mut twin, &clock, START + 4 * DAY);
    assert!(events(&twin).contains(&"customer.subscription.trial_will_end".to_owned()));
    advance(&mut twin, &clock, START + 7 * DAY + 3600);
    let id = text(&trial, "id");
    let after = twin.json(&format!("/v1/subscriptions/{id}?expand[]=latest_invoice"));
    assert_eq!((text(&after, "status"), text(&after["latest_invoice"], "status")), ("active", "paid"));
    assert_eq!((after["latest_invoice"]["total"].as_i64(), period(&after).0), (Some(1000), START + 7 * DAY));
}

#[test]
fn a_trial_without_a_payment_method_pauses_and_can_be_resumed() {
    let mut twin = twin();
    let price = price(&mut twin, "Basic", 1000, "month");
    let clock = clock(&mut twin);
    let bare = ok(&mut twin, "POST", "/v1/customers", &format!("name=Bob&test_clock={clock}"));
    let bare = text(&bare, "id").to_owned();
    let form = format!(
        "customer={bare}&items[0][price]={price}&trial_period_days=7&trial_settings[end_behavior][missing_payment_method]=pause"
    );
    let id = text(&ok(&mut twin, "POST", "/v1/subscriptions", &form), "id").to_owned();
    advance(&mut twin, &clock, START + 8 * DAY);
    assert_eq!(text(&twin.json(&format!("/v1/subscriptions/{id}")), "status"), "paused");
    let method = ok(&mut twin, "POST", "/v1/payment_methods/pm_card_visa/attach", &format!("customer={bare}"));
    let usual = format!("invoice_settings[default_payment_method]={}", text(&method, "id"));
    ok(&mut twin, "POST", &format!("/v1/customers/{bare}"), &usual);
    let resumed = ok(
        &mut twin,
        "POST",
        &format!("/v1/subscriptions/{id}/resume"),
        "billing_cycle_anchor=now&expand[]=latest_invoice",
    );
    assert_eq!((text(&resumed, "status"), text(&resumed["latest_invoice"], "status")), ("active", "paid"));
    assert_eq!(period(&resumed).0, START + 8 * DAY);
}

#[test]
fn a_change_of_price_is_prorated_to_the_second() {
    let mut twin = twin();
    let (basic, pro) = (price(&mut twin, "Basic", 1000, "month"), price(&mut twin, "Pro", 3100, "month"));
    let clock = clock(&mut twin);
    let customer = customer(&mut twin, &clock, "visa");
    let form = format!("customer={customer}&items[0][price]={basic}");
    let subscription = ok(&mut twin, "POST", "/v1/subscriptions", &form);
    let (id, item) = (text(&subscription, "id").to_owned(), text(&subscription["items"]["data"][0], "id").to_owned());
    advance(&mut twin, &clock, START + 10 * DAY);
    let change = format!("items[0][id]={item}&items[0][price]={pro}");
    let details = format!(
        "subscription={id}&subscription_details[items][0][id]={item}&subscription_details[items][0][price]={pro}"
    );
    let preview = ok(&mut twin, "POST", "/v1/invoices/create_preview", &details);
    assert_eq!(preview["total"], -677 + 2100 + 3100);
    let pending = twin.json(&format!("/v1/invoiceitems?customer={customer}"));
    assert_eq!(pending["data"], json!([]), "a preview leaves nothing");
    let changed = ok(&mut twin, "POST", &format!("/v1/subscriptions/{id}"), &change);
    assert_eq!(
        (&changed["items"]["data"][0]["price"]["id"], period(&changed)),
        (&json!(pro), (START, START + 31 * DAY))
    );
    let pending = twin.json(&format!("/v1/invoiceitems?customer={customer}&pending=true"));
    let seen: Vec<_> = pending["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (text(item, "description"), item["amount"].as_i64().unwrap()))
        .collect();
    // 21 of 31 days are left.
    assert_eq!(
        seen,
        [("Remaining time on Pro after 11 Jan 2026", 2100), ("Unused time on Basic after 11 Jan 2026", -677)]
    );
    assert!(pending["data"].as_array().unwrap().iter().all(|item| item["proration"] == true));
    advance(&mut twin, &clock, START + 31 * DAY + 3600);
    let next = twin.json(&format!("/v1/subscriptions/{id}?expand[]=latest_invoice"))["latest_invoice"].clone();
    assert_eq!(
        (text(&next, "status"), next["total"].as_i64(), next["lines"]["total_count"].as_i64()),
        ("paid", Some(4523), Some(3))
    );
    let more = ok(
        &mut twin,
        "POST",
        &format!("/v1/subscriptions/{id}"),
        &format!("items[0][id]={item}&items[0][quantity]=2&proration_behavior=always_invoice&expand[]=latest_invoice"),
    );
    assert_eq!(
        (text(&more["latest_invoice"], "billing_reason"), text(&more["latest_invoice"], "status")),
        ("subscription_update", "paid")
    );
    let none = ok(&mut twin, "POST", &format!("/v1/subscription_items/{item}"), "quantity=5&proration_behavior=none");
    assert_eq!(none["quantity"], 5);
    assert_eq!(twin.json(&format!("/v1/invoiceitems?customer={customer}&pending=true"))["data"], json!([]));
}

#[test]
fn a_change_of_the_interval_begins_a_new_period_at_once() {
    let mut twin = twin();
    let (monthly, yearly) = (price(&mut twin, "Basic", 3100, "month"), price(&mut twin, "Year", 30_000, "year"));
    let clock = clock(&mut twin);
    let customer = customer(&mut twin, &clock, "visa");
    let subscription =
        ok(&mut twin, "POST", "/v1/subscriptions", &format!("customer={customer}&items[0][price]={monthly}"));
    let item = text(&subscription["items"]["data"][0], "id").to_owned();
    advance(&mut twin, &clock, START + 10 * DAY);
    let path = format!("/v1/subscriptions/{}", text(&subscription, "id"));
    let changed =
        ok(&mut twin, "POST", &path, &format!("items[0][id]={item}&items[0][price]={yearly}&expand[]=latest_invoice"));
    assert_eq!(period(&changed), (START + 10 * DAY, START + 375 * DAY));
    let invoice = &changed["latest_invoice"];
    assert_eq!((text(invoice, "status"), invoice["total"].as_i64()), ("paid", Some(30_000 - 2100)));
    let mixed = error(
        &mut twin,
        "POST",
        "/v1/subscriptions",
        &format!("customer={customer}&items[0][price]={monthly}&items[1][price]={yearly}"),
        400,
    );
    assert!(mixed["message"].as_str().unwrap().contains("Found mismatch in interval field"));
}

#[test]
fn a_subscription_ends_now_or_with_its_period() {
    let mut twin = twin();
    let price = price(&mut twin, "Basic", 1000, "month");
    let clock = clock(&mut twin);
    let customer = customer(&mut twin, &clock, "visa");
    let form = format!("customer={customer}&items[0][price]={price}");
    let later = text(&ok(&mut twin, "POST", "/v1/subscriptions", &form), "id").to_owned();
    let marked = ok(
        &mut twin,
        "POST",
        &format!("/v1/subscriptions/{later}"),
        "cancel_at_period_end=true&cancellation_details[comment]=bye",
    );
    assert_eq!((&marked["cancel_at"], text(&marked, "status")), (&json!(START + 31 * DAY), "active"));
    let kept = ok(&mut twin, "POST", &format!("/v1/subscriptions/{later}"), "cancel_at_period_end=false");
    assert_eq!((&kept["cancel_at"], &kept["canceled_at"]), (&Value::Null, &Value::Null));
    ok(&mut twin, "POST", &format!("/v1/subscriptions/{later}"), "cancel_at_period_end=true");
    let now = text(&ok(&mut twin, "POST", "/v1/subscriptions", &form), "id").to_owned();
    advance(&mut twin, &clock, START + 10 * DAY);
    let ended = ok(&mut twin, "DELETE", &format!("/v1/subscriptions/{now}"), "prorate=true");
    assert_eq!((text(&ended, "status"), &ended["ended_at"]), ("canceled", &json!(START + 10 * DAY)));
    let credit = twin.json(&format!("/v1/invoiceitems?customer={customer}&pending=true"));
    assert_eq!(credit["data"][0]["amount"], -677);
    let again = error(&mut twin, "DELETE", &format!("/v1/subscriptions/{now}"), "", 404);
    assert_eq!(again["code"], "resource_missing");
    let refused = error(&mut twin, "POST", &format!("/v1/subscriptions/{now}"), "cancel_at_period_end=true", 400);
    assert_eq!(refused["code"], "subscription_canceled");
    advance(&mut twin, &clock, START + 32 * DAY);
    let over = twin.json(&format!("/v1/subscriptions/{later}"));
    assert_eq!((text(&over, "status"), &over["ended_at"]), ("canceled", &json!(START + 31 * DAY)));
    assert_eq!(twin.json(&format!("/v1/invoices?subscription={later}"))["data"].as_array().unwrap().len(), 1);
    let shown = |list: Value| list["data"].as_array().unwrap().len();
    assert_eq!(shown(twin.json(&format!("/v1/subscriptions?customer={customer}"))), 0);
    assert_eq!(shown(twin.json(&format!("/v1/subscriptions?customer={customer}&status=all"))), 2);
}

#[test]
fn without_a_test_clock_the_session_s_time_bills() {
    let mut twin = twin();
    let price = price(&mut twin, "Basic", 1000, "day");
    let created = ok(&mut twin, "POST", "/v1/customers", "name=Ada&payment_method=pm_card_visa");
    let customer = text(&created, "id").to_owned();
    let methods = twin.json(&format!("/v1/customers/{customer}/payment_methods"));
    let form = format!(
        "customer={customer}&items[0][price]={price}&default_payment_method={}",
        text(&methods["data"][0], "id")
    );
    let subscription = ok(&mut twin, "POST", "/v1/subscriptions", &form);
    let id = text(&subscription, "id").to_owned();
    twin.host.set(u64::try_from((START + 2 * DAY + 4000) * 1000).unwrap());
    twin.session.advance(&twin.host);
    let list = twin.json(&format!("/v1/invoices?subscription={id}"));
    let all = kinds(&list);
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|(_, status, total)| status == "paid" && *total == 1000), "{all:?}");
    assert_eq!(twin.json(&format!("/v1/subscriptions/{id}"))["status"], "active");
}

#[test]
fn collection_can_be_paused() {
    let mut twin = twin();
    let price = price(&mut twin, "Basic", 1000, "month");
    let clock = clock(&mut twin);
    let customer = customer(&mut twin, &clock, "visa");
    let form = format!("customer={customer}&items[0][price]={price}");
    let id = text(&ok(&mut twin, "POST", "/v1/subscriptions", &form), "id").to_owned();
    let paused = ok(&mut twin, "POST", &format!("/v1/subscriptions/{id}"), "pause_collection[behavior]=void");
    assert_eq!(paused["pause_collection"], json!({ "behavior": "void", "resumes_at": null }));
    advance(&mut twin, &clock, START + 32 * DAY);
    let list = twin.json(&format!("/v1/invoices?subscription={id}"));
    assert_eq!(text(&list["data"][0], "status"), "void");
    let resumed = ok(&mut twin, "POST", &format!("/v1/subscriptions/{id}"), "pause_collection=");
    assert_eq!(resumed["pause_collection"], Value::Null);
    advance(&mut twin, &clock, START + 60 * DAY);
    let list = twin.json(&format!("/v1/invoices?subscription={id}"));
    assert_eq!(text(&list["data"][0], "status"), "paid");
}

#[test]
fn clocks_move_forward_only_and_take_their_customers_with_them() {
    let mut twin = twin();
    let price = price(&mut twin, "Basic", 1000, "month");
    let clock = clock(&mut twin);
    let customer = customer(&mut twin, &clock, "visa");
    let form = format!("customer={customer}&items[0][price]={price}");
    let id = text(&ok(&mut twin, "POST", "/v1/subscriptions", &form), "id").to_owned();
    let path = format!("/v1/test_helpers/test_clocks/{clock}/advance");
    for to in [START, START + 200 * DAY] {
        assert_eq!(error(&mut twin, "POST", &path, &format!("frozen_time={to}"), 400)["param"], "frozen_time");
    }
    let gone = ok(&mut twin, "DELETE", &format!("/v1/test_helpers/test_clocks/{clock}"), "");
    assert_eq!(gone["deleted"], true);
    assert_eq!(twin.json(&format!("/v1/customers/{customer}"))["deleted"], true);
    assert_eq!(text(&twin.json(&format!("/v1/subscriptions/{id}")), "status"), "canceled");
    assert_eq!(error(&mut twin, "POST", "/v1/customers", "test_clock=clock_no", 400)["code"], "resource_missing");
}
