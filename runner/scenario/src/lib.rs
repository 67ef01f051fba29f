//! Scenarios: Markdown files with a prompt for the agent, a seed for the twins and criteria for the run.
//!
//! ```text
//! discover(path)        which files, in which order            discover.rs
//!   read(file)          sections -> config, criteria, prompt   markdown.rs, config.rs, criterion.rs
//!     seed::resolve     which seed each twin starts from       seed.rs
//! ```
//!
//! Judging criteria is left to the evaluator, component files are left to the caller ([`Twins`]). Every error has the place in the file and a remedy ([`Error`]).
//! Files are read in [`discover()`], [`read`] and [`seed`]; everything else works on text.

mod config;
mod criterion;
mod discover;
mod error;
mod evaluators;
mod json;
mod markdown;
pub mod seed;
mod twins;

use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

pub use config::{Class, Config};
pub use criterion::{Criterion, MarkerEra};
pub use discover::{Discovery, Skipped, discover};
pub use error::{Error, Problem};
pub use evaluators::{EvaluatorEntry, is_tag};
pub use pome_wire::meta::SeedSource;
pub use pome_wire::score::CriterionType;
pub use twins::{BuiltInOnly, NoTwin, Twins, is_path};

use markdown::{Document, Section};

/// Twins that a scenario may name whether or not their component is loaded.
pub const KNOWN_TWINS: [&str; 5] = ["github", "slack", "stripe", "gmail", "linear"];

/// A scenario as understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The file, as it was named.
    pub path: PathBuf,
    /// Name of its folder of runs and on the wire.
    pub slug: String,
    /// The first level-1 heading, else the slug.
    pub title: String,
    /// For people.
    pub setup: String,
    /// What the agent is told.
    pub prompt: String,
    /// For judges; the agent never sees it.
    pub expected_behavior: String,
    /// What is judged, in file order; never empty.
    pub criteria: Vec<Criterion>,
    /// Limits and twins.
    pub config: Config,
    /// What the seed section holds.
    pub seed_section: SeedSection,
    /// SHA-256 of the file, in hex.
    pub source_sha256: String,
}

/// What the seed section of a scenario holds.
#[derive(Debug, Clone, PartialEq)]
pub enum SeedSection {
    /// There is none, or it is empty.
    Absent,
    /// JSON.
    Json(seed::Document),
    /// A description for people, which needs a compiled file beside the scenario.
    Prose {
        /// Where it starts.
        line: usize,
    },
}

impl Scenario {
    /// The first twin, which plain state files and untagged criteria belong to.
    pub fn primary_twin(&self) -> &str {
        self.config.twins.first().map_or("github", String::as_str)
    }

    /// The twin whose state a criterion is about; none when it is about all of them, which evaluators and expressions can be.
    pub fn subject_of<'a>(&'a self, criterion: &'a Criterion) -> Option<&'a str> {
        let untagged = criterion.twin.is_none();
        let of_all = untagged && criterion.kind == CriterionType::Code && self.config.twins.len() > 1;
        (!of_all && criterion.evaluator.is_none()).then(|| self.twin_of(criterion))
    }

    /// The twin that a criterion belongs to.
    pub fn twin_of<'a>(&'a self, criterion: &'a Criterion) -> &'a str {
        criterion.twin.as_deref().unwrap_or_else(|| self.primary_twin())
    }
}

impl Serialize for Scenario {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            slug: &'a str,
            title: &'a str,
            setup: &'a str,
            prompt: &'a str,
            expected_behavior: &'a str,
            criteria: &'a [Criterion],
            config: &'a Config,
            source_sha256: &'a str,
        }
        Written {
            slug: &self.slug,
            title: &self.title,
            setup: &self.setup,
            prompt: &self.prompt,
            expected_behavior: &self.expected_behavior,
            criteria: &self.criteria,
            config: &self.config,
            source_sha256: &self.source_sha256,
        }
        .serialize(serializer)
    }
}

/// Reads and parses a file. `twins` knows those beside [`KNOWN_TWINS`] and is asked for the ids of component files.
pub fn read(path: &Path, twins: &mut dyn Twins) -> Result<Scenario, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::new(path, Problem::Read(source)))?;
    parse(path, &bytes, twins)
}

/// Parses the content of a scenario file; `path` gives the slug and the place in errors.
pub fn parse(path: &Path, bytes: &[u8], twins: &mut dyn Twins) -> Result<Scenario, Error> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let line = 1 + bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
            return Err(Error::new(path, Problem::NotUtf8).at(line));
        }
    };
    let slug = slug_of(path);
    let document = Document::split(text);
    let config = config::read(path, document.section(&["config"]), twins)?;
    let prompt = required(path, &document, "Prompt", &["prompt", "task"])?.text().trim().to_owned();
    let section = required(path, &document, "Success Criteria", &["success criteria", "checks"])?;
    let criteria = criterion::read_all(path, section, &config)?;
    let text_of =
        |name: &str| document.section(&[name]).map(|section| section.text().trim().to_owned()).unwrap_or_default();
    Ok(Scenario {
        title: document.title.clone().unwrap_or_else(|| slug.clone()),
        slug,
        setup: text_of("setup"),
        prompt,
        expected_behavior: text_of("expected behavior"),
        criteria,
        config,
        seed_section: seed::section(path, document.section(&["seed state"]))?,
        source_sha256: hex(&Sha256::digest(bytes)),
        path: path.to_owned(),
    })
}

fn required<'a>(
    path: &Path,
    document: &'a Document,
    name: &'static str,
    headings: &[&str],
) -> Result<&'a Section, Error> {
    let section = document
        .section(headings)
        .ok_or_else(|| Error::new(path, Problem::MissingSection { name }).at(document.title_line.unwrap_or(1)))?;
    if section.text().trim().is_empty() {
        return Err(Error::new(path, Problem::EmptySection { name }).at(section.heading_line));
    }
    Ok(section)
}

/// The file name without extension, lower case, every run of other characters as one dash, none at the edges.
pub fn slug_of(path: &Path) -> String {
    pome_wire::project::slug_of(&path.file_stem().unwrap_or_default().to_string_lossy())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
