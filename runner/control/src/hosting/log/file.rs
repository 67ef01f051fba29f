//! The logs of sessions of a server that is alone: a file for each, with one JSON object a line.
//!
//! An entry is appended with one write. Then it belongs to the operating system and survives the process; a thread brings it to
//! the medium some seconds later. What a killed process left of a line is taken off before the session goes on.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::hosting::log::{Last, LogsError, PAGE, ReadError, Stored};

/// How long after a round of bringing what was written to the medium the next one begins.
const SYNC: Duration = Duration::from_secs(5);
/// How long between two files: who appends to a file waits while it is brought there.
const BETWEEN: Duration = Duration::from_millis(2);
/// How much is read at a time, in bytes.
const CHUNK: usize = 64 << 10;
/// How many places to read on from are remembered.
const MARKS: usize = 4;

/// One line of a file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line<'a> {
    pub(super) seq: i64,
    #[serde(borrow)]
    pub(super) twin: Cow<'a, str>,
    pub(super) event: i64,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    call_id: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    changed: bool,
    /// In base64.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    step: Option<Cow<'a, str>>,
    /// Last, and as it is: it is most of the line.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    row: Option<&'a RawValue>,
}

/// The folder of all logs. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Files(Arc<Folder>);

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Files with something that may not have reached the medium.
    written: Mutex<Vec<Arc<Open>>>,
}

/// A file that is open for appending.
#[derive(Debug)]
struct Open {
    file: File,
    /// Whether it is among those that are brought to the medium next.
    waits: AtomicBool,
}

/// The file of one session.
#[derive(Debug)]
pub(super) struct FileLog {
    path: PathBuf,
    folder: Arc<Folder>,
    state: Mutex<State>,
    /// Where the line after an entry begins, for a few entries that were last read.
    marks: Mutex<VecDeque<(i64, u64)>>,
}

/// What is known of a log that is appended to.
#[derive(Debug, Default)]
struct State {
    open: Option<Arc<Open>>,
    /// Length in bytes.
    end: u64,
    last: i64,
    /// By twin, the last call in its world.
    events: BTreeMap<String, i64>,
    /// Entries whose calls have a name.
    names: HashMap<String, (i64, String)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code under these locks leaves its data half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Files {
    /// Makes the folder, for its owner only. The thread that brings what was written to the medium ends when the last of these and
    /// of their logs is gone.
    pub(super) fn start(path: PathBuf) -> Result<Self, LogsError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|source| LogsError::Folder { path: path.clone(), source })?;
        let folder = Arc::new(Folder { path, written: Mutex::default() });
        let kept = Arc::downgrade(&folder);
        thread::Builder::new()
            .name("pome-log-sync".to_owned())
            .spawn(move || keep_synced(&kept))
            .map_err(LogsError::Thread)?;
        Ok(Self(folder))
    }

    /// The log of a session, whether there is a file yet or not.
    pub(super) fn log(&self, session_id: &str) -> FileLog {
        // Ids are letters, digits and `_`. Whatever else somebody asks for stays a name in this folder that nobody has.
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        let name: String = session_id.chars().map(plain).collect();
        FileLog {
            path: self.0.path.join(format!("{name}.jsonl")),
            folder: Arc::clone(&self.0),
            state: Mutex::default(),
            marks: Mutex::default(),
        }
    }
}

