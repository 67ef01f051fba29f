//! Stars, watching, webhooks, deploy keys and comments on commits in a seed document, and beside the repositories gists and
//! notifications. The README lists the fields.

use std::collections::BTreeMap;

use pome_twin_kit::clock::Time;
use pome_twin_kit::ids::hex_id;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;

use super::{Builder, invalid, time_or};
use crate::actions::{deploy_keys, gists, hooks};
use crate::activity::{CommitComment, DeployKey, Gist, GistComment, Hook, Thread, Watch};
use crate::error::Error;
use crate::git::Oid;
use crate::state::{DEFAULT_LOGIN, State, fold, heads};

/// A login, or a login with more.
pub(super) struct SeedPerson {
    login: String,
    starred_at: Option<String>,
    ignored: bool,
}

impl<'de> Deserialize<'de> for SeedPerson {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Value::deserialize(from)? {
            Value::String(login) => Ok(Self { login, starred_at: None, ignored: false }),
            Value::Object(members) => {
                let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
                let login = text("login").ok_or_else(|| D::Error::custom("`login` is missing"))?;
                let ignored = members.get("ignored").and_then(Value::as_bool).unwrap_or(false);
                Ok(Self { login, starred_at: text("starred_at"), ignored })
            }
            _ => Err(D::Error::custom("expected a login, or an object with `login`")),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct SeedHook {
    url: String,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    active: Option<bool>,
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default)]
    secret: Option<String>,
    #[serde(default)]
    insecure_ssl: bool,
}

#[derive(Deserialize)]
pub(super) struct SeedKey {
    #[serde(default)]
    title: Option<String>,
    key: String,
    #[serde(default)]
    read_only: bool,
    #[serde(default)]
    added_by: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct SeedCommitComment {
    body: String,
    /// A branch, a tag or an id; the default branch without.
    #[serde(default)]
    commit: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    position: Option<u64>,
    #[serde(default)]
    line: Option<u64>,
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    created_at: Option<String>,
}

/// What surrounds one repository.
pub(super) struct Surroundings {
    pub(super) stargazers: Vec<SeedPerson>,
    pub(super) watchers: Vec<SeedPerson>,
    pub(super) webhooks: Vec<SeedHook>,
    pub(super) deploy_keys: Vec<SeedKey>,
    pub(super) commit_comments: Vec<SeedCommitComment>,
}

impl Builder<'_> {
    /// Needs the repository's branches and tags.
    pub(super) fn surroundings(&mut self, all: Surroundings) -> Result<(), Error> {
        for (at, person) in all.stargazers.into_iter().enumerate() {
            let field = self.field(&format!("stargazers.{at}.starred_at"));
            let since = time_or(person.starred_at.as_deref(), &field, self.now)?;
            self.state.ensure_user(&person.login, self.now);
            self.state.activity.stars.insert((self.id, fold(&person.login)), since);
        }
        for person in all.watchers {
            self.state.ensure_user(&person.login, self.now);
            let watch = Watch { ignored: person.ignored, created_at: self.now };
            self.state.activity.watches.insert((self.id, fold(&person.login)), watch);
        }
        for (at, hook) in all.webhooks.into_iter().enumerate() {
            self.webhook(hook, at)?;
        }
        for (at, key) in all.deploy_keys.into_iter().enumerate() {
            self.deploy_key(key, at)?;
        }
        for (at, comment) in all.commit_comments.into_iter().enumerate() {
            self.commit_comment(comment, at)?;
        }
        Ok(())
    }

