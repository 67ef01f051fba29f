//! The calls of a world that may have changed it, to be played again: into a fork as after an earlier event, and into a fresh
//! world after the twin failed. Kept in memory while small, in an unnamed file beyond that.
//!
//! A read that reported no change is left out. Everything else is kept, refused calls included, so playing the journal into a
//! world of the same origin gives the same world byte for byte: its future follows from origin and calls.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;

use pome_sandbox::{Advance, Caller, Fault, Header, Request, ToolCall, World};

/// Beyond this many bytes the journal moves to a file.
const IN_MEMORY: usize = 256 << 10;

/// One thing that happened to a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Request(Request),
    Tool(ToolCall),
    /// Absent: the twin's default seed.
    Seed(Option<Vec<u8>>),
    Reset,
    Advance(Advance),
}

/// Steps in order, each with the number of the event it belongs to.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    file: Option<File>,
    written: u64,
    buffer: Vec<u8>,
}

/// The world could not be played again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    #[error("cannot read back the calls of the world")]
    Read(#[from] io::Error),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Journal {
    /// Appends a step. `event` is its number; a step that is no event itself carries the number of the next one.
    pub(crate) fn push(&mut self, event: u64, step: &Step) -> io::Result<()> {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 4]);
        self.buffer.extend_from_slice(&event.to_le_bytes());
        encode(&mut self.buffer, step);
        let length = u32::try_from(self.buffer.len() - start - 4).map_err(io::Error::other)?;
        if let Some(place) = self.buffer.get_mut(start..start + 4) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        if self.buffer.len() > IN_MEMORY {
            let file = match &mut self.file {
                Some(file) => file,
                None => self.file.insert(tempfile::tempfile()?),
            };
            file.write_all(&self.buffer)?;
            self.written += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Plays everything up to and including event `last` into a world of the same origin.
    pub(crate) fn play(&self, world: &mut World, last: u64) -> Result<(), ReplayError> {
        self.each(|event, step| {
            if event > last {
                return Ok(());
            }
            Ok(carry_out(world, &step)?)
        })
    }

    fn each(&self, mut visit: impl FnMut(u64, Step) -> Result<(), ReplayError>) -> Result<(), ReplayError> {
        let mut at = 0;
        while at < self.written {
            let mut length = [0; 4];
            self.read(&mut length, at)?;
            let mut record = vec![0; u32::from_le_bytes(length) as usize];
            self.read(&mut record, at + 4)?;
            at += 4 + record.len() as u64;
            let (event, step) = decode(&record).ok_or_else(broken)?;
            visit(event, step)?;
        }
        let mut rest = self.buffer.as_slice();
        while !rest.is_empty() {
            let mut reader = Reader(rest);
            let length = reader.length().ok_or_else(broken)?;
            let record = reader.take(length).ok_or_else(broken)?;
            rest = reader.0;
            let (event, step) = decode(record).ok_or_else(broken)?;
            visit(event, step)?;
        }
        Ok(())
    }

    fn read(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        match &self.file {
            Some(file) => file.read_exact_at(into, at),
            None => Err(broken()),
        }
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the journal is broken")
}

/// A step alone, for a log elsewhere.
pub(crate) fn encoded(step: &Step) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out, step);
    out
}

/// What [`encoded`] wrote.
pub(crate) fn decoded(bytes: &[u8]) -> Option<Step> {
    Reader(bytes).step()
}

/// Lets one thing happen to a world.
pub(crate) fn carry_out(world: &mut World, step: &Step) -> Result<(), Fault> {
    match step {
        Step::Request(request) => drop(world.handle(request)?),
        Step::Tool(call) => drop(world.call_tool(call)?),
        Step::Seed(document) => drop(world.seed(document.as_deref())?),
        Step::Reset => world.reset()?,
        Step::Advance(by) => drop(world.advance(*by)?),
    }
    Ok(())
}

