//! Differences as text: the vendor's `patch` of one file, `git diff`, and `git format-patch`.

use std::borrow::Cow;

use super::{Change, Commit, Error, LineDiff, Mode, Objects, Oid, Side, Status, is_binary, stat};

/// What the vendor tells about one changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    pub additions: usize,
    pub deletions: usize,
    /// The content is not text; there are no lines to count.
    pub binary: bool,
    /// The hunks without `---` and `+++` and without the last line break; `None` for binary content and when no line changed.
    pub text: Option<String>,
}

/// The bytes of one version of a file.
pub type Content<'a> = Cow<'a, [u8]>;

impl Objects {
    /// Both versions of a changed file, empty where there is none; a submodule reads as the line git shows for it.
    pub fn contents(&self, change: &Change) -> Result<(Content<'_>, Content<'_>), Error> {
        Ok((self.content(change.old)?, self.content(change.new)?))
    }

    /// The lines that changed in one file.
    pub fn patch(&self, change: &Change) -> Result<Patch, Error> {
        let (old, new) = self.contents(change)?;
        if is_binary(&old) || is_binary(&new) {
            return Ok(Patch { additions: 0, deletions: 0, binary: true, text: None });
        }
        let diff = LineDiff::of(&old, &new);
        let text = diff.text();
        let text = String::from_utf8_lossy(text.strip_suffix(b"\n").unwrap_or(&text)).into_owned();
        let (additions, deletions) = (diff.additions(), diff.deletions());
        Ok(Patch { additions, deletions, binary: false, text: Some(text).filter(|text| !text.is_empty()) })
    }

    /// The changes as `git diff` prints them.
    pub fn diff_text(&self, changes: &[Change]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        for change in changes {
            if change.status == Status::Changed {
                // Git shows another type of file as one gone and one new.
                self.write_change(&mut out, &Change { status: Status::Removed, new: None, ..change.clone() })?;
                self.write_change(&mut out, &Change { status: Status::Added, old: None, ..change.clone() })?;
            } else {
                self.write_change(&mut out, change)?;
            }
        }
        Ok(out)
    }

    /// The commits, oldest first, as one mailbox: `git format-patch --stdout --no-signature`. Merge commits say nothing and are left out.
    pub fn format_patch(&self, commits: &[Oid]) -> Result<Vec<u8>, Error> {
        let mut plain = Vec::new();
        for oid in commits {
            let commit = self.commit(*oid)?;
            if commit.parents.len() < 2 {
                plain.push((*oid, commit));
            }
        }
        let mut out = Vec::new();
        for (at, (oid, commit)) in plain.iter().enumerate() {
            if at > 0 {
                out.push(b'\n');
            }
            let number = if plain.len() == 1 { String::new() } else { numbered(at + 1, plain.len()) };
            out.extend_from_slice(mail_header(*oid, commit, &number).as_bytes());
            let changes = self.changes_of(*oid)?;
            if !changes.is_empty() {
                out.extend_from_slice(b"---\n");
                out.extend_from_slice(stat::of(self, &changes)?.as_bytes());
                out.push(b'\n');
                out.extend_from_slice(&self.diff_text(&changes)?);
            }
        }
        Ok(out)
    }

    fn content(&self, side: Option<Side>) -> Result<Content<'_>, Error> {
        Ok(match side {
            None => Cow::Borrowed(b""),
            Some(Side { mode: Mode::Submodule, oid }) => Cow::Owned(format!("Subproject commit {oid}\n").into_bytes()),
            Some(Side { oid, .. }) => Cow::Borrowed(self.blob(oid)?),
        })
    }

    fn write_change(&self, out: &mut Vec<u8>, change: &Change) -> Result<(), Error> {
        let (a, b) = (quoted("a/", change.old_path()), quoted("b/", &change.path));
        let mut head = format!("diff --git {a} {b}\n");
        match (change.old, change.new) {
            (None, Some(new)) => head += &format!("new file mode {}\n", new.mode.as_str()),
            (Some(old), None) => head += &format!("deleted file mode {}\n", old.mode.as_str()),
            (Some(old), Some(new)) if old.mode != new.mode => {
                head += &format!("old mode {}\nnew mode {}\n", old.mode.as_str(), new.mode.as_str());
            }
            _ => {}
        }
        if let Some(from) = &change.previous_path {
            let similarity = change.similarity.unwrap_or(100);
            let (from, to) = (quoted("", from), quoted("", &change.path));
            head += &format!("similarity index {similarity}%\nrename from {from}\nrename to {to}\n");
        }
        let id = |side: Option<Side>| side.map_or_else(|| Oid::ZERO.short(7), |side| self.abbreviate(side.oid));
        if change.old.map(|side| side.oid) != change.new.map(|side| side.oid) {
            head += &format!("index {}..{}", id(change.old), id(change.new));
            if let (Some(old), Some(new)) = (change.old, change.new)
                && old.mode == new.mode
            {
                head += &format!(" {}", new.mode.as_str());
            }
            head.push('\n');
        }
        out.extend_from_slice(head.as_bytes());
        let (old, new) = self.contents(change)?;
        let label = |side: Option<Side>, name: String| if side.is_some() { name } else { "/dev/null".to_owned() };
        let (a, b) = (label(change.old, a), label(change.new, b));
        if old == new {
            return Ok(());
        }
        if is_binary(&old) || is_binary(&new) {
            out.extend_from_slice(format!("Binary files {a} and {b} differ\n").as_bytes());
            return Ok(());
        }
        // Git ends a label that has a blank in it with a tab, so that other tools can tell the name from a date.
        let tab = |label: &str| if label.contains(' ') { "\t" } else { "" };
        out.extend_from_slice(format!("--- {a}{}\n+++ {b}{}\n", tab(&a), tab(&b)).as_bytes());
        out.extend_from_slice(&LineDiff::of(&old, &new).text());
        Ok(())
    }
}

