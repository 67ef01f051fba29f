//! Mutations: the same operations as over REST, by id.

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

const REPO: &str = "R_1";

fn send(twin: &mut Native<GitHub>, query: &str, variables: &Value) -> (Value, pome_twin_kit::envelope::Report) {
    let answer = twin.request("POST", "/graphql", Some(&json!({ "query": query, "variables": variables })));
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    (body(&answer), answer.report)
}

/// Runs one mutation that must succeed; `show` is what of its payload is selected.
fn mutate(twin: &mut Native<GitHub>, name: &str, input: &Value, show: &str) -> Value {
    let kind = format!("{}{}Input", name.get(..1).unwrap().to_uppercase(), name.get(1..).unwrap());
    let query = format!("mutation M($input: {kind}!) {{ done: {name}(input: $input) {{ clientMutationId {show} }} }}");
    let (answer, _) = send(twin, &query, &json!({ "input": input }));
    assert_eq!(answer.get("errors"), None, "{name}: {answer}");
    answer["data"]["done"].clone()
}

/// The errors of a mutation that must fail and leave nothing behind.
fn refused(twin: &mut Native<GitHub>, name: &str, input: &Value) -> Value {
    let before = twin.session.export();
    let kind = format!("{}{}Input", name.get(..1).unwrap().to_uppercase(), name.get(1..).unwrap());
    let query = format!("mutation($input: {kind}!) {{ {name}(input: $input) {{ clientMutationId }} }}");
    let (answer, report) = send(twin, &query, &json!({ "input": input }));
    assert_eq!(answer["data"], json!({ name: null }), "{answer}");
    assert_eq!((report.mutation, report.error.is_some()), (false, true));
    assert_eq!(twin.session.export(), before);
    answer["errors"][0].clone()
}

fn world() -> (Native<GitHub>, String) {
    let mut twin = Native::<GitHub>::new();
    let repo = twin.json("/repos/acme/api")["node_id"].as_str().unwrap().to_owned();
    assert!(repo.starts_with(&REPO[..2]));
    (twin, repo)
}

fn id_of(twin: &mut Native<GitHub>, path: &str) -> String {
    twin.json(path)["node_id"].as_str().unwrap().to_owned()
}

/// A pull request of `topic` with one new file, opened by alice.
fn with_pull() -> (Native<GitHub>, String) {
    let (mut twin, repo) = world();
    let head = twin.json("/repos/acme/api/git/ref/heads/main")["object"]["sha"].clone();
    mutate(
        &mut twin,
        "createRef",
        &json!({ "repositoryId": repo, "name": "refs/heads/topic", "oid": head }),
        "ref { name prefix }",
    );
    let commit = json!({
        "branch": { "repositoryNameWithOwner": "acme/api", "branchName": "topic" },
        "message": { "headline": "Add a file", "body": "With lines" },
        "expectedHeadOid": head,
        "fileChanges": {
            "additions": [{ "path": "docs/new.txt", "contents": "b25lCnR3bwo=" }],
            "deletions": [{ "path": "README.md" }],
        },
    });
    let made =
        mutate(&mut twin, "createCommitOnBranch", &commit, "commit { messageHeadline messageBody } ref { name }");
    assert_eq!(made["commit"], json!({ "messageHeadline": "Add a file", "messageBody": "With lines" }));
    assert_eq!(refused(&mut twin, "createCommitOnBranch", &commit)["type"], "STALE_DATA");
    twin.caller.login = Some("alice".to_owned());
    let input = json!({ "repositoryId": repo, "baseRefName": "main", "headRefName": "topic", "title": "A file", "body": "Fixes #1" });
    let made = mutate(&mut twin, "createPullRequest", &input, "pullRequest { id number state author { login } }");
    assert_eq!(made["pullRequest"]["author"]["login"], "alice");
    twin.caller.login = Some("pome-agent".to_owned());
    let id = made["pullRequest"]["id"].as_str().unwrap().to_owned();
    assert_eq!(id, id_of(&mut twin, "/repos/acme/api/pulls/2"));
    (twin, id)
}

