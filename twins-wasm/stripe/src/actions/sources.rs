//! Cards of customers in the older way: `/v1/customers/{customer}/sources`. Such a card is a payment method whose id begins with
//! `card_`.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Value, json};

use super::payment_methods;
use crate::Stripe;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::lists;
use crate::objects;
use crate::params;
use crate::state::Row;

/// A payment method as the older card object.
pub(super) fn card(method: &Doc) -> Value {
    let card = |name: &str| method.get("card").get(name).cloned().unwrap_or_default();
    let details = |pointer: &str| method.at(&format!("/billing_details/{pointer}"));
    json!({
        "id": method.id().replacen("pm_", "card_", 1), "object": "card", "address_city": details("address/city"),
        "address_country": details("address/country"), "address_line1": details("address/line1"),
        "address_line1_check": card("checks")["address_line1_check"], "address_line2": details("address/line2"),
        "address_state": details("address/state"), "address_zip": details("address/postal_code"),
        "address_zip_check": card("checks")["address_postal_code_check"],
        "brand": title(card("brand").as_str().unwrap_or_default()), "country": card("country"),
        "customer": method.get("customer"), "cvc_check": card("checks")["cvc_check"], "dynamic_last4": null,
        "exp_month": card("exp_month"), "exp_year": card("exp_year"), "fingerprint": card("fingerprint"),
        "funding": card("funding"), "last4": card("last4"), "metadata": method.get("metadata"),
        "name": details("name"), "regulated_status": "unregulated", "tokenization_method": null,
    })
}

/// As the older objects spell a brand.
pub(super) fn title(brand: &str) -> &str {
    match brand {
        "visa" => "Visa",
        "mastercard" => "MasterCard",
        "amex" => "American Express",
        "discover" => "Discover",
        "diners" => "Diners Club",
        "jcb" => "JCB",
        "unionpay" => "UnionPay",
        _ => "Unknown",
    }
}

/// The card of a customer, or 404.
fn owned(cx: &Cx<'_, Stripe>, customer: &str, id: &str) -> Result<Doc, Error> {
    cx.live(Kind::Customer, customer)?;
    let known = cx.find(Kind::PaymentMethod, id).filter(|row| row.object.text("customer") == customer);
    let missing = || Error::invalid(format!("No such source: '{id}'")).status(404).code("resource_missing").param("id");
    known.map(|row| row.object.clone()).ok_or_else(missing)
}

/// Saves a card for a customer. The first one becomes their default.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    customer: String,
    source: Option<Value>,
    card: Option<Value>,
    metadata: Option<Value>,
    validate: Option<bool>,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_customer_source";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let owner = cx.live(Kind::Customer, &self.customer)?;
        if self.validate == Some(false) {
            return Err(Error::unmodelled("cards that are saved without being checked"));
        }
        let given = self.source.or(self.card).ok_or_else(|| Error::required("source"))?;
        let known = match given.as_str() {
            Some(token) => match objects::test_card(token) {
                Some(test) => payment_methods::tested(cx, test).json(),
                None => payment_methods::spend(cx, token, "source")?,
            },
            None => payment_methods::read_card(cx, &given)?.json(),
        };
        let id = payment_methods::mint(cx, "card", known);
        let metadata = params::new_metadata(self.metadata.as_ref())?;
        cx.alter(Kind::PaymentMethod, &id, |method| method.set("metadata", metadata));
        payment_methods::attach(cx, &id, &self.customer)?;
        if owner.get("default_source").is_null() {
            let change =
                cx.alter(Kind::Customer, &self.customer, |customer| customer.set("default_source", id.as_str()));
            cx.emit_change("customer.updated", &change);
        }
        let saved = Doc::new(card(&cx.get(Kind::PaymentMethod, &id)?));
        cx.emit("customer.source.created", &saved);
        Answer::doc(cx, &saved)
    }
}

/// One card of a customer.
#[derive(Debug, Deserialize)]
pub(crate) struct Retrieve {
    customer: String,
    id: String,
}

impl Action<Stripe> for Retrieve {
    const NAME: &'static str = "retrieve_customer_source";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let method = owned(cx, &self.customer, &self.id)?;
        Answer::of(cx, card(&method))
    }
}

/// Takes a card away from a customer.
#[derive(Debug, Deserialize)]
pub(crate) struct Delete {
    customer: String,
    id: String,
}

impl Action<Stripe> for Delete {
    const NAME: &'static str = "delete_customer_source";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let gone = Doc::new(card(&owned(cx, &self.customer, &self.id)?));
        payment_methods::detach(cx, &self.id);
        cx.emit("customer.source.deleted", &gone);
        Answer::of(cx, json!({ "id": self.id, "object": "card", "deleted": true }))
    }
}

/// Cards of a customer, newest first.
#[derive(Debug, Deserialize)]
pub(crate) struct List {
    customer: String,
    object: Option<String>,
    limit: Option<i64>,
}

impl Action<Stripe> for List {
    const NAME: &'static str = "list_customer_sources";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        cx.live(Kind::Customer, &self.customer)?;
        let limit = lists::limit(self.limit)?;
        let wanted = self.object.as_deref().is_none_or(|object| object == "card");
        let is_card = |row: &&Row| row.object.text("customer") == self.customer && row.object.id().starts_with("card_");
        let cards: Vec<Value> = cx
            .each(Kind::PaymentMethod)
            .into_iter()
            .filter(is_card)
            .filter(|_| wanted)
            .map(|row| card(&row.object))
            .collect();
        let has_more = cards.len() > limit;
        let data: Vec<Value> = cards.into_iter().take(limit).collect();
        let url = format!("/v1/customers/{}/sources", self.customer);
        Answer::of(cx, json!({ "object": "list", "data": data, "has_more": has_more, "url": url }))
    }
}
