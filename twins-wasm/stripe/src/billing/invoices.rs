//! The life of an invoice: draft, open, and then paid, void or uncollectible.

use pome_twin_kit::Cx;
use serde_json::{Map, Value, json};

use super::balance::{self, Entry};
use super::{collecting, lines, subscriptions};
use crate::Stripe;
use crate::desk::{Change, Desk};
use crate::doc::Doc;
use crate::error::Error;
use crate::ids;
use crate::kind::Kind;
use crate::money;
use crate::objects;

/// A draft waits so long before it is finalized by itself.
pub(crate) const WAIT: i64 = 3600;

/// A draft for a customer with nothing on it. It is not stored.
pub(crate) fn draft(cx: &Cx<'_, Stripe>, customer: &Doc, currency: &str, reason: &str) -> Doc {
    let id = cx.fresh(Kind::Invoice.facts().prefix);
    let now = cx.seconds();
    let mut invoice = objects::blank(Kind::Invoice, &id, now);
    invoice.set("billing_reason", reason);
    invoice.set("currency", currency);
    invoice.set("customer", customer.id());
    for (own, theirs) in [
        ("customer_address", "address"),
        ("customer_email", "email"),
        ("customer_name", "name"),
        ("customer_phone", "phone"),
        ("customer_shipping", "shipping"),
        ("customer_tax_exempt", "tax_exempt"),
        ("test_clock", "test_clock"),
    ] {
        invoice.set(own, customer.get(theirs).clone());
    }
    invoice.set("footer", customer.at("/invoice_settings/footer").clone());
    invoice.set("custom_fields", customer.at("/invoice_settings/custom_fields").clone());
    invoice.set("period_end", now);
    invoice.set("period_start", now);
    invoice
}

/// Stores a draft with lines of its own, computes what it comes to and announces it.
pub(crate) fn store(cx: &mut Cx<'_, Stripe>, invoice: Doc, own: Vec<Doc>) -> Doc {
    let id = invoice.id().to_owned();
    let own: Vec<Value> = own.into_iter().map(|line| line.json()).collect();
    cx.add(Kind::Invoice, invoice, Map::from_iter([("lines".to_owned(), own.into())]));
    rebuild(cx, &id);
    let invoice = cx.find(Kind::Invoice, &id).map(|row| row.object.clone()).unwrap_or_default();
    cx.emit("invoice.created", &invoice);
    invoice
}

/// The pending items of a customer: those of a subscription and those of none.
pub(crate) fn pending(cx: &Cx<'_, Stripe>, customer: &str, subscription: Option<&str>, currency: &str) -> Vec<String> {
    let belongs = |item: &Doc| {
        let own = item.at("/parent/subscription_details/subscription").as_str();
        item.text("customer") == customer
            && item.get("invoice").is_null()
            && item.text("currency") == currency
            && own.is_none_or(|own| Some(own) == subscription)
    };
    let rows = cx.each(Kind::InvoiceItem).into_iter();
    rows.filter(|row| belongs(&row.object)).map(|row| row.object.id().to_owned()).collect()
}

/// Puts pending items on a draft that is to be stored under this id.
pub(crate) fn pull(cx: &mut Cx<'_, Stripe>, invoice: &str, items: &[String]) {
    for item in items {
        cx.alter(Kind::InvoiceItem, item, |item| item.set("invoice", invoice));
        cx.hide(Kind::InvoiceItem, item, "pulled", true.into());
    }
}

