//! What somebody may have meant.

use pome_wire::project::edit_distance;

/// The candidates within two edits, or that contain the word, in code quotes, nearest first, at most three.
pub(crate) fn among<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut near: Vec<(usize, &str)> = candidates
        .filter_map(|candidate| {
            let distance = edit_distance(word, candidate);
            if distance <= 2 {
                Some((distance, candidate))
            } else if word.len() >= 3 && candidate.contains(word) {
                Some((3, candidate))
            } else {
                None
            }
        })
        .collect();
    near.sort_unstable();
    near.iter().take(3).map(|(_, candidate)| format!("`{candidate}`")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_come_first() {
        assert_eq!(among("gihub", ["github", "gmail", "slack"].into_iter()), ["`github`"]);
        assert_eq!(among("session", ["cli-session", "cli"].into_iter()), ["`cli-session`"]);
        assert!(among("zzzzzz", ["github"].into_iter()).is_empty());
    }
}
