//! Reading history: logs, single commits, comparisons.

use pome_twin_kit::clock::Time;
use pome_twin_kit::page::Paging;
use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::contents::only;
use super::media::Media;
use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::{Change, Comparison, Objects, Oid};
use crate::revision::filled;
use crate::state::{Repo, RepoId, fold};
use crate::views::commits::{CommitView, ShortCommit, time, user_of};
use crate::views::files::{FileView, ShortFile};
use crate::views::refs::BranchView;
use crate::views::{EncodedPath, HTML, Site};

/// A commit or comparison names up to this many files at once.
const MOST_FILES: usize = 300;
/// A comparison without paging lists up to this many commits.
const MOST_COMMITS: usize = 250;

/// A page of commits, newest first.
pub(crate) struct Commits {
    repo: RepoId,
    page: Page<Oid>,
    /// What the tool shall show of each.
    fields: Vec<String>,
}

impl View<GitHub> for Commits {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(repo) = cx.state.repos.get(&self.repo) {
            self.page.write(cx, reply, |site, oid| Some(CommitView { site, repo, oid: *oid }));
        }
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let (site, Some(repo)) = (Site::of(cx), cx.state.repos.get(&self.repo)) else { return ToolReply::default() };
        let rows = self.page.keys.iter().map(|oid| {
            let row = serde_json::to_value(ShortCommit(CommitView { site, repo, oid: *oid })).unwrap_or_default();
            only(row, &self.fields)
        });
        ToolReply::json(&rows.collect::<Vec<_>>())
    }
}

/// The log of a branch, tag or commit.
#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    sha: Option<String>,
    path: Option<String>,
    author: Option<String>,
    committer: Option<String>,
    since: Option<String>,
    until: Option<String>,
    page: Option<i64>,
    #[serde(alias = "perPage")]
    per_page: Option<i64>,
    #[serde(default)]
    fields: Vec<String>,
}

/// A moment of a query.
fn moment(text: Option<&str>, field: &str) -> Result<Option<Time>, Error> {
    match text.filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => Time::parse(text)
            .map(Some)
            .ok_or_else(|| Error::unprocessable(format!("Invalid {field} parameter: {text}"))),
    }
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_commits";
    type Output = Commits;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Commits, Error> {
        let repo = filled(cx, &self.owner, &self.repo)?;
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let start = given(&self.sha).unwrap_or_else(|| repo.default_branch.clone());
        let start = cx.state.revision(repo, &start).ok_or_else(Error::not_found)?;
        let (since, until) = (moment(self.since.as_deref(), "since")?, moment(self.until.as_deref(), "until")?);
        let (author, committer) = (given(&self.author), given(&self.committer));
        let objects = cx.objects();
        let log = match given(&self.path) {
            Some(path) => objects.log_of_path(start, &path)?,
            None => objects.log(start)?,
        };
        let wanted = |oid: &Oid| {
            let Ok(commit) = objects.commit(*oid) else { return false };
            let by = |who: &Option<String>, signature| {
                who.as_deref().is_none_or(|who| {
                    let user = user_of(cx.state, signature);
                    fold(&signature.email) == fold(who) || user.is_some_and(|user| fold(&user.login) == fold(who))
                })
            };
            let at = time(&commit.committer);
            since.is_none_or(|since| at >= since)
                && until.is_none_or(|until| at <= until)
                && by(&author, &commit.author)
                && by(&committer, &commit.committer)
        };
        let page = Page::of(log.filter(wanted), paging(self.page, self.per_page));
        Ok(Commits { repo: repo.id, page, fields: self.fields })
    }
}

/// How much the tool shows of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Depth {
    None,
    #[default]
    Stats,
    FullPatch,
}

/// One commit with its files.
pub(crate) struct Shown {
    repo: RepoId,
    oid: Oid,
    /// The files of this page.
    files: Vec<Change>,
    paging: Paging,
    total_files: usize,
    stats: Stats,
    depth: Depth,
}

/// Lines added and removed.
#[derive(Clone, Copy, Default)]
struct Stats {
    additions: usize,
    deletions: usize,
}

impl Stats {
    fn of(objects: &Objects, changes: &[Change]) -> Result<Self, Error> {
        changes.iter().try_fold(Self::default(), |sum, change| {
            let patch = objects.patch(change)?;
            Ok(Self { additions: sum.additions + patch.additions, deletions: sum.deletions + patch.deletions })
        })
    }
}

