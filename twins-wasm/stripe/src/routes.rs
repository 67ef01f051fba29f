//! Every REST surface, one line each, grouped by area.

use pome_twin_kit::Route;

use crate::Stripe;
use crate::actions::{
    balance, charges, confirming, customers, disputes, payment_intents, payment_methods, platform, prices, products,
    refunds, x402,
};

/// Payments and everything that belongs to the account.
#[rustfmt::skip]
pub(crate) const ROUTES: &[Route<Stripe>] = &[
    // payment intents
    Route::post::<payment_intents::Create>("/v1/payment_intents").doc("https://docs.stripe.com/api/payment_intents/create"),
    Route::get::<payment_intents::List>("/v1/payment_intents").doc("https://docs.stripe.com/api/payment_intents/list"),
    Route::get::<payment_intents::Search>("/v1/payment_intents/search"),
    Route::get::<payment_intents::Retrieve>("/v1/payment_intents/{id}"),
    Route::post::<payment_intents::Update>("/v1/payment_intents/{id}").doc("https://docs.stripe.com/api/payment_intents/update"),
    Route::post::<confirming::Confirm>("/v1/payment_intents/{id}/confirm"),
    Route::post::<confirming::Capture>("/v1/payment_intents/{id}/capture"),
    Route::post::<confirming::Cancel>("/v1/payment_intents/{id}/cancel"),
    Route::post::<confirming::SimulateDeposit>("/v1/test_helpers/payment_intents/{id}/simulate_crypto_deposit"),
    Route::post::<confirming::Authenticate>("/v1/test_helpers/payment_intents/{id}/simulate_authentication")
        .note("not the vendor's: stands for the buyer who answers the question of their bank in a browser"),
    // charges
    Route::post::<charges::Create>("/v1/charges").doc("https://docs.stripe.com/api/charges/create"),
    Route::get::<charges::List>("/v1/charges").doc("https://docs.stripe.com/api/charges/list"),
    Route::get::<charges::Search>("/v1/charges/search"),
    Route::get::<charges::Retrieve>("/v1/charges/{id}"),
    Route::post::<charges::Update>("/v1/charges/{id}"),
    Route::post::<charges::Capture>("/v1/charges/{id}/capture"),
    Route::get::<refunds::OfCharge>("/v1/charges/{charge}/refunds"),
    // refunds
    Route::post::<refunds::Create>("/v1/refunds").doc("https://docs.stripe.com/api/refunds/create"),
    Route::get::<refunds::List>("/v1/refunds").doc("https://docs.stripe.com/api/refunds/list"),
    Route::get::<refunds::Retrieve>("/v1/refunds/{id}"),
    Route::post::<refunds::Update>("/v1/refunds/{id}"),
    Route::post::<refunds::Cancel>("/v1/refunds/{id}/cancel"),
    // disputes
    Route::get::<disputes::List>("/v1/disputes").doc("https://docs.stripe.com/api/disputes/list"),
    Route::get::<disputes::Retrieve>("/v1/disputes/{id}"),
    Route::post::<disputes::Update>("/v1/disputes/{id}"),
    Route::post::<disputes::Close>("/v1/disputes/{id}/close"),
    // customers
    Route::post::<customers::Create>("/v1/customers").doc("https://docs.stripe.com/api/customers/create"),
    Route::get::<customers::List>("/v1/customers").doc("https://docs.stripe.com/api/customers/list"),
    Route::get::<customers::Search>("/v1/customers/search").doc("https://docs.stripe.com/api/customers/search"),
    Route::get::<customers::Retrieve>("/v1/customers/{id}").doc("https://docs.stripe.com/api/customers/retrieve"),
    Route::post::<customers::Update>("/v1/customers/{id}").doc("https://docs.stripe.com/api/customers/update"),
    Route::delete::<customers::Delete>("/v1/customers/{id}").doc("https://docs.stripe.com/api/customers/delete"),
    Route::get::<payment_methods::OfCustomer>("/v1/customers/{customer}/payment_methods"),
    Route::get::<payment_methods::OneOfCustomer>("/v1/customers/{customer}/payment_methods/{id}"),
    // payment methods
    Route::post::<payment_methods::Create>("/v1/payment_methods"),
    Route::get::<payment_methods::List>("/v1/payment_methods"),
    Route::get::<payment_methods::Retrieve>("/v1/payment_methods/{id}"),
    Route::post::<payment_methods::Update>("/v1/payment_methods/{id}"),
    Route::post::<payment_methods::Attach>("/v1/payment_methods/{id}/attach"),
    Route::post::<payment_methods::Detach>("/v1/payment_methods/{id}/detach"),
    Route::post::<payment_methods::CreateToken>("/v1/tokens"),
    Route::get::<payment_methods::RetrieveToken>("/v1/tokens/{id}"),
    // balance
    Route::get::<balance::Retrieve>("/v1/balance").doc("https://docs.stripe.com/api/balance/balance_retrieve"),
    Route::get::<balance::ListTransactions>("/v1/balance_transactions"),
    Route::get::<balance::RetrieveTransaction>("/v1/balance_transactions/{id}"),
    Route::post::<balance::CreatePayout>("/v1/payouts"),
    Route::get::<balance::ListPayouts>("/v1/payouts"),
    Route::get::<balance::RetrievePayout>("/v1/payouts/{id}"),
    Route::post::<balance::UpdatePayout>("/v1/payouts/{id}"),
    Route::post::<balance::CancelPayout>("/v1/payouts/{id}/cancel"),
    // products and prices
    Route::post::<products::Create>("/v1/products").doc("https://docs.stripe.com/api/products/create"),
    Route::get::<products::List>("/v1/products").doc("https://docs.stripe.com/api/products/list"),
    Route::get::<products::Search>("/v1/products/search"),
    Route::get::<products::Retrieve>("/v1/products/{id}"),
    Route::post::<products::Update>("/v1/products/{id}"),
    Route::delete::<products::Delete>("/v1/products/{id}"),
    Route::post::<prices::Create>("/v1/prices").doc("https://docs.stripe.com/api/prices/create"),
    Route::get::<prices::List>("/v1/prices").doc("https://docs.stripe.com/api/prices/list"),
    Route::get::<prices::Search>("/v1/prices/search"),
    Route::get::<prices::Retrieve>("/v1/prices/{id}"),
    Route::post::<prices::Update>("/v1/prices/{id}"),
    // the account
    Route::get::<platform::ListEvents>("/v1/events").doc("https://docs.stripe.com/api/events/list"),
    Route::get::<platform::RetrieveEvent>("/v1/events/{id}"),
    Route::post::<platform::CreateEndpoint>("/v1/webhook_endpoints"),
    Route::get::<platform::ListEndpoints>("/v1/webhook_endpoints"),
    Route::get::<platform::RetrieveEndpoint>("/v1/webhook_endpoints/{id}"),
    Route::post::<platform::UpdateEndpoint>("/v1/webhook_endpoints/{id}"),
    Route::delete::<platform::DeleteEndpoint>("/v1/webhook_endpoints/{id}"),
    Route::post::<platform::CreateFile>("/v1/files").shape("what is in a file is not kept, only what is known of it"),
    Route::get::<platform::ListFiles>("/v1/files"),
    Route::get::<platform::RetrieveFile>("/v1/files/{id}"),
    Route::get::<platform::RetrieveAccount>("/v1/account").shape("a fixed account in good standing"),
    Route::get::<platform::RetrieveAccount>("/v1/accounts/{id}").shape("only the own account"),
    // x402
    Route::get::<x402::Unlock>("/x402/protected-resource").note("not the vendor's: a resource that is sold for a cent"),
];
