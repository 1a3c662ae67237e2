//! Whole runs: what is restricted, what a fault takes down, and that the result is always the same.

use std::collections::BTreeMap;
use std::fs;

use serde_json::json;

use super::lake::{APP, TestLake, assert_columns, built_in, stamp};
use crate::analyze::{
    ANALYSIS_FAILURES, AnalyzeError, Catalog, Judge, Judged, Scope, UnitLimits, run, subjects,
    units,
};
use crate::ask::{AskLake, AskOptions, QueryLimits};
use crate::model::ApplicationKey;
use crate::schema;

/// Two applications with the same id in two clusters, and a third one; each spills.
fn three_applications() -> TestLake {
    let mut lake = TestLake::default();
    for (app, cluster) in [(APP, "c-1"), (APP, "c-2"), ("app-3", "c-1")] {
        lake.application(app, json!({"cluster_id": cluster}));
        lake.stage_of(
            app,
            1,
            json!({
                "cluster_id": cluster, "jvm_gc_time": 500_000, "executor_run_time": 1_000_000,
                "memory_bytes_spilled": 1, "duration_ms": 10,
            }),
            json!({}),
        );
    }
    lake
}

fn key(
    app: &str,
    cluster: &str,
    app_date: Option<chrono::NaiveDate>,
) -> (ApplicationKey, Option<chrono::NaiveDate>) {
    let key = ApplicationKey {
        platform: "event_log".to_owned(),
        cluster_id: cluster.to_owned(),
        application_id: app.to_owned(),
        attempt_id: "0".to_owned(),
    };
    (key, app_date)
}

#[tokio::test]
async fn a_run_over_some_applications_sees_only_these() {
    let lake = three_applications().context();
    let date = chrono::NaiveDate::from_ymd_opt(2026, 1, 2);
    for date in [None, date] {
        let scope = Scope::Applications(BTreeMap::from([key(APP, "c-2", date)]));
        let analysis = run(&built_in().per_application(), &lake, &scope, &stamp())
            .await
            .expect("runs");
        assert!(analysis.problems.is_empty(), "{:?}", analysis.problems);
        for derived in &analysis.tables {
            // Costs are told of each way to run the work; without tasks nothing can be simulated.
            let ways = derived.rows.num_rows();
            let any_number = ["application_costs", "simulations"];
            assert!(
                ways == 1 || any_number.contains(&derived.table.as_str()),
                "{}",
                derived.table
            );
            let clusters = derived.rows.column_by_name("cluster_id").expect("key");
            let clusters = clusters
                .as_any()
                .downcast_ref::<arrow::array::StringArray>();
            let clusters = clusters.expect("text");
            assert!(
                clusters.iter().all(|cluster| cluster == Some("c-2")),
                "{}",
                derived.table
            );
        }
    }
}

#[tokio::test]
async fn a_run_over_no_application_gives_no_row() {
    let lake = three_applications().context();
    let scope = Scope::Applications(BTreeMap::new());
    let analysis = run(built_in(), &lake, &scope, &stamp())
        .await
        .expect("runs");
    assert!(analysis.problems.is_empty(), "{:?}", analysis.problems);
    assert!(
        analysis
            .tables
            .iter()
            .all(|derived| derived.rows.num_rows() == 0)
    );
}

#[tokio::test]
async fn the_same_facts_give_the_same_rows_in_the_schema_of_the_contracts() {
    let lake = three_applications();
    let first = run(built_in(), &lake.context(), &Scope::All, &stamp())
        .await
        .expect("runs");
    let second = run(built_in(), &lake.context(), &Scope::All, &stamp())
        .await
        .expect("runs");
    assert_eq!(first.tables.len(), built_in().table_ids().len());
    for (one, other) in first.tables.iter().zip(&second.tables) {
        let contract = schema::table(&one.table).expect("contract");
        assert_eq!(one.rows.schema(), contract.arrow_schema());
        // Three runs of three jobs ask for no change that lasts, and without tasks nothing can be
        // simulated.
        let may_be_empty = ["recommendations", "simulations", "simulation_backtests"];
        let may_be_empty = may_be_empty.contains(&one.table.as_str());
        assert!(may_be_empty || one.rows.num_rows() > 0, "{}", one.table);
        assert_eq!(one.rows, other.rows, "{}", one.table);
    }
}

