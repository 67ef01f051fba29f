//! Conversations themselves: finding, making, renaming, archiving, opening and closing them.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Actor, Answer, Cx, Error, Flag, Int, List, Outcome, access, given, is_set, refuse};
use crate::Slack;
use crate::cursor::Page;
use crate::export;
use crate::state::{Channel, Heading, Kind, Member, State};
use crate::ts::Ts;
use crate::views::channels;

/// The kinds that `types` asks for; public channels when it says nothing.
pub(crate) fn kinds(types: Option<&List>) -> Result<Vec<Kind>, Error> {
    let words = types.map(|types| types.0.as_slice()).unwrap_or_default();
    if words.is_empty() {
        return Ok(vec![Kind::Public]);
    }
    words.iter().map(|word| Kind::parse(word).ok_or_else(|| Error::new("invalid_types"))).collect()
}

/// The key by which channels are paged: age, then id.
fn age(channel: &Channel) -> String {
    format!("{:015}-{}", channel.created_at.0, channel.id)
}

/// Conversations that the caller can see.
#[derive(Deserialize)]
pub(crate) struct List_ {
    types: Option<List>,
    exclude_archived: Option<Flag>,
    limit: Option<Int>,
    cursor: Option<String>,
}

/// What a list of conversations is cut down to.
struct Listing<'a> {
    kinds: Vec<Kind>,
    exclude_archived: bool,
    /// Only those that this user is in.
    of: Option<&'a str>,
}

fn listed<'a>(state: &'a State, actor: &Actor, listing: &Listing<'_>) -> Vec<&'a Channel> {
    let mut rows = state.channels_by_age();
    rows.retain(|channel| {
        let own = state.members.get(&(channel.id.clone(), actor.id.clone()));
        listing.kinds.contains(&channel.kind)
            && !(listing.exclude_archived && channel.archived)
            && state.is_visible(channel, &actor.id)
            && listing.of.is_none_or(|user| state.is_member(&channel.id, user))
            // A direct conversation that was closed is not shown until somebody writes.
            && !(channel.kind.is_direct() && own.is_some_and(|own| own.closed))
    });
    rows
}

impl Action<Slack> for List_ {
    const NAME: &'static str = "conversations.list";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let kinds = kinds(self.types.as_ref())?;
        let listing = Listing { kinds, exclude_archived: is_set(self.exclude_archived), of: None };
        let rows = listed(cx.state, &actor, &listing);
        let page = Page::new("channel", self.limit, 100, 1000, self.cursor.as_ref());
        let (rows, next) = page.cut(rows, |row| age(row))?;
        let shown: Vec<Value> = rows.into_iter().map(|channel| counted(cx.state, channel, &actor)).collect();
        Ok(Answer::ok().with("channels", shown).cursor(&next))
    }
}

/// A conversation with the number of its members, which direct ones do not have.
fn counted(state: &State, channel: &Channel, actor: &Actor) -> Value {
    let mut value = channels::channel(state, channel, &actor.id);
    if let (false, Value::Object(members)) = (channel.kind == Kind::Direct, &mut value) {
        members.insert("num_members".to_owned(), state.member_count(&channel.id).into());
    }
    value
}

/// Conversations of a user, as far as the caller can see them.
#[derive(Deserialize)]
pub(crate) struct OfUser {
    user: Option<String>,
    types: Option<List>,
    exclude_archived: Option<Flag>,
    limit: Option<Int>,
    cursor: Option<String>,
}

impl Action<Slack> for OfUser {
    const NAME: &'static str = "users.conversations";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let kinds = kinds(self.types.as_ref())?;
        let user = match given(self.user.as_ref()) {
            Some(user) => access::user(cx, Some(user))?.id,
            None => actor.id.clone(),
        };
        let listing = Listing { kinds, exclude_archived: is_set(self.exclude_archived), of: Some(&user) };
        let rows = listed(cx.state, &actor, &listing);
        let page = Page::new("channel", self.limit, 100, 1000, self.cursor.as_ref());
        let (rows, next) = page.cut(rows, |row| age(row))?;
        // Whether the caller is a member is no part of this list.
        let shown = rows.into_iter().map(|row| crate::views::object(channels::channel(cx.state, row, &actor.id)));
        let shown: Vec<Value> = shown
            .map(|mut row| {
                row.shift_remove("is_member");
                Value::Object(row)
            })
            .collect();
        Ok(Answer::ok().with("channels", shown).cursor(&next))
    }
}

/// Channels by name, topic or purpose: what the tool searches.
#[derive(Deserialize)]
pub(crate) struct Find {
    pub(crate) query: String,
    pub(crate) channel_types: Option<List>,
    pub(crate) limit: Option<Int>,
    pub(crate) cursor: Option<String>,
    pub(crate) include_archived: Option<Flag>,
    pub(crate) response_format: Option<String>,
}

