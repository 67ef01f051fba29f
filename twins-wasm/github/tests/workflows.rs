//! Workflows, runs, jobs, logs and artifacts.

#![expect(clippy::needless_pass_by_value, reason = "tests write what they send in place")]

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

const ACTIONS: &str = "/repos/acme/api/actions";
const CI: &str = "name: CI\non: [push]\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - name: Test\n        run: make test\n";
const DEPLOY: &str = "name: Deploy\non:\n  workflow_dispatch:\n    inputs:\n      stage:\n        required: true\n        type: choice\n        options: [test, live]\njobs:\n  ship:\n    runs-on: ubuntu-latest\n    steps:\n      - run: ./ship\n  tell:\n    runs-on: ubuntu-latest\n    steps:\n      - run: ./tell\n";

fn seed(extra: Value) -> Value {
    let mut repo = json!({
        "owner": "acme", "name": "api", "collaborators": ["alice", { "login": "rita", "permission": "pull" }],
        "files": [
            { "path": ".github/workflows/ci.yml", "content": CI },
            { "path": ".github/workflows/deploy.yml", "content": DEPLOY },
            { "path": ".github/workflows/notes.txt", "content": "none" },
        ],
        "workflow_runs": [
            {
                "path": ".github/workflows/ci.yml", "conclusion": "failure", "actor": "alice",
                "created_at": "2025-12-30T10:00:00Z",
                "jobs": [
                    { "name": "build", "conclusion": "failure", "steps": [
                        { "name": "Set up job", "conclusion": "success" }, { "name": "Test", "conclusion": "failure" },
                    ], "log": "test failed: 1 != 2\n" },
                    { "name": "lint", "conclusion": "success" },
                ],
                "artifacts": [{ "name": "report", "files": { "report.txt": "bad" } }],
            },
            { "path": ".github/workflows/ci.yml", "conclusion": "success", "event": "schedule" },
        ],
    });
    repo.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    json!({ "repositories": [repo] })
}

fn world() -> Native<GitHub> {
    Native::seeded(Some(&seed(json!({}))))
}

fn send(twin: &mut Native<GitHub>, method: &str, path: &str, sent: Value) -> (u16, Value) {
    let answer = twin.request(method, path, Some(&sent));
    (answer.status, body(&answer))
}

/// Moves virtual time.
fn wait(twin: &mut Native<GitHub>, seconds: u64) {
    use pome_twin_kit::session::Host;
    twin.host.set(twin.host.now() + seconds * 1000);
    twin.session.advance(&twin.host);
}

fn ids(twin: &mut Native<GitHub>, query: &str) -> Vec<u64> {
    let runs = twin.json(&format!("{ACTIONS}/runs{query}"));
    runs["workflow_runs"].as_array().unwrap().iter().map(|run| run["id"].as_u64().unwrap()).collect()
}

#[test]
fn workflows_are_the_files_of_the_default_branch() {
    let mut twin = world();
    let listed = twin.json(&format!("{ACTIONS}/workflows"));
    assert_eq!(listed["total_count"], 2);
    assert_eq!((&listed["workflows"][0]["name"], &listed["workflows"][0]["state"]), (&json!("CI"), &json!("active")));
    let by_id = twin.json(&format!("{ACTIONS}/workflows/{}", listed["workflows"][1]["id"]));
    assert_eq!(by_id["path"], ".github/workflows/deploy.yml");
    assert_eq!(twin.json(&format!("{ACTIONS}/workflows/deploy.yml")), by_id);
    assert_eq!(twin.get(&format!("{ACTIONS}/workflows/none.yml")).status, 404);
    assert_eq!(send(&mut twin, "PUT", &format!("{ACTIONS}/workflows/deploy.yml/disable"), json!({})).0, 204);
    assert_eq!(twin.json(&format!("{ACTIONS}/workflows/deploy.yml"))["state"], "disabled_manually");
    let dispatch = json!({ "ref": "main", "inputs": { "stage": "test" } });
    let path = format!("{ACTIONS}/workflows/deploy.yml/dispatches");
    assert_eq!(send(&mut twin, "POST", &path, dispatch).0, 422);
    assert_eq!(send(&mut twin, "PUT", &format!("{ACTIONS}/workflows/deploy.yml/enable"), json!({})).0, 204);
    assert_eq!(twin.json(&format!("{ACTIONS}/workflows/deploy.yml"))["state"], "active");
    twin.caller.login = Some("rita".to_owned());
    assert_eq!(send(&mut twin, "PUT", &format!("{ACTIONS}/workflows/ci.yml/disable"), json!({})).0, 403);
}

