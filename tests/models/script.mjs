// What the scripted model says next. No state is kept: the turn follows from the conversation that a request carries.
import { randomBytes } from "node:crypto";

/**
 * @typedef {{ name: string, arguments: Record<string, unknown> }} ScriptedCall
 * @typedef {{ text?: string, tool_calls?: ScriptedCall[], delay_ms?: number, error?: { status: number, message: string } }} Turn
 * @typedef {{ turns: Turn[], usage?: Record<string, number> }} Script
 * @typedef {{ kind: "user" | "assistant" | "result", text: string, key?: string | null }} Entry
 *   One entry of a conversation, whichever API it came through. `key` names the turn of an assistant entry if its id tells it.
 * @typedef {{ model: string, stream: boolean, entries: Entry[], tools: string[], base?: number }} Conversation
 *   `base` is the number of turns that the vendor would remember (`previous_response_id`).
 * @typedef {{ turn: number, text: string | null, calls: { id: string, name: string, arguments: string }[], usage: Usage, delay: number }} Reply
 * @typedef {{ input: number, output: number, cacheRead: number, cacheCreation: number }} Usage
 */

/** A request that a vendor would refuse; the doors give it the vendor's envelope. */
export class Refusal extends Error {
  /** @param {number} status @param {string} message @param {string} [type] */
  constructor(status, message, type = "invalid_request_error") {
    super(message);
    this.status = status;
    this.type = type;
  }
}

/** @param {string} text @param {string} from @returns {Script} */
export function parseScript(text, from) {
  let script;
  try {
    script = JSON.parse(text);
  } catch (error) {
    throw new Refusal(400, `${from} is not JSON: ${/** @type {Error} */ (error).message}`);
  }
  if (!Array.isArray(script?.turns)) throw new Refusal(400, `${from} needs a list \`turns\``);
  script.turns.forEach((/** @type {any} */ turn, /** @type {number} */ i) => {
    const calls = turn?.tool_calls ?? [];
    const says = typeof turn?.text === "string" || (Array.isArray(calls) && calls.length > 0) || turn?.error;
    if (!says) throw new Refusal(400, `${from}: turn ${i} needs \`text\`, \`tool_calls\` or \`error\``);
    for (const call of calls) {
      if (typeof call?.name !== "string") throw new Refusal(400, `${from}: turn ${i} has a tool call without a name`);
    }
  });
  return script;
}

// Both fences begin a line, so a script may hold a prompt with a script of its own.
const FENCE = /^[ \t]*```pome-script[^\n]*\n([\s\S]*?)^[ \t]*```/m;
const REMINDER = /<system-reminder>[\s\S]*?<\/system-reminder>/g;

/**
 * The answer to a conversation.
 * @param {Conversation} conversation
 * @param {Script | null} fallback the script of the server
 * @returns {Reply}
 */
export function reply(conversation, fallback) {
  const script = scriptOf(conversation.entries) ?? fallback;
  if (!script) {
    throw new Refusal(400, "no script: start the server with --script FILE, or put a fenced block ```pome-script into a user message");
  }
  const number = turnOf(conversation);
  const turn = script.turns[number];
  if (!turn) throw new Refusal(400, `the script has ${script.turns.length} turns, and this conversation asks for turn ${number}`);
  if (turn.error) throw new Refusal(turn.error.status, turn.error.message, turn.error.status === 429 ? "rate_limit_error" : "api_error");
  const calls = (turn.tool_calls ?? []).map((call, i) => ({
    id: `t${number}_${i}_${randomBytes(6).toString("hex")}`,
    name: advertised(call.name, conversation.tools),
    arguments: JSON.stringify(filled(call.arguments ?? {}, conversation.entries)),
  }));
  const usage = script.usage ?? {};
  return {
    turn: number,
    text: typeof turn.text === "string" ? String(filled(turn.text, conversation.entries)) : null,
    calls,
    usage: {
      input: usage.input_tokens ?? 11,
      output: usage.output_tokens ?? 7,
      cacheRead: usage.cache_read_input_tokens ?? 0,
      cacheCreation: usage.cache_creation_input_tokens ?? 0,
    },
    delay: turn.delay_ms ?? 0,
  };
}

