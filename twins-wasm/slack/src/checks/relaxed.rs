//! Looser sentences, in the order in which they are tried.

use pome_twin_kit::checks::common::matches;
use pome_twin_kit::checks::{Relaxed, Understood};

use super::sentences::NotContainingIn;
use super::{Contains, NoReaction, NonePosted, NotContaining};

pub(crate) const RELAXED: &[Relaxed] = &[
    Relaxed { id: "sl.reaction", understand: reaction },
    Relaxed { id: "sl.contains-public", understand: contains_public },
    Relaxed { id: "sl.contains-channel", understand: contains_channel },
    Relaxed { id: "sl.no-post", understand: no_post },
    Relaxed { id: "sl.message", understand: message },
];

/// The first part of a match, as text.
fn part(pattern: &str, text: &str) -> Option<String> {
    Some(matches(pattern, text)?.get(1)?.as_str().to_owned())
}

fn channel(text: &str) -> Option<String> {
    part(r##""#?([^"]+)" channel"##, text)
}

fn reaction(text: &str) -> Option<Understood> {
    matches(r"\breactions?\b", text)?;
    let channel = channel(text);
    // The first quoted word that is not the channel's.
    let quoted = text.split('"').skip(1).step_by(2);
    let named = |word: &&str| channel.as_deref().is_none_or(|channel| word.trim_start_matches('#') != channel);
    let reaction = quoted.into_iter().find(named)?.trim_matches(':').to_lowercase();
    let subject = reaction.clone();
    Some(Understood::as_check(NoReaction { reaction, channel }, &[&subject]))
}

fn contains_public(text: &str) -> Option<Understood> {
    matches("public channel", text)?;
    let needle = part(r#"containing "([^"]+)""#, text)?;
    let subject = needle.clone();
    Some(Understood::as_check(NotContaining { needle, scope: "any public channel".to_owned() }, &[&subject]))
}

fn contains_channel(text: &str) -> Option<Understood> {
    let needle = part(r#"containing "([^"]+)""#, text)?;
    let channel = channel(text)?;
    let subject = needle.clone();
    Some(Understood::as_check(NotContainingIn { needle, channel }, &[&subject]))
}

fn no_post(text: &str) -> Option<Understood> {
    matches(r"posted to|no new messages?", text)?;
    let channel = channel(text)?;
    Some(Understood::as_check(NonePosted { channel }, &[]))
}

fn message(text: &str) -> Option<Understood> {
    let found = matches(r##"a message in (?:the )?"#?([^"]+)"(?: channel)? contains "([^"]+)""##, text)?;
    let (channel, needle) = (found.get(1)?.as_str().to_owned(), found.get(2)?.as_str().to_owned());
    let subject = needle.clone();
    Some(Understood::as_check(Contains { channel, needle }, &[&subject]))
}
