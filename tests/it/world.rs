//! Logs as they lie on two nights, and the lakes that undisturbed runs make of them.
//!
//! On the first night some applications still run: their logs end early, one bears the name of a log
//! in progress, one is not there at all. On the second all logs are as Spark left them. Made once,
//! for all tests.

use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use walkdir::WalkDir;

use super::program::{Ended, load};

/// Plain text; on the first night in progress.
pub(crate) const RENAMED: &str = "spark35/local-1795193760469";
/// Logs of which only the first part is there on the first night, and which part of them, in percent.
const GROWN: [(&str, u64); 3] = [
    ("spark35/local-1795194017768.zstd", 50),
    ("spark4/local-1795195105835.inprogress", 40),
    (
        "spark4/eventlog_v2_local-1795194331294/events_1_local-1795194331294.zstd",
        50,
    ),
];
/// Logs that are not there on the first night.
const NEW: [&str; 2] = ["spark35-gzip", "spark4/eventlog_v2_local-1795195703581"];

/// The two nights.
pub(crate) struct World {
    /// The logs of the second night.
    pub logs: PathBuf,
    /// A lake after the first night.
    pub first_night: PathBuf,
    /// The same lake after the second night.
    pub second_night: PathBuf,
    /// A lake that met the logs on the second night.
    pub fresh: PathBuf,
    pub fresh_run: Ended,
    pub fresh_run_took: Duration,
}

/// A folder of this name for a test of its own, empty.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("sparklake")
        .join(name);
    remove(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// The world; whoever asks first makes it.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(make)
}

fn make() -> World {
    let home = folder("world");
    let [logs, first_night, second_night, fresh] =
        ["logs", "first_night", "second_night", "fresh"].map(|name| home.join(name));
    copy_fixtures(&logs);
    go_back(&logs);
    load(&logs, &first_night).assert_code(0);
    remove(&logs);
    copy_fixtures(&logs);
    copy_folder(&first_night, &second_night);
    load(&logs, &second_night).assert_code(0);
    let started = SystemTime::now();
    let fresh_run = load(&logs, &fresh);
    fresh_run.assert_code(0);
    let fresh_run_took = started.elapsed().expect("time goes on");
    World {
        logs,
        first_night,
        second_night,
        fresh,
        fresh_run,
        fresh_run_took,
    }
}

/// Turns the logs into those of the first night.
fn go_back(logs: &Path) {
    shorten(&logs.join(RENAMED), 60);
    fs::rename(
        logs.join(RENAMED),
        logs.join(format!("{RENAMED}.inprogress")),
    )
    .expect("renamed");
    for (name, percent) in GROWN {
        shorten(&logs.join(name), percent);
    }
    for name in NEW {
        remove(&logs.join(name));
    }
}

fn shorten(path: &Path, percent: u64) {
    let file = File::options().write(true).open(path).expect("a log");
    let length = file.metadata().expect("a length").len();
    file.set_len(length * percent / 100).expect("shortened");
}

/// All fixtures, last modified at one fixed time, so that only their size tells that they grew.
pub(crate) fn copy_fixtures(to: &Path) {
    copy_folder(&fixtures(), to);
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_200_000);
    for entry in WalkDir::new(to)
        .into_iter()
        .map(|entry| entry.expect("an entry"))
    {
        if entry.file_type().is_file() {
            let file = File::options()
                .write(true)
                .open(entry.path())
                .expect("a log");
            file.set_modified(modified).expect("a time");
        }
    }
}

/// The logs that real Spark wrote.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/logs")
}

/// Copies a folder with all that is in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    for entry in WalkDir::new(from)
        .into_iter()
        .map(|entry| entry.expect("an entry"))
    {
        let target = to.join(entry.path().strip_prefix(from).expect("below the folder"));
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).expect("a folder");
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// Removes a folder that may not be there.
pub(crate) fn remove(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            panic!("{}: {error}", folder.display())
        }
        _ => {}
    }
}

/// Between 0 and 1, another one each time.
pub(crate) fn random_share() -> f64 {
    let random = RandomState::new().build_hasher().finish() >> 32;
    random as f64 / f64::from(u32::MAX)
}
