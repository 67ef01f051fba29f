//! Pull requests, their comments and reviews.

use pome_twin_kit::checks::{Assert, Substrate, Verdict, World};
use serde::Deserialize;
use serde_json::Value;

use super::lookup;

#[derive(Debug, Deserialize)]
pub(super) struct InState {
    pub(super) pr: u64,
    pub(super) repo: String,
    /// `merged`, `not merged`, `open` or `closed`.
    pub(super) pr_state: String,
}

impl Assert for InState {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let pull = lookup::pull(world.last()?, &self.repo, self.pr)?;
        if let "open" | "closed" = self.pr_state.as_str() {
            let state = pull.text("state")?;
            let reason = format!("pull request #{} is {state}", self.pr);
            let pointer = format!("{}/state", pull.pointer);
            return Ok(Verdict::when(state == self.pr_state, reason.clone(), reason).at(pointer));
        }
        let merged = match pull.value.get("merged") {
            Some(Value::Bool(merged)) => *merged,
            Some(Value::Number(merged)) => merged.as_u64() == Some(1),
            _ => {
                return Err(Verdict::skipped(
                    "state_incomplete",
                    format!("the exported state has no `{}/merged`", pull.pointer),
                ));
            }
        };
        let reason = format!("pull request #{} is {}", self.pr, if merged { "merged" } else { "not merged" });
        let wanted = self.pr_state == "merged";
        Ok(Verdict::when(merged == wanted, reason.clone(), reason).at(format!("{}/merged", pull.pointer)))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct HasComment {
    pub(super) pr: u64,
    pub(super) repo: String,
}

impl Assert for HasComment {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let pull = lookup::pull(world.last()?, &self.repo, self.pr)?;
        let count = pull.list("comments")?.len();
        let reason = format!("pull request #{} has {count} comment(s)", self.pr);
        Ok(Verdict::when(count > 0, reason.clone(), reason).at(format!("{}/comments", pull.pointer)))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct HasReview {
    pub(super) pr: u64,
    pub(super) repo: String,
    pub(super) review_state: String,
}

impl Assert for HasReview {
    const SUBSTRATE: Substrate = Substrate::Final;

    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
        let pull = lookup::pull(world.last()?, &self.repo, self.pr)?;
        let reviews = pull.items("reviews")?;
        let state = |review: &lookup::Found<'_>| review.text("state").unwrap_or_default().to_owned();
        Ok(match reviews.iter().find(|review| state(review) == self.review_state) {
            Some(review) => {
                Verdict::passed(format!("a {} review exists on pull request #{}", self.review_state, self.pr))
                    .at(review.pointer.clone())
            }
            None => {
                let states: Vec<String> = reviews.iter().map(state).collect();
                let states: Vec<&str> = states.iter().map(String::as_str).collect();
                Verdict::failed(format!("reviews of pull request #{}: {}", self.pr, lookup::list(&states)))
                    .at(format!("{}/reviews", pull.pointer))
            }
        })
    }
}
