import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { defineHarness } from "pome-harness";

const AGENT = fileURLToPath(new URL("support/harness-agent.mjs", import.meta.url));
const RUN = { POME_TASK: "t", POME_TWIN_NAMES: "github", POME_AUTH_TOKEN: "x", POME_GITHUB_REST_URL: "http://127.0.0.1:9/s/r" };

function run(agent, { env = {}, program = AGENT, onLine } = {}) {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [program], { env: { PATH, HOME, ...RUN, AGENT: agent, ...env } });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (part) => {
    output.stdout += part;
    onLine?.(child);
  });
  child.stderr.on("data", (part) => (output.stderr += part));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, ...output })));
}

test("the last line of standard output is the summary", async () => {
  const expected = {
    text: '{"summary":"all done"}\n',
    object: '{"summary":"kept","extra":{"n":1}}\n',
    nothing: '{"summary":""}\n',
    chatty: 'thinking\nno line end\n{"summary":"after"}\n',
    lingers: '{"summary":"left"}\n',
    later: '{"summary":"defined below"}\n',
  };
  const runs = await Promise.all(Object.keys(expected).map((agent) => run(agent)));
  assert.deepEqual(runs, Object.values(expected).map((stdout) => ({ code: 0, stdout, stderr: "" })));
});

test("an exception becomes an error with its causes, and code 1", async () => {
  assert.deepEqual(await run("throws"), {
    code: 1,
    stdout: "",
    stderr: 'error: outer\n  caused by: github: GET /x answered 404: {"message":"Not Found"}\n',
  });
  const wrong = await run("number");
  assert.deepEqual([wrong.code, wrong.stderr], [1, "error: the agent answered number\nhint: return a text, an object with `summary`, or nothing\n"]);
});

test("the preflight checks the variables and calls its callback, not the agent", async () => {
  const env = { POME_PREFLIGHT: "1" };
  assert.deepEqual(await run("throws", { env }), { code: 0, stdout: "preflight ran\n", stderr: "" });
  assert.deepEqual(await run("text", { env: { ...env, PREFLIGHT_FAILS: "1" } }), { code: 1, stdout: "", stderr: "error: MODEL_KEY is not set\n" });
});

test("outside a run the error names the variable and how to run", async () => {
  const { code, stderr } = await run("text", { env: { POME_TASK: undefined } });
  assert.deepEqual([code, stderr], [1, "error: POME_TASK is not set: this process was not started by a run\nhint: start it with pome: `pome run --agent '<command>' scenario.md`\n"]);
});

test("SIGTERM aborts the agent's signal and ends with 143, also for an agent that does not listen", async () => {
  const onLine = (child) => child.kill("SIGTERM");
  assert.deepEqual(await run("waits", { onLine }), { code: 143, stdout: "ready\n", stderr: "cleaned up: stopped by SIGTERM\n" });
  assert.deepEqual(await run("deaf", { onLine }), { code: 143, stdout: "ready\n", stderr: "" });
});

test("a harness that is imported does not run until it is told to", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pome-harness-"));
  const program = join(folder, "main.mjs");
  const url = new URL("support/harness-agent.mjs", import.meta.url);
  writeFileSync(program, `import agent from ${JSON.stringify(url.href)};\nawait new Promise((resolve) => setTimeout(resolve, 50));\nconsole.log("first");\nif (process.env.TOLD) await agent.run();\n`);
  assert.equal((await run("text", { program })).stdout, "first\n");
  assert.equal((await run("text", { program, env: { TOLD: "1" } })).stdout, 'first\n{"summary":"all done"}\n');
});

test("a test calls an agent with variables of its own", async () => {
  const harness = defineHarness(({ task, twins }) => `${task} ${twins.github.token}`);
  assert.equal(await harness.call(RUN), "t x");
});
