//! Branches, their protection, rulesets, statuses and check runs.

use serde_json::json;

use super::text;
use crate::drive::Drive;

const MAIN: &str = "/repos/acme/api/branches/main/protection";

pub(crate) fn send(to: &mut Drive<'_>) {
    branches(to);
    protection(to);
    restrictions(to);
    rulesets(to);
    statuses(to);
    check_runs(to);
    check_suites(to);
}

fn branches(to: &mut Drive<'_>) {
    to.get(200, "/repos/acme/api/branches");
    to.get(200, "/repos/acme/api/branches/main");
    to.get(404, "/repos/acme/api/branches/none");
    to.post(201, "/repos/acme/api/branches/free/rename", json!({ "new_name": "freed" }));
    to.post(201, "/repos/acme/api/merges", json!({ "base": "freed", "head": "feature", "commit_message": "Together" }));
    to.post(204, "/repos/acme/api/merges", json!({ "base": "freed", "head": "feature" }));
    to.probe("POST", "/repos/acme/api/merges", &json!({ "base": "none", "head": "feature" }));
}

fn protection(to: &mut Drive<'_>) {
    to.get(404, MAIN);
    to.put(422, MAIN, json!({ "enforce_admins": true }));
    let rules = json!({
        "required_status_checks": { "strict": true, "contexts": ["ci"] },
        "enforce_admins": true,
        "required_pull_request_reviews": {
            "required_approving_review_count": 1, "dismiss_stale_reviews": true, "require_code_owner_reviews": true,
            "dismissal_restrictions": { "users": ["alice"], "teams": [] },
            "bypass_pull_request_allowances": { "users": ["bob"], "teams": [] },
        },
        "restrictions": { "users": ["bob"], "teams": [], "apps": ["github-actions"] },
        "required_linear_history": true, "allow_force_pushes": false, "allow_deletions": null,
    });
    to.put(200, MAIN, rules);
    to.get(200, MAIN);
    to.get(200, "/repos/acme/api/branches/main");
    to.get(200, "/repos/acme/api/branches?protected=true");
    let part = |rest: &str| format!("{MAIN}/{rest}");
    to.get(200, &part("enforce_admins"));
    to.delete(204, &part("enforce_admins"));
    to.post(200, &part("enforce_admins"), json!(null));
    to.get(200, &part("required_pull_request_reviews"));
    to.patch(200, &part("required_pull_request_reviews"), json!({ "required_approving_review_count": 2 }));
    to.delete(204, &part("required_pull_request_reviews"));
    to.post(200, &part("required_signatures"), json!(null));
    to.get(200, &part("required_signatures"));
    to.delete(204, &part("required_signatures"));
    to.get(200, &part("required_status_checks"));
    to.patch(200, &part("required_status_checks"), json!({ "strict": false }));
    to.get(200, &part("required_status_checks/contexts"));
    to.post(200, &part("required_status_checks/contexts"), json!({ "contexts": ["build"] }));
    to.put(200, &part("required_status_checks/contexts"), json!({ "contexts": ["build", "ci"] }));
    to.send(200, "DELETE", &part("required_status_checks/contexts"), &json!({ "contexts": ["ci"] }));
    to.delete(204, &part("required_status_checks"));
    to.act_as("rita");
    to.get(404, MAIN);
    to.probe("DELETE", MAIN, &json!(null));
    to.act_as("pome-agent");
}

fn restrictions(to: &mut Drive<'_>) {
    let part = |rest: &str| format!("{MAIN}/restrictions{rest}");
    to.get(200, &part(""));
    for (kind, names) in [("users", json!(["alice"])), ("apps", json!(["github-actions"])), ("teams", json!([]))] {
        let path = part(&format!("/{kind}"));
        let mut body = json!({});
        body[kind] = names;
        to.get(200, &path);
        to.put(200, &path, body.clone());
        to.post(200, &path, body.clone());
        match kind {
            "users" => to.put(200, &path, json!({ "users": ["alice", "bob"] })),
            _ => to.get(200, &path),
        };
        to.send(200, "DELETE", &path, &body);
    }
    to.delete(204, &part(""));
    to.delete(204, MAIN);
}

fn rulesets(to: &mut Drive<'_>) {
    let rules = json!({
        "name": "Careful", "target": "branch", "enforcement": "active",
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } },
        "rules": [{ "type": "deletion" }, { "type": "non_fast_forward" }],
    });
    let set = to.post(201, "/repos/acme/api/rulesets", rules);
    to.post(422, "/repos/acme/api/rulesets", json!({ "enforcement": "active" }));
    let path = format!("/repos/acme/api/rulesets/{}", text(&set, "/id"));
    to.get(200, "/repos/acme/api/rulesets");
    to.get(200, &path);
    to.put(200, &path, json!({ "name": "More careful" }));
    to.get(200, "/repos/acme/api/rules/branches/main");
    to.delete(204, &path);
    to.get(404, &path);
}

fn statuses(to: &mut Drive<'_>) {
    let branch = to.get(200, "/repos/acme/api/branches/feature");
    let sha = text(&branch, "/commit/sha");
    let new =
        json!({ "state": "failure", "context": "ci/test", "description": "2 fail", "target_url": "https://ci.test/1" });
    to.post(201, &format!("/repos/acme/api/statuses/{sha}"), new);
    to.post(201, &format!("/repos/acme/api/statuses/{sha}"), json!({ "state": "pending" }));
    to.post(422, &format!("/repos/acme/api/statuses/{sha}"), json!({}));
    to.get(200, &format!("/repos/acme/api/commits/{sha}/status"));
    to.get(200, "/repos/acme/api/commits/feature/statuses");
    to.get(200, &format!("/repos/acme/api/statuses/{sha}"));
}

fn check_runs(to: &mut Drive<'_>) {
    let branch = to.get(200, "/repos/acme/api/branches/feature");
    let sha = text(&branch, "/commit/sha");
    let note = json!({
        "path": "src/index.ts", "start_line": 1, "end_line": 1, "annotation_level": "warning", "message": "Long line",
    });
    let new = json!({
        "name": "build", "head_sha": sha, "status": "in_progress", "external_id": "7", "details_url": "https://ci.test/7",
        "output": { "title": "Building", "summary": "It builds", "annotations": [note] },
    });
    let run = to.post(201, "/repos/acme/api/check-runs", new);
    to.post(422, "/repos/acme/api/check-runs", json!({ "head_sha": sha }));
    let path = format!("/repos/acme/api/check-runs/{}", text(&run, "/id"));
    to.get(200, &path);
    to.get(404, "/repos/acme/api/check-runs/99999");
    to.patch(200, &path, json!({ "status": "completed", "conclusion": "success" }));
    to.get(200, &format!("{path}/annotations"));
    to.get(200, "/repos/acme/api/commits/feature/check-runs?filter=all&status=completed");
}

fn check_suites(to: &mut Drive<'_>) {
    let suites = to.get(200, "/repos/acme/api/commits/feature/check-suites");
    let path = format!("/repos/acme/api/check-suites/{}", text(&suites, "/check_suites/0/id"));
    to.get(200, &path);
    let runs = to.get(200, &format!("{path}/check-runs"));
    to.post(201, &format!("{path}/rerequest"), json!({}));
    to.post(201, &format!("/repos/acme/api/check-runs/{}/rerequest", text(&runs, "/check_runs/0/id")), json!({}));
    let branch = to.get(200, "/repos/acme/api/branches/draft");
    to.post(201, "/repos/acme/api/check-suites", json!({ "head_sha": branch["commit"]["sha"] }));
    to.get(404, "/repos/acme/api/check-suites/99999");
}
