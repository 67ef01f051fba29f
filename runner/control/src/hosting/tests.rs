use std::time::Duration;

use axum::body::to_bytes;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use pome_sandbox::{Component, Engine, Limits};
use pome_wire::time;
use serde_json::{Value, json};

use super::*;
use crate::ids;
use crate::tests::{Place, on_either_database};

on_either_database! {
    a_session_outlives_its_process_with_identical_state_and_answers,
    a_call_that_is_sent_again_under_its_name_happens_once_and_answers_the_same,
    many_calls_at_once_are_all_kept_in_one_order,
    faults_go_on_counting_after_a_rebuild,
    a_refused_seed_and_a_full_quota_store_nothing,
    a_closed_session_answers_410_but_can_be_looked_at_for_a_while_and_judged,
    a_session_past_its_end_expires_and_one_that_was_prolonged_does_not,
    what_was_sent_is_not_readable_on_disk,
    only_a_host_can_mark_a_request_as_sent_on_and_only_as_it_is,
}

const SEED: &str = r#"{"repositories":[{"owner":"acme","name":"api","issues":[]}]}"#;

struct Host {
    hosting: Hosting,
    store: Store,
}

fn component(name: &str) -> Component {
    static ENGINE: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(Limits::default()).unwrap()).embedded(name).unwrap()
}

impl Host {
    /// A process with the database of `place`.
    async fn start(place: &Place) -> Self {
        let store = place.store().await;
        let config = Config { components: vec![component("github"), component("stripe")], ..place.config() };
        let hosting = Hosting::start(&config, &store, "http://pome.test", "http://127.0.0.1:9").await.unwrap();
        let host = Self { hosting, store };
        host.run("INSERT INTO teams (id, slug, plan_tier, created_at) VALUES ('tm_a', 'a', 'free', 0) ON CONFLICT DO NOTHING").await;
        host
    }

    async fn run(&self, sql: &'static str) {
        on!(&self.store, pool => sqlx::query(sql).execute(pool).await.map(drop)).unwrap();
    }

    async fn number(&self, sql: &'static str) -> i64 {
        on!(&self.store, pool => sqlx::query_scalar(sql).fetch_one(pool).await).unwrap()
    }

    async fn open(&self, worlds: &[(&str, Option<&str>)], limit: i64) -> Result<String, OpenError> {
        let id = ids::new("ses_").unwrap();
        let worlds = worlds
            .iter()
            .map(|(twin, seed)| NewWorld { twin: (*twin).to_owned(), seed: seed.map(|seed| seed.as_bytes().to_vec()) });
        let new = NewSession {
            id: id.clone(),
            team_id: "tm_a".to_owned(),
            key_id: "pme_test".to_owned(),
            worlds: worlds.collect(),
            task_name: None,
            scenario_source: None,
            scenario_hash: None,
            seed_applied: None,
            group_id: None,
            agent_id: None,
            agent_version: None,
            tags: Vec::new(),
            idempotency_key: None,
            ttl: Duration::from_secs(600),
        };
        self.hosting.open(new, limit).await.map(|_| id)
    }

