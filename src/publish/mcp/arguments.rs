//! The arguments of a call, checked against the tool's declaration.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use datafusion::common::ScalarValue;
use serde_json::{Map, Value};

use super::declare::{Argument, DEFAULT_LIMIT, Kind, MAX_LIMIT, Tool};
use crate::model::did_you_mean;

/// Longest text of an argument, in bytes.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// Why a call gives no answer, in a sentence that says what to do: the model reads it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct ToolError(pub(super) String);

impl ToolError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// The arguments of one call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Arguments {
    values: BTreeMap<&'static str, Value>,
    /// All columns and lists are wanted, and a larger answer.
    pub(super) full: bool,
    pub(super) limit: i64,
    pub(super) offset: i64,
}

impl Arguments {
    /// # Errors
    /// An argument is unknown, missing or of another type.
    pub(super) fn parse(
        tool: &Tool,
        given: Option<&Map<String, Value>>,
    ) -> Result<Self, ToolError> {
        let mut arguments = Self {
            values: BTreeMap::new(),
            full: false,
            limit: DEFAULT_LIMIT,
            offset: 0,
        };
        // Models write null for what they leave out.
        let given = given.into_iter().flatten();
        for (name, value) in given.filter(|(_, value)| !value.is_null()) {
            arguments.take(tool, name, value)?;
        }
        let missing = tool
            .arguments
            .iter()
            .find(|known| known.required && !arguments.values.contains_key(known.name));
        match missing {
            Some(argument) => Err(ToolError::new(format!(
                "`{}` needs the argument `{}`{}",
                tool.name,
                argument.name,
                about(argument)
            ))),
            None => Ok(arguments),
        }
    }

    fn take(&mut self, tool: &Tool, name: &str, value: &Value) -> Result<(), ToolError> {
        if let Some(argument) = tool.argument(name) {
            let value = checked(argument, value)?;
            self.values.insert(argument.name, value);
            return Ok(());
        }
        match name {
            "detail" => match value.as_str() {
                Some("full") => self.full = true,
                Some("summary") => self.full = false,
                _ => return Err(wrong(name, "`summary` or `full`")),
            },
            "limit" if tool.is_paged() => {
                let limit = whole(value).filter(|limit| *limit >= 1);
                let limit = limit.ok_or_else(|| wrong(name, "a whole number from 1 on"))?;
                self.limit = limit.min(MAX_LIMIT);
            }
            "cursor" if tool.is_paged() => {
                let offset = value.as_str().and_then(|text| text.parse().ok());
                let offset = offset.filter(|offset: &i64| (0..i64::MAX >> 1).contains(offset));
                self.offset =
                    offset.ok_or_else(|| wrong(name, "the `next_cursor` of an earlier answer"))?;
            }
            _ => {
                let known = tool.argument_names();
                return Err(ToolError::new(format!(
                    "`{}` has no argument `{}`; {}",
                    tool.name,
                    short(name),
                    did_you_mean(name, known)
                )));
            }
        }
        Ok(())
    }

    /// The value of an argument as text; `None` where it is not given, or is a flag that is off.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.values.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Bool(false) => None,
            other => Some(other.to_string()),
        }
    }

    /// The value of a whole number.
    pub(super) fn whole(&self, name: &str) -> Option<i64> {
        self.values.get(name)?.as_i64()
    }

    /// What is given, as parameters of queries; applications and jobs are not among them.
    pub(super) fn parameters(&self, tool: &Tool) -> BTreeMap<String, ScalarValue> {
        let mut parameters = BTreeMap::new();
        for argument in tool.arguments {
            let is_subject = matches!(argument.kind, Kind::Application | Kind::Job);
            if let Some(value) = self.values.get(argument.name).filter(|_| !is_subject) {
                parameters.insert(argument.name.to_owned(), scalar(value));
            }
        }
        parameters.insert("limit".to_owned(), ScalarValue::from(self.limit));
        parameters.insert("offset".to_owned(), ScalarValue::from(self.offset));
        parameters
    }
}

/// A value as queries take it.
pub(super) fn scalar(value: &Value) -> ScalarValue {
    match value {
        Value::Bool(flag) => ScalarValue::from(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => ScalarValue::from(whole),
            None => ScalarValue::from(number.as_f64()),
        },
        Value::String(text) => ScalarValue::from(text.as_str()),
        other => ScalarValue::from(other.to_string()),
    }
}

fn checked(argument: &Argument, value: &Value) -> Result<Value, ToolError> {
    let name = argument.name;
    match argument.kind {
        Kind::Whole { least, most } => whole(value)
            .filter(|number| *number >= least)
            .map(|number| Value::from(number.min(most)))
            .ok_or_else(|| wrong(name, &format!("a whole number from {least} on"))),
        Kind::Flag => match value {
            Value::Bool(_) => Ok(value.clone()),
            Value::String(text) => text
                .parse::<bool>()
                .map(Value::from)
                .map_err(|_| wrong(name, "true or false")),
            _ => Err(wrong(name, "true or false")),
        },
        Kind::Choice(choices) => {
            let text = value.as_str().unwrap_or_default();
            if choices.contains(&text) {
                return Ok(Value::from(text));
            }
            Err(ToolError::new(format!(
                "`{name}` cannot be `{}`; it is one of {}",
                short(text),
                choices.join(", ")
            )))
        }
        Kind::Date => {
            let date = value.as_str().map(|text| text.get(..10).unwrap_or(text));
            let date = date.and_then(|text| text.parse::<NaiveDate>().ok());
            date.map(|date| Value::from(date.to_string()))
                .ok_or_else(|| wrong(name, "a date such as 2026-01-31"))
        }
        Kind::Application | Kind::Job | Kind::Text => match value {
            Value::String(text) if text.len() > MAX_TEXT_BYTES => {
                Err(wrong(name, "a text of at most 64 KiB"))
            }
            Value::String(text) if text.trim().is_empty() => {
                Err(wrong(name, "a text that is not empty"))
            }
            Value::String(text) => Ok(Value::from(text.trim())),
            Value::Number(number) => Ok(Value::from(number.to_string())),
            _ => Err(wrong(name, "a text")),
        },
    }
}

/// A whole number, also where a model wrote it as text.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_i64(),
    }
}

fn wrong(name: &str, expected: &str) -> ToolError {
    ToolError::new(format!("`{name}` has to be {expected}"))
}

fn about(argument: &Argument) -> String {
    match (argument.kind, argument.about) {
        (Kind::Choice(choices), _) => format!(": one of {}", choices.join(", ")),
        (_, "") => String::new(),
        (_, about) => format!(": {about}"),
    }
}

/// A text of a client for a message, cut where it is long.
pub(super) fn short(text: &str) -> String {
    const MOST: usize = 120;
    let mut cut: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(MOST)
        .collect();
    if text.chars().nth(MOST).is_some() {
        cut.push('…');
    }
    cut
}
