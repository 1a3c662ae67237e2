//! The embedded contracts as a whole: what no single file can be checked for.

use include_dir::{Dir, include_dir};

use super::naming::snake_case;
use super::registry::Registry;
use super::*;

static CONTRACTS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../schemas");

const HEAD: [&str; 5] = [
    "platform",
    "cluster_id",
    "cluster_name",
    "application_id",
    "attempt_id",
];
const TAIL: [&str; 3] = ["app_date", "batch_id", "ingested_at"];

fn named(name: &str) -> &'static Table {
    table(name).unwrap_or_else(|| panic!("no table {name}"))
}

fn column_names(table: &Table) -> Vec<&str> {
    table
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect()
}

#[test]
fn every_contract_is_valid_and_found_by_name() {
    if let Err(error) = Registry::load(&CONTRACTS) {
        panic!("{error}");
    }
    for table in tables() {
        assert!(std::ptr::eq(named(&table.name), table));
    }
    assert!(table("no_such_table").is_none());
}

#[test]
fn the_tables_of_the_contract_exist() {
    for (name, kind) in [
        ("analysis_failures", TableKind::Derived),
        ("application_costs", TableKind::Derived),
        ("application_profiles", TableKind::Derived),
        ("application_sizing", TableKind::Derived),
        ("application_waste", TableKind::Derived),
        ("applications", TableKind::Fact),
        ("cluster_efficiency", TableKind::Derived),
        ("environment", TableKind::Fact),
        ("executors", TableKind::Fact),
        ("findings", TableKind::Derived),
        ("ineffjobagg", TableKind::Derived),
        ("ineffjobraw", TableKind::Derived),
        ("ingest_sources", TableKind::Bookkeeping),
        ("job_costs", TableKind::Derived),
        ("job_trends", TableKind::Derived),
        ("jobs", TableKind::Fact),
        ("log_findings", TableKind::Fact),
        ("photon_operators", TableKind::Derived),
        ("photonanalysis", TableKind::Derived),
        ("processes", TableKind::Fact),
        ("rdd_storage", TableKind::Fact),
        ("rdds", TableKind::Fact),
        ("recommendations", TableKind::Derived),
        ("runs", TableKind::Bookkeeping),
        ("session_settings", TableKind::Fact),
        ("sql", TableKind::Fact),
        ("sql_node_metrics", TableKind::Fact),
        ("sql_nodes", TableKind::Fact),
        ("sql_plan_changes", TableKind::Fact),
        ("sql_scans", TableKind::Fact),
        ("stage_executors", TableKind::Fact),
        ("stages", TableKind::Fact),
        ("streaming_progress", TableKind::Fact),
        ("task_quantiles", TableKind::Fact),
        ("task_summaries", TableKind::Fact),
        ("tasks", TableKind::Fact),
        ("team_costs", TableKind::Derived),
    ] {
        assert_eq!(named(name).kind, kind, "{name}");
    }
}

#[test]
fn facts_and_derived_tables_have_the_common_columns_around_their_own() {
    for table in tables() {
        let names = column_names(table);
        if table.kind == TableKind::Bookkeeping {
            assert!(table.partition_by.is_empty(), "{}", table.name);
        } else if !names.starts_with(&HEAD) {
            // About several applications.
            assert_eq!(table.kind, TableKind::Derived, "{}", table.name);
            assert!(names.ends_with(&TAIL[1..]), "{}", table.name);
            assert!(!names.contains(&"application_id"), "{}", table.name);
        } else {
            assert!(names.starts_with(&HEAD), "{}", table.name);
            assert!(names.ends_with(&TAIL), "{}", table.name);
            assert_eq!(table.partition_by, ["app_date"], "{}", table.name);
            for key in ["platform", "cluster_id", "application_id", "attempt_id"] {
                assert!(table.keys.iter().any(|name| name == key), "{}", table.name);
            }
        }
    }
}

#[test]
fn columns_that_carry_a_unit_in_their_name_say_the_same() {
    for table in tables() {
        for column in &table.columns {
            for (suffix, units) in [
                ("_bytes", &["bytes"][..]),
                ("_usd", &["usd"]),
                ("_ratio", &["ratio"]),
                ("_byte_ms", &["byte_ms"]),
                ("_core_ms", &["core_ms"]),
                ("_ms", &["ms", "core_ms", "byte_ms"]),
                ("_mb", &["mb"]),
            ] {
                if column.name.ends_with(suffix) {
                    assert!(
                        column
                            .unit
                            .as_deref()
                            .is_some_and(|unit| units.contains(&unit)),
                        "{}.{} has the unit {:?}",
                        table.name,
                        column.name,
                        column.unit
                    );
                }
            }
        }
    }
}

