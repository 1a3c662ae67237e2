//! The metrics of a run in the text format of Prometheus, for the textfile collector of its node
//! exporter.

use std::fmt::Write;

use super::Outcome;

/// The metric that outlives runs that fail: it is what an alert compares with the present.
const LAST_SUCCESS: &str = "sparklake_last_success_timestamp_seconds";

/// The metrics of a run. `previous` is the file as the run before left it, from which the time of the
/// last success is taken where this run was none; `findings` are those of the applications that it
/// loaded, by severity.
#[must_use]
pub fn metrics(outcome: &Outcome, findings: &[(String, i64)], previous: Option<&str>) -> String {
    let mut text = Text {
        lake: escaped(&outcome.lake),
        text: String::new(),
    };
    let is_success = matches!(outcome.exit_code, 0 | 3);
    let ended = outcome.ended_at.timestamp().to_string();
    let success = match is_success {
        true => Some(ended.clone()),
        false => previous.and_then(|previous| last_success(previous, &text.lake)),
    };
    text.family(
        "sparklake_run_end_timestamp_seconds",
        "When the last run ended.",
        &[(None, ended)],
    );
    if let Some(success) = success {
        text.family(
            LAST_SUCCESS,
            "When the last run ended that loaded what there was (exit code 0 or 3).",
            &[(None, success)],
        );
    }
    text.family(
        "sparklake_run_exit_code",
        "Exit code of the last run: 0 done, 3 something is missing, others failed.",
        &[(None, outcome.exit_code.to_string())],
    );
    let length = (outcome.ended_at - outcome.started_at).num_milliseconds();
    text.family(
        "sparklake_run_duration_seconds",
        "Wall time of the last run.",
        &[(None, seconds(u64::try_from(length).unwrap_or_default()))],
    );
    text.family(
        "sparklake_run_step_duration_seconds",
        "Wall time of the steps of the last run.",
        &labeled("step", &outcome.steps, |time| seconds(*time)),
    );
    text.family(
        "sparklake_run_histories",
        "Histories that the last run met, by what became of them.",
        &labeled("outcome", &outcome.histories, usize::to_string),
    );
    text.family(
        "sparklake_run_clusters",
        "Clusters that the last run met, by what became of them.",
        &labeled("outcome", &outcome.clusters, usize::to_string),
    );
    for (name, help, value) in [
        (
            "sparklake_run_rows",
            "Rows of fact tables that the last run wrote.",
            outcome.rows,
        ),
        (
            "sparklake_run_read_bytes",
            "Bytes that the last run read, as stored.",
            outcome.bytes,
        ),
        (
            "sparklake_run_problems",
            "What the last run left out, or could not look at.",
            outcome.problem_count as u64,
        ),
    ] {
        text.family(name, help, &[(None, value.to_string())]);
    }
    let findings: Vec<Sample<'_>> = findings
        .iter()
        .map(|(severity, count)| (Some(("severity", severity.as_str())), count.to_string()))
        .collect();
    text.family(
        "sparklake_run_findings",
        "Findings of the applications that the last run loaded, by severity.",
        &findings,
    );
    text.text
}

/// A label and a value.
type Sample<'s> = (Option<(&'s str, &'s str)>, String);

fn labeled<'s, T>(
    label: &'s str,
    values: &'s [(&'static str, T)],
    shown: impl Fn(&T) -> String,
) -> Vec<Sample<'s>> {
    let sample = |(name, value): &'s (&'static str, T)| (Some((label, *name)), shown(value));
    values.iter().map(sample).collect()
}

struct Text {
    /// Escaped.
    lake: String,
    text: String,
}

impl Text {
    /// A gauge with its samples; none where there are no samples.
    fn family(&mut self, name: &str, help: &str, samples: &[Sample<'_>]) {
        if samples.is_empty() {
            return;
        }
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (label, value) in samples {
            let further = label
                .map(|(label, of)| format!(",{label}=\"{}\"", escaped(of)))
                .unwrap_or_default();
            let _ = writeln!(
                self.text,
                "{name}{{lake=\"{}\"{further}}} {value}",
                self.lake
            );
        }
    }
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1_000, milliseconds % 1_000)
}

/// A label's value as it stands between quotes.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// The time of the last success that an earlier file has for the same lake.
fn last_success(file: &str, lake: &str) -> Option<String> {
    let begin = format!("{LAST_SUCCESS}{{lake=\"{lake}\"}} ");
    let value = file.lines().find_map(|line| line.strip_prefix(&begin))?;
    value.parse::<i64>().ok().map(|time| time.to_string())
}
