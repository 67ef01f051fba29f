//! Pull requests: opening, reading, changing, and who shall review them.

use pome_twin_kit::action::Empty;
use pome_twin_kit::clock::Time;
use pome_twin_kit::input::nullable;
use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::media::Media;
use super::merges::detail;
use super::notifications::{self, Reason};
use super::{Page, check_runs, comments, paging, review_comments, reviews, statuses};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::{Change, Oid};
use crate::refs::{close_pull, commit_named};
use crate::state::{Issue, Numbered, Permission, Pull, Repo, RepoId, State, fold};
use crate::views::commits::{CommitView, GitUser};
use crate::views::files::{FileView, ShortFile};
use crate::views::orgs::asked;
use crate::views::pulls::{Detail, PullView, ToolPull, pull_id};
use crate::views::users::simple_users;
use crate::views::{HTML, Site};

/// One pull request in full, or its difference when the caller asks for that media type.
pub(crate) struct Shown {
    key: Numbered,
    detail: Detail,
}

impl Shown {
    pub(crate) fn of(cx: &mut Cx<'_, GitHub>, key: Numbered) -> Result<Self, Error> {
        Ok(Self { key, detail: detail(cx, key)? })
    }
}

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(view) = PullView::of(Site::of(cx), self.key, Some(&self.detail)) {
            reply.write_json(&view);
        }
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let (site, key) = (Site::of(cx), self.key);
        let rows = (site.state.repos.get(&key.0), site.state.issues.get(&key), site.state.pulls.get(&key));
        let (Some(repo), Some(issue), Some(pull)) = rows else { return ToolReply::error_text(404, "Not Found") };
        ToolReply::json(&ToolPull { site, repo, issue, pull, detail: Some(&self.detail), fields: &[] })
    }
}

/// A pull request that was just written: the official server answers a tool with no more than where it is.
pub(crate) struct Written(Shown);

impl View<GitHub> for Written {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.rest(cx, reply);
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let (repo, number) = self.0.key;
        let Some(repo) = cx.state.repos.get(&repo) else { return ToolReply::error_text(404, "Not Found") };
        let url = format!("{HTML}/{}/{}/pull/{number}", repo.owner, repo.name);
        ToolReply::json(&json!({ "id": pull_id(repo, number).to_string(), "url": url }))
    }
}

/// One pull request in its short form.
pub(crate) struct Short(pub(crate) Numbered);

impl View<GitHub> for Short {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(view) = PullView::of(Site::of(cx), self.0, None) {
            reply.write_json(&view);
        }
    }
}

/// The row of a pull request in the trace.
pub(crate) fn row(state: &State, key: Numbered) -> Option<Value> {
    let (repo, issue, pull) = (state.repos.get(&key.0)?, state.issues.get(&key)?, state.pulls.get(&key)?);
    let base = state.pull_base(key).unwrap_or(pull.base_sha);
    Some(json!({
        "repo": repo.full_name(), "number": pull.number, "title": issue.title,
        "body": issue.body.as_deref().unwrap_or_default(), "state": if issue.open { "open" } else { "closed" },
        "user_login": issue.user, "head_ref": pull.head_ref, "head_sha": pull.head_sha, "base_ref": pull.base_ref,
        "base_sha": base, "draft": pull.draft, "merged": pull.merged, "merge_commit_sha": pull.merge_commit_sha,
        "requested_reviewers": pull.requested_reviewers,
        "requested_teams": state.accounts.asked(key.0, key.1).map(|team| &team.slug).collect::<Vec<_>>(),
        "created_at": issue.created_at.to_seconds(), "updated_at": issue.updated_at.to_seconds(),
        "closed_at": issue.closed_at.map(Time::to_seconds), "merged_at": pull.merged_at.map(Time::to_seconds),
    }))
}

/// A pull request with everything that is compared for it.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) repo: Repo,
    pub(crate) issue: Issue,
    pub(crate) pull: Pull,
    /// The base branch's head now, or when the pull request was closed.
    pub(crate) base: Oid,
}

impl Target {
    pub(crate) fn find(cx: &Cx<'_, GitHub>, owner: &str, repo: &str, number: u64) -> Result<Self, Error> {
        let repo = cx.repo(owner, repo)?;
        let (issue, pull) = cx.pull(repo, number)?;
        let base = cx.state.pull_base((repo.id, number)).unwrap_or(pull.base_sha);
        Ok(Self { repo: repo.clone(), issue: issue.clone(), pull: pull.clone(), base })
    }

