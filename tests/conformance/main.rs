//! The same twin natively and as a component: a tape of calls gives the same bytes on both, and again when it is replayed.

mod legs;

use pome_sandbox::{Component, Engine, Limits, Request, ToolCall, World, WorldOptions};
use pome_twin_kit::testing::Native;
use serde_json::{Value, json};
use twin_github::GitHub;

/// One call of the tape.
enum Call {
    Rest { login: &'static str, method: &'static str, path: String, body: Option<Value> },
    Tool { login: &'static str, name: &'static str, arguments: Value },
}

/// What a call answered, as bytes, with what it reported.
type Seen = (u16, Vec<u8>, String);

const ORIGIN: &str = "http://twin.test/s/test";
const LOGINS: [&str; 3] = ["pome-agent", "alice", "bob"];

/// Three hundred calls over both doors: writes, reads, refusals, and things that are not modelled.
fn tape() -> Vec<Call> {
    let mut calls = Vec::new();
    for round in 0_u64..15 {
        let login = LOGINS[usize::try_from(round).unwrap() % LOGINS.len()];
        let mut rest = |method, path: &str, body: Option<Value>| {
            calls.push(Call::Rest { login, method, path: format!("/repos/acme/api{path}"), body });
        };
        let (branch, file) = (format!("topic-{round}"), format!("docs/page-{round}.md"));
        rest("GET", "", None);
        rest("POST", "/labels", Some(json!({ "name": format!("area-{round}"), "color": "0e8a16" })));
        rest(
            "POST",
            "/issues",
            Some(json!({ "title": format!("Report {round}"), "labels": ["bug"], "assignees": ["alice"] })),
        );
        rest("POST", "/issues/1/comments", Some(json!({ "body": format!("round {round}") })));
        rest("PATCH", "/issues/1", Some(json!({ "title": format!("Orders fail, round {round}") })));
        rest("POST", "/issues/1/labels", Some(json!({ "labels": [format!("area-{round}")] })));
        rest("GET", "/issues?state=all&per_page=5&page=2", None);
        rest("POST", "/issues", Some(json!({ "title": " " })));
        rest("GET", "/git/ref/heads/main", None);
        let content = json!({ "message": format!("Page {round}"), "content": "aGVsbG8K", "branch": "main" });
        rest("PUT", &format!("/contents/{file}"), Some(content));
        rest("GET", &format!("/contents/{file}"), None);
        rest("GET", "/commits?per_page=3", None);
        rest("POST", "/git/refs", Some(json!({ "ref": format!("refs/heads/{branch}"), "sha": "main" })));
        rest("GET", "/branches", None);
        rest("GET", "/traffic/clones", None);
        let mut tool = |name, arguments: Value| calls.push(Call::Tool { login, name, arguments });
        let here = json!({ "owner": "acme", "repo": "api" });
        let with = |more: Value| {
            let mut all = here.as_object().unwrap().clone();
            all.extend(more.as_object().unwrap().clone());
            Value::Object(all)
        };
        tool("create_branch", with(json!({ "branch": branch, "from_branch": "main" })));
        let change = json!({ "branch": branch, "path": format!("src/{round}.ts"), "message": "Add", "content": format!("export const n = {round};\n") });
        tool("create_or_update_file", with(change));
        tool(
            "create_pull_request",
            with(json!({ "title": format!("Change {round}"), "head": branch, "base": "main" })),
        );
        tool("list_issues", here.clone());
        tool("no_such_tool", json!({}));
    }
    calls
}

fn native() -> (Vec<Seen>, Vec<u8>) {
    let mut twin = Native::<GitHub>::new();
    twin.origin = ORIGIN.to_owned();
    let seen = tape()
        .into_iter()
        .map(|call| match call {
            Call::Rest { login, method, path, body } => {
                twin.caller.login = Some(login.to_owned());
                let answer = twin.request(method, &path, body.as_ref());
                let headers =
                    answer.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect::<String>();
                (
                    answer.status,
                    answer.body,
                    format!("{:?} {:?}\n{headers}", answer.report.action, answer.report.mutation),
                )
            }
            Call::Tool { login, name, arguments } => {
                twin.caller.login = Some(login.to_owned());
                let answer = twin.call(name, &arguments);
                (answer.status, answer.value, format!("{:?} {:?}", answer.report.action, answer.report.mutation))
            }
        })
        .collect();
    (seen, twin.session.export())
}

