//! Whatever a log repeats, drops, moves or exaggerates: every table has one row a key, and nothing
//! panics.

use proptest::prelude::*;

use super::MADE_LOG;
use super::support::{Tables, replay};

/// A log that Spark 3.5 wrote: jobs, stages, SQL with adaptive plans.
const SPARK_LOG: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/fixtures/logs/spark35/local-1795193760469"
));

/// Something that may happen to the lines of a log. Positions count modulo the log's length.
#[derive(Debug, Clone)]
enum Damage {
    Repeat {
        line: usize,
        at: usize,
    },
    RepeatRange {
        from: usize,
        length: usize,
        at: usize,
    },
    Swap(usize, usize),
    Drop(usize),
    /// Another value for one of the line's numbers.
    Number {
        line: usize,
        number: usize,
        value: i64,
    },
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = 0..10_000_usize;
    let value = prop_oneof![
        Just(i64::MAX),
        Just(i64::MIN),
        Just(-1),
        Just(0),
        Just(i64::MAX / 1_000_000 + 1),
        0..4_i64,
        any::<i64>(),
    ];
    prop_oneof![
        (at.clone(), at.clone()).prop_map(|(line, at)| Damage::Repeat { line, at }),
        (at.clone(), 0..200_usize, at.clone()).prop_map(|(from, length, at)| Damage::RepeatRange {
            from,
            length,
            at
        }),
        (at.clone(), at.clone()).prop_map(|(a, b)| Damage::Swap(a, b)),
        at.clone().prop_map(Damage::Drop),
        (at, 0..60_usize, value).prop_map(|(line, number, value)| Damage::Number {
            line,
            number,
            value
        }),
    ]
}

fn damaged(log: &str, damages: &[Damage]) -> Vec<String> {
    let mut lines: Vec<String> = log.lines().map(str::to_owned).collect();
    for damage in damages {
        let len = lines.len();
        if len == 0 {
            break;
        }
        match *damage {
            Damage::Repeat { line, at } => lines.insert(at % len, lines[line % len].clone()),
            Damage::RepeatRange { from, length, at } => {
                let from = from % len;
                let copy = lines[from..(from + length).min(len)].to_vec();
                let at = at % len;
                lines.splice(at..at, copy);
            }
            Damage::Swap(a, b) => lines.swap(a % len, b % len),
            Damage::Drop(line) => {
                lines.remove(line % len);
            }
            Damage::Number {
                line,
                number,
                value,
            } => {
                let line = &mut lines[line % len];
                *line = with_number(line, number, value);
            }
        }
    }
    lines
}

/// The line with its `number`th value that is a number replaced.
fn with_number(line: &str, number: usize, value: i64) -> String {
    let numbers = regex::Regex::new(r"(:)(-?\d+)([,}])").expect("a pattern");
    let count = numbers.find_iter(line).count().max(1);
    let Some(found) = numbers.find_iter(line).nth(number % count) else {
        return line.to_owned();
    };
    let last = &line[found.end() - 1..found.end()];
    format!(
        "{}:{value}{last}{}",
        &line[..found.start()],
        &line[found.end()..]
    )
}

fn assert_sound(tables: &Tables) -> Result<(), TestCaseError> {
    prop_assert_eq!(tables.repeated_key(), None);
    for table in ["applications", "jobs", "stages", "sql", "executors"] {
        for row in tables.rows(table) {
            for column in ["duration_ms", "observed_duration_ms", "lifetime_ms"] {
                // These two are the server's, which subtracts.
                if column == "duration_ms" && ["applications", "sql"].contains(&table) {
                    continue;
                }
                if let Some(value) = row.get(column) {
                    prop_assert!(!value.starts_with('-'), "{}.{}: {}", table, column, value);
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn keys_are_unique_in_every_table_whatever_a_log_says(
        damages in proptest::collection::vec(damage(), 0..40)
    ) {
        for log in [MADE_LOG, SPARK_LOG] {
            let lines = damaged(log, &damages);
            let (tables, _) = replay(lines.iter().map(String::as_str));
            assert_sound(&tables)?;
        }
    }

    #[test]
    fn repeated_lines_change_no_row(repeats in proptest::collection::vec((0..10_000_usize, 0..50_usize), 1..20)) {
        let lines: Vec<&str> = MADE_LOG.lines().collect();
        let mut repeated = lines.clone();
        for (line, later) in repeats {
            // A copy can only come after its original, where all that it says is known.
            let line = line % lines.len();
            let at = repeated.iter().position(|other| *other == lines[line]).expect("the original");
            let at = (at + 1 + later).min(repeated.len());
            repeated.insert(at, lines[line]);
        }
        let (whole, _) = replay(lines.iter().copied());
        let (twice, _) = replay(repeated.iter().copied());
        for table in ["jobs", "stages", "tasks", "stage_executors", "task_summaries", "sql"] {
            prop_assert_eq!(whole.rows(table), twice.rows(table), "{}", table);
        }
    }
}

#[test]
fn a_log_twice_in_a_row_is_one_log_and_its_events_are_counted() {
    for log in [MADE_LOG, SPARK_LOG] {
        let (once, undamaged) = replay(log.lines());
        let (twice, summary) = replay(log.lines().chain(log.lines()));
        assert_eq!(undamaged.duplicate_events, 0);
        assert_eq!(undamaged.rows, summary.rows);
        for table in [
            "jobs",
            "stages",
            "tasks",
            "stage_executors",
            "task_quantiles",
        ] {
            assert_eq!(once.rows(table), twice.rows(table), "{table}");
        }
        let doubled = |name: &str| log.matches(&format!("\"Event\":\"{name}\"")).count();
        let least = doubled("SparkListenerTaskStart")
            + doubled("SparkListenerTaskEnd")
            + doubled("SparkListenerJobStart")
            + doubled("SparkListenerStageSubmitted");
        assert!(
            summary.duplicate_events >= least as u64,
            "{} < {least}",
            summary.duplicate_events
        );
    }
}
