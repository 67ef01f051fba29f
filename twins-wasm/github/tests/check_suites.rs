//! Check suites and annotations.

#![expect(clippy::needless_pass_by_value, reason = "tests write what they send in place")]

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

fn world() -> Native<GitHub> {
    Native::seeded(Some(&json!({ "repositories": [{
        "owner": "acme", "name": "api", "collaborators": [{ "login": "rita", "permission": "pull" }],
        "files": [
            { "path": "a.txt", "content": "one\n" },
            { "path": "b.txt", "content": "new\n", "branch": "feature" },
        ],
        "pull_requests": [{ "number": 2, "title": "Mend", "head": "feature" }],
    }] })))
}

fn send(twin: &mut Native<GitHub>, method: &str, path: &str, sent: Value) -> (u16, Value) {
    let answer = twin.request(method, path, Some(&sent));
    (answer.status, body(&answer))
}

fn head(twin: &mut Native<GitHub>) -> String {
    twin.json("/repos/acme/api/branches/feature")["commit"]["sha"].as_str().unwrap().to_owned()
}

fn report(twin: &mut Native<GitHub>, sent: Value) -> Value {
    let mut sent = sent;
    sent["head_sha"] = head(twin).into();
    let (code, run) = send(twin, "POST", "/repos/acme/api/check-runs", sent);
    assert_eq!(code, 201, "{run}");
    run
}

#[test]
fn annotations_are_kept_counted_and_listed() {
    let mut twin = world();
    let note = |line: u64, level: &str| {
        json!({
            "path": "b.txt", "start_line": line, "end_line": line, "annotation_level": level, "message": "Look here.",
        })
    };
    let output = json!({ "title": "Lint", "summary": "Two.", "annotations": [note(1, "warning"), note(2, "failure")] });
    let run = report(&mut twin, json!({ "name": "lint", "conclusion": "failure", "output": output }));
    assert_eq!(run["output"]["annotations_count"], 2);
    assert_eq!((&run["app"]["slug"], &run["pull_requests"][0]["number"]), (&json!("github-actions"), &json!(2)));
    let path = format!("/repos/acme/api/check-runs/{}", run["id"]);
    let more = json!({ "output": { "title": "Lint", "summary": "Three.", "annotations": [note(3, "notice")] } });
    assert_eq!(send(&mut twin, "PATCH", &path, more).1["output"]["annotations_count"], 3);
    let listed = twin.json(&format!("{path}/annotations?per_page=2&page=2"));
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["annotation_level"]), (1, &json!("notice")));
    let sha = head(&mut twin);
    assert_eq!(listed[0]["blob_href"], format!("https://github.com/acme/api/blob/{sha}/b.txt"));
    let many: Vec<Value> = (1..=51).map(|line| note(line, "notice")).collect();
    let (code, _) = send(&mut twin, "PATCH", &path, json!({ "output": { "title": "Lint", "annotations": many } }));
    assert_eq!(code, 422);
    let backwards =
        json!({ "path": "b.txt", "start_line": 3, "end_line": 1, "annotation_level": "notice", "message": "x" });
    let (code, _) = send(&mut twin, "PATCH", &path, json!({ "output": { "annotations": [backwards] } }));
    assert_eq!(code, 422);
    assert_eq!(twin.json(&path)["output"]["annotations_count"], 3);
    assert_eq!(twin.get("/repos/acme/api/check-runs/99/annotations").status, 404);
    assert_eq!(twin.state()["repositories"][0]["check_runs"][0]["annotations"].as_array().unwrap().len(), 3);
}

#[test]
fn a_suite_is_what_its_latest_runs_come_to() {
    let mut twin = world();
    let sha = head(&mut twin);
    let (code, made) = send(&mut twin, "POST", "/repos/acme/api/check-suites", json!({ "head_sha": sha }));
    assert_eq!((code, &made["status"], &made["head_branch"]), (201, &json!("queued"), &json!("feature")));
    let (code, again) = send(&mut twin, "POST", "/repos/acme/api/check-suites", json!({ "head_sha": sha }));
    assert_eq!((code, &again["id"]), (200, &made["id"]));
    let path = format!("/repos/acme/api/check-suites/{}", made["id"]);
    let first = report(&mut twin, json!({ "name": "build", "conclusion": "failure" }));
    assert_eq!(first["check_suite"]["id"], made["id"]);
    report(&mut twin, json!({ "name": "lint", "status": "in_progress" }));
    assert_eq!(twin.json(&path)["status"], "in_progress");
    report(&mut twin, json!({ "name": "lint", "conclusion": "skipped" }));
    assert_eq!(twin.json(&path)["conclusion"], "failure");
    report(&mut twin, json!({ "name": "build", "conclusion": "success" }));
    let suite = twin.json(&path);
    assert_eq!((&suite["conclusion"], &suite["latest_check_runs_count"]), (&json!("success"), &json!(2)));
    assert_eq!(suite["pull_requests"][0]["number"], 2);
    assert_eq!(twin.json(&format!("{path}/check-runs"))["total_count"], 2);
    assert_eq!(twin.json(&format!("{path}/check-runs?filter=all"))["total_count"], 4);
    assert_eq!(twin.json(&format!("{path}/check-runs?filter=all&check_name=lint"))["total_count"], 2);
    assert_eq!(twin.json(&format!("{path}/check-runs?filter=all&status=in_progress"))["total_count"], 1);
    let of_commit = "/repos/acme/api/commits/feature/check-suites";
    assert_eq!(twin.json(of_commit)["check_suites"][0]["id"], made["id"]);
    assert_eq!(twin.json(&format!("{of_commit}?check_name=other"))["total_count"], 0);
    assert_eq!(twin.json(&format!("{of_commit}?app_id=15368"))["total_count"], 1);
    assert_eq!(twin.json("/repos/acme/api/commits/feature/check-runs?app_id=1")["total_count"], 0);
    assert_eq!(send(&mut twin, "POST", &format!("{path}/rerequest"), json!({})), (201, json!({})));
    let suite = twin.json(&path);
    assert_eq!((&suite["status"], &suite["conclusion"]), (&json!("queued"), &Value::Null));
    report(&mut twin, json!({ "name": "build", "conclusion": "success" }));
    assert_eq!(twin.json(&path)["status"], "completed");
    let run = format!("/repos/acme/api/check-runs/{}/rerequest", first["id"]);
    assert_eq!(send(&mut twin, "POST", &run, json!({})).0, 201);
    assert_eq!(twin.json(&path)["status"], "queued");
}

#[test]
fn readers_read_suites_and_make_none() {
    let mut twin = world();
    let sha = head(&mut twin);
    report(&mut twin, json!({ "name": "build" }));
    twin.caller.login = Some("rita".to_owned());
    let suites = twin.json("/repos/acme/api/commits/feature/check-suites");
    let id = suites["check_suites"][0]["id"].clone();
    let again = format!("/repos/acme/api/check-suites/{id}/rerequest");
    assert_eq!(send(&mut twin, "POST", &again, json!({})).0, 403);
    assert_eq!(send(&mut twin, "POST", "/repos/acme/api/check-suites", json!({ "head_sha": sha })).0, 403);
    twin.caller.login = Some("pome-agent".to_owned());
    let unknown = json!({ "head_sha": "0".repeat(40) });
    assert_eq!(send(&mut twin, "POST", "/repos/acme/api/check-suites", unknown).0, 422);
    assert_eq!(twin.get("/repos/acme/api/check-suites/99").status, 404);
}
