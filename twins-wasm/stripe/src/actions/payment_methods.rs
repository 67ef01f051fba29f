//! Payment methods: cards, of which only the mark is kept.

use pome_twin_kit::clock::Time;
use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Stripe;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::lists::{Page, list, page, retrieve};
use crate::objects::{self, Card};
use crate::params::{self, Text, clears, required};

/// Creates a payment method from a card.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    #[serde(rename = "type", default)]
    kind: Text,
    card: Option<Value>,
    billing_details: Option<Value>,
    allow_redisplay: Option<String>,
    metadata: Option<Value>,
    customer: Option<String>,
    payment_method: Option<String>,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_payment_method";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        if self.payment_method.is_some() || self.customer.is_some() {
            return Err(Error::unmodelled("cloning of payment methods to connected accounts"));
        }
        let given = Given {
            kind: Some(required(&self.kind, "type")?.to_owned()),
            card: self.card,
            billing_details: self.billing_details,
            allow_redisplay: self.allow_redisplay,
            metadata: self.metadata,
        };
        let id = create(cx, given)?;
        Answer::stored(cx, Kind::PaymentMethod, &id)
    }
}

/// A payment method as it is given, on its own or within another call.
#[derive(Debug, Deserialize)]
pub(crate) struct Given {
    #[serde(rename = "type")]
    kind: Option<String>,
    card: Option<Value>,
    billing_details: Option<Value>,
    allow_redisplay: Option<String>,
    metadata: Option<Value>,
}

/// Adds a payment method and gives its id.
pub(crate) fn create(cx: &mut Cx<'_, Stripe>, given: Given) -> Result<String, Error> {
    let kind = given.kind.ok_or_else(|| Error::required("type"))?;
    if kind != "card" {
        let message = format!("This Stripe twin models payment methods of type card only, not {kind}.");
        return Err(Error::invalid(message).code("parameter_invalid_string").param("type"));
    }
    let card = given.card.as_ref().ok_or_else(|| Error::required("card"))?;
    let card = match card.get("token").and_then(Value::as_str) {
        Some(token) if cx.find(Kind::Token, token).is_some() => spend(cx, token, "card[token]")?,
        _ => read_card(cx, card)?.json(),
    };
    let id = cx.fresh("pm");
    let mut method = objects::blank(Kind::PaymentMethod, &id, cx.seconds());
    method.set("card", card);
    method.set("metadata", params::new_metadata(given.metadata.as_ref())?);
    if let Some(redisplay) = given.allow_redisplay {
        method.set("allow_redisplay", redisplay);
    }
    if let Some(details) = &given.billing_details {
        fill_billing_details(&mut method, details)?;
    }
    cx.add(Kind::PaymentMethod, method, Map::new());
    Ok(id)
}

/// A card by number, or by the token of a test card.
pub(crate) fn read_card(cx: &Cx<'_, Stripe>, given: &Value) -> Result<Card, Error> {
    #[derive(Deserialize)]
    struct Input {
        #[serde(default)]
        number: Text,
        exp_month: Option<i64>,
        exp_year: Option<i64>,
        cvc: Option<Value>,
        token: Option<String>,
    }
    let Input { number, exp_month, exp_year, cvc, token } = params::nested(given, "card")?;
    if let Some(token) = token {
        let known = objects::test_card(&token);
        return known.map(|card| tested(cx, card)).ok_or_else(|| Error::dangling(Kind::Token, &token, "card[token]"));
    }
    let number = required(&number, "card[number]")?;
    let number: String = number.chars().filter(|character| !matches!(character, ' ' | '-')).collect();
    let digits = (12..=19).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || !objects::luhn(&number) {
        return Err(Error::card("incorrect_number", "Your card number is incorrect.").param("card[number]"));
    }
    let month = exp_month.ok_or_else(|| Error::required("card[exp_month]"))?;
    let year = exp_year.ok_or_else(|| Error::required("card[exp_year]"))?;
    let year = if (0..100).contains(&year) { year + 2000 } else { year };
    let (this_year, this_month) = this_month(cx.now());
    if !(1..=12).contains(&month) || (year == this_year && month < this_month) {
        let error = Error::card("invalid_expiry_month", "Your card's expiration month is invalid.");
        return Err(error.param("card[exp_month]"));
    }
    if year < this_year {
        let error = Error::card("invalid_expiry_year", "Your card's expiration year is invalid.");
        return Err(error.param("card[exp_year]"));
    }
    Ok(Card::new(&number, month, year, cvc.is_some_and(|cvc| !clears(&cvc))))
}

