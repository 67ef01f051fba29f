//! How much may be asked: headers, `/rate_limit`, the end of a budget, and what does not count.

use pome_twin_kit::envelope::Answer;
use pome_twin_kit::testing::{Native, START, body};
use serde_json::{Value, json};
use twin_github::GitHub;

fn world(limits: &Value) -> Native<GitHub> {
    Native::seeded(Some(&json!({
        "rate_limits": limits,
        "repositories": [{ "owner": "acme", "name": "api", "collaborators": ["alice"], "issues": [{ "title": "One" }] }],
    })))
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
}

/// Limit, remaining, used and resource of an answer's headers.
fn standing(answer: &Answer) -> [&str; 4] {
    ["limit", "remaining", "used", "resource"].map(|name| header(answer, &format!("x-ratelimit-{name}")))
}

#[test]
fn every_answer_says_where_its_user_stands() {
    let mut twin = Native::<GitHub>::new();
    assert_eq!(standing(&twin.get("/repos/acme/api")), ["5000", "4999", "1", "core"]);
    assert_eq!(standing(&twin.get("/repos/acme/nothing")), ["5000", "4998", "2", "core"]);
    assert_eq!(standing(&twin.get("/repos/acme/api/traffic/views")), ["5000", "4998", "2", "core"]);
    assert_eq!(standing(&twin.get("/search/issues?q=a")), ["30", "29", "1", "search"]);
    assert_eq!(standing(&twin.get("/search/code?q=a")), ["10", "9", "1", "code_search"]);
    let answer = twin.get("/rate_limit");
    assert_eq!(standing(&answer), ["5000", "4998", "2", "core"]);
    let limits = body(&answer);
    assert_eq!(limits["rate"], limits["resources"]["core"]);
    assert_eq!(limits["resources"]["search"]["remaining"], 29);
    assert_eq!(limits["resources"]["core"]["reset"].to_string(), header(&answer, "x-ratelimit-reset"));
    assert_eq!(limits["resources"]["graphql"]["used"], 0);
    twin.caller.login = Some("alice".to_owned());
    assert_eq!(standing(&twin.get("/repos/acme/api")), ["5000", "4999", "1", "core"]);
}

#[test]
fn a_used_up_budget_is_refused_once_and_then_begins_anew() {
    let mut twin = world(&json!({ "core": 2 }));
    assert_eq!(twin.get("/repos/acme/api").status, 200);
    assert_eq!(
        twin.call("issue_read", &json!({ "method": "get", "owner": "acme", "repo": "api", "issue_number": 1 })).status,
        200
    );
    let before = twin.state();
    let answer = twin.request("POST", "/repos/acme/api/issues", Some(&json!({ "title": "Two" })));
    assert_eq!((answer.status, standing(&answer)), (403, ["2", "0", "2", "core"]));
    let refused = body(&answer);
    assert_eq!(refused["message"], "API rate limit exceeded for user ID 2513727887.");
    assert_eq!(
        refused["documentation_url"],
        "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"
    );
    assert_eq!(twin.state(), before);
    assert!(header(&answer, "x-ratelimit-reset").parse::<u64>().unwrap() > START / 1000);
    assert_eq!(standing(&twin.get("/repos/acme/api")), ["2", "1", "1", "core"]);
}

#[test]
fn a_window_passes_with_the_clock_of_the_world() {
    let mut twin = world(&json!({ "search": 1 }));
    assert_eq!(twin.get("/search/users?q=a").status, 200);
    twin.host.set(START + 61_000);
    assert_eq!(twin.get("/search/users?q=a").status, 200);
    let answer = twin.call("search_users", &json!({ "query": "a" }));
    assert_eq!(answer.status, 403);
    let content = String::from_utf8(answer.content.unwrap()).unwrap();
    assert!(
        content.contains("failed to search users with query 'a': GitHub API rate limit exceeded. Retry after 59s."),
        "{content}"
    );
}

#[test]
fn without_a_limit_in_the_seed_nobody_is_refused() {
    let mut twin = Native::<GitHub>::new();
    for at in 0..2000 {
        assert_eq!(twin.get("/repos/acme/api/issues").status, 200);
        let answer = twin.get("/search/code?q=a");
        assert_eq!((answer.status, standing(&answer)[2]), (200, (at % 10 + 1).to_string().as_str()));
    }
}

#[test]
fn what_a_client_knows_already_is_free_and_reading_changes_nothing() {
    let mut twin = Native::<GitHub>::new();
    let answer = twin.get("/repos/acme/api");
    assert!(!answer.report.mutation);
    let etag = header(&answer, "etag").to_owned();
    let again = twin.request_with("GET", "/repos/acme/api", &[("if-none-match", &etag)], b"");
    assert_eq!((again.status, standing(&again)), (304, ["5000", "4999", "1", "core"]));
}

#[test]
fn a_thing_that_was_not_changed_since_is_not_sent_again() {
    let mut twin = Native::<GitHub>::new();
    let answer = twin.get("/repos/acme/api");
    assert_eq!(header(&answer, "last-modified"), "Thu, 01 Jan 2026 00:00:00 GMT");
    let ask = |twin: &mut Native<GitHub>, since: &str, tag: Option<&str>| {
        let mut headers = vec![("if-modified-since", since)];
        headers.extend(tag.map(|tag| ("if-none-match", tag)));
        twin.request_with("GET", "/repos/acme/api", &headers, b"").status
    };
    assert_eq!(ask(&mut twin, "Thu, 01 Jan 2026 00:00:00 GMT", None), 304);
    assert_eq!(ask(&mut twin, "Wed, 31 Dec 2025 23:59:59 GMT", None), 200);
    assert_eq!(ask(&mut twin, "yesterday", None), 200);
    // A tag counts more than a time.
    assert_eq!(ask(&mut twin, "Thu, 01 Jan 2026 00:00:00 GMT", Some("W/\"other\"")), 200);
    twin.caller.login = Some("acme".to_owned());
    for description in ["Other", "Another"] {
        let answer = twin.request("PATCH", "/repos/acme/api", Some(&json!({ "description": description })));
        assert_eq!(answer.status, 200);
    }
    assert_eq!(ask(&mut twin, "Thu, 01 Jan 2026 00:00:00 GMT", None), 200);
}

#[test]
fn a_limit_of_an_unknown_resource_is_refused() {
    let mut twin = Native::<GitHub>::new();
    let seed = json!({ "repositories": [{ "owner": "a", "name": "b" }], "rate_limits": { "cores": 1 } });
    let seeded = twin.seed(Some(&seed));
    assert_eq!((seeded.accepted, seeded.answer.status), (false, 422));
    assert_eq!(body(&seeded.answer)["errors"][0]["field"], "rate_limits.cores");
}
