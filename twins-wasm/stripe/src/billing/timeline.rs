//! What time brings about. There are several clocks: the session's and every test clock; an object follows the clock of its
//! customer. Due things happen one after the other, each at its own time.

use pome_twin_kit::Cx;
use serde_json::Value;

use super::collecting;
use super::{invoices, subscriptions};
use crate::Stripe;
use crate::actions::{checkout, quotes};
use crate::desk::{ACTING, CLOCK, Desk};
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::state::Row;

/// So many things happen in one go; what is left happens in the next one.
const MOST: usize = 5_000;
const TRIAL_NOTICE: i64 = 3 * 86_400;

/// Something that happens by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Resume,
    TrialNotice,
    Expire,
    CancelAt,
    Renew,
    Finalize,
    Collect,
    ExpireSession,
    ExpireQuote,
}

/// Which clock is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock<'a> {
    Session,
    Test { account: &'a str, id: &'a str },
}

impl Clock<'_> {
    fn shows(self, row: &Row) -> bool {
        // A page does not show its clock.
        let hidden = row.hidden.get("test_clock").and_then(Value::as_str);
        let own = row.object.reference("test_clock").or(hidden);
        match self {
            Self::Session => own.is_none(),
            Self::Test { account, id } => row.account == account && own == Some(id),
        }
    }
}

/// Sees the world at the time of a customer's test clock, when they are on one, for the rest of the call.
pub(crate) fn enter(cx: &mut Cx<'_, Stripe>, customer: &Doc) {
    if let Some(clock) = customer.reference("test_clock").and_then(|id| cx.find(Kind::TestClock, id)) {
        let now = clock.object.number("frozen_time");
        cx.common.insert(CLOCK.to_owned(), now.into());
    }
}

/// [`enter`] by the customer's id.
pub(crate) fn enter_of(cx: &mut Cx<'_, Stripe>, customer: &str) {
    if let Some(customer) = cx.find(Kind::Customer, customer).map(|row| row.object.clone()) {
        enter(cx, &customer);
    }
}

/// Does what is due on a clock up to a time, in order. Afterwards the world is seen as before.
pub(crate) fn run(cx: &mut Cx<'_, Stripe>, clock: Clock<'_>, until: i64) {
    let kept = [ACTING, CLOCK].map(|name| (name, cx.common.remove(name)));
    for _ in 0..MOST {
        let Some(Due { at, account, task, kind, id }) = next(cx, clock, until) else { break };
        cx.common.insert(ACTING.to_owned(), account.into());
        cx.common.insert(CLOCK.to_owned(), at.into());
        if let Err(error) = carry_out(cx, task, &id) {
            // It is not tried again; what could be done of it stays.
            cx.hide(kind, &id, STUCK, error.body(None));
        }
    }
    for (name, value) in kept {
        match value {
            Some(value) => cx.common.insert(name.to_owned(), value),
            None => cx.common.remove(name),
        };
    }
}

/// Where an object says that what was due for it could not be done.
const STUCK: &str = "stuck";

/// Something that is to happen.
struct Due {
    at: i64,
    account: String,
    task: Task,
    kind: Kind,
    id: String,
}

/// The earliest thing that is due.
fn next(cx: &Cx<'_, Stripe>, clock: Clock<'_>, until: i64) -> Option<Due> {
    let mut first: Option<(i64, u64, Task, Kind, &Row)> = None;
    for kind in [Kind::Subscription, Kind::Invoice, Kind::CheckoutSession, Kind::Quote] {
        for row in cx.state.all(kind).filter(|row| clock.shows(row) && !row.hidden.contains_key(STUCK)) {
            let Some((at, task)) = due(kind, row).filter(|(at, _)| *at <= until) else { continue };
            if first.as_ref().is_none_or(|(known, seq, ..)| (at, row.seq) < (*known, *seq)) {
                first = Some((at, row.seq, task, kind, row));
            }
        }
    }
    first.map(|(at, _, task, kind, row)| {
        let id = row.object.id().to_owned();
        Due { at, account: row.account.clone(), task, kind, id }
    })
}

