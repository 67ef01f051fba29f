//! The log of a server: one line a request on standard error, as text or JSON.

use tracing_subscriber::EnvFilter;

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Keeps the log going; what waits is written when it is dropped.
#[derive(Debug)]
#[must_use = "the log ends when this is dropped"]
pub struct Logging;

/// Begins to log. `POME_LOG` says what, as `info` or `pome_control=debug`; without it, what a person wants to know. A second call
/// in a process changes nothing.
pub fn log(format: LogFormat) -> Logging {
    let filter = EnvFilter::try_from_env("POME_LOG").unwrap_or_else(|_| EnvFilter::new("warn,pome_control=info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // Whoever embeds a server may log already.
    let _ = match format {
        LogFormat::Text => builder.with_ansi(false).with_timer(Time).try_init(),
        LogFormat::Json => builder.with_timer(Time).json().flatten_event(true).try_init(),
    };
    Logging
}

/// Times as everywhere else in this product.
struct Time;

impl tracing_subscriber::fmt::time::FormatTime for Time {
    fn format_time(&self, writer: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        writer.write_str(&pome_wire::time::now())
    }
}
