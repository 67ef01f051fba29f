//! Setup intents, checkout sessions, payment links, the portal, quotes, credit notes and balances.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail where an answer has another shape")]

mod support;

use pome_twin_kit::testing::Native;
use serde_json::{Value, json};
use support::{error, events, ok, text, twin};
use twin_stripe::Stripe;

fn price(twin: &mut Native<Stripe>, amount: i64, more: &str) -> String {
    let product = ok(twin, "POST", "/v1/products", "name=Book");
    let form = format!("product={}&currency=usd&unit_amount={amount}{more}", text(&product, "id"));
    text(&ok(twin, "POST", "/v1/prices", &form), "id").to_owned()
}

fn customer(twin: &mut Native<Stripe>) -> String {
    let id = text(&ok(twin, "POST", "/v1/customers", "name=Ada&email=ada@example.com"), "id").to_owned();
    let method = ok(twin, "POST", "/v1/payment_methods/pm_card_visa/attach", &format!("customer={id}"));
    ok(
        twin,
        "POST",
        &format!("/v1/customers/{id}"),
        &format!("invoice_settings[default_payment_method]={}", text(&method, "id")),
    );
    id
}

#[test]
fn a_setup_intent_keeps_a_card_for_later() {
    let mut twin = twin();
    let customer = text(&ok(&mut twin, "POST", "/v1/customers", "name=Ada"), "id").to_owned();
    let created = ok(
        &mut twin,
        "POST",
        "/v1/setup_intents",
        &format!("customer={customer}&payment_method_types[]=card&usage=off_session"),
    );
    assert_eq!((text(&created, "status"), created["client_secret"].is_string()), ("requires_payment_method", true));
    let path = format!("/v1/setup_intents/{}", text(&created, "id"));
    let missing = error(&mut twin, "POST", &format!("{path}/confirm"), "", 400);
    assert_eq!(missing["code"], "setup_intent_unexpected_state");
    let declined = error(&mut twin, "POST", &format!("{path}/confirm"), "payment_method=pm_card_chargeDeclined", 402);
    assert_eq!(
        (&declined["code"], text(&declined["setup_intent"], "status")),
        (&json!("card_declined"), "requires_payment_method")
    );
    assert_eq!(twin.json(&path)["last_setup_error"]["decline_code"], "generic_decline");
    let done = ok(&mut twin, "POST", &format!("{path}/confirm"), "payment_method=pm_card_visa&expand[]=payment_method");
    assert_eq!((text(&done, "status"), text(&done["payment_method"], "customer")), ("succeeded", customer.as_str()));
    assert_eq!(error(&mut twin, "POST", &format!("{path}/cancel"), "", 400)["code"], "setup_intent_unexpected_state");
    let asks = ok(
        &mut twin,
        "POST",
        "/v1/setup_intents",
        &format!(
            "customer={customer}&payment_method_types[]=card&confirm=true&payment_method=pm_card_authenticationRequired"
        ),
    );
    assert_eq!(text(&asks, "status"), "requires_action");
    let id = text(&asks, "id");
    let told = ok(&mut twin, "POST", &format!("/v1/test_helpers/setup_intents/{id}/simulate_authentication"), "");
    assert_eq!(text(&told, "status"), "succeeded");
    let open = ok(&mut twin, "POST", "/v1/setup_intents", "automatic_payment_methods[enabled]=true");
    let canceled = ok(
        &mut twin,
        "POST",
        &format!("/v1/setup_intents/{}/cancel", text(&open, "id")),
        "cancellation_reason=abandoned",
    );
    assert_eq!((text(&canceled, "status"), text(&canceled, "cancellation_reason")), ("canceled", "abandoned"));
    let seen = events(&twin);
    for name in [
        "setup_intent.created",
        "setup_intent.setup_failed",
        "setup_intent.succeeded",
        "setup_intent.requires_action",
        "setup_intent.canceled",
    ] {
        assert!(seen.iter().any(|one| one == name), "{name}");
    }
}

