//! What a vendor's crate supplies.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::action::Cx;
use crate::checks::{Check, Relaxed, Slot};
use crate::describe::{Identity, NamedSeed};
use crate::envelope::{Delivery, Request, ToolCall};
use crate::input::{Input, InputError};
use crate::reply::{Reply, ToolReply};
use crate::routes::{Body, Route, Router};
use crate::store::Store;
use crate::tools::Tool;

/// What becomes of names that an action does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undeclared {
    Ignored,
    /// On the REST door: [`Problem::Undeclared`](crate::input::Problem::Undeclared).
    Refused,
}

/// What is known of a call before it is carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Recall {
    #[default]
    Nothing,
    /// The answer is to be kept under this name.
    Keep(String),
    /// The answer that an earlier call got.
    Known(Reply),
}

/// One vendor.
pub trait Twin: Sized + 'static {
    type State: Store + Default;
    type Error: VendorError<Self>;

    /// Lower-case name, as in `pome twin start <id>`.
    const ID: &'static str;

    /// Who the twin is: everything else that the host has to know and that is not a table.
    fn identity() -> Identity;

    const ROUTES: &'static [Route<Self>];
    /// How the bodies of POST, PUT and PATCH are read where a row says nothing. With [`Body::Form`] query strings are read like
    /// forms too (`created[gte]=1`).
    const BODY: Body = Body::Json;
    /// What becomes of names that an action does not have.
    const UNDECLARED: Undeclared = Undeclared::Ignored;
    /// Inputs that every REST action has. They are not among its fields but in [`Cx::common`](crate::Cx).
    const COMMON: &'static [&'static str] = &[];
    const TOOLS: &'static [Tool<Self>];
    /// JSON arrays of tools as the vendor's server lists them. Every row of [`Self::TOOLS`] has its entry in one of them.
    const TOOL_LISTINGS: &'static [&'static str];
    const CHECKS: &'static [Check];
    /// The patterns behind the slots of the check templates.
    const SLOTS: &'static [Slot];
    /// Sentences that are understood beside the templates, in order.
    const RELAXED: &'static [Relaxed];
    /// `default` is among them.
    const SEEDS: &'static [NamedSeed];

    /// Reads the bytes of a seed. What is no JSON object is refused, unless the vendor's twin takes it for something.
    fn read_seed(bytes: &[u8]) -> Result<Value, Self::Error> {
        match serde_json::from_slice(bytes) {
            Ok(document @ Value::Object(_)) => Ok(document),
            _ => Err(Self::Error::malformed_body()),
        }
    }

    /// Builds the world from a seed document. The state is empty when this is called; on an error the world of before stays.
    /// The answer is what `POST /admin/seed` says.
    fn seed(document: Value, cx: &mut Cx<'_, Self>) -> Result<Value, Self::Error>;

    /// The whole state as JSON bytes: sorted, no clock, same state same bytes.
    fn export(state: &Self::State) -> Vec<u8>;

    /// The loud answer for what is not modelled.
    fn unsupported(request: &Request, router: &Router<Self>) -> Reply;

    /// Refuses the arguments of a tool before they are decoded, where the vendor's server words that in its own way.
    fn check_arguments(_tool: &str, _arguments: &Map<String, Value>) -> Result<(), Self::Error> {
        Ok(())
    }

    /// The answer to a tool that does not exist.
    fn unknown_tool(call: &ToolCall) -> ToolReply;

    /// A first look at every call that has its row in a table, before it is decoded: limits on calls, places that have moved.
    fn admit(_cx: &mut Cx<'_, Self>) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Whether the answer of this call is known from an earlier one, or is to be kept for a later one. Only looks. A tool's
    /// arguments count as its input.
    fn recall(_cx: &mut Cx<'_, Self>, _input: &Input) -> Result<Recall, Self::Error> {
        Ok(Recall::Nothing)
    }

    /// Keeps the answer of a call for which [`Self::recall`] named a place, after what the call did was committed or taken
    /// back. Not asked for a call whose inputs did not decode. What is written here stays.
    fn remember(_cx: &mut Cx<'_, Self>, _place: String, _reply: &Reply) {}

    /// A last look at the state after an action that succeeded, before what it did is committed: for what follows from any
    /// change, whichever action made it. [`Table::pending`](crate::store::Table::pending) tells what changed.
    fn settle(_cx: &mut Cx<'_, Self>) {}

    /// A last look at every REST answer: headers that each one carries, conditional requests.
    fn finish(_cx: &mut Cx<'_, Self>, _method: &str, _reply: &mut Reply) {}

    /// Maps an alternative spelling of a path to the table's (`/api/v3/repos` to `/repos`).
    fn canonical_path<'a>(_state: &Self::State, path: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(path)
    }

    /// Whose credential a token is, for a twin whose state holds credentials (`Tokens::kept`): the claims of its owner, of which
    /// `sid` binds it to a session. Compares digests, not texts, so that the time tells nothing.
    fn authenticate(_state: &Self::State, _token: &str) -> Option<Map<String, Value>> {
        None
    }

    /// Does what has become due; see `wit/twin/world.wit`.
    fn advance(_cx: &mut Cx<'_, Self>) -> Result<Vec<Delivery>, Self::Error> {
        Ok(Vec::new())
    }
}

/// What can go wrong, in the vendor's terms.
pub trait VendorError<T: Twin>: Sized {
    fn malformed_body() -> Self;
    fn input(error: InputError) -> Self;
    /// How it looks on the REST door.
    fn rest(&self, cx: &Cx<'_, T>) -> Reply;
    /// How it looks as a tool error.
    fn tool(&self, cx: &Cx<'_, T>) -> ToolReply;
    /// One line for the trace.
    fn message(&self) -> String;
}
