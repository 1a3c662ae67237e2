//! The report of an application as a page.

use super::advice_page::{advice, check, clean, cost, not_checked, trend};
use super::application::ApplicationReport;
use super::pictures;
use super::rows::{Application, Executor, Finding};
use crate::model::{part_label, printable, shortened};
use crate::publish::numbers::{
    self, NOT_KNOWN, bytes, core_time, count, counted, duration, known, percent, usd,
};
use crate::publish::page::{Block, Fact, Item, Link, Page, Section, Table, severity, shown};

/// Longest name in a table, in characters.
const LONGEST_NAME: usize = 90;
/// Settings, stages and checks that are listed.
const LISTED_STAGES: usize = 12;

/// The page.
pub(super) fn page(report: &ApplicationReport) -> Page {
    let application = &report.application;
    let name = application.application_name.as_deref().map(printable);
    let mut subtitle = vec![application.application_id.clone()];
    if application.attempt_id != "0" || !report.other_attempts.is_empty() {
        subtitle.push(format!("attempt {}", application.attempt_id));
    }
    subtitle.extend(application.start_time.map(numbers::time));
    subtitle.push(application.cluster_name.clone());
    let subtitle: Vec<String> = subtitle.iter().map(|part| printable(part)).collect();
    Page {
        title: name.unwrap_or_else(|| printable(&application.application_id)),
        subtitle: subtitle.join(" · "),
        level: Some(report.verdict.level),
        siblings: Vec::new(),
        sections: sections(report),
    }
}

