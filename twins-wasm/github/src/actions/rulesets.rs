//! Rulesets of a repository.

use pome_twin_kit::action::{Empty, Json};
use pome_twin_kit::clock::Time;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::rules::{Bypass, RequiredCheck, RequiredChecks, RequiredReviews, Rules, Ruleset};
use crate::state::{Permission, Repo, RepoId, State, heads};
use crate::views::Site;
use crate::views::protection::{RulesetView, detailed};

const RESOURCE: &str = "RepositoryRuleset";

/// The stored row, for the trace and the exported state.
pub(crate) fn row(repo: &Repo, ruleset: &Ruleset) -> Value {
    let bypass = |bypass: &Bypass| json!({ "actor_id": bypass.actor_id, "actor_type": bypass.actor_type, "bypass_mode": bypass.mode });
    json!({
        "repo": repo.full_name(), "id": ruleset.id, "name": ruleset.name, "target": ruleset.target,
        "enforcement": ruleset.enforcement, "include": ruleset.include, "exclude": ruleset.exclude,
        "rules": ruleset.listed, "bypass_actors": ruleset.bypass.iter().map(bypass).collect::<Vec<_>>(),
        "created_at": ruleset.created_at.to_seconds(), "updated_at": ruleset.updated_at.to_seconds(),
    })
}

