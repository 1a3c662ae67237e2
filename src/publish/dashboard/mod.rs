//! The dashboard: the lake's reports as pages of a server, and lists to find them by.
//!
//! Every page is made on the server from SQL over the lake as it is now, so a nightly run needs no
//! restart. Every state has a URL, nothing is loaded from elsewhere, and no script is needed.

mod asked;
mod compare;
mod configuration;
mod executors;
mod lists;
mod overview;
mod place;
mod plan;
mod query;
mod reply;
mod stage;
mod whatif;
mod work;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use self::asked::Asked;
use self::compare::CompareQuery;
use self::configuration::ConfigurationQuery;
use self::lists::ListQuery;
use self::place::ApplicationQuery;
use self::plan::PlanQuery;
use self::query::SqlQuery;
use self::reply::{PageError, failed, shown};
use self::stage::StageQuery;
use self::whatif::WhatifQuery;
use self::work::WorkQuery;
use super::page::{Link, Page, Tab};
use super::report::{Questions, Report, ReportError, Subject};
use crate::analyze::Catalog;
use crate::ask::AskLake;

/// What the dashboard shows.
pub struct Dashboard {
    /// The lake.
    pub ask: Arc<AskLake>,
    /// The catalog that its queries and the rules are in.
    pub catalog: Arc<Catalog>,
    /// How commands name the lake.
    pub lake: String,
}

/// The pages.
pub fn router(dashboard: Dashboard) -> Router {
    Router::new()
        .route("/", get(overview))
        .route("/applications", get(applications))
        .route("/application", get(application))
        .route("/stages", get(stages))
        .route("/stage", get(stage))
        .route("/queries", get(queries))
        .route("/query", get(query))
        .route("/executors", get(executors))
        .route("/configuration", get(configuration))
        .route("/whatif", get(whatif))
        .route("/jobs", get(jobs))
        .route("/job", get(job))
        .route("/findings", get(findings))
        .route("/compare", get(compare))
        .route("/sql", get(sql))
        .route("/favicon.ico", get(reply::icon))
        .with_state(Arc::new(dashboard))
}

type Shared = State<Arc<Dashboard>>;

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

    async fn application(&self, asked: &ApplicationQuery) -> Result<Page, ReportError> {
        let subject = match asked.attempt() {
            Some(attempt) => Subject::Attempt(&asked.id, attempt),
            None => Subject::Application(&asked.id),
        };
        let report = Report::load(&self.questions(), subject).await?;
        let mut page = report.page(&self.lake);
        if let Report::Application(report) = &report {
            page.siblings = place::siblings(&report.place(), "/application");
        }
        Ok(page)
    }

    async fn job(&self, key: &str) -> Result<Page, ReportError> {
        let report = Report::load(&self.questions(), Subject::Job(key)).await?;
        let mut page = report.page(&self.lake);
        page.siblings = [
            ("Report", Link::job(key)),
            ("Runs", Link::to("/applications").with("q", key)),
            (
                "Compare the last two runs",
                Link::to("/compare").with("job", key),
            ),
        ]
        .into_iter()
        .zip(0..)
        .map(|((label, link), place)| super::page::Sibling {
            label,
            link,
            is_current: place == 0,
        })
        .collect();
        Ok(page)
    }
}

async fn overview(State(dashboard): Shared) -> Response {
    answer(Tab::Overview, overview::page(&dashboard.questions()).await)
}

async fn application(State(dashboard): Shared, Asked(asked): Asked<ApplicationQuery>) -> Response {
    answer(Tab::Applications, dashboard.application(&asked).await)
}

async fn stages(State(dashboard): Shared, Asked(asked): Asked<WorkQuery>) -> Response {
    let page = work::stages(&dashboard.questions(), &asked).await;
    answer(Tab::Applications, page)
}

async fn stage(State(dashboard): Shared, Asked(asked): Asked<StageQuery>) -> Response {
    let page = stage::page(&dashboard.questions(), &asked).await;
    answer(Tab::Applications, page)
}

async fn queries(State(dashboard): Shared, Asked(asked): Asked<WorkQuery>) -> Response {
    let page = work::queries(&dashboard.questions(), &asked).await;
    answer(Tab::Applications, page)
}

async fn query(State(dashboard): Shared, Asked(asked): Asked<PlanQuery>) -> Response {
    let page = plan::page(&dashboard.questions(), &asked).await;
    answer(Tab::Applications, page)
}

async fn executors(State(dashboard): Shared, Asked(asked): Asked<WorkQuery>) -> Response {
    let page = executors::page(&dashboard.questions(), &asked).await;
    answer(Tab::Applications, page)
}

async fn configuration(
    State(dashboard): Shared,
    Asked(asked): Asked<ConfigurationQuery>,
) -> Response {
    let page = configuration::page(&dashboard.questions(), &asked).await;
    answer(Tab::Applications, page)
}

async fn whatif(State(dashboard): Shared, Asked(asked): Asked<WhatifQuery>) -> Response {
    let page = whatif::page(&dashboard.questions(), &asked).await;
    answer(Tab::Applications, page)
}

async fn job(State(dashboard): Shared, Asked(asked): Asked<JobQuery>) -> Response {
    answer(Tab::Jobs, dashboard.job(&asked.key).await)
}

async fn applications(State(dashboard): Shared, Asked(asked): Asked<ListQuery>) -> Response {
    let page = lists::applications(&dashboard.questions(), &asked).await;
    answer(Tab::Applications, page)
}

async fn jobs(State(dashboard): Shared, Asked(asked): Asked<ListQuery>) -> Response {
    let page = lists::jobs(&dashboard.questions(), &asked).await;
    answer(Tab::Jobs, page)
}

async fn findings(State(dashboard): Shared, Asked(asked): Asked<ListQuery>) -> Response {
    let page = lists::findings(&dashboard.questions(), &asked).await;
    answer(Tab::Findings, page)
}

async fn compare(State(dashboard): Shared, Asked(asked): Asked<CompareQuery>) -> Response {
    answer(
        Tab::Compare,
        compare::page(&dashboard.questions(), &asked).await,
    )
}

async fn sql(State(dashboard): Shared, Asked(asked): Asked<SqlQuery>) -> Response {
    let page = query::page(&dashboard.questions(), &asked).await;
    shown(Tab::Sql, &page)
}

fn answer<E: Into<PageError>>(tab: Tab, page: Result<Page, E>) -> Response {
    match page {
        Ok(page) => shown(tab, &page),
        Err(error) => failed(tab, &error.into()),
    }
}
