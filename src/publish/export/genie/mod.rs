//! A Genie space over a lake: in the serialized form that the Genie interface takes and gives, version 2.
//!
//! Tables, columns, joins and questions come from the contracts and `sql/questions`. What only a space has
//! (synonyms, instructions, filters and measures, other wordings of questions) is in `sql/export/genie.toml`.

mod definition;
pub mod evaluate;
mod space;

pub use definition::Definition;
pub use space::{Space, bundle_resource, space};
