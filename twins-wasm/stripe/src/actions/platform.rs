//! What belongs to the account itself: events, endpoints for them, files, the account.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pome_twin_kit::{Action, Cx, Reply};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Stripe;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::error::Error;
use crate::ids;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::objects;
use crate::params::{self, Text, clears, required};

retrieve! {
    /// One event.
    RetrieveEvent = "retrieve_event", Kind::Event
}

list! {
    /// Events, newest first.
    ListEvents = "list_events", Kind::Event, { r#type: String, types: Vec<String>, delivery_success: bool },
    |wanted, event| {
        let name = event.text("type");
        let matches = |pattern: &str| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == pattern,
        };
        wanted.r#type.as_deref().is_none_or(matches)
            && wanted.types.as_ref().is_none_or(|types| types.iter().any(|one| matches(one)))
            && wanted.delivery_success.is_none_or(|success| success == (event.number("pending_webhooks") == 0))
    }
}

/// Adds an endpoint that events are sent to. The secret is shown now and never again.
#[derive(Debug, Deserialize)]
pub(crate) struct CreateEndpoint {
    #[serde(default)]
    url: Text,
    enabled_events: Option<Vec<String>>,
    #[serde(default)]
    api_version: Text,
    #[expect(dead_code, reason = "taken, and without effect here")]
    connect: Option<bool>,
    #[serde(default)]
    description: Text,
    metadata: Option<Value>,
}

impl Action<Stripe> for CreateEndpoint {
    const NAME: &'static str = "create_webhook_endpoint";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let url = address(required(&self.url, "url")?)?;
        let events = self.enabled_events.ok_or_else(|| Error::required("enabled_events"))?;
        let id = cx.fresh("we");
        let mut endpoint = objects::blank(Kind::WebhookEndpoint, &id, cx.seconds());
        endpoint.set("url", url);
        endpoint.set("enabled_events", wanted(events)?);
        endpoint.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        self.api_version.apply(&mut endpoint, "api_version");
        self.description.apply(&mut endpoint, "description");
        let secret = format!("whsec_{}", ids::suffix(32, || cx.random()));
        let mut shown = endpoint.clone();
        shown.set("secret", secret.as_str());
        cx.add(Kind::WebhookEndpoint, endpoint, Map::from_iter([("secret".to_owned(), secret.into())]));
        Answer::doc(cx, &shown)
    }
}

fn address(url: &str) -> Result<&str, Error> {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if host.is_none_or(|host| host.is_empty() || host.starts_with('/') || host.contains(char::is_whitespace)) {
        let message = "Invalid URL: An explicit scheme (such as https) must be provided.";
        return Err(Error::invalid(message).code("url_invalid").param("url"));
    }
    Ok(url)
}

fn wanted(events: Vec<String>) -> Result<Vec<String>, Error> {
    if events.is_empty() || events.iter().any(String::is_empty) {
        return Err(Error::empty("enabled_events"));
    }
    match events.iter().find(|event| *event != "*" && !event.contains('.')) {
        Some(event) => {
            let message = format!("Invalid enabled_events: {event} is no event type");
            Err(Error::invalid(message).code("parameter_invalid").param("enabled_events"))
        }
        None => Ok(events),
    }
}

retrieve! {
    /// One endpoint, without its secret.
    RetrieveEndpoint = "retrieve_webhook_endpoint", Kind::WebhookEndpoint
}

/// Changes an endpoint.
#[derive(Debug, Deserialize)]
pub(crate) struct UpdateEndpoint {
    id: String,
    #[serde(default)]
    url: Text,
    enabled_events: Option<Vec<String>>,
    #[serde(default)]
    description: Text,
    disabled: Option<bool>,
    metadata: Option<Value>,
}

impl Action<Stripe> for UpdateEndpoint {
    const NAME: &'static str = "update_webhook_endpoint";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut endpoint = cx.get(Kind::WebhookEndpoint, &self.id)?;
        if let Text::Is(url) = &self.url {
            endpoint.set("url", address(url)?);
        }
        if let Some(events) = self.enabled_events {
            endpoint.set("enabled_events", wanted(events)?);
        }
        if let Some(disabled) = self.disabled {
            endpoint.set("status", if disabled { "disabled" } else { "enabled" });
        }
        self.description.apply(&mut endpoint, "description");
        params::merge_metadata(endpoint.object_mut("metadata"), self.metadata.as_ref())?;
        let change = cx.alter(Kind::WebhookEndpoint, &self.id, |stored| *stored = endpoint);
        Answer::doc(cx, &change.after)
    }
}

