//! Repositories: making, changing, forking and listing them, and what can be said about one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use pome_twin_kit::action::{Empty, Json};
use pome_twin_kit::clock::Time;
use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use super::{Page, git_rows as rows, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::{Mode, Objects, paths};
use crate::merge_words::{MergeMessage, MergeTitle, MergeWords, SquashMessage, SquashTitle, Wished};
use crate::refs::{commit_as, move_branch};
use crate::state::{Collaborator, Permission, Repo, RepoId, SAFEGUARDS, State, UserKind, fold};
use crate::views::commits::user_of;
use crate::views::repos::RepoView;
use crate::views::users::SimpleUser;
use crate::views::{HTML, Site};

/// A repository in full.
pub(crate) struct Shown(pub(crate) RepoId);

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(repo) = cx.state.repos.get(&self.0) {
            reply.write_json(&RepoView::full(Site::of(cx), repo));
        }
    }
}

/// A repository that was made: tools only name it.
pub(crate) struct Made(RepoId);

impl View<GitHub> for Made {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        Shown(self.0).rest(cx, reply);
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let Some(repo) = cx.state.repos.get(&self.0) else { return ToolReply::default() };
        let url = format!("{HTML}/{}", repo.full_name());
        ToolReply { status: 201, ..ToolReply::json(&json!({ "id": repo.id.to_string(), "url": url })) }
    }
}

/// One repository.
#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_repository";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        Ok(Shown(cx.repo(&self.owner, &self.repo)?.id))
    }
}

/// A repository with nothing in it; it is not in the world yet.
fn blank(id: RepoId, owner: &str, name: String, now: Time) -> Repo {
    Repo {
        id,
        owner: owner.to_owned(),
        name,
        description: None,
        homepage: None,
        language: None,
        topics: Vec::new(),
        private: false,
        default_branch: "main".to_owned(),
        parent: None,
        archived: false,
        has_issues: true,
        has_projects: true,
        has_wiki: true,
        has_downloads: true,
        safeguards: BTreeSet::new(),
        has_discussions: false,
        is_template: false,
        allow_merge_commit: true,
        allow_squash_merge: true,
        allow_rebase_merge: true,
        allow_auto_merge: false,
        allow_update_branch: false,
        allow_forking: true,
        web_commit_signoff_required: false,
        merge_words: MergeWords::default(),
        delete_branch_on_merge: false,
        require_green_status: false,
        last_number: 0,
        created_at: now,
        updated_at: now,
        pushed_at: now,
    }
}

fn insert(cx: &mut Cx<'_, GitHub>, repo: Repo) {
    let (id, owner) = (repo.id, fold(&repo.owner));
    let actor = cx.actor().to_owned();
    let now = cx.now();
    cx.state.take_name(&owner, &repo.name, id);
    cx.state.repos.insert(id, repo);
    // Whoever makes a repository for somebody else administers it.
    if owner != fold(&actor) {
        let permission = Permission::Admin;
        let place =
            Collaborator { login: actor.clone(), permission, pending: false, inviter: actor.clone(), created_at: now };
        cx.state.collaborators.insert((id, fold(&actor)), place);
    }
}

/// What is left of a wished name: other characters become hyphens.
fn repo_name(wished: &str) -> Option<String> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let name: String = wished.trim().chars().take(100).map(plain).collect();
    Some(name).filter(|name| !matches!(name.as_str(), "" | "." | ".."))
}

/// A name that the account can still give.
pub(crate) fn free_name(state: &State, owner: &str, wished: &str) -> Result<String, Error> {
    let failed = |errors: Error| {
        let mut error = errors;
        error.message = String::from("Repository creation failed.");
        error
    };
    let name = repo_name(wished).ok_or_else(|| failed(Error::field("Repository", "name", "missing_field")))?;
    if state.is_free(owner, &name) {
        return Ok(name);
    }
    let taken = json!({
        "resource": "Repository", "code": "custom", "field": "name", "message": "name already exists on this account",
    });
    Err(failed(Error::validation(vec![taken])))
}