impl Action<Slack> for Find {
    const NAME: &'static str = "conversations.search";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let kinds = kinds(self.channel_types.as_ref())?;
        let listing = Listing { kinds, exclude_archived: !is_set(self.include_archived), of: None };
        let query = self.query.trim().trim_start_matches('#').to_lowercase();
        let mut rows = listed(cx.state, &actor, &listing);
        let says = |text: &str| text.to_lowercase().contains(&query);
        rows.retain(|row| says(&row.name) || says(&row.topic.value) || says(&row.purpose.value));
        let page = Page::new("channel", self.limit, 20, 20, self.cursor.as_ref());
        let (rows, next) = page.cut(rows, |row| age(row))?;
        let concise = self.response_format.as_deref() == Some("concise");
        let site = cx.state.team.get().as_ref().map(crate::state::Team::site).unwrap_or_default();
        let shown: Vec<Value> = rows
            .into_iter()
            .map(|row| {
                if concise {
                    return json!({ "id": row.id, "name": row.name });
                }
                let mut value = counted(cx.state, row, &actor);
                if let Value::Object(members) = &mut value {
                    members.insert("permalink".to_owned(), format!("{site}/archives/{}", row.id).into());
                }
                value
            })
            .collect();
        let answer = Answer::ok().with("channels", shown).cursor(&next);
        Ok(answer.tool("pagination_info", json!({ "next_cursor": next })))
    }
}

/// One conversation.
#[derive(Deserialize)]
pub(crate) struct Info {
    channel: Option<String>,
    include_locale: Option<Flag>,
    include_num_members: Option<Flag>,
}

impl Action<Slack> for Info {
    const NAME: &'static str = "conversations.info";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel.as_ref()))?;
        // The vendor leaves the number out unless it is asked for; leaving it in breaks nobody.
        let counted = is_set(self.include_num_members) || channel.kind != Kind::Direct;
        let mut value = channels::detailed(cx.state, &channel, &actor.id, counted);
        if let (true, Value::Object(members)) = (is_set(self.include_locale), &mut value) {
            members.insert("locale".to_owned(), "en-US".into());
        }
        Ok(Answer::ok().with("channel", value))
    }
}

/// What the vendor says of a channel name.
pub(crate) fn valid_name(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return refuse("invalid_name_required");
    }
    if name.chars().count() > 80 {
        return refuse("invalid_name_maxlength");
    }
    let fits = |c: char| {
        c.is_lowercase() || c.is_ascii_digit() || c == '-' || c == '_' || (c.is_alphabetic() && !c.is_uppercase())
    };
    if !name.chars().all(fits) {
        return refuse("invalid_name_specials");
    }
    if name.starts_with(['-', '_']) || name.chars().all(|c| c.is_ascii_digit()) {
        return refuse("invalid_name_punctuation");
    }
    Ok(())
}

fn is_taken(state: &State, name: &str) -> bool {
    state.channels.values().any(|channel| channel.name == name && !channel.kind.is_direct())
}

/// Makes a channel; the caller joins it.
#[derive(Deserialize)]
pub(crate) struct Create {
    pub(crate) name: Option<String>,
    pub(crate) is_private: Option<Flag>,
}

impl Action<Slack> for Create {
    const NAME: &'static str = "conversations.create";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let name = self.name.unwrap_or_default();
        let name = name.strip_prefix('#').unwrap_or(&name);
        let kind = if is_set(self.is_private) { Kind::Private } else { Kind::Public };
        let channel = create(cx, &actor, name, kind)?;
        Ok(Answer::ok().with("channel", channels::detailed(cx.state, &channel, &actor.id, true)))
    }
}

pub(crate) fn create(cx: &mut Cx<'_>, actor: &Actor, name: &str, kind: Kind) -> Result<Channel, Error> {
    valid_name(name)?;
    if is_taken(cx.state, name) {
        return refuse("name_taken");
    }
    let now = cx.now();
    let channel = Channel {
        id: cx.state.id(if kind == Kind::Private { "G" } else { "C" }),
        kind,
        name: name.to_owned(),
        previous_names: Vec::new(),
        topic: Heading::default(),
        purpose: Heading::default(),
        creator: actor.id.clone(),
        archived: false,
        signature: None,
        canvas: None,
        created_at: now,
        updated_at: now,
    };
    cx.state.channels.insert(channel.id.clone(), channel.clone());
    let member = Member { joined_at: now, last_read: None, closed: false };
    cx.state.members.insert((channel.id.clone(), actor.id.clone()), member);
    let after = export::channel(cx.state, &channel);
    cx.changed(None, Some(after));
    Ok(channel)
}

