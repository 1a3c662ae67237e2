//! Runs whose units other machines work through: here, other processes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use walkdir::WalkDir;

use super::program::{Ended, command, load};
use super::stored::{assert_same, content, files_ever, rows, tables};
use super::world::{copy_folder, fixtures, folder, random_share, remove};

/// How many processes of each kind are killed. A few by default; dozens by hand, with a release build.
const KILLS_VARIABLE: &str = "SPARKLAKE_KILLS";
const KILLS: usize = 2;
/// Processes of a kind that are killed before one may end.
const KILLS_A_ROUND: usize = 2;

/// Logs that are quickly read and judged.
const LOGS: [&str; 4] = [
    "local-1795193760469",
    "local-1795194017768.zstd",
    "local-1795194234268.snappy",
    "local-1795194539582.zstd",
];

/// Some logs, one of them cut off and one with garbage in it, and the lake that one process makes of
/// them.
pub(super) struct Alone {
    pub(super) logs: PathBuf,
    lake: PathBuf,
    /// How long it takes to hand out, to work through all units, and to resume.
    took: [Duration; 3],
}

pub(super) fn alone() -> &'static Alone {
    static ALONE: OnceLock<Alone> = OnceLock::new();
    ALONE.get_or_init(|| {
        let home = folder("shards_alone");
        let (logs, lake) = (home.join("logs"), home.join("lake"));
        fs::create_dir_all(&logs).expect("a folder");
        for name in LOGS {
            fs::copy(fixtures().join("spark35").join(name), logs.join(name)).expect("a log");
        }
        let whole = fs::read(logs.join(LOGS[1])).expect("a log");
        fs::write(logs.join(LOGS[1]), &whole[..whole.len() / 2]).expect("cut off");
        let mut text = fs::read(logs.join(LOGS[0])).expect("a log");
        text.extend(b"{\"Event\":\"SparkListenerTaskEnd\",\"Stage ID\":\xff\xfe\n[[[[\n");
        fs::write(logs.join(LOGS[0]), text).expect("garbage");
        let ended = load(&logs, &lake);
        ended.assert_calm();
        let took = [Duration::ZERO; 3];
        let mut alone = Alone { logs, lake, took };
        alone.took = alone.measure(&home.join("measured"));
        alone
    })
}

impl Alone {
    /// A lake of that name has the rows that one process makes.
    #[track_caller]
    pub(super) fn assert_same_as(&self, lake: &Path, context: &str) {
        let found = content(lake, &self.logs);
        assert_same(&found, &content(&self.lake, &self.logs), context);
        let left: Vec<PathBuf> = objects(lake).into_iter().collect();
        assert_eq!(
            left,
            [] as [PathBuf; 0],
            "{context}: what is left of the run"
        );
        assert_eq!(unused_files(lake), BTreeSet::new(), "{context}");
    }

    fn measure(&self, lake: &Path) -> [Duration; 3] {
        let took = |command: Command| {
            let started = Instant::now();
            run(command).assert_calm();
            started.elapsed()
        };
        [
            took(self.hand_out_command(lake, 4)),
            took(worker(lake, "0/1")),
            took(resume(lake)),
        ]
    }

    /// Hands out units; the run waits.
    fn hand_out(&self, lake: &Path, units: usize) -> Ended {
        let ended = run(self.hand_out_command(lake, units));
        ended.assert_code(0);
        assert_eq!(ended.summary()["status"], "waiting", "{ended:?}");
        ended
    }

    fn hand_out_command(&self, lake: &Path, units: usize) -> Command {
        let mut command = command(["-q", "run", "--engine", "shards", "--units"]);
        command.arg(units.to_string());
        command.arg("--event-logs").arg(&self.logs);
        command.arg("--lake").arg(lake);
        command
    }
}

fn run(mut command: Command) -> Ended {
    command.output().expect("the program starts").into()
}

