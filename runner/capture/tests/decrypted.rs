//! Connections that end in the proxy, as an agent and a model provider meet them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pome_capture::{
    Destination, EgressPolicy, Exchange, Hosts, Inspection, Proxy, Refusal, Roots, Route, Sink, Target, Tunnel,
    TwinSession,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

#[derive(Default)]
struct Seen {
    tunnels: Mutex<Vec<Tunnel>>,
    exchanges: Mutex<Vec<Exchange>>,
    untrusted: Mutex<Vec<(String, String)>>,
}

impl Sink for Seen {
    fn tunnel_closed(&self, tunnel: Tunnel) {
        self.tunnels.lock().unwrap().push(tunnel);
    }
    fn refused(&self, refusal: Refusal) {
        panic!("{refusal:?}");
    }
    fn exchanged(&self, exchange: Exchange) {
        self.exchanges.lock().unwrap().push(exchange);
    }
    fn untrusted(&self, target: Target, reason: String) {
        self.untrusted.lock().unwrap().push((target.host, reason));
    }
}

/// A server certificate for `localhost` and the root that it needs.
struct Identity {
    certificate: CertificateDer<'static>,
    acceptor: TlsAcceptor,
}

fn identity() -> Identity {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    Identity { certificate, acceptor: TlsAcceptor::from(Arc::new(config)) }
}

struct Setting {
    proxy: Proxy,
    seen: Arc<Seen>,
    inspection: Arc<Inspection>,
}

/// A proxy that reads calls to the hosts of `models` and trusts one upstream.
async fn setting(models: Option<&str>, routes: Vec<Route>, trusted: Vec<CertificateDer<'static>>) -> Setting {
    let models = models.map(|pattern| {
        let mut hosts = Hosts::default();
        hosts.add(pattern);
        hosts
    });
    let inspection = Arc::new(Inspection::new(models, routes, Roots::new(trusted).unwrap()).unwrap());
    let seen = Arc::new(Seen::default());
    let sink = Arc::clone(&seen) as Arc<dyn Sink>;
    let proxy = Proxy::start(EgressPolicy::base(), Some(Arc::clone(&inspection)), sink, 0).await.unwrap();
    Setting { proxy, seen, inspection }
}

impl Setting {
    async fn connect(&self, target: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.proxy.address()).await.unwrap();
        stream.write_all(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").as_bytes()).await.unwrap();
        let head = head(&mut stream).await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        stream
    }

    /// TLS with whoever is at the other end of a tunnel, trusting the authority of the run only.
    async fn tls(&self, target: &str) -> TlsStream<TcpStream> {
        let authority = CertificateDer::from_pem_slice(self.inspection.certificate().as_bytes()).unwrap();
        tls(self.connect(target).await, target, authority).await.unwrap()
    }

    async fn stop(self) -> Arc<Seen> {
        assert!(self.proxy.stop().await);
        self.seen
    }
}

