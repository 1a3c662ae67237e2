//! Spark event logs: bytes to text ([`codec`]), text to events ([`event`]), events to rows
//! ([`replay`], [`rows`]); and what the operators of plans mean ([`plan`]).
//!
//! This crate reads no file, knows no lake and asks no server. It builds and tests in seconds,
//! without DataFusion and without any client of a cloud; the fuzz targets stand on it.
#![forbid(unsafe_code)]

pub mod codec;
mod error;
pub mod event;
pub mod limits;
pub mod plan;
pub mod replay;
pub mod rows;

pub use error::RowError;
