import assert from "node:assert/strict";
import { test } from "node:test";
import { tool } from "@langchain/core/tools";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent } from "langchain";
import { instrument } from "pome-harness/adapters/langchain";
import { z } from "zod";
import { call, prompt, setUp } from "./support/frameworks.mjs";

const chat = (options) => new ChatOpenAI({ model: "gpt-4.1", configuration: { baseURL: process.env.OPENAI_BASE_URL }, ...options });
const schema = z.object({ n: z.number() });

test("a LangGraph agent that streams: turns, tools and twins in order", async (t) => {
  const { pome, signals, rows, story } = await setUp(t);
  const client = new MultiServerMCPClient({ mcpServers: pome.mcp.langchain() });
  const { model, tools } = instrument({ model: chat(), tools: await client.getTools() }, { signals });
  const agent = createReactAgent({ llm: model, tools });
  const read = call("issue_read", { method: "get", owner: "acme", repo: "api", issue_number: 1 });
  const refused = call("issue_read", { method: "get", owner: "acme", repo: "none", issue_number: 1 });
  const content = prompt({ tool_calls: [read] }, { tool_calls: [refused] }, { text: "done" });
  let last;
  let pieces = 0;
  for await (const [mode, part] of await agent.stream({ messages: [{ role: "user", content }] }, { streamMode: ["values", "messages"] })) {
    if (mode === "values") last = part;
    else pieces++;
  }
  assert.equal(last.messages.at(-1).content, "done");
  assert.ok(pieces > 3);
  const uses = rows().filter((row) => row.kind === "ToolUseEvent");
  assert.deepEqual(story(), ["LlmTurn 0", "ToolUse issue_read", `ToolResult ${uses[0].tool_use_id}`, "LlmTurn 1", "ToolUse issue_read", `ToolResult ${uses[1].tool_use_id}`, "LlmTurn 2"]);
  assert.deepEqual(rows().filter((row) => row.kind === "ToolResultEvent").map((row) => row.is_error), [false, true]);
  assert.deepEqual(rows().filter((row) => row.kind === "LlmTurnEvent").map((row) => [row.model, row.input_tokens, row.output_tokens, row.finish_reasons]), [
    ["gpt-4.1", 11, 7, ["tool_calls"]],
    ["gpt-4.1", 11, 7, ["tool_calls"]],
    ["gpt-4.1", 11, 7, ["stop"]],
  ]);
  assert.deepEqual((await pome.trace()).map((row) => row.correlation_id), uses.map((use) => use.tool_use_id));
  await client.close();
});

test("a model by its name is recorded by the callbacks; both together count once", async (t) => {
  const { signals, rows, story } = await setUp(t);
  const add = () => tool(({ n }) => n + 1, { name: "add", description: "adds", schema });
  const named = instrument({ model: "openai:gpt-4.1", tools: [add()] }, { signals });
  const messages = [{ role: "user", content: prompt({ tool_calls: [call("add", { n: 1 })] }, { text: "done" }) }];
  await createAgent({ model: named.model, tools: named.tools }).invoke({ messages }, { callbacks: named.callbacks });
  const [, use, result] = rows();
  assert.deepEqual(story(), ["LlmTurn 0", "ToolUse add", `ToolResult ${use.tool_use_id}`, "LlmTurn 1"]);
  assert.deepEqual([use.input, result.output], [{ n: 1 }, "2"]);
  const both = instrument({ model: chat(), tools: [add()] }, { signals });
  await createAgent({ model: both.model, tools: both.tools }).invoke({ messages }, { callbacks: both.callbacks });
  assert.deepEqual(story().slice(4).filter((line) => line.startsWith("LlmTurn")), ["LlmTurn 0", "LlmTurn 1"]);
});

test("the same model and tools in two runs: each run records its own", async (t) => {
  const [first, second] = [await setUp(t), await setUp(t)];
  const parts = { model: chat(), tools: [tool(({ n }) => n + 1, { name: "add", description: "adds", schema })] };
  const messages = [{ role: "user", content: prompt({ tool_calls: [call("add", { n: 1 })] }, { text: "done" }) }];
  for (const { signals, story, rows } of [first, second]) {
    const { model, tools } = instrument({ ...parts, model: new ChatOpenAI({ model: "gpt-4.1", configuration: { baseURL: process.env.OPENAI_BASE_URL } }) }, { signals });
    await createAgent({ model, tools }).invoke({ messages });
    assert.deepEqual(story(), ["LlmTurn 0", "ToolUse add", `ToolResult ${rows()[1].tool_use_id}`, "LlmTurn 1"]);
  }
  for (const { signals } of [first, second]) instrument(parts, { signals });
  await createAgent(parts).invoke({ messages });
  assert.deepEqual([first.rows().length, second.rows().length], [4, 8]);
});

test("an agent that is asked while a tool runs is a sub-agent", async (t) => {
  const { signals, rows, story } = await setUp(t);
  const add = tool(({ n }) => n + 1, { name: "add", description: "adds", schema });
  const inner = instrument({ model: chat(), tools: [add] }, { signals });
  const agent = createAgent({ model: inner.model, tools: inner.tools });
  const ask = tool(async ({ text }) => (await agent.invoke({ messages: [{ role: "user", content: text }] })).messages.at(-1).content, { name: "ask", description: "asks", schema: z.object({ text: z.string() }) });
  const outer = instrument({ model: chat(), tools: [ask] }, { signals });
  const question = prompt({ tool_calls: [call("add", { n: 1 })] }, { text: "two" });
  const messages = [{ role: "user", content: prompt({ tool_calls: [call("ask", { text: question })] }, { text: "done" }) }];
  await createAgent({ model: outer.model, tools: outer.tools }).invoke({ messages });
  const [asked, added] = rows().filter((row) => row.kind === "ToolUseEvent");
  assert.deepEqual(story(), [
    "LlmTurn 0", "ToolUse ask", `SubagentSpawn ${asked.tool_use_id}`,
    "LlmTurn 0", "ToolUse add", `ToolResult ${added.tool_use_id}`, "LlmTurn 1",
    `ToolResult ${asked.tool_use_id}`, "LlmTurn 1",
  ]);
  assert.equal(added.parent_event_id, rows()[2].event_id);
});
