//! Who is calling and what they may see and do: the first lines of most actions.

use pome_twin_kit::Cx;

use crate::GitHub;
use crate::error::Error;
use crate::git::Objects;
use crate::state::{DEFAULT_LOGIN, Issue, Numbered, Permission, Pull, Repo};

/// What actions ask of their context.
pub(crate) trait Access {
    /// The login of the token, or the default one.
    fn actor(&self) -> &str;

    /// The repository, if it exists for the caller. A private one that they may not read answers like a missing one.
    fn repo(&self, owner: &str, name: &str) -> Result<&Repo, Error>;

    /// The repository, if the caller may do at least this there.
    fn repo_with(&self, owner: &str, name: &str, needed: Permission) -> Result<&Repo, Error>;

    /// The repository, if the caller may do at least this there and it is not archived.
    fn repo_to_write(&self, owner: &str, name: &str, needed: Permission) -> Result<&Repo, Error>;

    /// The caller's permission in a repository.
    fn permission(&self, repo: &Repo) -> Option<Permission>;

    /// The issue or pull request of a number.
    fn issue(&self, repo: &Repo, number: u64) -> Result<&Issue, Error>;

    /// Both sides of a pull request.
    fn pull(&self, repo: &Repo, number: u64) -> Result<(&Issue, &Pull), Error>;

    fn objects(&self) -> &Objects;
}

impl Access for Cx<'_, GitHub> {
    fn actor(&self) -> &str {
        self.caller.login.as_deref().filter(|login| !login.is_empty()).unwrap_or(DEFAULT_LOGIN)
    }

    fn repo(&self, owner: &str, name: &str) -> Result<&Repo, Error> {
        let repo = self.state.repo(owner, name).ok_or_else(Error::not_found)?;
        self.permission(repo).map(|_| repo).ok_or_else(Error::not_found)
    }

    fn repo_with(&self, owner: &str, name: &str, needed: Permission) -> Result<&Repo, Error> {
        let repo = self.repo(owner, name)?;
        if self.permission(repo).is_some_and(|held| held >= needed) {
            return Ok(repo);
        }
        // Administration answers as if it were not there; everything else says that it is forbidden.
        if needed >= Permission::Admin {
            return Err(Error::forbidden("Must have admin rights to Repository."));
        }
        Err(Error::forbidden("Resource not accessible by personal access token"))
    }

    fn repo_to_write(&self, owner: &str, name: &str, needed: Permission) -> Result<&Repo, Error> {
        let repo = self.repo_with(owner, name, needed)?;
        if repo.archived {
            return Err(Error::forbidden("Repository was archived so is read-only."));
        }
        Ok(repo)
    }

    fn permission(&self, repo: &Repo) -> Option<Permission> {
        self.state.permission(repo, self.actor())
    }

    fn issue(&self, repo: &Repo, number: u64) -> Result<&Issue, Error> {
        let key: Numbered = (repo.id, number);
        let issue = self.state.issues.get(&key).ok_or_else(Error::not_found)?;
        // Issues can be switched off; pull requests cannot.
        if !repo.has_issues && !self.state.is_pull(key) {
            return Err(Error::gone());
        }
        Ok(issue)
    }

    fn pull(&self, repo: &Repo, number: u64) -> Result<(&Issue, &Pull), Error> {
        let key = (repo.id, number);
        match (self.state.issues.get(&key), self.state.pulls.get(&key)) {
            (Some(issue), Some(pull)) => Ok((issue, pull)),
            _ => Err(Error::not_found()),
        }
    }

    fn objects(&self) -> &Objects {
        &self.state.git.objects
    }
}
