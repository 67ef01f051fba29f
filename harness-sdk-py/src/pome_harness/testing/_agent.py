"""Running an agent as a process of its own, the way `pome run` does."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import HarnessError

#: Never given to an agent.
_WITHHELD = ("POME_API_KEY", "TWIN_AUTH_SECRET", "TWIN_ADMIN_TOKEN")


@dataclass(frozen=True)
class AgentResult:
    """How an agent ended."""

    #: None when it had to be killed.
    exit_code: int | None
    stdout: str
    stderr: str
    timed_out: bool

    @property
    def answer(self) -> dict[str, Any] | None:
        """The object on the last line of standard output, if there is one."""
        lines = self.stdout.strip().splitlines()
        with contextlib.suppress(ValueError, IndexError):
            found = json.loads(lines[-1])
            if isinstance(found, dict):
                return found
        return None

    @property
    def summary(self) -> str | None:
        """What the agent says that it did."""
        found = (self.answer or {}).get("summary")
        return found if isinstance(found, str) else None


def run_agent(
    argv: Sequence[str | os.PathLike[str]] | str,
    variables: Mapping[str, str],
    env: Mapping[str, str | None] | None,
    cwd: str | os.PathLike[str] | None,
    timeout: float,
) -> AgentResult:
    """Runs the agent to its end, or kills it and everything it started."""
    command = shlex.split(argv) if isinstance(argv, str) else [os.fspath(part) for part in argv]
    if not command:
        raise HarnessError("there is no command to run")
    inherited = {k: v for k, v in os.environ.items() if k not in _WITHHELD and not k.startswith("POME_")}
    merged = {**inherited, **variables, **(env or {})}
    given = {name: value for name, value in merged.items() if value is not None}
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise HarnessError(f"the agent `{command[0]}` could not be started: {error.strerror}") from error
    try:
        out, err = process.communicate(timeout=timeout)
        return AgentResult(process.returncode, out, err, timed_out=False)
    except subprocess.TimeoutExpired:
        _kill(process)
        out, err = process.communicate()
        return AgentResult(None, out, err, timed_out=True)
    except BaseException:
        _kill(process)
        raise


def _kill(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, number)
            else:
                process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1)
