//! Answers of the dashboard: pages with strict headers, and what is shown when there is no page to show.

use std::fmt;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use crate::api::chain;
use crate::hosting::ReadError;
use crate::ids::NoRandom;
use crate::pages::frame;

/// A page, or why there is none.
pub(crate) type Answer = Result<Response, Problem>;

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum Problem {
    /// Nobody is signed in; where they wanted to go.
    SignedOut { next: String },
    /// There is nothing by that name, at least not for this team.
    Missing { what: &'static str },
    /// A form that we did not give to this browser.
    Forged,
    /// Too many tries to sign in.
    TooMany,
    /// The database does not answer.
    Database(sqlx::Error),
    /// A file of a run cannot be read.
    Blob(String),
    /// There are no random numbers.
    Random(NoRandom),
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Database(error) => Self::Database(error),
            error => Self::Blob(chain(&error)),
        }
    }
}

impl From<NoRandom> for Problem {
    fn from(error: NoRandom) -> Self {
        Self::Random(error)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignedOut { .. } => f.write_str("nobody is signed in"),
            Self::Missing { what } => write!(f, "there is no such {what}"),
            Self::Forged => f.write_str("the form was not made for this browser"),
            Self::TooMany => f.write_str("too many tries to sign in"),
            Self::Database(error) => write!(f, "the database does not answer: {error}"),
            Self::Blob(reason) => write!(f, "a file cannot be read: {reason}"),
            Self::Random(error) => error.fmt(f),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let home = html! { p { a href="/" { "Go to the overview" } } };
        match &self {
            Self::SignedOut { next } => {
                let address = format!("/sign-in{}", crate::pages::text::query(&[("next", next)]));
                let body = html! {
                    h1 { "Sign in to see this page" }
                    p .lead { "You are not signed in, or the key that you signed in with was revoked." }
                    p { a .button href=(address) { "Sign in" } }
                    // A cookie that is bound to this site is not sent with a click on another one.
                    p .small .muted { "Came here by a link from another site and are signed in already? " a href=(next) { "Open the page" } "." }
                };
                frame::bare(StatusCode::UNAUTHORIZED, "Sign in", &body)
            }
            Self::Missing { what } => {
                let body = html! {
                    h1 { "There is no such " (what) }
                    p .lead { "It may have been deleted, it may belong to another team, or the address is incomplete." }
                    (home)
                };
                frame::bare(StatusCode::NOT_FOUND, "Not found", &body)
            }
            Self::Forged => {
                let body = html! {
                    h1 { "This form has expired" }
                    p .lead { "Nothing was changed. Open the page again and send the form from there; cookies have to be allowed for this site." }
                    (home)
                };
                frame::bare(StatusCode::FORBIDDEN, "Form expired", &body)
            }
            Self::TooMany => {
                let body = html! {
                    h1 { "Too many tries" }
                    p .lead { "Wait a minute, then try again." }
                    p { a href="/sign-in" { "Back to the sign-in page" } }
                };
                let mut answer = frame::bare(StatusCode::TOO_MANY_REQUESTS, "Too many tries", &body);
                answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
                answer
            }
            Self::Database(_) | Self::Blob(_) | Self::Random(_) => {
                tracing::error!(problem = %self, "a page of the dashboard failed");
                let body = html! {
                    h1 { "This page could not be made" }
                    p .lead { "The server could not read what it needs. Its log says more; trying again may help." }
                    (home)
                };
                frame::bare(StatusCode::INTERNAL_SERVER_ERROR, "Something failed", &body)
            }
        }
    }
}

/// What a page may load and do: only what this server gives, and no inline style or script.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// A page. The headers are for this page alone: nothing keeps it, frames it, or hears from which address a link was followed.
pub(crate) fn page(status: StatusCode, markup: Markup) -> Response {
    let mut answer = (status, markup.into_string()).into_response();
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "private, no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// Sends the browser to another address of this site.
pub(crate) fn see_other(address: &str) -> Response {
    let location = HeaderValue::from_str(address).unwrap_or(HeaderValue::from_static("/"));
    (
        StatusCode::SEE_OTHER,
        [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))],
    )
        .into_response()
}
