//! Verdicts over facts that are given.

use super::{ComparedRun, Comparison, Metric, Setting, StagePair};

fn run(id: &str) -> ComparedRun {
    ComparedRun {
        application_id: id.to_owned(),
        application_name: Some(id.to_owned()),
        job_key: Some("nightly".to_owned()),
        spark_version: Some("3.5.1".to_owned()),
        complete: Some(true),
        cores_max: Some(8),
        ..ComparedRun::default()
    }
}

/// Two runs of a job that took so long, in ms.
fn runs(a: Option<f64>, b: Option<f64>) -> Comparison {
    let metric = |name: &str, a, b| Metric {
        metric: name.to_owned(),
        title: name.to_owned(),
        unit: "ms".to_owned(),
        a,
        b,
    };
    Comparison {
        verdict: String::new(),
        in_common: false,
        a: run("a"),
        b: run("b"),
        metrics: vec![
            metric("duration_ms", a, b),
            metric("driver_only_time_ms", Some(1000.0), Some(1000.0)),
        ],
        settings: Vec::new(),
        stages: Vec::new(),
        operators: Vec::new(),
        findings: Vec::new(),
    }
}

fn setting(key: &str, a: &str, b: &str) -> Setting {
    Setting {
        section: "spark".to_owned(),
        key: key.to_owned(),
        value_a: Some(a.to_owned()),
        value_b: Some(b.to_owned()),
        is_tuning: true,
        ..Setting::default()
    }
}

/// A stage that took so long in A and B, with so many tasks.
fn stage(id: i64, ms: [i64; 2], tasks: [i64; 2]) -> StagePair {
    StagePair {
        stage_id_a: Some(id),
        stage_id_b: Some(id),
        matched_by: Some("plan".to_owned()),
        duration_ms_a: Some(ms[0]),
        duration_ms_b: Some(ms[1]),
        num_tasks_a: Some(tasks[0]),
        num_tasks_b: Some(tasks[1]),
        ..StagePair::default()
    }
}

fn verdict(mut comparison: Comparison) -> String {
    comparison.conclude();
    comparison.verdict
}

#[test]
fn the_stage_and_the_setting_that_makes_its_tasks_are_named() {
    let mut comparison = runs(Some(100_000.0), Some(210_000.0));
    let mut slow = stage(12, [20_000, 108_000], [200, 20]);
    slow.disk_bytes_spilled_a = Some(0);
    slow.disk_bytes_spilled_b = Some(3 << 30);
    comparison.stages = vec![slow, stage(3, [5_000, 9_000], [4, 4])];
    comparison.settings = vec![
        setting("spark.executor.memory", "4g", "5g"),
        setting("spark.sql.shuffle.partitions", "200", "20"),
    ];
    assert_eq!(
        verdict(comparison),
        "B took 2.1 times as long as A (1 min 40 s → 3 min 30 s): 80 % of the difference is stage 12, which took \
         88.0 s more; it ran in 20 instead of 200 tasks and spilled 3.0 GiB to disk (A: none), since \
         spark.sql.shuffle.partitions went from 200 to 20."
    );
}

#[test]
fn what_is_not_known_or_not_alike_is_said() {
    let unfinished = verdict(runs(None, Some(1000.0)));
    assert_eq!(
        unfinished,
        "How long A took is not known: its history has no end."
    );

    let same = verdict(runs(Some(100_000.0), Some(101_000.0)));
    assert_eq!(
        same,
        "B took about as long as A (1 min 40 s and 1 min 41 s); no tuning setting differs."
    );

    let mut strangers = runs(Some(100_000.0), Some(10_000.0));
    strangers.b.job_key = Some("other".to_owned());
    let mut alone = stage(1, [5, 5], [1, 1]);
    // Half of all jobs have a stage of these operators.
    alone.matched_by = Some("operators".to_owned());
    strangers.stages = vec![alone];
    assert_eq!(
        verdict(strangers),
        "These two runs have nothing in common: `a` and `b` are different jobs, and no stage of one runs \
         the code of a stage of the other; only totals can be compared. B was 10.0 times as fast as A (1 min 40 s → 10.0 s)."
    );
}

#[test]
fn more_input_another_version_and_failures_are_said() {
    let mut comparison = runs(Some(100_000.0), Some(150_000.0));
    let metric = |name: &str, a, b| Metric {
        metric: name.to_owned(),
        title: name.to_owned(),
        unit: "bytes".to_owned(),
        a: Some(a),
        b: Some(b),
    };
    comparison.metrics.push(metric("input_bytes", 1e9, 2e9));
    comparison
        .metrics
        .push(metric("duration_per_gb_ms", 100_000.0, 75_000.0));
    comparison.b.spark_version = Some("4.0.1".to_owned());
    comparison.b.failure_reason = Some("Job aborted".to_owned());
    comparison.b.cores_max = Some(2);
    assert_eq!(
        verdict(comparison),
        "B took 1.5 times as long as A (1 min 40 s → 2 min 30 s): no single stage makes the difference; Spark went \
         from 3.5.1 to 4.0.1; it had 2 cores at most, A 8. B read 2.0 times as much input (953.7 MiB → \
         1.9 GiB); per byte of input it took 0.75 times as long. B failed, so that its length says little."
    );
}

#[test]
fn time_without_tasks_is_named_where_it_makes_the_difference() {
    let mut comparison = runs(Some(100_000.0), Some(80_000.0));
    comparison.metrics[1].a = Some(30_000.0);
    comparison.metrics[1].b = Some(12_000.0);
    comparison.settings = vec![setting("spark.executor.instances", "2", "4")];
    assert_eq!(
        verdict(comparison),
        "B took 20 % less time than A (1 min 40 s → 80.0 s): 90 % of the difference is less time without a task; \
         the only tuning setting that differs is spark.executor.instances: 2 → 4."
    );
}

#[test]
fn text_and_markdown_begin_with_the_verdict() {
    let mut comparison = runs(Some(100_000.0), Some(210_000.0));
    comparison.stages = vec![stage(12, [20_000, 108_000], [200, 20])];
    comparison.conclude();
    let text = comparison.to_text();
    assert!(
        text.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .contains(&comparison.verdict),
        "{text}"
    );
    assert!(text.find("Verdict") < text.find("In numbers"), "{text}");
    let markdown = comparison.to_markdown();
    assert!(
        markdown
            .contains("| 12 | 12 |  | plan | 20.0 s | 1 min 48 s | 5.4 times | 200 → 20 | - | - |"),
        "{markdown}"
    );
}
