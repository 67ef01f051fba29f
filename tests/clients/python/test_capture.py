"""`pome run --capture-llm` and `--route` with programs that know nothing of either."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import BINARY, ROOT

HERE = Path(__file__).parent / "capture"
NODE = ROOT / "tests" / "clients" / "node"
SCENARIO = """# Calls a model

## Prompt
Ask a model.

## Success Criteria
- [code] No unsupported endpoint was called

## Config
twins: [github]
passThreshold: 100
"""
SCRIPT = {
    "turns": [{"text": "It is a bug.", "tool_calls": []}],
    "usage": {"input_tokens": 11, "output_tokens": 7, "cache_read_input_tokens": 5},
}
# What the agents use as keys for the vendors and for the models.
SECRETS = ["sk-openai-0123", "sk-ant-0123", "ghp_0123456789abc", "sk_test_51ABC", "xoxb-1234567890"]


@dataclass(frozen=True)
class Ended:
    """A finished run."""

    code: int
    said: str
    folder: Path

    @property
    def report(self) -> dict[str, Any]:
        return json.loads((self.folder / "score.json").read_text())

    def rows(self, kind: str) -> list[dict[str, Any]]:
        rows = [json.loads(line) for line in (self.folder / "events.jsonl").read_text().splitlines()]
        return [row for row in rows if row["kind"] == kind]


def command(words: list[str | Path]) -> str:
    return shlex.join(str(word) for word in words)


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "SSL_CERT_FILE")}
    return {**kept, "POME_LOCAL": "1", **more}


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "model.md"
    path.write_text(SCENARIO)
    return path


def run(tmp_path: Path, path: Path, agent: list[str | Path], *flags: str, **more: str) -> Ended:
    arguments = [BINARY, "run", path, "--agent", command(agent), "--artifacts-dir", tmp_path / "runs", *flags]
    ended = subprocess.run(
        arguments, check=False, cwd=tmp_path, env=environment(**more), capture_output=True, text=True, timeout=180
    )
    said = ended.stdout + ended.stderr
    [folder] = (tmp_path / "runs").glob("*/run_*")
    printed = "".join(
        (folder / name).read_text() for name in ("stdout.txt", "stderr.log") if (folder / name).exists()
    )
    result = Ended(ended.returncode, f"{said}\n{printed}", folder)
    is_clean(result.folder)
    return result


def is_clean(folder: Path) -> None:
    """Nothing of the authority and no key is left."""
    assert not (folder / ".capture").exists()
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_text(errors="replace")
            assert "PRIVATE KEY" not in text and "BEGIN CERTIFICATE" not in text, path
            assert not [secret for secret in SECRETS if secret in text], path


@pytest.fixture(scope="session")
def start_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Starts the scripted model server; answers its address."""
    running: list[subprocess.Popen[str]] = []
    script = tmp_path_factory.mktemp("script") / "script.json"
    script.write_text(json.dumps(SCRIPT))

    def start(*flags: str | Path) -> str:
        words = ["node", ROOT / "tests" / "models" / "server.mjs", "--port", "0", "--script", script, *flags]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "listening on " in line, line
        return line.split("listening on ")[1].strip()

    yield start
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def model(start_model: Callable[..., str]) -> str:
    return start_model()


def routed_to(model: str) -> list[str]:
    return ["--route", f"api.openai.com={model}", "--route", f"api.anthropic.com={model}"]


def python(name: str, *words: str) -> list[str | Path]:
    return [sys.executable, HERE / name, *words]


def node(name: str, *words: str) -> list[str | Path]:
    if not (NODE / "node_modules").is_dir():
        pytest.skip("NOT RUN: `npm ci --prefix tests/clients/node` first")
    return ["node", NODE / "capture" / name, *words]


def needed(program: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"NOT RUN: there is no {program} here")


def curl() -> list[str | Path]:
    """Both calls, one after the other, in a shell."""
    needed("curl")
    asked = {"model": "scripted-1", "stream": True, "messages": [{"role": "user", "content": "Which label?"}]}
    chat = json.dumps({**asked, "stream_options": {"include_usage": True}})
    message = json.dumps({**asked, "max_tokens": 100})
    send = "curl --fail --silent --show-error --compressed -H 'content-type: application/json'"
    lines = [
        'if test "$POME_PREFLIGHT" = 1; then exit 0; fi',
        f"{send} -H 'authorization: Bearer sk-openai-0123456789' -d '{chat}' https://api.openai.com/v1/chat/completions",
        f"{send} -H 'x-api-key: sk-ant-0123456789' -d '{message}' https://api.anthropic.com/v1/messages",
    ]
    return ["sh", "-e", "-c", "\n".join(lines)]


