//! The walk: asks for everything, and writes rows as answers come.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use futures::StreamExt;
use futures::stream;

use super::fetch::{EXECUTIONS_AN_ANSWER, Fetch, TASKS_AN_ANSWER, is_unknown};
use super::json::{self, Number};
use super::losses::Losses;
use super::map;
use super::sql::SqlOverview;
use super::stage_requests::{Answer, Request, Resource, StageKey, key, requests};
use super::stage_tasks::{EndedTasks, StageTasks};
use crate::discover::ServerApplication;
use crate::extract::error::ExtractError;
use crate::extract::eventlog::event::TaskMetrics;
use crate::extract::eventlog::replay::activity::Gaps;
use crate::extract::eventlog::replay::environment::Environment;
use crate::extract::eventlog::replay::executors::{
    Concurrency, CostSum, DRIVER, LifeEnd, end_life,
};
use crate::extract::eventlog::replay::exit_reason;
use crate::extract::eventlog::replay::settings::ApplicationSettings;
use crate::extract::eventlog::replay::shape::Shape;
use crate::extract::extraction::Extraction;
use crate::extract::rows::{
    ApplicationActivity, ApplicationRow, ExecutorRow, HistoryKind, RowWriter,
};
use crate::http::HttpError;
use sparklake_eventlog::limits;

/// Requests of one walk under way at the same time; the client may allow fewer.
const REQUESTS_AHEAD: usize = 8;

/// Refused pages of SQL executions after which no further one is asked for.
const MAX_REFUSALS: u64 = 5_000;

/// A server keeps 1,000 executions unless it is configured otherwise, and drops a tenth of them when they
/// become more.
const LIKELY_LIMIT_OF_EXECUTIONS: i64 = 900;

/// Walks through all that the server shows of one attempt.
///
/// # Errors
/// When nothing but the attempt's start can be had, or the sink refuses rows.
pub(super) async fn walk(
    application: &ServerApplication,
    rows: &mut RowWriter<'_>,
) -> Result<Extraction, ExtractError> {
    let started = Instant::now();
    let mut walk = Walk::new(application, rows);
    walk.run().await?;
    let Walk {
        rows,
        losses,
        answers,
        completed,
        ..
    } = walk;
    rows.flush()?;
    let is_whole = losses.is_empty();
    Ok(Extraction {
        rows: rows.counts(),
        lines: answers.saturating_add(losses.failed_requests),
        bad_lines: losses.failed_requests,
        duplicate_events: 0,
        loss: (!is_whole).then(|| losses.to_string()),
        truncated: !is_whole,
        retryable: losses.is_retryable(),
        complete: completed && is_whole,
        compressed_bytes: 0,
        duration_ms: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
        failed_requests: losses.unanswered_requests,
        unread_process_logs: 0,
        without_start: false,
        missing_files: false,
        others: Vec::new(),
    })
}

struct Walk<'w, 's, 'a> {
    application: &'a ServerApplication,
    fetch: Fetch<'a>,
    rows: &'w mut RowWriter<'s>,
    losses: Losses,
    totals: Totals,
    /// Answers that came.
    answers: u64,
    completed: bool,
    /// Epoch milliseconds of the newest event that the server shows.
    last_event: i64,
}

/// Sums over the whole application.
#[derive(Debug, Default)]
struct Totals {
    jobs: i64,
    stages: i64,
    tasks: i64,
    failed_tasks: i64,
    task_time_ms: i64,
    sql: i64,
    metrics: TaskMetrics,
    killed_tasks: i64,
    first_task: Option<i64>,
    /// Starts (true) and ends of jobs, epoch milliseconds.
    jobs_running: Vec<(i64, bool)>,
}

impl<'w, 's, 'a> Walk<'w, 's, 'a> {
    fn new(application: &'a ServerApplication, rows: &'w mut RowWriter<'s>) -> Self {
        Self {
            application,
            fetch: Fetch::new(application),
            rows,
            losses: Losses::default(),
            totals: Totals::default(),
            answers: 0,
            completed: application.completed,
            last_event: application.start_time.timestamp_millis(),
        }
    }

