//! What the operators of physical plans mean: by whatever engine they ran, and whether their plan
//! comes from a log or from REST.

mod access;
mod operator;
mod subtree;
mod text;
mod timers;

pub use access::{Operation, TableAccess};
pub use operator::is_stage_boundary;
pub use operator::{Engine, OperatorKind};
pub use subtree::{Subtree, SubtreeNode, subtrees};
pub use timers::NodeTime;
pub use timers::{NodeTimers, node_times};
