import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { query } from "@anthropic-ai/claude-agent-sdk";
import { instrument } from "pome-harness/adapters/claude-agent-sdk";
import { call, prompt, setUp } from "./support/frameworks.mjs";

const READ = { method: "get", owner: "acme", repo: "api", issue_number: 1 };

async function options(pome, more) {
  const home = mkdtempSync(join(tmpdir(), "pome-claude-"));
  const { PATH, ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL } = process.env;
  return {
    cwd: home,
    env: { PATH, HOME: home, ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" },
    mcpServers: pome.mcp.servers(),
    settingSources: [],
    tools: [],
    maxTurns: 10,
    mcpServersDelivery: "initialize",
    ...more,
  };
}

async function result(messages) {
  for await (const message of messages) {
    assert.notEqual(message.type, "stream_event");
    if (message.type === "result") return message;
  }
}

test("a sub-agent: its tools belong to it, and its calls carry their own ids", async (t) => {
  const { pome, signals, rows } = await setUp(t);
  const inner = prompt({ tool_calls: [call("issue_read", READ)] }, { text: "I have read it." });
  const task = call("Agent", { description: "read it", prompt: inner, subagent_type: "reader", run_in_background: false });
  const opts = await options(pome, { tools: ["Agent"], allowedTools: ["mcp__github", "Agent"], agents: { reader: { description: "reads issues", prompt: "You read.", tools: ["mcp__github__issue_read"] } } });
  const { result: text, subtype } = await result(instrument(query, { signals })({ prompt: prompt({ tool_calls: [task] }, { text: "done" }), options: opts }));
  assert.deepEqual([subtype, text], ["success", "done"]);
  const written = rows();
  const [outer, used] = written.filter((row) => row.kind === "ToolUseEvent");
  const spawns = written.filter((row) => row.kind === "SubagentSpawnEvent");
  assert.equal(spawns.length, 1);
  assert.deepEqual([spawns[0].parent_tool_use_id, spawns[0].parent_event_id], [outer.tool_use_id, outer.event_id]);
  assert.deepEqual([used.tool_name, used.parent_event_id], ["mcp__github__issue_read", spawns[0].event_id]);
  const turns = written.filter((row) => row.kind === "LlmTurnEvent");
  // The program does not say what a sub-agent's turn cost to write.
  assert.deepEqual(turns.map((row) => [row.turn_index, row.input_tokens, row.output_tokens]), [[0, 11, 7], [0, 11, null], [1, 11, null], [1, 11, 7]]);
  const hooks = written.filter((row) => row.kind === "HookEvent").map((row) => row.hook_name);
  assert.ok(hooks.includes("SubagentStart") && hooks.includes("SubagentStop"));
  assert.deepEqual((await pome.trace()).map((row) => row.correlation_id), [used.tool_use_id]);
});

test("a failing tool and a refused one end with an error; the caller's own hooks still run", async (t) => {
  const { pome, signals, rows } = await setUp(t);
  const seen = [];
  const hooks = { PreToolUse: [{ hooks: [async (input) => (seen.push(input.tool_name), {})] }] };
  const canUseTool = async () => ({ behavior: "deny", message: "not today" });
  const opts = await options(pome, { allowedTools: ["mcp__github__issue_read"], hooks, canUseTool });
  const turns = [{ tool_calls: [call("issue_read", { ...READ, repo: "none" })] }, { tool_calls: [call("issue_write", { ...READ, method: "update", labels: ["bug"] })] }, { text: "done" }];
  // A question to the caller needs a prompt that is a stream.
  async function* messages() {
    yield { type: "user", message: { role: "user", content: prompt(...turns) }, parent_tool_use_id: null, session_id: "" };
  }
  const { subtype } = await result(instrument(query, { signals })({ prompt: messages(), options: opts }));
  assert.equal(subtype, "success");
  const names = ["mcp__github__issue_read", "mcp__github__issue_write"];
  assert.deepEqual(seen, names);
  const written = rows();
  assert.deepEqual(written.filter((row) => row.kind === "ToolUseEvent").map((row) => row.tool_name), names);
  const results = written.filter((row) => row.kind === "ToolResultEvent");
  assert.deepEqual(results.map((row) => row.is_error), [true, true]);
  assert.match(JSON.stringify(results[1].output), /not today/);
  assert.deepEqual((await pome.trace()).map((row) => [row.tool, row.status]), [["issue_read", 404]]);
});

test("a caller that stops early stops the program, and parts are shown to who asks for them", async (t) => {
  const { pome, signals } = await setUp(t);
  const opts = await options(pome, { includePartialMessages: true });
  const messages = instrument(query, { signals })({ prompt: prompt({ text: "a long answer in many pieces" }), options: opts });
  const kinds = [];
  for await (const message of messages) {
    kinds.push(message.type);
    if (message.type === "stream_event") break;
  }
  assert.equal(kinds.at(-1), "stream_event");
  assert.deepEqual(await messages.next(), { done: true, value: undefined });
});

test("a program that cannot start is an error for the caller", async (t) => {
  const { pome, signals } = await setUp(t);
  const opts = await options(pome, { pathToClaudeCodeExecutable: "/no/such/program" });
  await assert.rejects(result(instrument(query, { signals })({ prompt: "x", options: opts })), /no\/such\/program/);
});
