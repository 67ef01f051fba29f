//! The config section.

use std::path::Path;

use serde::Serialize;
use serde_norway::Value;

use crate::KNOWN_TWINS;
use crate::error::{Error, Problem};
use crate::evaluators::{self, EvaluatorEntry};
use crate::markdown::Section;

/// What a scenario asks for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Config {
    /// At least one; the first is the primary twin.
    pub twins: Vec<String>,
    /// Seconds a run may take.
    pub timeout: u64,
    /// Trials, 1 to 20.
    pub runs: u32,
    /// 0 to 100.
    pub pass_threshold: Option<f64>,
    /// What kind of test it is.
    pub class: Option<Class>,
    /// Which model should judge.
    pub judge: Option<String>,
    /// Labels added to those of the command line.
    pub tags: Vec<String>,
    /// Components of the project that judge, in the order in which sentences are offered to them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evaluators: Vec<EvaluatorEntry>,
}

/// What kind of test a scenario is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Does it do the work.
    Conformance,
    /// Does it leave alone what needs no work.
    Restraint,
    /// Does it withstand a trap.
    Adversarial,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            twins: vec!["github".to_owned()],
            timeout: 60,
            runs: 1,
            pass_threshold: None,
            class: None,
            judge: None,
            tags: Vec::new(),
            evaluators: Vec::new(),
        }
    }
}

/// The most trials that a scenario may ask for by itself.
const MOST_RUNS: u64 = 20;

pub(crate) fn read(path: &Path, section: Option<&Section>, loaded: &[&str]) -> Result<Config, Error> {
    let Some(section) = section else { return Ok(Config::default()) };
    let (text, first_line) = section.block();
    let document: Value = serde_norway::from_str(&text).map_err(|error| {
        // Where something is missing at the end, the parser's place lies behind the text.
        let last = text.lines().count().max(1);
        let line = error.location().map_or(1, |place| place.line().clamp(1, last)) + first_line - 1;
        Error::new(path, Problem::ConfigYaml { reason: without_place(&error.to_string()) }).at(line)
    })?;
    let map = match document {
        Value::Mapping(map) => map,
        Value::Null => return Ok(Config::default()),
        other => {
            let problem = Problem::ConfigValue {
                key: "Config".to_owned(),
                want: "keys with values".to_owned(),
                found: noun(&other),
            };
            return Err(Error::new(path, problem).at(first_line));
        }
    };
    let keys = Keys { path, map, text, first_line };
    let mut config = Config::default();
    if let Some(twins) = keys.texts("twins")?
        && !twins.is_empty()
    {
        keys.check_twins(&twins, loaded)?;
        config.twins = twins;
    }
    if let Some(timeout) = keys.positive("timeout")? {
        config.timeout = timeout;
    }
    if let Some(runs) = keys.positive("runs")? {
        config.runs = u32::try_from(runs.min(MOST_RUNS)).unwrap_or(1);
    }
    config.pass_threshold = match keys.percentage("passThreshold")? {
        Some(threshold) => Some(threshold),
        None => keys.percentage("pass_threshold")?,
    };
    config.class = keys.class()?;
    config.judge = keys.text("judge")?;
    config.tags = keys.texts("tags")?.unwrap_or_default();
    if let Some(value) = keys.get("evaluators") {
        config.evaluators = evaluators::read(&keys, value, &config.twins)?;
    }
    Ok(config)
}

pub(crate) struct Keys<'a> {
    pub(crate) path: &'a Path,
    map: serde_norway::Mapping,
    text: String,
    first_line: usize,
}

impl Keys<'_> {
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// The line of a top-level key. The YAML reader keeps no positions of values.
    pub(crate) fn line(&self, key: &str) -> usize {
        let is_key = |line: &str| {
            let line = line.trim_start_matches(['"', '\'', '{', ' ']);
            line.strip_prefix(key).is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
        };
        self.first_line + self.text.lines().position(is_key).unwrap_or(0)
    }

    /// The line of an element of a list, when the list is written with one element a line; else that of the key.
    pub(crate) fn line_of_item(&self, key: &str, index: usize) -> usize {
        let line = self.line(key);
        let below = self.text.lines().enumerate().skip(line - self.first_line + 1);
        let item = below.take_while(|(_, text)| text.starts_with([' ', '-', '\t']) || text.trim().is_empty());
        let mut items = item.filter(|(_, text)| text.trim_start().starts_with('-'));
        items.nth(index).map_or(line, |(at, _)| self.first_line + at)
    }

    pub(crate) fn wrong(&self, key: &str, want: &str, found: &Value) -> Error {
        let problem = Problem::ConfigValue { key: key.to_owned(), want: want.to_owned(), found: noun(found) };
        Error::new(self.path, problem).at(self.line(key))
    }

    fn text(&self, key: &str) -> Result<Option<String>, Error> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.wrong(key, "a text", other)),
        }
    }

    fn texts(&self, key: &str) -> Result<Option<Vec<String>>, Error> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let items = value.as_sequence().ok_or_else(|| self.wrong(key, "a list of texts", value))?;
        let texts = items.iter().map(|item| {
            let text = item.as_str().map(str::to_owned);
            text.ok_or_else(|| self.wrong(key, "a list of texts", item))
        });
        texts.collect::<Result<_, _>>().map(Some)
    }

    fn positive(&self, key: &str) -> Result<Option<u64>, Error> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.as_u64() {
            Some(number) if number > 0 => Ok(Some(number)),
            _ => Err(self.wrong(key, "a whole number above 0", value)),
        }
    }

    fn percentage(&self, key: &str) -> Result<Option<f64>, Error> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.as_f64() {
            Some(number) if (0.0..=100.0).contains(&number) => Ok(Some(number)),
            _ => Err(self.wrong(key, "a number from 0 to 100", value)),
        }
    }

    fn class(&self) -> Result<Option<Class>, Error> {
        let Some(value) = self.get("class") else { return Ok(None) };
        match value.as_str() {
            Some("conformance") => Ok(Some(Class::Conformance)),
            Some("restraint") => Ok(Some(Class::Restraint)),
            Some("adversarial") => Ok(Some(Class::Adversarial)),
            _ => Err(self.wrong("class", "`conformance`, `restraint` or `adversarial`", value)),
        }
    }

    fn check_twins(&self, twins: &[String], loaded: &[&str]) -> Result<(), Error> {
        let here = |problem| Err(Error::new(self.path, problem).at(self.line("twins")));
        for (index, twin) in twins.iter().enumerate() {
            if !KNOWN_TWINS.contains(&twin.as_str()) && !loaded.contains(&twin.as_str()) {
                let mut known: Vec<String> = KNOWN_TWINS.iter().chain(loaded).map(|twin| (*twin).to_owned()).collect();
                known.sort_unstable();
                known.dedup();
                return here(Problem::UnknownTwin { twin: twin.clone(), known });
            }
            if twins.iter().take(index).any(|earlier| earlier == twin) {
                return here(Problem::RepeatedTwin { twin: twin.clone() });
            }
        }
        Ok(())
    }
}

pub(crate) fn noun(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(flag) => format!("`{flag}`"),
        Value::Number(number) => format!("`{number}`"),
        Value::String(text) if text.chars().count() <= 40 => format!("the text `{text}`"),
        Value::String(_) => "a text".to_owned(),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) => "keys with values".to_owned(),
        Value::Tagged(_) => "a tagged value".to_owned(),
    }
}

/// The parser's words without its own place, which counts from the start of the block.
fn without_place(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}
