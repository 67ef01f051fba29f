//! The forms other than JSON that a request can ask for by its media type.

use pome_twin_kit::Cx;

use crate::GitHub;

/// What the `Accept` header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    Json,
    Raw,
    Html,
    Object,
    Diff,
    Patch,
    Sha,
}

impl Media {
    /// The first form that the header names: `application/vnd.github.raw`, `.v3.raw`, `.raw+json`.
    pub(crate) fn of(cx: &Cx<'_, GitHub>) -> Self {
        let accept = cx.header("accept").unwrap_or_default();
        accept.split([',', ';']).find_map(named).unwrap_or(Self::Json)
    }

    /// The content type of an answer in this form.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Json | Self::Object => "application/json; charset=utf-8",
            Self::Raw => "application/vnd.github.raw+json; charset=utf-8",
            Self::Html => "application/vnd.github.html+json; charset=utf-8",
            Self::Diff => "application/vnd.github.diff; charset=utf-8",
            Self::Patch => "application/vnd.github.patch; charset=utf-8",
            Self::Sha => "application/vnd.github.sha; charset=utf-8",
        }
    }
}

fn named(part: &str) -> Option<Media> {
    let name = part.trim().strip_prefix("application/vnd.github.")?;
    let name = name.strip_prefix("v3.").unwrap_or(name);
    match name.strip_suffix("+json").unwrap_or(name) {
        "raw" => Some(Media::Raw),
        "html" => Some(Media::Html),
        "object" => Some(Media::Object),
        "diff" => Some(Media::Diff),
        "patch" => Some(Media::Patch),
        "sha" => Some(Media::Sha),
        _ => None,
    }
}

/// Whether search results shall say where they match.
pub(crate) fn wants_text_matches(cx: &Cx<'_, GitHub>) -> bool {
    cx.header("accept").is_some_and(|accept| accept.contains(".text-match"))
}
