//! The default world: what is in it, and that it is always the same bytes.

use pome_twin_kit::testing::{Native, body};
use serde_json::json;
use twin_github::GitHub;

#[test]
fn the_default_world_is_the_documented_one() {
    let twin = Native::<GitHub>::new();
    let state = twin.state();
    let repo = &state["repositories"][0];
    assert_eq!(repo["full_name"], "acme/api");
    let blobs: Vec<_> =
        repo["files"].as_array().unwrap().iter().map(|file| (&file["path"], &file["sha"], &file["size"])).collect();
    assert_eq!(
        blobs,
        [
            (&json!("README.md"), &json!("264704ee9d50df6f9d8dd81154d8615a5bf92913"), &json!(61)),
            (&json!("src/index.ts"), &json!("1ee1e3c52c59ad3bc6f31e76d2f6183597bf38a7"), &json!(45)),
        ]
    );
    assert_eq!(repo["issues"][0]["labels"], json!([]));
    assert_eq!(twin.session.export(), Native::<GitHub>::new().session.export());
}

#[test]
fn a_refused_seed_changes_nothing_and_names_the_place() {
    let mut twin = Native::<GitHub>::new();
    let before = twin.session.export();
    let seed = json!({ "repositories": [{ "owner": "a", "name": "b", "files": [{ "path": "x" }] }] });
    let seeded = twin.seed(Some(&seed));
    assert!(!seeded.accepted);
    assert_eq!(seeded.answer.status, 422);
    assert_eq!(body(&seeded.answer)["errors"][0]["field"], "repositories.0.files.0.content");
    assert_eq!(twin.session.export(), before);
}

#[test]
fn what_is_not_modelled_says_so() {
    let mut twin = Native::<GitHub>::new();
    let answer = twin.get("/repos/acme/api/traffic/views");
    assert_eq!(answer.status, 501);
    assert_eq!(answer.report.fidelity, pome_twin_kit::envelope::Fidelity::Unsupported);
}

#[test]
fn the_acting_user_is_the_login_of_the_token() {
    let mut twin = Native::<GitHub>::new();
    twin.caller.login = Some("alice".to_owned());
    assert_eq!(twin.json("/user")["login"], "alice");
}
