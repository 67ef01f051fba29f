// An agent on the OpenAI Agents SDK that works against the twins over MCP.
//
//   pome run --agent "node examples/openai-agents.mjs" scenarios/01-bug-happy-path.md
import { Agent, MCPServerStreamableHttp, Runner } from "@openai/agents";
import { defineHarness } from "pome-harness";
import { instrument } from "pome-harness/adapters/openai-agents";

export default defineHarness(async ({ task, mcp, abortSignal }) => {
  const mcpServers = mcp.openaiAgents().map((options) => new MCPServerStreamableHttp(options));
  await Promise.all(mcpServers.map((server) => server.connect()));
  const agent = new Agent({ name: "triage", model: "gpt-4.1", instructions: "You triage issues.", mcpServers });
  const runner = instrument(new Runner({ tracingDisabled: true }));
  const result = await runner.run(agent, task, { signal: abortSignal });
  return result.finalOutput;
});
