"""An agent on the Claude Agent SDK that uses the MCP server of the GitHub twin."""

from __future__ import annotations

import os
from typing import Any

from claude_agent_sdk import ClaudeAgentOptions, ResultMessage, query

from pome_harness import Context, HarnessError, harness
from pome_harness.adapters import claude_agent_sdk


@harness
async def main(run: Context) -> str:
    claude_agent_sdk.instrument(run.signals)
    servers: dict[str, Any] = {**run.mcp.servers()}
    options = ClaudeAgentOptions(
        model=os.environ.get("MODEL", "claude-haiku-4-5"),
        mcp_servers=servers,
        allowed_tools=["mcp__github"],
        tools=[],  # nothing but the twin: no shell, no files
        setting_sources=[],
    )
    answer: str | None = None
    async for message in query(prompt=run.task, options=options):
        if isinstance(message, ResultMessage):
            answer = message.result
    if answer is None:
        raise HarnessError("the conversation ended without a result")
    return answer


if __name__ == "__main__":
    main.run()
