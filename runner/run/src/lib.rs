//! Runs: one from plan to artifacts, many as a batch, and what is done with a finished one.
//!
//! Owns the order of a run, the agent's process, the evaluation and the files of the run folder; leaves twins to `pome-gateway`
//! and `pome-sandbox`, the proxy to `pome-capture`, and arguments and printing to the command line.
//!
//! Start at [`batch::run`]; it makes one [`plan::Plan`] per scenario and calls [`execute`] for every trial:
//!
//! ```text
//! Request -> plan::resolve -> Plan -> execute: twins, proxy, preflight, states, agent, states, evaluate, artifacts, close
//!                                  -> RunReport -> BatchReport
//! ```
//!
//! Where the twins are (in this process or at a control plane) is known to `venue` alone. [`scoring`] judges recorded material for
//! others than runs.

mod agent;
pub mod artifacts;
pub mod batch;
mod capture;
mod command;
pub mod confinement;
pub mod correlate;
mod evaluate;
pub mod evaluators;
mod execute;
pub mod export;
pub mod fix_prompt;
pub mod hosting;
mod ids;
pub mod inspect;
pub mod interrupt;
pub mod judge;
pub mod judged_there;
pub mod merge;
mod output;
pub mod plan;
pub mod progress;
pub mod reevaluate;
mod relay;
pub mod report;
#[cfg(test)]
mod samples;
pub mod scoring;
pub mod supervisor;
mod trace;
mod trust;
mod uploads;
mod venue;

pub use execute::execute;
