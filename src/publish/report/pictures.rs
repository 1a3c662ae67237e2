//! The pictures of a report, and what they say in words.

use super::application::TimeSpent;
use super::rows::{JobRun, Stage, TaskDurations, TimePart};
use crate::model::{part_label, printable, shortened};
use crate::publish::charts::{
    self, BarsChart, DistributionChart, Mark, Part, RunBar, Scale, TimelineBar, TimelineChart,
    Tone, UsageChart, UsagePoint,
};
use crate::publish::numbers::{core_time, count, counted, duration, percent, time};
use crate::publish::page::Chart;

/// The parts of the core time in one bar.
pub(super) fn core_time_parts(parts: &[TimePart]) -> Option<Chart> {
    let whole: f64 = parts.iter().filter_map(|part| part.core_ms).sum();
    let useful = parts.iter().find(|part| part.part == "useful");
    let useful = useful.and_then(|part| part.core_ms).unwrap_or(0.0);
    let says = format!(
        "{} of {} of core time were useful work.",
        percent(useful / whole),
        core_time(whole)
    );
    let bars: Vec<Part> = parts
        .iter()
        .map(|part| Part {
            id: part.part.clone(),
            label: part_label(&part.part).0.to_owned(),
            amount: part.core_ms.unwrap_or(0.0),
        })
        .collect();
    Some(Chart {
        title: "Core time by use".to_owned(),
        svg: charts::parts(&says, &bars)?,
        says,
        legend: Vec::new(),
    })
}

/// Cores held and tasks running over the run.
pub(super) fn core_usage(spent: &TimeSpent, span_ms: f64) -> Option<Chart> {
    let points: Vec<UsagePoint> = spent
        .usage
        .iter()
        .map(|slice| UsagePoint {
            begin_ms: slice.begin_ms as f64,
            length_ms: slice.slice_ms as f64,
            held: slice.cores_held,
            busy: slice.tasks_running,
        })
        .collect();
    let mean = |value: fn(&UsagePoint) -> Option<f64>| {
        let known: Vec<f64> = points.iter().filter_map(value).collect();
        let sum: f64 = known.iter().sum();
        (!known.is_empty()).then(|| sum / known.len() as f64)
    };
    let says = match (mean(|point| point.held), mean(|point| point.busy)) {
        (Some(held), Some(busy)) => {
            format!("On average executors held {held:.1} cores and {busy:.1} tasks ran.")
        }
        (Some(held), None) => {
            format!("On average executors held {held:.1} cores; how many tasks ran is not known.")
        }
        (None, Some(busy)) => {
            format!("On average {busy:.1} tasks ran; how many cores were held is not known.")
        }
        (None, None) => return None,
    };
    let svg = charts::usage(&UsageChart {
        title: says.clone(),
        span_ms,
        points,
    })?;
    Some(Chart {
        title: "Cores held and tasks running over time".to_owned(),
        says,
        svg,
        legend: vec![("held", "cores held"), ("busy", "tasks running")],
    })
}

/// When the stages ran.
pub(super) fn stage_timeline(spent: &TimeSpent, span_ms: f64) -> Option<Chart> {
    let bars: Vec<TimelineBar> = spent
        .stages
        .iter()
        .filter_map(|stage| {
            let begin = stage.start_ms?;
            // A stage without an end is drawn to the last event.
            let length = stage.duration_ms.unwrap_or(span_ms as i64 - begin).max(0);
            Some(TimelineBar {
                label: format!("{}.{}", stage.stage_id, stage.stage_attempt_id),
                tip: tip(stage),
                begin_ms: begin as f64,
                length_ms: length as f64,
                tone: tone(stage),
            })
        })
        .collect();
    let marked = spent
        .stages
        .iter()
        .filter(|stage| stage.num_findings > 0)
        .count();
    let shown = if (bars.len() as i64) < spent.num_stage_attempts {
        format!(
            "The {} of {} that matter most",
            bars.len(),
            counted(spent.num_stage_attempts, "stage attempt", "stage attempts")
        )
    } else {
        counted(bars.len() as i64, "stage attempt", "stage attempts")
    };
    let says = format!("{shown} over time; {} with findings.", count(marked as i64));
    let svg = charts::timeline(&TimelineChart {
        title: says.clone(),
        span_ms,
        bars,
    })?;
    Some(Chart {
        title: "Stages over time".to_owned(),
        says,
        svg,
        legend: vec![
            ("quiet", "no finding"),
            ("note", "low"),
            ("warning", "medium"),
            ("alarm", "high, or failed"),
        ],
    })
}

