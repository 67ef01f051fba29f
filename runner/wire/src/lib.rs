//! The shapes of every file and message that Pome writes or reads, the names that other programs rely on, and redaction.
//!
//! One module per document:
//!
//! | module | document |
//! |---|---|
//! | [`event`] | rows of `events.jsonl`, `tool_calls.jsonl`, `signals.jsonl`, `egress.jsonl` |
//! | [`meta`], [`latest`] | `meta.json`, `latest.json` |
//! | [`score`], [`verdict`] | `score.json`, `verdict.json`, and the arithmetic between outcomes and a verdict |
//! | [`project`] | the project file in its five spellings |
//! | [`control`] | what a control plane is asked and what it answers |
//!
//! and beside them [`exit`] (exit codes), [`mod@env`] (variables), [`files`] (names in a run folder), [`host`] (names of hosts), [`time`] (how times are
//! written) and [`redact`] (what never reaches disk).
//!
//! Writing is exact: the order of keys is the order of the fields. Reading is tolerant: older spellings are understood,
//! unknown keys are kept, and a problem names the key. Files are opened elsewhere, in `pome-run`.

pub mod control;
pub mod env;
pub mod event;
pub mod exit;
mod fields;
pub mod files;
pub mod gen_ai;
pub mod host;
pub mod latest;
pub mod meta;
pub mod project;
pub mod redact;
pub mod route;
pub mod score;
pub mod time;
pub mod verdict;

pub use exit::Exit;
pub use fields::{ShapeError, noun};
