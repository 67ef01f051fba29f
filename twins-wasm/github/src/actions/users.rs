//! Who somebody is.

use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::Deserialize;
use serde_json::json;

use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::views::Site;
use crate::views::users::FullUser;

/// A login that exists.
pub(crate) struct Profile {
    login: String,
    private: bool,
}

impl Profile {
    pub(crate) const fn private(login: String) -> Self {
        Self { login, private: true }
    }

    pub(crate) const fn public(login: String) -> Self {
        Self { login, private: false }
    }
}

impl View<GitHub> for Profile {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(user) = cx.state.user(&self.login) {
            reply.write_json(&FullUser { site: Site::of(cx), user, private: self.private });
        }
    }

    /// The official server's short profile.
    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let Some(user) = cx.state.user(&self.login) else {
            return ToolReply::error_text(404, "failed to get user");
        };
        let (login, id) = (&user.login, user.id());
        let owned = cx.state.repos.values().filter(|repo| repo.owner == *login && !repo.private).count();
        ToolReply::json(&json!({
            "login": login,
            "id": id,
            "profile_url": format!("https://github.com/{login}"),
            "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"),
            "details": {
                "name": user.name,
                "email": user.commit_email(),
                "public_repos": owned,
                "public_gists": 0,
                "followers": 0,
                "following": 0,
                "created_at": user.created_at.to_seconds(),
                "updated_at": user.created_at.to_seconds(),
            },
        }))
    }
}

/// The user of the token.
#[derive(Deserialize)]
pub(crate) struct Me {}

impl Action<GitHub> for Me {
    const NAME: &'static str = "get_me";
    type Output = Profile;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Profile, Error> {
        let login = cx.actor().to_owned();
        match cx.state.user(&login) {
            Some(_) => Ok(Profile { login, private: true }),
            None => Err(Error::new(401, "Bad credentials").generic()),
        }
    }
}

/// Somebody's public profile.
#[derive(Deserialize)]
pub(crate) struct Get {
    username: String,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_user";
    type Output = Profile;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Profile, Error> {
        match cx.state.user(&self.username) {
            Some(user) => Ok(Profile { login: user.login.clone(), private: false }),
            None => Err(Error::not_found().generic()),
        }
    }
}
