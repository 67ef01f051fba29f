//! What a branch or tag demands: classic protection and rulesets, who is exempt, and whether something is allowed.

pub(crate) mod evaluate;
pub(crate) mod owners;

use pome_twin_kit::clock::Time;
use serde_json::Value;

use crate::glob::fits;
use crate::state::{Permission, Repo, RepoId, State, fold};

/// One app reports checks here: GitHub Actions, with the vendor's number.
pub(crate) const APP_ID: u64 = 15368;
/// Its short name.
pub(crate) const APP_SLUG: &str = "github-actions";

/// A status or check run that must have passed, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequiredCheck {
    pub(crate) context: String,
    /// Only this app's check runs count.
    pub(crate) app: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequiredChecks {
    /// The head must contain the base.
    pub(crate) strict: bool,
    pub(crate) checks: Vec<RequiredCheck>,
}

/// Users and apps that may do something; the twin's world has no teams here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub(crate) users: Vec<String>,
    /// Short names.
    pub(crate) apps: Vec<String>,
}

impl Allowed {
    pub(crate) fn names(&self, login: &str) -> bool {
        self.users.iter().any(|user| fold(user) == fold(login))
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequiredReviews {
    pub(crate) approvals: u64,
    pub(crate) dismiss_stale: bool,
    pub(crate) code_owners: bool,
    /// Somebody else than the last one who pushed must approve.
    pub(crate) last_push: bool,
    /// Who may dismiss reviews; everybody with write access when absent.
    pub(crate) dismissal: Option<Allowed>,
    /// Who need not make a pull request.
    pub(crate) bypass: Option<Allowed>,
}

/// What is demanded, whoever demands it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own on the vendor's page")]
pub(crate) struct Rules {
    pub(crate) checks: Option<RequiredChecks>,
    /// Changes come by pull request, with these reviews.
    pub(crate) reviews: Option<RequiredReviews>,
    pub(crate) conversations: bool,
    pub(crate) linear: bool,
    pub(crate) signatures: bool,
    /// Nobody pushes.
    pub(crate) locked: bool,
    /// Only these push.
    pub(crate) pushers: Option<Allowed>,
    pub(crate) no_force: bool,
    pub(crate) no_deletion: bool,
    pub(crate) no_creation: bool,
    /// The ways to merge that are allowed; all when empty.
    pub(crate) methods: Vec<String>,
}

/// The classic protection of one branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Protection {
    pub(crate) rules: Rules,
    /// Administrators are no exception.
    pub(crate) enforce_admins: bool,
    pub(crate) allow_fork_syncing: bool,
}

/// Who is exempt from a ruleset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bypass {
    pub(crate) actor_id: Option<u64>,
    /// `RepositoryRole`, `OrganizationAdmin`, `User`, `Team`, `Integration` or `DeployKey`.
    pub(crate) actor_type: String,
    /// `always`, `pull_request` or `exempt`.
    pub(crate) mode: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ruleset {
    pub(crate) id: u64,
    pub(crate) name: String,
    /// `branch` or `tag`.
    pub(crate) target: String,
    /// `active`, `evaluate` or `disabled`.
    pub(crate) enforcement: String,
    pub(crate) bypass: Vec<Bypass>,
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
    /// As they were given, `{type, parameters}`.
    pub(crate) listed: Vec<Value>,
    /// What they come to.
    pub(crate) rules: Rules,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

impl Ruleset {
    /// Whether the ruleset is about this ref, given in full.
    pub(crate) fn covers(&self, repo: &Repo, name: &str) -> bool {
        let place = if self.target == "tag" { "refs/tags/" } else { "refs/heads/" };
        let any = |patterns: &[String]| {
            patterns.iter().any(|pattern| match pattern.as_str() {
                "~ALL" => true,
                "~DEFAULT_BRANCH" => name.strip_prefix("refs/heads/") == Some(&repo.default_branch),
                pattern => fits(pattern, name),
            })
        };
        name.starts_with(place) && any(&self.include) && !any(&self.exclude)
    }

    /// How somebody passes by the ruleset: `always`, `pull_requests_only`, `exempt` or `never`.
    pub(crate) fn bypass_of(&self, state: &State, repo: &Repo, login: &str) -> &'static str {
        let held = state.permission(repo, login);
        let is = |bypass: &Bypass| match (bypass.actor_type.as_str(), bypass.actor_id) {
            ("OrganizationAdmin", _) => fold(&repo.owner) == fold(login),
            ("RepositoryRole", Some(5)) => held >= Some(Permission::Admin),
            ("RepositoryRole", Some(2)) => held >= Some(Permission::Maintain),
            ("RepositoryRole", Some(4)) => held >= Some(Permission::Write),
            ("User", Some(id)) => state.user(login).is_some_and(|user| u64::from(user.id()) == id),
            _ => false,
        };
        let modes: Vec<&str> =
            self.bypass.iter().filter(|bypass| is(bypass)).map(|bypass| bypass.mode.as_str()).collect();
        if modes.contains(&"exempt") {
            "exempt"
        } else if modes.contains(&"always") {
            "always"
        } else if modes.contains(&"pull_request") {
            "pull_requests_only"
        } else {
            "never"
        }
    }
}

/// Who demands something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Classic,
    Ruleset,
}

