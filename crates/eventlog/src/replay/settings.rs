//! Settings of sessions: what differs from the application's own.

use hashbrown::HashMap;

use crate::RowError;
use crate::event::is_setting;
use crate::rows::{RowWriter, SessionSettingRow, SettingSubject};

use super::environment::redact;

/// The application's own settings.
#[derive(Debug, Default)]
pub struct ApplicationSettings {
    values: HashMap<String, String>,
}

impl ApplicationSettings {
    /// The last update of the environment counts.
    pub fn on_environment(&mut self, spark: &[(String, String)]) {
        self.values = spark.iter().cloned().collect();
    }

    /// Those of `settings` that the application does not have, or has with another value; none
    /// where the history does not say what the application has.
    #[must_use]
    pub fn differing(&self, settings: Vec<(String, String)>) -> Vec<(String, String)> {
        if self.values.is_empty() {
            return Vec::new();
        }
        let mut differing = settings;
        differing.retain(|(key, value)| is_setting(key) && self.values.get(key) != Some(value));
        differing
    }

    /// Writes settings that differ, each once.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(
        &self,
        subject: SettingSubject,
        mut settings: Vec<(String, String)>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), RowError> {
        // Of several values the last counts, which a stable sort leaves last.
        settings.sort_by(|(a, _), (b, _)| a.cmp(b));
        for same_key in settings.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((key, value)) = same_key.last() else {
                continue;
            };
            let application_value = self.values.get(key);
            let value = redact(key, value);
            let application_value = application_value.map(|value| redact(key, value));
            // Both are hidden: nothing is known to differ.
            if application_value == Some(value) {
                continue;
            }
            SessionSettingRow {
                subject,
                key,
                value,
                application_value,
            }
            .append(writer)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn only_what_the_application_has_otherwise_differs() {
        let session = pairs(&[
            ("spark.sql.shuffle.partitions", "8"),
            ("spark.executor.memory", "4g"),
            ("spark.sql.ansi.enabled", "true"),
            ("spark.sql.execution.id", "3"),
        ]);
        let mut application = ApplicationSettings::default();
        assert!(
            application.differing(session.clone()).is_empty(),
            "nothing is known"
        );
        application.on_environment(&pairs(&[
            ("spark.sql.shuffle.partitions", "200"),
            ("spark.executor.memory", "4g"),
        ]));
        let expected = pairs(&[
            ("spark.sql.shuffle.partitions", "8"),
            ("spark.sql.ansi.enabled", "true"),
        ]);
        assert_eq!(application.differing(session), expected);
    }
}
