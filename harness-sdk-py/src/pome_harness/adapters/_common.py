"""What the adapters share: where signals go, and who owns a turn."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .._correlate import current
from .._errors import HarnessError
from .._signals import Signals, ToolCall


class Recorder:
    """Writes the events of one framework."""

    def __init__(self, extra: str, package: str) -> None:
        self._extra = extra
        self._package = package
        self._signals: Signals | None = None
        self._spawned: dict[str, str] = {}
        self._patched = False

    @property
    def signals(self) -> Signals:
        """Where events go."""
        if self._signals is None:
            self._signals = Signals.from_environ()
        return self._signals

    def start(self, signals: Signals | None, patch: Callable[[], None]) -> None:
        """Takes the signals, and changes the framework when that has not been done."""
        self._signals = signals or Signals.from_environ()
        self._spawned.clear()
        if self._patched:
            return
        try:
            patch()
        except ImportError as error:
            raise HarnessError(
                f"{self._package} is not installed, or is a version that this adapter does not know: {error}",
                hint=f'install it: pip install "pome-harness[{self._extra}]"',
            ) from error
        self._patched = True

    def owner(self) -> str | None:
        """The event that owns what happens now: the sub-agent of the running tool, or the tool itself."""
        running = current()
        return self._spawned.get(running or "") or self.signals.event_of(running)

    def turn(self, *, started: float | None, session_id: str | None = None, **fields: Any) -> None:
        """A model has answered. Inside a tool it is the model of a sub-agent, which is a stream of its own."""
        running = current()
        if running is not None:
            if running not in self._spawned:
                self._spawned[running] = self.signals.subagent_spawn(parent_tool_use_id=running)
            session_id = running
        latency = 0.0 if started is None else (time.monotonic() - started) * 1000
        self.signals.llm_turn(latency_ms=latency, latency_ms_estimated=started is None, session_id=session_id, **fields)

    @contextmanager
    def tool(self, name: str, arguments: Any, tool_use_id: str | None) -> Iterator[ToolCall]:
        """Records a tool call around a block."""
        with self.signals.running(name, arguments, id=tool_use_id, parent_event_id=self.owner()) as call:
            yield call


def parsed(arguments: Any) -> Any:
    """Arguments as an object, where a framework has them as JSON text."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments) if arguments else {}
    except ValueError:
        return arguments


def count(value: Any) -> int | None:
    """A number of tokens, or None when it is not known."""
    return int(value) if isinstance(value, (int, float)) and value >= 0 else None


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Puts a wrapper in the place of a method. ImportError says that the framework has none of that name."""
    original = getattr(owner, name, None)
    if original is None:
        raise ImportError(f"{owner.__name__} has no `{name}`")
    setattr(owner, name, functools.wraps(original)(make(original)))
