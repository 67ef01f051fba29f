//! `pome checks add`: one more criterion in a scenario.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::Path;

use pome_run::plan::Components;
use pome_sandbox::{Binding, Check, Component, Judge, LoadError};
use pome_scenario::{CriterionType, Scenario};
use pome_wire::{Exit, env};

use super::compare::compare;
use super::{fill, sentence};
use crate::context::Context;
use crate::failure::Failure;
use crate::render::ask;
use crate::{nearest, project, twins};

/// How often a slot is asked for.
const TRIES: usize = 3;

pub(super) fn run(
    file: &Path,
    check: Option<&str>,
    args: &[(String, String)],
    offline: bool,
    cx: &Context,
) -> Result<Exit, Failure> {
    let path = cx.cwd.join(file);
    let found = project::find(&cx.cwd, &cx.console)?;
    let mut known = twins::components(found.as_ref(), cx)?;
    let scenario = pome_scenario::read(&path, &mut known)
        .map_err(|error| Failure::from_error(error.exit(), &error).hint(error.hint()))?;
    let components = components(&scenario, &mut known)?;
    let picked = match check {
        Some(id) => {
            let (component, check) = find(id, &components)?;
            Some((component, from_arguments(component, check, args)?))
        }
        None => pick(&components, cx)?,
    };
    let Some((component, text)) = picked else {
        cx.console.say("nothing was written");
        return Ok(Exit::Passed);
    };
    let twin = &component.description().id;
    refuse_duplicate(&scenario, twin, &text)?;
    if !offline {
        compare(component.description(), cx)?;
    }
    let tag = if scenario.config.twins.len() > 1 { format!("code:{twin}") } else { "code".to_owned() };
    let line = format!("- [{tag}] {text}");
    insert(&path, &scenario, &line)
        .map_err(|error| Failure::orchestrator(format!("cannot write `{}`", file.display())).because(&error))?;
    cx.console.result(&format!("{}: {line}", file.display()));
    Ok(Exit::Passed)
}

/// The twins of the scenario that are here, in its order.
fn components(scenario: &Scenario, known: &mut Components) -> Result<Vec<Component>, Failure> {
    let mut components = Vec::new();
    for twin in &scenario.config.twins {
        match known.of(scenario, twin) {
            Ok(component) => components.push(component),
            // A twin that only exists elsewhere.
            Err(LoadError::Unknown { .. }) => {}
            Err(error) => return Err(twins::load_failure(&error)),
        }
    }
    if components.is_empty() {
        return Err(Failure::usage(format!(
            "none of the scenario's twins is built in: `{}`",
            scenario.config.twins.join("`, `")
        )));
    }
    Ok(components)
}

fn find<'a>(id: &str, components: &'a [Component]) -> Result<(&'a Component, &'a Check), Failure> {
    let all = || {
        components
            .iter()
            .flat_map(|component| component.description().checks.iter().map(move |check| (component, check)))
    };
    all().find(|(_, check)| check.id == id).ok_or_else(|| {
        let near = nearest::among(id, all().map(|(_, check)| check.id.as_str()));
        let failure = Failure::usage(format!("no check of this scenario's twins is called `{id}`"));
        match near.first() {
            Some(name) => failure.hint(format!("did you mean {name}?")),
            None => failure.hint("`pome checks <twin>` lists them"),
        }
    })
}

/// The sentence from `--arg` values: all slots, no others, each once and with a value that fits.
fn from_arguments(component: &Component, check: &Check, args: &[(String, String)]) -> Result<String, Failure> {
    let mut values = BTreeMap::new();
    for (name, value) in args {
        if !check.params.iter().any(|param| param.name == *name) {
            let slots: Vec<&str> = check.params.iter().map(|param| param.name.as_str()).collect();
            return Err(Failure::usage(format!("`{}` has no slot `{name}`", check.id))
                .hint(format!("its slots are `{}`", slots.join("`, `"))));
        }
        if values.insert(name.as_str(), value.as_str()).is_some() {
            return Err(Failure::usage(format!("the slot `{name}` is given twice")));
        }
    }
    let judge = component.judge();
    for param in &check.params {
        let value = *values.get(param.name.as_str()).ok_or_else(|| {
            Failure::usage(format!("the slot `{}` of `{}` is missing", param.name, check.id))
                .hint(format!("add `--arg {}={}`", param.name, param.example))
        })?;
        if !fits(&judge, check, &param.name, value)? {
            return Err(Failure::usage(format!("`{}` cannot be `{value}`", param.name))
                .hint(format!("something like `{}` would do", param.example)));
        }
    }
    let text = fill(check, |name| values.get(name).map(|value| (*value).to_owned()))
        .ok_or_else(|| Failure::orchestrator(format!("the template of `{}` is not well-formed", check.id)))?;
    if binds(&judge, check, &text)? {
        Ok(text)
    } else {
        Err(Failure::usage(format!("`{}` does not understand `{text}`", check.id)))
    }
}