/// Computes the lines and sums of a draft again.
pub(crate) fn rebuild(cx: &mut Cx<'_, Stripe>, id: &str) -> Change {
    let Some(row) = cx.find(Kind::Invoice, id) else {
        return Change { before: Doc::default(), after: Doc::default() };
    };
    let mut invoice = row.object.clone();
    let own = row.hidden.get("lines").and_then(Value::as_array).cloned().unwrap_or_default();
    // Pending items come first and newest first, then what is subscribed, then what was added later, oldest first.
    let mut items: Vec<Doc> = cx.each(Kind::InvoiceItem).into_iter().map(|row| row.object.clone()).collect();
    items.retain(|item| item.text("invoice") == id);
    let (mut first, mut last): (Vec<Doc>, Vec<Doc>) =
        items.into_iter().partition(|item| cx.hidden(Kind::InvoiceItem, item.id(), "pulled") == true);
    last.reverse();
    let mut all = Vec::new();
    for item in first.drain(..) {
        all.push(lines::of_item(cx, &item));
    }
    all.extend(own.into_iter().map(Doc::new));
    for item in last {
        all.push(lines::of_item(cx, &item));
    }
    for line in &all {
        if let Some(item) = line.at("/parent/invoice_item_details/invoice_item").as_str() {
            cx.hide(Kind::InvoiceItem, item, "line", line.get("id").clone());
        }
    }
    lines::total(cx, &mut invoice, all);
    for line in invoice.at("/lines/data").as_array().cloned().unwrap_or_default() {
        let off: i64 =
            line["discount_amounts"].as_array().into_iter().flatten().filter_map(|off| off["amount"].as_i64()).sum();
        if let Some(item) = line.pointer("/parent/invoice_item_details/invoice_item").and_then(Value::as_str) {
            let net = line["amount"].as_i64().unwrap_or_default() - off;
            cx.alter(Kind::InvoiceItem, item, |item| item.set("net_amount", net));
        }
    }
    owe(cx, &mut invoice);
    cx.alter(Kind::Invoice, id, |stored| *stored = invoice)
}

/// What is due of a draft after what the customer's balance does.
fn owe(cx: &Cx<'_, Stripe>, invoice: &mut Doc) {
    let balance = cx.find(Kind::Customer, invoice.text("customer")).map_or(0, |row| row.object.number("balance"));
    let total = invoice.number("total");
    let due = if total < 0 { 0 } else { (total + balance).max(0) };
    invoice.set("starting_balance", balance);
    invoice.set("amount_due", due);
    invoice.set("amount_remaining", due);
}

/// `ABCD1234-0001`, counted for each customer.
fn number(cx: &mut Cx<'_, Stripe>, customer: &str) -> String {
    if cx.find(Kind::Customer, customer).is_some_and(|row| row.object.get("invoice_prefix").is_null()) {
        let prefix = ids::suffix(8, || cx.random()).to_uppercase();
        cx.alter(Kind::Customer, customer, |customer| customer.set("invoice_prefix", prefix));
    }
    let change = cx.alter(Kind::Customer, customer, |customer| {
        customer.set("next_invoice_sequence", customer.number("next_invoice_sequence").max(1) + 1);
    });
    let (before, prefix) = (change.before.number("next_invoice_sequence").max(1), change.after.text("invoice_prefix"));
    format!("{prefix}-{before:04}")
}

/// Makes a draft final: it gets its number, what is due is fixed, and there is something to pay it with.
pub(crate) fn finalize(cx: &mut Cx<'_, Stripe>, id: &str) -> Result<Doc, Error> {
    rebuild(cx, id);
    let invoice = cx.get(Kind::Invoice, id)?;
    if invoice.text("status") != "draft" {
        let message = "This invoice is already finalized, you can't re-finalize a non-draft invoice.";
        return Err(Error::invalid(message).code("invoice_not_editable"));
    }
    if invoice.at("/lines/data").as_array().is_none_or(Vec::is_empty) {
        return Err(Error::invalid("Nothing to invoice for customer").code("invoice_no_customer_line_items"));
    }
    let now = cx.seconds();
    let (customer, currency) = (invoice.text("customer").to_owned(), invoice.text("currency").to_owned());
    let number = match invoice.reference("number") {
        Some(own) => own.to_owned(),
        None => number(cx, &customer),
    };
    let (total, starting) = (invoice.number("total"), invoice.number("starting_balance"));
    let mut due = invoice.number("amount_due");
    let mut ending = match total {
        ..0 => starting + total,
        _ if starting < 0 => (starting + total).min(0),
        _ => 0,
    };
    if (1..100_000).contains(&due) && money::check(due, &currency).is_err() {
        // Too little to be charged: it is owed with the next invoice.
        ending += due;
        due = 0;
    }
    if ending != starting {
        let entry = Entry {
            kind: if total >= 0 && starting != 0 { "applied_to_invoice" } else { "invoice_too_small" },
            amount: ending - starting,
            currency: &currency,
            invoice: Some(id),
            credit_note: None,
            description: None,
        };
        balance::post(cx, &customer, &entry);
    }
    let account = cx.account();
    let secret = ids::suffix(24, || cx.random());
    let change = cx.alter(Kind::Invoice, id, |invoice| {
        invoice.set("status", "open");
        invoice.set("number", number);
        invoice.set("amount_due", due);
        invoice.set("amount_remaining", due);
        invoice.set("ending_balance", ending);
        invoice.set("automatically_finalizes_at", Value::Null);
        if invoice.get("effective_at").is_null() {
            invoice.set("effective_at", now);
        }
        let page = format!("https://invoice.stripe.com/i/{account}/test_{secret}?s=ap");
        invoice.set("invoice_pdf", format!("https://pay.stripe.com/invoice/{account}/test_{secret}/pdf?s=ap"));
        invoice.set("hosted_invoice_url", page);
        invoice.object_mut("status_transitions").insert("finalized_at".to_owned(), now.into());
    });
    if due > 0 {
        collecting::open(cx, &change.after);
    }
    cx.emit("invoice.finalized", &change.after);
    if due == 0 {
        mark_paid(cx, id, 0);
    }
    cx.get(Kind::Invoice, id)
}

