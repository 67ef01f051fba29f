//! The tools, in the order in which they are listed.

use pome_twin_kit::Tool;

use crate::Stripe;

pub(crate) const TOOLS: &[Tool<Stripe>] = &[];
