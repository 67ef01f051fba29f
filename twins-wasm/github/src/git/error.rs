//! What can go wrong when objects are read or written.

use std::fmt;

use super::{Kind, Oid};

/// A request that the object store cannot honour. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// No object has this id.
    UnknownObject { oid: Oid },
    /// The object exists and is of another kind.
    WrongKind { oid: Oid, wanted: Kind, found: Kind },
    /// The path has an empty, `.`, `..` or `.git` component or a forbidden character.
    MalformedPath { path: String },
    /// The tree has nothing at this path.
    UnknownPath { path: String },
    /// One change wants a file and a directory at the same path, or the same name appears twice in a tree.
    PathClash { path: String },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownObject { oid } => write!(f, "no object `{oid}`"),
            Self::WrongKind { oid, wanted, found } => write!(f, "object `{oid}` is a {found}, expected a {wanted}"),
            Self::MalformedPath { path } => write!(f, "`{path}` is not a path inside a tree"),
            Self::UnknownPath { path } => write!(f, "nothing at `{path}`"),
            Self::PathClash { path } => write!(f, "`{path}` would be two things at once"),
        }
    }
}

impl std::error::Error for Error {}
