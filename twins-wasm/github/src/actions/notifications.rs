//! What people are told: one thread for each issue or pull request that concerns them.

use pome_twin_kit::action::Empty;
use pome_twin_kit::clock::Time;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::activity::Thread;
use crate::error::Error;
use crate::state::{Issue, Numbered, RepoId, State, UserKind, fold};
use crate::views::Site;
use crate::views::repos::RepoView;

/// Why somebody is told something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Assign,
    Author,
    Comment,
    Mention,
    ReviewRequested,
    Subscribed,
}

impl Reason {
    const fn name(self) -> &'static str {
        match self {
            Self::Assign => "assign",
            Self::Author => "author",
            Self::Comment => "comment",
            Self::Mention => "mention",
            Self::ReviewRequested => "review_requested",
            Self::Subscribed => "subscribed",
        }
    }
}

/// Tells one person about an issue or pull request. Nobody hears of what they did themselves or may not see.
pub(crate) fn tell(cx: &mut Cx<'_, GitHub>, subject: Numbered, login: &str, reason: Reason) {
    let (actor, now) = (fold(cx.actor()), cx.now());
    let state = &mut *cx.state;
    let person = state.user(login).is_some_and(|user| user.kind == UserKind::User);
    let sees = state.repos.get(&subject.0).is_some_and(|repo| state.permission(repo, login).is_some());
    let login = fold(login);
    let deaf = state.activity.watches.get(&(subject.0, login.clone())).is_some_and(|watch| watch.ignored);
    if login == actor || !person || !sees || deaf {
        return;
    }
    let key = (login.clone(), subject.0, subject.1);
    let known = state.activity.threads_of.get(&key).copied();
    if let Some(thread) = known.and_then(|id| state.activity.threads.get_mut(&id)) {
        if thread.ignored && reason != Reason::Mention {
            return;
        }
        reason.name().clone_into(&mut thread.reason);
        thread.unread = true;
        thread.done = false;
        thread.updated_at = now;
        return;
    }
    let id = state.activity.next_thread.next();
    let thread = Thread {
        id,
        login,
        subject,
        reason: reason.name().to_owned(),
        unread: true,
        done: false,
        ignored: false,
        updated_at: now,
        last_read_at: None,
    };
    state.activity.threads.insert(id, thread);
    state.activity.threads_of.insert(key, id);
}

/// The logins that a text names, each once.
fn mentioned(state: &State, text: &str) -> Vec<String> {
    let in_login = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let mut logins: Vec<String> = Vec::new();
    for rest in text.split('@').skip(1) {
        let end = rest.find(|letter| !in_login(letter)).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default().trim_end_matches('-');
        if let Some(user) = state.user(name)
            && !logins.contains(&user.login)
        {
            logins.push(user.login.clone());
        }
    }
    logins
}

/// A new issue or pull request: those it names, those who shall work on it, and whoever watches the repository.
pub(crate) fn opened(cx: &mut Cx<'_, GitHub>, subject: Numbered) {
    let Some(Issue { body, assignees, .. }) = cx.state.issues.get(&subject).cloned() else { return };
    let watchers: Vec<String> = cx.state.activity.watchers_of(subject.0).cloned().collect();
    for login in watchers {
        tell(cx, subject, &login, Reason::Subscribed);
    }
    for login in mentioned(cx.state, body.as_deref().unwrap_or_default()) {
        tell(cx, subject, &login, Reason::Mention);
    }
    for login in assignees {
        tell(cx, subject, &login, Reason::Assign);
    }
}

/// Something was said on an issue or pull request: its author, those who spoke there before, those who work on it and those
/// who are named now.
pub(crate) fn said(cx: &mut Cx<'_, GitHub>, subject: Numbered, text: &str) {
    let Some(Issue { user, assignees, .. }) = cx.state.issues.get(&subject).cloned() else { return };
    let mut spoke: Vec<String> = cx.state.comments_on(subject).map(|comment| comment.user.clone()).collect();
    spoke.sort_unstable();
    spoke.dedup();
    let watchers: Vec<String> = cx.state.activity.watchers_of(subject.0).cloned().collect();
    for login in watchers {
        tell(cx, subject, &login, Reason::Subscribed);
    }
    for login in spoke {
        tell(cx, subject, &login, Reason::Comment);
    }
    for login in assignees {
        tell(cx, subject, &login, Reason::Assign);
    }
    tell(cx, subject, &user, Reason::Author);
    for login in mentioned(cx.state, text) {
        tell(cx, subject, &login, Reason::Mention);
    }
}

