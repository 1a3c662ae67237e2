//! What the rules found, gathered into one table `rule_results`, from which
//! `sql/tables/findings.sql` makes the findings.
//!
//! A rule has to say which application and subject it means and what it saw; everything else has a
//! default, so that a rule of a user's own is short:
//!
//! | a rule gives | column |
//! |---|---|
//! | always | `platform, cluster_id, application_id, attempt_id, subject_type, subject_id, evidence` |
//! | if it can | the other columns of [`OPTIONAL`]; NULL, or leaving the column out, takes the default |
//!
//! The runner adds `rule_id, rule_version, category, rule_title, rule_severity,
//! rule_recommendation, rule_config_key` from the rule's header.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::conform::{arrow_failure, convert, sort_by_unique};
use super::definition::Rule;
use super::error::AnalyzeError;
use crate::model::did_you_mean;
use crate::schema;

/// Name under which findings.sql reads what the rules found.
pub(super) const RULE_RESULTS: &str = "rule_results";

/// Columns that every rule gives.
const REQUIRED: [(&str, DataType); 7] = [
    ("platform", DataType::Utf8),
    ("cluster_id", DataType::Utf8),
    ("application_id", DataType::Utf8),
    ("attempt_id", DataType::Utf8),
    ("subject_type", DataType::Utf8),
    ("subject_id", DataType::Utf8),
    ("evidence", DataType::Utf8),
];

/// Columns that a rule gives if it can.
const OPTIONAL: [(&str, DataType); 10] = [
    ("severity", DataType::Utf8),
    ("confidence", DataType::Utf8),
    ("title", DataType::Utf8),
    ("evidence_json", DataType::Utf8),
    ("lost_core_ms", DataType::Int64),
    ("recoverable_ms", DataType::Int64),
    ("recommendation", DataType::Utf8),
    ("config_key", DataType::Utf8),
    ("config_current", DataType::Utf8),
    ("config_recommended", DataType::Utf8),
];

/// What a finding of one rule is about; a rule finds it once.
const SUBJECT: [&str; 6] = [
    "platform",
    "cluster_id",
    "application_id",
    "attempt_id",
    "subject_type",
    "subject_id",
];

/// The schema of `rule_results`.
pub(super) fn arrow_schema() -> SchemaRef {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    let required = REQUIRED
        .into_iter()
        .map(|(name, kind)| Field::new(name, kind, false));
    let optional = OPTIONAL
        .into_iter()
        .map(|(name, kind)| Field::new(name, kind, true));
    let from_header = [
        text("rule_id", false),
        Field::new("rule_version", DataType::Int64, false),
        text("category", false),
        text("rule_title", false),
        text("rule_severity", false),
        text("rule_recommendation", false),
        text("rule_config_key", true),
    ];
    Arc::new(Schema::new(
        required
            .chain(optional)
            .chain(from_header)
            .collect::<Vec<Field>>(),
    ))
}

/// One rule's answer as rows of `rule_results`.
pub(super) fn from_rule(rule: &Rule, answer: &RecordBatch) -> Result<RecordBatch, AnalyzeError> {
    let file = &rule.query.file;
    refuse_unknown_columns(file, answer)?;
    let given = |name: &str, kind: &DataType, nullable: bool| match answer.column_by_name(name) {
        Some(column) => convert(file, name, column, kind, nullable),
        None if nullable => Ok(new_null_array(kind, answer.num_rows())),
        None => Err(AnalyzeError::Contract {
            file: file.clone(),
            problem: format!("the rule does not give the column `{name}`"),
            cure: "add it to the SELECT list".to_owned(),
        }),
    };
    let mut columns = Vec::new();
    for (name, kind) in &REQUIRED {
        columns.push(given(name, kind, false)?);
    }
    for (name, kind) in &OPTIONAL {
        columns.push(given(name, kind, true)?);
    }
    columns.extend(header_columns(rule, answer.num_rows()));
    let rows = RecordBatch::try_new(arrow_schema(), columns).map_err(arrow_failure(file))?;
    check_values(file, &rows)?;
    sort_by_unique(file, &rows, &SUBJECT)
}

/// The values that the contract of findings lists are the only ones.
fn check_values(file: &str, rows: &RecordBatch) -> Result<(), AnalyzeError> {
    let contract = schema::table("findings").map_or(&[][..], |findings| &findings.columns);
    for column in contract.iter().filter(|column| !column.values.is_empty()) {
        let Some(texts) = rows
            .column_by_name(&column.name)
            .and_then(|values| values.as_string_opt::<i32>())
        else {
            continue;
        };
        if let Some(wrong) = texts
            .iter()
            .flatten()
            .find(|text| !column.values.iter().any(|known| known == text))
        {
            return Err(AnalyzeError::Contract {
                file: file.to_owned(),
                problem: format!("`{}` cannot be `{wrong}`", column.name),
                cure: did_you_mean(wrong, column.values.iter().map(String::as_str)),
            });
        }
    }
    Ok(())
}

fn header_columns(rule: &Rule, rows: usize) -> [ArrayRef; 7] {
    let text = |value: Option<&str>| -> ArrayRef {
        Arc::new(std::iter::repeat_n(value, rows).collect::<StringArray>())
    };
    [
        text(Some(&rule.id)),
        Arc::new(Int64Array::from_value(rule.version, rows)),
        text(Some(&rule.category)),
        text(Some(&rule.title)),
        text(Some(&rule.severity)),
        text(Some(&rule.recommendation)),
        text(rule.config_key.as_deref()),
    ]
}

fn refuse_unknown_columns(file: &str, answer: &RecordBatch) -> Result<(), AnalyzeError> {
    let known = || REQUIRED.iter().chain(&OPTIONAL).map(|(name, _)| *name);
    let schema = answer.schema();
    let unknown = schema
        .fields()
        .iter()
        .find(|field| !known().any(|name| name == field.name()));
    match unknown {
        None => Ok(()),
        Some(field) => Err(AnalyzeError::Contract {
            file: file.to_owned(),
            problem: format!("a finding has no column `{}`", field.name()),
            cure: did_you_mean(field.name(), known().collect::<Vec<_>>()),
        }),
    }
}
