//! Payment methods, and the test cards with what becomes of them.

use pome_twin_kit::ids::hex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::no_address;

/// What the vendor's test mode does with a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Succeeds,
    /// The code, the decline code and the message.
    Declines(&'static str, &'static str, &'static str),
    /// Declined by the vendor's own rules before the bank is asked.
    Blocked,
    /// Can be attached; every charge is declined.
    DeclinesCharges,
    /// Asks for authentication.
    Authenticates,
    /// Succeeds and is disputed with this reason and status.
    Disputed(&'static str, &'static str),
    /// A refund is pending at first.
    RefundPends,
    /// A refund fails after it succeeded.
    RefundFails,
    /// The money is there at once.
    BypassesPending,
}

/// A line of the vendor's page about testing.
#[derive(Debug)]
pub(crate) struct TestCard {
    /// `pm_card_<name>` and `tok_<name>`; the first is the usual one.
    pub(crate) names: &'static [&'static str],
    pub(crate) number: &'static str,
    pub(crate) funding: &'static str,
    pub(crate) country: &'static str,
    pub(crate) effect: Effect,
}

const fn good(names: &'static [&'static str], number: &'static str, country: &'static str) -> TestCard {
    TestCard { names, number, funding: "credit", country, effect: Effect::Succeeds }
}

const fn special(names: &'static [&'static str], number: &'static str, effect: Effect) -> TestCard {
    TestCard { names, number, funding: "credit", country: "US", effect }
}

const DECLINED: &str = "Your card was declined.";

/// The vendor's test cards.
#[rustfmt::skip]
pub(crate) const CARDS: &[TestCard] = &[
    good(&["visa"], "4242424242424242", "US"),
    TestCard { funding: "debit", ..good(&["visa_debit"], "4000056655665556", "US") },
    good(&["mastercard"], "5555555555554444", "US"),
    TestCard { funding: "debit", ..good(&["mastercard_debit"], "5200828282828210", "US") },
    TestCard { funding: "prepaid", ..good(&["mastercard_prepaid"], "5105105105105100", "US") },
    good(&["amex"], "378282246310005", "US"),
    good(&["discover"], "6011111111111117", "US"),
    good(&["diners"], "3056930009020004", "US"),
    good(&["jcb"], "3566002020360505", "JP"),
    good(&["unionpay"], "6200000000000005", "CN"),
    good(&["us"], "4242424242424242", "US"),
    good(&["gb"], "4000008260000000", "GB"),
    good(&["de"], "4000002760000016", "DE"),
    good(&["fr"], "4000002500000003", "FR"),
    good(&["ca"], "4000001240000000", "CA"),
    good(&["au"], "4000000360000006", "AU"),
    good(&["jp"], "4000003920000003", "JP"),
    good(&["br"], "4000000760000002", "BR"),
    good(&["mx"], "4000004840008001", "MX"),
    good(&["in"], "4000003560000008", "IN"),
    special(&["visa_chargeDeclined", "chargeDeclined"], "4000000000000002",
        Effect::Declines("card_declined", "generic_decline", DECLINED)),
    special(&["visa_chargeDeclinedInsufficientFunds", "chargeDeclinedInsufficientFunds"], "4000000000009995",
        Effect::Declines("card_declined", "insufficient_funds", "Your card has insufficient funds.")),
    special(&["visa_chargeDeclinedLostCard", "chargeDeclinedLostCard"], "4000000000009987",
        Effect::Declines("card_declined", "lost_card", DECLINED)),
    special(&["visa_chargeDeclinedStolenCard", "chargeDeclinedStolenCard"], "4000000000009979",
        Effect::Declines("card_declined", "stolen_card", DECLINED)),
    special(&["chargeDeclinedExpiredCard"], "4000000000000069",
        Effect::Declines("expired_card", "expired_card", "Your card has expired.")),
    special(&["chargeDeclinedIncorrectCvc"], "4000000000000127",
        Effect::Declines("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.")),
    special(&["chargeDeclinedProcessingError"], "4000000000000119",
        Effect::Declines("processing_error", "processing_error",
            "An error occurred while processing your card. Try again in a little bit.")),
    special(&["visa_chargeDeclinedVelocityLimitExceeded", "chargeDeclinedVelocityLimitExceeded"], "4000000000006975",
        Effect::Declines("card_declined", "card_velocity_exceeded",
            "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.")),
    special(&["chargeDeclinedFraudulent", "radarBlock"], "4100000000000019", Effect::Blocked),
    special(&["chargeCustomerFail"], "4000000000000341", Effect::DeclinesCharges),
    special(&["createDispute"], "4000000000000259", Effect::Disputed("fraudulent", "needs_response")),
    special(&["createDisputeProductNotReceived"], "4000000000002685",
        Effect::Disputed("product_not_received", "needs_response")),
    special(&["createDisputeInquiry"], "4000000000001976", Effect::Disputed("fraudulent", "warning_needs_response")),
    special(&["pendingRefund"], "4000000000007726", Effect::RefundPends),
    special(&["refundFail"], "4000000000005126", Effect::RefundFails),
    special(&["bypassPending"], "4000000000000077", Effect::BypassesPending),
    special(&["authenticationRequired"], "4000002760003184", Effect::Authenticates),
    special(&["threeDSecure2Required", "threeDSecureRequired"], "4000000000003220", Effect::Authenticates),
    special(&["authenticationRequiredOnSetup"], "4000002500003155", Effect::Authenticates),
];

