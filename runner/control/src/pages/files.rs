//! The files of a run: its trace, and the states of its twins.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::pages::answer::Problem;
use crate::pages::queries::runs::Upload;
use crate::pages::trace::Trace;
use crate::state::Control;

/// Largest file that is read for a page, unpacked.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A file as it is stored.
pub(crate) async fn stored(control: &Control, upload: &Upload) -> Result<Option<Bytes>, Problem> {
    control.blobs.get(&upload.blob).await.map_err(|error| Problem::Blob(error.to_string()))
}

/// A file's own content.
pub(crate) async fn content(control: &Control, upload: &Upload) -> Result<Option<Bytes>, Problem> {
    let Some(bytes) = stored(control, upload).await? else { return Ok(None) };
    if upload.encoding.as_deref() != Some("gzip") {
        return Ok(Some(bytes));
    }
    let unpacked = tokio::task::spawn_blocking(move || unpack(&bytes)).await;
    unpacked
        .map_err(|error| Problem::Blob(error.to_string()))?
        .map(Some)
        .map_err(|error| Problem::Blob(error.to_string()))
}

fn unpack(bytes: &[u8]) -> std::io::Result<Bytes> {
    let mut out = Vec::new();
    // A small file may unpack to a very large one.
    let read = MultiGzDecoder::new(bytes).take(LARGEST + 1).read_to_end(&mut out)?;
    if u64::try_from(read).is_ok_and(|read| read > LARGEST) {
        return Err(std::io::Error::other("it is larger than 64 MiB unpacked"));
    }
    Ok(out.into())
}

/// The file by its name.
pub(crate) fn find<'a>(uploads: &'a [Upload], file: &str) -> Option<&'a Upload> {
    uploads.iter().find(|upload| upload.file() == file)
}

/// The trace, when there is one.
pub(crate) async fn trace(control: &Control, uploads: &[Upload]) -> Result<Option<Trace>, Problem> {
    let Some(upload) = find(uploads, "events.jsonl") else { return Ok(None) };
    let Some(bytes) = content(control, upload).await? else { return Ok(None) };
    // A long trace takes a while to read, and others wait for this thread.
    let trace = tokio::task::spawn_blocking(move || Trace::read(&String::from_utf8_lossy(&bytes))).await;
    trace.map(Some).map_err(|error| Problem::Blob(error.to_string()))
}

/// A state of a twin: before or after.
pub(crate) async fn state(control: &Control, uploads: &[Upload], file: &str) -> Result<Option<Value>, Problem> {
    let Some(upload) = find(uploads, file) else { return Ok(None) };
    let Some(bytes) = content(control, upload).await? else { return Ok(None) };
    let value = tokio::task::spawn_blocking(move || serde_json::from_slice(&bytes)).await;
    Ok(value.map_err(|error| Problem::Blob(error.to_string()))?.ok())
}
