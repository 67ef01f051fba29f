//! What a help desk remembers, and how it shows it.

use pome_twin_kit::store::{Cell, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::Error;

/// Everything. Tables and cells take back what a failed call wrote.
#[derive(Default)]
pub struct State {
    pub(crate) tickets: Table<u64, Ticket>,
    pub(crate) agents: Table<String, Agent>,
    /// The highest number so far.
    pub(crate) numbers: Cell<u64>,
}

pome_twin_kit::store!(State { tickets, agents, numbers });

/// One question of one customer. Serialised it is what the vendor's API shows.
#[derive(Clone, Serialize)]
pub(crate) struct Ticket {
    pub(crate) number: u64,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) requester: String,
    pub(crate) state: TicketState,
    pub(crate) assignee: Option<String>,
    pub(crate) replies: Vec<Reply>,
    pub(crate) updated_at: String,
}

#[derive(Clone, Serialize)]
pub(crate) struct Reply {
    pub(crate) author: String,
    pub(crate) body: String,
    /// Internal notes are not sent to the customer.
    pub(crate) public: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TicketState {
    #[default]
    Open,
    Pending,
    Solved,
}

#[derive(Clone, Serialize)]
pub(crate) struct Agent {
    pub(crate) login: String,
    pub(crate) name: String,
}

impl State {
    pub(crate) fn ticket(&mut self, number: u64) -> Result<&mut Ticket, Error> {
        self.tickets.get_mut(&number).ok_or(Error::NotFound)
    }

    /// What checks read. Tables are ordered, so the same state gives the same bytes.
    pub(crate) fn export(&self) -> Value {
        let tickets: Vec<&Ticket> = self.tickets.values().collect();
        let agents: Vec<&Agent> = self.agents.values().collect();
        json!({ "tickets": tickets, "agents": agents })
    }
}
