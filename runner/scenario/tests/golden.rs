//! Golden pairs: `x.md` beside `x.json` (accepted) or `x.err` (refused). Adding a case adds files, not code.
//!
//! With `POME_UPDATE_GOLDEN=1` the expected files are written instead of compared.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pome_scenario::{Error, seed};
use serde_json::{Value, json};

fn cases(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    cases.sort();
    cases
}

/// The whole of what is understood, or the message and its remedy.
fn understood(path: &Path) -> Result<Value, Error> {
    let scenario = pome_scenario::read(path, &mut pome_scenario::BuiltInOnly)?;
    let seeds = seed::resolve(&scenario, None, Path::new(""), &|_, _| None)?;
    let mut value = serde_json::to_value(&scenario).unwrap();
    let seeded: BTreeMap<&String, Option<&Value>> =
        scenario.config.twins.iter().map(|twin| (twin, seeds.value_of(twin))).collect();
    value["seed"] = json!(seeded);
    value["seed_source"] = json!(seeds.source.as_str());
    Ok(value)
}

#[test]
fn every_golden_scenario_is_understood_or_refused_as_written_beside_it() {
    let update = std::env::var_os("POME_UPDATE_GOLDEN").is_some();
    let cases = cases("tests/golden");
    assert!(cases.len() > 20);
    let mut wrong = Vec::new();
    for path in cases {
        let (expected, found) = match understood(&path) {
            Ok(value) => (path.with_extension("json"), format!("{}\n", serde_json::to_string_pretty(&value).unwrap())),
            Err(error) => (path.with_extension("err"), format!("{error}\nhint: {}\n", error.hint())),
        };
        if update {
            fs::write(&expected, &found).unwrap();
        }
        if fs::read_to_string(&expected).ok().as_deref() != Some(found.as_str()) {
            wrong.push(format!("{} differs:\n{found}", expected.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_shipped_scenario_and_its_seed_are_understood() {
    let cases = cases("../../scenarios");
    assert!(!cases.is_empty());
    for path in cases {
        let scenario = understood(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_ne!(scenario["criteria"], json!([]));
    }
}
