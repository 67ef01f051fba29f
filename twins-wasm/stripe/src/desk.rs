//! What actions do with objects: find, create, change, announce. Everything stays within the caller's account.

use pome_twin_kit::{Action, Cx};
use serde_json::{Map, Value};

use crate::Stripe;
use crate::doc::Doc;
use crate::error::Error;
use crate::events;
use crate::ids;
use crate::kind::Kind;
use crate::state::Row;

/// An object before and after a change.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) before: Doc,
    pub(crate) after: Doc,
}

/// The context, with the words of this twin.
pub(crate) trait Desk {
    /// The caller's account.
    fn account(&self) -> String;

    /// Unix seconds: of the session, or of the test clock that is looked at.
    fn seconds(&self) -> i64;

    /// A new id: prefix, `_`, 24 letters and digits.
    fn fresh(&self, prefix: &str) -> String;

    /// The object in the path; 404 when it is not there. A deleted one is there as its stub.
    fn get(&self, kind: Kind, id: &str) -> Result<Doc, Error>;

    /// The object in the path; 404 when it is not there or deleted.
    fn live(&self, kind: Kind, id: &str) -> Result<Doc, Error>;

    /// An object that the input `param` refers to; 400 when it is not there or deleted.
    fn refer(&self, kind: Kind, id: &str, param: &str) -> Result<Doc, Error>;

    fn find(&self, kind: Kind, id: &str) -> Option<&Row>;

    /// Objects that are not deleted, newest first.
    fn each(&self, kind: Kind) -> Vec<&Row>;

    /// Adds an object, whose `id` and `created` it has itself.
    fn add(&mut self, kind: Kind, object: Doc, hidden: Map<String, Value>);

    /// Changes an object that is there. Nothing happens to one that is not.
    fn alter(&mut self, kind: Kind, id: &str, change: impl FnOnce(&mut Doc)) -> Change;

    /// Something that the vendor does not show of an object.
    fn hidden(&self, kind: Kind, id: &str, name: &str) -> Value;

    fn hide(&mut self, kind: Kind, id: &str, name: &str, value: Value);

    /// Records an event with the object as it is now and sends it to the endpoints that listen.
    fn emit(&mut self, name: &str, object: &Doc);

    /// An event about a change, with the attributes as they were. An event that changed nothing is none.
    fn emit_change(&mut self, name: &str, change: &Change);
}

impl Desk for Cx<'_, Stripe> {
    fn account(&self) -> String {
        if let Some(account) = self.common.get(ACTING).and_then(Value::as_str) {
            return account.to_owned();
        }
        let claims: Value = serde_json::from_slice(&self.caller.claims).unwrap_or_default();
        match claims.get("account_id").and_then(Value::as_str) {
            Some(account) => account.to_owned(),
            None => format!("acct_{}", self.caller.sid),
        }
    }

    fn seconds(&self) -> i64 {
        if let Some(clock) = self.common.get(CLOCK).and_then(Value::as_i64) {
            return clock;
        }
        i64::try_from(self.now().seconds()).unwrap_or(i64::MAX)
    }

    fn fresh(&self, prefix: &str) -> String {
        format!("{prefix}_{}", ids::suffix(24, || self.random()))
    }

    fn get(&self, kind: Kind, id: &str) -> Result<Doc, Error> {
        self.find(kind, id).map(|row| row.object.clone()).ok_or_else(|| Error::missing(kind, id))
    }

    fn live(&self, kind: Kind, id: &str) -> Result<Doc, Error> {
        let row = self.find(kind, id).filter(|row| !row.deleted());
        row.map(|row| row.object.clone()).ok_or_else(|| Error::missing(kind, id))
    }

    fn refer(&self, kind: Kind, id: &str, param: &str) -> Result<Doc, Error> {
        let row = self.find(kind, id).filter(|row| !row.deleted());
        row.map(|row| row.object.clone()).ok_or_else(|| Error::dangling(kind, id, param))
    }

    fn find(&self, kind: Kind, id: &str) -> Option<&Row> {
        self.state.row(&self.account(), kind, id)
    }

    fn each(&self, kind: Kind) -> Vec<&Row> {
        let mut rows = self.state.rows(&self.account(), kind);
        rows.retain(|row| !row.deleted());
        rows
    }

    fn add(&mut self, kind: Kind, object: Doc, hidden: Map<String, Value>) {
        let account = self.account();
        let seq = self.state.seq.next();
        // A few kinds do not show when they were created.
        let created = object.get("created").as_i64().unwrap_or_else(|| self.seconds());
        let id = object.id().to_owned();
        self.state.objects.insert((kind, id), Row { account, seq, created, object, hidden });
    }

    fn alter(&mut self, kind: Kind, id: &str, change: impl FnOnce(&mut Doc)) -> Change {
        match self.state.objects.get_mut(&(kind, id.to_owned())) {
            Some(row) => {
                let before = row.object.clone();
                change(&mut row.object);
                Change { before, after: row.object.clone() }
            }
            None => Change { before: Doc::default(), after: Doc::default() },
        }
    }

    fn hidden(&self, kind: Kind, id: &str, name: &str) -> Value {
        self.find(kind, id).and_then(|row| row.hidden.get(name)).cloned().unwrap_or_default()
    }

    fn hide(&mut self, kind: Kind, id: &str, name: &str, value: Value) {
        if let Some(row) = self.state.objects.get_mut(&(kind, id.to_owned())) {
            row.hidden.insert(name.to_owned(), value);
        }
    }

    fn emit(&mut self, name: &str, object: &Doc) {
        events::emit(self, name, object, None);
    }

    fn emit_change(&mut self, name: &str, change: &Change) {
        let previous = change.after.previous(&change.before);
        if !previous.is_empty() {
            events::emit(self, name, &change.after, Some(previous));
        }
    }
}

/// Where [`act_for`] leaves the account.
pub(crate) const ACTING: &str = "account";

/// Makes what follows happen in an account, for what happens by itself.
pub(crate) fn act_for(cx: &mut Cx<'_, Stripe>, account: &str) {
    cx.common.insert(ACTING.to_owned(), account.into());
}

/// What a test clock shows, while the objects of its customers are looked at.
pub(crate) const CLOCK: &str = "clock";

/// Does one action as a part of another: what the request wants expanded is not this one's answer.
pub(crate) fn within<A: Action<Stripe>>(cx: &mut Cx<'_, Stripe>, action: A) -> Result<(), Error> {
    let expand = cx.common.remove(EXPAND);
    let outcome = action.run(cx).map(|_| ());
    if let Some(expand) = expand {
        cx.common.insert(EXPAND.to_owned(), expand);
    }
    outcome
}

const EXPAND: &str = "expand";

/// Where [`admit`] leaves the id of the request.
const REQUEST: &str = "request_id";

/// Finds out whose account it is and gives the request its id, before anything else.
pub(crate) fn admit(cx: &mut Cx<'_, Stripe>) {
    let account = cx.account();
    act_for(cx, &account);
    let id = format!("req_{}", ids::suffix(14, || cx.random()));
    cx.common.insert(REQUEST.to_owned(), id.into());
}

/// The id of the request, which every answer and every event names.
pub(crate) fn request_id<'a>(cx: &'a Cx<'_, Stripe>) -> &'a str {
    cx.common.get(REQUEST).and_then(Value::as_str).unwrap_or_default()
}

/// The page about a request.
pub(crate) fn request_log(cx: &Cx<'_, Stripe>) -> String {
    format!("https://dashboard.stripe.com/test/logs/{}?t={}", request_id(cx), cx.seconds())
}
