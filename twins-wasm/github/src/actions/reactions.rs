//! Reactions to issues and comments.

use pome_twin_kit::{Action, Cx, Reply, View, action};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Page, comments, commit_comments, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::state::{Permission, Reaction, State, Subject, fold};
use crate::views::Site;
use crate::views::reactions::ReactionView;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Content {
    #[serde(rename = "+1")]
    Up,
    #[serde(rename = "-1")]
    Down,
    Laugh,
    Confused,
    Heart,
    Hooray,
    Rocket,
    Eyes,
}

impl Content {
    const fn name(self) -> &'static str {
        match self {
            Self::Up => "+1",
            Self::Down => "-1",
            Self::Laugh => "laugh",
            Self::Confused => "confused",
            Self::Heart => "heart",
            Self::Hooray => "hooray",
            Self::Rocket => "rocket",
            Self::Eyes => "eyes",
        }
    }
}

/// The caller's reaction, and whether it is new: everybody gives each one once.
pub(crate) fn react(cx: &mut Cx<'_, GitHub>, subject: Subject, content: Content) -> (u64, bool) {
    let user = cx.actor().to_owned();
    let own = |reaction: &&Reaction| reaction.content == content.name() && fold(&reaction.user) == fold(&user);
    if let Some(reaction) = cx.state.reactions_to(subject).find(own) {
        return (reaction.id, false);
    }
    let now = cx.now();
    cx.state.ensure_user(&user, now);
    let id = cx.state.next_reaction.next();
    let reaction = Reaction { id, user, content: content.name().to_owned(), created_at: now };
    cx.state.reactions.insert((subject, id), reaction);
    (id, true)
}

/// Drops what was given to something that is gone.
pub(crate) fn forget(state: &mut State, subject: Subject) {
    let ids: Vec<u64> = state.reactions_to(subject).map(|reaction| reaction.id).collect();
    for id in ids {
        state.reactions.remove(&(subject, id));
    }
}

fn row(reaction: &Reaction) -> Value {
    json!({
        "id": reaction.id, "user_login": reaction.user, "content": reaction.content,
        "created_at": reaction.created_at.to_seconds().to_string(),
    })
}

/// A reaction that the caller has now given.
pub(crate) struct Given {
    subject: Subject,
    id: u64,
    new: bool,
}

impl View<GitHub> for Given {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let Some(reaction) = cx.state.reactions.get(&(self.subject, self.id)) else { return };
        if !self.new {
            reply.status = 200;
        }
        reply.write_json(&ReactionView { site: Site::of(cx), reaction });
    }
}

/// A page of reactions.
pub(crate) struct Listed {
    subject: Subject,
    page: Page<u64>,
}

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.page.write(cx, reply, |site, id| {
            let reaction = site.state.reactions.get(&(self.subject, *id))?;
            Some(ReactionView { site, reaction })
        });
    }
}

fn listed(
    state: &State,
    subject: Subject,
    content: Option<Content>,
    page: Option<i64>,
    per_page: Option<i64>,
) -> Listed {
    let wanted = |reaction: &&Reaction| content.is_none_or(|content| content.name() == reaction.content);
    let ids = state.reactions_to(subject).filter(wanted).map(|reaction| reaction.id);
    Listed { subject, page: Page::of(ids, paging(page, per_page)) }
}

fn give(cx: &mut Cx<'_, GitHub>, subject: Subject, content: Content) -> Given {
    let (id, new) = react(cx, subject, content);
    let after = cx.state.reactions.get(&(subject, id)).map(row);
    cx.changed(None, after);
    Given { subject, id, new }
}

fn take_back(cx: &mut Cx<'_, GitHub>, subject: Subject, id: u64) -> Result<action::Empty, Error> {
    let reaction = cx.state.reactions.get(&(subject, id)).ok_or_else(Error::not_found)?;
    if fold(&reaction.user) != fold(cx.actor()) {
        return Err(Error::forbidden("Resource not accessible by personal access token"));
    }
    let before = row(reaction);
    cx.changed(Some(before), None);
    cx.state.reactions.remove(&(subject, id));
    Ok(action::Empty)
}

