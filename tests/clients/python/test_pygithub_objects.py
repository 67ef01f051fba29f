"""Every attribute of what PyGithub reads has the type that it expects, and every resource is made, changed and removed."""

from __future__ import annotations

import warnings
from typing import TypeVar

import pytest
from github import Auth, Github, GithubException, UnknownObjectException
from github.GithubObject import GithubObject
from github.InputGitTreeElement import InputGitTreeElement

T = TypeVar("T", bound=GithubObject)


@pytest.fixture
def hub(world):
    auth = Auth.Token(world.token)
    client = Github(auth=auth, base_url=world.rest_url, retry=None, seconds_between_requests=0, seconds_between_writes=0)
    yield client
    client.close()


@pytest.fixture
def repo(hub):
    return hub.get_repo("acme/api")


def touch(thing: T) -> T:
    """Reads every attribute: one of a wrong type raises BadAttributeException."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for name, member in vars(type(thing)).items():
            if isinstance(member, property):
                getattr(thing, name)
    return thing


def branch_with_a_file(repo, name: str, path: str = "docs/new.md", text: str = "one\n"):
    repo.create_git_ref(f"refs/heads/{name}", repo.get_branch("main").commit.sha)
    return repo.create_file(path, f"Add {path}", text, branch=name)


def test_repositories(hub, repo):
    touch(repo)
    mine = touch(hub.get_user().create_repo("scratch", description="a try", auto_init=True, private=True))
    mine.edit(description="changed", has_wiki=False)
    assert hub.get_repo(mine.full_name).description == "changed"
    mine.replace_topics(["one", "two"])
    assert mine.get_topics() == ["one", "two"]
    assert mine.get_languages() == {} or isinstance(mine.get_languages(), dict)
    assert "scratch" in [each.name for each in hub.get_user().get_repos()]
    mine.delete()
    with pytest.raises(UnknownObjectException):
        hub.get_repo(mine.full_name)


def test_users(hub):
    touch(hub.get_user())
    touch(hub.get_user("alice"))
    with pytest.raises(UnknownObjectException):
        hub.get_user("nobody-has-this-name")


def test_labels(repo):
    label = touch(repo.create_label("urgent", "ff0000", "now"))
    label.edit("later", "00ff00", "then")
    assert repo.get_label("later").color == "00ff00"
    label = repo.get_label("later")
    label.delete()
    with pytest.raises(UnknownObjectException):
        repo.get_label("later")


def test_milestones(repo):
    milestone = touch(repo.create_milestone("v1", description="first"))
    milestone.edit("v1.0", state="closed")
    assert [each.title for each in repo.get_milestones(state="closed")] == ["v1.0"]
    milestone.delete()
    assert list(repo.get_milestones(state="all")) == []


def test_issues(repo):
    issue = touch(repo.create_issue("Broken", body="It is.", labels=["bug"], assignees=["alice"]))
    issue.edit(title="Still broken", state="closed", state_reason="not_planned")
    issue = touch(repo.get_issue(issue.number))
    assert (issue.title, issue.state, issue.state_reason) == ("Still broken", "closed", "not_planned")
    issue.edit(state="open")
    issue.add_to_labels("question")
    issue.remove_from_labels("bug")
    issue.set_labels("bug", "documentation")
    assert sorted(each.name for each in issue.get_labels()) == ["bug", "documentation"]
    issue.delete_labels()
    issue.remove_from_assignees("alice")
    issue.add_to_assignees("bob")
    assert [each.login for each in repo.get_issue(issue.number).assignees] == ["bob"]
    issue.lock("spam")
    assert touch(repo.get_issue(issue.number)).active_lock_reason == "spam"
    issue.unlock()


def test_comments_and_reactions(repo):
    issue = repo.get_issue(1)
    comment = touch(issue.create_comment("first"))
    comment.edit("second")
    assert [touch(each).body for each in issue.get_comments()] == ["second"]
    reaction = touch(comment.create_reaction("rocket"))
    assert [each.content for each in comment.get_reactions()] == ["rocket"]
    comment.delete_reaction(reaction.id)
    touch(issue.create_reaction("heart"))
    assert [each.content for each in issue.get_reactions()] == ["heart"]
    comment.delete()
    assert issue.get_comments().totalCount == 0


def test_issue_events(repo):
    issue = repo.create_issue("Eventful")
    issue.add_to_labels("bug")
    issue.add_to_assignees("alice")
    issue.edit(state="closed")
    events = [touch(each) for each in issue.get_events()]
    assert [each.event for each in events] == ["labeled", "assigned", "closed"]
    assert {"labeled", "assigned", "closed"} <= {touch(each).event for each in issue.get_timeline()}


def test_refs_branches_and_tags(repo):
    sha = repo.get_branch("main").commit.sha
    ref = touch(repo.create_git_ref("refs/heads/topic", sha))
    branch = touch(repo.get_branch("topic"))
    assert branch.commit.sha == sha
    assert "topic" in [each.name for each in repo.get_branches()]
    tag = touch(repo.create_git_tag("v1", "first", sha, "commit"))
    repo.create_git_ref("refs/tags/v1", tag.sha)
    assert [touch(each).name for each in repo.get_tags()] == ["v1"]
    assert [each.ref for each in repo.get_git_matching_refs("tags/")] == ["refs/tags/v1"]
    ref.delete()
    with pytest.raises(GithubException):
        repo.get_branch("topic")


def test_git_objects(repo):
    head = repo.get_branch("main").commit
    base = touch(repo.get_git_commit(head.sha))
    blob = repo.create_git_blob("hello\n", "utf-8")
    element = InputGitTreeElement("hello.txt", "100644", "blob", sha=blob.sha)
    tree = touch(repo.create_git_tree([element], base.tree))
    commit = touch(repo.create_git_commit("Say hello", tree, [base]))
    repo.get_git_ref("heads/main").edit(commit.sha)
    assert repo.get_contents("hello.txt").decoded_content == b"hello\n"
    assert touch(repo.get_git_blob(blob.sha)).size == 6
    assert "hello.txt" in [each.path for each in repo.get_git_tree("main", recursive=True).tree]


def test_contents(repo):
    made = repo.create_file("notes/a.txt", "Add a", "one\n")
    changed = repo.update_file("notes/a.txt", "Change a", "two\n", touch(made["content"]).sha)
    assert changed["commit"].sha == repo.get_branch("main").commit.sha
    assert touch(repo.get_contents("notes/a.txt")).decoded_content == b"two\n"
    assert [each.name for each in repo.get_contents("notes")] == ["a.txt"]
    with pytest.raises(GithubException) as refused:
        repo.update_file("notes/a.txt", "Change a again", "three\n", made["content"].sha)
    assert refused.value.status == 409
    repo.delete_file("notes/a.txt", "Remove a", changed["content"].sha)
    with pytest.raises(UnknownObjectException):
        repo.get_contents("notes/a.txt")


def test_commits_and_comparisons(repo):
    branch_with_a_file(repo, "topic")
    comparison = touch(repo.compare("main", "topic"))
    assert (comparison.ahead_by, comparison.behind_by, comparison.status) == (1, 0, "ahead")
    commit = touch(repo.get_commit("topic"))
    assert [touch(each).filename for each in commit.files] == ["docs/new.md"]
    touch(commit.commit)
    assert touch(commit.stats).additions == 1
    assert [each.sha for each in repo.get_commits(sha="topic", path="docs")][0] == commit.sha


def test_pull_requests(repo):
    branch_with_a_file(repo, "topic", text="one\ntwo\n")
    pull = touch(repo.create_pull(title="Add notes", body="Closes #1", head="topic", base="main", draft=False))
    touch(pull.head)
    touch(pull.as_issue())
    pull.edit(title="Add more notes")
    pull.create_review_request(reviewers=["alice"])
    assert [each.login for each in pull.get_review_requests()[0]] == ["alice"]
    review = touch(pull.create_review(body="a question", event="COMMENT"))
    assert [touch(each).id for each in pull.get_reviews()] == [review.id]
    comment = touch(pull.create_review_comment("why?", repo.get_commit("topic"), "docs/new.md", line=1))
    reply = touch(pull.create_review_comment_reply(comment.id, "because"))
    assert [each.id for each in pull.get_review_comments()] == [comment.id, reply.id]
    touch(pull.create_issue_comment("thanks"))
    assert [touch(each).filename for each in pull.get_files()] == ["docs/new.md"]
    assert [touch(each).commit.message for each in pull.get_commits()] == ["Add docs/new.md"]
    status = touch(pull.merge(merge_method="merge", commit_title="Take notes"))
    assert status.merged and touch(repo.get_pull(pull.number)).merged
    assert repo.get_issue(1).state == "closed"


def test_a_conflicting_pull_request_is_refused(repo):
    branch_with_a_file(repo, "left", "shared.txt", "left\n")
    branch_with_a_file(repo, "right", "shared.txt", "right\n")
    repo.create_pull(title="Left", head="left", base="main").merge()
    pull = repo.create_pull(title="Right", head="right", base="main")
    assert (pull.mergeable, pull.mergeable_state) == (False, "dirty")
    with pytest.raises(GithubException) as refused:
        pull.merge()
    assert refused.value.status == 405


def test_statuses_and_check_runs(repo):
    commit = repo.get_commit("main")
    touch(commit.create_status("failure", "https://ci.example/1", "broken", "ci/build"))
    combined = touch(commit.get_combined_status())
    assert (combined.state, combined.total_count) == ("failure", 1)
    run = touch(repo.create_check_run("lint", commit.sha, status="completed", conclusion="neutral"))
    touch(run.output)
    assert [touch(each).name for each in commit.get_check_runs()] == ["lint"]
    suites = [touch(each) for each in commit.get_check_suites()]
    assert [each.id for each in suites] == [run.check_suite.id]


def test_releases_and_their_files(repo, tmp_path):
    release = touch(repo.create_git_release("v1.0", "First", "notes", target_commitish="main"))
    release = release.update_release("First!", "better notes", prerelease=True)
    assert touch(repo.get_release(release.id)).title == "First!"
    file = tmp_path / "tool.bin"
    file.write_bytes(b"\x00\x01binary")
    asset = touch(release.upload_asset(str(file), label="the tool", content_type="application/octet-stream"))
    assert (asset.name, asset.size) == ("tool.bin", 8)
    assert [touch(each).name for each in repo.get_release(release.id).get_assets()] == ["tool.bin"]
    asset.delete_asset()
    release.delete_release()
    assert [each.tag_name for each in repo.get_releases()] == []


def test_collaborators(hub):
    repo = hub.get_user().create_repo("shared", auto_init=True)
    repo.add_to_collaborators("alice", "push")
    assert "alice" in [touch(each).login for each in repo.get_collaborators()]
    assert repo.get_collaborator_permission("alice") == "write"
    repo.remove_from_collaborators("alice")
    assert not repo.has_in_collaborators("alice")


def test_branch_protection(hub):
    repo = hub.get_user().create_repo("guarded", auto_init=True)
    branch = repo.get_branch("main")
    branch.edit_protection(strict=True, contexts=["ci"], required_approving_review_count=1, enforce_admins=True)
    protection = touch(branch.get_protection())
    assert touch(protection.required_status_checks).contexts == ["ci"]
    assert touch(protection.required_pull_request_reviews).required_approving_review_count == 1
    branch.remove_protection()
    assert not repo.get_branch("main").protected


def test_hooks(hub):
    repo = hub.get_user().create_repo("hooked", auto_init=True)
    hook = touch(repo.create_hook("web", {"url": "https://example.com/hook", "content_type": "json"}, ["push"], True))
    hook.edit("web", {"url": "https://example.com/other"}, events=["push", "issues"])
    assert touch(repo.get_hook(hook.id)).events == ["push", "issues"]
    hook.delete()
    assert repo.get_hooks().totalCount == 0


def test_stars_and_gists(hub, repo):
    me = hub.get_user()
    me.add_to_starred(repo)
    assert me.has_in_starred(repo)
    me.remove_from_starred(repo)
    assert not me.has_in_starred(repo)


def test_searches(hub, repo):
    assert [touch(each).number for each in hub.search_issues("repo:acme/api is:open orders")] == [1]
    assert "acme/api" in [touch(each).full_name for each in hub.search_repositories("api")]
    assert "alice" in [touch(each).login for each in hub.search_users("alice")]
    commits = hub.search_commits("repo:acme/api " + repo.get_commit("main").commit.message.split()[0])
    assert commits.totalCount >= 1


def test_the_rate_limit_is_an_object(hub):
    overview = touch(hub.get_rate_limit())
    assert touch(overview.resources.core).limit == 5000
