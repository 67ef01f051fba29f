//! Links at the top of a channel.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::Value;

use super::{Answer, Cx, Error, Outcome, access, given, refuse};
use crate::Slack;
use crate::export;
use crate::state::Bookmark;
use crate::views::lists;

/// The most bookmarks of a channel.
const MOST: usize = 100;

/// Adds a bookmark.
#[derive(Deserialize)]
pub(crate) struct Add {
    channel_id: Option<String>,
    title: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    link: Option<String>,
    emoji: Option<String>,
    entity_id: Option<String>,
}

fn is_link(link: &str) -> bool {
    link.starts_with("http://") || link.starts_with("https://")
}

impl Action<Slack> for Add {
    const NAME: &'static str = "bookmarks.add";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel_id.as_ref()))?;
        let title = given(self.title.as_ref()).ok_or_else(|| Error::missing("title"))?.to_owned();
        let kind = self.kind.filter(|kind| !kind.is_empty()).unwrap_or_else(|| "link".to_owned());
        if kind != "link" {
            return refuse("invalid_bookmark_type");
        }
        let link = given(self.link.as_ref()).ok_or_else(|| Error::missing("link"))?.to_owned();
        if !is_link(&link) {
            return refuse("invalid_link");
        }
        access::open(&channel)?;
        access::member(cx, &actor, &channel)?;
        let of = channel.id.clone();
        let count = cx.state.bookmarks.prefix((of.clone(), String::new()), move |(channel, _)| *channel == of).count();
        if count >= MOST {
            return refuse("too_many_bookmarks");
        }
        let row = Bookmark {
            id: cx.state.id("Bk"),
            channel: channel.id.clone(),
            title,
            link,
            emoji: self.emoji.unwrap_or_default(),
            kind,
            entity: self.entity_id.unwrap_or_default(),
            by: actor.id.clone(),
            changed_by: actor.id,
            created_at: cx.now(),
            updated_at: cx.now(),
        };
        cx.changed(None, Some(export::bookmark(&row)));
        let shown = lists::bookmark(&row);
        cx.state.bookmarks.insert((channel.id, row.id.clone()), row);
        Ok(Answer::ok().with("bookmark", shown))
    }
}

/// Changes a bookmark.
#[derive(Deserialize)]
pub(crate) struct Edit {
    channel_id: Option<String>,
    bookmark_id: Option<String>,
    title: Option<String>,
    link: Option<String>,
    emoji: Option<String>,
}

impl Action<Slack> for Edit {
    const NAME: &'static str = "bookmarks.edit";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel_id.as_ref()))?;
        access::member(cx, &actor, &channel)?;
        let key = (channel.id, self.bookmark_id.unwrap_or_default());
        let Some(before) = cx.state.bookmarks.get(&key).cloned() else { return refuse("not_found") };
        let mut row = before.clone();
        if let Some(link) = self.link.filter(|link| !link.is_empty()) {
            if !is_link(&link) {
                return refuse("invalid_link");
            }
            row.link = link;
        }
        if let Some(title) = self.title.filter(|title| !title.is_empty()) {
            row.title = title;
        }
        if let Some(emoji) = self.emoji {
            row.emoji = emoji;
        }
        row.changed_by = actor.id;
        row.updated_at = cx.now();
        cx.changed(Some(export::bookmark(&before)), Some(export::bookmark(&row)));
        let shown = lists::bookmark(&row);
        cx.state.bookmarks.insert(key, row);
        Ok(Answer::ok().with("bookmark", shown))
    }
}

/// Takes a bookmark away.
#[derive(Deserialize)]
pub(crate) struct Remove {
    channel_id: Option<String>,
    bookmark_id: Option<String>,
}

impl Action<Slack> for Remove {
    const NAME: &'static str = "bookmarks.remove";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel_id.as_ref()))?;
        access::member(cx, &actor, &channel)?;
        let key = (channel.id, self.bookmark_id.unwrap_or_default());
        let Some(row) = cx.state.bookmarks.remove(&key) else { return refuse("not_found") };
        cx.changed(Some(export::bookmark(&row)), None);
        Ok(Answer::ok())
    }
}

/// Bookmarks of a channel, in the order in which they were made.
#[derive(Deserialize)]
pub(crate) struct Bookmarks {
    channel_id: Option<String>,
}

impl Action<Slack> for Bookmarks {
    const NAME: &'static str = "bookmarks.list";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel_id.as_ref()))?;
        let of = channel.id.clone();
        let rows = cx.state.bookmarks.prefix((of.clone(), String::new()), move |(channel, _)| *channel == of);
        let mut rows: Vec<&Bookmark> = rows.map(|(_, row)| row).collect();
        rows.sort_by_key(|row| (row.created_at, &row.id));
        let shown: Vec<Value> = rows.into_iter().map(lists::bookmark).collect();
        Ok(Answer::ok().with("bookmarks", shown))
    }
}
