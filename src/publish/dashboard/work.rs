//! Lists of the stages and of the SQL executions of an application.

use datafusion::common::ScalarValue;
use serde::Deserialize;

use super::asked::{Portion, choice};
use super::place::{ApplicationQuery, Of};
use crate::model::{printable, shortened};
use crate::publish::numbers::{bytes, core_time, count, duration, known};
use crate::publish::page::{Block, Field, Form, Link, Page, Section, Table, severity, shown};
use crate::publish::report::{Questions, ReportError};

const LONGEST_NAME: usize = 90;
const STAGE_ORDERS: [(&str, &str); 8] = [
    ("duration", "longest first"),
    ("start", "earliest first"),
    ("finding", "worst finding first"),
    ("task_time", "most run time of tasks first"),
    ("tasks", "most tasks first"),
    ("read", "most read first"),
    ("shuffle", "most shuffled first"),
    ("spill", "most spilled first"),
];
const QUERY_ORDERS: [(&str, &str); 6] = [
    ("duration", "longest first"),
    ("start", "earliest first"),
    ("finding", "worst finding first"),
    ("task_time", "most run time of tasks first"),
    ("shuffle", "most shuffled first"),
    ("spill", "most spilled first"),
];

/// What of an application is listed.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct WorkQuery {
    id: String,
    #[serde(default)]
    attempt: Option<String>,
    #[serde(default)]
    sort: String,
    #[serde(default)]
    page: u32,
    #[serde(default)]
    rows: Option<i64>,
}

impl WorkQuery {
    pub(super) fn application(&self) -> ApplicationQuery {
        ApplicationQuery {
            id: self.id.clone(),
            attempt: self.attempt.clone(),
        }
    }

    pub(super) fn portion(&self) -> Portion {
        Portion::new(self.page, self.rows)
    }

    pub(super) fn parameters(&self, portion: Portion) -> Vec<(&'static str, ScalarValue)> {
        let mut parameters = vec![("sorted_by", ScalarValue::from(self.sort.as_str()))];
        parameters.extend(portion.parameters());
        parameters
    }

    /// The list without its page.
    pub(super) fn link(&self, of: &Of<'_>, path: &'static str) -> Link {
        match self.sort.as_str() {
            "" => of.link(path),
            sort => of.link(path).with("sort", sort),
        }
    }

