//! The lines of an invoice and what they add up to.

use pome_twin_kit::Cx;
use serde_json::{Value, json};

use super::{amounts, discounts};
use crate::Stripe;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::kind::Kind;
use crate::objects;

/// What a line is made of.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) description: Option<String>,
    pub(crate) price: Option<Doc>,
    pub(crate) quantity: i64,
    /// From and to, unix seconds.
    pub(crate) period: (i64, i64),
    pub(crate) parent: Value,
    pub(crate) discounts: Vec<String>,
    pub(crate) metadata: Value,
    pub(crate) subscription: Option<String>,
}

impl Line {
    pub(crate) fn write(self, cx: &Cx<'_, Stripe>) -> Doc {
        let mut line = Doc::new(objects::line_item());
        line.set("id", cx.fresh("il"));
        line.set("amount", self.amount);
        line.set("subtotal", self.amount);
        line.set("currency", self.currency);
        line.set("description", self.description);
        line.set("pricing", self.price.as_ref().map_or(Value::Null, pricing));
        line.set("quantity", self.quantity);
        line.set("quantity_decimal", self.quantity.to_string());
        line.set("period", json!({ "end": self.period.1, "start": self.period.0 }));
        line.set("parent", self.parent);
        line.set("discounts", self.discounts);
        line.set("metadata", self.metadata);
        line.set("subscription", self.subscription);
        line
    }
}

/// The `pricing` of a line.
pub(crate) fn pricing(price: &Doc) -> Value {
    json!({
        "price_details": { "price": price.id(), "product": price.get("product") },
        "type": "price_details",
        "unit_amount_decimal": price.get("unit_amount_decimal"),
    })
}

/// The line of an invoice item.
pub(crate) fn of_item(cx: &Cx<'_, Stripe>, item: &Doc) -> Doc {
    let subscription = item.at("/parent/subscription_details/subscription").clone();
    let mut line = Doc::new(objects::line_item());
    let kept = cx.hidden(Kind::InvoiceItem, item.id(), "line");
    line.set("id", if kept.is_null() { cx.fresh("il").into() } else { kept });
    let taken = ["currency", "description", "discountable", "discounts", "metadata", "period", "pricing", "quantity"];
    for name in taken {
        line.set(name, item.get(name).clone());
    }
    line.set("quantity_decimal", item.get("quantity_decimal").clone());
    line.set("amount", item.number("amount"));
    line.set("subtotal", item.number("amount"));
    line.set("subscription", subscription.clone());
    let details = json!({ "credited_items": null });
    let proration = item.flag("proration");
    line.set(
        "parent",
        json!({
            "invoice_item_details": {
                "invoice_item": item.id(), "proration": proration,
                "proration_details": if proration { details } else { Value::Null }, "subscription": subscription,
            },
            "subscription_item_details": null,
            "type": "invoice_item_details",
        }),
    );
    line
}

/// The tax rates of a line: its own, or those of the whole invoice.
fn rates(cx: &Cx<'_, Stripe>, line: &Doc, default: &Value) -> Vec<Doc> {
    let own = |kind: Kind, id: &Value| {
        let row = id.as_str().and_then(|id| cx.find(kind, id));
        row.and_then(|row| row.object.get("tax_rates").as_array().cloned()).unwrap_or_default()
    };
    let item = own(Kind::InvoiceItem, line.at("/parent/invoice_item_details/invoice_item"));
    let subscribed = own(Kind::SubscriptionItem, line.at("/parent/subscription_item_details/subscription_item"));
    let all = [item, subscribed, default.as_array().cloned().unwrap_or_default()];
    let rates = all.into_iter().find(|rates| !rates.is_empty()).unwrap_or_default();
    rates.into_iter().map(Doc::new).collect()
}