fn worker(lake: &Path, shard: &str) -> Command {
    let mut command = command([
        "-q", "worker", "--run", "latest", "--shard", shard, "--lake",
    ]);
    // Nothing may depend on the folder that the run works in.
    command.arg(lake).current_dir("/");
    command
}

fn resume(lake: &Path) -> Command {
    let mut command = command(["-q", "run", "--resume", "latest", "--lake"]);
    command.arg(lake);
    command
}

/// The workers of all shards, side by side; their summaries.
fn work(lake: &Path, shards: usize) -> Vec<Value> {
    let workers: Vec<Child> = (0..shards)
        .map(|index| worker(lake, &format!("{index}/{shards}")))
        .map(|mut worker| worker.spawn().expect("it starts"))
        .collect();
    let ended = workers.into_iter().map(|worker| {
        let ended = Ended::from(worker.wait_with_output().expect("it ends"));
        ended.assert_code(0);
        ended.summary()
    });
    ended.collect()
}

fn sum(summaries: &[Value], key: &str) -> u64 {
    summaries.iter().filter_map(|one| one[key].as_u64()).sum()
}

/// What lies below the folder of runs that wait.
fn objects(lake: &Path) -> BTreeSet<PathBuf> {
    let entries = WalkDir::new(lake.join("_sparklake/shards")).into_iter();
    let files = entries.filter_map(Result::ok);
    let files = files.filter(|entry| entry.file_type().is_file());
    files.map(walkdir::DirEntry::into_path).collect()
}

fn reports(lake: &Path) -> Vec<PathBuf> {
    let is_report = |path: &PathBuf| path.components().any(|part| part.as_os_str() == "reports");
    objects(lake).into_iter().filter(is_report).collect()
}

/// Data files that no version of a table refers to.
fn unused_files(lake: &Path) -> BTreeSet<PathBuf> {
    let mut unused = BTreeSet::new();
    for table in tables(lake) {
        let used = files_ever(lake, &table);
        let folder = lake.join(&table);
        for file in WalkDir::new(&folder).into_iter().filter_map(Result::ok) {
            let path = file.path().strip_prefix(&folder).expect("below");
            let is_data = path
                .extension()
                .is_some_and(|extension| extension == "parquet")
                && !path.starts_with("_delta_log");
            if is_data && !used.contains(path.to_str().expect("UTF-8")) {
                unused.insert(file.path().to_owned());
            }
        }
    }
    unused
}

#[test]
fn shards_give_the_rows_of_one_process_and_do_each_unit_once() {
    let alone = alone();
    for (units, shards) in [(2, 3), (4, 2)] {
        let context = format!("{units} units, {shards} shards");
        let lake = folder("shards_rows");
        let handed_out = alone.hand_out(&lake, units);
        let summary = handed_out.summary();
        let units = summary["shards"]["units"].as_u64().expect("units");
        assert_eq!(summary["shards"]["phase"], "extraction");
        assert!(rows(&lake, "applications").is_empty(), "{context}");

        // The run holds the lake although no process of it lives.
        let other = load(&alone.logs, &lake);
        other.assert_code(4);
        let run_id = summary["run_id"].as_str().expect("an id");
        assert!(other.err.contains(run_id), "{}", other.err);

        let first = work(&lake, shards);
        assert_eq!(sum(&first, "done"), units, "{context}: {first:?}");
        assert_eq!(reports(&lake).len() as u64, units, "{context}");
        // A shard that is worked through again does nothing.
        let again = work(&lake, shards);
        assert_eq!(sum(&again, "done"), 0, "{context}: {again:?}");
        assert_eq!(sum(&again, "reported_before"), units, "{context}");

        let ended = run(resume(&lake));
        // One log has garbage in it.
        ended.assert_code(3);
        let shards = &ended.summary()["shards"];
        assert_eq!(shards["reported"], json!(units), "{context}");
        assert_eq!(shards["missing"], 0, "{context}");
        let slowest = shards["slowest"][0]["duration_ms"].as_u64();
        assert_eq!(slowest, shards["unit_ms"]["max"].as_u64(), "{context}");
        alone.assert_same_as(&lake, &context);
        let runs = rows(&lake, "runs");
        let ends: BTreeSet<_> = runs.iter().map(|row| row["status"].as_str()).collect();
        assert_eq!(runs.len(), 2, "{context}: {runs:?}");
        assert_eq!(ends, BTreeSet::from(["partial", "held"]), "{context}");
    }
}

