//! The thresholds of a rule or table: declared in its header, overridden in the job file.

use crate::model::SettingValue;
use std::fmt;

use datafusion::common::ScalarValue;
use serde::Serialize;

use super::error::CatalogError;
use super::header::Field;

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterType {
    /// A whole number.
    Bigint,
    /// A number.
    Double,
    /// `true` or `false`.
    Boolean,
    /// Text.
    String,
}

impl ParameterType {
    const ALL: [(&'static str, Self); 4] = [
        ("bigint", Self::Bigint),
        ("double", Self::Double),
        ("boolean", Self::Boolean),
        ("string", Self::String),
    ];

    fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, kind)| *kind)
    }
}

impl fmt::Display for ParameterType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL
            .iter()
            .find(|(_, kind)| kind == self)
            .map_or("", |(name, _)| name);
        formatter.write_str(name)
    }
}

/// Reads a value of type `kind` from a rule's header.
fn parse_value(kind: ParameterType, text: &str) -> Option<SettingValue> {
    match kind {
        ParameterType::Bigint => text
            .replace('_', "")
            .parse()
            .ok()
            .map(SettingValue::Integer),
        ParameterType::Double => text
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(SettingValue::Double),
        ParameterType::Boolean => text.parse().ok().map(SettingValue::Boolean),
        ParameterType::String => Some(SettingValue::Text(text.to_owned())),
    }
}

/// The value as `kind` holds it, or `None` where it does not fit. A whole number fits a double.
fn fit_value(value: &SettingValue, kind: ParameterType) -> Option<SettingValue> {
    match (kind, value) {
        (ParameterType::Boolean, SettingValue::Boolean(_))
        | (ParameterType::Bigint, SettingValue::Integer(_))
        | (ParameterType::String, SettingValue::Text(_)) => Some(value.clone()),
        (ParameterType::Double, SettingValue::Double(number)) if number.is_finite() => {
            Some(value.clone())
        }
        #[expect(clippy::cast_precision_loss, reason = "thresholds are far below 2^53")]
        (ParameterType::Double, SettingValue::Integer(number)) => {
            Some(SettingValue::Double(*number as f64))
        }
        _ => None,
    }
}

/// The value as a literal of DataFusion.
pub(super) fn scalar_value(value: &SettingValue) -> ScalarValue {
    match value {
        SettingValue::Boolean(value) => ScalarValue::Boolean(Some(*value)),
        SettingValue::Integer(value) => ScalarValue::Int64(Some(*value)),
        SettingValue::Double(value) => ScalarValue::Float64(Some(*value)),
        SettingValue::Text(value) => ScalarValue::Utf8(Some(value.clone())),
    }
}

/// The value as SQL that every engine reads.
pub(super) fn literal(value: &SettingValue) -> String {
    match value {
        SettingValue::Boolean(value) => value.to_string(),
        SettingValue::Integer(value) => value.to_string(),
        // With an exponent it is a double in Spark, without one a decimal.
        SettingValue::Double(value) => format!("{value:e}"),
        SettingValue::Text(value) => format!("'{}'", value.replace('\'', "''")),
    }
}

/// One threshold of a rule or table, used in its SQL as `$name`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameter {
    /// Its name, as in `$name`.
    pub name: String,
    /// Its type.
    pub data_type: ParameterType,
    /// The value that holds: the file's default, or the user's.
    pub value: SettingValue,
    /// Unit of the value, as in the table contracts.
    pub unit: String,
    /// What it decides.
    pub description: String,
}

impl Parameter {
    /// Its value as the query engine takes it.
    pub fn scalar_value(&self) -> ScalarValue {
        scalar_value(&self.value)
    }

    /// Reads `name type = default [unit] description`.
    pub(super) fn parse(file: &str, field: &Field) -> Result<Self, CatalogError> {
        parse_declaration(&field.value).ok_or_else(|| {
            CatalogError::new(
                file,
                field.line,
                format!("`{}` does not declare a parameter", field.value),
                "write `-- parameter: name type = default [unit] description`, \
                 where type is bigint, double, boolean or string",
            )
        })
    }

    /// Gives the parameter a user's value; the old one stays where the new does not fit its type, is
    /// negative where the old one is not (no threshold of time, size, number or share is), is a
    /// `share` of more than 1, or is none of the values that the unit lists (`on|off`).
    pub(super) fn replace(&mut self, value: &SettingValue) -> Result<(), String> {
        let refused = || {
            format!(
                "`{value}` is not a {} as `{}` needs it",
                self.data_type, self.name
            )
        };
        let fitting = fit_value(value, self.data_type).ok_or_else(refused)?;
        if is_negative(&fitting) && !is_negative(&self.value) {
            return Err(format!(
                "`{value}` is below 0, which `{}` cannot be",
                self.name
            ));
        }
        if self.unit == SHARE && matches!(fitting, SettingValue::Double(number) if number > 1.0) {
            return Err(format!(
                "`{value}` is more than 1, which the share `{}` cannot be",
                self.name
            ));
        }
        if let (Some(choices), SettingValue::Text(text)) = (self.choices(), &fitting)
            && !choices.contains(&text.as_str())
        {
            return Err(format!(
                "`{value}` is none of the values of `{}`: {}",
                self.name,
                choices.join(", ")
            ));
        }
        self.value = fitting;
        Ok(())
    }

