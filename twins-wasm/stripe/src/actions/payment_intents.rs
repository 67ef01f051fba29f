//! Payment intents: creating, changing, finding. Confirming and what follows is in [`super::confirming`].

use pome_twin_kit::ids::hex;
use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::confirming::{self, Confirmation};
use super::payment_methods::{self, Given};
use crate::Stripe;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::ids;
use crate::kind::Kind;
use crate::lists::list;
use crate::money;
use crate::objects;
use crate::params::{self, Text, clears};
use crate::search::search;
use sha2::{Digest, Sha256};

/// Creates a payment intent, and confirms it at once where that is asked for.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    amount: i64,
    #[serde(default)]
    currency: Text,
    amount_details: Option<Value>,
    automatic_payment_methods: Option<Value>,
    capture_method: Option<CaptureMethod>,
    #[serde(default)]
    confirm: bool,
    confirmation_method: Option<ConfirmationMethod>,
    confirmation_token: Option<String>,
    #[serde(default)]
    customer: Text,
    #[serde(default)]
    description: Text,
    error_on_requires_action: Option<bool>,
    excluded_payment_method_types: Option<Vec<String>>,
    #[expect(dead_code, reason = "taken, and without effect here")]
    mandate: Option<String>,
    #[expect(dead_code, reason = "taken, and without effect here")]
    mandate_data: Option<Value>,
    metadata: Option<Value>,
    off_session: Option<Value>,
    payment_details: Option<Value>,
    #[serde(default)]
    payment_method: Text,
    payment_method_configuration: Option<String>,
    payment_method_data: Option<Value>,
    payment_method_options: Option<Value>,
    payment_method_types: Option<Vec<String>>,
    #[expect(dead_code, reason = "taken, and without effect here")]
    radar_options: Option<Value>,
    #[serde(default)]
    receipt_email: Text,
    return_url: Option<String>,
    #[serde(default)]
    setup_future_usage: Text,
    shipping: Option<Value>,
    #[serde(default)]
    statement_descriptor: Text,
    #[serde(default)]
    statement_descriptor_suffix: Text,
    #[serde(default)]
    transfer_group: Text,
    #[expect(dead_code, reason = "taken, and without effect here")]
    use_stripe_sdk: Option<bool>,
    application_fee_amount: Option<Value>,
    on_behalf_of: Option<Value>,
    transfer_data: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CaptureMethod {
    Automatic,
    AutomaticAsync,
    Manual,
}

impl CaptureMethod {
    const fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::AutomaticAsync => "automatic_async",
            Self::Manual => "manual",
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ConfirmationMethod {
    Automatic,
    Manual,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_payment_intent";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let connected = [&self.application_fee_amount, &self.on_behalf_of, &self.transfer_data];
        if connected.iter().any(|given| given.is_some()) {
            return Err(Error::unmodelled("payments on behalf of connected accounts"));
        }
        if self.confirmation_token.is_some() {
            return Err(Error::unmodelled("confirmation tokens"));
        }
        let currency = money::currency(params::required(&self.currency, "currency")?)?;
        money::check(self.amount, &currency)?;
        let id = cx.fresh("pi");
        let mut intent = objects::blank(Kind::PaymentIntent, &id, cx.seconds());
        intent.set("amount", self.amount);
        intent.set("currency", currency);
        intent.set("client_secret", format!("{id}_secret_{}", ids::suffix(24, || cx.random())));
        intent.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        self.describe(cx, &mut intent)?;
        let rail = Rail::of(self.payment_method_types.as_deref(), self.automatic_payment_methods.as_ref())?;
        rail.write(&mut intent);
        if rail == Rail::Crypto {
            if self.payment_method.text().is_some() {
                return Err(Error::invalid("payment_method is only valid with payment_method_types [\"card\"].")
                    .code("parameter_invalid_string")
                    .param("payment_method"));
            }
            let options = self.payment_method_options.as_ref();
            let crypto = crypto_options(options.and_then(|options| options.get("crypto")))?;
            intent.set("payment_method_options", json!({ "crypto": crypto }));
            begin_deposit(cx, intent);
            return Answer::stored(cx, Kind::PaymentIntent, &id);
        }
        intent.set("payment_method_options", card_options(self.payment_method_options.as_ref())?);
        let method = self.method(cx)?;
        if let Some(method) = &method {
            payment_methods::check_use(cx, method, intent.reference("customer"))?;
            intent.set("payment_method", method.as_str());
            intent.set("status", "requires_confirmation");
        }
        if !self.confirm {
            let early = [("return_url", self.return_url.is_some()), ("off_session", self.off_session.is_some())];
            if let Some((param, _)) = early.iter().find(|(_, given)| *given) {
                let message = format!("You cannot provide `{param}` without setting `confirm` to true.");
                return Err(Error::invalid(message).param(*param));
            }
        }
        if self.confirm && method.is_none() {
            return Err(confirming::no_method());
        }
        cx.add(Kind::PaymentIntent, intent.clone(), Map::new());
        cx.emit("payment_intent.created", &intent);
        if self.confirm {
            let confirmation = Confirmation {
                return_url: self.return_url,
                off_session: self.off_session.is_some_and(|given| given != "false" && given != false),
                error_on_requires_action: self.error_on_requires_action.unwrap_or_default(),
            };
            confirming::confirm(cx, &id, &confirmation)?.settled(cx)?;
        }
        Answer::stored(cx, Kind::PaymentIntent, &id)
    }
}

