//! However a run ends, the next one brings the lake to the rows of an undisturbed run.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::program::{Ended, load, load_command};
use super::stored::{Row, assert_same, content, rows, versions};
use super::world::{RENAMED, World, copy_folder, folder, random_share, remove, world};

/// How many runs are killed. A few by default; dozens by hand, with a release build.
const KILLS_VARIABLE: &str = "SPARKLAKE_KILLS";
const KILLS: usize = 3;
/// Runs that are killed before one may end.
const KILLS_A_LAKE: usize = 2;

#[test]
fn logs_that_grew_give_the_rows_of_the_whole_logs() {
    let world = world();
    let mut grown = content(&world.second_night, &world.logs);
    let mut fresh = content(&world.fresh, &world.logs);
    let (ledger, fresh_ledger) = (
        grown.remove("ingest_sources"),
        fresh.remove("ingest_sources"),
    );
    assert_same(&grown, &fresh, "grown logs");

    // The ledger remembers both versions.
    let ledger = ledger.expect("a ledger");
    for line in fresh_ledger.expect("a ledger") {
        assert!(
            ledger.contains(&line),
            "{line} is not in the ledger of the lake that saw its log grow"
        );
    }
    assert_eq!(rows(&world.first_night, "runs").len(), 1);
    assert_eq!(rows(&world.second_night, "runs").len(), 2);
}

#[test]
fn a_log_that_was_in_progress_is_replaced_under_its_final_name() {
    let world = world();
    let application = |lake: &Path| {
        let mut found = rows(lake, "applications");
        // Its packed copy in another folder is an application of another cluster.
        found.retain(|row| {
            row.get("source_uri")
                .is_some_and(|uri| uri.contains(RENAMED))
        });
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    };
    let (before, after) = (
        application(&world.first_night),
        application(&world.second_night),
    );
    let uri = |name: &str| format!("file://{}/{name}", world.logs.display());
    assert_eq!(
        before.get("source_uri"),
        Some(&uri(&format!("{RENAMED}.inprogress")))
    );
    assert_eq!(after.get("source_uri"), Some(&uri(RENAMED)));
    assert_eq!(before.get("completed").map(String::as_str), Some("false"));
    assert_eq!(after.get("completed").map(String::as_str), Some("true"));

    // 11 tasks in the whole log; the first part told of fewer.
    let tasks = |lake: &Path| {
        let key =
            |row: &Row| ["cluster_id", "application_id"].map(|column| row.get(column).cloned());
        rows(lake, "tasks")
            .iter()
            .filter(|row| key(row) == key(&before))
            .count()
    };
    assert!(
        tasks(&world.first_night) < 11,
        "{}",
        tasks(&world.first_night)
    );
    assert_eq!(tasks(&world.second_night), 11);
}

#[test]
fn a_second_run_opens_no_log_and_writes_only_about_itself() {
    let world = world();
    let lake = folder("second_run");
    copy_folder(&world.fresh, &lake);
    let before = versions(&lake);
    let ended = load(&world.logs, &lake);
    ended.assert_code(0);
    let discovered = ended.count("discovered");
    assert!(discovered >= 18, "{}", ended.out);
    assert_eq!(ended.count("unchanged"), discovered, "{}", ended.out);
    assert_eq!(ended.count("bytes"), 0, "{}", ended.out);

    let mut after = versions(&lake);
    let runs = after.get_mut("runs").expect("table runs");
    *runs -= 1;
    assert_eq!(after, before);
}

#[test]
fn of_two_runs_at_once_one_works_and_the_other_names_it() {
    let world = world();
    let lake = folder("two_runs");
    let mut first = load_command(&world.logs, &lake).spawn().expect("starts");
    let holder = lake.join("_sparklake/holder.json");
    while !holder.is_file() {
        assert!(
            first.try_wait().expect("a child").is_none(),
            "the first run ended early"
        );
        sleep(Duration::from_millis(1));
    }
    let second = load(&world.logs, &lake);
    second.assert_code(4);
    assert_eq!(second.count("exit_code"), 4);
    assert_eq!(second.summary()["status"], "held");
    assert!(
        second.err.starts_with("error: the lake is held by run "),
        "{}",
        second.err
    );
    assert!(
        second.err.contains(&format!("(process {} on ", first.id())),
        "{}",
        second.err
    );

    let first: Ended = first.wait_with_output().expect("ends").into();
    first.assert_code(0);
    assert_same(
        &content(&lake, &world.logs),
        &content(&world.fresh, &world.logs),
        "the run that held the lake",
    );
}

#[test]
fn runs_killed_at_any_moment_lose_and_double_nothing() {
    let world = world();
    let kills = std::env::var(KILLS_VARIABLE)
        .ok()
        .map_or(KILLS, |kills| kills.parse().expect("a number"));
    let fresh = content(&world.fresh, &world.logs);
    let grown = content(&world.second_night, &world.logs);
    let (mut killed, mut round) = (0, 0);
    while killed < kills {
        // Every other lake holds the first night already: killed runs replace its rows.
        let (start, expected) = if round % 2 == 0 {
            (None, &fresh)
        } else {
            (Some(world.first_night.as_path()), &grown)
        };
        let moments = kill_some(world, start, KILLS_A_LAKE.min(kills - killed));
        killed += moments.len();
        round += 1;
        let lake = world.logs.with_file_name("killed");
        load(&world.logs, &lake).assert_code(0);
        assert_same(
            &content(&lake, &world.logs),
            expected,
            &format!("lake {round}, killed after {moments:?}"),
        );
        assert_eq!(
            leftovers(&lake),
            Vec::<String>::new(),
            "lake {round}, killed after {moments:?}"
        );
        assert!(
            round < 10 + kills * 5,
            "runs end before they can be killed: {killed} of {round} were"
        );
    }
}

/// Starts runs and kills them; when they died. A run that was faster ends the series.
fn kill_some(world: &World, start: Option<&Path>, kills: usize) -> Vec<Duration> {
    let lake = world.logs.with_file_name("killed");
    remove(&lake);
    if let Some(start) = start {
        copy_folder(start, &lake);
    }
    let analysis = Duration::from_millis(world.fresh_run.count("analyze_ms"));
    let loading = world.fresh_run_took.saturating_sub(analysis);
    let mut moments = Vec::new();
    for kill in 0..kills {
        // Rows are written in the first part of a run, however long the second takes.
        let span = if kill == 0 {
            loading.mul_f64(1.2)
        } else {
            world.fresh_run_took
        };
        let moment = span.mul_f64(random_share());
        if !kill_after(moment, &world.logs, &lake) {
            break;
        }
        moments.push(moment);
    }
    moments
}

/// Whether there was something left to kill.
fn kill_after(moment: Duration, logs: &Path, lake: &Path) -> bool {
    let started = Instant::now();
    let mut run = load_command(logs, lake).spawn().expect("starts");
    sleep(moment.saturating_sub(started.elapsed()));
    let was_alive = run.try_wait().expect("a child").is_none();
    run.kill().expect("kill -9");
    run.wait().expect("a child");
    was_alive
}

/// Files of the lake that a later run would have to clean up: unfinished batches and intents.
fn leftovers(lake: &Path) -> Vec<String> {
    ["open", "pending", "analysis", "runs"]
        .iter()
        .filter_map(|folder| fs::read_dir(lake.join("_sparklake").join(folder)).ok())
        .flatten()
        .map(|entry| entry.expect("an entry").path().display().to_string())
        .collect()
}
