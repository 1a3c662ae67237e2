//! Event logs: bytes to text ([`codec`], [`layout`]), text to events, events to rows.

pub mod codec;
mod input;
pub mod layout;
mod rollover;
