//! A scripted control plane with one twin, whose states and calls are those of a local run.

use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pome_tests::{Asked, Cmd, Project, Said, Scripted};
use serde_json::{Value, json};

use crate::support::{labelling, rows, run};

/// A key that the scripted control plane is called with.
pub(crate) const KEY: &str = "pme_a-key-of-nobody";

/// Variables that agents have in hosted runs only.
pub(crate) const HOSTED_NAMES: [&str; 6] = [
    "POME_TWIN_BASE_URL",
    "POME_SESSION_ID",
    "POME_OTEL_EXPORTER_OTLP_ENDPOINT",
    "POME_OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
];

/// What the agent of [`project`] does: it labels, and tells more about itself than anybody should see.
const AGENT: &str = r#"
open("started", "a").write("preflight\n" if preflight else "agent\n")
print("PRINTED-BY-THE-AGENT", os.environ.get("OPENAI_API_KEY"))
print("COMPLAINED-BY-THE-AGENT", file=sys.stderr)
if not preflight:
    label("bug")
    open(os.environ["POME_ADAPTER_SIGNALS_PATH"], "a").write(json.dumps({"kind": "HookEvent", "event_id": "h1",
        "ts": "2026-05-01T10:00:00.000Z", "name": os.environ.get("OPENAI_API_KEY", "none")}) + "\n")
"#;

/// What a local run of [`project`] recorded.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    before: Value,
    after: Value,
    calls: Vec<Value>,
}

/// A project whose agent passes, and what it did in a local run.
pub(crate) fn project() -> (Project, Recorded) {
    project_with(AGENT)
}

/// The same with another agent.
pub(crate) fn project_with(agent: &str) -> (Project, Recorded) {
    let project = labelling(AGENT);
    run(&project, ["label.md"]).run().expect(0);
    let dir = project.latest_run();
    let json = |name: &str| serde_json::from_slice(&std::fs::read(dir.join(name)).unwrap()).unwrap();
    let recorded = Recorded {
        before: json("state_initial.json"),
        after: json("state_final.json"),
        calls: rows(&dir.join("tool_calls.jsonl")),
    };
    std::fs::remove_dir_all(project.path("runs")).unwrap();
    let _ = std::fs::remove_file(project.path("started"));
    crate::support::write_agent(&project, "agent.py", agent);
    (project, recorded)
}

/// `pome run` against the control plane, with the agent of the project.
pub(crate) fn hosted<const N: usize>(project: &Project, plane: &Scripted, arguments: [&str; N]) -> Cmd {
    let mut all = vec!["run", "--agent", "python3 agent.py"];
    all.extend(arguments);
    signed_in(project.pome(all), plane)
}

/// A command with the key and the address.
pub(crate) fn signed_in(command: Cmd, plane: &Scripted) -> Cmd {
    command.env("POME_API_KEY", KEY).env("POME_API_URL", plane.url())
}

