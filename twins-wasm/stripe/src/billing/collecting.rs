//! Taking the money for an invoice: a payment intent that belongs to it, confirmed with the customer's usual payment method.

use pome_twin_kit::Cx;
use serde_json::{Map, Value, json};

use super::{invoices, subscriptions, timeline};
use crate::Stripe;
use crate::actions::confirming::{self, Confirmation, Paid};
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::ids;
use crate::kind::Kind;
use crate::objects;

/// What came of an attempt to collect.
#[derive(Debug)]
pub(crate) enum Outcome {
    Paid,
    /// The bank wants to hear from the customer.
    Asks,
    Declined(Error),
}

/// Prepares the payment of an invoice that has just become final.
pub(crate) fn open(cx: &mut Cx<'_, Stripe>, invoice: &Doc) {
    let now = cx.seconds();
    let id = cx.fresh(Kind::PaymentIntent.facts().prefix);
    let mut intent = objects::blank(Kind::PaymentIntent, &id, now);
    let due = invoice.number("amount_due");
    intent.set("amount", due);
    intent.set("currency", invoice.text("currency"));
    intent.set("client_secret", format!("{id}_secret_{}", ids::suffix(24, || cx.random())));
    intent.set("customer", invoice.get("customer").clone());
    intent.set(
        "description",
        match invoice.text("billing_reason") {
            "subscription_create" => "Subscription creation",
            "subscription_update" | "subscription_cycle" => "Subscription update",
            _ => "Payment for Invoice",
        },
    );
    intent.set(
        "payment_method_options",
        json!({ "card": {
            "installments": null, "mandate_options": null, "network": null, "request_three_d_secure": "automatic",
        } }),
    );
    if invoices::subscription(invoice).is_some() {
        intent.set("setup_future_usage", "off_session");
    }
    let hidden = Map::from_iter([("invoice".to_owned(), invoice.id().into())]);
    cx.add(Kind::PaymentIntent, intent.clone(), hidden);
    cx.emit("payment_intent.created", &intent);
    let payment_id = cx.fresh(Kind::InvoicePayment.facts().prefix);
    let mut payment = objects::blank(Kind::InvoicePayment, &payment_id, now);
    payment.set("amount_requested", due);
    payment.set("currency", invoice.text("currency"));
    payment.set("invoice", invoice.id());
    payment.set("payment", json!({ "payment_intent": id, "type": "payment_intent" }));
    cx.add(Kind::InvoicePayment, payment, Map::new());
    cx.hide(Kind::Invoice, invoice.id(), "intent", id.into());
    cx.hide(Kind::Invoice, invoice.id(), "payment", payment_id.into());
}

/// The payment intent of an invoice.
pub(crate) fn intent(cx: &Cx<'_, Stripe>, invoice: &str) -> Option<Doc> {
    let id = cx.hidden(Kind::Invoice, invoice, "intent");
    cx.find(Kind::PaymentIntent, id.as_str()?).map(|row| row.object.clone())
}

/// Gives the payment intent of an invoice up.
pub(crate) fn close(cx: &mut Cx<'_, Stripe>, invoice: &str, reason: &str) {
    let now = cx.seconds();
    if let Some(intent) = intent(cx, invoice)
        && !matches!(intent.text("status"), "succeeded" | "canceled")
    {
        let change = cx.alter(Kind::PaymentIntent, intent.id(), |intent| {
            intent.set("status", "canceled");
            intent.set("canceled_at", now);
            intent.set("cancellation_reason", reason);
            intent.set("next_action", Value::Null);
        });
        cx.emit("payment_intent.canceled", &change.after);
    }
    if let Some(payment) = cx.hidden(Kind::Invoice, invoice, "payment").as_str() {
        cx.alter(Kind::InvoicePayment, payment, |payment| {
            payment.set("status", "canceled");
            payment.object_mut("status_transitions").insert("canceled_at".to_owned(), now.into());
        });
    }
}

/// The payment method that an invoice is paid with: its own, its subscription's or the customer's.
pub(crate) fn method(cx: &Cx<'_, Stripe>, invoice: &Doc) -> Option<String> {
    let subscription = invoices::subscription(invoice).and_then(|id| cx.find(Kind::Subscription, id));
    let subscription = subscription.map(|row| &row.object);
    let customer = cx.find(Kind::Customer, invoice.text("customer")).map(|row| &row.object);
    let of = |doc: Option<&Doc>, name: &str| doc.and_then(|doc| doc.reference(name)).map(str::to_owned);
    of(Some(invoice), "default_payment_method")
        .or_else(|| of(Some(invoice), "default_source"))
        .or_else(|| of(subscription, "default_payment_method"))
        .or_else(|| of(subscription, "default_source"))
        .or_else(|| {
            let usual = customer.and_then(|customer| customer.at("/invoice_settings/default_payment_method").as_str());
            usual.map(str::to_owned)
        })
        .or_else(|| of(customer, "default_source"))
}