fn this_month(now: Time) -> (i64, i64) {
    let text = now.to_seconds().to_string();
    let part = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse().ok()).unwrap_or_default();
    (part(0, 4), part(5, 7))
}

/// The vendor's test cards expire at the end of a year that is not near.
pub(super) fn tested(cx: &Cx<'_, Stripe>, card: &objects::TestCard) -> Card {
    let (year, month) = this_month(cx.now());
    Card::new(card.number, month, year + 1, true)
}

fn fill_billing_details(method: &mut Doc, details: &Value) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Details {
        address: Option<Value>,
        #[serde(default)]
        email: Text,
        #[serde(default)]
        name: Text,
        #[serde(default)]
        phone: Text,
        #[serde(default)]
        tax_id: Text,
    }
    let details: Details = params::nested(details, "billing_details")?;
    let mut own = Doc::new(method.get("billing_details").clone());
    if let Some(address) = &details.address {
        match params::address(address, "billing_details[address]")? {
            Value::Object(parts) => own.object_mut("address").extend(parts),
            _ => own.set("address", objects::billing_details()["address"].clone()),
        }
    }
    details.email.apply(&mut own, "email");
    details.name.apply(&mut own, "name");
    details.phone.apply(&mut own, "phone");
    details.tax_id.apply(&mut own, "tax_id");
    method.set("billing_details", own.json());
    Ok(())
}

/// The id of the payment method that an input names. The name of a test card makes a new one; so does a token.
pub(crate) fn usable(cx: &mut Cx<'_, Stripe>, name: &str, param: &str) -> Result<String, Error> {
    if let Some(card) = objects::test_card(name) {
        return Ok(mint(cx, "pm", tested(cx, card).json()));
    }
    if cx.find(Kind::Token, name).is_some() {
        let card = spend(cx, name, param)?;
        return Ok(mint(cx, "pm", card));
    }
    let method = cx.refer(Kind::PaymentMethod, name, param)?;
    Ok(method.id().to_owned())
}

/// The card of a token, which works once.
pub(super) fn spend(cx: &mut Cx<'_, Stripe>, token: &str, param: &str) -> Result<Value, Error> {
    let known = cx.refer(Kind::Token, token, param)?;
    if known.flag("used") {
        let message = format!("You cannot use a Stripe token more than once: {token}.");
        return Err(Error::invalid(message).code("token_already_used").param(param));
    }
    cx.alter(Kind::Token, token, |token| token.set("used", true));
    Ok(cx.hidden(Kind::Token, token, "card"))
}

/// Adds a payment method with a card that is known.
pub(super) fn mint(cx: &mut Cx<'_, Stripe>, prefix: &str, card: Value) -> String {
    let id = cx.fresh(prefix);
    let mut method = objects::blank(Kind::PaymentMethod, &id, cx.seconds());
    method.set("card", card);
    cx.add(Kind::PaymentMethod, method, Map::new());
    id
}

/// Refuses a payment method that may not be used for a customer (or for nobody).
pub(crate) fn check_use(cx: &Cx<'_, Stripe>, id: &str, customer: Option<&str>) -> Result<(), Error> {
    let method = cx.refer(Kind::PaymentMethod, id, "payment_method")?;
    let refuse = |code, message: &str| Err(Error::invalid(message).code(code).param("payment_method"));
    if cx.hidden(Kind::PaymentMethod, id, "detached") == true {
        return refuse(
            "payment_method_previously_detached",
            "A payment method that has been previously detached from a customer may not be used again.",
        );
    }
    if method.reference("customer").is_none() && cx.hidden(Kind::PaymentMethod, id, "used") == true {
        return Err(used_up());
    }
    match method.reference("customer") {
        Some(owner) if Some(owner) != customer => refuse(
            "payment_method_customer_mismatch",
            "The payment method you provided is attached to a customer. You may only use it with that customer via the `customer` \
             parameter.",
        ),
        _ => Ok(()),
    }
}

/// One that belongs to nobody pays once.
fn used_up() -> Error {
    Error::invalid(
        "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected \
         account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod \
         multiple times, you must attach it to a Customer first.",
    )
    .param("payment_method")
}