fn encode(out: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Request(request) => {
            out.push(0);
            put(out, request.method.as_bytes());
            put(out, request.path.as_bytes());
            put(out, request.query.as_bytes());
            out.extend_from_slice(&u32::try_from(request.headers.len()).unwrap_or(u32::MAX).to_le_bytes());
            for header in &request.headers {
                put(out, header.name.as_bytes());
                put(out, header.value.as_bytes());
            }
            put(out, &request.body);
            encode_caller(out, &request.caller);
            put(out, request.origin.as_bytes());
        }
        Step::Tool(call) => {
            out.push(1);
            put(out, call.name.as_bytes());
            put(out, &call.arguments);
            encode_caller(out, &call.caller);
            put(out, call.origin.as_bytes());
        }
        Step::Seed(document) => {
            out.push(2);
            put_optional(out, document.as_deref());
        }
        Step::Reset => out.push(3),
        Step::Advance(Advance::By(millis)) => {
            out.push(4);
            out.extend_from_slice(&millis.to_le_bytes());
        }
        Step::Advance(Advance::To(millis)) => {
            out.push(5);
            out.extend_from_slice(&millis.to_le_bytes());
        }
    }
}

fn encode_caller(out: &mut Vec<u8>, caller: &Caller) {
    put(out, caller.sid.as_bytes());
    put(out, caller.team.as_bytes());
    put_optional(out, caller.login.as_deref().map(str::as_bytes));
    put(out, &caller.claims);
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    // Bodies are bounded far below 4 GiB.
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn put_optional(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    out.push(u8::from(bytes.is_some()));
    put(out, bytes.unwrap_or_default());
}

fn decode(record: &[u8]) -> Option<(u64, Step)> {
    let mut reader = Reader(record);
    Some((reader.number()?, reader.step()?))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
    fn length(&mut self) -> Option<usize> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?) as usize)
    }
    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
    fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = self.length()?;
        Some(self.take(length)?.to_vec())
    }
    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?).ok()
    }
    /// Whether there is one, and its bytes.
    fn optional(&mut self) -> Option<(bool, Vec<u8>)> {
        let present = *self.take(1)?.first()? == 1;
        Some((present, self.bytes()?))
    }
    fn step(&mut self) -> Option<Step> {
        Some(match *self.take(1)?.first()? {
            0 => {
                let (method, path, query) = (self.text()?, self.text()?, self.text()?);
                let count = self.length()?;
                let headers = (0..count)
                    .map(|_| Some(Header { name: self.text()?, value: self.text()? }))
                    .collect::<Option<Vec<_>>>()?;
                let (body, caller, origin) = (self.bytes()?, self.caller()?, self.text()?);
                Step::Request(Request { method, path, query, headers, body, caller, origin })
            }
            1 => Step::Tool(ToolCall {
                name: self.text()?,
                arguments: self.bytes()?,
                caller: self.caller()?,
                origin: self.text()?,
            }),
            2 => {
                let (present, document) = self.optional()?;
                Step::Seed(present.then_some(document))
            }
            3 => Step::Reset,
            4 => Step::Advance(Advance::By(self.number()?)),
            5 => Step::Advance(Advance::To(self.number()?)),
            _ => return None,
        })
    }
    fn caller(&mut self) -> Option<Caller> {
        let (sid, team) = (self.text()?, self.text()?);
        let (present, login) = self.optional()?;
        let login = String::from_utf8(login).ok().filter(|_| present);
        Some(Caller { sid, team, login, claims: self.bytes()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> Vec<Step> {
        let caller = Caller { sid: "a".into(), team: "t".into(), login: Some("l".into()), claims: b"{}".to_vec() };
        vec![
            Step::Request(Request {
                method: "POST".into(),
                path: "/things".into(),
                query: "a=1".into(),
                headers: vec![Header::new("accept", "*/*"), Header::new("x", "ü")],
                body: vec![0, 255, 1],
                caller: caller.clone(),
                origin: "http://x".into(),
            }),
            Step::Tool(ToolCall {
                name: "t".into(),
                arguments: b"{}".to_vec(),
                caller: Caller { login: None, ..caller },
                origin: String::new(),
            }),
            Step::Seed(None),
            Step::Seed(Some(b"{}".to_vec())),
            Step::Reset,
            Step::Advance(Advance::By(5)),
            Step::Advance(Advance::To(7)),
        ]
    }

    #[test]
    fn steps_come_back_as_they_were_from_memory_and_from_the_file() {
        let mut journal = Journal::default();
        let mut expected = Vec::new();
        for round in 0..3000 {
            for step in steps() {
                journal.push(round, &step).unwrap();
                expected.push((round, step));
            }
        }
        assert!(journal.file.is_some() && !journal.buffer.is_empty(), "both places are in use");
        let mut seen = Vec::new();
        journal
            .each(|event, step| {
                seen.push((event, step));
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, expected);
        journal.clear();
        journal.each(|_, _| unreachable!()).unwrap();
    }
}