    fn webhook(&mut self, seed: SeedHook, at: usize) -> Result<(), Error> {
        let field = |rest: &str| self.field(&format!("webhooks.{at}.{rest}"));
        if !(seed.url.starts_with("http://") || seed.url.starts_with("https://")) {
            return Err(invalid(&field("url"), "invalid_value", "is no address of http or https"));
        }
        let events = if seed.events.is_empty() { vec!["push".to_owned()] } else { seed.events };
        if hooks::known_events(&events).is_err() {
            return Err(invalid(&field("events"), "invalid_value", "holds something that is no event of a repository"));
        }
        let content_type = seed.content_type.unwrap_or_else(|| "form".to_owned());
        if content_type != "json" && content_type != "form" {
            return Err(invalid(&field("content_type"), "invalid_value", "is neither `json` nor `form`"));
        }
        let hook = Hook {
            id: self.state.activity.next_hook.next(),
            active: seed.active.unwrap_or(true),
            events,
            url: seed.url,
            content_type,
            insecure_ssl: seed.insecure_ssl,
            secret: seed.secret.filter(|secret| !secret.is_empty()),
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.activity.hooks.insert((self.id, hook.id), hook);
        Ok(())
    }

    fn deploy_key(&mut self, seed: SeedKey, at: usize) -> Result<(), Error> {
        let stored = deploy_keys::plain(&seed.key);
        let field = self.field(&format!("deploy_keys.{at}.key"));
        let stored = stored.ok_or_else(|| invalid(&field, "invalid_value", "is no public key in OpenSSH's format"))?;
        if self.state.activity.keys.values().any(|known| known.key == stored) {
            return Err(invalid(&field, "already_exists", "is in use already"));
        }
        let key = DeployKey {
            id: self.state.activity.next_key.next(),
            title: seed.title.filter(|title| !title.is_empty()).unwrap_or(seed.key),
            key: stored,
            read_only: seed.read_only,
            added_by: self.author(seed.added_by),
            created_at: self.now,
        };
        self.state.activity.keys.insert((self.id, key.id), key);
        Ok(())
    }

    fn commit_comment(&mut self, seed: SeedCommitComment, at: usize) -> Result<(), Error> {
        let place = self.field(&format!("commit_comments.{at}"));
        let name = seed.commit.unwrap_or_else(|| self.default_branch.clone());
        let known = |name: String| self.state.refs.get(&(self.id, name)).map(|git_ref| git_ref.oid);
        let commit = known(heads(&name)).or_else(|| known(format!("refs/tags/{name}"))).or_else(|| Oid::parse(&name));
        let commit = commit.filter(|oid| self.state.git.objects.commit(*oid).is_ok());
        let commit = commit.ok_or_else(|| {
            invalid(&format!("{place}.commit"), "invalid_value", &format!("`{name}` is no branch, tag or commit"))
        })?;
        let created_at = time_or(seed.created_at.as_deref(), &format!("{place}.created_at"), self.now)?;
        let comment = CommitComment {
            id: self.state.activity.next_commit_comment.next(),
            repo: self.id,
            commit,
            body: seed.body,
            path: seed.path,
            position: seed.position,
            line: seed.line,
            user: self.author(seed.author),
            created_at,
            updated_at: created_at,
        };
        self.state.activity.commit_comments.insert(comment.id, comment);
        Ok(())
    }
}

#[derive(Deserialize)]
pub(super) struct SeedGist {
    #[serde(default)]
    owner: Option<String>,
    /// In hex; made up without.
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    public: bool,
    /// Name and content.
    files: BTreeMap<String, String>,
    #[serde(default)]
    comments: Vec<SeedGistComment>,
    /// Logins.
    #[serde(default)]
    starred_by: Vec<String>,
    #[serde(default)]
    created_at: Option<String>,
}

#[derive(Deserialize)]
struct SeedGistComment {
    body: String,
    #[serde(default)]
    author: Option<String>,
}

/// Who writes when nobody is named.
fn writer(state: &mut State, login: Option<String>, now: Time) -> String {
    let login = login.filter(|login| !login.is_empty()).unwrap_or_else(|| DEFAULT_LOGIN.to_owned());
    state.ensure_user(&login, now);
    state.spelled(&login).to_owned()
}

pub(super) fn gists(state: &mut State, list: Vec<SeedGist>, now: Time) -> Result<(), Error> {
    for (at, seed) in list.into_iter().enumerate() {
        let place = format!("gists.{at}");
        if seed.files.is_empty() || seed.files.values().any(String::is_empty) {
            return Err(invalid(&format!("{place}.files"), "too_small", "must hold at least one file, and none empty"));
        }
        let created_at = time_or(seed.created_at.as_deref(), &format!("{place}.created_at"), now)?;
        let number = state.activity.next_gist.next();
        let made_up = || hex_id(&format!("gist {number}")).get(..32).unwrap_or_default().to_owned();
        let id = seed.id.filter(|id| !id.is_empty()).unwrap_or_else(made_up);
        if state.activity.gists.contains(&id) || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(invalid(&format!("{place}.id"), "invalid_value", "must be hexadecimal and be used once"));
        }
        let mut gist = Gist {
            id: id.clone(),
            owner: writer(state, seed.owner, now),
            description: seed.description.filter(|text| !text.is_empty()),
            public: seed.public,
            created_at,
            updated_at: created_at,
            versions: Vec::new(),
        };
        gists::keep(&mut gist, seed.files, created_at);
        state.activity.gists.insert(id.clone(), gist);
        for comment in seed.comments {
            let row = GistComment {
                id: state.activity.next_gist_comment.next(),
                user: writer(state, comment.author, now),
                body: comment.body,
                created_at: now,
                updated_at: now,
            };
            state.activity.gist_comments.insert((id.clone(), row.id), row);
        }
        for login in seed.starred_by {
            state.ensure_user(&login, now);
            state.activity.gist_stars.insert((fold(&login), id.clone()), ());
        }
    }
    Ok(())
}

