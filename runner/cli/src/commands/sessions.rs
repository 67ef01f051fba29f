//! `pome sessions`: what is open at the control plane, and ending it.

mod create;

use pome_hosted::{Client, Ended};
use pome_wire::Exit;
use pome_wire::control::{SessionRow, SessionState, Ungraded};

use crate::args::{self, ListFormat, SessionsCommand};
use crate::context::Context;
use crate::failure::Failure;
use crate::plane::{self, failure};
use crate::render::{plain, table};

/// The most that one list may hold.
const LONGEST_LIST: u32 = 200;

pub(crate) fn run(args: &args::Sessions, cx: &Context) -> Result<Exit, Failure> {
    match &args.command {
        SessionsCommand::List { state, limit, tag, format } => list(*state, *limit, tag.as_deref(), *format, cx),
        SessionsCommand::Kill(which) => match &which.id {
            Some(id) => kill(&plane::connect(cx)?.client, id, cx).map(|()| Exit::Passed),
            None => kill_all(cx),
        },
        SessionsCommand::Stop { id, discard } => stop(id, *discard, cx),
        SessionsCommand::Create { twins, secrets_file, format } => {
            create::run(twins, secrets_file.as_deref(), *format, cx)
        }
    }
}

fn list(
    state: args::SessionState,
    limit: u32,
    tag: Option<&str>,
    format: ListFormat,
    cx: &Context,
) -> Result<Exit, Failure> {
    let account = plane::connect(cx)?;
    // The server does not filter, so a filtered list looks at as many as it can.
    let filtered = state != args::SessionState::All || tag.is_some();
    let asked = if filtered { LONGEST_LIST } else { limit };
    let mut rows = account.client.sessions(asked).map_err(|error| failure(&error))?;
    rows.retain(|row| matches(row, state) && tag.is_none_or(|tag| row.tags.iter().any(|own| own == tag)));
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    if cx.console.json || format == ListFormat::Json {
        cx.console.document(&rows)?;
    } else if rows.is_empty() {
        cx.console.note(match state {
            args::SessionState::Running if tag.is_none() => {
                "no session is active; `--state all` shows those that ended, too"
            }
            _ => "no such sessions",
        });
    } else {
        let head = ["ID", "STATE", "TWINS", "EXPIRES"].map(str::to_owned);
        let lines: Vec<[String; 4]> = std::iter::once(head).chain(rows.iter().map(line)).collect();
        cx.console.result(&table(&lines));
    }
    Ok(Exit::Passed)
}

fn matches(row: &SessionRow, wanted: args::SessionState) -> bool {
    match wanted {
        args::SessionState::Running => row.state.is_active(),
        args::SessionState::Ready => row.state == SessionState::Ready,
        args::SessionState::Done => row.state == SessionState::Done,
        args::SessionState::Expired => row.state == SessionState::Expired,
        args::SessionState::All => true,
    }
}

fn line(row: &SessionRow) -> [String; 4] {
    // Whether anything has been called yet is of no interest here.
    let state = if row.state == SessionState::Ready { SessionState::Running } else { row.state };
    [&*row.id, state.as_str(), &row.twins.join(","), &row.expires_at].map(|cell| plain(cell).into_owned())
}

fn kill(client: &Client, id: &str, cx: &Context) -> Result<(), Failure> {
    match client.end_session(id, true).map_err(|error| failure(&error))? {
        Ended::Closed => cx.console.say(&format!("{id}: ended")),
        Ended::AlreadyClosed => cx.console.say(&format!("{id}: had ended before")),
        Ended::Ungraded(_) => {
            return Err(Failure::orchestrator(format!("the session `{id}` was not ended"))
                .cause("nothing was graded in it, and the server does not accept that this is lost"));
        }
    }
    Ok(())
}

/// Ends every active session, whatever happens to the ones before.
fn kill_all(cx: &Context) -> Result<Exit, Failure> {
    let client = plane::connect(cx)?.client;
    let mut worst = Exit::Passed;
    let mut tried: Vec<String> = Vec::new();
    loop {
        let rows = client.sessions(LONGEST_LIST).map_err(|error| failure(&error))?;
        let full = rows.len() >= LONGEST_LIST as usize;
        let fresh: Vec<String> = rows
            .into_iter()
            .filter(|row| row.state.is_active() && !tried.contains(&row.id))
            .map(|row| row.id)
            .collect();
        for id in &fresh {
            if let Err(failure) = kill(&client, id, cx) {
                cx.console.fail_beside(&failure);
                worst = worst.worst(failure.exit);
            }
        }
        let done = fresh.is_empty() || !full;
        tried.extend(fresh);
        if done {
            break;
        }
    }
    if tried.is_empty() {
        cx.console.note("no session is active");
    }
    Ok(worst)
}

fn stop(id: &str, discard: bool, cx: &Context) -> Result<Exit, Failure> {
    let client = plane::connect(cx)?.client;
    match client.end_session(id, discard).map_err(|error| failure(&error))? {
        Ended::Closed => cx.console.say(&format!("{id}: ended")),
        Ended::AlreadyClosed => cx.console.say(&format!("{id}: had ended before")),
        Ended::Ungraded(details) => return Err(ungraded(id, &details, discard)),
    }
    Ok(Exit::Passed)
}

fn ungraded(id: &str, details: &Ungraded, discard: bool) -> Failure {
    let mut cause = "nothing was graded in it".to_owned();
    if let Some(state) = details.state {
        cause.push_str(&format!("; state {}", state.as_str()));
    }
    if let Some(task) = &details.task_name {
        cause.push_str(&format!("; scenario {task}"));
    }
    if let Some(seconds) = details.open_seconds {
        cause.push_str(&format!("; open for {seconds} seconds"));
    }
    let failure = Failure::orchestrator(format!("the session `{id}` was not ended")).cause(cause);
    if discard {
        failure.cause("the server does not accept that this is lost")
    } else {
        failure.hint(format!("`pome sessions stop {id} --discard` ends it all the same"))
    }
}
