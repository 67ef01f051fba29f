//! How the official MCP server says no: one line of text, with the API's answer in the words of its Go client.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use pome_twin_kit::Cx;
use pome_twin_kit::input::{InputError, Problem};
use serde_json::{Map, Value};

use crate::GitHub;
use crate::access::Access;
use crate::error::{Error, Source};
use crate::views::{Encoded, EncodedPath};

/// What the server asks the API for.
enum Asked {
    /// What failed, the method and the path of the request.
    Rest(String, &'static str, String),
    /// What failed; GraphQL answers name no address.
    Graph(&'static str),
}

/// The text of a tool error.
pub(crate) fn text(cx: &Cx<'_, GitHub>, error: &Error) -> String {
    let Some(call) = cx.tool else { return error.message.clone() };
    if error.status == 501 {
        return error.message.clone();
    }
    let arguments: Map<String, Value> = serde_json::from_slice(&call.arguments).unwrap_or_default();
    let given = Given(&arguments);
    match &error.source {
        Source::Server => said(error),
        Source::Input(input) => about_input(&call.name, &given, input),
        Source::Limited(seconds) => {
            let what = match asked(&call.name, &given, error.status) {
                Some(Asked::Rest(what, ..)) => what,
                Some(Asked::Graph(what)) => what.to_owned(),
                None => call.name.clone(),
            };
            let (minutes, seconds) = (seconds / 60, seconds % 60);
            let wait = if minutes > 0 { format!("{minutes}m{seconds}s") } else { format!("{seconds}s") };
            format!("{what}: GitHub API rate limit exceeded. Retry after {wait}.")
        }
        Source::Api | Source::Moved(_) => match asked(&call.name, &given, error.status) {
            None => error.message.clone(),
            Some(Asked::Graph(what)) => graph_text(cx, what, &call.name, &given, error),
            Some(Asked::Rest(what, method, path)) => {
                // The refs of git only say that they are not there.
                let bare = error.status == 404 && path.contains("/git/ref/");
                let (status, message) = (error.status, if bare { "Not Found" } else { &error.message });
                format!("{what}: {method} {}{path}: {status} {message} [{}]", cx.origin, details(error))
            }
        },
    }
}

/// The message, or the sentence inside it.
fn said(error: &Error) -> String {
    let first = error.errors.iter().flatten().next();
    let inner = first.and_then(|row| row.as_str().or_else(|| row.get("message")?.as_str()));
    inner.unwrap_or(&error.message).to_owned()
}

/// The list of errors as Go prints a slice of structs.
fn details(error: &Error) -> String {
    let row = |row: &Value| {
        let member = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let message = row.as_str().map_or_else(|| member("message"), str::to_owned);
        let (resource, field, code) = (member("resource"), member("field"), member("code"));
        format!("{{Resource:{resource} Field:{field} Code:{code} Message:{message}}}")
    };
    error.errors.iter().flatten().map(row).collect::<Vec<_>>().join(" ")
}

/// GraphQL names what is missing; what a mutation of reviews refuses is passed on as it is.
fn graph_text(cx: &Cx<'_, GitHub>, what: &str, tool: &str, given: &Given<'_>, error: &Error) -> String {
    if error.status != 404 {
        let bare = matches!(tool, "pull_request_review_write" | "add_comment_to_pending_review");
        return if bare { said(error) } else { format!("{what}: {}", said(error)) };
    }
    let (owner, repo) = (given.text("owner"), given.text("repo"));
    let (issue, pull) = (given.text("issue_number"), given.text("pullNumber"));
    let (user, org) = (given.text("user"), given.text("org"));
    let node = if !user.is_empty() {
        format!("a User with the login of '{user}'")
    } else if !org.is_empty() || repo.is_empty() {
        format!("an Organization with the login of '{}'", if org.is_empty() { &owner } else { &org })
    } else if cx.repo(&owner, &repo).is_err() {
        format!("a Repository with the name '{owner}/{repo}'")
    } else if tool == "get_label" {
        return format!("label '{}' not found in {owner}/{repo}", given.text("name"));
    } else if !issue.is_empty() {
        format!("an Issue with the number of {issue}")
    } else if !pull.is_empty() {
        format!("a PullRequest with the number of {pull}")
    } else {
        return format!("{what}: {}", error.message);
    };
    format!("{what}: Could not resolve to {node}.")
}

/// The arguments of a call by their advertised names; the spellings with underscores and capitals are one.
struct Given<'a>(&'a Map<String, Value>);

impl Given<'_> {
    fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).or_else(|| {
            let plain = plain(name);
            self.0.iter().find(|(given, _)| self::plain(given) == plain).map(|(_, value)| value)
        })
    }

    /// A text or number as text; empty when it is not there.
    fn text(&self, name: &str) -> String {
        match self.value(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    /// The text, or another one in its place.
    fn or(&self, name: &str, otherwise: &str) -> String {
        Some(self.text(name)).filter(|text| !text.is_empty()).unwrap_or_else(|| otherwise.to_owned())
    }
}

/// `pull_number` and `pullNumber` alike.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| *letter != '_').map(|letter| letter.to_ascii_lowercase()).collect()
}