AGENTS = {
    "curl": lambda: curl(),
    "httpx": lambda: python("model_calls.py", "httpx"),
    "requests": lambda: python("model_calls.py", "requests"),
    "urllib": lambda: python("model_calls.py", "urllib"),
    "openai and anthropic": lambda: python("model_calls.py", "vendors"),
    "fetch": lambda: node("model_calls.mjs", "fetch"),
    "undici": lambda: node("model_calls.mjs", "undici"),
    "node:https": lambda: node("model_calls.mjs", "https"),
}


@pytest.mark.parametrize("client", AGENTS)
def test_streamed_calls_show_their_tokens(client: str, tmp_path: Path, scenario: Path, model: str) -> None:
    ended = run(tmp_path, scenario, AGENTS[client](), "--capture-llm", *routed_to(model))
    assert ended.code == 0 and "exited with" not in ended.said, ended.said
    chat, message, *more = ended.rows("LlmCallEvent")
    assert len(more) == (1 if client == "openai and anthropic" else 0)
    assert (chat["host"], chat["port"], chat["status"]) == ("api.openai.com", 443, 200)
    assert chat["url"] == "https://api.openai.com/v1/chat/completions"
    assert (chat["prompt_tokens"], chat["completion_tokens"], chat["model"]) == (11, 7, "scripted-1")
    assert chat["gen_ai_provider_name"] == "openai" and chat["gen_ai_request_stream"] is True
    assert chat["gen_ai_response_finish_reasons"] == ["stop"]
    assert 0 < chat["gen_ai_response_time_to_first_chunk"] * 1000 <= chat["latency_ms"] + 1
    # Anthropic counts what was cached beside the rest.
    assert (message["prompt_tokens"], message["completion_tokens"]) == (16, 7)
    assert message["gen_ai_usage_cache_read_input_tokens"] == 5
    assert message["gen_ai_provider_name"] == "anthropic"
    assert message["gen_ai_response_finish_reasons"] == ["end_turn"]
    shown = subprocess.run([BINARY, "inspect", ended.folder], capture_output=True, text=True, check=True).stdout
    assert "scripted-1" in shown and "tokens=11+7" in shown, shown
    routes = {"api.openai.com": model, "api.anthropic.com": model}
    assert json.loads((ended.folder / "meta.json").read_text())["capture"] == {
        "llm": True,
        "twins": False,
        "routes": routes,
    }


