//! Ordered event rows, on disk before the answer leaves.
//!
//! A call takes a ticket while it holds its world, so tickets have the order of the calls; the row is built afterwards, without
//! the world. Rows are written in the order of tickets: whoever brings the row that is due writes it and all that wait behind
//! it, each with one append. Memory holds where rows begin, not rows; the raw view of rows that redaction changed is bounded.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::mem;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pome_wire::redact::Redactor;
use tokio::sync::oneshot;

use crate::log::{Entry as LogEntry, Log, Logged, NotKept};
use crate::row::{Line, tail_length};

/// Most bytes of raw rows that are kept beside the file.
const RAW_BUDGET: usize = 64 << 20;

/// Rows are read back in pieces of about this size.
const PIECE: u64 = 256 << 10;

/// Marks the offset of a row that is kept in memory because the file failed.
const IN_MEMORY: u64 = 1 << 63;

/// How a recorder is set up.
#[derive(Debug, Clone, Default)]
pub struct RecorderOptions {
    /// The file that rows are appended to; parent folders are made. Absent: an unnamed temporary file.
    pub path: Option<PathBuf>,
    /// `run_id` of every row.
    pub run_id: String,
    /// Whether every row is forced to the medium before the answer leaves, not only to the operating system.
    pub durable: bool,
    /// What is removed from rows.
    pub redactor: Redactor,
}

/// The recorder cannot start.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The file cannot be opened.
    #[error("cannot record to `{path}`")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes event rows in order. Cheap to clone; the servers of a run share one.
#[derive(Debug, Clone)]
pub struct Recorder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    run_id: String,
    durable: bool,
    redactor: Redactor,
    queue: Mutex<Queue>,
    tape: Mutex<Tape>,
    /// Rows go there instead of the tape.
    log: Option<Arc<dyn Log>>,
}

/// A place in the order of rows. Dropping it gives the place up.
#[derive(Debug)]
pub(crate) struct Ticket {
    recorder: Recorder,
    number: u64,
    open: bool,
}

/// Whose rows: one world of one twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Owner(u32);

#[derive(Debug)]
enum Item {
    Row { owner: Owner, line: Line, id_length: usize, call: Option<Logged> },
    Foreign { twin: String, row: Vec<u8> },
}

/// Rows that wait for their turn.
#[derive(Debug, Default)]
struct Queue {
    next: u64,
    slots: VecDeque<Slot>,
    writing: bool,
}

#[derive(Debug)]
enum Slot {
    /// The ticket is out.
    Out,
    /// The row is here; the sender wakes whoever waits for it.
    Ready(Box<Item>, Option<oneshot::Sender<bool>>),
    /// The place was given up.
    Void,
}

