//! Queries against a lake without rows; what needs rows is tested through the program.

mod dialect;

use std::collections::HashMap;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::ScalarValue;
use tempfile::TempDir;

use super::*;
use crate::load::Lake;

/// A new lake in a folder of its own, with these views.
async fn lake(views: Vec<View>) -> (TempDir, AskLake) {
    with_options(AskOptions {
        views: Box::new(move || Ok(views.clone())),
        ..AskOptions::default()
    })
    .await
}

async fn with_options(options: AskOptions) -> (TempDir, AskLake) {
    let folder = tempfile::tempdir().expect("folder");
    let uri = folder.path().join("lake").display().to_string();
    let lake = Lake::open_or_create(&uri, HashMap::new())
        .await
        .expect("lake");
    (folder, AskLake::new(&lake, options).expect("engine"))
}

fn view(name: &str, sql: &str, reads: &[&str]) -> View {
    View {
        name: name.to_owned(),
        definition: Definition::Query {
            sql: sql.to_owned(),
            parameters: Vec::new(),
            reads: reads.iter().map(|read| (*read).to_owned()).collect(),
        },
    }
}

async fn ask(lake: &AskLake, sql: &str) -> Result<RecordBatch, AskError> {
    lake.query(sql, &[], &QueryLimits::default())
        .await?
        .into_batch()
}

async fn number(lake: &AskLake, sql: &str) -> i64 {
    let answer = ask(lake, sql).await.expect(sql);
    let column = arrow::compute::cast(answer.column(0), &DataType::Int64).expect("number");
    column.as_primitive::<Int64Type>().value(0)
}

async fn error(lake: &AskLake, sql: &str) -> String {
    ask(lake, sql).await.expect_err(sql).to_string()
}

#[tokio::test]
async fn every_table_of_the_contract_is_there_even_when_the_lake_has_none() {
    let (_folder, lake) = lake(Vec::new()).await;
    for table in crate::schema::tables() {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        assert_eq!(number(&lake, &sql).await, 0, "{}", table.name);
    }
}

#[tokio::test]
async fn views_read_tables_and_other_views_and_take_their_parameters() {
    let mut doubled = view("doubled", "SELECT n * $factor AS n FROM ones", &["ones"]);
    if let Definition::Query { parameters, .. } = &mut doubled.definition {
        parameters.push(("factor".to_owned(), ScalarValue::from(2_i64)));
    }
    let ones = view("ones", "SELECT count(*) + 1 AS n FROM stages", &["stages"]);
    let (_folder, lake) = lake(vec![doubled, ones]).await;
    assert_eq!(number(&lake, "SELECT n FROM doubled").await, 2);
    assert_eq!(
        number(&lake, "SELECT d.n + o.n FROM doubled d, ones o").await,
        3
    );
}

#[tokio::test]
async fn a_union_takes_columns_whose_comments_differ() {
    let (_folder, lake) = lake(Vec::new()).await;
    for union in [
        "SELECT application_id FROM stages UNION SELECT stage_name FROM stages",
        "SELECT job_name FROM jobs INTERSECT SELECT stage_name FROM stages",
        "SELECT application_name, count(*) FROM (SELECT application_name FROM applications \
         UNION ALL SELECT job_name FROM jobs UNION ALL SELECT 'x') AS u GROUP BY application_name",
    ] {
        let rows = i64::from(union.contains("'x'"));
        let count = format!("SELECT count(*) FROM ({union}) AS x");
        assert_eq!(number(&lake, &count).await, rows, "{union}");
        let answer = ask(&lake, union).await;
        assert!(answer.is_ok(), "{union}: {answer:?}");
    }
}

#[tokio::test]
async fn views_in_a_circle_are_refused_and_cost_tables_nothing() {
    let (_folder, lake) = lake(vec![
        view("a", "SELECT * FROM b", &["b"]),
        view("b", "SELECT * FROM a", &["a"]),
    ])
    .await;
    assert_eq!(number(&lake, "SELECT count(*) FROM jobs").await, 0);
    let error = lake.views().err().expect("circle").to_string();
    assert!(
        error.contains("a, b read each other in a circle"),
        "{error}"
    );
}

#[tokio::test]
async fn parameters_are_values_and_never_text() {
    let (_folder, lake) = lake(Vec::new()).await;
    let hostile = "' OR 1 = 1; DROP TABLE jobs --";
    let answer = lake
        .query(
            "SELECT $text AS text, $number + 1 AS number",
            &[("text", hostile.into()), ("number", 41_i64.into())],
            &QueryLimits::default(),
        )
        .await
        .expect("answer")
        .into_batch()
        .expect("batch");
    let text = arrow::compute::cast(answer.column(0), &DataType::Utf8).expect("text");
    assert_eq!(text.as_string::<i32>().value(0), hostile);
    assert_eq!(answer.column(1).as_primitive::<Int64Type>().value(0), 42);
}

