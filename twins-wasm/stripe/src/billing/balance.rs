//! What a customer owes or is owed beside invoices. Less than 0 is credit.

use pome_twin_kit::Cx;
use serde_json::Map;

use crate::Stripe;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::kind::Kind;
use crate::objects;

/// A change of a customer's balance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) kind: &'a str,
    /// Minor units; less than 0 is credit.
    pub(crate) amount: i64,
    pub(crate) currency: &'a str,
    pub(crate) invoice: Option<&'a str>,
    pub(crate) credit_note: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
}

/// Changes a customer's balance and gives the entry.
pub(crate) fn post(cx: &mut Cx<'_, Stripe>, customer: &str, entry: &Entry<'_>) -> Doc {
    let id = cx.fresh(Kind::CustomerBalanceTransaction.facts().prefix);
    let change = cx.alter(Kind::Customer, customer, |customer| {
        customer.set("balance", customer.number("balance") + entry.amount);
        if customer.get("currency").is_null() {
            customer.set("currency", entry.currency);
        }
    });
    let mut row = objects::blank(Kind::CustomerBalanceTransaction, &id, cx.seconds());
    row.set("amount", entry.amount);
    row.set("currency", entry.currency);
    row.set("customer", customer);
    row.set("ending_balance", change.after.number("balance"));
    row.set("invoice", entry.invoice);
    row.set("credit_note", entry.credit_note);
    row.set("description", entry.description);
    row.set("type", entry.kind);
    cx.add(Kind::CustomerBalanceTransaction, row.clone(), Map::new());
    cx.emit_change("customer.updated", &change);
    row
}
