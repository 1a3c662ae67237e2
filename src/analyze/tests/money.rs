//! Where core time, memory and money went, and what the work costs elsewhere, against numbers that
//! were worked out by hand.

use serde_json::{Map, Value, json};

use super::lake::{APP, TestLake, assert_columns, built_in};
use crate::analyze::{Catalog, Overrides};
use crate::model::SettingValue;

const GIB: i64 = 1 << 30;

/// Ten seconds of start-up, a job of 70 s in one stage that waits 15 s for its last task, and 20 s of
/// driver, on one executor of 4 cores and 8 GiB.
fn one_executor() -> TestLake {
    let mut lake = TestLake::default();
    lake.application(APP, json!({
        "duration_ms": 100_000, "observed_duration_ms": 100_000, "first_task_delay_ms": 10_000,
        "observed_end_time": "2026-01-02T03:01:40Z", "core_time_ms": 400_000,
        "total_task_time_ms": 200_000, "cores_busy_time_ms": 200_000, "is_local": false,
        "container_memory_time_byte_ms": 8 * GIB * 100_000, "driver_memory_bytes": GIB, "driver_cores": 1,
    }));
    lake.executor("1", 4, json!({
        "add_time": "2026-01-02T03:00:00Z", "lifetime_ms": 100_000, "core_time_ms": 400_000,
        "container_memory_bytes": 8 * GIB, "peak_jvm_heap_memory": 2 * GIB,
        "peak_jvm_off_heap_memory": 0, "peak_off_heap_unified_memory": 0, "peak_direct_pool_memory": 0,
        "loss_kind": "app_end",
    }));
    lake.add("jobs", json!({
        "job_id": 0, "submission_time": "2026-01-02T03:00:10Z", "completion_time": "2026-01-02T03:01:20Z",
    }));
    lake.worker(1, "1", json!({"task_time": 200_000, "succeeded_tasks": 8}));
    lake.stage(
        1,
        json!({
            "num_tasks": 8, "num_complete_tasks": 8, "num_failed_tasks": 1, "num_killed_tasks": 1, "duration_ms": 70_000,
            "executor_run_time": 160_000, "memory_bytes_spilled": 2_500_000_000_i64,
        }),
        json!({
            "duration": [20_000, 21_000, 70_000, 170_000],
            "executor_run_time": [20_000, 20_000, 65_000, 160_000],
            "shuffle_read_fetch_wait_time": [0, 0, 6_000, 6_000],
            "jvm_gc_time": [0, 0, 4_000, 4_000],
            "memory_bytes_spilled": [0, 0, 2_500_000_000_i64, 2_500_000_000_i64],
            "disk_bytes_spilled": [0, 0, 0, 0],
        }),
    );
    for (id, status, launch, duration, reason) in [
        (1, "SUCCESS", "2026-01-02T03:00:10Z", 70_000, Value::Null),
        (2, "SUCCESS", "2026-01-02T03:00:10Z", 55_000, Value::Null),
        (3, "FAILED", "2026-01-02T03:00:10Z", 22_000, Value::Null),
        (
            4,
            "KILLED",
            "2026-01-02T03:00:20Z",
            8_000,
            json!("another attempt succeeded"),
        ),
    ] {
        lake.add(
            "tasks",
            json!({
                "stage_id": 1, "task_id": id, "index": id, "status": status, "launch_time": launch,
                "duration": duration, "executor_run_time": if id == 1 { 65_000 } else { 20_000 },
                "kill_reason": reason,
            }),
        );
    }
    lake
}

fn costs_of<'r>(
    rows: &'r [Map<String, Value>],
    basis: &str,
    deployment: &str,
    purchase: &str,
) -> &'r Map<String, Value> {
    let found = rows.iter().find(|row| {
        row["basis"] == basis && row["deployment"] == deployment && row["purchase"] == purchase
    });
    found.unwrap_or_else(|| panic!("no {basis} {deployment} {purchase}: {rows:?}"))
}

