// Sends the HTTP requests of this process through the proxy that the environment names, which Node does not do by itself.
//
// Stands alone: `node --import ./proxy-hook.mjs agent.js` is enough, and so is importing it. Nothing happens unless HTTPS_PROXY
// or HTTP_PROXY is set; NO_PROXY is honoured. Covered are fetch, undici's global dispatcher (Node's own and npm's, they share
// it) and every agent of node:http and node:https. A dispatcher or agent that makes its own connections keeps doing so.
//
// Plain HTTP is tunnelled with CONNECT as well, because a proxy that only tunnels cannot do anything else.
import * as http from "node:http";
import * as https from "node:https";
import * as net from "node:net";
import * as tls from "node:tls";

/**
 * @typedef {{ http: URL | null, https: URL | null, isDirect: (host: string, port: number) => boolean }} Routes
 * @typedef {{ hostname?: string, host?: string, port?: string | number, protocol?: string, servername?: string | null }} Target
 */

const INSTALLED = Symbol.for("pome.proxy.installed");
const ANSWER_WITHIN_MS = 60_000;
const slots = /** @type {Record<symbol, any>} */ (/** @type {unknown} */ (globalThis));

/** A proxy that did not open a tunnel. `status` is its answer, 0 when there was none. */
export class ProxyTunnelError extends Error {
  /**
   * @param {string} message
   * @param {number} status
   * @param {unknown} [cause]
   */
  constructor(message, status, cause) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ProxyTunnelError";
    this.code = "ERR_PROXY_TUNNEL";
    this.status = status;
  }
}

/**
 * Routes this process. Answers whether it is routed: false when no proxy is named, or when the runtime does it itself.
 * @param {Record<string, string | undefined>} [env]
 * @returns {boolean}
 */
export function routeThroughProxy(env = process.env) {
  const routes = readRoutes(env);
  if (!routes.http && !routes.https) return false;
  // Bun and Deno honour the variables.
  if ("bun" in process.versions || "deno" in process.versions) return false;
  // Once only, and a later call with other variables wins.
  const before = slots[INSTALLED];
  slots[INSTALLED] = routes;
  if (before) return true;
  routeAgents();
  routeDispatchers();
  return true;
}

/**
 * What the variables say. The lower-case spelling wins, as in curl.
 * @param {Record<string, string | undefined>} env
 * @returns {Routes}
 */
export function readRoutes(env) {
  const proxy = (/** @type {string} */ name) => {
    const value = env[name.toLowerCase()] || env[name];
    if (!value) return null;
    const text = value.includes("://") ? value : `http://${value}`;
    if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
      throw new Error(`${name} is not the address of an HTTP proxy: expected http://host:port`);
    }
    return new URL(text);
  };
  return { http: proxy("HTTP_PROXY"), https: proxy("HTTPS_PROXY"), isDirect: exceptions(env.no_proxy || env.NO_PROXY || "") };
}

/**
 * NO_PROXY: hosts with their subdomains, addresses, subnets, each with an optional port; `*` is everything.
 * @param {string} list
 */
