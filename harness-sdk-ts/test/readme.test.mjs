// The examples in the README are the files in examples/, which other tests run.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import * as sdk from "pome-harness";

const root = new URL("../", import.meta.url);
const readme = readFileSync(new URL("README.md", root), "utf8");

test("every example is as it is in its file", () => {
  const shown = [...readme.matchAll(/<!-- (\S+) -->\n```\w+\n([\s\S]*?)```/g)];
  assert.ok(shown.length >= 7);
  for (const [, path, code] of shown) {
    const file = readFileSync(new URL(path, root), "utf8").replace(/^(\/\/.*\n|\n)+/, "");
    assert.equal(code, file, path);
  }
});

test("what the README names exists", () => {
  const { exports } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
  for (const [, path] of readme.matchAll(/pome-harness\/([\w/-]+)/g)) assert.ok(exports[`./${path}`], path);
  for (const [, path] of readme.matchAll(/\]\((\.\.\/[^)#]+)\)/g)) assert.ok(existsSync(new URL(path, root)), path);
  for (const name of ["defineHarness", "createContext", "readEnv", "insidePome", "routeThroughProxy", "UnknownTwinError", "TwinRequestError"]) assert.ok(name in sdk, name);
});

test("the exports of the package are these", () => {
  assert.deepEqual(Object.keys(sdk).sort(), [
    "CORRELATION_HEADER", "GitHubTwin", "HarnessError", "InvalidEnvironmentError", "Mcp", "McpClient", "McpError", "NotInRunError",
    "PomeError", "Signals", "SlackTwin", "StripeTwin", "Twin", "TwinRequestError", "UnknownTwinError", "createContext", "createMcp",
    "createSignals", "createTwin", "createTwins", "defineHarness", "insidePome", "processSignals", "readEnv", "routeThroughProxy", "withinToolUse",
  ]);
});
