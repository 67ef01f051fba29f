//! The client of a control plane: its requests, who is signed in, and the login.
//!
//! Owns what goes over the wire to a control plane and how its answers are read; leaves printing to the command line and the
//! sequence of a run to `pome-run`.
