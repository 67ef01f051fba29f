//! The proxy as an agent meets it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pome_capture::{EgressPolicy, Exchange, Proxy, Refusal, ServeOptions, Sink, Target, Tunnel, serve};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

#[derive(Default)]
struct Seen {
    tunnels: Mutex<Vec<Tunnel>>,
    refusals: Mutex<Vec<Refusal>>,
}

impl Sink for Seen {
    fn tunnel_closed(&self, tunnel: Tunnel) {
        self.tunnels.lock().unwrap().push(tunnel);
    }
    fn refused(&self, refusal: Refusal) {
        self.refusals.lock().unwrap().push(refusal);
    }
    fn exchanged(&self, exchange: Exchange) {
        panic!("nothing is decrypted: {exchange:?}");
    }
    fn untrusted(&self, target: Target, reason: String) {
        panic!("nothing is decrypted: {target:?} {reason}");
    }
}

async fn proxy() -> (Proxy, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let proxy = Proxy::start(EgressPolicy::base(), None, Arc::clone(&seen) as Arc<dyn Sink>, 0).await.unwrap();
    (proxy, seen)
}

/// Answers every line with the same line, until the client has nothing more to say.
async fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut reading, mut writing) = stream.split();
                let _ = tokio::io::copy(&mut reading, &mut writing).await;
            });
        }
    });
    port
}

/// Sends a request and reads the head of the answer.
async fn request(proxy: &Proxy, text: &str) -> (String, BufReader<TcpStream>) {
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).await.unwrap() > 0, "{head}");
    }
    (head, stream)
}

async fn rest(mut stream: BufReader<TcpStream>) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn a_tunnel_pipes_blindly_and_is_counted() {
    let (proxy, seen) = proxy().await;
    let port = echo().await;
    let connect = format!("CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost\r\n\r\nearly\n");
    let (head, mut stream) = request(&proxy, &connect).await;
    assert!(head.starts_with("HTTP/1.1 200 Connection Established\r\n"), "{head}");
    stream.get_mut().write_all(b"late\n").await.unwrap();
    stream.get_mut().shutdown().await.unwrap();
    assert_eq!(rest(stream).await, "early\nlate\n");
    assert!(proxy.stop().await);
    let tunnels = seen.tunnels.lock().unwrap();
    let [tunnel] = tunnels.as_slice() else { panic!("{tunnels:?}") };
    assert_eq!(tunnel.target, Target { host: "localhost".into(), port });
    assert_eq!((tunnel.bytes_out, tunnel.bytes_in), (11, 11));
}

#[tokio::test]
async fn only_connect_with_a_host_and_a_port_is_served() {
    let (proxy, seen) = proxy().await;
    for (text, status) in [
        ("GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n", "405 Method Not Allowed"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "405 Method Not Allowed"),
        ("CONNECT example.com HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("CONNECT example.com:0 HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("CONNECT example.com:99999 HTTP/1.1\r\n\r\n", "400 Bad Request"),
    ] {
        let (head, stream) = request(&proxy, text).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{text}: {head}");
        // The end of the stream is part of the answer.
        rest(stream).await;
    }
    assert!(proxy.stop().await);
    assert!(seen.tunnels.lock().unwrap().is_empty() && seen.refusals.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_host_that_is_not_allowed_is_refused_by_name() {
    let (proxy, seen) = proxy().await;
    let (head, stream) = request(&proxy, "CONNECT Evil.Example:443 HTTP/1.1\r\nHost: evil\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{head}");
    assert!(head.contains("content-type: text/plain") && head.contains("connection: close"), "{head}");
    let body = rest(stream).await;
    assert!(body.contains("evil.example:443") && body.contains("POME_EGRESS_ALLOW"), "{body}");
    assert!(proxy.stop().await);
    let refusals = seen.refusals.lock().unwrap();
    let [refusal] = refusals.as_slice() else { panic!("{refusals:?}") };
    assert_eq!(refusal.target, Target { host: "evil.example".into(), port: 443 });
    assert!(seen.tunnels.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_place_that_cannot_be_reached_is_a_row_without_bytes() {
    let (proxy, seen) = proxy().await;
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = unused.local_addr().unwrap().port();
    drop(unused);
    let (head, _) = request(&proxy, &format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n")).await;
    assert!(head.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{head}");
    assert!(proxy.stop().await);
    let tunnels = seen.tunnels.lock().unwrap();
    let [tunnel] = tunnels.as_slice() else { panic!("{tunnels:?}") };
    assert_eq!((tunnel.target.port, tunnel.bytes_in, tunnel.bytes_out), (port, 0, 0));
}

#[tokio::test]
async fn a_tunnel_to_a_twin_leaves_no_row() {
    let (proxy, seen) = proxy().await;
    let port = echo().await;
    proxy.leave_unrecorded(Target { host: "127.0.0.1".into(), port });
    let (head, mut stream) = request(&proxy, &format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n")).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    stream.get_mut().write_all(b"hello").await.unwrap();
    stream.get_mut().shutdown().await.unwrap();
    assert_eq!(rest(stream).await, "hello");
    assert!(proxy.stop().await);
    assert!(seen.tunnels.lock().unwrap().is_empty());
}

#[tokio::test]
async fn stopping_closes_tunnels_that_never_end_and_keeps_their_rows() {
    let (proxy, seen) = proxy().await;
    let port = echo().await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let (_, mut stream) = request(&proxy, &format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n")).await;
        stream.get_mut().write_all(b"x").await.unwrap();
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        open.push(stream);
    }
    // One that never says what it wants.
    let silent = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(4), proxy.stop()).await.expect("in time"));
    let bytes: Vec<_> = seen.tunnels.lock().unwrap().iter().map(|tunnel| (tunnel.bytes_out, tunnel.bytes_in)).collect();
    assert_eq!(bytes, [(1, 1); 3]);
    drop((open, silent));
}

#[tokio::test]
async fn a_stand_alone_proxy_writes_its_rows_to_files() {
    let folder = tempfile::tempdir().unwrap();
    let (events, egress) = (folder.path().join("events.jsonl"), folder.path().join("egress.jsonl"));
    let options = ServeOptions {
        events_out: events.clone(),
        egress_out: Some(egress.clone()),
        port: 0,
        policy: EgressPolicy::base(),
        unrecorded: Vec::new(),
    };
    let (listening, address) = oneshot::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(options, move |address| listening.send(address).unwrap(), async {
        let _ = stopped.await;
    }));
    let address = address.await.unwrap();
    let port = echo().await;
    for target in [format!("127.0.0.1:{port}"), "evil.example:443".to_owned()] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("CONNECT {target} HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
    }
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    let row: serde_json::Value = serde_json::from_str(std::fs::read_to_string(events).unwrap().trim_end()).unwrap();
    assert_eq!((&row["kind"], &row["host"], &row["port"]), (&"LlmCallEvent".into(), &"127.0.0.1".into(), &port.into()));
    assert!(row.as_object().unwrap().contains_key("prompt_tokens"), "unknown fields are explicit");
    let row: serde_json::Value = serde_json::from_str(std::fs::read_to_string(egress).unwrap().trim_end()).unwrap();
    assert_eq!((&row["kind"], &row["host"]), (&"EgressRefusedEvent".into(), &"evil.example".into()));
}