#[tokio::test]
async fn an_empty_lake_gives_empty_tables() {
    let analysis = TestLake::default().analyse_with(built_in()).await.0;
    assert_eq!(analysis.tables.len(), built_in().table_ids().len());
    assert!(
        analysis
            .tables
            .iter()
            .all(|derived| derived.rows.num_rows() == 0)
    );
}

const BROKEN: &str = "\
-- id: broken
-- title: Broken
-- category: mine
-- severity: low
-- version: 1
-- description: Divides by zero.
-- recommendation: None.
SELECT platform, cluster_id, application_id, attempt_id, 'application' AS subject_type,
  application_id AS subject_id, CAST(1 / (duration_ms - duration_ms) AS STRING) AS evidence
FROM applications
";

const SHORT: &str = "\
-- id: short
-- title: The application was there
-- category: mine
-- severity: info
-- version: 3
-- description: Always fires, and leaves all that has a default to it.
-- recommendation: Nothing to do.
-- config_key: spark.app.name
SELECT platform, cluster_id, application_id, attempt_id, 'application' AS subject_type,
  application_id AS subject_id, 'It ran.' AS evidence
FROM applications
";

fn catalog_with(rules: &[(&str, &str)]) -> Catalog {
    let folder = tempfile::tempdir().expect("folder");
    let mine = folder.path().join("rules/mine");
    fs::create_dir_all(&mine).expect("folder");
    for (name, text) in rules {
        fs::write(mine.join(name), text).expect("file");
    }
    Catalog::with_folder(folder.path()).expect("valid files")
}

#[tokio::test]
async fn a_rule_that_fails_takes_nothing_else_down() {
    let no_table = SHORT
        .replace("short", "lost")
        .replace("FROM applications", "FROM aplications");
    let catalog = catalog_with(&[
        ("broken.sql", BROKEN),
        ("short.sql", SHORT),
        ("lost.sql", &no_table),
    ]);
    let lake = TestLake::with_application();
    let analysis = run(&catalog, &lake.context(), &Scope::All, &stamp())
        .await
        .expect("runs");
    let mut problems: Vec<String> = analysis.problems.iter().map(ToString::to_string).collect();
    problems.sort();
    let [broken, lost_table, not_run] = problems.as_slice() else {
        panic!("{problems:?}")
    };
    assert!(broken.contains("broken.sql: the query failed: ") && broken.contains("ivide by zero"));
    assert!(
        not_run.contains("lost.sql: not run, because `aplications`")
            || lost_table.contains("lost.sql: not run")
    );
    assert!(
        problems
            .iter()
            .any(|text| text.contains("did you mean `applications`?")),
        "{problems:?}"
    );
    assert_eq!(analysis.tables.len(), catalog.table_ids().len());
}

#[tokio::test]
async fn a_short_rule_takes_the_defaults_of_its_header() {
    let catalog = catalog_with(&[("short.sql", SHORT)]);
    let catalog = catalog.select(&["short", "findings"]).expect("known");
    let finding = TestLake::with_application()
        .analyse_with(&catalog)
        .await
        .row("findings");
    assert_columns(
        &finding,
        json!({
            "rule_id": "short", "rule_version": 3, "category": "mine", "severity": "info",
            "confidence": "medium", "title": "The application was there", "evidence": "It ran.",
            "recommendation": "Nothing to do.", "config_key": "spark.app.name", "lost_core_ms": null,
            "cluster_name": "cluster", "job_key": "nightly", "batch_id": "9",
        }),
    );
}

