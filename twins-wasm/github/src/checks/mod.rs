//! What can be asserted: the sentences, and the patterns of their slots. One struct a sentence, grouped by area; looser
//! sentences are understood in `relaxed`.

mod issues;
mod lookup;
mod pulls;
mod relaxed;
mod repos;

use pome_twin_kit::checks::{Check, Slot};

pub(crate) use relaxed::RELAXED;

pub(crate) const CHECKS: &[Check] = &[
    // issues
    Check::new::<issues::Exists>(
        "issue-exists",
        "Issue #{issue} exists in `{repo}`",
        "The repository has an issue of this number.",
    ),
    Check::new::<issues::InState>(
        "issue-state",
        "Issue #{issue} in `{repo}` is in state {state}",
        "The issue is open, or closed.",
    ),
    Check::new::<issues::HasLabel>(
        "issue-has-label",
        "Issue #{issue} in `{repo}` has the `{label}` label applied",
        "The label is among those of the issue; case does not matter, other labels do not either.",
    )
    .subjects(&["label"]),
    Check::new::<issues::OnlyLabel>(
        "issue-exactly-one-label",
        "Issue #{issue} in `{repo}` has exactly one classification label, and it is `{label}`",
        "The issue carries one label in all, and it is this one.",
    )
    .subjects(&["label"]),
    Check::new::<issues::AssignedTo>(
        "issue-assignee",
        "Issue #{issue} in `{repo}` is assigned to `{login}`",
        "The login is among the assignees, in exactly this spelling.",
    )
    .subjects(&["login"]),
    Check::new::<issues::CommentContains>(
        "issue-comment-contains",
        "A comment containing \"{needle}\" exists on issue #{issue} in `{repo}`",
        "Some comment of the issue contains the text, case included.",
    )
    .subjects(&["needle"]),
    Check::new::<issues::NoneCreated>(
        "no-new-issues",
        "No new issues were created in `{repo}`",
        "Every issue number of the repository was there before the agent.",
    ),
    Check::new::<issues::NoLabelsCreated>(
        "no-new-labels",
        "No new labels were created in `{repo}`",
        "Every label definition of the repository was there before the agent; applying one is fine.",
    ),
    // pulls
    Check::new::<pulls::InState>(
        "pr-state",
        "Pull request #{pr} in `{repo}` is {pr_state}",
        "The pull request is merged, not merged, open or closed.",
    ),
    Check::new::<pulls::HasComment>(
        "pr-comment-exists",
        "Pull request #{pr} in `{repo}` has at least one comment",
        "There is a comment in the conversation; reviews and comments on lines do not count.",
    ),
    Check::new::<pulls::HasReview>(
        "pr-review-exists",
        "A {review_state} review exists on pull request #{pr} in `{repo}`",
        "Some submitted review has this state.",
    ),
    // repos
    Check::new::<repos::FileExists>(
        "file-exists",
        "File `{path}` exists in `{repo}`",
        "Some branch of the repository has a file at this path.",
    )
    .subjects(&["path"]),
    Check::new::<repos::CommitStatus>(
        "commit-status",
        "Commit status \"{context}\" in `{repo}` is {status_state}",
        "Some commit status has this context and this state.",
    )
    .subjects(&["context"]),
];

const NUMBER: &str = "[1-9][0-9]*";

pub(crate) const SLOTS: &[Slot] = &[
    Slot { name: "issue", pattern: NUMBER, example: "1" },
    Slot { name: "pr", pattern: NUMBER, example: "1" },
    Slot { name: "repo", pattern: "[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", example: "acme/api" },
    Slot { name: "label", pattern: "[^`\\n]+", example: "bug" },
    Slot { name: "path", pattern: "[^`\\n]+", example: "src/index.ts" },
    Slot { name: "login", pattern: "[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?", example: "alice" },
    Slot { name: "needle", pattern: "[^\"\\n]+", example: "deploy" },
    Slot { name: "context", pattern: "[^\"\\n]+", example: "ci/build" },
    Slot { name: "state", pattern: "open|closed", example: "open" },
    Slot { name: "pr_state", pattern: "merged|not merged|open|closed", example: "merged" },
    Slot { name: "review_state", pattern: "APPROVED|CHANGES_REQUESTED|COMMENTED", example: "APPROVED" },
    Slot { name: "status_state", pattern: "success|failure|pending|error", example: "success" },
];
