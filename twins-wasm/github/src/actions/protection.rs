//! The classic protection of a branch.

use pome_twin_kit::action::Empty;
use pome_twin_kit::input::nullable;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::revision::branch_head;
use crate::rules::{APP_SLUG, Allowed, Protection, RequiredCheck, RequiredChecks, RequiredReviews, Rules};
use crate::state::{Permission, Repo, RepoId, State, UserKind, fold};
use crate::views::Site;
use crate::views::protection::ProtectionView;

type Key = (RepoId, String);

/// The branch, for somebody who may administer the repository. To others protection is not there.
fn branch(cx: &Cx<'_, GitHub>, owner: &str, name: &str, branch: &str) -> Result<(Repo, Key), Error> {
    let repo = cx.repo(owner, name)?;
    if cx.permission(repo) < Some(Permission::Admin) {
        return Err(Error::not_found());
    }
    branch_head(cx, repo, branch)?;
    Ok((repo.clone(), (repo.id, branch.to_owned())))
}

/// The same for a change.
fn branch_to_change(cx: &Cx<'_, GitHub>, owner: &str, name: &str, of: &str) -> Result<(Repo, Key), Error> {
    let found = branch(cx, owner, name, of)?;
    cx.repo_to_write(owner, name, Permission::Admin)?;
    Ok(found)
}

fn protection(state: &State, key: &Key) -> Result<Protection, Error> {
    state.protections.get(key).cloned().ok_or_else(|| Error::new(404, "Branch not protected"))
}

/// The protection in the trace: what the branch demands, in words of the vendor's page.
fn row(state: &State, key: &Key) -> Option<Value> {
    let (repo, protection) = (state.repos.get(&key.0)?, state.protections.get(key)?);
    Some(export(repo, &key.1, protection))
}

/// The stored row.
pub(crate) fn export(repo: &Repo, branch: &str, protection: &Protection) -> Value {
    let rules = &protection.rules;
    let allowed = |them: &Allowed| json!({ "users": them.users, "apps": them.apps });
    json!({
        "repo": repo.full_name(),
        "branch": branch,
        "required_status_checks": rules.checks.as_ref().map(|checks| json!({
            "strict": checks.strict,
            "checks": checks.checks.iter().map(|check| json!({ "context": check.context, "app_id": check.app })).collect::<Vec<_>>(),
        })),
        "required_pull_request_reviews": rules.reviews.as_ref().map(|reviews| json!({
            "required_approving_review_count": reviews.approvals, "dismiss_stale_reviews": reviews.dismiss_stale,
            "require_code_owner_reviews": reviews.code_owners, "require_last_push_approval": reviews.last_push,
            "dismissal_restrictions": reviews.dismissal.as_ref().map(allowed),
            "bypass_pull_request_allowances": reviews.bypass.as_ref().map(allowed),
        })),
        "restrictions": rules.pushers.as_ref().map(allowed),
        "enforce_admins": protection.enforce_admins,
        "required_linear_history": rules.linear,
        "allow_force_pushes": !rules.no_force,
        "allow_deletions": !rules.no_deletion,
        "block_creations": rules.no_creation,
        "required_conversation_resolution": rules.conversations,
        "required_signatures": rules.signatures,
        "lock_branch": rules.locked,
        "allow_fork_syncing": protection.allow_fork_syncing,
    })
}

/// Stores a protection and tells the trace.
fn store(cx: &mut Cx<'_, GitHub>, key: &Key, protection: Option<Protection>) {
    let before = row(cx.state, key);
    match protection {
        Some(protection) => cx.state.protections.insert(key.clone(), protection),
        None => {
            cx.state.protections.remove(key);
        }
    }
    let after = row(cx.state, key);
    cx.changed(before, after);
}

/// Which part of a protection is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    StatusChecks,
    Contexts,
    Reviews,
    Admins,
    Signatures,
    Restrictions,
    Users,
    Teams,
    Apps,
}

