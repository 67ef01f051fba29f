//! Login, logout, who is calling, and the newest version.

use std::time::Duration;

use pome_wire::control::{Exchange, ExchangeRequest, Latest, Me, Secret, Usage};

use crate::address::Address;
use crate::client::{Bearer, Client, LONG, SHORT};
use crate::error::{Cause, Error};

/// How long the question for the newest version may hold up `pome version`.
const GLANCE: Duration = Duration::from_millis(1500);

impl Client {
    /// Who is calling.
    pub fn me(&self) -> Result<Me, Error> {
        self.json(&self.request("find out who is signed in", "GET", &["me"]))
    }

    /// Active sessions against the quota.
    pub fn usage(&self) -> Result<Usage, Error> {
        self.json(&self.request("read the quota", "GET", &["usage"]))
    }

    /// Turns the code of a callback into a key. The one route on which 401 is no question of credentials, so its failures are
    /// never [`pome_wire::Exit::Auth`]: the caller decides.
    pub fn exchange(&self, code: &Secret, key_name: &str) -> Result<Exchange, Error> {
        let document = ExchangeRequest { code: code.clone(), key_name: key_name.to_owned() };
        let mut request = self.with_body("exchange the code for a key", &["auth", "cli", "exchange"], &document)?;
        (request.bearer, request.patience) = (Bearer::Nothing, LONG);
        let exchange: Exchange = self.json(&request)?;
        if exchange.api_key.full_key.expose().trim().is_empty() {
            return Err(request.fails(Cause::NotUnderstood("the key is empty".to_owned())));
        }
        Ok(exchange)
    }

    /// Revokes the key of this client.
    pub fn revoke(&self) -> Result<(), Error> {
        let mut request = self.with_body("revoke the key", &["auth", "revoke"], &serde_json::json!({}))?;
        request.patience = SHORT;
        self.success(&request).map(drop)
    }
}

/// The newest version that a control plane knows of. Takes a moment at most.
pub fn latest_version(base: Address) -> Result<String, Error> {
    let client = Client::anonymous(base);
    let mut request = client.request("ask for the newest version", "GET", &["cli", "latest"]);
    request.patience = GLANCE;
    client.json::<Latest>(&request).map(|latest| latest.version)
}
