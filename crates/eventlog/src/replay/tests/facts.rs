//! What the rules need to know, against sums made by hand from the log.

use super::MADE_LOG;
use super::support::{Row, START, replay};

fn assert_row(row: &Row, expected: &[(&str, &str)]) {
    for (column, value) in expected {
        let found = row.get(*column).map_or("NULL", String::as_str);
        assert_eq!(found, *value, "{column}");
    }
}

fn with_id(rows: Vec<Row>, column: &str, id: &str) -> Row {
    let mut found: Vec<Row> = rows.into_iter().filter(|row| row[column] == id).collect();
    assert_eq!(found.len(), 1, "{column} {id}");
    found.remove(0)
}

/// The log with more lines before its end.
fn with_lines(more: &[String]) -> String {
    let (head, end) = MADE_LOG.trim_end().rsplit_once('\n').expect("lines");
    format!("{head}\n{}\n{end}", more.join("\n"))
}

fn without(name: &str) -> String {
    let event = format!("\"Event\":\"{name}\"");
    let lines: Vec<&str> = MADE_LOG
        .lines()
        .filter(|line| !line.contains(&event))
        .collect();
    lines.join("\n")
}

#[test]
fn an_application_knows_what_it_was_given_and_when_it_worked() {
    let (tables, summary) = replay(MADE_LOG.lines());
    assert!(summary.complete);
    assert_row(
        &tables.only("applications"),
        &[
            ("observed_duration_ms", "1000"),
            ("end_time_source", "application_end"),
            ("master", "yarn"),
            ("is_local", "false"),
            ("is_interactive", "false"),
            ("queue", "default"),
            ("executor_cores", "2"),
            ("executor_memory_bytes", "1073741824"),
            ("memory_overhead_bytes", "402653184"),
            ("container_memory_bytes", "1476395008"),
            // Lives of 266, 840 and 680 ms with 2, 2 and 4 cores.
            ("core_time_ms", "4932"),
            ("memory_time_byte_ms", "1917702897664"),
            ("container_memory_time_byte_ms", "2636841484288"),
            // From the start to 100, from 530 to 600 and from 660 to the end.
            ("driver_only_time_ms", "510"),
            ("longest_gap_ms", "340"),
            ("longest_gap_start_time", "2024-07-03T09:46:40.660Z"),
            ("first_task_delay_ms", "110"),
            ("tasks_running_max", "3"),
            ("cores_busy_time_ms", "870"),
            ("num_tasks", "10"),
            ("num_failed_tasks", "2"),
            ("num_killed_tasks", "1"),
            ("num_lost_events", "0"),
            ("failure_reason", "Job aborted due to stage failure: boom"),
        ],
    );
}

#[test]
fn an_application_without_an_end_lasts_until_its_last_event() {
    let (tables, summary) = replay(without("SparkListenerApplicationEnd").lines());
    assert!(!summary.complete);
    assert_row(
        &tables.only("applications"),
        &[
            ("end_time", "NULL"),
            ("duration_ms", "0"),
            ("end_time_source", "last_event"),
            ("observed_duration_ms", "900"),
            ("driver_only_time_ms", "410"),
        ],
    );
}

#[test]
fn a_stage_knows_what_its_longest_task_cost_and_how_long_it_waited() {
    let (tables, _) = replay(MADE_LOG.lines());
    let stages = tables.rows("stages");
    let stage = |id: &str, attempt: &str| {
        let stages = stages
            .iter()
            .filter(|row| row["stage_attempt_id"] == attempt);
        with_id(stages.cloned().collect(), "stage_id", id)
    };
    assert_row(
        &stage("0", "0"),
        &[("tail_ms", "10"), ("scheduling_delay_ms", "5")],
    );
    assert_row(&stage("1", "1"), &[("tail_ms", "20")]);
    assert_row(&stage("0", "1"), &[("tail_ms", "NULL")]);
    let task = with_id(tables.rows("tasks"), "task_id", "3");
    assert_row(
        &task,
        &[
            ("fetch_failed_host", "h1"),
            ("fetch_failed_executor_id", "1"),
            ("fetch_failed_shuffle_id", "7"),
        ],
    );
}

