//! What queries, their sessions, their tables and caches are known by: real logs against numbers
//! that were read from their events by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::program::{Ended, command, load};
use super::stored::{Row, rows};
use super::world::world;

/// The lake of one fixture of Spark 4, and the folder that it goes with.
fn lake_of(log: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/logs/spark4");
    let lake = folder.path().join("lake");
    load(&logs.join(log), &lake).assert_code(0);
    (folder, lake)
}

/// Rows of a table in order of their numbers, as the values of some columns; `-` for NULL.
fn values(lake: &Path, table: &str, order: &[&str], columns: &[&str]) -> Vec<String> {
    let mut found = rows(lake, table);
    found.sort_by_key(|row| {
        let number = |name: &&str| row.get(*name).and_then(|value| value.parse::<i64>().ok());
        order.iter().map(number).collect::<Vec<_>>()
    });
    let shown = |row: &Row| {
        let cell = |name: &&str| row.get(*name).map_or("-", String::as_str).to_owned();
        columns.iter().map(cell).collect::<Vec<_>>().join(" ")
    };
    found.iter().map(shown).collect()
}

#[test]
fn tables_that_queries_read_and_write_are_rows() {
    let (_folder, lake) = lake_of("eventlog_v2_local-1795262389235");
    let columns = [
        "sql_id",
        "operation",
        "format",
        "location",
        "num_columns",
        "files_read",
        "bytes_read",
        "rows_read",
        "files_written",
        "bytes_written",
        "rows_written",
        "write_mode",
    ];
    let path = "file:/tmp/spark-fixtures/spark4/data/orders-1489";
    let write = format!("0 write parquet {path} 4 - - - 4 1842182 400000 ErrorIfExists");
    let read = |sql: i64| format!("{sql} read parquet {path} 2 4 1842182 400000 - - - -");
    let expected = [write, read(1), read(2), read(3), read(4)];
    assert_eq!(
        values(&lake, "sql_scans", &["sql_id", "node_id"], &columns),
        expected
    );
}

#[test]
fn key_numbers_of_queries_are_one_view() {
    let (_folder, lake) = lake_of("eventlog_v2_local-1795262389235");
    let query = "SELECT sql_id, num_jobs, num_stages, num_exchanges, num_scans, files_read, \
                 rows_written, tables_read, tables_written, num_shuffles_coalesced \
                 FROM query_facts ORDER BY sql_id";
    let mut asked = command(["-q", "sql", query, "--format", "csv", "--lake"]);
    let answer: Ended = asked
        .arg(&lake)
        .output()
        .expect("the program starts")
        .into();
    answer.assert_code(0);
    let path = "file:/tmp/spark-fixtures/spark4/data/orders-1489";
    let write = format!("0,1,1,0,0,,400000,,{path},0");
    let read = |sql: i64| format!("{sql},3,3,2,1,4,,{path},,1");
    let expected = [write, read(1), read(2), read(3), read(4)].join("\n");
    let rows = answer.out.split_once('\n').map(|(_, rows)| rows.trim_end());
    assert_eq!(rows, Some(expected.as_str()));
}

#[test]
fn adaptive_execution_tells_what_it_changed() {
    let (_folder, lake) = lake_of("eventlog_v2_local-1795197770111");
    let columns = [
        "sql_id",
        "change",
        "partitions_before",
        "partitions_after",
        "skewed_partitions",
        "skewed_splits",
        "operator_after",
    ];
    let expected = [
        "0 partitions_coalesced 8 1 - - -",
        "0 skew_join - - - - SortMergeJoin",
        "0 skewed_partitions_split 8 13 1 6 -",
    ];
    assert_eq!(
        values(&lake, "sql_plan_changes", &["change_id"], &columns),
        expected
    );
    let updates = values(
        &lake,
        "sql",
        &["sql_id"],
        &["is_adaptive", "num_plan_updates"],
    );
    assert_eq!(updates, ["true 4"]);
}

#[test]
fn settings_of_a_session_are_those_that_the_application_has_not() {
    let (_folder, lake) = lake_of("eventlog_v2_local-1795198125285");
    let columns = [
        "subject_type",
        "sql_id",
        "key",
        "value",
        "application_value",
    ];
    let expected = [
        "sql 2 spark.sql.autoBroadcastJoinThreshold 200k -",
        "sql 3 spark.sql.autoBroadcastJoinThreshold 200k -",
    ];
    assert_eq!(
        values(&lake, "session_settings", &["subject_id"], &columns),
        expected
    );
    let changes = values(
        &lake,
        "sql_plan_changes",
        &["sql_id", "change_id"],
        &["sql_id", "change", "partitions_before", "partitions_after"],
    );
    let expected = [
        "1 partitions_coalesced 60 1",
        // The join, and then the projection above it.
        "2 empty_relation - -",
        "2 empty_relation - -",
        "3 empty_relation - -",
        "3 empty_relation - -",
    ];
    assert_eq!(changes, expected);
}

