//! `latest.json`: which run came last.

use serde::Serialize;
use serde_json::Value;

use crate::fields::{Fields, ShapeError};

/// The document in the artifacts folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latest {
    /// Name of the run folder.
    pub run_id: String,
    /// Slug of the scenario, written under both of its names.
    pub scenario: String,
    /// The run folder, as built from the artifacts folder.
    pub run_dir: String,
}

impl Latest {
    /// Reads the document; only `run_dir` is required.
    pub fn read(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "latest")?;
        let scenario = match fields.opt_string("task")? {
            Some(task) => Some(task),
            None => fields.opt_string("scenario")?,
        };
        Ok(Self {
            run_id: fields.opt_string("run_id")?.unwrap_or_default(),
            scenario: scenario.unwrap_or_default(),
            run_dir: fields.non_empty("run_dir")?,
        })
    }
}

impl Serialize for Latest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            run_id: &'a str,
            task: &'a str,
            scenario: &'a str,
            run_dir: &'a str,
        }
        Written { run_id: &self.run_id, task: &self.scenario, scenario: &self.scenario, run_dir: &self.run_dir }
            .serialize(serializer)
    }
}
