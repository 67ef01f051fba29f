//! What actions answer: an object, with references expanded where the request asks for it.

use pome_twin_kit::{Cx, Reply, View};
use serde_json::Value;

use crate::Stripe;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::expand;
use crate::kind::Kind;

/// An object or a list, ready to be shown.
#[derive(Debug)]
pub(crate) struct Answer(Value);

impl Answer {
    /// Expands what the request asks for.
    pub(crate) fn of(cx: &Cx<'_, Stripe>, mut value: Value) -> Result<Self, Error> {
        expand::apply(cx, &mut value)?;
        Ok(Self(value))
    }

    pub(crate) fn doc(cx: &Cx<'_, Stripe>, doc: &Doc) -> Result<Self, Error> {
        Self::of(cx, doc.json())
    }

    /// An object as it is stored now.
    pub(crate) fn stored(cx: &Cx<'_, Stripe>, kind: Kind, id: &str) -> Result<Self, Error> {
        Self::doc(cx, &cx.get(kind, id)?)
    }
}

impl View<Stripe> for Answer {
    fn rest(&self, _: &Cx<'_, Stripe>, reply: &mut Reply) {
        reply.write_json(&self.0);
    }
}