/// Every field of the REST classes of Spark 4.1, by the place they have in the answer.
#[test]
fn every_rest_field_has_the_column_that_the_naming_rule_gives_it() {
    for (table_name, prefix, fields) in REST_FIELDS {
        let table = named(table_name);
        for field in fields.split_whitespace() {
            let column = format!("{prefix}{}", snake_case(field));
            assert!(
                table.column(&column).is_some(),
                "{table_name} has no column {column} for {field}"
            );
        }
    }
}

const EXECUTOR_METRICS: &str = "JVMHeapMemory JVMOffHeapMemory OnHeapExecutionMemory
    OffHeapExecutionMemory OnHeapStorageMemory OffHeapStorageMemory OnHeapUnifiedMemory
    OffHeapUnifiedMemory DirectPoolMemory MappedPoolMemory ProcessTreeJVMVMemory
    ProcessTreeJVMRSSMemory ProcessTreePythonVMemory ProcessTreePythonRSSMemory
    ProcessTreeOtherVMemory ProcessTreeOtherRSSMemory MinorGCCount MinorGCTime MajorGCCount
    MajorGCTime TotalGCTime ConcurrentGCCount ConcurrentGCTime";

/// Table, prefix of the columns, fields. Fields with a name of their own are left out: `id`,
/// `name` and `attemptId`, and the exceptions listed in the module's documentation.
const REST_FIELDS: &[(&str, &str, &str)] = &[
    (
        "applications",
        "",
        "startTime endTime lastUpdated sparkUser completed appSparkVersion",
    ),
    (
        "jobs",
        "",
        "jobId jobName description submissionTime completionTime stageIds jobGroup jobTags status
         numTasks numActiveTasks numCompletedTasks numSkippedTasks numFailedTasks numKilledTasks
         numCompletedIndices numActiveStages numCompletedStages numSkippedStages numFailedStages
         killedTasksSummary",
    ),
    (
        "stages",
        "",
        "status stageId stageAttemptId numTasks numActiveTasks numCompleteTasks numFailedTasks
         numKilledTasks numCompletedIndices submissionTime firstTaskLaunchedTime completionTime
         failureReason executorDeserializeTime executorDeserializeCpuTime executorRunTime
         executorCpuTime resultSize jvmGcTime resultSerializationTime memoryBytesSpilled
         diskBytesSpilled peakExecutionMemory inputBytes inputRecords outputBytes outputRecords
         shuffleRemoteBlocksFetched shuffleLocalBlocksFetched shuffleFetchWaitTime
         shuffleRemoteBytesRead shuffleRemoteBytesReadToDisk shuffleLocalBytesRead
         shuffleReadBytes shuffleReadRecords shuffleCorruptMergedBlockChunks
         shuffleMergedFetchFallbackCount shuffleMergedRemoteBlocksFetched
         shuffleMergedLocalBlocksFetched shuffleMergedRemoteChunksFetched
         shuffleMergedLocalChunksFetched shuffleMergedRemoteBytesRead shuffleMergedLocalBytesRead
         shuffleRemoteReqsDuration shuffleMergedRemoteReqsDuration shuffleWriteBytes
         shuffleWriteTime shuffleWriteRecords stageName description details schedulingPool rddIds
         accumulatorUpdates killedTasksSummary resourceProfileId isShufflePushEnabled
         shuffleMergersCount",
    ),
    (
        "stages",
        "speculation_",
        "numTasks numActiveTasks numCompletedTasks numFailedTasks numKilledTasks",
    ),
    ("stages", "peak_", EXECUTOR_METRICS),
    (
        "tasks",
        "",
        "taskId index attempt partitionId launchTime resultFetchStart duration executorId host
         status taskLocality speculative accumulatorUpdates errorMessage executorLogs
         schedulerDelay gettingResultTime executorDeserializeTime executorDeserializeCpuTime
         executorRunTime executorCpuTime resultSize jvmGcTime resultSerializationTime
         memoryBytesSpilled diskBytesSpilled peakExecutionMemory",
    ),
    ("tasks", "input_", "bytesRead recordsRead"),
    ("tasks", "output_", "bytesWritten recordsWritten"),
    (
        "tasks",
        "shuffle_read_",
        "remoteBlocksFetched localBlocksFetched fetchWaitTime remoteBytesRead
         remoteBytesReadToDisk localBytesRead recordsRead remoteReqsDuration",
    ),
    (
        "tasks",
        "shuffle_push_read_",
        "corruptMergedBlockChunks mergedFetchFallbackCount remoteMergedBlocksFetched
         localMergedBlocksFetched remoteMergedChunksFetched localMergedChunksFetched
         remoteMergedBytesRead localMergedBytesRead remoteMergedReqsDuration",
    ),
    (
        "tasks",
        "shuffle_write_",
        "bytesWritten writeTime recordsWritten",
    ),
    ("tasks", "peak_", EXECUTOR_METRICS),
    (
        "stage_executors",
        "",
        "taskTime failedTasks succeededTasks killedTasks inputBytes inputRecords outputBytes
         outputRecords shuffleRead shuffleReadRecords shuffleWrite shuffleWriteRecords
         memoryBytesSpilled diskBytesSpilled isBlacklistedForStage isExcludedForStage",
    ),
    ("stage_executors", "peak_", EXECUTOR_METRICS),
    (
        "executors",
        "",
        "executorId hostPort isActive rddBlocks memoryUsed diskUsed totalCores maxTasks
         activeTasks failedTasks completedTasks totalTasks totalDuration totalGCTime
         totalInputBytes totalShuffleRead totalShuffleWrite isBlacklisted maxMemory addTime
         removeTime removeReason executorLogs usedOnHeapStorageMemory usedOffHeapStorageMemory
         totalOnHeapStorageMemory totalOffHeapStorageMemory blacklistedInStages attributes
         resources resourceProfileId isExcluded excludedInStages",
    ),
    ("executors", "peak_", EXECUTOR_METRICS),
    (
        "sql",
        "",
        "status description planDescription submissionTime runningJobIds successJobIds
         failedJobIds",
    ),
    (
        "processes",
        "",
        "processId hostPort isActive totalCores addTime removeTime processLogs",
    ),
    (
        "rdd_storage",
        "",
        "rddId rddName numPartitions numCachedPartitions storageLevel memoryUsed diskUsed",
    ),
];

