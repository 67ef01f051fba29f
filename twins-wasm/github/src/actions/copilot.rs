//! The tools that hand work to Copilot. This world has no such account, and the official server says so where it is not set up.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;

use super::pulls;
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;

/// The account that reviews.
const REVIEWER: &str = "copilot-pull-request-reviewer[bot]";

/// Assigns Copilot to an issue: it is among the assignees of no repository here.
#[derive(Deserialize)]
pub(crate) struct Assign {
    owner: String,
    repo: String,
    issue_number: u64,
}

impl Action<GitHub> for Assign {
    const NAME: &'static str = "assign_copilot_to_issue";
    type Output = pome_twin_kit::action::Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        cx.issue(repo, self.issue_number)?;
        Err(Error::by_server(
            "copilot isn't available as an assignee for this issue. Please inform the user to visit \
             https://docs.github.com/en/copilot/using-github-copilot/using-copilot-coding-agent-to-work-on-tasks/about-assigning-tasks-to-copilot \
             for more information.",
        ))
    }
}

/// Asks Copilot for a review, which is refused like any reviewer who is no collaborator.
#[derive(Deserialize)]
pub(crate) struct RequestReview {
    owner: String,
    repo: String,
    #[serde(rename = "pullNumber", alias = "pull_number")]
    pull_number: u64,
}

impl Action<GitHub> for RequestReview {
    const NAME: &'static str = "request_copilot_review";
    type Output = pulls::Short;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        let Self { owner, repo, pull_number } = self;
        pulls::Request::of(owner, repo, pull_number, vec![REVIEWER.to_owned()]).run(cx)
    }
}
