//! Reminders that users set for themselves.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::Value;

use super::{Actor, Answer, Cx, Error, Outcome, access, given, refuse};
use crate::Slack;
use crate::export;
use crate::state::Reminder;
use crate::views::lists;

/// When: a time, a number of seconds, or words such as `in 5 minutes`, `tomorrow`, `every weekday`.
fn when(text: &str, now: u64) -> Result<(u64, bool), Error> {
    let text = text.trim().to_lowercase();
    let unclear = || Error::new("cannot_parse");
    if let Ok(number) = text.parse::<u64>() {
        // Small numbers are seconds from now.
        let at = if number < 1_000_000_000 { now + number } else { number };
        if at < now {
            return refuse("time_in_past");
        }
        return Ok((at, false));
    }
    if text.starts_with("every ") {
        return Ok((now, true));
    }
    let day = 86_400;
    let nine = |days: u64| (now / day + days) * day + 9 * 3600;
    let at = match text.as_str() {
        "tomorrow" => nine(1),
        "next week" => nine(7),
        _ => {
            let rest = text.strip_prefix("in ").ok_or_else(unclear)?;
            let (number, unit) = rest.split_once(' ').ok_or_else(unclear)?;
            let number = match number {
                "a" | "an" | "one" => 1,
                number => number.parse::<u64>().map_err(|_| unclear())?,
            };
            let unit = match unit.trim_end_matches('s') {
                "second" | "sec" => 1,
                "minute" | "min" => 60,
                "hour" => 3600,
                "day" => day,
                "week" => 7 * day,
                _ => return Err(unclear()),
            };
            now + number.saturating_mul(unit)
        }
    };
    Ok((at, false))
}

/// Sets a reminder.
#[derive(Deserialize)]
pub(crate) struct Add {
    text: Option<String>,
    time: Option<Value>,
    user: Option<String>,
}

impl Action<Slack> for Add {
    const NAME: &'static str = "reminders.add";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let text = given(self.text.as_ref()).ok_or_else(|| Error::missing("text"))?.to_owned();
        let time = match self.time {
            Some(Value::String(text)) if !text.is_empty() => text,
            Some(Value::Number(number)) => number.to_string(),
            _ => return Err(Error::missing("time")),
        };
        if let Some(user) = given(self.user.as_ref()) {
            let user = access::user(cx, Some(user))?;
            if user.is_bot {
                return refuse("cannot_add_bot");
            }
            if user.id != actor.id {
                return refuse("cannot_add_others");
            }
        }
        let (time, recurring) = when(&time, cx.now().seconds())?;
        let row = Reminder {
            id: cx.state.id("Rm"),
            creator: actor.id.clone(),
            user: actor.id,
            text,
            recurring,
            time,
            completed_at: None,
        };
        cx.changed(None, Some(export::reminder(&row)));
        let shown = lists::reminder(&row);
        cx.state.reminders.insert(row.id.clone(), row);
        Ok(Answer::ok().with("reminder", shown))
    }
}

/// The caller's reminders.
#[derive(Deserialize)]
pub(crate) struct Reminders {}

fn is_own(row: &Reminder, actor: &Actor) -> bool {
    row.user == actor.id || row.creator == actor.id
}

impl Action<Slack> for Reminders {
    const NAME: &'static str = "reminders.list";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let rows = cx.state.reminders.values().filter(|row| is_own(row, &actor));
        let shown: Vec<Value> = rows.map(lists::reminder).collect();
        Ok(Answer::ok().with("reminders", shown))
    }
}

fn own(cx: &Cx<'_>, id: Option<&String>) -> Result<(Actor, Reminder), Error> {
    let actor = access::actor(cx)?;
    let id = id.cloned().unwrap_or_default();
    let row = cx.state.reminders.get(&id).filter(|row| is_own(row, &actor)).cloned();
    Ok((actor, row.ok_or_else(|| Error::new("not_found"))?))
}

/// One reminder.
#[derive(Deserialize)]
pub(crate) struct Info {
    reminder: Option<String>,
}

impl Action<Slack> for Info {
    const NAME: &'static str = "reminders.info";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let (_, row) = own(cx, self.reminder.as_ref())?;
        Ok(Answer::ok().with("reminder", lists::reminder(&row)))
    }
}

/// Says that a reminder is done.
#[derive(Deserialize)]
pub(crate) struct Complete {
    reminder: Option<String>,
}

impl Action<Slack> for Complete {
    const NAME: &'static str = "reminders.complete";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let (actor, before) = own(cx, self.reminder.as_ref())?;
        if before.recurring {
            return refuse("cannot_complete_recurring");
        }
        if before.user != actor.id {
            return refuse("cannot_complete_others");
        }
        let mut row = before.clone();
        row.completed_at = Some(cx.now());
        cx.changed(Some(export::reminder(&before)), Some(export::reminder(&row)));
        cx.state.reminders.insert(row.id.clone(), row);
        Ok(Answer::ok())
    }
}

/// Takes a reminder away.
#[derive(Deserialize)]
pub(crate) struct Delete {
    reminder: Option<String>,
}

impl Action<Slack> for Delete {
    const NAME: &'static str = "reminders.delete";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let (_, row) = own(cx, self.reminder.as_ref())?;
        cx.state.reminders.remove(&row.id);
        cx.changed(Some(export::reminder(&row)), None);
        Ok(Answer::ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_or_words() {
        let now = 1_767_225_600;
        for (text, at) in [
            ("1767229200", 1_767_229_200),
            ("600", now + 600),
            ("in 5 minutes", now + 300),
            ("in an hour", now + 3600),
            ("tomorrow", now + 86_400 + 9 * 3600),
        ] {
            assert_eq!(when(text, now), Ok((at, false)), "{text}");
        }
        assert_eq!(when("every weekday", now), Ok((now, true)));
        assert_eq!(when("some day", now).unwrap_err().code(), "cannot_parse");
    }
}
