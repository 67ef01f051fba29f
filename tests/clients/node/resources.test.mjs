// Every resource of the twin through octokit: made, read, listed, changed and removed.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { Octokit } from "octokit";
import { startTwin } from "./twin.mjs";

let twin, octokit, rest, mine;
const acme = { owner: "acme", repo: "api" };
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

before(async () => {
  twin = await startTwin();
});
after(async () => assert.equal(await twin.stop(), 0));
beforeEach(async () => {
  const world = await twin.makeWorld();
  const options = { auth: world.token, baseUrl: world.rest_url, log: quiet };
  octokit = new Octokit({ ...options, retry: { enabled: false }, throttle: { enabled: false } });
  rest = octokit.rest;
  const { data } = await rest.repos.createForAuthenticatedUser({ name: "own", auto_init: true });
  mine = { owner: data.owner.login, repo: data.name };
});

async function gone(promise) {
  await assert.rejects(promise, (error) => error.status === 404);
}

async function branchWithFile(place, branch, path, text) {
  const { data: main } = await rest.git.getRef({ ...place, ref: "heads/main" });
  await rest.git.createRef({ ...place, ref: `refs/heads/${branch}`, sha: main.object.sha });
  const content = Buffer.from(text).toString("base64");
  await rest.repos.createOrUpdateFileContents({ ...place, branch, path, message: `Add ${path}`, content });
}

test("repositories", async () => {
  const { data: changed } = await rest.repos.update({ ...mine, description: "changed", has_wiki: false });
  assert.deepEqual([changed.description, changed.has_wiki], ["changed", false]);
  await rest.repos.replaceAllTopics({ ...mine, names: ["cli"] });
  assert.deepEqual((await rest.repos.getAllTopics(mine)).data.names, ["cli"]);
  const { data: listed } = await rest.repos.listForAuthenticatedUser();
  assert.ok(listed.some((repo) => repo.full_name === `${mine.owner}/${mine.repo}`));
  await rest.repos.delete(mine);
  await gone(rest.repos.get(mine));
});

test("labels and milestones", async () => {
  await rest.issues.createLabel({ ...acme, name: "urgent", color: "ff0000" });
  const { data: label } = await rest.issues.updateLabel({ ...acme, name: "urgent", new_name: "later" });
  assert.equal(label.name, "later");
  await rest.issues.deleteLabel({ ...acme, name: "later" });
  await gone(rest.issues.getLabel({ ...acme, name: "later" }));
  const { data: milestone } = await rest.issues.createMilestone({ ...acme, title: "v1" });
  const which = { ...acme, milestone_number: milestone.number };
  await rest.issues.update({ ...acme, issue_number: 1, milestone: milestone.number });
  assert.equal((await rest.issues.getMilestone(which)).data.open_issues, 1);
  await rest.issues.updateMilestone({ ...which, state: "closed" });
  assert.equal((await rest.issues.listMilestones({ ...acme, state: "closed" })).data.length, 1);
  await rest.issues.deleteMilestone(which);
  await gone(rest.issues.getMilestone(which));
});

test("comments and reactions", async () => {
  const issue = { ...acme, issue_number: 1 };
  const { data: comment } = await rest.issues.createComment({ ...issue, body: "first" });
  const which = { ...acme, comment_id: comment.id };
  const { data: reaction } = await rest.reactions.createForIssueComment({ ...which, content: "rocket" });
  assert.equal((await rest.issues.getComment(which)).data.reactions.rocket, 1);
  await rest.reactions.deleteForIssueComment({ ...which, reaction_id: reaction.id });
  assert.equal((await rest.reactions.listForIssueComment(which)).data.length, 0);
  await rest.issues.deleteComment(which);
  await gone(rest.issues.getComment(which));
});

