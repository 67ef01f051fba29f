//! Prices.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Stripe;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::money;
use crate::objects;
use crate::params::{self, Text, clears};
use crate::search::search;

/// A price as it is given, on its own or within another call.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Given {
    #[serde(default)]
    currency: Text,
    active: Option<bool>,
    billing_scheme: Option<String>,
    custom_unit_amount: Option<Value>,
    #[serde(default)]
    lookup_key: Text,
    metadata: Option<Value>,
    #[serde(default)]
    nickname: Text,
    recurring: Option<Value>,
    tax_behavior: Option<String>,
    tiers: Option<Value>,
    tiers_mode: Option<String>,
    transfer_lookup_key: Option<bool>,
    transform_quantity: Option<Value>,
    unit_amount: Option<i64>,
    unit_amount_decimal: Option<Value>,
}

/// Creates a price for a product that is there or is described.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    #[serde(default)]
    product: Text,
    product_data: Option<Value>,
    #[serde(default)]
    currency: Text,
    active: Option<bool>,
    billing_scheme: Option<String>,
    custom_unit_amount: Option<Value>,
    currency_options: Option<Value>,
    #[serde(default)]
    lookup_key: Text,
    metadata: Option<Value>,
    #[serde(default)]
    nickname: Text,
    recurring: Option<Value>,
    tax_behavior: Option<String>,
    tiers: Option<Value>,
    tiers_mode: Option<String>,
    transfer_lookup_key: Option<bool>,
    transform_quantity: Option<Value>,
    unit_amount: Option<i64>,
    unit_amount_decimal: Option<Value>,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_price";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        if self.currency_options.is_some() {
            return Err(Error::unmodelled("prices in several currencies"));
        }
        params::required(&self.currency, "currency")?;
        let (product, made) = match (&self.product, &self.product_data) {
            (Text::Is(_), Some(_)) => {
                let message = "You may only specify one of these parameters: product, product_data.";
                return Err(Error::invalid(message).param("product_data"));
            }
            (Text::Is(product), None) => (cx.refer(Kind::Product, product, "product")?.id().to_owned(), None),
            (_, Some(data)) => {
                let product = described(cx, data)?;
                (product.id().to_owned(), Some(product))
            }
            _ => return Err(Error::required("product")),
        };
        let given = Given {
            currency: self.currency,
            active: self.active,
            billing_scheme: self.billing_scheme,
            custom_unit_amount: self.custom_unit_amount,
            lookup_key: self.lookup_key,
            metadata: self.metadata,
            nickname: self.nickname,
            recurring: self.recurring,
            tax_behavior: self.tax_behavior,
            tiers: self.tiers,
            tiers_mode: self.tiers_mode,
            transfer_lookup_key: self.transfer_lookup_key,
            transform_quantity: self.transform_quantity,
            unit_amount: self.unit_amount,
            unit_amount_decimal: self.unit_amount_decimal,
        };
        let price = create(cx, given, &product)?;
        if let Some(product) = made {
            cx.emit("product.created", &product);
        }
        cx.emit("price.created", &price);
        Answer::doc(cx, &price)
    }
}

/// The product of a price that comes with its own.
fn described(cx: &mut Cx<'_, Stripe>, data: &Value) -> Result<Doc, Error> {
    #[derive(Deserialize)]
    struct Data {
        #[serde(default)]
        name: Text,
        id: Option<String>,
        active: Option<bool>,
        metadata: Option<Value>,
        #[serde(default)]
        statement_descriptor: Text,
        #[serde(default)]
        tax_code: Text,
        #[serde(default)]
        unit_label: Text,
    }
    let data: Data = params::nested(data, "product_data")?;
    let id = data.id.unwrap_or_else(|| cx.fresh("prod"));
    let mut product = objects::blank(Kind::Product, &id, cx.seconds());
    product.set("name", params::required(&data.name, "product_data[name]")?);
    product.set("active", data.active.unwrap_or(true));
    product.set("metadata", params::new_metadata(data.metadata.as_ref())?);
    product.set("updated", cx.seconds());
    data.statement_descriptor.apply(&mut product, "statement_descriptor");
    data.tax_code.apply(&mut product, "tax_code");
    data.unit_label.apply(&mut product, "unit_label");
    cx.add(Kind::Product, product.clone(), Map::new());
    Ok(product)
}

