//! How a cluster was set up, as far as histories depend on it.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_emr::types::{self, Configuration, LogType, LogUploadPolicyValue};

use super::api::Step;
use super::command_line;

const SPARK_DEFAULTS: &str = "spark-defaults";
const EVENT_LOG_DIR: &str = "spark.eventLog.dir";
const EVENT_LOG_ENABLED: &str = "spark.eventLog.enabled";
/// How deep configurations may be nested; EMR's own are one or two levels.
const MAX_DEPTH: usize = 16;

/// How a cluster was set up.
#[derive(Debug, Default)]
pub(super) struct Setup {
    /// Whether Spark is among its applications; `None` where that is not known.
    pub has_spark: Option<bool>,
    /// Names of its applications.
    pub applications: Vec<String>,
    /// Where its logs are delivered.
    pub log_uri: Option<String>,
    /// Name of the node that runs YARN's ResourceManager.
    pub master_dns: Option<String>,
    /// Whether its instances are in fleets; `None` where that is not known.
    pub has_fleets: Option<bool>,
    /// Whether EMR was told not to keep what its History Server shows.
    pub is_persistent_ui_disabled: bool,
    /// Size of the root volume of each instance, in GB.
    pub root_volume_gb: Option<i64>,
    /// Folders in S3 that its event logs are written to.
    pub event_log_folders: BTreeSet<String>,
    /// Whether applications were told not to write event logs.
    pub is_event_log_off: bool,
}

impl Setup {
    /// What the description tells.
    pub(super) fn of(description: Option<&types::Cluster>) -> Self {
        let Some(description) = description else {
            return Self::default();
        };
        let applications: Vec<_> = description
            .applications()
            .iter()
            .filter_map(|application| application.name.clone())
            .collect();
        let has_spark = applications
            .iter()
            .any(|name| name.to_ascii_lowercase().contains("spark"));
        let collection = description.instance_collection_type.as_ref();
        let mut setup = Self {
            has_spark: Some(has_spark),
            applications,
            log_uri: description.log_uri.clone().filter(|uri| !uri.is_empty()),
            master_dns: description
                .master_public_dns_name
                .clone()
                .filter(|name| !name.is_empty()),
            has_fleets: collection
                .map(|kind| *kind == types::InstanceCollectionType::InstanceFleet),
            is_persistent_ui_disabled: is_persistent_ui_disabled(description),
            root_volume_gb: description.ebs_root_volume_size.map(i64::from),
            ..Self::default()
        };
        setup.add_configurations(description.configurations());
        setup
    }

    /// Adds what configurations tell: those of the cluster, then those that groups were given later.
    pub(super) fn add_configurations(&mut self, configurations: &[Configuration]) {
        self.add_nested(configurations, MAX_DEPTH);
    }

    fn add_nested(&mut self, configurations: &[Configuration], depth: usize) {
        for configuration in configurations {
            let properties = configuration.properties.as_ref();
            if configuration.classification.as_deref() == Some(SPARK_DEFAULTS)
                && let Some(properties) = properties
            {
                self.add_properties(properties);
            }
            if depth > 0 {
                self.add_nested(configuration.configurations(), depth - 1);
            }
        }
    }

    fn add_properties(&mut self, properties: &HashMap<String, String>) {
        if let Some(folder) = properties.get(EVENT_LOG_DIR) {
            self.add_folder(folder);
        }
        if let Some(enabled) = properties.get(EVENT_LOG_ENABLED) {
            self.is_event_log_off = enabled.trim().eq_ignore_ascii_case("false");
        }
    }

    /// Adds what steps were told on their command lines.
    pub(super) fn add_steps(&mut self, steps: &[Step]) {
        for step in steps {
            for (name, value) in command_line::spark_properties(step) {
                if name == EVENT_LOG_DIR {
                    self.add_folder(value);
                }
            }
        }
    }

    /// Notes a folder that is in S3. Others are the cluster's own and end with it.
    fn add_folder(&mut self, folder: &str) {
        self.event_log_folders.extend(s3_folder(folder));
    }
}

/// The folder by one name, whichever of Hadoop's file systems it was written for.
pub(super) fn s3_folder(folder: &str) -> Option<String> {
    let (scheme, rest) = folder.trim().split_once("://")?;
    let rest = rest.trim_end_matches('/');
    let is_s3 = ["s3", "s3a", "s3n"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    (is_s3 && !rest.is_empty()).then(|| format!("s3://{rest}"))
}

fn is_persistent_ui_disabled(description: &types::Cluster) -> bool {
    description
        .monitoring_configuration
        .as_ref()
        .and_then(|monitoring| monitoring.s3_logging_configuration.as_ref())
        .and_then(|logging| logging.log_type_upload_policy.as_ref())
        .and_then(|policy| policy.get(&LogType::PersistentUiLogs))
        .is_some_and(|value| *value == LogUploadPolicyValue::Disabled)
}
