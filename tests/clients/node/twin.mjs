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

/** Starts `pome twin start <name>`; `stop` ends it and answers its exit code. */
export async function startTwin(name = "github") {
  const port = await freePort();
  const { PATH, HOME } = process.env;
  const child = spawn(binary, ["twin", "start", name, "--port", String(port)], {
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
  const admin = async (path, body) => {
    const answer = await fetch(`${base}/admin/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const makeWorld = async (seed, options = {}) => {
    const world = await admin("sessions", { ...(seed && { seed }), ...options });
    const get = async (path) => {
      const found = await fetch(`${world.rest_url}/${path}`, { headers: { authorization: `Bearer ${world.token}` } });
      return found.json();
    };
    return {
      ...world,
      state: () => get("_pome/state"),
      events: () => get("_pome/events"),
      deliveries: () => get("_pome/deliveries"),
      advance: (seconds) => admin(`sessions/${world.sid}/clock`, { advance_ms: seconds * 1000 }),
    };
  };
  return { base, port, makeWorld, stop: () => (child.kill("SIGTERM"), ended) };
}
