//! What a run did, for people.

use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use indicatif::{HumanBytes, HumanCount, HumanDuration};

use super::text::{counted, printable, shortened};
use crate::pipeline::{Problem, RunRequest, RunStatus, RunSummary, ShardCounts, Source};
use crate::unit::WorstApplication;

/// Problems that are listed one by one.
const LISTED_PROBLEMS: usize = 10;
/// Longest text of a column that can be any length.
const LONG: usize = 160;

/// The paragraph that ends a run on a terminal.
pub(super) fn of_run(run: &RunSummary, lake: &str) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = match next_step(run, lake) {
        Some(next) => writeln!(text, "{next}"),
        None => writeln!(text, "{}", first_line(run)),
    };
    let _ = write!(text, "{}", clusters(run));
    let _ = write!(text, "{}{}", problems(run, lake), worst(&run.worst));
    if !run.dry_run && !run.worst.is_empty() {
        let query = "SELECT severity, rule_id, application_id, title, evidence FROM findings \
                     ORDER BY lost_core_ms DESC NULLS LAST LIMIT 20";
        let _ = writeln!(
            text,
            "\nMore: sparklake sql --lake {} \"{query}\"",
            shell_word(lake)
        );
    }
    text
}

/// What was looked for, and where, of a run that found nothing at all; `None` of any other.
pub(super) fn nothing_found(run: &RunSummary, request: &RunRequest) -> Option<String> {
    if run.error.is_some() || run.discovered > 0 || run.clusters.found > 0 {
        return None;
    }
    let looked = request.sources.iter().map(|named| {
        let places = named.source.places().join(", ");
        match named.source {
            Source::EventLogs(_) => format!(
                "Spark event logs (files, rolling folders, archives) at any depth below {places}"
            ),
            Source::HistoryServer(_) => format!("applications at {places}"),
            Source::Platform(_) => format!("clusters at {places}"),
        }
    });
    let looked: Vec<String> = looked.collect();
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let window = [
        request
            .window
            .since
            .map(|since| format!(" since {}", time(since))),
        request
            .window
            .until
            .map(|until| format!(" until {}", time(until))),
    ];
    let window: String = window.into_iter().flatten().collect();
    Some(format!(
        "no history was found: looked for {}{window}; `sparklake doctor` tries each source",
        looked.join("; ")
    ))
}

/// What became of the clusters; nothing where no platform was asked.
fn clusters(run: &RunSummary) -> String {
    let of = &run.clusters;
    if of.found == 0 {
        return String::new();
    }
    let parts = [
        (of.completed, "loaded whole"),
        (of.empty, "with nothing to load"),
        (of.partial, "loaded in part"),
        (of.failed, "failed"),
        (of.unchanged, "loaded by an earlier run"),
    ];
    let told: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", HumanCount(count as u64)))
        .collect();
    let found = counted(of.found, "cluster", "clusters");
    match told.as_slice() {
        [] => format!("{found} found.\n"),
        told => format!("{found}: {}.\n", told.join(", ")),
    }
}

/// What to do about a run that waits.
pub(super) fn next_step(run: &RunSummary, lake: &str) -> Option<String> {
    let shards = run.shards.as_ref()?;
    let ShardCounts { phase, units, .. } = shards;
    let (run_id, lake) = (&run.run_id, shell_word(lake));
    (run.status == RunStatus::Waiting).then(|| {
        format!(
            "Run {run_id} waits: the {phase} is handed out in {}. Work through them with \
             `sparklake worker --run {run_id} --lake {lake} --shard 0/4` (and 1/4 to 3/4), then \
             `sparklake run --resume {run_id} --lake {lake}`.",
            counted(*units, "unit", "units")
        )
    })
}

fn first_line(run: &RunSummary) -> String {
    let took = HumanDuration(Duration::from_millis(run.duration_ms));
    let size = HumanBytes(run.bytes);
    let unchanged = match run.unchanged {
        0 => String::new(),
        same => format!(
            "; {} in the lake already",
            counted(same, "history is", "histories are")
        ),
    };
    if run.dry_run {
        let would = counted(run.loaded, "history", "histories");
        return format!("Nothing was written. A run would read {would}, {size}{unchanged}.");
    }
    if run.discovered == 0 {
        return "No histories were found.".to_owned();
    }
    let read = run.loaded + run.partial;
    if read == 0 {
        return format!("Nothing new to load{unchanged}.");
    }
    let partial = match run.partial {
        0 => String::new(),
        partial => format!(" ({partial} in part)"),
    };
    format!(
        "Loaded {}{partial}: {} rows from {size} in {took}{unchanged}.",
        counted(read, "history", "histories"),
        HumanCount(run.rows),
    )
}

