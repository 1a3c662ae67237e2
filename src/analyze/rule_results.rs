//! What the rules found, gathered into one table `rule_results`, from which
//! `sql/tables/findings.sql` makes the findings.
//!
//! A rule selects the application's key and the subject, what it lost, and the numbers behind it;
//! from these and the rule's header come the sentence, its JSON, and the advice:
//!
//! | a rule gives | column |
//! |---|---|
//! | always | `platform, cluster_id, application_id, attempt_id, subject_id` |
//! | if it can | `lost_core_ms, recoverable_ms, severity, confidence, title` |
//! | any other | a number or short text for the evidence |
//!
//! A rule may also select `evidence, evidence_json, recommendation, config_key, config_current` and
//! `config_recommended` itself, where its header has no template for them. The runner adds `rule_id, rule_version, category, rule_title, rule_severity,
//! rule_recommendation` from the rule's header.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, new_null_array};
use arrow::array::{AsArray, BooleanArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema, SchemaRef};
use serde_json::{Number, Value};

use super::advice;
use super::conform::{arrow_failure, convert, sort_by_unique};
use super::definition::Rule;
use super::error::AnalyzeError;
use super::grouping::{self, Grouped};
use super::settings::{Settings, is_same_value};
use super::template::{Row, one_line};
use crate::model::{ApplicationKey, did_you_mean};
use crate::schema;

/// Name under which findings.sql reads what the rules found.
pub(super) const RULE_RESULTS: &str = "rule_results";

/// Columns that a rule gives if it can.
const OPTIONAL: [(&str, DataType); 5] = [
    ("severity", DataType::Utf8),
    ("confidence", DataType::Utf8),
    ("title", DataType::Utf8),
    ("lost_core_ms", DataType::Int64),
    ("recoverable_ms", DataType::Int64),
];

/// Columns that come from the header's templates, or from the query where the header has none.
const RENDERED: [&str; 6] = [
    "evidence",
    "evidence_json",
    "recommendation",
    "config_key",
    "config_current",
    "config_recommended",
];

/// Ends a recommendation whose setting has its value from a session of the application: an option of
/// the next start would change nothing.
pub const SET_IN_SESSION: &str =
    "The code sets it for its session (SET, spark.conf.set): change it there.";

/// Findings of the same kind that the evidence names, and that its JSON lists.
const SHOWN_OTHERS: usize = 5;
const MAX_OTHERS: usize = 20;

const HEADER: [(&str, DataType); 6] = [
    ("rule_id", DataType::Utf8),
    ("rule_version", DataType::Int64),
    ("category", DataType::Utf8),
    ("rule_title", DataType::Utf8),
    ("rule_severity", DataType::Utf8),
    ("rule_recommendation", DataType::Utf8),
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

/// The columns that a rule may give beside the numbers of its evidence.
pub(super) fn columns() -> impl Iterator<Item = &'static str> {
    let optional = OPTIONAL.iter().map(|(name, _)| *name);
    SUBJECT.into_iter().chain(optional).chain(RENDERED)
}

/// The schema of `rule_results`.
pub(super) fn arrow_schema() -> SchemaRef {
    let fields = SUBJECT
        .into_iter()
        .map(|name| Field::new(name, DataType::Utf8, false))
        .chain(OPTIONAL.map(|(name, kind)| Field::new(name, kind, true)))
        .chain(RENDERED.map(|name| Field::new(name, DataType::Utf8, name != "evidence")))
        .chain(HEADER.map(|(name, kind)| Field::new(name, kind, false)));
    Arc::new(Schema::new(fields.collect::<Vec<Field>>()))
}