impl Create {
    /// What is only remembered.
    fn describe(&self, cx: &Cx<'_, Stripe>, intent: &mut Doc) -> Result<(), Error> {
        if let Text::Is(customer) = &self.customer {
            cx.refer(Kind::Customer, customer, "customer")?;
        }
        self.customer.apply(intent, "customer");
        self.description.apply(intent, "description");
        self.receipt_email.apply(intent, "receipt_email");
        self.statement_descriptor.apply(intent, "statement_descriptor");
        self.statement_descriptor_suffix.apply(intent, "statement_descriptor_suffix");
        self.transfer_group.apply(intent, "transfer_group");
        future_usage(&self.setup_future_usage)?;
        self.setup_future_usage.apply(intent, "setup_future_usage");
        descriptor(&self.statement_descriptor, "statement_descriptor")?;
        descriptor(&self.statement_descriptor_suffix, "statement_descriptor_suffix")?;
        if let Some(shipping) = &self.shipping {
            intent.set("shipping", params::shipping(shipping, true)?);
        }
        if let Some(method) = self.capture_method {
            intent.set("capture_method", method.name());
        }
        if let Some(method) = self.confirmation_method {
            let name = if matches!(method, ConfirmationMethod::Manual) { "manual" } else { "automatic" };
            intent.set("confirmation_method", name);
        }
        if let Some(details) = &self.amount_details
            && let Value::Object(members) = details
        {
            intent.object_mut("amount_details").extend(members.clone());
        }
        if let Some(excluded) = &self.excluded_payment_method_types {
            intent.set("excluded_payment_method_types", excluded.clone());
        }
        if let Some(details) = &self.payment_details {
            intent.set("payment_details", details.clone());
        }
        if let Some(configuration) = &self.payment_method_configuration {
            intent.set("payment_method_configuration_details", json!({ "id": configuration, "parent": null }));
        }
        Ok(())
    }

    /// The payment method that is named or described.
    fn method(&self, cx: &mut Cx<'_, Stripe>) -> Result<Option<String>, Error> {
        match (&self.payment_method, &self.payment_method_data) {
            (Text::Is(_), Some(_)) => Err(both_methods()),
            (Text::Is(name), None) => payment_methods::usable(cx, name, "payment_method").map(Some),
            (_, Some(data)) => described(cx, data).map(Some),
            _ => Ok(None),
        }
    }
}

pub(super) fn both_methods() -> Error {
    Error::invalid("You may only specify one of these parameters: payment_method, payment_method_data.")
        .param("payment_method_data")
}

/// A payment method within another call.
pub(super) fn described(cx: &mut Cx<'_, Stripe>, data: &Value) -> Result<String, Error> {
    let given: Given = params::nested(data, "payment_method_data")?;
    payment_methods::create(cx, given)
}

