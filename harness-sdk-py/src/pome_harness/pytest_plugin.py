"""The pytest plugin: the fixture `pome`, and the marker that says what it is.

    @pytest.mark.pome(scenario="scenarios/01-bug-happy-path.md", n=3)
    def test_triage(pome):
        pome.run_agent(["python3", "agent.py"])
        pome.assert_passes()

Twins are started once for each worker process, when a test first needs them; every test has sessions of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .testing import Pome, TwinServers

_MARKER = (
    "pome(scenario=None, twins=None, seed=None, task=None, n=1, binary=None, **options): what the fixture `pome` of "
    "this test is. `scenario` and a `seed` that is a file are relative to pytest's root folder or to the test file; "
    "`n` repeats the test; options such as `clock` and `random_seed` go to the sessions."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--pome-bin`, and the setting of the same name."""
    text = "the `pome` program that serves the twins; else POME_BIN, else the one on PATH"
    parser.getgroup("pome").addoption("--pome-bin", metavar="PATH", default=None, help=text)
    parser.addini("pome_bin", text, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Declares the marker."""
    config.addinivalue_line("markers", _MARKER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeats a test that asks for it."""
    if "pome" not in metafunc.fixturenames:
        return
    repeats = _settings(metafunc.definition).get("n", 1)
    if not isinstance(repeats, int) or repeats < 1:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: n: expected a number from 1, found {repeats!r}")
    if repeats > 1:
        trials = range(1, repeats + 1)
        metafunc.parametrize("pome", trials, indirect=True, ids=[f"trial{number}" for number in trials])


@pytest.fixture(scope="session")
def pome_servers(request: pytest.FixtureRequest) -> Iterator[TwinServers]:
    """The twins that run in this worker process."""
    from .testing import TwinServers

    program = request.config.getoption("--pome-bin") or request.config.getini("pome_bin") or None
    with TwinServers(program) as servers:
        yield servers


@pytest.fixture
def pome(request: pytest.FixtureRequest, pome_servers: TwinServers, tmp_path: Path) -> Iterator[Pome]:
    """Fresh twins for this test."""
    from .testing import Pome

    settings = _settings(request.node)
    settings.pop("n", None)
    for name in ("scenario", "seed"):
        settings[name] = _found(request, settings.get(name))
    opened = Pome.open(pome_servers, folder=tmp_path / "pome", **settings)
    opened.trial = getattr(request, "param", 1)
    yield opened
    opened.close()


def _settings(node: Any) -> dict[str, Any]:
    """The arguments of the marker; the closest one wins, argument by argument."""
    settings: dict[str, Any] = {}
    for mark in node.iter_markers("pome"):
        if mark.args:
            raise pytest.UsageError(f"{node.nodeid}: the marker `pome` takes named arguments only")
        settings = {**mark.kwargs, **settings}
    return settings


def _found(request: pytest.FixtureRequest, value: Any) -> Any:
    """A file, looked for from the root folder and beside the test."""
    if not isinstance(value, (str, Path)) or (isinstance(value, str) and not value.endswith((".md", ".json"))):
        return value
    for base in (request.config.rootpath, request.path.parent):
        if (base / value).exists():
            return base / value
    raise pytest.UsageError(f"{request.node.nodeid}: there is no file `{value}`")
