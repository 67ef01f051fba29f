//! Signing in with an API key, and signing out.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Form;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use maud::html;
use serde::Deserialize;

use crate::audit::{self, Entry};
use crate::keys;
use crate::pages::answer::{Answer, Problem, see_other};
use crate::pages::frame;
use crate::state::Control;

/// Where somebody wanted to go.
#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    #[serde(default)]
    next: String,
}

/// `GET /sign-in`.
pub(crate) async fn get(State(control): State<Arc<Control>>, Query(wish): Query<Wish>, headers: HeaderMap) -> Answer {
    form(&control, &headers, &wish.next, None)
}

/// The page with the form.
pub(crate) fn form(control: &Control, headers: &HeaderMap, next: &str, problem: Option<&str>) -> Answer {
    let token = control.cookies.form(headers)?;
    let command = "pome serve keys add dashboard";
    let body = html! {
        h1 { "Sign in" }
        p .lead { "See what your agents did: runs, criteria with their evidence, and live sessions." }
        form method="post" action="/sign-in" {
            @if let Some(problem) = problem { p .alert #problem role="alert" { (problem) } }
            input type="hidden" name="form" value=(token.token);
            input type="hidden" name="next" value=(own_address(next));
            label for="key" { "API key" }
            input #key name="key" type="password" required autofocus autocomplete="off" spellcheck="false" placeholder="pme_\u{2026}"
                aria-invalid=[problem.map(|_| "true")] aria-describedby=[problem.map(|_| "problem")];
            button .main type="submit" { "Sign in" }
        }
        p .small .muted { "No key at hand? Whoever runs this server makes one:" }
        code .command .small { (command) }
    };
    let status = if problem.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    let mut answer = frame::bare(status, "Sign in", &body);
    if let Some(cookie) = token.set_cookie {
        set_cookie(&mut answer, &cookie);
    }
    Ok(answer)
}

/// What the form sends.
#[derive(Debug, Deserialize)]
pub(crate) struct Sent {
    #[serde(default)]
    form: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in`.
pub(crate) async fn post(
    State(control): State<Arc<Control>>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Form(sent): Form<Sent>,
) -> Answer {
    if !control.cookies.is_ours(&headers, &sent.form) {
        return Err(Problem::Forged);
    }
    if let Some(axum::Extension(ConnectInfo(peer))) = peer {
        control.limits.login(peer.ip()).map_err(|_| Problem::TooMany)?;
    }
    let holder = keys::find(&control.store, sent.key.trim()).await?;
    let entry = Entry {
        team_id: holder.as_ref().map(|holder| holder.team_id.as_str()),
        key_id: holder.as_ref().map(|holder| holder.key_id.as_str()),
        action: "dashboard.sign_in",
        ..Entry::default()
    };
    let problem = match &holder {
        Some(holder) if holder.revoked_at.is_none() => {
            audit::write(&control.store, entry, "ok").await;
            let mut answer = see_other(own_address(&sent.next));
            set_cookie(&mut answer, &control.cookies.sign_in(&holder.key_id, pome_wire::time::now_millis()));
            return Ok(answer);
        }
        Some(_) => "This key was revoked. Use another one.",
        None => "This is not a key of this server. It starts with pme_ and was shown once, when it was made.",
    };
    audit::write(&control.store, entry, "refused").await;
    form(&control, &headers, &sent.next, Some(problem))
}

/// `POST /sign-out`.
pub(crate) async fn sign_out(
    State(control): State<Arc<Control>>,
    headers: HeaderMap,
    Form(sent): Form<Sent>,
) -> Answer {
    if !control.cookies.is_ours(&headers, &sent.form) {
        return Err(Problem::Forged);
    }
    let mut answer = see_other("/");
    set_cookie(&mut answer, &control.cookies.sign_out());
    Ok(answer)
}

/// An address of this site, whatever somebody put into a link: anything else is the overview.
fn own_address(next: &str) -> &str {
    let is_own = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.bytes().all(|byte| byte.is_ascii_graphic());
    if is_own { next } else { "/" }
}

fn set_cookie(answer: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::own_address;

    #[test]
    fn nobody_is_sent_to_another_site() {
        assert_eq!(own_address("/runs?tag=a%20b"), "/runs?tag=a%20b");
        for elsewhere in [
            "",
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example",
            "runs",
            "/a\r\nset-cookie: x",
            "/\u{e9}",
        ] {
            assert_eq!(own_address(elsewhere), "/", "{elsewhere}");
        }
    }
}