function exceptions(list) {
  const subnets = new net.BlockList();
  /** @type {{ host: string, port: number | null }[]} */
  const hosts = [];
  for (const entry of list.toLowerCase().split(/[\s,]+/).filter(Boolean)) {
    const [, address = "", bits = ""] = /^([^/]+)\/(\d+)$/.exec(entry) ?? [];
    const family = net.isIP(address);
    if (family) {
      subnets.addSubnet(address, Number(bits), family === 6 ? "ipv6" : "ipv4");
      continue;
    }
    const [, bracketed, plain = entry, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? [];
    hosts.push({ host: (bracketed ?? plain).replace(/^\*?\./, ""), port: port ? Number(port) : null });
  }
  return (/** @type {string} */ name, /** @type {number} */ port) => {
    const host = name.toLowerCase().replace(/^\[|\]$/g, "").replace(/\.$/, "");
    const family = net.isIP(host);
    if (family && subnets.check(host, family === 6 ? "ipv6" : "ipv4")) return true;
    return hosts.some((entry) => (entry.port === null || entry.port === port) && (entry.host === "*" || host === entry.host || (!family && host.endsWith(`.${entry.host}`))));
  };
}

/** The proxy for a target, null for a direct connection. @param {string} protocol @param {string} host @param {number} port */
function proxyFor(protocol, host, port) {
  const routes = /** @type {Routes} */ (slots[INSTALLED]);
  const proxy = protocol === "https:" ? routes.https : routes.http;
  return proxy && !routes.isDirect(host, port) ? proxy : null;
}

/** @param {Target} target @param {string} protocol */
function placeOf(target, protocol) {
  const host = (target.hostname ?? target.host ?? "localhost").replace(/^\[|\]$/g, "");
  return { host, port: Number(target.port) || (protocol === "https:" ? 443 : 80) };
}

// Agents of node:http and node:https. The prototype is patched rather than the global agent replaced, because many clients bring
// an agent of their own.
function routeAgents() {
  for (const [Agent, protocol] of /** @type {const} */ ([[http.Agent, "http:"], [https.Agent, "https:"]])) {
    const prototype = /** @type {any} */ (Agent.prototype);
    const direct = prototype.createConnection;
    prototype.createConnection = function createConnection(/** @type {any} */ options, /** @type {any} */ callback) {
      const { host, port } = placeOf(typeof options === "object" ? options : {}, protocol);
      // An agent that Node itself has told of the proxy (NODE_USE_ENV_PROXY) goes there already.
      const ours = typeof options === "object" && !options.socketPath && !options.socket && !this.options?.proxyEnv;
      const proxy = ours ? proxyFor(protocol, host, port) : null;
      if (!proxy || typeof callback !== "function") return direct.apply(this, arguments);
      tunnel(proxy, host, port).then(
        (socket) => {
          if (protocol === "http:") return callback(null, socket);
          let secure;
          try {
            secure = direct.call(this, { ...options, socket });
          } catch (error) {
            socket.destroy();
            return callback(error);
          }
          return callback(null, secure);
        },
        (error) => callback(error),
      );
      return undefined;
    };
  }
}

// undici, whose copy inside Node cannot be imported: its agent's class is taken from the dispatcher that it leaves in a global.
// The slots differ in the handlers that a dispatcher is given: the first takes the older ones, the second the newer ones.
function routeDispatchers() {
  // Reading one of its classes makes Node load it.
  void globalThis.Response;
  const older = Symbol.for("undici.globalDispatcher.1");
  const newer = Symbol.for("undici.globalDispatcher.2");
  // Anything but the default was chosen by somebody, for example by NODE_USE_ENV_PROXY.
  const routed = (/** @type {any} */ present) => (present?.constructor.name === "Agent" ? new present.constructor({ connect }) : present);
  const before = { older: slots[older], newer: slots[newer] };
  if (before.newer) slots[newer] = routed(before.newer);
  if (before.older?.constructor.name === "Dispatcher1Wrapper") slots[older] = new before.older.constructor(slots[newer]);
  else if (before.older) slots[older] = before.older === before.newer ? slots[newer] : routed(before.older);
  // A newer undici from npm takes both slots for an agent of its own, unless it finds one in its slot.
  const agent = slots[older];
  if (agent && agent !== before.older && !before.newer) {
    /** @type {any} */
    const bridge = new Proxy(agent, {
      get(target, name) {
        if (name === "dispatch") return (/** @type {any} */ options, /** @type {any} */ handler) => target.dispatch(options, olderHandler(handler));
        const value = Reflect.get(target, name, target);
        // What composes a dispatcher out of this one has to find this one's `dispatch`.
        return typeof value === "function" ? value.bind(name === "compose" ? bridge : target) : value;
      },
    });
    Object.defineProperty(slots, newer, { value: bridge, writable: true, enumerable: false, configurable: false });
  }
}

/** A newer handler in the older shape. @param {any} handler */
function olderHandler(handler) {
  if (typeof handler?.onRequestStart !== "function") return handler;
  /** @type {any} */
  let controller;
  return {
    onConnect(/** @type {(reason: unknown) => void} */ abort, /** @type {unknown} */ context) {
      controller = {
        aborted: false,
        paused: false,
        reason: null,
        rawHeaders: null,
        rawTrailers: null,
        abort(/** @type {unknown} */ reason) {
          if (this.aborted) return;
          Object.assign(this, { aborted: true, reason });
          abort(reason);
        },
        pause() {
          this.paused = true;
        },
        resume() {
          if (!this.paused) return;
          this.paused = false;
          this.more?.();
        },
      };
      handler.onRequestStart(controller, context);
    },
    onUpgrade(/** @type {number} */ status, /** @type {any[]} */ raw, /** @type {unknown} */ socket) {
      controller.rawHeaders = raw;
      handler.onRequestUpgrade?.(controller, status, headersOf(raw), socket);
    },
    onHeaders(/** @type {number} */ status, /** @type {any[]} */ raw, /** @type {() => void} */ more, /** @type {string} */ text) {
      Object.assign(controller, { rawHeaders: raw, more });
      handler.onResponseStart?.(controller, status, headersOf(raw), text);
      return !controller.paused;
    },
    onData(/** @type {Buffer} */ data) {
      handler.onResponseData?.(controller, data);
      return !controller.paused;
    },
    onComplete(/** @type {any[]} */ raw) {
      controller.rawTrailers = raw;
      handler.onResponseEnd?.(controller, headersOf(raw ?? []));
    },
    onError: (/** @type {unknown} */ error) => handler.onResponseError?.(controller, error),
    onBodySent: (/** @type {Buffer} */ chunk) => handler.onBodySent?.(chunk),
    onRequestSent: () => handler.onRequestSent?.(),
    onResponseStarted: () => handler.onResponseStarted?.(),
  };
}

/** Header lines as they came, as one object. @param {any[]} raw */
function headersOf(raw) {
  /** @type {Record<string, string | string[]>} */
  const headers = {};
  const text = (/** @type {any} */ part) => (typeof part === "string" ? part : part.toString("latin1"));
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = text(raw[i]).toLowerCase();
    const values = Array.isArray(raw[i + 1]) ? raw[i + 1].map(text) : [text(raw[i + 1])];
    const all = [...(headers[name] === undefined ? [] : [headers[name]].flat()), ...values];
    headers[name] = all.length === 1 ? all[0] : all;
  }
  return headers;
}

