//! Open invitations of a repository, for those who administer it.

use pome_twin_kit::action::Empty;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;

use super::rows;
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::state::{Permission, Repo, RepoId};
use crate::views::Site;
use crate::views::collaborators::{InvitationView, invitation_id};

/// The open invitation of an id.
fn find(cx: &Cx<'_, GitHub>, owner: &str, name: &str, id: u64) -> Result<(Repo, String), Error> {
    let repo = cx.repo_with(owner, name, Permission::Admin)?;
    let of = repo.id;
    let mut places = cx.state.collaborators.prefix((of, String::new()), move |(repo, _)| *repo == of);
    let found = places.find(|(_, place)| place.pending && u64::from(invitation_id(repo, &place.login)) == id);
    found.map(|((_, login), _)| (repo.clone(), login.clone())).ok_or_else(Error::not_found)
}

/// One invitation.
pub(crate) struct Shown(RepoId, String);

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let place = cx.state.collaborators.get(&(self.0, self.1.clone()));
        if let (Some(repo), Some(place)) = (cx.state.repos.get(&self.0), place) {
            reply.write_json(&InvitationView { site: Site::of(cx), repo, place });
        }
    }
}

/// Changes what the invited person will be allowed to do.
#[derive(Deserialize)]
pub(crate) struct Update {
    owner: String,
    repo: String,
    invitation_id: u64,
    permissions: Option<String>,
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_invitation";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let (repo, login) = find(cx, &self.owner, &self.repo, self.invitation_id)?;
        let key = (repo.id, login.clone());
        let place = cx.state.collaborators.get_mut(&key).ok_or_else(Error::not_found)?;
        let before = rows::collaborator(&repo, place);
        if let Some(word) = &self.permissions {
            place.permission = Permission::parse(word)
                .ok_or_else(|| Error::value("RepositoryInvitation", "permissions", "invalid", word.as_str()))?;
        }
        let after = rows::collaborator(&repo, place);
        cx.changed(Some(before), Some(after));
        Ok(Shown(repo.id, login))
    }
}

/// Takes an invitation back.
#[derive(Deserialize)]
pub(crate) struct Delete {
    owner: String,
    repo: String,
    invitation_id: u64,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_invitation";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let (repo, login) = find(cx, &self.owner, &self.repo, self.invitation_id)?;
        let gone = cx.state.collaborators.remove(&(repo.id, login));
        cx.changed(gone.map(|place| rows::collaborator(&repo, &place)), None);
        Ok(Empty)
    }
}
