//! The objects of the graph, their types and their ids. An id is the `node_id` that REST shows for the same thing.

use pome_twin_kit::Cx;
use pome_twin_kit::ids::hash_id;

use crate::GitHub;
use crate::access::Access;
use crate::git::{Kind, Oid};
use crate::state::{Numbered, RepoId, State, Subject, UserKind, fold};
use crate::views::issues::issue_id;
use crate::views::pulls::pull_id;

/// A key into the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Query,
    Mutation,
    /// A user or an organization, by login.
    Account(String),
    Repository(RepoId),
    Issue(Numbered),
    Pull(Numbered),
    Comment(u64),
    /// Repository and name.
    Label(RepoId, String),
    Milestone(Numbered),
    /// Repository, number, id.
    Review((RepoId, u64, u64)),
    /// By its first comment.
    Thread(u64),
    ReviewComment(u64),
    ReviewRequest(Numbered, String),
    /// By full name.
    Ref(RepoId, String),
    Commit(RepoId, Oid),
    Tree(RepoId, Oid),
    Blob(RepoId, Oid),
    Tag(RepoId, Oid),
    PullCommit(Numbered, Oid),
    StatusContext(RepoId, u64),
    CheckRun(RepoId, u64),
    CheckSuite(RepoId, u64),
    /// Everything that has a say about a commit.
    Rollup(RepoId, Oid),
    /// The statuses of a commit.
    Status(RepoId, Oid),
    Release(RepoId, u64),
    Reaction(Subject, u64),
    Topic(RepoId, String),
    Language(RepoId),
}