#[test]
fn judging_is_handed_out_too_and_what_is_not_reported_is_judged_by_the_coordinator() {
    let alone = alone();
    let lake = folder("shards_judged");
    alone.hand_out(&lake, 2);
    work(&lake, 2);
    let again = |code: i32| {
        let mut command = resume(&lake);
        command.args(["--engine", "shards", "--units", "3"]);
        let ended = run(command);
        ended.assert_code(code);
        ended
    };
    let waits = again(0);
    let summary = waits.summary();
    assert_eq!(summary["status"], "waiting", "{waits:?}");
    assert_eq!(summary["shards"]["phase"], "analysis");
    assert!(summary["shards"]["units"].as_u64() >= Some(2), "{waits:?}");
    assert_eq!(rows(&lake, "applications").len(), LOGS.len());
    assert!(rows(&lake, "findings").is_empty());
    let judged = Ended::from(worker(&lake, "0/2").output().expect("it starts"));
    judged.assert_code(0);
    // One log has garbage in it.
    let ended = again(3);
    assert_eq!(ended.summary()["status"], "partial", "{ended:?}");
    assert!(ended.summary()["shards"]["missing"].as_u64() >= Some(1));
    alone.assert_same_as(&lake, "judged elsewhere");
}

#[test]
fn workers_and_coordinators_that_are_killed_lose_and_double_nothing() {
    let alone = alone();
    let kills = std::env::var(KILLS_VARIABLE)
        .ok()
        .map_or(KILLS, |kills| kills.parse().expect("a number"));
    let lake = folder("shards_killed");
    let mut killed = [0; 3];
    let mut round = 0;
    while killed.iter().any(|killed| *killed < kills) {
        round += 1;
        assert!(
            round < 10 + kills * 5,
            "processes end before they can be killed: {killed:?}"
        );
        remove(&lake);
        let context = format!("round {round}");
        // The coordinator, while it hands out. One that was faster waits, and is not replaced.
        let hand_out = || alone.hand_out_command(&lake, 4);
        killed[0] += kill_some(hand_out, alone.took[0], &context);
        run(hand_out()).assert_calm();
        // A worker, and another one that does the same units at the same time.
        let twin = worker(&lake, "0/1").spawn().expect("it starts");
        killed[1] += kill_some(|| worker(&lake, "0/1"), alone.took[1], &context);
        let ended = Ended::from(twin.wait_with_output().expect("it ends"));
        ended.assert_code(0);
        let done = work(&lake, 2);
        assert_eq!(sum(&done, "failed"), 0, "{context}: {done:?}");
        // The coordinator, while it commits and judges.
        killed[2] += kill_some(|| resume(&lake), alone.took[2], &context);
        run(resume(&lake)).assert_calm();
        // One that was killed after its last commit left the judging to the next run.
        load(&alone.logs, &lake).assert_calm();
        alone.assert_same_as(&lake, &context);
    }
}

/// Starts a process and kills it, some times; how often there was something to kill.
fn kill_some(start: impl Fn() -> Command, took: Duration, context: &str) -> usize {
    let mut killed = 0;
    for _ in 0..KILLS_A_ROUND {
        let started = Instant::now();
        let mut child = start().spawn().expect("it starts");
        std::thread::sleep(
            took.mul_f64(random_share())
                .saturating_sub(started.elapsed()),
        );
        let is_running = child.try_wait().expect("its state").is_none();
        child.kill().expect("killed");
        let ended = Ended::from(child.wait_with_output().expect("it ended"));
        ended.assert_calm();
        killed += usize::from(is_running);
    }
    eprintln!("{context}: {killed} killed");
    killed
}

