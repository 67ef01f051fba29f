"""GitHub's command line against a world, through the world's own address as its proxy (see docs/gh.md)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest
from conftest import World

GH = shutil.which("gh")
if GH is None:
    pytest.skip("gh is not installed: its commands were not run", allow_module_level=True)


class Gh:
    """Runs `gh` as somebody of a world would, away from the settings of this machine."""

    def __init__(self, world: World, home: Path) -> None:
        self.world = world
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "GH_CONFIG_DIR": str(home / "gh"),
            "GH_HOST": "github.localhost",
            "GH_TOKEN": world.token,
            "HTTP_PROXY": world.base,
            "GH_PROMPT_DISABLED": "1",
            "GH_NO_UPDATE_NOTIFIER": "1",
            "NO_COLOR": "1",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(GH), *arguments],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def __call__(self, *arguments: str) -> str:
        """The output of a command that must succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"gh {' '.join(arguments)}: {done.stderr or done.stdout}"
        return done.stdout

    def json(self, *arguments: str):
        return json.loads(self(*arguments))


@pytest.fixture
def gh(world: World, tmp_path: Path) -> Gh:
    return Gh(world, tmp_path)


@pytest.fixture
def pull(gh: Gh) -> int:
    """A pull request by somebody else, with one changed file and a check."""
    head = gh("api", "repos/acme/api/git/ref/heads/main", "-q", ".object.sha").strip()
    gh("api", "repos/acme/api/git/refs", "-f", "ref=refs/heads/topic", "-f", f"sha={head}")
    content = b64encode(b"one\ntwo\n").decode()
    made = gh.json(
        "api", "-X", "PUT", "repos/acme/api/contents/new.txt",
        "-f", "message=Add a file", "-f", f"content={content}", "-f", "branch=topic",
    )
    gh(
        "api", f"repos/acme/api/statuses/{made['commit']['sha']}",
        "-f", "state=success", "-f", "context=ci/build", "-f", "target_url=https://ci.example.com/1",
    )
    url = gh("pr", "create", "-R", "acme/api", "--head", "topic", "--base", "main", "-t", "A file", "-b", "Fixes #1")
    return int(url.strip().rsplit("/", 1)[1])


def test_issues_are_listed_seen_opened_commented_on_edited_and_closed(gh: Gh) -> None:
    assert "500 error on POST /orders" in gh("issue", "list", "-R", "acme/api")
    assert "state:\tOPEN" in gh("issue", "view", "1", "-R", "acme/api")
    url = gh("issue", "create", "-R", "acme/api", "-t", "Slow", "-b", "Very", "-l", "bug", "-a", "bob")
    assert url == "https://github.com/acme/api/issues/2\n"
    assert gh("issue", "comment", "2", "-R", "acme/api", "-b", "me too").endswith("issues/2#issuecomment-1\n")
    assert "me too" in gh("issue", "view", "2", "-R", "acme/api", "--comments")
    gh("issue", "edit", "2", "-R", "acme/api", "--title", "Slower", "--add-label", "feature", "--remove-label", "bug")
    gh("issue", "close", "2", "-R", "acme/api", "-r", "not planned", "-c", "bye")
    fields = "number,title,state,labels,assignees,author,comments,closed,createdAt,url,id,body,milestone"
    issue = gh.json("issue", "view", "2", "-R", "acme/api", "--json", fields)
    assert (issue["title"], issue["state"], issue["closed"]) == ("Slower", "CLOSED", True)
    assert [label["name"] for label in issue["labels"]] == ["feature"]
    assert [person["login"] for person in issue["assignees"]] == ["bob"]
    assert [comment["body"] for comment in issue["comments"]] == ["me too", "bye"]
    state = gh.world.get("repos/acme/api/issues/2")
    assert (state["state"], state["state_reason"], state["node_id"]) == ("closed", "not_planned", issue["id"])
    gh("issue", "reopen", "2", "-R", "acme/api")
    gh("issue", "lock", "2", "-R", "acme/api", "-r", "spam")
    assert gh.world.get("repos/acme/api/issues/2")["active_lock_reason"] == "spam"
    gh("issue", "unlock", "2", "-R", "acme/api")
    assert "Slower" in gh("issue", "list", "-R", "acme/api", "--assignee", "bob", "--label", "feature")
    assert gh("issue", "list", "-R", "acme/api", "--author", "nobody") == ""
    assert "Slower" in gh("issue", "list", "-R", "acme/api", "--search", "slower")
    assert "Slower" in gh("issue", "status", "-R", "acme/api")


