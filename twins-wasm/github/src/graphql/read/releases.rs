//! Releases.

use pome_twin_kit::Cx;
use pome_twin_kit::graphql::{Field, Resolved};

use super::super::{Answer, at, maybe_at, paging, unanswered};
use super::{Node, account, gone, ordered, repo_of};
use crate::GitHub;
use crate::access::Access;
use crate::state::{Permission, Release, RepoId};
use crate::views::releases::html;
use crate::views::{Encoded, EncodedPath, HTML};

/// Releases that the caller sees: drafts only with the right to write.
fn visible<'a>(cx: &'a Cx<'_, GitHub>, repo: RepoId) -> Vec<&'a Release> {
    let held = cx.state.repos.get(&repo).and_then(|repo| cx.permission(repo));
    let mut rows: Vec<_> =
        cx.state.releases_of(repo).filter(|release| !release.draft || held >= Some(Permission::Write)).collect();
    rows.sort_by_key(|release| std::cmp::Reverse((release.created_at, release.id)));
    rows
}

pub(super) fn listed(cx: &Cx<'_, GitHub>, repo: RepoId, field: &Field<'_>) -> Answer {
    let mut rows = visible(cx, repo);
    ordered(field, &mut rows, |release, by| match by {
        "NAME" => (release.name.clone().unwrap_or_default(), 0),
        _ => (String::new(), release.created_at.0),
    });
    paging::nodes(cx, field, rows.into_iter().map(|release| Node::Release(repo, release.id)))
}

pub(super) fn tagged(cx: &Cx<'_, GitHub>, repo: RepoId, tag: &str) -> Option<Node> {
    let found = visible(cx, repo).into_iter().find(|release| release.tag_name == tag);
    found.map(|release| Node::Release(repo, release.id))
}

/// The newest that is neither a draft nor a prerelease.
pub(super) fn latest(cx: &Cx<'_, GitHub>, repo: RepoId) -> Option<Node> {
    let mut full = visible(cx, repo).into_iter().filter(|release| !release.draft && !release.prerelease);
    full.next().map(|release| Node::Release(repo, release.id))
}

pub(super) fn release(cx: &Cx<'_, GitHub>, repo: RepoId, id: u64, field: &Field<'_>) -> Answer {
    let row = repo_of(cx, repo)?;
    let release = cx.state.releases.get(&(repo, id)).ok_or_else(gone)?;
    let url = html(row, release);
    let tag = format!("refs/tags/{}", release.tag_name);
    Ok(match field.name {
        "databaseId" => id.into(),
        "tagName" => release.tag_name.as_str().into(),
        "name" => release.name.clone().into(),
        "description" => release.body.clone().into(),
        "isDraft" => release.draft.into(),
        "isPrerelease" => release.prerelease.into(),
        "isLatest" => (latest(cx, repo) == Some(Node::Release(repo, id))).into(),
        "immutable" => false.into(),
        "createdAt" => at(release.created_at),
        "publishedAt" => maybe_at(release.published_at),
        "updatedAt" => at(release.published_at.unwrap_or(release.created_at)),
        "resourcePath" => url.strip_prefix(HTML).unwrap_or(&url).into(),
        "url" => url.into(),
        "author" => account(&release.author),
        "repository" => Resolved::Object(Node::Repository(repo)),
        "releaseAssets" => {
            let wanted = field.text("name");
            let assets = cx.state.activity.assets_of(repo, id);
            let assets = assets.filter(|asset| wanted.is_none_or(|name| asset.name == name)).map(|asset| {
                let place = format!("releases/download/{}/{}", EncodedPath(&release.tag_name), Encoded(&asset.name));
                Resolved::record(vec![
                    ("id", format!("RA_{}", asset.id).into()),
                    ("name", asset.name.as_str().into()),
                    ("contentType", asset.content_type.as_str().into()),
                    ("downloadCount", 0.into()),
                    ("size", asset.bytes.len().into()),
                    ("url", format!("{HTML}/{}/{place}", row.full_name()).into()),
                    ("createdAt", at(asset.created_at)),
                    ("updatedAt", at(asset.updated_at)),
                ])
            });
            return paging::page(cx, field, assets.collect());
        }
        "tag" => {
            let known = cx.state.refs.contains(&(repo, tag.clone()));
            Resolved::maybe(known.then_some(Node::Ref(repo, tag)))
        }
        "tagCommit" => {
            let found = cx.state.refs.get(&(repo, tag)).and_then(|tag| cx.objects().peel(tag.oid).ok());
            Resolved::maybe(found.map(|oid| Node::Commit(repo, oid)))
        }
        other => return Err(unanswered("Release", other)),
    })
}
