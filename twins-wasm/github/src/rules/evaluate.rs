//! Whether a merge or a push meets what its branch demands, and the vendor's sentences when it does not.

use pome_twin_kit::Cx;

use super::{APP_ID, RequiredCheck, RequiredReviews, Rules, Source, owners};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::Oid;
use crate::state::{CheckRun, Issue, Permission, Pull, Repo, RepoId, ReviewState, State, fold, heads};

/// How a required check stands on a commit, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Passed,
    Expected,
    Pending,
    Queued,
    InProgress,
    Failing,
}

impl Standing {
    const fn word(self) -> &'static str {
        match self {
            Self::Passed => "successful",
            Self::Expected => "expected",
            Self::Pending => "pending",
            Self::Queued => "queued",
            Self::InProgress => "in progress",
            Self::Failing => "failing",
        }
    }

    fn of_run(run: &CheckRun) -> Self {
        match (run.status.as_str(), run.conclusion.as_deref()) {
            ("completed", Some("success" | "neutral" | "skipped")) => Self::Passed,
            ("completed", _) => Self::Failing,
            ("in_progress", _) => Self::InProgress,
            _ => Self::Queued,
        }
    }

    fn of_status(state: &str) -> Self {
        match state {
            "success" => Self::Passed,
            "pending" => Self::Pending,
            _ => Self::Failing,
        }
    }
}

/// A status and a check run of the same name count both.
fn standing(state: &State, repo: RepoId, sha: Oid, required: &RequiredCheck) -> Standing {
    let runs = state.check_runs_of(repo).filter(|run| run.head_sha == sha && run.name == required.context);
    let run = runs.max_by_key(|run| (run.started_at, run.id)).filter(|_| required.app.is_none_or(|app| app == APP_ID));
    let statuses = state.latest_statuses(repo, sha);
    let status = statuses.get(required.context.as_str()).filter(|_| required.app.is_none());
    let both = [run.map(Standing::of_run), status.map(|status| Standing::of_status(&status.state))];
    both.into_iter().flatten().max().unwrap_or(Standing::Expected)
}

/// `Required status check "x" is expected.` and its plurals.
fn checks_sentence(standings: &[(&str, Standing)]) -> Option<String> {
    let unmet: Vec<&(&str, Standing)> =
        standings.iter().filter(|(_, standing)| *standing != Standing::Passed).collect();
    let of_kind = |kind: Standing| unmet.iter().filter(|(_, standing)| *standing == kind).count();
    let kinds = [Standing::Expected, Standing::Pending, Standing::Queued, Standing::InProgress, Standing::Failing];
    let present: Vec<Standing> = kinds.into_iter().filter(|kind| of_kind(*kind) > 0).collect();
    let (count, total) = (unmet.len(), standings.len());
    match (unmet.as_slice(), present.as_slice()) {
        ([], _) => None,
        ([(name, kind)], _) => Some(format!("Required status check \"{name}\" is {}.", kind.word())),
        (_, [kind]) => Some(format!("{count} of {total} required status checks are {}.", kind.word())),
        (_, several) => {
            let parts: Vec<String> = several.iter().map(|kind| format!("{} {}", of_kind(*kind), kind.word())).collect();
            let parts = match parts.split_last() {
                Some((last, before)) => format!("{} and {last}", before.join(", ")),
                None => String::new(),
            };
            Some(format!("{count} of {total} required status checks have not succeeded: {parts}."))
        }
    }
}

const NOT_AUTHORIZED: &str = "You're not authorized to push to this branch. Visit https://docs.github.com/repositories/\
    configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches for more \
    information.";

/// Several sentences of one source as one message.
fn compose(unmet: &[(Source, String)]) -> Option<(Source, String)> {
    let of = |wanted: Source| -> Vec<&str> {
        unmet.iter().filter(|(source, _)| *source == wanted).map(|(_, text)| text.as_str()).collect()
    };
    let (classic, mut rulesets) = (of(Source::Classic), of(Source::Ruleset));
    if !classic.is_empty() {
        return Some((Source::Classic, classic.join(" ")));
    }
    rulesets.dedup();
    if rulesets.is_empty() {
        return None;
    }
    let lines: String = rulesets.iter().map(|text| format!("{text}\n\n")).collect();
    Some((Source::Ruleset, format!("Repository rule violations found\n\n{lines}")))
}

/// A pull request that somebody wants to merge.
pub(crate) struct Merging<'a> {
    pub(crate) state: &'a State,
    pub(crate) repo: &'a Repo,
    pub(crate) issue: &'a Issue,
    pub(crate) pull: &'a Pull,
    /// The base branch's head.
    pub(crate) base: Oid,
}

