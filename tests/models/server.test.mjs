import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { get as httpsGet } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startModelServer } from "./server.mjs";

const SCRIPT = {
  turns: [
    { text: "Looking.", tool_calls: [{ name: "issue_read", arguments: { owner: "acme", issue_number: 1 } }, { name: "list_labels", arguments: {} }] },
    { tool_calls: [{ name: "add_labels", arguments: { labels: ["bug"], id: "{{match:id=(\\w+)}}" } }] },
    { text: "Done." },
  ],
  usage: { input_tokens: 20, output_tokens: 5, cache_read_input_tokens: 3 },
};
const NAMES = ["mcp__github__issue_read", "mcp__github__sub_issue_read", "mcp__github__list_labels", "mcp__github__add_labels"];

let server;
before(async () => {
  server = await startModelServer({ script: SCRIPT });
});
after(() => server.close());

async function post(path, body, headers = { authorization: "Bearer secret-key" }) {
  const answer = await fetch(server.url + path, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.text().then((text) => (answer.headers.get("content-type").includes("json") ? JSON.parse(text) : events(text))) };
}

const events = (text) =>
  text.trim().split("\n\n").map((block) => {
    const data = /^data: (.*)$/m.exec(block)[1];
    return { event: /^event: (.*)$/m.exec(block)?.[1], data: data === "[DONE]" ? data : JSON.parse(data) };
  });

const DOORS = {
  chat: {
    path: "/v1/chat/completions",
    body: (messages) => ({ model: "gpt-x", messages, tools: NAMES.map((name) => ({ type: "function", function: { name, parameters: { type: "object" } } })) }),
    user: (text) => [{ role: "user", content: text }],
    calls: ({ choices }) => (choices[0].message.tool_calls ?? []).map((call) => [call.id, call.function.name, JSON.parse(call.function.arguments)]),
    text: ({ choices }) => choices[0].message.content,
    next: ({ choices }, results) => [choices[0].message, ...results.map(([id, content]) => ({ role: "tool", tool_call_id: id, content }))],
  },
  responses: {
    path: "/v1/responses",
    body: (input) => ({ model: "gpt-x", input, tools: NAMES.map((name) => ({ type: "function", name, parameters: { type: "object" } })) }),
    user: (text) => [{ role: "user", content: [{ type: "input_text", text }] }],
    calls: ({ output }) => output.filter((item) => item.type === "function_call").map((call) => [call.call_id, call.name, JSON.parse(call.arguments)]),
    text: ({ output }) => output.find((item) => item.type === "message")?.content[0].text ?? null,
    next: ({ output }, results) => [...output, ...results.map(([call_id, text]) => ({ type: "function_call_output", call_id, output: text }))],
  },
  anthropic: {
    path: "/v1/messages",
    body: (messages) => ({ model: "claude-x", max_tokens: 100, messages, tools: NAMES.map((name) => ({ name, input_schema: { type: "object" } })) }),
    user: (text) => [{ role: "user", content: [{ type: "text", text }] }],
    calls: ({ content }) => content.filter((block) => block.type === "tool_use").map((block) => [block.id, block.name, block.input]),
    text: ({ content }) => content.find((block) => block.type === "text")?.text ?? null,
    next: ({ content }, results) => [
      { role: "assistant", content },
      { role: "user", content: [...results.map(([id, text]) => ({ type: "tool_result", tool_use_id: id, content: [{ type: "text", text }] })), { type: "text", text: "a note of the client" }] },
    ],
  },
};

