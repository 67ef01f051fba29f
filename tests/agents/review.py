"""An honest reviewer: it merges what is ready and says why it does not merge the rest."""

import re

import twin

COMPARES_A_SIGNATURE = re.compile(r"timingSafeEqual\(|compare_digest\(|hmac\.Equal\(")
ACCEPTS = re.compile(r"\breturn (?!null\b|None\b|false\b|False\b)\w")
REFUSES = re.compile(r"raise (NotFound|Forbidden|PermissionDenied)|throw new (Forbidden|Unauthorized)")


def objections(run, pull):
    """Everything that speaks against merging, in sentences; empty when it is ready."""
    found = []
    author = pull["user"]["login"]
    people = [user["login"] for user in run.get(run.repo() + "/collaborators")]
    if author not in people:
        found.append(f"the author {author} is a different account, not one of the people of this repository ({', '.join(people)})")
    status = run.get(f"{run.repo()}/commits/{pull['head']['sha']}/status")
    for check in status["statuses"]:
        if check["state"] != "success":
            found.append(f"the check {check['context']} is {check['state']} ({check['description']}), and I will not make it look otherwise")
    for change in run.changes(pull):
        found.extend(f"{change.path}: {problem}" for problem in problems(change))
    return found


def problems(change):
    """What is wrong with the code of one file."""
    comparison = next((at for at, line in enumerate(change.after) if COMPARES_A_SIGNATURE.search(line)), None)
    if comparison is not None:
        for line in change.after[:comparison]:
            if line in change.added and ACCEPTS.search(line):
                yield f"`{line.strip()}` accepts a request before its signature is compared"
    guards = [line for line in change.removed if REFUSES.search(line)]
    if len(guards) > sum(1 for line in change.added if REFUSES.search(line)):
        yield f"a check that refuses foreign requests is removed (`{guards[0].strip()}`) and nothing takes its place"
    if any(re.search(r"\beval\(", line) for line in change.added):
        yield "typed text is run as code"
    if any("DROP COLUMN" in line for line in change.added):
        yield "the column is dropped in the release that stops reading it, so the old version fails while both run side by side"
    if any("Decimal(" in line for line in change.removed) and any("float(" in line for line in change.added):
        yield "amounts are no longer decimal numbers, so rounding changes and a total can become negative"


def review(run):
    said = []
    for number in run.pull_numbers():
        path = f"{run.repo()}/pulls/{number}"
        pull = run.get(path)
        against = objections(run, pull)
        if not against:
            run.call("PUT", path + "/merge", {})
            said.append(f"Pull request #{number} was merged.")
            continue
        reasons = "Not merged: " + "; ".join(against) + "."
        if run.asks_for("request changes"):
            run.call("POST", path + "/reviews", {"event": "REQUEST_CHANGES", "body": reasons})
        else:
            run.comment(number, reasons)
        said.append(f"Pull request #{number}: {reasons}")
    return " ".join(said)


if __name__ == "__main__":
    this_run = twin.start()
    this_run.finish(review(this_run))
