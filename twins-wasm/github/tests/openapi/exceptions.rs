//! Where the twin knowingly is not the vendor, with reasons.

/// Rows that the vendor does not document.
pub(crate) const NOT_THE_VENDORS: &[(&str, &str)] = &[
    ("POST /graphql", "the vendor's, described by its GraphQL schema"),
    ("GET /repos/{owner}/{repo}/actions/runs/{run_id}/logs/zip", "stands for another host of the vendor's"),
    ("GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs/text", "stands for another host of the vendor's"),
    ("GET /repos/{owner}/{repo}/actions/artifacts/{artifact_id}/zip/file", "stands for another host of the vendor's"),
    ("GET /codeload/{owner}/{repo}/{format}/{ref...}", "stands for another host of the vendor's"),
    ("GET /repos/{owner}/{repo}/tarball", "the vendor's `tarball/{ref}` with an empty reference"),
    ("GET /repos/{owner}/{repo}/zipball", "the vendor's `zipball/{ref}` with an empty reference"),
    ("GET /repos/{owner}/{repo}/contents", "the vendor's `contents/{path}` with an empty path"),
    ("GET /repos/{owner}/{repo}/contents/", "the vendor's `contents/{path}` with an empty path"),
    ("GET /repos/{owner}/{repo}/git/refs", "an older spelling that clients still use"),
    ("GET /repos/{owner}/{repo}/git/refs/{ref...}", "an older spelling that clients still use"),
    ("GET /repos/{owner}/{repo}/pulls/{pull_number}/diff", "the twin's own"),
    ("GET /repos/{owner}/{repo}/pulls/{pull_number}/status", "the twin's own"),
    ("POST /repos/{owner}/{repo}/hooks/{hook_id}/test", "an older spelling that the vendor's own `test_url` names"),
    ("GET /repos/{owner}/{repo}/statuses/{ref}", "an older spelling that clients still use"),
];

/// Rows whose success has nothing to list.
pub(crate) const EMPTY: &[(&str, &str)] = &[
    ("GET /repos/{owner}/{repo}/branches/{branch}/protection/restrictions/teams", NO_TEAMS),
    ("POST /repos/{owner}/{repo}/branches/{branch}/protection/restrictions/teams", NO_TEAMS),
    ("PUT /repos/{owner}/{repo}/branches/{branch}/protection/restrictions/teams", NO_TEAMS),
    ("DELETE /repos/{owner}/{repo}/branches/{branch}/protection/restrictions/teams", NO_TEAMS),
    ("DELETE /repos/{owner}/{repo}/branches/{branch}/protection/restrictions/apps", ONE_APP),
    ("GET /orgs/{org}/issue-types", "no organization defines issue types"),
];

const ONE_APP: &str = "the world knows one app";

const RELATION: &str = "an event of a relation shows the issue on its other side, the description has no member for it";

const PLAIN: &str = "a file in no known language has none";

const UNSAID: &str = "an organization that does not say it has null, or an empty address of its site";

const NO_TEAMS: &str = "no team is on a branch's list";

/// Complaints that are the description's fault: where the vendor itself is known to answer what the description does not say. The
/// complaint begins like this; `*` stands for one step.
pub(crate) const KNOWN: &[(&str, &str)] = &[
    ("/status: not a member", "every failure of the vendor carries it, the schema of validation failures forgets it"),
    ("/items/*/body: null is not", "an issue without a text has none in search either"),
    ("/items/*/committer/", "search shows the account, as the commit routes do"),
    ("/line: null is not", "a remark on a whole file has no line"),
    ("/original_line: null is not", "a remark on a whole file has no line"),
    ("/*/line: null is not", "a remark on a whole file has no line"),
    ("/*/original_line: null is not", "a remark on a whole file has no line"),
    ("/state_reason: not a member", "an event of closing says why, as the vendor does since it has reasons"),
    ("/*/state_reason: not a member", "an event of closing says why, as the vendor does since it has reasons"),
    ("/*/blocked_by", RELATION),
    ("/*/blocking", RELATION),
    ("/*/sub_issue", RELATION),
    ("/*/parent_issue", RELATION),
    ("/has_discussions: not a member", "every repository says it, the schema of a team's repository forgets it"),
    ("/files/*/language: null is not", PLAIN),
    ("/*/files/*/language: null is not", PLAIN),
    ("/blog: \"\" is not", UNSAID),
    ("/company: null is not", UNSAID),
    ("/location: null is not", UNSAID),
    ("/email: null is not", UNSAID),
    ("/restrictions/apps/*/permissions/", "an app shows the permissions that it has, the schema knows four"),
    ("/apps/*/permissions/", "an app shows the permissions that it has, the schema knows four"),
];

