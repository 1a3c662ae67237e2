//! Conformance: real logs of other projects, with answers that nobody here wrote.
//!
//! `SPARKLAKE_CONFORMANCE` names the folder of the data (`spark/`, `nvidia/`, `kubeflow/`); these
//! tests are ignored unless asked for, and fail without it. All logs are loaded into one lake, once. Only tables are asked:
//! what the History Server or NVIDIA's tool answers has to follow from them.

mod difference;
mod distributions;
mod executor_metrics;
mod findings;
mod lake;
mod logs;
mod nvidia;
mod requests;
mod rest;
mod spark;
mod waste;
