//! What belongs to the account: events and where they are sent, the catalogue, payouts, files, seeds, the paywall.

mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pome_twin_kit::Twin;
use pome_twin_kit::envelope::{Answer, Fidelity};
use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use support::{error, events, form, keyed, ok, seeded, text, twin};
use twin_stripe::Stripe;

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[test]
fn events_are_sent_signed_to_the_endpoints_that_want_them() {
    let mut twin = twin();
    let endpoint = ok(
        &mut twin,
        "POST",
        "/v1/webhook_endpoints",
        "url=http://127.0.0.1:9/hook&enabled_events[]=customer.created&metadata[a]=b",
    );
    let secret = text(&endpoint, "secret").to_owned();
    assert!(secret.starts_with("whsec_"));
    let path = format!("/v1/webhook_endpoints/{}", text(&endpoint, "id"));
    assert_eq!(twin.json(&path).get("secret"), None, "shown once");
    let answer = form(&mut twin, "POST", "/v1/customers", "name=Ada");
    let [delivery] = answer.report.deliveries.as_slice() else { panic!("one delivery") };
    let event: Value = serde_json::from_slice(&delivery.body).unwrap();
    assert_eq!(
        (&event["type"], &event["pending_webhooks"], &event["data"]["object"]["id"]),
        (&json!("customer.created"), &json!(1), &body(&answer)["id"])
    );
    assert_eq!(event["request"]["id"], header(&answer, "request-id").unwrap());
    assert_eq!((delivery.url.as_str(), delivery.retries.len()), ("http://127.0.0.1:9/hook", 3));
    let signature = delivery.headers.iter().find(|(name, _)| name == "stripe-signature").unwrap();
    assert!(signature.1.starts_with(&format!("t={},v1=", event["created"])));
    assert_eq!(twin.json(&format!("/v1/events/{}", text(&event, "id"))), event);
    ok(&mut twin, "POST", &path, "disabled=true");
    assert!(form(&mut twin, "POST", "/v1/customers", "").report.deliveries.is_empty());
    ok(&mut twin, "POST", &path, "disabled=false&enabled_events[]=*");
    assert_eq!(form(&mut twin, "POST", "/v1/customers", "").report.deliveries.len(), 1);
    assert_eq!(ok(&mut twin, "DELETE", &path, "")["deleted"], true);
    assert_eq!(error(&mut twin, "GET", &path, "", 404)["code"], "resource_missing");
    assert_eq!(
        error(&mut twin, "POST", "/v1/webhook_endpoints", "url=nowhere&enabled_events[]=*", 400)["code"],
        "url_invalid"
    );
}

#[test]
fn a_failed_call_sends_nothing_and_a_declined_one_does() {
    let mut twin = twin();
    ok(&mut twin, "POST", "/v1/webhook_endpoints", "url=http://127.0.0.1:9/&enabled_events[]=*");
    let refused = form(&mut twin, "POST", "/v1/customers", "name=A&expand[]=nothing");
    assert_eq!((refused.status, refused.report.deliveries.len()), (400, 0));
    let pay = "amount=900&currency=usd&payment_method_types[]=card&payment_method=pm_card_chargeDeclined&confirm=true";
    let declined = form(&mut twin, "POST", "/v1/payment_intents", pay);
    assert_eq!((declined.status, declined.report.deliveries.len()), (402, 3));
}

