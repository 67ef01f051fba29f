//! Tapes whose later calls depend on earlier answers, for twins that hand out their own ids: played natively and as a component,
//! answer by answer.

use pome_sandbox::{Caller, Engine, Header, Limits, Request, ToolCall, World, WorldOptions};
use pome_twin_kit::Twin;
use pome_twin_kit::testing::Native;
use serde_json::{Value, json};
use twin_slack::Slack;
use twin_stripe::Stripe;

const ORIGIN: &str = "http://twin.test/s/test";

/// Whoever answers: the twin itself, or its component.
trait Leg {
    /// Status, body and the rest: headers, action, whether something changed, what is to be sent.
    fn rest(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, Vec<u8>, String);
    fn tool(&mut self, name: &str, arguments: &Value) -> (u16, Vec<u8>, String);
    fn state(&mut self) -> Vec<u8>;
}

impl<T: Twin> Leg for Native<T> {
    fn rest(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, Vec<u8>, String) {
        let answer = self.request_with(method, path, headers, body);
        let sent: Vec<_> = answer.report.deliveries.iter().map(|one| (one.id.clone(), one.due)).collect();
        let rest = format!("{:?} {:?} {} {sent:?}", answer.headers, answer.report.action, answer.report.mutation);
        (answer.status, answer.body, rest)
    }

    fn tool(&mut self, name: &str, arguments: &Value) -> (u16, Vec<u8>, String) {
        let answer = self.call(name, arguments);
        (answer.status, answer.value, format!("{:?} {}", answer.report.action, answer.report.mutation))
    }

    fn state(&mut self) -> Vec<u8> {
        self.session.export()
    }
}

/// A component's world and who calls it.
struct Component(World, Caller);

impl Leg for Component {
    fn rest(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, Vec<u8>, String) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let header = |(name, value): &(&str, &str)| Header { name: (*name).to_owned(), value: (*value).to_owned() };
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers.iter().map(header).collect(),
            body: body.to_vec(),
            caller: self.1.clone(),
            origin: ORIGIN.to_owned(),
        };
        let answer = self.0.handle(&request).unwrap();
        let headers: Vec<_> = answer.headers.into_iter().map(|header| (header.name, header.value)).collect();
        let sent: Vec<_> = answer.report.deliveries.iter().map(|one| (one.id.clone(), one.due)).collect();
        let rest = format!("{headers:?} {:?} {} {sent:?}", answer.report.action, answer.report.mutation);
        (answer.status, answer.body, rest)
    }

    fn tool(&mut self, name: &str, arguments: &Value) -> (u16, Vec<u8>, String) {
        let call = ToolCall {
            name: name.to_owned(),
            arguments: arguments.to_string().into_bytes(),
            caller: self.1.clone(),
            origin: ORIGIN.to_owned(),
        };
        let answer = self.0.call_tool(&call).unwrap();
        (answer.status, answer.value, format!("{:?} {}", answer.report.action, answer.report.mutation))
    }

    fn state(&mut self) -> Vec<u8> {
        self.0.export_state().unwrap()
    }
}

fn native<T: Twin>(claims: &Value) -> Native<T> {
    let mut twin = Native::new();
    twin.origin = ORIGIN.to_owned();
    twin.caller.claims = claims.to_string().into_bytes();
    twin
}

fn component(name: &str, claims: &Value) -> Component {
    let component = Engine::new(Limits::default()).unwrap().embedded(name).unwrap();
    let world = component.world(WorldOptions { random_seed: 1, ..WorldOptions::default() }).unwrap();
    let caller = Caller {
        sid: "test".to_owned(),
        team: "tm_local".to_owned(),
        login: Some("pome-agent".to_owned()),
        claims: claims.to_string().into_bytes(),
    };
    Component(world, caller)
}

/// What was answered in order, and how often something changed.
#[derive(Default)]
struct Tape {
    seen: Vec<String>,
    changed: usize,
}

impl Tape {
    fn note(&mut self, call: &str, (status, body, rest): (u16, Vec<u8>, String)) -> Value {
        self.changed += usize::from(rest.contains(" true"));
        self.seen.push(format!("{call}\n{status} {rest}\n{}", String::from_utf8_lossy(&body)));
        serde_json::from_slice(&body).unwrap_or_default()
    }

    fn form(&mut self, leg: &mut dyn Leg, method: &str, path: &str, form: &str) -> Value {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("idempotency-key", form)];
        let count = if method == "POST" { headers.len() } else { 1 };
        let answer = leg.rest(method, path, headers.get(..count).unwrap_or_default(), form.as_bytes());
        self.note(&format!("{method} {path} {form}"), answer)
    }

    fn json(&mut self, leg: &mut dyn Leg, path: &str, body: &Value) -> Value {
        let headers = [("content-type", "application/json; charset=utf-8")];
        let answer = leg.rest("POST", path, &headers, body.to_string().as_bytes());
        self.note(&format!("{path} {body}"), answer)
    }

    fn tool(&mut self, leg: &mut dyn Leg, name: &str, arguments: &Value) -> Value {
        let answer = leg.tool(name, arguments);
        self.note(&format!("{name} {arguments}"), answer)
    }
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or("none").to_owned()
}

