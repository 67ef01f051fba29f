// The shape of OpenAI's responses.
import { need, newId, pieces, Refusal, textOf, turnKey } from "./script.mjs";

/** @param {any} body @returns {import("./script.mjs").Conversation} */
export function read(body) {
  need(typeof body.model === "string", "missing required parameter: 'model'");
  const items = typeof body.input === "string" ? [{ role: "user", content: body.input }] : body.input;
  need(Array.isArray(items) && items.length > 0, "`input` must be a text or a list of items");
  const base = remembered(body.previous_response_id);
  const calls = new Set();
  const entries = items.flatMap((/** @type {any} */ item, /** @type {number} */ i) => {
    switch (item.type ?? "message") {
      case "message":
        if (item.role === "assistant") return [{ kind: "assistant", text: textOf(item.content), key: turnKey(item.id) }];
        return item.role === "user" ? [{ kind: "user", text: textOf(item.content) }] : [];
      case "function_call":
        calls.add(item.call_id);
        return [{ kind: "assistant", text: "", key: turnKey(item.call_id) }];
      // A client that leaves the items with the vendor names them only.
      case "item_reference":
        need(turnKey(item.id), `input[${i}]: no item \`${item.id}\` was made here`);
        calls.add(`call_${item.id.replace(/^[a-z]+_/, "")}`);
        return [{ kind: "assistant", text: "", key: turnKey(item.id) }];
      case "reasoning":
        return [{ kind: "assistant", text: "", key: turnKey(item.id) }];
      case "function_call_output":
        need(calls.has(item.call_id) || base > 0, `input[${i}]: no tool call found for function call output with call_id ${item.call_id}`);
        return [{ kind: "result", text: textOf(item.output) }];
      default:
        throw new Refusal(400, `input[${i}]: items of type \`${item.type}\` are not supported here`);
    }
  });
  return { model: body.model, stream: body.stream === true, entries, tools: names(body.tools ?? []), base };
}

/** @param {unknown} id */
function remembered(id) {
  if (id == null) return 0;
  const turn = /^resp_t(\d+)_0_[0-9a-f]{12}$/.exec(String(id))?.[1];
  need(turn, `previous response with id '${id}' not found`);
  return Number(turn) + 1;
}

/** @param {any[]} tools @returns {string[]} */
function names(tools) {
  return tools.flatMap((tool) => (tool.type === "namespace" ? names(tool.tools ?? []) : tool.name ? [tool.name] : []));
}

/** @param {any} body @param {import("./script.mjs").Reply} reply */
export function whole(body, reply) {
  const output = items(reply);
  return { ...head(body, reply), status: "completed", completed_at: seconds(), output, usage: usage(reply) };
}

/** @param {any} body @param {import("./script.mjs").Reply} reply */
export function* stream(body, reply) {
  let sequence_number = 0;
  const event = (/** @type {string} */ type, /** @type {object} */ fields) => ({ event: type, data: { type, sequence_number: sequence_number++, ...fields } });
  const response = head(body, reply);
  yield event("response.created", { response });
  yield event("response.in_progress", { response });
  const output = items(reply);
  for (const [output_index, item] of output.entries()) {
    const at = { item_id: item.id, output_index };
    if (item.type === "message") {
      const part = item.content[0];
      yield event("response.output_item.added", { output_index, item: { ...item, status: "in_progress", content: [] } });
      yield event("response.content_part.added", { ...at, content_index: 0, part: { ...part, text: "" } });
      for (const delta of pieces(part.text)) yield event("response.output_text.delta", { ...at, content_index: 0, delta, logprobs: [] });
      yield event("response.output_text.done", { ...at, content_index: 0, text: part.text, logprobs: [] });
      yield event("response.content_part.done", { ...at, content_index: 0, part });
    } else {
      yield event("response.output_item.added", { output_index, item: { ...item, status: "in_progress", arguments: "" } });
      for (const delta of pieces(item.arguments)) yield event("response.function_call_arguments.delta", { ...at, delta });
      yield event("response.function_call_arguments.done", { ...at, name: item.name, arguments: item.arguments });
    }
    yield event("response.output_item.done", { output_index, item });
  }
  yield event("response.completed", { response: { ...response, status: "completed", completed_at: seconds(), output, usage: usage(reply) } });
}

export { refused } from "./openai-chat.mjs";

/** @param {import("./script.mjs").Reply} reply @returns {any[]} */
function items(reply) {
  const message = reply.text !== null && {
    id: `msg_t${reply.turn}_0_${newId("").slice(0, 12)}`,
    type: "message",
    status: "completed",
    role: "assistant",
    content: [{ type: "output_text", text: reply.text, annotations: [], logprobs: [] }],
  };
  const calls = reply.calls.map((call) => ({
    id: `fc_${call.id}`,
    type: "function_call",
    status: "completed",
    arguments: call.arguments,
    call_id: `call_${call.id}`,
    name: call.name,
  }));
  return message ? [message, ...calls] : calls;
}

/** @param {any} body @param {import("./script.mjs").Reply} reply */
const head = (body, reply) => ({
  id: `resp_t${reply.turn}_0_${newId("").slice(0, 12)}`,
  object: "response",
  created_at: seconds(),
  status: "in_progress",
  background: false,
  error: null,
  incomplete_details: null,
  instructions: body.instructions ?? null,
  max_output_tokens: body.max_output_tokens ?? null,
  model: body.model,
  output: [],
  parallel_tool_calls: body.parallel_tool_calls ?? true,
  previous_response_id: body.previous_response_id ?? null,
  reasoning: { effort: null, summary: null },
  store: body.store ?? true,
  temperature: body.temperature ?? 1,
  text: body.text ?? { format: { type: "text" } },
  tool_choice: body.tool_choice ?? "auto",
  tools: body.tools ?? [],
  top_p: body.top_p ?? 1,
  truncation: "disabled",
  usage: null,
  user: null,
  metadata: body.metadata ?? {},
});

const seconds = () => Math.floor(Date.now() / 1000);

/** @param {import("./script.mjs").Reply} reply */
const usage = ({ usage: { input, output, cacheRead } }) => ({
  input_tokens: input,
  input_tokens_details: { cached_tokens: cacheRead },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: input + output,
});
