//! Event logs: bytes to text ([`codec`], [`layout`]), text to events ([`event`]), events to rows
//! ([`replay`]); [`history`] puts them together.

pub mod history;
mod input;
pub mod layout;
mod lines;
mod parse;
mod rollover;

pub use sparklake_eventlog::{codec, event, replay};
