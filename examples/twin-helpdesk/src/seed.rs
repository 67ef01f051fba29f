//! From a seed document to a state. Written by people, so a mistake is named by its place.

use pome_twin_kit::Cx;
use pome_twin_kit::input::decode_document;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Helpdesk;
use crate::error::Error;
use crate::state::{Agent, Reply, Ticket, TicketState};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    #[serde(default)]
    agents: Vec<SeededAgent>,
    #[serde(default)]
    tickets: Vec<SeededTicket>,
}

#[derive(Deserialize)]
struct SeededAgent {
    login: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct SeededTicket {
    subject: String,
    #[serde(default)]
    body: String,
    requester: String,
    #[serde(default)]
    state: TicketState,
    assignee: Option<String>,
    #[serde(default)]
    replies: Vec<SeededReply>,
}

#[derive(Deserialize)]
struct SeededReply {
    author: String,
    body: String,
    #[serde(default = "public")]
    public: bool,
}

const fn public() -> bool {
    true
}

pub(crate) fn apply(document: Value, cx: &mut Cx<'_, Helpdesk>) -> Result<Value, Error> {
    let seed: Seed = decode_document(document).map_err(|error| Error::Invalid(error.to_string()))?;
    for SeededAgent { login, name } in seed.agents {
        cx.state.agents.insert(login.clone(), Agent { login, name });
    }
    for ticket in seed.tickets {
        let number = cx.state.numbers.next();
        let replies = ticket.replies.into_iter();
        let ticket = Ticket {
            number,
            subject: ticket.subject,
            body: ticket.body,
            requester: ticket.requester,
            state: ticket.state,
            assignee: ticket.assignee,
            replies: replies.map(|SeededReply { author, body, public }| Reply { author, body, public }).collect(),
            updated_at: cx.now().to_seconds().to_string(),
        };
        cx.state.tickets.insert(number, ticket);
    }
    Ok(json!({ "tickets": cx.state.tickets.len() }))
}
