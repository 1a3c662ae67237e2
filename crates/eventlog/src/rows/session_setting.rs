//! Table `session_settings`.

use crate::RowError;

use super::{FactTable, RowWriter};

/// Whose settings they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingSubject {
    Sql(i64),
    /// A job outside of any SQL execution.
    Job(i64),
}

/// A setting with which a query or job ran, where the application's is another.
#[derive(Debug, Clone)]
pub struct SessionSettingRow<'s> {
    pub subject: SettingSubject,
    pub key: &'s str,
    pub value: &'s str,
    /// None where the application does not set it.
    pub application_value: Option<&'s str>,
}

impl SessionSettingRow<'_> {
    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        let (subject_type, id, sql_id, job_id) = match self.subject {
            SettingSubject::Sql(id) => ("sql", id, Some(id), None),
            SettingSubject::Job(id) => ("job", id, None, Some(id)),
        };
        writer.append(FactTable::SessionSettings, |row| {
            row.string("subject_type", subject_type)
                .bigint("subject_id", id)
                .opt_bigint("sql_id", sql_id)
                .opt_bigint("job_id", job_id)
                .string("key", self.key)
                .opt_string("value", Some(self.value))
                .opt_string("application_value", self.application_value);
        })
    }
}
