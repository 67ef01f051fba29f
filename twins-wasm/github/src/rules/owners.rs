//! The CODEOWNERS file of a branch: who owns which paths.

use crate::git::{Objects, Oid};
use crate::glob::fits;

/// The places where the file may be, first one wins.
const PLACES: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// The owners of each path, as far as they are users: `(path's owners)` without repetition. The last line that fits a path
/// counts; a line without owners frees it.
pub(crate) fn owners_of<'p>(objects: &Objects, tree: Oid, paths: impl Iterator<Item = &'p str>) -> Vec<Vec<String>> {
    let file = PLACES.iter().find_map(|place| objects.file_at(tree, place).ok().flatten());
    let Some(text) = file.and_then(|bytes| std::str::from_utf8(bytes).ok()) else { return Vec::new() };
    let lines: Vec<(&str, Vec<String>)> = text.lines().filter_map(line).collect();
    let mut found: Vec<Vec<String>> = Vec::new();
    for path in paths {
        let owners = lines.iter().rev().find(|(pattern, _)| owns(pattern, path)).map(|(_, owners)| owners);
        if let Some(owners) = owners.filter(|owners| !owners.is_empty() && !found.contains(owners)) {
            found.push(owners.clone());
        }
    }
    found
}

fn line(text: &str) -> Option<(&str, Vec<String>)> {
    let text = text.split('#').next().unwrap_or_default();
    let mut words = text.split_whitespace();
    let pattern = words.next()?;
    // Teams are written with a slash; this world has none that could review.
    let owners = words.filter_map(|word| word.strip_prefix('@')).filter(|name| !name.contains('/'));
    Some((pattern, owners.map(str::to_owned).collect()))
}

/// As in a gitignore file: a pattern with a slash starts at the root, one that ends with a slash means everything below.
fn owns(pattern: &str, path: &str) -> bool {
    let bare = pattern.trim_start_matches('/');
    let directory = bare.ends_with('/');
    let bare = bare.trim_end_matches('/');
    let anchored = pattern.starts_with('/') || bare.contains('/');
    let places = if anchored { vec![bare.to_owned()] } else { vec![bare.to_owned(), format!("**/{bare}")] };
    places.iter().any(|place| {
        let below = !place.ends_with("/*") && fits(&format!("{place}/**"), path);
        below || (!directory && fits(place, path))
    })
}

#[cfg(test)]
mod tests {
    use super::owns;

    #[test]
    fn patterns_own_what_the_vendor_says_they_own() {
        for (pattern, path, expected) in [
            ("*", "src/deep/lib.rs", true),
            ("*.js", "app/main.js", true),
            ("/build/logs/", "build/logs/a/b.txt", true),
            ("/build/logs/", "src/build/logs/a", false),
            ("docs/*", "docs/a.md", true),
            ("docs/*", "docs/deep/a.md", false),
            ("apps/", "src/apps/x", true),
            ("/docs", "docs/a/b.md", true),
        ] {
            assert_eq!(owns(pattern, path), expected, "{pattern} {path}");
        }
    }
}
