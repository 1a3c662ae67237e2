//! The serialized space.

use std::collections::BTreeSet;
use std::hash::Hasher;

use serde_json::{Map, Value, json};
use twox_hash::XxHash64;

use super::definition::{Definition, Snippet};
use crate::analyze::{Catalog, Question};
use crate::publish::PublishError;
use crate::publish::export::ddl::foreign_keys;
use crate::publish::export::namespace::Namespace;
use crate::publish::export::relations::{Column, Relation, RelationKind};
use crate::publish::export::yaml;

/// Most tables, views and metric views of a space.
const MAX_TABLES: usize = 50;
/// Most instructions: each example query and function, and the text as one.
const MAX_INSTRUCTIONS: usize = 100;
/// Most snippets of the knowledge store: descriptions of tables, joins, filters, measures.
const MAX_SNIPPETS: usize = 200;
/// Most columns whose values are kept for matching.
const MAX_MATCHED_COLUMNS: usize = 120;

/// A space with what it holds of each kind.
#[derive(Debug, Clone)]
pub struct Space {
    /// The serialized space.
    pub value: Value,
    /// Tables and views.
    pub tables: usize,
    /// Instructions.
    pub instructions: usize,
    /// Snippets of the knowledge store.
    pub snippets: usize,
    /// Benchmark questions.
    pub benchmarks: usize,
}

/// The space over the consumer views and all tables that a question reads.
///
/// # Errors
/// It has more of something than Genie takes, or the definition names what does not exist.
pub fn space(
    namespace: &Namespace,
    relations: &[Relation],
    catalog: &Catalog,
) -> Result<Space, PublishError> {
    let definition = Definition::read(catalog, relations)?;
    let questions: Vec<&Question> = catalog.questions().collect();
    let read: BTreeSet<&String> = questions
        .iter()
        .flat_map(|question| &question.query.reads)
        .collect();
    let mut shown: Vec<&Relation> = relations
        .iter()
        .filter(|relation| {
            relation.kind == RelationKind::ConsumerView || read.contains(&relation.name)
        })
        .collect();
    shown.sort_by(|one, other| one.name.cmp(&other.name));
    let tables: Vec<Value> = shown
        .iter()
        .map(|relation| table(namespace, relation, &definition))
        .collect();
    let joins = joins(namespace, &shown, relations);
    let examples: Vec<Value> = questions
        .iter()
        .map(|question| {
            json!({
                "id": id(&["example", &question.id]),
                "question": [question.question],
                "sql": lines(&query(namespace, question)),
            })
        })
        .collect();
    let benchmarks: Vec<Value> = questions
        .iter()
        .filter_map(|question| {
            let wording = definition.benchmarks.get(&question.id)?;
            Some(json!({
                "id": id(&["benchmark", &question.id]),
                "question": [wording],
                "answer": [{"format": "SQL", "content": lines(&query(namespace, question))}],
            }))
        })
        .collect();
    let snippet = |snippet: &Snippet| expression(namespace, snippet);
    let filters: Vec<Value> = definition.filters.iter().map(snippet).collect();
    let measures: Vec<Value> = definition.measures.iter().map(snippet).collect();
    let counts = Space {
        value: Value::Null,
        tables: tables.len(),
        instructions: examples.len() + 1,
        snippets: tables.len() + joins.len() + filters.len() + measures.len(),
        benchmarks: benchmarks.len(),
    };
    let matched = matched_columns(&tables);
    for (what, count, most) in [
        ("tables and views", counts.tables, MAX_TABLES),
        ("instructions", counts.instructions, MAX_INSTRUCTIONS),
        ("knowledge snippets", counts.snippets, MAX_SNIPPETS),
        ("columns with matched values", matched, MAX_MATCHED_COLUMNS),
    ] {
        within(what, count, most)?;
    }
    let samples: Vec<Value> = questions
        .iter()
        .filter(|question| definition.sample_questions.contains(&question.id))
        .map(|question| json!({"id": id(&["sample", &question.id]), "question": [question.question]}))
        .collect();
    let text: Vec<String> = definition
        .instructions
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    let value = json!({
        "version": 2,
        "config": {"sample_questions": by_id(samples)},
        "data_sources": {"tables": tables},
        "instructions": {
            "text_instructions": [{"id": id(&["text"]), "content": text}],
            "example_question_sqls": by_id(examples),
            "join_specs": by_id(joins),
            "sql_snippets": {"filters": by_id(filters), "measures": by_id(measures)},
        },
        "benchmarks": {"questions": by_id(benchmarks)},
    });
    Ok(Space { value, ..counts })
}

