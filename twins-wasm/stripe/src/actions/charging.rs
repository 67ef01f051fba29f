//! Charging a card: what every payment comes down to.

use pome_twin_kit::Cx;
use serde_json::{Map, Value, json};

use super::outcomes::{self, Decline};
use crate::Stripe;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::kind::Kind;
use crate::ledger::{self, Movement};
use crate::objects::{self, Effect};

/// A sale, as it is asked for.
#[derive(Debug)]
pub(crate) struct Sale {
    pub(crate) amount: i64,
    pub(crate) currency: String,
    /// The payment method; without one the buyer paid with crypto.
    pub(crate) method: Option<String>,
    pub(crate) capture: bool,
    /// Members that the charge takes over from what asked for it: `customer`, `description`, `metadata`, `payment_intent`.
    pub(crate) more: Map<String, Value>,
}

/// Charges: the charge is there afterwards, with why it failed if it did. The events are the caller's.
pub(crate) fn charge(cx: &mut Cx<'_, Stripe>, sale: &Sale) -> (Doc, Option<Decline>) {
    let id = cx.fresh("ch");
    let mut charge = objects::blank(Kind::Charge, &id, cx.seconds());
    charge.set("amount", sale.amount);
    charge.set("currency", sale.currency.as_str());
    for (name, value) in &sale.more {
        charge.set(name, value.clone());
    }
    let method =
        sale.method.as_ref().and_then(|method| cx.find(Kind::PaymentMethod, method)).map(|row| row.object.clone());
    let mark =
        method.as_ref().and_then(|method| method.at("/card/fingerprint").as_str()).unwrap_or_default().to_owned();
    let decline = method.as_ref().and_then(|_| outcomes::on_charge(&mark));
    if let Some(method) = &method {
        charge.set("billing_details", method.get("billing_details").clone());
        charge.set("payment_method", method.id());
        charge.set("payment_method_details", details(method, sale, decline.is_none(), cx.seconds()));
        charge.set("calculated_statement_descriptor", statement(&charge));
    } else {
        charge.set(
            "payment_method_details",
            json!({
                "crypto": { "network": "base", "token_currency": "usdc" },
                "type": "crypto",
            }),
        );
    }
    match decline {
        Some(decline) => {
            charge.set("status", "failed");
            charge.set("failure_code", decline.code);
            charge.set("failure_message", decline.message);
            charge.set("outcome", decline.outcome());
        }
        None => {
            charge.set("paid", true);
            charge.set("outcome", outcomes::authorized());
            charge.set("receipt_url", format!("https://pay.stripe.com/receipts/payment/{}", id.replace('_', "/")));
        }
    }
    cx.add(Kind::Charge, charge, Map::new());
    if decline.is_none() && sale.capture {
        capture(cx, &id, sale.amount);
    }
    (cx.find(Kind::Charge, &id).map(|row| row.object.clone()).unwrap_or_default(), decline)
}

/// The name that a card statement shows.
fn statement(charge: &Doc) -> String {
    let own = charge.reference("statement_descriptor").unwrap_or("POME");
    match charge.reference("statement_descriptor_suffix") {
        Some(suffix) => format!("{own}* {suffix}"),
        None => own.to_owned(),
    }
}

/// Takes an authorized amount; the rest of it is released.
pub(crate) fn capture(cx: &mut Cx<'_, Stripe>, id: &str, amount: i64) {
    let Some(charge) = cx.find(Kind::Charge, id).map(|row| row.object.clone()) else { return };
    let fee = ledger::fee(cx, amount);
    let transaction = ledger::post(
        cx,
        &Movement {
            kind: "charge",
            category: "charge",
            amount,
            fee,
            currency: charge.text("currency"),
            source: id,
            description: charge.reference("description"),
        },
    );
    cx.alter(Kind::Charge, id, |charge| {
        let released = charge.number("amount") - amount;
        charge.set("amount_captured", amount);
        charge.set("amount_refunded", released);
        charge.set("captured", true);
        charge.set("balance_transaction", transaction);
    });
}

/// The `payment_method_details` of a card charge.
fn details(method: &Doc, sale: &Sale, approved: bool, now: i64) -> Value {
    let card = method.get("card");
    let get = |name: &str| card.get(name).cloned().unwrap_or_default();
    let brand = get("brand");
    let unavailable = json!({ "status": "unavailable" });
    let mut out = json!({
        "amount_authorized": if approved { Value::from(sale.amount) } else { Value::Null },
        "authorization_code": if approved { Value::from("123456") } else { Value::Null },
        "brand": brand,
        "checks": get("checks"),
        "country": get("country"),
        "electronic_commerce_indicator": null,
        "exp_month": get("exp_month"),
        "exp_year": get("exp_year"),
        "extended_authorization": { "status": "disabled" },
        "fingerprint": get("fingerprint"),
        "funding": get("funding"),
        "incremental_authorization": unavailable,
        "installments": null,
        "last4": get("last4"),
        "mandate": null,
        "multicapture": unavailable,
        "network": brand,
        "network_token": { "used": false },
        "network_transaction_id": null,
        "overcapture": { "maximum_amount_capturable": sale.amount, "status": "unavailable" },
        "regulated_status": "unregulated",
        "three_d_secure": null,
        "transaction_link_id": null,
        "wallet": null,
    });
    if !sale.capture && approved {
        // An authorization holds for a week.
        out["capture_before"] = (now + 7 * 86_400).into();
    }
    json!({ "card": out, "type": "card" })
}

/// What a test card brings about after it was charged: a dispute.
pub(crate) fn aftermath(cx: &mut Cx<'_, Stripe>, charge: &Doc) {
    let mark = charge.at("/payment_method_details/card/fingerprint").as_str().unwrap_or_default();
    if let Effect::Disputed(reason, status) = objects::effect(mark) {
        super::disputes::open(cx, charge, reason, status);
    }
}
