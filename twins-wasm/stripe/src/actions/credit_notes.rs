//! Credit notes: an invoice that was final becomes smaller.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::refunds;
use crate::Stripe;
use crate::answer::Answer;
use crate::billing::balance::{self, Entry};
use crate::billing::{collecting, invoices, timeline};
use crate::desk::{self, Desk};
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::objects;
use crate::params::{self, Text};

/// Credits an amount or lines of an invoice. Of an open invoice less is due; what was paid is refunded, credited to the
/// customer's balance or given back elsewhere.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    #[serde(default)]
    invoice: Text,
    amount: Option<i64>,
    credit_amount: Option<i64>,
    effective_at: Option<i64>,
    email_type: Option<String>,
    lines: Option<Vec<Line>>,
    #[serde(default)]
    memo: Text,
    metadata: Option<Value>,
    out_of_band_amount: Option<i64>,
    reason: Option<Reason>,
    refund_amount: Option<i64>,
    refunds: Option<Value>,
    shipping_cost: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: Option<String>,
    amount: Option<i64>,
    description: Option<String>,
    invoice_line_item: Option<String>,
    quantity: Option<i64>,
    unit_amount: Option<i64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reason {
    Duplicate,
    Fraudulent,
    OrderChange,
    ProductUnsatisfactory,
}

impl Reason {
    const fn name(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Fraudulent => "fraudulent",
            Self::OrderChange => "order_change",
            Self::ProductUnsatisfactory => "product_unsatisfactory",
        }
    }
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_credit_note";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        if self.refunds.is_some() || self.shipping_cost.is_some() {
            return Err(Error::unmodelled("credit notes over earlier refunds and shipping"));
        }
        let _told = &self.email_type;
        let invoice = params::required(&self.invoice, "invoice")?.to_owned();
        let invoice = cx.refer(Kind::Invoice, &invoice, "invoice")?;
        let paid = match invoice.text("status") {
            "paid" => true,
            "open" | "uncollectible" => false,
            status => {
                let message =
                    format!("You can only create a credit note for an open or paid invoice. This invoice is {status}.");
                return Err(Error::invalid(message).param("invoice"));
            }
        };
        timeline::enter_of(cx, invoice.text("customer"));
        let id = cx.fresh(Kind::CreditNote.facts().prefix);
        let (amount, lines) = self.amounts(cx, &invoice)?;
        let credited =
            invoice.number("pre_payment_credit_notes_amount") + invoice.number("post_payment_credit_notes_amount");
        let left = invoice.number("total") - credited;
        if amount < 1 {
            return Err(Error::at_least(1, "amount"));
        }
        if amount > left || (!paid && amount > invoice.number("amount_remaining")) {
            let message = "The sum of credit amount, refund amount and out of band amount must not exceed what can still be credited.";
            return Err(Error::invalid(message).param("amount"));
        }
        let now = cx.seconds();
        let mut note = objects::blank(Kind::CreditNote, &id, now);
        for name in ["amount", "subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"] {
            note.set(name, amount);
        }
        note.set("currency", invoice.text("currency"));
        note.set("customer", invoice.get("customer").clone());
        note.set("effective_at", self.effective_at.unwrap_or(now));
        note.set("invoice", invoice.id());
        note.set(
            "lines",
            json!({
                "object": "list", "data": lines, "has_more": false, "url": format!("/v1/credit_notes/{id}/lines"),
            }),
        );
        note.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        note.set("reason", self.reason.map(Reason::name));
        self.memo.apply(&mut note, "memo");
        let count =
            cx.each(Kind::CreditNote).iter().filter(|row| row.object.text("invoice") == invoice.id()).count() + 1;
        note.set("number", format!("{}-CN-{count:02}", invoice.text("number")));
        note.set("pdf", format!("https://pay.stripe.com/credit_notes/{}/{id}/pdf?s=ap", cx.account()));
        cx.add(Kind::CreditNote, note, Map::new());
        if paid {
            self.give_back(cx, &invoice, &id, amount)?;
        } else {
            owe_less(cx, &invoice, &id, amount);
        }
        let note = cx.get(Kind::CreditNote, &id)?;
        cx.emit("credit_note.created", &note);
        Answer::doc(cx, &note)
    }
}

