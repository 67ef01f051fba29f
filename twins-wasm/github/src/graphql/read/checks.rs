//! What has a say about a commit: statuses, check runs, their suites, and all of them together.

use pome_twin_kit::Cx;
use pome_twin_kit::graphql::{Field, Resolved};

use super::super::node::find;
use super::super::{Answer, at, maybe_at, paging, unanswered};
use super::{Node, account, gone, page, path, repo_of};
use crate::GitHub;
use crate::git::Oid;
use crate::rules::{APP_ID, APP_SLUG};
use crate::state::{CheckRun, RepoId, State};
use crate::views::HTML;
use crate::views::statuses::latest;

/// The rollup of a commit, if anything was ever said about it.
pub(super) fn rollup_of(state: &State, repo: RepoId, oid: Oid) -> Resolved<Node> {
    Resolved::maybe((!contexts(state, repo, oid).is_empty()).then_some(Node::Rollup(repo, oid)))
}

/// Check runs and the latest status of each context.
fn contexts(state: &State, repo: RepoId, oid: Oid) -> Vec<Node> {
    let runs = state.check_runs_of(repo).filter(|run| run.head_sha == oid).map(|run| Node::CheckRun(repo, run.id));
    let statuses = latest(state, repo, oid).into_iter().map(|status| Node::StatusContext(repo, status.id));
    runs.chain(statuses).collect()
}

/// `SUCCESS`, `FAILURE`, `ERROR`, `PENDING` over everything.
fn together<'a>(states: impl Iterator<Item = &'a String>) -> &'static str {
    let states: Vec<&str> = states.map(String::as_str).collect();
    let any = |wanted: &[&str]| states.iter().any(|state| wanted.contains(state));
    if any(&["FAILURE", "TIMED_OUT", "CANCELLED", "ACTION_REQUIRED", "STARTUP_FAILURE"]) {
        "FAILURE"
    } else if any(&["ERROR"]) {
        "ERROR"
    } else if any(&["PENDING", "QUEUED", "IN_PROGRESS", "EXPECTED", "STALE"]) {
        "PENDING"
    } else {
        "SUCCESS"
    }
}

/// How a run stands: its conclusion, or its status while there is none.
fn standing(run: &CheckRun) -> String {
    run.conclusion.as_deref().unwrap_or(&run.status).to_uppercase()
}

pub(super) fn rollup(cx: &Cx<'_, GitHub>, repo: RepoId, oid: Oid, field: &Field<'_>) -> Answer {
    let state = &*cx.state;
    let runs: Vec<String> = state.check_runs_of(repo).filter(|run| run.head_sha == oid).map(standing).collect();
    let statuses: Vec<String> = latest(state, repo, oid).iter().map(|status| status.state.to_uppercase()).collect();
    Ok(match field.name {
        "state" => together(runs.iter().chain(&statuses)).into(),
        "commit" => Resolved::Object(Node::Commit(repo, oid)),
        "contexts" => {
            let counted = |states: &[String]| {
                let mut names: Vec<&String> = states.iter().collect();
                names.sort();
                names.dedup();
                let rows = names.into_iter().map(|name| {
                    let count = states.iter().filter(|state| *state == name).count();
                    Resolved::record(vec![("state", name.as_str().into()), ("count", count.into())])
                });
                Resolved::List(rows.collect())
            };
            let all = contexts(state, repo, oid).into_iter().map(Resolved::Object).collect();
            return paging::page_with(cx, field, all, |connection| {
                connection.fields.extend([
                    ("checkRunCount", runs.len().into()),
                    ("checkRunCountsByState", counted(&runs)),
                    ("statusContextCount", statuses.len().into()),
                    ("statusContextCountsByState", counted(&statuses)),
                ]);
            });
        }
        other => return Err(unanswered("StatusCheckRollup", other)),
    })
}

pub(super) fn status(cx: &Cx<'_, GitHub>, repo: RepoId, oid: Oid, field: &Field<'_>) -> Answer {
    Ok(match field.name {
        "state" => cx.state.combined_status(repo, oid).to_uppercase().into(),
        "commit" => Resolved::Object(Node::Commit(repo, oid)),
        "contexts" => {
            Resolved::objects(latest(cx.state, repo, oid).into_iter().map(|row| Node::StatusContext(repo, row.id)))
        }
        other => return Err(unanswered("Status", other)),
    })
}

/// Whether a pull request cannot be merged without this check.
fn required(cx: &Cx<'_, GitHub>, repo: RepoId, context: &str, field: &Field<'_>) -> bool {
    let by_number = field.number("pullRequestNumber").and_then(|number| u64::try_from(number).ok());
    let pull = match field.text("pullRequestId").and_then(|id| find(cx, id)) {
        Some(Node::Pull(key)) => cx.state.pulls.get(&key),
        _ => by_number.and_then(|number| cx.state.pulls.get(&(repo, number))),
    };
    let (Some(pull), Some(row)) = (pull, cx.state.repos.get(&repo)) else { return false };
    let demands = cx.state.demands(row, &pull.base_ref);
    let mut checks = demands.iter().filter_map(|(_, rules)| rules.checks.as_ref()).flat_map(|checks| &checks.checks);
    checks.any(|check| check.context == context)
}

