//! The project file in its five spellings, as one normalised value. Finding the file and decoding YAML is left to the runner.

use serde_json::{Map, Value};

use crate::fields::{Fields, ShapeError};

/// Which file a project is described by, in the order in which they win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Spelling {
    /// `.pome.json`
    DotPomeJson,
    /// `pome.config.json`
    PomeConfigJson,
    /// `pome.json`
    PomeJson,
    /// `pome.yaml`
    PomeYaml,
    /// `pome.yml`
    PomeYml,
}

impl Spelling {
    /// All of them, the winner first.
    pub const ALL: [Self; 5] = [Self::DotPomeJson, Self::PomeConfigJson, Self::PomeJson, Self::PomeYaml, Self::PomeYml];

    /// Name of the file.
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::DotPomeJson => ".pome.json",
            Self::PomeConfigJson => "pome.config.json",
            Self::PomeJson => "pome.json",
            Self::PomeYaml => "pome.yaml",
            Self::PomeYml => "pome.yml",
        }
    }

    /// Whether its content is YAML.
    pub const fn is_yaml(self) -> bool {
        matches!(self, Self::PomeYaml | Self::PomeYml)
    }
}

/// Where runs happen, as a project file says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `oss`
    Local,
    /// `hosted`
    Hosted,
}

/// Language of the harness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `ts`
    TypeScript,
    /// `python`
    Python,
}

/// Who the agent is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agent {
    /// Stable name.
    pub slug: Option<String>,
    /// Id at the control plane; only one old spelling stores it.
    pub id: Option<String>,
    /// Name for people.
    pub name: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// What it is built with.
    pub framework: Option<String>,
}

/// A project file. Paths are relative to the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Project {
    /// Where runs happen by default.
    pub mode: Option<Mode>,
    /// Language of the harness.
    pub language: Option<Language>,
    /// The harness file.
    pub harness: Option<String>,
    /// The agent command.
    pub command: Option<String>,
    /// Default twins.
    pub twins: Option<Vec<String>>,
    /// Where scenarios are.
    pub tasks: Option<String>,
    /// Where runs are written.
    pub artifacts_dir: Option<String>,
    /// 0 to 100.
    pub pass_threshold: Option<f64>,
    /// Who the agent is.
    pub agent: Agent,
    /// Whether `run` checks the set-up first.
    pub doctor: bool,
    /// The whole document, for rewriting it with unknown keys kept.
    pub raw: Map<String, Value>,
}

/// Frameworks with a known name.
pub const FRAMEWORKS: [&str; 10] = [
    "langgraph",
    "claude-agent-sdk",
    "openai-agents",
    "crewai",
    "autogen",
    "llamaindex",
    "google-adk",
    "mastra",
    "pydantic-ai",
    "semantic-kernel",
];

impl Project {
    /// Reads a decoded document in one of its spellings.
    pub fn read(spelling: Spelling, document: Value) -> Result<Self, ShapeError> {
        let Value::Object(raw) = document else {
            let problem = format!("expected an object, found {}", crate::fields::noun(&document));
            return Err(ShapeError::new(spelling.file_name(), problem));
        };
        let mut fields = Fields::new(raw.clone());
        let project = match spelling {
            Spelling::DotPomeJson => dot_pome(&mut fields, raw)?,
            Spelling::PomeConfigJson => pome_config(&mut fields, raw)?,
            Spelling::PomeJson | Spelling::PomeYaml | Spelling::PomeYml => pome_json(&mut fields, raw)?,
        };
        if let Some(threshold) = project.pass_threshold
            && !(0.0..=100.0).contains(&threshold)
        {
            return Err(ShapeError::new("pass_threshold", format!("expected 0 to 100, found {threshold}")));
        }
        if let Some(slug) = &project.agent.slug
            && !is_slug(slug)
        {
            let problem = format!("`{slug}` is not lower-case words joined by `-`, at most 64 characters");
            return Err(ShapeError::new("agent.slug", problem));
        }
        if project.twins.as_ref().is_some_and(Vec::is_empty) {
            return Err(ShapeError::new("twins", "is empty"));
        }
        Ok(project)
    }

    /// The known framework that a misspelt one probably means.
    pub fn framework_suggestion(&self) -> Option<&'static str> {
        let written = self.agent.framework.as_deref()?;
        if FRAMEWORKS.contains(&written) {
            return None;
        }
        FRAMEWORKS
            .into_iter()
            .map(|known| (edit_distance(written, known), known))
            .filter(|(far, _)| *far <= 2)
            .min()
            .map(|(_, known)| known)
    }
}

fn dot_pome(fields: &mut Fields, raw: Map<String, Value>) -> Result<Project, ShapeError> {
    let modes = [("oss", Mode::Local), ("hosted", Mode::Hosted)];
    let languages = [("ts", Language::TypeScript), ("python", Language::Python)];
    let tasks = match fields.opt_string("scenarios")? {
        Some(scenarios) => Some(scenarios),
        None => fields.opt_string("tasks")?,
    };
    Ok(Project {
        mode: fields.opt_word("mode", &modes)?,
        language: fields.opt_word("language", &languages)?,
        harness: fields.opt_string("harness")?,
        command: fields.opt_string("command")?,
        twins: fields.opt_strings("twins")?,
        tasks,
        artifacts_dir: fields.opt_string("artifacts_dir")?,
        pass_threshold: fields.opt_f64("pass_threshold")?,
        agent: agent(fields.opt_object("agent")?)?,
        doctor: fields.opt_bool("doctor")?.unwrap_or(false),
        raw,
    })
}

