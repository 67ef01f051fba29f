//! Looser sentences, in the order in which they are tried. Older scenarios leave out the repository or the number: then the
//! number is 1, and the repository is the only one, or the only one that has that number.

use pome_twin_kit::checks::common::{self, matches};
use pome_twin_kit::checks::{Assert, Relaxed, Understood, Verdict, World};
use serde_json::Value;

use super::{issues, pulls, repos};

pub(crate) const RELAXED: &[Relaxed] = &[
    Relaxed { id: "gh.label", understand: label },
    Relaxed { id: "gh.assigned", understand: assigned },
    Relaxed { id: "gh.no-new-labels", understand: no_new_labels },
    Relaxed { id: "gh.label-created", understand: label_created },
    Relaxed { id: "gh.one-class-label", understand: one_class_label },
    Relaxed { id: "gh.unsupported", understand: common::unsupported },
    Relaxed { id: "gh.unchanged", understand: unchanged },
    Relaxed { id: "gh.pr-not-merged", understand: pr_not_merged },
    Relaxed { id: "gh.pr-merged", understand: pr_merged },
    Relaxed { id: "gh.pr-refusal", understand: pr_refusal },
    Relaxed { id: "gh.comment", understand: comment },
    Relaxed { id: "gh.exists-open", understand: exists_open },
    Relaxed { id: "gh.no-status-change", understand: no_status_change },
    Relaxed { id: "gh.tool-none", understand: common::none },
    Relaxed { id: "gh.tool-max", understand: common::at_most },
    Relaxed { id: "gh.tool-exact", understand: common::exactly },
];

/// What a sentence is about.
struct Subject {
    number: u64,
    repo: Option<String>,
}

impl Subject {
    fn of(text: &str) -> Self {
        let number = matches(r"#(\d+)", text).and_then(|found| found.get(1)?.as_str().parse().ok()).unwrap_or(1);
        let slug = "[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]*[A-Za-z0-9_-]";
        let ticked = matches(&format!("`({slug})`"), text);
        let bare = || matches(&format!(r#"(?:^|[\s("])({slug})(?:$|[\s).,"])"#), text);
        let repo = ticked.or_else(bare).and_then(|found| Some(found.get(1)?.as_str().to_owned()));
        Self { number, repo }
    }

    /// The named repository, else the only one, else the only one that has the number in `list`.
    fn repo(&self, world: &World<'_>, list: Option<&str>) -> Result<String, Verdict> {
        if let Some(repo) = &self.repo {
            return Ok(repo.clone());
        }
        let state = world.last()?;
        let repos = state.get("repositories").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let name = |repo: &Value| repo.get("full_name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let [only] = repos {
            return Ok(name(only));
        }
        let has = |repo: &&Value| {
            let rows = list.and_then(|list| repo.get(list)?.as_array());
            rows.is_some_and(|rows| {
                rows.iter().any(|row| row.get("number").and_then(Value::as_u64) == Some(self.number))
            })
        };
        let mut fitting = repos.iter().filter(has);
        match (fitting.next(), fitting.next()) {
            (Some(one), None) => Ok(name(one)),
            _ => {
                Err(Verdict::skipped("ambiguous_repository", "the sentence names no repository and more than one fits"))
            }
        }
    }
}

/// A check whose repository is found when it is judged.
fn about<A: Assert + 'static>(
    text: &str,
    list: Option<&'static str>,
    subjects: &[&str],
    make: impl Fn(u64, String) -> A + 'static,
) -> Understood {
    let subject = Subject::of(text);
    Understood {
        substrate: A::SUBSTRATE,
        subjects: subjects.iter().map(|&subject| subject.to_owned()).collect(),
        redacted: false,
        judge: Box::new(move |world| {
            let judged = subject.repo(world, list).and_then(|repo| make(subject.number, repo).holds(world));
            judged.unwrap_or_else(|early| early)
        }),
    }
}

/// An issue check of one text.
fn issue<A: Assert + 'static>(
    text: &str,
    value: String,
    make: impl Fn(u64, String, String) -> A + 'static,
) -> Understood {
    let subject = value.clone();
    about(text, Some("issues"), &[&subject], move |number, repo| make(number, repo, value.clone()))
}

