//! Connections as GitHub pages them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pome_twin_kit::Cx;
use pome_twin_kit::graphql::{Connection, Field, GraphError, Resolved, Window};

use super::Answer;
use super::node::Node;
use crate::GitHub;
use crate::state::State;

/// No page is longer.
const MOST: i64 = 100;

/// A page of objects.
pub(super) fn nodes(cx: &Cx<'_, GitHub>, field: &Field<'_>, all: impl IntoIterator<Item = Node>) -> Answer {
    page(cx, field, all.into_iter().map(Resolved::Object).collect())
}

/// A page of anything.
pub(super) fn page(cx: &Cx<'_, GitHub>, field: &Field<'_>, all: Vec<Resolved<Node>>) -> Answer {
    page_with(cx, field, all, |_| {})
}

/// A page that is completed before it is shown.
pub(super) fn page_with(
    cx: &Cx<'_, GitHub>,
    field: &Field<'_>,
    all: Vec<Resolved<Node>>,
    complete: impl FnOnce(&mut Connection<Node>),
) -> Answer {
    check(field)?;
    // A cursor names the element, so that a page stays where it was when others come and go.
    let keys: Vec<String> = all.iter().enumerate().map(|(place, item)| key(cx.state, place, item)).collect();
    let mut unknown = None;
    for name in ["after", "before"] {
        if let Some(cursor) = field.text(name)
            && !cursor.is_empty()
            && !known(&keys, cursor)
        {
            unknown = Some(cursor);
        }
    }
    if let Some(cursor) = unknown {
        return Err(GraphError::of_kind(
            "INVALID_CURSOR_ARGUMENTS",
            format!("`{cursor}` does not appear to be a valid cursor."),
        ));
    }
    let window = Window::of(field, |cursor| keys.iter().position(|key| STANDARD.encode(key) == cursor));
    let mut connection = Connection::page(all, &window);
    complete(&mut connection);
    Ok(connection.resolved(|place| keys.get(place).map(|key| STANDARD.encode(key)).unwrap_or_default()))
}

fn known(keys: &[String], cursor: &str) -> bool {
    keys.iter().any(|key| STANDARD.encode(key) == cursor)
}

fn key(state: &State, place: usize, item: &Resolved<Node>) -> String {
    match item {
        Resolved::Object(node) => format!("cursor:v2:{}", node.id(state)),
        _ => format!("cursor:{}", place + 1),
    }
}

/// The rules for `first` and `last`; who only counts needs neither.
fn check(field: &Field<'_>) -> Result<(), GraphError> {
    let name = field.name;
    let (first, last) = (field.number("first"), field.number("last"));
    if first.is_none() && last.is_none() && (field.selects("nodes") || field.selects("edges")) {
        return Err(GraphError::of_kind(
            "MISSING_PAGINATION_BOUNDARIES",
            format!("You must provide a `first` or `last` value to properly paginate the `{name}` connection."),
        ));
    }
    if first.is_some() && last.is_some() {
        return Err(GraphError::of_kind(
            "INVALID_PAGINATION_BOUNDARIES",
            format!("Passing both `first` and `last` to paginate the `{name}` connection is not supported."),
        ));
    }
    for (which, size) in [("first", first), ("last", last)] {
        match size {
            Some(size) if size < 0 => {
                return Err(GraphError::of_kind(
                    "INVALID_PAGINATION_BOUNDARIES",
                    format!("`{which}` on the `{name}` connection cannot be less than zero."),
                ));
            }
            Some(size) if size > MOST => {
                return Err(GraphError::of_kind(
                    "EXCESSIVE_PAGINATION",
                    format!(
                        "Requesting {size} records on the `{name}` connection exceeds the `{which}` limit of {MOST} records."
                    ),
                ));
            }
            _ => {}
        }
    }
    Ok(())
}
