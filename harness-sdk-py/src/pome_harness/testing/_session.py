"""A twin's session of one test."""

from __future__ import annotations

import json
from typing import Any

from .._errors import HarnessError, TwinRequestError
from .._http import send
from .._twin import GithubTwin, SlackTwin, StripeTwin, Twin


class TestTwin(Twin):
    """A twin with a session of its own: everything a handle has, and a look inside."""

    __test__ = False

    def __init__(self, name: str, base: str, made: dict[str, Any]) -> None:
        super().__init__(name, made["rest_url"], made["mcp_url"], made["token"])
        self.sid: str = made["sid"]
        self._base = base

    def state(self) -> dict[str, Any]:
        """Everything that the session holds now."""
        found: dict[str, Any] = self.request("GET", "_pome/state")
        return found

    def events(self) -> list[dict[str, Any]]:
        """The calls that were made in the session, oldest first."""
        found: list[dict[str, Any]] = self.request("GET", "_pome/events")
        return found

    def deliveries(self) -> list[dict[str, Any]]:
        """The webhooks that the session has sent or will send."""
        found: list[dict[str, Any]] = self.request("GET", "_pome/deliveries")
        return found

    def advance(self, seconds: float) -> None:
        """Moves the session's clock; what is due then has happened when this returns."""
        admin(self._base, "POST", f"sessions/{self.sid}/clock", {"advance_ms": round(seconds * 1000)})

    def reset(self) -> None:
        """Takes the session back to its seed."""
        admin(self._base, "POST", f"sessions/{self.sid}/reset")

    def close(self) -> None:
        """Ends the session."""
        admin(self._base, "DELETE", f"sessions/{self.sid}")


class TestGithubTwin(TestTwin, GithubTwin):
    """The GitHub twin."""


class TestStripeTwin(TestTwin, StripeTwin):
    """The Stripe twin."""


class TestSlackTwin(TestTwin, SlackTwin):
    """The Slack twin."""


_KINDS: dict[str, type[TestTwin]] = {"github": TestGithubTwin, "stripe": TestStripeTwin, "slack": TestSlackTwin}


def open_session(name: str, base: str, seed: Any = None, options: dict[str, Any] | None = None) -> TestTwin:
    """Makes a session from a seed: a document, or the name of one of the twin's own. `options` go along."""
    asked = {**({} if seed is None else {"seed": seed}), **(options or {})}
    try:
        made = admin(base, "POST", "sessions", asked)
    except TwinRequestError as error:
        if error.status in (400, 422):
            raise HarnessError(f"the twin `{name}` refuses the seed: {error}") from error
        raise
    kind = _KINDS.get(name, TestTwin)
    return kind(name, base, made)


def admin(base: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One admin call."""
    url = f"{base}/admin/{path}"
    try:
        answer = send(method, url, {"Content-Type": "application/json"}, json.dumps(body or {}).encode(), 60)
    except OSError as error:
        raise TwinRequestError(method, url, None, str(error)) from error
    if answer.status >= 400:
        raise TwinRequestError(method, url, answer.status, answer.decoded())
    return answer.decoded()
