//! What ran? Finds the histories of applications, without opening any of them.
//!
//! A source gives [`History`]s, one application attempt each: an [`EventLog`] with its files in
//! reading order, or a [`ServerApplication`]. Folders and History Servers give them at once;
//! platforms give clusters first, see [`ClusterPlatform`]. Everything that cannot be ruled out by its
//! name is a candidate; whether it is an event log is for the extraction to find out. Trouble with
//! one log, folder or cluster becomes a [`DiscoverProblem`] and does not hide the others.

mod archive;
#[cfg(feature = "emr")]
pub mod aws;
mod cluster;
#[cfg(feature = "databricks")]
pub mod databricks;
#[cfg(feature = "emr")]
pub mod emr;
#[cfg(feature = "emr")]
pub mod emr_eks;
#[cfg(feature = "emr")]
pub mod emr_serverless;
pub mod event_logs;
mod group;
mod history;
pub mod history_server;
#[cfg(feature = "emr")]
mod job_folder;
#[cfg(feature = "emr")]
mod job_runs;
mod location;
#[cfg(feature = "emr")]
mod log_stores;
mod names;
mod one_cluster;
mod origin;
mod pattern;
mod problem;
mod server;
#[cfg(feature = "emr")]
mod spark_settings;
mod stable_hash;
#[cfg(feature = "emr")]
mod tally;
mod walk;
mod window;
#[cfg(feature = "emr")]
pub mod yarn;

pub(crate) use archive::{ArchivedLog, archived_logs};
pub use cluster::{
    Call, CallOutcome, Check, CheckOutcome, Cluster, ClusterInstances, ClusterList, ClusterMetrics,
    ClusterPlatform, Exploration, ExploreRequest, JobRun, LoggedProcess, Pace, ProcessLogPlace,
    ResourceHours,
};
pub use history::{Content, Discovery, EventLog, History, Layout, Section, SourceFile};
#[cfg(feature = "emr")]
pub use job_runs::JobRunSource;
pub use location::open_store;
pub(crate) use names::{
    DatabricksFile, RollingFile, application_in_name, databricks_file, file_name, rolling_file,
    without_endings,
};
pub use one_cluster::OneCluster;
pub(crate) use origin::name_of_cluster;
pub use problem::{DiscoverError, DiscoverProblem};
pub use server::ServerApplication;
pub use sparklake_eventlog::rows::JobRunLink;
pub(crate) use stable_hash::StableHash;
pub use window::Window;
