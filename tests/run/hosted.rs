//! Runs at a control plane that follows a script.

mod eval;
mod plane;
mod served;

use std::collections::BTreeSet;
use std::fs;

use pome_tests::Said;
use serde_json::{Value, json};

use self::plane::{
    HOSTED_NAMES, KEY, asked, hosted, plane, project, project_with, refusal, sent, session, signed_in, starts,
};
use crate::support::{lives, pids, run, until};

#[test]
fn a_hosted_run_is_judged_here_and_stored_there() {
    let (project, recorded) = project();
    let plane = plane(&recorded, |_| None);
    let output = hosted(&project, &plane, ["label.md", "--tag", "ci", "--json"])
        .env("OPENAI_API_KEY", "sk-the-users-own-key")
        .run()
        .expect(0);
    let report = output.json();
    let row = &report["runs"][0];
    assert_eq!(
        (&report["mode"], &row["status"], &row["run_id"], &row["cloud_url"], &row["satisfaction"]),
        (
            &json!("hosted"),
            &json!("pass"),
            &json!("ses_0000000001"),
            &json!("https://pome.example/runs/1"),
            &json!(100)
        )
    );
    assert!(
        output.stderr.contains("  local: runs/label/ses_0000000001\n  cloud: https://pome.example/runs/1\n"),
        "{output:?}"
    );
    let dir = project.latest_run();
    let file = |name: &str| -> Value { serde_json::from_slice(&fs::read(dir.join(name)).unwrap()).unwrap() };
    let (meta, verdict) = (file("meta.json"), file("verdict.json"));
    assert_eq!(
        [&meta["mode"], &meta["session_id"], &meta["cloud_run_id"], &meta["status"], &meta["seed_source"]],
        ["hosted", "ses_0000000001", "run_stored0001", "pass", "default"]
    );
    assert_eq!(
        [&verdict["session_id"], &verdict["cloud_run_id"], &verdict["cloud_dashboard_url"], &verdict["state"]],
        ["ses_0000000001", "run_stored0001", "https://pome.example/runs/1", "pass"]
    );
    // Its own call, without the one of the preflight.
    let calls = crate::support::rows(&dir.join("tool_calls.jsonl"));
    assert_eq!(calls.iter().map(|call| &call["method"]).collect::<Vec<_>>(), ["POST"]);

    let create = &asked(&plane, "POST", "/v1/sessions")[0];
    assert_eq!(create.header("x-api-key"), Some(KEY));
    let create = create.json();
    assert_eq!((&create["twins"], &create["tags"]), (&json!(["github"]), &json!(["ci"])));
    assert!(
        ["seed", "group_id", "idempotency_key", "ttl_seconds"].iter().all(|key| create.get(key).is_none()),
        "{create}"
    );
    let result = asked(&plane, "POST", "/result")[0].json();
    assert_eq!(
        (&result["satisfaction_score"], &result["status"], &result["judge_model"], &result["stop_reason"]),
        (&json!(100), &json!("pass"), &json!("none"), &json!("agent_exit_0"))
    );
    assert_eq!(result["events_jsonl_url"], "team-t/session-ses_0000000001/events.jsonl");
    assert_eq!(result["criteria_results"][0]["criterion"]["type"], "code");
    assert_eq!(asked(&plane, "PUT", "").len(), 5);
    assert_eq!(plane.lines().last().unwrap(), "DELETE /v1/sessions/ses_0000000001");

    let sent = sent(&plane);
    assert!(sent.contains("Label issue 1.") && sent.contains("\"HookEvent\""), "{sent}");
    for secret in ["PRINTED-BY", "COMPLAINED-BY", "sk-the-users-own-key", KEY, "the.agent.token"] {
        assert!(!sent.contains(secret), "{secret}\n{sent}");
    }
    let left = fs::read_dir(&dir).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let left: String = left.collect();
    assert!(!left.contains(KEY) && !left.contains("the.agent.token") && !left.contains("sk-the-users-own-key"));
}

