//! Reports without a lake, and of an empty one: every query runs, nothing hostile gets through, and
//! what is not known is said.

use serde_json::Value;

use super::verdict;
use super::*;
use crate::analyze::Catalog;
use crate::ask::{AskLake, AskOptions};

const EVIL: &str =
    "</title><script>alert(1)</script><img src=x onerror=y>\"'`|*\u{202e}\u{1b}[2J\nx";

fn nothing() -> (AskLake, Catalog) {
    let catalog = Catalog::built_in().expect("valid files");
    let views = catalog.shared_views().expect("views");
    let options = AskOptions {
        views: Box::new(move || Ok(views.clone())),
        ..AskOptions::default()
    };
    (AskLake::empty(options).expect("an engine"), catalog)
}

/// A row in which every text is `text` and every number the same.
fn filled(text: &str) -> ApplicationReport {
    let some = || Some(text.to_owned());
    let mut report = empty();
    let application = &mut report.application;
    application.application_id = text.to_owned();
    application.cluster_name = text.to_owned();
    application.application_name = some();
    application.job_key = some();
    application.spark_user = some();
    application.source_uri = some();
    application.failure_reason = some();
    application.observed_duration_ms = Some(10_000);
    application.num_stages = Some(1);
    report.settings.push(Setting {
        key: text.to_owned(),
        value: some(),
        origin: "set".to_owned(),
        default_value: some(),
    });
    report.bottlenecks.push(Finding {
        finding_id: text.to_owned(),
        rule_id: text.to_owned(),
        severity: "high".to_owned(),
        confidence: "high".to_owned(),
        category: "skew".to_owned(),
        subject_type: "stage".to_owned(),
        subject_id: text.to_owned(),
        title: text.to_owned(),
        evidence: some(),
        recommendation: some(),
        ..Finding::default()
    });
    report.num_bottlenecks = 1;
    report.advice.push(Advice {
        rank: 1,
        title: text.to_owned(),
        recommendation: some(),
        config_key: some(),
        config_current: some(),
        config_recommended: some(),
        confidence: "low".to_owned(),
        severity: "high".to_owned(),
        ..Advice::default()
    });
    report.executors.push(Executor {
        executor_id: text.to_owned(),
        host_port: some(),
        loss_kind: some(),
        remove_reason: some(),
        reason: "lost".to_owned(),
        ..Executor::default()
    });
    report.time.parts.push(TimePart {
        part: text.to_owned(),
        is_waste: true,
        core_ms: Some(1.0),
        wasted_ms: Some(1.0),
        usd: None,
    });
    report.time.jobs.push(Job {
        job_name: some(),
        status: some(),
        finding_title: some(),
        failure_reason: some(),
        ..Job::default()
    });
    report.time.stages.push(Stage {
        stage_name: some(),
        finding_title: some(),
        start_ms: Some(0),
        duration_ms: Some(9_000),
        ..Stage::default()
    });
    report.time.tasks.push(TaskDurations {
        stage_name: some(),
        num_tasks: 4,
        median_ms: Some(1),
        p95_ms: Some(2),
        max_ms: Some(3),
        histogram: vec![Bucket {
            bucket: 3,
            num_tasks: 4,
        }],
        ..TaskDurations::default()
    });
    report.cost.missing_price = some();
    report.verdict = verdict::of(&verdict::VerdictFacts {
        application: &report.application,
        time: &report.time,
        bottlenecks: &report.bottlenecks,
        advice: &report.advice,
        cost: &report.cost,
        num_clean: 0,
    });
    report
}

/// A report in which nothing is known.
fn empty() -> ApplicationReport {
    let application = Application::default();
    let (time, cost) = (TimeSpent::default(), Cost::default());
    let verdict = verdict::of(&verdict::VerdictFacts {
        application: &application,
        time: &time,
        bottlenecks: &[],
        advice: &[],
        cost: &cost,
        num_clean: 0,
    });
    ApplicationReport {
        application,
        other_attempts: Vec::new(),
        verdict,
        settings: Vec::new(),
        time,
        bottlenecks: Vec::new(),
        num_bottlenecks: 0,
        executors: Vec::new(),
        num_executors: 0,
        clean: Vec::new(),
        not_checked: Vec::new(),
        advice: Vec::new(),
        paste: Paste::default(),
        cost,
        job: None,
        check: Vec::new(),
    }
}

