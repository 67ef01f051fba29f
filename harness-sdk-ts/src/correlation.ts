// Puts the id of the tool use that is running on every request to a twin, so that the trace knows which tool made which call.
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import { Agent } from "node:http";
import type { ClientRequest } from "node:http";
import type { Environment } from "./env.js";

/** The header that carries the id. */
export const CORRELATION_HEADER = "x-pome-correlation-id";

const running = new AsyncLocalStorage<string>();
const INSTALLED = Symbol.for("pome.correlation.installed");

/** Runs a function as the body of a tool use: its requests to twins carry the id. */
export function withinToolUse<T>(id: string, fn: () => T): T {
  install();
  return running.run(id, fn);
}

/** The tool use that is running here, if one is. */
export function currentToolUse(): string | undefined {
  return running.getStore();
}

/** The origins of the twins that the variables name; nothing else ever gets the header. */
export function twinOrigins(env: Environment = process.env): ReadonlySet<string> {
  const origins = new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    if (value && /^POME_[A-Z0-9_]+_(REST|MCP)_URL$/.test(name) && URL.canParse(value)) origins.add(new URL(value).origin);
  }
  return origins;
}

// Extra origins: twins that a test started, which no variable names.
const added = new Map<string, number>();

/** Lets requests to this address carry the header as well; the answer takes it back. */
export function addTwinOrigin(url: string): () => void {
  const { origin } = new URL(url);
  added.set(origin, (added.get(origin) ?? 0) + 1);
  return () => {
    const left = (added.get(origin) ?? 1) - 1;
    if (left > 0) added.set(origin, left);
    else added.delete(origin);
  };
}

function idFor(origin: string): string | undefined {
  const id = running.getStore();
  return id !== undefined && (added.has(origin) || twinOrigins().has(origin)) ? id : undefined;
}

interface UndiciRequest {
  origin: string | URL;
  headers: string | readonly unknown[];
  addHeader(name: string, value: string): unknown;
}

function install(): void {
  const slots = globalThis as unknown as Record<symbol, boolean>;
  if (slots[INSTALLED]) return;
  slots[INSTALLED] = true;
  if ("bun" in process.versions || "deno" in process.versions) wrapFetch();
  // fetch and every copy of undici announce their requests here.
  else subscribe("undici:request:create", (message) => stampUndici((message as { request: UndiciRequest }).request));
  stampHttp();
}

function stampUndici(request: UndiciRequest): void {
  const id = idFor(originOf(String(request.origin)));
  const headers = typeof request.headers === "string" ? request.headers : request.headers.join("\n");
  if (id !== undefined && !headers.toLowerCase().includes(CORRELATION_HEADER)) request.addHeader(CORRELATION_HEADER, id);
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}

interface AgentInternals {
  addRequest(request: ClientRequest, ...rest: unknown[]): unknown;
}

// Every request of node:http and node:https passes its agent, while its headers can still be set.
function stampHttp(): void {
  const prototype = Agent.prototype as unknown as AgentInternals;
  const addRequest = prototype.addRequest;
  if (typeof addRequest !== "function") return;
  prototype.addRequest = function (request, ...rest) {
    const host = request.getHeader("host");
    const id = host ? idFor(originOf(`${request.protocol}//${String(host)}`)) : undefined;
    if (id !== undefined && !request.headersSent && !request.hasHeader(CORRELATION_HEADER)) request.setHeader(CORRELATION_HEADER, id);
    return addRequest.call(this, request, ...rest);
  };
}

function wrapFetch(): void {
  const original = globalThis.fetch;
  const stamped = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const id = idFor(originOf(input instanceof Request ? input.url : String(input)));
    if (id === undefined) return original(input, init);
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
    if (!headers.has(CORRELATION_HEADER)) headers.set(CORRELATION_HEADER, id);
    return original(input, { ...init, headers });
  };
  globalThis.fetch = Object.assign(stamped, original) as typeof fetch;
}

/** Whether an address belongs to a twin. */
export function isTwinUrl(url: string): boolean {
  const origin = originOf(url);
  return added.has(origin) || twinOrigins().has(origin);
}
