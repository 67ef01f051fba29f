//! Files of runs, put to and fetched from signed addresses. The key never goes there.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use url::Url;

use crate::client::{Bearer, Client, PATIENCE, Request};
use crate::error::{Cause, Error};

/// The largest file that is fetched, unpacked.
const LARGEST: u64 = 64 << 20;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobKind {
    /// One document.
    Json,
    /// A document a line.
    JsonLines,
}

impl BlobKind {
    const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonLines => "application/x-ndjson",
        }
    }
}

impl Client {
    /// Stores a file, packed. What is put must be redacted already.
    pub fn put_blob(&self, url: &str, kind: BlobKind, bytes: &[u8]) -> Result<(), Error> {
        const ACTION: &str = "upload a file";
        let mut request = signed(ACTION, "PUT", url)?;
        let packed = pack(bytes).map_err(|error| request.fails(Cause::NotUnderstood(error.to_string())))?;
        request.headers.push(("content-type", kind.content_type().to_owned()));
        request.headers.push(("content-encoding", "gzip".to_owned()));
        request.body = Some(packed);
        self.success(&request).map(drop)
    }

    /// Fetches a file and unpacks it.
    pub fn get_blob(&self, url: &str) -> Result<Vec<u8>, Error> {
        let mut request = signed("fetch a file of the run", "GET", url)?;
        request.headers.push(("accept", "*/*".to_owned()));
        request.headers.push(("accept-encoding", "gzip, identity".to_owned()));
        let reply = self.send(&request, LARGEST)?;
        if !(200..300).contains(&reply.status) {
            return Err(request.fails(self.refused(&reply)));
        }
        match reply.encoding.as_deref().map(str::trim) {
            None | Some("" | "identity") => Ok(reply.body),
            Some("gzip" | "x-gzip") => {
                unpack(&reply.body).map_err(|problem| request.fails(Cause::NotUnderstood(problem)))
            }
            Some(other) => {
                let problem = format!("unknown content encoding `{}`", crate::error::strip(other));
                Err(request.fails(Cause::NotUnderstood(problem)))
            }
        }
    }
}

fn signed(action: &'static str, method: &'static str, url: &str) -> Result<Request<'static>, Error> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(url) = url else {
        return Err(Error { action, cause: Cause::NotUnderstood("the address of the file is no address".to_owned()) });
    };
    Ok(Request { action, method, url, headers: Vec::new(), body: None, bearer: Bearer::Nothing, patience: PATIENCE })
}

fn pack(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = MultiGzDecoder::new(packed)
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("the file cannot be unpacked: {error}"))?;
    if read as u64 > LARGEST {
        return Err(format!("the file is larger than {} MiB", LARGEST >> 20));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked() {
        let text = b"{\"a\":1}\n".repeat(1000);
        let packed = pack(&text).unwrap();
        assert!(packed.len() < text.len());
        assert_eq!(unpack(&packed).unwrap(), text);
        assert!(unpack(b"plain").is_err());
    }

    #[test]
    fn a_small_file_that_unpacks_to_too_much_is_refused() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let block = vec![0; 1 << 20];
        for _ in 0..65 {
            encoder.write_all(&block).unwrap();
        }
        let packed = encoder.finish().unwrap();
        assert!(packed.len() < 1 << 20);
        assert_eq!(unpack(&packed).unwrap_err(), "the file is larger than 64 MiB");
    }
}