fn pome_config(fields: &mut Fields, raw: Map<String, Value>) -> Result<Project, ShapeError> {
    let mut nested = Fields::new(fields.opt_object("agent")?.unwrap_or_default());
    let inside = |error: ShapeError| error.inside("agent");
    let command = nested.opt_string("command").map_err(inside)?;
    let framework = nested.opt_string("sdk").map_err(inside)?;
    Ok(Project {
        command,
        artifacts_dir: fields.opt_string("artifactsDir")?,
        pass_threshold: fields.opt_f64("passThreshold")?,
        agent: Agent {
            slug: fields.opt_string("agentSlug")?,
            id: fields.opt_string("agentId")?,
            name: nested.opt_string("name").map_err(inside)?,
            description: nested.opt_string("description").map_err(inside)?,
            version: nested.opt_string("version").map_err(inside)?,
            framework,
        },
        raw,
        ..Project::default()
    })
}

fn pome_json(fields: &mut Fields, raw: Map<String, Value>) -> Result<Project, ShapeError> {
    let agent = agent(fields.opt_object("agent")?)?;
    if agent.slug.is_none() {
        return Err(ShapeError::new("agent.slug", "is missing"));
    }
    let threshold = fields.opt_f64("pass_threshold")?;
    if let Some(number) = threshold
        && number.fract() != 0.0
    {
        return Err(ShapeError::new("pass_threshold", format!("expected an integer, found {number}")));
    }
    Ok(Project {
        command: fields.opt_string("command")?,
        twins: fields.opt_strings("twins")?,
        tasks: fields.opt_string("tasks")?,
        artifacts_dir: fields.opt_string("artifacts_dir")?,
        pass_threshold: threshold,
        agent,
        raw,
        ..Project::default()
    })
}

fn agent(map: Option<Map<String, Value>>) -> Result<Agent, ShapeError> {
    let mut fields = Fields::new(map.unwrap_or_default());
    let mut text = |key: &str| fields.opt_string(key).map_err(|error| error.inside("agent"));
    Ok(Agent {
        slug: text("slug")?,
        id: None,
        name: text("name")?,
        description: text("description")?,
        version: text("version")?,
        framework: text("framework")?,
    })
}

/// Whether a text is a slug: lower-case words joined by single dashes, at most 64 characters.
pub fn is_slug(text: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.len() <= 64 && text.split('-').all(word)
}

/// A slug from any name: lower case, every run of other characters as one dash, none at the edges.
pub fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for char in name.trim().chars().flat_map(char::to_lowercase) {
        if char.is_ascii_lowercase() || char.is_ascii_digit() {
            slug.push(char);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// How many letters must be changed, added or dropped to get from one word to the other.
pub fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, left) in from.chars().enumerate() {
        let mut next = vec![line + 1];
        for ((right, above_left), above) in to.iter().zip(&row).zip(row.iter().skip(1)) {
            let before = next.last().copied().unwrap_or_default();
            next.push((above_left + usize::from(left != *right)).min(above + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_project_in_three_spellings_reads_the_same_where_they_overlap() {
        let dot = json!({"command": "node a.js", "artifacts_dir": "out", "pass_threshold": 90,
            "agent": {"slug": "my-bot", "framework": "mastra", "version": "2"}});
        let config = json!({"agent": {"command": "node a.js", "sdk": "mastra", "version": "2"}, "artifactsDir": "out",
            "passThreshold": 90, "agentSlug": "my-bot"});
        let read = |spelling, document| {
            let mut project = Project::read(spelling, document).unwrap();
            project.raw = Map::new();
            project
        };
        let expected = read(Spelling::DotPomeJson, dot.clone());
        assert_eq!(expected.command.as_deref(), Some("node a.js"));
        assert_eq!(read(Spelling::PomeConfigJson, config), expected);
        assert_eq!(read(Spelling::PomeYaml, dot), expected);
    }

    #[test]
    fn problems_name_the_key() {
        let problem = |spelling, document| Project::read(spelling, document).unwrap_err().to_string();
        assert_eq!(problem(Spelling::PomeJson, json!({})), "`agent.slug`: is missing");
        assert_eq!(
            problem(Spelling::DotPomeJson, json!({"mode": "cloud"})),
            "`mode`: expected one of `oss`, `hosted`, found \"cloud\""
        );
        assert_eq!(
            problem(Spelling::DotPomeJson, json!({"agent": {"slug": "My Bot"}})),
            "`agent.slug`: `My Bot` is not lower-case words joined by `-`, at most 64 characters"
        );
        assert_eq!(
            problem(Spelling::DotPomeJson, json!({"pass_threshold": 101})),
            "`pass_threshold`: expected 0 to 100, found 101"
        );
        assert_eq!(problem(Spelling::DotPomeJson, json!([])), "`.pome.json`: expected an object, found a list");
    }

    #[test]
    fn unknown_keys_are_kept() {
        let project = Project::read(Spelling::DotPomeJson, json!({"$schema": "x", "mine": [1]})).unwrap();
        assert_eq!(Value::Object(project.raw), json!({"$schema": "x", "mine": [1]}));
    }

    #[test]
    fn a_name_becomes_a_slug() {
        assert_eq!(slug_of("  My Project_2!! "), "my-project-2");
        assert_eq!(slug_of("___"), "");
        assert!(is_slug("my-project-2") && !is_slug("a--b") && !is_slug("-a") && !is_slug(""));
    }

    #[test]
    fn a_misspelt_framework_is_guessed() {
        let guess = |framework: &str| {
            let document = json!({"agent": {"framework": framework}});
            Project::read(Spelling::DotPomeJson, document).unwrap().framework_suggestion()
        };
        assert_eq!(guess("langraph"), Some("langgraph"));
        assert_eq!(guess("mastra"), None);
        assert_eq!(guess("my-own"), None);
    }
}
