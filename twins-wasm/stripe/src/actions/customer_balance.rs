//! A customer's balance and discount.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::Value;

use crate::Stripe;
use crate::answer::Answer;
use crate::billing::balance::{self, Entry};
use crate::billing::timeline;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::lists::{Page, page};
use crate::money;
use crate::params::{self, Text};

/// Changes what a customer owes or is owed; less than 0 is credit.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    customer: String,
    amount: i64,
    #[serde(default)]
    currency: Text,
    #[serde(default)]
    description: Text,
    metadata: Option<Value>,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_customer_balance_transaction";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let customer = cx.live(Kind::Customer, &self.customer)?;
        timeline::enter(cx, &customer);
        let currency = money::currency(params::required(&self.currency, "currency")?)?;
        let metadata = params::new_metadata(self.metadata.as_ref())?;
        let entry = Entry {
            kind: "adjustment",
            amount: self.amount,
            currency: &currency,
            invoice: None,
            credit_note: None,
            description: self.description.text(),
        };
        let row = balance::post(cx, &self.customer, &entry);
        let kind = Kind::CustomerBalanceTransaction;
        let change = cx.alter(kind, row.id(), |row| row.set("metadata", metadata));
        Answer::doc(cx, &change.after)
    }
}

fn one(cx: &Cx<'_, Stripe>, customer: &str, id: &str) -> Result<Doc, Error> {
    cx.live(Kind::Customer, customer)?;
    let row = cx.get(Kind::CustomerBalanceTransaction, id)?;
    if row.text("customer") == customer { Ok(row) } else { Err(Error::missing(Kind::CustomerBalanceTransaction, id)) }
}

/// One change of a balance.
#[derive(Debug, Deserialize)]
pub(crate) struct Retrieve {
    customer: String,
    id: String,
}

impl Action<Stripe> for Retrieve {
    const NAME: &'static str = "retrieve_customer_balance_transaction";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        Answer::doc(cx, &one(cx, &self.customer, &self.id)?)
    }
}

/// Says something else about a change of a balance.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    customer: String,
    id: String,
    #[serde(default)]
    description: Text,
    metadata: Option<Value>,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_customer_balance_transaction";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut row = one(cx, &self.customer, &self.id)?;
        self.description.apply(&mut row, "description");
        params::merge_metadata(row.object_mut("metadata"), self.metadata.as_ref())?;
        let change = cx.alter(Kind::CustomerBalanceTransaction, &self.id, |stored| *stored = row);
        Answer::doc(cx, &change.after)
    }
}

/// The changes of a customer's balance, newest first.
#[derive(Debug, Deserialize)]
pub(crate) struct List {
    customer: String,
    invoice: Option<String>,
    limit: Option<i64>,
    starting_after: Option<String>,
    ending_before: Option<String>,
    created: Option<Value>,
}

impl Action<Stripe> for List {
    const NAME: &'static str = "list_customer_balance_transactions";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        cx.live(Kind::Customer, &self.customer)?;
        let url = format!("/v1/customers/{}/balance_transactions", self.customer);
        let Self { limit, starting_after, ending_before, created, .. } = &self;
        let asked = Page {
            limit: *limit,
            starting_after: starting_after.clone(),
            ending_before: ending_before.clone(),
            created: created.clone(),
        };
        page(cx, Kind::CustomerBalanceTransaction, &url, &asked, |row| {
            row.text("customer") == self.customer && crate::lists::fits(row, "invoice", self.invoice.as_deref())
        })
    }
}

/// Takes a customer's discount away.
#[derive(Debug, Deserialize)]
pub(crate) struct DeleteDiscount {
    customer: String,
}

impl Action<Stripe> for DeleteDiscount {
    const NAME: &'static str = "delete_customer_discount";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let customer = cx.live(Kind::Customer, &self.customer)?;
        if customer.get("discount").is_null() {
            let message = format!("No active discount for customer: {}", self.customer);
            return Err(Error::invalid(message).status(404).code("resource_missing"));
        }
        let mut gone = Doc::new(customer.get("discount").clone());
        let change = cx.alter(Kind::Customer, &self.customer, |customer| customer.set("discount", Value::Null));
        cx.emit("customer.discount.deleted", &gone);
        cx.emit_change("customer.updated", &change);
        gone.set("deleted", true);
        Answer::doc(cx, &gone)
    }
}
