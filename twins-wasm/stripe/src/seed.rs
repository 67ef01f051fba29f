//! Seed documents: the state that a session starts from.
//!
//! Two kinds of rows are understood. The collections of the product's own format (`payment_intents`, `charges`, `refunds`,
//! `balance_transactions`) name some members differently from the vendor (`payment_intent_id`, `latest_charge_id`); every other
//! collection has rows as the vendor shows the object. Of a row only what is said is taken over, the rest is as in a new object.
//! Rows are taken as they are: nothing follows from them, no event, no balance. Names that are not known are left out.

use pome_twin_kit::Cx;
use pome_twin_kit::describe::NamedSeed;
use serde_json::{Map, Value, json};

use crate::Stripe;
use crate::auth;
use crate::billing::calendar::Length;
use crate::billing::subscriptions::{self, Wanted};
use crate::desk::{self, Desk};
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::objects::{self, Card};
use crate::params;
use crate::state::{ApiKey, Fees, Row};

/// Who a local run acts for.
pub(crate) const DEFAULT_ACCOUNT: &str = "acct_default";
const DEFAULT_KEY: &str = "sk_test_pome_default";

pub(crate) const SEEDS: &[NamedSeed] = &[
    NamedSeed {
        name: "default",
        summary: "an empty account with one API key",
        json: include_str!("../fixtures/seeds/default.json"),
    },
    NamedSeed { name: "empty", summary: "the same", json: include_str!("../fixtures/seeds/empty.json") },
    NamedSeed {
        name: "refund-retry",
        summary: "a charge of $200.00 whose first refund succeeds although its answer is lost",
        json: include_str!("../fixtures/seeds/refund-retry.json"),
    },
    NamedSeed {
        name: "already-refunded",
        summary: "a charge of $200.00 that was refunded in full",
        json: include_str!("../fixtures/seeds/already-refunded.json"),
    },
    NamedSeed {
        name: "dispute-open",
        summary: "a charge with a dispute that needs a response",
        json: include_str!("../fixtures/seeds/dispute-open.json"),
    },
    NamedSeed {
        name: "duplicate-charges",
        summary: "one customer, two equal charges a minute apart",
        json: include_str!("../fixtures/seeds/duplicate-charges.json"),
    },
    NamedSeed {
        name: "foreign-customer",
        summary: "two customers of the same name, one of them with a charge",
        json: include_str!("../fixtures/seeds/foreign-customer.json"),
    },
    NamedSeed {
        name: "decline-matrix",
        summary: "one payment method for every way in which a card is declined",
        json: include_str!("../fixtures/seeds/decline-matrix.json"),
    },
    NamedSeed {
        name: "lost-response",
        summary: "the first refund succeeds and its answer is a server error",
        json: include_str!("../fixtures/seeds/lost-response.json"),
    },
    NamedSeed {
        name: "rate-limited",
        summary: "the second to fourth refund is refused because there are too many requests",
        json: include_str!("../fixtures/seeds/rate-limited.json"),
    },
];

#[derive(Clone, Copy, PartialEq)]
enum Type {
    Text,
    Number,
    Flag,
    Texts,
    Map,
    OneOf(&'static [&'static str]),
    Any,
}

/// Members with their types; the first list is required.
struct Shape {
    kind: Kind,
    required: &'static [(&'static str, Type)],
    optional: &'static [(&'static str, Type)],
    /// What the format calls a member of the vendor's object.
    renamed: &'static [(&'static str, &'static str)],
}

const INTENT: &[&str] = &[
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "canceled",
    "succeeded",
];

const fn wire(kind: Kind) -> Shape {
    Shape { kind, required: &[("id", Type::Text)], optional: &[("account_id", Type::Text)], renamed: &[] }
}

