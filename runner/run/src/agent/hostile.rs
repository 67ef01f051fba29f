//! Agents that do not want to end, and supervisors and runners that end too early.
//!
//! Processes are recognised by a marker in their command line, so that a test sees what it started and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Ended, Error, How, Start, run};
use crate::interrupt::{Cause, Interrupt};

/// Not a test of its own: the supervisor of the other tests. They start this test binary with arguments behind `--`.
#[test]
fn supervisor_entry() {
    let agent: Vec<String> = std::env::args().skip_while(|argument| argument != "--").skip(1).collect();
    if !agent.is_empty() {
        let _ = crate::supervisor::main(&agent);
    }
}

fn supervisor() -> Vec<String> {
    let program = std::env::current_exe().expect("this program").display().to_string();
    let arguments = ["agent::hostile::supervisor_entry", "--exact", "--nocapture", "--test-threads=1", "--"];
    std::iter::once(program).chain(arguments.map(str::to_owned)).collect()
}

async fn shell(script: &str, limit: Duration, interrupt: &Interrupt) -> Result<Ended, Error> {
    let argv = ["sh".to_owned(), "-c".to_owned(), script.to_owned()];
    start(&argv, limit, interrupt).await
}

async fn start(argv: &[String], limit: Duration, interrupt: &Interrupt) -> Result<Ended, Error> {
    let path = std::env::var("PATH").expect("a search path");
    let environment = BTreeMap::from([("PATH".to_owned(), path)]);
    run(&Start { supervisor: &supervisor(), argv, environment: &environment, limit, confined: None }, interrupt).await
}

fn calm() -> Interrupt {
    Interrupt::manual().1
}

/// A number of seconds that no other process sleeps.
fn marker() -> String {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).expect("random");
    format!("1{:010}", u32::from_le_bytes(bytes))
}

/// Processes with the marker as a word of their command line.
fn alive(marker: &str) -> Vec<i32> {
    let pids = fs::read_dir("/proc").expect("/proc").flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        command.split(|&byte| byte == 0).any(|word| word == marker.as_bytes())
    })
    .collect()
}

async fn until<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_secs(2);

