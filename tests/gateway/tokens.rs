//! Tokens: who gets in, as whom, and who does not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pome_gateway::token::{Claims, Secret, mint, mint_provider};
use serde_json::json;

use crate::support::{SECRET, SID, Twin, github, token};

fn status(twin: &Twin, sid: &str, token: &str) -> u16 {
    let authorization = format!("Bearer {token}");
    twin.send("GET", &format!("/s/{sid}/user"), &[("authorization", &authorization)], b"").status
}

#[test]
fn forged_tokens_are_refused_in_the_vendors_shape() {
    let twin = Twin::github();
    let good = token(SID, 3600);
    assert_eq!(status(&twin, SID, &good), 200);
    let parts: Vec<&str> = good.split('.').collect();
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let claims = |sid: &str| Claims { sid: sid.to_owned(), team_id: "tm".to_owned(), ..Claims::default() };
    let forged = [
        ("another secret", mint(&Secret::new("another secret, as long as the first one"), &claims(SID)).unwrap()),
        ("no algorithm", format!("{}.{}.", encode(r#"{"alg":"none"}"#), parts[1])),
        ("no algorithm, old signature", format!("{}.{}.{}", encode(r#"{"alg":"none"}"#), parts[1], parts[2])),
        ("other algorithm", format!("{}.{}.{}", encode(r#"{"alg":"HS384"}"#), parts[1], parts[2])),
        ("other claims", format!("{}.{}.{}", parts[0], encode(r#"{"sid":"contract-sid","login":"root"}"#), parts[2])),
        ("expired", token(SID, -60)),
        ("over in this second", token(SID, 0)),
        ("of another session", token("other", 3600)),
        ("signature cut", good[..good.len() - 4].to_owned()),
        ("signature gone", format!("{}.{}.", parts[0], parts[1])),
        ("only two parts", format!("{}.{}", parts[0], parts[1])),
        ("doubled", format!("{good}.{good}")),
        ("words", "let me in".to_owned()),
    ];
    for (name, forged) in forged {
        let authorization = format!("Bearer {forged}");
        let response = twin.send("GET", &format!("/s/{SID}/user"), &[("authorization", &authorization)], b"");
        assert_eq!(response.status, 401, "{name}");
        assert_eq!(response.json()["documentation_url"], "https://docs.github.com/rest", "{name}");
    }
}

#[test]
fn credentials_that_the_twin_keeps_are_taken_where_they_belong() {
    let twin = Twin::hostile();
    let count = |sid: &str, key: &str| {
        let authorization = format!("Bearer {key}");
        twin.send("GET", &format!("/s/{sid}/count"), &[("authorization", &authorization)], b"").status
    };
    assert_eq!(count(SID, "key_anywhere"), 200);
    assert_eq!(count("bound", "key_bound"), 200);
    assert_eq!(count(SID, "key_bound"), 401);
    assert_eq!(count(SID, "key_of_nobody"), 401);
    assert_eq!(count(SID, "anywhere"), 401);
    assert_eq!(count(SID, "key_crash"), 500);
    assert_eq!(count(SID, "key_anywhere"), 200, "the world came back");
    // What the twin says about its caller is not in the trace.
    assert!(!twin.events().iter().any(|row| row.to_string().contains("key_")));
}

#[test]
fn a_call_meant_for_the_vendor_stands_for_the_session_of_its_route() {
    let vendor = "https://api.vendor.example";
    let call = |twin: &Twin, path: &str, authorization: Option<&str>, route: &str| {
        let mut headers = vec![("x-pome-route-token", route), ("x-pome-route-origin", vendor)];
        headers.extend(authorization.map(|value| ("authorization", value)));
        twin.send("GET", &format!("/s/{SID}{path}"), &headers, b"")
    };
    let own = token(SID, 3600);
    let made_up = "token ghp_0123456789abcdefghijklmnopqrstuvwxyz";

    let github = Twin::github();
    let user = call(&github, "/user", Some(made_up), &own);
    assert_eq!((user.status, &user.json()["login"]), (200, &json!("alice")));
    assert_eq!(user.json()["url"], format!("{vendor}/users/alice"));
    let user = call(&github, "/user", Some(&format!("Bearer {own}")), &own);
    assert_eq!(user.json()["url"], format!("{vendor}/users/alice"), "its own token changes nothing");
    for (name, authorization, route) in [
        ("no credential", None, own.as_str()),
        ("a form that the vendor does not take", Some("Digest x"), &own),
        ("a forged route", Some(made_up), "forged"),
        ("a route that is over", Some(made_up), &token(SID, -60)),
        ("a route of another session", Some(made_up), &token("other", 3600)),
        ("a token of another session", Some(&format!("Bearer {}", token("other", 3600))), &own),
    ] {
        assert_eq!(call(&github, "/user", authorization, route).status, 401, "{name}");
    }
    for row in github.events() {
        let text = row.to_string();
        assert!(!text.contains("x-pome-route") && !text.contains(&own) && !text.contains("ghp_"), "{text}");
    }

    // Credentials of the state are looked up; one that nobody has is one for the real vendor.
    let hostile = Twin::hostile();
    for (key, status) in [("key_anywhere", 200), ("key_bound", 401), ("key_of_nobody", 200), ("key_crash", 500)] {
        assert_eq!(call(&hostile, "/count", Some(&format!("Bearer {key}")), &own).status, status, "{key}");
    }
}

#[test]
fn tokens_in_the_vendors_shape_work_for_their_session_only() {
    let twin = Twin::github();
    let secret = Secret::new(SECRET);
    let component = github();
    let tokens = &component.description().tokens;
    for prefix in &tokens.prefixes {
        for exp in [None, Some(4_000_000_000)] {
            let token = mint_provider(&secret, "github", tokens, Some(prefix), SID, exp).unwrap();
            assert_eq!(status(&twin, SID, &token), 200, "{prefix} {exp:?}");
            assert_eq!(status(&twin, "other", &token), 401, "{prefix} {exp:?}: another session");
            assert_eq!(status(&twin, SID, &token[..token.len() - 1]), 401, "{prefix} {exp:?}: cut");
        }
        let over = mint_provider(&secret, "github", tokens, Some(prefix), SID, Some(1_000_000_000)).unwrap();
        assert_eq!(status(&twin, SID, &over), 401, "{prefix}: over");
    }
    let forged = mint_provider(&Secret::new("x"), "github", tokens, None, SID, None).unwrap();
    assert_eq!(status(&twin, SID, &forged), 401);
}

#[test]
fn the_twin_learns_who_calls_and_never_the_token() {
    let twin = Twin::github();
    assert_eq!(twin.get("/user").json()["login"], "alice");
    let provider =
        mint_provider(&Secret::new(SECRET), "github", &github().description().tokens, None, SID, None).unwrap();
    let authorization = format!("token {provider}");
    let response = twin.send("GET", &format!("/s/{SID}/user"), &[("authorization", &authorization)], b"");
    assert_eq!(response.json()["login"], "pome-agent");
    for row in twin.events() {
        assert_eq!(row["request_headers"]["authorization"], json!("[REDACTED]"));
        assert!(!row.to_string().contains(&provider));
    }
}

#[test]
fn a_client_behind_the_twin_as_its_proxy_reaches_its_session_by_a_local_name() {
    let twin = Twin::github();
    let authorization = format!("token {}", token(SID, 3600));
    let headers = [("authorization", authorization.as_str())];
    let user = twin.send("GET", "http://api.github.localhost/user", &headers, b"");
    assert_eq!((user.status, &user.json()["login"]), (200, &serde_json::json!("alice")));
    // Addresses in answers lead back the same way.
    assert_eq!(user.json()["url"], "http://api.github.localhost/users/alice");
    assert_eq!(twin.send("GET", "http://api.github.localhost/user", &[], b"").status, 401);
    assert_eq!(twin.send("GET", "http://api.example.com/user", &headers, b"").status, 404);
    assert_eq!(twin.send("GET", "/user", &headers, b"").status, 404);
}
