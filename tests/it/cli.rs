//! What users script against: exit codes, and the exact sentences on standard error.

use crate::context::{Ended, TestContext};

/// Runs the program in a folder of its own.
fn sparklake(arguments: &[&str]) -> Ended {
    TestContext::new().run(arguments)
}

/// Nothing but a run's summary on standard output, exactly this on standard error.
#[track_caller]
fn assert_refused(ended: &Ended, code: i32, err: &str) {
    assert_eq!(
        (ended.code, ended.err.as_str(), ended.out_without_summary()),
        (code, err, "")
    );
}

#[test]
fn without_arguments_the_help_is_shown() {
    let ended = sparklake(&[]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("Usage: sparklake"), "{}", ended.err);
    for command in [
        "run", "sql", "tables", "describe", "rules", "explain", "status", "maintain",
    ] {
        assert!(
            ended.err.contains(&format!("  {command}  ")),
            "{command}: {}",
            ended.err
        );
    }
}

#[test]
fn run_without_anything_says_what_it_needs() {
    assert_refused(
        &sparklake(&["run"]),
        2,
        "error: `run` needs a source of histories (--event-logs) and a lake to write to (--lake), \
         or a job file; for example: sparklake run --event-logs /var/log/spark-events \
         --lake ./lake\n",
    );
    assert_refused(
        &sparklake(&["run", "--event-logs", "."]),
        2,
        "error: `run` needs a lake to write to (--lake or a job file); for example: sparklake run \
         --event-logs /var/log/spark-events --lake ./lake\n",
    );
}