async fn tls(stream: TcpStream, target: &str, root: CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut store = RootCertStore::empty();
    store.add(root).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    let name = ServerName::try_from(target.split(':').next().unwrap().to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Up to the empty line, byte by byte so that nothing behind it is lost.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// A request as it arrived: its head, and the body that its length announces.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> (String, String) {
    let head = head(stream).await;
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

fn post(path: &str, host: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer sk-secret\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn chunk(text: &str) -> String {
    format!("{:X}\r\n{text}\r\n", text.len())
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}

async fn until(done: impl Fn() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("in time");
}

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const FIRST: &str =
    "data: {\"id\":\"c1\",\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";
const LAST: &str = "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\ndata: [DONE]\n\n";
const ASKED: &str = r#"{"model":"m","stream":true,"messages":[]}"#;

#[tokio::test]
async fn streamed_calls_are_passed_on_at_once_and_become_a_row_each() {
    let identity = identity();
    let setting = setting(Some("localhost"), Vec::new(), vec![identity.certificate.clone()]).await;
    let (listener, port) = listen().await;
    let (go_on, wait) = oneshot::channel();
    let provider = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = identity.acceptor.accept(stream).await.unwrap();
        let first = request(&mut stream).await;
        send(&mut stream, &format!("{STREAM}{}", chunk(FIRST))).await;
        // The rest is sent only when the agent has seen the beginning.
        wait.await.unwrap();
        send(&mut stream, &format!("{}0\r\n\r\n", chunk(LAST))).await;
        let second = request(&mut stream).await;
        let body = r#"{"data":[]}"#;
        send(&mut stream, &format!("HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await;
        // The end of this connection is the end of the agent's.
        (first, second)
    });
    let mut agent = setting.tls(&format!("localhost:{port}")).await;
    let host = format!("localhost:{port}");
    send(&mut agent, &post("/v1/chat/completions?api-version=1", &host, ASKED)).await;
    let answer = head(&mut agent).await;
    assert!(answer.contains("text/event-stream"), "{answer}");
    let mut got = vec![0; chunk(FIRST).len()];
    tokio::time::timeout(Duration::from_secs(10), agent.read_exact(&mut got)).await.expect("not held back").unwrap();
    assert_eq!(String::from_utf8(got).unwrap(), chunk(FIRST));
    go_on.send(()).unwrap();
    let mut got = vec![0; chunk(LAST).len() + 5];
    agent.read_exact(&mut got).await.unwrap();
    assert_eq!(String::from_utf8(got).unwrap(), format!("{}0\r\n\r\n", chunk(LAST)));
    send(&mut agent, &format!("GET /v1/models HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
    let mut rest = String::new();
    BufReader::new(agent).read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 404 Not Found\r\n") && rest.ends_with(r#"{"data":[]}"#), "{rest}");
    let ((first, body), (second, _)) = provider.await.unwrap();
    assert!(first.starts_with("POST /v1/chat/completions?api-version=1 HTTP/1.1\r\n"), "{first}");
    assert!(first.contains("Authorization: Bearer sk-secret\r\n") && body == ASKED, "{first}");
    assert!(second.starts_with("GET /v1/models HTTP/1.1\r\n"), "{second}");

    let seen = setting.stop().await;
    assert!(seen.tunnels.lock().unwrap().is_empty(), "the calls are the rows");
    let exchanges = seen.exchanges.lock().unwrap();
    let [call, models] = exchanges.as_slice() else { panic!("{exchanges:?}") };
    let row = serde_json::to_value(call.event()).unwrap();
    assert_eq!(row["url"], format!("https://localhost:{port}/v1/chat/completions"));
    assert_eq!((&row["model"], &row["status"]), (&"m-1".into(), &200.into()));
    assert_eq!((&row["prompt_tokens"], &row["completion_tokens"]), (&7.into(), &3.into()));
    assert_eq!(row["gen_ai_response_finish_reasons"], serde_json::json!(["stop"]));
    assert!(row["gen_ai_response_time_to_first_chunk"].as_f64().unwrap() <= call.latency.as_secs_f64());
    assert!(!row.to_string().contains("sk-secret"));
    let sent = post("/v1/chat/completions?api-version=1", &host, ASKED).len() as u64;
    assert_eq!(call.bytes_out, sent, "the bytes inside TLS");
    assert_eq!(call.bytes_in, (STREAM.len() + chunk(FIRST).len() + chunk(LAST).len() + 5) as u64);
    assert_eq!((models.method.as_str(), models.status, models.gen_ai.operation.as_deref()), ("GET", Some(404), None));
}

#[tokio::test]
async fn what_is_not_on_the_list_stays_a_blind_tunnel() {
    let identity = identity();
    let root = identity.certificate.clone();
    let setting = setting(Some("api.openai.com"), Vec::new(), Vec::new()).await;
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = identity.acceptor.accept(stream).await.unwrap();
        request(&mut stream).await;
        send(&mut stream, "HTTP/1.1 204 No Content\r\n\r\n").await;
        let _ = stream.shutdown().await;
    });
    let target = format!("localhost:{port}");
    // The certificate is the server's own: no other root is trusted here.
    let mut agent = tls(setting.connect(&target).await, &target, root).await.unwrap();
    send(&mut agent, &post("/v1/chat/completions", &target, ASKED)).await;
    assert!(head(&mut agent).await.starts_with("HTTP/1.1 204"));
    drop(agent);
    let seen = setting.stop().await;
    assert_eq!((seen.tunnels.lock().unwrap().len(), seen.exchanges.lock().unwrap().len()), (1, 0));
}

#[tokio::test]
async fn an_agent_that_trusts_others_only_is_told_of() {
    let identity = identity();
    let setting = setting(Some("localhost"), Vec::new(), vec![identity.certificate.clone()]).await;
    let (_listener, port) = listen().await;
    let target = format!("localhost:{port}");
    assert!(tls(setting.connect(&target).await, &target, identity.certificate).await.is_err());
    until(|| !setting.seen.tunnels.lock().unwrap().is_empty()).await;
    let seen = setting.stop().await;
    let untrusted = seen.untrusted.lock().unwrap();
    let [(host, reason)] = untrusted.as_slice() else { panic!("{untrusted:?}") };
    assert_eq!(host, "localhost");
    assert!(reason.contains("UnknownCA"), "{reason}");
    assert_eq!(seen.tunnels.lock().unwrap().len(), 1, "nothing was said in it");
}

#[tokio::test]
async fn a_provider_that_cannot_be_verified_is_an_answer_that_says_so() {
    let identity = identity();
    let setting = setting(Some("localhost"), Vec::new(), Vec::new()).await;
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        assert!(identity.acceptor.accept(stream).await.is_err());
    });
    let mut agent = setting.tls(&format!("localhost:{port}")).await;
    send(&mut agent, &post("/v1/messages", "localhost", ASKED)).await;
    let mut answer = head(&mut agent).await;
    let mut agent = BufReader::new(agent);
    agent.read_line(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("failed: invalid peer certificate"), "{answer}");
    drop(agent);
    let seen = setting.stop().await;
    let exchanges = seen.exchanges.lock().unwrap();
    assert_eq!((exchanges.len(), exchanges[0].status), (1, Some(502)));
}

#[tokio::test]
async fn a_host_can_be_routed_elsewhere_in_the_clear_and_under_tls() {
    let (listener, port) = listen().await;
    let route = Route::parse(&format!("api.vendor.example=http://127.0.0.1:{port}/base")).unwrap();
    let setting = setting(None, vec![route], Vec::new()).await;
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (head, _) = request(&mut stream).await;
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{head}", head.len());
                send(&mut stream, &answer).await;
            });
        }
    });
    let expected = |scheme: &str| {
        ["get /base/x?q=1 http/1.1", &format!("host: 127.0.0.1:{port}"), &format!("x-forwarded-proto: {scheme}")]
            .map(str::to_owned)
            .into_iter()
            .chain(["x-forwarded-host: api.vendor.example".to_owned()])
            .collect::<Vec<_>>()
    };
    let check = |answer: &str, scheme: &str| {
        let answer = answer.to_ascii_lowercase();
        for line in expected(scheme) {
            assert!(answer.contains(&line), "{line} in {answer}");
        }
    };
    // Inside TLS.
    let mut agent = setting.tls("api.vendor.example:443").await;
    send(&mut agent, "GET /x?q=1 HTTP/1.1\r\nHost: api.vendor.example\r\n\r\n").await;
    let mut answer = String::new();
    agent.read_to_string(&mut answer).await.unwrap();
    check(&answer, "https");
    // In a tunnel without TLS, as undici sends plain HTTP.
    let mut agent = setting.connect("api.vendor.example:80").await;
    send(&mut agent, "GET /x?q=1 HTTP/1.1\r\nHost: api.vendor.example\r\n\r\n").await;
    let mut answer = String::new();
    agent.read_to_string(&mut answer).await.unwrap();
    check(&answer, "http");
    // To the proxy itself, as everybody else does.
    let mut agent = TcpStream::connect(setting.proxy.address()).await.unwrap();
    send(&mut agent, "GET http://api.vendor.example/x?q=1 HTTP/1.1\r\nHost: api.vendor.example\r\n\r\n").await;
    let mut answer = String::new();
    agent.read_to_string(&mut answer).await.unwrap();
    check(&answer, "http");
    // Nothing else is proxied in the clear.
    let mut agent = TcpStream::connect(setting.proxy.address()).await.unwrap();
    send(&mut agent, "GET http://localhost/x HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(head(&mut agent).await.starts_with("HTTP/1.1 405 "));
    let seen = setting.stop().await;
    assert_eq!(seen.tunnels.lock().unwrap().len(), 3, "{:?}", seen.tunnels.lock().unwrap());
    assert!(seen.exchanges.lock().unwrap().is_empty(), "nothing is read without --capture-llm");
}

