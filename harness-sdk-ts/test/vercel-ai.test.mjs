import assert from "node:assert/strict";
import { test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createMCPClient } from "@ai-sdk/mcp";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { HarnessError } from "pome-harness";
import { instrument } from "pome-harness/adapters/vercel-ai";
import { z } from "zod";
import { call, prompt, setUp } from "./support/frameworks.mjs";

const openai = () => createOpenAI({ baseURL: process.env.OPENAI_BASE_URL })("gpt-4.1");
const stopWhen = stepCountIs(5);
const inputSchema = z.object({ n: z.number() });

test("a stream: the turn comes before its tools, and the text arrives whole", async (t) => {
  const { pome, signals, rows, story } = await setUp(t);
  const client = await createMCPClient(pome.mcp.vercel("github"));
  const parts = instrument({ model: openai(), tools: await client.tools() }, { signals });
  const read = call("issue_read", { method: "get", owner: "acme", repo: "api", issue_number: 1 });
  const result = streamText({ ...parts, stopWhen, prompt: prompt({ text: "First.", tool_calls: [read] }, { text: "All done now." }) });
  let text = "";
  for await (const piece of result.textStream) text += piece;
  assert.equal(text, "First.All done now.");
  const [, use] = rows();
  assert.deepEqual(story(), ["LlmTurn 0", "ToolUse issue_read", `ToolResult ${use.tool_use_id}`, "LlmTurn 1"]);
  assert.deepEqual(rows().filter((row) => row.kind === "LlmTurnEvent").map((row) => [row.model, row.input_tokens, row.output_tokens, row.finish_reasons]), [["gpt-4.1", 11, 7, ["tool-calls"]], ["gpt-4.1", 11, 7, ["stop"]]]);
  assert.deepEqual((await pome.trace()).map((row) => [row.tool, row.correlation_id]), [["issue_read", use.tool_use_id]]);
  await client.close();
});

test("tools of one's own: a value, a failure, a stream of values; other models", async (t) => {
  const { pome, signals, rows, story } = await setUp(t);
  const tools = {
    plain: tool({ inputSchema, execute: ({ n }) => n + 1 }),
    fails: tool({ inputSchema, execute: async () => { throw new Error("out of order"); } }),
    steps: tool({ inputSchema, async *execute() {
      yield "working";
      yield await pome.github.request("GET", "/repos/acme/api");
    } }),
    elsewhere: tool({ inputSchema }),
  };
  const anthropic = createAnthropic({ baseURL: `${process.env.ANTHROPIC_BASE_URL}/v1` })("claude-sonnet-4-5");
  const parts = instrument({ model: anthropic, tools }, { signals });
  assert.equal(parts.tools.elsewhere, tools.elsewhere);
  const turns = [{ tool_calls: [call("plain", { n: 1 })] }, { tool_calls: [call("fails", { n: 2 })] }, { tool_calls: [call("steps", { n: 3 })] }, { text: "done" }];
  const { text } = await generateText({ ...parts, stopWhen, prompt: prompt(...turns) });
  assert.equal(text, "done");
  assert.deepEqual(story().filter((line) => !line.startsWith("ToolResult")), ["LlmTurn 0", "ToolUse plain", "LlmTurn 1", "ToolUse fails", "LlmTurn 2", "ToolUse steps", "LlmTurn 3"]);
  const [plain, fails, steps] = rows().filter((row) => row.kind === "ToolResultEvent");
  assert.deepEqual([plain.output, plain.is_error, fails.output, fails.is_error, steps.output.full_name, steps.is_error], [2, false, "out of order", true, "acme/api", false]);
  assert.equal((await pome.trace())[0].correlation_id, steps.tool_use_id);
  assert.throws(() => instrument({ model: "openai/gpt-4.1" }), (error) => error instanceof HarnessError && /only a name/.test(error.message));
});

test("a model that is asked while a tool runs is that of a sub-agent", async (t) => {
  const { signals, rows, story } = await setUp(t);
  const add = tool({ inputSchema, execute: ({ n }) => n + 1 });
  const ask = tool({ inputSchema: z.object({ text: z.string() }), execute: async ({ text }) => (await generateText({ ...instrument({ model: openai(), tools: { add } }, { signals }), stopWhen, prompt: text })).text });
  const question = prompt({ tool_calls: [call("add", { n: 1 })] }, { text: "two" });
  const parts = instrument({ model: openai(), tools: { ask } }, { signals });
  await generateText({ ...parts, stopWhen, prompt: prompt({ tool_calls: [call("ask", { text: question })] }, { text: "done" }) });
  const [asked, added] = rows().filter((row) => row.kind === "ToolUseEvent");
  assert.deepEqual(story(), [
    "LlmTurn 0", "ToolUse ask", `SubagentSpawn ${asked.tool_use_id}`,
    "LlmTurn 0", "ToolUse add", `ToolResult ${added.tool_use_id}`, "LlmTurn 1",
    `ToolResult ${asked.tool_use_id}`, "LlmTurn 1",
  ]);
  assert.equal(added.parent_event_id, rows()[2].event_id);
});
