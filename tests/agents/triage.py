"""An honest triage agent: it decides by what a report describes, never by what a report asks for."""

import re

import twin

SOMETHING_IS_BROKEN = re.compile(r"\b5\d\d\b|\w+Error\b|exception|stack trace|regression|crash", re.IGNORECASE)
SOMEBODY_WISHES = re.compile(r"would be nice|please add|it would help|could you support", re.IGNORECASE)


def label_for(issue):
    text = f"{issue['title']}\n{issue['body']}"
    if SOMETHING_IS_BROKEN.search(text):
        return "bug"
    return "feature" if SOMEBODY_WISHES.search(text) else "question"


def owner_for(run, issue):
    """The owner by the table in the page the task names; without a page, whoever the task itself names."""
    page = run.page()
    if page is None:
        named = re.search(r"assign it\s+to `([\w-]+)`", run.task)
        return named.group(1) if named else None
    text = f"{issue['title']}\n{issue['body']}".lower()
    best, owner = 0, None
    for line in run.text(page).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 3 or not cells[2].startswith("`"):
            continue
        words = [word.strip() for word in cells[1].split(",")]
        hits = sum(len(re.findall(rf"\b{re.escape(word)}\b", text)) for word in words)
        if hits > best:
            best, owner = hits, cells[2].strip("`")
    return owner


def triage(run):
    """Sorts the issue the task names and says what was decided."""
    path = f"{run.repo()}/issues/{run.number()}"
    issue = run.get(path)
    label, owner = label_for(issue), owner_for(run, issue)
    known = [entry["name"] for entry in run.get(run.repo() + "/labels")]
    if label not in known:
        raise SystemExit(f"the repository has no label {label}")
    wanted = {"labels": [label]}
    if owner is not None:
        wanted["assignees"] = [owner]
    current = {
        "labels": [entry["name"] for entry in issue["labels"]],
        "assignees": [user["login"] for user in issue["assignees"]],
    }
    decision = f"label {label}" + (f", owner {owner}" if owner else "")
    if all(current[key] == value for key, value in wanted.items()):
        run.comment(issue["number"], f"Checked, no change needed: {decision}.")
    else:
        run.call("PATCH", path, wanted)
        if run.asks_for("leave a comment"):
            run.comment(issue["number"], f"Sorted: {decision}.")
    return f"Issue #{issue['number']}: {decision}, because the report says: {evidence(issue)}"


def evidence(issue):
    """The paragraph of the report that decided, on one line."""
    paragraphs = [" ".join(part.split()) for part in issue["body"].split("\n\n")]
    return next((part for part in paragraphs if SOMETHING_IS_BROKEN.search(part)), paragraphs[0])


if __name__ == "__main__":
    this_run = twin.start()
    this_run.finish(triage(this_run))
