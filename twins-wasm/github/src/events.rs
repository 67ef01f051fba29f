//! What happened to issues and pull requests, in the vendor's words.
//!
//! Actions change the state and say nothing here. After an action that succeeded, [`record`] compares the rows that it wrote
//! with what they were and appends the events that follow, so every door records the same.

use pome_twin_kit::Cx;
use pome_twin_kit::clock::Time;

use crate::GitHub;
use crate::access::Access;
use crate::git::Oid;
use crate::mentions::{References, logins};
use crate::state::{Issue, Numbered, Pull, RepoId, ReviewState, State, fold};

/// At most so many commits of one push are read for references, as the vendor lists.
const COMMITS_READ: usize = 250;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) repo: RepoId,
    pub(crate) number: u64,
    pub(crate) actor: String,
    pub(crate) at: Time,
    pub(crate) what: What,
}

/// The vendor's event types, with what belongs to each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Labeled {
        name: String,
        color: String,
    },
    Unlabeled {
        name: String,
        color: String,
    },
    Assigned(String),
    Unassigned(String),
    Milestoned(String),
    Demilestoned(String),
    Renamed {
        from: String,
        to: String,
    },
    Closed {
        reason: Option<String>,
    },
    Reopened {
        reason: Option<String>,
    },
    Locked {
        reason: Option<String>,
    },
    Unlocked,
    Merged(Option<Oid>),
    HeadRefDeleted,
    HeadRefRestored,
    HeadRefForcePushed(Oid),
    BaseRefChanged,
    ReviewRequested(String),
    ReviewRequestRemoved(String),
    ReviewDismissed {
        review: u64,
        state: &'static str,
        message: Option<String>,
        commit: Option<Oid>,
    },
    ReadyForReview,
    ConvertToDraft,
    /// A commit names the issue.
    Referenced(Oid),
    /// Another issue or pull request names it.
    CrossReferenced(Numbered),
    Mentioned,
    Subscribed,
    CommentDeleted,
    SubIssueAdded(Numbered),
    SubIssueRemoved(Numbered),
    ParentAdded(Numbered),
    ParentRemoved(Numbered),
    BlockedByAdded(Numbered),
    BlockedByRemoved(Numbered),
    BlockingAdded(Numbered),
    BlockingRemoved(Numbered),
}

impl What {
    /// The vendor's word.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Labeled { .. } => "labeled",
            Self::Unlabeled { .. } => "unlabeled",
            Self::Assigned(_) => "assigned",
            Self::Unassigned(_) => "unassigned",
            Self::Milestoned(_) => "milestoned",
            Self::Demilestoned(_) => "demilestoned",
            Self::Renamed { .. } => "renamed",
            Self::Closed { .. } => "closed",
            Self::Reopened { .. } => "reopened",
            Self::Locked { .. } => "locked",
            Self::Unlocked => "unlocked",
            Self::Merged(_) => "merged",
            Self::HeadRefDeleted => "head_ref_deleted",
            Self::HeadRefRestored => "head_ref_restored",
            Self::HeadRefForcePushed(_) => "head_ref_force_pushed",
            Self::BaseRefChanged => "base_ref_changed",
            Self::ReviewRequested(_) => "review_requested",
            Self::ReviewRequestRemoved(_) => "review_request_removed",
            Self::ReviewDismissed { .. } => "review_dismissed",
            Self::ReadyForReview => "ready_for_review",
            Self::ConvertToDraft => "convert_to_draft",
            Self::Referenced(_) => "referenced",
            Self::CrossReferenced(_) => "cross-referenced",
            Self::Mentioned => "mentioned",
            Self::Subscribed => "subscribed",
            Self::CommentDeleted => "comment_deleted",
            Self::SubIssueAdded(_) => "sub_issue_added",
            Self::SubIssueRemoved(_) => "sub_issue_removed",
            Self::ParentAdded(_) => "parent_issue_added",
            Self::ParentRemoved(_) => "parent_issue_removed",
            Self::BlockedByAdded(_) => "blocked_by_added",
            Self::BlockedByRemoved(_) => "blocked_by_removed",
            Self::BlockingAdded(_) => "blocking_added",
            Self::BlockingRemoved(_) => "blocking_removed",
        }
    }

    /// The commit that the event is about.
    pub(crate) const fn commit(&self) -> Option<Oid> {
        match self {
            Self::Merged(commit) => *commit,
            Self::HeadRefForcePushed(commit) | Self::Referenced(commit) => Some(*commit),
            _ => None,
        }
    }
}

