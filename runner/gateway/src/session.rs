//! From a request to the door it knocks on: the route table of the platform, and who is calling.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderMap, Method, Request};
use hyper::body::Body as HttpBody;
use pome_sandbox::{Caller, Tokens};
use pome_wire::route;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::control;
use crate::http::{Reply, Unanswered, nothing_here, read};
use crate::journal::Step;
use crate::log::Logged;
use crate::mcp;
use crate::rest::{self, Door};
use crate::server::Shared;
use crate::token::{Denied, Session, verify};
use crate::uri;
use crate::world::World;

/// One authenticated request below a session.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) parts: &'a Parts,
    /// The path below the session, beginning with a slash.
    pub(crate) path: &'a str,
    /// The query without a token in it.
    pub(crate) query: Cow<'a, str>,
    pub(crate) sid: String,
    pub(crate) session: Session,
    pub(crate) world: Arc<World>,
    pub(crate) started: Instant,
    prefix: &'a str,
    /// What addresses start with when the request was meant for the vendor.
    vendor: Option<String>,
    call_id: CallId<'a>,
}

/// What the sender calls a request, and how many calls it has become: a batch is several.
#[derive(Debug)]
struct CallId<'a> {
    given: Option<&'a str>,
    used: AtomicU32,
}

impl Call<'_> {
    /// The call as a log takes it; nothing when there is no log. `counts`: it has to be played again although it changed nothing.
    pub(crate) fn logged(&self, event: u64, changed: bool, counts: bool, step: &Step) -> Option<Logged> {
        self.shared.recorder.log()?;
        let nth = self.call_id.used.fetch_add(1, Ordering::Relaxed);
        let id = self.call_id.given.map(|id| if nth == 0 { id.to_owned() } else { format!("{id}#{nth}") });
        Some(Logged::of(event, id, changed, (changed || counts).then_some(step)))
    }

    /// Who is calling, as the twin gets to know it.
    pub(crate) fn caller(&self) -> Caller {
        Caller {
            sid: self.sid.clone(),
            team: self.session.team.clone(),
            login: self.session.login.clone(),
            claims: self.session.claims.clone(),
        }
    }

    /// The address of the session as the agent wrote it, or the vendor's when the agent wrote that.
    pub(crate) fn origin(&self) -> String {
        if let Some(vendor) = &self.vendor {
            return vendor.clone();
        }
        if let Some(public) = &self.shared.public {
            return public.clone();
        }
        format!("{}{}", origin(self.shared, self.parts), self.prefix)
    }
}

/// Seconds since 1970.
pub(crate) fn now_seconds() -> u64 {
    u64::try_from(pome_wire::time::now_millis() / 1000).unwrap_or_default()
}

/// Length of the name of a request.
pub(crate) const REQUEST_ID: usize = 40;

/// A fresh name for a request.
pub(crate) fn request_id() -> String {
    format!("req_{}", Uuid::new_v4().hyphenated())
}

/// Scheme and host that the client used.
pub(crate) fn origin(shared: &Shared, parts: &Parts) -> String {
    // A client behind a forward proxy writes the whole address on the request line.
    let host = parts.uri.authority().map(http::uri::Authority::as_str);
    let host = host.or_else(|| parts.headers.get(HOST).and_then(|host| host.to_str().ok()));
    match host {
        Some(host) => format!("http://{host}"),
        None => format!("http://{}", shared.address),
    }
}