fn with_parameters(table: &str, values: &[(&str, SettingValue)]) -> Catalog {
    let mut catalog = built_in().clone();
    let values = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    let overrides = Overrides {
        parameters: [(table.to_owned(), values.collect())].into(),
        ..Overrides::default()
    };
    catalog.apply(&overrides).expect("known parameters");
    catalog.select(&["application_costs"]).expect("known table")
}

#[tokio::test]
async fn core_time_memory_and_money_are_divided_without_rest() {
    let row = one_executor()
        .analyse(&["application_waste"])
        .await
        .row("application_waste");
    assert_columns(
        &row,
        json!({
            "core_time_ms": 400_000,
            "retry_core_ms": 22_000, "speculation_core_ms": 8_000, "unfinished_core_ms": 0,
            "scheduling_core_ms": 10_000, "fetch_wait_core_ms": 6_000, "gc_core_ms": 4_000,
            // 2.5 GB at 250 MB a second.
            "spill_core_ms": 10_000, "useful_core_ms": 140_000,
            "start_up_core_ms": 40_000, "driver_only_core_ms": 80_000,
            // 15 s on the three slots that had no task left.
            "skew_core_ms": 45_000, "idle_core_ms": 35_000,
            // The 4 s of garbage are less than 5 percent of 160 s.
            "wasted_core_ms": 256_000, "wasted_ratio": 0.64, "largest_waste": "driver_only",
            "core_time_incomplete": false,
            "memory_gb_hours": 800.0 / 3600.0,
            // A quarter of the memory was filled.
            "memory_peak_ratio": 0.25,
            "useful_gb_hours": 0.35 * 800.0 / 3600.0 * 0.25, "unused_gb_hours": 0.35 * 800.0 / 3600.0 * 0.75,
            "driver_only_gb_hours": 0.2 * 800.0 / 3600.0,
            "cost_basis": "hypothetical", "cost_usd": 1.25 * 0.24 / 36.0, "wasted_usd": 0.64 * 1.25 * 0.24 / 36.0,
            "skew_usd": 0.1125 * 1.25 * 0.24 / 36.0,
        }),
    );
}

#[tokio::test]
async fn tasks_without_an_end_take_what_known_work_leaves() {
    let mut lake = TestLake::default();
    lake.application(APP, json!({
        "observed_end_time": "2026-01-02T03:00:30Z", "core_time_ms": 30_000, "first_task_delay_ms": 0,
        "total_task_time_ms": 20_000, "cores_busy_time_ms": 20_000,
    }));
    lake.executor(
        "1",
        1,
        json!({"add_time": "2026-01-02T03:00:00Z", "lifetime_ms": 30_000, "core_time_ms": 30_000}),
    );
    lake.worker(1, "1", json!({"task_time": 20_000}));
    lake.stage(
        1,
        json!({"num_tasks": 2}),
        json!({"duration": [20_000, 20_000, 20_000, 20_000],
        "executor_run_time": [20_000, 20_000, 20_000, 20_000]}),
    );
    lake.add(
        "tasks",
        json!({"stage_id": 1, "task_id": 2, "index": 1, "status": "RUNNING", "duration": null,
        "executor_run_time": null, "launch_time": "2026-01-02T03:00:15Z"}),
    );
    let row = lake
        .analyse(&["application_waste"])
        .await
        .row("application_waste");
    // 15 s without an end get the 10 s that the 20 s known to be useful leave.
    assert_columns(
        &row,
        json!({
            "unfinished_core_ms": 10_000, "useful_core_ms": 20_000, "idle_core_ms": 0,
            "core_time_incomplete": false, "memory_peak_ratio": null, "unused_gb_hours": null,
        }),
    );
}

/// One core for 30 s.
fn one_core(application: Value) -> TestLake {
    let mut lake = TestLake::default();
    let mut columns = json!({
        "observed_end_time": "2026-01-02T03:00:30Z", "core_time_ms": 30_000, "first_task_delay_ms": 0,
        "total_task_time_ms": 20_000, "cores_busy_time_ms": 20_000,
    });
    let application = application.as_object().cloned().expect("object");
    columns.as_object_mut().expect("object").extend(application);
    lake.application(APP, columns);
    lake.executor(
        "1",
        1,
        json!({"add_time": "2026-01-02T03:00:00Z", "lifetime_ms": 30_000, "core_time_ms": 30_000}),
    );
    lake
}

