//! What the host has to know of GitHub beside the tables, and the answers that belong to no action.

use pome_twin_kit::describe::{Fault, Identity, Refusal, Tokens, Variable, VariableValue};
use pome_twin_kit::envelope::{Fidelity, Request, ToolCall};
use pome_twin_kit::routes::Router;
use pome_twin_kit::{Cx, Reply, ToolReply};
use serde_json::{Value, json};

use crate::GitHub;
use crate::error::GENERIC_DOC;
use crate::state::DEFAULT_LOGIN;

fn error_body(status: u16, message: &str) -> Value {
    json!({ "message": message, "documentation_url": GENERIC_DOC, "status": status.to_string() })
}

fn refusal(case: &'static str, status: u16, message: &str) -> Refusal {
    Refusal { case, status, headers: Vec::new(), body: error_body(status, message) }
}

const RATE_LIMIT_DOC: &str = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api";

fn faults() -> Vec<Fault> {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let fault = |name, status, headers, body| Fault { name, status, headers, body, after_handler: false, delay_ms: 0 };
    let limited = json!({
        "message": "API rate limit exceeded for user ID 1.",
        "documentation_url": RATE_LIMIT_DOC,
        "status": "403",
    });
    let secondary = json!({
        "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        "documentation_url": RATE_LIMIT_DOC,
        "status": "403",
    });
    let server_error = json!({ "message": "Server Error" });
    vec![
        fault("rate-limited", 403, vec![header("x-ratelimit-remaining", "0"), header("retry-after", "1")], limited),
        fault("secondary-rate-limit", 403, vec![header("retry-after", "1")], secondary),
        fault("server-error", 502, Vec::new(), server_error.clone()),
        Fault { after_handler: true, ..fault("lost-response", 502, Vec::new(), server_error.clone()) },
        Fault { delay_ms: 10_000, ..fault("timeout", 504, Vec::new(), server_error) },
    ]
}

pub(crate) fn identity() -> Identity {
    let variable = |name: &str, value| Variable { name: name.to_owned(), value };
    let prefix = |text: &str| text.to_owned();
    Identity {
        title: "GitHub",
        implementation: "github_clone",
        version: env!("CARGO_PKG_VERSION"),
        default_port: 3333,
        root_mount: false,
        mounts: vec!["/api/v3", "/api/uploads"],
        hosts: vec![("api.github.com", ""), ("uploads.github.com", ""), ("api.githubcopilot.com", "")],
        clockwork: false,
        call_aliases: false,
        call_forms: false,
        records_admin: true,
        stamps_tool_call: true,
        health: json!({
            "fidelity": "semantic",
            "access_control": { "total": 57, "allowed": 42, "denied": 15 },
        }),
        session_health: vec!["ok", "twin", "implementation", "fidelity", "runtime"],
        extras: vec![("access-control", access_control())],
        reset_answer: json!({ "message": "GitHub twin state reset to default seed." }),
        tokens: Tokens {
            schemes: vec!["Bearer".to_owned(), "token".to_owned()],
            // Real clients spell the scheme in either case; only a bare value is refused.
            any_case: true,
            bare: false,
            query: None,
            form: None,
            prefixes: vec![prefix("ghp_pome_"), prefix("github_pat_pome_")],
            claims: vec![("login".to_owned(), DEFAULT_LOGIN.to_owned())],
            kept: Vec::new(),
        },
        variables: vec![variable("POME_GITHUB_TOKEN", VariableValue::SessionToken)],
        refusals: vec![
            refusal("no-token", 401, "Requires authentication"),
            refusal("bad-token", 401, "Bad credentials"),
            refusal("expired-token", 401, "Bad credentials"),
            refusal("wrong-session", 401, "Forbidden"),
            refusal("admin-forbidden", 403, "Forbidden"),
            refusal("trap", 500, "The GitHub twin stopped unexpectedly while answering this call."),
        ],
        faults: faults(),
        private_state: Vec::new(),
    }
}

/// Categories, each with its operations: tool, operation, method, allowed by default, second generation.
type Category = (&'static str, &'static str, &'static [(&'static str, &'static str, &'static str, bool, bool)]);