impl Part {
    fn of(self, view: &ProtectionView<'_>) -> Result<Value, Error> {
        let missing = |what: &str| Error::new(404, format!("{what} not enabled"));
        let rules = &view.protection.rules;
        let pushers = || rules.pushers.as_ref().ok_or_else(|| missing("Push restrictions"));
        Ok(match self {
            Self::Whole => view.whole(),
            Self::StatusChecks => view.status_checks().ok_or_else(|| missing("Required status checks"))?,
            Self::Contexts => {
                let required = rules.checks.as_ref().ok_or_else(|| missing("Required status checks"))?;
                required.checks.iter().map(|check| check.context.as_str()).collect()
            }
            Self::Reviews => view.reviews().ok_or_else(|| missing("Required pull request reviews"))?,
            Self::Admins => view.admins(),
            Self::Signatures => view.signatures(),
            Self::Restrictions => view.restrictions().ok_or_else(|| missing("Push restrictions"))?,
            Self::Users => json!(view.users(pushers()?)),
            Self::Teams => pushers().map(|_| json!([]))?,
            Self::Apps => json!(view.apps(pushers()?)),
        })
    }
}

/// A part of a protection, read when it is written.
pub(crate) struct Shown {
    key: Key,
    part: Part,
}

impl Shown {
    /// The part must be there.
    fn of(cx: &Cx<'_, GitHub>, key: Key, part: Part) -> Result<Self, Error> {
        let shown = Self { key, part };
        shown.value(cx)?;
        Ok(shown)
    }

    fn value(&self, cx: &Cx<'_, GitHub>) -> Result<Value, Error> {
        let site = Site::of(cx);
        let repo = site.state.repos.get(&self.key.0).ok_or_else(Error::not_found)?;
        let protection = &protection(cx.state, &self.key)?;
        self.part.of(&ProtectionView { site, repo, branch: &self.key.1, protection })
    }
}

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Ok(value) = self.value(cx) {
            reply.write_json(&value);
        }
    }
}

/// A row that shows one part.
pub(crate) trait Reading {
    const NAME: &'static str;
    const PART: Part;
}

/// Shows one part of a branch's protection.
#[derive(Deserialize)]
pub(crate) struct Get<R> {
    owner: String,
    repo: String,
    branch: String,
    #[serde(skip)]
    part: std::marker::PhantomData<R>,
}

impl<R: Reading> Action<GitHub> for Get<R> {
    const NAME: &'static str = R::NAME;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let (_, key) = branch(cx, &self.owner, &self.repo, &self.branch)?;
        Shown::of(cx, key, R::PART)
    }
}

/// The rows that read, one type each.
pub(crate) mod reading {
    use super::{Part, Reading};

    macro_rules! readings {
        ($($row:ident $part:ident $name:literal)*) => { $(
            pub(crate) struct $row;
            impl Reading for $row {
                const NAME: &'static str = $name;
                const PART: Part = Part::$part;
            }
        )* };
    }

    readings! {
        Whole Whole "get_branch_protection"
        StatusChecks StatusChecks "get_status_checks_protection"
        Contexts Contexts "list_status_check_contexts"
        Reviews Reviews "get_review_protection"
        Admins Admins "get_admin_protection"
        Signatures Signatures "get_signature_protection"
        Restrictions Restrictions "get_access_restrictions"
        Users Users "list_users_with_access"
        Teams Teams "list_teams_with_access"
        Apps Apps "list_apps_with_access"
    }
}

#[derive(Deserialize)]
pub(crate) struct CheckBody {
    context: String,
    app_id: Option<i64>,
}

#[derive(Deserialize)]
pub(crate) struct ChecksBody {
    strict: Option<bool>,
    contexts: Option<Vec<String>>,
    checks: Option<Vec<CheckBody>>,
}

/// `checks` win over `contexts`; -1 means any app.
fn required_checks(contexts: Option<Vec<String>>, checks: Option<Vec<CheckBody>>) -> Option<Vec<RequiredCheck>> {
    let mut list: Vec<RequiredCheck> = match (checks, contexts) {
        (None, None) => return None,
        (Some(checks), _) => checks
            .into_iter()
            .map(|check| RequiredCheck {
                context: check.context,
                app: check.app_id.and_then(|id| u64::try_from(id).ok()),
            })
            .collect(),
        (None, Some(contexts)) => contexts.into_iter().map(|context| RequiredCheck { context, app: None }).collect(),
    };
    let mut seen = Vec::new();
    list.retain(|check| {
        let new = !seen.contains(&check.context);
        seen.push(check.context.clone());
        new
    });
    Some(list)
}