fn stored(state: &State, key: (RepoId, u64)) -> Option<Value> {
    Some(row(state.repos.get(&key.0)?, state.rulesets.get(&key)?))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Enforcement {
    Disabled,
    Active,
    Evaluate,
}

impl Enforcement {
    const fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Active => "active",
            Self::Evaluate => "evaluate",
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct BypassBody {
    actor_id: Option<u64>,
    actor_type: String,
    bypass_mode: Option<String>,
}

impl BypassBody {
    fn read(self) -> Result<Bypass, Error> {
        let kinds = ["Integration", "OrganizationAdmin", "RepositoryRole", "Team", "DeployKey", "User"];
        if !kinds.contains(&self.actor_type.as_str()) {
            return Err(Error::value(RESOURCE, "bypass_actors.actor_type", "invalid", self.actor_type));
        }
        let mode = self.bypass_mode.unwrap_or_else(|| "always".to_owned());
        if !["always", "pull_request", "exempt"].contains(&mode.as_str()) {
            return Err(Error::value(RESOURCE, "bypass_actors.bypass_mode", "invalid", mode));
        }
        Ok(Bypass { actor_id: self.actor_id, actor_type: self.actor_type, mode })
    }
}

#[derive(Deserialize, Default)]
pub(crate) struct RefNames {
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Conditions {
    ref_name: Option<RefNames>,
}

#[derive(Deserialize)]
struct PullParameters {
    #[serde(default)]
    allowed_merge_methods: Vec<String>,
    dismiss_stale_reviews_on_push: bool,
    require_code_owner_review: bool,
    require_last_push_approval: bool,
    required_approving_review_count: u64,
    required_review_thread_resolution: bool,
}

#[derive(Deserialize)]
struct ContextBody {
    context: String,
    integration_id: Option<u64>,
}

#[derive(Deserialize)]
struct CheckParameters {
    required_status_checks: Vec<ContextBody>,
    strict_required_status_checks_policy: bool,
}

fn parameters<P: serde::de::DeserializeOwned>(rule: &Value, kind: &str) -> Result<P, Error> {
    let given = rule.get("parameters").cloned().unwrap_or_else(|| json!({}));
    serde_json::from_value(given).map_err(|error| {
        let message = format!("Invalid parameters of the rule `{kind}`: {error}");
        Error::validation(vec![json!({
            "resource": RESOURCE, "field": "rules", "code": "custom", "message": message,
        })])
    })
}

/// What a list of rules comes to. A kind of rule that this twin could not hold anybody to is refused aloud.
fn read_rules(listed: &[Value]) -> Result<Rules, Error> {
    let mut rules = Rules::default();
    for rule in listed {
        let kind = rule.get("type").and_then(Value::as_str).unwrap_or_default();
        match kind {
            "creation" => rules.no_creation = true,
            "update" => rules.locked = true,
            "deletion" => rules.no_deletion = true,
            "required_linear_history" => rules.linear = true,
            "required_signatures" => rules.signatures = true,
            "non_fast_forward" => rules.no_force = true,
            "pull_request" => {
                let given: PullParameters = parameters(rule, kind)?;
                rules.methods = given.allowed_merge_methods;
                rules.conversations = given.required_review_thread_resolution;
                rules.reviews = Some(RequiredReviews {
                    approvals: given.required_approving_review_count,
                    dismiss_stale: given.dismiss_stale_reviews_on_push,
                    code_owners: given.require_code_owner_review,
                    last_push: given.require_last_push_approval,
                    dismissal: None,
                    bypass: None,
                });
            }
            "required_status_checks" => {
                let given: CheckParameters = parameters(rule, kind)?;
                let check = |body: ContextBody| RequiredCheck { context: body.context, app: body.integration_id };
                rules.checks = Some(RequiredChecks {
                    strict: given.strict_required_status_checks_policy,
                    checks: given.required_status_checks.into_iter().map(check).collect(),
                });
            }
            "merge_queue"
            | "required_deployments"
            | "commit_message_pattern"
            | "commit_author_email_pattern"
            | "committer_email_pattern"
            | "branch_name_pattern"
            | "tag_name_pattern"
            | "workflows"
            | "code_scanning"
            | "copilot_code_review"
            | "file_path_restriction"
            | "max_file_path_length"
            | "file_extension_restriction"
            | "max_file_size"
            | "license_compliance_scanning" => {
                return Err(Error::unsupported(&format!("the ruleset rule `{kind}`")));
            }
            other => return Err(Error::value(RESOURCE, "rules", "invalid", other)),
        }
    }
    Ok(rules)
}

/// Makes a ruleset.
#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    name: String,
    target: Option<String>,
    enforcement: Enforcement,
    #[serde(default)]
    bypass_actors: Vec<BypassBody>,
    conditions: Option<Conditions>,
    #[serde(default)]
    rules: Vec<Map<String, Value>>,
}

/// A ruleset aims at branches or tags.
fn target(text: Option<String>) -> Result<String, Error> {
    let text = text.unwrap_or_else(|| "branch".to_owned());
    match text.as_str() {
        "branch" | "tag" => Ok(text),
        "push" => Err(Error::unsupported("push rulesets")),
        _ => Err(Error::value(RESOURCE, "target", "invalid", text)),
    }
}

impl Create {
    /// The ruleset that the body means.
    pub(crate) fn ruleset(self, id: u64, now: Time) -> Result<Ruleset, Error> {
        if self.name.trim().is_empty() {
            return Err(Error::field(RESOURCE, "name", "missing_field"));
        }
        let names = self.conditions.and_then(|conditions| conditions.ref_name).unwrap_or_default();
        let listed: Vec<Value> = self.rules.into_iter().map(Value::Object).collect();
        Ok(Ruleset {
            id,
            name: self.name,
            target: target(self.target)?,
            enforcement: self.enforcement.name().to_owned(),
            bypass: self.bypass_actors.into_iter().map(BypassBody::read).collect::<Result<_, _>>()?,
            include: names.include,
            exclude: names.exclude,
            rules: read_rules(&listed)?,
            listed,
            created_at: now,
            updated_at: now,
        })
    }
}

/// One ruleset in full.
pub(crate) struct Shown((RepoId, u64));

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        let rows = (site.state.repos.get(&self.0.0), site.state.rulesets.get(&self.0));
        if let (Some(repo), Some(ruleset)) = rows {
            let admin = cx.permission(repo) >= Some(Permission::Admin);
            reply.write_json(&RulesetView { site, repo, ruleset }.whole(admin));
        }
    }
}

fn administered(cx: &Cx<'_, GitHub>, owner: &str, name: &str) -> Result<Repo, Error> {
    // Who may not write rulesets is told that there is nothing to write to.
    let repo = cx.repo(owner, name)?;
    if cx.permission(repo) < Some(Permission::Admin) {
        return Err(Error::not_found());
    }
    cx.repo_to_write(owner, name, Permission::Admin).cloned()
}

