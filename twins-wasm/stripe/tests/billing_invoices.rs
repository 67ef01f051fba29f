//! Invoices, what is on them, and what makes them cheaper or dearer.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail where an answer has another shape")]

mod support;

use pome_twin_kit::testing::Native;
use serde_json::{Value, json};
use support::{error, events, ok, text, twin};
use twin_stripe::Stripe;

fn customer(twin: &mut Native<Stripe>, card: &str) -> String {
    let id = text(&ok(twin, "POST", "/v1/customers", "name=Ada&email=ada@example.com"), "id").to_owned();
    let method = ok(twin, "POST", &format!("/v1/payment_methods/pm_card_{card}/attach"), &format!("customer={id}"));
    let form = format!("invoice_settings[default_payment_method]={}", text(&method, "id"));
    ok(twin, "POST", &format!("/v1/customers/{id}"), &form);
    id
}

fn item(twin: &mut Native<Stripe>, customer: &str, amount: i64, more: &str) -> Value {
    let form = format!("customer={customer}&amount={amount}&currency=usd&description=Work{more}");
    ok(twin, "POST", "/v1/invoiceitems", &form)
}

fn draft(twin: &mut Native<Stripe>, customer: &str, more: &str) -> Value {
    let form = format!("customer={customer}&pending_invoice_items_behavior=include{more}");
    ok(twin, "POST", "/v1/invoices", &form)
}

fn post(twin: &mut Native<Stripe>, invoice: &Value, what: &str, form: &str) -> Value {
    ok(twin, "POST", &format!("/v1/invoices/{}/{what}", text(invoice, "id")), form)
}

#[test]
fn an_invoice_is_written_finalized_and_paid() {
    let mut twin = twin();
    let customer = customer(&mut twin, "visa");
    let first = item(&mut twin, &customer, 2500, "");
    assert_eq!((&first["invoice"], &first["amount"]), (&Value::Null, &json!(2500)));
    let empty = ok(&mut twin, "POST", "/v1/invoices", &format!("customer={customer}"));
    assert_eq!(
        (text(&empty, "status"), &empty["total"]),
        ("draft", &json!(0)),
        "pending items stay out unless asked for"
    );
    let id = text(&empty, "id").to_owned();
    let refused = error(&mut twin, "POST", &format!("/v1/invoices/{id}/finalize"), "", 400);
    assert_eq!(refused["code"], "invoice_no_customer_line_items");
    let invoice = draft(&mut twin, &customer, "&description=March");
    let added = ok(
        &mut twin,
        "POST",
        "/v1/invoiceitems",
        &format!(
            "customer={customer}&invoice={}&unit_amount_decimal=500&quantity=3&description=Hours",
            text(&invoice, "id")
        ),
    );
    assert_eq!((&added["amount"], &added["currency"]), (&json!(1500), &json!("usd")));
    let invoice = twin.json(&format!("/v1/invoices/{}", text(&invoice, "id")));
    assert_eq!(
        (&invoice["total"], &invoice["amount_due"], &invoice["number"]),
        (&json!(4000), &json!(4000), &Value::Null)
    );
    let lines: Vec<_> =
        invoice["lines"]["data"].as_array().unwrap().iter().map(|line| line["amount"].as_i64().unwrap()).collect();
    assert_eq!(lines, [2500, 1500]);
    let open = post(&mut twin, &invoice, "finalize", "");
    assert_eq!((text(&open, "status"), text(&open, "collection_method")), ("open", "charge_automatically"));
    assert!(
        text(&open, "number").ends_with("-0001")
            && text(&open, "hosted_invoice_url").starts_with("https://invoice.stripe.com/i/")
    );
    let again = error(&mut twin, "POST", &format!("/v1/invoices/{}/finalize", text(&invoice, "id")), "", 400);
    assert_eq!(again["code"], "invoice_not_editable");
    let frozen = error(&mut twin, "POST", &format!("/v1/invoiceitems/{}", text(&added, "id")), "quantity=4", 400);
    assert_eq!(frozen["code"], "invoice_not_editable");
    let paid = post(&mut twin, &invoice, "pay", "expand[]=payments.data.payment.payment_intent");
    assert_eq!(
        (text(&paid, "status"), &paid["amount_paid"], &paid["amount_remaining"]),
        ("paid", &json!(4000), &json!(0))
    );
    let intent = &paid["payments"]["data"][0]["payment"]["payment_intent"];
    assert_eq!((text(intent, "status"), &intent["amount_received"]), ("succeeded", &json!(4000)));
    assert_eq!(
        error(&mut twin, "POST", &format!("/v1/invoices/{}/pay", text(&invoice, "id")), "", 400)["message"],
        "Invoice is already paid"
    );
    let next = draft(&mut twin, &customer, "");
    item(&mut twin, &customer, 100, &format!("&invoice={}", text(&next, "id")));
    assert!(text(&post(&mut twin, &next, "finalize", ""), "number").ends_with("-0002"));
}

