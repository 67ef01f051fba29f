//! A resource behind a payment, as the x402 protocol (version 1) has it: the first answer demands a payment, a request that
//! carries one is let through. Behind each demand stands a crypto payment intent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pome_twin_kit::{Action, Cx, Reply};
use serde::Deserialize;
use serde_json::{Value, json};

use super::confirming::settle_deposit;
use super::payment_intents::{begin_deposit, deposit_address};
use crate::Stripe;
use crate::desk::Desk;
use crate::error::Error;
use crate::ids;
use crate::kind::Kind;
use crate::objects;
use crate::state::Challenge;
use pome_twin_kit::VendorError;

/// One cent, in the millionths that the token counts.
const REQUIRED: &str = "10000";
const CENTS: i64 = 1;
const NETWORK: &str = "eip155:84532";
/// How long a demand is repeated, in milliseconds.
const STANDS: u64 = 5 * 60_000;

/// Asks for the resource.
#[derive(Debug, Deserialize)]
pub(crate) struct Unlock {}

impl Action<Stripe> for Unlock {
    const NAME: &'static str = "x402_protected_resource";
    const MUTATES: bool = true;
    type Output = Reply;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Reply, Error> {
        let Some(header) = cx.header("x-payment").map(str::to_owned) else {
            return Ok(demand(cx, "payment required"));
        };
        let account = cx.account();
        let body = json!({
            "ok": true, "resource": "stripe-x402-protected-resource",
            "message": "Payment verified by the Stripe twin.",
        });
        if cx.state.payments.contains(&(account.clone(), header.clone())) {
            return Ok(Reply::json(200, &body));
        }
        match settle(cx, &header) {
            Ok(receipt) => {
                cx.state.payments.insert((account, header), ());
                let mut reply = Reply::json(200, &body);
                reply.header("x-payment-response", STANDARD.encode(receipt.to_string()));
                Ok(reply)
            }
            Err(reason) => Ok(demand(cx, &reason)),
        }
    }
}

/// 402 with what is accepted. The demand stands even though the request is refused.
fn demand(cx: &mut Cx<'_, Stripe>, reason: &str) -> Reply {
    let Ok(accepted) = cx.attempt(|cx| Ok::<_, Error>(accepted(cx))) else { return Reply::new(500) };
    let body = if reason == "payment required" {
        json!({ "x402Version": 1, "accepts": [accepted], "error": reason })
    } else {
        json!({ "x402Version": 1, "error": reason, "accepts": [accepted] })
    };
    cx.refuses(reason);
    Reply::json(402, &body)
}

/// The open demand of the account, or a new one.
fn accepted(cx: &mut Cx<'_, Stripe>) -> Value {
    let (account, now) = (cx.account(), cx.now().0);
    let open = |challenge: &Challenge| challenge.account == account && !challenge.settled && challenge.expires > now;
    let standing = cx.state.challenges.iter().find(|(_, challenge)| open(challenge)).map(|(_, one)| one.intent.clone());
    let intent = match standing {
        Some(intent) => intent,
        None => challenge(cx, account, now),
    };
    json!({
        "scheme": "exact",
        "network": NETWORK,
        "maxAmountRequired": REQUIRED,
        "resource": format!("{}{}", cx.origin, cx.path),
        "description": "Unlock the hosted Stripe x402 protected resource",
        "mimeType": "application/json",
        "payTo": deposit_address(&intent),
        "maxTimeoutSeconds": 60,
        "asset": "USDC",
        "outputSchema": null,
    })
}

fn challenge(cx: &mut Cx<'_, Stripe>, account: String, now: u64) -> String {
    let id = cx.fresh("pi");
    let mut intent = objects::blank(Kind::PaymentIntent, &id, cx.seconds());
    intent.set("amount", CENTS);
    intent.set("client_secret", format!("{id}_secret_{}", ids::suffix(24, || cx.random())));
    intent.set("metadata", json!({ "x402_route": "GET /x402/protected-resource" }));
    intent.set("payment_method_types", json!(["crypto"]));
    intent.set(
        "payment_method_options",
        json!({ "crypto": { "mode": "deposit", "deposit_options": { "networks": ["base"] } } }),
    );
    begin_deposit(cx, intent);
    let row = Challenge { account, intent: id.clone(), expires: now + STANDS, settled: false };
    cx.state.challenges.insert(deposit_address(&id), row);
    id
}

/// Checks a payment and takes it; the receipt or the reason against it.
fn settle(cx: &mut Cx<'_, Stripe>, header: &str) -> Result<Value, String> {
    let malformed = |reason: &str| format!("X-PAYMENT: malformed ({reason})");
    let bytes = STANDARD.decode(header.trim()).map_err(|_| malformed("not base64"))?;
    let payment: Value = serde_json::from_slice(&bytes).map_err(|_| malformed("not JSON"))?;
    let text = |pointer: &str| payment.pointer(pointer).and_then(Value::as_str);
    let to = text("/payload/authorization/to").ok_or_else(|| malformed("payload.authorization.to is missing"))?;
    let value =
        text("/payload/authorization/value").ok_or_else(|| malformed("payload.authorization.value is missing"))?;
    let (account, now) = (cx.account(), cx.now().0);
    let address = to.to_ascii_lowercase();
    let known = cx.state.challenges.get(&address).cloned();
    let open = |challenge: &Challenge| challenge.account == account && !challenge.settled && challenge.expires > now;
    let Some(challenge) = known.filter(open) else {
        return Err(format!("X-PAYMENT.authorization.to={to} does not match any active challenge"));
    };
    if value != REQUIRED {
        return Err(format!("X-PAYMENT.authorization.value={value} does not match required {REQUIRED}"));
    }
    let network = text("/network").unwrap_or_default();
    if network != NETWORK {
        return Err(format!("X-PAYMENT.network={network} does not match challenge.network={NETWORK}"));
    }
    let payer = text("/payload/authorization/from");
    settle_deposit(cx, &challenge.intent, payer, None)
        .map_err(|error| format!("settlement: {}", VendorError::<Stripe>::message(&error)))?;
    let receipt = json!({ "success": true, "transaction": challenge.intent, "network": NETWORK, "payer": payer });
    cx.state.challenges.insert(address, Challenge { settled: true, ..challenge });
    Ok(receipt)
}
