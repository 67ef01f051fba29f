//! Pull requests, reviews and remarks on lines.

use serde_json::{Value, json};

use super::text;
use crate::drive::Drive;

const PULL: &str = "/repos/acme/api/pulls/3";

pub(crate) fn send(to: &mut Drive<'_>) {
    reading(to);
    writing(to);
    reviews(to);
    remarks(to);
    merging(to);
}

fn reading(to: &mut Drive<'_>) {
    to.get(200, "/repos/acme/api/pulls?state=all&sort=updated&direction=asc&base=main");
    let pull = to.get(200, PULL);
    to.get(404, "/repos/acme/api/pulls/1");
    to.get(200, "/repos/acme/api/pulls/3/files");
    to.get(200, "/repos/acme/api/pulls/3/commits");
    to.get(200, "/repos/acme/api/pulls/3/diff");
    to.get(200, "/repos/acme/api/pulls/3/status");
    to.get(404, "/repos/acme/api/pulls/3/merge");
    to.get(200, "/repos/acme/api/pulls/3/requested_reviewers");
    to.get(200, &format!("/repos/acme/api/commits/{}/pulls", text(&pull, "/head/sha")));
}

fn writing(to: &mut Drive<'_>) {
    let new = json!({ "title": "Free it", "head": "free", "base": "main", "body": "Now.", "draft": false });
    let pull = to.post(201, "/repos/acme/api/pulls", new.clone());
    to.post(422, "/repos/acme/api/pulls", new);
    to.post(422, "/repos/acme/api/pulls", json!({ "title": "x", "head": "nowhere", "base": "main" }));
    let path = format!("/repos/acme/api/pulls/{}", text(&pull, "/number"));
    to.patch(200, &path, json!({ "title": "Free them", "maintainer_can_modify": false }));
    to.patch(200, &path, json!({ "state": "closed" }));
    to.patch(200, &path, json!({ "state": "open" }));
    to.post(201, &format!("{path}/requested_reviewers"), json!({ "reviewers": ["alice", "bob"] }));
    to.post(422, &format!("{path}/requested_reviewers"), json!({ "reviewers": ["carol"] }));
    to.send(200, "DELETE", &format!("{path}/requested_reviewers"), &json!({ "reviewers": ["bob"] }));
    to.get(200, &path);
}

fn reviews(to: &mut Drive<'_>) {
    let reviews = "/repos/acme/api/pulls/3/reviews";
    to.get(200, reviews);
    let comments = json!([{ "path": "src/index.ts", "line": 2, "side": "RIGHT", "body": "Sure?" }]);
    let pending = to.post(200, reviews, json!({ "body": "First look", "comments": comments }));
    let path = format!("{reviews}/{}", text(&pending, "/id"));
    to.get(200, &path);
    to.put(200, &path, json!({ "body": "Second look" }));
    to.get(200, &format!("{path}/comments"));
    to.post(200, &format!("{path}/events"), json!({ "event": "APPROVE" }));
    to.get(200, &path);
    to.put(200, &format!("{path}/dismissals"), json!({ "message": "Outdated" }));
    let pending = to.post(200, reviews, json!({ "body": "Never mind" }));
    to.delete(200, &format!("{reviews}/{}", text(&pending, "/id")));
    to.post(200, reviews, json!({ "event": "REQUEST_CHANGES", "body": "Not so" }));
    to.probe("POST", reviews, &json!({ "event": "REQUEST_CHANGES" }));
    to.get(404, &format!("{reviews}/99999"));
    to.act_as("alice");
    to.post(422, reviews, json!({ "event": "APPROVE" }));
    to.act_as("pome-agent");
}

fn remarks(to: &mut Drive<'_>) {
    let comments = "/repos/acme/api/pulls/3/comments";
    to.get(200, comments);
    let pull = to.get(200, PULL);
    let new = json!({
        "body": "Hm", "commit_id": text(&pull, "/head/sha"), "path": "src/index.ts", "line": 2, "side": "RIGHT",
        "start_line": 1, "start_side": "RIGHT",
    });
    let remark = to.post(201, comments, new);
    to.post(
        422,
        comments,
        json!({ "body": "Hm", "path": "none.ts", "line": 1, "commit_id": text(&pull, "/head/sha") }),
    );
    let whole =
        json!({ "body": "All", "path": "src/more.ts", "subject_type": "file", "commit_id": text(&pull, "/head/sha") });
    to.post(201, comments, whole);
    to.post(201, &format!("{comments}/{}/replies", text(&remark, "/id")), json!({ "body": "Well" }));
    to.get(200, "/repos/acme/api/pulls/comments?sort=created&direction=desc");
    let path = format!("/repos/acme/api/pulls/comments/{}", text(&remark, "/id"));
    to.get(200, &path);
    to.patch(200, &path, json!({ "body": "Hm." }));
    let last: Value = to.get(200, comments);
    let last = format!("/repos/acme/api/pulls/comments/{}", text(&last, "/2/id"));
    to.delete(204, &last);
    to.get(404, &last);
}

fn merging(to: &mut Drive<'_>) {
    let file = json!({ "message": "Move on", "content": "eA==", "branch": "main" });
    to.put(201, "/repos/acme/api/contents/moved.txt", file);
    to.put(202, "/repos/acme/api/pulls/3/update-branch", json!({}));
    to.put(422, "/repos/acme/api/pulls/3/update-branch", json!({}));
    to.probe("PUT", "/repos/acme/api/pulls/4/merge", &json!({}));
    to.act_as("rita");
    to.probe("PUT", "/repos/acme/api/pulls/3/merge", &json!({}));
    to.act_as("pome-agent");
    to.put(409, "/repos/acme/api/pulls/3/merge", json!({ "sha": "0000000000000000000000000000000000000000" }));
    to.put(200, "/repos/acme/api/pulls/3/merge", json!({ "merge_method": "squash", "commit_title": "All" }));
    to.probe("PUT", "/repos/acme/api/pulls/3/merge", &json!({}));
    to.get(204, "/repos/acme/api/pulls/3/merge");
    to.get(200, PULL);
}
