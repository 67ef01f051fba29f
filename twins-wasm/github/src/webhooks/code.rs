//! Pushes, branches, tags, and what is reported of commits.

use serde_json::{Value, json};

use super::Found;
use crate::actions::commit_comments;
use crate::git::{Oid, Signature, Status};
use crate::state::Repo;
use crate::views::check_runs::CheckRunView;
use crate::views::check_suites::CheckSuiteView;
use crate::views::commits::{CommitView, date, user_of};
use crate::views::events::value;
use crate::views::statuses::StatusView;
use crate::views::workflows::{job, run, workflow};
use crate::views::{HTML, Site};

/// At most so many commits of one push are shown, as the vendor does.
const COMMITS_SHOWN: usize = 2048;

pub(super) fn find(found: &mut Found<'_>) {
    pushes(found);
    statuses(found);
    remarks(found);
    checks(found);
    workflows(found);
}

fn pushes(found: &mut Found<'_>) {
    let site = found.site;
    for ((repo, name), before, after) in site.state.refs.pending() {
        let Some(repo) = found.heard(*repo) else { continue };
        let (short, kind) = match (name.strip_prefix("refs/heads/"), name.strip_prefix("refs/tags/")) {
            (Some(branch), _) => (branch, "branch"),
            (_, Some(tag)) => (tag, "tag"),
            (None, None) => continue,
        };
        let (old, new) = (before.map(|row| row.oid), after.map(|row| row.oid));
        if old == new {
            continue;
        }
        found.say(repo.id, "push", None, push(site, repo, name, old, new));
        if old.is_none() {
            let payload = json!({
                "ref": short, "ref_type": kind, "master_branch": repo.default_branch, "description": repo.description,
                "pusher_type": "user",
            });
            found.say(repo.id, "create", None, payload);
        } else if new.is_none() {
            found.say(repo.id, "delete", None, json!({ "ref": short, "ref_type": kind, "pusher_type": "user" }));
        }
    }
}

pub(super) fn push(site: Site<'_>, repo: &Repo, name: &str, old: Option<Oid>, new: Option<Oid>) -> Value {
    let objects = &site.state.git.objects;
    let zero = "0".repeat(40);
    let text = |oid: Option<Oid>| oid.map_or_else(|| zero.clone(), |oid| oid.hex());
    let short = |oid: Oid| oid.hex().get(..12).unwrap_or_default().to_owned();
    // What a new branch adds to the default one; a tag may name an object that is no commit.
    let from = old.or_else(|| site.state.head(repo).filter(|head| Some(*head) != new));
    let commits = match (from, new) {
        (Some(from), Some(new)) => objects.compare(from, new).map(|compared| compared.commits).unwrap_or_default(),
        (None, Some(new)) => {
            let mut all: Vec<Oid> = objects.log(new).map(Iterator::collect).unwrap_or_default();
            all.reverse();
            all
        }
        (_, None) => Vec::new(),
    };
    let forced = match (old, new) {
        (Some(old), Some(new)) => !objects.is_ancestor(old, new).unwrap_or(true),
        _ => false,
    };
    let page = format!("{HTML}/{}", repo.full_name());
    let compare = match (old, new) {
        (Some(old), Some(new)) => format!("{page}/compare/{}...{}", short(old), short(new)),
        (None, Some(_)) => {
            format!("{page}/compare/{}", name.trim_start_matches("refs/heads/").trim_start_matches("refs/"))
        }
        (old, None) => format!("{page}/compare/{}...000000000000", old.map(short).unwrap_or_default()),
    };
    let shown: Vec<Value> = commits.iter().take(COMMITS_SHOWN).filter_map(|oid| pushed(site, repo, *oid)).collect();
    let pusher = site.state.user(site.viewer).map(crate::state::User::commit_email);
    let mut row = super::repository(site, repo);
    // Pushes write some times as seconds and name the owner as committers are named.
    row["created_at"] = (repo.created_at.0 / 1000).into();
    row["pushed_at"] = (repo.pushed_at.0 / 1000).into();
    row["stargazers"] = row["stargazers_count"].clone();
    row["master_branch"] = repo.default_branch.clone().into();
    row["owner"]["name"] = repo.owner.clone().into();
    row["owner"]["email"] = json!(site.state.user(&repo.owner).and_then(|owner| owner.email.clone()));
    if site.state.organization(&repo.owner).is_some() {
        row["organization"] = repo.owner.clone().into();
    }
    json!({
        "ref": name,
        "before": text(old),
        "after": text(new),
        "repository": row,
        "pusher": { "name": site.viewer, "email": pusher },
        "created": old.is_none(),
        "deleted": new.is_none(),
        "forced": forced,
        "base_ref": null,
        "compare": compare,
        "commits": shown,
        "head_commit": new.and_then(|oid| pushed(site, repo, oid)),
    })
}

