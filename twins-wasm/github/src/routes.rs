//! Every REST surface, one line each, grouped by area.

use pome_twin_kit::{Body, Route};

use crate::GitHub;
use crate::actions::{
    assignees, branches, check_runs, collaborators, comments, commits, contents, git_objects, issues, labels, merges,
    milestones, pulls, rate_limit, reactions, refs, releases, repo_lists, repos, review_comments, reviews, search,
    statuses, tags, users,
};

pub(crate) const ROUTES: &[Route<GitHub>] = &[
    // repos
    Route::get::<repos::Get>("/repos/{owner}/{repo}").doc("repos/repos#get-a-repository"),
    Route::patch::<repos::Update>("/repos/{owner}/{repo}").doc("repos/repos#update-a-repository"),
    Route::delete::<repos::Delete>("/repos/{owner}/{repo}").status(204).doc("repos/repos#delete-a-repository"),
    Route::post::<repos::Create>("/user/repos")
        .status(201)
        .doc("repos/repos#create-a-repository-for-the-authenticated-user"),
    Route::post::<repos::Create>("/orgs/{org}/repos").status(201).doc("repos/repos#create-an-organization-repository"),
    Route::post::<repos::Fork>("/repos/{owner}/{repo}/forks")
        .body(Body::Optional)
        .status(202)
        .doc("repos/forks#create-a-fork"),
    Route::get::<repos::ListForks>("/repos/{owner}/{repo}/forks").doc("repos/forks#list-forks"),
    Route::get::<repos::Topics>("/repos/{owner}/{repo}/topics").doc("repos/repos#get-all-repository-topics"),
    Route::put::<repos::SetTopics>("/repos/{owner}/{repo}/topics").doc("repos/repos#replace-all-repository-topics"),
    Route::get::<repos::Languages>("/repos/{owner}/{repo}/languages").doc("repos/repos#list-repository-languages"),
    Route::get::<repos::Contributors>("/repos/{owner}/{repo}/contributors")
        .doc("repos/repos#list-repository-contributors"),
    // issues
    Route::get::<issues::List>("/repos/{owner}/{repo}/issues").doc("issues/issues#list-repository-issues"),
    Route::post::<issues::Create>("/repos/{owner}/{repo}/issues").status(201).doc("issues/issues#create-an-issue"),
    Route::get::<issues::Get>("/repos/{owner}/{repo}/issues/{issue_number}").doc("issues/issues#get-an-issue"),
    Route::patch::<issues::Update>("/repos/{owner}/{repo}/issues/{issue_number}").doc("issues/issues#update-an-issue"),
    Route::put::<issues::Lock>("/repos/{owner}/{repo}/issues/{issue_number}/lock")
        .status(204)
        .body(Body::Optional)
        .doc("issues/issues#lock-an-issue"),
    Route::delete::<issues::Unlock>("/repos/{owner}/{repo}/issues/{issue_number}/lock")
        .status(204)
        .doc("issues/issues#unlock-an-issue"),
    Route::get::<issues::ListMine>("/issues").doc("issues/issues#list-issues-assigned-to-the-authenticated-user"),
    Route::get::<issues::ListMine>("/user/issues")
        .doc("issues/issues#list-user-account-issues-assigned-to-the-authenticated-user"),
    // comments
    Route::get::<comments::List>("/repos/{owner}/{repo}/issues/{issue_number}/comments")
        .doc("issues/comments#list-issue-comments"),
    Route::post::<comments::Create>("/repos/{owner}/{repo}/issues/{issue_number}/comments")
        .status(201)
        .doc("issues/comments#create-an-issue-comment"),
    Route::get::<comments::ListForRepo>("/repos/{owner}/{repo}/issues/comments")
        .doc("issues/comments#list-issue-comments-for-a-repository"),
    Route::get::<comments::Get>("/repos/{owner}/{repo}/issues/comments/{comment_id}")
        .doc("issues/comments#get-an-issue-comment"),
    Route::patch::<comments::Update>("/repos/{owner}/{repo}/issues/comments/{comment_id}")
        .doc("issues/comments#update-an-issue-comment"),
    Route::delete::<comments::Delete>("/repos/{owner}/{repo}/issues/comments/{comment_id}")
        .status(204)
        .doc("issues/comments#delete-an-issue-comment"),
    // labels
    Route::get::<labels::List>("/repos/{owner}/{repo}/labels").doc("issues/labels#list-labels-for-a-repository"),
    Route::post::<labels::Create>("/repos/{owner}/{repo}/labels").status(201).doc("issues/labels#create-a-label"),
    Route::get::<labels::Get>("/repos/{owner}/{repo}/labels/{name}").doc("issues/labels#get-a-label"),
    Route::patch::<labels::Update>("/repos/{owner}/{repo}/labels/{name}").doc("issues/labels#update-a-label"),
    Route::delete::<labels::Delete>("/repos/{owner}/{repo}/labels/{name}")
        .status(204)
        .doc("issues/labels#delete-a-label"),
    Route::get::<labels::ListOnIssue>("/repos/{owner}/{repo}/issues/{issue_number}/labels")
        .doc("issues/labels#list-labels-for-an-issue"),
    Route::post::<labels::AddToIssue>("/repos/{owner}/{repo}/issues/{issue_number}/labels")
        .body(Body::ArrayAs("labels"))
        .doc("issues/labels#add-labels-to-an-issue"),
    Route::put::<labels::SetOnIssue>("/repos/{owner}/{repo}/issues/{issue_number}/labels")
        .body(Body::ArrayAs("labels"))
        .doc("issues/labels#set-labels-for-an-issue"),
    Route::delete::<labels::RemoveAllFromIssue>("/repos/{owner}/{repo}/issues/{issue_number}/labels")
        .status(204)
        .doc("issues/labels#remove-all-labels-from-an-issue"),
    Route::delete::<labels::RemoveFromIssue>("/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}")
        .doc("issues/labels#remove-a-label-from-an-issue"),
    // assignees
    Route::get::<assignees::List>("/repos/{owner}/{repo}/assignees").doc("issues/assignees#list-assignees"),
    Route::get::<assignees::Check>("/repos/{owner}/{repo}/assignees/{assignee}")
        .status(204)
        .doc("issues/assignees#check-if-a-user-can-be-assigned"),
    Route::post::<assignees::Add>("/repos/{owner}/{repo}/issues/{issue_number}/assignees")
        .status(201)
        .doc("issues/assignees#add-assignees-to-an-issue"),
    Route::delete::<assignees::Remove>("/repos/{owner}/{repo}/issues/{issue_number}/assignees")
        .doc("issues/assignees#remove-assignees-from-an-issue"),
    // milestones
    Route::get::<milestones::List>("/repos/{owner}/{repo}/milestones").doc("issues/milestones#list-milestones"),
    Route::post::<milestones::Create>("/repos/{owner}/{repo}/milestones")
        .status(201)
        .doc("issues/milestones#create-a-milestone"),
    Route::get::<milestones::Get>("/repos/{owner}/{repo}/milestones/{milestone_number}")
        .doc("issues/milestones#get-a-milestone"),
    Route::patch::<milestones::Update>("/repos/{owner}/{repo}/milestones/{milestone_number}")
        .doc("issues/milestones#update-a-milestone"),
    Route::delete::<milestones::Delete>("/repos/{owner}/{repo}/milestones/{milestone_number}")
        .status(204)
        .doc("issues/milestones#delete-a-milestone"),
    Route::get::<milestones::ListLabels>("/repos/{owner}/{repo}/milestones/{milestone_number}/labels")
        .doc("issues/labels#list-labels-for-issues-in-a-milestone"),
    // collaborators
    Route::get::<collaborators::List>("/repos/{owner}/{repo}/collaborators")
        .doc("collaborators/collaborators#list-repository-collaborators"),
    Route::get::<collaborators::Check>("/repos/{owner}/{repo}/collaborators/{username}")
        .status(204)
        .doc("collaborators/collaborators#check-if-a-user-is-a-repository-collaborator"),
    Route::put::<collaborators::Add>("/repos/{owner}/{repo}/collaborators/{username}")
        .status(201)
        .body(Body::Optional)
        .doc("collaborators/collaborators#add-a-repository-collaborator"),
    Route::delete::<collaborators::Remove>("/repos/{owner}/{repo}/collaborators/{username}")
        .status(204)
        .doc("collaborators/collaborators#remove-a-repository-collaborator"),
    Route::get::<collaborators::GetLevel>("/repos/{owner}/{repo}/collaborators/{username}/permission")
        .doc("collaborators/collaborators#get-repository-permissions-for-a-user"),
    Route::get::<collaborators::ListInvitations>("/repos/{owner}/{repo}/invitations")
        .doc("collaborators/invitations#list-repository-invitations"),
    Route::get::<collaborators::ListMyInvitations>("/user/repository_invitations")
        .doc("collaborators/invitations#list-repository-invitations-for-the-authenticated-user"),
    Route::patch::<collaborators::AcceptInvitation>("/user/repository_invitations/{invitation_id}")
        .status(204)
        .body(Body::Optional)
        .doc("collaborators/invitations#accept-a-repository-invitation"),
    Route::delete::<collaborators::DeclineInvitation>("/user/repository_invitations/{invitation_id}")
        .status(204)
        .doc("collaborators/invitations#decline-a-repository-invitation"),
    // rate limit
    Route::get::<rate_limit::Get>("/rate_limit")
        .shape("nothing is used up: every answer shows the full limits")
        .doc("rate-limit/rate-limit#get-rate-limit-status-for-the-authenticated-user"),
    // search
    Route::get::<search::code::Search>("/search/code").doc("search/search#search-code"),
    Route::get::<search::commits::Search>("/search/commits").doc("search/search#search-commits"),
    Route::get::<search::issues::Search>("/search/issues").doc("search/search#search-issues-and-pull-requests"),
    Route::get::<search::repos::Search>("/search/repositories").doc("search/search#search-repositories"),
    Route::get::<search::users::Search>("/search/users").doc("search/search#search-users"),
    Route::get::<search::repos::SearchLabels>("/search/labels").doc("search/search#search-labels"),
    // reactions
    Route::get::<reactions::ListOnIssue>("/repos/{owner}/{repo}/issues/{issue_number}/reactions")
        .doc("reactions/reactions#list-reactions-for-an-issue"),
    Route::post::<reactions::CreateOnIssue>("/repos/{owner}/{repo}/issues/{issue_number}/reactions")
        .status(201)
        .doc("reactions/reactions#create-reaction-for-an-issue"),
    Route::delete::<reactions::DeleteFromIssue>("/repos/{owner}/{repo}/issues/{issue_number}/reactions/{reaction_id}")
        .status(204)
        .doc("reactions/reactions#delete-an-issue-reaction"),
    Route::get::<reactions::ListOnComment>("/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions")
        .doc("reactions/reactions#list-reactions-for-an-issue-comment"),
    Route::post::<reactions::CreateOnComment>("/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions")
        .status(201)
        .doc("reactions/reactions#create-reaction-for-an-issue-comment"),
    Route::delete::<reactions::DeleteFromComment>(
        "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions/{reaction_id}",
    )
    .status(204)
    .doc("reactions/reactions#delete-an-issue-comment-reaction"),
    Route::get::<reactions::ListOnReviewComment>("/repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions")
        .doc("reactions/reactions#list-reactions-for-a-pull-request-review-comment"),
    Route::post::<reactions::CreateOnReviewComment>("/repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions")
        .status(201)
        .doc("reactions/reactions#create-reaction-for-a-pull-request-review-comment"),
    Route::delete::<reactions::DeleteFromReviewComment>(
        "/repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions/{reaction_id}",
    )
    .status(204)
    .doc("reactions/reactions#delete-a-pull-request-review-comment-reaction"),
    // pull requests
    Route::get::<pulls::List>("/repos/{owner}/{repo}/pulls").doc("pulls/pulls#list-pull-requests"),
    Route::post::<pulls::Create>("/repos/{owner}/{repo}/pulls").status(201).doc("pulls/pulls#create-a-pull-request"),
    Route::get::<pulls::Get>("/repos/{owner}/{repo}/pulls/{pull_number}").doc("pulls/pulls#get-a-pull-request"),
    Route::patch::<pulls::Update>("/repos/{owner}/{repo}/pulls/{pull_number}").doc("pulls/pulls#update-a-pull-request"),
    Route::get::<pulls::Files>("/repos/{owner}/{repo}/pulls/{pull_number}/files")
        .doc("pulls/pulls#list-pull-requests-files"),
    Route::get::<pulls::Commits>("/repos/{owner}/{repo}/pulls/{pull_number}/commits")
        .doc("pulls/pulls#list-commits-on-a-pull-request"),
    Route::get::<pulls::Diff>("/repos/{owner}/{repo}/pulls/{pull_number}/diff").note(
        "not a route of the vendor, who answers the pull request itself with `Accept: application/vnd.github.diff`",
    ),
    Route::get::<statuses::OfPull>("/repos/{owner}/{repo}/pulls/{pull_number}/status")
        .note("not a route of the vendor, who has the combined status of the head commit"),
    Route::get::<pulls::IsMerged>("/repos/{owner}/{repo}/pulls/{pull_number}/merge")
        .status(204)
        .doc("pulls/pulls#check-if-a-pull-request-has-been-merged"),
    Route::put::<merges::Merge>("/repos/{owner}/{repo}/pulls/{pull_number}/merge")
        .body(Body::Optional)
        .doc("pulls/pulls#merge-a-pull-request"),
    Route::put::<merges::UpdateBranch>("/repos/{owner}/{repo}/pulls/{pull_number}/update-branch")
        .status(202)
        .body(Body::Optional)
        .doc("pulls/pulls#update-a-pull-request-branch"),
    Route::get::<pulls::Reviewers>("/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers")
        .doc("pulls/review-requests#get-all-requested-reviewers-for-a-pull-request"),
    Route::post::<pulls::Request>("/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers")
        .status(201)
        .doc("pulls/review-requests#request-reviewers-for-a-pull-request"),
    Route::delete::<pulls::Unrequest>("/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers")
        .body(Body::Json)
        .doc("pulls/review-requests#remove-requested-reviewers-from-a-pull-request"),
    Route::get::<pulls::OfCommit>("/repos/{owner}/{repo}/commits/{commit_sha}/pulls")
        .doc("commits/commits#list-pull-requests-associated-with-a-commit"),
    // reviews
    Route::get::<reviews::List>("/repos/{owner}/{repo}/pulls/{pull_number}/reviews")
        .doc("pulls/reviews#list-reviews-for-a-pull-request"),
    Route::post::<reviews::Create>("/repos/{owner}/{repo}/pulls/{pull_number}/reviews")
        .doc("pulls/reviews#create-a-review-for-a-pull-request"),
    Route::get::<reviews::Get>("/repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}")
        .doc("pulls/reviews#get-a-review-for-a-pull-request"),
    Route::put::<reviews::Update>("/repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}")
        .doc("pulls/reviews#update-a-review-for-a-pull-request"),
    Route::delete::<reviews::Delete>("/repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}")
        .doc("pulls/reviews#delete-a-pending-review-for-a-pull-request"),
    Route::post::<reviews::Submit>("/repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}/events")
        .doc("pulls/reviews#submit-a-review-for-a-pull-request"),
    Route::put::<reviews::Dismiss>("/repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}/dismissals")
        .doc("pulls/reviews#dismiss-a-review-for-a-pull-request"),
    Route::get::<reviews::Comments>("/repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}/comments")
        .doc("pulls/reviews#list-comments-for-a-pull-request-review"),
    // review comments
    Route::get::<review_comments::List>("/repos/{owner}/{repo}/pulls/{pull_number}/comments")
        .doc("pulls/comments#list-review-comments-on-a-pull-request"),
    Route::post::<review_comments::Create>("/repos/{owner}/{repo}/pulls/{pull_number}/comments")
        .status(201)
        .doc("pulls/comments#create-a-review-comment-for-a-pull-request"),
    Route::post::<review_comments::ReplyTo>("/repos/{owner}/{repo}/pulls/{pull_number}/comments/{comment_id}/replies")
        .status(201)
        .doc("pulls/comments#create-a-reply-for-a-review-comment"),
    Route::get::<review_comments::ListOfRepo>("/repos/{owner}/{repo}/pulls/comments")
        .doc("pulls/comments#list-review-comments-in-a-repository"),
    Route::get::<review_comments::Get>("/repos/{owner}/{repo}/pulls/comments/{comment_id}")
        .doc("pulls/comments#get-a-review-comment-for-a-pull-request"),
    Route::patch::<review_comments::Update>("/repos/{owner}/{repo}/pulls/comments/{comment_id}")
        .doc("pulls/comments#update-a-review-comment-for-a-pull-request"),
    Route::delete::<review_comments::Delete>("/repos/{owner}/{repo}/pulls/comments/{comment_id}")
        .status(204)
        .doc("pulls/comments#delete-a-review-comment-for-a-pull-request"),
    // statuses and check runs
    Route::post::<statuses::Create>("/repos/{owner}/{repo}/statuses/{sha}")
        .status(201)
        .doc("commits/statuses#create-a-commit-status"),
    Route::get::<statuses::Combined>("/repos/{owner}/{repo}/commits/{ref}/status")
        .doc("commits/statuses#get-the-combined-status-for-a-specific-reference"),
    Route::get::<statuses::List>("/repos/{owner}/{repo}/commits/{ref}/statuses")
        .doc("commits/statuses#list-commit-statuses-for-a-reference"),
    Route::get::<statuses::List>("/repos/{owner}/{repo}/statuses/{ref}")
        .doc("commits/statuses#list-commit-statuses-for-a-reference")
        .note("the vendor's older address of a commit's statuses, which PyGithub asks"),
    Route::post::<check_runs::Create>("/repos/{owner}/{repo}/check-runs")
        .status(201)
        .doc("checks/runs#create-a-check-run"),
    Route::get::<check_runs::Get>("/repos/{owner}/{repo}/check-runs/{check_run_id}").doc("checks/runs#get-a-check-run"),
    Route::patch::<check_runs::Update>("/repos/{owner}/{repo}/check-runs/{check_run_id}")
        .doc("checks/runs#update-a-check-run"),
    Route::get::<check_runs::Annotations>("/repos/{owner}/{repo}/check-runs/{check_run_id}/annotations")
        .doc("checks/runs#list-check-run-annotations"),
    Route::get::<check_runs::List>("/repos/{owner}/{repo}/commits/{ref}/check-runs")
        .doc("checks/runs#list-check-runs-for-a-git-reference"),
    // contents
    Route::get::<contents::Get>("/repos/{owner}/{repo}/contents").doc("repos/contents#get-repository-content"),
    Route::get::<contents::Get>("/repos/{owner}/{repo}/contents/").doc("repos/contents#get-repository-content"),
    Route::get::<contents::Get>("/repos/{owner}/{repo}/contents/{path...}")
        .doc("repos/contents#get-repository-content"),
    Route::put::<contents::Put>("/repos/{owner}/{repo}/contents/{path...}")
        .doc("repos/contents#create-or-update-file-contents"),
    Route::delete::<contents::Delete>("/repos/{owner}/{repo}/contents/{path...}").doc("repos/contents#delete-a-file"),
    Route::get::<contents::Readme>("/repos/{owner}/{repo}/readme").doc("repos/contents#get-a-repository-readme"),
    Route::get::<contents::Readme>("/repos/{owner}/{repo}/readme/{dir...}")
        .doc("repos/contents#get-a-repository-readme-for-a-directory"),
    // branches
    Route::get::<branches::List>("/repos/{owner}/{repo}/branches").doc("branches/branches#list-branches"),
    Route::get::<branches::Get>("/repos/{owner}/{repo}/branches/{branch...}").doc("branches/branches#get-a-branch"),
    Route::get::<branches::Protection>("/repos/{owner}/{repo}/branches/{branch}/protection")
        .shape("no branch is protected")
        .doc("branches/branch-protection#get-branch-protection"),
    Route::post::<branches::Rename>("/repos/{owner}/{repo}/branches/{branch}/rename")
        .status(201)
        .doc("branches/branches#rename-a-branch"),
    Route::post::<branches::Merge>("/repos/{owner}/{repo}/merges").status(201).doc("branches/branches#merge-a-branch"),
    // commits
    Route::get::<commits::List>("/repos/{owner}/{repo}/commits").doc("commits/commits#list-commits"),
    Route::get::<commits::Get>("/repos/{owner}/{repo}/commits/{ref...}").doc("commits/commits#get-a-commit"),
    Route::get::<commits::HeadOf>("/repos/{owner}/{repo}/commits/{commit_sha}/branches-where-head")
        .doc("commits/commits#list-branches-for-head-commit"),
    Route::get::<commits::Compare>("/repos/{owner}/{repo}/compare/{basehead...}")
        .doc("commits/commits#compare-two-commits"),
    // refs
    Route::get::<refs::Get>("/repos/{owner}/{repo}/git/ref/{ref...}").doc("git/refs#get-a-reference"),
    Route::get::<refs::Matching>("/repos/{owner}/{repo}/git/matching-refs/{ref...}")
        .doc("git/refs#list-matching-references"),
    Route::get::<refs::Matching>("/repos/{owner}/{repo}/git/refs")
        .note("an older spelling that clients still use")
        .doc("git/refs#list-matching-references"),
    Route::get::<refs::GetOrMatching>("/repos/{owner}/{repo}/git/refs/{ref...}")
        .note("an older spelling that clients still use")
        .doc("git/refs#get-a-reference"),
    Route::post::<refs::Create>("/repos/{owner}/{repo}/git/refs").status(201).doc("git/refs#create-a-reference"),
    Route::patch::<refs::Update>("/repos/{owner}/{repo}/git/refs/{ref...}").doc("git/refs#update-a-reference"),
    Route::delete::<refs::Delete>("/repos/{owner}/{repo}/git/refs/{ref...}")
        .status(204)
        .doc("git/refs#delete-a-reference"),
    // git objects
    Route::get::<git_objects::GetBlob>("/repos/{owner}/{repo}/git/blobs/{file_sha}").doc("git/blobs#get-a-blob"),
    Route::post::<git_objects::CreateBlob>("/repos/{owner}/{repo}/git/blobs")
        .status(201)
        .doc("git/blobs#create-a-blob"),
    Route::get::<git_objects::GetTree>("/repos/{owner}/{repo}/git/trees/{tree_sha...}").doc("git/trees#get-a-tree"),
    Route::post::<git_objects::CreateTree>("/repos/{owner}/{repo}/git/trees")
        .status(201)
        .doc("git/trees#create-a-tree"),
    Route::get::<git_objects::GetCommit>("/repos/{owner}/{repo}/git/commits/{commit_sha}")
        .doc("git/commits#get-a-commit-object"),
    Route::post::<git_objects::CreateCommit>("/repos/{owner}/{repo}/git/commits")
        .status(201)
        .doc("git/commits#create-a-commit"),
    Route::get::<git_objects::GetTag>("/repos/{owner}/{repo}/git/tags/{tag_sha}").doc("git/tags#get-a-tag"),
    Route::post::<git_objects::CreateTag>("/repos/{owner}/{repo}/git/tags")
        .status(201)
        .doc("git/tags#create-a-tag-object"),
    // tags and releases
    Route::get::<tags::List>("/repos/{owner}/{repo}/tags").doc("repos/repos#list-repository-tags"),
    Route::get::<releases::List>("/repos/{owner}/{repo}/releases").doc("releases/releases#list-releases"),
    Route::get::<releases::Latest>("/repos/{owner}/{repo}/releases/latest")
        .doc("releases/releases#get-the-latest-release"),
    Route::get::<releases::ByTag>("/repos/{owner}/{repo}/releases/tags/{tag...}")
        .doc("releases/releases#get-a-release-by-tag-name"),
    Route::get::<releases::Get>("/repos/{owner}/{repo}/releases/{release_id}").doc("releases/releases#get-a-release"),
    Route::get::<releases::Assets>("/repos/{owner}/{repo}/releases/{release_id}/assets")
        .shape("releases have no files")
        .doc("releases/assets#list-release-assets"),
    Route::post::<releases::Create>("/repos/{owner}/{repo}/releases")
        .status(201)
        .doc("releases/releases#create-a-release"),
    Route::post::<releases::GenerateNotes>("/repos/{owner}/{repo}/releases/generate-notes")
        .shape("notes list commits instead of pull requests")
        .doc("releases/releases#generate-release-notes-content-for-a-release"),
    Route::patch::<releases::Update>("/repos/{owner}/{repo}/releases/{release_id}")
        .doc("releases/releases#update-a-release"),
    Route::delete::<releases::Delete>("/repos/{owner}/{repo}/releases/{release_id}")
        .status(204)
        .doc("releases/releases#delete-a-release"),
    // lists of repositories
    Route::get::<repo_lists::Mine>("/user/repos").doc("repos/repos#list-repositories-for-the-authenticated-user"),
    Route::get::<repo_lists::OfUser>("/users/{username}/repos").doc("repos/repos#list-repositories-for-a-user"),
    Route::get::<repo_lists::OfOrganization>("/orgs/{org}/repos").doc("repos/repos#list-organization-repositories"),
    // users
    Route::get::<users::Me>("/user").doc("users/users#get-the-authenticated-user"),
    Route::get::<users::Get>("/users/{username}").doc("users/users#get-a-user"),
];