/// The card behind `pm_card_visa` or `tok_visa`.
pub(crate) fn test_card(token: &str) -> Option<&'static TestCard> {
    let name = token.strip_prefix("pm_card_").or_else(|| token.strip_prefix("tok_"))?;
    CARDS.iter().find(|card| card.names.contains(&name))
}

/// What a card that arrived is known by. The number is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Card {
    pub(crate) brand: &'static str,
    pub(crate) last4: String,
    pub(crate) fingerprint: String,
    pub(crate) funding: &'static str,
    pub(crate) country: &'static str,
    pub(crate) exp_month: i64,
    pub(crate) exp_year: i64,
    pub(crate) cvc_checked: bool,
}

impl Card {
    pub(crate) fn new(number: &str, exp_month: i64, exp_year: i64, cvc_checked: bool) -> Self {
        let known = CARDS.iter().find(|card| card.number == number);
        Self {
            brand: brand(number),
            last4: number.get(number.len().saturating_sub(4)..).unwrap_or_default().to_owned(),
            fingerprint: fingerprint(number),
            funding: known.map_or("credit", |card| card.funding),
            country: known.map_or("US", |card| card.country),
            exp_month,
            exp_year,
            cvc_checked,
        }
    }

    /// The `card` of a payment method.
    pub(crate) fn json(&self) -> Value {
        let preferred: Value = Value::Null;
        json!({
            "brand": self.brand,
            "checks": {
                "address_line1_check": null,
                "address_postal_code_check": null,
                "cvc_check": if self.cvc_checked { Value::from("pass") } else { Value::Null },
            },
            "country": self.country,
            "display_brand": display_brand(self.brand),
            "exp_month": self.exp_month,
            "exp_year": self.exp_year,
            "fingerprint": self.fingerprint,
            "funding": self.funding,
            "generated_from": null,
            "last4": self.last4,
            "networks": { "available": [self.brand], "preferred": preferred },
            "regulated_status": "unregulated",
            "three_d_secure_usage": { "supported": true },
            "wallet": null,
        })
    }
}

/// What becomes of a card, by its fingerprint: the number is not kept.
pub(crate) fn effect(mark: &str) -> Effect {
    CARDS.iter().find(|card| fingerprint(card.number) == mark).map_or(Effect::Succeeds, |card| card.effect)
}

fn fingerprint(number: &str) -> String {
    let mut digits = hex(&Sha256::digest(number.as_bytes()));
    digits.truncate(16);
    digits
}

fn brand(number: &str) -> &'static str {
    let begins = |length: usize| number.get(..length).and_then(|digits| digits.parse::<u32>().ok()).unwrap_or_default();
    match (begins(1), begins(2), begins(4)) {
        (4, ..) => "visa",
        (_, 51..=55 | 22..=27, _) => "mastercard",
        (_, 34 | 37, _) => "amex",
        (_, 65, _) | (.., 6011) => "discover",
        (_, 30 | 36 | 38 | 39, _) => "diners",
        (_, 35, _) => "jcb",
        (_, 62, _) => "unionpay",
        _ => "unknown",
    }
}

fn display_brand(brand: &str) -> &str {
    match brand {
        "amex" => "american_express",
        "diners" => "diners_club",
        "unknown" => "other",
        "unionpay" => "union_pay",
        other => other,
    }
}

/// The check digit of card numbers.
pub(crate) fn luhn(number: &str) -> bool {
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit.wrapping_sub(b'0'));
            match at % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

pub(crate) fn billing_details() -> Value {
    json!({ "address": no_address(), "email": null, "name": null, "phone": null, "tax_id": null })
}

pub(super) fn payment_method() -> Value {
    json!({
        "id": null,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(),
        "card": null,
        "created": 0,
        "customer": null,
        "customer_account": null,
        "livemode": false,
        "metadata": {},
        "type": "card",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_card_passes_its_check_digit_and_is_found_by_name_and_mark() {
        for card in CARDS {
            assert!(luhn(card.number), "{}", card.number);
            let name = card.names[0];
            assert_eq!(test_card(&format!("pm_card_{name}")).unwrap().number, card.number);
            assert_eq!(effect(&fingerprint(card.number)), card.effect, "{name}");
        }
        assert!(test_card("pm_card_nothing").is_none() && !luhn("4242424242424241"));
    }

    #[test]
    fn brands_follow_the_first_digits() {
        let brands = CARDS[2..10].iter().filter(|card| card.funding == "credit").map(|card| brand(card.number));
        assert_eq!(brands.collect::<Vec<_>>(), ["mastercard", "amex", "discover", "diners", "jcb", "unionpay"]);
    }
}