/** @param {Entry[]} entries */
function scriptOf(entries) {
  for (const entry of entries) {
    const block = entry.kind === "user" ? FENCE.exec(entry.text) : null;
    if (block) return parseScript(block[1] ?? "", "the script in the user message");
  }
  return null;
}

// Neighbouring entries of the assistant are one turn; so are calls whose ids name the same one, however they are interleaved
// with their results.
/** @param {Conversation} conversation */
function turnOf({ entries, base = 0 }) {
  const last = entries.findLastIndex((entry) => entry.kind === "user" && entry.text.replace(REMINDER, "").trim() !== "");
  const seen = new Set();
  let turns = last >= 0 ? 0 : base;
  let open = false;
  for (const entry of entries.slice(last + 1)) {
    if (entry.kind !== "assistant") {
      if (entry.kind === "result") open = false;
      continue;
    }
    const known = entry.key != null && seen.has(entry.key);
    if (!open && !known) turns++;
    open = true;
    if (entry.key != null) seen.add(entry.key);
  }
  return turns;
}

/** The turn that an id made here belongs to. @param {unknown} id */
export function turnKey(id) {
  return typeof id === "string" ? (/_?(t\d+)_\d+_[0-9a-f]{12}$/.exec(id)?.[1] ?? null) : null;
}

// Frameworks put a prefix in front of a tool's name: `mcp__github__issue_read`, `github-issue_read`.
/** @param {string} name @param {string[]} tools */
function advertised(name, tools) {
  const ranks = [
    tools.filter((tool) => tool === name),
    tools.filter((tool) => new RegExp(`(__|[^A-Za-z0-9_])${escaped(name)}$`).test(tool)),
    tools.filter((tool) => tool.endsWith(name)),
  ];
  const found = [...new Set(ranks.find((rank) => rank.length > 0) ?? [])];
  if (found.length === 0) throw new Refusal(400, `the script calls \`${name}\`, and no advertised tool is called or ends like that (${tools.length} tools: ${tools.slice(0, 80).join(", ")})`);
  if (found.length > 1) throw new Refusal(400, `the script calls \`${name}\`, which fits ${found.join(", ")}: write the whole name`);
  return /** @type {string} */ (found[0]);
}

/** @param {string} text */
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

// `{{match:REGEX}}` stands for the last match (its first group, if it has one) in what the tools answered.
/** @param {unknown} value @param {Entry[]} entries @returns {unknown} */
function filled(value, entries) {
  if (Array.isArray(value)) return value.map((item) => filled(item, entries));
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, entries)]));
  if (typeof value !== "string") return value;
  return value.replace(/\{\{match:(.+?)\}\}/g, (_, pattern) => {
    const results = entries.filter((entry) => entry.kind === "result").map((entry) => entry.text);
    const found = [...results.join("\n").matchAll(new RegExp(pattern, "g"))].at(-1);
    if (!found) throw new Refusal(400, `the script wants \`${pattern}\`, which no tool result contains`);
    return found[1] ?? found[0];
  });
}

/** The pieces in which a text is streamed. @param {string} text */
export function pieces(text) {
  const size = Math.max(4, Math.ceil(text.length / 6));
  return Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size));
}

/** Text of a content that is a string or a list of parts. @param {any} content @returns {string} */
export function textOf(content) {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => (typeof part === "string" ? part : (part?.text ?? (Array.isArray(part?.content) ? textOf(part.content) : "")))).join("\n");
}

/** @param {unknown} ok @param {string} message @returns {asserts ok} */
export function need(ok, message) {
  if (!ok) throw new Refusal(400, message);
}

/** @param {string} prefix */
export const newId = (prefix) => `${prefix}${randomBytes(12).toString("hex")}`;
