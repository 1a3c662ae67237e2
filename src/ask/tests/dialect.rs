//! The dialect: what an analyst of Spark SQL writes, with the answers that Spark gives.

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;

use super::{AskLake, ask, error, lake};

/// The answer as text: columns by `|`, rows by `;`.
async fn answer(lake: &AskLake, sql: &str) -> String {
    let rows = match ask(lake, sql).await {
        Ok(rows) => rows,
        Err(error) => panic!("{sql}: {error}"),
    };
    let columns: Vec<_> = rows
        .columns()
        .iter()
        .map(|column| arrow::compute::cast(column, &DataType::Utf8).expect("text"))
        .collect();
    let cell = |column: &dyn Array, row: usize| match column.is_null(row) {
        true => "NULL".to_owned(),
        false => column.as_string::<i32>().value(row).to_owned(),
    };
    let rows: Vec<String> = (0..rows.num_rows())
        .map(|row| {
            let cells: Vec<String> = columns.iter().map(|column| cell(column, row)).collect();
            cells.join("|")
        })
        .collect();
    rows.join(";")
}

/// Three tables with the key `k`; each row of one has what is needed to see which it is.
const THREE: &str = "WITH a AS (SELECT * FROM (VALUES (1, 'a1'), (2, 'a2')) AS t (k, x)), \
                     b AS (SELECT * FROM (VALUES (2, 'b2'), (3, 'b3')) AS t (k, y)), \
                     c AS (SELECT * FROM (VALUES (2, 'c2'), (3, 'c3'), (4, 'c4')) AS t (k, z)) ";

#[tokio::test]
async fn using_joins_any_number_of_tables() {
    let (_folder, lake) = lake(Vec::new()).await;
    for (query, expected) in [
        (
            "SELECT k, x, y, z FROM a JOIN b USING (k) JOIN c USING (k)",
            "2|a2|b2|c2",
        ),
        (
            "SELECT * FROM a JOIN b USING (k) JOIN c USING (k)",
            "2|a2|b2|c2",
        ),
        (
            "SELECT * EXCEPT (y) FROM a JOIN b USING (k) JOIN c USING (k)",
            "2|a2|c2",
        ),
        (
            "SELECT a.*, z FROM a JOIN b USING (k) JOIN c USING (k)",
            "2|a2|c2",
        ),
        (
            "SELECT k, y, z FROM a LEFT JOIN b USING (k) LEFT JOIN c USING (k) ORDER BY k",
            "1|NULL|NULL;2|b2|c2",
        ),
        (
            "SELECT k, x, z FROM a RIGHT JOIN b USING (k) JOIN c USING (k) ORDER BY k DESC",
            "3|NULL|c3;2|a2|c2",
        ),
        (
            "SELECT k, x, y, z FROM a FULL JOIN b USING (k) FULL JOIN c USING (k) ORDER BY k",
            "1|a1|NULL|NULL;2|a2|b2|c2;3|NULL|b3|c3;4|NULL|NULL|c4",
        ),
        (
            "SELECT * FROM a FULL JOIN b USING (k) FULL JOIN c USING (k) WHERE k > 3",
            "4|NULL|NULL|c4",
        ),
        (
            "SELECT K, count(*) AS n FROM a JOIN b USING (k) JOIN c USING (k) GROUP BY k \
             HAVING k = 2 ORDER BY k",
            "2|1",
        ),
        (
            "SELECT p.k AS k, upper(x) FROM a AS p JOIN (SELECT k FROM b) AS q USING (k) \
             JOIN c USING (k) WHERE EXISTS (SELECT 1 FROM c WHERE k = 4)",
            "2|A2",
        ),
        (
            "SELECT -k AS k FROM a JOIN b USING (k) FULL JOIN c USING (k) ORDER BY k",
            "-4;-3;-2",
        ),
        (
            "SELECT k, n FROM (SELECT k, count(*) AS n FROM a JOIN b USING (k) JOIN c USING (k) \
             GROUP BY k) AS i JOIN b USING (k) JOIN c USING (k)",
            "2|1",
        ),
        (
            "SELECT k FROM a LEFT SEMI JOIN b USING (k) LEFT ANTI JOIN (SELECT 1 AS k) AS d USING (k)",
            "2",
        ),
    ] {
        assert_eq!(
            answer(&lake, &format!("{THREE}{query}")).await,
            expected,
            "{query}"
        );
    }
}