/// Answers one request.
pub(crate) async fn answer<B>(
    shared: &Arc<Shared>,
    peer: SocketAddr,
    request: Request<B>,
    call_id: Option<&str>,
) -> Result<Reply, Unanswered>
where
    B: HttpBody,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let started = Instant::now();
    let (mut parts, body) = request.into_parts();
    let routed = Routed::take(&mut parts.headers);
    let path = parts.uri.path();
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    if path == "/healthz" && reads {
        return Ok(crate::http::json(http::StatusCode::OK, shared.prepared.health()));
    }
    if control::is_admin(&parts.method, path) {
        return Ok(control::admin(shared, peer, &parts, body, started).await);
    }
    let (sid, prefix, rest) = match split(path) {
        Some((sid, prefix, rest)) => (Some(uri::decode(sid).into_owned()), prefix, rest),
        None if shared.component.description().root_mount => (None, "", path),
        None if names_twin(&parts.uri, &shared.component.description().id) => (None, "", path),
        None => return Ok(nothing_here()),
    };
    let tokens = &shared.component.description().tokens;
    let query = parts.uri.query().unwrap_or_default();
    let mut token = header_token(&parts.headers, tokens).map(Cow::into_owned);
    let mut visible = Cow::Borrowed(query);
    if let Some(name) = &tokens.query
        && let Some(found) = uri::parameter(query, name)
    {
        visible = Cow::Owned(uri::without(query, name));
        token = token.or_else(|| Some(found.into_owned()));
    }
    let mut body = Some(body);
    let mut bytes = None;
    if token.is_none()
        && parts.method == Method::POST
        && let Some(name) = &tokens.form
        && is_form(&parts.headers)
        && let Some(body) = body.take()
    {
        let whole = match read(body, &shared.limits).await {
            Ok(whole) => whole,
            Err(refused) => return Ok(refused),
        };
        token = form_field(&parts.headers, &whole, name);
        bytes = Some(whole);
    }
    let now = now_seconds();
    let own = routed.and_then(|routed| routed.verified(shared, now));
    let session = token
        .as_deref()
        .filter(|token| !token.is_empty())
        .ok_or(Denied::Absent)
        .and_then(|token| verify(&shared.secret, &shared.component.description().id, tokens, token, now));
    let session = match (session, token.as_deref()) {
        // Not the host's own: perhaps the twin's.
        (Err(Denied::Invalid), Some(token)) if is_kept(tokens, token) => {
            match kept(shared, sid.as_deref(), token, now).await {
                Ok(session) => Ok(session),
                Err(UNKNOWN_KEY) if own.is_some() => Err(Denied::Invalid),
                Err(case) => return Ok(shared.prepared.refusal(case)),
            }
        }
        (session, _) => session,
    };
    let (session, vendor) = match (session, own) {
        // A credential for the real vendor. Whether it is good there cannot be known here; that there is one is what counts.
        (Err(Denied::Invalid), Some((session, vendor))) => (Ok(session), Some(vendor)),
        (session, own) => (session, own.map(|(_, vendor)| vendor)),
    };
    let session = match session {
        Ok(session) if sid.as_ref().is_some_and(|sid| *sid != session.sid) => {
            return Ok(shared.prepared.refusal(Denied::OtherSession.case()));
        }
        Ok(session) => session,
        Err(denied) => return Ok(shared.prepared.refusal(denied.case())),
    };
    // GitHub writes the address of its MCP server with a slash at the end.
    let rest = if rest == "/mcp/" { "/mcp" } else { rest };
    let sid = sid.unwrap_or_else(|| session.sid.clone());
    let Some(world) = shared.worlds.find(&sid, now) else {
        return Ok(shared.prepared.refusal(Denied::Invalid.case()));
    };
    let call = Call {
        shared,
        parts: &parts,
        path: rest,
        query: visible,
        sid,
        session,
        world,
        started,
        prefix,
        vendor,
        call_id: CallId { given: call_id, used: AtomicU32::new(0) },
    };
    if reads && let Some(reply) = control::session(&call).await {
        return Ok(reply);
    }
    if rest == "/mcp" && matches!(parts.method, Method::GET | Method::DELETE) {
        return Ok(mcp::not_allowed());
    }
    if rest == "/mcp/tools" && reads {
        return Ok(crate::http::json(http::StatusCode::OK, shared.prepared.listings().plain_tools.clone()));
    }
    let bytes: Bytes = match (bytes, body) {
        (Some(bytes), _) => bytes,
        (None, Some(body)) => match read(body, &shared.limits).await {
            Ok(bytes) => bytes,
            Err(refused) => return Ok(refused),
        },
        (None, None) => Bytes::new(),
    };
    if parts.method == Method::POST {
        if rest == "/mcp" {
            return mcp::answer(&call, &bytes).await;
        }
        if rest == "/mcp/call" {
            return mcp::legacy_call(&call, bytes).await;
        }
        if let Some(name) = rest.strip_prefix("/mcp/tools/").filter(|name| !name.is_empty() && !name.contains('/')) {
            return mcp::legacy_tool(&call, &uri::decode(name), bytes).await;
        }
    }
    rest::answer(&call, bytes, Door::Route).await
}