#[test]
fn every_column_of_the_original_notebooks_is_kept() {
    for (name, columns) in [
        (
            "applications",
            "application_id application_name duration_ms duration_minutes start_time end_time
             spark_version",
        ),
        (
            "jobs",
            "job_id job_name status submission_time completion_time num_tasks num_completed_tasks
             num_failed_tasks stage_ids task_success_rate",
        ),
        (
            "stages",
            "stage_id stage_name status num_tasks num_active_tasks num_complete_tasks
             num_failed_tasks executor_run_time executor_cpu_time submission_time
             first_task_launched_time completion_time input_bytes output_bytes shuffle_read_bytes
             shuffle_write_bytes memory_bytes_spilled disk_bytes_spilled task_completion_rate
             avg_executor_run_time_per_task total_data_processed_mb shuffle_data_mb",
        ),
        (
            "tasks",
            "stage_id stage_attempt_id task_id index attempt launch_time duration executor_id
             host status task_locality speculative",
        ),
        ("task_summaries", "stage_id stage_attempt_id raw_json"),
        (
            "sql",
            "sql_id description status duration_ms submission_time sql_raw_json",
        ),
        (
            "executors",
            "executor_id host_port is_active rdd_blocks memory_used disk_used total_cores
             max_tasks active_tasks failed_tasks completed_tasks total_tasks total_duration
             total_gc_time total_input_bytes total_shuffle_read total_shuffle_write
             is_blacklisted max_memory add_time executor_logs",
        ),
        (
            "ineffjobraw",
            "cluster_id cluster_name stage_id skewbinary spillbinary diskspillbinary chunkbinary
             prbinary goldcheckfilter task_completion_rate duration completion_time",
        ),
        (
            "ineffjobagg",
            "cluster_id cluster_name ineffstageagg start_time",
        ),
        (
            "photonanalysis",
            "cluster_name application_id jobphotonperc",
        ),
    ] {
        for column in columns.split_whitespace() {
            assert!(named(name).column(column).is_some(), "{name}.{column}");
        }
    }
}

#[test]
fn the_dictionary_names_every_column_of_every_table() {
    let dictionary = dictionary::markdown(tables());
    for table in tables() {
        assert!(dictionary.contains(&format!("## `{}`: {}", table.name, table.title)));
        let described = dictionary::describe(table, 120);
        for column in &table.columns {
            assert!(dictionary.contains(&format!("| `{}` |", column.name)));
            assert!(described.contains(&column.name), "{}", column.name);
        }
    }
}
