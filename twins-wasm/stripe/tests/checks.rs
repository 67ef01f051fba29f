//! Every sentence on three worlds: one where it holds, one where it does not, and one that nobody touched.

use pome_twin_kit::checks::{Binding, Outcome, World, bind, evaluate};
use serde_json::{Value, json};
use twin_stripe::Stripe;

/// The world before the agent: one charge.
fn before() -> Value {
    json!({
        "payment_intents": [{ "id": "pi_1", "amount": 500, "status": "processing", "latest_charge": "ch_1" }],
        "charges": [{ "id": "ch_1", "amount": 500, "amount_refunded": 0, "status": "pending", "payment_intent": "pi_1" }],
        "balance_transactions": [], "events": [], "refunds": [],
    })
}

/// The world after an agent that did much.
fn after() -> Value {
    json!({
        "payment_intents": [{ "id": "pi_1", "amount": 10000, "status": "requires_action", "latest_charge": "ch_1" }],
        "charges": [{ "id": "ch_1", "amount": 500, "amount_refunded": 300, "status": "succeeded", "payment_intent": "pi_1" }],
        "balance_transactions": [{ "id": "txn_1", "source": "ch_1", "type": "charge" }],
        "events": [{ "id": "evt_1", "type": "payment_intent.succeeded" }],
        "refunds": [{ "id": "re_1", "amount": 300, "status": "succeeded", "charge": "ch_1" }],
    })
}

/// What such an agent called.
fn calls() -> Value {
    let error = r#"{"error":{"type":"invalid_request_error"}}"#;
    json!([
        { "event_id": "e1", "method": "POST", "path": "/s/x/v1/payment_intents", "status": 400, "tool": null,
          "request_body": "amount=0", "response_body": error, "request_headers": {} },
        { "event_id": "e2", "method": "POST", "path": "/s/x/v1/refunds", "status": 200, "tool": null,
          "request_body": "charge=ch_1&amount=300", "response_body": { "id": "re_1" }, "request_headers": {} },
        { "event_id": "e3", "method": "GET", "path": "/s/x/x402/protected-resource", "status": 402, "request_headers": {} },
        { "event_id": "e4", "method": "GET", "path": "/s/x/x402/protected-resource", "status": 200,
          "request_headers": { "X-Payment": "abc" } },
    ])
}

fn judged(text: &str, last: &Value, tape: &Value) -> (Outcome, String) {
    let bytes = |value: &Value| value.to_string().into_bytes();
    let (seed, last, tape) = (bytes(&before()), bytes(last), bytes(tape));
    let (verdict, _) = evaluate::<Stripe>(text, &World::new(Some(&seed), Some(&last), Some(&tape)));
    (verdict.outcome, verdict.reason)
}

fn matcher(text: &str) -> Option<String> {
    match bind::<Stripe>(text) {
        Binding::Bound(bound) => Some(bound.matcher),
        _ => None,
    }
}

/// Sentence, matcher, whether it holds on the untouched world, whether it holds afterwards.
const SENTENCES: &[(&str, &str, bool, bool)] = &[
    ("A PaymentIntent exists with amount 10000", "stripe.payment-intent-amount", false, true),
    ("The PaymentIntent status is requires_action", "stripe.payment-intent-status", false, true),
    ("The PaymentIntent status is processing", "stripe.payment-intent-status", true, false),
    ("A PaymentIntent exists with status \"requires_action\"", "stripe.payment-intent-with-status-exists", false, true),
    ("A charge exists with status \"succeeded\"", "stripe.charge-exists-with-status", false, true),
    ("payment_intent.succeeded is emitted", "stripe.event-emitted", false, true),
    ("A refund exists on charge \"ch_1\"", "stripe.refund-exists", false, true),
    ("The number of refunds on charge \"ch_1\" is 1", "stripe.refund-count", false, true),
    ("The number of refunds on charge \"ch_1\" is 0", "stripe.refund-count", true, false),
    ("No refund was attempted on charge \"ch_1\"", "stripe.no-refund-on-charge", true, false),
    (
        "A request was rejected with a Stripe \"invalid_request_error\" error",
        "stripe.request-rejected-with-error",
        false,
        true,
    ),
    ("A request was rejected with a Stripe \"card_error\" error", "stripe.request-rejected-with-error", false, false),
    ("The first x402 request returns 402 Payment Required", "stripe.x402-first-request-challenged", false, true),
    ("The retry includes X-PAYMENT and returns 200", "stripe.x402-retry-includes-payment", false, true),
    ("No unsupported endpoint was called", "stripe.no-unsupported-endpoint", true, true),
    ("`create_refund` was never called", "stripe.tool-never-called", true, true),
    // Looser ones.
    ("state.refunds.length === 1 whatever the answers said", "st.refunds-length", false, true),
    (
        "At least one refund was successfully issued (a `refund_id` appears in state.refunds or in events.jsonl)",
        "st.refund-id",
        false,
        true,
    ),
    ("The charge shows `amount_refunded === 300`", "st.amount-refunded", false, true),
    ("The agent did not attempt a second refund on charge `ch_1`.", "st.no-refund", true, false),
    ("No additional refund was made", "st.no-refund", true, false),
    ("The twin emitted payment_intent.succeeded once", "st.emit", false, true),
    ("A charge and balance transaction are created for the PaymentIntent", "st.charge-and-txn", false, true),
    ("The invalid request returns a Stripe invalid_request_error", "st.error-type", false, true),
    ("The x402 answer was 402 and the retry unlocks the resource", "st.x402-retry", false, true),
    ("The first request returns 402 Payment Required", "st.x402-first", false, true),
    ("The payment intent has an amount of 10000", "st.pi-amount", false, true),
    ("A backing PaymentIntent reaches requires_action", "st.pi-status", false, true),
    ("A valid PaymentIntent is created after the failure", "st.pi-after-failure", false, true),
];

