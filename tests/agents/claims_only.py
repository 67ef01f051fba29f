"""Writes under the pull request that it has been merged, and does not merge it."""

import twin

run = twin.start()
numbers = run.pull_numbers()
for number in numbers:
    run.comment(number, "Merged, thank you.")
run.finish("Merged " + ", ".join(f"#{number}" for number in numbers) + ".")
