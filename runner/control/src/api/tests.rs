//! Sessions through the routes: opened, listed, kept alive, ended; and who may not.

mod boot;
mod files;
mod finalize;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use pome_wire::time::{format, now_millis};
use serde_json::{Value, json};

use super::ROUTES;

use crate::keys;
use crate::store::on;
use crate::tests::{Bench, Place, on_either_database};

on_either_database! {
    an_open_session_has_an_address_for_each_twin,
    what_cannot_be_opened_is_refused_with_a_reason,
    the_same_idempotency_key_means_the_same_session_within_a_team,
    a_plan_has_its_number_of_sessions,
    a_session_without_a_result_is_closed_only_when_that_is_confirmed,
    heartbeats_move_the_end_and_an_expired_session_is_over,
    agents_are_found_by_slug_and_alias_and_nearly,
    every_route_keeps_strangers_out,
    session_tokens_open_their_own_session_only,
}

const SCENARIO: &str = "# Fix the Bug!\n\n## Prompt\n\nDo it.\n\n## Success Criteria\n\n- [D] No issue is open\n";

fn source() -> String {
    STANDARD.encode(SCENARIO)
}

async fn opened(bench: &Bench, twins: Value) -> Value {
    let asked = json!({"twins": twins, "scenario_source": source()});
    let (status, body) = bench.ask(Method::POST, "/v1/sessions", Some(asked)).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    body
}

fn id(body: &Value) -> String {
    body["session_id"].as_str().unwrap().to_owned()
}

