//! The account's money: every movement is a balance transaction.

use pome_twin_kit::Cx;
use serde_json::{Map, Value, json};

use crate::Stripe;
use crate::desk::Desk;
use crate::kind::Kind;
use crate::objects;

/// One movement, as it is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Movement<'a> {
    /// `charge`, `refund`, `adjustment`, `payout`.
    pub(crate) kind: &'a str,
    pub(crate) category: &'a str,
    /// Minor units; less than 0 leaves the account.
    pub(crate) amount: i64,
    pub(crate) fee: i64,
    pub(crate) currency: &'a str,
    /// The object that it is about.
    pub(crate) source: &'a str,
    pub(crate) description: Option<&'a str>,
}

/// Records a movement and gives its id.
pub(crate) fn post(cx: &mut Cx<'_, Stripe>, movement: &Movement<'_>) -> String {
    let Movement { kind, category, amount, fee, currency, source, description } = *movement;
    let id = cx.fresh("txn");
    let now = cx.seconds();
    let mut transaction = objects::blank(Kind::BalanceTransaction, &id, now);
    transaction.set("amount", amount);
    transaction.set("available_on", now);
    transaction.set("currency", currency);
    transaction.set("description", description);
    transaction.set("fee", fee);
    if fee != 0 {
        let said = if kind == "adjustment" { "Dispute fee" } else { "Stripe processing fees" };
        transaction.set(
            "fee_details",
            json!([{
                "amount": fee, "application": null, "currency": currency, "description": said, "type": "stripe_fee",
            }]),
        );
    }
    transaction.set("net", amount - fee);
    transaction.set("reporting_category", category);
    transaction.set("source", source);
    transaction.set("type", kind);
    cx.add(Kind::BalanceTransaction, transaction, Map::new());
    id
}

/// What the vendor keeps of a sale: nothing unless the seed says so.
pub(crate) fn fee(cx: &Cx<'_, Stripe>, amount: i64) -> i64 {
    let fees = *cx.state.fees.get();
    if fees.basis_points == 0 && fees.fixed == 0 {
        return 0;
    }
    // Halves are rounded up.
    (amount * fees.basis_points + 5000) / 10_000 + fees.fixed
}

/// What is in the account now, by currency.
pub(crate) fn balance(cx: &Cx<'_, Stripe>) -> Value {
    let mut sums: Vec<(String, i64, i64)> = Vec::new();
    let mut rows = cx.each(Kind::BalanceTransaction);
    rows.reverse();
    for row in rows {
        let (currency, net) = (row.object.text("currency"), row.object.number("net"));
        let at = match sums.iter().position(|(known, ..)| known == currency) {
            Some(at) => at,
            None => {
                sums.push((currency.to_owned(), 0, 0));
                sums.len() - 1
            }
        };
        if let Some((_, available, pending)) = sums.get_mut(at) {
            *(if row.object.text("status") == "pending" { pending } else { available }) += net;
        }
    }
    let part = |amount: i64, currency: &str| json!({ "amount": amount, "currency": currency, "source_types": { "card": amount } });
    let available: Vec<Value> = sums.iter().map(|(currency, available, _)| part(*available, currency)).collect();
    let pending: Vec<Value> = sums.iter().map(|(currency, _, pending)| part(*pending, currency)).collect();
    let reserved: Vec<Value> = sums.iter().map(|(currency, ..)| json!({ "amount": 0, "currency": currency })).collect();
    json!({
        "object": "balance", "available": available, "connect_reserved": reserved, "livemode": false, "pending": pending,
        "refund_and_dispute_prefunding": { "available": [], "pending": [] },
    })
}

/// What of a currency could leave the account.
pub(crate) fn available(cx: &Cx<'_, Stripe>, currency: &str) -> i64 {
    let rows = cx.each(Kind::BalanceTransaction).into_iter();
    rows.filter(|row| row.object.text("currency") == currency && row.object.text("status") == "available")
        .map(|row| row.object.number("net"))
        .sum()
}
