//! Line differences of two texts in git's unified form, and the three-way merge of texts.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput, Interner};

use super::slide;

/// Lines of context around a change.
const CONTEXT: usize = 3;
/// Of a line shown as the heading of a hunk.
const HEADING: usize = 80;

/// Whether git treats the content as binary: a NUL among the first 8000 bytes.
pub fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(8000).any(|byte| *byte == 0)
}

/// What a line of a hunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Context,
    Removed,
    Added,
}

impl Origin {
    /// The character in the first column.
    pub const fn sign(self) -> char {
        match self {
            Self::Context => ' ',
            Self::Removed => '-',
            Self::Added => '+',
        }
    }
}

/// One line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    pub origin: Origin,
    /// Number in the old file, from 1; `None` for an added line.
    pub old: Option<usize>,
    /// Number in the new file, from 1; `None` for a removed line.
    pub new: Option<usize>,
    /// With its line break, if it has one.
    pub bytes: &'a [u8],
}

impl Line<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.origin.sign().encode_utf8(&mut [0; 4]).as_bytes());
        out.extend_from_slice(self.bytes);
        if !self.bytes.ends_with(b"\n") {
            out.extend_from_slice(b"\n\\ No newline at end of file\n");
        }
    }
}

/// A run of changed lines with their context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk<'a> {
    /// First line in the old file, from 1, and how many; the line before when there are none.
    pub old_start: usize,
    pub old_count: usize,
    /// The same in the new file.
    pub new_start: usize,
    pub new_count: usize,
    /// The nearest line above that looks like the head of a function.
    pub heading: &'a [u8],
    pub lines: Vec<Line<'a>>,
}

impl Hunk<'_> {
    /// The line with the `@@`, with its line break.
    pub fn header(&self) -> Vec<u8> {
        let range =
            |start: usize, count: usize| if count == 1 { start.to_string() } else { format!("{start},{count}") };
        let (old, new) = (range(self.old_start, self.old_count), range(self.new_start, self.new_count));
        let mut out = format!("@@ -{old} +{new} @@").into_bytes();
        if !self.heading.is_empty() {
            out.push(b' ');
            out.extend_from_slice(self.heading);
        }
        out.push(b'\n');
        out
    }
}

/// The difference of two texts.
#[derive(Debug)]
pub struct LineDiff<'a> {
    old: Vec<&'a [u8]>,
    new: Vec<&'a [u8]>,
    edits: Vec<Edit>,
}

/// These old lines gave way to these new ones.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    old: Range<usize>,
    new: Range<usize>,
}

impl<'a> LineDiff<'a> {
    /// Compares line by line as `git diff` does: Myers, with ambiguous changes placed by indentation.
    pub fn of(old: &'a [u8], new: &'a [u8]) -> Self {
        let (old, new) = (split(old), split(new));
        let edits = compare(Algorithm::Myers, &old, &new);
        Self { old, new, edits }
    }

    /// How many lines were added.
    pub fn additions(&self) -> usize {
        self.edits.iter().map(|edit| edit.new.len()).sum()
    }

    /// How many lines were removed.
    pub fn deletions(&self) -> usize {
        self.edits.iter().map(|edit| edit.old.len()).sum()
    }

    /// The changes with three lines of context, close ones in one hunk.
    pub fn hunks(&self) -> Vec<Hunk<'a>> {
        let mut hunks = Vec::new();
        let mut edits = self.edits.as_slice();
        let mut heading: &[u8] = b"";
        let mut searched = 0;
        while let Some(first) = edits.first() {
            let close = |pair: &[Edit]| matches!(pair, [a, b] if b.old.start - a.old.end <= 2 * CONTEXT);
            let count = 1 + edits.windows(2).take_while(|pair| close(pair)).count();
            let (these, rest) = edits.split_at(count);
            edits = rest;
            let start = first.old.start.saturating_sub(CONTEXT);
            let above = self.old.get(searched..start).unwrap_or_default();
            if let Some(found) = above.iter().rev().find(|line| is_heading(line)) {
                heading = found.get(..HEADING).unwrap_or(found).trim_ascii_end();
            }
            // The line just above this hunk counts for this one, not again for the next.
            searched = searched.max(start);
            hunks.push(self.hunk(these, start, heading));
        }
        hunks
    }

    /// All hunks as text: what follows the `---` and `+++` lines.
    pub fn text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for hunk in self.hunks() {
            out.extend_from_slice(&hunk.header());
            hunk.lines.iter().for_each(|line| line.write(&mut out));
        }
        out
    }

    fn hunk(&self, edits: &[Edit], start: usize, heading: &'a [u8]) -> Hunk<'a> {
        let mut lines = Vec::new();
        let (mut old, mut new) = (start, edits.first().map_or(0, |edit| edit.new.start - (edit.old.start - start)));
        let (old_first, new_first) = (old, new);
        for edit in edits {
            self.context(&mut lines, &mut old, &mut new, edit.old.start);
            for (at, bytes) in slice(&self.old, &edit.old).iter().enumerate() {
                lines.push(Line { origin: Origin::Removed, old: Some(edit.old.start + at + 1), new: None, bytes });
            }
            for (at, bytes) in slice(&self.new, &edit.new).iter().enumerate() {
                lines.push(Line { origin: Origin::Added, old: None, new: Some(edit.new.start + at + 1), bytes });
            }
            (old, new) = (edit.old.end, edit.new.end);
        }
        let end = (old + CONTEXT).min(self.old.len());
        self.context(&mut lines, &mut old, &mut new, end);
        let (old_count, new_count) = (old - old_first, new - new_first);
        // An empty side is said to begin on the line before it.
        let number = |first: usize, count: usize| first + usize::from(count > 0);
        let (old_start, new_start) = (number(old_first, old_count), number(new_first, new_count));
        Hunk { old_start, old_count, new_start, new_count, heading, lines }
    }

    fn context(&self, lines: &mut Vec<Line<'a>>, old: &mut usize, new: &mut usize, until: usize) {
        for bytes in slice(&self.old, &(*old..until)) {
            *old += 1;
            *new += 1;
            lines.push(Line { origin: Origin::Context, old: Some(*old), new: Some(*new), bytes });
        }
    }
}