fn refuse_duplicate(state: &State, repo: RepoId, name: &str, but: u64) -> Result<(), Error> {
    if state.rulesets_of(repo).any(|other| other.name == name && other.id != but) {
        return Err(Error::validation(vec![json!("Name must be unique")]));
    }
    Ok(())
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_ruleset";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = administered(cx, &self.owner, &self.repo)?;
        refuse_duplicate(cx.state, repo.id, &self.name, 0)?;
        let id = cx.state.next_ruleset.next();
        let ruleset = self.ruleset(id, cx.now())?;
        let key = (repo.id, id);
        cx.state.rulesets.insert(key, ruleset);
        let after = stored(cx.state, key);
        cx.changed(None, after);
        Ok(Shown(key))
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    ruleset_id: u64,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_ruleset";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let key = (cx.repo(&self.owner, &self.repo)?.id, self.ruleset_id);
        if cx.state.rulesets.contains(&key) { Ok(Shown(key)) } else { Err(Error::not_found()) }
    }
}

/// Changes what is given of a ruleset.
#[derive(Deserialize)]
pub(crate) struct Update {
    owner: String,
    repo: String,
    ruleset_id: u64,
    name: Option<String>,
    target: Option<String>,
    enforcement: Option<Enforcement>,
    bypass_actors: Option<Vec<BypassBody>>,
    conditions: Option<Conditions>,
    rules: Option<Vec<Map<String, Value>>>,
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_ruleset";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = administered(cx, &self.owner, &self.repo)?;
        let key = (repo.id, self.ruleset_id);
        let mut ruleset = cx.state.rulesets.get(&key).cloned().ok_or_else(Error::not_found)?;
        let before = stored(cx.state, key);
        if let Some(name) = self.name {
            if name.trim().is_empty() {
                return Err(Error::field(RESOURCE, "name", "missing_field"));
            }
            refuse_duplicate(cx.state, repo.id, &name, ruleset.id)?;
            ruleset.name = name;
        }
        if self.target.is_some() {
            ruleset.target = target(self.target)?;
        }
        if let Some(enforcement) = self.enforcement {
            enforcement.name().clone_into(&mut ruleset.enforcement);
        }
        if let Some(bypass) = self.bypass_actors {
            ruleset.bypass = bypass.into_iter().map(BypassBody::read).collect::<Result<_, _>>()?;
        }
        if let Some(names) = self.conditions.and_then(|conditions| conditions.ref_name) {
            ruleset.include = names.include;
            ruleset.exclude = names.exclude;
        }
        if let Some(rules) = self.rules {
            ruleset.listed = rules.into_iter().map(Value::Object).collect();
            ruleset.rules = read_rules(&ruleset.listed)?;
        }
        ruleset.updated_at = cx.now();
        cx.state.rulesets.insert(key, ruleset);
        let after = stored(cx.state, key);
        cx.changed(before, after);
        Ok(Shown(key))
    }
}

#[derive(Deserialize)]
pub(crate) struct Delete {
    owner: String,
    repo: String,
    ruleset_id: u64,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_ruleset";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let key = (administered(cx, &self.owner, &self.repo)?.id, self.ruleset_id);
        let before = stored(cx.state, key);
        cx.state.rulesets.remove(&key).ok_or_else(Error::not_found)?;
        cx.changed(before, None);
        Ok(Empty)
    }
}

/// The rulesets of a repository.
#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    targets: Option<String>,
    page: Option<i64>,
    per_page: Option<i64>,
}

pub(crate) struct Listed(Page<(RepoId, u64)>);

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, key| {
            let (repo, ruleset) = (site.state.repos.get(&key.0)?, site.state.rulesets.get(key)?);
            Some(RulesetView { site, repo, ruleset }.short())
        });
    }
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_rulesets";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let targets: Vec<&str> = self.targets.iter().flat_map(|text| text.split(',')).map(str::trim).collect();
        let wanted = |ruleset: &&Ruleset| targets.is_empty() || targets.contains(&ruleset.target.as_str());
        let keys = cx.state.rulesets_of(repo).filter(wanted).map(|ruleset| (repo, ruleset.id));
        Ok(Listed(Page::of(keys, paging(self.page, self.per_page))))
    }
}

/// The rules of active rulesets that a branch must keep, whether it exists or not.
#[derive(Deserialize)]
pub(crate) struct OfBranch {
    owner: String,
    repo: String,
    branch: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for OfBranch {
    const NAME: &'static str = "get_branch_rules";
    type Output = Json<Vec<Value>>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let name = heads(&self.branch);
        let active = cx.state.active_rulesets(repo, &name);
        let rules = active.flat_map(|ruleset| ruleset.listed.iter().map(|rule| detailed(repo, ruleset, rule)));
        Ok(Json(Page::of(rules, paging(self.page, self.per_page)).keys))
    }
}
