//! The data model: every entity of the world, the tables they live in and what they have in common.

use std::collections::{BTreeMap, BTreeSet};

use pome_twin_kit::clock::Time;
use pome_twin_kit::ids::hash_id;
use pome_twin_kit::store::{Cell, Journal, Table};

use crate::accounts::Accounts;
use crate::activity::Activity;
use crate::events::Event;
use crate::git::{Mark, Objects, Oid};
use crate::issue_index::IssueIndex;
use crate::merge_words::MergeWords;
use crate::rate::Meter;
use crate::rules::{Protection, Ruleset};
use crate::suites::{Annotation, CheckSuite};
use crate::workflows::{Artifact, Job, WorkflowRun};

/// Who acts when the token names nobody, and who seeds write for.
pub(crate) const DEFAULT_LOGIN: &str = "pome-agent";

pub(crate) type RepoId = u64;
/// A repository and a number: issues and pull requests share one counter.
pub(crate) type Numbered = (RepoId, u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserKind {
    User,
    Organization,
}

impl UserKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Organization => "Organization",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) login: String,
    pub(crate) kind: UserKind,
    pub(crate) name: String,
    pub(crate) email: Option<String>,
    pub(crate) created_at: Time,
}

impl User {
    pub(crate) fn id(&self) -> u32 {
        hash_id(&self.login)
    }

    /// The address that the user's commits carry.
    pub(crate) fn commit_email(&self) -> String {
        self.email.clone().unwrap_or_else(|| format!("{}@example.local", self.login))
    }
}

/// What somebody may do in a repository, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Permission {
    Read,
    Triage,
    Write,
    Maintain,
    Admin,
}

impl Permission {
    /// The words of the collaborator routes (`pull`, `push`, ...) and of role names (`read`, `write`, ...).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "pull" | "read" => Some(Self::Read),
            "triage" => Some(Self::Triage),
            "push" | "write" => Some(Self::Write),
            "maintain" => Some(Self::Maintain),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }

    /// `read`, `triage`, `write`, `maintain`, `admin`
    pub(crate) const fn role(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Triage => "triage",
            Self::Write => "write",
            Self::Maintain => "maintain",
            Self::Admin => "admin",
        }
    }

    /// `pull`, `triage`, `push`, `maintain`, `admin`
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Read => "pull",
            Self::Write => "push",
            other => other.role(),
        }
    }
}

/// What can watch over a repository, by the vendor's names under `security_and_analysis`.
pub(crate) const SAFEGUARDS: &[&str] = &[
    "advanced_security",
    "code_security",
    "dependabot_security_updates",
    "secret_scanning",
    "secret_scanning_ai_detection",
    "secret_scanning_delegated_alert_dismissal",
    "secret_scanning_delegated_bypass",
    "secret_scanning_non_provider_patterns",
    "secret_scanning_push_protection",
];

#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own on the vendor's page")]
pub(crate) struct Repo {
    pub(crate) id: RepoId,
    /// In the spelling that is shown; comparisons ignore case.
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) homepage: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) topics: Vec<String>,
    pub(crate) private: bool,
    pub(crate) default_branch: String,
    /// The repository that this one was forked from.
    pub(crate) parent: Option<RepoId>,
    pub(crate) archived: bool,
    pub(crate) has_issues: bool,
    pub(crate) has_projects: bool,
    pub(crate) has_wiki: bool,
    pub(crate) has_downloads: bool,
    /// Those of [`SAFEGUARDS`] that are on.
    pub(crate) safeguards: BTreeSet<&'static str>,
    pub(crate) has_discussions: bool,
    pub(crate) is_template: bool,
    pub(crate) allow_merge_commit: bool,
    pub(crate) allow_squash_merge: bool,
    pub(crate) allow_rebase_merge: bool,
    pub(crate) allow_auto_merge: bool,
    pub(crate) delete_branch_on_merge: bool,
    pub(crate) allow_update_branch: bool,
    pub(crate) allow_forking: bool,
    pub(crate) web_commit_signoff_required: bool,
    pub(crate) merge_words: MergeWords,
    /// Seed option: a failing combined status of the head blocks a merge.
    pub(crate) require_green_status: bool,
    /// The last number given to an issue or pull request.
    pub(crate) last_number: u64,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
    pub(crate) pushed_at: Time,
}