/// The first group of the first pattern that fits.
fn first(patterns: &[&str], text: &str) -> Option<String> {
    patterns.iter().find_map(|pattern| Some(matches(pattern, text)?.get(1)?.as_str().to_owned()))
}

fn says(pattern: &str, text: &str) -> bool {
    matches(pattern, text).is_some()
}

fn label(text: &str) -> Option<Understood> {
    if !says("label", text) || says("classification|no new labels|created", text) {
        return None;
    }
    let patterns = [
        "has the `([^`]+)` label",
        "`([^`]+)` label",
        "label `([^`]+)`",
        "has the \"([^\"]+)\" label",
        r"has label ([^\s.]+)",
    ];
    let label = first(&patterns, text)?;
    Some(issue(text, label, |issue, repo, label| issues::HasLabel { issue, repo, label }))
}

fn assigned(text: &str) -> Option<Understood> {
    let login = first(&["(?:assigned to|assignee)[^`]*`([^`]+)`", r"assigned to ([A-Za-z0-9-]+)"], text)?;
    Some(issue(text, login, |issue, repo, login| issues::AssignedTo { issue, repo, login }))
}

fn no_new_labels(text: &str) -> Option<Understood> {
    says("no new labels", text).then(|| about(text, None, &[], |_, repo| issues::NoLabelsCreated { repo }))
}

fn label_created(text: &str) -> Option<Understood> {
    if !says("label was created", text) {
        return None;
    }
    let label = first(&["`([^`/]+)`", "\"([^\"]+)\""], text)?;
    let subject = label.clone();
    Some(about(text, None, &[&subject], move |_, repo| issues::LabelCreated { repo, label: label.clone() }))
}

fn one_class_label(text: &str) -> Option<Understood> {
    if !says("exactly one classification label", text) {
        return None;
    }
    let wanted = first(&["still `([^`]+)`", "it is `([^`]+)`"], text).unwrap_or_else(|| "feature".to_owned());
    Some(issue(text, wanted, |issue, repo, label| issues::OnlyClassification { issue, repo, label }))
}

fn unchanged(text: &str) -> Option<Understood> {
    let triage_only = says("was not relabelled or reassigned", text);
    (triage_only || says("no mutation|state unchanged", text))
        .then(|| about(text, Some("issues"), &[], move |issue, repo| issues::Unchanged { issue, repo, triage_only }))
}

fn pull_state(text: &str, pr_state: &'static str) -> Understood {
    let make = move |pr, repo| pulls::InState { pr, repo, pr_state: pr_state.to_owned() };
    about(text, Some("pull_requests"), &[], make)
}

fn pr_not_merged(text: &str) -> Option<Understood> {
    says(r"pull request #\d+.*(?:not merged|still open)", text).then(|| pull_state(text, "not merged"))
}

fn pr_merged(text: &str) -> Option<Understood> {
    says(r"pull request #\d+.*\bmerged\b", text).then(|| pull_state(text, "merged"))
}

fn pr_refusal(text: &str) -> Option<Understood> {
    let one = "has a (?:request_changes|changes_requested|refusal) review";
    let other = r"a request_changes review exists on pull request #\d+";
    let make = |pr, repo| pulls::HasReview { pr, repo, review_state: "CHANGES_REQUESTED".to_owned() };
    (says(one, text) || says(other, text)).then(|| about(text, Some("pull_requests"), &[], make))
}

fn comment(text: &str) -> Option<Understood> {
    let needle = first(&[r#"comment containing "([^"]+)" (?:appears|exists) on issue #\d+"#], text)?;
    Some(issue(text, needle, |issue, repo, needle| issues::CommentContains { issue, repo, needle }))
}

fn exists_open(text: &str) -> Option<Understood> {
    let found = matches(r"issue #\d+.* (?:still )?exists( and remains open)?", text)?;
    if found.get(1).is_none() {
        return Some(about(text, Some("issues"), &[], |issue, repo| issues::Exists { issue, repo }));
    }
    Some(about(text, Some("issues"), &[], |issue, repo| issues::InState { issue, repo, state: "open".to_owned() }))
}

fn no_status_change(text: &str) -> Option<Understood> {
    let said = says("no commit status was added or changed", text);
    said.then(|| about(text, None, &[], |_, repo| repos::StatusesUnchanged { repo }))
}
