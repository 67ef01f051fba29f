import { McpError } from "./errors.js";
import { createTwin } from "./twin.js";
import type { Twin } from "./twin.js";
import { readEnv } from "./env.js";
import { UnknownTwinError } from "./errors.js";

/** A tool as a twin lists it. */
export interface McpTool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

/** What a tool answered. */
export interface McpToolResult {
  readonly content: readonly { readonly type: string; readonly text?: string; readonly [key: string]: unknown }[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
  readonly [key: string]: unknown;
}

/** `mcpServers` of the Claude Agent SDK, and of files in that shape. */
export type ClaudeServers = Record<string, { type: "http"; url: string; headers: Record<string, string> }>;

/** Connection settings of the twins' MCP doors for the clients in use. */
export class Mcp {
  readonly #twins: ReadonlyMap<string, Twin>;

  constructor(twins: Iterable<Twin>) {
    this.#twins = new Map([...twins].map((twin) => [twin.name, twin]));
  }

  /** `mcpServers` of the Claude Agent SDK. */
  servers(): ClaudeServers {
    return this.#each((twin) => ({ type: "http" as const, url: twin.mcpUrl, headers: twin.headers }));
  }

  /** Options for `new MCPServerStreamableHttp(...)` of the OpenAI Agents SDK, one for each twin. */
  openaiAgents(): { name: string; url: string; requestInit: { headers: Record<string, string> }; cacheToolsList: true }[] {
    return [...this.#twins.values()].map((twin) => ({ name: twin.name, url: twin.mcpUrl, requestInit: { headers: twin.headers }, cacheToolsList: true }));
  }

  /** `mcpServers` of LangChain's `MultiServerMCPClient`. */
  langchain(): Record<string, { transport: "http"; url: string; headers: Record<string, string> }> {
    return this.#each((twin) => ({ transport: "http" as const, url: twin.mcpUrl, headers: twin.headers }));
  }

  /** Options for `createMCPClient(...)` of the Vercel AI SDK. */
  vercel(name: string): { name: string; transport: { type: "http"; url: string; headers: Record<string, string> } } {
    const twin = this.#one(name);
    return { name, transport: { type: "http", url: twin.mcpUrl, headers: twin.headers } };
  }

  /** Arguments for the official client's `new StreamableHTTPClientTransport(url, options)`. */
  transport(name: string): { url: URL; options: { requestInit: { headers: Record<string, string> } } } {
    const twin = this.#one(name);
    return { url: new URL(twin.mcpUrl), options: { requestInit: { headers: twin.headers } } };
  }

  /** A small client for one twin. */
  connect(name: string): Promise<McpClient> {
    return McpClient.connect(this.#one(name));
  }

  #each<T>(settings: (twin: Twin) => T): Record<string, T> {
    return Object.fromEntries([...this.#twins.values()].map((twin) => [twin.name, settings(twin)]));
  }

  #one(name: string): Twin {
    const twin = this.#twins.get(name);
    if (!twin) throw new UnknownTwinError(name, [...this.#twins.keys()]);
    return twin;
  }
}

/** The MCP doors of the run that this process belongs to. */
export function createMcp(env = readEnv()): Mcp {
  return new Mcp(Object.entries(env.twins).map(([name, address]) => createTwin(name, address)));
}

const CURRENT = "2025-11-25";
const SELF_CONTAINED = "2026-07-28";
const CLIENT = { name: "pome-harness", version: "0.1.0" };
const UNSUPPORTED_VERSION = -32022;

/**
 * A client that lists and calls tools over stateless HTTP. It speaks both generations of the protocol: requests that say of
 * themselves which version they are in, and the handshake before them.
 */
export class McpClient {
  readonly #twin: Twin;
  #generation: { kind: "self-contained" } | { kind: "handshake"; version: string; session: string | null } = { kind: "self-contained" };
  #next = 1;

  private constructor(twin: Twin) {
    this.#twin = twin;
  }

  /** Finds out which generation the twin speaks. */
  static async connect(twin: Twin, options: { generation?: "self-contained" | "handshake" } = {}): Promise<McpClient> {
    const client = new McpClient(twin);
    if (options.generation === "handshake") await client.#shakeHands();
    else {
      try {
        await client.#request("server/discover", {});
      } catch (error) {
        if (options.generation || !(error instanceof McpError) || error.code === undefined) throw error;
        await client.#shakeHands();
      }
    }
    return client;
  }

  /** Every tool of the twin, page by page. */
  async listTools(): Promise<McpTool[]> {
    const tools: McpTool[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#request("tools/list", cursor === undefined ? {} : { cursor });
      tools.push(...((page.tools as McpTool[] | undefined) ?? []));
      cursor = typeof page.nextCursor === "string" && page.nextCursor !== "" ? page.nextCursor : undefined;
    } while (cursor !== undefined);
    return tools;
  }

  /** Calls a tool. A tool that fails answers with `isError`; only the protocol throws. */
  async callTool(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<McpToolResult> {
    return (await this.#request("tools/call", { name, arguments: args })) as unknown as McpToolResult;
  }

  async #shakeHands(): Promise<void> {
    this.#generation = { kind: "handshake", version: CURRENT, session: null };
    const { protocolVersion } = await this.#request("initialize", { protocolVersion: CURRENT, capabilities: {}, clientInfo: CLIENT });
    if (typeof protocolVersion === "string") this.#generation.version = protocolVersion;
    await this.#post({ jsonrpc: "2.0", method: "notifications/initialized" });
  }

  async #request(method: string, params: Record<string, unknown>): Promise<Record<string, unknown>> {
    const id = this.#next++;
    const meta = { "io.modelcontextprotocol/protocolVersion": SELF_CONTAINED, "io.modelcontextprotocol/clientInfo": CLIENT, "io.modelcontextprotocol/clientCapabilities": {} };
    const body = this.#generation.kind === "self-contained" ? { ...params, _meta: meta } : params;
    const answer = await this.#post({ jsonrpc: "2.0", id, method, params: body });
    const message = answer.find((one) => one.id === id);
    if (message?.error) throw new McpError(`${this.#twin.name}: ${method}: ${message.error.message}`, { code: message.error.code });
    if (!message?.result) throw new McpError(`${this.#twin.name}: ${method} was not answered`);
    return message.result;
  }

  async #post(message: Record<string, unknown>): Promise<RpcAnswer[]> {
    const generation = this.#generation;
    const own: Record<string, string> = generation.kind === "self-contained" ? { "mcp-protocol-version": SELF_CONTAINED, "mcp-method": String(message.method) } : message.method === "initialize" ? {} : { "mcp-protocol-version": generation.version, ...(generation.session && { "mcp-session-id": generation.session }) };
    let answer: Response;
    try {
      answer = await fetch(this.#twin.mcpUrl, {
        method: "POST",
        headers: { ...this.#twin.headers, "content-type": "application/json", accept: "application/json, text/event-stream", ...own },
        body: JSON.stringify(message),
      });
    } catch (cause) {
      throw new McpError(`${this.#twin.name}: no answer from ${this.#twin.mcpUrl}`, { cause });
    }
    if (generation.kind === "handshake") generation.session ??= answer.headers.get("mcp-session-id");
    const text = await answer.text();
    const answers = answersIn(text, answer.headers.get("content-type") ?? "");
    // A refusal may come with an error status and still say in the protocol's words why.
    if (!answer.ok && !answers.some((one) => one.error)) {
      const code = answer.status === 400 || answer.status === 404 ? { code: UNSUPPORTED_VERSION } : {};
      throw new McpError(`${this.#twin.name}: ${this.#twin.mcpUrl} answered ${answer.status}: ${text.slice(0, 200)}`, code);
    }
    return answers;
  }
}

interface RpcAnswer {
  readonly id?: number | string | null;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string };
}

// One JSON message or several, alone or as the data of an event stream.
function answersIn(text: string, type: string): RpcAnswer[] {
  const documents = type.includes("text/event-stream")
    ? text.split(/\r?\n\r?\n/).map((event) => event.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).join("\n"))
    : [text];
  return documents.filter((document) => document.trim() !== "").flatMap((document) => {
    try {
      return JSON.parse(document) as RpcAnswer | RpcAnswer[];
    } catch {
      return [];
    }
  });
}
