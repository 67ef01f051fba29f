//! A session whose time is over.

use serde_json::{Value, json};

use crate::results::result;
use crate::support::{Cluster, Home, Told, agent, call};

#[test]
fn an_expired_session_is_gone_for_agents_and_expired_in_the_list() {
    for home in Home::each() {
        let mut cluster = Cluster::start(home, 1, 10);
        let (called, quiet, alive) = (
            cluster.open(0, &["github"], None),
            cluster.open(0, &["github"], None),
            cluster.open(0, &["github"], None),
        );
        let client = agent();
        let url = cluster.url(0);
        let get = |session| match call(&client, &url, session, "GET", "/user", None, None) {
            Told::Answer(status, body) => (status, body),
            Told::Unknown(reason) => panic!("{reason}"),
        };
        assert_eq!(get(&called).0, 200);
        // An hour passes while nobody is there.
        cluster.kill(0);
        cluster.sql(&format!(
            "UPDATE sessions SET created_at = created_at - 3700000, expires_at = expires_at - 3700000 WHERE id <> '{}'",
            alive.id
        ));
        cluster.boot(0, 10);
        let states = || {
            let (status, list) = cluster.ask(0, &cluster.key, "GET", "/v1/sessions", None);
            assert_eq!(status, 200, "{list}");
            let state =
                |id: &str| list.as_array().unwrap().iter().find(|row| row["id"] == id).unwrap()["state"].clone();
            [state(&called.id), state(&quiet.id), state(&alive.id)]
        };
        assert_eq!(states(), ["expired", "expired", "ready"], "before anybody has called or swept");
        for session in [&called, &quiet] {
            let (status, body) = get(session);
            assert_eq!((status, &body["error"]["type"]), (410, &json!("session_expired")), "{body}");
            assert!(body["error"]["request_id"].is_string(), "{body}");
        }
        assert_eq!(get(&alive).0, 200);
        let (_, row) = cluster.ask(0, &cluster.key, "GET", &format!("/v1/sessions/{}", called.id), None);
        assert_eq!(row["state"], "expired");
        assert!(row["closed_at"].is_string(), "{row}");

        // Nothing brings it back, and it makes room for others.
        let ask = |method: &str, what: &str, body: Value| {
            let (status, answer) =
                cluster.ask(0, &cluster.key, method, &format!("/v1/sessions/{}{what}", called.id), Some(&body));
            (status, answer["error"]["type"].clone())
        };
        assert_eq!(ask("POST", "/heartbeat", json!({})), (410, json!("session_expired")));
        assert_eq!(ask("POST", "/result", result(100)), (410, json!("session_expired")));
        assert_eq!(ask("POST", "/token", json!({})), (409, json!("conflict")));
        assert_eq!(ask("DELETE", "", Value::Null), (409, json!("conflict")));
        let (_, usage) = cluster.ask(0, &cluster.key, "GET", "/v1/usage", None);
        assert_eq!(usage["sessions_used"], 1, "{usage}");
    }
}