const ACCESS: &[Category] = &[
    (
        "issues",
        "Issues",
        &[
            ("issue_read", "issueRead", "GET", true, false),
            ("issue_write", "issueWrite", "POST", true, false),
            ("list_issues", "listIssues", "GET", true, false),
            ("get_issue", "getIssue", "GET", true, false),
            ("create_issue", "createIssue", "POST", true, false),
            ("update_issue", "updateIssue", "PATCH", true, false),
            ("add_assignees", "addAssignees", "POST", false, false),
        ],
    ),
    (
        "issue_comments",
        "Issue comments",
        &[
            ("add_issue_comment", "addComment", "POST", true, false),
            ("update_issue_comment", "updateIssueComment", "PATCH", true, true),
            ("delete_issue_comment", "deleteIssueComment", "DELETE", false, true),
        ],
    ),
    (
        "pull_requests",
        "Pull requests",
        &[
            ("pull_request_read", "pullRequestRead", "GET", true, false),
            ("pull_request_review_write", "pullRequestReviewWrite", "POST", false, false),
            ("list_pull_requests", "listPullRequests", "GET", true, false),
            ("get_pull_request", "getPullRequest", "GET", true, false),
            ("create_pull_request", "createPullRequest", "POST", true, false),
            ("update_pull_request", "updatePullRequest", "PATCH", true, true),
            ("merge_pull_request", "mergePullRequest", "POST", false, false),
            ("create_pull_request_review", "createReview", "POST", false, false),
            ("get_pull_request_reviews", "listPullRequestReviews", "GET", true, false),
            ("get_pull_request_comments", "listPullRequestComments", "GET", true, false),
            ("get_pull_request_files", "listPullRequestFiles", "GET", true, false),
            ("get_pull_request_status", "getPullRequestStatus", "GET", true, false),
            ("update_pull_request_branch", "updatePullRequestBranch", "POST", false, false),
            ("get_pull_request_diff", "getPullRequestDiff", "GET", true, true),
            ("get_pull_request_commits", "listPullRequestCommits", "GET", true, true),
            ("create_pull_request_review_comment", "createPullRequestReviewComment", "POST", true, true),
            ("add_reply_to_pull_request_comment", "addReplyToPullRequestComment", "POST", true, true),
        ],
    ),
    (
        "branches_files",
        "Branches & files",
        &[
            ("create_branch", "createBranch", "POST", true, false),
            ("list_branches", "listBranches", "GET", true, true),
            ("get_branch", "getBranch", "GET", true, true),
            ("delete_branch", "deleteBranch", "DELETE", false, true),
            ("get_file_contents", "getContent", "GET", true, false),
            ("create_or_update_file", "createOrUpdateFile", "PUT", true, false),
            ("delete_file", "deleteFile", "DELETE", false, true),
            ("push_files", "pushFiles", "POST", false, false),
        ],
    ),
    (
        "commits_diffs",
        "Commits & diffs",
        &[
            ("list_commits", "listCommits", "GET", true, false),
            ("get_commit", "getCommit", "GET", true, true),
            ("compare_commits", "compareCommits", "GET", true, true),
        ],
    ),
    (
        "milestones",
        "Milestones",
        &[
            ("list_milestones", "listMilestones", "GET", true, true),
            ("create_milestone", "createMilestone", "POST", true, true),
            ("update_milestone", "updateMilestone", "PATCH", true, true),
            ("delete_milestone", "deleteMilestone", "DELETE", false, true),
        ],
    ),
    (
        "status_checks",
        "Status & checks",
        &[
            ("create_commit_status", "createCommitStatus", "POST", true, true),
            ("get_combined_status_for_ref", "getCombinedStatusForRef", "GET", true, true),
            ("create_check_run", "createCheckRun", "POST", true, true),
            ("list_check_runs_for_ref", "listCheckRunsForRef", "GET", true, true),
        ],
    ),
    (
        "tags_releases",
        "Tags & releases",
        &[
            ("list_tags", "listTags", "GET", true, true),
            ("list_releases", "listReleases", "GET", true, true),
            ("get_latest_release", "getLatestRelease", "GET", true, true),
            ("create_release", "createRelease", "POST", false, true),
        ],
    ),
    (
        "labels",
        "Labels",
        &[
            ("create_label", "createRepositoryLabel", "POST", false, false),
            ("add_issue_labels", "addIssueLabels", "POST", false, false),
            ("remove_issue_label", "deleteIssueLabel", "DELETE", false, false),
        ],
    ),
    (
        "collaborators",
        "Collaborators & identity",
        &[
            ("list_repository_collaborators", "listRepositoryCollaborators", "GET", true, false),
            ("list_collaborators", "listCollaborators", "GET", true, false),
            ("get_me", "getMe", "GET", true, true),
            ("add_collaborator", "addCollaborator", "PUT", false, true),
        ],
    ),
];

