//! Modals and home tabs. There are no clicks in this workspace, so a trigger is any text that an app would have got.

use pome_twin_kit::Action;
use pome_twin_kit::ids::hex_id;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Actor, Answer, Cx, Error, Outcome, Structured, access, given, refuse};
use crate::Slack;
use crate::blocks::{self, Place};
use crate::export;
use crate::state::Surface;
use crate::views::users::APP;

/// A view that was found good.
fn accept(view: Option<Structured>, kinds: &[&str], seed: &str) -> Result<Map<String, Value>, Error> {
    let view = view.ok_or_else(|| Error::missing("view"))?;
    let mut view = view.object().ok_or_else(|| Error::arguments(&["view: must be an object".to_owned()]))?;
    let mut faults = Vec::new();
    let kind = view.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !kinds.contains(&kind.as_str()) {
        faults.push(format!("unsupported type: {kind} [json-pointer:/view/type]"));
    }
    if kind == "modal" {
        let title = view.get("title").and_then(|title| title.get("text")).and_then(Value::as_str);
        match title {
            None => faults.push("missing required field: title [json-pointer:/view]".to_owned()),
            Some(title) if title.chars().count() > 24 => {
                faults.push("must be less than 25 characters [json-pointer:/view/title/text]".to_owned());
            }
            Some(_) => {}
        }
    }
    if !faults.is_empty() {
        return Err(Error::arguments(&faults));
    }
    let Some(Value::Array(items)) = view.remove("blocks") else {
        return Err(Error::arguments(&["missing required field: blocks [json-pointer:/view]".to_owned()]));
    };
    let accepted = blocks::accept(items, Place::View, seed)
        .map_err(|error| error.renamed("invalid_blocks", "invalid_arguments"))?;
    view.insert("blocks".to_owned(), accepted.into());
    Ok(view)
}

fn shown(cx: &Cx<'_>, row: &Surface) -> Value {
    let body = |key: &str| row.body.get(key).cloned();
    let team = cx.state.team.get().as_ref().map(|team| team.id.clone());
    let bot = cx.state.users.get(&row.user).and_then(crate::state::User::bot_id);
    let value = crate::views::object(json!({
        "id": row.id,
        "team_id": team,
        "type": body("type"),
        "title": body("title"),
        "blocks": body("blocks"),
        "close": body("close"),
        "submit": body("submit"),
        "callback_id": body("callback_id").unwrap_or_else(|| "".into()),
        "private_metadata": body("private_metadata").unwrap_or_else(|| "".into()),
        "external_id": body("external_id").unwrap_or_else(|| "".into()),
        "state": { "values": {} },
        "hash": row.hash,
        "clear_on_close": body("clear_on_close").unwrap_or_else(|| false.into()),
        "notify_on_close": body("notify_on_close").unwrap_or_else(|| false.into()),
        "root_view_id": row.root,
        "previous_view_id": row.previous,
        "app_id": APP,
        "app_installed_team_id": team,
        "bot_id": bot,
    }));
    // What a view does not have is left out.
    Value::Object(value.into_iter().filter(|(_, value)| !value.is_null()).collect())
}

fn hash(cx: &Cx<'_>, body: &Map<String, Value>) -> String {
    let digest = hex_id(&format!("{}/{}", cx.now().0, Value::Object(body.clone())));
    format!("{}.{}", cx.now().seconds(), digest.get(..8).unwrap_or_default())
}

fn taken(cx: &Cx<'_>, body: &Map<String, Value>, but: &str) -> bool {
    let wanted = body.get("external_id").and_then(Value::as_str).filter(|id| !id.is_empty());
    let own = |row: &Surface| row.body.get("external_id").and_then(Value::as_str).map(str::to_owned);
    wanted.is_some_and(|wanted| {
        cx.state.surfaces.values().any(|row| row.id != but && own(row).as_deref() == Some(wanted))
    })
}

fn put(cx: &mut Cx<'_>, before: Option<&Surface>, row: Surface) -> Answer {
    let view = shown(cx, &row);
    cx.changed(before.map(export::surface), Some(export::surface(&row)));
    cx.state.surfaces.insert(row.id.clone(), row);
    Answer::ok().with("view", view)
}

