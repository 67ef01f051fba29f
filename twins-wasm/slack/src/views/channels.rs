//! Conversations: channels in full, direct ones with who is on the other side.

use serde_json::{Map, Value, json};

use super::object;
use crate::state::{Channel, Heading, Kind, State};

/// A conversation as the caller sees it.
pub(crate) fn channel(state: &State, channel: &Channel, viewer: &str) -> Value {
    if channel.kind == Kind::Direct { direct(state, channel, viewer) } else { full(state, channel, viewer) }
}

/// The same with what only single reads show: `last_read` of a member, and the number of members.
pub(crate) fn detailed(state: &State, of: &Channel, viewer: &str, counted: bool) -> Value {
    let mut value = object(channel(state, of, viewer));
    if let Some(member) = state.members.get(&(of.id.clone(), viewer.to_owned())) {
        let last_read = member.last_read.map_or_else(|| "0000000000.000000".to_owned(), |ts| ts.to_string());
        value.insert("last_read".to_owned(), last_read.into());
        if of.kind.is_direct() {
            value.insert("is_open".to_owned(), (!member.closed).into());
        }
    }
    if counted {
        value.insert("num_members".to_owned(), state.member_count(&of.id).into());
    }
    Value::Object(value)
}

fn heading(of: &Heading) -> Value {
    json!({ "value": of.value, "creator": of.creator, "last_set": of.last_set })
}

fn team_id(state: &State) -> String {
    state.team.get().as_ref().map(|team| team.id.clone()).unwrap_or_default()
}

fn full(state: &State, channel: &Channel, viewer: &str) -> Value {
    let team = team_id(state);
    let private = channel.kind != Kind::Public;
    let mut value = json!({
        "id": channel.id,
        "name": channel.name,
        "is_channel": !private,
        "is_group": channel.kind == Kind::Private,
        "is_im": false,
        "is_mpim": channel.kind == Kind::Group,
        "is_private": private,
        "created": channel.created_at.seconds(),
        "is_archived": channel.archived,
        "is_general": channel.is_general(),
        "unlinked": 0,
        "name_normalized": channel.name,
        "is_shared": false,
        "is_org_shared": false,
        "is_pending_ext_shared": false,
        "pending_shared": [],
        "context_team_id": team,
        "updated": channel.updated_at.0,
        "creator": channel.creator,
        "is_ext_shared": false,
        "shared_team_ids": [team],
        "pending_connected_team_ids": [],
        "is_member": state.is_member(&channel.id, viewer),
        "topic": heading(&channel.topic),
        "purpose": heading(&channel.purpose),
        "previous_names": channel.previous_names,
    });
    if let (Some(canvas), Value::Object(members)) = (&channel.canvas, &mut value) {
        let shown = state.canvases.get(canvas).is_some_and(|canvas| !canvas.deleted);
        if shown {
            let canvas = json!({ "file_id": canvas, "is_empty": false, "quip_thread_id": "" });
            members.insert("properties".to_owned(), json!({ "canvas": canvas }));
        }
    }
    value
}

fn direct(state: &State, channel: &Channel, viewer: &str) -> Value {
    // A conversation with oneself has nobody on the other side.
    let other = channel.parties().find(|id| *id != viewer).unwrap_or(viewer);
    let gone = state.users.get(&other.to_owned()).is_some_and(|user| user.deleted);
    let latest = state.messages_of(&channel.id).next_back().map_or(0, |message| message.ts.seconds());
    json!({
        "id": channel.id,
        "created": channel.created_at.seconds(),
        "is_archived": channel.archived,
        "is_im": true,
        "is_org_shared": false,
        "is_private": true,
        "context_team_id": team_id(state),
        "updated": channel.updated_at.0,
        "user": other,
        "is_user_deleted": gone,
        "priority": if latest == 0 { 0.0 } else { 0.1 },
    })
}

/// The few keys by which search results name a channel.
pub(crate) fn short(state: &State, channel: &Channel, viewer: &str) -> Value {
    let mut value = Map::new();
    let mut put = |key: &str, entry: Value| {
        value.insert(key.to_owned(), entry);
    };
    put("id", channel.id.clone().into());
    put("is_channel", (channel.kind == Kind::Public).into());
    put("is_group", (channel.kind == Kind::Private).into());
    put("is_im", (channel.kind == Kind::Direct).into());
    put("is_mpim", (channel.kind == Kind::Group).into());
    put("is_shared", false.into());
    put("is_org_shared", false.into());
    put("is_ext_shared", false.into());
    put("is_private", (channel.kind != Kind::Public).into());
    // A direct conversation is named by the user on the other side.
    let name = match channel.kind {
        Kind::Direct => channel.parties().find(|id| *id != viewer).unwrap_or(viewer).to_owned(),
        _ => channel.name.clone(),
    };
    put("name", name.into());
    put("pending_shared", json!([]));
    put("is_pending_ext_shared", false.into());
    let other = channel.parties().find(|id| *id != viewer).unwrap_or(viewer);
    if channel.kind == Kind::Direct && state.users.contains(&other.to_owned()) {
        put("user", other.into());
    }
    Value::Object(value)
}
