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

/// Inputs that the vendor documents and the twin does not read: route (`*` for any), input, why nothing is lost.
pub(crate) const NOT_READ: &[(&str, &str, &str)] = &[
    (
        "PATCH /repos/{owner}/{repo}/releases/assets/{asset_id}",
        "state",
        "of uploads that go on, every upload is complete",
    ),
    ("POST /repos/{owner}/{repo}/actions/runs/{run_id}/rerun", "enable_debug_logging", NOTHING_RUNS),
    ("POST /repos/{owner}/{repo}/actions/runs/{run_id}/rerun-failed-jobs", "enable_debug_logging", NOTHING_RUNS),
    ("POST /repos/{owner}/{repo}/actions/jobs/{job_id}/rerun", "enable_debug_logging", NOTHING_RUNS),
    ("POST /repos/{owner}/{repo}/actions/jobs/{job_id}/rerun", "enable_debugger", NOTHING_RUNS),
];

const NOTHING_RUNS: &str = "of jobs that are executed, here none is";

/// Inputs that the twin does not read yet. The list only shrinks.
pub(crate) const NOT_READ_YET: &[&str] = &[
    "PATCH /repos/{owner}/{repo}: has_pull_requests",
    "PATCH /repos/{owner}/{repo}: security_and_analysis",
    "POST /user/repos: gitignore_template",
    "POST /user/repos: has_downloads",
    "POST /user/repos: license_template",
    "POST /user/repos: team_id",
    "POST /orgs/{org}/repos: custom_properties",
    "POST /orgs/{org}/repos: gitignore_template",
    "POST /orgs/{org}/repos: has_downloads",
    "POST /orgs/{org}/repos: license_template",
    "POST /orgs/{org}/repos: team_id",
    "GET /repos/{owner}/{repo}/contributors: anon",
    "POST /repos/{owner}/{repo}/transfer: team_ids",
    "GET /repos/{owner}/{repo}/issues: issue_field_values",
    "GET /repos/{owner}/{repo}/issues: type",
    "POST /repos/{owner}/{repo}/issues: issue_field_values",
    "POST /repos/{owner}/{repo}/issues: type",
    "PATCH /repos/{owner}/{repo}/issues/{issue_number}: duplicate_issue_id",
    "PATCH /repos/{owner}/{repo}/issues/{issue_number}: issue_field_values",
    "PATCH /repos/{owner}/{repo}/issues/{issue_number}: type",
    "GET /issues: collab",
    "GET /issues: orgs",
    "GET /issues: owned",
    "GET /issues: pulls",
    "GET /search/issues: advanced_search",
    "POST /repos/{owner}/{repo}/check-runs: actions",
    "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}: actions",
    "GET /repos/{owner}/{repo}/rulesets: includes_parents",
    "GET /repos/{owner}/{repo}/rulesets/{ruleset_id}: includes_parents",
    "POST /repos/{owner}/{repo}/git/commits: signature",
    "POST /repos/{owner}/{repo}/releases: discussion_category_name",
    "POST /repos/{owner}/{repo}/releases/generate-notes: configuration_file_path",
    "PATCH /repos/{owner}/{repo}/releases/{release_id}: discussion_category_name",
];
