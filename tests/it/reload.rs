//! What is read again though nothing changed: on request, and because a run wants more than an
//! earlier one did.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::program::{Ended, load, load_command};
use super::stored::{assert_same, content, rows};
use super::world::{fixtures, folder};

/// Logs of two applications, and an empty place for a lake.
fn home(name: &str) -> (PathBuf, PathBuf) {
    let home = folder(name);
    let (logs, lake) = (home.join("logs"), home.join("lake"));
    fs::create_dir(&logs).expect("a folder");
    for (log, copy) in [
        ("spark35/local-1795193760469", "one"),
        ("spark35/local-1795194017768.zstd", "two.zstd"),
    ] {
        fs::copy(fixtures().join(log), logs.join(copy)).expect("a log");
    }
    (logs, lake)
}

fn load_with(logs: &Path, lake: &Path, arguments: &[&str]) -> Ended {
    load_command(logs, lake)
        .args(arguments)
        .output()
        .expect("the program starts")
        .into()
}

/// Sum of a column of the ledger.
fn ledger_rows(lake: &Path) -> u64 {
    let ledger = rows(lake, "ingest_sources");
    ledger
        .iter()
        .filter_map(|row| row["rows"].parse::<u64>().ok())
        .sum()
}

/// Rows of all fact tables.
fn fact_rows(lake: &Path) -> u64 {
    let facts = sparklake::schema::tables()
        .iter()
        .filter(|table| table.kind == sparklake::schema::TableKind::Fact);
    facts
        .map(|table| rows(lake, &table.name).len() as u64)
        .sum()
}

#[test]
fn tasks_that_were_left_out_are_counted_nowhere_and_loaded_when_they_are_wanted() {
    let (logs, lake) = home("tasks_later");
    let without = load_with(&logs, &lake, &["--include-tasks=false"]);
    without.assert_code(0);
    assert_eq!(rows(&lake, "tasks").len(), 0);
    assert_eq!(without.count("rows"), fact_rows(&lake));
    assert_eq!(ledger_rows(&lake), fact_rows(&lake));
    // The same again changes nothing.
    let again = load_with(&logs, &lake, &["--include-tasks=false"]);
    assert_eq!((again.count("unchanged"), again.count("loaded")), (2, 0));

    let with = load(&logs, &lake);
    with.assert_code(0);
    assert_eq!((with.count("unchanged"), with.count("loaded")), (0, 2));
    let fresh = lake.with_file_name("fresh");
    load(&logs, &fresh).assert_code(0);
    let facts = |lake: &Path| {
        let mut tables = content(lake, &logs);
        tables.remove("ingest_sources");
        tables
    };
    assert_same(&facts(&lake), &facts(&fresh), "tasks loaded later");
    let settled = load(&logs, &lake);
    assert_eq!((settled.count("unchanged"), settled.count("bytes")), (2, 0));
}

#[test]
fn a_reload_reads_what_it_selects_and_doubles_nothing() {
    let (logs, lake) = home("reload");
    load(&logs, &lake).assert_code(0);
    let before = content(&lake, &logs);
    let applications = rows(&lake, "applications");
    let id = &applications[0]["application_id"];
    let date = &applications[0]["app_date"];
    let one = logs.join("one").display().to_string();
    let cases: [(&[&str], u64); 7] = [
        (&["--reload", "all"], 2),
        (&["--reload", "stale"], 0),
        (&["--reload", &one], 1),
        (&["--reload", "*/two.*"], 1),
        (&["--reload", id], 1),
        (&["--reload", "table=sql"], 2),
        (&["--reload", "app=nobody", "--reload", date], 2),
    ];
    for (arguments, loaded) in cases {
        let ended = load_with(&logs, &lake, arguments);
        ended.assert_code(0);
        assert_eq!(
            ended.count("loaded"),
            loaded,
            "{arguments:?}: {}",
            ended.out
        );
        let mut after = content(&lake, &logs);
        // The ledger remembers each reading.
        after.insert(
            "ingest_sources".to_owned(),
            before["ingest_sources"].clone(),
        );
        assert_same(&after, &before, &format!("{arguments:?}"));
    }
    let wrong = load_with(&logs, &lake, &["--reload", "table=nothing"]);
    wrong.assert_code(2);
    assert!(
        wrong.err.contains("there is no table `nothing`"),
        "{}",
        wrong.err
    );
}

#[test]
fn a_renamed_source_takes_its_rows_along_when_it_is_reloaded() {
    let (logs, lake) = home("renamed_source");
    let job = |name: &str| {
        let path = lake.with_file_name(format!("{name}.toml"));
        let text = format!(
            "[lake]\nuri = {:?}\n[[source]]\nkind = \"event_log\"\nname = \"{name}\"\nuris = [{:?}]\n",
            lake.display().to_string(),
            logs.display().to_string()
        );
        fs::write(&path, text).expect("a job file");
        path
    };
    let run = |job: &Path, arguments: &[&str]| -> Ended {
        let mut command = super::program::command(["-q", "run"]);
        command.arg(job).args(arguments);
        command.output().expect("the program starts").into()
    };
    run(&job("before"), &[]).assert_code(0);
    // A name alone reads nothing again.
    assert_eq!(run(&job("after"), &[]).count("loaded"), 0);
    let renamed = run(&job("after"), &["--reload", "all"]);
    renamed.assert_code(0);
    assert_eq!(renamed.count("loaded"), 2);
    for table in ["applications", "stages", "tasks", "ineffjobagg"] {
        let rows = rows(&lake, table);
        assert!(!rows.is_empty());
        for row in rows {
            assert_eq!(row["cluster_id"], "after", "{table}");
        }
    }
    assert_eq!(run(&job("after"), &[]).count("unchanged"), 2);
}

#[test]
fn a_log_from_the_future_is_read_once() {
    let (logs, lake) = home("clock_ahead");
    load(&logs, &lake).assert_code(0);
    let future = SystemTime::now() + Duration::from_secs(10 * 365 * 86_400);
    let log = fs::File::options()
        .write(true)
        .open(logs.join("one"))
        .expect("a log");
    log.set_modified(future).expect("a time");
    assert_eq!(load(&logs, &lake).count("loaded"), 1);
    for _ in 0..2 {
        let night = load(&logs, &lake);
        assert_eq!((night.count("unchanged"), night.count("bytes")), (2, 0));
    }
}
