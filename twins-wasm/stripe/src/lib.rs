//! Stripe as a twin: identity and tables. Objects are stored as the vendor shows them (`doc`, `state`); `objects` says how each
//! kind begins, `actions` what can be done, `desk` is what actions see of the world, `error` how Stripe says no.

#![recursion_limit = "512"]
#![expect(
    clippy::indexing_slicing,
    reason = "members are set on JSON objects that were written as objects just before; no slice is indexed"
)]

mod actions;
mod answer;
mod auth;
mod billing;
mod checks;
mod desk;
mod doc;
mod due;
mod error;
mod events;
mod expand;
mod export;
mod idempotency;
mod identity;
mod ids;
mod kind;
mod ledger;
mod lists;
mod money;
mod objects;
mod params;
mod routes;
mod search;
mod seed;
mod state;
mod tools;

use pome_twin_kit::checks::{Check, Relaxed, Slot};
use pome_twin_kit::describe::{Identity, NamedSeed};
use pome_twin_kit::envelope::{Delivery, Request, ToolCall};
use pome_twin_kit::input::Input;
use pome_twin_kit::routes::Router;
use pome_twin_kit::{Body, Cx, Recall, Reply, Route, Tool, ToolReply, Twin, Undeclared};
use serde_json::{Map, Value};

/// The version that events carry and that answers name when the request names none.
pub(crate) const API_VERSION: &str = "2026-03-04.preview";

/// The twin.
#[derive(Debug)]
pub struct Stripe;

impl Twin for Stripe {
    type State = state::State;
    type Error = error::Error;

    const ID: &'static str = "stripe";

    fn identity() -> Identity {
        identity::identity()
    }

    const ROUTES: &'static [Route<Self>] = routes::ROUTES;
    const BODY: Body = Body::Form;
    const UNDECLARED: Undeclared = Undeclared::Refused;
    const COMMON: &'static [&'static str] = &["expand"];
    const TOOLS: &'static [Tool<Self>] = tools::TOOLS;
    const TOOL_LISTINGS: &'static [&'static str] =
        &[include_str!("../fixtures/tools/payments.json"), include_str!("../fixtures/tools/toolkit.json")];
    const CHECKS: &'static [Check] = checks::CHECKS;
    const SLOTS: &'static [Slot] = checks::SLOTS;
    const RELAXED: &'static [Relaxed] = checks::RELAXED;
    const SEEDS: &'static [NamedSeed] = seed::SEEDS;

    fn read_seed(bytes: &[u8]) -> Result<Value, error::Error> {
        Ok(seed::read(bytes))
    }

    fn seed(document: Value, cx: &mut Cx<'_, Self>) -> Result<Value, error::Error> {
        seed::seed(document, cx)
    }

    fn export(state: &state::State) -> Vec<u8> {
        export::export(state)
    }

    fn unsupported(request: &Request, _: &Router<Self>) -> Reply {
        identity::unsupported(request)
    }

    fn unknown_tool(call: &ToolCall) -> ToolReply {
        identity::unknown_tool(&call.name)
    }

    fn check_arguments(_: &str, arguments: &Map<String, Value>) -> Result<(), error::Error> {
        tools::check(arguments)
    }

    fn admit(cx: &mut Cx<'_, Self>) -> Result<(), error::Error> {
        desk::admit(cx);
        Ok(())
    }

    fn recall(cx: &mut Cx<'_, Self>, input: &Input) -> Result<Recall, error::Error> {
        idempotency::recall(cx, input)
    }

    fn remember(cx: &mut Cx<'_, Self>, place: String, reply: &Reply) {
        let request = idempotency::answered(cx, reply);
        idempotency::remember(cx, &place, reply, &request);
    }

    fn settle(cx: &mut Cx<'_, Self>) {
        billing::collecting::follow(cx);
        actions::checkout_pages::follow(cx);
        actions::test_clocks::follow_customers(cx);
        export::note_changes(cx);
    }

    fn advance(cx: &mut Cx<'_, Self>) -> Result<Vec<Delivery>, error::Error> {
        due::advance(cx);
        Ok(Vec::new())
    }

    fn finish(cx: &mut Cx<'_, Self>, _: &str, reply: &mut Reply) {
        identity::finish(cx, reply);
    }

    fn authenticate(state: &state::State, token: &str) -> Option<Map<String, Value>> {
        auth::resolve(state, token)
    }
}

#[cfg(feature = "component")]
pome_twin_kit::export_twin!(Stripe);
