import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createSignals, Signals } from "pome-harness";

const CONTRACT = new URL("../../tests/contract/", import.meta.url);
const file = () => join(mkdtempSync(join(tmpdir(), "pome-signals-")), "signals.jsonl");
const rows = (path) => readFileSync(path, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
const sample = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, CONTRACT), "utf8"));

// What differs from one writing to the next.
const VARYING = { ts: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, event_id: /^[0-9a-f]{8}-[0-9a-f-]{27}$/ };
function same(row, expected) {
  assert.deepEqual(Object.keys(row), Object.keys(expected));
  for (const [key, pattern] of Object.entries(VARYING)) assert.match(row[key], pattern);
  const fixed = ({ ts, event_id, parent_event_id, ...rest }) => ({ ...rest, hasParent: parent_event_id !== null });
  assert.deepEqual(fixed(row), fixed(expected));
}

test("every row has the shape and the key order of its contract sample", () => {
  const signals = new Signals({ path: file() });
  const use = sample("tool-use-event");
  signals.toolUse({ id: use.tool_use_id, name: use.tool_name, input: use.input });
  signals.toolResult({ id: use.tool_use_id, output: sample("tool-result-event").output });
  signals.subagentSpawn({ parentToolUseId: use.tool_use_id });
  const hook = sample("hook-event");
  signals.hook({ name: hook.hook_name, toolName: hook.tool_name, toolUseId: hook.causing_tool_use_id });
  const turn = sample("llm-turn-event");
  signals.llmTurn({ model: turn.model, inputTokens: turn.input_tokens, outputTokens: turn.output_tokens, finishReasons: turn.finish_reasons, latencyMs: turn.latency_ms });
  const written = rows(signals.path);
  const names = ["tool-use-event", "tool-result-event", "subagent-spawn-event", "hook-event", "llm-turn-event"];
  assert.equal(written.length, names.length);
  names.forEach((name, i) => same(written[i], sample(name)));
  assert.ok(readdirSync(CONTRACT).length > names.length);
});

test("parents are the rows that caused a row", () => {
  const signals = new Signals({ path: file() });
  const id = signals.toolUse({ name: "Task", input: null });
  assert.match(id, /^tlc_[0-9a-f]{8}$/);
  const spawn = signals.subagentSpawn({ parentToolUseId: id });
  assert.equal(signals.subagentSpawn({ parentToolUseId: id }), spawn);
  signals.toolUse({ id: "inner", name: "x", input: {}, parentEventId: spawn });
  signals.toolResult({ id: "inner", output: "y", isError: true });
  signals.toolResult({ id: "never seen", output: undefined });
  const [use, sub, inner, result, stray] = rows(signals.path);
  assert.deepEqual([use.parent_event_id, sub.parent_event_id, inner.parent_event_id, result.parent_event_id, stray.parent_event_id], [null, use.event_id, sub.event_id, inner.event_id, null]);
  assert.deepEqual([result.is_error, stray.output], [true, null]);
});

test("turns are counted for each conversation", () => {
  const signals = new Signals({ path: file() });
  for (const conversation of ["a", "b", "a"]) signals.llmTurn({ conversation, latencyMs: 1.6 });
  assert.deepEqual(rows(signals.path).map(({ turn_index, latency_ms, model }) => [turn_index, latency_ms, model]), [[0, 2, null], [0, 2, null], [1, 2, null]]);
});

test("a tool is announced before it runs, and its failure is recorded and passed on", async () => {
  const signals = new Signals({ path: file() });
  const answer = await signals.tool("add", { a: 1 }, (id) => {
    assert.deepEqual(rows(signals.path).map(({ kind, tool_use_id }) => [kind, tool_use_id]), [["ToolUseEvent", id]]);
    assert.equal(signals.current(), id);
    return 2;
  });
  assert.equal(answer, 2);
  await assert.rejects(signals.tool("fail", {}, () => Promise.reject(new Error("no"))), /^Error: no$/);
  const [use, result, , failure] = rows(signals.path);
  assert.ok(use.ts < result.ts);
  assert.deepEqual([result.output, result.is_error, failure.output, failure.is_error], [2, false, "no", true]);
});

