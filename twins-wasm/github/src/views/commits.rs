//! Commits: as the vendor's commit routes show them, as git stores them, and as the official MCP server shortens them.

use pome_twin_kit::clock::{Seconds, Time};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::users::{SimpleUser, ToolUser};
use super::{HTML, Site};
use crate::git::{Commit, Oid, Signature};
use crate::state::{Repo, State, User};

/// `commit`, without statistics and files.
#[derive(Clone, Copy)]
pub(crate) struct CommitView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) oid: Oid,
}

impl CommitView<'_> {
    /// The members of `commit`, for objects that have more of them.
    pub(crate) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let Self { site, repo, oid } = self;
        let (api, owner, name) = (site.api, &repo.owner, &repo.name);
        let commit = stored(site.state, *oid)?;
        map.serialize_entry("sha", oid)?;
        map.serialize_entry("node_id", &format_args!("C_{oid}"))?;
        map.serialize_entry("commit", &Inner(self, commit))?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{name}/commits/{oid}"))?;
        map.serialize_entry("html_url", &format_args!("{HTML}/{owner}/{name}/commit/{oid}"))?;
        map.serialize_entry("comments_url", &format_args!("{api}/repos/{owner}/{name}/commits/{oid}/comments"))?;
        map.serialize_entry("author", &account(*site, &commit.author))?;
        map.serialize_entry("committer", &account(*site, &commit.committer))?;
        map.serialize_entry("parents", &Parents { view: self, of: &commit.parents, from: "commits" })
    }
}

impl Serialize for CommitView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}

/// What the commit itself says, inside `commit`.
struct Inner<'a>(&'a CommitView<'a>, &'a Commit);

impl Serialize for Inner<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(CommitView { site, repo, oid }, commit) = self;
        let (api, owner, name) = (site.api, &repo.owner, &repo.name);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("author", &GitUser(&commit.author))?;
        map.serialize_entry("committer", &GitUser(&commit.committer))?;
        map.serialize_entry("message", &commit.message)?;
        map.serialize_entry("tree", &TreeLink(self.0, commit.tree))?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{name}/git/commits/{oid}"))?;
        map.serialize_entry("comment_count", &0)?;
        map.serialize_entry("verification", &Verification(commit))?;
        map.end()
    }
}

/// `git-commit`, also the `commit` of a `file-commit`.
pub(crate) struct GitCommitView<'a>(pub(crate) CommitView<'a>);

impl Serialize for GitCommitView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let view = &self.0;
        let CommitView { site, repo, oid } = view;
        let (api, owner, name) = (site.api, &repo.owner, &repo.name);
        let commit = stored(site.state, *oid)?;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("sha", oid)?;
        map.serialize_entry("node_id", &format_args!("C_{oid}"))?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{name}/git/commits/{oid}"))?;
        map.serialize_entry("html_url", &format_args!("{HTML}/{owner}/{name}/commit/{oid}"))?;
        map.serialize_entry("author", &GitUser(&commit.author))?;
        map.serialize_entry("committer", &GitUser(&commit.committer))?;
        map.serialize_entry("tree", &TreeLink(view, commit.tree))?;
        map.serialize_entry("message", &commit.message)?;
        map.serialize_entry("parents", &Parents { view, of: &commit.parents, from: "git/commits" })?;
        map.serialize_entry("verification", &Verification(commit))?;
        map.end()
    }
}

/// A commit as the official MCP server shows it, without statistics and files.
pub(crate) struct ShortCommit<'a>(pub(crate) CommitView<'a>);

impl ShortCommit<'_> {
    /// The members, for objects that have more of them.
    pub(crate) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let CommitView { site, repo, oid } = self.0;
        let (owner, name) = (&repo.owner, &repo.name);
        let commit = stored(site.state, oid)?;
        map.serialize_entry("sha", &oid)?;
        map.serialize_entry("html_url", &format_args!("{HTML}/{owner}/{name}/commit/{oid}"))?;
        map.serialize_entry("commit", &ShortInner(commit))?;
        for (key, signature) in [("author", &commit.author), ("committer", &commit.committer)] {
            if let Some(user) = user_of(site.state, signature) {
                map.serialize_entry(key, &ToolUser::of(site, &user.login))?;
            }
        }
        Ok(())
    }
}