/// What was written and where it is.
#[derive(Debug)]
struct Tape {
    /// Absent when rows go to a log.
    file: Option<File>,
    end: u64,
    rows: Vec<Entry>,
    owners: Vec<String>,
    raw: BTreeMap<usize, Vec<u8>>,
    raw_bytes: usize,
    raw_dropped: u64,
    /// Rows since the file failed.
    memory: Vec<Vec<u8>>,
    failure: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    offset: u64,
    length: u32,
    tail: u16,
    owner: Owner,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code under these locks leaves its data half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorder {
    /// Opens the file.
    pub fn create(options: RecorderOptions) -> Result<Self, RecorderError> {
        let file = match &options.path {
            Some(path) => open(path).map_err(|source| RecorderError::Open { path: path.clone(), source })?,
            None => {
                tempfile::tempfile().map_err(|source| RecorderError::Open { path: std::env::temp_dir(), source })?
            }
        };
        Ok(Self::of(options, Some(file), None))
    }

    /// Writes to a log instead of a file. What is read back from a tape (`rows`, `raw_rows`, `len`) is empty then.
    pub fn logged(log: Arc<dyn Log>, run_id: String, redactor: Redactor) -> Self {
        Self::of(RecorderOptions { run_id, redactor, ..RecorderOptions::default() }, None, Some(log))
    }

    fn of(options: RecorderOptions, file: Option<File>, log: Option<Arc<dyn Log>>) -> Self {
        let tape = Tape {
            file,
            end: 0,
            rows: Vec::new(),
            owners: Vec::new(),
            raw: BTreeMap::new(),
            raw_bytes: 0,
            raw_dropped: 0,
            memory: Vec::new(),
            failure: None,
        };
        Self(Arc::new(Inner {
            run_id: options.run_id,
            durable: options.durable,
            redactor: options.redactor,
            queue: Mutex::default(),
            tape: Mutex::new(tape),
            log,
        }))
    }

    /// The log that rows go to, if they do not go to a file.
    pub(crate) fn log(&self) -> Option<&Arc<dyn Log>> {
        self.0.log.as_ref()
    }

    /// `run_id` of every row.
    pub fn run_id(&self) -> &str {
        &self.0.run_id
    }

    /// What is removed from rows.
    pub fn redactor(&self) -> &Redactor {
        &self.0.redactor
    }

    /// Appends one row of another kind (a model call, say): a compact JSON object without a line end. It is redacted here.
    pub async fn append(&self, row: &[u8]) {
        self.append_of("", row).await;
    }

    /// The same for a row about one twin.
    pub(crate) async fn append_of(&self, twin: &str, row: &[u8]) {
        let row = self.0.redactor.json_bytes(row).into_owned();
        // Nobody waits for such a row; a log that does not keep it ends the session with the next call.
        let _ = self.ticket().finish(Item::Foreign { twin: twin.to_owned(), row }).await;
    }

    /// How many twin calls are recorded.
    pub fn len(&self) -> usize {
        lock(&self.0.tape).rows.len()
    }

    /// Whether no twin call is recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows of one twin as they stand on disk, oldest first, each a JSON object.
    pub fn rows(&self, twin: &str) -> io::Result<Vec<Vec<u8>>> {
        self.collect(twin, false)
    }

    /// The same before redaction, for the evaluator; never to be written anywhere. See [`Recorder::raw_dropped`].
    pub fn raw_rows(&self, twin: &str) -> io::Result<Vec<Vec<u8>>> {
        self.collect(twin, true)
    }

    /// How many rows have lost their raw view to the bound on memory; `raw_rows` shows them redacted.
    pub fn raw_dropped(&self) -> u64 {
        lock(&self.0.tape).raw_dropped
    }

    /// Forgets everything and empties the file. A file that failed is tried again.
    pub fn clear(&self) -> io::Result<()> {
        let mut tape = lock(&self.0.tape);
        tape.rows = Vec::new();
        tape.raw = BTreeMap::new();
        tape.raw_bytes = 0;
        tape.raw_dropped = 0;
        tape.memory = Vec::new();
        if let Some(file) = &mut tape.file {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
        }
        tape.end = 0;
        tape.failure = None;
        Ok(())
    }

    /// Why rows are no longer written to the file, when that is so. They are kept in memory from then on.
    pub fn failure(&self) -> Option<String> {
        lock(&self.0.tape).failure.clone()
    }

    /// Forces what was written to the medium.
    pub fn sync(&self) -> io::Result<()> {
        lock(&self.0.tape).file.as_ref().map_or(Ok(()), File::sync_data)
    }

    /// Makes a world known.
    pub(crate) fn owner(&self, twin: &str) -> Owner {
        let mut tape = lock(&self.0.tape);
        let number = u32::try_from(tape.owners.len()).unwrap_or(u32::MAX);
        tape.owners.push(twin.to_owned());
        Owner(number)
    }

    /// The next place in the order. To be called while the world is held.
    pub(crate) fn ticket(&self) -> Ticket {
        let mut queue = lock(&self.0.queue);
        let number = queue.next + queue.slots.len() as u64;
        queue.slots.push_back(Slot::Out);
        drop(queue);
        Ticket { recorder: self.clone(), number, open: true }
    }

    /// Forgets the rows of one world; the file keeps them.
    pub(crate) fn forget(&self, owner: Owner) {
        let mut tape = lock(&self.0.tape);
        let mut raw = mem::take(&mut tape.raw);
        let rows = mem::take(&mut tape.rows);
        let mut kept = Vec::with_capacity(rows.len());
        for (number, entry) in rows.into_iter().enumerate().filter(|(_, entry)| entry.owner != owner) {
            if let Some(line) = raw.remove(&number) {
                tape.raw.insert(kept.len(), line);
            }
            kept.push(entry);
        }
        tape.raw_bytes = tape.raw.values().map(Vec::len).sum();
        tape.rows = kept;
    }

    /// The next piece of one world's rows in their plain form, separated by commas, and where to go on; `None` at the end.
    pub(crate) fn piece(&self, owner: Owner, from: usize, first: bool) -> io::Result<Option<(Vec<u8>, usize)>> {
        let mut out = Vec::new();
        let next = self.read(
            from,
            |entry| entry.owner == owner,
            |_, entry, line| {
                if !(first && out.is_empty()) {
                    out.push(b',');
                }
                out.extend_from_slice(line.get(..line.len() - usize::from(entry.tail)).unwrap_or_default());
                out.push(b'}');
            },
        )?;
        Ok(next.map(|next| (out, next)))
    }

    fn collect(&self, twin: &str, raw: bool) -> io::Result<Vec<Vec<u8>>> {
        let (owners, raws) = {
            let tape = lock(&self.0.tape);
            let owners: Vec<bool> = tape.owners.iter().map(|owner| owner == twin).collect();
            (owners, if raw { tape.raw.clone() } else { BTreeMap::new() })
        };
        let mut out = Vec::new();
        let mut from = 0;
        while let Some(next) = self.read(
            from,
            |entry| owners.get(entry.owner.0 as usize).copied().unwrap_or_default(),
            |number, _, line| out.push(raws.get(&number).map_or_else(|| line.to_vec(), Clone::clone)),
        )? {
            from = next;
        }
        Ok(out)
    }

    /// Reads about one piece of rows from number `from` on; `None` when there are no more.
    fn read(
        &self,
        from: usize,
        wanted: impl Fn(&Entry) -> bool,
        mut take: impl FnMut(usize, &Entry, &[u8]),
    ) -> io::Result<Option<usize>> {
        let tape = lock(&self.0.tape);
        let Some(first) = tape.rows.get(from) else {
            return Ok(None);
        };
        if first.offset & IN_MEMORY != 0 {
            for (number, entry) in tape.rows.iter().enumerate().skip(from).filter(|(_, entry)| wanted(entry)) {
                if let Some(line) = usize::try_from(entry.offset & !IN_MEMORY).ok().and_then(|at| tape.memory.get(at)) {
                    take(number, entry, line);
                }
            }
            return Ok(Some(tape.rows.len()));
        }
        let start = first.offset;
        let span: Vec<Entry> = tape
            .rows
            .iter()
            .skip(from)
            .take_while(|entry| entry.offset & IN_MEMORY == 0 && entry.offset - start < PIECE)
            .copied()
            .collect();
        let Some(file) = tape.file.as_ref().map(File::try_clone).transpose()? else { return Ok(None) };
        drop(tape);
        let end = span.last().map_or(start, |entry| entry.offset + u64::from(entry.length));
        let mut bytes = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, start)?;
        for (index, entry) in span.iter().enumerate().filter(|(_, entry)| wanted(entry)) {
            let at = usize::try_from(entry.offset - start).map_err(io::Error::other)?;
            take(from + index, entry, bytes.get(at..at + entry.length as usize).unwrap_or_default());
        }
        Ok(Some(from + span.len()))
    }

