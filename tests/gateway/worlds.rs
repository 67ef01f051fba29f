//! Isolated worlds in one process: made, forked, wound forward, reset, ended.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{SID, Twin};

/// A session of its own: its name, its token.
struct Session {
    sid: String,
    token: String,
}

fn create(twin: &Twin, body: Value) -> Session {
    let response = twin.admin("POST", "/admin/sessions", body);
    assert_eq!(response.status, 201, "{}", response.text());
    let made = response.json();
    let sid = made["sid"].as_str().unwrap().to_owned();
    assert_eq!(made["rest_url"], json!(format!("http://{}/s/{sid}", twin.address)));
    assert_eq!(made["mcp_url"], json!(format!("http://{}/s/{sid}/mcp", twin.address)));
    Session { token: made["token"].as_str().unwrap().to_owned(), sid }
}

fn call(twin: &Twin, session: &Session, method: &str, path: &str) -> crate::support::Response {
    let authorization = format!("Bearer {}", session.token);
    twin.send(method, &format!("/s/{}{path}", session.sid), &[("authorization", &authorization)], b"")
}

fn count(twin: &Twin, session: &Session) -> String {
    call(twin, session, "GET", "/count").text()
}

#[test]
fn sessions_that_nobody_made_share_the_default_world() {
    let twin = Twin::hostile();
    twin.call_as("one", "POST", "/count", None);
    twin.call_as("two", "POST", "/count", None);
    assert_eq!(twin.call_as("three", "GET", "/count", None).text(), "2");
    assert_eq!(twin.events().len(), 3, "and its trace");
}

#[test]
fn a_made_session_shares_nothing() {
    let twin = Twin::hostile();
    let (one, two) = (create(&twin, json!({})), create(&twin, json!({})));
    call(&twin, &one, "POST", "/count");
    assert_eq!((count(&twin, &one), count(&twin, &two)), ("1".to_owned(), "0".to_owned()));
    assert_eq!(twin.get("/count").text(), "0");
    let rows = |session| call(&twin, session, "GET", "/_pome/events").json().as_array().unwrap().len();
    assert_eq!((rows(&one), rows(&two), twin.events().len()), (2, 1, 1));
    // A token opens its own session only.
    let other = Session { sid: two.sid.clone(), token: one.token.clone() };
    assert_eq!(call(&twin, &other, "GET", "/count").status, 401);
}

#[test]
fn the_clock_and_the_random_stream_are_what_was_asked_for() {
    let twin = Twin::hostile();
    let asked = json!({ "clock": "2030-01-02T03:04:05Z", "random_seed": 7 });
    let (one, two) = (create(&twin, asked.clone()), create(&twin, asked));
    assert_eq!(call(&twin, &one, "GET", "/clock").text(), "1893553445000");
    let random = |session| call(&twin, session, "GET", "/random").text();
    assert_eq!(random(&one), random(&two));
    assert_ne!(random(&one), random(&create(&twin, json!({ "random_seed": 8 }))));
}

#[test]
fn a_fork_continues_and_its_source_does_not_notice() {
    let twin = Twin::hostile();
    let source = create(&twin, json!({}));
    for _ in 0..3 {
        call(&twin, &source, "POST", "/count");
    }
    let fork = create(&twin, json!({ "from": { "sid": source.sid } }));
    call(&twin, &fork, "POST", "/count");
    assert_eq!((count(&twin, &source), count(&twin, &fork)), ("3".to_owned(), "4".to_owned()));
    assert_eq!(twin.admin("POST", &format!("/admin/sessions/{}/reset", fork.sid), json!({})).status, 200);
    assert_eq!(count(&twin, &fork), "3", "a fork goes back to where it began");
}

#[test]
fn a_fork_can_begin_after_any_event() {
    let twin = Twin::hostile();
    let source = create(&twin, json!({ "clock": 1_000_000 }));
    // Events 1 to 6, with a read, a refusal and a step of the clock between.
    for (method, path) in [("POST", "/count"), ("GET", "/count"), ("POST", "/count"), ("POST", "/nowhere")] {
        call(&twin, &source, method, path);
    }
    assert_eq!(
        twin.admin("POST", &format!("/admin/sessions/{}/clock", source.sid), json!({ "advance_ms": 500 })).status,
        200
    );
    for _ in 0..2 {
        call(&twin, &source, "POST", "/count");
    }
    let after = |event: u64| {
        let fork = create(&twin, json!({ "from": { "sid": source.sid, "at": event } }));
        (count(&twin, &fork), call(&twin, &fork, "GET", "/clock").text())
    };
    let expected = [
        ("0", "1000000"),
        ("1", "1001000"),
        ("1", "1001000"),
        ("2", "1002000"),
        ("2", "1002000"),
        ("3", "1003500"),
        ("4", "1004500"),
    ];
    for (event, (count, clock)) in (0..).zip(expected) {
        assert_eq!(after(event), (count.to_owned(), clock.to_owned()), "after event {event}");
    }
    let beyond = twin.admin("POST", "/admin/sessions", json!({ "from": { "sid": source.sid, "at": 99 } }));
    assert_eq!(beyond.status, 400, "{}", beyond.text());
    // From a fork, numbers are its own.
    let fork = create(&twin, json!({ "from": { "sid": source.sid, "at": 3 } }));
    call(&twin, &fork, "POST", "/count");
    call(&twin, &fork, "POST", "/count");
    let again = create(&twin, json!({ "from": { "sid": fork.sid, "at": 1 } }));
    assert_eq!(count(&twin, &again), "3");
}

