//! The dashboard: pages that work without a script, from one origin, for whoever is signed in.

pub(crate) mod cookie;
mod diff;
mod document;
mod queries;
mod rate;
mod text;
mod trace;
