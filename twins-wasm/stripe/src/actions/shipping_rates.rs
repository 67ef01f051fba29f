//! Shipping rates.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Stripe;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::error::Error;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::money;
use crate::objects;
use crate::params::{self, Text, required};

/// Creates a shipping rate with a fixed amount.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    #[serde(default)]
    display_name: Text,
    delivery_estimate: Option<Value>,
    fixed_amount: Option<Value>,
    metadata: Option<Value>,
    tax_behavior: Option<String>,
    #[serde(default)]
    tax_code: Text,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_shipping_rate";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        #[derive(Deserialize)]
        struct Fixed {
            amount: i64,
            #[serde(default)]
            currency: Text,
        }
        if self.kind.as_deref().is_some_and(|kind| kind != "fixed_amount") {
            return Err(Error::choice("type", &["fixed_amount"]));
        }
        let fixed = self.fixed_amount.as_ref().ok_or_else(|| Error::required("fixed_amount"))?;
        let fixed: Fixed = params::nested(fixed, "fixed_amount")?;
        if fixed.amount < 0 {
            return Err(Error::at_least(0, "fixed_amount[amount]"));
        }
        let currency = money::currency(required(&fixed.currency, "fixed_amount[currency]")?)?;
        let id = cx.fresh(Kind::ShippingRate.facts().prefix);
        let mut rate = objects::blank(Kind::ShippingRate, &id, cx.seconds());
        rate.set("display_name", required(&self.display_name, "display_name")?);
        rate.set("fixed_amount", json!({ "amount": fixed.amount, "currency": currency }));
        rate.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        if let Some(estimate) = self.delivery_estimate {
            let bound = |name: &str| estimate.get(name).cloned().unwrap_or_default();
            rate.set("delivery_estimate", json!({ "maximum": bound("maximum"), "minimum": bound("minimum") }));
        }
        if let Some(behavior) = self.tax_behavior {
            rate.set("tax_behavior", behavior);
        }
        self.tax_code.apply(&mut rate, "tax_code");
        cx.add(Kind::ShippingRate, rate.clone(), Map::new());
        Answer::doc(cx, &rate)
    }
}

retrieve! {
    /// One shipping rate.
    Retrieve = "retrieve_shipping_rate", Kind::ShippingRate
}

list! {
    /// Shipping rates, newest first.
    List = "list_shipping_rates", Kind::ShippingRate, { active: bool, currency: String },
    |wanted, rate| {
        wanted.active.is_none_or(|active| rate.flag("active") == active)
            && wanted.currency.as_deref().is_none_or(|currency| rate.at("/fixed_amount/currency") == currency)
    }
}

/// Changes what may be changed of a shipping rate.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    active: Option<bool>,
    metadata: Option<Value>,
    tax_behavior: Option<String>,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_shipping_rate";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut rate = cx.get(Kind::ShippingRate, &self.id)?;
        params::merge_metadata(rate.object_mut("metadata"), self.metadata.as_ref())?;
        if let Some(active) = self.active {
            rate.set("active", active);
        }
        if let Some(behavior) = self.tax_behavior {
            rate.set("tax_behavior", behavior);
        }
        let change = cx.alter(Kind::ShippingRate, &self.id, |stored| *stored = rate);
        Answer::doc(cx, &change.after)
    }
}
