//! The life of a subscription: its items, its periods, what every period costs and what becomes of it when that is not paid.

use pome_twin_kit::Cx;
use serde_json::{Map, Value, json};

use super::calendar::{self, Length};
use super::collecting::{self, Outcome};
use super::lines::Line;
use super::{amounts, discounts, invoices, prices};
use crate::Stripe;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::money;
use crate::objects;

const DAY: i64 = 86_400;
/// The first invoice can be paid so long; then the subscription is given up.
pub(crate) const PATIENCE: i64 = 23 * 3600;

/// What happens when the first payment does not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub(crate) enum Behavior {
    /// It waits for a payment that succeeds.
    #[serde(rename = "allow_incomplete")]
    Allow,
    /// Nothing is tried; somebody pays the invoice.
    #[serde(rename = "default_incomplete")]
    Wait,
    #[serde(rename = "error_if_incomplete")]
    Refuse,
    #[serde(rename = "pending_if_incomplete")]
    Postpone,
}

/// How long after which attempt the next one is made: three more attempts after 3, 5 and 7 days.
pub(crate) const fn retry(attempts: i64) -> Option<i64> {
    match attempts {
        1 => Some(3 * DAY),
        2 => Some(5 * DAY),
        3 => Some(7 * DAY),
        _ => None,
    }
}

/// What is subscribed to.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) price: Doc,
    pub(crate) quantity: i64,
    pub(crate) metadata: Value,
    pub(crate) discounts: Vec<String>,
    pub(crate) tax_rates: Value,
}

/// The items of a subscription, oldest first.
pub(crate) fn items(cx: &Cx<'_, Stripe>, subscription: &str) -> Vec<Doc> {
    let rows = cx.each(Kind::SubscriptionItem).into_iter();
    let mut items: Vec<(i64, u64, Doc)> = rows
        .filter(|row| row.object.text("subscription") == subscription)
        .map(|row| (row.created, row.seq, row.object.clone()))
        .collect();
    items.sort_by_key(|(created, seq, _)| (*created, *seq));
    items.into_iter().map(|(.., item)| item).collect()
}

/// Writes the items into the subscription as it shows them.
pub(crate) fn sync(cx: &mut Cx<'_, Stripe>, subscription: &str) {
    let data: Vec<Value> = items(cx, subscription).into_iter().map(|item| item.json()).collect();
    let url = format!("/v1/subscription_items?subscription={subscription}");
    cx.alter(Kind::Subscription, subscription, |subscription| {
        let count = data.len();
        subscription.set(
            "items",
            json!({ "object": "list", "data": data, "has_more": false, "total_count": count, "url": url }),
        );
    });
}

/// The older form of a recurring price.
pub(crate) fn plan(price: &Doc) -> Value {
    let recurring = price.get("recurring");
    let get = |name: &str| recurring.get(name).cloned().unwrap_or_default();
    json!({
        "id": price.id(), "object": "plan", "active": price.get("active"), "amount": price.get("unit_amount"),
        "amount_decimal": price.get("unit_amount_decimal"), "billing_scheme": price.get("billing_scheme"),
        "created": price.get("created"), "currency": price.get("currency"), "interval": get("interval"),
        "interval_count": get("interval_count"), "livemode": false, "metadata": price.get("metadata"),
        "meter": get("meter"), "nickname": price.get("nickname"), "product": price.get("product"),
        "tiers_mode": price.get("tiers_mode"), "transform_usage": price.get("transform_quantity"),
        "trial_period_days": null, "usage_type": get("usage_type"),
    })
}

