//! A dbt project over a lake: the tables as sources, the views as models, keys as tests, questions as analyses,
//! the dashboard as an exposure. Runs on Databricks, Spark and DuckDB as far as each takes the SQL.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::namespace::Namespace;
use super::relations::{Relation, RelationKind};
use super::yaml;
use crate::analyze::Catalog;

/// Functions of Spark SQL that DuckDB calls otherwise or understands otherwise, as DuckDB's own macros.
const DUCKDB_FUNCTIONS: [(&str, &str); 8] = [
    ("array_join(a, b)", "array_to_string(a, b)"),
    ("array_max(a)", "list_max(a)"),
    ("array_min(a)", "list_min(a)"),
    ("btrim(a, b)", "trim(a, b)"),
    ("cardinality(a)", "len(a)"),
    ("regexp_like(a, b)", "regexp_matches(a, b)"),
    // DuckDB's own replaces the first match alone, and writes groups with a backslash.
    (
        "regexp_replace(a, b, c)",
        "system.main.regexp_replace(a, b, replace(c, '$', chr(92)), 'g')",
    ),
    ("unix_millis(a)", "epoch_ms(a)"),
];

/// File name below the project's folder, and text.
pub fn project(
    namespace: &Namespace,
    lake: &str,
    relations: &[Relation],
    constants: &[(String, String)],
    catalog: &Catalog,
) -> Vec<(String, String)> {
    let mut files = vec![
        (
            "dbt_project.yml".to_owned(),
            yaml::document(&settings(lake)),
        ),
        ("macros/duckdb_functions.sql".to_owned(), duckdb_functions()),
        (
            "models/sources.yml".to_owned(),
            yaml::document(&sources(namespace, relations)),
        ),
        (
            "models/models.yml".to_owned(),
            yaml::document(&models(relations)),
        ),
        (
            "models/exposures.yml".to_owned(),
            yaml::document(&exposures(relations)),
        ),
    ];
    let tables: BTreeSet<&str> = names(relations, Relation::is_table);
    for view in relations.iter().filter(|relation| !relation.is_table()) {
        let folder = match view.kind {
            RelationKind::ConsumerView => "overviews",
            _ => "shared",
        };
        let sql = view.sql.as_deref().unwrap_or_default();
        let text = format!("{}\n", referring(sql, &view.reads, &tables));
        files.push((format!("models/{folder}/{}.sql", view.name), text));
    }
    for (name, statement) in constants {
        let body = statement
            .split_once(" AS SELECT")
            .map_or("", |(_, body)| body);
        let text = format!("SELECT{}\n", body.trim_end().trim_end_matches(';'));
        files.push((format!("models/reference/{name}.sql"), text));
    }
    for question in catalog.questions() {
        let sql = question.query.standalone_sql();
        let text = format!(
            "-- {}\n{}\n",
            question.question,
            referring(sql.trim_end(), &question.query.reads, &tables)
        );
        files.push((format!("analyses/{}.sql", question.id), text));
    }
    files
}

/// The macro that makes them, where DuckDB is what the project runs on.
fn duckdb_functions() -> String {
    let mut text = "{# Functions of Spark SQL that DuckDB calls otherwise. #}\n\
                    {% macro duckdb_functions() %}{% if target.type == 'duckdb' %}\n"
        .to_owned();
    for (name, body) in DUCKDB_FUNCTIONS {
        text.push_str(&format!("CREATE OR REPLACE MACRO {name} AS {body};\n"));
    }
    text.push_str("{% endif %}{% endmacro %}\n");
    text
}

fn names(relations: &[Relation], wanted: impl Fn(&Relation) -> bool) -> BTreeSet<&str> {
    let wanted = relations.iter().filter(|relation| wanted(relation));
    wanted.map(|relation| relation.name.as_str()).collect()
}

/// A query that names sources and models as dbt does.
fn referring(sql: &str, reads: &[String], tables: &BTreeSet<&str>) -> String {
    Namespace::replace_relations(sql, reads, |name| match tables.contains(name) {
        true => format!("{{{{ source('sparklake', '{name}') }}}}"),
        false => format!("{{{{ ref('{name}') }}}}"),
    })
}

fn settings(lake: &str) -> Value {
    json!({
        "name": "sparklake",
        "version": env!("CARGO_PKG_VERSION"),
        "profile": "sparklake",
        "model-paths": ["models"],
        "analysis-paths": ["analyses"],
        "macro-paths": ["macros"],
        "on-run-start": ["{{ duckdb_functions() }}"],
        "vars": {"lake": lake.trim_end_matches('/')},
        "models": {"sparklake": {"+materialized": "view"}},
    })
}

fn sources(namespace: &Namespace, relations: &[Relation]) -> Value {
    let tables: Vec<Value> = relations
        .iter()
        .filter(|relation| relation.is_table())
        .map(|table| {
            json!({
                "name": table.name,
                "description": escaped(&table.comment()),
                "config": {"meta": {"external_location": "delta_scan('{{ var(\"lake\") }}/{name}')"}},
                "columns": columns(table),
            })
        })
        .collect();
    json!({
        "version": 2,
        "sources": [{
            "name": "sparklake",
            "database": format!("{{{{ var('catalog', '{}') if target.type == 'databricks' else target.database }}}}", namespace.catalog()),
            "schema": namespace.schema(),
            "tables": tables,
        }],
    })
}