impl Create {
    /// How much is credited, and the lines that say so.
    fn amounts(&self, cx: &Cx<'_, Stripe>, invoice: &Doc) -> Result<(i64, Vec<Value>), Error> {
        let line = |amount: i64, description: Value, of: Option<&str>, quantity: i64, unit: i64| {
            let mut line = json!({
                "id": cx.fresh("cnli"), "object": "credit_note_line_item", "amount": amount, "description": description,
                "discount_amount": 0, "discount_amounts": [], "livemode": false, "metadata": {}, "pretax_credit_amounts": [],
                "quantity": quantity, "tax_rates": [], "taxes": [],
                "type": if of.is_some() { "invoice_line_item" } else { "custom_line_item" },
                "unit_amount": unit, "unit_amount_decimal": unit.to_string(),
            });
            if let Some(of) = of {
                line["invoice_line_item"] = of.into();
            }
            line
        };
        match (&self.lines, self.amount) {
            (Some(_), Some(_)) => {
                let message = "You may only specify one of these parameters: amount, lines.";
                Err(Error::invalid(message).param("lines"))
            }
            (Some(given), None) => {
                let known = invoice.at("/lines/data").as_array().cloned().unwrap_or_default();
                let mut out = Vec::new();
                let mut sum = 0;
                for (at, one) in given.iter().enumerate() {
                    let place = |name: &str| format!("lines[{at}][{name}]");
                    let of = match (one.kind.as_deref(), &one.invoice_line_item) {
                        (Some("custom_line_item"), _) => None,
                        (_, Some(id)) => {
                            let found = known.iter().find(|line| line["id"] == id.as_str()).cloned();
                            let missing = || {
                                Error::invalid(format!("No such invoice line item: '{id}'"))
                                    .code("resource_missing")
                                    .param(place("invoice_line_item"))
                            };
                            Some(found.ok_or_else(missing)?)
                        }
                        _ => return Err(Error::required(&place("invoice_line_item"))),
                    };
                    let quantity = one.quantity.unwrap_or(1);
                    let amount = match (one.amount, one.unit_amount, &of) {
                        (Some(amount), ..) => amount,
                        (None, Some(unit), _) => unit * quantity,
                        (None, None, Some(of)) => {
                            let whole = of["quantity"].as_i64().unwrap_or(1).max(1);
                            let amount = of["amount"].as_i64().unwrap_or_default();
                            one.quantity.map_or(amount, |some| crate::billing::amounts::share(amount, some, whole))
                        }
                        (None, None, None) => return Err(Error::required(&place("unit_amount"))),
                    };
                    let said = of.as_ref().map_or(Value::Null, |of| of["description"].clone());
                    let description = one.description.clone().map_or(said, Value::from);
                    let id = of.as_ref().and_then(|of| of["id"].as_str());
                    out.push(line(amount, description, id, quantity, amount / quantity.max(1)));
                    sum += amount;
                }
                Ok((sum, out))
            }
            (None, Some(amount)) => Ok((amount, vec![line(amount, "Credit".into(), None, 1, amount)])),
            (None, None) => {
                let parts = [self.credit_amount, self.refund_amount, self.out_of_band_amount];
                if parts.iter().all(Option::is_none) {
                    return Err(Error::required("amount"));
                }
                let amount = parts.into_iter().flatten().sum();
                Ok((amount, vec![line(amount, "Credit".into(), None, 1, amount)]))
            }
        }
    }

