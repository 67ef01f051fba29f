//! Evaluators of a scenario: the components that it names, and the built-in one for expressions.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pome_sandbox::{Case, Engine, Evaluated, Evaluator, EvaluatorFault, LoadError, digest};
use pome_scenario::{Criterion, Problem, Scenario};
use pome_wire::score::JudgedBy;
use serde_json::{Map, Value};

use crate::artifacts::chain;

/// The built-in evaluator's name.
pub(crate) const EXPRESSIONS: &str = "cel";

/// What a reason starts with when an expression cannot be read.
const SYNTAX: &str = "cel_syntax: column ";

/// Evaluators put in the place of those that a scenario names, by name. Other names are added.
pub type Replaced = BTreeMap<String, PathBuf>;

/// The evaluators of one scenario, in the order in which sentences are offered to them.
#[derive(Debug, Default)]
pub struct Evaluators {
    own: Vec<Entry>,
    expressions: Option<Entry>,
}

/// One evaluator, as far as it can be used.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) by: JudgedBy,
    /// Its parameters as JSON.
    pub(crate) config: String,
    ready: Result<Evaluator, LoadError>,
}

/// Why a criterion has no outcome.
#[derive(Debug)]
pub(crate) enum Broken<'a> {
    /// The component is not an evaluator, or wants more than evaluators get.
    Refused(&'a LoadError),
    /// It was stopped.
    Stopped(EvaluatorFault),
}

impl Evaluators {
    /// Loads what the scenario names. A missing file, bytes that are no component and an expression that cannot be read are errors
    /// of the scenario; a component that asks for too much is one of its criteria only.
    pub fn of(scenario: &Scenario, engine: &Engine, replaced: &Replaced) -> Result<Self, pome_scenario::Error> {
        let mut evaluators = Self::default();
        let folder = scenario.path.parent().unwrap_or(Path::new(""));
        for entry in &scenario.config.evaluators {
            let path = replaced.get(&entry.name).cloned().unwrap_or_else(|| folder.join(&entry.path));
            let loaded = load(engine, &entry.name, &path, entry.config.to_string());
            evaluators.own.push(loaded.map_err(|reason| wrong(scenario, entry.line, &entry.name, reason))?);
        }
        for (name, path) in replaced {
            if scenario.config.evaluators.iter().all(|entry| entry.name != *name) {
                let loaded = load(engine, name, path, "{}".to_owned());
                evaluators.own.push(loaded.map_err(|reason| wrong(scenario, None, name, reason))?);
            }
        }
        evaluators.expressions = expressions_of(scenario, engine)?;
        Ok(evaluators)
    }

    /// Those of a scenario that somebody else sent: none of the files that it names is opened, so only checks of twins and
    /// expressions are judged. Criteria that ask for an evaluator are skipped.
    pub fn expressions_only(scenario: &Scenario, engine: &Engine) -> Result<Self, pome_scenario::Error> {
        Ok(Self { own: Vec::new(), expressions: expressions_of(scenario, engine)? })
    }

    /// Whether an evaluator reads the sentence, asked without any material. An error when the one that is meant cannot be used.
    pub fn reads(&self, criterion: &Criterion) -> Result<bool, String> {
        let asked: Vec<&Entry> = match (&criterion.evaluator, criterion.expression()) {
            (Some(name), _) => self.named(name).into_iter().collect(),
            (None, Some(_)) => self.expressions.iter().collect(),
            (None, None) => self.own.iter().collect(),
        };
        let case = Case { id: &criterion.id, text: &criterion.text, config: "{}", ..Case::default() };
        let mut refused = None;
        for entry in asked {
            match entry.evaluate(&Case { config: &entry.config, ..case }) {
                Ok(Evaluated { outcome: None, .. }) => {}
                // One that cannot do without material has understood the sentence.
                Ok(Evaluated { outcome: Some(_), .. }) | Err(Broken::Stopped(_)) => return Ok(true),
                Err(broken @ Broken::Refused(_)) => refused = refused.or(Some(broken.reason())),
            }
        }
        refused.map_or(Ok(false), Err)
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Entry> {
        self.own.iter().find(|entry| entry.by.name == name)
    }

    /// In the order in which sentences are offered.
    pub(crate) fn own(&self) -> &[Entry] {
        &self.own
    }

    pub(crate) fn expressions(&self) -> Option<&Entry> {
        self.expressions.as_ref()
    }

    /// Whether any criterion may be judged by one of them.
    pub(crate) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.expressions.is_none()
    }

