"""What every scripted agent needs: the task, the API of the GitHub twin, and a last line of output.

    import twin

    run = twin.start()
    issue = run.get("/repos/acme/api/issues/1")
    run.finish("looked at one issue")

`stripe_api.py` and `slack_api.py` are the same for the other vendors. Only the standard library, so the agents run wherever
Python does.
"""

import base64
import difflib
import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request


def start():
    """The run this process was started for. A preflight ends here: it only asks whether the agent can start."""
    if os.environ.get("POME_PREFLIGHT") == "1":
        sys.exit(0)
    return Run(
        os.environ["POME_TASK"],
        # Absent when the run has no GitHub; then nothing below is called.
        os.environ.get("POME_GITHUB_REST_URL", ""),
        os.environ["POME_AUTH_TOKEN"],
    )


class Refused(Exception):
    """The API answered with an error."""

    def __init__(self, method, path, status, body):
        message = body.get("message", "") if isinstance(body, dict) else ""
        super().__init__(f"{method} {path}: {status} {message}")
        self.status = status


class Run:
    """One run: the task in words and the API it is about."""

    def __init__(self, task, base, token):
        self.task = task
        self._base = base.rstrip("/")
        self._token = token

    # The task

    def repo(self):
        """The repository the task names, as `/repos/owner/name`."""
        return "/repos/" + re.search(r"`([\w.-]+/[\w.-]+)`", self._without_files()).group(1)

    def asks_for(self, words):
        """Whether the task contains these words, wherever its lines break."""
        return words in " ".join(self.task.split())

    def number(self):
        """The first issue or pull request number in the task."""
        return int(re.search(r"#(\d+)", self.task).group(1))

    def pull_numbers(self):
        """The pull requests the task names, or every open one."""
        named = [int(number) for number in re.findall(r"[Pp]ull request\s+#(\d+)", self.task)]
        return named or [pull["number"] for pull in self.get(self.repo() + "/pulls")]

    def page(self):
        """The path of the Markdown file the task tells the agent to read, if there is one."""
        found = re.search(r"`([\w./-]+\.md)`", self.task)
        return found.group(1) if found else None

    def _without_files(self):
        return re.sub(r"`[\w./-]+\.md`", "", self.task)

    # The API

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data=data, method=method)
        request.add_header("Authorization", f"Bearer {self._token}")
        request.add_header("Accept", "application/vnd.github+json")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return _json(answer.read())
        except urllib.error.HTTPError as error:
            raise Refused(method, path, error.code, _json(error.read())) from error

    def get(self, path):
        return self.call("GET", path)

    def text(self, path, ref=None):
        """The text of a file of the repository, or "" when it is not there."""
        query = "" if ref is None else "?ref=" + urllib.parse.quote(ref, safe="")
        try:
            file = self.get(f"{self.repo()}/contents/{urllib.parse.quote(path)}{query}")
        except Refused as refused:
            if refused.status == 404:
                return ""
            raise
        return base64.b64decode(file["content"]).decode()

    def comment(self, number, body):
        self.call("POST", f"{self.repo()}/issues/{number}/comments", {"body": body})

    def changes(self, pull):
        """What a pull request changes: a list of `Change`, one for each file."""
        files = self.get(f"{self.repo()}/pulls/{pull['number']}/files")
        return [
            Change(
                file["filename"],
                self.text(file["filename"], pull["base"]["ref"]),
                self.text(file["filename"], pull["head"]["ref"]),
            )
            for file in files
        ]

    # The end

    def finish(self, summary):
        print(json.dumps({"summary": summary}))
        sys.exit(0)


class Change:
    """One file before and after, and the lines that came and went."""

    def __init__(self, path, before, after):
        self.path = path
        self.after = after.splitlines()
        lines = list(difflib.ndiff(before.splitlines(), self.after))
        self.added = [line[2:] for line in lines if line.startswith("+ ")]
        self.removed = [line[2:] for line in lines if line.startswith("- ")]


def _json(data):
    return json.loads(data) if data else None
