//! Minting and checking the tokens of sessions: signed claims (JWT, HS256) and tokens in a vendor's own shape.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use pome_sandbox::Tokens;
use serde_json::{Map, Value};
use sha2::Sha256;

/// Team of a session that came with a token in the vendor's own shape.
pub const PROVIDER_TEAM: &str = "provider-shaped";

/// Characters of the signature in a vendor-shaped token.
const SIGNATURE: usize = 22;

/// Expiry times at or above this are refused when minting: they are milliseconds by mistake.
const EXP_BOUND: u64 = 1_000_000_000_000;

/// The key that signs tokens. Its content is never shown.
#[derive(Clone)]
pub struct Secret(Option<Arc<[u8]>>);

impl Secret {
    /// A key from text.
    pub fn new(text: &str) -> Self {
        Self(Some(text.as_bytes().into()))
    }

    /// No key: every token is refused and none can be minted.
    pub fn missing() -> Self {
        Self(None)
    }

    fn sign(&self, message: &[&str]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_deref()?).ok()?;
        for part in message {
            mac.update(part.as_bytes());
        }
        Some(mac)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Secret(set)" } else { "Secret(missing)" })
    }
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Claims {
    /// The session.
    pub sid: String,
    /// The team.
    pub team_id: String,
    /// When it ends, in seconds since 1970; never when absent.
    pub exp: Option<u64>,
    /// When it was made, in seconds since 1970.
    pub iat: Option<u64>,
    /// Further claims, such as the vendor identity of the caller.
    pub extra: Vec<(String, String)>,
}

/// Who a valid token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The session.
    pub sid: String,
    /// The team.
    pub team: String,
    /// The vendor identity, if the token names one.
    pub login: Option<String>,
    /// All claims as a JSON object.
    pub claims: Vec<u8>,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// There is none, or none in a form that counts.
    Absent,
    /// It is over.
    Expired,
    /// It is not one of ours.
    Invalid,
    /// It is for another session.
    OtherSession,
}

impl Denied {
    /// The name of the refusal in a twin's description.
    pub fn case(self) -> &'static str {
        match self {
            Self::Absent => "no-token",
            Self::Expired => "expired-token",
            Self::Invalid => "bad-token",
            Self::OtherSession => "wrong-session",
        }
    }
}

/// A token cannot be minted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// There is no key.
    #[error("no token secret is set")]
    NoSecret,
    /// The twin does not know such tokens.
    #[error("`{prefix}` is not a token prefix of this twin")]
    UnknownPrefix {
        /// What was asked for.
        prefix: String,
    },
    /// The expiry is not a time in seconds.
    #[error("`{exp}` is not an expiry in seconds since 1970")]
    BadExpiry {
        /// What was asked for.
        exp: u64,
    },
}

/// Mints a signed token.
pub fn mint(secret: &Secret, claims: &Claims) -> Result<String, MintError> {
    let mut body = Map::new();
    body.insert("sid".to_owned(), claims.sid.clone().into());
    body.insert("team_id".to_owned(), claims.team_id.clone().into());
    for (name, value) in &claims.extra {
        body.insert(name.clone(), value.clone().into());
    }
    if let Some(exp) = claims.exp {
        body.insert("exp".to_owned(), exp.into());
    }
    if let Some(iat) = claims.iat {
        body.insert("iat".to_owned(), iat.into());
    }
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#),
        URL_SAFE_NO_PAD.encode(Value::Object(body).to_string())
    );
    let mac = secret.sign(&[&signed]).ok_or(MintError::NoSecret)?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
}

/// Mints a token in the vendor's own shape. `prefix` absent: the twin's first.
pub fn mint_provider(
    secret: &Secret,
    provider: &str,
    tokens: &Tokens,
    prefix: Option<&str>,
    sid: &str,
    exp: Option<u64>,
) -> Result<String, MintError> {
    let unknown = |prefix: &str| MintError::UnknownPrefix { prefix: prefix.to_owned() };
    let prefix = match prefix {
        Some(prefix) => tokens.prefixes.iter().find(|known| *known == prefix).ok_or_else(|| unknown(prefix))?,
        None => tokens.prefixes.first().ok_or_else(|| unknown(""))?,
    };
    let name = URL_SAFE_NO_PAD.encode(sid);
    match exp {
        None => {
            let signature = provider_signature(secret, provider, sid, None).ok_or(MintError::NoSecret)?;
            Ok(format!("{prefix}{name}_{signature}"))
        }
        Some(exp) if (1..EXP_BOUND).contains(&exp) => {
            let signature =
                provider_signature(secret, provider, sid, Some(&exp.to_string())).ok_or(MintError::NoSecret)?;
            Ok(format!("{prefix}{name}_{exp}_{signature}"))
        }
        Some(exp) => Err(MintError::BadExpiry { exp }),
    }
}

