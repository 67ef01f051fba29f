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
