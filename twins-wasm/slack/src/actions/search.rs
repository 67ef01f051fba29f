//! Finding messages and files.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Actor, Answer, Cx, Error, Flag, Int, List, Outcome, access, given, is_set, refuse};
use crate::Slack;
use crate::cursor::Page;
use crate::paging::Paging;
use crate::query::Query;
use crate::state::{Channel, File, Kind, Message};
use crate::ts::Ts;
use crate::views::{channels, files, messages};

/// Where is searched.
#[derive(Debug, Clone)]
struct Scope {
    kinds: Vec<Kind>,
    only_mine: bool,
    bots: bool,
    after: Option<u64>,
    before: Option<u64>,
}

impl Default for Scope {
    fn default() -> Self {
        let kinds = vec![Kind::Public, Kind::Private, Kind::Direct, Kind::Group];
        Self { kinds, only_mine: false, bots: true, after: None, before: None }
    }
}

/// How results are ordered.
#[derive(Debug, Clone, Copy)]
struct Order {
    by_time: bool,
    ascending: bool,
}

impl Order {
    fn new(sort: Option<&String>, direction: Option<&String>) -> Self {
        let by_time = sort.is_some_and(|sort| sort == "timestamp");
        Self { by_time, ascending: direction.is_some_and(|direction| direction == "asc") }
    }
}

struct Hit<'a> {
    channel: &'a Channel,
    message: &'a Message,
    score: usize,
}

fn hits<'a>(cx: &'a Cx<'_>, actor: &Actor, query: &Query, scope: &Scope, order: Order) -> Vec<Hit<'a>> {
    let mut found = Vec::new();
    for channel in cx.state.channels.values().filter(|channel| scope.kinds.contains(&channel.kind)) {
        let member = cx.state.is_member(&channel.id, &actor.id);
        if !member && (scope.only_mine || channel.kind != Kind::Public) {
            continue;
        }
        let from = scope.after.map_or(Ts::MIN, |second| Ts(second.saturating_mul(1_000_000)));
        let to = scope.before.map_or(Ts::MAX, |second| Ts(second.saturating_mul(1_000_000)));
        for message in cx.state.messages_between(&channel.id, from, to) {
            let seen = !message.is_tombstone() && (scope.bots || message.bot_id.is_none());
            if seen && query.fits(cx, &actor.id, channel, message) {
                found.push(Hit { channel, message, score: query.score(&message.text) });
            }
        }
    }
    found.sort_by(|a, b| {
        let time = (b.message.ts, &b.channel.id).cmp(&(a.message.ts, &a.channel.id));
        let wanted = if order.by_time { time } else { b.score.cmp(&a.score).then(time) };
        if order.ascending { wanted.reverse() } else { wanted }
    });
    found
}

