//! The state as JSON, in the shape that checks and readers of `state_final.json` know. Sorted; same state, same bytes.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use crate::actions::{check_suites, events, protection, rulesets, sub_issues, workflow_runs};
use crate::activity::{Asset, CommitComment, DeployKey, Gist, Hook, Thread};
use crate::git::{Mode, Objects, Oid};
use crate::state::{
    CheckRun, Collaborator, Comment, GitRef, Issue, Label, Milestone, Permission, Pull, Release, Repo, Review,
    ReviewComment, State, Status, User,
};
use pome_twin_kit::clock::{Seconds, Time};

pub(crate) fn export(state: &State) -> Vec<u8> {
    let repositories =
        rows(|| state.repo_names.values().filter_map(|id| state.repos.get(id)).map(|repo| Exported { state, repo }));
    let users = rows(|| state.users.values().map(user));
    let organizations = rows(|| state.users.values().filter_map(|user| organization(state, user)));
    let gists = rows(|| state.activity.gists.values().map(|each| gist(state, each)));
    let notifications = rows(|| state.activity.threads.values().map(|each| thread(state, each)));
    let mut out = Vec::new();
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(&mut out, &World { repositories, users, organizations, gists, notifications });
    out
}

#[derive(Serialize)]
struct World<R, U, O, G, N> {
    repositories: R,
    users: U,
    organizations: O,
    gists: G,
    notifications: N,
}

/// A list that is written row by row, so that a large world is never in memory twice.
struct Rows<F>(F);

const fn rows<F: Fn() -> I, I: Iterator<Item: Serialize>>(list: F) -> Rows<F> {
    Rows(list)
}

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Rows<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// One repository with everything in it.
struct Exported<'a> {
    state: &'a State,
    repo: &'a Repo,
}

impl Serialize for Exported<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (state, repo, id) = (self.state, self.repo, self.repo.id);
        let parent = repo.parent.and_then(|parent| state.repos.get(&parent)).map(Repo::full_name);
        let branches = || {
            let heads = state.refs_of(id, "refs/heads/");
            heads.map(|(name, at)| (name.trim_start_matches("refs/heads/"), at))
        };
        let own = |(repo, _): &(u64, String)| *repo == id;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("owner", &repo.owner)?;
        map.serialize_entry("name", &repo.name)?;
        map.serialize_entry("full_name", &repo.full_name())?;
        map.serialize_entry("description", repo.description.as_deref().unwrap_or_default())?;
        map.serialize_entry("private", &flag(repo.private))?;
        map.serialize_entry("default_branch", &repo.default_branch)?;
        map.serialize_entry("fork", &flag(repo.parent.is_some()))?;
        map.serialize_entry("parent_full_name", &parent)?;
        map.serialize_entry("entity_counter", &repo.last_number)?;
        map.serialize_entry("created_at", &time(repo.created_at))?;
        map.serialize_entry("updated_at", &time(repo.updated_at))?;
        map.serialize_entry(
            "branches",
            &rows(|| branches().enumerate().map(|(at, (name, git_ref))| branch(id, at, name, git_ref))),
        )?;
        map.serialize_entry("files", &rows(|| branches().flat_map(|(name, git_ref)| files(state, id, name, git_ref))))?;
        map.serialize_entry("labels", &rows(|| state.labels_of(id).map(|each| LabelRow::of(id, each))))?;
        let issues = || state.issues_of(id).filter(|issue| !state.is_pull((id, issue.number)));
        map.serialize_entry("issues", &rows(|| issues().map(|issue| IssueRow { state, repo, issue })))?;
        map.serialize_entry("pull_requests", &rows(|| state.pulls_of(id).filter_map(|each| pull(state, repo, each))))?;
        map.serialize_entry("commit_statuses", &rows(|| state.statuses_of(id).map(|each| status(id, each))))?;
        map.serialize_entry("check_runs", &rows(|| state.check_runs_of(id).map(|each| check_run(state, id, each))))?;
        let collaborators = || state.collaborators.prefix((id, String::new()), own);
        map.serialize_entry("collaborators", &rows(|| collaborators().map(|(_, each)| collaborator(each))))?;
        let milestones = || state.milestones.range((id, 0)..=(id, u64::MAX));
        map.serialize_entry("milestones", &rows(|| milestones().map(|(_, each)| milestone(id, each))))?;
        map.serialize_entry(
            "tags",
            &rows(|| state.refs_of(id, "refs/tags/").map(|(name, git_ref)| tag(id, name, git_ref))),
        )?;
        map.serialize_entry("releases", &rows(|| state.releases_of(id).map(|each| release(state, id, each))))?;
        let protections = || state.protections.prefix((id, String::new()), own);
        let protections = rows(|| protections().map(|((_, branch), each)| protection::export(repo, branch, each)));
        map.serialize_entry("branch_protection", &protections)?;
        let activity = &state.activity;
        map.serialize_entry("stargazers", &rows(|| activity.stars_of(id).map(|(login, _)| state.spelled(login))))?;
        map.serialize_entry("watchers", &rows(|| activity.watchers_of(id).map(|login| state.spelled(login))))?;
        map.serialize_entry("webhooks", &rows(|| activity.hooks_of(id).map(|hook| webhook(state, id, hook))))?;
        map.serialize_entry("deploy_keys", &rows(|| activity.keys_of(id).map(deploy_key)))?;
        map.serialize_entry("commit_comments", &rows(|| activity.commit_comments_of(id).map(commit_comment)))?;
        map.serialize_entry("rulesets", &rows(|| state.rulesets_of(id).map(|each| rulesets::row(repo, each))))?;
        let of_repo = (id, 0)..=(id, u64::MAX);
        let parents = || state.children.range(of_repo.clone()).filter(|(_, children)| !children.is_empty());
        map.serialize_entry(
            "sub_issues",
            &rows(|| parents().map(|(key, _)| sub_issues::export_children(state, *key))),
        )?;
        let blocked = || state.blocked_by.range(of_repo.clone()).filter(|(_, blockers)| !blockers.is_empty());
        let blocked = rows(|| blocked().map(|(key, _)| sub_issues::export_blockers(state, *key)));
        map.serialize_entry("issue_dependencies", &blocked)?;
        let runs = || state.workflow_runs_of(id).filter_map(|run| workflow_runs::row(state, (id, run.id)));
        map.serialize_entry("workflow_runs", &rows(runs))?;
        let disabled = || state.disabled_workflows.prefix((id, String::new()), own);
        map.serialize_entry("disabled_workflows", &rows(|| disabled().map(|((_, path), ())| path.clone())))?;
        let artifacts = || state.artifacts.range((id, 0)..=(id, u64::MAX));
        let artifacts = rows(|| artifacts().map(|(_, row)| json!({ "id": row.id, "run": row.run, "name": row.name })));
        map.serialize_entry("artifacts", &artifacts)?;
        let suites = || state.check_suites_of(id);
        map.serialize_entry("check_suites", &rows(|| suites().map(|each| check_suites::row(repo, each))))?;
        let happened = || state.events.range((id, 0)..=(id, u64::MAX));
        map.serialize_entry("issue_events", &rows(|| happened().map(|(_, each)| events::export(each))))?;
        map.end()
    }
}

