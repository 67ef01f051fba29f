//! Name patterns of rulesets and of CODEOWNERS: `*` stays within a segment, `**` does not, `?` is one letter, `[a-z]` a choice.

/// Whether the whole of `text` fits the pattern.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    matches(&pattern, &text)
}

fn matches(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        // `**/` also stands for no directory at all.
        ['*', '*', '/', rest @ ..] => {
            matches(rest, text)
                || (0..text.len()).any(|at| after_slash(text, at).is_some_and(|tail| matches(rest, tail)))
        }
        ['*', '*', rest @ ..] => (0..=text.len()).any(|at| text.get(at..).is_some_and(|tail| matches(rest, tail))),
        ['*', rest @ ..] => {
            let within = text.iter().position(|letter| *letter == '/').unwrap_or(text.len());
            (0..=within).any(|at| text.get(at..).is_some_and(|tail| matches(rest, tail)))
        }
        ['?', rest @ ..] => matches!(text, [letter, tail @ ..] if *letter != '/' && matches(rest, tail)),
        ['[', rest @ ..] => match (rest.iter().position(|letter| *letter == ']'), text) {
            (Some(end), [letter, tail @ ..]) => {
                let (choice, rest) = (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default());
                chosen(choice, *letter) && matches(rest, tail)
            }
            (None, ['[', tail @ ..]) => matches(rest, tail),
            _ => false,
        },
        ['\\', letter, rest @ ..] | [letter, rest @ ..] => {
            matches!(text, [first, tail @ ..] if first == letter && matches(rest, tail))
        }
    }
}

/// The text behind a slash at this place.
fn after_slash(text: &[char], at: usize) -> Option<&[char]> {
    if text.get(at) == Some(&'/') { text.get(at + 1..) } else { None }
}

fn chosen(choice: &[char], letter: char) -> bool {
    let (negated, choice) = match choice {
        ['!' | '^', rest @ ..] => (true, rest),
        other => (false, other),
    };
    let mut found = false;
    let mut rest = choice;
    loop {
        rest = match rest {
            [] => break,
            [from, '-', to, tail @ ..] => {
                found |= (*from..=*to).contains(&letter);
                tail
            }
            [one, tail @ ..] => {
                found |= *one == letter;
                tail
            }
        };
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_fit_what_the_vendor_says_they_fit() {
        for (pattern, text, expected) in [
            ("refs/heads/main", "refs/heads/main", true),
            ("refs/heads/*", "refs/heads/main", true),
            ("refs/heads/*", "refs/heads/a/b", false),
            ("refs/heads/**", "refs/heads/a/b", true),
            ("refs/heads/**/*", "refs/heads/a", true),
            ("refs/heads/release-[0-9]*", "refs/heads/release-12", true),
            ("refs/heads/release-[0-9]*", "refs/heads/release-x", false),
            ("**/*.rs", "src/lib.rs", true),
            ("**/*.rs", "lib.rs", true),
            ("v?", "v1", true),
            ("v?", "v12", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