/// Customers, cards, payments that succeed and fail, refunds, webhooks, searches, tools, and what is not modelled.
fn stripe(leg: &mut dyn Leg) -> Tape {
    let mut tape = Tape::default();
    for round in 0..20 {
        let hook = "url=http://127.0.0.1:9/&enabled_events[]=*";
        tape.form(leg, "POST", "/v1/webhook_endpoints", &format!("{hook}&description=h{round}"));
        let customer = id(&tape.form(leg, "POST", "/v1/customers", &format!("name=c{round}&metadata[round]={round}")));
        tape.form(leg, "POST", "/v1/payment_methods/pm_card_visa/attach", &format!("customer={customer}"));
        let card = ["visa", "chargeDeclined", "mastercard", "authenticationRequired"][round % 4];
        let payment = tape.form(
            leg,
            "POST",
            "/v1/payment_intents",
            &format!(
                "amount={}&currency=usd&payment_method_types[]=card&payment_method=pm_card_{card}&confirm=true",
                500 + round
            ),
        );
        let charge = payment["latest_charge"].as_str().unwrap_or("ch_none").to_owned();
        tape.form(leg, "POST", "/v1/refunds", &format!("charge={charge}&amount=100"));
        tape.form(leg, "POST", "/v1/refunds", &format!("charge={charge}&amount=100"));
        tape.form(leg, "GET", &format!("/v1/payment_intents/{}?expand[]=latest_charge", id(&payment)), "");
        tape.form(leg, "GET", "/v1/customers?limit=2", "");
        tape.form(leg, "GET", "/v1/events?limit=3", "");
        tape.form(leg, "GET", "/v1/balance", "");
        tape.form(leg, "POST", "/v1/customers", &format!("name=again&undeclared={round}"));
        tape.form(leg, "GET", "/v1/no_such_thing", "");
        tape.tool(leg, "create_customer", &json!({ "name": format!("t{round}") }));
        tape.tool(leg, "list_customers", &json!({ "limit": 2 }));
        tape.tool(leg, "retrieve_charge", &json!({ "id": charge }));
    }
    tape
}

/// Channels, messages, threads, reactions, schedules, searches, tools, and what is not modelled.
fn slack(leg: &mut dyn Leg) -> Tape {
    let mut tape = Tape::default();
    for round in 0..20 {
        let made = tape.json(leg, "/conversations.create", &json!({ "name": format!("topic-{round}") }));
        let channel = id(&made["channel"]);
        let posted = tape.json(
            leg,
            "/chat.postMessage",
            &json!({ "channel": channel, "text": format!("hello *{round}*"),
                     "blocks": [{ "type": "section", "text": { "type": "mrkdwn", "text": "hi" } }] }),
        );
        let ts = posted["ts"].as_str().unwrap_or("0").to_owned();
        tape.json(leg, "/chat.postMessage", &json!({ "channel": channel, "text": "reply", "thread_ts": ts }));
        tape.json(leg, "/chat.update", &json!({ "channel": channel, "ts": ts, "text": "edited" }));
        tape.json(leg, "/reactions.add", &json!({ "channel": channel, "timestamp": ts, "name": "eyes" }));
        tape.json(leg, "/reactions.add", &json!({ "channel": channel, "timestamp": ts, "name": "eyes" }));
        tape.json(leg, "/conversations.replies", &json!({ "channel": channel, "ts": ts }));
        tape.json(leg, "/conversations.history", &json!({ "channel": channel, "limit": 2 }));
        tape.json(
            leg,
            "/chat.scheduleMessage",
            &json!({ "channel": channel, "text": "later", "post_at": 1_767_225_700 }),
        );
        tape.json(leg, "/conversations.list", &json!({ "limit": 3 }));
        tape.json(leg, "/search.messages", &json!({ "query": "hello" }));
        tape.json(leg, "/users.list", &json!({}));
        tape.json(leg, "/no.suchMethod", &json!({}));
        tape.tool(leg, "slack_send_message", &json!({ "channel_id": channel, "message": "from a tool" }));
        tape.tool(leg, "slack_read_channel", &json!({ "channel_id": channel }));
    }
    tape
}

fn assert_same(mut native: impl Leg, mut component: impl Leg, play: fn(&mut dyn Leg) -> Tape) {
    let (one, other) = (play(&mut native), play(&mut component));
    assert_eq!(one.seen.len(), 300);
    assert!(one.changed > 100, "only {} calls of the tape change anything", one.changed);
    for (at, (one, other)) in one.seen.iter().zip(&other.seen).enumerate() {
        assert_eq!(one, other, "call {at}");
    }
    assert!(native.state() == component.state(), "the exported states differ");
}

#[test]
fn stripe_gives_the_same_bytes_natively_and_as_a_component() {
    let claims = json!({ "account_id": "acct_default" });
    assert_same(native::<Stripe>(&claims), component("stripe", &claims), stripe);
    assert_same(component("stripe", &claims), component("stripe", &claims), stripe);
}

#[test]
fn slack_gives_the_same_bytes_natively_and_as_a_component() {
    let claims = json!({});
    assert_same(native::<Slack>(&claims), component("slack", &claims), slack);
    assert_same(component("slack", &claims), component("slack", &claims), slack);
}
