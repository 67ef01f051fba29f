//! Three servers, one database, and somebody who kills servers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pome_tests::Postgres;
use serde_json::{Value, json};

use crate::support::{Cluster, Home, Session, Told, agent, call};

/// For how long servers are killed, in seconds; the acceptance run takes 180.
const SECONDS: u64 = 20;
/// Sessions under load.
const SESSIONS: usize = 50;
/// A server is killed so often.
const BETWEEN: Duration = Duration::from_secs(3);
/// It stays away so long.
const AWAY: Duration = Duration::from_millis(700);

const SEED: &str = r#"{"repositories":[{"owner":"acme","name":"api","issues":[]}]}"#;

/// What one client knows of its session.
#[derive(Debug, Default)]
struct Known {
    /// Numbers of issues by their titles, as they were acknowledged.
    acknowledged: BTreeMap<String, i64>,
    /// Titles of issues that may be there.
    uncertain: Vec<String>,
}

/// What all clients have seen.
#[derive(Debug, Default)]
struct Seen {
    acknowledged: AtomicU64,
    read: AtomicU64,
    unknown: AtomicU64,
    repeated: AtomicU64,
}

#[test]
fn servers_are_killed_and_every_acknowledged_write_is_there_once() {
    let Some(database) = Postgres::database() else { return };
    let seconds = std::env::var("POME_CHAOS_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    let mut cluster = Cluster::start(Home::Shared(database), 3, 200);
    let seed: Value = serde_json::from_str(SEED).unwrap();
    let sessions: Vec<Session> =
        (0..SESSIONS).map(|number| cluster.open(number % 3, &["github"], Some(seed.clone()))).collect();
    let (over, seen, urls) = (Arc::new(AtomicBool::new(false)), Arc::new(Seen::default()), cluster.urls());
    let known: Vec<Arc<Mutex<Known>>> = sessions.iter().map(|_| Arc::default()).collect();
    let clients: Vec<_> = sessions
        .iter()
        .zip(&known)
        .enumerate()
        .map(|(number, (session, known))| {
            let (session, known, urls) = (session.clone(), Arc::clone(known), urls.clone());
            let (over, seen) = (Arc::clone(&over), Arc::clone(&seen));
            std::thread::spawn(move || work(number, &session, &known, &urls, &over, &seen))
        })
        .collect();
    let started = Instant::now();
    let mut kills = 0;
    let mut dice = 7_u64;
    while started.elapsed() < Duration::from_secs(seconds) {
        std::thread::sleep(BETWEEN);
        let victim = usize::try_from(roll(&mut dice) % 3).unwrap();
        cluster.kill(victim);
        kills += 1;
        std::thread::sleep(AWAY);
        cluster.boot(victim, 200);
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    let mut issues = 0;
    for (number, (session, known)) in sessions.iter().zip(&known).enumerate() {
        issues += check(&urls[number % 3], session, &known.lock().unwrap());
        let state = cluster.session((number + 1) % 3, &session.id)["state"].clone();
        assert!(matches!(state.as_str(), Some("running" | "ready")), "{}: {state}", session.id);
    }
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    assert!(read(&seen.acknowledged) > seconds * 20, "{seen:?}: hardly anything was tried");
    eprintln!(
        "{kills} kills in {seconds} s: {} writes acknowledged, {} reads, {} requests without a clear answer, {} sent again \
         under their name; {issues} issues, none lost, none twice",
        read(&seen.acknowledged),
        read(&seen.read),
        read(&seen.unknown),
        read(&seen.repeated),
    );
}

/// Writes and reads until it is over.
fn work(number: usize, session: &Session, known: &Mutex<Known>, urls: &[String], over: &AtomicBool, seen: &Seen) {
    let client = agent();
    let mut dice = number as u64 * 977 + 1;
    let mut count = 0;
    while !over.load(Ordering::Relaxed) {
        count += 1;
        let url = |dice: &mut u64| &urls[usize::try_from(roll(dice) % urls.len() as u64).unwrap()];
        let title = format!("{number}-{count}");
        match roll(&mut dice) % 4 {
            0 => {
                let path = "/repos/acme/api/issues?per_page=5";
                match call(&client, url(&mut dice), session, "GET", path, None, None) {
                    Told::Answer(200, _) => drop(seen.read.fetch_add(1, Ordering::Relaxed)),
                    Told::Answer(status, body) => panic!("{status} {body}"),
                    Told::Unknown(_) => drop(seen.unknown.fetch_add(1, Ordering::Relaxed)),
                }
            }
            // Sent once: whether it happened is not known when the answer is lost.
            1 => match create(&client, url(&mut dice), session, &title, None) {
                Ok(issue) => acknowledge(known, seen, title, issue),
                Err(_) => {
                    known.lock().unwrap().uncertain.push(title);
                    seen.unknown.fetch_add(1, Ordering::Relaxed);
                }
            },
            // Sent under a name until there is an answer.
            _ => loop {
                match create(&client, url(&mut dice), session, &title, Some(&title)) {
                    Ok(issue) => {
                        acknowledge(known, seen, title, issue);
                        break;
                    }
                    Err(_) => {
                        seen.repeated.fetch_add(1, Ordering::Relaxed);
                        std::thread::sleep(Duration::from_millis(50));
                    }
                }
            },
        }
        std::thread::sleep(Duration::from_millis(roll(&mut dice) % 40));
    }
}

fn create(client: &ureq::Agent, url: &str, session: &Session, title: &str, id: Option<&str>) -> Result<i64, String> {
    match call(client, url, session, "POST", "/repos/acme/api/issues", Some(&json!({ "title": title })), id) {
        Told::Answer(201, issue) => {
            assert_eq!(issue["title"], title, "an answer to another request");
            Ok(issue["number"].as_i64().unwrap())
        }
        Told::Answer(status, body) => panic!("{status} {body}"),
        Told::Unknown(reason) => Err(reason),
    }
}

fn acknowledge(known: &Mutex<Known>, seen: &Seen, title: String, issue: i64) {
    known.lock().unwrap().acknowledged.insert(title, issue);
    seen.acknowledged.fetch_add(1, Ordering::Relaxed);
}

/// Compares a session with what its client knows; how many issues there are.
fn check(url: &str, session: &Session, known: &Known) -> usize {
    let client = agent();
    let mut there: BTreeMap<String, i64> = BTreeMap::new();
    for page in 1.. {
        let path = format!("/repos/acme/api/issues?state=all&per_page=100&page={page}");
        let Told::Answer(200, Value::Array(issues)) = call(&client, url, session, "GET", &path, None, None) else {
            panic!("the issues of {} cannot be read", session.id);
        };
        if issues.is_empty() {
            break;
        }
        for issue in issues {
            let title = issue["title"].as_str().unwrap().to_owned();
            let number = issue["number"].as_i64().unwrap();
            let twice = there.insert(title, number);
            assert_eq!(twice, None, "issue {number} of {} is there twice", session.id);
        }
    }
    for (title, number) in &known.acknowledged {
        assert_eq!(there.get(title), Some(number), "`{title}` of {} was acknowledged", session.id);
    }
    for title in there.keys() {
        assert!(known.acknowledged.contains_key(title) || known.uncertain.contains(title), "nobody wrote `{title}`");
    }
    let events = match call(&client, url, session, "GET", "/_pome/events", None, None) {
        Told::Answer(200, Value::Array(events)) => events,
        other => panic!("the events of {} cannot be read: {other:?}", session.id),
    };
    let written = events.iter().filter(|row| row["method"] == "POST" && row["status"] == 201).count();
    assert_eq!(written, there.len(), "each write of {} is in the trace once", session.id);
    there.len()
}

/// The same dice every time.
fn roll(dice: &mut u64) -> u64 {
    *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *dice >> 33
}