/// The request behind a tool, as the official server makes it.
fn asked(tool: &str, given: &Given<'_>, status: u16) -> Option<Asked> {
    let repo = format!("/repos/{}/{}", given.text("owner"), given.text("repo"));
    let issue = format!("{repo}/issues/{}", given.text("issue_number"));
    let pull = format!("{repo}/pulls/{}", given.text("pullNumber"));
    let page = format!("?page={}&per_page={}", given.or("page", "1"), given.or("perPage", "30"));
    let method = given.text("method");
    let rest = |what: &str, method, path: String| Some(Asked::Rest(what.to_owned(), method, path));
    let search = |what: &str, kind: &str| {
        let query = given.text("query");
        let what = format!("failed to search {what} with query '{query}'");
        Some(Asked::Rest(what, "GET", format!("/search/{kind}{page}&q={}", Encoded(&query))))
    };
    match (tool, method.as_str()) {
        ("get_me", _) => rest("failed to get user", "GET", "/user".to_owned()),
        ("issue_read", "get_comments") => {
            rest("failed to get issue comments", "GET", format!("{issue}/comments{page}"))
        }
        ("issue_read", "get_sub_issues") => {
            rest("failed to list sub-issues", "GET", format!("{issue}/sub_issues{page}"))
        }
        ("issue_read", "get_labels") => Some(Asked::Graph("Failed to get issue labels")),
        ("issue_read", "get_parent") => Some(Asked::Graph("failed to get parent issue")),
        ("issue_read", _) => rest("failed to get issue", "GET", issue),
        ("issue_write", "update") => rest("failed to update issue", "PATCH", issue),
        ("issue_write" | "create_issue", _) => rest("failed to create issue", "POST", format!("{repo}/issues")),
        ("list_issues", _) => Some(Asked::Graph("failed to list issues")),
        ("add_issue_comment", _) => rest("failed to create comment", "POST", format!("{issue}/comments")),
        ("get_label", _) => Some(Asked::Graph("Failed to find label")),
        ("list_issue_types", _) => {
            rest("failed to list issue types", "GET", format!("/orgs/{}/issue-types", given.text("owner")))
        }
        ("list_issue_fields", _) => Some(Asked::Graph("failed to list issue fields")),
        ("get_teams", _) => Some(Asked::Graph("Failed to find teams")),
        ("get_team_members", _) => Some(Asked::Graph("Failed to get team members")),
        ("sub_issue_write", "remove") => rest("failed to remove sub-issue", "DELETE", format!("{issue}/sub_issue")),
        ("sub_issue_write", "reprioritize") => {
            rest("failed to reprioritize sub-issue", "PATCH", format!("{issue}/sub_issues/priority"))
        }
        ("sub_issue_write", _) => rest("failed to add sub-issue", "POST", format!("{issue}/sub_issues")),
        ("pull_request_read", "get_diff") => rest("failed to get pull request diff", "GET", pull),
        ("pull_request_read", "get_files") => {
            rest("failed to get pull request files", "GET", format!("{pull}/files{page}"))
        }
        ("pull_request_read", "get_commits") => {
            rest("failed to get pull request commits", "GET", format!("{pull}/commits{page}"))
        }
        ("pull_request_read", "get_reviews") => {
            rest("failed to get pull request reviews", "GET", format!("{pull}/reviews"))
        }
        ("pull_request_read", "get_review_comments") => Some(Asked::Graph("failed to get pull request review threads")),
        ("pull_request_read", "get_comments") => {
            let path = format!("{repo}/issues/{}/comments{page}", given.text("pullNumber"));
            rest("failed to get pull request comments", "GET", path)
        }
        ("pull_request_read", _) => rest("failed to get pull request", "GET", pull),
        ("list_pull_requests", _) => rest("failed to list pull requests", "GET", format!("{repo}/pulls{page}")),
        ("create_pull_request", _) => rest("failed to create pull request", "POST", format!("{repo}/pulls")),
        ("update_pull_request", _) => rest("failed to update pull request", "PATCH", pull),
        ("merge_pull_request", _) => rest("failed to merge pull request", "PUT", format!("{pull}/merge")),
        ("update_pull_request_branch", _) => {
            rest("failed to update pull request branch", "PUT", format!("{pull}/update-branch"))
        }
        ("request_copilot_review", _) => {
            rest("failed to request copilot review", "POST", format!("{pull}/requested_reviewers"))
        }
        ("pull_request_review_write", _) => Some(Asked::Graph("failed to get pull request")),
        ("create_pull_request_review", _) => {
            rest("failed to create pull request review", "POST", format!("{pull}/reviews"))
        }
        ("add_comment_to_pending_review", _) => Some(Asked::Graph("failed to get latest review for current user")),
        ("add_reply_to_pull_request_comment", _) => {
            let path = format!("{pull}/comments/{}/replies", given.text("commentId"));
            rest("failed to add reply to pull request comment", "POST", path)
        }
        ("list_repository_collaborators", _) => {
            rest("failed to list collaborators", "GET", format!("{repo}/collaborators{page}"))
        }
        ("search_code", _) => search("code", "code"),
        ("search_commits", _) => search("commits", "commits"),
        ("search_repositories", _) => search("repositories", "repositories"),
        ("search_users", _) => search("users", "users"),
        ("search_issues", _) => {
            rest("failed to search issues", "GET", format!("/search/issues{page}&q={}", Encoded(&given.text("query"))))
        }
        ("search_pull_requests", _) => {
            let path = format!("/search/issues{page}&q={}", Encoded(&given.text("query")));
            rest("failed to search pull requests", "GET", path)
        }
        _ => asked_of_repository(tool, given, status, &repo, &page),
    }
}