#[test]
fn a_session_sells_things_once() {
    let mut twin = twin();
    let price = price(&mut twin, 1500, "");
    ok(&mut twin, "POST", "/v1/coupons", "id=TEN&percent_off=10");
    let rate = ok(
        &mut twin,
        "POST",
        "/v1/shipping_rates",
        "display_name=Post&type=fixed_amount&fixed_amount[amount]=500&fixed_amount[currency]=usd",
    );
    let form = format!(
        "mode=payment&success_url=https://example.com/ok&line_items[0][price]={price}&line_items[0][quantity]=2&discounts[0][coupon]=TEN&\
         shipping_options[0][shipping_rate]={}&metadata[order]=7&payment_intent_data[metadata][order]=7&expand[]=line_items",
        text(&rate, "id")
    );
    let session = ok(&mut twin, "POST", "/v1/checkout/sessions", &form);
    assert_eq!((text(&session, "status"), text(&session, "payment_status")), ("open", "unpaid"));
    assert_eq!((&session["amount_subtotal"], &session["amount_total"]), (&json!(3000), &json!(3200)));
    assert_eq!(session["total_details"], json!({ "amount_discount": 300, "amount_shipping": 500, "amount_tax": 0 }));
    assert!(text(&session, "url").starts_with("https://checkout.stripe.com/c/pay/cs_test_"));
    assert_eq!(
        (&session["line_items"]["data"][0]["amount_total"], &session["payment_intent"]),
        (&json!(2700), &Value::Null)
    );
    let id = text(&session, "id").to_owned();
    let complete = format!("/v1/test_helpers/checkout/sessions/{id}/complete");
    let declined =
        error(&mut twin, "POST", &complete, "email=ada@example.com&payment_method=pm_card_chargeDeclined", 402);
    assert_eq!(declined["code"], "card_declined");
    assert_eq!(text(&twin.json(&format!("/v1/checkout/sessions/{id}")), "status"), "open");
    let done = ok(&mut twin, "POST", &complete, "email=ada@example.com&name=Ada&expand[]=payment_intent");
    assert_eq!(
        (text(&done, "status"), text(&done, "payment_status"), &done["url"]),
        ("complete", "paid", &Value::Null)
    );
    assert_eq!(
        (text(&done["payment_intent"], "status"), &done["payment_intent"]["metadata"]["order"]),
        ("succeeded", &json!("7"))
    );
    assert_eq!(done["customer_details"]["email"], "ada@example.com");
    assert_eq!(twin.json("/v1/coupons/TEN")["times_redeemed"], 1);
    assert_eq!(
        twin.json("/v1/payment_intents")["data"].as_array().unwrap().len(),
        1,
        "the second try is the same payment"
    );
    assert!(events(&twin).contains(&"checkout.session.completed".to_owned()));
    let lines = twin.json(&format!("/v1/checkout/sessions/{id}/line_items"));
    assert_eq!((&lines["data"][0]["description"], &lines["data"][0]["quantity"]), (&json!("Book"), &json!(2)));
    error(&mut twin, "POST", &complete, "", 400);
}

#[test]
fn a_session_subscribes_or_sets_up() {
    let mut twin = twin();
    let monthly = price(&mut twin, 1500, "&recurring[interval]=month");
    let once = price(&mut twin, 500, "");
    let form = format!(
        "mode=subscription&success_url=https://example.com/ok&line_items[0][price]={monthly}&line_items[1][price]={once}&subscription_data[metadata][plan]=a"
    );
    let session = ok(&mut twin, "POST", "/v1/checkout/sessions", &form);
    let complete = format!("/v1/test_helpers/checkout/sessions/{}/complete", text(&session, "id"));
    let done = ok(
        &mut twin,
        "POST",
        &complete,
        "email=ada@example.com&expand[]=subscription.latest_invoice&expand[]=customer",
    );
    let subscription = &done["subscription"];
    assert_eq!((text(subscription, "status"), &subscription["metadata"]["plan"]), ("active", &json!("a")));
    assert_eq!(
        (&subscription["latest_invoice"]["total"], text(&subscription["latest_invoice"], "status")),
        (&json!(2000), "paid")
    );
    assert_eq!(done["customer"]["email"], "ada@example.com");
    let customer = text(&done["customer"], "id").to_owned();
    let setup = ok(
        &mut twin,
        "POST",
        "/v1/checkout/sessions",
        &format!("mode=setup&success_url=https://example.com&customer={customer}&currency=usd"),
    );
    let done = ok(
        &mut twin,
        "POST",
        &format!("/v1/test_helpers/checkout/sessions/{}/complete", text(&setup, "id")),
        "expand[]=setup_intent",
    );
    assert_eq!(
        (text(&done, "payment_status"), text(&done["setup_intent"], "status")),
        ("no_payment_required", "succeeded")
    );
    for (form, param) in [
        (format!("mode=payment&success_url=https://a.b&line_items[0][price]={monthly}"), "mode"),
        (format!("mode=subscription&success_url=https://a.b&line_items[0][price]={once}"), "line_items"),
        ("mode=payment&success_url=https://a.b".to_owned(), "line_items"),
        (format!("mode=payment&line_items[0][price]={once}"), "success_url"),
        (format!("success_url=https://a.b&line_items[0][price]={once}"), "mode"),
    ] {
        assert_eq!(error(&mut twin, "POST", "/v1/checkout/sessions", &form, 400)["param"], param, "{form}");
    }
}

