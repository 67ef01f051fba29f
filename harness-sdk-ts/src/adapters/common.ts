import { randomUUID } from "node:crypto";
import type { LlmTurn, Signals } from "../signals.js";
import { processSignals } from "../signals.js";

/** What every adapter takes beside what it wraps. */
export interface InstrumentOptions {
  /** Where events go; those of the run by default. */
  readonly signals?: Signals | undefined;
}

/** The signals to use. */
export function signalsOf(options: InstrumentOptions): Signals {
  return options.signals ?? processSignals();
}

/** The event that owns a tool use which begins now: the sub-agent around it, if there is one. */
export function ownerOf(signals: Signals): string | null {
  const outer = signals.current();
  return outer === undefined ? null : signals.subagentOf(outer);
}

/** Records the turns of one conversation. A model that is asked while a tool runs is that of a sub-agent. */
export class Turns {
  readonly #signals: Signals;
  readonly #conversation = randomUUID();

  constructor(signals: Signals) {
    this.#signals = signals;
  }

  /** Starts the clock of a turn; the answer ends it. */
  begin(): (turn: Omit<LlmTurn, "latencyMs" | "conversation">) => void {
    const began = performance.now();
    const outer = this.#signals.current();
    if (outer !== undefined) this.#signals.subagentSpawn({ parentToolUseId: outer });
    const conversation = `${this.#conversation}/${outer ?? ""}`;
    return (turn) => this.#signals.llmTurn({ ...turn, conversation, latencyMs: performance.now() - began });
  }
}

/** An object of unknown shape, or null. */
export function fieldsOf(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
}

export function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

export function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** The parsed JSON of a text, or what was given. */
export function parsedOf(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
