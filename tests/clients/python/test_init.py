"""`pome init` and `pome run` on a clean machine: with nothing installed, and with the SDKs installed from their built packages."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import venv

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
POME = os.environ.get("POME_BIN", str(ROOT / "target/debug/pome"))


def run(*command, cwd, code=0):
    """Runs a command with an environment that holds nothing of the caller's; gives its standard output."""
    home = cwd.parent / "home"
    home.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("TMPDIR", "PIP_INDEX_URL", "npm_config_registry") if name in os.environ}
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "POME_NO_UPDATE_CHECK": "1", **kept}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == code, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The Python SDK, built."""
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), str(ROOT / "harness-sdk-py")]
    subprocess.run(build, check=True, timeout=600)
    return next(out.glob("pome_harness-*.whl"))


@pytest.fixture(scope="session")
def tarball(tmp_path_factory):
    """The TypeScript SDK, built and packed."""
    sdk = ROOT / "harness-sdk-ts"
    if not (sdk / "node_modules/typescript").is_dir():
        pytest.skip("NOT RUN: `npm ci --prefix harness-sdk-ts` first; without it the package cannot be built")
    out = tmp_path_factory.mktemp("tarball")
    subprocess.run(["npm", "pack", "--silent", "--pack-destination", str(out)], cwd=sdk, check=True, timeout=600)
    return next(out.glob("pome-harness-*.tgz"))


def initialised(project, *flags):
    """`pome init`, and what it says about the harness."""
    return json.loads(run(POME, "init", "--json", *flags, cwd=project))["harness"]


def passes(project):
    """`pome run` ends with 0 and 100; gives the kinds of the events."""
    report = json.loads(run(POME, "run", "--json", cwd=project))
    assert [entry["satisfaction"] for entry in report["runs"]] == [100]
    folder = project / json.loads((project / "runs/latest.json").read_text())["run_dir"]
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def decisions(events):
    """What the SDK wrote about the agent's tools, and which calls of the twin belong to them."""
    uses = {event["tool_use_id"]: event["tool_name"] for event in events if event["kind"] == "ToolUseEvent"}
    calls = [event for event in events if event["kind"] == "TwinHttpEvent" and event.get("correlation_id") in uses]
    return sorted(uses.values()), sorted(call["method"] for call in calls)


def test_typescript_without_the_sdk(project):
    harness = initialised(project, "--language", "ts")
    assert (harness["template"], harness["sdk"]["installed"]) == ("plain", False)
    assert decisions(passes(project)) == ([], [])


def test_python_without_the_sdk(project):
    # Its own interpreter, as the one on PATH may have the SDK.
    venv.create(project / ".venv")
    harness = initialised(project, "--language", "python")
    assert (harness["template"], harness["sdk"]["installed"]) == ("plain", False)
    assert decisions(passes(project)) == ([], [])


def test_typescript_with_the_built_package(project, tarball):
    (project / "package.json").write_text('{"private": true}\n')
    run("npm", "install", "--silent", "--no-audit", "--no-fund", str(tarball), cwd=project)
    harness = initialised(project)
    assert (harness["file"], harness["template"]) == ("harness.ts", "sdk")
    assert harness["sdk"]["reason"] == "found in node_modules/pome-harness"
    assert decisions(passes(project)) == (["add_label", "assign"], ["POST", "POST"])


def test_the_typescript_template_is_well_typed(project, tarball):
    run("npm", "install", "--silent", "--no-audit", "--no-fund", str(tarball), cwd=project)
    initialised(project, "--language", "ts")
    modules = ROOT / "harness-sdk-ts/node_modules"
    flags = ["--noEmit", "--strict", "--noUncheckedIndexedAccess", "--erasableSyntaxOnly", "--verbatimModuleSyntax"]
    place = ["--module", "nodenext", "--target", "es2022", "--types", "node", "--typeRoots", str(modules / "@types")]
    (project / "package.json").write_text('{"private": true, "type": "module"}\n')
    run("node", str(modules / "typescript/bin/tsc"), *flags, *place, "harness.ts", cwd=project)


def test_python_with_the_built_package(project, wheel):
    (project / "pyproject.toml").write_text("")
    venv.create(project / ".venv", with_pip=True)
    run(".venv/bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel), cwd=project)
    harness = initialised(project)
    assert (harness["file"], harness["template"]) == ("harness.py", "sdk")
    assert harness["sdk"]["reason"].startswith("found in .venv/lib/")
    assert decisions(passes(project)) == (["add_label", "assign"], ["POST", "POST"])


@pytest.mark.parametrize("language", ["ts", "python"])
def test_a_harness_that_is_there_stays(project, language):
    name = {"ts": "harness.ts", "python": "harness.py"}[language]
    (project / name).write_text("mine")
    assert initialised(project, "--language", language)["written"] is False
    run(POME, "init", "--force", cwd=project)
    assert (project / name).read_text() == "mine"


def test_the_programs_that_the_tests_need_are_here():
    missing = [name for name in ("node", "npm", "python3") if shutil.which(name) is None]
    assert not missing, f"not installed: {', '.join(missing)}"
