//! How far a run is, for whoever shows it.

/// Receives the progress of a run.
pub trait Progress: Send + Sync {
    /// A step begins.
    fn phase(&self, phase: &'static str);
    /// So much more there is to read.
    fn total(&self, histories: usize, bytes: u64);
    /// One history is done.
    fn advance(&self, uri: &str, bytes: u64, rows: u64);
    /// The run has ended.
    fn finished(&self);
}

/// Shows nothing.
#[derive(Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn phase(&self, _: &'static str) {}
    fn total(&self, _: usize, _: u64) {}
    fn advance(&self, _: &str, _: u64, _: u64) {}
    fn finished(&self) {}
}
