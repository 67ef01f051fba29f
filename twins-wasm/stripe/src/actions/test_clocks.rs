//! Test clocks: customers on one live at its time, which moves when it is told to.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Stripe;
use crate::answer::Answer;
use crate::billing::subscriptions;
use crate::billing::timeline::{self, Clock};
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::objects;
use crate::params::Text;

/// A test clock is deleted by itself after so long.
const LIFE: i64 = 30 * 86_400;
const DAY: i64 = 86_400;

/// Creates a test clock.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    frozen_time: i64,
    #[serde(default)]
    name: Text,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_test_clock";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        if self.frozen_time < 1 {
            return Err(Error::at_least(1, "frozen_time"));
        }
        let id = cx.fresh(Kind::TestClock.facts().prefix);
        let mut clock = objects::blank(Kind::TestClock, &id, cx.seconds());
        clock.set("deletes_after", cx.seconds() + LIFE);
        clock.set("frozen_time", self.frozen_time);
        self.name.apply(&mut clock, "name");
        cx.add(Kind::TestClock, clock.clone(), Map::new());
        cx.emit("test_helpers.test_clock.created", &clock);
        Answer::doc(cx, &clock)
    }
}

retrieve! {
    /// One test clock.
    Retrieve = "retrieve_test_clock", Kind::TestClock
}

list! {
    /// Test clocks, newest first.
    List = "list_test_clocks", Kind::TestClock, {}, |_, _| true
}

/// Moves a test clock on. Everything that is due on the way happens; the answer still says that it is under way.
#[derive(Debug, Deserialize)]
pub(crate) struct Advance {
    id: String,
    frozen_time: i64,
}

impl Action<Stripe> for Advance {
    const NAME: &'static str = "advance_test_clock";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let clock = cx.live(Kind::TestClock, &self.id)?;
        let from = clock.number("frozen_time");
        if self.frozen_time <= from {
            let message = "The new frozen_time must be after the clock's current frozen_time.";
            return Err(Error::invalid(message).param("frozen_time"));
        }
        if self.frozen_time > furthest(cx, &self.id, from) {
            let message = "A test clock can be advanced by at most two intervals of its shortest subscription at a time, and by at \
                           most two years when it has none.";
            return Err(Error::invalid(message).param("frozen_time"));
        }
        let advancing = cx.alter(Kind::TestClock, &self.id, |clock| {
            clock.set("status", "advancing");
            clock.set("frozen_time", self.frozen_time);
            clock.set("status_details", json!({ "advancing": { "target_frozen_time": self.frozen_time } }));
        });
        cx.emit("test_helpers.test_clock.advancing", &advancing.after);
        let account = cx.account();
        timeline::run(cx, Clock::Test { account: &account, id: &self.id }, self.frozen_time);
        let ready = cx.alter(Kind::TestClock, &self.id, |clock| {
            clock.set("status", "ready");
            clock.set("status_details", json!({}));
        });
        cx.emit("test_helpers.test_clock.ready", &ready.after);
        Answer::doc(cx, &advancing.after)
    }
}

/// How far a clock can be moved at once: two intervals of the shortest subscription, or two years.
fn furthest(cx: &Cx<'_, Stripe>, clock: &str, from: i64) -> i64 {
    let running = |doc: &Doc| {
        doc.text("test_clock") == clock && matches!(doc.text("status"), "trialing" | "active" | "past_due" | "unpaid")
    };
    let rows = cx.each(Kind::Subscription).into_iter().filter(|row| running(&row.object));
    let two = rows.map(|row| {
        let length = subscriptions::length(&row.object);
        let (_, end) = subscriptions::period(&row.object);
        let whole = length.after(from, length.after(from, from));
        // A trial may be longer than the intervals after it.
        whole.max(end + DAY)
    });
    two.min().unwrap_or(from + 2 * 366 * DAY)
}

/// Deletes a test clock with its customers; their subscriptions end.
#[derive(Debug, Deserialize)]
pub(crate) struct Delete {
    id: String,
}

impl Action<Stripe> for Delete {
    const NAME: &'static str = "delete_test_clock";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let clock = cx.live(Kind::TestClock, &self.id)?;
        let on = |row: &&crate::state::Row| row.object.text("test_clock") == self.id;
        let customers: Vec<Doc> =
            cx.each(Kind::Customer).into_iter().filter(on).map(|row| row.object.clone()).collect();
        for customer in customers {
            timeline::enter(cx, &customer);
            super::customers::remove(cx, &customer);
        }
        let stub = Doc::new(json!({ "id": self.id, "object": "test_helpers.test_clock", "deleted": true }));
        cx.alter(Kind::TestClock, &self.id, |stored| *stored = stub.clone());
        cx.emit("test_helpers.test_clock.deleted", &clock);
        Answer::doc(cx, &stub)
    }
}

/// Deleted customers leave nothing that goes on: their subscriptions end.
pub(crate) fn follow_customers(cx: &mut Cx<'_, Stripe>) {
    let gone: Vec<String> = cx
        .state
        .objects
        .pending()
        .filter(|((kind, _), _, new)| *kind == Kind::Customer && new.is_some_and(crate::state::Row::deleted))
        .map(|((_, id), ..)| id.clone())
        .collect();
    for customer in gone {
        let runs = |doc: &Doc| {
            doc.text("customer") == customer && !matches!(doc.text("status"), "canceled" | "incomplete_expired" | "")
        };
        let rows = cx.each(Kind::Subscription).into_iter().filter(|row| runs(&row.object));
        let ids: Vec<String> = rows.map(|row| row.object.id().to_owned()).collect();
        for id in ids {
            subscriptions::cancel(cx, &id, "cancellation_requested");
        }
    }
}

/// The clock that an input names.
pub(crate) fn named(cx: &Cx<'_, Stripe>, name: &Text) -> Result<Value, Error> {
    match name.text() {
        Some(id) => Ok(cx.refer(Kind::TestClock, id, "test_clock")?.id().into()),
        None => Ok(Value::Null),
    }
}