    async fn run(&mut self) -> Result<(), ExtractError> {
        let (attempt, jobs, stages, executors, processes, environment, rdds) = futures::join!(
            self.fetch.attempt(),
            self.fetch.jobs(),
            self.fetch.stages(),
            self.fetch.executors(),
            self.fetch.processes(),
            self.fetch.environment(),
            self.fetch.rdds(),
        );
        let attempt = attempt.map_err(|error| self.http_error(error))?;
        let jobs = self.take("jobs", jobs);
        let stages = self.take("stages", stages);
        let executors = self.take("executors", executors);
        if let (None, None, None, Some(error)) =
            (&jobs, &stages, &executors, self.losses.first_error())
        {
            return Err(self.http_error(error.clone()));
        }
        let processes = self.take("processes", processes);
        let environment = self.take("environment", environment);
        let rdds = self.take("rdd_storage", rdds);

        let mut settings = ApplicationSettings::default();
        if let Some(environment) = &environment {
            settings.on_environment(&environment.spark_properties);
        }
        let sql = self.sql(&settings).await?;
        let jobs = jobs.unwrap_or_default();
        let jobs_of_stage = self.jobs(jobs, &sql)?;
        let stages = stages.unwrap_or_default();
        self.note_dropped_stages(&jobs_of_stage, &stages);
        let executors = executors.unwrap_or_default();
        let mut known: BTreeSet<String> = executors
            .iter()
            .map(|executor| executor.id.clone())
            .collect();
        self.stages(stages, &jobs_of_stage, &sql, &mut known)
            .await?;
        for process in processes.unwrap_or_default() {
            map::process(process).append(self.rows)?;
        }
        for rdd in rdds.unwrap_or_default() {
            map::rdd(rdd).append(self.rows)?;
        }
        let environment = map::environment(environment.unwrap_or_default());
        self.rows.hear_settings(&environment.settings());
        environment.append(self.rows)?;
        self.application(attempt, executors, &environment)
    }

    fn http_error(&self, source: HttpError) -> ExtractError {
        ExtractError::Http {
            uri: self.application.uri.clone(),
            source,
        }
    }

    fn take<T>(&mut self, call: &'static str, answer: Result<T, HttpError>) -> Option<T> {
        let answer = self.losses.take(call, answer);
        self.answers += u64::from(answer.is_some());
        answer
    }

    fn saw(&mut self, time: i64) {
        self.last_event = self.last_event.max(time);
    }

    /// All SQL executions, page by page.
    ///
    /// One execution without a plan makes the server refuse every page that holds it: such a page is
    /// asked for in halves, until the one stands alone.
    async fn sql(&mut self, settings: &ApplicationSettings) -> Result<SqlOverview, ExtractError> {
        let mut overview = SqlOverview::default();
        let mut offset = 0;
        let mut length = EXECUTIONS_AN_ANSWER;
        let mut refused: u64 = 0;
        let mut last_id = None;
        loop {
            let page = match self.fetch.executions(offset, length).await {
                Ok(page) => page,
                Err(error)
                    if is_unknown(&error) && refused == 0 && !self.fetch.knows_sql().await =>
                {
                    break;
                }
                Err(error) if is_unknown(&error) => {
                    refused += 1;
                    if length > 1 {
                        length /= 2;
                        continue;
                    }
                    self.losses.failed("sql", error);
                    if refused >= MAX_REFUSALS {
                        break;
                    }
                    offset += 1;
                    continue;
                }
                Err(error) => {
                    self.losses.failed("sql", error);
                    break;
                }
            };
            self.answers += 1;
            for execution in &page {
                overview.append(execution, settings, self.rows)?;
            }
            // A server that knows no pages gives everything at once, or the same again and again.
            let is_end = page.len() != length || overview.last_id <= last_id;
            last_id = overview.last_id;
            if is_end {
                break;
            }
            offset += length;
            length = (length * 2).min(EXECUTIONS_AN_ANSWER);
        }
        // Ids need not begin at 0: drivers that start several applications count on.
        if let Some(first) = overview.first_id
            && first > 0
            && overview.executions >= LIKELY_LIMIT_OF_EXECUTIONS
        {
            self.losses.dropped(format!(
                "sql: the server seems to keep no execution before {first} \
                 (spark.sql.ui.retainedExecutions)"
            ));
        }
        self.totals.sql = overview.executions;
        self.saw(overview.last_event);
        Ok(overview)
    }