/// Adds a price. The event is the caller's.
pub(crate) fn create(cx: &mut Cx<'_, Stripe>, given: Given, product: &str) -> Result<Doc, Error> {
    let id = cx.fresh("price");
    let mut price = objects::blank(Kind::Price, &id, cx.seconds());
    price.set("currency", money::currency(params::required(&given.currency, "currency")?)?);
    price.set("product", product);
    price.set("active", given.active.unwrap_or(true));
    price.set("metadata", params::new_metadata(given.metadata.as_ref())?);
    given.nickname.apply(&mut price, "nickname");
    if let Text::Is(key) = &given.lookup_key {
        take_lookup_key(cx, key, given.transfer_lookup_key.unwrap_or_default())?;
        price.set("lookup_key", key.as_str());
    }
    if let Some(behavior) = given.tax_behavior {
        price.set("tax_behavior", behavior);
    }
    if let Some(recurring) = given.recurring.as_ref().filter(|given| !clears(given)) {
        price.set("recurring", self::recurring(recurring)?);
        price.set("type", "recurring");
    }
    if let Some(transform) = &given.transform_quantity {
        let divide_by = transform.get("divide_by").map(|by| params::integer(by, "transform_quantity[divide_by]"));
        let divide_by = divide_by.ok_or_else(|| Error::required("transform_quantity[divide_by]"))??;
        price.set("transform_quantity", json!({ "divide_by": divide_by, "round": transform.get("round") }));
    }
    match (given.billing_scheme.as_deref(), given.unit_amount, given.unit_amount_decimal, given.custom_unit_amount) {
        (Some("tiered"), ..) => {
            price.set("billing_scheme", "tiered");
            price.set("tiers_mode", given.tiers_mode.ok_or_else(|| Error::required("tiers_mode"))?);
            price.set("tiers", tiers(given.tiers.as_ref().ok_or_else(|| Error::required("tiers"))?)?);
        }
        (_, Some(amount), ..) => {
            if amount < 0 {
                let message = "This value must be greater than or equal to 0.";
                return Err(Error::invalid(message).code("parameter_invalid_integer").param("unit_amount"));
            }
            price.set("unit_amount", amount);
            price.set("unit_amount_decimal", amount.to_string());
        }
        (_, None, Some(decimal), _) => {
            let text = decimal.as_str().map_or_else(|| decimal.to_string(), str::to_owned);
            if text.parse::<f64>().is_err() {
                let message = format!("Invalid decimal: {text}");
                return Err(Error::invalid(message).code("parameter_invalid").param("unit_amount_decimal"));
            }
            price.set("unit_amount", text.parse::<i64>().ok());
            price.set("unit_amount_decimal", text);
        }
        (_, None, None, Some(custom)) => {
            let bound = |name: &str| -> Result<Value, Error> {
                let given =
                    custom.get(name).map(|value| params::integer(value, &format!("custom_unit_amount[{name}]")));
                Ok(given.transpose()?.into())
            };
            price.set(
                "custom_unit_amount",
                json!({ "maximum": bound("maximum")?, "minimum": bound("minimum")?, "preset": bound("preset")? }),
            );
        }
        _ => {
            let message = "Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set.";
            return Err(Error::invalid(message).code("parameter_missing").param("unit_amount"));
        }
    }
    cx.add(Kind::Price, price.clone(), Map::new());
    Ok(price)
}

/// How often a price is charged.
fn recurring(given: &Value) -> Result<Value, Error> {
    #[derive(Deserialize)]
    struct Recurring {
        #[serde(default)]
        interval: Text,
        interval_count: Option<i64>,
        #[serde(default)]
        meter: Text,
        #[serde(default)]
        usage_type: Text,
    }
    let given: Recurring = params::nested(given, "recurring")?;
    let interval = params::required(&given.interval, "recurring[interval]")?;
    let longest = match interval {
        "day" => 3 * 365,
        "week" => 156,
        "month" => 36,
        "year" => 3,
        _ => return Err(Error::choice("recurring[interval]", &["day", "week", "month", "year"])),
    };
    let count = given.interval_count.unwrap_or(1);
    if count < 1 {
        return Err(Error::at_least(1, "recurring[interval_count]"));
    }
    if count > longest {
        let message = "The maximum interval is three years.";
        return Err(Error::invalid(message).code("parameter_invalid_integer").param("recurring[interval_count]"));
    }
    Ok(json!({
        "interval": interval, "interval_count": count, "meter": given.meter.json(), "trial_period_days": null,
        "usage_type": given.usage_type.text().unwrap_or("licensed"),
    }))
}

