//! Invoice items: what is to be put on an invoice, or already is.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::tax_rates;
use crate::Stripe;
use crate::answer::Answer;
use crate::billing::{amounts, discounts, invoices, lines, prices, timeline};
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::money;
use crate::objects;
use crate::params::{self, Text};

/// What an item costs: an amount, or a price and a quantity.
#[derive(Debug, Default, Clone, Deserialize)]
pub(crate) struct Cost {
    amount: Option<i64>,
    currency: Option<String>,
    pricing: Option<Value>,
    /// As older versions name it.
    price: Option<String>,
    price_data: Option<Value>,
    quantity: Option<i64>,
    unit_amount: Option<i64>,
    unit_amount_decimal: Option<String>,
}

impl Cost {
    /// Writes amount, currency, price and quantity into an item.
    fn write(&self, cx: &mut Cx<'_, Stripe>, item: &mut Doc) -> Result<(), Error> {
        let named = self.pricing.as_ref().and_then(|pricing| pricing.get("price")).and_then(Value::as_str);
        let price = prices::resolve(cx, named.or(self.price.as_deref()), self.price_data.as_ref(), "")?;
        let quantity = self.quantity.unwrap_or_else(|| item.number("quantity"));
        if quantity < 0 {
            return Err(Error::at_least(0, "quantity"));
        }
        if price.is_some() && self.amount.is_some() {
            let message = "You may only specify one of these parameters: amount, pricing.";
            return Err(Error::invalid(message).param("amount"));
        }
        if let Some(price) = price {
            if price.get("recurring").is_object() {
                let message = "The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.";
                return Err(Error::invalid(message).param("pricing[price]"));
            }
            item.set("amount", amounts::of_price(&price, quantity));
            item.set("currency", price.text("currency"));
            item.set("pricing", lines::pricing(&price));
            if item.get("description").is_null() {
                item.set("description", prices::product_name(cx, &price));
            }
        } else if let Some(unit) = self.unit_amount.map(|unit| unit.to_string()).or(self.unit_amount_decimal.clone()) {
            let priced = Doc::new(json!({ "unit_amount": unit.parse::<i64>().ok(), "unit_amount_decimal": unit }));
            item.set("amount", amounts::of_price(&priced, quantity));
            item.set("pricing", json!({ "type": "price_details", "unit_amount_decimal": unit }));
        } else if let Some(amount) = self.amount {
            if self.quantity.is_some_and(|quantity| quantity != 1) {
                let message = "You cannot specify `quantity` together with `amount`.";
                return Err(Error::invalid(message).param("quantity"));
            }
            item.set("amount", amount);
            let unit =
                json!({ "price_details": null, "type": "price_details", "unit_amount_decimal": amount.to_string() });
            item.set("pricing", unit);
        } else if self.quantity.is_some() {
            let id = item.at("/pricing/price_details/price").as_str().unwrap_or_default().to_owned();
            if let Some(price) = cx.find(Kind::Price, &id).map(|row| row.object.clone()) {
                item.set("amount", amounts::of_price(&price, quantity));
            }
        }
        if let Some(currency) = &self.currency {
            item.set("currency", money::currency(currency)?);
        }
        item.set("quantity", quantity);
        item.set("quantity_decimal", quantity.to_string());
        item.set("net_amount", item.number("amount"));
        Ok(())
    }

    fn given(&self) -> bool {
        let priced = self.pricing.is_some() || self.price.is_some() || self.price_data.is_some();
        priced || self.amount.is_some() || self.unit_amount.is_some() || self.unit_amount_decimal.is_some()
    }
}

