"""An agent on LangGraph that uses the MCP server of the GitHub twin."""

from __future__ import annotations

import os

from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_openai import ChatOpenAI

from pome_harness import Context, harness
from pome_harness.adapters import langchain


@harness
async def main(run: Context) -> str:
    langchain.instrument(run.signals)
    tools = await MultiServerMCPClient(dict(run.mcp.langchain())).get_tools()  # type: ignore[arg-type]
    agent = create_agent(ChatOpenAI(model=os.environ.get("MODEL", "gpt-5-mini")), tools)
    result = await agent.ainvoke({"messages": [{"role": "user", "content": run.task}]})
    return str(result["messages"][-1].text)


if __name__ == "__main__":
    main.run()