#[test]
fn the_status_of_opening_a_session_decides_the_exit_code_and_nothing_is_started() {
    let (project, recorded) = project();
    for (status, kind, code) in [
        (401, "invalid_auth", 3),
        (401, "revoked_key", 3),
        (403, "forbidden", 3),
        (402, "quota_exceeded", 4),
        (429, "rate_limited", 4),
        (400, "validation_failed", 2),
        (404, "not_found", 2),
        (500, "internal_error", 2),
        (502, "downstream_unavailable", 2),
    ] {
        let plane = plane(&recorded, move |asked| (asked.line() == "POST /v1/sessions").then(|| refusal(status, kind)));
        let output = hosted(&project, &plane, ["label.md"]).run().expect(code);
        assert!(output.stderr.contains(&format!("said the script: {kind} (request rq_1)")), "{output:?}");
        assert_eq!(plane.lines(), ["POST /v1/sessions"]);
    }
    let html = plane(&recorded, |_| Some(Said::bytes(200, "<html>")));
    hosted(&project, &html, ["label.md"]).run().expect(2);
    let elsewhere = plane(&recorded, |_| Some(Said::bytes(302, "").header("location", "/v1/elsewhere")));
    hosted(&project, &elsewhere, ["label.md"]).run().expect(2);
    assert_eq!(elsewhere.lines(), ["POST /v1/sessions"]);
    assert_eq!((starts(&project), project.names("runs")), (String::new(), Vec::new()));
}

#[test]
fn an_authentication_error_ends_the_batch() {
    let (project, recorded) = project();
    let scenario = project.read("label.md");
    for name in ["a", "b", "c"] {
        project.write(format!("all/{name}.md"), &scenario);
    }
    let plane = plane(&recorded, |asked| (asked.line() == "POST /v1/sessions").then(|| refusal(401, "revoked_key")));
    let report = hosted(&project, &plane, ["all", "--json"]).run().expect(3).json();
    let statuses: Vec<_> = report["runs"].as_array().unwrap().iter().map(|run| run["status"].clone()).collect();
    assert_eq!(statuses, ["error", "not_run", "not_run"]);
    assert_eq!(plane.lines(), ["POST /v1/sessions"]);
}

#[test]
fn a_session_that_was_opened_is_ended_however_the_run_ends() {
    let (project, recorded) = project_with("sys.exit(\"not today\")");
    let plane_ = plane(&recorded, |asked| {
        (asked.method == "DELETE" && !asked.target.contains("confirm_discard")).then(|| {
            Said::json(
                409,
                &json!({ "error": { "type": "conflict", "message": "m", "request_id": "r",
                "details": { "reason": "ungraded_session", "discard_token": "dsc_1", "session_id": "s" } } }),
            )
        })
    });
    let output = hosted(&project, &plane_, ["label.md"]).run().expect(2);
    assert!(output.stderr.contains("the preflight of the agent exited with 1: not today"), "{output:?}");
    let abandoned = asked(&plane_, "POST", "/abandon")[0].json();
    assert_eq!(abandoned, json!({ "error_code": "preflight_failed" }));
    let deletes: Vec<_> = plane_.lines().into_iter().filter(|line| line.starts_with("DELETE")).collect();
    let session = "DELETE /v1/sessions/ses_0000000001";
    assert_eq!(deletes, [session.to_owned(), format!("{session}?confirm_discard=dsc_1")]);
    assert!(asked(&plane_, "POST", "/result").is_empty());
    assert!(!asked(&plane_, "POST", "-url").iter().any(|asked| asked.method == "PUT"));
    let meta: Value = serde_json::from_slice(&fs::read(project.latest_run().join("meta.json")).unwrap()).unwrap();
    assert_eq!(meta["stop_reason"], "preflight_failed");
}

#[test]
fn twins_that_do_not_answer_end_the_run_without_a_result() {
    let (project, recorded) = project();
    for (what, started) in [("state", ""), ("events", "preflight\n")] {
        let ending = format!("/_pome/{what}");
        let plane =
            plane(&recorded, move |asked| asked.target.ends_with(&ending).then(|| refusal(401, "invalid_auth")));
        // Whatever the twin says, the user's key is not in doubt.
        hosted(&project, &plane, ["label.md"]).run().expect(2);
        assert_eq!(starts(&project), started);
        assert!(asked(&plane, "POST", "/result").is_empty());
        assert_eq!(asked(&plane, "DELETE", "").len(), 1);
    }
}

