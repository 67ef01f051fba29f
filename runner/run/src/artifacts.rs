//! The run folder: creating it, writing its files, finding it again. Nothing is written here that was not redacted.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use pome_wire::files;
use pome_wire::meta::RunMeta;
use pome_wire::redact::Redactor;
use pome_wire::score::Score;
use pome_wire::verdict::Verdict;
use serde::Serialize;
use serde_json::{Map, Value};

use disk::write_atomically;

mod disk;
mod error;
mod find;
mod trace;

pub(crate) use disk::{Temporary, for_each_line, pretty, read_json, read_text};
pub use error::Error;
pub(crate) use error::chain;
pub(crate) use find::run_folders;
pub use find::{find_run, write_latest};
pub use trace::Trace;
pub(crate) use trace::{call_of, redacted_line};

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct RunFolder {
    dir: PathBuf,
    redactor: Redactor,
}

/// When a state was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// After seeding, before the agent.
    Initial,
    /// After the agent.
    Final,
}

impl RunFolder {
    /// Creates `<artifacts>/<slug>/<run id>/` with an empty trace and an empty file for signals. `redactor` knows the
    /// secrets of this run.
    pub fn create(artifacts: &Path, slug: &str, run_id: &str, redactor: Redactor) -> Result<Self, Error> {
        let dir = artifacts.join(slug).join(run_id);
        fs::create_dir_all(&dir).map_err(Error::write(&dir))?;
        for name in [files::SIGNALS, files::EVENTS] {
            let path = dir.join(name);
            File::create(&path).map_err(Error::write(&path))?;
        }
        Ok(Self { dir, redactor })
    }

    /// A folder that exists.
    pub fn open(dir: PathBuf, redactor: Redactor) -> Self {
        Self { dir, redactor }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Forgets what the preflight signalled.
    pub fn clear_signals(&self) -> Result<(), Error> {
        let path = self.path(files::SIGNALS);
        File::create(&path).map(drop).map_err(Error::write(&path))
    }

    /// Writes `meta.json`.
    pub fn write_meta(&self, meta: &RunMeta) -> Result<(), Error> {
        self.write_json(files::META, meta)
    }

    /// Writes `score.json`.
    pub fn write_score(&self, score: &Score) -> Result<(), Error> {
        self.write_json(files::SCORE, score)
    }

    /// Writes `verdict.json`.
    pub fn write_verdict(&self, verdict: &Verdict) -> Result<(), Error> {
        self.write_json(files::VERDICT, verdict)
    }

    /// Writes `fix-prompt.md`.
    pub fn write_fix_prompt(&self, text: &str) -> Result<(), Error> {
        let text = self.redactor.text(text);
        write_atomically(&self.path(files::FIX_PROMPT), format!("{}\n", text.trim_end()).as_bytes())
    }

    /// Writes `stdout.txt` and `stderr.log`.
    pub fn write_output(&self, stdout: &[u8], stderr: &[u8]) -> Result<(), Error> {
        for (name, bytes) in [(files::STDOUT, stdout), (files::STDERR, stderr)] {
            let text = String::from_utf8_lossy(bytes);
            write_atomically(&self.path(name), self.redactor.text(&text).as_bytes())?;
        }
        Ok(())
    }

    /// Writes the exported state of a twin; `None` when the export failed. `primary` is the first twin of the scenario,
    /// whose files have the plain names.
    pub fn write_state(&self, moment: Moment, twin: &str, primary: bool, state: Option<&[u8]>) -> Result<(), Error> {
        let path = self.path(&state_file(moment, twin, primary));
        let mut value = match state {
            Some(bytes) => serde_json::from_slice(bytes).map_err(|error| Error::corrupt(&path, error))?,
            None => Value::Object(Map::new()),
        };
        self.redactor.value(&mut value);
        write_atomically(&path, pretty(&value, &path)?.as_bytes())
    }

    /// Writes any document with its strings redacted.
    pub fn write_json(&self, name: &str, document: &impl Serialize) -> Result<(), Error> {
        let path = self.path(name);
        let mut value = serde_json::to_value(document).map_err(|error| Error::corrupt(&path, error))?;
        self.redactor.value(&mut value);
        write_atomically(&path, pretty(&value, &path)?.as_bytes())
    }
}

/// The name of the file that holds a state. `primary` is the first twin of the scenario.
pub(crate) fn state_file(moment: Moment, twin: &str, primary: bool) -> String {
    match (moment, primary) {
        (Moment::Initial, true) => files::STATE_INITIAL.to_owned(),
        (Moment::Final, true) => files::STATE_FINAL.to_owned(),
        (Moment::Initial, false) => files::state_initial_of(twin),
        (Moment::Final, false) => files::state_final_of(twin),
    }
}

#[cfg(test)]
mod samples {
    //! A run folder, and what is in it.

