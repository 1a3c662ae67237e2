//! The environment: last update wins, secrets hidden, and what applications are known by.

use std::collections::BTreeMap;

use crate::RowError as ExtractError;
use crate::event::{EnvironmentUpdate, ResourceProfileAdded};
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

    /// A Spark property.
    pub fn spark(&self, key: &str) -> Option<&str> {
        let found = self.update.spark.iter().find(|(known, _)| known == key);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty() && *value != REDACTED)
    }

    /// A whole number among the Spark properties.
    pub fn spark_number(&self, key: &str) -> Option<i64> {
        self.spark(key)?.trim().parse().ok()
    }

    /// A size among the Spark properties, such as `4g`, in bytes; a bare number counts mebibytes.
    pub fn spark_memory(&self, key: &str) -> Option<i64> {
        memory_bytes(self.spark(key)?)
    }

    /// Writes all properties, each section in order of its keys.
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), ExtractError> {
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
                    value: redact(key, value),
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

    fn append_resource_profiles(&self, writer: &mut RowWriter<'_>) -> Result<(), ExtractError> {
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

fn sorted(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    let mut sorted: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    sorted.sort_unstable();
    sorted
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

/// Bytes of a Spark memory setting.
fn memory_bytes(text: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: i64 = digits.trim().parse().ok()?;
    let shift = match text.get(digits.len()..)?.trim() {
        "b" => 0,
        "k" | "kb" => 10,
        "" | "m" | "mb" => 20,
        "g" | "gb" => 30,
        "t" | "tb" => 40,
        "p" | "pb" => 50,
        _ => return None,
    };
    number.checked_mul(1_i64.checked_shl(shift)?)
}

/// The recurring job's name: the application's, with dates, times, ids and numbers masked.
#[must_use]
pub fn job_key(application_name: &str) -> String {
    let mut key = String::with_capacity(application_name.len());
    for word in words(application_name) {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        let hex =
            word.len() >= 8 && digits > 0 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hex || (digits > 0 && digits == word.len()) || digits >= 4 {
            if !key.ends_with('#') {
                key.push('#');
            }
        } else if !(key.ends_with('#')
            && word.len() == 1
            && !word.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && is_joint(word))
        {
            key.push_str(word);
        }
    }
    key
}

/// Characters that join the parts of one date or id.
fn is_joint(word: &str) -> bool {
    matches!(word, "-" | ":" | "." | "/" | "_")
}

/// Runs of letters and digits, and each other character by itself.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = if first.is_alphanumeric() {
            rest.find(|letter: char| !letter.is_alphanumeric())
                .unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, tail) = rest.split_at_checked(end)?;
        rest = tail;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_settings_follow_spark() {
        assert_eq!(memory_bytes("4g"), Some(4 << 30));
        assert_eq!(memory_bytes("512"), Some(512 << 20));
        assert_eq!(memory_bytes("10 gb"), Some(10 << 30));
        assert_eq!(memory_bytes("four"), None);
        assert_eq!(memory_bytes("9223372036854775807g"), None);
    }

    #[test]
    fn secrets_are_hidden_by_key_and_by_value() {
        assert_eq!(redact("spark.hadoop.fs.s3a.access.key", "AKIA"), REDACTED);
        assert_eq!(redact("spark.x", "my-Password"), REDACTED);
        assert_eq!(redact("spark.x", "plain"), "plain");
    }

    #[test]
    fn job_keys_are_stable_across_runs() {
        assert_eq!(
            job_key("daily_load 2026-11-20"),
            job_key("daily_load 2026-11-21")
        );
        assert_eq!(
            job_key("etl-20261120T010203"),
            job_key("etl-20261121T020304")
        );
        assert_eq!(
            job_key("consolidated_staging.yaml"),
            "consolidated_staging.yaml"
        );
        assert_ne!(job_key("orders v2"), job_key("customers v2"));
    }
}
