//! Forged, old and stolen tokens at a server: each twin refuses them as its vendor would.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use pome_gateway::token::{Claims, Secret, mint, mint_provider};
use pome_sandbox::Tokens;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Cluster, Home, SECRET, Session, send};

/// How one twin is asked.
struct Vendor {
    twin: &'static str,
    method: &'static str,
    path: &'static str,
    /// Begins a token in the vendor's own shape.
    prefix: &'static str,
}

const VENDORS: [Vendor; 3] = [
    Vendor { twin: "github", method: "GET", path: "/user", prefix: "ghp_pome_" },
    Vendor { twin: "slack", method: "POST", path: "/api/auth.test", prefix: "xoxb-pome-" },
    Vendor { twin: "stripe", method: "GET", path: "/v1/balance", prefix: "sk_test_pome_" },
];

/// Why a token is refused.
#[derive(Debug, Clone, Copy)]
enum Why {
    /// It is not one of ours.
    Bad,
    /// It looks like one that the vendor keeps, and is not.
    Unknown,
    Over,
    /// It is good, for another session.
    Elsewhere,
}

/// How a vendor says so.
fn refusal(twin: &str, why: Why) -> (u16, Value) {
    match (twin, why) {
        ("github", why) => {
            let message = if matches!(why, Why::Elsewhere) { "Forbidden" } else { "Bad credentials" };
            (401, json!({"message": message, "documentation_url": "https://docs.github.com/rest", "status": "401"}))
        }
        ("slack", why) => {
            let word = if matches!(why, Why::Over) { "token_expired" } else { "invalid_auth" };
            (401, json!({"ok": false, "error": word}))
        }
        (_, why) => {
            let (status, code, message) = match why {
                Why::Bad => (401, "unauthorized", "Bad credentials"),
                Why::Unknown => (401, "unauthorized", "Invalid API Key provided."),
                Why::Over => (401, "unauthorized", "Token expired"),
                Why::Elsewhere => (403, "forbidden", "Session id mismatch."),
            };
            (status, json!({"error": {"type": "invalid_request_error", "code": code, "message": message}}))
        }
    }
}

/// What the servers of a test sign tokens of sessions with: derived from their secret, one key for each purpose.
fn signing_key() -> Secret {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(b"session tokens");
    Secret::new(&URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// A token in the form of those of sessions.
fn signed(secret: &Secret, sid: &str, exp: u64) -> String {
    let claims = Claims {
        sid: sid.to_owned(),
        team_id: "tm_self".to_owned(),
        exp: Some(exp),
        iat: None,
        extra: vec![("login".to_owned(), "pome-agent".to_owned())],
    };
    mint(secret, &claims).unwrap()
}

#[test]
fn tokens_that_are_not_the_sessions_are_refused_in_the_vendors_shape() {
    for home in Home::each() {
        let cluster = Cluster::start(home, 1, 10);
        let twins = ["github", "slack", "stripe"];
        let (mine, other) = (cluster.open(0, &twins, None), cluster.open(0, &twins, None));
        let key = signing_key();
        let ours = signed(&key, &mine.id, now() + 600);
        let [head, claims, signature] = ours.split('.').collect::<Vec<_>>().try_into().unwrap();
        let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        for vendor in &VENDORS {
            let tokens = Tokens { prefixes: vec![vendor.prefix.to_owned()], ..Tokens::default() };
            let shaped =
                |secret: &Secret, sid: &str, exp| mint_provider(secret, vendor.twin, &tokens, None, sid, exp).unwrap();
            let ask = |session: &Session, token: &str| {
                let url = format!("{}/{}/{}{}", cluster.url(0), vendor.twin, session.id, vendor.path);
                send(vendor.method, &url, &[("authorization", &format!("Bearer {token}"))], None)
            };
            let good = ask(&mine, &mine.token);
            assert_eq!((good.0, good.1.get("error")), (200, None), "{}", good.1);
            for (what, token) in [
                ("minted here, so that what follows is refused for its own reason", ours.clone()),
                ("with the prefix that some clients know", format!("edt_{ours}")),
                ("in the vendor's shape", shaped(&key, &mine.id, None)),
                ("in the vendor's shape, for a while", shaped(&key, &mine.id, Some(now() + 600))),
            ] {
                assert_eq!(ask(&mine, &token), good, "{} {what}", vendor.twin);
            }
            let stranger = Secret::new("a secret that no server of this test has");
            let cut = |token: String| token[..token.len() - 2].to_owned();
            for (why, what, token) in [
                (Why::Bad, "wrong secret", signed(&stranger, &mine.id, now() + 600)),
                (Why::Bad, "not what is derived from the secret", signed(&Secret::new(SECRET), &mine.id, now() + 600)),
                (Why::Bad, "alg none", format!("{unsigned}.{claims}.")),
                (Why::Bad, "alg none with a signature", format!("{unsigned}.{claims}.{signature}")),
                (Why::Bad, "truncated", cut(ours.clone())),
                (Why::Bad, "without its signature", format!("{head}.{claims}.")),
                (Why::Bad, "truncated behind the prefix", cut(format!("edt_{ours}"))),
                (Why::Bad, "the prefix twice", format!("edt_edt_{ours}")),
                (Why::Bad, "an API key", cluster.key.clone()),
                (Why::Unknown, "vendor's shape, wrong secret", shaped(&stranger, &mine.id, None)),
                (Why::Unknown, "vendor's shape, truncated", cut(shaped(&key, &mine.id, None))),
                (Why::Unknown, "vendor's shape, over", shaped(&key, &mine.id, Some(1_000_000_000))),
                (Why::Over, "over", signed(&key, &mine.id, now() - 1)),
                (Why::Over, "over, behind the prefix", format!("edt_{}", signed(&key, &mine.id, now() - 1))),
                (Why::Elsewhere, "of another session", other.token.clone()),
                (Why::Elsewhere, "of another session, behind the prefix", format!("edt_{}", other.token)),
                (Why::Elsewhere, "vendor's shape, of another session", shaped(&key, &other.id, None)),
                // The separator is in the encoded name, twice, and more so when a time follows.
                (Why::Elsewhere, "vendor's shape, `YT9iP2M_ZD8_`", shaped(&key, "a?b?c?d??", None)),
                (
                    Why::Elsewhere,
                    "vendor's shape, `YT9iP2M_ZD8_`, for a while",
                    shaped(&key, "a?b?c?d??", Some(now() + 600)),
                ),
            ] {
                assert_eq!(ask(&mine, &token), refusal(vendor.twin, why), "{} {what}", vendor.twin);
            }
            assert_eq!(ask(&other, &other.token).0, 200, "{}", vendor.twin);
        }
    }
}