/// Attaches a payment method to a customer.
pub(crate) fn attach(cx: &mut Cx<'_, Stripe>, id: &str, customer: &str) -> Result<(), Error> {
    let method = cx.refer(Kind::PaymentMethod, id, "payment_method")?;
    let refuse = |code, message: &str| Err(Error::invalid(message).code(code).param("payment_method"));
    if method.reference("customer").is_some() {
        return refuse(
            "payment_method_already_attached",
            "This PaymentMethod has already been attached to a customer.",
        );
    }
    if cx.hidden(Kind::PaymentMethod, id, "detached") == true {
        return refuse(
            "payment_method_previously_detached",
            "A payment method that has been previously detached from a customer may not be reattached.",
        );
    }
    if cx.hidden(Kind::PaymentMethod, id, "used") == true {
        return Err(used_up());
    }
    let mark = method.at("/card/fingerprint").as_str().unwrap_or_default();
    // The vendor asks the bank for nothing when a card is saved, and still learns that it is no good.
    if let Some(error) = super::outcomes::on_attach(mark) {
        return Err(error);
    }
    let change = cx.alter(Kind::PaymentMethod, id, |method| method.set("customer", customer));
    cx.emit("payment_method.attached", &change.after);
    Ok(())
}

/// Detaches a payment method; it cannot be used again.
pub(crate) fn detach(cx: &mut Cx<'_, Stripe>, id: &str) {
    let change = cx.alter(Kind::PaymentMethod, id, |method| method.set("customer", Value::Null));
    cx.hide(Kind::PaymentMethod, id, "detached", true.into());
    if let Some(customer) = change.before.reference("customer") {
        let customer = customer.to_owned();
        cx.alter(Kind::Customer, &customer, |customer| {
            if customer.at("/invoice_settings/default_payment_method") == id {
                customer.object_mut("invoice_settings").insert("default_payment_method".to_owned(), Value::Null);
            }
            if customer.text("default_source") == id {
                customer.set("default_source", Value::Null);
            }
        });
    }
    let previous = change.after.previous(&change.before);
    crate::events::emit(cx, "payment_method.detached", &change.after, Some(previous));
}

retrieve! {
    /// One payment method.
    Retrieve = "retrieve_payment_method", Kind::PaymentMethod
}

/// Changes what is known of a payment method.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    allow_redisplay: Option<String>,
    billing_details: Option<Value>,
    card: Option<Value>,
    metadata: Option<Value>,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_payment_method";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        #[derive(Deserialize)]
        struct Expiry {
            exp_month: Option<i64>,
            exp_year: Option<i64>,
        }
        let mut method = cx.live(Kind::PaymentMethod, &self.id)?;
        if method.reference("customer").is_none() {
            let message = "You must save this PaymentMethod to a customer before you can update it.";
            return Err(Error::invalid(message));
        }
        params::merge_metadata(method.object_mut("metadata"), self.metadata.as_ref())?;
        if let Some(redisplay) = self.allow_redisplay {
            method.set("allow_redisplay", redisplay);
        }
        if let Some(details) = &self.billing_details {
            fill_billing_details(&mut method, details)?;
        }
        if let Some(card) = &self.card {
            let Expiry { exp_month, exp_year } = params::nested(card, "card")?;
            let own = method.object_mut("card");
            own.extend(exp_month.map(|month| ("exp_month".to_owned(), month.into())));
            own.extend(exp_year.map(|year| ("exp_year".to_owned(), year.into())));
        }
        let change = cx.alter(Kind::PaymentMethod, &self.id, |stored| *stored = method);
        cx.emit_change("payment_method.updated", &change);
        Answer::doc(cx, &change.after)
    }
}

/// Attaches a payment method to a customer. The name of a test card attaches a new one.
#[derive(Debug, Deserialize)]
pub(crate) struct Attach {
    id: String,
    #[serde(default)]
    customer: Text,
}

impl Action<Stripe> for Attach {
    const NAME: &'static str = "attach_payment_method";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let known = objects::test_card(&self.id).is_some() || cx.find(Kind::PaymentMethod, &self.id).is_some();
        if !known {
            return Err(Error::missing(Kind::PaymentMethod, &self.id));
        }
        let customer = required(&self.customer, "customer")?.to_owned();
        cx.refer(Kind::Customer, &customer, "customer")?;
        let id = usable(cx, &self.id, "payment_method")?;
        attach(cx, &id, &customer)?;
        Answer::stored(cx, Kind::PaymentMethod, &id)
    }
}

/// Detaches a payment method from its customer.
#[derive(Debug, Deserialize)]
pub(crate) struct Detach {
    id: String,
}

