// Twins in the tests that you already have: each test gets a session of its own.
import { fileURLToPath } from "node:url";
import { assertPassed, pomeTest, test as withGitHub } from "pome-harness/vitest";
import { describe, expect } from "vitest";
import { triage } from "./triage.js";

describe("with GitHub's twin as it comes", () => {
  withGitHub("an issue is labelled", async ({ pome }) => {
    await triage(pome.github, { repository: "acme/api", number: 1 });
    const issue = await pome.github.request("GET", "/repos/acme/api/issues/1");
    expect(issue.labels.map((label: { name: string }) => label.name)).toEqual(["bug"]);
  });

  withGitHub("nothing of the test before is left", async ({ pome }) => {
    const { repositories } = await pome.github.state();
    expect(repositories[0].issues[0].labels).toEqual([]);
    expect(await pome.trace()).toEqual([]);
  });
});

const seed = {
  users: [{ login: "alice" }],
  repositories: [{ owner: "acme", name: "shop", labels: [{ name: "bug" }, { name: "question" }], issues: [{ number: 7, title: "How do I log in?", body: "Please tell." }] }],
};

pomeTest({ seed })("a seed of one's own", async ({ pome }) => {
  await triage(pome.github, { repository: "acme/shop", number: 7 });
  const calls = await pome.github.trace();
  expect(calls.map((call) => [call.method, call.status, call.state_mutation])).toEqual([["GET", 200, false], ["PATCH", 200, true]]);
});

const scenario = fileURLToPath(new URL("../../../scenarios/01-bug-happy-path.md", import.meta.url));
const agent = fileURLToPath(new URL("../first-harness.mjs", import.meta.url));

pomeTest({ scenario, n: 3 })("the agent does what the scenario asks for", async ({ pome }) => {
  const run = await pome.runAgent([process.execPath, agent]);
  expect(run).toMatchObject({ exitCode: 0, stderr: "" });
  assertPassed(await pome.evaluate());
});
