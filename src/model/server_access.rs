//! How the history of a server's application is read.

use serde::{Deserialize, Serialize};

/// How the history of a server's application is read: `access` of a `[[source]]` in a job file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerAccess {
    /// The raw log where the server offers it, the walk over REST where it does not.
    #[default]
    LogThenRest,
    /// Only the raw log.
    #[serde(rename = "log")]
    LogOnly,
    /// Only the walk over REST: a live driver has no log to offer.
    #[serde(rename = "rest")]
    RestOnly,
}
