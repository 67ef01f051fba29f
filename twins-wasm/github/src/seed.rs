//! From a seed document to a world. The structs are the documented schema; unknown keys are ignored.
//!
//! Everything is built through the same tables as the actions use, in a fixed order, at the session's start time. A document
//! that does not fit is refused as a whole and names the place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

mod accounts;
mod activity;
mod events;
mod protection;
mod relations;
mod workflows;

use pome_twin_kit::Cx;
use pome_twin_kit::clock::Time;
use pome_twin_kit::describe::NamedSeed;
use pome_twin_kit::input::{self, InputError, Problem};
use serde::Deserialize;
use serde_json::{Value, json};

use accounts::SeedOrganization;

use crate::GitHub;
use crate::accounts::Profile;
use crate::actions::assets::{digest, file_name};
use crate::actions::check_suites::{AnnotationBody, annotate};
use crate::activity::Asset;
use crate::error::Error;
use crate::git::{Commit, Edit, Mode, Objects, Oid, Signature, paths};
use crate::merge_words::MergeWords;
use crate::rate::Resource;
use crate::state::{
    CheckRun, Collaborator, Comment, DEFAULT_LOGIN, GitRef, Issue, Label, Milestone, Permission, Pull, Release, Repo,
    RepoId, Review, ReviewComment, ReviewState, Side, State, Status, User, UserKind, fold, heads,
};

pub(crate) const SEEDS: &[NamedSeed] = &[
    NamedSeed {
        name: "default",
        summary: "acme/api with three labels, two files and one open issue",
        json: include_str!("../fixtures/seeds/default.json"),
    },
    NamedSeed {
        name: "empty",
        summary: "one empty repository acme/api",
        json: include_str!("../fixtures/seeds/empty.json"),
    },
];

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    users: Vec<SeedUser>,
    repositories: Vec<SeedRepo>,
    #[serde(default)]
    organizations: Vec<SeedOrganization>,
    #[serde(default)]
    gists: Vec<activity::SeedGist>,
    #[serde(default)]
    notifications: Vec<activity::SeedNotification>,
    /// Limits other than the vendor's, by resource: `{"core": 100}`.
    #[serde(default)]
    rate_limits: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct SeedUser {
    login: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    company: Option<String>,
    #[serde(default)]
    location: Option<String>,
    #[serde(default)]
    bio: Option<String>,
    #[serde(default)]
    blog: Option<String>,
    /// Logins.
    #[serde(default)]
    following: Vec<String>,
}

#[derive(Deserialize)]
struct SeedRepo {
    owner: String,
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    homepage: Option<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    topics: Vec<String>,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    default_branch: Option<String>,
    #[serde(default)]
    has_issues: Option<bool>,
    #[serde(default)]
    allow_merge_commit: Option<bool>,
    #[serde(default)]
    allow_squash_merge: Option<bool>,
    #[serde(default)]
    allow_rebase_merge: Option<bool>,
    #[serde(default)]
    delete_branch_on_merge: bool,
    #[serde(default)]
    require_green_status: Option<bool>,
    #[serde(default)]
    collaborators: Vec<SeedCollaborator>,
    #[serde(default)]
    stargazers: Vec<activity::SeedPerson>,
    #[serde(default)]
    watchers: Vec<activity::SeedPerson>,
    #[serde(default)]
    webhooks: Vec<activity::SeedHook>,
    #[serde(default)]
    deploy_keys: Vec<activity::SeedKey>,
    #[serde(default)]
    commit_comments: Vec<activity::SeedCommitComment>,
    #[serde(default)]
    labels: Vec<SeedLabel>,
    #[serde(default)]
    files: Vec<SeedFile>,
    #[serde(default)]
    milestones: Vec<SeedMilestone>,
    #[serde(default)]
    tags: Vec<SeedTag>,
    #[serde(default)]
    releases: Vec<SeedRelease>,
    #[serde(default)]
    issues: Vec<SeedIssue>,
    #[serde(default)]
    pull_requests: Vec<SeedPull>,
    #[serde(default)]
    branch_protection: Vec<serde_json::Map<String, Value>>,
    #[serde(default)]
    rulesets: Vec<serde_json::Map<String, Value>>,
    #[serde(default)]
    workflow_runs: Vec<workflows::SeedRun>,
    #[serde(default)]
    workflow_outcomes: BTreeMap<String, String>,
}

/// A login, or a login with its permission.
struct SeedCollaborator {
    login: String,
    permission: Option<String>,
}

