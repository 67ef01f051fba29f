//! Standard markdown, as the tools and `markdown_text` take it, to the marks that message text has. The library says what is a
//! mark; everything else of the text stays to the letter.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Bold, italics, strikes, links, headings and bullets; code stays as it is.
pub(crate) fn to_mrkdwn(markdown: &str) -> String {
    let mut text = Text { source: markdown, done: 0, out: String::with_capacity(markdown.len()) };
    // A heading is bold as a whole, so nothing in it is.
    let mut heading = false;
    let mut links = Vec::new();
    for (event, at) in Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH).into_offset_iter() {
        let whole = markdown.get(at.clone()).unwrap_or_default();
        let bold = if heading { "" } else { "*" };
        let tildes = if whole.starts_with("~~") { 2 } else { 1 };
        match event {
            Event::Start(Tag::Strong) => text.put(at.start, bold, at.start + 2),
            Event::End(TagEnd::Strong) => text.put(at.end - 2, bold, at.end),
            Event::Start(Tag::Emphasis) => text.put(at.start, "_", at.start + 1),
            Event::End(TagEnd::Emphasis) => text.put(at.end - 1, "_", at.end),
            Event::Start(Tag::Strikethrough) => text.put(at.start, "~", at.start + tildes),
            Event::End(TagEnd::Strikethrough) => text.put(at.end - tildes, "~", at.end),
            Event::Start(Tag::Item) if whole.starts_with(['-', '*', '+']) => text.put(at.start, "•", at.start + 1),
            Event::Start(Tag::Heading { .. }) => {
                heading = true;
                let title = whole.trim_start_matches('#').trim_start();
                text.put(at.start, "*", at.end - title.len());
            }
            Event::End(TagEnd::Heading(_)) => {
                heading = false;
                text.put(text.done, "*", at.start + whole.trim_end_matches('\n').len());
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                // `<https://a.b>` means the same in both.
                let translated = whole.starts_with('[') && dest_url.contains(':');
                if translated {
                    text.put(at.start, &format!("<{dest_url}|"), at.start + 1);
                }
                links.push(translated);
            }
            Event::End(TagEnd::Link) if links.pop() == Some(true) => text.put(text.done, ">", at.end),
            // The language behind the fence means nothing here.
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) if whole.starts_with("```") => {
                let fence = whole.len() - whole.trim_start_matches('`').len();
                let line = whole.lines().next().map_or(fence, str::len);
                text.put(at.start + fence, "", at.start + line);
            }
            Event::Start(_) | Event::End(_) => {}
            // Words, code and line breaks.
            _ => text.put(at.end, "", at.end),
        }
    }
    text.put(markdown.len(), "", markdown.len());
    text.out
}

/// What is written, and how far the source has been looked at.
struct Text<'a> {
    source: &'a str,
    done: usize,
    out: String,
}

impl Text<'_> {
    /// Copies the source up to a place, writes a mark and goes on behind another.
    fn put(&mut self, until: usize, mark: &str, then: usize) {
        self.out.push_str(self.source.get(self.done..until).unwrap_or_default());
        self.out.push_str(mark);
        self.done = self.done.max(then);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_translated_and_code_is_not() {
        assert_eq!(
            to_mrkdwn("# Title\n**b** *i* ~~s~~ [l](https://a.b)\n- one\n`**x**`\n```js\n**y**\n```"),
            "*Title*\n*b* _i_ ~s~ <https://a.b|l>\n• one\n`**x**`\n```\n**y**\n```"
        );
        assert_eq!(to_mrkdwn("2 * 3 * 4 and a_b"), "2 * 3 * 4 and a_b");
    }

    #[test]
    fn marks_nest_and_everything_else_stays() {
        assert_eq!(to_mrkdwn("***x*** and **a *b* c**"), "_*x*_ and *a _b_ c*");
        assert_eq!(to_mrkdwn("## A **b** c ##\n\ntext\n"), "*A b c*\n\ntext\n");
        assert_eq!(to_mrkdwn("* a\n  - [**b**](https://x.y)\n1. c"), "• a\n  • <https://x.y|*b*>\n1. c");
        assert_eq!(to_mrkdwn("<https://a.b> [x](y) [z]"), "<https://a.b> [x](y) [z]");
        assert_eq!(to_mrkdwn("```\na\n```\n\n~~~\nb\n~~~"), "```\na\n```\n\n~~~\nb\n~~~");
        assert_eq!(to_mrkdwn("äöü **ß**\n\n\n•"), "äöü *ß*\n\n\n•");
        for broken in ["**", "[", "# ", "```", "[](:)", "~", "- ", "#", "****", "[a](https://b"] {
            assert!(to_mrkdwn(broken).len() <= broken.len() + 4, "{broken}");
        }
    }
}
