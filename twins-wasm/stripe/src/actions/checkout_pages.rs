//! What a customer does on the page of a checkout session or a payment link. The vendor has no such calls: a person does it in a
//! browser. Here a test helper does it in their place.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::confirming::{self, Confirmation, Paid};
use super::{checkout, payment_methods, setup_intents, subscriptions};
use crate::Stripe;
use crate::answer::Answer;
use crate::billing::{discounts, sale, timeline};
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::ids;
use crate::kind::Kind;
use crate::objects;
use crate::params::{self, Text};

/// Fills in the page and pays: with a card, which is the usual test card unless another one is named.
#[derive(Debug, Deserialize)]
pub(crate) struct Complete {
    id: String,
    #[serde(default)]
    payment_method: Text,
    #[serde(default)]
    email: Text,
    #[serde(default)]
    name: Text,
    #[serde(default)]
    phone: Text,
}

impl Action<Stripe> for Complete {
    const NAME: &'static str = "complete_checkout_session";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let session = cx.get(Kind::CheckoutSession, &self.id)?;
        if session.text("status") != "open" {
            let message =
                format!("This Checkout Session has a status of {} and cannot be completed.", session.text("status"));
            return Err(Error::invalid(message));
        }
        if let Some(customer) = session.reference("customer") {
            timeline::enter_of(cx, customer);
        }
        self.fill_in(cx, &session)?;
        let refused = match session.text("mode") {
            "setup" => self.set_up(cx)?,
            "subscription" => self.subscribe(cx)?,
            _ => self.pay(cx)?,
        };
        match refused {
            Some(error) => super::invoices::kept(cx, error),
            None => Answer::stored(cx, Kind::CheckoutSession, &self.id),
        }
    }
}

impl Complete {
    /// Who the customer says they are; where the mode needs one, a customer is made of it.
    fn fill_in(&self, cx: &mut Cx<'_, Stripe>, session: &Doc) -> Result<(), Error> {
        let email = self.email.text().or(session.reference("customer_email")).map(str::to_owned);
        if session.get("customer").is_null() {
            let email = email.ok_or_else(|| Error::required("email"))?;
            session_details(
                cx,
                &self.id,
                json!({
                    "address": null, "business_name": null, "email": email, "individual_name": null, "name": self.name.json(),
                    "phone": self.phone.json(), "tax_exempt": "none", "tax_ids": [],
                }),
            );
            if session.text("mode") == "subscription" || session.text("customer_creation") == "always" {
                let id = cx.fresh(Kind::Customer.facts().prefix);
                let mut customer = objects::blank(Kind::Customer, &id, cx.seconds());
                customer.set("email", email);
                customer.set("invoice_prefix", ids::suffix(8, || cx.random()).to_uppercase());
                self.name.apply(&mut customer, "name");
                self.phone.apply(&mut customer, "phone");
                cx.add(Kind::Customer, customer.clone(), Map::new());
                cx.emit("customer.created", &customer);
                cx.alter(Kind::CheckoutSession, &self.id, |session| session.set("customer", id));
            }
        }
        Ok(())
    }

    fn method(&self, cx: &mut Cx<'_, Stripe>) -> Result<String, Error> {
        let name = self.payment_method.text().unwrap_or("pm_card_visa");
        payment_methods::usable(cx, name, "payment_method")
    }

    fn data(&self, cx: &Cx<'_, Stripe>, name: &str) -> Doc {
        Doc::new(cx.hidden(Kind::CheckoutSession, &self.id, name))
    }

    fn pay(&self, cx: &mut Cx<'_, Stripe>) -> Result<Option<Error>, Error> {
        let session = cx.get(Kind::CheckoutSession, &self.id)?;
        if session.number("amount_total") == 0 {
            finish(cx, &self.id, "no_payment_required");
            return Ok(None);
        }
        let method = self.method(cx)?;
        let intent = match session.reference("payment_intent") {
            // Somebody tried before and was declined.
            Some(known) => known.to_owned(),
            None => self.intent(cx, &session)?,
        };
        cx.alter(Kind::PaymentIntent, &intent, |intent| {
            intent.set("payment_method", method);
            intent.set("status", "requires_confirmation");
        });
        let paid = confirming::confirm(cx, &intent, &Confirmation::default())?;
        follow_one(cx, &intent);
        match paid {
            Paid::Declined(error) => Ok(Some(error)),
            Paid::Yes => Ok(None),
        }
    }

