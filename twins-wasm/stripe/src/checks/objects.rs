//! Sentences about the state afterwards.

use pome_twin_kit::checks::{Assert, Substrate, Verdict, World};
use serde::Deserialize;
use serde_json::Value;

/// A collection of the exported state; skipped when the export does not have it.
pub(super) fn rows<'a>(world: &'a World<'_>, collection: &str) -> Result<&'a [Value], Verdict> {
    match world.last()?.get(collection) {
        Some(Value::Array(rows)) => Ok(rows),
        _ => Err(Verdict::skipped("state_incomplete", format!("the exported state has no `/{collection}`"))),
    }
}

pub(super) fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The values that rows have, without repetition: `succeeded, canceled` or `none`.
fn values(rows: &[Value], name: &str) -> String {
    let mut seen: Vec<String> = Vec::new();
    for row in rows {
        let value = row.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        seen.extend(value.filter(|value| !seen.contains(value)));
    }
    if seen.is_empty() { "none".to_owned() } else { seen.join(", ") }
}

/// Passes when a row of a collection has a value.
pub(super) fn some(
    world: &World<'_>,
    collection: &str,
    what: &str,
    member: &str,
    holds: impl Fn(&Value) -> bool,
) -> Result<Verdict, Verdict> {
    let rows = rows(world, collection)?;
    Ok(match rows.iter().position(|row| row.get(member).is_some_and(&holds)) {
        Some(at) => {
            let id = rows.get(at).map(|row| text(row, "id")).unwrap_or_default();
            let value = rows.get(at).and_then(|row| row.get(member)).cloned().unwrap_or_default();
            Verdict::passed(format!("{what} {id} has {member} {value}")).at(format!("/{collection}/{at}"))
        }
        None => {
            Verdict::failed(format!("{member} of every {what}: {}", values(rows, member))).at(format!("/{collection}"))
        }
    })
}

#[derive(Debug, Deserialize)]
pub(super) struct IntentAmount {
    pub(super) amount: u64,
}

impl Assert for IntentAmount {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        some(world, "payment_intents", "PaymentIntent", "amount", |value| value.as_u64() == Some(self.amount))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct IntentStatus {
    status: String,
}

impl Assert for IntentStatus {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let count = rows(world, "payment_intents")?.len();
        if count > 1 {
            return Err(Verdict::skipped(
                "unmatched",
                format!("ambiguous: {count} payment_intents and this sentence names one"),
            ));
        }
        IntentWithStatus { status: self.status.clone() }.holds(world)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct IntentWithStatus {
    pub(super) status: String,
}

impl Assert for IntentWithStatus {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        some(world, "payment_intents", "PaymentIntent", "status", |value| value.as_str() == Some(&self.status))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ChargeWithStatus {
    charge_status: String,
}

impl Assert for ChargeWithStatus {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        some(world, "charges", "charge", "status", |value| value.as_str() == Some(&self.charge_status))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct EventEmitted {
    pub(super) event_type: String,
}

impl Assert for EventEmitted {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        some(world, "events", "event", "type", |value| value.as_str() == Some(&self.event_type))
    }
}

/// The refunds of a charge, each with its pointer. A charge that is not there skips the check.
fn refunds<'a>(world: &'a World<'_>, charge: &str) -> Result<Vec<(String, &'a Value)>, Verdict> {
    let refunds = rows(world, "refunds")?;
    if !rows(world, "charges")?.iter().any(|row| text(row, "id") == charge) {
        return Err(Verdict::skipped("charge_not_found", format!("(\"{charge}\")")));
    }
    let of_charge = refunds.iter().enumerate().filter(|(_, row)| {
        // Older exports call it `charge_id`.
        text(row, "charge") == charge || text(row, "charge_id") == charge
    });
    Ok(of_charge.map(|(at, row)| (format!("/refunds/{at}"), row)).collect())
}

#[derive(Debug, Deserialize)]
pub(super) struct RefundExists {
    charge: String,
}

impl Assert for RefundExists {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let refunds = refunds(world, &self.charge)?;
        Ok(match refunds.first() {
            Some((pointer, refund)) => {
                let reason = format!(
                    "{} of {} on {}",
                    text(refund, "id"),
                    refund.get("amount").unwrap_or(&Value::Null),
                    self.charge
                );
                Verdict::passed(reason).at(pointer.as_str())
            }
            None => Verdict::failed(format!("no refund on {}", self.charge)).at("/refunds"),
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct RefundCount {
    charge: String,
    count: usize,
}

impl Assert for RefundCount {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let refunds = refunds(world, &self.charge)?;
        let said = format!("{} refund(s) on {}", refunds.len(), self.charge);
        let verdict =
            Verdict::when(refunds.len() == self.count, said.clone(), format!("{said}, expected {}", self.count));
        if refunds.is_empty() {
            return Ok(verdict.at("/refunds"));
        }
        Ok(refunds.into_iter().fold(verdict, |verdict, (pointer, _)| verdict.at(pointer)))
    }
}