#[tokio::test]
async fn a_twin_gets_the_session_and_what_addresses_start_with() {
    let (listener, port) = listen().await;
    let twin = |host: &str, root: &str, shown: Option<&str>| Route {
        host: host.to_owned(),
        to: Destination::Twin(TwinSession {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            session: "/s/run_1".to_owned(),
            root: root.to_owned(),
            token: "the.session.token".to_owned(),
            shown_host: shown.map(str::to_owned),
        }),
    };
    let routes =
        vec![twin("api.vendor.example", "", None), twin("mcp.vendor.example", "/mcp", Some("api.vendor.example"))];
    let setting = setting(Some("api.openai.com"), routes, Vec::new()).await;
    let (sender, mut heads) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (head, _) = request(&mut stream).await;
            sender.send(head).unwrap();
            send(&mut stream, "HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    });
    for (host, path, expected) in [("api", "/user", "/s/run_1/user"), ("mcp", "/", "/s/run_1/mcp")] {
        let host = format!("{host}.vendor.example");
        let mut agent = setting.tls(&format!("{host}:443")).await;
        let forged = "x-pome-route-token: forged\r\nX-Pome-Route-Origin: https://evil.example\r\n";
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: token ghp_x\r\n{forged}\r\n");
        send(&mut agent, &request).await;
        assert!(head(&mut agent).await.starts_with("HTTP/1.1 204"));
        let got = heads.recv().await.unwrap();
        assert!(got.starts_with(&format!("GET {expected} HTTP/1.1\r\n")), "{got}");
        let lower = got.to_ascii_lowercase();
        assert_eq!(lower.matches("x-pome-route-token: the.session.token\r\n").count(), 1, "{got}");
        assert_eq!(lower.matches("x-pome-route-origin: https://api.vendor.example\r\n").count(), 1, "{got}");
        assert!(!lower.contains("forged") && lower.contains("authorization: token ghp_x"), "{got}");
    }
    let seen = setting.stop().await;
    assert!(seen.tunnels.lock().unwrap().is_empty() && seen.exchanges.lock().unwrap().is_empty(), "the twin records");
}

#[tokio::test]
async fn a_path_is_kept_where_it_can_be_no_credential() {
    let (listener, port) = listen().await;
    let route = |host: &str| Route::parse(&format!("{host}=http://127.0.0.1:{port}")).unwrap();
    let setting =
        setting(Some("api.openai.com"), vec![route("api.openai.com"), route("hooks.example")], Vec::new()).await;
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            request(&mut stream).await;
            send(&mut stream, "HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    });
    for (host, path) in
        [("api.openai.com", "/v1/files"), ("hooks.example", "/bot123"), ("hooks.example", "/v1/responses")]
    {
        let mut agent = setting.tls(&format!("{host}:443")).await;
        send(&mut agent, &post(&format!("{path}?key=AIza"), host, ASKED)).await;
        assert!(head(&mut agent).await.starts_with("HTTP/1.1 204"));
    }
    let seen = setting.stop().await;
    let exchanges = seen.exchanges.lock().unwrap();
    let urls: Vec<&str> = exchanges.iter().map(|exchange| exchange.url.as_str()).collect();
    assert_eq!(
        urls,
        ["https://api.openai.com/v1/files", "https://hooks.example", "https://hooks.example/v1/responses"]
    );
}

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

#[tokio::test]
async fn a_connection_that_leaves_http_is_piped_and_stopping_keeps_its_row() {
    let (listener, port) = listen().await;
    let route = Route::parse(&format!("api.openai.com=http://127.0.0.1:{port}")).unwrap();
    let setting = setting(Some("api.openai.com"), vec![route], Vec::new()).await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await;
        send(&mut stream, SWITCH).await;
        let mut bytes = [0; 5];
        stream.read_exact(&mut bytes).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        // Open until the proxy closes it.
        let _ = stream.read_u8().await;
    });
    let mut agent = setting.tls("api.openai.com:443").await;
    let request =
        "GET /v1/realtime HTTP/1.1\r\nHost: api.openai.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    send(&mut agent, request).await;
    let answer = head(&mut agent).await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 101 ") && answer.contains("upgrade: websocket"), "{answer}");
    send(&mut agent, "frame").await;
    let mut bytes = [0; 5];
    agent.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"frame");
    let seen = setting.stop().await;
    let exchanges = seen.exchanges.lock().unwrap();
    let [exchange] = exchanges.as_slice() else { panic!("{exchanges:?}") };
    assert_eq!((exchange.status, exchange.bytes_in), (Some(101), SWITCH.len() as u64 + 5));
}

