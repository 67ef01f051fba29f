//! The balance, its transactions and what is paid out of it.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Stripe;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::error::Error;
use crate::kind::Kind;
use crate::ledger::{self, Movement};
use crate::lists::{list, retrieve};
use crate::money;
use crate::objects;
use crate::params::{self, Text};

/// What is in the account.
#[derive(Debug, Deserialize)]
pub(crate) struct Retrieve {}

impl Action<Stripe> for Retrieve {
    const NAME: &'static str = "retrieve_balance";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        Answer::of(cx, ledger::balance(cx))
    }
}

retrieve! {
    /// One balance transaction.
    RetrieveTransaction = "retrieve_balance_transaction", Kind::BalanceTransaction
}

list! {
    /// Balance transactions, newest first.
    ListTransactions = "list_balance_transactions", Kind::BalanceTransaction,
    { r#type: String, currency: String, source: String, payout: String },
    |wanted, transaction| {
        let fits = |member: &str, wanted: &Option<String>| crate::lists::fits(transaction, member, wanted.as_deref());
        fits("type", &wanted.r#type)
            && fits("currency", &wanted.currency)
            && fits("source", &wanted.source)
            && fits("source", &wanted.payout)
    }
}

/// How long a payout takes, in seconds.
const UNDER_WAY: i64 = 2 * 86_400;

/// Sends money from the balance to the account's bank.
#[derive(Debug, Deserialize)]
pub(crate) struct CreatePayout {
    amount: i64,
    #[serde(default)]
    currency: Text,
    #[serde(default)]
    description: Text,
    #[serde(default)]
    destination: Text,
    metadata: Option<Value>,
    method: Option<String>,
    source_type: Option<String>,
    #[serde(default)]
    statement_descriptor: Text,
}

impl Action<Stripe> for CreatePayout {
    const NAME: &'static str = "create_payout";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let currency = money::currency(params::required(&self.currency, "currency")?)?;
        if self.amount < 1 {
            return Err(Error::at_least(1, "amount"));
        }
        if self.amount > ledger::available(cx, &currency) {
            let message = "You have insufficient funds in your Stripe account for this transfer. Your card balance is too low. You \
                           can use the the /v1/balance endpoint to view your Stripe balance (for more details, see stripe.com/docs/api#balance).";
            return Err(Error::invalid(message).code("balance_insufficient"));
        }
        let id = cx.fresh("po");
        let transaction = ledger::post(
            cx,
            &Movement {
                kind: "payout",
                category: "payout",
                amount: -self.amount,
                fee: 0,
                currency: &currency,
                source: &id,
                description: Some("STRIPE PAYOUT"),
            },
        );
        let now = cx.seconds();
        let arrival = now + UNDER_WAY;
        let mut payout = objects::blank(Kind::Payout, &id, now);
        payout.set("amount", self.amount);
        payout.set("arrival_date", arrival - arrival % 86_400);
        payout.set("balance_transaction", transaction);
        payout.set("currency", currency);
        payout.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        self.description.apply(&mut payout, "description");
        self.destination.apply(&mut payout, "destination");
        self.statement_descriptor.apply(&mut payout, "statement_descriptor");
        if let Some(method) = self.method {
            payout.set("method", method);
        }
        if let Some(source) = self.source_type {
            payout.set("source_type", source);
        }
        cx.add(Kind::Payout, payout.clone(), Map::from_iter([("settles_at".to_owned(), arrival.into())]));
        cx.emit("payout.created", &payout);
        Answer::doc(cx, &payout)
    }
}

/// A payout arrives at the bank.
pub(crate) fn arrive(cx: &mut Cx<'_, Stripe>, id: &str) {
    cx.hide(Kind::Payout, id, "settles_at", Value::Null);
    let change = cx.alter(Kind::Payout, id, |payout| {
        if payout.text("status") == "pending" {
            payout.set("status", "paid");
        }
    });
    cx.emit_change("payout.paid", &change);
}

retrieve! {
    /// One payout.
    RetrievePayout = "retrieve_payout", Kind::Payout
}

/// Changes the metadata of a payout.
#[derive(Debug, Deserialize)]
pub(crate) struct UpdatePayout {
    id: String,
    metadata: Option<Value>,
}

impl Action<Stripe> for UpdatePayout {
    const NAME: &'static str = "update_payout";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut payout = cx.get(Kind::Payout, &self.id)?;
        params::merge_metadata(payout.object_mut("metadata"), self.metadata.as_ref())?;
        let change = cx.alter(Kind::Payout, &self.id, |stored| *stored = payout);
        cx.emit_change("payout.updated", &change);
        Answer::doc(cx, &change.after)
    }
}

/// Cancels a payout that is not under way yet.
#[derive(Debug, Deserialize)]
pub(crate) struct CancelPayout {
    id: String,
}

impl Action<Stripe> for CancelPayout {
    const NAME: &'static str = "cancel_payout";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let payout = cx.get(Kind::Payout, &self.id)?;
        if payout.text("status") != "pending" {
            let message = format!("Payouts with the status {} cannot be canceled.", payout.text("status"));
            return Err(Error::invalid(message).code("payouts_not_allowed"));
        }
        let transaction = ledger::post(
            cx,
            &Movement {
                kind: "payout_cancel",
                category: "payout_reversal",
                amount: payout.number("amount"),
                fee: 0,
                currency: payout.text("currency"),
                source: &self.id,
                description: Some("STRIPE PAYOUT CANCEL"),
            },
        );
        let change = cx.alter(Kind::Payout, &self.id, |payout| {
            payout.set("status", "canceled");
            payout.set("failure_balance_transaction", transaction);
        });
        cx.emit_change("payout.canceled", &change);
        Answer::doc(cx, &change.after)
    }
}

list! {
    /// Payouts, newest first.
    ListPayouts = "list_payouts", Kind::Payout, { status: String, destination: String, arrival_date: serde_json::Value },
    |wanted, payout| {
        let span = crate::params::Span::of(wanted.arrival_date.as_ref(), "arrival_date").unwrap_or_default();
        crate::lists::fits(payout, "status", wanted.status.as_deref())
            && crate::lists::fits(payout, "destination", wanted.destination.as_deref())
            && span.holds(payout.number("arrival_date"))
    }
}
