//! Releases: tags with a title and notes.

use pome_twin_kit::action::Empty;
use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::contents::only;
use super::refs::is_ref_name;
use super::{Page, assets, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::revision::writable;
use crate::state::{GitRef, Permission, Release, Repo, RepoId};
use crate::views::Site;
use crate::views::releases::{ReleaseView, html};
use crate::views::users::ToolUser;

fn row(repo: &Repo, release: &Release) -> Value {
    json!({
        "repo": repo.full_name(), "tag_name": release.tag_name, "target_commitish": release.target_commitish,
        "name": release.name, "body": release.body, "draft": release.draft, "prerelease": release.prerelease,
        "author": release.author, "created_at": release.created_at.to_millis(),
        "published_at": release.published_at.map(pome_twin_kit::clock::Time::to_millis),
    })
}

/// A release as the official MCP server shows it.
fn short(site: Site<'_>, repo: &Repo, release: &Release) -> Value {
    let mut row = json!({ "id": release.id, "tag_name": release.tag_name });
    for (key, text) in [("name", &release.name), ("body", &release.body)] {
        if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
            row[key] = text.into();
        }
    }
    row["html_url"] = html(repo, release).into();
    if let Some(at) = release.published_at {
        row["published_at"] = json!(at.to_seconds());
    }
    row["prerelease"] = release.prerelease.into();
    row["draft"] = release.draft.into();
    row["author"] = json!(ToolUser::of(site, &release.author));
    row
}

/// One release.
pub(crate) struct Shown {
    key: (RepoId, u64),
}

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let (Some(repo), Some(release)) = (cx.state.repos.get(&self.key.0), cx.state.releases.get(&self.key)) {
            reply.write_json(&ReleaseView { site: Site::of(cx), repo, release });
        }
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        match (cx.state.repos.get(&self.key.0), cx.state.releases.get(&self.key)) {
            (Some(repo), Some(release)) => ToolReply::json(&short(Site::of(cx), repo, release)),
            _ => ToolReply::default(),
        }
    }
}

/// A page of releases, newest first.
pub(crate) struct Releases {
    repo: RepoId,
    page: Page<u64>,
    fields: Vec<String>,
}

impl View<GitHub> for Releases {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(repo) = cx.state.repos.get(&self.repo) {
            self.page.write(cx, reply, |site, id| {
                Some(ReleaseView { site, repo, release: site.state.releases.get(&(self.repo, *id))? })
            });
        }
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let (site, Some(repo)) = (Site::of(cx), cx.state.repos.get(&self.repo)) else { return ToolReply::default() };
        let releases = self.page.keys.iter().filter_map(|id| cx.state.releases.get(&(self.repo, *id)));
        ToolReply::json(&releases.map(|release| only(short(site, repo, release), &self.fields)).collect::<Vec<_>>())
    }
}

#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    page: Option<i64>,
    #[serde(alias = "perPage")]
    per_page: Option<i64>,
    #[serde(default)]
    fields: Vec<String>,
}

/// Drafts are for those who can write.
fn sees_drafts(cx: &Cx<'_, GitHub>, repo: &Repo) -> bool {
    cx.permission(repo).is_some_and(|held| held >= Permission::Write)
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_releases";
    type Output = Releases;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Releases, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let drafts = sees_drafts(cx, repo);
        let mut all: Vec<&Release> = cx.state.releases_of(repo.id).filter(|release| drafts || !release.draft).collect();
        all.sort_by_key(|release| std::cmp::Reverse((release.created_at, release.id)));
        let page = Page::of(all.into_iter().map(|release| release.id), paging(self.page, self.per_page));
        Ok(Releases { repo: repo.id, page, fields: self.fields })
    }
}

#[derive(Deserialize)]
pub(crate) struct Latest {
    owner: String,
    repo: String,
}

impl Action<GitHub> for Latest {
    const NAME: &'static str = "get_latest_release";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let published = cx.state.releases_of(repo).filter(|release| !release.draft && !release.prerelease);
        let latest = published
            .max_by_key(|release| (release.latest_since, release.published_at, release.id))
            .ok_or_else(Error::not_found)?;
        Ok(Shown { key: (repo, latest.id) })
    }
}

/// The published release of a tag.
#[derive(Deserialize)]
pub(crate) struct ByTag {
    owner: String,
    repo: String,
    tag: String,
}

impl Action<GitHub> for ByTag {
    const NAME: &'static str = "get_release_by_tag";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let found = cx.state.releases_of(repo).find(|release| release.tag_name == self.tag && !release.draft);
        Ok(Shown { key: (repo, found.ok_or_else(Error::not_found)?.id) })
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    release_id: u64,
}

