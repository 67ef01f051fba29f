//! The sections of a scenario. A level-2 heading starts one; everything else, code fences included, is text.

/// A document in sections.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) title: Option<String>,
    pub(crate) title_line: Option<usize>,
    sections: Vec<Section>,
}

/// One section.
#[derive(Debug)]
pub(crate) struct Section {
    /// Trimmed, lower case.
    heading: String,
    pub(crate) heading_line: usize,
    lines: Vec<String>,
}

/// Where HTML comments count as comments.
#[derive(Clone, Copy, PartialEq)]
enum Comments {
    Anywhere,
    /// Only where a line starts with one: `<!--` inside a JSON string is content.
    AtLineStart,
    Nowhere,
}

impl Document {
    pub(crate) fn split(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut document = Self::default();
        let mut comments = Comments::Anywhere;
        let mut in_comment = false;
        let lines: Vec<&str> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
        let front_matter = front_matter(&lines);
        // A comment that is never closed is text.
        let last_close = lines.iter().rposition(|line| line.contains("-->"));
        for (index, raw) in lines.iter().enumerate().skip(front_matter) {
            let closable = |rest: &str| rest.contains("-->") || last_close.is_some_and(|last| last > index);
            let line = without_comments(raw, comments, &mut in_comment, &closable);
            if let Some(heading) = heading(&line, 2) {
                let heading = heading.to_lowercase();
                comments = match heading.as_str() {
                    "prompt" | "task" => Comments::Nowhere,
                    "seed state" | "config" => Comments::AtLineStart,
                    _ => Comments::Anywhere,
                };
                document.sections.push(Section { heading, heading_line: index + 1, lines: Vec::new() });
                continue;
            }
            if document.title.is_none()
                && let Some(title) = heading_of_title(&line)
            {
                document.title = Some(title);
                document.title_line = Some(index + 1);
            }
            if let Some(section) = document.sections.last_mut() {
                section.lines.push(line);
            }
        }
        document
    }

    /// The last section with the first of these headings that occurs.
    pub(crate) fn section(&self, headings: &[&str]) -> Option<&Section> {
        headings.iter().find_map(|heading| self.sections.iter().rev().find(|section| section.heading == *heading))
    }
}

impl Section {
    pub(crate) fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// The lines with their numbers in the file.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines.iter().enumerate().map(|(index, line)| (self.heading_line + 1 + index, line.as_str()))
    }

    /// The content of the first fence, or everything when there is none, and the line in the file on which it starts.
    /// Blank lines around it are dropped.
    pub(crate) fn block(&self) -> (String, usize) {
        let is_open = |line: &String| {
            let info = line.trim_start().strip_prefix("```");
            info.is_some_and(|info| matches!(info.trim(), "" | "json" | "yaml" | "yml"))
        };
        let fenced = self.lines.iter().position(is_open).and_then(|open| {
            let inside = self.lines.get(open + 1..)?;
            let close = inside.iter().position(|line| line.trim_start().starts_with("```"))?;
            Some((open + 1, inside.get(..close)?))
        });
        let (skipped, lines) = fenced.unwrap_or((0, &self.lines));
        let blank = lines.iter().take_while(|line| line.trim().is_empty()).count();
        let text = lines.iter().skip(blank).map(String::as_str).collect::<Vec<_>>().join("\n");
        (text.trim_end().to_owned(), self.heading_line + 1 + skipped + blank)
    }
}

/// Whether a document has a section that only scenarios have.
pub(crate) fn looks_like_a_scenario(text: &str) -> bool {
    let document = Document::split(text);
    document.section(&["prompt", "task", "success criteria", "checks"]).is_some()
}

fn front_matter(lines: &[&str]) -> usize {
    if lines.first().is_none_or(|line| line.trim_end() != "---") {
        return 0;
    }
    lines.iter().skip(1).position(|line| line.trim_end() == "---").map_or(0, |close| close + 2)
}

