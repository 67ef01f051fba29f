//! The control plane of this invocation: where it is, who is calling it, and what its failures mean here.

use std::path::PathBuf;
use std::sync::Arc;

use pome_hosted::credentials::{self, Credentials, Stored};
use pome_hosted::{Address, BadAddress, Client, DEFAULT_API_URL, DEFAULT_DASHBOARD_URL, Observer};
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
    let base = api(cx, credentials.api_url.as_deref())?;
    let dashboard = dashboard(cx, None, credentials.dashboard_url.as_deref())?;
    let client = Client::new(base, credentials.key.clone()).observed(observer(cx));
    Ok(Plane { client, credentials, dashboard })
}

impl Plane {
    /// The team of whoever is signed in; asks when the login did not say.
    pub(crate) fn team(&self) -> Result<String, Failure> {
        match &self.credentials.team_id {
            Some(team) => Ok(team.clone()),
            None => Ok(self.client.me().map_err(|error| failure(&error))?.team.id),
        }
    }
}

/// Where the control plane is: flag, variable, what is stored, default.
pub(crate) fn api(cx: &Context, stored: Option<&str>) -> Result<Address, Failure> {
    let given = [cx.api_url.as_deref(), cx.environment.get(env::API_URL), stored];
    Address::first_of(given, DEFAULT_API_URL).map_err(|error| bad_address(&error))
}

/// Where its pages are: flag, variable, what is stored, default.
pub(crate) fn dashboard(cx: &Context, flag: Option<&str>, stored: Option<&str>) -> Result<Address, Failure> {
    let given = [flag, cx.environment.get(env::DASHBOARD_URL), stored];
    Address::first_of(given, DEFAULT_DASHBOARD_URL).map_err(|error| bad_address(&error))
}

/// What is stored, however it can be read; nothing when it cannot.
pub(crate) fn stored(cx: &Context) -> Option<Stored> {
    let home = cx.environment.home()?;
    credentials::stored(&home).ok().flatten().map(|(_, stored)| stored)
}

/// The home folder, where credentials are kept.
pub(crate) fn home(cx: &Context) -> Result<PathBuf, Failure> {
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    cx.environment.home().ok_or_else(|| {
        Failure::orchestrator(format!("there is no home folder to keep credentials in: `{name}` is not set"))
            .hint("set `POME_API_KEY` instead of signing in")
    })
}

/// Tells those who asked for every step about each request.
pub(crate) fn observer(cx: &Context) -> Observer {
    let console = cx.console.clone();
    Arc::new(move |line| console.detail(line))
}

/// A request that failed, as the command ends with it.
pub(crate) fn failure(error: &pome_hosted::Error) -> Failure {
    Failure::from_error(error.exit(), error).maybe_hint(error.hint())
}

fn bad_address(error: &BadAddress) -> Failure {
    Failure::from_error(Exit::Usage, error)
}
