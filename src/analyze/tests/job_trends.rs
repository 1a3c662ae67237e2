//! Runs of recurring jobs against their own past, worked out by hand.

use serde_json::{Map, Value, json};

use super::lake::{TestLake, assert_columns, built_in};

/// Seconds of the runs of a job, a day each, on ten cores with a gigabyte of input.
struct Job {
    lake: TestLake,
    runs: u32,
}

impl Job {
    fn new() -> Self {
        Self {
            lake: TestLake::default(),
            runs: 0,
        }
    }

    /// Adds a run of so many seconds; columns replace the usual ones.
    fn run(&mut self, seconds: i64, columns: Value) -> &mut Self {
        self.run_with(seconds, columns, json!({}))
    }

    fn run_with(&mut self, seconds: i64, columns: Value, profile: Value) -> &mut Self {
        self.runs += 1;
        let (id, day) = (format!("run-{:02}", self.runs), self.runs);
        let mut row = json!({
            "job_key": "nightly", "is_interactive": false,
            "start_time": format!("2026-01-{day:02}T03:00:00Z"), "app_date": format!("2026-01-{day:02}"),
            "observed_duration_ms": seconds * 1_000, "core_time_ms": seconds * 10_000,
            "input_bytes": 1_000_000_000, "cores_max": 10, "num_sql": 1,
        });
        let fields = row.as_object_mut().expect("object");
        fields.extend(columns.as_object().expect("object").clone());
        self.lake.application(&id, row);
        let mut row = json!({
            "tuning_settings": ["spark.executor.memory=4g"],
            "operators": ["SortMergeJoin"], "operator_counts": ["SortMergeJoin=2"],
        });
        let fields = row.as_object_mut().expect("object");
        fields.extend(profile.as_object().expect("object").clone());
        self.lake.row("application_profiles", &id, row);
        self
    }

    async fn trends(&mut self) -> Vec<Map<String, Value>> {
        self.lake
            .ensure("application_costs")
            .ensure("ineffjobagg")
            .ensure("application_profiles");
        let table = built_in()
            .tables()
            .find(|table| table.id == "job_trends")
            .expect("there");
        let answers = self.lake.analyse_with(&built_in().alone(table)).await;
        let mut rows = answers.rows("job_trends");
        rows.sort_by_key(|row| row["run_number"].as_i64());
        rows
    }

    async fn last(&mut self) -> Map<String, Value> {
        self.trends().await.pop().expect("a run")
    }
}

#[tokio::test]
async fn a_baseline_is_the_median_of_the_comparable_runs_before() {
    let mut job = Job::new();
    job.run(100, json!({}))
        .run(110, json!({}))
        .run(130, json!({}));
    // Failed, cut off, without an end, and with clocks that ran backwards: no part of a baseline.
    job.run(900, json!({"failure_reason": "Job aborted"}));
    job.run(5, json!({"complete": false}));
    job.run(0, json!({"observed_duration_ms": null, "complete": false}));
    job.run(0, json!({"observed_duration_ms": null}));
    job.run(200, json!({}));
    let rows = job.trends().await;
    let baselines: Vec<&Value> = rows
        .iter()
        .map(|row| &row["baseline_duration_ms"])
        .collect();
    assert_eq!(
        baselines,
        [
            &json!(null),
            &json!(100e3),
            &json!(105e3),
            &json!(110e3),
            &json!(110e3),
            &json!(110e3),
            &json!(110e3),
            &json!(110e3)
        ]
    );
    let verdicts: Vec<&Value> = rows.iter().map(|row| &row["is_regression"]).collect();
    assert_eq!(verdicts[..7], [&json!(null); 7]);
    assert!(
        rows[..7]
            .iter()
            .all(|row| row["regression_cause"].is_null())
    );
    // Distances from 110: 10, 0, 20: their median is 10 s. 200 is 90 s more, 82 %.
    assert_columns(
        &rows[7],
        json!({
            "run_number": 8, "is_comparable": true, "baseline_runs": 3, "duration_ms": 200_000,
            "spread_duration_ms": 10e3, "duration_change_ratio": 200.0 / 110.0 - 1.0,
            "baseline_core_time_ms": 1100e3, "baseline_input_bytes": 1e9, "input_change_ratio": 0.0,
            "duration_per_gb_ms": 200e3, "is_regression": true, "regression_cause": "unknown",
            "reference_application_id": "run-02", "changed_settings": null, "cost_usd": null,
        }),
    );
    assert_columns(
        &rows[4],
        json!({"is_comparable": false, "duration_ms": null}),
    );
    assert_columns(
        &rows[6],
        json!({"is_comparable": false, "duration_ms": null}),
    );
}

#[tokio::test]
async fn only_the_last_ten_comparable_runs_count() {
    let mut job = Job::new();
    for _ in 0..10 {
        job.run(1_000, json!({}));
    }
    for _ in 0..10 {
        job.run(100, json!({}));
    }
    let rows = job.trends().await;
    // Run 16 has five runs of each behind it, run 17 six of the short ones.
    assert_columns(
        &rows[15],
        json!({"baseline_runs": 10, "baseline_duration_ms": 550e3}),
    );
    assert_columns(
        &rows[16],
        json!({"baseline_duration_ms": 100e3, "is_regression": false}),
    );
    assert_columns(
        &rows[19],
        json!({"run_number": 20, "baseline_duration_ms": 100e3}),
    );
}

