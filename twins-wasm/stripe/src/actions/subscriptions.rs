//! Subscriptions: beginning, changing, pausing and ending. What time does to them is in [`crate::billing`].

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::invoices::{CollectionMethod, no_automatic_tax, own_method};
use super::tax_rates;
use crate::Stripe;
use crate::answer::Answer;
use crate::billing::calendar::Length;
use crate::billing::items::{self, Edit, How, Proration};
use crate::billing::subscriptions::{self, Behavior, Wanted};
use crate::billing::{collecting, discounts, invoices, prices, timeline};
use crate::desk::{self, Desk};
use crate::doc::Doc;
use crate::error::Error;
use crate::ids;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::objects;
use crate::params::{self, Span, Text, clears};
use crate::search::search;

const DAY: i64 = 86_400;

/// Refuses what the vendor takes and this twin does not.
fn refuse_unmodelled(given: &[(&str, &Option<Value>)]) -> Result<(), Error> {
    match given.iter().find(|(_, value)| value.as_ref().is_some_and(|value| !clears(value))) {
        Some((name, _)) => Err(Error::unmodelled(&format!("`{name}` of subscriptions"))),
        None => Ok(()),
    }
}

/// An item as it is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Item {
    id: Option<String>,
    price: Option<String>,
    plan: Option<String>,
    price_data: Option<Value>,
    quantity: Option<i64>,
    metadata: Option<Value>,
    discounts: Option<Value>,
    tax_rates: Option<Value>,
    #[serde(default)]
    deleted: bool,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    clear_usage: Option<bool>,
}

impl Item {
    fn price(&self, cx: &mut Cx<'_, Stripe>, at: &str) -> Result<Option<Doc>, Error> {
        let price = prices::resolve(cx, self.price.as_deref().or(self.plan.as_deref()), self.price_data.as_ref(), at)?;
        if let Some(price) = price.as_ref().filter(|price| !price.get("recurring").is_object()) {
            let message = format!(
                "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`. ({})",
                price.id()
            );
            return Err(Error::invalid(message).param(format!("{at}[price]")));
        }
        Ok(price)
    }

    /// A new item.
    pub(super) fn wanted(self, cx: &mut Cx<'_, Stripe>, at: &str) -> Result<Wanted, Error> {
        let place = if at.is_empty() { "price".to_owned() } else { format!("{at}[price]") };
        let price = self.price(cx, at)?.ok_or_else(|| Error::required(&place))?;
        let quantity = self.quantity.unwrap_or(1);
        if quantity < 0 {
            return Err(Error::at_least(0, &format!("{at}[quantity]")));
        }
        let discounts = match &self.discounts {
            Some(given) => discounts::given(cx, given, &[])?,
            None => Vec::new(),
        };
        Ok(Wanted {
            price,
            quantity,
            metadata: params::new_metadata(self.metadata.as_ref())?,
            discounts,
            tax_rates: tax_rates::named(cx, self.tax_rates.as_ref(), "tax_rates")?,
        })
    }

    /// A change of an item that is there, or a new one.
    fn edit(self, cx: &mut Cx<'_, Stripe>, at: &str) -> Result<Edit, Error> {
        let Some(id) = self.id.clone() else { return Ok(Edit::Add(Box::new(self.wanted(cx, at)?))) };
        if self.deleted {
            return Ok(Edit::Delete { id });
        }
        self.change(cx, id, at)
    }

    /// A change of an item that is there.
    pub(super) fn change(self, cx: &mut Cx<'_, Stripe>, id: String, at: &str) -> Result<Edit, Error> {
        let known = cx.refer(Kind::SubscriptionItem, &id, &format!("{at}[id]"))?;
        let price = self.price(cx, at)?.map(Box::new);
        let metadata = match &self.metadata {
            Some(given) => {
                let mut metadata = known.get("metadata").as_object().cloned().unwrap_or_default();
                params::merge_metadata(&mut metadata, Some(given))?;
                Some(Value::Object(metadata))
            }
            None => None,
        };
        let tax_rates = match &self.tax_rates {
            Some(given) => Some(tax_rates::named(cx, Some(given), "tax_rates")?),
            None => None,
        };
        Ok(Edit::Change { id, price, quantity: self.quantity, metadata, tax_rates })
    }

