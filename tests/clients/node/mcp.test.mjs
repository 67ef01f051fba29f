// The official MCP clients for TypeScript, both generations, unmodified, against the twin.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import * as current from "@modelcontextprotocol/client";
import { Client as EarlierClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as EarlierTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { startTwin } from "./twin.mjs";

const generations = {
  current: [current.Client, current.StreamableHTTPClientTransport],
  earlier: [EarlierClient, EarlierTransport],
};

let twin, world;
before(async () => {
  twin = await startTwin();
});
after(async () => assert.equal(await twin.stop(), 0));
beforeEach(async () => {
  world = await twin.makeWorld();
});

for (const [name, [Client, Transport]] of Object.entries(generations)) {
  const connect = async () => {
    const client = new Client({ name: "pome-tests", version: "1.0.0" });
    const requestInit = { headers: { authorization: `Bearer ${world.token}` } };
    await client.connect(new Transport(new URL(world.mcp_url), { requestInit }));
    return client;
  };

  test(`${name}: a session lists tools, reads and writes`, async () => {
    const client = await connect();
    const { tools } = await client.listTools();
    assert.ok(tools.length > 30);
    assert.ok(tools.every((tool) => tool.inputSchema.type === "object"));
    const issue = { owner: "acme", repo: "api", issue_number: 1 };
    const read = await client.callTool({ name: "issue_read", arguments: { method: "get", ...issue } });
    assert.equal(JSON.parse(read.content[0].text).number, 1);
    const written = await client.callTool({ name: "add_issue_comment", arguments: { ...issue, body: "seen" } });
    assert.ok(!written.isError);
    const { repositories } = await world.state();
    assert.deepEqual(repositories[0].issues[0].comments.map((comment) => comment.body), ["seen"]);
    await client.close();
  });

  test(`${name}: a refusal is a tool error`, async () => {
    const client = await connect();
    const result = await client.callTool({
      name: "issue_read",
      arguments: { method: "get", owner: "acme", repo: "nothing", issue_number: 1 },
    });
    assert.equal(result.isError, true);
    await client.close();
  });
}