#[test]
fn a_worker_that_is_asked_to_stop_leaves_whole_units() {
    let alone = alone();
    let lake = folder("shards_stopped");
    alone.hand_out(&lake, 4);
    let stopped = worker(&lake, "0/1").spawn().expect("it starts");
    std::thread::sleep(alone.took[1].mul_f64(random_share()));
    let sent = Command::new("kill")
        .args(["-TERM", &stopped.id().to_string()])
        .status();
    assert!(sent.expect("kill").success());
    let stopped = Ended::from(stopped.wait_with_output().expect("it ends"));
    let reported = reports(&lake).len() as u64;
    // Without a code it was stopped before it listened.
    if let Some(code) = stopped.code {
        stopped.assert_calm();
        assert_eq!(stopped.count("done"), reported, "{stopped:?}");
        assert_eq!(stopped.count("done") + stopped.count("left"), 4);
        let expected = if stopped.count("left") > 0 { 143 } else { 0 };
        assert_eq!(code, expected, "{stopped:?}");
    }
    let rest = work(&lake, 1);
    assert_eq!(sum(&rest, "done") + reported, 4, "{rest:?}");
    run(resume(&lake)).assert_code(3);
    alone.assert_same_as(&lake, "a worker was stopped");
}

#[test]
fn reports_that_are_missing_cut_off_or_forged_cost_their_own_unit_alone() {
    /// What is made of a report, and what has to be said about it.
    type Case = (&'static str, fn(&mut Value));
    const ADD: &str = "/result/staged/tables/applications/0/add/path";
    const CASES: [Case; 7] = [
        ("cannot be read", |report| *report = json!("cut off")),
        ("version 99", |report| report["version"] = json!(99)),
        ("it is of run", |report| report["run_id"] = json!("other")),
        ("it is of unit 77", |report| {
            report["result"]["unit"] = json!(77);
        }),
        ("is no file of it", |report| {
            *report.pointer_mut(ADD).expect("a path") = json!("../jobs/x.parquet");
        }),
        ("does not write to findings", |report| {
            let tables = &mut report["result"]["staged"]["tables"];
            tables["findings"] = tables["applications"].take();
            let tables = tables.as_object_mut().expect("tables");
            tables.remove("applications");
        }),
        ("is missing", |report| {
            let path = report.pointer_mut(ADD).expect("a path");
            let other = path
                .as_str()
                .expect("text")
                .replace(".parquet", "0.parquet");
            *path = json!(other);
        }),
    ];
    let alone = alone();
    let lake = folder("shards_forged");
    alone.hand_out(&lake, 4);
    work(&lake, 1);
    let all = reports(&lake);
    assert_eq!(all.len(), LOGS.len(), "a unit for each log");
    let original = lake.with_file_name("shards_forged_original");
    remove(&original);
    copy_folder(&lake, &original);
    for cases in CASES.chunks(3) {
        remove(&lake);
        copy_folder(&original, &lake);
        for ((_, forge), path) in cases.iter().zip(&all) {
            let mut report = fs::read(path).expect("a report");
            let mut forged = serde_json::from_slice(&report).expect("JSON");
            forge(&mut forged);
            match forged.is_string() {
                true => report.truncate(report.len() / 2),
                false => report = serde_json::to_vec(&forged).expect("JSON"),
            }
            fs::write(path, report).expect("forged");
        }
        // A worker does not write over them and says what to do. It does not look for files.
        if cases.len() > 1 {
            let worker = Ended::from(worker(&lake, "0/1").output().expect("it starts"));
            worker.assert_code(1);
            assert!(worker.err.contains("remove it"), "{}", worker.err);
        }
        let ended = run(resume(&lake));
        ended.assert_code(3);
        let problems = ended.summary()["problems"].to_string();
        for (expected, _) in cases {
            assert!(problems.contains(expected), "{expected}: {problems}");
        }
        assert_eq!(ended.summary()["shards"]["missing"], json!(cases.len()));
        let loaded: BTreeSet<String> = rows(&lake, "applications")
            .into_iter()
            .map(|row| row["application_id"].clone())
            .collect();
        assert_eq!(loaded.len(), LOGS.len() - cases.len(), "{problems}");
        // What nobody took is gone, and nothing else.
        assert_eq!(unused_files(&lake), BTreeSet::new(), "{problems}");
        // The next run reads what is missing.
        load(&alone.logs, &lake).assert_calm();
        alone.assert_same_as(&lake, &problems);
    }
}

#[test]
fn a_run_that_cannot_be_resumed_says_why_and_stays_as_it_is() {
    let alone = alone();
    let lake = folder("shards_refused");
    let nothing = run(resume(&lake));
    nothing.assert_code(2);
    let handed_out = alone.hand_out(&lake, 2);
    let run_id = handed_out.summary()["run_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let ask = |arguments: &[&str], code: i32, expected: &str| {
        let mut command = command(["-q"]);
        command.args(arguments).arg("--lake").arg(&lake);
        let ended = run(command);
        ended.assert_code(code);
        assert!(ended.err.contains(expected), "{arguments:?}: {}", ended.err);
    };
    ask(
        &["worker", "--run", "../../etc", "--shard", "0/1"],
        2,
        "no id of a run",
    );
    let other = "019ab2c0-0000-7000-8000-000000000000";
    ask(&["worker", "--run", other, "--shard", "0/1"], 2, &run_id);
    ask(&["run", "--resume", other], 2, "does not wait for workers");
    ask(&["worker", "--run", &run_id], 2, "--shard 0/4");
    ask(
        &["worker", "--run", &run_id, "--shard", "2/2"],
        2,
        "counted from 0",
    );

    ask(
        &["run", "--engine", "shards", "--watch", "1h"],
        2,
        "leave one of the two out",
    );
    ask(&["run", "--resume", &run_id, "--watch", "1h"], 2, "--watch");
    let status = |reported: usize| {
        let mut status = command(["status", "--lake"]);
        status.arg(&lake);
        let status = run(status);
        let waits = format!(
            "run {run_id} waits for its workers (extraction, {reported} of 2 units reported)"
        );
        assert!(status.out.contains(&waits), "{status:?}");
    };
    status(0);

    // A store that takes no report: here, a file in the way of the folder.
    let reports = lake.join(format!("_sparklake/shards/{run_id}/extraction/reports"));
    fs::write(&reports, "").expect("in the way");
    ask(
        &["worker", "--run", &run_id, "--shard", "0/1"],
        1,
        "reports",
    );
    fs::remove_file(&reports).expect("out of the way");

    let manifest = lake.join(format!("_sparklake/shards/{run_id}.json"));
    let written = fs::read_to_string(&manifest).expect("a manifest");
    let newer = written.replacen("\"version\":1", "\"version\":99", 1);
    fs::write(&manifest, newer).expect("newer");
    ask(
        &["worker", "--run", &run_id, "--shard", "0/1"],
        2,
        "the manifest has version 99",
    );
    ask(
        &["run", "--resume", &run_id],
        2,
        "the manifest has version 99",
    );
    fs::write(&manifest, &written[..written.len() / 2]).expect("cut off");
    ask(
        &["worker", "--run", &run_id, "--shard", "0/1"],
        2,
        "the manifest cannot be read",
    );
    ask(
        &["run", "--resume", &run_id],
        2,
        "the manifest cannot be read",
    );
    fs::write(&manifest, written).expect("as it was");

    // `maintain` leaves what was handed out alone.
    ask(&["maintain"], 0, "");
    work(&lake, 2);
    status(2);
    run(resume(&lake)).assert_code(3);
    alone.assert_same_as(&lake, "after refusals");
    // A worker that comes late finds no run.
    ask(
        &["worker", "--run", &run_id, "--shard", "0/1"],
        2,
        "no run waits there",
    );
}