    /// Writes the jobs; which of them each stage belongs to.
    fn jobs(
        &mut self,
        jobs: Vec<json::Job>,
        sql: &SqlOverview,
    ) -> Result<HashMap<i64, Vec<i64>>, ExtractError> {
        let mut jobs_of_stage: HashMap<i64, Vec<i64>> = HashMap::new();
        let count = i64::try_from(jobs.len()).unwrap_or(i64::MAX);
        let newest = jobs.iter().map(|job| job.job_id.0).max();
        if newest.is_some_and(|newest| newest.saturating_add(1) > count) {
            self.losses.dropped(format!(
                "jobs: the server keeps {count} of {} (spark.ui.retainedJobs)",
                newest.unwrap_or_default().saturating_add(1)
            ));
        }
        self.totals.jobs = count;
        for job in jobs {
            self.saw(map::newest([job.submission_time, job.completion_time]));
            let start = job.submission_time.0.unwrap_or(0);
            self.totals.jobs_running.push((start, true));
            if let Some(end) = job.completion_time.0 {
                self.totals.jobs_running.push((end, false));
            }
            let job_id = job.job_id.0;
            for stage_id in &job.stage_ids {
                jobs_of_stage.entry(*stage_id).or_default().push(job_id);
            }
            let sql_id = sql.sql_of_job.get(&job_id).copied();
            map::job(job, sql_id).append(self.rows)?;
        }
        for ids in jobs_of_stage.values_mut() {
            ids.sort_unstable();
            ids.dedup();
        }
        Ok(jobs_of_stage)
    }

    fn note_dropped_stages(
        &mut self,
        jobs_of_stage: &HashMap<i64, Vec<i64>>,
        stages: &[json::Stage],
    ) {
        let shown: BTreeSet<i64> = stages.iter().map(|stage| stage.stage_id.0).collect();
        let missing = jobs_of_stage
            .keys()
            .filter(|stage_id| !shown.contains(stage_id))
            .count();
        // Where the list failed as a whole, that has been said.
        if missing > 0 && !stages.is_empty() {
            self.losses.dropped(format!(
                "stages: the server keeps {} of {} (spark.ui.retainedStages)",
                shown.len(),
                shown.len() + missing
            ));
        }
    }

    /// Writes the stages with their tasks and all that is summed up from them.
    async fn stages(
        &mut self,
        mut stages: Vec<json::Stage>,
        jobs_of_stage: &HashMap<i64, Vec<i64>>,
        sql: &SqlOverview,
        known_executors: &mut BTreeSet<String>,
    ) -> Result<(), ExtractError> {
        stages.sort_by_key(|stage| (stage.stage_id, stage.attempt_id));
        self.totals.stages = i64::try_from(stages.len()).unwrap_or(i64::MAX);
        let mut detailed = self.small_stages(&stages).await;
        let requests: Vec<Request> = stages
            .iter()
            .filter(|stage| !detailed.contains_key(&key(stage)))
            .flat_map(requests)
            .collect();
        let fetch = &Fetch::new(self.application);
        let answers = stream::iter(requests)
            .map(|request| async move { (request, request.send(fetch).await) })
            .buffered(REQUESTS_AHEAD)
            .peekable();
        let mut answers = std::pin::pin!(answers);
        let mut executors_without_row = BTreeSet::new();
        for stage in stages {
            let stage_key = key(&stage);
            let mut tasks = StageTasks::new(&stage);
            let mut details = detailed.remove(&stage_key);
            if let Some(found) = &mut details {
                self.answers += 1;
                tasks.add(found.tasks.take().unwrap_or_default(), self.rows)?;
            }
            while let Some((request, answer)) = answers
                .as_mut()
                .next_if(|(request, _)| request.stage == stage_key)
                .await
            {
                match answer {
                    Ok(Answer::Stage(mut found)) => {
                        self.answers += 1;
                        let with_tasks = found.tasks.take().unwrap_or_default();
                        if matches!(request.what, Resource::StageWithTasks) {
                            tasks.add(with_tasks, self.rows)?;
                        }
                        details = Some(*found);
                    }
                    Ok(Answer::Tasks(page)) => {
                        self.answers += 1;
                        tasks.add(page, self.rows)?;
                    }
                    Err(error) => {
                        tasks.failed = true;
                        self.losses.failed(request.what.call(), error);
                    }
                }
            }
            let ended = tasks.finish(self.rows)?;
            self.count(&stage, &ended);
            let summaries = details
                .as_mut()
                .and_then(|found| found.executor_summary.take());
            for (executor_id, summary) in summaries.iter().flatten() {
                if !known_executors.contains(executor_id) {
                    executors_without_row.insert(executor_id.clone());
                }
                map::stage_executor(executor_id, summary).append(
                    stage_key.0,
                    stage_key.1,
                    self.rows,
                )?;
            }
            let job_ids = jobs_of_stage.get(&stage_key.0).cloned().unwrap_or_default();
            let sql_id = job_ids
                .iter()
                .find_map(|job_id| sql.sql_of_job.get(job_id).copied());
            let stage = json::Stage {
                speculation_summary: details.and_then(|found| found.speculation_summary),
                ..stage
            };
            let mut row = map::stage(stage, job_ids, sql_id);
            row.tail_ms = ended.tail.until(row.info.completion_time);
            row.append(self.rows)?;
        }
        if !executors_without_row.is_empty() && !known_executors.is_empty() {
            self.losses.dropped(format!(
                "executors: {} that ran tasks are gone from the server \
                 (spark.ui.retainedDeadExecutors)",
                executors_without_row.len()
            ));
        }
        Ok(())
    }

