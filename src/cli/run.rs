//! `sparklake run`: the nightly job.

use std::io::{self, IsTerminal, Write};

use super::Context;
use super::arguments::JobArguments;
use super::error::CliError;
use super::notify::Notifier;
use super::output::Output;
use super::{catalog, cluster, lake, progress, run_summary, signals, sources, summary, watch};
use crate::config::{
    Engine, Environment, LogFormat, LogLevel, Settings, SourceSettings, SummaryFormat,
};
use crate::discover::Window;
use crate::load::{SourceStatus, StoreSafety};
use crate::pipeline::{
    self, EXIT_DONE, NamedSource, Problem, Reload, RunEnd, RunRequest, RunSummary, RunWatch,
    TeamSettings,
};
use crate::unit::Credentials;

/// A line that works on most machines, for those who do not know what to type.
const EXAMPLE: &str = "sparklake run --event-logs /var/log/spark-events --lake ./lake";

/// A round of a watch would wait for workers, and hold the lake against all later rounds.
const WATCH_ELSEWHERE: &str = "--watch repeats runs of one machine, and with --engine shards or ballista:// a \
     run may wait until it is resumed: leave one of the two out";

/// A line that resumes a run.
const RESUME_EXAMPLE: &str = "sparklake run --resume latest --lake ./lake";

/// Find applications that ran, load their history into the lake and judge it
///
/// What is in the lake already is passed over, so the same line can run every night. The last line
/// of standard output is a JSON summary, with every exit code; on a terminal it is a paragraph.
///
/// With --watch the run is repeated: a summary a round, and errors of a round do not end it. Its exit
/// code is that of the last round.
#[derive(Debug, clap::Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub(super) job: JobArguments,
    /// Resume a run that waits for workers: commit what they reported, and judge it. `latest` is the
    /// run that waits, if any. Needs no source
    #[arg(long, value_name = "RUN", conflicts_with_all = ["dry_run", "reload", "watch"])]
    resume: Option<String>,
}

pub(super) async fn execute(
    arguments: &RunArguments,
    context: &Context,
    output: &mut Output,
) -> Result<u8, CliError> {
    let (settings, environment) = (&context.settings, &context.environment);
    if let (Some(every), None) = (settings.run.watch, &arguments.resume) {
        if settings.run.engine != Engine::Local {
            return Err(CliError::Usage(WATCH_ELSEWHERE.to_owned()));
        }
        return watch::execute(context, every, output).await;
    }
    let (request, run) = match &arguments.resume {
        None => (request(settings, environment).await?, RunWatch::default()),
        Some(run_id) => {
            let waiting = lake::waiting_run(context, run_id, RESUME_EXAMPLE).await?;
            let Some(objects) = waiting else {
                let (format, redactor) = (settings.run.summary, &settings.redactor);
                run_summary::print(&RunSummary::default(), format, redactor, output)?;
                return Ok(EXIT_DONE);
            };
            let lake = objects.lake().uri().to_owned();
            let mut request = request_into(lake, &[], settings, environment).await?;
            request.resume = Some(objects.run_id().to_owned());
            (request, RunWatch::of(objects.run_id()))
        }
    };
    let notifier = Notifier::of(context, &request, run.run_id(), None)?;
    let signals = signals::stop_run(run.clone(), settings.run.summary, settings.redactor.clone());
    let signals = tokio::spawn(signals);
    let summary = work(context, &request, &run, &notifier).await;
    signals.abort();
    print(context, &summary, output)
}

/// Runs once, and tells people and other programs what came of it.
pub(super) async fn work(
    context: &Context,
    request: &RunRequest,
    run: &RunWatch,
    notifier: &Notifier<'_>,
) -> RunSummary {
    notifier.began().await;
    let progress = progress::of_run(&context.logging);
    let RunEnd { mut summary, error } = pipeline::run(request, progress.as_ref(), run).await;
    progress.finished();
    match error {
        Some(error) => {
            let error = CliError::from(error);
            let sentence = error.sentence();
            context.logging.tell_failure(&sentence, summary.exit_code);
            summary.error = Some(sentence);
        }
        None => tell(context, request, &summary),
    }
    notifier.ended(request, &summary).await;
    summary
}

/// Prints the summary for scripts, and gives the exit code.
pub(super) fn print(
    context: &Context,
    summary: &RunSummary,
    output: &mut Output,
) -> Result<u8, CliError> {
    let settings = &context.settings;
    match run_summary::print(summary, settings.run.summary, &settings.redactor, output) {
        // The work is done, whether somebody still listens or not.
        Err(_) if output.is_broken_pipe() => Ok(summary.exit_code),
        printed => printed.map(|()| summary.exit_code).map_err(CliError::from),
    }
}

