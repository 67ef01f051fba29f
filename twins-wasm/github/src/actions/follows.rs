//! People: the list of all, who follows whom, what they say about themselves and their addresses.

use pome_twin_kit::action::{Empty, Json};
use pome_twin_kit::ids::hash_id;
use pome_twin_kit::input::nullable;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::orgs::People;
use super::users::Profile;
use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::state::{State, fold};
use crate::views::Site;
use crate::views::users::SimpleUser;

/// Every account, by id.
#[derive(Deserialize)]
pub(crate) struct List {
    #[serde(default)]
    since: u64,
    per_page: Option<i64>,
}

/// A stretch of all accounts.
pub(crate) struct Stretch {
    logins: Vec<String>,
    /// The id after which the next stretch begins.
    next: Option<u32>,
    per_page: usize,
}

impl View<GitHub> for Stretch {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        let rows: Vec<_> = self.logins.iter().map(|login| SimpleUser::of(site, login)).collect();
        reply.write_json(&rows);
        if let Some(next) = self.next {
            let (origin, size) = (cx.origin, self.per_page);
            let link = format!(
                "<{origin}/users?per_page={size}&since={next}>; rel=\"next\", <{origin}/users{{?since}}>; rel=\"first\""
            );
            reply.header("link", link);
        }
    }
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_users";
    type Output = Stretch;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Stretch, Error> {
        let per_page = paging(None, self.per_page).per_page;
        let users = cx.state.users.values().map(|user| (user.id(), user.login.clone()));
        let mut users: Vec<_> = users.filter(|(id, _)| u64::from(*id) > self.since).collect();
        users.sort_unstable();
        let more = users.len() > per_page;
        users.truncate(per_page);
        let next = users.last().filter(|_| more).map(|(id, _)| *id);
        Ok(Stretch { logins: users.into_iter().map(|(_, login)| login).collect(), next, per_page })
    }
}

/// The account in its own spelling; the caller when none is named.
fn account(cx: &Cx<'_, GitHub>, username: Option<&str>) -> Result<String, Error> {
    let login = username.unwrap_or(cx.actor());
    cx.state.user(login).map(|user| user.login.clone()).ok_or_else(Error::not_found)
}

/// Who follows somebody.
#[derive(Deserialize)]
pub(crate) struct Followers {
    username: Option<String>,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for Followers {
    const NAME: &'static str = "list_followers";
    type Output = People;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<People, Error> {
        let login = account(cx, self.username.as_deref())?;
        let all = cx.state.accounts.followers(&login).into_iter();
        Ok(People(Page::of(all, paging(self.page, self.per_page))))
    }
}

/// Whom somebody follows.
#[derive(Deserialize)]
pub(crate) struct Following {
    username: Option<String>,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for Following {
    const NAME: &'static str = "list_following";
    type Output = People;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<People, Error> {
        let login = account(cx, self.username.as_deref())?;
        let all = cx.state.accounts.following(&login).into_iter();
        Ok(People(Page::of(all, paging(self.page, self.per_page))))
    }
}

/// Whether somebody follows somebody: 204 or 404.
#[derive(Deserialize)]
pub(crate) struct Check {
    username: Option<String>,
    target_user: String,
}

impl Action<GitHub> for Check {
    const NAME: &'static str = "check_following";
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let login = account(cx, self.username.as_deref())?;
        let found = cx.state.accounts.follows.contains(&(fold(&login), fold(&self.target_user)));
        found.then_some(Empty).ok_or_else(Error::not_found)
    }
}

fn pair(cx: &Cx<'_, GitHub>, target: &str) -> Result<((String, String), Value), Error> {
    let target = account(cx, Some(target))?;
    if fold(&target) == fold(cx.actor()) {
        return Err(Error::unprocessable("You cannot follow yourself."));
    }
    let row = json!({ "follower": cx.actor(), "following": target });
    Ok(((fold(cx.actor()), fold(&target)), row))
}

/// The caller follows somebody.
#[derive(Deserialize)]
pub(crate) struct Follow {
    target_user: String,
}

impl Action<GitHub> for Follow {
    const NAME: &'static str = "follow_user";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let (key, row) = pair(cx, &self.target_user)?;
        if !cx.state.accounts.follows.contains(&key) {
            cx.state.accounts.follows.insert(key, ());
            cx.changed(None, Some(row));
        }
        Ok(Empty)
    }
}

/// The caller follows somebody no longer.
#[derive(Deserialize)]
pub(crate) struct Unfollow {
    target_user: String,
}

impl Action<GitHub> for Unfollow {
    const NAME: &'static str = "unfollow_user";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let (key, row) = pair(cx, &self.target_user)?;
        if cx.state.accounts.follows.remove(&key).is_some() {
            cx.changed(Some(row), None);
        }
        Ok(Empty)
    }
}

/// What the caller says about themselves.
#[derive(Deserialize)]
pub(crate) struct UpdateMe {
    #[serde(default, deserialize_with = "nullable")]
    name: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    email: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    blog: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    twitter_username: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    company: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    location: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    hireable: Option<Option<bool>>,
    #[serde(default, deserialize_with = "nullable")]
    bio: Option<Option<String>>,
}