impl<'de> Deserialize<'de> for SeedCollaborator {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        match Value::deserialize(from)? {
            Value::String(login) => Ok(Self { login, permission: None }),
            Value::Object(mut members) => {
                let mut text = |name: &str| match members.remove(name) {
                    Some(Value::String(text)) => Ok(Some(text)),
                    None | Some(Value::Null) => Ok(None),
                    Some(_) => Err(D::Error::custom(format!("`{name}` must be a string"))),
                };
                let permission = text("permission")?;
                let login = text("login")?.ok_or_else(|| D::Error::custom("`login` is missing"))?;
                Ok(Self { login, permission })
            }
            _ => Err(D::Error::custom("expected a login, or an object with `login` and `permission`")),
        }
    }
}

#[derive(Deserialize)]
struct SeedLabel {
    name: String,
    #[serde(default)]
    color: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

#[derive(Deserialize)]
struct SeedFile {
    path: String,
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    branch: Option<String>,
    #[serde(default)]
    renamed_from: Option<String>,
}

#[derive(Deserialize)]
struct SeedMilestone {
    #[serde(default)]
    number: Option<u64>,
    title: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    due_on: Option<String>,
}

#[derive(Deserialize)]
struct SeedTag {
    name: String,
    #[serde(default)]
    target: Option<String>,
}

#[derive(Deserialize)]
struct SeedRelease {
    tag_name: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    target_commitish: Option<String>,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    prerelease: bool,
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    assets: Vec<SeedAsset>,
}

/// A file of a release, as text.
#[derive(Deserialize)]
struct SeedAsset {
    name: String,
    content: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    content_type: Option<String>,
}

#[derive(Deserialize)]
struct SeedComment {
    body: String,
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    created_at: Option<String>,
}

#[derive(Deserialize)]
struct SeedIssue {
    #[serde(default)]
    number: Option<u64>,
    title: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    state_reason: Option<String>,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    assignees: Vec<String>,
    /// Older seeds name one assignee.
    #[serde(default)]
    assignee: Option<String>,
    #[serde(default)]
    milestone: Option<u64>,
    #[serde(default)]
    locked: bool,
    #[serde(default)]
    sub_issues: Vec<u64>,
    #[serde(default)]
    blocked_by: Vec<u64>,
    #[serde(default)]
    comments: Vec<SeedComment>,
    #[serde(default)]
    events: Vec<events::SeedEvent>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    closed_at: Option<String>,
}

#[derive(Deserialize)]
struct SeedPull {
    #[serde(default)]
    number: Option<u64>,
    title: String,
    #[serde(default)]
    body: Option<String>,
    head: String,
    #[serde(default)]
    base: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    assignees: Vec<String>,
    #[serde(default)]
    requested_reviewers: Vec<String>,
    /// Slugs of teams of the owner.
    #[serde(default)]
    requested_teams: Vec<String>,
    #[serde(default)]
    reviews: Vec<SeedReview>,
    #[serde(default)]
    statuses: Vec<SeedStatus>,
    #[serde(default)]
    check_runs: Vec<SeedCheckRun>,
    #[serde(default)]
    comments: Vec<SeedComment>,
    #[serde(default)]
    events: Vec<events::SeedEvent>,
    #[serde(default)]
    review_comments: Vec<SeedReviewComment>,
    #[serde(default)]
    created_at: Option<String>,
}

#[derive(Deserialize)]
struct SeedReview {
    author: String,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    body: Option<String>,
}

#[derive(Deserialize)]
struct SeedStatus {
    #[serde(default)]
    context: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    target_url: Option<String>,
}

#[derive(Deserialize)]
struct SeedCheckRun {
    name: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    conclusion: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    annotations: Vec<AnnotationBody>,
}

#[derive(Deserialize)]
struct SeedReviewComment {
    body: String,
    path: String,
    #[serde(default)]
    line: Option<u64>,
    #[serde(default)]
    side: Option<String>,
    #[serde(default)]
    author: Option<String>,
}

/// Builds the world. The answer and the delta are those of `POST /admin/seed`.
pub(crate) fn apply(document: Value, cx: &mut Cx<'_, GitHub>) -> Result<Value, Error> {
    let document: Document = input::decode_document(document).map_err(refuse)?;
    if document.repositories.is_empty() {
        return Err(invalid("repositories", "too_small", "must hold at least one repository"));
    }
    let now = cx.now();
    let state = &mut *cx.state;
    for user in document.users {
        add_user(state, user, now)?;
    }
    for (name, limit) in document.rate_limits {
        let resource = Resource::parse(&name).ok_or_else(|| {
            invalid(&format!("rate_limits.{name}"), "invalid_value", "is none of core, search, code_search, graphql")
        })?;
        state.meter.limit(resource, limit);
    }
    state.ensure_user(DEFAULT_LOGIN, now);
    let grants = accounts::organizations(state, document.organizations, now)?;
    let mut names = Vec::new();
    for (at, repo) in document.repositories.into_iter().enumerate() {
        names.push(json!({ "owner": repo.owner, "name": repo.name }));
        Builder::start(state, &format!("repositories.{at}"), &repo, now)?.fill(repo)?;
    }
    accounts::grant(state, grants)?;
    activity::gists(state, document.gists, now)?;
    activity::notifications(state, document.notifications, now)?;
    let count = names.len();
    let repositories = json!({ "repositories": names });
    cx.changed(Some(json!({ "repositories": [] })), Some(repositories));
    Ok(json!({ "ok": true, "repositories": count }))
}

/// A schema error in the words of the seed route.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` asks for")]
fn refuse(error: InputError) -> Error {
    let (code, message) = match &error.problem {
        Problem::Missing => ("invalid_type", "is required".to_owned()),
        Problem::Type(expected) => ("invalid_type", format!("expected {expected}")),
        Problem::Value(reason) => ("invalid_value", reason.clone()),
        Problem::Undeclared => ("invalid_value", "is not known".to_owned()),
    };
    invalid(&error.field(), code, &message)
}

/// 422 that names the place, both as a dotted path and as a JSON pointer.
pub(crate) fn invalid(field: &str, code: &str, message: &str) -> Error {
    let pointer = format!("/{}", field.replace('.', "/"));
    let row = json!({ "resource": "Request", "field": field, "code": code, "message": message, "pointer": pointer });
    Error::validation(vec![row]).generic()
}

fn time_or(text: Option<&str>, field: &str, otherwise: Time) -> Result<Time, Error> {
    match text {
        None => Ok(otherwise),
        Some(text) => Time::parse(text).ok_or_else(|| invalid(field, "invalid_value", "is not an ISO 8601 time")),
    }
}

fn is_open(state: Option<&str>, field: &str) -> Result<bool, Error> {
    match state {
        None | Some("open") => Ok(true),
        Some("closed") => Ok(false),
        Some(_) => Err(invalid(field, "invalid_value", "is neither `open` nor `closed`")),
    }
}

fn add_user(state: &mut State, user: SeedUser, now: Time) -> Result<(), Error> {
    if user.login.is_empty() {
        return Err(invalid("users.login", "too_small", "must not be empty"));
    }
    let kind = match user.kind.as_deref() {
        None | Some("User") => UserKind::User,
        Some("Organization") => UserKind::Organization,
        Some(_) => return Err(invalid("users.type", "invalid_value", "is neither `User` nor `Organization`")),
    };
    let name = user.name.filter(|name| !name.is_empty()).unwrap_or_else(|| user.login.clone());
    let profile = Profile {
        company: user.company,
        location: user.location,
        bio: user.bio,
        blog: user.blog,
        ..Profile::default()
    };
    state.accounts.profiles.insert(fold(&user.login), profile);
    for login in &user.following {
        state.accounts.follows.insert((fold(&user.login), fold(login)), ());
    }
    let row = User { login: user.login.clone(), kind, name, email: user.email, created_at: now };
    state.users.insert(fold(&user.login), row);
    Ok(())
}

/// One repository under construction.
struct Builder<'a> {
    state: &'a mut State,
    /// `repositories.0`
    place: String,
    id: RepoId,
    default_branch: String,
    now: Time,
}

