//! The page of a stage attempt: how its tasks are spread over time and durations, what they read, wrote
//! and spilled, where they ran, and the tasks themselves, a page at a time. Whatever the number of its
//! tasks, SQL aggregates them: nothing here is one per task but the rows of the list.

use datafusion::common::ScalarValue;
use serde::Deserialize;

use super::asked::{Portion, choice};
use super::place::{ApplicationQuery, Of};
use crate::model::{printable, shortened};
use crate::publish::charts::{self, DistributionChart, HeatCell, HeatChart, Mark};
use crate::publish::numbers::{
    bytes, core_time, count, counted, duration, known, percent, times, with_unit,
};
use crate::publish::page::{Block, Chart, Fact, Field, Form, Level, Page, Section, Table, shown};
use crate::publish::report::{Finding, Questions, ReportError, found};

/// Slices of time of the query `stage_tasks_over_time`.
const SLICES: i64 = 60;
const LONGEST_NAME: usize = 90;
/// Orders of tasks.
const ORDERS: [(&str, &str); 8] = [
    ("duration", "longest first"),
    ("failed", "failed first"),
    ("launch", "earliest first"),
    ("gc", "most garbage collection first"),
    ("read", "most read first"),
    ("shuffle_read", "most shuffle read first"),
    ("shuffle_write", "most shuffle written first"),
    ("spill", "most spilled first"),
];

