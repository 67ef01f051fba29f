//! What becomes of a payment intent: confirmed, authenticated, captured, canceled, paid with crypto.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::charging::{self, Sale};
use super::outcomes::Decline;
use super::payment_intents::{both_methods, described, unexpected};
use super::payment_methods;
use crate::Stripe;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::money;
use crate::objects::{self, Effect};
use crate::params::{self, Text};

/// How a confirmation is asked for.
#[derive(Debug, Default)]
pub(crate) struct Confirmation {
    pub(crate) return_url: Option<String>,
    pub(crate) off_session: bool,
    pub(crate) error_on_requires_action: bool,
}

/// What came of a payment. A decline is a refusal whose traces stay.
#[derive(Debug)]
pub(crate) enum Paid {
    Yes,
    Declined(Error),
}

impl Paid {
    /// Keeps what a declined payment left behind and refuses the call.
    pub(crate) fn settled(self, cx: &mut Cx<'_, Stripe>) -> Result<(), Error> {
        match self {
            Self::Yes => Ok(()),
            Self::Declined(error) => {
                cx.attempt(|_| Ok::<_, Error>(()))?;
                Err(error)
            }
        }
    }
}

pub(super) fn no_method() -> Error {
    Error::state(
        "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a \
         payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.",
    )
}

