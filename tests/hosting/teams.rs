//! Two teams on one server: neither can find anything of the other's.

use serde_json::{Value, json};

use crate::person::Person;
use crate::results::result;
use crate::support::{Cluster, Home, send};

/// Everything that can be asked about a session, with a body that would be good.
fn about(session: &str) -> Vec<(&'static str, String, Value)> {
    let finalize = json!({
        "stop_reason": "agent_exit_0", "exit_code": 0, "duration_ms": 1, "agent_model": "unknown", "agent_sdk": null,
        "criteria": [], "scenario_name": "x", "scenario_hash": "b".repeat(64), "scenario_prompt": "", "expected_behavior": "",
    });
    let path = |what: &str| format!("/v1/sessions/{session}{what}");
    vec![
        ("GET", path(""), Value::Null),
        ("DELETE", path(""), Value::Null),
        ("POST", path("/token"), json!({})),
        ("POST", path("/heartbeat"), json!({})),
        ("POST", path("/abandon"), json!({})),
        ("POST", path("/result-upload-url"), json!({})),
        ("POST", path("/signals-upload-url"), json!({})),
        ("POST", path("/meta-upload-url"), json!({})),
        ("POST", path("/state-upload-url"), json!({})),
        ("POST", path("/traces"), json!({"resourceSpans": []})),
        ("POST", path("/result"), result(100)),
        ("POST", path("/finalize"), finalize),
        ("GET", path("/evaluation"), Value::Null),
        ("GET", format!("/v1/runs/{session}"), Value::Null),
    ]
}

/// A client that goes where it is told and no further.
fn browser() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
    config.max_redirects(0).max_redirects_will_error(false).build().into()
}

