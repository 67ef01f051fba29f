import type { PomeEnv, TwinAddress } from "./env.js";
import { TwinRequestError, UnknownTwinError } from "./errors.js";

/** The rest of a request to a twin. */
export interface TwinRequest {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined | null>> | undefined;
  /** Sent as JSON; a text, bytes or URLSearchParams is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A twin of the run: its addresses, its token, and a small client for its REST door. */
export class Twin {
  readonly name: string;
  readonly restUrl: string;
  readonly mcpUrl: string;
  readonly token: string;

  constructor(name: string, address: TwinAddress) {
    this.name = name;
    this.restUrl = address.restUrl;
    this.mcpUrl = address.mcpUrl;
    this.token = address.token;
  }

  /** The header by which requests are let in. */
  get headers(): { Authorization: string } {
    return { Authorization: `Bearer ${this.token}` };
  }

  /** Sends a request; answers the parsed JSON, or the text. A status of 400 or more is a `TwinRequestError`. */
  async request<T = any>(method: string, path: string, options: TwinRequest = {}): Promise<T> {
    const url = new URL(this.restUrl + (path.startsWith("/") ? path : `/${path}`));
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined && value !== null) url.searchParams.set(name, String(value));
    }
    const { body } = options;
    const isRaw = typeof body === "string" || body instanceof URLSearchParams || body instanceof Uint8Array;
    const answer = await fetch(url, {
      method,
      headers: { ...this.headers, accept: "application/json", ...(body !== undefined && !isRaw && { "content-type": "application/json" }), ...options.headers },
      ...(body !== undefined && { body: isRaw ? body : JSON.stringify(body) }),
      ...(options.signal && { signal: options.signal }),
    });
    const text = await answer.text();
    const value = parsed(text);
    if (!answer.ok) throw new TwinRequestError(`${this.name}: ${method} ${path}`, answer.status, value);
    return value as T;
  }
}

/** GitHub's twin. */
export class GitHubTwin extends Twin {
  /** Options for `new Octokit(...)`. */
  octokit(): { auth: string; baseUrl: string } {
    return { auth: this.token, baseUrl: this.restUrl };
  }
}

/** Stripe's twin. */
export class StripeTwin extends Twin {
  /** Arguments for `new Stripe(apiKey, config)`. That client knows no base path: the key names the session instead. */
  stripe(): { apiKey: string; config: { host: string; port: number; protocol: "http" | "https" } } {
    const { hostname, port, protocol } = new URL(this.restUrl);
    const isSecure = protocol === "https:";
    return { apiKey: this.token, config: { host: hostname, port: Number(port) || (isSecure ? 443 : 80), protocol: isSecure ? "https" : "http" } };
  }
}

/** Slack's twin. */
export class SlackTwin extends Twin {
  /** Arguments for `new WebClient(token, options)`. */
  slack(): { token: string; options: { slackApiUrl: string } } {
    return { token: this.token, options: { slackApiUrl: `${this.restUrl}/api/` } };
  }
}

/** Twins by name; reading one that the run does not have is an `UnknownTwinError`. */
export interface Twins {
  readonly github: GitHubTwin;
  readonly stripe: StripeTwin;
  readonly slack: SlackTwin;
  readonly [name: string]: Twin;
}

/** The twin of a name, with what its vendor's SDK needs where that is known. */
export function createTwin(name: string, address: TwinAddress): Twin {
  if (name === "github") return new GitHubTwin(name, address);
  if (name === "stripe") return new StripeTwin(name, address);
  if (name === "slack") return new SlackTwin(name, address);
  return new Twin(name, address);
}

/** All twins of a run. */
export function createTwins(env: Pick<PomeEnv, "twins">): Twins {
  const twins = Object.fromEntries(Object.entries(env.twins).map(([name, address]) => [name, createTwin(name, address)]));
  return new Proxy(twins, {
    get(target, name) {
      // What the language itself asks of an object (`then`, `toJSON`) is not a twin.
      if (typeof name === "symbol" || Object.hasOwn(target, name) || name === "then" || name in Object.prototype || name === "toJSON") return Reflect.get(target, name);
      throw new UnknownTwinError(name, Object.keys(target));
    },
  }) as unknown as Twins;
}

/** A twin by its name. */
export interface TwinByName {
  (name: "github"): GitHubTwin;
  (name: "stripe"): StripeTwin;
  (name: "slack"): SlackTwin;
  (name: string): Twin;
}

function parsed(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
