//! Where applications run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an application ran, as far as its source tells: `kind` of a `[[source]]` in a job file, and
/// column `platform` of every fact table.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Deserialize, Serialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Platform {
    /// EMR on EC2.
    Emr,
    /// EMR Serverless.
    EmrServerless,
    /// EMR on EKS.
    EmrEks,
    /// Databricks.
    Databricks,
    /// A Spark History Server.
    HistoryServer,
    /// Event log files, wherever they were written.
    #[default]
    EventLog,
}

impl Platform {
    /// The value in the tables and in job files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Emr => "emr",
            Self::EmrServerless => "emr_serverless",
            Self::EmrEks => "emr_eks",
            Self::Databricks => "databricks",
            Self::HistoryServer => "history_server",
            Self::EventLog => "event_log",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
