//! Labels of a repository and of its issues.

use std::fmt;

use pome_twin_kit::{Action, Cx, Reply, ToolReply, View, action};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, de};

use super::{Page, paging, rows};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::state::{Issue, Label, Numbered, Permission, Repo, RepoId, fold};
use crate::views::Site;
use crate::views::labels::{LabelView, ToolLabel, applied};

/// The color of a label that was given none.
const COLOR: &str = "ededed";

/// A label in an input: its name, or an object with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelName(pub(crate) String);

impl<'de> Deserialize<'de> for LabelName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = LabelName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a label name")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<LabelName, E> {
                Ok(LabelName(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LabelName, A::Error> {
                let mut name = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key == "name" {
                        name = Some(map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                name.map(LabelName).ok_or_else(|| de::Error::missing_field("name"))
            }
        }

        from.deserialize_any(Names)
    }
}

/// The names of `wanted` in their defined spelling, sorted, each once. Unknown ones become labels of the repository if the
/// caller may write there.
pub(crate) fn resolve(cx: &mut Cx<'_, GitHub>, repo: &Repo, wanted: &[LabelName]) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Vec::new();
    for LabelName(wanted) in wanted {
        let wanted = wanted.trim();
        let name = if let Some(label) = cx.state.label(repo.id, wanted) {
            label.name.clone()
        } else {
            check_name(wanted)?;
            if cx.permission(repo) < Some(Permission::Write) {
                return Err(Error::value("Label", "name", "missing", wanted));
            }
            let label = Label { name: wanted.to_owned(), color: COLOR.to_owned(), description: None };
            cx.state.labels.insert((repo.id, fold(wanted)), label);
            wanted.to_owned()
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort_by_key(|name| fold(name));
    Ok(names)
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::field("Label", "name", "missing_field"));
    }
    if name.chars().count() > 50 {
        return Err(Error::custom("Label", "name is too long (maximum is 50 characters)"));
    }
    Ok(())
}

/// A color as it is stored: six hex digits without `#`.
fn color(text: &str) -> Result<String, Error> {
    let digits = text.trim_start_matches('#');
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(digits.to_ascii_lowercase());
    }
    Err(Error::value("Label", "color", "invalid", text))
}

/// One label of a repository.
pub(crate) struct Shown {
    repo: RepoId,
    name: String,
}

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        if let (Some(repo), Some(label)) = (cx.state.repos.get(&self.repo), cx.state.label(self.repo, &self.name)) {
            reply.write_json(&LabelView { site, repo, label, score: false });
        }
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        cx.state.label(self.repo, &self.name).map(|label| ToolReply::json(&ToolLabel(label))).unwrap_or_default()
    }
}

/// A page of a repository's labels, by name.
pub(crate) struct Listed {
    pub(crate) repo: RepoId,
    pub(crate) page: Page<String>,
}

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let Some(repo) = cx.state.repos.get(&self.repo) else { return };
        self.page.write(cx, reply, |site, name| {
            let label = site.state.label(repo.id, name)?;
            Some(LabelView { site, repo, label, score: false })
        });
    }
}

/// All labels of an issue.
pub(crate) struct OnIssue(pub(crate) Numbered);

impl View<GitHub> for OnIssue {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let (Some(repo), Some(issue)) = (cx.state.repos.get(&self.0.0), cx.state.issues.get(&self.0)) {
            reply.write_json(&applied(Site::of(cx), repo, &issue.labels));
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_labels";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let names = cx.state.labels_of(repo).map(|label| label.name.clone());
        Ok(Listed { repo, page: Page::of(names, paging(self.page, self.per_page)) })
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    name: String,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_label";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        cx.state.label(repo, &self.name).ok_or_else(Error::not_found)?;
        Ok(Shown { repo, name: self.name })
    }
}

#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    name: String,
    color: Option<String>,
    description: Option<String>,
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_label";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?.clone();
        let name = self.name.trim().to_owned();
        check_name(&name)?;
        if cx.state.label(repo.id, &name).is_some() {
            return Err(Error::field("Label", "name", "already_exists"));
        }
        let color = self.color.as_deref().map_or(Ok(COLOR.to_owned()), color)?;
        let description = self.description.filter(|text| !text.is_empty());
        let label = Label { name: name.clone(), color, description };
        cx.changed(None, Some(rows::label(&repo, &label)));
        cx.state.labels.insert((repo.id, fold(&name)), label);
        Ok(Shown { repo: repo.id, name })
    }
}

#[derive(Deserialize)]
pub(crate) struct Update {
    owner: String,
    repo: String,
    name: String,
    new_name: Option<String>,
    color: Option<String>,
    description: Option<String>,
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_label";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?.clone();
        let old = cx.state.label(repo.id, &self.name).ok_or_else(Error::not_found)?.clone();
        let mut label = old.clone();
        if let Some(text) = &self.color {
            label.color = color(text)?;
        }
        if let Some(text) = self.description {
            label.description = Some(text).filter(|text| !text.is_empty());
        }
        if let Some(name) = self.new_name {
            let name = name.trim();
            check_name(name)?;
            if fold(name) != fold(&old.name) && cx.state.label(repo.id, name).is_some() {
                return Err(Error::field("Label", "name", "already_exists"));
            }
            name.clone_into(&mut label.name);
        }
        if label.name != old.name {
            cx.state.labels.remove(&(repo.id, fold(&old.name)));
            replace_on_issues(cx, repo.id, &old.name, Some(&label.name));
        }
        cx.changed(Some(rows::label(&repo, &old)), Some(rows::label(&repo, &label)));
        let name = label.name.clone();
        cx.state.labels.insert((repo.id, fold(&name)), label);
        Ok(Shown { repo: repo.id, name })
    }
}

