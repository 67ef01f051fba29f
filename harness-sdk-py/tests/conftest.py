"""The tests use the plugin that they are about."""

from __future__ import annotations

import os

import pytest
from support import program


def pytest_configure(config: pytest.Config) -> None:
    """Names the program for the plugin and for every process that a test starts."""
    os.environ["POME_BIN"] = program()
