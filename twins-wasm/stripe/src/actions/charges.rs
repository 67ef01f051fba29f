//! Charges.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::charging::{self, Sale};
use super::{payment_methods, sources};
use crate::Stripe;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::error::Error;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::money;
use crate::params::{self, Text};
use crate::search::search;

/// Charges a card or a customer, without a payment intent.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    amount: i64,
    #[serde(default)]
    currency: Text,
    capture: Option<bool>,
    #[serde(default)]
    customer: Text,
    #[serde(default)]
    description: Text,
    metadata: Option<Value>,
    #[serde(default)]
    receipt_email: Text,
    shipping: Option<Value>,
    source: Option<Value>,
    #[serde(default)]
    statement_descriptor: Text,
    #[serde(default)]
    statement_descriptor_suffix: Text,
    #[serde(default)]
    transfer_group: Text,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_charge";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let currency = money::currency(params::required(&self.currency, "currency")?)?;
        money::check(self.amount, &currency)?;
        let customer = match &self.customer {
            Text::Is(id) => Some(cx.refer(Kind::Customer, id, "customer")?),
            _ => None,
        };
        let method = match (&self.source, &customer) {
            (Some(Value::String(source)), _) => payment_methods::usable(cx, source, "source")?,
            (Some(card), _) => payment_methods::of_card(cx, card)?,
            (None, Some(customer)) => match customer.reference("default_source") {
                Some(source) => source.to_owned(),
                None => {
                    let message = "Cannot charge a customer that has no active card";
                    return Err(Error::card("missing", message).param("card"));
                }
            },
            (None, None) => {
                return Err(Error::invalid("Must provide source or customer.").code("parameter_missing"));
            }
        };
        payment_methods::check_use(cx, &method, customer.as_ref().map(crate::doc::Doc::id))?;
        let mut more = Map::new();
        let mut put = |name: &str, text: &Text| more.insert(name.to_owned(), text.json());
        put("customer", &self.customer);
        put("description", &self.description);
        put("receipt_email", &self.receipt_email);
        put("statement_descriptor", &self.statement_descriptor);
        put("statement_descriptor_suffix", &self.statement_descriptor_suffix);
        put("transfer_group", &self.transfer_group);
        more.insert("metadata".to_owned(), params::new_metadata(self.metadata.as_ref())?);
        if let Some(shipping) = &self.shipping {
            more.insert("shipping".to_owned(), params::shipping(shipping, true)?);
        }
        let capture = self.capture.unwrap_or(true);
        let sale = Sale { amount: self.amount, currency, method: Some(method.clone()), capture, more };
        let (charge, decline) = charging::charge(cx, &sale);
        let source = cx.get(Kind::PaymentMethod, &method)?;
        let charge_id = charge.id().to_owned();
        let charge = cx.alter(Kind::Charge, &charge_id, |charge| charge.set("source", sources::card(&source))).after;
        if let Some(decline) = decline {
            cx.emit("charge.failed", &charge);
            cx.attempt(|_| Ok::<_, Error>(()))?;
            return Err(decline.error().with("charge", charge_id));
        }
        cx.emit("charge.succeeded", &charge);
        if capture {
            charging::aftermath(cx, &charge);
        }
        Answer::stored(cx, Kind::Charge, &charge_id)
    }
}

retrieve! {
    /// One charge.
    Retrieve = "retrieve_charge", Kind::Charge
}

/// Changes what is known of a charge.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    #[serde(default)]
    customer: Text,
    #[serde(default)]
    description: Text,
    fraud_details: Option<Value>,
    metadata: Option<Value>,
    #[serde(default)]
    receipt_email: Text,
    shipping: Option<Value>,
    #[serde(default)]
    transfer_group: Text,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_charge";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut charge = cx.get(Kind::Charge, &self.id)?;
        params::merge_metadata(charge.object_mut("metadata"), self.metadata.as_ref())?;
        if let Text::Is(customer) = &self.customer {
            cx.refer(Kind::Customer, customer, "customer")?;
            charge.set("customer", customer.as_str());
        }
        self.description.apply(&mut charge, "description");
        self.receipt_email.apply(&mut charge, "receipt_email");
        self.transfer_group.apply(&mut charge, "transfer_group");
        if let Some(shipping) = &self.shipping {
            charge.set("shipping", params::shipping(shipping, true)?);
        }
        if let Some(Value::Object(details)) = &self.fraud_details {
            charge.object_mut("fraud_details").extend(details.clone());
        }
        let change = cx.alter(Kind::Charge, &self.id, |stored| *stored = charge);
        cx.emit_change("charge.updated", &change);
        Answer::doc(cx, &change.after)
    }
}

/// Takes the money of a charge that was only authorized.
#[derive(Debug, Deserialize)]
pub(crate) struct Capture {
    id: String,
    amount: Option<i64>,
    #[serde(default)]
    receipt_email: Text,
    #[serde(default)]
    statement_descriptor: Text,
    #[serde(default)]
    statement_descriptor_suffix: Text,
}

impl Action<Stripe> for Capture {
    const NAME: &'static str = "capture_charge";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let charge = cx.get(Kind::Charge, &self.id)?;
        let id = &self.id;
        let refuse = |code, message: String| Err(Error::invalid(message).code(code));
        if charge.flag("captured") {
            return refuse("charge_already_captured", format!("Charge {id} has already been captured."));
        }
        if charge.flag("refunded") || charge.text("status") != "succeeded" {
            return refuse("charge_already_refunded", format!("Charge {id} has already been refunded."));
        }
        if let Some(intent) = charge.reference("payment_intent") {
            let message =
                format!("Charge {id} cannot be captured directly because it belongs to the PaymentIntent {intent}.");
            return Err(Error::invalid(message));
        }
        let amount = self.amount.unwrap_or(charge.number("amount"));
        if amount < 1 {
            return Err(Error::at_least(1, "amount"));
        }
        if amount > charge.number("amount") {
            let message = "Amount must be no greater than the amount that was authorized.";
            return Err(Error::invalid(message).code("amount_too_large").param("amount"));
        }
        cx.alter(Kind::Charge, id, |charge| {
            self.receipt_email.apply(charge, "receipt_email");
            self.statement_descriptor.apply(charge, "statement_descriptor");
            self.statement_descriptor_suffix.apply(charge, "statement_descriptor_suffix");
        });
        charging::capture(cx, id, amount);
        let after = cx.get(Kind::Charge, id)?;
        let previous = after.previous(&charge);
        crate::events::emit(cx, "charge.captured", &after, Some(previous));
        charging::aftermath(cx, &after);
        Answer::stored(cx, Kind::Charge, id)
    }
}

list! {
    /// Charges, newest first.
    List = "list_charges", Kind::Charge, { customer: String, payment_intent: String, transfer_group: String },
    |wanted, charge| {
        let fits = |member: &str, wanted: &Option<String>| crate::lists::fits(charge, member, wanted.as_deref());
        fits("customer", &wanted.customer)
            && fits("payment_intent", &wanted.payment_intent)
            && fits("transfer_group", &wanted.transfer_group)
    }
}

search! {
    /// Charges that a query describes.
    Search = "search_charges", Kind::Charge,
    [
        "amount", "created", "currency", "customer", "disputed", "metadata", "refunded", "status",
        "payment_method_details.card.last4", "payment_method_details.card.exp_month", "payment_method_details.card.exp_year",
        "payment_method_details.card.brand", "payment_method_details.card.fingerprint",
    ]
}
