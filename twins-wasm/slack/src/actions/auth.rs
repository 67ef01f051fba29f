//! Who the token belongs to, the workspace, its emoji and bots.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answer, Cx, Error, Flag, Int, Outcome, access, given, is_set, refuse};
use crate::Slack;
use crate::rich_text::standard_emoji;
use crate::state::{State, Team};
use crate::views::users;

pub(crate) fn team(state: &State) -> Result<Team, Error> {
    state.team.get().clone().ok_or_else(|| Error::new("team_not_found"))
}

/// Says who the token is.
#[derive(Deserialize)]
pub(crate) struct Test {}

impl Action<Slack> for Test {
    const NAME: &'static str = "auth.test";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let team = team(cx.state)?;
        let user = access::user(cx, Some(&actor.id))?;
        let answer = Answer::ok()
            .with("url", format!("{}/", team.site()))
            .with("team", team.name)
            .with("user", user.name.clone())
            .with("team_id", team.id)
            .with("user_id", user.id.clone());
        // Only bots have the key.
        Ok(answer.maybe("bot_id", user.bot_id()).with("is_enterprise_install", false))
    }
}

/// Takes back everything that tokens of the caller may do, until the world is reset.
#[derive(Deserialize)]
pub(crate) struct Revoke {
    test: Option<Flag>,
}

impl Action<Slack> for Revoke {
    const NAME: &'static str = "auth.revoke";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let real = !is_set(self.test);
        if real {
            cx.state.revoked.insert(actor.id, ());
        }
        Ok(Answer::ok().with("revoked", real))
    }
}

/// Repeats what it was given; `error` makes it fail.
#[derive(Deserialize)]
pub(crate) struct Echo {
    error: Option<String>,
    foo: Option<String>,
}

impl Action<Slack> for Echo {
    const NAME: &'static str = "api.test";
    type Output = Answer;

    fn run(self, _: &mut Cx<'_>) -> Outcome {
        let mut args = Map::new();
        if let Some(error) = &self.error {
            args.insert("error".to_owned(), error.clone().into());
        }
        if let Some(text) = self.foo {
            args.insert("foo".to_owned(), text.into());
        }
        if let Some(error) = self.error {
            return Err(Error::named(error).with("args", Value::Object(args)));
        }
        Ok(Answer::ok().with("args", Value::Object(args)))
    }
}

/// The workspace.
#[derive(Deserialize)]
pub(crate) struct TeamInfo {
    team: Option<String>,
    domain: Option<String>,
}

impl Action<Slack> for TeamInfo {
    const NAME: &'static str = "team.info";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        access::actor(cx)?;
        let team = team(cx.state)?;
        let other = |wanted: Option<&str>, own: &str| wanted.is_some_and(|wanted| wanted != own);
        if other(given(self.team.as_ref()), &team.id) || other(given(self.domain.as_ref()), &team.domain) {
            return refuse("team_not_found");
        }
        let mut icon = Map::new();
        icon.insert("image_default".to_owned(), true.into());
        for size in [34, 44, 68, 88, 102, 132, 230] {
            let address = format!("https://a.slack-edge.com/80588/img/avatars-teams/ava_0001-{size}.png");
            icon.insert(format!("image_{size}"), address.into());
        }
        let shown = json!({
            "id": team.id, "name": team.name, "url": format!("{}/", team.site()), "domain": team.domain,
            "email_domain": "", "icon": icon, "avatar_base_url": "https://ca.slack-edge.com/", "is_verified": false,
        });
        Ok(Answer::ok().with("team", shown))
    }
}

/// The fields that profiles may have beside the fixed ones.
#[derive(Deserialize)]
pub(crate) struct TeamProfile {
    #[expect(dead_code, reason = "this workspace has no fields that are hidden or shown")]
    visibility: Option<String>,
}

impl Action<Slack> for TeamProfile {
    const NAME: &'static str = "team.profile.get";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        access::actor(cx)?;
        Ok(Answer::ok().with("profile", json!({ "fields": [], "sections": [] })))
    }
}

/// Emoji that the workspace added.
#[derive(Deserialize)]
pub(crate) struct Emoji {
    include_categories: Option<Flag>,
}

impl Action<Slack> for Emoji {
    const NAME: &'static str = "emoji.list";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        access::actor(cx)?;
        let emoji: Map<String, Value> =
            cx.state.emoji.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        let mut answer = Answer::ok().with("emoji", emoji);
        if is_set(self.include_categories) {
            let names: Vec<&str> = standard_emoji().collect();
            answer = answer.with("categories", json!([{ "name": "Smileys & People", "emoji_names": names }]));
            answer = answer.with("categories_version", "5");
        }
        Ok(answer.with("cache_ts", format!("{}.000000", cx.now().seconds())))
    }
}

/// Emoji by name, as the tool finds them.
#[derive(Deserialize)]
pub(crate) struct FindEmoji {
    query: String,
    limit: Option<Int>,
}

impl Action<Slack> for FindEmoji {
    const NAME: &'static str = "emoji.search";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        access::actor(cx)?;
        let query = self.query.to_lowercase();
        let terms: Vec<&str> =
            query.split(',').map(|term| term.trim().trim_matches(':')).filter(|term| !term.is_empty()).collect();
        let fits = |name: &str| terms.is_empty() || terms.iter().any(|term| name.contains(term));
        let most = self.limit.and_then(|limit| usize::try_from(limit.0).ok()).unwrap_or(200).clamp(1, 200);
        let own = cx.state.emoji.iter().filter(|(name, _)| fits(name));
        let emoji: Map<String, Value> =
            own.take(most).map(|(name, value)| (name.clone(), value.clone().into())).collect();
        let standard = standard_emoji().filter(|name| fits(name) && !emoji.contains_key(*name));
        let standard: Vec<&str> = standard.take(most - emoji.len()).collect();
        Ok(Answer::ok().with("emoji", emoji).with("standard_emoji", json!(standard)))
    }
}

/// A bot by its id.
#[derive(Deserialize)]
pub(crate) struct BotInfo {
    bot: Option<String>,
}

impl Action<Slack> for BotInfo {
    const NAME: &'static str = "bots.info";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let user = match given(self.bot.as_ref()) {
            Some(bot) => cx.state.bot(bot),
            // A bot that names nobody asks about itself.
            None => cx.state.users.get(&actor.id).filter(|user| user.is_bot),
        };
        let user = user.ok_or_else(|| Error::new("bot_not_found"))?;
        Ok(Answer::ok().with("bot", users::bot(user)))
    }
}