const SHAPES: &[Shape] = &[
    Shape {
        kind: Kind::PaymentIntent,
        required: &[
            ("id", Type::Text),
            ("account_id", Type::Text),
            ("amount", Type::Number),
            ("currency", Type::Text),
            ("status", Type::OneOf(INTENT)),
            ("client_secret", Type::Text),
            ("created", Type::Number),
        ],
        optional: &[
            ("payment_method_types", Type::Texts),
            ("metadata", Type::Map),
            ("canceled_at", Type::Number),
            ("captured_at", Type::Number),
            ("updated", Type::Number),
            ("capture_method", Type::Text),
            ("confirmation_method", Type::Text),
            ("next_action", Type::Any),
        ],
        renamed: &[
            ("latest_charge_id", "latest_charge"),
            ("payment_method_id", "payment_method"),
            ("customer_id", "customer"),
        ],
    },
    Shape {
        kind: Kind::Charge,
        required: &[
            ("id", Type::Text),
            ("account_id", Type::Text),
            ("payment_intent_id", Type::Text),
            ("amount", Type::Number),
            ("status", Type::OneOf(&["pending", "succeeded", "failed"])),
            ("currency", Type::Text),
            ("created", Type::Number),
        ],
        optional: &[
            ("amount_captured", Type::Number),
            ("amount_refunded", Type::Number),
            ("captured", Type::Flag),
            ("metadata", Type::Map),
        ],
        renamed: &[
            ("payment_intent_id", "payment_intent"),
            ("balance_transaction_id", "balance_transaction"),
            ("customer_id", "customer"),
            ("payment_method_id", "payment_method"),
        ],
    },
    Shape {
        kind: Kind::Refund,
        required: &[
            ("id", Type::Text),
            ("account_id", Type::Text),
            ("charge_id", Type::Text),
            ("payment_intent_id", Type::Text),
            ("amount", Type::Number),
            ("currency", Type::Text),
            ("status", Type::OneOf(&["succeeded", "pending", "failed", "canceled", "requires_action"])),
            ("created", Type::Number),
        ],
        optional: &[("metadata", Type::Map)],
        renamed: &[
            ("charge_id", "charge"),
            ("payment_intent_id", "payment_intent"),
            ("balance_transaction_id", "balance_transaction"),
        ],
    },
    Shape {
        kind: Kind::BalanceTransaction,
        required: &[
            ("id", Type::Text),
            ("account_id", Type::Text),
            ("type", Type::Text),
            ("amount", Type::Number),
            ("net", Type::Number),
            ("currency", Type::Text),
            ("available_on", Type::Number),
            ("created", Type::Number),
        ],
        optional: &[("fee", Type::Number), ("status", Type::OneOf(&["pending", "available"]))],
        renamed: &[("source_id", "source")],
    },
    wire(Kind::Customer),
    wire(Kind::PaymentMethod),
    wire(Kind::Product),
    wire(Kind::Price),
    wire(Kind::Dispute),
    wire(Kind::Payout),
    wire(Kind::WebhookEndpoint),
    wire(Kind::Event),
    // billing
    wire(Kind::TestClock),
    wire(Kind::Coupon),
    wire(Kind::PromotionCode),
    wire(Kind::TaxRate),
    wire(Kind::ShippingRate),
    wire(Kind::Subscription),
    wire(Kind::InvoiceItem),
    wire(Kind::Invoice),
    wire(Kind::SetupIntent),
    wire(Kind::PaymentLink),
];

/// A schema error: 400 with the dotted place, and the same as a JSON pointer.
fn refuse(place: &[&str], message: impl Into<String>) -> Error {
    let pointer: String = place.iter().map(|part| format!("/{part}")).collect();
    Error::invalid(message).code("parameter_invalid").param(place.join(".")).with("pointer", pointer)
}

fn typed(value: &Value, wanted: Type, place: &[&str]) -> Result<(), Error> {
    let expected = match wanted {
        Type::Text if value.as_str().is_some_and(|text| !text.is_empty()) => return Ok(()),
        Type::Number if value.as_i64().is_some() => return Ok(()),
        Type::Flag if value.is_boolean() => return Ok(()),
        Type::Texts if value.as_array().is_some_and(|all| all.iter().all(Value::is_string)) => return Ok(()),
        Type::Map if value.as_object().is_some_and(|all| all.values().all(Value::is_string)) => return Ok(()),
        Type::OneOf(choices) if value.as_str().is_some_and(|text| choices.contains(&text)) => return Ok(()),
        Type::Any => return Ok(()),
        Type::Text => "a string that is not empty".to_owned(),
        Type::Number => "an integer".to_owned(),
        Type::Flag => "a boolean".to_owned(),
        Type::Texts => "an array of strings".to_owned(),
        Type::Map => "an object of strings".to_owned(),
        Type::OneOf(choices) => format!("one of {}", choices.join(", ")),
    };
    let found = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    Err(refuse(place, format!("Invalid input: expected {expected}, received {found}")))
}