/// The cookie of somebody who has signed in to the pages.
fn signed_in(url: &str, key: &str) -> String {
    let client = browser();
    let cookie = |answer: &http::Response<ureq::Body>| {
        let set = answer.headers()["set-cookie"].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    };
    let page = client.get(format!("{url}/sign-in")).call().unwrap();
    let form = cookie(&page);
    let page = page.into_body().read_to_string().unwrap();
    let token = page.split(r#"name="form" value=""#).nth(1).unwrap().split('"').next().unwrap();
    let sent = client
        .post(format!("{url}/sign-in"))
        .header("cookie", &form)
        .send_form([("form", token), ("key", key), ("next", "/")])
        .unwrap();
    assert_eq!(sent.status(), 303);
    cookie(&sent)
}

#[test]
fn sessions_and_runs_of_another_team_are_not_there() {
    for home in Home::each() {
        let cluster = Cluster::start(home, 1, 10);
        let (mine, theirs) = (cluster.key.clone(), cluster.team("others"));
        // Requests are counted by key, and there are many here.
        let another = cluster.key_of("others");
        let session = cluster.open(0, &["github"], None);
        let judged = cluster.open(0, &["github"], None);
        let path = format!("/v1/sessions/{}/result", judged.id);
        let (_, answer) = cluster.ask(0, &mine, "POST", &path, Some(&result(100)));
        let run = answer["run_id"].as_str().unwrap().to_owned();
        let before = cluster.session(0, &session.id);

        let run_path = ("GET", format!("/v1/runs/{run}"), Value::Null);
        for (method, path, body) in about(&session.id).into_iter().chain(about(&judged.id)).chain([run_path]) {
            let (status, answer) = cluster.ask(0, &theirs, method, &path, Some(&body));
            let kind = answer["error"]["type"].clone();
            assert_eq!((status, kind), (404, json!("not_found")), "{method} {path} {answer}");
            // Nothing tells it from one that never was.
            let nowhere = path.replace(&session.id, "ses_0123456789").replace(&judged.id, "ses_0123456789");
            let nowhere = nowhere.replace(&run, "run_0123456789");
            let (status, unknown) = cluster.ask(0, &another, method, &nowhere, Some(&body));
            let message = |answer: &Value| answer["error"]["message"].as_str().unwrap().to_owned();
            let same = message(&answer).replace(&session.id, "ses_0123456789").replace(&judged.id, "ses_0123456789");
            assert_eq!((status, message(&unknown)), (404, same.replace(&run, "run_0123456789")), "{method} {path}");
        }
        assert_eq!(cluster.session(0, &session.id), before, "nothing happened to it");
        assert_eq!(cluster.ask(0, &mine, "GET", &format!("/v1/runs/{run}"), None).0, 200);

        // Each sees its own.
        let other = cluster.open_as(&theirs, 0, &["github"], None);
        let ids = |key: &str| {
            let (_, list) = cluster.ask(0, key, "GET", "/v1/sessions", None);
            let mut ids: Vec<String> =
                list.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
            ids.sort();
            ids
        };
        assert_eq!(ids(&theirs), [other.id.as_str()]);
        let mut all_mine = [session.id.clone(), judged.id.clone()];
        all_mine.sort();
        assert_eq!(ids(&mine), all_mine);
        for filter in ["", "?scenario=fix-the-bug", &format!("?session_id={}", judged.id)] {
            let (_, list) = cluster.ask(0, &theirs, "GET", &format!("/v1/runs{filter}"), None);
            assert_eq!(list, json!({"runs": [], "next_cursor": null}), "{filter}");
        }
        let (_, usage) = cluster.ask(0, &theirs, "GET", "/v1/usage", None);
        assert_eq!(usage["sessions_used"], 1, "{usage}");

        // A token of their agent opens their session only.
        let bearer = format!("Bearer {}", other.token);
        let url = format!("{}/v1/sessions/{}/heartbeat", cluster.url(0), session.id);
        assert_eq!(send("POST", &url, &[("authorization", &bearer)], None).0, 401);
        let url = format!("{}/github/{}/user", cluster.url(0), session.id);
        assert_eq!(send("GET", &url, &[("authorization", &bearer)], None).0, 401);
    }
}

#[test]
fn what_one_team_registers_is_not_the_others() {
    for home in Home::each() {
        let cluster = Cluster::start(home, 1, 10);
        let (mine, theirs) = (cluster.key.clone(), cluster.team("others"));
        let register = |key: &str| {
            let (status, agent) =
                cluster.ask(0, key, "POST", "/v1/agents", Some(&json!({"name": "Triage Bot", "twins": ["github"]})));
            assert_eq!((status, &agent["resolved_via"]), (201, &json!("created")), "{agent}");
            agent["id"].as_str().unwrap().to_owned()
        };
        let agent = register(&mine);
        let asked = json!({"twins": ["github"], "scenario_source": "IyBU", "agent_id": agent});
        let (status, answer) = cluster.ask(0, &theirs, "POST", "/v1/sessions", Some(&asked));
        assert_eq!((status, &answer["error"]["type"]), (400, &json!("validation_failed")), "{answer}");
        assert_ne!(register(&theirs), agent, "one of their own, by the same name");
        let again = json!({"twins": ["github"], "scenario_source": "IyBU",
            "idempotency_key": "7c9e6679-7425-40de-944b-e07fc1f90ae7"});
        let open = |key: &str| cluster.ask(0, key, "POST", "/v1/sessions", Some(&again)).1["session_id"].clone();
        let first = open(&mine);
        assert_eq!(open(&mine), first);
        assert_ne!(open(&theirs), first, "a key for one request is a key of one team");
    }
}

#[test]
fn pages_show_a_team_its_own_runs_and_sessions() {
    for home in Home::each() {
        let cluster = Cluster::start(home, 1, 10);
        let (url, mine, theirs) = (cluster.url(0), cluster.key.clone(), cluster.team("others"));
        let session = cluster.open(0, &["github"], None);
        let judged = cluster.open(0, &["github"], None);
        let path = format!("/v1/sessions/{}/result", judged.id);
        let (_, answer) = cluster.ask(0, &mine, "POST", &path, Some(&result(100)));
        let run = answer["run_id"].as_str().unwrap();
        let see = |cookie: &str, path: &str| {
            let page = browser().get(format!("{url}{path}")).header("cookie", cookie).call().unwrap();
            (page.status().as_u16(), page.into_body().read_to_string().unwrap())
        };
        let (me, them) = (signed_in(&url, &mine), signed_in(&url, &theirs));
        for (path, name) in
            [("/runs", run), ("/sessions", &session.id), ("/", "fix-the-bug"), ("/scenarios", "fix-the-bug")]
        {
            let (status, page) = see(&me, path);
            assert!(status == 200 && page.contains(name), "{path} {status}");
            let (status, page) = see(&them, path);
            assert!(status == 200 && !page.contains(name), "{path} {status}");
        }
        for path in [
            format!("/runs/{run}"),
            format!("/runs/{}", judged.id),
            format!("/runs/{run}/files/events.jsonl"),
            format!("/sessions/{}", session.id),
        ] {
            // A session leads to its run.
            assert!(matches!(see(&me, &path).0, 200 | 303), "{path}");
            let (status, page) = see(&them, &path);
            assert!(status == 404 && !page.contains("fix-the-bug"), "{path} {status}");
        }
    }
}

#[test]
fn the_program_says_that_the_other_teams_things_are_not_there() {
    for home in Home::each() {
        let cluster = Cluster::start(home, 1, 10);
        let (url, mine, theirs) = (cluster.url(0), cluster.key.clone(), cluster.team("others"));
        let session = cluster.open(0, &["github"], None);
        let judged = cluster.open(0, &["github"], None);
        let path = format!("/v1/sessions/{}/result", judged.id);
        let (_, answer) = cluster.ask(0, &mine, "POST", &path, Some(&result(100)));
        let run = answer["run_id"].as_str().unwrap();
        let person = Person::new();
        person.done(0, &["login", "--token", &theirs, "--api-url", &url]);
        let (listed, _) = person.done(0, &["sessions", "list", "--state", "all", "--format", "json"]);
        assert!(!listed.contains(&session.id) && !listed.contains(&judged.id), "{listed}");
        person.done(2, &["sessions", "kill", &session.id]);
        person.done(2, &["sessions", "stop", &session.id, "--discard"]);
        person.done(2, &["inspect", run]);
        person.done(2, &["export", run, "--out", "run.tar.gz"]);
        person.done(0, &["sessions", "kill", "--all"]);
        assert_eq!(cluster.session(0, &session.id)["state"], "ready", "all means all of their own");
    }
}
