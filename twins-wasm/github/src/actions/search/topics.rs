//! Search for topics: those that the repositories carry.

use std::collections::BTreeMap;

use pome_twin_kit::clock::Time;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::query::{Range, has_text};
use super::{Results, page_of, parse};
use crate::GitHub;
use crate::access::Access;
use crate::actions::{Page, paging};
use crate::error::Error;

/// What is known of a topic: nobody curates it, so only its repositories speak for it.
#[derive(Clone)]
struct Topic {
    name: String,
    repositories: u64,
    /// Of the oldest repository that carries it.
    created_at: Time,
    /// Of the repository that was changed last.
    updated_at: Time,
}

/// A page of topics.
pub(crate) struct Found(Page<Topic>);

impl View<GitHub> for Found {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let row = |topic: &Topic| {
            json!({
                "name": topic.name,
                "display_name": null,
                "short_description": null,
                "description": null,
                "created_by": null,
                "released": null,
                "created_at": topic.created_at.to_seconds(),
                "updated_at": topic.updated_at.to_seconds(),
                "featured": false,
                "curated": false,
                "score": 1.0,
                "repository_count": topic.repositories,
            })
        };
        let items: Vec<Value> = self.0.keys.iter().map(row).collect();
        reply.write_json(&Results::new(self.0.total, items));
        self.0.link(cx, reply);
    }
}

#[derive(Deserialize)]
pub(crate) struct Search {
    q: Option<String>,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for Search {
    const NAME: &'static str = "search_topics";
    type Output = Found;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Found, Error> {
        let query = parse(self.q.as_deref())?;
        let mut topics: BTreeMap<&str, Topic> = BTreeMap::new();
        for repo in cx.state.repos.values().filter(|repo| cx.permission(repo).is_some()) {
            for name in &repo.topics {
                let new = Topic {
                    name: name.clone(),
                    repositories: 0,
                    created_at: repo.created_at,
                    updated_at: repo.updated_at,
                };
                let topic = topics.entry(name).or_insert(new);
                topic.repositories += 1;
                topic.created_at = topic.created_at.min(repo.created_at);
                topic.updated_at = topic.updated_at.max(repo.updated_at);
            }
        }
        let admits = |topic: &Topic| {
            query.holds(|term| match term.qualifier.as_deref() {
                None => has_text(&topic.name, &term.value),
                Some("repositories") => {
                    Range::of_numbers(&term.value).is_some_and(|range| range.holds(topic.repositories))
                }
                Some("created") => Range::of_times(&term.value).is_some_and(|range| range.holds(topic.created_at.0)),
                Some("is") => matches!(term.value.as_str(), "not-curated" | "not-featured"),
                Some(_) => false,
            })
        };
        let mut found: Vec<Topic> = topics.into_values().filter(admits).collect();
        found.sort_by_key(|topic| std::cmp::Reverse(topic.repositories));
        Ok(Found(page_of(found, paging(self.page, self.per_page))?))
    }
}