#[derive(Deserialize)]
pub(crate) struct AllowedBody {
    #[serde(default)]
    users: Vec<String>,
    #[serde(default)]
    teams: Vec<String>,
    #[serde(default)]
    apps: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct ReviewsBody {
    dismissal_restrictions: Option<AllowedBody>,
    dismiss_stale_reviews: Option<bool>,
    require_code_owner_reviews: Option<bool>,
    required_approving_review_count: Option<u64>,
    require_last_push_approval: Option<bool>,
    bypass_pull_request_allowances: Option<AllowedBody>,
}

impl ReviewsBody {
    /// What is not said stays as it was.
    fn apply(self, state: &State, repo: &Repo, old: Option<RequiredReviews>) -> Result<RequiredReviews, Error> {
        let mut new = old.unwrap_or_else(|| RequiredReviews { approvals: 1, ..RequiredReviews::default() });
        if let Some(count) = self.required_approving_review_count {
            if count > 6 {
                return Err(Error::unprocessable(
                    "Invalid request.\n\nrequired_approving_review_count must be less than or equal to 6.",
                ));
            }
            new.approvals = count;
        }
        new.dismiss_stale = self.dismiss_stale_reviews.unwrap_or(new.dismiss_stale);
        new.code_owners = self.require_code_owner_reviews.unwrap_or(new.code_owners);
        new.last_push = self.require_last_push_approval.unwrap_or(new.last_push);
        if let Some(them) = self.dismissal_restrictions {
            // An empty object switches the restriction off.
            let them = allowed(state, repo, them)?;
            new.dismissal = Some(them).filter(|them| !them.users.is_empty() || !them.apps.is_empty());
        }
        if let Some(them) = self.bypass_pull_request_allowances {
            let them = allowed(state, repo, them)?;
            new.bypass = Some(them).filter(|them| !them.users.is_empty() || !them.apps.is_empty());
        }
        Ok(new)
    }
}

/// Users without push access are dropped without a word, as the vendor does; teams and other apps do not exist here.
fn allowed(state: &State, repo: &Repo, body: AllowedBody) -> Result<Allowed, Error> {
    if state.user(&repo.owner).is_none_or(|owner| owner.kind != UserKind::Organization) {
        return Err(Error::validation(vec![json!(
            "Only organization repositories can have users and team restrictions"
        )]));
    }
    if let Some(team) = body.teams.first() {
        return Err(Error::value("ProtectedBranch", "teams", "invalid", team.as_str()));
    }
    if let Some(app) = body.apps.iter().find(|app| *app != APP_SLUG) {
        return Err(Error::value("ProtectedBranch", "apps", "invalid", app.as_str()));
    }
    let mut users: Vec<String> = Vec::new();
    for login in body.users {
        let Some(user) = state.user(&login) else { continue };
        let known = users.iter().any(|other| fold(other) == fold(&login));
        if !known && state.permission(repo, &login) >= Some(Permission::Write) {
            users.push(user.login.clone());
        }
    }
    Ok(Allowed { users, apps: body.apps })
}

/// Protects a branch, replacing what protected it.
#[derive(Deserialize)]
pub(crate) struct Set {
    owner: String,
    repo: String,
    branch: String,
    #[serde(default, deserialize_with = "nullable")]
    required_status_checks: Option<Option<ChecksBody>>,
    #[serde(default, deserialize_with = "nullable")]
    enforce_admins: Option<Option<bool>>,
    #[serde(default, deserialize_with = "nullable")]
    required_pull_request_reviews: Option<Option<ReviewsBody>>,
    #[serde(default, deserialize_with = "nullable")]
    restrictions: Option<Option<AllowedBody>>,
    required_linear_history: Option<bool>,
    allow_force_pushes: Option<bool>,
    allow_deletions: Option<bool>,
    block_creations: Option<bool>,
    required_conversation_resolution: Option<bool>,
    lock_branch: Option<bool>,
    allow_fork_syncing: Option<bool>,
}

impl Set {
    /// What the body means. Signatures have a route of their own and stay.
    pub(crate) fn protection(self, state: &State, repo: &Repo, signatures: bool) -> Result<Protection, Error> {
        let checks = self.required_status_checks.flatten().map(|body| RequiredChecks {
            strict: body.strict.unwrap_or(false),
            checks: required_checks(body.contexts, body.checks).unwrap_or_default(),
        });
        let reviews = self.required_pull_request_reviews.flatten();
        let reviews = reviews.map(|body| body.apply(state, repo, None)).transpose()?;
        let pushers = self.restrictions.flatten().map(|body| allowed(state, repo, body)).transpose()?;
        let rules = Rules {
            checks,
            reviews,
            conversations: self.required_conversation_resolution.unwrap_or(false),
            linear: self.required_linear_history.unwrap_or(false),
            signatures,
            locked: self.lock_branch.unwrap_or(false),
            pushers,
            no_force: !self.allow_force_pushes.unwrap_or(false),
            no_deletion: !self.allow_deletions.unwrap_or(false),
            no_creation: self.block_creations.unwrap_or(false),
            methods: Vec::new(),
        };
        Ok(Protection {
            rules,
            enforce_admins: self.enforce_admins.flatten().unwrap_or(false),
            allow_fork_syncing: self.allow_fork_syncing.unwrap_or(false),
        })
    }
}

impl Action<GitHub> for Set {
    const NAME: &'static str = "update_branch_protection";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let (repo, key) = branch_to_change(cx, &self.owner, &self.repo, &self.branch)?;
        for (given, name) in [
            (self.required_status_checks.is_some(), "required_status_checks"),
            (self.enforce_admins.is_some(), "enforce_admins"),
            (self.required_pull_request_reviews.is_some(), "required_pull_request_reviews"),
            (self.restrictions.is_some(), "restrictions"),
        ] {
            if !given {
                return Err(Error::not_supplied(name));
            }
        }
        let signatures = cx.state.protections.get(&key).is_some_and(|old| old.rules.signatures);
        let protection = self.protection(cx.state, &repo, signatures)?;
        store(cx, &key, Some(protection));
        Shown::of(cx, key, Part::Whole)
    }
}