impl Merging<'_> {
    /// Whether the head lacks commits of the base.
    pub(crate) fn is_behind(&self) -> Result<bool, Error> {
        Ok(!self.state.git.objects.is_ancestor(self.base, self.pull.head_sha)?)
    }

    /// What stands in the way of a merge, for the caller. `method` is `merge`, `squash` or `rebase`.
    pub(crate) fn refusal(&self, login: &str, method: &str) -> Result<Option<String>, Error> {
        let demands = self.state.demands_of(self.repo, &heads(&self.pull.base_ref), login, true);
        let behind = self.is_behind()?;
        let mut unmet = Vec::new();
        for (source, rules) in &demands {
            if rules.locked {
                unmet.push((*source, locked(*source)));
            }
            if rules.pushers.as_ref().is_some_and(|them| !them.names(login)) {
                unmet.push((*source, NOT_AUTHORIZED.to_owned()));
            }
            if method == "merge" && rules.linear {
                unmet.push((*source, NO_MERGES.to_owned()));
            }
            if !rules.methods.is_empty() && !rules.methods.iter().any(|allowed| allowed == method) {
                unmet.push((*source, format!("This branch does not allow {method} as a way to merge.")));
            }
            unmet.extend(self.unmet(rules, behind)?.into_iter().map(|text| (*source, text)));
        }
        Ok(compose(&unmet).map(|(_, text)| text))
    }

    /// `blocked` or `behind` when the base branch demands something that is not met, whoever looks.
    pub(crate) fn state_word(&self) -> Result<Option<&'static str>, Error> {
        let demands = self.state.demands(self.repo, &heads(&self.pull.base_ref));
        for (_, rules) in &demands {
            if rules.locked || !self.unmet(rules, false)?.is_empty() {
                return Ok(Some("blocked"));
            }
        }
        let strict = demands.iter().any(|(_, rules)| rules.checks.as_ref().is_some_and(|checks| checks.strict));
        Ok(if strict && self.is_behind()? { Some("behind") } else { None })
    }

    fn unmet(&self, rules: &Rules, behind: bool) -> Result<Vec<String>, Error> {
        let Self { state, repo, pull, .. } = *self;
        let mut unmet = Vec::new();
        if let Some(required) = &rules.checks {
            // On a branch that must be up to date and is not, no check is more than expected.
            let stale = required.strict && behind;
            let standings: Vec<(&str, Standing)> = required
                .checks
                .iter()
                .map(|check| {
                    let now = if stale { Standing::Expected } else { standing(state, repo.id, pull.head_sha, check) };
                    (check.context.as_str(), now)
                })
                .collect();
            unmet.extend(checks_sentence(&standings));
        }
        if let Some(reviews) = &rules.reviews {
            unmet.extend(self.reviews(reviews)?);
        }
        if rules.conversations && self.has_open_conversation() {
            unmet.push("A conversation must be resolved before this pull request can be merged.".to_owned());
        }
        if rules.signatures {
            // Commits of this world are not signed.
            unmet.push("Commits must have verified signatures.".to_owned());
        }
        Ok(unmet)
    }

    /// The last decisive review of everybody who may push, the author aside: `(login, approved)`.
    fn opinions(&self) -> Vec<(String, bool)> {
        let key = (self.repo.id, self.pull.number);
        let mut opinions: Vec<(String, bool)> = Vec::new();
        for review in self.state.reviews_on(key) {
            let approved = match review.state {
                ReviewState::Approved => Some(true),
                ReviewState::ChangesRequested => Some(false),
                ReviewState::Dismissed => None,
                ReviewState::Pending | ReviewState::Commented => continue,
            };
            let may_push = self.state.permission(self.repo, &review.user) >= Some(Permission::Write);
            if !may_push || fold(&review.user) == fold(&self.issue.user) {
                continue;
            }
            // A dismissed review leaves what its author said before or after it.
            if let Some(approved) = approved {
                opinions.retain(|(login, _)| *login != fold(&review.user));
                opinions.push((fold(&review.user), approved));
            }
        }
        opinions
    }

    fn reviews(&self, required: &RequiredReviews) -> Result<Vec<String>, Error> {
        let opinions = self.opinions();
        let pusher = if required.last_push { self.last_pusher()? } else { None };
        let counts = |login: &str| pusher.as_deref() != Some(login);
        let approving: Vec<&str> =
            opinions.iter().filter(|(_, approved)| *approved).map(|(login, _)| login.as_str()).collect();
        let mut unmet = Vec::new();
        let objecting = opinions.len() - approving.len();
        if objecting > 0 {
            let reviews = if objecting == 1 { "review" } else { "reviews" };
            unmet.push(format!("{objecting} {reviews} requesting changes by reviewers with write access."));
        }
        let enough = u64::try_from(approving.len()).unwrap_or(u64::MAX) >= required.approvals;
        if !enough {
            unmet.push(match required.approvals {
                1 => "At least 1 approving review is required by reviewers with write access.".to_owned(),
                many => format!("At least {many} approving reviews are required by reviewers with write access."),
            });
        } else if required.last_push && required.approvals > 0 && !approving.iter().any(|login| counts(login)) {
            unmet.push("New changes require approval from someone other than the last pusher.".to_owned());
        }
        if required.code_owners {
            let tree = self.state.git.objects.commit(self.base)?.tree;
            let changes = self.state.git.objects.changes_between(self.base, self.pull.head_sha)?;
            let paths = changes.iter().map(|change| change.path.as_str());
            for owners in owners::owners_of(&self.state.git.objects, tree, paths) {
                let own = |login: &String| fold(login) == fold(&self.issue.user);
                let approved = owners.iter().any(|owner| approving.contains(&fold(owner).as_str()));
                if !approved && !owners.iter().any(own) {
                    unmet.push(format!("Waiting on code owner review from {}.", owners.join(" and/or ")));
                }
            }
        }
        Ok(unmet)
    }

    /// Who recorded the newest commit of the head.
    fn last_pusher(&self) -> Result<Option<String>, Error> {
        let commit = self.state.git.objects.commit(self.pull.head_sha)?;
        let email = &commit.committer.email;
        Ok(self
            .state
            .users
            .values()
            .find(|user| user.commit_email().as_bytes() == email.as_bytes())
            .map(|user| fold(&user.login)))
    }

    fn has_open_conversation(&self) -> bool {
        let comments = self.state.review_comments_on((self.repo.id, self.pull.number));
        comments
            .filter(|comment| comment.in_reply_to.is_none() && self.state.is_published(comment))
            .any(|comment| comment.resolved_by.is_none())
    }
}

