//! What can be done, by area.

pub(crate) mod customers;
pub(crate) mod outcomes;
pub(crate) mod payment_methods;
