//! Two JSON documents side by side as changed lines, each group of them with the place in the document where it stands.

use imara_diff::{Algorithm, InternedInput};
use serde_json::Value;

/// Unchanged lines around a change.
const CONTEXT: usize = 3;

/// Most lines that are shown; a state that was replaced as a whole helps nobody as a page.
const MOST_LINES: usize = 3_000;

/// What changed from one document to another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Diff {
    pub(crate) added: usize,
    pub(crate) removed: usize,
    pub(crate) hunks: Vec<Hunk>,
    /// Changes that are not among `hunks` because there are too many.
    pub(crate) left_out: usize,
}

/// Changed lines that stand together, with a few unchanged ones around them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hunk {
    /// Where in the document: `repositories[0] (acme/api) › issues[2] (7)`. Empty at the top.
    pub(crate) place: String,
    pub(crate) lines: Vec<Line>,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    Removed,
    Added,
}

/// One line of the documents.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) fate: Fate,
    pub(crate) text: String,
}

/// The difference between two documents.
pub(crate) fn between(before: &Value, after: &Value) -> Diff {
    let (before, after) = (Printed::of(before), Printed::of(after));
    let (old, new) = (before.text(), after.text());
    let input = InternedInput::new(old.as_str(), new.as_str());
    let mut diff = imara_diff::Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let changes: Vec<Change> = diff
        .hunks()
        .map(|hunk| Change {
            before: (index(hunk.before.start), index(hunk.before.end)),
            after: (index(hunk.after.start), index(hunk.after.end)),
        })
        .collect();
    let added = changes.iter().map(|change| change.after.1 - change.after.0).sum();
    let removed = changes.iter().map(|change| change.before.1 - change.before.0).sum();

    let (mut hunks, mut shown, mut left_out) = (Vec::new(), 0, 0);
    for group in together(&changes) {
        if shown >= MOST_LINES {
            left_out += group.len();
            continue;
        }
        let hunk = hunk(group, &before, &after);
        shown += hunk.lines.len();
        hunks.push(hunk);
    }
    Diff { added, removed, hunks, left_out }
}

/// Lines that were replaced by others; each range is a start and an end.
struct Change {
    before: (usize, usize),
    after: (usize, usize),
}

fn index(line: u32) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
}

/// Changes whose surroundings touch are one.
fn together(changes: &[Change]) -> impl Iterator<Item = &[Change]> {
    changes.chunk_by(|one, next| next.after.0 - one.after.1 <= 2 * CONTEXT)
}

fn hunk(group: &[Change], before: &Printed, after: &Printed) -> Hunk {
    let mut lines = Vec::new();
    let mut add = |fate, from: &Printed, range: std::ops::Range<usize>| {
        let texts = from.lines.get(range).unwrap_or_default();
        let room = (MOST_LINES + 1).saturating_sub(lines.len());
        lines.extend(texts.iter().take(room).map(|line| Line { fate, text: line.text.clone() }));
    };
    let mut at = group.first().map_or(0, |change| change.after.0.saturating_sub(CONTEXT));
    for change in group {
        add(Fate::Kept, after, at..change.after.0);
        add(Fate::Removed, before, change.before.0..change.before.1);
        add(Fate::Added, after, change.after.0..change.after.1);
        at = change.after.1;
    }
    add(Fate::Kept, after, at..(at + CONTEXT).min(after.lines.len()));
    let place = group.first().map(|change| {
        if change.after.1 > change.after.0 { after.place(change.after.0) } else { before.place(change.before.0) }
    });
    Hunk { place: place.unwrap_or_default(), lines }
}

/// A document as lines. Without commas, so that a line does not change because another came behind it.
struct Printed {
    lines: Vec<PrintedLine>,
    /// Each with its parent; the first is the document itself.
    containers: Vec<(usize, String)>,
}

struct PrintedLine {
    text: String,
    container: usize,
}

impl Printed {
    fn of(value: &Value) -> Self {
        let mut printed = Self { lines: Vec::new(), containers: vec![(0, String::new())] };
        printed.value(value, "", 0, 0);
        printed
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    }

    /// The names of everything around a line, from the outside.
    fn place(&self, line: usize) -> String {
        let mut at = self.lines.get(line).map_or(0, |line| line.container);
        let mut names = Vec::new();
        while let Some((parent, name)) = self.containers.get(at).filter(|_| at != 0) {
            names.push(name.as_str());
            at = *parent;
        }
        names.reverse();
        names.join(" \u{203a} ")
    }

    fn line(&mut self, depth: usize, text: &str, container: usize) {
        self.lines.push(PrintedLine { text: format!("{}{text}", "  ".repeat(depth)), container });
    }

