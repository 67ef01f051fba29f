//! A twin that fails in a call: told with its place, contained, and the world stands again.

use pome_sandbox::FaultKind;
use serde_json::{Value, json};

use crate::support::{SID, Twin};

#[test]
fn a_failed_call_is_an_error_row_and_the_world_goes_on_without_it() {
    let twin = Twin::hostile();
    twin.call("POST", "/count", None);
    twin.call("POST", "/count", None);
    for (path, kind) in [("/trap", FaultKind::Trap), ("/loop", FaultKind::Deadline), ("/recurse", FaultKind::Stack)] {
        let answer = twin.get(path);
        assert_eq!(answer.status, 500, "{path}");
        let trapped = twin.server.as_ref().unwrap().traps().pop().unwrap();
        assert_eq!((trapped.fault.kind, trapped.rebuilt, trapped.sid.as_str()), (kind, true, SID), "{path}");
        assert_eq!(trapped.fault.twin, "hostile");
        assert_eq!(trapped.fault.action.as_deref(), Some(&path[1..]));
        assert_eq!(twin.get("/count").text(), "2", "{path}: the world is as it was");
        let rows = twin.events();
        let row = &rows[usize::try_from(trapped.event).unwrap() - 1];
        assert_eq!((row["status"].clone(), row["request_id"].clone()), (json!(500), json!(trapped.event_id)), "{path}");
        assert!(row["error"].as_str().unwrap().contains(kind.as_str()), "{path}: {row}");
        assert_eq!(row["tool"], json!(&path[1..]));
    }
}

#[test]
fn a_failing_tool_is_a_tool_error() {
    let twin = Twin::hostile();
    let call =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "loop", "arguments": {} } });
    let answer = twin.post("/mcp", call);
    assert_eq!((answer.status, answer.json()["result"]["isError"].clone()), (200, json!(true)));
    let row = &twin.events()[0];
    assert_eq!((row["tool"].clone(), row["status"].clone()), (json!("loop"), json!(500)));
    assert_eq!(twin.server.as_ref().unwrap().traps().len(), 1);
}

#[test]
fn other_worlds_answer_while_one_is_stuck() {
    let twin = Twin::hostile();
    let made = twin.admin("POST", "/admin/sessions", json!({})).json();
    let (sid, token) = (made["sid"].as_str().unwrap(), made["token"].as_str().unwrap());
    let authorization = format!("Bearer {token}");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let stuck = twin.send("GET", &format!("/s/{sid}/loop"), &[("authorization", &authorization)], b"");
                assert_eq!(stuck.status, 500);
            });
        }
        for expected in 1..=50 {
            assert_eq!(twin.call("POST", "/count", None).text(), expected.to_string());
        }
    });
    let rows: Vec<Value> = twin.events();
    assert_eq!(rows.len(), 50);
}