fn executor_added(id: &str, time: i64) -> String {
    format!(
        r#"{{"Event":"SparkListenerExecutorAdded","Timestamp":{},"Executor ID":"{id}","Executor Info":{{"Host":"h1","Total Cores":2,"Log Urls":{{}},"Attributes":{{}},"Resources":{{}},"Resource Profile Id":0}}}}"#,
        START + time
    )
}

fn block_manager_added(id: &str, time: i64) -> String {
    format!(
        r#"{{"Event":"SparkListenerBlockManagerAdded","Block Manager ID":{{"Executor ID":"{id}","Host":"h1","Port":40000}},"Maximum Memory":7,"Timestamp":{}}}"#,
        START + time
    )
}

#[test]
fn a_ghost_of_a_removed_executor_changes_nothing() {
    let log = with_lines(&[block_manager_added("1", 950)]);
    let (tables, _) = replay(log.lines());
    let (before, _) = replay(MADE_LOG.lines());
    assert_eq!(tables.rows("executors"), before.rows("executors"));
    assert_row(
        &tables.only("applications"),
        &[("core_time_ms", "4932"), ("num_executors_added", "3")],
    );
}

#[test]
fn an_executor_that_comes_back_has_two_lives_and_one_row() {
    let log = with_lines(&[executor_added("1", 950), block_manager_added("1", 951)]);
    let (tables, _) = replay(log.lines());
    assert_row(
        &with_id(tables.rows("executors"), "executor_id", "1"),
        &[
            ("num_registrations", "2"),
            ("lifetime_ms", "316"),
            ("core_time_ms", "632"),
            ("is_active", "true"),
            ("remove_time", "NULL"),
            ("total_tasks", "3"),
        ],
    );
    assert_row(
        &tables.only("applications"),
        &[("core_time_ms", "5032"), ("num_executors_added", "4")],
    );
}

#[test]
fn what_ran_in_an_executor_before_it_came_back_runs_no_more() {
    let removed = format!(
        r#"{{"Event":"SparkListenerExecutorRemoved","Timestamp":{},"Executor ID":"77","Removed Reason":"Executor decommission"}}"#,
        START + 930
    );
    let excluded = r#"{"Event":"org.apache.spark.scheduler.SparkListenerExecutorExcluded","time":1720000000920,"executorId":"77","taskFailures":2}"#;
    let task = format!(
        r#"{{"Event":"SparkListenerTaskStart","Stage ID":99,"Stage Attempt ID":0,"Task Info":{{"Task ID":9999,"Index":0,"Attempt":0,"Launch Time":{},"Executor ID":"77","Host":"h","Locality":"ANY","Speculative":false,"Getting Result Time":0,"Finish Time":0,"Failed":false,"Killed":false,"Accumulables":[]}}}}"#,
        START + 910
    );
    let log = with_lines(&[
        executor_added("77", 900),
        task,
        excluded.to_owned(),
        removed,
        executor_added("77", 950),
    ]);
    let (tables, _) = replay(log.lines());
    assert_row(
        &with_id(tables.rows("executors"), "executor_id", "77"),
        &[
            ("num_registrations", "2"),
            ("total_tasks", "1"),
            ("active_tasks", "0"),
            ("is_excluded", "false"),
            ("lifetime_ms", "80"),
        ],
    );
}