#[tokio::test]
async fn every_query_runs_on_an_empty_lake_with_its_own_defaults() {
    let (ask, catalog) = nothing();
    let questions = Questions {
        ask: &ask,
        catalog: &catalog,
        lake: "lake",
    };
    let ids: Vec<&str> = catalog
        .shown_in("report")
        .map(|query| query.id.as_str())
        .collect();
    assert!(ids.len() > 30, "{ids:?}");
    for id in ids {
        let rows: Result<Vec<Value>, ReportError> = questions.rows(id, &[]).await;
        assert!(rows.is_ok(), "{id}: {rows:?}");
    }
    let pages: Vec<&str> = catalog
        .shown_in("dashboard")
        .map(|query| query.id.as_str())
        .collect();
    assert!(pages.len() > 15, "{pages:?}");
    for id in pages {
        let rows: Result<Vec<Value>, ReportError> = questions.rows_of("dashboard", id, &[]).await;
        assert!(rows.is_ok(), "{id}: {rows:?}");
    }
}

#[tokio::test]
async fn an_empty_lake_is_said_to_be_empty_and_knows_no_application() {
    let (ask, catalog) = nothing();
    let questions = Questions {
        ask: &ask,
        catalog: &catalog,
        lake: "lake",
    };
    let report = Report::load(&questions, Subject::Lake)
        .await
        .expect("a report");
    let text = report.text("lake");
    assert!(
        text.contains("The lake holds no application yet."),
        "{text}"
    );
    for subject in [Subject::Application("app-1"), Subject::Job("nightly")] {
        let error = Report::load(&questions, subject)
            .await
            .expect_err("unknown");
        assert!(error.is_usage());
        assert!(
            error.to_string().contains("load some with `sparklake run`"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn every_rule_says_what_it_needs_to_know() {
    let (ask, catalog) = nothing();
    let questions = Questions {
        ask: &ask,
        catalog: &catalog,
        lake: "lake",
    };
    let needs: Vec<RuleNeed> = questions.rows("rule_needs", &[]).await.expect("rows");
    for rule in catalog.rules() {
        assert!(
            needs.iter().any(|need| need.rule_id == rule.id),
            "sql/report/rule_needs.sql has no line for {}",
            rule.id
        );
    }
    for need in &needs {
        assert!(catalog.rule(&need.rule_id).is_ok(), "{need:?}");
    }
}

#[test]
fn hostile_names_are_text_in_every_format() {
    let report = Report::Application(Box::new(filled(EVIL)));
    let html = report.html("lake");
    assert!(html.contains("alert(1)"), "the name is shown");
    for markup in ["<script", "<img", "onerror=y>", "\u{202e}", "\u{1b}"] {
        assert!(!html.contains(markup), "{markup}");
    }
    let text = report.text("lake");
    assert!(!text.contains(['\u{202e}', '\u{1b}']), "{text}");
    let markdown = report.markdown("lake");
    for markup in ["<script", "<img", "\u{202e}", "\u{1b}"] {
        assert!(!markdown.contains(markup), "{markup} in {markdown}");
    }
    let json: Value = serde_json::from_str(&report.json().expect("JSON")).expect("JSON");
    assert_eq!(json["application"]["application_id"], EVIL);
}

#[test]
fn what_is_not_known_is_said_and_never_made_up() {
    let report = Report::Application(Box::new(empty()));
    let text = report.text("lake");
    assert!(text.contains("Run time"), "{text}");
    assert!(text.contains("The cost is not known."), "{text}");
    assert!(text.contains("was not judged yet"), "{text}");
    for shown in [text, report.markdown("lake"), report.html("lake")] {
        assert!(shown.contains("not known"));
        assert!(!shown.contains("NaN") && !shown.contains("inf "), "{shown}");
        assert!(!shown.contains("1970-01-01"), "{shown}");
    }
}

#[test]
fn json_has_the_keys_that_scripts_rely_on() {
    let report = Report::Application(Box::new(filled("a")));
    let json: Value = serde_json::from_str(&report.json().expect("JSON")).expect("JSON");
    for key in [
        "application",
        "verdict",
        "settings",
        "time",
        "bottlenecks",
        "clean",
        "not_checked",
        "advice",
        "cost",
    ] {
        assert!(json.get(key).is_some(), "{key}");
    }
    let advice = &json["advice"][0];
    for key in [
        "rank",
        "title",
        "evidence",
        "config_key",
        "config_current",
        "config_recommended",
        "saving_ms",
        "saving_usd",
        "confidence",
    ] {
        assert!(advice.get(key).is_some(), "{key}");
    }
}

#[test]
fn a_card_fits_whatever_its_texts() {
    for text in ["a", "\"\\\"", "\u{1f980}", "é\n"] {
        let mut report = filled(&text.repeat(3_000));
        for _ in 0..40 {
            report.bottlenecks.push(report.bottlenecks[0].clone());
            report.advice.push(report.advice[0].clone());
        }
        report.num_bottlenecks = 41;
        let report = Report::Application(Box::new(report));
        let card = report.card().expect("a card").expect("an application");
        assert!(card.len() <= MAX_CARD_BYTES, "{} bytes", card.len());
        let card: Value = serde_json::from_str(&card).expect("JSON");
        let shown = card["findings"].as_array().map_or(0, Vec::len) as i64;
        assert_eq!(shown + card["more_findings"].as_i64().unwrap_or(0), 41);
    }
    let lake = Report::Lake(Box::new(LakeReport {
        totals: LakeTotals::default(),
        verdict: empty().verdict,
        jobs: Vec::new(),
        num_jobs: 0,
        time_parts: Vec::new(),
        findings: Vec::new(),
        days: Vec::new(),
        regressions: Vec::new(),
        changes: Vec::new(),
        candidates: Candidates::default(),
        gaps: Vec::new(),
    }));
    assert_eq!(lake.card().expect("no failure"), None);
}

#[test]
fn every_row_of_a_table_has_a_cell_for_each_column() {
    let report = filled("a");
    let pages = [
        Report::Application(Box::new(report)).page("lake"),
        Report::Application(Box::new(empty())).page("lake"),
    ];
    let mut tables = 0;
    for page in &pages {
        for block in page.sections.iter().flat_map(|section| &section.blocks) {
            if let crate::publish::page::Block::Table(table) = block {
                tables += 1;
                for row in &table.rows {
                    assert_eq!(row.cells.len(), table.columns.len(), "{}", table.caption);
                }
            }
        }
    }
    assert!(tables >= 5, "{tables}");
}

#[test]
fn a_page_stays_small_however_many_stages_there_are() {
    let mut report = filled("a stage with a long name ".repeat(8).as_str());
    for number in 0..10_000 {
        let mut stage = report.time.stages[0].clone();
        stage.stage_id = number;
        report.time.stages.push(stage);
    }
    let html = Report::Application(Box::new(report)).html("lake");
    assert!(html.len() < 400_000, "{} bytes", html.len());
}

#[test]
fn a_run_that_wastes_much_is_not_called_clean() {
    let headline = |wasted_ratio| {
        let application = Application {
            application_name: Some("nightly".to_owned()),
            is_judged: Some(true),
            complete: Some(true),
            end_time: Some(chrono::DateTime::UNIX_EPOCH),
            wasted_ratio: Some(wasted_ratio),
            ..Application::default()
        };
        let verdict = verdict::of(&verdict::VerdictFacts {
            application: &application,
            time: &TimeSpent::default(),
            bottlenecks: &[],
            advice: &[],
            cost: &Cost::default(),
            num_clean: 41,
        });
        verdict.headline
    };
    let clean = "nightly shows nothing to fix: 41 checks found it clean.";
    assert_eq!(headline(0.29), clean);
    let wasteful =
        "nightly has no fault that a check knows, yet 71 % of its core time did no useful work.";
    assert_eq!(headline(0.71), wasteful);
}

#[test]
fn work_that_never_ended_and_jobs_that_failed_are_in_the_verdict() {
    let text = |unfinished_ms: f64, num_failed_jobs| {
        let application = Application {
            is_judged: Some(true),
            complete: Some(true),
            observed_duration_ms: Some(234_000),
            exit_code: Some(0),
            num_jobs: Some(4),
            num_failed_jobs: Some(num_failed_jobs),
            core_time_ms: Some(100_000),
            wasted_ratio: Some(0.08),
            ..Application::default()
        };
        let mut time = TimeSpent::default();
        time.parts.push(TimePart {
            part: "unfinished".to_owned(),
            core_ms: Some(unfinished_ms),
            ..TimePart::default()
        });
        let verdict = verdict::of(&verdict::VerdictFacts {
            application: &application,
            time: &time,
            bottlenecks: &[],
            advice: &[],
            cost: &Cost::default(),
            num_clean: 41,
        });
        verdict.summary
    };
    let killed = text(65_000.0, 2);
    assert!(
        killed.contains("ended with exit code 0 although jobs failed."),
        "{killed}"
    );
    assert!(
        killed.contains("; 65 % more went into tasks that never ended."),
        "{killed}"
    );
    let ended = text(5_000.0, 0);
    assert!(ended.contains("ended with exit code 0."), "{ended}");
    assert!(!ended.contains("never ended"), "{ended}");
}
