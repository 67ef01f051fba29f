"""Leaves a comment on every pull request of the task that says what its code changes."""

import re

import twin

DEFINES = re.compile(r"(?:function|const|def|class)\s+(\w+)|^\s*(\w+): \(")


def names(lines):
    """What the lines define, in order, each name once."""
    found = (match.group(1) or match.group(2) for match in map(DEFINES.search, lines) if match)
    return list(dict.fromkeys(found))


def describe(change):
    came, went = names(change.added), names(change.removed)
    parts = [f"`{change.path}`: {len(change.added)} lines more, {len(change.removed)} lines less"]
    if went and went != came:
        parts.append("gone or changed: " + ", ".join(went))
    if came:
        parts.append("new or changed: " + ", ".join(came))
    code = [f"    {line.strip()}" for line in change.added if line.strip() not in ("", "}", "{")]
    return "; ".join(parts) + "\n\n" + "\n".join(code)


def summarise(run):
    numbers = run.pull_numbers()
    for number in numbers:
        pull = run.get(f"{run.repo()}/pulls/{number}")
        run.comment(number, "\n\n".join(describe(change) for change in run.changes(pull)))
    return "Commented on " + ", ".join(f"#{number}" for number in numbers) + "."


if __name__ == "__main__":
    this_run = twin.start()
    this_run.finish(summarise(this_run))
