//! Lines of invoices, and payments that belong to them.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::invoices::must_be;
use crate::Stripe;
use crate::answer::Answer;
use crate::billing::invoices;
use crate::desk::{self, Desk};
use crate::error::Error;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::params;

/// The lines of an invoice, a page at a time.
#[derive(Debug, Deserialize)]
pub(crate) struct Lines {
    id: String,
    limit: Option<i64>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

impl Action<Stripe> for Lines {
    const NAME: &'static str = "list_invoice_lines";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let invoice = cx.live(Kind::Invoice, &self.id)?;
        let all = invoice.at("/lines/data").as_array().cloned().unwrap_or_default();
        let url = format!("/v1/invoices/{}/lines", self.id);
        within(cx, all, &url, self.limit, self.starting_after.as_deref(), self.ending_before.as_deref())
    }
}

/// A page of a list that is part of an object, in its own order.
pub(crate) fn within(
    cx: &Cx<'_, Stripe>,
    all: Vec<Value>,
    url: &str,
    limit: Option<i64>,
    after: Option<&str>,
    before: Option<&str>,
) -> Result<Answer, Error> {
    let limit = crate::lists::limit(limit)?;
    let place = |id: &str, param: &str| {
        let at = all.iter().position(|one| one["id"] == id);
        at.ok_or_else(|| Error::invalid(format!("No such line item: '{id}'")).code("resource_missing").param(param))
    };
    let (from, to) = match (after, before) {
        (_, Some(before)) => {
            let end = place(before, "ending_before")?;
            (end.saturating_sub(limit), end)
        }
        (Some(after), None) => {
            let start = place(after, "starting_after")? + 1;
            (start, start + limit)
        }
        (None, None) => (0, limit),
    };
    let has_more = if before.is_some() { from > 0 } else { to < all.len() };
    let data: Vec<Value> = all.into_iter().skip(from).take(to - from).collect();
    Answer::of(cx, json!({ "object": "list", "data": data, "has_more": has_more, "url": url }))
}

/// Adds lines to a draft, each as an invoice item of its own.
#[derive(Debug, Deserialize)]
pub(crate) struct AddLines {
    id: String,
    lines: Vec<Map<String, Value>>,
    invoice_metadata: Option<Value>,
}

impl Action<Stripe> for AddLines {
    const NAME: &'static str = "add_invoice_lines";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let invoice = cx.live(Kind::Invoice, &self.id)?;
        must_be(&invoice, &["draft"], "add lines to")?;
        let mut metadata = Map::new();
        if let Value::Object(known) = invoice.get("metadata") {
            metadata.clone_from(known);
        }
        params::merge_metadata(&mut metadata, self.invoice_metadata.as_ref())?;
        cx.alter(Kind::Invoice, &self.id, |invoice| invoice.set("metadata", metadata));
        for (at, mut line) in self.lines.into_iter().enumerate() {
            let place = format!("lines[{at}]");
            if let Some(item) = line.get("invoice_item").and_then(Value::as_str) {
                let item = cx.refer(Kind::InvoiceItem, item, &format!("{place}[invoice_item]"))?;
                cx.alter(Kind::InvoiceItem, item.id(), |item| item.set("invoice", self.id.as_str()));
                invoices::rebuild(cx, &self.id);
                continue;
            }
            line.insert("invoice".to_owned(), self.id.as_str().into());
            if line.contains_key("amount") {
                line.entry("currency").or_insert_with(|| invoice.get("currency").clone());
            }
            let item: super::invoice_items::Create = params::nested(&Value::Object(line), &place)?;
            desk::within(cx, item)?;
        }
        Answer::stored(cx, Kind::Invoice, &self.id)
    }
}

retrieve! {
    /// One payment of an invoice.
    RetrievePayment = "retrieve_invoice_payment", Kind::InvoicePayment
}

list! {
    /// Payments of invoices, newest first.
    ListPayments = "list_invoice_payments", Kind::InvoicePayment,
    { invoice: String, payment: serde_json::Value, status: String },
    |wanted, payment| {
        let intent = wanted.payment.as_ref().and_then(|wanted| wanted.get("payment_intent")).and_then(serde_json::Value::as_str);
        crate::lists::fits(payment, "invoice", wanted.invoice.as_deref())
            && crate::lists::fits(payment, "status", wanted.status.as_deref())
            && intent.is_none_or(|intent| payment.at("/payment/payment_intent") == intent)
    }
}
