"""LangChain and LangGraph.

    from pome_harness.adapters import langchain

    langchain.instrument(run.signals)

Chat models and tools record themselves from then on, whoever calls them: agents, graphs or code. Tools of
langchain-mcp-adapters and tools of Python functions carry their id to the twins.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Any

from .._signals import Signals, ToolCall
from ._common import Recorder, count, replace

_recorder = Recorder("langchain", "langchain-core")


def instrument(signals: Signals | None = None) -> None:
    """Records every chat model and tool, by default to the signals of the run that this process belongs to."""
    _recorder.start(signals, _patch)


def _patch() -> None:
    from langchain_core.tools import BaseTool
    from langchain_core.tracers.context import register_configure_hook

    recording = _handler()
    handler: ContextVar[Any] = ContextVar("pome_langchain", default=recording)
    register_configure_hook(handler, inheritable=True)

    def run(original: Any) -> Any:
        def wrapper(self: Any, tool_input: Any, *args: Any, **kwargs: Any) -> Any:
            with _recorder.tool(self.name, _visible(self, tool_input), kwargs.get("tool_call_id")) as call:
                return _answered(call, original(self, tool_input, *args, **kwargs))

        return wrapper

    def arun(original: Any) -> Any:
        async def wrapper(self: Any, tool_input: Any, *args: Any, **kwargs: Any) -> Any:
            with _recorder.tool(self.name, _visible(self, tool_input), kwargs.get("tool_call_id")) as call:
                return _answered(call, await original(self, tool_input, *args, **kwargs))

        return wrapper

    replace(BaseTool, "run", run)
    replace(BaseTool, "arun", arun)


def _visible(tool: Any, tool_input: Any) -> Any:
    """The arguments that the model has chosen, without those that the framework puts in (state, stores, runtimes)."""
    if not isinstance(tool_input, dict):
        return tool_input
    try:
        known = tool.args
    except Exception:  # a schema that the framework itself cannot show
        return tool_input
    return {key: value for key, value in tool_input.items() if key in known}


def _answered(call: ToolCall, answer: Any) -> Any:
    # A message for the model, or what the tool itself has answered when nobody asked for a message.
    call.output = getattr(answer, "content", answer)
    call.is_error = getattr(answer, "status", None) == "error"
    return answer


def _handler() -> Any:
    from langchain_core.callbacks import BaseCallbackHandler

    class Handler(BaseCallbackHandler):
        """Records the turns of chat models."""

        # In the task of the model itself, so that the order of events is that of what happened.
        run_inline = True

        def __init__(self) -> None:
            self._started: dict[Any, float] = {}

        def on_chat_model_start(self, serialized: Any, messages: Any, *, run_id: Any, **_: Any) -> None:
            self._started[run_id] = time.monotonic()

        def on_llm_error(self, error: BaseException, *, run_id: Any, **_: Any) -> None:
            self._started.pop(run_id, None)

        def on_llm_end(self, response: Any, *, run_id: Any, **_: Any) -> None:
            started = self._started.pop(run_id, None)
            if started is None:
                return  # a completion model, which has no turns
            first = next((generation for each in response.generations for generation in each), None)
            message = getattr(first, "message", None)
            usage = getattr(message, "usage_metadata", None) or {}
            details = usage.get("input_token_details") or {}
            about = getattr(message, "response_metadata", None) or {}
            reason = about.get("finish_reason") or about.get("stop_reason")
            _recorder.turn(
                started=started,
                model=about.get("model_name") or about.get("model") or (response.llm_output or {}).get("model_name"),
                input_tokens=count(usage.get("input_tokens")),
                output_tokens=count(usage.get("output_tokens")),
                cache_read_input_tokens=count(details.get("cache_read")),
                cache_creation_input_tokens=count(details.get("cache_creation")),
                finish_reasons=[str(reason)] if reason else None,
            )

    return Handler()