#[test]
fn a_task_may_take_a_part_of_a_core() {
    let mut lines = Vec::new();
    for (profile, cpus) in [(5, "0.5"), (6, "3.0"), (7, "0.0")] {
        lines.push(format!(
            r#"{{"Event":"SparkListenerResourceProfileAdded","Resource Profile Id":{profile},"Executor Resource Requests":{{}},"Task Resource Requests":{{"cpus":{{"Resource Name":"cpus","Amount":{cpus}}}}}}}"#
        ));
        lines.push(format!(
            r#"{{"Event":"SparkListenerExecutorAdded","Timestamp":{},"Executor ID":"p{profile}","Executor Info":{{"Host":"h","Total Cores":8,"Log Urls":{{}},"Resource Profile Id":{profile}}}}}"#,
            START + 900
        ));
    }
    let (tables, _) = replay(with_lines(&lines).lines());
    // The first is what a History Server of Spark 4.3 shows.
    for (executor, max_tasks) in [("p5", "16"), ("p6", "2"), ("p7", "0")] {
        assert_row(
            &with_id(tables.rows("executors"), "executor_id", executor),
            &[("max_tasks", max_tasks)],
        );
    }
}

#[test]
fn a_job_of_spark_1_1_has_the_stages_whose_ids_it_lists() {
    let job = r#"{"Event":"SparkListenerJobStart","Job ID":80,"Submission Time":1720000000900,"Stage IDs":[90,91],"Properties":{}}"#;
    let stage = |event: &str, times: &str| {
        format!(
            r#"{{"Event":"{event}","Stage Info":{{"Stage ID":90,"Stage Name":"count at A.scala:1","Number of Tasks":4{times}}}}}"#
        )
    };
    let log = with_lines(&[
        job.to_owned(),
        stage("SparkListenerStageSubmitted", ""),
        stage(
            "SparkListenerStageCompleted",
            r#","Submission Time":1720000000910,"Completion Time":1720000000930"#,
        ),
        r#"{"Event":"SparkListenerJobEnd","Job ID":80,"Completion Time":1720000000940,"Job Result":{"Result":"JobSucceeded"}}"#.to_owned(),
    ]);
    let (tables, _) = replay(log.lines());
    assert_row(
        &with_id(tables.rows("jobs"), "job_id", "80"),
        &[
            ("stage_ids", "[90, 91]"),
            ("job_name", "unknown"),
            ("num_tasks", "0"),
            ("num_completed_stages", "1"),
            ("num_skipped_stages", "1"),
        ],
    );
    let stages = tables.rows("stages");
    assert_row(
        &with_id(stages.clone(), "stage_id", "90"),
        &[
            ("status", "COMPLETE"),
            ("job_ids", "[80]"),
            ("stage_name", "count at A.scala:1"),
        ],
    );
    assert_row(
        &with_id(stages, "stage_id", "91"),
        &[("status", "SKIPPED"), ("job_ids", "[80]")],
    );
}

#[test]
fn executors_that_come_and_go_leave_memory_and_are_all_written() {
    let lines = (100..18_100).flat_map(|id: i64| {
        let removed = format!(
            r#"{{"Event":"SparkListenerExecutorRemoved","Timestamp":{},"Executor ID":"{id}","Removed Reason":"Executor killed by driver."}}"#,
            START + 970
        );
        [executor_added(&id.to_string(), 960), removed, block_manager_added(&id.to_string(), 980)]
    });
    let log = with_lines(&lines.collect::<Vec<_>>());
    let (tables, summary) = replay(log.lines());
    assert_eq!(tables.repeated_key(), None);
    assert_eq!(tables.rows("executors").len(), 18_004);
    assert_eq!(summary.duplicate_events, 0);
    assert_row(
        &tables.only("applications"),
        &[
            ("core_time_ms", "364932"),
            ("num_executors_added", "18003"),
            ("num_executors_max", "2"),
        ],
    );
}

#[test]
fn events_that_the_driver_dropped_are_counted() {
    let dropped: Vec<&str> = MADE_LOG
        .lines()
        .filter(|line| !(line.contains("TaskEnd") && line.contains("\"Task ID\":1,")))
        .collect();
    let (tables, summary) = replay(dropped);
    assert!(!summary.complete);
    assert_row(
        &tables.only("applications"),
        &[
            ("num_lost_events", "1"),
            ("complete", "false"),
            ("completed", "true"),
        ],
    );
}