async fn waste_of(lake: &TestLake) -> Map<String, Value> {
    let answers = lake.analyse(&["application_waste"]).await;
    answers.row("application_waste")
}

#[tokio::test]
async fn successes_without_a_start_are_no_retry() {
    let mut lake = one_core(json!({}));
    lake.worker(1, "1", json!({"task_time": 20_000, "succeeded_tasks": 2}));
    lake.stage(1, json!({"num_tasks": 2}), json!({
        "duration": [10_000, 10_000, 10_000, 10_000], "executor_run_time": [8_000, 8_000, 8_000, 8_000],
        "jvm_gc_time": [1_000, 1_000, 1_000, 1_000]}));
    lake.add(
        "tasks",
        json!({"stage_id": 1, "task_id": 1, "index": 0, "status": "SUCCESS", "duration": 10_000,
        "executor_run_time": 8_000, "launch_time": "2026-01-02T03:00:00Z"}),
    );
    // The start of the second one is missing: it has the mix of the first.
    assert_columns(
        &waste_of(&lake).await,
        json!({"retry_core_ms": 0, "useful_core_ms": 14_000, "gc_core_ms": 2_000, "scheduling_core_ms": 4_000}),
    );
    // None has a start.
    let mut lake = one_core(json!({"total_task_time_ms": 0, "cores_busy_time_ms": 0}));
    lake.worker(1, "1", json!({"task_time": 2_000, "succeeded_tasks": 2}));
    lake.stage(1, json!({"num_tasks": 2}), json!({}));
    assert_columns(
        &waste_of(&lake).await,
        json!({"retry_core_ms": 0, "useful_core_ms": 2_000}),
    );
    // Where one was lost, the rest may be its time.
    let mut lake = one_core(json!({}));
    lake.worker(
        1,
        "1",
        json!({"task_time": 2_000, "succeeded_tasks": 2, "failed_tasks": 1}),
    );
    lake.stage(1, json!({"num_tasks": 2, "num_failed_tasks": 1}), json!({}));
    assert_columns(
        &waste_of(&lake).await,
        json!({"retry_core_ms": 2_000, "useful_core_ms": 0}),
    );
}

/// A job fails after 5 s; its task ends 2 s later, when its executors are summed up already.
#[tokio::test]
async fn a_task_killed_after_its_stage_is_retry_and_no_wait_for_the_driver() {
    let mut lake = one_core(json!({"total_task_time_ms": 7_000, "cores_busy_time_ms": 7_000}));
    lake.add("jobs", json!({
        "job_id": 0, "submission_time": "2026-01-02T03:00:00Z", "completion_time": "2026-01-02T03:00:05Z",
    }));
    lake.stage(
        1,
        json!({"num_tasks": 1, "num_complete_tasks": 0, "status": "FAILED", "completion_time": "2026-01-02T03:00:05Z"}),
        json!({}),
    );
    lake.add("tasks", json!({"stage_id": 1, "task_id": 1, "index": 0, "status": "KILLED", "duration": 7_000,
        "executor_run_time": 7_000, "launch_time": "2026-01-02T03:00:00Z", "kill_reason": "Stage cancelled"}));
    assert_columns(
        &waste_of(&lake).await,
        json!({"retry_core_ms": 7_000, "driver_only_core_ms": 23_000, "idle_core_ms": 0}),
    );
}

#[tokio::test]
async fn scheduling_gives_way_to_start_up_and_driver() {
    let mut lake = one_core(json!({"first_task_delay_ms": 10_000}));
    lake.add("jobs", json!({
        "job_id": 0, "submission_time": "2026-01-02T03:00:05Z", "completion_time": "2026-01-02T03:00:25Z",
    }));
    lake.worker(1, "1", json!({"task_time": 20_000}));
    lake.stage(1, json!({"num_tasks": 1}), json!({
        "duration": [20_000, 20_000, 20_000, 20_000], "executor_run_time": [6_000, 6_000, 6_000, 6_000]}));
    // 14 s of scheduling do not fit beside 10 s before the first task and 5 s after the job.
    assert_columns(
        &waste_of(&lake).await,
        json!({
            "useful_core_ms": 6_000, "start_up_core_ms": 10_000, "driver_only_core_ms": 5_000,
            "scheduling_core_ms": 9_000, "idle_core_ms": 0,
        }),
    );
}

