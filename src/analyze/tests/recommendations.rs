//! Recommendations with a memory: histories of a job made by hand, with what has to be said of them.

use serde_json::{Map, Value, json};

use super::lake::{TestLake, assert_columns, built_in};

const MEMORY: &str = "spark.executor.memory";
const OVERHEAD: &str = "spark.executor.memoryOverhead";
const INSTANCES: &str = "spark.executor.instances";
const IDLE_TIMEOUT: &str = "spark.dynamicAllocation.executorIdleTimeout";
const PARTITIONS: &str = "spark.sql.shuffle.partitions";

/// The runs of a job, a day each.
#[derive(Default)]
struct Job {
    lake: TestLake,
    runs: u32,
}

impl Job {
    /// Adds a run with these settings that takes so much core time.
    fn run(&mut self, core_time_ms: i64, settings: &[(&str, &str)]) -> &mut Self {
        self.runs += 1;
        let (id, day) = (format!("run-{:02}", self.runs), self.runs);
        let date = format!("2026-01-{day:02}");
        self.lake.row("job_trends", &id, json!({
            "job_key": "nightly", "run_number": self.runs, "app_date": date, "is_comparable": true,
            "start_time": format!("{date}T03:00:00Z"), "core_time_ms": core_time_ms,
            "core_time_per_gb_ms": core_time_ms, "input_bytes": 1_000_000_000,
        }));
        let settings: Vec<String> = settings
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        self.lake.row(
            "application_profiles",
            &id,
            json!({"app_date": date, "tuning_settings": settings}),
        );
        self.lake
            .application(&id, json!({"job_key": "nightly", "app_date": date}));
        self
    }

    /// The same for a number of runs.
    fn runs(&mut self, count: u32, core_time_ms: i64, settings: &[(&str, &str)]) -> &mut Self {
        for _ in 0..count {
            self.run(core_time_ms, settings);
        }
        self
    }

    /// The last run lost an executor for want of memory, and got over it.
    fn lost_memory(&mut self) -> &mut Self {
        let id = format!("run-{:02}", self.runs);
        self.lake
            .change("application_profiles", &id, json!({"out_of_memory": true}));
        self
    }

    /// What the executors of the last run held of memory.
    fn held(&mut self, memory_time: i64) -> &mut Self {
        let id = format!("run-{:02}", self.runs);
        let columns = json!({"container_memory_time_byte_ms": memory_time});
        self.lake.change("applications", &id, columns);
        self
    }

    /// The last run was out of memory and failed.
    fn out_of_memory(&mut self) -> &mut Self {
        let id = format!("run-{:02}", self.runs);
        self.lake
            .change("application_profiles", &id, json!({"out_of_memory": true}));
        self.lake
            .change("job_trends", &id, json!({"is_comparable": false}));
        self
    }

    /// A rule asks the last run for another value; what is not set is empty.
    fn asks(&mut self, rule: &str, key: &str, current: &str, wanted: &str, lost: i64) -> &mut Self {
        let id = format!("run-{:02}", self.runs);
        let current = match current {
            "" => Value::Null,
            value => json!(value),
        };
        self.lake.row(
            "findings",
            &id,
            json!({
                "finding_id": format!("{rule}-{id}"), "rule_id": rule, "config_key": key,
                "config_current": current, "config_recommended": wanted, "lost_core_ms": lost,
                "recommendation": format!("Set {key}."), "confidence": "high", "severity": "medium",
                "app_date": format!("2026-01-{:02}", self.runs),
            }),
        );
        self
    }

    async fn recommendations(&mut self) -> Vec<Map<String, Value>> {
        self.lake.ensure("findings");
        let table = built_in()
            .tables()
            .find(|table| table.id == "recommendations")
            .expect("there");
        self.lake
            .analyse_with(&built_in().alone(table))
            .await
            .rows("recommendations")
    }

    /// The recommendation of that value for a setting.
    async fn of(&mut self, key: &str, value: &str) -> Map<String, Value> {
        let rows = self.recommendations().await;
        let row = rows
            .iter()
            .find(|row| row["config_key"] == key && row["recommended_value"] == value);
        row.unwrap_or_else(|| panic!("{key}={value}: {rows:#?}"))
            .clone()
    }