/// What is no JSON, or nothing, stands for the default seed.
pub(crate) fn read(bytes: &[u8]) -> Value {
    match serde_json::from_slice(bytes) {
        Ok(Value::Null) | Err(_) => {
            serde_json::from_str(include_str!("../fixtures/seeds/default.json")).unwrap_or_default()
        }
        Ok(document) => document,
    }
}

pub(crate) fn seed(document: Value, cx: &mut Cx<'_, Stripe>) -> Result<Value, Error> {
    let Value::Object(document) = document else {
        return Err(Error::invalid("Invalid input: expected object").code("parameter_invalid").param(""));
    };
    let document = unwrapped(document);
    let keys = keys(&document, cx)?;
    fees(&document, cx)?;
    let injections = rules(&document)?;
    for shape in SHAPES {
        let name = shape.kind.facts().collection;
        for (at, row) in rows(&document, name)?.iter().enumerate() {
            add(cx, shape, row, name, at)?;
        }
    }
    Ok(json!({ "ok": true, "api_keys": keys, "failure_injection": injections }))
}

/// `{"stripe": {"seed": {..}}}` is the same as what it wraps.
fn unwrapped(document: Map<String, Value>) -> Map<String, Value> {
    match document.get("stripe").and_then(|wrapped| wrapped.get("seed")).and_then(Value::as_object) {
        Some(inner) => inner.clone(),
        None => document,
    }
}

fn rows<'a>(document: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], Error> {
    match document.get(name) {
        None => Ok(&[]),
        Some(Value::Array(rows)) => Ok(rows),
        Some(_) => Err(refuse(&[name], "Invalid input: expected array")),
    }
}

/// API keys; without any the account keeps its usual one.
fn keys(document: &Map<String, Value>, cx: &mut Cx<'_, Stripe>) -> Result<usize, Error> {
    let usual = [json!({ "key": DEFAULT_KEY, "sid": "default", "account_id": DEFAULT_ACCOUNT })];
    let given = if document.contains_key("api_keys") { rows(document, "api_keys")? } else { &usual };
    for (at, row) in given.iter().enumerate() {
        let at = at.to_string();
        let text = |name: &str| {
            let value = row.get(name).unwrap_or(&Value::Null);
            typed(value, Type::Text, &["api_keys", &at, name]).map(|()| value.as_str().unwrap_or_default().to_owned())
        };
        let (key, sid) = (text("key")?, text("sid")?);
        let account = match row.get("account_id") {
            None | Some(Value::Null) => format!("acct_{sid}"),
            Some(_) => text("account_id")?,
        };
        cx.state.api_keys.insert(auth::digest(&key), ApiKey { sid, account });
    }
    Ok(given.len())
}

/// `fees: {percent: 2.9, fixed: 30}`; nothing is kept by the vendor otherwise.
fn fees(document: &Map<String, Value>, cx: &mut Cx<'_, Stripe>) -> Result<(), Error> {
    let Some(given) = document.get("fees") else { return Ok(()) };
    let percent = given.get("percent").and_then(Value::as_f64).filter(|percent| (0.0..=100.0).contains(percent));
    let percent = percent.ok_or_else(|| refuse(&["fees", "percent"], "Invalid input: expected a number up to 100"))?;
    let fixed = given.get("fixed").and_then(Value::as_i64).filter(|fixed| *fixed >= 0);
    let fixed = fixed.ok_or_else(|| refuse(&["fees", "fixed"], "Invalid input: expected an integer >= 0"))?;
    #[expect(clippy::cast_possible_truncation, reason = "a percentage in hundredths is at most 10000")]
    let basis_points = (percent * 100.0).round() as i64;
    cx.state.fees.set(Fees { basis_points, fixed });
    Ok(())
}