/// Notes that an invoice is paid; `amount` is what was paid now.
pub(crate) fn mark_paid(cx: &mut Cx<'_, Stripe>, id: &str, amount: i64) {
    let now = cx.seconds();
    let change = cx.alter(Kind::Invoice, id, |invoice| {
        invoice.set("status", "paid");
        invoice.set("amount_paid", invoice.number("amount_paid") + amount);
        invoice.set("amount_remaining", 0);
        invoice.set("attempted", true);
        if amount > 0 {
            invoice.set("attempt_count", invoice.number("attempt_count") + 1);
        }
        invoice.set("auto_advance", false);
        invoice.set("next_payment_attempt", Value::Null);
        invoice.object_mut("status_transitions").insert("paid_at".to_owned(), now.into());
    });
    cx.emit_change("invoice.updated", &change);
    cx.emit("invoice.paid", &change.after);
    cx.emit("invoice.payment_succeeded", &change.after);
    subscriptions::invoice_paid(cx, &change.after);
}

/// The subscription that an invoice is about.
pub(crate) fn subscription(invoice: &Doc) -> Option<&str> {
    invoice.at("/parent/subscription_details/subscription").as_str()
}

/// The `parent` of an invoice about a subscription.
pub(crate) fn parent(subscription: &Doc) -> Value {
    json!({
        "quote_details": null,
        "subscription_details": { "metadata": subscription.get("metadata"), "subscription": subscription.id() },
        "type": "subscription_details",
    })
}

/// Takes an open invoice back as if it had never been.
pub(crate) fn void(cx: &mut Cx<'_, Stripe>, id: &str) {
    let now = cx.seconds();
    collecting::close(cx, id, "void_invoice");
    let change = cx.alter(Kind::Invoice, id, |invoice| {
        invoice.set("status", "void");
        invoice.set("auto_advance", false);
        invoice.set("next_payment_attempt", Value::Null);
        invoice.object_mut("status_transitions").insert("voided_at".to_owned(), now.into());
    });
    let invoice = change.after;
    let used = invoice.number("starting_balance") - invoice.number("ending_balance");
    if used != 0 {
        let entry = Entry {
            kind: "unapplied_from_invoice",
            amount: used,
            currency: invoice.text("currency"),
            invoice: Some(id),
            credit_note: None,
            description: None,
        };
        balance::post(cx, invoice.text("customer"), &entry);
    }
    cx.emit("invoice.voided", &invoice);
    subscriptions::invoice_given_up(cx, &invoice);
}

/// Writes an open invoice off.
pub(crate) fn mark_uncollectible(cx: &mut Cx<'_, Stripe>, id: &str) {
    let now = cx.seconds();
    let change = cx.alter(Kind::Invoice, id, |invoice| {
        invoice.set("status", "uncollectible");
        invoice.set("auto_advance", false);
        invoice.set("next_payment_attempt", Value::Null);
        invoice.object_mut("status_transitions").insert("marked_uncollectible_at".to_owned(), now.into());
    });
    cx.emit("invoice.marked_uncollectible", &change.after);
    subscriptions::invoice_given_up(cx, &change.after);
}