#[test]
fn an_issue_lives_through_its_mutations() {
    let (mut twin, repo) = world();
    let bug = id_of(&mut twin, "/repos/acme/api/labels/bug");
    let feature = id_of(&mut twin, "/repos/acme/api/labels/feature");
    let bob = id_of(&mut twin, "/users/bob");
    let input = json!({
        "repositoryId": repo, "title": "Slow", "body": "Very", "labelIds": [bug], "assigneeIds": [bob], "clientMutationId": "x",
    });
    let made = mutate(&mut twin, "createIssue", &input, "issue { id number }");
    assert_eq!((&made["clientMutationId"], &made["issue"]["number"]), (&json!("x"), &json!(2)));
    let id = made["issue"]["id"].as_str().unwrap().to_owned();
    let comment = mutate(
        &mut twin,
        "addComment",
        &json!({ "subjectId": id, "body": "hi" }),
        "commentEdge { node { id url } } subject { id }",
    );
    assert_eq!(comment["subject"]["id"], json!(id));
    let comment = comment["commentEdge"]["node"]["id"].clone();
    mutate(&mut twin, "updateIssueComment", &json!({ "id": comment, "body": "hello" }), "issueComment { body }");
    let input = json!({ "labelableId": id, "labelIds": [feature] });
    let shown = mutate(&mut twin, "addLabelsToLabelable", &input, "labelable { labels(first: 9) { nodes { name } } }");
    assert_eq!(shown["labelable"]["labels"]["nodes"], json!([{ "name": "bug" }, { "name": "feature" }]));
    mutate(&mut twin, "removeLabelsFromLabelable", &json!({ "labelableId": id, "labelIds": [bug] }), "");
    mutate(&mut twin, "removeAssigneesFromAssignable", &json!({ "assignableId": id, "assigneeIds": [bob] }), "");
    mutate(&mut twin, "updateIssue", &json!({ "id": id, "title": "Slower" }), "issue { title }");
    mutate(
        &mut twin,
        "lockLockable",
        &json!({ "lockableId": id, "lockReason": "TOO_HEATED" }),
        "lockedRecord { activeLockReason }",
    );
    let reacted = mutate(
        &mut twin,
        "addReaction",
        &json!({ "subjectId": id, "content": "HEART" }),
        "reaction { content } subject { id }",
    );
    assert_eq!(reacted["reaction"]["content"], "HEART");
    let rest = twin.json("/repos/acme/api/issues/2");
    assert_eq!((&rest["title"], &rest["body"], &rest["comments"]), (&json!("Slower"), &json!("Very"), &json!(1)));
    assert_eq!((&rest["active_lock_reason"], &rest["reactions"]["heart"]), (&json!("too heated"), &json!(1)));
    assert_eq!((&rest["labels"][0]["name"], &rest["assignees"]), (&json!("feature"), &json!([])));
    mutate(
        &mut twin,
        "removeReaction",
        &json!({ "subjectId": id, "content": "HEART" }),
        "reaction { content user { login } }",
    );
    mutate(&mut twin, "unlockLockable", &json!({ "lockableId": id }), "unlockedRecord { locked }");
    mutate(&mut twin, "deleteIssueComment", &json!({ "id": comment }), "");
    let closed = mutate(
        &mut twin,
        "closeIssue",
        &json!({ "issueId": id, "stateReason": "NOT_PLANNED" }),
        "issue { state stateReason closed }",
    );
    assert_eq!(closed["issue"], json!({ "state": "CLOSED", "stateReason": "NOT_PLANNED", "closed": true }));
    let open = mutate(&mut twin, "reopenIssue", &json!({ "issueId": id }), "issue { state stateReason }");
    assert_eq!(open["issue"], json!({ "state": "OPEN", "stateReason": "REOPENED" }));
    let rest = twin.json("/repos/acme/api/issues/2");
    assert_eq!(
        (&rest["comments"], &rest["locked"], &rest["reactions"]["heart"]),
        (&json!(0), &json!(false), &json!(0))
    );
}

#[test]
fn the_trace_shows_the_operation_and_what_it_changed() {
    let (mut twin, repo) = world();
    let query = "mutation($id: ID!) { createIssue(input: {repositoryId: $id, title: \"T\"}) { issue { number } } }";
    let (_, report) = send(&mut twin, query, &json!({ "id": repo }));
    assert_eq!((report.action.as_deref(), report.mutation), (Some("create_issue"), true));
    let after: Value = serde_json::from_slice(report.delta.unwrap().after.as_ref().unwrap()).unwrap();
    assert_eq!((&after["title"], &after["user_login"]), (&json!("T"), &json!("pome-agent")));
    let (_, report) = send(&mut twin, "{ viewer { login } }", &json!({}));
    assert_eq!((report.action.as_deref(), report.mutation), (Some("graphql"), false));
}

