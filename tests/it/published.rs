//! Two runs of one job with one setting changed (`tests/fixtures/pair`), as `compare`, `check` and
//! `export trace` show them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use super::context::{Ended, TestContext};
use super::stored::rows;

const PAIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pair");
/// 64 shuffle partitions, and then one.
const A: &str = "local-1795681424901";
const B: &str = "local-1795681479142";

/// A lake of the pair, made once.
fn lake() -> PathBuf {
    static LAKE: OnceLock<TempDir> = OnceLock::new();
    let folder = LAKE.get_or_init(|| {
        let folder = TempDir::new().expect("a folder");
        let lake = folder.path().join("lake").display().to_string();
        let made = TestContext::new().run(&["-q", "run", "--event-logs", PAIR, "--lake", &lake]);
        assert_eq!(made.code, 0, "{made:?}");
        folder
    });
    folder.path().join("lake")
}

fn context() -> TestContext {
    let mut context = TestContext::new();
    context.set("SPARKLAKE_LAKE", &lake().display().to_string());
    context
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

#[test]
fn compare_names_the_changed_setting_and_the_stage_that_it_changed() {
    let context = context();
    let compared = context.run(&["compare", A, B, "--format", "json"]);
    assert_eq!(compared.code, 0, "{compared:?}");
    let compared = json(&compared);
    let verdict = compared["verdict"].as_str().expect("a verdict");
    assert!(
        verdict.starts_with("B took 29 % longer than A (32.5 s → 41.9 s): stage 3 (in A stage 4)"),
        "{verdict}"
    );
    assert!(
        verdict.contains("spilled 193.9 MiB to disk (A: none)"),
        "{verdict}"
    );
    assert!(
        verdict.ends_with("since spark.sql.shuffle.partitions went from 64 to 1."),
        "{verdict}"
    );

    let settings = compared["settings"].as_array().expect("settings");
    let settings: Vec<_> = settings
        .iter()
        .map(|setting| setting["key"].as_str())
        .collect();
    assert_eq!(settings, [Some("spark.sql.shuffle.partitions")]);

    // Stage 2 of A samples the ranges of the sort; one partition needs none.
    let stages = compared["stages"].as_array().expect("stages");
    let partners: BTreeSet<(Option<i64>, Option<i64>)> = stages
        .iter()
        .map(|pair| (pair["stage_id_a"].as_i64(), pair["stage_id_b"].as_i64()))
        .collect();
    let expected = [
        (Some(0), Some(0)),
        (Some(1), Some(1)),
        (Some(2), None),
        (Some(3), Some(2)),
        (Some(4), Some(3)),
    ];
    assert_eq!(partners, BTreeSet::from(expected));
    assert_eq!(stages[0]["stage_id_b"], 3, "the largest change comes first");

    let findings = compared["findings"].as_array().expect("findings");
    assert!(
        findings
            .iter()
            .any(|finding| finding["change"] == "new" && finding["rule_id"] == "single_task"),
        "{findings:?}"
    );
    // The same facts, read without the program.
    let duration = |id: &str| {
        let stored = rows(&lake(), "applications");
        let row = stored
            .iter()
            .find(|row| row["application_id"] == id)
            .expect("there");
        row["duration_ms"].parse::<f64>().expect("a number")
    };
    let metric = &compared["metrics"][0];
    assert_eq!(
        (metric["a"].as_f64(), metric["b"].as_f64()),
        (Some(duration(A)), Some(duration(B)))
    );

    // By the job, and by parts of ids, the same.
    let by_job = context.run(&["compare", "--job", "nightly-sort-#", "--format", "json"]);
    assert_eq!(json(&by_job)["verdict"], verdict);
    let text = context.run(&["compare", "81424901", "81479142"]);
    let words: Vec<&str> = text.out.split_whitespace().collect();
    assert!(words.join(" ").contains(verdict), "{text:?}");
    let markdown = context.run(&["compare", A, B, "--format", "markdown"]);
    assert!(
        markdown
            .out
            .contains("| spark.sql.shuffle.partitions | 64 | 1 |"),
        "{markdown:?}"
    );
}

#[test]
fn runs_that_cannot_be_compared_are_explained() {
    let context = context();
    for (arguments, expected) in [
        (
            &["compare", "nowhere", B][..],
            "there is no application whose id contains `nowhere`",
        ),
        (
            &["compare", "local", B][..],
            "`local` is part of several application ids: ",
        ),
        (
            &["compare", A, A][..],
            "both runs are local-1795681424901 (attempt 0); name two",
        ),
        (
            &["compare", "--job", "weekly"][..],
            "the job `weekly` has no run in this lake that ended",
        ),
    ] {
        let ended = context.run(arguments);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.err.contains(expected), "{ended:?}");
    }
}