    fn value(&mut self, value: &Value, label: &str, depth: usize, container: usize) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                self.line(depth, &format!("{label}{{"), container);
                for (name, member) in members {
                    let within = self.within(container, name, member);
                    self.value(member, &format!("{}: ", Value::from(name.as_str())), depth + 1, within);
                }
                self.line(depth, "}", container);
            }
            Value::Array(elements) if !elements.is_empty() => {
                self.line(depth, &format!("{label}["), container);
                let name = self.containers.get(container).map(|(_, name)| name.clone()).unwrap_or_default();
                for (place, element) in elements.iter().enumerate() {
                    let within = self.element(container, &name, place, element);
                    self.value(element, "", depth + 1, within);
                }
                self.line(depth, "]", container);
            }
            value => self.line(depth, &format!("{label}{value}"), container),
        }
    }

    /// A member of an object is a place of its own when there is something in it.
    fn within(&mut self, container: usize, name: &str, member: &Value) -> usize {
        if !(member.is_object() || member.is_array()) {
            return container;
        }
        self.containers.push((container, name.to_owned()));
        self.containers.len() - 1
    }

    /// An element of a list is named by the list, its number, and what it calls itself.
    fn element(&mut self, list: usize, name: &str, place: usize, element: &Value) -> usize {
        let Value::Object(members) = element else { return list };
        let own = ["full_name", "name", "number", "id", "ts"].iter().find_map(|key| match members.get(*key) {
            Some(Value::String(text)) if text.len() <= 60 => Some(format!(" ({text})")),
            Some(Value::Number(number)) => Some(format!(" ({number})")),
            _ => None,
        });
        let parent = self.containers.get(list).map_or(0, |(parent, _)| *parent);
        self.containers.push((parent, format!("{name}[{place}]{}", own.unwrap_or_default())));
        self.containers.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(diff: &Diff) -> Vec<String> {
        let mut out = Vec::new();
        for hunk in &diff.hunks {
            out.push(format!("@ {}", hunk.place));
            out.extend(hunk.lines.iter().map(|line| {
                let sign = match line.fate {
                    Fate::Kept => ' ',
                    Fate::Removed => '-',
                    Fate::Added => '+',
                };
                format!("{sign}{}", line.text)
            }));
        }
        out
    }

    #[test]
    fn equal_documents_do_not_differ() {
        let document = json!({"a": [1, 2, {"b": null}]});
        let diff = between(&document, &document);
        assert_eq!((diff.added, diff.removed, diff.hunks.len()), (0, 0, 0));
    }

    #[test]
    fn a_change_says_where_it_stands() {
        let issue = |labels: Value| {
            json!({"repositories": [{"full_name": "acme/api", "issues": [
                {"number": 1, "title": "a", "labels": ["x"]},
                {"number": 2, "title": "b", "state": "open", "body": null, "labels": labels},
            ]}]})
        };
        let diff = between(&issue(json!([])), &issue(json!(["bug"])));
        assert_eq!((diff.added, diff.removed), (3, 1));
        assert_eq!(
            shown(&diff),
            [
                "@ repositories[0] (acme/api) \u{203a} issues[1] (2) \u{203a} labels",
                "           \"title\": \"b\"",
                "           \"state\": \"open\"",
                "           \"body\": null",
                "-          \"labels\": []",
                "+          \"labels\": [",
                "+            \"bug\"",
                "+          ]",
                "         }",
                "       ]",
                "     }",
            ]
        );
    }

    #[test]
    fn something_that_is_gone_stands_where_it_was() {
        let diff = between(&json!({"a": {"b": 1, "c": 2}}), &json!({"a": {"c": 2}}));
        assert_eq!(shown(&diff), ["@ a", " {", "   \"a\": {", "-    \"b\": 1", "     \"c\": 2", "   }", " }"]);
    }

    #[test]
    fn changes_far_apart_are_apart() {
        let list = |first: i32, last: i32| {
            let mut list = vec![0; 40];
            (list[0], list[39]) = (first, last);
            json!(list)
        };
        assert_eq!(between(&list(1, 1), &list(2, 2)).hunks.len(), 2);
    }

    #[test]
    fn a_state_that_was_replaced_is_cut() {
        let list = |of: i32| Value::from((0..20_000).map(|place| json!(place * 2 + of)).collect::<Vec<_>>());
        let diff = between(&list(0), &list(1));
        assert_eq!((diff.added, diff.removed), (20_000, 20_000));
        assert!(diff.hunks.iter().map(|hunk| hunk.lines.len()).sum::<usize>() <= MOST_LINES + 1);
    }
}
