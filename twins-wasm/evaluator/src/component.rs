//! The crate as a component.

mod bindings {
    #![expect(
        clippy::pedantic,
        clippy::allow_attributes_without_reason,
        clippy::use_self,
        unsafe_code,
        reason = "generated"
    )]
    wit_bindgen::generate!({
        path: "../../wit/evaluator",
        world: "pome:evaluator/evaluator",
    });
    use super::Component;
    export!(Component);
}

use bindings::exports::pome::evaluator::evaluation::{Guest, Material, Outcome, Verdict};

struct Component;

impl Guest for Component {
    fn evaluate(material: Material) -> Option<Outcome> {
        let case = crate::Case {
            text: &material.text,
            twin: material.twin.as_deref(),
            twins: &material.twins,
            seed: material.seed.as_deref(),
            final_state: material.final_.as_deref(),
            events: material.events.as_deref(),
            task: &material.task,
        };
        let crate::Outcome { verdict, reason, state_paths, event_ids } = crate::judge(&case)?;
        let verdict = match verdict {
            crate::Verdict::Passed => Verdict::Passed,
            crate::Verdict::Failed => Verdict::Failed,
            crate::Verdict::Skipped => Verdict::Skipped,
            crate::Verdict::Errored => Verdict::Errored,
        };
        Some(Outcome { verdict, reason, state_paths, event_ids })
    }
}
