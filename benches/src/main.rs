//! The measured promises. Started by `cargo xtask bench`, which builds everything optimised and names the program.
//!
//! Every figure is printed beside its goal and, where one makes sense, beside a rival measured in the same run: a server that
//! answers nothing at all is the limit of the client and the machine. Nothing here asserts; a missed goal is a row that says so.

#![expect(clippy::print_stdout, reason = "the table is the product")]

mod hosted;
mod http;
mod twin;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use http::{Bare, load, quantile, request};
use pome_sandbox::{Engine, Limits, Material};
use serde_json::{Value, json};
use twin::Twin;

const LOAD_TIME: Duration = Duration::from_secs(3);
const CONNECTIONS: usize = 8;

/// One line of the table.
struct Row {
    id: &'static str,
    what: &'static str,
    figure: String,
    goal: &'static str,
    met: Option<bool>,
    beside: String,
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let usage = "usage: pome-bench <pome> [--json <file>] [<number>...]";
    let pome = arguments.next().context(usage)?;
    let (mut out, mut only) = (None, Vec::new());
    while let Some(argument) = arguments.next() {
        if argument.as_os_str() == "--json" {
            out = Some(arguments.next().context(usage)?);
        } else {
            only.push(argument.to_string_lossy().to_uppercase());
        }
    }
    let wanted = |ids: &[&str]| only.is_empty() || ids.iter().any(|id| only.iter().any(|one| one == id));
    let mut rows = Vec::new();
    println!("machine: {}", machine());
    if wanted(&["P1", "P3", "P4"]) {
        rows.extend(starting(&pome)?);
    }
    if wanted(&["P2", "P5", "P6", "P7", "P8"]) {
        rows.extend(serving(&pome)?);
    }
    if wanted(&["P9", "P10"]) {
        rows.extend(others(&pome)?);
    }
    if wanted(&["P11", "P12"]) {
        rows.extend(worlds(&pome)?);
    }
    if wanted(&["P13"]) {
        rows.extend(large(&pome)?);
    }
    if wanted(&["P14"]) {
        rows.push(recording(&pome)?);
    }
    if wanted(&["P16"]) {
        rows.push(verdict()?);
    }
    if wanted(&["P18"]) {
        rows.extend(hosted::hosted(&pome)?);
    }
    rows.sort_by_key(|row| row.id.trim_start_matches('P').parse::<u32>().unwrap_or_default());
    print(&rows);
    if let Some(out) = out {
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| json!({ "id": row.id, "what": row.what, "figure": row.figure, "goal": row.goal, "met": row.met, "beside": row.beside }))
            .collect();
        std::fs::write(out, format!("{:#}\n", json!({ "version": 1, "machine": machine(), "rows": rows })))?;
    }
    Ok(())
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok())
        .unwrap_or_default();
    format!("{} x {}, {} GiB", cores, model.unwrap_or("unknown processor"), kib / 1024 / 1024)
}

fn print(rows: &[Row]) {
    println!("\n| # | what | measured | goal | met | beside it, same run |\n|---|---|---|---|---|---|");
    for row in rows {
        let met = match row.met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "-",
        };
        println!("| {} | {} | {} | {} | {met} | {} |", row.id, row.what, row.figure, row.goal, row.beside);
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The median of `count` measurements.
fn median(count: usize, mut one: impl FnMut() -> anyhow::Result<Duration>) -> anyhow::Result<Duration> {
    let mut times = (0..count).map(|_| one()).collect::<anyhow::Result<Vec<_>>>()?;
    times.sort_unstable();
    times.get(count / 2).copied().context("nothing was measured")
}

/// A command's wall time; it must end with one of the codes.
fn timed(command: &mut Command, codes: &[i32]) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let elapsed = started.elapsed();
    let code = output.status.code().unwrap_or(-1);
    ensure!(codes.contains(&code), "{command:?} ended with {code}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(elapsed)
}

const SCENARIO: &str = "# Nothing to do\n\n## Prompt\n\nDo nothing.\n\n## Success Criteria\n\n\
    - [D] Issue #1 exists in `acme/api`\n\n## Config\n\n```yaml\ntwins: [github]\n```\n";

/// P1, P3, P4: whole commands.
fn starting(pome: &Path) -> anyhow::Result<Vec<Row>> {
    let ready = median(9, || Ok(Twin::start(pome)?.ready_after))?;
    let nothing = median(9, || timed(&mut Command::new("true"), &[0]))?;
    let beside = format!("process that does nothing: {:.1} ms", millis(nothing));
    let mut rows = vec![Row {
        id: "P1",
        what: "standalone twin: process start to first /healthz 200",
        figure: format!("{:.1} ms", millis(ready)),
        goal: "<= 12 ms",
        met: Some(millis(ready) <= 12.0),
        beside: beside.clone(),
    }];
    rows.extend(parts_of_a_start()?);
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("nothing.md"), SCENARIO)?;
    for (id, what, goal, limit, flag) in [
        ("P3", "run with an agent that exits at once, no capture", "<= 40 ms", 40.0, Some("--no-capture")),
        ("P3", "the same with capture", "<= 45 ms", 45.0, None),
    ] {
        let time = median(9, || {
            let mut command = Command::new(pome);
            command.args(["run", "nothing.md", "--local", "--agent", "true", "--pass-threshold", "100"]);
            timed(command.args(flag).current_dir(folder.path()), &[0])
        })?;
        let met = Some(millis(time) <= limit);
        rows.push(Row { id, what, figure: format!("{:.1} ms", millis(time)), goal, met, beside: beside.clone() });
    }
    for (what, arguments) in [
        ("pome version", &["version"][..]),
        ("pome init", &["init", "--force"][..]),
        ("pome inspect latest", &["inspect", "latest"][..]),
    ] {
        let time = median(9, || {
            let mut command = Command::new(pome);
            timed(command.args(arguments).env("POME_NO_UPDATE_CHECK", "1").current_dir(folder.path()), &[0])
        })?;
        let met = Some(millis(time) <= 10.0);
        let figure = format!("{:.1} ms", millis(time));
        rows.push(Row { id: "P4", what, figure, goal: "<= 10 ms", met, beside: beside.clone() });
    }
    Ok(rows)
}

