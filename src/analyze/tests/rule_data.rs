//! Every rule against the data file beside it. A rule without one, or without a case that fires and one
//! that is silent, fails here.

use super::lake::built_in;
use crate::analyze::{Catalog, test_rules};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_finds_what_its_data_file_expects() {
    let tests = test_rules(built_in(), None, &[]).await.expect("data files");
    assert_eq!(tests.len(), built_in().rules().count());
    let untested: Vec<_> = tests.iter().filter(|test| test.cases == 0).collect();
    assert!(untested.is_empty(), "{untested:#?}");
    let failed: Vec<_> = tests
        .iter()
        .filter(|test| !test.failures.is_empty())
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Tests a rule of a folder that holds a rule with this SQL and this data file.
async fn tested(name: &str, rule: &str, data: &str) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().expect("folder");
    let category = folder.path().join("rules/own");
    std::fs::create_dir_all(&category).expect("folder");
    std::fs::write(category.join("long_stages.sql"), rule).expect("written");
    std::fs::write(category.join(format!("{name}.test.toml")), data).expect("written");
    let catalog = Catalog::with_folder(folder.path()).expect("a rule");
    let ids = ["long_stages".to_owned()];
    let tests = test_rules(&catalog, Some(folder.path()), &ids).await;
    let tests = tests.map_err(|error| error.to_string())?;
    let failures = tests.into_iter().flat_map(|test| test.failures);
    Ok(failures
        .map(|failure| format!("{}: {}", failure.case.unwrap_or_default(), failure.problem))
        .collect())
}

const RULE: &str = "\
-- id: long_stages
-- title: Stages that take very long
-- category: own
-- severity: low
-- version: 1
-- description: Stage attempts that took longer than the threshold, whatever they did.
-- subject: stage
-- parameter: min_ms bigint = 3600000 [ms] shortest stage that counts
-- evidence: {stage_name} ran {duration_ms:s}.
-- recommendation: Look at the other findings of the stage.
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id, duration_ms AS recoverable_ms,
  stage_name, duration_ms
FROM stage_facts
WHERE duration_ms >= $min_ms
";

const SILENT: &str = "
[[case]]
name = \"a short one\"
stage_facts = [{ subject_id = \"1.0\", duration_ms = 1_000 }]
expect = []
";

fn firing(facts: &str, expected: &str) -> String {
    format!(
        "[[case]]\nname = \"a long one\"\n\
         stage_facts = [{{ subject_id = \"1.0\", stage_name = \"s\", {facts} }}]\n\
         expect = [{{ {expected} }}]\n{SILENT}"
    )
}

#[tokio::test]
async fn a_case_fails_with_the_column_that_differs() {
    let right = firing("duration_ms = 3_600_000", "recoverable_ms = 3_600_000");
    assert_eq!(tested("long_stages", RULE, &right).await, Ok(vec![]));

    let wrong = firing("duration_ms = 3_600_000", "recoverable_ms = 1");
    assert_eq!(
        tested("long_stages", RULE, &wrong).await,
        Ok(vec![
            "a long one: recoverable_ms is 3600000, not 1".to_owned()
        ])
    );

    let silent = firing("duration_ms = 7_000", "recoverable_ms = 1");
    assert_eq!(
        tested("long_stages", RULE, &silent).await,
        Ok(vec!["a long one: 1 finding expected, 0 found".to_owned()])
    );
}

#[tokio::test]
async fn faults_of_a_data_file_name_what_is_wrong() {
    let one = |problem: &str| Ok(vec![format!(": {problem}")]);
    let unknown = firing("duratoin_ms = 1", "recoverable_ms = 1");
    assert_eq!(
        tested("long_stages", RULE, &unknown).await,
        one(
            "case `a long one`: `stage_facts` has no column `duratoin_ms`; did you mean `duration_ms`?"
        )
    );
    assert_eq!(
        tested("long_stages", RULE, SILENT).await,
        one("add a case in which the rule fires")
    );
    let twice = format!("{SILENT}{SILENT}");
    assert_eq!(
        tested("long_stages", RULE, &twice).await,
        one("two cases are named `a short one`; rename one")
    );
    let toml = tested("long_stages", RULE, "[[case]]\nname = 3").await;
    assert!(toml.unwrap_or_default()[0].contains("line 2"));
    let text = firing("duration_ms = \"long\"", "recoverable_ms = 1");
    let text = tested("long_stages", RULE, &text).await.unwrap_or_default();
    assert!(text[0].starts_with(": stage_facts: "), "{text:?}");
    assert!(text[0].contains("duration_ms"), "{text:?}");

    let stranger = tested("long_stage", RULE, SILENT)
        .await
        .expect_err("a misspelt file");
    assert!(
        stranger.ends_with("this file belongs to no rule; there is no rule `long_stage`; did you mean `long_stages`?"),
        "{stranger}"
    );
}