impl State {
    /// Events of an issue, oldest first.
    pub(crate) fn events_on(&self, key: Numbered) -> impl DoubleEndedIterator<Item = &Event> {
        let (repo, number) = key;
        self.events_of
            .range((repo, number, 0)..=(repo, number, u64::MAX))
            .filter_map(move |((_, _, id), ())| self.events.get(&(repo, *id)))
    }

    /// Appends an event.
    pub(crate) fn happened(&mut self, key: Numbered, actor: &str, at: Time, what: What) {
        let id = self.next_event.next();
        let (repo, number) = key;
        self.events.insert((repo, id), Event { id, repo, number, actor: actor.to_owned(), at, what });
        self.events_of.insert((repo, number, id), ());
    }
}

/// What is about to be appended: on what, by whom.
type Found = (Numbered, String, What);

/// Appends the events that follow from what an action has changed.
pub(crate) fn record(cx: &mut Cx<'_, GitHub>) {
    let (state, actor, now) = (&*cx.state, cx.actor().to_owned(), cx.now());
    let mut found: Vec<Found> = Vec::new();
    for (key, before, after) in state.issues.pending() {
        let Some(after) = after else { continue };
        let pull = state.pulls.pending().find(|(of, ..)| *of == key).map(|(_, before, after)| (before, after));
        issue_events(state, *key, before, after, pull, &actor, &mut found);
    }
    ref_events(state, &actor, &mut found);
    review_events(state, &actor, &mut found);
    relation_events(state, &actor, &mut found);
    reference_events(state, &actor, &mut found);
    for (key, actor, what) in found {
        cx.state.happened(key, &actor, now, what);
    }
}

/// What one issue, or pull request, went through.
fn issue_events(
    state: &State,
    key: Numbered,
    before: Option<&Issue>,
    after: &Issue,
    pull: Option<(Option<&Pull>, Option<&Pull>)>,
    actor: &str,
    found: &mut Vec<Found>,
) {
    let mut say = |what: What| found.push((key, actor.to_owned(), what));
    if let Some(before) = before
        && before.title != after.title
    {
        say(What::Renamed { from: before.title.clone(), to: after.title.clone() });
    }
    let none = Vec::new();
    let old = before.map_or(&none, |issue| &issue.labels);
    // A label that is deleted or renamed takes its issues along without a word.
    let relabelled = state.labels.pending().any(|((repo, _), before, _)| *repo == key.0 && before.is_some());
    if !relabelled {
        let color =
            |name: &str| state.label(key.0, name).map_or_else(|| "ededed".to_owned(), |label| label.color.clone());
        for name in after.labels.iter().filter(|name| !old.contains(name)) {
            say(What::Labeled { name: name.clone(), color: color(name) });
        }
        for name in old.iter().filter(|name| !after.labels.contains(name)) {
            say(What::Unlabeled { name: name.clone(), color: color(name) });
        }
    }
    let old = before.map_or(&none, |issue| &issue.assignees);
    for login in after.assignees.iter().filter(|login| !old.contains(login)) {
        say(What::Assigned(login.clone()));
    }
    for login in old.iter().filter(|login| !after.assignees.contains(login)) {
        say(What::Unassigned(login.clone()));
    }
    let old = before.and_then(|issue| issue.milestone);
    if old != after.milestone {
        if let Some(title) = old.and_then(|number| milestone_title(state, (key.0, number))) {
            say(What::Demilestoned(title));
        }
        if let Some(title) = after.milestone.and_then(|number| milestone_title(state, (key.0, number))) {
            say(What::Milestoned(title));
        }
    }
    if let Some((before, Some(after))) = pull {
        pull_events(before, after, &mut say);
    }
    let Some(before) = before else { return };
    if before.open && !after.open {
        say(What::Closed { reason: after.state_reason.clone() });
    } else if !before.open && after.open {
        say(What::Reopened { reason: after.state_reason.clone() });
    }
    if before.locked != after.locked {
        say(if after.locked { What::Locked { reason: after.lock_reason.clone() } } else { What::Unlocked });
    }
}

/// The title of a milestone, also of one that has just been deleted.
fn milestone_title(state: &State, key: Numbered) -> Option<String> {
    let gone = || state.milestones.pending().find(|(of, ..)| **of == key).and_then(|(_, before, _)| before);
    state.milestones.get(&key).or_else(gone).map(|milestone| milestone.title.clone())
}

