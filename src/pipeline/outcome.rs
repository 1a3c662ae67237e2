//! How a run ended, and the exit code of each way to end; how the history of a cluster stands.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Exit code of a command that did all there was to do.
pub const EXIT_DONE: u8 = RunStatus::Done.exit_code();
/// Exit code of a command that failed.
pub const EXIT_FAILED: u8 = RunStatus::Failed.exit_code();
/// Exit code of wrong usage or configuration.
pub const EXIT_USAGE: u8 = RunStatus::Misconfigured.exit_code();
/// Exit code of a run that had to leave something out.
pub const EXIT_PARTIAL: u8 = RunStatus::Partial.exit_code();
/// Exit code where another run holds the lake.
pub const EXIT_HELD: u8 = RunStatus::Held.exit_code();
/// Exit code where no source could be reached.
pub const EXIT_UNREACHABLE: u8 = RunStatus::Unreachable.exit_code();

/// How a run ended. The values of column `runs.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// It did all there was to do.
    #[default]
    Done,
    /// It left something out that exists; the rest is loaded.
    Partial,
    /// It handed its units out and waits for what workers report. Never in the table: the run ends
    /// when it is resumed.
    Waiting,
    /// It could not do its work.
    Failed,
    /// It was called in a way that cannot work.
    Misconfigured,
    /// Another run held the lake.
    Held,
    /// No source could be reached.
    Unreachable,
    /// It was stopped by a signal.
    Interrupted,
    /// It vanished without a word: killed, or the machine went down.
    Killed,
}

impl RunStatus {
    /// The process's exit code. A run that was stopped by a signal bears the shell's code for the
    /// signal instead, see [`Signal`].
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Done | Self::Waiting => 0,
            Self::Failed | Self::Interrupted | Self::Killed => 1,
            Self::Misconfigured => 2,
            Self::Partial => 3,
            Self::Held => 4,
            Self::Unreachable => 75,
        }
    }

    /// The word in the tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Misconfigured => "misconfigured",
            Self::Held => "held",
            Self::Unreachable => "unreachable",
            Self::Interrupted => "interrupted",
            Self::Killed => "killed",
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// How a cluster's history stands, for `cluster_summaries.analysis_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnalysisStatus {
    Completed,
    NoApplications,
    Partial,
    Failed,
}

/// A signal that asks a run to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// A scheduler or service manager ends the run.
    Terminate,
}

impl Signal {
    /// The exit code that a shell gives a process that this signal ended.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}
