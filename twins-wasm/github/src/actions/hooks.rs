//! Webhooks of a repository and what was sent to them.

use pome_twin_kit::action::Empty;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::activity::{Hook, Sent};
use crate::error::Error;
use crate::state::{Permission, Repo};
use crate::views::Site;
use crate::views::users::SimpleUser;
use crate::webhooks::{Key, last_push, repository, send};

/// What a repository's webhook can subscribe to; `*` is all of it.
const EVENTS: &[&str] = &[
    "*",
    "branch_protection_configuration",
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "code_scanning_alert",
    "commit_comment",
    "create",
    "custom_property_values",
    "delete",
    "dependabot_alert",
    "deploy_key",
    "deployment",
    "deployment_status",
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "issue_comment",
    "issue_dependencies",
    "issues",
    "label",
    "member",
    "meta",
    "milestone",
    "package",
    "page_build",
    "project",
    "project_card",
    "project_column",
    "public",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_review_thread",
    "push",
    "registry_package",
    "release",
    "repository",
    "repository_advisory",
    "repository_import",
    "repository_ruleset",
    "repository_vulnerability_alert",
    "secret_scanning_alert",
    "secret_scanning_alert_location",
    "secret_scanning_scan",
    "security_and_analysis",
    "star",
    "status",
    "sub_issues",
    "team_add",
    "watch",
    "workflow_job",
    "workflow_run",
];

pub(crate) fn known_events(events: &[String]) -> Result<(), Error> {
    let strange: Vec<&str> = events.iter().map(String::as_str).filter(|event| !EVENTS.contains(event)).collect();
    if strange.is_empty() {
        return Ok(());
    }
    let message = format!("These events are not allowed for this hook: {}", strange.join(", "));
    Err(Error::validation(vec![json!({ "resource": "Hook", "code": "custom", "field": "events", "message": message })]))
}

fn config(hook: &Hook) -> Value {
    let mut config = json!({
        "content_type": hook.content_type, "insecure_ssl": if hook.insecure_ssl { "1" } else { "0" }, "url": hook.url,
    });
    if hook.secret.is_some() {
        config["secret"] = "********".into();
    }
    config
}

fn view(site: Site<'_>, key: &Key) -> Option<Value> {
    let (repo, hook) = (site.state.repos.get(&key.0)?, site.state.activity.hooks.get(key)?);
    let url = format!("{}/repos/{}/hooks/{}", site.api, repo.full_name(), hook.id);
    let asked = site.state.activity.sent_to(key.0, hook.id).next_back();
    Some(json!({
        "type": "Repository",
        "id": hook.id,
        "name": "web",
        "active": hook.active,
        "events": hook.events,
        "config": config(hook),
        "updated_at": hook.updated_at.to_seconds(),
        "created_at": hook.created_at.to_seconds(),
        "url": url,
        "test_url": format!("{url}/test"),
        "ping_url": format!("{url}/pings"),
        "deliveries_url": format!("{url}/deliveries"),
        "last_response": {
            "code": null, "status": if asked.is_some() { "pending" } else { "unused" }, "message": null,
        },
    }))
}

fn row(repo: &Repo, hook: &Hook) -> Value {
    json!({
        "repo": repo.full_name(), "id": hook.id, "url": hook.url, "events": hook.events, "active": hook.active,
        "content_type": hook.content_type, "has_secret": hook.secret.is_some(),
    })
}

fn ping(cx: &mut Cx<'_, GitHub>, key: Key) {
    let site = Site::of(cx);
    let Some(repo) = site.state.repos.get(&key.0) else { return };
    let payload = json!({
        "zen": "Keep it logically awesome.",
        "hook_id": key.1,
        "hook": view(site, &key),
        "repository": repository(site, repo),
        "sender": SimpleUser::of(site, site.viewer),
    });
    send(cx, key, "ping", None, &payload, false);
}

/// The hook, if the caller administers its repository.
fn find(cx: &Cx<'_, GitHub>, owner: &str, repo: &str, id: u64) -> Result<(Repo, Hook), Error> {
    // Webhooks are not there for those who may not manage them.
    let repo = cx.repo(owner, repo)?;
    if cx.permission(repo) < Some(Permission::Admin) {
        return Err(Error::not_found());
    }
    let hook = cx.state.activity.hooks.get(&(repo.id, id)).ok_or_else(Error::not_found)?;
    Ok((repo.clone(), hook.clone()))
}