/// A word between the marks that the vendor puts around what was found.
fn highlighted(text: &str, query: &Query) -> String {
    let lower = text.to_lowercase();
    // Letters that change their length in lower case would move the marks; such a text stays as it is.
    if lower.len() != text.len() {
        return text.to_owned();
    }
    let mut spans: Vec<(usize, usize)> = query
        .shown_terms()
        .flat_map(|term| lower.match_indices(term).map(|(at, part)| (at, at + part.len())).collect::<Vec<_>>())
        .collect();
    spans.sort_unstable();
    let (mut out, mut at) = (String::new(), 0);
    for (start, end) in spans {
        if start < at {
            continue;
        }
        out.push_str(text.get(at..start).unwrap_or_default());
        out.push('\u{e000}');
        out.push_str(text.get(start..end).unwrap_or_default());
        out.push('\u{e001}');
        at = end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

fn matched(cx: &Cx<'_>, actor: &Actor, hit: &Hit<'_>, text: &str) -> Map<String, Value> {
    let message = hit.message;
    let team = cx.state.team.get().as_ref().map(|team| team.id.clone());
    let name = message.username.clone().or_else(|| cx.state.users.get(&message.user).map(|user| user.name.clone()));
    let iid = pome_twin_kit::ids::hex_id(&format!("{}/{}", message.channel, message.ts));
    let mut value = crate::views::object(json!({
        "iid": format!("{}-{}-{}-{}-{}", part(&iid, 0, 8), part(&iid, 8, 12), part(&iid, 12, 16), part(&iid, 16, 20), part(&iid, 20, 32)),
        "team": team,
        "score": 0,
        "channel": channels::short(cx.state, hit.channel, &actor.id),
        "type": "message",
        "user": message.user,
        "username": name,
        "ts": message.ts,
        "blocks": messages::shown_blocks(message),
        "text": text,
        "permalink": messages::permalink(cx.state, message),
        "no_reactions": cx.state.reactions_of(&message.channel, message.ts).is_empty(),
    }));
    if !message.attachments.is_empty() {
        value.insert("attachments".to_owned(), message.attachments.clone().into());
    }
    if !message.files.is_empty() {
        let shown = message.files.iter().filter_map(|id| cx.state.files.get(id));
        value.insert("files".to_owned(), shown.map(|file| files::file(cx.state, file, cx.origin)).collect());
    }
    value
}

fn part(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to).unwrap_or_default()
}

/// What the three search methods ask for.
#[derive(Deserialize)]
pub(crate) struct Asked {
    query: Option<String>,
    count: Option<Int>,
    page: Option<Int>,
    cursor: Option<String>,
    sort: Option<String>,
    sort_dir: Option<String>,
    highlight: Option<Flag>,
}

impl Asked {
    fn query(&self) -> Result<(String, Query), Error> {
        let Some(text) = self.query.as_deref().filter(|text| !text.trim().is_empty()) else {
            return refuse("no_query");
        };
        Ok((text.to_owned(), Query::parse(text)))
    }

    fn messages(&self, cx: &Cx<'_>, actor: &Actor, query: &Query) -> Result<Value, Error> {
        let order = Order::new(self.sort.as_ref(), self.sort_dir.as_ref());
        let found = hits(cx, actor, query, &Scope::default(), order);
        let shown = |hit: &Hit<'_>| {
            let text = &hit.message.text;
            let text = if is_set(self.highlight) { highlighted(text, query) } else { text.clone() };
            Value::Object(matched(cx, actor, hit, &text))
        };
        let total = found.len();
        // `*` is how a client asks for cursors instead of pages.
        if let Some(cursor) = given(self.cursor.as_ref()) {
            let cursor = Some(cursor.to_owned()).filter(|cursor| cursor != "*");
            let page = Page::new("hit", self.count, 20, 100, cursor.as_ref());
            let rows = found.iter().enumerate();
            let (rows, next) = page.cut(rows, |(at, _)| format!("{at:08}"))?;
            let list: Vec<Value> = rows.into_iter().map(|(_, hit)| shown(hit)).collect();
            return Ok(json!({ "total": total, "matches": list, "next_cursor": next }));
        }
        let paging = Paging::new(self.page, self.count, 20, 100, total);
        let list: Vec<Value> = paging.slice(found.iter()).map(shown).collect();
        Ok(json!({ "total": total, "pagination": paging.pagination(), "paging": paging.view(), "matches": list }))
    }

    fn files(&self, cx: &Cx<'_>, actor: &Actor, query: &Query) -> Value {
        let found = found_files(cx, actor, query, Order::new(self.sort.as_ref(), self.sort_dir.as_ref()));
        let paging = Paging::new(self.page, self.count, 20, 100, found.len());
        let list: Vec<Value> =
            paging.slice(found.into_iter()).map(|file| files::file(cx.state, file, cx.origin)).collect();
        json!({ "total": paging.total, "pagination": paging.pagination(), "paging": paging.view(), "matches": list })
    }
}

