// Tools over MCP, and the events that an agent in the same process writes.
import { readFileSync } from "node:fs";
import { test } from "pome-harness/vitest";
import { expect } from "vitest";

const issue = { owner: "acme", repo: "api", issue_number: 1 };

test("a tool's call and the twin's row belong together", async ({ pome }) => {
  const client = await pome.mcp.connect("github");
  const { isError } = await pome.signals.tool("comment", issue, () => client.callTool("add_issue_comment", { ...issue, body: "seen" }));
  expect(isError).toBeFalsy();
  const [use, result] = readFileSync(pome.signals.path ?? "", "utf8").trim().split("\n").map((line) => JSON.parse(line));
  expect([use.kind, result.kind, result.parent_event_id]).toEqual(["ToolUseEvent", "ToolResultEvent", use.event_id]);
  expect((await pome.trace()).map((row) => [row.tool, row.correlation_id])).toEqual([["add_issue_comment", use.tool_use_id]]);
});

test("two tools at once keep their ids", async ({ pome }) => {
  const client = await pome.mcp.connect("github");
  const names = ["one", "two", "three"];
  await Promise.all(names.map((body) => pome.signals.tool("comment", { body }, () => client.callTool("add_issue_comment", { ...issue, body }))));
  const uses = readFileSync(pome.signals.path ?? "", "utf8").trim().split("\n").map((line) => JSON.parse(line)).filter((row) => row.kind === "ToolUseEvent");
  const byId = new Map(uses.map((use) => [use.tool_use_id, use.input.body]));
  for (const row of await pome.trace()) {
    expect((row.request_body as { arguments: { body: string } }).arguments.body).toBe(byId.get(row.correlation_id));
  }
});