    pub(crate) fn key(&self) -> Numbered {
        (self.repo.id, self.pull.number)
    }

    /// The caller must be allowed at least this, or be the author.
    pub(crate) fn author_or(&self, cx: &Cx<'_, GitHub>, needed: Permission) -> Result<(), Error> {
        let needed = if fold(cx.actor()) == fold(&self.issue.user) { Permission::Read } else { needed };
        cx.repo_to_write(&self.repo.owner, &self.repo.name, needed).map(|_| ())
    }

    /// Files as they differ now, by path.
    pub(crate) fn changes(&self, cx: &Cx<'_, GitHub>) -> Result<Vec<Change>, Error> {
        Ok(cx.objects().changes_between(self.base, self.pull.head_sha)?)
    }

    /// Commits of the head that the base has not, oldest first.
    pub(crate) fn commits(&self, cx: &Cx<'_, GitHub>) -> Result<Vec<Oid>, Error> {
        Ok(cx.objects().compare(self.base, self.pull.head_sha)?.commits)
    }

    /// `owner:branch`
    pub(crate) fn head_label(&self, cx: &Cx<'_, GitHub>) -> String {
        label(cx, self.pull.head_repo, &self.pull.head_ref)
    }
}

fn label(cx: &Cx<'_, GitHub>, repo: RepoId, branch: &str) -> String {
    let owner = cx.state.repos.get(&repo).map_or("unknown", |repo| repo.owner.as_str());
    format!("{owner}:{branch}")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Standing {
    Open,
    Closed,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sort {
    Created,
    Updated,
    Popularity,
    LongRunning,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    Asc,
    Desc,
}

/// Pull requests of a repository, newest first unless said otherwise.
#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    state: Option<Standing>,
    head: Option<String>,
    base: Option<String>,
    sort: Option<Sort>,
    direction: Option<Direction>,
    page: Option<i64>,
    per_page: Option<i64>,
    #[serde(skip)]
    fields: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct ListArguments {
    owner: String,
    repo: String,
    state: Option<Standing>,
    head: Option<String>,
    base: Option<String>,
    sort: Option<Sort>,
    direction: Option<Direction>,
    page: Option<i64>,
    #[serde(alias = "perPage")]
    per_page: Option<i64>,
    #[serde(default)]
    fields: Vec<String>,
}

impl From<ListArguments> for List {
    fn from(given: ListArguments) -> Self {
        let ListArguments { owner, repo, state, head, base, sort, direction, page, per_page, fields } = given;
        Self { owner, repo, state, head, base, sort, direction, page, per_page, fields }
    }
}

pub(crate) struct Listed {
    page: Page<Numbered>,
    fields: Vec<String>,
}

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        let rows: Vec<_> = self.page.keys.iter().filter_map(|key| PullView::of(site, *key, None)).collect();
        reply.write_json(&rows);
        self.page.link(cx, reply);
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let site = Site::of(cx);
        let show = |key: &Numbered| {
            let (repo, issue) = (site.state.repos.get(&key.0)?, site.state.issues.get(key)?);
            let pull = site.state.pulls.get(key)?;
            Some(ToolPull { site, repo, issue, pull, detail: None, fields: &self.fields })
        };
        ToolReply::json(&self.page.keys.iter().filter_map(show).collect::<Vec<_>>())
    }
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_pull_requests";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let (id, state) = (repo.id, &*cx.state);
        let filled = |text: &'_ Option<String>| text.clone().filter(|text| !text.is_empty());
        let (head, base) = (filled(&self.head), filled(&self.base));
        let from = |pull: &Pull| match head.as_deref().map(|head| head.split_once(':').unwrap_or(("", head))) {
            None => true,
            Some((owner, branch)) => {
                let head_owner = state.repos.get(&pull.head_repo).map_or("", |repo| repo.owner.as_str());
                pull.head_ref == branch && (owner.is_empty() || fold(owner) == fold(head_owner))
            }
        };
        let mut found: Vec<(&Issue, &Pull)> = state
            .pulls_of(id)
            .filter_map(|pull| Some((state.issues.get(&(id, pull.number))?, pull)))
            .filter(|(issue, _)| match self.state.unwrap_or(Standing::Open) {
                Standing::All => true,
                Standing::Open => issue.open,
                Standing::Closed => !issue.open,
            })
            .filter(|(_, pull)| from(pull) && base.as_ref().is_none_or(|base| pull.base_ref == *base))
            .collect();
        let sort = self.sort.unwrap_or(Sort::Created);
        found.sort_by_key(|(issue, pull)| match sort {
            Sort::Created | Sort::LongRunning => (issue.created_at.0, pull.number),
            Sort::Updated => (issue.updated_at.0, pull.number),
            Sort::Popularity => (issue.comments, pull.number),
        });
        // Without a direction, a list that is sorted by something that was named goes up.
        let direction = self.direction.unwrap_or(match self.sort {
            None | Some(Sort::Created) => Direction::Desc,
            Some(_) => Direction::Asc,
        });
        if direction == Direction::Desc {
            found.reverse();
        }
        let keys = found.into_iter().map(|(_, pull)| (id, pull.number));
        Ok(Listed { page: Page::of(keys, paging(self.page, self.per_page)), fields: self.fields })
    }
}

