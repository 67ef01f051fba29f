//! Lists in pages: `edges`, `nodes`, `pageInfo`, `totalCount`.

use serde_json::Value;

use super::{Field, Resolved};

/// The page that was asked for: `first`/`after` from the front, `last`/`before` from the back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    pub first: Option<usize>,
    pub last: Option<usize>,
    /// Positions are counted from 0: the page starts behind this one.
    pub after: Option<usize>,
    /// The page ends before this one.
    pub before: Option<usize>,
}

/// One element with its cursor and what the edge itself carries.
#[derive(Debug, Clone)]
pub struct Edge<O> {
    pub node: Resolved<O>,
    pub position: usize,
    pub fields: Vec<(&'static str, Resolved<O>)>,
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Connection<O> {
    pub edges: Vec<Edge<O>>,
    pub total: usize,
    pub has_previous: bool,
    pub has_next: bool,
    /// Further fields of the connection itself.
    pub fields: Vec<(&'static str, Resolved<O>)>,
}

impl Window {
    /// Reads the arguments; `decode` turns a cursor into a position.
    pub fn of(field: &Field<'_>, decode: impl Fn(&str) -> Option<usize>) -> Self {
        let size = |name: &str| field.number(name).and_then(|number| usize::try_from(number).ok());
        let cursor = |name: &str| field.text(name).and_then(&decode);
        Self { first: size("first"), last: size("last"), after: cursor("after"), before: cursor("before") }
    }
}

impl<O: Clone> Connection<O> {
    /// Takes a page of `all`.
    pub fn page(all: Vec<Resolved<O>>, window: &Window) -> Self {
        let total = all.len();
        let mut start = window.after.map_or(0, |at| at + 1).min(total);
        let mut end = window.before.unwrap_or(total).clamp(start, total);
        if let Some(first) = window.first {
            end = end.min(start.saturating_add(first));
        }
        if let Some(last) = window.last {
            start = start.max(end.saturating_sub(last));
        }
        let edges = all.into_iter().enumerate().skip(start).take(end - start);
        let edges = edges.map(|(position, node)| Edge { node, position, fields: Vec::new() }).collect();
        Self { edges, total, has_previous: start > 0, has_next: end < total, fields: Vec::new() }
    }

    /// The object that the schema shows; `encode` turns a position into a cursor.
    pub fn resolved(self, encode: impl Fn(usize) -> String) -> Resolved<O> {
        let cursor =
            |edge: Option<&Edge<O>>| Resolved::Leaf(edge.map_or(Value::Null, |edge| encode(edge.position).into()));
        let page = Resolved::record(vec![
            ("hasNextPage", Resolved::leaf(self.has_next)),
            ("hasPreviousPage", Resolved::leaf(self.has_previous)),
            ("startCursor", cursor(self.edges.first())),
            ("endCursor", cursor(self.edges.last())),
        ]);
        let nodes = Resolved::List(self.edges.iter().map(|edge| edge.node.clone()).collect());
        let edges = self.edges.into_iter().map(|edge| {
            let mut fields = vec![("cursor", Resolved::leaf(encode(edge.position))), ("node", edge.node)];
            fields.extend(edge.fields);
            Resolved::record(fields)
        });
        let edges = Resolved::List(edges.collect());
        let mut fields =
            vec![("nodes", nodes), ("edges", edges), ("pageInfo", page), ("totalCount", Resolved::leaf(self.total))];
        fields.extend(self.fields);
        Resolved::record(fields)
    }
}