/// Removes an endpoint.
#[derive(Debug, Deserialize)]
pub(crate) struct DeleteEndpoint {
    id: String,
}

impl Action<Stripe> for DeleteEndpoint {
    const NAME: &'static str = "delete_webhook_endpoint";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        cx.get(Kind::WebhookEndpoint, &self.id)?;
        cx.state.objects.remove(&(Kind::WebhookEndpoint, self.id.clone()));
        Answer::of(cx, json!({ "id": self.id, "object": "webhook_endpoint", "deleted": true }))
    }
}

list! {
    /// Endpoints, newest first.
    ListEndpoints = "list_webhook_endpoints", Kind::WebhookEndpoint, {},
    |_, _| true
}

const PURPOSES: &[&str] = &[
    "account_requirement",
    "additional_verification",
    "business_icon",
    "business_logo",
    "customer_signature",
    "dispute_evidence",
    "identity_document",
    "issuing_regulatory_reporting",
    "pci_document",
    "platform_terms_of_service",
    "tax_document_user_upload",
    "terminal_reader_splashscreen",
];

/// Takes a file in.
#[derive(Debug, Deserialize)]
pub(crate) struct CreateFile {
    file: Option<Value>,
    #[serde(default)]
    purpose: Text,
    file_link_data: Option<Value>,
}

impl Action<Stripe> for CreateFile {
    const NAME: &'static str = "create_file";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let purpose = required(&self.purpose, "purpose")?;
        if !PURPOSES.contains(&purpose) {
            return Err(Error::choice("purpose", PURPOSES));
        }
        if self.file_link_data.is_some_and(|given| !clears(&given)) {
            return Err(Error::unmodelled("links to files"));
        }
        let Some(part) = cx.files.iter().find(|part| part.name == "file").cloned().filter(|_| self.file.is_some())
        else {
            return Err(Error::required("file"));
        };
        let id = cx.fresh("file");
        let mut file = objects::blank(Kind::File, &id, cx.seconds());
        let kind = part.filename.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        file.set("filename", part.filename);
        file.set("purpose", purpose);
        file.set("size", part.bytes.len());
        file.set("type", kind);
        file.set("url", format!("https://files.stripe.com/v1/files/{id}/contents"));
        file.set(
            "links",
            json!({ "object": "list", "data": [], "has_more": false, "url": format!("/v1/file_links?file={id}") }),
        );
        let bytes = STANDARD.encode(&part.bytes);
        let kind = part.content_type;
        let hidden = [("bytes".to_owned(), bytes.into()), ("content_type".to_owned(), kind.into())];
        cx.add(Kind::File, file.clone(), Map::from_iter(hidden));
        Answer::doc(cx, &file)
    }
}

/// What is in a file.
#[derive(Debug, Deserialize)]
pub(crate) struct Contents {
    id: String,
}

impl Action<Stripe> for Contents {
    const NAME: &'static str = "retrieve_file_contents";
    type Output = Reply;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Reply, Error> {
        cx.get(Kind::File, &self.id)?;
        let hidden = |name: &str| cx.hidden(Kind::File, &self.id, name).as_str().unwrap_or_default().to_owned();
        let body = STANDARD.decode(hidden("bytes")).unwrap_or_default();
        let kind = Some(hidden("content_type")).filter(|kind| !kind.is_empty());
        let mut reply = Reply { body, ..Reply::new(200) };
        reply.header("content-type", kind.unwrap_or_else(|| "application/octet-stream".to_owned()));
        Ok(reply)
    }
}

retrieve! {
    /// What is known of one file.
    RetrieveFile = "retrieve_file", Kind::File
}

list! {
    /// Files, newest first.
    ListFiles = "list_files", Kind::File, { purpose: String },
    |wanted, file| crate::lists::fits(file, "purpose", wanted.purpose.as_deref())
}

/// The account that the key belongs to.
#[derive(Debug, Deserialize)]
pub(crate) struct RetrieveAccount {
    id: Option<String>,
}

impl Action<Stripe> for RetrieveAccount {
    const NAME: &'static str = "retrieve_account";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let account = cx.account();
        if let Some(id) = self.id.filter(|id| *id != account) {
            let message = format!(
                "The provided key does not have access to account '{id}' (or that account does not exist). Application access may \
                 have been revoked."
            );
            let error = Error::invalid(message).status(403).code("account_invalid");
            return Err(error);
        }
        Answer::of(cx, objects::account(&account))
    }
}
