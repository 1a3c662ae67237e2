//! Values that may be written in more than one way. A number or flag that is filled in from the
//! environment is text when it gets here.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// A whole number, also as text.
pub(super) fn number<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
{
    parsed(deserializer, "a whole number from 1 on")
}

/// A whole number from zero on, also as text.
pub(super) fn count<'de, D>(deserializer: D) -> Result<Option<u64>, D::Error>
where
    D: Deserializer<'de>,
{
    parsed(deserializer, "a whole number from 0 on")
}

/// `true` or `false`, also as text.
pub(super) fn flag<'de, D>(deserializer: D) -> Result<Option<bool>, D::Error>
where
    D: Deserializer<'de>,
{
    parsed(deserializer, "true or false")
}

/// A text, or a date or time without quotes.
pub(super) fn time<'de, D>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    #[derive(serde::Deserialize)]
    #[serde(
        untagged,
        expecting = "expected a time, a date, or a text such as \"7d\""
    )]
    enum Time {
        Text(String),
        Datetime(toml::value::Datetime),
    }
    Ok(Some(match Time::deserialize(deserializer)? {
        Time::Text(text) => text,
        Time::Datetime(time) => time.to_string(),
    }))
}

/// A list of texts, or one text.
pub(super) fn texts<'de, D>(deserializer: D) -> Result<Vec<String>, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(TextsVisitor { separator: None })
}

/// A list of words, or one text with commas between them, as the notebooks' settings were.
pub(super) fn words<'de, D>(deserializer: D) -> Result<Vec<String>, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(TextsVisitor {
        separator: Some(','),
    })
}

struct TextsVisitor {
    separator: Option<char>,
}

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Vec<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of texts, or one text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(match self.separator {
            None => vec![text.to_owned()],
            Some(separator) => text
                .split(separator)
                .map(|word| word.trim().to_owned())
                .filter(|word| !word.is_empty())
                .collect(),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element()? {
            texts.push(text);
        }
        Ok(texts)
    }
}

fn parsed<'de, D, T>(deserializer: D, expected: &'static str) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
{
    let visitor = ParsedVisitor {
        expected,
        value: PhantomData,
    };
    deserializer.deserialize_any(visitor).map(Some)
}

/// Takes what TOML has for the value as text, and parses that.
struct ParsedVisitor<T> {
    expected: &'static str,
    value: PhantomData<T>,
}

impl<T: FromStr> ParsedVisitor<T> {
    fn parse<E: Error>(self, text: &str) -> Result<T, E> {
        text.trim()
            .parse()
            .map_err(|_| E::custom(format!("`{text}` is not {}", self.expected)))
    }
}

impl<T: FromStr> Visitor<'_> for ParsedVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.expected)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        self.parse(&value.to_string())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        self.parse(&value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        self.parse(&value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        self.parse(&value.to_string())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        self.parse(value)
    }
}
