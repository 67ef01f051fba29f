// A control plane of its own for these tests, and what is put into it through its REST side.
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

const root = resolve(import.meta.dirname, "../..");
const candidates = [process.env.POME_BIN, join(root, "target/debug/pome"), join(root, "target/release/pome")];
const binary = candidates.find((path) => path && existsSync(path));

export class Server {
  static async start() {
    if (!binary) throw new Error("no `pome` to test: run `cargo build` or set POME_BIN");
    const server = new Server();
    server.folder = mkdtempSync(join(tmpdir(), "pome-browser-"));
    server.process = spawn(binary, ["serve", "--listen", "127.0.0.1:0", "--data-dir", server.folder], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { PATH: process.env.PATH, HOME: server.folder },
    });
    let said = "";
    await new Promise((resolve, reject) => {
      server.process.stderr.on("data", (chunk) => {
        said += chunk;
        if (/--api-url http/.test(said)) resolve();
      });
      server.process.on("exit", (code) => reject(new Error(`the server ended with ${code}:\n${said}`)));
    });
    server.url = said.match(/listens on (http:\S+)/)[1];
    server.key = said.match(/pme_[\w-]{43}/)[0];
    return server;
  }

  async stop() {
    this.process.removeAllListeners("exit");
    const ended = new Promise((resolve) => this.process.on("exit", resolve));
    this.process.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs `pome serve ...` on the accounts of this server, and gives back what it prints. */
  async books(...args) {
    const { stdout, stderr } = await promisify(execFile)(binary, ["serve", ...args, "--data-dir", this.folder], {
      env: { PATH: process.env.PATH, HOME: this.folder },
    });
    return stdout + stderr;
  }

  async ask(method, path, body, key = this.key) {
    for (;;) {
      const answer = await fetch(this.url + path, {
        method,
        headers: { "x-api-key": key, "content-type": "application/json" },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      if (answer.status === 429) {
        await new Promise((resolve) => setTimeout(resolve, 1000));
        continue;
      }
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
      return text ? JSON.parse(text) : {};
    }
  }

  session({ tags = [], group, agent, version, twins = ["github"] } = {}) {
    return this.ask("POST", "/v1/sessions", {
      twins,
      scenario_source: Buffer.from("# A scenario\n").toString("base64"),
      tags,
      group_id: group,
      agent_id: agent,
      agent_version: version,
    });
  }

  /** A run as the command line leaves one behind. */
  async run({ scenario, status, criteria, events = [], before = {}, after = {}, ...of }) {
    const session = await this.session(of);
    const path = `/v1/sessions/${session.session_id}`;
    const trace = events.map((event) => `${typeof event === "string" ? event : JSON.stringify(event)}\n`).join("");
    const put = async ({ url, key }, kind, text) => {
      const answer = await fetch(url, {
        method: "PUT",
        headers: { "content-type": kind, "content-encoding": "gzip" },
        body: gzipSync(text),
      });
      if (!answer.ok) throw new Error(`upload of ${key}: ${answer.status}`);
      return key;
    };
    const events_jsonl_url = await put(await this.ask("POST", `${path}/result-upload-url`, {}), "application/x-ndjson", trace);
    const states = await this.ask("POST", `${path}/state-upload-url`, {});
    await put(states.state_initial, "application/json", JSON.stringify(before));
    await put(states.state_final, "application/json", JSON.stringify(after));
    const base64 = (text) => Buffer.from(text).toString("base64");
    const { run_id } = await this.ask("POST", `${path}/result`, {
      scenario_name: scenario,
      scenario_hash: "9f2c".repeat(16),
      duration_ms: 5120,
      agent_model: "a-model",
      satisfaction_score: status === "pass" ? 100 : 50,
      criteria_results: criteria,
      judge_model: "none",
      judge_tokens_in: null,
      judge_tokens_out: null,
      agent_sdk: null,
      lanes: [],
      steps: [],
      fix_prompt: null,
      events_jsonl_url,
      trace_jsonl_b64: base64(trace),
      state_initial_json_b64: base64(JSON.stringify(before)),
      state_final_json_b64: base64(JSON.stringify(after)),
      status,
      pass_threshold: 100,
      stop_reason: "agent_exit_0",
      exit_code: 0,
      tags: of.tags ?? [],
      group_id: of.group,
    });
    return { id: run_id, session: session.session_id };
  }
}

/** One row of a trace. */
export function call(number, more = {}) {
  return {
    ts: new Date(Date.UTC(2026, 4, 1, 10, 0, 0) + number * 400).toISOString(),
    run_id: "x",
    twin: "github",
    request_id: `req_${number}`,
    correlation_id: `req_${number}`,
    step_id: null,
    tool_call_id: null,
    method: "GET",
    path: `/s/x/repos/acme/api/issues/${number}`,
    request_body: null,
    request_headers: {},
    tool: null,
    status: 200,
    response_body: { number },
    latency_ms: 4,
    fidelity: "semantic",
    state_mutation: false,
    state_delta: null,
    error: null,
    kind: "TwinHttpEvent",
    event_id: `req_${number}`,
    parent_event_id: null,
    ...more,
  };
}

/** How one criterion came out. */
export function criterion(text, outcome, more = {}) {
  return {
    criterion: { type: "code", text, twin: "github" },
    outcome,
    passed: outcome === "passed",
    skipped: outcome === "skipped",
    reason: outcome === "passed" ? "it is so" : "it is not so",
    ...more,
  };
}
