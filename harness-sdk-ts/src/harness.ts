import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { insidePome, readEnv } from "./env.js";
import type { Environment, PomeEnv } from "./env.js";
import { explain, HarnessError } from "./errors.js";
import { Mcp } from "./mcp.js";
import { routeThroughProxy } from "./proxy.js";
import { createSignals, processSignals } from "./signals.js";
import type { Signals } from "./signals.js";
import { createTwin, createTwins } from "./twin.js";
import type { Twin, TwinByName, Twins } from "./twin.js";

/** What an agent gets. */
export interface HarnessContext {
  /** The prompt of the scenario. */
  readonly task: string;
  readonly env: PomeEnv;
  readonly twins: Twins;
  readonly twin: TwinByName;
  readonly mcp: Mcp;
  readonly signals: Signals;
  /** Aborted when the run is over before the agent is. */
  readonly abortSignal: AbortSignal;
}

/** What an agent answers: its summary, or an object that has one; other keys are kept. */
export type HarnessResult = string | { readonly summary?: string; readonly [key: string]: unknown } | undefined | void;

/** An agent: what `defineHarness` is given. */
export type HarnessFunction = (context: HarnessContext) => HarnessResult | Promise<HarnessResult>;

/** What else a harness may do. */
export interface HarnessOptions {
  /** Runs in the trial start, after the variables were checked: the place to find out that a key is missing. */
  readonly preflight?: ((context: HarnessContext) => void | Promise<void>) | undefined;
}

/** A startable agent. */
export interface Harness {
  /** The context that a run with these variables gets; for tests. */
  context(env?: Environment): HarnessContext;
  /** Calls the agent with these variables and answers what it answers; for tests. */
  call(env?: Environment): Promise<HarnessResult>;
  /** The whole run: preflight or agent, summary on standard output, exit code. `exit: false` answers the code instead of ending the process. */
  run(options?: { env?: Environment; exit?: boolean }): Promise<number>;
}

const GRACE_MS = 700;

/**
 * Makes an agent startable by `pome run`. When the calling module is the program it runs by itself; otherwise call `run()`.
 */
export function defineHarness(fn: HarnessFunction, options: HarnessOptions = {}): Harness {
  let hasStarted = false;
  const harness: Harness = {
    context: (env = process.env) => createContext(env, new AbortController().signal),
    call: async (env = process.env) => fn(createContext(env, new AbortController().signal)),
    async run({ env = process.env, exit = true } = {}) {
      hasStarted = true;
      const code = await runOnce(fn, options, env);
      if (exit) await leave(code);
      return code;
    },
  };
  const caller = callingFile(defineHarness);
  // Later, so that everything below the call in the same module exists by then.
  // A file of node:test is a program as well, but not one that a run has started.
  const isTest = process.env.NODE_TEST_CONTEXT !== undefined && !insidePome();
  if (caller !== null && !isTest && isProgram(caller)) setImmediate(() => void (hasStarted || harness.run()));
  return harness;
}

/** The context of a run with these variables. */
export function createContext(env: Environment = process.env, abortSignal: AbortSignal = new AbortController().signal): HarnessContext {
  const read = readEnv(env);
  const twins = createTwins(read);
  return {
    task: read.task,
    env: read,
    twins,
    twin: ((name: string): Twin => twins[name] as Twin) as TwinByName,
    mcp: new Mcp(Object.entries(read.twins).map(([name, address]) => createTwin(name, address))),
    signals: env === process.env ? processSignals() : createSignals(env),
    abortSignal,
  };
}