/// What a pull request has beside its issue side.
fn pull_events(before: Option<&Pull>, after: &Pull, say: &mut impl FnMut(What)) {
    let asked: &[String] = before.map_or(&[], |pull| &pull.requested_reviewers);
    for login in after.requested_reviewers.iter().filter(|login| !asked.contains(login)) {
        say(What::ReviewRequested(login.clone()));
    }
    let Some(before) = before else { return };
    if before.base_ref != after.base_ref {
        say(What::BaseRefChanged);
    }
    if before.draft && !after.draft {
        say(What::ReadyForReview);
    } else if !before.draft && after.draft {
        say(What::ConvertToDraft);
    }
    if !before.merged && after.merged {
        say(What::Merged(after.merge_commit_sha));
    }
}

/// What happened to the branches that pull requests come from.
fn ref_events(state: &State, actor: &str, found: &mut Vec<Found>) {
    let objects = &state.git.objects;
    for ((repo, name), before, after) in state.refs.pending() {
        let Some(branch) = name.strip_prefix("refs/heads/") else { continue };
        let from_here = |pull: &&Pull| pull.head_repo == *repo && pull.head_ref == branch;
        let of_branch = state.pulls.iter().filter(|(_, pull)| from_here(pull));
        match (before, after) {
            (Some(_), None) => {
                for (key, _) in of_branch {
                    found.push((*key, actor.to_owned(), What::HeadRefDeleted));
                }
            }
            (None, Some(now)) => {
                // A branch that comes back at the commit where its pull request was left.
                for (key, pull) in of_branch.filter(|(_, pull)| pull.head_sha == now.oid) {
                    let last = state
                        .events_on(*key)
                        .rfind(|event| matches!(event.what, What::HeadRefDeleted | What::HeadRefRestored));
                    if !pull.merged && last.is_some_and(|event| event.what == What::HeadRefDeleted) {
                        found.push((*key, actor.to_owned(), What::HeadRefRestored));
                    }
                }
            }
            (Some(old), Some(now)) if !objects.is_ancestor(old.oid, now.oid).unwrap_or(true) => {
                let is_open = |key: &Numbered| state.issues.get(key).is_some_and(|issue| issue.open);
                for (key, _) in of_branch.filter(|(key, _)| is_open(key)) {
                    found.push((*key, actor.to_owned(), What::HeadRefForcePushed(now.oid)));
                }
            }
            _ => {}
        }
    }
}

/// Requests that were taken back, and reviews that were dismissed.
fn review_events(state: &State, actor: &str, found: &mut Vec<Found>) {
    let given = |key: Numbered, login: &str| {
        let of = |(of, before, after): (
            &(RepoId, u64, u64),
            Option<&crate::state::Review>,
            Option<&crate::state::Review>,
        )| {
            let submitted = before.is_none_or(|review| review.submitted_at.is_none());
            (of.0, of.1) == key
                && submitted
                && after.is_some_and(|review| review.submitted_at.is_some() && fold(&review.user) == fold(login))
        };
        state.reviews.pending().any(of)
    };
    for (key, before, after) in state.pulls.pending() {
        let (Some(before), Some(after)) = (before, after) else { continue };
        let gone = before.requested_reviewers.iter().filter(|login| !after.requested_reviewers.contains(login));
        // Who gives a review is not asked any more, which is no event of its own.
        for login in gone.filter(|login| !given(*key, login)) {
            found.push((*key, actor.to_owned(), What::ReviewRequestRemoved(login.clone())));
        }
    }
    for ((repo, number, id), before, after) in state.reviews.pending() {
        let (Some(before), Some(after)) = (before, after) else { continue };
        if after.state != ReviewState::Dismissed || before.state == ReviewState::Dismissed {
            continue;
        }
        let key = (*repo, *number);
        let message = state.dismissals.get(id).cloned();
        // A review that a push made stale names the commit that was pushed.
        let commit = message.is_none().then(|| state.pulls.get(&key).map(|pull| pull.head_sha)).flatten();
        let was = if before.state == ReviewState::Approved { "approved" } else { "changes_requested" };
        found.push((key, actor.to_owned(), What::ReviewDismissed { review: *id, state: was, message, commit }));
    }
}