    /// As an item of its own is described, outside a subscription.
    pub(super) fn alone(
        price: Option<String>,
        plan: Option<String>,
        price_data: Option<Value>,
        quantity: Option<i64>,
        more: (Option<Value>, Option<Value>, Option<Value>),
    ) -> Self {
        let (metadata, discounts, tax_rates) = more;
        Self { price, plan, price_data, quantity, metadata, discounts, tax_rates, ..Self::default() }
    }
}

fn read_items(given: Option<&Value>) -> Result<Vec<(String, Item)>, Error> {
    match given {
        None => Ok(Vec::new()),
        Some(Value::Array(all)) => {
            let read = |(at, item)| {
                let place = format!("items[{at}]");
                params::nested(item, &place).map(|item| (place, item))
            };
            all.iter().enumerate().map(read).collect()
        }
        Some(_) => Err(Error::invalid("Invalid array").code("parameter_invalid").param("items")),
    }
}

/// Begins a subscription.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    #[serde(default)]
    customer: Text,
    items: Option<Value>,
    add_invoice_items: Option<Vec<Map<String, Value>>>,
    application_fee_percent: Option<Value>,
    automatic_tax: Option<Value>,
    backdate_start_date: Option<Value>,
    billing_cycle_anchor: Option<i64>,
    billing_cycle_anchor_config: Option<Value>,
    billing_mode: Option<Value>,
    billing_thresholds: Option<Value>,
    cancel_at: Option<i64>,
    #[serde(default)]
    cancel_at_period_end: bool,
    collection_method: Option<CollectionMethod>,
    currency: Option<String>,
    days_until_due: Option<i64>,
    #[serde(default)]
    default_payment_method: Text,
    #[serde(default)]
    default_source: Text,
    default_tax_rates: Option<Value>,
    #[serde(default)]
    description: Text,
    discounts: Option<Value>,
    invoice_settings: Option<Value>,
    metadata: Option<Value>,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    off_session: Option<bool>,
    on_behalf_of: Option<Value>,
    payment_behavior: Option<Behavior>,
    payment_settings: Option<Value>,
    pending_invoice_item_interval: Option<Value>,
    proration_behavior: Option<Proration>,
    transfer_data: Option<Value>,
    trial_end: Option<Value>,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    trial_from_plan: Option<bool>,
    trial_period_days: Option<i64>,
    trial_settings: Option<Value>,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_subscription";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let customer = params::required(&self.customer, "customer")?.to_owned();
        let customer = cx.refer(Kind::Customer, &customer, "customer")?;
        timeline::enter(cx, &customer);
        let id = self.start(cx, &customer)?;
        Answer::stored(cx, Kind::Subscription, &id)
    }
}

