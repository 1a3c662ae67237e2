//! The environment: last update wins, and what applications are known by.

use std::collections::BTreeMap;

use crate::RowError;
use crate::event::{EnvironmentUpdate, ResourceProfileAdded};
use crate::limits;
use crate::rows::{EnvironmentRow, RowWriter};

/// What Spark writes in place of a secret.
const REDACTED: &str = "*********(redacted)";

/// The environment of one application.
#[derive(Debug, Default)]
pub struct Environment {
    update: EnvironmentUpdate,
    resource_profiles: BTreeMap<i64, ResourceProfileAdded>,
}

impl Environment {
    pub fn on_update(&mut self, update: EnvironmentUpdate) {
        self.update = update;
    }

    pub fn on_resource_profile(&mut self, profile: ResourceProfileAdded) {
        self.resource_profiles.insert(profile.id, profile);
    }

    /// The settings of Spark and Hadoop, keys and values.
    pub fn settings(&self) -> Vec<(&str, &str)> {
        let EnvironmentUpdate { spark, hadoop, .. } = &self.update;
        let pairs = spark.iter().chain(hadoop);
        pairs
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect()
    }

    /// A Spark property.
    pub fn spark(&self, key: &str) -> Option<&str> {
        let found = self.update.spark.iter().rfind(|(known, _)| known == key);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty() && *value != REDACTED)
    }

    /// A whole number among the Spark properties.
    pub fn spark_number(&self, key: &str) -> Option<i64> {
        self.spark(key)?.trim().parse().ok()
    }

    /// A size among the Spark properties, such as `4g`, in bytes; a bare number counts `unit`s.
    pub fn spark_size(&self, key: &str, unit: Unit) -> Option<i64> {
        memory_bytes(self.spark(key)?, unit)
    }

    /// A fraction among the Spark properties, not negative.
    pub fn spark_fraction(&self, key: &str) -> Option<f64> {
        let fraction: f64 = self.spark(key)?.trim().parse().ok()?;
        (0.0..=1_000.0).contains(&fraction).then_some(fraction)
    }

    /// Whether a Spark property is set and true.
    pub fn is_true(&self, key: &str) -> bool {
        self.spark(key)
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
    }

    /// A system property of the driver.
    pub fn system(&self, key: &str) -> Option<&str> {
        let found = self.update.system.iter().rfind(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the history holds Spark properties at all.
    pub fn is_known(&self) -> bool {
        !self.update.spark.is_empty()
    }

    /// A resource profile by id.
    pub fn resource_profile(&self, id: i64) -> Option<&ResourceProfileAdded> {
        self.resource_profiles.get(&id)
    }

    /// Writes all properties, each section in order of its keys.
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        for (section, pairs) in [
            ("spark", &self.update.spark),
            ("hadoop", &self.update.hadoop),
            ("system", &self.update.system),
            ("metrics", &self.update.metrics),
        ] {
            for (key, value) in sorted(pairs) {
                EnvironmentRow {
                    section,
                    key,
                    value,
                }
                .append(writer)?;
            }
        }
        for (name, key) in [
            ("Java Home", "javaHome"),
            ("Java Version", "javaVersion"),
            ("Scala Version", "scalaVersion"),
        ] {
            if let Some((_, value)) = self.update.jvm.iter().find(|(known, _)| known == name) {
                EnvironmentRow {
                    section: "runtime",
                    key,
                    value,
                }
                .append(writer)?;
            }
        }
        self.append_resource_profiles(writer)
    }

    fn append_resource_profiles(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        for profile in self.resource_profiles.values() {
            for (name, request) in &profile.executor_resources {
                let key = format!("{}.executor.{name}", profile.id);
                EnvironmentRow {
                    section: "resource_profile",
                    key: &key,
                    value: &request.amount.to_string(),
                }
                .append(writer)?;
            }
            for (name, request) in &profile.task_resources {
                let key = format!("{}.task.{name}", profile.id);
                EnvironmentRow {
                    section: "resource_profile",
                    key: &key,
                    value: &request.amount.to_string(),
                }
                .append(writer)?;
            }
        }
        Ok(())
    }
}

/// Pairs by key; of two with one key the last counts, as in any map.
fn sorted(pairs: &[(String, String)]) -> BTreeMap<&str, &str> {
    pairs
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}

/// Hides the value where key or value look like a secret, by Spark's default `spark.redaction.regex`.
pub fn redact<'v>(key: &str, value: &'v str) -> &'v str {
    if is_secret(key) || is_secret(value) {
        REDACTED
    } else {
        value
    }
}

/// `(?i)secret|password|token|access[.]?key`
fn is_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["secret", "password", "token", "accesskey", "access.key"]
        .iter()
        .any(|word| text.contains(word))
}

/// What a setting's bare number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Bytes,
    Mebibytes,
}

/// Bytes of a Spark memory setting.
fn memory_bytes(text: &str, unit: Unit) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: i64 = digits.trim().parse().ok()?;
    let shift = match text.get(digits.len()..)?.trim() {
        "b" => 0,
        "k" | "kb" => 10,
        "" if unit == Unit::Bytes => 0,
        "" | "m" | "mb" => 20,
        "g" | "gb" => 30,
        "t" | "tb" => 40,
        "p" | "pb" => 50,
        _ => return None,
    };
    let bytes = number.checked_mul(1_i64.checked_shl(shift)?)?;
    (bytes == limits::bytes(bytes)).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_settings_follow_spark() {
        let mebibytes = |text| memory_bytes(text, Unit::Mebibytes);
        assert_eq!(mebibytes("4g"), Some(4 << 30));
        assert_eq!(mebibytes("512"), Some(512 << 20));
        assert_eq!(memory_bytes("512", Unit::Bytes), Some(512));
        assert_eq!(mebibytes("10 gb"), Some(10 << 30));
        for none in ["four", "-1g", "9223372036854775807g", "1000000000g"] {
            assert_eq!(mebibytes(none), None, "{none}");
        }
    }

    #[test]
    fn secrets_are_hidden_by_key_and_by_value() {
        assert_eq!(redact("spark.hadoop.fs.s3a.access.key", "AKIA"), REDACTED);
        assert_eq!(redact("spark.x", "my-Password"), REDACTED);
        assert_eq!(redact("spark.x", "plain"), "plain");
    }
}
