// An agent on the Claude Agent SDK that works against the twins over MCP.
//
//   pome run --agent "node examples/claude-agent-sdk.mjs" scenarios/01-bug-happy-path.md
import { query } from "@anthropic-ai/claude-agent-sdk";
import { defineHarness } from "pome-harness";
import { instrument } from "pome-harness/adapters/claude-agent-sdk";

const ask = instrument(query);

export default defineHarness(async ({ task, env, mcp }) => {
  const options = {
    // The twins are the only tools; the built-in ones stay off, and no settings of this machine are read.
    mcpServers: mcp.servers(),
    allowedTools: env.twinNames.map((name) => `mcp__${name}`),
    tools: [],
    settingSources: [],
    maxTurns: 30,
  };
  for await (const message of ask({ prompt: task, options })) {
    if (message.type !== "result") continue;
    if (message.subtype !== "success" || message.is_error) throw new Error(`the agent stopped: ${message.subtype}`, { cause: message.result });
    return message.result;
  }
});