/// Pull requests that a commit belongs to: those that have it, and the merged one that brought it.
#[derive(Deserialize)]
pub(crate) struct OfCommit {
    owner: String,
    repo: String,
    commit_sha: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for OfCommit {
    const NAME: &'static str = "list_pull_requests_of_commit";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.clone();
        let sha = commit_named(cx, &repo, &self.commit_sha)?;
        let mut keys = Vec::new();
        for pull in cx.state.pulls_of(repo.id) {
            let target = Target::find(cx, &self.owner, &self.repo, pull.number)?;
            if pull.merge_commit_sha == Some(sha) || target.commits(cx)?.contains(&sha) {
                keys.push(target.key());
            }
        }
        let page = Page::of(keys.into_iter(), paging(self.page, self.per_page));
        Ok(Listed { page, fields: Vec::new() })
    }
}

/// What of one pull request is meant, in the words of the routes.
#[derive(Deserialize)]
pub(crate) struct Get {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) pull_number: u64,
}

/// A pull request as JSON or in the form that the request's media type names.
pub(crate) enum Form {
    Json(Box<Shown>),
    Text { media: Media, bytes: Vec<u8> },
}

impl View<GitHub> for Form {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        match self {
            Self::Json(shown) => shown.rest(cx, reply),
            Self::Text { media, bytes } => {
                reply.body.clone_from(bytes);
                reply.header("content-type", media.content_type());
            }
        }
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        match self {
            Self::Json(shown) => shown.tool(cx),
            Self::Text { bytes, .. } => ToolReply::text(&String::from_utf8_lossy(bytes)),
        }
    }
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_pull_request";
    type Output = Form;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Form, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        let media = Media::of(cx);
        let bytes = match media {
            Media::Diff => cx.objects().diff_text(&target.changes(cx)?)?,
            Media::Patch => cx.objects().format_patch(&target.commits(cx)?)?,
            Media::Sha => target.pull.head_sha.hex().into_bytes(),
            _ => return Ok(Form::Json(Box::new(Shown::of(cx, target.key())?))),
        };
        Ok(Form::Text { media, bytes })
    }
}

/// The difference as text in JSON: a route that only this twin has.
#[derive(Deserialize)]
pub(crate) struct Diff {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) pull_number: u64,
}

/// A difference; plain text for a tool.
pub(crate) struct DiffText(Vec<u8>);

impl View<GitHub> for DiffText {
    fn rest(&self, _: &Cx<'_, GitHub>, reply: &mut Reply) {
        reply.write_json(&json!({ "diff": String::from_utf8_lossy(&self.0) }));
    }

    fn tool(&self, _: &Cx<'_, GitHub>) -> ToolReply {
        ToolReply::text(&String::from_utf8_lossy(&self.0))
    }
}

impl Action<GitHub> for Diff {
    const NAME: &'static str = "get_pull_request_diff";
    type Output = DiffText;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<DiffText, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        Ok(DiffText(cx.objects().diff_text(&target.changes(cx)?)?))
    }
}

/// The files that a pull request changes, as they stand now.
#[derive(Deserialize)]
pub(crate) struct Files {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) pull_number: u64,
    pub(crate) page: Option<i64>,
    pub(crate) per_page: Option<i64>,
}

pub(crate) struct FilesShown {
    repo: RepoId,
    head: Oid,
    before: Option<Oid>,
    page: Page<Change>,
}

impl View<GitHub> for FilesShown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let (sha, before) = (self.head, self.before);
        self.page.write(cx, reply, |site, change| {
            let repo = site.state.repos.get(&self.repo)?;
            Some(FileView { site, repo, change, sha, before })
        });
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let site = Site::of(cx);
        let rows: Vec<_> = self.page.keys.iter().map(|change| ShortFile { site, change }).collect();
        ToolReply::json(&rows)
    }
}