const NO_MERGES: &str = "This branch must not contain merge commits.";

fn locked(source: Source) -> String {
    match source {
        Source::Classic => "Cannot change this locked branch".to_owned(),
        Source::Ruleset => "Cannot update this protected ref.".to_owned(),
    }
}

/// What is about to happen to a ref.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Push {
    Create,
    Move { old: Oid, new: Oid },
    Delete,
}

/// Says no to a change of a ref, given in full, that its protection does not allow.
pub(crate) fn push_refusal(cx: &Cx<'_, GitHub>, repo: RepoId, name: &str, push: Push) -> Option<(Source, String)> {
    let repo = cx.state.repos.get(&repo)?;
    let login = cx.actor();
    let mut unmet = Vec::new();
    for (source, rules) in cx.state.demands_of(repo, name, login, false) {
        let mut say = |text: &str| unmet.push((source, text.to_owned()));
        if let Push::Delete = push {
            if rules.no_deletion {
                say("Cannot delete this branch");
            }
            continue;
        }
        if let Push::Create = push {
            if rules.no_creation && rules.pushers.as_ref().is_none_or(|them| !them.names(login)) {
                say("Cannot create ref due to creations being restricted.");
            }
            continue;
        }
        if rules.locked {
            say(&locked(source));
        }
        if rules.pushers.as_ref().is_some_and(|them| !them.names(login)) {
            say(NOT_AUTHORIZED);
        }
        let Push::Move { old, new } = push else { continue };
        let objects = cx.objects();
        if rules.no_force && !objects.is_ancestor(old, new).unwrap_or(false) {
            say("Cannot force-push to this branch");
        }
        if rules.reviews.is_some() {
            say("Changes must be made through a pull request.");
        }
        if let Some(required) = &rules.checks {
            let standings: Vec<(&str, Standing)> = required
                .checks
                .iter()
                .map(|check| (check.context.as_str(), standing(cx.state, repo.id, new, check)))
                .collect();
            if let Some(text) = checks_sentence(&standings) {
                say(&text);
            }
        }
        let added = || objects.compare(old, new).map(|compared| compared.commits).unwrap_or_default();
        if rules.linear && added().iter().any(|oid| objects.commit(*oid).is_ok_and(|commit| commit.parents.len() > 1)) {
            say(NO_MERGES);
        }
        if rules.signatures && !added().is_empty() {
            say("Commits must have verified signatures.");
        }
    }
    compose(&unmet)
}

/// Refuses a push through the git routes: 422 with the sentences alone.
pub(crate) fn guard(cx: &Cx<'_, GitHub>, repo: RepoId, name: &str, push: Push) -> Result<(), Error> {
    match push_refusal(cx, repo, name, push) {
        None => Ok(()),
        Some((_, text)) => Err(Error::unprocessable(text)),
    }
}

/// Refuses a push through the contents routes: 409; `what` is `create`, `update` or `delete`.
pub(crate) fn guard_file(cx: &Cx<'_, GitHub>, repo: RepoId, name: &str, push: Push, what: &str) -> Result<(), Error> {
    match push_refusal(cx, repo, name, push) {
        None => Ok(()),
        Some((Source::Classic, text)) => Err(Error::conflict(format!("Could not {what} file: {text}"))),
        Some((Source::Ruleset, text)) => Err(Error::conflict(text)),
    }
}
