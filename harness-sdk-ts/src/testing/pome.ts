import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { addTwinOrigin } from "../correlation.js";
import { variablePart } from "../env.js";
import type { TwinAddress } from "../env.js";
import { HarnessError, UnknownTwinError } from "../errors.js";
import { Mcp } from "../mcp.js";
import { Signals } from "../signals.js";
import { createTwin } from "../twin.js";
import type { GitHubTwin, SlackTwin, StripeTwin, Twin } from "../twin.js";
import { findPome, listenerOf } from "./binary.js";
import { evaluate } from "./evaluate.js";
import type { Evaluation } from "./evaluate.js";
import { readScenario } from "./scenario.js";
import type { Scenario } from "./scenario.js";

/** What a test asks for. */
export interface PomeOptions {
  /** The twins; those of the scenario, else GitHub's. */
  readonly twins?: readonly string[] | undefined;
  /** What they start from: a seed by its name or as an object, with several twins one for each. Beats the scenario's. */
  readonly seed?: unknown;
  /** A scenario file: its twins, its seed, its prompt as the task. */
  readonly scenario?: string | undefined;
  /** The task; the scenario's prompt otherwise. */
  readonly task?: string | undefined;
  /** The program `pome`; `POME_BIN` or the one on the path otherwise. */
  readonly pomeBin?: string | undefined;
}

/** A row of the trace: one call that reached a twin. */
export interface TraceRow {
  readonly ts: string;
  readonly twin: string;
  readonly method: string;
  readonly path: string;
  readonly tool: string | null;
  readonly status: number;
  readonly request_body: unknown;
  readonly response_body: unknown;
  readonly state_mutation: boolean;
  readonly correlation_id?: string;
  readonly [key: string]: unknown;
}

/** What a test may look at besides talking to the twin. */
export interface SessionView {
  /** The id of the session. */
  readonly sid: string;
  /** The whole state. */
  state(): Promise<any>;
  /** The calls that this twin got, in order. */
  trace(): Promise<TraceRow[]>;
  /** Back to what the session started from. */
  reset(): Promise<void>;
  /** Lets time pass for the twin. */
  advance(milliseconds: number): Promise<void>;
}

/** A twin as in a run, and what a test may look at. */
export type TestTwin<T extends Twin = Twin> = T & SessionView;

/** How an agent that was started ended. */
export interface AgentRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From the last line of standard output, if it is a summary. */
  readonly summary: string | null;
  readonly timedOut: boolean;
}

/** How an agent is started. */
export interface AgentOptions {
  readonly task?: string | undefined;
  /** Further variables. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
  readonly timeoutMs?: number | undefined;
}

/** Fresh sessions of the twins for one test. */
export class Pome {
  readonly twins: Readonly<Record<string, TestTwin>>;
  readonly mcp: Mcp;
  /** Signals of this process for this test; agents that are started write to the same file. */
  readonly signals: Signals;
  readonly scenario: Scenario | null;
  readonly task: string;
  readonly #folder: string;
  readonly #initial: Readonly<Record<string, unknown>>;
  readonly #pomeBin: string;
  readonly #release: () => Promise<void>;

  /** Use `openPome`. */
  constructor(parts: { twins: Record<string, TestTwin>; scenario: Scenario | null; task: string; folder: string; initial: Record<string, unknown>; pomeBin: string; release: () => Promise<void> }) {
    this.twins = parts.twins;
    this.scenario = parts.scenario;
    this.task = parts.task;
    this.#folder = parts.folder;
    this.#initial = parts.initial;
    this.#pomeBin = parts.pomeBin;
    this.#release = parts.release;
    this.mcp = new Mcp(Object.values(parts.twins));
    this.signals = new Signals({ path: join(parts.folder, "signals.jsonl"), secrets: Object.values(parts.twins).map((twin) => twin.token) });
  }

  /** A twin by its name. */
  twin(name: string): TestTwin {
    const twin = this.twins[name];
    if (!twin) throw new UnknownTwinError(name, Object.keys(this.twins));
    return twin;
  }

  get github(): TestTwin<GitHubTwin> {
    return this.twin("github") as TestTwin<GitHubTwin>;
  }

  get stripe(): TestTwin<StripeTwin> {
    return this.twin("stripe") as TestTwin<StripeTwin>;
  }

  get slack(): TestTwin<SlackTwin> {
    return this.twin("slack") as TestTwin<SlackTwin>;
  }

  /** The calls that all twins got, in order. */
  async trace(): Promise<TraceRow[]> {
    const rows = await Promise.all(Object.values(this.twins).map((twin) => twin.trace()));
    return rows.flat().sort((a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0));
  }

  /** The variables that a run gives to its agent. */
  env(options: { task?: string | undefined } = {}): Record<string, string> {
    const twins = Object.values(this.twins);
    const env: Record<string, string> = {
      POME_TASK: options.task ?? this.task,
      POME_TWIN_NAMES: twins.map((twin) => twin.name).join(","),
      POME_AUTH_TOKEN: twins[0]?.token ?? "",
      POME_RUN_ID: twins[0]?.sid ?? "",
      POME_ARTIFACTS_DIR: this.#folder,
      POME_ADAPTER_SIGNALS_PATH: this.signals.path ?? "",
    };
    for (const twin of twins) {
      const part = variablePart(twin.name);
      env[`POME_${part}_REST_URL`] = twin.restUrl;
      env[`POME_${part}_MCP_URL`] = twin.mcpUrl;
      env[`POME_${part}_TOKEN`] = twin.token;
    }
    const stripe = this.twins.stripe;
    if (stripe) Object.assign(env, { POME_STRIPE_API_BASE: stripe.restUrl, POME_STRIPE_API_KEY: stripe.token });
    return env;
  }

