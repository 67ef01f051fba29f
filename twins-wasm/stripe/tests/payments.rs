//! Payment intents and what becomes of them, through the REST door.

mod support;

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use support::{error, events, form, keyed, ok, seeded, text, twin};
use twin_stripe::Stripe;

const CARD: &str = "amount=2000&currency=usd&payment_method_types[]=card";

fn intent(twin: &mut Native<Stripe>, more: &str) -> Value {
    ok(twin, "POST", "/v1/payment_intents", &format!("{CARD}&{more}"))
}

fn act(twin: &mut Native<Stripe>, intent: &Value, what: &str, more: &str) -> Value {
    ok(twin, "POST", &format!("/v1/payment_intents/{}/{what}", text(intent, "id")), more)
}

#[test]
fn a_card_is_charged_when_an_intent_is_confirmed() {
    let mut twin = twin();
    let created = intent(&mut twin, "");
    assert_eq!(created["status"], "requires_payment_method");
    let paid =
        act(&mut twin, &created, "confirm", "payment_method=pm_card_visa&expand[]=latest_charge.balance_transaction");
    assert_eq!((&paid["status"], &paid["amount_received"]), (&json!("succeeded"), &json!(2000)));
    let charge = &paid["latest_charge"];
    assert_eq!(
        (&charge["paid"], &charge["captured"], &charge["payment_method_details"]["card"]["last4"]),
        (&json!(true), &json!(true), &json!("4242"))
    );
    let transaction = &charge["balance_transaction"];
    assert_eq!(
        (&transaction["net"], &transaction["fee"], &transaction["source"]),
        (&json!(2000), &json!(0), &charge["id"])
    );
    assert_eq!(twin.json("/v1/balance")["available"][0]["amount"], 2000);
    assert_eq!(events(&twin), ["payment_intent.created", "payment_intent.succeeded", "charge.succeeded"]);
    let again = error(&mut twin, "POST", &format!("/v1/payment_intents/{}/confirm", text(&paid, "id")), "", 400);
    assert_eq!(
        (&again["code"], &again["payment_intent"]["status"]),
        (&json!("payment_intent_unexpected_state"), &json!("succeeded"))
    );
}