impl<'a> Builder<'a> {
    fn start(state: &'a mut State, place: &str, repo: &SeedRepo, now: Time) -> Result<Self, Error> {
        for (field, text) in [("owner", &repo.owner), ("name", &repo.name)] {
            if text.trim().is_empty() {
                return Err(invalid(&format!("{place}.{field}"), "too_small", "must not be empty"));
            }
        }
        let default_branch =
            repo.default_branch.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| "main".to_owned());
        let key = (fold(&repo.owner), fold(&repo.name));
        if state.repo_names.contains(&key) {
            return Err(invalid(
                &format!("{place}.name"),
                "already_exists",
                "another repository has this owner and name",
            ));
        }
        if !state.users.contains(&key.0) {
            let login = repo.owner.clone();
            let owner = User { name: login.clone(), login, kind: UserKind::Organization, email: None, created_at: now };
            state.users.insert(key.0.clone(), owner);
        }
        let id = state.next_repo.next();
        state.repo_names.insert(key, id);
        let row = Repo {
            id,
            owner: repo.owner.clone(),
            name: repo.name.clone(),
            description: repo.description.clone(),
            homepage: repo.homepage.clone(),
            language: repo.language.clone(),
            topics: repo.topics.clone(),
            private: repo.private,
            default_branch: default_branch.clone(),
            parent: None,
            archived: repo.archived,
            has_issues: repo.has_issues.unwrap_or(true),
            has_projects: true,
            has_wiki: true,
            has_discussions: false,
            is_template: false,
            allow_merge_commit: repo.allow_merge_commit.unwrap_or(true),
            allow_squash_merge: repo.allow_squash_merge.unwrap_or(true),
            allow_rebase_merge: repo.allow_rebase_merge.unwrap_or(true),
            allow_auto_merge: false,
            allow_update_branch: false,
            allow_forking: true,
            has_downloads: true,
            safeguards: BTreeSet::new(),
            web_commit_signoff_required: false,
            merge_words: MergeWords::default(),
            delete_branch_on_merge: repo.delete_branch_on_merge,
            require_green_status: repo.require_green_status.unwrap_or(true),
            last_number: 0,
            created_at: now,
            updated_at: now,
            pushed_at: now,
        };
        state.repos.insert(id, row);
        Ok(Self { state, place: place.to_owned(), id, default_branch, now })
    }

    fn fill(mut self, repo: SeedRepo) -> Result<(), Error> {
        self.collaborators(repo.collaborators)?;
        self.labels(repo.labels);
        self.milestones(repo.milestones)?;
        self.branches(repo.files)?;
        // Numbers that are asked for are given first, so that the counter never takes one of them.
        let issues = self.numbered(&repo.issues, |issue| issue.number, "issues")?;
        let pulls = self.numbered(&repo.pull_requests, |pull| pull.number, "pull_requests")?;
        let of_pulls: BTreeSet<u64> = pulls.iter().flatten().copied().collect();
        if let Some(number) = issues.iter().flatten().find(|number| of_pulls.contains(number)) {
            let field = format!("{}.pull_requests", self.place);
            return Err(invalid(&field, "already_exists", &format!("number {number} is taken by an issue")));
        }
        let highest = issues.iter().chain(&pulls).flatten().max().copied().unwrap_or_default();
        let taken: BTreeSet<u64> = issues.iter().chain(&pulls).flatten().copied().collect();
        let mut free = (1..).filter(|number| !taken.contains(number));
        let mut next = |wanted: Option<u64>| wanted.or_else(|| free.next()).unwrap_or_default();
        let mut last = highest;
        let mut related = Vec::new();
        for (at, (mut issue, number)) in repo.issues.into_iter().zip(issues).enumerate() {
            let number = next(number);
            last = last.max(number);
            related.push(relations::SeedRelations {
                number,
                place: self.field(&format!("issues.{at}")),
                sub_issues: std::mem::take(&mut issue.sub_issues),
                blocked_by: std::mem::take(&mut issue.blocked_by),
            });
            self.issue(issue, number, at)?;
        }
        self.relations(related)?;
        for (at, (pull, number)) in repo.pull_requests.into_iter().zip(pulls).enumerate() {
            let number = next(number);
            last = last.max(number);
            self.pull(pull, number, at)?;
        }
        if let Some(row) = self.state.repos.get_mut(&self.id) {
            row.last_number = last;
        }
        for (at, tag) in repo.tags.into_iter().enumerate() {
            self.tag(&tag.name, tag.target.as_deref(), &format!("tags.{at}"))?;
        }
        for (at, release) in repo.releases.into_iter().enumerate() {
            self.release(release, at)?;
        }
        self.surroundings(activity::Surroundings {
            stargazers: repo.stargazers,
            watchers: repo.watchers,
            webhooks: repo.webhooks,
            deploy_keys: repo.deploy_keys,
            commit_comments: repo.commit_comments,
        })?;
        self.protections(repo.branch_protection)?;
        self.rulesets(repo.rulesets)?;
        self.workflows(repo.workflow_runs, repo.workflow_outcomes)?;
        Ok(())
    }

    fn field(&self, rest: &str) -> String {
        format!("{}.{rest}", self.place)
    }

    fn numbered<S>(
        &self,
        rows: &[S],
        number: impl Fn(&S) -> Option<u64>,
        list: &str,
    ) -> Result<Vec<Option<u64>>, Error> {
        let numbers: Vec<Option<u64>> = rows.iter().map(number).collect();
        let mut seen = BTreeSet::new();
        for (at, wanted) in numbers.iter().enumerate() {
            let field = self.field(&format!("{list}.{at}.number"));
            if *wanted == Some(0) {
                return Err(invalid(&field, "too_small", "must be at least 1"));
            }
            if wanted.is_some_and(|number| !seen.insert(number)) {
                return Err(invalid(&field, "already_exists", "another one has this number"));
            }
        }
        Ok(numbers)
    }

    fn collaborators(&mut self, list: Vec<SeedCollaborator>) -> Result<(), Error> {
        let owner = self.state.repos.get(&self.id).map(|repo| repo.owner.clone()).unwrap_or_default();
        let default = SeedCollaborator { login: DEFAULT_LOGIN.to_owned(), permission: None };
        let named = list.iter().any(|place| fold(&place.login) == DEFAULT_LOGIN);
        for (at, place) in list.into_iter().chain((!named).then_some(default)).enumerate() {
            let permission = match place.permission.as_deref() {
                None => Permission::Write,
                Some(word) => Permission::parse(word).ok_or_else(|| {
                    let field = self.field(&format!("collaborators.{at}.permission"));
                    invalid(&field, "invalid_value", "is none of pull, triage, push, maintain, admin")
                })?,
            };
            self.state.ensure_user(&place.login, self.now);
            let row = Collaborator {
                login: place.login.clone(),
                permission,
                pending: false,
                inviter: owner.clone(),
                created_at: self.now,
            };
            self.state.collaborators.insert((self.id, fold(&place.login)), row);
        }
        Ok(())
    }

    fn labels(&mut self, list: Vec<SeedLabel>) {
        for label in list {
            let row = Label {
                name: label.name.clone(),
                color: label.color.unwrap_or_else(|| "ededed".to_owned()),
                description: label.description.filter(|text| !text.is_empty()),
            };
            self.state.labels.insert((self.id, fold(&label.name)), row);
        }
    }

    fn milestones(&mut self, list: Vec<SeedMilestone>) -> Result<(), Error> {
        let mut last = 0;
        for (at, milestone) in list.into_iter().enumerate() {
            let number = milestone.number.unwrap_or(last + 1);
            last = last.max(number);
            let open = is_open(milestone.state.as_deref(), &self.field(&format!("milestones.{at}.state")))?;
            let due = milestone.due_on.as_deref();
            let due_on = due.map(|text| time_or(Some(text), &self.field(&format!("milestones.{at}.due_on")), self.now));
            let row = Milestone {
                number,
                title: milestone.title,
                description: milestone.description.filter(|text| !text.is_empty()),
                open,
                creator: DEFAULT_LOGIN.to_owned(),
                due_on: due_on.transpose()?,
                created_at: self.now,
                updated_at: self.now,
                closed_at: (!open).then_some(self.now),
            };
            self.state.milestones.insert((self.id, number), row);
        }
        Ok(())
    }

    /// The default branch with its files, then every other branch as one commit on top of it.
    fn branches(&mut self, files: Vec<SeedFile>) -> Result<(), Error> {
        let mut by_branch: BTreeMap<String, Vec<(usize, SeedFile)>> = BTreeMap::new();
        for (at, file) in files.into_iter().enumerate() {
            let branch = file.branch.clone().unwrap_or_else(|| self.default_branch.clone());
            by_branch.entry(branch).or_default().push((at, file));
        }
        let default_branch = self.default_branch.clone();
        let first = by_branch.remove(&default_branch).unwrap_or_default();
        let tree = self.tree(Objects::EMPTY_TREE, first, true)?;
        let root = self.commit(tree, Vec::new(), "Initial seed commit")?;
        self.branch(&default_branch, root);
        for (branch, files) in by_branch {
            let tree = self.tree(tree, files, false)?;
            let head = self.commit(tree, vec![root], &format!("Seed {branch}"))?;
            self.branch(&branch, head);
        }
        Ok(())
    }

    fn tree(&mut self, base: Oid, files: Vec<(usize, SeedFile)>, default: bool) -> Result<Oid, Error> {
        let mut edits = BTreeMap::new();
        let place = self.place.clone();
        let objects = &mut self.state.git.objects;
        for (at, file) in files {
            let field = |name: &str| format!("{place}.files.{at}.{name}");
            let path = paths::normalise(&file.path)
                .map_err(|error| invalid(&field("path"), "invalid_value", &error.to_string()))?;
            match (file.content, file.renamed_from) {
                (Some(_), Some(_)) => {
                    return Err(invalid(&field("content"), "custom", "a file has either `content` or `renamed_from`"));
                }
                (Some(content), None) => {
                    let blob = objects.add_blob(content.into_bytes());
                    edits.insert(path, Edit::Put(Mode::File, blob));
                }
                (None, Some(source)) => {
                    if default {
                        return Err(Error::conflict("renamed_from needs a branch other than the default one").generic());
                    }
                    let source = paths::normalise(&source)?;
                    if source == path {
                        return Err(invalid(&field("renamed_from"), "custom", "is the path itself"));
                    }
                    let Some(side) = objects.entry_at(base, &source)? else {
                        return Err(Error::conflict(format!("renamed_from names no file: {source}")).generic());
                    };
                    edits.insert(source, Edit::Delete);
                    edits.insert(path, Edit::Put(side.mode, side.oid));
                }
                (None, None) => return Err(invalid(&field("content"), "invalid_type", "is required")),
            }
        }
        Ok(objects.edit_tree(base, &edits)?)
    }

    fn commit(&mut self, tree: Oid, parents: Vec<Oid>, message: &str) -> Result<Oid, Error> {
        let user = self.state.user(DEFAULT_LOGIN);
        let (name, email) = user.map_or_else(Default::default, |user| (user.name.clone(), user.commit_email()));
        let seconds = i64::try_from(self.now.seconds()).unwrap_or(i64::MAX);
        let author = Signature::new(&name, &email, seconds);
        let commit = Commit {
            tree,
            parents,
            author: author.clone(),
            committer: author,
            message: message.to_owned(),
            signature: None,
        };
        Ok(self.state.git.objects.add_commit(commit)?)
    }

    fn branch(&mut self, name: &str, oid: Oid) {
        let row = GitRef { oid, created_at: self.now, updated_at: self.now };
        self.state.refs.insert((self.id, heads(name)), row);
    }

    fn author(&mut self, login: Option<String>) -> String {
        let login = login.filter(|login| !login.is_empty()).unwrap_or_else(|| DEFAULT_LOGIN.to_owned());
        self.state.ensure_user(&login, self.now);
        login
    }

    /// Applied labels in their defined spelling; each must be defined.
    fn applied(&self, labels: &[String], field: &str) -> Result<Vec<String>, Error> {
        let mut applied = Vec::new();
        for name in labels {
            match self.state.label(self.id, name) {
                Some(label) if applied.contains(&label.name) => {}
                Some(label) => applied.push(label.name.clone()),
                None => {
                    return Err(invalid(field, "missing", &format!("label `{name}` is not defined in the repository")));
                }
            }
        }
        applied.sort_by_key(|name| fold(name));
        Ok(applied)
    }

    /// Each must be a collaborator.
    fn assigned(&self, logins: Vec<String>, field: &str) -> Result<Vec<String>, Error> {
        let repo = self.state.repos.get(&self.id);
        for login in &logins {
            let owner = repo.is_some_and(|repo| fold(&repo.owner) == fold(login));
            if !owner && !self.state.collaborators.contains(&(self.id, fold(login))) {
                return Err(invalid(field, "invalid", &format!("`{login}` is not a collaborator of the repository")));
            }
        }
        Ok(logins)
    }

    fn issue(&mut self, seed: SeedIssue, number: u64, at: usize) -> Result<(), Error> {
        let field = |name: &str| format!("{}.issues.{at}.{name}", self.place);
        if seed.title.trim().is_empty() {
            return Err(invalid(&field("title"), "too_small", "must not be empty"));
        }
        let open = is_open(seed.state.as_deref(), &field("state"))?;
        let labels = self.applied(&seed.labels, &field("labels"))?;
        let legacy = seed.assignee.filter(|login| !login.is_empty() && !seed.assignees.contains(login));
        let assignees = seed.assignees.into_iter().chain(legacy).collect();
        let assignees = self.assigned(assignees, &field("assignees"))?;
        let created_at = time_or(seed.created_at.as_deref(), &field("created_at"), self.now)?;
        let updated_at = time_or(seed.updated_at.as_deref(), &field("updated_at"), created_at)?;
        let closed_at = time_or(seed.closed_at.as_deref(), &field("closed_at"), updated_at)?;
        if seed.milestone.is_some_and(|milestone| !self.state.milestones.contains(&(self.id, milestone))) {
            return Err(invalid(&field("milestone"), "missing", "is no milestone of the repository"));
        }
        let user = self.author(seed.user);
        let row = Issue {
            number,
            title: seed.title,
            body: seed.body.filter(|text| !text.is_empty()),
            open,
            state_reason: seed.state_reason.or_else(|| (!open).then(|| "completed".to_owned())),
            user,
            labels,
            assignees,
            milestone: seed.milestone,
            locked: seed.locked,
            lock_reason: None,
            comments: 0,
            closed_by: None,
            created_at,
            updated_at,
            closed_at: (!open).then_some(closed_at),
        };
        self.state.issues.insert((self.id, number), row);
        let events = format!("{}.issues.{at}.events", self.place);
        self.comments(seed.comments, number, created_at)?;
        self.events(seed.events, number, created_at, &events)
    }

    fn comments(&mut self, list: Vec<SeedComment>, number: u64, otherwise: Time) -> Result<(), Error> {
        for comment in list {
            let created_at = time_or(comment.created_at.as_deref(), &self.field("comments.created_at"), otherwise)?;
            let user = self.author(comment.author);
            let id = self.state.next_comment.next();
            let row =
                Comment { id, repo: self.id, number, body: comment.body, user, created_at, updated_at: created_at };
            self.state.comments.insert(id, row);
            self.state.comments_of.insert((self.id, number, id), ());
            if let Some(issue) = self.state.issues.get_mut(&(self.id, number)) {
                issue.comments += 1;
            }
        }
        Ok(())
    }

    fn pull(&mut self, seed: SeedPull, number: u64, at: usize) -> Result<(), Error> {
        let place = self.place.clone();
        let field = |name: &str| format!("{place}.pull_requests.{at}.{name}");
        if seed.title.trim().is_empty() {
            return Err(invalid(&field("title"), "too_small", "must not be empty"));
        }
        let base_ref = seed.base.unwrap_or_else(|| self.default_branch.clone());
        let head = |name: &str, what: &str| {
            let missing =
                || Error::new(404, format!("Branch not found: {what} `{name}` of {place}.pull_requests.{at}"));
            self.state.branch(self.id, name).map(|git_ref| git_ref.oid).ok_or_else(|| missing().generic())
        };
        let (head_sha, base_sha) = (head(&seed.head, "head")?, head(&base_ref, "base")?);
        let open = is_open(seed.state.as_deref(), &field("state"))?;
        let labels = self.applied(&seed.labels, &field("labels"))?;
        let assignees = self.assigned(seed.assignees, &field("assignees"))?;
        let created_at = time_or(seed.created_at.as_deref(), &field("created_at"), self.now)?;
        let user = self.author(seed.author);
        let row = Issue {
            number,
            title: seed.title,
            body: seed.body.filter(|text| !text.is_empty()),
            open,
            state_reason: None,
            user,
            labels,
            assignees,
            milestone: None,
            locked: false,
            lock_reason: None,
            comments: 0,
            closed_by: None,
            created_at,
            updated_at: created_at,
            closed_at: (!open).then_some(created_at),
        };
        self.state.issues.insert((self.id, number), row);
        let row = Pull {
            number,
            head_repo: self.id,
            head_ref: seed.head,
            head_sha,
            base_ref,
            base_sha,
            draft: seed.draft,
            merged: false,
            merged_at: None,
            merged_by: None,
            merge_commit_sha: None,
            requested_reviewers: seed.requested_reviewers,
            maintainer_can_modify: false,
        };
        self.state.pulls.insert((self.id, number), row);
        let owner = self.state.repos.get(&self.id).map(|repo| repo.owner.clone()).unwrap_or_default();
        for slug in seed.requested_teams {
            let team = self.state.accounts.team(&owner, &slug).map(|team| team.id);
            let unknown = || invalid(&field("requested_teams"), "invalid_value", "names no team of the owner");
            self.state.accounts.requested_teams.insert((self.id, number, team.ok_or_else(unknown)?), ());
        }
        self.reviews(seed.reviews, number, head_sha, &field("reviews.state"))?;
        self.statuses(seed.statuses, head_sha, &field("statuses.state"))?;
        self.check_runs(seed.check_runs, head_sha, &field("check_runs"))?;
        self.comments(seed.comments, number, created_at)?;
        self.review_comments(seed.review_comments, number, head_sha);
        self.events(seed.events, number, created_at, &field("events"))
    }

    fn reviews(&mut self, list: Vec<SeedReview>, number: u64, commit: Oid, field: &str) -> Result<(), Error> {
        for review in list {
            let state = match review.state.as_deref() {
                None | Some("APPROVED") => ReviewState::Approved,
                Some("CHANGES_REQUESTED") => ReviewState::ChangesRequested,
                Some("COMMENTED") => ReviewState::Commented,
                Some(_) => {
                    return Err(invalid(field, "invalid_value", "is none of APPROVED, CHANGES_REQUESTED, COMMENTED"));
                }
            };
            let user = self.author(Some(review.author));
            let id = self.state.next_review.next();
            let body = review.body.unwrap_or_default();
            let row = Review { id, user, state, body, commit, submitted_at: Some(self.now) };
            self.state.reviews.insert((self.id, number, id), row);
        }
        Ok(())
    }

    fn statuses(&mut self, list: Vec<SeedStatus>, sha: Oid, field: &str) -> Result<(), Error> {
        for status in list {
            let state = status.state.unwrap_or_else(|| "success".to_owned());
            if !["success", "failure", "error", "pending"].contains(&state.as_str()) {
                return Err(invalid(field, "invalid_value", "is none of success, failure, error, pending"));
            }
            let id = self.state.next_status.next();
            let row = Status {
                id,
                sha,
                state,
                context: status.context.unwrap_or_else(|| "ci/build".to_owned()),
                description: status.description,
                target_url: status.target_url,
                creator: DEFAULT_LOGIN.to_owned(),
                created_at: self.now,
            };
            self.state.statuses.insert((self.id, id), row);
        }
        Ok(())
    }

    fn check_runs(&mut self, list: Vec<SeedCheckRun>, head_sha: Oid, field: &str) -> Result<(), Error> {
        for (at, run) in list.into_iter().enumerate() {
            let completed = run.conclusion.is_some();
            let id = self.state.next_check_run.next();
            let suite = self.state.check_suite_for(self.id, head_sha, self.now);
            let row = CheckRun {
                id,
                suite,
                head_sha,
                name: run.name,
                status: run.status.unwrap_or_else(|| if completed { "completed" } else { "queued" }.to_owned()),
                conclusion: run.conclusion,
                details_url: None,
                external_id: String::new(),
                output_title: run.title,
                output_summary: run.summary,
                output_text: None,
                started_at: self.now,
                completed_at: completed.then_some(self.now),
            };
            self.state.check_runs.insert((self.id, id), row);
            annotate(self.state, (self.id, id), run.annotations).map_err(|error| {
                invalid(&format!("{field}.{at}.annotations"), "invalid_value", &protection::reason(&error))
            })?;
        }
        Ok(())
    }

    fn review_comments(&mut self, list: Vec<SeedReviewComment>, number: u64, commit: Oid) {
        for comment in list {
            let user = self.author(comment.author);
            let id = self.state.next_review_comment.next();
            let row = ReviewComment {
                id,
                repo: self.id,
                number,
                review: None,
                path: comment.path,
                body: comment.body,
                user,
                line: Some(comment.line.unwrap_or(1)),
                side: if comment.side.as_deref() == Some("LEFT") { Side::Left } else { Side::Right },
                start_line: None,
                start_side: None,
                commit,
                in_reply_to: None,
                resolved_by: None,
                created_at: self.now,
                updated_at: self.now,
            };
            self.state.review_comments.insert(id, row);
            self.state.review_comments_of.insert((self.id, number, id), ());
        }
    }

    /// A lightweight tag on a branch, another tag or a commit.
    fn tag(&mut self, name: &str, target: Option<&str>, place: &str) -> Result<Oid, Error> {
        let target = target.unwrap_or(&self.default_branch);
        let tag = |name: &str| format!("refs/tags/{name}");
        let known = |name: &str| self.state.refs.get(&(self.id, name.to_owned())).map(|git_ref| git_ref.oid);
        let oid = known(&heads(target)).or_else(|| known(&tag(target))).or_else(|| Oid::parse(target));
        let oid = oid.filter(|oid| self.state.git.objects.commit(*oid).is_ok()).ok_or_else(|| {
            let field = self.field(&format!("{place}.target"));
            invalid(&field, "missing", &format!("`{target}` is no branch, tag or commit"))
        })?;
        let key = (self.id, tag(name));
        if self.state.refs.contains(&key) {
            return Err(Error::conflict(format!("tag {name} appears twice in {}", self.place)).generic());
        }
        self.state.refs.insert(key, GitRef { oid, created_at: self.now, updated_at: self.now });
        Ok(oid)
    }

    fn release(&mut self, seed: SeedRelease, at: usize) -> Result<(), Error> {
        let target = seed.target_commitish.unwrap_or_else(|| self.default_branch.clone());
        let exists = self.state.refs.contains(&(self.id, format!("refs/tags/{}", seed.tag_name)));
        if !exists && !seed.draft {
            self.tag(&seed.tag_name, Some(&target), &format!("releases.{at}"))?;
        }
        let author = self.author(seed.author);
        let id = self.state.next_release.next();
        for (index, asset) in seed.assets.into_iter().enumerate() {
            let name = file_name(&asset.name);
            if name.is_empty() || self.state.activity.assets_of(self.id, id).any(|known| known.name == name) {
                let field = self.field(&format!("releases.{at}.assets.{index}.name"));
                return Err(invalid(&field, "invalid_value", "must be there and be used once"));
            }
            let row = Asset {
                id: self.state.activity.next_asset.next(),
                release: id,
                name,
                label: asset.label,
                content_type: asset.content_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
                digest: digest(asset.content.as_bytes()),
                bytes: Arc::from(asset.content.into_bytes()),
                uploader: author.clone(),
                created_at: self.now,
                updated_at: self.now,
            };
            self.state.activity.assets.insert((self.id, row.id), row);
        }
        let row = Release {
            id,
            tag_name: seed.tag_name,
            target_commitish: target,
            name: seed.name,
            body: seed.body,
            draft: seed.draft,
            prerelease: seed.prerelease,
            author,
            created_at: self.now,
            published_at: (!seed.draft).then_some(self.now),
            latest_since: (!seed.draft).then_some(self.now),
        };
        self.state.releases.insert((self.id, id), row);
        Ok(())
    }
}