impl Serialize for Stats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("total", &(self.additions + self.deletions))?;
        map.serialize_entry("additions", &self.additions)?;
        map.serialize_entry("deletions", &self.deletions)?;
        map.end()
    }
}

/// `commit` with statistics and files.
struct FullCommit<'a> {
    view: CommitView<'a>,
    shown: &'a Shown,
}

impl Serialize for FullCommit<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { view, shown } = self;
        let CommitView { site, repo, oid: sha } = *view;
        let before = site.state.git.objects.commit(sha).ok().and_then(|commit| commit.parents.first().copied());
        let files = shown.files.iter().map(|change| FileView { site, repo, change, sha, before });
        let mut map = serializer.serialize_map(None)?;
        view.write(&mut map)?;
        map.serialize_entry("stats", &shown.stats)?;
        map.serialize_entry("files", &files.collect::<Vec<_>>())?;
        map.end()
    }
}

/// The same as the official MCP server shows it.
struct ToolCommit<'a> {
    view: CommitView<'a>,
    shown: &'a Shown,
}

impl Serialize for ToolCommit<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { view, shown } = self;
        let mut map = serializer.serialize_map(None)?;
        ShortCommit(*view).write(&mut map)?;
        if shown.depth != Depth::None {
            map.serialize_entry("stats", &shown.stats)?;
            let mut files = Vec::new();
            for change in &shown.files {
                let mut row = serde_json::to_value(ShortFile { site: view.site, change }).unwrap_or_default();
                if let Some(members) = row.as_object_mut()
                    && shown.depth == Depth::Stats
                {
                    members.remove("patch");
                }
                files.push(row);
            }
            map.serialize_entry("files", &files)?;
        }
        map.end()
    }
}

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let Some(repo) = cx.state.repos.get(&self.repo) else { return };
        let view = CommitView { site: Site::of(cx), repo, oid: self.oid };
        reply.write_json(&FullCommit { view, shown: self });
        if self.total_files > self.paging.per_page
            && let Some(link) = self.paging.link(&format!("{}{}", cx.origin, cx.path), cx.query, self.total_files)
        {
            reply.header("link", link);
        }
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let Some(repo) = cx.state.repos.get(&self.repo) else { return ToolReply::default() };
        ToolReply::json(&ToolCommit { view: CommitView { site: Site::of(cx), repo, oid: self.oid }, shown: self })
    }
}

/// A text in the form that the media type asked for.
pub(crate) struct Text {
    media: Media,
    bytes: Vec<u8>,
}

impl View<GitHub> for Text {
    fn rest(&self, _: &Cx<'_, GitHub>, reply: &mut Reply) {
        reply.body.clone_from(&self.bytes);
        reply.header("content-type", self.media.content_type());
    }
}

/// One commit.
#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    #[serde(rename = "ref")]
    name: String,
    #[serde(skip)]
    detail: Depth,
    page: Option<i64>,
    per_page: Option<i64>,
}

/// The same as the tool spells it.
#[derive(Deserialize)]
pub(crate) struct GetArguments {
    owner: String,
    repo: String,
    sha: String,
    #[serde(default)]
    detail: Depth,
    page: Option<i64>,
    #[serde(rename = "perPage")]
    per_page: Option<i64>,
}

impl From<GetArguments> for Get {
    fn from(from: GetArguments) -> Self {
        let GetArguments { owner, repo, sha, detail, page, per_page } = from;
        Self { owner, repo, name: sha, detail, page, per_page }
    }
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_commit";
    type Output = Box<dyn View<GitHub>>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Box<dyn View<GitHub>>, Error> {
        let repo = filled(cx, &self.owner, &self.repo)?;
        let Some(oid) = cx.state.revision(repo, &self.name) else {
            let ends_with_part =
                self.name.rsplit_once('/').is_some_and(|(name, _)| cx.state.revision(repo, name).is_some());
            if ends_with_part {
                return Err(Error::unsupported("this part of a commit"));
            }
            return Err(Error::unprocessable(format!("No commit found for SHA: {}", self.name)));
        };
        let objects = cx.objects();
        let changes = objects.changes_of(oid)?;
        match Media::of(cx) {
            media @ Media::Diff => return Ok(Box::new(Text { media, bytes: objects.diff_text(&changes)? })),
            media @ Media::Patch => return Ok(Box::new(Text { media, bytes: objects.format_patch(&[oid])? })),
            media @ Media::Sha => return Ok(Box::new(Text { media, bytes: oid.hex().into_bytes() })),
            _ => {}
        }
        let stats = Stats::of(objects, &changes)?;
        let paging = Paging::new(self.page, self.per_page, MOST_FILES, MOST_FILES);
        let total_files = changes.len();
        let files = paging.slice(changes.into_iter()).collect();
        Ok(Box::new(Shown { repo: repo.id, oid, files, paging, total_files, stats, depth: self.detail }))
    }
}