#[test]
fn an_upload_that_fails_costs_its_key_only() {
    let (project, recorded) = project();
    let plane = plane(&recorded, |asked| {
        (asked.method == "PUT" && asked.target.contains("/events.jsonl")).then(|| refusal(403, "forbidden"))
    });
    let output = hosted(&project, &plane, ["label.md"]).run().expect(0);
    assert!(output.stderr.contains("events.jsonl was not uploaded"), "{output:?}");
    let result = asked(&plane, "POST", "/result")[0].json();
    assert_eq!(result["events_jsonl_url"], Value::Null);
    assert_ne!(result["trace_jsonl_b64"], "");
    assert!(asked(&plane, "PUT", "").iter().all(|put| put.header("x-api-key").is_none()));
}

#[test]
fn a_result_that_is_not_taken_leaves_the_verdict_and_the_worse_code() {
    let (project, recorded) = project();
    for (status, kind, code) in [(500, "internal_error", 2), (402, "quota_exceeded", 4), (401, "revoked_key", 3)] {
        let plane = plane(&recorded, move |asked| asked.target.ends_with("/result").then(|| refusal(status, kind)));
        let output = hosted(&project, &plane, ["label.md"]).run().expect(code);
        assert!(output.stderr.contains("PASS Label it\n  score: 100/100\n"), "{output:?}");
        assert!(output.stderr.contains("the verdict is known here only"), "{output:?}");
        assert_eq!(asked(&plane, "DELETE", "").len(), 1);
    }
}

#[test]
fn the_server_judges_when_it_says_so() {
    let (project, recorded) = project();
    let judged = json!({ "run_id": "run_judged0001", "score": 40, "dashboard_url": "https://pome.example/runs/2",
        "criteria_results": [{ "criterion": { "type": "D", "text": "t" }, "passed": false, "skipped": false, "reason": "no" }] });
    let ids = json!({ "evaluation_id": "eval_0000000001", "run_id": "run_judged0001" });
    let mut polls = 0;
    let plane = plane(&recorded, move |asked| {
        let mut answer = ids.clone();
        if asked.line() == "POST /v1/sessions" {
            let mut session = session(asked, "ses_0000000001");
            session["evaluation"] = "server".into();
            return Some(Said::json(201, &session));
        }
        if asked.target.ends_with("/finalize") {
            answer["status"] = "queued".into();
            answer["status_url"] = "/v1/sessions/ses_0000000001/evaluation".into();
            return Some(Said::json(202, &answer).header("retry-after", "0"));
        }
        if asked.target.ends_with("/evaluation") {
            polls += 1;
            answer["status"] = if polls == 1 { "running" } else { "completed" }.into();
            if polls > 1 {
                answer["result"] = judged.clone();
            }
            return Some(Said::json(200, &answer));
        }
        None
    });
    let output = hosted(&project, &plane, ["label.md", "--json"]).run().expect(1);
    let row = &output.json()["runs"][0];
    assert_eq!(
        (&row["status"], &row["satisfaction"], &row["cloud_url"], &row["counts"]["failed"]),
        (&json!("fail"), &json!(40), &json!("https://pome.example/runs/2"), &json!(1))
    );
    let finalize = &asked(&plane, "POST", "/finalize")[0];
    assert_eq!(finalize.header("prefer"), Some("respond-async"));
    let finalize = finalize.json();
    assert_eq!(finalize["criteria"][0]["kind"], "code");
    assert_eq!(finalize["trace_storage_key"], "team-t/session-ses_0000000001/events.jsonl");
    assert!(asked(&plane, "POST", "/result").is_empty());
    let verdict: Value = serde_json::from_slice(&fs::read(project.latest_run().join("verdict.json")).unwrap()).unwrap();
    assert_eq!((&verdict["source"], &verdict["cloud_run_id"]), (&json!("cloud-finalize"), &json!("run_judged0001")));
}

