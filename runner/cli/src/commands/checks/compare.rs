//! Whether the control plane understands the same sentences of a twin as this program does.

use pome_sandbox::{Check, Description};
use pome_wire::control::{WireCheck, WireChecks};

use crate::context::Context;
use crate::failure::Failure;
use crate::plane;

/// Refuses when they differ. When the control plane cannot be asked, that is said and nothing more.
pub(super) fn compare(description: &Description, cx: &Context) -> Result<(), Failure> {
    let account = match plane::connect(cx) {
        Ok(account) => account,
        Err(failure) => {
            cx.console.note(&format!("the sentence was not compared with a control plane: {}", failure.message));
            return Ok(());
        }
    };
    let theirs = match account.client.checks(&description.id) {
        Ok(theirs) => theirs,
        Err(error) => {
            cx.console.note(&format!("the sentence was not compared with a control plane: {}", error.cause));
            return Ok(());
        }
    };
    if theirs.digest == description.checks_digest {
        return Ok(());
    }
    let failure = Failure::orchestrator(format!(
        "the control plane judges sentences of `{}` in another way than this version",
        description.id
    ));
    let failure = differences(&description.checks, &theirs).into_iter().take(MOST).fold(failure, Failure::cause);
    Err(failure.hint("update pome, or use `--offline` to add the sentence all the same"))
}

/// How many differences are named.
const MOST: usize = 5;

/// At least one difference.
fn differences(ours: &[Check], theirs: &WireChecks) -> Vec<String> {
    let mut found = Vec::new();
    for our in ours {
        match theirs.checks.iter().find(|their| their.id == our.id) {
            None => found.push(format!("`{}` is only here", our.id)),
            Some(their) => found.extend(difference(our, their)),
        }
    }
    let only_there = theirs.checks.iter().filter(|their| !ours.iter().any(|our| our.id == their.id));
    found.extend(only_there.map(|their| format!("`{}` is only there", their.id)));
    if found.is_empty() {
        found.push("the checks are the same, but the patterns are made from them in another way".to_owned());
    }
    found
}

fn difference(our: &Check, their: &WireCheck) -> Option<String> {
    let id = &our.id;
    if our.template != their.template {
        return Some(format!("`{id}` has another template there: {}", their.template));
    }
    if our.substrate != their.substrate {
        return Some(format!("`{id}` reads `{}` here and `{}` there", our.substrate, their.substrate));
    }
    let here: Vec<(&str, &str)> = our.params.iter().map(|param| (&*param.name, &*param.pattern)).collect();
    let there: Vec<(&str, &str)> = their.params.iter().map(|param| (&*param.name, &*param.pattern)).collect();
    if there.is_empty() || here == there {
        let other = their.pattern.as_ref().is_some_and(|pattern| *pattern != our.pattern);
        return other.then(|| format!("`{id}` has another pattern there"));
    }
    let slot =
        here.iter().find(|slot| !there.contains(slot)).or_else(|| there.iter().find(|slot| !here.contains(slot)));
    Some(match slot {
        Some((name, _)) => format!("`{id}` has another slot `{name}` there"),
        None => format!("`{id}` has its slots in another order there"),
    })
}
