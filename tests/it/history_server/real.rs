//! The same logs from disk, out of the real server's archives, and by a walk over its REST
//! interface: the same rows.

use std::collections::BTreeMap;
use std::time::Instant;

use sparklake::discover::event_logs::{self, EventLogSource};
use sparklake::discover::{History, Window};
use sparklake::extract::eventlog::codec::DecodeLimits;
use sparklake::extract::history::identify;
use sparklake::model::ServerAccess;
use tokio::runtime::Runtime;

use super::collected::{extract_one, histories, requests_sent, runtime, source};
use super::comparison::Allowance::{
    Any, FewerRows, MaskedOrSame, NoRows, NoUncached, NotLess, Null, NullOrCut, NullOrSame,
    OlderJson, Subset,
};
use super::comparison::{Allowances, differences};
use super::spark::HistoryServer;
use crate::world::fixtures;

/// What an archive's log cannot have in common with the log on disk.
const OF_ARCHIVES: &Allowances = &[
    ("applications", "history", Any, "tells the way"),
    ("applications", "source_uri", Any, "tells the way"),
    (
        "applications",
        "last_updated",
        Any,
        "the server's clock for unfinished logs",
    ),
];

/// What REST does not tell, or tells with less precision. Documented in `extract/rest/mod.rs`.
const OF_REST: &Allowances = &[
    ("applications", "history", Any, "tells the way"),
    ("applications", "source_uri", Any, "tells the way"),
    (
        "applications",
        "last_updated",
        Any,
        "the server's clock for unfinished logs",
    ),
    (
        "applications",
        "failure_reason",
        NullOrSame,
        "not shown before 4.2",
    ),
    // The REST walk cannot tell them where events were compacted away.
    (
        "applications",
        "driver_only_time_ms",
        NullOrSame,
        "not known of compacted histories",
    ),
    (
        "applications",
        "longest_gap_*",
        NullOrSame,
        "not known of compacted histories",
    ),
    ("applications", "tasks_running_max", Null, "not shown"),
    ("applications", "cores_busy_time_ms", Null, "not shown"),
    ("applications", "num_lost_events", Null, "not shown"),
    (
        "applications",
        "exit_code",
        NullOrSame,
        "not shown before 4.2",
    ),
    // The server masks once more, by the default pattern of its own version: since 4.3 it takes in
    // `credential`, and with it the classes of credential providers, which are no secrets.
    (
        "environment",
        "value",
        MaskedOrSame,
        "masked by the server's own pattern",
    ),
    ("jobs", "failure_reason", Null, "not shown"),
    ("stages", "parent_ids", Null, "not shown"),
    ("stages", "peak_execution_memory_on_heap", Null, "not shown"),
    (
        "stages",
        "peak_execution_memory_off_heap",
        Null,
        "not shown",
    ),
    ("tasks", "peak_execution_memory_on_heap", Null, "not shown"),
    ("tasks", "peak_execution_memory_off_heap", Null, "not shown"),
    ("tasks", "task_type", Null, "not shown"),
    (
        "tasks",
        "peak_jvm_*",
        Null,
        "executor metrics of tasks are not shown",
    ),
    (
        "tasks",
        "peak_on_heap_*",
        Null,
        "executor metrics of tasks are not shown",
    ),
    (
        "tasks",
        "peak_off_heap_*",
        Null,
        "executor metrics of tasks are not shown",
    ),
    (
        "tasks",
        "peak_direct_pool_*",
        Null,
        "executor metrics of tasks are not shown",
    ),
    (
        "tasks",
        "peak_mapped_pool_*",
        Null,
        "executor metrics of tasks are not shown",
    ),
    (
        "tasks",
        "peak_process_tree_*",
        Null,
        "executor metrics of tasks are not shown",
    ),
    (
        "tasks",
        "peak_minor_gc_*",
        Null,
        "executor metrics of tasks are not shown",
    ),
    (
        "tasks",
        "peak_major_gc_*",
        Null,
        "executor metrics of tasks are not shown",
    ),
    (
        "tasks",
        "peak_total_gc_*",
        Null,
        "executor metrics of tasks are not shown",
    ),
    (
        "tasks",
        "peak_concurrent_gc_*",
        Null,
        "executor metrics of tasks are not shown",
    ),
    ("sql", "error_message", NullOrSame, "not shown before 4.2"),
    // Where the log has none, a server shows the execution itself.
    ("sql", "root_execution_id", Any, "not shown before 4.2"),
    (
        "sql",
        "modified_configs",
        NullOrSame,
        "not shown before 4.2",
    ),
    (
        "sql",
        "sql_raw_json",
        OlderJson,
        "some not shown before 4.2",
    ),
    ("sql", "num_plan_updates", Null, "not shown"),
    ("sql", "query_id", NullOrSame, "not shown before 4.2"),
    ("sql", "job_group", Null, "not shown"),
    ("sql", "job_tags", Subset, "not shown"),
    ("sql", "statement", Null, "not shown"),
    ("sql", "user_name", Null, "not shown"),
    ("sql", "session_id", Null, "not shown"),
    ("sql", "statement_id", Null, "not shown"),
    ("sql", "notebook_*", Null, "not shown"),
    ("sql", "platform_job_id", Null, "not shown"),
    ("sql", "platform_run_id", Null, "not shown"),
    ("sql", "streaming_query_id", Null, "not shown"),
    ("jobs", "user_name", Null, "not shown"),
    ("jobs", "session_id", Null, "not shown"),
    ("jobs", "statement_id", Null, "not shown"),
    ("jobs", "notebook_*", Null, "not shown"),
    ("jobs", "platform_job_id", Null, "not shown"),
    ("jobs", "platform_run_id", Null, "not shown"),
    ("jobs", "streaming_query_id", Null, "not shown"),
    (
        "sql_nodes",
        "description",
        NullOrSame,
        "not shown before 4.2",
    ),
    (
        "sql_nodes",
        "stage_ids",
        Subset,
        "those that texts of metrics name",
    ),
    ("sql_nodes", "time_ms", Any, "rounded in texts"),
    ("sql_nodes", "bytes_output", NullOrSame, "rounded in texts"),
    ("sql_nodes", "inclusive_time_ms", Any, "rounded in texts"),
    ("sql_nodes", "driver_time_ms", Any, "rounded in texts"),
    ("sql_scans", "table_name", NullOrSame, "only in names"),
    ("sql_scans", "format", NullOrSame, "only in names"),
    (
        "sql_scans",
        "location",
        NullOrCut,
        "not shown before 4.2, and cut where it is long",
    ),
    ("sql_scans", "num_*", NullOrSame, "not shown"),
    (
        "sql_scans",
        "partition_filters",
        NullOrSame,
        "cut in descriptions",
    ),
    (
        "sql_scans",
        "pushed_filters",
        NullOrSame,
        "cut in descriptions",
    ),
    (
        "sql_scans",
        "data_filters",
        NullOrSame,
        "cut in descriptions",
    ),
    ("sql_scans", "has_dynamic_pruning", Any, "not shown"),
    ("sql_scans", "bytes_read", NullOrSame, "rounded in texts"),
    ("sql_scans", "bytes_written", NullOrSame, "rounded in texts"),
    (
        "sql_scans",
        "write_mode",
        NullOrSame,
        "not shown before 4.2",
    ),
    (
        "sql_scans",
        "partition_columns",
        NullOrSame,
        "not shown before 4.2",
    ),
    ("sql_scans", "metadata", Null, "not shown"),
    ("sql_plan_changes", "*", NoRows, "not shown"),
    (
        "session_settings",
        "*",
        FewerRows,
        "not shown before 4.2, and of jobs",
    ),
    ("rdds", "*", NoRows, "not shown"),
    ("sql_node_metrics", "metric_type", Null, "not shown"),
    ("sql_node_metrics", "accumulator_id", Null, "not shown"),
    (
        "sql_node_metrics",
        "unit",
        NullOrSame,
        "follows from the kind, which is not shown",
    ),
    ("sql_node_metrics", "total", NullOrSame, "rounded in texts"),
    ("sql_node_metrics", "min", NullOrSame, "rounded in texts"),
    ("sql_node_metrics", "median", NullOrSame, "rounded in texts"),
    ("sql_node_metrics", "max", NullOrSame, "rounded in texts"),
    (
        "sql_node_metrics",
        "max_stage_id",
        NullOrSame,
        "not in texts of sums",
    ),
    (
        "sql_node_metrics",
        "max_stage_attempt_id",
        NullOrSame,
        "not in texts of sums",
    ),
    (
        "sql_node_metrics",
        "max_task_id",
        NullOrSame,
        "not in texts of sums",
    ),
    ("streaming_progress", "*", NoRows, "not shown"),
    ("rdd_storage", "*", NoUncached, "not listed"),
    (
        "executors",
        "memory_used",
        NotLess,
        "the server adds a removed broadcast's memory once more",
    ),
    (
        "executors",
        "used_on_heap_storage_memory",
        NotLess,
        "the server adds a removed broadcast's memory once more",
    ),
];

