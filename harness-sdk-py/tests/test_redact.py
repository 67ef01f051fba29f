from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from pome_harness._redact import KEYS, MARK, Redactor

CONTRACT = Path(__file__).resolve().parents[2] / "tests" / "contract" / "redaction.json"
VECTORS: list[tuple[str, str]] = [(text, left) for text, left in json.loads(CONTRACT.read_text("utf-8"))]


@pytest.mark.parametrize(("text", "expected"), VECTORS)
def test_a_text_comes_out_as_the_contract_says(text: str, expected: str) -> None:
    redactor = Redactor()
    assert redactor.text(text) == expected
    assert redactor.text(expected) == expected


def test_the_whole_value_under_a_secret_key_goes() -> None:
    tree: Any = {"a": [{"Token": {"deep": 1}}, {"tokens": [1]}], **dict.fromkeys(KEYS, 1)}
    assert Redactor().value(tree) == {"a": [{"Token": MARK}, {"tokens": [1]}], **dict.fromkeys(KEYS, MARK)}


def test_keys_of_this_run_go_wherever_they_stand_and_the_longest_first() -> None:
    keys = {"OPENAI_API_KEY": "hunter2-", "ANTHROPIC_API_KEY": "hunter2-hunter2", "HOME": "/home/x"}
    redactor = Redactor.from_environ(keys)
    assert redactor.text("a hunter2-hunter2 b hunter2- c /home/x") == f"a {MARK} b {MARK} c /home/x"
    assert Redactor(["short"]).text("short") == "short"


def test_hostile_text_takes_linear_time() -> None:
    started = time.monotonic()
    for text in ("eyJ" * 350_000, "-----BEGIN " * 100_000, "-----BEGIN A" + "A" * 1_000_000, "sk-" * 350_000):
        Redactor().text(text)
    assert time.monotonic() - started < 10
