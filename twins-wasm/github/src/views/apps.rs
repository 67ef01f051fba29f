//! The one app that reports checks.

use serde_json::{Value, json};

use super::Site;
use super::users::SimpleUser;
use crate::rules::{APP_ID, APP_SLUG};

/// `integration`: GitHub Actions as the vendor shows it.
pub(crate) fn actions_app(site: Site<'_>) -> Value {
    json!({
        "id": APP_ID,
        "slug": APP_SLUG,
        "node_id": "MDM6QXBwMTUzNjg=",
        "client_id": "Iv1.05c79e9ad1f6bdfa",
        "owner": SimpleUser::of(site, "github"),
        "name": "GitHub Actions",
        "description": "Automate your workflow from idea to production",
        "external_url": "https://help.github.com/en/actions",
        "html_url": "https://github.com/apps/github-actions",
        "created_at": "2018-07-30T09:30:17Z",
        "updated_at": "2024-04-10T20:33:16Z",
        "permissions": {
            "actions": "write", "checks": "write", "contents": "write", "deployments": "write", "issues": "write",
            "metadata": "read", "pull_requests": "write", "statuses": "write",
        },
        "events": ["branch_protection_rule", "check_run", "check_suite", "create", "push", "workflow_dispatch"],
    })
}