impl Action<GitHub> for Files {
    const NAME: &'static str = "get_pull_request_files";
    type Output = FilesShown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<FilesShown, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        let head = target.pull.head_sha;
        let before = cx.objects().merge_base(target.base, head)?;
        let page = Page::of(target.changes(cx)?.into_iter(), paging(self.page, self.per_page));
        Ok(FilesShown { repo: target.repo.id, head, before, page })
    }
}

/// The commits of a pull request, oldest first.
#[derive(Deserialize)]
pub(crate) struct Commits {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) pull_number: u64,
    pub(crate) page: Option<i64>,
    pub(crate) per_page: Option<i64>,
}

pub(crate) struct CommitsShown {
    repo: RepoId,
    page: Page<Oid>,
}

impl View<GitHub> for CommitsShown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.page.write(cx, reply, |site, oid| {
            let repo = site.state.repos.get(&self.repo)?;
            Some(CommitView { site, repo, oid: *oid })
        });
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let name = cx.state.repos.get(&self.repo).map(Repo::full_name).unwrap_or_default();
        let show = |oid: &Oid| {
            let commit = cx.objects().commit(*oid).ok()?;
            let author = serde_json::to_value(GitUser(&commit.author)).ok()?;
            let html_url = format!("{HTML}/{name}/commit/{oid}");
            Some(json!({ "sha": oid, "html_url": html_url, "message": commit.message, "author": author }))
        };
        ToolReply::json(&self.page.keys.iter().filter_map(show).collect::<Vec<_>>())
    }
}

impl Action<GitHub> for Commits {
    const NAME: &'static str = "get_pull_request_commits";
    type Output = CommitsShown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<CommitsShown, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        let page = Page::of(target.commits(cx)?.into_iter(), paging(self.page, self.per_page));
        Ok(CommitsShown { repo: target.repo.id, page })
    }
}

/// Opens a pull request.
#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    head: String,
    title: Option<String>,
    base: Option<String>,
    body: Option<String>,
    draft: Option<bool>,
    maintainer_can_modify: Option<bool>,
    head_repo: Option<String>,
    issue: Option<u64>,
    #[serde(skip)]
    reviewers: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct CreateArguments {
    owner: String,
    repo: String,
    title: String,
    head: String,
    base: Option<String>,
    body: Option<String>,
    draft: Option<bool>,
    maintainer_can_modify: Option<bool>,
    #[serde(default)]
    reviewers: Vec<String>,
}

impl From<CreateArguments> for Create {
    fn from(given: CreateArguments) -> Self {
        let CreateArguments { owner, repo, title, head, base, body, draft, maintainer_can_modify, reviewers } = given;
        let title = Some(title);
        Self {
            owner,
            repo,
            head,
            title,
            base,
            body,
            draft,
            maintainer_can_modify,
            head_repo: None,
            issue: None,
            reviewers,
        }
    }
}

