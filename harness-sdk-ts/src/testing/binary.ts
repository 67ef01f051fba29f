import { spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { HarnessError } from "../errors.js";

/** The program: what was asked for, else `POME_BIN`, else `pome` on the path. */
export function findPome(asked?: string): string {
  const named = asked ?? process.env.POME_BIN;
  if (named) {
    if (isProgram(named)) return named;
    throw new HarnessError(`there is no program \`${named}\``, { hint: asked ? "check the option `pomeBin`" : "check the variable POME_BIN" });
  }
  const names = process.platform === "win32" ? ["pome.exe"] : ["pome"];
  const found = (process.env.PATH ?? "").split(delimiter).flatMap((folder) => names.map((name) => join(folder, name))).find(isProgram);
  if (found) return found;
  throw new HarnessError("the program `pome` was not found", { hint: "put it on the PATH, or name it in POME_BIN or in the option `pomeBin`" });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A twin that listens; `base` is its address. */
export interface Listener {
  readonly base: string;
  readonly stop: () => Promise<void>;
}

const listeners = new Map<string, Promise<Listener>>();
const ATTEMPTS = 5;
const READY_WITHIN_MS = 60_000;

/** The listener of a twin in this process: started once, ended with the process. */
export function listenerOf(twin: string, pomeBin: string): Promise<Listener> {
  const key = `${pomeBin}\n${twin}`;
  const present = listeners.get(key);
  if (present) return present;
  const started = start(twin, pomeBin);
  listeners.set(key, started);
  started.catch(() => listeners.delete(key));
  return started;
}

/** Ends every twin that this process started. */
export async function stopTwins(): Promise<void> {
  const all = [...listeners.values()];
  listeners.clear();
  await Promise.allSettled(all.map(async (listener) => (await listener).stop()));
}

// The port is free when it is looked up and may be taken a moment later, by a worker beside this one.
async function start(twin: string, pomeBin: string): Promise<Listener> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOn(await freePort(), twin, pomeBin);
    } catch (error) {
      const isTaken = error instanceof HarnessError && /in use/i.test(error.message);
      if (!isTaken || attempt === ATTEMPTS) throw error;
    }
  }
}

async function startOn(port: number, twin: string, pomeBin: string): Promise<Listener> {
  const folder = mkdtempSync(join(tmpdir(), "pome-twin-"));
  const keeper = fileURLToPath(new URL("./keeper.mjs", import.meta.url));
  const { PATH = "", HOME = "", TMPDIR, SystemRoot } = process.env;
  const child = spawn(process.execPath, [keeper, pomeBin, "twin", "start", twin, "--port", String(port)], {
    cwd: folder,
    env: { PATH, HOME, ...(TMPDIR && { TMPDIR }), ...(SystemRoot && { SystemRoot }) },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const ended = new Promise<number>((resolve) => child.on("exit", (code) => resolve(code ?? 1)));
  let said = "";
  child.stderr.on("data", (part: Buffer) => (said = (said + part.toString()).slice(-2000)));
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new HarnessError(`twin \`${twin}\` was not ready within ${READY_WITHIN_MS / 1000} s\n${said}`)), READY_WITHIN_MS);
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (!/Ctrl-C to stop/.test(line)) return;
        clearTimeout(timer);
        resolve();
      });
      child.on("error", reject);
      void ended.then((code) => {
        clearTimeout(timer);
        reject(new HarnessError(`twin \`${twin}\` did not start (exit ${code}): ${said.trim() || "it said nothing"}`));
      });
    });
  } catch (error) {
    child.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  // A listening twin must not keep the test process alive; the keeper sees its end.
  for (const handle of [child, child.stdin, child.stdout, child.stderr] as { unref?: () => void }[]) handle.unref?.();
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return {
    base: `http://127.0.0.1:${port}`,
    stop: async () => {
      child.stdin.end();
      child.ref();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
