//! Users and their profiles.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answer, Cx, Error, Flag, Int, Outcome, Structured, access, given, is_set, refuse};
use crate::Slack;
use crate::cursor::Page;
use crate::export;
use crate::state::User;
use crate::views::users;

/// Everybody, by id.
#[derive(Deserialize)]
pub(crate) struct Users {
    cursor: Option<String>,
    limit: Option<Int>,
    include_locale: Option<Flag>,
}

impl Action<Slack> for Users {
    const NAME: &'static str = "users.list";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        access::actor(cx)?;
        super::auth::team(cx.state)?;
        let page = Page::new("user", self.limit, 1000, 1000, self.cursor.as_ref());
        let (rows, next) = page.cut(cx.state.users.values(), |user| user.id.clone())?;
        let locale = is_set(self.include_locale);
        let shown: Vec<Value> = rows.into_iter().map(|user| users::user(cx.state, user, locale)).collect();
        Ok(Answer::ok().with("members", shown).with("cache_ts", cx.now().seconds()).cursor(&next))
    }
}

/// One user.
#[derive(Deserialize)]
pub(crate) struct Info {
    user: Option<String>,
    include_locale: Option<Flag>,
}

impl Action<Slack> for Info {
    const NAME: &'static str = "users.info";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        access::actor(cx)?;
        let user = access::user(cx, given(self.user.as_ref()))?;
        Ok(Answer::ok().with("user", users::user(cx.state, &user, is_set(self.include_locale))))
    }
}

/// The user with an address.
#[derive(Deserialize)]
pub(crate) struct ByEmail {
    email: Option<String>,
}

impl Action<Slack> for ByEmail {
    const NAME: &'static str = "users.lookupByEmail";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        access::actor(cx)?;
        let email = self.email.unwrap_or_default().to_lowercase();
        let fits = |user: &&User| {
            !email.is_empty() && !user.deleted && user.email.as_ref().is_some_and(|own| own.to_lowercase() == email)
        };
        let Some(user) = cx.state.users.values().find(fits) else { return refuse("users_not_found") };
        Ok(Answer::ok().with("user", users::user(cx.state, user, false)))
    }
}

/// Who is behind the token, for signing in.
#[derive(Deserialize)]
pub(crate) struct Identity {}

impl Action<Slack> for Identity {
    const NAME: &'static str = "users.identity";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let user = access::user(cx, Some(&actor.id))?;
        let team = super::auth::team(cx.state)?;
        let shown = json!({ "id": user.id, "name": user.real_name, "email": user.email });
        Ok(Answer::ok().with("user", shown).with("team", json!({ "id": team.id, "name": team.name })))
    }
}

/// A profile; the caller's own when nobody is named.
#[derive(Deserialize)]
pub(crate) struct GetProfile {
    user: Option<String>,
    #[expect(dead_code, reason = "this workspace has no custom fields that could be labelled")]
    include_labels: Option<Flag>,
}

impl Action<Slack> for GetProfile {
    const NAME: &'static str = "users.profile.get";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let user = access::user(cx, given(self.user.as_ref()).or(Some(&actor.id)))?;
        Ok(Answer::ok().with("profile", users::profile(&user)))
    }
}

/// A profile with who it is of, as the tool shows it.
#[derive(Deserialize)]
pub(crate) struct ReadProfile {
    user_id: Option<String>,
    include_locale: Option<Flag>,
    response_format: Option<String>,
}

impl Action<Slack> for ReadProfile {
    const NAME: &'static str = "users.profile.read";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let user = access::user(cx, given(self.user_id.as_ref()).or(Some(&actor.id)))?;
        let answer = Answer::ok().with("user_id", user.id.clone()).with("name", user.name.clone());
        if self.response_format.as_deref() == Some("concise") {
            let answer = answer.with("real_name", user.real_name.clone());
            let answer = answer.with("title", user.profile_text("title")).maybe("email", user.email.clone());
            return Ok(answer);
        }
        let (label, offset) = users::zone(&user.tz);
        let answer = answer.with("profile", users::profile(&user)).with("tz", user.tz.clone());
        let answer = answer.with("tz_label", label).with("tz_offset", offset);
        let answer = answer.with("is_admin", user.is_admin).with("is_bot", user.is_bot).with("deleted", user.deleted);
        Ok(if is_set(self.include_locale) { answer.with("locale", "en-US") } else { answer })
    }
}