fn caller(login: &str) -> pome_sandbox::Caller {
    pome_sandbox::Caller {
        sid: "test".to_owned(),
        team: "tm_local".to_owned(),
        login: Some(login.to_owned()),
        claims: b"{}".to_vec(),
    }
}

fn play(world: &mut World, call: Call) -> Seen {
    match call {
        Call::Rest { login, method, path, body } => {
            let (path, query) = path.split_once('?').unwrap_or((&path, ""));
            let request = Request {
                method: method.to_owned(),
                path: path.to_owned(),
                query: query.to_owned(),
                headers: Vec::new(),
                body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
                caller: caller(login),
                origin: ORIGIN.to_owned(),
            };
            let answer = world.handle(&request).unwrap();
            let headers =
                answer.headers.iter().map(|header| format!("{}: {}\n", header.name, header.value)).collect::<String>();
            (answer.status, answer.body, format!("{:?} {:?}\n{headers}", answer.report.action, answer.report.mutation))
        }
        Call::Tool { login, name, arguments } => {
            let call = ToolCall {
                name: name.to_owned(),
                arguments: arguments.to_string().into_bytes(),
                caller: caller(login),
                origin: ORIGIN.to_owned(),
            };
            let answer = world.call_tool(&call).unwrap();
            (answer.status, answer.value, format!("{:?} {:?}", answer.report.action, answer.report.mutation))
        }
    }
}

fn github() -> Component {
    Engine::new(Limits::default()).unwrap().embedded("github").unwrap()
}

fn component(github: &Component) -> (Vec<Seen>, Vec<u8>) {
    let mut world = github.world(WorldOptions { random_seed: 1, ..WorldOptions::default() }).unwrap();
    let seen = tape().into_iter().map(|call| play(&mut world, call)).collect();
    (seen, world.export_state().unwrap())
}

/// Compares call by call, so that a difference names its call.
fn assert_same(left: &(Vec<Seen>, Vec<u8>), right: &(Vec<Seen>, Vec<u8>)) {
    for (at, (one, other)) in left.0.iter().zip(&right.0).enumerate() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!((one.0, text(&one.1), &one.2), (other.0, text(&other.1), &other.2), "call {at}");
    }
    assert_eq!(left.0.len(), right.0.len());
    assert_eq!(left.1, right.1, "the exported states differ");
}

#[test]
fn a_tape_of_three_hundred_calls_gives_the_same_bytes_natively_and_as_a_component() {
    let native = native();
    assert_eq!(native.0.len(), 300);
    let changed = native.0.iter().filter(|(_, _, report)| report.contains("true")).count();
    assert!(changed > 100, "only {changed} calls of the tape change anything");
    assert_same(&native, &component(&github()));
}

#[test]
fn a_replay_into_a_fresh_instance_gives_the_same_bytes() {
    let github = github();
    assert_same(&component(&github), &component(&github));
}

#[test]
fn a_fork_goes_on_as_the_world_it_was_made_from_would_have() {
    let github = github();
    let mut world = github.world(WorldOptions::default()).unwrap();
    let mut calls = tape();
    let rest = calls.split_off(150);
    for call in calls {
        play(&mut world, call);
    }
    let mut fork = world.fork().unwrap();
    assert_eq!(fork.export_state().unwrap(), world.export_state().unwrap());
    for (call, again) in rest.into_iter().zip(tape().split_off(150)) {
        assert_eq!(play(&mut world, call), play(&mut fork, again));
    }
    let went_on = world.export_state().unwrap();
    assert_eq!(fork.export_state().unwrap(), went_on);
    world.reset().unwrap();
    assert_ne!(world.export_state().unwrap(), went_on);
    assert_eq!(fork.export_state().unwrap(), went_on, "a reset reached another world");
    let fresh = github.world(WorldOptions::default()).unwrap().export_state().unwrap();
    assert_eq!(world.export_state().unwrap(), fresh);
}
