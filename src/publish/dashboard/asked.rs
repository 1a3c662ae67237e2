//! What an address asks for, and pages of a list.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::Response;
use datafusion::common::ScalarValue;
use serde::de::DeserializeOwned;

use super::reply;
use crate::publish::numbers::{count, counted};
use crate::publish::page::{Block, Choice, Field, Link};

/// Rows of a page where nothing else is asked for, and most of them.
pub(super) const ROWS: i64 = 50;
const MAX_ROWS: i64 = 500;

/// The query of an address; one that cannot be read is answered with a page that says why.
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(rejection) => Err(reply::wrong(&rejection.body_text())),
        }
    }
}

/// Which rows of a list a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Portion {
    /// The page, from 0.
    page: u32,
    /// Rows of a page.
    rows: i64,
}

impl Portion {
    pub(super) fn new(page: u32, rows: Option<i64>) -> Self {
        Self {
            page,
            rows: rows.unwrap_or(ROWS).clamp(1, MAX_ROWS),
        }
    }

    /// The same with no more rows.
    pub(super) fn at_most(self, rows: i64) -> Self {
        Self {
            rows: self.rows.min(rows),
            ..self
        }
    }

    fn offset(self) -> i64 {
        i64::from(self.page).saturating_mul(self.rows)
    }

    /// The parameters of queries of a list.
    pub(super) fn parameters(self) -> [(&'static str, ScalarValue); 2] {
        [
            ("offset", ScalarValue::from(self.offset())),
            ("limit", ScalarValue::from(self.rows)),
        ]
    }

    /// Links to the pages before and after; `link` is the list without its page.
    pub(super) fn turns(self, link: &Link, num_rows: i64) -> Block {
        let before = self.page.checked_sub(1);
        let is_more = self.offset().saturating_add(self.rows) < num_rows;
        let after = is_more.then(|| self.page.saturating_add(1));
        let turn = |label: &str, page: Option<u32>| {
            let link = link.clone().with("page", page?);
            Some((label.to_owned(), link.address()))
        };
        let links = [turn("← Previous", before), turn("Next →", after)];
        Block::Links(links.into_iter().flatten().collect())
    }

    /// Which rows are shown of how many.
    pub(super) fn caption(self, shown: usize, num_rows: i64, one: &str, many: &str) -> String {
        let all = counted(num_rows, one, many);
        let shown = i64::try_from(shown).unwrap_or(i64::MAX);
        if shown == num_rows {
            return all;
        }
        let first = self.offset();
        format!(
            "{} to {} of {all}",
            count(first.saturating_add(1)),
            count(first.saturating_add(shown))
        )
    }
}

/// A choice between known values.
pub(super) fn choice(
    name: &'static str,
    label: &'static str,
    chosen: &str,
    known: &[(&str, &str)],
) -> Field {
    let options = known.iter().map(|(value, label)| Choice {
        value: (*value).to_owned(),
        label: (*label).to_owned(),
        is_chosen: *value == chosen,
    });
    Field::Choice {
        name,
        label,
        options: options.collect(),
    }
}