#[test]
fn a_declined_invoice_stays_open_and_can_be_paid_otherwise() {
    let mut twin = twin();
    let customer = customer(&mut twin, "chargeCustomerFail");
    item(&mut twin, &customer, 2500, "");
    let invoice = draft(&mut twin, &customer, "");
    let path = format!("/v1/invoices/{}/pay", text(&invoice, "id"));
    let declined = error(&mut twin, "POST", &path, "", 402);
    assert_eq!((&declined["code"], &declined["type"]), (&json!("card_declined"), &json!("card_error")));
    let open = twin.json(&format!("/v1/invoices/{}", text(&invoice, "id")));
    assert_eq!((text(&open, "status"), &open["attempt_count"], &open["attempted"]), ("open", &json!(1), &json!(true)));
    assert!(events(&twin).contains(&"invoice.payment_failed".to_owned()));
    let asks = error(&mut twin, "POST", &path, "payment_method=pm_card_authenticationRequired&off_session=false", 402);
    assert_eq!(asks["code"], "invoice_payment_intent_requires_action");
    let paid = ok(&mut twin, "POST", &path, "paid_out_of_band=true");
    assert_eq!((text(&paid, "status"), &paid["amount_remaining"]), ("paid", &json!(0)));
    let bare = text(&ok(&mut twin, "POST", "/v1/customers", "name=Bob"), "id").to_owned();
    item(&mut twin, &bare, 2500, "");
    let invoice = draft(&mut twin, &bare, "");
    let refused = error(&mut twin, "POST", &format!("/v1/invoices/{}/pay", text(&invoice, "id")), "", 400);
    assert!(refused["message"].as_str().unwrap().starts_with("There is no `default_payment_method`"));
}

#[test]
fn an_invoice_can_be_sent_voided_written_off_or_deleted() {
    let mut twin = twin();
    let customer = customer(&mut twin, "visa");
    let missing =
        error(&mut twin, "POST", "/v1/invoices", &format!("customer={customer}&collection_method=send_invoice"), 400);
    assert_eq!(missing["param"], "days_until_due");
    let mut make = |more: &str| {
        item(&mut twin, &customer, 900, "");
        text(&draft(&mut twin, &customer, more), "id").to_owned()
    };
    let (sent, voided, lost, deleted) =
        (make("&collection_method=send_invoice&days_until_due=30"), make(""), make(""), make(""));
    let answer = ok(&mut twin, "POST", &format!("/v1/invoices/{sent}/send"), "");
    assert_eq!((text(&answer, "status"), answer["due_date"].as_i64().is_some()), ("open", true));
    assert!(events(&twin).contains(&"invoice.sent".to_owned()));
    assert_eq!(
        error(&mut twin, "POST", &format!("/v1/invoices/{voided}/void"), "", 400)["code"],
        "invoice_not_editable"
    );
    for id in [&voided, &lost] {
        ok(&mut twin, "POST", &format!("/v1/invoices/{id}/finalize"), "");
    }
    let answer = ok(&mut twin, "POST", &format!("/v1/invoices/{voided}/void"), "");
    assert!(text(&answer, "status") == "void" && answer["status_transitions"]["voided_at"].is_number());
    let intents = twin.json("/v1/payment_intents");
    assert!(intents["data"].as_array().unwrap().iter().any(|intent| intent["cancellation_reason"] == "void_invoice"));
    let answer = ok(&mut twin, "POST", &format!("/v1/invoices/{lost}/mark_uncollectible"), "");
    assert_eq!(text(&answer, "status"), "uncollectible");
    assert_eq!(text(&ok(&mut twin, "POST", &format!("/v1/invoices/{lost}/pay"), ""), "status"), "paid");
    let stub = ok(&mut twin, "DELETE", &format!("/v1/invoices/{deleted}"), "");
    assert_eq!(stub, json!({ "id": deleted, "object": "invoice", "deleted": true }));
    assert_eq!(error(&mut twin, "DELETE", &format!("/v1/invoices/{lost}"), "", 400)["code"], "invoice_not_editable");
    let open = twin.json("/v1/invoices?status=open");
    assert_eq!(open["data"].as_array().unwrap().len(), 1);
}

