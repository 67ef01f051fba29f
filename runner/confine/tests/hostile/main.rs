//! Agents that want out. Each attempt is made without confinement first, where it has to succeed, and then in each form.
//!
//! The program starts itself again: as a stage of the confinement, as a small supervisor, and as the agent that makes an attempt. As
//! root it runs all of that once more as an ordinary user.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unnecessary_wraps,
    reason = "tests, in a program with a `main` of its own"
)]

mod attempts;
mod confined;
mod outside;

use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use pome_confine::{Called, Form};

use crate::attempts::{ATTEMPTS, Attempt};
use crate::confined::{Kind, run};
use crate::outside::Outside;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Ok(Some(called)) = Called::read(&words) {
        return confined::stage(called);
    }
    if let [word, attempt, arguments @ ..] = words.as_slice()
        && word == attempts::WORD
    {
        return attempts::make(attempt, arguments);
    }
    let mut trials = Vec::new();
    let allowed: Vec<(Kind, u32)> = Kind::ALL.into_iter().filter_map(|kind| Some((kind, allowed(kind)?))).collect();
    for attempt in ATTEMPTS {
        for &(kind, version) in &allowed {
            let name = format!("{}::{}", kind.name(), attempt.name);
            trials.push(Trial::test(name, move || attempt_is_stopped(attempt, kind, version)));
        }
    }
    for &(kind, _) in &allowed {
        let name = |what: &str| format!("{}::{what}", kind.name());
        trials.push(Trial::test(name("a_told_port_is_reached"), move || a_told_port_is_reached(kind)));
        trials.push(Trial::test(name("work_can_be_done"), move || work_can_be_done(kind)));
        trials.push(Trial::test(name("what_is_hidden_cannot_be_read"), move || hidden(kind)));
        trials.push(Trial::test(name("a_program_that_is_not_there_is_named"), move || not_there(kind)));
        trials.push(Trial::test(name("what_holds_is_reported"), move || reported(kind)));
    }
    if allowed.iter().any(|(kind, _)| *kind == Kind::Namespaces) {
        trials.push(Trial::test("namespaces::nothing_outlives_the_agent", nothing_outlives_the_agent));
    }
    let arguments = Arguments::from_args();
    if rustix::process::geteuid().is_root() {
        let filter: Vec<String> = arguments.filter.iter().cloned().collect();
        trials.push(Trial::test("all_of_it_again_as_an_ordinary_user", move || again_as_nobody(&filter)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

type Tested = Result<(), Failed>;

/// The version of Landlock in a form that this machine allows. Where it does not, its tests are not run.
fn allowed(kind: Kind) -> Option<u32> {
    match run(kind, &Outside::new(), &["true".to_owned()]) {
        Ok(ended) => Some(ended.enforced.files.strip_prefix("landlock-").and_then(|it| it.parse().ok()).unwrap_or(0)),
        Err(refused) => {
            eprintln!("NOT RUN: this machine does not allow the form `{}`: {refused}", kind.name());
            None
        }
    }
}

fn attempt_is_stopped(attempt: &Attempt, kind: Kind, version: u32) -> Tested {
    if kind == Kind::Landlock && version < attempt.landlock {
        println!(
            "NOT RUN: {} is stopped by version {} of Landlock, and this is {version}",
            attempt.name, attempt.landlock
        );
        return Ok(());
    }
    if let Some(missing) = (attempt.needs)() {
        println!("NOT RUN: {} needs {missing}", attempt.name);
        return Ok(());
    }
    let outside = Outside::new();
    let words = attempts::words(attempt, &outside);
    let free = Command::new(&words[0]).args(&words[1..]).current_dir(outside.work()).stdin(Stdio::null()).output()?;
    if !free.status.success() {
        let said = String::from_utf8_lossy(&free.stderr).into_owned();
        return Err(format!("without confinement it must succeed, so that the test can fail: {said}").into());
    }
    let outside = Outside::new();
    let before = outside.contents();
    let words = attempts::words(attempt, &outside);
    let ended = run(kind, &outside, &words).expect("confined");
    let learnt = attempt.name == "path_socket" && kind == Kind::Landlock && version >= 9;
    let stopped = attempt.stopped_in.contains(&kind) || learnt;
    assert_eq!(ended.code, Some(i32::from(stopped)), "{}{}", ended.stdout, ended.stderr);
    if stopped {
        assert_eq!(outside.contents(), before);
        assert!(outside.victim_lives());
    }
    Ok(())
}

fn shell(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(str::to_owned).to_vec()
}

fn a_told_port_is_reached(kind: Kind) -> Tested {
    let outside = Outside::new();
    let words = attempts::reach(outside.told());
    let ended = run(kind, &outside, &words).expect("confined");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "hello\n"), "{}", ended.stderr);
    Ok(())
}

fn work_can_be_done(kind: Kind) -> Tested {
    let outside = Outside::new();
    let script = "set -e; echo one > a; mkdir d; mv a d/b; ln d/b d/c; ln -s c d/l; echo two >> d/l; : > a; rm a; \
                  echo $TMPDIR > /dev/null; cp d/b \"$TMPDIR/x\"; mv \"$TMPDIR/x\" e; cat d/b; test -r /etc/passwd; \
                  (exit 3) || echo child; head -c 4 /dev/urandom | wc -c";
    let ended = run(kind, &outside, &shell(script)).expect("confined");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "one\ntwo\nchild\n4\n"), "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(outside.work().join("d/c"))?, "one\ntwo\n");
    Ok(())
}

