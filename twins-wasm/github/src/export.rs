//! The state as JSON, in the shape that checks and readers of `state_final.json` know. Sorted; same state, same bytes.

use serde_json::{Map, Value, json};

use crate::actions::{protection, rulesets};
use crate::git::{Mode, Objects, Oid};
use crate::state::{
    CheckRun, Collaborator, Comment, GitRef, Issue, Label, Milestone, Pull, Release, Repo, Review, ReviewComment,
    State, Status, User,
};
use pome_twin_kit::clock::Time;

pub(crate) fn export(state: &State) -> Vec<u8> {
    let repositories: Vec<Value> =
        state.repo_names.values().filter_map(|id| state.repos.get(id)).map(|repo| repository(state, repo)).collect();
    let users: Vec<Value> = state.users.values().map(user).collect();
    json!({ "repositories": repositories, "users": users }).to_string().into_bytes()
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

fn user(user: &User) -> Value {
    json!({ "login": user.login, "id": user.id(), "type": user.kind.name(), "name": user.name })
}

fn repository(state: &State, repo: &Repo) -> Value {
    let id = repo.id;
    let parent = repo.parent.and_then(|parent| state.repos.get(&parent)).map(Repo::full_name);
    let branches: Vec<(&str, &GitRef)> =
        state.refs_of(id, "refs/heads/").map(|(name, at)| (name.trim_start_matches("refs/heads/"), at)).collect();
    let mut row = json!({
        "id": id,
        "owner": repo.owner,
        "name": repo.name,
        "full_name": repo.full_name(),
        "description": repo.description.as_deref().unwrap_or_default(),
        "private": flag(repo.private),
        "default_branch": repo.default_branch,
        "fork": flag(repo.parent.is_some()),
        "parent_full_name": parent,
        "entity_counter": repo.last_number,
        "created_at": time(repo.created_at),
        "updated_at": time(repo.updated_at),
    });
    let issues = state.issues_of(id).filter(|issue| !state.is_pull((id, issue.number)));
    let lists = json!({
        "branches": branches.iter().enumerate().map(|(at, (name, git_ref))| json!({
            "id": at + 1, "repo_id": id, "name": name, "head_sha": git_ref.oid,
            "created_at": time(git_ref.created_at), "updated_at": time(git_ref.updated_at),
        })).collect::<Vec<_>>(),
        "files": branches.iter().flat_map(|(name, git_ref)| files(state, id, name, git_ref)).collect::<Vec<_>>(),
        "labels": state.labels_of(id).map(|each| label(id, each)).collect::<Vec<_>>(),
        "issues": issues.map(|each| issue(state, repo, each)).collect::<Vec<_>>(),
        "pull_requests": state.pulls_of(id).filter_map(|each| pull(state, repo, each)).collect::<Vec<_>>(),
        "commit_statuses": state.statuses_of(id).map(|each| status(id, each)).collect::<Vec<_>>(),
        "check_runs": state.check_runs_of(id).map(|each| check_run(id, each)).collect::<Vec<_>>(),
        "collaborators": state.collaborators.prefix((id, String::new()), move |(repo, _)| *repo == id)
            .map(|(_, each)| collaborator(each)).collect::<Vec<_>>(),
        "milestones": state.milestones.range((id, 0)..=(id, u64::MAX))
            .map(|(_, each)| milestone(id, each)).collect::<Vec<_>>(),
        "tags": state.refs_of(id, "refs/tags/").map(|(name, git_ref)| json!({
            "repo_id": id, "name": name.trim_start_matches("refs/tags/"), "sha": git_ref.oid,
        })).collect::<Vec<_>>(),
        "releases": state.releases_of(id).map(|each| release(id, each)).collect::<Vec<_>>(),
        "branch_protection": state.protections.prefix((id, String::new()), move |(repo, _)| *repo == id)
            .map(|((_, branch), each)| protection::export(repo, branch, each)).collect::<Vec<_>>(),
        "rulesets": state.rulesets_of(id).map(|each| rulesets::row(repo, each)).collect::<Vec<_>>(),
    });
    append(&mut row, lists);
    row
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

fn label(repo: u64, label: &Label) -> Value {
    json!({
        "repo_id": repo, "name": label.name, "color": label.color,
        "description": label.description.as_deref().unwrap_or_default(),
    })
}

fn issue_labels(state: &State, repo: u64, issue: &Issue) -> Vec<Value> {
    issue.labels.iter().filter_map(|name| state.label(repo, name)).map(|each| label(repo, each)).collect()
}

fn comments(state: &State, repo: u64, number: u64) -> Vec<Value> {
    state.comments_on((repo, number)).map(comment).collect()
}

fn comment(comment: &Comment) -> Value {
    json!({
        "id": comment.id, "repo_id": comment.repo, "issue_number": comment.number, "body": comment.body,
        "user_login": comment.user, "created_at": time(comment.created_at), "updated_at": time(comment.updated_at),
    })
}

fn issue(state: &State, repo: &Repo, issue: &Issue) -> Value {
    json!({
        "repo_id": repo.id,
        "number": issue.number,
        "title": issue.title,
        "body": issue.body.as_deref().unwrap_or_default(),
        "state": if issue.open { "open" } else { "closed" },
        "state_reason": issue.state_reason,
        "user_login": issue.user,
        "assignee_login": issue.assignees.first(),
        "milestone": issue.milestone,
        "locked": flag(issue.locked),
        "created_at": time(issue.created_at),
        "updated_at": time(issue.updated_at),
        "closed_at": maybe(issue.closed_at),
        "labels": issue_labels(state, repo.id, issue),
        "assignees": issue.assignees,
        "comments": comments(state, repo.id, issue.number),
    })
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
            "labels": issue_labels(state, repo.id, side),
            "assignees": side.assignees,
            "requested_reviewers": pull.requested_reviewers,
            "files": pull_files(state, repo, pull),
            "reviews": state.reviews_on(key).filter(|each| each.submitted_at.is_some())
                .map(|each| review(repo.id, pull.number, each)).collect::<Vec<_>>(),
            "review_comments": state.review_comments_on(key).filter(|each| state.is_published(each))
                .map(review_comment).collect::<Vec<_>>(),
            "comments": comments(state, repo.id, pull.number),
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

fn check_run(repo: u64, run: &CheckRun) -> Value {
    json!({
        "id": run.id, "repo_id": repo, "head_sha": run.head_sha, "name": run.name, "status": run.status,
        "conclusion": run.conclusion, "details_url": run.details_url, "external_id": run.external_id,
        "output_title": run.output_title, "output_summary": run.output_summary,
        "started_at": time(run.started_at), "completed_at": maybe(run.completed_at),
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

fn release(repo: u64, release: &Release) -> Value {
    json!({
        "id": release.id, "repo_id": repo, "tag_name": release.tag_name, "target_commitish": release.target_commitish,
        "name": release.name, "body": release.body.as_deref().unwrap_or_default(), "draft": flag(release.draft),
        "prerelease": flag(release.prerelease), "author_login": release.author,
        "created_at": time(release.created_at), "published_at": maybe(release.published_at),
    })
}
