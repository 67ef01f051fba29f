//! Paths inside a tree: components joined by single slashes, no slash at either end, the root is empty.

use super::Error;

/// Removes leading, trailing and doubled slashes; refuses `.`, `..`, `.git` and NUL.
pub fn normalise(path: &str) -> Result<String, Error> {
    let components: Vec<&str> = path.split('/').filter(|component| !component.is_empty()).collect();
    if components.iter().all(|component| is_component(component)) {
        Ok(components.join("/"))
    } else {
        Err(Error::MalformedPath { path: path.to_owned() })
    }
}

/// The last component.
pub fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Everything before the last component; empty for a name at the root.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// `name` below `directory`, which may be the root.
pub fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// Whether `path` is `directory` itself or lies below it.
pub fn is_within(path: &str, directory: &str) -> bool {
    directory.is_empty() || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether git would accept this as one name in a tree.
pub(super) fn is_component(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.eq_ignore_ascii_case(".git") && !name.contains(['/', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_are_tidied() {
        assert_eq!(normalise("//src///a.rs/").unwrap(), "src/a.rs");
        assert_eq!(normalise("/").unwrap(), "");
    }

    #[test]
    fn paths_that_leave_the_tree_are_refused() {
        for path in ["..", "a/../b", "./a", "a/.git/config", "A/.GIT", "a\0b"] {
            assert_eq!(normalise(path), Err(Error::MalformedPath { path: path.to_owned() }), "{path:?}");
        }
        assert_eq!(normalise("a..b/...").unwrap(), "a..b/...");
    }

    #[test]
    fn a_directory_does_not_contain_its_namesakes() {
        assert!(is_within("src/a", "src") && is_within("src", "src") && is_within("src", ""));
        assert!(!is_within("src2/a", "src") && !is_within("sr", "src"));
    }
}