#[test]
fn a_declined_card_leaves_its_failed_charge_behind_and_another_card_pays() {
    for (card, code, decline) in [
        ("chargeDeclined", "card_declined", "generic_decline"),
        ("chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
        ("radarBlock", "card_declined", "fraudulent"),
        ("chargeCustomerFail", "card_declined", "generic_decline"),
    ] {
        let mut twin = twin();
        let created = intent(&mut twin, &format!("payment_method=pm_card_{card}"));
        assert_eq!(created["status"], "requires_confirmation");
        let path = format!("/v1/payment_intents/{}/confirm", text(&created, "id"));
        let answer = form(&mut twin, "POST", &path, "");
        let error = body(&answer)["error"].clone();
        assert!(answer.report.mutation, "{card}: the attempt is kept");
        assert_eq!(
            (answer.status, &error["type"], &error["code"], &error["decline_code"]),
            (402, &json!("card_error"), &json!(code), &json!(decline)),
            "{card}"
        );
        assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
        let charge = twin.json(&format!("/v1/charges/{}", text(&error, "charge")));
        assert_eq!(
            (&charge["status"], &charge["failure_code"], &charge["paid"]),
            (&json!("failed"), &json!(code), &json!(false))
        );
        let stored = twin.json(&format!("/v1/payment_intents/{}", text(&created, "id")));
        assert_eq!(
            (&stored["last_payment_error"]["decline_code"], &stored["latest_charge"], &stored["payment_method"]),
            (&json!(decline), &charge["id"], &Value::Null)
        );
        assert_eq!(events(&twin)[1..], ["payment_intent.payment_failed", "charge.failed"]);
        assert_eq!(twin.json("/v1/balance")["available"], json!([]));
        let paid = act(&mut twin, &created, "confirm", "payment_method=pm_card_mastercard");
        assert_eq!((&paid["status"], &paid["last_payment_error"]), (&json!("succeeded"), &Value::Null));
    }
}

#[test]
fn an_intent_can_be_created_and_confirmed_in_one_call() {
    let mut twin = twin();
    let paid = intent(&mut twin, "confirm=true&payment_method=pm_card_visa");
    assert_eq!(paid["status"], "succeeded");
    let missing = error(&mut twin, "POST", "/v1/payment_intents", &format!("{CARD}&confirm=true"), 400);
    assert_eq!(missing["code"], "payment_intent_unexpected_state");
    assert_eq!(twin.json("/v1/payment_intents")["data"].as_array().unwrap().len(), 1, "nothing was written");
    let declined = error(
        &mut twin,
        "POST",
        "/v1/payment_intents",
        &format!("{CARD}&confirm=true&payment_method=pm_card_chargeDeclined"),
        402,
    );
    assert_eq!(declined["payment_intent"]["status"], "requires_payment_method");
    assert_eq!(twin.json("/v1/payment_intents")["data"].as_array().unwrap().len(), 2, "a declined one stays");
    let automatic =
        "amount=2000&currency=eur&confirm=true&payment_method=pm_card_visa&automatic_payment_methods[enabled]=true";
    let refused = error(&mut twin, "POST", "/v1/payment_intents", automatic, 400);
    assert!(text(&refused, "message").contains("you must provide a `return_url`"));
    let paid = ok(&mut twin, "POST", "/v1/payment_intents", &format!("{automatic}&return_url=https://example.com"));
    assert_eq!((&paid["status"], &paid["currency"]), (&json!("succeeded"), &json!("eur")));
}

#[test]
fn money_is_captured_later_in_part_or_released() {
    let mut twin = twin();
    let manual = "confirm=true&payment_method=pm_card_visa&capture_method=manual";
    let held = intent(&mut twin, manual);
    assert_eq!((&held["status"], &held["amount_capturable"]), (&json!("requires_capture"), &json!(2000)));
    assert_eq!(twin.json("/v1/balance")["available"], json!([]));
    let path = format!("/v1/payment_intents/{}/capture", text(&held, "id"));
    assert_eq!(error(&mut twin, "POST", &path, "amount_to_capture=2001", 400)["code"], "amount_too_large");
    let captured = ok(&mut twin, "POST", &path, "amount_to_capture=1500&expand[]=latest_charge");
    assert_eq!(
        (&captured["status"], &captured["amount_received"], &captured["latest_charge"]["amount_captured"]),
        (&json!("succeeded"), &json!(1500), &json!(1500))
    );
    assert_eq!(twin.json("/v1/balance")["available"][0]["amount"], 1500);
    assert_eq!(error(&mut twin, "POST", &path, "", 400)["code"], "payment_intent_unexpected_state");
    let held = intent(&mut twin, manual);
    let released = act(&mut twin, &held, "cancel", "cancellation_reason=duplicate&expand[]=latest_charge");
    assert_eq!(
        (&released["status"], &released["cancellation_reason"], &released["latest_charge"]["refunded"]),
        (&json!("canceled"), &json!("duplicate"), &json!(true))
    );
    let told = events(&twin);
    for name in
        ["payment_intent.amount_capturable_updated", "charge.captured", "charge.refunded", "payment_intent.canceled"]
    {
        assert!(told.iter().any(|event| event == name), "{name}");
    }
}

#[test]
fn a_bank_may_ask_for_authentication() {
    let mut twin = twin();
    let waiting = intent(
        &mut twin,
        "confirm=true&payment_method=pm_card_authenticationRequired&return_url=https://example.com/back",
    );
    assert_eq!(
        (&waiting["status"], &waiting["next_action"]["redirect_to_url"]["return_url"]),
        (&json!("requires_action"), &json!("https://example.com/back"))
    );
    let path = format!("/v1/test_helpers/payment_intents/{}/simulate_authentication", text(&waiting, "id"));
    let failed = ok(&mut twin, "POST", &path, "outcome=failed");
    assert_eq!(
        (&failed["status"], &failed["last_payment_error"]["code"]),
        (&json!("requires_payment_method"), &json!("payment_intent_authentication_failure"))
    );
    let waiting = act(&mut twin, &failed, "confirm", "payment_method=pm_card_authenticationRequired");
    assert_eq!(waiting["next_action"]["type"], "use_stripe_sdk");
    let paid = ok(&mut twin, "POST", &path, "expand[]=latest_charge");
    assert_eq!(
        (&paid["status"], &paid["latest_charge"]["payment_method_details"]["card"]["three_d_secure"]["result"]),
        (&json!("succeeded"), &json!("authenticated"))
    );
    let off_session = format!("{CARD}&confirm=true&off_session=true&payment_method=pm_card_authenticationRequired");
    assert_eq!(error(&mut twin, "POST", "/v1/payment_intents", &off_session, 402)["code"], "authentication_required");
}

#[test]
fn a_payment_method_is_saved_for_the_customer_and_one_without_owner_pays_once() {
    let mut twin = twin();
    let customer = ok(&mut twin, "POST", "/v1/customers", "name=Ada");
    let paid = intent(
        &mut twin,
        &format!(
            "confirm=true&payment_method=pm_card_visa&customer={}&setup_future_usage=off_session",
            text(&customer, "id")
        ),
    );
    let method = twin.json(&format!("/v1/payment_methods/{}", text(&paid, "payment_method")));
    assert_eq!(method["customer"], customer["id"]);
    let other = format!("{CARD}&payment_method={}", text(&method, "id"));
    assert_eq!(
        error(&mut twin, "POST", "/v1/payment_intents", &other, 400)["code"],
        "payment_method_customer_mismatch"
    );
    let again = intent(
        &mut twin,
        &format!(
            "confirm=true&off_session=true&payment_method={}&customer={}",
            text(&method, "id"),
            text(&customer, "id")
        ),
    );
    assert_eq!(again["status"], "succeeded");
    let single = intent(&mut twin, "confirm=true&payment_method=pm_card_visa");
    let used = format!("{CARD}&payment_method={}", text(&single, "payment_method"));
    assert!(
        text(&error(&mut twin, "POST", "/v1/payment_intents", &used, 400), "message").contains("may not be used again")
    );
}

#[test]
fn a_crypto_payment_waits_for_its_deposit() {
    let mut twin = twin();
    let crypto = "amount=10000&currency=usd&payment_method_types[0]=crypto&payment_method_options[crypto][mode]=deposit\
                  &payment_method_options[crypto][deposit_options][networks][0]=base";
    let waiting = ok(&mut twin, "POST", "/v1/payment_intents", crypto);
    assert_eq!(waiting["status"], "requires_action");
    let address = &waiting["next_action"]["crypto_display_details"]["deposit_addresses"]["base"]["address"];
    assert_eq!(address.as_str().unwrap().len(), 42);
    assert_eq!(act(&mut twin, &waiting, "confirm", "")["status"], "requires_action");
    let path = format!("/v1/test_helpers/payment_intents/{}/simulate_crypto_deposit", text(&waiting, "id"));
    let paid = ok(&mut twin, "POST", &path, "");
    assert_eq!((&paid["status"], &paid["next_action"]), (&json!("succeeded"), &Value::Null));
    assert_eq!(error(&mut twin, "POST", &path, "", 400)["code"], "payment_intent_unexpected_state");
    assert_eq!(
        events(&twin),
        [
            "payment_intent.created",
            "payment_intent.requires_action",
            "payment_intent.processing",
            "payment_intent.succeeded",
            "charge.succeeded"
        ]
    );
    let without = "amount=10000&currency=usd&payment_method_types[0]=crypto";
    assert_eq!(
        error(&mut twin, "POST", "/v1/payment_intents", without, 400)["param"],
        "payment_method_options[crypto][mode]"
    );
}

#[test]
fn what_is_wrong_with_a_payment_is_said_as_the_vendor_says_it() {
    let mut twin = twin();
    for (form, code, param) in [
        ("", "parameter_missing", "amount"),
        ("amount=abc&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=0&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=1.5&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=10&currency=usd", "amount_too_small", "amount"),
        ("amount=100", "parameter_missing", "currency"),
        (
            "amount=100&currency=usd&payment_method_types[]=sepa_debit",
            "parameter_invalid_string",
            "payment_method_types",
        ),
        ("amount=100&currency=usd&customer=cus_no", "resource_missing", "customer"),
        ("amount=100&currency=usd&payment_method=pm_no", "resource_missing", "payment_method"),
        ("amount=100&currency=usd&nothing=1", "parameter_unknown", "nothing"),
    ] {
        let error = error(&mut twin, "POST", "/v1/payment_intents", form, 400);
        assert_eq!((&error["code"], &error["param"]), (&json!(code), &json!(param)), "{form}");
        assert_eq!(error["type"], "invalid_request_error");
        assert!(text(&error, "doc_url").ends_with(&code.replace('_', "-")));
    }
    let error = error(&mut twin, "POST", "/v1/payment_intents", "amount=100&currency=zzz", 400);
    assert!(
        text(&error, "message").starts_with("Invalid currency: zzz. Stripe currently supports these currencies: usd")
    );
    let missing = twin.get("/v1/payment_intents/pi_no");
    assert_eq!((missing.status, &body(&missing)["error"]["message"]), (404, &json!("No such payment_intent: 'pi_no'")));
}

#[test]
fn a_refund_gives_back_no_more_than_is_left() {
    let mut twin = twin();
    let paid = intent(&mut twin, "confirm=true&payment_method=pm_card_visa");
    let charge = text(&paid, "latest_charge").to_owned();
    let first =
        ok(&mut twin, "POST", "/v1/refunds", &format!("charge={charge}&amount=500&reason=duplicate&metadata[a]=b"));
    assert_eq!(
        (&first["status"], &first["amount"], &first["payment_intent"]),
        (&json!("succeeded"), &json!(500), &paid["id"])
    );
    let too_much = error(&mut twin, "POST", "/v1/refunds", &format!("charge={charge}&amount=1600"), 400);
    assert_eq!(too_much["message"], "Refund amount ($16.00) is greater than unrefunded amount on charge ($15.00)");
    for (form, param) in
        [("amount=1", "charge"), ("charge=&amount=1", "charge"), (&*format!("charge={charge}&amount=0"), "amount")]
    {
        assert_eq!(error(&mut twin, "POST", "/v1/refunds", form, 400)["param"], param, "{form}");
    }
    assert_eq!(error(&mut twin, "POST", "/v1/refunds", "charge=ch_no", 404)["code"], "resource_missing");
    let rest = ok(&mut twin, "POST", "/v1/refunds", &format!("payment_intent={}&expand[]=charge", text(&paid, "id")));
    assert_eq!((&rest["amount"], &rest["charge"]["refunded"]), (&json!(1500), &json!(true)));
    let done = error(&mut twin, "POST", "/v1/refunds", &format!("charge={charge}"), 400);
    assert_eq!(
        (&done["code"], &done["message"]),
        (&json!("charge_already_refunded"), &json!(format!("Charge {charge} has already been refunded.")))
    );
    assert_eq!(twin.json("/v1/balance")["available"][0]["amount"], 0);
    let expanded = twin.json(&format!("/v1/charges/{charge}?expand[]=refunds"));
    assert_eq!(expanded["refunds"]["data"].as_array().unwrap().len(), 2);
    let page = twin.json(&format!("/v1/refunds?charge={charge}&limit=1"));
    assert_eq!((&page["has_more"], &page["data"][0]["id"]), (&json!(true), &rest["id"]));
    assert_eq!(twin.json(&format!("/v1/charges/{charge}/refunds"))["url"], format!("/v1/charges/{charge}/refunds"));
    let changed = ok(&mut twin, "POST", &format!("/v1/refunds/{}", text(&first, "id")), "metadata[a]=c");
    assert_eq!(changed["metadata"]["a"], "c");
}

#[test]
fn refunds_that_take_time_settle_when_time_has_passed() {
    for (card, begins, ends) in [("pendingRefund", "pending", "succeeded"), ("refundFail", "succeeded", "failed")] {
        let mut twin = twin();
        let paid = intent(&mut twin, &format!("confirm=true&payment_method=pm_card_{card}"));
        let refund = ok(&mut twin, "POST", "/v1/refunds", &format!("payment_intent={}", text(&paid, "id")));
        assert_eq!(refund["status"], begins);
        twin.host.set(pome_twin_kit::testing::START + 600_000);
        twin.session.advance(&twin.host);
        let after = twin.json(&format!("/v1/refunds/{}?expand[]=charge", text(&refund, "id")));
        assert_eq!(after["status"], ends);
        let back = if ends == "failed" { 2000 } else { 0 };
        assert_eq!(twin.json("/v1/balance")["available"][0]["amount"], back, "{card}");
        assert_eq!(after["charge"]["refunded"], ends == "succeeded");
    }
}

#[test]
fn the_same_key_gives_the_same_answer() {
    let mut twin = twin();
    let paid = intent(&mut twin, "confirm=true&payment_method=pm_card_visa");
    let form = format!("charge={}&amount=500", text(&paid, "latest_charge"));
    let key = [("idempotency-key", "refund-1")];
    let first = keyed(&mut twin, "POST", "/v1/refunds", &form, &key);
    let again = keyed(&mut twin, "POST", "/v1/refunds", &form, &key);
    let header = |answer: &pome_twin_kit::envelope::Answer, name: &str| {
        answer.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    assert_eq!((again.status, &again.body, again.report.replayed), (200, &first.body, true));
    assert_eq!(header(&again, "idempotent-replayed").as_deref(), Some("true"));
    assert_eq!(header(&again, "original-request"), header(&first, "request-id"));
    assert_ne!(header(&again, "request-id"), header(&first, "request-id"));
    assert_eq!(twin.json("/v1/refunds")["data"].as_array().unwrap().len(), 1);
    let other = keyed(&mut twin, "POST", "/v1/refunds", &format!("{form}&reason=duplicate"), &key);
    assert_eq!((other.status, &body(&other)["error"]["type"]), (400, &json!("idempotency_error")));
    let no_key = keyed(&mut twin, "POST", "/v1/refunds", &form, &[]);
    assert_eq!(no_key.status, 200);
    // A decline is an answer too; what could not be read is none.
    let declined = format!("{CARD}&confirm=true&payment_method=pm_card_chargeDeclined");
    let key = [("idempotency-key", "pay-1")];
    let first = keyed(&mut twin, "POST", "/v1/payment_intents", &declined, &key);
    let again = keyed(&mut twin, "POST", "/v1/payment_intents", &declined, &key);
    assert_eq!((first.status, again.status, &first.body), (402, 402, &again.body));
    let key = [("idempotency-key", "pay-2")];
    assert_eq!(keyed(&mut twin, "POST", "/v1/payment_intents", "amount=x", &key).status, 400);
    let readable = format!("{CARD}&description=now%20fine");
    assert_eq!(keyed(&mut twin, "POST", "/v1/payment_intents", &readable, &key).status, 200);
}

#[test]
fn a_dispute_takes_the_money_and_evidence_brings_it_back() {
    let mut twin = twin();
    let paid = intent(&mut twin, "confirm=true&payment_method=pm_card_createDispute");
    let dispute = twin.json("/v1/disputes")["data"][0].clone();
    assert_eq!((&dispute["charge"], &dispute["status"]), (&paid["latest_charge"], &json!("needs_response")));
    assert_eq!(twin.json("/v1/balance")["available"][0]["amount"], -1500);
    let refund = error(&mut twin, "POST", "/v1/refunds", &format!("charge={}", text(&paid, "latest_charge")), 400);
    assert_eq!(refund["code"], "charge_disputed");
    let path = format!("/v1/disputes/{}", text(&dispute, "id"));
    let staged = ok(&mut twin, "POST", &path, "evidence[product_description]=Shelf&submit=false");
    assert_eq!(
        (&staged["status"], &staged["evidence_details"]["has_evidence"]),
        (&json!("needs_response"), &json!(true))
    );
    let won = ok(&mut twin, "POST", &path, "evidence[uncategorized_text]=winning_evidence");
    assert_eq!((&won["status"], &won["evidence"]["product_description"]), (&json!("won"), &json!("Shelf")));
    assert_eq!(twin.json("/v1/balance")["available"][0]["amount"], 500);
    assert_eq!(error(&mut twin, "POST", &format!("{path}/close"), "", 400)["type"], "invalid_request_error");
    for name in [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ] {
        assert!(events(&twin).iter().any(|event| event == name), "{name}");
    }
    let inquiry = intent(&mut twin, "confirm=true&payment_method=pm_card_createDisputeInquiry");
    let open = twin.json(&format!("/v1/disputes?payment_intent={}", text(&inquiry, "id")))["data"][0].clone();
    assert_eq!((&open["status"], &open["balance_transactions"]), (&json!("warning_needs_response"), &json!([])));
    let closed = ok(&mut twin, "POST", &format!("/v1/disputes/{}/close", text(&open, "id")), "");
    assert_eq!(closed["status"], "warning_closed");
}

#[test]
fn a_charge_needs_no_intent() {
    let mut twin = twin();
    let charge =
        ok(&mut twin, "POST", "/v1/charges", "amount=900&currency=usd&source=tok_visa&capture=false&description=x");
    assert_eq!((&charge["captured"], &charge["source"]["object"]), (&json!(false), &json!("card")));
    let path = format!("/v1/charges/{}", text(&charge, "id"));
    let captured = ok(&mut twin, "POST", &format!("{path}/capture"), "amount=700");
    assert_eq!((&captured["amount_captured"], &captured["captured"]), (&json!(700), &json!(true)));
    assert_eq!(error(&mut twin, "POST", &format!("{path}/capture"), "", 400)["code"], "charge_already_captured");
    assert_eq!(ok(&mut twin, "POST", &path, "description=y&metadata[k]=v")["description"], "y");
    let token = ok(
        &mut twin,
        "POST",
        "/v1/tokens",
        "card[number]=4000000000000002&card[exp_month]=4&card[exp_year]=2031&card[cvc]=1",
    );
    let declined =
        error(&mut twin, "POST", "/v1/charges", &format!("amount=900&currency=usd&source={}", text(&token, "id")), 402);
    let failed = twin.json(&format!("/v1/charges/{}", text(&declined, "charge")));
    assert_eq!(failed["status"], "failed");
    let found = twin.json("/v1/charges/search?query=status:%22succeeded%22%20AND%20amount%3E800");
    assert_eq!(found["data"][0]["id"], charge["id"]);
}

#[test]
fn fees_are_kept_when_the_seed_says_so() {
    let mut twin = seeded(Some(&json!({ "fees": { "percent": 2.9, "fixed": 30 } })));
    let paid = intent(&mut twin, "confirm=true&payment_method=pm_card_visa&expand[]=latest_charge.balance_transaction");
    let transaction = &paid["latest_charge"]["balance_transaction"];
    assert_eq!((&transaction["fee"], &transaction["net"]), (&json!(88), &json!(1912)));
    assert_eq!(transaction["fee_details"][0]["type"], "stripe_fee");
}

#[test]
fn an_intent_is_changed_until_it_is_paid() {
    let mut twin = twin();
    let created = intent(&mut twin, "metadata[a]=1");
    let path = format!("/v1/payment_intents/{}", text(&created, "id"));
    let changed = ok(
        &mut twin,
        "POST",
        &path,
        "amount=2500&description=x&payment_method=pm_card_visa&metadata[a]=&metadata[b]=2",
    );
    assert_eq!(
        (&changed["amount"], &changed["status"], &changed["metadata"]),
        (&json!(2500), &json!("requires_confirmation"), &json!({ "b": "2" }))
    );
    assert_eq!(ok(&mut twin, "POST", &path, "payment_method=")["status"], "requires_payment_method");
    let paid = act(&mut twin, &created, "confirm", "payment_method=pm_card_visa");
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(error(&mut twin, "POST", &path, "amount=100", 400)["code"], "payment_intent_unexpected_state");
    assert_eq!(ok(&mut twin, "POST", &path, "metadata[c]=3")["metadata"]["c"], "3");
    let refused = error(&mut twin, "POST", &format!("{path}/cancel"), "", 400);
    assert!(
        text(&refused, "message")
            .starts_with("You cannot cancel this PaymentIntent because it has a status of succeeded.")
    );
    let open = intent(&mut twin, "");
    for _ in 0..2 {
        assert_eq!(act(&mut twin, &open, "cancel", "")["status"], "canceled");
    }
    assert_eq!(events(&twin).iter().filter(|event| *event == "payment_intent.canceled").count(), 1);
}