impl State {
    pub(crate) fn protection(&self, repo: RepoId, branch: &str) -> Option<&Protection> {
        self.protections.get(&(repo, branch.to_owned()))
    }

    /// Rulesets of a repository, oldest first.
    pub(crate) fn rulesets_of(&self, repo: RepoId) -> impl DoubleEndedIterator<Item = &Ruleset> {
        self.rulesets.range((repo, 0)..=(repo, u64::MAX)).map(|(_, ruleset)| ruleset)
    }

    /// The rulesets that are in force for a ref, given in full.
    pub(crate) fn active_rulesets<'a>(
        &'a self,
        repo: &'a Repo,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Ruleset> + 'a {
        self.rulesets_of(repo.id).filter(move |ruleset| ruleset.enforcement == "active" && ruleset.covers(repo, name))
    }

    /// Whether anything protects a branch.
    pub(crate) fn is_protected(&self, repo: &Repo, branch: &str) -> bool {
        self.protection(repo.id, branch).is_some()
            || self.active_rulesets(repo, &crate::state::heads(branch)).any(|ruleset| !ruleset.listed.is_empty())
    }

    /// What a ref demands of everybody.
    pub(crate) fn demands(&self, repo: &Repo, name: &str) -> Vec<(Source, Rules)> {
        let classic = name.strip_prefix("refs/heads/").and_then(|branch| self.protection(repo.id, branch));
        let classic = classic.map(|protection| (Source::Classic, protection.rules.clone()));
        let rulesets = self.active_rulesets(repo, name).map(|ruleset| (Source::Ruleset, ruleset.rules.clone()));
        classic.into_iter().chain(rulesets).collect()
    }

    /// What a ref demands of one caller, the exceptions made for them taken out.
    pub(crate) fn demands_of(&self, repo: &Repo, name: &str, login: &str, merging: bool) -> Vec<(Source, Rules)> {
        let mut demands = Vec::new();
        let admin = self.permission(repo, login) >= Some(Permission::Admin);
        if let Some(protection) = name.strip_prefix("refs/heads/").and_then(|branch| self.protection(repo.id, branch)) {
            let mut rules = protection.rules.clone();
            if admin && !protection.enforce_admins {
                // History and existence of a protected branch are safe from administrators, too.
                rules = Rules { no_force: rules.no_force, no_deletion: rules.no_deletion, ..Rules::default() };
            }
            let passes = |reviews: &RequiredReviews| reviews.bypass.as_ref().is_some_and(|them| them.names(login));
            rules.reviews = rules.reviews.filter(|reviews| !passes(reviews));
            demands.push((Source::Classic, rules));
        }
        for ruleset in self.active_rulesets(repo, name) {
            match ruleset.bypass_of(self, repo, login) {
                "always" | "exempt" => {}
                "pull_requests_only" if merging => {}
                _ => demands.push((Source::Ruleset, ruleset.rules.clone())),
            }
        }
        demands
    }

    /// Whether approvals of pull requests into this branch end when something is pushed to their head.
    pub(crate) fn dismisses_stale_reviews(&self, repo: &Repo, branch: &str) -> bool {
        let demands = self.demands(repo, &crate::state::heads(branch));
        demands.iter().any(|(_, rules)| rules.reviews.as_ref().is_some_and(|reviews| reviews.dismiss_stale))
    }
}
