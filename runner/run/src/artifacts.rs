//! The run folder: creating it, writing its files, finding it again. Nothing is written here that was not redacted.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use pome_wire::event::{self, Line};
use pome_wire::latest::Latest;
use pome_wire::meta::RunMeta;
use pome_wire::redact::Redactor;
use pome_wire::score::Score;
use pome_wire::verdict::Verdict;
use pome_wire::{Exit, files};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{correlate, merge};

/// A file of a run that could not be written, read or found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder or file could not be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// What was being written.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file could not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// What was being read.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file holds something else than it should.
    #[error("`{}` is corrupt: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with the line where there are lines.
        reason: String,
    },
    /// A trace from before every row had a kind.
    #[error("`{}` line {line}: the row has no `kind`, the file is older than the unified event format", path.display())]
    LegacyEvents {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// A run that was asked for is not there.
    #[error("no run `{target}` in `{}`", artifacts.display())]
    NotFound {
        /// As it was asked for.
        target: String,
        /// Where it was looked for.
        artifacts: PathBuf,
    },
    /// A file that is needed is not in the run folder.
    #[error("`{}` has no `{member}`", dir.display())]
    MissingMember {
        /// The run folder.
        dir: PathBuf,
        /// The file.
        member: &'static str,
    },
}

impl Error {
    /// The exit code that the program ends with.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::NotFound { .. } => Exit::Usage,
            Self::Write { .. }
            | Self::Read { .. }
            | Self::Corrupt { .. }
            | Self::LegacyEvents { .. }
            | Self::MissingMember { .. } => Exit::Orchestrator,
        }
    }

    /// What to do about it, when there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { .. } => {
                Some("name a run id, a run folder or `latest`; `--artifacts-dir` says where".to_owned())
            }
            Self::LegacyEvents { .. } => Some("`pome export` still reads such runs".to_owned()),
            Self::MissingMember { .. } => Some("the run did not get far enough; run the scenario again".to_owned()),
            Self::Write { .. } | Self::Read { .. } | Self::Corrupt { .. } => None,
        }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Write { path: path.to_owned(), source }
    }

    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Read { path: path.to_owned(), source }
    }

    pub(crate) fn corrupt(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Corrupt { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// When a state was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// After seeding, before the agent.
    Initial,
    /// After the agent.
    Final,
}

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct RunFolder {
    dir: PathBuf,
    redactor: Redactor,
}

/// What finishing the trace came to.
#[derive(Debug, Default)]
pub struct Trace {
    /// Signal lines that were dropped.
    pub events_dropped: u64,
    /// What could not be done, for the user.
    pub warnings: Vec<String>,
}

/// Traces beyond this are not merged and not correlated, which happens in memory.
const MERGE_LIMIT: u64 = 64 << 20;

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

    /// Adds the recorded calls that the streamed trace lacks (after a failed write, or when nothing was streamed).
    /// `rows` are redacted rows, oldest first.
    pub fn append_missing(&self, rows: &[Vec<u8>]) -> Result<(), Error> {
        let path = self.path(files::EVENTS);
        let mut known = std::collections::BTreeSet::new();
        let mut unfinished = false;
        let mut seen = 0;
        for_each_line(&path, |_, line| {
            unfinished = !line.ends_with('\n');
            if let Line::Event { row, event } = Line::read(line)
                && event.kind() == event::kind::TwinHttp::NAME
                && let Some(id) = id_of(&row)
            {
                known.insert(id);
                seen += 1;
            }
            Ok(())
        })?;
        if !unfinished && seen >= rows.len() {
            return Ok(());
        }
        let file = OpenOptions::new().append(true).create(true).open(&path).map_err(Error::write(&path))?;
        let mut file = BufWriter::new(file);
        let mut write = |bytes: &[u8]| file.write_all(bytes).map_err(Error::write(&path));
        if unfinished {
            write(b"\n")?;
        }
        for row in rows {
            let Ok(Value::Object(row)) = serde_json::from_slice(row) else { continue };
            let row = event::event_row(row);
            if id_of(&row).is_none_or(|id| known.insert(id)) {
                write(format!("{}\n", Value::Object(row)).as_bytes())?;
            }
        }
        file.flush().map_err(Error::write(&path))
    }

    /// Puts calls that were recorded elsewhere into the trace, everything in order of time. `rows` are redacted rows, oldest
    /// first.
    pub fn add_calls(&self, rows: &[Vec<u8>]) -> Result<(), Error> {
        let path = self.path(files::EVENTS);
        let mut lines = Vec::new();
        for_each_line(&path, |_, line| {
            lines.push((time_of(line), line.trim_end().to_owned()));
            Ok(())
        })?;
        for row in rows {
            let Ok(Value::Object(row)) = serde_json::from_slice(row) else { continue };
            let mut row = Value::Object(event::event_row(row));
            self.redactor.value(&mut row);
            let line = row.to_string();
            lines.push((time_of(&line), line));
        }
        lines.sort_by(|left, right| left.0.cmp(&right.0));
        let text: String = lines.into_iter().flat_map(|(_, line)| [line, "\n".to_owned()]).collect();
        write_atomically(&path, text.as_bytes())
    }

    /// The end of a trace: merges the signals, sets the steps, and writes the flat view of the calls. What fails here leaves
    /// the streamed trace as it is.
    pub fn finish_trace(&self) -> Trace {
        let mut trace = Trace::default();
        if let Err(error) = self.merge(&mut trace) {
            trace.warnings.push(format!("the trace stays unmerged: {}", chain(&error)));
        }
        if let Err(error) = self.write_tool_calls() {
            trace.warnings.push(format!("no `{}`: {}", files::TOOL_CALLS, chain(&error)));
        }
        trace
    }

    fn merge(&self, trace: &mut Trace) -> Result<(), Error> {
        let (events_path, signals_path) = (self.path(files::EVENTS), self.path(files::SIGNALS));
        for path in [&events_path, &signals_path] {
            let size = fs::metadata(path).map_or(0, |data| data.len());
            if size > MERGE_LIMIT {
                let mib = size >> 20;
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                trace.warnings.push(format!("the trace stays unmerged: `{name}` has {mib} MiB, the limit is 64 MiB"));
                return Ok(());
            }
        }
        let events = read_text(&events_path)?.unwrap_or_default();
        let signals = read_text(&signals_path)?.unwrap_or_default();
        self.redact_signals(&signals_path, &signals)?;
        let merged = merge::merge(&events, &signals, &self.redactor);
        trace.events_dropped = merged.dropped;
        let mut lines = merged.text.unwrap_or(events);
        if let Some(with_steps) = correlate::with_steps(&lines, &signals) {
            lines = with_steps;
        }
        write_atomically(&events_path, lines.as_bytes())
    }

    /// The agent wrote this file itself, so what it forgot to mask is masked now.
    fn redact_signals(&self, path: &Path, signals: &str) -> Result<(), Error> {
        let mut text = String::with_capacity(signals.len());
        for line in signals.split_inclusive('\n') {
            text.push_str(&redacted_line(line, &self.redactor));
        }
        if text == signals { Ok(()) } else { write_atomically(path, text.as_bytes()) }
    }

    /// The calls of the trace as `tool_calls.jsonl`, line by line so that the length does not matter.
    fn write_tool_calls(&self) -> Result<(), Error> {
        let path = self.path(files::TOOL_CALLS);
        let mut temporary = Temporary::beside(&path)?;
        for_each_line(&self.path(files::EVENTS), |_, line| match call_of(line) {
            Some(row) => temporary.write(format!("{}\n", Value::Object(row)).as_bytes()),
            None => Ok(()),
        })?;
        temporary.commit()
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

/// The recorder row in a line of a trace, when it is a call to a twin.
pub(crate) fn call_of(line: &str) -> Option<Map<String, Value>> {
    let Ok(Value::Object(row)) = serde_json::from_str(line.trim()) else { return None };
    match row.get("kind").map(Value::as_str) {
        Some(Some(event::kind::TwinHttp::NAME)) => Some(event::recorder_row(row)),
        None if event::is_recorder_row(&row) => Some(row),
        _ => None,
    }
}

/// One line with its secrets masked: as JSON when it is JSON, as text otherwise.
pub(crate) fn redacted_line(line: &str, redactor: &Redactor) -> String {
    if serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok() {
        let bytes = redactor.json_bytes(line.as_bytes());
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        redactor.text(line).into_owned()
    }
}

fn time_of(line: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Timed {
        ts: Option<String>,
    }
    serde_json::from_str::<Timed>(line).ok().and_then(|row| row.ts).unwrap_or_default()
}

fn id_of(row: &Map<String, Value>) -> Option<String> {
    let id = row.get("event_id").or_else(|| row.get("request_id"))?;
    id.as_str().map(str::to_owned)
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Records a run as the last one.
pub fn write_latest(artifacts: &Path, latest: &Latest) -> Result<(), Error> {
    let path = artifacts.join(files::LATEST);
    let value = serde_json::to_value(latest).map_err(|error| Error::corrupt(&path, error))?;
    write_atomically(&path, pretty(&value, &path)?.as_bytes())
}

/// Finds a run: `latest`, a run folder, or a run id.
pub fn find_run(target: &str, artifacts: &Path) -> Result<PathBuf, Error> {
    let not_found = || Error::NotFound { target: target.to_owned(), artifacts: artifacts.to_owned() };
    if target == "latest" {
        return latest_run(artifacts)?.ok_or_else(not_found);
    }
    if Path::new(target).is_dir() {
        return Ok(PathBuf::from(target));
    }
    let is_name = !target.is_empty() && !target.contains(['/', '\\']) && target != ".." && target != ".";
    let found =
        run_folders(artifacts).into_iter().find(|dir| is_name && dir.file_name().is_some_and(|name| name == target));
    found.ok_or_else(not_found)
}

fn latest_run(artifacts: &Path) -> Result<Option<PathBuf>, Error> {
    let path = artifacts.join(files::LATEST);
    if let Some(value) = read_json(&path)? {
        let latest = Latest::read(value).map_err(|error| Error::corrupt(&path, error))?;
        let dir = PathBuf::from(latest.run_dir);
        if dir.is_dir() {
            return Ok(Some(dir));
        }
        // Written relative to another working directory, or the whole folder has moved.
        if let (Some(run), Some(slug)) = (dir.file_name(), dir.parent().and_then(Path::file_name)) {
            let moved = artifacts.join(slug).join(run);
            if moved.is_dir() {
                return Ok(Some(moved));
            }
        }
    }
    let started = |dir: &PathBuf| {
        let meta = read_json(&dir.join(files::META)).ok()??;
        meta.get("started_at").and_then(Value::as_str).map(str::to_owned)
    };
    let newest = run_folders(artifacts).into_iter().filter_map(|dir| Some((started(&dir)?, dir))).max();
    Ok(newest.map(|(_, dir)| dir))
}

/// Every `<artifacts>/*/*/`, sorted.
pub(crate) fn run_folders(artifacts: &Path) -> Vec<PathBuf> {
    let folders = |dir: &Path| {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut found: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
        found.sort_unstable();
        found
    };
    folders(artifacts).iter().flat_map(|slug| folders(slug)).collect()
}

/// A file's text; `None` when it does not exist. Bytes that are not UTF-8 are replaced.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::read(path)(error)),
    }
}

/// A JSON document; `None` when the file does not exist.
pub(crate) fn read_json(path: &Path) -> Result<Option<Value>, Error> {
    match read_text(path)? {
        Some(text) => serde_json::from_str(&text).map(Some).map_err(|error| Error::corrupt(path, error)),
        None => Ok(None),
    }
}

/// Calls back for every line with its number and its line end. A file that does not exist has no lines.
pub(crate) fn for_each_line(path: &Path, mut each: impl FnMut(usize, &str) -> Result<(), Error>) -> Result<(), Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::read(path)(error)),
    };
    let mut file = BufReader::new(file);
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        if file.read_until(b'\n', &mut bytes).map_err(Error::read(path))? == 0 {
            break;
        }
        each(number, &String::from_utf8_lossy(&bytes))?;
    }
    Ok(())
}