#[test]
fn a_failure_is_the_error_and_not_the_cancellation_that_follows() {
    let job = |id: i64, time: i64, reason: &str| {
        [
            format!(
                r#"{{"Event":"SparkListenerJobStart","Job ID":{id},"Submission Time":{},"Stage Infos":[],"Stage IDs":[],"Properties":{{}}}}"#,
                START + time
            ),
            format!(
                r#"{{"Event":"SparkListenerJobEnd","Job ID":{id},"Completion Time":{},"Job Result":{{"Result":"JobFailed","Exception":{{"Message":"{reason}","Stack Trace":[]}}}}}}"#,
                START + time + 1
            ),
        ]
    };
    let cancelled = "Job 7 cancelled because SparkContext was shut down";
    let more: Vec<String> = [job(7, 950, cancelled), job(8, 955, "a later error")].concat();
    let (tables, _) = replay(with_lines(&more).lines());
    assert_row(
        &tables.only("applications"),
        &[("failure_reason", "Job aborted due to stage failure: boom")],
    );
}

#[test]
fn of_clocks_that_run_backwards_only_the_values_of_the_server_are_negative() {
    let log = MADE_LOG
        .replace(
            &format!("\"Timestamp\":{}}}", START + 1000),
            &format!("\"Timestamp\":{}}}", START - 5000),
        )
        .replace(
            &format!("\"time\":{}", START + 80),
            &format!("\"time\":{}", START + 80_000),
        );
    assert!(log.contains(&format!("\"Timestamp\":{}}}", START - 5000)));
    let (tables, _) = replay(log.lines());
    assert_row(
        &tables.only("applications"),
        &[
            ("end_time", "2024-07-03T09:46:35Z"),
            ("duration_ms", "-5000"),
            ("duration_minutes", "-0.08"),
            ("observed_duration_ms", "NULL"),
        ],
    );
    assert_row(&tables.rows("sql").remove(0), &[("duration_ms", "-79460")]);
}

#[test]
fn rates_count_completed_attempts_as_the_server_counts_them() {
    let copy = |event: &str, more: &str, finish: i64| {
        format!(
            r#"{{"Event":"{event}","Stage ID":0,"Stage Attempt ID":0{more},"Task Info":{{"Task ID":900,"Index":0,"Attempt":1,"Partition ID":0,"Launch Time":{},"Executor ID":"1","Host":"h1","Locality":"ANY","Speculative":true,"Getting Result Time":0,"Finish Time":{finish},"Failed":false,"Killed":false,"Accumulables":[]}}}}"#,
            START + 150
        )
    };
    let copies = [
        copy("SparkListenerTaskStart", "", 0),
        copy(
            "SparkListenerTaskEnd",
            r#","Task Type":"ResultTask","Task End Reason":{"Reason":"Success"}"#,
            START + 204,
        ),
    ];
    let mut lines: Vec<&str> = MADE_LOG.lines().collect();
    let first_end = lines
        .iter()
        .position(|line| line.contains("\"SparkListenerTaskEnd\""))
        .expect("a task ends");
    for line in copies.iter().rev() {
        lines.insert(first_end, line);
    }
    let (tables, _) = replay(lines);
    let stages = tables.rows("stages").into_iter();
    let first = stages.filter(|row| row["stage_attempt_id"] == "0");
    assert_row(
        &with_id(first.collect(), "stage_id", "0"),
        &[
            ("num_tasks", "2"),
            ("num_complete_tasks", "3"),
            ("num_completed_indices", "2"),
            ("task_completion_rate", "150.0"),
        ],
    );
    let before = with_id(replay(MADE_LOG.lines()).0.rows("jobs"), "job_id", "0");
    let after = with_id(tables.rows("jobs"), "job_id", "0");
    assert_ne!(after["task_success_rate"], before["task_success_rate"]);
    assert_ne!(after["num_completed_tasks"], before["num_completed_tasks"]);
}