#[test]
fn a_judgement_that_failed_for_the_quota_is_4_and_any_other_2() {
    let (project, recorded) = project();
    for (kind, code) in [("quota_exceeded", 4), ("internal_error", 2)] {
        let plane = plane(&recorded, move |asked| {
            let mut answer = json!({ "evaluation_id": "eval_1", "run_id": "run_1" });
            if asked.target.ends_with("/finalize") {
                answer["status"] = "queued".into();
                answer["status_url"] = "/v1/sessions/ses_0000000001/evaluation".into();
                return Some(Said::json(202, &answer));
            }
            answer["status"] = "failed".into();
            answer["error"] = json!({ "type": kind, "message": "the judge is gone" });
            asked.target.ends_with("/evaluation").then(|| Said::json(200, &answer))
        });
        let output = hosted(&project, &plane, ["label.md"]).env("POME_EVALUATION", "server").run().expect(code);
        assert!(output.stderr.contains("the judge is gone"), "{output:?}");
        assert_eq!(asked(&plane, "DELETE", "").len(), 1);
    }
}

#[test]
fn an_interrupted_run_is_given_up_and_ended() {
    let (project, recorded) = project_with(
        r#"
if not preflight:
    open("pids", "w").write(f"{os.getpid()}\n")
    time.sleep(1000)
"#,
    );
    let plane = plane(&recorded, |_| None);
    let started = hosted(&project, &plane, ["label.md"]).start();
    let pids = until("the agent", || pids(&project.path("pids"), 1));
    started.signal("INT");
    started.finish().expect(130);
    assert!(!lives(&pids[0]));
    assert_eq!(asked(&plane, "POST", "/abandon")[0].json(), json!({ "error_code": "interrupted" }));
    assert_eq!(plane.lines().last().unwrap(), "DELETE /v1/sessions/ses_0000000001");
    let meta: Value = serde_json::from_slice(&fs::read(project.latest_run().join("meta.json")).unwrap()).unwrap();
    assert_eq!((&meta["stop_reason"], &meta["mode"]), (&json!("interrupted"), &json!("hosted")));
}

#[test]
fn a_quota_bounds_how_many_trials_run_at_once() {
    let (project, recorded) = project();
    let (mut open, mut most) = (0, 0);
    let plane = plane(&recorded, move |asked| {
        if asked.method == "DELETE" {
            open -= 1;
        }
        if asked.line() != "POST /v1/sessions" {
            return None;
        }
        if open == 2 {
            return Some(refusal(402, "quota_exceeded"));
        }
        open += 1;
        most = most.max(open);
        None
    });
    let report = hosted(&project, &plane, ["label.md", "--runs", "5", "--json"]).run().expect(0).json();
    let group = &report["groups"][0];
    assert_eq!((&group["passed"], &group["completed"], &group["errored"]), (&json!(5), &json!(5), &json!(0)));
    let link = group["cloud_url"].as_str().unwrap();
    assert_eq!(link, "https://pome.sh/runs/task/label");
    let opened = asked(&plane, "POST", "/v1/sessions");
    assert!(opened.len() > 5, "the quota was never reached");
    let id = opened[0].json()["group_id"].clone();
    assert_eq!(id, group["group_id"]);
    assert!(opened.iter().all(|asked| asked.json()["group_id"] == id));
    assert_eq!((asked(&plane, "POST", "/result").len(), asked(&plane, "DELETE", "").len()), (5, 5));
}

#[test]
fn a_group_that_cannot_be_opened_is_not_begun() {
    let (project, recorded) = project();
    let mut count = 0;
    let plane = plane(&recorded, move |asked| {
        count += u32::from(asked.line() == "POST /v1/sessions");
        (asked.line() == "POST /v1/sessions" && count == 3).then(|| refusal(403, "forbidden"))
    });
    let report = hosted(&project, &plane, ["label.md", "--runs", "5", "--json"]).run().expect(3).json();
    let statuses: Vec<_> = report["runs"].as_array().unwrap().iter().map(|run| run["status"].clone()).collect();
    assert_eq!(statuses, ["error", "not_run", "not_run", "not_run", "not_run"]);
    let deleted: BTreeSet<_> = asked(&plane, "DELETE", "").iter().map(pome_tests::Asked::line).collect();
    assert_eq!(deleted.len(), 2);
    assert_eq!(starts(&project), "");
}

