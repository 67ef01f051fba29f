//! Users and organizations.

use pome_twin_kit::Cx;
use pome_twin_kit::graphql::{Field, Resolved};
use pome_twin_kit::ids::hash_id;
use serde_json::Value;

use super::super::node::same;
use super::super::{Answer, at, not_found, paging, unanswered};
use super::{Node, issues, pulls, repositories};
use crate::GitHub;
use crate::access::Access;
use crate::state::UserKind;
use crate::views::HTML;

/// `user`, `organization`, `repositoryOwner`
pub(super) fn of_login(cx: &Cx<'_, GitHub>, field: &Field<'_>) -> Answer {
    let login = field.text("login").unwrap_or_default();
    let found = cx.state.user(login);
    let organization = found.is_some_and(|user| user.kind == UserKind::Organization);
    match (field.name, found) {
        ("user", Some(user)) if !organization => Ok(super::account(&user.login)),
        ("organization", Some(user)) if organization => Ok(super::account(&user.login)),
        ("repositoryOwner", Some(user)) => Ok(super::account(&user.login)),
        ("repositoryOwner", None) => Ok(Resolved::NULL),
        ("organization", _) => {
            Err(not_found(format!("Could not resolve to an Organization with the login of '{login}'.")))
        }
        _ => Err(not_found(format!("Could not resolve to a User with the login of '{login}'."))),
    }
}

pub(super) fn account(cx: &mut Cx<'_, GitHub>, login: &str, field: &Field<'_>) -> Answer {
    let user = cx.state.user(login);
    let shown = user.map_or(login, |user| user.login.as_str());
    let id = hash_id(shown);
    Ok(match field.name {
        "login" => shown.into(),
        "databaseId" => id.into(),
        "avatarUrl" => {
            let size = field.number("size").map(|size| format!("&s={size}")).unwrap_or_default();
            format!("https://avatars.githubusercontent.com/u/{id}?v=4{size}").into()
        }
        "url" => format!("{HTML}/{shown}").into(),
        "resourcePath" => format!("/{shown}").into(),
        "name" => user.map_or(Resolved::NULL, |user| user.name.as_str().into()),
        // The type has no null here: an address that is not public is empty.
        "email" => user.and_then(|user| user.email.clone()).unwrap_or_default().into(),
        "createdAt" | "updatedAt" => user.map_or_else(|| at(cx.now()), |user| at(user.created_at)),
        "isViewer" => same(shown, cx.actor()).into(),
        "isSiteAdmin" => false.into(),
        "bio" | "company" | "location" | "websiteUrl" | "twitterUsername" | "description" => {
            Resolved::Leaf(Value::Null)
        }
        "repository" => {
            let name = field.text("name").unwrap_or_default();
            let found = cx.repo(shown, name).map(|repo| Node::Repository(repo.id));
            return found
                .map(Resolved::Object)
                .map_err(|_| not_found(format!("Could not resolve to a Repository with the name '{shown}/{name}'.")));
        }
        "repositories" => {
            let owned =
                cx.state.repos.values().filter(|repo| same(&repo.owner, shown) && cx.permission(repo).is_some());
            let owned: Vec<_> = owned.map(|repo| repo.id).collect();
            return repositories::listed(cx, field, &owned);
        }
        // Teams are not part of the graph; an organization shows none.
        "teams" => return paging::page(cx, field, Vec::new()),
        "issues" => {
            let (repos, login) = (repositories::visible(cx), shown.to_owned());
            return issues::listed(cx, field, &repos, |issue| same(&issue.user, &login));
        }
        "pullRequests" => {
            let (repos, login) = (repositories::visible(cx), shown.to_owned());
            return pulls::listed(cx, field, &repos, |issue, _| same(&issue.user, &login));
        }
        other => return Err(unanswered("User", other)),
    })
}

/// A page of accounts; `query` looks into the logins and names.
pub(super) fn listed(cx: &Cx<'_, GitHub>, field: &Field<'_>, mut logins: Vec<String>) -> Answer {
    logins.sort_by_key(|login| login.to_lowercase());
    logins.dedup_by(|a, b| same(a, b));
    if let Some(wanted) = field.text("query").map(str::to_lowercase).filter(|wanted| !wanted.is_empty()) {
        logins.retain(|login| {
            let name = cx.state.user(login).map(|user| user.name.to_lowercase()).unwrap_or_default();
            login.to_lowercase().contains(&wanted) || name.contains(&wanted)
        });
    }
    paging::nodes(cx, field, logins.into_iter().map(Node::Account))
}