/// The branches that end with a commit.
#[derive(Deserialize)]
pub(crate) struct HeadOf {
    owner: String,
    repo: String,
    commit_sha: String,
}

/// Branches in one list.
pub(crate) struct Branches {
    repo: RepoId,
    all: Vec<(String, Oid)>,
}

impl View<GitHub> for Branches {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let (site, Some(repo)) = (Site::of(cx), cx.state.repos.get(&self.repo)) else { return };
        let views = self.all.iter().map(|(name, oid)| BranchView { site, repo, name, oid: *oid });
        reply.write_json(&views.collect::<Vec<_>>());
    }
}

impl Action<GitHub> for HeadOf {
    const NAME: &'static str = "list_branches_for_head_commit";
    type Output = Branches;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Branches, Error> {
        let repo = filled(cx, &self.owner, &self.repo)?;
        let missing = || Error::unprocessable(format!("No commit found for SHA: {}", self.commit_sha));
        let wanted = cx.state.revision(repo, &self.commit_sha).ok_or_else(missing)?;
        let branches = cx.state.refs_of(repo.id, "refs/heads/").filter(|(_, branch)| branch.oid == wanted);
        let all = branches.map(|(name, branch)| (name.trim_start_matches("refs/heads/").to_owned(), branch.oid));
        Ok(Branches { repo: repo.id, all: all.collect() })
    }
}

/// What happened on one commit since it left another.
pub(crate) struct Compared {
    repo: RepoId,
    base: String,
    head: String,
    comparison: Comparison,
    merge_base: Oid,
    files: Vec<Change>,
    /// `None` shows the first commits without pages.
    paging: Option<Paging>,
}

impl Compared {
    /// The commits of this page, oldest first.
    fn commits(&self) -> &[Oid] {
        let all = &self.comparison.commits;
        let (start, end) = match self.paging {
            Some(paging) => (paging.start(), paging.start().saturating_add(paging.per_page)),
            None => (0, MOST_COMMITS),
        };
        all.get(start.min(all.len())..end.min(all.len())).unwrap_or_default()
    }
}

/// `commit-comparison`
struct ComparisonView<'a> {
    site: Site<'a>,
    repo: &'a Repo,
    of: &'a Compared,
}

impl Serialize for ComparisonView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, of } = *self;
        let (api, owner, name) = (site.api, &repo.owner, &repo.name);
        let Compared { base, head, comparison, merge_base, .. } = of;
        let commit = |oid| CommitView { site, repo, oid };
        let basehead = format!("{}...{}", EncodedPath(base), EncodedPath(head));
        let (from, to) = (comparison.base, comparison.head);
        let sides = format!("{owner}:{}...{owner}:{}", from.short(12), to.short(12));
        let first = of.paging.is_none_or(|paging| paging.page == 1);
        let files = of.files.iter().take(if first { MOST_FILES } else { 0 });
        let files = files.map(|change| FileView { site, repo, change, sha: to, before: Some(*merge_base) });
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{name}/compare/{basehead}"))?;
        map.serialize_entry("html_url", &format_args!("{HTML}/{owner}/{name}/compare/{basehead}"))?;
        map.serialize_entry("permalink_url", &format_args!("{HTML}/{owner}/{name}/compare/{sides}"))?;
        map.serialize_entry("diff_url", &format_args!("{HTML}/{owner}/{name}/compare/{basehead}.diff"))?;
        map.serialize_entry("patch_url", &format_args!("{HTML}/{owner}/{name}/compare/{basehead}.patch"))?;
        map.serialize_entry("base_commit", &commit(from))?;
        map.serialize_entry("merge_base_commit", &commit(*merge_base))?;
        map.serialize_entry("status", comparison.standing().as_str())?;
        map.serialize_entry("ahead_by", &comparison.ahead_by())?;
        map.serialize_entry("behind_by", &comparison.behind_by)?;
        map.serialize_entry("total_commits", &comparison.ahead_by())?;
        map.serialize_entry("commits", &of.commits().iter().map(|oid| commit(*oid)).collect::<Vec<_>>())?;
        map.serialize_entry("files", &files.collect::<Vec<_>>())?;
        map.end()
    }
}

