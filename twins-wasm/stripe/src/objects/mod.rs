//! How every kind of object begins: all of its keys in the vendor's order, with the values that mean nothing. The keys are those
//! of the vendor's own type declarations.

mod billing;
mod cards;
mod checkout;
mod ledger;
mod offers;
mod payments;
mod people;
mod platform;

use serde_json::{Value, json};

pub(crate) use billing::line_item;
pub(crate) use cards::{Card, Effect, TestCard, billing_details, effect, luhn, test_card};
pub(crate) use payments::EVIDENCE;
pub(crate) use platform::account;

use crate::doc::Doc;
use crate::kind::Kind;

/// An object with nothing said about it.
pub(crate) fn blank(kind: Kind, id: &str, created: i64) -> Doc {
    let mut doc = Doc::new(match kind {
        Kind::PaymentIntent => payments::payment_intent(),
        Kind::Charge => payments::charge(),
        Kind::Refund => payments::refund(),
        Kind::Dispute => payments::dispute(),
        Kind::BalanceTransaction => ledger::balance_transaction(),
        Kind::Payout => ledger::payout(),
        Kind::Event => platform::event(),
        Kind::File => platform::file(),
        Kind::WebhookEndpoint => platform::webhook_endpoint(),
        Kind::Token => platform::token(),
        Kind::Customer => people::customer(),
        Kind::PaymentMethod => cards::payment_method(),
        Kind::Product => people::product(),
        Kind::Price => people::price(),
        // billing
        Kind::TestClock => billing::test_clock(),
        Kind::InvoiceItem => billing::invoice_item(),
        Kind::Invoice => billing::invoice(),
        Kind::InvoicePayment => billing::invoice_payment(),
        Kind::Subscription => billing::subscription(),
        Kind::SubscriptionItem => billing::subscription_item(),
        Kind::Coupon => offers::coupon(),
        Kind::PromotionCode => offers::promotion_code(),
        Kind::Discount => offers::discount(),
        Kind::SetupIntent => checkout::setup_intent(),
        Kind::CheckoutSession => checkout::session(),
        Kind::PaymentLink => checkout::payment_link(),
        Kind::PortalSession => checkout::portal_session(),
        Kind::TaxRate => offers::tax_rate(),
        Kind::ShippingRate => offers::shipping_rate(),
        Kind::CreditNote => billing::credit_note(),
        Kind::Quote => checkout::quote(),
        Kind::CustomerBalanceTransaction => billing::customer_balance_transaction(),
    });
    doc.set("id", id);
    doc.set("object", kind.facts().object);
    if doc.members().contains_key("created") {
        doc.set("created", created);
    }
    doc
}

/// An address of which nothing is known.
fn no_address() -> Value {
    json!({ "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null })
}
