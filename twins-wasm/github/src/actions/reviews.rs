//! Reviews: pending, submitted, dismissed.

use pome_twin_kit::clock::Time;
use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::notifications::{self, Reason};
use super::pulls::{Target, change_pull};
use super::review_comments::{Draft, resolve};
use super::{Page, paging, review_comments};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::Oid;
use crate::state::{Numbered, Permission, Review, ReviewState, State, fold};
use crate::views::Site;
use crate::views::review_comments::ReviewCommentView;
use crate::views::reviews::{ReviewView, ToolReview};

/// Repository, number and review.
type Key = (u64, u64, u64);

/// The row of a review in the trace.
fn row(state: &State, key: Key) -> Option<Value> {
    let (repo, review) = (state.repos.get(&key.0)?, state.reviews.get(&key)?);
    Some(json!({
        "repo": repo.full_name(), "pull_number": key.1, "id": review.id, "user_login": review.user,
        "state": review.state.name(), "body": review.body, "commit_sha": review.commit,
        "submitted_at": review.submitted_at.map(Time::to_seconds),
    }))
}

/// One review.
pub(crate) enum Shown {
    Stored(Key),
    /// It was deleted by this call.
    Gone {
        repo: u64,
        number: u64,
        review: Review,
    },
}

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        let (repo, number, review) = match self {
            Self::Stored(key) => (key.0, key.1, site.state.reviews.get(key)),
            Self::Gone { repo, number, review } => (*repo, *number, Some(review)),
        };
        if let (Some(repo), Some(review)) = (site.state.repos.get(&repo), review) {
            reply.write_json(&ReviewView { site, repo, number, review });
        }
    }
}

/// Whether the caller sees a review: a pending one is its author's own.
fn is_visible(cx: &Cx<'_, GitHub>, review: &Review) -> bool {
    review.state != ReviewState::Pending || fold(&review.user) == fold(cx.actor())
}

/// The review, if the caller sees it.
fn find(cx: &Cx<'_, GitHub>, target: &Target, id: u64) -> Result<(Key, Review), Error> {
    let key = (target.repo.id, target.pull.number, id);
    let review = cx.state.reviews.get(&key).filter(|review| is_visible(cx, review)).ok_or_else(Error::not_found)?;
    Ok((key, review.clone()))
}

/// The caller's own pending review.
pub(crate) fn pending(cx: &Cx<'_, GitHub>, key: Numbered) -> Option<u64> {
    let actor = fold(cx.actor());
    let mut mine = cx.state.reviews_on(key).filter(|review| fold(&review.user) == actor);
    mine.find(|review| review.state == ReviewState::Pending).map(|review| review.id)
}

/// Reviews in the order of their making.
#[derive(Deserialize)]
pub(crate) struct List {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) pull_number: u64,
    pub(crate) page: Option<i64>,
    pub(crate) per_page: Option<i64>,
}

pub(crate) struct Listed(Page<Key>);

impl Listed {
    fn rows<'a>(&'a self, site: Site<'a>) -> impl Iterator<Item = ReviewView<'a>> + 'a {
        self.0.keys.iter().filter_map(move |key| {
            let (repo, review) = (site.state.repos.get(&key.0)?, site.state.reviews.get(key)?);
            Some(ReviewView { site, repo, number: key.1, review })
        })
    }
}

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        reply.write_json(&self.rows(Site::of(cx)).collect::<Vec<_>>());
        self.0.link(cx, reply);
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        ToolReply::json(&self.rows(Site::of(cx)).map(ToolReview).collect::<Vec<_>>())
    }
}

impl Action<GitHub> for List {
    const NAME: &'static str = "get_pull_request_reviews";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let (id, number) = (repo.id, cx.pull(repo, self.pull_number)?.1.number);
        let mut visible: Vec<&Review> =
            cx.state.reviews_on((id, number)).filter(|review| is_visible(cx, review)).collect();
        // A pending review stands last, whenever it was begun.
        visible.sort_by_key(|review| (review.submitted_at.is_none(), review.submitted_at, review.id));
        let keys = visible.into_iter().map(|review| (id, number, review.id));
        Ok(Listed(Page::of(keys, paging(self.page, self.per_page))))
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    pull_number: u64,
    review_id: u64,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_pull_request_review";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        find(cx, &target, self.review_id).map(|(key, _)| Shown::Stored(key))
    }
}

