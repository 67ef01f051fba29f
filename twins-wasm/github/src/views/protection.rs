//! Branch protection, whole and in parts, and rulesets.

use pome_twin_kit::ids::hash_id;
use serde_json::{Value, json};

use super::apps::actions_app;
use super::users::{SimpleUser, simple_users};
use super::{Encoded, HTML, Site};
use crate::rules::{APP_SLUG, Allowed, Protection, RequiredCheck, Ruleset};
use crate::state::Repo;

/// The classic protection of one branch, and where it is.
#[derive(Clone, Copy)]
pub(crate) struct ProtectionView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) branch: &'a str,
    pub(crate) protection: &'a Protection,
}

fn flag(enabled: bool) -> Value {
    json!({ "enabled": enabled })
}

fn checks(list: &[RequiredCheck]) -> (Vec<&str>, Vec<Value>) {
    let contexts = list.iter().map(|check| check.context.as_str()).collect();
    let checks = list.iter().map(|check| json!({ "context": check.context, "app_id": check.app })).collect();
    (contexts, checks)
}

impl<'a> ProtectionView<'a> {
    fn url(&self, rest: &str) -> String {
        let (owner, name) = (&self.repo.owner, &self.repo.name);
        let branch = Encoded(self.branch);
        format!("{}/repos/{owner}/{name}/branches/{branch}/protection{rest}", self.site.api)
    }

    /// `branch-protection`, and `protected-branch` as the answer to a change.
    pub(crate) fn whole(&self) -> Value {
        let rules = &self.protection.rules;
        let mut whole = json!({ "url": self.url("") });
        let mut put = |name: &str, part: Option<Value>| {
            if let Some(part) = part {
                whole[name] = part;
            }
        };
        put("required_status_checks", self.status_checks());
        put("restrictions", self.restrictions());
        put("required_pull_request_reviews", self.reviews());
        put("required_signatures", Some(self.signatures()));
        put("enforce_admins", Some(self.admins()));
        put("required_linear_history", Some(flag(rules.linear)));
        put("allow_force_pushes", Some(flag(!rules.no_force)));
        put("allow_deletions", Some(flag(!rules.no_deletion)));
        put("block_creations", Some(flag(rules.no_creation)));
        put("required_conversation_resolution", Some(flag(rules.conversations)));
        put("lock_branch", Some(flag(rules.locked)));
        put("allow_fork_syncing", Some(flag(self.protection.allow_fork_syncing)));
        whole
    }

    /// `status-check-policy`
    pub(crate) fn status_checks(&self) -> Option<Value> {
        let required = self.protection.rules.checks.as_ref()?;
        let (contexts, checks) = checks(&required.checks);
        Some(json!({
            "url": self.url("/required_status_checks"), "strict": required.strict, "contexts": contexts,
            "contexts_url": self.url("/required_status_checks/contexts"), "checks": checks,
        }))
    }

    /// `protected-branch-pull-request-review`
    pub(crate) fn reviews(&self) -> Option<Value> {
        let required = self.protection.rules.reviews.as_ref()?;
        let mut row = json!({
            "url": self.url("/required_pull_request_reviews"),
            "dismiss_stale_reviews": required.dismiss_stale,
            "require_code_owner_reviews": required.code_owners,
            "require_last_push_approval": required.last_push,
            "required_approving_review_count": required.approvals,
        });
        if let Some(them) = &required.dismissal {
            let mut part = self.allowed(them);
            part["url"] = self.url("/dismissal_restrictions").into();
            part["users_url"] = self.url("/dismissal_restrictions/users").into();
            part["teams_url"] = self.url("/dismissal_restrictions/teams").into();
            row["dismissal_restrictions"] = part;
        }
        if let Some(them) = &required.bypass {
            row["bypass_pull_request_allowances"] = self.allowed(them);
        }
        Some(row)
    }

    /// `branch-restriction-policy`
    pub(crate) fn restrictions(&self) -> Option<Value> {
        let them = self.protection.rules.pushers.as_ref()?;
        let mut part = self.allowed(them);
        part["url"] = self.url("/restrictions").into();
        for list in ["users", "teams", "apps"] {
            part[&format!("{list}_url")] = self.url(&format!("/restrictions/{list}")).into();
        }
        Some(part)
    }

