import type { Signals } from "../signals.js";
import { fieldsOf, numberOf, textOf } from "./common.js";
import type { FindToolUse } from "./mcp-relay.js";

/** Hooks that become events. */
const HOOKS = ["PreToolUse", "PostToolUse", "PostToolUseFailure", "SubagentStart", "SubagentStop", "PreCompact", "Stop"];

/** How long a tool waits for the end of the turn that called it, so that the turn is recorded first. */
const TURN_WITHIN_MS = 1000;

interface Stream {
  messageId: string | null;
  model: string | null;
  usage: Record<string, unknown>;
  stopReason: string | null;
  began: number;
}

interface Use {
  readonly name: string;
  readonly input: string;
  isOpen: boolean;
  hasCalled: boolean;
}

type HookCallback = (input: Record<string, unknown>, id: string | undefined) => Promise<Record<string, unknown>>;

/** Turns what the Claude Agent SDK shows, messages and hooks, into events. */
export class ClaudeTrace {
  readonly #signals: Signals;
  /** One for each conversation: the main one under the empty name, sub-agents under the tool use that started them. */
  readonly #streams = new Map<string, Stream>();
  readonly #owners = new Map<string, string>();
  readonly #uses = new Map<string, Use>();
  readonly #turned = new Map<string, Gate>();
  readonly #recorded = new Set<string>();
  #boundary = performance.now();

  constructor(signals: Signals) {
    this.#signals = signals;
  }