    /// All stages with details in one answer, for applications with few tasks.
    async fn small_stages(&mut self, stages: &[json::Stage]) -> HashMap<StageKey, json::Stage> {
        let with_tasks: Vec<i64> = stages
            .iter()
            .map(json::Stage::started_tasks)
            .filter(|tasks| *tasks > 0)
            .collect();
        let tasks = with_tasks
            .iter()
            .fold(0, |sum: i64, more| sum.saturating_add(*more));
        let are_few = usize::try_from(tasks).is_ok_and(|tasks| tasks <= TASKS_AN_ANSWER);
        if with_tasks.len() < 2 || !are_few {
            return HashMap::new();
        }
        // Where this fails, the stages are asked for one by one, and those failures count.
        let answer = self.fetch.stages_with_details().await.unwrap_or_default();
        answer
            .into_iter()
            .filter(|stage| stage.tasks.is_some())
            .map(|stage| (key(&stage), stage))
            .collect()
    }

    fn count(&mut self, stage: &json::Stage, ended: &EndedTasks) {
        self.saw(map::newest([
            stage.submission_time,
            stage.first_task_launched_time,
            stage.completion_time,
        ]));
        self.saw(ended.last_event);
        self.totals.metrics.add(&map::stage_metrics(stage));
        self.totals.tasks += ended.tasks;
        self.totals.failed_tasks += ended.failed_tasks;
        self.totals.killed_tasks += ended.killed_tasks;
        if let Some(first) = stage.first_task_launched_time.0 {
            let known = self.totals.first_task;
            self.totals.first_task = Some(known.map_or(first, |known| known.min(first)));
        }
        self.totals.task_time_ms = self.totals.task_time_ms.saturating_add(ended.task_time_ms);
        if let Some(limit) = ended.dropped_at {
            let (stage_id, attempt_id) = key(stage);
            self.losses.dropped(format!(
                "stage {stage_id}.{attempt_id}: the server keeps {limit} of its tasks \
                 (spark.ui.retainedTasks)"
            ));
        }
    }

    /// When the application worked, as far as the server tells.
    fn activity(&mut self, life_end: &LifeEnd, exit_code: Option<i64>) -> ApplicationActivity {
        let totals = &mut self.totals;
        let mut changes = std::mem::take(&mut totals.jobs_running);
        // Of one moment, those that end before those that start.
        changes.sort_unstable();
        let mut gaps = Gaps::new(life_end.start_time);
        for (time, starts) in changes {
            if starts {
                gaps.job_started(time);
            } else {
                gaps.job_ended(time);
            }
        }
        // Jobs that the server dropped would look like gaps.
        let gaps = gaps
            .finish(life_end.observed())
            .filter(|_| self.losses.is_empty());
        let longest_gap = gaps.and_then(|(_, longest)| longest);
        ApplicationActivity {
            last_event_time: limits::instant(life_end.last_event),
            driver_only_time_ms: gaps.map(|(total, _)| total),
            longest_gap_ms: longest_gap.map(|gap| gap.length_ms),
            longest_gap_start_time: longest_gap.map(|gap| gap.start),
            first_task_time: totals.first_task,
            num_killed_tasks: totals.killed_tasks,
            exit_code,
            ..ApplicationActivity::default()
        }
    }