/// What a unit costs from how many on.
fn tiers(given: &Value) -> Result<Value, Error> {
    let Value::Array(given) = given else {
        return Err(Error::invalid("Invalid array").code("parameter_invalid").param("tiers"));
    };
    let mut out = Vec::new();
    for (at, tier) in given.iter().enumerate() {
        let number = |name: &str| -> Result<Option<i64>, Error> {
            let value = tier.get(name).filter(|value| !clears(value));
            value.map(|value| params::integer(value, &format!("tiers[{at}][{name}]"))).transpose()
        };
        let up_to = match tier.get("up_to").and_then(Value::as_str) {
            Some("inf") => None,
            _ => number("up_to")?,
        };
        let (flat, unit) = (number("flat_amount")?, number("unit_amount")?);
        out.push(json!({
            "flat_amount": flat, "flat_amount_decimal": flat.map(|amount| amount.to_string()), "unit_amount": unit,
            "unit_amount_decimal": unit.map(|amount| amount.to_string()), "up_to": up_to,
        }));
    }
    Ok(out.into())
}

/// A lookup key belongs to one price.
fn take_lookup_key(cx: &mut Cx<'_, Stripe>, key: &str, transfer: bool) -> Result<(), Error> {
    let owner = cx.each(Kind::Price).into_iter().find(|row| row.object.text("lookup_key") == key);
    let Some(owner) = owner.map(|row| row.object.id().to_owned()) else { return Ok(()) };
    if !transfer {
        let message = format!(
            "A price (`{owner}`) already uses that lookup key. You can transfer the lookup key from that price by setting \
             `transfer_lookup_key`."
        );
        return Err(Error::invalid(message).code("resource_already_exists").param("lookup_key"));
    }
    cx.alter(Kind::Price, &owner, |price| price.set("lookup_key", Value::Null));
    Ok(())
}

retrieve! {
    /// One price.
    Retrieve = "retrieve_price", Kind::Price
}

/// Changes what may be changed of a price.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    active: Option<bool>,
    #[serde(default)]
    lookup_key: Text,
    metadata: Option<Value>,
    #[serde(default)]
    nickname: Text,
    tax_behavior: Option<String>,
    transfer_lookup_key: Option<bool>,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_price";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut price = cx.get(Kind::Price, &self.id)?;
        params::merge_metadata(price.object_mut("metadata"), self.metadata.as_ref())?;
        if let Some(active) = self.active {
            if !active && cx.each(Kind::Product).iter().any(|row| row.object.text("default_price") == self.id) {
                let message = "This price cannot be archived because it is the default price of its product.";
                return Err(Error::invalid(message));
            }
            price.set("active", active);
        }
        if let Text::Is(key) = &self.lookup_key
            && price.text("lookup_key") != key
        {
            take_lookup_key(cx, key, self.transfer_lookup_key.unwrap_or_default())?;
        }
        self.lookup_key.apply(&mut price, "lookup_key");
        self.nickname.apply(&mut price, "nickname");
        if let Some(behavior) = self.tax_behavior {
            price.set("tax_behavior", behavior);
        }
        let change = cx.alter(Kind::Price, &self.id, |stored| *stored = price);
        cx.emit_change("price.updated", &change);
        Answer::doc(cx, &change.after)
    }
}

list! {
    /// Prices, newest first.
    List = "list_prices", Kind::Price,
    { active: bool, currency: String, lookup_keys: Vec<String>, product: String, recurring: serde_json::Value, r#type: String },
    |wanted, price| {
        let fits = |member: &str, wanted: &Option<String>| crate::lists::fits(price, member, wanted.as_deref());
        let recurs = |name: &str| {
            let wanted = wanted.recurring.as_ref().and_then(|recurring| recurring.get(name));
            wanted.is_none_or(|wanted| price.get("recurring").get(name) == Some(wanted))
        };
        wanted.active.is_none_or(|active| price.flag("active") == active)
            && wanted.lookup_keys.as_ref().is_none_or(|keys| keys.iter().any(|key| key == price.text("lookup_key")))
            && fits("currency", &wanted.currency)
            && fits("product", &wanted.product)
            && fits("type", &wanted.r#type)
            && ["interval", "usage_type", "meter"].into_iter().all(recurs)
    }
}

search! {
    /// Prices that a query describes.
    Search = "search_prices", Kind::Price, ["active", "currency", "lookup_key", "metadata", "product", "type"]
}