fn administered<'a>(cx: &'a Cx<'_, GitHub>, owner: &str, repo: &str) -> Result<&'a Repo, Error> {
    let repo = cx.repo(owner, repo)?;
    if cx.permission(repo) < Some(Permission::Admin) {
        return Err(Error::not_found());
    }
    Ok(repo)
}

/// A page of hooks.
pub(crate) struct Listed(Page<Key>);

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, view);
    }
}

#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_webhooks";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = administered(cx, &self.owner, &self.repo)?.id;
        let keys = cx.state.activity.hooks_of(repo).map(|hook| (repo, hook.id));
        Ok(Listed(Page::of(keys, paging(self.page, self.per_page))))
    }
}

/// One hook.
pub(crate) struct Shown(Key);

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(value) = view(Site::of(cx), &self.0) {
            reply.write_json(&value);
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    hook_id: u64,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_webhook";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        find(cx, &self.owner, &self.repo, self.hook_id).map(|(repo, hook)| Shown((repo.id, hook.id)))
    }
}

/// `"1"`, `1`, `true` and their opposites.
fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Bool(flag) => Some(flag),
        Value::String(text) => Some(text == "1" || text == "true"),
        Value::Number(number) => Some(number.as_u64() == Some(1)),
        _ => None,
    })
}

#[derive(Debug, Default, Deserialize)]
struct Config {
    url: Option<String>,
    content_type: Option<String>,
    secret: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    insecure_ssl: Option<bool>,
}

impl Config {
    fn apply(self, hook: &mut Hook) -> Result<(), Error> {
        if let Some(url) = self.url {
            if !(url.starts_with("http://") || url.starts_with("https://")) {
                return Err(Error::value("Hook", "url", "invalid", url));
            }
            hook.url = url;
        }
        if let Some(kind) = self.content_type {
            if kind != "json" && kind != "form" {
                return Err(Error::value("Hook", "content_type", "invalid", kind));
            }
            hook.content_type = kind;
        }
        if let Some(secret) = self.secret {
            hook.secret = Some(secret).filter(|secret| !secret.is_empty());
        }
        hook.insecure_ssl = self.insecure_ssl.unwrap_or(hook.insecure_ssl);
        Ok(())
    }
}

/// Adds a webhook and pings it.
#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    name: Option<String>,
    #[serde(default)]
    config: Config,
    events: Option<Vec<String>>,
    active: Option<bool>,
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_webhook";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = administered(cx, &self.owner, &self.repo)?.clone();
        if let Some(name) = self.name.filter(|name| name != "web") {
            return Err(Error::value("Hook", "name", "invalid", name));
        }
        if self.config.url.as_deref().is_none_or(str::is_empty) {
            return Err(Error::custom("Hook", "url cannot be blank"));
        }
        let now = cx.now();
        let mut hook = Hook {
            id: 0,
            active: self.active.unwrap_or(true),
            events: self.events.filter(|events| !events.is_empty()).unwrap_or_else(|| vec!["push".to_owned()]),
            url: String::new(),
            content_type: "form".to_owned(),
            insecure_ssl: false,
            secret: None,
            created_at: now,
            updated_at: now,
        };
        self.config.apply(&mut hook)?;
        known_events(&hook.events)?;
        let same = |known: &Hook| known.url == hook.url && known.events == hook.events;
        if cx.state.activity.hooks_of(repo.id).any(same) {
            return Err(Error::custom("Hook", "Hook already exists on this repository"));
        }
        hook.id = cx.state.activity.next_hook.next();
        let (key, active) = ((repo.id, hook.id), hook.active);
        cx.changed(None, Some(row(&repo, &hook)));
        cx.state.activity.hooks.insert(key, hook);
        if active {
            ping(cx, key);
        }
        Ok(Shown(key))
    }
}

