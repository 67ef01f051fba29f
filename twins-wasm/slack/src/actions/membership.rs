//! Who is in a conversation.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Actor, Answer, Cx, Error, Flag, Int, List, Outcome, access, given, is_set, refuse};
use crate::Slack;
use crate::cursor::Page;
use crate::export;
use crate::state::{Channel, Kind, Member};
use crate::views::channels;

/// Ids of the members, in the order in which they joined.
#[derive(Deserialize)]
pub(crate) struct Members {
    channel: Option<String>,
    limit: Option<Int>,
    cursor: Option<String>,
}

impl Action<Slack> for Members {
    const NAME: &'static str = "conversations.members";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel.as_ref()))?;
        let rows = cx.state.members_of(&channel.id);
        let page = Page::new("member", self.limit, 100, 1000, self.cursor.as_ref());
        let (rows, next) = page.cut(rows, |(user, member)| format!("{:015}-{user}", member.joined_at.0))?;
        let ids: Vec<&str> = rows.iter().map(|(user, _)| *user).collect();
        Ok(Answer::ok().with("members", json!(ids)).cursor(&next))
    }
}

/// Members with who they are, as the tool lists them.
#[derive(Deserialize)]
pub(crate) struct Listed {
    channel_id: String,
    limit: Option<Int>,
    cursor: Option<String>,
    response_format: Option<String>,
    include_deleted: Option<Flag>,
    include_bots: Option<Flag>,
}

impl Action<Slack> for Listed {
    const NAME: &'static str = "conversations.members.detailed";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, Some(&self.channel_id))?;
        if channel.kind == Kind::Direct {
            return refuse("method_not_supported_for_channel_type");
        }
        let (deleted, bots) = (is_set(self.include_deleted), is_set(self.include_bots));
        let rows = cx.state.members_of(&channel.id).into_iter();
        let rows = rows.filter_map(|(id, member)| Some((cx.state.users.get(&id.to_owned())?, member.joined_at)));
        let rows = rows.filter(|(user, _)| (deleted || !user.deleted) && (bots || !user.is_bot));
        let page = Page::new("member", self.limit, 30, 30, self.cursor.as_ref());
        let (rows, next) = page.cut(rows, |(user, joined)| format!("{:015}-{}", joined.0, user.id))?;
        let shown: Vec<Value> = rows
            .iter()
            .map(|(user, _)| match self.response_format.as_deref() {
                Some("ids_only") => user.id.clone().into(),
                Some("concise") => json!({ "id": user.id, "name": user.name, "real_name": user.real_name }),
                _ => json!({
                    "id": user.id, "name": user.name, "real_name": user.real_name,
                    "display_name": user.profile_text("display_name"), "title": user.profile_text("title"),
                    "email": user.email, "tz": user.tz, "is_bot": user.is_bot, "is_admin": user.is_admin,
                    "deleted": user.deleted,
                }),
            })
            .collect();
        let answer = Answer::ok().with("channel_id", channel.id).with("members", shown).cursor(&next);
        Ok(answer.with("pagination_info", json!({ "next_cursor": next })))
    }
}

/// Adds users to a channel, all or none unless `force` is set.
#[derive(Deserialize)]
pub(crate) struct Invite {
    channel: Option<String>,
    users: Option<List>,
    force: Option<Flag>,
}

impl Action<Slack> for Invite {
    const NAME: &'static str = "conversations.invite";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel.as_ref()))?;
        if channel.kind.is_direct() {
            return refuse("method_not_supported_for_channel_type");
        }
        access::open(&channel)?;
        access::member(cx, &actor, &channel)?;
        let users = self.users.map(|users| users.0).unwrap_or_default();
        if users.is_empty() {
            return refuse("no_user");
        }
        if users.len() > 1000 {
            return refuse("too_many_users");
        }
        if is_set(self.force) {
            let fits = |user: &String| problem(cx, &actor, &channel, user).is_none();
            let (good, bad): (Vec<String>, Vec<String>) = users.into_iter().partition(fits);
            if good.is_empty() {
                return Err(refused(cx, &actor, &channel, &bad));
            }
            invite(cx, &actor, &channel, &good)?;
        } else {
            invite(cx, &actor, &channel, &users)?;
        }
        Ok(Answer::ok().with("channel", channels::detailed(cx.state, &channel, &actor.id, true)))
    }
}

