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

/// A scheduler with its executors.
struct Cluster {
    home: PathBuf,
    scheduler: Member,
    executors: Vec<Member>,
}

/// A process and what it says. Dropped, it is killed.
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
            let file = file.expect("a file").path();
            if file.extension().is_none_or(|kind| kind != "log") {
                continue;
            }
            let said = fs::read_to_string(file).expect("a log");
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

impl Drop for Member {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
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

/// An authority, and files of sides that it signed for.
struct Authority {
    folder: PathBuf,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new(folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let mut parameters = rcgen::CertificateParams::default();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = parameters.self_signed(&key).expect("an authority");
        fs::write(folder.join("ca.crt"), certificate.pem()).expect("a file");
        Self {
            folder: folder.to_owned(),
            issuer: rcgen::Issuer::new(parameters, key),
        }
    }

    /// Flags of a side that shows a certificate for `name`.
    fn flags(&self, name: &str) -> Vec<String> {
        let key = rcgen::KeyPair::generate().expect("a key");
        let parameters = rcgen::CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = parameters
            .signed_by(&key, &self.issuer)
            .expect("a certificate");
        let file = |name: &str| self.folder.join(name);
        fs::write(file("side.crt"), certificate.pem()).expect("a file");
        fs::write(file("side.key"), key.serialize_pem()).expect("a file");
        [
            ("certificate", "side.crt"),
            ("key", "side.key"),
            ("ca", "ca.crt"),
        ]
        .iter()
        .flat_map(|(flag, name)| [format!("--tls-{flag}"), file(name).display().to_string()])
        .collect()
    }
}

#[test]
fn with_certificates_only_those_of_the_same_authority_talk() {
    let home = folder("ballista_tls");
    let ours = Authority::new(&home.join("ours")).flags("localhost");
    let others = Authority::new(&home.join("others")).flags("localhost");
    let mut scheduler = command(["cluster", "scheduler", "--listen", "0.0.0.0:0"]);
    scheduler.args(["--health", "127.0.0.1:0"]).args(&ours);
    let scheduler = Member::start(scheduler, home.join("scheduler.log"));
    let listening = scheduler.after("scheduler at ");
    let port = listening.rsplit(':').next().expect("a port");
    let address = format!("localhost:{port}");
    let mut executor = command(["cluster", "executor", "--scheduler", &address]);
    executor.args(["--cores", "1"]).args(&ours);
    let executor = Member::start(executor, home.join("executor.log"));
    executor.after("executor of ");
    let run = |name: &str, tls: &[String]| {
        let mut run = command([
            "run",
            "--engine",
            &format!("ballista://{address}"),
            "--units",
            "2",
        ]);
        run.args(tls).arg("--event-logs").arg(&alone().logs);
        run.arg("--lake").arg(home.join(name));
        ended(run)
    };
    run("lake", &ours).assert_calm();
    alone().assert_same_as(&home.join("lake"), "TLS");

    // A certificate of another authority is refused at once, by whoever sees it.
    let stranger = run("stranger", &others);
    stranger.assert_code(2);
    assert!(
        stranger.err.contains("do not trust each other"),
        "{stranger:?}"
    );
    let mut foreign = command(["cluster", "executor", "--scheduler", &address]);
    let foreign = ended({
        foreign.args(&others);
        foreign
    });
    foreign.assert_code(2);
    assert!(
        foreign.err.contains("do not trust each other"),
        "{foreign:?}"
    );
    // One who shows our authority alone is asked for a certificate.
    let named = run("misnamed", &{
        let mut mixed = others.clone();
        mixed[5].clone_from(&ours[5]);
        mixed
    });
    assert!(
        matches!(named.summary()["exit_code"].as_i64(), Some(2 | 75)),
        "{named:?}"
    );
    assert!(named.err.contains("--tls-ca"), "{named:?}");
    assert!(!home.join("misnamed").exists(), "{named:?}");

    // Files that do not belong together, and half of them.
    let mut mixed = ours.clone();
    mixed[3].clone_from(&others[3]);
    let mixed = run("mixed", &mixed);
    mixed.assert_code(2);
    assert!(mixed.err.contains("cannot be used for TLS"), "{mixed:?}");
    let half = run("half", &ours[..4]);
    half.assert_code(2);
    assert!(half.err.contains("missing: --tls-ca;"), "{half:?}");
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