#[derive(Deserialize)]
pub(crate) struct Update {
    owner: String,
    repo: String,
    hook_id: u64,
    #[serde(default)]
    config: Config,
    events: Option<Vec<String>>,
    #[serde(default)]
    add_events: Vec<String>,
    #[serde(default)]
    remove_events: Vec<String>,
    active: Option<bool>,
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_webhook";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let (repo, before) = find(cx, &self.owner, &self.repo, self.hook_id)?;
        let mut after = before.clone();
        self.config.apply(&mut after)?;
        if let Some(events) = self.events {
            after.events = events;
        }
        for event in self.add_events {
            if !after.events.contains(&event) {
                after.events.push(event);
            }
        }
        after.events.retain(|event| !self.remove_events.contains(event));
        known_events(&after.events)?;
        after.active = self.active.unwrap_or(after.active);
        after.updated_at = cx.now();
        cx.changed(Some(row(&repo, &before)), Some(row(&repo, &after)));
        let key = (repo.id, after.id);
        cx.state.activity.hooks.insert(key, after);
        Ok(Shown(key))
    }
}

/// The configuration alone.
pub(crate) struct ShownConfig(Key);

impl View<GitHub> for ShownConfig {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(hook) = cx.state.activity.hooks.get(&self.0) {
            reply.write_json(&config(hook));
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct GetConfig {
    owner: String,
    repo: String,
    hook_id: u64,
}

impl Action<GitHub> for GetConfig {
    const NAME: &'static str = "get_webhook_config";
    type Output = ShownConfig;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<ShownConfig, Error> {
        find(cx, &self.owner, &self.repo, self.hook_id).map(|(repo, hook)| ShownConfig((repo.id, hook.id)))
    }
}

#[derive(Deserialize)]
pub(crate) struct UpdateConfig {
    owner: String,
    repo: String,
    hook_id: u64,
    url: Option<String>,
    content_type: Option<String>,
    secret: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    insecure_ssl: Option<bool>,
}

impl Action<GitHub> for UpdateConfig {
    const NAME: &'static str = "update_webhook_config";
    const MUTATES: bool = true;
    type Output = ShownConfig;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<ShownConfig, Error> {
        let (repo, before) = find(cx, &self.owner, &self.repo, self.hook_id)?;
        let mut after = before.clone();
        let Self { url, content_type, secret, insecure_ssl, .. } = self;
        Config { url, content_type, secret, insecure_ssl }.apply(&mut after)?;
        after.updated_at = cx.now();
        cx.changed(Some(row(&repo, &before)), Some(row(&repo, &after)));
        let key = (repo.id, after.id);
        cx.state.activity.hooks.insert(key, after);
        Ok(ShownConfig(key))
    }
}

#[derive(Deserialize)]
pub(crate) struct Delete {
    owner: String,
    repo: String,
    hook_id: u64,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_webhook";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let (repo, hook) = find(cx, &self.owner, &self.repo, self.hook_id)?;
        let sent: Vec<u64> = cx.state.activity.sent_to(repo.id, hook.id).map(|sent| sent.id).collect();
        for id in sent {
            cx.state.activity.sent.remove(&(repo.id, hook.id, id));
        }
        cx.state.activity.hooks.remove(&(repo.id, hook.id));
        cx.changed(Some(row(&repo, &hook)), None);
        Ok(Empty)
    }
}

/// Sends the event that says hello.
#[derive(Deserialize)]
pub(crate) struct Ping {
    owner: String,
    repo: String,
    hook_id: u64,
}

impl Action<GitHub> for Ping {
    const NAME: &'static str = "ping_webhook";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let (repo, hook) = find(cx, &self.owner, &self.repo, self.hook_id)?;
        ping(cx, (repo.id, hook.id));
        Ok(Empty)
    }
}

/// Sends the last push again to a hook that hears of pushes.
#[derive(Deserialize)]
pub(crate) struct Test {
    owner: String,
    repo: String,
    hook_id: u64,
}

impl Action<GitHub> for Test {
    const NAME: &'static str = "test_webhook";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let (repo, hook) = find(cx, &self.owner, &self.repo, self.hook_id)?;
        let hears = hook.events.iter().any(|event| event == "push" || event == "*");
        let Some(head) = cx.state.head(&repo).filter(|_| hears) else { return Ok(Empty) };
        let before = cx.objects().commit(head)?.parents.first().copied();
        let payload = last_push(Site::of(cx), &repo, before, head);
        send(cx, (repo.id, hook.id), "push", None, &payload, false);
        Ok(Empty)
    }
}