/// Why a user cannot be added.
fn problem(cx: &Cx<'_>, actor: &Actor, channel: &Channel, wanted: &str) -> Option<&'static str> {
    match cx.state.user(wanted) {
        None => Some("user_not_found"),
        Some(user) if user.id == actor.id => Some("cant_invite_self"),
        Some(user) if user.deleted => Some("user_disabled"),
        Some(user) if cx.state.is_member(&channel.id, &user.id) => Some("already_in_channel"),
        Some(_) => None,
    }
}

/// The refusal for users that cannot be added, each with its reason.
fn refused(cx: &Cx<'_>, actor: &Actor, channel: &Channel, users: &[String]) -> Error {
    let problems: Vec<(&str, &'static str)> =
        users.iter().filter_map(|user| Some((user.as_str(), problem(cx, actor, channel, user)?))).collect();
    let code = problems.first().map_or("user_not_found", |(_, code)| *code);
    let rows: Vec<Value> =
        problems.iter().map(|(user, code)| json!({ "user": user, "ok": false, "error": code })).collect();
    Error::new(code).with("errors", rows)
}

/// Adds users, or none of them.
pub(crate) fn invite(cx: &mut Cx<'_>, actor: &Actor, channel: &Channel, users: &[String]) -> Result<(), Error> {
    if users.iter().any(|user| problem(cx, actor, channel, user).is_some()) {
        return Err(refused(cx, actor, channel, users));
    }
    let row = |cx: &Cx<'_>| {
        let members: Vec<&str> = cx.state.members_of(&channel.id).into_iter().map(|(user, _)| user).collect();
        json!({ "channel_id": channel.id, "members": members })
    };
    let before = row(cx);
    let now = cx.now();
    for wanted in users {
        let id = access::user(cx, Some(wanted))?.id;
        let member = Member { joined_at: now, last_read: None, closed: false };
        cx.state.members.insert((channel.id.clone(), id), member);
    }
    let after = row(cx);
    cx.changed(Some(before), Some(after));
    Ok(())
}

/// Enters a public channel.
#[derive(Deserialize)]
pub(crate) struct Join {
    channel: Option<String>,
}

impl Action<Slack> for Join {
    const NAME: &'static str = "conversations.join";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel.as_ref()))?;
        if channel.kind.is_direct() {
            return refuse("method_not_supported_for_channel_type");
        }
        access::open(&channel)?;
        let shown = |cx: &Cx<'_>| channels::detailed(cx.state, &channel, &actor.id, true);
        if cx.state.is_member(&channel.id, &actor.id) {
            return Ok(Answer::ok().with("channel", shown(cx)).warning("already_in_channel"));
        }
        let member = Member { joined_at: cx.now(), last_read: None, closed: false };
        let row = export::member(&channel.id, &actor.id, &member);
        cx.state.members.insert((channel.id.clone(), actor.id.clone()), member);
        cx.changed(None, Some(row));
        Ok(Answer::ok().with("channel", shown(cx)))
    }
}

fn remove(cx: &mut Cx<'_>, channel: &str, user: &str) {
    let removed = cx.state.members.remove(&(channel.to_owned(), user.to_owned()));
    if let Some(member) = removed {
        cx.changed(Some(export::member(channel, user, &member)), None);
    }
}

/// Leaves a channel.
#[derive(Deserialize)]
pub(crate) struct Leave {
    channel: Option<String>,
}

impl Action<Slack> for Leave {
    const NAME: &'static str = "conversations.leave";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel.as_ref()))?;
        if channel.kind.is_direct() {
            return refuse("method_not_supported_for_channel_type");
        }
        if channel.is_general() {
            return refuse("cant_leave_general");
        }
        access::open(&channel)?;
        if !cx.state.is_member(&channel.id, &actor.id) {
            return Ok(Answer::ok().with("not_in_channel", true));
        }
        if channel.kind == Kind::Private && cx.state.member_count(&channel.id) == 1 {
            return refuse("last_member");
        }
        remove(cx, &channel.id, &actor.id);
        Ok(Answer::ok())
    }
}

/// Puts somebody else out of a channel.
#[derive(Deserialize)]
pub(crate) struct Kick {
    channel: Option<String>,
    user: Option<String>,
}

impl Action<Slack> for Kick {
    const NAME: &'static str = "conversations.kick";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel.as_ref()))?;
        if channel.kind.is_direct() {
            return refuse("method_not_supported_for_channel_type");
        }
        if channel.is_general() {
            return refuse("cant_kick_from_general");
        }
        let user = access::user(cx, given(self.user.as_ref()))?;
        if user.id == actor.id {
            return refuse("cant_kick_self");
        }
        access::member(cx, &actor, &channel)?;
        if !cx.state.is_member(&channel.id, &user.id) {
            return refuse("not_in_channel");
        }
        remove(cx, &channel.id, &user.id);
        Ok(Answer::ok())
    }
}