/// Adds an item with the period of its subscription.
pub(crate) fn add_item(cx: &mut Cx<'_, Stripe>, subscription: &str, wanted: Wanted, period: (i64, i64)) -> String {
    let id = cx.fresh(Kind::SubscriptionItem.facts().prefix);
    let mut item = objects::blank(Kind::SubscriptionItem, &id, cx.seconds());
    item.set("current_period_start", period.0);
    item.set("current_period_end", period.1);
    item.set("discounts", wanted.discounts);
    item.set("metadata", wanted.metadata);
    item.set("plan", plan(&wanted.price));
    if metered(&wanted.price) {
        item.remove("quantity");
    } else {
        item.set("quantity", wanted.quantity);
    }
    item.set("price", wanted.price.json());
    item.set("subscription", subscription);
    item.set("tax_rates", wanted.tax_rates);
    cx.add(Kind::SubscriptionItem, item, Map::new());
    id
}

/// Whether usage decides what it costs, which meters would tell.
fn metered(price: &Doc) -> bool {
    price.at("/recurring/usage_type") == "metered"
}

/// The period that is running.
pub(crate) fn period(subscription: &Doc) -> (i64, i64) {
    let first = subscription.at("/items/data").get(0).cloned().unwrap_or_default();
    let get = |name: &str| first.get(name).and_then(Value::as_i64).unwrap_or_default();
    (get("current_period_start"), get("current_period_end"))
}

pub(crate) fn length(subscription: &Doc) -> Length {
    let first = subscription.at("/items/data").get(0).and_then(|item| item.get("price")).cloned();
    Length::of(&Doc::new(first.unwrap_or_default()))
}

/// Gives every item a new period.
pub(crate) fn enter_period(cx: &mut Cx<'_, Stripe>, subscription: &str, period: (i64, i64)) {
    for item in items(cx, subscription) {
        cx.alter(Kind::SubscriptionItem, item.id(), |item| {
            item.set("current_period_start", period.0);
            item.set("current_period_end", period.1);
        });
    }
    sync(cx, subscription);
}

/// `$10.00 / month`
fn rate(price: &Doc) -> String {
    let amount = money::shown(amounts::of_price(price, 1), price.text("currency"));
    let interval = price.at("/recurring/interval").as_str().unwrap_or("month").to_owned();
    match price.at("/recurring/interval_count").as_i64() {
        None | Some(1) => format!("{amount} / {interval}"),
        Some(count) => format!("{amount} / every {count} {interval}s"),
    }
}

/// What a period costs, a line for each item. `part` is how much of a whole period it is.
pub(crate) fn lines(
    cx: &Cx<'_, Stripe>,
    subscription: &Doc,
    period: (i64, i64),
    part: Option<(i64, i64)>,
    trial: bool,
) -> Vec<Doc> {
    let mut out = Vec::new();
    // As the vendor lists them: the newest item first.
    for item in items(cx, subscription.id()).into_iter().rev() {
        let price = Doc::new(item.get("price").clone());
        let name = prices::product_name(cx, &price);
        let quantity = if metered(&price) { 0 } else { item.number("quantity") };
        let whole = amounts::of_price(&price, quantity);
        let amount = match part {
            _ if trial => 0,
            Some((part, of)) => amounts::share(whole, part, of),
            None => whole,
        };
        let description = if trial {
            format!("Trial period for {name}")
        } else {
            format!("{quantity} × {name} (at {})", rate(&price))
        };
        let line = Line {
            amount,
            currency: subscription.text("currency").to_owned(),
            description: Some(description),
            quantity,
            period,
            parent: json!({
                "invoice_item_details": null,
                "subscription_item_details": {
                    "invoice_item": null, "proration": false, "proration_details": { "credited_items": null },
                    "subscription": subscription.id(), "subscription_item": item.id(),
                },
                "type": "subscription_item_details",
            }),
            discounts: discounts::running(cx, &discounts::ids(&item)),
            metadata: subscription.get("metadata").clone(),
            subscription: Some(subscription.id().to_owned()),
            price: Some(price),
        };
        out.push(line.write(cx));
    }
    out
}

