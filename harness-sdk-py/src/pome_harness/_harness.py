"""A harness: a function that is given the task of a run, and becomes a process with an exit code."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import io
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, Mapping
from types import FrameType
from typing import Any, Literal, NoReturn, overload

from ._correlate import install
from ._env import PomeEnv, read_env
from ._errors import HarnessError, PomeError, chain
from ._mcp import Mcp
from ._proxy import route_through_proxy
from ._redact import Redactor
from ._signals import Signals, to_json
from ._twin import GithubTwin, SlackTwin, StripeTwin, Twin, Twins

#: Exit code of a process that was asked to end.
TERMINATED = 143
INTERRUPTED = 130


class AbortSignal:
    """Says that the run is being ended."""

    def __init__(self) -> None:
        self._event = threading.Event()

    @property
    def aborted(self) -> bool:
        """Whether the run is being ended."""
        return self._event.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until the run is being ended; says whether it is."""
        return self._event.wait(timeout)

    def abort(self) -> None:
        """Ends the run."""
        self._event.set()


@dataclasses.dataclass(frozen=True)
class Context:
    """What a harness is given."""

    task: str
    env: PomeEnv
    twins: Twins
    mcp: Mcp
    signals: Signals
    abort_signal: AbortSignal

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Context:
        """The run that this process belongs to, for programs that do not want `@harness`."""
        env = read_env(environ)
        install([url for each in env.twins.values() for url in (each.rest_url, each.mcp_url)])
        redactor = Redactor.from_environ(os.environ if environ is None else environ)
        return cls(
            task=env.task,
            env=env,
            twins=Twins.of(env),
            mcp=Mcp(
                {name: each.mcp_url for name, each in env.twins.items()},
                {name: each.token for name, each in env.twins.items()},
            ),
            signals=Signals(env.signals_path, redactor),
            abort_signal=AbortSignal(),
        )

    @overload
    def twin(self, name: Literal["github"]) -> GithubTwin: ...
    @overload
    def twin(self, name: Literal["stripe"]) -> StripeTwin: ...
    @overload
    def twin(self, name: Literal["slack"]) -> SlackTwin: ...
    @overload
    def twin(self, name: str) -> Twin: ...

    def twin(self, name: str) -> Twin:
        """The handle of a twin. Raises UnknownTwinError when the run has none of that name."""
        return self.twins[name]


Outcome = str | Mapping[str, Any] | None
Main = Callable[[Context], Outcome | Awaitable[Outcome]]


class Harness:
    """A function that can be run as a harness. Calling it calls the function."""

    def __init__(self, fn: Main, preflight: Main | None = None) -> None:
        self._fn = fn
        self._preflight = preflight
        self.__doc__ = fn.__doc__
        self.__name__ = getattr(fn, "__name__", "harness")
        self.__wrapped__ = fn

    def __call__(self, context: Context) -> Any:
        """Calls the function itself, for tests."""
        return self._fn(context)

    def run(self, environ: Mapping[str, str] | None = None) -> NoReturn:
        """Runs the harness for the run that the environment names, and ends the process."""
        sys.exit(self.main(environ))

    def main(self, environ: Mapping[str, str] | None = None) -> int:
        """Runs the harness and gives the exit code; the last line on standard output is the summary."""
        stdout = _Lines(sys.stdout)
        sys.stdout, before = stdout, sys.stdout
        try:
            return self._main(environ, stdout)
        finally:
            sys.stdout.flush()
            sys.stdout = before

    def _main(self, environ: Mapping[str, str] | None, stdout: _Lines) -> int:
        try:
            context = Context.from_env(environ)
            route_through_proxy()
            if context.env.preflight:
                if self._preflight is not None:
                    _call(self._preflight, context)
                return 0
            outcome = _call(self._fn, context)
            stdout.line(json.dumps(_summary(outcome), ensure_ascii=False))
        except _Terminated:
            return TERMINATED
        except KeyboardInterrupt:
            return INTERRUPTED
        except Exception as error:
            sys.stdout.flush()
            _report(error)
            return 1
        return 0


