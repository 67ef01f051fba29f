//! What happens when time passes.

use pome_twin_kit::Cx;
use serde_json::Value;

use crate::Stripe;
use crate::actions::{balance, refunds};
use crate::billing::timeline;
use crate::desk;
use crate::kind::Kind;

/// Does what has become due, in the order in which it did.
pub(crate) fn advance(cx: &mut Cx<'_, Stripe>) {
    let now = i64::try_from(cx.now().seconds()).unwrap_or(i64::MAX);
    let mut due: Vec<(i64, u64, Kind, String, String)> = Vec::new();
    for kind in [Kind::Refund, Kind::Payout] {
        for row in cx.state.all(kind) {
            let at = row.hidden.get("settles_at").and_then(Value::as_i64).filter(|at| *at <= now);
            due.extend(at.map(|at| (at, row.seq, kind, row.account.clone(), row.object.id().to_owned())));
        }
    }
    due.sort();
    for (_, _, kind, account, id) in due {
        desk::act_for(cx, &account);
        match kind {
            Kind::Refund => refunds::settle(cx, &id),
            Kind::Payout => balance::arrive(cx, &id),
            _ => {}
        }
    }
    timeline::advance(cx);
}
