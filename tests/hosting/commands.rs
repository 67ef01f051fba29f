//! Every command that needs a control plane, against one.

use std::path::Path;

use pome_tests::root;
use serde_json::Value;

use crate::person::Person;
use crate::support::{Cluster, Home};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn sign_in_run_look_clean_up_and_sign_out() {
    for home in Home::each() {
        from_sign_in_to_sign_out(home);
    }
}

fn from_sign_in_to_sign_out(home: Home) {
    let mut cluster = Cluster::start(home, 1, 10);
    let (person, url, key) = (Person::new(), cluster.url(0), cluster.key.clone());
    let scenario = root().join("scenarios/01-bug-happy-path.md").display().to_string();
    let agent = format!("python3 \"{}\"", root().join("tests/agents/triage.py").display());

    let nobody = person.done(3, &["run", &scenario, "--agent", "touch started"]);
    assert!(nobody.1.contains("pome login"), "{}", nobody.1);
    assert!(!person.work().join("started").exists(), "nothing is spawned before anybody is signed in");

    person.done(0, &["login", "--token", &key, "--api-url", &url]);
    let (report, _) = person.done(0, &["run", &scenario, "--hosted", "--json", "--agent", &agent, "--tag", "nightly"]);
    let report = json(&report);
    let run = &report["runs"][0];
    assert_eq!((&report["mode"], &run["status"]), (&"hosted".into(), &"pass".into()), "{report}");
    let cloud = run["cloud_url"].as_str().unwrap();
    assert!(cloud.starts_with(&format!("{url}/runs/run_")), "{cloud}");

    // From another folder, with nothing of the run on disk.
    let other = Person::new();
    other.done(0, &["login", "--token", &key, "--api-url", &url]);
    let id = cloud.rsplit('/').next().unwrap();
    let seen = json(&other.done(0, &["inspect", id, "--format", "json"]).0);
    assert_eq!(seen["run"]["id"], id);
    assert_eq!(seen["run"]["tags"], serde_json::json!(["nightly"]));
    assert!(seen["score"].is_object(), "{seen}");
    other.done(0, &["export", id, "--out", "run.tar.gz"]);
    assert!(Path::new(&other.work().join("run.tar.gz")).metadata().unwrap().len() > 100);

    // What is stored outlives the server, however it ends.
    cluster.kill(0);
    cluster.boot(0, 10);
    let again = json(&other.done(0, &["inspect", id, "--format", "json"]).0);
    assert_eq!(again["run"]["criteria_results"], seen["run"]["criteria_results"]);
    assert_eq!(again["events"], seen["events"]);

    let (made, _) = person.done(0, &["sessions", "create", "--twin", "github", "--format", "json"]);
    let session = json(&made)["session_id"].as_str().unwrap().to_owned();
    assert!(!made.contains("eyJ"), "no token is printed: {made}");
    let listed = json(&person.done(0, &["sessions", "list", "--format", "json"]).0);
    assert!(listed.to_string().contains(&session), "{listed}");
    let refused = person.done(2, &["sessions", "stop", &session]);
    assert!(refused.1.contains("--discard"), "{}", refused.1);
    person.done(0, &["sessions", "kill", "--all"]);
    let listed = person.done(0, &["sessions", "list"]);
    assert!(!listed.0.contains(&session), "{listed:?}");

    person.done(0, &["logout"]);
    person.done(3, &["sessions", "list"]);
    let revoked = person.pome(&[("POME_API_KEY", &key), ("POME_API_URL", &url)], &["sessions", "list"]);
    assert_eq!(revoked.status.code(), Some(3), "the key was revoked, not only forgotten: {revoked:?}");
}
