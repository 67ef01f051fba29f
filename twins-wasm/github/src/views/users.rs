//! Users as others see them and as they see themselves.

use pome_twin_kit::ids::hash_id;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

use super::{HTML, Site};
use crate::state::{Permission, Repo, State, User, UserKind, fold};

/// `simple-user`. A login that nobody has still renders, as a plain user.
pub(crate) struct SimpleUser<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) login: &'a str,
}

impl<'a> SimpleUser<'a> {
    pub(crate) fn of(site: Site<'a>, login: &'a str) -> Self {
        Self { site, login }
    }

    pub(crate) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let user = self.site.state.user(self.login);
        let login = user.map_or(self.login, |user| user.login.as_str());
        let kind = user.map_or(UserKind::User, |user| user.kind);
        let (id, api) = (hash_id(login), self.site.api);
        map.serialize_entry("login", login)?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("node_id", &format_args!("U_{id}"))?;
        map.serialize_entry("avatar_url", &format_args!("https://avatars.githubusercontent.com/u/{id}?v=4"))?;
        map.serialize_entry("gravatar_id", "")?;
        map.serialize_entry("url", &format_args!("{api}/users/{login}"))?;
        map.serialize_entry("html_url", &format_args!("{HTML}/{login}"))?;
        map.serialize_entry("followers_url", &format_args!("{api}/users/{login}/followers"))?;
        map.serialize_entry("following_url", &format_args!("{api}/users/{login}/following{{/other_user}}"))?;
        map.serialize_entry("gists_url", &format_args!("{api}/users/{login}/gists{{/gist_id}}"))?;
        map.serialize_entry("starred_url", &format_args!("{api}/users/{login}/starred{{/owner}}{{/repo}}"))?;
        map.serialize_entry("subscriptions_url", &format_args!("{api}/users/{login}/subscriptions"))?;
        map.serialize_entry("organizations_url", &format_args!("{api}/users/{login}/orgs"))?;
        map.serialize_entry("repos_url", &format_args!("{api}/users/{login}/repos"))?;
        map.serialize_entry("events_url", &format_args!("{api}/users/{login}/events{{/privacy}}"))?;
        map.serialize_entry("received_events_url", &format_args!("{api}/users/{login}/received_events"))?;
        map.serialize_entry("type", kind.name())?;
        map.serialize_entry("user_view_type", "public")?;
        map.serialize_entry("site_admin", &false)
    }
}

impl Serialize for SimpleUser<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}

/// `user-search-result-item`
pub(crate) struct FoundUser<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) login: &'a str,
}

impl Serialize for FoundUser<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        SimpleUser::of(self.site, self.login).write(&mut map)?;
        map.serialize_entry("score", &1.0)?;
        map.end()
    }
}

/// A `simple-user` list.
pub(crate) fn simple_users<'a>(site: Site<'a>, logins: &'a [String]) -> Vec<SimpleUser<'a>> {
    logins.iter().map(|login| SimpleUser::of(site, login)).collect()
}

/// `collaborator`: the user with what they may do.
pub(crate) struct CollaboratorUser<'a> {
    pub(crate) user: SimpleUser<'a>,
    pub(crate) permission: Permission,
}

impl Serialize for CollaboratorUser<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.user.write(&mut map)?;
        map.serialize_entry("permissions", &Permissions(self.permission))?;
        map.serialize_entry("role_name", self.permission.role())?;
        map.end()
    }
}

/// `{"admin": .., "maintain": .., "push": .., "triage": .., "pull": ..}`
pub(crate) struct Permissions(pub(crate) Permission);

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(5))?;
        for level in [Permission::Admin, Permission::Maintain, Permission::Write, Permission::Triage, Permission::Read]
        {
            map.serialize_entry(level.word(), &(self.0 >= level))?;
        }
        map.end()
    }
}

/// `public-user`, or `private-user` when users look at themselves.
pub(crate) struct FullUser<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) user: &'a User,
    pub(crate) private: bool,
}

impl Serialize for FullUser<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (user, state) = (self.user, self.site.state);
        let owned = state.repos.values().filter(|repo| repo.owner == user.login);
        let (hidden, public): (Vec<_>, Vec<_>) = owned.partition(|repo| repo.private);
        let mut map = serializer.serialize_map(None)?;
        SimpleUser::of(self.site, &user.login).write(&mut map)?;
        map.serialize_entry("name", &Some(&user.name).filter(|name| !name.is_empty()))?;
        let profile = state.accounts.profiles.get(&fold(&user.login)).cloned().unwrap_or_default();
        for (key, text) in [
            ("company", &profile.company),
            ("location", &profile.location),
            ("bio", &profile.bio),
            ("twitter_username", &profile.twitter),
        ] {
            map.serialize_entry(key, text)?;
        }
        map.serialize_entry("hireable", &profile.hireable)?;
        map.serialize_entry("blog", profile.blog.as_deref().unwrap_or_default())?;
        map.serialize_entry("email", &self.private.then(|| user.commit_email()).or_else(|| user.email.clone()))?;
        map.serialize_entry("public_repos", &public.len())?;
        let (open, secret): (Vec<_>, Vec<_>) =
            state.activity.gists.values().filter(|gist| gist.owner == user.login).partition(|gist| gist.public);
        map.serialize_entry("public_gists", &open.len())?;
        map.serialize_entry("followers", &state.accounts.followers(&user.login).len())?;
        map.serialize_entry("following", &state.accounts.following(&user.login).len())?;
        map.serialize_entry("created_at", &user.created_at.to_seconds())?;
        map.serialize_entry("updated_at", &profile.updated_at.unwrap_or(user.created_at).to_seconds())?;
        if self.private {
            map.serialize_entry("private_gists", &secret.len())?;
            map.serialize_entry("total_private_repos", &hidden.len())?;
            map.serialize_entry("owned_private_repos", &hidden.len())?;
            map.serialize_entry("disk_usage", &0)?;
            map.serialize_entry("collaborators", &0)?;
            map.serialize_entry("two_factor_authentication", &true)?;
            let plan = json!({ "name": "free", "space": 976_562_499, "collaborators": 0, "private_repos": 10_000 });
            map.serialize_entry("plan", &plan)?;
        }
        map.end()
    }
}

/// A user as the official server's tools show them.
pub(crate) struct ToolUser<'a> {
    site: Site<'a>,
    login: &'a str,
}

impl<'a> ToolUser<'a> {
    pub(crate) fn of(site: Site<'a>, login: &'a str) -> Self {
        Self { site, login }
    }
}

impl Serialize for ToolUser<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let login = self.site.state.user(self.login).map_or(self.login, |user| user.login.as_str());
        let id = hash_id(login);
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("login", login)?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("profile_url", &format_args!("{HTML}/{login}"))?;
        map.serialize_entry("avatar_url", &format_args!("https://avatars.githubusercontent.com/u/{id}?v=4"))?;
        map.end()
    }
}

/// How an author stands to a repository.
pub(crate) fn association(state: &State, repo: &Repo, login: &str) -> &'static str {
    if fold(&repo.owner) == fold(login) {
        return "OWNER";
    }
    if state.accounts.is_member(&repo.owner, login) {
        return "MEMBER";
    }
    match state.collaborators.get(&(repo.id, fold(login))) {
        Some(place) if !place.pending => "COLLABORATOR",
        _ => "NONE",
    }
}
