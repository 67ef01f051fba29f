//! What a run leaves in its folder.

use std::fs;

use serde_json::{Value, json};

use crate::support::{labelling, rows, run};

#[test]
fn a_passing_run_writes_every_file() {
    let project = labelling(r#"label("bug"); print(json.dumps({"summary": "done"}))"#);
    let output = run(&project, ["label.md", "--tag", "nightly", "--json"]).run().expect(0);
    let dir = project.latest_run();
    let mut names: Vec<_> =
        fs::read_dir(&dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "events.jsonl",
            "meta.json",
            "score.json",
            "signals.jsonl",
            "state_final.json",
            "state_initial.json",
            "stderr.log",
            "stdout.txt",
            "tool_calls.jsonl",
            "verdict.json"
        ]
    );
    let report = output.json();
    let row = &report["runs"][0];
    assert_eq!((&report["version"], &report["mode"], &report["exit_code"]), (&json!(1), &json!("local"), &json!(0)));
    assert_eq!((&row["status"], &row["satisfaction"], &row["trial"]), (&json!("pass"), &json!(100), &json!(1)));
    assert_eq!(row["criteria"][0]["outcome"], "passed");
    let keys = [
        "scenario",
        "title",
        "path",
        "run_id",
        "run_dir",
        "group_id",
        "tags",
        "pass_threshold",
        "counts",
        "agent",
        "duration_ms",
        "cloud_url",
        "blocked_egress",
        "error",
        "exit_code",
    ];
    for key in keys {
        assert!(row.as_object().unwrap().contains_key(key), "{key}");
    }

    let meta: Value = serde_json::from_str(&fs::read_to_string(dir.join("meta.json")).unwrap()).unwrap();
    assert_eq!(
        (&meta["status"], &meta["stop_reason"], &meta["exit_code"]),
        (&json!("pass"), &json!("agent_exit_0"), &json!(0))
    );
    assert_eq!(
        (&meta["tags"], &meta["seed_source"], &meta["satisfaction_score"]),
        (&json!(["nightly"]), &json!("default"), &json!(100))
    );
    assert!(meta["random_seed"].is_u64() && meta["clock"]["github"].is_u64(), "{meta}");
    assert!(meta["components"]["github"].as_str().unwrap().starts_with("sha256:"), "{meta}");

    let events = rows(&dir.join("events.jsonl"));
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["method"], &events[0]["state_mutation"], &events[0]["run_id"]),
        (&json!("POST"), &json!(true), &row["run_id"])
    );
    assert_eq!(rows(&dir.join("tool_calls.jsonl")).len(), 1);
    let score: Value = serde_json::from_str(&fs::read_to_string(dir.join("score.json")).unwrap()).unwrap();
    assert_eq!((&score["status"], &score["source"]), (&json!("pass"), &json!("local-evaluator")));
    assert_ne!(fs::read(dir.join("state_initial.json")).unwrap(), fs::read(dir.join("state_final.json")).unwrap());
}

#[test]
fn what_the_preflight_did_is_in_no_file_and_counts_for_nothing() {
    let project = labelling(
        r#"
if preflight:
    label("bug"); print("preflight says hello")
    open(os.environ["POME_ADAPTER_SIGNALS_PATH"], "a").write('{"kind":"HookEvent"}\n')
"#,
    );
    run(&project, ["label.md"]).run().expect(1);
    let dir = project.latest_run();
    for name in ["events.jsonl", "tool_calls.jsonl", "signals.jsonl", "stdout.txt"] {
        assert_eq!(fs::read_to_string(dir.join(name)).unwrap(), "", "{name}");
    }
    assert_eq!(fs::read(dir.join("state_initial.json")).unwrap(), fs::read(dir.join("state_final.json")).unwrap());
}

#[test]
fn a_failed_preflight_stops_the_run_with_its_output_on_disk() {
    let project = labelling(r#"print("out"); sys.exit("no model key" if preflight else 0)"#);
    let output = run(&project, ["label.md"]).run().expect(2);
    assert!(output.stderr.contains("the preflight of the agent exited with 1: no model key"), "{}", output.stderr);
    let dir = project.latest_run();
    assert_eq!(fs::read_to_string(dir.join("stderr.log")).unwrap(), "no model key\n");
    assert!(!dir.join("score.json").exists());
    let meta: Value = serde_json::from_str(&fs::read_to_string(dir.join("meta.json")).unwrap()).unwrap();
    assert_eq!((&meta["status"], &meta["stop_reason"]), (&json!("error"), &json!("preflight_failed")));
}

#[test]
fn no_secret_reaches_the_agent_or_a_file() {
    let project = labelling(
        r#"
print(json.dumps(dict(os.environ))); print(os.environ["POME_AUTH_TOKEN"], file=sys.stderr)
call("POST", "/repos/acme/api/issues/1/comments", {"body": os.environ["POME_AUTH_TOKEN"] + os.environ["OPENAI_API_KEY"]})
"#,
    );
    let secrets = ["pme-of-the-user-123", "signing-secret-0123456789abcdef0123", "admin-token-456"];
    let names = ["POME_API_KEY", "TWIN_AUTH_SECRET", "TWIN_ADMIN_TOKEN"];
    let mut cmd = run(&project, ["label.md"])
        .env("OPENAI_API_KEY", "my-own-provider-key")
        .env("POME_AGENT_ENV_ALLOWLIST", names.join(","));
    for (name, secret) in names.iter().zip(secrets) {
        cmd = cmd.env(name, secret);
    }
    // The judged criterion is absent, so the provider key is only passed on.
    cmd.run().expect(1);
    let dir = project.latest_run();
    let seen = fs::read_to_string(dir.join("stdout.txt")).unwrap();
    for name in names {
        assert!(!seen.contains(&format!("\"{name}\"")), "{name}");
    }
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for secret in secrets.iter().chain(&["my-own-provider-key", "eyJ"]) {
            assert!(!text.contains(secret), "{}: {secret}", path.display());
        }
    }
}

#[test]
fn a_refused_tunnel_is_named() {
    let project = labelling(
        r#"
if not preflight:
    host, port = os.environ["HTTPS_PROXY"].removeprefix("http://").split(":")
    proxy = socket.create_connection((host, int(port)))
    proxy.sendall(b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n")
    print(proxy.recv(65536).decode().splitlines()[0])
    label("bug")
"#,
    );
    let output = run(&project, ["label.md", "--json"]).run().expect(0);
    assert_eq!(
        output.json()["runs"][0]["blocked_egress"],
        json!([{ "host": "evil.example", "port": 443, "count": 1 }])
    );
    let dir = project.latest_run();
    assert_eq!(fs::read_to_string(dir.join("stdout.txt")).unwrap(), "HTTP/1.1 403 Forbidden\n");
    let refused = rows(&dir.join("egress.jsonl"));
    assert_eq!((refused.len(), &refused[0]["host"]), (1, &json!("evil.example")));
}

#[test]
fn without_capture_there_is_no_proxy() {
    let project = labelling(r#"label("bug"); sys.exit(1 if "HTTPS_PROXY" in os.environ else 0)"#);
    run(&project, ["label.md", "--no-capture"]).run().expect(0);
}
