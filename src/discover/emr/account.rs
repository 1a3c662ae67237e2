//! EMR on EC2 in one account and region.

use std::fmt;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::api::Api;
use super::folders::Folders;
use super::ownership::Lifetime;
use super::source::{EmrSource, cluster_id_of, invalid_setting, wanted_states};
use crate::discover::{DiscoverError, aws};

/// EMR on EC2 in one account and region.
pub struct Emr {
    pub(super) source: EmrSource,
    pub(super) api: Api,
    /// Event log folders that were listed already: clusters share them.
    pub(super) folders: Folders,
    /// When the clusters of the account lived; asked for once, where it is needed.
    pub(super) lifetimes: OnceCell<Arc<Vec<Lifetime>>>,
}

impl fmt::Debug for Emr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Emr")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Emr {
    /// Looks up region and credentials; asks EMR nothing yet.
    ///
    /// # Errors
    /// When no region is known, or a setting makes no sense.
    pub async fn connect(source: EmrSource) -> Result<Self, DiscoverError> {
        let config = aws::sdk_config(&source.aws).await;
        let Some(region) = config.region().map(ToString::to_string) else {
            return Err(invalid_setting(
                "AWS_NO_REGION",
                "no region is known".to_owned(),
                "name the source's region, or set AWS_REGION",
            ));
        };
        wanted_states(&source.cluster_states)?;
        for name in &source.cluster_arns {
            cluster_id_of(name, &region)?;
        }
        Ok(Self {
            api: Api::new(config, region, &source.aws),
            source,
            folders: Folders::default(),
            lifetimes: OnceCell::new(),
        })
    }
}