#[test]
fn coupons_and_codes_take_something_off() {
    let mut twin = twin();
    let customer = customer(&mut twin, "visa");
    let coupon = ok(&mut twin, "POST", "/v1/coupons", "percent_off=12.5&id=SPRING&max_redemptions=2&name=Spring");
    assert_eq!(
        (text(&coupon, "id"), text(&coupon, "duration"), &coupon["percent_off"]),
        ("SPRING", "once", &json!(12.5))
    );
    item(&mut twin, &customer, 1999, "");
    item(&mut twin, &customer, 1, "");
    let invoice = draft(&mut twin, &customer, "&discounts[0][coupon]=SPRING&expand[]=discounts.source.coupon");
    assert_eq!((&invoice["subtotal"], &invoice["total"]), (&json!(2000), &json!(1750)));
    assert_eq!(invoice["discounts"][0]["source"]["coupon"]["percent_off"], 12.5);
    assert_eq!(invoice["total_discount_amounts"][0]["amount"], 250);
    let code =
        ok(&mut twin, "POST", "/v1/promotion_codes", "promotion[type]=coupon&promotion[coupon]=SPRING&code=SAVE");
    let found = twin.json("/v1/promotion_codes?code=save&active=true");
    assert_eq!(found["data"][0]["id"], code["id"]);
    let path = format!("/v1/invoices/{}", text(&invoice, "id"));
    let changed = ok(&mut twin, "POST", &path, &format!("discounts[0][promotion_code]={}", text(&code, "id")));
    assert_eq!(changed["total"], 1750);
    let spent = twin.json("/v1/coupons/SPRING");
    assert_eq!((&spent["times_redeemed"], &spent["valid"]), (&json!(2), &json!(false)));
    let over = error(&mut twin, "POST", &path, "discounts[0][coupon]=SPRING", 400);
    assert_eq!(over["code"], "coupon_expired");
    let none = ok(&mut twin, "POST", &path, "discounts=");
    assert_eq!((&none["total"], &none["discounts"]), (&json!(2000), &json!([])));
    for (form, param) in [
        ("percent_off=101", "percent_off"),
        ("amount_off=5", "currency"),
        ("percent_off=5&duration=repeating", "duration_in_months"),
        ("percent_off=5&amount_off=5&currency=usd", "percent_off"),
    ] {
        assert_eq!(error(&mut twin, "POST", "/v1/coupons", form, 400)["param"], param, "{form}");
    }
    assert_eq!(ok(&mut twin, "DELETE", "/v1/coupons/SPRING", "")["deleted"], true);
    assert_eq!(error(&mut twin, "GET", "/v1/coupons/SPRING", "", 404)["code"], "resource_missing");
}