fn of_issue(cx: &Cx<'_, GitHub>, owner: &str, name: &str, number: u64) -> Result<Subject, Error> {
    let repo = cx.repo(owner, name)?;
    Ok(Subject::Issue(repo.id, cx.issue(repo, number)?.number))
}

fn of_comment(cx: &Cx<'_, GitHub>, owner: &str, name: &str, id: u64) -> Result<Subject, Error> {
    let repo = cx.repo(owner, name)?;
    comments::of_repo(cx.state, repo.id, id).map(|comment| Subject::Comment(comment.id))
}

fn of_review_comment(cx: &Cx<'_, GitHub>, owner: &str, name: &str, id: u64) -> Result<Subject, Error> {
    let repo = cx.repo(owner, name)?.id;
    let found = cx.state.review_comments.get(&id).filter(|comment| comment.repo == repo);
    found.map(|comment| Subject::ReviewComment(comment.id)).ok_or_else(Error::not_found)
}

fn of_commit_comment(cx: &Cx<'_, GitHub>, owner: &str, name: &str, id: u64) -> Result<Subject, Error> {
    commit_comments::find(cx, owner, name, id).map(|comment| Subject::CommitComment(comment.id))
}

/// The three operations on each kind of thing that can be reacted to.
macro_rules! reactions {
    ($of:ident, $field:ident, $list:ident = $list_name:literal, $create:ident = $create_name:literal, $delete:ident = $delete_name:literal) => {
        #[derive(Deserialize)]
        pub(crate) struct $list {
            owner: String,
            repo: String,
            $field: u64,
            content: Option<Content>,
            page: Option<i64>,
            per_page: Option<i64>,
        }

        impl Action<GitHub> for $list {
            const NAME: &'static str = $list_name;
            type Output = Listed;

            fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
                let subject = $of(cx, &self.owner, &self.repo, self.$field)?;
                Ok(listed(cx.state, subject, self.content, self.page, self.per_page))
            }
        }

        #[derive(Deserialize)]
        pub(crate) struct $create {
            owner: String,
            repo: String,
            $field: u64,
            content: Content,
        }

        impl Action<GitHub> for $create {
            const NAME: &'static str = $create_name;
            const MUTATES: bool = true;
            type Output = Given;

            fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Given, Error> {
                cx.repo_to_write(&self.owner, &self.repo, Permission::Read)?;
                let subject = $of(cx, &self.owner, &self.repo, self.$field)?;
                Ok(give(cx, subject, self.content))
            }
        }

        #[derive(Deserialize)]
        pub(crate) struct $delete {
            owner: String,
            repo: String,
            $field: u64,
            reaction_id: u64,
        }

        impl Action<GitHub> for $delete {
            const NAME: &'static str = $delete_name;
            const MUTATES: bool = true;
            type Output = action::Empty;

            fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<action::Empty, Error> {
                cx.repo_to_write(&self.owner, &self.repo, Permission::Read)?;
                let subject = $of(cx, &self.owner, &self.repo, self.$field)?;
                take_back(cx, subject, self.reaction_id)
            }
        }
    };
}

reactions!(
    of_issue,
    issue_number,
    ListOnIssue = "list_issue_reactions",
    CreateOnIssue = "create_issue_reaction",
    DeleteFromIssue = "delete_issue_reaction"
);
reactions!(
    of_comment,
    comment_id,
    ListOnComment = "list_issue_comment_reactions",
    CreateOnComment = "create_issue_comment_reaction",
    DeleteFromComment = "delete_issue_comment_reaction"
);
reactions!(
    of_review_comment,
    comment_id,
    ListOnReviewComment = "list_review_comment_reactions",
    CreateOnReviewComment = "create_review_comment_reaction",
    DeleteFromReviewComment = "delete_review_comment_reaction"
);
reactions!(
    of_commit_comment,
    comment_id,
    ListOnCommitComment = "list_commit_comment_reactions",
    CreateOnCommitComment = "create_commit_comment_reaction",
    DeleteFromCommitComment = "delete_commit_comment_reaction"
);
