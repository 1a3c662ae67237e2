//! Table `environment`.

use crate::RowError;

use super::{FactTable, RowWriter};

/// One property of the application's environment. Secrets are masked where rows are written.
#[derive(Debug, Clone)]
pub struct EnvironmentRow<'a> {
    /// `spark`, `hadoop`, `system`, `metrics`, `runtime` or `resource_profile`.
    pub section: &'static str,
    pub key: &'a str,
    pub value: &'a str,
}

impl EnvironmentRow<'_> {
    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        writer.append(FactTable::Environment, |row| {
            row.string("section", self.section)
                .string("key", self.key)
                .opt_string("value", Some(self.value));
        })
    }
}
