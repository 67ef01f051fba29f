//! What is owed: quantities by prices, parts of periods, shares and percentages. Halves are rounded away from zero.

use serde_json::Value;

use crate::doc::Doc;

/// `amount * part / whole`, rounded.
pub(crate) fn share(amount: i64, part: i64, whole: i64) -> i64 {
    if whole == 0 {
        return 0;
    }
    let (top, whole) = (i128::from(amount) * i128::from(part), i128::from(whole));
    let sign = if (top < 0) == (whole < 0) { 1 } else { -1 };
    let rounded = (top.abs() * 2 + whole.abs()) / (whole.abs() * 2);
    i64::try_from(sign * rounded).unwrap_or_default()
}

/// A percentage in ten-thousandths of a percent.
pub(crate) fn percentage(value: &Value) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a percentage with four decimals is far below the limit")]
    value.as_f64().map_or(0, |percent| (percent * 10_000.0).round() as i64)
}

/// All of it, in the unit of [`percentage`].
pub(crate) const WHOLE: i64 = 1_000_000;

/// `12.5`, so many units of `10^-decimals`.
fn decimal(text: &str) -> Option<(i128, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = u32::try_from(fraction.len()).ok().filter(|digits| *digits <= 12)?;
    Some((format!("{whole}{fraction}").parse().ok()?, digits))
}

/// So many times a decimal amount, rounded.
fn times(unit: &str, quantity: i64) -> i64 {
    let Some((amount, digits)) = decimal(unit) else { return 0 };
    let (top, whole) = (amount * i128::from(quantity), 10_i128.pow(digits));
    let sign = if top < 0 { -1 } else { 1 };
    i64::try_from(sign * ((top.abs() * 2 + whole) / (whole * 2))).unwrap_or_default()
}

/// What a quantity of a price costs.
pub(crate) fn of_price(price: &Doc, quantity: i64) -> i64 {
    if price.text("billing_scheme") == "tiered" {
        return tiered(price, quantity);
    }
    let transform = price.get("transform_quantity");
    let quantity = match transform.get("divide_by").and_then(Value::as_i64).filter(|by| *by > 0) {
        Some(by) if transform.get("round").and_then(Value::as_str) == Some("up") => (quantity + by - 1).div_euclid(by),
        Some(by) => quantity.div_euclid(by),
        None => quantity,
    };
    unit(price.get("unit_amount"), price.get("unit_amount_decimal"), quantity)
}

fn unit(amount: &Value, decimal: &Value, quantity: i64) -> i64 {
    match (amount.as_i64(), decimal.as_str()) {
        (Some(amount), _) => amount.saturating_mul(quantity),
        (None, Some(decimal)) => times(decimal, quantity),
        (None, None) => 0,
    }
}

/// Every unit at the price of the tier it falls into, or all at that of the tier that the quantity reaches.
fn tiered(price: &Doc, quantity: i64) -> i64 {
    let none = Vec::new();
    let tiers = price.get("tiers").as_array().unwrap_or(&none);
    let get = |tier: &Value, name: &str| tier.get(name).cloned().unwrap_or_default();
    let cost = |tier: &Value, units: i64| {
        let flat = unit(&get(tier, "flat_amount"), &get(tier, "flat_amount_decimal"), 1);
        flat + unit(&get(tier, "unit_amount"), &get(tier, "unit_amount_decimal"), units)
    };
    let mut below = 0;
    let mut sum = 0;
    for tier in tiers {
        let end = tier.get("up_to").and_then(Value::as_i64).unwrap_or(i64::MAX);
        if price.text("tiers_mode") == "volume" {
            if quantity <= end {
                return cost(tier, quantity);
            }
        } else if quantity > below || (quantity == 0 && below == 0) {
            sum += cost(tier, quantity.min(end) - below);
        }
        below = end;
    }
    sum
}

/// Splits an amount over parts in proportion to their weights; what rounding leaves goes to the last one that has a weight.
pub(crate) fn split(amount: i64, weights: &[i64]) -> Vec<i64> {
    let whole: i64 = weights.iter().sum();
    let mut out: Vec<i64> = weights.iter().map(|weight| share(amount, *weight, whole)).collect();
    let rest = amount - out.iter().sum::<i64>();
    if let Some(last) = weights.iter().rposition(|weight| *weight != 0)
        && let Some(part) = out.get_mut(last)
    {
        *part += rest;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn shares_are_rounded_and_add_up() {
        assert_eq!((share(1000, 15, 31), share(-1000, 15, 31), share(5, 1, 2)), (484, -484, 3));
        assert_eq!(split(100, &[1, 1, 1]), [33, 33, 34]);
        assert_eq!(split(7, &[5, 0]), [7, 0]);
        assert_eq!(share(1999, percentage(&json!(12.5)), 100 * 10_000), 250);
    }

    #[test]
    fn prices_are_by_unit_by_package_or_by_tier() {
        let price = |value: Value| Doc::new(value);
        assert_eq!(of_price(&price(json!({"unit_amount": 250})), 3), 750);
        assert_eq!(of_price(&price(json!({"unit_amount": null, "unit_amount_decimal": "0.5"})), 3), 2);
        let package = json!({"unit_amount": 100, "transform_quantity": {"divide_by": 5, "round": "up"}});
        assert_eq!(of_price(&price(package), 11), 300);
        let tiers = |mode: &str| {
            price(json!({"billing_scheme": "tiered", "tiers_mode": mode, "tiers": [
                {"up_to": 5, "unit_amount": 100, "flat_amount": null},
                {"up_to": null, "unit_amount": 50, "flat_amount": 10},
            ]}))
        };
        assert_eq!((of_price(&tiers("graduated"), 7), of_price(&tiers("volume"), 7)), (610, 360));
        assert_eq!((of_price(&tiers("graduated"), 5), of_price(&tiers("volume"), 5)), (500, 500));
    }
}
