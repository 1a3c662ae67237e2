//! Every run that began has a row in `runs`, however it ended, and says how it ended in the last line
//! of its output.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::program::{Ended, command, load, load_command};
use super::stored::{Row, rows};
use super::world::{copy_fixtures, fixtures, folder};

/// A folder with one log, and a lake that knows it.
fn home(name: &str) -> (PathBuf, PathBuf) {
    let home = folder(name);
    let (logs, lake) = (home.join("logs"), home.join("lake"));
    fs::create_dir(&logs).expect("a folder");
    fs::copy(
        fixtures().join("spark35/local-1795193760469"),
        logs.join("one"),
    )
    .expect("a log");
    load(&logs, &lake).assert_code(0);
    (logs, lake)
}

/// Table `runs`, the oldest first.
fn runs(lake: &Path) -> Vec<Row> {
    let mut rows = rows(lake, "runs");
    rows.sort_by_key(|row| row["run_id"].clone());
    rows
}

fn statuses(lake: &Path) -> Vec<String> {
    runs(lake).iter().map(|row| row["status"].clone()).collect()
}

fn notes(lake: &Path) -> usize {
    fs::read_dir(lake.join("_sparklake/runs")).map_or(0, Iterator::count)
}

/// Waits until a run has noted that it began.
fn wait_for_note(child: &mut Child, lake: &Path) {
    let started = Instant::now();
    while notes(lake) == 0 {
        assert!(
            child.try_wait().expect("a child").is_none() && started.elapsed().as_secs() < 60,
            "the run left no note"
        );
        sleep(Duration::from_millis(1));
    }
}

/// `status --format json`.
fn status(lake: &Path) -> Value {
    let mut status = command(["status", "--format", "json", "--lake"]);
    status.arg(lake);
    let ended: Ended = status.output().expect("starts").into();
    ended.assert_code(0);
    serde_json::from_str(&ended.out).expect("JSON")
}

#[test]
fn a_source_that_is_not_there_leaves_a_row_and_a_problem() {
    let (logs, lake) = home("row_of_75");
    let gone = logs.join("gone");
    let ended = load(&gone, &lake);
    ended.assert_code(75);
    assert_eq!(ended.count("exit_code"), 75);
    assert_eq!(ended.summary()["status"], "unreachable");
    assert_eq!(statuses(&lake), ["done", "unreachable"]);
    let last = runs(&lake).remove(1);
    assert_eq!(last["exit_code"], "75");
    assert!(last["error"].contains("gone"), "{last:?}");
    assert!(last.contains_key("ended_at"));
    let place = rows(&lake, "ingest_sources")
        .into_iter()
        .find(|row| row["status"] == "unreachable")
        .expect("a row of the ledger");
    assert_eq!(place["run_id"], last["run_id"]);
    assert_eq!(place["retryable"], "true");

    let told = status(&lake);
    let problems = told["problems"].as_array().expect("problems");
    assert!(
        problems
            .iter()
            .any(|problem| problem["status"] == "unreachable"),
        "{told}"
    );
    let pending = &told["pending"][0];
    assert_eq!(
        (pending["what"].as_str(), pending["number"].as_i64()),
        (Some("place"), Some(1)),
        "{told}"
    );
    // When it is there again nothing is left of the problem.
    load(&logs, &lake).assert_code(0);
    let told = status(&lake);
    for part in ["problems", "pending", "not_judged"] {
        assert_eq!(told[part].as_array().map(Vec::len), Some(0), "{told}");
    }
    assert_eq!(notes(&lake), 0);
}

#[test]
fn one_place_of_several_that_is_not_there_makes_a_run_partial() {
    let (logs, lake) = home("row_of_3");
    let mut run = load_command(&logs, &lake);
    run.arg("--event-logs").arg(logs.join("gone"));
    let ended: Ended = run.output().expect("starts").into();
    ended.assert_code(3);
    let last = runs(&lake).remove(1);
    assert_eq!(
        (last["status"].as_str(), last["problems"].as_str()),
        ("partial", "1")
    );
    assert!(last["error"].contains("gone"), "{last:?}");
}

