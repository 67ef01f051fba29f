//! Who is calling, what they see and where they may write.

use pome_twin_kit::Cx;
use serde_json::{Map, Value};

use crate::Slack;
use crate::error::{Error, refuse};
use crate::state::{Channel, ChannelId, DEFAULT_LOGIN, DEFAULT_USER, Heading, Kind, Member, User, UserId};
use crate::ts::Ts;

/// Who is calling.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    pub(crate) id: UserId,
    pub(crate) is_bot: bool,
    pub(crate) is_admin: bool,
    /// `None` is what tokens usually have.
    pub(crate) scopes: Option<Vec<String>>,
}

impl Actor {
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        match &self.scopes {
            Some(scopes) => scopes.iter().any(|own| own == scope),
            None => crate::scopes::is_usual(scope),
        }
    }
}

/// The token's claims.
fn claims(cx: &Cx<'_, Slack>) -> Map<String, Value> {
    serde_json::from_slice(&cx.caller.claims).unwrap_or_default()
}

/// The upload that a credential of an upload address is for; such a credential is good for nothing else.
pub(crate) fn upload_of(cx: &Cx<'_, Slack>) -> Option<String> {
    claims(cx).get("upload").and_then(Value::as_str).map(str::to_owned)
}

/// The caller: by the `login` of the token, as an id, a handle or an address.
pub(crate) fn actor(cx: &Cx<'_, Slack>) -> Result<Actor, Error> {
    let user = match cx.caller.login.as_deref().filter(|login| !login.is_empty()) {
        Some(login) => cx.state.user(login),
        None => cx.state.user(DEFAULT_LOGIN).or_else(|| cx.state.user(DEFAULT_USER)),
    };
    let Some(user) = user else {
        return refuse(if cx.state.team.get().is_some() { "user_not_found" } else { "team_not_found" });
    };
    if user.deleted {
        return refuse("account_inactive");
    }
    if cx.state.revoked.contains(&user.id) {
        return refuse("token_revoked");
    }
    let claimed = claims(cx).get("scopes").or(claims(cx).get("scope")).and_then(|scopes| match scopes {
        Value::String(text) => {
            Some(text.split([',', ' ']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect())
        }
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    });
    let scopes = claimed.or_else(|| user.scopes.clone());
    Ok(Actor { id: user.id.clone(), is_bot: user.is_bot, is_admin: user.is_admin, scopes })
}

/// A channel that the caller can see, by id, name or `#name`; what they cannot see does not exist for them.
pub(crate) fn channel(cx: &Cx<'_, Slack>, actor: &Actor, wanted: Option<&str>) -> Result<Channel, Error> {
    let wanted = wanted.unwrap_or_default();
    let name = wanted.strip_prefix('#').unwrap_or(wanted);
    if name.is_empty() {
        return refuse("channel_not_found");
    }
    let by_id = cx.state.channels.get(&wanted.to_owned());
    let named = |channel: &&Channel| channel.name == name && !channel.kind.is_direct();
    let found = by_id.filter(|channel| cx.state.is_visible(channel, &actor.id)).or_else(|| {
        let mut visible = cx.state.channels.values().filter(|channel| cx.state.is_visible(channel, &actor.id));
        visible.find(named)
    });
    found.cloned().ok_or_else(|| Error::new("channel_not_found"))
}

/// A channel whose messages the caller may read: bots only where they are members.
pub(crate) fn readable(cx: &Cx<'_, Slack>, actor: &Actor, wanted: Option<&str>) -> Result<Channel, Error> {
    let channel = channel(cx, actor, wanted)?;
    if actor.is_bot {
        member(cx, actor, &channel)?;
    }
    Ok(channel)
}

/// `not_in_channel` unless the caller is a member.
pub(crate) fn member(cx: &Cx<'_, Slack>, actor: &Actor, channel: &Channel) -> Result<(), Error> {
    if cx.state.is_member(&channel.id, &actor.id) { Ok(()) } else { refuse("not_in_channel") }
}

/// `is_archived` for what cannot be written to any more.
pub(crate) fn open(channel: &Channel) -> Result<(), Error> {
    if channel.archived { refuse("is_archived") } else { Ok(()) }
}

/// Members may post; in public channels also those whose token has `chat:write.public`.
pub(crate) fn may_post(cx: &Cx<'_, Slack>, actor: &Actor, channel: &Channel) -> Result<(), Error> {
    if channel.kind == Kind::Public && actor.has_scope("chat:write.public") {
        return Ok(());
    }
    member(cx, actor, channel)
}

/// Where a message goes: a channel, or a user by id, who is written to directly.
pub(crate) fn destination(cx: &mut Cx<'_, Slack>, actor: &Actor, wanted: Option<&str>) -> Result<Channel, Error> {
    let missing = match channel(cx, actor, wanted) {
        Ok(channel) => return Ok(channel),
        Err(error) => error,
    };
    let wanted = wanted.unwrap_or_default();
    let by_handle = wanted.strip_prefix('@').and_then(|name| cx.state.user(name));
    let Some(user) = cx.state.users.get(&wanted.to_owned()).or(by_handle).cloned() else { return Err(missing) };
    if user.deleted {
        return Err(missing);
    }
    if user.is_bot && actor.is_bot {
        return refuse("cannot_dm_bot");
    }
    Ok(direct(cx, actor, &[user.id]).0)
}

/// The direct conversation of the caller with others, and whether it was there.
pub(crate) fn direct(cx: &mut Cx<'_, Slack>, actor: &Actor, others: &[UserId]) -> (Channel, bool) {
    let mut ids: Vec<UserId> = others.to_vec();
    ids.push(actor.id.clone());
    ids.sort();
    ids.dedup();
    let signature = ids.join(",");
    if let Some(channel) = cx.state.direct(&signature).cloned() {
        return (channel, true);
    }
    let kind = if ids.len() > 2 { Kind::Group } else { Kind::Direct };
    (found(cx, kind, &ids, signature, &actor.id), false)
}

/// Makes a direct conversation.
pub(crate) fn found(cx: &mut Cx<'_, Slack>, kind: Kind, ids: &[UserId], signature: String, creator: &str) -> Channel {
    let id: ChannelId = cx.state.id(if kind == Kind::Group { "G" } else { "D" });
    let mut names: Vec<&str> =
        ids.iter().map(|id| cx.state.users.get(id).map_or(id.as_str(), |user| &user.name)).collect();
    names.sort_unstable();
    let now = cx.now();
    let name = if kind == Kind::Group { format!("mpdm-{}-1", names.join("--")) } else { String::new() };
    let purpose = match kind {
        Kind::Group => Heading {
            value: format!("Group messaging with: @{}", names.join(" @")),
            creator: creator.to_owned(),
            last_set: now.seconds(),
        },
        _ => Heading::default(),
    };
    let channel = Channel {
        id: id.clone(),
        kind,
        name,
        previous_names: Vec::new(),
        topic: Heading::default(),
        purpose,
        creator: creator.to_owned(),
        archived: false,
        signature: Some(signature),
        canvas: None,
        created_at: now,
        updated_at: now,
    };
    cx.state.channels.insert(id.clone(), channel.clone());
    for user in ids {
        cx.state.members.insert((id.clone(), user.clone()), Member { joined_at: now, last_read: None, closed: false });
    }
    channel
}

/// A user by id, handle or address; `user_not_found` otherwise.
pub(crate) fn user(cx: &Cx<'_, Slack>, wanted: Option<&str>) -> Result<User, Error> {
    cx.state.user(wanted.unwrap_or_default()).cloned().ok_or_else(|| Error::new("user_not_found"))
}

/// A `ts` argument; `code` when it is none.
pub(crate) fn ts(text: Option<&String>, code: &'static str) -> Result<Ts, Error> {
    text.and_then(|text| Ts::parse(text)).ok_or_else(|| Error::new(code))
}
