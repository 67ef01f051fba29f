// Builds the example with both engines, judges a run with it, and judges the finished run again.
//
// `POME_BIN` names the program; without it `target/debug/pome` is taken.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const binary = process.env.POME_BIN ?? join(here, "../../../target/debug/pome");

const SCENARIO = `# Tone

## Prompt
Answer issue #1 in acme/api.

## Success Criteria
- [D:tone] Every comment is polite
- [D] No comment shouts
- [D:tone] Every comment rhymes
- [D] Issue #1 in \`acme/api\` is in state open

## Config
passThreshold: 100
evaluators: [./tone.wasm]
`;

const AGENT = `
if (process.env.POME_PREFLIGHT === "1") process.exit(0);
for (const body of ["Thank you for the report.", "FIXED NOW!!"]) {
  const answer = await fetch(process.env.POME_GITHUB_REST_URL + "/repos/acme/api/issues/1/comments", {
    method: "POST",
    headers: { authorization: "Bearer " + process.env.POME_AUTH_TOKEN, "content-type": "application/json" },
    body: JSON.stringify({ body }),
  });
  if (answer.status !== 201) process.exit(1);
}
`;

let folder;

function pome(...args) {
  const env = { ...process.env, HOME: folder, XDG_CACHE_HOME: join(folder, "cache"), NO_COLOR: "1" };
  return spawnSync(binary, args, { cwd: folder, env, encoding: "utf8" });
}

function build(output, ...flags) {
  execFileSync(process.execPath, [join(here, "build.mjs"), ...flags, join(folder, output)], { stdio: "pipe" });
  return "sha256:" + createHash("sha256").update(readFileSync(join(folder, output))).digest("hex");
}

const json = (path) => JSON.parse(readFileSync(join(folder, path), "utf8"));
const bytes = (run) => ["score.json", "verdict.json", "meta.json"].map((name) => readFileSync(join(folder, run, name), "utf8"));

before(() => {
  folder = mkdtempSync(join(tmpdir(), "pome-tone-"));
  writeFileSync(join(folder, "tone.md"), SCENARIO);
  writeFileSync(join(folder, "agent.mjs"), AGENT);
});
after(() => rmSync(folder, { recursive: true, force: true }));

test("an evaluator in JavaScript judges a run, and the finished run again with the same bytes", () => {
  const digest = build("tone.wasm");
  const output = pome("run", "tone.md", "--local", "--agent", "node agent.mjs");
  assert.equal(output.status, 1, output.stderr);

  const { run_dir: run } = json("runs/latest.json");
  const { results } = json(join(run, "score.json"));
  const evaluator = { name: "tone", digest };
  assert.deepEqual(
    results.map(({ outcome, reason, evaluator, evidence_state_paths: paths }) => ({ outcome, reason, evaluator, paths })),
    [
      {
        outcome: "failed",
        reason: '"FIXED NOW!!" is not polite',
        evaluator,
        paths: ["/repositories/0/issues/0/comments/1/body"],
      },
      {
        outcome: "failed",
        reason: '"FIXED NOW!!" shouts',
        evaluator,
        paths: ["/repositories/0/issues/0/comments/1/body"],
      },
      {
        outcome: "skipped",
        reason: "unmatched: evaluator `tone` does not read this sentence",
        evaluator: undefined,
        paths: undefined,
      },
      { outcome: "passed", reason: results[3].reason, evaluator: undefined, paths: results[3].evidence_state_paths },
    ],
  );
  assert.deepEqual(json(join(run, "meta.json")).evaluators, { tone: digest });

  const first = bytes(run);
  assert.equal(pome("eval", "--local", run).status, 1);
  assert.deepEqual(bytes(run), first);
  mkdirSync(join(folder, "kept"));
  renameSync(join(folder, run), join(folder, "kept/run"));
  assert.equal(pome("eval", "--local", "kept/run").status, 1);
  assert.deepEqual(bytes("kept/run"), first);

  // The same source in the small engine: other bytes, the same judgement.
  const small = build("small.wasm", "--quickjs");
  assert.ok(statSync(join(folder, "small.wasm")).size < 2 << 20);
  assert.equal(pome("eval", "--local", "kept/run", "--evaluator", "tone=small.wasm").status, 1);
  const again = json("kept/run/score.json").results;
  assert.deepEqual(again[0].evaluator, { name: "tone", digest: small });
  assert.deepEqual(
    again.map(({ evaluator, ...rest }) => rest),
    results.map(({ evaluator, ...rest }) => rest),
  );
});
