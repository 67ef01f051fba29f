import { randomBytes, randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { currentToolUse, withinToolUse } from "./correlation.js";
import type { Environment } from "./env.js";
import { literalsOf, redact } from "./redact.js";
import type { Literals } from "./redact.js";

/** The use of a tool, before its handler runs. */
export interface ToolUse {
  /** The framework's own id; one is made when it has none. */
  readonly id?: string | undefined;
  readonly name: string;
  readonly input: unknown;
  /** `event_id` of the event that owns the turn, for the tools of a sub-agent. */
  readonly parentEventId?: string | null | undefined;
}

/** What a tool answered. */
export interface ToolResult {
  readonly id: string;
  readonly output: unknown;
  readonly isError?: boolean | undefined;
}

/** One answer of a model. What is not known stays away and is written as null. */
export interface LlmTurn {
  /** Counted from 0 in each conversation; the next one when it is not given. */
  readonly turnIndex?: number | undefined;
  /** Tells conversations apart where the index is counted for you. */
  readonly conversation?: string | undefined;
  readonly model?: string | null | undefined;
  readonly inputTokens?: number | null | undefined;
  readonly outputTokens?: number | null | undefined;
  readonly cacheReadInputTokens?: number | null | undefined;
  readonly cacheCreationInputTokens?: number | null | undefined;
  readonly finishReasons?: readonly string[] | null | undefined;
  readonly latencyMs: number;
  readonly latencyMsEstimated?: boolean | undefined;
  readonly sessionId?: string | null | undefined;
}

/** A hook of a framework that fired. */
export interface Hook {
  readonly name: string;
  readonly toolName?: string | null | undefined;
  readonly toolUseId?: string | null | undefined;
}

/** Writes the supplemental events of an agent, one line each. Without a path nothing is written and nothing fails. */
export class Signals {
  readonly path: string | null;
  readonly #literals: Literals;
  readonly #uses = new Map<string, string>();
  readonly #turns = new Map<string, number>();
  readonly #spawned = new Map<string, string>();
  #isBroken = false;

  constructor(options: { path: string | null; secrets?: Iterable<string | undefined | null> }) {
    this.path = options.path;
    this.#literals = literalsOf(options.secrets ?? []);
  }

  /** Whether events are written. */
  get isOn(): boolean {
    return this.path !== null;
  }

  /** Announces the use of a tool; answers its id. */
  toolUse(use: ToolUse): string {
    const id = use.id || newToolUseId();
    const eventId = this.#write("ToolUseEvent", use.parentEventId ?? null, { tool_use_id: id, tool_name: use.name, input: use.input ?? null });
    this.#uses.set(id, eventId);
    this.#nextMillisecond();
    return id;
  }

  toolResult(result: ToolResult): void {
    const { id, output, isError = false } = result;
    this.#write("ToolResultEvent", this.#uses.get(id) ?? null, { tool_use_id: id, output: output ?? null, is_error: isError });
  }

  llmTurn(turn: LlmTurn): void {
    const conversation = turn.conversation ?? turn.sessionId ?? "";
    const index = turn.turnIndex ?? this.#turns.get(conversation) ?? 0;
    this.#turns.set(conversation, index + 1);
    this.#write("LlmTurnEvent", null, {
      turn_index: index,
      model: turn.model ?? null,
      input_tokens: count(turn.inputTokens),
      output_tokens: count(turn.outputTokens),
      cache_read_input_tokens: count(turn.cacheReadInputTokens),
      cache_creation_input_tokens: count(turn.cacheCreationInputTokens),
      finish_reasons: turn.finishReasons ?? null,
      latency_ms: count(turn.latencyMs) ?? 0,
      latency_ms_estimated: turn.latencyMsEstimated ?? false,
      session_id: turn.sessionId ?? null,
    });
  }

  hook(hook: Hook): void {
    this.#write("HookEvent", null, { hook_name: hook.name, tool_name: hook.toolName ?? null, causing_tool_use_id: hook.toolUseId ?? null });
  }

  /** A sub-agent begins; once for each tool use that starts one. Answers the `event_id` that its tools have as parent. */
  subagentSpawn(spawn: { parentToolUseId: string }): string {
    const known = this.#spawned.get(spawn.parentToolUseId);
    if (known) return known;
    const eventId = this.#write("SubagentSpawnEvent", this.#uses.get(spawn.parentToolUseId) ?? null, { parent_tool_use_id: spawn.parentToolUseId });
    this.#spawned.set(spawn.parentToolUseId, eventId);
    return eventId;
  }

  /** `event_id` of the sub-agent that a tool use has started; null when it has started none. */
  subagentOf(toolUseId: string): string | null {
    return this.#spawned.get(toolUseId) ?? null;
  }

  /** Runs a tool: use, run, result. While it runs, requests to twins carry its id. An error is recorded and thrown again. */
  async tool<T>(name: string, input: unknown, fn: (id: string) => T | Promise<T>, options: { id?: string | undefined; parentEventId?: string | null | undefined } = {}): Promise<T> {
    const id = this.toolUse({ ...options, name, input });
    try {
      const output = await withinToolUse(id, () => fn(id));
      // MCP tools answer a failure instead of throwing it.
      this.toolResult({ id, output, isError: typeof output === "object" && output !== null && (output as { isError?: unknown }).isError === true });
      return output;
    } catch (error) {
      this.toolResult({ id, output: error instanceof Error ? error.message : String(error), isError: true });
      throw error;
    }
  }

  /** Runs a function as part of a tool use that was announced before. */
  within<T>(id: string, fn: () => T): T {
    return withinToolUse(id, fn);
  }

  /** The tool use that is running here, if one is. */
  current(): string | undefined {
    return currentToolUse();
  }

  #write(kind: string, parent: string | null, fields: Record<string, unknown>): string {
    const eventId = randomUUID();
    if (this.path === null) return eventId;
    // Field by field, so that a field called `token` would be the caller's, not ours.
    const clean = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, redact(value, this.#literals)]));
    const row = { ts: new Date().toISOString(), event_id: eventId, parent_event_id: parent, kind, ...clean };
    try {
      // One write in append mode: rows of other processes cannot get in between.
      appendFileSync(this.path, `${JSON.stringify(row)}\n`);
    } catch (error) {
      if (!this.#isBroken) process.stderr.write(`warning: signals are not recorded: ${error instanceof Error ? error.message : String(error)}\n`);
      this.#isBroken = true;
    }
    return eventId;
  }

  // Events are put in order by their milliseconds. A twin on the same machine can answer within the millisecond in which the
  // tool use was written, and would then seem to have been called before it.
  #nextMillisecond(): void {
    if (this.path === null) return;
    // Not by looking at the clock: a test may have stopped it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

/** Tells apart tool uses of frameworks that have no ids. */
export function newToolUseId(): string {
  return `tlc_${randomBytes(4).toString("hex")}`;
}

function count(value: number | null | undefined): number | null {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? Math.round(value) : null;
}

const SECRET_VARIABLE = /^(POME_(AUTH_TOKEN|API_KEY|[A-Z0-9_]+_(TOKEN|API_KEY))|[A-Z0-9_]+_API_KEY|CLAUDE_CODE_OAUTH_TOKEN)$/;

/** The signals of the run that the variables describe. */
export function createSignals(env: Environment = process.env): Signals {
  const secrets = Object.entries(env).flatMap(([name, value]) => (SECRET_VARIABLE.test(name) ? [value] : []));
  return new Signals({ path: env.POME_ADAPTER_SIGNALS_PATH || null, secrets });
}

let shared: { key: string; signals: Signals } | undefined;

/** The signals of this process: the same object for everyone who asks, as long as the variables stay the same. */
export function processSignals(): Signals {
  const key = `${process.env.POME_ADAPTER_SIGNALS_PATH ?? ""}\n${process.env.POME_AUTH_TOKEN ?? ""}`;
  if (shared?.key !== key) shared = { key, signals: createSignals() };
  return shared.signals;
}
