//! Event logs: bytes to text ([`codec`], [`layout`]), text to events ([`event`]), events to rows
//! ([`replay`]); [`history`] puts them together.

pub mod history;
pub mod identity;
mod input;
pub mod layout;
mod lines;
mod parse;
mod part;
mod rollover;
mod sections;
mod unpack;

pub use sparklake_eventlog::{codec, event, replay};