fn time(time: Time) -> String {
    time.to_seconds().to_string()
}

fn maybe(at: Option<Time>) -> Option<String> {
    at.map(time)
}

/// Flags of the stored rows are numbers.
fn flag(value: bool) -> u8 {
    u8::from(value)
}

/// Places and teams; an organization without any says nothing.
fn organization(state: &State, org: &User) -> Option<Value> {
    let accounts = &state.accounts;
    let members: Vec<Value> = accounts
        .members_of(&org.login)
        .map(|place| {
            json!({
                "login": place.login, "role": if place.admin { "admin" } else { "member" }, "public": flag(place.public),
                "state": if place.pending { "pending" } else { "active" },
            })
        })
        .collect();
    let teams: Vec<Value> = accounts
        .teams_of(&org.login)
        .map(|team| {
            let members = accounts.team_members.prefix((team.id, String::new()), move |(id, _)| *id == team.id);
            let repos = accounts.team_repos.iter().filter(|((_, id), _)| *id == team.id);
            json!({
                "id": team.id, "slug": team.slug, "name": team.name, "description": team.description,
                "privacy": if team.secret { "secret" } else { "closed" }, "parent_id": team.parent,
                "permission": team.permission.word(),
                "members": members
                    .map(|((_, login), maintains)| json!({
                        "login": state.spelled(login), "role": if *maintains { "maintainer" } else { "member" },
                    }))
                    .collect::<Vec<_>>(),
                "repositories": repos
                    .filter_map(|((repo, _), held)| Some((state.repos.get(repo)?, held)))
                    .map(|(repo, held)| json!({ "full_name": repo.full_name(), "permission": held.word() }))
                    .collect::<Vec<_>>(),
            })
        })
        .collect();
    let settings = accounts.settings_of(&org.login);
    let said = !members.is_empty() || !teams.is_empty() || settings.updated_at.is_some();
    said.then(|| {
        json!({
            "login": org.login, "members": members, "teams": teams,
            "settings": {
                "description": settings.description, "billing_email": settings.billing_email,
                "default_repository_permission": settings.base.map_or("none", Permission::role),
                "members_can_create_repositories": flag(settings.members_create_repositories),
                "switches": settings.switches, "secret_link": settings.secret_link,
            },
        })
    })
}

