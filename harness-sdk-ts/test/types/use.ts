// What the types promise: compiled, never run.
import { query } from "@anthropic-ai/claude-agent-sdk";
import { createMCPClient } from "@ai-sdk/mcp";
import { openai } from "@ai-sdk/openai";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { ChatOpenAI } from "@langchain/openai";
import { Agent, MCPServerStreamableHttp, Runner } from "@openai/agents";
import { WebClient } from "@slack/web-api";
import { generateText } from "ai";
import { createAgent } from "langchain";
import { Octokit } from "octokit";
import { createContext, defineHarness, readEnv, routeThroughProxy } from "pome-harness";
import type { PomeEnv, Twin } from "pome-harness";
import { instrument as claude } from "pome-harness/adapters/claude-agent-sdk";
import { instrument as langchain } from "pome-harness/adapters/langchain";
import { instrument as agents } from "pome-harness/adapters/openai-agents";
import { instrument as vercel } from "pome-harness/adapters/vercel-ai";
import { pomeTest as nodeTest } from "pome-harness/node-test";
import { openPome } from "pome-harness/testing";
import { pomeTest } from "pome-harness/vitest";
import Stripe from "stripe";

const env: PomeEnv = readEnv();
const { twins, twin, mcp, signals } = createContext();
const custom: Twin = twin("my-twin");
// @ts-expect-error a twin of one's own has no vendor's options
custom.octokit();
// @ts-expect-error Slack's twin knows nothing of Stripe
twins.slack.stripe();
new Octokit(twins.github.octokit());
const { apiKey, config } = twin("stripe").stripe();
new Stripe(apiKey, config);
const { token, options } = twins.slack.slack();
new WebClient(token, options);

export default defineHarness(async ({ task, abortSignal }) => {
  const asked = claude(query)({ prompt: task, options: { mcpServers: mcp.servers() } });
  for await (const message of asked) if (message.type === "result") console.log(message.subtype);
  await asked.interrupt();
  const runner: Runner = agents(new Runner());
  const result = await runner.run(new Agent({ name: "a", mcpServers: mcp.openaiAgents().map((one) => new MCPServerStreamableHttp(one)) }), task, { signal: abortSignal });
  const client = await createMCPClient(mcp.vercel("github"));
  const parts = vercel({ model: openai("gpt-4.1"), tools: await client.tools() }, { signals });
  await generateText({ ...parts, prompt: task });
  const { model, tools } = langchain({ model: new ChatOpenAI({}), tools: await new MultiServerMCPClient({ mcpServers: mcp.langchain() }).getTools() });
  createAgent({ model, tools });
  await routeThroughProxy();
  return { summary: String(result.finalOutput), runId: env.runId };
});

// @ts-expect-error a number is no summary
defineHarness(() => 7);

pomeTest({ twins: ["stripe"] }).skip("types", async ({ pome }) => void pome.stripe.stripe());
pomeTest({ n: 2 })("types", async ({ pome }) => void (await pome.github.state()));
nodeTest("types", { n: 1 }, async ({ github }, t) => t.diagnostic(github.sid));
const number: number = await signals.tool("add", {}, () => 1);
void [number, openPome];
