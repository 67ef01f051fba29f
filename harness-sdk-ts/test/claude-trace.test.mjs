// What the adapter for the Claude Agent SDK does with programs that say less than today's, and its relay.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Signals } from "pome-harness";
import { ClaudeTrace } from "../dist/adapters/claude-trace.js";
import { openRelay } from "../dist/adapters/mcp-relay.js";

function setUp() {
  const signals = new Signals({ path: join(mkdtempSync(join(tmpdir(), "pome-trace-")), "signals.jsonl") });
  const trace = new ClaudeTrace(signals);
  const fire = (name, input) => trace.hooks()[name][0].hooks[0](input, input.tool_use_id);
  return { trace, fire, rows: () => readFileSync(signals.path, "utf8").trim().split("\n").map((line) => JSON.parse(line)) };
}

const message = (id, content, more) => ({ type: "assistant", session_id: "s", parent_tool_use_id: null, message: { id, model: "claude-x", content, stop_reason: "tool_use", usage: { input_tokens: 3, output_tokens: 4 }, ...more } });
const use = (id, input) => ({ type: "tool_use", id, name: "mcp__github__get_me", input });

test("whole messages instead of parts: one turn for each message, however many blocks it comes in", async () => {
  const { trace, fire, rows } = setUp();
  trace.observe(message("m1", [{ type: "text", text: "a" }]));
  trace.observe(message("m1", [use("t1", {})]));
  await fire("PreToolUse", { tool_use_id: "t1", tool_name: "mcp__github__get_me", tool_input: {} });
  trace.observe({ type: "user", message: { content: [{ type: "tool_result", tool_use_id: "t1", content: "me" }] } });
  trace.observe(message("m2", [{ type: "text", text: "b" }], { stop_reason: "end_turn" }));
  trace.observe(message("m3", [{ type: "text", text: "an error" }], { model: "<synthetic>" }));
  assert.deepEqual(rows().map((row) => [row.kind, row.turn_index ?? row.tool_use_id ?? row.hook_name]), [
    ["LlmTurnEvent", 0], ["ToolUseEvent", "t1"], ["HookEvent", "PreToolUse"], ["ToolResultEvent", "t1"], ["LlmTurnEvent", 1],
  ]);
  assert.deepEqual([rows()[0].finish_reasons, rows()[0].output_tokens], [["tool_use"], 4]);
});

test("a call that does not name its tool use is told by tool and arguments, each use once", async () => {
  const { trace, fire } = setUp();
  trace.observe(message("m1", [use("t1", { a: 1 }), use("t2", { a: 1 }), use("t3", { a: 2 })]));
  for (const [id, a] of [["t1", 1], ["t2", 1], ["t3", 2]]) await fire("PreToolUse", { tool_use_id: id, tool_name: "mcp__github__get_me", tool_input: { a } });
  const find = (a, meta = null) => trace.find({ meta, tool: "get_me", args: { a } });
  assert.deepEqual([find(2), find(1), find(1), find(1), find(9)], ["t3", "t1", "t2", undefined, undefined]);
  assert.equal(find(1, { "claudecode/toolUseId": "named" }), "named");
});

test("a tool whose turn never ends is not held for ever", async () => {
  const { trace, fire, rows } = setUp();
  trace.observe({ type: "stream_event", parent_tool_use_id: null, event: { type: "message_start", message: { id: "m1", model: "claude-x", usage: {} } } });
  trace.observe({ type: "stream_event", parent_tool_use_id: null, event: { type: "content_block_start", content_block: use("t1", {}) } });
  await fire("PreToolUse", { tool_use_id: "t1", tool_name: "mcp__github__get_me", tool_input: {} });
  assert.deepEqual(rows().map((row) => row.kind), ["ToolUseEvent", "HookEvent"]);
});

test("the relay passes everything on, adds the id to calls only, and says what went wrong", async (t) => {
  const seen = [];
  const target = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    seen.push([request.method, request.headers["x-pome-correlation-id"], request.headers.authorization, body]);
    response.writeHead(request.method === "GET" ? 405 : 200, { "content-type": "application/json", "x-own": "kept" }).end('{"ok":true}');
  });
  await new Promise((resolve) => target.listen(0, "127.0.0.1", resolve));
  const relay = await openRelay(({ tool, args }) => (tool === "known" ? `use-${args.n}` : undefined));
  t.after(() => (relay.close(), target.close().closeAllConnections()));
  const url = relay.urlFor(`http://127.0.0.1:${target.address().port}/mcp`);
  const post = (message) => fetch(url, { method: "POST", headers: { authorization: "Bearer a", "content-type": "application/json" }, body: typeof message === "string" ? message : JSON.stringify(message) });
  const call = (name) => ({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: { n: 7 } } });
  const sent = [call("known"), call("other"), [call("known")], { jsonrpc: "2.0", id: 1, method: "tools/list" }, "not json"];
  for (const one of sent) {
    const answer = await post(one);
    assert.deepEqual([answer.status, answer.headers.get("x-own"), await answer.json()], [200, "kept", { ok: true }]);
  }
  assert.equal((await fetch(url)).status, 405);
  assert.deepEqual(seen.map(([method, id]) => [method, id]), [["POST", "use-7"], ["POST", undefined], ["POST", "use-7"], ["POST", undefined], ["POST", undefined], ["GET", undefined]]);
  assert.deepEqual(seen.slice(0, 5).map(([, , authorization, body]) => [authorization, body]), sent.map((one) => ["Bearer a", typeof one === "string" ? one : JSON.stringify(one)]));
  assert.equal((await fetch(new URL("/99", url))).status, 404);
  const nowhere = await fetch(relay.urlFor("http://127.0.0.1:1/mcp"), { method: "POST", body: "{}" });
  assert.deepEqual([nowhere.status, /fetch failed/.test(await nowhere.text())], [502, true]);
});