impl FileLog {
    /// Appends entries as a whole, or not at all.
    pub(super) fn append(&self, entries: &[Stored]) -> Result<(), ReadError> {
        let mut state = lock(&self.state);
        let open = self.opened(&mut state)?;
        let mut lines = Vec::with_capacity(entries.iter().map(|entry| entry.row.len() + 256).sum());
        for entry in entries {
            let taken = entry.call_id.as_ref().filter(|id| state.names.contains_key(*id));
            if let Some(id) = taken {
                return Err(self.failed(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    format!("there is a call named {id} already"),
                )));
            }
            entry.write(&mut lines).map_err(|error| self.failed(error.into()))?;
        }
        if let Err(error) = (&open.file).write_all(&lines) {
            // A part may have got through; the next reader shall not trip over it.
            let _ = open.file.set_len(state.end);
            state.open = None;
            return Err(self.failed(error));
        }
        state.end += lines.len() as u64;
        for entry in entries {
            state.note(entry.seq, &entry.twin, entry.event, entry.call_id.as_deref());
        }
        if !open.waits.swap(true, Ordering::AcqRel) {
            lock(&self.folder.written).push(open);
        }
        Ok(())
    }

    /// The file, open for appending, with its state read and half a line taken off.
    fn opened(&self, state: &mut State) -> Result<Arc<Open>, ReadError> {
        if let Some(open) = &state.open {
            return Ok(Arc::clone(open));
        }
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(|error| self.failed(error))?;
        *state = State::default();
        let read = self.scan(0, &mut |line, end| {
            state.note(line.seq, &line.twin, line.event, line.call_id.as_deref());
            state.end = end;
            Ok(true)
        });
        let length = file.metadata().map_err(|error| self.failed(error))?.len();
        match read {
            Ok(()) => {}
            // The last line was written but did not reach the medium as a whole before the machine went down.
            Err(ReadError::Damaged { at, .. }) if self.is_last_line(at, length)? => {
                tracing::warn!(path = %self.path.display(), at, "the last entry of a log is damaged and was taken off");
            }
            Err(error) => return Err(error),
        }
        if length > state.end {
            file.set_len(state.end).map_err(|error| self.failed(error))?;
        }
        let open = Arc::new(Open { file, waits: AtomicBool::new(false) });
        state.open = Some(Arc::clone(&open));
        Ok(open)
    }

    fn is_last_line(&self, at: u64, length: u64) -> Result<bool, ReadError> {
        let mut rest = Vec::new();
        let mut file = self.reader(at)?;
        if let Some(file) = &mut file {
            file.read_until(b'\n', &mut rest).map_err(|error| self.failed(error))?;
        }
        Ok(at + rest.len() as u64 == length)
    }

    /// Where the log ends; `writes`: it is to be gone on with.
    pub(super) fn last(&self, writes: bool) -> Result<Last, ReadError> {
        let mut state = lock(&self.state);
        if writes {
            self.opened(&mut state)?;
        } else if state.open.is_none() {
            *state = State::default();
            self.scan(0, &mut |line, _| {
                state.note(line.seq, &line.twin, line.event, None);
                Ok(true)
            })?;
        }
        Ok((state.last, state.events.iter().map(|(twin, event)| (twin.clone(), *event)).collect()))
    }

    /// Where the call of this name stands.
    pub(super) fn find(&self, call_id: &str) -> Result<Option<(i64, String)>, ReadError> {
        let mut state = lock(&self.state);
        self.opened(&mut state)?;
        Ok(state.names.get(call_id).cloned())
    }

    /// Calls after `after` that have to be played again, or all calls. Rows are left out.
    pub(super) fn page(&self, after: i64, all: bool) -> Result<Vec<Stored>, ReadError> {
        let mut found = Vec::new();
        self.scan_after(after, &mut |line| {
            if line.event > 0 && (line.changed || all) {
                let step = line.step.as_ref().map(|step| BASE64.decode(step.as_bytes()));
                found.push(Stored {
                    seq: line.seq,
                    twin: line.twin.clone().into_owned(),
                    event: line.event,
                    call_id: line.call_id.clone().map(Cow::into_owned),
                    changed: line.changed,
                    step: step.transpose().map_err(|_| crate::hosting::seal::Broken)?,
                    row: String::new(),
                });
            }
            Ok(found.len() < PAGE)
        })?;
        Ok(found)
    }

    /// Rows behind an entry.
    pub(super) fn rows(
        &self,
        after: i64,
        most: usize,
        wanted: &dyn Fn(&Line<'_>) -> bool,
    ) -> Result<Vec<(i64, String)>, ReadError> {
        let mut found = Vec::new();
        self.scan_after(after, &mut |line| {
            if wanted(line) {
                found.push((line.seq, line.row.map_or("null", RawValue::get).to_owned()));
            }
            Ok(found.len() < most)
        })?;
        Ok(found)
    }

    /// How many entries there are.
    pub(super) fn count(&self) -> Result<i64, ReadError> {
        let mut count = 0;
        let Some(mut file) = self.reader(0)? else { return Ok(0) };
        loop {
            let chunk = file.fill_buf().map_err(|error| self.failed(error))?;
            if chunk.is_empty() {
                return Ok(count);
            }
            count += i64::try_from(memchr::memchr_iter(b'\n', chunk).count()).unwrap_or_default();
            let length = chunk.len();
            file.consume(length);
        }
    }

    pub(super) fn delete(&self) -> Result<(), ReadError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed(error)),
            _ => Ok(()),
        }
    }

    /// Shows the lines behind entry `after` until one is enough, and remembers where that was.
    fn scan_after(
        &self,
        after: i64,
        each: &mut dyn FnMut(&Line<'_>) -> Result<bool, ReadError>,
    ) -> Result<(), ReadError> {
        let known = lock(&self.marks).iter().find(|(seq, _)| *seq == after).map(|(_, at)| *at);
        let mut mark = None;
        self.scan(known.unwrap_or_default(), &mut |line, end| {
            if line.seq <= after {
                return Ok(true);
            }
            let goes_on = each(line)?;
            mark = Some((line.seq, end));
            Ok(goes_on)
        })?;
        if let Some(mark) = mark {
            let mut marks = lock(&self.marks);
            marks.truncate(MARKS - 1);
            marks.push_front(mark);
        }
        Ok(())
    }

    /// Shows whole lines from `from` on, each with where it ends, until one is enough. Half a line at the end is not shown: it is
    /// being written, or its writer was killed.
    fn scan(
        &self,
        from: u64,
        each: &mut dyn FnMut(&Line<'_>, u64) -> Result<bool, ReadError>,
    ) -> Result<(), ReadError> {
        let Some(mut file) = self.reader(from)? else { return Ok(()) };
        let (mut at, mut bytes) = (from, Vec::new());
        loop {
            bytes.clear();
            let length = file.read_until(b'\n', &mut bytes).map_err(|error| self.failed(error))?;
            if bytes.pop() != Some(b'\n') {
                return Ok(());
            }
            let end = at + length as u64;
            let line: Line<'_> = serde_json::from_slice(&bytes).map_err(|source| ReadError::Damaged {
                path: self.path.clone(),
                at,
                source,
            })?;
            if !each(&line, end)? {
                return Ok(());
            }
            at = end;
        }
    }

    /// The file from a place on; nothing when there is none yet.
    fn reader(&self, from: u64) -> Result<Option<BufReader<File>>, ReadError> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        file.seek(SeekFrom::Start(from)).map_err(|error| self.failed(error))?;
        Ok(Some(BufReader::with_capacity(CHUNK, file)))
    }

    fn failed(&self, source: io::Error) -> ReadError {
        ReadError::File { path: self.path.clone(), source }
    }
}