test("locks, events and the timeline", async () => {
  const issue = { ...acme, issue_number: 1 };
  await rest.issues.lock({ ...issue, lock_reason: "resolved" });
  await rest.issues.unlock(issue);
  await rest.issues.update({ ...issue, title: "Renamed" });
  const { data: events } = await rest.issues.listEvents(issue);
  assert.deepEqual(events.map((event) => event.event), ["locked", "unlocked", "renamed"]);
  await rest.issues.createComment({ ...issue, body: "seen" });
  const { data: timeline } = await rest.issues.listEventsForTimeline(issue);
  assert.equal(timeline.at(-1).event, "commented");
});

test("branches, tags and comparisons", async () => {
  await branchWithFile(acme, "topic", "docs/new.md", "one\n");
  const { data: branch } = await rest.repos.getBranch({ ...acme, branch: "topic" });
  const { data: compared } = await rest.repos.compareCommitsWithBasehead({ ...acme, basehead: "main...topic" });
  assert.deepEqual([compared.status, compared.ahead_by, compared.files.length], ["ahead", 1, 1]);
  const object = branch.commit.sha;
  const { data: tag } = await rest.git.createTag({ ...acme, tag: "v1", message: "one", object, type: "commit" });
  await rest.git.createRef({ ...acme, ref: "refs/tags/v1", sha: tag.sha });
  assert.deepEqual((await rest.repos.listTags(acme)).data.map((each) => each.name), ["v1"]);
  await rest.git.deleteRef({ ...acme, ref: "heads/topic" });
  await gone(rest.repos.getBranch({ ...acme, branch: "topic" }));
});

test("a pull request by its diff, its patch and its pieces", async () => {
  await branchWithFile(acme, "topic", "docs/new.md", "one\n");
  const { data: made } = await rest.pulls.create({ ...acme, title: "Add", head: "topic", base: "main" });
  const pull = { ...acme, pull_number: made.number };
  const { data: diff } = await rest.pulls.get({ ...pull, mediaType: { format: "diff" } });
  assert.match(diff, /^diff --git a\/docs\/new\.md b\/docs\/new\.md\n/);
  const { data: patch } = await rest.pulls.get({ ...pull, mediaType: { format: "patch" } });
  assert.match(patch, /^From [0-9a-f]{40} Mon Sep 17 00:00:00 2001\n/);
  await rest.pulls.requestReviewers({ ...pull, reviewers: ["alice"] });
  assert.equal((await rest.pulls.listRequestedReviewers(pull)).data.users[0].login, "alice");
  await assert.rejects(rest.pulls.createReview({ ...pull, event: "APPROVE" }), (error) => error.status === 422);
  const comments = [{ path: "docs/new.md", line: 1, side: "RIGHT", body: "why?" }];
  const { data: review } = await rest.pulls.createReview({ ...pull, event: "COMMENT", body: "hm", comments });
  assert.equal((await rest.pulls.listCommentsForReview({ ...pull, review_id: review.id })).data.length, 1);
  const { data: merged } = await rest.pulls.merge({ ...pull, merge_method: "squash" });
  assert.equal(merged.merged, true);
  assert.equal((await rest.pulls.checkIfMerged(pull)).status, 204);
});

test("protection holds a merge until its checks pass", async () => {
  await branchWithFile(mine, "topic", "a.txt", "a\n");
  await rest.repos.updateBranchProtection({
    ...mine,
    branch: "main",
    required_status_checks: { strict: false, contexts: ["ci"] },
    enforce_admins: true,
    required_pull_request_reviews: null,
    restrictions: null,
  });
  const { data: pull } = await rest.pulls.create({ ...mine, title: "Add a", head: "topic", base: "main" });
  const which = { ...mine, pull_number: pull.number };
  await assert.rejects(rest.pulls.merge(which), (error) => error.status === 405);
  const sha = pull.head.sha;
  await rest.checks.create({ ...mine, name: "ci", head_sha: sha, status: "completed", conclusion: "success" });
  assert.equal((await rest.pulls.get(which)).data.mergeable_state, "clean");
  assert.equal((await rest.pulls.merge(which)).data.merged, true);
});