/// Creates an invoice item: on a draft that is named, or pending until the customer's next invoice.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    amount: Option<i64>,
    currency: Option<String>,
    #[serde(default)]
    customer: Text,
    #[serde(default)]
    description: Text,
    discountable: Option<bool>,
    discounts: Option<Value>,
    #[serde(default)]
    invoice: Text,
    metadata: Option<Value>,
    period: Option<Value>,
    price: Option<String>,
    price_data: Option<Value>,
    pricing: Option<Value>,
    quantity: Option<i64>,
    #[serde(default)]
    subscription: Text,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    tax_behavior: Option<String>,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    #[serde(default)]
    tax_code: Text,
    tax_rates: Option<Value>,
    unit_amount: Option<i64>,
    unit_amount_decimal: Option<String>,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_invoice_item";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let invoice = match &self.invoice {
            Text::Is(id) => Some(editable(cx, id)?),
            _ => None,
        };
        let customer = match (&self.customer, &invoice) {
            (Text::Is(customer), _) => customer.clone(),
            (_, Some(invoice)) => invoice.text("customer").to_owned(),
            _ => return Err(Error::required("customer")),
        };
        let customer = cx.refer(Kind::Customer, &customer, "customer")?;
        if invoice.as_ref().is_some_and(|invoice| invoice.text("customer") != customer.id()) {
            let message = "The customer of the invoice item does not match the customer of the invoice.";
            return Err(Error::invalid(message).param("customer"));
        }
        timeline::enter(cx, &customer);
        let now = cx.seconds();
        let id = cx.fresh(Kind::InvoiceItem.facts().prefix);
        let mut item = objects::blank(Kind::InvoiceItem, &id, now);
        item.set("customer", customer.id());
        item.set("date", now);
        item.set("period", json!({ "end": now, "start": now }));
        item.set("test_clock", customer.get("test_clock").clone());
        if let Some(invoice) = &invoice {
            item.set("currency", invoice.text("currency"));
        } else if let Some(currency) = customer.reference("currency") {
            item.set("currency", currency);
        }
        self.description.apply(&mut item, "description");
        let cost = Cost {
            amount: self.amount,
            currency: self.currency,
            pricing: self.pricing,
            price: self.price,
            price_data: self.price_data,
            quantity: self.quantity,
            unit_amount: self.unit_amount,
            unit_amount_decimal: self.unit_amount_decimal,
        };
        if !cost.given() {
            return Err(Error::required("amount"));
        }
        if cost.amount.is_some() && cost.currency.is_none() && invoice.is_none() && customer.get("currency").is_null() {
            return Err(Error::required("currency"));
        }
        cost.write(cx, &mut item)?;
        if invoice.as_ref().is_some_and(|invoice| invoice.text("currency") != item.text("currency")) {
            let message = "The currency of the invoice item must match the currency of the invoice.";
            return Err(Error::invalid(message).param("currency"));
        }
        item.set("discountable", self.discountable.unwrap_or(item.number("amount") >= 0));
        item.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        item.set("tax_rates", tax_rates::named(cx, self.tax_rates.as_ref(), "tax_rates")?);
        if let Some(period) = &self.period {
            item.set("period", read_period(period)?);
        }
        if let Text::Is(subscription) = &self.subscription {
            let subscription = cx.refer(Kind::Subscription, subscription, "subscription")?;
            item.set(
                "parent",
                json!({
                    "subscription_details": { "subscription": subscription.id() }, "type": "subscription_details",
                }),
            );
        }
        if let Some(given) = &self.discounts {
            let owner = [("customer", customer.id()), ("invoice_item", id.as_str())];
            item.set("discounts", discounts::given(cx, given, &owner)?);
        }
        if let Some(invoice) = &invoice {
            item.set("invoice", invoice.id());
        }
        cx.add(Kind::InvoiceItem, item.clone(), Map::new());
        cx.emit("invoiceitem.created", &item);
        if let Some(invoice) = &invoice {
            rebuilt(cx, invoice.id());
        }
        Answer::stored(cx, Kind::InvoiceItem, &id)
    }
}

fn read_period(given: &Value) -> Result<Value, Error> {
    #[derive(Deserialize)]
    struct Period {
        start: i64,
        end: i64,
    }
    let Period { start, end } = params::nested(given, "period")?;
    if end < start {
        return Err(Error::invalid("The end of a period must not be before its start.").param("period[end]"));
    }
    Ok(json!({ "end": end, "start": start }))
}