#[tokio::test]
async fn a_long_answer_is_cut_and_says_so() {
    let (_folder, lake) = lake(Vec::new()).await;
    let cut = async |sql: &str, max_rows, max_bytes| {
        let limits = QueryLimits {
            max_rows,
            max_bytes,
            ..QueryLimits::default()
        };
        let answer = lake.query(sql, &[], &limits).await.expect("answer");
        (answer.num_rows(), answer.truncated)
    };
    assert_eq!(
        cut("SELECT * FROM range(10)", Some(3), None).await,
        (3, true)
    );
    assert_eq!(
        cut("SELECT * FROM range(3)", Some(3), None).await,
        (3, false)
    );
    assert_eq!(
        cut("SELECT * FROM range(3)", Some(0), None).await,
        (0, true)
    );
    let (rows, truncated) = cut("SELECT * FROM range(1000000)", None, Some(100_000)).await;
    assert!(truncated && rows < 100_000, "{rows} rows");
}

#[tokio::test]
async fn nothing_that_writes_or_sets_or_reads_files_is_run() {
    let (folder, lake) = lake(Vec::new()).await;
    let file = folder.path().join("out.csv");
    let copy = format!("COPY (SELECT 1) TO '{}'", file.display());
    for sql in [
        "CREATE TABLE t AS SELECT 1",
        copy.as_str(),
        &format!("EXPLAIN ANALYZE {copy}"),
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "SET datafusion.runtime.memory_limit = '10G'",
        "INSERT INTO jobs VALUES (1)",
        "DROP TABLE IF EXISTS jobs",
        "SELECT * FROM '/etc/passwd'",
    ] {
        let error = ask(&lake, sql).await.expect_err(sql);
        assert!(error.is_usage(), "{sql}: {error}");
    }
    assert!(!file.exists());
}

