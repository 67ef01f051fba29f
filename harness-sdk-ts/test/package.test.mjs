// What npm would publish, installed into an empty project.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const pkg = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const run = async (program, args, cwd, env = {}) => (await promisify(execFile)(program, args, { cwd, env: { ...process.env, NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: "", ...env }, timeout: 60_000 })).stdout;

let packed, project;
before(async () => {
  const folder = mkdtempSync(join(tmpdir(), "pome-pack-"));
  [packed] = JSON.parse(await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], root));
  project = join(folder, "project");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{"name":"project","private":true,"type":"module"}');
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps", join(folder, packed.filename)], project);
});

test("the archive holds the build, its types, the README and the licence, and nothing else", () => {
  const files = packed.files.map((file) => file.path);
  assert.deepEqual(files.filter((path) => !path.startsWith("dist/")).sort(), ["LICENSE", "README.md", "package.json"]);
  assert.ok(files.every((path) => !path.startsWith("dist/") || /\.(m?js|d\.m?ts)$/.test(path)));
  for (const entry of Object.values(pkg.exports)) {
    for (const path of typeof entry === "string" ? [entry] : Object.values(entry)) assert.ok(files.includes(path.slice(2)), path);
  }
  assert.ok(packed.unpackedSize < 400_000, `${packed.unpackedSize} bytes`);
});

test("there are no runtime dependencies, and every framework is an optional peer", () => {
  assert.equal(pkg.dependencies, undefined);
  assert.deepEqual(Object.keys(pkg.peerDependenciesMeta).sort(), Object.keys(pkg.peerDependencies).sort());
  assert.ok(Object.values(pkg.peerDependenciesMeta).every(({ optional }) => optional));
  const types = packed.files.filter((file) => file.path.startsWith("dist/adapters/") && file.path.endsWith(".d.ts"));
  assert.ok(types.length > 0);
  for (const { path } of types) assert.doesNotMatch(readFileSync(join(root, path), "utf8"), /from "(?!\.)/, path);
});

test("every sub-path is imported in an empty project, without any framework", async () => {
  const paths = Object.keys(pkg.exports).filter((path) => !["./package.json", "./vitest"].includes(path)).map((path) => path.replace(/^\./, pkg.name));
  const source = `for (const path of ${JSON.stringify(paths)}) console.log(path, Object.keys(await import(path)).length > 0);
    console.log(Symbol.for("pome.proxy.installed") in globalThis, Symbol.for("pome.correlation.installed") in globalThis);`;
  const printed = await run(process.execPath, ["--input-type=module", "--eval", source], project, { HTTPS_PROXY: "", HTTP_PROXY: "", https_proxy: "", http_proxy: "" });
  assert.deepEqual(printed.trim().split("\n"), [...paths.map((path) => `${path} true`), "false false"]);
});

test("importing the package does not touch the process, only the hook does", async () => {
  const source = (path) => `const before = fetch; await import("${path}"); console.log(Symbol.for("pome.proxy.installed") in globalThis, fetch === before, process.listenerCount("SIGTERM"));`;
  const env = { HTTPS_PROXY: "http://127.0.0.1:9" };
  const printed = await Promise.all(["pome-harness", "pome-harness/proxy-hook"].map((path) => run(process.execPath, ["--input-type=module", "--eval", source(path)], project, env)));
  assert.deepEqual(printed, ["false true 0\n", "true true 0\n"]);
});

test("the helper for Vitest works from the archive", async () => {
  symlinkSync(join(root, "node_modules/vitest"), join(project, "node_modules/vitest"));
  writeFileSync(join(project, "a.test.mjs"), `import { test } from "pome-harness/vitest"; import { expect } from "vitest";\ntest("a", async ({ pome }) => expect(await pome.trace()).toEqual([]));\n`);
  const report = JSON.parse(await run(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), "run", "--root", project, "--reporter=json"], project));
  assert.deepEqual([report.numPassedTests, report.numFailedTests], [1, 0]);
});

test("the lock file names the public registry only", () => {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const hosts = new Set(Object.values(lock.packages).flatMap(({ resolved }) => (resolved ? [new URL(resolved).host] : [])));
  assert.ok([...hosts].every((host) => host === "registry.npmjs.org"), [...hosts].join());
});