/// The account in the spelling that is shown, if it is an organization.
fn organization(state: &State, login: &str) -> Result<String, Error> {
    let found = state.user(login).filter(|user| user.kind == UserKind::Organization);
    found.map(|user| user.login.clone()).ok_or_else(Error::not_found)
}

/// Members create repositories unless the owners keep that to themselves; an organization whose members nobody has named is
/// open to everybody.
fn may_create(cx: &Cx<'_, GitHub>, org: &str) -> Result<(), Error> {
    let accounts = &cx.state.accounts;
    let settings = accounts.settings_of(org);
    let member = accounts.is_member(org, cx.actor()) && settings.members_create_repositories;
    if member || accounts.is_admin(org, cx.actor()) || accounts.members_of(org).next().is_none() {
        return Ok(());
    }
    Err(Error::forbidden("You need admin access to the organization before adding a repository to it."))
}

/// Teams of an organization by their ids, with what each gets of a repository.
pub(crate) fn teams_of(state: &State, org: &str, ids: &[u64], field: &str) -> Result<Vec<(u64, Permission)>, Error> {
    let known = |id: &u64| {
        let team = state.accounts.teams.get(id).filter(|team| fold(&team.org) == fold(org));
        team.map(|team| (team.id, team.permission)).ok_or_else(|| Error::value("Repository", field, "invalid", *id))
    };
    ids.iter().map(known).collect()
}

/// Owners say which kinds of repositories the members of an organization make.
fn visible_to_members(cx: &Cx<'_, GitHub>, repo: &Repo) -> Result<(), Error> {
    let accounts = &cx.state.accounts;
    let member = accounts.is_member(&repo.owner, cx.actor()) && !accounts.is_admin(&repo.owner, cx.actor());
    if !member || accounts.settings_of(&repo.owner).members_create(repo.private) {
        return Ok(());
    }
    let message = format!("Visibility can't be {}.", if repo.private { "private" } else { "public" });
    let row = json!({ "resource": "Repository", "code": "custom", "field": "visibility", "message": message });
    let mut error = Error::validation(vec![row]);
    "Repository creation failed.".clone_into(&mut error.message);
    Err(error)
}

/// Makes a repository, for the caller or an organization.
#[derive(Deserialize)]
pub(crate) struct Create {
    org: Option<String>,
    name: String,
    description: Option<String>,
    homepage: Option<String>,
    private: Option<bool>,
    visibility: Option<String>,
    has_issues: Option<bool>,
    has_projects: Option<bool>,
    has_wiki: Option<bool>,
    has_downloads: Option<bool>,
    has_discussions: Option<bool>,
    is_template: Option<bool>,
    #[serde(default)]
    auto_init: bool,
    /// A team of the organization that gets the repository.
    team_id: Option<u64>,
    gitignore_template: Option<String>,
    license_template: Option<String>,
    custom_properties: Option<Map<String, Value>>,
    allow_squash_merge: Option<bool>,
    allow_merge_commit: Option<bool>,
    allow_rebase_merge: Option<bool>,
    allow_auto_merge: Option<bool>,
    delete_branch_on_merge: Option<bool>,
    squash_merge_commit_title: Option<SquashTitle>,
    squash_merge_commit_message: Option<SquashMessage>,
    merge_commit_title: Option<MergeTitle>,
    merge_commit_message: Option<MergeMessage>,
    use_squash_pr_title_as_default: Option<bool>,
}

/// The same as the tool spells it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateArguments {
    name: String,
    description: Option<String>,
    organization: Option<String>,
    private: Option<bool>,
    #[serde(default)]
    auto_init: bool,
}

impl From<CreateArguments> for Create {
    fn from(from: CreateArguments) -> Self {
        let CreateArguments { name, description, organization, private, auto_init } = from;
        Self {
            org: organization.filter(|login| !login.is_empty()),
            name,
            description,
            homepage: None,
            private: Some(private.unwrap_or(true)),
            visibility: None,
            has_issues: None,
            has_projects: None,
            has_wiki: None,
            has_downloads: None,
            has_discussions: None,
            is_template: None,
            auto_init,
            team_id: None,
            gitignore_template: None,
            license_template: None,
            custom_properties: None,
            allow_squash_merge: None,
            allow_merge_commit: None,
            allow_rebase_merge: None,
            allow_auto_merge: None,
            delete_branch_on_merge: None,
            squash_merge_commit_title: None,
            squash_merge_commit_message: None,
            merge_commit_title: None,
            merge_commit_message: None,
            use_squash_pr_title_as_default: None,
        }
    }
}