#[derive(Deserialize)]
pub(super) struct SeedNotification {
    login: String,
    /// `acme/api`
    repository: String,
    number: u64,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    unread: Option<bool>,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    last_read_at: Option<String>,
}

const REASONS: [&str; 7] = ["assign", "author", "comment", "mention", "review_requested", "subscribed", "team_mention"];

/// What people have been told; needs the repositories.
pub(super) fn notifications(state: &mut State, list: Vec<SeedNotification>, now: Time) -> Result<(), Error> {
    for (at, seed) in list.into_iter().enumerate() {
        let field = |rest: &str| format!("notifications.{at}.{rest}");
        let repo = seed.repository.split_once('/').and_then(|(owner, name)| state.repo(owner, name));
        let repo = repo.ok_or_else(|| invalid(&field("repository"), "invalid_value", "names no repository"))?.id;
        let subject = (repo, seed.number);
        if !state.issues.contains(&subject) {
            return Err(invalid(&field("number"), "invalid_value", "is no issue or pull request of the repository"));
        }
        let reason = seed.reason.unwrap_or_else(|| "subscribed".to_owned());
        if !REASONS.contains(&reason.as_str()) {
            let message = format!("is none of {}", REASONS.join(", "));
            return Err(invalid(&field("reason"), "invalid_value", &message));
        }
        let updated_at = time_or(seed.updated_at.as_deref(), &field("updated_at"), now)?;
        let read = seed.last_read_at.as_deref();
        let last_read_at = read.map(|text| time_or(Some(text), &field("last_read_at"), now)).transpose()?;
        state.ensure_user(&seed.login, now);
        let key = (fold(&seed.login), subject.0, subject.1);
        if state.activity.threads_of.contains(&key) {
            return Err(invalid(&field("number"), "already_exists", "was told to this person before"));
        }
        let thread = Thread {
            id: state.activity.next_thread.next(),
            login: key.0.clone(),
            subject,
            reason,
            unread: seed.unread.unwrap_or(true),
            done: false,
            ignored: false,
            updated_at,
            last_read_at,
        };
        state.activity.threads_of.insert(key, thread.id);
        state.activity.threads.insert(thread.id, thread);
    }
    Ok(())
}
