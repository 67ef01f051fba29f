//! Who is there and who wants to be left alone.

use pome_twin_kit::Action;
use pome_twin_kit::clock::Time;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Actor, Answer, Cx, Error, Int, List, Outcome, access, given, refuse};
use crate::Slack;
use crate::export;
use crate::state::User;
use crate::views::object;

/// Whether a user is active.
#[derive(Deserialize)]
pub(crate) struct GetPresence {
    user: Option<String>,
}

impl Action<Slack> for GetPresence {
    const NAME: &'static str = "users.getPresence";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let user = access::user(cx, given(self.user.as_ref()).or(Some(&actor.id)))?;
        let active = !user.away && !user.deleted;
        let answer = Answer::ok().with("presence", if active { "active" } else { "away" });
        if user.id != actor.id {
            return Ok(answer);
        }
        // Only of oneself the details are shown.
        let answer = answer.with("online", active).with("auto_away", false).with("manual_away", user.away);
        Ok(answer.with("connection_count", i32::from(active)).with("last_activity", cx.now().seconds()))
    }
}

/// Sets the caller away, or lets the vendor decide.
#[derive(Deserialize)]
pub(crate) struct SetPresence {
    presence: Option<String>,
}

impl Action<Slack> for SetPresence {
    const NAME: &'static str = "users.setPresence";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let away = match given(self.presence.as_ref()) {
            Some("auto" | "active") => false,
            Some("away") => true,
            _ => return refuse("invalid_presence"),
        };
        change(cx, &actor, |user| user.away = away)?;
        Ok(Answer::ok())
    }
}

fn change(cx: &mut Cx<'_>, actor: &Actor, change: impl FnOnce(&mut User)) -> Result<(), Error> {
    let team = super::auth::team(cx.state)?;
    let before = cx.state.users.get(&actor.id).map(|user| export::user(&team, user));
    let user = cx.state.users.get_mut(&actor.id).ok_or_else(|| Error::new("user_not_found"))?;
    change(user);
    let after = export::user(&team, user);
    cx.changed(before, Some(after));
    Ok(())
}

/// Until when the user's notifications are paused, if they are.
fn snooze(user: &User, now: Time) -> Option<u64> {
    user.snoozed_until.filter(|until| *until > now).map(Time::seconds)
}

fn dnd(user: &User, now: Time, own: bool) -> Map<String, Value> {
    // Nobody here has a schedule of quiet hours; the vendor writes 1 for that.
    let mut value = object(json!({ "dnd_enabled": false, "next_dnd_start_ts": 1, "next_dnd_end_ts": 1 }));
    let until = snooze(user, now);
    if until.is_some() {
        value.insert("dnd_enabled".to_owned(), true.into());
    }
    if own {
        value.insert("snooze_enabled".to_owned(), until.is_some().into());
        if let Some(until) = until {
            value.insert("snooze_endtime".to_owned(), until.into());
            value.insert("snooze_remaining".to_owned(), until.saturating_sub(now.seconds()).into());
        }
    }
    value
}

/// Whether a user wants to be left alone.
#[derive(Deserialize)]
pub(crate) struct DndInfo {
    user: Option<String>,
}

impl Action<Slack> for DndInfo {
    const NAME: &'static str = "dnd.info";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let user = access::user(cx, given(self.user.as_ref()).or(Some(&actor.id)))?;
        Ok(Answer::ok().merge(Value::Object(dnd(&user, cx.now(), user.id == actor.id))))
    }
}

/// The same of many.
#[derive(Deserialize)]
pub(crate) struct DndTeam {
    users: Option<List>,
}

impl Action<Slack> for DndTeam {
    const NAME: &'static str = "dnd.teamInfo";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        access::actor(cx)?;
        let wanted = self.users.map(|users| users.0).unwrap_or_default();
        if wanted.len() > 50 {
            return refuse("too_many_users");
        }
        let all = cx.state.users.values().filter(|user| wanted.is_empty() || wanted.contains(&user.id));
        let users: Map<String, Value> =
            all.map(|user| (user.id.clone(), Value::Object(dnd(user, cx.now(), false)))).collect();
        Ok(Answer::ok().with("users", users))
    }
}

/// Pauses the caller's notifications.
#[derive(Deserialize)]
pub(crate) struct SetSnooze {
    num_minutes: Option<Int>,
}

impl Action<Slack> for SetSnooze {
    const NAME: &'static str = "dnd.setSnooze";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let minutes = self.num_minutes.map_or(0, |minutes| minutes.0);
        let Some(minutes) = u64::try_from(minutes).ok().filter(|minutes| *minutes > 0) else {
            return refuse("missing_duration");
        };
        if minutes > 30 * 24 * 60 {
            return refuse("too_long");
        }
        let until = Time(cx.now().0 + minutes * 60_000);
        change(cx, &actor, |user| user.snoozed_until = Some(until))?;
        let answer = Answer::ok().with("snooze_enabled", true).with("snooze_endtime", until.seconds());
        Ok(answer.with("snooze_remaining", minutes * 60))
    }
}

/// Lets the caller's notifications through again.
#[derive(Deserialize)]
pub(crate) struct EndSnooze {}

impl Action<Slack> for EndSnooze {
    const NAME: &'static str = "dnd.endSnooze";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let now = cx.now();
        let paused = cx.state.users.get(&actor.id).and_then(|user| snooze(user, now)).is_some();
        if !paused {
            return refuse("snooze_not_active");
        }
        change(cx, &actor, |user| user.snoozed_until = None)?;
        let user = access::user(cx, Some(&actor.id))?;
        Ok(Answer::ok().merge(Value::Object(dnd(&user, now, true))))
    }
}

/// Ends the caller's pause, whatever it came from.
#[derive(Deserialize)]
pub(crate) struct EndDnd {}

impl Action<Slack> for EndDnd {
    const NAME: &'static str = "dnd.endDnd";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let paused = cx.state.users.get(&actor.id).is_some_and(|user| user.snoozed_until.is_some());
        if paused {
            change(cx, &actor, |user| user.snoozed_until = None)?;
        }
        Ok(Answer::ok())
    }
}