  /** Runs an agent as a program of its own, with the variables of a run, and waits for its end. */
  runAgent(command: readonly [string, ...string[]], options: AgentOptions = {}): Promise<AgentRun> {
    const [program, ...args] = command;
    const { NODE_TEST_CONTEXT: _, ...own } = process.env;
    const env = { ...own, ...this.env({ task: options.task }), ...options.env };
    return new Promise((done, failed) => {
      const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"], ...(options.cwd && { cwd: options.cwd }) });
      const output = { stdout: "", stderr: "" };
      child.stdout.setEncoding("utf8").on("data", (part: string) => (output.stdout += part));
      child.stderr.setEncoding("utf8").on("data", (part: string) => (output.stderr += part));
      let timedOut = false;
      const timer = setTimeout(() => {
        timedOut = true;
        child.kill("SIGTERM");
        setTimeout(() => child.kill("SIGKILL"), 1000).unref();
      }, options.timeoutMs ?? 60_000);
      child.on("error", (cause) => failed(new HarnessError(`cannot start \`${program}\``, { cause })));
      child.on("close", (exitCode) => {
        clearTimeout(timer);
        done({ exitCode, ...output, summary: summaryIn(output.stdout), timedOut });
      });
    });
  }

  /** Judges what the twins look like now by a scenario's criteria; the one of the test unless another is named. */
  async evaluate(options: { scenario?: string | undefined } = {}): Promise<Evaluation> {
    const path = options.scenario ?? this.scenario?.path;
    if (!path) throw new HarnessError("there is no scenario to judge by", { hint: "name one: `evaluate({ scenario: \"scenarios/x.md\" })`" });
    const final = await states(Object.values(this.twins));
    return evaluate({ pomeBin: this.#pomeBin, folder: this.#folder, scenario: resolve(path), twins: Object.keys(this.twins), initial: this.#initial, final, trace: await this.trace(), signals: this.signals.path });
  }

  /** Ends the sessions. The helpers for Vitest and node:test do it after each test. */
  async close(): Promise<void> {
    await this.#release();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Opens fresh sessions. Each twin is started once in a process. */
export async function openPome(options: PomeOptions = {}): Promise<Pome> {
  const pomeBin = findPome(options.pomeBin);
  const scenario = options.scenario ? readScenario(options.scenario) : null;
  const names = [...new Set(options.twins ?? scenario?.twins ?? ["github"])];
  if (names.length === 0) throw new HarnessError("`twins` names no twin");
  const seeds = options.seed === undefined ? (scenario?.seeds ?? {}) : names.length === 1 ? { [names[0] as string]: options.seed } : (options.seed as Record<string, unknown>);
  const closers: (() => Promise<void>)[] = [];
  const release = async () => {
    await Promise.all(closers.splice(0).map((close) => close()));
  };
  try {
    const opened = await Promise.all(
      names.map(async (name) => {
        const listener = await listenerOf(name, pomeBin);
        const session = await admin(listener.base, "POST", "/admin/sessions", seeds[name] === undefined ? {} : { seed: seeds[name] });
        const forget = addTwinOrigin(listener.base);
        closers.push(async () => {
          forget();
          await admin(listener.base, "DELETE", `/admin/sessions/${session.sid}`);
        });
        return testTwin(name, listener.base, session);
      }),
    );
    const twins = Object.fromEntries(opened.map((twin) => [twin.name, twin]));
    const folder = mkdtempSync(join(tmpdir(), "pome-test-"));
    writeFileSync(join(folder, "signals.jsonl"), "");
    return new Pome({ twins, scenario, task: options.task ?? scenario?.prompt ?? "", folder, initial: await states(opened), pomeBin, release });
  } catch (error) {
    await release().catch(() => undefined);
    throw error;
  }
}

interface Session {
  readonly sid: string;
  readonly token: string;
  readonly rest_url: string;
  readonly mcp_url: string;
}

function testTwin(name: string, base: string, session: Session): TestTwin {
  const address: TwinAddress = { restUrl: session.rest_url, mcpUrl: session.mcp_url, token: session.token };
  const twin = createTwin(name, address);
  const view: SessionView = {
    sid: session.sid,
    state: () => twin.request("GET", "/_pome/state"),
    trace: () => twin.request<TraceRow[]>("GET", "/_pome/events"),
    reset: async () => void (await admin(base, "POST", `/admin/sessions/${session.sid}/reset`)),
    advance: async (milliseconds) => void (await admin(base, "POST", `/admin/sessions/${session.sid}/clock`, { advance_ms: milliseconds })),
  };
  return Object.assign(twin, view);
}

async function states(twins: readonly TestTwin[]): Promise<Record<string, unknown>> {
  return Object.fromEntries(await Promise.all(twins.map(async (twin) => [twin.name, await twin.state()] as const)));
}

async function admin(base: string, method: string, path: string, body?: unknown): Promise<Session> {
  const answer = await fetch(base + path, { method, ...(body !== undefined && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }) });
  if (!answer.ok) throw new HarnessError(`${method} ${path} answered ${answer.status}: ${(await answer.text()).slice(0, 500)}`);
  return (await answer.json()) as Session;
}

function summaryIn(stdout: string): string | null {
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  try {
    const value: unknown = JSON.parse(last);
    const summary = typeof value === "object" && value !== null ? (value as { summary?: unknown }).summary : undefined;
    return typeof summary === "string" ? summary : null;
  } catch {
    return null;
  }
}