async function runOnce(fn: HarnessFunction, options: HarnessOptions, env: Environment): Promise<number> {
  const controller = new AbortController();
  const stopped = stopSignals(controller);
  try {
    const context = createContext(env, controller.signal);
    if (env.HTTPS_PROXY || env.HTTP_PROXY || env.https_proxy || env.http_proxy) await routeThroughProxy(env);
    if (context.env.preflight) {
      await options.preflight?.(context);
      return 0;
    }
    const line = lineKeeper();
    const work = Promise.resolve().then(() => fn(context));
    const outcome = await Promise.race([work, stopped.afterGrace(work)]);
    if (stopped.code !== null) return stopped.code;
    line.write(summaryOf(outcome as HarnessResult));
    return 0;
  } catch (error) {
    if (stopped.code !== null) return stopped.code;
    process.stderr.write(explain(error));
    return 1;
  } finally {
    stopped.release();
  }
}

function summaryOf(result: HarnessResult): string {
  const value = result === undefined ? {} : typeof result === "string" ? { summary: result } : result;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HarnessError(`the agent answered ${value === null ? "null" : typeof value}`, { hint: "return a text, an object with `summary`, or nothing" });
  }
  const { summary = "", ...rest } = value;
  if (typeof summary !== "string") throw new HarnessError(`the agent's \`summary\` is not a text but ${typeof summary}`);
  return JSON.stringify({ summary, ...rest });
}

// The summary has to have a line of its own, whatever was printed before it.
function lineKeeper(): { write: (line: string) => void } {
  const out = process.stdout;
  const original = out.write;
  let isLineOpen = false;
  out.write = function (this: typeof out, chunk: string | Uint8Array, ...rest: unknown[]) {
    if (chunk.length > 0) isLineOpen = typeof chunk === "string" ? !chunk.endsWith("\n") : chunk[chunk.length - 1] !== 10;
    return (original as (...all: unknown[]) => boolean).call(this, chunk, ...rest);
  } as typeof out.write;
  return {
    write: (line) => {
      out.write = original;
      out.write(`${isLineOpen ? "\n" : ""}${line}\n`);
    },
  };
}

function stopSignals(controller: AbortController) {
  const codes = { SIGTERM: 143, SIGINT: 130 } as const;
  const state = { code: null as number | null };
  const handlers = Object.entries(codes).map(([name, code]) => {
    const handler = () => {
      if (state.code !== null) process.exit(code);
      state.code = code;
      controller.abort(new HarnessError(`stopped by ${name}`));
    };
    process.on(name, handler);
    return () => void process.off(name, handler);
  });
  return {
    get code() {
      return state.code;
    },
    // An agent that listens to its signal gets a moment to end; one that does not is not waited for.
    afterGrace: (work: Promise<unknown>) =>
      new Promise<undefined>((resolve) => {
        controller.signal.addEventListener("abort", () => {
          const timer = setTimeout(() => resolve(undefined), GRACE_MS);
          work.then(() => clearTimeout(timer), () => clearTimeout(timer)).then(() => resolve(undefined));
        });
      }),
    release: () => handlers.forEach((off) => off()),
  };
}

// Sockets that are kept alive would hold the process until the run's time is up, so it ends by itself.
async function leave(code: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) await new Promise<void>((resolve) => void stream.write("", () => resolve()));
  process.exit(code);
}

function callingFile(callee: (...args: never[]) => unknown): string | null {
  const before = Error.prepareStackTrace;
  try {
    const holder: { stack?: unknown } = {};
    Error.prepareStackTrace = (_, sites) => sites;
    Error.captureStackTrace(holder, callee);
    const sites = holder.stack as NodeJS.CallSite[] | undefined;
    return Array.isArray(sites) ? (sites[0]?.getFileName() ?? null) : null;
  } finally {
    Error.prepareStackTrace = before;
  }
}

function isProgram(file: string): boolean {
  const program = process.argv[1];
  if (!program) return false;
  const path = file.startsWith("file:") ? fileURLToPath(file.replace(/[?#].*$/, "")) : file;
  const [own, started] = [real(path), real(program)];
  if (own === started) return true;
  // `node agent` means agent.js, and `node .` the folder's index.
  const rest = own.startsWith(started) ? own.slice(started.length) : "";
  return /^([\\/]index)?\.[cm]?[jt]s$/.test(rest);
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