/// Where the time of P1 goes, in this process: the engine, the component's code and description, the first world. Measured once,
/// as a second load in the same process would copy the code.
fn parts_of_a_start() -> anyhow::Result<Vec<Row>> {
    let started = Instant::now();
    let engine = Engine::new(Limits::default())?;
    let with_engine = started.elapsed();
    let component = engine.embedded("github")?;
    let with_component = started.elapsed();
    component.world(pome_sandbox::WorldOptions::default()).map_err(|error| anyhow::anyhow!("{error}"))?;
    let with_world = started.elapsed();
    let row = |what, time| {
        let (figure, beside) = (format!("{:.2} ms", millis(time)), String::new());
        Row { id: "P1", what, figure, goal: "", met: None, beside }
    };
    Ok(vec![
        row("of it: engine", with_engine),
        row("of it: code and description of the twin", with_component.saturating_sub(with_engine)),
        row("of it: first world, seeded", with_world.saturating_sub(with_component)),
    ])
}

/// P2, P5-P8: one twin under load, recorded and authenticated.
fn serving(pome: &Path) -> anyhow::Result<Vec<Row>> {
    let twin = Twin::start(pome)?;
    let resident = twin.resident()?;
    let mut connection = twin.connect()?;
    let (sid, token) = Twin::world(&mut connection, "{}")?;
    for number in 0..29 {
        let body =
            json!({ "title": format!("issue {number}"), "body": "Something happened.", "labels": ["bug"] }).to_string();
        let made = request("POST", &format!("/s/{sid}/repos/acme/api/issues"), &token, &body);
        let (status, answer) = connection.exchange(&made)?;
        ensure!(status == 201, "{status}: {}", String::from_utf8_lossy(answer));
    }
    let bare = Bare::start()?;
    let limit = load(bare.address, &[request("GET", "/", "", "")], 200, CONNECTIONS, LOAD_TIME)?;
    let beside = format!("bare answer: {:.0} req/s", limit.per_second);
    let tool = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "issue_read", "arguments": { "method": "get", "owner": "acme", "repo": "api", "issue_number": 1 } },
    });
    let issue = json!({ "title": "made under load" }).to_string();
    let path = |rest: &str| format!("/s/{sid}/{rest}");
    let calls = [
        (
            "P5",
            "GET one issue",
            ">= 30000 req/s, p99 <= 2 ms",
            30_000.0,
            request("GET", &path("repos/acme/api/issues/1"), &token, ""),
            200,
        ),
        (
            "P6",
            "list 30 issues",
            ">= 8000 req/s",
            8_000.0,
            request("GET", &path("repos/acme/api/issues"), &token, ""),
            200,
        ),
        (
            "P8",
            "MCP tools/call that reads an issue",
            ">= 20000 req/s",
            20_000.0,
            request("POST", &path("mcp"), &token, &tool.to_string()),
            200,
        ),
        (
            "P7",
            "create an issue",
            ">= 20000 req/s",
            20_000.0,
            request("POST", &path("repos/acme/api/issues"), &token, &issue),
            201,
        ),
    ];
    let mut rows = vec![Row {
        id: "P2",
        what: "resident memory of an idle twin process",
        figure: format!("{:.1} MiB", as_mib(resident)),
        goal: "<= 25 MiB",
        met: Some(as_mib(resident) <= 25.0),
        beside: String::new(),
    }];
    for (id, what, goal, wanted, bytes, status) in calls {
        let got = load(twin.address, &[bytes], status, CONNECTIONS, LOAD_TIME)?;
        let met = got.per_second >= wanted && (id != "P5" || millis(got.p99) <= 2.0);
        rows.push(Row {
            id,
            what,
            figure: format!(
                "{:.0} req/s, p50 {:.2} ms, p99 {:.2} ms",
                got.per_second,
                millis(got.p50),
                millis(got.p99)
            ),
            goal,
            met: Some(met),
            beside: beside.clone(),
        });
    }
    Ok(rows)
}