fn heading(line: &str, level: usize) -> Option<&str> {
    let rest = line.strip_prefix("##".get(..level)?)?;
    let text = rest.trim();
    (rest.starts_with(char::is_whitespace) && !text.is_empty()).then_some(text)
}

fn heading_of_title(line: &str) -> Option<String> {
    heading(line, 1).map(str::to_owned)
}

fn without_comments(raw: &str, comments: Comments, in_comment: &mut bool, closable: &dyn Fn(&str) -> bool) -> String {
    let mut line = String::with_capacity(raw.len());
    let mut rest = raw;
    loop {
        if *in_comment {
            match rest.split_once("-->") {
                Some((_, after)) => {
                    *in_comment = false;
                    rest = after;
                }
                None => return line,
            }
        }
        let open = match comments {
            Comments::Anywhere => rest.find("<!--"),
            Comments::AtLineStart if line.is_empty() => {
                rest.find("<!--").filter(|at| rest.get(..*at).is_some_and(|before| before.trim().is_empty()))
            }
            Comments::AtLineStart | Comments::Nowhere => None,
        };
        match open.and_then(|at| Some((rest.get(..at)?, rest.get(at + 4..)?))) {
            Some((before, after)) if closable(after) => {
                line.push_str(before);
                rest = after;
                *in_comment = true;
            }
            _ => {
                line.push_str(rest);
                return line;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(document: &Document, heading: &str) -> Option<String> {
        document.section(&[heading]).map(Section::text)
    }

    #[test]
    fn level_two_headings_start_sections_and_others_do_not() {
        let document = Document::split("# A title\nintro\n## Prompt  \ndo\n### deeper\nit\n##not\n## setup\nx");
        assert_eq!(document.title.as_deref(), Some("A title"));
        assert_eq!(text(&document, "prompt").as_deref(), Some("do\n### deeper\nit\n##not"));
        assert_eq!(text(&document, "setup").as_deref(), Some("x"));
    }

    #[test]
    fn a_later_section_of_the_same_name_wins_and_a_heading_beats_its_alias() {
        let document = Document::split("## Prompt\none\n## Prompt\ntwo\n## Task\nthree");
        assert_eq!(document.section(&["prompt", "task"]).map(Section::text).as_deref(), Some("two"));
    }

    #[test]
    fn comments_count_outside_the_prompt_and_outside_json() {
        let document = Document::split(
            "<!-- # not the title\n-->\n# The title\n## Prompt\na <!-- b --> c\n## Checks\nx<!-- y\n- [code] no\n--> z\n## Seed State\n{\"a\": \"<!-- keep -->\"}\n<!-- drop -->",
        );
        assert_eq!(document.title.as_deref(), Some("The title"));
        assert_eq!(text(&document, "prompt").as_deref(), Some("a <!-- b --> c"));
        assert_eq!(text(&document, "checks").as_deref(), Some("x\n\n z"));
        assert_eq!(text(&document, "seed state").as_deref(), Some("{\"a\": \"<!-- keep -->\"}\n"));
    }

    #[test]
    fn an_unclosed_comment_is_text() {
        let document = Document::split("## Checks\nx <!-- y\nz");
        assert_eq!(text(&document, "checks").as_deref(), Some("x <!-- y\nz"));
    }

    #[test]
    fn a_block_is_the_first_fence_and_knows_its_line() {
        let document =
            Document::split("---\na: b\n---\n\n## Config\ntext\n\n```yaml\n\nruns: 1\n```\n```json\n{}\n```");
        assert_eq!(document.section(&["config"]).map(Section::block), Some(("runs: 1".to_owned(), 10)));
        let document = Document::split("## Config\n\nruns: 2\n\n");
        assert_eq!(document.section(&["config"]).map(Section::block), Some(("runs: 2".to_owned(), 3)));
    }

    #[test]
    fn windows_line_ends_are_line_ends() {
        let document = Document::split("\u{feff}# T\r\n## Prompt\r\nhi\r\n");
        assert_eq!(document.title.as_deref(), Some("T"));
        assert_eq!(text(&document, "prompt").as_deref(), Some("hi\n"));
    }
}