#[tokio::test]
async fn without_lifetimes_nothing_is_known_of_cores_and_memory() {
    let mut lake = TestLake::default();
    lake.application(APP, json!({
        "core_time_ms": 0, "container_memory_time_byte_ms": 0, "total_task_time_ms": 20_000, "cores_busy_time_ms": 20_000,
    }));
    assert_columns(
        &waste_of(&lake).await,
        json!({"core_time_ms": null, "useful_core_ms": null, "idle_core_ms": null, "memory_gb_hours": null}),
    );
}

/// A map stage ran again because an executor took its output along.
#[tokio::test]
async fn work_that_is_done_again_is_retry_once() {
    let mut lake = TestLake::default();
    lake.application(APP, json!({
        "observed_end_time": "2026-01-02T03:01:00Z", "core_time_ms": 60_000, "first_task_delay_ms": 0,
        "total_task_time_ms": 40_000, "cores_busy_time_ms": 40_000,
    }));
    lake.executor(
        "1",
        1,
        json!({"add_time": "2026-01-02T03:00:00Z", "lifetime_ms": 60_000, "core_time_ms": 60_000}),
    );
    lake.add("jobs", json!({"job_id": 0, "submission_time": "2026-01-02T03:00:00Z", "completion_time": "2026-01-02T03:01:00Z"}));
    for (attempt, launch) in [(0, "2026-01-02T03:00:00Z"), (1, "2026-01-02T03:00:30Z")] {
        lake.worker(
            1,
            "1",
            json!({"task_time": 20_000, "stage_attempt_id": attempt}),
        );
        lake.stage(1, json!({"num_tasks": 1, "stage_attempt_id": attempt}), json!({
            "duration": [20_000, 20_000, 20_000, 20_000], "executor_run_time": [20_000, 20_000, 20_000, 20_000]}));
        lake.add("tasks", json!({"stage_id": 1, "stage_attempt_id": attempt, "task_id": attempt, "index": 0,
            "status": "SUCCESS", "duration": 20_000, "executor_run_time": 20_000, "launch_time": launch}));
    }
    assert_columns(
        &lake
            .analyse(&["application_waste"])
            .await
            .row("application_waste"),
        json!({
            "retry_core_ms": 20_000, "useful_core_ms": 20_000, "idle_core_ms": 20_000,
        }),
    );
}

#[tokio::test]
async fn an_application_without_known_core_time_has_no_parts() {
    let mut lake = TestLake::default();
    lake.application(APP, json!({"core_time_ms": null}));
    assert_columns(
        &lake
            .analyse(&["application_waste"])
            .await
            .row("application_waste"),
        json!({
            "core_time_ms": null, "useful_core_ms": null, "idle_core_ms": null, "wasted_core_ms": null,
            "wasted_ratio": null, "cost_usd": null, "wasted_usd": null, "largest_waste": null,
        }),
    );
}