#[test]
fn runs_are_listed_by_what_they_are() {
    let mut twin = world();
    assert_eq!(ids(&mut twin, ""), [2, 1]);
    for (query, expected) in [
        ("?status=failure", vec![1]),
        ("?status=completed", vec![2, 1]),
        ("?actor=Alice", vec![1]),
        ("?event=schedule", vec![2]),
        ("?branch=other", vec![]),
        ("?created=2025-12-30", vec![1]),
        ("?created=%3E2025-12-30", vec![2]),
        ("?created=2025-12-01..2025-12-31", vec![1]),
        ("?per_page=1&page=2", vec![1]),
    ] {
        assert_eq!(ids(&mut twin, query), expected, "{query}");
    }
    assert_eq!(twin.get(&format!("{ACTIONS}/runs?created=soon")).status, 422);
    let run = twin.json(&format!("{ACTIONS}/runs/1"));
    assert_eq!((&run["name"], &run["run_number"], &run["conclusion"]), (&json!("CI"), &json!(1), &json!("failure")));
    assert_eq!(ids(&mut twin, &format!("?check_suite_id={}", run["check_suite_id"])), [1]);
    let sha = run["head_sha"].as_str().unwrap().to_owned();
    assert_eq!(ids(&mut twin, &format!("?head_sha={sha}")), [2, 1]);
    let of_workflow = twin.json(&format!("{ACTIONS}/workflows/deploy.yml/runs"));
    assert_eq!(of_workflow["total_count"], 0);
    let jobs = twin.json(&format!("{ACTIONS}/runs/1/jobs"));
    assert_eq!((&jobs["total_count"], &jobs["jobs"][0]["steps"][1]["conclusion"]), (&json!(2), &json!("failure")));
    // Jobs are check runs of the commit as well.
    let checks = twin.json("/repos/acme/api/commits/main/check-runs?filter=all");
    assert_eq!(checks["total_count"], 3);
}

#[test]
fn logs_and_artifacts_are_files_of_the_twin() {
    let mut twin = world();
    let job = twin.json(&format!("{ACTIONS}/runs/1/jobs"))["jobs"][0]["id"].clone();
    let sent_on = twin.get(&format!("{ACTIONS}/jobs/{job}/logs"));
    let location = sent_on.headers.iter().find(|(name, _)| name == "location").unwrap().1.clone();
    assert_eq!(sent_on.status, 302);
    let path = location.strip_prefix("http://twin.test/s/test").unwrap().to_owned();
    assert_eq!(twin.get(&path).body, b"test failed: 1 != 2\n");
    let sent_on = twin.get(&format!("{ACTIONS}/runs/1/logs"));
    let location = sent_on.headers.iter().find(|(name, _)| name == "location").unwrap().1.clone();
    let zip = twin.get(location.strip_prefix("http://twin.test/s/test").unwrap());
    assert!(zip.body.starts_with(b"PK\x03\x04"));
    let artifacts = twin.json(&format!("{ACTIONS}/runs/1/artifacts"));
    assert_eq!((&artifacts["total_count"], &artifacts["artifacts"][0]["name"]), (&json!(1), &json!("report")));
    let id = artifacts["artifacts"][0]["id"].clone();
    assert_eq!(twin.json(&format!("{ACTIONS}/artifacts?name=report"))["total_count"], 1);
    assert_eq!(twin.get(&format!("{ACTIONS}/artifacts/{id}/zip")).status, 302);
    assert_eq!(send(&mut twin, "DELETE", &format!("{ACTIONS}/artifacts/{id}"), json!({})).0, 204);
    assert_eq!(twin.get(&format!("{ACTIONS}/artifacts/{id}")).status, 404);
}

