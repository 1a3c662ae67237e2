//! The nightly run: wires the five steps, from `discover` to derived tables.
//!
//! A run takes the lake's lock, completes what a killed run left, finds the logs that changed,
//! stages and commits them batch by batch, judges the applications whose rows changed, and writes
//! one row about itself. Killed anywhere, the next run goes on from the last committed batch.
//! Platforms are worked through a few clusters at a time, each with its own commits.
//!
//! A run whose units go to other machines ends twice: once when its orders are written ([`shards`]),
//! and once more when it is resumed and commits what was reported. With an engine that hands units to its
//! machines ([`engine`]) the run does not end in between.

mod analysis;
mod cluster_facts;
mod cluster_outcome;
mod clusters;
mod engine;
mod error;
mod history_outcome;
mod identify;
mod live;
mod night;
mod outcome;
mod place;
mod plan;
mod portion;
mod progress;
mod reload;
mod request;
mod run_row;
mod second_pass;
mod selection;
mod shard_counts;
mod shards;
mod sources;
mod stage;
mod summary;
mod teams;
mod watch;

pub use error::{RunError, of_load};
pub use live::{LiveError, LiveLake};
pub use night::{RunEnd, run};
pub use outcome::{
    EXIT_DONE, EXIT_FAILED, EXIT_HELD, EXIT_PARTIAL, EXIT_UNREACHABLE, EXIT_USAGE, RunStatus,
    Signal,
};
pub use progress::{NoProgress, Progress};
pub use reload::{InvalidSelector, Reload};
pub use request::RunRequest;
pub use shard_counts::{ShardCounts, UnitTimes};
pub use sources::{NamedSource, Source};
pub use summary::{ClusterCounts, Problem, RunSummary};
pub use teams::TeamSettings;
pub use watch::RunWatch;
