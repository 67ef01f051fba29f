//! Refunds.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Stripe;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::ledger::{self, Movement};
use crate::lists::{Page, list, page, retrieve};
use crate::money;
use crate::objects::{self, Effect};
use crate::params::{self, Text};

/// How long a refund that is pending takes, in seconds.
const PENDING: i64 = 60;

/// Gives money back, all that is left or a part of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    #[serde(default)]
    charge: Text,
    #[serde(default)]
    payment_intent: Text,
    amount: Option<i64>,
    #[expect(dead_code, reason = "taken, and without effect here")]
    currency: Option<String>,
    customer: Option<String>,
    #[expect(dead_code, reason = "taken, and without effect here")]
    instructions_email: Option<String>,
    metadata: Option<Value>,
    origin: Option<String>,
    reason: Option<Reason>,
    refund_application_fee: Option<bool>,
    reverse_transfer: Option<bool>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reason {
    Duplicate,
    Fraudulent,
    RequestedByCustomer,
}

impl Reason {
    const fn name(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Fraudulent => "fraudulent",
            Self::RequestedByCustomer => "requested_by_customer",
        }
    }
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_refund";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        if self.refund_application_fee == Some(true) || self.reverse_transfer == Some(true) {
            return Err(Error::unmodelled("payments on behalf of connected accounts"));
        }
        if self.origin.is_some() || self.customer.is_some() {
            return Err(Error::unmodelled("refunds of a customer's cash balance"));
        }
        let charge = self.charge(cx)?;
        let (id, currency) = (charge.id().to_owned(), charge.text("currency").to_owned());
        let status = charge.text("status");
        if status != "succeeded" || !charge.flag("captured") {
            let status = if status == "succeeded" { "uncaptured" } else { status };
            let message = format!("This charge ({id}) has a status of '{status}' and cannot be refunded.");
            return Err(Error::invalid(message).code("charge_not_refundable").param("charge"));
        }
        if charge.flag("disputed") && !refundable_dispute(cx, &id) {
            let message = format!("Charge {id} has been charged back; cannot issue a refund.");
            return Err(Error::invalid(message).code("charge_disputed"));
        }
        let left = charge.number("amount") - charge.number("amount_refunded");
        if self.amount.is_some_and(|amount| amount < 1) {
            return Err(Error::at_least(1, "amount"));
        }
        if left < 1 {
            return Err(
                Error::invalid(format!("Charge {id} has already been refunded.")).code("charge_already_refunded")
            );
        }
        let amount = self.amount.unwrap_or(left);
        if amount > left {
            let message = format!(
                "Refund amount ({}) is greater than unrefunded amount on charge ({})",
                money::shown(amount, &currency),
                money::shown(left, &currency)
            );
            return Err(Error::invalid(message).param("amount"));
        }
        let refund = cx.fresh("re");
        let mark = charge.at("/payment_method_details/card/fingerprint").as_str().unwrap_or_default();
        let effect = objects::effect(mark);
        let transaction = ledger::post(
            cx,
            &Movement {
                kind: "refund",
                category: "refund",
                amount: -amount,
                fee: 0,
                currency: &currency,
                source: &refund,
                description: Some("REFUND FOR CHARGE"),
            },
        );
        let mut object = objects::blank(Kind::Refund, &refund, cx.seconds());
        object.set("amount", amount);
        object.set("balance_transaction", transaction);
        object.set("charge", id.as_str());
        object.set("currency", currency);
        object.set("customer", charge.get("customer").clone());
        object.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        object.set("payment_intent", charge.get("payment_intent").clone());
        object.set("reason", self.reason.map(Reason::name));
        if charge.at("/payment_method_details/type") != "card" {
            object.set("destination_details", serde_json::json!({ "crypto": { "reference": null }, "type": "crypto" }));
        }
        let mut hidden = Map::new();
        if matches!(effect, Effect::RefundPends | Effect::RefundFails) {
            hidden.insert("settles_at".to_owned(), (cx.seconds() + PENDING).into());
        }
        if effect == Effect::RefundPends {
            object.set("status", "pending");
        }
        cx.add(Kind::Refund, object.clone(), hidden);
        let change = cx.alter(Kind::Charge, &id, |charge| {
            let refunded = charge.number("amount_refunded") + amount;
            charge.set("amount_refunded", refunded);
            charge.set("refunded", refunded >= charge.number("amount"));
        });
        cx.emit_change("charge.refunded", &change);
        cx.emit("refund.created", &object);
        Answer::doc(cx, &object)
    }
}