impl Node {
    pub(crate) fn type_name(&self, state: &State) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::Mutation => "Mutation",
            Self::Account(login) => match state.user(login).map(|user| user.kind) {
                Some(UserKind::Organization) => "Organization",
                _ if login.ends_with("[bot]") => "Bot",
                _ => "User",
            },
            Self::Repository(_) => "Repository",
            Self::Issue(_) => "Issue",
            Self::Pull(_) => "PullRequest",
            Self::Comment(_) => "IssueComment",
            Self::Label(..) => "Label",
            Self::Milestone(_) => "Milestone",
            Self::Review(_) => "PullRequestReview",
            Self::Thread(_) => "PullRequestReviewThread",
            Self::ReviewComment(_) => "PullRequestReviewComment",
            Self::ReviewRequest(..) => "ReviewRequest",
            Self::Ref(..) => "Ref",
            Self::Commit(..) => "Commit",
            Self::Tree(..) => "Tree",
            Self::Blob(..) => "Blob",
            Self::Tag(..) => "Tag",
            Self::PullCommit(..) => "PullRequestCommit",
            Self::StatusContext(..) => "StatusContext",
            Self::CheckRun(..) => "CheckRun",
            Self::CheckSuite(..) => "CheckSuite",
            Self::Rollup(..) => "StatusCheckRollup",
            Self::Status(..) => "Status",
            Self::Release(..) => "Release",
            Self::Reaction(..) => "Reaction",
            Self::Topic(..) => "RepositoryTopic",
            Self::Language(_) => "Language",
        }
    }

    /// The issue or pull request of a number.
    pub(crate) fn numbered(state: &State, key: Numbered) -> Self {
        if state.is_pull(key) { Self::Pull(key) } else { Self::Issue(key) }
    }

    /// A git object, by what it is.
    pub(crate) fn object(state: &State, repo: RepoId, oid: Oid) -> Option<Self> {
        Some(match state.git.objects.kind(oid)? {
            Kind::Commit => Self::Commit(repo, oid),
            Kind::Tree => Self::Tree(repo, oid),
            Kind::Blob => Self::Blob(repo, oid),
            Kind::Tag => Self::Tag(repo, oid),
        })
    }

    /// The id, unique over all types.
    pub(crate) fn id(&self, state: &State) -> String {
        let name = |repo: &RepoId| state.repos.get(repo).map(|repo| (repo.owner.as_str(), repo.name.as_str()));
        let hashed = |prefix: &str, text: String| format!("{prefix}_{}", hash_id(&text));
        let number = |key: &Numbered| {
            let repo = state.repos.get(&key.0);
            if state.is_pull(*key) {
                repo.map_or(0, |repo| pull_id(repo, key.1))
            } else {
                repo.map_or(0, |repo| issue_id(repo, key.1))
            }
        };
        match self {
            Self::Query | Self::Mutation => String::new(),
            Self::Account(login) => {
                hashed("U", state.user(login).map_or_else(|| login.clone(), |user| user.login.clone()))
            }
            Self::Repository(id) => format!("R_{id}"),
            Self::Issue(key) => format!("I_{}", number(key)),
            Self::Pull(key) => format!("PR_{}", number(key)),
            Self::Comment(id) => format!("IC_{id}"),
            Self::Label(_, label) => hashed("LA", label.clone()),
            Self::Milestone((repo, number)) => {
                let (owner, name) = name(repo).unwrap_or_default();
                hashed("MI", format!("{owner}/{name}/milestone/{number}"))
            }
            Self::Review((_, _, id)) => format!("PRR_{id}"),
            Self::Thread(id) => format!("PRRT_{id}"),
            Self::ReviewComment(id) => format!("PRRC_{id}"),
            Self::ReviewRequest(key, login) => format!("RRQ_{}_{}", number(key), hash_id(login)),
            Self::Ref(repo, full) => {
                let (owner, name) = name(repo).unwrap_or_default();
                hashed("REF", format!("{owner}/{name}:{full}"))
            }
            Self::Commit(_, oid) => format!("C_{oid}"),
            Self::Tree(_, oid) => format!("T_{oid}"),
            Self::Blob(_, oid) => format!("B_{oid}"),
            Self::Tag(_, oid) => format!("TA_{oid}"),
            Self::PullCommit(key, oid) => format!("PURC_{}_{oid}", number(key)),
            Self::StatusContext(_, id) => format!("ST_{id}"),
            Self::CheckRun(_, id) => format!("CR_{id}"),
            Self::CheckSuite(_, id) => format!("CS_{id}"),
            Self::Rollup(repo, oid) => format!("SCR_{repo}_{oid}"),
            Self::Status(repo, oid) => format!("SC_{repo}_{oid}"),
            Self::Release(_, id) => format!("RE_{id}"),
            Self::Reaction(_, id) => format!("REA_{id}"),
            Self::Topic(repo, name) => format!("RT_{repo}_{name}"),
            Self::Language(repo) => {
                hashed("LANG", state.repos.get(repo).and_then(|repo| repo.language.clone()).unwrap_or_default())
            }
        }
    }

    /// The repository it belongs to.
    fn repo(&self, state: &State) -> Option<RepoId> {
        match self {
            Self::Query | Self::Mutation | Self::Account(_) => None,
            Self::Repository(id)
            | Self::Issue((id, _))
            | Self::Pull((id, _))
            | Self::Milestone((id, _))
            | Self::Review((id, _, _))
            | Self::ReviewRequest((id, _), _)
            | Self::PullCommit((id, _), _)
            | Self::Label(id, _)
            | Self::Ref(id, _)
            | Self::Commit(id, _)
            | Self::Tree(id, _)
            | Self::Blob(id, _)
            | Self::Tag(id, _)
            | Self::StatusContext(id, _)
            | Self::CheckRun(id, _)
            | Self::CheckSuite(id, _)
            | Self::Rollup(id, _)
            | Self::Status(id, _)
            | Self::Release(id, _)
            | Self::Reaction(Subject::Issue(id, _), _)
            | Self::Topic(id, _)
            | Self::Language(id) => Some(*id),
            Self::Comment(id) | Self::Reaction(Subject::Comment(id), _) => {
                state.comments.get(id).map(|comment| comment.repo)
            }
            Self::Thread(id) | Self::ReviewComment(id) | Self::Reaction(Subject::ReviewComment(id), _) => {
                state.review_comments.get(id).map(|comment| comment.repo)
            }
            Self::Reaction(Subject::CommitComment(id), _) => {
                state.activity.commit_comments.get(id).map(|comment| comment.repo)
            }
        }
    }
}

