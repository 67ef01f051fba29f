//! GitHub as a twin: identity and tables. Actions, checks and views lie in folders by area; `state` is the data model, `git` the
//! object model, `error` how GitHub says no.

#![expect(
    clippy::indexing_slicing,
    reason = "members are set on JSON objects that were written as objects just before; no slice is indexed"
)]

mod access;
mod accounts;
mod actions;
mod activity;
mod checks;
mod error;
mod events;
mod export;
mod freshness;
pub mod git;
mod glob;
mod graphql;
mod identity;
mod issue_index;
mod mentions;
mod merge_words;
mod moved;
mod rate;
mod refs;
mod relations;
mod revision;
mod routes;
mod rules;
mod seed;
mod state;
mod suites;
mod tool_errors;
mod tools;
mod views;
mod webhooks;
mod workflows;

use std::borrow::Cow;

use pome_twin_kit::checks::{Check, Relaxed, Slot};
use pome_twin_kit::describe::{Identity, NamedSeed};
use pome_twin_kit::envelope::{Delivery, Request, ToolCall};
use pome_twin_kit::routes::Router;
use pome_twin_kit::{Cx, Reply, Route, Tool, ToolReply, Twin};
use serde_json::{Map, Value};

/// The twin.
#[derive(Debug)]
pub struct GitHub;

impl Twin for GitHub {
    type State = state::State;
    type Error = error::Error;

    const ID: &'static str = "github";

    fn identity() -> Identity {
        identity::identity()
    }

    const ROUTES: &'static [Route<Self>] = routes::ROUTES;
    const TOOLS: &'static [Tool<Self>] = tools::TOOLS;
    const TOOL_LISTINGS: &'static [&'static str] = &[
        include_str!("../fixtures/tools/users.json"),
        include_str!("../fixtures/tools/issues.json"),
        include_str!("../fixtures/tools/sub_issues.json"),
        include_str!("../fixtures/tools/actions.json"),
        include_str!("../fixtures/tools/search.json"),
        include_str!("../fixtures/tools/collaborators.json"),
        include_str!("../fixtures/tools/pulls.json"),
        include_str!("../fixtures/tools/repos.json"),
        include_str!("../fixtures/tools/issue_types.json"),
        include_str!("../fixtures/tools/copilot.json"),
        include_str!("../fixtures/tools/teams.json"),
    ];
    const CHECKS: &'static [Check] = checks::CHECKS;
    const SLOTS: &'static [Slot] = checks::SLOTS;
    const RELAXED: &'static [Relaxed] = checks::RELAXED;
    const SEEDS: &'static [NamedSeed] = seed::SEEDS;

    fn seed(document: Value, cx: &mut Cx<'_, Self>) -> Result<Value, error::Error> {
        seed::apply(document, cx)
    }

    fn export(state: &state::State) -> Vec<u8> {
        export::export(state)
    }

    fn unsupported(request: &Request, router: &Router<Self>) -> Reply {
        identity::unsupported(request, router)
    }

    fn check_arguments(tool: &str, arguments: &Map<String, Value>) -> Result<(), error::Error> {
        tool_errors::check(tool, arguments)
    }

    fn unknown_tool(call: &ToolCall) -> ToolReply {
        identity::unknown_tool(call)
    }

    fn admit(cx: &mut Cx<'_, Self>) -> Result<(), error::Error> {
        rate::charge(cx)?;
        moved::check(cx)
    }

    fn advance(cx: &mut Cx<'_, Self>) -> Result<Vec<Delivery>, error::Error> {
        let now = cx.now();
        cx.state.progress(now);
        webhooks::deliver(cx);
        Ok(Vec::new())
    }

    fn settle(cx: &mut Cx<'_, Self>) {
        events::record(cx);
        webhooks::deliver(cx);
    }

    fn finish(cx: &mut Cx<'_, Self>, method: &str, reply: &mut Reply) {
        identity::finish(cx, method, reply);
        rate::headers(cx, reply);
    }

    fn canonical_path<'a>(state: &state::State, path: &'a str) -> Cow<'a, str> {
        // The address prefixes of GitHub Enterprise, which some clients add by themselves.
        let below = |prefix| path.strip_prefix(prefix).filter(|rest: &&str| rest.starts_with('/'));
        let path = match path {
            "/api/graphql" => "/graphql",
            _ => below("/api/v3").or_else(|| below("/api/uploads")).unwrap_or(path),
        };
        moved::by_name(state, path)
    }
}

#[cfg(feature = "component")]
pome_twin_kit::export_twin!(GitHub);
