//! Files of runs in an object store, and addresses by which they can be sent and fetched for a while.

use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use http::Method;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload, WriteMultipart};
use ring::hmac;

use crate::config::Config;
use crate::ids::hex;

/// How long an address is good, in seconds.
const LIFE: i64 = 15 * 60;

/// Largest blob.
pub(crate) const LARGEST: usize = 64 * 1024 * 1024;

/// Size of the parts that a stored stream is cut into; the smallest that S3 takes.
const PART: usize = 5 * 1024 * 1024;

/// The blobs of a server.
#[derive(Debug, Clone)]
pub(crate) struct Blobs {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    key: Arc<hmac::Key>,
}

/// The object store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BlobsError {
    /// The folder cannot be made.
    #[error("cannot make the folder of blobs `{path}`")]
    Folder {
        /// The folder.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The address is not one of an object store that is known here.
    #[error("cannot use `{url}` for blobs; a bucket is named like `s3://bucket/prefix`")]
    Address {
        /// The address without credentials.
        url: String,
        /// Why.
        source: object_store::Error,
    },
}

/// A blob cannot be stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PutError {
    #[error("the blob is too large")]
    TooLarge,
    #[error("the body of the request broke off")]
    Broken,
    #[error("the object store refused it")]
    Store(#[from] object_store::Error),
}

/// Why an address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It was not made here, or for something else.
    Forged,
    /// It was good once.
    Late,
}