/// Which repository and branch `head` means, seen from the base repository.
fn head_of(cx: &Cx<'_, GitHub>, base: &Repo, head: &str, name: Option<&str>) -> Option<(Repo, String)> {
    let (owner, branch) = head.split_once(':').unwrap_or((&base.owner, head));
    // Forks may be called something else: any repository of the owner in the same network will do.
    let root = |repo: &Repo| repo.parent.unwrap_or(repo.id);
    let related = |repo: &&Repo| fold(&repo.owner) == fold(owner) && root(repo) == root(base);
    let wanted = name.map(|name| name.rsplit('/').next().unwrap_or(name));
    let repo = match wanted {
        Some(name) => cx.state.repo(owner, name),
        None if fold(owner) == fold(&base.owner) => Some(base),
        None => cx.state.repos.values().find(related).or_else(|| cx.state.repo(owner, &base.name)),
    }?;
    let repo = cx.repo(&repo.owner, &repo.name).ok()?;
    Some((repo.clone(), branch.to_owned()))
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_pull_request";
    const MUTATES: bool = true;
    type Output = Written;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Written, Error> {
        let now = cx.now();
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Read)?.clone();
        let base_ref = self.base.filter(|base| !base.is_empty()).unwrap_or_else(|| repo.default_branch.clone());
        let invalid = |field: &str| Error::field("PullRequest", field, "invalid");
        let (head_repo, head_ref) =
            head_of(cx, &repo, &self.head, self.head_repo.as_deref()).ok_or_else(|| invalid("head"))?;
        let base_sha = cx.state.branch(repo.id, &base_ref).ok_or_else(|| invalid("base"))?.oid;
        let head_sha = cx.state.branch(head_repo.id, &head_ref).ok_or_else(|| invalid("head"))?.oid;
        // Who cannot push to the head has nothing to offer.
        cx.repo_to_write(&head_repo.owner, &head_repo.name, Permission::Write)?;
        refuse_duplicate(cx, repo.id, (head_repo.id, &head_ref), &base_ref)?;
        refuse_empty(cx, (repo.id, &base_ref, base_sha), (head_repo.id, &head_ref, head_sha))?;
        let actor = cx.actor().to_owned();
        cx.state.ensure_user(&actor, now);
        let number = match (self.issue, self.title) {
            (Some(number), _) => adopt(cx, &repo, number)?,
            (None, title) => {
                let title = title.unwrap_or_default();
                if title.trim().is_empty() {
                    return Err(Error::field("PullRequest", "title", "missing_field"));
                }
                let number = cx.state.next_number(repo.id);
                let issue = opened(number, title, self.body.filter(|body| !body.is_empty()), actor, now);
                cx.state.issues.insert((repo.id, number), issue);
                number
            }
        };
        let key = (repo.id, number);
        let pull = Pull {
            number,
            head_repo: head_repo.id,
            head_ref,
            head_sha,
            base_ref,
            base_sha,
            draft: self.draft.unwrap_or(false),
            merged: false,
            merged_at: None,
            merged_by: None,
            merge_commit_sha: None,
            requested_reviewers: Vec::new(),
            maintainer_can_modify: self.maintainer_can_modify.unwrap_or(head_repo.id != repo.id),
        };
        cx.state.pulls.insert(key, pull);
        notifications::opened(cx, key);
        request(cx, key, &self.reviewers)?;
        let after = row(cx.state, key);
        cx.changed(None, after);
        Ok(Written(Shown::of(cx, key)?))
    }
}

/// The issue side of a new pull request.
fn opened(number: u64, title: String, body: Option<String>, user: String, now: Time) -> Issue {
    Issue {
        number,
        title,
        body,
        open: true,
        state_reason: None,
        user,
        labels: Vec::new(),
        assignees: Vec::new(),
        milestone: None,
        locked: false,
        lock_reason: None,
        comments: 0,
        closed_by: None,
        created_at: now,
        updated_at: now,
        closed_at: None,
    }
}

/// An open issue that becomes a pull request.
fn adopt(cx: &mut Cx<'_, GitHub>, repo: &Repo, number: u64) -> Result<u64, Error> {
    let issue = cx.state.issues.get(&(repo.id, number)).filter(|issue| issue.open);
    if issue.is_none() || cx.state.is_pull((repo.id, number)) {
        return Err(Error::field("PullRequest", "issue", "invalid"));
    }
    cx.state.touch((repo.id, number), cx.now());
    Ok(number)
}

fn refuse_duplicate(cx: &Cx<'_, GitHub>, repo: RepoId, head: (RepoId, &str), base: &str) -> Result<(), Error> {
    let same = |pull: &Pull| (pull.head_repo, pull.head_ref.as_str()) == head && pull.base_ref == base;
    let is_open = |pull: &Pull| cx.state.issues.get(&(repo, pull.number)).is_some_and(|issue| issue.open);
    if cx.state.pulls_of(repo).any(|pull| same(pull) && is_open(pull)) {
        let message = format!("A pull request already exists for {}.", label(cx, head.0, head.1));
        return Err(Error::custom("PullRequest", &message));
    }
    Ok(())
}

/// A pull request has at least one commit.
fn refuse_empty(cx: &Cx<'_, GitHub>, base: (RepoId, &str, Oid), head: (RepoId, &str, Oid)) -> Result<(), Error> {
    if !cx.objects().is_ancestor(head.2, base.2)? {
        return Ok(());
    }
    let name = |side: (RepoId, &str, Oid)| {
        if base.0 == head.0 { side.1.to_owned() } else { label(cx, side.0, side.1) }
    };
    Err(Error::custom("PullRequest", &format!("No commits between {} and {}", name(base), name(head))))
}

