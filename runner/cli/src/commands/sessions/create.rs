//! `pome sessions create`: a session without a scenario. Its secrets go to a private file or nowhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pome_hosted::credentials::private_file;
use pome_hosted::{OpenSession, OpenTwin, idempotency_key, links};
use pome_sandbox::VariableValue;
use pome_wire::control::CreateSession;
use pome_wire::{Exit, env};
use serde_json::{Map, json};

use crate::args::SecretsFormat;
use crate::context::Context;
use crate::failure::Failure;
use crate::plane::{self, failure};
use crate::render::plain;
use crate::twins;

/// What stands for the scenario that there is not.
const NO_SCENARIO: &str = "# A session without a scenario\n";
const MOST_TWINS: usize = 3;

pub(super) fn run(
    names: &[String],
    secrets_file: Option<&Path>,
    format: SecretsFormat,
    cx: &Context,
) -> Result<Exit, Failure> {
    let names = if names.is_empty() { vec![twins::DEFAULT.to_owned()] } else { names.to_vec() };
    check(&names, secrets_file, format, cx)?;
    let account = plane::connect(cx)?;
    let session = account
        .client
        .create_session(&CreateSession {
            twins: names,
            scenario_source: Some(STANDARD.encode(NO_SCENARIO)),
            idempotency_key: Some(idempotency_key()),
            ..CreateSession::default()
        })
        .map_err(|error| failure(&error))?;
    if let Some(file) = secrets_file
        && let Err(error) = private_file(&cx.cwd.join(file), &exports(&session))
    {
        // Without its secrets nobody can use it.
        if account.client.end_session_quickly(&session.id).is_err() {
            cx.console.warn(&format!("the session `{}` is still open", session.id));
        }
        return Err(Failure::orchestrator(format!("`{}` cannot be written", file.display())).because(&error));
    }
    let page = links::session(&account.dashboard, &session.id);
    if cx.console.json || format == SecretsFormat::Json {
        cx.console.document(&document(&session, &page, secrets_file))?;
    } else if let (SecretsFormat::Env, Some(file)) = (format, secrets_file) {
        cx.console.result(&file.display().to_string());
    } else {
        cx.console.result(&text(&session, &page, secrets_file));
    }
    Ok(Exit::Passed)
}

/// Everything that can be wrong before a session is opened.
fn check(names: &[String], secrets_file: Option<&Path>, format: SecretsFormat, cx: &Context) -> Result<(), Failure> {
    if names.len() > MOST_TWINS {
        return Err(Failure::usage(format!("a session has at most {MOST_TWINS} twins, not {}", names.len())));
    }
    if let Some(name) =
        names.iter().enumerate().find_map(|(at, name)| names.iter().take(at).find(|other| *other == name))
    {
        return Err(Failure::usage(format!("the twin `{name}` is named twice")));
    }
    let Some(file) = secrets_file else {
        return match format {
            SecretsFormat::Env => Err(Failure::usage("`--format env` needs `--secrets-file`")
                .hint("secrets are never printed; `--secrets-file <path>` writes them where only you can read them")),
            SecretsFormat::Text | SecretsFormat::Json => Ok(()),
        };
    };
    let path = cx.cwd.join(file);
    if path.is_dir() || !path.parent().is_some_and(Path::is_dir) {
        return Err(Failure::usage(format!("`{}` cannot be a file", file.display()))
            .cause("it is a folder, or the folder above it does not exist"));
    }
    Ok(())
}

/// The variables that an agent of this session gets, for a shell.
fn exports(session: &OpenSession) -> String {
    let names: Vec<&str> = session.twins.iter().map(|twin| twin.name.as_str()).collect();
    let mut variables: Vec<(String, String)> = vec![
        (env::AUTH_TOKEN.to_owned(), session.agent_token.expose().to_owned()),
        (env::SESSION_ID.to_owned(), session.id.clone()),
        ("POME_TWIN_URL".to_owned(), session.twin_url.clone()),
        (env::TWIN_NAMES.to_owned(), names.join(",")),
    ];
    for twin in &session.twins {
        variables.push((env::rest_url(&twin.name), twin.api_url.clone()));
        variables.push((env::mcp_url(&twin.name), twin.mcp_url.clone()));
        for (name, value) in aliases(twin, session) {
            if !variables.iter().any(|(known, _)| *known == name) {
                variables.push((name, value));
            }
        }
    }
    variables.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "export {name}={}", quoted(value));
        text
    })
}

/// What else an agent of a built-in twin finds; nothing for a twin that only the server knows.
fn aliases(twin: &OpenTwin, session: &OpenSession) -> BTreeMap<String, String> {
    let Ok(component) = twins::engine().and_then(|engine| twins::embedded(&engine, &twin.name)) else {
        return BTreeMap::new();
    };
    component
        .description()
        .variables
        .iter()
        .map(|variable| {
            let value = match variable.value {
                VariableValue::SessionToken => session.agent_token.expose(),
                VariableValue::RestUrl => &twin.api_url,
                VariableValue::McpUrl => &twin.mcp_url,
            };
            (variable.name.clone(), value.to_owned())
        })
        .collect()
}

/// One word of a shell.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}

fn document(session: &OpenSession, page: &str, secrets_file: Option<&Path>) -> serde_json::Value {
    let twins: Map<String, serde_json::Value> = session
        .twins
        .iter()
        .map(|twin| {
            let urls = json!({"api_url": twin.api_url, "mcp_url": twin.mcp_url, "openapi_url": twin.openapi_url});
            (twin.name.clone(), urls)
        })
        .collect();
    json!({
        "version": 1,
        "session_id": session.id,
        "expires_at": session.expires_at,
        "twins": twins,
        "agent_token": "[redacted]",
        "secrets_file": secrets_file.map(|file| file.display().to_string()),
        "dashboard_url": page,
    })
}

fn text(session: &OpenSession, page: &str, secrets_file: Option<&Path>) -> String {
    let mut text = format!("session: {}\nexpires: {}\n", session.id, session.expires_at);
    for twin in &session.twins {
        let _ = writeln!(text, "{}: {}\n  mcp: {}", twin.name, twin.api_url, twin.mcp_url);
    }
    match secrets_file {
        Some(file) => {
            let _ = writeln!(text, "secrets: {}", file.display());
        }
        None => text.push_str("secrets: not kept; `--secrets-file <path>` keeps them\n"),
    }
    let _ = writeln!(text, "cloud: {page}");
    plain(&text).into_owned()
}