for (const [name, door] of Object.entries(DOORS)) {
  test(`${name}: the script is followed turn by turn, with results in between`, async () => {
    let messages = door.user("please");
    const first = await post(door.path, door.body(messages));
    assert.equal(first.status, 200, JSON.stringify(first.body));
    assert.equal(door.text(first.body), "Looking.");
    const calls = door.calls(first.body);
    assert.deepEqual(calls.map(([, tool, input]) => [tool, input]), [["mcp__github__issue_read", { owner: "acme", issue_number: 1 }], ["mcp__github__list_labels", {}]]);
    messages = [...messages, ...door.next(first.body, calls.map(([id]) => [id, "id=a id=b7"]))];
    const second = await post(door.path, door.body(messages));
    const [[id, tool, input]] = door.calls(second.body);
    assert.deepEqual([tool, input], ["mcp__github__add_labels", { labels: ["bug"], id: "b7" }]);
    messages = [...messages, ...door.next(second.body, [[id, "ok"]])];
    const third = await post(door.path, door.body(messages));
    assert.equal(door.text(third.body), "Done.");
    const beyond = await post(door.path, door.body([...messages, ...door.next(third.body, [])].filter((m) => m.content?.length !== 1 || m.content[0].text !== "a note of the client")));
    assert.equal(beyond.status, 400);
    assert.match(beyond.body.error.message, /3 turns.*turn 3/);
    const again = await post(door.path, door.body([...messages, ...door.user("and again")]));
    assert.equal(door.text(again.body), "Looking.");
  });

  test(`${name}: a script in the user message wins, an unknown tool is refused`, async () => {
    const own = { turns: [{ tool_calls: [{ name: "nothing", arguments: {} }] }] };
    const answer = await post(door.path, door.body(door.user(`hello\n\`\`\`pome-script\n${JSON.stringify(own)}\n\`\`\`\n`)));
    assert.equal(answer.status, 400);
    assert.match(answer.body.error.message, /calls `nothing`.*mcp__github__issue_read/);
  });

  test(`${name}: no key, no answer`, async () => {
    const answer = await post(door.path, door.body(door.user("x")), {});
    assert.equal(answer.status, 401);
    assert.equal(typeof answer.body.error.message, "string");
  });
}

test("chat: a stream carries the same in pieces, usage last and only on demand", async () => {
  const body = DOORS.chat.body(DOORS.chat.user("x"));
  const { body: plain } = await post("/v1/chat/completions", { ...body, stream: true });
  assert.ok(plain.every(({ data }) => data === "[DONE]" || !("usage" in data)));
  const { body: stream } = await post("/v1/chat/completions", { ...body, stream: true, stream_options: { include_usage: true } });
  assert.equal(stream.at(-1).data, "[DONE]");
  assert.deepEqual([stream.at(-2).data.choices, stream.at(-2).data.usage.total_tokens], [[], 25]);
  const chunks = stream.slice(0, -2).map(({ data }) => data.choices[0]);
  assert.equal(chunks.at(-1).finish_reason, "tool_calls");
  assert.equal(chunks.map(({ delta }) => delta.content ?? "").join(""), "Looking.");
  const deltas = chunks.flatMap(({ delta }) => delta.tool_calls ?? []);
  assert.ok(deltas.filter(({ index }) => index === 0).length > 2);
  const whole = deltas.filter(({ index }) => index === 0).map((delta) => delta.function.arguments).join("");
  assert.deepEqual(JSON.parse(whole), { owner: "acme", issue_number: 1 });
});

test("responses: a stream names its events, counts them and ends with the whole response", async () => {
  const { body: stream } = await post("/v1/responses", { ...DOORS.responses.body("x"), stream: true });
  assert.deepEqual(stream.map(({ data }) => data.sequence_number), stream.map((_, i) => i));
  assert.ok(stream.every(({ event, data }) => event === data.type));
  const kinds = stream.map(({ event }) => event).filter((event, i, all) => event !== all[i - 1]);
  const call = ["response.output_item.added", "response.function_call_arguments.delta", "response.function_call_arguments.done", "response.output_item.done"];
  assert.deepEqual(kinds, [
    "response.created", "response.in_progress",
    "response.output_item.added", "response.content_part.added", "response.output_text.delta", "response.output_text.done", "response.content_part.done", "response.output_item.done",
    ...call, ...call, "response.completed",
  ]);
  const { response } = stream.at(-1).data;
  assert.deepEqual([response.status, response.output.length, response.usage.input_tokens_details.cached_tokens], ["completed", 3, 3]);
});

test("responses: items and answers that stay with the vendor are understood", async () => {
  const { body: first } = await post("/v1/responses", DOORS.responses.body("x"));
  const calls = first.output.filter((item) => item.type === "function_call");
  const outputs = calls.map(({ call_id }) => ({ type: "function_call_output", call_id, output: "id=z" }));
  const references = first.output.map(({ id }) => ({ type: "item_reference", id }));
  const byReference = await post("/v1/responses", DOORS.responses.body([...DOORS.responses.user("x"), ...references, ...outputs]));
  assert.equal(DOORS.responses.calls(byReference.body)[0][1], "mcp__github__add_labels");
  const interleaved = await post("/v1/responses", DOORS.responses.body([...DOORS.responses.user("x"), calls[0], outputs[0], calls[1], outputs[1]]));
  assert.equal(DOORS.responses.calls(interleaved.body)[0][1], "mcp__github__add_labels");
  const byAnswer = await post("/v1/responses", { ...DOORS.responses.body(outputs), previous_response_id: first.id });
  assert.equal(DOORS.responses.calls(byAnswer.body)[0][1], "mcp__github__add_labels");
  const unknown = await post("/v1/responses", { ...DOORS.responses.body(outputs), previous_response_id: "resp_other" });
  assert.equal(unknown.status, 400);
});