    /// The form that chooses the order.
    pub(super) fn form(&self, of: &Of<'_>, action: &'static str, orders: &[(&str, &str)]) -> Block {
        let hidden = |name, value: &str| Field::Hidden {
            name,
            value: value.to_owned(),
        };
        Block::Form(Form {
            action,
            fields: vec![
                hidden("id", &of.place.application_id),
                hidden("attempt", &of.place.attempt_id),
                choice("sort", "Order", &self.sort, orders),
            ],
        })
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ListedStage {
    stage_id: i64,
    stage_attempt_id: i64,
    stage_name: Option<String>,
    status: Option<String>,
    sql_id: Option<i64>,
    start_ms: Option<i64>,
    duration_ms: Option<i64>,
    num_tasks: Option<i64>,
    num_failed_tasks: Option<i64>,
    run_time_ms: Option<i64>,
    input_bytes: Option<i64>,
    shuffle_read_bytes: Option<i64>,
    shuffle_write_bytes: Option<i64>,
    disk_bytes_spilled: Option<i64>,
    severity_rank: Option<i64>,
    num_findings: i64,
    finding_title: Option<String>,
    num_rows: i64,
}

/// The stages.
pub(super) async fn stages(
    questions: &Questions<'_>,
    asked: &WorkQuery,
) -> Result<Page, ReportError> {
    let of = Of::find(questions, &asked.application()).await?;
    let portion = asked.portion();
    let rows: Vec<ListedStage> = of.rows("stages", &asked.parameters(portion)).await?;
    let num_rows = rows.first().map_or(0, |row| row.num_rows);
    let caption = portion.caption(rows.len(), num_rows, "stage attempt", "stage attempts");
    let mut table = Table::new(
        &caption,
        &[
            "Stage",
            "What",
            "Query",
            "#Began after",
            "#Ran",
            "#Tasks",
            "#Run time of tasks",
            "#Read",
            "#Shuffle read",
            "#Shuffle written",
            "#Spilled",
            "~Finding",
        ],
    );
    let longest = rows.iter().filter_map(|row| row.duration_ms).max();
    for row in &rows {
        let size = |number: Option<i64>| known(number, |number| bytes(number as f64));
        let time = |ms: Option<i64>| known(ms, |ms| duration(ms as f64));
        let mark = match row.status.as_deref() {
            Some("FAILED") => "high",
            _ => severity(row.severity_rank),
        };
        table.row(
            mark,
            [
                format!("{}.{}", row.stage_id, row.stage_attempt_id),
                shortened(&shown(row.stage_name.as_ref()), LONGEST_NAME),
                row.sql_id.map_or_else(String::new, count),
                time(row.start_ms),
                time(row.duration_ms),
                known(row.num_tasks, count),
                known(row.run_time_ms, |ms| core_time(ms as f64)),
                size(row.input_bytes),
                size(row.shuffle_read_bytes),
                size(row.shuffle_write_bytes),
                size(row.disk_bytes_spilled),
                finding(row.finding_title.as_deref(), row.num_findings),
            ],
        );
        let stage = of.link("/stage").stage(row.stage_id, row.stage_attempt_id);
        table.link(0, stage);
        if let Some(sql_id) = row.sql_id {
            table.link(2, of.link("/query").query(sql_id));
        }
        if let Some(failed) = row.num_failed_tasks.filter(|failed| *failed > 0) {
            table.note(5, format!("{} failed", count(failed)));
        }
        table.share(4, share(row.duration_ms, longest));
    }
    let section = Section::new("list", "Stages")
        .with(asked.form(&of, "/stages", &STAGE_ORDERS))
        .with(table.block().unwrap_or_else(|| nothing("stage ran")))
        .with(portion.turns(&asked.link(&of, "/stages"), num_rows));
    Ok(of.page("Stages", "/stages", vec![section]))
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ListedQuery {
    sql_id: i64,
    description: Option<String>,
    status: Option<String>,
    start_ms: Option<i64>,
    duration_ms: Option<i64>,
    num_stages: Option<i64>,
    task_time_ms: Option<i64>,
    input_bytes: Option<i64>,
    shuffle_read_bytes: Option<i64>,
    disk_bytes_spilled: Option<i64>,
    severity_rank: Option<i64>,
    num_findings: i64,
    finding_title: Option<String>,
    num_rows: i64,
}

/// The SQL executions.
pub(super) async fn queries(
    questions: &Questions<'_>,
    asked: &WorkQuery,
) -> Result<Page, ReportError> {
    let of = Of::find(questions, &asked.application()).await?;
    let portion = asked.portion();
    let rows: Vec<ListedQuery> = of.rows("queries", &asked.parameters(portion)).await?;
    let num_rows = rows.first().map_or(0, |row| row.num_rows);
    let caption = portion.caption(rows.len(), num_rows, "SQL execution", "SQL executions");
    let mut table = Table::new(
        &caption,
        &[
            "Query",
            "What",
            "Status",
            "#Began after",
            "#Ran",
            "#Stages",
            "#Run time of tasks",
            "#Read",
            "#Shuffle read",
            "#Spilled",
            "~Finding",
        ],
    );
    let longest = rows.iter().filter_map(|row| row.duration_ms).max();
    for row in &rows {
        let size = |number: Option<i64>| known(number, |number| bytes(number as f64));
        let time = |ms: Option<i64>| known(ms, |ms| duration(ms as f64));
        let mark = match row.status.as_deref() {
            Some("FAILED") => "high",
            _ => severity(row.severity_rank),
        };
        table.row(
            mark,
            [
                row.sql_id.to_string(),
                shortened(&shown(row.description.as_ref()), LONGEST_NAME),
                shown(row.status.as_ref()).to_lowercase(),
                time(row.start_ms),
                time(row.duration_ms),
                row.num_stages.map_or_else(|| "0".to_owned(), count),
                row.task_time_ms
                    .map_or_else(String::new, |ms| core_time(ms as f64)),
                size(row.input_bytes.or(Some(0))),
                size(row.shuffle_read_bytes.or(Some(0))),
                size(row.disk_bytes_spilled.or(Some(0))),
                finding(row.finding_title.as_deref(), row.num_findings),
            ],
        );
        table.link(0, of.link("/query").query(row.sql_id));
        table.link(1, of.link("/query").query(row.sql_id));
        table.share(4, share(row.duration_ms, longest));
    }
    let section = Section::new("list", "Queries")
        .with(asked.form(&of, "/queries", &QUERY_ORDERS))
        .with(table.block().unwrap_or_else(|| nothing("SQL query ran")))
        .with(portion.turns(&asked.link(&of, "/queries"), num_rows));
    Ok(of.page("Queries", "/queries", vec![section]))
}

fn share(part: Option<i64>, whole: Option<i64>) -> Option<f64> {
    let whole = whole.filter(|whole| *whole > 0)?;
    Some(part? as f64 / whole as f64)
}

fn finding(title: Option<&str>, number: i64) -> String {
    let title = title.map(printable).unwrap_or_default();
    match number {
        0 | 1 => title,
        more => format!("{title} (+{})", count(more - 1)),
    }
}

fn nothing(what: &str) -> Block {
    Block::Text(format!("No {what} in this application."))
}