/// A control plane on which everything goes well, except what `otherwise` answers.
pub(crate) fn plane(
    recorded: &Recorded,
    mut otherwise: impl FnMut(&Asked) -> Option<Said> + Send + 'static,
) -> Scripted {
    let recorded = recorded.clone();
    let mut sessions = 0;
    let mut asked_for_calls = std::collections::BTreeSet::new();
    Scripted::by(move |asked| {
        if let Some(said) = otherwise(asked) {
            return said;
        }
        let path = asked.target.split('?').next().unwrap_or_default();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match (asked.method.as_str(), segments.as_slice()) {
            ("POST", ["v1", "sessions"]) => {
                sessions += 1;
                Said::json(201, &session(asked, &format!("ses_{sessions:010}")))
            }
            ("GET", ["github", session, "_pome", "state"]) => {
                let seen = asked_for_calls.contains(*session);
                Said::json(200, if seen { &recorded.after } else { &recorded.before })
            }
            ("GET", ["github", session, "_pome", "events"]) => {
                // The preflight called something, too.
                let older = json!({ "ts": "2026-05-01T09:00:00.000Z", "request_id": "req_older", "twin": "github",
                    "method": "DELETE", "path": "/x", "status": 204 });
                let first = asked_for_calls.insert((*session).to_owned());
                let calls = recorded.calls.iter().filter(|_| !first);
                Said::json(200, &std::iter::once(&older).chain(calls).cloned().collect())
            }
            ("POST", ["github", ..]) => Said::json(200, &json!([])),
            ("POST", ["v1", "sessions", session, "state-upload-url"]) => Said::json(
                200,
                &json!({ "state_initial": place(asked, session, "state_initial.json"),
                         "state_final": place(asked, session, "state_final.json") }),
            ),
            ("POST", ["v1", "sessions", session, "result-upload-url"]) => {
                Said::json(200, &place(asked, session, "events.jsonl"))
            }
            ("POST", ["v1", "sessions", session, "signals-upload-url"]) => {
                Said::json(200, &place(asked, session, "signals.jsonl"))
            }
            ("POST", ["v1", "sessions", session, "meta-upload-url"]) => {
                Said::json(200, &place(asked, session, "meta.json"))
            }
            ("PUT", ["blobs", ..]) => Said::bytes(200, ""),
            ("POST", ["v1", "sessions", _, "result"]) => {
                Said::json(201, &json!({ "run_id": "run_stored0001", "dashboard_url": "https://pome.example/runs/1" }))
            }
            ("POST", ["v1", "sessions", session, "abandon"]) => Said::json(
                200,
                &json!({ "session_id": session, "state": "failed", "error_code": asked.json()["error_code"], "abandoned": true }),
            ),
            ("DELETE", ["v1", "sessions", _]) => Said::bytes(204, ""),
            _ => refusal(404, "not_found"),
        }
    })
}

/// The answer to opening a session.
pub(crate) fn session(asked: &Asked, id: &str) -> Value {
    let base = format!("http://{}", asked.header("host").unwrap());
    let api_url = format!("{base}/github/{id}");
    json!({
        "session_id": id, "session_token": id, "twin_url": api_url, "expires_at": "2026-05-01T10:30:00.000Z",
        "agent_token": "the.agent.token", "provider_credentials": {},
        "per_twin": { "github": { "api_url": api_url, "mcp_url": format!("{api_url}/mcp"),
                                  "openapi_url": format!("{api_url}/openapi.json") } },
        "seed_applied": "default",
    })
}

fn place(asked: &Asked, session: &str, name: &str) -> Value {
    let host = asked.header("host").unwrap();
    json!({ "url": format!("http://{host}/blobs/{name}?sig=1"), "key": format!("team-t/session-{session}/{name}") })
}

/// The error envelope.
pub(crate) fn refusal(status: u16, kind: &str) -> Said {
    let error =
        json!({ "error": { "type": kind, "message": format!("said the script: {kind}"), "request_id": "rq_1" } });
    Said::json(status, &error)
}

/// What was asked with this method and the end of this path.
pub(crate) fn asked(plane: &Scripted, method: &str, ending: &str) -> Vec<Asked> {
    let matches = |asked: &Asked| asked.method == method && asked.target.split('?').next().unwrap().ends_with(ending);
    plane.asked().into_iter().filter(matches).collect()
}

/// Everything that left the machine, unpacked, in one text.
pub(crate) fn sent(plane: &Scripted) -> String {
    let mut all = String::new();
    for asked in plane.asked().into_iter().filter(|asked| !asked.target.starts_with("/github/")) {
        let mut body = asked.body.clone();
        if asked.header("content-encoding") == Some("gzip") {
            body.clear();
            flate2::read::GzDecoder::new(asked.body.as_slice()).read_to_end(&mut body).unwrap();
        }
        let text = String::from_utf8_lossy(&body).into_owned();
        all.push_str(&format!("{}\n{text}\n", asked.line()));
        if let Ok(Value::Object(document)) = serde_json::from_str(&text) {
            let packed = document.values().filter_map(Value::as_str).filter_map(|text| STANDARD.decode(text).ok());
            packed.for_each(|bytes| all.push_str(&String::from_utf8_lossy(&bytes)));
        }
    }
    all
}

/// What the agent wrote down about its starts.
pub(crate) fn starts(project: &Project) -> String {
    std::fs::read_to_string(Path::new(&project.path("started"))).unwrap_or_default()
}