/// What a submitted review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Event {
    Approve,
    RequestChanges,
    Comment,
}

impl Event {
    const fn state(self) -> ReviewState {
        match self {
            Self::Approve => ReviewState::Approved,
            Self::RequestChanges => ReviewState::ChangesRequested,
            Self::Comment => ReviewState::Commented,
        }
    }
}

/// Whether the caller may say this here.
fn refuse(cx: &Cx<'_, GitHub>, target: &Target, event: Event) -> Result<(), Error> {
    if !target.issue.open {
        return Err(Error::conflict("Pull request is closed"));
    }
    if fold(cx.actor()) == fold(&target.issue.user) {
        match event {
            Event::Approve => return Err(Error::entity("Can not approve your own pull request")),
            Event::RequestChanges => return Err(Error::entity("Can not request changes on your own pull request")),
            Event::Comment => {}
        }
    }
    Ok(())
}

/// The commit that a review or comment is about: the head, or one of the pull request's commits.
pub(crate) fn reviewed(cx: &Cx<'_, GitHub>, target: &Target, sha: Option<&str>, what: &str) -> Result<Oid, Error> {
    let Some(sha) = sha.filter(|sha| !sha.is_empty()) else { return Ok(target.pull.head_sha) };
    let oid = Oid::parse(sha).filter(|oid| *oid == target.pull.head_sha);
    let oid = match oid {
        Some(oid) => Some(oid),
        None => target.commits(cx)?.into_iter().find(|oid| oid.hex() == sha.to_ascii_lowercase()),
    };
    oid.ok_or_else(|| Error::field(what, "commit_id", "invalid"))
}

/// A review that has been given takes its author off the list of those who were asked.
fn submitted(cx: &mut Cx<'_, GitHub>, key: Numbered) {
    let actor = fold(cx.actor());
    change_pull(cx, key, |pull| pull.requested_reviewers.retain(|login| fold(login) != actor));
    let accounts = &mut cx.state.accounts;
    let done: Vec<u64> =
        accounts.asked(key.0, key.1).map(|team| team.id).filter(|team| accounts.in_team(*team, &actor)).collect();
    for team in done {
        accounts.requested_teams.remove(&(key.0, key.1, team));
    }
}

/// Begins a review; with an event it is given at once.
#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    pull_number: u64,
    body: Option<String>,
    event: Option<Event>,
    commit_id: Option<String>,
    #[serde(default)]
    comments: Vec<Draft>,
}

#[derive(Deserialize)]
pub(crate) struct CreateArguments {
    owner: String,
    repo: String,
    /// One of the two spellings; the tool's check has seen to it that one is there.
    #[serde(rename = "pullNumber")]
    pull: Option<u64>,
    pull_number: Option<u64>,
    event: Event,
    body: Option<String>,
}

impl From<CreateArguments> for Create {
    fn from(given: CreateArguments) -> Self {
        let CreateArguments { owner, repo, pull, pull_number, event, body } = given;
        let pull_number = pull.or(pull_number).unwrap_or_default();
        Self { owner, repo, pull_number, body, event: Some(event), commit_id: None, comments: Vec::new() }
    }
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_pull_request_review";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        if pending(cx, target.key()).is_some() {
            return Err(Error::entity("User can only have one pending review per pull request"));
        }
        if let Some(event) = self.event {
            refuse(cx, &target, event)?;
        }
        let commit = reviewed(cx, &target, self.commit_id.as_deref(), "PullRequestReview")?;
        let user = cx.actor().to_owned();
        cx.state.ensure_user(&user, cx.now());
        let (repo, number) = target.key();
        let id = cx.state.next_review.next();
        let review = Review {
            id,
            user,
            state: self.event.map_or(ReviewState::Pending, Event::state),
            body: self.body.unwrap_or_default(),
            commit,
            submitted_at: self.event.map(|_| cx.now()),
        };
        cx.state.reviews.insert((repo, number, id), review);
        for draft in self.comments {
            review_comments::place(cx, &target, draft, commit, Some(id))?;
        }
        if self.event.is_some() {
            submitted(cx, target.key());
            notifications::tell(cx, target.key(), &target.issue.user, Reason::Author);
        }
        let key = (repo, number, id);
        let after = row(cx.state, key);
        cx.changed(None, after);
        Ok(Shown::Stored(key))
    }
}