#[tokio::test]
async fn a_call_that_is_cut_off_keeps_what_was_read_of_it() {
    let (listener, port) = listen().await;
    let route = Route::parse(&format!("api.anthropic.com=http://127.0.0.1:{port}")).unwrap();
    let setting = setting(Some("*.anthropic.com"), vec![route], Vec::new()).await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await;
        let start = r#"data: {"type":"message_start","message":{"id":"m","model":"claude","usage":{"input_tokens":9,"output_tokens":1}}}"#;
        send(&mut stream, &format!("{STREAM}{}", chunk(&format!("{start}\n\n")))).await;
        let _ = stream.read_u8().await;
    });
    let mut agent = setting.tls("api.anthropic.com:443").await;
    send(&mut agent, &post("/v1/messages", "api.anthropic.com", ASKED)).await;
    head(&mut agent).await;
    let mut byte = [0];
    agent.read_exact(&mut byte).await.unwrap();
    let seen = setting.stop().await;
    let exchanges = seen.exchanges.lock().unwrap();
    let [exchange] = exchanges.as_slice() else { panic!("{exchanges:?}") };
    let read = (exchange.gen_ai.input_tokens, exchange.gen_ai.finish_reasons.clone());
    assert_eq!((exchange.status, read), (Some(200), (Some(9), None)));
}