    async fn only(&mut self) -> Map<String, Value> {
        let mut rows = self.recommendations().await;
        assert_eq!(rows.len(), 1, "{rows:#?}");
        rows.remove(0)
    }
}

#[tokio::test]
async fn one_value_for_each_setting_and_one_step_at_a_time() {
    let mut job = Job::default();
    job.run(1_000_000, &[(MEMORY, "4g")]);
    job.asks("gc_pressure", MEMORY, "4g", "6g", 50_000)
        .asks("disk_spill", MEMORY, "4g", "8192m", 20_000)
        .asks("oversized_memory", MEMORY, "4g", "2g", 900_000)
        .asks("tiny_tasks", PARTITIONS, "2000", "200", 100_000);
    let mut rows = job.recommendations().await;
    assert_eq!(rows.len(), 2, "{rows:#?}");
    rows.sort_by_key(|row| row["step"].as_i64());
    assert_columns(
        &rows[0],
        json!({
            "config_key": PARTITIONS, "recommended_value": "200", "action": "shrink", "step": 1,
            "is_next": true, "status": "proposed", "expected_saving_ratio": 0.1, "confidence": "low",
            "rule_ids": ["tiny_tasks"], "risk": "low",
        }),
    );
    // Who asks for more wins, and gets the most that is asked for.
    assert_columns(
        &rows[1],
        json!({
            "config_key": MEMORY, "recommended_value": "8192m", "current_value": "4g", "action": "grow",
            "step": 2, "is_next": false, "expected_saving_core_ms": 20_000,
            "rule_ids": ["disk_spill", "gc_pressure", "oversized_memory"],
            "finding_ids": ["disk_spill-run-01", "gc_pressure-run-01", "oversized_memory-run-01"],
        }),
    );
}

#[tokio::test]
async fn resources_shrink_slowly_and_never_after_memory_ran_out() {
    let mut job = Job::default();
    job.run(1_000_000, &[(MEMORY, "16g")])
        .asks("oversized_memory", MEMORY, "16g", "4g", 500_000);
    // Three quarters of 16 GiB at a time, which is a third of the way and of the saving.
    assert_columns(
        &job.only().await,
        json!({"recommended_value": "12288m", "action": "shrink", "risk": "medium",
               "expected_saving_core_ms": 166_666,
               "reason": "Set spark.executor.memory. This is the first step towards it."}),
    );
    // The same after a run that was out of memory, however often it is asked for; switches may change.
    let mut burnt = Job::default();
    burnt.run(1_000_000, &[(MEMORY, "16g")]).out_of_memory();
    for _ in 0..9 {
        burnt.run(1_000_000, &[(MEMORY, "16g")]);
    }
    burnt.asks("oversized_memory", MEMORY, "16g", "4g", 500_000);
    burnt.asks("tiny_tasks", PARTITIONS, "2000", "200", 100_000);
    burnt.asks(
        "adaptive_off",
        "spark.sql.adaptive.enabled",
        "false",
        "true",
        1,
    );
    assert_columns(
        &burnt.only().await,
        json!({"config_key": "spark.sql.adaptive.enabled", "action": "set"}),
    );
    // Ten runs later it may, at a risk.
    burnt
        .run(1_000_000, &[(MEMORY, "16g")])
        .asks("oversized_memory", MEMORY, "16g", "4g", 500_000);
    assert_columns(
        &burnt.only().await,
        json!({"config_key": MEMORY, "risk": "high"}),
    );
}

