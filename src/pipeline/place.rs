//! Where a problem of discovery was met, as the ledger names it.

use crate::discover::Cluster;
use crate::model::Platform;

/// A source or a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) platform: Platform,
    /// Column `cluster_id`.
    pub(super) id: String,
    /// Column `cluster_name`.
    pub(super) name: String,
}

impl Place {
    pub(super) fn new(platform: Platform, name: &str) -> Self {
        Self {
            platform,
            id: name.to_owned(),
            name: name.to_owned(),
        }
    }

    pub(super) fn of_cluster(cluster: &Cluster) -> Self {
        Self {
            platform: cluster.platform,
            id: cluster.id.clone(),
            name: cluster.name.clone(),
        }
    }
}
