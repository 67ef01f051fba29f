//! `pome logout`: the stored key is revoked and forgotten. Never fails.

use pome_hosted::Client;
use pome_hosted::credentials;
use pome_wire::{Exit, env};

use crate::context::Context;
use crate::plane;

pub(crate) fn run(cx: &Context) -> Exit {
    if let Some(home) = cx.environment.home() {
        match credentials::stored(&home) {
            Ok(Some((_, stored))) => revoke(&stored, cx),
            Ok(None) => {}
            Err(error) => cx.console.note(&format!("the key is not revoked: {error}")),
        }
        match credentials::forget(&home) {
            Ok(true) => cx.console.say("signed out"),
            Ok(false) => cx.console.say("nobody was signed in"),
            Err(error) => {
                let file = credentials::file(&home);
                cx.console.warn(&format!("`{}` cannot be removed: {error}", file.display()));
            }
        }
    } else {
        cx.console.say("nobody was signed in");
    }
    if cx.environment.get(env::API_KEY).is_some() {
        cx.console.note("`POME_API_KEY` is still set");
    }
    Exit::Passed
}

/// Revokes the stored key where it was made, not the one of the variable.
fn revoke(stored: &credentials::Stored, cx: &Context) {
    let revoked = match plane::api(cx, stored.api_url.as_deref()) {
        Ok(base) => {
            let client = Client::new(base, stored.api_key.clone()).observed(plane::observer(cx));
            client.revoke().map_err(|error| format!("{}", error.cause))
        }
        Err(failure) => Err(failure.message),
    };
    if let Err(reason) = revoked {
        cx.console.note(&format!("the key is removed here, but not revoked: {reason}"));
    }
}
