//! What an application would take on other executors: its measured tasks, scheduled again.
//!
//! [`read`] takes the facts of applications from the lake ([`Facts`]); [`Workload`] is what of them
//! a schedule needs: tasks with the time that each held a slot, stages with their parents, jobs with
//! the driver's time before each. [`schedule`] plays a workload on a [`Cluster`], in time of its own;
//! [`Model`] predicts from that, anchored at what was measured; [`backtest`] says how well.
//!
//! What is assumed: a task takes as long elsewhere as it took here; the driver takes as long between
//! jobs; jobs wait for those that had ended before they were submitted; tasks are started in the order
//! of jobs and stages (Spark's FIFO) wherever a slot is free.

mod arrivals;
mod backtest;
mod build;
mod cluster;
mod facts;
mod model;
mod money;
mod quantiles;
mod read;
mod rows;
mod schedule;
mod settings;
mod slots;
mod tasks;
mod wanted;
mod workload;

pub use backtest::{Backtest, Errors, PastRun, backtest};
pub use cluster::{Allocation, Cluster, Executors, Losses};
pub use facts::{Cost, Facts, JobFacts, Lifetime, Sizing, StageFacts, TaskSource, Unknown};
pub use model::{Band, Model, Prediction, Scenario, Shape, knee, standard_grid};
pub use money::{Way, cost};
pub use read::{columns, list, read};
pub use rows::ReadError;
pub use schedule::{Outcome, Stuck, schedule};
pub use wanted::{Listed, Wanted};
pub use workload::{Growth, Job, Stage, Workload};