fn hidden(kind: Kind) -> Tested {
    let outside = Outside::new();
    let script = format!("cat {0}/folder/key; cat {0}/file; cat {0}/shown", outside.secrets().display());
    let free = Command::new("sh").args(["-c", &script]).output()?;
    assert_eq!(String::from_utf8_lossy(&free.stdout), "secret\nsecret\nshown\n");
    let ended = run(kind, &outside, &shell(&script)).expect("confined");
    assert_eq!(ended.stdout, "shown\n", "{}", ended.stderr);
    Ok(())
}

fn not_there(kind: Kind) -> Tested {
    let outside = Outside::new();
    let error = run(kind, &outside, &["/nowhere/agent".to_owned()]).expect_err("no such program");
    assert_eq!(error, "cannot No such file or directory (os error 2)");
    Ok(())
}

fn reported(kind: Kind) -> Tested {
    let outside = Outside::new();
    let ended = run(
        kind,
        &outside,
        &shell("grep -E '^(NoNewPrivs|Seccomp|CapEff|CapBnd):' /proc/self/status; ls /proc/self/fd | wc -l; tty"),
    )
    .expect("confined");
    let enforced = ended.enforced;
    assert_eq!(enforced.form, if kind == Kind::Landlock { Form::Landlock } else { Form::Namespaces });
    assert_eq!(enforced.network, if kind == Kind::Landlock { "tcp" } else { "isolated" });
    assert_eq!(enforced.files == "mounts", kind == Kind::Mounts, "{}", enforced.files);
    assert_eq!(enforced.calls, "seccomp");
    let lines: Vec<String> =
        ended.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(lines.first().map(String::as_str), Some("CapEff: 0000000000000000"));
    if kind != Kind::Landlock || rustix::process::geteuid().is_root() {
        assert_eq!(lines.get(1).map(String::as_str), Some("CapBnd: 0000000000000000"));
    }
    let rest: Vec<&str> = lines.iter().skip(2).map(String::as_str).collect();
    // Of `ls` itself: its input, output, errors and the folder it reads.
    assert_eq!(rest, ["NoNewPrivs: 1", "Seccomp: 2", "4", "not a tty"]);
    Ok(())
}

fn nothing_outlives_the_agent() -> Tested {
    for kind in [Kind::Namespaces, Kind::Mounts] {
        let outside = Outside::new();
        let marker = outside::fresh();
        let script = format!(
            "setsid sh -c 'trap \"\" TERM HUP INT; setsid sleep {marker} & touch started; sleep {marker}' </dev/null >/dev/null 2>&1 & \
             while ! test -e started; do sleep 0.01; done; sleep 0.2; echo ready"
        );
        let ended = run(kind, &outside, &shell(&script)).expect("confined");
        assert_eq!(ended.stdout, "ready\n", "{}", ended.stderr);
        assert_eq!(outside::alive(&marker), Vec::<i32>::new());
        let mut free =
            Command::new("sh").args(["-c", &script]).current_dir(outside.temporary()).stdout(Stdio::piped()).spawn()?;
        free.wait()?;
        let left = outside::alive(&marker);
        outside::kill(&left);
        assert!(!left.is_empty(), "without confinement something must be left, so that the test can fail");
    }
    Ok(())
}

fn again_as_nobody(filter: &[String]) -> Tested {
    if Command::new("setpriv").arg("--version").output().is_err() {
        println!("NOT RUN: `setpriv` is not installed");
        return Ok(());
    }
    let folder = outside::open_folder();
    let program = folder.path().join("hostile");
    std::fs::copy(std::env::current_exe()?, &program)?;
    let user = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
    let ended = Command::new("setpriv").args(user).arg(&program).args(filter).current_dir(folder.path()).output()?;
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    if ended.status.success() { Ok(()) } else { Err(said.into()) }
}