fn found_files<'a>(cx: &'a Cx<'_>, actor: &Actor, query: &Query, order: Order) -> Vec<&'a File> {
    let seen = |file: &&File| !file.deleted && super::files::sees(cx.state, &actor.id, file);
    let mut found: Vec<&File> =
        cx.state.files.values().filter(seen).filter(|file| query.fits_file(cx, &actor.id, file)).collect();
    found.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    if order.ascending {
        found.reverse();
    }
    found
}

/// Only people search; bots have no view of their own.
fn searcher(cx: &Cx<'_>) -> Result<Actor, Error> {
    let actor = access::actor(cx)?;
    if actor.is_bot { refuse("not_allowed_token_type") } else { Ok(actor) }
}

/// Finds messages.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Messages(Asked);

impl Action<Slack> for Messages {
    const NAME: &'static str = "search.messages";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = searcher(cx)?;
        let (text, query) = self.0.query()?;
        let found = self.0.messages(cx, &actor, &query)?;
        Ok(Answer::ok().with("query", text).with("messages", found))
    }
}

/// Finds files by name, title and text.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Files(Asked);

impl Action<Slack> for Files {
    const NAME: &'static str = "search.files";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = searcher(cx)?;
        let (text, query) = self.0.query()?;
        let found = self.0.files(cx, &actor, &query);
        Ok(Answer::ok().with("query", text).with("files", found))
    }
}

/// Finds both.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct All(Asked);

impl Action<Slack> for All {
    const NAME: &'static str = "search.all";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = searcher(cx)?;
        let (text, query) = self.0.query()?;
        let found = self.0.messages(cx, &actor, &query)?;
        let answer = Answer::ok().with("query", text).with("messages", found);
        let posts = json!({ "total": 0, "matches": [] });
        Ok(answer.with("files", self.0.files(cx, &actor, &query)).with("posts", posts))
    }
}

/// What the tools ask for.
#[derive(Deserialize)]
pub(crate) struct ToolSearch {
    query: String,
    channel_types: Option<List>,
    content_types: Option<List>,
    context_channel_id: Option<String>,
    cursor: Option<String>,
    limit: Option<Int>,
    after: Option<String>,
    before: Option<String>,
    include_bots: Option<Flag>,
    sort: Option<String>,
    sort_dir: Option<String>,
    response_format: Option<String>,
    include_context: Option<Flag>,
    max_context_length: Option<Int>,
    only_my_channels: Option<Flag>,
    #[serde(skip)]
    public: bool,
}

impl ToolSearch {
    /// The same, in public channels only.
    pub(crate) fn in_public(self) -> Self {
        Self { public: true, ..self }
    }

    fn scope(&self) -> Result<Scope, Error> {
        let second = |text: Option<&String>| match given(text) {
            None => Ok(None),
            Some(text) => match Ts::parse(text) {
                Some(ts) => Ok(Some(ts.seconds())),
                None => Err(Error::arguments(&["after and before: must be Unix times".to_owned()])),
            },
        };
        let kinds = match (&self.channel_types, self.public) {
            (_, true) => vec![Kind::Public],
            (Some(types), false) if !types.0.is_empty() => super::conversations::kinds(Some(types))?,
            _ => Scope::default().kinds,
        };
        Ok(Scope {
            kinds,
            only_mine: is_set(self.only_my_channels),
            bots: is_set(self.include_bots),
            after: second(self.after.as_ref())?,
            before: second(self.before.as_ref())?,
        })
    }