/// Tells people what the run did: in a paragraph on a terminal, as warnings in a log.
fn tell(context: &Context, request: &RunRequest, run: &RunSummary) {
    let log = context.logging.settings;
    let people = io::stderr().is_terminal() && log.format == LogFormat::Text;
    let wanted = match context.settings.run.summary {
        SummaryFormat::Auto => people && log.level >= LogLevel::Info,
        SummaryFormat::Text => true,
        SummaryFormat::Json | SummaryFormat::None => false,
    };
    if wanted {
        let text = summary::of_run(run, &request.lake);
        let text = context.settings.redactor.text(&text);
        // Nothing is left to be told when even this cannot be printed.
        let _ = write!(io::stderr(), "{text}");
    }
    if let Some(sentence) = summary::nothing_found(run, request) {
        let sentence = context.settings.redactor.text(&sentence);
        // A watch that waits for its first history says it at every round.
        match context.settings.run.watch {
            None => tracing::warn!("{sentence}"),
            Some(_) => tracing::info!("{sentence}"),
        }
    }
    if wanted {
        return;
    }
    if let Some(next) = summary::next_step(run, &request.lake) {
        tracing::info!("{next}");
    }
    for problem in &run.problems {
        let Problem {
            uri,
            status,
            error_kind,
            error,
            count,
            ..
        } = problem;
        // What was skipped is not missing.
        if *status == SourceStatus::Skipped {
            tracing::info!(uri, %status, error_kind, count, "{error}");
        } else {
            tracing::warn!(uri, %status, error_kind, count, "{error}");
        }
    }
}

/// What the settings ask for, as the pipeline takes it.
pub(super) async fn request(
    settings: &Settings,
    environment: &Environment,
) -> Result<RunRequest, CliError> {
    let usage = |missing: &str| {
        Err(CliError::Usage(format!(
            "`run` needs {missing}; for example: {EXAMPLE}"
        )))
    };
    let (lake, declared) = match (&settings.lake.uri, settings.sources.as_slice()) {
        (Some(lake), [_, ..]) => (lake, &settings.sources),
        (Some(_), []) => return usage("a source of histories (--event-logs or a job file)"),
        (None, [_, ..]) => return usage("a lake to write to (--lake or a job file)"),
        (None, []) => {
            return usage(
                "a source of histories (--event-logs) and a lake to write to (--lake), or a job file",
            );
        }
    };
    // Also where nothing is judged, so that a dry run finds what would end the run.
    catalog::Rules::of(&settings.rules)?;
    request_into(lake.clone(), declared, settings, environment).await
}

/// What the settings ask for, of these sources and into that lake.
///
/// # Errors
/// A setting makes no sense, or a secret is not where it is said to be.
pub(super) async fn request_into(
    lake: String,
    declared: &[SourceSettings],
    settings: &Settings,
    environment: &Environment,
) -> Result<RunRequest, CliError> {
    let run = &settings.run;
    let mut wanted = Vec::new();
    for (index, settings) in declared.iter().enumerate() {
        let sources = sources::of(settings, run, environment).await?;
        wanted.extend(sources.into_iter().map(|source| NamedSource {
            name: format!("source[{index}]"),
            source,
            credentials: sources::credentials(settings),
        }));
    }
    Ok(RunRequest {
        lake,
        storage_options: settings.lake.storage_options.resolve(environment)?,
        lake_credentials: Credentials::of(&settings.lake.storage_options),
        store_safety: StoreSafety::from_allow_unsafe(settings.lake.allow_unsafe_store),
        sources: wanted,
        workers: None,
        hands_out: (run.engine != Engine::Local).then_some(run.units),
        engine: cluster::engine(run)?,
        resume: None,
        redactor: settings.redactor.clone(),
        window: Window {
            since: run.since,
            until: run.until,
        },
        dry_run: run.dry_run,
        include_running: run.include_running,
        include_tasks: run.include_tasks,
        reload: Reload::parse(&run.reload).map_err(|error| CliError::Usage(error.to_string()))?,
        teams: TeamSettings {
            tags: run.team_tags.clone(),
            by_queue: run.team_by_queue.clone(),
            by_user: run.team_by_user.clone(),
        },
        threads: run.max_app_threads,
        identify_timeout: run.identify_timeout,
        extract_timeout: run.extract_timeout,
        rules_dir: settings.rules.dir.clone(),
        rule_overrides: catalog::overrides(&settings.rules),
        max_applications: run.max_applications,
        record_unchanged: true,
    })
}