#[tokio::test]
async fn the_same_work_is_priced_on_each_platform() {
    let rows = one_executor()
        .analyse(&["application_costs"])
        .await
        .rows("application_costs");
    let hour = 100.0 / 3600.0;
    // m5.xlarge holds one such executor, or four such drivers: a twelfth more than an hour at 0.192 + 0.048.
    assert_columns(
        costs_of(&rows, "hypothetical", "emr_ec2", "on_demand"),
        json!({
            "instance_type": "m5.xlarge", "instance_hours": 1.25 * hour, "compute_usd": 1.25 * 0.192 * hour,
            "service_usd": 1.25 * 0.048 * hour, "cost_usd": 0.3 * hour, "is_preferred": true, "is_assumed": false,
            "is_price_known": true, "missing_price": null, "price_date": "2026-07-20", "region": "us-east-1",
            "vcpu_hours": 5.0 * hour, "memory_gb_hours": 9.375 * hour,
        }),
    );
    // EMR's own price does not shrink with spot.
    assert_columns(
        costs_of(&rows, "hypothetical", "emr_ec2", "spot"),
        json!({
            "cost_usd": 1.25 * (0.4 * 0.192 + 0.048) * hour, "is_assumed": true, "is_preferred": false,
            "long_task_ratio": 0.0, "spot_suitability": "good", "num_lost_executors": 0,
        }),
    );
    assert_columns(
        costs_of(&rows, "hypothetical", "emr_ec2", "savings_plan"),
        json!({
            "cost_usd": null, "is_price_known": false,
            "missing_price": "price of a savings plan: give one of your own or set savings_plan_discount of application_options",
        }),
    );
    assert_columns(
        costs_of(&rows, "hypothetical", "emr_eks", "on_demand"),
        json!({
            "cost_usd": (1.25 * 0.192 + 5.0 * 0.01012 + 9.375 * 0.001_111_25) * hour,
        }),
    );
    // Workers of 4 cores with 8 GB, and of 1 core with 2 GB for the driver's 1.375.
    assert_columns(
        costs_of(&rows, "hypothetical", "emr_serverless", "on_demand"),
        json!({
            "vcpu_hours": 5.0 * hour, "memory_gb_hours": 10.0 * hour,
            "cost_usd": (5.0 * 0.052_624 + 10.0 * 0.005_778_5) * hour,
        }),
    );
    // 160 of 400 s of the executor, which are four fifths of all cores, pass without a task.
    assert_columns(
        costs_of(&rows, "hypothetical", "emr_serverless_storage", "on_demand"),
        json!({
            "cost_usd": (1.0 - 0.4 * 0.8) * (5.0 * 0.052_624 + 10.0 * 0.005_778_5) * hour, "is_assumed": true,
        }),
    );
    assert_columns(
        costs_of(&rows, "hypothetical", "databricks", "on_demand"),
        json!({
            "cost_usd": null, "missing_price": "DBU an hour of m5.xlarge in us-east-1",
        }),
    );
}

/// AWS's own comparison: 25 workers of r5.4xlarge and a primary node for three hours.
#[tokio::test]
async fn published_prices_are_reproduced_to_the_cent() {
    let mut lake = TestLake::default();
    let columns = |platform: &str| {
        json!({
            "platform": platform, "job_run_id": "r-1", "observed_duration_ms": 10_800_000, "core_time_ms": 4_320_000_000_i64,
            "deploy_mode": "cluster", "driver_cores": 16, "driver_memory_bytes": 100 * GIB, "is_local": false,
        })
    };
    for platform in ["emr", "emr_serverless"] {
        lake.application(APP, columns(platform));
        for executor in 0..25 {
            lake.executor(&executor.to_string(), 16, json!({
                "platform": platform, "lifetime_ms": 10_800_000, "core_time_ms": 172_800_000, "container_memory_bytes": 120 * GIB,
            }));
        }
    }
    let cluster = |platform: &str| {
        json!({
            "platform": platform, "cluster_id": "c-1", "region": "us-east-1", "run_id": "1", "batch_id": "1",
            "ingested_at": "2026-01-03T00:00:00Z",
        })
    };
    for platform in ["emr", "emr_serverless"] {
        lake.bookkeeping("cluster_summaries", cluster(platform));
    }
    let mut instances = cluster("emr");
    for (name, value) in [
        ("group_id", json!("g")),
        ("role", json!("CORE")),
        ("instance_type", json!("r5.4xlarge")),
        ("market", json!("ON_DEMAND")),
        ("instance_hours", json!(75.0)),
    ] {
        instances[name] = value;
    }
    instances.as_object_mut().expect("object").remove("region");
    lake.bookkeeping("cluster_instances", instances);
    let mut run = cluster("emr_serverless");
    for (name, value) in [
        ("job_run_id", json!("r-1")),
        ("billed_vcpu_hours", json!(1_200.0)),
        ("billed_memory_gb_hours", json!(9_600.0)),
        ("billed_storage_gb_hours", json!(0.0)),
    ] {
        run[name] = value;
    }
    run.as_object_mut().expect("object").remove("region");
    lake.bookkeeping("job_runs", run);
    let rows = lake
        .analyse(&["application_costs"])
        .await
        .rows("application_costs");
    let cents =
        |row: &Map<String, Value>| (row["cost_usd"].as_f64().unwrap_or_default() * 100.0).round();
    let on_ec2 = costs_of(&rows, "estimated", "emr_ec2", "on_demand");
    assert_eq!(cents(on_ec2), 9_828.0, "{on_ec2:?}");
    assert_columns(
        on_ec2,
        json!({"instance_type": "r5.4xlarge", "instance_hours": 78.0, "is_preferred": true, "is_assumed": false}),
    );
    let serverless = costs_of(&rows, "billed", "emr_serverless", "on_demand");
    assert_eq!(cents(serverless), 11_862.0, "{serverless:?}");
    assert_columns(
        serverless,
        json!({"is_preferred": true, "vcpu_hours": 1_200.0, "storage_usd": 0.0}),
    );
}

