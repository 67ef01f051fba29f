//! Recorded shapes of answers, whole and in pieces, and what is read from them.

use bytes::Bytes;
use http::Response;
use pome_wire::gen_ai::ToolCall;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc::unbounded_channel;

use super::*;

/// Reads an answer that arrives in pieces of `size` bytes.
async fn read(call: &Call, response: Response<()>, body: &[u8], size: usize, request: &str) -> GenAi {
    let head = Head::of(&response);
    let (sender, mut pieces) = unbounded_channel();
    for piece in body.chunks(size) {
        sender.send(Bytes::copy_from_slice(piece)).unwrap();
    }
    drop(sender);
    let found = answer(call, &head, &mut pieces).await;
    finish(call, &head, request.as_bytes(), found)
}

fn response(kind: &str) -> Response<()> {
    Response::builder().header("content-type", kind).body(()).unwrap()
}

fn events(all: &[Value]) -> String {
    let mut text: String = all.iter().map(|event| format!("event: x\ndata: {event}\n\n")).collect();
    text.push_str("data: [DONE]\n\n");
    text
}

fn call(host: &str, path: &str) -> Call {
    Call::of(&Method::POST, host, path).unwrap()
}

fn tool(id: &str, name: &str) -> ToolCall {
    ToolCall { id: Some(id.to_owned()), name: Some(name.to_owned()) }
}

#[test]
fn the_path_says_what_a_call_is() {
    let known = |host: &str, path: &str| {
        Call::of(&Method::POST, host, path).map(|call| (call.provider, call.operation, call.model, call.streams))
    };
    let plain = |provider: &str, operation: &'static str| Some((provider.to_owned(), operation, None, None));
    assert_eq!(known("api.openai.com", "/v1/chat/completions"), plain("openai", "chat"));
    assert_eq!(known("openrouter.ai", "/api/v1/chat/completions"), plain("openrouter", "chat"));
    assert_eq!(known("ai-gateway.vercel.sh", "/v1/messages"), plain("vercel", "chat"));
    assert_eq!(known("llm.corp.example", "/v1/responses"), plain("openai", "chat"));
    assert_eq!(known("llm.corp.example", "/anthropic/v1/messages/"), plain("anthropic", "chat"));
    assert_eq!(known("api.openai.com", "/v1/embeddings"), plain("openai", "embeddings"));
    assert_eq!(
        known("generativelanguage.googleapis.com", "/v1beta/models/gemini-2.5-pro:streamGenerateContent"),
        Some(("gcp.gemini".to_owned(), "generate_content", Some("gemini-2.5-pro".to_owned()), Some(true)))
    );
    for path in ["/v1/models", "/v1/messages/count_tokens", "/v1/responses/resp_1", "/v1beta/models/x:countTokens", "/"]
    {
        assert_eq!(known("api.openai.com", path), None, "{path}");
    }
    assert_eq!(Call::of(&Method::GET, "api.openai.com", "/v1/responses"), None);
}

#[tokio::test]
async fn a_streamed_chat_completion_is_read_in_pieces_of_any_size() {
    let chunk = |choices: Value, usage: Value| json!({ "id": "chatcmpl-1", "model": "gpt-x-2026", "choices": choices, "usage": usage });
    let delta = |delta: Value, reason: Value| json!([{ "index": 0, "delta": delta, "finish_reason": reason }]);
    let call_piece = |index: u64, id: Value, name: Value| json!({ "tool_calls": [{ "index": index, "id": id, "function": { "name": name, "arguments": "{" } }] });
    let body = events(&[
        chunk(delta(json!({ "role": "assistant", "content": "ü" }), Value::Null), Value::Null),
        chunk(delta(call_piece(0, json!("call_1"), json!("add_labels")), Value::Null), Value::Null),
        chunk(delta(call_piece(0, Value::Null, Value::Null), Value::Null), Value::Null),
        chunk(delta(call_piece(1, json!("call_2"), json!("comment")), Value::Null), Value::Null),
        chunk(delta(json!({}), json!("tool_calls")), Value::Null),
        chunk(
            json!([]),
            json!({
                "prompt_tokens": 120, "completion_tokens": 30,
                "prompt_tokens_details": { "cached_tokens": 100 },
                "completion_tokens_details": { "reasoning_tokens": 12 },
            }),
        ),
    ]);
    let call = call("api.openai.com", "/v1/chat/completions");
    let request = r#"{"model":"gpt-x","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let expected = GenAi {
        provider: Some("openai".to_owned()),
        operation: Some("chat".to_owned()),
        request_model: Some("gpt-x".to_owned()),
        request_stream: Some(true),
        response_id: Some("chatcmpl-1".to_owned()),
        response_model: Some("gpt-x-2026".to_owned()),
        finish_reasons: Some(vec!["tool_calls".to_owned()]),
        time_to_first_chunk: None,
        input_tokens: Some(120),
        output_tokens: Some(30),
        cache_read_tokens: Some(100),
        cache_creation_tokens: None,
        reasoning_tokens: Some(12),
        tool_calls: vec![tool("call_1", "add_labels"), tool("call_2", "comment")],
        error_type: None,
    };
    for size in [1, 7, 4096] {
        let read = read(&call, response("text/event-stream; charset=utf-8"), body.as_bytes(), size, request).await;
        assert_eq!(read, expected, "pieces of {size}");
    }
}

