//! The overview: the report of the lake, and how complete the lake is.

use serde::Deserialize;

use super::place::lake_rows;
use crate::model::{printable, shortened};
use crate::publish::numbers::{self, NOT_KNOWN, bytes, count, counted, duration, known, percent};
use crate::publish::page::{Block, Fact, Page, Section, Table, shown};
use crate::publish::report::{Questions, Report, ReportError, Subject};

const LONGEST_ERROR: usize = 240;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Ingest {
    platform: String,
    cluster_name: Option<String>,
    status: String,
    num_histories: i64,
    size_bytes: Option<i64>,
    last_at: Option<chrono::DateTime<chrono::Utc>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Failed {
    source_uri: String,
    status: String,
    error_kind: Option<String>,
    error: Option<String>,
    retryable: Option<bool>,
    ingested_at: Option<chrono::DateTime<chrono::Utc>>,
    num_rows: i64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct RunRow {
    status: Option<String>,
    started_at: Option<chrono::DateTime<chrono::Utc>>,
    duration_ms: Option<i64>,
    loaded: Option<i64>,
    partial: Option<i64>,
    quarantined: Option<i64>,
    failed: Option<i64>,
    unchanged: Option<i64>,
    version: Option<String>,
    error: Option<String>,
}

/// The page: the report's verdict, numbers, jobs, waste and trend first, then what the lake lacks.
pub(super) async fn page(questions: &Questions<'_>) -> Result<Page, ReportError> {
    let (report, ingests, failed, runs): (_, Vec<Ingest>, Vec<Failed>, Vec<RunRow>) = tokio::try_join!(
        Report::load(questions, Subject::Lake),
        lake_rows(questions, "ingests", &[]),
        lake_rows(questions, "failed_ingests", &[]),
        lake_rows(questions, "runs", &[]),
    )?;
    let mut page = report.page(questions.lake);
    page.title = "Overview".to_owned();
    // What the report says of gaps stands between both.
    // An empty lake has no section of gaps.
    let gaps = page.sections.pop_if(|section| section.id == "gaps");
    page.sections.push(coverage(&ingests, &runs));
    page.sections.extend(gaps);
    page.sections.extend(failures(&failed));
    Ok(page)
}

fn coverage(ingests: &[Ingest], runs: &[RunRow]) -> Section {
    let sum = |wanted: &[&str]| -> i64 {
        let of = ingests
            .iter()
            .filter(|row| wanted.contains(&row.status.as_str()));
        of.map(|row| row.num_histories).sum()
    };
    let all: i64 = ingests.iter().map(|row| row.num_histories).sum();
    let whole = sum(&["loaded"]);
    let last = runs.first();
    let size: i64 = ingests.iter().filter_map(|row| row.size_bytes).sum();
    let facts = vec![
        Fact::new("Event logs seen", count(all)).note(format!("{} compressed", bytes(size as f64))),
        Fact::new("Loaded in whole", count(whole)).note(match all {
            0 => String::new(),
            all => percent(whole as f64 / all as f64),
        }),
        Fact::new("In part", count(sum(&["partial"]))),
        Fact::new(
            "Not loaded",
            count(sum(&["quarantined", "failed", "unreachable"])),
        )
        .note(format!("{} skipped", count(sum(&["skipped"])))),
        Fact::new(
            "Last run",
            known(last.and_then(|run| run.started_at), numbers::minute),
        )
        .note(match last {
            None => String::new(),
            Some(run) => format!(
                "UTC, {}, {}",
                known(run.duration_ms, |ms| duration(ms as f64)),
                shown(run.status.as_ref())
            ),
        }),
    ];
    let mut sources = Table::new(
        "By source and newest status",
        &[
            "Source",
            "Platform",
            "Status",
            "#Event logs",
            "#Size",
            "Last (UTC)",
        ],
    );
    for row in ingests {
        let mark = match row.status.as_str() {
            "loaded" | "skipped" => "",
            "partial" => "medium",
            _ => "high",
        };
        sources.row(
            mark,
            [
                shown(row.cluster_name.as_ref()),
                printable(&row.platform),
                printable(&row.status),
                count(row.num_histories),
                known(row.size_bytes, |size| bytes(size as f64)),
                known(row.last_at, numbers::minute),
            ],
        );
        let ratio = (all > 0).then(|| row.num_histories as f64 / all as f64);
        sources.share(3, ratio);
    }
    Section::new("coverage", "Coverage")
        .with(Block::Facts(facts))
        .with_some(sources.block())
        .with_some(runs_table(runs).block())
}

fn runs_table(runs: &[RunRow]) -> Table {
    let mut table = Table::new(
        "The newest runs of sparklake",
        &[
            "Started (UTC)",
            "#Took",
            "#Loaded",
            "#In part",
            "#Quarantined",
            "#Failed",
            "#Unchanged",
            "Version",
            "~Status",
        ],
    );
    for run in runs {
        let mark = match run.status.as_deref() {
            Some("done" | "running") | None => "",
            Some("partial") => "medium",
            Some(_) => "high",
        };
        let status = match &run.error {
            Some(error) => format!(
                "{}: {}",
                shown(run.status.as_ref()),
                shortened(&printable(error), LONGEST_ERROR)
            ),
            None => shown(run.status.as_ref()),
        };
        table.row(
            mark,
            [
                known(run.started_at, numbers::minute),
                known(run.duration_ms, |ms| duration(ms as f64)),
                known(run.loaded, count),
                known(run.partial, count),
                known(run.quarantined, count),
                known(run.failed, count),
                known(run.unchanged, count),
                run.version
                    .as_deref()
                    .map_or_else(|| NOT_KNOWN.to_owned(), printable),
                status,
            ],
        );
    }
    table
}

fn failures(failed: &[Failed]) -> Option<Section> {
    let all = failed.first()?.num_rows;
    let caption = match all > failed.len() as i64 {
        true => format!(
            "The newest {} of {}",
            failed.len(),
            counted(all, "event log", "event logs")
        ),
        false => counted(all, "event log", "event logs"),
    };
    let mut table = Table::new(&caption, &["Status", "~Event log", "~Why", "Met (UTC)"]);
    for row in failed {
        let again = match (row.status.as_str(), row.retryable) {
            ("partial", _) => "",
            (_, Some(true)) => " The next run tries again.",
            _ => " It is tried again when it changes.",
        };
        let why = row.error.as_ref().or(row.error_kind.as_ref());
        let why = shortened(&shown(why), LONGEST_ERROR);
        let mark = if row.status == "partial" {
            "medium"
        } else {
            "high"
        };
        table.row(
            mark,
            [
                printable(&row.status),
                printable(&row.source_uri),
                format!("{}.{again}", why.trim_end_matches('.')),
                known(row.ingested_at, numbers::minute),
            ],
        );
    }
    let section = Section::new("failed", "Event logs that are not loaded, or only in part");
    Some(section.with_some(table.block()))
}
