//! Events of issues and pull requests in the seed document: `events: [{event, actor?, created_at?, ..}]` with the members that
//! the event has on the vendor's page (`label`, `assignee`, `milestone`, `rename`, `requested_reviewer`, `lock_reason`,
//! `state_reason`, `commit_id`, `source` as a number of the same repository).

use serde::Deserialize;

use super::{Builder, invalid, time_or};
use crate::error::Error;
use crate::events::What;
use crate::git::Oid;
use pome_twin_kit::clock::Time;

#[derive(Deserialize)]
pub(super) struct SeedEvent {
    event: String,
    #[serde(default)]
    actor: Option<String>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    assignee: Option<String>,
    #[serde(default)]
    milestone: Option<String>,
    #[serde(default)]
    rename: Option<SeedRename>,
    #[serde(default)]
    requested_reviewer: Option<String>,
    #[serde(default)]
    lock_reason: Option<String>,
    #[serde(default)]
    state_reason: Option<String>,
    #[serde(default)]
    commit_id: Option<String>,
    #[serde(default)]
    source: Option<u64>,
}

#[derive(Deserialize)]
struct SeedRename {
    from: String,
    to: String,
}

impl Builder<'_> {
    /// Events of an issue, `place` being their list in the document.
    pub(super) fn events(
        &mut self,
        list: Vec<SeedEvent>,
        number: u64,
        otherwise: Time,
        place: &str,
    ) -> Result<(), Error> {
        for (at, event) in list.into_iter().enumerate() {
            let place = format!("{place}.{at}");
            let when = time_or(event.created_at.as_deref(), &format!("{place}.created_at"), otherwise)?;
            let actor = self.author(event.actor.clone());
            let what = self.what(event, &place)?;
            self.state.happened((self.id, number), &actor, when, what);
        }
        Ok(())
    }

    fn what(&self, event: SeedEvent, place: &str) -> Result<What, Error> {
        let required = |name: &str, value: Option<String>| {
            value.ok_or_else(|| invalid(&format!("{place}.{name}"), "invalid_type", "is required for this event"))
        };
        let commit = |value: Option<String>| {
            let text = required("commit_id", value)?;
            let known = Oid::parse(&text).filter(|oid| self.state.git.objects.commit(*oid).is_ok());
            known.ok_or_else(|| invalid(&format!("{place}.commit_id"), "missing", "is no commit of the repository"))
        };
        let labelled = |value: Option<String>| {
            let name = required("label", value)?;
            let color =
                self.state.label(self.id, &name).map_or_else(|| "ededed".to_owned(), |label| label.color.clone());
            Ok::<_, Error>((name, color))
        };
        let SeedEvent { state_reason: reason, .. } = event;
        Ok(match event.event.as_str() {
            "labeled" => labelled(event.label).map(|(name, color)| What::Labeled { name, color })?,
            "unlabeled" => labelled(event.label).map(|(name, color)| What::Unlabeled { name, color })?,
            "assigned" => What::Assigned(required("assignee", event.assignee)?),
            "unassigned" => What::Unassigned(required("assignee", event.assignee)?),
            "milestoned" => What::Milestoned(required("milestone", event.milestone)?),
            "demilestoned" => What::Demilestoned(required("milestone", event.milestone)?),
            "renamed" => {
                let missing = || invalid(&format!("{place}.rename"), "invalid_type", "is required for this event");
                let SeedRename { from, to } = event.rename.ok_or_else(missing)?;
                What::Renamed { from, to }
            }
            "closed" => What::Closed { reason },
            "reopened" => What::Reopened { reason },
            "locked" => What::Locked { reason: event.lock_reason },
            "unlocked" => What::Unlocked,
            "merged" => What::Merged(Some(commit(event.commit_id)?)),
            "head_ref_deleted" => What::HeadRefDeleted,
            "head_ref_restored" => What::HeadRefRestored,
            "head_ref_force_pushed" => What::HeadRefForcePushed(commit(event.commit_id)?),
            "base_ref_changed" => What::BaseRefChanged,
            "review_requested" => What::ReviewRequested(required("requested_reviewer", event.requested_reviewer)?),
            "review_request_removed" => {
                What::ReviewRequestRemoved(required("requested_reviewer", event.requested_reviewer)?)
            }
            "ready_for_review" => What::ReadyForReview,
            "convert_to_draft" => What::ConvertToDraft,
            "referenced" => What::Referenced(commit(event.commit_id)?),
            "cross-referenced" => {
                let missing = || invalid(&format!("{place}.source"), "invalid_type", "is required for this event");
                What::CrossReferenced((self.id, event.source.ok_or_else(missing)?))
            }
            "mentioned" => What::Mentioned,
            "subscribed" => What::Subscribed,
            "comment_deleted" => What::CommentDeleted,
            other => {
                let message = format!("`{other}` is no event that a seed may hold");
                return Err(invalid(&format!("{place}.event"), "invalid_value", &message));
            }
        })
    }
}
