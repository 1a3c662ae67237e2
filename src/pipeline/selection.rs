//! Which of what was discovered has to be read, and which clusters have to be asked.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use chrono::{DateTime, Utc};

use crate::discover::{Cluster, History};
use crate::load::{Batch, ClusterLedger, Lake, Ledger, LoadError, SourceRecord, SourceStatus};

use super::reload::Reload;
use super::request::RunRequest;
use super::summary::{Problem, RunSummary};

/// What the lake knows, and what of it is read again all the same.
pub(super) struct Selection {
    /// What earlier runs read, and this one so far.
    ledger: RwLock<Ledger>,
    /// Files of which one application is in the tables and another is still to be read.
    unfinished: HashSet<String>,
    clusters: ClusterLedger,
    include_tasks: bool,
    reload: Reload,
    /// URIs that `reload` selects.
    reloaded: HashSet<String>,
    /// Those of them that this run has found.
    found: Mutex<HashSet<String>>,
    /// Platform and id of the clusters that those belong to.
    reloaded_clusters: HashSet<(String, String)>,
}

impl Selection {
    /// Of a lake that may not be there.
    pub(super) async fn of(lake: Option<&Lake>, request: &RunRequest) -> Result<Self, LoadError> {
        let (ledger, clusters) = match lake {
            Some(lake) => tokio::try_join!(lake.ledger(), lake.cluster_ledger())?,
            None => Default::default(),
        };
        let mut selection = Self {
            unfinished: unfinished_files(&ledger),
            ledger: RwLock::new(ledger),
            clusters,
            include_tasks: request.include_tasks,
            reload: request.reload.clone(),
            reloaded: HashSet::new(),
            found: Mutex::default(),
            reloaded_clusters: HashSet::new(),
        };
        selection.note_reloaded();
        Ok(selection)
    }

    fn note_reloaded(&mut self) {
        if self.reload.is_empty() {
            return;
        }
        let mut uris = HashSet::new();
        let mut clusters = HashSet::new();
        for entry in self.ledger().entries() {
            if self.reload.selects(&entry) {
                // Another application of a file is read with the file.
                let file = entry.source_uri.rsplit_once('#');
                uris.extend(file.map(|(file, _)| file.to_owned()));
                uris.insert(entry.source_uri.clone());
                let cluster = entry
                    .key
                    .as_ref()
                    .map(|key| (key.platform.clone(), key.cluster_id.clone()));
                clusters.extend(cluster);
            }
        }
        self.reloaded = uris;
        self.reloaded_clusters = clusters;
    }

    /// What earlier runs read, and this one so far.
    pub(super) fn ledger(&self) -> RwLockReadGuard<'_, Ledger> {
        self.ledger.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what this run has committed.
    pub(super) fn note<'r>(&self, records: impl Iterator<Item = &'r SourceRecord>, batch: &Batch) {
        let mut ledger = self.ledger.write().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            ledger.note(record, batch);
        }
    }

    /// Whether a history has to be read.
    pub(super) fn needs(&self, history: &History) -> bool {
        let uri = history.uri();
        let is_reloaded = self.reloaded.contains(uri);
        if is_reloaded {
            self.locked_found().insert(uri.to_owned());
        }
        let ledger = self.ledger();
        is_reloaded
            || self.unfinished.contains(uri)
            || !ledger.is_current(uri, &history.fingerprint())
            || (self.include_tasks && ledger.lacks_tasks(uri))
    }

    /// Whether a cluster has to be asked: all but those that ended and were loaded whole.
    pub(super) fn needs_cluster(&self, cluster: &Cluster) -> bool {
        let id = (cluster.platform.as_str().to_owned(), cluster.id.clone());
        if !cluster.is_finished || self.reloaded_clusters.contains(&id) {
            return true;
        }
        let fingerprint = cluster.fingerprint();
        match self.clusters.get(&cluster.uri) {
            Some(entry) => {
                !entry.is_done
                    || entry.fingerprint != fingerprint
                    || (self.include_tasks && !entry.has_tasks)
                    || self.reload.selects_cluster(&cluster.uri, entry.is_stale())
            }
            // Versions before 0.2 kept clusters among the histories.
            None => {
                !self.ledger().is_current(&cluster.uri, &fingerprint)
                    || self.reload.selects_cluster(&cluster.uri, true)
            }
        }
    }

    /// Time of a cluster's newest mean in the lake. One in the future comes from a clock that was
    /// ahead, and would keep all later means out.
    pub(super) fn measured_until(&self, cluster: &Cluster) -> Option<DateTime<Utc>> {
        let known = match self.clusters.get(&cluster.uri) {
            Some(entry) => entry.measured_until,
            None => self
                .ledger()
                .get(&cluster.uri)
                .and_then(|entry| entry.modified),
        };
        known.filter(|time| *time <= Utc::now())
    }

    fn locked_found(&self) -> MutexGuard<'_, HashSet<String>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what `--reload` selects and this run does not find.
    pub(super) fn note_missing(&self, summary: &mut RunSummary) {
        if self.reload.is_empty() {
            return;
        }
        if self.reloaded.is_empty() && self.clusters.is_empty() {
            tracing::warn!("--reload selects nothing that is in the lake");
        }
        let found = self.locked_found();
        let missing: Vec<&String> = self
            .reloaded
            .iter()
            .filter(|uri| !found.contains(*uri))
            .collect();
        if let Some(first) = missing.iter().min() {
            summary.problems.push(Problem {
                uri: (**first).clone(),
                status: SourceStatus::Skipped,
                error_kind: "reload_not_found".to_owned(),
                error: "--reload selects histories that this run does not find: they are gone, \
                        or out of the run's sources, window or limits; their rows stay"
                    .to_owned(),
                count: missing.len(),
                retryable: false,
                missing: false,
                place: None,
                call: None,
            });
        }
    }
}

/// Files of which one application is in the tables and another is still to be read.
fn unfinished_files(ledger: &Ledger) -> HashSet<String> {
    ledger
        .entries_of(|status| status == SourceStatus::Failed)
        .filter_map(|entry| {
            let (file, _) = entry.source_uri.rsplit_once('#')?;
            Some(file.to_owned())
        })
        .collect()
}