fn future_usage(usage: &Text) -> Result<(), Error> {
    match usage.text() {
        None | Some("on_session" | "off_session") => Ok(()),
        Some(_) => Err(Error::choice("setup_future_usage", &["off_session", "on_session"])),
    }
}

/// What a card statement can show.
fn descriptor(text: &Text, param: &str) -> Result<(), Error> {
    let Some(text) = text.text() else { return Ok(()) };
    if text.chars().count() > 22 {
        let message = "The statement descriptor must be at most 22 characters.";
        return Err(Error::invalid(message).code("parameter_invalid").param(param));
    }
    if text.contains(['<', '>', '\'', '"', '*', '\\']) {
        let message = "The statement descriptor contains an invalid character. < > \\ ' \" and * are not allowed.";
        return Err(Error::invalid(message).code("parameter_invalid").param(param));
    }
    Ok(())
}

/// Which way the money comes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rail {
    /// The buyer sends crypto to an address.
    Crypto,
    /// These types, of which cards are modelled.
    Types(Vec<String>),
    /// What the account accepts, with or without types that lead away from the page.
    Automatic { redirects: bool },
}

impl Rail {
    fn of(types: Option<&[String]>, automatic: Option<&Value>) -> Result<Self, Error> {
        if let Some(automatic) = automatic.filter(|value| !clears(value)) {
            let param = "automatic_payment_methods[enabled]";
            let enabled = automatic.get("enabled").ok_or_else(|| Error::required(param))?;
            if params::flag(enabled, param)? {
                if types.is_some() {
                    let message = "You may only specify one of these parameters: automatic_payment_methods, payment_method_types.";
                    return Err(Error::invalid(message).param("automatic_payment_methods"));
                }
                let redirects = automatic.get("allow_redirects").and_then(Value::as_str) != Some("never");
                return Ok(Self::Automatic { redirects });
            }
        }
        let Some(types) = types else { return Ok(Self::Automatic { redirects: true }) };
        if types == ["crypto"] {
            return Ok(Self::Crypto);
        }
        if types.is_empty() || types.iter().any(|one| !matches!(one.as_str(), "card" | "link")) {
            let message = "payment_method_types must be exactly [\"crypto\"] or [\"card\"] for this twin.";
            return Err(Error::invalid(message).code("parameter_invalid_string").param("payment_method_types"));
        }
        Ok(Self::Types(types.to_vec()))
    }

    fn write(&self, intent: &mut Doc) {
        match self {
            Self::Crypto => intent.set("payment_method_types", json!(["crypto"])),
            Self::Types(types) => intent.set("payment_method_types", types.clone()),
            Self::Automatic { redirects } => {
                let allow = if *redirects { "always" } else { "never" };
                intent.set("automatic_payment_methods", json!({ "allow_redirects": allow, "enabled": true }));
                intent.set("payment_method_types", json!(["card"]));
            }
        }
    }
}

/// `mode` and `networks` of a deposit.
fn crypto_options(given: Option<&Value>) -> Result<Value, Error> {
    let refuse = |param: &str, message: String| {
        Err(Error::invalid(message)
            .code("parameter_invalid_string")
            .param(format!("payment_method_options[crypto]{param}")))
    };
    let given = given.unwrap_or(&Value::Null);
    if given.get("mode").and_then(Value::as_str) != Some("deposit") {
        let message = "payment_method_options.crypto.mode must be \"deposit\" for crypto PaymentIntents.";
        return refuse("[mode]", message.to_owned());
    }
    let networks = given.pointer("/deposit_options/networks").and_then(Value::as_array);
    if networks.and_then(|all| all.first()).and_then(Value::as_str) != Some("base") {
        let message = "payment_method_options.crypto.deposit_options.networks must include one of: base.";
        return refuse("[deposit_options][networks]", message.to_owned());
    }
    Ok(json!({ "mode": "deposit", "deposit_options": { "networks": ["base"] } }))
}