    /// Credits an invoice that was paid.
    fn give_back(&self, cx: &mut Cx<'_, Stripe>, invoice: &Doc, id: &str, amount: i64) -> Result<(), Error> {
        let (refund, out) = (self.refund_amount.unwrap_or_default(), self.out_of_band_amount.unwrap_or_default());
        let credit = self.credit_amount.unwrap_or(amount - refund - out);
        if refund + out + credit != amount || credit < 0 {
            let message = "The sum of credit_amount, refund_amount and out_of_band_amount must equal the amount of the credit note.";
            return Err(Error::invalid(message).param("amount"));
        }
        let mut refunded = Vec::new();
        if refund > 0 {
            let intent = collecting::intent(cx, invoice.id()).filter(|intent| intent.text("status") == "succeeded");
            let intent =
                intent.ok_or_else(|| Error::invalid("There is no payment to refund.").param("refund_amount"))?;
            let create: refunds::Create =
                params::nested(&json!({ "payment_intent": intent.id(), "amount": refund }), "refund_amount")?;
            desk::within(cx, create)?;
            let newest = cx.each(Kind::Refund).first().map(|row| row.object.id().to_owned());
            refunded.push(json!({ "amount_refunded": refund, "refund": newest, "type": "refund" }));
        }
        let transaction = if credit > 0 {
            let entry = Entry {
                kind: "credit_note",
                amount: -credit,
                currency: invoice.text("currency"),
                invoice: Some(invoice.id()),
                credit_note: Some(id),
                description: None,
            };
            balance::post(cx, invoice.text("customer"), &entry).get("id").clone()
        } else {
            Value::Null
        };
        cx.alter(Kind::CreditNote, id, |note| {
            note.set("customer_balance_transaction", transaction);
            note.set("out_of_band_amount", Some(out).filter(|out| *out > 0));
            note.set("post_payment_amount", amount);
            note.set("refunds", refunded);
            note.set("type", "post_payment");
        });
        let change = cx.alter(Kind::Invoice, invoice.id(), |invoice| {
            invoice
                .set("post_payment_credit_notes_amount", invoice.number("post_payment_credit_notes_amount") + amount);
        });
        cx.emit_change("invoice.updated", &change);
        Ok(())
    }
}

/// Makes less due of an invoice that is open; nothing due is paid.
fn owe_less(cx: &mut Cx<'_, Stripe>, invoice: &Doc, id: &str, amount: i64) {
    cx.alter(Kind::CreditNote, id, |note| note.set("pre_payment_amount", amount));
    let change = cx.alter(Kind::Invoice, invoice.id(), |invoice| {
        invoice.set("pre_payment_credit_notes_amount", invoice.number("pre_payment_credit_notes_amount") + amount);
        invoice.set("amount_due", invoice.number("amount_due") - amount);
        invoice.set("amount_remaining", invoice.number("amount_remaining") - amount);
    });
    cx.emit_change("invoice.updated", &change);
    if change.after.number("amount_remaining") == 0 {
        collecting::close(cx, invoice.id(), "void_invoice");
        invoices::mark_paid(cx, invoice.id(), 0);
    } else if let Some(intent) = collecting::intent(cx, invoice.id()) {
        let due = change.after.number("amount_remaining");
        cx.alter(Kind::PaymentIntent, intent.id(), |intent| intent.set("amount", due));
    }
}

retrieve! {
    /// One credit note.
    Retrieve = "retrieve_credit_note", Kind::CreditNote
}

list! {
    /// Credit notes, newest first.
    List = "list_credit_notes", Kind::CreditNote, { customer: String, invoice: String },
    |wanted, note| {
        crate::lists::fits(note, "customer", wanted.customer.as_deref())
            && crate::lists::fits(note, "invoice", wanted.invoice.as_deref())
    }
}

/// Says something else about a credit note.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    #[serde(default)]
    memo: Text,
    metadata: Option<Value>,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_credit_note";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut note = cx.get(Kind::CreditNote, &self.id)?;
        self.memo.apply(&mut note, "memo");
        params::merge_metadata(note.object_mut("metadata"), self.metadata.as_ref())?;
        let change = cx.alter(Kind::CreditNote, &self.id, |stored| *stored = note);
        cx.emit_change("credit_note.updated", &change);
        Answer::doc(cx, &change.after)
    }
}

/// Takes back a credit note of an invoice that is still open.
#[derive(Debug, Deserialize)]
pub(crate) struct Void {
    id: String,
}

impl Action<Stripe> for Void {
    const NAME: &'static str = "void_credit_note";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let note = cx.get(Kind::CreditNote, &self.id)?;
        let invoice = cx.get(Kind::Invoice, note.text("invoice"))?;
        if note.text("status") != "issued" || note.text("type") != "pre_payment" || invoice.text("status") != "open" {
            let message = "You can only void a credit note that was issued for an invoice that is still open.";
            return Err(Error::invalid(message));
        }
        timeline::enter_of(cx, invoice.text("customer"));
        let (now, amount) = (cx.seconds(), note.number("amount"));
        let change = cx.alter(Kind::CreditNote, &self.id, |note| {
            note.set("status", "void");
            note.set("voided_at", now);
        });
        owe_less(cx, &invoice, &self.id, -amount);
        cx.alter(Kind::CreditNote, &self.id, |note| note.set("pre_payment_amount", amount));
        cx.emit("credit_note.voided", &change.after);
        Answer::stored(cx, Kind::CreditNote, &self.id)
    }
}