/// The catalogue of `/_pome/access-control`. It describes; nothing is enforced by it.
fn access_control() -> Value {
    let rows = |(category, _, operations): &Category| -> Vec<Value> {
        operations
            .iter()
            .map(|(tool, operation, method, allowed, second)| {
                json!({
                    "tool": tool, "operation": operation, "method": method, "category": category,
                    "default_allowed": allowed, "v2": second,
                })
            })
            .collect()
    };
    let endpoints: Vec<Value> = ACCESS.iter().flat_map(rows).collect();
    let categories: Vec<Value> = ACCESS
        .iter()
        .map(|category| json!({ "category": category.0, "label": category.1, "endpoints": rows(category) }))
        .collect();
    let allowed = ACCESS.iter().flat_map(|category| category.2).filter(|operation| operation.3).count();
    let total = endpoints.len();
    let summary = json!({ "total": total, "allowed": allowed, "denied": total - allowed });
    json!({ "version": 2, "twin": "github", "endpoints": endpoints, "categories": categories, "summary": summary })
}

/// The loud answer to whatever is not in the table.
/// A call of the older tool doors that the host could not make: the body is no object, names no tool or one that is unknown.
fn uncallable(request: &Request, named: Option<&str>) -> Reply {
    let object = match serde_json::from_slice::<Value>(&request.body) {
        Ok(Value::Object(members)) => Some(Value::Object(members)),
        _ => None,
    };
    let named = named.map(Value::from);
    if object.is_none() && named.is_none() {
        return Reply::json(400, &error_body(400, "Problems parsing JSON"));
    }
    let tool = named.or_else(|| object?.get("tool").cloned());
    let mut error = json!({ "resource": "Request", "field": "tool", "code": "invalid" });
    match tool {
        Some(tool) => error["value"] = tool,
        None => error["code"] = "missing_field".into(),
    }
    let mut body = error_body(422, "Validation Failed");
    body["errors"] = json!([error]);
    Reply::json(422, &body)
}

pub(crate) fn unsupported(request: &Request, router: &Router<GitHub>) -> Reply {
    if request.method == "POST" {
        if request.path == "/mcp/call" {
            return uncallable(request, None);
        }
        if let Some(name) = request.path.strip_prefix("/mcp/tools/") {
            return uncallable(request, Some(name));
        }
    }
    let nearest = router.nearest(&request.path).map(|(method, path)| format!("{method} {path}"));
    let body = json!({
        "message": "This endpoint is not supported by this GitHub twin.",
        "_twin": {
            "fidelity": "unsupported",
            "supported_surfaces": [
                "GitHub-shaped REST",
                "POST /s/:sid/mcp",
                "GET /s/:sid/mcp/tools",
                "POST /s/:sid/mcp/tools/:name",
                "POST /s/:sid/mcp/call",
            ],
            "method": request.method,
            "path": request.path,
            "nearest": nearest,
        },
        "documentation_url": GENERIC_DOC,
        "status": "501",
    });
    Reply { fidelity: Some(Fidelity::Unsupported), ..Reply::json(501, &body) }
}

pub(crate) fn unknown_tool(call: &ToolCall) -> ToolReply {
    let body = json!({ "message": format!("Unknown tool: {}", call.name) });
    ToolReply { status: 422, is_error: true, ..ToolReply::json(&body) }
}

/// The vendor names the version and the parts of its media type that the request asked for: `github.v3; format=json`, `github.v3;
/// param=raw`, `github.v3; param=full; format=json`; a plain type is `unknown` to it.
fn media_type(accept: &str) -> String {
    let asked = accept.split([',', ';']).map(str::trim);
    let vendors = asked.clone().find_map(|one| one.strip_prefix("application/vnd.github"));
    let Some(rest) = vendors else {
        let json = asked.clone().any(|one| matches!(one, "" | "*/*" | "application/*" | "application/json"));
        return if json { "github.v3; format=json" } else { "unknown, github.v3" }.to_owned();
    };
    let (name, format) = rest.split_once('+').map_or((rest, None), |(name, format)| (name, Some(format)));
    let mut said = "github.v3".to_owned();
    for param in name.split('.').filter(|part| !part.is_empty() && *part != "v3") {
        said.push_str("; param=");
        said.push_str(param);
    }
    if let Some(format) = format {
        said.push_str("; format=");
        said.push_str(format);
    }
    said
}

/// Headers that every answer carries, and conditional requests.
pub(crate) fn finish(cx: &mut Cx<'_, GitHub>, method: &str, reply: &mut Reply) {
    reply.header("x-github-media-type", media_type(cx.header("accept").unwrap_or_default()));
    reply.header("x-github-api-version-selected", "2022-11-28");
    if !matches!(method, "GET" | "HEAD") || reply.status != 200 {
        return;
    }
    crate::freshness::check(cx, reply);
}
