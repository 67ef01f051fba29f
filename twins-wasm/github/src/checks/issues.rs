//! Issues, their labels, assignees and comments.

use pome_twin_kit::checks::{Assert, Substrate, Verdict, World};
use serde::Deserialize;
use serde_json::Value;

use super::lookup;

#[derive(Debug, Deserialize)]
pub(super) struct Exists {
    pub(super) issue: u64,
    pub(super) repo: String,
}

impl Assert for Exists {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let issue = lookup::issue(world.last()?, &self.repo, self.issue)?;
        Ok(Verdict::passed(format!("issue #{} exists", self.issue)).at(issue.pointer))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct InState {
    pub(super) issue: u64,
    pub(super) repo: String,
    pub(super) state: String,
}

impl Assert for InState {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let issue = lookup::issue(world.last()?, &self.repo, self.issue)?;
        let state = issue.text("state")?;
        let reason = format!("issue #{} is {state}", self.issue);
        let pointer = format!("{}/state", issue.pointer);
        Ok(Verdict::when(state.eq_ignore_ascii_case(&self.state), reason.clone(), reason).at(pointer))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct HasLabel {
    pub(super) issue: u64,
    pub(super) repo: String,
    pub(super) label: String,
}

impl Assert for HasLabel {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let issue = lookup::issue(world.last()?, &self.repo, self.issue)?;
        let names = lookup::names(issue.list("labels")?);
        let position = names.iter().position(|name| name.to_lowercase() == self.label.to_lowercase());
        Ok(match position {
            Some(at) => Verdict::passed(format!("issue #{} has label \"{}\"", self.issue, self.label))
                .at(format!("{}/labels/{at}", issue.pointer)),
            None => Verdict::failed(format!("labels of issue #{}: {}", self.issue, lookup::list(&names)))
                .at(format!("{}/labels", issue.pointer)),
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct OnlyLabel {
    pub(super) issue: u64,
    pub(super) repo: String,
    pub(super) label: String,
}

impl Assert for OnlyLabel {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let issue = lookup::issue(world.last()?, &self.repo, self.issue)?;
        let names = lookup::names(issue.list("labels")?);
        let only = matches!(names.as_slice(), [name] if name.to_lowercase() == self.label.to_lowercase());
        let passed = format!("issue #{} has the one label \"{}\"", self.issue, self.label);
        let failed = format!("labels of issue #{}: {}", self.issue, lookup::list(&names));
        Ok(Verdict::when(only, passed, failed).at(format!("{}/labels", issue.pointer)))
    }
}

/// The same among the classification labels only: bug, feature, question.
#[derive(Debug)]
pub(super) struct OnlyClassification {
    pub(super) issue: u64,
    pub(super) repo: String,
    pub(super) label: String,
}

impl Assert for OnlyClassification {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let issue = lookup::issue(world.last()?, &self.repo, self.issue)?;
        let mut names = lookup::names(issue.list("labels")?);
        names.retain(|name| ["bug", "feature", "question"].contains(&name.to_lowercase().as_str()));
        let only = matches!(names.as_slice(), [name] if name.to_lowercase() == self.label.to_lowercase());
        let passed = format!("issue #{} is classified as \"{}\" only", self.issue, self.label);
        let failed = format!("classification labels of issue #{}: {}", self.issue, lookup::list(&names));
        Ok(Verdict::when(only, passed, failed).at(format!("{}/labels", issue.pointer)))
    }
}

impl<'de> Deserialize<'de> for OnlyClassification {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let OnlyLabel { issue, repo, label } = OnlyLabel::deserialize(from)?;
        Ok(Self { issue, repo, label })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct AssignedTo {
    pub(super) issue: u64,
    pub(super) repo: String,
    pub(super) login: String,
}

impl Assert for AssignedTo {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let issue = lookup::issue(world.last()?, &self.repo, self.issue)?;
        // Older exports name one assignee only.
        let logins: Vec<&str> = match issue.value.get("assignees") {
            Some(Value::Array(logins)) => logins.iter().filter_map(Value::as_str).collect(),
            _ => issue.text("assignee_login").into_iter().collect(),
        };
        let passed = format!("issue #{} is assigned to {}", self.issue, self.login);
        let failed = format!("assignees of issue #{}: {}", self.issue, lookup::list(&logins));
        let holds = logins.contains(&self.login.as_str());
        Ok(Verdict::when(holds, passed, failed).at(format!("{}/assignees", issue.pointer)))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct CommentContains {
    pub(super) issue: u64,
    pub(super) repo: String,
    pub(super) needle: String,
}

impl Assert for CommentContains {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let issue = lookup::issue(world.last()?, &self.repo, self.issue)?;
        let comments = issue.items("comments")?;
        let found = comments.iter().find(|comment| comment.text("body").is_ok_and(|body| body.contains(&self.needle)));
        Ok(match found {
            Some(comment) => {
                Verdict::passed(format!("a comment on issue #{} contains \"{}\"", self.issue, self.needle))
                    .at(comment.pointer.clone())
            }
            None => {
                let reason = format!(
                    "none of {} comment(s) on issue #{} contains \"{}\"",
                    comments.len(),
                    self.issue,
                    self.needle
                );
                Verdict::failed(reason).at(format!("{}/comments", issue.pointer))
            }
        })
    }
}

/// What one list of a repository has now and had not before.
fn added<T: PartialEq>(
    world: &World<'_>,
    repo: &str,
    list: &str,
    key: impl Fn(&Value) -> Option<T>,
) -> Result<(Vec<T>, Vec<String>), Verdict> {
    let before = lookup::repo(world.seed()?, repo)?;
    let after = lookup::repo(world.last()?, repo)?;
    let known: Vec<T> = before.list(list)?.iter().filter_map(&key).collect();
    let new = after.items(list)?.into_iter().filter_map(|row| Some((key(row.value)?, row.pointer)));
    Ok(new.filter(|(key, _)| !known.contains(key)).unzip())
}

#[derive(Debug, Deserialize)]
pub(super) struct NoneCreated {
    pub(super) repo: String,
}

impl Assert for NoneCreated {
    const SUBSTRATE: Substrate = Substrate::SeedAndFinal;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let (new, paths) = added(world, &self.repo, "issues", |row| row.get("number").and_then(Value::as_u64))?;
        let numbers = new.iter().map(|number| format!("#{number}")).collect::<Vec<_>>().join(", ");
        let verdict = Verdict::when(
            new.is_empty(),
            format!("no new issues in `{}`", self.repo),
            format!("new issues: {numbers}"),
        );
        Ok(paths.into_iter().fold(verdict, Verdict::at))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct NoLabelsCreated {
    pub(super) repo: String,
}

impl Assert for NoLabelsCreated {
    const SUBSTRATE: Substrate = Substrate::SeedAndFinal;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let name = |row: &Value| row.get("name").and_then(Value::as_str).map(str::to_owned);
        let (new, paths) = added(world, &self.repo, "labels", name)?;
        let passed = format!("no new labels in `{}`", self.repo);
        let verdict = Verdict::when(new.is_empty(), passed, format!("new labels: {}", new.join(", ")));
        Ok(paths.into_iter().fold(verdict, Verdict::at))
    }
}

/// A label definition that was not there before.
#[derive(Debug, Deserialize)]
pub(super) struct LabelCreated {
    pub(super) repo: String,
    pub(super) label: String,
}

impl Assert for LabelCreated {
    const SUBSTRATE: Substrate = Substrate::SeedAndFinal;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let name = |row: &Value| row.get("name").and_then(Value::as_str).map(str::to_lowercase);
        let (new, paths) = added(world, &self.repo, "labels", name)?;
        let holds = new.contains(&self.label.to_lowercase());
        let passed = format!("label \"{}\" was created in `{}`", self.label, self.repo);
        let failed = format!("label \"{}\" was not created in `{}`", self.label, self.repo);
        Ok(paths.into_iter().fold(Verdict::when(holds, passed, failed), Verdict::at))
    }
}

/// The issue is as it was: entirely, or in its labels and assignees.
#[derive(Debug, Deserialize)]
pub(super) struct Unchanged {
    pub(super) issue: u64,
    pub(super) repo: String,
    pub(super) triage_only: bool,
}

impl Assert for Unchanged {
    const SUBSTRATE: Substrate = Substrate::SeedAndFinal;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let before = lookup::issue(world.seed()?, &self.repo, self.issue)?;
        let after = lookup::issue(world.last()?, &self.repo, self.issue)?;
        let same = |name: &str| before.value.get(name) == after.value.get(name);
        let holds = if self.triage_only { same("labels") && same("assignees") } else { before.value == after.value };
        let passed = format!("issue #{} is unchanged", self.issue);
        Ok(Verdict::when(holds, passed, format!("issue #{} was changed", self.issue)).at(after.pointer))
    }
}