impl Repo {
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

/// Somebody's place in a repository; pending until the invitation is accepted.
#[derive(Debug, Clone)]
pub(crate) struct Collaborator {
    pub(crate) login: String,
    pub(crate) permission: Permission,
    pub(crate) pending: bool,
    pub(crate) inviter: String,
    pub(crate) created_at: Time,
}

/// A branch (`refs/heads/...`), a tag (`refs/tags/...`) or any other ref.
#[derive(Debug, Clone)]
pub(crate) struct GitRef {
    pub(crate) oid: Oid,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) name: String,
    pub(crate) color: String,
    pub(crate) description: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Milestone {
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) description: Option<String>,
    pub(crate) open: bool,
    pub(crate) creator: String,
    pub(crate) due_on: Option<Time>,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
    pub(crate) closed_at: Option<Time>,
}

/// An issue, or the issue side of a pull request (then [`State::pulls`] has a row of the same key).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Issue {
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) open: bool,
    /// `completed`, `not_planned`, `duplicate` or `reopened`.
    pub(crate) state_reason: Option<String>,
    pub(crate) user: String,
    /// Names of the repository's labels, in their defined spelling, sorted without case.
    pub(crate) labels: Vec<String>,
    /// Logins in the order of assignment.
    pub(crate) assignees: Vec<String>,
    pub(crate) milestone: Option<u64>,
    pub(crate) locked: bool,
    pub(crate) lock_reason: Option<String>,
    /// How many conversation comments there are.
    pub(crate) comments: u64,
    pub(crate) closed_by: Option<String>,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
    pub(crate) closed_at: Option<Time>,
}

/// What a pull request has beside its issue side.
#[derive(Debug, Clone)]
pub(crate) struct Pull {
    pub(crate) number: u64,
    pub(crate) head_repo: RepoId,
    /// Branch name without `refs/heads/`.
    pub(crate) head_ref: String,
    /// Follows the branch while the pull request is open.
    pub(crate) head_sha: Oid,
    pub(crate) base_ref: String,
    /// The base branch's head when the pull request was opened or retargeted, or when it was merged.
    pub(crate) base_sha: Oid,
    pub(crate) draft: bool,
    pub(crate) merged: bool,
    pub(crate) merged_at: Option<Time>,
    pub(crate) merged_by: Option<String>,
    pub(crate) merge_commit_sha: Option<Oid>,
    pub(crate) requested_reviewers: Vec<String>,
    pub(crate) maintainer_can_modify: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) repo: RepoId,
    pub(crate) number: u64,
    pub(crate) body: String,
    pub(crate) user: String,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

/// What a reaction is given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// An issue or pull request.
    Issue(RepoId, u64),
    Comment(u64),
    ReviewComment(u64),
    CommitComment(u64),
}