/// `private` and `visibility` say the same; the second one wins.
fn is_private(private: Option<bool>, visibility: Option<&str>) -> Result<Option<bool>, Error> {
    match visibility {
        None => Ok(private),
        Some("public") => Ok(Some(false)),
        Some("private" | "internal") => Ok(Some(true)),
        Some(other) => Err(Error::value("Repository", "visibility", "invalid", other)),
    }
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_repository";
    const MUTATES: bool = true;
    type Output = Made;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Made, Error> {
        for (template, what) in
            [(&self.gitignore_template, "templates of .gitignore"), (&self.license_template, "templates of licenses")]
        {
            if template.as_deref().is_some_and(|name| !name.is_empty()) {
                return Err(Error::unsupported(what));
            }
        }
        if self.custom_properties.is_some_and(|properties| !properties.is_empty()) {
            return Err(Error::unsupported("custom properties"));
        }
        let owner = match &self.org {
            Some(login) => {
                let login = organization(cx.state, login)?;
                may_create(cx, &login)?;
                login
            }
            None => cx.actor().to_owned(),
        };
        let name = free_name(cx.state, &owner, &self.name)?;
        let teams = match (&self.org, self.team_id) {
            (Some(_), Some(id)) => teams_of(cx.state, &owner, &[id], "team_id")?,
            _ => Vec::new(),
        };
        let now = cx.now();
        cx.state.ensure_user(&owner, now);
        let id = cx.state.next_repo.next();
        let plain = blank(id, &owner, name, now);
        let words = Wished {
            squash_title: self.squash_merge_commit_title,
            squash_message: self.squash_merge_commit_message,
            merge_title: self.merge_commit_title,
            merge_message: self.merge_commit_message,
            pull_title: self.use_squash_pr_title_as_default,
        };
        let repo = Repo {
            description: self.description.filter(|text| !text.is_empty()),
            homepage: self.homepage.filter(|text| !text.is_empty()),
            private: is_private(self.private, self.visibility.as_deref())?.unwrap_or(false),
            has_issues: self.has_issues.unwrap_or(plain.has_issues),
            has_projects: self.has_projects.unwrap_or(plain.has_projects),
            has_wiki: self.has_wiki.unwrap_or(plain.has_wiki),
            has_downloads: self.has_downloads.unwrap_or(plain.has_downloads),
            has_discussions: self.has_discussions.unwrap_or(plain.has_discussions),
            is_template: self.is_template.unwrap_or(plain.is_template),
            allow_squash_merge: self.allow_squash_merge.unwrap_or(plain.allow_squash_merge),
            allow_merge_commit: self.allow_merge_commit.unwrap_or(plain.allow_merge_commit),
            allow_rebase_merge: self.allow_rebase_merge.unwrap_or(plain.allow_rebase_merge),
            allow_auto_merge: self.allow_auto_merge.unwrap_or(plain.allow_auto_merge),
            delete_branch_on_merge: self.delete_branch_on_merge.unwrap_or(plain.delete_branch_on_merge),
            merge_words: plain.merge_words.with(words),
            ..plain
        };
        visible_to_members(cx, &repo)?;
        let (title, branch) = (repo.name.clone(), repo.default_branch.clone());
        let about = repo.description.as_ref().map_or_else(String::new, |text| format!("{text}\n"));
        insert(cx, repo);
        for (team, permission) in teams {
            cx.state.accounts.team_repos.insert((id, team), permission);
        }
        if self.auto_init {
            let readme = format!("# {title}\n{about}");
            let tree = cx.state.git.objects.put_file(Objects::EMPTY_TREE, "README.md", readme.into_bytes())?;
            let commit = commit_as(cx, tree, Vec::new(), "Initial commit")?;
            move_branch(cx.state, id, &branch, commit, now);
        }
        let after = cx.state.repos.get(&id).map(|repo| rows::repo(cx.state, repo));
        cx.changed(None, after);
        Ok(Made(id))
    }
}

