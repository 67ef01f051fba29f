//! Groups of users with one handle.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::{Value, json};

use super::conversations::valid_name;
use super::{Answer, Cx, Error, Flag, List, Outcome, access, given, is_set, refuse};
use crate::Slack;
use crate::export;
use crate::state::{State, Usergroup};
use crate::views::lists;

fn team_id(state: &State) -> String {
    state.team.get().as_ref().map(|team| team.id.clone()).unwrap_or_default()
}

fn is_taken(state: &State, handle: &str, but: &str) -> bool {
    let group = state.usergroups.values().any(|group| group.handle == handle && group.id != but);
    group || state.users.values().any(|user| user.name == handle)
}

/// Makes a group.
#[derive(Deserialize)]
pub(crate) struct Create {
    name: Option<String>,
    handle: Option<String>,
    description: Option<String>,
    channels: Option<List>,
    include_count: Option<Flag>,
}

impl Action<Slack> for Create {
    const NAME: &'static str = "usergroups.create";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let name = given(self.name.as_ref()).ok_or_else(|| Error::missing("name"))?.to_owned();
        if cx.state.usergroups.values().any(|group| group.name == name) {
            return refuse("name_already_exists");
        }
        let handle = self.handle.filter(|handle| !handle.is_empty());
        let handle = handle.unwrap_or_else(|| name.to_lowercase().replace(' ', "-"));
        valid_name(&handle).map_err(|_| Error::new("invalid_handle"))?;
        if is_taken(cx.state, &handle, "") {
            return refuse("handle_already_exists");
        }
        let mut channels = Vec::new();
        for channel in self.channels.map(|channels| channels.0).unwrap_or_default() {
            channels.push(access::channel(cx, &actor, Some(&channel))?.id);
        }
        let row = Usergroup {
            id: cx.state.id("S"),
            name,
            handle,
            description: self.description.unwrap_or_default(),
            users: Vec::new(),
            channels,
            by: actor.id.clone(),
            changed_by: actor.id,
            disabled_at: None,
            created_at: cx.now(),
            updated_at: cx.now(),
        };
        cx.changed(None, Some(export::usergroup(&row)));
        let shown = lists::usergroup(&row, &team_id(cx.state), true, is_set(self.include_count));
        cx.state.usergroups.insert(row.id.clone(), row);
        Ok(Answer::ok().with("usergroup", shown))
    }
}

/// Groups, with what was asked for of each.
#[derive(Deserialize)]
pub(crate) struct Groups {
    include_users: Option<Flag>,
    include_count: Option<Flag>,
    include_disabled: Option<Flag>,
}

impl Action<Slack> for Groups {
    const NAME: &'static str = "usergroups.list";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        access::actor(cx)?;
        let team = team_id(cx.state);
        let all = cx.state.usergroups.values();
        let rows = all.filter(|group| is_set(self.include_disabled) || group.disabled_at.is_none());
        let shown: Vec<Value> = rows
            .map(|group| lists::usergroup(group, &team, is_set(self.include_users), is_set(self.include_count)))
            .collect();
        Ok(Answer::ok().with("usergroups", shown))
    }
}

