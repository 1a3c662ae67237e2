//! What analysts do: list, describe and ask, and what they are told when they err.

use std::process::Stdio;
use std::time::Duration;

use crate::context::{TestContext, assert_snapshot};

#[test]
fn mistakes_of_the_command_line_are_explained() {
    let context = TestContext::with_empty_lake();
    for (arguments, expected) in [
        (
            &["sql", "--lake", "lake", "SELECT * FROM other.tasks"][..],
            "status: 2\n--- stderr\nerror: a lake has no catalogs or schemas: write `tasks` instead \
             of `datafusion.other.tasks`\n",
        ),
        (
            &["sql", "--lake", "lake", "SELECT 1", "--memory", "lots"][..],
            "status: 2\n--- stderr\nerror: invalid value 'lots' for '--memory <SIZE>': write a \
             number and a unit, such as 512m or 4g\n\nFor more information, try '--help'.\n",
        ),
        (
            &["run", "--event-logs", "htp://logs", "--lake", "lake"][..],
            "status: 2\n--- stderr\nerror: --event-logs: `htp://logs` cannot be read: there is no \
             `htp://`; give a path, or an address that begins with s3://, gs://, abfss:// or \
             https://\n",
        ),
        (
            &["questions", "inefficient_job"][..],
            "status: 2\n--- stderr\nerror: there is no question `inefficient_job`; did you mean \
             `inefficient_jobs`?\n",
        ),
    ] {
        assert_snapshot(&context.run(arguments), expected);
    }
}

