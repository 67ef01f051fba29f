//! Bodies in and out, and the answers that are the gateway's own.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use pome_sandbox::Header;
use tokio::sync::mpsc;

use crate::log::NotKept;
use crate::server::HttpLimits;

/// A whole answer, or pieces that are still being read.
#[derive(Debug)]
pub enum Body {
    /// All of it.
    Whole(Option<Bytes>),
    /// One after the other.
    Pieces(mpsc::Receiver<Bytes>),
}

/// An answer of the gateway or of a twin.
pub type Reply = Response<Body>;

/// A request gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// An injected fault closes the connection.
    #[error("the connection is closed on purpose")]
    Closed,
    /// The call is not in the log, or not known to be: what became of it has to be found out before it is answered.
    #[error("the call could not be logged")]
    NotKept,
}

impl From<NotKept> for Unanswered {
    fn from(_: NotKept) -> Self {
        Self::NotKept
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Pieces(pieces) => pieces.poll_recv(cx).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Pieces(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Pieces(_) => SizeHint::default(),
        }
    }
}

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An answer with one content type.
pub(crate) fn reply(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Body::Whole(Some(body.into())));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, content_type);
    reply
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    reply(status, JSON, body)
}

/// An answer of the gateway about a request that no vendor knows.
pub(crate) fn problem(status: StatusCode, code: &str, message: &str) -> Reply {
    let body = serde_json::json!({ "error": { "code": code, "message": message } });
    json(status, body.to_string())
}

/// What is at no address.
pub(crate) fn nothing_here() -> Reply {
    reply(StatusCode::NOT_FOUND, HeaderValue::from_static("text/plain; charset=UTF-8"), "404 Not Found")
}

/// Turns the header lines of a twin into those of an answer; the name of the line that is none otherwise.
pub(crate) fn headers(lines: &[Header]) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::with_capacity(lines.len() + 2);
    for line in lines {
        let bad = || line.name.clone();
        let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| bad())?;
        // Framing belongs to the connection, not to the twin.
        if matches!(name.as_str(), "content-length" | "transfer-encoding" | "connection" | "keep-alive" | "upgrade") {
            continue;
        }
        let value = HeaderValue::from_bytes(line.value.as_bytes()).map_err(|_| bad())?;
        map.append(name, value);
    }
    Ok(map)
}

/// Reads a request body within the limits.
pub(crate) async fn read<B>(body: B, limits: &HttpLimits) -> Result<Bytes, Reply>
where
    B: HttpBody,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let too_large = || {
        let message = format!("the request body is larger than {} bytes", limits.body);
        closing(problem(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", &message))
    };
    if body.size_hint().lower() > limits.body as u64 {
        return Err(too_large());
    }
    match tokio::time::timeout(limits.body_time, Limited::new(body, limits.body).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => {
            let message = "the request body broke off";
            Err(closing(problem(StatusCode::BAD_REQUEST, "incomplete_body", message)))
        }
        Err(_) => {
            let message = "the request body did not arrive in time";
            Err(closing(problem(StatusCode::REQUEST_TIMEOUT, "timeout", message)))
        }
    }
}

fn closing(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(http::header::CONNECTION, HeaderValue::from_static("close"));
    reply
}
