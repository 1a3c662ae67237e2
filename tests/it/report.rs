//! `sparklake report`: its figures are those of the tables, its forms say the same, and it says what
//! it does not know.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::context::{TestContext, assert_snapshot};
use crate::stored::{Row, rows};

/// The applications that the reports are compared on, by name.
const APPLICATIONS: [&str; 6] = [
    "skewed-join",
    "failing-job",
    "dynamic-allocation",
    "killed-plain",
    "executor-loss",
    "cached-reuse",
];

/// The tables of the lake that the context names, read without the program.
struct Tables {
    lake: PathBuf,
}

impl Tables {
    fn of(context: &TestContext) -> Self {
        let lake = context.variable("SPARKLAKE_LAKE").expect("a lake");
        Self { lake: lake.into() }
    }

    /// The rows of one application.
    fn of_application(&self, table: &str, id: &str) -> Vec<Row> {
        let mut found = rows(&self.lake, table);
        found.retain(|row| row.get("application_id").is_some_and(|value| value == id));
        found
    }

    fn application(&self, name: &str) -> Row {
        let mut found = rows(&self.lake, "applications");
        found.retain(|row| {
            row.get("application_name")
                .is_some_and(|value| value == name)
        });
        found
            .pop()
            .unwrap_or_else(|| panic!("no application {name}"))
    }
}

fn number(row: &Row, column: &str) -> Option<f64> {
    row.get(column)?.parse().ok()
}

