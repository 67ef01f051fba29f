//! Issues and what hangs on them: comments, labels, assignees, milestones, reactions.

use serde_json::json;

use super::text;
use crate::drive::Drive;

const REPO: &str = "/repos/acme/api";
const ISSUE: &str = "/repos/acme/api/issues/1";

pub(crate) fn send(to: &mut Drive<'_>) {
    issues(to);
    comments(to);
    labels(to);
    assignees(to);
    milestones(to);
    reactions(to);
    events(to);
}

fn issues(to: &mut Drive<'_>) {
    to.get(200, "/repos/acme/api/issues?state=all&sort=updated&direction=asc");
    to.get(200, ISSUE);
    to.get(200, "/repos/acme/api/issues/2");
    to.get(200, "/repos/acme/api/issues/3");
    to.get(404, "/repos/acme/api/issues/99");
    let new = json!({ "title": "Again", "body": "It does.", "labels": ["bug"], "assignees": ["bob"], "milestone": 1 });
    to.post(201, "/repos/acme/api/issues", new);
    to.post(201, "/repos/acme/api/issues", json!({ "title": "Bare" }));
    to.post(422, "/repos/acme/api/issues", json!({}));
    to.post(422, "/repos/acme/api/issues", json!({ "title": "x", "assignees": ["nobody"] }));
    to.patch(200, ISSUE, json!({ "state": "closed", "state_reason": "not_planned" }));
    to.patch(200, ISSUE, json!({ "state": "open", "title": "It fails still" }));
    to.put(204, "/repos/acme/api/issues/1/lock", json!({ "lock_reason": "too heated" }));
    to.get(200, ISSUE);
    to.delete(204, "/repos/acme/api/issues/1/lock");
    to.patch(200, ISSUE, json!({ "assignees": ["pome-agent"] }));
    to.get(200, "/issues?filter=assigned");
    to.get(200, "/user/issues?filter=all");
    to.act_as("rita");
    to.probe("PATCH", ISSUE, &json!({ "state": "closed" }));
    to.probe("PUT", "/repos/acme/api/issues/1/lock", &json!({}));
    to.act_as("pome-agent");
}

fn comments(to: &mut Drive<'_>) {
    to.get(200, "/repos/acme/api/issues/1/comments");
    let comment = to.post(201, "/repos/acme/api/issues/1/comments", json!({ "body": "Seen." }));
    to.post(422, "/repos/acme/api/issues/1/comments", json!({ "body": "" }));
    to.get(200, "/repos/acme/api/issues/comments?sort=updated&direction=desc");
    let path = format!("{REPO}/issues/comments/{}", text(&comment, "/id"));
    to.get(200, &path);
    to.patch(200, &path, json!({ "body": "Seen again." }));
    to.delete(204, &path);
    to.get(404, &path);
}

fn labels(to: &mut Drive<'_>) {
    to.get(200, "/repos/acme/api/labels");
    to.post(201, "/repos/acme/api/labels", json!({ "name": "good first issue", "color": "00ff00" }));
    to.post(422, "/repos/acme/api/labels", json!({ "name": "bug" }));
    to.get(200, "/repos/acme/api/labels/bug");
    to.get(404, "/repos/acme/api/labels/none");
    to.patch(200, "/repos/acme/api/labels/question", json!({ "new_name": "ask", "description": "Asks" }));
    to.delete(204, "/repos/acme/api/labels/ask");
    to.get(200, "/repos/acme/api/issues/1/labels");
    to.post(200, "/repos/acme/api/issues/1/labels", json!({ "labels": ["good first issue", "new one"] }));
    to.put(200, "/repos/acme/api/issues/1/labels", json!({ "labels": ["bug", "new one"] }));
    to.delete(200, "/repos/acme/api/issues/1/labels/bug");
    to.delete(404, "/repos/acme/api/issues/1/labels/bug");
    to.delete(204, "/repos/acme/api/issues/1/labels");
    to.put(200, "/repos/acme/api/issues/1/labels", json!(["bug"]));
}

fn assignees(to: &mut Drive<'_>) {
    to.get(200, "/repos/acme/api/assignees");
    to.get(204, "/repos/acme/api/assignees/bob");
    to.get(404, "/repos/acme/api/assignees/nobody");
    to.post(201, "/repos/acme/api/issues/1/assignees", json!({ "assignees": ["bob", "alice"] }));
    to.send(200, "DELETE", "/repos/acme/api/issues/1/assignees", &json!({ "assignees": ["bob"] }));
}

fn milestones(to: &mut Drive<'_>) {
    to.get(200, "/repos/acme/api/milestones?state=all&sort=completeness&direction=desc");
    to.post(201, "/repos/acme/api/milestones", json!({ "title": "v2", "due_on": "2026-04-01T00:00:00Z" }));
    to.post(422, "/repos/acme/api/milestones", json!({ "title": "v2" }));
    to.get(200, "/repos/acme/api/milestones/1");
    to.get(404, "/repos/acme/api/milestones/9");
    to.patch(200, "/repos/acme/api/milestones/2", json!({ "state": "closed", "description": "Dropped" }));
    to.get(200, "/repos/acme/api/milestones/1/labels");
    to.delete(204, "/repos/acme/api/milestones/2");
}

fn reactions(to: &mut Drive<'_>) {
    let comments = to.get(200, "/repos/acme/api/issues/1/comments");
    let remarks = to.get(200, "/repos/acme/api/pulls/3/comments");
    for subject in [
        ISSUE.to_owned(),
        format!("{REPO}/issues/comments/{}", text(&comments, "/0/id")),
        format!("{REPO}/pulls/comments/{}", text(&remarks, "/0/id")),
    ] {
        let path = format!("{subject}/reactions");
        let reaction = to.post(201, &path, json!({ "content": "+1" }));
        to.post(200, &path, json!({ "content": "+1" }));
        to.get(200, &format!("{path}?content=%2B1"));
        to.get(200, &subject);
        to.delete(204, &format!("{path}/{}", text(&reaction, "/id")));
    }
}

fn events(to: &mut Drive<'_>) {
    to.patch(200, ISSUE, json!({ "title": "It fails here", "state": "closed" }));
    to.post(201, "/repos/acme/api/issues/1/comments", json!({ "body": "Like #3" }));
    for number in [1, 3] {
        to.get(200, &format!("{REPO}/issues/{number}/events"));
        to.get(200, &format!("{REPO}/issues/{number}/timeline"));
    }
    let events = to.get(200, "/repos/acme/api/issues/events");
    to.get(200, &format!("{REPO}/issues/events/{}", text(&events, "/0/id")));
}