#[test]
fn the_catalogue_is_kept_up() {
    let mut twin = twin();
    let product = ok(
        &mut twin,
        "POST",
        "/v1/products",
        "name=Lamp&default_price_data[currency]=usd&default_price_data[unit_amount]=4800",
    );
    let id = text(&product, "id").to_owned();
    let monthly = ok(
        &mut twin,
        "POST",
        "/v1/prices",
        &format!("product={id}&currency=usd&unit_amount=900&recurring[interval]=month&lookup_key=monthly"),
    );
    assert_eq!((&monthly["type"], &monthly["unit_amount_decimal"]), (&json!("recurring"), &json!("900")));
    assert_eq!(
        twin.json("/v1/prices?lookup_keys[]=monthly&expand[]=data.product")["data"][0]["product"]["name"],
        "Lamp"
    );
    assert_eq!(twin.json("/v1/prices?recurring[interval]=year")["data"], json!([]));
    let taken = format!("product={id}&currency=usd&unit_amount=1&lookup_key=monthly");
    assert_eq!(error(&mut twin, "POST", "/v1/prices", &taken, 400)["param"], "lookup_key");
    let moved = ok(&mut twin, "POST", "/v1/prices", &format!("{taken}&transfer_lookup_key=true"));
    assert_eq!(moved["lookup_key"], "monthly");
    assert_eq!(twin.json(&format!("/v1/prices/{}", text(&monthly, "id")))["lookup_key"], Value::Null);
    assert_eq!(error(&mut twin, "DELETE", &format!("/v1/products/{id}"), "", 400)["type"], "invalid_request_error");
    let changed = ok(&mut twin, "POST", &format!("/v1/products/{id}"), "description=brass&active=false");
    assert_eq!((&changed["description"], &changed["active"]), (&json!("brass"), &json!(false)));
    for (form, param) in [
        ("currency=usd&unit_amount=1", "product"),
        ("product=prod_no&currency=usd&unit_amount=1", "product"),
        ("unit_amount=1", "currency"),
        (&*format!("product={id}&currency=usd"), "unit_amount"),
        (&*format!("product={id}&currency=usd&unit_amount=1&recurring[interval]=hour"), "recurring[interval]"),
    ] {
        assert_eq!(error(&mut twin, "POST", "/v1/prices", form, 400)["param"], param, "{form}");
    }
    assert_eq!(error(&mut twin, "POST", "/v1/products", "", 400)["param"], "name");
    assert_eq!(twin.json("/v1/products/search?query=name:%22lamp%22")["data"][0]["id"], product["id"]);
}

#[test]
fn a_payout_leaves_the_balance_and_arrives() {
    let mut twin = twin();
    ok(&mut twin, "POST", "/v1/charges", "amount=9000&currency=usd&source=tok_visa");
    let payout = ok(&mut twin, "POST", "/v1/payouts", "amount=4000&currency=usd");
    assert_eq!(twin.json("/v1/balance")["available"][0]["amount"], 5000);
    assert_eq!(
        error(&mut twin, "POST", "/v1/payouts", "amount=5001&currency=usd", 400)["code"],
        "balance_insufficient"
    );
    twin.host.set(pome_twin_kit::testing::START + 3 * 86_400_000);
    twin.session.advance(&twin.host);
    let path = format!("/v1/payouts/{}", text(&payout, "id"));
    assert_eq!(twin.json(&path)["status"], "paid");
    assert_eq!(error(&mut twin, "POST", &format!("{path}/cancel"), "", 400)["type"], "invalid_request_error");
    assert!(events(&twin).iter().any(|event| event == "payout.paid"));
}

#[test]
fn a_file_comes_in_parts() {
    let mut twin = twin();
    let text = "--b\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\ndispute_evidence\r\n--b\r\n\
                content-disposition: form-data; name=\"file\"; filename=\"receipt.pdf\"\r\n\r\n%PDF\r\n--b--\r\n";
    let kind = [("content-type", "multipart/form-data; boundary=b")];
    let answer = twin.request_with("POST", "/v1/files", &kind, text.as_bytes());
    let file = body(&answer);
    assert_eq!(
        (&file["size"], &file["type"], &file["purpose"]),
        (&json!(4), &json!("pdf"), &json!("dispute_evidence"))
    );
    assert_eq!(twin.json(&format!("/v1/files/{}", file["id"].as_str().unwrap())), file);
    let contents = twin.get(&format!("/v1/files/{}/contents", file["id"].as_str().unwrap()));
    assert_eq!((contents.status, contents.body.as_slice()), (200, &b"%PDF"[..]));
    assert_eq!(error(&mut twin, "POST", "/v1/files", "purpose=dispute_evidence", 400)["param"], "file");
}

#[test]
fn answers_carry_the_vendor_s_headers() {
    let mut twin = twin();
    let headers = [("stripe-version", "2025-03-31.basil"), ("idempotency-key", "k")];
    let answer = keyed(&mut twin, "POST", "/v1/customers", "", &headers);
    assert!(header(&answer, "request-id").unwrap().starts_with("req_"));
    assert_eq!(header(&answer, "stripe-version"), Some("2025-03-31.basil"));
    assert_eq!(header(&answer, "idempotency-key"), Some("k"));
    let refused = twin.get("/v1/customers/cus_no");
    let log = body(&refused)["error"]["request_log_url"].as_str().unwrap().to_owned();
    assert!(log.contains(header(&refused, "request-id").unwrap()));
    let long = "k".repeat(256);
    assert_eq!(keyed(&mut twin, "POST", "/v1/customers", "", &[("idempotency-key", &long)]).status, 400);
}