/// Finds out who a token stands for. `now` is in seconds since 1970.
pub fn verify(secret: &Secret, provider: &str, tokens: &Tokens, token: &str, now: u64) -> Result<Session, Denied> {
    match verify_provider(secret, provider, tokens, token, now) {
        Some(session) => Ok(session),
        None => verify_signed(secret, tokens, token, now),
    }
}

/// Whether two texts are equal, in a time that depends on their lengths only.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0_u8, |differences, (x, y)| differences | (x ^ y)) == 0
}

fn provider_signature(secret: &Secret, provider: &str, sid: &str, exp: Option<&str>) -> Option<String> {
    let mac = match exp {
        Some(exp) => secret.sign(&[provider, ":", sid, ":", exp])?,
        None => secret.sign(&[provider, ":", sid])?,
    };
    let mut text = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    text.truncate(SIGNATURE);
    Some(text)
}

fn verify_provider(secret: &Secret, provider: &str, tokens: &Tokens, token: &str, now: u64) -> Option<Session> {
    let rest = tokens.prefixes.iter().find_map(|prefix| token.strip_prefix(prefix.as_str()))?;
    // Read from the right: the encoded session may hold the separator itself.
    let cut = rest.len().checked_sub(SIGNATURE + 1)?;
    let (name, signature) = (rest.get(..cut)?, rest.get(cut..)?.strip_prefix('_')?);
    let decoded = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(name).ok()?;
        String::from_utf8(bytes).ok().filter(|sid| !sid.is_empty())
    };
    let matches = |sid: &str, exp: Option<&str>| {
        provider_signature(secret, provider, sid, exp)
            .is_some_and(|expected| equal(expected.as_bytes(), signature.as_bytes()))
    };
    if let Some((encoded, exp)) = name.rsplit_once('_')
        && (1..=12).contains(&exp.len())
        && exp.bytes().all(|byte| byte.is_ascii_digit())
        && let Some(sid) = decoded(encoded)
        && matches(&sid, Some(exp))
    {
        return exp.parse::<u64>().is_ok_and(|exp| exp > now).then(|| provider_session(tokens, sid));
    }
    let sid = decoded(name)?;
    matches(&sid, None).then(|| provider_session(tokens, sid))
}

fn provider_session(tokens: &Tokens, sid: String) -> Session {
    let mut claims = Map::new();
    claims.insert("sid".to_owned(), sid.clone().into());
    claims.insert("team_id".to_owned(), PROVIDER_TEAM.into());
    for (name, value) in &tokens.claims {
        claims.insert(name.clone(), value.clone().into());
    }
    Session {
        sid,
        team: PROVIDER_TEAM.to_owned(),
        login: tokens.claims.first().map(|(_, value)| value.clone()),
        claims: Value::Object(claims).to_string().into_bytes(),
    }
}