/// The case of a token that looks like one of the state's and is not in it.
const UNKNOWN_KEY: &str = "unknown-key";

/// What the capture proxy says about a request that was meant for the vendor.
struct Routed {
    token: String,
    origin: String,
}

impl Routed {
    /// Takes it out of the headers, so that it is neither recorded nor shown to the twin.
    fn take(headers: &mut HeaderMap) -> Option<Self> {
        let mut text = |name| headers.remove(name).and_then(|value| value.to_str().ok().map(str::to_owned));
        let (token, origin) = (text(route::TOKEN), text(route::ORIGIN));
        Some(Self { token: token?, origin: origin? })
    }

    /// The session it belongs to and what addresses start with. Who has the token might as well have used it.
    fn verified(self, shared: &Shared, now: u64) -> Option<(Session, String)> {
        let description = shared.component.description();
        let session = verify(&shared.secret, &description.id, &description.tokens, &self.token, now).ok()?;
        Some((session, self.origin))
    }
}

/// Whether a token looks like one of those that the twin's state holds.
fn is_kept(tokens: &Tokens, token: &str) -> bool {
    tokens.kept.iter().any(|prefix| token.starts_with(prefix.as_str()))
}

/// Asks the twin whose credential a token is; otherwise the case of the refusal.
async fn kept(shared: &Shared, sid: Option<&str>, token: &str, now: u64) -> Result<Session, &'static str> {
    let world = match sid {
        Some(sid) => shared.worlds.find(sid, now).ok_or(Denied::Invalid.case())?,
        None => Arc::clone(shared.worlds.default_world()),
    };
    let mut core = world.hold().await;
    let claims = match core.authenticate(token) {
        Ok(claims) => claims,
        Err(fault) => {
            core.recover(&fault);
            return Err("trap");
        }
    };
    drop(core);
    let claims = claims.ok_or(UNKNOWN_KEY)?;
    let parsed: Map<String, Value> = serde_json::from_slice(&claims).map_err(|_| "trap")?;
    let text = |name: &str| parsed.get(name).and_then(Value::as_str).map(str::to_owned);
    let tokens = &shared.component.description().tokens;
    Ok(Session {
        // A credential without a session of its own belongs to whichever world holds it.
        sid: text("sid").or_else(|| sid.map(str::to_owned)).unwrap_or_else(|| "default".to_owned()),
        team: text("team_id").unwrap_or_default(),
        login: tokens.claims.iter().find_map(|(name, _)| text(name)),
        claims,
    })
}

/// Whether a request line holds a whole address whose host is a local name of the twin: `http://api.github.localhost/user`.
///
/// That is how a client comes that has this server as its proxy and takes no other address than a host of its own, as `gh` with
/// `GH_HOST=github.localhost`. Names under `localhost` always mean this machine (RFC 6761), so nothing else can be meant. The
/// token says which session it is.
fn names_twin(uri: &http::Uri, twin: &str) -> bool {
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    let name = host.strip_suffix(".localhost").unwrap_or_default();
    name == twin || name.strip_suffix(twin).is_some_and(|rest| rest.ends_with('.'))
}

/// `/s/<sid>` and what is below it.
fn split(path: &str) -> Option<(&str, &str, &str)> {
    let below = path.strip_prefix("/s/")?;
    let length = below.find('/').unwrap_or(below.len());
    let (sid, rest) = below.split_at_checked(length)?;
    let prefix = path.get(.."/s/".len() + length)?;
    (!sid.is_empty()).then_some((sid, prefix, if rest.is_empty() { "/" } else { rest }))
}