#[tokio::test]
async fn explain_shows_the_plan() {
    let (_folder, lake) = lake(Vec::new()).await;
    let limits = QueryLimits {
        max_rows: Some(100),
        ..QueryLimits::default()
    };
    for sql in [
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE SELECT count(*) FROM jobs",
    ] {
        let answer = lake.query(sql, &[], &limits).await.expect(sql);
        assert!(answer.num_rows() > 0, "{sql}");
    }
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_stopped() {
    let (_folder, lake) = lake(Vec::new()).await;
    let limits = QueryLimits {
        timeout: Some(Duration::from_millis(50)),
        ..QueryLimits::default()
    };
    let endless = "SELECT count(*) FROM range(100000000) a, range(100000) b \
                   WHERE a.value * b.value % 7 = 9";
    let error = lake
        .query(endless, &[], &limits)
        .await
        .expect_err("too long");
    assert!(error.to_string().contains("longer than 0.05 s"), "{error}");
    assert!(matches!(error, AskError::TooLong { .. }));
}

/// On one thread: the time limit is noticed only if the query gives way.
#[tokio::test]
async fn a_query_that_makes_many_rows_of_few_gives_way_to_its_time_limit() {
    let (_folder, lake) = lake(Vec::new()).await;
    let limits = QueryLimits {
        timeout: Some(Duration::from_millis(50)),
        ..QueryLimits::default()
    };
    for endless in [
        "WITH t AS (SELECT value FROM range(5000)) SELECT count(*) FROM t a, t b, t c \
         WHERE a.value * b.value * c.value < 0",
        "WITH t AS (SELECT value, 1 AS one FROM range(5000)) SELECT count(*) FROM t a \
         JOIN t b USING (one) JOIN t c USING (one) JOIN t d USING (one) WHERE a.value + d.value < 0",
    ] {
        let error = lake
            .query(endless, &[], &limits)
            .await
            .expect_err("too long");
        assert!(matches!(error, AskError::TooLong { .. }), "{error}");
    }
}

#[tokio::test]
async fn nulls_are_the_smallest_as_in_spark() {
    let (_folder, lake) = lake(Vec::new()).await;
    let first = async |order: &str| {
        let sql = format!(
            "SELECT coalesce(x, -1) FROM (VALUES (1), (NULL), (2)) AS t (x) ORDER BY {order} LIMIT 1"
        );
        number(&lake, &sql).await
    };
    assert_eq!(first("x DESC").await, 2);
    assert_eq!(first("x").await, -1);
    let ranked = "SELECT coalesce(x, -1) FROM (SELECT x, row_number() OVER (ORDER BY x DESC) AS n \
                  FROM (VALUES (1), (NULL), (2)) AS t (x)) AS r WHERE n = 1";
    assert_eq!(number(&lake, ranked).await, 2);
}

#[tokio::test]
async fn each_mistake_is_explained_with_its_fix() {
    let (_folder, lake) = lake(vec![view("stage_facts", "SELECT 1 AS n", &[])]).await;
    for (sql, expected) in [
        (
            "SELECT * FROM stagse",
            "there is no table `stagse`; did you mean `stages`? `sparklake tables` lists them all",
        ),
        (
            "SELECT * FROM stage_fact",
            "there is no table `stage_fact`; did you mean `stage_facts`? `sparklake tables` lists \
             them all",
        ),
        (
            "SELECT * FROM lake.tasks",
            "a lake has no catalogs or schemas: write `tasks` instead of `datafusion.lake.tasks`",
        ),
        (
            "SELECT durations FROM (SELECT 1 AS duration, 2 AS other)",
            "there is no column `durations`; did you mean `duration`?",
        ),
        (
            "SELECT stage_idd FROM stages",
            "there is no column `stage_idd` in `stages`; did you mean `stage_id`?",
        ),
        (
            "SELECT s.job_key FROM stages s",
            "there is no column `job_key` in `s`; the table `applications` has one (join it on \
             platform, cluster_id, application_id, attempt_id)",
        ),
        (
            "SELECT x.stage_id FROM stages s",
            "`x.stage_id`: the query reads no table or alias `x` here; it reads s",
        ),
        (
            "SELECT stage_id FROM stages, tasks",
            "several tables of the query have a column `stage_id`; write the table or its alias \
             before it, as in `t.stage_id`",
        ),
        (
            "SELECT 1; SELECT 2",
            "there is more than one statement; give one at a time",
        ),
        (
            "CREATE TABLE t AS SELECT 1",
            "the query would change something, and `sparklake sql` only reads; write a SELECT",
        ),
    ] {
        assert_eq!(error(&lake, sql).await, expected, "{sql}");
    }
    let told = error(&lake, "SELEC 1").await;
    assert!(
        told.starts_with("the query cannot be read: Expected"),
        "{told}"
    );
    let told = error(&lake, "SELECT lenght('a')").await;
    assert!(
        told.contains("no function `lenght`; did you mean `length`?"),
        "{told}"
    );
}

#[tokio::test]
async fn no_message_suggests_the_word_that_was_written() {
    let (_folder, lake) = lake(Vec::new()).await;
    let names = crate::schema::tables().iter().map(|table| &table.name);
    for name in names {
        for sql in [
            format!("SELECT * FROM other.{name}"),
            format!("SELECT * FROM \"{}\"", name.to_uppercase()),
            format!("SELECT {name}.x FROM jobs AS j"),
            format!("SELECT {name}(1)"),
        ] {
            let message = error(&lake, &sql).await;
            assert!(
                !message.contains(&format!("did you mean `{name}`")) || sql.contains('"'),
                "{sql}: {message}"
            );
        }
    }
}

#[tokio::test]
async fn functions_whose_values_grow_are_stopped_before_they_are_called() {
    let (_folder, lake) = with_options(AskOptions {
        memory_bytes: 256 << 20,
        ..AskOptions::default()
    })
    .await;
    for expression in [
        "length(repeat(x, 1000000))",
        "length(lpad(x, 100000000, '-'))",
        "length(rpad(x, 100000000))",
        "length(space(100000000 + v))",
        "length(replace(repeat(x, 1000), 'x', repeat('y', 1000)))",
        "length(regexp_replace(repeat(x, 1000), 'x', repeat('y', 1000)))",
        "length(concat(repeat(x, 500), repeat(x, 500), repeat(x, 500), repeat(x, 500), \
         repeat(x, 500), repeat(x, 500), repeat(x, 500), repeat(x, 500), repeat(x, 500)))",
        "cardinality(array_repeat(x, 1000000))",
        "cardinality(range(0, 1000000 + v))",
        "cardinality(generate_series(1, 1000000 + v, 1))",
    ] {
        let sql = format!(
            "SELECT sum({expression}) FROM (SELECT 'xxxxxxxx' || value AS x, value AS v \
             FROM range(8000)) AS t"
        );
        let error = ask(&lake, &sql).await.expect_err(expression);
        assert!(
            matches!(error, AskError::TooMuchMemory { .. }),
            "{expression}: {error}"
        );
    }
    let small = "SELECT sum(length(repeat(x, 100))) FROM (SELECT 'xx' AS x FROM range(8000)) AS t";
    assert_eq!(number(&lake, small).await, 1_600_000);
}

#[tokio::test]
async fn what_no_function_counts_is_stopped_by_the_size_of_the_process() {
    let mut watch = watch::QueryWatch::start(None, 64 << 20).expect("a thread");
    let filled = tokio::spawn(async {
        let mut blocks: Vec<Vec<u8>> = Vec::new();
        for _ in 0..16 {
            blocks.push(vec![1_u8; 16 << 20]);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        blocks.len()
    });
    let reached = tokio::time::timeout(Duration::from_secs(60), watch.reached()).await;
    if cfg!(target_os = "linux") {
        let reached = reached.expect("noticed");
        assert!(
            matches!(reached, watch::Reached::Memory(grown) if grown > 64 << 20),
            "{reached:?}"
        );
    }
    assert_eq!(filled.await.expect("filled"), 16);
}
