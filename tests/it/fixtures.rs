//! What the fixtures are made to show is in the lake.

use std::collections::BTreeSet;
use std::fs;

use super::stored::{Row, rows};
use super::world::{fixtures, world};

fn row_of<'r>(rows: &'r [Row], application: &str, key: &str, value: &str) -> &'r Row {
    let found = rows.iter().find(|row| {
        row.get("application_id")
            .is_some_and(|id| id == application)
            && row.get(key).is_some_and(|found| found == value)
    });
    found.unwrap_or_else(|| panic!("{application} has no row with {key} {value}"))
}

#[test]
fn every_scenario_is_in_the_lake() {
    let names: BTreeSet<String> = rows(&world().fresh, "applications")
        .into_iter()
        .filter_map(|mut row| {
            Some((
                row.remove("spark_version")?,
                row.remove("application_name")?,
            ))
        })
        .map(|(version, name)| format!("{name} {version}"))
        .collect();
    for folder in ["spark35", "spark4", "spark43"] {
        let index =
            fs::read_to_string(fixtures().join(folder).join("index.tsv")).expect("an index");
        for line in index.lines().skip(1) {
            let mut fields = line.split('\t');
            let (scenario, version) = (fields.next(), fields.next());
            let name = format!(
                "{} {}",
                scenario.expect("a name"),
                version.expect("a version")
            );
            assert!(
                names.contains(&name),
                "{name} of {folder} is not in the lake"
            );
        }
    }
}

/// The query was stopped while its job was submitted: the job started after the execution's end.
#[test]
fn a_job_that_starts_after_the_end_of_its_execution_belongs_to_it() {
    let executions = rows(&world().fresh, "sql");
    let interrupted = row_of(&executions, "local-1795263260514", "sql_id", "16");
    assert_eq!(interrupted["failed_job_ids"], "[8]");
    assert_eq!(interrupted["job_ids"], "[8]");
    assert_eq!(interrupted["status"], "FAILED");
}

#[test]
fn an_unpersisted_rdd_takes_no_disk() {
    let executors = rows(&world().fresh, "executors");
    let driver = row_of(&executors, "local-1795262410794", "executor_id", "driver");
    assert_eq!(
        (driver["disk_used"].as_str(), driver["rdd_blocks"].as_str()),
        ("0", "8")
    );
}
