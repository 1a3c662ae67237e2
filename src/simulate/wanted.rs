//! Which applications are read.

use crate::model::ApplicationKey;

/// An application to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its key.
    pub key: ApplicationKey,
    /// Its partition, in days since 1970.
    pub app_date: i32,
    /// Its task attempts, which the memory that it takes follows.
    pub num_tasks: u64,
}

/// An application as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// How to read it.
    pub wanted: Wanted,
    /// Its name.
    pub name: String,
    /// The recurring job that it is a run of.
    pub job_key: Option<String>,
    /// Its start, in ms since 1970.
    pub start_ms: i64,
    /// Whether its history has its end and nothing says that it failed.
    pub has_succeeded: bool,
}
