//! Files and commit statuses.

use pome_twin_kit::checks::{Assert, Substrate, Verdict, World};
use serde::Deserialize;

use super::lookup;

#[derive(Debug, Deserialize)]
pub(super) struct FileExists {
    pub(super) path: String,
    pub(super) repo: String,
}

impl Assert for FileExists {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let repo = lookup::repo(world.last()?, &self.repo)?;
        let files = repo.items("files")?;
        Ok(match files.iter().find(|file| file.text("path").is_ok_and(|path| path == self.path)) {
            Some(file) => {
                let branch = file.text("branch").unwrap_or("?");
                Verdict::passed(format!("`{}` exists on branch {branch}", self.path)).at(file.pointer.clone())
            }
            None => Verdict::failed(format!("`{}` is on no branch of `{}`", self.path, self.repo))
                .at(format!("{}/files", repo.pointer)),
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct CommitStatus {
    pub(super) context: String,
    pub(super) repo: String,
    pub(super) status_state: String,
}

impl Assert for CommitStatus {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let repo = lookup::repo(world.last()?, &self.repo)?;
        let rows = repo.items("commit_statuses")?;
        let of_context = rows.iter().filter(|row| row.text("context").is_ok_and(|context| context == self.context));
        let states: Vec<(&str, &str)> =
            of_context.map(|row| (row.text("state").unwrap_or_default(), row.pointer.as_str())).collect();
        Ok(match states.iter().find(|(state, _)| *state == self.status_state) {
            Some((state, pointer)) => {
                Verdict::passed(format!("commit status \"{}\" is {state}", self.context)).at(*pointer)
            }
            None => {
                let states: Vec<&str> = states.iter().map(|(state, _)| *state).collect();
                Verdict::failed(format!("states of commit status \"{}\": {}", self.context, lookup::list(&states)))
                    .at(format!("{}/commit_statuses", repo.pointer))
            }
        })
    }
}

/// The repository's commit statuses are as they were.
#[derive(Debug, Deserialize)]
pub(super) struct StatusesUnchanged {
    pub(super) repo: String,
}

impl Assert for StatusesUnchanged {
    const SUBSTRATE: Substrate = Substrate::SeedAndFinal;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let before = lookup::repo(world.seed()?, &self.repo)?;
        let after = lookup::repo(world.last()?, &self.repo)?;
        let holds = before.list("commit_statuses")? == after.list("commit_statuses")?;
        let passed = format!("commit statuses of `{}` are unchanged", self.repo);
        let failed = format!("commit statuses of `{}` were added or changed", self.repo);
        Ok(Verdict::when(holds, passed, failed).at(format!("{}/commit_statuses", after.pointer)))
    }
}