/// The discounts of an invoice of this subscription: its own or, when it has none, the customer's.
pub(crate) fn discounts_of(cx: &Cx<'_, Stripe>, subscription: &Doc) -> Vec<String> {
    let own = discounts::running(cx, &discounts::ids(subscription));
    if !own.is_empty() {
        return own;
    }
    let customer = cx.find(Kind::Customer, subscription.text("customer"));
    let theirs = customer.and_then(|row| row.object.at("/discount/id").as_str().map(str::to_owned));
    discounts::running(cx, &theirs.into_iter().collect::<Vec<_>>())
}

/// Writes a draft with these lines and everything that is pending.
pub(crate) fn bill(cx: &mut Cx<'_, Stripe>, id: &str, reason: &str, own: Vec<Doc>) -> Result<Doc, Error> {
    let subscription = cx.get(Kind::Subscription, id)?;
    let customer = cx.get(Kind::Customer, subscription.text("customer"))?;
    let currency = subscription.text("currency").to_owned();
    let mut invoice = invoices::draft(cx, &customer, &currency, reason);
    invoice.set("parent", invoices::parent(&subscription));
    invoice.set("subscription", id);
    invoice.set("auto_advance", true);
    invoice.set("automatically_finalizes_at", cx.seconds() + invoices::WAIT);
    invoice.set("collection_method", subscription.get("collection_method").clone());
    invoice.set("default_tax_rates", subscription.get("default_tax_rates").clone());
    invoice.set("discounts", discounts_of(cx, &subscription));
    invoice.set("description", subscription.at("/invoice_settings/description").clone());
    if subscription.text("collection_method") == "send_invoice" {
        let days = subscription.get("days_until_due").as_i64().unwrap_or(30);
        invoice.set("due_date", cx.seconds() + days * DAY);
    }
    if reason == "subscription_cycle" {
        // The invoice itself is about the period that has passed, its lines about the one that begins.
        let (start, end) = period(&subscription);
        let before = length(&subscription).before(subscription.number("billing_cycle_anchor"), start);
        invoice.set("period_start", if start > before && end > start { before } else { start });
        invoice.set("period_end", start);
    }
    let pending = invoices::pending(cx, customer.id(), Some(id), &currency);
    invoices::pull(cx, invoice.id(), &pending);
    let invoice = invoices::store(cx, invoice, own);
    let left = discounts::unspent(cx, &discounts::ids(&subscription));
    cx.alter(Kind::Subscription, id, |subscription| {
        subscription.set("latest_invoice", invoice.id());
        subscription.set("discounts", left);
    });
    Ok(invoice)
}

/// What is said when there is nothing to charge.
fn no_method() -> Error {
    Error::invalid(
        "This customer has no attached payment source or default payment method. Please consider adding a default payment method. For \
         more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.",
    )
    .code("resource_missing")
}

/// Bills the first period of a subscription that is stored with its items, and announces it.
pub(crate) fn begin(
    cx: &mut Cx<'_, Stripe>,
    id: &str,
    behavior: Behavior,
    part: Option<(i64, i64)>,
) -> Result<(), Error> {
    let subscription = cx.get(Kind::Subscription, id)?;
    let trial = subscription.text("status") == "trialing";
    let own = lines(cx, &subscription, period(&subscription), part, trial);
    let invoice = bill(cx, id, "subscription_create", own)?;
    if subscription.text("collection_method") == "send_invoice" {
        announce(cx, id, "customer.subscription.created");
        return Ok(());
    }
    let method = collecting::method(cx, &invoice);
    if invoice.number("amount_due") > 0 && method.is_none() && behavior != Behavior::Wait {
        return Err(no_method());
    }
    if invoice.number("amount_due") > 0 {
        cx.alter(Kind::Subscription, id, |subscription| subscription.set("status", "incomplete"));
    }
    announce(cx, id, "customer.subscription.created");
    let invoice = invoices::finalize(cx, invoice.id())?;
    if invoice.text("status") == "paid" {
        return Ok(());
    }
    if let (Some(method), false) = (&method, behavior == Behavior::Wait) {
        match collecting::pay(cx, invoice.id(), method, false)? {
            Outcome::Declined(error) if behavior == Behavior::Refuse => return Err(error),
            Outcome::Asks if behavior == Behavior::Refuse => return Err(asks()),
            _ => {}
        }
    }
    Ok(())
}