fn view(site: Site<'_>, thread: &Thread) -> Option<Value> {
    let (state, (repo, number)) = (site.state, thread.subject);
    let (row, issue) = (state.repos.get(&repo)?, state.issues.get(&thread.subject)?);
    let (kind, part) = if state.is_pull(thread.subject) { ("PullRequest", "pulls") } else { ("Issue", "issues") };
    let own = format!("{}/repos/{}", site.api, row.full_name());
    let subject = format!("{own}/{part}/{number}");
    let last = state.comments_on(thread.subject).next_back();
    let latest = last.map_or_else(|| subject.clone(), |comment| format!("{own}/issues/comments/{}", comment.id));
    let url = format!("{}/notifications/threads/{}", site.api, thread.id);
    Some(json!({
        "id": thread.id.to_string(),
        "unread": thread.unread,
        "reason": thread.reason,
        "updated_at": thread.updated_at.to_seconds(),
        "last_read_at": thread.last_read_at.map(Time::to_seconds),
        "subject": { "title": issue.title, "url": subject, "latest_comment_url": latest, "type": kind },
        "repository": RepoView::short(site, row),
        "subscription_url": format!("{url}/subscription"),
        "url": url,
    }))
}

fn row(thread: &Thread) -> Value {
    json!({
        "id": thread.id, "user_login": thread.login, "number": thread.subject.1, "reason": thread.reason,
        "unread": thread.unread, "done": thread.done,
    })
}

/// A page of threads.
pub(crate) struct Threads(Page<u64>);

impl View<GitHub> for Threads {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, id| view(site, site.state.activity.threads.get(id)?));
    }
}

/// What the caller was told, newest first; what has been read only when asked for.
#[derive(Deserialize)]
pub(crate) struct List {
    owner: Option<String>,
    repo: Option<String>,
    #[serde(default)]
    all: bool,
    #[serde(default)]
    participating: bool,
    since: Option<String>,
    before: Option<String>,
    page: Option<i64>,
    per_page: Option<i64>,
}

fn moment(text: Option<&str>, field: &str) -> Result<Option<Time>, Error> {
    let parse = |text| Time::parse(text).ok_or_else(|| Error::value("Notification", field, "invalid", text));
    text.filter(|text| !text.is_empty()).map(parse).transpose()
}

fn repo_of(cx: &Cx<'_, GitHub>, owner: Option<&str>, repo: Option<&str>) -> Result<Option<RepoId>, Error> {
    match (owner, repo) {
        (Some(owner), Some(repo)) => cx.repo(owner, repo).map(|repo| Some(repo.id)),
        _ => Ok(None),
    }
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_notifications";
    type Output = Threads;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Threads, Error> {
        let repo = repo_of(cx, self.owner.as_deref(), self.repo.as_deref())?;
        let since = moment(self.since.as_deref(), "since")?;
        let before = moment(self.before.as_deref(), "before")?;
        let visible = |thread: &&Thread| {
            let sees = cx.state.repos.get(&thread.subject.0).is_some_and(|repo| cx.permission(repo).is_some());
            sees && !thread.done
                && (self.all || thread.unread)
                && (!self.participating || thread.reason != "subscribed")
                && repo.is_none_or(|repo| thread.subject.0 == repo)
                && since.is_none_or(|since| thread.updated_at >= since)
                && before.is_none_or(|before| thread.updated_at < before)
        };
        let mut found: Vec<&Thread> = cx.state.activity.threads_for(cx.actor()).filter(visible).collect();
        found.sort_by_key(|thread| std::cmp::Reverse((thread.updated_at, thread.id)));
        let size = if repo.is_some() { 30 } else { 50 };
        let asked = paging(self.page, self.per_page.or(Some(size)));
        Ok(Threads(Page::of(found.into_iter().map(|thread| thread.id), asked)))
    }
}

/// Marks everything as read that is no newer than the given time.
#[derive(Deserialize)]
pub(crate) struct ReadAll {
    owner: Option<String>,
    repo: Option<String>,
    last_read_at: Option<String>,
    /// Marks as unread when it is false.
    read: Option<bool>,
}

