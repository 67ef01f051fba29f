//! The world that the samples start from.

use serde_json::{Value, json};

/// `acme/api` with something of everything; `pome-agent` owns `acme`, `alice` and `bob` belong to it, `rita` may only read. `acme/secret` is private, `pome-agent/dots` is
/// the caller's own.
pub(crate) fn seed() -> Value {
    json!({
        "users": [
            { "login": "acme", "type": "Organization", "name": "Acme" },
            { "login": "alice", "name": "Alice", "email": "alice@acme.test" },
            { "login": "bob" }, { "login": "carol" }, { "login": "rita" }, { "login": "pome-agent", "name": "Pome Agent" },
        ],
        "organizations": [{
            "login": "acme", "name": "Acme",
            "members": [{ "login": "pome-agent", "role": "admin" }, { "login": "alice", "public": true }, "bob"],
        }],
        "repositories": [
            {
                "owner": "acme", "name": "api", "description": "The service", "homepage": "https://acme.test",
                "language": "TypeScript", "topics": ["http"], "require_green_status": false,
                "collaborators": [
                    { "login": "pome-agent", "permission": "admin" }, "alice", "bob",
                    { "login": "rita", "permission": "pull" },
                ],
                "webhooks": [{ "url": "https://all.test/hook", "events": ["*"], "content_type": "json", "secret": "s3cret" }],
                "labels": [
                    { "name": "bug", "color": "d73a4a", "description": "Something is not working" },
                    { "name": "question" },
                ],
                "milestones": [{ "title": "v1", "description": "The first", "due_on": "2026-03-01T00:00:00Z" }],
                "files": [
                    { "path": "README.md", "content": "# Acme API\n\nHow to start.\n" },
                    { "path": "docs/README.md", "content": "# Documents\n" },
                    {
                        "path": ".github/workflows/ci.yml",
                        "content": "name: CI\non: [push, workflow_dispatch]\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make\n",
                    },
                    { "path": "src/index.ts", "content": "export function handler() {\n  return 'ok';\n}\n" },
                    { "path": "src/index.ts", "content": "export function handler() {\n  return 'fine';\n}\n", "branch": "feature" },
                    { "path": "src/more.ts", "content": "export const more = 1;\n", "branch": "feature" },
                    { "path": "src/draft.ts", "content": "export const draft = 1;\n", "branch": "draft" },
                    { "path": "src/free.ts", "content": "export const free = 1;\n", "branch": "free" },
                ],
                "workflow_runs": [{
                    "path": ".github/workflows/ci.yml", "conclusion": "failure", "actor": "alice",
                    "jobs": [{
                        "name": "build", "conclusion": "failure", "labels": ["ubuntu-latest"], "log": "1 != 2\n",
                        "steps": [{ "name": "Set up job", "conclusion": "success" }, { "name": "Test" }],
                    }],
                    "artifacts": [{ "name": "report", "files": { "report.txt": "bad" } }],
                }],
                "tags": [{ "name": "v0.1.0" }],
                "releases": [
                    { "tag_name": "v0.1.0", "name": "The beginning", "body": "First.", "author": "alice" },
                    { "tag_name": "v0.2.0", "draft": true },
                ],
                "issues": [
                    {
                        "number": 1, "title": "It fails", "body": "On POST /orders.", "user": "alice", "labels": ["bug"],
                        "assignees": ["bob"], "milestone": 1, "comments": [{ "body": "Here as well.", "author": "bob" }],
                    },
                    { "number": 2, "title": "It was slow", "state": "closed", "user": "bob", "state_reason": "completed" },
                ],
                "pull_requests": [
                    {
                        "number": 3, "title": "Say fine", "body": "Closes #1", "head": "feature", "author": "alice",
                        "labels": ["bug"], "assignees": ["alice"], "requested_reviewers": ["bob"],
                        "reviews": [{ "author": "bob", "state": "COMMENTED", "body": "Looks fine." }],
                        "review_comments": [{ "author": "bob", "path": "src/index.ts", "line": 2, "body": "Why?" }],
                        "comments": [{ "body": "Ready.", "author": "alice" }],
                        "statuses": [{ "context": "ci/build", "state": "success", "description": "Built" }],
                        "check_runs": [{ "name": "lint", "conclusion": "success", "title": "Clean", "summary": "Nothing found" }],
                    },
                    { "number": 4, "title": "Not yet", "head": "draft", "author": "bob", "draft": true },
                ],
            },
            {
                "owner": "acme", "name": "secret", "private": true,
                "collaborators": [{ "login": "pome-agent", "permission": "admin" }],
                "files": [{ "path": "README.md", "content": "Hidden\n" }],
            },
            {
                "owner": "pome-agent", "name": "dots", "files": [{ "path": "README.md", "content": "Mine\n" }],
            },
        ],
    })
}
