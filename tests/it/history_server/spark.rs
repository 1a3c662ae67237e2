//! The real History Server, which PySpark carries.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use url::Url;

/// Longest wait for the server, and for its list to be whole.
const PATIENCE: Duration = Duration::from_secs(180);

/// Names a Spark: the folder that holds `bin/spark-class`.
const SPARK_HOME: &str = "SPARKLAKE_SPARK_HOME";

/// A server over one flat folder of logs, and nothing of it dropped by its limits.
pub(super) struct HistoryServer {
    pub url: Url,
    server: Child,
    _folder: TempDir,
}

impl HistoryServer {
    /// Serves the logs below `folders`.
    pub(super) fn start(folders: &[PathBuf]) -> Self {
        let home = std::env::var_os(SPARK_HOME)
            .unwrap_or_else(|| panic!("{SPARK_HOME} must name the folder of a Spark"));
        let folder = TempDir::new().expect("a folder");
        let logs = folder.path().join("logs");
        fs::create_dir(&logs).expect("a folder");
        let count = folders.iter().map(|from| link_logs(from, &logs)).sum();
        let port = free_port();
        let settings = folder.path().join("server.conf");
        fs::write(&settings, properties(&logs, port)).expect("written");
        let log = fs::File::create(folder.path().join("server.log")).expect("a file");
        let server = Command::new(Path::new(&home).join("bin/spark-class"))
            .arg("org.apache.spark.deploy.history.HistoryServer")
            .arg("--properties-file")
            .arg(&settings)
            .env("SPARK_HOME", &home)
            .env("SPARK_DAEMON_MEMORY", "1g")
            .env("SPARK_LOCAL_IP", "127.0.0.1")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stderr(log.try_clone().expect("a file"))
            .stdout(log)
            .spawn()
            .expect("the server starts");
        let mut started = Self {
            url: format!("http://127.0.0.1:{port}/").parse().expect("a URL"),
            server,
            _folder: folder,
        };
        started.wait_for(count);
        started
    }

    /// Waits until so many attempts are listed.
    fn wait_for(&mut self, attempts: usize) {
        let deadline = Instant::now() + PATIENCE;
        let runtime = super::collected::runtime();
        let source = super::collected::source(&self.url, Default::default());
        loop {
            let listed = runtime.block_on(sparklake::discover::history_server::discover(
                &source,
                &Default::default(),
                true,
                None,
            ));
            let found = listed.map_or(0, |listed| listed.histories.len());
            if found >= attempts {
                return;
            }
            assert_eq!(self.server.try_wait().expect("a process"), None, "it ended");
            assert!(
                Instant::now() < deadline,
                "{found} of {attempts} attempts are listed"
            );
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

impl Drop for HistoryServer {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Links every log below `from` into `to`, which the server reads flat; how many.
fn link_logs(from: &Path, to: &Path) -> usize {
    let entries = fs::read_dir(from).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_none_or(|extension| extension != "tsv"))
        .map(|path| symlink(&path, to.join(path.file_name().expect("a name"))).expect("a link"))
        .count()
}

fn properties(logs: &Path, port: u16) -> String {
    let logs = Url::from_file_path(logs).expect("a path");
    format!(
        "spark.history.fs.logDirectory {logs}\n\
         spark.history.ui.port {port}\n\
         spark.history.fs.update.interval 2s\n\
         spark.ui.retainedTasks 10000000\n\
         spark.ui.retainedJobs 10000000\n\
         spark.ui.retainedStages 10000000\n\
         spark.ui.retainedDeadExecutors 10000000\n\
         spark.sql.ui.retainedExecutions 10000000\n"
    )
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
