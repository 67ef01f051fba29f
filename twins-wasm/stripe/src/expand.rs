//! `expand[]`: references become the objects they name, to four levels.

use pome_twin_kit::Cx;
use serde_json::{Value, json};

use crate::Stripe;
use crate::desk::Desk;
use crate::error::Error;
use crate::kind::Kind;
use crate::objects;

const DEPTH: usize = 4;

/// Expands what the request asks for.
pub(crate) fn apply(cx: &Cx<'_, Stripe>, value: &mut Value) -> Result<(), Error> {
    for path in paths(cx)? {
        let names: Vec<&str> = path.split('.').collect();
        if names.len() > DEPTH {
            let message = format!("You cannot expand more than {DEPTH} levels of a property. Property: {path}");
            return Err(Error::invalid(message).param("expand"));
        }
        into(cx, value, &names, &path)?;
    }
    Ok(())
}

fn paths(cx: &Cx<'_, Stripe>) -> Result<Vec<String>, Error> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let paths = match cx.common.get("expand") {
        None => Some(Vec::new()),
        Some(Value::Array(paths)) => paths.iter().map(text).collect(),
        Some(one) => text(one).map(|one| vec![one]),
    };
    paths.ok_or_else(|| Error::invalid("Invalid array").code("parameter_invalid").param("expand"))
}

fn into(cx: &Cx<'_, Stripe>, value: &mut Value, names: &[&str], path: &str) -> Result<(), Error> {
    let Some((name, rest)) = names.split_first() else { return Ok(()) };
    let refused = || {
        Err(Error::invalid(format!(
            "This property cannot be expanded ({path}). You may want to try expanding '{}' instead.",
            alternative(path)
        ))
        .param("expand"))
    };
    if let Value::Array(items) = value {
        return items.iter_mut().try_for_each(|item| into(cx, item, names, path));
    }
    let Value::Object(members) = value else { return if value.is_null() { Ok(()) } else { refused() } };
    let list = matches!(members.get("object").and_then(Value::as_str), Some("list" | "search_result"));
    if list && *name != "data" {
        return Err(Error::invalid(format!(
            "This property cannot be expanded ({path}). You may want to try expanding 'data.{path}' instead."
        ))
        .param("expand"));
    }
    if list && members.get("data").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        // An empty list refuses what a full one would.
        let url = members.get("url").and_then(Value::as_str).unwrap_or_default();
        let named = |part: &str| Kind::ALL.iter().find(|kind| kind.facts().collection == part);
        let Some(kind) = url.rsplit('/').find_map(named) else { return Ok(()) };
        return into(cx, &mut objects::blank(*kind, "", 0).json(), rest, path);
    }
    include(cx, members, name);
    let Some(member) = members.get_mut(*name) else { return refused() };
    if let Value::String(id) = member {
        let found = object(cx, name, id);
        match found {
            Some(found) => *member = found,
            None if rest.is_empty() && resolves(name) => return Ok(()),
            None => return refused(),
        }
    } else if let Value::Array(ids) = member
        && ids.iter().all(Value::is_string)
    {
        // A list of references, such as discounts.
        for id in ids {
            if let Some(found) = id.as_str().and_then(|id| object(cx, name, id)) {
                *id = found;
            }
        }
    } else if rest.is_empty() && !member.is_null() && !member.is_object() && !member.is_array() {
        return refused();
    }
    if rest.is_empty() { Ok(()) } else { into(cx, member, rest, path) }
}

/// The vendor proposes the path below `data` of a list.
fn alternative(path: &str) -> String {
    format!("data.{path}")
}

fn resolves(name: &str) -> bool {
    name == "source" || Kind::of_member(name).is_some()
}

/// The object that a member refers to.
fn object(cx: &Cx<'_, Stripe>, name: &str, id: &str) -> Option<Value> {
    let kinds: &[Kind] = match Kind::of_member(name) {
        Some(kind) => &[kind],
        // Where a balance transaction comes from.
        None if name == "source" => Kind::ALL,
        None => return None,
    };
    kinds.iter().find_map(|kind| cx.find(*kind, id)).map(|row| row.object.json())
}

/// Adds a list that the object has only when it is asked for.
fn include(cx: &Cx<'_, Stripe>, members: &mut serde_json::Map<String, Value>, name: &str) {
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
    let (of, id) = (text("object"), text("id").to_owned());
    let Some(kind) = Kind::ALL.iter().find(|kind| kind.facts().object == of) else { return };
    if let Some(value) = crate::billing::included(cx, *kind, &id, name) {
        members.insert(name.to_owned(), value);
        return;
    }
    let Some((_, listed, back)) = kind.includable().iter().find(|(member, ..)| *member == name) else { return };
    if members.get(name).is_some_and(Value::is_object) {
        return;
    }
    let rows: Vec<_> = cx.each(*listed).into_iter().filter(|row| row.object.text(back) == id).collect();
    let has_more = rows.len() > 10;
    let data: Vec<Value> = rows.into_iter().take(10).map(|row| row.object.json()).collect();
    let url = format!("{}/{id}/{name}", kind.url());
    let list = json!({ "object": "list", "data": data, "has_more": has_more, "url": url });
    members.insert(name.to_owned(), list);
}