#[tokio::test]
async fn a_price_that_is_not_known_is_null_and_named() {
    let lake = one_executor();
    let catalog = with_parameters(
        "application_resources",
        &[("region", SettingValue::Text("eu-central-1".to_owned()))],
    );
    let rows = lake.analyse_with(&catalog).await.rows("application_costs");
    assert_columns(
        costs_of(&rows, "hypothetical", "emr_ec2", "on_demand"),
        json!({
            "cost_usd": null, "compute_usd": null, "is_price_known": false, "is_preferred": false,
            "missing_price": "an EC2 instance in eu-central-1 that holds the executors",
        }),
    );
    // Serverless has a price there, but nobody said that it should stand in.
    assert_columns(
        costs_of(&rows, "hypothetical", "emr_serverless", "on_demand"),
        json!({
            "is_price_known": true, "is_preferred": false,
        }),
    );
    let catalog = with_parameters(
        "application_costs",
        &[("fallback_deployment", SettingValue::Text("none".to_owned()))],
    );
    let rows = lake.analyse_with(&catalog).await.rows("application_costs");
    assert!(
        rows.iter().all(|row| row["is_preferred"] == false),
        "{rows:?}"
    );
}

#[tokio::test]
async fn long_tasks_and_reclaimed_executors_do_not_suit_spot() {
    let mut lake = one_executor();
    lake.add("tasks", json!({"stage_id": 2, "task_id": 9, "status": "SUCCESS", "duration": 120_001, "launch_time": "2026-01-02T03:00:10Z"}));
    let rows = lake
        .analyse(&["application_costs"])
        .await
        .rows("application_costs");
    assert_columns(
        costs_of(&rows, "hypothetical", "emr_eks", "spot"),
        json!({
            "long_task_ratio": 0.600_005, "spot_suitability": "poor",
        }),
    );
    let mut lake = one_executor();
    for executor in ["2", "3"] {
        lake.executor(executor, 4, json!({"loss_kind": "spot", "core_time_ms": 4, "lifetime_ms": 1, "add_time": "2026-01-02T03:00:00Z"}));
    }
    let rows = lake
        .analyse(&["application_costs"])
        .await
        .rows("application_costs");
    assert_columns(
        costs_of(&rows, "hypothetical", "emr_eks", "spot"),
        json!({
            "num_lost_executors": 2, "long_task_ratio": 0.0, "spot_suitability": "poor",
        }),
    );
}

