// The vendors' own clients against the scripted model server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { startModelServer } from "../../tests/models/server.mjs";
import { script } from "./support/run.mjs";

let server, openai, anthropic;
before(async () => {
  server = await startModelServer({ script });
  openai = new OpenAI({ apiKey: "k", baseURL: `${server.url}/v1`, maxRetries: 0 });
  anthropic = new Anthropic({ apiKey: "k", baseURL: server.url, maxRetries: 0 });
});
after(() => server.close());

const names = ["issue_read", "get_file_contents", "issue_write"];
const [first] = script.turns;
const user = { role: "user", content: "go" };
const parameters = { type: "object", properties: {} };

test("openai: chat completions, whole and streamed, say the same", async () => {
  const request = { model: "gpt-x", messages: [user], tools: names.map((name) => ({ type: "function", function: { name, parameters } })) };
  const whole = await openai.chat.completions.create(request);
  const streamed = await openai.chat.completions.stream({ ...request, stream_options: { include_usage: true } }).finalChatCompletion();
  for (const { choices, usage } of [whole, streamed]) {
    const [{ message, finish_reason }] = choices;
    assert.deepEqual([message.content, finish_reason, usage.total_tokens, usage.prompt_tokens_details.cached_tokens], [first.text, "tool_calls", 876, 100]);
    assert.deepEqual(message.tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]), first.tool_calls.map((call) => [call.name, call.arguments]));
  }
});

test("openai: responses, whole and streamed, say the same", async () => {
  const request = { model: "gpt-x", input: [user], tools: names.map((name) => ({ type: "function", name, parameters, strict: false })) };
  const whole = await openai.responses.create(request);
  const streamed = await openai.responses.stream(request).finalResponse();
  for (const { output_text, output, usage, status } of [whole, streamed]) {
    assert.deepEqual([output_text, status, usage.input_tokens, usage.output_tokens], [first.text, "completed", 812, 64]);
    assert.deepEqual(output.slice(1).map((call) => [call.name, JSON.parse(call.arguments)]), first.tool_calls.map((call) => [call.name, call.arguments]));
  }
});

test("anthropic: messages, whole and streamed, say the same", async () => {
  const request = { model: "claude-x", max_tokens: 100, messages: [user], tools: names.map((name) => ({ name, input_schema: parameters })) };
  const whole = await anthropic.messages.create(request);
  const streamed = await anthropic.messages.stream(request).finalMessage();
  for (const { content, usage, stop_reason } of [whole, streamed]) {
    assert.deepEqual([content[0].text, stop_reason, usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens], [first.text, "tool_use", 812, 64, 100]);
    assert.deepEqual(content.slice(1).map((call) => [call.name, call.input]), first.tool_calls.map((call) => [call.name, call.arguments]));
  }
});

test("models, counting and errors are understood", async () => {
  assert.ok((await openai.models.list()).data.length > 0);
  assert.ok((await anthropic.models.list()).data.length > 0);
  assert.ok((await anthropic.messages.countTokens({ model: "claude-x", messages: [user] })).input_tokens > 0);
  await assert.rejects(openai.chat.completions.create({ model: "x", messages: [user] }), (error) => error instanceof OpenAI.BadRequestError && /no advertised tool/.test(error.message));
  await assert.rejects(anthropic.messages.create({ model: "x", max_tokens: 1, messages: [user] }), (error) => error instanceof Anthropic.BadRequestError && /no advertised tool/.test(error.message));
});