/// The key of a release that the caller may see.
pub(crate) fn find(cx: &Cx<'_, GitHub>, repo: &Repo, id: u64) -> Result<(RepoId, u64), Error> {
    let key = (repo.id, id);
    let release = cx.state.releases.get(&key).ok_or_else(Error::not_found)?;
    if release.draft && !sees_drafts(cx, repo) { Err(Error::not_found()) } else { Ok(key) }
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_release";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        Ok(Shown { key: find(cx, repo, self.release_id)? })
    }
}

/// Makes sure that a published release has its tag.
fn tag(cx: &mut Cx<'_, GitHub>, repo: RepoId, name: &str, target: &str) -> Result<(), Error> {
    let key = (repo, format!("refs/tags/{name}"));
    if cx.state.refs.contains(&key) {
        return Ok(());
    }
    let row = cx.state.repos.get(&repo).ok_or_else(Error::not_found)?;
    if cx.state.is_empty(repo) {
        return Err(Error::custom("Release", "Repository is empty."));
    }
    let oid = cx.state.revision(row, target);
    let oid = oid.ok_or_else(|| Error::field("Release", "target_commitish", "invalid"))?;
    let now = cx.now();
    cx.state.refs.insert(key, GitRef { oid, created_at: now, updated_at: now });
    Ok(())
}

fn check_tag_name(cx: &Cx<'_, GitHub>, repo: RepoId, name: &str, except: Option<u64>) -> Result<(), Error> {
    if name.trim().is_empty() {
        return Err(Error::field("Release", "tag_name", "missing_field"));
    }
    if !is_ref_name(&format!("refs/tags/{name}")) {
        return Err(Error::custom("Release", "tag_name is not a valid tag"));
    }
    let taken = cx.state.releases_of(repo).any(|release| release.tag_name == name && Some(release.id) != except);
    if taken { Err(Error::field("Release", "tag_name", "already_exists")) } else { Ok(()) }
}

/// What happened since the release before, one line a commit.
fn notes(
    cx: &Cx<'_, GitHub>,
    repo: &Repo,
    tag_name: &str,
    target: &str,
    previous: Option<&str>,
) -> Result<String, Error> {
    let head = cx.state.revision(repo, tag_name).or_else(|| cx.state.revision(repo, target));
    let head = head.ok_or_else(|| Error::field("Release", "target_commitish", "invalid"))?;
    let earlier = cx.state.releases_of(repo.id).filter(|release| !release.draft && release.tag_name != tag_name);
    let previous = match previous {
        Some(name) => Some(name.to_owned()),
        None => earlier.max_by_key(|release| (release.created_at, release.id)).map(|release| release.tag_name.clone()),
    };
    let objects = cx.objects();
    let base = previous.as_deref().and_then(|name| cx.state.revision(repo, name));
    let commits: Vec<_> = match base {
        Some(base) => objects.log_between(base, head)?.collect(),
        None => objects.log(head)?.collect(),
    };
    let mut text = "## What's Changed\n".to_owned();
    for oid in commits {
        let commit = objects.commit(oid)?;
        text.push_str("* ");
        text.push_str(&commit.subject());
        text.push_str(" by ");
        text.push_str(&commit.author.name);
        text.push('\n');
    }
    let full = repo.full_name();
    let link = match &previous {
        Some(previous) => format!("compare/{previous}...{tag_name}"),
        None => format!("commits/{tag_name}"),
    };
    text.push_str(&format!("\n**Full Changelog**: {}/{full}/{link}", crate::views::HTML));
    Ok(text)
}

/// Whether a release becomes the latest one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MakeLatest {
    #[default]
    True,
    False,
    /// By its date, which for a new release is the same as `true`.
    Legacy,
}

#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    tag_name: String,
    target_commitish: Option<String>,
    name: Option<String>,
    body: Option<String>,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    prerelease: bool,
    #[serde(default)]
    generate_release_notes: bool,
    #[serde(default)]
    make_latest: MakeLatest,
    discussion_category_name: Option<String>,
}

