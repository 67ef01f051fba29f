use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use pome_tests::{Said, Scripted};
use pome_wire::control::Secret;
use serde_json::json;

use super::*;

fn client(url: &str) -> Client {
    Client::new(Address::parse(url).expect("an address"), Secret::new("pme_x"))
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_of_life_end_when_the_server_wants_none() {
    for missing in [404, 405, 501] {
        let alive = json!({ "session_id": "ses_1", "state": "running", "expires_at": "2026-05-01T10:30:00.000Z" });
        let mut beats = 0;
        let server = Scripted::by(move |_| {
            beats += 1;
            match beats {
                1 => Said::json(200, &alive),
                // A bad moment is not a refusal.
                2 => Said::bytes(503, ""),
                _ => Said::bytes(missing, ""),
            }
        });
        let client = client(server.url());
        let kept = keep_alive(&client, "ses_1", Duration::from_millis(1));
        // More than enough for hundreds of them.
        assert!(tokio::time::timeout(Duration::from_secs(1), kept).await.is_err());
        assert_eq!(server.lines(), vec!["POST /v1/sessions/ses_1/heartbeat"; 3]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_is_repeated_after_silence_with_a_key_and_not_after_an_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its number"));
    let bodies = std::thread::spawn(move || {
        let mut bodies = Vec::new();
        for attempt in 0..2 {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut text = String::new();
            while !text.ends_with('}') {
                let mut piece = [0; 4096];
                let read = stream.read(&mut piece).expect("a request");
                text.push_str(&String::from_utf8_lossy(&piece[..read]));
            }
            bodies.push(text.split("\r\n\r\n").last().expect("a body").to_owned());
            if attempt == 1 {
                stream.write_all(b"HTTP/1.1 402 Over\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").expect("told");
            }
        }
        bodies
    });
    let document = CreateSession { twins: vec!["github".to_owned()], ..CreateSession::default() };
    let error = open(&client(&url), document).await.expect_err("refused");
    assert_eq!(error.exit(), Exit::Quota);
    let bodies: Vec<serde_json::Value> =
        bodies.join().expect("the server").iter().map(|body| serde_json::from_str(body).expect("JSON")).collect();
    assert_eq!(bodies[0].get("idempotency_key"), None);
    assert_eq!(bodies[1]["idempotency_key"].as_str().map(str::len), Some(36));
}