#[tokio::test]
async fn a_rule_with_a_wrong_answer_says_what_is_wrong() {
    let evidence = "'It ran.' AS evidence";
    let cases = [
        (
            SHORT.replace(evidence, "'It ran.' AS evidence, 1 AS lost_core_mz"),
            "a finding has no column `lost_core_mz`; did you mean `lost_core_ms`?",
        ),
        (
            SHORT.replace(evidence, "'It ran.' AS evidence, 'hihg' AS severity"),
            "`severity` cannot be `hihg`; did you mean `high`?",
        ),
        (
            SHORT.replace(evidence, "'' AS note"),
            "the rule has no evidence; add a line `-- evidence: …` to its header",
        ),
        (
            SHORT.replace(evidence, "CAST(NULL AS STRING) AS evidence"),
            "1 rows have no `evidence`; the column may not be NULL: give it a value or leave these \
             rows out",
        ),
        (
            SHORT.replace(
                "FROM applications",
                "FROM applications UNION ALL SELECT platform, \
                cluster_id, application_id, attempt_id, 'application', application_id AS subject_id, 'Again.' \
                FROM applications",
            ),
            "1 of 2 rows have the same platform, cluster_id, application_id, attempt_id, \
             subject_type, subject_id; look for a join that multiplies rows, or add a GROUP BY",
        ),
    ];
    let lake = TestLake::with_application().context();
    for (rule, message) in cases {
        let catalog = catalog_with(&[("short.sql", &rule)])
            .select(&["short"])
            .expect("known");
        let analysis = run(&catalog, &lake, &Scope::All, &stamp())
            .await
            .expect("runs");
        let problem = analysis.problems.first().expect("a problem").to_string();
        assert!(problem.ends_with(message), "{problem}");
    }
}

#[tokio::test]
async fn every_example_question_can_be_asked() {
    let options = AskOptions {
        views: Box::new(|| Ok(built_in().shared_views()?)),
        ..AskOptions::default()
    };
    let ask = AskLake::empty(options).expect("an engine");
    assert!(built_in().questions().count() >= 25);
    for question in built_in().questions() {
        assert!(question.question.ends_with('?'), "{}", question.id);
        ask.query(
            &question.query.standalone_sql(),
            &[],
            &QueryLimits::default(),
        )
        .await
        .expect(&question.id);
    }
}

/// A rule that overflows on the data of one application.
const FRAGILE: &str = "\
-- id: fragile
-- title: Fragile
-- category: mine
-- severity: low
-- version: 1
-- description: Adds up what cannot be added up.
-- evidence: It lost {lost:int}.
-- recommendation: None.
SELECT platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  CAST(CAST(num_jobs AS DOUBLE) * 1e19 AS BIGINT) AS lost
FROM applications
";

async fn judged(catalog: &Catalog, lake: &TestLake) -> (Vec<Judged>, Vec<AnalyzeError>) {
    let (ctx, stamp) = (lake.context(), stamp());
    let subjects = subjects(&ctx, None).await.expect("subjects");
    let mut judge = Judge::new(catalog, &ctx, &stamp);
    let mut all = Vec::new();
    for unit in units(subjects, UnitLimits::default()) {
        all.extend(judge.judge(unit).await.expect("runs"));
    }
    (all, judge.into_problems())
}