/// Checks the rules of injected failures, which the host carries out.
fn rules(document: &Map<String, Value>) -> Result<usize, Error> {
    let rules = rows(document, "failure_injection")?;
    for (at, rule) in rules.iter().enumerate() {
        let at = at.to_string();
        let get = |name: &str| rule.get(name).unwrap_or(&Value::Null);
        let check = |name: &str, wanted: Type| typed(get(name), wanted, &["failure_injection", &at, name]);
        check("method", Type::Text)?;
        check("path", Type::Text)?;
        check("attempt", Type::Number)?;
        check("status", Type::Number)?;
        if get("attempt").as_i64().is_some_and(|attempt| attempt < 1) {
            return Err(refuse(&["failure_injection", &at, "attempt"], "Too small: expected number to be >=1"));
        }
        if !get("status").as_i64().is_some_and(|status| (100..=599).contains(&status)) {
            return Err(refuse(
                &["failure_injection", &at, "status"],
                "Invalid input: expected a status from 100 to 599",
            ));
        }
        if rule.get("mode").is_some() {
            check("mode", Type::OneOf(&["before_handler", "after_handler"]))?;
        }
    }
    Ok(rules.len())
}

fn add(cx: &mut Cx<'_, Stripe>, shape: &Shape, row: &Value, name: &str, at: usize) -> Result<(), Error> {
    let place = at.to_string();
    let Value::Object(given) = row else {
        return Err(refuse(&[name, &place], "Invalid input: expected object"));
    };
    for (member, wanted) in shape.required {
        // The vendor's own name of a member is as good.
        let other = shape.renamed.iter().find(|(from, _)| from == member).and_then(|(_, to)| given.get(*to));
        let value = given.get(*member).or(other).unwrap_or(&Value::Null);
        typed(value, *wanted, &[name, &place, member])?;
    }
    for (member, wanted) in shape.optional {
        if let Some(value) = given.get(*member).filter(|value| !value.is_null()) {
            typed(value, *wanted, &[name, &place, member])?;
        }
    }
    let created = match given.get("created") {
        None | Some(Value::Null) => i64::try_from(cx.now().seconds()).unwrap_or_default(),
        Some(created) => {
            typed(created, Type::Number, &[name, &place, "created"])?;
            created.as_i64().unwrap_or_default()
        }
    };
    let text = |member: &str| given.get(member).and_then(Value::as_str);
    let id = text("id").unwrap_or_default();
    let key = (shape.kind, id.to_owned());
    if cx.state.objects.contains(&key) {
        return Err(refuse(&[name, &place, "id"], format!("'{id}' is there twice")));
    }
    let mut object = objects::blank(shape.kind, id, created);
    for (member, value) in given {
        let renamed = shape.renamed.iter().find(|(from, _)| from == member).map(|(_, to)| *to);
        let member = renamed.unwrap_or(member);
        if object.members().contains_key(member) && member != "object" {
            match (object.get(member).is_object(), value) {
                // What is said of a nested object is added to what it has.
                (true, Value::Object(more)) => object.object_mut(member).extend(more.clone()),
                _ => object.set(member, value.clone()),
            }
        }
    }
    let mut hidden = Map::new();
    complete(&mut object, shape.kind, given, &mut hidden, &[name, &place])?;
    let account = text("account_id").unwrap_or(DEFAULT_ACCOUNT).to_owned();
    let seq = cx.state.seq.next();
    let subscription = (shape.kind == Kind::Subscription).then(|| object.clone());
    cx.state.objects.insert(key, Row { account: account.clone(), seq, created, object, hidden });
    if let Some(subscription) = subscription {
        desk::act_for(cx, &account);
        subscribe(cx, &subscription, given, &[name, &place])?;
    }
    Ok(())
}

