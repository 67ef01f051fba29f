"""As much of a scenario as a test needs: its prompt, its twins and their seeds. `pome` itself judges it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._errors import HarnessError

_HEADING = re.compile(r"^##\s+(.+)$", re.MULTILINE)
_TITLE = re.compile(r"^#\s+(.+)$", re.MULTILINE)
_FENCE = re.compile(r"```(?:json|ya?ml)?[ \t]*\n(.*?)```", re.DOTALL)
_INLINE_TWINS = re.compile(r"^twins:[ \t]*\[(.*?)\]", re.MULTILINE | re.DOTALL)
_LISTED_TWINS = re.compile(r"^twins:[ \t]*(?:#.*)?\n((?:[ \t]*-[ \t]*.+\n?)+)", re.MULTILINE)


@dataclass(frozen=True)
class Scenario:
    """A scenario file."""

    path: Path
    title: str
    prompt: str
    twins: tuple[str, ...]
    #: A seed for each twin that has one; the others start from their default.
    seeds: Mapping[str, Any]

    @property
    def slug(self) -> str:
        """The name of its run folder."""
        return re.sub(r"[^a-z0-9]+", "-", self.path.stem.lower()).strip("-")

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Scenario:
        """Reads a scenario and its seed."""
        path = Path(path).resolve()
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise HarnessError(f"cannot read the scenario `{path}`: {error.strerror}") from error
        sections = _sections(text)
        prompt = sections.get("prompt") or sections.get("task")
        if not prompt:
            raise HarnessError(f"{path}: the scenario has no `## Prompt`")
        title = _TITLE.search(text)
        twins = _twins(sections.get("config", ""), path)
        seeds = _seeds(_seed(path, sections.get("seed state", "")), twins, path)
        return cls(path, title.group(1).strip() if title else path.stem, prompt, twins, seeds)


def _sections(text: str) -> dict[str, str]:
    headings = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)] * bool(headings)
    return {
        heading.group(1).strip().lower(): text[heading.end() : end].strip()
        for heading, end in zip(headings, ends, strict=True)
    }


def _unfenced(section: str) -> str:
    fence = _FENCE.search(section)
    return fence.group(1).strip() if fence else section


def _twins(config: str, path: Path) -> tuple[str, ...]:
    config = _unfenced(config)
    if config.startswith("{"):
        found = _parsed(config, path, "Config").get("twins", [])
    elif inline := _INLINE_TWINS.search(config):
        found = inline.group(1).split(",")
    elif listed := _LISTED_TWINS.search(config):
        found = [re.sub(r"\s#.*", "", line).strip().lstrip("-") for line in listed.group(1).splitlines()]
    elif re.search(r"^twins:[ \t]*\S", config, re.MULTILINE):
        raise HarnessError(f"{path}: `twins` in its Config is no list", hint="write it as `twins: [github, slack]`")
    else:
        found = []
    return tuple(name for name in (str(each).strip().strip("\"'") for each in found) if name) or ("github",)


def _seed(path: Path, section: str) -> Any:
    sidecar = path.with_name(f"{path.stem}.seed.json")
    if sidecar.exists():
        return _parsed(sidecar.read_text(encoding="utf-8"), sidecar, "the seed")
    section = _unfenced(section)
    if not section:
        return None
    if section[0] not in "{[":
        raise HarnessError(f"{path}: its Seed State is prose", hint=f"`pome compile-seeds {path}` makes a seed of it")
    return _parsed(section, path, "Seed State")


def _seeds(document: Any, twins: tuple[str, ...], path: Path) -> dict[str, Any]:
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise HarnessError(f"{path}: its seed is no object")
    seed: dict[str, Any] = {str(key): value for key, value in document.items() if key != "_meta"}
    # One twin: its own seed. Several: one under each name.
    if len(twins) == 1:
        return {twins[0]: seed}
    if unknown := set(seed) - set(twins):
        raise HarnessError(f"{path}: its seed has `{min(unknown)}`, which is none of its twins")
    return seed


def _parsed(text: str, path: Path, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise HarnessError(f"{path}: {what} is no JSON: {error}") from error
