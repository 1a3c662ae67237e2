//! The end of an executor's lifetime, and what is known of it by then.

use super::super::loss::Loss;
use super::super::shape::Shape;
use crate::rows::ExecutorRow;

/// Spark's id of the driver among the executors.
pub const DRIVER: &str = "driver";

/// When lifetimes end that no removal ended. Epoch milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct LifeEnd {
    pub start_time: i64,
    pub end_time: Option<i64>,
    pub last_event: i64,
}

impl LifeEnd {
    /// The application's end, as far as its history tells.
    pub fn observed(&self) -> i64 {
        self.end_time.unwrap_or(self.last_event)
    }
}

/// Ends the lifetime of an executor that a server shows, with its application where nothing ended it
/// before.
pub fn end_life(row: &mut ExecutorRow, application: &LifeEnd, settings: &Shape<'_>) {
    let end = row.remove_time.unwrap_or(application.observed());
    let lifetime = end.saturating_sub(row.add_time).max(0);
    row.lifetime_ms = Some(lifetime);
    row.core_time_ms = (row.total_cores > 0).then(|| lifetime.saturating_mul(row.total_cores));
    complete(row, Some(application), settings);
}

/// Why it went, what memory it had, and what Spark counts for the driver.
pub(super) fn complete(row: &mut ExecutorRow, application: Option<&LifeEnd>, settings: &Shape<'_>) {
    match &row.remove_reason {
        Some(reason) => {
            let loss = Loss::new(reason);
            row.loss_kind = Some(loss.kind);
            row.exit_code = loss.exit_code;
        }
        None => {
            row.loss_kind = application
                .and_then(|application| application.end_time)
                .map(|_| "app_end");
        }
    }
    if row.executor_id != DRIVER {
        row.memory = settings.executor_memory(row.resource_profile_id);
        return;
    }
    row.memory = settings.driver_memory();
    if row.core_time_ms.is_none()
        && let (Some(cores), Some(lifetime)) = (settings.local_cores(), row.lifetime_ms)
    {
        row.core_time_ms = Some(lifetime.saturating_mul(cores));
    }
    if let Some(application) = application {
        row.total_duration = application
            .observed()
            .saturating_sub(application.start_time);
    }
    if let Some(peaks) = &row.peaks {
        row.total_gc_time = peaks.total_gc_time();
    }
}