#[tokio::test]
async fn every_coding_that_clients_ask_for_is_undone() {
    use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
    let body = json!({ "id": "x", "usage": { "prompt_tokens": 5, "completion_tokens": 6 } }).to_string();
    macro_rules! coded {
        ($encoder:ident) => {{
            let mut encoder = $encoder::new(Vec::new());
            encoder.write_all(body.as_bytes()).await.unwrap();
            encoder.shutdown().await.unwrap();
            encoder.into_inner()
        }};
    }
    let all = [
        ("gzip", coded!(GzipEncoder)),
        ("br", coded!(BrotliEncoder)),
        ("deflate", coded!(ZlibEncoder)),
        ("zstd", coded!(ZstdEncoder)),
    ];
    let call = call("api.openai.com", "/v1/chat/completions");
    for (coding, coded) in all {
        let mut response = response("application/json");
        response.headers_mut().insert("content-encoding", coding.parse().unwrap());
        let read = read(&call, response, &coded, 3, "{}").await;
        assert_eq!((read.input_tokens, read.output_tokens), (Some(5), Some(6)), "{coding}");
    }
    let mut unknown = response("application/json");
    unknown.headers_mut().insert("content-encoding", "x-own".parse().unwrap());
    assert_eq!(read(&call, unknown, body.as_bytes(), 9, "{}").await.input_tokens, None);
}

#[tokio::test]
async fn a_response_is_read_whole_and_streamed() {
    let usage = json!({
        "input_tokens": 50, "input_tokens_details": { "cached_tokens": 40 },
        "output_tokens": 9, "output_tokens_details": { "reasoning_tokens": 3 },
    });
    let item =
        json!({ "type": "function_call", "id": "fc_1", "call_id": "call_9", "name": "refund", "arguments": "{}" });
    let search = json!({ "type": "web_search_call", "id": "ws_1" });
    let whole = json!({
        "id": "resp_1", "model": "gpt-x-2026", "status": "completed", "error": null, "incomplete_details": null,
        "output": [search, item], "usage": usage,
    });
    let started =
        json!({ "id": "resp_1", "model": "gpt-x-2026", "status": "in_progress", "output": [], "usage": null });
    let streamed = events(&[
        json!({ "type": "response.created", "response": started }),
        json!({ "type": "response.output_item.added", "output_index": 1, "item": item }),
        json!({ "type": "response.completed", "response": whole }),
    ]);
    let call = call("api.openai.com", "/v1/responses");
    for (kind, body) in [("application/json", whole.to_string()), ("text/event-stream", streamed)] {
        let read = read(&call, response(kind), body.as_bytes(), 64, "{}").await;
        let usage = (read.input_tokens, read.output_tokens, read.cache_read_tokens, read.reasoning_tokens);
        assert_eq!(usage, (Some(50), Some(9), Some(40), Some(3)), "{kind}");
        assert_eq!(read.tool_calls, [tool("call_9", "refund")], "{kind}");
        assert_eq!(read.finish_reasons, Some(vec!["completed".to_owned()]), "{kind}");
    }
}

