//! What can be done, one struct an operation, grouped by area. The words are the same in `views`, `checks` and `cases`.

pub(crate) mod archives;
pub(crate) mod assets;
pub(crate) mod assignees;
pub(crate) mod branches;
pub(crate) mod check_runs;
pub(crate) mod check_suites;
pub(crate) mod collaborators;
pub(crate) mod comments;
pub(crate) mod commit_comments;
pub(crate) mod commits;
pub(crate) mod contents;
pub(crate) mod copilot;
pub(crate) mod deploy_keys;
pub(crate) mod events;
pub(crate) mod follows;
pub(crate) mod forks;
pub(crate) mod gists;
pub(crate) mod git_objects;
pub(crate) mod git_rows;
pub(crate) mod hooks;
pub(crate) mod invitations;
pub(crate) mod issue_lists;
pub(crate) mod issue_types;
pub(crate) mod issues;
pub(crate) mod labels;
pub(crate) mod media;
pub(crate) mod merges;
pub(crate) mod milestones;
pub(crate) mod notifications;
pub(crate) mod orgs;
pub(crate) mod protection;
pub(crate) mod pulls;
pub(crate) mod rate_limit;
pub(crate) mod reactions;
pub(crate) mod refs;
pub(crate) mod releases;
pub(crate) mod repo_lists;
pub(crate) mod repos;
pub(crate) mod review_comments;
pub(crate) mod reviews;
pub(crate) mod rows;
pub(crate) mod rulesets;
pub(crate) mod search;
pub(crate) mod stars;
pub(crate) mod statuses;
pub(crate) mod sub_issues;
pub(crate) mod tags;
pub(crate) mod teams;
pub(crate) mod transfers;
pub(crate) mod users;
pub(crate) mod workflow_runs;
pub(crate) mod workflow_tools;
pub(crate) mod workflows;

use pome_twin_kit::page::Paging;
use pome_twin_kit::{Cx, Reply};
use serde::Serialize;

use crate::GitHub;
use crate::views::Site;

/// The page that a list was asked for, with GitHub's limits.
pub(crate) fn paging(page: Option<i64>, per_page: Option<i64>) -> Paging {
    Paging::new(page, per_page, 30, 100)
}

/// A page of keys; a view says how each is shown. REST gives the array and the `Link` header.
pub(crate) struct Page<K> {
    /// The keys of this page only.
    pub(crate) keys: Vec<K>,
    /// How many there are over all pages.
    pub(crate) total: usize,
    pub(crate) paging: Paging,
}

impl<K> Page<K> {
    /// Takes one page of `all`; walks the rest only to count it.
    pub(crate) fn of(all: impl Iterator<Item = K>, paging: Paging) -> Self {
        let mut keys = Vec::new();
        let mut total = 0;
        let (start, end) = (paging.start(), paging.start().saturating_add(paging.per_page));
        for key in all {
            if total >= start && total < end {
                keys.push(key);
            }
            total += 1;
        }
        Self { keys, total, paging }
    }

    /// Sets the `Link` header.
    pub(crate) fn link(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let address = format!("{}{}", cx.origin, cx.path);
        if let Some(link) = self.paging.link(&address, cx.query, self.total) {
            reply.header("link", link);
        }
    }

    /// Writes the array of this page, each key by `show`.
    pub(crate) fn write<'s, S: Serialize>(
        &'s self,
        cx: &'s Cx<'_, GitHub>,
        reply: &mut Reply,
        show: impl Fn(Site<'s>, &'s K) -> Option<S>,
    ) {
        let site = Site::of(cx);
        let rows: Vec<S> = self.keys.iter().filter_map(|key| show(site, key)).collect();
        reply.write_json(&rows);
        self.link(cx, reply);
    }
}
