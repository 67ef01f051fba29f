//! What differs from run to run.

use std::sync::LazyLock;

use regex::Regex;

/// Pattern and what stands in its place, applied in order.
static MASKS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", "<token>"),
        (r"run_[0-9A-Za-z]{10}", "<run>"),
        (r"grp_[0-9A-Za-z_-]{21}", "<group>"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "<time>"),
        (r"(127\.0\.0\.1|localhost):\d+", "$1:<port>"),
        (r"\b\d+(\.\d+)?(ms|s)\b", "<duration>"),
        (r"(/private)?/[^\s`'\x22]*/pome-test-[A-Za-z0-9]+", "<project>"),
    ]
    .into_iter()
    .map(|(pattern, name)| (Regex::new(pattern).expect("the patterns are constant"), name))
    .collect()
});

/// The text with run ids, tokens, times, ports, durations and the folder of the project replaced by names.
pub fn mask(text: &str) -> String {
    MASKS.iter().fold(text.to_owned(), |text, (pattern, name)| pattern.replace_all(&text, *name).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named() {
        let text = "runs/a/run_aB3kPq90Zx at http://127.0.0.1:3000/s/standalone after 14.3s in /tmp/pome-test-Ab12/x";
        assert_eq!(mask(text), "runs/a/<run> at http://127.0.0.1:<port>/s/standalone after <duration> in <project>/x");
    }

    #[test]
    fn the_rest_stays() {
        let text = "score: 100/100, issue #1, 4 criteria";
        assert_eq!(mask(text), text);
    }
}