#[test]
fn a_session_expires_by_itself_or_when_told() {
    let mut twin = twin();
    let form = "mode=payment&success_url=https://a.b&line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=900&\
                line_items[0][price_data][product_data][name]=Pen&line_items[0][quantity]=1";
    let first = ok(&mut twin, "POST", "/v1/checkout/sessions", form);
    let second = ok(&mut twin, "POST", "/v1/checkout/sessions", form);
    let path = format!("/v1/checkout/sessions/{}", text(&first, "id"));
    assert_eq!(text(&ok(&mut twin, "POST", &format!("{path}/expire"), ""), "status"), "expired");
    error(&mut twin, "POST", &format!("{path}/expire"), "", 400);
    let at = second["expires_at"].as_i64().unwrap();
    twin.host.set(u64::try_from(at * 1000).unwrap());
    twin.session.advance(&twin.host);
    assert_eq!(text(&twin.json(&format!("/v1/checkout/sessions/{}", text(&second, "id"))), "status"), "expired");
}

#[test]
fn a_payment_link_opens_sessions() {
    let mut twin = twin();
    let price = price(&mut twin, 1500, "");
    let link = ok(
        &mut twin,
        "POST",
        "/v1/payment_links",
        &format!("line_items[0][price]={price}&line_items[0][quantity]=1&metadata[a]=b"),
    );
    assert!(text(&link, "url").starts_with("https://buy.stripe.com/test_") && link["active"] == true);
    let id = text(&link, "id").to_owned();
    let session = ok(&mut twin, "POST", &format!("/v1/test_helpers/payment_links/{id}/open"), "");
    assert_eq!(
        (text(&session, "payment_link"), &session["amount_total"], &session["metadata"]["a"]),
        (id.as_str(), &json!(1500), &json!("b"))
    );
    let done = ok(
        &mut twin,
        "POST",
        &format!("/v1/test_helpers/checkout/sessions/{}/complete", text(&session, "id")),
        "email=a@b.c",
    );
    assert_eq!(text(&done, "payment_status"), "paid");
    ok(&mut twin, "POST", &format!("/v1/payment_links/{id}"), "active=false");
    error(&mut twin, "POST", &format!("/v1/test_helpers/payment_links/{id}/open"), "", 400);
    let customer = customer(&mut twin);
    let portal =
        ok(&mut twin, "POST", "/v1/billing_portal/sessions", &format!("customer={customer}&return_url=https://a.b"));
    assert!(text(&portal, "url").starts_with("https://billing.stripe.com/p/session/test_"));
    assert_eq!(error(&mut twin, "POST", "/v1/billing_portal/sessions", "", 400)["param"], "customer");
}

