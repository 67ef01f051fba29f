//! Objects as the vendor declares them: every member that its TypeScript declarations ask for is there with the right JSON type,
//! and nothing else is. `declared/*.json` says what the declarations of npm `stripe` 23.1.0 hold: for each member the JSON types
//! (`is`), whether it may be left out, and the members of what is nested (`has`).

mod support;

use serde_json::{Map, Value, json};
use support::{form, ok, text, twin};

const DECLARED: &str = include_str!("declared/payments.json");

/// What the twin shows although the declarations do not have it: the deposit rail is of a preview of the vendor's API.
const BEYOND: &[&str] =
    &["PaymentIntent.next_action.crypto_display_details", "PaymentIntent.payment_method_options.crypto"];

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Compares members with what is declared; counts what was looked at and notes what differs.
fn compare(
    place: &str,
    declared: &Map<String, Value>,
    shown: &Map<String, Value>,
    seen: &mut usize,
    wrong: &mut Vec<String>,
) {
    for (name, wanted) in declared {
        let place = format!("{place}.{name}");
        let Some(value) = shown.get(name) else {
            if wanted.get("optional").is_none() {
                *seen += 1;
                wrong.push(format!("{place} is missing"));
            }
            continue;
        };
        *seen += 1;
        let allowed = wanted.get("is").and_then(Value::as_array).cloned().unwrap_or_default();
        if !allowed.iter().any(|one| one == kind(value) || one == "any") {
            wrong.push(format!("{place} is a {}, declared: {}", kind(value), json!(allowed)));
            continue;
        }
        if let (Some(Value::Object(inner)), Value::Object(members)) = (wanted.get("has"), value)
            && !BEYOND.contains(&place.as_str())
        {
            compare(&place, inner, members, seen, wrong);
        }
    }
    for name in shown.keys().filter(|name| !declared.contains_key(*name)) {
        let place = format!("{place}.{name}");
        if !BEYOND.contains(&place.as_str()) && name != "deleted" {
            *seen += 1;
            wrong.push(format!("{place} is not declared"));
        }
    }
}

#[test]
fn objects_have_the_members_that_the_vendor_declares() {
    let declared: Value = serde_json::from_str(DECLARED).unwrap();
    let mut t = twin();
    let t = &mut t;
    let customer = ok(
        t,
        "POST",
        "/v1/customers",
        "name=Ann&email=a@example.com&address[city]=x&shipping[name]=a&shipping[address][city]=x",
    );
    let owner = text(&customer, "id").to_owned();
    let method = ok(t, "POST", "/v1/payment_methods/pm_card_visa/attach", &format!("customer={owner}"));
    let pay = |method: &str, more: &str| {
        format!("amount=2000&currency=usd&confirm=true&payment_method_types[]=card&payment_method={method}{more}")
    };
    let mine = format!("&customer={owner}&shipping[name]=a&shipping[address][city]=x&description=d");
    let intent = ok(t, "POST", "/v1/payment_intents", &pay(text(&method, "id"), &mine));
    let refund = ok(t, "POST", "/v1/refunds", &format!("payment_intent={}&amount=500", text(&intent, "id")));
    let product =
        ok(t, "POST", "/v1/products", "name=Lamp&default_price_data[currency]=usd&default_price_data[unit_amount]=1");
    let price = format!("product={}&currency=usd&unit_amount=900&recurring[interval]=month", text(&product, "id"));
    let price = ok(t, "POST", "/v1/prices", &price);
    let deposit = "amount=1000&currency=usd&payment_method_types[]=crypto&payment_method_options[crypto][mode]=deposit\
                   &payment_method_options[crypto][deposit_options][networks][]=base";
    let deposit = ok(t, "POST", "/v1/payment_intents", deposit);
    let automatic = ok(t, "POST", "/v1/payment_intents", "amount=900&currency=usd");
    let waiting =
        ok(t, "POST", "/v1/payment_intents", &pay("pm_card_authenticationRequired", "&return_url=https://example.com"));
    form(t, "POST", "/v1/payment_intents", &pay("pm_card_chargeDeclined", ""));
    let failed = t.json("/v1/payment_intents?limit=1")["data"][0].clone();
    let failed_charge = t.json("/v1/charges?limit=1")["data"][0].clone();
    ok(t, "POST", &format!("/v1/test_helpers/payment_intents/{}/simulate_crypto_deposit", text(&deposit, "id")), "");
    let crypto_charge = t.json("/v1/charges?limit=1")["data"][0].clone();
    let held =
        ok(t, "POST", "/v1/payment_intents", &pay("pm_card_visa", "&capture_method=manual&expand[]=latest_charge"));
    ok(t, "POST", "/v1/payment_intents", &pay("pm_card_createDispute", ""));
    let endpoint = ok(t, "POST", "/v1/webhook_endpoints", "url=http://127.0.0.1:9/&enabled_events[]=*");
    let part = "--b\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nbusiness_logo\r\n--b\r\n\
                content-disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\nx\r\n--b--\r\n";
    t.request_with("POST", "/v1/files", &[("content-type", "multipart/form-data; boundary=b")], part.as_bytes());
    let card = "card[number]=4242424242424242&card[exp_month]=4&card[exp_year]=2031";
    let objects = [
        ("Customer", customer),
        ("PaymentMethod", method),
        ("Charge", t.json(&format!("/v1/charges/{}", text(&intent, "latest_charge")))),
        ("Charge", failed_charge),
        ("Charge", crypto_charge),
        ("Charge", held["latest_charge"].clone()),
        ("Charge", ok(t, "POST", "/v1/charges", "amount=9000&currency=usd&source=tok_visa")),
        ("PaymentIntent", intent),
        ("PaymentIntent", deposit),
        ("PaymentIntent", automatic),
        ("PaymentIntent", waiting),
        ("PaymentIntent", failed),
        ("Refund", refund),
        ("Balance", t.json("/v1/balance")),
        ("BalanceTransaction", t.json("/v1/balance_transactions")["data"][0].clone()),
        ("Event", t.json("/v1/events")["data"][0].clone()),
        ("Product", product),
        ("Price", price),
        ("Dispute", t.json("/v1/disputes")["data"][0].clone()),
        ("Payout", ok(t, "POST", "/v1/payouts", "amount=100&currency=usd")),
        ("WebhookEndpoint", endpoint),
        ("Token", ok(t, "POST", "/v1/tokens", card)),
        ("File", t.json("/v1/files")["data"][0].clone()),
        ("Account", t.json("/v1/account")),
    ];
    let (mut seen, mut wrong) = (0, Vec::new());
    for (name, object) in &objects {
        let declared = declared[*name].as_object().unwrap_or_else(|| panic!("{name} is declared"));
        compare(name, declared, object.as_object().unwrap(), &mut seen, &mut wrong);
    }
    for name in declared.as_object().unwrap().keys() {
        assert!(objects.iter().any(|(known, _)| known == name), "{name} is declared and not looked at");
    }
    println!("{} of {seen} members of {} objects are as the vendor declares them", seen - wrong.len(), objects.len());
    assert!(seen > 500, "only {seen} members were looked at");
    assert_eq!(wrong, [""; 0]);
}
