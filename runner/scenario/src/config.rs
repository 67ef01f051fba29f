//! The config section.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_norway::Value;

use crate::KNOWN_TWINS;
use crate::error::{Error, Problem};
use crate::evaluators::{self, EvaluatorEntry};
use crate::markdown::Section;
use crate::twins::{self, Twins};

/// What a scenario asks for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Config {
    /// Ids, at least one; the first is the primary twin.
    pub twins: Vec<String>,
    /// The component files of those that were named by a path, by id. The paths start where the scenario's own does.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub components: BTreeMap<String, PathBuf>,
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
            components: BTreeMap::new(),
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

pub(crate) fn read(path: &Path, section: Option<&Section>, twins: &mut dyn Twins) -> Result<Config, Error> {
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
    if let Some(entries) = keys.texts("twins")?
        && !entries.is_empty()
    {
        (config.twins, config.components) = keys.twins(entries, twins)?;
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

    /// The ids of the listed twins, and the files of those that are listed by a path.
    fn twins(
        &self,
        entries: Vec<String>,
        twins: &mut dyn Twins,
    ) -> Result<(Vec<String>, BTreeMap<String, PathBuf>), Error> {
        let (mut ids, mut components): (Vec<String>, _) = (Vec::new(), BTreeMap::new());
        for entry in entries {
            let here = |problem| Error::new(self.path, problem).at(self.line_of_twin(&entry));
            let file = twins::is_path(&entry).then(|| twins::file_of(self.path, &entry));
            let id = match &file {
                Some(file) if !file.is_file() => {
                    return Err(here(Problem::NoTwinFile { entry: entry.clone(), file: file.clone() }));
                }
                Some(file) => {
                    twins.id_of(file).map_err(|no_twin| here(Problem::TwinFile { entry: entry.clone(), no_twin }))?
                }
                None => entry.clone(),
            };
            if file.is_none() && !KNOWN_TWINS.contains(&id.as_str()) && !twins.ids().contains(&id) {
                let mut known: Vec<String> = KNOWN_TWINS.iter().map(|twin| (*twin).to_owned()).collect();
                known.extend(twins.ids());
                known.sort_unstable();
                known.dedup();
                return Err(here(Problem::UnknownTwin { twin: id, known }));
            }
            if let Some(other) = ids.iter().find(|other| twins::same_variables(other, &id)) {
                if file.is_none() && !components.contains_key(other) && *other == id {
                    return Err(here(Problem::RepeatedTwin { twin: id }));
                }
                return Err(here(Problem::TwinClash { entry: entry.clone(), other: other.clone(), id }));
            }
            if let Some(file) = file {
                components.insert(id.clone(), file);
            }
            ids.push(id);
        }
        Ok((ids, components))
    }

    /// The line on which an entry of `twins` stands, which may be one of a list below its key.
    fn line_of_twin(&self, entry: &str) -> usize {
        let key = self.line("twins");
        let below = self.text.lines().enumerate().skip(key - self.first_line);
        below.into_iter().find(|(_, line)| line.contains(entry)).map_or(key, |(index, _)| self.first_line + index)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NoTwin;

    /// Takes the name of a file for the id of its twin.
    struct ByName;

    impl Twins for ByName {
        fn ids(&self) -> Vec<String> {
            vec!["desk".to_owned()]
        }

        fn id_of(&mut self, file: &Path) -> Result<String, NoTwin> {
            match file.file_stem().and_then(|stem| stem.to_str()) {
                Some("broken") => Err(NoTwin { source: "it is no component".into(), hint: "build it".to_owned() }),
                stem => Ok(stem.unwrap_or_default().to_owned()),
            }
        }
    }

    /// What a list of twins comes to: ids and files, or the message.
    fn twins(list: &str) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        for name in ["pager.wasm", "broken.wasm", "my-desk.wasm", "my_desk.wasm", "github.wasm"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let path = folder.path().join("x.md");
        let text = format!("# X\n## Prompt\nGo\n## Success Criteria\n- [P] Fine\n## Config\n{list}\n");
        let shown = |text: String| text.replace(&format!("{}/", folder.path().display()), "");
        match crate::parse(&path, text.as_bytes(), &mut ByName) {
            Ok(scenario) => Ok(scenario
                .config
                .twins
                .iter()
                .map(|id| match scenario.config.components.get(id) {
                    Some(file) => shown(format!("{id} from {}", file.display())),
                    None => id.clone(),
                })
                .collect()),
            Err(error) => {
                let source =
                    std::error::Error::source(&error).map(|source| format!(" <- {source}")).unwrap_or_default();
                Err(shown(format!("{error}{source} [{}]", error.exit().code())))
            }
        }
    }

    #[test]
    fn names_and_paths_mix_and_a_path_gives_the_id_of_its_component() {
        assert_eq!(
            twins("twins: [github, ./pager.wasm, desk]").unwrap(),
            ["github", "pager from ./pager.wasm", "desk"]
        );
    }

    #[test]
    fn a_path_that_gives_no_twin_is_named_with_its_line() {
        assert_eq!(
            twins("twins:\n  - github\n  - ./nowhere.wasm").unwrap_err(),
            "x.md:9: `twins`: there is no component `./nowhere.wasm` [5]"
        );
        assert_eq!(
            twins("timeout: 9\ntwins: [broken.wasm]").unwrap_err(),
            "x.md:8: `twins`: `broken.wasm` is not a twin that can be used <- it is no component [2]"
        );
    }

    #[test]
    fn twins_that_an_agent_could_not_tell_apart_are_refused() {
        for (list, problem) in [
            ("[github, ./github.wasm]", "the twin of `./github.wasm` is called `github`, which another twin"),
            ("[./github.wasm, github]", "the twin of `github` is called `github`, which another twin"),
            ("[./pager.wasm, ./pager.wasm]", "the twin of `./pager.wasm` is called `pager`, which another twin"),
            ("[./my-desk.wasm, ./my_desk.wasm]", "is called `my_desk`, which has the variables of the twin `my-desk`"),
            ("[desk, desk]", "twin `desk` is listed twice"),
        ] {
            let error = twins(&format!("twins: {list}")).unwrap_err();
            assert!(error.contains(problem), "{list}: {error}");
        }
    }
}
