//! What webhooks hear of, and how it is sent to them.
//!
//! Actions change the state and say nothing here. After an action that succeeded, [`deliver`] compares the rows that it wrote with
//! what they were, as [`crate::events`] does, and sends what follows to every active hook of the repository that subscribes to it.

mod code;
mod repository;
mod threads;

use std::collections::{BTreeMap, BTreeSet};

use hmac::{Hmac, KeyInit as _, Mac as _};
use pome_twin_kit::Cx;
use pome_twin_kit::envelope::Delivery;
use pome_twin_kit::ids::{hex, hex_id};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;

use crate::GitHub;
use crate::actions::merges::detail;
use crate::activity::Sent;
use crate::git::Oid;
use crate::state::{Numbered, Repo, RepoId, heads};
use crate::views::events::value;
use crate::views::orgs::{merge, simple};
use crate::views::pulls::Detail;
use crate::views::repos::RepoView;
use crate::views::users::SimpleUser;
use crate::views::{Encoded, Site};

/// A repository and a hook of it.
pub(crate) type Key = (RepoId, u64);

/// Something that a repository's hooks can hear of.
struct Happening {
    repo: RepoId,
    /// `push`, `issues`, ...
    event: &'static str,
    action: Option<&'static str>,
    /// What this event says beside what every event says.
    payload: Value,
}

/// What happened, as it is found.
struct Found<'a> {
    site: Site<'a>,
    /// The repositories that somebody listens to.
    repos: &'a BTreeSet<RepoId>,
    /// Of the pull requests that are spoken of.
    details: &'a BTreeMap<Numbered, Detail>,
    all: Vec<Happening>,
}

impl<'a> Found<'a> {
    /// The repository, if somebody listens to it.
    fn heard(&self, repo: RepoId) -> Option<&'a Repo> {
        self.site.state.repos.get(&repo).filter(|_| self.repos.contains(&repo))
    }

    fn say(&mut self, repo: RepoId, event: &'static str, action: Option<&'static str>, payload: Value) {
        self.all.push(Happening { repo, event, action, payload });
    }

    fn user(&self, login: &str) -> Value {
        value(SimpleUser::of(self.site, login))
    }
}

/// Sends what the action has caused.
pub(crate) fn deliver(cx: &mut Cx<'_, GitHub>) {
    let hooks = cx.state.activity.hooks.iter().filter(|(_, hook)| hook.active);
    let repos: BTreeSet<RepoId> = hooks.map(|((repo, _), _)| *repo).collect();
    if repos.is_empty() {
        return;
    }
    let mut details = BTreeMap::new();
    for key in threads::pulls(cx.state, &repos) {
        if let Ok(detail) = detail(cx, key) {
            details.insert(key, detail);
        }
    }
    let mut found = Found { site: outside(cx), repos: &repos, details: &details, all: Vec::new() };
    code::find(&mut found);
    threads::find(&mut found);
    repository::find(&mut found);
    for Happening { repo, event, action, payload } in found.all {
        let hears = |name: &String| name == event || name == "*";
        let hooks = cx.state.activity.hooks_of(repo).filter(|hook| hook.active && hook.events.iter().any(hears));
        let hooks: Vec<u64> = hooks.map(|hook| hook.id).collect();
        if hooks.is_empty() {
            continue;
        }
        let payload = whole(outside(cx), repo, action, payload);
        for hook in hooks {
            send(cx, (repo, hook), event, action, &payload, false);
        }
    }
}

/// What views need, also when time alone has done something and nobody has asked: then addresses are the vendor's.
fn outside<'a>(cx: &'a Cx<'_, GitHub>) -> Site<'a> {
    let site = Site::of(cx);
    if site.api.is_empty() { Site { api: "https://api.github.com", ..site } } else { site }
}

/// A repository as payloads show it.
pub(crate) fn repository(site: Site<'_>, repo: &Repo) -> Value {
    let mut row = value(RepoView::short(site, repo));
    if let Some(members) = row.as_object_mut() {
        // A payload is written for nobody in particular.
        members.remove("permissions");
    }
    row
}

