//! What a twin asks to have sent: in order, again when nobody took it, nowhere but this machine unless the user says so.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{SID, Twin};

/// One request as the receiver saw it.
#[derive(Debug)]
struct Seen {
    line: String,
    headers: Vec<String>,
    body: String,
}

/// Answers each request with the next status; the address and what was seen.
fn receiver(statuses: &'static [u16]) -> (String, Receiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?a=b", listener.local_addr().unwrap());
    let (sender, seen) = channel();
    thread::spawn(move || {
        for status in statuses {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                match line.trim_end() {
                    "" => break,
                    text => lines.push(text.to_owned()),
                }
            }
            let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let answer = format!(
                "HTTP/1.1 {status} x\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            (&stream).write_all(answer.as_bytes()).unwrap();
            let line = lines.remove(0);
            sender.send(Seen { line, headers: lines, body: String::from_utf8(body).unwrap() }).unwrap();
        }
    });
    (url, seen)
}

fn hook(twin: &Twin, path: &str, authorization: &str, url: &str) {
    let response = twin.send("POST", &format!("{path}/hook"), &[("authorization", authorization)], url.as_bytes());
    assert_eq!(response.status, 201);
}

/// A session with its own clock: how it is addressed, and the authorization.
fn session(twin: &Twin) -> (String, String, String) {
    let made = twin.admin("POST", "/admin/sessions", json!({ "clock": 0 })).json();
    let sid = made["sid"].as_str().unwrap().to_owned();
    (format!("/s/{sid}"), format!("Bearer {}", made["token"].as_str().unwrap()), sid)
}

fn deliveries(twin: &Twin, path: &str, authorization: &str) -> Value {
    twin.send("GET", &format!("{path}/_pome/deliveries"), &[("authorization", authorization)], b"").json()
}

/// Asks until it is so.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let bound = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < bound, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_is_due_is_sent_after_the_answer_and_again_by_the_virtual_clock() {
    let twin = Twin::hostile();
    let (url, seen) = receiver(&[500, 307, 204]);
    let (path, authorization, sid) = session(&twin);
    hook(&twin, &path, &authorization, &url);
    let first = seen.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!((first.line.as_str(), first.body.as_str()), ("POST /hook?a=b HTTP/1.1", "{\"hello\":1}"));
    assert!(first.headers.contains(&"x-count: 1".to_owned()), "{first:?}");
    until("the first try is over", || deliveries(&twin, &path, &authorization)[0]["attempts"][0]["status"] == 500);
    let clock = |ms: u64| {
        let moved = twin.admin("POST", &format!("/admin/sessions/{sid}/clock"), json!({ "advance_ms": ms }));
        assert_eq!(moved.status, 200);
    };
    clock(30_000);
    assert!(seen.try_recv().is_err(), "not yet due");
    // A redirect is not followed, so it is no success; two tries become due at once, in order.
    clock(120_000);
    assert_eq!(seen.try_iter().count(), 2, "sent before the clock answers");
    let list = deliveries(&twin, &path, &authorization);
    let statuses: Vec<_> = list[0]["attempts"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!((statuses, &list[0]["state"]), (vec![json!(500), json!(307), json!(204)], &json!("delivered")));
    assert_eq!(list[0]["attempts"][2]["at"], 120_000);
}

#[test]
fn deliveries_leave_rows_and_never_change_the_world() {
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events.jsonl");
    let setup = crate::support::Setup { events: Some(events.clone()), ..Default::default() };
    let twin = Twin::start(crate::support::hostile(), setup);
    let (url, seen) = receiver(&[200]);
    let authorization = format!("Bearer {}", crate::support::token(SID, 60));
    hook(&twin, &format!("/s/{SID}"), &authorization, &url);
    seen.recv_timeout(Duration::from_secs(20)).unwrap();
    let rows = || -> Vec<Value> {
        let text = std::fs::read_to_string(&events).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    until("the row is written", || rows().len() == 2);
    let rows = rows();
    assert_eq!(
        (&rows[1]["kind"], &rows[1]["status"], &rows[1]["attempt"]),
        (&json!("WebhookDeliveryEvent"), &json!(200), &json!(1))
    );
    assert_eq!(rows[1]["parent_event_id"], rows[0]["event_id"]);
    assert_eq!(twin.events().len(), 1, "the twin's own tape holds calls only");
}

#[test]
fn nothing_leaves_this_machine_and_nothing_comes_back_into_the_twin() {
    let twin = Twin::hostile();
    let (path, authorization, sid) = session(&twin);
    let own = format!("http://127.0.0.1:{}/admin/reset", twin.address.port());
    for url in ["http://example.com/", "https://10.0.0.1/", "ftp://127.0.0.1/", "not an address", &own] {
        hook(&twin, &path, &authorization, url);
    }
    until("all were tried", || {
        let list = deliveries(&twin, &path, &authorization);
        list.as_array().unwrap().iter().all(|one| one["attempts"].as_array().is_some_and(|tries| !tries.is_empty()))
    });
    twin.admin("POST", &format!("/admin/sessions/{sid}/clock"), json!({ "advance_ms": 1_000_000 }));
    let list = deliveries(&twin, &path, &authorization);
    for entry in list.as_array().unwrap() {
        assert_eq!((&entry["state"], &entry["attempts"][2]["status"]), (&json!("failed"), &Value::Null), "{entry}");
    }
    let errors = list.to_string();
    assert!(errors.contains("POME_EGRESS_ALLOW") && errors.contains("does not send to itself"), "{errors}");
}

#[test]
fn a_reset_forgets_what_was_to_be_sent() {
    let twin = Twin::hostile();
    let (path, authorization, sid) = session(&twin);
    hook(&twin, &path, &authorization, "http://127.0.0.1:9/nobody");
    until("the first try is over", || deliveries(&twin, &path, &authorization)[0]["attempts"][0]["error"].is_string());
    assert_eq!(twin.admin("POST", &format!("/admin/sessions/{sid}/reset"), json!({})).status, 200);
    assert_eq!(deliveries(&twin, &path, &authorization), json!([]));
}
