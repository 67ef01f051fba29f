//! Repositories themselves: stars, forks, labels, milestones, releases, members, keys and settings.

use pome_twin_kit::clock::Time;
use serde_json::{Value, json};

use super::{Found, repository};
use crate::actions::deploy_keys;
use crate::state::{Label, Permission, Release, Repo, RepoId};
use crate::views::events::value;
use crate::views::labels::LabelView;
use crate::views::milestones::MilestoneView;
use crate::views::orgs::team;
use crate::views::releases::ReleaseView;

pub(super) fn find(found: &mut Found<'_>) {
    stars(found);
    repositories(found);
    labels(found);
    milestones(found);
    releases(found);
    members(found);
    teams(found);
    keys(found);
}

fn stars(found: &mut Found<'_>) {
    for ((repo, _), before, after) in found.site.state.activity.stars.pending() {
        let Some(repo) = found.heard(*repo) else { continue };
        match (before, after) {
            (None, Some(at)) => {
                found.say(repo.id, "star", Some("created"), json!({ "starred_at": at.to_seconds() }));
                // The vendor's older word for a star.
                found.say(repo.id, "watch", Some("started"), json!({}));
            }
            (Some(_), None) => found.say(repo.id, "star", Some("deleted"), json!({ "starred_at": null })),
            _ => {}
        }
    }
}

fn repositories(found: &mut Found<'_>) {
    let site = found.site;
    for (_, before, after) in site.state.repos.pending() {
        let Some(repo) = after else { continue };
        let Some(before) = before else {
            if let Some(parent) = repo.parent.and_then(|parent| found.heard(parent)) {
                let mut forkee = repository(site, repo);
                forkee["public"] = (!repo.private).into();
                found.say(parent.id, "fork", None, json!({ "forkee": forkee }));
            }
            continue;
        };
        if found.heard(repo.id).is_some() {
            settings(found, before, repo);
        }
    }
}

fn settings(found: &mut Found<'_>, before: &Repo, after: &Repo) {
    let mut say = |action: &'static str, more: Value| found.say(after.id, "repository", Some(action), more);
    if before.owner != after.owner {
        let kind = |login: &str| if found.site.state.organization(login).is_some() { "organization" } else { "user" };
        let mut from = json!({});
        from[kind(&before.owner)] = value(crate::views::users::SimpleUser::of(found.site, &before.owner));
        found.say(after.id, "repository", Some("transferred"), json!({ "changes": { "owner": { "from": from } } }));
        return;
    }
    if before.name != after.name {
        say("renamed", json!({ "changes": { "repository": { "name": { "from": before.name } } } }));
    }
    if before.archived != after.archived {
        say(if after.archived { "archived" } else { "unarchived" }, json!({}));
    }
    if before.private != after.private {
        say(if after.private { "privatized" } else { "publicized" }, json!({}));
    }
    let mut changes = json!({});
    if before.description != after.description {
        changes["description"] = json!({ "from": before.description });
    }
    if before.homepage != after.homepage {
        changes["homepage"] = json!({ "from": before.homepage });
    }
    if before.default_branch != after.default_branch {
        changes["default_branch"] = json!({ "from": before.default_branch });
    }
    if before.topics != after.topics {
        changes["topics"] = json!({ "from": before.topics });
    }
    if changes.as_object().is_some_and(|changes| !changes.is_empty()) {
        say("edited", json!({ "changes": changes }));
    }
    if before.private && !after.private {
        found.say(after.id, "public", None, json!({}));
    }
}

/// A label whose name changed is one that went and one that came.
fn labels(found: &mut Found<'_>) {
    let site = found.site;
    let mut gone: Vec<(RepoId, &Label)> = Vec::new();
    let mut new: Vec<(RepoId, &Label)> = Vec::new();
    let mut edited: Vec<(RepoId, &Label, &Label)> = Vec::new();
    for ((repo, _), before, after) in site.state.labels.pending() {
        match (before, after) {
            (Some(old), None) => gone.push((*repo, old)),
            (None, Some(label)) => new.push((*repo, label)),
            (Some(old), Some(label)) => edited.push((*repo, old, label)),
            (None, None) => {}
        }
    }
    if let ([(of, old)], [(repo, label)]) = (gone.as_slice(), new.as_slice())
        && of == repo
    {
        edited.push((*repo, old, label));
        gone.clear();
        new.clear();
    }
    let view = |repo: &Repo, label: &Label| value(LabelView { site, repo, label, score: false });
    for (action, rows) in [("deleted", gone), ("created", new)] {
        for (repo, label) in rows {
            if let Some(repo) = found.heard(repo) {
                found.say(repo.id, "label", Some(action), json!({ "label": view(repo, label) }));
            }
        }
    }
    for (repo, old, label) in edited {
        let Some(repo) = found.heard(repo) else { continue };
        let mut changes = json!({});
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        for (member, was, is) in [
            ("name", old.name.clone(), label.name.clone()),
            ("color", old.color.clone(), label.color.clone()),
            ("description", text(&old.description), text(&label.description)),
        ] {
            if was != is {
                changes[member] = json!({ "from": was });
            }
        }
        if changes.as_object().is_some_and(|changes| !changes.is_empty()) {
            found.say(repo.id, "label", Some("edited"), json!({ "label": view(repo, label), "changes": changes }));
        }
    }
}