/// The token in the `Authorization` header, if it is in a form that the twin accepts.
fn header_token<'a>(headers: &'a HeaderMap, tokens: &Tokens) -> Option<Cow<'a, str>> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let Some((word, rest)) = value.split_once(' ') else {
        return (tokens.bare && !value.is_empty()).then_some(Cow::Borrowed(value));
    };
    let matches = |scheme: &&String| {
        if tokens.any_case { scheme.eq_ignore_ascii_case(word) } else { *scheme == word }
    };
    let scheme = tokens.schemes.iter().find(matches)?;
    let token = rest.trim();
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
        let user = decoded.split(':').next().unwrap_or_default().to_owned();
        return (!user.is_empty()).then_some(Cow::Owned(user));
    }
    (!token.is_empty()).then_some(Cow::Borrowed(token))
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether a body is a form in one line.
pub(crate) fn is_urlencoded(headers: &HeaderMap) -> bool {
    content_type(headers).to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
}

pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let kind = content_type(headers).to_ascii_lowercase();
    kind.starts_with("application/x-www-form-urlencoded") || kind.starts_with("multipart/form-data")
}

fn form_field(headers: &HeaderMap, body: &[u8], name: &str) -> Option<String> {
    let kind = content_type(headers);
    if !kind.to_ascii_lowercase().starts_with("multipart/") {
        return uri::parameter(std::str::from_utf8(body).ok()?, name).map(Cow::into_owned);
    }
    let boundary = kind.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?.trim_matches('"');
    let text = String::from_utf8_lossy(body);
    text.split(&format!("--{boundary}")).find_map(|part| {
        let (head, content) = part.split_once("\r\n\r\n")?;
        let named = head.contains(&format!("name=\"{name}\"")) || head.contains(&format!("name={name}\r"));
        named.then(|| content.trim_end_matches("\r\n").to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(schemes: &[&str], any_case: bool, bare: bool) -> Tokens {
        Tokens { schemes: schemes.iter().map(|word| (*word).to_owned()).collect(), any_case, bare, ..Tokens::default() }
    }

    fn found(value: &str, tokens: &Tokens) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        header_token(&headers, tokens).map(Cow::into_owned)
    }

    #[test]
    fn a_token_counts_only_in_the_forms_that_the_twin_describes() {
        let strict = tokens(&["Bearer"], false, false);
        assert_eq!(found("Bearer abc", &strict).as_deref(), Some("abc"));
        assert_eq!(found("  Bearer   abc  ", &strict).as_deref(), Some("abc"));
        for value in ["bearer abc", "abc", "Bearer", "Bearer ", "Basic abc", "Bearerabc"] {
            assert_eq!(found(value, &strict), None, "{value}");
        }
        let open = tokens(&["Bearer", "token", "Basic"], true, true);
        assert_eq!(found("TOKEN abc", &open).as_deref(), Some("abc"));
        assert_eq!(found("abc", &open).as_deref(), Some("abc"));
        assert_eq!(found("Basic c2tfdGVzdDo=", &open).as_deref(), Some("sk_test"));
        assert_eq!(found("Digest abc", &open), None);
    }

    #[test]
    fn only_local_names_of_the_twin_on_the_request_line_mean_it() {
        let means = |uri: &str| names_twin(&uri.parse().unwrap(), "github");
        assert!(means("http://api.github.localhost/user"));
        assert!(means("http://GitHub.localhost:3333/user"));
        for other in
            ["/user", "http://api.github.com/user", "http://localhost/user", "http://api.notgithub.localhost/user"]
        {
            assert!(!means(other), "{other}");
        }
    }

    #[test]
    fn session_paths_are_split_at_the_first_slash() {
        assert_eq!(split("/s/a/b/c"), Some(("a", "/s/a", "/b/c")));
        assert_eq!(split("/s/a"), Some(("a", "/s/a", "/")));
        assert_eq!(split("/s/a%2Fb/"), Some(("a%2Fb", "/s/a%2Fb", "/")));
        assert_eq!(split("/s/"), None);
        assert_eq!(split("/sx/a"), None);
    }

    #[test]
    fn form_fields_are_found_in_both_encodings() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
        assert_eq!(form_field(&headers, b"a=1&token=x%2By", "token").as_deref(), Some("x+y"));
        headers.insert(CONTENT_TYPE, "multipart/form-data; boundary=XX".parse().unwrap());
        let body = b"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nabc\r\n--XX--\r\n";
        assert_eq!(form_field(&headers, body, "token").as_deref(), Some("abc"));
    }
}