/// P9, P10: what agents do most with money and with messages, each in a world of its own.
fn others(pome: &Path) -> anyhow::Result<Vec<Row>> {
    let bare = Bare::start()?;
    let limit = load(bare.address, &[request("GET", "/", "", "")], 200, CONNECTIONS, LOAD_TIME)?;
    let beside = format!("bare answer: {:.0} req/s", limit.per_second);
    let payment = json!({
        "amount": 2000, "currency": "usd", "payment_method_types": ["card"], "payment_method": "pm_card_visa", "confirm": true,
    });
    let message = json!({ "channel": "C_GENERAL", "text": "said under load" });
    let calls = [
        (
            "P9",
            "stripe",
            "create and confirm a PaymentIntent",
            ">= 12000 req/s",
            12_000.0,
            476,
            "v1/payment_intents",
            payment,
        ),
        ("P10", "slack", "chat.postMessage", ">= 18000 req/s", 18_000.0, 1_097, "chat.postMessage", message),
    ];
    let mut rows = Vec::new();
    for (id, name, what, goal, wanted, reference, path, body) in calls {
        let twin = Twin::of(pome, name)?;
        let mut connection = twin.connect()?;
        let (sid, token) = Twin::world(&mut connection, "{}")?;
        let bytes = request("POST", &format!("/s/{sid}/{path}"), &token, &body.to_string());
        let (status, answer) = connection.exchange(&bytes)?;
        let answer = String::from_utf8_lossy(answer).into_owned();
        ensure!(status == 200 && !answer.contains("\"ok\":false"), "{status}: {answer}");
        let got = load(twin.address, &[bytes], 200, CONNECTIONS, LOAD_TIME)?;
        rows.push(Row {
            id,
            what,
            figure: format!(
                "{:.0} req/s, p50 {:.2} ms, p99 {:.2} ms",
                got.per_second,
                millis(got.p50),
                millis(got.p99)
            ),
            goal,
            met: Some(got.per_second >= wanted),
            beside: format!("reference, measured elsewhere: {reference} req/s; {beside}"),
        });
    }
    Ok(rows)
}

#[expect(clippy::cast_precision_loss, reason = "memory in KiB is far below 2^52")]
fn as_mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// A seed with many issues.
fn large_seed(issues: usize) -> String {
    let issues: Vec<Value> =
        (1..=issues).map(|at| json!({ "number": at, "title": format!("issue {at}"), "body": "Something." })).collect();
    json!({ "seed": { "repositories": [{ "owner": "acme", "name": "api", "issues": issues }] } }).to_string()
}

