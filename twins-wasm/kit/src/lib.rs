//! What every twin is made of.
//!
//! A twin is a type that implements [`Twin`]: an identity, a state made of journaled [`store::Table`]s, and four constant
//! tables - [`Route`]s, [`Tool`]s, [`Check`](checks::Check)s and named seeds. One operation is one [`Action`]; the tables say
//! which outside spelling leads to it. Everything else is derived here: routing, input decoding, undo on error, the report for
//! the trace, the description that the host reads, the loud answer for what is not modelled.
//!
//! The flow of one call: [`Session::handle`] -> [`routes`] match -> [`input`] decodes into the action -> `Action::run` changes
//! the state through [`Cx`] -> its [`View`] writes the answer -> the store commits, or rolls back on an error.
//!
//! Start reading at [`twin`] and [`action`]; `component` (behind the feature) turns a twin into a wasm component.

pub mod action;
pub mod checks;
pub mod clock;
#[cfg(feature = "component")]
pub mod component;
pub mod describe;
pub mod envelope;
pub mod form;
pub mod graphql;
pub mod ids;
pub mod input;
pub mod page;
pub mod reply;
pub mod routes;
pub mod session;
pub mod store;
pub mod testing;
pub mod tools;
pub mod twin;

pub use action::{Action, Cx, View};
pub use reply::{Reply, ToolReply};
pub use routes::{Body, Route};
pub use session::{Host, Session};
pub use tools::Tool;
pub use twin::{Recall, Twin, Undeclared, VendorError};
