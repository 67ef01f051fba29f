"""PyGithub, unmodified, against the twin."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from github import Auth, Github, GithubException, UnknownObjectException


@pytest.fixture
def hub(world):
    client = Github(auth=Auth.Token(world.token), base_url=world.rest_url, retry=None, seconds_between_requests=0, seconds_between_writes=0)
    yield client
    client.close()


@pytest.fixture
def repo(hub):
    return hub.get_repo("acme/api")


def test_the_repository_and_its_issue_are_typed_objects(hub, repo):
    assert repo.full_name == "acme/api"
    assert repo.default_branch == "main"
    issue = repo.get_issue(1)
    assert issue.title == "500 error on POST /orders after deploy"
    assert issue.state == "open"
    assert hub.get_user().login == "pome-agent"


def test_an_issue_is_created_changed_commented_and_closed(repo, world):
    issue = repo.create_issue("Cache is stale", body="Seen twice", labels=["bug"], assignees=["alice"])
    issue.edit(title="Cache goes stale")
    comment = issue.create_comment("looking at it")
    comment.edit("looking into it")
    issue.add_to_labels("question")
    issue.remove_from_labels("bug")
    issue.add_to_assignees("bob")
    issue.edit(state="closed", state_reason="completed")
    fresh = repo.get_issue(issue.number)
    assert (fresh.title, fresh.state) == ("Cache goes stale", "closed")
    assert [label.name for label in fresh.labels] == ["question"]
    assert {user.login for user in fresh.assignees} == {"alice", "bob"}
    assert [each.body for each in fresh.get_comments()] == ["looking into it"]
    rows = world.state()["repositories"][0]["issues"]
    assert next(row for row in rows if row["number"] == issue.number)["state"] == "closed"


def test_lists_page_by_themselves(repo):
    for number in range(45):
        repo.create_issue(f"issue {number}")
    issues = repo.get_issues(state="all")
    assert len(list(issues)) == 46
    assert issues.totalCount == 46


def test_a_file_is_written_on_a_branch_reviewed_and_merged(repo):
    head = repo.get_branch("main").commit.sha
    repo.create_git_ref("refs/heads/feature/notes", head)
    repo.create_file("docs/notes.md", "Add notes", "one\ntwo\n", branch="feature/notes")
    stored = repo.get_contents("docs/notes.md", ref="feature/notes")
    assert stored.decoded_content == b"one\ntwo\n"
    repo.update_file("docs/notes.md", "More notes", "one\ntwo\nthree\n", stored.sha, branch="feature/notes")
    pull = repo.create_pull("main", "feature/notes", title="Notes", body="Adds notes")
    assert [(file.filename, file.status, file.additions) for file in pull.get_files()] == [("docs/notes.md", "added", 3)]
    assert pull.mergeable
    pull.create_review(body="fine", event="COMMENT")
    assert [review.state for review in pull.get_reviews()] == ["COMMENTED"]
    assert pull.get_commits().totalCount == 2
    merged = pull.merge(merge_method="squash")
    assert merged.merged
    assert repo.get_pull(pull.number).merged
    assert repo.get_contents("docs/notes.md").decoded_content == b"one\ntwo\nthree\n"


def test_statuses_are_set_and_combined(repo):
    commit = repo.get_commit("main")
    commit.create_status("success", context="ci/build", description="built")
    assert commit.get_combined_status().state == "success"
    assert [status.context for status in commit.get_statuses()] == ["ci/build"]


def test_check_runs_are_made_and_finished(repo):
    commit = repo.get_commit("main")
    run = repo.create_check_run("unit tests", commit.sha, status="in_progress")
    run.edit(status="completed", conclusion="success", output={"title": "green", "summary": "12 passed"})
    again = repo.create_check_run("lint", commit.sha)
    found = {each.name: each for each in commit.get_check_runs()}
    assert (found["unit tests"].conclusion, found["unit tests"].output.title) == ("success", "green")
    assert found["lint"].status == "queued"
    assert found["unit tests"].check_suite.id == again.check_suite.id


def test_labels_and_milestones_are_made(repo):
    label = repo.create_label("urgent", "ff0000", "now")
    label.edit("very urgent", "00ff00")
    milestone = repo.create_milestone("v1")
    issue = repo.get_issue(1)
    issue.edit(milestone=milestone, labels=["very urgent"])
    fresh = repo.get_issue(1)
    assert fresh.milestone.title == "v1"
    assert [each.name for each in fresh.labels] == ["very urgent"]
    assert "very urgent" in [each.name for each in repo.get_labels()]


def test_search_finds_issues(hub):
    found = hub.search_issues("repo:acme/api is:open orders")
    assert [issue.number for issue in found] == [1]


def test_errors_are_the_classes_that_callers_catch(hub, repo):
    with pytest.raises(UnknownObjectException):
        repo.get_issue(999)
    with pytest.raises(UnknownObjectException):
        hub.get_repo("acme/nothing")
    with pytest.raises(GithubException) as refused:
        repo.create_label("bug", "ededed")
    assert refused.value.status == 422
    assert refused.value.data["errors"][0]["code"] == "already_exists"


def test_a_wrong_token_is_refused(world):
    client = Github(auth=Auth.Token("ghp_" + "x" * 36), base_url=world.rest_url, retry=None, seconds_between_requests=0, seconds_between_writes=0)
    with pytest.raises(GithubException) as refused:
        client.get_repo("acme/api")
    assert refused.value.status == 401


def test_a_hundred_writes_at_once_lose_nothing(repo):
    with ThreadPoolExecutor(16) as pool:
        numbers = list(pool.map(lambda at: repo.create_issue(f"parallel {at}").number, range(100)))
    assert sorted(numbers) == list(range(2, 102))
