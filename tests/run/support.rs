//! A project with a scenario and an agent that speaks HTTP. The agents need Python, and say so when it is not there.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use pome_tests::{Cmd, Project};

/// What agents are made of: `call(method, path, body)` and `preflight`.
const HELPER: &str = r#"
import json, os, signal, socket, subprocess, sys, time, urllib.request
preflight = os.environ.get("POME_PREFLIGHT") == "1"
def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(os.environ["POME_GITHUB_REST_URL"] + path, data=data, method=method)
    request.add_header("authorization", "Bearer " + os.environ["POME_AUTH_TOKEN"])
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
def label(name):
    return call("POST", "/repos/acme/api/issues/1/labels", {"labels": [name]})
"#;

pub(crate) const LABELLED: &str = "- [code] Issue #1 in `acme/api` has the `bug` label applied";

/// An empty project for the program under test.
pub(crate) fn project() -> Project {
    Project::new(env!("CARGO_BIN_EXE_pome"))
}

/// A project with the scenario `label.md` over the default seed.
pub(crate) fn labelling(agent: &str) -> Project {
    let project = project();
    project.write("label.md", scenario("Label it", LABELLED));
    write_agent(&project, "agent.py", agent);
    project
}

pub(crate) fn scenario(title: &str, criteria: &str) -> String {
    format!(
        "# {title}\n\n## Prompt\n\nLabel issue 1.\n\n## Success Criteria\n\n{criteria}\n\n## Config\n\npassThreshold: 100\ntimeout: 30\n"
    )
}

pub(crate) fn write_agent(project: &Project, name: &str, code: &str) {
    project.write(name, format!("{HELPER}\n{code}\n"));
}

/// `pome run --local` with the agent `agent.py`.
pub(crate) fn run<const N: usize>(project: &Project, arguments: [&str; N]) -> Cmd {
    let mut all = vec!["run", "--local", "--agent", "python3 agent.py"];
    all.extend(arguments);
    project.pome(all)
}

/// Waits for something that happens soon, and fails when it does not.
pub(crate) fn until<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::yield_now();
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process lives; one that ended and was not collected yet does not.
pub(crate) fn lives(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
}

/// Process ids that an agent wrote down, one a line.
pub(crate) fn pids(path: &Path, count: usize) -> Option<Vec<String>> {
    let text = fs::read_to_string(path).ok().filter(|text| text.ends_with('\n'))?;
    let pids: Vec<String> = text.lines().map(str::to_owned).collect();
    (pids.len() == count).then_some(pids)
}

/// The rows of a `.jsonl` file.
pub(crate) fn rows(path: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}
