// The smallest useful agent: it knows no model, reads the issue that the task names and gives it a label and an owner.
//
//   pome run --agent "node examples/first-harness.mjs" scenarios/01-bug-happy-path.md
import { defineHarness } from "pome-harness";

export default defineHarness(async ({ task, twins, signals }) => {
  const [, number] = /#(\d+)/.exec(task) ?? [];
  const [, repository] = /`([\w.-]+\/[\w.-]+)`/.exec(task) ?? [];
  const path = `/repos/${repository}/issues/${number}`;
  const issue = await twins.github.request("GET", path);
  const isBroken = /\b5\d\d\b|error/i.test(`${issue.title} ${issue.body}`);
  const change = isBroken ? { labels: ["bug"], assignees: ["alice"] } : { labels: ["question"] };
  await signals.tool("triage", change, () => twins.github.request("PATCH", path, { body: change }));
  return `issue #${number}: ${JSON.stringify(change)}`;
});
