// A running twin, and a fresh world for whoever asks.
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const binary = process.env.POME_BIN ?? join(root, "target/debug/pome");

const freePort = () =>
  new Promise((resolve, reject) => {
    const probe = createServer().on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

/** Starts `pome twin start github`; `stop` ends it and answers its exit code. */
export async function startTwin() {
  const port = await freePort();
  const { PATH, HOME } = process.env;
  const child = spawn(binary, ["twin", "start", "github", "--port", String(port)], {
    cwd: mkdtempSync(join(tmpdir(), "pome-twin-")),
    env: { PATH, HOME },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.on("exit", (code) => resolve(code)));
  await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => line.includes("Ctrl-C to stop") && resolve());
    ended.then((code) => reject(new Error(`the twin ended with ${code}`)));
  });
  const base = `http://127.0.0.1:${port}`;
  const makeWorld = async (seed) => {
    const answer = await fetch(`${base}/admin/sessions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(seed ? { seed } : {}),
    });
    if (answer.status !== 201) throw new Error(`no world: ${answer.status} ${await answer.text()}`);
    const world = await answer.json();
    const get = async (path) => {
      const found = await fetch(`${world.rest_url}/${path}`, { headers: { authorization: `Bearer ${world.token}` } });
      return found.json();
    };
    return { ...world, state: () => get("_pome/state"), events: () => get("_pome/events") };
  };
  return { base, makeWorld, stop: () => (child.kill("SIGTERM"), ended) };
}