#[tokio::test]
async fn a_message_counts_cached_tokens_in_and_the_last_total_wins() {
    let start = json!({ "type": "message_start", "message": {
        "id": "msg_1", "model": "claude-x-2026", "stop_reason": null, "content": [],
        "usage": { "input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 1 },
    }});
    let streamed = events(&[
        start.clone(),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        json!({ "type": "content_block_start", "index": 1,
            "content_block": { "type": "tool_use", "id": "toolu_1", "name": "add_labels", "input": {} } }),
        json!({ "type": "content_block_start", "index": 2,
            "content_block": { "type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {} } }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" }, "usage": { "output_tokens": 25 } }),
        json!({ "type": "message_stop" }),
    ]);
    let whole = json!({
        "id": "msg_1", "model": "claude-x-2026", "stop_reason": "tool_use",
        "content": [{ "type": "text", "text": "." }, { "type": "tool_use", "id": "toolu_1", "name": "add_labels", "input": {} }],
        "usage": { "input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 25 },
    });
    let call = call("api.anthropic.com", "/v1/messages");
    for (kind, body) in [("text/event-stream", streamed), ("application/json", whole.to_string())] {
        let read = read(&call, response(kind), body.as_bytes(), 50, "{}").await;
        let usage = (read.input_tokens, read.output_tokens, read.cache_read_tokens, read.cache_creation_tokens);
        assert_eq!(usage, (Some(130), Some(25), Some(100), Some(20)), "{kind}");
        assert_eq!(read.tool_calls, [tool("toolu_1", "add_labels")], "{kind}");
        assert_eq!(read.finish_reasons, Some(vec!["tool_use".to_owned()]), "{kind}");
    }
    let broken_off = events(&[start]);
    let read = read(&call, response("text/event-stream"), broken_off.as_bytes(), 50, "{}").await;
    assert_eq!((read.input_tokens, read.finish_reasons), (Some(130), None));
}

#[tokio::test]
async fn gemini_streams_events_or_a_list() {
    let piece = |parts: Value, reason: Value, answer: u64| {
        json!({
            "responseId": "r1", "modelVersion": "gemini-x-001",
            "candidates": [{ "index": 0, "content": { "parts": parts }, "finishReason": reason }],
            "usageMetadata": { "promptTokenCount": 8, "candidatesTokenCount": answer, "thoughtsTokenCount": 4 },
        })
    };
    let all = [
        piece(json!([{ "functionCall": { "id": "a", "name": "one", "args": {} } }]), Value::Null, 2),
        piece(json!([{ "text": "." }, { "functionCall": { "name": "two", "args": {} } }]), json!("STOP"), 7),
    ];
    let call = call("generativelanguage.googleapis.com", "/v1beta/models/gemini-x:streamGenerateContent");
    let list = Value::from(all.to_vec()).to_string();
    for (kind, body) in [("text/event-stream", events(&all)), ("application/json; charset=UTF-8", list)] {
        let read = read(&call, response(kind), body.as_bytes(), 33, "{}").await;
        let usage = (read.input_tokens, read.output_tokens, read.reasoning_tokens);
        assert_eq!(usage, (Some(8), Some(11), Some(4)), "{kind}");
        assert_eq!(read.tool_calls, [tool("a", "one"), ToolCall { id: None, name: Some("two".to_owned()) }], "{kind}");
        assert_eq!((read.request_model.as_deref(), read.request_stream), (Some("gemini-x"), Some(true)), "{kind}");
        assert_eq!(read.finish_reasons, Some(vec!["STOP".to_owned()]), "{kind}");
    }
}

#[tokio::test]
async fn failures_are_named() {
    let failed = |status: u16, body: Value| async move {
        let call = call("api.anthropic.com", "/v1/messages");
        let response = Response::builder().status(status).header("content-type", "application/json").body(()).unwrap();
        read(&call, response, body.to_string().as_bytes(), 99, "{}").await.error_type
    };
    let overloaded = json!({ "type": "error", "error": { "type": "overloaded_error", "message": "..." } });
    assert_eq!(failed(529, overloaded.clone()).await.as_deref(), Some("overloaded_error"));
    assert_eq!(failed(500, json!({ "x": 1 })).await.as_deref(), Some("500"));
    let call = call("api.anthropic.com", "/v1/messages");
    let read = read(&call, response("text/event-stream"), events(&[overloaded]).as_bytes(), 99, "{}").await;
    assert_eq!(read.error_type.as_deref(), Some("overloaded_error"));
}

#[tokio::test]
async fn nonsense_says_nothing() {
    let call = call("api.openai.com", "/v1/chat/completions");
    for (kind, body) in [
        ("application/json", "{\"usage\": {\"prompt_tokens\": -1, \"completion_tokens\": \"many\"}, \"choices\": 7}"),
        ("application/json", "{\"usage\""),
        ("text/event-stream", "data: {oops\n\ndata: 5\n\ndata: []\n\n"),
        ("text/plain", "usage"),
    ] {
        let read = read(&call, response(kind), body.as_bytes(), 5, "not json either").await;
        assert_eq!((read.input_tokens, read.output_tokens, read.request_model), (None, None, None), "{body}");
        assert!(read.tool_calls.is_empty() && read.finish_reasons.is_none(), "{body}");
    }
}
