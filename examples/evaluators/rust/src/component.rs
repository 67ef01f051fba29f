//! The crate as a component of the world `pome:evaluator/evaluator`.

mod bindings {
    #![expect(
        clippy::pedantic,
        clippy::allow_attributes_without_reason,
        clippy::use_self,
        unsafe_code,
        reason = "generated"
    )]
    wit_bindgen::generate!({ path: "../../../wit/evaluator", world: "pome:evaluator/evaluator" });
    use super::Budget;
    export!(Budget);
}

use bindings::exports::pome::evaluator::evaluation::{Guest, Material, Outcome, Verdict};

use crate::judge;

struct Budget;

impl Guest for Budget {
    fn evaluate(material: Material) -> Option<Outcome> {
        let Some(events) = &material.events else {
            let skipped = |reason: &str| Outcome {
                verdict: Verdict::Skipped,
                reason: reason.to_owned(),
                state_paths: Vec::new(),
                event_ids: Vec::new(),
            };
            // Only of sentences that are ours.
            judge(&material.text, &serde_json::Value::Null, &serde_json::Value::Null)?;
            return Some(skipped("tape_missing: the trace was not recorded"));
        };
        let json = |text: &str| serde_json::from_str(text).unwrap_or_default();
        let found = judge(&material.text, &json(events), &json(&material.config))?;
        let verdict = if found.holds { Verdict::Passed } else { Verdict::Failed };
        Some(Outcome { verdict, reason: found.reason, state_paths: Vec::new(), event_ids: found.event_ids })
    }
}
