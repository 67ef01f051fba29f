//! Places for blobs, results, and rows of runs.

use pome_wire::control::{
    ResultAnswer, ResultRequest, RunPage, RunRow, StateUploadRequest, StateUploadUrls, UploadUrl,
};
use serde_json::json;

use crate::client::{Client, id};
use crate::error::Error;

/// A file of a run that has one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upload {
    /// `events.jsonl`
    Events,
    /// `signals.jsonl`
    Signals,
    /// `meta.json`
    Meta,
}

/// Which runs are asked for. Everything is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this group of trials.
    pub group_id: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// Of this scenario.
    pub scenario: Option<String>,
    /// Of this session.
    pub session_id: Option<String>,
    /// At most 200.
    pub limit: Option<u32>,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

impl Client {
    /// A place for one file.
    pub fn upload_url(&self, session: &str, upload: Upload) -> Result<UploadUrl, Error> {
        const ACTION: &str = "get a place for an upload";
        let route = match upload {
            Upload::Events => "result-upload-url",
            Upload::Signals => "signals-upload-url",
            Upload::Meta => "meta-upload-url",
        };
        self.json(&self.with_body(ACTION, &["sessions", id(ACTION, session)?, route], &json!({}))?)
    }

    /// Places for the states; `twins` when there are several.
    pub fn state_upload_urls(&self, session: &str, twins: &[String]) -> Result<StateUploadUrls, Error> {
        const ACTION: &str = "get places for the states";
        let document = StateUploadRequest { twins: if twins.len() > 1 { twins.to_vec() } else { Vec::new() } };
        self.json(&self.with_body(ACTION, &["sessions", id(ACTION, session)?, "state-upload-url"], &document)?)
    }

    /// Stores a result that was judged here.
    pub fn post_result(&self, session: &str, result: &ResultRequest) -> Result<ResultAnswer, Error> {
        const ACTION: &str = "store the result";
        self.json(&self.with_body(ACTION, &["sessions", id(ACTION, session)?, "result"], result)?)
    }

    /// One run, by its own id or that of its session.
    pub fn run(&self, run: &str) -> Result<RunRow, Error> {
        const ACTION: &str = "look up the run";
        self.json(&self.request(ACTION, "GET", &["runs", id(ACTION, run)?]))
    }

    /// Runs, newest first.
    pub fn runs(&self, filter: &RunFilter) -> Result<RunPage, Error> {
        let mut request = self.request("list runs", "GET", &["runs"]);
        let limit = filter.limit.map(|limit| limit.clamp(1, 200).to_string());
        let pairs = [
            ("group_id", &filter.group_id),
            ("tag", &filter.tag),
            ("scenario", &filter.scenario),
            ("session_id", &filter.session_id),
            ("limit", &limit),
            ("cursor", &filter.cursor),
        ];
        for (name, value) in pairs {
            if let Some(value) = value {
                request.url.query_pairs_mut().append_pair(name, value);
            }
        }
        self.json(&request)
    }
}
