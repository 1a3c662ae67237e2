//! The advice of a rule: a table of conditions in its header, of which the first that holds is given.
//!
//! ```sql
//! -- advice: cause = 'shuffle' AND NOT adaptive | spark.sql.adaptive.enabled | 'true' |
//! --   Turn adaptive execution on: it splits skewed join partitions by itself.
//! -- advice: cause = 'input' | - | - | Write the input in files of even size.
//! ```
//! Condition and recommended value are SQL over the columns that the rule selects, so that every
//! engine evaluates them; the text is a template. A line whose setting has that value already, or
//! does not exist in the application's Spark, is passed over.

use arrow::array::{Array, AsArray, RecordBatch};
use serde::Serialize;

use super::error::CatalogError;
use super::header::Field;
use super::template::Template;

/// Between the parts of a line.
const SEPARATOR: &str = " | ";
/// Stands for no setting and no value.
const NOTHING: &str = "-";

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// When it is given: a SQL expression over the rule's columns.
    pub condition: String,
    /// The setting to change.
    pub config_key: Option<String>,
    /// Its value: a SQL expression over the rule's columns.
    pub recommended: Option<String>,
    /// What to do.
    pub text: Template,
}

impl Advice {
    /// Reads `condition | setting | value | text`.
    pub(super) fn parse(file: &str, field: &Field) -> Result<Self, CatalogError> {
        let wrong =
            |problem: String, cure: &str| CatalogError::new(file, field.line, problem, cure);
        let parts: Vec<&str> = field.value.splitn(4, SEPARATOR).map(str::trim).collect();
        let [condition, key, recommended, text] = parts.as_slice() else {
            return Err(wrong(
                format!("`{}` is no advice", field.value),
                "write `-- advice: condition | setting or - | value or - | text`",
            ));
        };
        let given = |part: &str| (part != NOTHING).then(|| part.to_owned());
        let advice = Self {
            condition: (*condition).to_owned(),
            config_key: given(key),
            recommended: given(recommended),
            text: Template::parse(text)
                .map_err(|problem| wrong(problem, "correct the text of the advice"))?,
        };
        if advice.config_key.is_none() && advice.recommended.is_some() {
            return Err(wrong(
                "the advice has a value but no setting".to_owned(),
                "name the setting, or write `-` for the value",
            ));
        }
        Ok(advice)
    }
}

/// Name of the column that tells whether the condition of that line holds.
pub(super) fn holds_column(index: usize) -> String {
    format!("advice_{}", index + 1)
}

/// The line of advice that a row of the rule's answer gets, were none of their settings in force.
pub(super) fn first_that_holds(answer: &RecordBatch, row: usize) -> Option<usize> {
    (0..)
        .map_while(|index| answer.column_by_name(&holds_column(index)))
        .position(|holds| {
            let holds = holds.as_boolean_opt();
            holds.is_some_and(|holds| row < holds.len() && holds.is_valid(row) && holds.value(row))
        })
}

/// Name of the column with the value that line recommends.
pub(super) fn value_column(index: usize) -> String {
    format!("advice_{}_value", index + 1)
}

/// The rule's query with two more columns for each line of advice. `body` is the text of the file;
/// comments in it are fine.
pub(super) fn statement(body: &str, advice: &[Advice]) -> String {
    if advice.is_empty() {
        return body.to_owned();
    }
    let mut sql = "SELECT found.*".to_owned();
    for (index, line) in advice.iter().enumerate() {
        let value = line.recommended.as_deref().unwrap_or("NULL");
        sql.push_str(&format!(
            ",\n  ({}) AS {},\n  CAST({value} AS STRING) AS {}",
            line.condition,
            holds_column(index),
            value_column(index),
        ));
    }
    let body = body.trim_end().trim_end_matches(';');
    sql.push_str("\nFROM (\n");
    sql.push_str(body);
    sql.push_str("\n) AS found\n");
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<Advice, CatalogError> {
        let field = Field {
            key: "advice".to_owned(),
            value: value.to_owned(),
            line: 9,
        };
        Advice::parse("a.sql", &field)
    }

    #[test]
    fn a_line_has_a_condition_a_setting_a_value_and_a_text() {
        let advice =
            parse("a || 'x' = 'bx' | spark.x | CONCAT(n, 'g') | Set it to {n:int} | or so.")
                .expect("valid");
        assert_eq!(advice.condition, "a || 'x' = 'bx'");
        assert_eq!(advice.config_key.as_deref(), Some("spark.x"));
        assert_eq!(advice.recommended.as_deref(), Some("CONCAT(n, 'g')"));
        assert_eq!(advice.text.text(), "Set it to {n:int} | or so.");
        let plain = parse("TRUE | - | - | Look.").expect("valid");
        assert_eq!((plain.config_key, plain.recommended), (None, None));
    }

    #[test]
    fn faults_name_the_line() {
        for (value, problem) in [
            ("TRUE | spark.x | 1", "is no advice"),
            ("TRUE | - | 1 | Set it.", "has a value but no setting"),
            ("TRUE | - | - | Set {it.", "never closed"),
        ] {
            let error = parse(value).expect_err(value).to_string();
            assert!(
                error.starts_with("a.sql:9: ") && error.contains(problem),
                "{error}"
            );
        }
    }

    #[test]
    fn the_statement_asks_each_condition_over_the_rules_columns() {
        let advice = [parse("n > $min | spark.x | n + 1 | Set.").expect("valid")];
        let sql = statement("-- id: a\nSELECT 1 AS n -- one\n", &advice);
        assert_eq!(
            sql,
            "SELECT found.*,\n  (n > $min) AS advice_1,\n  CAST(n + 1 AS STRING) AS advice_1_value\n\
             FROM (\n-- id: a\nSELECT 1 AS n -- one\n) AS found\n"
        );
        assert_eq!(statement("SELECT 1", &[]), "SELECT 1");
    }
}
