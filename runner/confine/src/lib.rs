//! Confining one agent process: which addresses it reaches, what it may write, and that nothing of it outlives its end.
//!
//! Nothing here runs by itself. The program that confines starts itself again, once for each stage, because a namespace can only
//! be made by a process with one thread, and because what is given up cannot be taken back:
//!
//! ```text
//! runner --> enter   new user, network, process, mount and IPC namespaces; listeners go back to the runner
//!              `--> init    process 1 of the namespaces: a file tree without what is to be hidden; supervises
//!                     `--> exec    gives up every privilege, Landlock, system call filter; becomes the agent
//! runner --> guard   the form without namespaces: supervises
//!              `--> exec    the same, and Landlock's rules for TCP
//! ```
//!
//! `policy` says what is wanted and what came of it, `stage` how the stages are told apart, `namespaces`, `view` and `listeners`
//! make the first form, `exec` with `files` and `calls` is what both forms end in. The supervisors themselves belong to the caller.

mod calls;
mod exec;
mod files;
mod listeners;
mod namespaces;
mod policy;
mod stage;
mod system;
mod view;

pub use exec::{Report, become_agent, read_report, start};
pub use listeners::receive;
pub use namespaces::{enter, kill_everyone};
pub use policy::{Enforced, Form, Policy, Refused};
pub use stage::{Called, Stage, words};
pub use view::prepare;