/// A history by what tells it from others.
type Key = (String, String);

fn by_attempt(runtime: &Runtime, histories: Vec<History>) -> BTreeMap<Key, History> {
    let identified = histories.into_iter().map(|history| {
        let (history, identity) = identify(&history, runtime.handle(), &DecodeLimits::default())
            .expect("a log")
            .remove(0);
        ((identity.application_id, identity.attempt_id), history)
    });
    identified.collect()
}

/// One way's requests, rows and time.
#[derive(Debug, Default)]
struct Cost {
    requests: u64,
    rows: usize,
    seconds: f64,
}

#[test]
#[ignore = "needs a Spark: SPARKLAKE_SPARK_HOME"]
fn logs_on_disk_archives_and_rest_give_the_same_rows() {
    let folders = ["spark35", "spark4", "spark43"].map(|name| fixtures().join(name));
    let server = HistoryServer::start(&folders);
    let runtime = runtime();
    let on_disk = EventLogSource {
        // The server's own folder holds links to these, and links that lead out of a source are not
        // followed.
        uris: folders
            .iter()
            .map(|folder| folder.display().to_string())
            .collect(),
        ..EventLogSource::default()
    };
    let on_disk = runtime
        .block_on(event_logs::discover(&on_disk, &Window::default()))
        .expect("logs");
    let on_disk = by_attempt(&runtime, on_disk.histories);
    let ways = [
        ("archive", ServerAccess::LogOnly, OF_ARCHIVES),
        ("rest", ServerAccess::RestOnly, OF_REST),
    ];
    let mut found = Vec::new();
    for (way, access, allowances) in ways {
        let listed = histories(&runtime, &source(&server.url, access));
        let listed = by_attempt(&runtime, listed);
        assert_eq!(
            listed.keys().collect::<Vec<_>>(),
            on_disk.keys().collect::<Vec<_>>()
        );
        let mut cost = Cost::default();
        let mut same = 0;
        for (key, history) in &listed {
            let (expected, of_disk) =
                extract_one(runtime.handle(), &on_disk[key]).expect("rows of the log");
            let before = requests_sent(history);
            let started = Instant::now();
            let (rows, extraction) =
                extract_one(runtime.handle(), history).expect("rows of the server");
            cost.seconds += started.elapsed().as_secs_f64();
            cost.requests += requests_sent(history) - before;
            cost.rows += rows.total();
            let name = format!("{way} {}", key.0);
            let (different, equal) = differences(&name, &expected, &rows, allowances);
            found.extend(different);
            same += equal;
            if extraction.complete != of_disk.complete {
                found.push(format!(
                    "{name}: complete {} / {}, {:?}",
                    of_disk.complete, extraction.complete, extraction.loss
                ));
            }
        }
        println!(
            "{way}: {} applications, {cost:?}, {same} values the same",
            listed.len()
        );
        assert!(same > 10_000, "{way}: {same} values compared");
    }
    assert!(
        found.is_empty(),
        "{} differences\n{}",
        found.len(),
        found[..found.len().min(60)].join("\n")
    );
}