async fn an_open_session_has_an_address_for_each_twin(place: Place) {
    let bench = Bench::with_twins(place, &["github", "slack"]).await;
    let body = opened(&bench, json!(["slack", "github"])).await;
    let id = id(&body);
    let api = format!("http://127.0.0.1:8787/slack/{id}");
    assert_eq!(body["twin_url"], api);
    assert_eq!(
        body["per_twin"]["slack"],
        json!({
            "api_url": api, "mcp_url": format!("{api}/mcp"), "openapi_url": format!("{api}/openapi.json"),
        })
    );
    assert_eq!(body["seed_applied"], "default");
    assert_eq!(body["provider_credentials"], json!({}));
    let (status, row) = bench.ask(Method::GET, &format!("/v1/sessions/{id}"), None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(row["twins"], json!(["slack", "github"]));
    assert_eq!((&row["state"], &row["task_name"]), (&json!("ready"), &json!("fix-the-bug")));
    let text = row.to_string();
    assert!(!text.contains("token") && !text.contains("key_id") && !text.contains("pme_"), "{text}");
    let (_, list) = bench.ask(Method::GET, "/v1/sessions", None).await;
    assert_eq!(list, json!([row]));
}

async fn what_cannot_be_opened_is_refused_with_a_reason(place: Place) {
    let bench = Bench::with_twins(place, &["github", "slack"]).await;
    let source = source();
    for (asked, status, word) in [
        (json!({"scenario_source": source, "twins": ["gmail"]}), 422, "gmail"),
        (json!({"scenario_source": source, "twins": []}), 422, "twins"),
        (json!({"scenario_source": source, "twins": ["github", "github"]}), 422, "twice"),
        (json!({"scenario_source": source, "twins": "github"}), 422, "expected a sequence"),
        (json!({}), 422, "scenario_source"),
        (json!({"scenario_source": source, "task_id": "scn_1"}), 422, "both"),
        (json!({"scenario_source": "%"}), 422, "base64"),
        (json!({"scenario_id": "scn_1"}), 404, "scn_1"),
        (json!({"scenario_source": source, "idempotency_key": "x"}), 422, "UUID"),
        (json!({"scenario_source": source, "group_id": "a b"}), 422, "group_id"),
        (json!({"scenario_source": source, "agent_id": "agt_1"}), 400, "agt_1"),
        (json!({"scenario_source": source, "tags": ["a b"]}), 422, "tags"),
        (json!({"scenario_source": source, "ttl_seconds": 59}), 422, "ttl_seconds"),
        (json!({"scenario_source": source, "seed": {"repos": 7}}), 422, "seed"),
        (json!({"scenario_source": source, "seed": {"x": {}}, "twins": ["github", "slack"]}), 422, "seed.x"),
    ] {
        let (found, body) = bench.ask(Method::POST, "/v1/sessions", Some(asked.clone())).await;
        assert_eq!(found.as_u16(), status, "{asked} {body}");
        assert!(body["error"]["message"].as_str().unwrap().contains(word), "{asked} {body}");
    }
    let request = http::Request::post("/v1/sessions").header("x-api-key", &bench.key).body("{".into()).unwrap();
    assert_eq!(bench.send(request).await.status(), StatusCode::BAD_REQUEST);
    let (_, list) = bench.ask(Method::GET, "/v1/sessions", None).await;
    assert_eq!(list, json!([]), "nothing was stored");
}

async fn the_same_idempotency_key_means_the_same_session_within_a_team(place: Place) {
    let bench = Bench::with_twins(place, &["github"]).await;
    let asked = json!({"task_source": source(), "idempotency_key": "7c9e6679-7425-40de-944b-e07fc1f90ae7"});
    let (_, one) = bench.ask(Method::POST, "/v1/sessions", Some(asked.clone())).await;
    let (status, two) = bench.ask(Method::POST, "/v1/sessions", Some(asked.clone())).await;
    assert_eq!((status, id(&one)), (StatusCode::CREATED, id(&two)));
    let other = bench.other_team("other", "team").await;
    let (_, theirs) = bench.ask_as(&other, Method::POST, "/v1/sessions", Some(asked.clone())).await;
    assert_ne!(id(&theirs), id(&one));
    on!(&bench.control.store, pool => {
        sqlx::query("UPDATE sessions SET created_at = created_at - 31000").execute(pool).await.map(drop)
    })
    .unwrap();
    let (_, later) = bench.ask(Method::POST, "/v1/sessions", Some(asked)).await;
    assert_ne!(id(&later), id(&one));
}

async fn a_plan_has_its_number_of_sessions(place: Place) {
    let bench = Bench::with_twins(place, &["github"]).await;
    let key = bench.other_team("small", "free").await;
    let asked = json!({"scenario_source": source()});
    for _ in 0..3 {
        let (status, _) = bench.ask_as(&key, Method::POST, "/v1/sessions", Some(asked.clone())).await;
        assert_eq!(status, StatusCode::CREATED);
    }
    let (status, body) = bench.ask_as(&key, Method::POST, "/v1/sessions", Some(asked)).await;
    assert_eq!(status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(body["error"]["type"], "quota_exceeded");
    assert_eq!(body["error"]["details"], json!({"kind": "concurrent_sessions", "limit": 3, "used": 3}));
    let (_, usage) = bench.ask_as(&key, Method::GET, "/v1/usage", None).await;
    assert_eq!(
        (&usage["sessions_used"], &usage["sessions_remaining"], &usage["plan_tier"]),
        (&json!(3), &json!(0), &json!("free"))
    );
}

async fn a_session_without_a_result_is_closed_only_when_that_is_confirmed(place: Place) {
    let bench = Bench::with_twins(place, &["github"]).await;
    let path = format!("/v1/sessions/{}", id(&opened(&bench, json!(["github"])).await));
    let other = format!("/v1/sessions/{}", id(&opened(&bench, json!(["github"])).await));
    let refuse = |body: Value| {
        assert_eq!(body["error"]["details"]["reason"], "ungraded_session", "{body}");
        body["error"]["details"]["discard_token"].as_str().unwrap().to_owned()
    };
    let (status, body) = bench.ask(Method::DELETE, &path, None).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let token = refuse(body);
    let (status, body) = bench.ask(Method::DELETE, &format!("{other}?confirm_discard={token}"), None).await;
    assert_eq!(status, StatusCode::CONFLICT, "the token is for one session");
    refuse(body);
    let (status, body) = bench.ask(Method::DELETE, &format!("{path}?confirm_discard={token}"), None).await;
    assert_eq!((status, body), (StatusCode::NO_CONTENT, Value::Null));
    let (status, body) = bench.ask(Method::DELETE, &path, None).await;
    assert_eq!((status, body["error"]["details"].clone()), (StatusCode::CONFLICT, Value::Null), "closed already");
    let (status, body) = bench.ask(Method::POST, &format!("{path}/abandon"), Some(json!({"error_code": "late"}))).await;
    assert_eq!((status, &body["state"], &body["abandoned"]), (StatusCode::OK, &json!("done"), &json!(false)));
    let (_, body) =
        bench.ask(Method::POST, &format!("{other}/abandon"), Some(json!({"error_code": "interrupted"}))).await;
    assert_eq!(
        body,
        json!({"session_id": body["session_id"], "state": "failed", "error_code": "interrupted", "abandoned": true})
    );
}

async fn heartbeats_move_the_end_and_an_expired_session_is_over(place: Place) {
    let bench = Bench::with_twins(place, &["github"]).await;
    let id = id(&opened(&bench, json!(["github"])).await);
    let move_end = async |at: i64| {
        on!(&bench.control.store, pool => {
            sqlx::query("UPDATE sessions SET expires_at = $1").bind(at).execute(pool).await.map(drop)
        })
        .unwrap();
    };
    let soon = now_millis() + 60_000;
    move_end(soon).await;
    let (status, body) = bench.ask(Method::POST, &format!("/v1/sessions/{id}/heartbeat"), Some(json!({}))).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body["expires_at"].as_str().unwrap() > format(soon + 1_700_000).as_str(), "{body}");
    let (status, again) = bench.ask(Method::POST, &format!("/v1/sessions/{id}/token"), Some(json!({}))).await;
    assert_eq!((status, &again["session_id"]), (StatusCode::OK, &json!(id)));
    move_end(now_millis() - 1).await;
    let (status, body) = bench.ask(Method::POST, &format!("/v1/sessions/{id}/heartbeat"), Some(json!({}))).await;
    assert_eq!((status, &body["error"]["type"]), (StatusCode::GONE, &json!("session_expired")));
    let (status, _) = bench.ask(Method::POST, &format!("/v1/sessions/{id}/token"), Some(json!({}))).await;
    assert_eq!(status, StatusCode::CONFLICT);
    crate::sweeper::sweep(&bench.control, now_millis()).await.unwrap();
    crate::sweeper::sweep(&bench.control, now_millis()).await.unwrap();
    let (_, row) = bench.ask(Method::GET, &format!("/v1/sessions/{id}"), None).await;
    assert_eq!(row["state"], "expired");
    assert!(row["closed_at"].is_string());
    // A day later nothing is left of its log.
    crate::sweeper::sweep(&bench.control, now_millis() + 25 * 3_600_000).await.unwrap();
    let left: i64 = on!(&bench.control.store, pool => {
        sqlx::query_scalar("SELECT COUNT(*) FROM worlds").fetch_one(pool).await
    })
    .unwrap();
    assert_eq!((left, bench.control.hosting.logs().count(&id).await.unwrap()), (0, 0));
}

async fn agents_are_found_by_slug_and_alias_and_nearly(place: Place) {
    let bench = Bench::with_twins(place, &["github", "slack"]).await;
    let ask = async |asked: Value| bench.ask(Method::POST, "/v1/agents", Some(asked)).await;
    let (status, made) = ask(json!({"name": "Triage Bot", "twins": ["github"]})).await;
    assert_eq!((status, &made["slug"], &made["created"]), (StatusCode::CREATED, &json!("triage-bot"), &json!(true)));
    let (status, same) = ask(json!({"name": "Triage Bot", "twins": ["slack"]})).await;
    assert_eq!((status, &same["id"], &same["resolved_via"]), (StatusCode::OK, &made["id"], &json!("slug")));
    assert_eq!(same["enabled_services"], json!(["github", "slack"]));
    let (status, near) = ask(json!({"name": "x", "slug": "triage-bt"})).await;
    assert_eq!((status, &near["error"]["details"]["suggestion"]), (StatusCode::CONFLICT, &json!("triage-bot")));
    let (status, other) = ask(json!({"name": "x", "slug": "triage-bt", "confirm": true})).await;
    assert_eq!((status, other["enabled_services"].clone()), (StatusCode::CREATED, json!([])));
    let rename = async |slug: &str, to: &str| crate::agents::rename(&bench.control.store, "tm_self", slug, to).await;
    rename("triage-bot", "sorting-bot").await.unwrap();
    let (status, alias) = ask(json!({"name": "Triage Bot"})).await;
    assert_eq!((status, &alias["id"], &alias["slug"]), (StatusCode::OK, &made["id"], &json!("sorting-bot")));
    assert_eq!(
        (&alias["resolved_via"], &alias["hint"]),
        (&json!("alias"), &json!("`triage-bot` is called `sorting-bot` now"))
    );
    // A name that an agent has or had is nobody else's; its own it may have back.
    for (slug, to, word) in [
        ("triage-bt", "sorting-bot", "another agent is called `sorting-bot`"),
        ("triage-bt", "triage-bot", "another agent is called `triage-bot`"),
        ("triage-bot", "x-y", "no agent `triage-bot`"),
        ("triage-bt", "No Slug", "not the short name"),
    ] {
        let refused = rename(slug, to).await.unwrap_err().to_string();
        assert!(refused.contains(word), "{slug} {to} {refused}");
    }
    assert_eq!(rename("sorting-bot", "triage-bot").await.unwrap().former, ["sorting-bot"]);
    let (_, back) = ask(json!({"name": "Triage Bot"})).await;
    assert_eq!((&back["id"], &back["resolved_via"]), (&made["id"], &json!("slug")));
    let asked = json!({"scenario_source": source(), "twins": ["github"], "agent_id": other["id"]});
    let (status, body) = bench.ask(Method::POST, "/v1/sessions", Some(asked)).await;
    assert_eq!((status, &body["error"]["type"]), (StatusCode::BAD_REQUEST, &json!("validation_failed")));
    let (status, body) = bench.ask(Method::GET, "/v1/checks?twin=github", None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body["digest"].as_str().unwrap().starts_with("sha256:") && body["checks"].as_array().unwrap().len() > 10);
}

/// Walks the table: nobody gets anything without a credential, and nothing of another team with one.
async fn every_route_keeps_strangers_out(place: Place) {
    let bench = Bench::with_twins(place, &["github"]).await;
    let mine = id(&opened(&bench, json!(["github"])).await);
    let stranger = bench.other_team("stranger", "team").await;
    for route in ROUTES {
        let path = route.path.replace("{id}", &mine).replace("{token}", "inv_0123456789abcdef");
        let path = path.replace("{*key}", &format!("team-tm_self/session-{mine}/events.jsonl"));
        let method: Method = route.method.parse().unwrap();
        let body = || (route.method != "GET").then(|| json!({}));
        let open = matches!(route.access, super::Access::Open | super::Access::Browser);
        // Pages answer with pages, and counters are for whoever may reach the server.
        if route.access == super::Access::Browser || path == "/metrics" {
            continue;
        }
        let (status, answer) = bench.ask_as("", method.clone(), &path, body()).await;
        match route.access {
            super::Access::Signature => assert_eq!(status, StatusCode::FORBIDDEN, "{} {path}", route.method),
            _ if open => assert_ne!(status, StatusCode::UNAUTHORIZED, "{} {path}", route.method),
            _ => assert_eq!(
                (status, answer["error"]["type"].as_str()),
                (StatusCode::UNAUTHORIZED, Some("invalid_auth")),
                "{} {path}",
                route.method
            ),
        }
        let keyed = matches!(route.access, super::Access::Key | super::Access::KeyOrSession);
        if keyed && path.contains(&mine) && !path.contains("/teams/") {
            let (status, answer) = bench.ask_as(&stranger, method, &path, body()).await;
            assert_eq!(
                (status, answer["error"]["type"].as_str()),
                (StatusCode::NOT_FOUND, Some("not_found")),
                "{} {path}",
                route.method
            );
        }
    }
    let (_, list) = bench.ask_as(&stranger, Method::GET, "/v1/sessions", None).await;
    assert_eq!(list, json!([]));
    let (_, mine) = bench.ask(Method::GET, &format!("/v1/sessions/{mine}"), None).await;
    assert_eq!(mine["state"], "ready", "nothing happened to it");
    let _ = keys::FIRST_TEAM;
}

async fn session_tokens_open_their_own_session_only(place: Place) {
    let bench = Bench::with_twins(place, &["github"]).await;
    let (one, two) = (opened(&bench, json!(["github"])).await, opened(&bench, json!(["github"])).await);
    let beat = async |session: &Value, token: &str| {
        let request = http::Request::post(format!("/v1/sessions/{}/heartbeat", id(session)))
            .header("authorization", token)
            .body(axum::body::Body::empty())
            .unwrap();
        bench.send(request).await.status()
    };
    let token = one["agent_token"].as_str().unwrap();
    assert_eq!(beat(&one, &format!("Bearer {token}")).await, StatusCode::OK);
    assert_eq!(beat(&one, &format!("Bearer edt_{token}")).await, StatusCode::OK);
    let (head, rest) = token.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let none = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let minted = |sid: &str, team: &str, exp: i64, secret: &str| {
        use pome_gateway::token::{Claims, Secret, mint};
        let claims = Claims {
            sid: sid.to_owned(),
            team_id: team.to_owned(),
            exp: Some(u64::try_from(exp).unwrap()),
            iat: None,
            extra: Vec::new(),
        };
        match secret {
            "" => mint(&bench.control.session_tokens, &claims).unwrap(),
            secret => mint(&Secret::new(secret), &claims).unwrap(),
        }
    };
    let later = now_millis() / 1000 + 600;
    for (what, refused) in [
        ("of another session", format!("Bearer {}", two["agent_token"].as_str().unwrap())),
        ("alg none", format!("Bearer {none}.{claims}.")),
        ("alg none with a signature", format!("Bearer {none}.{claims}.{signature}")),
        ("cut", format!("Bearer {head}.{claims}.{}", &signature[..20])),
        ("no signature", format!("Bearer {head}.{claims}.")),
        ("other secret", format!("Bearer {}", minted(&id(&one), "tm_self", later, "another secret, long enough"))),
        ("over", format!("Bearer {}", minted(&id(&one), "tm_self", later - 700, ""))),
        ("other scheme", format!("Basic {token}")),
        ("no scheme", token.to_owned()),
        ("a key", format!("Bearer {}", bench.key)),
    ] {
        assert_eq!(beat(&one, &refused).await, StatusCode::UNAUTHORIZED, "{what}");
    }
    let other = format!("Bearer {}", minted(&id(&one), "tm_other", later, ""));
    assert_eq!(beat(&one, &other).await, StatusCode::NOT_FOUND, "of another team");
    // What needs a key is not open to an agent.
    let request = http::Request::get(format!("/v1/sessions/{}", id(&one)))
        .header("authorization", format!("Bearer {token}"))
        .body(axum::body::Body::empty())
        .unwrap();
    assert_eq!(bench.send(request).await.status(), StatusCode::UNAUTHORIZED);
}
