import type { Environment } from "./env.js";

/**
 * Sends the HTTP requests of this process (fetch, undici, node:http, node:https) through the proxy that the environment names.
 * Node does not do it by itself. Answers whether it was done: false when no proxy is named or the runtime does it already.
 */
export async function routeThroughProxy(env: Environment = process.env): Promise<boolean> {
  // The hook acts when it is imported, so it is imported only here.
  const hook = await import("./proxy-hook.mjs");
  return hook.routeThroughProxy(env);
}