/// Writes lines into an invoice, with discounts, taxes and totals. What the customer's balance does is not looked at.
pub(crate) fn total(cx: &Cx<'_, Stripe>, invoice: &mut Doc, mut lines: Vec<Doc>) {
    let mut left: Vec<i64> = lines.iter().map(|line| line.number("amount")).collect();
    let subtotal: i64 = left.iter().sum();
    let mut per_line: Vec<Vec<Value>> = vec![Vec::new(); lines.len()];
    let mut per_discount: Vec<(String, i64)> = Vec::new();
    let mut note = |at: usize, id: &str, amount: i64, left: &mut [i64]| {
        if let (Some(noted), Some(left)) = (per_line.get_mut(at), left.get_mut(at)) {
            noted.push(json!({ "amount": amount, "discount": id }));
            *left -= amount;
        }
        match per_discount.iter_mut().find(|(known, _)| known == id) {
            Some((_, sum)) => *sum += amount,
            None => per_discount.push((id.to_owned(), amount)),
        }
    };
    let product = |line: &Doc| line.at("/pricing/price_details/product").as_str().map(str::to_owned);
    for (at, line) in lines.iter().enumerate() {
        for id in discounts::ids(line) {
            let base = left.get(at).copied().unwrap_or_default();
            let off = discounts::off(cx, &id, &[(base, product(line))]).first().copied().unwrap_or_default();
            note(at, &id, off, &mut left);
        }
    }
    for id in discounts::ids(invoice) {
        let part = |(line, left): (&Doc, &i64)| (if line.flag("discountable") { *left } else { 0 }, product(line));
        let parts: Vec<_> = lines.iter().zip(&left).map(part).collect();
        for (at, off) in discounts::off(cx, &id, &parts).into_iter().enumerate() {
            if parts.get(at).is_some_and(|(amount, _)| *amount != 0) {
                note(at, &id, off, &mut left);
            }
        }
    }
    let default_rates = invoice.get("default_tax_rates").clone();
    let exempt = matches!(invoice.text("customer_tax_exempt"), "exempt" | "reverse");
    let mut taxes: Vec<Value> = Vec::new();
    let (mut exclusive, mut inclusive) = (0, 0);
    for ((line, left), noted) in lines.iter_mut().zip(&left).zip(per_line) {
        let rates = rates(cx, line, &default_rates);
        let within: i64 = rates
            .iter()
            .filter(|rate| rate.flag("inclusive"))
            .map(|rate| amounts::percentage(rate.get("percentage")))
            .sum();
        let mut own = Vec::new();
        for rate in &rates {
            let percentage = amounts::percentage(rate.get("percentage"));
            let amount = match (exempt, rate.flag("inclusive")) {
                (true, _) => 0,
                (false, true) => amounts::share(*left, percentage, amounts::WHOLE + within),
                (false, false) => amounts::share(*left, percentage, amounts::WHOLE),
            };
            let behavior = if rate.flag("inclusive") { "inclusive" } else { "exclusive" };
            *(if rate.flag("inclusive") { &mut inclusive } else { &mut exclusive }) += amount;
            own.push(json!({
                "amount": amount, "tax_behavior": behavior, "tax_rate_details": { "tax_rate": rate.id() },
                "taxability_reason": if exempt { "customer_exempt" } else { "not_available" },
                "taxable_amount": *left, "type": "tax_rate_details",
            }));
        }
        for tax in &own {
            let place = |known: &&mut Value| known["tax_rate_details"] == tax["tax_rate_details"];
            match taxes.iter_mut().find(place) {
                Some(known) => {
                    for name in ["amount", "taxable_amount"] {
                        let sum = known[name].as_i64().unwrap_or_default() + tax[name].as_i64().unwrap_or_default();
                        known[name] = sum.into();
                    }
                }
                None => taxes.push(tax.clone()),
            }
        }
        line.set("discount_amounts", noted);
        line.set("taxes", own);
        line.set("invoice", invoice.get("id").clone());
    }
    let off: i64 = per_discount.iter().map(|(_, amount)| amount).sum();
    let total = subtotal - off + exclusive + invoice.number("amount_shipping");
    let discounted: Vec<Value> =
        per_discount.into_iter().map(|(id, amount)| json!({ "amount": amount, "discount": id })).collect();
    let url = format!("/v1/invoices/{}/lines", invoice.id());
    let count = lines.len();
    let data: Vec<Value> = lines.into_iter().map(|line| line.json()).collect();
    invoice
        .set("lines", json!({ "object": "list", "data": data, "has_more": false, "total_count": count, "url": url }));
    invoice.set("subtotal", subtotal);
    invoice.set("subtotal_excluding_tax", subtotal - inclusive);
    invoice.set("total", total);
    invoice.set("total_excluding_tax", total - exclusive - inclusive);
    invoice.set("total_discount_amounts", discounted);
    invoice.set("total_taxes", taxes);
}