fn open(cx: &mut Cx<'_>, actor: &Actor, body: Map<String, Value>, below: Option<&Surface>) -> Outcome {
    if taken(cx, &body, "") {
        return refuse("duplicate_external_id");
    }
    let id = cx.state.id("V");
    let row = Surface {
        hash: hash(cx, &body),
        root: below.map_or_else(|| id.clone(), |below| below.root.clone()),
        previous: below.map(|below| below.id.clone()),
        id,
        user: actor.id.clone(),
        body: Value::Object(body),
    };
    Ok(put(cx, None, row))
}

/// Opens a modal.
#[derive(Deserialize)]
pub(crate) struct Open {
    trigger_id: Option<String>,
    interactivity_pointer: Option<String>,
    view: Option<Structured>,
}

impl Action<Slack> for Open {
    const NAME: &'static str = "views.open";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let trigger = given(self.trigger_id.as_ref()).or(given(self.interactivity_pointer.as_ref()));
        trigger.ok_or_else(|| Error::missing("trigger_id"))?;
        let seed = super::chat::seed(cx);
        let body = accept(self.view, &["modal"], &seed)?;
        open(cx, &actor, body, None)
    }
}

/// Puts a modal on top of the one that was opened last.
#[derive(Deserialize)]
pub(crate) struct Push {
    trigger_id: Option<String>,
    interactivity_pointer: Option<String>,
    view: Option<Structured>,
}

impl Action<Slack> for Push {
    const NAME: &'static str = "views.push";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let trigger = given(self.trigger_id.as_ref()).or(given(self.interactivity_pointer.as_ref()));
        trigger.ok_or_else(|| Error::missing("trigger_id"))?;
        let seed = super::chat::seed(cx);
        let body = accept(self.view, &["modal"], &seed)?;
        let is_modal = |row: &&Surface| row.user == actor.id && row.body.get("type") == Some(&"modal".into());
        let Some(top) = cx.state.surfaces.values().rev().find(is_modal).cloned() else { return refuse("not_found") };
        let depth = cx.state.surfaces.values().filter(|row| row.root == top.root).count();
        if depth >= 3 {
            return refuse("push_limit_reached");
        }
        open(cx, &actor, body, Some(&top))
    }
}

/// Replaces an open view.
#[derive(Deserialize)]
pub(crate) struct Update {
    view_id: Option<String>,
    external_id: Option<String>,
    view: Option<Structured>,
    hash: Option<String>,
}

impl Action<Slack> for Update {
    const NAME: &'static str = "views.update";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        access::actor(cx)?;
        let seed = super::chat::seed(cx);
        let body = accept(self.view, &["modal", "home"], &seed)?;
        let named = given(self.view_id.as_ref()).and_then(|id| cx.state.surfaces.get(&id.to_owned()));
        let external = given(self.external_id.as_ref());
        let by_name = || {
            let fits = |row: &&Surface| row.body.get("external_id").and_then(Value::as_str) == external;
            external.and_then(|_| cx.state.surfaces.values().find(fits))
        };
        let Some(before) = named.or_else(by_name).cloned() else { return refuse("not_found") };
        if given(self.hash.as_ref()).is_some_and(|hash| hash != before.hash) {
            return refuse("hash_conflict");
        }
        if taken(cx, &body, &before.id) {
            return refuse("duplicate_external_id");
        }
        let row = Surface { hash: hash(cx, &body), body: Value::Object(body), ..before.clone() };
        Ok(put(cx, Some(&before), row))
    }
}

/// Shows a home tab to a user.
#[derive(Deserialize)]
pub(crate) struct Publish {
    user_id: Option<String>,
    view: Option<Structured>,
    hash: Option<String>,
}

impl Action<Slack> for Publish {
    const NAME: &'static str = "views.publish";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        access::actor(cx)?;
        let user = given(self.user_id.as_ref()).ok_or_else(|| Error::missing("user_id"))?.to_owned();
        let user = access::user(cx, Some(&user))?;
        let seed = super::chat::seed(cx);
        let body = accept(self.view, &["home"], &seed)?;
        let home = |row: &&Surface| row.user == user.id && row.body.get("type") == Some(&"home".into());
        let before = cx.state.surfaces.values().find(home).cloned();
        if let (Some(before), Some(hash)) = (&before, given(self.hash.as_ref()))
            && before.hash != hash
        {
            return refuse("hash_conflict");
        }
        let id = before.as_ref().map(|row| row.id.clone());
        let id = id.unwrap_or_else(|| cx.state.id("V"));
        let row = Surface {
            hash: hash(cx, &body),
            root: id.clone(),
            previous: None,
            id,
            user: user.id,
            body: Value::Object(body),
        };
        Ok(put(cx, before.as_ref(), row))
    }
}
