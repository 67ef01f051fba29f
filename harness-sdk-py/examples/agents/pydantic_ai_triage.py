"""An agent on Pydantic AI that uses the MCP server of the GitHub twin."""

from __future__ import annotations

import os

from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset

from pome_harness import Context, harness
from pome_harness.adapters import pydantic_ai


@harness
async def main(run: Context) -> str:
    pydantic_ai.instrument(run.signals)
    github = MCPToolset(**run.mcp.pydantic_ai("github"))
    agent = Agent(os.environ.get("MODEL", "openai-chat:gpt-5-mini"), toolsets=[github])
    result = await agent.run(run.task)
    return str(result.output)


if __name__ == "__main__":
    main.run()