impl Serialize for ShortCommit<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}

struct ShortInner<'a>(&'a Commit);

impl Serialize for ShortInner<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("message", &self.0.message)?;
        map.serialize_entry("author", &GitUser(&self.0.author))?;
        map.serialize_entry("committer", &GitUser(&self.0.committer))?;
        map.end()
    }
}

/// Who did something, by name and email, and when.
pub(crate) struct GitUser<'a>(pub(crate) &'a Signature);

impl Serialize for GitUser<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Signature { name, email, .. } = self.0;
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("name", name)?;
        map.serialize_entry("email", email)?;
        map.serialize_entry("date", &date(self.0))?;
        map.end()
    }
}

/// When it was signed.
pub(crate) fn date(signature: &Signature) -> Seconds {
    time(signature).to_seconds()
}

pub(crate) fn time(signature: &Signature) -> Time {
    Time(u64::try_from(signature.seconds).unwrap_or_default().saturating_mul(1000))
}

/// The vendor's word about a signature; keys are known of nobody.
struct Verification<'a>(&'a Commit);

impl Serialize for Verification<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(signature) = &self.0.signature else { return Unsigned.serialize(serializer) };
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("verified", &false)?;
        map.serialize_entry("reason", "unknown_key")?;
        map.serialize_entry("signature", signature)?;
        map.serialize_entry("payload", &self.0.payload())?;
        map.serialize_entry("verified_at", &None::<()>)?;
        map.end()
    }
}

/// The vendor's word for a commit or tag that nobody signed.
pub(crate) struct Unsigned;

impl Serialize for Unsigned {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("verified", &false)?;
        map.serialize_entry("reason", "unsigned")?;
        for nothing in ["signature", "payload", "verified_at"] {
            map.serialize_entry(nothing, &None::<()>)?;
        }
        map.end()
    }
}

struct TreeLink<'a>(&'a CommitView<'a>, Oid);

impl Serialize for TreeLink<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(CommitView { site, repo, .. }, oid) = self;
        let (api, owner, name) = (site.api, &repo.owner, &repo.name);
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("sha", oid)?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{name}/git/trees/{oid}"))?;
        map.end()
    }
}

struct Parents<'a> {
    view: &'a CommitView<'a>,
    of: &'a [Oid],
    /// `commits` or `git/commits`
    from: &'static str,
}

impl Serialize for Parents<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.of.iter().map(|oid| Parent { parents: self, oid: *oid }))
    }
}

struct Parent<'a> {
    parents: &'a Parents<'a>,
    oid: Oid,
}

impl Serialize for Parent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (CommitView { site, repo, .. }, from, oid) = (self.parents.view, self.parents.from, self.oid);
        let (api, owner, name) = (site.api, &repo.owner, &repo.name);
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("sha", &oid)?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{name}/{from}/{oid}"))?;
        map.serialize_entry("html_url", &format_args!("{HTML}/{owner}/{name}/commit/{oid}"))?;
        map.end()
    }
}

/// The account behind a signature, found by its address as the vendor does; `null` when there is none.
fn account<'a>(site: Site<'a>, signature: &Signature) -> Option<SimpleUser<'a>> {
    user_of(site.state, signature).map(|user| SimpleUser::of(site, &user.login))
}

/// The user whose address the signature has.
pub(crate) fn user_of<'a>(state: &'a State, signature: &Signature) -> Option<&'a User> {
    let email = &signature.email;
    let (local, host) = email.split_once('@')?;
    // Addresses that the vendor and this twin make up lead straight to the login.
    let login = match host {
        "example.local" => Some(local),
        "users.noreply.github.com" => Some(local.split_once('+').map_or(local, |(_, login)| login)),
        _ => None,
    };
    let by_login = login
        .and_then(|login| state.user(login))
        .filter(|user| host != "example.local" || user.commit_email() == *email);
    by_login.or_else(|| state.users.values().find(|user| user.commit_email().eq_ignore_ascii_case(email)))
}

fn stored<E: serde::ser::Error>(state: &State, oid: Oid) -> Result<&Commit, E> {
    state.git.objects.commit(oid).map(AsRef::as_ref).map_err(E::custom)
}