#[test]
fn a_mistyped_flag_before_the_query_is_named() {
    let context = TestContext::with_empty_lake();
    let ended = context.run(&["sql", "--lkae", "lake", "SELECT 1"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended.err.contains("unexpected argument '--lkae'"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("'--lake'"), "{}", ended.err);
    let comment = context.run(&[
        "sql",
        "--lake",
        "lake",
        "--format",
        "csv",
        "-- how many\nSELECT 1 AS n",
    ]);
    assert_snapshot(&comment, "status: 0\n--- stdout\nn\n1\n");
}

#[test]
fn a_misspelt_rule_or_parameter_ends_doctor_and_dry_run_as_it_ends_a_run() {
    let context = TestContext::with_empty_lake();
    for (job, sentence) in [
        (
            "[rules]\ndisabled = [\"task_skow\"]\n",
            "there is no rule `task_skow`; did you mean `task_skew`?",
        ),
        (
            "[rules.parameters.task_skew]\nmin_ration = 2.0\n",
            "there is no parameter `min_ration`; did you mean `min_ratio`?",
        ),
    ] {
        context.file("job.toml", job);
        let job = ["job.toml", "--event-logs", "logs", "--lake", "lake"];
        let doctor = context.run(&[&["doctor"][..], &job[..]].concat());
        assert_eq!(doctor.code, 1, "{doctor:?}");
        assert!(doctor.out.contains("FAILED  rules"), "{}", doctor.out);
        assert!(doctor.out.contains(sentence), "{}", doctor.out);
        for dry in [&[][..], &["--dry-run"][..]] {
            let run = context.run(&[&["run"][..], &job[..], dry].concat());
            assert_eq!(run.code, 2, "{run:?}");
            assert!(run.err.contains(sentence), "{}", run.err);
        }
    }
}

#[test]
fn doctor_says_that_a_folder_is_empty() {
    let context = TestContext::with_empty_lake();
    let doctor = context.run(&["doctor", "--event-logs", "logs", "--lake", "lake"]);
    assert_eq!(doctor.code, 1, "{doctor:?}");
    assert!(
        doctor.out.contains("there are no event logs"),
        "{}",
        doctor.out
    );
}

#[test]
fn views_are_listed_described_and_made_in_other_engines() {
    let context = TestContext::with_empty_lake();
    let listed = context.run(&["tables", "--lake", "lake", "--format", "csv"]);
    assert!(
        listed.out.contains("\nstage_facts,view,,"),
        "{}",
        listed.out
    );
    let described = context.run(&["describe", "finding_details"]);
    assert!(
        described.out.starts_with("finding_details: "),
        "{described:?}"
    );
    assert!(described.out.contains("lost_percent"), "{}", described.out);
    let script = context.run(&["tables", "--lake", "/data/lake", "--ddl"]);
    assert_eq!(script.code, 0, "{script:?}");
    assert!(
        script.out.contains(
            "CREATE TABLE IF NOT EXISTS stages USING DELTA LOCATION '/data/lake/stages';"
        ),
        "{}",
        script.out
    );
    let place = |view: &str| {
        script
            .out
            .find(&format!("CREATE OR REPLACE VIEW {view} "))
            .expect(view)
    };
    assert!(place("application_settings") < place("application_facts"));
    assert!(!script.out.contains(" $"), "every parameter has its value");
}

#[test]
fn every_question_is_answered_from_the_sample_logs() {
    let context = TestContext::with_loaded_lake();
    let listed = context.run(&["questions", "--format", "csv"]);
    let names: Vec<&str> = listed
        .out
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .collect();
    assert!(names.len() >= 60, "{names:?}");
    for name in names {
        let ended = context.run(&["questions", name, "--format", "ndjson"]);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{name}");
    }
    let answer = context.run(&["questions", "slowest_applications", "--format", "ndjson"]);
    assert_eq!(answer.out.lines().count(), 20);
}

#[test]
fn views_without_joins_have_a_row_for_each_row_they_are_about() {
    let context = TestContext::with_loaded_lake();
    let count = |relation: &str| {
        let query = format!("SELECT count(*) AS n FROM {relation}");
        context.run(&["sql", &query, "--format", "csv"]).snapshot()
    };
    assert_eq!(count("application_overview"), count("applications"));
    assert_eq!(count("finding_details"), count("findings"));
    for (view, table) in [
        ("query_overview", "sql"),
        ("spark_job_overview", "jobs"),
        ("executor_overview", "executors"),
        ("job_run_overview", "job_trends"),
        ("recurring_job_overview", "job_costs"),
        ("table_access_overview", "sql_scans"),
        ("operator_overview", "sql_nodes"),
        ("cost_overview", "application_costs"),
        ("setting_overview", "environment WHERE section = 'spark'"),
    ] {
        assert_eq!(count(view), count(table), "{view}");
    }
    assert_eq!(
        count("stage_overview"),
        count("stages WHERE status NOT IN ('SKIPPED', 'PENDING')")
    );
}

#[test]
fn job_files_of_init_are_read() {
    let mut context = TestContext::new();
    for name in ["DATABRICKS_TOKEN", "HISTORY_SERVER_PASSWORD"] {
        context.set(name, "x");
    }
    for source in [
        "emr",
        "emr-serverless",
        "emr-eks",
        "databricks",
        "history-server",
        "event-logs",
    ] {
        let printed = context.run(&["init", source]);
        context.file("job.toml", &printed.out);
        let shown = context.run(&["config", "show", "job.toml"]);
        assert_eq!((shown.code, shown.err.as_str()), (0, ""), "{source}");
        assert!(shown.out.contains("[[source]]"), "{source}: {}", shown.out);
    }
}

#[test]
fn the_dictionary_comes_as_json() {
    let context = TestContext::new();
    let printed = context.run(&["export", "dictionary", "--format", "json"]);
    let parsed: serde_json::Value = serde_json::from_str(&printed.out).expect("JSON");
    let tables = parsed
        .get("tables")
        .and_then(|tables| tables.as_array())
        .expect("tables");
    let listed = context.run(&["tables", "--format", "csv"]).out;
    let tables_listed = listed
        .lines()
        .skip(1)
        .filter(|line| !line.contains(",view,"));
    // Reference data is described too, and no table of a lake.
    let in_a_lake = tables
        .iter()
        .filter(|table| table.get("kind").and_then(|kind| kind.as_str()) != Some("reference"));
    assert_eq!(in_a_lake.count(), tables_listed.count());
}

#[test]
fn completions_and_manual_know_every_command() {
    let context = TestContext::new();
    let manual = context.run(&["man"]).out;
    for shell in ["bash", "zsh", "fish"] {
        let script = context.run(&["completions", shell]).out;
        for command in ["sql", "questions", "describe", "init", "maintain"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    assert!(
        manual.contains("SPARKLAKE SQL") && manual.contains("timeout"),
        "{manual}"
    );
}

/// Planner, optimizer and Delta's file skipping go a call deeper for each of them.
#[test]
fn long_chains_and_lists_overflow_no_stack() {
    let context = TestContext::with_empty_lake();
    let chain = |condition: &str, count| vec![condition; count].join(" OR ");
    let ask = |condition: &str| {
        let query = format!("SELECT count(*) FROM applications WHERE {condition}");
        context.run(&["sql", "--lake", "lake", "--timeout", "20s", &query])
    };
    let list = format!("application_id IN ({})", vec!["'a'"; 8_000].join(","));
    let sum = format!("{} > 5", vec!["num_jobs"; 3_900].join(" + "));
    for condition in [chain("application_id = 'a'", 1_990), list, sum] {
        let ended = ask(&condition);
        let is_calm = ended.code == 0 || ended.err.contains("longer than 20 s");
        assert!(is_calm, "{}: {}", ended.code, ended.err);
    }
    let refused = ask(&chain("application_id = 'a'", 3_000));
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert!(
        refused
            .err
            .starts_with("error: the query is too long: it has "),
        "{}",
        refused.err
    );
}

#[test]
fn a_query_ends_at_its_bounds_and_leaves_no_spill_files() {
    let mut context = TestContext::with_empty_lake();
    std::fs::create_dir(context.path().join("tmp")).expect("made");
    let spill = context.path().join("tmp");
    context.set("TMPDIR", &spill.display().to_string());
    let left = || std::fs::read_dir(&spill).expect("folder").count();

    let endless = "SELECT count(*) FROM range(100000000) a, range(100000) b \
                   WHERE a.value * b.value % 7 = 9";
    let ended = context.run(&["sql", "--lake", "lake", "--timeout", "1s", endless]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("longer than 1 s"), "{}", ended.err);
    assert_eq!(left(), 0);

    let large = "SELECT sum(length(repeat('abcdefgh' || value, 1000000))) FROM range(8000)";
    let ended = context.run(&["sql", "--lake", "lake", "--memory", "256m", large]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.err.contains("more memory than 256 MiB"),
        "{}",
        ended.err
    );
    assert_eq!(left(), 0);

    #[cfg(unix)]
    {
        let mut child = context
            .command(&["sql", "--lake", "lake", endless])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        while left() == 0 {
            std::thread::sleep(Duration::from_millis(20));
        }
        let killed = std::process::Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status()
            .expect("kill");
        assert!(killed.success());
        assert_eq!(child.wait().expect("it ends").code(), Some(1));
        assert_eq!(left(), 0);
    }
}
