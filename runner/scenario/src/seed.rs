//! Which seed each twin of a run starts from: the flag, else the file beside the scenario, else the section, else the default.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pome_wire::meta::SeedSource;
use serde_json::Value;

use crate::error::{Error, Problem};
use crate::markdown::Section;
use crate::{Scenario, SeedSection, json};

/// A seed as it was written, so that messages about it can name a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The file it stands in.
    pub path: PathBuf,
    /// What it says, without `_meta`.
    pub value: Value,
    text: String,
    /// The line of the file on which the text starts.
    first_line: usize,
}

impl Document {
    /// Parses a text that starts at a line of a file.
    pub fn parse(path: &Path, text: &str, first_line: usize) -> Result<Self, Error> {
        let mut value: Value = serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            let reason = message.split(" at line ").next().unwrap_or(&message).to_owned();
            Error::new(path, Problem::SeedJson { reason, column: error.column() })
                .at(first_line + error.line().max(1) - 1)
        })?;
        if let Value::Object(map) = &mut value {
            map.shift_remove("_meta");
        }
        Ok(Self { path: path.to_owned(), value, text: text.to_owned(), first_line })
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = fs::read(path).map_err(|source| Error::new(path, Problem::Read(source)))?;
        let text = String::from_utf8(bytes).map_err(|_| Error::new(path, Problem::NotUtf8))?;
        Self::parse(path, text.strip_prefix('\u{feff}').unwrap_or(&text), 1)
    }

    /// The line of the file on which the value at `customers[0].email` stands.
    pub fn line_of(&self, path: &str) -> Option<usize> {
        json::line_of(&self.text, &json::steps(path)).map(|line| self.first_line + line - 1)
    }
}

/// What the seed section of a scenario holds.
pub(crate) fn section(path: &Path, section: Option<&Section>) -> Result<SeedSection, Error> {
    let Some(section) = section else { return Ok(SeedSection::Absent) };
    let (text, line) = section.block();
    if text.is_empty() {
        return Ok(SeedSection::Absent);
    }
    if text.trim_start().starts_with(['{', '[']) {
        return Document::parse(path, &text, line).map(SeedSection::Json);
    }
    Ok(SeedSection::Prose { line })
}

/// `<scenario without extension>.seed.json`
pub fn sidecar_of(scenario: &Path) -> PathBuf {
    scenario.with_extension("seed.json")
}

/// The seeds of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Seeds {
    /// Where they come from.
    pub source: SeedSource,
    /// What they were cut from; absent for defaults.
    pub document: Option<Document>,
    per_twin: BTreeMap<String, Seed>,
}

#[derive(Debug, Clone, PartialEq)]
struct Seed {
    value: Value,
    /// Path of the seed inside its document, with a trailing dot when not empty.
    prefix: String,
}

impl Seeds {
    /// The seed of a twin, as JSON text; `None` when it starts from its default.
    pub fn json_of(&self, twin: &str) -> Option<Vec<u8>> {
        self.per_twin.get(twin).map(|seed| seed.value.to_string().into_bytes())
    }

    /// The seed of a twin; `None` when it starts from its default.
    pub fn value_of(&self, twin: &str) -> Option<&Value> {
        self.per_twin.get(twin).map(|seed| &seed.value)
    }

    /// Where a value of a twin's seed stands, as `path:line`; `None` when it has no place.
    pub fn place_of(&self, twin: &str, path: &str) -> Option<(PathBuf, usize)> {
        let (document, seed) = (self.document.as_ref()?, self.per_twin.get(twin)?);
        let line = document.line_of(&format!("{}{path}", seed.prefix))?;
        Some((document.path.clone(), line))
    }

    fn defaults() -> Self {
        Self { source: SeedSource::Default, document: None, per_twin: BTreeMap::new() }
    }
}

/// Seeds that twins bring with them: `(twin, name)` to JSON text.
pub type BuiltIn<'a> = dyn Fn(&str, &str) -> Option<Vec<u8>> + 'a;

/// Finds the seeds of a scenario. `flag` is what `--seed` says; `cwd` is where its relative names are looked up.
pub fn resolve(scenario: &Scenario, flag: Option<&str>, cwd: &Path, built_in: &BuiltIn<'_>) -> Result<Seeds, Error> {
    let twins = &scenario.config.twins;
    if let Some(flag) = flag {
        return by_flag(scenario, flag, cwd, built_in);
    }
    let sidecar = sidecar_of(&scenario.path);
    if sidecar.exists() {
        return cut(Document::read(&sidecar)?, twins, SeedSource::Sidecar);
    }
    match &scenario.seed_section {
        SeedSection::Absent => Ok(Seeds::defaults()),
        SeedSection::Json(document) => cut(document.clone(), twins, SeedSource::Inline),
        SeedSection::Prose { line } => Err(Error::new(&scenario.path, Problem::ProseSeed { sidecar }).at(*line)),
    }
}