/// A payment that only the customer can complete.
pub(crate) fn asks() -> Error {
    let message = "This payment requires additional user action before it can be completed successfully. Payment can be completed \
                   using the PaymentIntent associated with this subscription. For more details see: \
                   https://stripe.com/docs/billing/subscriptions/overview#requires-action";
    Error::card("subscription_payment_intent_requires_action", message)
}

fn announce(cx: &mut Cx<'_, Stripe>, id: &str, name: &str) {
    let subscription = cx.find(Kind::Subscription, id).map(|row| row.object.clone()).unwrap_or_default();
    cx.emit(name, &subscription);
}

/// Changes a subscription and announces what is different.
pub(crate) fn change(cx: &mut Cx<'_, Stripe>, id: &str, to: impl FnOnce(&mut Doc)) {
    let change = cx.alter(Kind::Subscription, id, to);
    cx.emit_change("customer.subscription.updated", &change);
}

/// Begins the next period: the invoice is a draft for an hour.
pub(crate) fn renew(cx: &mut Cx<'_, Stripe>, id: &str) -> Result<(), Error> {
    let before = cx.get(Kind::Subscription, id)?;
    let (_, start) = period(&before);
    if before.flag("cancel_at_period_end") || before.get("cancel_at").as_i64() == Some(start) {
        cancel(cx, id, "cancellation_requested");
        return Ok(());
    }
    if before.text("status") == "trialing" && !trial_goes_on(cx, &before) {
        return Ok(());
    }
    let end = length(&before).after(before.number("billing_cycle_anchor"), start);
    enter_period(cx, id, (start, end));
    let after = cx.alter(Kind::Subscription, id, |subscription| {
        if subscription.text("status") == "trialing" {
            subscription.set("status", "active");
        }
    });
    let own = lines(cx, &after.after, (start, end), None, false);
    let invoice = bill(cx, id, "subscription_cycle", own)?;
    pause(cx, &after.after, &invoice);
    let subscription = cx.get(Kind::Subscription, id)?;
    let previous = subscription.previous(&before);
    crate::events::emit(cx, "customer.subscription.updated", &subscription, Some(previous));
    Ok(())
}

/// What becomes of a subscription whose trial ends without a payment method.
fn trial_goes_on(cx: &mut Cx<'_, Stripe>, subscription: &Doc) -> bool {
    let mut probe = Doc::default();
    probe.set("customer", subscription.text("customer"));
    probe.set("parent", invoices::parent(subscription));
    let owes = items(cx, subscription.id())
        .iter()
        .any(|item| amounts::of_price(&Doc::new(item.get("price").clone()), item.number("quantity")) > 0);
    if !owes || collecting::method(cx, &probe).is_some() || subscription.text("collection_method") == "send_invoice" {
        return true;
    }
    match subscription.at("/trial_settings/end_behavior/missing_payment_method").as_str() {
        Some("cancel") => {
            cancel(cx, subscription.id(), "cancellation_requested");
            false
        }
        Some("pause") => {
            let change =
                cx.alter(Kind::Subscription, subscription.id(), |subscription| subscription.set("status", "paused"));
            cx.emit("customer.subscription.paused", &change.after);
            cx.emit_change("customer.subscription.updated", &change);
            false
        }
        _ => true,
    }
}