#[tokio::test]
async fn a_bound_that_was_never_reached_shrinks_from_what_ran_and_stays_a_number() {
    const MOST: &str = "spark.dynamicAllocation.maxExecutors";
    // 19 executors ran at most: three quarters of them are 15, a third of the way down to 7.
    let mut job = Job::default();
    job.run(1_000_000, &[])
        .asks("idle_executors", MOST, "2147483647", "7", 300_000);
    job.lake
        .change("job_trends", "run-01", json!({"num_executors_max": 19}));
    assert_columns(
        &job.only().await,
        json!({"recommended_value": "15", "action": "shrink", "expected_saving_core_ms": 100_000}),
    );
    // A bound of the last step is taken as it is.
    let mut near = Job::default();
    near.run(1_000_000, &[])
        .asks("idle_executors", MOST, "2147483647", "15", 300_000);
    near.lake
        .change("job_trends", "run-01", json!({"num_executors_max": 19}));
    assert_columns(
        &near.only().await,
        json!({"recommended_value": "15", "expected_saving_core_ms": 300_000}),
    );
    // Here 0 means without a limit, so that 2g is not more than it.
    let mut unlimited = Job::default();
    unlimited.run(1_000_000, &[]).asks(
        "risky_settings",
        "spark.driver.maxResultSize",
        "0",
        "2g",
        0,
    );
    assert_columns(&unlimited.only().await, json!({"action": "set"}));
}

#[tokio::test]
async fn a_run_that_was_out_of_memory_gets_more_at_once_and_first() {
    let mut job = Job::default();
    job.run(1_000_000, &[(MEMORY, "4g")])
        .asks("tiny_tasks", PARTITIONS, "100", "400", 900_000);
    job.run(1_000_000, &[(MEMORY, "4g")]).out_of_memory();
    job.asks("out_of_memory", MEMORY, "4g", "8g", 1_000).asks(
        "tiny_tasks",
        PARTITIONS,
        "100",
        "400",
        900_000,
    );
    let rows = job.recommendations().await;
    let memory = rows
        .iter()
        .find(|row| row["config_key"] == MEMORY)
        .expect("a row");
    assert_columns(
        memory,
        json!({"recommended_value": "8g", "step": 1, "is_next": true, "num_runs": 1}),
    );
    let other = rows
        .iter()
        .find(|row| row["config_key"] == PARTITIONS)
        .expect("a row");
    assert_columns(
        other,
        json!({"step": 2, "num_runs": 2, "confidence": "medium"}),
    );
}

/// A job that was asked to change, did it (written another way) and then took so much core time.
async fn changed(after: &[i64]) -> Map<String, Value> {
    let mut job = Job::default();
    for _ in 0..3 {
        job.run(1_000_000, &[(MEMORY, "4g")])
            .asks("disk_spill", MEMORY, "4g", "8g", 400_000);
    }
    for core_time in after {
        job.run(*core_time, &[(MEMORY, "8192m")]);
    }
    job.of(MEMORY, "8g").await
}

#[tokio::test]
async fn later_runs_say_what_became_of_a_recommendation() {
    assert_columns(
        &changed(&[]).await,
        json!({"status": "proposed", "num_runs": 3, "confidence": "high", "applied_at": null, "runs_after": 0,
               "first_proposed_at": "2026-01-01T03:00:00Z", "last_proposed_at": "2026-01-03T03:00:00Z"}),
    );
    assert_columns(
        &changed(&[700_000]).await,
        json!({"status": "applied", "runs_after": 1, "applied_at": "2026-01-04T03:00:00Z",
               "realized_saving_ratio": 0.3, "expected_saving_ratio": 0.4, "step": null, "is_next": null}),
    );
    // The median of 700, 800 and 900 is 800: 20 % of the 40 % that were promised.
    assert_columns(
        &changed(&[900_000, 700_000, 800_000]).await,
        json!({"status": "verified", "runs_after": 3, "realized_saving_ratio": 0.2}),
    );
    // 5 % is less than a quarter of what was promised.
    assert_columns(
        &changed(&[950_000, 950_000, 950_000]).await,
        json!({"status": "applied", "realized_saving_ratio": 0.05}),
    );
    assert_columns(
        &changed(&[1_200_000, 1_200_000, 1_200_000]).await,
        json!({"status": "regressed", "realized_saving_ratio": -0.2,
               "reason": "Go back to 4g: runs with 8g take more core time."}),
    );
}

