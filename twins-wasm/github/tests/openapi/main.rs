//! Holds every row of the REST table to the vendor's published OpenAPI description: what it answers and what it reads.
//!
//! A new route needs a request in `samples/<area>.rs`; what fails says what to do. Run with `--nocapture` for the whole account.
//!
//! `samples/` sends realistic requests, area by area; `vendor.rs` judges the answers against `operations.json`, which `trim.mjs`
//! cuts out of the vendor's file; `exceptions.rs` lists, with reasons, where the twin is knowingly not the vendor.

#![recursion_limit = "256"]
#![expect(clippy::needless_pass_by_value, reason = "samples write what they send in place")]

mod drive;
mod exceptions;
mod samples;
mod vendor;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use pome_twin_kit::describe::describe;
use pome_twin_kit::{Route, Twin};
use serde_json::{Value, json};
use twin_github::GitHub;

use drive::{Drive, Exchange};
use exceptions::{NOT_READ, NOT_THE_VENDORS};
use vendor::{Vendor, address};

const NO_SAMPLE: &str = "no sample has an answer with something in it, add one to its area in samples/";
const NOT_LISTED: &str = "is it the vendor's? see NOT_THE_VENDORS in exceptions.rs, and AREAS in trim.mjs";

fn name(route: &Route<GitHub>) -> String {
    format!("{} {}", route.method(), route.path())
}

/// Whether a complaint begins like one that is listed, any index standing for `*`.
fn known(table: &[(&str, &str)], complaint: &str) -> bool {
    table.iter().any(|(beginning, _)| {
        let mut complaint = complaint;
        beginning.split_inclusive('*').all(|part| match part.strip_suffix('*') {
            Some(before) => match complaint.strip_prefix(before) {
                Some(rest) => {
                    let step = rest.find('/').unwrap_or(rest.len());
                    complaint = &rest[step..];
                    step > 0
                }
                None => false,
            },
            None => complaint.starts_with(part),
        })
    })
}

fn listed(table: &[(&str, &str)], route: &str) -> bool {
    table.iter().any(|(listed, _)| *listed == route)
}

/// Every answer to the samples, and to requests for what is not there.
fn exchanges(vendor: &mut Vendor) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for (_, send) in samples::AREAS {
        let mut drive = Drive::new(vendor, &world::seed());
        send(&mut drive);
        exchanges.extend(drive.exchanges);
    }
    let mut drive = Drive::new(vendor, &world::seed());
    for route in GitHub::ROUTES {
        ask_nowhere(&mut drive, route);
    }
    exchanges.extend(drive.exchanges);
    exchanges
}

/// The rows whose success was seen with something in it.
fn sampled(exchanges: &[Exchange]) -> BTreeSet<&str> {
    let seen = exchanges.iter().filter(|exchange| exchange.status < 400 && exchange.filled);
    seen.map(|exchange| exchange.route.as_str()).chain(exceptions::EMPTY.iter().map(|(route, _)| *route)).collect()
}

#[test]
fn every_answer_is_one_that_the_vendor_gives() {
    let mut vendor = Vendor::new();
    let exchanges = exchanges(&mut vendor);
    let mut faults: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let answered = sampled(&exchanges);
    for exchange in &exchanges {
        for complaint in exchange.complaints.iter().filter(|complaint| !known(exceptions::KNOWN, complaint)) {
            let line = format!("{} -> {}: {complaint}", exchange.request, exchange.status);
            faults.entry(exchange.route.clone()).or_default().insert(line);
        }
    }
    let routes: Vec<String> = GitHub::ROUTES.iter().map(name).collect();
    let mut unsampled = Vec::new();
    for route in &routes {
        let (method, path) = route.split_once(' ').unwrap();
        if !answered.contains(route.as_str()) {
            unsampled.push(route);
        } else if vendor.knows(&address(method, path)) == listed(NOT_THE_VENDORS, route) {
            faults.entry(route.clone()).or_default().insert(NOT_LISTED.to_owned());
        }
    }
    for (definition, members) in vendor.never_sent() {
        println!("{definition} never had {}", members.join(", "));
    }
    let vendors = routes.iter().filter(|route| !listed(NOT_THE_VENDORS, route)).count();
    let faulty = faults.keys().filter(|route| !listed(NOT_THE_VENDORS, route)).count();
    let unseen = unsampled.iter().filter(|route| !listed(NOT_THE_VENDORS, route)).count();
    println!("{} of {vendors} routes validate, in {} answers", vendors - faulty - unseen, exchanges.len());
    for (route, lines) in &faults {
        println!("\n{route}");
        for line in lines {
            println!("    {line}");
        }
    }
    let wrong: Vec<_> = faults.keys().collect();
    assert!(wrong.is_empty(), "not as the vendor answers, see above: {wrong:#?}");
    assert!(unsampled.is_empty(), "{NO_SAMPLE}: {unsampled:#?}");
}

