//! Who works on an issue, and who could.

use pome_twin_kit::{Action, Cx, Reply, View, action};
use serde::Deserialize;

use super::issues::Written;
use super::notifications::{self, Reason};
use super::{Page, paging, rows};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::state::{Permission, Repo, State, UserKind, fold};
use crate::views::users::SimpleUser;

/// How many can be assigned to one issue.
const MOST: usize = 10;

/// The login in its own spelling, if that person can be assigned: whoever may push.
pub(crate) fn assignable<'a>(state: &'a State, repo: &Repo, login: &str) -> Option<&'a str> {
    let user = state.user(login).filter(|user| user.kind == UserKind::User)?;
    (state.permission(repo, login)? >= Permission::Write).then_some(user.login.as_str())
}

/// All of `wanted` in their own spelling, each once; somebody who cannot be assigned is an error.
pub(crate) fn all_assignable(state: &State, repo: &Repo, wanted: &[String]) -> Result<Vec<String>, Error> {
    let mut logins: Vec<String> = Vec::new();
    for wanted in wanted {
        let Some(login) = assignable(state, repo, wanted) else {
            return Err(Error::value("Issue", "assignees", "invalid", wanted.as_str()));
        };
        if !logins.iter().any(|known| known == login) {
            logins.push(login.to_owned());
        }
    }
    if logins.len() > MOST {
        return Err(Error::custom("Issue", "cannot have more than 10 assignees"));
    }
    Ok(logins)
}

/// Gives an issue these assignees and tells the trace.
fn put(cx: &mut Cx<'_, GitHub>, repo: &Repo, number: u64, assignees: Vec<String>) -> Written {
    let (key, now) = ((repo.id, number), cx.now());
    let before = cx.state.issues.get(&key).map(|issue| issue.assignees.clone()).unwrap_or_default();
    if before != assignees {
        for login in assignees.iter().filter(|login| !before.contains(login)) {
            notifications::tell(cx, key, login, Reason::Assign);
        }
        let [before, after] = [&before, &assignees].map(|logins| Some(rows::issue_assignees(repo, number, logins)));
        cx.changed(before, after);
        if let Some(issue) = cx.state.issues.get_mut(&key) {
            issue.assignees = assignees;
            issue.updated_at = now;
        }
    }
    Written(key)
}

#[derive(Deserialize)]
pub(crate) struct Add {
    owner: String,
    repo: String,
    issue_number: u64,
    assignees: Vec<String>,
}

impl Action<GitHub> for Add {
    const NAME: &'static str = "add_assignees";
    const MUTATES: bool = true;
    type Output = Written;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Written, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Triage)?.clone();
        let mut logins = cx.issue(&repo, self.issue_number)?.assignees.clone();
        for wanted in &self.assignees {
            if let Some(login) = assignable(cx.state, &repo, wanted)
                && logins.len() < MOST
                && !logins.iter().any(|known| known == login)
            {
                logins.push(login.to_owned());
            }
        }
        Ok(put(cx, &repo, self.issue_number, logins))
    }
}

#[derive(Deserialize)]
pub(crate) struct Remove {
    owner: String,
    repo: String,
    issue_number: u64,
    assignees: Vec<String>,
}

impl Action<GitHub> for Remove {
    const NAME: &'static str = "remove_assignees";
    const MUTATES: bool = true;
    type Output = Written;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Written, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Triage)?.clone();
        let mut logins = cx.issue(&repo, self.issue_number)?.assignees.clone();
        logins.retain(|login| !self.assignees.iter().any(|unwanted| fold(unwanted) == fold(login)));
        Ok(put(cx, &repo, self.issue_number, logins))
    }
}

/// A page of people.
pub(crate) struct People(Page<String>);

impl View<GitHub> for People {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, login| Some(SimpleUser::of(site, login)));
    }
}

/// Everybody who can be assigned in a repository.
#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_assignees";
    type Output = People;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<People, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let places = cx.state.collaborators_of(repo.id).map(|place| place.login.as_str());
        let logins = places.filter(|login| fold(login) != fold(&repo.owner)).chain([repo.owner.as_str()]);
        let mut logins: Vec<String> =
            logins.filter_map(|login| assignable(cx.state, repo, login)).map(str::to_owned).collect();
        logins.sort_by_key(|login| fold(login));
        Ok(People(Page::of(logins.into_iter(), paging(self.page, self.per_page))))
    }
}

/// Whether somebody can be assigned: 204 or 404.
#[derive(Deserialize)]
pub(crate) struct Check {
    owner: String,
    repo: String,
    assignee: String,
}

impl Action<GitHub> for Check {
    const NAME: &'static str = "check_assignee";
    type Output = action::Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<action::Empty, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        assignable(cx.state, repo, &self.assignee).map(|_| action::Empty).ok_or_else(Error::not_found)
    }
}