/// One rule's answer as rows of `rule_results`.
pub(super) fn from_rule(
    rule: &Rule,
    answer: &RecordBatch,
    settings: &Settings,
) -> Result<RecordBatch, AnalyzeError> {
    let file = &rule.query.file;
    let measures = measures(rule, answer)?;
    let Grouped { rows, others } = match &rule.group_by {
        Some(column) => grouping::group(answer, column).map_err(arrow_failure(file))?,
        None => grouping::ungrouped(answer),
    };
    let answer = &rows;
    let count = answer.num_rows();
    let mut columns = subject_columns(rule, answer)?;
    for (name, kind) in &OPTIONAL {
        columns.push(match answer.column_by_name(name) {
            Some(column) => convert(file, name, column, kind, true)?,
            None => new_null_array(kind, count),
        });
    }
    let rows = Rows::read(file, answer)?;
    let rendered: Vec<Rendered> = (0..count)
        .zip(others)
        .map(|(row, others)| {
            let row = rows.row(row);
            let has_loss = ["lost_core_ms", "recoverable_ms"]
                .iter()
                .any(|name| row.get(*name).is_some_and(|value| !value.is_null()));
            Rendered::of(rule, &row, &measures, settings).with_others(
                &rule.subject,
                &others,
                has_loss,
            )
        })
        .collect();
    let column = |part: fn(&Rendered) -> Option<&str>| -> ArrayRef {
        Arc::new(rendered.iter().map(part).collect::<StringArray>())
    };
    columns.push(column(|texts| Some(&texts.evidence)));
    columns.push(column(|texts| Some(&texts.evidence_json)));
    columns.push(column(|texts| texts.recommendation.as_deref()));
    columns.push(column(|texts| texts.config_key.as_deref()));
    columns.push(column(|texts| texts.config_current.as_deref()));
    columns.push(column(|texts| texts.config_recommended.as_deref()));
    columns.extend(header_columns(rule, count));
    let rows = RecordBatch::try_new(arrow_schema(), columns).map_err(arrow_failure(file))?;
    check_values(file, &rows)?;
    sort_by_unique(file, &rows, &SUBJECT)
}

/// The texts of one finding.
struct Rendered {
    evidence: String,
    evidence_json: String,
    recommendation: Option<String>,
    config_key: Option<String>,
    config_current: Option<String>,
    config_recommended: Option<String>,
}

impl Rendered {
    fn of(rule: &Rule, row: &Row, measures: &[String], settings: &Settings) -> Self {
        let numbers: Row = measures
            .iter()
            .filter_map(|name| Some((name.clone(), short(row.get(name)?))))
            .collect();
        let selected = |name: &str| text_of(row, name);
        let evidence = rule.evidence.as_ref().map(|template| template.render(row));
        let mut texts = Self {
            evidence: evidence
                .or_else(|| selected("evidence"))
                .unwrap_or_default(),
            evidence_json: selected("evidence_json")
                .unwrap_or_else(|| Value::Object(numbers).to_string()),
            recommendation: selected("recommendation"),
            config_key: selected("config_key").or_else(|| rule.config_key.clone()),
            config_current: selected("config_current"),
            config_recommended: selected("config_recommended"),
        };
        texts.advise(rule, row, settings);
        texts
    }

    /// Says which findings of the same kind this one stands for.
    fn with_others(mut self, subject: &str, others: &[String], has_loss: bool) -> Self {
        if others.is_empty() {
            return self;
        }
        let losses = if has_loss {
            "; the loss is the sum of all"
        } else {
            ""
        };
        let sentence = format!(" The same holds for {}{losses}.", named(subject, others));
        self.evidence.push_str(&sentence);
        if let Some(json) = self.evidence_json.strip_suffix('}') {
            let times = others.len() + 1;
            let others = Value::from(others.get(..MAX_OTHERS).unwrap_or(others));
            self.evidence_json = format!("{json},\"occurrences\":{times},\"others\":{others}}}");
        }
        self
    }

