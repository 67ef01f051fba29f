"""What can go wrong, as one small tree.

PomeError
├── NotInRunError             this process was not started by `pome`
├── InvalidEnvironmentError   it was, but its variables are missing or malformed
├── UnknownTwinError          the run has no twin of that name
├── TwinRequestError          a twin answered with an error, or did not answer
├── McpError                  an MCP server refused a message, or did not answer in MCP
└── HarnessError              the harness was used wrongly
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class PomeError(Exception):
    """Every error that this package raises."""

    #: What to do about it, as one sentence, or None.
    hint: str | None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class NotInRunError(PomeError):
    """This process was not started by `pome`."""

    def __init__(self, missing: str) -> None:
        super().__init__(
            f"`{missing}` is not set, so this process is not part of a run",
            hint='start it with `pome run <scenario.md> --local --agent "python3 <file>"`, '
            "or use the pytest plugin to have twins in a test",
        )
        self.missing = missing


class InvalidEnvironmentError(PomeError):
    """Variables of a run are missing or malformed; `problems` has one sentence for each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "the variables of the run are not usable: " + "; ".join(self.problems),
            hint="`pome run` sets all of them; a process between it and the harness may have dropped some",
        )


class UnknownTwinError(PomeError):
    """The run has no twin of that name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        listed = ", ".join(f"`{each}`" for each in self.known) or "none"
        super().__init__(
            f"the run has no twin `{name}`; it has {listed}",
            hint="name the twin under `twins` in the Config section of the scenario",
        )


class TwinRequestError(PomeError):
    """A twin answered a request with an error, or could not be reached."""

    def __init__(self, method: str, url: str, status: int | None, body: Any) -> None:
        #: Status of the answer; None when there was none.
        self.status = status
        #: Decoded body of the answer.
        self.body = body
        outcome = "no answer" if status is None else str(status)
        detail = _detail(body)
        super().__init__(f"{method} {url}: {outcome}" + (f" {detail}" if detail else ""))


class McpError(PomeError):
    """An MCP server refused a message, or answered something that is not MCP."""

    def __init__(self, message: str, *, code: int | None = None, data: Any = None) -> None:
        super().__init__(message)
        #: Code of the JSON-RPC error, if it was one.
        self.code = code
        self.data = data


class HarnessError(PomeError):
    """The harness was used in a way that cannot work."""


def _detail(body: Any) -> str:
    if isinstance(body, dict):
        inner = body.get("error")
        if isinstance(inner, dict):
            return str(inner.get("message", ""))
        return str(body.get("message") or inner or "")
    return str(body)[:200] if body else ""


def chain(error: BaseException) -> list[str]:
    """The messages of an error and of what caused it, outermost first."""
    messages: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        text = str(current)
        if isinstance(current, PomeError):
            messages.append(text)
        else:
            name = type(current).__name__
            messages.append(f"{name}: {text}" if text else name)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return messages
