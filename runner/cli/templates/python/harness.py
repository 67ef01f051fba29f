"""A small agent without a model: it reads the task, looks at the open issue, picks a label and an owner by rules.

Replace `triage` by a call to your own agent; everything around it can stay. Only the standard library is used.

What pome puts into the environment:
    POME_TASK             the prompt of the scenario
    POME_GITHUB_REST_URL  where the GitHub twin answers, in place of the real API
    POME_AUTH_TOKEN       the bearer token for it
    POME_PREFLIGHT        set to 1 for a trial start before the run: do nothing and leave with 0
"""

import base64
import json
import os
import re
import sys
import traceback
import urllib.error
import urllib.request

# Words that point to a kind of issue. The label with the most of them wins.
KINDS = {
    "bug": ["error", "fail", "fails", "failing", "crash", "broken", "exception", "500", "stack trace", "typeerror", "regression", "expected"],
    "feature": ["feature", "would be nice", "please add", "support for", "wish", "proposal"],
    "question": ["how do i", "how can i", "is it possible", "what is", "question"],
}


def triage(task):
    """Labels and assigns the issue that the task names, and says what was done."""
    found = re.search(r"`(?![^`]*\.md`)([\w.-]+/[\w.-]+)`", task)
    if not found:
        raise RuntimeError("the task names no repository like `owner/name`")
    repository = found.group(1)
    found = re.search(r"#(\d+)", task)
    number = int(found.group(1)) if found else first_open_issue(repository)
    issue = github("GET", f"/repos/{repository}/issues/{number}")
    comments = github("GET", f"/repos/{repository}/issues/{number}/comments")
    text = "\n".join([issue["title"], issue["body"] or "", *(comment["body"] for comment in comments)]).lower()

    done = []
    known = [label["name"] for label in github("GET", f"/repos/{repository}/labels")]
    label = best(KINDS.items(), text)
    if issue["labels"]:
        done.append("it already has a label")
    elif label in known:
        github("POST", f"/repos/{repository}/issues/{number}/labels", {"labels": [label]})
        done.append(f"labelled `{label}`")

    owner = best(owners(repository, task), text)
    if issue["assignees"]:
        done.append("it already has an assignee")
    elif owner:
        github("POST", f"/repos/{repository}/issues/{number}/assignees", {"assignees": [owner]})
        done.append(f"assigned to `{owner}`")
    return f"issue #{number} in {repository}: {', '.join(done) or 'no rule applies, nothing changed'}"


def owners(repository, task):
    """The table of owners from the file that the task names: area, words, owner."""
    found = re.search(r"`([\w./-]+\.md)`", task)
    if not found:
        return []
    file = github("GET", f"/repos/{repository}/contents/{found.group(1)}")
    rows = [line for line in base64.b64decode(file["content"]).decode().splitlines() if line.startswith("|")]
    table = []
    for row in rows[2:]:
        area, words, owner = [cell.strip().replace("`", "") for cell in row.split("|")[1:4]]
        table.append((owner, [word.strip().lower() for word in [area, *words.split(",")]]))
    return table


def best(choices, text):
    """The name whose words occur most often in the text; nothing when none does."""
    winner, most = None, 0
    for name, words in choices:
        count = sum(word in text for word in words)
        if count > most:
            winner, most = name, count
    return winner


def first_open_issue(repository):
    """The oldest open issue that is not a pull request."""
    issues = github("GET", f"/repos/{repository}/issues?state=open&sort=created&direction=asc")
    for issue in issues:
        if "pull_request" not in issue:
            return issue["number"]
    raise RuntimeError(f"{repository} has no open issue")


def github(method, path, body=None):
    """One call of the GitHub API."""
    request = urllib.request.Request(
        setting("POME_GITHUB_REST_URL") + path,
        method=method,
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {setting('POME_AUTH_TOKEN')}",
            "Content-Type": "application/json",
        },
        data=None if body is None else json.dumps(body).encode(),
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            text = response.read()
    except urllib.error.HTTPError as error:
        detail = error.read().decode(errors="replace")[:200]
        raise RuntimeError(f"{method} {path} answered {error.code}: {detail}") from error
    return json.loads(text) if text else None


def setting(name):
    """A variable that pome sets."""
    value = os.environ.get(name)
    if not value:
        raise RuntimeError(f"{name} is not set; start this file with `pome run`")
    return value


def main():
    if os.environ.get("POME_PREFLIGHT") == "1":
        return 0
    try:
        summary = triage(setting("POME_TASK"))
    except Exception as error:
        traceback.print_exc()
        print(json.dumps({"summary": f"stopped: {error}"}))
        return 1
    print(json.dumps({"summary": summary}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