/// Tries to collect an open invoice.
pub(crate) fn pay(cx: &mut Cx<'_, Stripe>, id: &str, method: &str, off_session: bool) -> Result<Outcome, Error> {
    if intent(cx, id).is_none() {
        // An invoice of a seed has no payment yet.
        let invoice = cx.get(Kind::Invoice, id)?;
        open(cx, &invoice);
    }
    let Some(intent) = intent(cx, id) else {
        return Err(Error::invalid("This invoice has no payment to be collected."));
    };
    let intent = intent.id().to_owned();
    cx.alter(Kind::PaymentIntent, &intent, |intent| {
        intent.set("payment_method", method);
        if intent.text("status") == "requires_payment_method" {
            intent.set("status", "requires_confirmation");
        }
    });
    let how = Confirmation { off_session, ..Confirmation::default() };
    let paid = confirming::confirm(cx, &intent, &how)?;
    let after = cx.get(Kind::PaymentIntent, &intent)?;
    cx.hide(Kind::Invoice, id, "noted", after.get("latest_charge").clone());
    match paid {
        Paid::Declined(error) => {
            failed(cx, id);
            Ok(Outcome::Declined(error))
        }
        Paid::Yes if after.text("status") == "succeeded" => {
            succeeded(cx, id, &after);
            Ok(Outcome::Paid)
        }
        Paid::Yes => {
            let change = cx.alter(Kind::Invoice, id, |invoice| {
                invoice.set("attempted", true);
                invoice.set("attempt_count", invoice.number("attempt_count") + 1);
            });
            cx.emit("invoice.payment_action_required", &change.after);
            cx.emit("invoice.payment_failed", &change.after);
            subscriptions::invoice_failed(cx, &change.after);
            Ok(Outcome::Asks)
        }
    }
}

fn succeeded(cx: &mut Cx<'_, Stripe>, id: &str, intent: &Doc) {
    let now = cx.seconds();
    let amount = intent.number("amount_received");
    if let Some(payment) = cx.hidden(Kind::Invoice, id, "payment").as_str() {
        let change = cx.alter(Kind::InvoicePayment, payment, |payment| {
            payment.set("amount_paid", amount);
            payment.set("status", "paid");
            payment.object_mut("status_transitions").insert("paid_at".to_owned(), now.into());
        });
        cx.emit("invoice_payment.paid", &change.after);
    }
    remember_method(cx, id, intent);
    invoices::mark_paid(cx, id, amount);
}

/// Makes the payment method of the first payment that of the subscription, where that was asked for.
fn remember_method(cx: &mut Cx<'_, Stripe>, id: &str, intent: &Doc) {
    let invoice = cx.find(Kind::Invoice, id).map(|row| row.object.clone()).unwrap_or_default();
    let Some(subscription) = invoices::subscription(&invoice).and_then(|id| cx.find(Kind::Subscription, id)) else {
        return;
    };
    let subscription = subscription.object.clone();
    if subscription.at("/payment_settings/save_default_payment_method") == "on_subscription" {
        let method = intent.get("payment_method").clone();
        cx.alter(Kind::Subscription, subscription.id(), |subscription| {
            subscription.set("default_payment_method", method);
        });
    }
}

/// Notes an attempt that was declined, and when the next one is.
pub(crate) fn failed(cx: &mut Cx<'_, Stripe>, id: &str) {
    let now = cx.seconds();
    let change = cx.alter(Kind::Invoice, id, |invoice| {
        let count = invoice.number("attempt_count") + 1;
        invoice.set("attempted", true);
        invoice.set("attempt_count", count);
        let again = subscriptions::retry(count).filter(|_| {
            invoice.flag("auto_advance") && !matches!(invoice.text("billing_reason"), "subscription_create" | "manual")
        });
        invoice.set("next_payment_attempt", again.map(|wait| now + wait));
    });
    cx.emit_change("invoice.updated", &change);
    cx.emit("invoice.payment_failed", &change.after);
    subscriptions::invoice_failed(cx, &change.after);
}

/// Looks at the payment intents that the call changed: invoices follow those that belong to them.
pub(crate) fn follow(cx: &mut Cx<'_, Stripe>) {
    let changed = |row: &crate::state::Row| row.hidden.contains_key("invoice");
    let ids: Vec<String> = cx
        .state
        .objects
        .pending()
        .filter(|((kind, _), _, new)| *kind == Kind::PaymentIntent && new.is_some_and(changed))
        .map(|((_, id), ..)| id.clone())
        .collect();
    for id in ids {
        let Some(intent) = cx.find(Kind::PaymentIntent, &id).map(|row| row.object.clone()) else { continue };
        let Some(invoice) = cx.hidden(Kind::PaymentIntent, &id, "invoice").as_str().map(str::to_owned) else {
            continue;
        };
        let open = cx
            .find(Kind::Invoice, &invoice)
            .is_some_and(|row| matches!(row.object.text("status"), "open" | "uncollectible"));
        let charge = intent.get("latest_charge").clone();
        let new = cx.hidden(Kind::Invoice, &invoice, "noted") != charge;
        if !open || !new {
            continue;
        }
        cx.hide(Kind::Invoice, &invoice, "noted", charge);
        timeline::enter_of(cx, intent.text("customer"));
        match intent.text("status") {
            "succeeded" => succeeded(cx, &invoice, &intent),
            "requires_payment_method" if !intent.get("last_payment_error").is_null() => failed(cx, &invoice),
            _ => {}
        }
    }
}