#[tokio::test]
async fn an_application_that_fails_a_rule_fails_alone_and_is_noted() {
    let mut lake = TestLake::default();
    for (app, jobs) in [("a", 0), ("b", 0), ("c", 1), ("d", 0), ("e", 0)] {
        lake.application(app, json!({"num_jobs": jobs}));
    }
    let catalog = catalog_with(&[("fragile.sql", FRAGILE)]);
    let catalog = catalog.select(&["fragile", "findings"]).expect("known");
    let (judged, problems) = judged(&catalog, &lake).await;
    assert!(problems.is_empty(), "{problems:?}");
    let rows = |table: &str| -> usize { judged.iter().map(|part| part.rows_of(table)).sum() };
    assert_eq!((rows("findings"), rows(ANALYSIS_FAILURES)), (4, 1));
    // The one that fails stands alone, and all others are judged together.
    assert_eq!(judged.len(), 2);
    let failures: Vec<_> = judged.iter().flat_map(|part| &part.failures).collect();
    let [failure] = failures.as_slice() else {
        panic!("{failures:?}")
    };
    assert!(failure.file.ends_with("fragile.sql"), "{failure:?}");
    let failed: Vec<&str> = failure
        .applications
        .iter()
        .map(|key| key.application_id.as_str())
        .collect();
    assert_eq!(failed, ["c"]);
}

#[tokio::test]
async fn a_wrong_file_is_one_problem_and_splits_nothing() {
    let mut lake = TestLake::default();
    for app in ["a", "b", "c"] {
        lake.application(app, json!({}));
    }
    let wrong = FRAGILE.replace("num_jobs", "num_jbos");
    let catalog = catalog_with(&[("fragile.sql", &wrong)]);
    let catalog = catalog.select(&["fragile", "findings"]).expect("known");
    let (judged, problems) = judged(&catalog, &lake).await;
    assert_eq!((judged.len(), problems.len()), (1, 1), "{problems:?}");
    assert!(judged.iter().all(|part| part.failures.is_empty()));
}

#[tokio::test]
async fn a_rule_that_fails_for_everybody_costs_a_bounded_number_of_runs() {
    let mut lake = TestLake::default();
    for app in 0..64 {
        lake.application(&format!("app-{app:02}"), json!({"num_jobs": 1}));
    }
    let catalog = catalog_with(&[("fragile.sql", FRAGILE)]);
    let catalog = catalog
        .select(&["fragile", "findings"])
        .expect("known")
        .without_tables(&["application_costs"]);
    let (judged, _) = judged(&catalog, &lake).await;
    assert!(judged.len() < 20, "{} parts", judged.len());
    let noted: usize = judged
        .iter()
        .map(|part| part.rows_of(ANALYSIS_FAILURES))
        .sum();
    assert_eq!(noted, 64);
}

#[tokio::test]
async fn the_rows_do_not_depend_on_the_number_of_threads() {
    let mut lake = TestLake::default();
    lake.application(APP, json!({}));
    // Times that have no exact sum as doubles, in many stages of many operators.
    let names = [
        "Sort",
        "Project",
        "HashAggregate",
        "BatchEvalPython",
        "Generate",
    ];
    for stage in 0..60_i64 {
        lake.stage(
            stage,
            json!({"sql_id": stage / 20, "executor_run_time": 1_000_003 + 7 * stage, "jvm_gc_time": stage}),
            json!({}),
        );
        for node in 0..9_i64 {
            lake.add(
                "sql_nodes",
                json!({
                    "sql_id": stage / 20, "node_id": 9 * stage + node,
                    "node_name": names[usize::try_from(node).expect("small") % 5],
                    "stage_ids": [stage], "time_ms": 1 + 13 * node,
                }),
            );
        }
    }
    let mut answers = Vec::new();
    for partitions in [1, 2, 7] {
        let analysis = run(
            built_in(),
            &lake.context_with(partitions),
            &Scope::All,
            &stamp(),
        )
        .await
        .expect("runs");
        assert!(analysis.problems.is_empty(), "{:?}", analysis.problems);
        answers.push(analysis.tables);
    }
    for other in &answers[1..] {
        for (left, right) in answers[0].iter().zip(other) {
            assert_eq!(left.rows, right.rows, "{}", left.table);
        }
    }
    let photon = answers[0]
        .iter()
        .find(|rows| rows.table == "photon_operators");
    assert!(photon.is_some_and(|rows| rows.rows.num_rows() >= 5));
}
