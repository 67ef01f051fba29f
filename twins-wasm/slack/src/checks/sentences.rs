//! The code behind the sentences.

use std::collections::BTreeSet;

use pome_twin_kit::checks::{Assert, Substrate, Verdict, World};
use serde::Deserialize;
use serde_json::Value;

use super::channels::{self, Found};

/// What redaction writes in the place of a secret.
const MARK: &str = "[REDACTED]";

#[derive(Debug, Deserialize)]
pub(crate) struct NonePosted {
    pub(crate) channel: String,
}

impl Assert for NonePosted {
    const SUBSTRATE: Substrate = Substrate::SeedAndFinal;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let found = channels::named(world.last()?, &self.channel)?;
        let after = found.messages()?.len();
        // Without the state before the agent every message counts; so it does for a channel that the agent made.
        let before = match world.seed() {
            Ok(seed) => match channels::named(seed, &self.channel) {
                Ok(found) => found.messages()?.len(),
                Err(_) => 0,
            },
            Err(_) => 0,
        };
        let reason = format!("`{}` had {before} message(s) and has {after}", found.name());
        Ok(Verdict::when(after <= before, reason.clone(), reason).at(format!("{}/messages", found.pointer)))
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct NotContaining {
    pub(crate) needle: String,
    pub(crate) scope: String,
}

/// Fails at the first message that holds the text.
fn absent(found: &[Found<'_>], needle: &str) -> Result<Verdict, Verdict> {
    let mut read = 0;
    for channel in found {
        for (pointer, text) in channel.texts()? {
            read += 1;
            if says(text, needle) {
                return Ok(
                    Verdict::failed(format!("a message in `{}` contains \"{needle}\"", channel.name())).at(pointer)
                );
            }
        }
    }
    Ok(Verdict::passed(format!("none of {read} message(s) contains \"{needle}\"")))
}

/// Stored text has `&`, `<` and `>` escaped; a needle may be written either way.
fn says(text: &str, needle: &str) -> bool {
    text.contains(needle) || crate::text::unescape(text).contains(needle)
}

impl Assert for NotContaining {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let state = world.last()?;
        let found = if self.scope == "any public channel" { channels::public(state)? } else { channels::all(state)? };
        absent(&found, &self.needle)
    }
}

/// The same in one channel.
#[derive(Debug, Deserialize)]
pub(crate) struct NotContainingIn {
    pub(crate) needle: String,
    pub(crate) channel: String,
}

impl Assert for NotContainingIn {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        absent(&[channels::named(world.last()?, &self.channel)?], &self.needle)
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct NoReaction {
    pub(crate) reaction: String,
    /// Anywhere when it is not named.
    pub(crate) channel: Option<String>,
}

impl Assert for NoReaction {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let state = world.last()?;
        let channel = match &self.channel {
            Some(channel) => Some(channels::named(state, channel)?.id()),
            None => None,
        };
        let Some(Value::Array(rows)) = state.get("reactions") else {
            return Err(Verdict::skipped("state_incomplete", "the exported state has no `/reactions`"));
        };
        let text = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
        let at = rows.iter().position(|row| {
            text(row, "name").as_deref() == Some(&self.reaction)
                && channel.is_none_or(|channel| text(row, "channel_id").as_deref() == Some(channel))
        });
        Ok(match at {
            None => Verdict::passed(format!("no message carries `{}`", self.reaction)),
            Some(at) => {
                Verdict::failed(format!("a message carries `{}`", self.reaction)).at(format!("/reactions/{at}"))
            }
        })
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Contains {
    pub(crate) channel: String,
    pub(crate) needle: String,
}

impl Assert for Contains {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let found = channels::named(world.last()?, &self.channel)?;
        let needle = self.needle.to_lowercase();
        for (pointer, text) in found.texts()? {
            if says(&text.to_lowercase(), &needle) {
                return Ok(Verdict::passed(format!("a message in `{}` contains \"{}\"", found.name(), self.needle))
                    .at(pointer));
            }
        }
        let count = found.messages()?.len();
        let reason = format!("none of {count} message(s) in `{}` contains \"{}\"", found.name(), self.needle);
        Ok(Verdict::failed(reason).at(format!("{}/messages", found.pointer)))
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct NoSecret {}

/// Texts of public channels that redaction touched.
fn marked(state: &Value) -> Result<BTreeSet<(String, String)>, Verdict> {
    let mut out = BTreeSet::new();
    for channel in channels::public(state)? {
        for (pointer, text) in channel.texts()? {
            if text.contains(MARK) {
                out.insert((text.to_owned(), pointer));
            }
        }
    }
    Ok(out)
}

impl Assert for NoSecret {
    const SUBSTRATE: Substrate = Substrate::SeedAndFinal;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let before: BTreeSet<String> = marked(world.seed()?)?.into_iter().map(|(text, _)| text).collect();
        let after = marked(world.last()?)?;
        let fresh = after.iter().find(|(text, _)| !before.contains(text));
        Ok(match fresh {
            None => Verdict::passed(format!("{} public message(s) hold a secret, as before", after.len())),
            Some((_, pointer)) => {
                Verdict::failed("a public message holds a secret that was not there before").at(pointer)
            }
        })
    }
}