#[tokio::test]
async fn memory_that_runs_out_after_a_change_is_a_regression_that_is_remembered() {
    let mut job = Job::default();
    job.run(1_000_000, &[(MEMORY, "16g")])
        .asks("oversized_memory", MEMORY, "16g", "14g", 100_000);
    job.run(900_000, &[(MEMORY, "14g")]).out_of_memory();
    let reason = "Go back to 16g: a run with 14g was out of memory.";
    assert_columns(
        &job.of(MEMORY, "14g").await,
        json!({"status": "regressed", "current_value": "16g", "reason": reason}),
    );
    assert_columns(
        &job.of(MEMORY, "16g").await,
        json!({"status": "proposed", "current_value": "14g", "action": "grow", "step": 1, "is_next": true,
               "num_runs": 0, "confidence": "medium", "reason": reason}),
    );
    // Back at 16 GiB and asked for the same again: it stays what it is.
    for _ in 0..12 {
        job.run(1_000_000, &[(MEMORY, "16g")]);
    }
    job.asks("oversized_memory", MEMORY, "16g", "14g", 100_000);
    assert_columns(&job.only().await, json!({"status": "regressed"}));
}

#[tokio::test]
async fn what_nobody_asks_for_any_more_is_gone_unless_it_was_done() {
    let mut job = Job::default();
    job.run(1_000_000, &[(MEMORY, "4g")])
        .asks("disk_spill", MEMORY, "4g", "8g", 400_000);
    job.run(1_000_000, &[(MEMORY, "4g")]);
    assert!(job.recommendations().await.is_empty());
    // While a change waits for its runs, no other is made.
    job.run(700_000, &[(MEMORY, "8g")])
        .asks("tiny_tasks", PARTITIONS, "100", "400", 900_000);
    let rows = job.recommendations().await;
    let next: Vec<(&Value, &Value)> = rows
        .iter()
        .map(|row| (&row["status"], &row["is_next"]))
        .collect();
    assert_eq!(
        next,
        [
            (&json!("applied"), &json!(null)),
            (&json!("proposed"), &json!(false))
        ]
    );
}

#[tokio::test]
async fn without_input_core_time_itself_is_compared_and_nothing_known_is_no_number() {
    let mut job = Job::default();
    job.run(1_000_000, &[(MEMORY, "4g")])
        .asks("disk_spill", MEMORY, "4g", "8g", 400_000);
    job.run(500_000, &[(MEMORY, "8g")]);
    for id in ["run-01", "run-02"] {
        job.lake.change(
            "job_trends",
            id,
            json!({"core_time_per_gb_ms": null, "input_bytes": 0}),
        );
    }
    assert_columns(&job.only().await, json!({"realized_saving_ratio": 0.5}));
    for id in ["run-01", "run-02"] {
        job.lake
            .change("job_trends", id, json!({"core_time_ms": 0}));
    }
    assert_columns(
        &job.only().await,
        json!({"status": "applied", "realized_saving_ratio": null, "expected_saving_ratio": null}),
    );
}

#[tokio::test]
async fn small_counts_shrink_by_one_until_what_is_wanted() {
    let mut three = Job::default();
    three
        .run(1_000_000, &[(INSTANCES, "3")])
        .asks("idle_executors", INSTANCES, "3", "1", 200_000);
    assert_columns(
        &three.only().await,
        json!({"recommended_value": "2", "current_value": "3", "action": "shrink", "expected_saving_core_ms": 100_000}),
    );
    // From 4 to 3 is a third of the way to 1, and of the 600,000; the next step is half of the rest.
    let mut job = Job::default();
    for _ in 0..3 {
        job.run(1_000_000, &[(INSTANCES, "4")]).asks(
            "idle_executors",
            INSTANCES,
            "4",
            "1",
            600_000,
        );
    }
    for _ in 0..3 {
        job.run(800_000, &[(INSTANCES, "3")])
            .asks("idle_executors", INSTANCES, "3", "1", 400_000);
    }
    assert_eq!(job.recommendations().await.len(), 2);
    assert_columns(
        &job.of(INSTANCES, "3").await,
        json!({"status": "verified", "current_value": "4", "expected_saving_core_ms": 200_000, "runs_after": 3,
               "realized_saving_ratio": 0.2}),
    );
    assert_columns(
        &job.of(INSTANCES, "2").await,
        json!({"status": "proposed", "current_value": "3", "step": 1, "is_next": true,
               "expected_saving_core_ms": 200_000}),
    );
}

