//! Sub-issues and dependencies of issues.

use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::issues::{Shown, found};
use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::relations::{DEEPEST, MOST_CHILDREN};
use crate::state::{Numbered, Permission, Repo, State, fold};
use crate::views::events::value;
use crate::views::issues::{Extra, IssueView, issue_id};
use crate::views::{HTML, Site};

const RESOURCE: &str = "SubIssue";

/// The relations of an issue for the trace.
fn row(state: &State, key: Numbered) -> Option<Value> {
    let (repo, issue) = found(state, key)?;
    let names = |keys: &[Numbered]| -> Vec<String> {
        keys.iter().filter_map(|key| Some(format!("{}#{}", state.repos.get(&key.0)?.full_name(), key.1))).collect()
    };
    Some(json!({
        "repo": repo.full_name(), "issue_number": issue.number, "sub_issues": names(state.sub_issues(key)),
        "blocked_by": names(state.blockers(key)),
    }))
}

/// An issue that may have sub-issues: pull requests have none.
fn issue(cx: &Cx<'_, GitHub>, repo: &Repo, number: u64) -> Result<Numbered, Error> {
    let key = (repo.id, cx.issue(repo, number)?.number);
    if cx.state.is_pull(key) {
        return Err(Error::not_found());
    }
    if !repo.has_issues {
        return Err(Error::new(410, "Issues has been disabled in this repository."));
    }
    Ok(key)
}

/// The issue of an id, as far as the caller may see it.
pub(super) fn by_id(cx: &Cx<'_, GitHub>, id: u64) -> Option<Numbered> {
    let of_id = |(key, _): &(&Numbered, &crate::state::Issue)| {
        let repo = cx.state.repos.get(&key.0).filter(|repo| cx.permission(repo).is_some());
        repo.is_some_and(|repo| u64::from(issue_id(repo, key.1)) == id) && !cx.state.is_pull(**key)
    };
    cx.state.issues.iter().find(of_id).map(|(key, _)| *key)
}

/// A page of issues, in full.
pub(crate) struct Listed(Page<Numbered>);

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, key| {
            let (repo, issue) = found(site.state, *key)?;
            Some(value(IssueView { site, repo, issue, extra: Extra::Repository }))
        });
    }
}

/// The sub-issues of an issue, by priority.
#[derive(Deserialize)]
pub(crate) struct List {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) issue_number: u64,
    pub(crate) page: Option<i64>,
    pub(crate) per_page: Option<i64>,
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_sub_issues";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let key = issue(cx, cx.repo(&self.owner, &self.repo)?, self.issue_number)?;
        let children = cx.state.sub_issues(key).iter().copied();
        let visible =
            children.filter(|(repo, _)| cx.state.repos.get(repo).is_some_and(|repo| cx.permission(repo).is_some()));
        Ok(Listed(Page::of(visible, paging(self.page, self.per_page))))
    }
}

/// The issue above an issue.
#[derive(Deserialize)]
pub(crate) struct Parent {
    owner: String,
    repo: String,
    issue_number: u64,
}

impl Action<GitHub> for Parent {
    const NAME: &'static str = "get_parent_issue";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let key = issue(cx, cx.repo(&self.owner, &self.repo)?, self.issue_number)?;
        cx.state.parent_of(key).map(Shown).ok_or_else(Error::not_found)
    }
}

/// The parent of an issue, as the official server's tool shows it.
#[derive(Deserialize)]
pub(crate) struct ParentForTool {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) issue_number: u64,
}

/// The parent, if there is one.
pub(crate) struct ParentShown(Option<Numbered>);

impl View<GitHub> for ParentShown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let parent = self.0.and_then(|key| found(cx.state, key)).map(|(repo, issue)| {
            json!({
                "number": issue.number, "title": issue.title, "state": if issue.open { "OPEN" } else { "CLOSED" },
                "url": format!("{HTML}/{}/issues/{}", repo.full_name(), issue.number), "repository": repo.full_name(),
            })
        });
        reply.write_json(&json!({ "parent": parent }));
    }
}

impl Action<GitHub> for ParentForTool {
    const NAME: &'static str = "get_parent_issue";
    type Output = ParentShown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<ParentShown, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let key = (repo.id, cx.issue(repo, self.issue_number)?.number);
        Ok(ParentShown(cx.state.parent_of(key)))
    }
}

/// An issue whose relations changed; a tool is shown it in full.
pub(crate) struct Changed(Numbered);

impl View<GitHub> for Changed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some((repo, issue)) = found(cx.state, self.0) {
            reply.write_json(&IssueView { site: Site::of(cx), repo, issue, extra: Extra::None });
        }
    }
}

