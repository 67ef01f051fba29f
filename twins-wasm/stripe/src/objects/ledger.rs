//! Balance transactions and payouts.

use serde_json::{Value, json};

pub(super) fn balance_transaction() -> Value {
    json!({
        "id": null,
        "object": "balance_transaction",
        "amount": 0,
        "available_on": 0,
        "balance_type": "payments",
        "created": 0,
        "currency": "usd",
        "description": null,
        "exchange_rate": null,
        "fee": 0,
        "fee_details": [],
        "net": 0,
        "reporting_category": "charge",
        "source": null,
        "status": "available",
        "type": "charge",
    })
}

pub(super) fn payout() -> Value {
    json!({
        "id": null,
        "object": "payout",
        "amount": 0,
        "application_fee": null,
        "application_fee_amount": null,
        "arrival_date": 0,
        "automatic": false,
        "balance_transaction": null,
        "created": 0,
        "currency": "usd",
        "description": null,
        "destination": null,
        "failure_balance_transaction": null,
        "failure_code": null,
        "failure_message": null,
        "livemode": false,
        "metadata": {},
        "method": "standard",
        "original_payout": null,
        "payout_method": null,
        "reconciliation_status": "not_applicable",
        "reversed_by": null,
        "source_type": "card",
        "statement_descriptor": null,
        "status": "pending",
        "trace_id": null,
        "type": "bank_account",
    })
}