    /// Puts a slot and, when the row that is due is there and nobody writes, writes. Returns what to wait for otherwise.
    fn put(&self, number: u64, item: Option<Item>) -> Option<oneshot::Receiver<bool>> {
        let mut waiting = None;
        {
            let mut queue = lock(&self.0.queue);
            let write = !queue.writing && number == queue.next;
            let slot = match item {
                None => Slot::Void,
                // Being written here is not being kept there.
                Some(item) if write && self.0.log.is_none() => Slot::Ready(Box::new(item), None),
                Some(item) => {
                    let (done, wait) = oneshot::channel();
                    waiting = Some(wait);
                    Slot::Ready(Box::new(item), Some(done))
                }
            };
            let at = usize::try_from(number - queue.next).unwrap_or(usize::MAX);
            if let Some(place) = queue.slots.get_mut(at) {
                *place = slot;
            }
            if !write {
                return waiting;
            }
            queue.writing = true;
        }
        if self.0.durable {
            blocking(|| self.drain());
        } else {
            self.drain();
        }
        waiting
    }

    /// Writes until the row that is due is not there. Only one caller does so at a time.
    fn drain(&self) {
        loop {
            let mut batch = Vec::new();
            {
                let mut queue = lock(&self.0.queue);
                while queue.slots.front().is_some_and(|slot| !matches!(slot, Slot::Out)) {
                    batch.extend(queue.slots.pop_front());
                    queue.next += 1;
                }
                if batch.is_empty() {
                    queue.writing = false;
                    return;
                }
            }
            if let Some(log) = &self.0.log {
                self.hand_over(log.as_ref(), batch);
                continue;
            }
            let mut waiting = Vec::new();
            {
                let mut tape = lock(&self.0.tape);
                for slot in batch {
                    if let Slot::Ready(item, done) = slot {
                        tape.write(*item);
                        waiting.extend(done);
                    }
                }
                if self.0.durable {
                    tape.sync();
                }
            }
            for done in waiting {
                // Whoever waited may have been cancelled; the row is written all the same.
                let _ = done.send(true);
            }
        }
    }

