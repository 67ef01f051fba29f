//! Labels.

use pome_twin_kit::ids::hash_id;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Encoded, Site};
use crate::state::{Label, Repo};

/// `label`
pub(crate) struct LabelView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) label: &'a Label,
    /// Adds `score`, as search does.
    pub(crate) score: bool,
}

/// The views of applied labels, in their order.
pub(crate) fn applied<'a>(site: Site<'a>, repo: &'a Repo, names: &'a [String]) -> Vec<LabelView<'a>> {
    let found = names.iter().filter_map(|name| site.state.label(repo.id, name));
    found.map(|label| LabelView { site, repo, label, score: false }).collect()
}

impl Serialize for LabelView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (api, repo, label) = (self.site.api, self.repo, self.label);
        let id = hash_id(&label.name);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("node_id", &format_args!("LA_{id}"))?;
        let name = Encoded(&label.name);
        map.serialize_entry("url", &format_args!("{api}/repos/{}/{}/labels/{name}", repo.owner, repo.name))?;
        map.serialize_entry("name", &label.name)?;
        map.serialize_entry("color", &label.color)?;
        map.serialize_entry("default", &false)?;
        map.serialize_entry("description", &label.description)?;
        if self.score {
            map.serialize_entry("score", &1.0)?;
        }
        map.end()
    }
}

/// A label as the official server's tools show it.
pub(crate) struct ToolLabel<'a>(pub(crate) &'a Label);

impl Serialize for ToolLabel<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("id", &format_args!("LA_{}", hash_id(&self.0.name)))?;
        map.serialize_entry("name", &self.0.name)?;
        map.serialize_entry("color", &self.0.color)?;
        map.serialize_entry("description", self.0.description.as_deref().unwrap_or_default())?;
        map.end()
    }
}
