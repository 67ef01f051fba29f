//! From a copy of what went over a decrypted connection to what a row says about it. Content is looked at and let go.
//!
//! Which shape a call has is decided by its path, because gateways and local servers speak the shapes of others. A call of an
//! unknown shape is not looked at.

mod anthropic;
mod found;
mod gemini;
mod openai;

use std::io;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use http::Method;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hyper::Response;
use pome_wire::gen_ai::GenAi;
use serde::Deserialize;
use serde_json::Value;
use sse_stream::SseByteStream;
use tokio::io::{AsyncBufRead, AsyncReadExt, BufReader};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::io::{ReaderStream, StreamReader};

use crate::reading::found::Found;

/// Most bytes of a whole answer that are kept until they can be read.
const MOST_READ: u64 = 32 << 20;

/// What a call is, as far as its address says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    shape: Shape,
    provider: String,
    operation: &'static str,
    /// Where the address names it.
    model: Option<String>,
    /// Where the address says so.
    streams: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Chat completions, completions, embeddings.
    Completions,
    Responses,
    Messages,
    GenerateContent,
}

/// The provider behind a host, in the words of the conventions where they have one.
pub(crate) fn provider(host: &str) -> Option<String> {
    let name = match host {
        "api.openai.com" => "openai",
        "generativelanguage.googleapis.com" => "gcp.gemini",
        "openrouter.ai" => "openrouter",
        "ai-gateway.vercel.sh" => "vercel",
        host if host == "anthropic.com" || host.ends_with(".anthropic.com") => "anthropic",
        _ => return None,
    };
    Some(name.to_owned())
}

impl Call {
    /// Absent: nothing is known about such calls.
    pub(crate) fn of(method: &Method, host: &str, path: &str) -> Option<Self> {
        if method != Method::POST {
            return None;
        }
        let path = path.trim_end_matches('/');
        let ends = |end: &str| path.ends_with(end);
        let (shape, own, operation) = if ends("/chat/completions") {
            (Shape::Completions, "openai", "chat")
        } else if ends("/completions") {
            (Shape::Completions, "openai", "text_completion")
        } else if ends("/embeddings") {
            (Shape::Completions, "openai", "embeddings")
        } else if ends("/responses") {
            (Shape::Responses, "openai", "chat")
        } else if ends("/messages") {
            (Shape::Messages, "anthropic", "chat")
        } else {
            return Self::gemini(host, path);
        };
        let provider = provider(host).unwrap_or_else(|| own.to_owned());
        Some(Self { shape, provider, operation, model: None, streams: None })
    }

    fn gemini(host: &str, path: &str) -> Option<Self> {
        let (model, verb) = path.rsplit_once('/')?.1.split_once(':')?;
        let streams = match verb {
            "generateContent" => false,
            "streamGenerateContent" => true,
            _ => return None,
        };
        Some(Self {
            shape: Shape::GenerateContent,
            provider: provider(host).unwrap_or_else(|| "gcp.gemini".to_owned()),
            operation: "generate_content",
            model: Some(model.to_owned()),
            streams: Some(streams),
        })
    }
}

/// What an answer says about its body.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    failed: bool,
    status: u16,
    events: bool,
    json: bool,
    codings: Vec<String>,
}

impl Head {
    pub(crate) fn of<B>(response: &Response<B>) -> Self {
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = text(CONTENT_TYPE).to_ascii_lowercase();
        let codings = text(CONTENT_ENCODING).split(',').map(|coding| coding.trim().to_ascii_lowercase());
        Self {
            failed: response.status().is_client_error() || response.status().is_server_error(),
            status: response.status().as_u16(),
            events: kind.starts_with("text/event-stream"),
            json: kind.contains("json"),
            codings: codings.filter(|coding| !coding.is_empty() && coding != "identity").collect(),
        }
    }

    /// Whether its body can be one that is understood.
    pub(crate) fn is_readable(&self) -> bool {
        self.events || self.json
    }
}