fn user(user: &User) -> Value {
    json!({ "login": user.login, "id": user.id(), "type": user.kind.name(), "name": user.name })
}

fn branch(repo: u64, at: usize, name: &str, git_ref: &GitRef) -> Value {
    json!({
        "id": at + 1, "repo_id": repo, "name": name, "head_sha": git_ref.oid,
        "created_at": time(git_ref.created_at), "updated_at": time(git_ref.updated_at),
    })
}

fn tag(repo: u64, name: &str, git_ref: &GitRef) -> Value {
    json!({ "repo_id": repo, "name": name.trim_start_matches("refs/tags/"), "sha": git_ref.oid })
}

/// Adds the members of one object to another.
fn append(row: &mut Value, more: Value) {
    if let (Value::Object(row), Value::Object(more)) = (row, more) {
        row.extend(more);
    }
}

fn files(state: &State, repo: u64, branch: &str, git_ref: &GitRef) -> Vec<Value> {
    let objects = &state.git.objects;
    let Ok(walked) = objects.peel_to_tree(git_ref.oid).and_then(|tree| objects.files(tree)) else { return Vec::new() };
    walked
        .into_iter()
        .filter(|(_, side)| matches!(side.mode, Mode::File | Mode::Executable))
        .map(|(path, side)| {
            let (content, size) = text(objects, side.oid);
            json!({
                "repo_id": repo, "branch": branch, "path": path, "content": content, "sha": side.oid, "size": size,
                "updated_at": time(git_ref.updated_at),
            })
        })
        .collect()
}

fn text(objects: &Objects, blob: Oid) -> (String, usize) {
    let bytes = objects.blob(blob).map(std::convert::AsRef::as_ref).unwrap_or_default();
    (String::from_utf8_lossy(bytes).into_owned(), bytes.len())
}

#[derive(Serialize)]
struct LabelRow<'a> {
    repo_id: u64,
    name: &'a str,
    color: &'a str,
    description: &'a str,
}

impl<'a> LabelRow<'a> {
    fn of(repo_id: u64, label: &'a Label) -> Self {
        let description = label.description.as_deref().unwrap_or_default();
        Self { repo_id, name: &label.name, color: &label.color, description }
    }
}

/// The labels of an issue.
fn labels<'a>(state: &'a State, repo: u64, issue: &'a Issue) -> impl Iterator<Item = LabelRow<'a>> {
    issue.labels.iter().filter_map(move |name| state.label(repo, name)).map(move |each| LabelRow::of(repo, each))
}

#[derive(Serialize)]
struct CommentRow<'a> {
    id: u64,
    repo_id: u64,
    issue_number: u64,
    body: &'a str,
    user_login: &'a str,
    created_at: Seconds,
    updated_at: Seconds,
}

impl<'a> CommentRow<'a> {
    fn of(comment: &'a Comment) -> Self {
        let Comment { id, repo, number, body, user, created_at, updated_at, .. } = comment;
        let (created_at, updated_at) = (created_at.to_seconds(), updated_at.to_seconds());
        Self { id: *id, repo_id: *repo, issue_number: *number, body, user_login: user, created_at, updated_at }
    }
}

/// Issues are what a large world has many of.
struct IssueRow<'a> {
    state: &'a State,
    repo: &'a Repo,
    issue: &'a Issue,
}

impl Serialize for IssueRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (state, repo, issue) = (self.state, self.repo.id, self.issue);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("repo_id", &repo)?;
        map.serialize_entry("number", &issue.number)?;
        map.serialize_entry("title", &issue.title)?;
        map.serialize_entry("body", issue.body.as_deref().unwrap_or_default())?;
        map.serialize_entry("state", if issue.open { "open" } else { "closed" })?;
        map.serialize_entry("state_reason", &issue.state_reason)?;
        map.serialize_entry("user_login", &issue.user)?;
        map.serialize_entry("assignee_login", &issue.assignees.first())?;
        map.serialize_entry("milestone", &issue.milestone)?;
        map.serialize_entry("locked", &flag(issue.locked))?;
        map.serialize_entry("created_at", &issue.created_at.to_seconds())?;
        map.serialize_entry("updated_at", &issue.updated_at.to_seconds())?;
        map.serialize_entry("closed_at", &issue.closed_at.map(Time::to_seconds))?;
        map.serialize_entry("labels", &rows(|| labels(state, repo, issue)))?;
        map.serialize_entry("assignees", &issue.assignees)?;
        map.serialize_entry("comments", &rows(|| comments(state, repo, issue.number)))?;
        map.end()
    }
}