/// Changes title, body, state or base.
#[derive(Deserialize)]
pub(crate) struct Update {
    owner: String,
    repo: String,
    pull_number: u64,
    title: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    body: Option<Option<String>>,
    state: Option<Standing>,
    base: Option<String>,
    maintainer_can_modify: Option<bool>,
    /// Only the tool can do this; the vendor's REST route cannot.
    #[serde(skip)]
    draft: Option<bool>,
    #[serde(skip)]
    reviewers: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct UpdateArguments {
    owner: String,
    repo: String,
    #[serde(alias = "pullNumber")]
    pull_number: u64,
    title: Option<String>,
    body: Option<String>,
    state: Option<Standing>,
    base: Option<String>,
    maintainer_can_modify: Option<bool>,
    draft: Option<bool>,
    #[serde(default)]
    reviewers: Vec<String>,
}

impl From<UpdateArguments> for Update {
    fn from(given: UpdateArguments) -> Self {
        let UpdateArguments { owner, repo, pull_number, title, body, state, base, .. } = given;
        let (maintainer_can_modify, draft, reviewers) = (given.maintainer_can_modify, given.draft, given.reviewers);
        let body = body.map(Some);
        Self { owner, repo, pull_number, title, body, state, base, maintainer_can_modify, draft, reviewers }
    }
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_pull_request";
    const MUTATES: bool = true;
    type Output = Written;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Written, Error> {
        let now = cx.now();
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        target.author_or(cx, Permission::Write)?;
        let key = target.key();
        let before = row(cx.state, key);
        let moved = self.base.filter(|base| *base != target.pull.base_ref);
        if target.pull.merged && (self.state == Some(Standing::Open) || moved.is_some()) {
            return Err(Error::conflict("Cannot reopen or rebase a merged pull request"));
        }
        if let Some(base) = moved {
            retarget(cx, &target, base)?;
        }
        match self.state {
            Some(Standing::All) => return Err(Error::field("PullRequest", "state", "invalid")),
            Some(Standing::Closed) if target.issue.open => {
                let base = cx.state.pull_base(key).unwrap_or(target.base);
                close_pull(cx.state, key, base, now);
                let actor = cx.actor().to_owned();
                if let Some(issue) = cx.state.issues.get_mut(&key) {
                    issue.closed_by = Some(actor);
                }
            }
            Some(Standing::Open) if !target.issue.open => reopen(cx, &target)?,
            _ => {}
        }
        if let Some(title) = self.title {
            if title.trim().is_empty() {
                return Err(Error::field("PullRequest", "title", "missing_field"));
            }
            change_issue(cx, key, |issue| issue.title = title);
        }
        if let Some(body) = self.body {
            change_issue(cx, key, |issue| issue.body = body.filter(|body| !body.is_empty()));
        }
        if let Some(allowed) = self.maintainer_can_modify {
            change_pull(cx, key, |pull| pull.maintainer_can_modify = allowed);
        }
        if let Some(draft) = self.draft.filter(|draft| *draft != target.pull.draft) {
            change_pull(cx, key, |pull| pull.draft = draft);
        }
        request(cx, key, &self.reviewers)?;
        let after = row(cx.state, key);
        cx.changed(before, after);
        Ok(Written(Shown::of(cx, key)?))
    }
}

fn change_issue(cx: &mut Cx<'_, GitHub>, key: Numbered, change: impl FnOnce(&mut Issue)) {
    let now = cx.now();
    if let Some(issue) = cx.state.issues.get_mut(&key) {
        change(issue);
        issue.updated_at = now;
    }
}

pub(crate) fn change_pull(cx: &mut Cx<'_, GitHub>, key: Numbered, change: impl FnOnce(&mut Pull)) {
    if let Some(pull) = cx.state.pulls.get_mut(&key) {
        change(pull);
    }
    cx.state.touch(key, cx.now());
}

/// Another base branch: it must exist, and the head must have something that it has not.
fn retarget(cx: &mut Cx<'_, GitHub>, target: &Target, base: String) -> Result<(), Error> {
    let repo = target.repo.id;
    let found = cx.state.branch(repo, &base).ok_or_else(|| Error::field("PullRequest", "base", "invalid"))?;
    let (oid, pull) = (found.oid, &target.pull);
    refuse_duplicate(cx, repo, (pull.head_repo, &pull.head_ref), &base)?;
    refuse_empty(cx, (repo, &base, oid), (pull.head_repo, &pull.head_ref, pull.head_sha))?;
    change_pull(cx, target.key(), |pull| {
        pull.base_ref = base;
        pull.base_sha = oid;
    });
    Ok(())
}

/// Opens a closed pull request again at its branches' heads; both must still be there.
fn reopen(cx: &mut Cx<'_, GitHub>, target: &Target) -> Result<(), Error> {
    let (key, pull) = (target.key(), &target.pull);
    let heads = (cx.state.branch(pull.head_repo, &pull.head_ref), cx.state.branch(key.0, &pull.base_ref));
    let (Some(head), Some(_)) = heads else { return Err(Error::field("PullRequest", "state", "invalid")) };
    let head = head.oid;
    refuse_duplicate(cx, key.0, (pull.head_repo, &pull.head_ref), &pull.base_ref)?;
    change_pull(cx, key, |pull| pull.head_sha = head);
    change_issue(cx, key, |issue| {
        issue.open = true;
        issue.closed_at = None;
        issue.closed_by = None;
    });
    Ok(())
}

/// Asks people for a review.
fn request(cx: &mut Cx<'_, GitHub>, key: Numbered, reviewers: &[String]) -> Result<(), Error> {
    let Some(repo) = cx.state.repos.get(&key.0).cloned() else { return Ok(()) };
    let author = cx.state.issues.get(&key).map(|issue| fold(&issue.user)).unwrap_or_default();
    let mut names = Vec::new();
    for login in reviewers {
        if fold(login) == author {
            return Err(Error::unprocessable("Review cannot be requested from pull request author."));
        }
        let owner = fold(&repo.owner) == fold(login);
        let place = cx.state.collaborators.get(&(repo.id, fold(login))).filter(|place| !place.pending);
        let inside = cx.state.accounts.through(&repo, login).is_some();
        if !owner && !inside && place.is_none() {
            return Err(not_collaborators(&repo));
        }
        names.push(cx.state.user(login).map_or_else(|| login.clone(), |user| user.login.clone()));
    }
    if names.is_empty() {
        return Ok(());
    }
    for name in &names {
        notifications::tell(cx, key, name, Reason::ReviewRequested);
    }
    change_pull(cx, key, |pull| {
        for name in names {
            if !pull.requested_reviewers.contains(&name) {
                pull.requested_reviewers.push(name);
            }
        }
    });
    Ok(())
}

fn not_collaborators(repo: &Repo) -> Error {
    Error::unprocessable(format!(
        "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a \
         collaborator of the {} repository.",
        repo.full_name()
    ))
}

/// Who has been asked for a review and has not given one.
#[derive(Deserialize)]
pub(crate) struct Reviewers {
    owner: String,
    repo: String,
    pull_number: u64,
}

pub(crate) struct ReviewersShown(Numbered, Vec<String>);

impl View<GitHub> for ReviewersShown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        #[derive(serde::Serialize)]
        struct Asked<'a> {
            users: Vec<crate::views::users::SimpleUser<'a>>,
            teams: Vec<Value>,
        }
        let site = Site::of(cx);
        let teams = asked(site, self.0.0, self.0.1);
        reply.write_json(&Asked { users: simple_users(site, &self.1), teams });
    }
}

