//! Pages as answers to requests.

use std::sync::{Arc, LazyLock};

use axum::Extension;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::header::{X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::model::printable;
use crate::publish::PublishError;
use crate::publish::page::{Block, Page, Section, Tab, html};
use crate::publish::report::ReportError;
use crate::publish::whatif::WhatifError;

/// Nothing is loaded and no script runs, whatever a name in a log says; forms go to this server.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let own = "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let policy = format!("{}; {own}", html::policy());
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// A page.
pub(super) fn shown(tab: Tab, page: &Page) -> Response {
    reply(StatusCode::OK, tab, page)
}

/// Why there is no page.
#[derive(Debug)]
pub(super) struct PageError {
    status: StatusCode,
    sentence: String,
}

impl PageError {
    /// What was asked for makes no sense.
    pub(super) fn usage(sentence: String) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            sentence,
        }
    }

    /// The lake or the machine is wrong.
    pub(super) fn failed(error: impl std::fmt::Display) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            sentence: error.to_string(),
        }
    }
}

impl From<WhatifError> for PageError {
    fn from(error: WhatifError) -> Self {
        match error {
            WhatifError::Usage(_) | WhatifError::NotKnown { .. } => Self::usage(error.to_string()),
            error => Self::failed(error),
        }
    }
}

impl From<ReportError> for PageError {
    fn from(error: ReportError) -> Self {
        let status = match &error {
            ReportError::Unknown { .. } => StatusCode::NOT_FOUND,
            error if error.is_usage() => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self {
            status,
            sentence: error.to_string(),
        }
    }
}

impl From<PublishError> for PageError {
    fn from(error: PublishError) -> Self {
        let status = match &error {
            PublishError::NotFound(_) => StatusCode::NOT_FOUND,
            PublishError::Ask(error) if error.is_usage() => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self {
            status,
            sentence: error.to_string(),
        }
    }
}

/// A page that says why there is no other.
pub(super) fn failed(tab: Tab, error: &PageError) -> Response {
    let PageError { status, sentence } = error;
    if status.is_server_error() {
        tracing::warn!(error = %sentence, "a page could not be made");
    }
    let title = match *status {
        StatusCode::NOT_FOUND => "Not in this lake",
        StatusCode::BAD_REQUEST => "This address asks for something else",
        _ => "This page could not be made",
    };
    let mut why = Section::new("verdict", "Why").with(Block::Text(sentence_case(sentence)));
    if let Some(address) = address_in(sentence) {
        why = why.with(Block::Links(vec![(
            "Show them".to_owned(),
            address.to_owned(),
        )]));
    }
    let page = Page {
        title: title.to_owned(),
        sections: vec![why],
        ..Page::default()
    };
    reply(*status, tab, &page)
}

/// The page of this server at which a sentence says that things are listed.
fn address_in(sentence: &str) -> Option<&str> {
    const LISTED: &str = " are listed at ";
    let at = sentence.rfind(LISTED)? + LISTED.len();
    let address = sentence.get(at..)?;
    let is_ours = address.starts_with('/') && !address.starts_with("//") && !address.contains(' ');
    is_ours.then_some(address)
}

/// An error as a sentence of its own: a capital letter first, a period last.
fn sentence_case(error: &str) -> String {
    let mut letters = error.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    let end = if error.ends_with(['.', '?', '!']) {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.unwrap_or_default(), letters.as_str())
}

/// An address whose query cannot be read.
pub(super) fn wrong(reason: &str) -> Response {
    let error = PageError::usage(format!(
        "{}. Correct the address, or start at the overview.",
        printable(reason)
    ));
    failed(Tab::Overview, &error)
}

/// The picture in the tab of a browser: three bars.
pub(super) async fn icon() -> impl IntoResponse {
    const ICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><path \
                        d=\"M1 9h3v6H1zM6 5h3v10H6zM11 1h3v14h-3z\" fill=\"#3f73a8\"/></svg>";
    ([(CONTENT_TYPE, "image/svg+xml")], ICON)
}

fn reply(status: StatusCode, tab: Tab, page: &Page) -> Response {
    let fixed = |text| HeaderValue::from_static(text);
    let headers = [
        (CONTENT_TYPE, fixed("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, POLICY.clone()),
        (X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (X_FRAME_OPTIONS, fixed("DENY")),
        (REFERRER_POLICY, fixed("no-referrer")),
        // A run of the night changes what a page shows.
        (CACHE_CONTROL, fixed("no-store")),
    ];
    // Pages inside of another program are written from the page itself.
    let page_itself = Extension(Arc::new(page.clone()));
    let html = html::write_in_site(page, tab);
    (status, headers, page_itself, html).into_response()
}
