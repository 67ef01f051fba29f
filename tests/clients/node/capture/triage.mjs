// Sorts issue #1 of acme/api with octokit as GitHub's users have it: its default host, a token of their own.
import assert from "node:assert/strict";
import { Octokit } from "octokit";

if (process.env.POME_PREFLIGHT !== "1") {
  const octokit = new Octokit({ auth: "ghp_0123456789abcdefghijklmnopqrstuvwxyz" });
  const place = { owner: "acme", repo: "api", issue_number: 1 };
  const { data: issue } = await octokit.rest.issues.get(place);
  assert.equal(issue.url, "https://api.github.com/repos/acme/api/issues/1");
  await octokit.rest.issues.addLabels({ ...place, labels: ["bug"] });
  await octokit.rest.issues.addAssignees({ ...place, assignees: ["alice"] });
  const open = await octokit.paginate(octokit.rest.issues.listForRepo, { owner: "acme", repo: "api", per_page: 1 });
  assert.ok(open.some((each) => each.number === 1));
}
