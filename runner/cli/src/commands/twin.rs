//! `pome twin`: one twin on its own, in the foreground, and what can be done with it from another terminal.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pome_capture::EgressPolicy;
use pome_gateway::token::{self, Claims, Secret};
use pome_gateway::{BootSecret, Recorder, RecorderOptions, RuntimeInfo, Server, ServerConfig, StartError};
use pome_run::interrupt::Interrupt;
use pome_sandbox::{Component, Description, OpenError, VariableValue, WorldOptions};
use pome_scenario::is_path;
use pome_wire::{Exit, env, time};
use serde::{Deserialize, Serialize};

use crate::args::{self, TwinCommand};
use crate::context::{Context, runtime};
use crate::failure::Failure;
use crate::render::table;
use crate::{http, project, twins};

/// Session of a twin that is not part of a run.
const SESSION: &str = "standalone";
const BARE_PORT: u16 = 3000;
const TOKEN_HOURS: i64 = 24;
/// After this long with connections that do not end, the process ends anyway.
const LAST_CALL: Duration = Duration::from_secs(10);

pub(crate) fn run(args: &args::Twin, cx: &Context) -> Result<Exit, Failure> {
    match &args.command {
        None => {
            let name = match &args.twin {
                Some(name) => name.clone(),
                None => first_twin_of_the_project(cx)?.unwrap_or_else(|| twins::DEFAULT.to_owned()),
            };
            let port = Port::Fixed(args.port.unwrap_or(BARE_PORT));
            serve(&name, port, args.host.as_deref(), args.seed.as_deref(), cx)
        }
        Some(TwinCommand::Start { twin, port, seed, host }) => {
            let port = port.map_or(Port::OfTheTwin, Port::Fixed);
            serve(twin, port, host.as_deref(), seed.as_deref(), cx)
        }
        Some(TwinCommand::Reset { name, port, boot_seed }) => reset(name.as_deref(), *port, *boot_seed, cx),
        Some(TwinCommand::Status) => status(cx),
        Some(TwinCommand::List) => list(cx),
    }
}

/// As the project names it; the path of a component from where it is meant.
fn first_twin_of_the_project(cx: &Context) -> Result<Option<String>, Failure> {
    let Some(found) = project::find(&cx.cwd, &cx.console)? else { return Ok(None) };
    let Some(first) = found.project.twins.as_deref().and_then(<[String]>::first) else { return Ok(None) };
    if !is_path(first) {
        return Ok(Some(first.clone()));
    }
    let path = found.resolve(first).into_os_string().into_string();
    path.map(Some).map_err(|path| Failure::usage(format!("the path `{}` is not UTF-8", path.display())))
}

#[derive(Debug, Clone, Copy)]
enum Port {
    Fixed(u16),
    /// `PORT`, the twin's own variable, the twin's default.
    OfTheTwin,
}

/// What a running twin tells other terminals, in `.pome/twin-status.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Status {
    name: String,
    url: String,
    rest_url: String,
    mcp_url: String,
    auth_token: String,
    // Files of older programs end here.
    pid: Option<u32>,
    port: Option<u16>,
    started_at: Option<String>,
}

fn serve(name: &str, port: Port, host: Option<&str>, seed: Option<&Path>, cx: &Context) -> Result<Exit, Failure> {
    let component = twins::component(&twins::engine()?, name, cx)?;
    let plan = Boot::plan(&component, port, host, seed, cx)?;
    let runtime = runtime()?;
    let exit = runtime.block_on(listen(component, plan, cx));
    runtime.shutdown_background();
    exit
}

/// Everything that is decided before the twin starts.
struct Boot {
    address: SocketAddr,
    world: WorldOptions,
    recorder: RecorderOptions,
    secret: Secret,
    /// Lines about the secret for standard output and standard error.
    announce: Option<String>,
    reused: Option<PathBuf>,
    admin_token: Option<String>,
    runtime: RuntimeInfo,
}

