//! `sparklake whatif`, and the tables that hold the same.

use serde_json::Value;

use super::context::TestContext;

/// The columns that scripts rely on, in their order.
const CONTRACT: [&str; 8] = [
    "executors",
    "cores_per_executor",
    "memory_bytes",
    "duration_ms",
    "low_ms",
    "high_ms",
    "cost_usd",
    "is_current",
];

fn rows(context: &TestContext, arguments: &[&str]) -> Vec<Value> {
    let ended = context.run(arguments);
    assert_eq!(ended.code, 0, "{ended:?}");
    let rows: Value = serde_json::from_str(&ended.out).expect("JSON");
    rows.as_array().expect("an array").clone()
}

fn whatif(context: &TestContext, app: &str, more: &[&str]) -> Vec<Value> {
    let arguments = [&["whatif", "--format", "json", "--app", app][..], more].concat();
    rows(context, &arguments)
}

fn ask(context: &TestContext, query: &str) -> Vec<Value> {
    rows(context, &["sql", "--format", "json", query])
}

fn number(row: &Value, column: &str) -> i64 {
    let value = row.get(column).and_then(Value::as_i64);
    value.unwrap_or_else(|| panic!("no {column}: {row}"))
}

#[test]
fn the_answer_has_the_columns_that_scripts_rely_on_and_one_current_row() {
    let context = TestContext::with_loaded_lake();
    let app = "executor-metrics";
    let ended = context.run(&[
        "whatif",
        "--app",
        app,
        "--executors",
        "1..4",
        "--format",
        "json",
    ]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let object = ended.out.trim_start_matches(['[', '\n']);
    let mut rest = object;
    for column in CONTRACT {
        let at = rest
            .find(&format!("\"{column}\":"))
            .unwrap_or_else(|| panic!("{column}: {object}"));
        rest = &rest[at..];
    }
    let predicted = whatif(&context, app, &["--executors", "1..4"]);
    let measured = ask(
        &context,
        "SELECT observed_duration_ms, num_executors_max, executor_cores FROM applications \
         WHERE application_name = 'executor-metrics'",
    );
    let current: Vec<&Value> = predicted
        .iter()
        .filter(|row| row["is_current"] == true)
        .collect();
    let [current] = current.as_slice() else {
        panic!("{predicted:?}")
    };
    // What the application ran with takes what it took.
    assert_eq!(
        number(current, "duration_ms"),
        number(&measured[0], "observed_duration_ms")
    );
    assert_eq!(
        number(current, "executors"),
        number(&measured[0], "num_executors_max")
    );
    assert_eq!(
        number(current, "cores_per_executor"),
        number(&measured[0], "executor_cores")
    );
    for row in &predicted {
        let [low, duration, high] =
            ["low_ms", "duration_ms", "high_ms"].map(|name| number(row, name));
        assert!(low <= duration && duration <= high, "{row}");
        assert!(duration >= number(row, "ideal_ms"), "{row}");
        assert!(number(row, "ideal_ms") >= number(row, "driver_ms"), "{row}");
    }
    let knees = predicted
        .iter()
        .filter(|row| row["is_knee"] == true)
        .count();
    assert_eq!(knees, 1, "{predicted:?}");
}

#[test]
fn the_table_of_the_lake_holds_what_whatif_says() {
    let context = TestContext::with_loaded_lake();
    for app in ["executor-metrics", "skewed-join"] {
        let query = format!(
            "SELECT s.executors, s.cores_per_executor, s.duration_ms, s.is_current, s.is_knee, \
             s.cost_usd, s.core_time_ms, s.fits_memory, s.ideal_ms \
             FROM simulations AS s JOIN applications AS a ON a.application_id = s.application_id \
             WHERE a.application_name = '{app}' ORDER BY s.executors * s.cores_per_executor"
        );
        let stored = ask(&context, &query);
        let predicted = whatif(&context, app, &[]);
        assert!(stored.len() >= 4, "{stored:?}");
        assert_eq!(stored.len(), predicted.len());
        for (stored, predicted) in stored.iter().zip(&predicted) {
            for (column, value) in stored.as_object().expect("an object") {
                assert_eq!(value, &predicted[column], "{app}: {column} of {stored}");
            }
        }
    }
}

#[test]
fn an_application_has_rows_exactly_when_it_can_be_predicted() {
    let context = TestContext::with_loaded_lake();
    let missing = ask(
        &context,
        "SELECT a.application_name FROM applications AS a \
         LEFT JOIN simulations AS s ON s.application_id = a.application_id AND s.is_current \
         WHERE s.executors IS NULL AND a.completed AND a.observed_duration_ms > 0 \
           AND a.num_tasks > a.num_failed_tasks + a.num_killed_tasks AND a.core_time_ms > 0",
    );
    assert_eq!(missing, Vec::<Value>::new());
    let unknown = ask(
        &context,
        "SELECT a.application_name FROM applications AS a \
         JOIN simulations AS s ON s.application_id = a.application_id WHERE NOT a.completed",
    );
    assert_eq!(unknown, Vec::<Value>::new());
    // On its own executors each takes what it took.
    let wrong = ask(
        &context,
        "SELECT s.application_id FROM simulations AS s JOIN applications AS a \
         ON a.application_id = s.application_id WHERE s.is_current \
         AND ABS(s.duration_ms - a.observed_duration_ms) > 1",
    );
    assert_eq!(wrong, Vec::<Value>::new());
}

#[test]
fn what_cannot_be_asked_or_known_is_said_with_an_exit_code() {
    let context = TestContext::with_loaded_lake();
    for (arguments, code, said) in [
        (
            &["--app", "executor-metrics", "--executors", "0"][..],
            2,
            "no task runs on 0 executors",
        ),
        (
            &["--app", "executor-metrics", "--executors", "9..2"][..],
            2,
            "write the smaller number first",
        ),
        (
            &["--app", "executor-metrics", "--memory", "90t"][..],
            2,
            "no instance holds an executor",
        ),
        (
            &[
                "--app",
                "executor-metrics",
                "--platform",
                "emr_serverless",
                "--cores",
                "64",
            ][..],
            2,
            "no worker of EMR Serverless",
        ),
        (
            &["--app", "executor-metrics", "--data-growth", "0"][..],
            2,
            "from 0.01 to 100",
        ),
        (
            &["--app", "no-such-application"][..],
            2,
            "no application of this lake",
        ),
        (&["--app", "app-"][..], 2, "write one id in full"),
        (&["--app", "killed-plain"][..], 1, "its history has no end"),
    ] {
        let ended = context.run(&[&["whatif"][..], arguments].concat());
        assert_eq!(ended.code, code, "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(said), "{arguments:?}: {}", ended.err);
        assert!(ended.out.is_empty(), "{ended:?}");
    }
}

#[test]
fn people_are_told_the_knee_the_price_and_how_far_it_is_off() {
    let context = TestContext::with_loaded_lake();
    let ended = context.run(&[
        "whatif",
        "--app",
        "executor-metrics",
        "--spot",
        "--data-growth",
        "2",
    ]);
    assert_eq!(ended.code, 0, "{ended:?}");
    for said in [
        "executor-metrics (app-",
        "Knee:",
        "Cost: hypothetical at prices of EMR on EC2, spot",
        "Interval: ±",
        "With 2 times the data",
    ] {
        assert!(ended.out.contains(said), "{said}: {}", ended.out);
    }
    let plain = context.run(&["whatif", "--app", "executor-metrics"]);
    assert!(plain.out.contains("current"), "{}", plain.out);
    let other = context.run(&[
        "whatif",
        "--app",
        "executor-metrics",
        "--platform",
        "databricks",
    ]);
    assert!(other.out.contains("not known"), "{}", other.out);
}