    /// The payment intent of the page.
    fn intent(&self, cx: &mut Cx<'_, Stripe>, session: &Doc) -> Result<String, Error> {
        let data = self.data(cx, "payment_intent_data");
        let id = cx.fresh(Kind::PaymentIntent.facts().prefix);
        let mut intent = objects::blank(Kind::PaymentIntent, &id, cx.seconds());
        intent.set("amount", session.number("amount_total"));
        intent.set("currency", session.text("currency"));
        intent.set("client_secret", format!("{id}_secret_{}", ids::suffix(24, || cx.random())));
        intent.set("customer", session.get("customer").clone());
        intent.set(
            "payment_method_options",
            json!({ "card": {
            "installments": null, "mandate_options": null, "network": null, "request_three_d_secure": "automatic",
        } }),
        );
        intent.set("metadata", params::new_metadata(Some(data.get("metadata")).filter(|given| given.is_object()))?);
        for name in [
            "capture_method",
            "description",
            "receipt_email",
            "setup_future_usage",
            "shipping",
            "statement_descriptor",
            "statement_descriptor_suffix",
            "transfer_group",
        ] {
            if !data.get(name).is_null() {
                intent.set(name, data.get(name).clone());
            }
        }
        let hidden = Map::from_iter([("session".to_owned(), self.id.as_str().into())]);
        cx.add(Kind::PaymentIntent, intent.clone(), hidden);
        cx.emit("payment_intent.created", &intent);
        cx.alter(Kind::CheckoutSession, &self.id, |session| session.set("payment_intent", id.as_str()));
        Ok(id)
    }

    fn set_up(&self, cx: &mut Cx<'_, Stripe>) -> Result<Option<Error>, Error> {
        let session = cx.get(Kind::CheckoutSession, &self.id)?;
        let data = self.data(cx, "setup_intent_data");
        let method = self.method(cx)?;
        let id = match session.reference("setup_intent") {
            Some(known) => known.to_owned(),
            None => {
                let id = cx.fresh(Kind::SetupIntent.facts().prefix);
                let mut intent = objects::blank(Kind::SetupIntent, &id, cx.seconds());
                intent.set("client_secret", format!("{id}_secret_{}", ids::suffix(24, || cx.random())));
                intent.set("customer", session.get("customer").clone());
                intent.set("description", data.get("description").clone());
                intent.set(
                    "metadata",
                    params::new_metadata(Some(data.get("metadata")).filter(|given| given.is_object()))?,
                );
                cx.add(Kind::SetupIntent, intent.clone(), Map::new());
                cx.emit("setup_intent.created", &intent);
                cx.alter(Kind::CheckoutSession, &self.id, |session| session.set("setup_intent", id.as_str()));
                id
            }
        };
        cx.alter(Kind::SetupIntent, &id, |intent| {
            intent.set("payment_method", method);
            intent.set("status", "requires_confirmation");
        });
        let refused = setup_intents::confirm(cx, &id, None)?.err();
        if cx.get(Kind::SetupIntent, &id)?.text("status") == "succeeded" {
            finish(cx, &self.id, "no_payment_required");
        }
        Ok(refused)
    }

    fn subscribe(&self, cx: &mut Cx<'_, Stripe>) -> Result<Option<Error>, Error> {
        let session = cx.get(Kind::CheckoutSession, &self.id)?;
        let customer = cx.get(Kind::Customer, session.text("customer"))?;
        let method = self.method(cx)?;
        if cx.get(Kind::PaymentMethod, &method)?.reference("customer").is_none() {
            payment_methods::attach(cx, &method, customer.id())?;
        }
        let (items, once) = sale::subscribed(&cx.hidden(Kind::CheckoutSession, &self.id, "line_items"));
        let mut given = self.data(cx, "subscription_data");
        given.set("customer", customer.id());
        given.set("items", items);
        given.set("add_invoice_items", once);
        given.set("default_payment_method", method);
        given.set("payment_behavior", "error_if_incomplete");
        if session.get("discounts").as_array().is_some_and(|all| !all.is_empty()) {
            let shown = session.get("discounts").as_array().cloned().unwrap_or_default();
            let named = |one: &Value| match one["promotion_code"].as_str() {
                Some(code) => json!({ "promotion_code": code }),
                None => json!({ "coupon": one["coupon"] }),
            };
            given.set("discounts", shown.iter().map(named).collect::<Vec<_>>());
        }
        let create: subscriptions::Create = params::nested(&given.json(), "subscription_data")?;
        let id = create.start(cx, &customer)?;
        let latest = cx.get(Kind::Subscription, &id)?.get("latest_invoice").clone();
        cx.alter(Kind::CheckoutSession, &self.id, |session| {
            session.set("subscription", id);
            session.set("invoice", latest);
        });
        let free = session.number("amount_total") == 0;
        finish(cx, &self.id, if free { "no_payment_required" } else { "paid" });
        Ok(None)
    }
}

