//! The sandbox: the only crate that knows the component runtime.
//!
//! It owns the engine and its settings, the limits of guests, loading and checking of components (built-in ones and files), live
//! worlds with their images, and judging. It leaves HTTP to the gateway and the files of a run to `pome-run`.
//!
//! ```text
//! Engine -> Component  bytes checked, compiled, pre-linked          engine.rs component.rs inspect.rs precompiled.rs
//!             |-> World     one instance = one session's world      world.rs  (calls, clock, fork, reset, images)
//!             `-> Judge     a fresh instance per criterion          judge.rs
//!        -> Evaluator       the same for evaluators of a project    evaluator.rs wasi.rs
//! ```
//!
//! Start reading at [`World`]. What a guest may call is in `host.rs`, what it may use in [`Limits`], how it is compiled in
//! `config.rs` (shared with the build script), where its memory lives in `memory.rs`. `convert.rs` is the only place where the
//! generated types of `bindings.rs` meet ours, `embedded.rs` the only one that names vendors.
//!
//! # Determinism
//!
//! What a world answers follows from the component's digest, the seed, the start of the clock, the random seed and the calls so
//! far. The clock starts at [`DEFAULT_CLOCK`] unless told otherwise and moves by one second after each call that reports a change;
//! random numbers are `SplitMix64` started at the random seed. Both travel with an [`Image`].

mod action;
mod bindings;
mod call;
mod component;
mod config;
mod convert;
mod description;
mod engine;
mod error;
mod evaluator;
mod host;
mod inspect;
mod judge;
mod limits;
mod memory;
mod module;
mod precompiled;
mod vet;
mod wasi;
mod world;

pub use call::{
    Advance, Answer, Binding, Bound, Caller, Delivery, Delta, Fidelity, Header, Material, NearMiss, Outcome, Report,
    Request, Seeded, Substrate, ToolAnswer, ToolCall, Verdict,
};
pub use component::{Component, WorldOptions, digest};
pub use description::{
    Check, CheckParam, Description, FaultShape, Input, Refusal, Route, Seed, Tokens, Tool, Variable, VariableValue,
    VendorHost,
};
pub use engine::Engine;
pub use error::{EvaluatorFault, Fault, FaultKind, LoadError, OpenError};
pub use evaluator::{Case, Evaluated, Evaluator};
pub use host::DEFAULT_CLOCK;
pub use judge::Judge;
pub use limits::{Cache, Limits};
pub use world::{Image, World};
