//! One server that is started again.

use serde_json::{Value, json};

use crate::support::{Cluster, Home, Told, agent, call, send};

const SEED: &str = r#"{"repositories":[{"owner":"acme","name":"api","issues":[]}]}"#;

#[test]
fn a_killed_server_goes_on_after_its_restart_as_if_nothing_had_happened() {
    let mut cluster = Cluster::start(Home::Alone, 1, 10);
    let session = cluster.open(0, &["github"], Some(serde_json::from_str(SEED).unwrap()));
    let (client, url) = (agent(), cluster.url(0));
    let create = |title: &str| {
        let body = json!({ "title": title });
        match call(&client, &url, &session, "POST", "/repos/acme/api/issues", Some(&body), None) {
            Told::Answer(201, issue) => issue["number"].as_i64().unwrap(),
            other => panic!("{other:?}"),
        }
    };
    let read = |path: &str| match call(&client, &url, &session, "GET", path, None, None) {
        Told::Answer(200, body) => body,
        other => panic!("{other:?}"),
    };
    assert_eq!((create("a"), create("b")), (1, 2));
    let (state, events) = (read("/_pome/state"), read("/_pome/events"));
    cluster.until_running(0, &session.id);
    let (code, said) = cluster.refused();
    assert!(code == Some(2) && said.contains("another server uses the data directory"), "{code:?}: {said}");
    assert!(said.contains("--database-url"), "{said}");
    cluster.kill(0);
    cluster.boot(0, 10);
    assert_eq!(cluster.session(0, &session.id)["state"], "running");
    assert_eq!(read("/_pome/state"), state);
    assert_eq!(read("/_pome/events"), events);
    assert_eq!(create("c"), 3);
}

#[test]
fn a_session_whose_twin_is_not_there_any_more_has_failed() {
    for home in Home::each() {
        let mut cluster = Cluster::start(home, 1, 10);
        let components = cluster.folder().join("components");
        std::fs::create_dir(&components).unwrap();
        let counter = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/guests/prebuilt/hostile.wasm");
        std::fs::copy(counter, components.join("hostile.wasm")).unwrap();
        cluster.kill(0);
        cluster.flags = vec!["--components".to_owned(), components.display().to_string()];
        cluster.boot(0, 10);
        let session = cluster.open(0, &["github", "hostile"], None);
        let plain = cluster.open(0, &["github"], None);
        let bearer = format!("Bearer {}", session.token);
        let count = || {
            let url = format!("{}/hostile/{}/count", cluster.url(0), session.id);
            send("POST", &url, &[("authorization", &bearer)], None)
        };
        assert_eq!(count(), (201, json!(1)));
        cluster.kill(0);
        cluster.flags.clear();
        cluster.boot(0, 10);
        let (client, url) = (agent(), cluster.url(0));
        let get = |session| match call(&client, &url, session, "GET", "/user", None, None) {
            Told::Answer(status, body) => (status, body["error"]["type"].clone()),
            Told::Unknown(reason) => panic!("{reason}"),
        };
        assert_eq!(get(&session), (410, json!("session_expired")), "half a session is none");
        assert_eq!(get(&plain), (200, Value::Null), "others are not touched");
        let row = cluster.session(0, &session.id);
        assert_eq!(row["state"], "failed", "{row}");
        let path = format!("/v1/sessions/{}/abandon", session.id);
        let (_, why) = cluster.ask(0, &cluster.key, "POST", &path, Some(&json!({})));
        assert_eq!((&why["error_code"], &why["abandoned"]), (&json!("component_missing"), &json!(false)), "{why}");
    }
}
