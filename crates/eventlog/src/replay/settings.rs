//! Settings of sessions: what differs from the application's own.

use hashbrown::HashMap;

use crate::RowError as ExtractError;
use crate::event::is_setting;
use crate::rows::{RowWriter, SessionSettingRow, SettingSubject};

use super::environment::redact;

/// The application's own settings.
#[derive(Debug, Default)]
pub(super) struct ApplicationSettings {
    values: HashMap<String, String>,
}

impl ApplicationSettings {
    /// The last update of the environment counts.
    pub(super) fn on_environment(&mut self, spark: &[(String, String)]) {
        self.values = spark.iter().cloned().collect();
    }

    /// Those of `settings` that the application does not have, or has with another value.
    pub(super) fn differing(&self, settings: Vec<(String, String)>) -> Vec<(String, String)> {
        let mut differing = settings;
        differing.retain(|(key, value)| is_setting(key) && self.values.get(key) != Some(value));
        differing
    }

    /// Writes settings that differ, each once.
    pub(super) fn append(
        &self,
        subject: SettingSubject,
        mut settings: Vec<(String, String)>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), ExtractError> {
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
