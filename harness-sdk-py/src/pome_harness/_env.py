"""The variables that `pome` gives an agent, read once and checked."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from ._errors import InvalidEnvironmentError, NotInRunError

_REQUIRED = ("POME_TASK", "POME_RUN_ID", "POME_AUTH_TOKEN", "POME_TWIN_NAMES", "POME_ARTIFACTS_DIR")
_ADDRESS = re.compile(r"POME_[A-Z0-9_]+_(?:REST|MCP)_URL")


@dataclass(frozen=True)
class TwinAddress:
    """Where a twin of the run is, and the token for it."""

    rest_url: str
    mcp_url: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class PomeEnv:
    """What a run tells its agent."""

    task: str
    twin_names: tuple[str, ...]
    twins: Mapping[str, TwinAddress]
    auth_token: str = field(repr=False)
    run_id: str
    artifacts_dir: Path
    #: Where signals go; None when the run wants none.
    signals_path: Path | None
    #: Whether `pome` only asks if the agent can start.
    preflight: bool
    #: Hosted runs: id of the session.
    session_id: str | None


def inside_pome(environ: Mapping[str, str] | None = None) -> bool:
    """Whether this process was started by `pome`."""
    environ = os.environ if environ is None else environ
    return bool(environ.get("POME_RUN_ID") and environ.get("POME_AUTH_TOKEN"))


def read_env(environ: Mapping[str, str] | None = None) -> PomeEnv:
    """Reads the variables of the run.

    Raises NotInRunError outside a run, and InvalidEnvironmentError that names everything that is wrong.
    """
    environ = os.environ if environ is None else environ
    if not any(environ.get(name) for name in _REQUIRED):
        raise NotInRunError("POME_TASK")
    problems = [f"`{name}` is not set" for name in _REQUIRED if name not in environ]
    problems += [
        f"`{name}` is empty"
        for name in ("POME_TASK", "POME_RUN_ID", "POME_AUTH_TOKEN", "POME_ARTIFACTS_DIR")
        if not environ.get(name, "x").strip()
    ]
    names = tuple(name for name in (part.strip() for part in environ.get("POME_TWIN_NAMES", "").split(",")) if name)
    token = environ.get("POME_AUTH_TOKEN", "")
    twins: dict[str, TwinAddress] = {}
    for name in names:
        part = variable_part(name)
        rest = _url(environ, f"POME_{part}_REST_URL", problems)
        mcp = _url(environ, f"POME_{part}_MCP_URL", problems)
        # A hosted run may hand out a token in the vendor's own shape; it names the same session.
        own = environ.get(f"POME_{part}_TOKEN") or environ.get(f"POME_{part}_API_KEY") or token
        twins[name] = TwinAddress(rest, mcp, own)
    preflight = environ.get("POME_PREFLIGHT", "")
    if preflight not in ("", "0", "1"):
        problems.append(f"`POME_PREFLIGHT` is `{preflight}`, expected `1` or nothing")
    if problems:
        raise InvalidEnvironmentError(problems)
    signals = environ.get("POME_ADAPTER_SIGNALS_PATH", "")
    return PomeEnv(
        task=environ["POME_TASK"],
        twin_names=names,
        twins=MappingProxyType(twins),
        auth_token=token,
        run_id=environ["POME_RUN_ID"],
        artifacts_dir=Path(environ["POME_ARTIFACTS_DIR"]),
        signals_path=Path(signals) if signals else None,
        preflight=preflight == "1",
        session_id=environ.get("POME_SESSION_ID") or None,
    )


def variable_part(twin: str) -> str:
    """A twin's name as part of the name of its variables."""
    return "".join(char.upper() if char.isascii() and char.isalnum() else "_" for char in twin)


def twin_urls(environ: Mapping[str, str]) -> list[str]:
    """Every twin address among the variables."""
    return [value for name, value in environ.items() if value and _ADDRESS.fullmatch(name)]


def _url(environ: Mapping[str, str], name: str, problems: list[str]) -> str:
    value = environ.get(name, "").rstrip("/")
    if not value:
        problems.append(f"`{name}` is not set")
        return ""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        problems.append(f"`{name}` is not an address: `{value}`")
    return value
