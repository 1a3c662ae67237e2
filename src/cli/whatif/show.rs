//! The answer of `whatif`: for people a table with what it rests on, for scripts one row a scenario.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::error::ArrowError;

use crate::cli::error::CliError;
use crate::cli::format::{Format, listing, texts};
use crate::cli::output::Output;
use crate::publish::numbers::{NOT_KNOWN, bytes, change, counted, duration, known, usd};
use crate::publish::whatif::WhatIf;
use crate::simulate::Prediction;

/// Writes an answer.
///
/// # Errors
/// The output cannot be written.
pub(super) fn write(answer: &WhatIf, format: Format, output: &mut Output) -> Result<(), CliError> {
    match format {
        Format::Table => {
            output.text(&heading(answer))?;
            format.write_all(&for_people(answer)?, &mut *output)?;
            output.text(&notes(answer))?;
        }
        Format::Markdown | Format::Vertical => {
            format.write_all(&for_people(answer)?, output)?;
        }
        Format::Csv | Format::Json | Format::Ndjson => {
            format.write_all(&answer.rows()?, output)?;
        }
    }
    Ok(())
}

fn for_people(answer: &WhatIf) -> Result<RecordBatch, ArrowError> {
    let rows = || answer.predictions.iter();
    let measured = answer.model.measured_ms().max(1) as f64;
    let shapes = || rows().map(|row| row.scenario.shape);
    let memory = shapes().map(|shape| known(shape.memory_bytes, |size| bytes(size as f64)));
    let between = rows().map(|row| {
        let [low, high] = [row.low_ms, row.high_ms].map(|ms| duration(ms as f64));
        format!("{low} and {high}")
    });
    let costs = answer.costs.iter().map(|cost| match cost {
        Some(cost) => usd(*cost),
        None => NOT_KNOWN.to_owned(),
    });
    let notes = rows()
        .enumerate()
        .map(|(place, row)| note(answer, place, row));
    listing([
        (
            "executors",
            whole(shapes().map(|shape| i64::from(shape.executors))),
        ),
        ("cores", whole(shapes().map(|shape| i64::from(shape.cores)))),
        ("memory", texts(memory)),
        (
            "run_time",
            texts(rows().map(|row| duration(row.duration_ms as f64))),
        ),
        ("between", texts(between)),
        (
            "change",
            texts(rows().map(|row| change(row.duration_ms as f64 / measured - 1.0))),
        ),
        (
            "idle",
            texts(rows().map(|row| format!("{:.0} %", row.idle_ratio * 100.0))),
        ),
        ("cost", texts(costs)),
        ("note", texts(notes)),
    ])
}

fn whole(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn note(answer: &WhatIf, place: usize, row: &Prediction) -> String {
    let mut notes = Vec::new();
    if row.is_current {
        notes.push("current".to_owned());
    }
    if answer.knee == Some(place) {
        notes.push("knee".to_owned());
    }
    if row.fits_memory == Some(false) {
        notes.push("too little memory".to_owned());
    }
    if row.lost_executors > 0 {
        let lost = counted(i64::from(row.lost_executors), "executor", "executors");
        notes.push(format!("{lost} lost"));
    }
    notes.join(", ")
}

fn heading(answer: &WhatIf) -> String {
    let model = &answer.model;
    let time = |ms: u64| duration(ms as f64);
    format!(
        "{}: {} on {}\n\
         driver without a job {}, critical path of the stages {}, {} with unlimited executors\n\n",
        answer.application(),
        time(model.measured_ms()),
        answer.current(),
        time(model.driver_ms()),
        time(model.critical_path_ms()),
        time(model.ideal_ms()),
    )
}

/// What the numbers rest on. Writing to a String cannot fail.
fn notes(answer: &WhatIf) -> String {
    let mut text = String::from("\n");
    let notes = answer.knee_note().into_iter();
    let notes = notes.chain([answer.cost_note(), answer.test_note()]);
    for note in notes.chain(answer.doubts()) {
        let _ = writeln!(text, "{note}");
    }
    text
}
