//! The page of the executors of an application: a lane each over time, and what each did.

use std::collections::HashMap;

use serde::Deserialize;

use super::place::Of;
use super::work::WorkQuery;
use crate::model::{printable, shortened};
use crate::publish::charts::{self, Lane, LanesChart, MAX_LANES};
use crate::publish::numbers::{bytes, core_time, count, counted, duration, known, percent};
use crate::publish::page::{Block, Chart, Page, Section, Table, shown};
use crate::publish::report::{Questions, ReportError};

/// Slices of time of the query `executor_lanes`.
const SLICES: usize = 120;
const LONGEST_REASON: usize = 160;
const ORDERS: [(&str, &str); 4] = [
    ("start", "earliest first"),
    ("task_time", "most task time first"),
    ("failed", "most failed tasks first"),
    ("gc", "most garbage collection first"),
];

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Executor {
    executor_id: String,
    host_port: Option<String>,
    total_cores: Option<i64>,
    loss_kind: Option<String>,
    remove_reason: Option<String>,
    start_ms: Option<i64>,
    end_ms: Option<i64>,
    core_time_ms: Option<i64>,
    task_time_ms: Option<i64>,
    completed_tasks: Option<i64>,
    failed_tasks: Option<i64>,
    gc_time_ms: Option<i64>,
    input_bytes: Option<i64>,
    shuffle_read_bytes: Option<i64>,
    shuffle_write_bytes: Option<i64>,
    peak_heap_bytes: Option<i64>,
    executor_memory_bytes: Option<i64>,
    span_ms: Option<i64>,
    num_rows: i64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Slice {
    executor_id: String,
    slice: i64,
    busy_step: f64,
    busy_part_ms: f64,
    num_failed_tasks: i64,
}

impl Executor {
    fn is_lost(&self) -> bool {
        let kind = self.loss_kind.as_deref();
        kind.is_some_and(|kind| kind != "idle" && kind != "app_end")
    }
}

/// The page.
pub(super) async fn page(
    questions: &Questions<'_>,
    asked: &WorkQuery,
) -> Result<Page, ReportError> {
    let of = Of::find(questions, &asked.application()).await?;
    let portion = asked.portion().at_most(MAX_LANES as i64);
    let parameters = asked.parameters(portion);
    let (rows, slices): (Vec<Executor>, Vec<Slice>) = tokio::try_join!(
        of.rows("executors", &parameters),
        of.rows("executor_lanes", &parameters)
    )?;
    let num_rows = rows.first().map_or(0, |row| row.num_rows);
    let caption = portion.caption(rows.len(), num_rows, "executor", "executors");
    let section = Section::new("list", "Executors")
        .with(asked.form(&of, "/executors", &ORDERS))
        .with_some(swimlanes(&rows, &slices).map(Block::Chart))
        .with(
            table(&rows, &caption)
                .block()
                .unwrap_or_else(|| Block::Text("The event log shows no executor.".to_owned())),
        )
        .with(portion.turns(&asked.link(&of, "/executors"), num_rows));
    Ok(of.page("Executors", "/executors", vec![section]))
}

fn swimlanes(rows: &[Executor], slices: &[Slice]) -> Option<Chart> {
    let span_ms = rows.first()?.span_ms? as f64;
    let slice_ms = span_ms / SLICES as f64;
    let mut of: HashMap<&str, Vec<&Slice>> = HashMap::new();
    for slice in slices {
        of.entry(&slice.executor_id).or_default().push(slice);
    }
    let lanes: Vec<Lane> = rows
        .iter()
        .map(|row| {
            let slices = of
                .get(row.executor_id.as_str())
                .map_or(&[][..], Vec::as_slice);
            let cores = row.total_cores.filter(|cores| *cores > 0).unwrap_or(1) as f64;
            let (busy, failed) = busy(slices, slice_ms, cores);
            Lane {
                label: printable(&row.executor_id),
                tip: tip(row),
                begin_ms: row.start_ms.unwrap_or(0) as f64,
                end_ms: row.end_ms.map(|ms| ms as f64),
                is_lost: row.is_lost(),
                busy,
                failed,
            }
        })
        .collect();
    let lost = rows.iter().filter(|row| row.is_lost()).count();
    let says = format!(
        "How many of its cores each executor used over time; {} lost.",
        counted(lost as i64, "executor was", "executors were")
    );
    Some(Chart {
        title: "Executors over time".to_owned(),
        svg: charts::lanes(&LanesChart {
            title: says.clone(),
            span_ms,
            lanes,
        })?,
        says,
        legend: vec![
            ("held", "idle"),
            ("b1", "under 25 % of its cores"),
            ("b2", "25 to 55 %"),
            ("b3", "55 to 85 %"),
            ("b4", "more"),
            ("alarm", "tasks failed, or lost"),
        ],
    })
}

/// How busy an executor was in each slice, and the slices in which tasks of it failed.
fn busy(slices: &[&Slice], slice_ms: f64, cores: f64) -> (Vec<f64>, Vec<usize>) {
    let mut busy = Vec::with_capacity(SLICES);
    let mut running = 0.0;
    let mut rest = slices.iter().peekable();
    for index in 0..SLICES {
        let here = rest.next_if(|slice| slice.slice == index as i64);
        let part = here.map_or(0.0, |slice| slice.busy_part_ms / slice_ms.max(1e-9));
        busy.push((running + part) / cores);
        running += here.map_or(0.0, |slice| slice.busy_step);
    }
    let failed = slices.iter().filter(|slice| slice.num_failed_tasks > 0);
    let failed = failed.filter_map(|slice| usize::try_from(slice.slice).ok());
    (busy, failed.map(|slice| slice.min(SLICES - 1)).collect())
}

fn tip(row: &Executor) -> String {
    let ended = row.end_ms.map_or_else(
        || "to the end".to_owned(),
        |ms| format!("to {}", duration(ms as f64)),
    );
    format!(
        "Executor {} on {}: {}, from {} {ended}, {}, {} failed",
        printable(&row.executor_id),
        shown(row.host_port.as_ref()),
        counted(row.total_cores.unwrap_or(0), "core", "cores"),
        known(row.start_ms, |ms| duration(ms as f64)),
        counted(row.completed_tasks.unwrap_or(0), "task", "tasks"),
        known(row.failed_tasks, count),
    )
}

fn table(rows: &[Executor], caption: &str) -> Table {
    let mut table = Table::new(
        caption,
        &[
            "Executor",
            "#Cores",
            "#Added after",
            "#Alive",
            "#Busy",
            "#Task time",
            "#Tasks",
            "#Failed",
            "#GC",
            "#Peak heap",
            "#Read",
            "#Shuffle read",
            "#Shuffle written",
            "~Ended",
        ],
    );
    for row in rows {
        let time = |ms: Option<i64>| known(ms, |ms| duration(ms as f64));
        let size = |number: Option<i64>| known(number, |number| bytes(number as f64));
        let end = row.end_ms.or(row.span_ms);
        let alive = end
            .zip(row.start_ms)
            .map(|(end, start)| (end - start).max(0));
        let held = row.core_time_ms.filter(|held| *held > 0);
        let ratio = row.task_time_ms.zip(held);
        let ratio = ratio.map(|(time, held)| (time as f64 / held as f64).min(1.0));
        let heap = match (row.peak_heap_bytes, row.executor_memory_bytes) {
            (Some(_), Some(all)) if all > 0 => format!("of {}", bytes(all as f64)),
            _ => String::new(),
        };
        table.row(
            if row.is_lost() { "high" } else { "" },
            [
                printable(&row.executor_id),
                known(row.total_cores, count),
                time(row.start_ms),
                time(alive),
                known(ratio, percent),
                known(row.task_time_ms, |ms| core_time(ms as f64)),
                known(row.completed_tasks, count),
                known(row.failed_tasks, count),
                time(row.gc_time_ms),
                size(row.peak_heap_bytes),
                size(row.input_bytes),
                size(row.shuffle_read_bytes),
                size(row.shuffle_write_bytes),
                ended(row),
            ],
        );
        table.note(0, shown(row.host_port.as_ref()));
        table.note(9, heap);
        table.share(4, ratio);
    }
    table
}

fn ended(row: &Executor) -> String {
    let reason = row.remove_reason.as_deref().map(printable);
    let reason = reason.map(|reason| shortened(&reason, LONGEST_REASON));
    match (row.loss_kind.as_deref(), reason) {
        (None, _) => "the log ends before".to_owned(),
        (Some("app_end"), _) => "with the application".to_owned(),
        (Some("idle"), _) => "idle".to_owned(),
        (Some(kind), Some(reason)) => format!("{}: {reason}", loss(kind)),
        (Some(kind), None) => loss(kind),
    }
}

/// A kind of loss in words; `oom` is a guess from the exit code, as `executors.loss_kind` says.
fn loss(kind: &str) -> String {
    match kind {
        "oom" => "probably out of memory".to_owned(),
        "spot" => "spot instance taken back".to_owned(),
        other => printable(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tasks_of_a_slice_are_those_that_run_through_and_its_part_of_the_others() {
        let slice = |slice, busy_step, busy_part_ms, num_failed_tasks| Slice {
            slice,
            busy_step,
            busy_part_ms,
            num_failed_tasks,
            ..Slice::default()
        };
        // Two tasks begin in the middle of slice 1; one ends with slice 2, one, failed, a quarter into 4.
        let slices = [
            slice(1, 2.0, 100.0, 0),
            slice(3, -1.0, -100.0, 0),
            slice(4, -1.0, -75.0, 1),
        ];
        let (busy, failed) = busy(&slices.iter().collect::<Vec<_>>(), 100.0, 2.0);
        assert_eq!(busy.get(..6), Some(&[0.0, 0.5, 1.0, 0.5, 0.125, 0.0][..]));
        assert_eq!((busy.len(), failed), (SLICES, vec![4]));
    }
}