/// Changes what a review says.
#[derive(Deserialize)]
pub(crate) struct Update {
    owner: String,
    repo: String,
    pull_number: u64,
    review_id: u64,
    body: String,
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_pull_request_review";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        let (key, review) = find(cx, &target, self.review_id)?;
        own_or(cx, &target, &review.user, Permission::Write)?;
        let body = self.body;
        change(cx, key, |review| review.body = body);
        Ok(Shown::Stored(key))
    }
}

/// The caller wrote it, or may do at least this in the repository.
pub(crate) fn own_or(cx: &Cx<'_, GitHub>, target: &Target, user: &str, needed: Permission) -> Result<(), Error> {
    let needed = if fold(cx.actor()) == fold(user) { Permission::Read } else { needed };
    cx.repo_to_write(&target.repo.owner, &target.repo.name, needed).map(|_| ())
}

/// Changes a review and tells the trace.
fn change(cx: &mut Cx<'_, GitHub>, key: Key, how: impl FnOnce(&mut Review)) {
    let before = row(cx.state, key);
    if let Some(review) = cx.state.reviews.get_mut(&key) {
        how(review);
    }
    cx.state.touch((key.0, key.1), cx.now());
    let after = row(cx.state, key);
    cx.changed(before, after);
}

/// Throws a pending review away, with its comments.
#[derive(Deserialize)]
pub(crate) struct Delete {
    owner: String,
    repo: String,
    pull_number: u64,
    review_id: u64,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_pending_pull_request_review";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        let (key, review) = find(cx, &target, self.review_id)?;
        if review.state != ReviewState::Pending {
            return Err(Error::entity("Can not delete a non-pending pull request review"));
        }
        discard(cx, key);
        Ok(Shown::Gone { repo: key.0, number: key.1, review })
    }
}

fn discard(cx: &mut Cx<'_, GitHub>, key: Key) {
    let before = row(cx.state, key);
    let comments: Vec<u64> = cx
        .state
        .review_comments_on((key.0, key.1))
        .filter(|comment| comment.review == Some(key.2))
        .map(|comment| comment.id)
        .collect();
    for id in comments {
        review_comments::remove(cx.state, id);
    }
    cx.state.reviews.remove(&key);
    cx.changed(before, None);
}

/// Gives a pending review.
#[derive(Deserialize)]
pub(crate) struct Submit {
    owner: String,
    repo: String,
    pull_number: u64,
    review_id: u64,
    event: Event,
    body: Option<String>,
}

impl Action<GitHub> for Submit {
    const NAME: &'static str = "submit_pull_request_review";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        let (key, review) = find(cx, &target, self.review_id)?;
        if review.state != ReviewState::Pending {
            return Err(Error::entity("Can not submit a review that is not pending"));
        }
        give(cx, &target, key, self.event, self.body)?;
        Ok(Shown::Stored(key))
    }
}

fn give(cx: &mut Cx<'_, GitHub>, target: &Target, key: Key, event: Event, body: Option<String>) -> Result<(), Error> {
    refuse(cx, target, event)?;
    let now = cx.now();
    change(cx, key, |review| {
        review.state = event.state();
        review.submitted_at = Some(now);
        if let Some(body) = body {
            review.body = body;
        }
    });
    submitted(cx, target.key());
    Ok(())
}

#[derive(Deserialize)]
enum Dismissal {
    #[serde(rename = "DISMISS")]
    Dismiss,
}

/// Makes an approval or a request for changes count no longer.
#[derive(Deserialize)]
pub(crate) struct Dismiss {
    owner: String,
    repo: String,
    pull_number: u64,
    review_id: u64,
    /// May be said, and changes nothing.
    #[serde(rename = "event")]
    _event: Option<Dismissal>,
    message: String,
}

impl Action<GitHub> for Dismiss {
    const NAME: &'static str = "dismiss_pull_request_review";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?;
        let (key, review) = find(cx, &target, self.review_id)?;
        if self.message.trim().is_empty() {
            return Err(Error::field("PullRequestReview", "message", "missing_field"));
        }
        match review.state {
            ReviewState::Approved | ReviewState::ChangesRequested => {}
            ReviewState::Pending => return Err(Error::entity("Can not dismiss a pending pull request review")),
            ReviewState::Commented => return Err(Error::entity("Can not dismiss a commented pull request review")),
            ReviewState::Dismissed => return Err(Error::entity("Can not dismiss a dismissed pull request review")),
        }
        change(cx, key, |review| review.state = ReviewState::Dismissed);
        cx.state.dismissals.insert(key.2, self.message);
        Ok(Shown::Stored(key))
    }
}

