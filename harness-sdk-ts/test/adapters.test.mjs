// Every adapter under `pome run`: the real framework, a scripted model, GitHub's twin over MCP.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startModelServer } from "../../tests/models/server.mjs";
import { assertTriageTrace, example, pomeRun, script } from "./support/run.mjs";

let server;
before(async () => {
  server = await startModelServer({ script });
});
after(() => server.close());

for (const name of ["openai-agents", "langchain", "vercel-ai"]) {
  test(`${name}: the example passes, and its trace is whole`, async () => {
    assertTriageTrace(await pomeRun(example(name), { server }), { model: "gpt-4.1" });
  });
}

test("claude-agent-sdk: the example passes, and its trace is whole, with hooks", async () => {
  const run = await pomeRun(example("claude-agent-sdk"), { server });
  const [{ model }] = run.events.filter((event) => event.kind === "LlmTurnEvent");
  assert.match(model, /^claude-/);
  assertTriageTrace(run, { model });
  const hooks = run.events.filter((event) => event.kind === "HookEvent");
  const uses = run.events.filter((event) => event.kind === "ToolUseEvent").map((event) => event.tool_use_id);
  assert.deepEqual(hooks.filter((hook) => hook.hook_name === "PreToolUse").map((hook) => hook.causing_tool_use_id).sort(), [...uses].sort());
  assert.deepEqual(hooks.filter((hook) => hook.hook_name === "PostToolUse").map((hook) => hook.causing_tool_use_id).sort(), [...uses].sort());
  assert.equal(hooks.at(-1).hook_name, "Stop");
});

test("the agent's requests to its model go through the proxy of the run", async (t) => {
  // The run lets every loopback address through and names only 127.0.0.1 in NO_PROXY.
  const elsewhere = await startModelServer({ host: "127.0.0.2", script });
  t.after(() => elsewhere.close());
  const run = await pomeRun(example("vercel-ai"), { server: elsewhere });
  assertTriageTrace(run, { model: "gpt-4.1" });
  const calls = run.events.filter((event) => event.kind === "LlmCallEvent");
  assert.ok(calls.length > 0);
  assert.deepEqual([...new Set(calls.map((event) => `${event.host}:${event.port}`))], [`127.0.0.2:${elsewhere.port}`]);
});
