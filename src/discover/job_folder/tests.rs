use std::collections::HashMap;
use std::path::Path as LocalPath;

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap_or(LocalPath::new("/"))).unwrap();
            std::fs::write(path, "{\"Event\":\"").unwrap();
        }
        Self(root)
    }

    fn read(&self) -> (JobFolder, Discovery) {
        let root = self.0.path().to_str().unwrap();
        let location = Location::resolve(root, &HashMap::new()).unwrap();
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let folder = JobFolder::read(&location).await.unwrap();
            let discovery = folder.discover().await.unwrap();
            (folder, discovery)
        })
    }

    fn below<'a>(&self, uri: &'a str) -> &'a str {
        let root = format!("file://{}/", self.0.path().display());
        uri.strip_prefix(root.as_str()).unwrap()
    }

    fn processes(&self, folder: &JobFolder) -> Vec<(LoggedProcess, String)> {
        let places = folder.process_logs.iter();
        places
            .map(|place| (place.process, self.below(&place.uri).to_owned()))
            .collect()
    }

    fn logs(&self, discovery: &Discovery) -> Vec<String> {
        let mut logs: Vec<_> = discovery
            .histories
            .iter()
            .map(|history| self.below(history.uri()).to_owned())
            .collect();
        logs.sort();
        logs
    }
}

#[test]
fn the_folder_of_a_retried_run_has_its_attempts() {
    let folder = Folder::new(&[
        "SPARK_DRIVER/stderr.gz",
        "SPARK_EXECUTOR/1/stdout.gz",
        "sparklogs/eventlog_v2_r/events_0_r",
        "sparklogs/eventlog_v2_r/events_1_r",
        "attempts/2/SPARK_DRIVER/archived/stderr_1.gz",
        "attempts/2/sparklogs/eventlog_v2_r/events_0_r",
        "HIVE_DRIVER/stderr.gz",
    ]);
    let (found, discovery) = folder.read();
    assert_eq!(
        folder.logs(&discovery),
        [
            "attempts/2/sparklogs/eventlog_v2_r",
            "sparklogs/eventlog_v2_r"
        ]
    );
    assert_eq!(
        folder.processes(&found),
        [
            (LoggedProcess::Driver, "SPARK_DRIVER".to_owned()),
            (LoggedProcess::Executor, "SPARK_EXECUTOR".to_owned()),
            (LoggedProcess::Driver, "attempts/2/SPARK_DRIVER".to_owned()),
        ]
    );
}

#[test]
fn pods_of_a_run_are_told_apart_and_tell_its_application() {
    let folder = Folder::new(&[
        "containers/0000run-abcde/stderr.gz",
        "containers/spark-0000run/spark-0000run-driver/stdout.gz",
        "containers/spark-0000run/job-4b35-exec-1/stderr.gz",
    ]);
    let (found, discovery) = folder.read();
    assert_eq!(found.application_ids, ["spark-0000run"]);
    assert!(discovery.histories.is_empty());
    let mut processes = folder.processes(&found);
    processes.sort();
    assert_eq!(
        processes,
        [
            (
                LoggedProcess::Driver,
                "containers/spark-0000run/spark-0000run-driver".to_owned()
            ),
            (
                LoggedProcess::Executor,
                "containers/spark-0000run/job-4b35-exec-1".to_owned()
            ),
            (
                LoggedProcess::Container,
                "containers/0000run-abcde".to_owned()
            ),
        ]
    );
}

#[test]
fn a_folder_that_is_not_there_is_empty() {
    let folder = Folder::new(&[]);
    let root = folder.0.path().join("jobs/none");
    let location = Location::resolve(root.to_str().unwrap(), &HashMap::new()).unwrap();
    let found = tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(JobFolder::read(&location))
        .unwrap();
    assert!(found.event_logs.is_empty() && found.process_logs.is_empty());
}
