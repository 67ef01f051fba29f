//! People of a repository: with what they may do, and as invitations.

use pome_twin_kit::ids::hash_id;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::repos::RepoView;
use super::users::{CollaboratorUser, SimpleUser};
use super::{HTML, Site};
use crate::state::{Collaborator, Permission, Repo};

/// The id of an invitation follows from who is invited where.
pub(crate) fn invitation_id(repo: &Repo, login: &str) -> u32 {
    hash_id(&format!("{}/{}:invite:{login}", repo.owner, repo.name))
}

/// `repository-invitation`
pub(crate) struct InvitationView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) place: &'a Collaborator,
}

impl Serialize for InvitationView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (site, repo, place) = (self.site, self.repo, self.place);
        let (api, owner, name) = (site.api, &repo.owner, &repo.name);
        let id = invitation_id(repo, &place.login);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("node_id", &format_args!("RI_{id}"))?;
        map.serialize_entry("repository", &RepoView::short(site, repo))?;
        map.serialize_entry("invitee", &SimpleUser::of(site, &place.login))?;
        map.serialize_entry("inviter", &SimpleUser::of(site, &place.inviter))?;
        map.serialize_entry("permissions", place.permission.role())?;
        map.serialize_entry("created_at", &place.created_at.to_seconds())?;
        map.serialize_entry("expired", &false)?;
        map.serialize_entry("url", &format_args!("{api}/user/repository_invitations/{id}"))?;
        map.serialize_entry("html_url", &format_args!("{HTML}/{owner}/{name}/invitations"))?;
        map.end()
    }
}

/// `repository-collaborator-permission`
pub(crate) struct LevelView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) login: &'a str,
    pub(crate) held: Option<Permission>,
}

impl Serialize for LevelView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The older member knows four levels only.
        let permission = match self.held {
            None => "none",
            Some(Permission::Read | Permission::Triage) => "read",
            Some(Permission::Write | Permission::Maintain) => "write",
            Some(Permission::Admin) => "admin",
        };
        let user = SimpleUser::of(self.site, self.login);
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("permission", permission)?;
        map.serialize_entry("role_name", self.held.map_or("none", Permission::role))?;
        match self.held {
            Some(permission) => map.serialize_entry("user", &CollaboratorUser { user, permission })?,
            None => map.serialize_entry("user", &user)?,
        }
        map.end()
    }
}
