//! The folder in which a platform puts the logs of one job run: which of its folders hold event
//! logs, and which hold what the driver and the executors printed.
//!
//! EMR Serverless writes `sparklogs/`, `SPARK_DRIVER/` and `SPARK_EXECUTOR/<id>/`, and the same once
//! more below `attempts/<n>/` for runs that it retries. EMR on EKS writes `containers/<application
//! id>/<pod>/`. Nothing is assumed: the folder is listed, without going into folders whose content
//! is known by their name.

use crate::model::Platform;
use object_store::ListResult;
use object_store::path::Path;

use super::history::{Content, Discovery, History};
use super::location::Location;
use super::problem::DiscoverError;
use super::{JobRunLink, LoggedProcess, ProcessLogPlace, event_logs};

/// The folder of event logs.
const EVENT_LOGS: &str = "sparklogs";
/// The folder of pods' logs.
const CONTAINERS: &str = "containers";
/// How deep folders of other names are looked into: `attempts/<n>`.
const DEPTH: usize = 3;

/// What lies in the folder of a job run.
#[derive(Debug, Default)]
pub(super) struct JobFolder {
    /// Folders of event logs.
    pub event_logs: Vec<Location>,
    /// Folders of processes' logs.
    pub process_logs: Vec<ProcessLogPlace>,
    /// Ids of Spark applications that folders are named after.
    pub application_ids: Vec<String>,
}

impl JobFolder {
    /// Looks into the folder of a job run. A folder that does not exist is an empty one.
    ///
    /// # Errors
    /// When the store does not let itself be listed.
    pub(super) async fn read(folder: &Location) -> Result<Self, DiscoverError> {
        let mut found = Self::default();
        let mut level = vec![folder.path.clone()];
        for _ in 0..DEPTH {
            let mut next = Vec::new();
            for path in level {
                for below in list(folder, &path).await?.common_prefixes {
                    next.extend(found.sort_in(folder, below).await?);
                }
            }
            level = next;
        }
        Ok(found)
    }

    /// Takes a folder for what its name says; one that says nothing is to be looked into.
    async fn sort_in(
        &mut self,
        root: &Location,
        path: Path,
    ) -> Result<Option<Path>, DiscoverError> {
        let name = path.filename().unwrap_or_default().to_owned();
        match name.as_str() {
            EVENT_LOGS => self.event_logs.push(root.at(path)),
            CONTAINERS => self.read_containers(root, &path).await?,
            _ => match process_of_folder(&name) {
                Some(process) => self.add_process(root, path, process),
                None if is_of_other_engine(&name) => {}
                None => return Ok(Some(path)),
            },
        }
        Ok(None)
    }

    /// `<pod of the job runner>/` and `<application id>/<pod>/`.
    async fn read_containers(
        &mut self,
        root: &Location,
        containers: &Path,
    ) -> Result<(), DiscoverError> {
        for folder in list(root, containers).await?.common_prefixes {
            let name = folder.filename().unwrap_or_default();
            if !name.starts_with("spark-") {
                // The pod in which spark-submit ran.
                self.add_process(root, folder, LoggedProcess::Container);
                continue;
            }
            self.application_ids.push(name.to_owned());
            for pod in list(root, &folder).await?.common_prefixes {
                let process = match pod.filename().is_some_and(|name| name.ends_with("-driver")) {
                    true => LoggedProcess::Driver,
                    false => LoggedProcess::Executor,
                };
                self.add_process(root, pod, process);
            }
        }
        Ok(())
    }

    fn add_process(&mut self, root: &Location, prefix: Path, process: LoggedProcess) {
        self.process_logs.push(ProcessLogPlace {
            process,
            uri: root.uri_of(prefix.as_ref()),
            store: root.store.clone(),
            prefix,
        });
    }

    /// Finds the event logs in its folders.
    ///
    /// Their window is that of their job run, so it is not looked at again here.
    ///
    /// # Errors
    /// When a folder cannot be looked at.
    pub(super) async fn discover(&self) -> Result<Discovery, DiscoverError> {
        let mut discovery = Discovery::default();
        for folder in &self.event_logs {
            match event_logs::discover_location(folder, None).await {
                Ok(found) => {
                    discovery.histories.extend(found.histories);
                    discovery.problems.extend(found.problems);
                }
                // The folder was there when its parent was listed, and nothing but empty objects
                // is in it.
                Err(DiscoverError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(discovery)
    }
}

/// The folders directly below `path`.
async fn list(root: &Location, path: &Path) -> Result<ListResult, DiscoverError> {
    root.store
        .list_with_delimiter(Some(path))
        .await
        .map_err(|source| DiscoverError::Store {
            uri: root.uri_of(path.as_ref()),
            source,
        })
}

/// `SPARK_DRIVER`, `SPARK_EXECUTOR`, `SPARK_EXECUTOR_2`.
fn process_of_folder(name: &str) -> Option<LoggedProcess> {
    if name.starts_with("SPARK_DRIVER") {
        return Some(LoggedProcess::Driver);
    }
    name.starts_with("SPARK_EXECUTOR")
        .then_some(LoggedProcess::Executor)
}

fn is_of_other_engine(name: &str) -> bool {
    name.starts_with("HIVE") || name.starts_with("TEZ")
}

/// How the histories of a job run are called.
#[derive(Debug, Clone)]
pub(super) struct RunNames<'a> {
    pub platform: Platform,
    pub cluster_id: &'a str,
    pub cluster_name: &'a str,
    pub link: &'a JobRunLink,
    /// Whether the job run is still under way, which the names of its logs do not tell.
    pub is_running: bool,
}

impl RunNames<'_> {
    /// Gives a history the names of the run.
    pub(super) fn put_on(&self, mut history: History, process_logs: &[ProcessLogPlace]) -> History {
        history.platform = self.platform;
        history.cluster_id = self.cluster_id.to_owned();
        history.cluster_name = self.cluster_name.to_owned();
        history.job_run = Some(self.link.clone());
        history.process_logs = process_logs.to_vec();
        match &mut history.content {
            Content::Log(log) => log.in_progress |= self.is_running,
            // A driver that was killed wrote no end; the platform knows of it.
            Content::Server(application) => application.completed |= !self.is_running,
        }
        history
    }
}

#[cfg(test)]
mod tests;
