//! Watches how much the process grows while a query runs.
//!
//! The engine's memory pool counts what sorts, joins and aggregates hold. It does not count what a
//! single expression makes of a batch, nor what readers hold; the process's size counts all.

use std::time::Duration;

/// How often the process's size is looked at: an expression fills about 30 MB in this time.
const INTERVAL: Duration = Duration::from_millis(10);

/// The most that the process may grow.
#[derive(Debug)]
pub(super) struct MemoryWatch {
    size_at_start: Option<usize>,
    limit_bytes: usize,
}

impl MemoryWatch {
    /// Begins to watch.
    pub(super) fn start(limit_bytes: usize) -> Self {
        Self {
            size_at_start: resident_bytes(),
            limit_bytes,
        }
    }

    /// Returns by how many bytes the process has grown, as soon as that is more than it may. Never
    /// returns where the system does not tell the process's size.
    pub(super) async fn exceeded(&self) -> usize {
        let Some(at_start) = self.size_at_start else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(INTERVAL).await;
            let grown = resident_bytes().map_or(0, |now| now.saturating_sub(at_start));
            if grown > self.limit_bytes {
                return grown;
            }
        }
    }
}

/// The process's resident memory; `None` on systems without `/proc`.
fn resident_bytes() -> Option<usize> {
    // The smallest page of the systems that have /proc; where pages are larger, the watch is
    // later, and the pool still holds.
    const PAGE_BYTES: usize = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(PAGE_BYTES))
}
