//! What a control plane is asked and what it answers, for the client and for our server alike.
//!
//! | module | routes |
//! |---|---|
//! | `refusal` | the error envelope of every route |
//! | `account` | login, logout, who am I, version, usage |
//! | `sessions` | opening, listing, keeping alive and ending sessions |
//! | `uploads` | places for blobs |
//! | `results` | `/result` and its criteria |
//! | `finalize` | `/finalize` and asking how far it is |
//! | `runs` | rows of runs |
//! | `registry` | agents, checks, seeds, sessions for evaluation |
//!
//! Both vocabularies are read (`task_*` before `scenario_*`, `code`/`D`, `model`/`P`); `scenario_*`, `code` and `model` are
//! written. Unknown keys are ignored; `null` is the same as an absent key. Times are texts as [`crate::time`] writes them.

mod account;
mod finalize;
mod lenient;
mod refusal;
mod registry;
mod results;
mod runs;
mod secret;
mod sessions;
mod uploads;

pub use account::{ApiKey, Exchange, ExchangeRequest, KeyRef, Latest, Me, Team, Usage, User};
pub use finalize::{
    Accepted, Evaluation, EvaluationError, FinalizeAnswer, FinalizeCriterion, FinalizeRequest, Queued, TwinStateKeys,
};
pub use refusal::{ErrorBody, ErrorEnvelope, ErrorType};
pub use registry::{
    Agent, CompileSeed, CompiledSeed, EvalSession, EvalSessionRequest, RegisterAgent, ResolvedVia, WireCheck,
    WireChecks, WireParam,
};
pub use results::{ResultAnswer, ResultRequest, WireCriterion};
pub use runs::{Blobs, CorrelatorKind, RunPage, RunRow, SignedBlob, TwinBlobs, WireEnvironment};
pub use secret::Secret;
pub use sessions::{
    Abandon, Abandoned, CreateSession, CreatedSession, Evaluator, Heartbeat, ProviderCredential, SeedApplied,
    SessionRow, SessionState, TwinUrls, UNGRADED_SESSION, Ungraded,
};
pub use uploads::{StateUploadRequest, StateUploadUrls, StateUrls, UploadUrl};

#[cfg(test)]
mod tests;
