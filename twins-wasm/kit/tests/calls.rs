//! A small twin with forms, refused names, stored answers and a refusal that keeps what it did.

use pome_twin_kit::action::Json;
use pome_twin_kit::checks::{Check, Relaxed, Slot};
use pome_twin_kit::describe::{Identity, NamedSeed};
use pome_twin_kit::envelope::{Answer, Request, ToolCall};
use pome_twin_kit::input::{Input, InputError, Problem};
use pome_twin_kit::routes::Router;
use pome_twin_kit::store::{Cell, Table};
use pome_twin_kit::testing::{Native, body};
use pome_twin_kit::{Action, Body, Cx, Recall, Reply, Route, Tool, ToolReply, Twin, Undeclared, VendorError, store};
use serde::Deserialize;
use serde_json::{Map, Value, json};

struct Shop;

#[derive(Default)]
struct State {
    sold: Cell<u64>,
    answers: Table<String, (u16, Vec<u8>)>,
}

store!(State { sold, answers });

#[derive(Debug)]
enum Refusal {
    Input(InputError),
    Declined,
}

impl VendorError<Shop> for Refusal {
    fn malformed_body() -> Self {
        Self::Declined
    }

    fn input(error: InputError) -> Self {
        Self::Input(error)
    }

    fn rest(&self, _: &Cx<'_, Shop>) -> Reply {
        match self {
            Self::Input(error) if error.problem == Problem::Undeclared => {
                Reply::json(400, &json!({ "unknown": error.field() }))
            }
            Self::Input(error) => Reply::json(400, &json!({ "invalid": error.field(), "found": error.found })),
            Self::Declined => Reply::json(402, &json!({ "declined": true })),
        }
    }

    fn tool(&self, cx: &Cx<'_, Shop>) -> ToolReply {
        let Reply { status, body, .. } = self.rest(cx);
        ToolReply { status, value: body, is_error: true, ..ToolReply::default() }
    }

    fn message(&self) -> String {
        "refused".to_owned()
    }
}

/// Sells; a card that is `bad` is counted as an attempt and refused.
#[derive(Deserialize)]
struct Sell {
    items: Vec<Item>,
    #[serde(default)]
    card: String,
    receipt: Option<String>,
    key: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    price: u64,
}

impl Action<Shop> for Sell {
    const NAME: &'static str = "sell";
    const MUTATES: bool = true;
    type Output = Json<Value>;

    fn run(self, cx: &mut Cx<'_, Shop>) -> Result<Json<Value>, Refusal> {
        let Ok(number) = cx.attempt(|cx| Ok::<_, ()>(cx.state.sold.next())) else { return Err(Refusal::Declined) };
        if self.card == "bad" {
            cx.state.sold.set(1000);
            return Err(Refusal::Declined);
        }
        let total: u64 = self.items.iter().map(|item| item.price).sum();
        let files: Vec<_> = cx.files.iter().map(|file| file.bytes.len()).collect();
        let common = cx.common.clone();
        let _ = self.key;
        Ok(Json(json!({
            "number": number, "total": total, "receipt": self.receipt, "files": files, "common": common,
        })))
    }
}

impl Twin for Shop {
    type State = State;
    type Error = Refusal;

