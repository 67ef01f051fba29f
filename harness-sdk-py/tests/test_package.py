"""What would go to PyPI: built, looked into, installed alone, and used for a run."""

from __future__ import annotations

import email
import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from support import PACKAGE, SCENARIO, base_environment, program

MODULES = sorted(
    path.relative_to(PACKAGE / "src").as_posix()
    for path in (PACKAGE / "src" / "pome_harness").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the source archive; the wheel is built from the archive, as a packager would."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(PACKAGE)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (wheel,) = out.glob("*.whl")
    (archive,) = out.glob("*.tar.gz")
    return wheel, archive


def test_the_wheel_holds_the_package_and_nothing_else(built: tuple[Path, Path]) -> None:
    wheel, _ = built
    assert wheel.name == "pome_harness-0.1.0-py3-none-any.whl"
    info = "pome_harness-0.1.0.dist-info"
    with zipfile.ZipFile(wheel) as file:
        names = sorted(file.namelist())
        about = email.message_from_string(file.read(f"{info}/METADATA").decode())
        points = file.read(f"{info}/entry_points.txt").decode()
    extra = ["METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"]
    assert names == sorted([*MODULES, *(f"{info}/{name}" for name in extra)])
    assert "pome_harness/py.typed" in names
    assert about["Requires-Python"] == ">=3.10"
    assert about["License-Expression"] == "Apache-2.0"
    assert [line for line in about.get_all("Requires-Dist", []) if "extra ==" not in line] == []
    assert about.get_payload().startswith("# Harness SDK for Python")
    assert "[pytest11]\npome = pome_harness.pytest_plugin" in points


def test_the_source_archive_has_what_the_tests_need(built: tuple[Path, Path]) -> None:
    _, archive = built
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert {"README.md", "LICENSE", "pyproject.toml", "requirements-dev.txt", "PKG-INFO"} <= names
    assert {f"src/{name}" for name in MODULES} <= names
    assert {"tests/conftest.py", "examples/triage.py"} <= names
    assert not {name for name in names if "__pycache__" in name or name.endswith(".jsonl")}


def test_a_run_with_nothing_but_the_wheel(built: tuple[Path, Path], tmp_path: Path) -> None:
    wheel, _ = built
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check", str(wheel)]
    subprocess.run(install, check=True, env=base_environment())
    agent = tmp_path / "triage.py"
    shutil.copy(PACKAGE / "examples" / "triage.py", agent)
    command = [program(), "run", str(SCENARIO), "--local", "--json", "--agent", f"{python} {agent}"]
    ran = subprocess.run(
        command, cwd=tmp_path, env=base_environment(), capture_output=True, text=True, timeout=120, check=False
    )
    report = json.loads(ran.stdout)["runs"][0]
    assert (report["status"], report["satisfaction"]) == ("pass", 100), ran.stderr
    listed = subprocess.run(
        [str(python), "-m", "pip", "list", "--format", "freeze", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "pome-harness==0.1.0" in listed
    assert not {"httpx", "requests", "pydantic"} & {line.partition("==")[0] for line in listed.splitlines()}


def test_the_types_are_checked() -> None:
    for command in (["mypy"], ["ruff", "check", "."], ["ruff", "format", "--check", "."]):
        ran = subprocess.run([sys.executable, "-m", *command], cwd=PACKAGE, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"


def test_the_python_of_the_readme_is_that_of_the_examples() -> None:
    """The lines of each block stand in one example, which a test runs."""
    examples = {path.name: path.read_text() for path in (PACKAGE / "examples").rglob("*.py")}
    lines = {name: {line.strip() for line in text.splitlines()} for name, text in examples.items()}
    blocks = [block.split("```")[0] for block in (PACKAGE / "README.md").read_text().split("```python\n")[1:]]
    assert len(blocks) >= 8
    for block in blocks:
        said = {line.strip() for line in block.splitlines() if line.strip() not in ("", "...")}
        fitting = [name for name, known in lines.items() if said <= known]
        missing = min((sorted(said - known) for known in lines.values()), key=len)
        assert fitting, f"in no example: {missing}\n{block}"
