//! The git object model of the twin: objects with git's own ids, trees, history, diffs and merges, all in memory.
//!
//! It owns what git itself would do and nothing of the vendor: no names of repositories, no permissions, no clock. Branches and tags are
//! the caller's data; whoever needs them passes a lookup closure. Start at [`Objects`]:
//!
//! ```text
//! Objects::add_blob / edit_tree / add_commit      write                 (store, tree)
//! Objects::resolve / resolve_commit               `main`, `v1`, `3f2a`  (resolve)
//! Objects::log / compare / merge_bases            history               (history)
//! Objects::diff_trees -> Change -> Objects::patch hunks and texts       (changes, lines, patch)
//! Objects::merge_commits / replay                 merge, squash, rebase (merge)
//! ```
//!
//! The store only grows, so undoing is [`Objects::truncate_to`] with an earlier [`Objects::mark`]; objects that nothing points to are harmless.

mod changes;
mod error;
mod history;
mod lines;
mod merge;
mod object;
mod oid;
mod patch;
pub mod paths;
mod rename;
mod resolve;
mod slide;
mod stat;
mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tree;

pub use changes::{Change, Side, Status};
pub use error::Error;
pub use history::{Comparison, Log, Standing};
pub use lines::{Hunk, Line, LineDiff, Origin, is_binary, merge_lines};
pub use merge::{Merge, MergeCommits, Replay};
pub use object::{Commit, Entry, Kind, Mode, Object, Signature, Tag, Tree};
pub use oid::Oid;
pub use patch::{Content, Patch};
pub use resolve::ResolveError;
pub use store::{Mark, Objects};
pub use tree::Edit;
