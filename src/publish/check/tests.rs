//! Checks of measures that are given.

use serde_json::Value;

use super::against::{Earlier, Known};
use super::*;

fn limit(metric: &'static str, max: f64) -> Limit {
    Limit {
        key: format!("limits.{metric}"),
        metric,
        max,
        line: 3,
    }
}

fn measure(metric: &str, unit: &str, value: Option<f64>) -> Measure {
    Measure {
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        value,
        at_least: None,
        detail: None,
        not_known: None,
    }
}

fn run() -> Run {
    serde_json::from_str(
        "{\"platform\": \"event_log\", \"cluster_id\": \"c\", \"cluster_name\": \"c\", \
         \"application_id\": \"app-1\", \"attempt_id\": \"0\", \
         \"application_name\": \"<Nightly> & \\\"sons\\\"\", \"job_key\": \"nightly\", \"start_time\": null}",
    )
    .expect("a run")
}

fn checked(lines: Vec<(Outcome, Check)>) -> Checked {
    let mut checked = Checked {
        budget: "ci/bud get.toml".to_owned(),
        name: "nightly".to_owned(),
        application: run(),
        passed: true,
        violations: Vec::new(),
        not_checked: Vec::new(),
        within: Vec::new(),
    };
    for line in lines {
        checked.note(line);
    }
    checked.passed = checked.violations.is_empty();
    checked
}

fn example() -> Checked {
    let mut slow = measure("duration_ms", "ms", Some(90_000.0));
    slow.detail = Some("it was <slow>".to_owned());
    let mut unpriced = measure("cost_usd", "usd", None);
    unpriced.not_known = Some("no price is known".to_owned());
    checked(vec![
        against_limit(&limit("duration_ms", 60_000.0), &slow),
        against_limit(&limit("cost_usd", 1.0), &unpriced),
        against_limit(
            &limit("gc_ratio", 0.1),
            &measure("gc_ratio", "ratio", Some(0.1)),
        ),
    ])
}

#[test]
fn a_measure_at_its_limit_is_within_and_one_above_is_not() {
    let checked = example();
    assert!(!checked.passed);
    assert_eq!(
        checked.to_text(),
        "app-1 (<Nightly> & \"sons\") exceeds the budget nightly in 1 of 3 points\n\n              \
         limit\n EXCEEDED     limits.duration_ms  the duration is 90.0 s (it was <slow>); at most 60.0 s is allowed\n \
         not checked  limits.cost_usd     the cost is not known: no price is known\n ok           limits.gc_ratio     \
         the share of garbage collection is 10 %; at most 10 % is allowed\n"
    );
}

#[test]
fn what_a_history_without_an_end_shows_already_can_exceed_a_limit() {
    let mut unfinished = measure("duration_ms", "ms", None);
    unfinished.at_least = Some(61_000.0);
    unfinished.not_known = Some("the history has no end".to_owned());
    let (outcome, check) = against_limit(&limit("duration_ms", 60_000.0), &unfinished);
    assert!(matches!(outcome, Outcome::Violated));
    assert_eq!(
        check.message,
        "the duration is 61.0 s already; at most 60.0 s is allowed"
    );
    let (outcome, check) = against_limit(&limit("duration_ms", 62_000.0), &unfinished);
    assert!(
        matches!(outcome, Outcome::NotChecked),
        "it may take longer yet"
    );
    assert_eq!(
        check.message,
        "the duration is not known: the history has no end"
    );
}

#[test]
fn a_baseline_counts_where_enough_runs_know_it() {
    let known = |num_runs, value| Known {
        name: "the median of earlier runs".to_owned(),
        min_runs: 3,
        measures: Ok(vec![Earlier {
            metric: "duration_ms".to_owned(),
            value,
            num_runs,
            num_named: 0,
        }]),
    };
    let limit = limit("duration_ms", 20.0);
    let slow = measure("duration_ms", "ms", Some(130_000.0));
    let (outcome, check) = against_baseline(&limit, &slow, &known(3, Some(100_000.0)));
    assert!(matches!(outcome, Outcome::Violated));
    assert_eq!(
        check.message,
        "the duration is 2 min 10 s, +30 % against the median of earlier runs (1 min 40 s); at most +20 % is allowed"
    );
    assert_eq!(check.limit, Some(120_000.0));
    let (outcome, check) = against_baseline(&limit, &slow, &known(2, Some(100_000.0)));
    assert!(matches!(outcome, Outcome::NotChecked));
    assert_eq!(
        check.message,
        "the duration is not compared: 2 earlier runs know it, and 3 are needed"
    );
    let nothing = Known {
        measures: Err("no lake with earlier runs was given (--lake)".to_owned()),
        ..known(0, None)
    };
    let (outcome, _) = against_baseline(&limit, &slow, &nothing);
    assert!(matches!(outcome, Outcome::NotChecked));
}

#[test]
fn junit_counts_its_cases_and_keeps_names_in_their_attributes() {
    let xml = example().to_junit();
    assert!(
        xml.contains("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""),
        "{xml}"
    );
    assert_eq!(xml.matches("<testcase ").count(), 3);
    assert_eq!(xml.matches("<failure ").count(), 1);
    assert_eq!(xml.matches("<skipped ").count(), 1);
    assert!(
        xml.contains("classname=\"&lt;Nightly&gt; &amp; &quot;sons&quot;\""),
        "{xml}"
    );
    assert!(
        xml.contains("ci/bud get.toml:3: the duration is 90.0 s (it was &lt;slow&gt;)"),
        "{xml}"
    );
}

#[test]
fn sarif_points_at_the_line_of_the_budget() {
    let sarif = example().to_sarif();
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    let told: Vec<(&Value, &Value, &Value)> = results
        .iter()
        .map(|result| (&result["ruleId"], &result["kind"], &result["level"]))
        .collect();
    assert_eq!(
        format!("{told:?}"),
        "[(String(\"limits.duration_ms\"), String(\"fail\"), String(\"error\")), \
         (String(\"limits.cost_usd\"), String(\"open\"), String(\"none\"))]"
    );
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "ci/bud%20get.toml");
    assert_eq!(place["region"]["startLine"], 3);
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .expect("rules");
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
}