/// What comes next for an object, and when.
fn due(kind: Kind, row: &Row) -> Option<(i64, Task)> {
    let doc = &row.object;
    let at = |name: &str| doc.get(name).as_i64();
    match kind {
        Kind::Subscription => of_subscription(row),
        Kind::Invoice => match doc.text("status") {
            "draft" if doc.flag("auto_advance") => at("automatically_finalizes_at").map(|at| (at, Task::Finalize)),
            "open" => at("next_payment_attempt").map(|at| (at, Task::Collect)),
            _ => None,
        },
        Kind::CheckoutSession if doc.text("status") == "open" => at("expires_at").map(|at| (at, Task::ExpireSession)),
        Kind::Quote if matches!(doc.text("status"), "draft" | "open") => {
            at("expires_at").map(|at| (at, Task::ExpireQuote))
        }
        _ => None,
    }
}

fn of_subscription(row: &Row) -> Option<(i64, Task)> {
    let doc = &row.object;
    let status = doc.text("status");
    if status == "incomplete" {
        return Some((row.created + subscriptions::PATIENCE, Task::Expire));
    }
    if !matches!(status, "trialing" | "active" | "past_due" | "unpaid") {
        return None;
    }
    let (_, end) = subscriptions::period(doc);
    let mut all = vec![(end, Task::Renew)];
    all.extend(doc.get("cancel_at").as_i64().filter(|at| *at != end).map(|at| (at, Task::CancelAt)));
    all.extend(doc.at("/pause_collection/resumes_at").as_i64().map(|at| (at, Task::Resume)));
    if status == "trialing" && row.hidden.get("noticed") != Some(&Value::Bool(true)) {
        all.push((end - TRIAL_NOTICE, Task::TrialNotice));
    }
    all.into_iter().min()
}

fn carry_out(cx: &mut Cx<'_, Stripe>, task: Task, id: &str) -> Result<(), Error> {
    match task {
        Task::Resume => subscriptions::change(cx, id, |subscription| subscription.set("pause_collection", Value::Null)),
        Task::TrialNotice => {
            cx.hide(Kind::Subscription, id, "noticed", true.into());
            let subscription = cx.get(Kind::Subscription, id)?;
            cx.emit("customer.subscription.trial_will_end", &subscription);
        }
        Task::Expire => subscriptions::expire(cx, id),
        Task::CancelAt => subscriptions::cancel(cx, id, "cancellation_requested"),
        Task::Renew => subscriptions::renew(cx, id)?,
        Task::Finalize => {
            cx.alter(Kind::Invoice, id, |invoice| invoice.set("automatically_finalizes_at", Value::Null));
            let invoice = invoices::finalize(cx, id)?;
            collect(cx, &invoice)?;
        }
        Task::Collect => {
            let invoice = cx.get(Kind::Invoice, id)?;
            cx.alter(Kind::Invoice, id, |invoice| invoice.set("next_payment_attempt", Value::Null));
            collect(cx, &invoice)?;
        }
        Task::ExpireSession => checkout::expire(cx, id),
        Task::ExpireQuote => quotes::cancel(cx, id),
    }
    Ok(())
}

/// Takes the money for an invoice that collects itself; one that is sent waits for the customer.
fn collect(cx: &mut Cx<'_, Stripe>, invoice: &Doc) -> Result<(), Error> {
    if invoice.text("status") != "open" {
        return Ok(());
    }
    if invoice.text("collection_method") == "send_invoice" {
        cx.emit("invoice.sent", invoice);
        return Ok(());
    }
    match collecting::method(cx, invoice) {
        Some(method) => collecting::pay(cx, invoice.id(), &method, true).map(|_| ()),
        None => {
            collecting::failed(cx, invoice.id());
            Ok(())
        }
    }
}

/// Does what has become due on the session's clock.
pub(crate) fn advance(cx: &mut Cx<'_, Stripe>) {
    let now = cx.seconds();
    run(cx, Clock::Session, now);
}
