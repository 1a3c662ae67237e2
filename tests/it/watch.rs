//! `run --watch`: rounds that find what is new, cost nothing where nothing is, survive what fails,
//! and end when they are asked to.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command};

use serde_json::Value;

use super::program::{command, load_command};
use super::stored::rows;
use super::world::{fixtures, folder};

/// A watch under way; killed when a test fails.
struct Watch {
    child: Child,
    summaries: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn start(mut command: Command) -> Self {
        let mut child = command.arg("--watch").arg("1s").spawn().expect("starts");
        let out = child.stdout.take().expect("a pipe");
        Self {
            child,
            summaries: BufReader::new(out).lines(),
        }
    }

    /// The summary of the next round.
    #[track_caller]
    fn next(&mut self) -> Value {
        let line = self.summaries.next().expect("a round").expect("UTF-8");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The first of the next rounds for which `is_wanted` holds; a round that was under way when
    /// something changed may not have seen it.
    #[track_caller]
    fn until(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Vec::new();
        for _ in 0..20 {
            let summary = self.next();
            if is_wanted(&summary) {
                return summary;
            }
            seen.push(summary);
        }
        panic!("no such round: {seen:?}");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status()
            .expect("kill");
        assert!(sent.success());
    }

    /// The exit code, and the summaries that were still to come.
    fn ended(mut self) -> (Option<i32>, Vec<Value>) {
        let mut last = Vec::new();
        for line in self.summaries.by_ref() {
            last.push(serde_json::from_str(&line.expect("UTF-8")).expect("JSON"));
        }
        (self.child.wait().expect("it ends").code(), last)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It has ended in a test that passed.
        let _ = self.child.kill();
    }
}

fn logs_with(home: &Path, log: &str) -> PathBuf {
    let logs = home.join("logs");
    fs::create_dir_all(&logs).expect("a folder");
    add(&logs, log);
    logs
}

/// Adds a log, whole at once.
fn add(logs: &Path, log: &str) {
    let target = logs.join(log);
    let beside = logs.with_file_name("coming");
    fs::copy(fixtures().join("spark35").join(log), &beside).expect("a log");
    fs::rename(beside, target).expect("moved");
}

#[test]
fn rounds_load_what_is_new_survive_failures_and_leave_rows_only_where_something_happened() {
    let home = folder("watch");
    let lake = home.join("lake");
    let logs = logs_with(&home, "local-1795193760469");
    let mut watch = Watch::start(load_command(&logs, &lake));
    let first = watch.next();
    assert_eq!(
        (&first["loaded"], &first["changed"]),
        (&1.into(), &true.into())
    );

    let quiet = watch.next();
    assert_eq!(quiet["unchanged"], 1, "{quiet}");
    assert_eq!(quiet["changed"], false, "{quiet}");
    assert_eq!(quiet["exit_code"], 0, "{quiet}");
    let quiet = watch.next();
    assert_eq!(quiet["changed"], false, "{quiet}");
    assert_eq!(rows(&lake, "runs").len(), 1, "quiet rounds leave no row");
    let notes = fs::read_dir(lake.join("_sparklake/runs")).map_or(0, Iterator::count);
    assert!(notes <= 1, "only a round under way has a note: {notes}");

    add(&logs, "local-1795193859918.zstd");
    let news = watch.until(|round| round["loaded"] == 1);
    assert_eq!(news["unchanged"], 1, "{news}");

    let away = home.join("away");
    fs::rename(&logs, &away).expect("moved");
    let failed = watch.until(|round| round["exit_code"] == 75);
    assert!(
        failed["error"]
            .as_str()
            .is_some_and(|error| error.contains("reached")),
        "{failed}"
    );
    fs::rename(&away, &logs).expect("moved");
    watch.until(|round| round["exit_code"] == 0);

    watch.signal("TERM");
    let (code, _) = watch.ended();
    assert_eq!(code, Some(0), "the code of the last round");
    let statuses: Vec<String> = rows(&lake, "runs")
        .iter()
        .map(|row| row["status"].clone())
        .collect();
    assert_eq!(
        statuses.iter().filter(|status| *status == "done").count(),
        2,
        "{statuses:?}"
    );
    assert!(statuses.contains(&"unreachable".to_owned()), "{statuses:?}");
}

#[test]
fn sigterm_ends_a_watch_after_its_round_with_the_round_loaded_whole() {
    let home = folder("watch_term");
    let lake = home.join("lake");
    let logs = logs_with(&home, "local-1795193760469");
    let watch = Watch::start(load_command(&logs, &lake));
    // The note of the run says that the round is under way.
    while fs::read_dir(lake.join("_sparklake/runs")).map_or(0, Iterator::count) == 0 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    watch.signal("TERM");
    let (code, summaries) = watch.ended();
    assert_eq!(code, Some(0));
    assert_eq!(summaries.len(), 1, "{summaries:?}");
    assert_eq!(summaries[0]["loaded"], 1, "{summaries:?}");
    assert_eq!(rows(&lake, "runs")[0]["status"], "done");
}

#[test]
fn a_round_reads_the_job_file_again_and_outlives_a_mistake_in_it() {
    let home = folder("watch_job");
    let logs = logs_with(&home, "local-1795193760469");
    let job = home.join("job.toml");
    let text = format!(
        "[lake]\nuri = \"{}\"\n[[source]]\nkind = \"event_log\"\nuris = [\"{}\"]\n",
        home.join("lake").display(),
        logs.display()
    );
    fs::write(&job, &text).expect("written");
    let mut run = command(["-q", "run"]);
    run.arg(&job);
    let mut watch = Watch::start(run);
    assert_eq!(watch.next()["loaded"], 1);
    fs::write(&job, text.replace("uris", "urls")).expect("written");
    let failed = watch.until(|round| round["exit_code"] == 2);
    assert_eq!(failed["status"], "misconfigured", "{failed}");
    fs::write(&job, &text).expect("written");
    watch.until(|round| round["exit_code"] == 0);
    watch.signal("TERM");
    assert_eq!(watch.ended().0, Some(0));

    // Waiting fixes no mistake that is there from the start.
    fs::write(&job, text.replace("uris", "urls")).expect("written");
    let mut run = command(["-q", "run"]);
    run.arg(&job).args(["--watch", "1s"]);
    let ended = run.output().expect("starts");
    assert_eq!(ended.status.code(), Some(2));
}

#[test]
fn an_interval_that_is_none_is_refused() {
    for wrong in ["0s", "soon", "5"] {
        let mut run = command([
            "run",
            "--event-logs",
            ".",
            "--lake",
            "lake",
            "--watch",
            wrong,
        ]);
        let ended = run.output().expect("starts");
        assert_eq!(ended.status.code(), Some(2), "{wrong}");
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(
            told.contains("--watch: `") && told.contains("30s, 5m, 1h"),
            "{told}"
        );
    }
}