impl State {
    fn note(&mut self, seq: i64, twin: &str, event: i64, call_id: Option<&str>) {
        self.last = self.last.max(seq);
        match self.events.get_mut(twin) {
            Some(last) => *last = event.max(*last),
            None => drop(self.events.insert(twin.to_owned(), event)),
        }
        if let Some(id) = call_id {
            self.names.insert(id.to_owned(), (seq, twin.to_owned()));
        }
    }
}

impl Stored {
    /// Writes the entry as a line.
    fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let line = Line {
            seq: self.seq,
            twin: Cow::Borrowed(&self.twin),
            event: self.event,
            call_id: self.call_id.as_deref().map(Cow::Borrowed),
            changed: self.changed,
            step: self.step.as_ref().map(|step| Cow::Owned(BASE64.encode(step))),
            row: None,
        };
        serde_json::to_writer(&mut *out, &line)?;
        // The row is JSON already. A line end in it can only stand between its parts.
        out.pop();
        out.extend_from_slice(br#","row":"#);
        let from = out.len();
        out.extend_from_slice(self.row.as_bytes());
        for byte in out.iter_mut().skip(from).filter(|byte| **byte == b'\n') {
            *byte = b' ';
        }
        out.extend_from_slice(b"}\n");
        Ok(())
    }
}