@overload
def harness(fn: Main, /) -> Harness: ...


@overload
def harness(*, preflight: Main | None = None) -> Callable[[Main], Harness]: ...


def harness(fn: Main | None = None, /, *, preflight: Main | None = None) -> Harness | Callable[[Main], Harness]:
    """Makes a harness of a function, which may be `async`.

    The function is given a Context and answers a summary: a text, a mapping with a text under `summary`, or None. When
    `pome` only asks whether the agent can start, `preflight` is called instead of it.
    """
    if fn is not None:
        return Harness(fn)
    return lambda function: Harness(function, preflight)


# ---- calling ----


class _Terminated(BaseException):
    """The process was asked to end."""


def _call(fn: Main, context: Context) -> Outcome:
    if inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(getattr(fn, "__call__", None)):  # noqa: B004
        return _call_async(fn, context)

    def terminate(_number: int, _frame: FrameType | None) -> None:
        context.abort_signal.abort()
        raise _Terminated

    with _on_terminate(terminate):
        outcome = fn(context)
    if inspect.isawaitable(outcome):

        async def finish(_: Context) -> Outcome:
            return await outcome

        return _call_async(finish, context)
    return outcome


def _call_async(fn: Main, context: Context) -> Outcome:
    async def supervise() -> Outcome:
        outcome = fn(context)
        assert inspect.isawaitable(outcome)
        task = asyncio.ensure_future(outcome)
        loop = asyncio.get_running_loop()

        def terminate(_number: int, _frame: FrameType | None) -> None:
            context.abort_signal.abort()
            loop.call_soon_threadsafe(task.cancel)

        with _on_terminate(terminate):
            try:
                return await task
            except asyncio.CancelledError:
                if context.abort_signal.aborted:
                    raise _Terminated from None
                raise

    return asyncio.run(supervise())


class _on_terminate:  # noqa: N801
    """Handles SIGTERM inside a block, where handlers can be set."""

    def __init__(self, handler: Callable[[int, FrameType | None], None]) -> None:
        self._handler = handler
        self._before: Any = None
        self._possible = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> None:
        if self._possible:
            self._before = signal.signal(signal.SIGTERM, self._handler)

    def __exit__(self, *_: object) -> None:
        if self._possible:
            signal.signal(signal.SIGTERM, self._before)


# ---- the end ----


def _summary(outcome: Any) -> dict[str, Any]:
    if outcome is None:
        return {"summary": ""}
    if isinstance(outcome, str):
        return {"summary": outcome}
    if isinstance(outcome, Mapping):
        if not isinstance(outcome.get("summary"), str):
            raise HarnessError("the harness answered a mapping without a text under `summary`")
        found: dict[str, Any] = to_json(outcome)
        return found
    raise HarnessError(
        f"the harness answered {type(outcome).__name__}",
        hint="answer a text, a mapping with a text under `summary`, or nothing",
    )


def _report(error: Exception) -> None:
    # A problem with the run needs no trace of the program; one in the program does.
    if not isinstance(error, PomeError):
        traceback.print_exception(type(error), error, error.__traceback__)
    first, *causes = chain(error)
    print(f"error: {first}", file=sys.stderr)
    for cause in causes:
        print(f"  caused by: {cause}", file=sys.stderr)
    if isinstance(error, PomeError) and error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)


class _Lines(io.TextIOBase):
    """Standard output that knows whether it is at the start of a line."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._at_start = True

    def write(self, text: str) -> int:
        if text:
            self._at_start = text.endswith("\n")
        return int(self._inner.write(text) or 0)

    def line(self, text: str) -> None:
        """Writes one line of its own."""
        self.write(("" if self._at_start else "\n") + text + "\n")
        self.flush()

    def flush(self) -> None:
        self._inner.flush()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._inner.fileno())

    def isatty(self) -> bool:
        return bool(self._inner.isatty())

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of the stream below."""
        return str(self._inner.encoding)

    @property
    def buffer(self) -> Any:
        """Of the stream below; what is written there is not looked at."""
        return self._inner.buffer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
