// The helper for Vitest in threads, and what becomes of twins whose process is gone.
import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findPome } from "pome-harness/testing";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

// A name of its own for the program, by which its processes are found.
function ownPome() {
  const program = join(mkdtempSync(join(tmpdir(), "pome-own-")), "pome");
  symlinkSync(findPome(), program);
  return program;
}

const running = (program) => execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).split("\n").filter((line) => line.includes(program)).length;

async function assertGone(program) {
  for (let i = 0; i < 100 && running(program) > 0; i++) await pause(50);
  assert.equal(running(program), 0);
}

test("four worker threads in Vitest, and no twin is left behind", async () => {
  const program = ownPome();
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = [at("../node_modules/vitest/vitest.mjs"), "run", "--config", at("../examples/vitest.config.mjs"), "--pool=threads", "--reporter=json"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...env, POME_BIN: program }, timeout: 60_000 });
  const { numPassedTests, numFailedTests } = JSON.parse(stdout);
  assert.ok(numPassedTests >= 12);
  assert.equal(numFailedTests, 0);
  await assertGone(program);
});

test("a process that is killed takes its twins along", async () => {
  const program = ownPome();
  const source = `import { openPome } from "pome-harness/testing"; await openPome({ twins: ["github", "slack"] }); console.log("open"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], { cwd: at("."), env: { ...process.env, POME_BIN: program }, stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  assert.ok(running(program) >= 2);
  child.kill("SIGKILL");
  await assertGone(program);
});

test("a process that is done ends, with its twins", async () => {
  const program = ownPome();
  const source = `import { openPome } from "pome-harness/testing"; const pome = await openPome(); await pome.github.state(); console.log("done");`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", source], { cwd: at("."), env: { ...process.env, POME_BIN: program }, timeout: 20_000 });
  assert.equal(stdout, "done\n");
  await assertGone(program);
});
