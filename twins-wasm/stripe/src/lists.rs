//! Lists and their pages.

use pome_twin_kit::Cx;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Stripe;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::params::Span;
use crate::state::Row;

/// The inputs that every list has.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Page {
    pub(crate) limit: Option<i64>,
    pub(crate) starting_after: Option<String>,
    pub(crate) ending_before: Option<String>,
    pub(crate) created: Option<Value>,
}

const DEFAULT: usize = 10;
const MOST: usize = 100;

/// How many are asked for. More than there may be are cut down to that.
pub(crate) fn limit(limit: Option<i64>) -> Result<usize, Error> {
    let Some(limit) = limit else { return Ok(DEFAULT) };
    if limit < 1 {
        return Err(Error::at_least(1, "limit"));
    }
    Ok(usize::try_from(limit).unwrap_or(MOST).min(MOST))
}

/// A page of the objects of a kind for which `belongs` holds, newest first.
pub(crate) fn page(
    cx: &Cx<'_, Stripe>,
    kind: Kind,
    url: &str,
    page: &Page,
    belongs: impl Fn(&Doc) -> bool,
) -> Result<Answer, Error> {
    let limit = limit(page.limit)?;
    let created = Span::of(page.created.as_ref(), "created")?;
    let place = |id: &Option<String>, param: &str| -> Result<Option<(i64, u64)>, Error> {
        let Some(id) = id else { return Ok(None) };
        cx.find(kind, id).map(|row| Some(row.order())).ok_or_else(|| Error::dangling(kind, id, param))
    };
    let after = place(&page.starting_after, "starting_after")?;
    let before = place(&page.ending_before, "ending_before")?;
    if after.is_some() && before.is_some() {
        return Err(Error::invalid("You can only use one of starting_after or ending_before.").param("starting_after"));
    }
    let wanted = |row: &&Row| created.holds(row.created) && belongs(&row.object);
    let mut rows: Vec<&Row> = cx.each(kind).into_iter().filter(wanted).collect();
    let has_more;
    if let Some(before) = before {
        // The page next to the cursor, seen from it: the oldest of those that are newer.
        rows.retain(|row| row.order() > before);
        let skip = rows.len().saturating_sub(limit);
        has_more = skip > 0;
        rows.drain(..skip);
    } else {
        rows.retain(|row| after.is_none_or(|after| row.order() < after));
        has_more = rows.len() > limit;
        rows.truncate(limit);
    }
    let data: Vec<Value> = rows.into_iter().map(|row| row.object.json()).collect();
    Answer::of(cx, json!({ "object": "list", "data": data, "has_more": has_more, "url": url }))
}

/// Whether a filter of a list lets an object through: it does when it is not given.
pub(crate) fn fits(doc: &Doc, member: &str, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| doc.text(member) == wanted)
}

/// Writes an action that lists the objects of a kind. Its fields are the page's and the filters; `$belongs` sees the action and
/// an object.
macro_rules! list {
    ($(#[$doc:meta])* $name:ident = $call:literal, $kind:expr, { $($field:ident: $type:ty),* $(,)? }, $belongs:expr) => {
        $(#[$doc])*
        #[derive(Debug, serde::Deserialize)]
        pub(crate) struct $name {
            limit: Option<i64>,
            starting_after: Option<String>,
            ending_before: Option<String>,
            created: Option<serde_json::Value>,
            $($field: Option<$type>,)*
        }

        impl pome_twin_kit::Action<$crate::Stripe> for $name {
            const NAME: &'static str = $call;
            type Output = $crate::answer::Answer;

            fn run(
                mut self,
                cx: &mut pome_twin_kit::Cx<'_, $crate::Stripe>,
            ) -> Result<$crate::answer::Answer, $crate::error::Error> {
                let page = $crate::lists::Page {
                    limit: self.limit.take(),
                    starting_after: self.starting_after.take(),
                    ending_before: self.ending_before.take(),
                    created: self.created.take(),
                };
                let belongs: fn(&Self, &$crate::doc::Doc) -> bool = $belongs;
                $crate::lists::page(cx, $kind, &$kind.url(), &page, |doc| belongs(&self, doc))
            }
        }
    };
}

/// Writes an action that shows one object by its id in the path.
macro_rules! retrieve {
    ($(#[$doc:meta])* $name:ident = $call:literal, $kind:expr) => {
        $(#[$doc])*
        #[derive(Debug, serde::Deserialize)]
        pub(crate) struct $name {
            id: String,
        }

        impl pome_twin_kit::Action<$crate::Stripe> for $name {
            const NAME: &'static str = $call;
            type Output = $crate::answer::Answer;

            fn run(
                self,
                cx: &mut pome_twin_kit::Cx<'_, $crate::Stripe>,
            ) -> Result<$crate::answer::Answer, $crate::error::Error> {
                $crate::answer::Answer::stored(cx, $kind, &self.id)
            }
        }
    };
}

pub(crate) use {list, retrieve};