#[test]
fn a_dispatched_run_goes_on_with_virtual_time() {
    let mut twin = world();
    let path = format!("{ACTIONS}/workflows/deploy.yml/dispatches");
    for (sent, status) in [
        (json!({}), 422),
        (json!({ "ref": "main" }), 422),
        (json!({ "ref": "main", "inputs": { "stage": "moon" } }), 422),
        (json!({ "ref": "main", "inputs": { "stage": "test", "more": 1 } }), 422),
        (json!({ "ref": "nowhere", "inputs": { "stage": "test" } }), 422),
    ] {
        assert_eq!(send(&mut twin, "POST", &path, sent.clone()).0, status, "{sent}");
    }
    let no_trigger =
        send(&mut twin, "POST", &format!("{ACTIONS}/workflows/ci.yml/dispatches"), json!({ "ref": "main" }));
    assert_eq!(no_trigger.1["message"], "Workflow does not have 'workflow_dispatch' trigger");
    let sent = json!({ "ref": "main", "inputs": { "stage": "test" } });
    assert_eq!(send(&mut twin, "POST", &path, sent.clone()).0, 204);
    let run = ids(&mut twin, "?event=workflow_dispatch");
    assert_eq!(run, [3]);
    assert_eq!(twin.json(&format!("{ACTIONS}/runs/3"))["status"], "queued");
    wait(&mut twin, 10);
    assert_eq!(twin.json(&format!("{ACTIONS}/runs/3"))["status"], "in_progress");
    let cannot = send(&mut twin, "POST", &format!("{ACTIONS}/runs/3/rerun"), json!({}));
    assert_eq!(cannot.0, 403);
    wait(&mut twin, 60);
    let run = twin.json(&format!("{ACTIONS}/runs/3"));
    assert_eq!((&run["status"], &run["conclusion"]), (&json!("completed"), &json!("success")));
    let jobs = twin.json(&format!("{ACTIONS}/runs/3/jobs"));
    let steps: Vec<&str> =
        jobs["jobs"][0]["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(steps, ["Set up job", "Run ./ship", "Complete job"]);
    let suite = twin.json(&format!("/repos/acme/api/check-suites/{}", run["check_suite_id"]));
    assert_eq!(suite["conclusion"], "success");
    let mut detailed = sent;
    detailed["return_run_details"] = true.into();
    let (code, details) = send(&mut twin, "POST", &path, detailed);
    assert_eq!((code, &details["workflow_run_id"]), (200, &json!(4)));
    assert_eq!(send(&mut twin, "DELETE", &format!("{ACTIONS}/runs/4"), json!({})).0, 403);
    assert_eq!(send(&mut twin, "POST", &format!("{ACTIONS}/runs/4/cancel"), json!({})).0, 202);
    assert_eq!(twin.json(&format!("{ACTIONS}/runs/4"))["conclusion"], "cancelled");
    assert_eq!(send(&mut twin, "POST", &format!("{ACTIONS}/runs/4/cancel"), json!({})).0, 409);
    assert_eq!(send(&mut twin, "DELETE", &format!("{ACTIONS}/runs/4"), json!({})).0, 204);
    assert_eq!(twin.get(&format!("{ACTIONS}/runs/4")).status, 404);
}

#[test]
fn a_failed_run_can_be_run_again() {
    let mut twin = world();
    twin.caller.login = Some("rita".to_owned());
    assert_eq!(send(&mut twin, "POST", &format!("{ACTIONS}/runs/1/rerun-failed-jobs"), json!({})).0, 403);
    twin.caller.login = Some("pome-agent".to_owned());
    assert_eq!(send(&mut twin, "POST", &format!("{ACTIONS}/runs/2/rerun-failed-jobs"), json!({})).0, 403);
    assert_eq!(send(&mut twin, "POST", &format!("{ACTIONS}/runs/1/rerun-failed-jobs"), json!({})).0, 201);
    let run = twin.json(&format!("{ACTIONS}/runs/1"));
    assert_eq!((&run["status"], &run["run_attempt"]), (&json!("queued"), &json!(2)));
    let jobs = twin.json(&format!("{ACTIONS}/runs/1/jobs"));
    let standing: Vec<&str> =
        jobs["jobs"].as_array().unwrap().iter().map(|job| job["status"].as_str().unwrap()).collect();
    assert_eq!(standing, ["queued", "completed"], "what was fine is not run again");
    wait(&mut twin, 70);
    assert_eq!(twin.json(&format!("{ACTIONS}/runs/1"))["conclusion"], "success");
    assert_eq!(twin.json(&format!("{ACTIONS}/runs/1/jobs?filter=all"))["total_count"], 4);
}

#[test]
fn a_required_job_holds_a_merge() {
    let mut twin = Native::<GitHub>::seeded(Some(&seed(json!({
        "files": [
            { "path": ".github/workflows/ci.yml", "content": CI },
            { "path": "b.txt", "content": "new\n", "branch": "feature" },
        ],
        "pull_requests": [{ "number": 1, "title": "More", "head": "feature", "author": "alice" }],
        "branch_protection": [{ "branch": "main", "required_status_checks": { "contexts": ["build"] } }],
        "workflow_runs": [{ "path": ".github/workflows/ci.yml", "head_branch": "feature", "conclusion": "failure" }],
    }))));
    let merge = "/repos/acme/api/pulls/1/merge";
    let (code, refused) = send(&mut twin, "PUT", merge, json!({}));
    assert_eq!((code, &refused["message"]), (405, &json!("Required status check \"build\" is failing.")));
    assert_eq!(send(&mut twin, "POST", &format!("{ACTIONS}/runs/1/rerun"), json!({})).0, 201);
    assert_eq!(send(&mut twin, "PUT", merge, json!({})).1["message"], "Required status check \"build\" is queued.");
    wait(&mut twin, 70);
    assert_eq!(send(&mut twin, "PUT", merge, json!({})).0, 200);
}

#[test]
fn runs_end_as_the_seed_says_and_a_wrong_one_is_named() {
    let outcomes = json!({ ".github/workflows/deploy.yml": "failure" });
    let mut twin = Native::<GitHub>::seeded(Some(&seed(json!({ "workflow_outcomes": outcomes }))));
    let path = format!("{ACTIONS}/workflows/deploy.yml/dispatches");
    send(&mut twin, "POST", &path, json!({ "ref": "main", "inputs": { "stage": "live" } }));
    wait(&mut twin, 70);
    assert_eq!(twin.json(&format!("{ACTIONS}/runs/3"))["conclusion"], "failure");
    let ci = ".github/workflows/ci.yml";
    for (extra, pointer) in [
        (json!({ "workflow_runs": [{ "path": "x.yml" }] }), "workflow_runs/0/path"),
        (json!({ "workflow_runs": [{ "path": ci, "status": "odd" }] }), "workflow_runs/0/status"),
        (json!({ "workflow_runs": [{ "path": ci, "head_branch": "odd" }] }), "workflow_runs/0/head_branch"),
        (
            json!({ "workflow_runs": [{ "path": ci, "jobs": [{ "name": "a", "conclusion": "odd" }] }] }),
            "workflow_runs/0/jobs/0/conclusion",
        ),
        (json!({ "workflow_outcomes": { "x.yml": "success" } }), "workflow_outcomes"),
    ] {
        let seeded = twin.seed(Some(&seed(extra)));
        let answer: Value = serde_json::from_slice(&seeded.answer.body).unwrap();
        assert_eq!(answer["errors"][0]["pointer"], format!("/repositories/0/{pointer}"), "{answer}");
    }
}

#[test]
fn the_tools_do_what_the_routes_do() {
    let mut twin = world();
    let call = |twin: &mut Native<GitHub>, tool: &str, more: Value| {
        let mut arguments = json!({ "owner": "acme", "repo": "api" });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = twin.call(tool, &arguments);
        (answer.is_error, serde_json::from_slice::<Value>(&answer.value).unwrap_or_default())
    };
    let (_, listed) = call(&mut twin, "actions_list", json!({ "method": "list_workflows" }));
    assert_eq!(listed["total_count"], 2);
    let failing = json!({ "method": "list_workflow_runs", "resource_id": "ci.yml", "workflow_runs_filter": { "status": "failure" } });
    assert_eq!(call(&mut twin, "actions_list", failing).1["workflow_runs"][0]["id"], 1);
    let (_, jobs) = call(&mut twin, "actions_list", json!({ "method": "list_workflow_jobs", "resource_id": "1" }));
    assert_eq!(jobs["total_count"], 2);
    let (_, run) = call(&mut twin, "actions_get", json!({ "method": "get_workflow_run", "resource_id": "1" }));
    assert_eq!(run["conclusion"], "failure");
    let (_, logs) =
        call(&mut twin, "get_job_logs", json!({ "run_id": 1, "failed_only": true, "return_content": true }));
    assert_eq!((&logs["failed_jobs"], &logs["logs"][0]["logs_content"]), (&json!(1), &json!("test failed: 1 != 2")));
    assert!(call(&mut twin, "get_job_logs", json!({})).0);
    let inputs =
        json!({ "method": "run_workflow", "workflow_id": "deploy.yml", "ref": "main", "inputs": { "stage": "test" } });
    assert_eq!(call(&mut twin, "actions_run_trigger", inputs).1["status_code"], 204);
    assert!(!call(&mut twin, "actions_run_trigger", json!({ "method": "cancel_workflow_run", "run_id": 3 })).0);
    assert!(!call(&mut twin, "actions_run_trigger", json!({ "method": "rerun_failed_jobs", "run_id": 1 })).0);
    assert!(call(&mut twin, "actions_run_trigger", json!({ "method": "rerun_failed_jobs" })).0);
}