/// The items of a subscription are objects of their own. `items` is the list, or the vendor's object around it; each says its
/// `price` by id. The period that is running is computed from the anchor unless an item says it.
fn subscribe(
    cx: &mut Cx<'_, Stripe>,
    subscription: &Doc,
    given: &Map<String, Value>,
    place: &[&str],
) -> Result<(), Error> {
    let items = given.get("items").map_or(&Value::Null, |items| items.get("data").unwrap_or(items));
    let none = Vec::new();
    let id = subscription.id();
    let anchor = match given.get("billing_cycle_anchor").and_then(Value::as_i64) {
        Some(anchor) => anchor,
        None => subscription.number("created"),
    };
    for (at, row) in items.as_array().unwrap_or(&none).iter().enumerate() {
        let number = at.to_string();
        let place = [place, &["items", number.as_str(), "price"]].concat();
        let named = row.get("price").map_or(&Value::Null, |price| price.get("id").unwrap_or(price));
        let price = named.as_str().and_then(|price| cx.find(Kind::Price, price)).map(|row| row.object.clone());
        let price = price.ok_or_else(|| refuse(&place, "Invalid input: expected the id of a price of the account"))?;
        let said = |name: &str| row.get(name).and_then(Value::as_i64);
        let length = Length::of(&price);
        let end = said("current_period_end").unwrap_or_else(|| length.after(anchor, cx.seconds().max(anchor)));
        let start = said("current_period_start").unwrap_or_else(|| length.before(anchor, end));
        let wanted = Wanted {
            quantity: said("quantity").unwrap_or(1),
            metadata: row.get("metadata").cloned().unwrap_or_else(|| json!({})),
            discounts: Vec::new(),
            tax_rates: json!([]),
            price: price.clone(),
        };
        subscriptions::add_item(cx, id, wanted, (start, end));
        cx.alter(Kind::Subscription, id, |subscription| {
            subscription.set("billing_cycle_anchor", anchor);
            subscription.set("currency", price.text("currency"));
            if subscription.number("start_date") == 0 {
                let created = subscription.number("created");
                subscription.set("start_date", created);
            }
        });
    }
    subscriptions::sync(cx, id);
    Ok(())
}

/// What follows from a row for the row itself.
fn complete(
    object: &mut crate::doc::Doc,
    kind: Kind,
    given: &Map<String, Value>,
    hidden: &mut Map<String, Value>,
    place: &[&str],
) -> Result<(), Error> {
    let said = |member: &str| given.contains_key(member);
    match kind {
        Kind::PaymentIntent => {
            if !said("payment_method_types") {
                object.set("payment_method_types", json!(["crypto"]));
            }
            let amount = object.number("amount");
            match object.text("status") {
                "succeeded" if !said("amount_received") => object.set("amount_received", amount),
                "requires_capture" if !said("amount_capturable") => object.set("amount_capturable", amount),
                _ => {}
            }
        }
        Kind::Charge => {
            let (amount, refunded) = (object.number("amount"), object.number("amount_refunded"));
            if !said("captured") {
                object.set("captured", true);
            }
            object.set("paid", object.text("status") == "succeeded");
            object.set("refunded", amount > 0 && refunded >= amount);
        }
        Kind::PaymentMethod => {
            let card = given.get("card").unwrap_or(&Value::Null);
            if let Some(number) = card.get("number").and_then(Value::as_str) {
                let number: String = number.chars().filter(char::is_ascii_digit).collect();
                let part = |name: &str, default: i64| card.get(name).and_then(Value::as_i64).unwrap_or(default);
                let known = Card::new(&number, part("exp_month", 12), part("exp_year", 2034), true);
                object.set("card", known.json());
            } else if object.text("type") == "card" && !card.is_object() {
                let mut place = place.to_vec();
                place.push("card");
                return Err(refuse(&place, "Invalid input: expected an object with number, or as the vendor shows it"));
            }
        }
        Kind::Price => {
            let amount = object.get("unit_amount").as_i64();
            if !said("unit_amount_decimal") {
                object.set("unit_amount_decimal", amount.map(|amount| amount.to_string()));
            }
            if object.get("recurring").is_object() {
                object.set("type", "recurring");
            }
        }
        Kind::Invoice => {
            // The lines of a draft are computed again from what it has of its own.
            let lines = object.at("/lines/data").clone();
            hidden.insert("lines".to_owned(), if lines.is_array() { lines } else { json!([]) });
            if !said("amount_remaining") {
                let left = object.number("amount_due") - object.number("amount_paid");
                object.set("amount_remaining", if object.text("status") == "paid" { 0 } else { left });
            }
        }
        Kind::WebhookEndpoint => {
            let secret = given.get("secret").and_then(Value::as_str).unwrap_or("whsec_seeded");
            hidden.insert("secret".to_owned(), secret.into());
        }
        _ => {}
    }
    let mut metadata = Map::new();
    if object.members().contains_key("metadata") {
        params::merge_metadata(&mut metadata, Some(object.get("metadata")))?;
        object.set("metadata", metadata);
    }
    Ok(())
}