/// The tools for repositories, files and releases.
fn asked_of_repository(tool: &str, given: &Given<'_>, status: u16, repo: &str, page: &str) -> Option<Asked> {
    let rest = |what: &str, method, path: String| Some(Asked::Rest(what.to_owned(), method, path));
    let path = given.text("path");
    let contents = format!("{repo}/contents/{}", EncodedPath(path.trim_start_matches('/')));
    match tool {
        "create_branch" if status == 404 => match given.text("from_branch").as_str() {
            "" => rest("failed to get repository", "GET", repo.to_owned()),
            from => rest("failed to get reference", "GET", format!("{repo}/git/ref/heads/{}", EncodedPath(from))),
        },
        "create_branch" => rest("failed to create branch", "POST", format!("{repo}/git/refs")),
        "delete_file" | "push_files" if status == 404 => {
            let branch = given.text("branch");
            rest("failed to get branch reference", "GET", format!("{repo}/git/ref/heads/{}", EncodedPath(&branch)))
        }
        "delete_file" | "push_files" => rest("failed to create tree", "POST", format!("{repo}/git/trees")),
        "create_or_update_file" => rest("failed to create/update file", "PUT", contents),
        "get_file_contents" => rest("failed to get file contents", "GET", contents),
        "create_repository" => match given.text("organization").as_str() {
            "" => rest("failed to create repository", "POST", "/user/repos".to_owned()),
            organization => rest("failed to create repository", "POST", format!("/orgs/{organization}/repos")),
        },
        "fork_repository" => rest("failed to fork repository", "POST", format!("{repo}/forks")),
        "get_commit" => {
            let sha = given.text("sha");
            rest(&format!("failed to get commit: {sha}"), "GET", format!("{repo}/commits/{}{page}", EncodedPath(&sha)))
        }
        "list_commits" => {
            let sha = given.text("sha");
            rest(&format!("failed to list commits: {sha}"), "GET", format!("{repo}/commits{page}"))
        }
        "list_branches" => rest("failed to list branches", "GET", format!("{repo}/branches{page}")),
        "list_tags" => rest("failed to list tags", "GET", format!("{repo}/tags{page}")),
        "get_tag" => {
            let tag = given.text("tag");
            rest("failed to get tag reference", "GET", format!("{repo}/git/ref/tags/{}", EncodedPath(&tag)))
        }
        "list_releases" => rest("failed to list releases", "GET", format!("{repo}/releases{page}")),
        "get_latest_release" => rest("failed to get latest release", "GET", format!("{repo}/releases/latest")),
        "get_release_by_tag" => {
            let tag = given.text("tag");
            let what = format!("failed to get release by tag: {tag}");
            rest(&what, "GET", format!("{repo}/releases/tags/{}", EncodedPath(&tag)))
        }
        _ => None,
    }
}

/// An argument as it is advertised.
struct Parameter {
    name: String,
    required: bool,
    kind: String,
    choices: Vec<String>,
}

