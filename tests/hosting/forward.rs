//! Two servers: either answers for a session of the other.

use pome_tests::Postgres;
use serde_json::{Value, json};

use crate::support::{Cluster, Home, Told, agent, call};

const SEED: &str = r#"{"repositories":[{"owner":"acme","name":"api","issues":[]}]}"#;

#[test]
fn any_server_accepts_any_request_and_the_one_that_holds_the_session_answers() {
    let Some(database) = Postgres::database() else { return };
    let mut cluster = Cluster::start(Home::Shared(database), 2, 10);
    let session = cluster.open(0, &["github"], Some(serde_json::from_str(SEED).unwrap()));
    let client = agent();
    let urls = cluster.urls();
    let ask = |server: usize, method: &str, path: &str, body: Option<Value>| match call(
        &client,
        &urls[server],
        &session,
        method,
        path,
        body.as_ref(),
        None,
    ) {
        Told::Answer(status, body) => (status, body),
        Told::Unknown(reason) => panic!("{reason}"),
    };
    for number in 1..=6 {
        let (status, issue) =
            ask(number % 2, "POST", "/repos/acme/api/issues", Some(json!({ "title": number.to_string() })));
        assert_eq!((status, &issue["number"]), (201, &json!(number)));
    }
    assert_eq!(ask(0, "GET", "/_pome/state", None), ask(1, "GET", "/_pome/state", None));
    let forwarded = |server: usize| {
        let metrics = client.get(format!("{}/metrics", urls[server])).call().unwrap();
        let metrics = metrics.into_body().read_to_string().unwrap();
        let line = metrics.lines().find(|line| line.starts_with("pome_calls_forwarded_total")).unwrap().to_owned();
        line.split(' ').next_back().unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(forwarded(0), 0);
    assert!(forwarded(1) >= 4, "{}", forwarded(1));
    // The control plane's own routes work anywhere, too.
    cluster.until_running(1, &session.id);
    // A server that stops in good order leaves nothing to wait for.
    cluster.stop(0);
    assert_eq!(ask(1, "POST", "/repos/acme/api/issues", Some(json!({ "title": "7" }))).1["number"], 7);
    cluster.boot(0, 10);
    assert_eq!(ask(0, "GET", "/repos/acme/api/issues/7", None).1["title"], "7");
}