/// Reads an answer while it passes, until it ends or makes no sense any more.
pub(crate) async fn answer(call: &Call, head: &Head, pieces: &mut UnboundedReceiver<Bytes>) -> Found {
    let mut found = Found::default();
    if !head.is_readable() {
        return found;
    }
    let pieces = stream::poll_fn(|cx| pieces.poll_recv(cx)).map(Ok::<_, io::Error>);
    let Some(mut plain) = decoded(Box::new(StreamReader::new(pieces)), &head.codings) else { return found };
    if head.events {
        let mut events = SseByteStream::new(ReaderStream::new(plain));
        while let Some(Ok(event)) = events.next().await {
            let data = event.data.as_deref().and_then(|data| serde_json::from_str(data).ok());
            if let Some(data) = data {
                call.piece(&data, &mut found);
            }
        }
    } else {
        let mut whole = Vec::new();
        let read = (&mut plain).take(MOST_READ).read_to_end(&mut whole).await;
        if let Some(value) = read.ok().and_then(|_| serde_json::from_slice(&whole).ok()) {
            call.whole(&value, &mut found);
        }
    }
    found
}

/// Undoes the codings, the last one first. Absent: one of them is unknown.
fn decoded<'a>(
    mut reader: Box<dyn AsyncBufRead + Send + Unpin + 'a>,
    codings: &[String],
) -> Option<Box<dyn AsyncBufRead + Send + Unpin + 'a>> {
    for coding in codings.iter().rev() {
        reader = match coding.as_str() {
            "gzip" | "x-gzip" => Box::new(BufReader::new(GzipDecoder::new(reader))),
            "br" => Box::new(BufReader::new(BrotliDecoder::new(reader))),
            "zstd" => Box::new(BufReader::new(ZstdDecoder::new(reader))),
            "deflate" => Box::new(BufReader::new(ZlibDecoder::new(reader))),
            _ => return None,
        };
    }
    Some(reader)
}

/// The parts of a request that are kept. Everything else in it is skipped unread.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    model: Option<String>,
    stream: Option<bool>,
}

/// Everything that is known about a call.
pub(crate) fn finish(call: &Call, head: &Head, request: &[u8], found: Found) -> GenAi {
    let asked: Asked = serde_json::from_slice(request).unwrap_or_default();
    let status = head.failed.then(|| head.status.to_string());
    GenAi {
        provider: Some(call.provider.clone()),
        operation: Some(call.operation.to_owned()),
        request_model: call.model.clone().or(asked.model),
        request_stream: call.streams.or(Some(asked.stream.unwrap_or(false))),
        response_id: found.id,
        response_model: found.model,
        finish_reasons: (!found.reasons.is_empty()).then(|| found.reasons.into_values().collect()),
        time_to_first_chunk: None,
        input_tokens: found.input,
        output_tokens: found.output,
        cache_read_tokens: found.cache_read,
        cache_creation_tokens: found.cache_creation,
        reasoning_tokens: found.reasoning,
        tool_calls: found.tools.into_values().collect(),
        error_type: found.error.or(status),
    }
}

impl Call {
    fn whole(&self, value: &Value, found: &mut Found) {
        found.error(value);
        match self.shape {
            Shape::Completions => openai::completion(value, found),
            Shape::Responses => openai::response(value, found),
            Shape::Messages => anthropic::message(value, found),
            Shape::GenerateContent => match value.as_array() {
                // A streamed answer without `alt=sse` is a list.
                Some(pieces) => pieces.iter().for_each(|piece| gemini::content(piece, found)),
                None => gemini::content(value, found),
            },
        }
    }

    fn piece(&self, value: &Value, found: &mut Found) {
        found.error(value);
        match self.shape {
            Shape::Completions => openai::completion(value, found),
            Shape::Responses => openai::response_event(value, found),
            Shape::Messages => anthropic::event(value, found),
            Shape::GenerateContent => gemini::content(value, found),
        }
    }
}

#[cfg(test)]
mod tests;
