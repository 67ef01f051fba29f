//! One server with its embedded database.

use serde_json::json;

use crate::support::{Cluster, Home, Told, agent, call};

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
    cluster.kill(0);
    cluster.boot(0, 10);
    assert_eq!(cluster.session(0, &session.id)["state"], "running");
    assert_eq!(read("/_pome/state"), state);
    assert_eq!(read("/_pome/events"), events);
    assert_eq!(create("c"), 3);
}
