//! Issue types and custom issue fields: what organizations may define, and what none does here.

use pome_twin_kit::action::Json;
use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::Value;

use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::state::UserKind;

/// The organization, or the repository when one is named, must be there for the caller.
fn known(cx: &Cx<'_, GitHub>, owner: &str, repo: Option<&str>) -> Result<(), Error> {
    if let Some(repo) = repo.filter(|name| !name.is_empty()) {
        return cx.repo(owner, repo).map(|_| ());
    }
    let found = cx.state.user(owner).filter(|user| user.kind == UserKind::Organization);
    found.map(|_| ()).ok_or_else(Error::not_found)
}

/// The issue types of an organization.
#[derive(Deserialize)]
pub(crate) struct Types {
    #[serde(alias = "org")]
    owner: String,
    repo: Option<String>,
}

impl Action<GitHub> for Types {
    const NAME: &'static str = "list_issue_types";
    type Output = Json<Vec<Value>>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        known(cx, &self.owner, self.repo.as_deref())?;
        Ok(Json(Vec::new()))
    }
}

/// The custom fields of an organization's issues.
#[derive(Deserialize)]
pub(crate) struct Fields {
    owner: String,
    repo: Option<String>,
}

impl Action<GitHub> for Fields {
    const NAME: &'static str = "list_issue_fields";
    type Output = Json<Vec<Value>>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        known(cx, &self.owner, self.repo.as_deref())?;
        Ok(Json(Vec::new()))
    }
}
