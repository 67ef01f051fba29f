//! Disputes: the buyer's bank takes the money back, and the seller may answer with evidence.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Stripe;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::ledger::{self, Movement};
use crate::lists::{list, retrieve};
use crate::objects::{self, EVIDENCE};
use crate::params::{self, clears};

/// How long a dispute can be answered, in seconds.
const ANSWERABLE: i64 = 9 * 86_400;
/// What the vendor asks for handling a dispute, in cents.
const FEE: i64 = 1500;
/// All texts together.
const LONGEST: usize = 150_000;

/// Opens a dispute about a charge.
pub(super) fn open(cx: &mut Cx<'_, Stripe>, charge: &Doc, reason: &str, status: &str) {
    let id = cx.fresh("du");
    let inquiry = status.starts_with("warning_");
    let (amount, currency) = (charge.number("amount_captured"), charge.text("currency"));
    let mut dispute = objects::blank(Kind::Dispute, &id, cx.seconds());
    let code = if reason == "product_not_received" { "13.1" } else { "10.4" };
    dispute.set("amount", amount);
    dispute.set("charge", charge.id());
    dispute.set("currency", currency);
    dispute.set("payment_intent", charge.get("payment_intent").clone());
    dispute.set("reason", reason);
    dispute.set("status", status);
    dispute.set("is_charge_refundable", inquiry);
    dispute.set("network_reason_code", code);
    dispute.object_mut("evidence_details").insert("due_by".to_owned(), (cx.seconds() + ANSWERABLE).into());
    if let Some(Value::Object(card)) = dispute.object_mut("payment_method_details").get_mut("card") {
        let brand = charge.at("/payment_method_details/card/brand").clone();
        card.insert("brand".to_owned(), brand.clone());
        card.insert("network".to_owned(), brand);
        card.insert("case_type".to_owned(), if inquiry { "inquiry" } else { "chargeback" }.into());
        card.insert("network_reason_code".to_owned(), code.into());
    }
    if !inquiry {
        let transaction = withdraw(cx, charge, &id, -amount, FEE);
        dispute.set("balance_transactions", json!([transaction]));
    }
    cx.add(Kind::Dispute, dispute.clone(), Map::new());
    let change = cx.alter(Kind::Charge, charge.id(), |charge| charge.set("disputed", true));
    cx.emit_change("charge.updated", &change);
    cx.emit("charge.dispute.created", &dispute);
    if !inquiry {
        cx.emit("charge.dispute.funds_withdrawn", &dispute);
    }
}

fn withdraw(cx: &mut Cx<'_, Stripe>, charge: &Doc, dispute: &str, amount: i64, fee: i64) -> Value {
    let category = if amount < 0 { "dispute" } else { "dispute_reversal" };
    let description = format!("Chargeback {}for {}", if amount < 0 { "withdrawal " } else { "reversal " }, charge.id());
    let transaction = ledger::post(
        cx,
        &Movement {
            kind: "adjustment",
            category,
            amount,
            fee,
            currency: charge.text("currency"),
            source: dispute,
            description: Some(&description),
        },
    );
    cx.find(Kind::BalanceTransaction, &transaction).map_or(Value::Null, |row| row.object.json())
}

retrieve! {
    /// One dispute.
    Retrieve = "retrieve_dispute", Kind::Dispute
}

/// Adds evidence, and hands it in unless that is put off.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    evidence: Option<Value>,
    metadata: Option<Value>,
    submit: Option<bool>,
    intended_submission_method: Option<String>,
}