#[tokio::test]
async fn executors_lost_with_their_machine_do_not_suit_spot() {
    for (losses, suits) in [
        (vec![("lost", json!("worker lost"), Value::Null); 2], "poor"),
        (
            vec![("lost", json!("Container from a bad node"), json!(-100)); 2],
            "poor",
        ),
        // A single one may happen.
        (
            vec![("lost", json!("Executor Process Lost"), Value::Null)],
            "fair",
        ),
        (vec![("idle", json!("Idle"), Value::Null); 2], "good"),
        (
            vec![
                (
                    "decommissioned",
                    json!("Executor decommission"),
                    Value::Null
                );
                2
            ],
            "good",
        ),
        (
            vec![("oom", json!("Command exited with code 137"), json!(137)); 2],
            "good",
        ),
        (
            vec![("lost", json!("Command exited with code 56"), json!(56)); 2],
            "good",
        ),
        (
            vec![
                (
                    "lost",
                    json!("Executor heartbeat timed out after 148604 ms"),
                    Value::Null
                );
                2
            ],
            "good",
        ),
    ] {
        let mut lake = one_executor();
        for (id, (kind, reason, exit_code)) in losses.iter().enumerate() {
            lake.executor(&(id + 2).to_string(), 4, json!({
                "loss_kind": kind, "remove_reason": reason, "exit_code": exit_code, "core_time_ms": 4, "lifetime_ms": 1,
                "add_time": "2026-01-02T03:00:00Z",
            }));
        }
        let rows = lake
            .analyse(&["application_costs"])
            .await
            .rows("application_costs");
        let row = costs_of(&rows, "hypothetical", "emr_eks", "spot");
        assert_eq!(row["spot_suitability"], suits, "{losses:?}");
    }
}

/// A spot price and one of a savings plan need no assumed discount.
#[tokio::test]
async fn ones_own_prices_of_spot_and_savings_plan_hold() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("contract.csv");
    std::fs::write(
        &file,
        "\
service,item,region,purchase,unit,price,currency,valid_from,as_of,source
ec2,m5.xlarge,us-east-1,spot,instance_hour,0.05,USD,2025-01-01,2025-01-01,contract
ec2,m5.xlarge,us-east-1,savings_plan,instance_hour,0.12,USD,2025-01-01,2025-01-01,contract
",
    )
    .expect("file");
    let mut catalog = built_in().clone();
    let overrides = Overrides {
        prices: vec![file.clone()],
        ..Overrides::default()
    };
    catalog.apply(&overrides).expect("valid");
    let catalog = catalog.select(&["application_costs"]).expect("known table");
    let rows = one_executor()
        .analyse_with(&catalog)
        .await
        .rows("application_costs");
    let hour = 1.25 * 100.0 / 3600.0;
    for (purchase, price) in [("spot", 0.05), ("savings_plan", 0.12)] {
        assert_columns(
            costs_of(&rows, "hypothetical", "emr_ec2", purchase),
            json!({
                "instance_type": "m5.xlarge", "compute_usd": price * hour, "service_usd": 0.048 * hour,
                "is_assumed": false, "missing_price": null, "price_date": "2025-01-01",
                "price_source": "contract; public code with the AWS list price",
            }),
        );
    }
    assert_columns(
        costs_of(&rows, "hypothetical", "emr_ec2", "on_demand"),
        json!({"compute_usd": 0.192 * hour, "price_date": "2026-07-20"}),
    );
}

/// Of the prices of two dates the one holds that was valid when the application started.
#[tokio::test]
async fn prices_of_ones_own_hold_from_their_date_on() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("contract.csv");
    std::fs::write(
        &file,
        "\
service,item,region,purchase,unit,price,currency,valid_from,as_of,source
ec2,m5.xlarge,us-east-1,on_demand,instance_hour,0.100,USD,2025-01-01,2025-01-01,contract
ec2,m5.xlarge,us-east-1,on_demand,instance_hour,0.150,USD,2026-02-01,2026-02-01,contract
",
    )
    .expect("file");
    let mut catalog = built_in().clone();
    let overrides = Overrides {
        prices: vec![file.clone()],
        ..Overrides::default()
    };
    catalog.apply(&overrides).expect("valid");
    let catalog = catalog.select(&["application_costs"]).expect("known table");
    let rows = one_executor()
        .analyse_with(&catalog)
        .await
        .rows("application_costs");
    assert_columns(
        costs_of(&rows, "hypothetical", "emr_ec2", "on_demand"),
        json!({
            "compute_usd": 1.25 * 0.1 * 100.0 / 3600.0, "price_source": "contract; public code with the AWS list price",
            "price_date": "2025-01-01",
        }),
    );
    std::fs::write(&file, "service,price\n").expect("file");
    let error = built_in()
        .clone()
        .apply(&overrides)
        .expect_err("refused")
        .to_string();
    assert!(
        error.starts_with(&format!("{}:1: the first line", file.display())),
        "{error}"
    );
}
