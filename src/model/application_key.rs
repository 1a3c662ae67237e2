//! Which application attempt a row is about.

use serde::{Deserialize, Serialize};

/// The key of an application attempt: the columns that begin every fact and derived table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ApplicationKey {
    /// Kind of source, such as `event_log`.
    pub platform: String,
    /// The platform's id of the cluster, or the name of the source.
    pub cluster_id: String,
    /// Spark's application id.
    pub application_id: String,
    /// Spark's attempt id, `0` where Spark gives none.
    pub attempt_id: String,
}

impl ApplicationKey {
    /// The columns that hold the key, in the order of the fields.
    pub const COLUMNS: [&str; 4] = ["platform", "cluster_id", "application_id", "attempt_id"];
}