    fn allowed(&self, them: &'a Allowed) -> Value {
        json!({ "users": self.users(them), "teams": [], "apps": self.apps(them) })
    }

    pub(crate) fn users(&self, them: &'a Allowed) -> Vec<SimpleUser<'a>> {
        simple_users(self.site, &them.users)
    }

    pub(crate) fn apps(&self, them: &Allowed) -> Vec<Value> {
        them.apps.iter().filter(|slug| *slug == APP_SLUG).map(|_| actions_app(self.site)).collect()
    }

    /// `protected-branch-admin-enforced`
    pub(crate) fn admins(&self) -> Value {
        json!({ "url": self.url("/enforce_admins"), "enabled": self.protection.enforce_admins })
    }

    pub(crate) fn signatures(&self) -> Value {
        json!({ "url": self.url("/required_signatures"), "enabled": self.protection.rules.signatures })
    }
}

/// What a branch says about its protection to everybody who may read it.
pub(crate) fn summary(site: Site<'_>, repo: &Repo, branch: &str) -> Value {
    let protection = site.state.protection(repo.id, branch);
    let required = protection.and_then(|protection| protection.rules.checks.as_ref());
    let level = match (protection, required) {
        (Some(protection), Some(_)) if protection.enforce_admins => "everyone",
        (_, Some(_)) => "non_admins",
        _ => "off",
    };
    let (contexts, checks) = checks(required.map(|required| required.checks.as_slice()).unwrap_or_default());
    json!({
        "enabled": protection.is_some(),
        "required_status_checks": { "enforcement_level": level, "contexts": contexts, "checks": checks },
    })
}

/// `repository-ruleset`; a list leaves out what it is made of.
pub(crate) struct RulesetView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) ruleset: &'a Ruleset,
}

impl RulesetView<'_> {
    pub(crate) fn short(&self) -> Value {
        let Self { site, repo, ruleset } = self;
        let (owner, name, id) = (&repo.owner, &repo.name, ruleset.id);
        json!({
            "id": id,
            "name": ruleset.name,
            "target": ruleset.target,
            "source_type": "Repository",
            "source": repo.full_name(),
            "enforcement": ruleset.enforcement,
            "node_id": format!("RRS_{}", hash_id(&format!("{owner}/{name}/rulesets/{id}"))),
            "_links": {
                "self": { "href": format!("{}/repos/{owner}/{name}/rulesets/{id}", site.api) },
                "html": { "href": format!("{HTML}/{owner}/{name}/rules/{id}") },
            },
            "created_at": ruleset.created_at.to_seconds(),
            "updated_at": ruleset.updated_at.to_seconds(),
        })
    }

    /// Who may write rulesets also sees who passes by this one.
    pub(crate) fn whole(&self, admin: bool) -> Value {
        let Self { site, repo, ruleset } = self;
        let mut row = self.short();
        row["conditions"] = json!({ "ref_name": { "include": ruleset.include, "exclude": ruleset.exclude } });
        row["rules"] = ruleset.listed.clone().into();
        if admin {
            let bypass = |bypass: &crate::rules::Bypass| {
                json!({
                    "actor_id": bypass.actor_id, "actor_type": bypass.actor_type, "bypass_mode": bypass.mode,
                })
            };
            row["bypass_actors"] = ruleset.bypass.iter().map(bypass).collect();
        }
        row["current_user_can_bypass"] = ruleset.bypass_of(site.state, repo, site.viewer).into();
        row
    }
}

/// `repository-rule-detailed`: a rule and the ruleset that it comes from.
pub(crate) fn detailed(repo: &Repo, ruleset: &Ruleset, rule: &Value) -> Value {
    let mut row = rule.clone();
    row["ruleset_source_type"] = "Repository".into();
    row["ruleset_source"] = repo.full_name().into();
    row["ruleset_id"] = ruleset.id.into();
    row
}
