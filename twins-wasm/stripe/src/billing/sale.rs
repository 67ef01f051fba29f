//! What is offered before anybody buys it: the lines of checkout sessions, payment links and quotes, and what they come to.

use pome_twin_kit::Cx;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{amounts, discounts, prices};
use crate::Stripe;
use crate::actions::tax_rates;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::params;

/// Something offered.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) price: Doc,
    pub(crate) quantity: i64,
    tax_rates: Vec<Doc>,
    adjustable: Value,
}

impl Part {
    pub(crate) fn recurs(&self) -> bool {
        self.price.get("recurring").is_object()
    }
}

/// What the lines come to, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) subtotal: i64,
    pub(crate) discount: i64,
    pub(crate) tax: i64,
    pub(crate) total: i64,
}

/// Reads `line_items`.
pub(crate) fn read(cx: &mut Cx<'_, Stripe>, given: Option<&Value>) -> Result<Vec<Part>, Error> {
    #[derive(Deserialize)]
    struct Line {
        price: Option<String>,
        price_data: Option<Value>,
        quantity: Option<i64>,
        adjustable_quantity: Option<Value>,
        tax_rates: Option<Value>,
    }
    let Some(given) = given else { return Ok(Vec::new()) };
    let Value::Array(all) = given else {
        return Err(Error::invalid("Invalid array").code("parameter_invalid").param("line_items"));
    };
    let mut out: Vec<Part> = Vec::new();
    for (at, line) in all.iter().enumerate() {
        let place = format!("line_items[{at}]");
        let line: Line = params::nested(line, &place)?;
        let price = prices::resolve(cx, line.price.as_deref(), line.price_data.as_ref(), &place)?;
        let price = price.ok_or_else(|| Error::required(&format!("{place}[price]")))?;
        let quantity = line.quantity.unwrap_or(1);
        if quantity < 1 {
            return Err(Error::at_least(1, &format!("{place}[quantity]")));
        }
        if out.first().is_some_and(|first| first.price.text("currency") != price.text("currency")) {
            let message = "All line items must have the same currency.";
            return Err(Error::invalid(message).param("line_items"));
        }
        let rates = tax_rates::named(cx, line.tax_rates.as_ref(), &format!("{place}[tax_rates]"))?;
        let tax_rates = rates.as_array().cloned().unwrap_or_default().into_iter().map(Doc::new).collect();
        out.push(Part { price, quantity, tax_rates, adjustable: line.adjustable_quantity.unwrap_or_default() });
    }
    Ok(out)
}

/// The lines as they are shown, with what a coupon takes off, and their sum.
pub(crate) fn lines(cx: &Cx<'_, Stripe>, parts: &[Part], coupon: Option<&str>) -> (Vec<Value>, Sum) {
    let product = |part: &Part| part.price.reference("product").map(str::to_owned);
    let costs: Vec<_> =
        parts.iter().map(|part| (amounts::of_price(&part.price, part.quantity), product(part))).collect();
    let off = match coupon {
        Some(coupon) => discounts::off_coupon(cx, coupon, &costs),
        None => vec![0; costs.len()],
    };
    let mut sum = Sum::default();
    let mut out = Vec::new();
    for ((part, (cost, _)), off) in parts.iter().zip(&costs).zip(&off) {
        let left = cost - off;
        let within: i64 = part
            .tax_rates
            .iter()
            .filter(|rate| rate.flag("inclusive"))
            .map(|rate| amounts::percentage(rate.get("percentage")))
            .sum();
        let (mut tax, mut added) = (0, 0);
        for rate in &part.tax_rates {
            let percentage = amounts::percentage(rate.get("percentage"));
            if rate.flag("inclusive") {
                tax += amounts::share(left, percentage, amounts::WHOLE + within);
            } else {
                let amount = amounts::share(left, percentage, amounts::WHOLE);
                tax += amount;
                added += amount;
            }
        }
        let total = left + added;
        sum.subtotal += cost;
        sum.discount += off;
        sum.tax += tax;
        sum.total += total;
        out.push(json!({
            "id": cx.fresh("li"), "object": "item", "adjustable_quantity": part.adjustable, "amount_discount": off,
            "amount_subtotal": cost, "amount_tax": tax, "amount_total": total, "currency": part.price.get("currency"),
            "description": prices::product_name(cx, &part.price), "metadata": {}, "price": part.price.json(),
            "quantity": part.quantity,
        }));
    }
    (out, sum)
}

/// A list of lines, as `line_items` shows it.
pub(crate) fn list(lines: &[Value], url: &str) -> Value {
    json!({ "object": "list", "data": lines, "has_more": false, "url": url })
}

/// The lines of an offer again, as a subscription takes them: what recurs, and what is added to the first invoice.
pub(crate) fn subscribed(line_items: &Value) -> (Vec<Value>, Vec<Value>) {
    let all = line_items.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
    let (recurring, once): (Vec<Value>, Vec<Value>) =
        all.into_iter().partition(|line| line["price"]["recurring"].is_object());
    let item = |line: Value| json!({ "price": line["price"]["id"], "quantity": line["quantity"] });
    (recurring.into_iter().map(item).collect(), once.into_iter().map(item).collect())
}
