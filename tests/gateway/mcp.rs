//! The MCP door, message by message.

use serde_json::{Value, json};

use crate::support::{SID, Twin, token};

fn rpc(twin: &Twin, body: Value) -> crate::support::Response {
    twin.post("/mcp", body)
}

fn message(id: i64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

fn issue() -> Value {
    json!({ "name": "issue_read", "arguments": { "method": "get", "owner": "acme", "repo": "api", "issue_number": 1 } })
}

#[test]
fn a_client_of_any_generation_completes_a_session() {
    let twin = Twin::github();
    for (asked, given) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("1999-01-01", "2025-06-18"),
    ] {
        let initialize = rpc(&twin, message(1, "initialize", json!({ "protocolVersion": asked, "capabilities": {} })));
        let version = initialize.json()["result"]["serverInfo"]["version"].clone();
        assert_eq!(
            initialize.both(),
            json!({ "status": 200, "body": { "jsonrpc": "2.0", "id": 1, "result": {
                "protocolVersion": given,
                "capabilities": { "tools": { "listChanged": false } },
                "serverInfo": { "name": "twin-github", "version": version },
            }}})
        );
        let ready = rpc(&twin, json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        assert_eq!((ready.status, ready.body.len()), (202, 0));
        assert_eq!(rpc(&twin, message(2, "ping", json!({}))).json()["result"], json!({}));
        let tools = rpc(&twin, message(3, "tools/list", json!({}))).json()["result"]["tools"].clone();
        assert!(tools.as_array().unwrap().iter().all(|tool| tool["inputSchema"]["type"] == "object"));
        let called = rpc(&twin, message(4, "tools/call", issue())).json();
        let text = called["result"]["content"][0]["text"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap()["number"], 1);
        assert_eq!(called["result"].get("isError"), None);
    }
    assert_eq!(twin.events().len(), 5, "only calls of tools are recorded");
}

#[test]
fn a_client_without_a_handshake_is_served_as_well() {
    let twin = Twin::github();
    let speaking = |version: &str, mut params: Value| {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        params
    };
    let found = rpc(&twin, message(1, "server/discover", speaking("2026-07-28", json!({})))).json()["result"].clone();
    assert_eq!(found["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!((&found["resultType"], &found["ttlMs"]), (&json!("complete"), &json!(0)));
    assert_eq!(found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "twin-github");
    let listed = rpc(&twin, message(2, "tools/list", speaking("2026-07-28", json!({})))).json()["result"].clone();
    assert_eq!((&listed["resultType"], &listed["cacheScope"]), (&json!("complete"), &json!("private")));
    let called = rpc(&twin, message(3, "tools/call", speaking("2026-07-28", issue()))).json()["result"].clone();
    assert_eq!(called["resultType"], "complete");
    assert_eq!(called["content"][0]["type"], "text");
    let refused = rpc(&twin, message(4, "tools/list", speaking("2031-01-01", json!({})))).json();
    let data = json!({ "supported": ["2026-07-28"], "requested": "2031-01-01" });
    assert_eq!(refused["error"], json!({ "code": -32022, "message": "Unsupported protocol version", "data": data }));
    let unknown = rpc(&twin, message(5, "server/discover", json!({}))).json();
    assert_eq!(unknown["error"]["code"], -32601);
}

#[test]
fn the_answer_is_json_whatever_the_client_accepts() {
    let twin = Twin::github();
    let authorization = format!("Bearer {}", token(SID, 3600));
    for accept in ["application/json", "text/event-stream", "application/json, text/event-stream", "*/*"] {
        let headers = [
            ("authorization", authorization.as_str()),
            ("accept", accept),
            ("mcp-session-id", "x"),
            ("mcp-protocol-version", "2025-11-25"),
        ];
        let response =
            twin.send("POST", &format!("/s/{SID}/mcp"), &headers, message(1, "ping", json!({})).to_string().as_bytes());
        assert_eq!(response.status, 200);
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(response.header("mcp-session-id"), None);
    }
}

#[test]
fn there_is_no_stream_and_no_session_to_end() {
    let twin = Twin::github();
    for method in ["GET", "DELETE"] {
        let response = twin.call(method, "/mcp", None);
        assert_eq!(response.header("allow"), Some("POST"));
        assert_eq!(
            response.both(),
            json!({ "status": 405, "body": { "jsonrpc": "2.0", "id": null,
                "error": { "code": -32601, "message": "Method not allowed in stateless mode" } } })
        );
    }
}

#[test]
fn broken_messages_get_the_protocols_own_errors() {
    let twin = Twin::github();
    let bad_params = "Invalid params: expected { name: string, arguments?: object }";
    let bad_id = "Invalid Request: id must be string or number";
    let cases = [
        ("{oops", json!(null), -32700, "Problems parsing JSON"),
        ("", json!(null), -32700, "Problems parsing JSON"),
        ("[]", json!(null), -32600, "Invalid Request"),
        ("7", json!(null), -32600, "Invalid Request"),
        ("null", json!(null), -32600, "Invalid Request"),
        (r#"{"id":1,"method":"ping"}"#, json!(1), -32600, "Invalid Request"),
        (r#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#, json!("a"), -32600, "Invalid Request"),
        (r#"{"jsonrpc":"2.0","id":1}"#, json!(1), -32600, "Invalid Request"),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, json!(1), -32600, "Invalid Request"),
        (r#"{"jsonrpc":"2.0","id":{},"method":7}"#, json!(null), -32600, "Invalid Request"),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, json!(null), -32600, bad_id),
        (r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, json!(null), -32600, bad_id),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, json!(1), -32602, bad_params),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":""}}"#, json!(1), -32602, bad_params),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}"#, json!(1), -32602, bad_params),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":[]}}"#,
            json!(1),
            -32602,
            bad_params,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#, json!(1), -32601, "Method not found: resources/list"),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"server/discover"}"#,
            json!(1),
            -32601,
            "Method not found: server/discover",
        ),
    ];
    let authorization = format!("Bearer {}", token(SID, 3600));
    for (body, id, code, text) in cases {
        let response =
            twin.send("POST", &format!("/s/{SID}/mcp"), &[("authorization", &authorization)], body.as_bytes());
        let expected = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": text } });
        assert_eq!(response.both(), json!({ "status": 200, "body": expected }), "{body}");
    }
    assert_eq!(twin.events(), Vec::<Value>::new());
}

#[test]
fn a_notification_runs_nothing() {
    let twin = Twin::github();
    let create = json!({ "owner": "acme", "repo": "api", "title": "never" });
    for id in [None, Some(Value::Null)] {
        let mut call = json!({ "jsonrpc": "2.0", "method": "tools/call", "params": { "name": "create_issue", "arguments": create } });
        if let Some(id) = id {
            call["id"] = id;
        }
        let response = rpc(&twin, call);
        assert_eq!((response.status, response.body.len()), (202, 0));
    }
    assert_eq!(twin.get("/repos/acme/api/issues").json().as_array().unwrap().len(), 1);
    assert_eq!(twin.events().len(), 1);
}

#[test]
fn a_batch_is_answered_in_order_without_its_notifications() {
    let twin = Twin::github();
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let batch = json!([
        message(7, "tools/call", issue()),
        note,
        message(8, "ping", json!({})),
        5,
        message(9, "tools/call", issue())
    ]);
    let answers = rpc(&twin, batch).json();
    let ids: Vec<Value> = answers.as_array().unwrap().iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, [json!(7), json!(8), json!(null), json!(9)]);
    assert_eq!(twin.events().len(), 2);
    let quiet = rpc(&twin, json!([note, note]));
    assert_eq!((quiet.status, quiet.body.len()), (202, 0));
}

#[test]
fn a_tool_error_is_a_result_and_the_trace_has_the_status_it_stands_for() {
    let twin = Twin::github();
    let missing = json!({ "name": "issue_read", "arguments": { "method": "get", "owner": "acme", "repo": "api", "issue_number": 99 } });
    let failed = rpc(&twin, message(1, "tools/call", missing));
    assert_eq!((failed.status, failed.json()["result"]["isError"].clone()), (200, json!(true)));
    let unknown = rpc(&twin, message(2, "tools/call", json!({ "name": "nobody" }))).json();
    assert_eq!(
        unknown["result"],
        json!({ "content": [{ "type": "text", "text": r#"{"message":"Unknown tool: nobody"}"# }], "isError": true })
    );
    let rows = twin.events();
    assert_eq!((rows[0]["status"].clone(), rows[0]["method"].clone()), (json!(404), json!("POST")));
    assert_eq!(rows[0]["path"], json!(format!("/s/{SID}/mcp")));
    assert_eq!(rows[0]["request_body"]["tool"], "issue_read");
    assert_eq!(rows[0]["request_body"]["arguments"]["issue_number"], 99);
    assert!(rows[0]["error"].is_string() && rows[0]["state_mutation"] == false);
    assert_eq!((rows[1]["tool"].clone(), rows[1]["error"].clone()), (json!("nobody"), json!("Unknown tool: nobody")));
}

#[test]
fn the_two_listings_differ_in_one_key_only() {
    let twin = Twin::github();
    let listed = rpc(&twin, message(1, "tools/list", json!({}))).json()["result"]["tools"].clone();
    let mut plain = twin.get("/mcp/tools").json()["tools"].clone();
    for tool in plain.as_array_mut().unwrap() {
        let tool = tool.as_object_mut().unwrap();
        let schema = tool.remove("input_schema").unwrap();
        tool.insert("inputSchema".to_owned(), schema);
    }
    assert_eq!(listed, plain);
}

#[test]
fn the_older_call_takes_other_spellings_where_the_twin_says_so() {
    let twin = Twin::hostile();
    let call = |kind: &str, body: &str| {
        let authorization = format!("Bearer {}", crate::support::token(SID, 60));
        let headers = [("authorization", authorization.as_str()), ("content-type", kind)];
        twin.send("POST", &format!("/s/{SID}/mcp/call"), &headers, body.as_bytes()).status
    };
    assert_eq!(call("application/json", r#"{"tool":"increment"}"#), 200);
    assert_eq!(call("application/json", r#"{"name":"increment","params":{}}"#), 200);
    assert_eq!(call("application/x-www-form-urlencoded", "tool=increment"), 200);
    assert_eq!(twin.get("/count").text(), "3");
    assert_eq!(call("application/x-www-form-urlencoded", "other=increment"), 501);
    let strict = Twin::github();
    assert_eq!(strict.post("/mcp/call", json!({ "name": "get_me", "params": {} })).status, 422);
}