/// A commit as pushes show it.
fn pushed(site: Site<'_>, repo: &Repo, oid: Oid) -> Option<Value> {
    let objects = &site.state.git.objects;
    let commit = objects.commit(oid).ok()?;
    let person = |who: &Signature| {
        let mut row = json!({ "name": who.name, "email": who.email, "date": date(who) });
        if let Some(user) = user_of(site.state, who) {
            row["username"] = user.login.as_str().into();
        }
        row
    };
    let changes = objects.changes_of(oid).unwrap_or_default();
    let paths = |wanted: &dyn Fn(Status) -> bool| {
        changes.iter().filter(|change| wanted(change.status)).map(|change| change.path.clone()).collect::<Vec<_>>()
    };
    let mut removed = paths(&|status| status == Status::Removed);
    // A file that moved is gone where it was and new where it is.
    let moved = changes.iter().filter(|change| change.status == Status::Renamed);
    removed.extend(moved.filter_map(|change| change.previous_path.clone()));
    Some(json!({
        "id": oid,
        "tree_id": commit.tree,
        "distinct": true,
        "message": commit.message,
        "timestamp": date(&commit.committer),
        "url": format!("{HTML}/{}/commit/{oid}", repo.full_name()),
        "author": person(&commit.author),
        "committer": person(&commit.committer),
        "added": paths(&|status| matches!(status, Status::Added | Status::Renamed)),
        "removed": removed,
        "modified": paths(&|status| matches!(status, Status::Modified | Status::Changed)),
    }))
}

fn statuses(found: &mut Found<'_>) {
    let site = found.site;
    for ((repo, _), before, after) in site.state.statuses.pending() {
        let (Some(repo), None, Some(status)) = (found.heard(*repo), before, after) else { continue };
        let mut payload = value(StatusView { site, repo, status, creator: false });
        if let Some(members) = payload.as_object_mut() {
            members.remove("url");
            members.remove("node_id");
        }
        let api = format!("{}/repos/{}", site.api, repo.full_name());
        let at = site.state.refs_of(repo.id, "refs/heads/").filter(|(_, branch)| branch.oid == status.sha);
        let branches: Vec<Value> = at
            .map(|(name, branch)| {
                json!({
                    "name": name.trim_start_matches("refs/heads/"),
                    "commit": { "sha": branch.oid, "url": format!("{api}/commits/{}", branch.oid) },
                    "protected": false,
                })
            })
            .collect();
        payload["sha"] = json!(status.sha);
        payload["name"] = repo.full_name().into();
        payload["commit"] = value(CommitView { site, repo, oid: status.sha });
        payload["branches"] = branches.into();
        found.say(repo.id, "status", None, payload);
    }
}

/// Comments on commits.
fn remarks(found: &mut Found<'_>) {
    let site = found.site;
    for (id, before, after) in site.state.activity.commit_comments.pending() {
        let (None, Some(comment)) = (before, after) else { continue };
        if let (Some(repo), Some(row)) = (found.heard(comment.repo), commit_comments::view(site, *id)) {
            found.say(repo.id, "commit_comment", Some("created"), json!({ "comment": row }));
        }
    }
}

/// Takes members off an object.
fn without(mut row: Value, names: &[&str]) -> Value {
    if let Some(members) = row.as_object_mut() {
        members.retain(|name, _| !names.contains(&name.as_str()));
    }
    row
}