/// What a paused collection does with an invoice.
fn pause(cx: &mut Cx<'_, Stripe>, subscription: &Doc, invoice: &Doc) {
    let resumes = subscription.at("/pause_collection/resumes_at").as_i64();
    if subscription.get("pause_collection").is_null() || resumes.is_some_and(|at| at <= cx.seconds()) {
        return;
    }
    cx.alter(Kind::Invoice, invoice.id(), |invoice| {
        invoice.set("auto_advance", false);
        invoice.set("automatically_finalizes_at", Value::Null);
    });
    let end: fn(&mut Cx<'_, Stripe>, &str) = match subscription.at("/pause_collection/behavior").as_str() {
        Some("void") => invoices::void,
        Some("mark_uncollectible") => invoices::mark_uncollectible,
        _ => return,
    };
    if invoices::finalize(cx, invoice.id()).is_ok_and(|invoice| invoice.text("status") == "open") {
        end(cx, invoice.id());
    }
}

/// Ends a subscription now.
pub(crate) fn cancel(cx: &mut Cx<'_, Stripe>, id: &str, reason: &str) {
    let now = cx.seconds();
    let change = cx.alter(Kind::Subscription, id, |subscription| {
        subscription.set("status", "canceled");
        if subscription.get("canceled_at").is_null() {
            subscription.set("canceled_at", now);
        }
        subscription.set("ended_at", now);
        subscription.set("cancel_at_period_end", false);
        subscription.object_mut("cancellation_details").insert("reason".to_owned(), reason.into());
    });
    let about = |row: &&crate::state::Row| {
        invoices::subscription(&row.object) == Some(id) && matches!(row.object.text("status"), "draft" | "open")
    };
    let left: Vec<String> =
        cx.each(Kind::Invoice).into_iter().filter(about).map(|row| row.object.id().to_owned()).collect();
    for invoice in left {
        cx.alter(Kind::Invoice, &invoice, |invoice| {
            invoice.set("auto_advance", false);
            invoice.set("automatically_finalizes_at", Value::Null);
            invoice.set("next_payment_attempt", Value::Null);
        });
    }
    cx.emit("customer.subscription.deleted", &change.after);
}

/// Gives up a subscription whose first invoice was never paid.
pub(crate) fn expire(cx: &mut Cx<'_, Stripe>, id: &str) {
    let now = cx.seconds();
    change(cx, id, |subscription| {
        subscription.set("status", "incomplete_expired");
        subscription.set("ended_at", now);
    });
    let latest =
        cx.find(Kind::Subscription, id).and_then(|row| row.object.reference("latest_invoice")).map(str::to_owned);
    if let Some(invoice) = latest
        && cx.find(Kind::Invoice, &invoice).is_some_and(|row| row.object.text("status") == "open")
    {
        invoices::void(cx, &invoice);
    }
}

/// An invoice was paid: the subscription is in good standing again.
pub(crate) fn invoice_paid(cx: &mut Cx<'_, Stripe>, invoice: &Doc) {
    let Some(id) = invoices::subscription(invoice).map(str::to_owned) else { return };
    let Some(subscription) = cx.find(Kind::Subscription, &id).map(|row| row.object.clone()) else { return };
    let latest = subscription.text("latest_invoice") == invoice.id();
    if latest && matches!(subscription.text("status"), "incomplete" | "past_due" | "unpaid") {
        change(cx, &id, |subscription| subscription.set("status", "active"));
    }
}

/// An attempt failed. After the last one the subscription ends.
pub(crate) fn invoice_failed(cx: &mut Cx<'_, Stripe>, invoice: &Doc) {
    let Some(id) = invoices::subscription(invoice).map(str::to_owned) else { return };
    let Some(subscription) = cx.find(Kind::Subscription, &id).map(|row| row.object.clone()) else { return };
    match subscription.text("status") {
        "active" | "trialing" => change(cx, &id, |subscription| subscription.set("status", "past_due")),
        "past_due" if retry(invoice.number("attempt_count")).is_none() => cancel(cx, &id, "payment_failed"),
        _ => {}
    }
}

