// The SDK against live twins: requests, vendors' SDKs, MCP, correlation, judging.
import assert from "node:assert/strict";
import http from "node:http";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { WebClient } from "@slack/web-api";
import axios from "axios";
import { Octokit } from "octokit";
import { createContext, McpClient, McpError, TwinRequestError } from "pome-harness";
import { assertPassed, pomeTest, usePome } from "pome-harness/node-test";
import Stripe from "stripe";
import { request as undici6 } from "undici6";
import { request as undici7 } from "undici";

const scenario = (name) => fileURLToPath(new URL(`../../scenarios/${name}.md`, import.meta.url));
const ISSUE = { owner: "acme", repo: "api", issue_number: 1 };
const TRIAGE = { method: "update", ...ISSUE, labels: ["bug"], assignees: ["alice"] };

test("a request is answered with parsed JSON, and refused with status and body", async (t) => {
  const { github } = await usePome(t);
  const issue = await github.request("GET", "/repos/acme/api/issues/1");
  assert.equal(issue.number, 1);
  const closed = await github.request("GET", "repos/acme/api/issues", { query: { state: "closed", page: 1, nothing: undefined } });
  assert.deepEqual(closed, []);
  const made = await github.request("POST", "/repos/acme/api/issues", { body: { title: "New" } });
  assert.equal(made.title, "New");
  await assert.rejects(github.request("GET", "/repos/acme/none"), (error) => error instanceof TwinRequestError && error.status === 404 && error.body.message === "Not Found");
});

test("the vendors' own SDKs work with the options that the twins give", async (t) => {
  const pome = await usePome(t, { twins: ["github", "stripe", "slack"] });
  const context = createContext(pome.env({ task: "t" }));
  const octokit = new Octokit(context.twins.github.octokit());
  assert.equal((await octokit.rest.issues.get(ISSUE)).data.number, 1);
  const { apiKey, config } = context.twins.stripe.stripe();
  const customer = await new Stripe(apiKey, config).customers.create({ email: "a@example.com" });
  assert.match(customer.id, /^cus_/);
  const { token, options } = context.twins.slack.slack();
  const channels = await new WebClient(token, options).conversations.list();
  assert.ok(channels.channels.length > 0);
  const trace = await pome.trace();
  assert.deepEqual(trace.map((row) => row.twin), ["github", "stripe", "slack"]);
});

for (const generation of ["self-contained", "handshake"]) {
  test(`MCP, ${generation}: tools are listed and called`, async (t) => {
    const { github } = await usePome(t);
    const client = await McpClient.connect(github, { generation });
    const tools = await client.listTools();
    assert.ok(tools.length > 30 && tools.every((tool) => tool.inputSchema.type === "object"));
    const read = await client.callTool("issue_read", { method: "get", ...ISSUE });
    assert.equal(JSON.parse(read.content[0].text).number, 1);
    const refused = await client.callTool("issue_read", { method: "get", ...ISSUE, repo: "none" });
    assert.equal(refused.isError, true);
    assert.deepEqual((await github.trace()).map((row) => row.tool), ["issue_read", "issue_read"]);
  });
}

test("MCP: a refusal of the door is an McpError", async (t) => {
  const { github } = await usePome(t);
  const stranger = Object.assign(Object.create(Object.getPrototypeOf(github)), github, { token: "wrong" });
  await assert.rejects(McpClient.connect(stranger), (error) => error instanceof McpError && /github/.test(error.message));
});