    /// For `meta.json`: the digest of each.
    pub(crate) fn digests(&self) -> Option<Value> {
        let all = self.own.iter().chain(&self.expressions);
        let digests: Map<String, Value> =
            all.map(|entry| (entry.by.name.clone(), entry.by.digest.clone().into())).collect();
        (!digests.is_empty()).then_some(Value::Object(digests))
    }
}

impl Entry {
    pub(crate) fn evaluate(&self, case: &Case<'_>) -> Result<Evaluated, Broken<'_>> {
        let evaluator = self.ready.as_ref().map_err(Broken::Refused)?;
        evaluator.evaluate(case).map_err(Broken::Stopped)
    }
}

/// The evaluator in a file, or why the scenario that names it is wrong.
fn load(engine: &Engine, name: &str, path: &Path, config: String) -> Result<Entry, String> {
    let bytes = fs::read(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
    let by = JudgedBy { name: name.to_owned(), digest: digest(&bytes) };
    let ready = engine.load_evaluator_bytes(name, &bytes);
    match ready {
        Err(LoadError::Invalid { reason, .. }) => Err(format!("`{}` is not a component: {reason}", path.display())),
        ready => Ok(Entry { by, config, ready }),
    }
}

fn wrong(scenario: &Scenario, line: impl Into<Option<usize>>, name: &str, reason: String) -> pome_scenario::Error {
    let problem = Problem::Evaluator { name: name.to_owned(), reason };
    pome_scenario::Error { path: scenario.path.clone(), line: line.into(), problem }
}

/// What judges expressions, when the scenario has any.
fn expressions_of(scenario: &Scenario, engine: &Engine) -> Result<Option<Entry>, pome_scenario::Error> {
    if scenario.criteria.iter().all(|criterion| criterion.expression().is_none()) {
        return Ok(None);
    }
    let expressions = expressions(engine);
    for criterion in &scenario.criteria {
        check(scenario, criterion, &expressions)?;
    }
    Ok(Some(expressions))
}

fn expressions(engine: &Engine) -> Entry {
    let ready = engine.embedded_evaluator(EXPRESSIONS);
    let digest = ready.as_ref().map(|evaluator| evaluator.digest().to_owned()).unwrap_or_default();
    Entry { by: JudgedBy { name: EXPRESSIONS.to_owned(), digest }, config: "{}".to_owned(), ready }
}

/// Refuses an expression that cannot be read: without any material, that is all that the evaluator finds.
fn check(scenario: &Scenario, criterion: &Criterion, expressions: &Entry) -> Result<(), pome_scenario::Error> {
    let Some(expression) = criterion.expression() else { return Ok(()) };
    let case = Case { id: &criterion.id, text: &criterion.text, config: "{}", ..Case::default() };
    let Ok(Evaluated { outcome: Some(outcome), .. }) = expressions.evaluate(&case) else { return Ok(()) };
    let place = outcome.reason.strip_prefix(SYNTAX).and_then(|rest| rest.split_once(": "));
    let Some((column, reason)) = place else { return Ok(()) };
    let problem = Problem::Expression {
        expression: expression.to_owned(),
        column: column.parse().unwrap_or(1),
        reason: reason.to_owned(),
    };
    Err(pome_scenario::Error { path: scenario.path.clone(), line: Some(criterion.line), problem })
}

impl Broken<'_> {
    /// The reason of an errored criterion: a code and what happened.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Refused(error) => format!("evaluator_refused: {}", chain(error)),
            Self::Stopped(fault) => format!("{}: {fault}", crate::evaluate::code_of(fault.kind)),
        }
    }
}