/// A document as it stands in a file: two spaces, a newline at the end.
pub(crate) fn pretty(value: &Value, path: &Path) -> Result<String, Error> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| Error::corrupt(path, error))?;
    text.push('\n');
    Ok(text)
}

/// Replaces a file so that a reader sees the old or the new content and nothing between.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut temporary = Temporary::beside(path)?;
    temporary.write(bytes)?;
    temporary.commit()
}

/// A file that becomes another one when it is complete, and disappears when it is not.
pub(crate) struct Temporary {
    target: PathBuf,
    path: PathBuf,
    file: BufWriter<File>,
    done: bool,
}

impl Temporary {
    pub(crate) fn beside(target: &Path) -> Result<Self, Error> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let random = RandomState::new().hash_one(0_u8);
        // In the same folder, because a rename between mounts is not atomic.
        let path = target.with_file_name(format!(".{name}.{}.{random:016x}.tmp", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(Error::write(target))?;
        Ok(Self { target: target.to_owned(), path, file: BufWriter::new(file), done: false })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(Error::write(&self.target))
    }

    pub(crate) fn commit(mut self) -> Result<(), Error> {
        self.file.flush().map_err(Error::write(&self.target))?;
        fs::rename(&self.path, &self.target).map_err(Error::write(&self.target))?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.done {
            // The first error is the one that is reported; a temporary file that stays harms nobody.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use pome_wire::score::ScoreSource;
    use pome_wire::verdict::{Reading, VerdictContext};
    use serde_json::json;

    use super::*;
    use crate::samples;

    const TS: &str = "2026-05-01T10:00:01.000Z";

    fn run(root: &Path) -> RunFolder {
        RunFolder::create(root, "close", "run_1", Redactor::new(["a-literal-secret"])).unwrap()
    }

    fn text(folder: &RunFolder, name: &str) -> String {
        fs::read_to_string(folder.path(name)).unwrap()
    }

    fn names(folder: &RunFolder) -> Vec<String> {
        let entries = fs::read_dir(folder.dir()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

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

    #[test]
    fn what_the_stream_lost_is_added_once() {
        let root = tempfile::tempdir().unwrap();
        let folder = run(root.path());
        let row = |id: &str| {
            let event: Value = serde_json::from_str(&samples::call(id, TS, None)).unwrap();
            Value::Object(event::recorder_row(event.as_object().unwrap().clone())).to_string().into_bytes()
        };
        let streamed = format!("{}\n{{\"ts\":\"2026", samples::call("req_1", TS, None));
        fs::write(folder.path(files::EVENTS), &streamed).unwrap();
        for _ in 0..2 {
            folder.append_missing(&[row("req_1"), row("req_2")]).unwrap();
            let expected = format!("{streamed}\n{}\n", samples::call("req_2", TS, None));
            assert_eq!(text(&folder, files::EVENTS), expected);
        }
    }

    #[test]
    fn a_finished_trace_is_merged_has_steps_and_a_flat_view() {
        let root = tempfile::tempdir().unwrap();
        let folder = run(root.path());
        let calls = [samples::call("req_1", "2026-05-01T10:00:03.000Z", Some("toolu_1")), "torn".to_owned()];
        fs::write(folder.path(files::EVENTS), calls.join("\n")).unwrap();
        let signal =
            samples::tool_use("e1", "2026-05-01T10:00:02.000Z", "toolu_1").replace("{\"n\":1}", "\"a-literal-secret\"");
        fs::write(folder.path(files::SIGNALS), format!("{signal}\nnot json a-literal-secret\n")).unwrap();
        let trace = folder.finish_trace();
        assert_eq!((trace.events_dropped, trace.warnings.len()), (1, 0));

        let call = samples::call("req_1", "2026-05-01T10:00:03.000Z", Some("toolu_1"))
            .replace("\"step_id\":null", "\"step_id\":\"stp_h01\"")
            .replace("\"scenario_step_id\":\"stp_h01\"", "\"scenario_step_id\":null")
            .replace("\"task_step_id\":\"stp_h01\"", "\"task_step_id\":null")
            .replace("\"parent_event_id\":null", "\"parent_event_id\":\"e1\"");
        let signal = signal.replace("a-literal-secret", "[REDACTED]");
        assert_eq!(text(&folder, files::EVENTS), format!("torn\n{signal}\n{call}\n"));
        let flat = call.split(",\"kind\"").next().unwrap();
        assert_eq!(text(&folder, files::TOOL_CALLS), format!("{flat}}}\n"));
        assert_eq!(text(&folder, files::SIGNALS), format!("{signal}\nnot json [REDACTED]\n"));
    }

    #[test]
    fn nothing_called_and_nothing_signalled_is_two_empty_files() {
        let root = tempfile::tempdir().unwrap();
        let folder = run(root.path());
        assert_eq!(folder.finish_trace().events_dropped, 0);
        assert_eq!((text(&folder, files::EVENTS), text(&folder, files::TOOL_CALLS)), (String::new(), String::new()));
    }

    #[test]
    fn a_huge_trace_is_left_unmerged_with_a_warning() {
        let root = tempfile::tempdir().unwrap();
        let folder = run(root.path());
        let call = samples::call("req_1", TS, None);
        fs::write(folder.path(files::EVENTS), format!("{call}\n")).unwrap();
        // A hole in the file costs no disk.
        let file = OpenOptions::new().write(true).open(folder.path(files::EVENTS)).unwrap();
        file.set_len(MERGE_LIMIT + (1 << 20)).unwrap();
        fs::write(folder.path(files::SIGNALS), samples::tool_use("e", TS, "t")).unwrap();
        let trace = folder.finish_trace();
        assert_eq!(trace.warnings, ["the trace stays unmerged: `events.jsonl` has 65 MiB, the limit is 64 MiB"]);
        assert_eq!(text(&folder, files::TOOL_CALLS).lines().count(), 1);
    }

    #[test]
    fn a_run_is_found_by_id_by_folder_and_as_the_latest() {
        let root = tempfile::tempdir().unwrap();
        let find = |target: &str| find_run(target, root.path());
        assert_eq!(find("latest").unwrap_err().exit(), Exit::Usage);
        for (id, second) in [("run_1", 5), ("run_2", 9), ("run_3", 7)] {
            let folder = RunFolder::create(root.path(), "close", id, Redactor::default()).unwrap();
            let started = format!("2026-05-01T10:00:0{second}.000Z");
            folder.write_json(files::META, &json!({"started_at": started})).unwrap();
        }
        let dir = |id: &str| root.path().join("close").join(id);
        assert_eq!(find("run_3").unwrap(), dir("run_3"));
        assert_eq!(find(&dir("run_3").display().to_string()).unwrap(), dir("run_3"));
        assert_eq!(find("latest").unwrap(), dir("run_2"));
        let latest = |run_dir: &str| Latest {
            run_id: "run_1".to_owned(),
            scenario: "close".to_owned(),
            run_dir: run_dir.to_owned(),
        };
        write_latest(root.path(), &latest("elsewhere/close/run_1")).unwrap();
        assert_eq!(find("latest").unwrap(), dir("run_1"));
        fs::write(root.path().join(files::LATEST), "{").unwrap();
        assert!(matches!(find("latest"), Err(Error::Corrupt { .. })));
        assert_eq!(find("../close").unwrap_err().exit(), Exit::Usage);
        assert_eq!(find("run_9").unwrap_err().to_string(), format!("no run `run_9` in `{}`", root.path().display()));
    }
}
