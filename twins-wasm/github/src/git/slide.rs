//! Changes that could stand in several places, such as one of two equal lines, are put where git puts them.

use std::ops::Range;

use imara_diff::{InternedInput, Token};

/// Which lines of each text have no counterpart in the other; the others pair up in order.
#[derive(Debug)]
pub(super) struct Flags {
    pub(super) removed: Vec<bool>,
    pub(super) added: Vec<bool>,
}

impl Flags {
    pub(super) fn mark(&mut self, removed: &Range<u32>, added: &Range<u32>) {
        for (flags, range) in [(&mut self.removed, removed), (&mut self.added, added)] {
            flags.get_mut(range.start as usize..range.end as usize).unwrap_or_default().fill(true);
        }
    }

    /// The runs of changed lines of both sides.
    pub(super) fn hunks(&self) -> Vec<(Range<usize>, Range<usize>)> {
        let (mut old, mut new) = (Group::first(&self.removed), Group::first(&self.added));
        let mut hunks = Vec::new();
        loop {
            if !old.is_empty() || !new.is_empty() {
                hunks.push((old.start..old.end, new.start..new.end));
            }
            if !old.next(&self.removed) || !new.next(&self.added) {
                return hunks;
            }
        }
    }
}

/// Moves every change to its best place: first the removed lines, then the added ones.
pub(super) fn settle(flags: &mut Flags, input: &InternedInput<&[u8]>) {
    let indent = |token: Token| Indent::of(input.interner[token]);
    settle_side(&mut flags.removed, &flags.added, &input.before, &indent);
    settle_side(&mut flags.added, &flags.removed, &input.after, &indent);
}

fn settle_side(flags: &mut [bool], others: &[bool], lines: &[Token], indent: &impl Fn(Token) -> Indent) {
    let (mut group, mut other) = (Group::first(flags), Group::first(others));
    loop {
        if !group.is_empty() {
            let (earliest, beside) = roam(&mut group, &mut other, flags, others, lines);
            if group.end != earliest {
                // Beside a change of the other side both read as one change; otherwise indentation decides.
                let end = if beside { None } else { Some(best_end(lines, &group, earliest, indent)) };
                while end.map_or(other.is_empty(), |end| group.end > end) && group.slide_up(flags, lines) {
                    other.previous(others);
                }
            }
        }
        if !group.next(flags) || !other.next(others) {
            return;
        }
    }
}

/// Takes the group up and down as far as it goes, joining groups it meets; it ends up at the bottom. Returns the end of the topmost place and
/// whether it met changes of the other side on the way.
fn roam(group: &mut Group, other: &mut Group, flags: &mut [bool], others: &[bool], lines: &[Token]) -> (usize, bool) {
    loop {
        let size = group.end - group.start;
        while group.slide_up(flags, lines) {
            other.previous(others);
        }
        let earliest = group.end;
        let mut beside = !other.is_empty();
        while group.slide_down(flags, lines) {
            other.next(others);
            beside |= !other.is_empty();
        }
        if size == group.end - group.start {
            return (earliest, beside);
        }
    }
}

/// A run of changed lines between two unchanged ones; it may be empty.
#[derive(Debug, Clone, Copy)]
struct Group {
    start: usize,
    end: usize,
}

impl Group {
    fn first(flags: &[bool]) -> Self {
        Self { start: 0, end: run_end(flags, 0) }
    }

    fn is_empty(self) -> bool {
        self.start == self.end
    }

    fn next(&mut self, flags: &[bool]) -> bool {
        if self.end >= flags.len() {
            return false;
        }
        self.start = self.end + 1;
        self.end = run_end(flags, self.start);
        true
    }

    fn previous(&mut self, flags: &[bool]) {
        if self.start > 0 {
            self.end = self.start - 1;
            self.start = run_start(flags, self.end);
        }
    }

    /// One line up, if the line above equals the last one.
    fn slide_up(&mut self, flags: &mut [bool], lines: &[Token]) -> bool {
        let Some(above) = self.start.checked_sub(1) else { return false };
        if lines.get(above) != lines.get(self.end - 1) {
            return false;
        }
        set(flags, above, true);
        set(flags, self.end - 1, false);
        self.end -= 1;
        self.start = run_start(flags, above);
        true
    }

    /// One line down, if the line below equals the first one.
    fn slide_down(&mut self, flags: &mut [bool], lines: &[Token]) -> bool {
        if self.end >= lines.len() || lines.get(self.start) != lines.get(self.end) {
            return false;
        }
        set(flags, self.start, false);
        set(flags, self.end, true);
        self.start += 1;
        self.end = run_end(flags, self.end);
        true
    }
}