fn verify_signed(secret: &Secret, tokens: &Tokens, token: &str, now: u64) -> Result<Session, Denied> {
    // Some clients of control planes know tokens with a prefix of their own.
    let token = token.strip_prefix("edt_").unwrap_or(token);
    let (signed, signature) = token.rsplit_once('.').ok_or(Denied::Invalid)?;
    let (header, payload) = signed.split_once('.').ok_or(Denied::Invalid)?;
    let claims = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Denied::Invalid)?;
    let parsed: Map<String, Value> = serde_json::from_slice(&claims).map_err(|_| Denied::Invalid)?;
    // Expiry is looked at before the signature, so an old token is told apart from a wrong one.
    if parsed.get("exp").is_some_and(|exp| !is_later(exp, now)) {
        return Err(Denied::Expired);
    }
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| Denied::Invalid)?;
    let header: Map<String, Value> = serde_json::from_slice(&header).map_err(|_| Denied::Invalid)?;
    // A critical extension that is not understood makes a token invalid.
    if header.get("alg").and_then(Value::as_str) != Some("HS256") || header.contains_key("crit") {
        return Err(Denied::Invalid);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Denied::Invalid)?;
    let mac = secret.sign(&[signed]).ok_or(Denied::Invalid)?;
    mac.verify_slice(&signature).map_err(|_| Denied::Invalid)?;
    if ["nbf", "iat"].iter().any(|name| parsed.get(*name).is_some_and(|time| !is_not_later(time, now))) {
        return Err(Denied::Invalid);
    }
    let sid = parsed.get("sid").and_then(Value::as_str).filter(|sid| !sid.is_empty()).ok_or(Denied::Invalid)?;
    let team = parsed.get("team_id").and_then(Value::as_str).unwrap_or_default();
    let login = tokens.claims.iter().find_map(|(name, _)| parsed.get(name).and_then(Value::as_str));
    Ok(Session { sid: sid.to_owned(), team: team.to_owned(), login: login.map(str::to_owned), claims })
}

#[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^53")]
fn is_later(time: &Value, now: u64) -> bool {
    time.as_f64().is_some_and(|time| time > now as f64)
}