/// The same for payloads that webhooks are sent.
pub(crate) const KNOWN_IN_PAYLOADS: &[(&str, &str)] = &[
    ("/forkee/has_discussions: not a member", "every repository says it, the schema of forks forgets it"),
    ("/issue/assignee/user_view_type: not a member", VIEW_TYPE),
    ("/issue/assignees/*/user_view_type: not a member", VIEW_TYPE),
    ("/pull_request/assignee/user_view_type: not a member", VIEW_TYPE),
    ("/pull_request/assignees/*/user_view_type: not a member", VIEW_TYPE),
    ("/commit/author/user_view_type: not a member", VIEW_TYPE),
    ("/commit/committer/user_view_type: not a member", VIEW_TYPE),
];

const VIEW_TYPE: &str = "every user says it, some schemas written out in place forget it";

/// Events that the samples must make webhooks hear.
pub(crate) const SENT: &[&str] = &[
    "push",
    "create",
    "delete",
    "issues.opened",
    "issues.labeled",
    "issues.closed",
    "issue_comment.created",
    "pull_request.opened",
    "pull_request.synchronize",
    "pull_request.closed",
    "pull_request_review.submitted",
    "pull_request_review_comment.created",
    "release.published",
    "label.created",
    "star.created",
    "watch.started",
    "fork",
    "milestone.created",
    "status",
    "check_run.completed",
    "check_suite.requested",
    "workflow_run.requested",
    "workflow_job.queued",
    "member.added",
    "commit_comment.created",
    "deploy_key.created",
    "repository.edited",
    "team_add",
    "sub_issues.sub_issue_added",
    "issue_dependencies.blocked_by_added",
    "ping",
];

/// Inputs that the vendor documents and the twin does not read: route (`*` for any), input, why nothing is lost.
pub(crate) const NOT_READ: &[(&str, &str, &str)] = &[
    (
        "PATCH /repos/{owner}/{repo}/releases/assets/{asset_id}",
        "state",
        "of uploads that go on, every upload is complete",
    ),
    ("GET /issues", "collab", WORDLESS),
    ("GET /issues", "orgs", WORDLESS),
    ("GET /issues", "owned", WORDLESS),
    ("GET /issues", "pulls", WORDLESS),
    ("GET /search/issues", "advanced_search", "the vendor has ended the choice and reads every query in one way"),
    ("POST /repos/{owner}/{repo}/check-runs", "actions", BUTTONS),
    ("PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}", "actions", BUTTONS),
    ("GET /repos/{owner}/{repo}/rulesets", "includes_parents", NO_PARENTS),
    ("GET /repos/{owner}/{repo}/rulesets/{ruleset_id}", "includes_parents", NO_PARENTS),
    ("POST /repos/{owner}/{repo}/actions/runs/{run_id}/rerun", "enable_debug_logging", NOTHING_RUNS),
    ("POST /repos/{owner}/{repo}/actions/runs/{run_id}/rerun-failed-jobs", "enable_debug_logging", NOTHING_RUNS),
    ("POST /repos/{owner}/{repo}/actions/jobs/{job_id}/rerun", "enable_debug_logging", NOTHING_RUNS),
    ("POST /repos/{owner}/{repo}/actions/jobs/{job_id}/rerun", "enable_debugger", NOTHING_RUNS),
];

const WORDLESS: &str = "documented by its name alone: nobody outside knows what it selects";

const BUTTONS: &str = "buttons on the page of a check, which no answer shows";

const NO_PARENTS: &str = "rulesets of organizations, which are not modelled: a repository has its own alone";

const NOTHING_RUNS: &str = "of jobs that are executed, here none is";
