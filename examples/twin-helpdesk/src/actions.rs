//! What can be done: one struct an operation. Its fields are the inputs, from path, query, body or tool arguments alike.

use pome_twin_kit::Action;
use pome_twin_kit::action::Json;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Helpdesk;
use crate::error::Error;
use crate::state::{Reply as Written, Ticket, TicketState};

type Cx<'a> = pome_twin_kit::Cx<'a, Helpdesk>;

/// Lists tickets, newest first.
#[derive(Deserialize)]
pub(crate) struct List {
    state: Option<TicketState>,
}

impl Action<Helpdesk> for List {
    const NAME: &'static str = "list_tickets";
    type Output = Json<Value>;

    fn run(self, cx: &mut Cx<'_>) -> Result<Json<Value>, Error> {
        let wanted = |ticket: &&Ticket| self.state.is_none_or(|state| ticket.state == state);
        let tickets: Vec<&Ticket> = cx.state.tickets.values().rev().filter(wanted).collect();
        Ok(Json(json!({ "tickets": tickets })))
    }
}

/// Opens a ticket.
#[derive(Deserialize)]
pub(crate) struct Open {
    subject: String,
    #[serde(default)]
    body: String,
    requester: String,
}

impl Action<Helpdesk> for Open {
    const NAME: &'static str = "open_ticket";
    const MUTATES: bool = true;
    type Output = Json<Ticket>;

    fn run(self, cx: &mut Cx<'_>) -> Result<Json<Ticket>, Error> {
        if self.subject.trim().is_empty() {
            return Err(Error::Invalid("`subject` is empty".to_owned()));
        }
        let number = cx.state.numbers.next();
        let ticket = Ticket {
            number,
            subject: self.subject,
            body: self.body,
            requester: self.requester,
            state: TicketState::Open,
            assignee: None,
            replies: Vec::new(),
            updated_at: cx.now().to_seconds().to_string(),
        };
        cx.state.tickets.insert(number, ticket.clone());
        Ok(Json(ticket))
    }
}

/// Shows one ticket with its replies.
#[derive(Deserialize)]
pub(crate) struct Get {
    number: u64,
}

impl Action<Helpdesk> for Get {
    const NAME: &'static str = "get_ticket";
    type Output = Json<Ticket>;

    fn run(self, cx: &mut Cx<'_>) -> Result<Json<Ticket>, Error> {
        cx.state.tickets.get(&self.number).cloned().map(Json).ok_or(Error::NotFound)
    }
}

/// Assigns a ticket or moves it to another state.
#[derive(Deserialize)]
pub(crate) struct Update {
    number: u64,
    assignee: Option<String>,
    state: Option<TicketState>,
}

impl Action<Helpdesk> for Update {
    const NAME: &'static str = "update_ticket";
    const MUTATES: bool = true;
    type Output = Json<Ticket>;

    fn run(self, cx: &mut Cx<'_>) -> Result<Json<Ticket>, Error> {
        let now = cx.now().to_seconds().to_string();
        if let Some(login) = self.assignee.as_ref().filter(|login| !cx.state.agents.contains(login)) {
            return Err(Error::Invalid(format!("`assignee`: there is no agent `{login}`")));
        }
        let ticket = cx.state.ticket(self.number)?;
        if self.assignee.is_some() {
            ticket.assignee = self.assignee;
        }
        if let Some(state) = self.state {
            ticket.state = state;
        }
        // Checked after writing, to show that an error takes everything back.
        if ticket.state == TicketState::Solved && ticket.assignee.is_none() {
            return Err(Error::Conflict("a ticket without an assignee cannot be solved"));
        }
        ticket.updated_at = now;
        Ok(Json(ticket.clone()))
    }
}

/// Answers the customer, or leaves a note for the other agents.
#[derive(Deserialize)]
pub(crate) struct Reply {
    number: u64,
    body: String,
    public: Option<bool>,
}

impl Action<Helpdesk> for Reply {
    const NAME: &'static str = "reply_to_ticket";
    const MUTATES: bool = true;
    type Output = Json<Written>;

    fn run(self, cx: &mut Cx<'_>) -> Result<Json<Written>, Error> {
        let now = cx.now().to_seconds().to_string();
        let author = cx.caller.login.clone().unwrap_or_default();
        let ticket = cx.state.ticket(self.number)?;
        let reply = Written { author, body: self.body, public: self.public.unwrap_or(true) };
        ticket.replies.push(reply.clone());
        ticket.updated_at = now;
        Ok(Json(reply))
    }
}

/// Lists the agents of the desk.
#[derive(Deserialize)]
pub(crate) struct Agents {}

impl Action<Helpdesk> for Agents {
    const NAME: &'static str = "list_agents";
    type Output = Json<Value>;

    fn run(self, cx: &mut Cx<'_>) -> Result<Json<Value>, Error> {
        Ok(Json(json!({ "agents": cx.state.agents.values().collect::<Vec<_>>() })))
    }
}
