import { isTwinUrl } from "../correlation.js";
import type { Signals } from "../signals.js";
import { ClaudeTrace } from "./claude-trace.js";
import { fieldsOf, signalsOf } from "./common.js";
import type { InstrumentOptions } from "./common.js";
import { openRelay } from "./mcp-relay.js";
import type { Relay } from "./mcp-relay.js";

/**
 * Wraps `query` of the Claude Agent SDK: turns, uses of tools, their results, hooks and sub-agents are recorded. The program
 * behind the SDK talks to MCP servers itself, so its requests to twins go through a relay in this process that puts the id of
 * the tool use on them.
 *
 *     const ask = instrument(query);
 *     for await (const message of ask({ prompt, options })) ...
 */
export function instrument<Query extends (parameters: any) => any>(query: Query, options: InstrumentOptions = {}): Query {
  const signals = signalsOf(options);
  return ((parameters: Parameters<Query>[0]) => wrapped(query, parameters as QueryParameters, signals)) as unknown as Query;
}

interface QueryParameters {
  readonly prompt: unknown;
  readonly options?: QueryOptions;
}

interface QueryOptions {
  readonly mcpServers?: Record<string, { type?: string; url?: string }>;
  readonly hooks?: Record<string, unknown[]>;
  readonly includePartialMessages?: boolean;
  readonly forwardSubagentText?: boolean;
  readonly [key: string]: unknown;
}

type Messages = AsyncGenerator<unknown, void>;

function wrapped(query: (parameters: unknown) => unknown, { prompt, options = {} }: QueryParameters, signals: Signals): Messages {
  const trace = new ClaudeTrace(signals);
  const queue = new Queue();
  let relay: Relay | undefined;
  const started = (async () => {
    relay = await openRelay((call) => trace.find(call));
    // Parts of messages tell when a turn is over and what it cost, and the words of sub-agents which turns they had; both are
    // shown only to who asked for them.
    const own = { ...options, includePartialMessages: true, forwardSubagentText: true, mcpServers: relayed(options.mcpServers, relay), hooks: trace.hooks(options.hooks) };
    return query({ prompt, options: own }) as Messages;
  })();
  const isHidden = (message: unknown) => (isPart(message) && options.includePartialMessages !== true) || (isSubagentText(message) && options.forwardSubagentText !== true);
  // Read as fast as it comes, whatever the caller does between two messages: a turn has to be recorded before its tools.
  void started
    .then(async (messages) => {
      for await (const message of messages) {
        trace.observe(message);
        if (!isHidden(message)) queue.push(message);
      }
      queue.end();
    })
    .catch((error: unknown) => queue.fail(error))
    .finally(() => relay?.close());
  const iterator: Record<string | symbol, unknown> = {
    next: () => queue.next(),
    return: async (value: unknown) => {
      queue.end();
      await (await started).return(undefined);
      return { done: true, value };
    },
    throw: async (error: unknown) => {
      queue.fail(error);
      return (await started).throw(error);
    },
    [Symbol.asyncIterator]: () => proxy,
  };
  // Everything else that a query can do (`interrupt`, `setModel`) is handed on when it has begun.
  const proxy: Messages = new Proxy(iterator, {
    get(target, name) {
      if (name in target || typeof name === "symbol" || name === "then") return target[name];
      return async (...args: unknown[]) => {
        const messages = (await started) as unknown as Record<string, (...all: unknown[]) => unknown>;
        return messages[name]?.(...args);
      };
    },
  }) as unknown as Messages;
  return proxy;
}

function isPart(message: unknown): boolean {
  return fieldsOf(message)?.type === "stream_event";
}

function isSubagentText(value: unknown): boolean {
  const { type, parent_tool_use_id: parent, message } = fieldsOf(value) ?? {};
  if (typeof parent !== "string" || (type !== "assistant" && type !== "user")) return false;
  const content = fieldsOf(message)?.content;
  return !Array.isArray(content) || !content.some((block: unknown) => /^tool_(use|result)$/.test(String(fieldsOf(block)?.type)));
}

function relayed(servers: QueryOptions["mcpServers"], relay: Relay): QueryOptions["mcpServers"] {
  if (!servers) return servers;
  return Object.fromEntries(
    Object.entries(servers).map(([name, server]) => [name, server.type === "http" && server.url && isTwinUrl(server.url) ? { ...server, url: relay.urlFor(server.url) } : server]),
  );
}

/** What was read and not yet asked for. */
class Queue {
  readonly #messages: unknown[] = [];
  #waiting: (() => void) | undefined;
  #end: { error?: unknown } | undefined;

  push(message: unknown): void {
    if (this.#end) return;
    this.#messages.push(message);
    this.#waiting?.();
  }

  end(): void {
    this.#end ??= {};
    this.#waiting?.();
  }

  fail(error: unknown): void {
    this.#end ??= { error };
    this.#waiting?.();
  }

  async next(): Promise<IteratorResult<unknown, void>> {
    while (this.#messages.length === 0 && !this.#end) await new Promise<void>((resolve) => (this.#waiting = resolve));
    if (this.#messages.length > 0) return { done: false, value: this.#messages.shift() };
    if (this.#end && "error" in this.#end) {
      const { error } = this.#end;
      this.#end = {};
      throw error;
    }
    return { done: true, value: undefined };
  }
}
