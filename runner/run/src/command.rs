//! Splitting an agent command into program and arguments, without a shell.

use std::fmt;

/// A command line as words, and whether it needs a shell to mean what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) argv: Vec<String>,
    /// An operator that only a shell understands stands outside quotes.
    pub(crate) shell: bool,
}

/// Why a command line has no words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    Quote(char),
    TrailingBackslash,
    Empty,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quote(quote) => write!(f, "a {quote} is not closed"),
            Self::TrailingBackslash => f.write_str("the last character is a backslash with nothing behind it"),
            Self::Empty => f.write_str("there is no program in it"),
        }
    }
}

/// White space separates, `'..'` and `".."` group, a backslash takes the next character as it is outside quotes and inside double
/// quotes.
pub(crate) fn split(command: &str) -> Result<Words, Malformed> {
    let mut argv = Vec::new();
    let mut word: Option<String> = None;
    let mut shell = false;
    let mut characters = command.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            _ if character.is_whitespace() => {
                shell |= character == '\n' && !argv.is_empty() && characters.clone().any(|next| !next.is_whitespace());
                argv.extend(word.take());
            }
            '\\' => word.get_or_insert_default().push(characters.next().ok_or(Malformed::TrailingBackslash)?),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next().ok_or(Malformed::Quote('\''))? {
                        '\'' => break,
                        inside => word.push(inside),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next().ok_or(Malformed::Quote('"'))? {
                        '"' => break,
                        '\\' => word.push(characters.next().ok_or(Malformed::Quote('"'))?),
                        inside => word.push(inside),
                    }
                }
            }
            _ => {
                shell |= matches!(character, '|' | '&' | ';' | '<' | '>' | '(' | ')' | '`')
                    || (character == '$' && characters.peek() == Some(&'('));
                word.get_or_insert_default().push(character);
            }
        }
    }
    argv.extend(word);
    if argv.first().is_none_or(String::is_empty) {
        return Err(Malformed::Empty);
    }
    Ok(Words { argv, shell })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &str) -> Vec<String> {
        split(command).expect("a command").argv
    }

    #[test]
    fn white_space_separates_and_quotes_group() {
        assert_eq!(words("  node  agent.js\t--fast "), ["node", "agent.js", "--fast"]);
        assert_eq!(words(r#"sh -c 'echo "hi there"' "" a"b c"d"#), ["sh", "-c", "echo \"hi there\"", "", "ab cd"]);
    }

    #[test]
    fn a_backslash_escapes_outside_and_inside_double_quotes_only() {
        assert_eq!(words(r#"a\ b "c\"d\n" 'e\f'"#), ["a b", "c\"dn", r"e\f"]);
    }

    #[test]
    fn an_operator_needs_a_shell_unless_it_is_quoted() {
        for command in ["a | b", "a && b", "a;b", "a > out", "a $(b)", "a `b`", "(a)", "a &"] {
            assert!(split(command).expect("a command").shell, "{command}");
        }
        for command in ["a '|' b", r"a \| b", "a \"x && y\"", "a $HOME", "a b=c"] {
            assert!(!split(command).expect("a command").shell, "{command}");
        }
    }

    #[test]
    fn an_open_quote_or_a_last_backslash_is_refused() {
        assert_eq!(split("a 'b"), Err(Malformed::Quote('\'')));
        assert_eq!(split("a \"b\\\""), Err(Malformed::Quote('"')));
        assert_eq!(split("a b\\"), Err(Malformed::TrailingBackslash));
        assert_eq!(split("   "), Err(Malformed::Empty));
        assert_eq!(split("''"), Err(Malformed::Empty));
    }
}
