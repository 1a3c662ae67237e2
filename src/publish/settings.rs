//! Settings to change, in the forms that people paste. A value that a log brought stays on its line.

use std::fmt::Write;

use serde::Serialize;

use crate::model::printable;

/// One setting to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The Spark property.
    pub key: String,
    /// The value that it had; `None` where that is not known.
    pub current: Option<String>,
    /// The value to set.
    pub recommended: String,
    /// Why, in a sentence.
    pub reason: String,
}

/// As a unified diff of two files of defaults shows it.
pub fn diff(changes: &[Change]) -> String {
    let mut text = String::new();
    for change in changes {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "# {}", printable(&change.reason));
        if let Some(current) = &change.current {
            let _ = writeln!(text, "-{} {}", change.key, printable(current));
        }
        let _ = writeln!(text, "+{} {}", change.key, printable(&change.recommended));
    }
    text
}

/// Options of `spark-submit`.
pub fn spark_submit(changes: &[Change]) -> String {
    let options = changes.iter().map(|change| {
        let setting = format!("{}={}", change.key, printable(&change.recommended));
        format!("--conf {}", shell_word(&setting))
    });
    let options: Vec<String> = options.collect();
    format!("{}\n", options.join(" \\\n"))
}

/// Lines of `spark-defaults.conf`.
pub fn spark_defaults(changes: &[Change]) -> String {
    let lines = changes.iter().map(|change| {
        let was = change.current.as_deref().unwrap_or("not set");
        format!(
            "# was {}: {}\n{} {}\n",
            printable(was),
            printable(&change.reason),
            change.key,
            printable(&change.recommended)
        )
    });
    lines.collect()
}

/// The text as one word of a shell.
pub fn shell_word(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-=/:,".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_a_log_adds_no_line() {
        let change = Change {
            key: "spark.executor.memory".to_owned(),
            current: Some("4g\nspark.jars http://example.com/x.jar".to_owned()),
            recommended: "8g".to_owned(),
            reason: "More\rmemory.".to_owned(),
        };
        let changes = [change];
        assert_eq!(spark_defaults(&changes).lines().count(), 2);
        assert_eq!(diff(&changes).lines().count(), 3);
        assert_eq!(spark_submit(&changes), "--conf spark.executor.memory=8g\n");
        assert_eq!(shell_word("a b'c"), "'a b'\\''c'");
        assert_eq!(shell_word(""), "''");
    }
}