#[test]
fn the_summary_names_the_applications_that_lose_most_first() {
    let (logs, lake) = home("worst");
    // Skewed join, spilling sort, failing job.
    for log in ["1795194017768", "1795194539582", "1795193859918"] {
        let name = format!("local-{log}.zstd");
        fs::copy(fixtures().join("spark35").join(&name), logs.join(&name)).expect("a log");
    }
    let ended = load(&logs, &lake);
    ended.assert_code(0);
    let mut expected: Vec<(i64, String)> = rows(&lake, "ineffjobagg")
        .into_iter()
        .filter(|row| row.contains_key("top_rule"))
        .map(|row| {
            let lost = row.get("lost_core_ms").and_then(|text| text.parse().ok());
            (lost.unwrap_or(-1), row["application_id"].clone())
        })
        .collect();
    expected.sort_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
    assert!(!expected.is_empty(), "none of the logs has a finding");
    let summary = ended.summary();
    let told: Vec<(i64, String)> = summary["worst"]
        .as_array()
        .expect("the worst")
        .iter()
        .map(|one| {
            let id = one["application_id"].as_str().unwrap_or_default();
            (one["lost_core_ms"].as_i64().unwrap_or(-1), id.to_owned())
        })
        .collect();
    assert_eq!(told, expected[..expected.len().min(told.len().max(1))]);
    for one in summary["worst"].as_array().into_iter().flatten() {
        assert!(one["application_name"].is_string(), "{one}");
        assert!(one["evidence"].is_string(), "{one}");
    }
}

#[test]
fn wrong_settings_are_told_in_json_too() {
    let (logs, lake) = home("row_of_2");
    let cases: [&[&str]; 3] = [
        &["--reload", "table=nothing"],
        &["--since", "yesteryear"],
        &["--rules-dir", "/nowhere/at/all"],
    ];
    for arguments in cases {
        let mut run = load_command(&logs, &lake);
        let ended: Ended = run.args(arguments).output().expect("starts").into();
        ended.assert_code(2);
        assert_eq!(ended.count("exit_code"), 2, "{arguments:?}");
        assert_eq!(ended.summary()["status"], "misconfigured");
    }
    // Settings and rules are checked before a run begins.
    assert_eq!(statuses(&lake), ["done"]);
}

#[test]
fn a_summary_is_printed_in_the_form_that_is_asked_for() {
    let (logs, lake) = home("summary_forms");
    let out = |form: &str| {
        let mut run = load_command(&logs, &lake);
        let ended: Ended = run
            .args(["--summary", form])
            .output()
            .expect("starts")
            .into();
        ended.assert_code(0);
        (ended.out, ended.err)
    };
    assert_eq!(out("none"), (String::new(), String::new()));
    assert!(out("json").0.starts_with('{'));
    let (text_out, text_err) = out("text");
    assert_eq!(text_out, "");
    assert!(text_err.contains("Nothing new to load"), "{text_err}");
}

#[test]
fn a_killed_run_is_told_by_the_next_one() {
    let home = folder("row_of_killed");
    let (logs, lake) = (home.join("logs"), home.join("lake"));
    copy_fixtures(&logs);
    let mut child = load_command(&logs, &lake).spawn().expect("starts");
    wait_for_note(&mut child, &lake);
    child.kill().expect("kill -9");
    child.wait().expect("a child");
    load(&logs, &lake).assert_code(0);
    assert_eq!(statuses(&lake), ["killed", "done"]);
    let killed = runs(&lake).remove(0);
    assert!(!killed.contains_key("ended_at") && !killed.contains_key("exit_code"));
    assert!(killed["error"].contains("killed"), "{killed:?}");
    assert_eq!(notes(&lake), 0);
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_run_with_its_code_its_line_and_its_row() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let home = folder(&format!("row_of_{signal}"));
        let (logs, lake) = (home.join("logs"), home.join("lake"));
        copy_fixtures(&logs);
        let mut child = load_command(&logs, &lake).spawn().expect("starts");
        wait_for_note(&mut child, &lake);
        let kill = Command::new("kill")
            .args([format!("-{signal}"), child.id().to_string()])
            .status();
        assert!(kill.expect("kill").success());
        let ended: Ended = child.wait_with_output().expect("ends").into();
        ended.assert_code(code);
        assert_eq!(ended.summary()["status"], "interrupted", "{}", ended.out);
        assert_eq!(ended.count("exit_code"), code as u64);
        load(&logs, &lake).assert_code(0);
        assert_eq!(statuses(&lake), ["interrupted", "done"]);
        assert_eq!(runs(&lake)[0]["exit_code"], code.to_string());
    }
}

#[test]
fn a_run_that_finds_the_lake_held_is_told_by_the_one_that_holds_it() {
    let home = folder("row_of_held");
    let (logs, lake) = (home.join("logs"), home.join("lake"));
    copy_fixtures(&logs);
    let mut first = load_command(&logs, &lake).spawn().expect("starts");
    wait_for_note(&mut first, &lake);
    load(&logs, &lake).assert_code(4);
    let first: Ended = first.wait_with_output().expect("ends").into();
    first.assert_code(0);
    let mut told = statuses(&lake);
    told.sort();
    assert_eq!(told, ["done", "held"]);
}
