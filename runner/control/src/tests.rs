//! What the tests of several modules need: a place for a database of either kind, a configuration, and a server that is asked
//! without a network.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use pome_tests::Postgres;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::config::{Config, Evaluation};
use crate::secrets::Secrets;
use crate::state::Control;
use crate::store::Store;

pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

/// A folder and a database of a test's own. Whoever opens it again finds what was there.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    database_url: Option<String>,
}

impl Place {
    /// With the embedded database.
    pub(crate) fn sqlite() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database_url: None }
    }

    /// With a database of a server; nothing, said loudly, where there is none.
    pub(crate) fn postgres() -> Option<Self> {
        Some(Self { database_url: Some(Postgres::database()?), ..Self::sqlite() })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) async fn store(&self) -> Store {
        crate::serve::store(self.folder(), self.database_url.as_deref()).await.unwrap()
    }

    /// What a server here is told.
    pub(crate) fn config(&self) -> Config {
        Config { database_url: self.database_url.clone(), ..config(self.folder()) }
    }
}

/// Runs each of these functions, which take a [`Place`], as a test on either kind of database.
macro_rules! on_either_database {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test($crate::tests::Place::sqlite()).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let Some(place) = $crate::tests::Place::postgres() else { return };
                super::$test(place).await;
            })*
        }
    };
}
pub(crate) use on_either_database;

pub(crate) fn config(folder: &Path) -> Config {
    Config {
        listen: ([127, 0, 0, 1], 0).into(),
        public_url: None,
        data_dir: folder.to_owned(),
        database_url: None,
        blobs_url: None,
        blob_options: Vec::new(),
        secrets: Secrets::new(SECRET, "a test").unwrap(),
        max_sessions: 50,
        session_ttl: Duration::from_secs(1800),
        evaluation: Evaluation::Client,
        auto_approve: false,
        components: Vec::new(),
        host_url: None,
        version: "0.1.0".to_owned(),
        judge: Vec::new(),
    }
}

/// A server without a listener.
pub(crate) struct Bench {
    pub(crate) control: Arc<Control>,
    pub(crate) key: String,
    router: Router,
    _place: Place,
}

impl Bench {
    pub(crate) async fn new(place: Place) -> Self {
        Self::with(place, |_| ()).await
    }

    pub(crate) async fn with_twins(place: Place, twins: &[&str]) -> Self {
        Self::with_limits(place, twins, pome_sandbox::Limits::default()).await
    }

    /// With twins that may use no more than this.
    pub(crate) async fn with_limits(place: Place, twins: &[&str], limits: pome_sandbox::Limits) -> Self {
        let engine = pome_sandbox::Engine::new(limits).unwrap();
        let components = twins.iter().map(|twin| engine.embedded(twin).unwrap()).collect();
        Self::with(place, |config| config.components = components).await
    }

    /// Makes another team and gives its key.
    pub(crate) async fn other_team(&self, slug: &str, plan: &str) -> String {
        let store = &self.control.store;
        crate::keys::add_team(store, slug, plan, None).await.unwrap();
        let (team, user) = crate::keys::team(store, slug).await.unwrap();
        crate::keys::mint(store, &team, &user, "a test").await.unwrap().full
    }

    pub(crate) async fn with(place: Place, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = place.config();
        change(&mut config);
        let store = place.store().await;
        let url = "http://127.0.0.1:8787";
        let hosting = crate::hosting::Hosting::start(&config, &store, url, url).await.unwrap();
        let key = crate::keys::first_start(&store).await.unwrap().unwrap();
        let blobs = crate::blobs::Blobs::open(&config).unwrap();
        let control = Control::new(config, url, store, blobs, hosting);
        let router = crate::api::router(Arc::clone(&control), Router::new());
        Self { control, key, router, _place: place }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> http::Response<axum::body::Bytes> {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        http::Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    }

    /// Asks with the first key.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        self.ask_as(&self.key, method, path, body).await
    }

    pub(crate) async fn ask_as(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-api-key", key)
            .header("content-type", "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .unwrap();
        let answer = self.send(request).await;
        let value = if answer.body().is_empty() { Value::Null } else { serde_json::from_slice(answer.body()).unwrap() };
        (answer.status(), value)
    }
}
