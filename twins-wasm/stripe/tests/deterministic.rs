//! The same calls on the same seed give the same bytes.

#![allow(clippy::indexing_slicing, reason = "a test may fail where an answer has another shape")]

mod support;

use pome_twin_kit::testing::Native;
use serde_json::{Value, json};
use support::{keyed, seeded, text};
use twin_stripe::Stripe;

/// Three hundred calls of every sort, chosen by the number of the call and by what earlier ones answered.
fn play() -> (Vec<u8>, Vec<u8>) {
    let mut twin = seeded(Some(&json!({ "fees": { "percent": 2.9, "fixed": 30 } })));
    let mut tape = Vec::new();
    let mut known: Vec<Value> = Vec::new();
    let last = |known: &[Value], object: &str| {
        let found = known.iter().rev().find(|one| one["object"] == object).cloned().unwrap_or_default();
        text(&found, "id").to_owned()
    };
    let cards =
        ["visa", "chargeDeclined", "amex", "createDispute", "authenticationRequired", "pendingRefund", "refundFail"];
    for at in 0..300_usize {
        let card = cards[at % cards.len()];
        let (method, path, form) = match at % 10 {
            0 => ("POST", "/v1/customers".to_owned(), format!("name=c{at}&metadata[k]={at}&address[city]=B")),
            1 => (
                "POST",
                "/v1/payment_methods/pm_card_visa/attach".to_owned(),
                format!("customer={}", last(&known, "customer")),
            ),
            2 | 5 => (
                "POST",
                "/v1/payment_intents".to_owned(),
                format!(
                    "amount={}&currency=usd&payment_method_types[]=card&payment_method=pm_card_{card}&confirm=true",
                    500 + at
                ),
            ),
            3 => ("POST", "/v1/refunds".to_owned(), format!("charge={}&amount={}", last(&known, "charge"), 10 + at)),
            4 => ("GET", "/v1/charges?limit=3&expand[]=data.balance_transaction".to_owned(), String::new()),
            6 => (
                "POST",
                "/v1/products".to_owned(),
                format!("name=p{at}&default_price_data[currency]=usd&default_price_data[unit_amount]={at}"),
            ),
            7 => ("GET", "/x402/protected-resource".to_owned(), String::new()),
            8 => (
                "POST",
                format!("/v1/customers/{}", last(&known, "customer")),
                format!("description=d{at}&metadata[k]="),
            ),
            _ => ("GET", "/v1/customers/search?query=metadata%5B%22k%22%5D:null&limit=2".to_owned(), String::new()),
        };
        let key = format!("key-{}", at / 2);
        let headers: &[(&str, &str)] = if at % 7 == 0 { &[("idempotency-key", &key)] } else { &[] };
        let answer = keyed(&mut twin, method, &path, &form, headers);
        if at % 50 == 49 {
            twin.session.advance(&twin.host);
        }
        tape.extend(format!("{at} {method} {path} {form} {} {:?}\n", answer.status, answer.headers).into_bytes());
        tape.extend(&answer.body);
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match body["data"].as_array() {
            Some(all) => known.extend(all.iter().cloned()),
            None => known.push(body),
        }
    }
    (tape, export(&twin))
}

fn export(twin: &Native<Stripe>) -> Vec<u8> {
    twin.session.export()
}

#[test]
fn three_hundred_calls_give_the_same_bytes_twice() {
    let (tape, state) = play();
    let (again, state_again) = play();
    assert!(tape == again, "the answers differ");
    assert!(state == state_again, "the states differ");
    let state: Value = serde_json::from_slice(&state).unwrap();
    for collection in ["customers", "payment_intents", "charges", "refunds", "disputes", "products", "events"] {
        assert!(!state[collection].as_array().unwrap().is_empty(), "no {collection} came about");
    }
}