/// An invoice was voided or written off.
pub(crate) fn invoice_given_up(cx: &mut Cx<'_, Stripe>, invoice: &Doc) {
    let Some(id) = invoices::subscription(invoice).map(str::to_owned) else { return };
    let Some(subscription) = cx.find(Kind::Subscription, &id).map(|row| row.object.clone()) else { return };
    if subscription.text("latest_invoice") != invoice.id() {
        return;
    }
    let now = cx.seconds();
    match (subscription.text("status"), invoice.text("status")) {
        ("incomplete", "void") => change(cx, &id, |subscription| {
            subscription.set("status", "incomplete_expired");
            subscription.set("ended_at", now);
        }),
        ("past_due" | "unpaid", _) => change(cx, &id, |subscription| subscription.set("status", "active")),
        _ => {}
    }
}

/// A credit for what is left of an item, or a charge for what is left of what replaces it, to be invoiced later.
pub(crate) fn prorate(cx: &mut Cx<'_, Stripe>, subscription: &Doc, item: &Doc, at: i64, credit: bool) {
    let price = Doc::new(item.get("price").clone());
    let (start, end) = (item.number("current_period_start"), item.number("current_period_end"));
    let quantity = item.number("quantity");
    let left = amounts::share(amounts::of_price(&price, quantity), end - at, end - start);
    let name = prices::product_name(cx, &price);
    let what = if quantity == 1 { name } else { format!("{quantity} × {name}") };
    let verb = if credit { "Unused" } else { "Remaining" };
    let description = format!("{verb} time on {what} after {}", calendar::said(at));
    let id = cx.fresh(Kind::InvoiceItem.facts().prefix);
    let mut row = objects::blank(Kind::InvoiceItem, &id, at);
    let amount = if credit { -left } else { left };
    row.set("amount", amount);
    row.set("net_amount", amount);
    row.set("currency", subscription.text("currency"));
    row.set("customer", subscription.text("customer"));
    row.set("date", cx.seconds());
    row.set("description", description);
    row.set("discountable", false);
    row.set(
        "parent",
        json!({
            "subscription_details": { "subscription": subscription.id(), "subscription_item": item.id() },
            "type": "subscription_details",
        }),
    );
    row.set("period", json!({ "end": end, "start": at }));
    row.set("pricing", super::lines::pricing(&price));
    row.set("proration", true);
    row.set("quantity", quantity);
    row.set("quantity_decimal", quantity.to_string());
    row.set("tax_rates", item.get("tax_rates").clone());
    row.set("test_clock", subscription.get("test_clock").clone());
    cx.add(Kind::InvoiceItem, row.clone(), Map::new());
    cx.emit("invoiceitem.created", &row);
}

/// Invoices what has come together of a subscription now, and collects it.
pub(crate) fn invoice_now(cx: &mut Cx<'_, Stripe>, id: &str, own: Vec<Doc>, behavior: Behavior) -> Result<(), Error> {
    let subscription = cx.get(Kind::Subscription, id)?;
    let nothing =
        invoices::pending(cx, subscription.text("customer"), Some(id), subscription.text("currency")).is_empty();
    if nothing && own.is_empty() {
        return Ok(());
    }
    let invoice = bill(cx, id, "subscription_update", own)?;
    let invoice = invoices::finalize(cx, invoice.id())?;
    if invoice.text("status") != "open" || subscription.text("collection_method") == "send_invoice" {
        return Ok(());
    }
    let method = collecting::method(cx, &invoice);
    match (method, behavior) {
        (_, Behavior::Wait) => {
            change(cx, id, |subscription| subscription.set("status", "past_due"));
            Ok(())
        }
        (None, _) => Err(no_method()),
        (Some(method), behavior) => match collecting::pay(cx, invoice.id(), &method, false)? {
            Outcome::Declined(error) if behavior == Behavior::Refuse => Err(error),
            Outcome::Asks if behavior == Behavior::Refuse => Err(asks()),
            _ => Ok(()),
        },
    }
}