fn by_flag(scenario: &Scenario, flag: &str, cwd: &Path, built_in: &BuiltIn<'_>) -> Result<Seeds, Error> {
    let twins = &scenario.config.twins;
    let path = cwd.join(flag);
    if path.is_file() {
        return cut(Document::read(&path)?, twins, SeedSource::Flag);
    }
    let not_found = |tried| Err(Error::new(Path::new(flag), Problem::SeedNotFound { name: flag.to_owned(), tried }));
    let is_name =
        !flag.is_empty() && flag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if !is_name {
        return not_found(vec![path]);
    }
    let mut per_twin = BTreeMap::new();
    for twin in twins {
        if let Some(bytes) = built_in(twin, flag) {
            let text = String::from_utf8_lossy(&bytes);
            let value = Document::parse(Path::new(flag), &text, 1)?.value;
            per_twin.insert(twin.clone(), Seed { value, prefix: String::new() });
        }
    }
    if !per_twin.is_empty() || flag == "default" {
        return Ok(Seeds { source: SeedSource::Flag, document: None, per_twin });
    }
    let folder = scenario.path.parent().unwrap_or(Path::new(""));
    let tried = vec![
        folder.join(format!("{flag}.seed.json")),
        folder.join("seeds").join(format!("{flag}.json")),
        cwd.join("seeds").join(format!("{flag}.json")),
    ];
    match tried.iter().find(|path| path.is_file()) {
        Some(path) => cut(Document::read(path)?, twins, SeedSource::Flag),
        None => not_found(tried),
    }
}

/// One twin: the document is its seed. Several: one key a twin. The keys never decide which of the two it is.
fn cut(document: Document, twins: &[String], source: SeedSource) -> Result<Seeds, Error> {
    let mut per_twin = BTreeMap::new();
    if let [twin] = twins {
        let (value, prefix) = match older_envelope(&document.value, twin) {
            Some(inner) => (inner.clone(), format!("{twin}.seed.")),
            None => (document.value.clone(), String::new()),
        };
        per_twin.insert(twin.clone(), Seed { value, prefix });
    } else {
        let here = |problem, line: Option<usize>| {
            Err(Error::new(&document.path, problem).at(line.unwrap_or(document.first_line)))
        };
        let Value::Object(map) = &document.value else {
            return here(Problem::SeedEnvelope { found: pome_wire::noun(&document.value) }, None);
        };
        for (key, value) in map {
            if !twins.contains(key) {
                let line = json::line_of(&document.text, &[json::Step::Key(key.clone())]);
                let line = line.map(|line| document.first_line + line - 1);
                return here(Problem::SeedTwin { key: key.clone(), twins: twins.to_vec() }, line);
            }
            per_twin.insert(key.clone(), Seed { value: value.clone(), prefix: format!("{key}.") });
        }
    }
    Ok(Seeds { source, document: Some(document), per_twin })
}

