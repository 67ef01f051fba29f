//! What twins asked to have sent, such as webhooks: kept in order of their due time, to be sent outside the sandbox.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use pome_sandbox::Delivery;

/// Deliveries that wait, by session.
#[derive(Debug, Default)]
pub(crate) struct Deliveries(Mutex<BTreeMap<String, Vec<Delivery>>>);

impl Deliveries {
    /// Takes what a call asked for.
    pub(crate) fn add(&self, sid: &str, deliveries: Vec<Delivery>) {
        if deliveries.is_empty() {
            return;
        }
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let list = waiting.entry(sid.to_owned()).or_default();
        list.extend(deliveries);
        // Stable: what is due at the same time keeps the order in which it was asked for.
        list.sort_by_key(|delivery| delivery.due);
    }

    /// How many wait for a session.
    pub(crate) fn waiting(&self, sid: &str) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(sid).map_or(0, Vec::len)
    }
}
