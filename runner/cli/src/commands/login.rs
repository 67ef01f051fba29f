//! `pome login`: a key, from the browser or given, stored for later commands.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use pome_hosted::credentials::{self, Stored};
use pome_hosted::login::{self, Callback};
use pome_hosted::{Address, Client, SystemClock};
use pome_wire::control::{Exchange, Secret};
use pome_wire::{Exit, env, time};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::args;
use crate::context::{Context, runtime};
use crate::failure::Failure;
use crate::plane;

pub(crate) fn run(args: &args::Login, cx: &Context) -> Result<Exit, Failure> {
    let home = plane::home(cx)?;
    let api = plane::api(cx, None)?;
    let dashboard = plane::dashboard(cx, args.dashboard_url.as_deref(), None)?;
    let (key, team_id) = match &args.token {
        Some(token) => match token.trim() {
            "" => return Err(Failure::usage("`--token` is empty")),
            token if token.contains(char::is_control) => return Err(Failure::usage("`--token` is not an API key")),
            token => (Secret::new(token), None),
        },
        None => {
            let exchange = browser(args, &api, &dashboard, cx)?;
            (exchange.api_key.full_key, Some(exchange.team_id))
        }
    };
    let stored = Stored {
        api_key: key,
        api_url: Some(api.to_string()),
        dashboard_url: Some(dashboard.to_string()),
        team_id,
        created_at: Some(time::now()),
    };
    let path = credentials::store(&home, &stored)
        .map_err(|error| Failure::orchestrator("the credentials cannot be stored").because(&error))?;
    cx.console.say(&format!("signed in to {api}; the credentials are in `{}`", path.display()));
    if cx.environment.get(env::API_KEY).is_some() {
        cx.console.warn("`POME_API_KEY` is set and wins over the stored key");
    }
    cx.console.say("next: `pome run`, or `pome sessions list`");
    Ok(Exit::Passed)
}

/// A key by way of the browser. Nothing is stored unless everything went well.
fn browser(args: &args::Login, api: &Address, dashboard: &Address, cx: &Context) -> Result<Exchange, Failure> {
    if !(1..=80).contains(&args.key_name.trim().chars().count()) {
        return Err(Failure::usage("`--key-name` has 1 to 80 characters"));
    }
    let interrupted = Interrupted::watch()?;
    let callback = Callback::listen().map_err(|error| refused(&error))?;
    let url = callback.login_url(dashboard);
    cx.console.tell(&format!("sign in at {url}"));
    if !args.no_browser
        && let Err(error) = open(&url)
    {
        cx.console.note(&format!("no browser could be started ({error}); open the address yourself"));
    }
    let code = callback.wait(&SystemClock::new(), &interrupted.raised).map_err(|error| refused(&error))?;
    let client = Client::anonymous(api.clone()).observed(plane::observer(cx));
    let name = args.key_name.trim().to_owned();
    // On a thread of its own, so that Ctrl-C counts here, too.
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(client.exchange(&code, &name)));
    loop {
        match receiver.recv_timeout(Duration::from_millis(50)) {
            Ok(Ok(exchange)) => return Ok(exchange),
            // Of all commands this one has a 401 that is no question of credentials.
            Ok(Err(error)) => {
                return Err(Failure::from_error(Exit::Orchestrator, &error).hint("run `pome login` again"));
            }
            Err(RecvTimeoutError::Timeout) if interrupted.raised.load(Ordering::Relaxed) => {
                return Err(refused(&login::Error::Cancelled));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::orchestrator("the exchange of the code ended without an answer"));
            }
        }
    }
}

fn refused(error: &login::Error) -> Failure {
    let failure = Failure::from_error(Exit::Orchestrator, error).cause("nothing was changed");
    match error {
        login::Error::Listen(_) | login::Error::NoRandom(_) => {
            failure.hint("`pome login --token <api-key>` needs no browser")
        }
        login::Error::Refused(_) | login::Error::TimedOut | login::Error::Cancelled => {
            failure.hint("run `pome login` again, or `pome login --token <api-key>`")
        }
    }
}

/// Ctrl-C during the login, which ends it in order.
struct Interrupted {
    raised: Arc<AtomicBool>,
    /// Listens as long as it lives.
    _runtime: Runtime,
}

impl Interrupted {
    fn watch() -> Result<Self, Failure> {
        let runtime = runtime()?;
        let raised = Arc::new(AtomicBool::new(false));
        let inside = runtime.enter();
        let mut interrupts = signal(SignalKind::interrupt())
            .map_err(|error| Failure::orchestrator("Ctrl-C cannot be listened for").because(&error))?;
        let told = Arc::clone(&raised);
        runtime.spawn(async move {
            if interrupts.recv().await.is_some() {
                told.store(true, Ordering::Relaxed);
            }
        });
        drop(inside);
        Ok(Self { raised, _runtime: runtime })
    }
}

/// Shows the address in the person's browser.
fn open(url: &str) -> std::io::Result<()> {
    let mut command = if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(windows) {
        let mut command = Command::new("powershell");
        command.args(["-NoProfile", "-Command", "Start-Process", "-FilePath"]);
        command
    } else {
        Command::new("xdg-open")
    };
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(drop)
}
