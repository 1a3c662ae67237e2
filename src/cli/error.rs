//! Failures as the user sees them: one sentence that says what to do next, and an exit code.

use std::error::Error;

use crate::analyze::AnalyzeError;
use crate::ask::AskError;
use crate::config::ConfigError;
use crate::load::LoadError;
use crate::pipeline::{EXIT_FAILED, EXIT_UNREACHABLE, EXIT_USAGE, RunError, of_load};
use crate::publish::PublishError;
use crate::publish::assistant::AssistantError;
use crate::publish::mcp::NotAllowed;
use crate::publish::report::ReportError;
use crate::publish::whatif::WhatifError;
use crate::simulate::ReadError;
use crate::unit::UnitError;

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// The command line lacks something or asks for what there is not.
    #[error("{0}")]
    Usage(String),
    /// A setting makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The lake cannot be used.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The rules cannot be used.
    #[error(transparent)]
    Analyze(#[from] AnalyzeError),
    /// The run ended early.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A unit was not worked through.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// A query gave no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// Something could not be shown.
    #[error(transparent)]
    Publish(PublishError),
    /// There is no report.
    #[error(transparent)]
    Report(ReportError),
    /// The price list could not be fetched, or makes no sense.
    #[error("{0}")]
    Prices(String),
    /// An event log could not be replayed.
    #[error("{sentence}")]
    NotReplayed {
        /// Why, and what to do.
        sentence: String,
        /// The exit code of a run that meets the same.
        exit_code: u8,
    },
    /// The HTTP server would let in whom it should not.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Clients cannot be served.
    #[error("{0}")]
    Serve(String),
    /// A prediction was asked for that nobody can make.
    #[error(transparent)]
    Whatif(WhatifError),
    /// A model gave no answer.
    #[error(transparent)]
    Assistant(#[from] AssistantError),
    /// A table could not be read for a prediction.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The process was asked to end.
    #[error("{0}; nothing was changed")]
    Interrupted(&'static str),
    /// An answer could not be written.
    #[error("the answer cannot be written: {0}")]
    Format(#[from] arrow::error::ArrowError),
    /// The output could not be written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] std::io::Error),
    /// The machine gives no threads.
    #[error("no threads can be started: {0}; raise the limit of processes for this user")]
    Runtime(std::io::Error),
}

impl From<PublishError> for CliError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Analyze(error) => Self::Analyze(error),
            PublishError::Ask(error) => Self::Ask(error),
            PublishError::NotFound(sentence) | PublishError::Budget(sentence) => {
                Self::Usage(sentence)
            }
            PublishError::Format(error) => Self::Format(error),
            PublishError::Output(error) => Self::Output(error),
            PublishError::Export(message) => Self::Usage(message),
            other @ PublishError::Columns { .. } => Self::Publish(other),
        }
    }
}

impl From<ReportError> for CliError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Ask(error) => Self::Ask(error),
            ReportError::Analyze(error) => Self::Analyze(error),
            other => Self::Report(other),
        }
    }
}

impl From<WhatifError> for CliError {
    fn from(error: WhatifError) -> Self {
        match error {
            WhatifError::Usage(sentence) => Self::Usage(sentence),
            WhatifError::Ask(error) => Self::Ask(error),
            WhatifError::Read(error) => Self::Read(error),
            WhatifError::Format(error) => Self::Format(error),
            other @ (WhatifError::NotKnown { .. } | WhatifError::Task(_)) => Self::Whatif(other),
        }
    }
}

impl CliError {
    /// The process's exit code.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Config(_) | Self::NotAllowed(_) => EXIT_USAGE,
            Self::Ask(AskError::Lake(error)) => of_load(error).exit_code(),
            Self::Ask(AskError::Views(_)) => EXIT_USAGE,
            Self::Ask(error) if error.is_usage() => EXIT_USAGE,
            Self::Report(error) if error.is_usage() => EXIT_USAGE,
            Self::Load(error) => of_load(error).exit_code(),
            Self::Analyze(
                AnalyzeError::Query { .. } | AnalyzeError::Session(_) | AnalyzeError::Ask(_),
            ) => EXIT_FAILED,
            Self::Analyze(_) => EXIT_USAGE,
            Self::Run(error) => error.status().exit_code(),
            Self::NotReplayed { exit_code, .. } => *exit_code,
            Self::Assistant(error) if error.is_usage() => EXIT_USAGE,
            Self::Assistant(error) if error.is_retryable() => EXIT_UNREACHABLE,
            Self::Unit(UnitError::Load(error)) => of_load(error).exit_code(),
            Self::Unit(error) if error.is_usage() => EXIT_USAGE,
            Self::Ask(_)
            | Self::Publish(_)
            | Self::Report(_)
            | Self::Unit(_)
            | Self::Whatif(_)
            | Self::Assistant(_)
            | Self::Read(_)
            | Self::Interrupted(_)
            | Self::Prices(_)
            | Self::Serve(_)
            | Self::Format(_)
            | Self::Output(_)
            | Self::Runtime(_) => EXIT_FAILED,
        }
    }

    /// What is wrong, with its causes, on one line.
    pub(super) fn sentence(&self) -> String {
        let mut sentence = self.to_string();
        if let Self::Load(LoadError::ShortRetention { .. }) = self {
            sentence.push_str(" (--retain)");
        }
        let mut cause = self.source();
        while let Some(error) = cause {
            let told = error.to_string();
            if !sentence.contains(&told) {
                sentence.push_str(": ");
                sentence.push_str(&told);
            }
            cause = error.source();
        }
        sentence
            .lines()
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(" ")
    }
}
