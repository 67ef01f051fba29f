//! What can be done, by area.

pub(crate) mod balance;
pub(crate) mod charges;
pub(crate) mod charging;
pub(crate) mod confirming;
pub(crate) mod customers;
pub(crate) mod disputes;
pub(crate) mod outcomes;
pub(crate) mod payment_intents;
pub(crate) mod payment_methods;
pub(crate) mod platform;
pub(crate) mod prices;
pub(crate) mod products;
pub(crate) mod refunds;
pub(crate) mod x402;
