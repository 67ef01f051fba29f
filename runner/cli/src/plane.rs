//! The control plane of this invocation: where it is and who is calling it.

use std::sync::Arc;

use pome_hosted::credentials::{self, Credentials};
use pome_hosted::{Address, Client, DEFAULT_API_URL, DEFAULT_DASHBOARD_URL};
use pome_wire::{Exit, env};

use crate::context::Context;
use crate::failure::Failure;

/// A control plane, signed in.
#[derive(Debug)]
pub(crate) struct Plane {
    pub(crate) client: Client,
    pub(crate) credentials: Credentials,
    /// Its pages for people.
    pub(crate) dashboard: Address,
}

/// Finds key and addresses. Nothing is asked of the control plane.
pub(crate) fn connect(cx: &Context) -> Result<Plane, Failure> {
    let home = cx.environment.home();
    let credentials = credentials::resolve(cx.environment.get(credentials::VARIABLE), home.as_deref())
        .map_err(|error| error.hints().into_iter().fold(Failure::from_error(Exit::Auth, &error), Failure::hint))?;
    let usage = |error: pome_hosted::BadAddress| Failure::usage(error);
    let stored = credentials.api_url.as_deref();
    let base = Address::first_of([cx.api_url.as_deref(), cx.environment.get(env::API_URL), stored], DEFAULT_API_URL);
    let base = base.map_err(usage)?;
    let stored = credentials.dashboard_url.as_deref();
    let dashboard = Address::first_of([cx.environment.get(env::DASHBOARD_URL), stored], DEFAULT_DASHBOARD_URL);
    let dashboard = dashboard.map_err(usage)?;
    let mut client = Client::new(base, credentials.key.clone());
    if cx.console.verbose {
        let console = cx.console.clone();
        client = client.observed(Arc::new(move |line: &str| console.detail(line)));
    }
    Ok(Plane { client, credentials, dashboard })
}
