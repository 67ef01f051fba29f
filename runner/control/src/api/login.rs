//! Signing in with a browser: a form for an API key, and the way back to the command line with a code.
//!
//! No script, nothing from elsewhere. The key goes into a form of this server only, and what goes back is a code that is good once.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Form;
use axum::extract::FromRequest as _;
use axum::extract::{ConnectInfo, FromRequestParts as _, RawQuery, Request, State};
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};
use pome_wire::time::now_millis;
use serde::Deserialize;

use super::{ApiError, account};
use crate::pages::text::segment;
use crate::state::Control;
use crate::{audit, keys};

/// Longest `state` that is handed back.
const LONGEST_STATE: usize = 256;

/// What a browser may do with these pages: send their form here (and be sent back to the command line), and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' http://127.0.0.1:* http://localhost:* \
    http://[::1]:*; frame-ancestors 'none'; base-uri 'none'";

/// What the command line asks for.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    redirect_uri: Option<String>,
    state: Option<String>,
}

/// Where to go afterwards, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Back {
    uri: String,
    state: String,
}

/// What a person sends.
#[derive(Debug, Default, Deserialize)]
struct Sent {
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    form: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    choice: String,
}

/// `GET /cli-auth`, `GET /cli/login`
pub(crate) async fn page(
    State(control): State<Arc<Control>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let asked: Asked = read_query(query.as_deref().unwrap_or_default());
    let Some(back) = Back::of(asked.redirect_uri.as_deref(), asked.state.as_deref()) else { return Ok(wrong()) };
    if control.config.auto_approve {
        return approve(&control, keys::FIRST_TEAM, keys::FIRST_USER, &back).await;
    }
    form(&control, &headers, &back, None, StatusCode::OK)
}

/// `POST /cli-auth`, `POST /cli/login`
pub(crate) async fn send(State(control): State<Arc<Control>>, request: Request) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    let peer = ConnectInfo::<SocketAddr>::from_request_parts(&mut parts, &()).await;
    let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |ConnectInfo(address)| address.ip());
    let headers = parts.headers.clone();
    let Ok(Form(sent)) = Form::<Sent>::from_request(Request::from_parts(parts, body), &()).await else {
        return Err(ApiError::malformed("this is not the form of this page"));
    };
    let Some(back) = Back::of(Some(&sent.redirect_uri), Some(&sent.state)) else { return Ok(wrong()) };
    if !control.cookies.is_ours(&headers, &sent.form) {
        let why = "This form was not made for this browser, or it is too old. Please try again.";
        return form(&control, &headers, &back, Some(why), StatusCode::FORBIDDEN);
    }
    if sent.choice == "refuse" {
        return Ok(redirect(&back, "error", "access_denied"));
    }
    control.limits.login(peer).inspect_err(|_| {
        control.metrics.rate_limited.inc();
    })?;
    // Who is signed in to the dashboard need not send a key again.
    let signed_in = if sent.key.trim().is_empty() { control.signed_in(&headers).await? } else { None };
    let holder = match signed_in {
        Some(holder) => Some(holder),
        None => keys::find(&control.store, sent.key.trim()).await?.filter(|holder| holder.revoked_at.is_none()),
    };
    let Some(holder) = holder else {
        let entry = audit::Entry { action: "login", ..audit::Entry::default() };
        audit::write(&control.store, entry, "refused").await;
        return form(&control, &headers, &back, Some("Nobody has this API key."), StatusCode::UNAUTHORIZED);
    };
    let entry = audit::Entry {
        team_id: Some(&holder.team_id),
        key_id: Some(&holder.key_id),
        action: "login",
        ..audit::Entry::default()
    };
    audit::write(&control.store, entry, "ok").await;
    let mut answer = approve(&control, &holder.team_id, &holder.user_id, &back).await?;
    if let Ok(cookie) = HeaderValue::from_str(&control.cookies.sign_in(&holder.key_id, now_millis())) {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

async fn approve(control: &Control, team_id: &str, user_id: &str, back: &Back) -> Result<Response, ApiError> {
    let code = account::new_code(&control.store, team_id, user_id).await?;
    Ok(redirect(back, "code", &code))
}

/// Back to the command line with an answer and its own `state`.
fn redirect(back: &Back, name: &str, value: &str) -> Response {
    let target = format!("{}?{name}={}&state={}", back.uri, segment(value), segment(&back.state));
    let mut response = StatusCode::FOUND.into_response();
    // What `Back` accepts and what `segment` writes are characters of a header.
    if let Ok(value) = HeaderValue::from_str(&target) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    guarded(response)
}

fn form(
    control: &Control,
    headers: &HeaderMap,
    back: &Back,
    problem: Option<&str>,
    status: StatusCode,
) -> Result<Response, ApiError> {
    let token = control.cookies.form(headers)?;
    let known = control.cookies.key_id(headers, now_millis());
    let place = back.uri.trim_end_matches("/callback");
    let body = html! {
        h1 { "Sign in to Pome" }
        p { "The command line at " code { (place) } " asks for a key of its own. Go on only if you started " code { "pome login" } "." }
        @if let Some(problem) = problem { p.problem role="alert" { (problem) } }
        form method="post" action="/cli-auth" {
            input type="hidden" name="redirect_uri" value=(back.uri);
            input type="hidden" name="state" value=(back.state);
            input type="hidden" name="form" value=(token.token);
            @if let Some(known) = &known {
                p { "Signed in with the key " code { (known) "..." } ". Leave the field empty to use it." }
            }
            label for="key" { "API key" }
            input #key type="password" name="key" autocomplete="off" spellcheck="false" placeholder="pme_..."
                required[known.is_none()] autofocus;
            p.buttons {
                button type="submit" name="choice" value="approve" { "Approve" }
                button type="submit" name="choice" value="refuse" formnovalidate { "Refuse" }
            }
        }
    };
    let mut response = (status, document("Sign in", &body)).into_response();
    if let Some(cookie) = token.set_cookie.and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(guarded(response))
}

fn wrong() -> Response {
    let body = html! {
        h1 { "This address is not complete" }
        p { "Run " code { "pome login" } " in a terminal: it opens this page with all that it needs." }
    };
    guarded((StatusCode::BAD_REQUEST, document("Sign in", &body)).into_response())
}

fn document(title: &str, body: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " - Pome" }
                style {
                    "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:12vh auto;padding:0 1rem}"
                    "label{display:block;font-weight:600}input[type=password]{width:100%;box-sizing:border-box;font:inherit;padding:.5rem}"
                    ".buttons{display:flex;gap:.75rem}button{font:inherit;padding:.5rem 1rem}.problem{color:#c0252d;font-weight:600}"
                }
            }
            body { main { (body) } }
        }
    };
    Html(page.into_string())
}

fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

impl Back {
    /// Only `http://` to this machine, any port, path `/callback`, nothing behind it.
    fn of(uri: Option<&str>, state: Option<&str>) -> Option<Self> {
        let (uri, state) = (uri?, state?);
        let rest = uri.strip_prefix("http://")?.strip_suffix("/callback")?;
        let hosts = ["127.0.0.1", "[::1]", "localhost"];
        let port = hosts.iter().find_map(|host| rest.strip_prefix(host))?;
        let fits = port.is_empty()
            || port.strip_prefix(':').is_some_and(|port| {
                port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
            });
        (fits && state.chars().count() <= LONGEST_STATE).then(|| Self { uri: uri.to_owned(), state: state.to_owned() })
    }
}

/// Reads a query; what cannot be read is as good as not there.
fn read_query(query: &str) -> Asked {
    let uri = format!("/?{query}").parse::<http::Uri>();
    uri.ok()
        .and_then(|uri| axum::extract::Query::<Asked>::try_from_uri(&uri).ok())
        .map(|axum::extract::Query(asked)| asked)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use serde_json::json;

    use super::*;
    use crate::tests::{Bench, Place, on_either_database};

    on_either_database! {
        a_key_in_the_form_leads_back_with_a_code_that_makes_a_key,
        a_form_from_elsewhere_a_wrong_key_and_a_refusal_make_no_code,
        the_page_runs_nothing_and_stays_out_of_frames,
        guessing_keys_is_slow,
        with_auto_approve_nobody_is_asked,
    }

    const HERE: &str = "redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2Fcallback&state=a%20b%26c";

    async fn get(bench: &Bench, query: &str) -> http::Response<axum::body::Bytes> {
        bench.send(Request::get(format!("/cli-auth?{query}")).body(Body::empty()).unwrap()).await
    }

    async fn post(bench: &Bench, cookie: &str, body: String) -> http::Response<axum::body::Bytes> {
        let request = Request::post("/cli/login")
            .header("cookie", cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        bench.send(request).await
    }

    /// The cookie and the token of a form.
    async fn opened(bench: &Bench) -> (String, String) {
        let page = get(bench, HERE).await;
        assert_eq!(page.status(), StatusCode::OK);
        let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let text = String::from_utf8(page.body().to_vec()).unwrap();
        let token = text.split(r#"name="form" value=""#).nth(1).unwrap().split('"').next().unwrap().to_owned();
        (cookie, token)
    }

    #[test]
    fn the_way_back_leads_to_this_machine_only() {
        for good in ["http://127.0.0.1/callback", "http://[::1]:1/callback", "http://localhost:65535/callback"] {
            assert!(Back::of(Some(good), Some("s")).is_some(), "{good}");
        }
        for bad in [
            "https://127.0.0.1/callback",
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:65536/callback",
            "http://127.0.0.1:80@evil.example/callback",
            "http://127.0.0.1.evil.example/callback",
            "http://localhost.evil.example/callback",
            "http://user@localhost/callback",
            "http://127.0.0.1:1/callback?x=1",
            "http://127.0.0.1:1/callback#x",
            "http://127.0.0.1:1/other",
            "http://127.0.0.1:1//callback",
            "http://127.0.0.1:+1/callback",
            "http://evil.example/callback",
            "javascript:alert(1)/callback",
            "",
        ] {
            assert_eq!(Back::of(Some(bad), Some("s")), None, "{bad}");
        }
        assert!(Back::of(Some("http://localhost/callback"), Some(&"s".repeat(256))).is_some());
        assert_eq!(Back::of(Some("http://localhost/callback"), Some(&"s".repeat(257))), None);
        assert_eq!(Back::of(Some("http://localhost/callback"), None), None);
    }

    async fn a_key_in_the_form_leads_back_with_a_code_that_makes_a_key(place: Place) {
        let bench = Bench::new(place).await;
        let (cookie, token) = opened(&bench).await;
        let answer =
            post(&bench, &cookie, format!("{HERE}&form={}&key={}&choice=approve", segment(&token), bench.key)).await;
        assert_eq!(answer.status(), StatusCode::FOUND, "{:?}", answer.body());
        let place = answer.headers()["location"].to_str().unwrap();
        let rest = place.strip_prefix("http://127.0.0.1:4711/callback?code=").unwrap();
        let (code, state) = rest.split_once("&state=").unwrap();
        assert_eq!(state, "a%20b%26c");
        let (status, body) = bench
            .ask_as("", http::Method::POST, "/v1/auth/cli/exchange", Some(json!({"code": code, "key_name": "k"})))
            .await;
        assert_eq!((status.as_u16(), body["team_id"].as_str()), (200, Some("tm_self")));
        let set = answer.headers()["set-cookie"].to_str().unwrap();
        assert!(set.starts_with("pome=") && set.contains("HttpOnly"), "{set}");
        // With that cookie the field may stay empty.
        let signed = format!("{cookie}; {}", set.split(';').next().unwrap());
        let answer = post(&bench, &signed, format!("{HERE}&form={}&key=", segment(&token))).await;
        assert_eq!(answer.status(), StatusCode::FOUND);
    }

    async fn a_form_from_elsewhere_a_wrong_key_and_a_refusal_make_no_code(place: Place) {
        let bench = Bench::new(place).await;
        let (cookie, token) = opened(&bench).await;
        let form = segment(&token);
        let other = post(&bench, "", format!("{HERE}&form={form}&key={}", bench.key)).await;
        assert_eq!(other.status(), StatusCode::FORBIDDEN);
        let wrong = post(&bench, &cookie, format!("{HERE}&form={form}&key=pme_wrong")).await;
        assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
        let refused = post(&bench, &cookie, format!("{HERE}&form={form}&choice=refuse")).await;
        let place = refused.headers()["location"].to_str().unwrap();
        assert_eq!(place, "http://127.0.0.1:4711/callback?error=access_denied&state=a%20b%26c");
        let nowhere = get(&bench, "redirect_uri=http%3A%2F%2Fevil.example%2Fcallback&state=s").await;
        assert_eq!((nowhere.status(), nowhere.headers().get("location")), (StatusCode::BAD_REQUEST, None));
    }

    async fn the_page_runs_nothing_and_stays_out_of_frames(place: Place) {
        let bench = Bench::new(place).await;
        let page = get(&bench, &format!("{HERE}%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E")).await;
        let policy = page.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("script-src"), "{policy}");
        let text = String::from_utf8(page.body().to_vec()).unwrap();
        assert!(!text.contains("<script"), "{text}");
        assert_eq!(page.headers()["cache-control"], "no-store");
    }

    async fn guessing_keys_is_slow(place: Place) {
        let bench = Bench::new(place).await;
        let (cookie, token) = opened(&bench).await;
        let mut last = StatusCode::OK;
        for _ in 0..13 {
            last = post(&bench, &cookie, format!("{HERE}&form={}&key=pme_wrong", segment(&token))).await.status();
        }
        assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    }

    async fn with_auto_approve_nobody_is_asked(place: Place) {
        let bench = Bench::with(place, |config| config.auto_approve = true).await;
        let answer = get(&bench, HERE).await;
        assert_eq!(answer.status(), StatusCode::FOUND);
        assert!(answer.headers()["location"].to_str().unwrap().contains("/callback?code="));
    }
}