    /// The values of a parameter that chooses among some, which stand where others have a unit.
    fn choices(&self) -> Option<Vec<&str>> {
        let choices: Vec<&str> = self.unit.split('|').map(str::trim).collect();
        (choices.len() > 1).then_some(choices)
    }
}

/// Unit of a part of a whole: from 0 to 1.
const SHARE: &str = "share";

fn is_negative(value: &SettingValue) -> bool {
    match value {
        SettingValue::Integer(number) => *number < 0,
        SettingValue::Double(number) => *number < 0.0,
        SettingValue::Boolean(_) | SettingValue::Text(_) => false,
    }
}

fn parse_declaration(text: &str) -> Option<Parameter> {
    let (declared, rest) = text.split_once('=')?;
    let (name, kind) = declared.trim().split_once(char::is_whitespace)?;
    let data_type = ParameterType::parse(kind.trim())?;
    let (default, rest) = rest.split_once('[')?;
    let (unit, description) = rest.split_once(']')?;
    let value = parse_value(data_type, default.trim())?;
    let description = description.trim();
    (is_name(name) && !description.is_empty()).then(|| Parameter {
        name: name.to_owned(),
        data_type,
        value,
        unit: unit.trim().to_owned(),
        description: description.to_owned(),
    })
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(value: &str) -> Field {
        Field {
            key: "parameter".to_owned(),
            value: value.to_owned(),
            line: 7,
        }
    }

    #[test]
    fn a_declaration_gives_name_type_default_unit_and_meaning() {
        let parameter = Parameter::parse(
            "a.sql",
            &field("min_bytes bigint = 1_048_576 [bytes] at least"),
        )
        .expect("valid");
        assert_eq!(parameter.name, "min_bytes");
        assert_eq!(parameter.value, SettingValue::Integer(1_048_576));
        assert_eq!(
            (parameter.unit.as_str(), parameter.description.as_str()),
            ("bytes", "at least")
        );
    }

    #[test]
    fn a_wrong_declaration_names_file_and_line() {
        for wrong in [
            "min_ratio",
            "min_ratio float = 1 [ratio] x",
            "r double = abc [ratio] x",
            "r double = NaN [ratio] x",
            "r double = 2 ratio x",
            "r double = 2 [ratio]",
        ] {
            let error = Parameter::parse("a.sql", &field(wrong)).expect_err(wrong);
            assert_eq!((error.file.as_str(), error.line), ("a.sql", 7), "{wrong}");
        }
    }

    #[test]
    fn a_whole_number_serves_as_a_double_but_text_does_not() {
        let mut parameter =
            Parameter::parse("a.sql", &field("min_ratio double = 3 [ratio] x")).expect("valid");
        parameter.replace(&SettingValue::Integer(5)).expect("fits");
        assert_eq!(parameter.value, SettingValue::Double(5.0));
        let refused = parameter.replace(&SettingValue::Text("many".to_owned()));
        assert_eq!(
            refused,
            Err("`many` is not a double as `min_ratio` needs it".to_owned())
        );
        assert_eq!(parameter.value, SettingValue::Double(5.0));
    }

    #[test]
    fn a_share_is_at_most_one_and_a_choice_is_one_of_those_listed() {
        let mut discount =
            Parameter::parse("a.sql", &field("discount double = 0.6 [share] x")).expect("valid");
        let refused = discount.replace(&SettingValue::Double(1.6));
        assert_eq!(
            refused,
            Err("`1.6` is more than 1, which the share `discount` cannot be".to_owned())
        );
        discount.replace(&SettingValue::Integer(1)).expect("all");
        let mut way = Parameter::parse("a.sql", &field("way string = road [road|rail|none] x"))
            .expect("valid");
        let refused = way.replace(&SettingValue::Text("rails".to_owned()));
        assert_eq!(
            refused,
            Err("`rails` is none of the values of `way`: road, rail, none".to_owned())
        );
        way.replace(&SettingValue::Text("rail".to_owned()))
            .expect("listed");
    }

    #[test]
    fn a_threshold_does_not_go_below_zero() {
        let mut ratio =
            Parameter::parse("a.sql", &field("min_ratio double = 3 [ratio] x")).expect("valid");
        let mut bytes =
            Parameter::parse("a.sql", &field("min_bytes bigint = 0 [bytes] x")).expect("valid");
        for value in [SettingValue::Double(-0.5), SettingValue::Integer(-5)] {
            let refused = ratio.replace(&value).expect_err("below 0");
            assert!(refused.contains("is below 0"), "{refused}");
        }
        bytes
            .replace(&SettingValue::Integer(-1))
            .expect_err("below 0");
        assert_eq!(ratio.value, SettingValue::Double(3.0));
        assert_eq!(bytes.value, SettingValue::Integer(0));
        let mut attempt =
            Parameter::parse("a.sql", &field("attempt bigint = -1 [id] -1: the newest"))
                .expect("valid");
        attempt
            .replace(&SettingValue::Integer(-2))
            .expect("as its default");
    }
}