impl Boot {
    fn plan(
        component: &Component,
        port: Port,
        host: Option<&str>,
        seed: Option<&Path>,
        cx: &Context,
    ) -> Result<Self, Failure> {
        let description = component.description();
        let host = host_of(description, host, cx);
        let port = match port {
            Port::Fixed(port) => port,
            Port::OfTheTwin => port_of(description, cx)?,
        };
        let (secret, announce, reused) = secret_of(description, &host, cx)?;
        Ok(Self {
            address: address(&host, port)?,
            world: WorldOptions { seed: seed_of(description, seed, cx)?, clock: clock(cx)?, ..WorldOptions::default() },
            recorder: RecorderOptions {
                path: cx.environment.get("POME_RECORDER_EVENTS_PATH").map(|path| cx.cwd.join(path)),
                run_id: cx.environment.get(env::RUN_ID).unwrap_or("spawn").to_owned(),
                ..RecorderOptions::default()
            },
            secret,
            announce,
            reused,
            admin_token: cx.environment.get(env::TWIN_ADMIN_TOKEN).map(str::to_owned),
            runtime: runtime_info(cx),
        })
    }
}

async fn listen(component: Component, boot: Boot, cx: &Context) -> Result<Exit, Failure> {
    let description = component.description().clone();
    let interrupt =
        Interrupt::install().map_err(|error| Failure::orchestrator("signals cannot be received").because(&error))?;
    let recorder = Recorder::create(boot.recorder).map_err(|error| Failure::from_error(Exit::Orchestrator, &error))?;
    let auth_token = mint(&boot.secret, &description)?;
    let policy = EgressPolicy::named(cx.environment.get(env::EGRESS_ALLOW));
    let server = Server::start(ServerConfig {
        addr: boot.address,
        world: boot.world,
        admin_token: boot.admin_token,
        runtime: boot.runtime,
        reach: Some(Arc::new(move |host| policy.allows_host(host))),
        ..ServerConfig::new(component, recorder, boot.secret)
    })
    .await
    .map_err(|error| start_failure(&error, &description.id, boot.address))?;

    let status = Status {
        name: description.id.clone(),
        url: format!("http://{}", server.address()),
        rest_url: server.rest_url(SESSION),
        mcp_url: server.mcp_url(SESSION),
        auth_token,
        pid: Some(std::process::id()),
        port: Some(server.address().port()),
        started_at: Some(time::now()),
    };
    let file = StatusFile::write(&cx.cwd, &status)?;
    if let Some(secret) = &boot.announce {
        cx.console.result(&format!("New token secret, printed this once: {secret}"));
    }
    if let Some(path) = &boot.reused {
        cx.console.note(&format!("the token secret comes from `{}`", cx.relative(path).display()));
    }
    cx.console.result(&greeting(&description, &status));

    interrupt.wait().await;
    cx.console.detail("stopping");
    if tokio::time::timeout(LAST_CALL, server.stop()).await.is_err() {
        cx.console.warn("some connections did not end and were cut");
    }
    drop(file);
    Ok(Exit::Passed)
}

/// What a person and a script need to use the twin, one setting per line.
fn greeting(description: &Description, status: &Status) -> String {
    let mut lines = vec![
        format!("Pome {} twin listening at {}", description.id, status.rest_url),
        format!("{}={}", env::rest_url(&description.id), status.rest_url),
        format!("{}={}", env::mcp_url(&description.id), status.mcp_url),
        format!("{}={}", env::AUTH_TOKEN, status.auth_token),
    ];
    for variable in &description.variables {
        let value = match variable.value {
            VariableValue::SessionToken => &status.auth_token,
            VariableValue::RestUrl => &status.rest_url,
            VariableValue::McpUrl => &status.mcp_url,
        };
        let line = format!("{}={value}", variable.name);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.push(format!("Health check (no auth): curl {}/healthz", status.url));
    lines.push("Ctrl-C to stop.".to_owned());
    lines.join("\n")
}

fn mint(secret: &Secret, description: &Description) -> Result<String, Failure> {
    let exp = u64::try_from(time::now_millis() / 1000 + TOKEN_HOURS * 3600).ok();
    let claims = Claims {
        sid: SESSION.to_owned(),
        team_id: "tm_local".to_owned(),
        exp,
        iat: None,
        extra: description.tokens.claims.clone(),
    };
    token::mint(secret, &claims).map_err(|error| {
        Failure::from_error(Exit::Orchestrator, &error).hint(format!("set `{}`", env::TWIN_AUTH_SECRET))
    })
}

/// `<TWIN>_<middle>_<end>` for both spellings of the middle that programs use.
fn twin_variable<'a>(description: &Description, end: &str, cx: &'a Context) -> Option<&'a str> {
    let twin = description.id.to_ascii_uppercase().replace(|character: char| !character.is_ascii_alphanumeric(), "_");
    ["CLONE", "TWIN"].iter().find_map(|middle| cx.environment.get(&format!("{twin}_{middle}_{end}")))
}

