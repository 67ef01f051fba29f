import assert from "node:assert/strict";
import { test } from "node:test";
import { Agent, MCPServerStreamableHttp, OpenAIChatCompletionsModel, OpenAIProvider, Runner, tool } from "@openai/agents";
import OpenAI from "openai";
import { instrument } from "pome-harness/adapters/openai-agents";
import { z } from "zod";
import { call, prompt, setUp } from "./support/frameworks.mjs";

const client = () => new OpenAI({ baseURL: process.env.OPENAI_BASE_URL });
const runner = (options) => instrument(new Runner({ tracingDisabled: true, modelProvider: new OpenAIProvider({ openAIClient: client() }) }), options);
const parameters = z.object({ n: z.number() });

test("a stream with a hand-over: both agents' turns and tools are recorded", async (t) => {
  const { pome, signals, rows, story } = await setUp(t);
  const [options] = pome.mcp.openaiAgents();
  const server = new MCPServerStreamableHttp(options);
  await server.connect();
  t.after(() => server.close());
  const reader = new Agent({ name: "reader", model: "gpt-4.1", mcpServers: [server] });
  const add = tool({ name: "add", description: "adds", parameters, execute: ({ n }) => n + 1 });
  const front = new Agent({ name: "front", model: "gpt-4.1", tools: [add], handoffs: [reader] });
  const read = call("issue_read", { method: "get", owner: "acme", repo: "api", issue_number: 1 });
  const turns = [{ tool_calls: [call("add", { n: 1 })] }, { tool_calls: [call("transfer_to_reader")] }, { tool_calls: [read] }, { text: "done" }];
  const result = await runner({ signals }).run(front, prompt(...turns), { stream: true });
  for await (const event of result) assert.ok(event.type);
  await result.completed;
  assert.equal(result.finalOutput, "done");
  const uses = rows().filter((row) => row.kind === "ToolUseEvent");
  assert.deepEqual(story(), [
    "LlmTurn 0", "ToolUse add", `ToolResult ${uses[0].tool_use_id}`,
    "LlmTurn 1",
    "LlmTurn 2", "ToolUse issue_read", `ToolResult ${uses[1].tool_use_id}`,
    "LlmTurn 3",
  ]);
  assert.deepEqual(uses[0].input, { n: 1 });
  assert.deepEqual(rows().filter((row) => row.kind === "LlmTurnEvent").map((row) => [row.model, row.input_tokens, row.finish_reasons]), Array(4).fill(["gpt-4.1", 11, ["completed"]]));
  assert.deepEqual((await pome.trace()).map((row) => row.correlation_id), [uses[1].tool_use_id]);
});

test("a model that is an object, over chat completions, and a second run of the same agent", async (t) => {
  const { pome, signals, story, rows } = await setUp(t);
  const look = tool({ name: "look", description: "looks", parameters, execute: async () => (await pome.github.request("GET", "/repos/acme/api")).full_name });
  const agent = new Agent({ name: "a", model: new OpenAIChatCompletionsModel(client(), "gpt-4o-mini"), tools: [look] });
  const ours = runner({ signals });
  for (const stream of [false, true]) {
    const result = await ours.run(agent, prompt({ tool_calls: [call("look", { n: 1 })] }, { text: "done" }), { stream });
    if (stream) await result.completed;
    assert.equal(result.finalOutput, "done");
  }
  const kinds = story().map((line) => line.replace(/(ToolResult).*/, "$1"));
  const once = (n) => [`LlmTurn ${n}`, "ToolUse look", "ToolResult", `LlmTurn ${n + 1}`];
  assert.deepEqual(kinds, [...once(0), ...once(2)]);
  assert.equal(rows()[2].output, "acme/api");
  assert.deepEqual(rows().filter((row) => row.kind === "LlmTurnEvent").map((row) => [row.model, row.input_tokens, row.finish_reasons]), [["tool_calls"], ["stop"], ["tool_calls"], ["stop"]].map((reasons) => ["gpt-4o-mini", 11, reasons]));
  assert.deepEqual((await pome.trace()).map((row) => row.correlation_id), rows().filter((row) => row.kind === "ToolUseEvent").map((row) => row.tool_use_id));
});

test("one agent in two runs at once: each run records its own", async (t) => {
  const [first, second] = [await setUp(t), await setUp(t)];
  const add = tool({ name: "add", description: "adds", parameters, execute: ({ n }) => n + 1 });
  const agent = new Agent({ name: "a", model: "gpt-4.1", tools: [add] });
  const text = prompt({ tool_calls: [call("add", { n: 1 })] }, { text: "done" });
  await Promise.all([first, second].map(({ signals }) => runner({ signals }).run(agent, text)));
  for (const { story, rows } of [first, second]) {
    assert.deepEqual(story(), ["LlmTurn 0", "ToolUse add", `ToolResult ${rows()[1].tool_use_id}`, "LlmTurn 1"]);
  }
  await new Runner({ tracingDisabled: true, modelProvider: new OpenAIProvider({ openAIClient: client() }) }).run(agent, text);
  assert.deepEqual([first.rows().length, second.rows().length], [4, 4]);
});

test("an agent that is another one's tool is a sub-agent, with turns and tools of its own", async (t) => {
  const { pome, signals, rows, story } = await setUp(t);
  const look = tool({ name: "look", description: "looks", parameters, execute: async () => (await pome.github.request("GET", "/repos/acme/api")).full_name });
  const inner = new Agent({ name: "inner", model: "gpt-4.1", tools: [look] });
  const ask = inner.asTool({ toolName: "ask_inner", toolDescription: "asks" });
  const outer = new Agent({ name: "outer", model: "gpt-4.1", tools: [ask] });
  const question = prompt({ tool_calls: [call("look", { n: 1 })] }, { text: "it is acme/api" });
  // The nested runner finds its model by the process's variables.
  const result = await runner({ signals }).run(outer, prompt({ tool_calls: [call("ask_inner", { input: question })] }, { text: "done" }));
  assert.equal(result.finalOutput, "done");
  const [asked, looked] = rows().filter((row) => row.kind === "ToolUseEvent");
  assert.deepEqual(story(), [
    "LlmTurn 0", "ToolUse ask_inner", `SubagentSpawn ${asked.tool_use_id}`,
    "LlmTurn 0", "ToolUse look", `ToolResult ${looked.tool_use_id}`, "LlmTurn 1",
    `ToolResult ${asked.tool_use_id}`, "LlmTurn 1",
  ]);
  const spawn = rows().find((row) => row.kind === "SubagentSpawnEvent");
  assert.deepEqual([spawn.parent_event_id, looked.parent_event_id, asked.parent_event_id], [asked.event_id, spawn.event_id, null]);
  assert.deepEqual((await pome.trace()).map((row) => row.correlation_id), [looked.tool_use_id]);
});