    /// Gives a batch to a log, which tells the callers itself.
    fn hand_over(&self, log: &dyn Log, batch: Vec<Slot>) {
        let mut entries = Vec::with_capacity(batch.len());
        for slot in batch {
            let Slot::Ready(item, Some(done)) = slot else {
                // Whoever gave its place up may have changed a world before.
                log.append(std::mem::take(&mut entries));
                log.gap();
                continue;
            };
            entries.push(match *item {
                Item::Foreign { twin, row } => LogEntry { twin, call: None, row, done },
                Item::Row { owner, line, call, .. } => {
                    let twin = lock(&self.0.tape).owners.get(owner.0 as usize).cloned().unwrap_or_default();
                    LogEntry { twin, call, row: line.bytes, done }
                }
            });
        }
        log.append(entries);
    }
}

impl Ticket {
    /// Hands in the row and returns once it is written.
    pub(crate) async fn commit(
        self,
        owner: Owner,
        line: Line,
        id_length: usize,
        call: Option<Logged>,
    ) -> Result<(), NotKept> {
        self.finish(Item::Row { owner, line, id_length, call }).await
    }

    async fn finish(mut self, item: Item) -> Result<(), NotKept> {
        self.open = false;
        match self.recorder.put(self.number, Some(item)) {
            None => Ok(()),
            Some(wait) => match wait.await {
                Ok(true) => Ok(()),
                // A file takes every row, or remembers it.
                Err(_) if self.recorder.0.log.is_none() => Ok(()),
                Ok(false) | Err(_) => Err(NotKept),
            },
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.open {
            self.recorder.put(self.number, None);
        }
    }
}

impl Tape {
    fn write(&mut self, item: Item) {
        match item {
            Item::Foreign { row, .. } => {
                if let Err(line) = self.append(row) {
                    self.memory.push(line);
                }
            }
            Item::Row { owner, line, id_length, .. } => {
                let length = u32::try_from(line.bytes.len()).unwrap_or(u32::MAX);
                let tail = u16::try_from(tail_length(id_length)).unwrap_or(u16::MAX);
                let offset = match self.append(line.bytes) {
                    Ok(offset) => offset,
                    Err(line) => {
                        self.memory.push(line);
                        (self.memory.len() as u64 - 1) | IN_MEMORY
                    }
                };
                if let Some(raw) = line.raw {
                    if self.raw_bytes + raw.len() <= RAW_BUDGET {
                        self.raw_bytes += raw.len();
                        self.raw.insert(self.rows.len(), raw);
                    } else {
                        self.raw_dropped += 1;
                    }
                }
                self.rows.push(Entry { offset, length, tail, owner });
            }
        }
    }