fn profile_row(state: &State, login: &str) -> Option<Value> {
    let user = state.user(login)?;
    let profile = state.accounts.profiles.get(&fold(login)).cloned().unwrap_or_default();
    Some(json!({
        "login": user.login, "name": user.name, "email": user.email, "company": profile.company,
        "location": profile.location, "bio": profile.bio, "blog": profile.blog, "twitter_username": profile.twitter,
        "hireable": profile.hireable,
    }))
}

impl Action<GitHub> for UpdateMe {
    const NAME: &'static str = "update_me";
    const MUTATES: bool = true;
    type Output = Profile;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Profile, Error> {
        let login = account(cx, None)?;
        let key = fold(&login);
        if self.bio.as_ref().and_then(Option::as_ref).is_some_and(|bio| bio.chars().count() > 160) {
            return Err(Error::custom("User", "Bio is too long (maximum is 160 characters)"));
        }
        let before = profile_row(cx.state, &login);
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let now = cx.now();
        let mut profile = cx.state.accounts.profiles.get(&key).cloned().unwrap_or_default();
        for (field, given) in [
            (&mut profile.blog, self.blog),
            (&mut profile.twitter, self.twitter_username),
            (&mut profile.company, self.company),
            (&mut profile.location, self.location),
            (&mut profile.bio, self.bio),
        ] {
            if let Some(given) = given {
                *field = filled(given);
            }
        }
        profile.hireable = self.hireable.unwrap_or(profile.hireable);
        profile.updated_at = Some(now);
        cx.state.accounts.profiles.insert(key.clone(), profile);
        if let Some(user) = cx.state.users.get_mut(&key) {
            if let Some(name) = self.name {
                user.name = name.unwrap_or_default();
            }
            if let Some(email) = self.email {
                user.email = filled(email);
            }
        }
        let after = profile_row(cx.state, &login);
        cx.changed(before, after);
        Ok(Profile::private(login))
    }
}

/// The addresses of the caller, the one of their commits first.
fn addresses(state: &State, login: &str) -> Vec<Value> {
    let login = fold(login);
    let primary = state.user(&login).map(crate::state::User::commit_email);
    let first =
        primary.map(|email| json!({ "email": email, "primary": true, "verified": true, "visibility": "public" }));
    let of = login.clone();
    let more = state.accounts.emails.prefix((login, String::new()), move |(by, _)| *by == of);
    let more =
        more.map(|((_, email), ())| json!({ "email": email, "primary": false, "verified": false, "visibility": null }));
    first.into_iter().chain(more).collect()
}

#[derive(Deserialize)]
pub(crate) struct Emails {
    page: Option<i64>,
    per_page: Option<i64>,
}

/// A page of addresses.
pub(crate) struct Addresses(Page<Value>);

impl View<GitHub> for Addresses {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |_, row| Some(row));
    }
}

impl Action<GitHub> for Emails {
    const NAME: &'static str = "list_emails";
    type Output = Addresses;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Addresses, Error> {
        let all = addresses(cx.state, cx.actor()).into_iter();
        Ok(Addresses(Page::of(all, paging(self.page, self.per_page))))
    }
}

/// Adds addresses, which nobody has confirmed.
#[derive(Deserialize)]
pub(crate) struct AddEmails {
    emails: Vec<String>,
}

impl Action<GitHub> for AddEmails {
    const NAME: &'static str = "add_emails";
    const MUTATES: bool = true;
    type Output = Json<Vec<Value>>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        let login = account(cx, None)?;
        let known = addresses(cx.state, &login);
        for email in &self.emails {
            if !email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.')) {
                return Err(Error::value("Email", "email", "invalid", email.as_str()));
            }
            if known.iter().any(|row| row["email"] == email.as_str()) {
                return Err(Error::value("Email", "email", "already_exists", email.as_str()));
            }
            cx.state.accounts.emails.insert((fold(&login), email.clone()), ());
        }
        let all = addresses(cx.state, &login);
        cx.changed(Some(json!({ "login": login, "emails": known })), Some(json!({ "login": login, "emails": all })));
        Ok(Json(all))
    }
}

/// Takes addresses away; the one of commits stays.
#[derive(Deserialize)]
pub(crate) struct RemoveEmails {
    emails: Vec<String>,
}

impl Action<GitHub> for RemoveEmails {
    const NAME: &'static str = "remove_emails";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let login = account(cx, None)?;
        let before = addresses(cx.state, &login);
        for email in self.emails {
            let gone = cx.state.accounts.emails.remove(&(fold(&login), email.clone()));
            gone.ok_or_else(|| Error::value("Email", "email", "missing", email))?;
        }
        let after = addresses(cx.state, &login);
        cx.changed(Some(json!({ "login": login, "emails": before })), Some(json!({ "login": login, "emails": after })));
        Ok(Empty)
    }
}

/// An account by its id, which the vendor serves beside the one by name.
#[derive(Deserialize)]
pub(crate) struct ById {
    account_id: u32,
}

impl Action<GitHub> for ById {
    const NAME: &'static str = "get_user_by_id";
    type Output = Profile;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Profile, Error> {
        let found = cx.state.users.values().find(|user| hash_id(&user.login) == self.account_id);
        found.map(|user| Profile::public(user.login.clone())).ok_or_else(Error::not_found)
    }
}
