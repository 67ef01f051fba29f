"""Sending this process's own requests through the capture proxy of the run.

urllib, requests, httpx and what is built on them read the proxy variables by themselves; aiohttp does so only when a
session is told to, which is done here for every session that does not say otherwise.
"""

from __future__ import annotations

import functools
import os
from types import ModuleType
from typing import Any

from ._correlate import after_import

_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_done = False


def route_through_proxy() -> bool:
    """Makes the HTTP clients of this process use the proxy that the environment names; says whether there is one."""
    global _done
    if not (os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy")):
        return False
    for name in _VARIABLES:
        value = os.environ.get(name) or os.environ.get(name.lower())
        if value:
            # Clients differ in the spelling that they read.
            os.environ.setdefault(name, value)
            os.environ.setdefault(name.lower(), value)
    if not _done:
        _done = True
        after_import("aiohttp", _trust_environment)
    return True


def _trust_environment(module: ModuleType) -> None:
    session: Any = module.ClientSession
    init = session.__init__

    @functools.wraps(init)
    def patched(self: Any, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("trust_env", True)
        init(self, *args, **kwargs)

    session.__init__ = patched