pub(super) fn context(cx: &Cx<'_, GitHub>, repo: RepoId, id: u64, field: &Field<'_>) -> Answer {
    let status = cx.state.statuses.get(&(repo, id)).ok_or_else(gone)?;
    Ok(match field.name {
        "context" => status.context.as_str().into(),
        "description" => status.description.clone().into(),
        "state" => status.state.to_uppercase().into(),
        "targetUrl" => status.target_url.clone().into(),
        "createdAt" => at(status.created_at),
        "creator" => account(&status.creator),
        "commit" => Resolved::Object(Node::Commit(repo, status.sha)),
        "avatarUrl" => {
            let id = pome_twin_kit::ids::hash_id(&status.creator);
            format!("https://avatars.githubusercontent.com/u/{id}?v=4").into()
        }
        "isRequired" => required(cx, repo, &status.context, field).into(),
        other => return Err(unanswered("StatusContext", other)),
    })
}

pub(super) fn run(cx: &Cx<'_, GitHub>, repo: RepoId, id: u64, field: &Field<'_>) -> Answer {
    let row = repo_of(cx, repo)?;
    let run = cx.state.check_runs.get(&(repo, id)).ok_or_else(gone)?;
    let place = format!("/runs/{id}");
    Ok(match field.name {
        "databaseId" => id.into(),
        "name" => run.name.as_str().into(),
        "status" => run.status.to_uppercase().into(),
        "conclusion" => run.conclusion.as_deref().map(str::to_uppercase).into(),
        "startedAt" => at(run.started_at),
        "completedAt" => maybe_at(run.completed_at),
        "detailsUrl" => run.details_url.clone().map_or_else(|| page(row, &place), Resolved::leaf),
        "url" | "permalink" => page(row, &place),
        "resourcePath" => path(row, &place),
        "externalId" => run.external_id.as_str().into(),
        "title" => run.output_title.clone().into(),
        "summary" => run.output_summary.clone().into(),
        "text" => run.output_text.clone().into(),
        "checkSuite" => Resolved::Object(Node::CheckSuite(repo, run.suite)),
        "isRequired" => required(cx, repo, &run.name, field).into(),
        "repository" => Resolved::Object(Node::Repository(repo)),
        other => return Err(unanswered("CheckRun", other)),
    })
}

pub(super) fn suites(cx: &Cx<'_, GitHub>, repo: RepoId, oid: Oid, field: &Field<'_>) -> Answer {
    let suites = cx.state.check_suites_of(repo).filter(|suite| suite.head_sha == oid);
    paging::nodes(cx, field, suites.map(|suite| Node::CheckSuite(repo, suite.id)))
}

/// The one app that reports checks.
fn app() -> Resolved<Node> {
    Resolved::record(vec![
        ("id", "MDM6QXBwMTUzNjg=".into()),
        ("databaseId", APP_ID.into()),
        ("name", "GitHub Actions".into()),
        ("slug", APP_SLUG.into()),
        ("url", format!("{HTML}/apps/{APP_SLUG}").into()),
    ])
}

pub(super) fn suite(cx: &Cx<'_, GitHub>, repo: RepoId, id: u64, field: &Field<'_>) -> Answer {
    let row = repo_of(cx, repo)?;
    let state = &*cx.state;
    let suite = state.check_suites.get(&(repo, id)).ok_or_else(gone)?;
    let (status, conclusion) = state.suite_outcome(repo, suite);
    let place = format!("/commit/{}/checks?check_suite_id={id}", suite.head_sha);
    Ok(match field.name {
        "databaseId" => id.into(),
        "commit" => Resolved::Object(Node::Commit(repo, suite.head_sha)),
        "branch" => {
            let name = suite.head_branch.as_deref().map(crate::state::heads);
            let known = name.filter(|name| state.refs.contains(&(repo, name.clone())));
            Resolved::maybe(known.map(|name| Node::Ref(repo, name)))
        }
        "app" => app(),
        "status" => status.to_uppercase().into(),
        "conclusion" => conclusion.map(str::to_uppercase).into(),
        // Workflow runs are not part of the graph.
        "workflowRun" => Resolved::NULL,
        "createdAt" => at(suite.created_at),
        "updatedAt" => at(suite.updated_at),
        "url" => page(row, &place),
        "resourcePath" => path(row, &place),
        "repository" => Resolved::Object(Node::Repository(repo)),
        "checkRuns" => {
            let runs = state.check_runs_of(repo).filter(|run| run.suite == id);
            return paging::nodes(cx, field, runs.map(|run| Node::CheckRun(repo, run.id)));
        }
        other => return Err(unanswered("CheckSuite", other)),
    })
}
