"""Pydantic AI.

    from pome_harness.adapters import pydantic_ai

    pydantic_ai.instrument(run.signals)

Every agent of the process records its turns and tools from then on.
"""

from __future__ import annotations

import time
from typing import Any

from .._signals import Signals
from ._common import Recorder, count, parsed, replace

_recorder = Recorder("pydantic-ai", "pydantic-ai")


def instrument(signals: Signals | None = None) -> None:
    """Records every run of an agent, by default to the signals of the run that this process belongs to."""
    _recorder.start(signals, _patch)


def _patch() -> None:
    from pydantic_ai import Agent

    capability = _capability()

    def iterate(original: Any) -> Any:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            kwargs["capabilities"] = [*(kwargs.get("capabilities") or ()), capability]
            return original(self, *args, **kwargs)

        return wrapper

    # Every way to run an agent goes through this one.
    replace(Agent, "iter", iterate)


def _capability() -> Any:
    from pydantic_ai.capabilities import AbstractCapability

    class Recording(AbstractCapability[Any]):
        """Records turns and tools."""

        async def wrap_model_request(self, ctx: Any, *, request_context: Any, handler: Any) -> Any:
            started = time.monotonic()
            response = await handler(request_context)
            usage = response.usage
            known = bool(usage.input_tokens or usage.output_tokens)
            reason = getattr(response, "finish_reason", None)
            _recorder.turn(
                started=started,
                session_id=getattr(ctx, "conversation_id", None),
                model=response.model_name,
                input_tokens=count(usage.input_tokens) if known else None,
                output_tokens=count(usage.output_tokens) if known else None,
                cache_read_input_tokens=count(usage.cache_read_tokens) if known else None,
                cache_creation_input_tokens=count(usage.cache_write_tokens) if known else None,
                finish_reasons=[str(reason)] if reason else None,
            )
            return response

        async def wrap_tool_execute(self, ctx: Any, *, call: Any, tool_def: Any, args: Any, handler: Any) -> Any:
            with _recorder.tool(call.tool_name, parsed(call.args), call.tool_call_id) as recorded:
                recorded.output = await handler(args)
            return recorded.output

    return Recording()