    /// Takes the first advice that holds and would change something.
    fn advise(&mut self, rule: &Rule, row: &Row, settings: &Settings) {
        let key = |name: &str| text_of(row, name).unwrap_or_default();
        let application = ApplicationKey {
            platform: key("platform"),
            cluster_id: key("cluster_id"),
            application_id: key("application_id"),
            attempt_id: key("attempt_id"),
        };
        // A rule that selects the query of its subject judges by what that query ran with.
        let sql_id = row.get("sql_id").and_then(Value::as_i64);
        for (index, line) in rule.advice.iter().enumerate() {
            if row.get(&advice::holds_column(index)) != Some(&Value::Bool(true)) {
                continue;
            }
            let recommended = text_of(row, &advice::value_column(index));
            let current = line
                .config_key
                .as_deref()
                .and_then(|key| settings.current(&application, sql_id, key));
            if let Some(key) = &line.config_key {
                let in_force = is_in_force(current.as_deref(), recommended.as_deref());
                let lost_value = line.recommended.is_some() && recommended.is_none();
                if in_force || lost_value || !settings.exists(&application, key) {
                    continue;
                }
            }
            let mut row = row.clone();
            for (name, value) in [
                ("config_current", &current),
                ("config_recommended", &recommended),
            ] {
                row.insert(
                    name.to_owned(),
                    value.clone().map_or(Value::Null, Value::String),
                );
            }
            let mut text = line.text.render(&row);
            if let Some(key) = &line.config_key
                && settings.is_of_session(&application, sql_id, key)
            {
                text.push(' ');
                text.push_str(SET_IN_SESSION);
            }
            self.recommendation = Some(text);
            self.config_key.clone_from(&line.config_key);
            self.config_current = line.config_key.as_ref().and(current);
            self.config_recommended = line.config_key.as_ref().and(recommended);
            return;
        }
    }
}

/// `1 more (stage 3.0)`, `9 more (stages 3.0, 4.0, 5.0, 6.0, 7.0 and 4 others)`.
fn named(subject: &str, others: &[String]) -> String {
    let count = others.len();
    let (one, many) = match subject {
        "job" => ("job ", "jobs "),
        "stage" => ("stage ", "stages "),
        "sql" => ("query ", "queries "),
        "node" => ("node ", "nodes "),
        "executor" => ("executor ", "executors "),
        _ => ("", ""),
    };
    let noun = if count == 1 { one } else { many };
    let shown = others.get(..SHOWN_OTHERS).unwrap_or(others).join(", ");
    let rest = match count.saturating_sub(SHOWN_OTHERS) {
        0 => String::new(),
        1 => " and 1 other".to_owned(),
        more => format!(" and {more} others"),
    };
    format!("{count} more ({noun}{shown}{rest})")
}

fn is_in_force(current: Option<&str>, recommended: Option<&str>) -> bool {
    match (current, recommended) {
        (Some(current), Some(recommended)) => is_same_value(current, recommended),
        _ => false,
    }
}

fn text_of(row: &Row, name: &str) -> Option<String> {
    row.get(name)?.as_str().map(str::to_owned)
}

/// A number with at most six decimals, so that engines which add in another order agree; a text on
/// one line.
fn short(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(one_line(text)),
        Value::Number(number) if number.is_f64() => number
            .as_f64()
            .map(|number| (number * 1e6).round() / 1e6)
            .and_then(Number::from_f64)
            .map_or(Value::Null, Value::Number),
        other => other.clone(),
    }
}

/// The columns that are evidence: all that are neither key nor judgement nor advice. A column that
/// is nearly called like one of these is a slip of the pen.
fn measures(rule: &Rule, answer: &RecordBatch) -> Result<Vec<String>, AnalyzeError> {
    let schema = answer.schema();
    let judged = || SUBJECT.into_iter().chain(OPTIONAL.map(|(name, _)| name));
    let contract = |problem: String, cure: String| AnalyzeError::Contract {
        file: rule.query.file.clone(),
        problem,
        cure,
    };
    if rule.evidence.is_none() {
        let evidence = answer.column_by_name("evidence").ok_or_else(|| {
            contract(
                "the rule has no evidence".to_owned(),
                "add a line `-- evidence: …` to its header".to_owned(),
            )
        })?;
        convert(
            &rule.query.file,
            "evidence",
            evidence,
            &DataType::Utf8,
            false,
        )?;
    }
    if let Some(column) = &rule.group_by
        && schema.index_of(column).is_err()
    {
        return Err(contract(
            format!("the rule groups by `{column}`, which it does not select"),
            "add it to the SELECT list".to_owned(),
        ));
    }
    let mut measures = Vec::new();
    for field in schema.fields() {
        let name = field.name().as_str();
        if judged().any(|known| known == name) || name.starts_with("advice_") {
            continue;
        }
        if RENDERED.contains(&name) {
            continue;
        }
        if let Some(known) = judged().find(|known| strsim::levenshtein(known, name) == 1) {
            return Err(contract(
                format!("a finding has no column `{name}`"),
                format!("did you mean `{known}`?"),
            ));
        }
        measures.push(name.to_owned());
    }
    let templates = rule
        .advice
        .iter()
        .map(|line| &line.text)
        .chain(&rule.evidence);
    for column in templates.flat_map(|template| template.columns()) {
        let is_advice = ["config_current", "config_recommended"].contains(&column);
        if !is_advice && schema.index_of(column).is_err() {
            return Err(contract(
                format!(
                    "the text of the rule names the column `{column}`, which it does not select"
                ),
                did_you_mean(
                    column,
                    schema
                        .fields()
                        .iter()
                        .map(|field| field.name().as_str())
                        .collect::<Vec<_>>(),
                ),
            ));
        }
    }
    Ok(measures)
}

