//! The tools, in the order in which they are listed.

use pome_twin_kit::Tool;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Stripe;
use crate::actions::{
    balance, charges, confirming, customers, disputes, payment_intents, payment_methods, platform, prices, products,
    refunds,
};
use crate::error::Error;

#[rustfmt::skip]
pub(crate) const TOOLS: &[Tool<Stripe>] = &[
    Tool::new::<payment_intents::Create>("create_payment_intent"),
    Tool::new::<payment_intents::Retrieve>("retrieve_payment_intent"),
    Tool::new::<payment_intents::List>("list_payment_intents"),
    Tool::new::<confirming::Confirm>("confirm_payment_intent"),
    Tool::new::<payment_intents::Update>("update_payment_intent"),
    Tool::new::<confirming::Cancel>("cancel_payment_intent"),
    Tool::new::<confirming::SimulateDeposit>("simulate_crypto_deposit"),
    Tool::new::<charges::Retrieve>("retrieve_charge"),
    Tool::new::<charges::List>("list_charges"),
    Tool::new::<refunds::Create>("create_refund"),
    Tool::new::<refunds::Retrieve>("retrieve_refund"),
    Tool::new::<refunds::List>("list_refunds"),
    Tool::new::<customers::Create>("create_customer"),
    Tool::new::<customers::Retrieve>("retrieve_customer"),
    Tool::new::<customers::Update>("update_customer"),
    Tool::new::<customers::Delete>("delete_customer"),
    Tool::new::<customers::List>("list_customers"),
    Tool::new::<payment_methods::OfCustomer>("list_customer_payment_methods"),
    Tool::new::<payment_methods::Create>("create_payment_method"),
    Tool::new::<payment_methods::Retrieve>("retrieve_payment_method"),
    Tool::new::<payment_methods::Attach>("attach_payment_method"),
    Tool::new::<payment_methods::Detach>("detach_payment_method"),
    Tool::new::<balance::Retrieve>("retrieve_balance"),
    Tool::new::<balance::ListTransactions>("list_balance_transactions"),
    Tool::new::<platform::RetrieveEvent>("retrieve_event"),
    Tool::new::<platform::ListEvents>("list_events"),
    // names of the vendor's toolkit for agents
    Tool::new::<products::Create>("create_product"),
    Tool::new::<products::List>("list_products"),
    Tool::new::<prices::Create>("create_price"),
    Tool::new::<prices::List>("list_prices"),
    Tool::new::<disputes::List>("list_disputes"),
    Tool::from::<UpdateDispute, disputes::Update>("update_dispute"),
];

/// The toolkit calls the id by what it is of.
#[derive(Debug, Deserialize)]
pub(crate) struct UpdateDispute {
    dispute: String,
    evidence: Option<Value>,
    submit: Option<bool>,
}

impl From<UpdateDispute> for disputes::Update {
    fn from(UpdateDispute { dispute, evidence, submit }: UpdateDispute) -> Self {
        Self::new(dispute, evidence, submit)
    }
}

/// What the tools refuse although the routes take it: a page longer than there may be.
pub(crate) fn check(arguments: &Map<String, Value>) -> Result<(), Error> {
    match arguments.get("limit").and_then(Value::as_i64) {
        Some(limit) if limit > 100 => {
            let message = "This value must be less than or equal to 100.";
            Err(Error::invalid(message).code("parameter_invalid_integer").param("limit"))
        }
        _ => Ok(()),
    }
}
