//! Products.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::prices;
use crate::Stripe;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::objects;
use crate::params::{self, Text, clears};
use crate::search::search;

/// What a product is.
#[derive(Debug, Default, Deserialize)]
struct Details {
    active: Option<bool>,
    #[serde(default)]
    description: Text,
    images: Option<Value>,
    marketing_features: Option<Value>,
    package_dimensions: Option<Value>,
    shippable: Option<bool>,
    #[serde(default)]
    statement_descriptor: Text,
    #[serde(default)]
    tax_code: Text,
    #[serde(default)]
    unit_label: Text,
    #[serde(default)]
    url: Text,
}

impl Details {
    fn apply(&self, product: &mut Doc) {
        if let Some(active) = self.active {
            product.set("active", active);
        }
        if let Some(shippable) = self.shippable {
            product.set("shippable", shippable);
        }
        self.description.apply(product, "description");
        self.statement_descriptor.apply(product, "statement_descriptor");
        self.tax_code.apply(product, "tax_code");
        self.unit_label.apply(product, "unit_label");
        self.url.apply(product, "url");
        for (name, value) in [("images", &self.images), ("marketing_features", &self.marketing_features)] {
            if let Some(value) = value {
                product.set(name, if clears(value) { json!([]) } else { value.clone() });
            }
        }
        if let Some(dimensions) = &self.package_dimensions {
            product.set("package_dimensions", if clears(dimensions) { Value::Null } else { dimensions.clone() });
        }
    }
}

/// Creates a product, with its first price where that is described.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    #[serde(default)]
    name: Text,
    id: Option<String>,
    active: Option<bool>,
    default_price_data: Option<Value>,
    #[serde(default)]
    description: Text,
    images: Option<Value>,
    marketing_features: Option<Value>,
    metadata: Option<Value>,
    package_dimensions: Option<Value>,
    shippable: Option<bool>,
    #[serde(default)]
    statement_descriptor: Text,
    #[serde(default)]
    tax_code: Text,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    unit_label: Text,
    #[serde(default)]
    url: Text,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_product";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let name = params::required(&self.name, "name")?.to_owned();
        let id = match self.id {
            Some(id) if cx.state.objects.contains(&(Kind::Product, id.clone())) => {
                let message = format!("Product already exists: {id}");
                return Err(Error::invalid(message).code("resource_already_exists").param("id"));
            }
            Some(id) => id,
            None => cx.fresh("prod"),
        };
        let mut product = objects::blank(Kind::Product, &id, cx.seconds());
        product.set("name", name);
        product.set("updated", cx.seconds());
        product.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        if let Some(kind) = self.kind {
            product.set("type", kind);
        }
        let details = Details {
            active: self.active,
            description: self.description,
            images: self.images,
            marketing_features: self.marketing_features,
            package_dimensions: self.package_dimensions,
            shippable: self.shippable,
            statement_descriptor: self.statement_descriptor,
            tax_code: self.tax_code,
            unit_label: self.unit_label,
            url: self.url,
        };
        details.apply(&mut product);
        cx.add(Kind::Product, product, Map::new());
        let mut price = None;
        if let Some(data) = &self.default_price_data {
            let given: prices::Given = params::nested(data, "default_price_data")?;
            let made = prices::create(cx, given, &id)?;
            cx.alter(Kind::Product, &id, |product| product.set("default_price", made.id()));
            price = Some(made);
        }
        let product = cx.get(Kind::Product, &id)?;
        cx.emit("product.created", &product);
        if let Some(price) = price {
            cx.emit("price.created", &price);
        }
        Answer::doc(cx, &product)
    }
}

retrieve! {
    /// One product.
    Retrieve = "retrieve_product", Kind::Product
}

/// Changes a product.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    #[serde(default)]
    name: Text,
    active: Option<bool>,
    #[serde(default)]
    default_price: Text,
    #[serde(default)]
    description: Text,
    images: Option<Value>,
    marketing_features: Option<Value>,
    metadata: Option<Value>,
    package_dimensions: Option<Value>,
    shippable: Option<bool>,
    #[serde(default)]
    statement_descriptor: Text,
    #[serde(default)]
    tax_code: Text,
    #[serde(default)]
    unit_label: Text,
    #[serde(default)]
    url: Text,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_product";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut product = cx.live(Kind::Product, &self.id)?;
        let unchanged = product.clone();
        match &self.name {
            Text::Absent => {}
            Text::Clear => return Err(Error::empty("name")),
            Text::Is(name) => product.set("name", name.as_str()),
        }
        params::merge_metadata(product.object_mut("metadata"), self.metadata.as_ref())?;
        if let Text::Is(price) = &self.default_price {
            let known = cx.refer(Kind::Price, price, "default_price")?;
            if known.text("product") != self.id {
                let message = format!("The price specified belongs to the product {}.", known.text("product"));
                return Err(Error::invalid(message).param("default_price"));
            }
        }
        self.default_price.apply(&mut product, "default_price");
        let details = Details {
            active: self.active,
            description: self.description,
            images: self.images,
            marketing_features: self.marketing_features,
            package_dimensions: self.package_dimensions,
            shippable: self.shippable,
            statement_descriptor: self.statement_descriptor,
            tax_code: self.tax_code,
            unit_label: self.unit_label,
            url: self.url,
        };
        details.apply(&mut product);
        if product != unchanged {
            product.set("updated", cx.seconds());
        }
        let change = cx.alter(Kind::Product, &self.id, |stored| *stored = product);
        cx.emit_change("product.updated", &change);
        Answer::doc(cx, &change.after)
    }
}

/// Deletes a product that has no prices.
#[derive(Debug, Deserialize)]
pub(crate) struct Delete {
    id: String,
}

impl Action<Stripe> for Delete {
    const NAME: &'static str = "delete_product";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let product = cx.live(Kind::Product, &self.id)?;
        if cx.each(Kind::Price).iter().any(|row| row.object.text("product") == self.id) {
            let message = "This product cannot be deleted because it has one or more user-created prices.";
            return Err(Error::invalid(message));
        }
        let stub = Doc::new(json!({ "id": self.id, "object": "product", "deleted": true }));
        cx.alter(Kind::Product, &self.id, |stored| *stored = stub.clone());
        cx.emit("product.deleted", &product);
        Answer::doc(cx, &stub)
    }
}

list! {
    /// Products, newest first.
    List = "list_products", Kind::Product,
    { active: bool, ids: Vec<String>, shippable: bool, r#type: String, url: String },
    |wanted, product| {
        wanted.active.is_none_or(|active| product.flag("active") == active)
            && wanted.shippable.is_none_or(|shippable| product.flag("shippable") == shippable)
            && wanted.ids.as_ref().is_none_or(|ids| ids.iter().any(|id| id == product.id()))
            && crate::lists::fits(product, "type", wanted.r#type.as_deref())
            && crate::lists::fits(product, "url", wanted.url.as_deref())
    }
}

search! {
    /// Products that a query describes.
    Search = "search_products", Kind::Product, ["active", "description", "metadata", "name", "shippable", "url"]
}
