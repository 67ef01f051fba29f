//! Billing: what invoices and subscriptions do, whoever asks for it. A call, a payment and the passing of time all end here.
//!
//! `calendar` counts periods, `amounts` computes what is owed, `items` and `invoices` write it down, `collecting` takes the
//! money, `subscriptions` bill again and again, `discounts` make it cheaper, and `timeline` does what has become due.

pub(crate) mod amounts;
pub(crate) mod balance;
pub(crate) mod calendar;
pub(crate) mod collecting;
pub(crate) mod discounts;
pub(crate) mod invoices;
pub(crate) mod items;
pub(crate) mod lines;
pub(crate) mod prices;
pub(crate) mod sale;
pub(crate) mod subscriptions;
pub(crate) mod timeline;

use pome_twin_kit::Cx;
use serde_json::{Value, json};

use crate::Stripe;
use crate::desk::Desk;
use crate::kind::Kind;

/// Members that an object has only when they are asked for.
pub(crate) fn included(cx: &Cx<'_, Stripe>, kind: Kind, id: &str, name: &str) -> Option<Value> {
    match (kind, name) {
        (Kind::Invoice, "confirmation_secret") => {
            let intent = collecting::intent(cx, id)?;
            Some(json!({ "client_secret": intent.get("client_secret"), "type": "payment_intent" }))
        }
        // As older versions have it.
        (Kind::Invoice, "payment_intent") => Some(collecting::intent(cx, id)?.get("id").clone()),
        (Kind::CheckoutSession | Kind::PaymentLink | Kind::Quote, "line_items") => {
            let list = cx.hidden(kind, id, "line_items");
            list.is_object().then_some(list)
        }
        (Kind::Coupon, "applies_to") => {
            let products = cx.hidden(kind, id, "products");
            products.is_array().then(|| json!({ "products": products }))
        }
        _ => None,
    }
}
