//! Standard markdown, as the tools and `markdown_text` take it, to the marks that message text has.

/// Bold, italics, strikes, links, headings and bullets; code stays as it is.
pub(crate) fn to_mrkdwn(markdown: &str) -> String {
    let mut fenced = false;
    let lines: Vec<String> = markdown
        .split('\n')
        .map(|line| {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
                return if fenced { "```".to_owned() } else { line.to_owned() };
            }
            if fenced { line.to_owned() } else { plain_line(line) }
        })
        .collect();
    lines.join("\n")
}

fn plain_line(line: &str) -> String {
    let trimmed = line.trim_start();
    let indent = line.get(..line.len() - trimmed.len()).unwrap_or_default();
    let level = trimmed.bytes().take_while(|byte| *byte == b'#').count();
    if (1..=6).contains(&level)
        && let Some(title) = trimmed.get(level..).and_then(|rest| rest.strip_prefix(' '))
    {
        return format!("*{}*", inline(title.trim()).replace('*', ""));
    }
    for bullet in ["- ", "* ", "+ "] {
        if let Some(item) = trimmed.strip_prefix(bullet) {
            return format!("{indent}• {}", inline(item));
        }
    }
    format!("{indent}{}", inline(trimmed))
}

fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if character == '`'
            && let Some((code, after)) = rest.get(1..).and_then(|tail| tail.split_once('`'))
        {
            out.push('`');
            out.push_str(code);
            out.push('`');
            rest = after;
            continue;
        }
        let pairs = [("**", "*"), ("__", "*"), ("~~", "~")];
        if let Some((inner, after, mark)) = pairs.iter().find_map(|(pair, mark)| {
            let (inner, after) = rest.strip_prefix(pair)?.split_once(pair)?;
            (!inner.trim().is_empty()).then_some((inner, after, *mark))
        }) {
            out.push_str(mark);
            out.push_str(&inline(inner));
            out.push_str(mark);
            rest = after;
            continue;
        }
        if character == '*'
            && let Some((inner, after)) = rest.get(1..).and_then(|tail| tail.split_once('*'))
            && !inner.is_empty()
            && !inner.starts_with(' ')
            && !inner.ends_with(' ')
        {
            out.push('_');
            out.push_str(inner);
            out.push('_');
            rest = after;
            continue;
        }
        if let Some((label, url, after)) = link(rest) {
            out.push_str(&format!("<{url}|{label}>"));
            rest = after;
            continue;
        }
        out.push(character);
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
    out
}

/// `[label](address)` at the beginning.
fn link(text: &str) -> Option<(&str, &str, &str)> {
    let (label, tail) = text.strip_prefix('[')?.split_once("](")?;
    let (url, after) = tail.split_once(')')?;
    let fits = !label.contains(['[', ']', '\n']) && !url.contains(char::is_whitespace) && url.contains(':');
    fits.then_some((label, url, after))
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
}