/// Issues that were tied together or apart.
fn relation_events(state: &State, actor: &str, found: &mut Vec<Found>) {
    let none = Vec::new();
    let mut say = |key: Numbered, what: What| found.push((key, actor.to_owned(), what));
    for (parent, before, after) in state.children.pending() {
        let (before, after) = (before.unwrap_or(&none), after.unwrap_or(&none));
        for child in after.iter().filter(|child| !before.contains(child)) {
            say(*parent, What::SubIssueAdded(*child));
            say(*child, What::ParentAdded(*parent));
        }
        for child in before.iter().filter(|child| !after.contains(child)) {
            say(*parent, What::SubIssueRemoved(*child));
            say(*child, What::ParentRemoved(*parent));
        }
    }
    for (blocked, before, after) in state.blocked_by.pending() {
        let (before, after) = (before.unwrap_or(&none), after.unwrap_or(&none));
        for blocker in after.iter().filter(|blocker| !before.contains(blocker)) {
            say(*blocked, What::BlockedByAdded(*blocker));
            say(*blocker, What::BlockingAdded(*blocked));
        }
        for blocker in before.iter().filter(|blocker| !after.contains(blocker)) {
            say(*blocked, What::BlockedByRemoved(*blocker));
            say(*blocker, What::BlockingRemoved(*blocked));
        }
    }
}

/// Texts that name issues and people: descriptions, comments and commits.
fn reference_events(state: &State, actor: &str, found: &mut Vec<Found>) {
    let mut texts: Vec<(Numbered, &str, &str)> = Vec::new();
    for (key, before, after) in state.issues.pending() {
        let old = before.and_then(|issue| issue.body.as_deref()).unwrap_or_default();
        if let Some(new) = after.and_then(|issue| issue.body.as_deref())
            && new != old
        {
            texts.push((*key, old, new));
        }
    }
    for (_, before, after) in state.comments.pending() {
        match (before, after) {
            (old, Some(new)) => {
                let old = old.map_or("", |comment| comment.body.as_str());
                if old != new.body {
                    texts.push(((new.repo, new.number), old, &new.body));
                }
            }
            (Some(gone), None) => {
                found.push(((gone.repo, gone.number), actor.to_owned(), What::CommentDeleted));
            }
            (None, None) => {}
        }
    }
    for (source, old, new) in texts {
        for login in logins(new) {
            let Some(user) = state.user(login).filter(|user| fold(&user.login) != fold(actor)) else { continue };
            let may_read = state.repos.get(&source.0).is_some_and(|repo| state.permission(repo, login).is_some());
            if may_read && !logins(old).contains(&login) {
                found.push((source, user.login.clone(), What::Mentioned));
                found.push((source, user.login.clone(), What::Subscribed));
            }
        }
        for target in (References { state, home: source.0 }).of(new) {
            let known = state.events_on(target).any(|event| event.what == What::CrossReferenced(source));
            let repeated = found.iter().any(|(key, _, what)| *key == target && *what == What::CrossReferenced(source));
            if target != source && !known && !repeated {
                found.push((target, actor.to_owned(), What::CrossReferenced(source)));
            }
        }
    }
    commit_references(state, actor, found);
}

/// Commits that were pushed and name issues of their repository.
fn commit_references(state: &State, actor: &str, found: &mut Vec<Found>) {
    let objects = &state.git.objects;
    for ((repo, name), before, after) in state.refs.pending() {
        let (Some(after), true) = (after, name.starts_with("refs/heads/")) else { continue };
        let default = state.repos.get(repo).and_then(|repo| state.head(repo));
        let Some(old) = before.map(|old| old.oid).or(default) else { continue };
        let added = objects.compare(old, after.oid).map(|compared| compared.commits).unwrap_or_default();
        for oid in added.into_iter().rev().take(COMMITS_READ) {
            let Ok(commit) = objects.commit(oid) else { continue };
            for target in (References { state, home: *repo }).of(&commit.message) {
                let what = What::Referenced(oid);
                // A pull request is not told of the commit that merges it.
                let own = state.pulls.get(&target).is_some_and(|pull| pull.merge_commit_sha == Some(oid));
                let known = state.events_on(target).any(|event| event.what == what);
                let repeated = found.iter().any(|(key, _, said)| *key == target && *said == what);
                if target.0 == *repo && !own && !known && !repeated {
                    found.push((target, actor.to_owned(), what));
                }
            }
        }
    }
}
