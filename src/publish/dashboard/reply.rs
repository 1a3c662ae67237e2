//! Pages as answers to requests.

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::header::{X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use axum::response::{IntoResponse, Response};

use crate::publish::page::{Block, Page, Section, Tab, html};
use crate::publish::report::ReportError;

/// Nothing is loaded and no script runs, whatever a name in a log says; forms go to this server.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// A page.
pub(super) fn shown(tab: Tab, page: &Page) -> Response {
    reply(StatusCode::OK, tab, page)
}

/// Why there is no page.
pub(super) fn failed(tab: Tab, error: &ReportError) -> Response {
    let status = match error {
        ReportError::Unknown { .. } => StatusCode::NOT_FOUND,
        error if error.is_usage() => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    if status.is_server_error() {
        tracing::warn!(%error, "a page could not be made");
    }
    let title = match status {
        StatusCode::NOT_FOUND => "Not in this lake",
        _ => "This page could not be made",
    };
    let page = Page {
        title: title.to_owned(),
        sections: vec![Section::new("verdict", "Why").with(Block::Text(error.to_string()))],
        ..Page::default()
    };
    reply(status, tab, &page)
}

fn reply(status: StatusCode, tab: Tab, page: &Page) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        // A run of the night changes what a page shows.
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, html::write_in_site(page, tab)).into_response()
}
