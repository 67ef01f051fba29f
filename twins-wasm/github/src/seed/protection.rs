//! Branch protection and rulesets in the seed document: the bodies of the vendor's routes, with the branch named.
//!
//! `branch_protection: [{branch, required_signatures?, ..body of PUT /branches/{branch}/protection}]`, where what is left out
//! is off; `rulesets: [body of POST /rulesets]`.

use pome_twin_kit::input;
use serde_json::{Map, Value, json};

use super::{Builder, invalid, refuse};
use crate::actions::{protection, rulesets};
use crate::error::Error;
use pome_twin_kit::input::InputError;

/// A schema error of a row, at its place in the document.
pub(super) fn within(place: &str, error: InputError) -> Error {
    let path = place.split('.').map(str::to_owned).chain(error.path).collect();
    refuse(InputError { path, ..error })
}

impl Builder<'_> {
    /// A row of the document as the body of a request about this repository.
    fn addressed(&self, mut row: Map<String, Value>) -> Value {
        let names = self.state.repos.get(&self.id).map(|repo| (repo.owner.clone(), repo.name.clone()));
        let (owner, name) = names.unwrap_or_default();
        row.insert("owner".to_owned(), owner.into());
        row.insert("repo".to_owned(), name.into());
        Value::Object(row)
    }

    pub(super) fn protections(&mut self, rows: Vec<Map<String, Value>>) -> Result<(), Error> {
        for (at, row) in rows.into_iter().enumerate() {
            let place = self.field(&format!("branch_protection.{at}"));
            let signatures = match row.get("required_signatures") {
                None | Some(Value::Null) => false,
                Some(Value::Bool(wanted)) => *wanted,
                Some(_) => {
                    return Err(invalid(&format!("{place}.required_signatures"), "invalid_type", "expected a boolean"));
                }
            };
            let branch = row.get("branch").and_then(Value::as_str).unwrap_or_default().to_owned();
            let set: protection::Set =
                input::decode_document(self.addressed(row)).map_err(|error| within(&place, error))?;
            if self.state.branch(self.id, &branch).is_none() {
                let message = format!("`{branch}` is no branch of the repository");
                return Err(invalid(&format!("{place}.branch"), "missing", &message));
            }
            let Some(repo) = self.state.repos.get(&self.id) else { continue };
            let rules = set
                .protection(self.state, repo, signatures)
                .map_err(|error| invalid(&place, "invalid_value", &reason(&error)))?;
            self.state.protections.insert((self.id, branch), rules);
        }
        Ok(())
    }

    pub(super) fn rulesets(&mut self, rows: Vec<Map<String, Value>>) -> Result<(), Error> {
        for (at, row) in rows.into_iter().enumerate() {
            let place = self.field(&format!("rulesets.{at}"));
            let create: rulesets::Create =
                input::decode_document(self.addressed(row)).map_err(|error| within(&place, error))?;
            let id = self.state.next_ruleset.next();
            let ruleset =
                create.ruleset(id, self.now).map_err(|error| invalid(&place, "invalid_value", &reason(&error)))?;
            self.state.rulesets.insert((self.id, id), ruleset);
        }
        Ok(())
    }
}

/// What a refusal says, its list included.
pub(super) fn reason(error: &Error) -> String {
    match &error.errors {
        None => error.message.clone(),
        Some(rows) => format!("{}: {}", error.message, json!(rows)),
    }
}