fn tip(stage: &Stage) -> String {
    let name = stage
        .stage_name
        .as_deref()
        .map(printable)
        .unwrap_or_default();
    let ran = stage
        .duration_ms
        .map_or_else(|| "no end".to_owned(), |ms| duration(ms as f64));
    let found = stage.finding_title.as_deref().map(printable);
    let found = found.map_or_else(String::new, |title| format!("; {title}"));
    format!(
        "Stage {}.{} {}: {ran}, {}{found}",
        stage.stage_id,
        stage.stage_attempt_id,
        shortened(&name, 80),
        counted(stage.num_tasks.unwrap_or(0), "task", "tasks"),
    )
}

fn tone(stage: &Stage) -> Tone {
    match (stage.status.as_deref(), stage.severity_rank) {
        (Some("FAILED"), _) | (_, Some(4..)) => Tone::Alarm,
        (_, Some(3)) => Tone::Warning,
        (_, Some(_)) => Tone::Note,
        _ => Tone::Plain,
    }
}

/// How long the tasks of a stage ran.
pub(super) fn task_durations(stage: &TaskDurations) -> Option<Chart> {
    let time = |ms: Option<i64>| ms.map(|ms| duration(ms as f64));
    let name = stage
        .stage_name
        .as_deref()
        .map(printable)
        .unwrap_or_default();
    let says = format!(
        "{}: half ran up to {}, 95 % up to {}, the longest {}.",
        counted(stage.num_tasks, "task", "tasks"),
        time(stage.median_ms)?,
        time(stage.p95_ms)?,
        time(stage.max_ms)?,
    );
    let mark = |label: &str, ms: Option<i64>| {
        Some(Mark {
            label: label.to_owned(),
            ms: ms? as f64,
        })
    };
    let marks = [
        mark("median", stage.median_ms),
        mark("p95", stage.p95_ms),
        mark("longest", stage.max_ms),
    ];
    let histogram = stage.histogram.iter();
    let svg = charts::distribution(&DistributionChart {
        title: says.clone(),
        buckets: histogram.map(|row| (row.bucket, row.num_tasks)).collect(),
        marks: marks.into_iter().flatten().collect(),
    });
    Some(Chart {
        title: format!(
            "Task durations of stage {}.{} {}",
            stage.stage_id,
            stage.stage_attempt_id,
            shortened(&name, 80)
        ),
        says,
        // Without task rows the quantiles stand alone.
        svg: svg.unwrap_or_default(),
        legend: Vec::new(),
    })
}

/// The runs of a job beside their baseline.
pub(super) fn runs(runs: &[JobRun]) -> Option<Chart> {
    let bars: Vec<RunBar> = runs
        .iter()
        .map(|run| RunBar {
            label: run
                .start_time
                .map(|start| start.format("%Y-%m-%d").to_string())
                .unwrap_or_default(),
            tip: format!(
                "run {} {}: {}",
                run.run_number,
                run.start_time.map(time).unwrap_or_default(),
                run.duration_ms
                    .map_or_else(|| "no run time known".to_owned(), |ms| duration(ms as f64)),
            ),
            value: run.duration_ms.map(|ms| ms as f64),
            tone: if run.is_regression == Some(true) {
                Tone::Alarm
            } else {
                Tone::Plain
            },
            ..RunBar::default()
        })
        .collect();
    let last = runs.last()?;
    let worse = runs
        .iter()
        .filter(|run| run.is_regression == Some(true))
        .count();
    let baseline = last.baseline_duration_ms;
    let usual = baseline.map_or_else(String::new, |usual| {
        format!(
            " The newest is measured against {}, the median of earlier ones.",
            duration(usual)
        )
    });
    let says = format!(
        "{}; {} of them a regression.{usual}",
        counted(runs.len() as i64, "run", "runs"),
        count(worse as i64)
    );
    let svg = charts::bars(&BarsChart {
        title: &says,
        bars: &bars,
        baseline,
        scale: Scale::Time,
    })?;
    Some(Chart {
        title: "Run time by run".to_owned(),
        says,
        svg,
        legend: vec![("plain", "run"), ("alarm", "regression")],
    })
}