test("a stopped clock does not stop a tool", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 0 });
  const signals = new Signals({ path: file() });
  assert.equal(await signals.tool("x", {}, () => 1), 1);
  assert.equal(rows(signals.path)[0].ts, "1970-01-01T00:00:00.000Z");
});

test("nothing is written and nothing fails without a path, or when the file cannot be written", async (t) => {
  assert.equal(await createSignals({}).tool("x", {}, () => 1), 1);
  assert.equal(await createSignals({ POME_ADAPTER_SIGNALS_PATH: "" }).tool("x", {}, () => 1), 1);
  const warnings = t.mock.method(process.stderr, "write", () => true);
  assert.equal(await new Signals({ path: "/no/such/folder/signals.jsonl" }).tool("x", {}, () => 1), 1);
  assert.equal(warnings.mock.callCount(), 1);
  assert.match(warnings.mock.calls[0].arguments[0], /signals are not recorded/);
});

test("secrets never reach the file: by key, by shape, by value", () => {
  const path = file();
  const signals = createSignals({ POME_ADAPTER_SIGNALS_PATH: path, POME_AUTH_TOKEN: "plain-session-token", OPENAI_API_KEY: "plain-provider-key" });
  signals.toolUse({ id: "1", name: "x", input: { Authorization: ["Bearer a"], password: 7, nested: [{ api_key: { a: 1 } }], note: "use plain-session-token or plain-provider-key", ok: "plain" } });
  const [{ input }] = rows(path);
  assert.deepEqual(input, { Authorization: "[REDACTED]", password: "[REDACTED]", nested: [{ api_key: "[REDACTED]" }], note: "use [REDACTED] or [REDACTED]", ok: "plain" });
  const cyclic = {};
  cyclic.self = cyclic;
  signals.toolUse({ id: "2", name: "x", input: cyclic });
  assert.match(rows(path)[1].input, /^\[not JSON: /);
});

test("shapes of secrets, one that is and one that is not", async () => {
  const { redact, redactText } = await import("../dist/redact.js");
  const many = "a".repeat(40);
  const table = [
    ["redaction_fixture_secret_abcdefgh", "redaction_fixture_secret_abc"],
    [`sk-${many}`, "sk-short"],
    [`sk_test_abcd`, "sk_test_abc"],
    [`ghp_${"a".repeat(36)}`, "ghp_short"],
    [`github_pat_${many}`, "github_pat_short"],
    [`xoxb-${many}`, "xoxz-aaaaaaaaaaaaaaaaaaaaaaaaa"],
    ["xapp-1234567890", "xapp-123"],
    [`pme_${many}`, "pme_short"],
    [`AIza${many}`, "AIzashort"],
    [`AKIA${"A".repeat(16)}`, "AKIAshort"],
    ["eyJhbGci.eyJzaWQi.c2ln", "eyJhbGciOiJIUzI1NiJ9"],
    ["eyJa.b.", "eyJ.a.b"],
    ["-----BEGIN RSA KEY-----\nabc\n-----END RSA KEY-----", "----BEGIN KEY----"],
    ["-----BEGIN RSA KEY-----", "BEGIN RSA KEY"],
  ];
  for (const [secret, harmless] of table) {
    assert.equal(redactText(`a ${secret} b`), "a [REDACTED] b", secret);
    assert.equal(redactText(`a ${harmless} b`), `a ${harmless} b`, harmless);
  }
  for (const [text, left] of sample("redaction")) {
    assert.equal(redactText(text), left, text);
    assert.equal(redactText(left), left, text);
  }
  for (const id of ["ses_0123456789abcdef0123456789", "run_aB3kPq90Zx", "pi_3abc", "ch_order_731_b"]) assert.equal(redactText(id), id);
  const value = { a: [`sk-${many}`, { token: 1 }], b: "eyJa.b.c eyJd.e.f" };
  assert.deepEqual(redact(value), { a: ["[REDACTED]", { token: "[REDACTED]" }], b: "[REDACTED] [REDACTED]" });
  assert.deepEqual(redact(redact(value)), redact(value));
  const began = Date.now();
  redactText("eyJ".repeat(350_000));
  assert.ok(Date.now() - began < 2000);
});
