"""Sorts issue #1 of acme/api with PyGithub as GitHub's users have it: its default host, a token of their own."""

import os
import sys

from github import Auth, Github

if os.environ.get("POME_PREFLIGHT") == "1":
    sys.exit(0)
github = Github(auth=Auth.Token("ghp_0123456789abcdefghijklmnopqrstuvwxyz"))
repo = github.get_repo("acme/api")
issue = repo.get_issue(1)
assert issue.url == "https://api.github.com/repos/acme/api/issues/1", issue.url
owners = repo.get_contents("docs/OWNERS.md").decoded_content.decode()
assert "alice" in owners
issue.add_to_labels("bug")
issue.add_to_assignees("alice")
# PyGithub follows the addresses that it is given.
assert [label.name for label in issue.get_labels()] == ["bug"]