/// What is asked of card payments, with the vendor's defaults.
fn card_options(given: Option<&Value>) -> Result<Value, Error> {
    let given = given.unwrap_or(&Value::Null);
    if given.get("crypto").is_some() {
        let message = "payment_method_options.crypto is only valid with payment_method_types [\"crypto\"].";
        return Err(Error::invalid(message).code("parameter_invalid_string").param("payment_method_options[crypto]"));
    }
    let mut card = json!({
        "installments": null, "mandate_options": null, "network": null, "request_three_d_secure": "automatic",
    });
    if let (Value::Object(card), Some(Value::Object(more))) = (&mut card, given.get("card")) {
        card.extend(more.clone());
    }
    Ok(json!({ "card": card }))
}

/// The address that belongs to an intent.
pub(crate) fn deposit_address(intent: &str) -> String {
    let mut digits = hex(&Sha256::digest(intent.as_bytes()));
    digits.truncate(40);
    format!("0x{digits}")
}

/// USDC on Base.
const TOKEN: &str = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913";

/// Stores an intent that waits for a deposit.
pub(crate) fn begin_deposit(cx: &mut Cx<'_, Stripe>, mut intent: Doc) {
    cx.emit("payment_intent.created", &intent);
    let address = deposit_address(intent.id());
    intent.set("status", "requires_action");
    intent.set(
        "next_action",
        json!({
            "type": "display_crypto_deposit_information",
            "crypto_display_details": { "deposit_addresses": { "base": {
                "address": address,
                "supported_tokens": [{ "token_currency": "usdc", "token_contract_address": TOKEN }],
            } } },
        }),
    );
    cx.add(Kind::PaymentIntent, intent.clone(), Map::new());
    cx.emit("payment_intent.requires_action", &intent);
}

/// One payment intent. `client_secret` is what a page would send along.
#[derive(Debug, Deserialize)]
pub(crate) struct Retrieve {
    id: String,
    client_secret: Option<String>,
}

impl Action<Stripe> for Retrieve {
    const NAME: &'static str = "retrieve_payment_intent";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let intent = cx.get(Kind::PaymentIntent, &self.id)?;
        if self.client_secret.is_some_and(|secret| secret != intent.text("client_secret")) {
            let message =
                "The client_secret provided does not match the client_secret associated with the PaymentIntent.";
            return Err(Error::invalid(message).code("payment_intent_invalid_parameter").param("client_secret"));
        }
        Answer::doc(cx, &intent)
    }
}

/// Changes a payment intent that is not under way.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    amount: Option<i64>,
    amount_details: Option<Value>,
    capture_method: Option<CaptureMethod>,
    #[serde(default)]
    currency: Text,
    #[serde(default)]
    customer: Text,
    #[serde(default)]
    description: Text,
    metadata: Option<Value>,
    #[serde(default)]
    payment_method: Text,
    payment_method_data: Option<Value>,
    payment_method_options: Option<Value>,
    payment_method_types: Option<Vec<String>>,
    #[serde(default)]
    receipt_email: Text,
    #[serde(default)]
    setup_future_usage: Text,
    shipping: Option<Value>,
    #[serde(default)]
    statement_descriptor: Text,
    #[serde(default)]
    statement_descriptor_suffix: Text,
    #[serde(default)]
    transfer_group: Text,
}