#[tokio::test]
async fn noise_is_no_regression() {
    // 60 % longer, but the runs before differ by 100 s from their median.
    let mut noisy = Job::new();
    noisy
        .run(200, json!({}))
        .run(300, json!({}))
        .run(400, json!({}))
        .run(480, json!({}));
    assert_columns(
        &noisy.last().await,
        json!({"spread_duration_ms": 100e3, "duration_change_ratio": 0.6, "is_regression": false, "regression_cause": null}),
    );
    // Three times as long, but only 20 s.
    let mut short = Job::new();
    short
        .run(10, json!({}))
        .run(10, json!({}))
        .run(10, json!({}))
        .run(30, json!({}));
    assert_columns(&short.last().await, json!({"is_regression": false}));
    // As long as before, on four times the cores: 1,000 s more core time each.
    let mut wide = Job::new();
    wide.run(100, json!({}))
        .run(100, json!({}))
        .run(100, json!({}));
    wide.run(100, json!({"core_time_ms": 4_000_000, "cores_max": 40}));
    assert_columns(
        &wide.last().await,
        json!({"is_regression": true, "duration_change_ratio": 0.0, "core_time_change_ratio": 3.0, "cores_change_ratio": 3.0}),
    );
}

#[tokio::test]
async fn the_cause_is_the_first_that_holds() {
    let slow = |columns: Value, profile: Value| async move {
        let mut job = Job::new();
        job.run(100, json!({}))
            .run(100, json!({}))
            .run(100, json!({}));
        job.run_with(300, columns, profile);
        job.last().await
    };
    let none = || json!({});
    // Three times the input in three times the time.
    let more = slow(json!({"input_bytes": 3_000_000_000_i64}), none()).await;
    assert_columns(
        &more,
        json!({"regression_cause": "more_data", "input_change_ratio": 2.0, "duration_per_gb_change_ratio": 0.0}),
    );
    // Twice the input does not explain it: 150 s for each gigabyte instead of 100.
    let both = slow(
        json!({"input_bytes": 2_000_000_000_i64, "spark_version": "4.0.1"}),
        json!({"tuning_settings": ["spark.executor.memory=8g"]}),
    )
    .await;
    assert_columns(
        &both,
        json!({
            "regression_cause": "new_spark_version", "duration_per_gb_change_ratio": 0.5,
            "changed_settings": "spark.executor.memory=4g -> spark.executor.memory=8g",
        }),
    );
    let unset = slow(none(), json!({"tuning_settings": []})).await;
    assert_columns(
        &unset,
        json!({"regression_cause": "new_settings", "changed_settings": "spark.executor.memory=4g -> "}),
    );
    let plan = slow(
        none(),
        json!({"operator_counts": ["BroadcastHashJoin=1", "SortMergeJoin=1"]}),
    )
    .await;
    assert_columns(
        &plan,
        json!({
            "regression_cause": "new_plan",
            "changed_operators": "SortMergeJoin=2 -> BroadcastHashJoin=1, SortMergeJoin=1",
        }),
    );
    // Twice the queries have twice the operators, of the same kinds.
    let queries = slow(
        json!({"num_sql": 2}),
        json!({"operator_counts": ["SortMergeJoin=4"]}),
    )
    .await;
    assert_columns(
        &queries,
        json!({"regression_cause": "unknown", "changed_operators": null}),
    );
    let fewer = slow(json!({"cores_max": 4}), none()).await;
    assert_columns(
        &fewer,
        json!({"regression_cause": "fewer_cores", "cores_change_ratio": -0.6}),
    );
    // No input and no profile: nothing is known about the cause, and nothing fails.
    let nothing = slow(
        json!({"input_bytes": 0, "cores_max": null, "spark_version": null}),
        json!({"tuning_settings": null, "operators": null, "operator_counts": null}),
    )
    .await;
    assert_columns(
        &nothing,
        json!({"regression_cause": "unknown", "duration_per_gb_ms": null, "input_change_ratio": -1.0}),
    );
}

#[tokio::test]
async fn a_query_without_a_source_hides_no_input() {
    // 100 s for a gigabyte of files; the bytes of a table of another system are not counted.
    for (operators, per_gb) in [
        (json!(["Scan OneRowRelation", "Scan parquet"]), json!(100e3)),
        (
            json!(["Scan JDBCRelation", "Scan OneRowRelation", "Scan parquet"]),
            json!(null),
        ),
    ] {
        let mut job = Job::new();
        job.run_with(100, json!({}), json!({ "operators": operators }));
        let run = job.last().await;
        assert_columns(&run, json!({ "duration_per_gb_ms": per_gb }));
    }
}

#[tokio::test]
async fn interactive_applications_and_those_without_a_job_have_no_trend() {
    let mut job = Job::new();
    job.run(100, json!({"job_key": null}));
    job.run(100, json!({"is_interactive": true}));
    job.run(100, json!({"is_interactive": null, "job_key": "other"}));
    let rows = job.trends().await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_columns(
        &rows[0],
        json!({"job_key": "other", "run_number": 1, "baseline_runs": 0}),
    );
}

#[tokio::test]
async fn settings_of_queries_are_no_cause_where_none_ran() {
    for (settings, cause) in [
        (
            json!([
                "spark.executor.memory=4g",
                "spark.sql.shuffle.partitions=4000"
            ]),
            "unknown",
        ),
        (
            json!([
                "spark.executor.memory=8g",
                "spark.sql.shuffle.partitions=4000"
            ]),
            "new_settings",
        ),
        (
            json!(["spark.executor.memory=4g", "spark.shuffle.compress=false"]),
            "new_settings",
        ),
    ] {
        let mut job = Job::new();
        for _ in 0..4 {
            job.run(100, json!({"num_sql": 0}));
        }
        job.run_with(
            300,
            json!({"num_sql": 0}),
            json!({"tuning_settings": settings}),
        );
        let rows = job.trends().await;
        assert_columns(
            &rows[4],
            json!({"is_regression": true, "regression_cause": cause}),
        );
    }
}