impl Action<GitHub> for Reviewers {
    const NAME: &'static str = "list_requested_reviewers";
    type Output = ReviewersShown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<ReviewersShown, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let (_, pull) = cx.pull(repo, self.pull_number)?;
        Ok(ReviewersShown((repo.id, pull.number), pull.requested_reviewers.clone()))
    }
}

/// Asks for reviews.
#[derive(Deserialize)]
pub(crate) struct Request {
    owner: String,
    repo: String,
    pull_number: u64,
    #[serde(default)]
    reviewers: Vec<String>,
    #[serde(default)]
    team_reviewers: Vec<String>,
}

impl Request {
    pub(crate) const fn of(owner: String, repo: String, pull_number: u64, reviewers: Vec<String>) -> Self {
        Self { owner, repo, pull_number, reviewers, team_reviewers: Vec::new() }
    }
}

impl Action<GitHub> for Request {
    const NAME: &'static str = "request_reviewers";
    const MUTATES: bool = true;
    type Output = Short;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Short, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        target.author_or(cx, Permission::Triage)?;
        let key = target.key();
        let before = row(cx.state, key);
        for slug in &self.team_reviewers {
            let team = cx.state.accounts.team(&target.repo.owner, slug).map(|team| team.id);
            let team = team.filter(|team| cx.state.accounts.team_permission(*team, key.0).is_some());
            let team = team.ok_or_else(|| not_collaborators(&target.repo))?;
            cx.state.accounts.requested_teams.insert((key.0, key.1, team), ());
            let members = cx.state.accounts.team_members_of(team).into_iter();
            let members: Vec<String> = members.map(|(login, _)| login.to_owned()).collect();
            for login in members {
                notifications::tell(cx, key, &login, Reason::ReviewRequested);
            }
            cx.state.touch(key, cx.now());
        }
        request(cx, key, &self.reviewers)?;
        let after = row(cx.state, key);
        cx.changed(before, after);
        Ok(Short(key))
    }
}