#[test]
fn job_groups_and_tags_reach_the_query() {
    let (_folder, lake) = lake_of("eventlog_v2_local-1795262428000");
    let group = values(&lake, "sql", &["sql_id"], &["sql_id", "job_group"]);
    assert_eq!(group, ["0 nightly"]);
    let tags = values(&lake, "sql", &["sql_id"], &["job_tags"]);
    assert!(tags[0].contains("team=finance"), "{tags:?}");
}

#[test]
fn caches_tell_how_often_they_were_read() {
    let columns = [
        "rdd_id",
        "num_stages",
        "num_reads",
        "first_stage_id",
        "last_stage_id",
        "is_unpersisted",
        "max_cached_partitions",
        "blocks_stored",
        "blocks_evicted",
    ];
    let persisted = |lake: &Path| -> Vec<String> {
        let of = |column| values(lake, "rdds", &["rdd_id"], &[column]);
        let flags = of("is_persisted");
        let all = values(lake, "rdds", &["rdd_id"], &columns);
        let kept = all.into_iter().zip(flags);
        kept.filter(|(_, flag)| flag == "true")
            .map(|(row, _)| row)
            .collect()
    };
    // Used by three queries, then given back; and an RDD that nobody reads again.
    let (_folder, lake) = lake_of("eventlog_v2_local-1795262362140");
    let expected = ["7 4 3 2 14 true - - -", "33 1 0 18 18 false - - -"];
    assert_eq!(persisted(&lake), expected);
    // With block updates: four partitions each.
    let (_folder, lake) = lake_of("eventlog_v2_local-1795262410794");
    let expected = [
        "1 1 0 0 0 false 4 4 0",
        "4 1 0 1 1 true 4 4 0",
        "10 2 1 2 3 false 4 4 0",
    ];
    assert_eq!(persisted(&lake), expected);
}

/// Sums of a column by application, attempt and query.
fn sums(lake: &Path, table: &str, column: &str) -> BTreeMap<[String; 3], i64> {
    let mut sums = BTreeMap::new();
    for row in rows(lake, table) {
        let key = ["application_id", "attempt_id", "sql_id"].map(|name| row.get(name).cloned());
        let value = row.get(column).and_then(|value| value.parse::<i64>().ok());
        if let ([Some(app), Some(attempt), Some(sql)], Some(value)) = (key, value) {
            *sums.entry([app, attempt, sql]).or_default() += value;
        }
    }
    sums
}

/// Queries whose plan has a node of this name.
fn queries_with(lake: &Path, node: &str) -> BTreeSet<[String; 3]> {
    let key = |row: &Row| {
        ["application_id", "attempt_id", "sql_id"]
            .map(|name| row.get(name).cloned().unwrap_or_default())
    };
    let named = |row: &Row| row.get("node_name").is_some_and(|name| name == node);
    rows(lake, "sql_nodes")
        .iter()
        .filter(|row| named(row))
        .map(key)
        .collect()
}

#[test]
fn operators_of_real_queries_never_work_longer_than_their_tasks_ran() {
    let lake = &world().fresh;
    let run = sums(lake, "stages", "executor_run_time");
    let (mut exclusive, mut inclusive, mut queries) = (0, 0, 0);
    let of_all = sums(lake, "sql_nodes", "inclusive_time_ms");
    let caches = queries_with(lake, "InMemoryTableScan");
    for (query, own) in sums(lake, "sql_nodes", "time_ms") {
        let Some(run) = run.get(&query) else { continue };
        // What fills a cache asks the generated code for its end twice, and Spark adds its duration each time.
        let run = &(if caches.contains(&query) {
            2 * run
        } else {
            *run
        });
        // A shuffle of few partitions writes while it pulls its rows, which both sides time.
        assert!(own <= *run + *run / 20, "{query:?}: {own} ms of {run}");
        exclusive += own;
        inclusive += of_all.get(&query).copied().unwrap_or_default();
        queries += 1;
    }
    assert!(queries > 50, "{queries} queries compared");
    assert!(
        inclusive > 2 * exclusive,
        "{inclusive} overlap, {exclusive} do not"
    );
}

