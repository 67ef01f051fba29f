//! Tags by name.

use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::Deserialize;
use serde_json::json;

use super::git_objects::TagObject;
use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::{Kind, Oid};
use crate::state::RepoId;
use crate::views::Site;
use crate::views::refs::{RefView, TagView};

/// A page of tags, last name first.
pub(crate) struct Tags {
    repo: RepoId,
    page: Page<(String, Oid)>,
}

impl View<GitHub> for Tags {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(repo) = cx.state.repos.get(&self.repo) {
            self.page.write(cx, reply, |site, (name, oid)| Some(TagView { site, repo, name, oid: *oid }));
        }
    }

    fn tool(&self, _: &Cx<'_, GitHub>) -> ToolReply {
        let row = |(name, oid): &(String, Oid)| json!({ "name": name, "sha": oid });
        ToolReply::json(&self.page.keys.iter().map(row).collect::<Vec<_>>())
    }
}

#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    page: Option<i64>,
    #[serde(alias = "perPage")]
    per_page: Option<i64>,
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_tags";
    type Output = Tags;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Tags, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let objects = cx.objects();
        let leads_to = |oid: Oid| objects.peel(oid).ok().filter(|oid| objects.commit(*oid).is_ok());
        let tags = cx.state.refs_of(repo, "refs/tags/");
        let mut all: Vec<(String, Oid)> = tags
            .filter_map(|(name, tag)| Some((name.strip_prefix("refs/tags/")?.to_owned(), leads_to(tag.oid)?)))
            .collect();
        all.reverse();
        Ok(Tags { repo, page: Page::of(all.into_iter(), paging(self.page, self.per_page)) })
    }
}

/// One tag: the annotated object, or the ref of a lightweight one.
pub(crate) struct Shown {
    repo: RepoId,
    name: String,
    oid: Oid,
}

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let (site, oid) = (Site::of(cx), self.oid);
        let Some(repo) = cx.state.repos.get(&self.repo) else { return };
        if cx.objects().kind(oid) == Some(Kind::Tag) {
            reply.write_json(&TagObject { site, repo, oid });
        } else {
            reply.write_json(&RefView { site, repo, name: &self.name, oid });
        }
    }
}

/// The tool that shows a tag.
#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    tag: String,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_tag";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let name = format!("refs/tags/{}", self.tag.strip_prefix("refs/tags/").unwrap_or(&self.tag));
        let found = cx.state.refs.get(&(repo, name.clone())).map(|tag| tag.oid);
        Ok(Shown { repo, name, oid: found.ok_or_else(Error::not_found)? })
    }
}