    use super::*;

    pub(super) const TS: &str = "2026-05-01T10:00:01.000Z";

    pub(super) fn run(root: &Path) -> RunFolder {
        RunFolder::create(root, "close", "run_1", Redactor::new(["a-literal-secret"])).unwrap()
    }

    pub(super) fn text(folder: &RunFolder, name: &str) -> String {
        fs::read_to_string(folder.path(name)).unwrap()
    }

    pub(super) fn names(folder: &RunFolder) -> Vec<String> {
        let entries = fs::read_dir(folder.dir()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use pome_wire::Exit;
    use pome_wire::score::ScoreSource;
    use pome_wire::verdict::{Reading, VerdictContext};

    use super::samples::{TS, names, run, text};
    use super::*;

    #[test]
    fn a_run_starts_with_an_empty_trace_and_empty_signals() {
        let root = tempfile::tempdir().unwrap();
        let folder = run(root.path());
        assert_eq!(folder.dir(), root.path().join("close/run_1"));
        assert_eq!(names(&folder), ["events.jsonl", "signals.jsonl"]);
        assert_eq!(text(&folder, files::EVENTS), "");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_before_anything_runs() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("close"), "in the way").unwrap();
        let error = RunFolder::create(root.path(), "close", "run_1", Redactor::default()).unwrap_err();
        assert_eq!(error.exit(), Exit::Orchestrator);
        assert!(error.to_string().starts_with("cannot write `"), "{error}");
    }

    #[test]
    fn states_are_redacted_and_named_after_their_twin() {
        let root = tempfile::tempdir().unwrap();
        let folder = run(root.path());
        let state = br#"{"b":[1],"a":{"token":"x","text":"has a-literal-secret"}}"#;
        folder.write_state(Moment::Initial, "github", true, Some(state)).unwrap();
        folder.write_state(Moment::Final, "slack", false, None).unwrap();
        let expected = "{\n  \"b\": [\n    1\n  ],\n  \"a\": {\n    \"token\": \"[REDACTED]\",\n    \"text\": \"has [REDACTED]\"\n  }\n}\n";
        assert_eq!(text(&folder, "state_initial.json"), expected);
        assert_eq!(text(&folder, "state_final.slack.json"), "{}\n");
        assert!(matches!(folder.write_state(Moment::Final, "github", true, Some(b"{")), Err(Error::Corrupt { .. })));
    }

    #[test]
    fn output_and_fix_prompt_are_redacted_text() {
        let root = tempfile::tempdir().unwrap();
        let folder = run(root.path());
        folder.write_output(b"one a-literal-secret\n\xff", b"").unwrap();
        folder.write_fix_prompt("do a-literal-secret\n\n").unwrap();
        assert_eq!(text(&folder, "stdout.txt"), "one [REDACTED]\n\u{fffd}");
        assert_eq!(text(&folder, "stderr.log"), "");
        assert_eq!(text(&folder, "fix-prompt.md"), "do [REDACTED]\n");
    }

    #[test]
    fn a_reader_sees_the_old_verdict_or_the_new_one() {
        let root = tempfile::tempdir().unwrap();
        let folder = run(root.path());
        let verdict = |round: u64| {
            let score = Score::of(Vec::new(), 100.0, false, ScoreSource::LocalEvaluator);
            let context = VerdictContext {
                task_name: "x".repeat(usize::try_from(round % 2).unwrap() * 100_000),
                task_path: String::new(),
                group_id: None,
                run_id: "run_1".to_owned(),
                duration_ms: round,
                finalized_at: TS.to_owned(),
            };
            Verdict::local(&score, context)
        };
        folder.write_verdict(&verdict(0)).unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut reads = 0;
                while !done.load(Ordering::Relaxed) || reads == 0 {
                    let bytes = fs::read(folder.path(files::VERDICT)).unwrap();
                    assert!(matches!(Reading::of(&bytes), Reading::Ok(_)));
                    reads += 1;
                }
            });
            for round in 0..100 {
                folder.write_verdict(&verdict(round)).unwrap();
            }
            done.store(true, Ordering::Relaxed);
            reader.join().unwrap();
        });
        assert_eq!(names(&folder), ["events.jsonl", "signals.jsonl", "verdict.json"]);
    }

    #[test]
    fn a_failed_write_leaves_no_temporary_file() {
        let root = tempfile::tempdir().unwrap();
        let folder = run(root.path());
        fs::create_dir(folder.path(files::FIX_PROMPT)).unwrap();
        assert!(matches!(folder.write_fix_prompt("x"), Err(Error::Write { .. })));
        assert_eq!(names(&folder), ["events.jsonl", "fix-prompt.md", "signals.jsonl"]);
    }
}