/// Changes a channel and reports both sides.
pub(crate) fn change(cx: &mut Cx<'_>, id: &str, change: impl FnOnce(&mut Channel)) -> Result<Channel, Error> {
    let now = cx.now();
    let key = id.to_owned();
    let before = cx.state.channels.get(&key).map(|channel| export::channel(cx.state, channel));
    let channel = cx.state.channels.get_mut(&key).ok_or_else(|| Error::new("channel_not_found"))?;
    change(channel);
    channel.updated_at = now;
    let channel = channel.clone();
    let after = export::channel(cx.state, &channel);
    cx.changed(before, Some(after));
    Ok(channel)
}

/// Gives a channel another name.
#[derive(Deserialize)]
pub(crate) struct Rename {
    channel: Option<String>,
    name: Option<String>,
}

impl Action<Slack> for Rename {
    const NAME: &'static str = "conversations.rename";
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
        // Only who made the channel, and admins, may rename it.
        if channel.creator != actor.id && !actor.is_admin {
            return refuse("not_authorized");
        }
        let name = self.name.unwrap_or_default();
        valid_name(&name)?;
        if name != channel.name && is_taken(cx.state, &name) {
            return refuse("name_taken");
        }
        let old = channel.name.clone();
        let channel = change(cx, &channel.id, |channel| {
            if channel.name != name {
                channel.previous_names.retain(|known| *known != old);
                channel.previous_names.insert(0, old);
                channel.name = name;
            }
        })?;
        Ok(Answer::ok().with("channel", channels::detailed(cx.state, &channel, &actor.id, true)))
    }
}

/// Closes a channel for good, until it is opened again.
#[derive(Deserialize)]
pub(crate) struct Archive {
    channel: Option<String>,
}

impl Action<Slack> for Archive {
    const NAME: &'static str = "conversations.archive";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel.as_ref()))?;
        if channel.kind.is_direct() {
            return refuse("method_not_supported_for_channel_type");
        }
        if channel.archived {
            return refuse("already_archived");
        }
        if channel.is_general() {
            return refuse("cant_archive_general");
        }
        if actor.is_bot {
            access::member(cx, &actor, &channel)?;
        }
        change(cx, &channel.id, |channel| channel.archived = true)?;
        Ok(Answer::ok())
    }
}

/// Opens an archived channel again.
#[derive(Deserialize)]
pub(crate) struct Unarchive {
    channel: Option<String>,
}

impl Action<Slack> for Unarchive {
    const NAME: &'static str = "conversations.unarchive";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel.as_ref()))?;
        if channel.kind.is_direct() {
            return refuse("method_not_supported_for_channel_type");
        }
        if !channel.archived {
            return refuse("not_archived");
        }
        change(cx, &channel.id, |channel| channel.archived = false)?;
        Ok(Answer::ok())
    }
}

/// Opens a direct conversation with users, or one that is there.
#[derive(Deserialize)]
pub(crate) struct Open {
    pub(crate) users: Option<List>,
    pub(crate) channel: Option<String>,
    pub(crate) return_im: Option<Flag>,
    pub(crate) prevent_creation: Option<Flag>,
}

impl Action<Slack> for Open {
    const NAME: &'static str = "conversations.open";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let (channel, was_there) = if let Some(wanted) = given(self.channel.as_ref()) {
            let channel = access::channel(cx, &actor, Some(wanted))?;
            if !channel.kind.is_direct() {
                return refuse("method_not_supported_for_channel_type");
            }
            (channel, true)
        } else {
            let wanted = self.users.map(|users| users.0).unwrap_or_default();
            open(cx, &actor, &wanted, is_set(self.prevent_creation))?
        };
        let key = (channel.id.clone(), actor.id.clone());
        let open = cx.state.members.get(&key).is_none_or(|member| !member.closed);
        if !open && let Some(member) = cx.state.members.get_mut(&key) {
            member.closed = false;
        }
        let row = export::channel(cx.state, &channel);
        cx.changed(was_there.then(|| row.clone()), Some(row));
        // The vendor names only the id unless the whole is asked for.
        let whole = is_set(self.return_im) || cx.tool.is_some();
        let shown = if whole {
            channels::detailed(cx.state, &channel, &actor.id, channel.kind != Kind::Direct)
        } else {
            json!({ "id": channel.id })
        };
        let mut answer = Answer::ok();
        if was_there && open {
            answer = answer.with("no_op", true).with("already_open", true);
        }
        Ok(answer.with("channel", shown))
    }
}