/// P11, P12: sessions, forks and resets over the admin door.
fn worlds(pome: &Path) -> anyhow::Result<Vec<Row>> {
    let twin = Twin::start(pome)?;
    let mut connection = twin.connect()?;
    Twin::world(&mut connection, "{}")?;
    let before = twin.proportional()?;
    let count = 10_000_usize;
    let mut micros = Vec::with_capacity(count);
    let mut made = Vec::with_capacity(count);
    for _ in 0..count {
        let started = Instant::now();
        made.push(Twin::world(&mut connection, "{}")?);
        micros.push(u32::try_from(started.elapsed().as_micros())?);
    }
    for (sid, token) in &made {
        let (status, _) =
            connection.exchange(&request("GET", &format!("/s/{sid}/repos/acme/api/issues/1"), token, ""))?;
        ensure!(status == 200, "session {sid} answered {status}");
    }
    let (after, resident) = (twin.proportional()?, twin.resident()?);
    micros.sort_unstable();
    let (p50, p99) = (quantile(&micros, 50), quantile(&micros, 99));
    let each = after.saturating_sub(before) / u64::try_from(count)?;
    let mut rows = vec![
        Row {
            id: "P11",
            what: "a new isolated, seeded session over HTTP",
            figure: format!("p50 {:.3} ms, p99 {:.3} ms", millis(p50), millis(p99)),
            goal: "p50 <= 0.3 ms, p99 <= 3 ms",
            met: Some(millis(p50) <= 0.3 && millis(p99) <= 3.0),
            beside: String::new(),
        },
        Row {
            id: "P11",
            what: "10 000 live sessions in one process, all answering",
            figure: format!("{:.0} MiB, {each} KiB each", as_mib(after)),
            goal: "< 2 GiB, <= 256 KiB each",
            met: Some(as_mib(after) < 2048.0 && each <= 256),
            beside: format!("resident, with shared pages counted per session: {:.0} MiB", as_mib(resident)),
        },
    ];
    drop(made);
    for (size, body) in [("1 issue", "{}".to_owned()), ("10 000 issues", large_seed(10_000))] {
        let (sid, token) = Twin::world(&mut connection, &body)?;
        let change = request("POST", &format!("/s/{sid}/repos/acme/api/issues"), &token, "{\"title\":\"a change\"}");
        let (status, _) = connection.exchange(&change)?;
        ensure!(status == 201, "the change answered {status}");
        let fork = json!({ "from": { "sid": sid } }).to_string();
        let forked = median(51, || {
            let started = Instant::now();
            Twin::world(&mut connection, &fork)?;
            Ok(started.elapsed())
        })?;
        let reset = request("POST", &format!("/admin/sessions/{sid}/reset"), "", "");
        let again = median(51, || {
            let started = Instant::now();
            let (status, _) = connection.exchange(&reset)?;
            ensure!(status == 200, "the reset answered {status}");
            Ok(started.elapsed())
        })?;
        rows.push(Row {
            id: "P12",
            what: if size == "1 issue" {
                "fork and reset of a world with 1 issue"
            } else {
                "the same with 10 000 issues"
            },
            figure: format!("fork {:.3} ms, reset {:.3} ms", millis(forked), millis(again)),
            goal: "fork <= 0.5 ms, reset <= 0.2 ms",
            met: Some(millis(forked) <= 0.5 && millis(again) <= 0.2),
            beside: "over HTTP, one connection".to_owned(),
        });
    }
    Ok(rows)
}

/// A seed with labels, states and words as a real tracker has them.
fn tracker(issues: usize) -> String {
    let issues: Vec<Value> = (1..=issues)
        .map(|at| {
            let word = if at % 1000 == 7 { "needle" } else { "haystack" };
            json!({
                "number": at, "title": format!("Request {at} fails"), "labels": if at % 50 == 0 { json!(["bug"]) } else { json!([]) },
                "body": format!("It happens when the {word} is opened twice. Nothing else is known about case {at}."),
                "state": if at % 3 == 0 { "closed" } else { "open" },
            })
        })
        .collect();
    let labels = json!([{ "name": "bug", "color": "d73a4a" }]);
    json!({ "seed": { "repositories": [{ "owner": "acme", "name": "api", "labels": labels, "issues": issues }] } })
        .to_string()
}

