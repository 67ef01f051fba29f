//! `--sandbox`, through the program: an agent that does its work passes, one that wants out does not get there.
//!
//! What each form stops is tested attempt by attempt with the crate that does it; here it is that a run uses it.

use std::net::TcpListener;
use std::path::Path;
use std::sync::OnceLock;

use pome_tests::{Cmd, Project};
use serde_json::{Value, json};

use crate::support::{LABELLED, labelling, lives, pids, run, scenario, until, write_agent};

/// Those that this machine allows; the tests of the others are not run.
fn forms() -> &'static [&'static str] {
    static FORMS: OnceLock<Vec<&str>> = OnceLock::new();
    FORMS.get_or_init(|| ["namespaces", "mounts", "landlock"].into_iter().filter(|form| is_allowed(form)).collect())
}

fn is_allowed(form: &str) -> bool {
    let project = labelling("");
    let output = confined(&project, form, ["label.md"]).run();
    let refused = output.stderr.contains("the agent cannot be confined here");
    if refused {
        eprintln!("NOT RUN: this machine does not allow the form `{form}`: {}", output.stderr);
    }
    !refused
}

/// Whether the form with namespaces can be tested.
fn has_namespaces() -> bool {
    forms().contains(&"namespaces")
}

/// With a form that is not tried out but demanded.
fn confined<const N: usize>(project: &Project, form: &str, arguments: [&str; N]) -> Cmd {
    let mut all = vec!["run", "--local", "--sandbox", "--agent", "python3 agent.py"];
    all.extend(arguments);
    project.pome(all).env("POME_SANDBOX_FORM", form)
}

fn meta(project: &Project) -> Value {
    let text = std::fs::read_to_string(project.latest_run().join("meta.json")).expect("meta.json");
    serde_json::from_str(&text).expect("JSON")
}

/// Writes down what it managed to do, in the folder where it may write.
const WANTS_OUT: &str = r#"
label("bug")
managed = []
def attempt(name, act):
    try:
        act()
        managed.append(name)
    except Exception as error:
        print(name, repr(error), file=sys.stderr)
outside = os.environ["POME_TASK"].split()[-1]
port = int(open("port").read())
def talk(connection):
    assert connection.recv(5) == b"hello"
def by_proxy():
    host, number = os.environ["HTTP_PROXY"].split("//")[1].split(":")
    tunnel = socket.create_connection((host, int(number)), 5)
    tunnel.sendall(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode())
    answer = tunnel.recv(4096)
    assert answer.startswith(b"HTTP/1.1 200"), answer
attempt("direct", lambda: talk(socket.create_connection(("127.0.0.1", port), 5)))
attempt("by the proxy", by_proxy)
attempt("write", lambda: open(outside + "/written", "w").write("x"))
attempt("leave", lambda: subprocess.Popen(
    ["setsid", "sh", "-c", "trap '' TERM HUP; sleep 1000"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL))
open("managed", "w").write(json.dumps(managed))
"#;

struct Service(u16);

/// Says hello to whoever comes.
fn service() -> Service {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.and_then(|mut stream| std::io::Write::write_all(&mut stream, b"hello"));
        }
    });
    Service(port)
}

fn wants_out(service: &Service) -> Project {
    let project = labelling(WANTS_OUT);
    let text = scenario("Label it", LABELLED);
    project.write(
        "label.md",
        text.replace("Label issue 1.", &format!("Label issue 1. Leave alone {}", project.home().display())),
    );
    project.write("port", service.0.to_string());
    project
}

#[test]
fn an_agent_that_wants_out_gets_there_only_without_a_sandbox() {
    let service = service();
    let project = wants_out(&service);
    run(&project, ["label.md"]).run().expect(0);
    assert_eq!(project.json("managed"), json!(["direct", "by the proxy", "write", "leave"]));
    assert!(project.home().join("written").exists());
    for form in forms() {
        let project = wants_out(&service);
        confined(&project, form, ["label.md"]).run().expect(0);
        assert_eq!(project.json("managed"), json!(["leave"]), "{form}");
        assert!(!project.home().join("written").exists());
    }
}

#[test]
fn nothing_outlives_a_confined_agent() {
    for form in forms() {
        let project = labelling(
            r#"
if not preflight:
    label("bug")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sh", "-c", "trap '' TERM HUP; setsid sleep 1000 & echo; sleep 1000"], start_new_session=True)
    time.sleep(1000)
"#,
        );
        let marker = format!("{}", 100_000 + std::process::id());
        let agent = project.read("agent.py").replace("sleep 1000", &format!("sleep {marker}"));
        project.write("agent.py", agent);
        let started = confined(&project, form, ["label.md", "--timeout", "3", "--json"]).start();
        until("the start of the processes", || (sleeping(&marker).len() >= 2).then_some(()));
        let output = started.finish().expect(0);
        assert_eq!(output.json()["runs"][0]["agent"], json!({ "exit_code": null, "timed_out": true }), "{form}");
        assert_eq!(sleeping(&marker), Vec::<String>::new(), "{form}");
    }
}

