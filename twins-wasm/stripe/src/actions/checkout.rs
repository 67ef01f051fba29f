//! Checkout sessions: a page of the vendor's on which a customer pays. There is no page here; [`super::checkout_pages`] does what
//! the customer would do on it.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::invoices::no_automatic_tax;
use crate::Stripe;
use crate::answer::Answer;
use crate::billing::sale::{self, Part, Sum};
use crate::billing::{discounts, timeline};
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::ids;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::money;
use crate::objects;
use crate::params::{self, Text, clears};

const DAY: i64 = 86_400;
const HALF_HOUR: i64 = 1800;

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    Payment,
    Setup,
    Subscription,
}

impl Mode {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Setup => "setup",
            Self::Subscription => "subscription",
        }
    }
}

/// Creates a session.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Create {
    pub(super) mode: Option<Mode>,
    pub(super) line_items: Option<Value>,
    after_expiration: Option<Value>,
    pub(super) allow_promotion_codes: Option<bool>,
    automatic_tax: Option<Value>,
    pub(super) billing_address_collection: Option<String>,
    #[serde(default)]
    cancel_url: Text,
    #[serde(default)]
    client_reference_id: Text,
    consent_collection: Option<Value>,
    currency: Option<String>,
    pub(super) custom_fields: Option<Value>,
    custom_text: Option<Value>,
    #[serde(default)]
    customer: Text,
    customer_creation: Option<String>,
    #[serde(default)]
    customer_email: Text,
    #[expect(dead_code, reason = "there is no page on which the customer could change anything")]
    customer_update: Option<Value>,
    discounts: Option<Value>,
    expires_at: Option<i64>,
    invoice_creation: Option<Value>,
    locale: Option<String>,
    pub(super) metadata: Option<Value>,
    optional_items: Option<Value>,
    pub(super) payment_intent_data: Option<Value>,
    payment_method_collection: Option<String>,
    payment_method_options: Option<Value>,
    pub(super) payment_method_types: Option<Vec<String>>,
    pub(super) phone_number_collection: Option<Value>,
    #[serde(default)]
    return_url: Text,
    saved_payment_method_options: Option<Value>,
    setup_intent_data: Option<Value>,
    pub(super) shipping_address_collection: Option<Value>,
    shipping_options: Option<Value>,
    submit_type: Option<String>,
    pub(super) subscription_data: Option<Value>,
    #[serde(default)]
    success_url: Text,
    tax_id_collection: Option<Value>,
    ui_mode: Option<String>,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_checkout_session";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let id = self.start(cx)?;
        Answer::stored(cx, Kind::CheckoutSession, &id)
    }
}