/// Who may open pull requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CreationPolicy {
    All,
    CollaboratorsOnly,
}

/// Changes settings, the name and the default branch among them.
#[derive(Deserialize)]
pub(crate) struct Update {
    owner: String,
    repo: String,
    name: Option<String>,
    #[serde(default, deserialize_with = "pome_twin_kit::input::nullable")]
    description: Option<Option<String>>,
    #[serde(default, deserialize_with = "pome_twin_kit::input::nullable")]
    homepage: Option<Option<String>>,
    private: Option<bool>,
    visibility: Option<String>,
    default_branch: Option<String>,
    archived: Option<bool>,
    has_issues: Option<bool>,
    has_projects: Option<bool>,
    has_wiki: Option<bool>,
    has_discussions: Option<bool>,
    is_template: Option<bool>,
    allow_squash_merge: Option<bool>,
    allow_merge_commit: Option<bool>,
    allow_rebase_merge: Option<bool>,
    allow_auto_merge: Option<bool>,
    delete_branch_on_merge: Option<bool>,
    allow_update_branch: Option<bool>,
    allow_forking: Option<bool>,
    web_commit_signoff_required: Option<bool>,
    pull_request_creation_policy: Option<CreationPolicy>,
    has_pull_requests: Option<bool>,
    #[serde(default, deserialize_with = "pome_twin_kit::input::nullable")]
    security_and_analysis: Option<Option<BTreeMap<String, Value>>>,
    squash_merge_commit_title: Option<SquashTitle>,
    squash_merge_commit_message: Option<SquashMessage>,
    merge_commit_title: Option<MergeTitle>,
    merge_commit_message: Option<MergeMessage>,
    use_squash_pr_title_as_default: Option<bool>,
}

/// Turns what watches over a repository on and off: `{"secret_scanning": {"status": "enabled"}}`.
fn watch_over(repo: &mut Repo, wished: &BTreeMap<String, Value>) -> Result<(), Error> {
    for (name, setting) in wished {
        let known = SAFEGUARDS.iter().find(|known| *known == name);
        let known = known.ok_or_else(|| Error::unsupported(&format!("the setting {name} of repositories")))?;
        match setting["status"].as_str() {
            Some("enabled") => repo.safeguards.insert(known),
            Some("disabled") => repo.safeguards.remove(known),
            _ => return Err(Error::value("Repository", name, "invalid", setting["status"].clone())),
        };
    }
    Ok(())
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_repository";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let mut repo = cx.repo_with(&self.owner, &self.repo, Permission::Admin)?.clone();
        if self.pull_request_creation_policy == Some(CreationPolicy::CollaboratorsOnly) {
            return Err(Error::unsupported("pull requests for collaborators only"));
        }
        if self.has_pull_requests == Some(false) {
            return Err(Error::unsupported("repositories without pull requests"));
        }
        if let Some(wished) = self.security_and_analysis.flatten() {
            watch_over(&mut repo, &wished)?;
        }
        let before = rows::repo(cx.state, &repo);
        let id = repo.id;
        if let Some(branch) = self.default_branch {
            if cx.state.branch(id, &branch).is_none() && !cx.state.is_empty(id) {
                return Err(Error::field("Repository", "default_branch", "invalid"));
            }
            repo.default_branch = branch;
        }
        if let Some(wished) = self.name.filter(|name| *name != repo.name) {
            // Another spelling of the same name is always free.
            let same = fold(&wished) == fold(&repo.name);
            let name = if same { wished } else { free_name(cx.state, &repo.owner, &wished)? };
            cx.state.rename(id, &repo.owner, &name);
            repo.name = name;
        }
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        repo.description = self.description.map_or(repo.description, text);
        repo.homepage = self.homepage.map_or(repo.homepage, text);
        repo.private = is_private(self.private, self.visibility.as_deref())?.unwrap_or(repo.private);
        for (flag, wished) in [
            (&mut repo.archived, self.archived),
            (&mut repo.has_issues, self.has_issues),
            (&mut repo.has_projects, self.has_projects),
            (&mut repo.has_wiki, self.has_wiki),
            (&mut repo.has_discussions, self.has_discussions),
            (&mut repo.is_template, self.is_template),
            (&mut repo.allow_squash_merge, self.allow_squash_merge),
            (&mut repo.allow_merge_commit, self.allow_merge_commit),
            (&mut repo.allow_rebase_merge, self.allow_rebase_merge),
            (&mut repo.allow_auto_merge, self.allow_auto_merge),
            (&mut repo.delete_branch_on_merge, self.delete_branch_on_merge),
            (&mut repo.allow_update_branch, self.allow_update_branch),
            (&mut repo.allow_forking, self.allow_forking),
            (&mut repo.web_commit_signoff_required, self.web_commit_signoff_required),
        ] {
            *flag = wished.unwrap_or(*flag);
        }
        repo.merge_words = repo.merge_words.with(Wished {
            squash_title: self.squash_merge_commit_title,
            squash_message: self.squash_merge_commit_message,
            merge_title: self.merge_commit_title,
            merge_message: self.merge_commit_message,
            pull_title: self.use_squash_pr_title_as_default,
        });
        repo.updated_at = cx.now();
        let after = rows::repo(cx.state, &repo);
        cx.state.repos.insert(id, repo);
        cx.changed(Some(before), Some(after));
        Ok(Shown(id))
    }
}

