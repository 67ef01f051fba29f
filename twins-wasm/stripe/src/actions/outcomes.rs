//! What becomes of a card when it is used.

use serde_json::{Value, json};

use crate::error::Error;
use crate::objects::{self, Effect};

/// Why a payment was declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decline {
    pub(crate) code: &'static str,
    pub(crate) decline_code: &'static str,
    pub(crate) message: &'static str,
    /// The vendor's own rules refused; the bank was not asked.
    pub(crate) blocked: bool,
}

impl Decline {
    fn of(effect: Effect) -> Option<Self> {
        let message = "Your card was declined.";
        match effect {
            Effect::Declines(code, decline_code, message) => Some(Self { code, decline_code, message, blocked: false }),
            Effect::Blocked => Some(Self { code: "card_declined", decline_code: "fraudulent", message, blocked: true }),
            Effect::DeclinesCharges => {
                Some(Self { code: "card_declined", decline_code: "generic_decline", message, blocked: false })
            }
            _ => None,
        }
    }

    pub(crate) fn error(self) -> Error {
        Error::card(self.code, self.message).with("decline_code", self.decline_code)
    }

    /// The `outcome` of the failed charge.
    pub(crate) fn outcome(self) -> Value {
        if self.blocked {
            return json!({
                "advice_code": null, "network_advice_code": null, "network_decline_code": null,
                "network_status": "not_sent_to_network", "reason": "highest_risk_level", "risk_level": "highest",
                "risk_score": 92, "rule": "block_if_high_risk", "seller_message": "Stripe blocked this payment as too risky.",
                "type": "blocked",
            });
        }
        let advice = if self.decline_code == "generic_decline" { "try_again_later" } else { "do_not_try_again" };
        json!({
            "advice_code": advice, "network_advice_code": null, "network_decline_code": network_code(self.decline_code),
            "network_status": "declined_by_network", "reason": self.decline_code, "risk_level": "normal",
            "risk_score": 32, "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        })
    }
}

/// The two digits that a bank answers with.
fn network_code(decline_code: &str) -> &'static str {
    match decline_code {
        "insufficient_funds" => "51",
        "lost_card" => "41",
        "stolen_card" => "43",
        "expired_card" => "54",
        "incorrect_cvc" => "N7",
        "card_velocity_exceeded" => "65",
        "processing_error" => "96",
        _ => "05",
    }
}

/// The `outcome` of a charge that went through.
pub(crate) fn authorized() -> Value {
    json!({
        "advice_code": null, "network_advice_code": null, "network_decline_code": null,
        "network_status": "approved_by_network", "reason": null, "risk_level": "normal", "risk_score": 12,
        "seller_message": "Payment complete.", "type": "authorized",
    })
}

/// Whether a card that is charged is declined.
pub(crate) fn on_charge(mark: &str) -> Option<Decline> {
    Decline::of(objects::effect(mark))
}

/// Whether a card can be saved for a customer.
pub(crate) fn on_attach(mark: &str) -> Option<Error> {
    match objects::effect(mark) {
        Effect::DeclinesCharges | Effect::Blocked => None,
        effect => Decline::of(effect).map(Decline::error),
    }
}
