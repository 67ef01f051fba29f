//! The data model. Objects are kept as the vendor shows them, each with its account and its place in the order of creation.

use pome_twin_kit::store;
use pome_twin_kit::store::{Cell, Table};
use serde_json::{Map, Value};

use crate::doc::Doc;
use crate::kind::Kind;

/// One stored object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) account: String,
    /// Grows with every object; orders what was created in the same second.
    pub(crate) seq: u64,
    /// Unix seconds; stays when the object becomes the stub of a deleted one.
    pub(crate) created: i64,
    pub(crate) object: Doc,
    /// What the vendor knows of it and does not show.
    pub(crate) hidden: Map<String, Value>,
}

impl Row {
    pub(crate) fn deleted(&self) -> bool {
        self.object.flag("deleted")
    }

    /// The order of lists, oldest first.
    pub(crate) const fn order(&self) -> (i64, u64) {
        (self.created, self.seq)
    }
}

/// A key that a seed hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiKey {
    pub(crate) sid: String,
    pub(crate) account: String,
}

/// The answer to a request that carried an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) fingerprint: String,
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) request: String,
}

/// An open demand for payment of the protected resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) account: String,
    pub(crate) intent: String,
    /// Virtual milliseconds.
    pub(crate) expires: u64,
    pub(crate) settled: bool,
}

/// Everything.
#[derive(Debug, Default)]
pub struct State {
    pub(crate) objects: Table<(Kind, String), Row>,
    pub(crate) seq: Cell<u64>,
    /// By the digest of the key.
    pub(crate) api_keys: Table<String, ApiKey>,
    /// By account, path and key.
    pub(crate) answers: Table<(String, String, String), Stored>,
    /// By address in lower case.
    pub(crate) challenges: Table<String, Challenge>,
    /// Payment headers that were accepted, by account.
    pub(crate) payments: Table<(String, String), ()>,
    /// What the vendor keeps of each sale.
    pub(crate) fees: Cell<Fees>,
}

/// A percentage in hundredths and a fixed part in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fees {
    pub(crate) basis_points: i64,
    pub(crate) fixed: i64,
}

store!(State { objects, seq, api_keys, answers, challenges, payments, fees });

impl State {
    /// Rows of a kind and an account, newest first.
    pub(crate) fn rows(&self, account: &str, kind: Kind) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.all(kind).filter(|row| row.account == account).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.order()));
        rows
    }

    /// Rows of a kind in no particular order.
    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = &Row> {
        self.objects.prefix((kind, String::new()), move |(of, _)| *of == kind).map(|(_, row)| row)
    }

    pub(crate) fn row(&self, account: &str, kind: Kind, id: &str) -> Option<&Row> {
        self.objects.get(&(kind, id.to_owned())).filter(|row| row.account == account)
    }
}
