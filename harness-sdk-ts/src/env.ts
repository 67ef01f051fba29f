import { existsSync } from "node:fs";
import { InvalidEnvironmentError, NotInRunError } from "./errors.js";

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where one twin answers, and the token for it. */
export interface TwinAddress {
  readonly restUrl: string;
  readonly mcpUrl: string;
  readonly token: string;
}

/** What a run tells its agent, checked. */
export interface PomeEnv {
  /** The prompt of the scenario. */
  readonly task: string;
  readonly twinNames: readonly string[];
  readonly twins: Readonly<Record<string, TwinAddress>>;
  /** The token of the session; each twin's own one is in `twins`. */
  readonly authToken: string;
  readonly runId: string;
  /** The run folder; null where there is none, as in tests. */
  readonly artifactsDir: string | null;
  /** Where signals go; null when nobody reads them. */
  readonly signalsPath: string | null;
  /** Whether this is the trial start before the run. */
  readonly preflight: boolean;
  /** The session of a hosted run. */
  readonly sessionId: string | null;
}

/** Whether this process was started by a run (or by a test that pretends to be one). */
export function insidePome(env: Environment = process.env): boolean {
  return Boolean(env.POME_TASK !== undefined && env.POME_TWIN_NAMES);
}

/** Reads and checks the variables of a run. */
export function readEnv(env: Environment = process.env): PomeEnv {
  // An empty task is a task; everything else that is empty counts as missing.
  const task = env.POME_TASK;
  if (task === undefined) throw new NotInRunError("POME_TASK");
  const authToken = required(env, "POME_AUTH_TOKEN");
  const twinNames = required(env, "POME_TWIN_NAMES").split(",").map((name) => name.trim()).filter(Boolean);
  if (twinNames.length === 0) throw new InvalidEnvironmentError("POME_TWIN_NAMES", "names no twin");
  const twins: Record<string, TwinAddress> = {};
  for (const name of twinNames) {
    const part = variablePart(name);
    const restUrl = address(env, `POME_${part}_REST_URL`);
    const mcpUrl = env[`POME_${part}_MCP_URL`] ? address(env, `POME_${part}_MCP_URL`) : `${restUrl}/mcp`;
    twins[name] = { restUrl, mcpUrl, token: env[`POME_${part}_TOKEN`] || env[`POME_${part}_API_KEY`] || authToken };
  }
  return {
    task,
    twinNames,
    twins,
    authToken,
    runId: env.POME_RUN_ID || "unknown",
    artifactsDir: folder(env, "POME_ARTIFACTS_DIR"),
    signalsPath: env.POME_ADAPTER_SIGNALS_PATH || null,
    preflight: env.POME_PREFLIGHT === "1",
    sessionId: env.POME_SESSION_ID || null,
  };
}

/** A twin's name as part of a variable: upper case, everything but letters and digits as `_`. */
export function variablePart(twin: string): string {
  return twin.replace(/[^A-Za-z0-9]/g, "_").toUpperCase();
}

function required(env: Environment, name: string): string {
  const value = env[name];
  if (!value) throw new NotInRunError(name);
  return value;
}

function address(env: Environment, name: string): string {
  const value = required(env, name);
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
    throw new InvalidEnvironmentError(name, `expected an http address, found \`${value}\``);
  }
  return value.replace(/\/+$/, "");
}

function folder(env: Environment, name: string): string | null {
  const value = env[name];
  if (!value) return null;
  if (!existsSync(value)) throw new InvalidEnvironmentError(name, `there is no folder \`${value}\``);
  return value;
}
