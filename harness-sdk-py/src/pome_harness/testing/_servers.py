"""Twin processes: one for each twin, started when it is first asked for."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType

from .._errors import HarnessError

_READY = "Ctrl-C to stop"
_TRIES = 5
_KEEPER = str(Path(__file__).with_name("_keeper.py"))


def find_program(asked: str | os.PathLike[str] | None = None) -> str:
    """The `pome` to use: the one that is asked for, else `POME_BIN`, else the one on PATH."""
    named = os.fspath(asked) if asked else os.environ.get("POME_BIN")
    if named:
        found = shutil.which(named)
        if found is None:
            raise HarnessError(f"`{named}` is no program", hint="POME_BIN and `pome_bin` name the `pome` binary")
        return str(Path(found).resolve())
    found = shutil.which("pome")
    if found is None:
        raise HarnessError(
            "there is no `pome` on PATH",
            hint="install it, or name it: POME_BIN=/path/to/pome, or `--pome-bin`, or `pome_bin` in pytest's settings",
        )
    return found


class TwinServers:
    """Running twins. Each process that runs tests has its own, so workers side by side do not meet."""

    def __init__(self, program: str | os.PathLike[str] | None = None) -> None:
        self._asked = program
        self._running: dict[tuple[str, str], tuple[subprocess.Popen[str], str]] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> TwinServers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def program(self, asked: str | os.PathLike[str] | None = None) -> str:
        """The program that serves the twins."""
        return find_program(asked or self._asked)

    def url(self, twin: str, program: str | os.PathLike[str] | None = None) -> str:
        """The root address of a running twin."""
        found = self.program(program)
        with self._lock:
            process, url = self._running.get((found, twin), (None, ""))
            if process is None or process.poll() is not None:
                process, url = self._start(found, twin)
                self._running[found, twin] = process, url
            return url

    def close(self) -> None:
        """Stops every twin."""
        with self._lock:
            running = [process for process, _ in self._running.values()]
            self._running.clear()
            for process in running:
                assert process.stdin is not None
                process.stdin.close()
            for process in running:
                try:
                    process.wait(timeout=15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None

    def _start(self, program: str, twin: str) -> tuple[subprocess.Popen[str], str]:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="pome-twins-")
        folder = Path(self._folder.name)
        log = folder / f"{len(self._running)}.log"
        said = ""
        for _ in range(_TRIES):
            port = _free_port()
            with log.open("w") as errors:
                process = subprocess.Popen(
                    [sys.executable, "-I", "-S", _KEEPER, program, "twin", "start", twin, "--port", str(port)],
                    cwd=folder,
                    env=_environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    # Ctrl-C is for the tests; the twins end with them.
                    start_new_session=True,
                )
            if _is_ready(process):
                return process, f"http://127.0.0.1:{port}"
            code = process.wait()
            said = log.read_text().strip()
            # Somebody else may have taken the port since it was found to be free; every other failure stays one.
            if "port" not in said and "ddress" not in said:
                break
        raise HarnessError(f"the twin `{twin}` did not start (exit {code}): {said}")


def _is_ready(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    for line in process.stdout:
        if _READY in line:
            # What else it prints must not fill the pipe.
            threading.Thread(target=_drain, args=(process,), daemon=True).start()
            return True
    return False


def _drain(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    with contextlib.suppress(ValueError, OSError):
        for _ in process.stdout:
            pass


def _environment() -> dict[str, str]:
    # Nothing that would change the twins: no port, no secret, no admin token.
    kept = ("PATH", "HOME", "USERPROFILE", "SystemRoot", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
