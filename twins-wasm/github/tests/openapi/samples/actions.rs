//! Workflows, their runs, jobs, logs and artifacts.

use serde_json::json;

use super::text;
use crate::drive::Drive;

const ACTIONS: &str = "/repos/acme/api/actions";

pub(crate) fn send(to: &mut Drive<'_>) {
    workflows(to);
    runs(to);
    artifacts(to);
}

fn workflows(to: &mut Drive<'_>) {
    to.get(200, &format!("{ACTIONS}/workflows"));
    to.get(404, &format!("{ACTIONS}/workflows/none.yml"));
    let path = format!("{ACTIONS}/workflows/ci.yml");
    to.get(200, &path);
    to.put(204, &format!("{path}/disable"), json!({}));
    to.post(422, &format!("{path}/dispatches"), json!({ "ref": "main" }));
    to.put(204, &format!("{path}/enable"), json!({}));
    to.post(204, &format!("{path}/dispatches"), json!({ "ref": "main" }));
    to.post(200, &format!("{path}/dispatches"), json!({ "ref": "main", "return_run_details": true }));
    to.get(200, &format!("{path}/runs?status=queued"));
}

fn runs(to: &mut Drive<'_>) {
    to.get(200, &format!("{ACTIONS}/runs?status=failure&event=push"));
    let path = format!("{ACTIONS}/runs/1");
    to.get(200, &path);
    to.get(404, &format!("{ACTIONS}/runs/99"));
    let jobs = to.get(200, &format!("{path}/jobs?filter=all"));
    let job = format!("{ACTIONS}/jobs/{}", text(&jobs, "/jobs/0/id"));
    to.get(200, &job);
    to.get(302, &format!("{job}/logs"));
    to.get(200, &format!("{job}/logs/text"));
    to.get(200, &format!("{path}/timing"));
    to.get(302, &format!("{path}/logs"));
    to.get(200, &format!("{path}/logs/zip"));
    to.post(201, &format!("{path}/rerun-failed-jobs"), json!({}));
    to.get(200, &path);
    to.get(200, &format!("{path}/jobs"));
    to.post(202, &format!("{path}/cancel"), json!({}));
    to.post(409, &format!("{path}/cancel"), json!({}));
    to.post(201, &format!("{path}/rerun"), json!({}));
    to.post(202, &format!("{path}/force-cancel"), json!({}));
    to.post(201, &format!("{job}/rerun"), json!({}));
    to.post(202, &format!("{path}/cancel"), json!({}));
    to.delete(204, &format!("{path}/logs"));
}

fn artifacts(to: &mut Drive<'_>) {
    to.get(200, &format!("{ACTIONS}/runs/1/artifacts?direction=asc"));
    let all = to.get(200, &format!("{ACTIONS}/artifacts?name=report"));
    let path = format!("{ACTIONS}/artifacts/{}", text(&all, "/artifacts/0/id"));
    to.get(200, &path);
    to.get(302, &format!("{path}/zip"));
    to.get(200, &format!("{path}/zip/file"));
    to.delete(204, &path);
    to.get(404, &path);
    to.delete(204, &format!("{ACTIONS}/runs/1"));
}
