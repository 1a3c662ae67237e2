//! Servers that speak the real wire formats, for what no test can have for real.

pub mod emr;
pub mod history_server;
