//! The log of a server, one line a request on standard error, and its traces for whoever collects them. Neither has headers, bodies
//! or tokens.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// How long a collector may take for one batch of spans.
const EXPORT: Duration = Duration::from_secs(10);

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged and where traces go; nothing is read from the environment.
#[derive(Debug, Clone, Default)]
pub struct LogOptions {
    /// As `info` or `pome_control=debug`. Absent: what a person wants to know.
    pub filter: Option<String>,
    /// Address of a collector that takes OTLP over HTTP (`http://collector:4318`). Absent: no traces.
    pub collector: Option<String>,
}

/// Keeps the log going; what waits is sent when it is dropped.
#[derive(Debug)]
#[must_use = "the traces end when this is dropped"]
pub struct Logging(Option<SdkTracerProvider>);

impl Drop for Logging {
    fn drop(&mut self) {
        if let Some(provider) = &self.0 {
            // A collector that is gone keeps nobody from stopping.
            let _ = provider.shutdown();
        }
    }
}

/// The log cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// `POME_LOG` cannot be read.
    #[error("`{0}` does not say what to log; expected words like `info` or `pome_control=debug`")]
    Filter(String),
    /// The collector's address cannot be used.
    #[error("traces cannot be sent to `{address}`: {reason}")]
    Collector {
        /// The address.
        address: String,
        /// Why.
        reason: String,
    },
}

/// Begins to log. A second call in a process changes nothing.
pub fn log(format: LogFormat, options: &LogOptions) -> Result<Logging, LogError> {
    let words = options.filter.as_deref().unwrap_or("warn,pome_control=info");
    let filter = EnvFilter::try_new(words).map_err(|_| LogError::Filter(words.to_owned()))?;
    let provider = options.collector.as_deref().map(traces).transpose()?;
    let spans = provider.as_ref().map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("pome")));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).with_timer(Time);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
    };
    // Whoever embeds a server may log already.
    let _ = tracing_subscriber::registry().with(filter).with(spans).with(lines).try_init();
    Ok(Logging(provider))
}

fn traces(address: &str) -> Result<SdkTracerProvider, LogError> {
    use opentelemetry_otlp::WithExportConfig as _;
    let config = ureq::Agent::config_builder().timeout_global(Some(EXPORT)).http_status_as_error(false).build();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client(config.into()))
        .with_endpoint(format!("{}/v1/traces", address.trim_end_matches('/')))
        .build()
        .map_err(|error| LogError::Collector { address: address.to_owned(), reason: error.to_string() })?;
    let resource = Resource::builder().with_service_name("pome-serve").build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// Sends batches. They come from a thread of the exporter, which may wait.
#[derive(Debug)]
struct Client(ureq::Agent);

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let answer = self.0.run(Request::from_parts(parts, body.as_ref()))?;
        let (parts, mut body) = answer.into_parts();
        Ok(Response::from_parts(parts, body.read_to_vec()?.into()))
    }
}

/// Times as everywhere else in this product.
struct Time;

impl FormatTime for Time {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        writer.write_str(&pome_wire::time::now())
    }
}
