//! Units of a run on Apache Ballista: its scheduler and executors in this program, and the way to them.
//!
//! Ballista hands units out, notices machines that die, and has their units done again; it is the engine
//! behind [`crate::unit::shards::UnitEngine`]. What travels through it is one plan for each job:
//!
//! ```text
//! UnitExec        the run: lake, id, phase; gives "done" for each row
//!   DataSourceExec  in memory: one partition for each unit, with one row, its position in the manifest
//! ```
//!
//! The source in memory is the leaf, because Ballista splits only leaves that it knows between tasks; a leaf
//! of our own would be run by each task in full. A task is one partition ([`client`]), so what dies with an
//! executor is the unit that it was working on. An executor reads manifest and order from the lake and calls
//! what `sparklake worker` calls; the truth is in the report that it writes, and nobody fetches the rows of
//! the plan. Errors of units are errors of input and output for Ballista, the one kind that it tries again.
//!
//! Executors ask the scheduler for tasks and listen nowhere, and they run no plan but this one ([`engine`]).
//! With certificates ([`tls`]) each side shows its own and is believed by those of the same authority alone;
//! without them nothing is encrypted or authenticated, and beyond this machine that takes an explicit flag.

mod client;
mod codec;
mod engine;
mod exec;
mod executor;
mod health;
mod runs;
mod scheduler;
#[cfg(test)]
mod tests;
mod tls;

pub use client::Ballista;
pub use executor::{ExecutorEnd, ExecutorSettings, run_executor};
pub use scheduler::{SchedulerEnd, SchedulerSettings, run_scheduler};

/// Why a scheduler or executor does not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The address is taken, or is not one of this machine.
    #[error("{address} cannot be listened on: {problem}; choose another")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why not.
        problem: std::io::Error,
    },
    /// The folder for what tasks leave cannot be made.
    #[error("the work folder cannot be made: {0}; name another with --work-dir")]
    WorkDir(std::io::Error),
    /// The system gives no threads.
    #[error(
        "no threads for units can be started: {0}; raise the limit of threads or lower --cores"
    )]
    Threads(std::io::Error),
    /// The certificates cannot be used.
    #[error(
        "{files} cannot be used for TLS: {problem}; --tls-certificate and --tls-key are the certificate of \
         this side with its key, --tls-ca the authority that signed those of all sides, all as PEM"
    )]
    Tls {
        /// The files.
        files: String,
        /// Why not.
        problem: String,
    },
    /// The scheduler cannot be reached or refuses.
    #[error(transparent)]
    Engine(#[from] crate::unit::shards::EngineError),
    /// Ballista cannot go on.
    #[error("Ballista stopped: {0}; start it again")]
    Stopped(String),
}
