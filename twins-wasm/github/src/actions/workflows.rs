//! Workflows: what there is, switching them on and off, starting them by hand.

use pome_twin_kit::action::Empty;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::revision::branch_head;
use crate::state::{Permission, Repo, RepoId};
use crate::views::HTML;
use crate::views::Site;
use crate::views::workflows::workflow as show;
use crate::workflows::{Start, Workflow, scalar};

/// A workflow by its id or file name.
pub(crate) fn find(cx: &Cx<'_, GitHub>, repo: &Repo, name: &str) -> Result<Workflow, Error> {
    let all = cx.state.workflows_of(repo);
    let id = name.parse::<u64>().ok();
    let named = |workflow: &Workflow| Some(workflow.id) == id || workflow.file() == name || workflow.path == name;
    all.into_iter().find(named).ok_or_else(Error::not_found)
}

/// A page of values with their number.
pub(crate) struct Counted {
    pub(crate) name: &'static str,
    pub(crate) page: Page<Value>,
}

impl View<GitHub> for Counted {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let mut answer = Map::new();
        answer.insert("total_count".to_owned(), self.page.total.into());
        answer.insert(self.name.to_owned(), self.page.keys.clone().into());
        reply.write_json(&answer);
        self.page.link(cx, reply);
    }
}

/// One value as it is.
pub(crate) struct One(pub(crate) Value);

impl View<GitHub> for One {
    fn rest(&self, _: &Cx<'_, GitHub>, reply: &mut Reply) {
        reply.write_json(&self.0);
    }
}

#[derive(Deserialize)]
pub(crate) struct List {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) page: Option<i64>,
    pub(crate) per_page: Option<i64>,
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_workflows";
    type Output = Counted;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Counted, Error> {
        let (site, repo) = (Site::of(cx), cx.repo(&self.owner, &self.repo)?);
        let rows = cx.state.workflows_of(repo).into_iter().map(|row| show(site, repo, &row));
        Ok(Counted { name: "workflows", page: Page::of(rows, paging(self.page, self.per_page)) })
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) workflow_id: String,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_workflow";
    type Output = One;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<One, Error> {
        let (site, repo) = (Site::of(cx), cx.repo(&self.owner, &self.repo)?);
        Ok(One(show(site, repo, &find(cx, repo, &self.workflow_id)?)))
    }
}

/// Switches a workflow on or off.
fn switch(cx: &mut Cx<'_, GitHub>, owner: &str, repo: &str, name: &str, on: bool) -> Result<Empty, Error> {
    let repo = cx.repo_to_write(owner, repo, Permission::Write)?.clone();
    let workflow = find(cx, &repo, name)?;
    let key = (repo.id, workflow.path.clone());
    let row = |disabled: bool| json!({ "repo": repo.full_name(), "path": workflow.path, "disabled": disabled });
    if workflow.disabled == on {
        if on {
            cx.state.disabled_workflows.remove(&key);
        } else {
            cx.state.disabled_workflows.insert(key, ());
        }
        cx.changed(Some(row(on)), Some(row(!on)));
    }
    Ok(Empty)
}

#[derive(Deserialize)]
pub(crate) struct Enable {
    owner: String,
    repo: String,
    workflow_id: String,
}

impl Action<GitHub> for Enable {
    const NAME: &'static str = "enable_workflow";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        switch(cx, &self.owner, &self.repo, &self.workflow_id, true)
    }
}

#[derive(Deserialize)]
pub(crate) struct Disable {
    owner: String,
    repo: String,
    workflow_id: String,
}

impl Action<GitHub> for Disable {
    const NAME: &'static str = "disable_workflow";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        switch(cx, &self.owner, &self.repo, &self.workflow_id, false)
    }
}

/// Starts a workflow by hand.
#[derive(Deserialize)]
pub(crate) struct Dispatch {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) workflow_id: String,
    pub(crate) r#ref: String,
    #[serde(default)]
    pub(crate) inputs: Map<String, Value>,
    pub(crate) return_run_details: Option<bool>,
}

/// A run that was started: nothing, or where it is when that was asked for.
pub(crate) struct Dispatched {
    key: (RepoId, u64),
    details: bool,
}

impl View<GitHub> for Dispatched {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let Some(repo) = cx.state.repos.get(&self.key.0).filter(|_| self.details) else { return };
        let id = self.key.1;
        reply.status = 200;
        reply.write_json(&json!({
            "workflow_run_id": id,
            "run_url": format!("{}/repos/{}/{}/actions/runs/{id}", cx.origin, repo.owner, repo.name),
            "html_url": format!("{HTML}/{}/{}/actions/runs/{id}", repo.owner, repo.name),
        }));
    }
}

/// The inputs must be known, and the required ones there.
fn check_inputs(workflow: &Workflow, given: &Map<String, Value>) -> Result<(), Error> {
    let Some(inputs) = workflow.inputs() else {
        return Err(Error::unprocessable("Workflow does not have 'workflow_dispatch' trigger"));
    };
    let unknown: Vec<&String> = given.keys().filter(|name| !inputs.iter().any(|input| input.name == **name)).collect();
    if !unknown.is_empty() {
        return Err(Error::unprocessable(format!("Unexpected inputs provided: {}", json!(unknown))));
    }
    for input in inputs {
        let name = &input.name;
        match given.get(name).filter(|value| !value.is_null()) {
            None if input.required && input.default.is_none() => {
                return Err(Error::unprocessable(format!("Required input '{name}' not provided")));
            }
            Some(value) if !input.options.is_empty() && !input.options.contains(&scalar(value)) => {
                return Err(Error::unprocessable(format!(
                    "Provided value '{}' for input '{name}' not in the list of allowed values",
                    scalar(value)
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

impl Action<GitHub> for Dispatch {
    const NAME: &'static str = "create_workflow_dispatch";
    const MUTATES: bool = true;
    type Output = Dispatched;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Dispatched, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?.clone();
        let workflow = find(cx, &repo, &self.workflow_id)?;
        if workflow.disabled {
            return Err(Error::unprocessable("Cannot trigger a 'workflow_dispatch' on a disabled workflow"));
        }
        check_inputs(&workflow, &self.inputs)?;
        let name = self.r#ref.strip_prefix("refs/heads/").unwrap_or(&self.r#ref);
        let branch = branch_head(cx, &repo, name).ok();
        let tag = || {
            let tag = self.r#ref.strip_prefix("refs/tags/").unwrap_or(&self.r#ref);
            cx.state.ref_named(&repo, &format!("refs/tags/{tag}")).and_then(|oid| cx.objects().peel(oid).ok())
        };
        let missing = || Error::unprocessable(format!("No ref found for: {}", self.r#ref));
        let head_sha = branch.or_else(tag).ok_or_else(missing)?;
        let planned = cx.state.workflow_outcomes.get(&(repo.id, workflow.path.clone())).cloned();
        let (actor, now) = (cx.actor().to_owned(), cx.now());
        cx.state.ensure_user(&actor, now);
        let start = Start {
            repo: repo.id,
            workflow: &workflow,
            title: workflow.name.clone(),
            event: "workflow_dispatch".to_owned(),
            head_branch: Some(name.to_owned()),
            head_sha,
            actor,
            planned: planned.unwrap_or_else(|| "success".to_owned()),
        };
        let key = (repo.id, cx.state.start_run(start, now));
        let after = super::workflow_runs::row(cx.state, key);
        cx.changed(None, after);
        Ok(Dispatched { key, details: self.return_run_details == Some(true) })
    }
}