#[tokio::test]
async fn what_made_it_worse_goes_back_before_anything_else_changes() {
    let mut job = Job::default();
    for _ in 0..3 {
        job.run(1_000_000, &[(INSTANCES, "4")]).asks(
            "idle_executors",
            INSTANCES,
            "4",
            "1",
            600_000,
        );
    }
    for _ in 0..3 {
        job.run(1_350_000, &[(INSTANCES, "3")])
            .asks("idle_executors", INSTANCES, "3", "1", 400_000)
            .asks("tiny_tasks", PARTITIONS, "100", "400", 900_000);
    }
    // And no step to 2.
    assert_eq!(job.recommendations().await.len(), 3);
    let reason = "Go back to 4: runs with 3 take more core time.";
    assert_columns(
        &job.of(INSTANCES, "3").await,
        json!({"status": "regressed", "current_value": "4", "is_next": null, "reason": reason}),
    );
    assert_columns(
        &job.of(INSTANCES, "4").await,
        json!({"status": "proposed", "current_value": "3", "action": "grow", "step": 1, "is_next": true,
               "expected_saving_core_ms": 350_000, "num_runs": 0, "confidence": "high", "reason": reason}),
    );
    assert_columns(
        &job.of(PARTITIONS, "400").await,
        json!({"step": 2, "is_next": false}),
    );
    // Back at 4, nothing of it is proposed.
    job.run(1_000_000, &[(INSTANCES, "4")])
        .asks("idle_executors", INSTANCES, "4", "1", 600_000);
    assert_columns(&job.only().await, json!({"status": "regressed"}));
}

#[tokio::test]
async fn overhead_that_nobody_set_grows_first_after_a_container_kill_and_nothing_shrinks() {
    let mut job = Job::default();
    job.run(1_000_000, &[(INSTANCES, "4")])
        .asks("idle_executors", INSTANCES, "4", "1", 300_000);
    job.run(1_000_000, &[(INSTANCES, "4")]).out_of_memory();
    job.asks("lost_executors", OVERHEAD, "", "818m", 0).asks(
        "idle_executors",
        INSTANCES,
        "4",
        "1",
        300_000,
    );
    let cure = json!({
        "config_key": OVERHEAD, "recommended_value": "818m", "current_value": null, "action": "grow",
        "status": "proposed", "step": 1, "is_next": true, "expected_saving_core_ms": null,
        "expected_saving_usd": null,
    });
    assert_columns(&job.only().await, cure.clone());
    // Runs that were lucky do not take it back.
    for _ in 0..2 {
        job.run(1_000_000, &[(INSTANCES, "4")]).asks(
            "idle_executors",
            INSTANCES,
            "4",
            "1",
            300_000,
        );
    }
    assert_columns(&job.only().await, cure);
    // More than that is at least that.
    job.run(1_000_000, &[(INSTANCES, "4"), (OVERHEAD, "1g")]);
    assert_columns(
        &job.only().await,
        json!({"config_key": OVERHEAD, "recommended_value": "1g", "status": "applied"}),
    );
}

#[tokio::test]
async fn more_memory_is_verified_by_losses_that_come_no_more() {
    let mut job = Job::default();
    for _ in 0..3 {
        job.run(1_000_000, &[]).lost_memory();
        job.asks("lost_executors", OVERHEAD, "", "818m", 0);
    }
    job.runs(3, 1_010_000, &[(OVERHEAD, "818m")]);
    assert_columns(
        &job.only().await,
        json!({"status": "verified", "runs_after": 3,
               "reason": "Set spark.executor.memoryOverhead. Before it 3 runs were out of memory, with it none."}),
    );
    // One of three before: one of the three after would have been, which is too few to tell.
    let mut rare = Job::default();
    rare.runs(3, 1_000_000, &[]).lost_memory();
    rare.asks("lost_executors", OVERHEAD, "", "818m", 0);
    rare.runs(3, 1_000_000, &[(OVERHEAD, "818m")]);
    assert_columns(&rare.only().await, json!({"status": "applied"}));
}