test("anthropic: a stream has the vendor's events and both usages", async () => {
  const { body: stream } = await post("/v1/messages?beta=true", { ...DOORS.anthropic.body(DOORS.anthropic.user("x")), stream: true }, { "x-api-key": "k", "anthropic-version": "2023-06-01" });
  const kinds = stream.map(({ event }) => event).filter((event, i, all) => event !== all[i - 1]);
  const block = ["content_block_start", "content_block_delta", "content_block_stop"];
  assert.deepEqual(kinds, ["message_start", "content_block_start", "ping", "content_block_delta", "content_block_stop", ...block, ...block, "message_delta", "message_stop"]);
  assert.deepEqual(stream[0].data.message.usage, { input_tokens: 20, cache_creation_input_tokens: 0, cache_read_input_tokens: 3, service_tier: "standard", output_tokens: 1 });
  const json = stream.filter(({ data }) => data.index === 1 && data.delta).map(({ data }) => data.delta.partial_json).join("");
  assert.deepEqual(JSON.parse(json), { owner: "acme", issue_number: 1 });
  const { data } = stream.at(-2);
  assert.deepEqual([data.delta.stop_reason, data.usage.output_tokens], ["tool_use", 5]);
});

test("what a vendor refuses is refused", async () => {
  const results = await Promise.all([
    post("/v1/chat/completions", { model: "m", messages: [{ role: "user", content: "x" }, { role: "tool", tool_call_id: "call_1", content: "y" }] }),
    post("/v1/chat/completions", { model: "m", messages: [{ role: "user", content: "x" }, { role: "assistant", tool_calls: [{ id: "call_1", function: {} }] }] }),
    post("/v1/messages", { model: "m", messages: [{ role: "user", content: "x" }] }),
    post("/v1/responses", { model: "m" }),
    post("/v1/embeddings", { model: "m" }),
  ]);
  assert.deepEqual(results.map(({ status }) => status), [400, 400, 400, 400, 404]);
  assert.equal(results[2].body.type, "error");
});

test("models, counting and what came in", async () => {
  const headers = { authorization: "Bearer secret-key" };
  const models = await (await fetch(`${server.url}/v1/models`, { headers })).json();
  assert.equal(models.object, "list");
  const counted = await post("/v1/messages/count_tokens", { model: "m", messages: [{ role: "user", content: "0123456789" }] });
  assert.ok(counted.body.input_tokens > 2);
  const text = await (await fetch(`${server.url}/_requests`)).text();
  assert.ok(!text.includes("secret-key"));
  assert.ok(JSON.parse(text).some(({ path, body }) => path === "/v1/messages/count_tokens" && body.model === "m"));
});

test("as a program, with TLS and a script from a file", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "pome-models-"));
  const at = (name) => join(folder, name);
  writeFileSync(at("script.json"), JSON.stringify({ turns: [{ text: "hi" }] }));
  try {
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", at("key.pem"), "-out", at("cert.pem")], { stdio: "ignore" });
  } catch {
    return t.skip("openssl is not here");
  }
  const program = fileURLToPath(new URL("server.mjs", import.meta.url));
  const child = spawn(process.execPath, [program, "--script", at("script.json"), "--tls-cert", at("cert.pem"), "--tls-key", at("key.pem")], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill());
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  assert.match(line, /^listening on https:\/\/127\.0\.0\.1:\d+$/);
  const [answer] = await once(httpsGet(`${line.slice(13)}/v1/models/gpt-4.1`, { ca: readFileSync(at("cert.pem")), headers: { authorization: "Bearer x" } }), "response");
  assert.equal(answer.statusCode, 200);
});

test("a script that is none ends the program with an error", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pome-models-"));
  writeFileSync(join(folder, "script.json"), '{"turns":[{}]}');
  const program = fileURLToPath(new URL("server.mjs", import.meta.url));
  const child = spawn(process.execPath, [program, "--script", join(folder, "script.json")], { stdio: ["ignore", "ignore", "pipe"] });
  const [chunk] = await once(child.stderr, "data");
  assert.match(String(chunk), /turn 0 needs/);
  assert.deepEqual(await once(child, "exit"), [1, null]);
});