#[test]
fn a_mistyped_flag_names_the_right_one() {
    let ended = sparklake(&["run", "--event-lgos", "x"]);
    assert_eq!((ended.code, ended.out.as_str()), (2, ""));
    assert!(
        ended
            .err
            .contains("unexpected argument '--event-lgos' found"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("'--event-logs'"), "{}", ended.err);
}

#[test]
fn a_source_that_lacks_something_says_what_and_where() {
    let folder = TestContext::new();
    let refused = |text: &str, sentence: &str| {
        std::fs::write(folder.path().join("job.toml"), text).expect("a job file");
        let ended = folder.run(&["run", "job.toml", "--lake", "lake"]);
        assert_eq!(
            (ended.code, ended.out_without_summary()),
            (2, ""),
            "{}",
            ended.err
        );
        assert!(ended.err.contains(sentence), "{}", ended.err);
    };
    refused(
        "[[source]]\nkind = \"databricks\"\n",
        "job.toml:1: this source does not say which workspace; add workspace_url",
    );
    refused(
        "[[source]]\nkind = \"databricks\"\nworkspace_url = \"https://w.example.com\"\n",
        "does not say who asks; add token_env",
    );
    refused(
        "[[source]]\nkind = \"history_server\"\nuris = [\"ftp://h\"]\n",
        "`ftp://h` is not the address of a server",
    );
    refused(
        "[[source]]\nkind = \"history_server\"\nuris = [\"http://h:18080\"]\ntoken_env = \"NOT_THERE\"\n",
        "the environment variable NOT_THERE is not set; put the token into it",
    );
    refused(
        "[[source]]\nkind = \"history_server\"\nuris = [\"http://h\"]\npassword = \"hunter2\"\n",
        "password",
    );
}

#[test]
fn bad_values_name_the_flag_or_variable() {
    assert_refused(
        &sparklake(&[
            "run",
            "--event-logs",
            ".",
            "--lake",
            "lake",
            "--since",
            "soon",
        ]),
        2,
        "error: --since: `soon` is not a time; write a time with its zone (2025-03-01T06:00:00Z), \
         a date (2025-03-01) or how long ago (7d, 36h, 90m, 2w)\n",
    );
    let mut context = TestContext::new();
    let ended = context.set("SPARKLAKE_UNTIL", "never").run(&["run"]);
    assert!(
        ended
            .err
            .starts_with("error: SPARKLAKE_UNTIL: `never` is not a time;"),
        "{}",
        ended.err
    );
}

#[test]
fn a_lake_that_is_not_there_is_told_by_its_name() {
    assert_refused(
        &sparklake(&["sql", "--lake", "nowhere", "SELECT 1"]),
        2,
        "error: there is no lake at nowhere yet; `sparklake run --event-logs LOGS --lake nowhere` creates one\n",
    );
    assert_refused(
        &sparklake(&["status"]),
        2,
        "error: no lake is given; add --lake, for example: sparklake status --lake ./lake\n",
    );
}

#[test]
fn a_folder_of_something_else_is_not_taken_for_a_lake() {
    let folder = TestContext::new();
    std::fs::write(folder.path().join("thesis.txt"), "years of work").expect("written");
    let ended = folder.run(&["status", "--lake", "."]);
    assert_refused(
        &ended,
        2,
        "error: . is not a sparklake lake: it holds other files (such as 'thesis.txt'); \
         give an empty or a new folder\n",
    );
}

#[test]
fn a_run_that_finds_nothing_says_what_it_looked_for_and_where() {
    let folder = TestContext::new();
    std::fs::create_dir(folder.path().join("logs")).expect("made");
    let arguments = ["run", "--event-logs", "logs", "--lake", "lake"];
    let window = ["--since", "2026-11-01T00:00:00Z"];
    let ended = folder.run(&[&arguments[..], &window].concat());
    assert_eq!(ended.code, 0);
    for part in [
        "no history was found: looked for Spark event logs",
        "at any depth below logs since 2026-11-01T00:00:00Z",
        "sparklake doctor",
    ] {
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
    }
}

#[test]
fn an_empty_folder_of_logs_makes_an_empty_lake() {
    let folder = TestContext::new();
    std::fs::create_dir(folder.path().join("logs")).expect("made");
    let ended = folder.run(&["-q", "run", "--event-logs", "logs", "--lake", "lake"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let last = ended.out.lines().last().expect("a summary");
    let summary: serde_json::Value = serde_json::from_str(last).expect("JSON");
    assert_eq!(summary.get("discovered"), Some(&serde_json::json!(0)));

    let count = [
        "sql",
        "--lake",
        "lake",
        "SELECT count(*) AS n FROM jobs",
        "--format",
        "ndjson",
    ];
    assert_eq!(folder.run(&count).out, "{\"n\":0}\n");

    let unknown = folder.run(&["sql", "--lake", "lake", "SELECT * FROM job"]);
    assert_refused(
        &unknown,
        2,
        "error: there is no table `job`; did you mean `jobs`? `sparklake tables` lists them all\n",
    );

    let change = ["sql", "--lake", "lake", "CREATE TABLE t AS SELECT 1"];
    let refused = folder.run(&change);
    assert_eq!(
        (refused.code, refused.out.as_str()),
        (2, ""),
        "{}",
        refused.err
    );

    let status = folder.run(&["status", "--lake", "lake", "--format", "json"]);
    let status: serde_json::Value = serde_json::from_str(&status.out).expect("JSON");
    assert_eq!(status.get("held_by"), Some(&serde_json::Value::Null));
    let runs = status
        .get("runs")
        .and_then(serde_json::Value::as_array)
        .expect("runs");
    assert_eq!(runs.len(), 1);

    let maintained = folder.run(&["maintain", "--lake", "lake", "--dry-run"]);
    assert_eq!((maintained.code, maintained.err.as_str()), (0, ""));
}

#[test]
fn a_source_that_is_not_there_cannot_be_reached() {
    let ended = sparklake(&["-q", "run", "--event-logs", "nowhere", "--lake", "lake"]);
    assert_eq!((ended.code, ended.out_without_summary()), (75, ""));
    assert!(ended.err.contains("nowhere"), "{}", ended.err);
}

#[test]
fn an_unknown_table_is_told_with_the_nearest() {
    assert_refused(
        &sparklake(&["describe", "stage"]),
        2,
        "error: there is no table `stage`; did you mean `stages`? `sparklake tables` lists them \
         all\n",
    );
}

#[test]
fn tables_are_listed_and_described_without_a_lake() {
    let listed = sparklake(&["tables", "--format", "csv"]);
    assert_eq!(listed.code, 0, "{}", listed.err);
    assert!(
        listed.out.starts_with("table,kind,grain\n"),
        "{}",
        listed.out
    );
    assert!(listed.out.contains("\nfindings,derived,"), "{}", listed.out);
    let described = sparklake(&["describe", "jobs"]);
    assert!(described.out.starts_with("jobs: "), "{}", described.out);
}

#[test]
fn rules_are_listed_and_explained_with_what_the_job_file_changes() {
    let listed = sparklake(&["rules", "--format", "ndjson"]);
    assert!(
        listed.out.contains("\"rule\":\"task_skew\""),
        "{}",
        listed.out
    );
    let folder = TestContext::new();
    let job = "[rules.parameters.task_skew]\nmin_ratio = 2.5\n";
    std::fs::write(folder.path().join("job.toml"), job).expect("written");
    let explained = folder.run(&["explain", "task_skew", "--job-file", "job.toml"]);
    assert!(
        explained
            .out
            .contains("min_ratio = 2.5 (set here; default 3.0)"),
        "{}",
        explained.out
    );
    let unknown = sparklake(&["explain", "task_skow"]);
    assert_refused(
        &unknown,
        2,
        "error: there is no rule `task_skow`; did you mean `task_skew`?\n",
    );
}

#[test]
fn a_rule_is_tested_by_the_cases_beside_it_without_a_lake() {
    let folder = TestContext::new();
    let passed = folder.run(&["rules", "test", "task_skew"]);
    assert_eq!(passed.code, 0, "{}", passed.err);
    assert!(
        passed.out.starts_with("ok        task_skew  "),
        "{}",
        passed.out
    );

    // A threshold that nothing reaches: the cases in which it fires fail.
    let own = folder.path().join("own/rules/skew");
    std::fs::create_dir_all(&own).expect("a folder");
    let rule = include_str!("../../sql/rules/skew/task_skew.sql");
    let rule = rule.replace("min_ratio double = 3.0", "min_ratio double = 3000.0");
    std::fs::write(own.join("task_skew.sql"), rule).expect("written");
    let failed = folder.run(&["rules", "test", "--rules-dir", "own", "task_skew"]);
    assert_eq!(failed.code, 1, "{}{}", failed.out, failed.err);
    assert!(
        failed.out.contains("1 finding expected, 0 found\n"),
        "{}",
        failed.out
    );
    assert!(
        failed.out.ends_with("0 passed, 1 failed, 0 untested\n"),
        "{}",
        failed.out
    );

    let unknown = folder.run(&["rules", "test", "task_skow"]);
    assert_refused(
        &unknown,
        2,
        "error: there is no rule `task_skow`; did you mean `task_skew`?\n",
    );
}

#[test]
fn a_job_file_with_a_mistyped_key_is_refused_with_file_and_line() {
    let folder = TestContext::new();
    let job = "[lake]\nuri = \"lake\"\n\n[run]\nsinse = \"7d\"\n";
    std::fs::write(folder.path().join("job.toml"), job).expect("written");
    assert_refused(
        &folder.run(&["run", "job.toml"]),
        2,
        "error: job.toml:5: unknown key `sinse`; did you mean `since`?\n",
    );
}

#[test]
fn the_job_file_that_comes_with_the_program_is_right() {
    let job = concat!(env!("CARGO_MANIFEST_DIR"), "/jobs/event-logs.toml");
    let mut context = TestContext::new();
    context.set("SPARKLAKE_LAKE", "s3://bucket/lake");
    let shown = context.run(&["config", "show", job, "--since", "36h"]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    let line_of = |key: &str| {
        let line = shown.out.lines().find(|line| line.starts_with(key));
        line.unwrap_or_else(|| panic!("{key}: {}", shown.out))
            .to_owned()
    };
    assert!(line_of("since = \"36h\"").ends_with("# --since"));
    assert!(line_of("uri = \"s3://bucket/lake\"").ends_with("# SPARKLAKE_LAKE"));
    assert!(line_of("name = \"production\"").contains("event-logs.toml:"));
    assert!(line_of("include_tasks = true").ends_with("# default"));
}

#[test]
fn errors_are_json_in_a_json_log() {
    let ended = sparklake(&["--log-format", "json", "describe", "stage"]);
    assert_eq!(ended.code, 2);
    let line: serde_json::Value = serde_json::from_str(ended.err.trim()).expect("one JSON line");
    assert_eq!(line.get("exit_code"), Some(&serde_json::json!(2)));
    let told = line
        .get("message")
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default();
    assert!(told.starts_with("there is no table `stage`"), "{line}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = TestContext::new();
    std::fs::create_dir(folder.path().join("logs")).expect("made");
    let run = ["-q", "run", "--event-logs", "logs", "--lake", "lake"];
    assert_eq!(folder.run(&run).code, 0);
    for format in ["table", "csv", "json", "ndjson", "markdown"] {
        let query = "SELECT value, repeat('x', 100) FROM generate_series(1, 100000)";
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_sparklake"))
            .args(["sql", "--lake", "lake", query, "--format", format])
            .current_dir(folder.path())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        let ended = child.wait_with_output().expect("it ends");
        let told = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(
            (ended.status.code(), told.as_ref()),
            (Some(0), ""),
            "{format}"
        );
    }
}

#[test]
fn views_of_the_rules_can_be_asked_by_their_name() {
    let folder = TestContext::new();
    std::fs::create_dir(folder.path().join("logs")).expect("made");
    let run = ["-q", "run", "--event-logs", "logs", "--lake", "lake"];
    assert_eq!(folder.run(&run).code, 0);
    let query = "SELECT count(*) AS n FROM stage_facts";
    let asked = folder.run(&["sql", "--lake", "lake", query, "--format", "csv"]);
    assert_eq!((asked.out.as_str(), asked.err.as_str()), ("n\n0\n", ""));
}