fn host_of(description: &Description, flag: Option<&str>, cx: &Context) -> String {
    flag.or_else(|| twin_variable(description, "HOST", cx)).unwrap_or("127.0.0.1").to_owned()
}

fn port_of(description: &Description, cx: &Context) -> Result<u16, Failure> {
    let Some(text) = cx.environment.get(env::PORT).or_else(|| twin_variable(description, "PORT", cx)) else {
        return Ok(description.default_port);
    };
    match text.trim().parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(Failure::usage(format!("the port `{text}` from the environment is not a port from 1 to 65535"))),
    }
}

fn address(host: &str, port: u16) -> Result<SocketAddr, Failure> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let failed = || Failure::usage(format!("`{host}` is not an address to listen on"));
    (bare, port).to_socket_addrs().map_err(|error| failed().because(&error))?.next().ok_or_else(failed)
}

/// The secret, and what to say about it: printed when it is new, named when it was found on disk.
fn secret_of(
    description: &Description,
    host: &str,
    cx: &Context,
) -> Result<(Secret, Option<String>, Option<PathBuf>), Failure> {
    let folder = match cx.environment.get(env::TWIN_DATA_DIR) {
        Some(folder) => cx.cwd.join(folder),
        None => cx.cwd.join(".pome-data").join(&description.id),
    };
    let stored = fs::read_to_string(folder.join("secret")).is_ok_and(|text| !text.trim().is_empty());
    let resolved = BootSecret {
        // A secret that is there is used whoever can reach the twin.
        host: if stored { "persisted" } else { host },
        given: cx.environment.get(env::TWIN_AUTH_SECRET),
        folder: &folder,
        production: cx.environment.get("NODE_ENV") == Some("production"),
    }
    .resolve()
    .map_err(|error| Failure::from_error(Exit::Orchestrator, &error))?;
    Ok((resolved.secret, resolved.announce, resolved.reused))
}

/// `--seed`, else `POME_SEED_JSON`, else the seed that `POME_SEED_NAME` names, else the default seed.
fn seed_of(description: &Description, flag: Option<&Path>, cx: &Context) -> Result<Option<Vec<u8>>, Failure> {
    if let Some(path) = flag {
        let failed = || Failure::usage(format!("no seed at `{}`", path.display()));
        let bytes = fs::read(cx.cwd.join(path)).map_err(|error| failed().because(&error))?;
        return check_json(bytes, &format!("the seed `{}`", path.display())).map(Some);
    }
    if let Some(text) = cx.environment.get("POME_SEED_JSON") {
        return check_json(text.as_bytes().to_vec(), "the seed in `POME_SEED_JSON`").map(Some);
    }
    let unseeded = twin_variable(description, "NO_SEED", cx) == Some("1");
    let name = cx.environment.get("POME_SEED_NAME").or(unseeded.then_some("empty"));
    let Some(name) = name else { return Ok(None) };
    let seed = description.seeds.iter().find(|seed| seed.name == name).ok_or_else(|| {
        let known: Vec<&str> = description.seeds.iter().map(|seed| seed.name.as_str()).collect();
        Failure::usage(format!("the {} twin has no seed `{name}`", description.id))
            .hint(format!("it has `{}`", known.join("`, `")))
    })?;
    Ok(Some(seed.json.clone()))
}

fn check_json(bytes: Vec<u8>, what: &str) -> Result<Vec<u8>, Failure> {
    let parsed: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_slice(&bytes);
    match parsed {
        Ok(_) => Ok(bytes),
        // The twin would not start with it, which is what the caller has to know.
        Err(error) => Err(Failure::orchestrator(format!("{what} is not a JSON object")).because(&error)),
    }
}

fn clock(cx: &Context) -> Result<Option<u64>, Failure> {
    let Some(text) = cx.environment.get("POME_CLOCK") else { return Ok(None) };
    match time::parse(text).and_then(|millis| u64::try_from(millis).ok()) {
        Some(millis) => Ok(Some(millis)),
        None => Err(Failure::usage(format!("`POME_CLOCK` is `{text}`, expected a time like `2026-01-01T00:00:00Z`"))),
    }
}