impl Changed {
    fn tell(cx: &mut Cx<'_, GitHub>, key: Numbered, before: Option<Value>) -> Self {
        cx.state.touch(key, cx.now());
        let after = row(cx.state, key);
        cx.changed(before, after);
        Self(key)
    }
}

/// Puts an issue below another one.
#[derive(Deserialize)]
pub(crate) struct Add {
    owner: String,
    repo: String,
    issue_number: u64,
    sub_issue_id: u64,
    replace_parent: Option<bool>,
}

impl Action<GitHub> for Add {
    const NAME: &'static str = "add_sub_issue";
    const MUTATES: bool = true;
    type Output = Changed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Changed, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Triage)?.clone();
        let key = issue(cx, &repo, self.issue_number)?;
        let child =
            by_id(cx, self.sub_issue_id).ok_or_else(|| Error::new(404, "The provided sub-issue does not exist"))?;
        let owner = cx.state.repos.get(&child.0).map(|repo| fold(&repo.owner)).unwrap_or_default();
        let refuse = |message: &str| Err(Error::custom(RESOURCE, message));
        if owner != fold(&repo.owner) {
            return refuse("The sub-issue must belong to the same repository owner as the parent issue");
        }
        if child == key || cx.state.line_of(key).contains(&child) {
            return refuse("Sub-issue cannot be added to itself or to an issue below it");
        }
        let parent = cx.state.parent_of(child);
        if parent == Some(key) {
            return refuse("Issue may not contain duplicate sub-issues");
        }
        if parent.is_some() && self.replace_parent != Some(true) {
            return refuse("Sub issue may only have one parent");
        }
        if cx.state.sub_issues(key).len() >= MOST_CHILDREN {
            return refuse("Parent cannot have more than 100 sub-issues");
        }
        if cx.state.line_of(key).len() + cx.state.depth_below(child) > DEEPEST {
            return refuse("Sub-issues cannot be nested more than 8 levels deep");
        }
        let before = row(cx.state, key);
        cx.state.adopt(key, child);
        Ok(Changed::tell(cx, key, before))
    }
}

/// Takes an issue from below another one.
#[derive(Deserialize)]
pub(crate) struct Remove {
    owner: String,
    repo: String,
    issue_number: u64,
    sub_issue_id: u64,
}

/// The child must be below the issue.
fn child_of(cx: &Cx<'_, GitHub>, key: Numbered, id: u64) -> Result<Numbered, Error> {
    let child = by_id(cx, id).filter(|child| cx.state.parent_of(*child) == Some(key));
    child.ok_or_else(|| Error::new(404, "The provided sub-issue does not exist"))
}

impl Action<GitHub> for Remove {
    const NAME: &'static str = "remove_sub_issue";
    const MUTATES: bool = true;
    type Output = Changed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Changed, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Triage)?.clone();
        let key = issue(cx, &repo, self.issue_number)?;
        let child = child_of(cx, key, self.sub_issue_id)?;
        let before = row(cx.state, key);
        cx.state.disown(child);
        Ok(Changed::tell(cx, key, before))
    }
}

/// Moves a sub-issue before or after another one.
#[derive(Deserialize)]
pub(crate) struct Reprioritize {
    owner: String,
    repo: String,
    issue_number: u64,
    sub_issue_id: u64,
    after_id: Option<u64>,
    before_id: Option<u64>,
}

impl Action<GitHub> for Reprioritize {
    const NAME: &'static str = "reprioritize_sub_issue";
    const MUTATES: bool = true;
    type Output = Changed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Changed, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Triage)?.clone();
        let key = issue(cx, &repo, self.issue_number)?;
        let child = child_of(cx, key, self.sub_issue_id)?;
        let (beside, offset) = match (self.after_id, self.before_id) {
            (Some(id), None) => (id, 1),
            (None, Some(id)) => (id, 0),
            _ => return Err(Error::unprocessable("Exactly one of after_id and before_id must be given")),
        };
        let beside = child_of(cx, key, beside)?;
        let before = row(cx.state, key);
        let mut children = cx.state.sub_issues(key).to_vec();
        if beside != child {
            children.retain(|other| *other != child);
            let at = children.iter().position(|other| *other == beside).map_or(children.len(), |at| at + offset);
            children.insert(at.min(children.len()), child);
            cx.state.children.insert(key, children);
        }
        Ok(Changed::tell(cx, key, before))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Method {
    Add,
    Remove,
    Reprioritize,
}

