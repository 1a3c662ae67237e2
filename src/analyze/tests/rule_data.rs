//! Every rule against the data file beside it: `sql/rules/<category>/<rule>.test.toml` holds cases
//! of facts with the findings they have to give. A rule without a case that fires and one that does
//! not fails here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use include_dir::{Dir, include_dir};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::lake::{Answers, TestLake, assert_columns, batch, built_in, stamp};
use crate::analyze::parameters::literal;
use crate::analyze::placeholders::to_literals;
use crate::analyze::{Relation, Scope, run};
use crate::schema;

static SQL: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/sql");

type Row = Map<String, Value>;

/// The content of a data file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestData {
    /// Table or view → what each of its rows has unless a case says otherwise.
    #[serde(default)]
    defaults: BTreeMap<String, Row>,
    case: Vec<Case>,
}

/// One application with what the rule has to say about it.
#[derive(Deserialize)]
struct Case {
    name: String,
    /// Columns of its row of `applications`.
    #[serde(default)]
    application: Row,
    /// Spark properties.
    #[serde(default)]
    settings: BTreeMap<String, String>,
    /// The findings, by columns of `findings` or names in `evidence_json`.
    expect: Vec<Row>,
    /// Rows of any other table or view that the rule reads.
    #[serde(flatten)]
    facts: BTreeMap<String, Vec<Row>>,
}

fn test_data(rule: &str, category: &str) -> TestData {
    let path = format!("rules/{category}/{rule}.test.toml");
    let file = SQL
        .get_file(&path)
        .unwrap_or_else(|| panic!("write sql/{path}"));
    let text = file.contents_utf8().expect("UTF-8");
    let mut data: TestData =
        toml::from_str(text).unwrap_or_else(|error| panic!("sql/{path}: {error}"));
    for case in &mut data.case {
        let rows = case.facts.values_mut().flatten().chain(&mut case.expect);
        rows.chain([&mut case.application]).for_each(with_nulls);
    }
    data
}

/// TOML has no NULL: the texts `null` (of a fact) and `none` (of what is expected) stand for it.
fn with_nulls(row: &mut Row) {
    for value in row.values_mut() {
        if value == "null" || value == "none" {
            *value = Value::Null;
        }
    }
}

/// The columns of every view, from planning it over a lake without rows.
async fn view_schemas() -> BTreeMap<String, SchemaRef> {
    let mut lake = TestLake::default();
    for table in schema::tables() {
        lake.ensure(&table.name);
    }
    let ctx = lake.context();
    for reference in built_in().references() {
        let name = format!("ref_{}", reference.id);
        let rows = built_in().reference_rows(&name).expect("there");
        ctx.register_batch(&name, rows).expect("new name");
    }
    let mut open: Vec<&Relation> = built_in().views().collect();
    let mut schemas = BTreeMap::new();
    while !open.is_empty() {
        let names: BTreeSet<&str> = open.iter().map(|view| view.id.as_str()).collect();
        let is_ready = |view: &&Relation| {
            !view
                .query
                .reads
                .iter()
                .any(|name| names.contains(name.as_str()))
        };
        let (ready, rest): (Vec<&Relation>, Vec<&Relation>) =
            open.iter().copied().partition(is_ready);
        assert!(!ready.is_empty(), "views read each other: {names:?}");
        for view in ready {
            let value = |name: &str| {
                let mut parameters = view.query.parameters.iter();
                parameters
                    .find(|parameter| parameter.name == name)
                    .map(|parameter| literal(&parameter.value))
            };
            let plan = ctx
                .sql(&to_literals(&view.query.statement, value))
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", view.id));
            schemas.insert(view.id.clone(), nullable(plan.schema().inner()));
            ctx.register_table(view.id.as_str(), plan.into_view())
                .expect("new name");
        }
        open = rest;
    }
    schemas
}

fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields = schema
        .fields()
        .iter()
        .map(|field| Field::new(field.name(), field.data_type().clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A session with the facts of all cases, each case an application of its own.
fn context(
    rule: &str,
    data: &TestData,
    views: &BTreeMap<String, SchemaRef>,
) -> (SessionContext, Vec<String>) {
    let mut lake = TestLake::default();
    let mut view_rows: BTreeMap<&str, Vec<Row>> = BTreeMap::new();
    for case in &data.case {
        let app = case.name.as_str();
        let mut application = json!({"core_time_ms": 36_000_000, "total_task_time_ms": 30_000_000});
        let columns = application.as_object_mut().expect("object");
        columns.extend(
            data.defaults
                .get("applications")
                .cloned()
                .unwrap_or_default(),
        );
        columns.extend(case.application.clone());
        lake.application(app, application);
        for (key, value) in &case.settings {
            lake.row(
                "environment",
                app,
                json!({"section": "spark", "key": key, "value": value}),
            );
        }
        for (table, rows) in &case.facts {
            for row in rows {
                let mut merged = data.defaults.get(table).cloned().unwrap_or_default();
                merged.extend(row.clone());
                if let Some(schema) = views.get(table) {
                    let keys = json!({"platform": "event_log", "cluster_id": "c-1", "cluster_name": "cluster",
                        "application_id": app, "attempt_id": "0", "app_date": "2026-01-02"});
                    let mut full = keys.as_object().expect("object").clone();
                    full.retain(|name, _| schema.index_of(name).is_ok());
                    full.extend(merged);
                    let unknown = full.keys().find(|name| schema.index_of(name).is_err());
                    assert_eq!(unknown, None, "{rule}: {table} has no such column");
                    view_rows.entry(table).or_default().push(full);
                } else {
                    let known =
                        schema::table(table).unwrap_or_else(|| panic!("{rule}: no table {table}"));
                    lake.row(&known.name, app, Value::Object(merged));
                }
            }
        }
    }
    let ctx = lake.context();
    // A view that the file gives rows of is not made from tables.
    let given: BTreeSet<&str> = data
        .defaults
        .keys()
        .map(String::as_str)
        .chain(view_rows.keys().copied())
        .collect();
    let mut replaced = Vec::new();
    for (view, schema) in views
        .iter()
        .filter(|(view, _)| given.contains(view.as_str()))
    {
        let rows = view_rows.remove(view.as_str()).unwrap_or_default();
        let table = MemTable::try_new(
            Arc::clone(schema),
            vec![vec![batch(Arc::clone(schema), &rows)]],
        );
        ctx.register_table(view.as_str(), Arc::new(table.expect("rows")))
            .expect("new name");
        replaced.push(view.clone());
    }
    (ctx, replaced)
}

async fn check(rule: &str, category: &str, views: &BTreeMap<String, SchemaRef>) {
    let data = test_data(rule, category);
    let fires = data
        .case
        .iter()
        .filter(|case| !case.expect.is_empty())
        .count();
    assert!(fires > 0, "{rule}: no case in which it fires");
    assert!(
        fires < data.case.len(),
        "{rule}: no case in which it is silent"
    );
    let (ctx, replaced) = context(rule, &data, views);
    let catalog = built_in()
        .select(&[rule, "findings"])
        .expect("known")
        .without_views(&replaced)
        // What an application costs changes no finding but its money.
        .without_tables(&["application_costs"]);
    let analysis = run(&catalog, &ctx, &Scope::All, &stamp())
        .await
        .expect("runs");
    assert!(
        analysis.problems.is_empty(),
        "{rule}: {:?}",
        analysis.problems
    );
    let mut found: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for mut row in Answers(analysis).rows("findings") {
        let numbers: Row =
            serde_json::from_str(row["evidence_json"].as_str().expect("text")).expect("JSON");
        for (name, value) in numbers {
            row.entry(name).or_insert(value);
        }
        let app = row["application_id"].as_str().expect("text").to_owned();
        found.entry(app).or_default().push(row);
    }
    for case in &data.case {
        let mut rows = found.remove(&case.name).unwrap_or_default();
        rows.sort_by_key(|row| row["subject_id"].to_string());
        assert_eq!(
            rows.len(),
            case.expect.len(),
            "{rule}, {}: {rows:#?}",
            case.name
        );
        for (row, expected) in rows.iter().zip(&case.expect) {
            println!("{rule}, {}", case.name);
            assert_columns(row, Value::Object(expected.clone()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_finds_what_its_data_file_expects() {
    let views = Arc::new(view_schemas().await);
    // Each in a task of its own, so that one that fails does not hide the others.
    let checks: Vec<_> = built_in()
        .rules()
        .map(|rule| {
            let (id, category) = (rule.id.clone(), rule.category.clone());
            let views = Arc::clone(&views);
            let checked = id.clone();
            (
                id,
                tokio::spawn(async move { check(&checked, &category, &views).await }),
            )
        })
        .collect();
    let mut failed = Vec::new();
    for (id, check) in checks {
        if check.await.is_err() {
            failed.push(id);
        }
    }
    assert!(
        failed.is_empty(),
        "rules that fail their data file: {failed:?}"
    );
}

/// `SPARKLAKE_RULE=task_skew cargo test one_rule -- --ignored` while a rule is being written.
#[tokio::test]
#[ignore = "needs the rule's id in SPARKLAKE_RULE"]
async fn one_rule_finds_what_its_data_file_expects() {
    let id = std::env::var("SPARKLAKE_RULE").expect("SPARKLAKE_RULE");
    let rule = built_in().rule(&id).expect("known");
    check(&rule.id, &rule.category, &view_schemas().await).await;
}

/// A data file of a rule that is gone or misspelt would test nothing.
#[test]
fn every_data_file_belongs_to_a_rule() {
    let mut folders = vec![&SQL];
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        for file in folder.files() {
            let name = file.path().file_name().expect("name").to_string_lossy();
            if let Some(rule) = name.strip_suffix(".test.toml") {
                built_in()
                    .rule(rule)
                    .unwrap_or_else(|error| panic!("{}: {error}", file.path().display()));
            }
        }
    }
}
