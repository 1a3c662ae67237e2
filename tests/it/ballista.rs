//! Runs whose units a Ballista cluster works through: a scheduler and executors of this program.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::program::{Ended, command};
use super::shards::alone;
use super::world::{folder, random_share};

/// Longest time to wait for what a process says.
const PATIENCE: Duration = Duration::from_secs(60);

/// A scheduler with its executors. Dropped, all are killed.
struct Cluster {
    home: PathBuf,
    scheduler: Member,
    executors: Vec<Member>,
}

/// A process and what it says.
struct Member {
    process: Child,
    log: PathBuf,
}

impl Member {
    fn start(mut command: Command, log: PathBuf) -> Self {
        let said = File::create(&log).expect("a log");
        command.stdout(Stdio::null()).stderr(said);
        let process = command.spawn().expect("it starts");
        Self { process, log }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).expect("its log")
    }

    /// Waits until it says that, and gives what follows up to a comma.
    fn after(&self, words: &str) -> String {
        for _ in 0..PATIENCE.as_millis() / 100 {
            let said = self.said();
            if let Some((_, rest)) = said.split_once(words) {
                return rest.split([',', '\n']).next().unwrap_or("").to_owned();
            }
            sleep(Duration::from_millis(100));
        }
        panic!("it never says {words:?}: {}", self.said());
    }

    fn kill(&mut self) {
        self.process.kill().expect("it is killed");
        self.process.wait().expect("it ends");
    }
}

impl Cluster {
    fn start(name: &str, executors: usize) -> Self {
        let home = folder(name);
        fs::create_dir_all(&home).expect("a folder");
        let mut scheduler = command(["cluster", "scheduler", "--listen", "127.0.0.1:0"]);
        scheduler.args(["--executor-timeout-seconds", "12"]);
        let scheduler = Member::start(scheduler, home.join("scheduler.log"));
        let mut cluster = Self {
            home,
            scheduler,
            executors: Vec::new(),
        };
        for _ in 0..executors {
            cluster.add_executor();
        }
        cluster
    }

    fn address(&self) -> String {
        self.scheduler.after("scheduler at ")
    }

    fn add_executor(&mut self) {
        let mut executor = command(["cluster", "executor", "--cores", "1", "--scheduler"]);
        executor.arg(self.address()).current_dir("/");
        let number = fs::read_dir(&self.home).expect("its home").count();
        let log = self.home.join(format!("executor-{number}.log"));
        let executor = Member::start(executor, log);
        executor.after("executor of ");
        self.executors.push(executor);
    }

    fn run(&self, lake: &Path, units: usize) -> Command {
        let mut run = command(["run", "--engine"]);
        run.arg(format!("ballista://{}", self.address()));
        run.args(["--units", &units.to_string()]);
        run.arg("--event-logs").arg(&alone().logs);
        run.arg("--lake").arg(lake);
        run
    }

    /// How often each unit was worked through, by phase and position, as executors tell it.
    fn units(&self) -> BTreeMap<(String, String), usize> {
        let mut units = BTreeMap::new();
        for file in fs::read_dir(&self.home).expect("its home") {
            let said = fs::read_to_string(file.expect("a file").path()).expect("a log");
            for line in said.lines().filter(|line| line.contains("unit ends: Done")) {
                let told = |name: &str| {
                    let (_, rest) = line.split_once(&format!("{name}=")).expect("a field");
                    let value = rest.split_whitespace().next().expect("a value");
                    value.trim_matches('"').to_owned()
                };
                *units.entry((told("phase"), told("position"))).or_default() += 1;
            }
        }
        units
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for member in self.executors.iter_mut().chain([&mut self.scheduler]) {
            // It may have ended by itself.
            let _ = member.process.kill();
            let _ = member.process.wait();
        }
    }
}

fn ended(mut command: Command) -> Ended {
    command.output().expect("the program starts").into()
}

#[test]
fn a_cluster_gives_the_rows_of_one_process_and_does_each_unit_once() {
    for (units, executors) in [(1, 1), (4, 2)] {
        let context = format!("{units} units, {executors} executors");
        let mut cluster = Cluster::start(&format!("ballista_{units}_{executors}"), executors);
        let lake = cluster.home.join("lake");
        let run = ended(cluster.run(&lake, units));
        run.assert_calm();
        assert_eq!(run.summary()["shards"]["missing"], 0, "{context}: {run:?}");
        alone().assert_same_as(&lake, &context);
        let done = cluster.units();
        let extracted = done.keys().filter(|(phase, _)| phase == "extraction");
        assert_eq!(extracted.count(), units, "{context}: {done:?}");
        assert!(
            done.values().all(|times| *times == 1),
            "{context}: {done:?}"
        );
        for executor in &mut cluster.executors {
            let pid = executor.process.id().to_string();
            assert!(
                Command::new("kill")
                    .arg(pid)
                    .status()
                    .expect("kill")
                    .success()
            );
            let code = executor.process.wait().expect("it ends");
            assert_eq!(code.code(), Some(0), "{context}: {}", executor.said());
        }
    }
}

#[test]
fn executors_that_are_killed_cost_time_and_nothing_else() {
    let mut cluster = Cluster::start("ballista_killed", 2);
    for round in 0..2 {
        let lake = cluster.home.join(format!("lake-{round}"));
        let mut run = cluster.run(&lake, 4);
        let run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let run = run.expect("it starts");
        sleep(Duration::from_secs(4).mul_f64(random_share()));
        cluster.executors[0].kill();
        cluster.executors.remove(0);
        cluster.add_executor();
        let run = Ended::from(run.wait_with_output().expect("it ends"));
        run.assert_calm();
        alone().assert_same_as(&lake, &format!("round {round}"));
    }
}

#[test]
fn a_run_that_lost_its_scheduler_waits_and_is_resumed() {
    let mut cluster = Cluster::start("ballista_lost", 1);
    // Without an executor nothing of the job is done.
    let lake = cluster.home.join("lake");
    let mut run = cluster.run(&lake, 2);
    let run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let run = run.expect("it starts");
    sleep(Duration::from_secs(2).mul_f64(random_share()));
    cluster.scheduler.kill();
    let run = Ended::from(run.wait_with_output().expect("it ends"));
    let other = Cluster::start("ballista_other", 1);
    if run.summary()["exit_code"] == 75 {
        assert!(run.err.contains("does not answer"), "{run:?}");
        if run.err.contains("run --resume") {
            let mut resume = command(["run", "--resume", "latest", "--engine"]);
            resume.arg(format!("ballista://{}", other.address()));
            resume.arg("--lake").arg(&lake);
            ended(resume).assert_calm();
        }
    }
    ended(other.run(&lake, 2)).assert_calm();
    alone().assert_same_as(&lake, "resumed");
}

#[test]
fn what_listens_beyond_this_machine_has_to_be_trusted() {
    for arguments in [
        &["cluster", "scheduler", "--listen", "0.0.0.0:0"][..],
        &["cluster", "executor", "--scheduler", "192.0.2.1:50050"],
        &[
            "run",
            "--engine",
            "ballista://192.0.2.1",
            "--event-logs",
            "/none",
            "--lake",
            "/none",
        ],
    ] {
        let mut refused = command([]);
        refused.args(arguments);
        let refused = ended(refused);
        refused.assert_code(2);
        assert!(refused.err.contains("--trust-network"), "{refused:?}");
    }
}
