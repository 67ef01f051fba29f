//! What can be asserted: one struct a sentence. Its fields are the slots.

use pome_twin_kit::checks::{Assert, Check, Slot, Substrate, Verdict, World};
use serde::Deserialize;
use serde_json::Value;

pub(crate) const CHECKS: &[Check] = &[
    Check::new::<IsInState>(
        "ticket-is-in-state",
        "Ticket #{ticket} is {state}",
        "The ticket exists and is in that state.",
    ),
    Check::new::<HasReply>(
        "ticket-has-reply",
        "Ticket #{ticket} has a public reply containing \"{needle}\"",
        "Some reply that the customer sees holds the text; case does not matter.",
    )
    .subjects(&["needle"]),
    Check::new::<OthersUntouched>(
        "others-untouched",
        "No ticket but #{ticket} was changed",
        "Every other ticket is as it was before the agent, and none was opened.",
    ),
];

pub(crate) const SLOTS: &[Slot] = &[
    Slot { name: "ticket", pattern: "[1-9][0-9]*", example: "1" },
    Slot { name: "state", pattern: "open|pending|solved", example: "solved" },
    Slot { name: "needle", pattern: "[^\"\\n]+", example: "refund" },
];

#[derive(Deserialize)]
struct IsInState {
    ticket: u64,
    state: String,
}

impl Assert for IsInState {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let (pointer, ticket) = find(world.last()?, self.ticket)?;
        let state = ticket.get("state").and_then(Value::as_str).unwrap_or_default();
        let reason = format!("ticket #{} is {state}", self.ticket);
        Ok(Verdict::when(state == self.state, reason.clone(), reason).at(pointer + "/state"))
    }
}

#[derive(Deserialize)]
struct HasReply {
    ticket: u64,
    needle: String,
}

impl Assert for HasReply {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let (pointer, ticket) = find(world.last()?, self.ticket)?;
        let needle = self.needle.to_lowercase();
        let replies = ticket.get("replies").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let says = |reply: &Value| {
            let body = reply.get("body").and_then(Value::as_str).unwrap_or_default();
            reply.get("public") == Some(&Value::Bool(true)) && body.to_lowercase().contains(&needle)
        };
        Ok(match replies.iter().position(says) {
            Some(at) => Verdict::passed("a public reply has the text").at(format!("{pointer}/replies/{at}/body")),
            None => Verdict::failed(format!("none of {} replies says so in public", replies.len())),
        })
    }
}

#[derive(Deserialize)]
struct OthersUntouched {
    ticket: u64,
}

impl Assert for OthersUntouched {
    const SUBSTRATE: Substrate = Substrate::SeedAndFinal;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let others = |state: &Value| -> Vec<Value> {
            let all = tickets(state).iter();
            all.filter(|ticket| number(ticket) != Some(self.ticket)).cloned().collect()
        };
        let (before, after) = (others(world.seed()?), others(world.last()?));
        let changed = after.iter().find(|ticket| !before.contains(ticket)).and_then(number);
        Ok(match changed {
            Some(number) => Verdict::failed(format!("ticket #{number} was changed or opened")),
            None => {
                Verdict::when(before.len() == after.len(), "the other tickets are as they were", "a ticket is gone")
            }
        })
    }
}

fn tickets(state: &Value) -> &[Value] {
    state.get("tickets").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn number(ticket: &Value) -> Option<u64> {
    ticket.get("number").and_then(Value::as_u64)
}

/// A ticket with its JSON pointer; a missing one is a failure, not a reason to skip.
fn find(state: &Value, wanted: u64) -> Result<(String, &Value), Verdict> {
    let found = tickets(state).iter().enumerate().find(|(_, ticket)| number(ticket) == Some(wanted));
    let missing = || Verdict::failed(format!("there is no ticket #{wanted}"));
    found.map(|(at, ticket)| (format!("/tickets/{at}"), ticket)).ok_or_else(missing)
}