impl View<GitHub> for Compared {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let Some(repo) = cx.state.repos.get(&self.repo) else { return };
        reply.write_json(&ComparisonView { site: Site::of(cx), repo, of: self });
        if let Some(paging) = self.paging {
            let address = format!("{}{}", cx.origin, cx.path);
            if let Some(link) = paging.link(&address, cx.query, self.comparison.ahead_by()) {
                reply.header("link", link);
            }
        }
    }
}

/// Compares `base...head`; either side may be `owner:ref` or `owner:repo:ref` of the same network of forks.
#[derive(Deserialize)]
pub(crate) struct Compare {
    owner: String,
    repo: String,
    basehead: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

/// The commit of one side.
fn side(cx: &Cx<'_, GitHub>, repo: &Repo, text: &str) -> Result<Oid, Error> {
    let (repo, text) = match text.split_once(':') {
        None => (repo, text),
        Some((owner, rest)) => {
            let (name, text) = rest.split_once(':').map_or((None, rest), |(name, text)| (Some(name), text));
            (in_network(cx, repo, owner, name)?, text)
        }
    };
    cx.state.revision(repo, text).ok_or_else(Error::not_found)
}

/// The root of a network of forks.
fn root(cx: &Cx<'_, GitHub>, repo: &Repo) -> RepoId {
    let mut id = repo.id;
    while let Some(parent) = cx.state.repos.get(&id).and_then(|repo| repo.parent) {
        id = parent;
    }
    id
}

/// Somebody's repository in the network of `repo`.
fn in_network<'a>(cx: &'a Cx<'_, GitHub>, repo: &'a Repo, owner: &str, name: Option<&str>) -> Result<&'a Repo, Error> {
    if fold(&repo.owner) == fold(owner) && name.is_none_or(|name| fold(name) == fold(&repo.name)) {
        return Ok(repo);
    }
    let network = root(cx, repo);
    let found = cx.state.repos.values().find(|other| {
        fold(&other.owner) == fold(owner)
            && name.is_none_or(|name| fold(name) == fold(&other.name))
            && root(cx, other) == network
            && cx.permission(other).is_some()
    });
    found.ok_or_else(Error::not_found)
}

impl Action<GitHub> for Compare {
    const NAME: &'static str = "compare_commits";
    type Output = Box<dyn View<GitHub>>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Box<dyn View<GitHub>>, Error> {
        let repo = filled(cx, &self.owner, &self.repo)?;
        let sides = self.basehead.split_once("...").filter(|(base, head)| !base.is_empty() && !head.is_empty());
        let Some((base, head)) = sides else {
            return Err(Error::unprocessable("Invalid compare ref. Expected 'base...head'."));
        };
        let objects = cx.objects();
        let comparison = objects.compare(side(cx, repo, base)?, side(cx, repo, head)?)?;
        let Some(merge_base) = comparison.merge_base else {
            return Err(Error::new(404, format!("No common ancestor between {base} and {head}.")));
        };
        let files = objects.diff_trees(objects.commit(merge_base)?.tree, objects.commit(comparison.head)?.tree)?;
        match Media::of(cx) {
            media @ Media::Diff => return Ok(Box::new(Text { media, bytes: objects.diff_text(&files)? })),
            media @ Media::Patch => {
                return Ok(Box::new(Text { media, bytes: objects.format_patch(&comparison.commits)? }));
            }
            _ => {}
        }
        let paged = self.page.is_some() || self.per_page.is_some();
        let paging = paged.then(|| paging(self.page, self.per_page));
        let (base, head) = (base.to_owned(), head.to_owned());
        Ok(Box::new(Compared { repo: repo.id, base, head, comparison, merge_base, files, paging }))
    }
}