impl Create {
    pub(super) fn start(self, cx: &mut Cx<'_, Stripe>) -> Result<String, Error> {
        no_automatic_tax(self.automatic_tax.as_ref())?;
        if self.optional_items.as_ref().is_some_and(|given| !clears(given)) {
            return Err(Error::unmodelled("optional items of checkout sessions"));
        }
        let invoiced = self.invoice_creation.as_ref().and_then(|given| given.get("enabled"));
        if invoiced.is_some_and(|enabled| enabled == true || enabled == "true") {
            return Err(Error::unmodelled("invoices of one-time checkout sessions"));
        }
        let mode = self.mode.ok_or_else(|| Error::required("mode"))?;
        let hosted =
            !matches!(self.ui_mode.as_deref(), Some("embedded" | "custom" | "embedded_page" | "elements" | "form"));
        if hosted && self.success_url.text().is_none() {
            return Err(Error::required("success_url"));
        }
        if !hosted && self.return_url.text().is_none() {
            return Err(Error::required("return_url"));
        }
        let customer = match &self.customer {
            Text::Is(id) => Some(cx.refer(Kind::Customer, id, "customer")?),
            _ => None,
        };
        if customer.is_some() && self.customer_email.text().is_some() {
            let message = "You may only specify one of these parameters: customer, customer_email.";
            return Err(Error::invalid(message).param("customer"));
        }
        if let Some(customer) = &customer {
            timeline::enter(cx, customer);
        }
        let parts = self.parts(cx, mode)?;
        let now = cx.seconds();
        let id = format!("cs_test_{}", ids::suffix(58, || cx.random()));
        let mut session = objects::blank(Kind::CheckoutSession, &id, now);
        let expires = self.expires_at.unwrap_or(now + DAY);
        if !(now + HALF_HOUR..=now + DAY).contains(&expires) {
            let message = "The `expires_at` timestamp must be less than 24 hours and at least 30 minutes from Checkout Session creation.";
            return Err(Error::invalid(message).param("expires_at"));
        }
        session.set("expires_at", expires);
        session.set("mode", mode.name());
        session.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        if hosted {
            session.set("url", format!("https://checkout.stripe.com/c/pay/{id}"));
        } else {
            session.set("client_secret", format!("{id}_secret_{}", ids::suffix(24, || cx.random())));
            session.set("ui_mode", self.ui_mode.clone());
            session.set("return_url", self.return_url.json());
        }
        let (coupon, shown) = one_discount(cx, self.discounts.as_ref(), customer.as_ref().map(Doc::id))?;
        if coupon.is_some() && self.allow_promotion_codes.unwrap_or_default() {
            let message = "You may only specify one of these parameters: allow_promotion_codes, discounts.";
            return Err(Error::invalid(message).param("allow_promotion_codes"));
        }
        session.set("discounts", shown);
        let shipping = shipping_options(cx, self.shipping_options.as_ref())?;
        let cost = shipping.first().map(|(rate, amount)| (rate.clone(), *amount));
        let options: Vec<Value> = shipping
            .into_iter()
            .map(|(rate, amount)| json!({ "shipping_amount": amount, "shipping_rate": rate }))
            .collect();
        session.set("shipping_options", options);
        let (lines, sum) = sale::lines(cx, &parts, coupon.as_deref());
        if mode == Mode::Setup {
            session.set("currency", self.currency.as_deref().map(money::currency).transpose()?);
            session.set("payment_status", "no_payment_required");
        } else {
            let currency = parts.first().map(|part| part.price.text("currency").to_owned());
            session.set("currency", currency);
            price(&mut session, sum, cost);
        }
        self.describe(&mut session, mode, customer.as_ref());
        let mut hidden = Map::new();
        let url = format!("/v1/checkout/sessions/{id}/line_items");
        hidden.insert("line_items".to_owned(), sale::list(&lines, &url));
        for (name, value) in [
            ("payment_intent_data", self.payment_intent_data),
            ("setup_intent_data", self.setup_intent_data),
            ("subscription_data", self.subscription_data),
        ] {
            hidden.extend(value.map(|value| (name.to_owned(), value)));
        }
        // The page of a customer on a test clock follows that clock.
        let clock = customer.as_ref().map_or(Value::Null, |customer| customer.get("test_clock").clone());
        hidden.insert("test_clock".to_owned(), clock);
        cx.add(Kind::CheckoutSession, session, hidden);
        Ok(id)
    }

    /// What is sold; its prices must fit the mode.
    fn parts(&self, cx: &mut Cx<'_, Stripe>, mode: Mode) -> Result<Vec<Part>, Error> {
        let parts = sale::read(cx, self.line_items.as_ref())?;
        let recurring = parts.iter().any(Part::recurs);
        match mode {
            Mode::Setup if !parts.is_empty() => {
                let message = "You cannot pass `line_items` in `setup` mode.";
                Err(Error::invalid(message).param("line_items"))
            }
            Mode::Payment | Mode::Subscription if parts.is_empty() => Err(Error::required("line_items")),
            Mode::Payment if recurring => {
                let message = "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use \
                               only one-time prices.";
                Err(Error::invalid(message).param("mode"))
            }
            Mode::Subscription if !recurring => {
                let message = "You must provide at least one recurring price in `subscription` mode when using prices.";
                Err(Error::invalid(message).param("line_items"))
            }
            _ => Ok(parts),
        }
    }

