// One `pome run` of an example against a scripted model, and what it left behind.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPome } from "pome-harness/testing";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

export const script = JSON.parse(readFileSync(at("triage.json"), "utf8"));
export const example = (name) => at(`../../examples/${name}.mjs`);
export const scenario = (name) => at(`../../../scenarios/${name}.md`);

/** The variables by which vendors' SDKs find the model server; none of this machine's own. */
export const modelEnv = (server) => ({
  OPENAI_API_KEY: "test-key-of-openai",
  OPENAI_BASE_URL: `${server.url}/v1`,
  ANTHROPIC_API_KEY: "test-key-of-anthropic",
  ANTHROPIC_BASE_URL: server.url,
});

export async function pomeRun(agent, { server, scenarioName = "01-bug-happy-path" }) {
  const folder = mkdtempSync(join(tmpdir(), "pome-run-"));
  const { PATH } = process.env;
  const env = { PATH, HOME: folder, ...modelEnv(server), POME_AGENT_ENV_ALLOWLIST: "OPENAI_BASE_URL,ANTHROPIC_BASE_URL", POME_NO_UPDATE_CHECK: "1" };
  const args = ["run", "--local", scenario(scenarioName), "--agent", `${process.execPath} ${agent}`];
  const { code, stderr } = await new Promise((resolve) => {
    execFile(findPome(), args, { cwd: folder, env, timeout: 110_000 }, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
  });
  const [slug] = readdirSync(join(folder, "runs")).filter((name) => name !== "latest.json");
  const run = join(folder, "runs", slug, readdirSync(join(folder, "runs", slug))[0]);
  const read = (name) => readFileSync(join(run, name), "utf8");
  const summary = read("stdout.txt").trim().split("\n").at(-1);
  return {
    code,
    stderr: `${stderr}\n${read("stderr.log")}`,
    score: JSON.parse(read("score.json")).satisfaction,
    meta: JSON.parse(read("meta.json")),
    events: read("events.jsonl").trim().split("\n").map((line) => JSON.parse(line)),
    summary: summary === "" ? null : JSON.parse(summary).summary,
    text: read("events.jsonl") + read("stdout.txt") + read("stderr.log"),
  };
}

/** Model turns, tools and calls of twins are there, in order, and belong together. */
export function assertTriageTrace(run, { model }) {
  assert.deepEqual([run.code, run.score, run.meta.events_dropped], [0, 100, 0], run.stderr);
  assert.equal(run.summary, script.turns.at(-1).text);
  const at = (event) => run.events.indexOf(event);
  const turns = run.events.filter((event) => event.kind === "LlmTurnEvent");
  assert.deepEqual(turns.map((turn) => [turn.turn_index, turn.model, turn.input_tokens, turn.output_tokens]), script.turns.map((_, i) => [i, model, 812, 64]));
  assert.ok(turns.every((turn) => turn.cache_read_input_tokens === 100 && turn.finish_reasons.length === 1 && turn.latency_ms >= 0));
  const uses = run.events.filter((event) => event.kind === "ToolUseEvent");
  const scripted = script.turns.flatMap((turn, i) => (turn.tool_calls ?? []).map((call) => ({ ...call, turn: i })));
  assert.equal(uses.length, scripted.length);
  for (const { name, arguments: input, turn } of scripted) {
    const use = uses.find((event) => event.tool_name.endsWith(name));
    assert.deepEqual(use.input, input);
    const call = run.events.find((event) => event.kind === "TwinHttpEvent" && event.parent_event_id === use.event_id);
    const result = run.events.find((event) => event.kind === "ToolResultEvent" && event.parent_event_id === use.event_id);
    assert.deepEqual([call?.tool, call?.correlation_id, result?.is_error], [name, use.tool_use_id, false]);
    const order = [turns[turn], use, call, result, turns[turn + 1]].map(at);
    assert.deepEqual(order, [...order].sort((a, b) => a - b), `${name}: ${order}`);
  }
  assert.equal(run.events.filter((event) => event.kind === "TwinHttpEvent").length, scripted.length);
  assert.ok(!/test-key-of|eyJ[\w-]+\.[\w-]+\./.test(run.text));
}
