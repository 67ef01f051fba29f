//! Texts that name people and issues.

use crate::state::{Numbered, RepoId, State};
use crate::views::HTML;

/// The logins that a text names with `@`, without repetition; code is not read.
pub(crate) fn logins(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for word in words(text) {
        let Some(rest) = word.trim_start_matches(['(', '[', '*', '_', '"', '\'']).strip_prefix('@') else { continue };
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').unwrap_or(rest.len());
        let login = rest.get(..end).unwrap_or_default().trim_end_matches('-');
        // `@owner/team` is a team, `@a.example` is nobody.
        let team = rest.get(end..).is_some_and(|tail| tail.starts_with('/'));
        if !login.is_empty() && !team && !found.contains(&login) {
            found.push(login);
        }
    }
    found
}

/// Whether a text names `@login`.
pub(crate) fn names(text: &str, login: &str) -> bool {
    logins(text).iter().any(|named| named.eq_ignore_ascii_case(login))
}

/// Words outside of code spans and fenced blocks.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines()
        .filter(move |line| {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            !fence && !fenced
        })
        .flat_map(|line| line.split('`').step_by(2))
        .flat_map(str::split_whitespace)
}

/// Reads references to issues, seen from one repository.
pub(crate) struct References<'a> {
    pub(crate) state: &'a State,
    pub(crate) home: RepoId,
}

impl References<'_> {
    /// The issues and pull requests that a text names and that exist: `#1`, `owner/repo#1`, `GH-1` and addresses of pages.
    pub(crate) fn of(&self, text: &str) -> Vec<Numbered> {
        let mut found = Vec::new();
        for word in words(text) {
            if let Some(key) = self.one(word)
                && !found.contains(&key)
            {
                found.push(key);
            }
        }
        found
    }

    fn one(&self, word: &str) -> Option<Numbered> {
        let word = word.trim_start_matches(['(', '[', '*', '_', '"', '\'', '<']);
        let (repo, number) = match word.strip_prefix(HTML).and_then(|rest| rest.strip_prefix('/')) {
            Some(rest) => {
                let mut parts = rest.split('/');
                let (owner, name, kind) = (parts.next()?, parts.next()?, parts.next()?);
                let known = matches!(kind, "issues" | "pull").then_some(());
                known?;
                (self.state.repo_id(owner, name)?, digits(parts.next()?)?)
            }
            None => match word.strip_prefix("GH-") {
                Some(rest) => (self.home, digits(rest)?),
                None => {
                    let (name, rest) = word.split_once('#')?;
                    let repo = match name.split_once('/') {
                        None if name.is_empty() => self.home,
                        None => return None,
                        Some((owner, name)) => self.state.repo_id(owner, name)?,
                    };
                    (repo, digits(rest)?)
                }
            },
        };
        Some((repo, number)).filter(|key| self.state.issues.contains(key))
    }
}

/// The number at the start, unless it goes on as a word.
fn digits(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end)?;
    if rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_') { None } else { number.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::{digits, logins};

    #[test]
    fn people_are_named_outside_of_code() {
        assert_eq!(
            logins("Hi @alice, (@bob-b) and a@b.c, `@carol` @acme/team\n```\n@dave\n```\n@alice"),
            ["alice", "bob-b"]
        );
        assert_eq!((digits("12."), digits("12a"), digits("x")), (Some(12), None, None));
    }
}