impl Blobs {
    pub(crate) fn open(config: &Config) -> Result<Self, BlobsError> {
        let key = Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &config.secrets.derive("blob addresses")));
        match &config.blobs_url {
            None => Ok(Self { store: folder(&config.data_dir.join("blobs"))?, prefix: Path::default(), key }),
            Some(address) => {
                let wrong = |source| BlobsError::Address { url: without_credentials(address), source };
                let url = reqwest::Url::parse(address).map_err(|error| {
                    wrong(object_store::Error::Generic { store: "address", source: Box::new(error) })
                })?;
                let options = config.blob_options.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                let (store, prefix) = object_store::parse_url_opts(&url, options).map_err(wrong)?;
                Ok(Self { store: store.into(), prefix, key })
            }
        }
    }

    /// Stores bytes under a key, all or nothing.
    pub(crate) async fn put(&self, key: &str, bytes: Bytes) -> Result<(), object_store::Error> {
        self.store.put(&self.path(key), PutPayload::from_bytes(bytes)).await.map(drop)
    }

    /// Stores a stream under a key, all or nothing, and says how long it was.
    pub(crate) async fn put_stream<S, E>(&self, key: &str, mut stream: S) -> Result<usize, PutError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        // Most blobs are small: those go in one request.
        let mut first = Vec::new();
        while first.len() < PART {
            match stream.next().await {
                None => {
                    let size = first.len();
                    self.put(key, first.into()).await?;
                    return Ok(size);
                }
                Some(Ok(chunk)) => first.extend_from_slice(&chunk),
                Some(Err(_)) => return Err(PutError::Broken),
            }
        }
        let mut size = first.len();
        let upload = self.store.put_multipart(&self.path(key)).await?;
        let mut parts = WriteMultipart::new_with_chunk_size(upload, PART);
        parts.write(&first);
        drop(first);
        let problem = loop {
            match stream.next().await {
                None => break None,
                Some(Ok(chunk)) if size + chunk.len() > LARGEST => break Some(PutError::TooLarge),
                Some(Ok(chunk)) => {
                    size += chunk.len();
                    if let Err(error) = parts.wait_for_capacity(2).await {
                        break Some(error.into());
                    }
                    parts.put(chunk);
                }
                Some(Err(_)) => break Some(PutError::Broken),
            }
        };
        if let Some(problem) = problem {
            parts.abort().await?;
            return Err(problem);
        }
        parts.finish().await?;
        Ok(size)
    }

    /// The bytes under a key, when there are any.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Bytes>, object_store::Error> {
        match self.store.get(&self.path(key)).await {
            Ok(found) => found.bytes().await.map(Some),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same as a stream with its length.
    pub(crate) async fn get_stream(
        &self,
        key: &str,
    ) -> Result<Option<(u64, BoxStream<'static, object_store::Result<Bytes>>)>, object_store::Error> {
        match self.store.get(&self.path(key)).await {
            Ok(found) => Ok(Some((found.meta.size, found.into_stream()))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the store answers.
    pub(crate) async fn ping(&self) -> Result<(), object_store::Error> {
        self.store.list(Some(&self.path("team-none"))).try_next().await.map(drop)
    }

    /// The query of an address that allows one method on one key for a while, and when it ends (seconds since 1970).
    pub(crate) fn sign(&self, method: &Method, key: &str, now_millis: i64) -> (String, i64) {
        let exp = now_millis.div_euclid(1000) + LIFE;
        let tag = hmac::sign(&self.key, signed(method, key, exp).as_bytes());
        (format!("exp={exp}&sig={}", hex(tag.as_ref())), exp)
    }

    /// Whether such a query is ours and still good.
    pub(crate) fn verify(
        &self,
        method: &Method,
        key: &str,
        exp: &str,
        sig: &str,
        now_millis: i64,
    ) -> Result<(), Refused> {
        let sig = unhex(sig).ok_or(Refused::Forged)?;
        // The number is signed as it is written: no other spelling of it is good.
        let written = exp.parse::<i64>().ok().filter(|number| number.to_string() == exp).ok_or(Refused::Forged)?;
        hmac::verify(&self.key, signed(method, key, written).as_bytes(), &sig).map_err(|_| Refused::Forged)?;
        if written.saturating_mul(1000) < now_millis { Err(Refused::Late) } else { Ok(()) }
    }

    fn path(&self, key: &str) -> Path {
        key.split('/').fold(self.prefix.clone(), Path::join)
    }
}

fn folder(path: &FilePath) -> Result<Arc<dyn ObjectStore>, BlobsError> {
    let error = |source| BlobsError::Folder { path: path.display().to_string(), source };
    std::fs::create_dir_all(path).map_err(error)?;
    let store = LocalFileSystem::new_with_prefix(path).map_err(|source| error(std::io::Error::other(source)))?;
    Ok(Arc::new(store))
}

fn signed(method: &Method, key: &str, exp: i64) -> String {
    format!("{method}\n{key}\n{exp}")
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// Whether a key is of the kind that this server makes:
/// `^team-[A-Za-z0-9_]+/session-[A-Za-z0-9_]+/[a-z_]+(\.[a-z0-9_-]+)?\.(jsonl|json)$`.
pub(crate) fn is_key(key: &str) -> bool {
    let word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let mut parts = key.split('/');
    let (Some(team), Some(session), Some(file), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    team.strip_prefix("team-").is_some_and(word) && session.strip_prefix("session-").is_some_and(word) && is_file(file)
}

fn is_file(file: &str) -> bool {
    let Some((stem, "json" | "jsonl")) = file.rsplit_once('.') else { return false };
    let (name, twin) = stem.split_once('.').map_or((stem, None), |(name, twin)| (name, Some(twin)));
    let twin_fits = twin.is_none_or(|twin| {
        !twin.is_empty() && twin.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
    });
    !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_')) && twin_fits
}

/// The key of a file of a session.
pub(crate) fn key(team: &str, session: &str, file: &str) -> String {
    format!("team-{team}/session-{session}/{file}")
}

/// The team and the session in a key that [`is_key`] accepts.
pub(crate) fn owner(key: &str) -> Option<(&str, &str)> {
    let mut parts = key.split('/');
    Some((parts.next()?.strip_prefix("team-")?, parts.next()?.strip_prefix("session-")?))
}

/// An address as it may be shown.
fn without_credentials(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let rest = rest.split(['?', '#']).next().unwrap_or_default();
            format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, place)| place))
        }
        None => "(not an address)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs() -> Blobs {
        Blobs {
            store: Arc::new(object_store::memory::InMemory::new()),
            prefix: Path::default(),
            key: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, b"a secret of a test")),
        }
    }

    fn query(query: &str) -> (&str, &str) {
        let (exp, sig) = query.split_once('&').unwrap();
        (exp.strip_prefix("exp=").unwrap(), sig.strip_prefix("sig=").unwrap())
    }

    #[test]
    fn an_address_is_good_for_one_method_one_key_and_a_while() {
        let blobs = blobs();
        let key = "team-tm_a/session-ses_b/events.jsonl";
        let now = 1_800_000_000_000;
        let (text, until) = blobs.sign(&Method::PUT, key, now);
        let (exp, sig) = query(&text);
        assert_eq!(until, 1_800_000_900);
        let verify = |method, key, exp, sig, now| blobs.verify(&method, key, exp, sig, now);
        assert_eq!(verify(Method::PUT, key, exp, sig, now), Ok(()));
        assert_eq!(verify(Method::PUT, key, exp, sig, now + 900_000), Ok(()));
        assert_eq!(verify(Method::PUT, key, exp, sig, now + 900_001), Err(Refused::Late));
        assert_eq!(verify(Method::GET, key, exp, sig, now), Err(Refused::Forged));
        assert_eq!(verify(Method::PUT, "team-tm_a/session-ses_c/events.jsonl", exp, sig, now), Err(Refused::Forged));
        assert_eq!(verify(Method::PUT, key, "1800000901", sig, now), Err(Refused::Forged));
        for spelling in ["+1800000900", "01800000900", " 1800000900", "", "x"] {
            assert_eq!(verify(Method::PUT, key, spelling, sig, now), Err(Refused::Forged), "{spelling}");
        }
        for forged in ["", "00", &sig[..62], &format!("{sig}00"), &sig.to_uppercase(), "zz"] {
            assert_eq!(verify(Method::PUT, key, exp, forged, now), Err(Refused::Forged), "{forged}");
        }
    }

    #[test]
    fn keys_are_only_those_that_are_made_here() {
        for good in [
            "team-tm_a/session-ses_b/events.jsonl",
            "team-tm_a/session-ses_b/state_initial.json",
            "team-tm_a/session-ses_b/state_final.my-twin_2.json",
        ] {
            assert!(is_key(good), "{good}");
        }
        for bad in [
            "",
            "team-/session-a/events.jsonl",
            "team-a/session-b",
            "team-a/session-b/",
            "team-a/session-b/events",
            "team-a/session-b/events.txt",
            "team-a/session-b/.json",
            "team-a/session-b/../c.json",
            "team-a/session-../events.jsonl",
            "team-a/session-b/events.jsonl/x",
            "/team-a/session-b/events.jsonl",
            "team-a/session-b/Events.jsonl",
            "team-a/session-b/state..json",
            "team-a/session-b/state.A.json",
            "team-a/session-b/a.b.c.json",
            "team-a/session-b/events.jsonl\n",
            "team-a%2f/session-b/events.jsonl",
        ] {
            assert!(!is_key(bad), "{bad}");
        }
        assert_eq!(owner("team-tm_a/session-ses_b/events.jsonl"), Some(("tm_a", "ses_b")));
    }

    #[tokio::test]
    async fn a_stream_is_stored_whole_or_not_at_all() {
        let blobs = blobs();
        let key = "team-a/session-b/events.jsonl";
        let chunk = Bytes::from(vec![7; 1024 * 1024]);
        let stream =
            |count: usize| futures_util::stream::iter((0..count).map(|_| Ok::<_, std::io::Error>(chunk.clone())));
        assert_eq!(blobs.put_stream(key, stream(1)).await.unwrap(), 1024 * 1024);
        assert_eq!(blobs.put_stream(key, stream(12)).await.unwrap(), 12 * 1024 * 1024);
        assert_eq!(blobs.get(key).await.unwrap().unwrap().len(), 12 * 1024 * 1024);
        assert!(matches!(blobs.put_stream(key, stream(65)).await, Err(PutError::TooLarge)));
        let broken = futures_util::stream::iter([Ok(chunk.clone()), Err(std::io::Error::other("gone"))]);
        assert!(matches!(blobs.put_stream(key, broken).await, Err(PutError::Broken)));
        assert_eq!(blobs.get(key).await.unwrap().unwrap().len(), 12 * 1024 * 1024, "what was there stays");
        assert_eq!(blobs.get("team-a/session-b/meta.json").await.unwrap(), None);
    }
}
