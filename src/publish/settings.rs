//! Settings to change, in the forms that people paste. A value that a log brought stays on its line.

use std::fmt::Write;

use serde::Serialize;

use crate::analyze::SET_IN_SESSION;
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

impl Change {
    /// Whether a session of the application has the value, so that only its code can change it.
    pub fn is_of_session(&self) -> bool {
        self.reason.contains(SET_IN_SESSION)
    }
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

/// Options of `spark-submit`; empty where there are none. What sessions set they would not change.
pub fn spark_submit(changes: &[Change]) -> String {
    let options = at_start(changes).map(|change| {
        let setting = format!("{}={}", change.key, printable(&change.recommended));
        format!("--conf {}", shell_word(&setting))
    });
    let options: Vec<String> = options.collect();
    if options.is_empty() {
        return String::new();
    }
    format!("{}\n", options.join(" \\\n"))
}

/// Statements that a session runs, for the settings that sessions of the application set; empty where there are none.
pub fn session_statements(changes: &[Change]) -> String {
    let lines = changes.iter().filter(|change| change.is_of_session());
    let lines = lines.map(|change| {
        let was = change.current.as_deref().unwrap_or("not set");
        format!(
            "-- was {}\nSET {}={};\n",
            printable(was),
            change.key,
            printable(&change.recommended)
        )
    });
    lines.collect()
}

fn at_start(changes: &[Change]) -> impl Iterator<Item = &Change> {
    changes.iter().filter(|change| !change.is_of_session())
}

/// Lines of `spark-defaults.conf`; empty where there are none.
pub fn spark_defaults(changes: &[Change]) -> String {
    let lines = at_start(changes).map(|change| {
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
        let mut of_session = changes[0].clone();
        of_session.reason = format!("More memory. {SET_IN_SESSION}");
        let changes = [of_session];
        assert_eq!(spark_submit(&changes), "");
        assert_eq!(spark_defaults(&changes), "");
        assert_eq!(
            session_statements(&changes),
            "-- was 4g spark.jars http://example.com/x.jar\nSET spark.executor.memory=8g;\n"
        );
        assert_eq!(shell_word("a b'c"), "'a b'\\''c'");
        assert_eq!(shell_word(""), "''");
    }
}
