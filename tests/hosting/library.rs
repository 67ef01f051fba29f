//! Every shipped scenario, here and at a control plane: the same score, the same outcomes.

use std::process::{Command, Stdio};

use pome_tests::root;
use serde::Deserialize;
use serde_json::Value;

use crate::support::{Cluster, Home, program};

#[derive(Deserialize)]
struct Library {
    scenario: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    file: String,
    good: Vec<Vec<String>>,
    wrong: Vec<String>,
}

/// What a run came to: code, status, score, and outcome and text of each criterion. Reasons name ids, which are drawn anew for
/// each run.
fn verdict(file: &str, agent: &[String], flag: &str, variables: &[(&str, &str)]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let (first, rest) = agent.split_first().unwrap();
    let files = rest.iter().map(|file| format!("\"{}\"", root().join(file).display()));
    let command: Vec<String> = std::iter::once(first.clone()).chain(files).collect();
    let output = Command::new(program())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder.path())
        .envs(variables.iter().copied())
        .current_dir(folder.path())
        .args(["run", root().join("scenarios").join(file).to_str().unwrap(), flag, "--json"])
        .args(["--agent", &command.join(" ")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{file}: {error}\n{}", String::from_utf8_lossy(&output.stderr)));
    let run = &report["runs"][0];
    let criteria = run["criteria"].as_array().unwrap().iter();
    serde_json::json!({
        "code": output.status.code(),
        "status": run["status"],
        "score": run["satisfaction"],
        "criteria": criteria.map(|one| (&one["outcome"], &one["text"])).collect::<Vec<_>>(),
    })
}

#[test]
fn every_shipped_scenario_is_judged_alike_here_and_there() {
    let cluster = Cluster::start(Home::Alone, 1, 10);
    let (url, key) = (cluster.url(0), cluster.key.clone());
    let text = std::fs::read_to_string(root().join("tests/agents/library.toml")).unwrap();
    let library: Library = toml::from_str(&text).unwrap();
    let mut compared = 0;
    for row in &library.scenario {
        let python = row.good.iter().find(|agent| agent.first().is_some_and(|program| program == "python3"));
        for agent in python.into_iter().chain([&row.wrong]) {
            let here = verdict(&row.file, agent, "--local", &[]);
            let there = verdict(&row.file, agent, "--hosted", &[("POME_API_KEY", &key), ("POME_API_URL", &url)]);
            assert_eq!(here, there, "{} with {agent:?}", row.file);
            compared += 1;
        }
    }
    assert!(compared > library.scenario.len(), "{compared} runs");
}