/// What suites show on their own, but not inside a run.
const OF_SUITES_ALONE: &[&str] =
    &["check_runs_url", "head_commit", "latest_check_runs_count", "rerequestable", "runs_rerequestable"];

/// A repository inside a workflow run: what it is called and where its parts are.
fn named(mut row: Value) -> Value {
    let basic = ["id", "node_id", "name", "full_name", "private", "owner", "html_url", "description", "fork", "url"];
    let clones = ["git_url", "ssh_url", "clone_url", "svn_url", "mirror_url"];
    if let Some(members) = row.as_object_mut() {
        members.retain(|name, _| {
            basic.contains(&name.as_str()) || (name.ends_with("_url") && !clones.contains(&name.as_str()))
        });
    }
    row
}

fn checks(found: &mut Found<'_>) {
    let site = found.site;
    let state = site.state;
    for ((repo, _), before, after) in state.check_suites.pending() {
        let (Some(repo), Some(suite)) = (found.heard(*repo), after) else { continue };
        if before.is_none_or(|old| !old.rerequested && suite.rerequested) {
            let action = if before.is_none() { "requested" } else { "rerequested" };
            let suite = without(value(CheckSuiteView { site, repo, suite }), &["repository"]);
            let payload = json!({ "check_suite": suite });
            found.say(repo.id, "check_suite", Some(action), payload);
        }
    }
    for ((repo, _), before, after) in state.check_runs.pending() {
        let (Some(repo), Some(run)) = (found.heard(*repo), after) else { continue };
        let suite = state.check_suites.get(&(repo.id, run.suite));
        let suite = suite.map(|suite| without(value(CheckSuiteView { site, repo, suite }), &["repository"]));
        let mut row = value(CheckRunView { site, repo, run });
        if let Some(suite) = &suite {
            row["check_suite"] = without(suite.clone(), OF_SUITES_ALONE);
        }
        if before.is_none() {
            found.say(repo.id, "check_run", Some("created"), json!({ "check_run": row }));
        }
        let done = run.status == "completed";
        if done && before.is_none_or(|old| old.status != "completed") {
            found.say(repo.id, "check_run", Some("completed"), json!({ "check_run": row }));
            // The last one of a suite ends it.
            if let Some(suite) = suite.filter(|suite| suite["status"] == "completed") {
                found.say(repo.id, "check_suite", Some("completed"), json!({ "check_suite": suite }));
            }
        }
    }
}

fn workflows(found: &mut Found<'_>) {
    let site = found.site;
    let state = site.state;
    for ((repo, _), before, after) in state.workflow_runs.pending() {
        let (Some(repo), Some(row)) = (found.heard(*repo), after) else { continue };
        let again = before.is_none_or(|old| old.attempt != row.attempt);
        let action = match row.status.as_str() {
            _ if again => "requested",
            status if before.is_some_and(|old| old.status == status) => continue,
            "in_progress" => "in_progress",
            "completed" => "completed",
            _ => continue,
        };
        let of = state.workflows_of(repo).into_iter().find(|of| of.id == row.workflow);
        let of = of.map(|of| workflow(site, repo, &of));
        let mut shown = run(site, repo, row, true);
        for member in ["repository", "head_repository"] {
            shown[member] = named(shown[member].take());
        }
        let payload = json!({ "workflow_run": shown, "workflow": of });
        found.say(repo.id, "workflow_run", Some(action), payload);
    }
    for ((repo, _), before, after) in state.jobs.pending() {
        let (Some(repo), Some(row)) = (found.heard(*repo), after) else { continue };
        let Some(of) = state.workflow_runs.get(&(repo.id, row.run)) else { continue };
        let action = match row.status.as_str() {
            _ if before.is_none() => "queued",
            status if before.is_some_and(|old| old.status == status) => continue,
            "in_progress" => "in_progress",
            "completed" => "completed",
            _ => continue,
        };
        found.say(repo.id, "workflow_job", Some(action), json!({ "workflow_job": job(site, repo, of, row) }));
    }
}