/// The resource of a Declarative Automation Bundle that deploys the space from its file.
pub fn bundle_resource(definition: &Definition, file: &str) -> String {
    yaml::document(&json!({
        "resources": {"genie_spaces": {"sparklake": {
            "title": definition.title,
            "description": definition.description,
            "warehouse_id": "${var.warehouse_id}",
            "file_path": file,
        }}},
    }))
}

/// An error that says by how much something is too many, and what to do.
fn within(what: &str, count: usize, most: usize) -> Result<(), PublishError> {
    if count <= most {
        return Ok(());
    }
    Err(PublishError::Export(format!(
        "a Genie space takes {most} {what}, and this one has {count}; remove questions or views from the rules \
         folder, or entries from export/genie.toml"
    )))
}

fn matched_columns(tables: &[Value]) -> usize {
    let columns = tables
        .iter()
        .filter_map(|table| table.get("column_configs")?.as_array());
    let columns = columns.flatten();
    columns
        .filter(|column| column.get("enable_entity_matching").is_some())
        .count()
}

fn table(namespace: &Namespace, relation: &Relation, definition: &Definition) -> Value {
    let mut columns: Vec<&Column> = relation.columns.iter().collect();
    columns.sort_by(|one, other| one.name.cmp(&other.name));
    let configs: Vec<Value> = columns
        .iter()
        .map(|column| config(relation, column, definition))
        .collect();
    json!({
        "identifier": namespace.identifier(&relation.name),
        "description": [relation.comment()],
        "column_configs": configs,
    })
}

/// Values are matched in consumer views only: people ask those, and Genie keeps values of few columns.
fn config(relation: &Relation, column: &Column, definition: &Definition) -> Value {
    let mut config = Map::new();
    config.insert("column_name".to_owned(), json!(column.name));
    if !column.description.is_empty() {
        config.insert("description".to_owned(), json!([column.comment()]));
    }
    if let Some(synonyms) = definition.synonyms.get(&column.name) {
        config.insert("synonyms".to_owned(), json!(synonyms));
    }
    if definition.hidden_columns.contains(&column.name) {
        config.insert("exclude".to_owned(), json!(true));
    } else if relation.kind == RelationKind::ConsumerView
        && column.data_type == "string"
        && definition.matched_columns.contains(&column.name)
    {
        config.insert("enable_format_assistance".to_owned(), json!(true));
        config.insert("enable_entity_matching".to_owned(), json!(true));
    }
    Value::Object(config)
}

/// One join for each foreign key between tables of the space.
fn joins(namespace: &Namespace, shown: &[&Relation], relations: &[Relation]) -> Vec<Value> {
    let is_shown = |name: &str| shown.iter().any(|relation| relation.name == name);
    let mut joins = Vec::new();
    for table in shown.iter().filter(|relation| relation.is_table()) {
        for key in foreign_keys(table, relations) {
            if !is_shown(&key.parent) {
                continue;
            }
            let pairs = key.columns.iter().zip(&key.parent_columns);
            let equalities: Vec<String> = pairs
                .map(|(column, parent)| {
                    format!("`{}`.`{column}` = `{}`.`{parent}`", table.name, key.parent)
                })
                .collect();
            joins.push(json!({
                "id": id(&["join", &key.name]),
                "left": {"identifier": namespace.identifier(&table.name), "alias": table.name},
                "right": {"identifier": namespace.identifier(&key.parent), "alias": key.parent},
                "join_type": "LEFT JOIN",
                "sql": equalities,
                "comment": [format!("Many rows of {} belong to one of {}.", table.name, key.parent)],
            }));
        }
    }
    joins
}