    const ID: &'static str = "shop";
    const ROUTES: &'static [Route<Self>] = &[Route::post::<Sell>("/sales")];
    const BODY: Body = Body::Form;
    const UNDECLARED: Undeclared = Undeclared::Refused;
    const COMMON: &'static [&'static str] = &["expand"];
    const TOOLS: &'static [Tool<Self>] = &[Tool::new::<Sell>("sell")];
    const TOOL_LISTINGS: &'static [&'static str] = &[];
    const CHECKS: &'static [Check] = &[];
    const SLOTS: &'static [Slot] = &[];
    const RELAXED: &'static [Relaxed] = &[];
    const SEEDS: &'static [NamedSeed] = &[];

    fn identity() -> Identity {
        Identity::default()
    }

    fn seed(_: Value, _: &mut Cx<'_, Self>) -> Result<Value, Refusal> {
        Ok(Value::Object(Map::new()))
    }

    fn export(state: &State) -> Vec<u8> {
        json!(state.sold.get()).to_string().into_bytes()
    }

    fn unsupported(_: &Request, _: &Router<Self>) -> Reply {
        Reply::new(501)
    }

    fn unknown_tool(_: &ToolCall) -> ToolReply {
        ToolReply::error_text(400, "unknown")
    }

    fn recall(cx: &mut Cx<'_, Self>, input: &Input) -> Result<Recall, Refusal> {
        let key = cx.header("idempotency-key").map(str::to_owned);
        let Some(key) = key.or_else(|| cx.tool.map(|call| call.name.clone())) else { return Ok(Recall::Nothing) };
        let place = format!("{key} {}", input.canonical());
        Ok(match cx.state.answers.get(&place) {
            Some((status, body)) => Recall::Known(Reply { body: body.clone(), ..Reply::new(*status) }),
            None => Recall::Keep(place),
        })
    }

    fn remember(cx: &mut Cx<'_, Self>, place: String, reply: &Reply) {
        cx.state.answers.insert(place, (reply.status, reply.body.clone()));
    }
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn sell(twin: &mut Native<Shop>, key: Option<&str>, text: &str) -> Answer {
    let mut headers = vec![FORM];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    twin.request_with("POST", "/sales?expand[]=a.b", &headers, text.as_bytes())
}

#[test]
fn forms_become_what_the_action_declares_and_common_inputs_are_apart() {
    let mut twin = Native::<Shop>::new();
    let answer = sell(&mut twin, None, "items[0][price]=5&items[1][price]=7&receipt=r");
    let common = json!({ "expand": ["a.b"] });
    assert_eq!(body(&answer), json!({ "number": 1, "total": 12, "receipt": "r", "files": [], "common": common }));
    let json = twin.request("POST", "/sales", Some(&json!({ "items": [{ "price": 5 }] })));
    assert_eq!(body(&json)["total"], 5);
}

#[test]
fn an_undeclared_name_is_refused_and_a_wrong_number_is_quoted() {
    let mut twin = Native::<Shop>::new();
    assert_eq!(body(&sell(&mut twin, None, "items[0][price]=5&color=red")), json!({ "unknown": "color" }));
    let answer = sell(&mut twin, None, "items[0][price]=five");
    assert_eq!(body(&answer), json!({ "invalid": "items.0.price", "found": "five" }));
    assert_eq!(twin.state(), 0);
    // A tool ignores what it does not know.
    let answer = twin.call("sell", &json!({ "items": [], "color": "red" }));
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.value));
}

#[test]
fn a_stored_answer_is_given_again_also_when_it_was_a_refusal() {
    let mut twin = Native::<Shop>::new();
    let first = sell(&mut twin, Some("k"), "items[0][price]=5");
    let second = twin.request_with(
        "POST",
        "/sales?expand[]=a.b",
        &[("idempotency-key", "k"), ("content-type", "application/json")],
        br#"{"items":[{"price":5}]}"#,
    );
    assert_eq!((second.status, &second.body), (200, &first.body));
    assert!(second.report.replayed && !second.report.mutation && !first.report.replayed);
    let refused = sell(&mut twin, Some("l"), "items[0][price]=5&card=bad");
    assert_eq!((refused.status, refused.report.mutation), (402, true));
    let again = sell(&mut twin, Some("l"), "items[0][price]=5&card=bad");
    assert_eq!((again.status, again.report.replayed, again.report.mutation), (402, true, false));
    assert_eq!(twin.state(), 2, "the refused attempt stays, what followed it does not");
    let tool = |twin: &mut Native<Shop>| twin.call("sell", &json!({ "items": [], "card": "bad" }));
    let (first, second) = (tool(&mut twin), tool(&mut twin));
    assert_eq!((first.status, first.is_error, first.report.mutation), (402, true, true));
    assert_eq!((second.status, second.is_error, second.report.replayed), (402, true, true));
    assert_eq!(twin.state(), 3);
}

#[test]
fn an_answer_to_unreadable_inputs_is_not_kept() {
    let mut twin = Native::<Shop>::new();
    assert_eq!(sell(&mut twin, Some("k"), "items[0][price]=x").status, 400);
    let answer = sell(&mut twin, Some("k"), "items[0][price]=x");
    assert!(!answer.report.replayed);
}
