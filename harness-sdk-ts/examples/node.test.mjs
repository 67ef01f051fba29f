// The same helper in node:test.
//
//   node --test examples/node.test.mjs
import assert from "node:assert/strict";
import { test } from "node:test";
import { pomeTest, usePome } from "pome-harness/node-test";

pomeTest("a comment is there afterwards", { twins: ["github"] }, async ({ github }) => {
  await github.request("POST", "/repos/acme/api/issues/1/comments", { body: { body: "seen" } });
  const { repositories } = await github.state();
  assert.deepEqual(repositories[0].issues[0].comments.map((comment) => comment.body), ["seen"]);
});

test("inside a test that is there already", async (t) => {
  const { slack } = await usePome(t, { twins: ["slack"] });
  const { ok } = await slack.request("POST", "/api/auth.test");
  assert.equal(ok, true);
  assert.equal((await slack.trace()).length, 1);
});
