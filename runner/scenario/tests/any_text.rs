//! Whatever a file holds, reading it ends in a scenario or in an error that names a line of the file and a remedy.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use pome_scenario::{Scenario, parse};

/// A small generator with a fixed start, so that a failure repeats.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.next(from.len())]
    }
}

const FRAGMENTS: &[&str] = &[
    "## ",
    "# x",
    "## Prompt",
    "## Config",
    "## Seed State",
    "## Checks",
    "##\t",
    "```",
    "```json",
    "```yaml",
    "<!--",
    "-->",
    "---",
    "- [code] x",
    "- [D:slack] x",
    "- [P",
    "* [model always-scored] y",
    "- [code",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    ":",
    ",",
    "twins: [github, slack]",
    "twins: *a",
    "&a",
    "!!binary x",
    "timeout: 1e9",
    "runs: 99999999999999999999",
    "passThreshold: .nan",
    "\u{feff}",
    "\r",
    "\u{2028}",
    "é",
    "\0",
    "  ",
    "\t",
];

fn corpus() -> Vec<String> {
    let entries = fs::read_dir("tests/golden").unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    files.sort();
    files.iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
}

fn check(text: &str) -> Option<Scenario> {
    match parse(Path::new("case.md"), text.as_bytes(), &mut pome_scenario::BuiltInOnly) {
        Ok(scenario) => {
            assert!(!scenario.prompt.is_empty() && !scenario.criteria.is_empty() && !scenario.config.twins.is_empty());
            for (index, criterion) in scenario.criteria.iter().enumerate() {
                assert_eq!(criterion.id, format!("crit_{index}"));
                let line = text.split('\n').nth(criterion.line - 1).unwrap();
                let has_comment = line.contains("<!--") || line.contains("-->");
                assert!(has_comment || line.contains(&criterion.text), "{line:?} {criterion:?}");
            }
            Some(scenario)
        }
        Err(error) => {
            let lines = text.split('\n').count();
            assert!(error.line.is_some_and(|line| (1..=lines).contains(&line)), "{error} of {lines} lines in\n{text}");
            assert!(!error.hint().is_empty());
            None
        }
    }
}

#[test]
fn no_text_makes_the_reader_fail_in_another_way() {
    let corpus = corpus();
    let mut random = Random(0x5eed_1234_abcd_0001);
    let mut accepted = 0;
    for _ in 0..4000 {
        let mut lines: Vec<String> = random.pick(&corpus).split('\n').map(str::to_owned).collect();
        for _ in 0..=random.next(4) {
            let at = random.next(lines.len());
            match random.next(5) {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, (*random.pick(FRAGMENTS)).to_owned()),
                2 => lines[at].push_str(random.pick::<&str>(FRAGMENTS)),
                3 => {
                    let other = random.next(lines.len());
                    lines.swap(at, other);
                }
                _ => {
                    let keep = random.next(lines[at].chars().count() + 1);
                    lines[at] = lines[at].chars().take(keep).collect();
                }
            }
            if lines.is_empty() {
                lines.push(String::new());
            }
        }
        accepted += usize::from(check(&lines.join("\n")).is_some());
    }
    // Both ends of the reader were exercised.
    assert!((200..3800).contains(&accepted), "{accepted}");
}

#[test]
fn a_file_may_end_anywhere() {
    for text in corpus() {
        for (end, _) in text.char_indices() {
            check(&text[..end]);
        }
    }
}

#[test]
fn line_ends_do_not_matter() {
    let mut compared = 0;
    for text in corpus() {
        let Some(mut unix) = check(&text) else { continue };
        let mut windows =
            parse(Path::new("case.md"), text.replace('\n', "\r\n").as_bytes(), &mut pome_scenario::BuiltInOnly)
                .unwrap();
        // Seeds keep their text for messages, hashes are over bytes.
        unix.source_sha256.clear();
        windows.source_sha256.clear();
        assert_eq!(unix, windows);
        compared += 1;
    }
    assert!(compared >= 3);
}