def test_pull_requests_are_read(gh: Gh, pull: int) -> None:
    number = str(pull)
    assert f"{number}\tA file\ttopic\tOPEN" in gh("pr", "list", "-R", "acme/api")
    assert "A file" in gh("pr", "view", number, "-R", "acme/api")
    assert "+two" in gh("pr", "diff", number, "-R", "acme/api")
    checks = gh("pr", "checks", number, "-R", "acme/api")
    assert checks.split("\t")[:2] == ["ci/build", "pass"]
    fields = (
        "additions,assignees,author,baseRefName,body,changedFiles,closed,commits,files,headRefName,headRefOid,"
        "headRepository,headRepositoryOwner,id,isCrossRepository,isDraft,labels,latestReviews,mergeStateStatus,mergeable,"
        "mergedAt,milestone,number,potentialMergeCommit,reactionGroups,reviewDecision,reviewRequests,reviews,state,"
        "statusCheckRollup,title,updatedAt,url"
    )
    shown = gh.json("pr", "view", number, "-R", "acme/api", "--json", fields)
    assert (shown["additions"], shown["changedFiles"], shown["mergeable"]) == (2, 1, "MERGEABLE")
    assert [file["path"] for file in shown["files"]] == ["new.txt"]
    assert [commit["messageHeadline"] for commit in shown["commits"]] == ["Add a file"]
    assert [check["context"] for check in shown["statusCheckRollup"]] == ["ci/build"]
    assert gh("pr", "status", "-R", "acme/api")


def test_pull_requests_are_edited_reviewed_and_merged(gh: Gh, pull: int) -> None:
    number = str(pull)
    gh("pr", "edit", number, "-R", "acme/api", "--add-label", "bug", "--add-reviewer", "alice", "--title", "The file")
    gh("pr", "comment", number, "-R", "acme/api", "-b", "look")
    refused = gh.run("pr", "review", number, "-R", "acme/api", "--approve")
    assert refused.returncode != 0 and "Can not approve your own pull request" in refused.stderr
    gh("pr", "review", number, "-R", "acme/api", "--comment", "-b", "hm")
    gh("pr", "ready", number, "-R", "acme/api", "--undo")
    assert gh.world.get(f"repos/acme/api/pulls/{number}")["draft"] is True
    gh("pr", "ready", number, "-R", "acme/api")
    gh("pr", "close", number, "-R", "acme/api")
    gh("pr", "reopen", number, "-R", "acme/api")
    reviews = gh.world.get(f"repos/acme/api/pulls/{number}/reviews")
    assert [(review["state"], review["body"]) for review in reviews] == [("COMMENTED", "hm")]
    gh("pr", "merge", number, "-R", "acme/api", "--squash", "--subject", "Squashed", "--body", "all of it")
    merged = gh.world.get(f"repos/acme/api/pulls/{number}")
    assert (merged["merged"], merged["title"], merged["merged_by"]["login"]) == (True, "The file", "pome-agent")
    assert gh.world.get("repos/acme/api/commits/main")["commit"]["message"] == "Squashed\n\nall of it"
    assert "MERGED" in gh("pr", "list", "-R", "acme/api", "--state", "merged")


def test_repositories_labels_releases_and_search(gh: Gh) -> None:
    assert "acme/api" in gh("repo", "view", "acme/api")
    assert "acme/api" in gh("repo", "list", "acme")
    assert gh("label", "list", "-R", "acme/api").startswith("bug\t")
    gh("label", "create", "urgent", "-R", "acme/api", "-c", "ff0000", "-d", "Now")
    assert "urgent" in gh("label", "list", "-R", "acme/api")
    gh("release", "create", "v1", "-R", "acme/api", "-t", "One", "-n", "notes", "--target", "main")
    assert "v1" in gh("release", "list", "-R", "acme/api")
    assert "notes" in gh("release", "view", "v1", "-R", "acme/api")
    assert "500 error" in gh("search", "issues", "error")
    assert "acme/api" in gh("search", "repos", "api")


def test_the_api_command_pages_and_asks_graphql(gh: Gh) -> None:
    for count in range(3):
        gh("api", "repos/acme/api/issues", "-f", f"title=Number {count}")
    numbers = gh("api", "--paginate", "repos/acme/api/issues?per_page=2", "-q", ".[].number").split()
    assert numbers == ["4", "3", "2", "1"]
    query = """query($endCursor: String) { repository(owner: "acme", name: "api") {
        issues(first: 2, after: $endCursor) { nodes { number } pageInfo { hasNextPage endCursor } } } }"""
    pages = gh("api", "graphql", "--paginate", "-f", f"query={query}", "-q", ".data.repository.issues.nodes[].number")
    assert pages.split() == ["1", "2", "3", "4"]
    refused = gh.run("api", "graphql", "-f", "query={ viewer { nope } }")
    assert refused.returncode == 1 and "Field 'nope' doesn't exist on type 'User'" in refused.stderr
    missing = gh.run("repo", "view", "acme/gone")
    assert "Could not resolve to a Repository with the name 'acme/gone'." in missing.stderr


def test_a_bad_token_is_refused(gh: Gh) -> None:
    gh.environment["GH_TOKEN"] = "nonsense"
    refused = gh.run("issue", "list", "-R", "acme/api")
    assert refused.returncode != 0 and "401" in refused.stderr