test("checks and statuses", async () => {
  const { data: head } = await rest.repos.getCommit({ ...acme, ref: "main" });
  await rest.repos.createCommitStatus({ ...acme, sha: head.sha, state: "pending", context: "ci" });
  assert.equal((await rest.repos.getCombinedStatusForRef({ ...acme, ref: "main" })).data.state, "pending");
  const annotations = [
    { path: "README.md", start_line: 1, end_line: 1, annotation_level: "warning", message: "long line" },
  ];
  const output = { title: "lint", summary: "1 warning", annotations };
  const { data: run } = await rest.checks.create({ ...acme, name: "lint", head_sha: head.sha, output });
  const { data: listed } = await rest.checks.listAnnotations({ ...acme, check_run_id: run.id });
  assert.deepEqual(listed.map((each) => each.message), ["long line"]);
  const { data: suites } = await rest.checks.listSuitesForRef({ ...acme, ref: "main" });
  assert.equal(suites.check_suites[0].id, run.check_suite.id);
});

test("releases and their files", async () => {
  const { data: release } = await rest.repos.createRelease({ ...mine, tag_name: "v1", name: "First" });
  const which = { ...mine, release_id: release.id };
  const data = Buffer.from([0, 1, 2, 255]);
  // `uploadReleaseAsset` has the vendor's upload host built in; the release says where to upload.
  const upload = { method: "POST", url: release.upload_url, name: "tool.bin", data };
  const binary = { "content-type": "application/octet-stream" };
  const { data: asset } = await octokit.request({ ...upload, headers: binary });
  assert.equal(asset.size, 4);
  const headers = { accept: "application/octet-stream" };
  const { data: bytes } = await rest.repos.getReleaseAsset({ ...mine, asset_id: asset.id, headers });
  assert.deepEqual(Buffer.from(bytes), data);
  await rest.repos.deleteReleaseAsset({ ...mine, asset_id: asset.id });
  await rest.repos.updateRelease({ ...which, draft: true });
  await rest.repos.deleteRelease(which);
  await gone(rest.repos.getRelease(which));
});

test("hooks and deploy keys", async () => {
  const config = { url: "https://example.com/hook", content_type: "json" };
  const { data: hook } = await rest.repos.createWebhook({ ...mine, config, events: ["push"] });
  await rest.repos.updateWebhook({ ...mine, hook_id: hook.id, events: ["issues"] });
  assert.deepEqual((await rest.repos.listWebhooks(mine)).data[0].events, ["issues"]);
  await rest.repos.deleteWebhook({ ...mine, hook_id: hook.id });
  await gone(rest.repos.getWebhook({ ...mine, hook_id: hook.id }));
});

test("stars, gists and sub-issues", async () => {
  await rest.activity.starRepoForAuthenticatedUser(acme);
  assert.equal((await rest.activity.checkRepoIsStarredByAuthenticatedUser(acme)).status, 204);
  await rest.activity.unstarRepoForAuthenticatedUser(acme);
  await gone(rest.activity.checkRepoIsStarredByAuthenticatedUser(acme));
  const { data: gist } = await rest.gists.create({ files: { "a.txt": { content: "a" } }, public: false });
  await rest.gists.update({ gist_id: gist.id, description: "changed" });
  assert.equal((await rest.gists.get({ gist_id: gist.id })).data.files["a.txt"].content, "a");
  await rest.gists.delete({ gist_id: gist.id });
  await gone(rest.gists.get({ gist_id: gist.id }));
  const { data: child } = await rest.issues.create({ ...acme, title: "A part" });
  await octokit.request("POST /repos/{owner}/{repo}/issues/{issue_number}/sub_issues", {
    ...acme,
    issue_number: 1,
    sub_issue_id: child.id,
  });
  const { data: parent } = await rest.issues.get({ ...acme, issue_number: 1 });
  assert.deepEqual(parent.sub_issues_summary, { total: 1, completed: 0, percent_completed: 0 });
});