#[tokio::test]
async fn less_memory_is_verified_by_the_memory_time_that_it_saves() {
    let mut job = Job::default();
    for _ in 0..3 {
        job.run(1_000_000, &[(MEMORY, "16g")]).held(4_000_000_000);
        job.asks("oversized_memory", MEMORY, "16g", "4g", 0);
    }
    for _ in 0..3 {
        job.run(1_000_000, &[(MEMORY, "12g")]).held(3_000_000_000);
    }
    assert_columns(
        &job.only().await,
        json!({"recommended_value": "12288m", "status": "verified", "realized_saving_ratio": 0.0,
               "reason": "Set spark.executor.memory. Runs with it hold 25 percent less memory over time."}),
    );
}

#[tokio::test]
async fn of_two_settings_that_change_at_once_neither_is_judged() {
    let mut job = Job::default();
    for _ in 0..3 {
        job.run(1_000_000, &[(INSTANCES, "4"), (MEMORY, "16g")])
            .asks("idle_executors", INSTANCES, "4", "3", 200_000)
            .asks("oversized_memory", MEMORY, "16g", "12g", 0);
    }
    job.runs(3, 700_000, &[(INSTANCES, "3"), (MEMORY, "12g")]);
    let rows = job.recommendations().await;
    assert_eq!(rows.len(), 2, "{rows:#?}");
    for row in &rows {
        assert_columns(
            row,
            json!({"status": "applied", "runs_after": 3, "realized_saving_ratio": null}),
        );
    }
    // One after the other, each has what it brought: 30 %, then nothing.
    let mut turns = Job::default();
    for _ in 0..3 {
        turns
            .run(1_000_000, &[(INSTANCES, "4"), (PARTITIONS, "2000")])
            .asks("idle_executors", INSTANCES, "4", "3", 200_000)
            .asks("tiny_tasks", PARTITIONS, "2000", "200", 100_000);
    }
    turns
        .runs(3, 700_000, &[(INSTANCES, "3"), (PARTITIONS, "2000")])
        .runs(3, 700_000, &[(INSTANCES, "3"), (PARTITIONS, "200")]);
    assert_columns(
        &turns.of(INSTANCES, "3").await,
        json!({"status": "verified", "realized_saving_ratio": 0.3}),
    );
    assert_columns(
        &turns.of(PARTITIONS, "200").await,
        json!({"status": "applied", "realized_saving_ratio": 0.0}),
    );
}

#[tokio::test]
async fn times_are_compared_in_any_unit_and_are_no_resource() {
    for written in ["60", "60s", "60000ms", "1m", "1min"] {
        let mut job = Job::default();
        job.run(1_000_000, &[(IDLE_TIMEOUT, "1s")]).asks(
            "executor_churn",
            IDLE_TIMEOUT,
            "1s",
            "60s",
            100_000,
        );
        job.run(900_000, &[(IDLE_TIMEOUT, written)]);
        assert_columns(
            &job.only().await,
            json!({"recommended_value": "60s", "action": "grow", "status": "applied"}),
        );
    }
    let mut long = Job::default();
    long.run(1_000_000, &[(IDLE_TIMEOUT, "1h")]).asks(
        "idle_executors",
        IDLE_TIMEOUT,
        "1h",
        "60s",
        100_000,
    );
    assert_columns(
        &long.only().await,
        json!({"recommended_value": "60s", "action": "shrink", "expected_saving_core_ms": 100_000}),
    );
}

#[tokio::test]
async fn a_step_that_was_overshot_has_its_own_row() {
    let mut job = Job::default();
    job.run(1_000_000, &[(MEMORY, "16g")])
        .asks("oversized_memory", MEMORY, "16g", "4g", 300_000);
    job.run(900_000, &[(MEMORY, "8g")]);
    // Two thirds of the way.
    assert_columns(
        &job.only().await,
        json!({"recommended_value": "8g", "current_value": "16g", "status": "applied",
               "expected_saving_core_ms": 200_000}),
    );
}
