//! How much may still be asked.

use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::rate::{Resource, Standing};

/// Where the caller stands with every resource.
pub(crate) struct Limits;

fn row(standing: &Standing) -> Value {
    json!({
        "limit": standing.limit, "used": standing.used, "remaining": standing.remaining(), "reset": standing.reset,
    })
}

impl View<GitHub> for Limits {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let (now, login) = (cx.now().seconds(), cx.actor());
        let of = |resource| row(&cx.state.meter.standing(login, resource, now));
        let resources: Map<_, _> =
            Resource::ALL.into_iter().map(|resource| (resource.name().to_owned(), of(resource))).collect();
        reply.write_json(&json!({ "resources": resources, "rate": of(Resource::Core) }));
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