impl Create {
    /// Stores the subscription and bills its first period.
    pub(super) fn start(self, cx: &mut Cx<'_, Stripe>, customer: &Doc) -> Result<String, Error> {
        refuse_unmodelled(&[
            ("application_fee_percent", &self.application_fee_percent),
            ("backdate_start_date", &self.backdate_start_date),
            ("billing_cycle_anchor_config", &self.billing_cycle_anchor_config),
            ("billing_thresholds", &self.billing_thresholds),
            ("on_behalf_of", &self.on_behalf_of),
            ("pending_invoice_item_interval", &self.pending_invoice_item_interval),
            ("transfer_data", &self.transfer_data),
        ])?;
        no_automatic_tax(self.automatic_tax.as_ref())?;
        let given = read_items(self.items.as_ref())?;
        if given.is_empty() {
            return Err(Error::required("items"));
        }
        let mut wanted = Vec::new();
        for (place, item) in given {
            wanted.push(item.wanted(cx, &place)?);
        }
        let all: Vec<Doc> = wanted.iter().map(|wanted| wanted.price.clone()).collect();
        items::consistent(&all)?;
        let now = cx.seconds();
        let id = cx.fresh(Kind::Subscription.facts().prefix);
        let first = all.first().cloned().unwrap_or_default();
        let mut subscription = objects::blank(Kind::Subscription, &id, now);
        subscription.set("currency", first.text("currency"));
        subscription.set("customer", customer.id());
        subscription.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        subscription.set("start_date", now);
        subscription.set("test_clock", customer.get("test_clock").clone());
        if self.currency.as_deref().is_some_and(|currency| !currency.eq_ignore_ascii_case(first.text("currency"))) {
            let message = "The price specified only supports `".to_owned() + first.text("currency") + "`.";
            return Err(Error::invalid(message).param("currency"));
        }
        self.description.apply(&mut subscription, "description");
        let method = self.collection_method.unwrap_or(CollectionMethod::ChargeAutomatically);
        due_days(&mut subscription, method, self.days_until_due)?;
        let default = self.default_payment_method.text().or(self.default_source.text()).map(str::to_owned);
        if let Some(name) = default {
            let own = own_method(cx, &name, customer.id())?;
            subscription.set("default_payment_method", own);
        }
        settings(&mut subscription, "payment_settings", self.payment_settings.as_ref());
        settings(&mut subscription, "invoice_settings", self.invoice_settings.as_ref());
        settings(&mut subscription, "trial_settings", self.trial_settings.as_ref());
        settings(&mut subscription, "billing_mode", self.billing_mode.as_ref());
        subscription
            .set("default_tax_rates", tax_rates::named(cx, self.default_tax_rates.as_ref(), "default_tax_rates")?);
        if let Some(given) = &self.discounts {
            let owner = [("customer", customer.id()), ("subscription", id.as_str())];
            subscription.set("discounts", discounts::given(cx, given, &owner)?);
        }
        let trial_end = trial(self.trial_end.as_ref(), self.trial_period_days, now)?;
        let length = Length::of(&first);
        let (anchor, end) = match (trial_end, self.billing_cycle_anchor) {
            (Some(end), _) => (end, end),
            (None, Some(anchor)) if anchor > now => {
                if anchor > length.after(now, now) {
                    let message = "billing_cycle_anchor cannot be later than next natural billing date for plan";
                    return Err(Error::invalid(message).param("billing_cycle_anchor"));
                }
                (anchor, anchor)
            }
            (None, Some(_)) => {
                let message = "Invalid billing_cycle_anchor: must be in the future.";
                return Err(Error::invalid(message).param("billing_cycle_anchor"));
            }
            (None, None) => (now, length.after(now, now)),
        };
        subscription.set("billing_cycle_anchor", anchor);
        if trial_end.is_some() {
            subscription.set("status", "trialing");
            subscription.set("trial_start", now);
            subscription.set("trial_end", trial_end);
        }
        if self.cancel_at_period_end && self.cancel_at.is_some() {
            let message = "You may only specify one of these parameters: cancel_at, cancel_at_period_end.";
            return Err(Error::invalid(message).param("cancel_at"));
        }
        if self.cancel_at.is_some_and(|at| at <= now) {
            return Err(Error::invalid("The cancel_at timestamp must be in the future.").param("cancel_at"));
        }
        if self.cancel_at_period_end {
            subscription.set("cancel_at_period_end", true);
            subscription.set("cancel_at", end);
            subscription.set("canceled_at", now);
        } else if let Some(at) = self.cancel_at {
            subscription.set("cancel_at", at);
            subscription.set("canceled_at", now);
        }
        cx.add(Kind::Subscription, subscription, Map::new());
        for wanted in wanted {
            subscriptions::add_item(cx, &id, wanted, (now, end));
        }
        subscriptions::sync(cx, &id);
        for (at, item) in self.add_invoice_items.into_iter().flatten().enumerate() {
            let mut item = item;
            item.insert("customer".to_owned(), customer.id().into());
            item.insert("subscription".to_owned(), id.as_str().into());
            let item: super::invoice_items::Create =
                params::nested(&Value::Object(item), &format!("add_invoice_items[{at}]"))?;
            desk::within(cx, item)?;
        }
        let whole = (length.before(anchor, anchor), anchor);
        let part = (trial_end.is_none() && end == anchor && anchor > now).then(|| {
            let free = self.proration_behavior == Some(Proration::None);
            (if free { 0 } else { anchor - now }, whole.1 - whole.0)
        });
        let behavior = self.payment_behavior.unwrap_or(Behavior::Allow);
        if behavior == Behavior::Postpone {
            let message = "`pending_if_incomplete` can only be used when a subscription is updated.";
            return Err(Error::invalid(message).param("payment_behavior"));
        }
        subscriptions::begin(cx, &id, behavior, part)?;
        let after = cx.get(Kind::Subscription, &id)?;
        let method = collecting::method(
            cx,
            &Doc::new(json!({
                "customer": customer.id(), "parent": invoices::parent(&after),
            })),
        );
        if after.text("status") == "trialing" && behavior == Behavior::Wait && method.is_none() {
            let setup = setup(cx, customer.id());
            cx.alter(Kind::Subscription, &id, |subscription| subscription.set("pending_setup_intent", setup));
        }
        Ok(id)
    }
}

