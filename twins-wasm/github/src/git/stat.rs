//! The table of changed files that stands in a mailed patch.

use super::{Change, Error, LineDiff, Objects, is_binary, patch::quoted};

/// Columns of a mailed patch.
const WIDTH: usize = 72;

struct Row {
    name: String,
    added: usize,
    deleted: usize,
    binary: bool,
}

/// The table, the totals and the files that came, went, moved or changed their mode.
pub(super) fn of(objects: &Objects, changes: &[Change]) -> Result<String, Error> {
    let mut rows = Vec::new();
    for change in changes {
        rows.push(row(objects, change)?);
    }
    let mut out = String::new();
    table(&mut out, &rows);
    totals(&mut out, &rows);
    for change in changes {
        summary(&mut out, change);
    }
    Ok(out)
}

fn row(objects: &Objects, change: &Change) -> Result<Row, Error> {
    let (old, new) = objects.contents(change)?;
    let name = match &change.previous_path {
        Some(from) => moved(from, &change.path),
        None => quoted("", &change.path),
    };
    let binary = is_binary(&old) || is_binary(&new);
    let (added, deleted) = if old == new {
        (0, 0)
    } else if binary {
        (new.len(), old.len())
    } else {
        let diff = LineDiff::of(&old, &new);
        (diff.additions(), diff.deletions())
    };
    Ok(Row { name, added, deleted, binary })
}

fn table(out: &mut String, rows: &[Row]) {
    let digits = |number: usize| number.to_string().len();
    let most = rows.iter().filter(|row| !row.binary).map(|row| row.added + row.deleted).max().unwrap_or(0);
    let longest = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    let binary = rows.iter().filter(|row| row.binary).map(|row| 14 + digits(row.added) + digits(row.deleted)).max();
    let number = digits(most).max(if binary.is_some() { 3 } else { 0 });
    // What each part wants, then what fits: the bars give way to three eighths of the width, then the names.
    let mut bars = most.max(binary.unwrap_or(0).saturating_sub(4));
    let mut names = longest;
    if names + number + 6 + bars > WIDTH {
        bars = bars.min((WIDTH * 3 / 8).saturating_sub(number + 6).max(6));
        let left = WIDTH - number - 6;
        if names > left - bars {
            names = left - bars;
        } else {
            bars = left - names;
        }
    }
    for row in rows {
        let name = fitted(&row.name, names);
        let padding = " ".repeat(names.saturating_sub(name.chars().count()));
        let Row { added, deleted, .. } = row;
        if row.binary {
            let sizes = if *added + *deleted == 0 { String::new() } else { format!(" {deleted} -> {added} bytes") };
            *out += &format!(" {name}{padding} | {:>number$}{sizes}\n", "Bin");
            continue;
        }
        let (plus, minus) = scaled(*added, *deleted, bars, most);
        let total = added + deleted;
        let space = if total > 0 { " " } else { "" };
        *out += &format!(" {name}{padding} | {total:>number$}{space}{}{}\n", "+".repeat(plus), "-".repeat(minus));
    }
}

/// The end of a name that is too long, from a slash if there is one.
fn fitted(name: &str, width: usize) -> String {
    let length = name.chars().count();
    if length <= width {
        return name.to_owned();
    }
    let end: String = name.chars().skip(length - width.saturating_sub(3)).collect();
    format!("...{}", end.find('/').and_then(|slash| end.get(slash..)).unwrap_or(&end))
}

fn scaled(added: usize, deleted: usize, width: usize, most: usize) -> (usize, usize) {
    if most < width {
        return (added, deleted);
    }
    let scale = |count: usize| if count == 0 { 0 } else { 1 + count * (width - 1) / most };
    let mut total = scale(added + deleted);
    if total < 2 && added > 0 && deleted > 0 {
        total = 2;
    }
    if added < deleted {
        let plus = scale(added);
        (plus, total - plus)
    } else {
        let minus = scale(deleted);
        (total - minus, minus)
    }
}

fn totals(out: &mut String, rows: &[Row]) {
    let text = || rows.iter().filter(|row| !row.binary);
    let (added, deleted) = (text().map(|row| row.added).sum::<usize>(), text().map(|row| row.deleted).sum::<usize>());
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    *out += &format!(" {} file{} changed", rows.len(), plural(rows.len()));
    if added > 0 || deleted == 0 {
        *out += &format!(", {added} insertion{}(+)", plural(added));
    }
    if deleted > 0 || added == 0 {
        *out += &format!(", {deleted} deletion{}(-)", plural(deleted));
    }
    out.push('\n');
}

fn summary(out: &mut String, change: &Change) {
    let path = quoted("", &change.path);
    match (change.old, change.new, &change.previous_path) {
        (None, Some(new), _) => *out += &format!(" create mode {} {path}\n", new.mode.as_str()),
        (Some(old), None, _) => *out += &format!(" delete mode {} {path}\n", old.mode.as_str()),
        (Some(old), Some(new), from) => {
            if let Some(from) = from {
                *out += &format!(" rename {} ({}%)\n", moved(from, &change.path), change.similarity.unwrap_or(100));
            }
            if old.mode != new.mode {
                let name = if from.is_some() { String::new() } else { format!(" {path}") };
                *out += &format!(" mode change {} => {}{name}\n", old.mode.as_str(), new.mode.as_str());
            }
        }
        (None, None, _) => {}
    }
}

/// Both paths in one: `src/{old.rs => new.rs}`.
fn moved(from: &str, to: &str) -> String {
    let plain = |path: &str| quoted("", path) == path;
    if !plain(from) || !plain(to) {
        return format!("{} => {}", quoted("", from), quoted("", to));
    }
    let same = from.bytes().zip(to.bytes()).take_while(|(a, b)| a == b);
    let head = same.enumerate().filter(|(_, (a, _))| *a == b'/').last().map_or(0, |(at, _)| at + 1);
    // The common tail begins with a slash, which may be the one the common head ends with.
    let keep = head.saturating_sub(1);
    let (from_rest, to_rest) =
        (from.as_bytes().get(keep..).unwrap_or_default(), to.as_bytes().get(keep..).unwrap_or_default());
    let same = from_rest.iter().rev().zip(to_rest.iter().rev()).take_while(|(a, b)| a == b);
    let tail = same.enumerate().filter(|(_, (a, _))| **a == b'/').last().map_or(0, |(at, _)| at + 1);
    if head + tail == 0 {
        return format!("{from} => {to}");
    }
    let middle = |path: &str| path.get(head..(path.len() - tail).max(head)).unwrap_or_default().to_owned();
    let (start, end) = (from.get(..head).unwrap_or_default(), from.get(from.len() - tail..).unwrap_or_default());
    format!("{start}{{{} => {}}}{end}", middle(from), middle(to))
}
