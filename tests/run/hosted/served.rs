//! The same run here and at a control plane of our own.

use std::collections::BTreeSet;

use pome_tests::{Cmd, Project, Started, free_port, http};
use serde_json::{Value, json};

use super::plane::HOSTED_NAMES;
use crate::support::{project, run, scenario, until, write_agent};

/// A running control plane and a key for it.
struct Served {
    url: String,
    key: String,
    _server: Started,
}

fn serve(project: &Project) -> Served {
    let url = format!("http://127.0.0.1:{}", free_port());
    let listen = url.trim_start_matches("http://").to_owned();
    let server = project.pome(["serve", "--listen", &listen, "--data-dir", "server"]).start();
    until("the server", || std::net::TcpStream::connect(&listen).ok());
    until("its database", || (http("GET", &format!("{url}/readyz"), None, None).status == 200).then_some(()));
    let said = project.pome(["serve", "keys", "add", "test", "--data-dir", "server"]).run().expect(0);
    let said = format!("{}\n{}", said.stdout, said.stderr);
    let mut words = said.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
    let key = words.find(|word| word.starts_with("pme_") && word.len() > 40).expect(&said).to_owned();
    Served { url, key, _server: server }
}

/// What the score of a run is made of, without names of single calls.
fn judged(project: &Project) -> Value {
    let score = project.json(project.latest_run().join("score.json"));
    let results = score["results"].as_array().unwrap().iter().map(|result| {
        json!([
            result["criterion"],
            result["outcome"],
            result["reason"],
            result["matcher"],
            result["evidence_state_paths"]
        ])
    });
    json!({ "status": score["status"], "satisfaction": score["satisfaction"], "results": results.collect::<Vec<_>>() })
}

const CRITERIA: &str = "\
- [code] Issue #1 in `acme/api` has the `bug` label applied
- [code] Issue #1 in `acme/api` has the `feature` label applied
- [code] Issue #1 exists in `acme/api`
- [code] cel: size(events) >= 1
- [model] The agent was kind";

/// A project with an agent that does half of what is asked, and writes down what it was told.
fn half_done() -> Project {
    let project = project();
    project.write("label.md", scenario("Label it", CRITERIA));
    write_agent(
        &project,
        "agent.py",
        r#"
if not preflight:
    json.dump(sorted(os.environ), open("names.json", "w"))
    label("bug")
    call("GET", "/repos/acme/api/issues/1")
"#,
    );
    project
}

/// `pome run` at the control plane.
fn hosted(project: &Project, served: &Served) -> Cmd {
    let command = project.pome(["run", "--agent", "python3 agent.py", "--json", "label.md"]);
    command.env("POME_API_KEY", &served.key).env("POME_API_URL", &served.url)
}

#[test]
fn a_run_comes_to_the_same_wherever_its_twins_are() {
    let project = half_done();
    run(&project, ["label.md"]).run().expect(1);
    let (here, names_here) = (judged(&project), project.json("names.json"));

    let served = serve(&project);
    let output = hosted(&project, &served).run().expect(1);
    let row = output.json()["runs"][0].clone();
    assert!(row["cloud_url"].as_str().is_some_and(|url| url.starts_with(&served.url)), "{output:?}");
    assert_eq!(judged(&project), here);
    let set = |names: &Value| -> BTreeSet<String> { serde_json::from_value(names.clone()).unwrap() };
    let (names_here, names_there) = (set(&names_here), set(&project.json("names.json")));
    let more: BTreeSet<String> = names_there.difference(&names_here).cloned().collect();
    assert_eq!(more, HOSTED_NAMES.map(str::to_owned).into());
    assert_eq!(names_here.difference(&names_there).count(), 0);
    let calls = crate::support::rows(&project.latest_run().join("tool_calls.jsonl"));
    assert_eq!(calls.iter().map(|call| call["method"].as_str().unwrap()).collect::<Vec<_>>(), ["POST", "GET"]);
}

#[test]
fn the_control_plane_comes_to_the_same_when_it_judges() {
    let project = half_done();
    run(&project, ["label.md"]).run().expect(1);
    let here = judged(&project);
    let served = serve(&project);
    let output = hosted(&project, &served).env("POME_EVALUATION", "server").run().expect(1);
    let row = output.json()["runs"][0].clone();
    assert_eq!((&row["satisfaction"], &row["status"]), (&here["satisfaction"], &here["status"]), "{output:?}");
    let outcomes = |score: &Value| -> Vec<Value> {
        score["results"].as_array().unwrap().iter().map(|result| result[1].clone()).collect()
    };
    assert_eq!(outcomes(&judged(&project)), outcomes(&here));
}
