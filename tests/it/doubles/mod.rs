//! Servers that speak the real wire formats, for what no test can have for real.

pub mod databricks;
pub mod emr;
pub mod emr_eks;
pub mod emr_serverless;
pub mod history_server;
pub mod job_runs;
pub mod moto;
