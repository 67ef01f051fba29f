//! A help desk that no Pome knows: tickets, replies and agents. The smallest twin that uses every part of the kit once.
//!
//! Start reading at the tables below: a row leads to the struct in `actions` that does it, a sentence to the struct in
//! `checks` that judges it.

mod actions;
mod checks;
mod error;
mod seed;
mod state;

use pome_twin_kit::checks::{Check, Relaxed, Slot};
use pome_twin_kit::describe::{Identity, NamedSeed, Tokens, Variable, VariableValue};
use pome_twin_kit::envelope::{Fidelity, Request, ToolCall};
use pome_twin_kit::routes::Router;
use pome_twin_kit::{Cx, Reply, Route, Tool, ToolReply, Twin};
use serde_json::{Value, json};

/// The vendor.
#[derive(Debug)]
pub struct Helpdesk;

impl Twin for Helpdesk {
    type State = state::State;
    type Error = error::Error;

    const ID: &'static str = "helpdesk";

    /// The REST table: method and path lead to an action.
    const ROUTES: &'static [Route<Self>] = &[
        Route::get::<actions::List>("/tickets"),
        Route::post::<actions::Open>("/tickets").status(201),
        Route::get::<actions::Get>("/tickets/{number}"),
        Route::patch::<actions::Update>("/tickets/{number}"),
        Route::post::<actions::Reply>("/tickets/{number}/replies").status(201),
        Route::get::<actions::Agents>("/agents").shape("no teams, no working hours"),
    ];

    /// The MCP table: the same actions under the names of the vendor's tools.
    const TOOLS: &'static [Tool<Self>] = &[
        Tool::new::<actions::List>("list_tickets"),
        Tool::new::<actions::Get>("get_ticket"),
        Tool::new::<actions::Update>("update_ticket"),
        Tool::new::<actions::Reply>("reply_to_ticket"),
    ];
    const TOOL_LISTINGS: &'static [&'static str] = &[include_str!("../fixtures/tools.json")];

    /// The sentences that success criteria are made of.
    const CHECKS: &'static [Check] = checks::CHECKS;
    const SLOTS: &'static [Slot] = checks::SLOTS;
    const RELAXED: &'static [Relaxed] = &[];

    const SEEDS: &'static [NamedSeed] = &[
        NamedSeed {
            name: "default",
            summary: "two agents, one open ticket about a refund, one solved ticket",
            json: include_str!("../fixtures/default.json"),
        },
        NamedSeed { name: "empty", summary: "no agents, no tickets", json: "{}" },
    ];

    fn identity() -> Identity {
        Identity {
            title: "Helpdesk",
            implementation: "helpdesk_example",
            version: env!("CARGO_PKG_VERSION"),
            default_port: 3340,
            health: json!({}),
            session_health: vec!["ok", "twin"],
            reset_answer: json!({}),
            tokens: Tokens {
                schemes: vec!["Bearer".to_owned()],
                claims: vec![("login".to_owned(), "ana".to_owned())],
                ..Tokens::default()
            },
            // Every twin has `POME_HELPDESK_REST_URL` and `POME_HELPDESK_MCP_URL`; this one is what the vendor's own client reads.
            variables: vec![Variable { name: "POME_HELPDESK_API_KEY".to_owned(), value: VariableValue::SessionToken }],
            refusals: ["no-token", "bad-token", "expired-token", "wrong-session"].map(error::unauthorized).to_vec(),
            ..Identity::default()
        }
    }

    fn seed(document: Value, cx: &mut Cx<'_, Self>) -> Result<Value, error::Error> {
        seed::apply(document, cx)
    }

    fn export(state: &state::State) -> Vec<u8> {
        state.export().to_string().into_bytes()
    }

    /// Loud, so that nobody takes a missing route for an empty answer.
    fn unsupported(request: &Request, _: &Router<Self>) -> Reply {
        let message = format!("{} {} is not modelled", request.method, request.path);
        Reply {
            fidelity: Some(Fidelity::Unsupported),
            ..Reply::json(501, &json!({ "error": "unsupported", "message": message }))
        }
    }

    fn unknown_tool(call: &ToolCall) -> ToolReply {
        ToolReply::error_text(404, &format!("there is no tool `{}`", call.name))
    }
}

#[cfg(feature = "component")]
pome_twin_kit::export_twin!(Helpdesk);