def certificate_for(names: str, folder: Path) -> tuple[Path, Path]:
    """A certificate of its own making, and its key."""
    certificate, key = folder / "own.crt", folder / "own.key"
    needed("openssl")
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=own"
    made += f" -addext basicConstraints=critical,CA:FALSE -addext subjectAltName={names}"
    words = [*made.split(), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(words, check=True, capture_output=True)
    return certificate, key


def test_a_provider_is_reached_over_tls(tmp_path: Path, start_model: Callable[..., str]) -> None:
    certificate, key = certificate_for("IP:127.0.0.1", tmp_path)
    model = start_model("--tls-cert", certificate, "--tls-key", key)
    assert model.startswith("https://")
    agent = python("model_calls.py", "httpx")
    ended = run(
        tmp_path / "a",
        write(tmp_path / "a"),
        agent,
        "--capture-llm",
        *routed_to(model),
        SSL_CERT_FILE=str(certificate),
    )
    assert "exited with" not in ended.said, ended.said
    assert [row["prompt_tokens"] for row in ended.rows("LlmCallEvent")] == [11, 16]
    # Without it the certificate is nobody's, and the agent is told.
    ended = run(tmp_path / "b", write(tmp_path / "b"), agent, "--capture-llm", *routed_to(model))
    [row, *_] = ended.rows("LlmCallEvent")
    assert (row["status"], row["error_type"]) == (502, "502")


def write(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "model.md").write_text(SCENARIO)
    return folder / "model.md"


# Talks TLS through the proxy to a server of its own and trusts that server's certificate only.
BLIND = """
import os, ssl, socket, sys
if os.environ.get("POME_PREFLIGHT") == "1": sys.exit(0)
mine, port, wanted = sys.argv[1], sys.argv[2], sys.argv[3]
changed = [name for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_OPTIONS", "PYTHONPATH") if name in os.environ]
assert bool(changed) == (wanted == "told"), changed
proxy = os.environ["HTTPS_PROXY"].removeprefix("http://").split(":")
raw = socket.create_connection((proxy[0], int(proxy[1])))
raw.sendall(f"CONNECT localhost:{port} HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n".encode())
head = b""
while not head.endswith(b"\\r\\n\\r\\n"): head += raw.recv(1)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(mine)
with context.wrap_socket(raw, server_hostname="localhost") as secure:
    own = ssl.PEM_cert_to_DER_cert(open(mine).read())
    assert secure.getpeercert(True) == own, "another certificate"
    secure.sendall(b"GET /v1/models HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
    assert secure.recv(12) == b"HTTP/1.1 401"
"""


@pytest.mark.parametrize("flags", [[], ["--capture-llm"]], ids=["without", "not on the list"])
def test_nothing_else_is_decrypted(
    flags: list[str], tmp_path: Path, scenario: Path, start_model: Callable[..., str]
) -> None:
    certificate, key = certificate_for("DNS:localhost", tmp_path)
    port = start_model("--tls-cert", certificate, "--tls-key", key).rsplit(":", 1)[1]
    agent = tmp_path / "blind.py"
    agent.write_text(BLIND)
    words = [sys.executable, agent, certificate, port, "told" if flags else "untold"]
    ended = run(tmp_path, scenario, words, *flags)
    assert "exited with" not in ended.said, ended.said
    [row] = ended.rows("LlmCallEvent")
    assert row["host"] == "localhost" and row["bytes_in"] > 500
    assert (row["url"], row["status"], row["prompt_tokens"]) == (None, None, None)
    assert "gen_ai_provider_name" not in row


def test_a_program_that_trusts_its_own_list_only_is_named(tmp_path: Path, scenario: Path, model: str) -> None:
    certificate, _ = certificate_for("DNS:api.openai.com", tmp_path)
    agent = tmp_path / "pinned.py"
    agent.write_text(
        "import os, ssl, sys, urllib.error, urllib.request\n"
        "if os.environ.get('POME_PREFLIGHT') == '1': sys.exit(0)\n"
        "context = ssl.create_default_context(cafile=sys.argv[1])\n"
        "try:\n"
        "    urllib.request.urlopen('https://api.openai.com/v1/models', context=context)\n"
        "except urllib.error.URLError as error:\n"
        "    assert 'CERTIFICATE_VERIFY_FAILED' in str(error), error\n"
        "    sys.exit(0)\n"
        "sys.exit('was let through')\n"
    )
    # -I: without the hook that adds the certificate of the run to every list.
    ended = run(tmp_path, scenario, [sys.executable, "-I", agent, certificate], "--capture-llm", *routed_to(model))
    assert "exited with" not in ended.said, ended.said
    assert "broke TLS with `api.openai.com` off" in ended.said, ended.said
    [row] = ended.rows("LlmCallEvent")
    assert (row["host"], row["url"]) == ("api.openai.com", None)


VENDORS = {
    "PyGithub": (lambda: python("triage.py"), "01-bug-happy-path.md", 5),
    "octokit": (lambda: node("triage.mjs"), "01-bug-happy-path.md", 4),
    "slack_sdk and stripe": (lambda: python("refund_desk.py"), "34-slack-stripe-refund.md", 6),
}


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_agent_with_the_vendors_own_hosts_runs_unchanged(vendor: str, tmp_path: Path) -> None:
    agent, name, calls = VENDORS[vendor]
    ended = run(tmp_path, ROOT / "scenarios" / name, agent(), "--route")
    assert ended.code == 0, ended.said
    assert ended.report["satisfaction"] == 100, ended.report
    assert len(ended.rows("TwinHttpEvent")) >= calls
    assert ended.rows("LlmCallEvent") == [], "the twins record their calls themselves"
    for row in ended.rows("TwinHttpEvent"):
        assert row["request_headers"]["authorization"] == "[REDACTED]"
        assert not [header for header in row["request_headers"] if header.startswith("x-pome-route")]


def test_every_host_of_a_vendor_leads_to_its_twin(tmp_path: Path) -> None:
    path = tmp_path / "all.md"
    path.write_text(
        SCENARIO.replace("twins: [github]", "twins: [github, stripe, slack]").replace("[code]", "[code:stripe]")
    )
    ended = run(tmp_path, path, python("every_host.py"), "--route")
    assert "exited with" not in ended.said, ended.said
    assert {row["twin"] for row in ended.rows("TwinHttpEvent")} == {"github", "stripe", "slack"}


def test_a_confined_agent_is_read_and_routed_as_well(tmp_path: Path, model: str) -> None:
    agent = tmp_path / "both.py"
    agent.write_text(
        f"import runpy, sys\nsys.path.insert(0, {str(HERE)!r})\n"
        f"sys.argv = ['model_calls.py', 'requests']\nrunpy.run_path({str(HERE / 'model_calls.py')!r})\n"
        f"runpy.run_path({str(HERE / 'triage.py')!r})\n"
    )
    flags = ["--route", "--capture-llm", *routed_to(model), "--sandbox"]
    ended = run(tmp_path, ROOT / "scenarios" / "01-bug-happy-path.md", [sys.executable, agent], *flags)
    if "sandbox" in ended.said and ended.code == 2:
        pytest.skip(f"NOT RUN: no sandbox here: {ended.said}")
    assert ended.report["satisfaction"] == 100, ended.said
    assert [row["prompt_tokens"] for row in ended.rows("LlmCallEvent")] == [11, 16]


def test_a_vendor_still_wants_a_credential(tmp_path: Path) -> None:
    """Plain HTTP through the proxy, which clients send to it whole."""
    agent = tmp_path / "anonymous.py"
    agent.write_text(
        "import os, sys, urllib.error, urllib.request\n"
        "if os.environ.get('POME_PREFLIGHT') == '1': sys.exit(0)\n"
        "def status(**headers):\n"
        "    request = urllib.request.Request('http://api.github.com/repos/acme/api', headers=headers)\n"
        "    try:\n"
        "        return urllib.request.urlopen(request).status\n"
        "    except urllib.error.HTTPError as error:\n"
        "        return error.code\n"
        "found = [status(), status(Authorization='token ghp_0123456789abcdefghijklmnopqrstuvwxyz')]\n"
        "assert found == [401, 200], found\n"
    )
    ended = run(tmp_path, ROOT / "scenarios" / "01-bug-happy-path.md", [sys.executable, agent], "--route")
    assert len(ended.rows("TwinHttpEvent")) == 1, ended.said


@pytest.mark.parametrize("end", ["fails", "interrupted", "killed twice"])
def test_the_authority_is_gone_whatever_the_end(end: str, tmp_path: Path, scenario: Path) -> None:
    agent = tmp_path / "slow.py"
    agent.write_text(
        "import os, pathlib, sys, time\n"
        "if os.environ.get('POME_PREFLIGHT') == '1': sys.exit(0)\n"
        "assert 'BEGIN CERTIFICATE' in pathlib.Path(os.environ['SSL_CERT_FILE']).read_text()\n"
        "pathlib.Path(sys.argv[1]).touch()\n"
        + (
            "sys.exit(3)\n"
            if end == "fails"
            else "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)\n"
        )
    )
    ready = tmp_path / "ready"
    words = [BINARY, "run", scenario, "--agent", command([sys.executable, agent, ready])]
    words += ["--artifacts-dir", tmp_path / "runs", "--capture-llm"]
    process = subprocess.Popen(
        words, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    deadline = time.monotonic() + 60
    while not ready.exists():
        assert process.poll() is None and time.monotonic() < deadline, "the agent did not get there"
        time.sleep(0.01)
    [folder] = (tmp_path / "runs").glob("*/run_*")
    if end != "fails":
        process.send_signal(signal.SIGINT)
    if end == "killed twice":
        assert (folder / ".capture").exists()
        process.send_signal(signal.SIGINT)
    code = process.wait(timeout=60)
    assert code == (0 if end == "fails" else 130)
    is_clean(folder)


def test_other_programs_of_the_agent_keep_working(tmp_path: Path, scenario: Path) -> None:
    """Node and Python start with the hooks in their environment, and what the user set for them still counts."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import os\nos.environ['CHAINED'] = '1'\n")
    agent = tmp_path / "agent.py"
    agent.write_text(
        "import os, subprocess, sys\n"
        "if os.environ.get('POME_PREFLIGHT') == '1': sys.exit(0)\n"
        "assert os.environ['CHAINED'] == '1'\n"
        "assert '--max-old-space-size=300' in os.environ['NODE_OPTIONS']\n"
        "said = subprocess.run(['npm', '--version'], capture_output=True, text=True, check=True)\n"
        "assert said.stdout[0].isdigit() and not said.stderr, said\n"
        "code = 'console.log(process.execArgv.length, process.env.NODE_EXTRA_CA_CERTS.length > 0)'\n"
        "said = subprocess.run(['node', '-e', code], capture_output=True, text=True, check=True)\n"
        "assert said.stdout == '0 true\\n' or said.stdout.endswith('true\\n'), said\n"
    )
    needed("npm")
    more = {"POME_AGENT_ENV_ALLOWLIST": "PYTHONPATH,NODE_OPTIONS", "PYTHONPATH": str(site)}
    ended = run(
        tmp_path, scenario, [sys.executable, agent], "--capture-llm", NODE_OPTIONS="--max-old-space-size=300", **more
    )
    assert ended.code == 0 and "exited with" not in ended.said, ended.said