/// A renamed label keeps its issues, a deleted one leaves them.
fn replace_on_issues(cx: &mut Cx<'_, GitHub>, repo: RepoId, old: &str, new: Option<&str>) {
    let carries = |issue: &&Issue| issue.labels.iter().any(|label| label == old);
    let numbers: Vec<u64> = cx.state.issues_of(repo).filter(carries).map(|issue| issue.number).collect();
    for number in numbers {
        let Some(issue) = cx.state.issues.get_mut(&(repo, number)) else { continue };
        issue.labels.retain(|label| label != old);
        issue.labels.extend(new.map(str::to_owned));
        issue.labels.sort_by_key(|name| fold(name));
    }
}

#[derive(Deserialize)]
pub(crate) struct Delete {
    owner: String,
    repo: String,
    name: String,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_label";
    const MUTATES: bool = true;
    type Output = action::Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<action::Empty, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?.clone();
        let label = cx.state.labels.remove(&(repo.id, fold(&self.name))).ok_or_else(Error::not_found)?;
        replace_on_issues(cx, repo.id, &label.name, None);
        cx.changed(Some(rows::label(&repo, &label)), None);
        Ok(action::Empty)
    }
}

#[derive(Deserialize)]
pub(crate) struct ListOnIssue {
    owner: String,
    repo: String,
    issue_number: u64,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for ListOnIssue {
    const NAME: &'static str = "list_issue_labels";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let issue = cx.issue(repo, self.issue_number)?;
        let page = Page::of(issue.labels.iter().cloned(), paging(self.page, self.per_page));
        Ok(Listed { repo: repo.id, page })
    }
}

/// Gives an issue these labels and tells the trace.
fn put(cx: &mut Cx<'_, GitHub>, repo: &Repo, number: u64, labels: Vec<String>) -> OnIssue {
    let (key, now) = ((repo.id, number), cx.now());
    let before = cx.state.issues.get(&key).map(|issue| issue.labels.clone()).unwrap_or_default();
    if before != labels {
        let delta = [&before, &labels].map(|labels| Some(rows::issue_labels(repo, number, labels)));
        let [before, after] = delta;
        cx.changed(before, after);
        if let Some(issue) = cx.state.issues.get_mut(&key) {
            issue.labels = labels;
            issue.updated_at = now;
        }
    }
    OnIssue(key)
}

#[derive(Deserialize)]
pub(crate) struct AddToIssue {
    owner: String,
    repo: String,
    issue_number: u64,
    labels: Vec<LabelName>,
}

impl Action<GitHub> for AddToIssue {
    const NAME: &'static str = "add_issue_labels";
    const MUTATES: bool = true;
    type Output = OnIssue;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<OnIssue, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Triage)?.clone();
        let mut labels: Vec<LabelName> =
            cx.issue(&repo, self.issue_number)?.labels.iter().cloned().map(LabelName).collect();
        if self.labels.is_empty() {
            return Err(Error::field("Issue", "labels", "missing_field"));
        }
        labels.extend(self.labels);
        let labels = resolve(cx, &repo, &labels)?;
        Ok(put(cx, &repo, self.issue_number, labels))
    }
}

#[derive(Deserialize)]
pub(crate) struct SetOnIssue {
    owner: String,
    repo: String,
    issue_number: u64,
    #[serde(default)]
    labels: Vec<LabelName>,
}

impl Action<GitHub> for SetOnIssue {
    const NAME: &'static str = "set_issue_labels";
    const MUTATES: bool = true;
    type Output = OnIssue;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<OnIssue, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Triage)?.clone();
        cx.issue(&repo, self.issue_number)?;
        let labels = resolve(cx, &repo, &self.labels)?;
        Ok(put(cx, &repo, self.issue_number, labels))
    }
}

#[derive(Deserialize)]
pub(crate) struct RemoveFromIssue {
    owner: String,
    repo: String,
    issue_number: u64,
    name: String,
}

impl Action<GitHub> for RemoveFromIssue {
    const NAME: &'static str = "remove_issue_label";
    const MUTATES: bool = true;
    type Output = OnIssue;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<OnIssue, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Triage)?.clone();
        let mut labels = cx.issue(&repo, self.issue_number)?.labels.clone();
        let count = labels.len();
        labels.retain(|label| fold(label) != fold(&self.name));
        if labels.len() == count {
            return Err(Error::new(404, "Label does not exist"));
        }
        Ok(put(cx, &repo, self.issue_number, labels))
    }
}

#[derive(Deserialize)]
pub(crate) struct RemoveAllFromIssue {
    owner: String,
    repo: String,
    issue_number: u64,
}

impl Action<GitHub> for RemoveAllFromIssue {
    const NAME: &'static str = "remove_all_issue_labels";
    const MUTATES: bool = true;
    type Output = action::Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<action::Empty, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Triage)?.clone();
        cx.issue(&repo, self.issue_number)?;
        put(cx, &repo, self.issue_number, Vec::new());
        Ok(action::Empty)
    }
}
