//! What makes a sale cheaper or dearer: coupons, promotion codes, discounts, tax rates and shipping rates.

use serde_json::{Value, json};

pub(super) fn coupon() -> Value {
    json!({
        "id": null,
        "object": "coupon",
        "amount_off": null,
        "created": 0,
        "currency": null,
        "duration": "once",
        "duration_in_months": null,
        "livemode": false,
        "max_redemptions": null,
        "metadata": {},
        "name": null,
        "percent_off": null,
        "redeem_by": null,
        "times_redeemed": 0,
        "valid": true,
    })
}

pub(super) fn promotion_code() -> Value {
    json!({
        "id": null,
        "object": "promotion_code",
        "active": true,
        "code": "",
        "created": 0,
        "customer": null,
        "customer_account": null,
        "expires_at": null,
        "livemode": false,
        "max_redemptions": null,
        "metadata": {},
        "promotion": { "coupon": null, "type": "coupon" },
        "restrictions": {
            "first_time_transaction": false,
            "minimum_amount": null,
            "minimum_amount_currency": null,
        },
        "times_redeemed": 0,
    })
}

pub(super) fn discount() -> Value {
    json!({
        "id": null,
        "object": "discount",
        "checkout_session": null,
        "customer": null,
        "customer_account": null,
        "end": null,
        "invoice": null,
        "invoice_item": null,
        "promotion_code": null,
        "source": { "coupon": null, "type": "coupon" },
        "start": 0,
        "subscription": null,
        "subscription_item": null,
    })
}

pub(super) fn tax_rate() -> Value {
    json!({
        "id": null,
        "object": "tax_rate",
        "active": true,
        "country": null,
        "created": 0,
        "description": null,
        "display_name": "",
        "effective_percentage": null,
        "flat_amount": null,
        "inclusive": false,
        "jurisdiction": null,
        "jurisdiction_level": null,
        "livemode": false,
        "metadata": {},
        "percentage": 0,
        "rate_type": "percentage",
        "state": null,
        "tax_type": null,
    })
}

pub(super) fn shipping_rate() -> Value {
    json!({
        "id": null,
        "object": "shipping_rate",
        "active": true,
        "created": 0,
        "delivery_estimate": null,
        "display_name": null,
        "fixed_amount": null,
        "livemode": false,
        "metadata": {},
        "tax_behavior": "unspecified",
        "tax_code": null,
        "type": "fixed_amount",
    })
}
