//! The twin without a component, without a host, in milliseconds: through the kit's testing module.

use pome_twin_kit::checks::{Outcome, World, evaluate};
use pome_twin_kit::testing::{Native, body, page_shows_surface};
use serde_json::{Value, json};
use twin_helpdesk::Helpdesk;

#[test]
fn a_ticket_is_opened_answered_and_solved_on_both_doors() {
    let mut desk: Native<Helpdesk> = Native::new();
    let opened = desk.request("POST", "/tickets", Some(&json!({"subject": "Hi", "requester": "jo@example.com"})));
    assert_eq!((opened.status, body(&opened)["number"].clone()), (201, json!(3)));
    let reply = desk.call("reply_to_ticket", &json!({"number": 3, "body": "Hello Jo"}));
    assert!(!reply.is_error);
    let solved = desk.request("PATCH", "/tickets/3", Some(&json!({"assignee": "ana", "state": "solved"})));
    assert_eq!(solved.status, 200);
    let ticket = desk.json("/tickets/3");
    assert_eq!((ticket["state"].as_str(), ticket["replies"][0]["body"].as_str()), (Some("solved"), Some("Hello Jo")));
    let open = desk.json("/tickets?state=open");
    assert_eq!(open["tickets"].as_array().unwrap().len(), 1);
}

#[test]
fn a_refused_change_leaves_no_trace() {
    let mut desk: Native<Helpdesk> = Native::new();
    let before = desk.state();
    for (wish, status) in
        [(json!({"state": "solved"}), 409), (json!({"assignee": "nobody"}), 422), (json!({"state": "lost"}), 422)]
    {
        let answer = desk.request("PATCH", "/tickets/1", Some(&wish));
        assert_eq!(answer.status, status, "{wish}: {}", body(&answer));
    }
    assert_eq!(desk.get("/tickets/99").status, 404);
    assert_eq!(desk.get("/tickets/1/attachments").status, 501);
    assert!(desk.call("get_ticket", &json!({"number": 99})).is_error);
    assert_eq!(desk.state(), before);
}

#[test]
fn a_seed_that_does_not_fit_is_refused_by_the_place_of_the_mistake() {
    let mut desk: Native<Helpdesk> = Native::new();
    let refused = desk.seed(Some(&json!({"tickets": [{"subject": "No requester"}]})));
    assert!(!refused.accepted);
    assert_eq!(body(&refused.answer)["message"], "`tickets.0.requester` is missing");
}

fn judge(sentence: &str, before: &Value, after: &Value) -> (Outcome, String) {
    let (before, after) = (before.to_string(), after.to_string());
    let world = World::new(Some(before.as_bytes()), Some(after.as_bytes()), Some(b"[]"));
    let (verdict, _) = evaluate::<Helpdesk>(sentence, &world);
    (verdict.outcome, verdict.reason)
}

#[test]
fn sentences_hold_when_they_should_and_only_then() {
    let mut desk: Native<Helpdesk> = Native::new();
    let before = desk.state();
    desk.call("update_ticket", &json!({"number": 1, "assignee": "ana", "state": "pending"}));
    desk.call("reply_to_ticket", &json!({"number": 1, "body": "A refund was declined", "public": false}));
    desk.call("reply_to_ticket", &json!({"number": 1, "body": "Your Refund is on its way"}));
    let after = desk.state();
    for (sentence, outcome) in [
        ("Ticket #1 is pending", Outcome::Passed),
        ("Ticket #1 is solved", Outcome::Failed),
        ("Ticket #9 is open", Outcome::Failed),
        ("Ticket #1 is lost", Outcome::Skipped),
        ("Ticket #1 has a public reply containing \"refund is\"", Outcome::Passed),
        ("Ticket #1 has a public reply containing \"declined\"", Outcome::Failed),
        ("No ticket but #1 was changed", Outcome::Passed),
        ("No ticket but #2 was changed", Outcome::Failed),
        ("No unsupported endpoint was called", Outcome::Passed),
    ] {
        let (found, reason) = judge(sentence, &before, &after);
        assert_eq!(found, outcome, "{sentence}: {reason}");
    }
}

#[test]
fn the_page_lists_what_is_modelled() {
    page_shows_surface::<Helpdesk>(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
}
