//! What can be asserted: the sentences and the code behind them.

use pome_twin_kit::checks::{Check, Relaxed, Slot};

pub(crate) const CHECKS: &[Check] = &[];
pub(crate) const SLOTS: &[Slot] = &[];
pub(crate) const RELAXED: &[Relaxed] = &[];
