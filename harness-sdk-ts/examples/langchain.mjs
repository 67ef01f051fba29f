// An agent on LangChain (LangGraph underneath) that works against the twins over MCP.
//
//   pome run --agent "node examples/langchain.mjs" scenarios/01-bug-happy-path.md
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent } from "langchain";
import { defineHarness } from "pome-harness";
import { instrument } from "pome-harness/adapters/langchain";

export default defineHarness(async ({ task, mcp, abortSignal }) => {
  const client = new MultiServerMCPClient({ mcpServers: mcp.langchain() });
  const { model, tools } = instrument({ model: new ChatOpenAI({ model: "gpt-4.1" }), tools: await client.getTools() });
  const agent = createAgent({ model, tools, systemPrompt: "You triage issues." });
  const { messages } = await agent.invoke({ messages: [{ role: "user", content: task }] }, { signal: abortSignal });
  return String(messages.at(-1).content);
});