fn sent_view(sent: &Sent, key: Key, site: Site<'_>, full: bool) -> Value {
    let mut row = json!({
        "id": sent.id,
        "guid": sent.guid,
        "delivered_at": sent.at.to_seconds(),
        "redelivery": sent.redelivery,
        "duration": 0,
        "status": "pending",
        "status_code": 0,
        "event": sent.event,
        "action": sent.action,
        "installation_id": null,
        "repository_id": key.0,
        "throttled_at": null,
    });
    if full {
        let url = site.state.activity.hooks.get(&key).map(|hook| hook.url.clone());
        let headers: serde_json::Map<String, Value> =
            sent.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        row["url"] = json!(url);
        row["request"] =
            json!({ "headers": headers, "payload": serde_json::from_str::<Value>(&sent.payload).unwrap_or_default() });
        row["response"] = json!({ "headers": null, "payload": null });
    }
    row
}

/// What was sent to a hook, newest first.
#[derive(Deserialize)]
pub(crate) struct Deliveries {
    owner: String,
    repo: String,
    hook_id: u64,
    per_page: Option<i64>,
    /// The delivery that the page begins with.
    cursor: Option<u64>,
    status: Option<Outcome>,
}

/// How a receiver took a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Success,
    Failure,
}

/// A list of what was sent.
pub(crate) struct SentList {
    key: Key,
    ids: Vec<u64>,
    /// The first delivery of the next page.
    next: Option<u64>,
    size: usize,
}

impl View<GitHub> for SentList {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        let sent = self.ids.iter().filter_map(|id| site.state.activity.sent.get(&(self.key.0, self.key.1, *id)));
        reply.write_json(&sent.map(|sent| sent_view(sent, self.key, site, false)).collect::<Vec<_>>());
        if let Some(next) = self.next {
            let (origin, path, size) = (cx.origin, cx.path, self.size);
            reply.header("link", format!("<{origin}{path}?per_page={size}&cursor={next}>; rel=\"next\""));
        }
    }
}

impl Action<GitHub> for Deliveries {
    const NAME: &'static str = "list_webhook_deliveries";
    type Output = SentList;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<SentList, Error> {
        let (repo, hook) = find(cx, &self.owner, &self.repo, self.hook_id)?;
        let size = paging(None, self.per_page).per_page;
        // Nobody tells the twin how a receiver answered, so nothing has succeeded or failed.
        let settled = self.status.is_none();
        let all = cx.state.activity.sent_to(repo.id, hook.id).rev().map(|sent| sent.id);
        let from = all.filter(|id| settled && self.cursor.is_none_or(|cursor| *id <= cursor));
        let mut ids: Vec<u64> = from.take(size + 1).collect();
        let next = if ids.len() > size { ids.pop() } else { None };
        Ok(SentList { key: (repo.id, hook.id), ids, next, size })
    }
}

/// One thing that was sent.
pub(crate) struct ShownSent(Key, u64);

impl View<GitHub> for ShownSent {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(sent) = cx.state.activity.sent.get(&(self.0.0, self.0.1, self.1)) {
            reply.write_json(&sent_view(sent, self.0, Site::of(cx), true));
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct GetDelivery {
    owner: String,
    repo: String,
    hook_id: u64,
    delivery_id: u64,
}

impl Action<GitHub> for GetDelivery {
    const NAME: &'static str = "get_webhook_delivery";
    type Output = ShownSent;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<ShownSent, Error> {
        let (repo, hook) = find(cx, &self.owner, &self.repo, self.hook_id)?;
        let found = cx.state.activity.sent.contains(&(repo.id, hook.id, self.delivery_id));
        found.then_some(ShownSent((repo.id, hook.id), self.delivery_id)).ok_or_else(Error::not_found)
    }
}

/// Sends something once more.
#[derive(Deserialize)]
pub(crate) struct Redeliver {
    owner: String,
    repo: String,
    hook_id: u64,
    delivery_id: u64,
}

impl Action<GitHub> for Redeliver {
    const NAME: &'static str = "redeliver_webhook_delivery";
    const MUTATES: bool = true;
    type Output = Reply;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Reply, Error> {
        let (repo, hook) = find(cx, &self.owner, &self.repo, self.hook_id)?;
        let sent = cx.state.activity.sent.get(&(repo.id, hook.id, self.delivery_id)).cloned();
        let sent = sent.ok_or_else(Error::not_found)?;
        let payload = serde_json::from_str(&sent.payload).unwrap_or_default();
        send(cx, (repo.id, hook.id), &sent.event, sent.action.as_deref(), &payload, true);
        Ok(Reply::json(202, &json!({})))
    }
}