/// Merges two descendants of a text line by line; `None` when both changed the same or adjoining lines differently.
pub fn merge_lines(base: &[u8], ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
    let (base, ours, theirs) = (split(base), split(ours), split(theirs));
    let mut left = compare(Algorithm::Histogram, &base, &ours).into_iter().peekable();
    let mut right = compare(Algorithm::Histogram, &base, &theirs).into_iter().peekable();
    let mut merged = Vec::new();
    let mut done = 0;
    // How far the lines of each side run ahead of the base, up to `done`.
    let (mut ours_at, mut theirs_at) = (0, 0);
    loop {
        let start = match (left.peek(), right.peek()) {
            (None, None) => break,
            (Some(edit), None) | (None, Some(edit)) => edit.old.start,
            (Some(a), Some(b)) => a.old.start.min(b.old.start),
        };
        merged.extend_from_slice(slice(&base, &(done..start)));
        ours_at += start - done;
        theirs_at += start - done;
        // Edits that touch each other, of either side, form one region.
        let mut end = start;
        let (mut from_left, mut from_right) = (None::<Edit>, None::<Edit>);
        loop {
            if let Some(edit) = left.next_if(|edit| edit.old.start <= end) {
                end = end.max(edit.old.end);
                from_left = Some(edit);
            } else if let Some(edit) = right.next_if(|edit| edit.old.start <= end) {
                end = end.max(edit.old.end);
                from_right = Some(edit);
            } else {
                break;
            }
        }
        let until = |last: &Option<Edit>, at: usize| {
            last.as_ref().map_or(at + (end - start), |edit| edit.new.end + (end - edit.old.end))
        };
        let (ours_end, theirs_end) = (until(&from_left, ours_at), until(&from_right, theirs_at));
        let (mine, other) = (slice(&ours, &(ours_at..ours_end)), slice(&theirs, &(theirs_at..theirs_end)));
        match (from_left, from_right) {
            (Some(_), Some(_)) if mine != other => return None,
            (Some(_), _) => merged.extend_from_slice(mine),
            (None, _) => merged.extend_from_slice(other),
        }
        (ours_at, theirs_at, done) = (ours_end, theirs_end, end);
    }
    merged.extend_from_slice(slice(&base, &(done..base.len())));
    Some(merged.concat())
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

fn slice<'s, 'a>(lines: &'s [&'a [u8]], range: &Range<usize>) -> &'s [&'a [u8]] {
    lines.get(range.clone()).unwrap_or_default()
}

/// Whether git takes the line for the head of a function when no language is known.
fn is_heading(line: &[u8]) -> bool {
    line.first().is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$'))
}

fn compare(algorithm: Algorithm, old: &[&[u8]], new: &[&[u8]]) -> Vec<Edit> {
    let mut input =
        InternedInput { before: Vec::new(), after: Vec::new(), interner: Interner::new(old.len() + new.len()) };
    input.update_before(old.iter().copied());
    input.update_after(new.iter().copied());
    let mut flags = slide::Flags { removed: vec![false; old.len()], added: vec![false; new.len()] };
    for hunk in Diff::compute(algorithm, &input).hunks() {
        flags.mark(&hunk.before, &hunk.after);
    }
    slide::settle(&mut flags, &input);
    flags.hunks().into_iter().map(|(old, new)| Edit { old, new }).collect()
}
