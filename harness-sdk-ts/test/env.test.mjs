import assert from "node:assert/strict";
import { test } from "node:test";
import { insidePome, InvalidEnvironmentError, NotInRunError, PomeError, readEnv, UnknownTwinError, createContext } from "pome-harness";

const RUN = {
  POME_TASK: "Label the issue.",
  POME_TWIN_NAMES: "github, my-twin",
  POME_AUTH_TOKEN: "session-token",
  POME_GITHUB_REST_URL: "http://127.0.0.1:4000/s/run_1/",
  POME_GITHUB_MCP_URL: "http://127.0.0.1:4000/s/run_1/mcp",
  POME_GITHUB_TOKEN: "github-token",
  POME_MY_TWIN_REST_URL: "http://127.0.0.1:4001/s/run_1",
  POME_RUN_ID: "run_1",
};

test("the variables of a run become one checked value", () => {
  assert.deepEqual(readEnv(RUN), {
    task: "Label the issue.",
    twinNames: ["github", "my-twin"],
    twins: {
      github: { restUrl: "http://127.0.0.1:4000/s/run_1", mcpUrl: "http://127.0.0.1:4000/s/run_1/mcp", token: "github-token" },
      "my-twin": { restUrl: "http://127.0.0.1:4001/s/run_1", mcpUrl: "http://127.0.0.1:4001/s/run_1/mcp", token: "session-token" },
    },
    authToken: "session-token",
    runId: "run_1",
    artifactsDir: null,
    signalsPath: null,
    preflight: false,
    sessionId: null,
  });
  assert.equal(readEnv({ ...RUN, POME_PREFLIGHT: "1", POME_ADAPTER_SIGNALS_PATH: "/x/s.jsonl" }).preflight, true);
  assert.deepEqual([insidePome(RUN), insidePome({}), insidePome({ ...RUN, POME_TASK: "" })], [true, false, true]);
});

test("what is missing is named, with how to run", () => {
  for (const name of ["POME_TASK", "POME_TWIN_NAMES", "POME_AUTH_TOKEN", "POME_MY_TWIN_REST_URL"]) {
    assert.throws(() => readEnv({ ...RUN, [name]: undefined }), (error) => error instanceof NotInRunError && error.variable === name && /pome run/.test(error.hint));
  }
});

test("what cannot be used is named", () => {
  for (const [name, value] of [["POME_GITHUB_REST_URL", "localhost"], ["POME_TWIN_NAMES", ","], ["POME_ARTIFACTS_DIR", "/no/such/folder"]]) {
    assert.throws(() => readEnv({ ...RUN, [name]: value }), (error) => error instanceof InvalidEnvironmentError && error instanceof PomeError && error.variable === name);
  }
});

test("a twin that the run does not have is an error, wherever it is asked for", async () => {
  const context = createContext(RUN);
  assert.equal(context.twins.github.token, "github-token");
  assert.equal(context.twin("my-twin").restUrl, "http://127.0.0.1:4001/s/run_1");
  for (const ask of [() => context.twins.stripe, () => context.twin("stripe"), () => context.mcp.vercel("stripe")]) {
    assert.throws(ask, (error) => error instanceof UnknownTwinError && /it has `github`, `my-twin`/.test(error.message) && /twins: \[github, my-twin, stripe\]/.test(error.hint));
  }
  assert.equal(await context.twins, context.twins);
  assert.deepEqual(Object.keys(context.twins), ["github", "my-twin"]);
});

test("vendors' SDKs and MCP clients get their options", () => {
  const { twins, mcp } = createContext({ ...RUN, POME_TWIN_NAMES: "github,stripe,slack", POME_STRIPE_REST_URL: "http://127.0.0.1:4002/s/r", POME_SLACK_REST_URL: "https://host.test/s/r" });
  assert.deepEqual(twins.github.octokit(), { auth: "github-token", baseUrl: "http://127.0.0.1:4000/s/run_1" });
  assert.deepEqual(twins.stripe.stripe(), { apiKey: "session-token", config: { host: "127.0.0.1", port: 4002, protocol: "http" } });
  assert.deepEqual(twins.slack.slack(), { token: "session-token", options: { slackApiUrl: "https://host.test/s/r/api/" } });
  const headers = { Authorization: "Bearer github-token" };
  const url = "http://127.0.0.1:4000/s/run_1/mcp";
  assert.deepEqual(mcp.servers().github, { type: "http", url, headers });
  assert.deepEqual(mcp.langchain().github, { transport: "http", url, headers });
  assert.deepEqual(mcp.openaiAgents()[0], { name: "github", url, requestInit: { headers }, cacheToolsList: true });
  assert.deepEqual(mcp.vercel("github"), { name: "github", transport: { type: "http", url, headers } });
  assert.deepEqual(mcp.transport("github"), { url: new URL(url), options: { requestInit: { headers } } });
});