/// Which stage attempt, and which of its tasks.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct StageQuery {
    id: String,
    #[serde(default)]
    attempt: Option<String>,
    /// Spark's id of the stage.
    stage: i64,
    /// Its attempt; the newest where there is none.
    #[serde(default)]
    stage_attempt: Option<i64>,
    /// Order of the tasks.
    #[serde(default)]
    sort: String,
    #[serde(default)]
    page: u32,
    #[serde(default)]
    rows: Option<i64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Stage {
    stage_id: i64,
    stage_attempt_id: i64,
    stage_name: Option<String>,
    status: Option<String>,
    sql_id: Option<i64>,
    job_ids: Vec<i64>,
    parent_ids: Vec<i64>,
    num_attempts: i64,
    start_ms: Option<i64>,
    duration_ms: Option<i64>,
    num_tasks: Option<i64>,
    num_failed_tasks: Option<i64>,
    num_killed_tasks: Option<i64>,
    run_time_ms: Option<i64>,
    cpu_time_ms: Option<i64>,
    gc_time_ms: Option<i64>,
    input_bytes: Option<i64>,
    input_records: Option<i64>,
    output_bytes: Option<i64>,
    output_records: Option<i64>,
    shuffle_read_bytes: Option<i64>,
    shuffle_read_records: Option<i64>,
    shuffle_remote_bytes_read: Option<i64>,
    fetch_wait_ms: Option<i64>,
    shuffle_write_bytes: Option<i64>,
    shuffle_write_records: Option<i64>,
    memory_bytes_spilled: Option<i64>,
    disk_bytes_spilled: Option<i64>,
    tail_ms: Option<i64>,
    scheduling_delay_ms: Option<i64>,
    failure_reason: Option<String>,
    details: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Quantiles {
    metric: String,
    unit: String,
    num_tasks: i64,
    min: Option<f64>,
    p25: Option<f64>,
    median: Option<f64>,
    p75: Option<f64>,
    p95: Option<f64>,
    max: Option<f64>,
    total: Option<f64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Cell {
    slice: i64,
    bucket: i64,
    num_tasks: i64,
    num_failed_tasks: i64,
    span_ms: i64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Share {
    executor_id: String,
    task_time_ms: Option<i64>,
    succeeded_tasks: Option<i64>,
    failed_tasks: Option<i64>,
    input_bytes: Option<i64>,
    shuffle_read_bytes: Option<i64>,
    shuffle_write_bytes: Option<i64>,
    disk_bytes_spilled: Option<i64>,
    num_rows: i64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Task {
    task_id: i64,
    task_index: Option<i64>,
    attempt: Option<i64>,
    status: Option<String>,
    executor_id: Option<String>,
    task_locality: Option<String>,
    speculative: Option<bool>,
    start_ms: Option<i64>,
    duration_ms: Option<i64>,
    run_time_ms: Option<i64>,
    gc_time_ms: Option<i64>,
    input_bytes: Option<i64>,
    shuffle_read_bytes: Option<i64>,
    shuffle_write_bytes: Option<i64>,
    disk_bytes_spilled: Option<i64>,
    error_message: Option<String>,
    num_rows: i64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct TaskError {
    error: String,
    num_tasks: i64,
}

/// The page.
pub(super) async fn page(
    questions: &Questions<'_>,
    asked: &StageQuery,
) -> Result<Page, ReportError> {
    let wanted = ApplicationQuery {
        id: asked.id.clone(),
        attempt: asked.attempt.clone(),
    };
    let of = Of::find(questions, &wanted).await?;
    let id = [
        ("stage_id", ScalarValue::from(asked.stage)),
        (
            "stage_attempt_id",
            ScalarValue::from(asked.stage_attempt.unwrap_or(-1)),
        ),
    ];
    let stages: Vec<Stage> = of.rows("stage", &id).await?;
    let Some(stage) = stages.into_iter().next() else {
        return Err(ReportError::Unknown {
            what: "stage attempt",
            id: match asked.stage_attempt {
                Some(attempt) => format!("{}.{attempt} of {}", asked.stage, asked.id),
                None => format!("{} of {}", asked.stage, asked.id),
            },
            cure: format!("its stages are listed at {}", of.link("/stages").address()),
        });
    };
    let name = format!("{}.{}", stage.stage_id, stage.stage_attempt_id);
    let id = [
        ("stage_id", ScalarValue::from(stage.stage_id)),
        (
            "stage_attempt_id",
            ScalarValue::from(stage.stage_attempt_id),
        ),
    ];
    let subject = [
        ("subject_type", ScalarValue::from("stage")),
        ("subject_id", ScalarValue::from(name.as_str())),
    ];
    let (findings, quantiles, cells, executors, errors, tasks): (
        Vec<Finding>,
        _,
        Vec<Cell>,
        _,
        _,
        _,
    ) = tokio::try_join!(
        of.rows("subject_findings", &subject),
        of.rows::<Quantiles>("stage_quantiles", &id),
        of.rows("stage_tasks_over_time", &id),
        of.rows::<Share>("stage_executors", &id),
        of.rows::<TaskError>("stage_errors", &id),
        tasks(&of, &stage, asked),
    )?;
    let sections = vec![
        verdict(&stage, &quantiles, findings.first()),
        facts(&of, &stage),
        found(&findings, &of.place.application_id),
        spread(&cells, &quantiles),
        quantiles_table(&quantiles),
        where_it_ran(&executors),
        failures(&stage, &errors),
        tasks,
        call_site(&stage),
    ];
    let level = match (stage.status.as_deref(), findings.first()) {
        (Some("FAILED"), _) => Level::Failed,
        (_, Some(_)) => Level::Act,
        (Some("COMPLETE"), None) => Level::Good,
        _ => Level::Unknown,
    };
    let sections = sections.into_iter().filter(|one| !one.blocks.is_empty());
    let mut page = of.page(&format!("Stage {name}"), "/stages", sections.collect());
    page.level = Some(level);
    Ok(page)
}

/// What stands out, in sentences.
fn verdict(stage: &Stage, quantiles: &[Quantiles], worst: Option<&Finding>) -> Section {
    let ran = match (stage.status.as_deref(), stage.duration_ms) {
        (Some("SKIPPED"), _) => "It was skipped: what it would have made was there.".to_owned(),
        (status, Some(ms)) => format!(
            "It {} after {} with {}.",
            if status == Some("FAILED") {
                "failed"
            } else {
                "ended"
            },
            duration(ms as f64),
            counted(stage.num_tasks.unwrap_or(0), "task", "tasks"),
        ),
        _ => "Its event log does not tell when it ended.".to_owned(),
    };
    let of_duration = quantiles.iter().find(|row| row.metric == "duration");
    let tail = of_duration.and_then(|row| {
        let (median, max) = (row.median?, row.max?);
        (median > 0.0).then(|| {
            format!(
                "The median task took {}, the longest {}, {} as long.",
                duration(median),
                duration(max),
                times(max / median)
            )
        })
    });
    let share = |part: Option<i64>, what: &str| {
        let (part, whole) = (part? as f64, stage.run_time_ms.filter(|ms| *ms > 0)? as f64);
        let ratio = part / whole;
        // Collections while a task is unpacked count as its own, and its run time has not begun.
        if ratio > 1.0 {
            return Some(format!(
                "Its tasks had {} of {what}, more than they ran.",
                duration(part)
            ));
        }
        (ratio >= 0.1).then(|| {
            format!(
                "{} of the run time of its tasks was {what}.",
                percent(ratio)
            )
        })
    };
    let spilled = stage.disk_bytes_spilled.filter(|spilled| *spilled > 0);
    // What is wrong comes first.
    let (first, ran) = match worst {
        Some(finding) => (format!("{}.", printable(&finding.title)), Some(ran)),
        None => (ran, None),
    };
    let rest = [
        ran,
        tail,
        share(stage.gc_time_ms, "garbage collection"),
        share(stage.fetch_wait_ms, "waiting for shuffle data"),
        spilled.map(|spilled| format!("It spilled {} to disk.", bytes(spilled as f64))),
    ];
    Section::new("verdict", "In short").with(Block::Lead {
        first,
        rest: rest.into_iter().flatten().collect::<Vec<_>>().join(" "),
    })
}

fn facts(of: &Of<'_>, stage: &Stage) -> Section {
    let time = |ms: Option<i64>| known(ms, |ms| duration(ms as f64));
    let size = |number: Option<i64>| known(number, |number| bytes(number as f64));
    let records =
        |number: Option<i64>| known(number, |number| counted(number, "record", "records"));
    let gc = known(stage.gc_time_ms, |ms| duration(ms as f64));
    let is_skipped = stage.status.as_deref() == Some("SKIPPED");
    let measured = vec![
        Fact::new("Ran", time(stage.duration_ms))
            .note(format!("began after {}", time(stage.start_ms))),
        Fact::new("Tasks", known(stage.num_tasks, count)).note(format!(
            "{} failed, {} killed",
            known(stage.num_failed_tasks, count),
            known(stage.num_killed_tasks, count)
        )),
        Fact::new(
            "Run time of tasks",
            known(stage.run_time_ms, |ms| core_time(ms as f64)),
        )
        .note(format!(
            "{} on the CPU, {gc} garbage collection",
            known(stage.cpu_time_ms, |ms| core_time(ms as f64))
        )),
        Fact::new("Waited", time(stage.scheduling_delay_ms)).note(format!(
            "for its first task; {} for its last ones",
            time(stage.tail_ms)
        )),
        Fact::new("Read", size(stage.input_bytes)).note(records(stage.input_records)),
        Fact::new("Written", size(stage.output_bytes)).note(records(stage.output_records)),
        Fact::new("Shuffle read", size(stage.shuffle_read_bytes)).note(format!(
            "{}; {} from other hosts",
            records(stage.shuffle_read_records),
            size(stage.shuffle_remote_bytes_read)
        )),
        Fact::new("Shuffle written", size(stage.shuffle_write_bytes))
            .note(records(stage.shuffle_write_records)),
        Fact::new("Spilled to disk", size(stage.disk_bytes_spilled))
            .note(format!("{} in memory", size(stage.memory_bytes_spilled))),
    ];
    let blocks = Block::Facts(match is_skipped {
        true => vec![
            Fact::new("Tasks", known(stage.num_tasks, count)).note("none of them ran".to_owned()),
        ],
        false => measured,
    });
    let mut links = Vec::new();
    if let Some(sql_id) = stage.sql_id {
        let link = of.link("/query").query(sql_id);
        links.push((format!("Query {sql_id}"), link.address()));
    }
    for parent in stage.parent_ids.iter().take(8) {
        let link = of.link("/stage").with("stage", parent);
        links.push((format!("Reads from stage {parent}"), link.address()));
    }
    for attempt in (0..stage.num_attempts.min(8)).filter(|one| *one != stage.stage_attempt_id) {
        let link = of.link("/stage").stage(stage.stage_id, attempt);
        links.push((format!("Attempt {attempt}"), link.address()));
    }
    let jobs: Vec<String> = stage.job_ids.iter().take(20).map(i64::to_string).collect();
    let jobs = match jobs.as_slice() {
        [] => String::new(),
        [job] => format!(" · job {job}"),
        jobs => format!(" · jobs {}", jobs.join(", ")),
    };
    Section::new("facts", "The stage")
        .with(Block::Note(format!(
            "{}{jobs}",
            shown(stage.stage_name.as_ref())
        )))
        .with(blocks)
        .with(Block::Links(links))
}

/// How the tasks are spread over time and durations.
fn spread(cells: &[Cell], quantiles: &[Quantiles]) -> Section {
    let section = Section::new("tasks-over-time", "Distribution of the tasks");
    let all: i64 = cells.iter().map(|cell| cell.num_tasks).sum();
    let says = format!(
        "{} by when they began and how long they ran; a stronger color is more tasks.",
        counted(all, "task attempt", "task attempts")
    );
    let map = charts::heat(&HeatChart {
        title: says.clone(),
        span_ms: cells.first().map_or(0.0, |cell| cell.span_ms as f64),
        num_slices: SLICES,
        cells: cells
            .iter()
            .map(|cell| HeatCell {
                slice: cell.slice,
                bucket: cell.bucket,
                num_tasks: cell.num_tasks,
                num_failed: cell.num_failed_tasks,
            })
            .collect(),
    });
    let map = map.map(|svg| Chart {
        title: "Tasks over the time of the stage".to_owned(),
        says,
        svg,
        legend: vec![
            ("b1", "few tasks"),
            ("b4", "many"),
            ("alarm", "half or more failed"),
        ],
    });
    section
        .with_some(map.map(Block::Chart))
        .with_some(histogram(cells, quantiles).map(Block::Chart))
}

fn histogram(cells: &[Cell], quantiles: &[Quantiles]) -> Option<Chart> {
    let row = quantiles.iter().find(|row| row.metric == "duration")?;
    let says = format!(
        "{}: half ran up to {}, 95 % up to {}, the longest {}.",
        counted(row.num_tasks, "successful task", "successful tasks"),
        duration(row.median?),
        duration(row.p95?),
        duration(row.max?),
    );
    let mut buckets = std::collections::BTreeMap::new();
    for cell in cells {
        *buckets.entry(cell.bucket).or_insert(0) += cell.num_tasks - cell.num_failed_tasks;
    }
    let mark = |label: &str, ms: Option<f64>| {
        Some(Mark {
            label: label.to_owned(),
            ms: ms?,
        })
    };
    let marks = [
        mark("median", row.median),
        mark("p95", row.p95),
        mark("longest", row.max),
    ];
    let svg = charts::distribution(&DistributionChart {
        title: says.clone(),
        buckets: buckets.into_iter().collect(),
        marks: marks.into_iter().flatten().collect(),
    })?;
    Some(Chart {
        title: "How long tasks ran".to_owned(),
        says,
        svg,
        legend: Vec::new(),
    })
}

fn quantiles_table(quantiles: &[Quantiles]) -> Section {
    let mut table = Table::new(
        "Successful tasks; metrics that are 0 are left out",
        &[
            "Metric",
            "#Min",
            "#p25",
            "#Median",
            "#p75",
            "#p95",
            "#Max",
            "#Max/median",
            "#Total",
        ],
    );
    for row in quantiles {
        let value = |value: Option<f64>| known(value, |value| with_unit(value, &row.unit));
        let ratio = match (row.max, row.median) {
            (Some(max), Some(median)) if median > 0.0 => times(max / median),
            _ => String::new(),
        };
        table.row(
            "",
            [
                metric_label(&row.metric),
                value(row.min),
                value(row.p25),
                value(row.median),
                value(row.p75),
                value(row.p95),
                value(row.max),
                ratio,
                value(row.total),
            ],
        );
    }
    Section::new("quantiles", "Quantiles of the tasks").with_some(table.block())
}

/// `jvm_gc_time` as `JVM GC time`.
fn metric_label(metric: &str) -> String {
    // Spark's names say twice that shuffle data are written.
    let metric = match metric {
        "shuffle_write_bytes_written" => "shuffle_bytes_written",
        "shuffle_write_records_written" => "shuffle_records_written",
        "shuffle_write_write_time" => "shuffle_write_time",
        other => other,
    };
    let words = metric.split('_').map(|word| match word {
        "jvm" => "JVM",
        "gc" => "GC",
        "cpu" => "CPU",
        word => word,
    });
    printable(&words.collect::<Vec<_>>().join(" "))
}

fn where_it_ran(executors: &[Share]) -> Section {
    let num_rows = executors.first().map_or(0, |first| first.num_rows);
    let most = executors.iter().filter_map(|row| row.task_time_ms).max();
    let caption = match num_rows {
        few if few <= executors.len() as i64 => "By task time".to_owned(),
        _ => format!("The busiest {} of {}", executors.len(), count(num_rows)),
    };
    let mut table = Table::new(
        &caption,
        &[
            "Executor",
            "#Task time",
            "#Tasks",
            "#Failed",
            "#A task",
            "#Read",
            "#Shuffle read",
            "#Shuffle written",
            "#Spilled",
        ],
    );
    for row in executors {
        let size = |number: Option<i64>| known(number, |number| bytes(number as f64));
        let tasks = row.succeeded_tasks.unwrap_or(0) + row.failed_tasks.unwrap_or(0);
        let mean = row.task_time_ms.filter(|_| tasks > 0);
        table.row(
            "",
            [
                printable(&row.executor_id),
                known(row.task_time_ms, |ms| core_time(ms as f64)),
                known(row.succeeded_tasks, count),
                known(row.failed_tasks, count),
                known(mean, |ms| duration(ms as f64 / tasks as f64)),
                size(row.input_bytes),
                size(row.shuffle_read_bytes),
                size(row.shuffle_write_bytes),
                size(row.disk_bytes_spilled),
            ],
        );
        let ratio = row.task_time_ms.zip(most);
        table.share(1, ratio.map(|(time, most)| time as f64 / most as f64));
    }
    Section::new("executors", "Executors that ran it").with_some(table.block())
}

fn failures(stage: &Stage, errors: &[TaskError]) -> Section {
    let mut section = Section::new("failures", "Failures");
    if let Some(reason) = &stage.failure_reason {
        section = section.with(Block::Code {
            caption: "Why the stage failed".to_owned(),
            text: reason.clone(),
        });
    }
    for error in errors {
        section = section.with(Block::Code {
            caption: format!("{} with", counted(error.num_tasks, "task", "tasks")),
            text: error.error.clone(),
        });
    }
    section
}

async fn tasks(of: &Of<'_>, stage: &Stage, asked: &StageQuery) -> Result<Section, ReportError> {
    let portion = Portion::new(asked.page, asked.rows);
    let mut parameters = vec![
        ("stage_id", ScalarValue::from(stage.stage_id)),
        (
            "stage_attempt_id",
            ScalarValue::from(stage.stage_attempt_id),
        ),
        ("sorted_by", ScalarValue::from(asked.sort.as_str())),
    ];
    parameters.extend(portion.parameters());
    let rows: Vec<Task> = of.rows("stage_tasks", &parameters).await?;
    let num_rows = rows.first().map_or(0, |row| row.num_rows);
    let section = Section::new("tasks", "Tasks");
    if rows.is_empty() {
        return Ok(match stage.num_tasks {
            Some(0) | None => section,
            _ => section.with(Block::Text(
                "The lake holds no rows of its tasks.".to_owned(),
            )),
        });
    }
    let caption = portion.caption(rows.len(), num_rows, "task attempt", "task attempts");
    let mut table = Table::new(
        &caption,
        &[
            "Task",
            "Status",
            "Executor",
            "Locality",
            "#Began after",
            "#Ran",
            "#GC",
            "#Read",
            "#Shuffle read",
            "#Shuffle written",
            "#Spilled",
        ],
    );
    let longest = rows.iter().filter_map(|row| row.duration_ms).max();
    for row in &rows {
        table.row(task_mark(row), task_row(row));
        let error = row.error_message.as_deref().map(printable);
        table.note(1, shortened(&error.unwrap_or_default(), LONGEST_NAME));
        let ratio = row.duration_ms.zip(longest.filter(|longest| *longest > 0));
        table.share(5, ratio.map(|(ms, longest)| ms as f64 / longest as f64));
    }
    let hidden = |name, value: String| Field::Hidden { name, value };
    let mut fields = vec![
        hidden("id", of.place.application_id.clone()),
        hidden("attempt", of.place.attempt_id.clone()),
        hidden("stage", stage.stage_id.to_string()),
        hidden("stage_attempt", stage.stage_attempt_id.to_string()),
    ];
    fields.push(choice("sort", "Order", &asked.sort, &ORDERS));
    let link = of
        .link("/stage")
        .stage(stage.stage_id, stage.stage_attempt_id);
    let link = match asked.sort.as_str() {
        "" => link,
        sort => link.with("sort", sort),
    };
    Ok(section
        .with(Block::Form(Form {
            action: "/stage",
            fields,
        }))
        .with_some(table.block())
        .with(portion.turns(&link, num_rows)))
}

fn task_mark(row: &Task) -> &'static str {
    match row.status.as_deref() {
        Some("FAILED") => "high",
        Some("KILLED") => "low",
        _ => "",
    }
}

fn task_row(row: &Task) -> [String; 11] {
    let time = |ms: Option<i64>| known(ms, |ms| duration(ms as f64));
    let size = |number: Option<i64>| known(number, |number| bytes(number as f64));
    let copy = match row.speculative {
        Some(true) => " (speculative)",
        _ => "",
    };
    let attempt = match row.attempt {
        Some(0) | None => String::new(),
        Some(attempt) => format!(" attempt {attempt}"),
    };
    [
        format!("{}{attempt}", row.task_index.unwrap_or(row.task_id)),
        format!("{}{copy}", shown(row.status.as_ref()).to_lowercase()),
        shown(row.executor_id.as_ref()),
        shown(row.task_locality.as_ref()).to_lowercase(),
        time(row.start_ms),
        time(row.duration_ms.or(row.run_time_ms)),
        time(row.gc_time_ms),
        size(row.input_bytes),
        size(row.shuffle_read_bytes),
        size(row.shuffle_write_bytes),
        size(row.disk_bytes_spilled),
    ]
}

fn call_site(stage: &Stage) -> Section {
    let section = Section::new("call-site", "Where the code calls it");
    match stage.details.as_deref().map(str::trim) {
        None | Some("") => section,
        Some(details) => section.with(Block::Code {
            caption: String::new(),
            text: details.to_owned(),
        }),
    }
}
