"""Handles of twins: where they are, what a vendor's library needs to talk to them, and a small REST client."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypedDict, overload
from urllib.parse import quote, urlencode

from ._correlate import install
from ._env import PomeEnv
from ._errors import HarnessError, TwinRequestError, UnknownTwinError
from ._http import send


class HttpxOptions(TypedDict):
    """Arguments for `httpx.Client` and `httpx.AsyncClient`."""

    base_url: str
    headers: dict[str, str]


class PyGithubOptions(TypedDict):
    """Arguments for `github.Github`."""

    base_url: str
    auth: Any


class StripeOptions(TypedDict):
    """What the module `stripe` has as `stripe.api_key` and `stripe.api_base`."""

    api_key: str
    api_base: str


class StripeClientOptions(TypedDict):
    """Arguments for `stripe.StripeClient`."""

    api_key: str
    base_addresses: Any


class SlackOptions(TypedDict):
    """Arguments for `slack_sdk.WebClient` and `slack_sdk.web.async_client.AsyncWebClient`."""

    token: str
    base_url: str


class Twin:
    """A twin of the run."""

    def __init__(self, name: str, rest_url: str, mcp_url: str, token: str) -> None:
        self.name = name
        self.rest_url = rest_url
        self.mcp_url = mcp_url
        self.token = token

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.rest_url!r})"

    @property
    def headers(self) -> dict[str, str]:
        """Headers that authenticate a request."""
        return {"Authorization": f"Bearer {self.token}"}

    def httpx(self) -> HttpxOptions:
        """Arguments for an httpx client: `httpx.Client(**twin.httpx())`."""
        return {"base_url": self.rest_url, "headers": self.headers}

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        form: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> Any:
        """Sends a request and gives the decoded body of the answer.

        `body` is sent as JSON (as it is when it is bytes), `form` as a form with brackets for nested values, the way
        Stripe wants it. Raises TwinRequestError for a status of 400 and above and when there is no answer.
        """
        install((self.rest_url, self.mcp_url))
        url = f"{self.rest_url}/{path.lstrip('/')}"
        if query:
            pairs = list(_pairs(query))
            url += ("&" if "?" in url else "?") + urlencode(pairs, quote_via=quote)
        sent = {**self.headers, "Accept": "application/json"}
        data: bytes | None = None
        if form is not None:
            if body is not None:
                raise HarnessError("a request has either `body` or `form`")
            data = urlencode(list(_pairs(form))).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        elif isinstance(body, (bytes, bytearray)):
            data = bytes(body)
        elif body is not None:
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        try:
            answer = send(method.upper(), url, {**sent, **(headers or {})}, data, timeout)
        except OSError as error:
            raise TwinRequestError(method.upper(), url, None, str(error)) from error
        decoded = answer.decoded()
        if answer.status >= 400:
            raise TwinRequestError(method.upper(), url, answer.status, decoded)
        return decoded

    async def arequest(self, method: str, path: str, **options: Any) -> Any:
        """The same as `request`, in a thread."""
        return await asyncio.to_thread(functools.partial(self.request, method, path, **options))


class GithubTwin(Twin):
    """The GitHub twin."""

    def pygithub(self) -> PyGithubOptions:
        """Arguments for PyGithub: `github.Github(**twin.pygithub())`."""
        try:
            from github import Auth
        except ImportError as error:
            raise HarnessError("PyGithub is not installed", hint="install it: `pip install PyGithub`") from error
        return {"base_url": self.rest_url, "auth": Auth.Token(self.token)}


class StripeTwin(Twin):
    """The Stripe twin."""

    def stripe(self) -> StripeOptions:
        """Key and base address for the module: `stripe.api_key, stripe.api_base = options.values()`."""
        return {"api_key": self.token, "api_base": self.rest_url}

    def stripe_client(self) -> StripeClientOptions:
        """Arguments for the client: `stripe.StripeClient(**twin.stripe_client())`."""
        return {"api_key": self.token, "base_addresses": {"api": self.rest_url, "files": self.rest_url}}


class SlackTwin(Twin):
    """The Slack twin."""

    def slack(self) -> SlackOptions:
        """Arguments for slack_sdk: `WebClient(**twin.slack())`."""
        return {"token": self.token, "base_url": f"{self.rest_url}/api/"}


_KINDS: dict[str, type[Twin]] = {"github": GithubTwin, "stripe": StripeTwin, "slack": SlackTwin}


def make_twin(name: str, rest_url: str, mcp_url: str, token: str) -> Twin:
    """The handle of a twin, with the options of its vendor's libraries where they are known."""
    return _KINDS.get(name, Twin)(name, rest_url, mcp_url, token)


class Twins(Mapping[str, Twin]):
    """The twins of the run by name. A name that is not there raises UnknownTwinError."""

    def __init__(self, twins: Mapping[str, Twin]) -> None:
        self._twins = dict(twins)

    @classmethod
    def of(cls, env: PomeEnv) -> Twins:
        """The twins that the environment names."""
        return cls({name: make_twin(name, each.rest_url, each.mcp_url, each.token) for name, each in env.twins.items()})

    @overload
    def __getitem__(self, name: Literal["github"]) -> GithubTwin: ...
    @overload
    def __getitem__(self, name: Literal["stripe"]) -> StripeTwin: ...
    @overload
    def __getitem__(self, name: Literal["slack"]) -> SlackTwin: ...
    @overload
    def __getitem__(self, name: str) -> Twin: ...

    def __getitem__(self, name: str) -> Twin:
        try:
            return self._twins[name]
        except KeyError:
            raise UnknownTwinError(name, self._twins) from None

    def __contains__(self, name: object) -> bool:
        return name in self._twins

    def get(
        self, name: str, default: Any = None
    ) -> Any:  # UnknownTwinError is no KeyError, which `Mapping.get` expects
        """The twin, or the default when the run has none of that name."""
        return self._twins.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._twins)

    def __len__(self) -> int:
        return len(self._twins)


def _pairs(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        yield from _pair(f"{prefix}[{key}]" if prefix else str(key), value)


def _pair(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, Mapping):
        yield from _pairs(value, name)
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        for index, item in enumerate(value):
            yield from _pair(f"{name}[{index}]", item)
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    else:
        yield name, str(value)