/// The object of an id, if the caller sees it.
pub(crate) fn find(cx: &Cx<'_, GitHub>, id: &str) -> Option<Node> {
    let state = &*cx.state;
    let (prefix, rest) = id.split_once('_')?;
    let number = || rest.parse::<u64>().ok();
    let visible = |node: &Node| match node.repo(state) {
        None => matches!(node, Node::Account(_)),
        Some(repo) => state.repos.get(&repo).is_some_and(|repo| cx.permission(repo).is_some()),
    };
    let first = |mut nodes: &mut dyn Iterator<Item = Node>| {
        Iterator::find(&mut nodes, |node| visible(node) && node.id(state) == id)
    };
    let git = |make: fn(RepoId, Oid) -> Node| {
        let oid = Oid::parse(rest)?;
        let mut repos = state.repos.values().filter(|repo| cx.permission(repo).is_some());
        repos.find(|repo| state.sees(repo.id, oid)).map(|repo| make(repo.id, oid))
    };
    let found = match prefix {
        "U" | "O" | "BOT" => first(&mut state.users.values().map(|user| Node::Account(user.login.clone()))),
        "R" => number().map(Node::Repository),
        // In lists of issues a pull request shows the id of its issue side.
        "I" => state.issues.keys().find_map(|key| {
            let repo = state.repos.get(&key.0)?;
            (rest == issue_id(repo, key.1).to_string()).then(|| Node::numbered(state, *key))
        }),
        "PR" => first(&mut state.pulls.keys().map(|key| Node::Pull(*key))),
        "IC" => number().filter(|id| state.comments.contains(id)).map(Node::Comment),
        "LA" => first(&mut state.labels.iter().map(|((repo, _), label)| Node::Label(*repo, label.name.clone()))),
        "MI" => first(&mut state.milestones.keys().map(|key| Node::Milestone(*key))),
        "PRR" => first(&mut state.reviews.keys().map(|key| Node::Review(*key))),
        "PRRT" => {
            let roots = |id: &u64| state.review_comments.get(id).is_some_and(|comment| comment.in_reply_to.is_none());
            number().filter(roots).map(Node::Thread)
        }
        "PRRC" => number().filter(|id| state.review_comments.contains(id)).map(Node::ReviewComment),
        "REF" => first(&mut state.refs.keys().map(|(repo, name)| Node::Ref(*repo, name.clone()))),
        "C" => git(Node::Commit),
        "T" => git(Node::Tree),
        "B" => git(Node::Blob),
        "TA" => git(Node::Tag),
        "PURC" => {
            let (_, oid) = rest.split_once('_')?;
            let oid = Oid::parse(oid)?;
            first(&mut state.pulls.keys().map(|key| Node::PullCommit(*key, oid)))
        }
        "RRQ" => first(&mut state.pulls.iter().flat_map(|(key, pull)| {
            pull.requested_reviewers.iter().map(|login| Node::ReviewRequest(*key, login.clone()))
        })),
        "ST" => first(&mut state.statuses.keys().map(|(repo, id)| Node::StatusContext(*repo, *id))),
        "CR" => first(&mut state.check_runs.keys().map(|(repo, id)| Node::CheckRun(*repo, *id))),
        "CS" => first(&mut state.check_suites.keys().map(|(repo, id)| Node::CheckSuite(*repo, *id))),
        "SCR" | "SC" => {
            let (repo, oid) = rest.split_once('_')?;
            let (repo, oid) = (repo.parse().ok()?, Oid::parse(oid)?);
            Some(if prefix == "SCR" { Node::Rollup(repo, oid) } else { Node::Status(repo, oid) })
        }
        "RE" => first(&mut state.releases.keys().map(|(repo, id)| Node::Release(*repo, *id))),
        "REA" => first(&mut state.reactions.keys().map(|(subject, id)| Node::Reaction(*subject, *id))),
        _ => None,
    };
    found.filter(visible)
}

/// The label of an id in one repository: labels of one name share their id.
pub(crate) fn label_in(state: &State, repo: RepoId, id: &str) -> Option<String> {
    let mut labels = state.labels_of(repo);
    labels.find(|label| Node::Label(repo, label.name.clone()).id(state) == id).map(|label| label.name.clone())
}

/// The login behind the id of an account.
pub(crate) fn login_of(cx: &Cx<'_, GitHub>, id: &str) -> Option<String> {
    match find(cx, id)? {
        Node::Account(login) => Some(login),
        _ => None,
    }
}

/// Whether two logins are the same account.
pub(crate) fn same(a: &str, b: &str) -> bool {
    fold(a) == fold(b)
}