fn models(relations: &[Relation]) -> Value {
    let models: Vec<Value> = relations
        .iter()
        .filter(|relation| !relation.is_table())
        .map(|view| {
            let mut model = Map::new();
            model.insert("name".to_owned(), json!(view.name));
            model.insert("description".to_owned(), json!(escaped(&view.comment())));
            if view.kind == RelationKind::ConsumerView {
                model.insert("columns".to_owned(), columns(view));
            }
            Value::Object(model)
        })
        .collect();
    json!({"version": 2, "models": models})
}

/// The columns; those of the key are tested for NULL, and for values where they are few, in views too.
fn columns(relation: &Relation) -> Value {
    let columns: Vec<Value> = relation
        .columns
        .iter()
        .map(|column| {
            let mut entry = Map::new();
            entry.insert("name".to_owned(), json!(column.name));
            entry.insert("data_type".to_owned(), json!(column.data_type));
            entry.insert("description".to_owned(), json!(escaped(&column.comment())));
            let mut tests: Vec<Value> = Vec::new();
            if relation.keys.contains(&column.name) && (!column.nullable || !relation.is_table()) {
                tests.push(json!("not_null"));
            }
            if relation.keys.len() == 1 && relation.keys.contains(&column.name) {
                tests.push(json!("unique"));
            }
            if !column.values.is_empty() && column.data_type == "string" {
                tests.push(json!({"accepted_values": {"arguments": {"values": column.values}}}));
            }
            if !tests.is_empty() {
                entry.insert("data_tests".to_owned(), json!(tests));
            }
            Value::Object(entry)
        })
        .collect();
    json!(columns)
}

fn exposures(relations: &[Relation]) -> Value {
    let views = names(relations, |relation| {
        relation.kind == RelationKind::ConsumerView
    });
    let refs: Vec<String> = views.iter().map(|view| format!("ref('{view}')")).collect();
    json!({
        "version": 2,
        "exposures": [{
            "name": "sparklake_dashboard",
            "label": "sparklake dashboard",
            "type": "dashboard",
            "maturity": "high",
            "description": "The AI/BI dashboard of `sparklake export dashboard`, and `sparklake serve`.",
            "depends_on": refs,
            "owner": {"name": "sparklake", "email": "sparklake@localhost.localdomain"},
        }],
    })
}

/// A description that dbt does not take for a template.
fn escaped(text: &str) -> String {
    text.replace("{{", "{ {")
        .replace("{%", "{ %")
        .replace("{#", "{ #")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Functions of views that DuckDB has under the same name, as `duckdb_functions()` lists them; that they
    /// do the same is what `tests/interop/check_exports.py` builds and tests.
    const DUCKDB_HAS: &[&str] = &[
        "abs",
        "array_agg",
        "array_contains",
        "array_sort",
        "avg",
        "ceil",
        "chr",
        "coalesce",
        "concat",
        "concat_ws",
        "count",
        "floor",
        "greatest",
        "instr",
        "lag",
        "lead",
        "least",
        "length",
        "levenshtein",
        "lower",
        "lpad",
        "max",
        "max_by",
        "median",
        "min",
        "nullif",
        "position",
        "replace",
        "round",
        "row_number",
        "split_part",
        "substr",
        "sum",
        "trim",
        "upper",
    ];
    /// What stands before a parenthesis and is no function.
    const WORDS: &[&str] = &["cast", "try_cast", "decimal"];

    /// Names that a query calls; what follows a space is no call.
    fn called(sql: &str) -> BTreeSet<String> {
        let mut calls = BTreeSet::new();
        for line in sql.lines() {
            let line = line.split("--").next().unwrap_or_default();
            // Texts between quotes are every second piece.
            for piece in line.split('\'').step_by(2) {
                let mut pieces = piece.split('(').peekable();
                while let Some(before) = pieces.next() {
                    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
                    let name = before
                        .rsplit(|letter| !is_word(letter))
                        .next()
                        .unwrap_or_default();
                    if pieces.peek().is_some()
                        && name.starts_with(|first: char| first.is_ascii_alphabetic())
                    {
                        calls.insert(name.to_ascii_lowercase());
                    }
                }
            }
        }
        calls
    }

    #[test]
    fn duckdb_has_or_is_given_every_function_that_a_view_calls() {
        let made = |name: &str| {
            DUCKDB_FUNCTIONS.iter().any(|(signature, _)| {
                signature
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with('('))
            })
        };
        let mut seen = 0;
        for view in Catalog::built_in().expect("a catalog").views() {
            for name in called(&view.query.sql) {
                let known = DUCKDB_HAS.contains(&name.as_str())
                    || WORDS.contains(&name.as_str())
                    || made(&name);
                assert!(
                    known,
                    "{}: DuckDB has no {name}: add it to DUCKDB_FUNCTIONS or DUCKDB_HAS",
                    view.id
                );
                seen += 1;
            }
        }
        assert!(seen > 100, "{seen} calls");
        assert!(made("regexp_like") && !made("regexp"));
    }
}
