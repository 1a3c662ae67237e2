//! Tells others what came of a run, as `[notify]` of the job file says. What cannot be told is a
//! warning: the run is what it is.

use std::fmt::Display;

use chrono::{DateTime, Utc};

use super::catalog::Rules;
use super::error::CliError;
use super::{Context, lake};
use crate::config::NotifySettings;
use crate::pipeline::{RunRequest, RunStatus, RunSummary};
use crate::publish::Facts;
use crate::publish::notify::findings::{self, NightFindings};
use crate::publish::notify::lineage::LineageRun;
use crate::publish::notify::{Outcome, OutcomeProblem, deliver, prometheus};
use crate::redact::without_credentials;

/// Problems that a message lists.
const LISTED_PROBLEMS: usize = 10;

/// A run that others are told about.
pub(super) struct Notifier<'c> {
    context: &'c Context,
    webhook_url: Option<String>,
    openlineage_token: Option<String>,
    lineage: Option<LineageRun>,
    started_at: DateTime<Utc>,
    /// How the run before ended, where runs are repeated: who was told that it fails need not be told
    /// every round.
    previous: Option<RunStatus>,
}

impl<'c> Notifier<'c> {
    /// Reads the secrets, so that a wrong reference is known before the run.
    ///
    /// # Errors
    /// A variable or file that is referred to is not there.
    pub(super) fn of(
        context: &'c Context,
        request: &RunRequest,
        run_id: &str,
        previous: Option<RunStatus>,
    ) -> Result<Self, CliError> {
        let settings = &context.settings.notify;
        let secret = |reference: &Option<crate::config::SecretReference>| match reference {
            Some(reference) => reference.resolve(&context.environment),
            None => Ok(None),
        };
        let wants_lineage =
            settings.openlineage_file.is_some() || settings.openlineage_url.is_some();
        let lineage = wants_lineage.then(|| LineageRun {
            run_id: run_id.to_owned(),
            namespace: settings.openlineage_namespace.clone(),
            lake: without_credentials(&request.lake).into_owned(),
            sources: request.describe_sources(),
            parent: settings.openlineage_parent.clone(),
        });
        Ok(Self {
            webhook_url: secret(&settings.webhook_url)?,
            openlineage_token: secret(&settings.openlineage_token)?,
            lineage: lineage.filter(|_| !request.dry_run),
            context,
            started_at: Utc::now(),
            previous,
        })
    }

    fn settings(&self) -> &NotifySettings {
        &self.context.settings.notify
    }

    /// The run begins. A round of a watch tells it at its end, if there is anything to tell.
    pub(super) async fn began(&self) {
        if let Some(lineage) = self.lineage.as_ref().filter(|_| self.previous.is_none()) {
            self.send_lineage(&lineage.start(self.started_at)).await;
        }
    }

    /// The run has ended.
    pub(super) async fn ended(&self, request: &RunRequest, summary: &RunSummary) {
        // A run that waits has not ended.
        if request.dry_run || summary.status == RunStatus::Waiting {
            return;
        }
        let outcome = self.outcome(request, summary);
        let found = self.findings(summary).await;
        self.write_metrics(&outcome, &found);
        let is_news = summary.changed || self.previous != Some(summary.status);
        if is_news {
            self.send_findings(&outcome, &found, summary.status).await;
        }
        if let Some(lineage) = self.lineage.as_ref().filter(|_| is_news) {
            if self.previous.is_some() {
                self.send_lineage(&lineage.start(self.started_at)).await;
            }
            self.send_lineage(&lineage.end(&outcome)).await;
        }
    }