fn milestones(found: &mut Found<'_>) {
    let site = found.site;
    for ((repo, _), before, after) in site.state.milestones.pending() {
        let (Some(repo), Some(milestone)) = (found.heard(*repo), after.or(before)) else { continue };
        let row = value(MilestoneView { site, repo, milestone });
        let mut say = |action: &'static str| found.say(repo.id, "milestone", Some(action), json!({ "milestone": row }));
        let (Some(old), Some(new)) = (before, after) else {
            say(if before.is_none() { "created" } else { "deleted" });
            continue;
        };
        if old.open != new.open {
            say(if new.open { "opened" } else { "closed" });
        }
        let mut changes = json!({});
        if old.title != new.title {
            changes["title"] = json!({ "from": old.title });
        }
        if old.description != new.description {
            changes["description"] = json!({ "from": old.description.as_deref().unwrap_or_default() });
        }
        if old.due_on != new.due_on {
            changes["due_on"] = json!({ "from": old.due_on.map(Time::to_seconds) });
        }
        if changes.as_object().is_some_and(|changes| !changes.is_empty()) {
            found.say(repo.id, "milestone", Some("edited"), json!({ "milestone": row, "changes": changes }));
        }
    }
}

fn releases(found: &mut Found<'_>) {
    let site = found.site;
    for ((repo, _), before, after) in site.state.releases.pending() {
        let (Some(repo), Some(release)) = (found.heard(*repo), after.or(before)) else { continue };
        let row = value(ReleaseView { site, repo, release });
        let mut say = |action: &'static str| found.say(repo.id, "release", Some(action), json!({ "release": row }));
        let shown = |release: &Release| !release.draft;
        match (before, after) {
            (_, None) => say("deleted"),
            (None, Some(new)) => {
                say("created");
                if shown(new) {
                    say("published");
                    say(if new.prerelease { "prereleased" } else { "released" });
                }
            }
            (Some(old), Some(new)) => {
                if !shown(old) && shown(new) {
                    say("published");
                    say(if new.prerelease { "prereleased" } else { "released" });
                } else if shown(old) && !shown(new) {
                    say("unpublished");
                } else if old.prerelease && !new.prerelease && shown(new) {
                    say("released");
                }
                let mut changes = json!({});
                for (member, was, is) in [("name", &old.name, &new.name), ("body", &old.body, &new.body)] {
                    if was != is {
                        changes[member] = json!({ "from": was.as_deref().unwrap_or_default() });
                    }
                }
                if old.tag_name != new.tag_name {
                    changes["tag_name"] = json!({ "from": old.tag_name });
                }
                if changes.as_object().is_some_and(|changes| !changes.is_empty()) {
                    found.say(repo.id, "release", Some("edited"), json!({ "release": row, "changes": changes }));
                }
            }
        }
    }
}

/// What the vendor calls a permission in payloads: only three words are known.
const fn coarse(held: Permission) -> &'static str {
    match held {
        Permission::Read | Permission::Triage => "read",
        Permission::Write | Permission::Maintain => "write",
        Permission::Admin => "admin",
    }
}

fn members(found: &mut Found<'_>) {
    for ((repo, _), before, after) in found.site.state.collaborators.pending() {
        let Some(repo) = found.heard(*repo) else { continue };
        let (before, after) = (before.filter(|place| !place.pending), after.filter(|place| !place.pending));
        let (action, place, changes) = match (before, after) {
            (None, Some(new)) => {
                let changes = json!({
                    "permission": { "to": coarse(new.permission) }, "role_name": { "to": new.permission.role() },
                });
                ("added", new, Some(changes))
            }
            (Some(old), None) => ("removed", old, None),
            (Some(old), Some(new)) if old.permission != new.permission => {
                let changes = json!({
                    "old_permission": { "from": coarse(old.permission) },
                    "permission": { "from": coarse(old.permission), "to": coarse(new.permission) },
                });
                ("edited", new, Some(changes))
            }
            _ => continue,
        };
        let mut payload = json!({ "member": found.user(&place.login) });
        if let Some(changes) = changes {
            payload["changes"] = changes;
        }
        found.say(repo.id, "member", Some(action), payload);
    }
}

fn teams(found: &mut Found<'_>) {
    let site = found.site;
    for ((repo, id), before, after) in site.state.accounts.team_repos.pending() {
        let (Some(repo), None, Some(_)) = (found.heard(*repo), before, after) else { continue };
        if let Some(row) = site.state.accounts.teams.get(id) {
            found.say(repo.id, "team_add", None, json!({ "team": team(site, row, None) }));
        }
    }
}

fn keys(found: &mut Found<'_>) {
    let site = found.site;
    for ((repo, _), before, after) in site.state.activity.keys.pending() {
        let Some(repo) = found.heard(*repo) else { continue };
        let (action, key) = match (before, after) {
            (None, Some(key)) => ("created", key),
            (Some(key), None) => ("deleted", key),
            _ => continue,
        };
        found.say(repo.id, "deploy_key", Some(action), json!({ "key": deploy_keys::row_view(site, repo, key) }));
    }
}
