//! Statuses of commits.

use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::pulls::Target;
use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::Oid;
use crate::refs::commit_named;
use crate::state::{Permission, RepoId, State, Status};
use crate::views::Site;
use crate::views::statuses::{CombinedView, StatusView, ToolCombined, latest};

/// The row of a status in the trace.
fn row(state: &State, key: (RepoId, u64)) -> Option<Value> {
    let (repo, status) = (state.repos.get(&key.0)?, state.statuses.get(&key)?);
    Some(json!({
        "repo": repo.full_name(), "id": status.id, "sha": status.sha, "state": status.state,
        "context": status.context,
    }))
}

pub(crate) struct Shown((RepoId, u64));

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        let rows = (site.state.repos.get(&self.0.0), site.state.statuses.get(&self.0));
        if let (Some(repo), Some(status)) = rows {
            reply.write_json(&StatusView { site, repo, status, creator: true });
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Error,
    Failure,
    Pending,
    Success,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Failure => "failure",
            Self::Pending => "pending",
            Self::Success => "success",
        }
    }
}

/// Says something about a commit. Earlier statuses stay; the latest of a context counts.
#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    sha: String,
    state: Outcome,
    context: Option<String>,
    description: Option<String>,
    target_url: Option<String>,
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_commit_status";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?;
        let repo_id = repo.id;
        let unknown = || Error::unprocessable(format!("No commit found for SHA: {}", self.sha));
        let sha = Oid::parse(&self.sha).ok_or_else(unknown)?;
        commit_named(cx, repo, &self.sha)?;
        let creator = cx.actor().to_owned();
        cx.state.ensure_user(&creator, cx.now());
        let id = cx.state.next_status.next();
        let status = Status {
            id,
            sha,
            state: self.state.name().to_owned(),
            context: self.context.filter(|context| !context.is_empty()).unwrap_or_else(|| "default".to_owned()),
            description: self.description,
            target_url: self.target_url.filter(|url| !url.is_empty()),
            creator,
            created_at: cx.now(),
        };
        let key = (repo_id, id);
        cx.state.statuses.insert(key, status);
        let after = row(cx.state, key);
        cx.changed(None, after);
        Ok(Shown(key))
    }
}

/// The latest status of each context of a commit, and what they come to.
#[derive(Deserialize)]
pub(crate) struct Combined {
    owner: String,
    repo: String,
    r#ref: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

pub(crate) struct CombinedShown {
    repo: RepoId,
    sha: Oid,
    page: Page<u64>,
}

impl CombinedShown {
    fn of(cx: &Cx<'_, GitHub>, repo: RepoId, sha: Oid, page: (Option<i64>, Option<i64>)) -> Self {
        let ids = latest(cx.state, repo, sha).into_iter().map(|status| status.id);
        Self { repo, sha, page: Page::of(ids, paging(page.0, page.1)) }
    }

    fn view<'a>(&'a self, site: Site<'a>) -> Option<CombinedView<'a>> {
        let repo = site.state.repos.get(&self.repo)?;
        Some(CombinedView { site, repo, sha: self.sha, page: &self.page.keys, total: self.page.total })
    }
}

impl View<GitHub> for CombinedShown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(view) = self.view(Site::of(cx)) {
            reply.write_json(&view);
            self.page.link(cx, reply);
        }
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        self.view(Site::of(cx))
            .map_or_else(|| ToolReply::error_text(404, "Not Found"), |view| ToolReply::json(&ToolCombined(view)))
    }
}

impl Action<GitHub> for Combined {
    const NAME: &'static str = "get_combined_status_for_ref";
    type Output = CombinedShown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<CombinedShown, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let sha = commit_named(cx, repo, &self.r#ref)?;
        Ok(CombinedShown::of(cx, repo.id, sha, (self.page, self.per_page)))
    }
}

/// The combined status of a pull request's head: a route that only this twin has, and a method of a tool.
#[derive(Deserialize)]
pub(crate) struct OfPull {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) pull_number: u64,
}

impl Action<GitHub> for OfPull {
    const NAME: &'static str = "get_pull_request_status";
    type Output = CombinedShown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<CombinedShown, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        Ok(CombinedShown::of(cx, target.repo.id, target.pull.head_sha, (None, Some(100))))
    }
}

/// Every status of a commit, newest first.
#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    r#ref: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

pub(crate) struct Listed(Page<(RepoId, u64)>);

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, key| {
            let (repo, status) = (site.state.repos.get(&key.0)?, site.state.statuses.get(key)?);
            Some(StatusView { site, repo, status, creator: true })
        });
    }
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_commit_statuses_for_ref";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let sha = commit_named(cx, repo, &self.r#ref)?;
        let on_commit = cx.state.statuses_of(repo.id).rev().filter(|status| status.sha == sha);
        Ok(Listed(Page::of(on_commit.map(|status| (repo.id, status.id)), paging(self.page, self.per_page))))
    }
}