/// The report of an application as JSON.
fn report(context: &TestContext, id: &str) -> Value {
    let ended = context.run(&["report", "--app", id, "--format", "json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    serde_json::from_str(&ended.out).expect("JSON")
}

/// The values of one key in a list of objects, NULL left out.
fn values<'v>(list: &'v Value, key: &'v str) -> impl Iterator<Item = f64> + 'v {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(move |row| row.get(key)?.as_f64())
}

#[track_caller]
fn assert_near(found: f64, expected: f64, tolerance: f64, what: &str) {
    let limit = tolerance * expected.abs().max(1.0);
    assert!(
        (found - expected).abs() <= limit,
        "{what}: {found} instead of {expected}"
    );
}

#[test]
fn the_figures_of_a_report_are_those_of_the_tables() {
    let context = TestContext::with_loaded_lake();
    let tables = Tables::of(&context);
    for name in APPLICATIONS {
        let application = tables.application(name);
        let id = &application["application_id"];
        let report = report(&context, id);
        for column in [
            "core_time_ms",
            "total_task_time_ms",
            "num_tasks",
            "num_failed_tasks",
            "num_stages",
            "input_bytes",
            "shuffle_read_bytes",
            "disk_bytes_spilled",
        ] {
            let told = report["application"][column].as_f64();
            assert_eq!(told, number(&application, column), "{name}: {column}");
        }
        check_time(&tables, id, &application, &report["time"], name);
        let findings = tables.of_application("findings", id);
        let evidence = |rows: Vec<String>| {
            let mut rows = rows;
            rows.sort();
            rows
        };
        let stored = findings
            .iter()
            .filter_map(|row| row.get("evidence").cloned());
        let told = report["bottlenecks"].as_array().into_iter().flatten();
        let told = told.filter_map(|row| row["evidence"].as_str().map(str::to_owned));
        assert_eq!(
            evidence(told.collect()),
            evidence(stored.collect()),
            "{name}"
        );
        let costs = tables.of_application("application_costs", id);
        let preferred = costs
            .iter()
            .find(|row| row.get("is_preferred").is_some_and(|flag| flag == "true"));
        let cost = preferred.and_then(|row| number(row, "cost_usd"));
        match (report["cost"]["now_usd"].as_f64(), cost) {
            (Some(told), Some(cost)) => assert_near(told, cost, 1e-9, name),
            (told, cost) => assert_eq!(told, cost, "{name}"),
        }
        check_rules(&report, &findings, name);
    }
}

/// Parts, slices, stages and task counts add up to what the tables say of the whole.
fn check_time(tables: &Tables, id: &str, application: &Row, time: &Value, name: &str) {
    let core_time = number(application, "core_time_ms").expect("core time");
    let parts: f64 = values(&time["parts"], "core_ms").sum();
    assert_near(
        parts,
        core_time,
        0.001,
        &format!("{name}: parts of the core time"),
    );
    let slice = values(&time["usage"], "slice_ms").next().expect("slices");
    let held: f64 = values(&time["usage"], "cores_held").sum();
    assert_near(
        held * slice,
        core_time,
        0.01,
        &format!("{name}: cores held over time"),
    );
    let running: f64 = values(&time["usage"], "tasks_running").sum();
    let tasks = tables.of_application("tasks", id);
    let task_time: f64 = tasks
        .iter()
        .filter_map(|task| number(task, "duration"))
        .sum();
    // Tasks that run when a history breaks off run until then in the picture, and have no duration.
    if tasks.iter().all(|task| number(task, "duration").is_some()) {
        assert_near(
            running * slice,
            task_time,
            0.01,
            &format!("{name}: tasks running over time"),
        );
    } else {
        assert!(running * slice >= 0.99 * task_time, "{name}: {running}");
    }
    let ran = |row: &&Row| row.contains_key("submission_time") && row["status"] != "SKIPPED";
    let stages = tables.of_application("stages", id);
    assert_eq!(
        time["num_stage_attempts"].as_u64(),
        Some(stages.iter().filter(ran).count() as u64),
        "{name}"
    );
    for stage in time["tasks"].as_array().into_iter().flatten() {
        let counted: f64 = values(&stage["histogram"], "num_tasks").sum();
        assert_eq!(
            Some(counted),
            stage["num_tasks"].as_f64(),
            "{name}: {stage}"
        );
        let of_stage = tasks.iter().filter(|task| {
            task["status"] == "SUCCESS"
                && number(task, "stage_id") == stage["stage_id"].as_f64()
                && number(task, "stage_attempt_id") == stage["stage_attempt_id"].as_f64()
        });
        let longest = of_stage
            .filter_map(|task| number(task, "duration"))
            .fold(0.0, f64::max);
        assert_eq!(stage["max_ms"].as_f64(), Some(longest), "{name}");
    }
}

/// A rule found something, looked and found nothing, or could not look: never two of these.
fn check_rules(report: &Value, findings: &[Row], name: &str) {
    let mut places: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut put = |rule: Option<&str>, place: &'static str| {
        let rule = rule.expect("a rule").to_owned();
        let known = places.entry(rule).or_default();
        if !known.contains(&place) {
            known.push(place);
        }
    };
    for row in findings {
        put(row.get("rule_id").map(String::as_str), "found");
    }
    for check in report["clean"].as_array().into_iter().flatten() {
        put(check["rule_id"].as_str(), "clean");
    }
    for entry in report["not_checked"].as_array().into_iter().flatten() {
        for rule in entry["rules"].as_array().into_iter().flatten() {
            put(rule.as_str(), "not checked");
        }
    }
    for (rule, places) in &places {
        assert_eq!(places.len(), 1, "{name}: {rule} is {places:?}");
    }
    assert!(places.len() > 20, "{name}: {places:?}");
}

#[test]
fn the_forms_of_a_report_say_the_same() {
    let context = TestContext::with_loaded_lake();
    let id = Tables::of(&context).application("skewed-join")["application_id"].clone();
    let report = report(&context, &id);
    let form = |format: &str| {
        let ended = context.run(&["report", "--app", &id, "--format", format]);
        assert_eq!(ended.code, 0, "{ended:?}");
        ended.out
    };
    let text = plain(&form("text"));
    let markdown = plain(&form("markdown").replace('\\', ""));
    let html = form("html");
    assert!(!html.contains("<script") && !html.contains("http://") && !html.contains("@import"));
    let without_style = html.split("</style>").nth(1).expect("a style");
    assert!(
        !without_style.contains("src=") && !without_style.contains("url("),
        "loads nothing"
    );
    let html = plain(&html);
    let mut told = vec![report["verdict"]["summary"].clone()];
    for list in ["bottlenecks", "advice"] {
        for row in report[list].as_array().into_iter().flatten() {
            told.extend(["evidence", "title"].map(|key| row[key].clone()));
        }
    }
    for entry in report["not_checked"].as_array().into_iter().flatten() {
        told.push(entry["what"].clone());
    }
    assert!(told.len() > 4, "{told:?}");
    for sentence in told.iter().filter_map(Value::as_str) {
        let sentence = plain(sentence);
        for (form, content) in [("markdown", &markdown), ("html", &html), ("text", &text)] {
            // The evidence of advice stands with its bottleneck, cells of text tables can be cut.
            let beginning: String = sentence.chars().take(40).collect();
            assert!(
                content.contains(&beginning),
                "{form}: {sentence}\n{content}"
            );
        }
    }
}

/// `text` without tags, entities, emphasis, and with single spaces.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut inside = false;
    for letter in text.chars() {
        match letter {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                plain.push(' ');
            }
            '*' | '_' | '`' => {}
            letter if !inside => plain.push(letter),
            _ => {}
        }
    }
    let plain = plain
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#38;", "&")
        .replace("&amp;", "&");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn an_application_without_an_end_has_no_run_time() {
    let context = TestContext::with_loaded_lake();
    let id = Tables::of(&context).application("killed-plain")["application_id"].clone();
    let report = report(&context, &id);
    assert_eq!(report["application"]["duration_ms"], Value::Null);
    let gaps = report["not_checked"].as_array().expect("a list");
    assert!(
        gaps.iter()
            .any(|gap| gap["what"] == "How long it ran in all"),
        "{gaps:?}"
    );
}

