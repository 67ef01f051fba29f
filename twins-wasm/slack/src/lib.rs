//! Slack as a twin: identity and tables. Actions and views lie in folders by area; `state` is the data model, `access` says who
//! sees what, `text`, `rich_text` and `blocks` know the vendor's message formats, `error` how Slack says no.

mod access;
mod actions;
mod answer;
mod arguments;
mod blocks;
mod checks;
mod cursor;
mod error;
mod export;
mod identity;
mod markdown;
mod paging;
mod query;
mod rich_text;
mod routes;
mod scopes;
mod seed;
mod state;
mod text;
mod tools;
mod ts;
mod views;

use std::borrow::Cow;

use pome_twin_kit::checks::{Check, Relaxed, Slot};
use pome_twin_kit::describe::{Identity, NamedSeed};
use pome_twin_kit::envelope::{Delivery, Request, ToolCall};
use pome_twin_kit::routes::Router;
use pome_twin_kit::{Body, Cx, Reply, Route, Tool, ToolReply, Twin};
use serde_json::{Map, Value};

/// The twin.
#[derive(Debug)]
pub struct Slack;

impl Twin for Slack {
    type State = state::State;
    type Error = error::Error;

    const ID: &'static str = "slack";

    fn identity() -> Identity {
        identity::identity()
    }

    const ROUTES: &'static [Route<Self>] = routes::ROUTES;
    const BODY: Body = Body::Form;
    const COMMON: &'static [&'static str] = &["token"];
    const TOOLS: &'static [Tool<Self>] = tools::TOOLS;
    const TOOL_LISTINGS: &'static [&'static str] = &[tools::LISTING];
    const CHECKS: &'static [Check] = checks::CHECKS;
    const SLOTS: &'static [Slot] = checks::SLOTS;
    const RELAXED: &'static [Relaxed] = checks::RELAXED;
    const SEEDS: &'static [NamedSeed] = seed::SEEDS;

    fn seed(document: Value, cx: &mut Cx<'_, Self>) -> Result<Value, error::Error> {
        seed::apply(document, cx)
    }

    fn read_seed(bytes: &[u8]) -> Result<Value, error::Error> {
        seed::read(bytes)
    }

    fn export(state: &state::State) -> Vec<u8> {
        export::export(state)
    }

    fn unsupported(request: &Request, _: &Router<Self>) -> Reply {
        identity::unsupported(request)
    }

    fn check_arguments(tool: &str, arguments: &Map<String, Value>) -> Result<(), error::Error> {
        tools::check(tool, arguments)
    }

    fn unknown_tool(_: &ToolCall) -> ToolReply {
        identity::unknown_tool()
    }

    fn admit(cx: &mut Cx<'_, Self>) -> Result<(), error::Error> {
        identity::admit(cx)
    }

    fn finish(cx: &mut Cx<'_, Self>, _: &str, reply: &mut Reply) {
        identity::finish(cx, reply);
    }

    fn canonical_path<'a>(_: &state::State, path: &'a str) -> Cow<'a, str> {
        identity::canonical(path)
    }

    fn authenticate(state: &state::State, token: &str) -> Option<Map<String, Value>> {
        identity::authenticate(state, token)
    }

    fn advance(cx: &mut Cx<'_, Self>) -> Result<Vec<Delivery>, error::Error> {
        actions::scheduled::fire(cx);
        Ok(Vec::new())
    }
}

#[cfg(feature = "component")]
pome_twin_kit::export_twin!(Slack);