fn open(cx: &mut Cx<'_>, actor: &Actor, wanted: &[String], only_known: bool) -> Result<(Channel, bool), Error> {
    if wanted.is_empty() {
        return refuse("users_list_not_supplied");
    }
    if wanted.len() > 8 {
        return refuse("too_many_users");
    }
    let mut ids = Vec::new();
    for user in wanted {
        let user = access::user(cx, Some(user))?;
        if user.deleted {
            return refuse("user_disabled");
        }
        if user.is_bot && actor.is_bot && user.id != actor.id {
            return refuse("cannot_dm_bot");
        }
        ids.push(user.id);
    }
    if only_known {
        let mut all = ids.clone();
        all.push(actor.id.clone());
        all.sort();
        all.dedup();
        if cx.state.direct(&all.join(",")).is_none() {
            return refuse("channel_not_found");
        }
    }
    Ok(access::direct(cx, actor, &ids))
}

/// Hides a direct conversation from the caller's list.
#[derive(Deserialize)]
pub(crate) struct Close {
    channel: Option<String>,
}

impl Action<Slack> for Close {
    const NAME: &'static str = "conversations.close";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel.as_ref()))?;
        if !channel.kind.is_direct() {
            return refuse("method_not_supported_for_channel_type");
        }
        let key = (channel.id.clone(), actor.id.clone());
        let Some(member) = cx.state.members.get(&key).filter(|member| !member.closed).cloned() else {
            return Ok(Answer::ok().with("no_op", true).with("already_closed", true));
        };
        let before = export::member(&channel.id, &actor.id, &member);
        cx.state.members.insert(key, Member { closed: true, ..member });
        cx.changed(Some(before.clone()), Some(before));
        Ok(Answer::ok())
    }
}

/// Moves the caller's reading mark.
#[derive(Deserialize)]
pub(crate) struct Mark {
    channel: Option<String>,
    ts: Option<String>,
}

impl Action<Slack> for Mark {
    const NAME: &'static str = "conversations.mark";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel.as_ref()))?;
        access::member(cx, &actor, &channel)?;
        let ts: Ts = access::ts(self.ts.as_ref(), "invalid_timestamp")?;
        let key = (channel.id.clone(), actor.id.clone());
        let before = cx.state.members.get(&key).map(|member| export::member(&channel.id, &actor.id, member));
        if let Some(member) = cx.state.members.get_mut(&key) {
            member.last_read = Some(ts);
        }
        let after = cx.state.members.get(&key).map(|member| export::member(&channel.id, &actor.id, member));
        cx.changed(before, after);
        Ok(Answer::ok())
    }
}

/// What the tool makes: a channel with those who are invited, or a direct conversation.
#[derive(Deserialize)]
pub(crate) struct Found {
    user_ids: Option<List>,
    channel_name: Option<String>,
    is_private: Option<Flag>,
}

/// A name as the vendor's server makes it valid: small letters, dashes for everything else.
fn sanitised(name: &str) -> String {
    let lower = name.trim().trim_start_matches('#').to_lowercase();
    let mut out = String::new();
    for c in lower.chars() {
        let fits = c.is_alphanumeric() || c == '_' || c == '-';
        match (fits, out.ends_with('-')) {
            (true, _) => out.push(c),
            (false, false) => out.push('-'),
            (false, true) => {}
        }
    }
    out.trim_matches(['-', '_']).chars().take(80).collect()
}

impl Action<Slack> for Found {
    const NAME: &'static str = "conversations.found";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let users = self.user_ids.map(|users| users.0).unwrap_or_default();
        let Some(name) = self.channel_name.filter(|name| !name.trim().is_empty()) else {
            if users.is_empty() {
                return Err(Error::arguments(&["either user_ids or channel_name is required".to_owned()]));
            }
            let open = Open { users: Some(List(users)), channel: None, return_im: None, prevent_creation: None };
            let answer = open.run(cx)?;
            let id = answer.get("channel").and_then(|channel| channel.get("id")).cloned();
            return Ok(answer.maybe("channel_id", id));
        };
        let actor = access::actor(cx)?;
        if users.len() > 1000 {
            return refuse("too_many_users");
        }
        let kind = if is_set(self.is_private) { Kind::Private } else { Kind::Public };
        let channel = create(cx, &actor, &sanitised(&name), kind)?;
        let others: Vec<String> = users.into_iter().filter(|user| *user != actor.id).collect();
        if !others.is_empty() {
            super::membership::invite(cx, &actor, &channel, &others)?;
            let after = export::channel(cx.state, &channel);
            cx.changed(None, Some(after));
        }
        let site = cx.state.team.get().as_ref().map(crate::state::Team::site).unwrap_or_default();
        let shown = channels::detailed(cx.state, &channel, &actor.id, true);
        let answer = Answer::ok().with("channel", shown).with("channel_id", channel.id.clone());
        Ok(answer.with("channel_link", format!("{site}/archives/{}", channel.id)))
    }
}
