//! Small things that are listed: bookmarks, user groups, reminders.

use serde_json::{Value, json};

use crate::state::{Bookmark, Reminder, Usergroup};

pub(crate) fn bookmark(of: &Bookmark) -> Value {
    json!({
        "id": of.id,
        "channel_id": of.channel,
        "title": of.title,
        "link": of.link,
        "emoji": of.emoji,
        "icon_url": "",
        "type": of.kind,
        "entity_id": of.entity,
        "date_created": of.created_at.seconds(),
        "date_updated": of.updated_at.seconds(),
        "rank": "",
        "last_updated_by_user_id": of.changed_by,
        "last_updated_by_team_id": "",
        "shortcut_id": "",
        "app_id": "",
        "app_action_id": "",
    })
}

/// A user group, with its members and their number where they were asked for.
pub(crate) fn usergroup(of: &Usergroup, team: &str, users: bool, count: bool) -> Value {
    let mut value = super::object(json!({
        "id": of.id,
        "team_id": team,
        "is_usergroup": true,
        "is_subteam": true,
        "name": of.name,
        "description": of.description,
        "handle": of.handle,
        "is_external": false,
        "date_create": of.created_at.seconds(),
        "date_update": of.updated_at.seconds(),
        "date_delete": of.disabled_at.map_or(0, pome_twin_kit::clock::Time::seconds),
        "auto_provision": false,
        "enterprise_subteam_id": "",
        "created_by": of.by,
        "updated_by": of.changed_by,
        "prefs": { "channels": of.channels, "groups": [] },
    }));
    if of.disabled_at.is_some() {
        value.insert("deleted_by".to_owned(), of.changed_by.clone().into());
    }
    if users {
        value.insert("users".to_owned(), json!(of.users));
    }
    if count {
        value.insert("user_count".to_owned(), of.users.len().into());
    }
    Value::Object(value)
}

pub(crate) fn reminder(of: &Reminder) -> Value {
    let mut value = super::object(json!({
        "id": of.id, "creator": of.creator, "user": of.user, "text": of.text, "recurring": of.recurring,
    }));
    // A recurring reminder has no one time and cannot be completed.
    if !of.recurring {
        value.insert("time".to_owned(), of.time.into());
        value.insert("complete_ts".to_owned(), of.completed_at.map_or(0, pome_twin_kit::clock::Time::seconds).into());
    }
    Value::Object(value)
}
