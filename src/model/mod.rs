//! The words that several rooms share: who an application is, where it ran, what a setting holds.
//!
//! This is the ground floor: nothing here imports another room, every room may import this one, and
//! no room keeps a twin of a type that stands here.

mod application_key;
mod core_time;
mod deployment;
mod duration;
mod nearest;
mod platform;
mod printable;
mod server_access;
mod setting_value;
mod size;
mod store_failure;
mod text_key;

pub use application_key::ApplicationKey;
pub use core_time::part_label;
pub use deployment::deployment_label;
pub(crate) use duration::milliseconds;
pub use nearest::{did_you_mean, nearest};
pub use platform::Platform;
pub use printable::{commands, printable, shortened};
pub use server_access::ServerAccess;
pub use setting_value::SettingValue;
pub use size::size_in_bytes;
pub use store_failure::StoreFailure;
pub use text_key::TextKey;
