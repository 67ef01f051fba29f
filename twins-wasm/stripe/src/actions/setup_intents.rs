//! Setup intents: a payment method is kept for later without being charged.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::payment_intents::{both_methods, described};
use super::{outcomes, payment_methods};
use crate::Stripe;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::ids;
use crate::kind::Kind;
use crate::lists::list;
use crate::objects::{self, Effect};
use crate::params::{self, Text};

/// Creates a setup intent, and confirms it at once where that is asked for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Create {
    automatic_payment_methods: Option<Value>,
    #[serde(default)]
    confirm: bool,
    confirmation_token: Option<String>,
    #[serde(default)]
    customer: Text,
    #[serde(default)]
    description: Text,
    flow_directions: Option<Value>,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    mandate_data: Option<Value>,
    metadata: Option<Value>,
    on_behalf_of: Option<Value>,
    #[serde(default)]
    payment_method: Text,
    payment_method_data: Option<Value>,
    payment_method_options: Option<Value>,
    payment_method_types: Option<Vec<String>>,
    return_url: Option<String>,
    single_use: Option<Value>,
    #[serde(default)]
    usage: Text,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    use_stripe_sdk: Option<bool>,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_setup_intent";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        if self.confirmation_token.is_some() || self.on_behalf_of.is_some() || self.single_use.is_some() {
            return Err(Error::unmodelled("confirmation tokens, connected accounts and single-use mandates"));
        }
        if !self.confirm && self.return_url.is_some() {
            let message = "You cannot provide `return_url` without setting `confirm` to true.";
            return Err(Error::invalid(message).param("return_url"));
        }
        if let Text::Is(customer) = &self.customer {
            cx.refer(Kind::Customer, customer, "customer")?;
        }
        if let Text::Is(usage) = &self.usage
            && !matches!(usage.as_str(), "off_session" | "on_session")
        {
            return Err(Error::choice("usage", &["off_session", "on_session"]));
        }
        let id = cx.fresh(Kind::SetupIntent.facts().prefix);
        let mut intent = objects::blank(Kind::SetupIntent, &id, cx.seconds());
        intent.set("client_secret", format!("{id}_secret_{}", ids::suffix(24, || cx.random())));
        intent.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        self.customer.apply(&mut intent, "customer");
        self.description.apply(&mut intent, "description");
        self.usage.apply(&mut intent, "usage");
        if let Some(directions) = self.flow_directions {
            intent.set("flow_directions", directions);
        }
        if let Some(Value::Object(card)) = self.payment_method_options.as_ref().and_then(|options| options.get("card"))
            && let Some(Value::Object(own)) = intent.object_mut("payment_method_options").get_mut("card")
        {
            own.extend(card.clone());
        }
        match (&self.payment_method_types, &self.automatic_payment_methods) {
            (Some(types), _) => intent.set("payment_method_types", types.clone()),
            (None, automatic) => {
                let redirects =
                    automatic.as_ref().and_then(|given| given.get("allow_redirects")).and_then(Value::as_str);
                let automatic = json!({ "allow_redirects": redirects.unwrap_or("always"), "enabled": true });
                intent.set("automatic_payment_methods", automatic);
            }
        }
        let method = method(cx, &self.payment_method, self.payment_method_data.as_ref())?;
        if let Some(method) = &method {
            payment_methods::check_use(cx, method, intent.reference("customer"))?;
            intent.set("payment_method", method.as_str());
            intent.set("status", "requires_confirmation");
        }
        cx.add(Kind::SetupIntent, intent.clone(), Map::new());
        cx.emit("setup_intent.created", &intent);
        if self.confirm
            && let Err(error) = confirm(cx, &id, self.return_url.as_deref())?
        {
            return super::invoices::kept(cx, error);
        }
        Answer::stored(cx, Kind::SetupIntent, &id)
    }
}

/// The payment method that is named or described.
fn method(cx: &mut Cx<'_, Stripe>, named: &Text, data: Option<&Value>) -> Result<Option<String>, Error> {
    match (named, data) {
        (Text::Is(_), Some(_)) => Err(both_methods()),
        (Text::Is(name), None) => payment_methods::usable(cx, name, "payment_method").map(Some),
        (_, Some(data)) => described(cx, data).map(Some),
        _ => Ok(None),
    }
}

fn unexpected(intent: &Doc, what: &str) -> Error {
    let status = intent.text("status");
    Error::invalid(format!("You cannot {what} this SetupIntent because it has a status of {status}."))
        .code("setup_intent_unexpected_state")
        .with("setup_intent", intent.json())
}