/// Changes the reviews that a protected branch asks for.
#[derive(Deserialize)]
pub(crate) struct UpdateReviews {
    owner: String,
    repo: String,
    branch: String,
    dismissal_restrictions: Option<AllowedBody>,
    dismiss_stale_reviews: Option<bool>,
    require_code_owner_reviews: Option<bool>,
    required_approving_review_count: Option<u64>,
    require_last_push_approval: Option<bool>,
    bypass_pull_request_allowances: Option<AllowedBody>,
}

impl Action<GitHub> for UpdateReviews {
    const NAME: &'static str = "update_review_protection";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let (repo, key) = branch_to_change(cx, &self.owner, &self.repo, &self.branch)?;
        let mut protection = protection(cx.state, &key)?;
        let body = ReviewsBody {
            dismissal_restrictions: self.dismissal_restrictions,
            dismiss_stale_reviews: self.dismiss_stale_reviews,
            require_code_owner_reviews: self.require_code_owner_reviews,
            required_approving_review_count: self.required_approving_review_count,
            require_last_push_approval: self.require_last_push_approval,
            bypass_pull_request_allowances: self.bypass_pull_request_allowances,
        };
        protection.rules.reviews = Some(body.apply(cx.state, &repo, protection.rules.reviews.take())?);
        store(cx, &key, Some(protection));
        Shown::of(cx, key, Part::Reviews)
    }
}

/// Changes the checks that a protected branch asks for.
#[derive(Deserialize)]
pub(crate) struct UpdateChecks {
    owner: String,
    repo: String,
    branch: String,
    strict: Option<bool>,
    contexts: Option<Vec<String>>,
    checks: Option<Vec<CheckBody>>,
}