#[test]
fn a_quote_becomes_a_subscription_or_an_invoice() {
    let mut twin = twin();
    let (monthly, once) = (price(&mut twin, 1500, "&recurring[interval]=month"), price(&mut twin, 500, ""));
    let customer = customer(&mut twin);
    let quote = ok(
        &mut twin,
        "POST",
        "/v1/quotes",
        &format!(
            "customer={customer}&line_items[0][price]={monthly}&line_items[0][quantity]=2&line_items[1][price]={once}"
        ),
    );
    assert_eq!(
        (text(&quote, "status"), &quote["amount_total"], &quote["computed"]["recurring"]["amount_total"]),
        ("draft", &json!(3500), &json!(3000))
    );
    let path = format!("/v1/quotes/{}", text(&quote, "id"));
    error(&mut twin, "POST", &format!("{path}/accept"), "", 400);
    let open = ok(&mut twin, "POST", &format!("{path}/finalize"), "");
    assert!(text(&open, "status") == "open" && open["number"].is_string());
    let accepted = ok(&mut twin, "POST", &format!("{path}/accept"), "expand[]=subscription.latest_invoice");
    assert_eq!((text(&accepted, "status"), text(&accepted["subscription"], "status")), ("accepted", "active"));
    assert_eq!(accepted["subscription"]["latest_invoice"]["amount_paid"], 3500);
    let quote = ok(&mut twin, "POST", "/v1/quotes", &format!("customer={customer}&line_items[0][price]={once}"));
    let path = format!("/v1/quotes/{}", text(&quote, "id"));
    ok(&mut twin, "POST", &format!("{path}/finalize"), "");
    let accepted = ok(&mut twin, "POST", &format!("{path}/accept"), "expand[]=invoice");
    assert_eq!((text(&accepted["invoice"], "status"), &accepted["invoice"]["total"]), ("draft", &json!(500)));
}

#[test]
fn credit_notes_and_balances_change_what_is_owed() {
    let mut twin = twin();
    let customer = customer(&mut twin);
    let entry = ok(
        &mut twin,
        "POST",
        &format!("/v1/customers/{customer}/balance_transactions"),
        "amount=-300&currency=usd&description=Sorry",
    );
    assert_eq!((&entry["ending_balance"], text(&entry, "type")), (&json!(-300), "adjustment"));
    let mut invoice = || {
        let draft = ok(&mut twin, "POST", "/v1/invoices", &format!("customer={customer}&currency=usd"));
        let id = text(&draft, "id").to_owned();
        ok(
            &mut twin,
            "POST",
            "/v1/invoiceitems",
            &format!("customer={customer}&invoice={id}&amount=2000&description=Work"),
        );
        ok(&mut twin, "POST", &format!("/v1/invoices/{id}/finalize"), "");
        id
    };
    let (open, paid) = (invoice(), invoice());
    let less = ok(&mut twin, "POST", "/v1/credit_notes", &format!("invoice={open}&amount=500&reason=order_change"));
    assert_eq!((text(&less, "type"), &less["pre_payment_amount"]), ("pre_payment", &json!(500)));
    let after = twin.json(&format!("/v1/invoices/{open}"));
    assert_eq!((&after["amount_due"], &after["pre_payment_credit_notes_amount"]), (&json!(1200), &json!(500)));
    ok(&mut twin, "POST", &format!("/v1/credit_notes/{}/void", text(&less, "id")), "");
    assert_eq!(twin.json(&format!("/v1/invoices/{open}"))["amount_due"], 1700);
    ok(&mut twin, "POST", &format!("/v1/invoices/{paid}/pay"), "");
    let back = ok(
        &mut twin,
        "POST",
        "/v1/credit_notes",
        &format!("invoice={paid}&amount=700&refund_amount=400&credit_amount=300"),
    );
    assert_eq!((text(&back, "type"), &back["refunds"][0]["amount_refunded"]), ("post_payment", &json!(400)));
    assert_eq!(twin.json("/v1/refunds")["data"][0]["amount"], 400);
    assert_eq!(twin.json(&format!("/v1/customers/{customer}"))["balance"], -300);
    let entries = twin.json(&format!("/v1/customers/{customer}/balance_transactions"));
    let kinds: Vec<_> = entries["data"].as_array().unwrap().iter().map(|one| text(one, "type")).collect();
    assert_eq!(kinds, ["credit_note", "applied_to_invoice", "adjustment"]);
    let over = error(&mut twin, "POST", "/v1/credit_notes", &format!("invoice={paid}&amount=2000"), 400);
    assert_eq!(over["param"], "amount");
}