fn runtime_info(cx: &Context) -> RuntimeInfo {
    let mut info = RuntimeInfo::default();
    let mut take = |field: fn(&mut RuntimeInfo) -> &mut String, names: &[&str]| {
        if let Some(value) = names.iter().find_map(|name| cx.environment.get(name)) {
            value.clone_into(field(&mut info));
        }
    };
    take(|info| &mut info.version, &["POME_TWIN_VERSION"]);
    take(|info| &mut info.git_sha, &["POME_TWIN_GIT_SHA", "VERCEL_GIT_COMMIT_SHA"]);
    take(|info| &mut info.build_time, &["POME_TWIN_BUILD_TIME"]);
    info
}

fn start_failure(error: &StartError, twin: &str, address: SocketAddr) -> Failure {
    let failure = Failure::from_error(Exit::Orchestrator, error);
    match error {
        StartError::Bind { .. } => {
            failure.hint(format!("another program may use port {}; choose one with `--port`", address.port()))
        }
        StartError::World { source: OpenError::SeedRefused { .. }, .. } | StartError::Seed { .. } => {
            failure.hint(format!("`pome endpoints {twin}` and its README say what a seed may hold"))
        }
        _ => failure,
    }
}

/// The status file, removed when the twin stops.
struct StatusFile(PathBuf);

impl StatusFile {
    fn path(cwd: &Path) -> PathBuf {
        cwd.join(".pome").join("twin-status.json")
    }

    fn write(cwd: &Path, status: &Status) -> Result<Self, Failure> {
        let path = Self::path(cwd);
        let failed = |error: &dyn std::error::Error| {
            Failure::orchestrator(format!("cannot write `{}`", path.display())).because(error)
        };
        let mut text = serde_json::to_string_pretty(status).map_err(|error| failed(&error))?;
        text.push('\n');
        let folder = path.parent().unwrap_or(cwd);
        fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        // A new file with the right mode takes the place of an old one, so the token is never in a file that others can read.
        let fresh = folder.join(format!(".twin-status.{}.tmp", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let written = options
            .open(&fresh)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| fs::rename(&fresh, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&fresh);
            return Err(failed(&error));
        }
        Ok(Self(path))
    }

    fn read(cwd: &Path) -> Option<Status> {
        serde_json::from_slice(&fs::read(Self::path(cwd)).ok()?).ok()
    }
}

impl Drop for StatusFile {
    fn drop(&mut self) {
        // Another twin may have been started here meanwhile; its file stays.
        let ours = fs::read(&self.0)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Status>(&bytes).ok())
            .is_some_and(|status| status.pid == Some(std::process::id()));
        if ours {
            let _ = fs::remove_file(&self.0);
        }
    }
}

fn reset(name: Option<&str>, port: Option<u16>, boot_seed: bool, cx: &Context) -> Result<Exit, Failure> {
    let status = StatusFile::read(&cx.cwd);
    if let (Some(name), None, Some(status)) = (name, port, &status)
        && status.name != name
    {
        return Err(Failure::usage(format!("the running twin is `{}`, not `{name}`", status.name))
            .hint("name the port of the other one with `--port`"));
    }
    let base = match (port, &status) {
        (Some(port), _) => Some(format!("http://127.0.0.1:{port}")),
        (None, Some(status)) => Some(status.url.trim_end_matches('/').to_owned()),
        (None, None) => None,
    };
    let name = name.or(status.as_ref().map(|status| status.name.as_str())).unwrap_or(twins::DEFAULT);
    let Some(base) = base else { return forget(name, cx) };
    let url = if boot_seed { format!("{base}/admin/reset") } else { format!("{base}/admin/reset?seed=default") };
    let token = cx.environment.get(env::TWIN_ADMIN_TOKEN);
    let headers: Vec<(&str, &str)> = token.map(|token| ("X-Admin-Token", token)).into_iter().collect();
    cx.console.detail(&format!("POST {url}"));
    match http::call("POST", &url, &headers) {
        Ok(answer) if (200..300).contains(&answer.status) => {
            cx.console.result(&format!("Standalone {name} twin state reset."));
            Ok(Exit::Passed)
        }
        Ok(answer) if matches!(answer.status, 401 | 403) => {
            Err(Failure::auth(format!("the twin at {base} refused the reset ({})", answer.status))
                .hint(format!("set `{}` to the value that the twin was started with", env::TWIN_ADMIN_TOKEN)))
        }
        Ok(answer) => Err(Failure::orchestrator(format!("the twin at {base} answered {} to the reset", answer.status))
            .cause(answer.body.chars().take(200).collect::<String>())),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => match port {
            Some(_) => Err(Failure::orchestrator(format!("nothing answers at {base}")).because(&error)),
            None => forget(name, cx),
        },
        Err(error) => Err(Failure::orchestrator(format!("the twin at {base} does not answer")).because(&error)),
    }
}