/// Takes a repository away; its forks live on.
#[derive(Deserialize)]
pub(crate) struct Delete {
    owner: String,
    repo: String,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_repository";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let repo = cx.repo_with(&self.owner, &self.repo, Permission::Admin)?;
        let (id, parent, name) = (repo.id, repo.parent, (fold(&repo.owner), fold(&repo.name)));
        let before = rows::repo(cx.state, repo);
        let forks: Vec<RepoId> =
            cx.state.repos.values().filter(|other| other.parent == Some(id)).map(|other| other.id).collect();
        for fork in forks {
            if let Some(fork) = cx.state.repos.get_mut(&fork) {
                fork.parent = parent;
            }
        }
        // Ids are never given twice, so whatever else carries this one is out of reach.
        cx.state.repo_names.remove(&name);
        cx.state.repos.remove(&id);
        cx.changed(Some(before), None);
        Ok(Empty)
    }
}

/// Copies a repository with its branches and tags, or gives the copy that there is.
#[derive(Deserialize)]
pub(crate) struct Fork {
    owner: String,
    repo: String,
    organization: Option<String>,
    name: Option<String>,
    #[serde(default)]
    default_branch_only: bool,
}

impl Action<GitHub> for Fork {
    const NAME: &'static str = "fork_repository";
    const MUTATES: bool = true;
    type Output = Made;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Made, Error> {
        let source = cx.repo(&self.owner, &self.repo)?.clone();
        let owner = match self.organization.as_deref().filter(|login| !login.is_empty()) {
            Some(login) => organization(cx.state, login)?,
            None => cx.actor().to_owned(),
        };
        if fold(&owner) == fold(&source.owner) {
            return Err(Error::forbidden("A repository cannot be forked into the account that owns it."));
        }
        let mine = |repo: &&Repo| repo.parent == Some(source.id) && fold(&repo.owner) == fold(&owner);
        if let Some(there) = cx.state.repos.values().find(mine) {
            return Ok(Made(there.id));
        }
        let wished = self.name.filter(|name| !name.is_empty()).unwrap_or_else(|| source.name.clone());
        let name = repo_name(&wished).ok_or_else(|| Error::field("Repository", "name", "invalid"))?;
        // A name that is taken gets a number.
        let numbered = (1..).map(|n: u32| format!("{name}-{n}"));
        let free =
            std::iter::once(name.clone()).chain(numbered).find(|name| cx.state.is_free(&owner, name)).unwrap_or(name);
        let now = cx.now();
        cx.state.ensure_user(&owner, now);
        let id = cx.state.next_repo.next();
        let repo = Repo {
            description: source.description.clone(),
            homepage: source.homepage.clone(),
            language: source.language.clone(),
            private: source.private,
            default_branch: source.default_branch.clone(),
            parent: Some(source.id),
            has_issues: false,
            has_projects: source.has_projects,
            has_wiki: source.has_wiki,
            pushed_at: source.pushed_at,
            ..blank(id, &owner, free, now)
        };
        insert(cx, repo);
        let default = crate::state::heads(&source.default_branch);
        let copied: Vec<_> = cx
            .state
            .refs_of(source.id, "refs/")
            .filter(|(name, _)| !self.default_branch_only || *name == default)
            .map(|(name, git_ref)| (name.to_owned(), git_ref.clone()))
            .collect();
        for (name, git_ref) in copied {
            cx.state.refs.insert((id, name), git_ref);
        }
        let after = cx.state.repos.get(&id).map(|repo| rows::repo(cx.state, repo));
        cx.changed(None, after);
        Ok(Made(id))
    }
}