/// A path as git prints it: in quotes and with escapes when there is anything unusual in it.
pub(super) fn quoted(prefix: &str, path: &str) -> String {
    let usual = |byte: u8| (b' '..0x7f).contains(&byte) && !matches!(byte, b'"' | b'\\');
    if path.bytes().all(usual) {
        return format!("{prefix}{path}");
    }
    let mut out = format!("\"{prefix}");
    for byte in path.bytes() {
        match byte {
            0x07 => out += "\\a",
            0x08 => out += "\\b",
            b'\t' => out += "\\t",
            b'\n' => out += "\\n",
            0x0b => out += "\\v",
            0x0c => out += "\\f",
            b'\r' => out += "\\r",
            b'"' => out += "\\\"",
            b'\\' => out += "\\\\",
            byte if usual(byte) => out.push(char::from(byte)),
            byte => out += &format!("\\{byte:03o}"),
        }
    }
    out.push('"');
    out
}

fn numbered(number: usize, of: usize) -> String {
    let width = of.to_string().len();
    format!(" {number:0width$}/{of}")
}

fn mail_header(oid: Oid, commit: &Commit, number: &str) -> String {
    let author = &commit.author;
    // The date in the first line is a constant that tells mail tools the format.
    let mut out = format!("From {oid} Mon Sep 17 00:00:00 2001\n");
    out += &format!("From: {} <{}>\n", mail_name(&author.name), author.email);
    out += &format!("Date: {}\n", mail_date(author.seconds));
    out += &format!("Subject: {}\n", mail_subject(&format!("[PATCH{number}]"), &commit.subject()));
    let body = commit.body();
    if !commit.message.is_ascii() {
        out += "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n";
    }
    out.push('\n');
    if !body.is_empty() {
        out += body;
        out.push('\n');
    }
    out
}

fn mail_name(name: &str) -> String {
    let special = |c: char| matches!(c, '(' | ')' | '<' | '>' | '[' | ']' | ':' | ';' | '@' | ',' | '.' | '"' | '\\');
    if !name.is_ascii() {
        encoded_words(name, "From: ".len(), true)
    } else if name.contains(special) {
        format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        name.to_owned()
    }
}

/// The subject after its tag: folded before column 78, or in encoded words when it is not ASCII.
fn mail_subject(tag: &str, subject: &str) -> String {
    const WIDTH: usize = 78;
    let mut out = format!("{tag} ");
    if !subject.is_ascii() {
        let used = "Subject: ".len() + out.len();
        return out + &encoded_words(subject, used, false);
    }
    let mut column = "Subject: ".len() + tag.len();
    for (at, word) in subject.split(' ').enumerate() {
        if at > 0 && column + 1 + word.len() > WIDTH {
            out += "\n ";
            column = 0;
        } else if at > 0 {
            out.push(' ');
        }
        out += word;
        column += 1 + word.len();
    }
    out
}

/// Quoted-printable encoded words, each in its own line and at most 76 columns wide.
fn encoded_words(text: &str, used: usize, phrase: bool) -> String {
    const WIDTH: usize = 76;
    const OPEN: &str = "=?UTF-8?q?";
    let mut out = OPEN.to_owned();
    let mut column = used + OPEN.len();
    for c in text.chars() {
        let plain = c.is_ascii_alphanumeric() || matches!(c, '!' | '*' | '+' | '-' | '/');
        let special = matches!(c, '=' | '?' | '_' | ' ') || !c.is_ascii_graphic() || (phrase && !plain);
        let mut piece = String::new();
        if special {
            c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| piece += &format!("={byte:02X}"));
        } else {
            piece.push(c);
        }
        if column + piece.len() + 2 > WIDTH {
            out += "?=\n ";
            out += OPEN;
            column = 1 + OPEN.len();
        }
        out += &piece;
        column += piece.len();
    }
    out + "?="
}

/// `Thu, 1 Jan 2026 00:00:00 +0000`.
fn mail_date(seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Civil date from days: years begin in March, so that the leap day is the last.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12;
    let year = year_of_era + era * 400 + i64::from(month < 2);
    let name = |names: &[&'static str], at: i64| {
        usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default()
    };
    let (weekday, month) = (name(&DAYS, days.rem_euclid(7)), name(&MONTHS, month));
    format!("{weekday}, {day} {month} {year} {:02}:{:02}:{:02} +0000", rest / 3600, rest / 60 % 60, rest % 60)
}
