"""An agent on the OpenAI Agents SDK that uses the MCP server of the GitHub twin."""

from __future__ import annotations

from agents import Agent, Runner, set_tracing_disabled
from agents.mcp import MCPServerStreamableHttp

from pome_harness import Context, harness
from pome_harness.adapters import openai_agents


@harness
async def main(run: Context) -> str:
    openai_agents.instrument(run.signals)
    set_tracing_disabled(True)  # its own traces would go to OpenAI
    async with MCPServerStreamableHttp(**run.mcp.openai_agents("github")) as github:
        agent = Agent(name="triage", instructions="You triage issues.", mcp_servers=[github])
        result = await Runner.run(agent, run.task)
    return str(result.final_output)


if __name__ == "__main__":
    main.run()
