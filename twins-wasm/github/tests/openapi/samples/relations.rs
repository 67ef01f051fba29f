//! Sub-issues and dependencies of issues.

use serde_json::json;

use super::text;
use crate::drive::Drive;

const ISSUE: &str = "/repos/acme/api/issues/1";

pub(crate) fn send(to: &mut Drive<'_>) {
    let two = to.get(200, "/repos/acme/api/issues/2")["id"].clone();
    let other = to.post(201, "/repos/acme/api/issues", json!({ "title": "Another" }))["id"].clone();
    to.post(201, &format!("{ISSUE}/sub_issues"), json!({ "sub_issue_id": two }));
    to.post(201, &format!("{ISSUE}/sub_issues"), json!({ "sub_issue_id": other }));
    to.post(422, &format!("{ISSUE}/sub_issues"), json!({ "sub_issue_id": two }));
    to.post(404, &format!("{ISSUE}/sub_issues"), json!({ "sub_issue_id": 1 }));
    to.get(200, &format!("{ISSUE}/sub_issues"));
    to.get(200, ISSUE);
    to.get(200, "/repos/acme/api/issues/2/parent");
    to.get(404, &format!("{ISSUE}/parent"));
    to.patch(200, &format!("{ISSUE}/sub_issues/priority"), json!({ "sub_issue_id": other, "before_id": two }));
    to.send(200, "DELETE", &format!("{ISSUE}/sub_issue"), &json!({ "sub_issue_id": two }));
    let path = format!("{ISSUE}/dependencies/blocked_by");
    to.post(201, &path, json!({ "issue_id": two }));
    to.get(200, &path);
    to.get(200, "/repos/acme/api/issues/2/dependencies/blocking");
    to.delete(200, &format!("{path}/{}", text(&two, "")));
    for number in [1, 2] {
        to.get(200, &format!("/repos/acme/api/issues/{number}/events"));
        to.get(200, &format!("/repos/acme/api/issues/{number}/timeline"));
    }
    to.get(200, "/repos/acme/api/issues/events");
}
