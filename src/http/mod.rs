//! HTTP to other people's servers: one [`Client`] a server, which keeps its session, retries what
//! is worth it, stops when it is not, and lets no secret out.
//!
//! Used to discover (listing applications, clusters) and to extract (logs, REST pages).
//!
//! A request of a caller ([`Client::get_json`]) is sent in attempts (`retry`), each an exchange with
//! the server that follows its redirects (`exchange`), within a session (`session`). What comes back
//! is data, or a page for people (`page`), or a [`failure::Failure`], which knows what to do next.

mod address;
mod cap;
mod client;
mod error;
mod exchange;
mod failure;
mod login;
mod page;
mod receive;
mod redact;
mod retry;
mod session;
mod settings;
mod transport;

#[cfg(test)]
mod tests;

pub use address::path_segment;
pub use client::Client;
pub use error::HttpError;
pub use login::{Login, LoginError, Session};
pub use settings::{Auth, ClientSettings, HttpSettings, Secret};