/// What was left out, and why.
fn problems(run: &RunSummary, lake: &str) -> String {
    if run.problems.is_empty() {
        return String::new();
    }
    let mut text = "\nLeft out, or loaded in part:\n".to_owned();
    for Problem {
        uri,
        status,
        error,
        count,
        ..
    } in run.problems.iter().take(LISTED_PROBLEMS)
    {
        let mut error = printable(&shortened(error, LONG)).clone();
        if *count > 1 {
            let _ = write!(error, " ({count} times)");
        }
        let status = status.as_str();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "  {status:11} {}\n              {error}",
            printable(uri)
        );
    }
    let more = run.problems.len().saturating_sub(LISTED_PROBLEMS);
    if more > 0 {
        let _ = writeln!(
            text,
            "  and {more} more: sparklake status --lake {}",
            shell_word(lake)
        );
    }
    text
}

fn worst(applications: &[WorstApplication]) -> String {
    if applications.is_empty() {
        return String::new();
    }
    let mut text = "\nWhat to look at first:\n".to_owned();
    for application in applications {
        let name = application.application_name.as_deref().unwrap_or_default();
        let name = printable(&shortened(name, LONG));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {}  {name}", printable(&application.application_id));
        let facts = facts(application);
        if !facts.is_empty() {
            let _ = writeln!(text, "      {facts}");
        }
        if let Some(evidence) = &application.evidence {
            let _ = writeln!(text, "      {}", printable(&shortened(evidence, LONG)));
        }
    }
    text
}

fn facts(application: &WorstApplication) -> String {
    let share = application.ineffstageagg;
    let share = share.map(|percent| format!("{percent:.0} % of stage time in flagged stages"));
    let lost = application.lost_core_ms.filter(|lost| *lost > 0);
    let lost = lost.map(|lost| format!("{} of core time lost", core_time(lost)));
    let rule = application.top_rule.as_deref().map(printable);
    [share, lost, rule]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

/// Core time in the largest unit that gives a readable number.
fn core_time(milliseconds: i64) -> String {
    let seconds = milliseconds / 1_000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

/// `word` as a shell takes it.
fn shell_word(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-:@%+=,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{SourceRecord, SourceStatus};

    fn run() -> RunSummary {
        RunSummary {
            discovered: 5,
            loaded: 2,
            partial: 1,
            unchanged: 1,
            quarantined: 1,
            rows: 12_345,
            bytes: 2_048,
            duration_ms: 3_000,
            ..RunSummary::default()
        }
    }

    #[test]
    fn the_first_line_says_what_was_loaded() {
        assert_eq!(
            first_line(&run()),
            "Loaded 3 histories (1 in part): 12,345 rows from 2.00 KiB in 3 seconds; \
             1 history is in the lake already."
        );
        let nothing = RunSummary {
            discovered: 1,
            unchanged: 1,
            ..RunSummary::default()
        };
        assert_eq!(
            first_line(&nothing),
            "Nothing new to load; 1 history is in the lake already."
        );
        assert_eq!(
            first_line(&RunSummary::default()),
            "No histories were found."
        );
    }

    #[test]
    fn problems_and_worst_applications_are_told_without_control_characters() {
        let mut run = run();
        let log = "/logs/app\u{1b}[2J";
        let mut record =
            SourceRecord::new(log, "1", "event_log", "logs", SourceStatus::Quarantined);
        record.error = Some("the file is no event log".to_owned());
        run.problems.push(Problem::of(&record, true));
        run.worst.push(WorstApplication {
            application_id: "app-1".to_owned(),
            attempt_id: "0".to_owned(),
            application_name: Some("etl".to_owned()),
            ineffstageagg: Some(62.6),
            lost_core_ms: Some(7_200_000),
            top_rule: Some("task_skew".to_owned()),
            evidence: Some("The longest of 200 tasks ran 90 s.".to_owned()),
        });
        let text = of_run(&run, "my lake");
        assert!(text.contains("quarantined /logs/app [2J\n"), "{text}");
        assert!(
            text.contains("63 % of stage time in flagged stages, 2 h of core time lost, task_skew"),
            "{text}"
        );
        assert!(text.contains("--lake 'my lake' \"SELECT"), "{text}");
    }

    #[test]
    fn a_word_is_quoted_for_the_shell_only_where_needed() {
        assert_eq!(shell_word("s3://bucket/lake"), "s3://bucket/lake");
        assert_eq!(shell_word("it's"), "'it'\\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