#[tokio::test]
async fn using_merges_expressions_that_use_it_themselves() {
    let (_folder, lake) = lake(Vec::new()).await;
    let sql = format!(
        "{THREE}, d AS (SELECT k, x, y, z FROM a JOIN b USING (k) JOIN c USING (k)), \
         e AS (SELECT k FROM d JOIN a USING (k) JOIN b USING (k)) \
         SELECT k, z FROM e JOIN d USING (k) JOIN c USING (k) "
    );
    let error = error(&lake, &sql).await;
    assert!(
        error.contains("several tables of the query have a column `z`"),
        "{error}"
    );
    let sql = sql.replace("SELECT k, z FROM e", "SELECT k, d.z FROM e");
    assert_eq!(answer(&lake, &sql).await, "2|c2");
}

#[tokio::test]
async fn tables_of_the_lake_join_by_their_whole_key() {
    let (_folder, lake) = lake(Vec::new()).await;
    let key = "(platform, cluster_id, application_id, attempt_id)";
    for sql in [
        format!(
            "SELECT application_id, application_name, stage_id, title FROM applications \
                 JOIN stages USING {key} JOIN findings USING {key} \
                 WHERE application_id = 'x' ORDER BY application_id"
        ),
        format!(
            "SELECT * FROM stages JOIN applications USING {key} JOIN task_quantiles USING \
                 (platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id)"
        ),
    ] {
        assert_eq!(answer(&lake, &sql).await, "", "{sql}");
    }
}

#[tokio::test]
async fn spark_functions_give_spark_answers() {
    let (_folder, lake) = lake(Vec::new()).await;
    let time = "TIMESTAMP '2026-03-01 14:05:09'";
    for (expression, expected) in [
        (format!("year({time})"), "2026"),
        (format!("quarter({time})"), "1"),
        (format!("month({time})"), "3"),
        (format!("day({time})"), "1"),
        (format!("dayofweek({time})"), "1"),
        (format!("dayofyear({time})"), "60"),
        (format!("weekofyear({time})"), "9"),
        (format!("hour({time})"), "14"),
        (format!("minute({time})"), "5"),
        (format!("date({time})"), "2026-03-01"),
        (
            format!("date_format({time}, 'yyyy-MM-dd HH:mm')"),
            "2026-03-01 14:05",
        ),
        (
            format!("date_trunc('month', {time})"),
            "2026-03-01T00:00:00",
        ),
        (
            "trunc(DATE '2026-03-17', 'month')".to_owned(),
            "2026-03-01T00:00:00",
        ),
        (
            "to_date('17.03.2026', 'dd.MM.yyyy')".to_owned(),
            "2026-03-17",
        ),
        (
            "datediff(DATE '2026-03-01', DATE '2026-02-27')".to_owned(),
            "2",
        ),
        (
            format!("datediff(HOUR, TIMESTAMP '2026-03-01 00:00:00', {time})"),
            "14",
        ),
        (
            format!("timestampdiff(MINUTE, TIMESTAMP '2026-03-01 14:00:00', {time})"),
            "5",
        ),
        ("date_add(DATE '2026-02-27', 2)".to_owned(), "2026-03-01"),
        ("last_day(DATE '2026-02-01')".to_owned(), "2026-02-28"),
        (
            "unix_timestamp(TIMESTAMP '1970-01-02 00:00:00')".to_owned(),
            "86400",
        ),
        ("try_divide(1, 0)".to_owned(), "NULL"),
        ("try_divide(1 + 2, 2)".to_owned(), "1.5"),
        ("if(1 > 0, 'yes', 'no')".to_owned(), "yes"),
        ("nvl(NULL, 'x')".to_owned(), "x"),
        ("ifnull(NULL, 'x')".to_owned(), "x"),
        ("coalesce(NULL, 'x')".to_owned(), "x"),
        ("isnull(NULL)".to_owned(), "true"),
        ("len('äöü')".to_owned(), "3"),
        (
            "regexp_extract('app-123-x', '([0-9]+)', 1)".to_owned(),
            "123",
        ),
        (
            "regexp_replace('user_id#1L, ts#22', '#([0-9])[0-9]*L?', '.$1')".to_owned(),
            "user_id.1, ts.2",
        ),
        ("'app-123' RLIKE '[0-9]+'".to_owned(), "true"),
        ("locate('b', 'abc')".to_owned(), "2"),
        ("array_contains(array(1, 2), 2)".to_owned(), "true"),
        ("size(array(1, 2))".to_owned(), "2"),
        ("array_size(split('a,b,c', ','))".to_owned(), "3"),
        (
            "json_get_int('{\"a\": {\"b\": 7}}', 'a', 'b')".to_owned(),
            "7",
        ),
        ("json_get('{\"a\": \"x\"}', 'a')".to_owned(), "\"x\""),
        ("'{\"a\": {\"b\": 7}}' -> 'a' ->> 'b'".to_owned(), "7"),
        ("'{\"a\": {\"b\": 7}}' -> 'a'".to_owned(), "{\"b\": 7}"),
        (
            "get_json_object('{\"a\": [{\"b c\": \"x\"}]}', '$.a[0].b c')".to_owned(),
            "x",
        ),
        ("get_json_object('{\"a\": 1}', '$.b')".to_owned(), "NULL"),
        ("int('7') + bigint('8')".to_owned(), "15"),
    ] {
        let sql = format!("SELECT {expression}");
        assert_eq!(answer(&lake, &sql).await, expected, "{expression}");
    }
}

