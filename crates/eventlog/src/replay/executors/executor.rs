//! One executor: its row so far, its lives, its blocks.

use std::collections::BTreeSet;

use compact_str::{CompactString, ToCompactString};

use super::super::shape::Shape;
use super::lifetime::{self, LifeEnd};
use crate::event::ExecutorMetrics;
use crate::limits;
use crate::rows::ExecutorRow;

/// Where a block lies, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StoredBlock {
    pub(super) memory: i64,
    pub(super) disk: i64,
    pub(super) off_heap: bool,
}

/// One executor that is alive, or was.
#[derive(Debug, Default)]
pub(super) struct Executor {
    pub(super) row: ExecutorRow,
    pub(super) host: Option<CompactString>,
    pub(super) block_manager_host: Option<CompactString>,
    pub(super) excluded_in_stages: BTreeSet<i64>,
    /// When it came last, epoch milliseconds.
    pub(super) came: i64,
    /// When it was added last.
    pub(super) added: Option<i64>,
    /// Times and core time of the lives that have ended: an executor may be removed and come back.
    pub(super) past_ms: i64,
    pub(super) past_core_ms: i64,
}

impl Executor {
    pub(super) fn new(executor_id: &str, add_time: i64) -> Self {
        let add_time = limits::instant(add_time).unwrap_or(0);
        let row = ExecutorRow {
            executor_id: executor_id.to_compact_string(),
            add_time,
            is_active: true,
            ..ExecutorRow::default()
        };
        Self {
            row,
            came: add_time,
            ..Self::default()
        }
    }

    pub(super) fn hostname(&self) -> Option<&CompactString> {
        self.host.as_ref().or(self.block_manager_host.as_ref())
    }

    /// Raises the peaks to a reading; an executor that has had none stays without.
    pub(super) fn raise_peaks(&mut self, metrics: &ExecutorMetrics) {
        let peaks = &mut self.row.peaks;
        if metrics.is_set() || peaks.is_some() {
            peaks
                .get_or_insert_with(|| Box::new(ExecutorMetrics::UNSET))
                .raise_to(metrics);
        }
    }

    /// A life ends at `time`; one whose begin the log does not tell has no length.
    pub(super) fn end_life(&mut self, time: i64) {
        if self.came <= 0 {
            return;
        }
        let life = time.saturating_sub(self.came).max(0);
        self.past_ms = self.past_ms.saturating_add(life);
        self.past_core_ms = self
            .past_core_ms
            .saturating_add(life.saturating_mul(self.row.total_cores));
    }

    /// A block was stored, moved or dropped.
    pub(super) fn replace_block(
        &mut self,
        is_rdd: bool,
        old: Option<StoredBlock>,
        new: Option<StoredBlock>,
    ) {
        for (block, sign) in [(old, -1), (new, 1)] {
            let Some(block) = block else { continue };
            let change = |used: &mut i64, bytes: i64| {
                *used = used.saturating_add(bytes.saturating_mul(sign)).max(0);
            };
            change(&mut self.row.memory_used, block.memory);
            change(&mut self.row.disk_used, block.disk);
            if let Some(memory) = &mut self.row.memory_metrics {
                let used = if block.off_heap {
                    &mut memory.used_off_heap
                } else {
                    &mut memory.used_on_heap
                };
                change(used, block.memory);
            }
            self.row.rdd_blocks += if is_rdd { sign } else { 0 };
        }
    }
}

/// The row of an executor; `application` where it may have lived until the application's end.
pub(super) fn finish_row(
    mut executor: Executor,
    application: Option<&LifeEnd>,
    settings: &Shape<'_>,
) -> ExecutorRow {
    if executor.row.remove_time.is_none()
        && executor.row.remove_reason.is_none()
        && let Some(application) = application
    {
        executor.end_life(application.observed());
    }
    // Spark before 1.2 logs block managers without a time.
    let is_known = executor.came > 0;
    let Executor {
        mut row,
        host,
        excluded_in_stages,
        past_ms,
        past_core_ms,
        ..
    } = executor;
    row.excluded_in_stages = excluded_in_stages.into_iter().collect();
    if row.host_port.is_none() {
        row.host_port = host.map(|host| host.as_str().into());
    }
    row.lifetime_ms = is_known.then_some(past_ms);
    row.core_time_ms = (is_known && row.total_cores > 0).then_some(past_core_ms);
    lifetime::complete(&mut row, application, settings);
    row
}