    /// The messages around one that was found.
    fn around(&self, cx: &Cx<'_>, hit: &Hit<'_>) -> Option<Value> {
        if !self.include_context.is_none_or(|flag| flag.0) {
            return None;
        }
        let most = self.max_context_length.and_then(|most| usize::try_from(most.0).ok()).filter(|most| *most > 0);
        let (channel, ts) = hit.message.key();
        let beside = |other: &&Message| other.thread == hit.message.thread && !other.is_tombstone();
        let brief = |other: &Message| {
            let text = &other.text;
            let text: String = match most {
                Some(most) => text.chars().take(most).collect(),
                None => text.clone(),
            };
            let name = cx.state.users.get(&other.user).map(|user| user.name.clone());
            json!({ "user": other.user, "username": name, "ts": other.ts, "text": text })
        };
        let before = cx.state.messages_between(&channel, Ts::MIN, Ts(ts.0.saturating_sub(1))).rev().filter(beside);
        let mut before: Vec<Value> = before.take(2).map(brief).collect();
        before.reverse();
        let after = cx.state.messages_between(&channel, Ts(ts.0 + 1), Ts::MAX).filter(beside);
        let after: Vec<Value> = after.take(2).map(brief).collect();
        Some(json!({ "before": before, "after": after }))
    }
}

impl Action<Slack> for ToolSearch {
    const NAME: &'static str = "search.tool";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = searcher(cx)?;
        if self.query.trim().is_empty() {
            return refuse("no_query");
        }
        let query = Query::parse(&self.query);
        let scope = self.scope()?;
        let types = self.content_types.as_ref().map(|types| types.0.clone()).unwrap_or_default();
        let wants = |word: &str| types.iter().any(|asked| asked == word);
        let order = Order::new(self.sort.as_ref(), self.sort_dir.as_ref());
        let page = Page::new("hit", self.limit, 20, 20, self.cursor.as_ref());
        let answer = Answer::ok().with("query", self.query.clone());
        if wants("files") && !wants("messages") {
            let found = found_files(cx, &actor, &query, order);
            let found = found.into_iter().filter(|file| !self.public || is_public(cx, file));
            let (rows, next) = page.cut(found.enumerate(), |(at, _)| format!("{at:08}"))?;
            let shown: Vec<Value> = rows.iter().map(|(_, file)| files::file(cx.state, file, cx.origin)).collect();
            let answer = answer.with("files", json!({ "total": shown.len(), "matches": shown }));
            return Ok(answer.with("pagination_info", json!({ "next_cursor": next })));
        }
        let mut found = hits(cx, &actor, &query, &scope, order);
        if let (Some(near), false) = (given(self.context_channel_id.as_ref()), order.by_time) {
            // What was said where the question comes from counts more.
            found.sort_by_key(|hit| hit.channel.id != near);
        }
        let total = found.len();
        let (rows, next) = page.cut(found.into_iter().enumerate(), |(at, _)| format!("{at:08}"))?;
        let concise = self.response_format.as_deref() == Some("concise");
        let shown: Vec<Value> = rows
            .iter()
            .map(|(_, hit)| {
                let mut value = matched(cx, &actor, hit, &hit.message.text);
                if concise {
                    let kept = ["channel", "user", "username", "ts", "text", "permalink"];
                    value.retain(|key, _| kept.contains(&key.as_str()));
                    value.insert("channel".to_owned(), json!({ "id": hit.channel.id, "name": hit.channel.name }));
                } else if let Some(context) = self.around(cx, hit) {
                    value.insert("context_messages".to_owned(), context);
                }
                Value::Object(value)
            })
            .collect();
        let mut answer = answer.with("messages", json!({ "total": total, "matches": shown }));
        if wants("files") {
            let found = found_files(cx, &actor, &query, order);
            let found: Vec<&File> = found.into_iter().filter(|file| !self.public || is_public(cx, file)).collect();
            let shown: Vec<Value> =
                found.iter().take(page.limit).map(|file| files::file(cx.state, file, cx.origin)).collect();
            answer = answer.with("files", json!({ "total": found.len(), "matches": shown }));
        }
        Ok(answer.with("pagination_info", json!({ "next_cursor": next })))
    }
}

fn is_public(cx: &Cx<'_>, file: &File) -> bool {
    let shared = file.channels.iter().filter_map(|id| cx.state.channels.get(id));
    shared.into_iter().any(|channel| channel.kind == Kind::Public)
}
