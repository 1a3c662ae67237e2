//! Aggregates of NVIDIA's profiling tool over one of its logs, cell by cell.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::lake::{Corpus, Row};

/// Name of the source that the log was loaded under.
const SOURCE: &str = "spark-events-profiling/rapids_join_eventlog.zstd";

const STAGES: &str =
    "SELECT stage_id AS id, stage_id, stage_attempt_id FROM stages WHERE cluster_id = '{source}'";
const STAGE_SPANS: &str = "SELECT stage_id AS id, sum(duration_ms) AS duration FROM stages WHERE cluster_id = '{source}' GROUP BY stage_id";

const STAGES_OF_JOBS: &str = "SELECT unnest(job_ids) AS id, stage_id, stage_attempt_id FROM stages \
     WHERE cluster_id = '{source}'";
const JOB_SPANS: &str =
    "SELECT job_id AS id, duration_ms AS duration FROM jobs WHERE cluster_id = '{source}'";

const STAGES_OF_QUERIES: &str = "SELECT sql_id AS id, stage_id, stage_attempt_id FROM stages WHERE cluster_id = '{source}' AND sql_id IS NOT NULL";
const QUERY_SPANS: &str =
    "SELECT sql_id AS id, duration_ms AS duration FROM sql WHERE cluster_id = '{source}'";

const SQL_METRICS: &str = r#"
    SELECT
        metrics.sql_id AS "sqlID",
        metrics.node_id AS "nodeID",
        nodes.node_name AS "nodeName",
        metrics.accumulator_id AS "accumulatorId",
        metrics.metric_name AS "name",
        metrics.min,
        metrics.median,
        metrics.max,
        metrics.total,
        metrics.metric_type AS "metricType",
        array_to_string(nodes.stage_ids, ',') AS "stageIds"
    FROM sql_node_metrics AS metrics
    JOIN sql_nodes AS nodes
        ON nodes.cluster_id = metrics.cluster_id
        AND nodes.sql_id = metrics.sql_id
        AND nodes.node_id = metrics.node_id
    WHERE metrics.cluster_id = '{source}'
    ORDER BY metrics.sql_id, metrics.node_id, metrics.accumulator_id"#;

/// NVIDIA's "median" of a metric is a mean that is updated, and rounded down, with every task: it
/// depends on the order in which tasks ended. It is no column of a table, and is not imitated.
const RUNNING_MEAN: &str = "median";

#[test]
#[ignore = "needs the corpus: SPARKLAKE_CONFORMANCE"]
fn stage_aggregates_equal_nvidias() {
    assert_aggregates("stagemetricsagg", STAGES, STAGE_SPANS);
}

#[test]
#[ignore = "needs the corpus: SPARKLAKE_CONFORMANCE"]
fn job_aggregates_equal_nvidias() {
    assert_aggregates("jobmetricsagg", STAGES_OF_JOBS, JOB_SPANS);
}

#[test]
#[ignore = "needs the corpus: SPARKLAKE_CONFORMANCE"]
fn query_aggregates_equal_nvidias() {
    let corpus = Corpus::load();
    let names = ask(
        corpus,
        "SELECT sql_id, application_id AS \"appId\", sql_id AS \"sqlId\", description FROM sql \
         WHERE cluster_id = '{source}' ORDER BY sql_id",
    );
    let mut ours = aggregates(corpus, STAGES_OF_QUERIES, QUERY_SPANS);
    for (row, names) in ours.iter_mut().zip(names) {
        row.extend(names);
    }
    assert_cells(&expected(corpus, "sqlmetricsagg"), &ours);
}

#[test]
#[ignore = "needs the corpus: SPARKLAKE_CONFORMANCE"]
fn query_metrics_equal_nvidias() {
    let corpus = Corpus::load();
    let mut expected = expected(corpus, "sqlmetrics");
    for row in &mut expected {
        row.remove(RUNNING_MEAN);
    }
    let ours = ask(corpus, SQL_METRICS);
    assert_cells(&expected, &ours);
    for row in &ours {
        let [min, median, max] =
            ["min", "median", "max"].map(|name| row.get(name).and_then(Value::as_f64));
        assert!(min <= median && median <= max, "{row:?}");
    }
}

fn assert_aggregates(file: &str, members: &str, spans: &str) {
    let corpus = Corpus::load();
    assert_cells(&expected(corpus, file), &aggregates(corpus, members, spans));
}

fn aggregates(corpus: &Corpus, members: &str, spans: &str) -> Vec<Row> {
    let sql = include_str!("nvidia_aggregates.sql")
        .replace("{members}", members)
        .replace("{spans}", spans);
    ask(corpus, &sql)
}

fn ask(corpus: &Corpus, sql: &str) -> Vec<Row> {
    corpus.query(&sql.replace("{source}", SOURCE))
}

/// The rows of one of NVIDIA's files, as text.
fn expected(corpus: &Corpus, file: &str) -> Vec<BTreeMap<String, String>> {
    let file = corpus.data.join(format!(
        "nvidia/expected/rapids_join_eventlog_{file}_expectation.csv"
    ));
    let mut reader = csv::Reader::from_path(file).expect("a file");
    reader
        .deserialize()
        .map(|row| row.expect("a row"))
        .collect()
}

/// Every cell that is expected is there; numbers are compared as numbers (`78.0` is `78`).
fn assert_cells(expected: &[BTreeMap<String, String>], ours: &[Row]) {
    assert_eq!(expected.len(), ours.len(), "rows");
    let mut different = Vec::new();
    let mut cells = 0;
    for (expected, ours) in expected.iter().zip(ours) {
        for (column, text) in expected {
            let cell = ours.get(column).unwrap_or(&Value::Null);
            let is_equal = match cell {
                Value::Number(number) => number.as_f64() == text.parse().ok(),
                cell => *cell == json!(text),
            };
            cells += 1;
            if !is_equal {
                different.push(format!("{column}: expected {text}, is {cell}"));
            }
        }
    }
    println!("{} of {cells} cells are equal", cells - different.len());
    assert!(different.is_empty(), "{different:#?}");
}