  /** The caller's hooks and ours. */
  hooks(own: Record<string, unknown[]> = {}): Record<string, unknown[]> {
    const added = HOOKS.map((name): [string, unknown[]] => [name, [...(own[name] ?? []), { hooks: [this.#hook(name)] }]]);
    return { ...own, ...Object.fromEntries(added) };
  }

  /** The tool use behind an MCP call: the program says it, and an older one is told by tool and arguments. */
  find: FindToolUse = ({ meta, tool, args }) => {
    const named = textOf(meta?.["claudecode/toolUseId"]);
    const use = named ? this.#uses.get(named) : undefined;
    if (named) {
      if (use) use.hasCalled = true;
      return named;
    }
    const input = JSON.stringify(args ?? {});
    for (const [id, candidate] of this.#uses) {
      if (!candidate.isOpen || candidate.hasCalled || candidate.input !== input || !candidate.name.endsWith(`__${tool}`)) continue;
      candidate.hasCalled = true;
      return id;
    }
    return undefined;
  };

  /** A message of the SDK. */
  observe(value: unknown): void {
    const message = fieldsOf(value);
    if (!message) return;
    const parent = textOf(message.parent_tool_use_id) ?? "";
    if (parent !== "") this.#signals.subagentSpawn({ parentToolUseId: parent });
    const session = textOf(message.session_id);
    if (message.type === "stream_event") this.#part(fieldsOf(message.event) ?? {}, parent, session);
    if (message.type === "assistant") this.#whole(fieldsOf(message.message) ?? {}, parent, session);
    if (message.type === "user") this.#results(fieldsOf(message.message) ?? {});
  }

  #part(event: Record<string, unknown>, parent: string, session: string | null): void {
    const stream = this.#streams.get(parent);
    switch (event.type) {
      case "message_start": {
        const start = fieldsOf(event.message) ?? {};
        this.#streams.set(parent, { messageId: textOf(start.id), model: textOf(start.model), usage: fieldsOf(start.usage) ?? {}, stopReason: null, began: this.#boundary });
        break;
      }
      case "content_block_start": {
        const block = fieldsOf(event.content_block);
        if (block?.type === "tool_use" && typeof block.id === "string") this.#owner(block.id, parent);
        break;
      }
      case "message_delta":
        if (!stream) break;
        // Absent and null both mean: as said at the start.
        stream.usage = { ...stream.usage, ...Object.fromEntries(Object.entries(fieldsOf(event.usage) ?? {}).filter(([, count]) => count !== null)) };
        stream.stopReason = textOf(fieldsOf(event.delta)?.stop_reason);
        break;
      case "message_stop":
        if (stream) this.#turn(stream, parent, session);
        break;
    }
  }

  // A message without parts: an older program, or one that does not stream. Blocks of one message come one by one.
  #whole(message: Record<string, unknown>, parent: string, session: string | null): void {
    const id = textOf(message.id);
    for (const block of blocksOf(message)) if (block.type === "tool_use" && typeof block.id === "string") this.#owner(block.id, parent);
    const isStreamed = this.#streams.get(parent)?.messageId === id;
    if (!id || isStreamed || this.#recorded.has(id) || message.model === "<synthetic>") return;
    const stopReason = textOf(message.stop_reason);
    // Without a reason to stop the message is as it was at its start: what it cost to write is not known.
    const usage = { ...fieldsOf(message.usage), ...(stopReason === null && { output_tokens: null }) };
    this.#turn({ messageId: id, model: textOf(message.model), usage, stopReason, began: this.#boundary }, parent, session);
  }

  #turn(stream: Stream, parent: string, session: string | null): void {
    if (stream.messageId) {
      if (this.#recorded.has(stream.messageId)) return;
      this.#recorded.add(stream.messageId);
    }
    const { usage } = stream;
    this.#signals.llmTurn({
      conversation: `${session ?? ""}/${parent}`,
      model: stream.model,
      inputTokens: numberOf(usage.input_tokens),
      outputTokens: numberOf(usage.output_tokens),
      cacheReadInputTokens: numberOf(usage.cache_read_input_tokens),
      cacheCreationInputTokens: numberOf(usage.cache_creation_input_tokens),
      finishReasons: stream.stopReason ? [stream.stopReason] : null,
      latencyMs: performance.now() - stream.began,
      // The program does not say when it sent the request.
      latencyMsEstimated: true,
      sessionId: session,
    });
    for (const [id, owner] of this.#owners) if (owner === parent) this.#gate(id).open();
    this.#boundary = performance.now();
  }

  #owner(toolUseId: string, parent: string): void {
    this.#owners.set(toolUseId, parent);
    // Seen in a message that is recorded already: nothing to wait for.
    if (!this.#streams.has(parent)) this.#gate(toolUseId).open();
  }

  #gate(id: string): Gate {
    const gate = this.#turned.get(id) ?? new Gate();
    this.#turned.set(id, gate);
    return gate;
  }

  #hook(name: string): HookCallback {
    return async (input, toolUseId) => {
      const id = textOf(input.tool_use_id) ?? toolUseId;
      if (name === "PreToolUse" && id !== undefined) await this.#begin(id, input);
      this.#signals.hook({ name, toolName: textOf(input.tool_name), toolUseId: id ?? null });
      if (name === "PostToolUse" && id !== undefined) this.#end(id, input.tool_response, false);
      if (name === "PostToolUseFailure" && id !== undefined) this.#end(id, input.error, true);
      return {};
    };
  }

  async #begin(id: string, input: Record<string, unknown>): Promise<void> {
    await this.#gate(id).wait(TURN_WITHIN_MS);
    const owner = this.#owners.get(id) ?? "";
    const parentEventId = owner === "" ? null : this.#signals.subagentSpawn({ parentToolUseId: owner });
    const name = textOf(input.tool_name) ?? "unknown";
    this.#uses.set(id, { name, input: JSON.stringify(input.tool_input ?? {}), isOpen: true, hasCalled: false });
    this.#signals.toolUse({ id, name, input: input.tool_input, parentEventId });
  }

  #end(id: string, output: unknown, isError: boolean): void {
    const use = this.#uses.get(id);
    if (!use?.isOpen) return;
    use.isOpen = false;
    this.#signals.toolResult({ id, output, isError });
    this.#boundary = performance.now();
  }

  // A tool that was refused permission has no hook for its end; its result is still in the conversation.
  #results(message: Record<string, unknown>): void {
    for (const block of blocksOf(message)) {
      if (block.type === "tool_result" && typeof block.tool_use_id === "string") this.#end(block.tool_use_id, block.content, block.is_error === true);
    }
  }
}

function blocksOf(message: Record<string, unknown>): Record<string, unknown>[] {
  return Array.isArray(message.content) ? message.content.map((block: unknown) => fieldsOf(block) ?? {}) : [];
}

/** Opens once; who waits does so for a bounded time. */
class Gate {
  #resolve: () => void = () => undefined;
  readonly #opened = new Promise<void>((resolve) => (this.#resolve = resolve));

  open(): void {
    this.#resolve();
  }

  async wait(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
    await Promise.race([this.#opened, late]);
    clearTimeout(timer);
  }
}
