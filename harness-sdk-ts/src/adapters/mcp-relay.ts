// Stands between a program that makes its own MCP requests and the twins, and puts the id of the tool use on each call.
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CORRELATION_HEADER } from "../correlation.js";
import { fieldsOf, textOf } from "./common.js";

/** A relay on the loopback interface. */
export interface Relay {
  /** The address under which a target is reached through the relay. */
  urlFor(target: string): string;
  close(): void;
}

/** The tool use that a call belongs to, by what the call says. */
export type FindToolUse = (call: { meta: Record<string, unknown> | null; tool: string; args: unknown }) => string | undefined;

/** Starts a relay. */
export async function openRelay(find: FindToolUse): Promise<Relay> {
  const targets: string[] = [];
  const server: Server = createServer((request, response) => {
    const target = targets[Number((request.url ?? "").slice(1).split(/[/?]/)[0])];
    if (target === undefined) return void response.writeHead(404).end();
    forward(request, response, target, find).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(502, { "content-type": "text/plain" });
      response.end(error instanceof Error ? error.message : String(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve());
  });
  server.unref();
  const { port } = server.address() as AddressInfo;
  return {
    urlFor: (target) => `http://127.0.0.1:${port}/${targets.push(target) - 1}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

// Headers that belong to one connection, not to the message.
const OWN = new Set(["host", "connection", "keep-alive", "content-length", "transfer-encoding", "accept-encoding", "content-encoding"]);

async function forward(request: IncomingMessage, response: ServerResponse, target: string, find: FindToolUse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (!OWN.has(name) && value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  const id = toolUseOf(body, find);
  if (id !== undefined) headers.set(CORRELATION_HEADER, id);
  const method = request.method ?? "POST";
  const answer = await fetch(target, { method, headers, ...(method !== "GET" && method !== "HEAD" && { body }) });
  response.writeHead(answer.status, Object.fromEntries([...answer.headers].filter(([name]) => !OWN.has(name))));
  response.end(Buffer.from(await answer.arrayBuffer()));
}

function toolUseOf(body: Buffer, find: FindToolUse): string | undefined {
  let message: unknown;
  try {
    message = JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
  const { method, params } = fieldsOf(Array.isArray(message) ? message[0] : message) ?? {};
  const fields = fieldsOf(params);
  if (method !== "tools/call" || !fields) return undefined;
  return find({ meta: fieldsOf(fields._meta), tool: textOf(fields.name) ?? "", args: fields.arguments });
}
