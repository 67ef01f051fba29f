//! Discounts: a coupon that was given to a customer, a subscription, an invoice or a line.

use pome_twin_kit::Cx;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{amounts, calendar};
use crate::Stripe;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::objects;
use crate::params;

/// What gets a discount: members of the discount, such as `customer`, and who they are.
pub(crate) type Owner<'a> = &'a [(&'a str, &'a str)];

/// The discounts that an input `discounts` asks for, as new ones of their owner; nothing at all asks for none.
pub(crate) fn given(cx: &mut Cx<'_, Stripe>, value: &Value, owner: Owner<'_>) -> Result<Vec<String>, Error> {
    #[derive(Deserialize)]
    struct One {
        coupon: Option<String>,
        promotion_code: Option<String>,
        discount: Option<String>,
    }
    if params::clears(value) {
        return Ok(Vec::new());
    }
    let Value::Array(all) = value else {
        return Err(Error::invalid("Invalid array").code("parameter_invalid").param("discounts"));
    };
    let mut out = Vec::new();
    for (at, one) in all.iter().enumerate() {
        let place = format!("discounts[{at}]");
        let one: One = params::nested(one, &place)?;
        let id = match (one.coupon, one.promotion_code, one.discount) {
            (Some(coupon), None, None) => give(cx, &coupon, &format!("{place}[coupon]"), owner)?,
            (None, Some(code), None) => redeem(cx, &code, &format!("{place}[promotion_code]"), owner)?,
            (None, None, Some(known)) => {
                cx.refer(Kind::Discount, &known, &format!("{place}[discount]"))?.id().to_owned()
            }
            _ => {
                let message = "You must specify exactly one of coupon, promotion_code or discount for each discount.";
                return Err(Error::invalid(message).param(place));
            }
        };
        out.push(id);
    }
    Ok(out)
}

/// Gives a coupon.
pub(crate) fn give(cx: &mut Cx<'_, Stripe>, coupon: &str, param: &str, owner: Owner<'_>) -> Result<String, Error> {
    let coupon = cx.refer(Kind::Coupon, coupon, param)?;
    create(cx, &coupon, None, param, owner)
}

/// Gives the coupon of a promotion code.
pub(crate) fn redeem(cx: &mut Cx<'_, Stripe>, code: &str, param: &str, owner: Owner<'_>) -> Result<String, Error> {
    let code = cx.refer(Kind::PromotionCode, code, param)?;
    let customer = owner.iter().find(|(name, _)| *name == "customer").map(|(_, id)| *id);
    if !code.flag("active") || code.get("expires_at").as_i64().is_some_and(|end| end <= cx.seconds()) {
        let message = format!("The promotion code `{}` is expired or inactive.", code.text("code"));
        return Err(Error::invalid(message).code("promotion_code_inactive").param(param));
    }
    if code.reference("customer").is_some_and(|own| Some(own) != customer) {
        let message = "This promotion code cannot be redeemed because it is associated with a different customer.";
        return Err(Error::invalid(message).code("promotion_code_customer_mismatch").param(param));
    }
    let bought = |customer: &str| {
        let paid =
            |row: &&crate::state::Row| row.object.text("customer") == customer && row.object.text("status") == "paid";
        cx.each(Kind::Invoice).iter().any(paid)
    };
    if code.at("/restrictions/first_time_transaction") == true && customer.is_some_and(bought) {
        let message = "This promotion code cannot be redeemed because the associated customer has prior transactions.";
        return Err(Error::invalid(message).code("promotion_code_not_first_time").param(param));
    }
    let coupon = cx.refer(Kind::Coupon, code.at("/promotion/coupon").as_str().unwrap_or_default(), param)?;
    create(cx, &coupon, Some(&code), param, owner)
}

/// Whether a coupon can still be given.
pub(crate) fn valid(coupon: &Doc, now: i64) -> bool {
    coupon.get("max_redemptions").as_i64().is_none_or(|most| coupon.number("times_redeemed") < most)
        && coupon.get("redeem_by").as_i64().is_none_or(|end| now < end)
}