#[test]
fn check_passes_what_is_within_and_stops_what_is_not() {
    let context = context();
    let generous = context.file(
        "generous.toml",
        "[limits]\nduration = \"2m\"\ndisk_spilled = \"1GB\"\nfailed_tasks = 0\n[findings]\nseverity = \"medium\"\n",
    );
    let generous = generous.display().to_string();
    let passed = context.run(&[
        "check", "--app", B, "--budget", &generous, "--format", "json",
    ]);
    assert_eq!(passed.code, 0, "{passed:?}");
    let passed = json(&passed);
    assert_eq!(passed["passed"], true);
    assert_eq!(passed["within"].as_array().map(Vec::len), Some(4));

    let strict = context.file(
        "strict.toml",
        "name = \"strict\"\n[limits]\ndisk_spilled = \"100MB\"\n[findings]\nseverity = \"low\"\n\
         [regression]\nbaseline = \"last\"\nduration_percent = 20\nduration_per_input_percent = 20\n",
    );
    let strict = strict.display().to_string();
    let exceeded = context.run(&["check", "--app", B, "--budget", &strict, "--format", "json"]);
    assert_eq!(exceeded.code, 1, "{exceeded:?}");
    let exceeded = json(&exceeded);
    let checks = |name: &str| -> Vec<String> {
        let list = exceeded[name].as_array().expect("a list");
        list.iter()
            .map(|check| check["check"].as_str().expect("text").to_owned())
            .collect()
    };
    assert_eq!(
        checks("violations"),
        [
            "limits.disk_spilled",
            "findings",
            "regression.duration_percent"
        ]
    );
    // It read no input, so that nothing can be said about it.
    assert_eq!(
        checks("not_checked"),
        ["regression.duration_per_input_percent"]
    );

    let junit = context.run(&[
        "check", "--app", B, "--budget", &strict, "--format", "junit",
    ]);
    assert_eq!(junit.code, 1, "{junit:?}");
    assert!(
        junit
            .out
            .contains("tests=\"4\" failures=\"3\" errors=\"0\" skipped=\"1\""),
        "{junit:?}"
    );
    let sarif = json(&context.run(&[
        "check", "--app", B, "--budget", &strict, "--format", "sarif",
    ]));
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 4);
    let first = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(first["region"]["startLine"], 3);
}

#[test]
fn garbage_collection_is_a_share_of_the_time_that_tasks_ran_whatever_cores_they_reserve() {
    // Spark logged 6.1 s of run time for tasks that took 3.3 s, since each reserved two cores; 73 ms are garbage collection.
    let context = TestContext::new();
    let budget = context.file("budget.toml", "[limits]\ngc_ratio = 0.015\n");
    let log = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/logs/spark43/eventlog_v2_local-1796023924686"
    );
    let budget = budget.display().to_string();
    let checked = context.run(&["check", "--event-log", log, "--budget", &budget]);
    assert_eq!(checked.code, 1, "{checked:?}");
    assert!(
        checked
            .out
            .contains("the share of garbage collection is 2.2 %"),
        "{checked:?}"
    );
}

#[test]
fn an_event_log_is_checked_without_a_lake_and_against_the_runs_of_one() {
    let mut context = TestContext::new();
    let budget = context.file(
        "budget.toml",
        "[limits]\ndisk_spilled = \"1GB\"\n[regression]\nbaseline = \"last\"\ndisk_spilled_percent = 10\n",
    );
    let budget = budget.display().to_string();
    let log = format!("{PAIR}/eventlog_v2_{B}");
    let alone = context.run(&["check", "--event-log", &log, "--budget", &budget]);
    assert_eq!(alone.code, 0, "{alone:?}");
    assert!(
        alone.out.contains("1 of 2 points could not be checked"),
        "{alone:?}"
    );
    assert!(
        alone
            .out
            .contains("no lake with earlier runs was given (--lake)"),
        "{alone:?}"
    );

    context.set("SPARKLAKE_LAKE", &lake().display().to_string());
    let compared = context.run(&["check", "--event-log", &log, "--budget", &budget]);
    assert_eq!(compared.code, 1, "{compared:?}");
    assert!(
        compared
            .out
            .contains("spill to disk is 193.9 MiB against the run before (0 B)"),
        "{compared:?}"
    );

    // An application that is not there is an error: a check against nothing would pass for ever.
    let named = |id: &str| {
        let text = format!("[regression]\nbaseline = \"{id}\"\ndisk_spilled_percent = 10\n");
        let named = context.file("named.toml", &text).display().to_string();
        context.run(&["check", "--event-log", &log, "--budget", &named])
    };
    let unknown = named("app-20990101");
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(
        unknown
            .err
            .contains("`app-20990101` is no application of the lake"),
        "{unknown:?}"
    );
    let itself = named(B);
    assert_eq!(itself.code, 0, "{itself:?}");
    assert!(
        itself.out.contains("it is the application that is checked"),
        "{itself:?}"
    );
}