    /// Writes the executors, and the application's own row.
    fn application(
        &mut self,
        attempt: json::ApplicationAttempt,
        executors: Vec<json::Executor>,
        environment: &Environment,
    ) -> Result<(), ExtractError> {
        for executor in &executors {
            self.saw(map::newest([executor.add_time, executor.remove_time]));
        }
        let mut executors: Vec<ExecutorRow> = executors.into_iter().map(map::executor).collect();
        executors.sort_unstable_by(|left, right| left.executor_id.cmp(&right.executor_id));
        let start_time = self.rows.context().start_time;
        self.completed = attempt.completed || self.application.completed;
        let end_time = attempt
            .end_time
            .0
            .or(self.application.end_time.map(|end| end.timestamp_millis()))
            .filter(|_| self.completed);
        let life_end = LifeEnd {
            start_time,
            end_time,
            last_event: self.last_event,
        };
        let spark_version = Some(attempt.app_spark_version).filter(|version| !version.is_empty());
        let platform = self.rows.context().platform.clone();
        let settings = Shape::new(environment, &platform, spark_version.as_deref())
            .with_driver(executors.iter().find(|row| row.executor_id == DRIVER));
        let mut cost = CostSum::default();
        for row in &mut executors {
            end_life(row, &life_end, &settings);
            cost.add(row);
            row.append(self.rows)?;
        }
        let concurrency = concurrency(&executors);
        let time = cost.total();
        let driver = executors.iter().find(|row| row.executor_id == DRIVER);
        let shown = settings.application(
            &self.application.name,
            any_cores(&executors),
            driver.map(|driver| driver.total_cores),
        );
        let activity = self.activity(&life_end, exit_code(&attempt.exit_code));
        let metrics = &self.totals.metrics;
        let last_updated = attempt
            .last_updated
            .0
            .unwrap_or(self.application.last_updated.timestamp_millis());
        let row = ApplicationRow {
            start_time: Some(start_time),
            end_time,
            last_updated: Some(last_updated),
            spark_user: attempt.spark_user,
            completed: self.completed,
            spark_version,
            name: self.application.name.clone(),
            settings: shown,
            activity,
            num_executors_max: concurrency.executors_max,
            num_executors_added: concurrency.executors_added,
            num_executors_unregistered: None,
            unregistered_reason: None,
            cores_max: concurrency.cores_max(),
            total_task_time_ms: self.totals.task_time_ms,
            core_time_ms: time.core_ms,
            memory_time_byte_ms: time.heap_byte_ms,
            container_memory_time_byte_ms: time.container_byte_ms,
            input_bytes: metrics.input.bytes_read,
            output_bytes: metrics.output.bytes_written,
            shuffle_read_bytes: metrics.shuffle_read.total_bytes_read(),
            shuffle_write_bytes: metrics.shuffle_write.bytes_written,
            memory_bytes_spilled: metrics.memory_bytes_spilled,
            disk_bytes_spilled: metrics.disk_bytes_spilled,
            num_jobs: self.totals.jobs,
            num_stages: self.totals.stages,
            num_tasks: self.totals.tasks,
            num_failed_tasks: self.totals.failed_tasks,
            num_sql: self.totals.sql,
            failure_reason: exit_reason(activity.exit_code),
            history: HistoryKind::Rest,
            complete: self.completed && self.losses.is_empty(),
            source_uri: self.application.uri.clone(),
        };
        Ok(row.append(self.rows)?)
    }
}

fn exit_code(code: &Option<Number>) -> Option<i64> {
    code.as_ref().map(|Number(code)| *code)
}

/// The cores of any executor, for applications that do not configure them.
fn any_cores(executors: &[ExecutorRow]) -> Option<i64> {
    executors
        .iter()
        .filter(|executor| executor.executor_id != DRIVER)
        .map(|executor| executor.total_cores)
        .filter(|cores| *cores > 0)
        .max()
}

/// Most executors and cores at one time, from when they came and went.
fn concurrency(executors: &[ExecutorRow]) -> Concurrency {
    let mut changes: Vec<(i64, bool, i64)> = Vec::new();
    for executor in executors
        .iter()
        // One without cores never registered.
        .filter(|executor| executor.executor_id != DRIVER && executor.total_cores > 0)
    {
        changes.push((executor.add_time, true, executor.total_cores));
        if let Some(time) = executor.remove_time {
            changes.push((time, false, executor.total_cores));
        }
    }
    // Of one moment, those that go before those that come.
    changes.sort_unstable();
    let driver = executors.iter().find(|row| row.executor_id == DRIVER);
    let mut concurrency = Concurrency::beside_driver(driver.map_or(0, |driver| driver.total_cores));
    for (_, comes, cores) in changes {
        if comes {
            concurrency.add(cores);
        } else {
            concurrency.remove(cores);
        }
    }
    concurrency
}
