//! Servers that speak the real wire formats, for what no test can have for real.

pub(crate) mod databricks;
pub(crate) mod emr;
pub(crate) mod emr_eks;
pub(crate) mod emr_serverless;
pub(crate) mod history_server;
pub(crate) mod job_runs;
pub(crate) mod model;
pub(crate) mod moto;