#[test]
fn taxes_are_added_or_are_within_the_price() {
    let mut twin = twin();
    let customer = customer(&mut twin, "visa");
    let mut rate = |form: &str| text(&ok(&mut twin, "POST", "/v1/tax_rates", form), "id").to_owned();
    let (added, within) = (
        rate("display_name=Sales&inclusive=false&percentage=10"),
        rate("display_name=VAT&inclusive=true&percentage=19"),
    );
    item(&mut twin, &customer, 1000, "");
    item(&mut twin, &customer, 1190, &format!("&tax_rates[0]={within}"));
    let invoice = draft(&mut twin, &customer, &format!("&default_tax_rates[0]={added}"));
    assert_eq!(
        (&invoice["subtotal"], &invoice["total"], &invoice["total_excluding_tax"]),
        (&json!(2190), &json!(2290), &json!(2000))
    );
    let taxes: Vec<_> = invoice["total_taxes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tax| (text(tax, "tax_behavior"), tax["amount"].as_i64().unwrap()))
        .collect();
    assert_eq!(taxes, [("inclusive", 190), ("exclusive", 100)]);
}

#[test]
fn credit_is_used_before_the_card() {
    let mut twin = twin();
    let customer = customer(&mut twin, "visa");
    ok(&mut twin, "POST", &format!("/v1/customers/{customer}"), "balance=-1500");
    item(&mut twin, &customer, 2500, "");
    let invoice = draft(&mut twin, &customer, "");
    assert_eq!((&invoice["starting_balance"], &invoice["amount_due"]), (&json!(-1500), &json!(1000)));
    let paid = post(&mut twin, &invoice, "pay", "");
    assert_eq!(
        (&paid["total"], &paid["amount_paid"], &paid["ending_balance"]),
        (&json!(2500), &json!(1000), &json!(0))
    );
    assert_eq!(twin.json(&format!("/v1/customers/{customer}"))["balance"], 0);
    item(&mut twin, &customer, 20, "");
    let small = draft(&mut twin, &customer, "");
    let small = post(&mut twin, &small, "finalize", "");
    assert_eq!((text(&small, "status"), &small["ending_balance"]), ("paid", &json!(20)), "too little to be charged");
}

#[test]
fn a_draft_with_auto_advance_goes_its_way() {
    let mut twin = twin();
    let customer = customer(&mut twin, "visa");
    item(&mut twin, &customer, 2500, "");
    let invoice = draft(&mut twin, &customer, "&auto_advance=true");
    let at = invoice["automatically_finalizes_at"].as_i64().unwrap();
    twin.host.set(u64::try_from(at * 1000).unwrap());
    twin.session.advance(&twin.host);
    let paid = twin.json(&format!("/v1/invoices/{}", text(&invoice, "id")));
    assert_eq!((text(&paid, "status"), &paid["status_transitions"]["finalized_at"]), ("paid", &json!(at)));
}

#[test]
fn the_lines_of_an_invoice_are_paged_and_added_to() {
    let mut twin = twin();
    let customer = customer(&mut twin, "visa");
    let invoice = ok(&mut twin, "POST", "/v1/invoices", &format!("customer={customer}&currency=usd"));
    let id = text(&invoice, "id").to_owned();
    let lines = "lines[0][amount]=100&lines[0][description]=A&lines[1][amount]=200&lines[1][description]=B&lines[2][amount]=300";
    let added = ok(&mut twin, "POST", &format!("/v1/invoices/{id}/add_lines"), lines);
    assert_eq!((&added["total"], &added["lines"]["total_count"]), (&json!(600), &json!(3)));
    let first = twin.json(&format!("/v1/invoices/{id}/lines?limit=2"));
    assert_eq!((first["data"].as_array().unwrap().len(), &first["has_more"]), (2, &json!(true)));
    let rest = twin.json(&format!("/v1/invoices/{id}/lines?starting_after={}", text(&first["data"][1], "id")));
    assert_eq!((rest["data"][0]["amount"].as_i64(), &rest["has_more"]), (Some(300), &json!(false)));
    let found = twin.json(&format!("/v1/invoices/search?query=customer:%22{customer}%22%20AND%20status:%22draft%22"));
    assert_eq!(found["data"][0]["id"], id.as_str());
}

#[test]
fn objects_have_the_vendor_s_keys() {
    let mut twin = twin();
    let customer = customer(&mut twin, "visa");
    let pending = item(&mut twin, &customer, 1000, "");
    let invoice = draft(&mut twin, &customer, "");
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(
        keys(&pending),
        "id object amount currency customer customer_account date description discountable discounts invoice livemode metadata \
         net_amount parent period pricing proration quantity quantity_decimal tax_rates test_clock"
    );
    assert_eq!(
        keys(&invoice["lines"]["data"][0]),
        "id object amount currency description discount_amounts discountable discounts invoice livemode metadata parent period \
         pretax_credit_amounts pricing quantity quantity_decimal subscription subtotal taxes"
    );
    assert_eq!(invoice.as_object().unwrap().len(), 75);
}