/// In the order in which one looks for the cause: when and where the time went, what took it, the settings behind it,
/// what to do; then what the rules did not find.
fn sections(report: &ApplicationReport) -> Vec<Section> {
    [
        Some(verdict(report)),
        Some(run_facts(report)),
        Some(time(report)),
        Some(bottlenecks(report)),
        executors(report),
        settings(report),
        Some(advice(report)),
        Some(cost(&report.cost)),
        report.job.as_ref().and_then(trend),
        Some(identity(&report.application)),
        Some(clean(report)),
        Some(not_checked(report)),
        check(report),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn verdict(report: &ApplicationReport) -> Section {
    let verdict = &report.verdict;
    let rest = verdict.summary.strip_prefix(&verdict.headline);
    let section = Section::new("verdict", "Verdict").with(Block::Lead {
        first: verdict.headline.clone(),
        rest: rest.unwrap_or_default().trim().to_owned(),
    });
    let items = verdict.next_steps.iter().zip(1..).map(|(step, rank)| Item {
        rank: Some(rank),
        title: printable(step),
        ..Item::default()
    });
    let items: Vec<Item> = items.collect();
    if items.is_empty() {
        return section;
    }
    section
        .with(Block::Text("Do first:".to_owned()))
        .with(Block::Items(items))
}

fn run_facts(report: &ApplicationReport) -> Section {
    let run = &report.application;
    let int = |number: Option<i64>| known(number, count);
    let size = |number: Option<i64>| known(number, |number| bytes(number as f64));
    let time = |number: Option<i64>| known(number, |number| duration(number as f64));
    let ran = match (run.duration_ms, run.observed_duration_ms) {
        (None, Some(observed)) => Fact::new("Run time", NOT_KNOWN).note(format!(
            "{} up to its last event",
            duration(observed as f64)
        )),
        (ran, _) => Fact::new("Run time", time(ran)),
    };
    let core = Fact::new(
        "Core time held",
        known(run.core_time_ms.filter(|time| *time > 0), |time| {
            core_time(time as f64)
        }),
    )
    .note(known(run.wasted_ratio, |ratio| {
        format!("{} wasted", percent(ratio))
    }));
    let cores = known(run.executor_cores, |cores| counted(cores, "core", "cores"));
    let executors = if run.is_local == Some(true) {
        Fact::new("Executors", "local mode").note(cores)
    } else {
        let heap = size(run.executor_memory_bytes);
        let cores = match (run.executor_cores_least, run.executor_cores_most) {
            (Some(least), Some(most)) if least < most => format!("{least} to {most} cores"),
            _ => cores,
        };
        Fact::new(
            "Executors",
            format!("{} at once", int(run.num_executors_max)),
        )
        .note(format!(
            "{} started; {cores} and {heap} of heap each",
            int(run.num_executors_added)
        ))
    };
    let spilled = Fact::new("Spilled to disk", size(run.disk_bytes_spilled))
        .note(format!("{} in memory", size(run.memory_bytes_spilled)));
    let tasks = Fact::new("Tasks", int(run.num_tasks)).note(format!(
        "{} failed, {} killed",
        int(run.num_failed_tasks),
        int(run.num_killed_tasks)
    ));
    let work = Fact::new("Jobs", int(run.num_jobs)).note(format!(
        "{}, {}",
        known(run.num_stages, |stages| counted(stages, "stage", "stages")),
        known(run.num_sql, |queries| counted(
            queries,
            "SQL query",
            "SQL queries"
        ))
    ));
    let task_time = Fact::new(
        "Task time",
        known(run.total_task_time_ms, |time| core_time(time as f64)),
    )
    .note(format!(
        "driver alone for {}",
        time(run.driver_only_time_ms)
    ));
    let read = Fact::new("Read", size(run.input_bytes)).note(match run.uncounted_files() {
        // Spark counts almost nothing where files are read in a vectored way.
        Some(files) => format!(
            "as Spark counted; the scans read files of {}; {} written",
            size(Some(files)),
            size(run.output_bytes)
        ),
        None => format!("{} written", size(run.output_bytes)),
    });
    let shuffled = Fact::new("Shuffle read", size(run.shuffle_read_bytes))
        .note(format!("{} written", size(run.shuffle_write_bytes)));
    let mut section = Section::new("run", "The run").with(Block::Facts(vec![
        ran, core, executors, work, tasks, task_time, read, shuffled, spilled,
    ]));
    // What the run is called comes later, what went wrong does not.
    let mut table = Table::new("About this attempt", &["Fact", "~Value"]);
    if let Some(reason) = &run.failure_reason {
        let line = reason.lines().next().unwrap_or_default();
        table.row(
            "high",
            ["Failure".to_owned(), shortened(&printable(line), 600)],
        );
    }
    for other in &report.other_attempts {
        table.row(
            "",
            [
                "Also in the lake".to_owned(),
                printable(&format!(
                    "attempt {} on {}",
                    other.attempt_id, other.cluster_name
                )),
            ],
        );
    }
    section = section.with_some(table.block());
    section
}

fn identity(run: &Application) -> Section {
    let mut table = Table::new("What it is and where it was read", &["Fact", "~Value"]);
    for (name, value) in identity_facts(run) {
        table.row("", [name.to_owned(), value]);
        if let ("Recurring job", Some(key)) = (name, &run.job_key) {
            table.link(1, Link::job(key));
        }
    }
    Section::new("identity", "Identity").with_some(table.block())
}

fn identity_facts(run: &Application) -> Vec<(&'static str, String)> {
    let end = match run.end_time_source.as_deref() {
        Some("application_end") => "",
        _ => " (last event of the history)",
    };
    let texts = [
        ("Application", Some(&run.application_id)),
        ("Recurring job", run.job_key.as_ref()),
        ("User", run.spark_user.as_ref()),
        ("Team", run.team.as_ref()),
        ("Spark", run.spark_version.as_ref()),
        ("Master", run.master.as_ref()),
        ("Queue", run.queue.as_ref()),
        ("Source", run.source_uri.as_ref()),
    ];
    let mut facts: Vec<(&'static str, String)> = texts
        .into_iter()
        .filter_map(|(name, text)| Some((name, printable(text?))))
        .collect();
    facts.push(("Started", known(run.start_time, numbers::time)));
    facts.push((
        "Ended",
        known(run.end_time, |time| format!("{}{end}", numbers::time(time))),
    ));
    facts.push(("Exit code", known(run.exit_code, count)));
    facts
}

fn settings(report: &ApplicationReport) -> Option<Section> {
    let mut table = Table::new(
        "Settings that decide performance",
        &["Setting", "Value", "Origin"],
    );
    for setting in &report.settings {
        let origin = match (setting.origin.as_str(), &setting.default_value) {
            ("set", Some(default)) if Some(default) != setting.value.as_ref() => {
                format!("set; default {}", printable(default))
            }
            // `set`, `default`, or the sessions that gave it to their queries.
            (origin, _) => printable(origin),
        };
        let value = shown(setting.value.as_ref());
        table.row("", [printable(&setting.key), value, origin]);
    }
    let block = table.block()?;
    Some(Section::new("settings", "Configuration in force").with(block))
}

fn time(report: &ApplicationReport) -> Section {
    let time = &report.time;
    let span = report.application.observed_duration_ms.unwrap_or(0) as f64;
    let mut section = Section::new("time", "Where the time went")
        .with_some(pictures::core_time_parts(&time.parts).map(Block::Chart))
        .with_some(parts_table(report));
    section = section
        .with_some(pictures::core_usage(time, span).map(Block::Chart))
        .with_some(pictures::stage_timeline(time, span).map(Block::Chart))
        .with_some(jobs_table(report))
        .with_some(stages_table(report));
    for stage in &time.tasks {
        section = section.with_some(pictures::task_durations(stage).map(Block::Chart));
    }
    if section.blocks.is_empty() {
        section = section.with(Block::Text(
            "The history holds neither executors nor jobs that ran.".to_owned(),
        ));
    }
    section
}

fn parts_table(report: &ApplicationReport) -> Option<Block> {
    let whole: f64 = report
        .time
        .parts
        .iter()
        .filter_map(|part| part.core_ms)
        .sum();
    let mut table = Table::new(
        "Parts of the core time; they add up to it",
        &["Part", "#Core time", "#Share", "#Cost"],
    );
    for part in &report.time.parts {
        let Some(time) = part.core_ms.filter(|time| *time > 0.0) else {
            continue;
        };
        table.row(
            &format!("part-{}", part.part),
            [
                part_label(&part.part).0.to_owned(),
                core_time(time),
                percent(time / whole),
                known(part.usd, usd),
            ],
        );
        table.share(2, Some(time / whole));
    }
    table.block()
}

fn jobs_table(report: &ApplicationReport) -> Option<Block> {
    let all = report.application.num_jobs.unwrap_or(0);
    let caption = if report.time.jobs.len() as i64 == all {
        "Jobs, failed ones and the longest first".to_owned()
    } else {
        format!(
            "{} of {}, failed ones and the longest first",
            report.time.jobs.len(),
            counted(all, "job", "jobs")
        )
    };
    let mut table = Table::new(
        &caption,
        &[
            "Job",
            "What",
            "Status",
            "#Began after",
            "#Ran",
            "#Tasks",
            "Bottleneck",
        ],
    );
    for job in &report.time.jobs {
        let time = |ms: Option<i64>| known(ms, |ms| duration(ms as f64));
        let failed = job.num_failed_tasks.filter(|failed| *failed > 0);
        let failed =
            failed.map_or_else(String::new, |failed| format!(", {} failed", count(failed)));
        let found = job
            .finding_title
            .as_deref()
            .map(printable)
            .unwrap_or_default();
        let more = match job.num_findings {
            0..=1 => String::new(),
            number => format!(" (+{})", count(number - 1)),
        };
        let is_failed = job.status.as_deref() == Some("FAILED");
        let mark = if is_failed {
            "high"
        } else {
            severity(job.severity_rank)
        };
        table.row(
            mark,
            [
                job.job_id.to_string(),
                shortened(&shown(job.job_name.as_ref()), LONGEST_NAME),
                shown(job.status.as_ref()).to_lowercase(),
                time(job.start_ms),
                time(job.duration_ms),
                format!("{}{failed}", known(job.num_tasks, count)),
                format!("{found}{more}"),
            ],
        );
        if let Some(sql_id) = job.sql_id {
            table.link(1, link(report).query(sql_id));
        }
    }
    table.block()
}

fn stages_table(report: &ApplicationReport) -> Option<Block> {
    let time = &report.time;
    let caption = format!(
        "{} of {}, those with findings and the longest first",
        time.stages.len().min(LISTED_STAGES),
        counted(time.num_stage_attempts, "stage attempt", "stage attempts")
    );
    let mut table = Table::new(
        &caption,
        &[
            "Stage",
            "What",
            "#Ran",
            "#Tasks",
            "#Run time of tasks",
            "#Read",
            "#Shuffled",
            "#Spilled",
            "Bottleneck",
        ],
    );
    for stage in time.stages.iter().take(LISTED_STAGES) {
        let size = |number: Option<i64>| known(number, |number| bytes(number as f64));
        table.row(
            severity(stage.severity_rank),
            [
                format!("{}.{}", stage.stage_id, stage.stage_attempt_id),
                shortened(&shown(stage.stage_name.as_ref()), LONGEST_NAME),
                known(stage.duration_ms, |ms| duration(ms as f64)),
                known(stage.num_tasks, count),
                known(stage.run_time_ms, |ms| core_time(ms as f64)),
                size(stage.input_bytes),
                size(stage.shuffle_read_bytes),
                size(stage.disk_bytes_spilled),
                stage
                    .finding_title
                    .as_deref()
                    .map(printable)
                    .unwrap_or_default(),
            ],
        );
        table.link(
            0,
            link(report).stage(stage.stage_id, stage.stage_attempt_id),
        );
        if let Some(sql_id) = stage.sql_id {
            table.link(1, link(report).query(sql_id));
        }
    }
    table.block()
}

/// The page of the application.
fn link(report: &ApplicationReport) -> Link {
    let application = &report.application;
    Link::application(&application.application_id, &application.attempt_id)
}

/// The page of what a finding is about: a stage attempt, a query or one of its nodes.
fn subject_link(report: &ApplicationReport, finding: &Finding) -> Option<Link> {
    let mut ids = finding.subject_id.split('.').map(str::parse::<i64>);
    match (finding.subject_type.as_str(), ids.next()?, ids.next()) {
        ("stage", Ok(stage), Some(Ok(attempt))) => Some(link(report).stage(stage, attempt)),
        ("sql" | "node", Ok(sql_id), _) => Some(link(report).query(sql_id)),
        _ => None,
    }
}

fn bottlenecks(report: &ApplicationReport) -> Section {
    let section = Section::new("bottlenecks", "Bottlenecks");
    if report.bottlenecks.is_empty() {
        let text = if report.application.is_judged == Some(true) {
            "The rules found none."
        } else {
            "The application was not judged yet."
        };
        return section.with(Block::Text(text.to_owned()));
    }
    let items = report.bottlenecks.iter().map(|finding| Item {
        link: subject_link(report, finding),
        ..bottleneck(finding, &report.application.application_id)
    });
    let items = items.collect();
    let section = section.with(Block::Items(items));
    let more = report.num_bottlenecks - report.bottlenecks.len() as i64;
    if more <= 0 {
        return section;
    }
    section.with(Block::Note(format!(
        "{} more are in the table findings.",
        count(more)
    )))
}

/// What the rules found about a stage or a query, with what to do about it; empty where they found nothing.
pub(in crate::publish) fn found(findings: &[Finding], application_id: &str) -> Section {
    let section = Section::new("findings", "What the rules found");
    if findings.is_empty() {
        return section;
    }
    let items = findings.iter().map(|finding| {
        let mut item = bottleneck(finding, application_id);
        item.texts
            .extend(finding.recommendation.iter().map(|text| printable(text)));
        item.setting = setting_change(
            finding.config_key.as_ref(),
            finding.config_current.as_ref(),
            finding.config_recommended.as_ref(),
        );
        item
    });
    section.with(Block::Items(items.collect()))
}

/// A setting, its value and the one to set, where a finding names one.
pub(in crate::publish) fn setting_change(
    key: Option<&String>,
    current: Option<&String>,
    recommended: Option<&String>,
) -> Option<(String, String, String)> {
    Some((printable(key?), shown(current), printable(recommended?)))
}

/// What a finding is about, in words; `None` where that is the application as a whole.
pub(in crate::publish) fn subject_name(
    subject_type: &str,
    subject_id: &str,
    application_id: &str,
) -> Option<String> {
    let id = printable(subject_id);
    match subject_type {
        "application" if subject_id.starts_with(application_id) => None,
        // Something of it: a setting, an RDD, a table.
        "application" => Some(id),
        "sql" => Some(format!("query {id}")),
        "node" => Some(match id.split_once('.') {
            Some((query, node)) => format!("query {query}, node {node}"),
            None => format!("node {id}"),
        }),
        other => Some(format!("{} {id}", printable(other))),
    }
}

fn bottleneck(finding: &Finding, application_id: &str) -> Item {
    let lost = finding.lost_core_ms.filter(|lost| *lost > 0);
    let facts = [
        subject_name(&finding.subject_type, &finding.subject_id, application_id),
        Some(format!("rule {}", printable(&finding.rule_id))),
        lost.map(|lost| format!("{} of core time lost", core_time(lost as f64))),
        Some(format!("{} confidence", finding.confidence)),
    ];
    Item {
        severity: finding.severity.clone(),
        title: printable(&finding.title),
        facts: facts.into_iter().flatten().collect(),
        texts: finding
            .evidence
            .iter()
            .map(|text| printable(text))
            .collect(),
        ..Item::default()
    }
}

fn executors(report: &ApplicationReport) -> Option<Section> {
    let caption = format!(
        "{} of {}, by task time",
        report.executors.len(),
        counted(report.num_executors, "executor", "executors")
    );
    let mut table = Table::new(
        &caption,
        &[
            "Executor",
            "Host",
            "#Cores",
            "#Alive",
            "#Task time",
            "#Busy",
            "#Tasks",
            "#Failed",
            "Why",
        ],
    );
    for executor in &report.executors {
        let mark = match (executor.place.as_str(), executor.reason.as_str()) {
            (_, "lost") => "high",
            _ => "",
        };
        table.row(
            mark,
            [
                printable(&executor.executor_id),
                shown(executor.host_port.as_ref()),
                known(executor.total_cores, count),
                known(executor.lifetime_ms, |ms| duration(ms as f64)),
                known(executor.task_time_ms, |ms| core_time(ms as f64)),
                known(executor.busy_ratio, percent),
                known(executor.completed_tasks, count),
                known(executor.failed_tasks, count),
                why(executor),
            ],
        );
    }
    let block = table.block()?;
    Some(Section::new("executors", "Executors that did most and least").with(block))
}

/// What sets an executor apart from the median one.
fn why(executor: &Executor) -> String {
    let ratio = executor.reason_ratio;
    let share = known(ratio, percent);
    match executor.reason.as_str() {
        "only" => "the only one".to_owned(),
        // Two have no median to be compared with.
        "few" => String::new(),
        "lost" => format!(
            "lost ({}): {}",
            shown(executor.loss_kind.as_ref()),
            shortened(&shown(executor.remove_reason.as_ref()), LONGEST_NAME)
        ),
        "cores" => format!("has {share} of the median's cores"),
        "short_life" => format!("was alive for {share} of the median lifetime"),
        "long_life" => format!("was alive for {share} of the median lifetime"),
        "no_tasks" => "ran no task".to_owned(),
        "slow_tasks" => format!("its tasks took {share} of the median time"),
        "fast_tasks" => format!("its tasks took {share} of the median time"),
        "more_tasks" | "fewer_tasks" => format!("ran {share} of the median number of tasks"),
        _ => "like the median executor".to_owned(),
    }
}