    fn outcome(&self, request: &RunRequest, summary: &RunSummary) -> Outcome {
        let clusters = &summary.clusters;
        let problems = summary.problems.iter().take(LISTED_PROBLEMS);
        Outcome {
            run_id: summary.run_id.clone(),
            lake: without_credentials(&request.lake).into_owned(),
            status: summary.status.to_string(),
            exit_code: summary.exit_code,
            error: summary.error.clone(),
            started_at: self.started_at,
            ended_at: Utc::now(),
            changed: summary.changed,
            steps: vec![
                ("discover", summary.discover_ms),
                ("extract", summary.extract_ms),
                ("load", summary.load_ms),
                ("analyze", summary.analyze_ms),
            ],
            histories: vec![
                ("loaded", summary.loaded),
                ("partial", summary.partial),
                ("unchanged", summary.unchanged),
                ("skipped", summary.skipped),
                ("quarantined", summary.quarantined),
                ("failed", summary.failed),
            ],
            clusters: vec![
                ("completed", clusters.completed),
                ("empty", clusters.empty),
                ("partial", clusters.partial),
                ("failed", clusters.failed),
                ("unchanged", clusters.unchanged),
            ],
            rows: summary.rows,
            bytes: summary.bytes,
            problems: problems
                .map(|problem| OutcomeProblem {
                    uri: problem.uri.clone(),
                    status: problem.status.to_string(),
                    error: problem.error.clone(),
                })
                .collect(),
            problem_count: summary.problems.len(),
        }
    }

    /// The findings of what the run loaded; none where nobody wants them or nothing was loaded.
    async fn findings(&self, summary: &RunSummary) -> NightFindings {
        let settings = self.settings();
        let is_wanted = settings.metrics_file.is_some()
            || settings.findings_file.is_some()
            || self.webhook_url.is_some();
        if !is_wanted || summary.loaded + summary.partial == 0 {
            return NightFindings::default();
        }
        self.read_findings(&summary.run_id)
            .await
            .unwrap_or_else(|error| {
                let error = error.sentence();
                tracing::warn!("the findings of this run cannot be told: {error}");
                NightFindings::default()
            })
    }

    async fn read_findings(&self, run_id: &str) -> Result<NightFindings, CliError> {
        let context = self.context;
        let lake = lake::open(context, "").await?;
        let ask = lake::ask(&lake, context)?;
        let catalog = Rules::of(&context.settings.rules)?.as_run;
        let facts = Facts::new(&ask, &catalog);
        let settings = self.settings();
        let level = settings.min_severity as i64;
        Ok(findings::read(&facts, run_id, level, settings.max_findings).await?)
    }

    fn write_metrics(&self, outcome: &Outcome, found: &NightFindings) {
        let Some(file) = &self.settings().metrics_file else {
            return;
        };
        let previous = std::fs::read_to_string(file).ok();
        let text = prometheus::metrics(outcome, &found.by_severity, previous.as_deref());
        warn_of(deliver::replace(file, &self.redacted(&text)));
    }

    async fn send_findings(&self, outcome: &Outcome, found: &NightFindings, status: RunStatus) {
        let message = self.redacted(&findings::message(outcome, found).to_string());
        if let Some(file) = &self.settings().findings_file {
            warn_of(deliver::replace(file, &format!("{message}\n")));
        }
        // Another run has the lake: it tells what it finds.
        let is_told =
            !found.listed.is_empty() || !matches!(status, RunStatus::Done | RunStatus::Held);
        if let Some(url) = self.webhook_url.as_ref().filter(|_| is_told) {
            let timeout = self.settings().timeout;
            warn_of(deliver::post("the webhook", url, None, &message, timeout).await);
        }
    }

    async fn send_lineage(&self, event: &serde_json::Value) {
        let settings = self.settings();
        let event = self.redacted(&event.to_string());
        if let Some(file) = &settings.openlineage_file {
            warn_of(deliver::append(file, &event));
        }
        if let Some(url) = &settings.openlineage_url {
            let (token, timeout) = (self.openlineage_token.as_deref(), settings.timeout);
            warn_of(deliver::post("OpenLineage", url, token, &event, timeout).await);
        }
    }

    fn redacted(&self, text: &str) -> String {
        self.context.settings.redactor.text(text).into_owned()
    }
}

fn warn_of<E: Display>(delivered: Result<(), E>) {
    if let Err(error) = delivered {
        tracing::warn!("{error}; the run itself is not affected");
    }
}
