// octokit, unmodified, against the twin.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { Octokit as Rest } from "@octokit/rest";
import { Octokit, RequestError } from "octokit";
import { startTwin } from "./twin.mjs";

let twin, world, octokit;
const acme = { owner: "acme", repo: "api" };
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

before(async () => {
  twin = await startTwin();
});
after(async () => assert.equal(await twin.stop(), 0));
beforeEach(async () => {
  world = await twin.makeWorld();
  const options = { auth: world.token, baseUrl: world.rest_url, log: quiet };
  octokit = new Octokit({ ...options, retry: { enabled: false }, throttle: { enabled: false } });
});

test("the repository and its issue are read", async () => {
  const { data: repo } = await octokit.rest.repos.get(acme);
  assert.equal(repo.full_name, "acme/api");
  const { data: issue } = await octokit.rest.issues.get({ ...acme, issue_number: 1 });
  assert.equal(issue.title, "500 error on POST /orders after deploy");
  const { data: me } = await octokit.rest.users.getAuthenticated();
  assert.equal(me.login, "pome-agent");
});

test("an issue is created, labelled, assigned, commented and closed", async () => {
  const { data: made } = await octokit.rest.issues.create({ ...acme, title: "Cache is stale", labels: ["bug"] });
  const issue = { ...acme, issue_number: made.number };
  await octokit.rest.issues.addLabels({ ...issue, labels: ["question"] });
  await octokit.rest.issues.removeLabel({ ...issue, name: "bug" });
  await octokit.rest.issues.addAssignees({ ...issue, assignees: ["alice"] });
  const { data: comment } = await octokit.rest.issues.createComment({ ...issue, body: "hello" });
  await octokit.rest.issues.updateComment({ ...acme, comment_id: comment.id, body: "hello again" });
  const { data: closed } = await octokit.rest.issues.update({ ...issue, state: "closed" });
  assert.equal(closed.state, "closed");
  const { data: labels } = await octokit.rest.issues.listLabelsOnIssue(issue);
  assert.deepEqual(labels.map((label) => label.name), ["question"]);
  const { data: comments } = await octokit.rest.issues.listComments(issue);
  assert.deepEqual(comments.map((each) => each.body), ["hello again"]);
});

test("paginate follows the Link header to the end", async () => {
  for (let at = 0; at < 44; at++) await octokit.rest.issues.create({ ...acme, title: `issue ${at}` });
  const all = await octokit.paginate(octokit.rest.issues.listForRepo, { ...acme, state: "all", per_page: 10 });
  assert.equal(all.length, 45);
  assert.equal(new Set(all.map((issue) => issue.number)).size, 45);
});

test("a branch with a slash, a file, a pull request, a review and a merge", async () => {
  const { data: main } = await octokit.rest.git.getRef({ ...acme, ref: "heads/main" });
  await octokit.rest.git.createRef({ ...acme, ref: "refs/heads/feature/x", sha: main.object.sha });
  const content = Buffer.from("export const x = 1;\n").toString("base64");
  const file = { ...acme, path: "src/x.ts", branch: "feature/x" };
  await octokit.rest.repos.createOrUpdateFileContents({ ...file, message: "Add x", content });
  const { data: pull } = await octokit.rest.pulls.create({ ...acme, title: "Add x", head: "feature/x", base: "main" });
  const { data: files } = await octokit.rest.pulls.listFiles({ ...acme, pull_number: pull.number });
  assert.deepEqual(files.map((each) => [each.filename, each.status]), [["src/x.ts", "added"]]);
  const { data: diff } = await octokit.rest.pulls.get({ ...acme, pull_number: pull.number, mediaType: { format: "diff" } });
  assert.match(diff, /^diff --git a\/src\/x.ts b\/src\/x.ts\n/);
  await octokit.rest.pulls.createReview({ ...acme, pull_number: pull.number, event: "COMMENT", body: "ok" });
  const { data: merged } = await octokit.rest.pulls.merge({ ...acme, pull_number: pull.number });
  assert.equal(merged.merged, true);
  const { data: stored } = await octokit.rest.repos.getContent({ ...acme, path: "src/x.ts" });
  assert.equal(Buffer.from(stored.content, "base64").toString(), "export const x = 1;\n");
  await octokit.rest.git.deleteRef({ ...acme, ref: "heads/feature/x" });
});

test("a conflicting pull request is not mergeable", async () => {
  const { data: main } = await octokit.rest.git.getRef({ ...acme, ref: "heads/main" });
  await octokit.rest.git.createRef({ ...acme, ref: "refs/heads/other", sha: main.object.sha });
  for (const branch of ["other", "main"]) {
    const { data: readme } = await octokit.rest.repos.getContent({ ...acme, path: "README.md", ref: branch });
    const content = Buffer.from(`# ${branch}\n`).toString("base64");
    await octokit.rest.repos.createOrUpdateFileContents({
      ...acme, path: "README.md", branch, message: `from ${branch}`, content, sha: readme.sha,
    });
  }
  const { data: pull } = await octokit.rest.pulls.create({ ...acme, title: "clash", head: "other", base: "main" });
  const { data: seen } = await octokit.rest.pulls.get({ ...acme, pull_number: pull.number });
  assert.equal(seen.mergeable, false);
  assert.equal(seen.mergeable_state, "dirty");
  await assert.rejects(octokit.rest.pulls.merge({ ...acme, pull_number: pull.number }), { status: 405 });
});

test("errors are RequestErrors with the vendor's body", async () => {
  await assert.rejects(octokit.rest.issues.get({ ...acme, issue_number: 999 }), (error) => {
    assert.ok(error instanceof RequestError);
    assert.equal(error.status, 404);
    assert.equal(error.response.data.message, "Not Found");
    return true;
  });
  const stranger = new Rest({ auth: "nonsense", baseUrl: world.rest_url, log: quiet });
  await assert.rejects(stranger.rest.repos.get(acme), { status: 401 });
});

test("what is not modelled is loud", async () => {
  await assert.rejects(octokit.request("GET /repos/{owner}/{repo}/traffic/views", acme), { status: 501 });
  const events = await world.events();
  assert.equal(events.at(-1).fidelity, "unsupported");
});

test("an answer that did not change costs nothing", async () => {
  const first = await octokit.request("GET /repos/{owner}/{repo}/labels", acme);
  const again = octokit.request("GET /repos/{owner}/{repo}/labels", { ...acme, headers: { "if-none-match": first.headers.etag } });
  await assert.rejects(again, { status: 304 });
});

test("a hundred writes at once lose nothing", async () => {
  const titles = Array.from({ length: 100 }, (_, at) => `parallel ${at}`);
  const made = await Promise.all(titles.map((title) => octokit.rest.issues.create({ ...acme, title })));
  const numbers = made.map(({ data }) => data.number).sort((a, b) => a - b);
  assert.deepEqual(numbers, titles.map((_, at) => at + 2));
});