impl Update {
    /// Whether anything is asked for that a payment under way does not allow.
    fn touches_payment(&self) -> bool {
        self.amount.is_some()
            || self.currency != Text::Absent
            || self.customer != Text::Absent
            || self.payment_method != Text::Absent
            || self.payment_method_data.is_some()
            || self.payment_method_options.is_some()
            || self.payment_method_types.is_some()
            || self.capture_method.is_some()
            || self.setup_future_usage != Text::Absent
    }
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_payment_intent";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let before = cx.get(Kind::PaymentIntent, &self.id)?;
        let mut intent = before.clone();
        let status = intent.text("status").to_owned();
        let crypto = intent.get("payment_method_types") == &json!(["crypto"]);
        if crypto && self.touches_payment() {
            return Err(Error::invalid("Only metadata can be updated on crypto PaymentIntents.")
                .code("parameter_invalid_string")
                .param("payment_method"));
        }
        let open = matches!(status.as_str(), "requires_payment_method" | "requires_confirmation" | "requires_action");
        if !open && (self.touches_payment() || status == "processing") {
            let message = format!(
                "This PaymentIntent's amount could not be updated because it has a status of {status}. You may only update \
                         the amount of a PaymentIntent with one of the following statuses: requires_payment_method, \
                         requires_confirmation, requires_action."
            );
            let what = if self.amount.is_some() { message } else { unexpected(&status) };
            return Err(Error::state(what).with("payment_intent", before.json()));
        }
        if let Some(amount) = self.amount {
            money::check(amount, intent.text("currency"))?;
            intent.set("amount", amount);
        }
        if let Text::Is(currency) = &self.currency {
            intent.set("currency", money::currency(currency)?);
        }
        params::merge_metadata(intent.object_mut("metadata"), self.metadata.as_ref())?;
        if let Text::Is(customer) = &self.customer {
            cx.refer(Kind::Customer, customer, "customer")?;
        }
        self.customer.apply(&mut intent, "customer");
        self.description.apply(&mut intent, "description");
        self.receipt_email.apply(&mut intent, "receipt_email");
        descriptor(&self.statement_descriptor, "statement_descriptor")?;
        descriptor(&self.statement_descriptor_suffix, "statement_descriptor_suffix")?;
        self.statement_descriptor.apply(&mut intent, "statement_descriptor");
        self.statement_descriptor_suffix.apply(&mut intent, "statement_descriptor_suffix");
        self.transfer_group.apply(&mut intent, "transfer_group");
        future_usage(&self.setup_future_usage)?;
        self.setup_future_usage.apply(&mut intent, "setup_future_usage");
        if let Some(shipping) = &self.shipping {
            intent.set("shipping", params::shipping(shipping, true)?);
        }
        if let Some(Value::Object(details)) = &self.amount_details {
            intent.object_mut("amount_details").extend(details.clone());
        }
        if let Some(method) = self.capture_method {
            intent.set("capture_method", method.name());
        }
        if let Some(types) = &self.payment_method_types {
            let rail = Rail::of(Some(types), None)?;
            rail.write(&mut intent);
            intent.set("automatic_payment_methods", Value::Null);
        }
        if let Some(options) = &self.payment_method_options {
            intent.set("payment_method_options", card_options(Some(options))?);
        }
        match (&self.payment_method, &self.payment_method_data) {
            (Text::Is(_), Some(_)) => return Err(both_methods()),
            (Text::Is(name), None) => {
                intent.set("payment_method", payment_methods::usable(cx, name, "payment_method")?);
            }
            (_, Some(data)) => intent.set("payment_method", described(cx, data)?),
            (Text::Clear, None) => intent.set("payment_method", Value::Null),
            (Text::Absent, None) => {}
        }
        if let Some(method) = intent.reference("payment_method").filter(|_| open && self.touches_payment()) {
            payment_methods::check_use(cx, method, intent.reference("customer"))?;
        }
        if open && !crypto && (self.payment_method != Text::Absent || self.payment_method_data.is_some()) {
            let waiting = intent.reference("payment_method").is_some();
            intent.set("status", if waiting { "requires_confirmation" } else { "requires_payment_method" });
            intent.set("next_action", Value::Null);
        }
        let change = cx.alter(Kind::PaymentIntent, &self.id, |stored| *stored = intent);
        Answer::doc(cx, &change.after)
    }
}

/// The general refusal of a status.
pub(super) fn unexpected(status: &str) -> String {
    format!("The PaymentIntent has a status of '{status}'. The requested action could not be performed.")
}

list! {
    /// Payment intents, newest first.
    List = "list_payment_intents", Kind::PaymentIntent, { customer: String, customer_account: String },
    |wanted, intent| {
        crate::lists::fits(intent, "customer", wanted.customer.as_deref())
            && crate::lists::fits(intent, "customer_account", wanted.customer_account.as_deref())
    }
}

search! {
    /// Payment intents that a query describes.
    Search = "search_payment_intents", Kind::PaymentIntent, ["amount", "created", "currency", "customer", "metadata", "status"]
}