/// The push that brought the default branch where it is.
pub(crate) fn last_push(site: Site<'_>, repo: &Repo, before: Option<Oid>, head: Oid) -> Value {
    let name = heads(&repo.default_branch);
    whole(site, repo.id, None, code::push(site, repo, &name, before, Some(head)))
}

/// A payload with what every one says: the repository, its organization and who did it.
fn whole(site: Site<'_>, repo: RepoId, action: Option<&str>, payload: Value) -> Value {
    let mut all = json!({});
    if let Some(action) = action {
        all["action"] = action.into();
    }
    if let Some(repo) = site.state.repos.get(&repo) {
        all["repository"] = repository(site, repo);
        if site.state.organization(&repo.owner).is_some() {
            all["organization"] = simple(site, &repo.owner);
        }
    }
    all["sender"] = value(SimpleUser::of(site, site.viewer));
    merge(&mut all, payload);
    all
}

/// The vendor's signature of a body: HMAC over SHA-256, in hex. `None` cannot happen: this kind takes keys of any length.
fn signature(secret: &[u8], body: &[u8]) -> Option<String> {
    Some(hex(&Hmac::<Sha256>::new_from_slice(secret).ok()?.chain_update(body).finalize().into_bytes()))
}

/// The older one, over SHA-1, which the vendor still sends.
fn old_signature(secret: &[u8], body: &[u8]) -> Option<String> {
    Some(hex(&Hmac::<Sha1>::new_from_slice(secret).ok()?.chain_update(body).finalize().into_bytes()))
}

/// Sends an event to one hook and notes it. The answer of the receiver stays with the host.
pub(crate) fn send(
    cx: &mut Cx<'_, GitHub>,
    key: Key,
    event: &str,
    action: Option<&str>,
    payload: &Value,
    redelivery: bool,
) {
    let Some(hook) = cx.state.activity.hooks.get(&key).cloned() else { return };
    let now = cx.now();
    let id = cx.state.activity.next_sent.next();
    let all = hex_id(&format!("delivery {id}"));
    let part = |range: std::ops::Range<usize>| all.get(range).unwrap_or_default();
    let guid = format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32));
    let payload = payload.to_string();
    let form = hook.content_type == "form";
    let body = if form { format!("payload={}", Encoded(&payload)) } else { payload.clone() };
    let content_type = if form { "application/x-www-form-urlencoded" } else { "application/json" };
    let mut headers = vec![
        ("accept", "*/*".to_owned()),
        ("content-type", content_type.to_owned()),
        ("user-agent", "GitHub-Hookshot/pome".to_owned()),
        ("x-github-delivery", guid.clone()),
        ("x-github-event", event.to_owned()),
        ("x-github-hook-id", hook.id.to_string()),
        ("x-github-hook-installation-target-id", key.0.to_string()),
        ("x-github-hook-installation-target-type", "repository".to_owned()),
    ];
    if let Some(secret) = hook.secret.as_ref().map(String::as_bytes) {
        if let Some(signed) = old_signature(secret, body.as_bytes()) {
            headers.push(("x-hub-signature", format!("sha1={signed}")));
        }
        if let Some(signed) = signature(secret, body.as_bytes()) {
            headers.push(("x-hub-signature-256", format!("sha256={signed}")));
        }
    }
    let headers: Vec<_> = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let sent = Sent {
        id,
        guid: guid.clone(),
        event: event.to_owned(),
        action: action.map(str::to_owned),
        at: now,
        redelivery,
        headers: headers.clone(),
        payload,
    };
    cx.state.activity.sent.insert((key.0, key.1, id), sent);
    cx.deliver(Delivery {
        id: guid,
        method: "POST".to_owned(),
        url: hook.url,
        headers,
        body: body.into_bytes(),
        due: now.0,
        // GitHub tries once and leaves the rest to the button "Redeliver".
        retries: Vec::new(),
    });
}

#[cfg(test)]
mod tests {
    use super::signature;

    #[test]
    fn the_signature_is_the_one_of_the_vendors_documentation() {
        assert_eq!(
            signature(b"It's a Secret to Everybody", b"Hello, World!").unwrap(),
            "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }
}