fn set(flags: &mut [bool], at: usize, value: bool) {
    if let Some(flag) = flags.get_mut(at) {
        *flag = value;
    }
}

fn run_end(flags: &[bool], from: usize) -> usize {
    from + flags.iter().skip(from).take_while(|flag| **flag).count()
}

fn run_start(flags: &[bool], to: usize) -> usize {
    to - flags.iter().take(to).rev().take_while(|flag| **flag).count()
}

/// The end of the place where a block of lines reads best, between the topmost place and where it stands.
fn best_end(lines: &[Token], group: &Group, earliest: usize, indent: &impl Fn(Token) -> Indent) -> usize {
    /// How far a block is moved at most.
    const FARTHEST: usize = 100;
    let size = group.end - group.start;
    let first = earliest.max(group.start.saturating_sub(1)).max(group.end.saturating_sub(FARTHEST));
    let indent_at = |at: usize| lines.get(at).map_or(Indent::None, |line| indent(*line));
    let split = |at: usize| Split::at(at, lines.len(), &indent_at);
    let scored = (first..=group.end).map(|end| (split(end).and(&split(end - size)), end));
    let best = scored.reduce(|best, next| if next.0.is_worse_than(&best.0) { best } else { next });
    best.map_or(group.end, |(_, end)| end)
}

/// The indentation of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Indent {
    /// Blank, or no line at all.
    None,
    Columns(i32),
}

impl Indent {
    fn of(line: &[u8]) -> Self {
        const WIDEST: i32 = 200;
        let mut columns = 0;
        for byte in line {
            match byte {
                b' ' => columns += 1,
                b'\t' => columns += 8 - columns % 8,
                b'\n' | b'\r' | 0x0b | 0x0c => {}
                _ => return Self::Columns(columns),
            }
            if columns >= WIDEST {
                return Self::Columns(WIDEST);
            }
        }
        Self::None
    }
}

/// How good it would be to begin or end a block before a line: lower is better in both numbers.
struct Split {
    indent: i32,
    penalty: i32,
}

impl Split {
    fn at(line: usize, lines: usize, indent_of: &impl Fn(usize) -> Indent) -> Self {
        const MOST_BLANKS: usize = 20;
        // The first indented line of some, and the blank ones before it.
        let look = |mut candidates: &mut dyn Iterator<Item = usize>| {
            let mut blanks = 0;
            for at in &mut candidates {
                match indent_of(at) {
                    Indent::Columns(columns) => return (blanks, Some(columns)),
                    Indent::None => blanks += 1,
                }
                if blanks == MOST_BLANKS {
                    return (blanks, Some(0));
                }
            }
            (blanks, None)
        };
        let (blanks_before, before) = look(&mut (0..line).rev());
        let (blanks_after, after) = look(&mut (line + 1..lines));
        let here = match indent_of(line) {
            Indent::Columns(columns) => Some(columns),
            Indent::None => None,
        };
        let blanks_after = if here.is_none() { 1 + blanks_after } else { 0 };
        let blanks = blanks_before + blanks_after;
        let mut penalty = 0;
        if before.is_none() && blanks_before == 0 {
            penalty += 1;
        }
        if line >= lines {
            penalty += 21;
        }
        let count = |blanks: usize| i32::try_from(blanks).unwrap_or(i32::MAX / 64);
        penalty += -30 * count(blanks) + 6 * count(blanks_after);
        let indent = here.or(after);
        if let (Some(indent), Some(before)) = (indent, before) {
            let spaced = blanks > 0;
            penalty += match indent.cmp(&before) {
                std::cmp::Ordering::Greater => {
                    if spaced {
                        10
                    } else {
                        -4
                    }
                }
                std::cmp::Ordering::Equal => 0,
                std::cmp::Ordering::Less if after.is_some_and(|after| after > indent) => {
                    if spaced {
                        17
                    } else {
                        24
                    }
                }
                std::cmp::Ordering::Less => {
                    if spaced {
                        17
                    } else {
                        23
                    }
                }
            };
        }
        Self { indent: indent.unwrap_or(-1), penalty }
    }

    fn and(&self, other: &Self) -> Self {
        Self { indent: self.indent + other.indent, penalty: self.penalty + other.penalty }
    }

    fn is_worse_than(&self, other: &Self) -> bool {
        60 * (self.indent - other.indent).signum() + (self.penalty - other.penalty) > 0
    }
}