fn comments(state: &State, repo: u64, number: u64) -> impl Iterator<Item = CommentRow<'_>> {
    state.comments_on((repo, number)).map(CommentRow::of)
}

fn pull(state: &State, repo: &Repo, pull: &Pull) -> Option<Value> {
    let key = (repo.id, pull.number);
    let side = state.issues.get(&key)?;
    let mut row = json!({
        "repo_id": repo.id,
        "number": pull.number,
        "title": side.title,
        "body": side.body.as_deref().unwrap_or_default(),
        "state": if side.open { "open" } else { "closed" },
        "user_login": side.user,
        "head_repo_id": pull.head_repo,
        "head_ref": pull.head_ref,
        "head_sha": pull.head_sha,
        "base_repo_id": repo.id,
        "base_ref": pull.base_ref,
        "base_sha": pull.base_sha,
        "draft": flag(pull.draft),
        "merged": flag(pull.merged),
        "merge_commit_sha": pull.merge_commit_sha,
        "created_at": time(side.created_at),
        "updated_at": time(side.updated_at),
        "closed_at": maybe(side.closed_at),
        "merged_at": maybe(pull.merged_at),
        "merged_by": pull.merged_by,
    });
    append(
        &mut row,
        json!({
            "labels": labels(state, repo.id, side).collect::<Vec<_>>(),
            "assignees": side.assignees,
            "requested_reviewers": pull.requested_reviewers,
            "requested_teams": state.accounts.asked(repo.id, pull.number).map(|team| &team.slug).collect::<Vec<_>>(),
            "files": pull_files(state, repo, pull),
            "reviews": state.reviews_on(key).filter(|each| each.submitted_at.is_some())
                .map(|each| review(repo.id, pull.number, each)).collect::<Vec<_>>(),
            "review_comments": state.review_comments_on(key).filter(|each| state.is_published(each))
                .map(review_comment).collect::<Vec<_>>(),
            "comments": comments(state, repo.id, pull.number).collect::<Vec<_>>(),
        }),
    );
    Some(row)
}

fn pull_files(state: &State, repo: &Repo, pull: &Pull) -> Vec<Value> {
    let objects = &state.git.objects;
    let base = state.pull_base((repo.id, pull.number)).unwrap_or(pull.base_sha);
    let Ok(changes) = objects.changes_between(base, pull.head_sha) else { return Vec::new() };
    let full_name = repo.full_name();
    changes
        .iter()
        .filter_map(|change| {
            let patch = objects.patch(change).ok()?;
            let (path, sha) = (&change.path, pull.head_sha);
            let mut row = Map::new();
            let mut put = |name: &str, value: Value| {
                row.insert(name.to_owned(), value);
            };
            put("repo_id", repo.id.into());
            put("pull_number", pull.number.into());
            put("filename", path.as_str().into());
            put("status", change.status.as_str().into());
            put("additions", patch.additions.into());
            put("deletions", patch.deletions.into());
            put("changes", (patch.additions + patch.deletions).into());
            put("blob_url", format!("https://github.com/{full_name}/blob/{sha}/{path}").into());
            put("raw_url", format!("https://github.com/{full_name}/raw/{sha}/{path}").into());
            put("contents_url", format!("https://api.github.com/repos/{full_name}/contents/{path}?ref={sha}").into());
            put("patch", patch.text.as_deref().map_or(Value::Null, Value::from));
            put("previous_filename", change.previous_path.as_deref().map_or(Value::Null, Value::from));
            Some(Value::Object(row))
        })
        .collect()
}

fn review(repo: u64, number: u64, review: &Review) -> Value {
    json!({
        "id": review.id, "repo_id": repo, "pull_number": number, "user_login": review.user,
        "state": review.state.name(), "body": review.body, "commit_sha": review.commit,
        "submitted_at": maybe(review.submitted_at),
    })
}

fn review_comment(comment: &ReviewComment) -> Value {
    json!({
        "id": comment.id, "repo_id": comment.repo, "pull_number": comment.number, "path": comment.path,
        "body": comment.body, "user_login": comment.user, "created_at": time(comment.created_at),
        "updated_at": time(comment.updated_at), "line": comment.line, "side": comment.side.name(),
        "commit_sha": comment.commit, "in_reply_to_id": comment.in_reply_to,
    })
}