/// `{"<twin>": {"seed": {...}}}` with nothing else, an older form of a seed for one twin.
fn older_envelope<'a>(value: &'a Value, twin: &str) -> Option<&'a Value> {
    let outer = value.as_object().filter(|outer| outer.len() == 1)?;
    let inner = outer.get(twin)?.as_object().filter(|inner| inner.len() == 1)?;
    inner.get("seed").filter(|seed| seed.is_object())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(files: &[(&str, &str)]) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            for (name, text) in files {
                let path = folder.0.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            folder
        }

        fn resolve(&self, flag: Option<&str>) -> Result<Seeds, Error> {
            let scenario = crate::read(&self.0.path().join("s/x.md"), &mut crate::BuiltInOnly).unwrap();
            let built_in = |twin: &str, name: &str| {
                (twin == "github" && name == "big").then(|| br#"{"users":["from the twin"]}"#.to_vec())
            };
            resolve(&scenario, flag, self.0.path(), &built_in)
        }

        /// The message without the temporary folder.
        fn error(&self, flag: Option<&str>) -> String {
            self.resolve(flag).unwrap_err().to_string().replace(&format!("{}/", self.0.path().display()), "")
        }
    }

    const PLAIN: &str = "## Prompt\nx\n## Checks\n- [P] y\n";
    const TWO: &str = "## Prompt\nx\n## Checks\n- [P] y\n## Config\ntwins: [github, slack]\n";

    #[test]
    fn the_flag_beats_the_sidecar_beats_the_section_beats_the_default() {
        let inline = format!("{PLAIN}## Seed State\n```json\n{{\"users\": [\"inline\"]}}\n```\n");
        let folder = Folder::with(&[("s/x.md", &inline)]);
        let seeds = folder.resolve(None).unwrap();
        assert_eq!((seeds.source, seeds.value_of("github")), (SeedSource::Inline, Some(&json!({"users": ["inline"]}))));

        let folder = Folder::with(&[
            ("s/x.md", &inline),
            ("s/x.seed.json", r#"{"_meta": {"version": 1}, "users": ["sidecar"]}"#),
            ("mine.json", r#"{"users": ["path"]}"#),
            ("s/near.seed.json", r#"{"users": ["near"]}"#),
            ("s/seeds/near.json", r#"{"users": ["farther"]}"#),
            ("s/seeds/sub.json", r#"{"users": ["sub"]}"#),
            ("seeds/cwd.json", r#"{"users": ["cwd"]}"#),
        ]);
        let user = |flag| {
            let seeds = folder.resolve(flag).unwrap();
            (seeds.source, seeds.value_of("github").map(|seed| seed["users"][0].as_str().unwrap().to_owned()))
        };
        assert_eq!(user(None), (SeedSource::Sidecar, Some("sidecar".to_owned())));
        assert_eq!(folder.resolve(None).unwrap().json_of("github").unwrap(), br#"{"users":["sidecar"]}"#);
        assert_eq!(user(Some("mine.json")), (SeedSource::Flag, Some("path".to_owned())));
        assert_eq!(user(Some("big")), (SeedSource::Flag, Some("from the twin".to_owned())));
        assert_eq!(user(Some("near")), (SeedSource::Flag, Some("near".to_owned())));
        assert_eq!(user(Some("sub")), (SeedSource::Flag, Some("sub".to_owned())));
        assert_eq!(user(Some("cwd")), (SeedSource::Flag, Some("cwd".to_owned())));
        assert_eq!(user(Some("default")), (SeedSource::Flag, None));
        let error = folder.resolve(Some("nothing")).unwrap_err();
        assert_eq!(error.to_string(), "nothing: there is no seed `nothing`");
        assert!(error.hint().contains("seeds/nothing.json"), "{}", error.hint());
        assert_eq!(folder.error(Some("no/such.json")), "no/such.json: there is no seed `no/such.json`");

        let folder = Folder::with(&[("s/x.md", PLAIN)]);
        assert_eq!(folder.resolve(None).unwrap(), Seeds::defaults());
    }

    #[test]
    fn prose_needs_a_compiled_seed_and_a_flag_replaces_it() {
        let folder = Folder::with(&[("s/x.md", &format!("{PLAIN}## Seed State\n\nOne issue.\n"))]);
        assert_eq!(folder.error(None), "s/x.md:7: the seed is prose and needs the compiled seed `s/x.seed.json`");
        assert!(folder.resolve(None).unwrap_err().hint().starts_with("run `pome compile-seeds "));
        assert_eq!(folder.resolve(Some("default")).unwrap().source, SeedSource::Flag);
    }

    #[test]
    fn broken_json_has_its_place() {
        let folder = Folder::with(&[("s/x.md", PLAIN), ("s/x.seed.json", "{\n  \"users\": [,]\n}")]);
        assert_eq!(folder.error(None), "s/x.seed.json:2: the seed is not valid JSON: expected value (column 13)");
        let folder = Folder::with(&[("s/y.md", "")]);
        let text = format!("{PLAIN}## Seed State\nfirst\n\n```json\n{{\n \"a\" 1}}\n```\n");
        let error =
            crate::parse(&folder.0.path().join("s/y.md"), text.as_bytes(), &mut crate::BuiltInOnly).unwrap_err();
        assert_eq!(error.line, Some(10));
    }

    #[test]
    fn the_twins_decide_whether_a_seed_is_an_envelope() {
        let seed = r#"{"github": {"users": []}}"#;
        let folder = Folder::with(&[("s/x.md", PLAIN), ("s/x.seed.json", seed)]);
        assert_eq!(folder.resolve(None).unwrap().value_of("github"), Some(&json!({"github": {"users": []}})));

        let folder = Folder::with(&[("s/x.md", TWO), ("s/x.seed.json", seed)]);
        let seeds = folder.resolve(None).unwrap();
        assert_eq!((seeds.value_of("github"), seeds.value_of("slack")), (Some(&json!({"users": []})), None));

        let older = r#"{"github": {"seed": {"users": [1]}}}"#;
        let folder = Folder::with(&[("s/x.md", PLAIN), ("s/x.seed.json", older)]);
        assert_eq!(folder.resolve(None).unwrap().value_of("github"), Some(&json!({"users": [1]})));
    }

    #[test]
    fn an_envelope_names_only_the_scenarios_twins() {
        let folder = Folder::with(&[("s/x.md", TWO), ("s/x.seed.json", "{\n \"github\": {},\n \"stripe\": {}\n}")]);
        assert_eq!(
            folder.error(None),
            "s/x.seed.json:3: seed key `stripe` is not one of the scenario's twins `github`, `slack`"
        );
        let folder = Folder::with(&[("s/x.md", TWO), ("s/x.seed.json", "[]")]);
        assert_eq!(
            folder.error(None),
            "s/x.seed.json:1: a seed for several twins is an object with one key a twin, found a list"
        );
    }

    #[test]
    fn a_value_in_a_seed_has_a_place() {
        let seed = "{\n \"slack\": {},\n \"github\": {\n  \"users\": [\n   {\"login\": 7}\n  ]\n }\n}";
        let folder = Folder::with(&[("s/x.md", TWO), ("s/x.seed.json", seed)]);
        let (path, line) = folder.resolve(None).unwrap().place_of("github", "users[0].login").unwrap();
        assert_eq!((path.file_name().unwrap().to_str(), line), (Some("x.seed.json"), 5));
    }
}