/// A page of repositories.
pub(crate) struct Repos(Page<RepoId>);

impl View<GitHub> for Repos {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, id| Some(RepoView::short(site, site.state.repos.get(id)?)));
    }
}

/// Stars are given by nobody, so both orders by them are those of age.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ForkSort {
    #[default]
    Newest,
    Oldest,
    Stargazers,
    Watchers,
}

/// The forks of a repository, newest first.
#[derive(Deserialize)]
pub(crate) struct ListForks {
    owner: String,
    repo: String,
    #[serde(default)]
    sort: ForkSort,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for ListForks {
    const NAME: &'static str = "list_forks";
    type Output = Repos;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Repos, Error> {
        let id = cx.repo(&self.owner, &self.repo)?.id;
        let forks = cx.state.repos.values().filter(|repo| repo.parent == Some(id) && cx.permission(repo).is_some());
        let mut forks: Vec<&Repo> = forks.collect();
        forks.sort_by_key(|repo| (repo.created_at, repo.id));
        if self.sort != ForkSort::Oldest {
            forks.reverse();
        }
        Ok(Repos(Page::of(forks.into_iter().map(|repo| repo.id), paging(self.page, self.per_page))))
    }
}

/// The topics of a repository.
#[derive(Deserialize)]
pub(crate) struct Topics {
    owner: String,
    repo: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for Topics {
    const NAME: &'static str = "get_topics";
    type Output = Json<serde_json::Value>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let page = Page::of(repo.topics.iter(), paging(self.page, self.per_page));
        Ok(Json(json!({ "names": page.keys })))
    }
}

/// Replaces the topics.
#[derive(Deserialize)]
pub(crate) struct SetTopics {
    owner: String,
    repo: String,
    names: Vec<String>,
}

impl Action<GitHub> for SetTopics {
    const NAME: &'static str = "replace_topics";
    const MUTATES: bool = true;
    type Output = Json<serde_json::Value>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        let id = cx.repo_with(&self.owner, &self.repo, Permission::Maintain)?.id;
        let mut names: Vec<String> = Vec::new();
        for name in self.names.iter().map(|name| fold(name)) {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if name.is_empty() || name.len() > 50 || name.starts_with('-') || !name.chars().all(plain) {
                return Err(Error::custom(
                    "Repository",
                    "Topics must start with a lowercase letter or number, consist of 50 characters or less, and can include hyphens.",
                ));
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.len() > 20 {
            return Err(Error::custom("Repository", "A repository cannot have more than 20 topics."));
        }
        let now = cx.now();
        if let Some(repo) = cx.state.repos.get_mut(&id) {
            repo.topics.clone_from(&names);
            repo.updated_at = now;
        }
        Ok(Json(json!({ "names": names })))
    }
}

/// Bytes of each language on the default branch, most first.
#[derive(Deserialize)]
pub(crate) struct Languages {
    owner: String,
    repo: String,
}

/// The language of a file, by its name.
pub(crate) fn language_of(path: &str) -> Option<&'static str> {
    let name = paths::name(path);
    let extension = name.rsplit_once('.').map_or(name, |(_, extension)| extension);
    Some(match extension {
        "ts" | "tsx" | "mts" => "TypeScript",
        "js" | "jsx" | "mjs" | "cjs" => "JavaScript",
        "py" => "Python",
        "rs" => "Rust",
        "go" => "Go",
        "rb" => "Ruby",
        "java" => "Java",
        "kt" | "kts" => "Kotlin",
        "c" | "h" => "C",
        "cc" | "cpp" | "cxx" | "hpp" => "C++",
        "cs" => "C#",
        "php" => "PHP",
        "swift" => "Swift",
        "scala" => "Scala",
        "sh" | "bash" => "Shell",
        "html" | "htm" => "HTML",
        "css" => "CSS",
        "scss" => "SCSS",
        "vue" => "Vue",
        "tf" => "HCL",
        "lua" => "Lua",
        "ex" | "exs" => "Elixir",
        "Dockerfile" => "Dockerfile",
        "Makefile" => "Makefile",
        _ => return None,
    })
}

/// Languages with their sizes.
pub(crate) struct Sizes(Vec<(&'static str, usize)>);

impl Serialize for Sizes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (language, size) in &self.0 {
            map.serialize_entry(language, size)?;
        }
        map.end()
    }
}

impl Action<GitHub> for Languages {
    const NAME: &'static str = "list_languages";
    type Output = Json<Sizes>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let objects = cx.objects();
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        if let Some(head) = cx.state.head(repo) {
            for (path, side) in objects.files(objects.commit(head)?.tree)? {
                let plain = matches!(side.mode, Mode::File | Mode::Executable);
                if let Some(language) = language_of(&path).filter(|_| plain) {
                    *sizes.entry(language).or_default() += objects.blob(side.oid)?.len();
                }
            }
        }
        let mut all: Vec<_> = sizes.into_iter().collect();
        all.sort_by_key(|(_, size)| Reverse(*size));
        Ok(Json(Sizes(all)))
    }
}

