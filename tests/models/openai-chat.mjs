// The shape of OpenAI's chat completions.
import { need, newId, pieces, Refusal, textOf, turnKey } from "./script.mjs";

/** @param {any} body @returns {import("./script.mjs").Conversation} */
export function read(body) {
  need(typeof body.model === "string", "you must provide a model parameter");
  need(Array.isArray(body.messages) && body.messages.length > 0, "`messages` must be a list with at least one message");
  const calls = new Set();
  const answered = new Set();
  const entries = body.messages.flatMap((/** @type {any} */ message, /** @type {number} */ i) => {
    switch (message.role) {
      case "system":
      case "developer":
        return [];
      case "user":
        return [{ kind: "user", text: textOf(message.content) }];
      case "assistant": {
        for (const call of message.tool_calls ?? []) calls.add(call.id);
        return [{ kind: "assistant", text: textOf(message.content), key: turnKey(message.tool_calls?.[0]?.id) }];
      }
      case "tool":
        need(calls.has(message.tool_call_id), `messages[${i}]: no earlier tool call has the id \`${message.tool_call_id}\``);
        answered.add(message.tool_call_id);
        return [{ kind: "result", text: textOf(message.content) }];
      default:
        throw new Refusal(400, `messages[${i}]: unknown role \`${message.role}\``);
    }
  });
  const open = [...calls].filter((id) => !answered.has(id));
  need(open.length === 0, `an assistant message with tool_calls must be followed by a tool message for each tool_call_id; missing: ${open.join(", ")}`);
  const tools = (body.tools ?? []).map((/** @type {any} */ tool) => tool.function?.name ?? tool.name).filter(Boolean);
  return { model: body.model, stream: body.stream === true, entries, tools };
}

/** @param {any} body @param {import("./script.mjs").Reply} reply */
export function whole(body, reply) {
  const message = {
    role: "assistant",
    content: reply.text,
    refusal: null,
    annotations: [],
    ...(reply.calls.length > 0 && { tool_calls: reply.calls.map(call) }),
  };
  return {
    ...head(body, "chat.completion"),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finish(reply) }],
    usage: usage(reply),
  };
}

/** @param {any} body @param {import("./script.mjs").Reply} reply */
export function* stream(body, reply) {
  const wantsUsage = body.stream_options?.include_usage === true;
  const common = head(body, "chat.completion.chunk");
  const chunk = (/** @type {any} */ delta, /** @type {string | null} */ finish_reason = null) => ({
    data: { ...common, choices: [{ index: 0, delta, logprobs: null, finish_reason }], ...(wantsUsage && { usage: null }) },
  });
  yield chunk({ role: "assistant", content: reply.text === null ? null : "", refusal: null });
  for (const piece of pieces(reply.text ?? "")) yield chunk({ content: piece });
  for (const [index, one] of reply.calls.entries()) {
    const { id, type, function: called } = call(one);
    yield chunk({ tool_calls: [{ index, id, type, function: { name: called.name, arguments: "" } }] });
    for (const piece of pieces(called.arguments)) yield chunk({ tool_calls: [{ index, function: { arguments: piece } }] });
  }
  yield chunk({}, finish(reply));
  if (wantsUsage) yield { data: { ...common, choices: [], usage: usage(reply) } };
  yield { data: "[DONE]" };
}

/** @param {Refusal} refusal */
export const refused = ({ message, type }) => ({ error: { message, type, param: null, code: null } });

/** @param {any} body @param {string} object */
const head = (body, object) => ({
  id: newId("chatcmpl-"),
  object,
  created: Math.floor(Date.now() / 1000),
  model: body.model,
  service_tier: "default",
  system_fingerprint: null,
});

/** @param {import("./script.mjs").Reply["calls"][number]} one */
const call = (one) => ({ id: `call_${one.id}`, type: "function", function: { name: one.name, arguments: one.arguments } });

/** @param {import("./script.mjs").Reply} reply */
const finish = (reply) => (reply.calls.length > 0 ? "tool_calls" : "stop");

/** @param {import("./script.mjs").Reply} reply */
const usage = ({ usage: { input, output, cacheRead } }) => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
  prompt_tokens_details: { cached_tokens: cacheRead, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
});