#[derive(Debug, Clone)]
pub(crate) struct Reaction {
    pub(crate) id: u64,
    pub(crate) user: String,
    /// `+1`, `-1`, `laugh`, `confused`, `heart`, `hooray`, `rocket` or `eyes`.
    pub(crate) content: String,
    pub(crate) created_at: Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReviewState {
    Pending,
    Approved,
    ChangesRequested,
    Commented,
    Dismissed,
}

impl ReviewState {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Approved => "APPROVED",
            Self::ChangesRequested => "CHANGES_REQUESTED",
            Self::Commented => "COMMENTED",
            Self::Dismissed => "DISMISSED",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Review {
    pub(crate) id: u64,
    pub(crate) user: String,
    pub(crate) state: ReviewState,
    pub(crate) body: String,
    pub(crate) commit: Oid,
    /// `None` while pending.
    pub(crate) submitted_at: Option<Time>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Side {
    Left,
    Right,
}

impl Side {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Left => "LEFT",
            Self::Right => "RIGHT",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ReviewComment {
    pub(crate) id: u64,
    pub(crate) repo: RepoId,
    pub(crate) number: u64,
    pub(crate) review: Option<u64>,
    pub(crate) path: String,
    pub(crate) body: String,
    pub(crate) user: String,
    /// `None` for a comment on the whole file.
    pub(crate) line: Option<u64>,
    pub(crate) side: Side,
    pub(crate) start_line: Option<u64>,
    pub(crate) start_side: Option<Side>,
    pub(crate) commit: Oid,
    pub(crate) in_reply_to: Option<u64>,
    /// Who resolved the thread; kept on its first comment.
    pub(crate) resolved_by: Option<String>,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub(crate) id: u64,
    pub(crate) sha: Oid,
    /// `error`, `failure`, `pending` or `success`.
    pub(crate) state: String,
    pub(crate) context: String,
    pub(crate) description: Option<String>,
    pub(crate) target_url: Option<String>,
    pub(crate) creator: String,
    pub(crate) created_at: Time,
}

#[derive(Debug, Clone)]
pub(crate) struct CheckRun {
    pub(crate) id: u64,
    /// The check suite.
    pub(crate) suite: u64,
    pub(crate) head_sha: Oid,
    pub(crate) name: String,
    /// `queued`, `in_progress` or `completed`.
    pub(crate) status: String,
    pub(crate) conclusion: Option<String>,
    pub(crate) details_url: Option<String>,
    pub(crate) external_id: String,
    pub(crate) output_title: Option<String>,
    pub(crate) output_summary: Option<String>,
    pub(crate) output_text: Option<String>,
    pub(crate) started_at: Time,
    pub(crate) completed_at: Option<Time>,
}

#[derive(Debug, Clone)]
pub(crate) struct Release {
    pub(crate) id: u64,
    pub(crate) tag_name: String,
    pub(crate) target_commitish: String,
    pub(crate) name: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) draft: bool,
    pub(crate) prerelease: bool,
    pub(crate) author: String,
    pub(crate) created_at: Time,
    pub(crate) published_at: Option<Time>,
    /// When it was made the latest one; never for a release that was kept from it.
    pub(crate) latest_since: Option<Time>,
}

/// Git's objects, which only grow: undo cuts off what the call added.
#[derive(Debug)]
pub(crate) struct GitStore {
    pub(crate) objects: Objects,
    mark: Mark,
}

impl Default for GitStore {
    fn default() -> Self {
        let objects = Objects::new();
        let mark = objects.mark();
        Self { objects, mark }
    }
}

impl Journal for GitStore {
    /// Objects alone change nothing that anybody can see; the refs that point to them do.
    fn changed(&self) -> bool {
        false
    }

    fn commit(&mut self) {
        self.mark = self.objects.mark();
    }

    fn rollback(&mut self) {
        self.objects.truncate_to(self.mark);
    }
}

/// The world.
#[derive(Debug, Default)]
pub struct State {
    /// By lower-case login.
    pub(crate) users: Table<String, User>,
    pub(crate) repos: Table<RepoId, Repo>,
    /// Lower-case owner and name.
    pub(crate) repo_names: Table<(String, String), RepoId>,
    /// Names that repositories had before, lower-case owner and name.
    pub(crate) renamed: Table<(String, String), RepoId>,
    /// By lower-case login.
    pub(crate) collaborators: Table<(RepoId, String), Collaborator>,
    pub(crate) git: GitStore,
    /// By full ref name.
    pub(crate) refs: Table<(RepoId, String), GitRef>,
    /// Objects that belong to a repository although none of its refs leads there.
    pub(crate) kept: Table<(RepoId, Oid), ()>,
    /// By lower-case name.
    pub(crate) labels: Table<(RepoId, String), Label>,
    pub(crate) milestones: Table<Numbered, Milestone>,
    pub(crate) issues: Table<Numbered, Issue, IssueIndex>,
    pub(crate) pulls: Table<Numbered, Pull>,
    pub(crate) comments: Table<u64, Comment>,
    /// Repository, number, comment id.
    pub(crate) comments_of: Table<(RepoId, u64, u64), ()>,
    /// Repository, number, review id.
    pub(crate) reviews: Table<(RepoId, u64, u64), Review>,
    pub(crate) review_comments: Table<u64, ReviewComment>,
    pub(crate) review_comments_of: Table<(RepoId, u64, u64), ()>,
    /// Repository and id.
    pub(crate) statuses: Table<(RepoId, u64), Status>,
    pub(crate) check_runs: Table<(RepoId, u64), CheckRun>,
    pub(crate) releases: Table<(RepoId, u64), Release>,
    pub(crate) reactions: Table<(Subject, u64), Reaction>,
    /// Classic protection, by branch name.
    pub(crate) protections: Table<(RepoId, String), Protection>,
    pub(crate) rulesets: Table<(RepoId, u64), Ruleset>,
    /// Organizations, teams and people.
    pub(crate) accounts: Accounts,
    /// What surrounds the repositories' content.
    pub(crate) activity: Activity,
    /// How much everybody has asked.
    pub(crate) meter: Meter,
    /// Workflow files that are switched off, by path.
    pub(crate) disabled_workflows: Table<(RepoId, String), ()>,
    /// How runs of a workflow file end that are started here; well where nothing is said.
    pub(crate) workflow_outcomes: Table<(RepoId, String), String>,
    pub(crate) workflow_runs: Table<(RepoId, u64), WorkflowRun>,
    pub(crate) jobs: Table<(RepoId, u64), Job>,
    pub(crate) artifacts: Table<(RepoId, u64), Artifact>,
    pub(crate) next_workflow_run: Cell<u64>,
    pub(crate) next_job: Cell<u64>,
    pub(crate) next_artifact: Cell<u64>,
    /// Sub-issues in the order of their priority.
    pub(crate) children: Table<Numbered, Vec<Numbered>>,
    pub(crate) parents: Table<Numbered, Numbered>,
    /// What issues wait for.
    pub(crate) blocked_by: Table<Numbered, Vec<Numbered>>,
    pub(crate) check_suites: Table<(RepoId, u64), CheckSuite>,
    /// Repository, check run, place.
    pub(crate) annotations: Table<(RepoId, u64, u64), Annotation>,
    pub(crate) events: Table<(RepoId, u64), Event>,
    /// Repository, number, event id.
    pub(crate) events_of: Table<(RepoId, u64, u64), ()>,
    /// Why reviews were dismissed, by review id.
    pub(crate) dismissals: Table<u64, String>,
    pub(crate) next_repo: Cell<u64>,
    pub(crate) next_comment: Cell<u64>,
    pub(crate) next_review: Cell<u64>,
    pub(crate) next_review_comment: Cell<u64>,
    pub(crate) next_status: Cell<u64>,
    pub(crate) next_check_run: Cell<u64>,
    pub(crate) next_check_suite: Cell<u64>,
    pub(crate) next_release: Cell<u64>,
    pub(crate) next_reaction: Cell<u64>,
    pub(crate) next_ruleset: Cell<u64>,
    pub(crate) next_event: Cell<u64>,
}

pome_twin_kit::store!(State {
    users,
    repos,
    repo_names,
    renamed,
    collaborators,
    git,
    refs,
    kept,
    labels,
    milestones,
    issues,
    pulls,
    comments,
    comments_of,
    reviews,
    review_comments,
    review_comments_of,
    statuses,
    check_runs,
    releases,
    reactions,
    protections,
    rulesets,
    meter,
    disabled_workflows,
    workflow_outcomes,
    workflow_runs,
    jobs,
    artifacts,
    next_workflow_run,
    next_job,
    next_artifact,
    children,
    parents,
    blocked_by,
    check_suites,
    annotations,
    events,
    events_of,
    dismissals,
    next_repo,
    next_comment,
    next_review,
    next_review_comment,
    next_status,
    next_check_run,
    next_check_suite,
    next_release,
    next_reaction,
    next_ruleset,
    next_event,
} stores { accounts, activity });

/// Names are compared without case.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase()
}

/// The full name of a branch's ref.
pub(crate) fn heads(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

impl State {
    pub(crate) fn user(&self, login: &str) -> Option<&User> {
        self.users.get(&fold(login))
    }

    /// The user, made on demand: whoever is named somewhere exists.
    pub(crate) fn ensure_user(&mut self, login: &str, now: Time) {
        let key = fold(login);
        if !self.users.contains(&key) {
            let login = login.to_owned();
            let user = User { name: login.clone(), login, kind: UserKind::User, email: None, created_at: now };
            self.users.insert(key, user);
        }
    }

    pub(crate) fn repo_id(&self, owner: &str, name: &str) -> Option<RepoId> {
        let key = (fold(owner), fold(name));
        self.repo_names.get(&key).or_else(|| self.renamed.get(&key)).copied()
    }

    /// Whether the name can still be given; a name that only leads on to a repository can.
    pub(crate) fn is_free(&self, owner: &str, name: &str) -> bool {
        !self.repo_names.contains(&(fold(owner), fold(name)))
    }

    /// Gives a name to a repository; nothing is led on from it any more.
    pub(crate) fn take_name(&mut self, owner: &str, name: &str, id: RepoId) {
        let key = (fold(owner), fold(name));
        self.renamed.remove(&key);
        self.repo_names.insert(key, id);
    }

    /// Takes a repository to another owner or name; its name of before leads on to it.
    pub(crate) fn rename(&mut self, id: RepoId, owner: &str, name: &str) {
        let Some(repo) = self.repos.get_mut(&id) else { return };
        let old = (fold(&repo.owner), fold(&repo.name));
        owner.clone_into(&mut repo.owner);
        name.clone_into(&mut repo.name);
        self.repo_names.remove(&old);
        if old != (fold(owner), fold(name)) {
            self.renamed.insert(old, id);
        }
        self.take_name(owner, name, id);
    }

    pub(crate) fn repo(&self, owner: &str, name: &str) -> Option<&Repo> {
        self.repos.get(&self.repo_id(owner, name)?)
    }

    /// What somebody may do there; `None` means that the repository does not exist for them.
    pub(crate) fn permission(&self, repo: &Repo, login: &str) -> Option<Permission> {
        if fold(&repo.owner) == fold(login) {
            return Some(Permission::Admin);
        }
        let place = self.collaborators.get(&(repo.id, fold(login))).filter(|place| !place.pending);
        let open = (!repo.private).then_some(Permission::Read);
        place.map(|place| place.permission).max(self.accounts.through(repo, login)).max(open)
    }

    /// Accepted collaborators, by login.
    pub(crate) fn collaborators_of(&self, repo: RepoId) -> impl Iterator<Item = &Collaborator> {
        self.collaborators
            .prefix((repo, String::new()), move |(id, _)| *id == repo)
            .map(|(_, place)| place)
            .filter(|place| !place.pending)
    }

    pub(crate) fn branch(&self, repo: RepoId, name: &str) -> Option<&GitRef> {
        self.refs.get(&(repo, heads(name)))
    }

    /// Refs whose full name starts with `prefix`, by name.
    pub(crate) fn refs_of<'a>(&'a self, repo: RepoId, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a GitRef)> {
        self.refs
            .prefix((repo, prefix.to_owned()), move |(id, name)| *id == repo && name.starts_with(prefix))
            .map(|((_, name), git_ref)| (name.as_str(), git_ref))
    }

    pub(crate) fn label(&self, repo: RepoId, name: &str) -> Option<&Label> {
        self.labels.get(&(repo, fold(name)))
    }

    pub(crate) fn labels_of(&self, repo: RepoId) -> impl Iterator<Item = &Label> {
        self.labels.prefix((repo, String::new()), move |(id, _)| *id == repo).map(|(_, label)| label)
    }

    pub(crate) fn is_pull(&self, key: Numbered) -> bool {
        self.pulls.contains(&key)
    }

    /// Issues and pull requests of a repository, oldest number first.
    pub(crate) fn issues_of(&self, repo: RepoId) -> impl DoubleEndedIterator<Item = &Issue> {
        self.issues.range((repo, 0)..=(repo, u64::MAX)).map(|(_, issue)| issue)
    }

    /// Open issues and pull requests of a repository, what this call did included.
    pub(crate) fn open_issues(&self, repo: RepoId) -> usize {
        let counts = |issue: Option<&Issue>| usize::from(issue.is_some_and(|issue| issue.open));
        let own = self.issues.pending().filter(|(key, _, _)| key.0 == repo);
        own.fold(self.issues.index().count(repo, true), |count, (_, old, new)| count + counts(new) - counts(old))
    }

    /// Open and closed issues of a milestone, what this call did included.
    pub(crate) fn milestone_counts(&self, repo: RepoId, milestone: u64) -> (usize, usize) {
        let counts = |issue: Option<&Issue>, open| {
            usize::from(issue.is_some_and(|issue| issue.milestone == Some(milestone) && issue.open == open))
        };
        let own = self.issues.pending().filter(|(key, _, _)| key.0 == repo);
        own.fold(self.issues.index().milestone(repo, milestone), |(open, closed), (_, old, new)| {
            (open + counts(new, true) - counts(old, true), closed + counts(new, false) - counts(old, false))
        })
    }

    pub(crate) fn pulls_of(&self, repo: RepoId) -> impl DoubleEndedIterator<Item = &Pull> {
        self.pulls.range((repo, 0)..=(repo, u64::MAX)).map(|(_, pull)| pull)
    }

    pub(crate) fn comments_on(&self, key: Numbered) -> impl DoubleEndedIterator<Item = &Comment> {
        let (repo, number) = key;
        self.comments_of
            .range((repo, number, 0)..=(repo, number, u64::MAX))
            .filter_map(|((_, _, id), ())| self.comments.get(id))
    }

    /// Reactions to one thing, oldest first.
    pub(crate) fn reactions_to(&self, subject: Subject) -> impl DoubleEndedIterator<Item = &Reaction> {
        self.reactions.range((subject, 0)..=(subject, u64::MAX)).map(|(_, reaction)| reaction)
    }

    pub(crate) fn reviews_on(&self, key: Numbered) -> impl DoubleEndedIterator<Item = &Review> {
        let (repo, number) = key;
        self.reviews.range((repo, number, 0)..=(repo, number, u64::MAX)).map(|(_, review)| review)
    }

    pub(crate) fn review_comments_on(&self, key: Numbered) -> impl DoubleEndedIterator<Item = &ReviewComment> {
        let (repo, number) = key;
        self.review_comments_of
            .range((repo, number, 0)..=(repo, number, u64::MAX))
            .filter_map(|((_, _, id), ())| self.review_comments.get(id))
    }

    pub(crate) fn statuses_of(&self, repo: RepoId) -> impl DoubleEndedIterator<Item = &Status> {
        self.statuses.range((repo, 0)..=(repo, u64::MAX)).map(|(_, status)| status)
    }

    pub(crate) fn check_runs_of(&self, repo: RepoId) -> impl DoubleEndedIterator<Item = &CheckRun> {
        self.check_runs.range((repo, 0)..=(repo, u64::MAX)).map(|(_, run)| run)
    }

    pub(crate) fn releases_of(&self, repo: RepoId) -> impl DoubleEndedIterator<Item = &Release> {
        self.releases.range((repo, 0)..=(repo, u64::MAX)).map(|(_, release)| release)
    }

    /// The latest status of each context on a commit, by context.
    pub(crate) fn latest_statuses(&self, repo: RepoId, sha: Oid) -> BTreeMap<&str, &Status> {
        let on_commit = self.statuses_of(repo).filter(|status| status.sha == sha);
        on_commit.map(|status| (status.context.as_str(), status)).collect()
    }

    /// The combined status: no status is pending, any failure or error is failure, else any pending is pending.
    pub(crate) fn combined_status(&self, repo: RepoId, sha: Oid) -> &'static str {
        let states = self.latest_statuses(repo, sha);
        let any = |wanted: &[&str]| states.values().any(|status| wanted.contains(&status.state.as_str()));
        if any(&["failure", "error"]) {
            "failure"
        } else if states.is_empty() || any(&["pending"]) {
            "pending"
        } else {
            "success"
        }
    }

    /// The next number of a repository's shared counter.
    pub(crate) fn next_number(&mut self, repo: RepoId) -> u64 {
        self.repos.get_mut(&repo).map_or(0, |repo| {
            repo.last_number += 1;
            repo.last_number
        })
    }

    /// Marks an issue or pull request as changed now.
    pub(crate) fn touch(&mut self, key: Numbered, now: Time) {
        if let Some(issue) = self.issues.get_mut(&key) {
            issue.updated_at = now;
        }
    }
}