impl Action<GitHub> for UpdateChecks {
    const NAME: &'static str = "update_status_check_protection";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let (_, key) = branch_to_change(cx, &self.owner, &self.repo, &self.branch)?;
        let mut protection = protection(cx.state, &key)?;
        let missing = || Error::new(404, "Required status checks not enabled");
        let required = protection.rules.checks.as_mut().ok_or_else(missing)?;
        required.strict = self.strict.unwrap_or(required.strict);
        if let Some(checks) = required_checks(self.contexts, self.checks) {
            required.checks = checks;
        }
        store(cx, &key, Some(protection));
        Shown::of(cx, key, Part::StatusChecks)
    }
}

/// Which list of a protection is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Contexts,
    Users,
    Teams,
    Apps,
}

/// What happens to the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Add,
    Replace,
    Remove,
}

/// A row that edits a list.
pub(crate) trait Editing {
    const NAME: &'static str;
    const LIST: List;
    const WAY: Way;
}

/// Edits the contexts or the people of a protection.
#[derive(Deserialize)]
pub(crate) struct Edit<E> {
    owner: String,
    repo: String,
    branch: String,
    contexts: Option<Vec<String>>,
    users: Option<Vec<String>>,
    teams: Option<Vec<String>>,
    apps: Option<Vec<String>>,
    #[serde(skip)]
    row: std::marker::PhantomData<E>,
}

impl Way {
    fn apply(self, old: &[String], given: Vec<String>) -> Vec<String> {
        match self {
            Self::Replace => given,
            Self::Add => {
                let new = given.into_iter().filter(|name| !old.contains(name));
                old.iter().cloned().chain(new).collect()
            }
            Self::Remove => old.iter().filter(|name| !given.contains(name)).cloned().collect(),
        }
    }
}

impl<E: Editing> Action<GitHub> for Edit<E> {
    const NAME: &'static str = E::NAME;
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let (repo, key) = branch_to_change(cx, &self.owner, &self.repo, &self.branch)?;
        let mut protection = protection(cx.state, &key)?;
        let (given, part) = match E::LIST {
            List::Contexts => (self.contexts.ok_or_else(|| Error::not_supplied("contexts"))?, Part::Contexts),
            List::Users => (self.users.ok_or_else(|| Error::not_supplied("users"))?, Part::Users),
            List::Teams => (self.teams.ok_or_else(|| Error::not_supplied("teams"))?, Part::Teams),
            List::Apps => (self.apps.ok_or_else(|| Error::not_supplied("apps"))?, Part::Apps),
        };
        if E::LIST == List::Contexts {
            let missing = || Error::new(404, "Required status checks not enabled");
            let required = protection.rules.checks.as_mut().ok_or_else(missing)?;
            let old: Vec<String> = required.checks.iter().map(|check| check.context.clone()).collect();
            let apps = std::mem::take(&mut required.checks);
            let app = |context: &str| apps.iter().find(|check| check.context == context).and_then(|check| check.app);
            let names = E::WAY.apply(&old, given);
            required.checks = names.into_iter().map(|context| RequiredCheck { app: app(&context), context }).collect();
        } else {
            let missing = || Error::new(404, "Push restrictions not enabled");
            let old = protection.rules.pushers.take().ok_or_else(missing)?;
            let mut body = AllowedBody { users: old.users, teams: Vec::new(), apps: old.apps };
            match E::LIST {
                List::Users => body.users = E::WAY.apply(&body.users, given),
                List::Apps => body.apps = E::WAY.apply(&body.apps, given),
                List::Teams | List::Contexts => body.teams = E::WAY.apply(&body.teams, given),
            }
            protection.rules.pushers = Some(allowed(cx.state, &repo, body)?);
        }
        store(cx, &key, Some(protection));
        Shown::of(cx, key, part)
    }
}

/// The rows that edit lists, one type each.
pub(crate) mod editing {
    use super::{Editing, List, Way};

    macro_rules! edits {
        ($($row:ident $list:ident $way:ident $name:literal)*) => { $(
            pub(crate) struct $row;
            impl Editing for $row {
                const NAME: &'static str = $name;
                const LIST: List = List::$list;
                const WAY: Way = Way::$way;
            }
        )* };
    }

