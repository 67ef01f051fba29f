"""OpenAI Agents SDK.

    from pome_harness.adapters import openai_agents

    openai_agents.instrument(run.signals)

Runs that are started after that record each turn of a model, each tool with its result, hand-offs, and agents that are
used as tools. Tools of MCP servers and function tools carry their id to the twins.
"""

from __future__ import annotations

import time
from typing import Any

from .._correlate import running
from .._signals import Signals
from ._common import Recorder, count, parsed, replace

_recorder = Recorder("openai-agents", "openai-agents")


def instrument(signals: Signals | None = None) -> None:
    """Records every run of an agent, by default to the signals of the run that this process belongs to."""
    _recorder.start(signals, _patch)


def _patch() -> None:
    import agents
    from agents.lifecycle import RunHooksBase
    from agents.run import AgentRunner

    def hooked(original: Any) -> Any:
        def wrapper(self: Any, starting_agent: Any, input: Any, **kwargs: Any) -> Any:
            hooks = kwargs.get("hooks")
            # An agent hook in this place is a mistake that the framework explains.
            if hooks is None or (isinstance(hooks, RunHooksBase) and not hasattr(hooks, "_pome")):
                session = kwargs.get("session")
                stream = kwargs.get("conversation_id") or getattr(session, "session_id", None)
                kwargs["hooks"] = _hooks(hooks, kwargs.get("run_config"), stream)
            return original(self, starting_agent, input, **kwargs)

        return wrapper

    for name in ("run", "run_sync", "run_streamed"):
        replace(AgentRunner, name, hooked)
    replace(agents.tool, "maybe_invoke_function_tool_failure_error_function", _flag_failures)


def _flag_failures(original: Any) -> Any:
    # A function tool that fails answers the model a text; that it was a failure is known only here.
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        if (call := running()) is not None:
            call.failed = True
        return await original(*args, **kwargs)

    return wrapper


def _hooks(inner: Any, run_config: Any, stream: str | None) -> Any:
    from agents import FunctionTool, RunHooks
    from agents.models import get_default_model

    class Hooks(RunHooks[Any]):
        """Records, and then calls the hooks of the user."""

        _pome = True

        def __init__(self) -> None:
            self._inner: RunHooks[Any] = inner or RunHooks[Any]()
            self._started: float | None = None
            self._open: list[tuple[int, str]] = []

        async def on_llm_start(self, context: Any, agent: Any, system_prompt: Any, input_items: Any) -> None:
            await self._inner.on_llm_start(context, agent, system_prompt, input_items)
            self._started = time.monotonic()

        async def on_llm_end(self, context: Any, agent: Any, response: Any) -> None:
            usage = response.usage
            details = getattr(usage, "input_tokens_details", None)
            known = bool(usage.requests)
            _recorder.turn(
                started=self._started,
                session_id=stream,
                model=_model(agent, run_config) or get_default_model(),
                input_tokens=count(usage.input_tokens) if known else None,
                output_tokens=count(usage.output_tokens) if known else None,
                cache_read_input_tokens=count(getattr(details, "cached_tokens", None)) if known else None,
            )
            await self._inner.on_llm_end(context, agent, response)

        async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
            if isinstance(tool, FunctionTool):
                _record(tool)
            else:
                name = getattr(tool, "name", type(tool).__name__)
                call = _recorder.signals.tool_use(
                    name=name,
                    input=parsed(getattr(context, "tool_arguments", None)),
                    id=getattr(context, "tool_call_id", None),
                    parent_event_id=_recorder.owner(),
                )
                self._open.append((id(tool), call))
            await self._inner.on_tool_start(context, agent, tool)

        async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: Any) -> None:
            if entry := next((each for each in self._open if each[0] == id(tool)), None):
                self._open.remove(entry)
                _recorder.signals.tool_result(id=entry[1], output=result)
            await self._inner.on_tool_end(context, agent, tool, result)

        async def on_handoff(self, context: Any, from_agent: Any, to_agent: Any) -> None:
            _recorder.signals.hook(hook_name="handoff", tool_name=getattr(to_agent, "name", None))
            await self._inner.on_handoff(context, from_agent, to_agent)

        async def on_agent_start(self, context: Any, agent: Any) -> None:
            await self._inner.on_agent_start(context, agent)

        async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
            await self._inner.on_agent_end(context, agent, output)

    return Hooks()


def _record(tool: Any) -> None:
    """Lets a function tool record its calls. The hook runs right before the tool, in another task."""
    invoke = tool.on_invoke_tool
    if getattr(invoke, "_pome", False):
        return

    async def recorded(context: Any, arguments: str) -> Any:
        name = getattr(context, "tool_name", tool.name)
        with _recorder.tool(name, parsed(arguments), getattr(context, "tool_call_id", None)) as call:
            call.output = await invoke(context, arguments)
        return call.output

    recorded._pome = True  # type: ignore[attr-defined]
    tool.on_invoke_tool = recorded


def _model(agent: Any, run_config: Any) -> str | None:
    chosen = (
        run_config.get("model") if isinstance(run_config, dict) else getattr(run_config, "model", None)
    ) or getattr(agent, "model", None)
    if isinstance(chosen, str):
        return chosen
    name = getattr(chosen, "model", None)
    return name if isinstance(name, str) else None
