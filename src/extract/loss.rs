//! What a history that became rows lacks.

use super::extraction::Extraction;

/// The kind of loss that decides what a run says about a history. Ordered by weight: a history is
/// named after its heaviest loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LossKind {
    /// Requests to a server failed, so rows are missing that the server has.
    FailedRequests,
    /// The beginning of the log is lost, and with it the application's start.
    NoApplicationStart,
    /// Pieces of the log are missing, by the numbers of those that are there.
    MissingFiles,
    /// The log ends before its application does, or the server has dropped what is missing: there
    /// is no more to read.
    Truncated,
    /// Lines could not be read.
    BadLines,
    /// Logs of the driver or of executors could not be read.
    ProcessLog,
}

impl LossKind {
    /// The heaviest loss of an extraction; `None` where nothing was lost.
    #[must_use]
    pub fn of(extraction: &Extraction) -> Option<Self> {
        if extraction.failed_requests > 0 {
            Some(Self::FailedRequests)
        } else if extraction.without_start {
            Some(Self::NoApplicationStart)
        } else if extraction.missing_files {
            Some(Self::MissingFiles)
        } else if extraction.truncated {
            Some(Self::Truncated)
        } else if extraction.bad_lines > 0 {
            Some(Self::BadLines)
        } else {
            (extraction.unread_process_logs > 0).then_some(Self::ProcessLog)
        }
    }

    /// The word in `ingest_sources.error_kind`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FailedRequests => "failed_requests",
            Self::NoApplicationStart => "no_application_start",
            Self::MissingFiles => "missing_files",
            Self::Truncated => "truncated",
            Self::BadLines => "bad_lines",
            Self::ProcessLog => "process_log",
        }
    }

    /// Whether rows are missing that exist somewhere: the run is then partial.
    #[must_use]
    pub fn is_missing(self) -> bool {
        match self {
            // Pieces that were written and not found may be elsewhere: a delivery that failed.
            Self::FailedRequests
            | Self::NoApplicationStart
            | Self::MissingFiles
            | Self::BadLines
            | Self::ProcessLog => true,
            // What was never written is not missing.
            Self::Truncated => false,
        }
    }
}
