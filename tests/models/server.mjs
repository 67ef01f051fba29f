// A model that follows a script, in the shapes of OpenAI (chat completions, responses) and Anthropic (messages).
//
//   node tests/models/server.mjs [--port 0] [--host 127.0.0.1] [--script FILE] [--tls-cert FILE --tls-key FILE]
//
// Prints one line `listening on http://127.0.0.1:PORT`. Only Node's standard library is used.
import { readFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer as createHttps } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import * as anthropic from "./anthropic.mjs";
import * as chat from "./openai-chat.mjs";
import * as responses from "./openai-responses.mjs";
import { newId, parseScript, Refusal, reply } from "./script.mjs";

const DOORS = /** @type {Record<string, any>} */ ({ "/chat/completions": chat, "/responses": responses, "/messages": anthropic });
const SECRET = new Set(["authorization", "x-api-key", "api-key", "cookie", "proxy-authorization"]);
const KEPT = 2000;

/**
 * Starts the server on the loopback interface. Another of its addresses, such as 127.0.0.2, is one that NO_PROXY does not name.
 * @param {{ port?: number, host?: string, script?: import("./script.mjs").Script | null, tls?: { cert: string | Buffer, key: string | Buffer } }} [options]
 */
export async function startModelServer({ port = 0, host = "127.0.0.1", script = null, tls } = {}) {
  /** @type {any[]} */
  const requests = [];
  const listener = (/** @type {any} */ request, /** @type {any} */ response) => {
    serve(request, response, script, requests).catch((error) => {
      if (!response.headersSent) send(response, error instanceof Refusal ? error.status : 500, { error: { message: String(error?.message ?? error), type: "server_error" } });
      else response.destroy();
    });
  };
  const server = tls ? createHttps(tls, listener) : createHttp(listener);
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(undefined));
  });
  const { port: bound } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `${tls ? "https" : "http"}://${host}:${bound}`,
    port: bound,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve(undefined));
        server.closeAllConnections();
      }),
  };
}

/** @param {any} request @param {any} response @param {import("./script.mjs").Script | null} script @param {any[]} requests */
async function serve(request, response, script, requests) {
  const url = new URL(request.url, "http://model");
  const path = url.pathname.replace(/^\/v1(?=\/)/, "");
  if (path === "/_requests") {
    if (request.method === "DELETE") requests.length = 0;
    return send(response, 200, requests);
  }
  const text = await received(request);
  let body;
  try {
    body = text === "" ? null : JSON.parse(text);
  } catch {
    body = undefined;
  }
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, SECRET.has(name) ? "[REDACTED]" : value]));
  requests.push({ at: new Date().toISOString(), method: request.method, path: url.pathname, headers, body: body ?? text });
  if (requests.length > KEPT) requests.shift();

  const isAnthropic = path.startsWith("/messages") || "anthropic-version" in request.headers;
  const door = isAnthropic ? anthropic : chat;
  try {
    if (path === "/") return send(response, 200, { object: "scripted model server" });
    if (!request.headers.authorization && !request.headers["x-api-key"]) throw new Refusal(401, "no API key provided", isAnthropic ? "authentication_error" : "invalid_request_error");
    if (request.method === "GET" && /^\/models(\/|$)/.test(path)) return send(response, 200, models(path.slice("/models/".length), isAnthropic));
    const conversationDoor = DOORS[path];
    if (request.method !== "POST" || !(conversationDoor || path === "/messages/count_tokens")) {
      throw new Refusal(404, `unknown request: ${request.method} ${url.pathname}`, isAnthropic ? "not_found_error" : "invalid_request_error");
    }
    if (body === null || typeof body !== "object") throw new Refusal(400, "the body is not a JSON object");
    if (!conversationDoor) return send(response, 200, anthropic.countTokens(body));
    const conversation = conversationDoor.read(body);
    const answer = reply(conversation, script);
    if (answer.delay > 0) await pause(answer.delay);
    if (!conversation.stream) return send(response, 200, conversationDoor.whole(body, answer));
    await streamed(response, conversationDoor.stream(body, answer));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    send(response, error.status, door.refused(error));
  }
}

/** @param {any} request */
async function received(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

/** @param {any} response @param {number} status @param {unknown} value */
function send(response, status, value) {
  const id = newId("req_");
  response.writeHead(status, { "content-type": "application/json", "x-request-id": id, "request-id": id });
  response.end(JSON.stringify(value));
}

/** @param {any} response @param {Iterable<{ event?: string, data: unknown }>} events */
async function streamed(response, events) {
  const id = newId("req_");
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", "x-request-id": id, "request-id": id });
  for (const { event, data } of events) {
    response.write(`${event ? `event: ${event}\n` : ""}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
    // Each event leaves on its own, so that a client meets borders that are not those of its buffer.
    await pause(0);
  }
  response.end();
}

/** @param {string} id @param {boolean} isAnthropic */
function models(id, isAnthropic) {
  const known = isAnthropic ? ["claude-sonnet-4-5", "claude-haiku-4-5"] : ["gpt-4.1", "gpt-4o-mini"];
  const one = (/** @type {string} */ name) =>
    isAnthropic
      ? { type: "model", id: name, display_name: name, created_at: "2025-01-01T00:00:00Z" }
      : { id: name, object: "model", created: 1735689600, owned_by: "scripted" };
  if (id) return one(decodeURIComponent(id));
  const data = known.map(one);
  return isAnthropic ? { data, has_more: false, first_id: known[0], last_id: known.at(-1) } : { object: "list", data };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const { values } = parseArgs({
      options: { port: { type: "string", default: "0" }, host: { type: "string", default: "127.0.0.1" }, script: { type: "string" }, "tls-cert": { type: "string" }, "tls-key": { type: "string" } },
    });
    const { script, "tls-cert": cert, "tls-key": key } = values;
    if (!cert !== !key) throw new Error("--tls-cert and --tls-key belong together");
    const { url } = await startModelServer({
      port: Number(values.port),
      host: values.host,
      script: script ? parseScript(readFileSync(script, "utf8"), script) : null,
      ...(cert && key && { tls: { cert: readFileSync(cert), key: readFileSync(key) } }),
    });
    console.log(`listening on ${url}`);
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(0));
  } catch (error) {
    console.error(`error: ${/** @type {Error} */ (error).message}`);
    process.exit(1);
  }
}