impl Action<Stripe> for Detach {
    const NAME: &'static str = "detach_payment_method";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let method = cx.live(Kind::PaymentMethod, &self.id)?;
        if method.reference("customer").is_none() {
            let message = "The payment method you provided is not attached to a customer so detachment is impossible.";
            return Err(Error::invalid(message).code("payment_method_not_attached").param("payment_method"));
        }
        detach(cx, &self.id);
        Answer::stored(cx, Kind::PaymentMethod, &self.id)
    }
}

list! {
    /// Payment methods, newest first.
    List = "list_payment_methods", Kind::PaymentMethod,
    { customer: String, r#type: String, customer_account: String, allow_redisplay: String },
    |wanted, method| {
        let fits = |member: &str, wanted: &Option<String>| crate::lists::fits(method, member, wanted.as_deref());
        fits("customer", &wanted.customer)
            && fits("type", &wanted.r#type)
            && fits("customer_account", &wanted.customer_account)
            && fits("allow_redisplay", &wanted.allow_redisplay)
    }
}

/// Payment methods of one customer, newest first.
#[derive(Debug, Deserialize)]
pub(crate) struct OfCustomer {
    customer: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    allow_redisplay: Option<String>,
    limit: Option<i64>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

impl Action<Stripe> for OfCustomer {
    const NAME: &'static str = "list_customer_payment_methods";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        cx.live(Kind::Customer, &self.customer)?;
        let url = format!("/v1/customers/{}/payment_methods", self.customer);
        let Self { limit, starting_after, ending_before, .. } = &self;
        let asked = Page {
            limit: *limit,
            starting_after: starting_after.clone(),
            ending_before: ending_before.clone(),
            created: None,
        };
        page(cx, Kind::PaymentMethod, &url, &asked, |method| {
            method.text("customer") == self.customer
                && crate::lists::fits(method, "type", self.kind.as_deref())
                && crate::lists::fits(method, "allow_redisplay", self.allow_redisplay.as_deref())
        })
    }
}

/// One payment method of one customer.
#[derive(Debug, Deserialize)]
pub(crate) struct OneOfCustomer {
    customer: String,
    id: String,
}

impl Action<Stripe> for OneOfCustomer {
    const NAME: &'static str = "retrieve_customer_payment_method";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        cx.live(Kind::Customer, &self.customer)?;
        let method = cx.live(Kind::PaymentMethod, &self.id)?;
        if method.text("customer") != self.customer {
            return Err(Error::missing(Kind::PaymentMethod, &self.id));
        }
        Answer::doc(cx, &method)
    }
}

/// Makes a token of a card.
#[derive(Debug, Deserialize)]
pub(crate) struct CreateToken {
    card: Option<Value>,
}

impl Action<Stripe> for CreateToken {
    const NAME: &'static str = "create_token";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let given = self.card.ok_or_else(|| Error::required("card"))?;
        let card = read_card(cx, &given)?;
        let id = cx.fresh("tok");
        let mut token = objects::blank(Kind::Token, &id, cx.seconds());
        let name = given.get("name").and_then(Value::as_str);
        token.set(
            "card",
            json!({
                "id": cx.fresh("card"), "object": "card", "address_city": null, "address_country": null,
                "address_line1": null, "address_line1_check": null, "address_line2": null, "address_state": null,
                "address_zip": null, "address_zip_check": null, "brand": super::sources::title(card.brand), "country": card.country,
                "cvc_check": if card.cvc_checked { Value::from("unchecked") } else { Value::Null },
                "dynamic_last4": null, "exp_month": card.exp_month, "exp_year": card.exp_year,
                "fingerprint": card.fingerprint, "funding": card.funding, "last4": card.last4, "metadata": {},
                "name": name, "networks": { "preferred": null }, "regulated_status": "unregulated",
                "tokenization_method": null,
            }),
        );
        cx.add(Kind::Token, token, Map::from_iter([("card".to_owned(), card.json())]));
        Answer::stored(cx, Kind::Token, &id)
    }
}

retrieve! {
    /// One token.
    RetrieveToken = "retrieve_token", Kind::Token
}

/// A payment method made of a card that another call describes.
pub(crate) fn of_card(cx: &mut Cx<'_, Stripe>, card: &Value) -> Result<String, Error> {
    let card = read_card(cx, card)?;
    Ok(mint(cx, "pm", card.json()))
}
