//! The summary of a run for scripts: one line of JSON, the last of standard output.

use std::io::{self, IsTerminal};

use super::output::Output;
use crate::config::SummaryFormat;
use crate::pipeline::{RunStatus, RunSummary};
use crate::redact::Redactor;

/// Prints the summary where it is wanted.
pub(super) fn print(
    summary: &RunSummary,
    format: SummaryFormat,
    redactor: &Redactor,
    output: &mut Output,
) -> io::Result<()> {
    let wanted = match format {
        SummaryFormat::Auto => !io::stdout().is_terminal(),
        SummaryFormat::Json => true,
        SummaryFormat::Text | SummaryFormat::None => false,
    };
    if !wanted {
        return Ok(());
    }
    let line = serde_json::to_string(summary).map_err(io::Error::from)?;
    output.text(&format!("{}\n", redactor.text(&line)))
}

/// Of a run that could not even begin.
pub(super) fn of_failure(exit_code: u8, error: String) -> RunSummary {
    let status = if exit_code == RunStatus::Misconfigured.exit_code() {
        RunStatus::Misconfigured
    } else {
        RunStatus::Failed
    };
    RunSummary {
        status,
        exit_code,
        error: Some(error),
        ..RunSummary::default()
    }
}