fn session_details(cx: &mut Cx<'_, Stripe>, id: &str, details: Value) {
    cx.alter(Kind::CheckoutSession, id, |session| session.set("customer_details", details));
}

/// The page is done.
fn finish(cx: &mut Cx<'_, Stripe>, id: &str, payment: &str) {
    let change = cx.alter(Kind::CheckoutSession, id, |session| {
        session.set("status", "complete");
        session.set("payment_status", payment);
        session.set("url", Value::Null);
    });
    let session = change.after;
    if session.text("mode") == "payment" {
        // The coupon counts as redeemed when the page is done; a subscription redeems it itself.
        let owner = [("checkout_session", id)];
        for one in session.get("discounts").as_array().cloned().unwrap_or_default() {
            let given = match one["promotion_code"].as_str() {
                Some(code) => discounts::redeem(cx, code, "discounts", &owner),
                None => discounts::give(cx, one["coupon"].as_str().unwrap_or_default(), "discounts", &owner),
            };
            // One that has run out meanwhile was still promised to this customer.
            let _promised = given;
        }
    }
    cx.emit("checkout.session.completed", &session);
}

/// Finishes the session of a payment intent that has succeeded.
fn follow_one(cx: &mut Cx<'_, Stripe>, intent: &str) {
    let Some(session) = cx.hidden(Kind::PaymentIntent, intent, "session").as_str().map(str::to_owned) else { return };
    let status =
        cx.find(Kind::PaymentIntent, intent).map(|row| row.object.text("status").to_owned()).unwrap_or_default();
    let open = cx.find(Kind::CheckoutSession, &session).is_some_and(|row| row.object.text("status") == "open");
    match status.as_str() {
        "succeeded" if open => finish(cx, &session, "paid"),
        "requires_capture" if open => finish(cx, &session, "unpaid"),
        "succeeded" => {
            cx.alter(Kind::CheckoutSession, &session, |session| session.set("payment_status", "paid"));
        }
        _ => {}
    }
}

/// Looks at the payment intents that the call changed: sessions follow those that belong to them.
pub(crate) fn follow(cx: &mut Cx<'_, Stripe>) {
    let changed = |row: &crate::state::Row| row.hidden.contains_key("session");
    let pending = cx.state.objects.pending();
    let ids: Vec<String> = pending
        .filter(|((kind, _), _, new)| *kind == Kind::PaymentIntent && new.is_some_and(changed))
        .map(|((_, id), ..)| id.clone())
        .collect();
    for id in ids {
        follow_one(cx, &id);
    }
}

/// Opens the page of a payment link: a session begins.
#[derive(Debug, Deserialize)]
pub(crate) struct Open {
    id: String,
}

impl Action<Stripe> for Open {
    const NAME: &'static str = "open_payment_link";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let link = cx.get(Kind::PaymentLink, &self.id)?;
        if !link.flag("active") {
            return Err(Error::invalid("This payment link is no longer active."));
        }
        let lines = cx.hidden(Kind::PaymentLink, &self.id, "line_items");
        let lines = lines["data"].as_array().cloned().unwrap_or_default();
        let recurring = lines.iter().any(|line| line["price"]["recurring"].is_object());
        let items: Vec<Value> =
            lines.iter().map(|line| json!({ "price": line["price"]["id"], "quantity": line["quantity"] })).collect();
        let mut given = Doc::new(json!({
            "mode": if recurring { "subscription" } else { "payment" },
            "line_items": items,
            "success_url": "https://stripe.com",
            "metadata": link.get("metadata"),
            "allow_promotion_codes": link.get("allow_promotion_codes"),
        }));
        if !recurring {
            given.set("customer_creation", link.get("customer_creation").clone());
        }
        for name in ["payment_intent_data", "subscription_data"] {
            if link.get(name).is_object() {
                given.set(name, link.get(name).clone());
            }
        }
        let create: checkout::Create = params::nested(&given.json(), "payment_link")?;
        let id = create.start(cx)?;
        let change = cx.alter(Kind::CheckoutSession, &id, |session| {
            session.set("payment_link", self.id.as_str());
            session.set("success_url", Value::Null);
        });
        Answer::doc(cx, &change.after)
    }
}