impl Update {
    pub(crate) const fn new(id: String, evidence: Option<Value>, submit: Option<bool>) -> Self {
        Self { id, evidence, metadata: None, submit, intended_submission_method: None }
    }
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_dispute";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut dispute = cx.get(Kind::Dispute, &self.id)?;
        params::merge_metadata(dispute.object_mut("metadata"), self.metadata.as_ref())?;
        let answerable = matches!(dispute.text("status"), "needs_response" | "warning_needs_response");
        if let Some(evidence) = &self.evidence {
            if !answerable {
                let message = "This dispute is already closed or under review; its evidence cannot be updated anymore.";
                return Err(Error::invalid(message).param("evidence"));
            }
            add_evidence(&mut dispute, evidence)?;
        }
        if let Some(method) = self.intended_submission_method {
            dispute.set("intended_submission_method", method);
        }
        let hands_in = answerable && self.submit.unwrap_or(self.evidence.is_some());
        if hands_in {
            let details = dispute.object_mut("evidence_details");
            let count = details.get("submission_count").and_then(Value::as_i64).unwrap_or_default();
            details.insert("submission_count".to_owned(), (count + 1).into());
            details.insert("submission_method".to_owned(), "manual".into());
            let reviewed =
                if dispute.text("status") == "needs_response" { "under_review" } else { "warning_under_review" };
            dispute.set("status", reviewed);
        }
        let change = cx.alter(Kind::Dispute, &self.id, |stored| *stored = dispute);
        cx.emit_change("charge.dispute.updated", &change);
        // In test mode these words decide.
        match change.after.at("/evidence/uncategorized_text").as_str() {
            Some("winning_evidence") if hands_in => win(cx, &change.after),
            Some("losing_evidence") if hands_in => lose(cx, &self.id),
            _ => {}
        }
        Answer::stored(cx, Kind::Dispute, &self.id)
    }
}

fn add_evidence(dispute: &mut Doc, given: &Value) -> Result<(), Error> {
    let Value::Object(given) = given else {
        return Err(Error::invalid("Invalid object").code("parameter_invalid").param("evidence"));
    };
    let evidence = dispute.object_mut("evidence");
    for (name, value) in given.iter().filter(|(name, _)| EVIDENCE.contains(&name.as_str())) {
        evidence.insert(name.clone(), if clears(value) { Value::Null } else { value.clone() });
    }
    let length: usize = evidence.values().filter_map(Value::as_str).map(|text| text.chars().count()).sum();
    if length > LONGEST {
        let message = format!("Evidence can have at most {LONGEST} characters, but you passed in {length}.");
        return Err(Error::invalid(message).code("parameter_invalid").param("evidence"));
    }
    let some = evidence.values().any(|value| value.as_str().is_some_and(|text| !text.is_empty()));
    dispute.object_mut("evidence_details").insert("has_evidence".to_owned(), some.into());
    Ok(())
}

fn win(cx: &mut Cx<'_, Stripe>, dispute: &Doc) {
    let inquiry = dispute.text("status").starts_with("warning_");
    let charge = cx.find(Kind::Charge, dispute.text("charge")).map(|row| row.object.clone()).unwrap_or_default();
    let reinstated = (!inquiry).then(|| withdraw(cx, &charge, dispute.id(), dispute.number("amount"), 0));
    let change = cx.alter(Kind::Dispute, dispute.id(), |dispute| {
        dispute.set("status", if inquiry { "warning_closed" } else { "won" });
        if let Some(transaction) = reinstated {
            let mut all = dispute.get("balance_transactions").as_array().cloned().unwrap_or_default();
            all.push(transaction);
            dispute.set("balance_transactions", all);
        }
    });
    cx.emit_change("charge.dispute.closed", &change);
    if !inquiry {
        cx.emit("charge.dispute.funds_reinstated", &change.after);
    }
}

fn lose(cx: &mut Cx<'_, Stripe>, id: &str) {
    let change = cx.alter(Kind::Dispute, id, |dispute| {
        let inquiry = dispute.text("status").starts_with("warning_");
        dispute.set("status", if inquiry { "warning_closed" } else { "lost" });
    });
    cx.emit_change("charge.dispute.closed", &change);
}

/// Accepts a dispute as lost.
#[derive(Debug, Deserialize)]
pub(crate) struct Close {
    id: String,
}

impl Action<Stripe> for Close {
    const NAME: &'static str = "close_dispute";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let dispute = cx.get(Kind::Dispute, &self.id)?;
        if matches!(dispute.text("status"), "won" | "lost" | "warning_closed" | "prevented") {
            return Err(Error::invalid("This dispute is already closed."));
        }
        lose(cx, &self.id);
        Answer::stored(cx, Kind::Dispute, &self.id)
    }
}

list! {
    /// Disputes, newest first.
    List = "list_disputes", Kind::Dispute, { charge: String, payment_intent: String },
    |wanted, dispute| {
        crate::lists::fits(dispute, "charge", wanted.charge.as_deref())
            && crate::lists::fits(dispute, "payment_intent", wanted.payment_intent.as_deref())
    }
}
