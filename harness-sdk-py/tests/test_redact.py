from __future__ import annotations

import time
from typing import Any

import pytest

from pome_harness._redact import KEYS, MARK, Redactor

A20, A36 = "a" * 20, "b" * 36
PEM = "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"

HIDDEN = [
    ("x redaction_fixture_secret_12345678 y", f"x {MARK} y"),
    (f"key sk-{A20}.", f"key {MARK}."),
    ("sk_test_abcd and rk_live_abcd", f"{MARK} and {MARK}"),
    (f"ghp_{A36}", MARK),
    (f"github_pat_{A20}", MARK),
    (f"xoxb-{A20}", MARK),
    ("xapp-1234567890", MARK),
    (f"pme_{A20}", MARK),
    (f"network_{A20}", f"netwo{MARK}"),
    (f"AIza{A20}", MARK),
    ("AKIA0123456789ABCDEF", MARK),
    ("eyJa.b.c,eyJa.b.", f"{MARK},{MARK}"),
    ("eyJaeyJb.c.d", MARK),
    (f"a{PEM}b", f"a{MARK}b"),
    ("-----BEGIN CERTIFICATE-----\nMII", f"{MARK}\nMII"),
    (f"Bearer {'z' * 16}", MARK),
    ("whsec_0123456789abcdef", MARK),
]

KEPT = [
    "redaction_fixture_secret_1234567",
    "sk-short",
    f"ask-{A20}",
    "risk_test_abcd",
    "ghp_short",
    "xoxz-" + A20,
    "AKIA012345",
    "eyJhbGciOiJub25lIn0=",
    "eyJ.a.b",
    "eyJa.b",
    "ses_0123456789012345678901",
    "run_aB3kPq90Zx",
    "-----BEGIN lower-----",
    "Bearer short",
]


@pytest.mark.parametrize(("text", "expected"), HIDDEN)
def test_a_secret_is_replaced(text: str, expected: str) -> None:
    redactor = Redactor()
    assert redactor.text(text) == expected
    assert redactor.text(expected) == expected


@pytest.mark.parametrize("text", KEPT)
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert Redactor().text(text) == text


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