/// The comments of one review.
#[derive(Deserialize)]
pub(crate) struct Comments {
    owner: String,
    repo: String,
    pull_number: u64,
    review_id: u64,
    page: Option<i64>,
    per_page: Option<i64>,
}

pub(crate) struct CommentsShown(Page<u64>);

impl View<GitHub> for CommentsShown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, id| {
            let comment = site.state.review_comments.get(id)?;
            Some(ReviewCommentView { site, repo: site.state.repos.get(&comment.repo)?, comment })
        });
    }
}

impl Action<GitHub> for Comments {
    const NAME: &'static str = "list_comments_for_review";
    type Output = CommentsShown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<CommentsShown, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        let (key, _) = find(cx, &target, self.review_id)?;
        let of_review = cx.state.review_comments_on(target.key()).filter(|comment| comment.review == Some(key.2));
        Ok(CommentsShown(Page::of(of_review.map(|comment| comment.id), paging(self.page, self.per_page))))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    Create,
    SubmitPending,
    DeletePending,
    ResolveThread,
    UnresolveThread,
}

/// The official server's one tool for writing reviews.
#[derive(Deserialize)]
pub(crate) struct Write {
    method: Method,
    owner: String,
    repo: String,
    #[serde(alias = "pullNumber")]
    pull_number: u64,
    body: Option<String>,
    event: Option<Event>,
    #[serde(alias = "commitID")]
    commit_id: Option<String>,
    #[serde(alias = "threadId")]
    thread_id: Option<String>,
}

/// A sentence.
pub(crate) struct Said(pub(crate) &'static str);

impl View<GitHub> for Said {
    fn rest(&self, _: &Cx<'_, GitHub>, reply: &mut Reply) {
        reply.write_json(&json!({ "message": self.0 }));
    }

    fn tool(&self, _: &Cx<'_, GitHub>) -> ToolReply {
        ToolReply::text(self.0)
    }
}

impl Action<GitHub> for Write {
    const NAME: &'static str = "pull_request_review_write";
    const MUTATES: bool = true;
    type Output = Said;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Said, Error> {
        let Self { owner, repo, pull_number, body, event, commit_id, .. } = self;
        let target = Target::find(cx, &owner, &repo, pull_number)?;
        let mine = |cx: &Cx<'_, GitHub>| {
            let (repo, number) = target.key();
            let id = pending(cx, (repo, number));
            id.map(|id| (repo, number, id)).ok_or_else(|| Error::by_server("No pending review found for the viewer"))
        };
        match self.method {
            Method::Create => {
                cx.doc = "pulls/reviews#create-a-review-for-a-pull-request";
                let comments = Vec::new();
                Create { owner, repo, pull_number, body, event, commit_id, comments }.run(cx)?;
                Ok(Said(match event {
                    Some(_) => "pull request review submitted successfully",
                    None => "pending pull request created",
                }))
            }
            Method::SubmitPending => {
                cx.doc = "pulls/reviews#submit-a-review-for-a-pull-request";
                let key = mine(cx)?;
                let event = event.ok_or_else(|| Error::argument("event"))?;
                give(cx, &target, key, event, body)?;
                Ok(Said("pending pull request review successfully submitted"))
            }
            Method::DeletePending => {
                cx.doc = "pulls/reviews#delete-a-pending-review-for-a-pull-request";
                let key = mine(cx)?;
                discard(cx, key);
                Ok(Said("pending pull request review successfully deleted"))
            }
            Method::ResolveThread | Method::UnresolveThread => {
                let thread = self.thread_id.filter(|id| !id.is_empty()).ok_or_else(|| {
                    Error::by_server("threadId is required for resolve_thread and unresolve_thread methods")
                })?;
                let resolved = self.method == Method::ResolveThread;
                resolve(cx, &target, &thread, resolved)?;
                Ok(Said(if resolved {
                    "review thread resolved successfully"
                } else {
                    "review thread unresolved successfully"
                }))
            }
        }
    }
}