    /// What is only shown.
    fn describe(&self, session: &mut Doc, mode: Mode, customer: Option<&Doc>) {
        self.cancel_url.apply(session, "cancel_url");
        self.success_url.apply(session, "success_url");
        self.client_reference_id.apply(session, "client_reference_id");
        self.customer_email.apply(session, "customer_email");
        if let Some(customer) = customer {
            session.set("customer", customer.id());
            session.set(
                "customer_details",
                json!({
                    "address": customer.get("address"), "business_name": null, "email": customer.get("email"),
                    "individual_name": null, "name": customer.get("name"), "phone": customer.get("phone"),
                    "tax_exempt": customer.get("tax_exempt"), "tax_ids": null,
                }),
            );
        } else if mode == Mode::Payment {
            session.set("customer_creation", self.customer_creation.as_deref().unwrap_or("if_required"));
        } else if mode == Mode::Subscription {
            session.set("customer_creation", "always");
        }
        if mode == Mode::Subscription {
            session.set("payment_method_collection", self.payment_method_collection.as_deref().unwrap_or("always"));
            session.set(
                "saved_payment_method_options",
                json!({
                    "allow_redisplay_filters": ["always"], "payment_method_remove": "disabled", "payment_method_save": null,
                }),
            );
        }
        if let Some(allow) = self.allow_promotion_codes {
            session.set("allow_promotion_codes", allow);
        }
        if let Some(types) = &self.payment_method_types {
            session.set("payment_method_types", types.clone());
        }
        for (name, value) in [
            ("billing_address_collection", &self.billing_address_collection),
            ("locale", &self.locale),
            ("submit_type", &self.submit_type),
        ] {
            if let Some(value) = value {
                session.set(name, value.as_str());
            }
        }
        for (name, value) in [
            ("after_expiration", &self.after_expiration),
            ("consent_collection", &self.consent_collection),
            ("custom_fields", &self.custom_fields),
            ("phone_number_collection", &self.phone_number_collection),
            ("saved_payment_method_options", &self.saved_payment_method_options),
            ("shipping_address_collection", &self.shipping_address_collection),
            ("tax_id_collection", &self.tax_id_collection),
        ] {
            if let Some(value) = value {
                session.set(name, value.clone());
            }
        }
        for (name, value) in
            [("custom_text", &self.custom_text), ("payment_method_options", &self.payment_method_options)]
        {
            if let Some(Value::Object(value)) = value {
                session.object_mut(name).extend(value.clone());
            }
        }
    }
}

/// Writes what a session comes to.
fn price(session: &mut Doc, sum: Sum, shipping: Option<(Value, i64)>) {
    let amount = shipping.as_ref().map_or(0, |(_, amount)| *amount);
    session.set("amount_subtotal", sum.subtotal);
    session.set("amount_total", sum.total + amount);
    session.set(
        "total_details",
        json!({ "amount_discount": sum.discount, "amount_shipping": amount, "amount_tax": sum.tax }),
    );
    if sum.total + amount == 0 {
        session.set("payment_status", "no_payment_required");
    }
    if let Some((rate, amount)) = shipping {
        session.set(
            "shipping_cost",
            json!({ "amount_subtotal": amount, "amount_tax": 0, "amount_total": amount, "shipping_rate": rate }),
        );
    }
}

/// The one coupon that a session may have, and how the session shows it.
fn one_discount(
    cx: &Cx<'_, Stripe>,
    given: Option<&Value>,
    customer: Option<&str>,
) -> Result<(Option<String>, Value), Error> {
    let Some(all) = given.filter(|given| !clears(given)) else { return Ok((None, json!([]))) };
    let all = all.as_array().cloned().unwrap_or_default();
    if all.len() > 1 {
        return Err(Error::invalid("You can only apply one discount to a Checkout Session.").param("discounts"));
    }
    let Some(one) = all.first() else { return Ok((None, json!([]))) };
    let text = |name: &str| one.get(name).and_then(Value::as_str);
    let (coupon, code) = match (text("coupon"), text("promotion_code")) {
        (Some(coupon), None) => (cx.refer(Kind::Coupon, coupon, "discounts[0][coupon]")?, None),
        (None, Some(code)) => {
            let param = "discounts[0][promotion_code]";
            let code = cx.refer(Kind::PromotionCode, code, param)?;
            let foreign = code.reference("customer").is_some_and(|own| Some(own) != customer);
            if !code.flag("active") || foreign {
                let message = format!("The promotion code `{}` is expired or inactive.", code.text("code"));
                return Err(Error::invalid(message).code("promotion_code_inactive").param(param));
            }
            let coupon = code.at("/promotion/coupon").as_str().unwrap_or_default().to_owned();
            (cx.refer(Kind::Coupon, &coupon, param)?, Some(code.id().to_owned()))
        }
        _ => return Err(Error::required("discounts[0][coupon]")),
    };
    if !discounts::valid(&coupon, cx.seconds()) {
        let message = format!("Coupon expired: {}", coupon.id());
        return Err(Error::invalid(message).code("coupon_expired").param("discounts"));
    }
    let shown = if code.is_some() { Value::Null } else { coupon.get("id").clone() };
    Ok((Some(coupon.id().to_owned()), json!([{ "coupon": shown, "promotion_code": code }])))
}