/// Confirms a stored setup intent with the payment method that it has. The inner error is a decline whose traces stay.
pub(crate) fn confirm(cx: &mut Cx<'_, Stripe>, id: &str, return_url: Option<&str>) -> Result<Result<(), Error>, Error> {
    let intent = cx.get(Kind::SetupIntent, id)?;
    if !matches!(intent.text("status"), "requires_payment_method" | "requires_confirmation" | "requires_action") {
        return Err(unexpected(&intent, "confirm"));
    }
    let Some(method) = intent.reference("payment_method").map(str::to_owned) else {
        let message = "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a \
                       payment method and then confirm it again.";
        return Err(Error::invalid(message).code("setup_intent_unexpected_state").with("setup_intent", intent.json()));
    };
    if intent.at("/automatic_payment_methods/allow_redirects") == "always" && return_url.is_none() {
        let message = "This SetupIntent is configured to accept payment methods enabled in your Dashboard. Because some of these \
                       payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't \
                       want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and \
                       `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.";
        return Err(Error::invalid(message).with("setup_intent", intent.json()));
    }
    payment_methods::check_use(cx, &method, intent.reference("customer"))?;
    let card = cx.get(Kind::PaymentMethod, &method)?;
    let mark = card.at("/card/fingerprint").as_str().unwrap_or_default().to_owned();
    let attempt = cx.fresh("setatt");
    cx.alter(Kind::SetupIntent, id, |intent| intent.set("latest_attempt", attempt));
    if objects::effect(&mark) == Effect::Authenticates {
        let next = match return_url {
            Some(url) => json!({
                "redirect_to_url": {
                    "return_url": url, "url": format!("https://hooks.stripe.com/3d_secure_2/hosted?setup_intent={id}"),
                },
                "type": "redirect_to_url",
            }),
            None => json!({ "type": "use_stripe_sdk", "use_stripe_sdk": { "type": "stripe_3ds2_fingerprint" } }),
        };
        let change = cx.alter(Kind::SetupIntent, id, |intent| {
            intent.set("status", "requires_action");
            intent.set("next_action", next);
        });
        cx.emit("setup_intent.requires_action", &change.after);
        return Ok(Ok(()));
    }
    if let Some(decline) = outcomes::on_attach(&mark) {
        return Ok(Err(fail(cx, id, decline)));
    }
    succeed(cx, id)?;
    Ok(Ok(()))
}

/// Notes a refusal of the bank.
fn fail(cx: &mut Cx<'_, Stripe>, id: &str, decline: Error) -> Error {
    let said = decline.body(None)["error"].clone();
    let change = cx.alter(Kind::SetupIntent, id, |intent| {
        let mut error = Doc::new(said);
        let method = intent.get("payment_method").clone();
        error.set("payment_method", method);
        intent.set("last_setup_error", error.json());
        intent.set("status", "requires_payment_method");
        intent.set("payment_method", Value::Null);
        intent.set("next_action", Value::Null);
    });
    let method = change.before.text("payment_method").to_owned();
    let method = cx.find(Kind::PaymentMethod, &method).map_or(Value::Null, |row| row.object.json());
    cx.alter(Kind::SetupIntent, id, |intent| {
        intent.object_mut("last_setup_error").insert("payment_method".to_owned(), method.clone());
    });
    let after = cx.find(Kind::SetupIntent, id).map(|row| row.object.clone()).unwrap_or_default();
    cx.emit("setup_intent.setup_failed", &after);
    decline.with("payment_method", method).with("setup_intent", after.json())
}

/// Keeps the payment method, for the customer if there is one.
fn succeed(cx: &mut Cx<'_, Stripe>, id: &str) -> Result<(), Error> {
    let change = cx.alter(Kind::SetupIntent, id, |intent| {
        intent.set("status", "succeeded");
        intent.set("last_setup_error", Value::Null);
        intent.set("next_action", Value::Null);
    });
    let (customer, method) = (change.after.reference("customer"), change.after.text("payment_method"));
    if let Some(customer) = customer
        && cx.get(Kind::PaymentMethod, method)?.reference("customer").is_none()
    {
        let change = cx.alter(Kind::PaymentMethod, method, |method| method.set("customer", customer));
        cx.emit("payment_method.attached", &change.after);
    }
    cx.emit("setup_intent.succeeded", &change.after);
    Ok(())
}

/// One setup intent. `client_secret` is what a page would send along.
#[derive(Debug, Deserialize)]
pub(crate) struct Retrieve {
    id: String,
    client_secret: Option<String>,
}

impl Action<Stripe> for Retrieve {
    const NAME: &'static str = "retrieve_setup_intent";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let intent = cx.get(Kind::SetupIntent, &self.id)?;
        if self.client_secret.is_some_and(|secret| secret != intent.text("client_secret")) {
            let message =
                "The client_secret provided does not match the client_secret associated with the SetupIntent.";
            return Err(Error::invalid(message).param("client_secret"));
        }
        Answer::doc(cx, &intent)
    }
}

list! {
    /// Setup intents, newest first.
    List = "list_setup_intents", Kind::SetupIntent, { customer: String, payment_method: String },
    |wanted, intent| {
        crate::lists::fits(intent, "customer", wanted.customer.as_deref())
            && crate::lists::fits(intent, "payment_method", wanted.payment_method.as_deref())
    }
}