/// Who wrote the commits of the default branch, most first.
#[derive(Deserialize)]
pub(crate) struct Contributors {
    owner: String,
    repo: String,
    /// `1` or `true`: with those whose address is nobody's.
    anon: Option<String>,
    page: Option<i64>,
    per_page: Option<i64>,
}

/// Somebody with an account, or a name and an address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Author {
    Known(String),
    Anonymous { name: String, email: String },
}

/// A page of authors with how much they did.
pub(crate) struct Counted {
    page: Page<(Author, usize)>,
    /// Nothing was ever committed.
    empty: bool,
}

struct Contributor<'a>(Site<'a>, &'a Author, usize);

impl Serialize for Contributor<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.1 {
            Author::Known(login) => SimpleUser::of(self.0, login).write(&mut map)?,
            Author::Anonymous { name, email } => {
                map.serialize_entry("type", "Anonymous")?;
                map.serialize_entry("name", name)?;
                map.serialize_entry("email", email)?;
            }
        }
        map.serialize_entry("contributions", &self.2)?;
        map.end()
    }
}

impl View<GitHub> for Counted {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if self.empty {
            reply.status = 204;
            return;
        }
        self.page.write(cx, reply, |site, (author, count)| Some(Contributor(site, author, *count)));
    }
}

impl Action<GitHub> for Contributors {
    const NAME: &'static str = "list_contributors";
    type Output = Counted;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Counted, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let objects = cx.objects();
        let anonymous = matches!(self.anon.as_deref(), Some("1" | "true"));
        let mut counts: BTreeMap<Author, usize> = BTreeMap::new();
        let head = cx.state.head(repo);
        if let Some(head) = head {
            for oid in objects.log(head)? {
                let by = &objects.commit(oid)?.author;
                let author = match user_of(cx.state, by) {
                    Some(user) => Author::Known(user.login.clone()),
                    None if anonymous => Author::Anonymous { name: by.name.clone(), email: by.email.clone() },
                    None => continue,
                };
                *counts.entry(author).or_default() += 1;
            }
        }
        let mut all: Vec<(Author, usize)> = counts.into_iter().collect();
        all.sort_by_key(|(_, count)| Reverse(*count));
        Ok(Counted { page: Page::of(all.into_iter(), paging(self.page, self.per_page)), empty: head.is_none() })
    }
}