impl Action<GitHub> for ReadAll {
    const NAME: &'static str = "mark_notifications_read";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let repo = repo_of(cx, self.owner.as_deref(), self.repo.as_deref())?;
        let now = cx.now();
        let until = moment(self.last_read_at.as_deref(), "last_read_at")?.unwrap_or(now);
        let unread = self.read == Some(false);
        let mine = cx.state.activity.threads_for(cx.actor());
        let old = mine.filter(|thread| {
            thread.unread != unread && thread.updated_at <= until && repo.is_none_or(|repo| thread.subject.0 == repo)
        });
        let ids: Vec<u64> = old.map(|thread| thread.id).collect();
        for id in &ids {
            if let Some(thread) = cx.state.activity.threads.get_mut(id) {
                thread.unread = unread;
                thread.last_read_at = Some(now).filter(|_| !unread);
            }
        }
        cx.changed(None, Some(if unread { json!({ "unread": ids }) } else { json!({ "read": ids }) }));
        Ok(Empty)
    }
}

/// The caller's own thread.
fn find(cx: &Cx<'_, GitHub>, id: u64) -> Result<Thread, Error> {
    let thread = cx.state.activity.threads.get(&id).filter(|thread| thread.login == fold(cx.actor()));
    let seen =
        |thread: &&Thread| cx.state.repos.get(&thread.subject.0).is_some_and(|repo| cx.permission(repo).is_some());
    thread.filter(seen).cloned().ok_or_else(Error::not_found)
}

fn change(cx: &mut Cx<'_, GitHub>, before: &Thread, after: Thread) {
    cx.changed(Some(row(before)), Some(row(&after)));
    cx.state.activity.threads.insert(after.id, after);
}

/// One thread.
pub(crate) struct Shown(u64);

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let thread = cx.state.activity.threads.get(&self.0);
        if let Some(value) = thread.and_then(|thread| view(Site::of(cx), thread)) {
            reply.write_json(&value);
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    thread_id: u64,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_notification";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        find(cx, self.thread_id).map(|thread| Shown(thread.id))
    }
}

#[derive(Deserialize)]
pub(crate) struct Read {
    thread_id: u64,
}

impl Action<GitHub> for Read {
    const NAME: &'static str = "mark_notification_read";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let before = find(cx, self.thread_id)?;
        let after = Thread { unread: false, last_read_at: Some(cx.now()), ..before.clone() };
        change(cx, &before, after);
        Ok(Empty)
    }
}

#[derive(Deserialize)]
pub(crate) struct Done {
    thread_id: u64,
}

impl Action<GitHub> for Done {
    const NAME: &'static str = "mark_notification_done";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let before = find(cx, self.thread_id)?;
        let after = Thread { unread: false, done: true, last_read_at: Some(cx.now()), ..before.clone() };
        change(cx, &before, after);
        Ok(Empty)
    }
}

/// Whether the caller hears more of a thread.
pub(crate) struct Subscription(u64);

impl View<GitHub> for Subscription {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let Some(thread) = cx.state.activity.threads.get(&self.0) else { return };
        let url = format!("{}/notifications/threads/{}", cx.origin, thread.id);
        reply.write_json(&json!({
            "subscribed": !thread.ignored,
            "ignored": thread.ignored,
            "reason": thread.reason,
            "created_at": thread.updated_at.to_seconds(),
            "url": format!("{url}/subscription"),
            "thread_url": url,
        }));
    }
}

#[derive(Deserialize)]
pub(crate) struct GetSubscription {
    thread_id: u64,
}

impl Action<GitHub> for GetSubscription {
    const NAME: &'static str = "get_thread_subscription";
    type Output = Subscription;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Subscription, Error> {
        find(cx, self.thread_id).map(|thread| Subscription(thread.id))
    }
}

#[derive(Deserialize)]
pub(crate) struct SetSubscription {
    thread_id: u64,
    #[serde(default)]
    ignored: bool,
}

impl Action<GitHub> for SetSubscription {
    const NAME: &'static str = "set_thread_subscription";
    const MUTATES: bool = true;
    type Output = Subscription;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Subscription, Error> {
        let before = find(cx, self.thread_id)?;
        let after = Thread { ignored: self.ignored, ..before.clone() };
        change(cx, &before, after);
        Ok(Subscription(before.id))
    }
}

/// Nothing more is told of a thread until the caller is named there.
#[derive(Deserialize)]
pub(crate) struct DeleteSubscription {
    thread_id: u64,
}

impl Action<GitHub> for DeleteSubscription {
    const NAME: &'static str = "delete_thread_subscription";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let before = find(cx, self.thread_id)?;
        let after = Thread { ignored: true, ..before.clone() };
        change(cx, &before, after);
        Ok(Empty)
    }
}
