//! Milestones of a repository.

use pome_twin_kit::clock::Time;
use pome_twin_kit::input::nullable;
use pome_twin_kit::{Action, Cx, Reply, View, action};
use serde::Deserialize;

use super::issue_lists::{Direction, StateFilter};
use super::issues::OpenOrClosed;
use super::labels::Listed as Labels;
use super::{Page, paging, rows};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::state::{Milestone, Numbered, Permission, Repo, State, fold};
use crate::views::Site;
use crate::views::milestones::MilestoneView;

fn find(state: &State, key: Numbered) -> Result<&Milestone, Error> {
    state.milestones.get(&key).ok_or_else(Error::not_found)
}

/// One milestone.
pub(crate) struct Shown(Numbered);

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        let Some(repo) = cx.state.repos.get(&self.0.0) else { return };
        if reply.status == 201 {
            let address = format!("{}/repos/{}/{}/milestones/{}", site.api, repo.owner, repo.name, self.0.1);
            reply.header("location", address);
        }
        reply.write_json(&MilestoneView::find(site, repo, Some(self.0.1)));
    }
}

/// A page of milestones.
pub(crate) struct Listed {
    page: Page<Numbered>,
}

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.page.write(cx, reply, |site, (repo, number)| {
            MilestoneView::find(site, site.state.repos.get(repo)?, Some(*number))
        });
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sort {
    #[default]
    DueOn,
    Completeness,
}

#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    #[serde(default)]
    state: StateFilter,
    sort: Option<Sort>,
    direction: Option<Direction>,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_milestones";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let of_repo = cx.state.milestones.range((repo, 0)..=(repo, u64::MAX)).map(|(_, milestone)| milestone);
        let mut keys: Vec<(u64, Numbered)> = of_repo
            .filter(|milestone| self.state.admits(milestone.open))
            .map(|milestone| {
                let rank = match self.sort.unwrap_or_default() {
                    // What is not due comes after everything that is.
                    Sort::DueOn => milestone.due_on.map_or(u64::MAX, |at| at.0),
                    Sort::Completeness => {
                        let (open, closed) = cx.state.milestone_counts(repo, milestone.number);
                        u64::try_from(closed * 10_000 / (open + closed).max(1)).unwrap_or_default()
                    }
                };
                (rank, (repo, milestone.number))
            })
            .collect();
        keys.sort_unstable();
        if self.direction == Some(Direction::Desc) {
            keys.reverse();
        }
        Ok(Listed { page: Page::of(keys.into_iter().map(|(_, key)| key), paging(self.page, self.per_page)) })
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    milestone_number: u64,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_milestone";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let key = (cx.repo(&self.owner, &self.repo)?.id, self.milestone_number);
        find(cx.state, key).map(|_| Shown(key))
    }
}

/// A title that says something and that no other milestone of the repository has.
fn title(state: &State, repo: &Repo, text: &str, own: Option<u64>) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::field("Milestone", "title", "missing_field"));
    }
    let mut others = state.milestones.range((repo.id, 0)..=(repo.id, u64::MAX)).map(|(_, milestone)| milestone);
    if others.any(|other| Some(other.number) != own && fold(&other.title) == fold(text)) {
        return Err(Error::field("Milestone", "title", "already_exists"));
    }
    Ok(text.to_owned())
}

fn due_on(text: &str) -> Result<Time, Error> {
    Time::parse(text).ok_or_else(|| Error::value("Milestone", "due_on", "invalid", text))
}

#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    title: String,
    state: Option<OpenOrClosed>,
    description: Option<String>,
    due_on: Option<String>,
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_milestone";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?.clone();
        let title = title(cx.state, &repo, &self.title, None)?;
        let last = cx.state.milestones.range((repo.id, 0)..=(repo.id, u64::MAX)).next_back();
        let number = last.map_or(0, |((_, number), _)| *number) + 1;
        let open = self.state != Some(OpenOrClosed::Closed);
        let now = cx.now();
        let creator = cx.actor().to_owned();
        cx.state.ensure_user(&creator, now);
        let milestone = Milestone {
            number,
            title,
            description: self.description.filter(|text| !text.is_empty()),
            open,
            creator,
            due_on: self.due_on.as_deref().filter(|text| !text.is_empty()).map(due_on).transpose()?,
            created_at: now,
            updated_at: now,
            closed_at: (!open).then_some(now),
        };
        cx.changed(None, Some(rows::milestone(&repo, &milestone)));
        cx.state.milestones.insert((repo.id, number), milestone);
        Ok(Shown((repo.id, number)))
    }
}

#[derive(Deserialize)]
pub(crate) struct Update {
    owner: String,
    repo: String,
    milestone_number: u64,
    title: Option<String>,
    state: Option<OpenOrClosed>,
    #[serde(default, deserialize_with = "nullable")]
    description: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    due_on: Option<Option<String>>,
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_milestone";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?.clone();
        let key = (repo.id, self.milestone_number);
        let before = find(cx.state, key)?.clone();
        let mut after = before.clone();
        if let Some(text) = &self.title {
            after.title = title(cx.state, &repo, text, Some(key.1))?;
        }
        if let Some(description) = self.description {
            after.description = description.filter(|text| !text.is_empty());
        }
        if let Some(due) = self.due_on {
            after.due_on = due.as_deref().filter(|text| !text.is_empty()).map(due_on).transpose()?;
        }
        if let Some(state) = self.state {
            after.open = state == OpenOrClosed::Open;
            after.closed_at = if after.open { None } else { before.closed_at.or(Some(cx.now())) };
        }
        if after != before {
            after.updated_at = cx.now();
            cx.changed(Some(rows::milestone(&repo, &before)), Some(rows::milestone(&repo, &after)));
            cx.state.milestones.insert(key, after);
        }
        Ok(Shown(key))
    }
}

#[derive(Deserialize)]
pub(crate) struct Delete {
    owner: String,
    repo: String,
    milestone_number: u64,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_milestone";
    const MUTATES: bool = true;
    type Output = action::Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<action::Empty, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?.clone();
        let milestone = cx.state.milestones.remove(&(repo.id, self.milestone_number)).ok_or_else(Error::not_found)?;
        let issues = cx.state.issues_of(repo.id).filter(|issue| issue.milestone == Some(milestone.number));
        let numbers: Vec<u64> = issues.map(|issue| issue.number).collect();
        for number in numbers {
            if let Some(issue) = cx.state.issues.get_mut(&(repo.id, number)) {
                issue.milestone = None;
            }
        }
        cx.changed(Some(rows::milestone(&repo, &milestone)), None);
        Ok(action::Empty)
    }
}

/// The labels of a milestone's issues.
#[derive(Deserialize)]
pub(crate) struct ListLabels {
    owner: String,
    repo: String,
    milestone_number: u64,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for ListLabels {
    const NAME: &'static str = "list_milestone_labels";
    type Output = Labels;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Labels, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        find(cx.state, (repo, self.milestone_number))?;
        let issues = cx.state.issues_of(repo).filter(|issue| issue.milestone == Some(self.milestone_number));
        let mut names: Vec<String> = issues.flat_map(|issue| issue.labels.iter().cloned()).collect();
        names.sort_by_key(|name| fold(name));
        names.dedup();
        Ok(Labels { repo, page: Page::of(names.into_iter(), paging(self.page, self.per_page)) })
    }
}
