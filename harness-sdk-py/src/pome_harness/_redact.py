"""What never reaches disk: the same rules as in `pome` itself.

The whole value under a secret-looking key is replaced, and secret-looking stretches of any other string are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

MARK = "[REDACTED]"

KEYS = frozenset(
    (
        "authorization",
        "x-api-key",
        "cookie",
        "api_key",
        "client_secret",
        "webhook_secret",
        "password",
        "secret",
        "token",
        "access_token",
        "refresh_token",
        "session_token",
        "agent_token",
        "anthropic_api_key",
    )
)

#: Shorter literals would tear holes into ordinary text.
SHORTEST_LITERAL = 8

#: Variables whose values are keys that `pome` passes to an agent.
KEY_VARIABLES = (
    "POME_AUTH_TOKEN",
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "GOOGLE_API_KEY",
    "GOOGLE_GENERATIVE_AI_API_KEY",
    "OPENROUTER_API_KEY",
    "AI_GATEWAY_API_KEY",
    "CLAUDE_CODE_OAUTH_TOKEN",
)

# One run of characters behind a fixed head each, so that no input makes them slow.
_RULES = [
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"redaction_fixture_secret_[A-Za-z0-9_-]{8,}",
        r"\bsk-[A-Za-z0-9_-]{20,}",
        r"\b[rs]k_(?:test|live)_[A-Za-z0-9_]{4,}",
        r"ghp_[A-Za-z0-9]{36}",
        r"github_pat_[A-Za-z0-9_]{20,}",
        r"xox[aboprs]-[A-Za-z0-9-]{20,}",
        r"xapp-[A-Za-z0-9-]{10,}",
        r"(?:pme|pk|rk)_[A-Za-z0-9_-]{20,}",
        r"AIza[0-9A-Za-z_-]{20,}",
        r"AKIA[0-9A-Z]{16}",
        r"gh[opsur]_[A-Za-z0-9]{36,}",
        r"ghp_pome_[A-Za-z0-9_-]{22,}",
        r"lin_(?:api|pome)_[A-Za-z0-9_-]{20,}",
        r"whsec_[A-Za-z0-9]{16,}",
        r"Bearer[ \t\n\r\f]+(?!\[REDACTED\])[^ \t\n\r\f]{16,}",
    )
]
_RUN = re.compile(r"[A-Za-z0-9_-]*")
_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z ]+-----")
_PEM_END = re.compile(r"-----END [A-Z ]+-----")

#: A replacement may give the text behind it a word boundary it did not have, so the rules run until nothing changes.
_PASSES = 4


class Redactor:
    """The general rules and the literal secrets of one run."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first, so that a literal inside another one does not leave the rest of it behind.
        kept = {secret for secret in secrets if len(secret.encode()) >= SHORTEST_LITERAL}
        self._literals = sorted(kept, key=lambda secret: (-len(secret), secret))

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Redactor:
        """A redactor that knows the keys of this run."""
        return cls(environ[name] for name in KEY_VARIABLES if environ.get(name))

    def text(self, value: str) -> str:
        """Redacts one text."""
        for literal in self._literals:
            value = value.replace(literal, MARK)
        for _ in range(_PASSES):
            before = value
            value = _pass(value)
            if value == before:
                break
        return value

    def value(self, value: Any) -> Any:
        """A redacted copy of a JSON tree."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {key: MARK if key.lower() in KEYS else self.value(item) for key, item in value.items()}
        return value


def _pass(text: str) -> str:
    for rule in _RULES:
        text = rule.sub(MARK, text)
    if "eyJ" in text:
        text = _tokens(text)
    if "-----BEGIN " in text:
        text = _blocks(text)
    return text


def _tokens(text: str) -> str:
    """Replaces `eyJ` and three parts with dots between, the last of which may be empty."""

    def part(start: int) -> int:
        found = _RUN.match(text, start)
        return found.end() if found else start

    pieces: list[str] = []
    copied = at = 0
    while (at := text.find("eyJ", at)) >= 0:
        first = part(at + 3)
        if first == at + 3:
            at += 1
            continue
        # Inside a run without a dot behind it no other token can start.
        if text[first : first + 1] != ".":
            at = first
            continue
        second = part(first + 1)
        if second == first + 1 or text[second : second + 1] != ".":
            at = second
            continue
        pieces += (text[copied:at], MARK)
        copied = at = part(second + 1)
    return "".join([*pieces, text[copied:]])


def _blocks(text: str) -> str:
    """Replaces PEM blocks, and the first line of one that does not end."""
    ends = list(_PEM_END.finditer(text))
    pieces: list[str] = []
    copied = at = last = 0

    while begin := _PEM_BEGIN.search(text, at):
        while last < len(ends) and ends[last].start() < begin.end():
            last += 1
        end = ends[last].end() if last < len(ends) else begin.end()
        pieces += (text[copied : begin.start()], MARK)
        copied = at = end
    return "".join([*pieces, text[copied:]])