fn expression(namespace: &Namespace, snippet: &Snippet) -> Value {
    let mut entry = Map::new();
    entry.insert(
        "id".to_owned(),
        json!(id(&["snippet", &snippet.of, &snippet.alias])),
    );
    entry.insert("alias".to_owned(), json!(snippet.alias));
    entry.insert("display_name".to_owned(), json!(snippet.name));
    entry.insert("sql".to_owned(), json!([snippet.sql]));
    if !snippet.synonyms.is_empty() {
        entry.insert("synonyms".to_owned(), json!(snippet.synonyms));
    }
    let about = format!("Over {}.", namespace.identifier(&snippet.of));
    entry.insert("instruction".to_owned(), json!([about]));
    Value::Object(entry)
}

fn query(namespace: &Namespace, question: &Question) -> String {
    namespace.qualify(
        question.query.standalone_sql().trim_end(),
        &question.query.reads,
    )
}

/// The lines of a text, each with its end, as the serialized form has them.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// 32 hexadecimal digits that are the same for the same words.
fn id(words: &[&str]) -> String {
    let half = |seed: u64| {
        let mut hasher = XxHash64::with_seed(seed);
        for word in words {
            hasher.write(word.as_bytes());
            hasher.write_u8(0);
        }
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(0), half(1))
}

/// Lists with ids have to be in the order of these.
fn by_id(mut entries: Vec<Value>) -> Vec<Value> {
    entries.sort_by(|one, other| {
        let id = |entry: &Value| entry.get("id").and_then(Value::as_str).map(str::to_owned);
        id(one).cmp(&id(other))
    });
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::export::relations::tests::built_in;

    #[tokio::test]
    async fn the_space_keeps_the_limits_and_the_documented_shape() {
        let relations = built_in().await;
        let catalog = Catalog::built_in().expect("valid");
        let namespace = Namespace::new("main", "ops").expect("names");
        let space = space(&namespace, &relations, &catalog).expect("a space");
        assert!(space.tables <= 50 && space.instructions <= 100 && space.snippets <= 200);
        assert!(
            space.instructions > 60 && space.benchmarks >= 40,
            "{space:?}"
        );
        let mut lists = vec![&space.value];
        let mut ids = BTreeSet::new();
        while let Some(value) = lists.pop() {
            match value {
                Value::Object(entries) => lists.extend(entries.values()),
                Value::Array(items) => {
                    let of_list: Vec<&str> = items
                        .iter()
                        .filter_map(|item| item.get("id")?.as_str())
                        .collect();
                    assert!(of_list.is_sorted(), "{of_list:?}");
                    for id in of_list {
                        let is_hex =
                            |letter: u8| letter.is_ascii_digit() || (b'a'..=b'f').contains(&letter);
                        assert!(id.len() == 32 && id.bytes().all(is_hex), "{id}");
                        assert!(ids.insert(id.to_owned()), "{id} twice");
                    }
                    lists.extend(items);
                }
                _ => {}
            }
        }
        let tables = space
            .value
            .pointer("/data_sources/tables")
            .and_then(Value::as_array)
            .expect("tables");
        let names: Vec<&str> = tables
            .iter()
            .filter_map(|table| table.get("identifier")?.as_str())
            .collect();
        assert!(
            names.is_sorted() && names.contains(&"main.ops.query_overview"),
            "{names:?}"
        );
        // No query names a table that the space does not have.
        for question in catalog.questions() {
            for read in &question.query.reads {
                assert!(
                    names.contains(&format!("main.ops.{read}").as_str()),
                    "{}: {read}",
                    question.id
                );
                assert!(
                    query(&namespace, question).contains(&format!("main.ops.{read}")),
                    "{}",
                    question.id
                );
            }
        }
    }

    #[test]
    fn too_many_tables_are_refused_with_the_limit_and_a_fix() {
        assert!(within("tables and views", 50, MAX_TABLES).is_ok());
        let error = within("tables and views", 51, MAX_TABLES)
            .expect_err("too many")
            .to_string();
        assert!(
            error.contains("takes 50 tables and views, and this one has 51; remove"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn benchmarks_do_not_repeat_the_examples() {
        let relations = built_in().await;
        let catalog = Catalog::built_in().expect("valid");
        let definition = Definition::read(&catalog, &relations).expect("valid");
        for question in catalog.questions() {
            assert_ne!(
                definition.benchmarks.get(&question.id),
                Some(&question.question),
                "{}",
                question.id
            );
        }
    }
}