#[test]
fn each_mutation_of_a_request_stands_for_itself() {
    let (mut twin, repo) = world();
    let query = "mutation($id: ID!) {
        a: createIssue(input: {repositoryId: $id, title: \"first\"}) { issue { number } }
        b: createIssue(input: {repositoryId: $id, title: \" \"}) { issue { number } }
        c: createIssue(input: {repositoryId: $id, title: \"third\"}) { issue { number } }
    }";
    let (answer, report) = send(&mut twin, query, &json!({ "id": repo }));
    assert_eq!(
        answer["data"],
        json!({ "a": { "issue": { "number": 2 } }, "b": null, "c": { "issue": { "number": 3 } } })
    );
    let error = &answer["errors"][0];
    assert_eq!(
        (&error["type"], &error["path"], &error["message"]),
        (&json!("UNPROCESSABLE"), &json!(["b"]), &json!("Title can't be blank"))
    );
    assert!(report.mutation && report.error.is_some());
    assert_eq!(twin.json("/repos/acme/api/issues").as_array().unwrap().len(), 3);
}

#[test]
fn what_one_may_not_do_is_forbidden_and_unknown_ids_are_not_found() {
    let (mut twin, _) = world();
    let issue = id_of(&mut twin, "/repos/acme/api/issues/1");
    twin.caller.login = Some("stranger".to_owned());
    let error = refused(&mut twin, "closeIssue", &json!({ "issueId": issue }));
    assert_eq!(error["type"], "FORBIDDEN");
    assert_eq!(error["message"], "stranger does not have the correct permissions to execute `CloseIssue`");
    let error = refused(&mut twin, "addComment", &json!({ "subjectId": "I_0", "body": "x" }));
    assert_eq!(
        (&error["type"], &error["message"]),
        (&json!("NOT_FOUND"), &json!("Could not resolve to a node with the global id of 'I_0'"))
    );
}

#[test]
fn a_pull_request_is_reviewed_in_threads_and_merged() {
    let (mut twin, id) = with_pull();
    let thread = mutate(
        &mut twin,
        "addPullRequestReviewThread",
        &json!({ "pullRequestId": id, "path": "docs/new.txt", "line": 2, "body": "why?" }),
        "thread { id isResolved line path comments(first: 5) { nodes { body state diffHunk } } }",
    )["thread"]
        .clone();
    assert_eq!(
        (&thread["line"], &thread["path"], &thread["isResolved"]),
        (&json!(2), &json!("docs/new.txt"), &json!(false))
    );
    assert_eq!(
        thread["comments"]["nodes"][0],
        json!({ "body": "why?", "state": "PENDING", "diffHunk": "@@ -0,0 +1,2 @@\n+one\n+two" })
    );
    let input = json!({ "pullRequestId": id, "event": "REQUEST_CHANGES", "body": "no" });
    let review =
        mutate(&mut twin, "submitPullRequestReview", &input, "pullRequestReview { id state }")["pullRequestReview"]
            .clone();
    assert_eq!(review["state"], "CHANGES_REQUESTED");
    let reply = json!({ "pullRequestReviewThreadId": thread["id"], "body": "because" });
    mutate(&mut twin, "addPullRequestReviewThreadReply", &reply, "comment { replyTo { body } }");
    let resolved = mutate(
        &mut twin,
        "resolveReviewThread",
        &json!({ "threadId": thread["id"] }),
        "thread { isResolved resolvedBy { login } comments { totalCount } }",
    );
    assert_eq!(
        resolved["thread"],
        json!({ "isResolved": true, "resolvedBy": { "login": "pome-agent" }, "comments": { "totalCount": 2 } })
    );
    mutate(&mut twin, "unresolveReviewThread", &json!({ "threadId": thread["id"] }), "thread { isResolved }");
    mutate(
        &mut twin,
        "dismissPullRequestReview",
        &json!({ "pullRequestReviewId": review["id"], "message": "ok" }),
        "pullRequestReview { state }",
    );
    let input = json!({ "pullRequestId": id, "event": "APPROVE", "threads": [{ "path": "docs/new.txt", "line": 1, "body": "good" }] });
    mutate(&mut twin, "addPullRequestReview", &input, "pullRequestReview { state comments(first: 3) { totalCount } }");
    let query = "query($id: ID!) { node(id: $id) { ... on PullRequest { reviewDecision mergeable changedFiles
        reviews(first: 9) { nodes { state } } reviewThreads(first: 9) { nodes { isResolved } }
        closingIssuesReferences(first: 1) { nodes { number } } files(first: 9) { nodes { path changeType } } } } }";
    let (answer, _) = send(&mut twin, query, &json!({ "id": id }));
    assert_eq!(
        answer["data"]["node"],
        json!({
            "reviewDecision": "APPROVED", "mergeable": "MERGEABLE", "changedFiles": 2,
            "reviews": { "nodes": [{ "state": "DISMISSED" }, { "state": "APPROVED" }] },
            "reviewThreads": { "nodes": [{ "isResolved": false }, { "isResolved": false }] },
            "closingIssuesReferences": { "nodes": [{ "number": 1 }] },
            "files": { "nodes": [
                { "path": "README.md", "changeType": "DELETED" }, { "path": "docs/new.txt", "changeType": "ADDED" },
            ] },
        })
    );
    let input = json!({ "pullRequestId": id, "mergeMethod": "SQUASH", "commitHeadline": "Squashed" });
    let merged = mutate(
        &mut twin,
        "mergePullRequest",
        &input,
        "pullRequest { state merged mergedBy { login } mergeCommit { messageHeadline } } actor { login }",
    );
    assert_eq!(merged["pullRequest"]["state"], "MERGED");
    assert_eq!(merged["pullRequest"]["mergeCommit"]["messageHeadline"], "Squashed");
    assert_eq!(twin.json("/repos/acme/api/pulls/2")["merged"], true);
}

#[test]
fn a_pull_request_changes_its_standing() {
    let (mut twin, id) = with_pull();
    let draft =
        mutate(&mut twin, "convertPullRequestToDraft", &json!({ "pullRequestId": id }), "pullRequest { isDraft }");
    assert_eq!(draft["pullRequest"]["isDraft"], true);
    mutate(&mut twin, "markPullRequestReadyForReview", &json!({ "pullRequestId": id }), "pullRequest { isDraft }");
    let closed = mutate(&mut twin, "closePullRequest", &json!({ "pullRequestId": id }), "pullRequest { state }");
    assert_eq!(closed["pullRequest"]["state"], "CLOSED");
    mutate(&mut twin, "reopenPullRequest", &json!({ "pullRequestId": id }), "pullRequest { state }");
    let bug = id_of(&mut twin, "/repos/acme/api/labels/bug");
    let input = json!({ "pullRequestId": id, "title": "The file", "labelIds": [bug] });
    let shown =
        mutate(&mut twin, "updatePullRequest", &input, "pullRequest { title labels(first: 3) { nodes { name } } }");
    assert_eq!(shown["pullRequest"], json!({ "title": "The file", "labels": { "nodes": [{ "name": "bug" }] } }));
    let team = json!({ "input": { "pullRequestId": id, "teamIds": ["T_1"] } });
    let query = "mutation($input: RequestReviewsInput!) { requestReviews(input: $input) { clientMutationId } }";
    let loud = twin.request("POST", "/graphql", Some(&json!({ "query": query, "variables": team })));
    assert_eq!((loud.status, &body(&loud)["errors"][0]["extensions"]["fieldName"]), (501, &json!("teamIds")));
    let (bob, me) = (id_of(&mut twin, "/users/bob"), id_of(&mut twin, "/users/pome-agent"));
    let input = json!({ "pullRequestId": id, "userIds": [bob], "teamIds": [] });
    mutate(&mut twin, "requestReviews", &input, "requestedReviewersEdge { node { login } }");
    let ask = json!({ "pullRequestId": id, "userIds": [me], "union": true });
    let show = "pullRequest { reviewDecision reviewRequests(first: 5) { nodes { requestedReviewer { __typename ... on User { login } } } } }";
    let asked = mutate(&mut twin, "requestReviews", &ask, show);
    let nodes = asked["pullRequest"]["reviewRequests"]["nodes"].as_array().unwrap();
    let logins: Vec<_> = nodes.iter().map(|node| node["requestedReviewer"]["login"].as_str().unwrap()).collect();
    assert_eq!(logins, ["bob", "pome-agent"]);
    assert_eq!(asked["pullRequest"]["reviewDecision"], "REVIEW_REQUIRED");
}

#[test]
fn labels_and_refs_are_made_and_unmade() {
    let (mut twin, repo) = world();
    let input = json!({ "repositoryId": repo, "name": "urgent", "color": "ff0000" });
    let label = mutate(&mut twin, "createLabel", &input, "label { id name color }")["label"].clone();
    mutate(&mut twin, "updateLabel", &json!({ "id": label["id"], "name": "soon" }), "label { name }");
    let error = refused(&mut twin, "createLabel", &json!({ "repositoryId": repo, "name": "soon", "color": "ff0000" }));
    assert_eq!(error["message"], "Name has already been taken");
    let id = id_of(&mut twin, "/repos/acme/api/labels/soon");
    mutate(&mut twin, "deleteLabel", &json!({ "id": id }), "");
    assert_eq!(twin.get("/repos/acme/api/labels/soon").status, 404);
    let head = twin.json("/repos/acme/api/git/ref/heads/main")["object"]["sha"].clone();
    let input = json!({ "repositoryId": repo, "name": "refs/heads/side", "oid": head });
    let made = mutate(&mut twin, "createRef", &input, "ref { id name target { oid } }")["ref"].clone();
    assert_eq!((&made["name"], &made["target"]["oid"]), (&json!("side"), &head));
    mutate(&mut twin, "deleteRef", &json!({ "refId": made["id"] }), "");
    assert_eq!(twin.get("/repos/acme/api/git/ref/heads/side").status, 404);
}