#[test]
fn what_cannot_be_checked_has_its_own_exit_code_and_cure() {
    let context = TestContext::new();
    let wrong = context.file("wrong.toml", "[limits]\ndurations = \"1h\"\n");
    let wrong = wrong.display().to_string();
    let log = format!("{PAIR}/eventlog_v2_{B}");
    let ended = context.run(&["check", "--event-log", &log, "--budget", &wrong]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(
        ended
            .err
            .contains("wrong.toml:2: unknown key `durations`; did you mean `duration`?"),
        "{ended:?}"
    );
    let unknown_rule = context.file("rule.toml", "[findings]\nignore = [\"task_skow\"]\n");
    let unknown_rule = unknown_rule.display().to_string();
    let ended = context.run(&["check", "--event-log", &log, "--budget", &unknown_rule]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(
        ended
            .err
            .contains("there is no rule `task_skow`; did you mean `task_skew`?"),
        "{ended:?}"
    );
    let budget = context.file("budget.toml", "[limits]\nduration = \"1h\"\n");
    let budget = budget.display().to_string();
    context.file("no-log.txt", "this is no event log\n");
    for log in ["nowhere", "no-log.txt"] {
        let ended = context.run(&["check", "--event-log", log, "--budget", &budget]);
        assert!(![0, 1].contains(&ended.code), "{ended:?}");
        assert!(ended.err.contains("error: "), "{ended:?}");
    }
    let both = context.run(&["check", "--event-log", PAIR, "--budget", &budget]);
    assert_eq!(both.code, 2, "{both:?}");
    assert!(
        both.err.contains("the place holds several applications"),
        "{both:?}"
    );
}

#[test]
fn a_trace_has_every_task_on_a_lane_of_its_own() {
    let context = context();
    for name in ["trace.json", "trace.json.gz"] {
        let ended = context.run(&["export", "trace", "--app", B, "--out", name]);
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    let file = |name: &str| std::fs::File::open(context.path().join(name)).expect("written");
    let mut plain = String::new();
    file("trace.json")
        .read_to_string(&mut plain)
        .expect("UTF-8");
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(file("trace.json.gz"))
        .read_to_string(&mut unpacked)
        .expect("UTF-8");
    assert_eq!(plain, unpacked);

    let trace: Value = serde_json::from_str(&plain).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("events");
    let slices = |category: &str| {
        events
            .iter()
            .filter(|event| event["ph"] == "X" && event["cat"] == category)
            .collect::<Vec<_>>()
    };
    let stored = |table: &str| {
        let stored = rows(&lake(), table).into_iter();
        stored.filter(|row| row["application_id"] == B).count()
    };
    assert_eq!(slices("task").len(), stored("tasks"));
    assert_eq!(slices("jobs").len(), stored("jobs"));
    assert_eq!(slices("stages").len(), stored("stages"));
    assert_eq!(slices("queries").len(), stored("sql"));
    assert!(!slices("gaps").is_empty());

    // No two slices of a track overlap, and none begins before the trace.
    let mut tracks: BTreeMap<(i64, i64), Vec<(i64, i64)>> = BTreeMap::new();
    for slice in events.iter().filter(|event| event["ph"] == "X") {
        let number = |name: &str| slice[name].as_i64().expect("a number");
        let (begin, length) = (number("ts"), number("dur"));
        assert!(begin >= 0 && length >= 0, "{slice}");
        let track = tracks.entry((number("pid"), number("tid"))).or_default();
        track.push((begin, begin + length));
    }
    for (track, mut spans) in tracks {
        spans.sort_unstable();
        for pair in spans.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "{track:?}: {pair:?}");
        }
    }
    // The counter ends at none, and never exceeds the two cores.
    let running: Vec<i64> = events
        .iter()
        .filter(|event| event["ph"] == "C" && event["name"] == "running tasks")
        .filter_map(|event| event["args"]["tasks"].as_i64())
        .collect();
    assert_eq!(running.last(), Some(&0));
    assert!(
        running.iter().all(|tasks| (0..=3).contains(tasks)),
        "{running:?}"
    );
}