#[test]
fn nothing_is_left_of_a_confined_agent_when_the_runner_is_killed() {
    for form in forms() {
        let project = labelling("if not preflight:\n    time.sleep(1000)\n    subprocess.run(['sleep', '1'])");
        let marker = format!("{}", 200_000 + std::process::id());
        write_agent(
            &project,
            "agent.py",
            &format!("if not preflight: subprocess.run(['setsid', 'sleep', '{marker}'])"),
        );
        let started = confined(&project, form, ["label.md"]).start();
        let pid = until("the start of the process", || sleeping(&marker).pop());
        started.signal("KILL");
        assert_eq!(started.finish().code, 128 + 9);
        until("the end of the agent", || (!lives(&pid)).then_some(()));
    }
}

#[test]
fn a_killed_first_stage_takes_the_agent_with_it() {
    if !has_namespaces() {
        return;
    }
    let marker = format!("{}", 300_000 + std::process::id());
    let code = format!("if not preflight: subprocess.run(['setsid', 'sleep', '{marker}'])");
    let project = labelling(&code);
    let started = confined(&project, "namespaces", ["label.md"]).start();
    until("the start of the process", || sleeping(&marker).pop());
    // Its policy names the work folder, so it is told apart from those of other tests.
    let folder = project.root().display().to_string();
    let first = commands().find(|(_, words)| words.contains("\0enter\0") && words.contains(&folder));
    let (pid, _) = first.expect("the first stage");
    assert!(std::process::Command::new("kill").args(["-KILL", &pid]).status().expect("kill").success());
    let output = started.finish().expect(1);
    assert!(output.stderr.contains("the agent was ended by signal 9"), "{}", output.stderr);
    until("the end of the agent", || sleeping(&marker).is_empty().then_some(()));
}

/// Processes and their command lines, with zeros between the words.
fn commands() -> impl Iterator<Item = (String, String)> {
    let pids = std::fs::read_dir("/proc").expect("/proc").flatten();
    let pids = pids.filter_map(|entry| entry.file_name().into_string().ok());
    pids.filter_map(|pid| {
        let command = std::fs::read(Path::new("/proc").join(&pid).join("cmdline")).ok()?;
        Some((pid, String::from_utf8_lossy(&command).into_owned()))
    })
}

/// Processes, seen from here, with a marker in their command line.
fn sleeping(marker: &str) -> Vec<String> {
    let start = format!("sleep\0{marker}\0");
    commands().filter(|(_, words)| words.starts_with(&start)).map(|(pid, _)| pid).collect()
}

#[test]
fn webhooks_lead_to_this_machine_only_where_it_is_named() {
    if !has_namespaces() {
        return;
    }
    let project = labelling(
        r#"
import urllib.parse
def stripe(path, form):
    data = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(os.environ["POME_STRIPE_REST_URL"] + path, data=data, method="POST")
    request.add_header("authorization", "Bearer " + os.environ["POME_AUTH_TOKEN"])
    urllib.request.urlopen(request).read()
label("bug")
stripe("/v1/webhook_endpoints", {"url": "http://127.0.0.1:" + open("port").read(), "enabled_events[]": "*"})
stripe("/v1/customers", {"name": "Ada"})
# Webhooks leave a moment after the answer, and not any more when the run has ended.
import time
time.sleep(1)
"#,
    );
    let both = scenario("Label it", &LABELLED.replace("[code]", "[code:github]"));
    let both = both.replace("## Config\n", "## Config\n\ntwins: [github, stripe]");
    project.write("label.md", both);
    let called = |arguments: &mut dyn FnMut() -> Cmd| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        project.write("port", listener.local_addr().expect("an address").port().to_string());
        listener.set_nonblocking(true).expect("not blocking");
        arguments().run().expect(0);
        listener.accept().is_ok()
    };
    assert!(called(&mut || run(&project, ["label.md"])));
    assert!(!called(&mut || confined(&project, "namespaces", ["label.md"])));
    assert!(called(&mut || confined(&project, "namespaces", ["label.md"]).env("POME_EGRESS_ALLOW", "127.0.0.1")));
}