/// Nothing is running: what an earlier twin left behind goes away, its secret stays.
fn forget(name: &str, cx: &Context) -> Result<Exit, Failure> {
    if !name.chars().all(|character| character.is_ascii_alphanumeric() || "_-".contains(character)) {
        return Err(Failure::usage(format!("`{name}` is not the name of a twin")));
    }
    let mut removed = Vec::new();
    for folder in [cx.cwd.join(".pome"), cx.cwd.join(".pome-data").join(name)] {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(&format!("{name}.db"))
                && fs::remove_file(entry.path()).is_ok()
            {
                removed.push(entry.path());
            }
        }
    }
    let status = StatusFile::path(&cx.cwd);
    if fs::remove_file(&status).is_ok() {
        removed.push(status);
    }
    removed.sort();
    for path in removed {
        cx.console.result(&format!("removed {}", cx.relative(&path).display()));
    }
    cx.console.result(&format!("No standalone {name} twin was running."));
    Ok(Exit::Passed)
}

#[derive(Debug, Serialize)]
struct StatusReport {
    version: u32,
    running: bool,
    twin: Option<Status>,
}

fn status(cx: &Context) -> Result<Exit, Failure> {
    let Some(status) = StatusFile::read(&cx.cwd) else {
        if cx.console.json {
            cx.console.document(&StatusReport { version: 1, running: false, twin: None })?;
        } else {
            cx.console.result("No standalone twin status found.");
        }
        return Ok(Exit::Passed);
    };
    let health = http::call("GET", &format!("{}/healthz", status.url.trim_end_matches('/')), &[]);
    let running = health.as_ref().is_ok_and(|answer| answer.status == 200);
    if cx.console.json {
        cx.console.document(&StatusReport { version: 1, running, twin: Some(status) })?;
        return Ok(Exit::Passed);
    }
    let answers = match &health {
        Ok(answer) if answer.status == 200 => "yes".to_owned(),
        Ok(answer) => format!("with {}", answer.status),
        Err(error) => format!("no ({error})"),
    };
    let mut rows = vec![
        ["twin", &status.name].map(str::to_owned),
        ["rest", &status.rest_url].map(str::to_owned),
        ["mcp", &status.mcp_url].map(str::to_owned),
        ["token", &status.auth_token].map(str::to_owned),
    ];
    if let Some(pid) = status.pid {
        rows.push(["pid".to_owned(), pid.to_string()]);
    }
    if let Some(started) = status.started_at {
        rows.push(["started".to_owned(), started]);
    }
    rows.push(["answers".to_owned(), answers]);
    cx.console.result(&table(&rows));
    Ok(Exit::Passed)
}

#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    title: String,
    version: String,
    default_port: u16,
    routes: usize,
    tools: usize,
    checks: usize,
}

#[derive(Debug, Serialize)]
struct Listing {
    version: u32,
    twins: Vec<Listed>,
}

fn list(cx: &Context) -> Result<Exit, Failure> {
    let engine = twins::engine()?;
    let mut listing = Listing { version: 1, twins: Vec::new() };
    for name in engine.embedded_names() {
        let component = twins::embedded(&engine, name)?;
        let description = component.description();
        listing.twins.push(Listed {
            name: description.id.clone(),
            title: description.title.clone(),
            version: description.version.clone(),
            default_port: description.default_port,
            routes: description.routes.len(),
            tools: description.tools.len(),
            checks: description.checks.len(),
        });
    }
    if cx.console.json {
        cx.console.document(&listing)?;
        return Ok(Exit::Passed);
    }
    let mut rows = vec![["NAME", "TITLE", "VERSION", "PORT", "ROUTES", "TOOLS", "CHECKS"].map(str::to_owned)];
    for twin in listing.twins {
        rows.push([
            twin.name,
            twin.title,
            twin.version,
            twin.default_port.to_string(),
            twin.routes.to_string(),
            twin.tools.to_string(),
            twin.checks.to_string(),
        ]);
    }
    cx.console.result(&table(&rows));
    Ok(Exit::Passed)
}