/// Every tool's arguments, in the order of its schema.
static PARAMETERS: LazyLock<BTreeMap<String, Vec<Parameter>>> = LazyLock::new(|| {
    let listings = <GitHub as pome_twin_kit::Twin>::TOOL_LISTINGS.iter();
    let tools = listings.flat_map(|text| serde_json::from_str::<Vec<Value>>(text).unwrap_or_default());
    tools
        .filter_map(|tool| Some((tool.get("name")?.as_str()?.to_owned(), parameters(tool.get("inputSchema")?))))
        .collect()
});

fn parameters(schema: &Value) -> Vec<Parameter> {
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let texts = |value: Option<&Value>| -> Vec<String> {
        value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let parameter = |(name, schema): (&String, &Value)| Parameter {
        name: name.clone(),
        required: required.contains(&name.as_str()),
        kind: schema.get("type").and_then(Value::as_str).unwrap_or_default().to_owned(),
        choices: texts(schema.get("enum")),
    };
    let mut all: Vec<Parameter> =
        schema.get("properties").and_then(Value::as_object).into_iter().flatten().map(parameter).collect();
    // The server looks at what it needs first.
    all.sort_by_key(|parameter| required.iter().position(|name| *name == parameter.name).unwrap_or(usize::MAX));
    all
}

/// Refuses a call that lacks what its tool needs, in the server's words: an empty text counts as missing.
pub(crate) fn check(tool: &str, arguments: &Map<String, Value>) -> Result<(), Error> {
    let Some(parameters) = PARAMETERS.get(tool) else { return Ok(()) };
    let given = Given(arguments);
    for parameter in parameters.iter().filter(|parameter| parameter.required) {
        let name = &parameter.name;
        // Searches have always taken the API's own word as well.
        let value = given.value(name).or_else(|| arguments.get("q").filter(|_| name == "query"));
        let may_be_empty = name == "content";
        match value {
            None => return Err(Error::argument(name)),
            Some(Value::String(text)) if text.is_empty() && !may_be_empty => return Err(Error::argument(name)),
            Some(Value::Number(number)) if number.as_f64() == Some(0.0) => return Err(Error::argument(name)),
            Some(Value::String(_)) => {}
            Some(_) if parameter.kind == "string" => {
                return Err(Error::by_server(format!("parameter {name} is not of type string")));
            }
            Some(_) => {}
        }
    }
    // Its schema lets one choose between two spellings and so requires neither.
    if tool == "create_pull_request_review" && given.value("pullNumber").is_none() {
        return Err(Error::argument("pullNumber"));
    }
    Ok(())
}

/// What is wrong with an argument, under its advertised name.
fn about_input(tool: &str, given: &Given<'_>, input: &InputError) -> String {
    let field = input.path.first().map(String::as_str).unwrap_or_default();
    let known = PARAMETERS.get(tool).and_then(|all| all.iter().find(|one| plain(&one.name) == plain(field)));
    let name = known.map_or(field, |parameter| &parameter.name);
    let kind = known.map_or("string", |parameter| parameter.kind.as_str());
    let value = given.value(name);
    match &input.problem {
        Problem::Missing => format!("missing required parameter: {name}"),
        Problem::Value(_) if name == "method" => format!("unknown method: {}", given.text(name)),
        Problem::Value(_) if known.is_some_and(|parameter| !parameter.choices.is_empty()) => {
            let choices = known.map(|parameter| parameter.choices.join(" ")).unwrap_or_default();
            format!("validating /properties/{name}: enum: {} does not equal any of: [{choices}]", given.text(name))
        }
        Problem::Value(reason) => format!("parameter {name}: {reason}"),
        // The server ignores what it does not know.
        Problem::Undeclared => format!("unexpected parameter: {name}"),
        Problem::Type(_) if kind == "number" || kind == "integer" => match value {
            Some(Value::String(text)) => {
                format!("parameter {name} is not a valid number: invalid numeric value: {text}")
            }
            Some(Value::Number(number)) => {
                format!("parameter {name} is not a valid number: non-integer numeric value: {number}")
            }
            other => format!("parameter {name} is not a valid number: expected number, got {}", go_type(other)),
        },
        Problem::Type(_) if kind == "array" => {
            format!("parameter {name} could not be coerced to []string, is {}", go_type(value))
        }
        Problem::Type(_) => {
            let kind = if kind == "boolean" { "bool" } else { kind };
            format!("parameter {name} is not of type {kind}, is {}", go_type(value))
        }
    }
}

/// How the server names the type of a JSON value.
const fn go_type(value: Option<&Value>) -> &'static str {
    match value {
        None | Some(Value::Null) => "<nil>",
        Some(Value::Bool(_)) => "bool",
        Some(Value::Number(_)) => "float64",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "[]interface {}",
        Some(Value::Object(_)) => "map[string]interface {}",
    }
}
