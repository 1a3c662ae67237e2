//! The second pass: which tables are made in it, in which order, and what a fault takes down.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;

use serde_json::json;

use super::lake::{TestLake, built_in, stamp};
use crate::analyze::{
    AcrossJudge, AcrossTable, Catalog, GroupUnit, JudgedGroups, group_units, groups_gone, survey,
};
use crate::model::ApplicationKey;

/// Tables that stand in for real ones, whose contracts they have to keep.
fn catalog_with(tables: &[(&str, &str)]) -> Catalog {
    let folder = tempfile::tempdir().expect("folder");
    let mine = folder.path().join("tables");
    fs::create_dir_all(&mine).expect("folder");
    for (name, text) in tables {
        fs::write(mine.join(format!("{name}.sql")), text).expect("file");
    }
    Catalog::with_folder(folder.path()).expect("valid files")
}

/// The built-in file of a table with another text in place of one.
fn built_in_with(table: &str, from: &str, to: &str) -> String {
    let table = built_in().tables().find(|known| known.id == table);
    let text = &table.expect("there").query.sql;
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

fn refused(catalog: &Catalog) -> String {
    catalog
        .across_applications()
        .expect_err("refused")
        .to_string()
}

#[test]
fn a_table_over_several_applications_is_not_part_of_the_first_pass() {
    let across = built_in().across_applications().expect("valid");
    let across: Vec<Vec<&str>> = across
        .iter()
        .map(|round| round.iter().map(AcrossTable::id).collect())
        .collect();
    let round_of = |id| across.iter().position(|round| round.contains(&id));
    assert!(
        round_of("job_trends").is_some() && round_of("job_trends") < round_of("recommendations")
    );
    let across: BTreeSet<&str> = across.concat().into_iter().collect();
    let first = built_in().per_application();
    let first: BTreeSet<&str> = first.tables().map(|table| table.id.as_str()).collect();
    assert!(first.contains("findings") && first.is_disjoint(&across));
}

#[test]
fn what_is_made_first_cannot_read_what_is_made_later() {
    let agg = built_in_with(
        "ineffjobagg",
        "-- reads: application_costs, applications, findings, ineffjobraw\n",
        "",
    );
    let agg = agg.replace(
        "FROM applications AS a",
        "FROM applications AS a LEFT JOIN job_trends AS j ON j.job_key = a.job_key",
    );
    let catalog = catalog_with(&[("ineffjobagg", &agg)]);
    assert!(
        refused(&catalog).contains("reads `job_trends`, which looks at several and is made later")
    );
}

#[test]
fn a_scope_names_columns_that_say_who_belongs_together() {
    let strange = built_in_with("job_trends", "-- scope: job_key", "-- scope: run_number");
    assert!(
        refused(&catalog_with(&[("job_trends", &strange)]))
            .contains("no table that it reads has all columns of its scope: run_number")
    );
    let folder = tempfile::tempdir().expect("folder");
    fs::create_dir_all(folder.path().join("tables")).expect("folder");
    let wrong = built_in_with("job_trends", "-- scope: job_key", "-- scope: jobkey");
    fs::write(folder.path().join("tables/job_trends.sql"), wrong).expect("file");
    let error = Catalog::with_folder(folder.path())
        .expect_err("refused")
        .to_string();
    assert!(
        error.ends_with(
            "the scope names `jobkey`, which is no column of `job_trends`; did you mean `job_key`?"
        ),
        "{error}"
    );
}

/// Jobs with so many runs each.
fn lake(jobs: &[(&str, usize)]) -> TestLake {
    let mut lake = TestLake::default();
    for (job, runs) in jobs {
        for run in 0..*runs {
            lake.application(
                &format!("{job}-{run}"),
                json!({"job_key": job, "observed_duration_ms": 1_000, "num_jobs": run}),
            );
        }
    }
    lake.ensure("application_costs")
        .ensure("ineffjobagg")
        .ensure("application_profiles")
        .ensure("job_trends");
    lake
}

fn table(catalog: &Catalog) -> AcrossTable {
    let mut tables = catalog.across_applications().expect("valid").concat();
    tables.retain(|table| table.id() == "job_trends");
    tables.remove(0)
}

async fn judged(catalog: &Catalog, lake: &TestLake) -> (JudgedGroups, Option<String>) {
    let (ctx, table, stamp) = (lake.context(), table(catalog), stamp());
    let survey = survey(&ctx, &table, &BTreeSet::new())
        .await
        .expect("a survey");
    let all: HashSet<u64> = survey.fingerprints.keys().copied().collect();
    let units = group_units(&ctx, &table, &all).await.expect("units");
    assert_eq!(units.len(), 1);
    let mut judge = AcrossJudge::new(&table, &ctx, &stamp);
    let unit = units.into_iter().next().expect("one");
    let judged = judge.judge(unit).await.expect("runs");
    (
        judged,
        judge.take_problem().map(|problem| problem.to_string()),
    )
}

#[tokio::test]
async fn a_group_that_fails_fails_alone_and_is_noted() {
    // Divides by zero where a job has exactly three runs.
    let fragile = built_in_with(
        "job_trends",
        "  job_key, application_name, start_time, run_number, is_comparable,",
        "  job_key, application_name, start_time, is_comparable,
          CAST(CONCAT(CAST(run_number AS STRING),
            SUBSTR(CAST(1 / (3 - COUNT(*) OVER (PARTITION BY job_key)) AS STRING), 1, 0)) AS BIGINT) AS run_number,",
    );
    let catalog = catalog_with(&[("job_trends", &fragile)]);
    let lake = lake(&[("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)]);
    let (judged, problem) = judged(&catalog, &lake).await;
    assert_eq!(problem, None);
    let rows: usize = judged
        .rows
        .iter()
        .map(arrow::array::RecordBatch::num_rows)
        .sum();
    assert_eq!((rows, judged.failed.len()), (1 + 2 + 4 + 5, 1));
    let [failure] = judged.failures.as_slice() else {
        panic!("{:?}", judged.failures)
    };
    assert_eq!(failure.applications.len(), 1);
    assert_eq!(failure.applications[0].application_id, "c-0");
    let noted: usize = judged
        .failure_rows
        .iter()
        .map(arrow::array::RecordBatch::num_rows)
        .sum();
    assert_eq!(noted, 1);
}

#[tokio::test]
async fn a_wrong_file_is_a_problem_and_no_failure_of_anybody() {
    let wrong = built_in_with(
        "job_trends",
        "a.start_time, a.spark_version",
        "a.start_tmie, a.spark_version",
    );
    let catalog = catalog_with(&[("job_trends", &wrong)]);
    let (judged, problem) = judged(&catalog, &lake(&[("a", 1), ("b", 2)])).await;
    assert!(problem.is_some_and(|problem| problem.contains("start_tmie")));
    assert!(judged.rows.is_empty() && judged.failures.is_empty());
}

#[tokio::test]
async fn a_row_of_another_group_is_refused() {
    let strange = built_in_with(
        "job_trends",
        "  job_key, application_name, start_time, run_number,",
        "  'x' AS job_key, application_name, start_time, run_number,",
    );
    let catalog = catalog_with(&[("job_trends", &strange)]);
    let (judged, _) = judged(&catalog, &lake(&[("a", 1)])).await;
    assert!(
        judged.failures[0]
            .error
            .contains("a row has job_key x, which nothing that was read has")
    );
}

#[tokio::test]
async fn a_group_changes_with_its_members_and_their_batches_and_with_nothing_else() {
    let built_in = table(built_in());
    let fingerprints = async |lake: &TestLake| -> HashMap<u64, u64> {
        let survey = survey(&lake.context(), &built_in, &BTreeSet::new()).await;
        survey.expect("a survey").fingerprints
    };
    let before = fingerprints(&lake(&[("a", 2), ("b", 2)])).await;
    let mut other_order = lake(&[("b", 2), ("a", 2)]);
    assert_eq!(before, fingerprints(&other_order).await);
    // Another run of b, and a run of a job that has none so far.
    other_order.application("b-2", json!({"job_key": "b"}));
    other_order.application("c-0", json!({"job_key": null}));
    let after = fingerprints(&other_order).await;
    let same = after
        .iter()
        .filter(|(group, made_of)| before.get(group) == Some(made_of));
    assert_eq!((after.len(), same.count()), (3, 1));
    // Loaded again.
    let mut reloaded = lake(&[("a", 2), ("b", 1)]);
    reloaded.application("b-1", json!({"job_key": "b", "batch_id": "2"}));
    let after = fingerprints(&reloaded).await;
    let same = after
        .iter()
        .filter(|(group, made_of)| before.get(group) == Some(made_of));
    assert_eq!((after.len(), same.count()), (2, 1));
}

#[tokio::test]
async fn groups_are_asked_for_by_their_applications_and_missed_when_they_are_gone() {
    let built_in = table(built_in());
    let mut lake = lake(&[("a", 2), ("b", 2)]);
    lake.row("job_trends", "z-0", json!({"job_key": "z"}));
    lake.row("job_trends", "a-0", json!({"job_key": "a"}));
    let ctx = lake.context();
    let wanted = ApplicationKey {
        platform: "event_log".to_owned(),
        cluster_id: "c-1".to_owned(),
        application_id: "b-1".to_owned(),
        attempt_id: "0".to_owned(),
    };
    let survey = survey(&ctx, &built_in, &BTreeSet::from([wanted]))
        .await
        .expect("a survey");
    let units = group_units(&ctx, &built_in, &survey.wanted)
        .await
        .expect("units");
    let names = |units: &[GroupUnit]| -> Vec<(String, usize)> {
        let groups = units.iter().flat_map(|unit| &unit.groups);
        groups
            .map(|(group, members)| (group[0].clone().unwrap_or_default(), members.len()))
            .collect()
    };
    assert_eq!(names(&units), [("b".to_owned(), 2)]);
    let gone = groups_gone(&ctx, &built_in, &survey.fingerprints)
        .await
        .expect("units");
    assert_eq!(names(&gone), [("z".to_owned(), 0)]);
    // What the table holds of a group that is gone has to leave it.
    let stamp = stamp();
    let judge = AcrossJudge::new(&built_in, &ctx, &stamp);
    let difference = judge
        .difference(gone[0].scope(built_in.columns()), &[])
        .await
        .expect("reads");
    assert_eq!((difference.added.num_rows(), difference.gone.len()), (0, 1));
    assert!(
        difference
            .gone
            .iter()
            .flatten()
            .any(|value| value.as_deref() == Some("z-0"))
    );
    assert_eq!(difference.dates.len(), 1);
}