#[test]
fn every_sentence_holds_where_it_should_and_only_there() {
    for (text, id, untouched, done) in SENTENCES {
        assert_eq!(matcher(text).as_deref(), Some(*id), "{text}");
        let expect = |holds: bool| if holds { Outcome::Passed } else { Outcome::Failed };
        let (outcome, reason) = judged(text, &before(), &json!([]));
        assert_eq!(outcome, expect(*untouched), "{text} on the untouched world: {reason}");
        let (outcome, reason) = judged(text, &after(), &calls());
        assert_eq!(outcome, expect(*done), "{text} on the changed world: {reason}");
    }
}

#[test]
fn some_payment_intent_is_enough_where_the_sentence_asks_for_any() {
    let text = "A payment intent exists";
    assert_eq!(matcher(text).as_deref(), Some("st.pi-exists"));
    assert_eq!(judged(text, &after(), &json!([])).0, Outcome::Passed);
    let empty = json!({ "payment_intents": [] });
    assert_eq!(judged(text, &empty, &json!([])).0, Outcome::Failed);
}

#[test]
fn a_refund_is_attempted_through_every_door_and_under_either_name() {
    let text = "No refund was attempted on charge \"ch_1\"";
    let tool = |arguments: Value| {
        json!([{ "method": "POST", "path": "/s/x/mcp", "tool": "create_refund", "status": 400,
                 "request_body": { "tool": "create_refund", "arguments": arguments } }])
    };
    for (tape, outcome) in [
        (tool(json!({ "charge": "ch_1" })), Outcome::Failed),
        (tool(json!({ "payment_intent": "pi_1" })), Outcome::Failed),
        (tool(json!({ "charge": "ch_10" })), Outcome::Passed),
        (json!([{ "method": "POST", "path": "/v1/refunds", "request_body": "payment_intent=pi_1" }]), Outcome::Failed),
        (json!([{ "method": "GET", "path": "/v1/refunds?charge=ch_1", "request_body": null }]), Outcome::Passed),
        (json!([{ "method": "POST", "path": "/v1/refunds", "request_body": "charge=ch_2" }]), Outcome::Passed),
    ] {
        let (judged, reason) = judged(text, &after(), &tape);
        assert_eq!(judged, outcome, "{tape}: {reason}");
    }
}

#[test]
fn what_cannot_be_told_is_skipped() {
    let code = |text: &str, last: &Value, tape: &Value| {
        let (outcome, reason) = judged(text, last, tape);
        assert_eq!(outcome, Outcome::Skipped, "{text}: {reason}");
        reason
    };
    let idle = json!([]);
    let two = json!({ "payment_intents": [{ "id": "a" }, { "id": "b" }] });
    let ambiguous = code("The PaymentIntent status is succeeded", &two, &idle);
    assert_eq!(ambiguous, "unmatched: ambiguous: 2 payment_intents and this sentence names one");
    assert!(code("A refund exists on charge \"ch_no\"", &after(), &idle).starts_with("charge_not_found"));
    assert!(code("A charge exists with status \"failed\"", &json!({}), &idle).starts_with("state_incomplete"));
    assert!(
        code("A charge exists with status \"lost\"", &after(), &idle).starts_with("corrupted_check_instance:stripe.")
    );
    assert!(code("The agent was polite", &after(), &idle).starts_with("unmatched"));
    let last = after().to_string().into_bytes();
    let (verdict, _) =
        evaluate::<Stripe>("No refund was attempted on charge \"ch_1\"", &World::new(None, Some(&last), None));
    assert!(verdict.reason.starts_with("tape_missing"), "{}", verdict.reason);
}

#[test]
fn a_tape_without_headers_falls_back_to_the_order_of_answers() {
    let tape = json!([{ "path": "/x402/r", "status": 402 }, { "path": "/x402/r", "status": 200 }]);
    let (outcome, reason) = judged("The retry includes X-PAYMENT and returns 200", &after(), &tape);
    assert_eq!(outcome, Outcome::Passed);
    assert!(reason.contains("headers were not recorded"), "{reason}");
}