#[test]
fn trials_whose_agent_fails_are_given_up() {
    let (project, recorded) = project_with("label(\"bug\")\nsys.exit(0 if preflight else 7)");
    let plane = plane(&recorded, |_| None);
    let report = hosted(&project, &plane, ["label.md", "--runs", "2", "--json"]).run().expect(2).json();
    assert_eq!(report["groups"][0]["errored"], 2);
    let words: Vec<_> =
        asked(&plane, "POST", "/abandon").iter().map(|asked| asked.json()["error_code"].clone()).collect();
    assert_eq!(words, ["agent_exit_nonzero", "agent_exit_nonzero"]);
    assert!(asked(&plane, "POST", "/result").is_empty());
}

#[test]
fn an_agent_sees_the_same_names_wherever_its_twins_are() {
    const DUMP: &str = "json.dump(dict(os.environ), open(\"environment.json\", \"w\"))\nlabel(\"bug\")";
    let (project, recorded) = project_with(DUMP);
    run(&project, ["label.md"]).env("OPENAI_API_KEY", "sk-1").run().expect(0);
    let local = project.json("environment.json");
    let plane = plane(&recorded, |_| None);
    hosted(&project, &plane, ["label.md"]).env("OPENAI_API_KEY", "sk-1").run().expect(0);
    let hosted = project.json("environment.json");
    let names = |environment: &Value| environment.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let extras: BTreeSet<String> = HOSTED_NAMES.map(str::to_owned).into();
    assert_eq!(names(&hosted).difference(&names(&local)).cloned().collect::<BTreeSet<_>>(), extras);
    assert_eq!(names(&local).difference(&names(&hosted)).count(), 0);
    let url = format!("{}/github/ses_0000000001", plane.url());
    assert_eq!(
        [&hosted["POME_GITHUB_REST_URL"], &hosted["POME_AUTH_TOKEN"], &hosted["POME_SESSION_ID"], &hosted["NO_PROXY"]],
        [url.as_str(), "the.agent.token", "ses_0000000001", "127.0.0.1,localhost"]
    );
    assert!(!hosted.to_string().contains(KEY));
}

#[test]
fn a_session_that_was_there_is_attached_to_and_left_open() {
    let (project, recorded) = project();
    let row = |state: &str| {
        json!({ "id": "ses_mine000001", "team_id": "tm_1", "twin_type": "github", "twins": ["github"], "state": state,
            "twin_url": null, "created_at": "2026-05-01T10:00:00.000Z", "expires_at": "2026-05-01T10:30:00.000Z",
            "ready_at": null, "closed_at": null })
    };
    let (open, over) = (row("running"), row("done"));
    let attached = plane(&recorded, move |asked| match asked.line().as_str() {
        "GET /v1/sessions/ses_mine000001" => Some(Said::json(200, &open)),
        "POST /v1/sessions/ses_mine000001/token" => Some(Said::json(200, &session(asked, "ses_mine000001"))),
        _ => None,
    });
    hosted(&project, &attached, ["label.md", "--reuse-session", "ses_mine000001"]).run().expect(0);
    assert!(asked(&attached, "DELETE", "").is_empty() && asked(&attached, "POST", "/v1/sessions").is_empty());
    assert_eq!(asked(&attached, "POST", "/result").len(), 1);
    let closed = plane(&recorded, move |asked| {
        (asked.line() == "GET /v1/sessions/ses_mine000001").then(|| Said::json(200, &over))
    });
    let output = hosted(&project, &closed, ["label.md", "--reuse-session", "ses_mine000001"]).run().expect(2);
    assert!(output.stderr.contains("session `ses_mine000001` is done"), "{output:?}");
    let kept = plane(&recorded, |_| None);
    hosted(&project, &kept, ["label.md", "--keep-session"]).run().expect(0);
    assert!(asked(&kept, "DELETE", "").is_empty());
}