/// How the customer can leave a payment method for later.
fn setup(cx: &mut Cx<'_, Stripe>, customer: &str) -> String {
    let id = cx.fresh(Kind::SetupIntent.facts().prefix);
    let mut intent = objects::blank(Kind::SetupIntent, &id, cx.seconds());
    intent.set("client_secret", format!("{id}_secret_{}", ids::suffix(24, || cx.random())));
    intent.set("customer", customer);
    cx.add(Kind::SetupIntent, intent.clone(), Map::new());
    cx.emit("setup_intent.created", &intent);
    id
}

/// Adds what is said of settings to the ones that are there.
pub(super) fn settings(subscription: &mut Doc, name: &str, given: Option<&Value>) {
    if let Some(Value::Object(given)) = given {
        subscription.object_mut(name).extend(given.clone());
    }
}

fn due_days(subscription: &mut Doc, method: CollectionMethod, days: Option<i64>) -> Result<(), Error> {
    match (method, days) {
        (CollectionMethod::SendInvoice, None) if subscription.get("days_until_due").is_null() => {
            let message = "If invoices are being sent by email, you must pass `days_until_due`.";
            return Err(Error::invalid(message).param("days_until_due"));
        }
        (CollectionMethod::ChargeAutomatically, Some(_)) => {
            let message = "`days_until_due` can only be set if `collection_method` is `send_invoice`.";
            return Err(Error::invalid(message).param("days_until_due"));
        }
        (CollectionMethod::ChargeAutomatically, None) => subscription.set("days_until_due", Value::Null),
        (CollectionMethod::SendInvoice, Some(days)) => subscription.set("days_until_due", days),
        (CollectionMethod::SendInvoice, None) => {}
    }
    subscription.set("collection_method", method.name());
    Ok(())
}

/// When a trial ends: `now` or a time, or a number of days.
fn trial(end: Option<&Value>, days: Option<i64>, now: i64) -> Result<Option<i64>, Error> {
    match (end, days) {
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: trial_end, trial_period_days.";
            Err(Error::invalid(message).param("trial_period_days"))
        }
        (Some(end), None) if end == "now" => Ok(None),
        (Some(end), None) => {
            let end = params::integer(end, "trial_end")?;
            if end <= now {
                let message = "Invalid timestamp: must be an integer Unix timestamp in the future";
                return Err(Error::invalid(message).param("trial_end"));
            }
            Ok(Some(end))
        }
        (None, Some(days)) if days < 1 => Err(Error::at_least(1, "trial_period_days")),
        (None, Some(days)) => Ok(Some(now + days * DAY)),
        (None, None) => Ok(None),
    }
}