#[test]
fn what_the_lake_does_not_know_is_named_with_what_is_near() {
    let context = TestContext::with_loaded_lake();
    let id = Tables::of(&context).application("tiny-tasks")["application_id"].clone();
    let mistyped = format!("{}x", &id[..id.len() - 1]);
    let ended = context.run(&["report", "--app", &mistyped]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let sentence = format!("error: the lake has no application `{mistyped}`; did you mean `local-");
    assert!(ended.err.starts_with(&sentence), "{}", ended.err);
    let named = context.run(&["report", "--app", "tiny-tasks"]);
    assert_eq!(named.code, 2, "{named:?}");
    assert!(named.err.contains(&format!("--app {id}")), "{}", named.err);
    let job = context.run(&["report", "--job", "tiny-task"]);
    assert_snapshot(
        &job,
        "status: 2\n--- stderr\nerror: the lake has no recurring job `tiny-task`; did you mean `tiny-tasks`?\n",
    );
    let card = context.run(&["report", "--format", "card"]);
    assert_eq!(card.code, 2, "{card:?}");
    assert!(card.err.contains("add --app"), "{}", card.err);
}

#[test]
fn a_job_and_the_lake_have_reports_and_an_application_a_card() {
    let context = TestContext::with_loaded_lake();
    let tables = Tables::of(&context);
    let job = context.run(&["report", "--job", "skewed-join", "--format", "json"]);
    assert_eq!(job.code, 0, "{job:?}");
    let job: Value = serde_json::from_str(&job.out).expect("JSON");
    let runs = rows(&tables.lake, "job_trends");
    let runs = runs
        .iter()
        .filter(|row| row["job_key"] == "skewed-join")
        .count();
    assert_eq!(job["runs"].as_array().map(Vec::len), Some(runs));
    assert_eq!(
        job["newest_run"]["application"]["application_name"],
        "skewed-join"
    );
    let lake = context.run(&["report", "--format", "json"]);
    assert_eq!(lake.code, 0, "{lake:?}");
    let lake: Value = serde_json::from_str(&lake.out).expect("JSON");
    let waste = rows(&tables.lake, "application_waste");
    let core_time: f64 = waste
        .iter()
        .filter_map(|row| number(row, "core_time_ms"))
        .sum();
    assert_near(
        lake["totals"]["core_time_ms"].as_f64().expect("known"),
        core_time,
        1e-9,
        "core time",
    );
    let parts: f64 = values(&lake["time_parts"], "core_ms").sum();
    assert_near(parts, core_time, 0.001, "parts");
    assert!(
        lake["gaps"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|gap| gap["gap"] == "no_end")
    );
    let file = context.path().join("lake.html");
    let page = context.run(&["report", "--format", "html", "-o", "lake.html"]);
    assert_snapshot(&page, "status: 0\n");
    let page = std::fs::read_to_string(file).expect("written");
    assert!(
        page.starts_with("<!doctype html>") && page.len() < 400_000,
        "{}",
        page.len()
    );
    let id = &tables.application("executor-loss")["application_id"];
    let card = context.run(&["report", "--app", id, "--format", "card"]);
    assert_eq!(card.code, 0, "{card:?}");
    assert!(card.out.len() <= 2_048, "{}", card.out.len());
    let card: Value = serde_json::from_str(&card.out).expect("JSON");
    assert_eq!(card["application_id"], id.as_str());
    assert_eq!(card["findings"][0]["rule"], "lost_executors");
}