#[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^53")]
fn is_not_later(time: &Value, now: u64) -> bool {
    time.as_f64().is_some_and(|time| time <= now as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn tokens() -> Tokens {
        Tokens {
            prefixes: vec!["tin_pome_".to_owned(), "tin_pat_".to_owned()],
            claims: vec![("login".to_owned(), "pome-agent".to_owned())],
            ..Tokens::default()
        }
    }

    fn check(token: &str) -> Result<Session, Denied> {
        verify(&Secret::new("0123456789abcdef0123456789abcdef"), "tiny", &tokens(), token, NOW)
    }

    fn signed(header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let mac = Secret::new("0123456789abcdef0123456789abcdef").sign(&[&signed]).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

    #[test]
    fn a_minted_token_is_accepted_with_all_its_claims() {
        let secret = Secret::new("0123456789abcdef0123456789abcdef");
        let claims = Claims {
            sid: "run_1".to_owned(),
            team_id: "tm".to_owned(),
            exp: Some(NOW + 1),
            iat: None,
            extra: vec![("login".to_owned(), "alice".to_owned())],
        };
        let session = check(&mint(&secret, &claims).unwrap()).unwrap();
        assert_eq!((session.sid.as_str(), session.team.as_str()), ("run_1", "tm"));
        assert_eq!(session.login.as_deref(), Some("alice"));
        assert_eq!(session.claims, br#"{"sid":"run_1","team_id":"tm","login":"alice","exp":1800000001}"#);
    }

    #[test]
    fn refused_tokens_say_whether_they_are_over_or_wrong() {
        let cases = [
            ("no dots", "garbage".to_owned(), Denied::Invalid),
            ("empty", String::new(), Denied::Invalid),
            ("over", signed(HS256, r#"{"sid":"a","exp":1799999999}"#), Denied::Expired),
            ("over this second", signed(HS256, r#"{"sid":"a","exp":1800000000}"#), Denied::Expired),
            ("exp is a word", signed(HS256, r#"{"sid":"a","exp":"soon"}"#), Denied::Expired),
            ("over and wrongly signed", format!("{}x", signed(HS256, r#"{"sid":"a","exp":1}"#)), Denied::Expired),
            ("alg none", signed(r#"{"alg":"none"}"#, r#"{"sid":"a"}"#), Denied::Invalid),
            (
                "alg none, no signature",
                signed(r#"{"alg":"none"}"#, r#"{"sid":"a"}"#).rsplit_once('.').unwrap().0.to_owned() + ".",
                Denied::Invalid,
            ),
            ("other alg", signed(r#"{"alg":"HS512"}"#, r#"{"sid":"a"}"#), Denied::Invalid),
            ("alg in other case", signed(r#"{"alg":"hs256"}"#, r#"{"sid":"a"}"#), Denied::Invalid),
            ("critical extension", signed(r#"{"alg":"HS256","crit":["x"]}"#, r#"{"sid":"a"}"#), Denied::Invalid),
            ("header is not JSON", signed("x", r#"{"sid":"a"}"#), Denied::Invalid),
            ("payload is not an object", signed(HS256, "[]"), Denied::Invalid),
            ("not yet", signed(HS256, r#"{"sid":"a","nbf":1800000001}"#), Denied::Invalid),
            ("from the future", signed(HS256, r#"{"sid":"a","iat":1800000001}"#), Denied::Invalid),
            ("no sid", signed(HS256, r#"{"team_id":"a"}"#), Denied::Invalid),
            ("empty sid", signed(HS256, r#"{"sid":""}"#), Denied::Invalid),
            ("sid of another type", signed(HS256, r#"{"sid":7}"#), Denied::Invalid),
            ("signature cut", signed(HS256, r#"{"sid":"a"}"#)[..40].to_owned(), Denied::Invalid),
            (
                "signature one short",
                {
                    let t = signed(HS256, r#"{"sid":"a"}"#);
                    t[..t.len() - 1].to_owned()
                },
                Denied::Invalid,
            ),
            ("five parts", signed(HS256, r#"{"sid":"a"}"#) + ".x.y", Denied::Invalid),
        ];
        for (name, token, expected) in cases {
            assert_eq!(check(&token), Err(expected), "{name}");
        }
        assert!(check(&signed(HS256, r#"{"sid":"a"}"#)).is_ok(), "the same shape, rightly signed");
        let other = Secret::new("another secret of thirty-two chars");
        let token = mint(&other, &Claims { sid: "a".to_owned(), ..Claims::default() }).unwrap();
        assert_eq!(check(&token), Err(Denied::Invalid), "signed with another secret");
        assert_eq!(
            verify(&Secret::missing(), "tiny", &tokens(), &signed(HS256, r#"{"sid":"a"}"#), NOW),
            Err(Denied::Invalid)
        );
    }

    #[test]
    fn vendor_shaped_tokens_are_read_from_the_right() {
        let secret = Secret::new("0123456789abcdef0123456789abcdef");
        // Session names whose encoding holds the separator, and one that looks like an expiry.
        for sid in ["run_1", "a?>b?>c", "\u{7f}\u{7ff}~~~???", "x"] {
            for exp in [None, Some(NOW + 60)] {
                for prefix in [None, Some("tin_pat_")] {
                    let token = mint_provider(&secret, "tiny", &tokens(), prefix, sid, exp).unwrap();
                    let session = check(&token).unwrap();
                    assert_eq!((session.sid.as_str(), session.team.as_str()), (sid, PROVIDER_TEAM), "{token}");
                    assert_eq!(session.login.as_deref(), Some("pome-agent"));
                    let mut forged = token.clone().into_bytes();
                    let last = forged.last_mut().unwrap();
                    *last = if *last == b'A' { b'B' } else { b'A' };
                    assert_eq!(check(&String::from_utf8(forged).unwrap()), Err(Denied::Invalid));
                    assert_eq!(check(&token[..token.len() - 1]), Err(Denied::Invalid));
                    assert_eq!(
                        verify(&secret, "other", &tokens(), &token, NOW),
                        Err(Denied::Invalid),
                        "a token of another twin"
                    );
                }
            }
            let over = mint_provider(&secret, "tiny", &tokens(), None, sid, Some(NOW)).unwrap();
            assert_eq!(check(&over), Err(Denied::Invalid), "an expired one counts as unknown");
        }
    }

    #[test]
    fn what_cannot_be_minted_is_refused() {
        let secret = Secret::new("0123456789abcdef0123456789abcdef");
        let mint = |prefix, exp| mint_provider(&secret, "tiny", &tokens(), prefix, "a", exp);
        assert_eq!(mint(Some("ghp_"), None), Err(MintError::UnknownPrefix { prefix: "ghp_".to_owned() }));
        assert_eq!(mint(None, Some(0)), Err(MintError::BadExpiry { exp: 0 }));
        assert_eq!(mint(None, Some(EXP_BOUND)), Err(MintError::BadExpiry { exp: EXP_BOUND }));
        assert_eq!(super::mint(&Secret::missing(), &Claims::default()), Err(MintError::NoSecret));
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::new("hidden")), "Secret(set)");
    }
}