fn status(repo: u64, status: &Status) -> Value {
    json!({
        "id": status.id, "repo_id": repo, "sha": status.sha, "state": status.state, "context": status.context,
        "description": status.description.as_deref().unwrap_or_default(),
        "target_url": status.target_url.as_deref().unwrap_or_default(),
        "created_at": time(status.created_at), "updated_at": time(status.created_at),
    })
}

fn check_run(state: &State, repo: u64, run: &CheckRun) -> Value {
    json!({
        "id": run.id, "repo_id": repo, "head_sha": run.head_sha, "name": run.name, "status": run.status,
        "conclusion": run.conclusion, "details_url": run.details_url, "external_id": run.external_id,
        "output_title": run.output_title, "output_summary": run.output_summary,
        "started_at": time(run.started_at), "completed_at": maybe(run.completed_at),
        "check_suite_id": run.suite, "annotations": check_suites::export_annotations(state, repo, run.id),
    })
}

fn collaborator(place: &Collaborator) -> Value {
    json!({
        "login": place.login, "permission": place.permission.word(),
        "invitation_state": if place.pending { "pending" } else { "accepted" },
    })
}

fn milestone(repo: u64, milestone: &Milestone) -> Value {
    json!({
        "repo_id": repo, "number": milestone.number, "title": milestone.title,
        "description": milestone.description.as_deref().unwrap_or_default(),
        "state": if milestone.open { "open" } else { "closed" }, "creator_login": milestone.creator,
        "due_on": maybe(milestone.due_on), "created_at": time(milestone.created_at),
        "updated_at": time(milestone.updated_at), "closed_at": maybe(milestone.closed_at),
    })
}

fn release(state: &State, repo: u64, release: &Release) -> Value {
    json!({
        "assets": state.activity.assets_of(repo, release.id).map(asset).collect::<Vec<_>>(),
        "id": release.id, "repo_id": repo, "tag_name": release.tag_name, "target_commitish": release.target_commitish,
        "name": release.name, "body": release.body.as_deref().unwrap_or_default(), "draft": flag(release.draft),
        "prerelease": flag(release.prerelease), "author_login": release.author,
        "created_at": time(release.created_at), "published_at": maybe(release.published_at),
    })
}

fn asset(asset: &Asset) -> Value {
    json!({
        "id": asset.id, "name": asset.name, "label": asset.label, "content_type": asset.content_type,
        "size": asset.bytes.len(), "digest": format!("sha256:{}", asset.digest), "uploader_login": asset.uploader,
        "created_at": time(asset.created_at), "updated_at": time(asset.updated_at),
    })
}

fn webhook(state: &State, repo: u64, hook: &Hook) -> Value {
    let sent = state.activity.sent_to(repo, hook.id).map(|sent| json!({ "event": sent.event, "guid": sent.guid }));
    json!({
        "id": hook.id, "url": hook.url, "events": hook.events, "active": flag(hook.active),
        "content_type": hook.content_type, "deliveries": sent.collect::<Vec<_>>(),
    })
}

fn deploy_key(key: &DeployKey) -> Value {
    json!({
        "id": key.id, "title": key.title, "key": key.key, "read_only": flag(key.read_only), "added_by": key.added_by,
        "created_at": time(key.created_at),
    })
}

fn commit_comment(comment: &CommitComment) -> Value {
    json!({
        "id": comment.id, "commit_sha": comment.commit, "body": comment.body, "path": comment.path,
        "position": comment.position, "user_login": comment.user, "created_at": time(comment.created_at),
        "updated_at": time(comment.updated_at),
    })
}

fn gist(state: &State, gist: &Gist) -> Value {
    let comments = state.activity.comments_on_gist(&gist.id);
    json!({
        "id": gist.id, "owner_login": gist.owner, "description": gist.description, "public": flag(gist.public),
        "files": gist.versions.last().map(|version| &version.files),
        "comments": comments
            .map(|each| json!({ "id": each.id, "user_login": each.user, "body": each.body }))
            .collect::<Vec<_>>(),
        "created_at": time(gist.created_at), "updated_at": time(gist.updated_at),
    })
}

fn thread(state: &State, thread: &Thread) -> Value {
    json!({
        "id": thread.id, "user_login": state.spelled(&thread.login), "repo_id": thread.subject.0,
        "number": thread.subject.1, "reason": thread.reason, "unread": flag(thread.unread), "done": flag(thread.done),
        "updated_at": time(thread.updated_at),
    })
}