/**
 * How an undici agent makes its sockets.
 * @param {Target} target
 * @param {(error: unknown, socket?: net.Socket | null) => void} callback
 */
function connect(target, callback) {
  const protocol = target.protocol === "https:" ? "https:" : "http:";
  const { host, port } = placeOf(target, protocol);
  const proxy = proxyFor(protocol, host, port);
  const plain = proxy ? tunnel(proxy, host, port) : dial(host, port);
  plain
    .then((socket) => (protocol === "https:" ? secured(socket, host, target.servername) : socket))
    .then((socket) => callback(null, socket), (error) => callback(error, null));
}

/** @param {string} host @param {number} port @returns {Promise<net.Socket>} */
function dial(host, port) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

/** TLS on a connected socket. @param {net.Socket} socket @param {string} host @param {string | null | undefined} name @returns {Promise<net.Socket>} */
function secured(socket, host, name) {
  return new Promise((resolve, reject) => {
    const servername = name || (net.isIP(host) ? "" : host);
    const secure = tls.connect({ socket, host, servername, ALPNProtocols: ["http/1.1"] });
    secure.once("error", reject);
    secure.once("secureConnect", () => {
      secure.off("error", reject);
      resolve(secure);
    });
  });
}

/**
 * A socket that ends at the target, through the proxy.
 * @param {URL} proxy
 * @param {string} host
 * @param {number} port
 * @returns {Promise<net.Socket>}
 */
function tunnel(proxy, host, port) {
  const authority = `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
  const place = placeOf({ hostname: proxy.hostname, port: proxy.port }, proxy.protocol);
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return new Promise((resolve, reject) => {
    const failed = (/** @type {string} */ why, status = 0, /** @type {unknown} */ cause = undefined) => {
      reject(new ProxyTunnelError(`the proxy ${place.host}:${place.port} opened no tunnel to ${authority}: ${why}`, status, cause));
    };
    const request = http.request({
      method: "CONNECT",
      path: authority,
      headers: { host: authority, ...(proxy.username && { "proxy-authorization": `Basic ${Buffer.from(user).toString("base64")}` }) },
      // Its own connection: the patched agents would come back here.
      createConnection: () => (proxy.protocol === "https:" ? tls.connect({ ...place, servername: net.isIP(place.host) ? "" : place.host }) : net.connect(place)),
      timeout: ANSWER_WITHIN_MS,
    });
    request.once("timeout", () => request.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS / 1000} s`)));
    request.once("error", (error) => failed(error.message, 0, error));
    request.once("connect", (response, socket, head) => {
      socket.setTimeout(0);
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) {
        if (head.length > 0) socket.unshift(head);
        return resolve(/** @type {net.Socket} */ (socket));
      }
      explanation(/** @type {net.Socket} */ (socket), head).then((text) => failed(`${status} ${response.statusMessage ?? ""}${text && `, ${text}`}`, status));
    });
    request.end();
  });
}

// A refusal says in its body what to do about it.
/** @param {net.Socket} socket @param {Buffer} head @returns {Promise<string>} */
function explanation(socket, head) {
  return new Promise((resolve) => {
    const parts = [head];
    const done = () => {
      socket.destroy();
      resolve(Buffer.concat(parts).toString("utf8").replace(/\s+/g, " ").trim().slice(0, 500));
    };
    socket.on("data", (part) => parts.push(part));
    socket.once("error", done);
    socket.once("end", done);
    socket.setTimeout(1000, done);
  });
}

routeThroughProxy();
