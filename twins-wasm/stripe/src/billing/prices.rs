//! Prices that are named, or described within another call.

use pome_twin_kit::Cx;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Stripe;
use crate::actions::prices;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::objects;
use crate::params::{self, Text};

/// The price that `price` names or `price_data` describes. A described one is kept, but is not offered to others.
pub(crate) fn resolve(
    cx: &mut Cx<'_, Stripe>,
    price: Option<&str>,
    data: Option<&Value>,
    at: &str,
) -> Result<Option<Doc>, Error> {
    let place = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}[{name}]") };
    match (price, data) {
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: price, price_data.";
            Err(Error::invalid(message).param(place("price_data")))
        }
        (Some(price), None) => {
            let price = cx.refer(Kind::Price, price, &place("price"))?;
            if !price.flag("active") {
                let message =
                    format!("The price specified is inactive. This field only accepts active prices. ({})", price.id());
                return Err(Error::invalid(message).param(place("price")));
            }
            Ok(Some(price))
        }
        (None, Some(data)) => described(cx, data, &place("price_data")).map(Some),
        (None, None) => Ok(None),
    }
}

fn described(cx: &mut Cx<'_, Stripe>, data: &Value, at: &str) -> Result<Doc, Error> {
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    let product = match (text("product"), data.get("product_data")) {
        (Some(product), None) => cx.refer(Kind::Product, product, &format!("{at}[product]"))?.id().to_owned(),
        (None, Some(data)) => product(cx, data, &format!("{at}[product_data]"))?,
        (None, None) => return Err(Error::required(&format!("{at}[product]"))),
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: product, product_data.";
            return Err(Error::invalid(message).param(format!("{at}[product_data]")));
        }
    };
    let mut given = data.clone();
    if let Value::Object(members) = &mut given {
        members.shift_remove("product");
        members.shift_remove("product_data");
    }
    let given: prices::Given = params::nested(&given, at)?;
    let price = prices::create(cx, given, &product)?;
    Ok(cx.alter(Kind::Price, price.id(), |price| price.set("active", false)).after)
}

/// A product that is only named.
fn product(cx: &mut Cx<'_, Stripe>, data: &Value, at: &str) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct Data {
        #[serde(default)]
        name: Text,
        #[serde(default)]
        description: Text,
        images: Option<Vec<String>>,
        metadata: Option<Value>,
        #[serde(default)]
        tax_code: Text,
        #[serde(default)]
        unit_label: Text,
    }
    let data: Data = params::nested(data, at)?;
    let id = cx.fresh(Kind::Product.facts().prefix);
    let now = cx.seconds();
    let mut product = objects::blank(Kind::Product, &id, now);
    product.set("name", params::required(&data.name, &format!("{at}[name]"))?);
    product.set("active", false);
    product.set("metadata", params::new_metadata(data.metadata.as_ref())?);
    product.set("updated", now);
    if let Some(images) = data.images {
        product.set("images", images);
    }
    data.description.apply(&mut product, "description");
    data.tax_code.apply(&mut product, "tax_code");
    data.unit_label.apply(&mut product, "unit_label");
    cx.add(Kind::Product, product, Map::new());
    Ok(id)
}

/// The name of what a price sells.
pub(crate) fn product_name(cx: &Cx<'_, Stripe>, price: &Doc) -> String {
    cx.find(Kind::Product, price.text("product")).map(|row| row.object.text("name").to_owned()).unwrap_or_default()
}
