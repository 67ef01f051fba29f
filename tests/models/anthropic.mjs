// The shape of Anthropic's messages.
import { need, newId, pieces, textOf, turnKey } from "./script.mjs";

/** @param {any} body @returns {import("./script.mjs").Conversation} */
export function read(body) {
  need(typeof body.model === "string", "model: Field required");
  need(Number.isInteger(body.max_tokens) && body.max_tokens > 0, "max_tokens: Field required");
  return { ...conversation(body), stream: body.stream === true };
}

/** @param {any} body */
function conversation(body) {
  need(Array.isArray(body.messages) && body.messages.length > 0, "messages: at least one message is required");
  const calls = new Set();
  const entries = body.messages.flatMap((/** @type {any} */ message, /** @type {number} */ i) => {
    const blocks = typeof message.content === "string" ? [{ type: "text", text: message.content }] : message.content;
    need(Array.isArray(blocks), `messages.${i}.content: Input should be a text or a list of blocks`);
    if (message.role === "assistant") {
      const uses = blocks.filter((/** @type {any} */ block) => block.type === "tool_use");
      for (const use of uses) calls.add(use.id);
      return [{ kind: "assistant", text: textOf(blocks), key: turnKey(uses[0]?.id) }];
    }
    // Some clients send notes to the model in the middle of a conversation under this role.
    if (message.role === "system") return [];
    need(message.role === "user", `messages.${i}.role: unexpected role "${message.role}"`);
    const results = blocks.filter((/** @type {any} */ block) => block.type === "tool_result");
    for (const result of results) {
      need(calls.has(result.tool_use_id), `messages.${i}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${result.tool_use_id}`);
    }
    // What accompanies a result is the client's own note, not a new word of the user.
    if (results.length > 0) return results.map((/** @type {any} */ result) => ({ kind: "result", text: textOf(result.content) }));
    return [{ kind: "user", text: textOf(blocks) }];
  });
  const tools = (body.tools ?? []).map((/** @type {any} */ tool) => tool.name).filter(Boolean);
  return { model: body.model, stream: false, entries, tools };
}

/** @param {any} body @param {import("./script.mjs").Reply} reply */
export function whole(body, reply) {
  return { ...head(body), content: content(reply), stop_reason: stop(reply), usage: { ...inputUsage(reply), output_tokens: reply.usage.output } };
}

/** @param {any} body @param {import("./script.mjs").Reply} reply */
export function* stream(body, reply) {
  const event = (/** @type {string} */ type, /** @type {object} */ fields = {}) => ({ event: type, data: { type, ...fields } });
  yield event("message_start", { message: { ...head(body), content: [], usage: { ...inputUsage(reply), output_tokens: 1 } } });
  for (const [index, block] of content(reply).entries()) {
    if (block.type === "text") {
      yield event("content_block_start", { index, content_block: { type: "text", text: "" } });
      if (index === 0) yield event("ping");
      for (const text of pieces(block.text)) yield event("content_block_delta", { index, delta: { type: "text_delta", text } });
    } else {
      yield event("content_block_start", { index, content_block: { ...block, input: {} } });
      if (index === 0) yield event("ping");
      for (const partial_json of ["", ...pieces(JSON.stringify(block.input))]) {
        yield event("content_block_delta", { index, delta: { type: "input_json_delta", partial_json } });
      }
    }
    yield event("content_block_stop", { index });
  }
  const usage = { ...inputUsage(reply), output_tokens: reply.usage.output };
  yield event("message_delta", { delta: { stop_reason: stop(reply), stop_sequence: null }, usage });
  yield event("message_stop");
}

/** @param {import("./script.mjs").Refusal} refusal */
export const refused = ({ message, type }) => ({ type: "error", error: { type, message }, request_id: newId("req_") });

/**
 * What `messages/count_tokens` answers: about four characters to a token, as nothing here really counts.
 * @param {any} body
 */
export function countTokens(body) {
  need(typeof body.model === "string", "model: Field required");
  conversation(body);
  return { input_tokens: Math.ceil(JSON.stringify([body.system ?? "", body.messages, body.tools ?? []]).length / 4) };
}

/** @param {any} body */
const head = (body) => ({
  id: newId("msg_"),
  type: "message",
  role: "assistant",
  model: body.model,
  stop_reason: null,
  stop_sequence: null,
});

/** @param {import("./script.mjs").Reply} reply @returns {any[]} */
const content = (reply) => [
  ...(reply.text === null ? [] : [{ type: "text", text: reply.text }]),
  ...reply.calls.map((call) => ({ type: "tool_use", id: `toolu_${call.id}`, name: call.name, input: JSON.parse(call.arguments) })),
];

/** @param {import("./script.mjs").Reply} reply */
const stop = (reply) => (reply.calls.length > 0 ? "tool_use" : "end_turn");

/** @param {import("./script.mjs").Reply} reply */
const inputUsage = ({ usage }) => ({
  input_tokens: usage.input,
  cache_creation_input_tokens: usage.cacheCreation,
  cache_read_input_tokens: usage.cacheRead,
  service_tier: "standard",
});
