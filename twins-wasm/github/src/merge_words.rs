//! What the commits of merges say unless the caller says it.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum SquashTitle {
    PrTitle,
    /// The subject of the only commit, or the title of the pull request when there are more.
    #[default]
    CommitOrPrTitle,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum SquashMessage {
    PrBody,
    #[default]
    CommitMessages,
    Blank,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum MergeTitle {
    PrTitle,
    #[default]
    MergeMessage,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum MergeMessage {
    PrBody,
    #[default]
    PrTitle,
    Blank,
}

/// The settings of one repository.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct MergeWords {
    pub(crate) squash_title: SquashTitle,
    pub(crate) squash_message: SquashMessage,
    pub(crate) merge_title: MergeTitle,
    pub(crate) merge_message: MergeMessage,
}

/// A wish to change them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wished {
    pub(crate) squash_title: Option<SquashTitle>,
    pub(crate) squash_message: Option<SquashMessage>,
    pub(crate) merge_title: Option<MergeTitle>,
    pub(crate) merge_message: Option<MergeMessage>,
    /// The older switch for the title of squashed commits; the newer setting wins.
    pub(crate) pull_title: Option<bool>,
}

impl MergeWords {
    pub(crate) fn with(self, wished: Wished) -> Self {
        let older = |pull| if pull { SquashTitle::PrTitle } else { SquashTitle::CommitOrPrTitle };
        let older = wished.pull_title.map(older);
        Self {
            squash_title: wished.squash_title.or(older).unwrap_or(self.squash_title),
            squash_message: wished.squash_message.unwrap_or(self.squash_message),
            merge_title: wished.merge_title.unwrap_or(self.merge_title),
            merge_message: wished.merge_message.unwrap_or(self.merge_message),
        }
    }
}