/// Takes requests for reviews back.
#[derive(Deserialize)]
pub(crate) struct Unrequest {
    owner: String,
    repo: String,
    pull_number: u64,
    reviewers: Vec<String>,
    #[serde(default)]
    team_reviewers: Vec<String>,
}

impl Action<GitHub> for Unrequest {
    const NAME: &'static str = "remove_requested_reviewers";
    const MUTATES: bool = true;
    type Output = Short;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Short, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        target.author_or(cx, Permission::Triage)?;
        let key = target.key();
        let before = row(cx.state, key);
        for slug in &self.team_reviewers {
            if let Some(team) = cx.state.accounts.team(&target.repo.owner, slug).map(|team| team.id) {
                cx.state.accounts.requested_teams.remove(&(key.0, key.1, team));
            }
        }
        let gone: Vec<String> = self.reviewers.iter().map(|login| fold(login)).collect();
        if target.pull.requested_reviewers.iter().any(|login| gone.contains(&fold(login))) {
            change_pull(cx, key, |pull| pull.requested_reviewers.retain(|login| !gone.contains(&fold(login))));
        }
        let after = row(cx.state, key);
        cx.changed(before, after);
        Ok(Short(key))
    }
}

/// Whether a pull request is merged: 204 or 404.
#[derive(Deserialize)]
pub(crate) struct IsMerged {
    owner: String,
    repo: String,
    pull_number: u64,
}

impl Action<GitHub> for IsMerged {
    const NAME: &'static str = "check_pull_request_merged";
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        match cx.pull(repo, self.pull_number)? {
            (_, pull) if pull.merged => Ok(Empty),
            _ => Err(Error::not_found()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    Get,
    GetDiff,
    GetStatus,
    GetFiles,
    GetCommits,
    GetReviewComments,
    GetReviews,
    GetComments,
    GetCheckRuns,
}

impl Method {
    /// The documentation of the operation behind the method.
    const fn doc(self) -> &'static str {
        match self {
            Self::Get | Self::GetDiff => "pulls/pulls#get-a-pull-request",
            Self::GetStatus => "commits/statuses#get-the-combined-status-for-a-specific-reference",
            Self::GetFiles => "pulls/pulls#list-pull-requests-files",
            Self::GetCommits => "pulls/pulls#list-commits-on-a-pull-request",
            Self::GetReviewComments => "pulls/comments#list-review-comments-on-a-pull-request",
            Self::GetReviews => "pulls/reviews#list-reviews-for-a-pull-request",
            Self::GetComments => "issues/comments#list-issue-comments",
            Self::GetCheckRuns => "checks/runs#list-check-runs-for-a-git-reference",
        }
    }
}

/// The official server's one tool for reading a pull request.
#[derive(Deserialize)]
pub(crate) struct Read {
    method: Method,
    owner: String,
    repo: String,
    #[serde(alias = "pullNumber")]
    pull_number: u64,
    after: Option<String>,
    page: Option<i64>,
    #[serde(alias = "perPage")]
    per_page: Option<i64>,
}

impl Action<GitHub> for Read {
    const NAME: &'static str = "pull_request_read";
    type Output = Box<dyn View<GitHub>>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        cx.doc = self.method.doc();
        let Self { owner, repo, pull_number, after, page, per_page, .. } = self;
        Ok(match self.method {
            Method::Get => Box::new(Get { owner, repo, pull_number }.run(cx)?),
            Method::GetDiff => Box::new(Diff { owner, repo, pull_number }.run(cx)?),
            Method::GetStatus => Box::new(statuses::OfPull { owner, repo, pull_number }.run(cx)?),
            Method::GetFiles => Box::new(Files { owner, repo, pull_number, page, per_page }.run(cx)?),
            Method::GetCommits => Box::new(Commits { owner, repo, pull_number, page, per_page }.run(cx)?),
            Method::GetReviewComments => {
                Box::new(review_comments::Threads { owner, repo, pull_number, after, per_page }.run(cx)?)
            }
            Method::GetReviews => Box::new(reviews::List { owner, repo, pull_number, page, per_page }.run(cx)?),
            Method::GetComments => {
                let key = Target::find(cx, &owner, &repo, pull_number)?.key();
                Box::new(comments::listed(cx, key, None, paging(page, per_page)))
            }
            Method::GetCheckRuns => Box::new(check_runs::OfPull { owner, repo, pull_number, page, per_page }.run(cx)?),
        })
    }
}