/// P13: what a large world costs beside a small one, and whether others wait for it.
fn large(pome: &Path) -> anyhow::Result<Vec<Row>> {
    let twin = Twin::start(pome)?;
    let mut connection = twin.connect()?;
    let small = Twin::world(&mut connection, &tracker(100))?;
    let large = Twin::world(&mut connection, &tracker(50_000))?;
    let mut took = |(sid, token): &(String, String), path: &str| {
        let call = request("GET", &format!("/s/{sid}/{path}"), token, "");
        median(21, || {
            let started = Instant::now();
            let (status, body) = connection.exchange(&call)?;
            ensure!(status == 200, "{path}: {status} {}", String::from_utf8_lossy(body));
            Ok(started.elapsed())
        })
    };
    let mut rows = Vec::new();
    for (what, path, goal, most) in [
        ("50 000 issues: get one", "repos/acme/api/issues/77", "<= 1.5x of 100 issues", None),
        ("50 000 issues: list page 1", "repos/acme/api/issues", "<= 1.5x of 100 issues", None),
        ("50 000 issues: filter by label", "repos/acme/api/issues?labels=bug&state=all", "<= 3 ms", Some(3.0)),
        ("50 000 issues: search a word", "search/issues?q=needle+repo:acme/api", "<= 5 ms", Some(5.0)),
        ("50 000 issues: export the state", "_pome/state", "<= 150 ms", Some(150.0)),
    ] {
        let (few, many) = (millis(took(&small, path)?), millis(took(&large, path)?));
        let met = most.map_or(many <= few * 1.5, |most| many <= most);
        let (figure, beside) = (format!("{many:.2} ms"), format!("100 issues: {few:.2} ms"));
        rows.push(Row { id: "P13", what, figure, goal, met: Some(met), beside });
    }
    let (sid, token) = (large.0.clone(), large.1.clone());
    let address = twin.address;
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = std::sync::Arc::clone(&stop);
    let busy = std::thread::spawn(move || -> anyhow::Result<()> {
        let mut connection = http::Connection::open(address)?;
        let export = request("GET", &format!("/s/{sid}/_pome/state"), &token, "");
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            connection.exchange(&export)?;
        }
        Ok(())
    });
    let beside = millis(took(&small, "repos/acme/api/issues/77")?);
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    busy.join().map_err(|_| anyhow::anyhow!("the busy thread panicked"))??;
    let alone = millis(took(&small, "repos/acme/api/issues/77")?);
    rows.push(Row {
        id: "P13",
        what: "another session while the large one exports",
        figure: format!("get one {beside:.2} ms"),
        goal: "unaffected",
        met: None,
        beside: format!("alone: {alone:.2} ms"),
    });
    Ok(rows)
}

/// P14: the recorder after 50 000 rows.
fn recording(pome: &Path) -> anyhow::Result<Row> {
    let twin = Twin::start(pome)?;
    let mut connection = twin.connect()?;
    let call = request("GET", "/s/standalone/repos/acme/api/issues/1", &twin.token, "");
    let mut batch = |count: u32| -> anyhow::Result<Duration> {
        let started = Instant::now();
        for _ in 0..count {
            let (status, _) = connection.exchange(&call)?;
            ensure!(status == 200, "answered {status}");
        }
        Ok(started.elapsed() / count)
    };
    batch(1000)?;
    let first = median(5, || batch(1000))?;
    let memory = twin.resident()?;
    batch(50_000)?;
    let last = median(5, || batch(1000))?;
    let grown = twin.resident()?.saturating_sub(memory);
    let started = Instant::now();
    let read = request("GET", "/s/standalone/_pome/events", &twin.token, "");
    let (status, _) = connection.exchange(&read)?;
    ensure!(status == 200, "the trace answered {status}");
    let reading = started.elapsed();
    let rows = std::fs::read_to_string(twin.events_file())?.lines().count();
    let ratio = first.as_secs_f64() / last.as_secs_f64();
    Ok(Row {
        id: "P14",
        what: "recorder: throughput after 50 000 calls against the first 1 000; memory; reading back",
        figure: format!("{ratio:.2}x, +{grown} KiB, {:.0} ms, {rows} rows", millis(reading)),
        goal: ">= 0.95x, constant, <= 150 ms, nothing lost",
        met: Some(ratio >= 0.95 && grown < 4096 && millis(reading) <= 150.0 && rows == 61_000),
        beside: format!("one connection, {:.0} us a call", first.as_secs_f64() * 1e6),
    })
}

/// P16: twenty criteria, each in a fresh instance.
fn verdict() -> anyhow::Result<Row> {
    let engine = Engine::new(Limits::default())?;
    let component = engine.embedded("github")?;
    let mut world =
        component.world(pome_sandbox::WorldOptions::default()).map_err(|error| anyhow::anyhow!("{error}"))?;
    let state = world.export_state().map_err(|fault| anyhow::anyhow!("{fault}"))?;
    let judge = component.judge();
    let sentence = "Issue #1 in `acme/api` has the `bug` label applied";
    let state = state.as_slice();
    let material =
        Material { text: sentence, seed: Some(state), final_state: Some(state), tape: Some(b"[]"), config: b"" };
    let twenty = || -> anyhow::Result<Duration> {
        let started = Instant::now();
        for _ in 0..20 {
            judge.bind(sentence).map_err(|fault| anyhow::anyhow!("{fault}"))?;
            judge.evaluate(&material).map_err(|fault| anyhow::anyhow!("{fault}"))?;
        }
        Ok(started.elapsed())
    };
    let time = median(9, twenty)?;
    Ok(Row {
        id: "P16",
        what: "verdict of 20 deterministic criteria, bound and judged",
        figure: format!("{:.2} ms", millis(time)),
        goal: "<= 10 ms",
        met: Some(millis(time) <= 10.0),
        beside: String::new(),
    })
}
