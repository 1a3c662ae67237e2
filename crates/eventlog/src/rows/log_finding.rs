//! Table `log_findings`.

use crate::RowError;

use super::{FactTable, RowWriter};

/// A known problem that the logs of one kind of process show. Times are epoch milliseconds.
#[derive(Debug, Clone)]
pub struct LogFindingRow<'a> {
    pub signature: &'a str,
    pub title: &'a str,
    pub category: &'a str,
    pub severity: &'a str,
    pub process: &'a str,
    pub count: i64,
    pub first_seen: Option<i64>,
    pub last_seen: Option<i64>,
    pub excerpt: &'a str,
    pub log_uri: &'a str,
    pub recommendation: &'a str,
    pub config_key: Option<&'a str>,
    pub files_scanned: i64,
    pub lines_scanned: i64,
    pub bytes_scanned: i64,
    pub is_truncated: bool,
}

impl LogFindingRow<'_> {
    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        writer.append(FactTable::LogFindings, |row| {
            row.string("signature", self.signature)
                .string("title", self.title)
                .string("category", self.category)
                .string("severity", self.severity)
                .string("process", self.process)
                .bigint("count", self.count)
                .opt_timestamp_ms("first_seen", self.first_seen)
                .opt_timestamp_ms("last_seen", self.last_seen)
                .string("excerpt", self.excerpt)
                .string("log_uri", self.log_uri)
                .string("recommendation", self.recommendation)
                .opt_string("config_key", self.config_key)
                .bigint("files_scanned", self.files_scanned)
                .bigint("lines_scanned", self.lines_scanned)
                .bigint("bytes_scanned", self.bytes_scanned)
                .boolean("is_truncated", self.is_truncated);
        })
    }
}