/// Changes the caller's profile; admins may change those of others.
#[derive(Deserialize)]
pub(crate) struct SetProfile {
    user: Option<String>,
    profile: Option<Structured>,
    name: Option<String>,
    value: Option<Value>,
}

impl Action<Slack> for SetProfile {
    const NAME: &'static str = "users.profile.set";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let user = access::user(cx, given(self.user.as_ref()).or(Some(&actor.id)))?;
        if user.id != actor.id && !actor.is_admin {
            return refuse("not_admin");
        }
        let mut changes = Map::new();
        if let Some(profile) = self.profile {
            match profile {
                Structured::Given(Value::Null) => {}
                profile => changes = profile.object().ok_or_else(|| Error::new("invalid_profile"))?,
            }
        }
        if let Some(name) = self.name.filter(|name| !name.is_empty()) {
            changes.insert(name, self.value.unwrap_or_else(|| "".into()));
        }
        if changes.is_empty() {
            return refuse("profile_set_failed");
        }
        let text = |key: &str| changes.get(key).and_then(Value::as_str);
        if text("status_text").is_some_and(|text| text.chars().count() > 100) {
            return refuse("too_long");
        }
        if text("display_name").is_some_and(|name| name.chars().count() > 80) {
            return refuse("too_long");
        }
        let team = super::auth::team(cx.state)?;
        let before = export::user(&team, &user);
        let mut next = user;
        if let Some(name) = text("real_name") {
            name.clone_into(&mut next.real_name);
        }
        if text("first_name").is_some() || text("last_name").is_some() {
            let mut words = next.real_name.split_whitespace();
            let (first, last) = (words.next().unwrap_or_default().to_owned(), words.collect::<Vec<_>>().join(" "));
            let name = format!("{} {}", text("first_name").unwrap_or(&first), text("last_name").unwrap_or(&last));
            name.trim().clone_into(&mut next.real_name);
        }
        if let Some(email) = text("email") {
            let taken = |other: &User| other.id != next.id && other.email.as_deref() == Some(email);
            if cx.state.users.values().any(taken) {
                return refuse("email_taken");
            }
            next.email = Some(email.to_owned());
        }
        for (key, value) in changes {
            if !matches!(key.as_str(), "real_name" | "first_name" | "last_name" | "email") {
                next.profile.insert(key, value);
            }
        }
        next.updated_at = cx.now();
        let after = export::user(&team, &next);
        let shown = users::profile(&next);
        let id = next.id.clone();
        cx.state.users.insert(id, next);
        cx.changed(Some(before), Some(after));
        Ok(Answer::ok().with("profile", shown).with("username", actor.id))
    }
}

/// People by name, address or title, as the tool finds them: every word counts, `-word` excludes.
#[derive(Deserialize)]
pub(crate) struct Find {
    query: String,
    cursor: Option<String>,
    limit: Option<Int>,
    response_format: Option<String>,
}

impl Action<Slack> for Find {
    const NAME: &'static str = "users.search";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        access::actor(cx)?;
        let query = self.query.to_lowercase();
        let (out, wanted): (Vec<&str>, Vec<&str>) =
            query.split_whitespace().partition(|word| word.len() > 1 && word.starts_with('-'));
        let fits = |user: &&User| {
            let title = user.profile_text("title");
            let email = user.email.as_deref().unwrap_or_default();
            let known = [&user.name, &user.real_name, user.profile_text("display_name"), title, email, &user.id];
            let known = known.map(str::to_lowercase);
            let says = |word: &str| known.iter().any(|text| text.contains(word.trim_matches(['"', '@'])));
            !user.deleted
                && wanted.iter().all(|word| says(word))
                && !out.iter().any(|word| says(word.trim_start_matches('-')))
        };
        let page = Page::new("user", self.limit, 20, 20, self.cursor.as_ref());
        let (rows, next) = page.cut(cx.state.users.values().filter(fits), |user| user.id.clone())?;
        let concise = self.response_format.as_deref() == Some("concise");
        let shown: Vec<Value> = rows
            .into_iter()
            .map(|user| {
                if concise {
                    return json!({ "id": user.id, "name": user.name, "real_name": user.real_name });
                }
                users::user(cx.state, user, false)
            })
            .collect();
        let answer = Answer::ok().with("members", shown).cursor(&next);
        Ok(answer.with("pagination_info", json!({ "next_cursor": next })))
    }
}