/// Confirms an intent that is stored, with the payment method that it has.
pub(crate) fn confirm(cx: &mut Cx<'_, Stripe>, id: &str, how: &Confirmation) -> Result<Paid, Error> {
    let intent = cx.get(Kind::PaymentIntent, id)?;
    let refuse = |error: Error| Err(error.with("payment_intent", intent.json()));
    match intent.text("status") {
        "requires_payment_method" | "requires_confirmation" | "requires_action" => {}
        "succeeded" | "requires_capture" => {
            return refuse(Error::state(
                "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.",
            ));
        }
        status => {
            return refuse(Error::state(format!(
                "You cannot confirm this PaymentIntent because it has a status of {status}. Only a PaymentIntent with one of the \
                 following statuses may be confirmed: requires_confirmation, requires_action."
            )));
        }
    }
    let Some(method) = intent.reference("payment_method").map(str::to_owned) else { return refuse(no_method()) };
    if intent.at("/automatic_payment_methods/allow_redirects") == "always"
        && how.return_url.is_none()
        && !how.off_session
    {
        return refuse(Error::invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment \
             methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept \
             redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and \
             `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.",
        ));
    }
    payment_methods::check_use(cx, &method, intent.reference("customer"))?;
    let card = cx.get(Kind::PaymentMethod, &method)?;
    let mark = card.at("/card/fingerprint").as_str().unwrap_or_default();
    let asks = objects::effect(mark) == Effect::Authenticates
        || matches!(
            intent.at("/payment_method_options/card/request_three_d_secure").as_str(),
            Some("any" | "challenge")
        );
    if asks {
        return Ok(authenticate(cx, &intent, how));
    }
    Ok(pay(cx, id))
}

/// Asks the buyer to authenticate, or refuses when nobody is there to do so.
fn authenticate(cx: &mut Cx<'_, Stripe>, intent: &Doc, how: &Confirmation) -> Paid {
    let id = intent.id().to_owned();
    if how.off_session || how.error_on_requires_action {
        let decline = Decline {
            code: "authentication_required",
            decline_code: "authentication_required",
            message: "Your card was declined. This transaction requires authentication.",
            blocked: false,
        };
        return fail(cx, &id, decline, None);
    }
    let next = match &how.return_url {
        Some(url) => json!({
            "redirect_to_url": { "return_url": url, "url": format!("https://hooks.stripe.com/3d_secure_2/hosted?payment_intent={id}") },
            "type": "redirect_to_url",
        }),
        None => json!({
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {
                "directory_server_name": "visa", "merchant": "acct", "three_d_secure_2_source": cx.fresh("payatt"),
                "type": "stripe_3ds2_fingerprint",
            },
        }),
    };
    let change = cx.alter(Kind::PaymentIntent, &id, |intent| {
        intent.set("status", "requires_action");
        intent.set("next_action", next);
        intent.set("last_payment_error", Value::Null);
    });
    cx.emit("payment_intent.requires_action", &change.after);
    Paid::Yes
}

/// Charges what the intent asks for.
fn pay(cx: &mut Cx<'_, Stripe>, id: &str) -> Paid {
    let Some(intent) = cx.find(Kind::PaymentIntent, id).map(|row| row.object.clone()) else { return Paid::Yes };
    let manual = intent.text("capture_method") == "manual";
    let taken = [
        "customer",
        "description",
        "metadata",
        "receipt_email",
        "shipping",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_group",
    ];
    let mut more: Map<String, Value> =
        taken.iter().map(|name| ((*name).to_owned(), intent.get(name).clone())).collect();
    more.insert("payment_intent".to_owned(), id.into());
    let sale = Sale {
        amount: intent.number("amount"),
        currency: intent.text("currency").to_owned(),
        method: intent.reference("payment_method").map(str::to_owned),
        capture: !manual,
        more,
    };
    let (charge, decline) = charging::charge(cx, &sale);
    if let Some(decline) = decline {
        return fail(cx, id, decline, Some(&charge));
    }
    let change = cx.alter(Kind::PaymentIntent, id, |intent| {
        intent.set("latest_charge", charge.id());
        intent.set("last_payment_error", Value::Null);
        intent.set("next_action", Value::Null);
        if manual {
            intent.set("status", "requires_capture");
            intent.set("amount_capturable", sale.amount);
        } else {
            intent.set("status", "succeeded");
            intent.set("amount_received", sale.amount);
        }
    });
    let name = if manual { "payment_intent.amount_capturable_updated" } else { "payment_intent.succeeded" };
    cx.emit(name, &change.after);
    cx.emit("charge.succeeded", &charge);
    if let Some(method) = &sale.method {
        keep_method(cx, method, &change.after);
    }
    if !manual {
        charging::aftermath(cx, &charge);
    }
    Paid::Yes
}

/// Saves the payment method for the customer where that was asked for. One that belongs to nobody is used up.
fn keep_method(cx: &mut Cx<'_, Stripe>, method: &str, intent: &Doc) {
    let owner =
        cx.find(Kind::PaymentMethod, method).and_then(|row| row.object.reference("customer")).map(str::to_owned);
    if owner.is_some() {
        return;
    }
    match intent.reference("customer").filter(|_| !intent.get("setup_future_usage").is_null()) {
        Some(customer) => {
            let change = cx.alter(Kind::PaymentMethod, method, |method| method.set("customer", customer));
            cx.emit("payment_method.attached", &change.after);
        }
        None => cx.hide(Kind::PaymentMethod, method, "used", true.into()),
    }
}

/// Notes a declined payment: the failed charge stays, the payment method has to be replaced.
fn fail(cx: &mut Cx<'_, Stripe>, id: &str, decline: Decline, charge: Option<&Doc>) -> Paid {
    let Some(intent) = cx.find(Kind::PaymentIntent, id).map(|row| row.object.clone()) else { return Paid::Yes };
    let method = intent.reference("payment_method").and_then(|method| cx.find(Kind::PaymentMethod, method));
    let method = method.map_or(Value::Null, |row| row.object.json());
    let charge_id = charge.map_or(Value::Null, |charge| charge.get("id").clone());
    let mut error = Doc::default();
    if charge.is_some() {
        error.set("charge", charge_id.clone());
    }
    error.set("code", decline.code);
    error.set("decline_code", decline.decline_code);
    error.set("doc_url", format!("https://docs.stripe.com/error-codes/{}", decline.code.replace('_', "-")));
    error.set("message", decline.message);
    error.set("payment_method", method.clone());
    error.set("type", "card_error");
    let change = cx.alter(Kind::PaymentIntent, id, |intent| {
        intent.set("status", "requires_payment_method");
        intent.set("payment_method", Value::Null);
        intent.set("next_action", Value::Null);
        intent.set("last_payment_error", error.json());
        if charge.is_some() {
            intent.set("latest_charge", charge_id.clone());
        }
    });
    cx.emit("payment_intent.payment_failed", &change.after);
    let mut error = decline.error();
    if let Some(charge) = charge {
        cx.emit("charge.failed", charge);
        error = error.with("charge", charge_id);
    }
    Paid::Declined(error.with("payment_intent", change.after.json()).with("payment_method", method))
}

/// Confirms a payment intent.
#[derive(Debug, Deserialize)]
pub(crate) struct Confirm {
    id: String,
    capture_method: Option<super::payment_intents::CaptureMethod>,
    #[expect(dead_code, reason = "taken, and without effect here")]
    client_secret: Option<String>,
    confirmation_token: Option<String>,
    error_on_requires_action: Option<bool>,
    #[expect(dead_code, reason = "taken, and without effect here")]
    mandate: Option<String>,
    #[expect(dead_code, reason = "taken, and without effect here")]
    mandate_data: Option<Value>,
    off_session: Option<Value>,
    #[serde(default)]
    payment_method: Text,
    payment_method_data: Option<Value>,
    payment_method_options: Option<Value>,
    #[expect(dead_code, reason = "taken, and without effect here")]
    radar_options: Option<Value>,
    #[serde(default)]
    receipt_email: Text,
    return_url: Option<String>,
    #[serde(default)]
    setup_future_usage: Text,
    shipping: Option<Value>,
    #[expect(dead_code, reason = "taken, and without effect here")]
    use_stripe_sdk: Option<bool>,
}

impl Action<Stripe> for Confirm {
    const NAME: &'static str = "confirm_payment_intent";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let intent = cx.get(Kind::PaymentIntent, &self.id)?;
        let status = intent.text("status");
        if intent.get("payment_method_types") == &json!(["crypto"]) && status != "canceled" {
            return Answer::doc(cx, &intent);
        }
        if self.confirmation_token.is_some() {
            return Err(Error::unmodelled("confirmation tokens"));
        }
        let open = matches!(status, "requires_payment_method" | "requires_confirmation" | "requires_action");
        if open {
            let method = match (&self.payment_method, &self.payment_method_data) {
                (Text::Is(_), Some(_)) => return Err(both_methods()),
                (Text::Is(name), None) => Some(payment_methods::usable(cx, name, "payment_method")?),
                (_, Some(data)) => Some(described(cx, data)?),
                _ => None,
            };
            if let Some(method) = &method {
                payment_methods::check_use(cx, method, intent.reference("customer"))?;
            }
            let shipping = match &self.shipping {
                Some(shipping) => Some(params::shipping(shipping, true)?),
                None => None,
            };
            let card = self.payment_method_options.as_ref().and_then(|options| options.get("card")).cloned();
            cx.alter(Kind::PaymentIntent, &self.id, |intent| {
                if let Some(method) = method {
                    intent.set("payment_method", method);
                }
                self.receipt_email.apply(intent, "receipt_email");
                self.setup_future_usage.apply(intent, "setup_future_usage");
                if let Some(shipping) = shipping {
                    intent.set("shipping", shipping);
                }
                if let Some(super::payment_intents::CaptureMethod::Manual) = self.capture_method {
                    intent.set("capture_method", "manual");
                }
                if let (Some(Value::Object(more)), Some(Value::Object(own))) =
                    (card, intent.object_mut("payment_method_options").get_mut("card"))
                {
                    own.extend(more);
                }
            });
        }
        let how = Confirmation {
            return_url: self.return_url,
            off_session: self.off_session.is_some_and(|given| given != "false" && given != false),
            error_on_requires_action: self.error_on_requires_action.unwrap_or_default(),
        };
        confirm(cx, &self.id, &how)?.settled(cx)?;
        Answer::stored(cx, Kind::PaymentIntent, &self.id)
    }
}

/// What the buyer does with the question of their bank. The vendor has no such call; there a person does it in a browser.
#[derive(Debug, Deserialize)]
pub(crate) struct Authenticate {
    id: String,
    #[serde(default)]
    outcome: AuthenticationOutcome,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AuthenticationOutcome {
    #[default]
    Succeeded,
    Failed,
}

impl Action<Stripe> for Authenticate {
    const NAME: &'static str = "simulate_authentication";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let intent = cx.get(Kind::PaymentIntent, &self.id)?;
        let card = intent.get("payment_method_types") != &json!(["crypto"]);
        if !card || intent.text("status") != "requires_action" {
            let error = Error::state(unexpected(intent.text("status")));
            return Err(error.with("payment_intent", intent.json()));
        }
        if self.outcome == AuthenticationOutcome::Failed {
            let decline = Decline {
                code: "payment_intent_authentication_failure",
                decline_code: "authentication_not_handled",
                message: "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
                blocked: false,
            };
            // The buyer is told on the page; this call only brings it about.
            let _told = fail(cx, &self.id, decline, None);
            return Answer::stored(cx, Kind::PaymentIntent, &self.id);
        }
        if let Paid::Yes = pay(cx, &self.id)
            && let Some(charge) = cx.get(Kind::PaymentIntent, &self.id)?.reference("latest_charge")
        {
            let secure = json!({
                "authentication_flow": "challenge", "electronic_commerce_indicator": "05", "exemption_indicator": null,
                "result": "authenticated", "result_reason": null, "transaction_id": null, "version": "2.2.0",
            });
            cx.alter(Kind::Charge, charge, |charge| {
                if let Some(Value::Object(card)) = charge.object_mut("payment_method_details").get_mut("card") {
                    card.insert("three_d_secure".to_owned(), secure);
                }
            });
        }
        Answer::stored(cx, Kind::PaymentIntent, &self.id)
    }
}

/// Takes the money of a payment that was authorized.
#[derive(Debug, Deserialize)]
pub(crate) struct Capture {
    id: String,
    amount_to_capture: Option<i64>,
    final_capture: Option<bool>,
    metadata: Option<Value>,
    #[serde(default)]
    statement_descriptor: Text,
    #[serde(default)]
    statement_descriptor_suffix: Text,
    application_fee_amount: Option<i64>,
}

impl Action<Stripe> for Capture {
    const NAME: &'static str = "capture_payment_intent";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let intent = cx.get(Kind::PaymentIntent, &self.id)?;
        let status = intent.text("status");
        if status != "requires_capture" {
            let message = if status == "succeeded" {
                "This PaymentIntent could not be captured because it has already been captured.".to_owned()
            } else {
                format!(
                    "This PaymentIntent could not be captured because it has a status of {status}. Only a PaymentIntent with one of \
                     the following statuses may be captured: requires_capture."
                )
            };
            return Err(Error::state(message).with("payment_intent", intent.json()));
        }
        if self.final_capture == Some(false) {
            return Err(Error::unmodelled("capturing in several parts"));
        }
        if self.application_fee_amount.is_some() {
            return Err(Error::unmodelled("payments on behalf of connected accounts"));
        }
        let capturable = intent.number("amount_capturable");
        let amount = self.amount_to_capture.unwrap_or(capturable);
        if amount < 1 {
            return Err(Error::at_least(1, "amount_to_capture"));
        }
        if amount > capturable {
            let currency = intent.text("currency");
            let message = format!(
                "The provided 'amount_to_capture' ({}) is greater than the 'amount_capturable' ({}) of this PaymentIntent.",
                money::shown(amount, currency),
                money::shown(capturable, currency)
            );
            let error = Error::invalid(message).code("amount_too_large").param("amount_to_capture");
            return Err(error.with("payment_intent", intent.json()));
        }
        let mut metadata = intent.get("metadata").as_object().cloned().unwrap_or_default();
        params::merge_metadata(&mut metadata, self.metadata.as_ref())?;
        let charge_id = intent.text("latest_charge").to_owned();
        let before = cx.get(Kind::Charge, &charge_id)?;
        cx.alter(Kind::Charge, &charge_id, |charge| {
            self.statement_descriptor.apply(charge, "statement_descriptor");
            self.statement_descriptor_suffix.apply(charge, "statement_descriptor_suffix");
        });
        charging::capture(cx, &charge_id, amount);
        let change = cx.alter(Kind::PaymentIntent, &self.id, |intent| {
            intent.set("status", "succeeded");
            intent.set("amount_capturable", 0);
            intent.set("amount_received", amount);
            intent.set("metadata", metadata);
        });
        let charge = cx.get(Kind::Charge, &charge_id)?;
        let previous = charge.previous(&before);
        crate::events::emit(cx, "charge.captured", &charge, Some(previous));
        cx.emit("payment_intent.succeeded", &change.after);
        charging::aftermath(cx, &charge);
        Answer::stored(cx, Kind::PaymentIntent, &self.id)
    }
}

/// Cancels a payment that is not finished; what was authorized is released.
#[derive(Debug, Deserialize)]
pub(crate) struct Cancel {
    id: String,
    cancellation_reason: Option<Reason>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reason {
    Duplicate,
    Fraudulent,
    RequestedByCustomer,
    Abandoned,
}

impl Reason {
    const fn name(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Fraudulent => "fraudulent",
            Self::RequestedByCustomer => "requested_by_customer",
            Self::Abandoned => "abandoned",
        }
    }
}

impl Action<Stripe> for Cancel {
    const NAME: &'static str = "cancel_payment_intent";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let intent = cx.get(Kind::PaymentIntent, &self.id)?;
        match intent.text("status") {
            // Of several that cancel at once each succeeds.
            "canceled" => return Answer::doc(cx, &intent),
            status @ ("succeeded" | "processing") => {
                let message = format!(
                    "You cannot cancel this PaymentIntent because it has a status of {status}. Only a PaymentIntent with one of the \
                     following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, \
                     requires_action, processing."
                );
                return Err(Error::state(message).with("payment_intent", intent.json()));
            }
            "requires_capture" => {
                let charge = intent.text("latest_charge").to_owned();
                let change = cx.alter(Kind::Charge, &charge, |charge| {
                    let amount = charge.number("amount");
                    charge.set("amount_refunded", amount);
                    charge.set("refunded", true);
                });
                cx.emit_change("charge.refunded", &change);
            }
            _ => {}
        }
        let now = cx.seconds();
        let change = cx.alter(Kind::PaymentIntent, &self.id, |intent| {
            intent.set("status", "canceled");
            intent.set("canceled_at", now);
            intent.set("cancellation_reason", self.cancellation_reason.map(Reason::name));
            intent.set("amount_capturable", 0);
            intent.set("next_action", Value::Null);
        });
        cx.emit("payment_intent.canceled", &change.after);
        Answer::doc(cx, &change.after)
    }
}

/// Lets the deposit of a crypto payment arrive.
#[derive(Debug, Deserialize)]
pub(crate) struct SimulateDeposit {
    id: String,
    #[serde(default)]
    transaction_hash: Text,
    #[serde(default)]
    #[expect(dead_code, reason = "taken, and without effect here")]
    network: Text,
    #[serde(default)]
    #[expect(dead_code, reason = "taken, and without effect here")]
    token_currency: Text,
    #[serde(default)]
    buyer_wallet: Text,
}

impl Action<Stripe> for SimulateDeposit {
    const NAME: &'static str = "simulate_crypto_deposit";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        settle_deposit(cx, &self.id, self.buyer_wallet.text(), self.transaction_hash.text())?;
        Answer::stored(cx, Kind::PaymentIntent, &self.id)
    }
}

/// A deposit arrived: the intent is paid.
pub(crate) fn settle_deposit(
    cx: &mut Cx<'_, Stripe>,
    id: &str,
    buyer: Option<&str>,
    hash: Option<&str>,
) -> Result<(), Error> {
    let intent = cx.get(Kind::PaymentIntent, id)?;
    match intent.text("status") {
        status @ ("succeeded" | "canceled") => {
            let message = format!("PaymentIntent is in terminal state '{status}' and cannot be advanced.");
            return Err(Error::state(message));
        }
        "requires_action" if intent.get("payment_method_types") == &json!(["crypto"]) => {}
        status => return Err(Error::state(unexpected(status))),
    }
    let processing = cx.alter(Kind::PaymentIntent, id, |intent| {
        intent.set("status", "processing");
        intent.set("next_action", Value::Null);
    });
    cx.emit("payment_intent.processing", &processing.after);
    let amount = intent.number("amount");
    let names = ["customer", "description", "metadata"];
    let mut more: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), intent.get(name).clone())).collect();
    more.insert("payment_intent".to_owned(), id.into());
    let sale = Sale { amount, currency: intent.text("currency").to_owned(), method: None, capture: true, more };
    let (charge, _) = charging::charge(cx, &sale);
    cx.alter(Kind::Charge, charge.id(), |charge| {
        if let Some(Value::Object(crypto)) = charge.object_mut("payment_method_details").get_mut("crypto") {
            crypto.extend(buyer.map(|buyer| ("buyer_address".to_owned(), buyer.into())));
            crypto.extend(hash.map(|hash| ("transaction_hash".to_owned(), hash.into())));
        }
    });
    let charge = cx.get(Kind::Charge, charge.id())?;
    let paid = cx.alter(Kind::PaymentIntent, id, |intent| {
        intent.set("status", "succeeded");
        intent.set("amount_received", amount);
        intent.set("latest_charge", charge.id());
        intent.set("last_payment_error", Value::Null);
    });
    cx.emit("payment_intent.succeeded", &paid.after);
    cx.emit("charge.succeeded", &charge);
    Ok(())
}
