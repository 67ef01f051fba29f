//! The state as one document, and what a call changed in it.

use pome_twin_kit::Cx;
use serde_json::{Map, Value, json};

use crate::Stripe;
use crate::kind::Kind;
use crate::state::{Row, State};

/// Every collection, newest first.
pub(crate) fn export(state: &State) -> Vec<u8> {
    let mut out = Map::new();
    for kind in Kind::ALL {
        let mut rows: Vec<&Row> = state.all(*kind).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.order()));
        let rows: Vec<Value> = rows.into_iter().map(|row| row.object.json()).collect();
        out.insert(kind.facts().collection.to_owned(), rows.into());
    }
    Value::Object(out).to_string().into_bytes()
}

/// Tells the trace what a call changed: the objects before and after, by collection and id. Events are left out, they are said
/// by what they are about.
pub(crate) fn note_changes(cx: &mut Cx<'_, Stripe>) {
    let (mut before, mut after) = (Map::new(), Map::new());
    let put = |into: &mut Map<String, Value>, kind: Kind, id: &str, row: Option<&Row>| {
        let Some(row) = row else { return };
        let collection = into.entry(kind.facts().collection).or_insert_with(|| json!({}));
        collection[id] = row.object.json();
    };
    for ((kind, id), old, new) in cx.state.objects.pending() {
        if *kind != Kind::Event {
            put(&mut before, *kind, id, old);
            put(&mut after, *kind, id, new);
        }
    }
    if before.is_empty() && after.is_empty() {
        return;
    }
    let some = |members: Map<String, Value>| (!members.is_empty()).then_some(Value::Object(members));
    cx.changed(some(before), some(after));
}
