// Everything: types, the tests of node:test, and the Vitest examples with four workers. Ends with real counts, the ones of
// Vitest in node's form (`# pass N`). The program is POME_BIN, else the one that `cargo build` makes.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const here = resolve(import.meta.dirname, "..");
const POME_BIN = resolve(process.env.POME_BIN ?? join(here, "../target/debug/pome"));
if (!existsSync(POME_BIN)) {
  console.error(`error: there is no program \`${POME_BIN}\`\nhint: run \`cargo build\`, or name a program in POME_BIN`);
  process.exit(1);
}

let failed = 0;
function node(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: here, stdio: "inherit", env: { ...process.env, POME_BIN } });
  failed += status === 0 ? 0 : 1;
}

const tests = (folder) => readdirSync(join(here, folder)).filter((name) => name.endsWith(".test.mjs")).map((name) => join(folder, name));
node("node_modules/typescript/bin/tsc", "-p", "test");
node("--test", "--test-concurrency=2", ...tests("../tests/models"), ...tests("test"), ...tests("examples"));
const report = join(mkdtempSync(join(tmpdir(), "pome-vitest-")), "report.json");
node("node_modules/vitest/vitest.mjs", "run", "--config", "examples/vitest.config.mjs", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`);
const counts = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : { numPassedTests: 0, numFailedTests: 1 };
console.log(`# pass ${counts.numPassedTests}\n# fail ${counts.numFailedTests}`);
process.exit(failed === 0 ? 0 : 1);
