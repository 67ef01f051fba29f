//! Coupons, and the codes that customers type to get them.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Stripe;
use crate::answer::Answer;
use crate::billing::discounts;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::ids;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::money;
use crate::objects;
use crate::params::{self, Text};

/// Creates a coupon: an amount or a percentage off.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    #[serde(default)]
    id: Text,
    amount_off: Option<i64>,
    applies_to: Option<Value>,
    #[serde(default)]
    currency: Text,
    currency_options: Option<Value>,
    duration: Option<Duration>,
    duration_in_months: Option<i64>,
    max_redemptions: Option<i64>,
    metadata: Option<Value>,
    #[serde(default)]
    name: Text,
    percent_off: Option<f64>,
    redeem_by: Option<i64>,
}

/// How long a coupon counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Duration {
    Forever,
    #[default]
    Once,
    Repeating,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_coupon";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        if self.currency_options.is_some() {
            return Err(Error::unmodelled("coupons in several currencies"));
        }
        let id = self.id.text().map_or_else(|| ids::suffix(8, || cx.random()), str::to_owned);
        if cx.find(Kind::Coupon, &id).is_some_and(|row| !row.deleted()) {
            return Err(Error::invalid("Coupon already exists.").code("resource_already_exists"));
        }
        let now = cx.seconds();
        let mut coupon = objects::blank(Kind::Coupon, &id, now);
        match (self.amount_off, self.percent_off) {
            (Some(amount), None) => {
                if amount < 1 {
                    return Err(Error::at_least(1, "amount_off"));
                }
                if self.currency.text().is_none() {
                    return Err(Error::invalid("You must pass currency when passing amount_off").param("currency"));
                }
                coupon.set("amount_off", amount);
                coupon.set("currency", money::currency(params::required(&self.currency, "currency")?)?);
            }
            (None, Some(percent)) => {
                if !(percent > 0.0 && percent <= 100.0) {
                    let message = "Invalid percent_off: must be greater than 0 and less than or equal to 100";
                    return Err(Error::invalid(message).param("percent_off"));
                }
                coupon.set("percent_off", percent);
            }
            (Some(_), Some(_)) => {
                let message = "You may only specify one of these parameters: amount_off, percent_off.";
                return Err(Error::invalid(message).param("percent_off"));
            }
            (None, None) => {
                let message = "Must provide percent_off or amount_off when creating a coupon";
                return Err(Error::invalid(message).param("percent_off"));
            }
        }
        let duration = self.duration.unwrap_or_default();
        match (duration, self.duration_in_months) {
            (Duration::Repeating, None) => {
                return Err(Error::invalid("You must pass duration_in_months when passing duration = repeating")
                    .param("duration_in_months"));
            }
            (Duration::Repeating, Some(months)) if months < 1 => return Err(Error::at_least(1, "duration_in_months")),
            (Duration::Repeating, Some(months)) => coupon.set("duration_in_months", months),
            (_, Some(_)) => {
                let message = "You may only pass duration_in_months when passing duration = repeating";
                return Err(Error::invalid(message).param("duration_in_months"));
            }
            (_, None) => {}
        }
        let name = match duration {
            Duration::Forever => "forever",
            Duration::Once => "once",
            Duration::Repeating => "repeating",
        };
        coupon.set("duration", name);
        if self.redeem_by.is_some_and(|end| end <= now) {
            let message = "The redeem_by date must be in the future.";
            return Err(Error::invalid(message).param("redeem_by"));
        }
        coupon.set("redeem_by", self.redeem_by);
        if self.max_redemptions.is_some_and(|most| most < 1) {
            return Err(Error::at_least(1, "max_redemptions"));
        }
        coupon.set("max_redemptions", self.max_redemptions);
        coupon.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        self.name.apply(&mut coupon, "name");
        let mut hidden = Map::new();
        if let Some(products) = self.applies_to.as_ref().and_then(|given| given.get("products")) {
            for product in products.as_array().into_iter().flatten().filter_map(Value::as_str) {
                cx.refer(Kind::Product, product, "applies_to[products]")?;
            }
            hidden.insert("products".to_owned(), products.clone());
        }
        cx.add(Kind::Coupon, coupon.clone(), hidden);
        cx.emit("coupon.created", &coupon);
        Answer::doc(cx, &coupon)
    }
}

/// One coupon that was not deleted.
#[derive(Debug, Deserialize)]
pub(crate) struct Retrieve {
    id: String,
}

impl Action<Stripe> for Retrieve {
    const NAME: &'static str = "retrieve_coupon";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        Answer::doc(cx, &cx.live(Kind::Coupon, &self.id)?)
    }
}

list! {
    /// Coupons, newest first.
    List = "list_coupons", Kind::Coupon, {}, |_, _| true
}

/// Changes the name and the metadata of a coupon; the rest of it is fixed.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    currency_options: Option<Value>,
    metadata: Option<Value>,
    #[serde(default)]
    name: Text,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_coupon";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        if self.currency_options.is_some() {
            return Err(Error::unmodelled("coupons in several currencies"));
        }
        let mut coupon = cx.live(Kind::Coupon, &self.id)?;
        params::merge_metadata(coupon.object_mut("metadata"), self.metadata.as_ref())?;
        self.name.apply(&mut coupon, "name");
        let change = cx.alter(Kind::Coupon, &self.id, |stored| *stored = coupon);
        cx.emit_change("coupon.updated", &change);
        Answer::doc(cx, &change.after)
    }
}

/// Deletes a coupon. Who has it keeps it.
#[derive(Debug, Deserialize)]
pub(crate) struct Delete {
    id: String,
}

