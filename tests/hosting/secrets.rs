//! What a server says of itself and what it keeps: no key and no token.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;

use crate::support::{Cluster, Home, Told, agent, call};

/// A collector of traces: every body that it gets.
fn collector() -> (String, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            let mut bytes = Vec::new();
            // The client waits for an answer, so the end shows as silence.
            let _ = stream.read_to_end(&mut bytes);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            if sender.send(bytes).is_err() {
                return;
            }
        }
    });
    (address, receiver)
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

fn nothing_of(secrets: &[&str], folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            nothing_of(secrets, &path);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for secret in secrets {
            assert!(!holds(&bytes, secret), "`{}` holds a secret", path.display());
        }
    }
}

#[test]
fn neither_log_nor_traces_nor_database_hold_a_key_or_a_token() {
    let (address, bodies) = collector();
    let mut cluster =
        Cluster::start_with(Home::Alone, 1, 10, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &address), ("POME_LOG", "debug")]);
    let session = cluster.open(0, &["github"], None);
    let client = agent();
    // The token in the body as well, as careless agents do.
    let body = json!({ "title": "x", "body": format!("my token is {}", session.token) });
    let created = call(&client, &cluster.url(0), &session, "POST", "/repos/acme/api/issues", Some(&body), None);
    assert!(matches!(created, Told::Answer(201, _)), "{created:?}");
    let wrong = client.get(format!("{}/v1/sessions", cluster.url(0))).header("x-api-key", "pme_wrong").call().unwrap();
    assert_eq!(wrong.status(), 401);
    cluster.stop(0);
    let traces: Vec<u8> = bodies.try_iter().flatten().collect();
    assert!(holds(&traces, "/v1/sessions") && holds(&traces, "pome-serve"), "spans were sent when the server stopped");
    let key = cluster.key.clone();
    let secrets = [key.as_str(), session.token.as_str(), "pme_wrong"];
    for secret in secrets {
        assert!(!holds(&traces, secret), "the traces hold a secret");
    }
    let log = std::fs::read_to_string(cluster.log(0)).unwrap();
    assert!(log.contains("route=\"/v1/sessions\" status=201"), "{log}");
    nothing_of(&secrets, &cluster.folder());
}