#[test]
fn accounts_do_not_see_each_other() {
    let mut twin = twin();
    let mine = ok(&mut twin, "POST", "/v1/customers", "name=Ada");
    twin.caller.claims = b"{}".to_vec();
    twin.caller.sid = "other".to_owned();
    assert_eq!(twin.json("/v1/account")["id"], "acct_other");
    assert_eq!(twin.json("/v1/customers")["data"], json!([]));
    assert_eq!(twin.json("/v1/events")["data"], json!([]));
    assert_eq!(twin.get(&format!("/v1/customers/{}", text(&mine, "id"))).status, 404);
}

#[test]
fn keys_of_the_seed_open_their_session() {
    let twin = seeded(Some(&json!({ "api_keys": [{ "key": "sk_test_mine", "sid": "s1" }] })));
    let claims = Stripe::authenticate(twin.session.state(), "sk_test_mine").unwrap();
    assert_eq!(Value::Object(claims), json!({ "sid": "s1", "account_id": "acct_s1" }));
    assert!(Stripe::authenticate(twin.session.state(), "sk_test_pome_default").is_none());
    let usual = seeded(Some(&json!({})));
    let claims = Stripe::authenticate(usual.session.state(), "sk_test_pome_default").unwrap();
    assert_eq!(claims["account_id"], "acct_default");
}

#[test]
fn a_seed_is_checked_before_anything_changes() {
    let mut twin = twin();
    ok(&mut twin, "POST", "/v1/customers", "name=Ada");
    let before = twin.state();
    let charge = json!({
        "id": "ch_1", "account_id": "acct_default", "payment_intent_id": "pi_1", "amount": 5, "status": "succeeded",
        "currency": "usd", "created": 1,
    });
    let without = |name: &str| {
        let mut row = charge.clone();
        row.as_object_mut().unwrap().remove(name);
        row
    };
    let mut lost = charge.clone();
    lost["status"] = json!("lost");
    for (document, param) in [
        (json!({ "charges": [without("account_id")] }), "charges.0.account_id"),
        (json!({ "charges": [charge.clone(), lost] }), "charges.1.status"),
        (json!({ "charges": [charge.clone(), charge.clone()] }), "charges.1.id"),
        (json!({ "charges": {} }), "charges"),
        (json!({ "api_keys": [{ "key": "", "sid": "x" }] }), "api_keys.0.key"),
        (
            json!({ "failure_injection": [{ "method": "POST", "path": "/x", "attempt": 0, "status": 500 }] }),
            "failure_injection.0.attempt",
        ),
        (json!({ "payment_methods": [{ "id": "pm_1" }] }), "payment_methods.0.card"),
    ] {
        let seeded = twin.seed(Some(&document));
        assert!(!seeded.accepted, "{document}");
        assert_eq!(body(&seeded.answer)["error"]["param"], param, "{document}");
        assert_eq!(twin.state(), before);
    }
    let wrapped = json!({ "stripe": { "seed": { "charges": [charge], "nothing": 1 } } });
    let seeded = twin.seed(Some(&wrapped));
    assert_eq!(body(&seeded.answer), json!({ "ok": true, "api_keys": 1, "failure_injection": 0 }));
    assert_eq!(twin.state()["charges"][0]["payment_intent"], "pi_1");
}