/// Releases that are talked about need discussions.
fn without_discussion(category: Option<&str>) -> Result<(), Error> {
    if category.is_some_and(|name| !name.is_empty()) {
        Err(Error::unsupported("discussions of releases"))
    } else {
        Ok(())
    }
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_release";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?;
        let id = repo.id;
        without_discussion(self.discussion_category_name.as_deref())?;
        check_tag_name(cx, id, &self.tag_name, None)?;
        let target = self.target_commitish.filter(|text| !text.is_empty());
        let target = target.unwrap_or_else(|| repo.default_branch.clone());
        let (name, body) = if self.generate_release_notes {
            let made = notes(cx, repo, &self.tag_name, &target, None)?;
            let body = self.body.map_or_else(|| made.clone(), |body| format!("{body}\n{made}"));
            (self.name.or_else(|| Some(self.tag_name.clone())), Some(body))
        } else {
            (self.name, self.body)
        };
        if !self.draft {
            tag(cx, id, &self.tag_name, &target)?;
        }
        let now = cx.now();
        let release = Release {
            id: cx.state.next_release.next(),
            tag_name: self.tag_name,
            target_commitish: target,
            name,
            body,
            draft: self.draft,
            prerelease: self.prerelease,
            author: cx.actor().to_owned(),
            created_at: now,
            published_at: (!self.draft).then_some(now),
            latest_since: (!self.draft && self.make_latest != MakeLatest::False).then_some(now),
        };
        let key = (id, release.id);
        let after = cx.state.repos.get(&id).map(|repo| row(repo, &release));
        cx.state.releases.insert(key, release);
        cx.changed(None, after);
        Ok(Shown { key })
    }
}

#[derive(Deserialize)]
pub(crate) struct Update {
    owner: String,
    repo: String,
    release_id: u64,
    tag_name: Option<String>,
    target_commitish: Option<String>,
    name: Option<String>,
    body: Option<String>,
    draft: Option<bool>,
    prerelease: Option<bool>,
    make_latest: Option<MakeLatest>,
    discussion_category_name: Option<String>,
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_release";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?;
        let key = find(cx, repo, self.release_id)?;
        without_discussion(self.discussion_category_name.as_deref())?;
        let mut release = cx.state.releases.get(&key).ok_or_else(Error::not_found)?.clone();
        let before = row(repo, &release);
        if let Some(name) = self.tag_name {
            check_tag_name(cx, key.0, &name, Some(release.id))?;
            release.tag_name = name;
        }
        release.target_commitish = self.target_commitish.unwrap_or(release.target_commitish);
        release.name = self.name.or(release.name);
        release.body = self.body.or(release.body);
        release.draft = self.draft.unwrap_or(release.draft);
        release.prerelease = self.prerelease.unwrap_or(release.prerelease);
        let published = !release.draft && release.published_at.is_none();
        release.latest_since = match self.make_latest {
            Some(MakeLatest::True) => Some(cx.now()),
            Some(MakeLatest::False) => None,
            Some(MakeLatest::Legacy) => release.published_at.or(release.latest_since),
            None if published => Some(cx.now()),
            None => release.latest_since,
        };
        if !release.draft {
            tag(cx, key.0, &release.tag_name, &release.target_commitish)?;
            release.published_at.get_or_insert(cx.now());
        }
        let after = cx.state.repos.get(&key.0).map(|repo| row(repo, &release));
        cx.state.releases.insert(key, release);
        cx.changed(Some(before), after);
        Ok(Shown { key })
    }
}

/// Takes a release away; its tag stays.
#[derive(Deserialize)]
pub(crate) struct Delete {
    owner: String,
    repo: String,
    release_id: u64,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_release";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?;
        let key = find(cx, repo, self.release_id)?;
        let before = cx.state.releases.get(&key).map(|release| row(repo, release));
        cx.state.releases.remove(&key);
        assets::forget(cx.state, key.0, key.1);
        cx.changed(before, None);
        Ok(Empty)
    }
}

#[derive(Deserialize)]
pub(crate) struct GenerateNotes {
    owner: String,
    repo: String,
    tag_name: String,
    target_commitish: Option<String>,
    previous_tag_name: Option<String>,
    configuration_file_path: Option<String>,
}

impl Action<GitHub> for GenerateNotes {
    const NAME: &'static str = "generate_release_notes";
    type Output = pome_twin_kit::action::Json<Value>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        let repo = cx.repo_with(&self.owner, &self.repo, Permission::Write)?;
        if self.configuration_file_path.is_some_and(|path| !path.is_empty()) {
            return Err(Error::unsupported("configuration files of release notes"));
        }
        let target = self.target_commitish.as_deref().unwrap_or(&repo.default_branch);
        let body = notes(cx, repo, &self.tag_name, target, self.previous_tag_name.as_deref())?;
        Ok(pome_twin_kit::action::Json(json!({ "name": self.tag_name, "body": body })))
    }
}