#[test]
fn the_default_world_can_be_forked_by_any_session_that_reads_it() {
    let twin = Twin::hostile();
    twin.call("POST", "/count", None);
    let fork = create(&twin, json!({ "from": { "sid": SID } }));
    assert_eq!(count(&twin, &fork), "1");
}

#[test]
fn time_passes_when_told_and_what_is_due_happens() {
    let twin = Twin::hostile();
    let session = create(&twin, json!({ "clock": 0 }));
    assert_eq!(call(&twin, &session, "POST", "/later").status, 202);
    let clock = |body| twin.admin("POST", &format!("/admin/sessions/{}/clock", session.sid), body);
    assert_eq!(clock(json!({ "advance_ms": 1000 })).json()["deliveries"], 0);
    let moved = clock(json!({ "set": "1970-01-01T00:02:00Z" })).json();
    assert_eq!((moved["now"].clone(), moved["deliveries"].clone()), (json!("1970-01-01T00:02:00.000Z"), json!(1)));
    assert_eq!(call(&twin, &session, "GET", "/clock").text(), "120000");
    for refused in [
        json!({}),
        json!({ "set": 5 }),
        json!({ "set": "soon" }),
        json!({ "advance_ms": -1 }),
        json!({ "advance_ms": 1, "set": 200_000 }),
    ] {
        assert_eq!(clock(refused.clone()).status, 400, "{refused}");
    }
}

#[test]
fn an_ended_session_is_refused_like_a_bad_token() {
    let twin = Twin::hostile();
    let session = create(&twin, json!({}));
    assert_eq!(count(&twin, &session), "0");
    assert_eq!(twin.admin("DELETE", &format!("/admin/sessions/{}", session.sid), json!({})).status, 200);
    assert_eq!(call(&twin, &session, "GET", "/count").status, 401);
    assert_eq!(twin.admin("DELETE", &format!("/admin/sessions/{}", session.sid), json!({})).status, 404);
    assert_eq!(twin.admin("GET", "/admin/sessions", json!({})).json()["sessions"], json!([]));
}

#[test]
fn a_session_ends_when_its_time_is_over() {
    let twin = Twin::hostile();
    let session = create(&twin, json!({ "ttl_s": 1 }));
    assert_eq!(count(&twin, &session), "0");
    // Its token runs out with it, so ask the list, which does not look at tokens.
    let bound = Instant::now() + Duration::from_secs(20);
    let gone = || twin.admin("GET", "/admin/sessions", json!({})).json()["sessions"] == json!([]);
    let mut ended = gone();
    while !ended && Instant::now() < bound {
        ended = gone();
    }
    assert!(ended);
    assert_eq!(call(&twin, &session, "GET", "/count").status, 401);
}

#[test]
fn the_list_says_what_lives() {
    let twin = Twin::hostile();
    let session = create(&twin, json!({ "ttl_s": 3600 }));
    call(&twin, &session, "POST", "/count");
    let list = twin.admin("GET", "/admin/sessions", json!({})).json();
    let line = &list["sessions"][0];
    assert_eq!((line["sid"].clone(), line["events"].clone()), (json!(session.sid), json!(1)));
    assert!(line["memory_bytes"].as_u64().unwrap() > 0 && line["expires_at"].is_string());
    assert_eq!(list["default"]["events"], 0);
}

#[test]
fn what_cannot_be_made_is_refused_with_the_place() {
    let twin = Twin::hostile();
    let cases = [
        (json!({ "seed": "nobody" }), 400, "seed:"),
        (json!({ "seed": 7 }), 400, "seed:"),
        (json!({ "seed": { "not": "a number" } }), 422, "refused the seed"),
        (json!({ "clock": "soon" }), 400, "clock:"),
        (json!({ "random_seed": -1 }), 400, "random_seed:"),
        (json!({ "ttl_s": 0 }), 400, "ttl_s:"),
        (json!({ "from": {} }), 400, "from.sid:"),
        (json!({ "from": { "sid": SID, "at": "x" } }), 400, "from.at:"),
        (json!({ "from": { "sid": SID }, "seed": {} }), 400, "seed:"),
        (json!([]), 400, "not a JSON object"),
    ];
    for (body, status, text) in cases {
        let response = twin.admin("POST", "/admin/sessions", body.clone());
        assert_eq!(response.status, status, "{body}");
        assert!(response.text().contains(text), "{body}: {}", response.text());
    }
}
