//! One bullet of the criteria section.

use std::path::Path;
use std::sync::LazyLock;

use pome_wire::score::CriterionType;
use regex::Regex;
use serde::Serialize;

use crate::config::Config;
use crate::error::{Error, Problem};
use crate::markdown::Section;

/// Something that is judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Criterion {
    /// `crit_<n>`, by position from 0.
    pub id: String,
    /// Decided by code or by a model.
    #[serde(rename = "type")]
    pub kind: CriterionType,
    /// The twin it is tagged with.
    pub twin: Option<String>,
    /// The evaluator it is tagged with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluator: Option<String>,
    /// The sentence.
    pub text: String,
    /// Never excluded as already true in the seed.
    pub always_scored: bool,
    /// Which spelling the marker has.
    pub marker_era: MarkerEra,
    /// The line in the file.
    #[serde(skip)]
    pub line: usize,
}

impl Criterion {
    /// The expression that it is written as, without the mark `cel:`.
    pub fn expression(&self) -> Option<&str> {
        if self.kind == CriterionType::Code && self.evaluator.is_none() { expression(&self.text) } else { None }
    }
}

fn expression(text: &str) -> Option<&str> {
    text.strip_prefix("cel:").map(str::trim)
}

/// The spelling of a marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MarkerEra {
    /// `[D]`, `[P]`
    Legacy,
    /// `[code]`, `[model]`
    Current,
}

#[expect(clippy::expect_used, reason = "constant patterns, compiled by a test")]
static CRITERION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[-*]\s+\[(D|P|code|model)(?::([a-z][a-z0-9_-]*))?(\s+always-scored)?\]\s+(.+)$").expect("valid")
});
#[expect(clippy::expect_used, reason = "constant patterns, compiled by a test")]
static NEAR: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[-*]\s*\[\s*(code|model|D|P)\b[^\]]*\]").expect("valid"));

pub(crate) fn read_all(path: &Path, section: &Section, config: &Config) -> Result<Vec<Criterion>, Error> {
    let mut criteria = Vec::new();
    for (number, line) in section.numbered() {
        let here = |problem| Error::new(path, problem).at(number);
        if let Some(criterion) = read(line.trim(), number, criteria.len(), config).map_err(here)? {
            criteria.push(criterion);
        }
    }
    if criteria.is_empty() {
        return Err(Error::new(path, Problem::NoCriterion).at(section.heading_line));
    }
    Ok(criteria)
}

fn read(line: &str, number: usize, index: usize, config: &Config) -> Result<Option<Criterion>, Problem> {
    let Some(parts) = CRITERION.captures(line) else {
        return if NEAR.is_match(line) { Err(Problem::NearCriterion { line: line.to_owned() }) } else { Ok(None) };
    };
    let part = |index| parts.get(index).map(|part| part.as_str());
    let marker = part(1).unwrap_or_default();
    let kind = CriterionType::from_marker(marker).unwrap_or(CriterionType::Code);
    let always_scored = part(3).is_some();
    if always_scored && kind == CriterionType::Model {
        return Err(Problem::AlwaysScored { marker: marker.to_owned() });
    }
    let text = part(4).unwrap_or_default().trim().to_owned();
    let twins = &config.twins;
    let (twin, evaluator) = match part(2) {
        Some(tag) if twins.iter().any(|twin| twin == tag) => (Some(tag.to_owned()), None),
        Some(tag) if config.evaluators.iter().any(|evaluator| evaluator.name == tag) => {
            if kind == CriterionType::Model {
                return Err(Problem::JudgedByEvaluator { marker: marker.to_owned(), evaluator: tag.to_owned() });
            }
            (None, Some(tag.to_owned()))
        }
        Some(tag) => {
            let evaluators = config.evaluators.iter().map(|evaluator| evaluator.name.clone()).collect();
            return Err(Problem::WrongTag { tag: tag.to_owned(), twins: twins.clone(), evaluators });
        }
        None => {
            // An expression and an evaluator see all twins.
            let needs_twin = config.evaluators.is_empty() && expression(&text).is_none();
            if twins.len() > 1 && kind == CriterionType::Code && needs_twin {
                return Err(Problem::UntaggedCriterion { twins: twins.clone() });
            }
            (None, None)
        }
    };
    Ok(Some(Criterion {
        id: format!("crit_{index}"),
        kind,
        twin,
        evaluator,
        text,
        always_scored,
        marker_era: if matches!(marker, "D" | "P") { MarkerEra::Legacy } else { MarkerEra::Current },
        line: number,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Result<Option<Criterion>, String> {
        read(line, 1, 0, &Config::default()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn both_spellings_are_criteria() {
        let old = one("- [D] No new labels were created").unwrap().unwrap();
        assert_eq!((old.kind, old.marker_era), (CriterionType::Code, MarkerEra::Legacy));
        let new = one("* [code:github always-scored]  x ").unwrap().unwrap();
        assert_eq!(
            (new.twin.as_deref(), new.always_scored, new.text.as_str(), new.marker_era),
            (Some("github"), true, "x", MarkerEra::Current)
        );
        assert_eq!(one("- [P] explains it").unwrap().unwrap().kind, CriterionType::Model);
    }

    #[test]
    fn other_bullets_are_prose() {
        for line in ["- [ ] todo", "- [note] x", "plain", "", "- [Decided] x", "1. [code] x", "- [CODE] x"] {
            assert_eq!(one(line), Ok(None), "{line}");
        }
    }

    #[test]
    fn near_criteria_are_refused() {
        for line in
            ["-[code] x", "- [ code] x", "- [code]x", "- [code:GitHub] x", "- [model ] x", "- [D always] x", "- [P]"]
        {
            assert!(one(line).unwrap_err().contains("refused instead of dropped"), "{line}");
        }
    }
}
