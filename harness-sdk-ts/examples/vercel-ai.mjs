// An agent on the Vercel AI SDK that works against GitHub's twin over MCP.
//
//   pome run --agent "node examples/vercel-ai.mjs" scenarios/01-bug-happy-path.md
import { createMCPClient } from "@ai-sdk/mcp";
import { openai } from "@ai-sdk/openai";
import { generateText, stepCountIs } from "ai";
import { defineHarness } from "pome-harness";
import { instrument } from "pome-harness/adapters/vercel-ai";

export default defineHarness(async ({ task, mcp, abortSignal }) => {
  const client = await createMCPClient(mcp.vercel("github"));
  const { model, tools } = instrument({ model: openai("gpt-4.1"), tools: await client.tools() });
  const { text } = await generateText({ model, tools, prompt: task, system: "You triage issues.", stopWhen: stepCountIs(20), abortSignal });
  return text;
});