/// A draft that an input names.
fn editable(cx: &Cx<'_, Stripe>, invoice: &str) -> Result<Doc, Error> {
    let invoice = cx.refer(Kind::Invoice, invoice, "invoice")?;
    if invoice.text("status") != "draft" {
        let message = "This invoice is no longer editable";
        return Err(Error::invalid(message).code("invoice_not_editable").param("invoice"));
    }
    Ok(invoice)
}

fn rebuilt(cx: &mut Cx<'_, Stripe>, invoice: &str) {
    let change = invoices::rebuild(cx, invoice);
    cx.emit_change("invoice.updated", &change);
}

retrieve! {
    /// One invoice item.
    Retrieve = "retrieve_invoice_item", Kind::InvoiceItem
}

list! {
    /// Invoice items, newest first.
    List = "list_invoice_items", Kind::InvoiceItem, { customer: String, invoice: String, pending: bool },
    |wanted, item| {
        crate::lists::fits(item, "customer", wanted.customer.as_deref())
            && crate::lists::fits(item, "invoice", wanted.invoice.as_deref())
            && wanted.pending.is_none_or(|pending| item.get("invoice").is_null() == pending)
    }
}

/// Changes an invoice item that is pending or on a draft.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    amount: Option<i64>,
    #[serde(default)]
    description: Text,
    discountable: Option<bool>,
    discounts: Option<Value>,
    metadata: Option<Value>,
    period: Option<Value>,
    price: Option<String>,
    price_data: Option<Value>,
    pricing: Option<Value>,
    quantity: Option<i64>,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    tax_behavior: Option<String>,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    #[serde(default)]
    tax_code: Text,
    tax_rates: Option<Value>,
    unit_amount: Option<i64>,
    unit_amount_decimal: Option<String>,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_invoice_item";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut item = cx.live(Kind::InvoiceItem, &self.id)?;
        let invoice = match item.reference("invoice") {
            Some(invoice) => Some(editable(cx, invoice)?),
            None => None,
        };
        timeline::enter_of(cx, item.text("customer"));
        self.description.apply(&mut item, "description");
        let cost = Cost {
            amount: self.amount,
            currency: None,
            pricing: self.pricing,
            price: self.price,
            price_data: self.price_data,
            quantity: self.quantity,
            unit_amount: self.unit_amount,
            unit_amount_decimal: self.unit_amount_decimal,
        };
        cost.write(cx, &mut item)?;
        if let Some(discountable) = self.discountable {
            item.set("discountable", discountable);
        }
        params::merge_metadata(item.object_mut("metadata"), self.metadata.as_ref())?;
        if let Some(rates) = &self.tax_rates {
            item.set("tax_rates", tax_rates::named(cx, Some(rates), "tax_rates")?);
        }
        if let Some(period) = &self.period {
            item.set("period", read_period(period)?);
        }
        if let Some(given) = &self.discounts {
            let customer = item.text("customer").to_owned();
            let owner = [("customer", customer.as_str()), ("invoice_item", self.id.as_str())];
            item.set("discounts", discounts::given(cx, given, &owner)?);
        }
        cx.alter(Kind::InvoiceItem, &self.id, |stored| *stored = item);
        if let Some(invoice) = &invoice {
            rebuilt(cx, invoice.id());
        }
        Answer::stored(cx, Kind::InvoiceItem, &self.id)
    }
}

/// Deletes an invoice item that is pending or on a draft.
#[derive(Debug, Deserialize)]
pub(crate) struct Delete {
    id: String,
}

impl Action<Stripe> for Delete {
    const NAME: &'static str = "delete_invoice_item";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let item = cx.live(Kind::InvoiceItem, &self.id)?;
        let invoice = match item.reference("invoice") {
            Some(invoice) => Some(editable(cx, invoice)?),
            None => None,
        };
        timeline::enter_of(cx, item.text("customer"));
        let stub = Doc::new(json!({ "id": self.id, "object": "invoiceitem", "deleted": true }));
        cx.alter(Kind::InvoiceItem, &self.id, |stored| *stored = stub.clone());
        cx.emit("invoiceitem.deleted", &item);
        if let Some(invoice) = &invoice {
            rebuilt(cx, invoice.id());
        }
        Answer::doc(cx, &stub)
    }
}
