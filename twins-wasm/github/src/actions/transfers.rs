//! Repositories that go to another owner.

use pome_twin_kit::{Action, Cx, Reply};
use serde::Deserialize;

use super::git_rows as rows;
use super::repos::{free_name, teams_of};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::state::{Collaborator, Permission, UserKind, fold};
use crate::views::Site;
use crate::views::repos::RepoView;

/// Gives a repository to another account. The answer still shows the owner of before, as with the vendor, who finishes later.
#[derive(Deserialize)]
pub(crate) struct Transfer {
    owner: String,
    repo: String,
    new_owner: String,
    new_name: Option<String>,
    /// Teams of an organization that get the repository with it.
    #[serde(default)]
    team_ids: Vec<u64>,
}

impl Action<GitHub> for Transfer {
    const NAME: &'static str = "transfer_repository";
    const MUTATES: bool = true;
    type Output = Reply;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Reply, Error> {
        let repo = cx.repo_with(&self.owner, &self.repo, Permission::Admin)?.clone();
        let invalid = || Error::value("Repository", "new_owner", "invalid", self.new_owner.as_str());
        let owner = cx.state.user(&self.new_owner).ok_or_else(invalid)?.login.clone();
        if fold(&owner) == fold(&repo.owner) {
            return Err(Error::unprocessable("Repository is already owned by this account."));
        }
        let wished = self.new_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&repo.name);
        let name = free_name(cx.state, &owner, wished)?;
        let organization = cx.state.organization(&owner).is_some();
        let teams = if organization { teams_of(cx.state, &owner, &self.team_ids, "team_ids")? } else { Vec::new() };
        let reply = Reply::json(202, &RepoView::short(Site::of(cx), &repo));
        let now = cx.now();
        cx.state.rename(repo.id, &owner, &name);
        // A person who gives a repository away goes on working on it; its new owner needs no place of their own any more.
        if cx.state.user(&repo.owner).is_some_and(|old| old.kind == UserKind::User) {
            let (login, inviter) = (repo.owner.clone(), owner.clone());
            let place = Collaborator { login, permission: Permission::Admin, pending: false, inviter, created_at: now };
            cx.state.collaborators.insert((repo.id, fold(&repo.owner)), place);
        }
        cx.state.collaborators.remove(&(repo.id, fold(&owner)));
        // The teams of the old owner stay where they are.
        let old: Vec<_> = cx.state.accounts.teams_with(repo.id).map(|(team, _)| team.id).collect();
        for team in old {
            cx.state.accounts.team_repos.remove(&(repo.id, team));
        }
        for (team, permission) in teams {
            cx.state.accounts.team_repos.insert((repo.id, team), permission);
        }
        let before = rows::repo(cx.state, &repo);
        if let Some(moved) = cx.state.repos.get_mut(&repo.id) {
            moved.updated_at = now;
        }
        let after = cx.state.repos.get(&repo.id).map(|repo| rows::repo(cx.state, repo));
        cx.changed(Some(before), after);
        Ok(reply)
    }
}
