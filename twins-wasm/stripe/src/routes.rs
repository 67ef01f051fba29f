//! Every REST surface, one line each, grouped by area.

use pome_twin_kit::Route;

use crate::Stripe;
use crate::actions::{customers, payment_methods};

/// Payments and everything that belongs to the account.
#[rustfmt::skip]
pub(crate) const ROUTES: &[Route<Stripe>] = &[
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
];
