//! Rows for tests.

/// A recorded call with its key order and every field.
pub(crate) fn call(id: &str, ts: &str, tool_call: Option<&str>) -> String {
    let tool_call_id = tool_call.map_or("null".to_owned(), |id| format!("\"{id}\""));
    let correlation = tool_call.unwrap_or(id);
    format!(
        r#"{{"ts":"{ts}","run_id":"run_1","twin":"github","request_id":"{id}","correlation_id":"{correlation}","task_step_id":null,"scenario_step_id":null,"step_id":null,"tool_call_id":{tool_call_id},"method":"GET","path":"/s/run_1/repos/acme/api/issues/1","request_body":null,"request_headers":{{}},"tool":"get_issue","status":200,"response_body":{{"number":1}},"latency_ms":3,"fidelity":"semantic","state_mutation":false,"state_delta":null,"error":null,"kind":"TwinHttpEvent","event_id":"{id}","parent_event_id":null}}"#
    )
}

pub(crate) fn tool_use(id: &str, ts: &str, tool_use: &str) -> String {
    format!(
        r#"{{"ts":"{ts}","event_id":"{id}","parent_event_id":null,"kind":"ToolUseEvent","tool_use_id":"{tool_use}","tool_name":"get_issue","input":{{"n":1}}}}"#
    )
}

pub(crate) fn tool_result(id: &str, ts: &str, tool_use: &str) -> String {
    format!(
        r#"{{"ts":"{ts}","event_id":"{id}","parent_event_id":"e1","kind":"ToolResultEvent","tool_use_id":"{tool_use}","output":"ok","is_error":false}}"#
    )
}
