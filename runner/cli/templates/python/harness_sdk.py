"""A small agent without a model, on the harness SDK: it reads the task, looks at the open issue, picks a label and an owner by rules.

Replace the body of `main` by a call to your own agent; everything around it can stay. The SDK reads what pome puts into the
environment, leaves at once in the trial start, prints the summary and turns an exception into exit code 1. `signals.tool` writes
what the agent decides into the trace, beside what the twin saw.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Any

from pome_harness import Context, Twin, harness

# Words that point to a kind of issue. The label with the most of them wins.
KINDS: dict[str, list[str]] = {
    "bug": ["error", "fail", "fails", "failing", "crash", "broken", "exception", "500", "stack trace", "typeerror", "regression", "expected"],
    "feature": ["feature", "would be nice", "please add", "support for", "wish", "proposal"],
    "question": ["how do i", "how can i", "is it possible", "what is", "question"],
}


@harness
def main(run: Context) -> str:
    """Labels and assigns the issue that the task names, and says what was done."""
    github = run.twin("github")
    found = re.search(r"`(?![^`]*\.md`)([\w.-]+/[\w.-]+)`", run.task)
    if not found:
        raise RuntimeError("the task names no repository like `owner/name`")
    repository = found.group(1)
    found = re.search(r"#(\d+)", run.task)
    number = int(found.group(1)) if found else first_open_issue(github, repository)
    path = f"/repos/{repository}/issues/{number}"
    issue: dict[str, Any] = github.request("GET", path)
    comments: list[dict[str, Any]] = github.request("GET", f"{path}/comments")
    text = "\n".join([issue["title"], issue["body"] or "", *(comment["body"] for comment in comments)]).lower()

    done: list[str] = []
    known = [label["name"] for label in github.request("GET", f"/repos/{repository}/labels")]
    label = best(KINDS.items(), text)
    if issue["labels"]:
        done.append("it already has a label")
    elif label in known:
        change = {"labels": [label]}
        run.signals.tool("add_label", {"issue": number, **change}, lambda: github.request("POST", f"{path}/labels", body=change))
        done.append(f"labelled `{label}`")

    owner = best(owners(github, repository, run.task), text)
    if issue["assignees"]:
        done.append("it already has an assignee")
    elif owner:
        wish = {"assignees": [owner]}
        run.signals.tool("assign", {"issue": number, **wish}, lambda: github.request("POST", f"{path}/assignees", body=wish))
        done.append(f"assigned to `{owner}`")
    return f"issue #{number} in {repository}: {', '.join(done) or 'no rule applies, nothing changed'}"


def owners(github: Twin, repository: str, task: str) -> list[tuple[str, list[str]]]:
    """The table of owners from the file that the task names: area, words, owner."""
    found = re.search(r"`([\w./-]+\.md)`", task)
    if not found:
        return []
    file = github.request("GET", f"/repos/{repository}/contents/{found.group(1)}")
    rows = [line for line in base64.b64decode(file["content"]).decode().splitlines() if line.startswith("|")]
    table: list[tuple[str, list[str]]] = []
    for row in rows[2:]:
        area, words, owner = [cell.strip().replace("`", "") for cell in row.split("|")[1:4]]
        table.append((owner, [word.strip().lower() for word in [area, *words.split(",")]]))
    return table


def best(choices: Iterable[tuple[str, list[str]]], text: str) -> str | None:
    """The name whose words occur most often in the text; nothing when none does."""
    winner, most = None, 0
    for name, words in choices:
        count = sum(word in text for word in words)
        if count > most:
            winner, most = name, count
    return winner


def first_open_issue(github: Twin, repository: str) -> int:
    """The oldest open issue that is not a pull request."""
    issues = github.request("GET", f"/repos/{repository}/issues", query={"state": "open", "sort": "created", "direction": "asc"})
    for issue in issues:
        if "pull_request" not in issue:
            return int(issue["number"])
    raise RuntimeError(f"{repository} has no open issue")


if __name__ == "__main__":
    main.run()