fn subject_columns(rule: &Rule, answer: &RecordBatch) -> Result<Vec<ArrayRef>, AnalyzeError> {
    let file = &rule.query.file;
    SUBJECT
        .into_iter()
        .map(|name| match answer.column_by_name(name) {
            Some(column) => convert(file, name, column, &DataType::Utf8, false),
            None if name == "subject_type" => {
                let subject = std::iter::repeat_n(Some(rule.subject.as_str()), answer.num_rows());
                Ok(Arc::new(subject.collect::<StringArray>()) as ArrayRef)
            }
            None => Err(AnalyzeError::Contract {
                file: file.clone(),
                problem: format!("the rule does not give the column `{name}`"),
                cure: "add it to the SELECT list".to_owned(),
            }),
        })
        .collect()
}

/// The answer by rows, as JSON values.
struct Rows {
    columns: Vec<(String, Vec<Value>)>,
}

impl Rows {
    fn read(file: &str, answer: &RecordBatch) -> Result<Self, AnalyzeError> {
        let schema = answer.schema();
        let columns = schema
            .fields()
            .iter()
            .zip(answer.columns())
            .map(|(field, column)| {
                let values = values(column).map_err(arrow_failure(file))?;
                Ok((field.name().clone(), values))
            })
            .collect::<Result<Vec<_>, AnalyzeError>>()?;
        Ok(Self { columns })
    }

    fn row(&self, row: usize) -> Row {
        self.columns
            .iter()
            .map(|(name, values)| (name.clone(), values.get(row).cloned().unwrap_or_default()))
            .collect()
    }
}

fn values(column: &ArrayRef) -> Result<Vec<Value>, arrow::error::ArrowError> {
    let kind = column.data_type();
    Ok(if kind == &DataType::Boolean {
        let flags: &BooleanArray = column.as_boolean();
        flags
            .iter()
            .map(|flag| flag.map_or(Value::Null, Value::Bool))
            .collect()
    } else if kind.is_integer() {
        let numbers = cast(column, &DataType::Int64)?;
        let numbers = numbers.as_primitive::<Int64Type>();
        numbers
            .iter()
            .map(|number| number.map_or(Value::Null, Value::from))
            .collect()
    } else if kind.is_numeric() {
        let numbers = cast(column, &DataType::Float64)?;
        let numbers = numbers.as_primitive::<Float64Type>();
        let json = |number| Number::from_f64(number).map_or(Value::Null, Value::Number);
        numbers
            .iter()
            .map(|number| number.map_or(Value::Null, json))
            .collect()
    } else {
        let texts = cast(column, &DataType::Utf8)?;
        let texts = texts.as_string::<i32>();
        texts
            .iter()
            .map(|text| text.map_or(Value::Null, Value::from))
            .collect()
    })
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

fn header_columns(rule: &Rule, rows: usize) -> [ArrayRef; 6] {
    let text = |value: &str| -> ArrayRef {
        Arc::new(std::iter::repeat_n(Some(value), rows).collect::<StringArray>())
    };
    [
        text(&rule.id),
        Arc::new(Int64Array::from_value(rule.version, rows)),
        text(&rule.category),
        text(&rule.title),
        text(&rule.severity),
        text(&rule.recommendation),
    ]
}