/// Ways of shipping that can be chosen, with what they cost; the first one is chosen at first.
fn shipping_options(cx: &Cx<'_, Stripe>, given: Option<&Value>) -> Result<Vec<(Value, i64)>, Error> {
    let Some(given) = given.filter(|given| !clears(given)) else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    for (at, option) in given.as_array().into_iter().flatten().enumerate() {
        let Some(rate) = option.get("shipping_rate").and_then(Value::as_str) else {
            return Err(Error::unmodelled("shipping rates that are described within a checkout session"));
        };
        let rate = cx.refer(Kind::ShippingRate, rate, &format!("shipping_options[{at}][shipping_rate]"))?;
        out.push((rate.get("id").clone(), rate.at("/fixed_amount/amount").as_i64().unwrap_or_default()));
    }
    Ok(out)
}

retrieve! {
    /// One session.
    Retrieve = "retrieve_checkout_session", Kind::CheckoutSession
}

list! {
    /// Sessions, newest first.
    List = "list_checkout_sessions", Kind::CheckoutSession,
    { customer: String, customer_details: serde_json::Value, payment_intent: String, payment_link: String, status: String, subscription: String },
    |wanted, session| {
        let fits = |member: &str, wanted: &Option<String>| crate::lists::fits(session, member, wanted.as_deref());
        let email = wanted.customer_details.as_ref().and_then(|details| details.get("email"));
        fits("customer", &wanted.customer)
            && fits("payment_intent", &wanted.payment_intent)
            && fits("payment_link", &wanted.payment_link)
            && fits("status", &wanted.status)
            && fits("subscription", &wanted.subscription)
            && email.is_none_or(|email| session.at("/customer_details/email") == email)
    }
}

/// The lines of a session.
#[derive(Debug, Deserialize)]
pub(crate) struct LineItems {
    id: String,
    limit: Option<i64>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

impl Action<Stripe> for LineItems {
    const NAME: &'static str = "list_checkout_line_items";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        cx.get(Kind::CheckoutSession, &self.id)?;
        let list = cx.hidden(Kind::CheckoutSession, &self.id, "line_items");
        let all = list["data"].as_array().cloned().unwrap_or_default();
        let url = list["url"].as_str().unwrap_or_default();
        let (after, before) = (self.starting_after.as_deref(), self.ending_before.as_deref());
        super::invoice_lines::within(cx, all, url, self.limit, after, before)
    }
}

/// Changes the metadata of a session.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    metadata: Option<Value>,
    collected_information: Option<Value>,
    shipping_options: Option<Value>,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_checkout_session";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        if self.collected_information.is_some() || self.shipping_options.is_some() {
            return Err(Error::unmodelled("changes of the page of a checkout session"));
        }
        let mut session = cx.get(Kind::CheckoutSession, &self.id)?;
        params::merge_metadata(session.object_mut("metadata"), self.metadata.as_ref())?;
        let change = cx.alter(Kind::CheckoutSession, &self.id, |stored| *stored = session);
        Answer::doc(cx, &change.after)
    }
}

/// Makes a session that is open expire.
#[derive(Debug, Deserialize)]
pub(crate) struct Expire {
    id: String,
}

impl Action<Stripe> for Expire {
    const NAME: &'static str = "expire_checkout_session";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let session = cx.get(Kind::CheckoutSession, &self.id)?;
        if session.text("status") != "open" {
            let message = format!(
                "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of {}.",
                session.text("status")
            );
            return Err(Error::invalid(message));
        }
        expire(cx, &self.id);
        Answer::stored(cx, Kind::CheckoutSession, &self.id)
    }
}

/// Closes a session on which nobody paid.
pub(crate) fn expire(cx: &mut Cx<'_, Stripe>, id: &str) {
    let change = cx.alter(Kind::CheckoutSession, id, |session| {
        session.set("status", "expired");
        session.set("url", Value::Null);
    });
    cx.emit("checkout.session.expired", &change.after);
}
