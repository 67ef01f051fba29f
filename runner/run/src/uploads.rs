//! Files of a run on their way to a control plane: all at once, best effort, redacted.

use std::collections::BTreeMap;
use std::fs;
use std::thread::{self, ScopedJoinHandle};

use pome_hosted::{BlobKind, Client, Upload};
use pome_wire::control::{TwinStateKeys, UploadUrl};
use pome_wire::files;
use pome_wire::redact::Redactor;

use crate::artifacts::{Moment, RunFolder, chain, redacted_line, state_file};

/// What is uploaded and where to.
#[derive(Debug)]
pub(crate) struct Files<'a> {
    pub(crate) client: &'a Client,
    pub(crate) session: &'a str,
    pub(crate) folder: &'a RunFolder,
    pub(crate) redactor: &'a Redactor,
    /// The primary one first.
    pub(crate) twins: &'a [String],
}

/// Names in the store of what could be uploaded.
#[derive(Debug, Default)]
pub(crate) struct Uploaded {
    pub(crate) trace: Option<String>,
    pub(crate) signals: Option<String>,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) per_twin: BTreeMap<String, TwinStateKeys>,
    /// One line for each file that could not be uploaded.
    pub(crate) warnings: Vec<String>,
}

/// One upload: what it is called, and the name in the store or why there is none.
type Uploading<'scope> = (&'static str, ScopedJoinHandle<'scope, Result<String, pome_hosted::Error>>);

impl Files<'_> {
    /// Uploads what there is. Blocks until all of it is there or has failed.
    pub(crate) fn upload(&self) -> Uploaded {
        let (client, session) = (self.client, self.session);
        let mut uploaded = Uploaded::default();
        let states = client.state_upload_urls(session, self.twins).map_err(|error| {
            uploaded.warnings.push(format!("the states were not uploaded: {}", chain(&error)));
        });
        thread::scope(|scope| {
            let put = |name, kind, bytes: Vec<u8>, upload| -> Uploading<'_> {
                let upload = move || {
                    let to = client.upload_url(session, upload)?;
                    put(client, &to, kind, &bytes)
                };
                (name, scope.spawn(upload))
            };
            let put_state = |moment, twin: &str, primary, to: UploadUrl| -> Option<Uploading<'_>> {
                let bytes = fs::read(self.folder.path(&state_file(moment, twin, primary))).ok()?;
                Some(("a state", scope.spawn(move || put_there(client, &to, &bytes))))
            };
            let events = self
                .lines(files::EVENTS)
                .map(|lines| put(files::EVENTS, BlobKind::JsonLines, lines.into_bytes(), Upload::Events));
            let signals = self
                .lines(files::SIGNALS)
                .filter(|lines| !lines.is_empty())
                .map(|lines| put(files::SIGNALS, BlobKind::JsonLines, lines.into_bytes(), Upload::Signals));
            let meta = fs::read(self.folder.path(files::META)).ok();
            let meta = meta.map(|meta| put(files::META, BlobKind::Json, meta, Upload::Meta));
            let (mut before, mut after, mut each) = (None, None, Vec::new());
            if let (Ok(urls), Some(primary)) = (states, self.twins.first()) {
                before = put_state(Moment::Initial, primary, true, urls.state_initial);
                after = put_state(Moment::Final, primary, true, urls.state_final);
                let several = urls.per_twin.filter(|_| self.twins.len() > 1).unwrap_or_default();
                for (index, twin) in self.twins.iter().enumerate() {
                    let Some(to) = several.get(twin).cloned() else { continue };
                    let before = put_state(Moment::Initial, twin, index == 0, to.state_initial);
                    each.push((twin.clone(), before, put_state(Moment::Final, twin, index == 0, to.state_final)));
                }
            }
            uploaded.trace = uploaded.key_of(events);
            uploaded.signals = uploaded.key_of(signals);
            // The server finds it by its name.
            uploaded.key_of(meta);
            uploaded.before = uploaded.key_of(before);
            uploaded.after = uploaded.key_of(after);
            for (twin, before, after) in each {
                let keys = TwinStateKeys {
                    state_initial_key: uploaded.key_of(before),
                    state_final_key: uploaded.key_of(after),
                };
                if keys != TwinStateKeys::default() {
                    uploaded.per_twin.insert(twin, keys);
                }
            }
        });
        uploaded
    }

    /// A file of lines, redacted once more: the agent writes one of them itself.
    pub(crate) fn lines(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&fs::read(self.folder.path(name)).ok()?).into_owned();
        Some(text.split_inclusive('\n').map(|line| redacted_line(line, self.redactor)).collect())
    }
}

impl Uploaded {
    /// The name in the store of one upload; its failure is a warning.
    fn key_of(&mut self, upload: Option<Uploading<'_>>) -> Option<String> {
        let (name, upload) = upload?;
        let reason = match upload.join() {
            Ok(Ok(key)) => return Some(key),
            Ok(Err(error)) => chain(&error),
            Err(_) => "the upload ended unexpectedly".to_owned(),
        };
        self.warnings.push(format!("{name} was not uploaded: {reason}"));
        None
    }
}

fn put_there(client: &Client, to: &UploadUrl, bytes: &[u8]) -> Result<String, pome_hosted::Error> {
    put(client, to, BlobKind::Json, bytes)
}

fn put(client: &Client, to: &UploadUrl, kind: BlobKind, bytes: &[u8]) -> Result<String, pome_hosted::Error> {
    client.put_blob(&to.url, kind, bytes)?;
    Ok(to.key.clone())
}
