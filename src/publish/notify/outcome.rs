//! What came of a run, as it is told to others.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

/// What came of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Outcome {
    /// Id of the run.
    pub run_id: String,
    /// The lake, without credentials.
    pub lake: String,
    /// How it ended, as column `runs.status` has it.
    pub status: String,
    /// The process's exit code.
    pub exit_code: u8,
    /// Why it could not do its work, in one sentence.
    pub error: Option<String>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Whether rows of the lake changed.
    pub changed: bool,
    /// Wall time of its steps in milliseconds: name and time.
    #[serde(serialize_with = "as_object")]
    pub steps: Vec<(&'static str, u64)>,
    /// Histories by what became of them.
    #[serde(serialize_with = "as_object")]
    pub histories: Vec<(&'static str, usize)>,
    /// Clusters by what became of them.
    #[serde(serialize_with = "as_object")]
    pub clusters: Vec<(&'static str, usize)>,
    /// Rows of fact tables written.
    pub rows: u64,
    /// Bytes read, as stored.
    pub bytes: u64,
    /// What was left out, and why: the first of them.
    pub problems: Vec<OutcomeProblem>,
    /// All problems.
    pub problem_count: usize,
}

/// Something that was left out.
#[derive(Debug, Clone, Serialize)]
pub struct OutcomeProblem {
    /// The history or place.
    pub uri: String,
    /// What became of it.
    pub status: String,
    /// Why.
    pub error: String,
}

/// Names and numbers as a JSON object, in their order.
fn as_object<T: Serialize, S: Serializer>(
    pairs: &[(&'static str, T)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, number)| (name, number)))
}