/// The official server's one tool for sub-issues.
#[derive(Deserialize)]
pub(crate) struct Write {
    method: Method,
    owner: String,
    repo: String,
    issue_number: u64,
    sub_issue_id: u64,
    replace_parent: Option<bool>,
    after_id: Option<u64>,
    before_id: Option<u64>,
}

impl Action<GitHub> for Write {
    const NAME: &'static str = "sub_issue_write";
    const MUTATES: bool = true;
    type Output = Changed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Changed, Error> {
        let Self { owner, repo, issue_number, sub_issue_id, replace_parent, after_id, before_id, .. } = self;
        match self.method {
            Method::Add => {
                cx.doc = "issues/sub-issues#add-sub-issue";
                Add { owner, repo, issue_number, sub_issue_id, replace_parent }.run(cx)
            }
            Method::Remove => {
                cx.doc = "issues/sub-issues#remove-sub-issue";
                Remove { owner, repo, issue_number, sub_issue_id }.run(cx)
            }
            Method::Reprioritize => {
                cx.doc = "issues/sub-issues#reprioritize-sub-issue";
                Reprioritize { owner, repo, issue_number, sub_issue_id, after_id, before_id }.run(cx)
            }
        }
    }
}

/// What an issue waits for.
#[derive(Deserialize)]
pub(crate) struct BlockedBy {
    owner: String,
    repo: String,
    issue_number: u64,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for BlockedBy {
    const NAME: &'static str = "list_blocked_by";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let key = issue(cx, cx.repo(&self.owner, &self.repo)?, self.issue_number)?;
        Ok(Listed(Page::of(cx.state.blockers(key).iter().copied(), paging(self.page, self.per_page))))
    }
}

/// What waits for an issue.
#[derive(Deserialize)]
pub(crate) struct Blocking {
    owner: String,
    repo: String,
    issue_number: u64,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for Blocking {
    const NAME: &'static str = "list_blocking";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let key = issue(cx, cx.repo(&self.owner, &self.repo)?, self.issue_number)?;
        Ok(Listed(Page::of(cx.state.blocks(key), paging(self.page, self.per_page))))
    }
}

/// Says that an issue waits for another one.
#[derive(Deserialize)]
pub(crate) struct Block {
    owner: String,
    repo: String,
    issue_number: u64,
    issue_id: u64,
}

impl Action<GitHub> for Block {
    const NAME: &'static str = "add_blocked_by";
    const MUTATES: bool = true;
    type Output = Changed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Changed, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Triage)?.clone();
        let key = issue(cx, &repo, self.issue_number)?;
        let other = by_id(cx, self.issue_id).ok_or_else(Error::not_found)?;
        let mut blockers = cx.state.blockers(key).to_vec();
        if other == key || blockers.contains(&other) {
            return Err(Error::value("IssueDependency", "issue_id", "invalid", self.issue_id));
        }
        let before = row(cx.state, key);
        blockers.push(other);
        cx.state.blocked_by.insert(key, blockers);
        Ok(Changed::tell(cx, key, before))
    }
}

/// Takes that back.
#[derive(Deserialize)]
pub(crate) struct Unblock {
    owner: String,
    repo: String,
    issue_number: u64,
    issue_id: u64,
}

impl Action<GitHub> for Unblock {
    const NAME: &'static str = "remove_blocked_by";
    const MUTATES: bool = true;
    type Output = Changed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Changed, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Triage)?.clone();
        let key = issue(cx, &repo, self.issue_number)?;
        let mut blockers = cx.state.blockers(key).to_vec();
        let other = by_id(cx, self.issue_id).filter(|other| blockers.contains(other)).ok_or_else(Error::not_found)?;
        let before = row(cx.state, key);
        blockers.retain(|blocker| *blocker != other);
        cx.state.blocked_by.insert(key, blockers);
        Ok(Changed::tell(cx, key, before))
    }
}

/// The stored row of an issue that has sub-issues.
pub(crate) fn export_children(state: &State, parent: Numbered) -> Value {
    let names: Vec<String> = state
        .sub_issues(parent)
        .iter()
        .filter_map(|key| Some(format!("{}#{}", state.repos.get(&key.0)?.full_name(), key.1)))
        .collect();
    json!({ "parent": parent.1, "children": names })
}

/// The stored row of an issue that waits for others.
pub(crate) fn export_blockers(state: &State, blocked: Numbered) -> Value {
    let names: Vec<String> = state
        .blockers(blocked)
        .iter()
        .filter_map(|key| Some(format!("{}#{}", state.repos.get(&key.0)?.full_name(), key.1)))
        .collect();
    json!({ "issue": blocked.1, "blocked_by": names })
}