retrieve! {
    /// One subscription.
    Retrieve = "retrieve_subscription", Kind::Subscription
}

list! {
    /// Subscriptions, newest first. Those that were canceled are shown when they are asked for.
    List = "list_subscriptions", Kind::Subscription,
    {
        collection_method: String, current_period_end: serde_json::Value, current_period_start: serde_json::Value,
        customer: String, plan: String, price: String, status: String, test_clock: String,
    },
    |wanted, subscription| {
        let fits = |member: &str, wanted: &Option<String>| crate::lists::fits(subscription, member, wanted.as_deref());
        let status = subscription.text("status");
        let shown = match wanted.status.as_deref() {
            None => status != "canceled",
            Some("all") => true,
            Some("ended") => matches!(status, "canceled" | "incomplete_expired"),
            Some(wanted) => status == wanted,
        };
        let (start, end) = subscriptions::period(subscription);
        let within = |given: &Option<Value>, at: i64| Span::of(given.as_ref(), "current_period").unwrap_or_default().holds(at);
        let items = subscription.at("/items/data").as_array().cloned().unwrap_or_default();
        let price = wanted.price.as_deref().or(wanted.plan.as_deref());
        shown
            && fits("customer", &wanted.customer)
            && fits("collection_method", &wanted.collection_method)
            && fits("test_clock", &wanted.test_clock)
            && within(&wanted.current_period_start, start)
            && within(&wanted.current_period_end, end)
            && price.is_none_or(|price| items.iter().any(|item| item["price"]["id"] == price))
    }
}

search! {
    /// Subscriptions that a query describes.
    Search = "search_subscriptions", Kind::Subscription, ["canceled_at", "created", "metadata", "status"]
}

/// Changes a subscription. Changed items are charged or credited for the rest of the period.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    items: Option<Value>,
    add_invoice_items: Option<Vec<Map<String, Value>>>,
    application_fee_percent: Option<Value>,
    automatic_tax: Option<Value>,
    billing_cycle_anchor: Option<Anchor>,
    billing_thresholds: Option<Value>,
    cancel_at: Option<Value>,
    cancel_at_period_end: Option<bool>,
    cancellation_details: Option<Value>,
    collection_method: Option<CollectionMethod>,
    days_until_due: Option<i64>,
    #[serde(default)]
    default_payment_method: Text,
    #[serde(default)]
    default_source: Text,
    default_tax_rates: Option<Value>,
    #[serde(default)]
    description: Text,
    discounts: Option<Value>,
    invoice_settings: Option<Value>,
    metadata: Option<Value>,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    off_session: Option<bool>,
    on_behalf_of: Option<Value>,
    pause_collection: Option<Value>,
    payment_behavior: Option<Behavior>,
    payment_settings: Option<Value>,
    pending_invoice_item_interval: Option<Value>,
    proration_behavior: Option<Proration>,
    proration_date: Option<i64>,
    transfer_data: Option<Value>,
    trial_end: Option<Value>,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    trial_from_plan: Option<bool>,
    trial_settings: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Anchor {
    Now,
    Unchanged,
}

/// What can still be said of a subscription that has ended.
pub(super) fn ended(subscription: &Doc) -> bool {
    matches!(subscription.text("status"), "canceled" | "incomplete_expired")
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_subscription";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let id = self.id.clone();
        let before = cx.get(Kind::Subscription, &id)?;
        timeline::enter_of(cx, before.text("customer"));
        self.apply(cx, &before)?;
        let after = cx.get(Kind::Subscription, &id)?;
        let previous = after.previous(&before);
        if !previous.is_empty() {
            crate::events::emit(cx, "customer.subscription.updated", &after, Some(previous));
        }
        Answer::doc(cx, &after)
    }
}

