//! `pome serve`: the control plane, its keys, its teams and their agents.

use std::io;
use std::path::Path;
use std::time::Duration;

use pome_control::{
    BlobsError, Books, Config, Evaluation, KeyError, LogFormat, LogOptions, Secrets, ServeError, Server,
};
use pome_hosted::Address;
use pome_run::interrupt::Interrupt;
use pome_sandbox::Component;
use pome_wire::{Exit, env, time};
use serde_json::json;

use crate::args::{
    AgentsCommand, EvaluationName, KeysCommand, LogName, Serve, ServeCommand, ServeFlags, ServeWhere, TeamsCommand,
};
use crate::context::{Context, runtime};
use crate::failure::Failure;
use crate::twins;

/// Name of the secret in the data directory.
const SECRET: &str = "secret";

/// Variables of the model that judges, as `pome run` reads them.
const JUDGE: [&str; 5] =
    ["POME_LLM_BASE_URL", "POME_LLM_API_KEY", "POME_LLM_MODEL", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"];

pub(crate) fn run(args: &Serve, cx: &Context) -> Result<Exit, Failure> {
    match &args.command {
        None => serve(&args.server, cx),
        Some(ServeCommand::Keys(command)) => keys(command, cx),
        Some(ServeCommand::Teams(command)) => teams(command, cx),
        Some(ServeCommand::Agents(command)) => agents(command, cx),
    }
}

fn serve(flags: &ServeFlags, cx: &Context) -> Result<Exit, Failure> {
    if flags.auto_approve && !flags.listen.ip().is_loopback() {
        return Err(Failure::usage(format!(
            "`--auto-approve` lets everybody in who reaches `{}`, and that is not this machine alone",
            flags.listen
        ))
        .hint("leave it out, or listen on 127.0.0.1"));
    }
    let config = config(flags, cx)?;
    let format = match flags.log_format {
        LogName::Text => LogFormat::Text,
        LogName::Json => LogFormat::Json,
    };
    let variable = |name: &str| cx.environment.get(name).map(str::to_owned);
    let options = LogOptions { filter: variable(env::LOG), collector: variable("OTEL_EXPORTER_OTLP_ENDPOINT") };
    let guard = pome_control::log(format, &options).map_err(|error| Failure::from_error(Exit::Usage, &error))?;
    if !flags.listen.ip().is_loopback() && !flags.public_url.as_deref().is_some_and(|url| url.starts_with("https://")) {
        cx.console.note(
            "keys and tokens cross the network in plain text unless TLS ends in front of this server; say so with `--public-url https://...`",
        );
    }
    let runtime = runtime()?;
    let served = runtime.block_on(async {
        let interrupt = Interrupt::install()
            .map_err(|error| Failure::orchestrator("signals cannot be received").because(&error))?;
        let server = Server::start(config).await.map_err(|error| start_failure(&error))?;
        cx.console.note(&format!("pome serve listens on {}", server.public_url()));
        if let Some(key) = server.first_key() {
            cx.console.note(&format!(
                "the first API key, shown this once: {key}\nsign in: pome login --token {key} --api-url {}",
                server.public_url()
            ));
        }
        interrupt.wait().await;
        server.stop().await;
        Ok(Exit::Passed)
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(guard);
    served
}

fn config(flags: &ServeFlags, cx: &Context) -> Result<Config, Failure> {
    let data_dir = cx.cwd.join(&flags.place.data_dir);
    let variable = |name: &str| cx.environment.get(name).map(str::to_owned);
    let (public_url, host_url) =
        (address("--public-url", flags.public_url.as_ref())?, address("--host-url", flags.host_url.as_ref())?);
    let database_url = database_url(&flags.place, cx)?;
    let (secrets, exit) = match (&flags.secret_file, cx.environment.get(env::SERVER_SECRET)) {
        (Some(file), _) => (Secrets::read(&cx.cwd.join(file)), Exit::Usage),
        (None, Some(secret)) => (Secrets::new(secret, "`POME_SERVER_SECRET`"), Exit::Usage),
        (None, None) => {
            pome_control::data_dir(&data_dir).map_err(|error| start_failure(&error))?;
            (Secrets::read_or_make(&data_dir.join(SECRET)), Exit::Orchestrator)
        }
    };
    let secrets = secrets.map_err(|error| Failure::from_error(exit, &error))?;
    let blob_options = cx.environment.to_map().into_iter().filter(|(name, _)| name.starts_with("AWS_"));
    Ok(Config {
        listen: flags.listen,
        public_url,
        data_dir,
        database_url,
        blobs_url: flags.blobs_url.clone().or_else(|| variable(env::BLOBS_URL)),
        blob_options: blob_options.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
        secrets,
        max_sessions: flags.max_sessions,
        session_ttl: Duration::from_secs(flags.session_ttl),
        evaluation: match flags.evaluation {
            EvaluationName::Client => Evaluation::Client,
            EvaluationName::Server => Evaluation::Server,
        },
        auto_approve: flags.auto_approve,
        components: components(flags.components.as_deref(), cx)?,
        host_url,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        judge: JUDGE.iter().filter_map(|name| Some(((*name).to_owned(), variable(name)?))).collect(),
    })
}

/// The built-in twins and those in a folder.
fn components(folder: Option<&Path>, cx: &Context) -> Result<Vec<Component>, Failure> {
    let engine = twins::engine()?;
    let mut components = Vec::new();
    for name in engine.embedded_names() {
        components.push(twins::embedded(&engine, name)?);
    }
    let Some(folder) = folder.map(|folder| cx.cwd.join(folder)) else { return Ok(components) };
    let unreadable = |error: &std::io::Error| {
        Failure::usage(format!("the folder of components `{}` cannot be read", folder.display())).because(error)
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(|error| unreadable(&error))? {
        let path = entry.map_err(|error| unreadable(&error))?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            files.push(path);
        }
    }
    files.sort();
    for file in files {
        let component = engine.load(&file).map_err(|error| {
            Failure::new(error.exit(), format!("`{}` is not a twin that can be hosted", file.display()))
                .because(&error)
                .hint(error.hint())
        })?;
        let id = &component.description().id;
        if components.iter().any(|known| known.description().id == *id) {
            return Err(Failure::usage(format!("`{}`: there is a twin `{id}` already", file.display())));
        }
        components.push(component);
    }
    Ok(components)
}

/// An address that is handed out, as it was given.
fn address(flag: &str, given: Option<&String>) -> Result<Option<String>, Failure> {
    given
        .map(|text| Address::parse(text).map(|_| text.clone()))
        .transpose()
        .map_err(|error| Failure::usage(format!("`{flag}` cannot be handed out")).because(&error))
}

/// The address of a shared database. It is not repeated where it is wrong, for it may hold a password.
fn database_url(place: &ServeWhere, cx: &Context) -> Result<Option<String>, Failure> {
    let (url, source) = match (&place.database_url, cx.environment.get(env::DATABASE_URL)) {
        (Some(url), _) => (url.as_str(), "--database-url"),
        (None, Some(url)) => (url, env::DATABASE_URL),
        (None, None) => return Ok(None),
    };
    if ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(Some(url.to_owned()));
    }
    Err(Failure::usage(format!("`{source}` is not the address of a PostgreSQL database")).hint(
        "one looks like `postgres://user:password@host:5432/name`; without it the database is a file in `--data-dir`",
    ))
}

/// What to do about a database that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absent {
    Make,
    Refuse,
}

/// Runs something on the accounts of a server.
fn with_books<T, F>(place: &ServeWhere, absent: Absent, cx: &Context, work: F) -> Result<T, Failure>
where
    F: AsyncFnOnce(Books) -> Result<T, KeyError>,
{
    let (data_dir, url) = (cx.cwd.join(&place.data_dir), database_url(place, cx)?);
    if !Books::are_there(&data_dir, url.as_deref()) {
        let folder = place.data_dir.display();
        match absent {
            Absent::Refuse => {
                return Err(Failure::usage(format!("there is no database of a server in `{folder}`"))
                    .hint("`--data-dir` names the folder that `pome serve` was started with"));
            }
            Absent::Make => cx.console.note(&format!(
                "there was no database in `{folder}`, so it is made now; only a server with that `--data-dir` knows it"
            )),
        }
    }
    runtime()?.block_on(async {
        let books = Books::open(data_dir, url.as_deref()).await.map_err(|error| start_failure(&error))?;
        work(books).await.map_err(|error| key_failure(&error))
    })
}

fn keys(command: &KeysCommand, cx: &Context) -> Result<Exit, Failure> {
    match command {
        KeysCommand::Add { name, team, place } => {
            let key = with_books(place, Absent::Make, cx, async |books| books.add_key(team.as_deref(), name).await)?;
            if cx.console.json {
                cx.console.document(&json!({ "version": 1, "key": key, "id": key.get(..12), "name": name }))?;
            } else {
                cx.console.result(&key);
                cx.console.note("shown this once; `pome login --token <key>` stores it on a machine");
            }
        }
        KeysCommand::List { team, place } => {
            let keys = with_books(place, Absent::Refuse, cx, async |books| books.keys(team.as_deref()).await)?;
            if cx.console.json {
                cx.console.document(&json!({ "version": 1, "keys": keys }))?;
            } else {
                for key in keys {
                    let state = if key.revoked_at.is_some() { "revoked" } else { "active" };
                    let used = key.last_used_at.map_or_else(|| "never".to_owned(), time::format);
                    cx.console.result(&format!(
                        "{}  {:8}  {:16}  made {}  used {used}  {}",
                        key.id,
                        state,
                        key.team,
                        time::format(key.created_at),
                        key.name
                    ));
                }
            }
        }
        KeysCommand::Revoke { id, place } => {
            let revoked = with_books(place, Absent::Refuse, cx, async |books| books.revoke_key(id).await)?;
            let id = id.get(..12).unwrap_or(id);
            cx.console.note(&if revoked { format!("revoked `{id}`") } else { format!("`{id}` was revoked before") });
        }
    }
    Ok(Exit::Passed)
}

fn teams(command: &TeamsCommand, cx: &Context) -> Result<Exit, Failure> {
    let teams = match command {
        TeamsCommand::Add { slug, plan, max_sessions, place } => {
            let made = async |books: Books| books.add_team(slug, plan, *max_sessions).await;
            vec![with_books(place, Absent::Make, cx, made)?]
        }
        TeamsCommand::List { place } => with_books(place, Absent::Refuse, cx, async |books| books.teams().await)?,
    };
    if cx.console.json {
        cx.console.document(&json!({ "version": 1, "teams": teams }))?;
    } else {
        for team in teams {
            let limit = team.max_sessions.map_or_else(|| "the server's".to_owned(), |limit| limit.to_string());
            cx.console.result(&format!("{}  {:16}  {}  sessions: {limit}", team.id, team.slug, team.plan_tier));
        }
    }
    Ok(Exit::Passed)
}

fn agents(command: &AgentsCommand, cx: &Context) -> Result<Exit, Failure> {
    let agents = match command {
        AgentsCommand::List { team, place } => {
            with_books(place, Absent::Refuse, cx, async |books| books.agents(team.as_deref()).await)?
        }
        AgentsCommand::Rename { slug, to, team, place } => {
            let renamed = async |books: Books| books.rename_agent(team.as_deref(), slug, to).await;
            vec![with_books(place, Absent::Refuse, cx, renamed)?]
        }
    };
    if cx.console.json {
        cx.console.document(&json!({ "version": 1, "agents": agents }))?;
    } else {
        for agent in agents {
            let former =
                if agent.former.is_empty() { String::new() } else { format!("  before: {}", agent.former.join(", ")) };
            cx.console
                .result(&format!("{}  {:16}  {:24}  {}{former}", agent.id, agent.team, agent.slug, agent.display_name));
        }
    }
    Ok(Exit::Passed)
}

fn start_failure(error: &ServeError) -> Failure {
    let failure = Failure::from_error(Exit::Orchestrator, error);
    match error {
        ServeError::Listen { source, .. } => failure.hint(match source.kind() {
            io::ErrorKind::AddrNotAvailable => {
                "`--listen` takes an address of this machine; `0.0.0.0` stands for all that it has"
            }
            io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege; `--listen 127.0.0.1:8787` does not",
            _ => "another port: `--listen 127.0.0.1:0` takes any that is free",
        }),
        ServeError::Store(_) => {
            failure.hint("the database is a file in `--data-dir`, or what `--database-url` or POME_DATABASE_URL names")
        }
        ServeError::Unreachable(_) => failure.hint("`--host-url http://10.0.0.7:8787` says where this one is"),
        ServeError::Folder { .. } => failure.hint("`--data-dir` names another folder"),
        ServeError::Taken { .. } => failure
            .hint("stop it, or name another folder with `--data-dir`; several servers share a PostgreSQL with `--database-url`"),
        ServeError::Blobs(BlobsError::Address { .. }) => Failure::from_error(Exit::Usage, error),
        ServeError::Blobs(BlobsError::Folder { .. }) | ServeError::Key(_) | ServeError::Hosting(_) => failure,
    }
}

fn key_failure(error: &KeyError) -> Failure {
    match error {
        KeyError::Database(_) | KeyError::Random(_) => Failure::from_error(Exit::Orchestrator, error),
        KeyError::NoTeam(_)
        | KeyError::NoKey(_)
        | KeyError::NoAgent(_)
        | KeyError::TeamExists(_)
        | KeyError::AgentExists(_)
        | KeyError::Slug(_)
        | KeyError::AgentSlug(_)
        | KeyError::Plan(_) => Failure::from_error(Exit::Usage, error),
    }
}
