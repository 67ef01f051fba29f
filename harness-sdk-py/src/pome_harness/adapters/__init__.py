"""Adapters: one line makes an agent framework record its turns and tools.

    from pome_harness.adapters import openai_agents

    openai_agents.instrument(run.signals)

| module | framework | extra |
|---|---|---|
| `openai_agents` | OpenAI Agents SDK | `pome-harness[openai-agents]` |
| `claude_agent_sdk` | Claude Agent SDK | `pome-harness[claude-agent-sdk]` |
| `langchain` | LangChain and LangGraph | `pome-harness[langchain]` |
| `pydantic_ai` | Pydantic AI | `pome-harness[pydantic-ai]` |

Each changes its framework once, for the whole process. Calling `instrument` again only says where signals go from then
on.
"""
