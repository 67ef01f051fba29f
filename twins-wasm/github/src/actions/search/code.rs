//! Search in the files of default branches.

use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::query::{Query, Range, Term};
use super::{Order, Place, Results, known_places, page_of, parse, repos_in};
use crate::GitHub;
use crate::access::Access;
use crate::actions::contents::only;
use crate::actions::media::wants_text_matches;
use crate::actions::repos::language_of;
use crate::actions::{Page, paging};
use crate::error::Error;
use crate::git::{Mode, Oid, paths};
use crate::state::{RepoId, fold};
use crate::views::repos::RepoView;
use crate::views::{EncodedPath, HTML, Site};

/// How much of the text around a match is shown.
const AROUND: usize = 80;

/// A file that was found.
pub(crate) struct Hit {
    repo: RepoId,
    path: String,
    blob: Oid,
    /// The commit that it was found in.
    commit: Oid,
}

pub(crate) struct Found {
    page: Page<Hit>,
    /// The words to show in their surroundings.
    words: Vec<String>,
    fields: Vec<String>,
}

/// One file of a repository, ready to be looked at.
struct File<'a> {
    path: &'a str,
    /// In lower case.
    text: &'a str,
    size: u64,
}

/// Where free text may be.
#[derive(Clone, Copy)]
struct Where {
    path: bool,
    file: bool,
}

impl Where {
    fn of(query: &Query) -> Self {
        let places: Vec<&str> = query
            .terms()
            .filter(|term| term.qualifier.as_deref() == Some("in"))
            .map(|term| term.value.as_str())
            .collect();
        let named =
            |name: &str| places.is_empty() || places.iter().any(|place| place.split(',').any(|one| one == name));
        Self { path: named("path"), file: named("file") }
    }
}

fn holds(file: &File<'_>, term: &Term, looked: Where) -> bool {
    let (path, value) = (fold(file.path), term.value.as_str());
    let Some(qualifier) = term.qualifier.as_deref() else {
        return (looked.path && path.contains(value)) || (looked.file && file.text.contains(value));
    };
    match qualifier {
        // Looked at before, for the whole repository, or not a condition.
        "repo" | "user" | "org" | "in" | "fork" => !term.negated,
        "path" => paths::is_within(&path, value.trim_matches('/')) || (value == "/" && !path.contains('/')),
        "filename" => paths::name(&path).contains(value),
        "extension" => path.rsplit_once('.').is_some_and(|(_, extension)| extension == value.trim_start_matches('.')),
        "language" => language_of(file.path).is_some_and(|language| fold(language) == value),
        "size" => Range::of_numbers(value).is_some_and(|range| range.holds(file.size)),
        // A colon inside of free text, such as `std::fs`.
        _ => {
            let text = format!("{qualifier}:{value}");
            (looked.path && path.contains(&text)) || (looked.file && file.text.contains(&text))
        }
    }
}

/// Every file is indexed as soon as it is written, so all of them are equally fresh.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sort {
    Indexed,
}

#[derive(Deserialize)]
pub(crate) struct Search {
    #[serde(alias = "query")]
    q: Option<String>,
    #[serde(default, rename = "sort")]
    _sort: Option<Sort>,
    /// Holds only together with `sort`.
    #[serde(default, rename = "order")]
    _order: Order,
    page: Option<i64>,
    #[serde(alias = "perPage")]
    per_page: Option<i64>,
    #[serde(default)]
    fields: Vec<String>,
}

