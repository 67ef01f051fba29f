//! Tax rates.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Stripe;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::objects;
use crate::params::{self, Text, clears, required};

/// What is only said of a tax rate.
#[derive(Debug, Default, Deserialize)]
struct Words {
    country: Text,
    description: Text,
    jurisdiction: Text,
    state: Text,
    tax_type: Text,
}

impl Words {
    fn apply(&self, rate: &mut Doc) {
        self.country.apply(rate, "country");
        self.description.apply(rate, "description");
        self.jurisdiction.apply(rate, "jurisdiction");
        self.state.apply(rate, "state");
        self.tax_type.apply(rate, "tax_type");
    }
}

/// Creates a tax rate.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    #[serde(default)]
    display_name: Text,
    inclusive: bool,
    percentage: f64,
    active: Option<bool>,
    #[serde(default)]
    country: Text,
    #[serde(default)]
    description: Text,
    #[serde(default)]
    jurisdiction: Text,
    metadata: Option<Value>,
    #[serde(default)]
    state: Text,
    #[serde(default)]
    tax_type: Text,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_tax_rate";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        if !(0.0..=100.0).contains(&self.percentage) {
            let message = "Percentage must be between 0 and 100.";
            return Err(Error::invalid(message).param("percentage"));
        }
        let id = cx.fresh(Kind::TaxRate.facts().prefix);
        let mut rate = objects::blank(Kind::TaxRate, &id, cx.seconds());
        rate.set("display_name", required(&self.display_name, "display_name")?);
        rate.set("inclusive", self.inclusive);
        rate.set("percentage", self.percentage);
        rate.set("active", self.active.unwrap_or(true));
        rate.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        let Self { country, description, jurisdiction, state, tax_type, .. } = self;
        Words { country, description, jurisdiction, state, tax_type }.apply(&mut rate);
        cx.add(Kind::TaxRate, rate.clone(), Map::new());
        cx.emit("tax_rate.created", &rate);
        Answer::doc(cx, &rate)
    }
}

retrieve! {
    /// One tax rate.
    Retrieve = "retrieve_tax_rate", Kind::TaxRate
}

list! {
    /// Tax rates, newest first.
    List = "list_tax_rates", Kind::TaxRate, { active: bool, inclusive: bool },
    |wanted, rate| {
        wanted.active.is_none_or(|active| rate.flag("active") == active)
            && wanted.inclusive.is_none_or(|inclusive| rate.flag("inclusive") == inclusive)
    }
}

/// Changes what is said of a tax rate; the percentage is fixed.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    active: Option<bool>,
    #[serde(default)]
    country: Text,
    #[serde(default)]
    description: Text,
    #[serde(default)]
    display_name: Text,
    #[serde(default)]
    jurisdiction: Text,
    metadata: Option<Value>,
    #[serde(default)]
    state: Text,
    #[serde(default)]
    tax_type: Text,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_tax_rate";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut rate = cx.live(Kind::TaxRate, &self.id)?;
        params::merge_metadata(rate.object_mut("metadata"), self.metadata.as_ref())?;
        if let Some(active) = self.active {
            rate.set("active", active);
        }
        self.display_name.apply(&mut rate, "display_name");
        let Self { country, description, jurisdiction, state, tax_type, .. } = self;
        Words { country, description, jurisdiction, state, tax_type }.apply(&mut rate);
        let change = cx.alter(Kind::TaxRate, &self.id, |stored| *stored = rate);
        cx.emit_change("tax_rate.updated", &change);
        Answer::doc(cx, &change.after)
    }
}

/// The tax rates that an input names, as the objects that carry them show them.
pub(crate) fn named(cx: &Cx<'_, Stripe>, given: Option<&Value>, param: &str) -> Result<Value, Error> {
    let Some(given) = given.filter(|given| !clears(given)) else { return Ok(Value::Array(Vec::new())) };
    let Value::Array(ids) = given else {
        return Err(Error::invalid("Invalid array").code("parameter_invalid").param(param));
    };
    let mut out = Vec::new();
    for id in ids {
        out.push(cx.refer(Kind::TaxRate, id.as_str().unwrap_or_default(), param)?.json());
    }
    Ok(out.into())
}