impl Update {
    /// Carries the change out; the event is the caller's.
    pub(super) fn apply(self, cx: &mut Cx<'_, Stripe>, before: &Doc) -> Result<(), Error> {
        refuse_unmodelled(&[
            ("application_fee_percent", &self.application_fee_percent),
            ("billing_thresholds", &self.billing_thresholds),
            ("on_behalf_of", &self.on_behalf_of),
            ("pending_invoice_item_interval", &self.pending_invoice_item_interval),
            ("transfer_data", &self.transfer_data),
        ])?;
        no_automatic_tax(self.automatic_tax.as_ref())?;
        if self.payment_behavior == Some(Behavior::Postpone) {
            return Err(Error::unmodelled("pending updates of subscriptions"));
        }
        let id = self.id.as_str();
        let now = cx.seconds();
        if ended(before) {
            let only = self.items.is_none()
                && self.cancel_at_period_end.is_none()
                && self.cancel_at.is_none()
                && self.trial_end.is_none()
                && self.pause_collection.is_none()
                && self.billing_cycle_anchor.is_none()
                && self.default_payment_method == Text::Absent
                && self.discounts.is_none();
            if !only {
                let message = "You cannot update a subscription that is `canceled` or `incomplete_expired`.";
                return Err(Error::invalid(message).code("subscription_canceled").param("subscription"));
            }
        }
        let customer = before.text("customer").to_owned();
        let mut subscription = before.clone();
        params::merge_metadata(subscription.object_mut("metadata"), self.metadata.as_ref())?;
        self.description.apply(&mut subscription, "description");
        if self.collection_method.is_some() || self.days_until_due.is_some() {
            let sent = subscription.text("collection_method") == "send_invoice";
            let kept = if sent { CollectionMethod::SendInvoice } else { CollectionMethod::ChargeAutomatically };
            due_days(&mut subscription, self.collection_method.unwrap_or(kept), self.days_until_due)?;
        }
        match (&self.default_payment_method, &self.default_source) {
            (Text::Is(name), _) | (Text::Absent, Text::Is(name)) => {
                let own = own_method(cx, name, &customer)?;
                subscription.set("default_payment_method", own);
            }
            (Text::Clear, _) => subscription.set("default_payment_method", Value::Null),
            _ => {}
        }
        settings(&mut subscription, "payment_settings", self.payment_settings.as_ref());
        settings(&mut subscription, "invoice_settings", self.invoice_settings.as_ref());
        settings(&mut subscription, "trial_settings", self.trial_settings.as_ref());
        settings(&mut subscription, "cancellation_details", self.cancellation_details.as_ref());
        if let Some(rates) = &self.default_tax_rates {
            subscription.set("default_tax_rates", tax_rates::named(cx, Some(rates), "default_tax_rates")?);
        }
        if let Some(given) = &self.discounts {
            let owner = [("customer", customer.as_str()), ("subscription", id)];
            subscription.set("discounts", discounts::given(cx, given, &owner)?);
        }
        if let Some(pause) = &self.pause_collection {
            subscription.set("pause_collection", paused(pause)?);
        }
        self.ending(&mut subscription, now)?;
        cx.alter(Kind::Subscription, id, |stored| *stored = subscription);
        for (at, item) in self.add_invoice_items.into_iter().flatten().enumerate() {
            let mut item = item;
            item.insert("customer".to_owned(), customer.as_str().into());
            item.insert("subscription".to_owned(), id.into());
            let place = format!("add_invoice_items[{at}]");
            let item: super::invoice_items::Create = params::nested(&Value::Object(item), &place)?;
            desk::within(cx, item)?;
        }
        let mut edits = Vec::new();
        for (place, item) in read_items(self.items.as_ref())? {
            edits.push(item.edit(cx, &place)?);
        }
        let how = How {
            proration: self.proration_behavior.unwrap_or_default(),
            at: self.proration_date.unwrap_or(now),
            behavior: self.payment_behavior.unwrap_or(Behavior::Allow),
            restart: self.billing_cycle_anchor == Some(Anchor::Now),
        };
        if !edits.is_empty() || how.restart {
            items::apply(cx, id, edits, how)?;
        }
        if let Some(end) = &self.trial_end {
            set_trial(cx, id, end, how)?;
        }
        Ok(())
    }

