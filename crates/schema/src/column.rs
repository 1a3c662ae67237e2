//! A column as its contract declares it.

use arrow::datatypes::DataType;
use serde::Deserialize;

use super::naming::is_snake_case;
use super::problem::Problem;

/// Units a column may have; one list, so that `ms` is never also `millis` somewhere.
const UNITS: &[&str] = &[
    "byte_ms",
    "bytes",
    "bytes_per_ms",
    "core_ms",
    "cores",
    "count",
    "gb",
    "gb_hours",
    "hours",
    "mb",
    "minutes",
    "ms",
    "ns",
    "percent",
    "ratio",
    "records",
    "records_per_second",
    "s",
    "usd",
    "vcpu_hours",
];

/// Type of a column. All of them exist in Delta's reader version 1, writer version 2.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// 64-bit signed integer.
    #[serde(rename = "bigint")]
    Bigint,
    /// 32-bit signed integer.
    #[serde(rename = "int")]
    Int,
    /// 64-bit floating point number.
    #[serde(rename = "double")]
    Double,
    /// True or false.
    #[serde(rename = "boolean")]
    Boolean,
    /// UTF-8 text.
    #[serde(rename = "string")]
    String,
    /// Instant in UTC with microseconds.
    #[serde(rename = "timestamp")]
    Timestamp,
    /// Day of the calendar, in UTC.
    #[serde(rename = "date")]
    Date,
    /// List of 64-bit integers.
    #[serde(rename = "array<bigint>")]
    BigintArray,
    /// List of texts.
    #[serde(rename = "array<string>")]
    StringArray,
}

impl ColumnType {
    /// The type of its Arrow arrays.
    pub fn arrow_type(self) -> DataType {
        super::arrow::arrow_type(self)
    }

    /// The type's name in contracts and in SQL.
    pub fn sql_name(self) -> &'static str {
        match self {
            Self::Bigint => "bigint",
            Self::Int => "int",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Timestamp => "timestamp",
            Self::Date => "date",
            Self::BigintArray => "array<bigint>",
            Self::StringArray => "array<string>",
        }
    }
}

/// A column of a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Name in snake_case.
    pub name: String,
    /// Type of its values.
    #[serde(rename = "type")]
    pub data_type: ColumnType,
    /// Whether a row may leave it NULL.
    #[serde(default = "nullable_by_default")]
    pub nullable: bool,
    /// Unit of its numbers, one of a fixed list.
    pub unit: Option<String>,
    /// What it holds, edge cases and the meaning of NULL included.
    pub description: String,
    /// Every value it can have, where they are few.
    #[serde(default)]
    pub values: Vec<String>,
    /// `table.column` it points to, together with the keys that both tables share.
    pub references: Option<String>,
    /// Event field or formula it comes from.
    pub source: Option<String>,
}

fn nullable_by_default() -> bool {
    true
}

impl Column {
    /// Table and column it points to.
    pub fn reference(&self) -> Option<(&str, &str)> {
        self.references.as_deref()?.split_once('.')
    }

    /// Everything the contract says about the column, in one text: the comment of the Delta
    /// column, which every export repeats.
    pub fn comment(&self) -> String {
        let mut comment = self.description.clone();
        let mut add = |label: &str, text: &str| {
            comment.push_str(&format!(" {label}: {text}."));
        };
        if let Some(unit) = &self.unit {
            add("Unit", unit);
        }
        if !self.values.is_empty() {
            add("Values", &self.values.join(", "));
        }
        if let Some(references) = &self.references {
            add("References", references);
        }
        if let Some(source) = &self.source {
            add("Source", source);
        }
        comment
    }

    pub(super) fn check(&self) -> Result<(), Problem> {
        let column = || self.name.clone();
        if !is_snake_case(&self.name) {
            return Err(Problem::NotSnakeCase { name: column() });
        }
        if self.description.trim().is_empty() {
            return Err(Problem::NoDescription { of: column() });
        }
        if let Some(unit) = &self.unit
            && !UNITS.contains(&unit.as_str())
        {
            return Err(Problem::UnknownUnit {
                column: column(),
                unit: unit.clone(),
            });
        }
        if self.references.is_some() && self.reference().is_none() {
            return Err(Problem::MalformedReference { column: column() });
        }
        Ok(())
    }
}