#[test]
fn the_form_is_written_down() {
    for (form, expected) in [
        ("namespaces", json!(["namespaces", "isolated", "isolated", "seccomp"])),
        ("mounts", json!(["namespaces", "isolated", "isolated", "seccomp"])),
        ("landlock", json!(["landlock", "tcp", "shared", "seccomp"])),
    ] {
        if !forms().contains(&form) {
            continue;
        }
        let project = labelling(r#"label("bug")"#);
        confined(&project, form, ["label.md"]).run().expect(0);
        let sandbox = meta(&project)["sandbox"].clone();
        let found = ["form", "network", "processes", "calls"].map(|key| sandbox[key].clone());
        assert_eq!(json!(found), expected, "{sandbox}");
        assert_eq!(sandbox["files"] == "mounts", form == "mounts", "{sandbox}");
    }
    let project = labelling(r#"label("bug")"#);
    run(&project, ["label.md"]).run().expect(0);
    assert_eq!(meta(&project).get("sandbox"), None);
}

#[test]
fn temporary_files_have_a_folder_that_is_gone_afterwards() {
    for form in forms() {
        let project = labelling(
            r#"
import tempfile
label("bug")
with tempfile.NamedTemporaryFile(delete=False) as file:
    file.write(b"x")
open("where", "w").write(file.name)
"#,
        );
        confined(&project, form, ["label.md"]).run().expect(0);
        let place = project.read("where");
        assert!(place.contains("/pome-"), "{place}");
        assert!(!Path::new(&place).parent().expect("a folder").exists(), "{place}");
    }
}

#[test]
fn node_works_confined() {
    if std::process::Command::new("node").arg("--version").output().is_err() {
        println!("NOT RUN: node is not installed");
        return;
    }
    for form in forms() {
        let project = labelling("");
        project.write(
            "agent.mjs",
            r#"
import { writeFileSync, appendFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
const url = process.env.POME_GITHUB_REST_URL + "/repos/acme/api/issues/1/labels";
const headers = { authorization: `Bearer ${process.env.POME_AUTH_TOKEN}`, "content-type": "application/json" };
const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ labels: ["bug"] }) });
if (!answer.ok) throw new Error(await answer.text());
appendFileSync(process.env.POME_ADAPTER_SIGNALS_PATH, "");
writeFileSync("done", execFileSync("git", ["--version"]));
"#,
        );
        let arguments = ["run", "--local", "--sandbox", "--agent", "node agent.mjs", "label.md"];
        project.pome(arguments).env("POME_SANDBOX_FORM", form).run().expect(0);
        assert!(project.read("done").starts_with("git version"));
    }
}

#[test]
fn without_capture_only_the_twins_are_there() {
    if !has_namespaces() {
        return;
    }
    let project = labelling(r#"label("bug"); assert "HTTP_PROXY" not in os.environ"#);
    confined(&project, "namespaces", ["label.md", "--no-capture"]).run().expect(0);
}

#[test]
fn a_program_that_is_not_there_is_named_as_ever() {
    for form in forms() {
        let project = labelling("");
        let arguments = ["run", "--local", "--sandbox", "--agent", "./nothing-here", "label.md"];
        let output = project.pome(arguments).env("POME_SANDBOX_FORM", form).run().expect(2);
        assert!(output.stderr.contains("cannot start agent `./nothing-here`: No such file"), "{}", output.stderr);
    }
}

#[test]
fn what_cannot_be_confined_does_not_run() {
    let project = labelling(r#"open("ran", "w")"#);
    let output = confined(&project, "vm", ["label.md"]).run().expect(5);
    assert!(output.stderr.contains("POME_SANDBOX_FORM is `vm`"), "{}", output.stderr);
    if forms().len() < 3 {
        return;
    }
    // Inside of a namespace that allows no further ones, the chosen form is refused.
    let inner = format!(
        "echo 0 > /proc/sys/user/max_user_namespaces && exec {} run --local --sandbox --agent 'python3 agent.py' label.md",
        env!("CARGO_BIN_EXE_pome")
    );
    let nested = |form: &str| {
        std::process::Command::new("unshare")
            .args(["-Ur", "sh", "-c", &inner])
            .current_dir(project.root())
            .env("HOME", project.home())
            .env("POME_SANDBOX_FORM", form)
            .output()
            .expect("unshare")
    };
    let refused = nested("namespaces");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("the agent cannot be confined here: namespaces cannot be made"), "{said}");
    assert!(said.contains("hint: allow user namespaces"), "{said}");
    assert!(!project.path("ran").exists());
    // Without a choice the other form takes its place, and the run says so.
    write_agent(&project, "agent.py", r#"label("bug")"#);
    let fallen = nested("");
    let said = String::from_utf8_lossy(&fallen.stderr).into_owned();
    assert_eq!(fallen.status.code(), Some(0), "{said}");
    assert!(said.contains("sandbox without namespaces"), "{said}");
    assert_eq!(meta(&project)["sandbox"]["form"], "landlock");
}

#[test]
fn a_confined_run_can_be_interrupted() {
    for form in forms() {
        let project = labelling("if not preflight:\n    open('pids', 'w').write('1\\n')\n    time.sleep(1000)");
        let started = confined(&project, form, ["label.md"]).start();
        until("the start of the agent", || pids(&project.path("pids"), 1));
        started.signal("INT");
        started.finish().expect(130);
        assert_eq!(meta(&project)["stop_reason"], "interrupted");
    }
}
