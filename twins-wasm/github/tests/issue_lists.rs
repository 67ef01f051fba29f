//! Lists of issues by age come from an index; they must show what looking at every issue shows.

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

/// Sixty issues whose times do not follow their numbers, every third closed, some of them labelled.
fn world() -> Native<GitHub> {
    let issues: Vec<Value> = (1..=60)
        .map(|number: u64| {
            let minute = (number * 37) % 60;
            json!({
                "number": number, "title": format!("issue {number}"),
                "state": if number.is_multiple_of(3) { "closed" } else { "open" },
                "labels": if number.is_multiple_of(5) { json!(["bug", "rare"]) } else { json!(["bug"]) },
                "milestone": if number.is_multiple_of(2) { json!(1) } else { Value::Null },
                "created_at": format!("2025-12-01T10:{minute:02}:00Z"), "updated_at": "2025-12-02T00:00:00Z",
            })
        })
        .collect();
    let seed = json!({ "repositories": [{
        "owner": "acme", "name": "api", "issues": issues,
        "labels": [{ "name": "bug", "color": "ff0000" }, { "name": "rare", "color": "00ff00" }],
        "milestones": [{ "title": "first" }],
    }] });
    Native::seeded(Some(&seed))
}

fn get(twin: &mut Native<GitHub>, path: &str) -> (Vec<u64>, Option<String>) {
    let answer = twin.request("GET", &format!("/repos/acme/api/issues?{path}"), None);
    let numbers = body(&answer).as_array().unwrap().iter().map(|issue| issue["number"].as_u64().unwrap()).collect();
    let link = answer.headers.iter().find(|(name, _)| name == "link").map(|(_, value)| value.clone());
    (numbers, link)
}

/// What the list has to be, from the rules of the seed.
fn expected(shown: impl Fn(u64) -> bool, descending: bool) -> Vec<u64> {
    let mut numbers: Vec<u64> = (1..=60).filter(|number| shown(*number)).collect();
    numbers.sort_by_key(|number| ((number * 37) % 60, *number));
    if descending {
        numbers.reverse();
    }
    numbers
}

#[test]
fn a_list_by_age_shows_every_issue_once_in_order_whatever_the_page() {
    for (state, shown) in [
        ("open", Box::new(|number: u64| !number.is_multiple_of(3)) as Box<dyn Fn(u64) -> bool>),
        ("closed", Box::new(|number: u64| number.is_multiple_of(3))),
        ("all", Box::new(|_| true)),
    ] {
        for (direction, descending) in [("asc", false), ("desc", true)] {
            let mut twin = world();
            let mut all = Vec::new();
            for page in 1.. {
                let query = format!("state={state}&direction={direction}&per_page=7&page={page}");
                let (numbers, link) = get(&mut twin, &query);
                let last = numbers.len() < 7 || !link.is_some_and(|link| link.contains("rel=\"next\""));
                all.extend(numbers);
                if last {
                    break;
                }
            }
            assert_eq!(all, expected(&shown, descending), "{state} {direction}");
        }
    }
}

#[test]
fn the_index_follows_what_calls_change_and_forgets_what_they_take_back() {
    let mut twin = world();
    let close = json!({ "state": "closed", "labels": ["rare"] });
    assert_eq!(twin.request("PATCH", "/repos/acme/api/issues/1", Some(&close)).status, 200);
    let refused = json!({ "state": "open", "assignees": ["nobody-here"], "milestone": 99 });
    assert_eq!(twin.request("PATCH", "/repos/acme/api/issues/1", Some(&refused)).status, 422);
    let (open, _) = get(&mut twin, "per_page=100");
    assert_eq!(open, expected(|number| !number.is_multiple_of(3) && number != 1, true));
    let (rare, _) = get(&mut twin, "labels=Rare&state=all&per_page=100");
    assert_eq!(rare, expected(|number| number.is_multiple_of(5) || number == 1, true));
    let (both, _) = get(&mut twin, "labels=bug,rare&state=closed&per_page=100");
    assert_eq!(both, expected(|number| number.is_multiple_of(15), true));
}

#[test]
fn counts_in_an_answer_include_what_the_call_itself_did() {
    let mut twin = world();
    let counts = |twin: &mut Native<GitHub>| {
        let repo = body(&twin.request("GET", "/repos/acme/api", None));
        let milestone = body(&twin.request("GET", "/repos/acme/api/milestones/1", None));
        (repo["open_issues_count"].clone(), milestone["open_issues"].clone(), milestone["closed_issues"].clone())
    };
    assert_eq!(counts(&mut twin), (json!(40), json!(20), json!(10)));
    let answer = twin.request("PATCH", "/repos/acme/api/issues/2", Some(&json!({ "state": "closed" })));
    let shown = body(&answer);
    let milestone = &shown["milestone"];
    assert_eq!((&milestone["open_issues"], &milestone["closed_issues"]), (&json!(19), &json!(11)));
    assert_eq!(counts(&mut twin), (json!(39), json!(19), json!(11)));
}