    async fn call(
        &self,
        session: &str,
        twin: &str,
        method: Method,
        path: &str,
        body: Value,
        id: Option<&str>,
    ) -> (StatusCode, Value) {
        let expires = u64::try_from(time::now_millis() / 1000).unwrap() + 600;
        let token = self.hosting.mint(session, "tm_a", &[twin.to_owned()], expires).unwrap();
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = Request::builder()
            .method(method)
            .uri(format!("/{twin}/{session}{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .header("host", "pome.test")
            .body(body)
            .unwrap();
        let rest = path.split('?').next().unwrap();
        let call = Forwarded { call_id: id.map_or_else(|| ids::new("").unwrap(), str::to_owned), again: id.is_some() };
        match self.hosting.answer(session, twin, rest, request, call, false).await {
            Dispatched::Answer(answer) => {
                let status = answer.status();
                let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
                (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
            }
            Dispatched::Close => panic!("closed"),
        }
    }

    async fn issue(&self, session: &str, title: &str, id: Option<&str>) -> Value {
        let (status, body) =
            self.call(session, "github", Method::POST, "/repos/acme/api/issues", json!({ "title": title }), id).await;
        assert_eq!(status, 201, "{body}");
        body
    }

    async fn get(&self, session: &str, path: &str) -> Value {
        self.call(session, "github", Method::GET, path, Value::Null, None).await.1
    }
}

async fn a_session_outlives_its_process_with_identical_state_and_answers(place: Place) {
    let first = Host::start(&place).await;
    let session = first.open(&[("github", Some(SEED)), ("stripe", None)], 5).await.unwrap();
    for number in 1..=3 {
        assert_eq!(first.issue(&session, "x", None).await["number"], number);
    }
    first.get(&session, "/repos/acme/api/issues").await;
    first.call(&session, "stripe", Method::POST, "/v1/customers", Value::Null, None).await;
    let (state, events) = (first.get(&session, "/_pome/state").await, first.get(&session, "/_pome/events").await);
    let health = first.get(&session, "/_pome/health").await["recorder"].clone();
    assert_eq!(events.as_array().unwrap().len(), 4, "{events}");
    // Nothing says goodbye: a killed process does not either.
    let second = Host::start(&place).await;
    assert_eq!(second.get(&session, "/_pome/state").await, state);
    assert_eq!(second.get(&session, "/_pome/events").await, events);
    assert_eq!(second.get(&session, "/_pome/health").await["recorder"], health);
    assert_eq!(second.issue(&session, "x", None).await["number"], 4);
    let customers = second.call(&session, "stripe", Method::GET, "/v1/customers", Value::Null, None).await.1;
    assert_eq!(customers["data"].as_array().unwrap().len(), 1, "{customers}");
    assert_eq!(second.hosting.done().rebuilt.load(Ordering::Relaxed), 1);
}

/// Only servers that share a database can take sessions from each other: others are alone in their directory.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_lost_a_session_cannot_write_into_it_and_finds_its_way_back() {
    let Some(place) = Place::postgres() else { return };
    let old = Host::start(&place).await;
    let session = old.open(&[("github", Some(SEED))], 5).await.unwrap();
    old.issue(&session, "one", None).await;
    let new = Host::start(&place).await;
    assert_eq!(new.issue(&session, "two", None).await["number"], 2);
    // The old one still has its world, in which there is one issue, and does not know yet. Its own address leads nowhere, so it
    // takes the session back, with what the other one wrote.
    assert_eq!(old.issue(&session, "three", None).await["number"], 3);
    let titles = |issues: Value| issues.as_array().unwrap().iter().map(|i| i["title"].clone()).collect::<Vec<_>>();
    assert_eq!(titles(old.get(&session, "/repos/acme/api/issues?direction=asc").await), ["one", "two", "three"]);
    assert_eq!(old.number("SELECT COUNT(*) FROM calls").await, 4);
    assert_eq!(old.number("SELECT MAX(seq) FROM calls").await, 4);
}

async fn a_call_that_is_sent_again_under_its_name_happens_once_and_answers_the_same(place: Place) {
    let host = Host::start(&place).await;
    let session = host.open(&[("github", Some(SEED))], 5).await.unwrap();
    let first = host.issue(&session, "a", Some("client:1")).await;
    host.issue(&session, "b", None).await;
    assert_eq!(host.issue(&session, "a", Some("client:1")).await, first);
    let later = Host::start(&place).await;
    assert_eq!(later.issue(&session, "a", Some("client:1")).await, first, "also from another process");
    assert_eq!(later.get(&session, "/repos/acme/api/issues").await.as_array().unwrap().len(), 2);
}

async fn many_calls_at_once_are_all_kept_in_one_order(place: Place) {
    let host = std::sync::Arc::new(Host::start(&place).await);
    let session = host.open(&[("github", Some(SEED))], 5).await.unwrap();
    let calls = (0..100).map(|number| {
        let (host, session) = (host.clone(), session.clone());
        tokio::spawn(async move { host.issue(&session, &number.to_string(), None).await["number"].as_i64().unwrap() })
    });
    let mut numbers = Vec::new();
    for call in calls {
        numbers.push(call.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=100).collect::<Vec<_>>());
    let state = host.get(&session, "/_pome/state").await;
    assert_eq!(Host::start(&place).await.get(&session, "/_pome/state").await, state);
}

async fn faults_go_on_counting_after_a_rebuild(place: Place) {
    let seed = r#"{"repositories":[{"owner":"acme","name":"api","issues":[]}],
        "failure_injection":[{"method":"GET","path":"/repos/acme/api","attempt":2,"status":503,"body":{"message":"down"}}]}"#;
    let host = Host::start(&place).await;
    let session = host.open(&[("github", Some(seed))], 5).await.unwrap();
    let look =
        async |host: &Host| host.call(&session, "github", Method::GET, "/repos/acme/api", Value::Null, None).await.0;
    assert_eq!(look(&host).await, 200);
    let host = Host::start(&place).await;
    assert_eq!(look(&host).await, 503, "the second attempt, whoever answers it");
    let host = Host::start(&place).await;
    assert_eq!(look(&host).await, 200);
}

async fn a_refused_seed_and_a_full_quota_store_nothing(place: Place) {
    let host = Host::start(&place).await;
    let refused = host.open(&[("github", Some(r#"{"repositories":7}"#))], 5).await.unwrap_err();
    assert!(matches!(&refused, OpenError::SeedRefused { twin, .. } if twin == "github"), "{refused:?}");
    assert!(matches!(host.open(&[("gmail", None)], 5).await.unwrap_err(), OpenError::UnknownTwin { .. }));
    host.open(&[("github", None)], 1).await.unwrap();
    let full = host.open(&[("github", None)], 1).await.unwrap_err();
    assert!(matches!(full, OpenError::OverQuota { limit: 1, used: 1 }), "{full:?}");
    assert_eq!(host.number("SELECT COUNT(*) FROM sessions").await, 1);
    assert_eq!(host.number("SELECT COUNT(*) FROM worlds").await, 1);
}

async fn a_closed_session_answers_410_but_can_be_looked_at_for_a_while_and_judged(place: Place) {
    let host = Host::start(&place).await;
    let session = host.open(&[("github", Some(SEED))], 5).await.unwrap();
    host.issue(&session, "a", None).await;
    let state = host.get(&session, "/_pome/state").await;
    let close = Close { state: "done", error_code: None };
    assert!(host.hosting.close(&session, close).await.unwrap());
    assert!(!host.hosting.close(&session, close).await.unwrap(), "only once");
    let (status, body) = host.call(&session, "github", Method::GET, "/repos/acme/api", Value::Null, None).await;
    assert_eq!((status, &body["error"]["type"]), (StatusCode::GONE, &json!("session_expired")));
    assert_eq!(host.get(&session, "/_pome/state").await, state);
    assert_eq!(host.get(&session, "/_pome/events").await.as_array().unwrap().len(), 1);
    host.run("UPDATE sessions SET closed_at = closed_at - 61000").await;
    assert_eq!(host.call(&session, "github", Method::GET, "/_pome/state", Value::Null, None).await.0, 410);
    let evidence = host.hosting.evidence(&session).await.unwrap();
    assert_eq!((evidence.len(), evidence[0].rows.len()), (1, 1));
    assert_ne!(evidence[0].before, evidence[0].after);
    assert_eq!(host.call("ses_unknown", "github", Method::GET, "/user", Value::Null, None).await.0, 404);
    assert_eq!(host.hosting.held(), 0);
}

async fn a_session_past_its_end_expires_and_one_that_was_prolonged_does_not(place: Place) {
    let host = Host::start(&place).await;
    let session = host.open(&[("github", Some(SEED))], 5).await.unwrap();
    let past = time::now_millis() - 1;
    host.hosting.prolonged(&session, past);
    assert_eq!(host.issue(&session, "a", None).await["number"], 1, "the database knows a later end");
    host.run("UPDATE sessions SET expires_at = 1").await;
    host.hosting.prolonged(&session, past);
    assert_eq!(host.call(&session, "github", Method::GET, "/user", Value::Null, None).await.0, 410);
    assert_eq!(host.number("SELECT COUNT(*) FROM sessions WHERE state = 'expired'").await, 1);
}

async fn what_was_sent_is_not_readable_on_disk(place: Place) {
    let host = Host::start(&place).await;
    let session = host.open(&[("github", Some(SEED))], 5).await.unwrap();
    let secret = concat!("ghp_", "abcdefghijklmnopqrstuvwxyz0123456789");
    host.issue(&session, &format!("token {secret}"), None).await;
    let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
    let mut files = 0;
    for entry in walk(place.folder()) {
        assert!(!holds(&std::fs::read(&entry).unwrap()), "{}", entry.display());
        files += 1;
    }
    assert!(files > 0 || host.store.is_shared());
    let kept = host.hosting.logs().rows(&session, 0, 10).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert!(kept.iter().all(|(_, row)| !holds(row.as_bytes()) && row.contains("REDACTED")), "{kept:?}");
    if host.store.is_shared() {
        let steps: Vec<Vec<u8>> =
            on!(&host.store, pool => sqlx::query_scalar("SELECT step FROM calls").fetch_all(pool).await).unwrap();
        assert!(steps.len() == 1 && steps.iter().all(|step| !holds(step)), "{steps:?}");
    }
}

/// All files below a folder.
fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

async fn only_a_host_can_mark_a_request_as_sent_on_and_only_as_it_is(place: Place) {
    let host = Host::start(&place).await;
    let peers = &host.hosting.0.peers;
    let call = Forwarded { call_id: "a.b".to_owned(), again: true };
    let target = "/github/ses_1/user?x=1";
    let mark = peers.mark(&Method::GET, target, &call);
    let received = |method: &Method, target: &str, mark: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(hosts::FORWARDED, mark.parse().unwrap());
        let received = peers.received(method, target, &mut headers);
        assert!(headers.is_empty(), "the twin does not see it");
        received
    };
    let good = received(&Method::GET, target, &mark).unwrap();
    assert_eq!((good.call_id.as_str(), good.again), ("a.b", true));
    assert!(received(&Method::POST, target, &mark).is_none());
    assert!(received(&Method::GET, "/github/ses_2/user?x=1", &mark).is_none());
    assert!(received(&Method::GET, target, &mark.replace(".1.", ".0.")).is_none());
    assert!(received(&Method::GET, target, &format!("00{}", &mark[2..])).is_none());
    assert!(received(&Method::GET, target, "1").is_none());
}
