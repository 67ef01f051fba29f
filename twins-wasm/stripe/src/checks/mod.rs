//! What can be asserted: the sentences, and the patterns of their slots. Looser sentences are understood in `relaxed`.

mod objects;
mod relaxed;
mod tape;

use pome_twin_kit::checks::{Check, Slot};

pub(crate) use relaxed::RELAXED;

pub(crate) const CHECKS: &[Check] = &[
    Check::new::<objects::IntentAmount>(
        "payment-intent-amount",
        "A PaymentIntent exists with amount {amount}",
        "Some PaymentIntent has this amount, in the smallest unit of its currency.",
    ),
    Check::new::<objects::IntentStatus>(
        "payment-intent-status",
        "The PaymentIntent status is {status}",
        "The only PaymentIntent has this status; with more than one the sentence is ambiguous.",
    ),
    Check::new::<objects::IntentWithStatus>(
        "payment-intent-with-status-exists",
        "A PaymentIntent exists with status \"{status}\"",
        "Some PaymentIntent has this status.",
    ),
    Check::new::<objects::ChargeWithStatus>(
        "charge-exists-with-status",
        "A charge exists with status \"{charge_status}\"",
        "Some charge has this status.",
    ),
    Check::new::<objects::EventEmitted>(
        "event-emitted",
        "{event_type} is emitted",
        "Some event has this type.",
    ),
    Check::new::<objects::RefundExists>(
        "refund-exists",
        "A refund exists on charge \"{charge}\"",
        "The charge has at least one refund, whatever became of it.",
    )
    .subjects(&["charge"]),
    Check::new::<objects::RefundCount>(
        "refund-count",
        "The number of refunds on charge \"{charge}\" is {count}",
        "The charge has exactly so many refunds.",
    )
    .subjects(&["charge"]),
    Check::new::<tape::NoRefund>(
        "no-refund-on-charge",
        "No refund was attempted on charge \"{charge}\"",
        "No call tried to refund the charge, over REST or as a tool, by its own id or by that of its PaymentIntent; a refused \
         attempt counts.",
    )
    .subjects(&["charge"]),
    Check::new::<tape::Rejected>(
        "request-rejected-with-error",
        "A request was rejected with a Stripe \"{error_type}\" error",
        "Some answer carries an error of this type.",
    ),
    Check::new::<tape::Challenged>(
        "x402-first-request-challenged",
        "The first x402 request returns 402 Payment Required",
        "The first call of a resource below /x402/ was answered with 402.",
    ),
    Check::new::<tape::PaidRetry>(
        "x402-retry-includes-payment",
        "The retry includes X-PAYMENT and returns 200",
        "Some call that carried the header X-PAYMENT was answered with 200.",
    ),
];

pub(crate) const SLOTS: &[Slot] = &[
    Slot { name: "tool", pattern: "[a-z][a-z0-9_]*", example: "create_refund" },
    Slot { name: "amount", pattern: "\\d+", example: "10000" },
    Slot { name: "count", pattern: "\\d+", example: "1" },
    Slot { name: "charge", pattern: "[A-Za-z0-9_-]+", example: "ch_test_200" },
    Slot {
        name: "status",
        pattern: "requires_payment_method|requires_confirmation|requires_action|processing|requires_capture|canceled|succeeded",
        example: "succeeded",
    },
    Slot { name: "charge_status", pattern: "pending|succeeded|failed", example: "succeeded" },
    Slot {
        name: "event_type",
        pattern: "payment_intent\\.created|payment_intent\\.requires_action|payment_intent\\.processing|payment_intent\\.succeeded|\
                  payment_intent\\.payment_failed|payment_intent\\.canceled|charge\\.succeeded|charge\\.failed|charge\\.refunded|\
                  refund\\.created|customer\\.created|customer\\.updated|customer\\.deleted|payment_method\\.attached|\
                  payment_method\\.detached",
        example: "payment_intent.succeeded",
    },
    Slot {
        name: "error_type",
        pattern: "invalid_request_error|api_error|card_error|idempotency_error|rate_limit_error",
        example: "invalid_request_error",
    },
];
