//! Tables that look at several applications together: a night touches what it has to, gives the same
//! as a lake made from nothing, and a group that fails is reported and tried again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::program::{Ended, load, load_command};
use super::stored::{assert_same, content, files, rows};
use super::world::{fixtures, folder};

/// The first digits of every time in [`log`].
const THEN: &str = "1795193";
/// The same, a day and two days later.
const LATER: [&str; 3] = [THEN, "1795280", "1795366"];

/// A log of the job of that name, so many days after the first.
fn log(logs: &Path, job: &str, day: usize) {
    let text = fs::read_to_string(fixtures().join("spark35/local-1795193760469")).expect("a log");
    let name = text
        .lines()
        .find_map(|line| line.split_once("\"App Name\":\"")?.1.split('"').next())
        .expect("a name");
    let text = text
        .replace(
            &format!("\"App Name\":\"{name}\""),
            &format!("\"App Name\":\"{job}\""),
        )
        .replace("local-1795193760469", &format!("local-{job}-{day}"))
        .replace(THEN, LATER[day]);
    fs::write(logs.join(format!("{job}-{day}")), text).expect("a log");
}

fn home(name: &str) -> (PathBuf, PathBuf) {
    let home = folder(name);
    let (logs, lake) = (home.join("logs"), home.join("lake"));
    fs::create_dir(&logs).expect("a folder");
    (logs, lake)
}

#[test]
fn a_new_run_of_a_job_touches_its_own_partition_and_gives_the_same_as_from_nothing() {
    let (logs, lake) = home("second_pass");
    for job in ["etl", "report"] {
        log(&logs, job, 0);
        log(&logs, job, 1);
    }
    load(&logs, &lake).assert_code(0);
    let first = files(&lake, "job_trends");
    assert_eq!(rows(&lake, "job_trends").len(), 4);

    log(&logs, "etl", 2);
    load(&logs, &lake).assert_code(0);
    let second = files(&lake, "job_trends");
    let new: Vec<&String> = second.difference(&first).collect();
    assert!(first.is_subset(&second), "{:?}", first.difference(&second));
    assert!(
        matches!(new.as_slice(), [file] if file.starts_with("app_date=")),
        "{new:?}"
    );
    let numbers: BTreeSet<(String, String, String)> = rows(&lake, "job_trends")
        .into_iter()
        .map(|row| {
            let column = |name: &str| row[name].clone();
            (
                column("job_key"),
                column("run_number"),
                column("baseline_runs"),
            )
        })
        .collect();
    let expected = [
        ("etl", 1),
        ("etl", 2),
        ("etl", 3),
        ("report", 1),
        ("report", 2),
    ];
    let expected =
        expected.map(|(job, run)| (job.to_owned(), run.to_string(), (run - 1).to_string()));
    assert_eq!(numbers, BTreeSet::from(expected));

    let fresh = lake.with_file_name("fresh");
    load(&logs, &fresh).assert_code(0);
    assert_same(
        &content(&lake, &logs),
        &content(&fresh, &logs),
        "a run more",
    );
    // Nothing new: nothing is written.
    load(&logs, &lake).assert_code(0);
    assert_eq!(files(&lake, "job_trends"), second);
}

#[test]
fn an_older_run_that_comes_late_changes_the_rows_after_it() {
    let (logs, lake) = home("second_pass_late");
    log(&logs, "etl", 1);
    log(&logs, "etl", 2);
    load(&logs, &lake).assert_code(0);
    log(&logs, "etl", 0);
    load(&logs, &lake).assert_code(0);
    let fresh = lake.with_file_name("fresh");
    load(&logs, &fresh).assert_code(0);
    assert_same(
        &content(&lake, &logs),
        &content(&fresh, &logs),
        "a late run",
    );
}

/// The built-in table, failing for jobs with exactly two runs.
const FRAGILE: [&str; 2] = [
    "  reference_application_id,\n  CASE",
    "  CONCAT(reference_application_id, CAST(1 / (COUNT(*) OVER (PARTITION BY job_key) - 2) AS STRING)) \
     AS reference_application_id,\n  CASE",
];

fn load_with(logs: &Path, lake: &Path, rules: &Path) -> Ended {
    let mut command = load_command(logs, lake);
    command.arg("--rules-dir").arg(rules);
    command.output().expect("the program starts").into()
}

#[test]
fn a_job_that_fails_is_noted_and_judged_again_by_every_run_until_it_succeeds() {
    let (logs, lake) = home("second_pass_fails");
    log(&logs, "etl", 0);
    log(&logs, "report", 0);
    log(&logs, "report", 1);
    let rules = logs.with_file_name("rules");
    fs::create_dir_all(rules.join("tables")).expect("a folder");
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/tables/job_trends.sql");
    let built_in = fs::read_to_string(built_in).expect("a file");
    assert!(built_in.contains(FRAGILE[0]));
    let fragile = built_in.replace(FRAGILE[0], FRAGILE[1]);
    fs::write(rules.join("tables/job_trends.sql"), fragile).expect("a file");

    for night in 0..2 {
        let run = load_with(&logs, &lake, &rules);
        run.assert_code(3);
        let failures = rows(&lake, "analysis_failures");
        assert_eq!(failures.len(), 1, "night {night}: {failures:?}");
        assert_eq!(failures[0]["step"], "job_trends");
        assert!(failures[0]["error"].starts_with("report: "), "{failures:?}");
        let trends = rows(&lake, "job_trends");
        assert_eq!(trends.len(), 1, "night {night}: {trends:?}");
        assert_eq!(trends[0]["job_key"], "etl");
        // The other tables have everybody.
        assert_eq!(rows(&lake, "ineffjobagg").len(), 3);
    }
    // A third run cures it.
    log(&logs, "report", 2);
    load_with(&logs, &lake, &rules).assert_code(0);
    assert_eq!(rows(&lake, "analysis_failures").len(), 0);
    assert_eq!(rows(&lake, "job_trends").len(), 4);
}