impl Action<GitHub> for Search {
    const NAME: &'static str = "search_code";
    type Output = Found;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Found, Error> {
        let query = parse(self.q.as_deref())?;
        known_places(cx, &query)?;
        let looked = Where::of(&query);
        let forks = query.terms().any(|term| term.qualifier.as_deref() == Some("fork"));
        let objects = cx.objects();
        let mut hits: Vec<(String, Hit)> = Vec::new();
        for id in repos_in(cx, &query) {
            let Some(repo) = cx.state.repos.get(&id) else { continue };
            let named = query
                .terms()
                .any(|term| term.qualifier.as_deref() == Some("repo") && Place::of(repo).holds(term) == Some(true));
            let Some(commit) = cx.state.head(repo).filter(|_| repo.parent.is_none() || forks || named) else {
                continue;
            };
            for (path, side) in objects.files(objects.commit(commit)?.tree)? {
                if !matches!(side.mode, Mode::File | Mode::Executable) {
                    continue;
                }
                let bytes = objects.blob(side.oid)?;
                let text = std::str::from_utf8(bytes).map(str::to_lowercase).unwrap_or_default();
                let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                let file = File { path: &path, text: &text, size };
                if query.holds(|term| holds(&file, term, looked)) {
                    hits.push((fold(&repo.full_name()), Hit { repo: id, path, blob: side.oid, commit }));
                }
            }
        }
        hits.sort_by(|a, b| (&a.0, &a.1.path).cmp(&(&b.0, &b.1.path)));
        let words =
            query.terms().filter(|term| term.qualifier.is_none() && !term.negated).map(|term| term.value.clone());
        let hits = hits.into_iter().map(|(_, hit)| hit).collect();
        let page = page_of(hits, paging(self.page, self.per_page))?;
        Ok(Found { page, words: words.collect(), fields: self.fields })
    }
}

impl Found {
    /// The first line or so around each word that the file has.
    fn matches(&self, cx: &Cx<'_, GitHub>, hit: &Hit) -> Vec<Value> {
        let text =
            cx.objects().blob(hit.blob).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
        let url = cx.state.repos.get(&hit.repo).map(|repo| {
            format!("{}/repos/{}/contents/{}?ref={}", cx.origin, repo.full_name(), EncodedPath(&hit.path), hit.commit)
        });
        let shown = |word: &String| {
            // Lower case keeps the places of ASCII text; other text is shown only where the places agree.
            let at = text.to_ascii_lowercase().find(word.as_str())?;
            let start = text.get(..at)?.char_indices().rev().take(AROUND).last().map_or(at, |(start, _)| start);
            let rest = text.get(at..)?;
            let end = at + rest.char_indices().nth(AROUND).map_or(rest.len(), |(end, _)| end);
            let fragment = text.get(start..end)?;
            let matched = text.get(at..at + word.len())?;
            Some(json!({
                "object_url": url, "object_type": "FileContent", "property": "content", "fragment": fragment,
                "matches": [{ "text": matched, "indices": [at - start, at - start + word.len()] }],
            }))
        };
        self.words.iter().filter_map(shown).collect()
    }
}

/// `code-search-result-item`
struct Item<'a> {
    site: Site<'a>,
    hit: &'a Hit,
    matches: Option<Vec<Value>>,
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (site, hit) = (self.site, self.hit);
        let repo = site.state.repos.get(&hit.repo);
        let full = repo.map(crate::state::Repo::full_name).unwrap_or_default();
        let (api, path, commit) = (site.api, EncodedPath(&hit.path), hit.commit);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", paths::name(&hit.path))?;
        map.serialize_entry("path", &hit.path)?;
        map.serialize_entry("sha", &hit.blob)?;
        map.serialize_entry("url", &format_args!("{api}/repos/{full}/contents/{path}?ref={commit}"))?;
        map.serialize_entry("git_url", &format_args!("{api}/repos/{full}/git/blobs/{}", hit.blob))?;
        map.serialize_entry("html_url", &format_args!("{HTML}/{full}/blob/{commit}/{path}"))?;
        map.serialize_entry("repository", &repo.map(|repo| RepoView::short(site, repo)))?;
        map.serialize_entry("score", &1.0)?;
        if let Some(matches) = &self.matches {
            map.serialize_entry("text_matches", matches)?;
        }
        map.end()
    }
}

impl View<GitHub> for Found {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        let asked = wants_text_matches(cx);
        let items = self.page.keys.iter().map(|hit| Item { site, hit, matches: asked.then(|| self.matches(cx, hit)) });
        reply.write_json(&Results::new(self.page.total, items.collect()));
        self.page.link(cx, reply);
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let items = self.page.keys.iter().map(|hit| {
            let full = cx.state.repos.get(&hit.repo).map(crate::state::Repo::full_name);
            let mut item =
                json!({ "name": paths::name(&hit.path), "path": hit.path, "sha": hit.blob, "repository": full });
            let matches = self.matches(cx, hit);
            if !matches.is_empty() {
                item["text_matches"] = matches.into();
            }
            only(item, &self.fields)
        });
        ToolReply::json(&Results::new(self.page.total, items.collect::<Vec<_>>()))
    }
}