#[test]
fn every_seed_of_the_twin_is_a_world_one_can_work_in() {
    for seed in Stripe::SEEDS {
        let document: Value = serde_json::from_str(seed.json).unwrap();
        let mut twin = seeded(Some(&document));
        assert_eq!(twin.get("/v1/balance").status, 200, "{}", seed.name);
    }
    let document = |name: &str| {
        let seed = Stripe::SEEDS.iter().find(|seed| seed.name == name).unwrap();
        serde_json::from_str::<Value>(seed.json).unwrap()
    };
    let mut twin = seeded(Some(&document("already-refunded")));
    assert_eq!(error(&mut twin, "POST", "/v1/refunds", "charge=ch_test_200", 400)["code"], "charge_already_refunded");
    let mut twin = seeded(Some(&document("decline-matrix")));
    let methods = twin.json("/v1/payment_methods?limit=100")["data"].as_array().unwrap().clone();
    for method in &methods {
        let pay = format!(
            "amount=900&currency=usd&payment_method_types[]=card&confirm=true&payment_method={}",
            text(method, "id")
        );
        assert_eq!(form(&mut twin, "POST", "/v1/payment_intents", &pay).status, 402, "{method}");
    }
    assert_eq!(methods.len(), 10);
    let mut twin = seeded(Some(&document("dispute-open")));
    let sent = ok(&mut twin, "POST", "/v1/disputes/du_open", "evidence[shipping_tracking_number]=1Z");
    assert_eq!(sent["status"], "under_review");
}

const WALL: &str = "/x402/protected-resource";

fn pay(twin: &mut Native<Stripe>, to: &str, value: &str, network: &str, nonce: u8) -> Answer {
    let payment = json!({
        "x402Version": 1, "scheme": "exact", "network": network,
        "payload": { "authorization": { "from": "0xabc", "to": to, "value": value, "nonce": nonce }, "signature": "0x" },
    });
    let header = STANDARD.encode(payment.to_string());
    twin.request_with("GET", WALL, &[("x-payment", &header)], b"")
}

#[test]
fn a_resource_is_unlocked_by_the_payment_that_it_asked_for() {
    let mut twin = twin();
    let first = twin.get(WALL);
    let demand = body(&first)["accepts"][0].clone();
    assert_eq!((first.status, &demand["maxAmountRequired"], first.report.mutation), (402, &json!("10000"), true));
    let (to, network) = (demand["payTo"].as_str().unwrap().to_owned(), "eip155:84532");
    assert_eq!(body(&twin.get(WALL))["accepts"][0]["payTo"], to, "the demand stands");
    for (answer, words) in [
        (pay(&mut twin, "0xdead", "10000", network, 0), "does not match any active challenge"),
        (pay(&mut twin, &to, "9999", network, 0), "does not match required 10000"),
        (pay(&mut twin, &to, "10000", "eip155:1", 0), "does not match challenge.network"),
        (twin.request_with("GET", WALL, &[("x-payment", "??")], b""), "malformed"),
    ] {
        assert_eq!(answer.status, 402);
        assert!(body(&answer)["error"].as_str().unwrap().contains(words), "{words}");
        assert!(answer.report.error.is_some());
    }
    let paid = pay(&mut twin, &to.to_uppercase().replace("0X", "0x"), "10000", network, 1);
    assert_eq!((paid.status, &body(&paid)["ok"]), (200, &json!(true)));
    let receipt = STANDARD.decode(header(&paid, "x-payment-response").unwrap()).unwrap();
    let receipt: Value = serde_json::from_slice(&receipt).unwrap();
    let intent = twin.json(&format!("/v1/payment_intents/{}", text(&receipt, "transaction")));
    assert_eq!((&intent["status"], &intent["amount"]), (&json!("succeeded"), &json!(1)));
    let again = pay(&mut twin, &to.to_uppercase().replace("0X", "0x"), "10000", network, 1);
    assert_eq!((again.status, header(&again, "x-payment-response")), (200, None), "the same payment again");
    let reused = pay(&mut twin, &to, "10000", network, 2);
    assert_eq!(reused.status, 402, "a demand is paid once");
    assert_ne!(body(&reused)["accepts"][0]["payTo"], to);
    assert_eq!(twin.json("/v1/charges")["data"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_not_modelled_says_so() {
    let mut twin = twin();
    let answer = twin.get("/v1/terminal/readers");
    assert_eq!(answer.status, 501);
    let error = body(&answer)["error"].clone();
    assert_eq!((&error["code"], &error["fidelity"]), (&json!("endpoint_not_supported"), &json!("unsupported")));
    assert_eq!(error["supported_surfaces"].as_array().unwrap().len(), 4);
    let answer =
        form(&mut twin, "POST", "/v1/payment_intents", "amount=100&currency=usd&transfer_data[destination]=acct_1");
    assert_eq!((answer.status, answer.report.mutation), (501, false));
    assert_eq!(answer.report.fidelity, Fidelity::Unsupported);
}
