//! How much may still be asked: nothing is ever used up here.

use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::json;

use crate::GitHub;
use crate::error::Error;

/// Resources and what each allows in its window.
const RESOURCES: [(&str, u64, u64); 4] =
    [("core", 5000, 3600), ("search", 30, 60), ("code_search", 10, 60), ("graphql", 5000, 3600)];

/// The limits at the time of the call.
pub(crate) struct Limits;

impl View<GitHub> for Limits {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let now = cx.now().seconds();
        let row = |(_, limit, window): (&str, u64, u64)| json!({ "limit": limit, "used": 0, "remaining": limit, "reset": now + window });
        let rate = RESOURCES.first().map(|core| row(*core));
        let resources: serde_json::Map<_, _> =
            RESOURCES.iter().map(|resource| (resource.0.to_owned(), row(*resource))).collect();
        reply.write_json(&json!({ "resources": resources, "rate": rate }));
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_rate_limit";
    type Output = Limits;

    fn run(self, _: &mut Cx<'_, GitHub>) -> Result<Limits, Error> {
        Ok(Limits)
    }
}