/// Whether the value fits the slot: the other slots hold their examples, so only this one can be wrong.
fn fits(judge: &Judge, check: &Check, slot: &str, value: &str) -> Result<bool, Failure> {
    let example = |name: &str| check.params.iter().find(|param| param.name == name).map(|param| param.example.clone());
    let text = fill(check, |name| if name == slot { Some(value.to_owned()) } else { example(name) });
    text.map_or(Ok(false), |text| binds(judge, check, &text))
}

/// Whether the sentence means this very check. A looser reading of another one is not what was asked for.
fn binds(judge: &Judge, check: &Check, text: &str) -> Result<bool, Failure> {
    let binding = judge.bind(text).map_err(|fault| Failure::from_error(Exit::Orchestrator, &fault))?;
    Ok(matches!(binding, Binding::Bound(bound) if bound.matcher == check.id))
}

fn refuse_duplicate(scenario: &Scenario, twin: &str, text: &str) -> Result<(), Failure> {
    let same = scenario.criteria.iter().find(|criterion| {
        criterion.kind == CriterionType::Code && scenario.twin_of(criterion) == twin && criterion.text == text
    });
    match same {
        Some(criterion) => {
            Err(Failure::usage(format!("the scenario has this criterion already, in line {}", criterion.line)))
        }
        None => Ok(()),
    }
}

/// Puts the line behind the last criterion, with the line end that the file uses there.
fn insert(path: &Path, scenario: &Scenario, line: &str) -> io::Result<()> {
    let last = scenario.criteria.iter().map(|criterion| criterion.line).max().unwrap_or(0);
    let old = fs::read_to_string(path)?;
    let mut new = String::with_capacity(old.len() + line.len() + 2);
    for (index, text) in old.split_inclusive('\n').enumerate() {
        new.push_str(text);
        if index + 1 == last {
            let end = if text.ends_with("\r\n") { "\r\n" } else { "\n" };
            if !text.ends_with('\n') {
                new.push_str(end);
            }
            new.push_str(line);
            new.push_str(end);
        }
    }
    fs::write(path, new)
}

/// Asks for the check and its slots; nothing when the answer to the last question is no.
fn pick<'a>(components: &'a [Component], cx: &Context) -> Result<Option<(&'a Component, String)>, Failure> {
    if cx.environment.is_set(env::CI) || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::usage("no check is named, and there is nobody to ask")
            .hint("name one with `--check <id>`; `pome checks <twin>` lists them"));
    }
    let choices: Vec<(&Component, &Check)> = components
        .iter()
        .flat_map(|component| component.description().checks.iter().map(move |check| (component, check)))
        .collect();
    for (index, (_, check)) in choices.iter().enumerate() {
        cx.console.usage(&format!("{:>3}  {}", index + 1, sentence(check)));
    }
    let chosen = tries(
        "which one? ",
        |answer| {
            let number: usize = answer.parse().map_err(|_| "a number from the list".to_owned())?;
            number
                .checked_sub(1)
                .and_then(|index| choices.get(index))
                .copied()
                .ok_or_else(|| "a number from the list".to_owned())
        },
        cx,
    )?;
    let (component, check) = chosen;
    let judge = component.judge();
    let mut values: BTreeMap<&str, String> = BTreeMap::new();
    for param in &check.params {
        let prompt = format!("{} (for example {}): ", param.name, param.example);
        let good = |answer: &str| match fits(&judge, check, &param.name, answer) {
            Ok(true) => Ok(answer.to_owned()),
            Ok(false) => Err(format!("something like `{}`", param.example)),
            Err(failure) => Err(failure.message),
        };
        values.insert(&param.name, tries(&prompt, good, cx)?);
    }
    let text = fill(check, |name| values.get(name).cloned()).unwrap_or_default();
    cx.console.usage(&text);
    let answer = question("add this criterion? [y/N] ")?;
    Ok(matches!(answer.as_deref(), Some("y" | "Y" | "yes")).then_some((component, text)))
}

/// Asks until the answer is good, a few times.
fn tries<T>(text: &str, check: impl Fn(&str) -> Result<T, String>, cx: &Context) -> Result<T, Failure> {
    for _ in 0..TRIES {
        let Some(answer) = question(text)? else { break };
        match check(&answer) {
            Ok(value) => return Ok(value),
            Err(wanted) => cx.console.usage(&format!("expected {wanted}")),
        }
    }
    Err(Failure::usage("no usable answer, nothing was written"))
}

fn question(text: &str) -> Result<Option<String>, Failure> {
    ask(text).map_err(|error| Failure::orchestrator("the answer cannot be read").because(&error))
}
