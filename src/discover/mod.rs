//! What ran? Finds the histories of applications, without opening any of them.
//!
//! A source gives [`History`]s, one application attempt each: an [`EventLog`] with its files in
//! reading order, or a [`ServerApplication`]. Folders and History Servers give them at once;
//! platforms give clusters first, see [`ClusterPlatform`]. Everything that cannot be ruled out by its
//! name is a candidate; whether it is an event log is for the extraction to find out. Trouble with
//! one log, folder or cluster becomes a [`DiscoverProblem`] and does not hide the others.

mod archive;
pub mod aws;
mod cluster;
pub mod databricks;
pub mod emr;
pub mod emr_eks;
pub mod emr_serverless;
pub mod event_logs;
mod group;
mod history;
pub mod history_server;
mod job_folder;
mod job_runs;
mod location;
mod log_stores;
mod names;
mod origin;
mod pattern;
mod problem;
mod server;
mod spark_settings;
mod stable_hash;
mod tally;
mod walk;
mod window;
pub mod yarn;

pub(crate) use archive::{ArchivedLog, archived_logs};
pub use cluster::{
    Call, CallOutcome, Check, CheckOutcome, Cluster, ClusterInstances, ClusterList, ClusterMetrics,
    ClusterPlatform, Exploration, ExploreRequest, JobRun, LoggedProcess, Pace, ProcessLogPlace,
    ResourceHours,
};
pub use history::{Content, Discovery, EventLog, History, Layout, Section, SourceFile};
pub use location::open_store;
pub(crate) use names::{
    DatabricksFile, RollingFile, application_in_name, databricks_file, file_name, rolling_file,
    without_endings,
};
pub(crate) use origin::name_of_cluster;
pub use problem::{DiscoverError, DiscoverProblem};
pub use server::ServerApplication;
pub use sparklake_eventlog::rows::JobRunLink;
pub(crate) use stable_hash::StableHash;
pub use window::Window;