#[test]
fn every_payload_is_one_that_the_vendor_sends() {
    let mut vendor = Vendor::new();
    let mut payloads: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, send) in samples::AREAS {
        let mut drive = Drive::new(&mut vendor, &world::seed());
        send(&mut drive);
        for (name, complaints) in drive.payloads {
            let open = complaints.into_iter().filter(|complaint| !known(exceptions::KNOWN_IN_PAYLOADS, complaint));
            payloads.entry(name).or_default().extend(open);
        }
    }
    let wrong: Vec<_> = payloads.iter().filter(|(_, complaints)| !complaints.is_empty()).collect();
    println!("{} of {} payloads validate", payloads.len() - wrong.len(), payloads.len());
    for (name, complaints) in &wrong {
        println!("\n{name}");
        for complaint in *complaints {
            println!("    {complaint}");
        }
    }
    assert!(wrong.is_empty(), "not as the vendor sends them, see above");
    let unseen: Vec<_> = exceptions::SENT.iter().filter(|name| !payloads.contains_key(**name)).collect();
    assert!(unseen.is_empty(), "no sample makes these, see SENT in exceptions.rs: {unseen:#?}");
}

/// A request for something that is not there.
fn ask_nowhere(drive: &mut Drive<'_>, route: &Route<GitHub>) {
    if !route.path().starts_with("/repos/{owner}/{repo}") {
        return;
    }
    let segment = |segment: &str| match segment {
        "{owner}" => "acme".to_owned(),
        "{repo}" => "nowhere".to_owned(),
        other if other.starts_with('{') => "1".to_owned(),
        other => other.to_owned(),
    };
    let path: Vec<_> = route.path().split('/').map(segment).collect();
    let body = if route.method() == "GET" { Value::Null } else { json!({}) };
    let status = drive.probe(route.method(), &path.join("/"), &body);
    assert!((400..500).contains(&status), "{} answered {status} in a repository that is not there", name(route));
}

#[test]
fn every_input_that_the_vendor_documents_is_read() {
    let mut vendor = Vendor::new();
    let exchanges = exchanges(&mut vendor);
    let answered = sampled(&exchanges);
    let mut ignored = Vec::new();
    let mut stale: BTreeSet<(&str, &str)> = NOT_READ.iter().map(|(route, input, _)| (*route, *input)).collect();
    for row in describe::<GitHub>().routes {
        let route = format!("{} {}", row.method, row.path);
        if !answered.contains(route.as_str()) {
            continue;
        }
        let read: BTreeSet<&str> = row.inputs.iter().map(|input| input.name.as_str()).collect();
        for input in vendor.inputs(&address(row.method, row.path)).keys().filter(|input| !read.contains(input.as_str()))
        {
            let known = NOT_READ.iter().find(|(at, name, _)| (*at == route || *at == "*") && name == input);
            match known {
                Some((at, name, _)) => {
                    stale.remove(&(*at, *name));
                }
                None => ignored.push(format!("{route}: {input}")),
            }
        }
    }
    assert!(ignored.is_empty(), "the vendor takes these, the twin looks away: {ignored:#?}");
    assert!(stale.is_empty(), "these are read or not taken any more: {stale:#?}");
}