/// Brings what was written to the medium, until the folder is not used any more.
fn keep_synced(folder: &Weak<Folder>) {
    loop {
        thread::sleep(SYNC);
        let Some(folder) = folder.upgrade() else { return };
        let written = std::mem::take(&mut *lock(&folder.written));
        drop(folder);
        for open in written {
            // What is written from here on makes it wait again.
            open.waits.store(false, Ordering::Release);
            if let Err(error) = open.file.sync_data() {
                tracing::warn!(error = %error, "a log could not be brought to the medium");
            }
            thread::sleep(BETWEEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use pome_gateway::{Entry, Log as _, Logged};
    use tempfile::TempDir;
    use tokio::sync::oneshot;

    use crate::hosting::log::{Handle, Logs, ReadError};
    use crate::hosting::seal::Seal;
    use crate::store::Store;

    use super::*;

    async fn logs() -> (TempDir, Logs) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::file(&folder.path().join("pome.db")).await.unwrap();
        let logs = Logs::start(&store, folder.path(), Seal::new(&[7; 32]).unwrap()).unwrap();
        (folder, logs)
    }

    fn call(event: u64, name: Option<&str>, step: &[u8]) -> Option<Logged> {
        let call_id = name.map(str::to_owned);
        Some(Logged { event, call_id, changed: !step.is_empty(), step: step.to_vec() })
    }

    fn append(log: &Handle, twin: &str, call: Option<Logged>, row: &str) -> bool {
        let (done, mut told) = oneshot::channel();
        log.append(vec![Entry { twin: twin.to_owned(), call, row: row.as_bytes().to_vec(), done }]);
        told.try_recv().unwrap()
    }

    fn handle(logs: &Logs) -> Handle {
        Handle(Arc::new(logs.of("ses_a", 1)))
    }

    #[tokio::test]
    async fn what_was_appended_is_there_for_the_next_process() {
        let (_folder, logs) = logs().await;
        let log = handle(&logs);
        assert!(append(&log, "github", call(1, Some("n"), b"told"), r#"{"a":"1\\n"}"#));
        assert!(append(&log, "slack", call(1, None, b""), "{\"b\":\n2}"));
        assert!(append(&log, "github", None, r#"{"c":3}"#));
        let next = logs.of("ses_a", 2);
        assert_eq!(next.last().await.unwrap(), (3, vec![("github".to_owned(), 1), ("slack".to_owned(), 1)]));
        assert_eq!(next.find("n").await.unwrap(), Some((1, "github".to_owned())));
        assert_eq!(next.find("m").await.unwrap(), None);
        let page = next.page(0, false).await.unwrap();
        assert_eq!(page.len(), 1, "what changed nothing need not happen again");
        assert_eq!(
            (page[0].seq, page[0].twin.as_str(), &page[0].call),
            (1, "github", &call(1, Some("n"), b"told").unwrap())
        );
        assert_eq!(logs.count("ses_a").await.unwrap(), 3);
        let rows = logs.rows("ses_a", 1, 10).await.unwrap();
        assert_eq!(rows, [(2, r#"{"b": 2}"#.to_owned()), (3, r#"{"c":3}"#.to_owned())]);
        let calls = Handle(Arc::new(next)).rows("github", 0).await.unwrap().unwrap();
        assert_eq!((calls.rows, calls.last), (vec![br#"{"a":"1\\n"}"#.to_vec()], 1));
    }

    #[tokio::test]
    async fn half_a_line_of_a_killed_process_is_taken_off_and_damage_before_it_is_told() {
        let (folder, logs) = logs().await;
        let path = folder.path().join("calls/ses_a.jsonl");
        let log = handle(&logs);
        for event in 1..=2 {
            append(&log, "github", call(event, None, b""), "{}");
        }
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..], br#"{"seq":3,"twi"#].concat()).unwrap();
        assert_eq!(logs.reading("ses_a").last().await.unwrap().0, 2, "who only reads does not mind");
        assert_eq!(logs.of("ses_a", 2).last().await.unwrap().0, 2);
        assert_eq!(fs::read(&path).unwrap(), whole);
        // A line that is not one, as a machine may leave that lost its power: the last is taken off ...
        fs::write(&path, [&whole[..], b"\0\0\0\n"].concat()).unwrap();
        assert_eq!(logs.of("ses_a", 3).last().await.unwrap().0, 2);
        assert_eq!(fs::read(&path).unwrap(), whole);
        // ... and one with others behind it is nothing to go on from.
        fs::write(&path, [b"\0\0\0\n", &whole[..]].concat()).unwrap();
        let refused = logs.of("ses_a", 4).last().await.unwrap_err();
        assert!(matches!(refused, ReadError::Damaged { at: 0, .. }), "{refused:?}");
    }

    #[tokio::test]
    async fn a_log_that_has_ended_or_lost_an_entry_takes_no_more() {
        let (folder, logs) = logs().await;
        let log = handle(&logs);
        assert!(append(&log, "github", call(1, Some("n"), b"x"), "{}"));
        assert!(!append(&log, "github", call(2, Some("n"), b"x"), "{}"), "the name is taken");
        assert!(!append(&log, "github", call(3, None, b"x"), "{}"));
        let next = handle(&logs);
        next.0.goes_on_after(next.0.last().await.unwrap().0);
        assert!(append(&next, "github", call(2, None, b"x"), "{}"));
        next.0.end();
        assert!(!append(&next, "github", call(3, None, b"x"), "{}"));
        assert_eq!(fs::read_to_string(folder.path().join("calls/ses_a.jsonl")).unwrap().lines().count(), 2);
        logs.delete("ses_a").await.unwrap();
        logs.delete("ses_a").await.unwrap();
        assert_eq!(logs.count("ses_a").await.unwrap(), 0);
    }

    #[tokio::test]
    async fn long_logs_are_read_in_pages_and_names_stay_in_the_folder() {
        let (folder, logs) = logs().await;
        let log = handle(&logs);
        for event in 1..=1000 {
            append(&log, "github", call(event, None, b"x"), &format!("{{\"n\":{event}}}"));
        }
        let (mut after, mut seen) = (0, Vec::new());
        loop {
            let page = log.0.page(after, true).await.unwrap();
            let Some(last) = page.last() else { break };
            after = last.seq;
            seen.extend(page.iter().map(|kept| kept.call.event));
        }
        assert_eq!(seen, (1..=1000).collect::<Vec<_>>());
        let outside = Handle(Arc::new(logs.of("../../outside", 1)));
        assert!(append(&outside, "github", call(1, None, b""), "{}"));
        assert!(folder.path().join("calls/------outside.jsonl").exists());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_full_disk_loses_the_call_and_not_the_log() {
        let (_folder, logs) = logs().await;
        let log = handle(&logs);
        assert!(append(&log, "github", call(1, None, b""), "{}"));
        let crate::hosting::log::Place::File(file) = &log.0.place else { panic!() };
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        lock(&file.state).open = Some(Arc::new(Open { file: full, waits: AtomicBool::new(true) }));
        assert!(!append(&log, "github", call(2, None, b""), "{}"));
        assert!(log.0.is_over());
        assert_eq!(logs.of("ses_a", 2).last().await.unwrap().0, 1);
    }
}
