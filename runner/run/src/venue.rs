//! Where the twins of a run are: in this process (`local`), later at a control plane.

mod local;

pub(crate) use local::{Access, Local, States};