/// Events of an application that serves clients: Spark Connect, the Thrift server, a notebook.
const SERVED: &str = r#"{"Event":"SparkListenerLogStart","Spark Version":"4.3.0"}
{"Event":"SparkListenerApplicationStart","App Name":"server","App ID":"app-served","Timestamp":1700000000000,"User":"spark"}
{"Event":"SparkListenerEnvironmentUpdate","Spark Properties":{"spark.sql.shuffle.partitions":"200"}}
{"Event":"org.apache.spark.sql.connect.service.SparkListenerConnectOperationStarted","jobTag":"tag-1","operationId":"op-1","eventTime":1,"sessionId":"s-1","userId":"7","userName":"ann","statementText":"select 1","sparkSessionTags":[],"extraTags":{}}
{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart","executionId":0,"description":"c","physicalPlanDescription":"","sparkPlanInfo":{"nodeName":"Range"},"time":1700000001000,"modifiedConfigs":{"spark.sql.ansi.enabled":"true","spark.sql.execution.id":"9"},"jobTags":["tag-1"],"queryId":"01a0747c-a90f-7d82-befa-169dcb258287"}
{"Event":"org.apache.spark.sql.execution.ui.SparkListenerEffectiveSQLConf","executionId":0,"effectiveSQLConf":{"spark.sql.shuffle.partitions":"8"}}
{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionEnd","executionId":0,"time":1700000002000,"errorMessage":"","queryId":"01a0747c-a90f-7d82-befa-169dcb258287"}
{"Event":"org.apache.spark.sql.hive.thriftserver.ui.SparkListenerThriftServerOperationStart","id":"st-2","sessionId":"s-2","statement":"select 2","groupId":"group-2","startTime":1,"userName":"bob"}
{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart","executionId":1,"description":"t","physicalPlanDescription":"","sparkPlanInfo":{"nodeName":"Range"},"time":1700000003000}
{"Event":"SparkListenerJobStart","Job ID":0,"Submission Time":1700000003000,"Stage Infos":[],"Stage IDs":[],"Properties":{"spark.sql.execution.id":"1","spark.jobGroup.id":"group-2","spark.sql.shuffle.partitions":"200"}}
{"Event":"SparkListenerJobEnd","Job ID":0,"Completion Time":1700000003500,"Job Result":{"Result":"JobSucceeded"}}
{"Event":"SparkListenerJobStart","Job ID":1,"Submission Time":1700000004000,"Stage Infos":[],"Stage IDs":[],"Properties":{"user":"eve@example.com","spark.databricks.notebook.id":"15","spark.databricks.notebook.path":"/Users/eve/n","spark.databricks.job.id":"42","spark.databricks.job.runId":"99","spark.sql.shuffle.partitions":"16","spark.odd":7}}
{"Event":"SparkListenerJobEnd","Job ID":1,"Completion Time":1700000004500,"Job Result":{"Result":"JobSucceeded"}}
{"Event":"org.apache.spark.sql.connect.service.SparkListenerConnectOperationClosed","jobTag":"tag-1","operationId":"op-1","eventTime":9}
{"Event":"SparkListenerApplicationEnd","Timestamp":1700000005000}
"#;

#[test]
fn clients_users_and_notebooks_are_known() {
    let folder = TempDir::new().expect("a folder");
    let (logs, lake) = (folder.path().join("logs"), folder.path().join("lake"));
    std::fs::create_dir(&logs).expect("a folder");
    std::fs::write(logs.join("app-served"), SERVED).expect("a log");
    load(&logs, &lake).assert_code(0);
    let who = [
        "user_name",
        "session_id",
        "statement_id",
        "statement",
        "query_id",
    ];
    let expected = [
        "ann s-1 op-1 select 1 01a0747c-a90f-7d82-befa-169dcb258287",
        "bob s-2 st-2 select 2 -",
    ];
    assert_eq!(values(&lake, "sql", &["sql_id"], &who), expected);
    let job = [
        "job_id",
        "user_name",
        "notebook_id",
        "notebook_path",
        "platform_job_id",
        "platform_run_id",
        "statement_id",
    ];
    let expected = [
        "0 bob - - - - st-2",
        "1 eve@example.com 15 /Users/eve/n 42 99 -",
    ];
    assert_eq!(values(&lake, "jobs", &["job_id"], &job), expected);
    let settings = [
        "subject_type",
        "subject_id",
        "key",
        "value",
        "application_value",
    ];
    let mut found = values(&lake, "session_settings", &["subject_id"], &settings);
    found.sort();
    let expected = [
        "job 1 spark.sql.shuffle.partitions 16 200",
        "sql 0 spark.sql.ansi.enabled true -",
        "sql 0 spark.sql.shuffle.partitions 8 200",
    ];
    assert_eq!(found, expected);
}
