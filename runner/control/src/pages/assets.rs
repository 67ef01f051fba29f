//! The stylesheet, the icon and the script. Their addresses hold a digest of their content, so browsers may keep them for good.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

/// A file of the dashboard.
#[derive(Debug)]
pub(crate) struct Asset {
    name: &'static str,
    extension: &'static str,
    kind: &'static str,
    content: &'static str,
    address: LazyLock<String>,
}

pub(crate) static STYLE: Asset = Asset {
    name: "style",
    extension: "css",
    kind: "text/css; charset=utf-8",
    content: include_str!("assets/style.css"),
    address: LazyLock::new(|| STYLE.make_address()),
};

pub(crate) static ICON: Asset = Asset {
    name: "icon",
    extension: "svg",
    kind: "image/svg+xml",
    content: include_str!("assets/icon.svg"),
    address: LazyLock::new(|| ICON.make_address()),
};

pub(crate) static COMFORT: Asset = Asset {
    name: "comfort",
    extension: "js",
    kind: "text/javascript; charset=utf-8",
    content: include_str!("assets/comfort.js"),
    address: LazyLock::new(|| COMFORT.make_address()),
};

impl Asset {
    /// Where it is.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    fn make_address(&self) -> String {
        let digest = Sha256::digest(self.content);
        let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("/assets/{}-{short}.{}", self.name, self.extension)
    }
}

/// `GET /assets/{file}`.
pub(crate) async fn get(Path(file): Path<String>) -> Response {
    let address = format!("/assets/{file}");
    let Some(asset) = [&STYLE, &ICON, &COMFORT].into_iter().find(|asset| asset.address() == address) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        ),
    ];
    (headers, asset.content).into_response()
}
