//! Event logs: bytes to text ([`codec`], [`layout`]), text to events ([`event`]), events to rows
//! ([`replay`]); [`history`] puts them together.

pub mod codec;
pub mod event;
pub mod history;
mod input;
pub mod layout;
mod lines;
mod parse;
pub mod replay;
mod rollover;
