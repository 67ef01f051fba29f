"""Signals: what only the agent knows, one JSON line each, beside what the twins record.

`pome` merges them with the calls of the twins into `events.jsonl`. Outside a run, and when a run wants none, nothing is
written and nothing fails.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import math
import os
import sys
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timezone
from enum import Enum
from typing import Any, TypeVar, overload

from ._correlate import correlate, install, new_id
from ._redact import Redactor

T = TypeVar("T")

#: A larger input or output is replaced by its size and digest, as `pome` does with bodies.
LARGEST_VALUE = 1 << 20

#: What is nested deeper becomes the name of its type; cycles end here.
_DEPTH = 40


@dataclass
class ToolCall:
    """A tool call that is running; set `output` and `is_error` before it ends."""

    id: str
    output: Any = None
    is_error: bool = False
    #: The result comes with what is awaited.
    later: bool = dataclasses.field(default=False, repr=False)


class Signals:
    """Writes events of the agent."""

    def __init__(self, path: str | os.PathLike[str] | None, redactor: Redactor | None = None) -> None:
        self.path = os.fspath(path) if path else None
        self._redactor = redactor or Redactor()
        self._lock = threading.Lock()
        self._tool_events: dict[str, str] = {}
        self._turns: dict[str | None, int] = {}
        self._warned = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Signals:
        """The signals of the run that this process belongs to; they go nowhere when there is none."""
        if environ is None:
            environ = os.environ
            install()
        return cls(environ.get("POME_ADAPTER_SIGNALS_PATH") or None, Redactor.from_environ(environ))

    @property
    def enabled(self) -> bool:
        """Whether anybody wants to know."""
        return self.path is not None

    # ---- tools ----

    def tool_use(
        self,
        *,
        name: str,
        input: Any,
        id: str | None = None,
        parent_event_id: str | None = None,
    ) -> str:
        """A tool is about to run. Gives the id of the call, which is made up when the framework has none."""
        tool_use_id = id or new_id()
        event_id = self._event_id()
        with self._lock:
            self._tool_events[tool_use_id] = event_id
        self._write(
            "ToolUseEvent",
            parent_event_id,
            {"tool_use_id": tool_use_id, "tool_name": name, "input": self._capped(input)},
            event_id,
        )
        if self.enabled:
            _next_millisecond()
        return tool_use_id

    def tool_result(self, *, id: str, output: Any, is_error: bool = False) -> None:
        """A tool has answered."""
        self._write(
            "ToolResultEvent",
            self._tool_events.get(id),
            {"tool_use_id": id, "output": self._capped(output), "is_error": is_error},
        )

    @contextmanager
    def running(
        self,
        name: str,
        input: Any,
        *,
        id: str | None = None,
        parent_event_id: str | None = None,
    ) -> Iterator[ToolCall]:
        """Records a tool call around a block; requests to twins that are made inside carry its id."""
        with self._result_of(self.tool_use(name=name, input=input, id=id, parent_event_id=parent_event_id)) as call:
            yield call

    @overload
    def tool(
        self,
        name: str,
        input: Any,
        fn: Callable[[], Awaitable[T]],
        *,
        id: str | None = None,
    ) -> Awaitable[T]: ...

    @overload
    def tool(self, name: str, input: Any, fn: Callable[[], T], *, id: str | None = None) -> T: ...

    def tool(self, name: str, input: Any, fn: Callable[[], Any], *, id: str | None = None) -> Any:
        """Runs `fn` as a tool call and gives what it gives; await it when `fn` gives something to await."""
        call = self.tool_use(name=name, input=input, id=id)
        with self._result_of(call) as recorded:
            recorded.output = outcome = fn()
            if not inspect.isawaitable(outcome):
                return outcome
            recorded.later = True
        return self._awaited(call, outcome)

    async def _awaited(self, call: str, outcome: Awaitable[T]) -> T:
        with self._result_of(call) as recorded:
            recorded.output = found = await outcome
        return found

    @contextmanager
    def _result_of(self, tool_use_id: str) -> Iterator[ToolCall]:
        """Lets requests inside carry the id, and records how the block ends."""
        call = ToolCall(tool_use_id)
        try:
            with correlate(tool_use_id) as correlated:
                yield call
        except BaseException as error:
            self.tool_result(id=tool_use_id, output=f"{type(error).__name__}: {error}", is_error=True)
            raise
        if not call.later:
            self.tool_result(id=tool_use_id, output=call.output, is_error=call.is_error or correlated.failed)

    def event_of(self, tool_use_id: str | None) -> str | None:
        """The event id of a tool call that was recorded here."""
        return self._tool_events.get(tool_use_id) if tool_use_id else None

    # ---- the rest ----

    def llm_turn(
        self,
        *,
        model: str | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cache_read_input_tokens: int | None = None,
        cache_creation_input_tokens: int | None = None,
        finish_reasons: Sequence[str] | None = None,
        latency_ms: float = 0,
        latency_ms_estimated: bool = False,
        session_id: str | None = None,
        turn_index: int | None = None,
        ts: str | None = None,
    ) -> None:
        """A model has answered. Turns are counted by themselves, one count for each session id.

        `ts` is when it did, for those who learn the numbers only later.
        """
        with self._lock:
            index = self._turns.get(session_id, 0) if turn_index is None else turn_index
            self._turns[session_id] = index + 1
        self._write(
            "LlmTurnEvent",
            None,
            {
                "turn_index": index,
                "model": model,
                "input_tokens": input_tokens,
                "output_tokens": output_tokens,
                "cache_read_input_tokens": cache_read_input_tokens,
                "cache_creation_input_tokens": cache_creation_input_tokens,
                "finish_reasons": list(finish_reasons) if finish_reasons is not None else None,
                "latency_ms": max(0, round(latency_ms)),
                "latency_ms_estimated": latency_ms_estimated,
                "session_id": session_id,
            },
            ts=ts,
        )

    def hook(self, *, hook_name: str, tool_name: str | None = None, causing_tool_use_id: str | None = None) -> None:
        """A hook of the framework has run."""
        self._write(
            "HookEvent",
            None,
            {"hook_name": hook_name, "tool_name": tool_name, "causing_tool_use_id": causing_tool_use_id},
        )

    def subagent_spawn(self, *, parent_tool_use_id: str) -> str:
        """A tool call has started a sub-agent. Gives the event id, for `parent_event_id` of what the sub-agent does."""
        event_id = self._event_id()
        parent = self._tool_events.get(parent_tool_use_id)
        self._write("SubagentSpawnEvent", parent, {"parent_tool_use_id": parent_tool_use_id}, event_id)
        return event_id

    # ---- writing ----

    @staticmethod
    def _event_id() -> str:
        return str(uuid.uuid4())

    def _capped(self, value: Any) -> Any:
        if not self.enabled:
            return None
        plain = self._redactor.value(to_json(value))
        text = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        if len(text) <= LARGEST_VALUE:
            return plain
        return {"_pome_truncated": True, "bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}

    def _write(
        self,
        kind: str,
        parent: str | None,
        fields: dict[str, Any],
        event_id: str | None = None,
        ts: str | None = None,
    ) -> None:
        if self.path is None:
            return
        row = {
            "ts": ts or now(),
            "event_id": event_id or self._event_id(),
            "parent_event_id": parent,
            "kind": kind,
            **{key: self._redactor.value(value) for key, value in fields.items()},
        }
        line = json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"
        data = line.encode("utf-8", "replace")
        try:
            # One write to a file in append mode, so that rows of several processes do not mix.
            with self._lock, open(self.path, "ab", buffering=0) as file:
                file.write(data)
        except OSError as error:
            if not self._warned:
                self._warned = True
                print(f"warning: signals cannot be written to `{self.path}`: {error}", file=sys.stderr)


def now() -> str:
    """The time as events have it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _next_millisecond() -> None:
    # Events are ordered by milliseconds, and on a tie the twin's row comes first: a cause has to be older than that.
    started = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == started:
        time.sleep(0.0002)


def to_json(value: Any) -> Any:
    """Any Python value as JSON values: models and dataclasses by their fields, what is unknown as text.

    It never fails: what an agent hands to its tools must not break a run that is being watched.
    """
    try:
        return _plain(value, _DEPTH)
    except Exception:
        return f"<{type(value).__name__}>"


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Enum):
        return _plain(value.value, depth)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if depth == 0:
        return f"<{type(value).__name__}>"
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, depth - 1) for item in value]
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        return _dumped(value, dump, depth)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name), depth - 1) for field in dataclasses.fields(value)}
    return str(value)


def _dumped(model: Any, dump: Callable[..., Any], depth: int) -> Any:
    try:
        return _plain(dump(mode="json", exclude_none=True), depth - 1)
    except Exception:
        # A model may hold what has no JSON form, a function for example.
        return f"<{type(model).__name__}>"