fn create(
    cx: &mut Cx<'_, Stripe>,
    coupon: &Doc,
    code: Option<&Doc>,
    param: &str,
    owner: Owner<'_>,
) -> Result<String, Error> {
    let now = cx.seconds();
    if !valid(coupon, now) {
        let message = format!("Coupon expired: {}", coupon.id());
        return Err(Error::invalid(message).code("coupon_expired").param(param));
    }
    let id = cx.fresh(Kind::Discount.facts().prefix);
    let mut discount = objects::blank(Kind::Discount, &id, now);
    discount.set("source", json!({ "coupon": coupon.id(), "type": "coupon" }));
    discount.set("start", now);
    for (name, owner) in owner {
        discount.set(name, *owner);
    }
    if let Some(code) = code {
        discount.set("promotion_code", code.id());
        cx.alter(Kind::PromotionCode, code.id(), |code| count(code, "active"));
    }
    if coupon.text("duration") == "repeating" {
        discount.set("end", calendar::add_months(now, coupon.number("duration_in_months")));
    }
    cx.add(Kind::Discount, discount, Map::new());
    cx.alter(Kind::Coupon, coupon.id(), |coupon| count(coupon, "valid"));
    Ok(id)
}

/// One redemption more; the last one makes it unusable.
fn count(doc: &mut Doc, usable: &str) {
    let times = doc.number("times_redeemed") + 1;
    doc.set("times_redeemed", times);
    if doc.get("max_redemptions").as_i64().is_some_and(|most| times >= most) {
        doc.set(usable, false);
    }
}

/// Discounts of which the time has not come to an end.
pub(crate) fn running(cx: &Cx<'_, Stripe>, ids: &[String]) -> Vec<String> {
    let now = cx.seconds();
    let runs = |id: &&String| {
        let discount = cx.find(Kind::Discount, id);
        discount.is_some_and(|row| row.object.get("end").as_i64().is_none_or(|end| now < end))
    };
    ids.iter().filter(runs).cloned().collect()
}

/// What a discount takes off parts that cost so much each, of which it may apply only to some.
pub(crate) fn off(cx: &Cx<'_, Stripe>, id: &str, parts: &[(i64, Option<String>)]) -> Vec<i64> {
    let discount = cx.find(Kind::Discount, id);
    let coupon = discount.and_then(|row| row.object.at("/source/coupon").as_str());
    off_coupon(cx, coupon.unwrap_or_default(), parts)
}

/// What a coupon takes off parts that cost so much each.
pub(crate) fn off_coupon(cx: &Cx<'_, Stripe>, coupon: &str, parts: &[(i64, Option<String>)]) -> Vec<i64> {
    let Some(row) = cx.find(Kind::Coupon, coupon) else { return vec![0; parts.len()] };
    let products = row.hidden.get("products").and_then(Value::as_array);
    let applies = |product: &Option<String>| {
        products.is_none_or(|all| product.as_ref().is_some_and(|product| all.iter().any(|one| one == product.as_str())))
    };
    let weights: Vec<i64> = parts.iter().map(|(amount, product)| if applies(product) { *amount } else { 0 }).collect();
    let base: i64 = weights.iter().sum();
    let whole = match row.object.get("amount_off").as_i64() {
        Some(amount) => amount.min(base.max(0)),
        None => amounts::share(base, amounts::percentage(row.object.get("percent_off")), amounts::WHOLE),
    };
    amounts::split(whole, &weights)
}

/// The ids of a member `discounts`.
pub(crate) fn ids(doc: &Doc) -> Vec<String> {
    let all = doc.get("discounts").as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The discounts that stay after an invoice: one that counts once is spent.
pub(crate) fn unspent(cx: &Cx<'_, Stripe>, ids: &[String]) -> Vec<String> {
    let once = |id: &str| {
        let discount = cx.find(Kind::Discount, id).map(|row| row.object.clone()).unwrap_or_default();
        let coupon = cx.find(Kind::Coupon, discount.at("/source/coupon").as_str().unwrap_or_default());
        coupon.is_some_and(|row| row.object.text("duration") == "once")
    };
    ids.iter().filter(|id| !once(id)).cloned().collect()
}
