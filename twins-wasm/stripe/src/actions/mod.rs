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
pub(crate) mod sources;
pub(crate) mod x402;

// billing
pub(crate) mod checkout;
pub(crate) mod checkout_pages;
pub(crate) mod coupons;
pub(crate) mod credit_notes;
pub(crate) mod customer_balance;
pub(crate) mod invoice_items;
pub(crate) mod invoice_lines;
pub(crate) mod invoice_previews;
pub(crate) mod invoices;
pub(crate) mod payment_links;
pub(crate) mod quotes;
pub(crate) mod setup_intents;
pub(crate) mod shipping_rates;
pub(crate) mod subscription_ends;
pub(crate) mod subscription_items;
pub(crate) mod subscriptions;
pub(crate) mod tax_rates;
pub(crate) mod test_clocks;
