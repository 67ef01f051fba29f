//! Ends of subscriptions, and what brings a paused one back.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Value, json};

use super::subscriptions::{Anchor, ended, settings};
use crate::Stripe;
use crate::answer::Answer;
use crate::billing::items::{self, How, Proration};
use crate::billing::subscriptions::{self, Behavior};
use crate::billing::{discounts, timeline};
use crate::desk::Desk;
use crate::error::Error;
use crate::kind::Kind;

/// Ends a subscription at once.
#[derive(Debug, Deserialize)]
pub(crate) struct Cancel {
    id: String,
    cancellation_details: Option<Value>,
    #[serde(default)]
    invoice_now: bool,
    #[serde(default)]
    prorate: bool,
}

impl Action<Stripe> for Cancel {
    const NAME: &'static str = "cancel_subscription";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let subscription = cx.get(Kind::Subscription, &self.id)?;
        if ended(&subscription) {
            return Err(Error::missing(Kind::Subscription, &self.id));
        }
        timeline::enter_of(cx, subscription.text("customer"));
        cx.alter(Kind::Subscription, &self.id, |subscription| {
            settings(subscription, "cancellation_details", self.cancellation_details.as_ref());
        });
        if self.prorate && matches!(subscription.text("status"), "active" | "past_due") {
            let now = cx.seconds();
            for item in subscriptions::items(cx, &self.id) {
                subscriptions::prorate(cx, &subscription, &item, now, true);
            }
        }
        subscriptions::cancel(cx, &self.id, "cancellation_requested");
        if self.invoice_now {
            subscriptions::invoice_now(cx, &self.id, Vec::new(), Behavior::Allow)?;
        }
        Answer::stored(cx, Kind::Subscription, &self.id)
    }
}

/// Resumes a subscription that a trial without a payment method has paused.
#[derive(Debug, Deserialize)]
pub(crate) struct Resume {
    id: String,
    billing_cycle_anchor: Option<Anchor>,
    payment_behavior: Option<Behavior>,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    proration_behavior: Option<Proration>,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    proration_date: Option<i64>,
}

impl Action<Stripe> for Resume {
    const NAME: &'static str = "resume_subscription";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let subscription = cx.get(Kind::Subscription, &self.id)?;
        if subscription.text("status") != "paused" {
            let message = "You can only resume a subscription that is `paused`.";
            return Err(Error::invalid(message));
        }
        timeline::enter_of(cx, subscription.text("customer"));
        if self.billing_cycle_anchor == Some(Anchor::Unchanged) {
            return Err(Error::unmodelled("resuming a subscription with its earlier billing cycle"));
        }
        let now = cx.seconds();
        cx.alter(Kind::Subscription, &self.id, |subscription| subscription.set("status", "active"));
        let behavior = self.payment_behavior.unwrap_or(Behavior::Allow);
        let how = How { proration: Proration::None, at: now, behavior, restart: true };
        items::apply(cx, &self.id, Vec::new(), how)?;
        let after = cx.get(Kind::Subscription, &self.id)?;
        cx.emit("customer.subscription.resumed", &after);
        let previous = after.previous(&subscription);
        crate::events::emit(cx, "customer.subscription.updated", &after, Some(previous));
        Answer::doc(cx, &after)
    }
}

/// Takes the discounts of a subscription away.
#[derive(Debug, Deserialize)]
pub(crate) struct DeleteDiscount {
    id: String,
}

impl Action<Stripe> for DeleteDiscount {
    const NAME: &'static str = "delete_subscription_discount";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let subscription = cx.get(Kind::Subscription, &self.id)?;
        let Some(discount) = discounts::ids(&subscription).first().cloned() else {
            let message = format!("No active discount for subscription: {}", self.id);
            return Err(Error::invalid(message).status(404).code("resource_missing"));
        };
        subscriptions::change(cx, &self.id, |subscription| subscription.set("discounts", json!([])));
        let mut gone = cx.get(Kind::Discount, &discount)?;
        cx.emit("customer.discount.deleted", &gone);
        gone.set("deleted", true);
        Answer::doc(cx, &gone)
    }
}