#[tokio::test]
async fn an_agent_that_exits_is_reported_with_what_it_printed() {
    let ended = shell("echo out; echo err >&2; exit 7", LONG, &calm()).await.expect("started");
    assert_eq!((ended.how, ended.warning), (How::Exited(7), None));
    assert_eq!((ended.stdout.as_slice(), ended.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
    let ended = shell("kill -9 $$", LONG, &calm()).await.expect("started");
    assert_eq!(ended.how, How::Signaled(9));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_not_started() {
    let error = start(&["/nowhere/agent".to_owned()], LONG, &calm()).await.expect_err("no such program");
    assert_eq!(error.to_string(), "cannot start agent `/nowhere/agent`: No such file or directory (os error 2)");
}

#[tokio::test]
async fn an_agent_has_no_input_and_its_arguments_arrive_as_they_are() {
    let argv = ["sh", "-c", "cat; printf '%s|' \"$@\"", "sh", "a b", "", "--", "-x"].map(str::to_owned);
    let ended = start(&argv, LONG, &calm()).await.expect("started");
    assert_eq!(ended.stdout, b"a b||--|-x|");
}

#[tokio::test]
async fn an_agent_that_ignores_sigterm_is_gone_after_its_time() {
    let marker = marker();
    let script = format!("trap '' TERM; sleep {marker} & sleep {marker}; sleep {marker}");
    let began = Instant::now();
    let ended = shell(&script, SHORT, &calm()).await.expect("started");
    assert_eq!((ended.how, ended.warning), (How::TimedOut, None));
    assert!(began.elapsed() < SHORT + Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(alive(&marker), Vec::<i32>::new());
}

#[tokio::test]
async fn an_agent_that_ends_on_sigterm_may_say_goodbye() {
    let ended =
        shell("trap 'echo bye; exit 3' TERM; while :; do sleep 0.05; done", SHORT, &calm()).await.expect("started");
    assert_eq!((ended.how, ended.stdout.as_slice()), (How::TimedOut, &b"bye\n"[..]));
}

#[tokio::test]
async fn processes_that_left_the_group_are_gone_as_well() {
    let marker = marker();
    let script = format!(
        "setsid sh -c 'trap \"\" TERM HUP; setsid sleep {marker} & sleep {marker}' </dev/null >/dev/null 2>&1 & echo ready"
    );
    let ended = shell(&script, LONG, &calm()).await.expect("started");
    assert_eq!((ended.how, ended.warning), (How::Exited(0), None));
    assert_eq!(alive(&marker), Vec::<i32>::new());
}

#[tokio::test]
async fn a_process_that_keeps_the_pipes_is_waited_for_two_seconds() {
    let marker = marker();
    let began = Instant::now();
    let ended = shell(&format!("setsid sleep {marker} & echo done"), LONG, &calm()).await.expect("started");
    assert_eq!((ended.how, ended.stdout.as_slice()), (How::Exited(0), &b"done\n"[..]));
    assert!((2..5).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!(alive(&marker), Vec::<i32>::new());
}

#[tokio::test]
async fn a_process_that_gave_up_the_pipes_is_not_waited_for() {
    let marker = marker();
    let began = Instant::now();
    shell(&format!("sleep {marker} >/dev/null 2>&1 &"), LONG, &calm()).await.expect("started");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(alive(&marker), Vec::<i32>::new());
}

#[tokio::test]
async fn a_tree_that_keeps_forking_is_gone() {
    let marker = marker();
    // Every process starts the next one in a session of its own and ends; forty of them sleep on the way.
    let script = format!(
        r#"spawn() {{ for i in 1 2 3 4 5 6 7 8 9 10; do setsid sleep {marker} & done; }}; for j in 1 2 3 4; do (spawn) & done; while :; do (setsid sleep {marker} &) ; done"#
    );
    let ended = shell(&script, SHORT, &calm()).await.expect("started");
    assert_eq!((ended.how, ended.warning), (How::TimedOut, None));
    assert_eq!(alive(&marker), Vec::<i32>::new());
}

#[tokio::test]
async fn a_gibibyte_of_output_is_bounded() {
    let script = "echo first; head -c 1073741824 /dev/zero; echo; echo last";
    let ended = shell(script, Duration::from_secs(300), &calm()).await.expect("started");
    assert_eq!(ended.how, How::Exited(0));
    assert!(ended.stdout.len() <= (16 << 20) + 100, "{}", ended.stdout.len());
    assert!(ended.stdout.starts_with(b"first\n") && ended.stdout.ends_with(b"\nlast\n"));
}

#[tokio::test]
async fn an_interrupt_ends_the_agent() {
    let marker = marker();
    let (raise, interrupt) = Interrupt::manual();
    let script = format!("setsid sleep {marker} & sleep {marker}");
    let (ended, ()) = tokio::join!(shell(&script, LONG, &interrupt), async {
        until("the start of the agent", || (alive(&marker).len() == 2).then_some(())).await;
        raise.send(Some(Cause::Terminate)).expect("somebody waits");
    });
    assert_eq!(ended.expect("started").how, How::Interrupted(Cause::Terminate));
    assert_eq!(alive(&marker), Vec::<i32>::new());
}

#[tokio::test]
async fn nothing_is_left_when_the_runner_is_gone() {
    let marker = marker();
    let (_raise, interrupt) = Interrupt::manual();
    let script = format!("trap '' TERM; setsid sleep {marker} & sleep {marker}");
    tokio::select! {
        _ = shell(&script, LONG, &interrupt) => panic!("the agent ended by itself"),
        () = until("the start of the agent", || (alive(&marker).len() == 2).then_some(())) => {}
    }
    // Dropping the future closes the socket, as the end of the process would.
    until("the end of the agent", || alive(&marker).is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_killed_supervisor_takes_the_agent_with_it() {
    let marker = marker();
    let folder = tempfile::tempdir().expect("a folder");
    let pid = folder.path().join("supervisor");
    // The supervisor reports the start before it is killed.
    let script = format!("sleep 0.3; echo $PPID > {}; exec sleep {marker}", pid.display());
    let (_raise, interrupt) = Interrupt::manual();
    let (ended, ()) = tokio::join!(shell(&script, LONG, &interrupt), async {
        let supervisor = until("the start of the agent", || pid_in(&pid)).await;
        kill_process(supervisor, Signal::KILL).expect("the supervisor lives");
    });
    let ended = ended.expect("started");
    assert_eq!(ended.how, How::Signaled(9));
    assert!(ended.warning.is_some_and(|warning| warning.contains("supervisor of the agent was killed")));
    until("the end of the agent", || alive(&marker).is_empty().then_some(())).await;
}

fn pid_in(file: &Path) -> Option<Pid> {
    let text = fs::read_to_string(file).ok().filter(|text| text.ends_with('\n'))?;
    Pid::from_raw(text.trim().parse().ok()?)
}
