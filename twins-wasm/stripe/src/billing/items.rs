//! Changes of what is subscribed to, and what they cost for the rest of the period.

use pome_twin_kit::Cx;
use serde_json::Value;

use super::calendar::Length;
use super::subscriptions::{self, Behavior, Wanted};
use crate::Stripe;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;

/// What becomes of the part of the period that is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Proration {
    #[default]
    CreateProrations,
    AlwaysInvoice,
    None,
}

/// A change of one item.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Add(Box<Wanted>),
    Change {
        id: String,
        price: Option<Box<Doc>>,
        quantity: Option<i64>,
        metadata: Option<Value>,
        tax_rates: Option<Value>,
    },
    Delete {
        id: String,
    },
}

/// How changes are carried out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    pub(crate) proration: Proration,
    /// When they count from, unix seconds.
    pub(crate) at: i64,
    pub(crate) behavior: Behavior,
    /// The period begins anew.
    pub(crate) restart: bool,
}

/// Changes the items of a subscription. The events about it are the caller's.
pub(crate) fn apply(cx: &mut Cx<'_, Stripe>, id: &str, edits: Vec<Edit>, how: How) -> Result<(), Error> {
    let before = cx.get(Kind::Subscription, id)?;
    let old = subscriptions::items(cx, id);
    let period = subscriptions::period(&before);
    let length = subscriptions::length(&before);
    let mut touched: Vec<(Option<Doc>, Option<String>)> = Vec::new();
    for edit in edits {
        match edit {
            Edit::Add(wanted) => {
                let twin = old.iter().any(|item| item.at("/price/id") == wanted.price.id());
                if twin {
                    let message =
                        format!("Cannot add multiple subscription items with the same plan: {}", wanted.price.id());
                    return Err(Error::invalid(message));
                }
                touched.push((None, Some(subscriptions::add_item(cx, id, *wanted, period))));
            }
            Edit::Change { id: item, price, quantity, metadata, tax_rates } => {
                let known = find(&old, &item)?;
                let changes = price.as_ref().is_some_and(|price| known.at("/price/id") != price.id())
                    || quantity.is_some_and(|quantity| known.number("quantity") != quantity);
                cx.alter(Kind::SubscriptionItem, &item, |item| {
                    if let Some(price) = &price {
                        item.set("plan", subscriptions::plan(price));
                        item.set("price", price.json());
                    }
                    if let Some(quantity) = quantity {
                        item.set("quantity", quantity);
                    }
                    if let Some(metadata) = metadata {
                        item.set("metadata", metadata);
                    }
                    if let Some(rates) = tax_rates {
                        item.set("tax_rates", rates);
                    }
                });
                if changes {
                    touched.push((Some(known.clone()), Some(item)));
                }
            }
            Edit::Delete { id: item } => {
                let known = find(&old, &item)?;
                cx.state.objects.remove(&(Kind::SubscriptionItem, item));
                touched.push((Some(known.clone()), None));
            }
        }
    }
    let new = subscriptions::items(cx, id);
    if new.is_empty() {
        let message = "A subscription must have at least one active plan. All of the plans on this subscription are being removed.";
        return Err(Error::invalid(message));
    }
    consistent(&new.iter().map(|item| Doc::new(item.get("price").clone())).collect::<Vec<_>>())?;
    subscriptions::sync(cx, id);
    let after = cx.get(Kind::Subscription, id)?;
    let restart = how.restart || subscriptions::length(&after) != length;
    let bills = matches!(after.text("status"), "active" | "past_due" | "unpaid");
    if !bills {
        if restart && after.text("status") == "trialing" {
            // A trial keeps its end; the length after it is the new one.
            return Ok(());
        }
        return Ok(());
    }
    let prorates = how.proration != Proration::None;
    if restart {
        if prorates {
            for item in &old {
                subscriptions::prorate(cx, &after, item, how.at, true);
            }
        }
        let end = subscriptions::length(&after).after(how.at, how.at);
        cx.alter(Kind::Subscription, id, |subscription| subscription.set("billing_cycle_anchor", how.at));
        subscriptions::enter_period(cx, id, (how.at, end));
        let after = cx.get(Kind::Subscription, id)?;
        let lines = subscriptions::lines(cx, &after, (how.at, end), None, false);
        return subscriptions::invoice_now(cx, id, lines, how.behavior);
    }
    if prorates {
        for (gone, come) in &touched {
            if let Some(gone) = gone {
                subscriptions::prorate(cx, &after, gone, how.at, true);
            }
            if let Some(come) = come {
                let item = cx.get(Kind::SubscriptionItem, come)?;
                subscriptions::prorate(cx, &after, &item, how.at, false);
            }
        }
    }
    if how.proration == Proration::AlwaysInvoice && !touched.is_empty() {
        return subscriptions::invoice_now(cx, id, Vec::new(), how.behavior);
    }
    Ok(())
}

fn find<'a>(items: &'a [Doc], id: &str) -> Result<&'a Doc, Error> {
    let found = items.iter().find(|item| item.id() == id);
    found.ok_or_else(|| Error::dangling(Kind::SubscriptionItem, id, "items[id]"))
}

/// What is billed together must have one currency and one interval.
pub(crate) fn consistent(prices: &[Doc]) -> Result<(), Error> {
    let Some(first) = prices.first() else { return Ok(()) };
    let mismatch = |field: &str| {
        Error::invalid(format!(
            "Currency and interval fields must match across all plans on this subscription. Found mismatch in {field} field."
        ))
    };
    for price in prices {
        if price.text("currency") != first.text("currency") {
            return Err(mismatch("currency"));
        }
        if Length::of(price) != Length::of(first) {
            return Err(mismatch("interval"));
        }
    }
    Ok(())
}
