//! A data contract in the Open Data Contract Standard.

use serde_json::{Map, Value, json};

use super::ddl::foreign_keys;
use super::genie::Definition;
use super::relations::{Column, Relation, RelationKind};
use super::yaml;
use crate::analyze::{Catalog, Question};

/// The version of the standard that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OdcsVersion {
    /// 3.1.0: without synonyms and values.
    V3_1,
    /// 3.2.0.
    V3_2,
}

/// The contract of all tables and consumer views as YAML.
pub fn contract(
    version: OdcsVersion,
    lake: &str,
    relations: &[Relation],
    catalog: &Catalog,
    definition: &Definition,
) -> String {
    let name = match version {
        OdcsVersion::V3_1 => "v3.1.0",
        OdcsVersion::V3_2 => "v3.2.0",
    };
    let published = relations.iter();
    let published = published.filter(|relation| relation.kind != RelationKind::SharedView);
    let objects: Vec<Value> = published
        .map(|relation| object(version, relation, relations, catalog, definition))
        .collect();
    yaml::document(&json!({
        "apiVersion": name,
        "kind": "DataContract",
        "id": "sparklake",
        "name": "sparklake",
        "version": env!("CARGO_PKG_VERSION"),
        "status": "active",
        "description": {
            "purpose": definition.description,
            "usage": definition.instructions.join(" "),
        },
        "servers": [{
            "server": "lake",
            "type": "custom",
            "description": "Delta tables, one folder for each.",
            "customProperties": [
                {"property": "location", "value": lake},
                {"property": "format", "value": "delta"},
            ],
        }],
        "schema": objects,
    }))
}

fn object(
    version: OdcsVersion,
    relation: &Relation,
    relations: &[Relation],
    catalog: &Catalog,
    definition: &Definition,
) -> Value {
    let properties: Vec<Value> = relation
        .columns
        .iter()
        .map(|column| property(version, relation, column, definition))
        .collect();
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| {
        object.insert(key.to_owned(), value);
    };
    put("name", json!(relation.name));
    put("physicalName", json!(relation.name));
    put("logicalType", json!("object"));
    put(
        "physicalType",
        json!(if relation.is_table() { "table" } else { "view" }),
    );
    put("businessName", json!(relation.title));
    put("description", json!(relation.description));
    put("dataGranularityDescription", json!(relation.grain));
    put("properties", json!(properties));
    let keys: Vec<Value> = foreign_keys(relation, relations)
        .iter()
        .map(|key| {
            let name = |table: &str, columns: &[String]| {
                let names = columns.iter();
                let names = names.map(|column| format!("{table}.{column}"));
                names.collect::<Vec<String>>()
            };
            json!({
                "type": "foreignKey",
                "from": name(&relation.name, &key.columns),
                "to": name(&key.parent, &key.parent_columns),
            })
        })
        .collect();
    if relation.is_table() && !keys.is_empty() {
        put("relationships", json!(keys));
    }
    let statements: Vec<Value> = catalog
        .questions()
        .filter(|question| question.query.reads == [relation.name.clone()])
        .map(|question: &Question| {
            json!({"question": question.question, "answer": question.query.standalone_sql().trim_end()})
        })
        .collect();
    if version == OdcsVersion::V3_2 && !statements.is_empty() {
        put("context", json!({"verifiedStatements": statements}));
    }
    Value::Object(object)
}

fn property(
    version: OdcsVersion,
    relation: &Relation,
    column: &Column,
    definition: &Definition,
) -> Value {
    let mut property = Map::new();
    let mut put = |key: &str, value: Value| {
        property.insert(key.to_owned(), value);
    };
    put("name", json!(column.name));
    let logical = match column.data_type.as_str() {
        "bigint" | "int" => "integer",
        "double" => "number",
        "boolean" => "boolean",
        "timestamp" => "timestamp",
        "date" => "date",
        other if other.starts_with("array") => "array",
        other if other.starts_with("decimal") => "number",
        _ => "string",
    };
    put("logicalType", json!(logical));
    put("physicalType", json!(column.data_type));
    put("description", json!(column.comment()));
    put("required", json!(!column.nullable));
    if logical == "array" {
        let items = if column.data_type.contains("bigint") {
            "integer"
        } else {
            "string"
        };
        put("items", json!({"logicalType": items}));
    }
    if let Some(place) = relation.keys.iter().position(|key| *key == column.name) {
        put("primaryKey", json!(true));
        put("primaryKeyPosition", json!(place + 1));
    }
    if let Some(place) = relation
        .partition_by
        .iter()
        .position(|key| *key == column.name)
    {
        put("partitioned", json!(true));
        put("partitionKeyPosition", json!(place + 1));
    }
    if version == OdcsVersion::V3_2 {
        if !column.values.is_empty() {
            let values: Vec<Value> = column
                .values
                .iter()
                .map(|value| json!({"value": value}))
                .collect();
            put("enum", json!(values));
        }
        if let Some(synonyms) = definition.synonyms.get(&column.name) {
            let synonyms: Vec<Value> = synonyms
                .iter()
                .map(|synonym| json!({"synonym": synonym}))
                .collect();
            put("synonyms", json!(synonyms));
        }
    }
    if let Some(unit) = &column.unit {
        put(
            "customProperties",
            json!([{"property": "unit", "value": unit}]),
        );
    }
    Value::Object(property)
}