impl Action<Stripe> for Delete {
    const NAME: &'static str = "delete_coupon";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let coupon = cx.live(Kind::Coupon, &self.id)?;
        // Discounts that were given go on, so what they take off stays known.
        cx.alter(Kind::Coupon, &self.id, |coupon| coupon.set("deleted", true));
        cx.emit("coupon.deleted", &coupon);
        Answer::of(cx, json!({ "id": self.id, "object": "coupon", "deleted": true }))
    }
}

/// Creates a promotion code for a coupon.
#[derive(Debug, Deserialize)]
pub(crate) struct CreateCode {
    promotion: Option<Value>,
    #[serde(default)]
    coupon: Text,
    active: Option<bool>,
    #[serde(default)]
    code: Text,
    #[serde(default)]
    customer: Text,
    expires_at: Option<i64>,
    max_redemptions: Option<i64>,
    metadata: Option<Value>,
    restrictions: Option<Value>,
}

impl Action<Stripe> for CreateCode {
    const NAME: &'static str = "create_promotion_code";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        #[derive(Deserialize)]
        struct Promotion {
            #[serde(default)]
            coupon: Text,
        }
        #[derive(Default, Deserialize)]
        struct Restrictions {
            first_time_transaction: Option<bool>,
            minimum_amount: Option<i64>,
            minimum_amount_currency: Option<String>,
        }
        // Older versions name the coupon directly.
        let (coupon, param) = match &self.promotion {
            Some(given) => (params::nested::<Promotion>(given, "promotion")?.coupon, "promotion[coupon]"),
            None if self.coupon == Text::Absent => return Err(Error::required("promotion")),
            None => (self.coupon, "coupon"),
        };
        let coupon = cx.refer(Kind::Coupon, params::required(&coupon, param)?, param)?;
        let now = cx.seconds();
        if !discounts::valid(&coupon, now) {
            return Err(Error::invalid(format!("Coupon expired: {}", coupon.id())).code("coupon_expired").param(param));
        }
        let text = self.code.text().map_or_else(|| ids::suffix(8, || cx.random()).to_uppercase(), str::to_owned);
        let same = |doc: &Doc| {
            doc.text("code").eq_ignore_ascii_case(&text)
                && doc.flag("active")
                && (doc.get("customer").is_null() || doc.reference("customer") == self.customer.text())
        };
        if cx.each(Kind::PromotionCode).iter().any(|row| same(&row.object)) {
            let message = "An active promotion code with `code: ".to_owned() + &text + "` already exists.";
            return Err(Error::invalid(message).code("resource_already_exists").param("code"));
        }
        if let Text::Is(customer) = &self.customer {
            cx.refer(Kind::Customer, customer, "customer")?;
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            let message = "The expires_at timestamp must be in the future.";
            return Err(Error::invalid(message).param("expires_at"));
        }
        let restrictions: Restrictions = match &self.restrictions {
            Some(given) => params::nested(given, "restrictions")?,
            None => Restrictions::default(),
        };
        if restrictions.minimum_amount.is_some() && restrictions.minimum_amount_currency.is_none() {
            return Err(Error::required("restrictions[minimum_amount_currency]"));
        }
        let id = cx.fresh(Kind::PromotionCode.facts().prefix);
        let mut code = objects::blank(Kind::PromotionCode, &id, now);
        code.set("active", self.active.unwrap_or(true));
        code.set("code", text);
        code.set("expires_at", self.expires_at);
        code.set("max_redemptions", self.max_redemptions);
        code.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        code.set("promotion", json!({ "coupon": coupon.id(), "type": "coupon" }));
        code.set(
            "restrictions",
            json!({
                "first_time_transaction": restrictions.first_time_transaction.unwrap_or_default(),
                "minimum_amount": restrictions.minimum_amount,
                "minimum_amount_currency": restrictions.minimum_amount_currency,
            }),
        );
        self.customer.apply(&mut code, "customer");
        cx.add(Kind::PromotionCode, code.clone(), Map::new());
        cx.emit("promotion_code.created", &code);
        Answer::doc(cx, &code)
    }
}

retrieve! {
    /// One promotion code.
    RetrieveCode = "retrieve_promotion_code", Kind::PromotionCode
}

list! {
    /// Promotion codes, newest first.
    ListCodes = "list_promotion_codes", Kind::PromotionCode,
    { active: bool, code: String, coupon: String, customer: String },
    |wanted, code| {
        wanted.active.is_none_or(|active| code.flag("active") == active)
            && wanted.code.as_ref().is_none_or(|text| code.text("code").eq_ignore_ascii_case(text))
            && wanted.coupon.as_ref().is_none_or(|coupon| code.at("/promotion/coupon") == coupon.as_str())
            && crate::lists::fits(code, "customer", wanted.customer.as_deref())
    }
}

/// Changes a promotion code: it can be put out of use and back.
#[derive(Debug, Deserialize)]
pub(crate) struct UpdateCode {
    id: String,
    active: Option<bool>,
    metadata: Option<Value>,
    restrictions: Option<Value>,
}

impl Action<Stripe> for UpdateCode {
    const NAME: &'static str = "update_promotion_code";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        if self.restrictions.is_some() {
            return Err(Error::unmodelled("promotion codes in several currencies"));
        }
        let mut code = cx.live(Kind::PromotionCode, &self.id)?;
        params::merge_metadata(code.object_mut("metadata"), self.metadata.as_ref())?;
        if let Some(active) = self.active {
            if active && !discounts::valid(&code, cx.seconds()) {
                let message = "This promotion code cannot be activated: it has been redeemed as often as it may be.";
                return Err(Error::invalid(message).param("active"));
            }
            code.set("active", active);
        }
        let change = cx.alter(Kind::PromotionCode, &self.id, |stored| *stored = code);
        cx.emit_change("promotion_code.updated", &change);
        Answer::doc(cx, &change.after)
    }
}
