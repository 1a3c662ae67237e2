//! The dashboard: the lake's reports as pages of a server, and lists to find them by.
//!
//! Every page is made on the server from SQL over the lake as it is now, so a nightly run needs no
//! restart. Every state has a URL, nothing is loaded from elsewhere, and no script is needed.

mod lists;
mod query;
mod reply;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use self::lists::ListQuery;
use self::query::SqlQuery;
use self::reply::{failed, shown};
use super::page::{Page, Tab};
use super::report::{Questions, Report, ReportError, Subject};
use crate::analyze::Catalog;
use crate::ask::AskLake;

/// What the dashboard shows.
pub struct Dashboard {
    /// The lake.
    pub ask: AskLake,
    /// The catalog that its queries and the rules are in.
    pub catalog: Catalog,
    /// How commands name the lake.
    pub lake: String,
}

/// The pages.
pub fn router(dashboard: Dashboard) -> Router {
    Router::new()
        .route("/", get(overview))
        .route("/applications", get(applications))
        .route("/application", get(application))
        .route("/jobs", get(jobs))
        .route("/job", get(job))
        .route("/findings", get(findings))
        .route("/sql", get(sql))
        .with_state(Arc::new(dashboard))
}

type Shared = State<Arc<Dashboard>>;

/// Which application.
#[derive(Debug, Deserialize)]
struct ApplicationQuery {
    id: String,
}

/// Which job.
#[derive(Debug, Deserialize)]
struct JobQuery {
    key: String,
}

impl Dashboard {
    fn questions(&self) -> Questions<'_> {
        Questions {
            ask: &self.ask,
            catalog: &self.catalog,
            lake: &self.lake,
        }
    }

    async fn report(&self, subject: Subject<'_>) -> Result<Page, ReportError> {
        let report = Report::load(&self.questions(), subject).await?;
        Ok(report.page(&self.lake))
    }
}

async fn overview(State(dashboard): Shared) -> Response {
    answer(Tab::Overview, dashboard.report(Subject::Lake).await)
}

async fn application(State(dashboard): Shared, Query(asked): Query<ApplicationQuery>) -> Response {
    let report = dashboard.report(Subject::Application(&asked.id)).await;
    answer(Tab::Applications, report)
}

async fn job(State(dashboard): Shared, Query(asked): Query<JobQuery>) -> Response {
    answer(Tab::Jobs, dashboard.report(Subject::Job(&asked.key)).await)
}

async fn applications(State(dashboard): Shared, Query(asked): Query<ListQuery>) -> Response {
    let page = lists::applications(&dashboard.questions(), &asked).await;
    answer(Tab::Applications, page)
}

async fn jobs(State(dashboard): Shared, Query(asked): Query<ListQuery>) -> Response {
    let page = lists::jobs(&dashboard.questions(), &asked).await;
    answer(Tab::Jobs, page)
}

async fn findings(State(dashboard): Shared, Query(asked): Query<ListQuery>) -> Response {
    let page = lists::findings(&dashboard.questions(), &asked).await;
    answer(Tab::Findings, page)
}

async fn sql(State(dashboard): Shared, Query(asked): Query<SqlQuery>) -> Response {
    let page = query::page(&dashboard.ask, &asked).await;
    shown(Tab::Sql, &page)
}

fn answer(tab: Tab, page: Result<Page, ReportError>) -> Response {
    match page {
        Ok(page) => shown(tab, &page),
        Err(error) => failed(tab, &error),
    }
}
