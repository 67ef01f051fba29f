//! Which action a call would have led to, from the twin's tables. Only asked after a fault, when the twin cannot say any more.

use crate::description::Description;

/// The action of the route that `method` and `path` lead to; the most literal one where several fit.
pub(crate) fn of_request(description: &Description, method: &str, path: &str) -> Option<String> {
    let path = description.below_mounts(path);
    description
        .routes
        .iter()
        .filter(|route| route.method == method)
        .filter_map(|route| Some((literals(&route.path, path)?, route)))
        .max_by_key(|(literals, _)| *literals)
        .map(|(_, route)| route.action.clone())
}

/// The action of the tool called `name`.
pub(crate) fn of_tool(description: &Description, name: &str) -> Option<String> {
    let tool = description.tools.iter().find(|tool| tool.name == name)?;
    Some(tool.action.clone())
}

/// How many segments of `template` are literal, if `path` fits it.
fn literals(template: &str, path: &str) -> Option<usize> {
    let mut path = path.split('/');
    let mut count = 0;
    for segment in template.split('/') {
        if segment.starts_with('{') && segment.ends_with("...}") {
            return path.next().map(|_| count);
        }
        let given = path.next()?;
        if segment.starts_with('{') && segment.ends_with('}') {
            if given.is_empty() {
                return None;
            }
        } else if segment == given {
            count += 1;
        } else {
            return None;
        }
    }
    path.next().is_none().then_some(count)
}

#[cfg(test)]
mod tests {
    use super::literals;

    #[test]
    fn templates_fit_whole_paths() {
        assert_eq!(literals("/repos/{owner}/{repo}", "/repos/acme/api"), Some(2));
        assert_eq!(literals("/repos/{owner}/{repo}", "/repos/acme/api/issues"), None);
        assert_eq!(literals("/repos/{owner}/{repo}", "/repos/acme/"), None);
        assert_eq!(literals("/repos/{repo}/contents/{path...}", "/repos/a/contents/src/lib.rs"), Some(3));
        assert_eq!(literals("/user", "/users"), None);
    }
}
