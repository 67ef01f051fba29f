//! Customers.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{payment_methods, test_clocks};
use crate::Stripe;
use crate::answer::Answer;
use crate::billing::timeline;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::ids;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::objects;
use crate::params::{self, Text, clears};
use crate::search::search;

/// Creates a customer. Every input may be left out.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    address: Option<Value>,
    balance: Option<i64>,
    #[serde(default)]
    description: Text,
    #[serde(default)]
    email: Text,
    invoice_settings: Option<Value>,
    metadata: Option<Value>,
    #[serde(default)]
    name: Text,
    payment_method: Option<String>,
    #[serde(default)]
    phone: Text,
    preferred_locales: Option<Vec<String>>,
    shipping: Option<Value>,
    source: Option<String>,
    tax_exempt: Option<TaxExempt>,
    #[serde(default)]
    test_clock: Text,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TaxExempt {
    Exempt,
    None,
    Reverse,
}

impl TaxExempt {
    const fn name(self) -> &'static str {
        match self {
            Self::Exempt => "exempt",
            Self::None => "none",
            Self::Reverse => "reverse",
        }
    }
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_customer";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let clock = test_clocks::named(cx, &self.test_clock)?;
        timeline::enter(cx, &Doc::new(json!({ "test_clock": clock })));
        let id = cx.fresh("cus");
        let mut customer = objects::blank(Kind::Customer, &id, cx.seconds());
        customer.set("invoice_prefix", ids::suffix(8, || cx.random()).to_uppercase());
        customer.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        if let Some(balance) = self.balance {
            customer.set("balance", balance);
        }
        let method = match (&self.payment_method, &self.source) {
            (Some(method), _) => Some(payment_methods::usable(cx, method, "payment_method")?),
            (None, Some(source)) => Some(payment_methods::usable(cx, source, "source")?),
            (None, None) => None,
        };
        let details = Details {
            address: self.address,
            description: self.description,
            email: self.email,
            invoice_settings: None,
            name: self.name,
            phone: self.phone,
            preferred_locales: self.preferred_locales,
            shipping: self.shipping,
            tax_exempt: self.tax_exempt,
        };
        details.apply(&mut customer)?;
        customer.set("test_clock", clock);
        cx.add(Kind::Customer, customer, Map::new());
        if let Some(method) = &method {
            payment_methods::attach(cx, method, &id)?;
            if self.source.is_some() {
                cx.alter(Kind::Customer, &id, |customer| customer.set("default_source", method.as_str()));
            }
        }
        if let Some(settings) = &self.invoice_settings {
            let settings = invoice_settings(cx, settings, &id)?;
            cx.alter(Kind::Customer, &id, |customer| customer.object_mut("invoice_settings").extend(settings));
        }
        let customer = cx.get(Kind::Customer, &id)?;
        cx.emit("customer.created", &customer);
        Answer::doc(cx, &customer)
    }
}

/// What both doors into a customer's details take.
#[derive(Debug)]
struct Details {
    address: Option<Value>,
    description: Text,
    email: Text,
    invoice_settings: Option<Map<String, Value>>,
    name: Text,
    phone: Text,
    preferred_locales: Option<Vec<String>>,
    shipping: Option<Value>,
    tax_exempt: Option<TaxExempt>,
}

impl Details {
    fn apply(self, customer: &mut Doc) -> Result<(), Error> {
        if let Some(address) = &self.address {
            customer.set("address", params::address(address, "address")?);
        }
        self.description.apply(customer, "description");
        self.email.apply(customer, "email");
        self.name.apply(customer, "name");
        self.phone.apply(customer, "phone");
        if let Some(settings) = self.invoice_settings {
            customer.object_mut("invoice_settings").extend(settings);
        }
        if let Some(locales) = self.preferred_locales {
            customer.set("preferred_locales", locales);
        }
        if let Some(shipping) = &self.shipping {
            customer.set("shipping", params::shipping(shipping, false)?);
        }
        if let Some(exempt) = self.tax_exempt {
            customer.set("tax_exempt", exempt.name());
        }
        Ok(())
    }
}

