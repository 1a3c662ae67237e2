//! The ledger's row of a history, before or without its reading.

use chrono::DateTime;

use crate::discover::History;
use crate::extract::ExtractError;
use crate::extract::extraction::Identity;
use crate::load::{SourceRecord, SourceStatus};

/// The ledger's row of a history that is not read, for whatever reason.
pub(crate) fn record(history: &History, fingerprint: &str, status: SourceStatus) -> SourceRecord {
    let platform = history.platform.as_str();
    let mut record = SourceRecord::new(
        history.uri(),
        fingerprint,
        platform,
        &history.cluster_id,
        status,
    );
    record.cluster_name.clone_from(&history.cluster_name);
    record.size_bytes = Some(history.total_bytes());
    record.modified = Some(history.modified());
    record.etag = history.etag();
    record.layout = Some(history.layout().to_owned());
    record
}

/// The ledger's row of a history that cannot be read: `failed` where trying again may help.
pub(crate) fn unreadable(
    history: &History,
    fingerprint: &str,
    error: &ExtractError,
) -> SourceRecord {
    let status = if error.is_retryable() {
        SourceStatus::Failed
    } else {
        SourceStatus::Quarantined
    };
    let mut record = record(history, fingerprint, status);
    record.error_kind = Some(error.kind().to_owned());
    record.error = Some(error.to_string());
    record.retryable = Some(error.is_retryable());
    record
}

/// Names the application of a record.
pub(crate) fn identify_record(record: &mut SourceRecord, identity: &Identity) {
    record.application_id = Some(identity.application_id.clone());
    record.attempt_id = Some(identity.attempt_id.clone());
    record.app_date =
        DateTime::from_timestamp_millis(identity.start_time).map(|start| start.date_naive());
    record.start_time = identity.start();
}
