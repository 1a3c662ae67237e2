//! `sparklake doctor`: whether tonight's run would find what it needs.

use std::io;

use serde_json::json;

use super::Context;
use super::arguments::JobArguments;
use super::catalog::Rules;
use super::error::CliError;
use super::output::Output;
use super::sources;
use super::text::counted;
use crate::config::SourceSettings;
use crate::discover::{Check, CheckOutcome};
use crate::load::{Lake, Probe, StoreSafety};
use crate::pipeline::{EXIT_DONE, EXIT_FAILED, Source};

/// Check access to the lake and to every source of a job file, and name the fix for each failure
///
/// Changes nothing. One line a check; exit code 1 when one of them failed.
#[derive(Debug, clap::Args)]
pub(super) struct DoctorArguments {
    #[command(flatten)]
    pub(super) job: JobArguments,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: DoctorFormat,
}

/// Form of the answer.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum DoctorFormat {
    /// A line a check.
    #[default]
    Text,
    /// A JSON object a check, each on a line.
    Ndjson,
}

pub(super) async fn execute(
    arguments: &DoctorArguments,
    context: &Context,
    output: &mut Output,
) -> Result<u8, CliError> {
    let settings = &context.settings;
    let mut healthy = true;
    let mut tell = |place: &str, check: &Check| -> Result<(), CliError> {
        healthy &= !matches!(check.outcome, CheckOutcome::Failed { .. });
        output.text(&arguments.format.line(place, check)?)?;
        Ok(())
    };
    tell("lake", &check_lake(context).await)?;
    tell("rules", &check_rules(context))?;
    if settings.sources.is_empty() {
        let cure = "add a [[source]] to the job file, or give --event-logs or --history-server";
        tell("sources", &failed("sources", "there is none", cure))?;
    }
    for source in &settings.sources {
        for check in check_source(source, context).await {
            tell(&source.origin.to_string(), &check)?;
        }
    }
    Ok(if healthy { EXIT_DONE } else { EXIT_FAILED })
}

/// Reads the rules as a run does: a misspelt rule or parameter would end it.
fn check_rules(context: &Context) -> Check {
    match Rules::of(&context.settings.rules) {
        Ok(rules) => {
            let count = rules.as_run.rules().count();
            passed("reading", counted(count, "rule", "rules"))
        }
        Err(error) => failed("reading", &CliError::from(error).sentence(), ""),
    }
}

async fn check_lake(context: &Context) -> Check {
    let lake = &context.settings.lake;
    let Some(uri) = &lake.uri else {
        let cure = "set uri in [lake] of the job file, or give --lake";
        return failed("writing", "it is not said where the lake is", cure);
    };
    let options = match lake.storage_options.resolve(&context.environment) {
        Ok(options) => options,
        Err(error) => return failed("settings", &CliError::from(error).sentence(), ""),
    };
    let safety = StoreSafety::from_allow_unsafe(lake.allow_unsafe_store);
    match Lake::probe(uri, options, safety).await {
        Ok(probe) => passed("writing", found(uri, probe)),
        Err(error) => failed("writing", &CliError::from(error).sentence(), ""),
    }
}

fn found(uri: &str, probe: Probe) -> String {
    let place = if probe.is_lake {
        format!("{uri} is a lake and can be written to")
    } else {
        format!("{uri} is free, a lake can be made there")
    };
    if probe.is_safe {
        return place;
    }
    format!(
        "{place}; its store does not keep two writers apart (allow_unsafe_store is set): make sure \
         that only one run works at a time"
    )
}

async fn check_source(source: &SourceSettings, context: &Context) -> Vec<Check> {
    match sources::of(source, &context.settings.run, &context.environment).await {
        Ok(sources) => {
            let checks = sources.iter().map(Source::check);
            futures::future::join_all(checks).await.concat()
        }
        Err(error) => vec![failed("settings", &error.sentence(), "")],
    }
}

fn passed(subject: &str, detail: String) -> Check {
    Check {
        subject: subject.to_owned(),
        outcome: CheckOutcome::Passed(detail),
    }
}

fn failed(subject: &str, problem: &str, cure: &str) -> Check {
    Check {
        subject: subject.to_owned(),
        outcome: CheckOutcome::Failed {
            problem: problem.to_owned(),
            cure: cure.to_owned(),
        },
    }
}

impl DoctorFormat {
    fn line(self, place: &str, check: &Check) -> io::Result<String> {
        let (word, detail, cure) = match &check.outcome {
            CheckOutcome::Passed(detail) => ("ok", detail, ""),
            CheckOutcome::Skipped(reason) => ("skipped", reason, ""),
            CheckOutcome::Failed { problem, cure } => ("FAILED", problem, cure.as_str()),
        };
        let subject = &check.subject;
        let line = match self {
            Self::Text if cure.is_empty() => format!("{word:<8}{place}: {subject}: {detail}"),
            Self::Text => format!("{word:<8}{place}: {subject}: {detail}; {cure}"),
            Self::Ndjson => json!({
                "result": word.to_lowercase(),
                "place": place,
                "check": subject,
                "detail": detail,
                "cure": (!cure.is_empty()).then_some(cure),
            })
            .to_string(),
        };
        // One line whatever a server said.
        Ok(line.replace(['\n', '\r'], " ") + "\n")
    }
}
