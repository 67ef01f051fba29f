//! Sub-issues and dependencies in the seed document: numbers of issues of the same repository, `sub_issues: [..]` and
//! `blocked_by: [..]` on an issue.

use super::{Builder, invalid};
use crate::error::Error;

/// What one issue of the document says of others.
pub(super) struct SeedRelations {
    pub(super) number: u64,
    /// `repositories.0.issues.3`
    pub(super) place: String,
    pub(super) sub_issues: Vec<u64>,
    pub(super) blocked_by: Vec<u64>,
}

impl Builder<'_> {
    /// Ties issues together, once all of them are there.
    pub(super) fn relations(&mut self, rows: Vec<SeedRelations>) -> Result<(), Error> {
        for SeedRelations { number, place, sub_issues, blocked_by } in rows {
            let key = (self.id, number);
            for child in sub_issues {
                let below = (self.id, child);
                let known = self.state.issues.contains(&below) && !self.state.is_pull(below);
                if !known || self.state.parent_of(below).is_some() || self.state.line_of(key).contains(&below) {
                    let message =
                        format!("issue {child} is not there, has a parent or is the issue itself or above it");
                    return Err(invalid(&format!("{place}.sub_issues"), "invalid_value", &message));
                }
                self.state.adopt(key, below);
            }
            let blockers: Vec<_> = blocked_by.iter().map(|number| (self.id, *number)).collect();
            if blockers.iter().any(|other| *other == key || !self.state.issues.contains(other)) {
                let message = "names an issue that is not there, or the issue itself";
                return Err(invalid(&format!("{place}.blocked_by"), "invalid_value", message));
            }
            if !blockers.is_empty() {
                self.state.blocked_by.insert(key, blockers);
            }
        }
        Ok(())
    }
}
