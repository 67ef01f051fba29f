//! What a method answers: an object that begins with `ok`, with warnings and paging where the vendor has them.

use pome_twin_kit::{Cx, Reply, ToolReply, View};
use serde_json::{Map, Value, json};

use crate::Slack;

/// A success under construction.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    body: Map<String, Value>,
    warnings: Vec<&'static str>,
    /// What the tool door adds or puts in the place of the method's keys.
    tool: Map<String, Value>,
}

impl Answer {
    pub(crate) fn ok() -> Self {
        let mut body = Map::new();
        body.insert("ok".to_owned(), true.into());
        Self { body, warnings: Vec::new(), tool: Map::new() }
    }

    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.body.insert(key.to_owned(), value.into());
        self
    }

    #[must_use]
    pub(crate) fn maybe(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// The members of an object, each under its own name.
    #[must_use]
    pub(crate) fn merge(mut self, value: Value) -> Self {
        if let Value::Object(members) = value {
            self.body.extend(members);
        }
        self
    }

    #[must_use]
    pub(crate) fn warning(mut self, warning: &'static str) -> Self {
        self.warnings.push(warning);
        self
    }

    /// `response_metadata.next_cursor`; empty on the last page.
    #[must_use]
    pub(crate) fn cursor(self, next: &str) -> Self {
        self.with("response_metadata", json!({ "next_cursor": next }))
    }

    /// A key that only the tool door shows.
    #[must_use]
    pub(crate) fn tool(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.tool.insert(key.to_owned(), value.into());
        self
    }

    /// A member of the body.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.body.get(key)
    }
}

impl View<Slack> for Answer {
    fn rest(&self, cx: &Cx<'_, Slack>, reply: &mut Reply) {
        let mut body = self.body.clone();
        let mut warnings = charset(cx);
        warnings.extend(&self.warnings);
        warn(&mut body, &warnings);
        reply.write_json(&body);
    }

    fn tool(&self, _: &Cx<'_, Slack>) -> ToolReply {
        let mut body = self.body.clone();
        body.extend(self.tool.clone());
        warn(&mut body, &self.warnings);
        ToolReply::json(&body)
    }
}

/// What is odd about the declared charset of a body: JSON should name one, forms should not.
pub(crate) fn charset(cx: &Cx<'_, Slack>) -> Vec<&'static str> {
    if cx.reads || cx.tool.is_some() || cx.body.is_empty() {
        return Vec::new();
    }
    let kind = cx.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let named = kind.contains("charset=");
    if kind.starts_with("application/json") && !named {
        return vec!["missing_charset"];
    }
    if kind.starts_with("application/x-www-form-urlencoded") && named {
        return vec!["superfluous_charset"];
    }
    Vec::new()
}

/// Adds warnings to a body: in one line, and as a list.
pub(crate) fn warn(body: &mut Map<String, Value>, warnings: &[&'static str]) {
    if warnings.is_empty() {
        return;
    }
    body.insert("warning".to_owned(), warnings.join(",").into());
    let metadata = body.entry("response_metadata").or_insert_with(|| json!({}));
    if let Value::Object(metadata) = metadata {
        metadata.insert("warnings".to_owned(), json!(warnings));
    }
}

/// Bytes as they are: downloads and answers to uploads.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) kind: String,
    pub(crate) name: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

impl View<Slack> for Plain {
    fn rest(&self, _: &Cx<'_, Slack>, reply: &mut Reply) {
        reply.header("content-type", self.kind.as_str());
        if let Some(name) = &self.name {
            reply.header(
                "content-disposition",
                format!("attachment; filename=\"{}\"", name.replace(['"', '\n', '\r'], "_")),
            );
        }
        reply.body.clone_from(&self.bytes);
    }
}