/// Changes a group and shows it.
fn change(
    cx: &mut Cx<'_>,
    id: Option<&String>,
    count: bool,
    change: impl FnOnce(&mut Cx<'_>, &mut Usergroup) -> Result<(), Error>,
) -> Outcome {
    let actor = access::actor(cx)?;
    let id = given(id).ok_or_else(|| Error::missing("usergroup"))?.to_owned();
    let Some(before) = cx.state.usergroups.get(&id).cloned() else { return refuse("no_such_subteam") };
    let mut row = before.clone();
    change(cx, &mut row)?;
    row.changed_by = actor.id;
    row.updated_at = cx.now();
    cx.changed(Some(export::usergroup(&before)), Some(export::usergroup(&row)));
    let shown = lists::usergroup(&row, &team_id(cx.state), true, count);
    cx.state.usergroups.insert(id, row);
    Ok(Answer::ok().with("usergroup", shown))
}

/// Gives a group another name, handle or description.
#[derive(Deserialize)]
pub(crate) struct Update {
    usergroup: Option<String>,
    name: Option<String>,
    handle: Option<String>,
    description: Option<String>,
    channels: Option<List>,
    include_count: Option<Flag>,
}

impl Action<Slack> for Update {
    const NAME: &'static str = "usergroups.update";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let count = is_set(self.include_count);
        let (name, handle, description, channels) = (self.name, self.handle, self.description, self.channels);
        change(cx, self.usergroup.as_ref(), count, |cx, row| {
            if let Some(handle) = handle.filter(|handle| !handle.is_empty()) {
                valid_name(&handle).map_err(|_| Error::new("invalid_handle"))?;
                if is_taken(cx.state, &handle, &row.id) {
                    return refuse("handle_already_exists");
                }
                row.handle = handle;
            }
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                if cx.state.usergroups.values().any(|group| group.name == name && group.id != row.id) {
                    return refuse("name_already_exists");
                }
                row.name = name;
            }
            if let Some(description) = description {
                row.description = description;
            }
            if let Some(channels) = channels {
                row.channels = channels.0;
            }
            Ok(())
        })
    }
}

/// Takes a group out of use.
#[derive(Deserialize)]
pub(crate) struct Disable {
    usergroup: Option<String>,
    include_count: Option<Flag>,
}

impl Action<Slack> for Disable {
    const NAME: &'static str = "usergroups.disable";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        change(cx, self.usergroup.as_ref(), is_set(self.include_count), |cx, row| {
            if row.disabled_at.is_some() {
                return refuse("already_disabled");
            }
            row.disabled_at = Some(cx.now());
            Ok(())
        })
    }
}

/// Puts a group back into use.
#[derive(Deserialize)]
pub(crate) struct Enable {
    usergroup: Option<String>,
    include_count: Option<Flag>,
}

impl Action<Slack> for Enable {
    const NAME: &'static str = "usergroups.enable";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        change(cx, self.usergroup.as_ref(), is_set(self.include_count), |_, row| {
            if row.disabled_at.is_none() {
                return refuse("already_enabled");
            }
            row.disabled_at = None;
            Ok(())
        })
    }
}

/// Ids of a group's members.
#[derive(Deserialize)]
pub(crate) struct Members {
    usergroup: Option<String>,
    include_disabled: Option<Flag>,
}

impl Action<Slack> for Members {
    const NAME: &'static str = "usergroups.users.list";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        access::actor(cx)?;
        let id = given(self.usergroup.as_ref()).ok_or_else(|| Error::missing("usergroup"))?.to_owned();
        let shown = |group: &&Usergroup| is_set(self.include_disabled) || group.disabled_at.is_none();
        let Some(group) = cx.state.usergroups.get(&id).filter(shown) else { return refuse("no_such_subteam") };
        Ok(Answer::ok().with("users", json!(group.users)))
    }
}

/// Replaces a group's members.
#[derive(Deserialize)]
pub(crate) struct SetMembers {
    usergroup: Option<String>,
    users: Option<List>,
    include_count: Option<Flag>,
}

impl Action<Slack> for SetMembers {
    const NAME: &'static str = "usergroups.users.update";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let users = self.users.map(|users| users.0).unwrap_or_default();
        change(cx, self.usergroup.as_ref(), is_set(self.include_count), |cx, row| {
            if users.is_empty() {
                return refuse("no_users_provided");
            }
            let mut ids = Vec::new();
            for user in &users {
                let user = access::user(cx, Some(user)).map_err(|_| Error::new("invalid_users"))?;
                if !ids.contains(&user.id) {
                    ids.push(user.id);
                }
            }
            row.users = ids;
            Ok(())
        })
    }
}