/// `default_payment_method` must be one of the customer's.
fn invoice_settings(cx: &Cx<'_, Stripe>, given: &Value, customer: &str) -> Result<Map<String, Value>, Error> {
    #[derive(Deserialize)]
    struct Settings {
        custom_fields: Option<Value>,
        #[serde(default)]
        default_payment_method: Text,
        #[serde(default)]
        footer: Text,
        rendering_options: Option<Value>,
    }
    let settings: Settings = params::nested(given, "invoice_settings")?;
    let mut out = Doc::default();
    if let Text::Is(method) = &settings.default_payment_method {
        let param = "invoice_settings[default_payment_method]";
        let known = cx.refer(Kind::PaymentMethod, method, param)?;
        if known.text("customer") != customer {
            let message = format!(
                "The customer does not have a payment method with the ID {method}. The payment method must be attached to the customer."
            );
            return Err(Error::invalid(message).code("resource_missing").param(param));
        }
    }
    settings.default_payment_method.apply(&mut out, "default_payment_method");
    settings.footer.apply(&mut out, "footer");
    for (name, value) in [("custom_fields", settings.custom_fields), ("rendering_options", settings.rendering_options)]
    {
        if let Some(value) = value {
            out.set(name, if clears(&value) { Value::Null } else { value });
        }
    }
    Ok(out.members().clone())
}

retrieve! {
    /// One customer; of a deleted one the stub.
    Retrieve = "retrieve_customer", Kind::Customer
}

/// Changes a customer. What is left out stays.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    address: Option<Value>,
    balance: Option<i64>,
    default_source: Option<String>,
    #[serde(default)]
    description: Text,
    #[serde(default)]
    email: Text,
    invoice_settings: Option<Value>,
    metadata: Option<Value>,
    #[serde(default)]
    name: Text,
    #[serde(default)]
    phone: Text,
    preferred_locales: Option<Vec<String>>,
    shipping: Option<Value>,
    source: Option<String>,
    tax_exempt: Option<TaxExempt>,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_customer";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut customer = cx.live(Kind::Customer, &self.id)?;
        params::merge_metadata(customer.object_mut("metadata"), self.metadata.as_ref())?;
        if let Some(balance) = self.balance {
            customer.set("balance", balance);
        }
        let invoice_settings = match &self.invoice_settings {
            Some(settings) => Some(invoice_settings(cx, settings, &self.id)?),
            None => None,
        };
        if let Some(source) = &self.source {
            let method = payment_methods::usable(cx, source, "source")?;
            payment_methods::attach(cx, &method, &self.id)?;
            customer.set("default_source", method);
        }
        if let Some(source) = &self.default_source {
            let known = cx.refer(Kind::PaymentMethod, source, "default_source")?;
            if known.text("customer") != self.id {
                return Err(Error::dangling(Kind::PaymentMethod, source, "default_source"));
            }
            customer.set("default_source", source.as_str());
        }
        let details = Details {
            address: self.address,
            description: self.description,
            email: self.email,
            invoice_settings,
            name: self.name,
            phone: self.phone,
            preferred_locales: self.preferred_locales,
            shipping: self.shipping,
            tax_exempt: self.tax_exempt,
        };
        details.apply(&mut customer)?;
        let change = cx.alter(Kind::Customer, &self.id, |stored| *stored = customer);
        cx.emit_change("customer.updated", &change);
        Answer::doc(cx, &change.after)
    }
}

/// Deletes a customer for good. Their payment methods are detached; a stub with the id stays.
#[derive(Debug, Deserialize)]
pub(crate) struct Delete {
    id: String,
}

impl Action<Stripe> for Delete {
    const NAME: &'static str = "delete_customer";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let customer = cx.get(Kind::Customer, &self.id)?;
        if customer.flag("deleted") {
            return Answer::doc(cx, &customer);
        }
        let stub = remove(cx, &customer);
        Answer::doc(cx, &stub)
    }
}

/// Deletes a customer and gives the stub that stays.
pub(crate) fn remove(cx: &mut Cx<'_, Stripe>, customer: &Doc) -> Doc {
    let id = customer.id();
    let stub = Doc::new(json!({ "id": id, "object": "customer", "deleted": true }));
    cx.alter(Kind::Customer, id, |stored| *stored = stub.clone());
    cx.emit("customer.deleted", customer);
    for method in of_customer(cx, id) {
        payment_methods::detach(cx, &method);
    }
    stub
}

fn of_customer(cx: &Cx<'_, Stripe>, customer: &str) -> Vec<String> {
    let rows = cx.each(Kind::PaymentMethod).into_iter();
    rows.filter(|row| row.object.text("customer") == customer).map(|row| row.object.id().to_owned()).collect()
}

list! {
    /// Customers that are not deleted, newest first.
    List = "list_customers", Kind::Customer, { email: String, test_clock: String },
    |wanted, customer| {
        let fits = |member: &str, wanted: &Option<String>| crate::lists::fits(customer, member, wanted.as_deref());
        fits("email", &wanted.email) && fits("test_clock", &wanted.test_clock)
    }
}

search! {
    /// Customers that a query describes.
    Search = "search_customers", Kind::Customer, ["created", "email", "metadata", "name", "phone"]
}
