//! Items of subscriptions, one at a time.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Value, json};

use super::subscriptions::Item;
use crate::Stripe;
use crate::answer::Answer;
use crate::billing::items::{self, Edit, How, Proration};
use crate::billing::subscriptions::{self, Behavior};
use crate::billing::timeline;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::lists::{Page, page, retrieve};
use crate::params::{Text, required};

/// How a change of an item is asked for.
#[derive(Debug, Clone, Copy)]
struct Asked {
    behavior: Option<Behavior>,
    proration: Option<Proration>,
    date: Option<i64>,
}

/// Changes one item and tells about the subscription.
fn change(
    cx: &mut Cx<'_, Stripe>,
    subscription: &str,
    asked: Asked,
    edit: impl FnOnce(&mut Cx<'_, Stripe>) -> Result<Edit, Error>,
) -> Result<(), Error> {
    let before = cx.get(Kind::Subscription, subscription)?;
    if matches!(before.text("status"), "canceled" | "incomplete_expired") {
        let message = "You cannot update a subscription that is `canceled` or `incomplete_expired`.";
        return Err(Error::invalid(message).code("subscription_canceled").param("subscription"));
    }
    timeline::enter_of(cx, before.text("customer"));
    let edit = edit(cx)?;
    let how = How {
        proration: asked.proration.unwrap_or_default(),
        at: asked.date.unwrap_or_else(|| cx.seconds()),
        behavior: asked.behavior.unwrap_or(Behavior::Allow),
        restart: false,
    };
    items::apply(cx, subscription, vec![edit], how)?;
    let after = cx.get(Kind::Subscription, subscription)?;
    let previous = after.previous(&before);
    crate::events::emit(cx, "customer.subscription.updated", &after, Some(previous));
    Ok(())
}

/// Adds an item to a subscription.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    #[serde(default)]
    subscription: Text,
    price: Option<String>,
    plan: Option<String>,
    price_data: Option<Value>,
    quantity: Option<i64>,
    metadata: Option<Value>,
    discounts: Option<Value>,
    tax_rates: Option<Value>,
    payment_behavior: Option<Behavior>,
    proration_behavior: Option<Proration>,
    proration_date: Option<i64>,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_subscription_item";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let subscription = required(&self.subscription, "subscription")?.to_owned();
        cx.refer(Kind::Subscription, &subscription, "subscription")?;
        let more = (self.metadata, self.discounts, self.tax_rates);
        let item = Item::alone(self.price, self.plan, self.price_data, self.quantity, more);
        let asked =
            Asked { behavior: self.payment_behavior, proration: self.proration_behavior, date: self.proration_date };
        change(cx, &subscription, asked, |cx| Ok(Edit::Add(Box::new(item.wanted(cx, "")?))))?;
        let newest = subscriptions::items(cx, &subscription).pop().unwrap_or_default();
        Answer::doc(cx, &newest)
    }
}

retrieve! {
    /// One item.
    Retrieve = "retrieve_subscription_item", Kind::SubscriptionItem
}

/// Items of one subscription.
#[derive(Debug, Deserialize)]
pub(crate) struct List {
    #[serde(default)]
    subscription: Text,
    limit: Option<i64>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

impl Action<Stripe> for List {
    const NAME: &'static str = "list_subscription_items";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let subscription = required(&self.subscription, "subscription")?;
        cx.refer(Kind::Subscription, subscription, "subscription")?;
        let asked = Page {
            limit: self.limit,
            starting_after: self.starting_after.clone(),
            ending_before: self.ending_before.clone(),
            created: None,
        };
        page(cx, Kind::SubscriptionItem, &Kind::SubscriptionItem.url(), &asked, |item| {
            item.text("subscription") == subscription
        })
    }
}

/// Changes an item.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    price: Option<String>,
    plan: Option<String>,
    price_data: Option<Value>,
    quantity: Option<i64>,
    metadata: Option<Value>,
    discounts: Option<Value>,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    off_session: Option<bool>,
    tax_rates: Option<Value>,
    payment_behavior: Option<Behavior>,
    proration_behavior: Option<Proration>,
    proration_date: Option<i64>,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_subscription_item";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let known = cx.get(Kind::SubscriptionItem, &self.id)?;
        let subscription = known.text("subscription").to_owned();
        let more = (self.metadata, self.discounts, self.tax_rates);
        let item = Item::alone(self.price, self.plan, self.price_data, self.quantity, more);
        let asked =
            Asked { behavior: self.payment_behavior, proration: self.proration_behavior, date: self.proration_date };
        let id = self.id.clone();
        change(cx, &subscription, asked, |cx| item.change(cx, id, ""))?;
        Answer::stored(cx, Kind::SubscriptionItem, &self.id)
    }
}

/// Takes an item from its subscription.
#[derive(Debug, Deserialize)]
pub(crate) struct Delete {
    id: String,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    clear_usage: Option<bool>,
    payment_behavior: Option<Behavior>,
    proration_behavior: Option<Proration>,
    proration_date: Option<i64>,
}

impl Action<Stripe> for Delete {
    const NAME: &'static str = "delete_subscription_item";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let known = cx.get(Kind::SubscriptionItem, &self.id)?;
        let asked =
            Asked { behavior: self.payment_behavior, proration: self.proration_behavior, date: self.proration_date };
        let id = self.id.clone();
        change(cx, known.text("subscription"), asked, |_| Ok(Edit::Delete { id }))?;
        let stub = Doc::new(json!({ "id": self.id, "object": "subscription_item", "deleted": true }));
        Answer::doc(cx, &stub)
    }
}