test("while a tool runs, every client's request to a twin carries its id, and no other request does", async (t) => {
  const pome = await usePome(t);
  const { github, signals, mcp } = pome;
  const url = `${github.restUrl}/repos/acme/api/issues/1`;
  const { headers } = github;
  const viaHttp = () => new Promise((resolve, reject) => http.get(url, { headers }, (answer) => answer.resume().on("end", resolve)).on("error", reject));
  const clients = {
    fetch: () => fetch(url, { headers }),
    http: viaHttp,
    axios: () => axios.get(url, { headers }),
    undici6: async () => (await undici6(url, { headers })).body.dump(),
    undici7: async () => (await undici7(url, { headers })).body.dump(),
    mcp: async () => (await mcp.connect("github")).callTool("issue_read", { method: "get", ...ISSUE }),
  };
  await fetch(url, { headers });
  // All at once: an id must not leak from one tool to another.
  await Promise.all(Object.entries(clients).map(([name, call]) => signals.tool(name, {}, call, { id: `use-${name}` })));
  const own = await signals.tool("own header", {}, () => fetch(url, { headers: { ...headers, "x-pome-correlation-id": "mine" } }));
  assert.equal(own.status, 200);
  const trace = await github.trace();
  const marked = trace.filter((row) => row.correlation_id !== row.request_id).map((row) => row.correlation_id);
  assert.deepEqual(marked.sort(), [...Object.keys(clients).map((name) => `use-${name}`), "mine"].sort());

  let seen = [];
  const other = http.createServer((request, response) => response.end(void seen.push(request.headers["x-pome-correlation-id"])));
  await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
  t.after(() => other.close().closeAllConnections());
  await signals.tool("elsewhere", {}, async () => {
    const address = `http://127.0.0.1:${other.address().port}/`;
    await fetch(address);
    await new Promise((resolve) => http.get(address, (answer) => answer.resume().on("end", resolve)));
  });
  assert.deepEqual(seen, [undefined, undefined]);
});

pomeTest("sessions are fresh each time", { n: 2 }, async ({ github }) => {
  const labels = async () => (await github.state()).repositories[0].issues[0].labels.map((label) => label.name);
  assert.deepEqual(await labels(), []);
  await github.request("PATCH", "/repos/acme/api/issues/1", { body: { labels: ["bug"] } });
  assert.deepEqual(await labels(), ["bug"]);
  await github.reset();
  assert.deepEqual(await labels(), []);
});

test("a scenario brings its seed and its task, and judges what was done", async (t) => {
  const pome = await usePome(t, { scenario: scenario("01-bug-happy-path") });
  assert.match(pome.task, /^Issue #1 in `acme\/api` has just come in/);
  const before = await pome.evaluate();
  assert.equal(before.status, "fail");
  assert.throws(() => assertPassed(before), (error) => error.code === "ERR_ASSERTION" && /✗ \[github\] Issue #1 in `acme\/api` has the `bug` label applied\n {6}failed: /.test(error.message) && !/No new labels/.test(error.message));
  await pome.signals.tool("issue_write", TRIAGE, async () => (await pome.mcp.connect("github")).callTool("issue_write", TRIAGE));
  const after = await pome.evaluate();
  assert.deepEqual([after.status, after.satisfaction], ["pass", 100]);
  assertPassed(after);
});

test("a scenario with three twins is judged over all of them", async (t) => {
  const pome = await usePome(t, { scenario: scenario("36-slack-stripe-github-double-charge") });
  assert.deepEqual(Object.keys(pome.twins), ["slack", "stripe", "github"]);
  const { results } = await pome.evaluate();
  assert.ok(new Set(results.map((result) => result.criterion.twin)).size === 3);
  assert.ok(results.some((result) => result.outcome === "failed"));
});

test("an agent that is a program of its own gets the variables of a run", async (t) => {
  const pome = await usePome(t, { scenario: scenario("01-bug-happy-path") });
  const agent = fileURLToPath(new URL("../examples/first-harness.mjs", import.meta.url));
  const run = await pome.runAgent([process.execPath, agent]);
  assert.deepEqual([run.exitCode, run.stderr, run.timedOut], [0, "", false]);
  assert.match(run.summary, /alice/);
  assertPassed(await pome.evaluate());
  const rows = readFileSync(pome.signals.path, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(rows.map((row) => row.kind), ["ToolUseEvent", "ToolResultEvent"]);
  const trace = await pome.trace();
  assert.equal(trace.at(-1).correlation_id, rows[0].tool_use_id);
});

test("what is missing is said", async (t) => {
  await assert.rejects(usePome(t, { pomeBin: "/no/such/pome" }), /there is no program `\/no\/such\/pome`/);
  await assert.rejects(usePome(t, { twins: ["nothing"] }), /twin `nothing` did not start/);
  await assert.rejects(usePome(t, { scenario: "nowhere.md" }), /cannot read scenario `nowhere\.md`/);
  await assert.rejects(usePome(t, { seed: { repositories: 7 } }), /admin\/sessions answered 4\d\d/);
  const pome = await usePome(t);
  assert.throws(() => pome.stripe, /this run has no twin `stripe`/);
  await assert.rejects(pome.evaluate(), /no scenario to judge by/);
});