impl Create {
    fn charge(&self, cx: &Cx<'_, Stripe>) -> Result<Doc, Error> {
        if let Text::Is(charge) = &self.charge {
            let missing = || Error::dangling(Kind::Charge, charge, "charge").status(404);
            let known = cx.find(Kind::Charge, charge).map(|row| row.object.clone()).ok_or_else(missing)?;
            if let Text::Is(intent) = &self.payment_intent
                && known.text("payment_intent") != intent
            {
                let message = format!("The charge {charge} does not belong to the PaymentIntent {intent}.");
                return Err(Error::invalid(message).param("payment_intent"));
            }
            return Ok(known);
        }
        let Text::Is(intent) = &self.payment_intent else {
            return Err(Error::required("charge"));
        };
        let missing = || Error::dangling(Kind::PaymentIntent, intent, "payment_intent").status(404);
        let known = cx.find(Kind::PaymentIntent, intent).map(|row| row.object.clone()).ok_or_else(missing)?;
        let charge = known.reference("latest_charge").and_then(|charge| cx.find(Kind::Charge, charge));
        match charge.filter(|row| row.object.text("status") == "succeeded") {
            Some(row) => Ok(row.object.clone()),
            None => {
                let message = format!("This PaymentIntent ({intent}) does not have a successful charge to refund.");
                Err(Error::state(message).param("payment_intent"))
            }
        }
    }
}

/// A question of the bank that took no money, or a dispute that was won, does not stand in the way.
fn refundable_dispute(cx: &Cx<'_, Stripe>, charge: &str) -> bool {
    let mut rows = cx.each(Kind::Dispute).into_iter().filter(|row| row.object.text("charge") == charge);
    rows.all(|row| row.object.flag("is_charge_refundable") || row.object.text("status") == "won")
}

retrieve! {
    /// One refund.
    Retrieve = "retrieve_refund", Kind::Refund
}

/// Changes the metadata of a refund.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    metadata: Option<Value>,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_refund";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut refund = cx.get(Kind::Refund, &self.id)?;
        params::merge_metadata(refund.object_mut("metadata"), self.metadata.as_ref())?;
        let change = cx.alter(Kind::Refund, &self.id, |stored| *stored = refund);
        cx.emit_change("charge.refund.updated", &change);
        cx.emit_change("refund.updated", &change);
        Answer::doc(cx, &change.after)
    }
}

/// Cancels a refund that waits for the buyer.
#[derive(Debug, Deserialize)]
pub(crate) struct Cancel {
    id: String,
}

impl Action<Stripe> for Cancel {
    const NAME: &'static str = "cancel_refund";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let refund = cx.get(Kind::Refund, &self.id)?;
        if refund.text("status") != "requires_action" {
            let message = "You can only cancel refunds that have the status `requires_action`.";
            return Err(Error::invalid(message).code("resource_already_exists").param("refund"));
        }
        take_back(cx, &refund, "canceled");
        Answer::stored(cx, Kind::Refund, &self.id)
    }
}

/// The money of a refund comes back to the account.
fn take_back(cx: &mut Cx<'_, Stripe>, refund: &Doc, status: &str) {
    let (amount, currency) = (refund.number("amount"), refund.text("currency"));
    let transaction = ledger::post(
        cx,
        &Movement {
            kind: "refund_failure",
            category: "refund_failure",
            amount,
            fee: 0,
            currency,
            source: refund.id(),
            description: Some("REFUND FAILURE"),
        },
    );
    let charge = refund.text("charge").to_owned();
    let change = cx.alter(Kind::Charge, &charge, |charge| {
        let refunded = charge.number("amount_refunded") - amount;
        charge.set("amount_refunded", refunded);
        charge.set("refunded", false);
    });
    cx.emit_change("charge.updated", &change);
    let change = cx.alter(Kind::Refund, refund.id(), |refund| {
        refund.set("status", status);
        refund.set("failure_balance_transaction", transaction);
        if status == "failed" {
            refund.set("failure_reason", "expired_or_canceled_card");
        }
    });
    cx.emit_change("charge.refund.updated", &change);
    let name = if status == "failed" { "refund.failed" } else { "refund.updated" };
    cx.emit_change(name, &change);
}

/// A refund that was pending arrives, or comes back.
pub(crate) fn settle(cx: &mut Cx<'_, Stripe>, id: &str) {
    let Some(refund) = cx.find(Kind::Refund, id).map(|row| row.object.clone()) else { return };
    cx.hide(Kind::Refund, id, "settles_at", Value::Null);
    match refund.text("status") {
        "pending" => {
            let change = cx.alter(Kind::Refund, id, |refund| refund.set("status", "succeeded"));
            cx.emit_change("charge.refund.updated", &change);
            cx.emit_change("refund.updated", &change);
        }
        "succeeded" => take_back(cx, &refund, "failed"),
        _ => {}
    }
}

list! {
    /// Refunds, newest first.
    List = "list_refunds", Kind::Refund, { charge: String, payment_intent: String },
    |wanted, refund| {
        crate::lists::fits(refund, "charge", wanted.charge.as_deref())
            && crate::lists::fits(refund, "payment_intent", wanted.payment_intent.as_deref())
    }
}

/// Refunds of one charge, newest first.
#[derive(Debug, Deserialize)]
pub(crate) struct OfCharge {
    charge: String,
    limit: Option<i64>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

impl Action<Stripe> for OfCharge {
    const NAME: &'static str = "list_charge_refunds";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        cx.get(Kind::Charge, &self.charge)?;
        let Self { charge, limit, starting_after, ending_before } = self;
        let url = format!("/v1/charges/{charge}/refunds");
        let asked = Page { limit, starting_after, ending_before, created: None };
        page(cx, Kind::Refund, &url, &asked, |refund| refund.text("charge") == charge)
    }
}
