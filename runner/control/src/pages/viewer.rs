//! Who looks at a page.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;

use crate::keys::Holder;
use crate::pages::answer::Problem;
use crate::state::Control;

/// Somebody who is signed in. A handler that takes one is only for them; others are sent to sign in.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    pub(crate) holder: Holder,
    /// Token for the forms of the page.
    pub(crate) form: String,
    /// When the page is made, in milliseconds since 1970.
    pub(crate) now: i64,
}

impl Viewer {
    /// The team whose things are shown.
    pub(crate) fn team(&self) -> &str {
        &self.holder.team_id
    }

    /// Whoever a request is signed in as.
    pub(crate) async fn of(control: &Control, parts: &Parts) -> Result<Option<Self>, Problem> {
        let now = pome_wire::time::now_millis();
        let holder = control.signed_in(&parts.headers).await?;
        let form = control.cookies.signed_in_form(&parts.headers);
        Ok(holder.map(|holder| Self { holder, form, now }))
    }
}

impl FromRequestParts<Arc<Control>> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, control: &Arc<Control>) -> Result<Self, Problem> {
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let next = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Self::of(control, parts).await?.ok_or(Problem::SignedOut { next })
    }
}
