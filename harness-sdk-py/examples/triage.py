"""A first harness: a rule decides, over the REST door of the GitHub twin.

pome run scenarios/01-bug-happy-path.md --local --agent "python3 examples/triage.py"
"""

from __future__ import annotations

import base64
import re

from pome_harness import Context, harness

DEFECT = re.compile(r"\b(answers? 500|fails?|crash(es)?|error)\b", re.IGNORECASE)


@harness
def main(run: Context) -> str:
    github = run.twin("github")
    repo = "/repos/" + re.findall(r"`([\w.-]+/[\w.-]+)`", run.task)[0]
    number = int(re.findall(r"#(\d+)", run.task)[0])

    issue = github.request("GET", f"{repo}/issues/{number}")
    text = f"{issue['title']} {issue['body']}"
    label = "bug" if DEFECT.search(text) else "question"

    owners = base64.b64decode(github.request("GET", f"{repo}/contents/docs/OWNERS.md")["content"]).decode()
    # | Orders | order, orders, checkout | `alice` |
    rows = re.findall(r"^\|[^|]*\|([^|]*)\|\s*`([\w-]+)`\s*\|", owners, re.MULTILINE)
    owner = max(rows, key=lambda row: sum(text.lower().count(word.strip()) for word in row[0].split(",")))[1]

    def act() -> None:
        github.request("POST", f"{repo}/issues/{number}/labels", body={"labels": [label]})
        github.request("POST", f"{repo}/issues/{number}/assignees", body={"assignees": [owner]})

    # What the agent decided is recorded beside what the twin saw.
    run.signals.tool("triage", {"label": label, "owner": owner}, act)
    return f"issue #{number}: {label}, {owner}"


if __name__ == "__main__":
    main.run()