    /// What is said about the end.
    fn ending(&self, subscription: &mut Doc, now: i64) -> Result<(), Error> {
        let at_end = self.cancel_at_period_end;
        let at = self.cancel_at.as_ref();
        if at_end == Some(true) && at.is_some_and(|at| !clears(at)) {
            let message = "You may only specify one of these parameters: cancel_at, cancel_at_period_end.";
            return Err(Error::invalid(message).param("cancel_at"));
        }
        let (_, end) = subscriptions::period(subscription);
        let (flag, time) = match (at_end, at) {
            (Some(true), _) => (true, Some(end)),
            (_, Some(at)) if !clears(at) => {
                let time = match at.as_str() {
                    Some("min_period_end" | "max_period_end") => end,
                    _ => params::integer(at, "cancel_at")?,
                };
                if time <= now {
                    return Err(Error::invalid("The cancel_at timestamp must be in the future.").param("cancel_at"));
                }
                (false, Some(time))
            }
            (Some(false), _) | (_, Some(_)) => (false, None),
            (None, None) => return Ok(()),
        };
        subscription.set("cancel_at_period_end", flag);
        subscription.set("cancel_at", time);
        subscription.set("canceled_at", time.map(|_| now));
        let reason = if time.is_some() { Value::from("cancellation_requested") } else { Value::Null };
        subscription.object_mut("cancellation_details").insert("reason".to_owned(), reason);
        Ok(())
    }
}

/// `pause_collection`, with everything that it has.
fn paused(given: &Value) -> Result<Value, Error> {
    if clears(given) {
        return Ok(Value::Null);
    }
    let behavior = given.get("behavior").and_then(Value::as_str);
    if !matches!(behavior, Some("keep_as_draft" | "mark_uncollectible" | "void")) {
        return Err(match behavior {
            None => Error::required("pause_collection[behavior]"),
            Some(_) => Error::choice("pause_collection[behavior]", &["keep_as_draft", "mark_uncollectible", "void"]),
        });
    }
    let resumes = given.get("resumes_at").filter(|at| !clears(at));
    let resumes = resumes.map(|at| params::integer(at, "pause_collection[resumes_at]")).transpose()?;
    Ok(json!({ "behavior": behavior, "resumes_at": resumes }))
}

/// Moves the end of a trial, or ends it.
fn set_trial(cx: &mut Cx<'_, Stripe>, id: &str, end: &Value, how: How) -> Result<(), Error> {
    let now = cx.seconds();
    let subscription = cx.get(Kind::Subscription, id)?;
    match trial(Some(end), None, now)? {
        Some(end) => {
            cx.alter(Kind::Subscription, id, |subscription| {
                subscription.set("status", "trialing");
                subscription.set("trial_end", end);
                if subscription.get("trial_start").is_null() {
                    subscription.set("trial_start", now);
                }
                subscription.set("billing_cycle_anchor", end);
            });
            let (start, _) = subscriptions::period(&subscription);
            subscriptions::enter_period(cx, id, (start, end));
            Ok(())
        }
        None if subscription.text("status") == "trialing" => {
            cx.alter(Kind::Subscription, id, |subscription| {
                subscription.set("status", "active");
                subscription.set("trial_end", now);
            });
            items::apply(cx, id, Vec::new(), How { proration: Proration::None, at: now, restart: true, ..how })
        }
        None => Ok(()),
    }
}
