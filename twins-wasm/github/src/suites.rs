//! Check suites: the check runs of one commit that belong together, and what they come to.

use pome_twin_kit::clock::Time;

use crate::git::Oid;
use crate::state::{CheckRun, Pull, RepoId, State};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckSuite {
    pub(crate) id: u64,
    pub(crate) head_sha: Oid,
    /// The branch that was at the commit when the suite was made.
    pub(crate) head_branch: Option<String>,
    /// The workflow run that it belongs to; the suite of reported check runs belongs to none.
    pub(crate) workflow_run: Option<u64>,
    /// It was asked for again, and nothing has been reported since.
    pub(crate) rerequested: bool,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

/// A remark of a check run on some lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Annotation {
    pub(crate) path: String,
    pub(crate) start_line: u64,
    pub(crate) end_line: u64,
    pub(crate) start_column: Option<u64>,
    pub(crate) end_column: Option<u64>,
    /// `notice`, `warning` or `failure`.
    pub(crate) level: String,
    pub(crate) message: String,
    pub(crate) title: Option<String>,
    pub(crate) raw_details: Option<String>,
}

/// The outcomes of check runs, the one that decides a suite first.
const DECISIVE: [&str; 8] =
    ["failure", "timed_out", "startup_failure", "action_required", "cancelled", "stale", "success", "neutral"];

impl State {
    pub(crate) fn check_suites_of(&self, repo: RepoId) -> impl DoubleEndedIterator<Item = &CheckSuite> {
        self.check_suites.range((repo, 0)..=(repo, u64::MAX)).map(|(_, suite)| suite)
    }

    /// Makes a suite for a commit.
    pub(crate) fn add_check_suite(
        &mut self,
        repo: RepoId,
        head_sha: Oid,
        head_branch: Option<String>,
        workflow_run: Option<u64>,
        now: Time,
    ) -> u64 {
        let at_commit = |(name, at): (&str, &crate::state::GitRef)| {
            (at.oid == head_sha).then(|| name.trim_start_matches("refs/heads/").to_owned())
        };
        let head_branch = head_branch.or_else(|| self.refs_of(repo, "refs/heads/").find_map(at_commit));
        let id = self.next_check_suite.next();
        let (created_at, updated_at) = (now, now);
        let suite = CheckSuite { id, head_sha, head_branch, workflow_run, rerequested: false, created_at, updated_at };
        self.check_suites.insert((repo, id), suite);
        id
    }

    /// The suite that check runs of a commit are reported to, made when there is none.
    pub(crate) fn check_suite_for(&mut self, repo: RepoId, head_sha: Oid, now: Time) -> u64 {
        let known = self.reported_suite(repo, head_sha).map(|suite| suite.id);
        let id = known.unwrap_or_else(|| self.add_check_suite(repo, head_sha, None, None, now));
        self.suite_reported(repo, id, now);
        id
    }

    /// The suite of a commit that belongs to no workflow run.
    pub(crate) fn reported_suite(&self, repo: RepoId, head_sha: Oid) -> Option<&CheckSuite> {
        self.check_suites_of(repo).find(|suite| suite.head_sha == head_sha && suite.workflow_run.is_none())
    }

    /// Something was reported to a suite.
    pub(crate) fn suite_reported(&mut self, repo: RepoId, id: u64, now: Time) {
        if let Some(suite) = self.check_suites.get_mut(&(repo, id)) {
            suite.rerequested = false;
            suite.updated_at = now;
        }
    }

    /// The latest check run of each name in a suite.
    pub(crate) fn latest_runs_of_suite(&self, repo: RepoId, suite: u64) -> Vec<&CheckRun> {
        let mut runs: Vec<&CheckRun> = self.check_runs_of(repo).filter(|run| run.suite == suite).collect();
        runs.sort_by_key(|run| std::cmp::Reverse((run.started_at, run.id)));
        let mut names = Vec::new();
        runs.retain(|run| {
            let first = !names.contains(&&run.name);
            names.push(&run.name);
            first
        });
        runs
    }

    /// `(status, conclusion)` of a suite.
    pub(crate) fn suite_outcome(&self, repo: RepoId, suite: &CheckSuite) -> (&'static str, Option<&'static str>) {
        let runs = self.latest_runs_of_suite(repo, suite.id);
        if runs.is_empty() || suite.rerequested {
            return ("queued", None);
        }
        if runs.iter().any(|run| run.status != "completed") {
            let begun = runs.iter().any(|run| run.status != "queued");
            return (if begun { "in_progress" } else { "queued" }, None);
        }
        let any = |wanted: &&&str| runs.iter().any(|run| run.conclusion.as_deref() == Some(**wanted));
        ("completed", Some(DECISIVE.iter().find(any).copied().unwrap_or("skipped")))
    }

    /// Annotations of a check run, in the order in which they were given.
    pub(crate) fn annotations_of(&self, repo: RepoId, run: u64) -> impl DoubleEndedIterator<Item = &Annotation> {
        self.annotations.range((repo, run, 0)..=(repo, run, u64::MAX)).map(|(_, annotation)| annotation)
    }

    /// Open pull requests of a repository whose own head a commit is.
    pub(crate) fn pulls_at(&self, repo: RepoId, sha: Oid) -> impl Iterator<Item = &Pull> {
        let is_open = move |pull: &&Pull| self.issues.get(&(repo, pull.number)).is_some_and(|issue| issue.open);
        self.pulls_of(repo).filter(move |pull| pull.head_sha == sha && pull.head_repo == repo).filter(is_open)
    }
}