    /// One append; the offset where the line begins, or the line back when the file does not take it.
    fn append(&mut self, mut line: Vec<u8>) -> Result<u64, Vec<u8>> {
        if self.failure.is_some() {
            return Err(line);
        }
        let Some(file) = &mut self.file else { return Err(line) };
        line.push(b'\n');
        let written = file.write_all(&line).and_then(|()| file.stream_position());
        match written {
            // The position, not a sum: other programs may append to the same file.
            Ok(end) => {
                self.end = end;
                Ok(end - line.len() as u64)
            }
            Err(error) => {
                self.failure = Some(error.to_string());
                // A part of the line may have got through; a reader shall not trip over it.
                let _ = file.set_len(self.end);
                line.pop();
                Err(line)
            }
        }
    }

    fn sync(&mut self) {
        if self.failure.is_none()
            && let Some(file) = &self.file
            && let Err(error) = file.sync_data()
        {
            self.failure = Some(error.to_string());
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    // A program that was killed may have left half a line.
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

/// Runs something slow without holding up the other tasks of this thread.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn line(text: &str) -> Line {
        let tail = r#","kind":"TwinHttpEvent","event_id":"r","parent_event_id":null}"#;
        Line { bytes: format!(r#"{{"n":"{text}"{tail}"#).into_bytes(), raw: None }
    }

    fn recorder(path: Option<PathBuf>) -> Recorder {
        Recorder::create(RecorderOptions { path, run_id: "run_1".to_owned(), ..RecorderOptions::default() }).unwrap()
    }

    fn names(rows: &[Vec<u8>]) -> Vec<String> {
        rows.iter().map(|row| serde_json::from_slice::<Value>(row).unwrap()["n"].as_str().unwrap().to_owned()).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn rows_are_written_in_the_order_of_their_tickets() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/events.jsonl");
        let recorder = recorder(Some(path.clone()));
        let owner = recorder.owner("tiny");
        let tickets: Vec<Ticket> = (0..100).map(|_| recorder.ticket()).collect();
        let tasks: Vec<_> = tickets
            .into_iter()
            .enumerate()
            .rev()
            .map(|(number, ticket)| {
                tokio::spawn(async move {
                    // Every tenth call is given up.
                    if number % 10 == 3 {
                        drop(ticket);
                    } else {
                        ticket.commit(owner, line(&number.to_string()), 1, None).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let expected: Vec<String> =
            (0..100).filter(|number| number % 10 != 3).map(|number| number.to_string()).collect();
        assert_eq!(names(&recorder.rows("tiny").unwrap()), expected);
        let file = std::fs::read_to_string(&path).unwrap();
        assert_eq!(file.lines().count(), 90);
        assert!(file.ends_with('\n'));
    }

    #[tokio::test]
    async fn a_row_is_on_disk_when_its_commit_returns() {
        let folder = tempfile::tempdir().unwrap();
        for durable in [false, true] {
            let path = folder.path().join(format!("{durable}.jsonl"));
            let options = RecorderOptions { path: Some(path.clone()), durable, ..RecorderOptions::default() };
            let recorder = Recorder::create(options).unwrap();
            let owner = recorder.owner("tiny");
            for number in 0..3 {
                recorder.ticket().commit(owner, line(&number.to_string()), 1, None).await.unwrap();
                assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), number + 1);
            }
        }
    }

    #[tokio::test]
    async fn worlds_and_foreign_rows_are_kept_apart() {
        let recorder = recorder(None);
        let (one, two) = (recorder.owner("tiny"), recorder.owner("other"));
        recorder.ticket().commit(one, line("a"), 1, None).await.unwrap();
        recorder.append(br#"{"kind":"LlmCallEvent","token":"x"}"#).await;
        recorder.ticket().commit(two, line("b"), 1, None).await.unwrap();
        recorder.ticket().commit(one, line("c"), 1, None).await.unwrap();
        assert_eq!(names(&recorder.rows("tiny").unwrap()), ["a", "c"]);
        assert_eq!(names(&recorder.rows("other").unwrap()), ["b"]);
        assert_eq!(recorder.len(), 3);
        let (bytes, next) = recorder.piece(one, 0, true).unwrap().unwrap();
        assert_eq!(bytes, br#"{"n":"a"},{"n":"c"}"#);
        assert!(recorder.piece(one, next, false).unwrap().is_none());
        recorder.forget(one);
        assert!(recorder.rows("tiny").unwrap().is_empty());
        assert_eq!(names(&recorder.rows("other").unwrap()), ["b"]);
    }

    #[tokio::test]
    async fn many_rows_come_back_in_pieces() {
        let recorder = recorder(None);
        let owner = recorder.owner("tiny");
        let text = "x".repeat(10_000);
        for _ in 0..100 {
            recorder.ticket().commit(owner, line(&text), 1, None).await.unwrap();
        }
        let (mut from, mut whole, mut pieces) = (0, b"[".to_vec(), 0);
        while let Some((bytes, next)) = recorder.piece(owner, from, from == 0).unwrap() {
            whole.extend(bytes);
            from = next;
            pieces += 1;
        }
        whole.push(b']');
        assert_eq!(serde_json::from_slice::<Vec<Value>>(&whole).unwrap().len(), 100);
        assert!(pieces > 2, "{pieces}");
    }

    #[tokio::test]
    async fn raw_rows_differ_where_redaction_changed_something() {
        let recorder = recorder(None);
        let owner = recorder.owner("tiny");
        recorder.ticket().commit(owner, line("plain"), 1, None).await.unwrap();
        let secret = Line { raw: Some(br#"{"n":"secret"}"#.to_vec()), ..line("[REDACTED]") };
        recorder.ticket().commit(owner, secret, 1, None).await.unwrap();
        assert_eq!(names(&recorder.rows("tiny").unwrap()), ["plain", "[REDACTED]"]);
        assert_eq!(names(&recorder.raw_rows("tiny").unwrap()), ["plain", "secret"]);
    }

    #[tokio::test]
    async fn clearing_empties_the_file_and_goes_on_at_its_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let recorder = recorder(Some(path.clone()));
        let owner = recorder.owner("tiny");
        recorder.ticket().commit(owner, line("a"), 1, None).await.unwrap();
        recorder.clear().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        recorder.ticket().commit(owner, line("b"), 1, None).await.unwrap();
        assert_eq!(names(&recorder.rows("tiny").unwrap()), ["b"]);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
    }

    #[tokio::test]
    async fn half_a_line_of_a_killed_program_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        std::fs::write(&path, "{\"whole\":1}\n{\"ha").unwrap();
        let recorder = recorder(Some(path.clone()));
        let owner = recorder.owner("tiny");
        recorder.ticket().commit(owner, line("a"), 1, None).await.unwrap();
        let file = std::fs::read_to_string(&path).unwrap();
        assert_eq!(file.lines().nth(1), Some("{\"ha"));
        assert_eq!(names(&recorder.rows("tiny").unwrap()), ["a"]);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn when_the_file_fails_the_rows_stay_readable_and_the_failure_is_told() {
        let recorder = recorder(None);
        let owner = recorder.owner("tiny");
        recorder.ticket().commit(owner, line("a"), 1, None).await.unwrap();
        let full = OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
        let good = lock(&recorder.0.tape).file.replace(full);
        recorder.ticket().commit(owner, line("b"), 1, None).await.unwrap();
        lock(&recorder.0.tape).file = good;
        recorder.ticket().commit(owner, line("c"), 1, None).await.unwrap();
        assert!(recorder.failure().is_some());
        assert_eq!(names(&recorder.rows("tiny").unwrap()), ["a", "b", "c"]);
    }
}
