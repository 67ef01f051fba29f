//! Every MCP tool, one line each, in the order of the listing.

use pome_twin_kit::Tool;

use crate::GitHub;
use crate::actions::{
    branches, collaborators, comments, commits, contents, copilot, issue_types, issues, labels, merges, pulls,
    releases, repos, review_comments, reviews, search, sub_issues, tags, users,
};

use crate::actions::workflow_tools;

pub(crate) const TOOLS: &[Tool<GitHub>] = &[
    // users
    Tool::new::<users::Me>("get_me").doc("users/users#get-the-authenticated-user"),
    // issues
    Tool::new::<issues::Read>("issue_read").doc("issues/issues#get-an-issue"),
    Tool::new::<issues::Write>("issue_write").doc("issues/issues#update-an-issue"),
    Tool::new::<issues::ListByCursor>("list_issues").doc("issues/issues#list-repository-issues"),
    Tool::new::<issues::Create>("create_issue").doc("issues/issues#create-an-issue"),
    Tool::new::<comments::Respond>("add_issue_comment").doc("issues/comments#create-an-issue-comment"),
    Tool::new::<sub_issues::Write>("sub_issue_write").doc("issues/sub-issues#add-sub-issue"),
    Tool::new::<labels::Get>("get_label").doc("issues/labels#get-a-label"),
    // issue types and fields
    Tool::new::<issue_types::Types>("list_issue_types").doc("orgs/issue-types#list-issue-types-for-an-organization"),
    Tool::new::<issue_types::Fields>("list_issue_fields"),
    // teams
    Tool::new::<crate::actions::teams::OfUser>("get_teams"),
    Tool::new::<crate::actions::teams::MembersForTool>("get_team_members"),
    // copilot
    Tool::new::<copilot::Assign>("assign_copilot_to_issue")
        .shape("there is no Copilot in this world, so it is refused"),
    Tool::new::<copilot::RequestReview>("request_copilot_review")
        .shape("there is no Copilot in this world, so it is refused")
        .doc("pulls/review-requests#request-reviewers-for-a-pull-request"),
    // actions
    Tool::new::<workflow_tools::ListTool>("actions_list")
        .doc("actions/workflow-runs#list-workflow-runs-for-a-repository"),
    Tool::new::<workflow_tools::GetTool>("actions_get").doc("actions/workflow-runs#get-a-workflow-run"),
    Tool::new::<workflow_tools::TriggerTool>("actions_run_trigger")
        .shape("nothing is executed: runs go on with virtual time and end as the seed says, else well")
        .doc("actions/workflows#create-a-workflow-dispatch-event"),
    Tool::new::<workflow_tools::LogsTool>("get_job_logs")
        .doc("actions/workflow-jobs#download-job-logs-for-a-workflow-run"),
    // pull requests
    Tool::new::<pulls::Read>("pull_request_read").doc("pulls/pulls#get-a-pull-request"),
    Tool::from::<pulls::ListArguments, pulls::List>("list_pull_requests").doc("pulls/pulls#list-pull-requests"),
    Tool::from::<pulls::CreateArguments, pulls::Create>("create_pull_request").doc("pulls/pulls#create-a-pull-request"),
    Tool::from::<pulls::UpdateArguments, pulls::Update>("update_pull_request").doc("pulls/pulls#update-a-pull-request"),
    Tool::from::<merges::MergeArguments, merges::Merge>("merge_pull_request").doc("pulls/pulls#merge-a-pull-request"),
    Tool::from::<merges::UpdateBranchArguments, merges::UpdateBranch>("update_pull_request_branch")
        .doc("pulls/pulls#update-a-pull-request-branch"),
    // reviews
    Tool::new::<reviews::Write>("pull_request_review_write").doc("pulls/reviews#create-a-review-for-a-pull-request"),
    Tool::from::<reviews::CreateArguments, reviews::Create>("create_pull_request_review")
        .doc("pulls/reviews#create-a-review-for-a-pull-request"),
    Tool::new::<review_comments::AddToPending>("add_comment_to_pending_review")
        .doc("pulls/comments#create-a-review-comment-for-a-pull-request"),
    Tool::new::<review_comments::Respond>("add_reply_to_pull_request_comment")
        .doc("pulls/comments#create-a-reply-for-a-review-comment"),
    // repos
    Tool::new::<branches::Create>("create_branch"),
    Tool::new::<contents::PutText>("create_or_update_file").doc("repos/contents#create-or-update-file-contents"),
    Tool::from::<repos::CreateArguments, repos::Create>("create_repository")
        .doc("repos/repos#create-a-repository-for-the-authenticated-user"),
    Tool::new::<repos::Fork>("fork_repository").doc("repos/forks#create-a-fork"),
    Tool::new::<contents::DeleteCurrent>("delete_file").doc("repos/contents#delete-a-file"),
    Tool::from::<commits::GetArguments, commits::Get>("get_commit").doc("commits/commits#get-a-commit"),
    Tool::new::<contents::GetForTool>("get_file_contents").doc("repos/contents#get-repository-content"),
    Tool::new::<branches::List>("list_branches").doc("branches/branches#list-branches"),
    Tool::new::<commits::List>("list_commits").doc("commits/commits#list-commits"),
    Tool::new::<contents::PushFiles>("push_files"),
    Tool::new::<search::code::Search>("search_code").doc("search/search#search-code"),
    Tool::new::<search::commits::Search>("search_commits").doc("search/search#search-commits"),
    Tool::new::<search::issues::IssuesTool>("search_issues").doc("search/search#search-issues-and-pull-requests"),
    Tool::new::<search::issues::PullsTool>("search_pull_requests").doc("search/search#search-issues-and-pull-requests"),
    Tool::new::<search::repos::Search>("search_repositories").doc("search/search#search-repositories"),
    Tool::new::<search::users::Search>("search_users").doc("search/search#search-users"),
    Tool::new::<collaborators::List>("list_repository_collaborators")
        .doc("collaborators/collaborators#list-repository-collaborators"),
    Tool::new::<releases::Latest>("get_latest_release").doc("releases/releases#get-the-latest-release"),
    Tool::new::<releases::ByTag>("get_release_by_tag").doc("releases/releases#get-a-release-by-tag-name"),
    Tool::new::<tags::Get>("get_tag"),
    Tool::new::<releases::List>("list_releases").doc("releases/releases#list-releases"),
    Tool::new::<tags::List>("list_tags").doc("repos/repos#list-repository-tags"),
];