#[tokio::test]
async fn spark_aggregates_give_spark_answers() {
    let (_folder, lake) = lake(Vec::new()).await;
    let rows = "FROM (VALUES (1, 'a', 10), (1, 'a', 20), (2, 'b', NULL), (NULL, 'c', 40)) \
                AS t (n, name, v)";
    for (expression, expected) in [
        ("count(DISTINCT n, name)", "2"),
        ("count(DISTINCT n)", "2"),
        ("count_if(v > 10)", "2"),
        ("percentile(v, 0.5)", "20.0"),
        ("percentile_approx(v, 0.5)", "20.0"),
        ("approx_percentile(v, 0.5)", "20.0"),
        ("median(v)", "20.0"),
        ("approx_count_distinct(name)", "3"),
        ("max_by(name, v)", "c"),
        ("min_by(name, v)", "a"),
        ("max_by(name, v) FILTER (WHERE v < 40)", "a"),
        ("array_size(collect_list(v))", "3"),
        ("array_size(collect_set(n))", "2"),
        ("any_value(1)", "1"),
        ("sum(CASE WHEN name = 'a' THEN 1 ELSE 0 END)", "2"),
    ] {
        let sql = format!("SELECT {expression} {rows}");
        assert_eq!(answer(&lake, &sql).await, expected, "{expression}");
    }
    let sql = format!("SELECT n, percentile_approx(v, 0.5) {rows} GROUP BY n ORDER BY n");
    assert_eq!(answer(&lake, &sql).await, "NULL|40.0;1|15.0;2|NULL");
}

#[tokio::test]
async fn an_answer_keeps_the_names_of_the_query() {
    let (_folder, lake) = lake(Vec::new()).await;
    let sql = "SELECT year(start_time), count(DISTINCT job_key, team) FROM applications \
               GROUP BY year(start_time) ORDER BY year(start_time)";
    let rows = ask(&lake, sql).await.expect("answer");
    let schema = rows.schema();
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    assert_eq!(names, ["year(start_time)", "count(DISTINCT job_key, team)"]);
}

#[tokio::test]
async fn lists_become_rows() {
    let (_folder, lake) = lake(Vec::new()).await;
    assert_eq!(
        answer(&lake, "SELECT explode(array(1, 2)) AS x ORDER BY x").await,
        "1;2"
    );
}