    edits! {
        AddContexts Contexts Add "add_status_check_contexts"
        SetContexts Contexts Replace "set_status_check_contexts"
        RemoveContexts Contexts Remove "remove_status_check_contexts"
        AddUsers Users Add "add_user_access_restrictions"
        SetUsers Users Replace "set_user_access_restrictions"
        RemoveUsers Users Remove "remove_user_access_restrictions"
        AddTeams Teams Add "add_team_access_restrictions"
        SetTeams Teams Replace "set_team_access_restrictions"
        RemoveTeams Teams Remove "remove_team_access_restrictions"
        AddApps Apps Add "add_app_access_restrictions"
        SetApps Apps Replace "set_app_access_restrictions"
        RemoveApps Apps Remove "remove_app_access_restrictions"
    }
}

/// A row that switches a part on.
pub(crate) trait Switching {
    const NAME: &'static str;
    const PART: Part;
    fn on(protection: &mut Protection);
}

/// Administrators are no exception any more.
pub(crate) struct EnforceAdmins;
/// Commits must be signed.
pub(crate) struct RequireSignatures;

impl Switching for EnforceAdmins {
    const NAME: &'static str = "set_admin_protection";
    const PART: Part = Part::Admins;
    fn on(protection: &mut Protection) {
        protection.enforce_admins = true;
    }
}

impl Switching for RequireSignatures {
    const NAME: &'static str = "create_signature_protection";
    const PART: Part = Part::Signatures;
    fn on(protection: &mut Protection) {
        protection.rules.signatures = true;
    }
}

/// Switches a part of a protection on.
#[derive(Deserialize)]
pub(crate) struct SwitchOn<S> {
    owner: String,
    repo: String,
    branch: String,
    #[serde(skip)]
    row: std::marker::PhantomData<S>,
}

impl<S: Switching> Action<GitHub> for SwitchOn<S> {
    const NAME: &'static str = S::NAME;
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let (_, key) = branch_to_change(cx, &self.owner, &self.repo, &self.branch)?;
        let mut protection = protection(cx.state, &key)?;
        S::on(&mut protection);
        store(cx, &key, Some(protection));
        Shown::of(cx, key, S::PART)
    }
}

/// A row that takes a part away.
pub(crate) trait Removing {
    const NAME: &'static str;
    const PART: Part;
}

/// Takes a protection or a part of it away.
#[derive(Deserialize)]
pub(crate) struct Remove<R> {
    owner: String,
    repo: String,
    branch: String,
    #[serde(skip)]
    part: std::marker::PhantomData<R>,
}

impl<R: Removing> Action<GitHub> for Remove<R> {
    const NAME: &'static str = R::NAME;
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let (_, key) = branch_to_change(cx, &self.owner, &self.repo, &self.branch)?;
        let mut left = protection(cx.state, &key)?;
        // What is not there cannot be taken away.
        Shown::of(cx, key.clone(), R::PART)?;
        let left = match R::PART {
            Part::Whole => None,
            part => {
                match part {
                    Part::StatusChecks => left.rules.checks = None,
                    Part::Reviews => left.rules.reviews = None,
                    Part::Restrictions => left.rules.pushers = None,
                    Part::Admins => left.enforce_admins = false,
                    Part::Signatures => left.rules.signatures = false,
                    Part::Whole | Part::Contexts | Part::Users | Part::Teams | Part::Apps => {}
                }
                Some(left)
            }
        };
        store(cx, &key, left);
        Ok(Empty)
    }
}

/// The rows that take parts away, one type each.
pub(crate) mod removing {
    use super::{Part, Removing};

    macro_rules! removals {
        ($($row:ident $part:ident $name:literal)*) => { $(
            pub(crate) struct $row;
            impl Removing for $row {
                const NAME: &'static str = $name;
                const PART: Part = Part::$part;
            }
        )* };
    }

    removals! {
        Whole Whole "delete_branch_protection"
        StatusChecks StatusChecks "remove_status_check_protection"
        Reviews Reviews "delete_review_protection"
        Restrictions Restrictions "delete_access_restrictions"
        Admins Admins "delete_admin_protection"
        Signatures Signatures "delete_signature_protection"
    }
}