#[test]
fn seeds_and_long_timeouts_are_sent_along() {
    let (project, recorded) = project();
    project.write("label.seed.json", r#"{"_meta":{"a":1},"repositories":[]}"#);
    let plane =
        plane(&recorded, |asked| (asked.line() == "POST /v1/sessions").then(|| refusal(422, "validation_failed")));
    hosted(&project, &plane, ["label.md", "--timeout", "3000"]).run().expect(2);
    let create = asked(&plane, "POST", "/v1/sessions")[0].json();
    assert_eq!((&create["seed"], &create["ttl_seconds"]), (&json!({ "repositories": [] }), &json!(3600)));
}

#[test]
fn runs_belong_to_the_agent_of_the_project() {
    let (project, recorded) = project();
    project.write(".pome.json", r#"{"mode":"hosted","agent":{"slug":"triage"}}"#);
    let known = plane(&recorded, |asked| match asked.line().as_str() {
        "POST /v1/agents" => Some(Said::json(
            201,
            &json!({ "id": "agt_0000000001", "slug": "triage", "display_name": "t", "judge_model": null }),
        )),
        "GET /v1/me" => Some(Said::json(
            200,
            &json!({ "user": { "id": "usr_1", "email": "a@b.example" },
            "team": { "id": "tm_1", "slug": "t", "plan_tier": "free" }, "api_key": { "id": "k", "name": "n" } }),
        )),
        _ => None,
    });
    hosted(&project, &known, ["label.md"]).run().expect(0);
    assert_eq!(asked(&known, "POST", "/v1/sessions")[0].json()["agent_id"], "agt_0000000001");
    let link = project.json(".pome/link.json");
    assert_eq!((&link["agent_id"], &link["team_id"]), (&json!("agt_0000000001"), &json!("tm_1")));
    assert!(project.read(".gitignore").contains(".pome/"));
    hosted(&project, &known, ["label.md"]).run().expect(0);
    assert_eq!(asked(&known, "POST", "/v1/agents").len(), 1);
    // Another team's link is not believed, and without an answer the run belongs to nobody.
    project.write(
        ".pome/link.json",
        r#"{"agent_id":"agt_other00001","team_id":"tm_2","resolved_at":"2026-05-01T10:00:00.000Z"}"#,
    );
    let unknown = plane(&recorded, |_| None);
    let output = signed_in(project.pome(["run", "--agent", "python3 agent.py", "label.md"]), &unknown).run().expect(0);
    assert!(output.stderr.contains("this server does not support agents"), "{output:?}");
    assert_eq!(asked(&unknown, "POST", "/v1/sessions")[0].json().get("agent_id"), None);
}

#[test]
fn confined_agents_and_read_model_calls_work_here_as_well() {
    let (project, recorded) = project();
    let plane = plane(&recorded, |_| None);
    let output = hosted(&project, &plane, ["label.md", "--sandbox", "--capture-llm"]).run();
    if output.stderr.contains("the agent cannot be confined here") {
        return eprintln!("NOT RUN: this machine confines no agents: {}", output.stderr);
    }
    output.expect(0);
    let meta: Value = serde_json::from_slice(&fs::read(project.latest_run().join("meta.json")).unwrap()).unwrap();
    assert!(meta["sandbox"].is_object() && meta["capture"]["llm"] == true, "{meta}");
}

#[test]
fn what_a_control_plane_cannot_do_is_refused_before_it_is_asked() {
    let (project, recorded) = project();
    project.write("two/a.md", project.read("label.md")).write("two/b.md", project.read("label.md"));
    project.write("own.md", project.read("label.md").replace("timeout: 30", "timeout: 30\ntwins: [./own.wasm]"));
    let plane = plane(&recorded, |_| None);
    for arguments in [
        &["label.md", "--route"] as &[&str],
        &["label.md", "--runs", "21"],
        &["two", "--reuse-session", "ses_mine000001"],
        &["label.md", "--runs", "2", "--reuse-session", "ses_mine000001"],
        &["own.md"],
    ] {
        let all = ["run", "--agent", "python3 agent.py"].iter().chain(arguments);
        let output = signed_in(project.pome(all), &plane).run();
        assert_eq!(output.code, 5, "{arguments:?}\n{output:?}");
    }
    assert!(plane.asked().is_empty());
    hosted(&project, &plane, ["label.md"]).env("POME_EVALUATION", "nobody").run().expect(5);
}
