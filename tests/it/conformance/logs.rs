//! Every log is in the lake or refused with a reason, and none keeps another from being loaded.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::lake::{Corpus, Row};
use super::rest::{number, text};

/// Logs (below their source's folder) that end without the application's end: cut off, written
/// while it ran, or edited so by NVIDIA.
const UNFINISHED: &[&str] = &[
    "application_1713000000000_0001_1.zstd",
    "cluster_information/eventlog_2nodes_8cores",
    "cluster_information/eventlog_3nodes_12cores_exec_removed",
    "cluster_information/eventlog_3nodes_12cores_variable_cores",
    "cluster_information/platform/dataproc",
    "cluster_information/platform/emr",
    "cluster_information/platform/onprem",
    "db_subExecution_id.zstd",
];

/// Logs of NVIDIA's that claim to be of one application attempt.
const CLAIMS_TO_ONE_ID: &[&[&str]] = &[
    &[
        "cluster_information/eventlog_3nodes_12cores_multiple_executors",
        "dataset_eventlog",
    ],
    &["db_sim_eventlog", "eventlog_v2_local-1623876083964"],
    &[
        "cluster_information/platform/databricks-aws",
        "cluster_information/platform/databricks-azure",
    ],
    &[
        "dsAndDf_eventlog.zstd",
        "eventlog_same_app_id_1.zstd",
        "eventlog_same_app_id_2.zstd",
        "truncated_eventlog",
    ],
    &["gpu_eventlog", "spark-events-profiling/dataset_eventlog"],
];

/// NVIDIA's folder of most logs; names below are relative to it, others to the folder above.
const QUALIFICATION: &str = "spark-events-qualification/";

#[test]
#[ignore = "needs the corpus: SPARKLAKE_CONFORMANCE"]
fn every_log_is_loaded_or_refused_with_a_reason() {
    let corpus = Corpus::load();
    let ledger = corpus.query("SELECT * FROM ingest_sources ORDER BY source_uri");
    let [refused, loaded]: [Vec<&Row>; 2] = [false, true].map(|is_loaded| {
        ledger
            .iter()
            .filter(|row| (text(row, "status") == "loaded") == is_loaded)
            .collect()
    });

    // Copies of one attempt in several folders are loaded once.
    let (copies, refused): (Vec<&Row>, Vec<&Row>) = refused
        .into_iter()
        .partition(|row| text(row, "error_kind") == "duplicate_application");
    for copy in copies {
        let claims = CLAIMS_TO_ONE_ID
            .iter()
            .find(|claims| claims.contains(&name(copy)))
            .unwrap_or_else(|| panic!("{copy:?} is no copy"));
        let is_there = loaded.iter().any(|row| claims.contains(&name(row)));
        assert!(is_there, "{copy:?}: nothing of it is loaded");
    }
    let refused: Vec<_> = refused
        .iter()
        .map(|row| (name(row), text(row, "status"), text(row, "error_kind")))
        .collect();
    assert_eq!(
        refused,
        [(
            "spark-events-profiling/driverlog",
            "quarantined",
            "not_an_event_log"
        )]
    );
    assert_eq!(
        corpus.summary.get("exit_code"),
        Some(&json!(3)),
        "one log was refused"
    );
    assert_eq!(corpus.summary.get("discovered"), Some(&json!(ledger.len())));

    let unfinished: Vec<&str> = loaded
        .iter()
        .filter(|row| row.get("complete") == Some(&json!(false)))
        .map(|row| name(row))
        .collect();
    assert_eq!(unfinished, UNFINISHED);
    for row in &loaded {
        assert_eq!(number(row, "bad_lines"), Some(0), "{row:?}");
    }
    println!("{} of {} logs are loaded", loaded.len(), ledger.len());
}

/// A folder, rolling or as Databricks delivers it, holds one application: the second is a copy.
#[test]
#[ignore = "needs the corpus: SPARKLAKE_CONFORMANCE"]
fn layouts_of_one_log_are_copies_of_each_other() {
    let corpus = Corpus::load();
    let ledger = corpus.query(
        "SELECT layout, status FROM ingest_sources \
         WHERE application_id = 'local-1623876083964' AND layout <> 'single_file' ORDER BY layout",
    );
    let layouts: Vec<(&str, &str)> = ledger
        .iter()
        .map(|row| (text(row, "layout"), text(row, "status")))
        .collect();
    assert_eq!(layouts, [("databricks", "loaded"), ("rolling", "skipped")]);
}

/// Of logs that claim one id in one source, one is loaded, and the ledger names it for the others.
#[test]
#[ignore = "needs the corpus: SPARKLAKE_CONFORMANCE"]
fn one_of_several_claims_to_an_id_wins() {
    let corpus = Corpus::load();
    let summary = corpus.rehearse(&corpus.data.join("nvidia/logs"));
    let problems = summary
        .get("problems")
        .and_then(Value::as_array)
        .expect("problems");
    let mut claims: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for problem in problems
        .iter()
        .filter_map(Value::as_object)
        .filter(|problem| text(problem, "status") == "skipped")
    {
        let winner = text(problem, "error")
            .strip_suffix(" has the same application attempt")
            .expect("a winner");
        let winner = short(winner);
        claims
            .entry(winner)
            .or_insert_with(|| BTreeSet::from([winner]))
            .insert(short(text(problem, "uri")));
    }
    let claims: BTreeSet<BTreeSet<&str>> = claims.into_values().collect();
    assert_eq!(
        claims,
        CLAIMS_TO_ONE_ID
            .iter()
            .map(|logs| logs.iter().copied().collect())
            .collect()
    );
}

fn name(row: &Row) -> &str {
    short(text(row, "source_uri"))
}

/// What of a log's address does not depend on where the data is.
fn short(uri: &str) -> &str {
    let name = uri.rsplit_once("/logs/").map_or(uri, |(_, name)| name);
    name.strip_prefix(QUALIFICATION).unwrap_or(name)
}
