//! What can be seen of a server from outside: counters, logs and traces. Never headers, bodies or tokens.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::hosting::Hosting;

/// Upper bounds of the latency histogram, in seconds.
const LATENCIES: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0];

/// What a request is counted under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: Method,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: Method,
    route: String,
}

/// A method of HTTP; whatever else somebody sends counts as one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Method(http::Method);

impl Method {
    fn of(method: &http::Method) -> Self {
        let known = [
            http::Method::GET,
            http::Method::POST,
            http::Method::PUT,
            http::Method::PATCH,
            http::Method::DELETE,
            http::Method::HEAD,
            http::Method::OPTIONS,
        ];
        Self(known.into_iter().find(|known| known == method).unwrap_or(http::Method::TRACE))
    }
}

impl EncodeLabelValue for Method {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let word = if self.0 == http::Method::TRACE { "other" } else { self.0.as_str() };
        EncodeLabelValue::encode(&word, encoder)
    }
}

/// The counters of a server. Cheap to clone; all clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    requests: Family<Request, Counter>,
    latency: Family<Route, Histogram, fn() -> Histogram>,
    /// Active sessions in the database, as the sweeper saw them last.
    pub(crate) sessions_active: Gauge<i64, AtomicI64>,
    /// Sessions that were opened here.
    pub(crate) sessions_opened: Counter<u64, AtomicU64>,
    /// Bytes of blobs that were stored.
    pub(crate) blob_bytes: Counter<u64, AtomicU64>,
    /// Requests that were refused because there were too many.
    pub(crate) rate_limited: Counter<u64, AtomicU64>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            requests: Family::default(),
            latency: Family::new_with_constructor(|| Histogram::new(LATENCIES)),
            sessions_active: Gauge::default(),
            sessions_opened: Counter::default(),
            blob_bytes: Counter::default(),
            rate_limited: Counter::default(),
        }
    }

    /// Counts an answered request under the template of its route.
    pub(crate) fn answered(&self, method: &http::Method, route: &str, status: u16, took: Duration) {
        let method = Method::of(method);
        let route = route.to_owned();
        self.latency.get_or_create(&Route { method: method.clone(), route: route.clone() }).observe(took.as_secs_f64());
        self.requests.get_or_create(&Request { method, route, status }).inc();
    }

    /// Everything in the text format of Prometheus.
    pub(crate) fn text(&self, hosting: &Hosting) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::with_prefix("pome");
        registry.register("http_requests", "Answered requests by route and status", self.requests.clone());
        registry.register("http_request_duration_seconds", "Time to the answer by route", self.latency.clone());
        registry.register("sessions_active", "Active sessions in the database", self.sessions_active.clone());
        registry.register("sessions_opened", "Sessions opened by this host", self.sessions_opened.clone());
        registry.register("blob_bytes", "Bytes of blobs stored", self.blob_bytes.clone());
        registry.register("rate_limited", "Requests refused because there were too many", self.rate_limited.clone());
        let held = Gauge::<i64, AtomicI64>::default();
        held.set(i64::try_from(hosting.held()).unwrap_or(i64::MAX));
        registry.register("sessions_held", "Sessions whose twins this host holds", held);
        let (kept, lost, batches) = hosting.logged();
        let done = hosting.done();
        for (name, help, count) in [
            ("calls_recorded", "Calls written to the log of a session", kept),
            ("calls_lost", "Calls that could not be written and were refused", lost),
            ("log_batches", "Statements that wrote calls", batches),
            ("session_rebuilds", "Sessions rebuilt from seed and log", done.rebuilt.load(Ordering::Relaxed)),
            ("sessions_taken_over", "Sessions taken over from another host", done.taken_over.load(Ordering::Relaxed)),
            ("calls_forwarded", "Calls handed on to the owner of a session", done.forwarded.load(Ordering::Relaxed)),
            ("calls_given_up", "Calls that nobody could answer in time", done.given_up.load(Ordering::Relaxed)),
        ] {
            let counter = Counter::<u64, AtomicU64>::default();
            counter.inc_by(count);
            registry.register(name, help, counter);
        }
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{Bench, Place, on_either_database};

    on_either_database! {
        requests_are_counted_by_the_template_of_their_route,
    }

    async fn requests_are_counted_by_the_template_of_their_route(place: Place) {
        let bench = Bench::new(place).await;
        let metrics = &bench.control.metrics;
        metrics.answered(&http::Method::GET, "/v1/runs/{id}", 200, Duration::from_millis(3));
        metrics.answered(&http::Method::GET, "/v1/runs/{id}", 200, Duration::from_millis(300));
        let text = metrics.text(&bench.control.hosting).unwrap();
        for line in [
            r#"pome_http_requests_total{method="GET",route="/v1/runs/{id}",status="200"} 2"#,
            r#"pome_http_request_duration_seconds_bucket{le="0.005",method="GET",route="/v1/runs/{id}"} 1"#,
            r#"pome_http_request_duration_seconds_count{method="GET",route="/v1/runs/{id}"} 2"#,
            "pome_calls_recorded_total 0",
            "pome_sessions_active 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
    }
}
