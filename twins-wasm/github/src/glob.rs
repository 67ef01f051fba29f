//! Name patterns of rulesets and of CODEOWNERS: `*` stays within a segment, `**/` does not, `?` is one letter, `[a-z]` a choice.

/// Whether the whole of `text` fits the pattern. Braces and a leading `!` mean nothing to the vendor.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let mut plain = String::with_capacity(pattern.len());
    let mut escaped = false;
    for (at, letter) in pattern.char_indices() {
        if !escaped && (matches!(letter, '{' | '}') || letter == '!' && at == 0) {
            plain.push('\\');
        }
        escaped = letter == '\\' && !escaped;
        plain.push(letter);
    }
    fast_glob::glob_match(plain, text)
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
            ("{a,b}", "a", false),
            ("{a,b}", "{a,b}", true),
            ("!v", "w", false),
            ("v[!0-9]", "vx", true),
            ("a/**/b", "a/x/y/b", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