/// Changes a setup intent that is not done.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    #[serde(default)]
    customer: Text,
    #[serde(default)]
    description: Text,
    metadata: Option<Value>,
    #[serde(default)]
    payment_method: Text,
    payment_method_data: Option<Value>,
    payment_method_types: Option<Vec<String>>,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_setup_intent";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut intent = cx.get(Kind::SetupIntent, &self.id)?;
        let changes =
            self.customer != Text::Absent || self.payment_method != Text::Absent || self.payment_method_data.is_some();
        if changes && matches!(intent.text("status"), "succeeded" | "canceled") {
            return Err(unexpected(&intent, "update"));
        }
        if let Text::Is(customer) = &self.customer {
            cx.refer(Kind::Customer, customer, "customer")?;
        }
        self.customer.apply(&mut intent, "customer");
        self.description.apply(&mut intent, "description");
        params::merge_metadata(intent.object_mut("metadata"), self.metadata.as_ref())?;
        if let Some(types) = self.payment_method_types {
            intent.set("payment_method_types", types);
        }
        if let Some(method) = method(cx, &self.payment_method, self.payment_method_data.as_ref())? {
            payment_methods::check_use(cx, &method, intent.reference("customer"))?;
            intent.set("payment_method", method);
            intent.set("status", "requires_confirmation");
        }
        let change = cx.alter(Kind::SetupIntent, &self.id, |stored| *stored = intent);
        Answer::doc(cx, &change.after)
    }
}

/// Confirms a setup intent.
#[derive(Debug, Deserialize)]
pub(crate) struct Confirm {
    id: String,
    #[expect(dead_code, reason = "what a page sends along; a secret key needs none")]
    client_secret: Option<String>,
    confirmation_token: Option<String>,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    mandate_data: Option<Value>,
    #[serde(default)]
    payment_method: Text,
    payment_method_data: Option<Value>,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    payment_method_options: Option<Value>,
    return_url: Option<String>,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    use_stripe_sdk: Option<bool>,
}

impl Action<Stripe> for Confirm {
    const NAME: &'static str = "confirm_setup_intent";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        if self.confirmation_token.is_some() {
            return Err(Error::unmodelled("confirmation tokens"));
        }
        let intent = cx.get(Kind::SetupIntent, &self.id)?;
        let open = !matches!(intent.text("status"), "succeeded" | "canceled");
        if let Some(method) = method(cx, &self.payment_method, self.payment_method_data.as_ref())?.filter(|_| open) {
            cx.alter(Kind::SetupIntent, &self.id, |intent| {
                intent.set("payment_method", method);
                intent.set("status", "requires_confirmation");
            });
        }
        match confirm(cx, &self.id, self.return_url.as_deref())? {
            Ok(()) => Answer::stored(cx, Kind::SetupIntent, &self.id),
            Err(error) => super::invoices::kept(cx, error),
        }
    }
}

/// Cancels a setup intent that is not done.
#[derive(Debug, Deserialize)]
pub(crate) struct Cancel {
    id: String,
    #[serde(default)]
    cancellation_reason: Text,
}

impl Action<Stripe> for Cancel {
    const NAME: &'static str = "cancel_setup_intent";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let intent = cx.get(Kind::SetupIntent, &self.id)?;
        if let Text::Is(reason) = &self.cancellation_reason
            && !matches!(reason.as_str(), "abandoned" | "requested_by_customer" | "duplicate")
        {
            return Err(Error::choice("cancellation_reason", &["abandoned", "requested_by_customer", "duplicate"]));
        }
        if matches!(intent.text("status"), "succeeded" | "canceled") {
            return Err(unexpected(&intent, "cancel"));
        }
        let change = cx.alter(Kind::SetupIntent, &self.id, |intent| {
            intent.set("status", "canceled");
            intent.set("next_action", Value::Null);
            self.cancellation_reason.apply(intent, "cancellation_reason");
        });
        cx.emit("setup_intent.canceled", &change.after);
        Answer::doc(cx, &change.after)
    }
}

/// What the customer does with the question of their bank. The vendor has no such call; there a person does it in a browser.
#[derive(Debug, Deserialize)]
pub(crate) struct Authenticate {
    id: String,
    outcome: Option<Outcome>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Succeeded,
    Failed,
}

impl Action<Stripe> for Authenticate {
    const NAME: &'static str = "simulate_setup_authentication";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let intent = cx.get(Kind::SetupIntent, &self.id)?;
        if intent.text("status") != "requires_action" {
            return Err(unexpected(&intent, "authenticate"));
        }
        if self.outcome == Some(Outcome::Failed) {
            let message = "We are unable to authenticate your payment method. Please choose a different payment method and try again.";
            fail(cx, &self.id, Error::card("setup_intent_authentication_failure", message));
        } else {
            succeed(cx, &self.id)?;
        }
        Answer::stored(cx, Kind::SetupIntent, &self.id)
    }
}
