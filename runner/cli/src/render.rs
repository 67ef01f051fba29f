//! The only place that prints. Commands build a value; this module turns it into text or JSON on the right stream.

pub(crate) mod report;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;
use serde_json::json;

use crate::args::Global;
use crate::environment::Environment;
use crate::failure::Failure;

/// What to print and how, decided once from flags, environment and streams.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
pub(crate) struct Console {
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    pub(crate) json: bool,
    pub(crate) out: Painter,
    pub(crate) err: Painter,
    /// Whether a line on standard error may be overwritten later.
    pub(crate) live: bool,
}

/// How something is emphasised on a terminal. The text says it all without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Good,
    Bad,
    Caution,
    Faint,
    Strong,
}

/// Colours of one stream, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Painter(bool);

impl Painter {
    /// The text in the style, with control characters removed.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        let text = plain(text);
        if !self.0 {
            return text.into_owned();
        }
        let code = match style {
            Style::Good => "32",
            Style::Bad => "31",
            Style::Caution => "33",
            Style::Faint => "2",
            Style::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

#[expect(clippy::unused_self, reason = "whoever prints has a console")]
impl Console {
    pub(crate) fn new(global: &Global, environment: &Environment) -> Self {
        let colour = !global.no_color && !environment.is_set("NO_COLOR");
        let terminal = io::stderr().is_terminal();
        Self {
            quiet: global.quiet,
            verbose: global.verbose,
            json: global.json,
            out: Painter(colour && io::stdout().is_terminal()),
            err: Painter(colour && terminal),
            live: terminal && !global.quiet && !environment.is_set("CI"),
        }
    }

    /// Help text in the colours of the stream.
    pub(crate) fn help(&self, text: &clap::builder::StyledStr) {
        let text = if self.out.0 { text.ansi().to_string() } else { text.to_string() };
        write_text(&mut io::stdout().lock(), &text);
    }

    /// A result: text that somebody may pipe. A newline is added unless it ends with one.
    pub(crate) fn result(&self, text: &str) {
        write_text(&mut io::stdout().lock(), text);
    }

    /// A result that is bytes.
    pub(crate) fn result_bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let mut stream = io::stdout().lock();
        stream.write_all(bytes)?;
        stream.flush()
    }

    /// The one JSON document of a command.
    pub(crate) fn document(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::orchestrator("the report cannot be written as JSON").because(&error))?;
        self.result(&text);
        Ok(())
    }

    /// Text for the person: not data, not a problem.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            write_text(&mut io::stderr().lock(), text);
        }
    }

    /// Text without which the person cannot go on, also with `--quiet`.
    pub(crate) fn tell(&self, text: &str) {
        write_text(&mut io::stderr().lock(), &plain(text));
    }

    /// A line for those who asked for every step.
    pub(crate) fn detail(&self, text: &str) {
        if self.verbose && !self.quiet {
            write_text(&mut io::stderr().lock(), &self.err.paint(Style::Faint, text));
        }
    }

    /// Something to know that stops nothing.
    pub(crate) fn note(&self, text: &str) {
        self.say(&format!("{} {}", self.err.paint(Style::Strong, "note:"), plain(text)));
    }

    /// Something that is probably not wanted. Shown even with `--quiet`.
    pub(crate) fn warn(&self, text: &str) {
        let line = format!("{} {}", self.err.paint(Style::Caution, "warning:"), plain(text));
        write_text(&mut io::stderr().lock(), &line);
    }

    /// Why one part of a command failed that goes on.
    pub(crate) fn fail_beside(&self, failure: &Failure) {
        let mut text = format!("{} {}\n", self.err.paint(Style::Bad, "error:"), plain(&failure.message));
        for cause in &failure.causes {
            let _ = writeln!(text, "  caused by: {}", plain(cause));
        }
        for hint in &failure.hints {
            let _ = writeln!(text, "{} {}", self.err.paint(Style::Strong, "hint:"), plain(hint));
        }
        write_text(&mut io::stderr().lock(), &text);
    }

    /// Why the command stops, in the document as well.
    pub(crate) fn fail(&self, failure: &Failure) {
        self.fail_beside(failure);
        if self.json {
            let document = json!({
                "version": 1,
                "exit_code": failure.exit.code(),
                "error": failure.message,
                "causes": failure.causes,
                "hints": failure.hints,
            });
            self.result(&document.to_string());
        }
    }

    /// Text that is already complete, from the argument parser.
    pub(crate) fn usage(&self, text: &str) {
        write_text(&mut io::stderr().lock(), text);
    }

    /// Replaces the line at the bottom of the terminal; the empty text removes it.
    pub(crate) fn live_line(&self, text: &str) {
        if self.live {
            let mut stream = io::stderr().lock();
            let _ = write!(stream, "\r\u{1b}[2K{text}");
            let _ = stream.flush();
        }
    }
}

/// Prints a question and reads one line of the answer; nothing at the end of the input.
pub(crate) fn ask(question: &str) -> io::Result<Option<String>> {
    {
        let mut stream = io::stderr().lock();
        write!(stream, "{question}")?;
        stream.flush()?;
    }
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim().to_owned()))
}

/// Without control characters other than newline and tab: what servers and agents say must not drive the terminal.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let unwanted = |character: char| character.is_control() && character != '\n' && character != '\t';
    if text.contains(unwanted) { Cow::Owned(text.replace(unwanted, "")) } else { Cow::Borrowed(text) }
}

/// Columns that line up, two spaces apart, nothing after the last one.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A reader that went away (`pome inspect | head`) is not an error of ours, so a failed write is dropped.
fn write_text(stream: &mut impl io::Write, text: &str) {
    let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    let _ = write!(stream, "{text}{end}");
    let _ = stream.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\u{7f}\u{0}c\nd\te"), "a[31mbc\nd\te");
        assert_eq!(plain("Ünïcode ✓"), "Ünïcode ✓");
    }

    #[test]
    fn a_table_lines_up() {
        let rows = [["ID".to_owned(), "STATE".to_owned()], ["ses_1".to_owned(), "done".to_owned()]];
        assert_eq!(table(&rows), "ID     STATE\nses_1  done\n");
    }
}
